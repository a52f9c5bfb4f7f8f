/** How often a server ticks, and of which ticks there are snapshots: what takes them and what sends them agree on it. */
import { FAR, NEAR, NORMAL } from "../kernel/streams.js";

export interface Rates {
  /** Per second. */
  readonly tickRate: number;
  /** Per second, at most tickRate: of the normal stream. */
  readonly snapshotRate: number;
  /** The same of the near and the far stream. Default 30 and 5, or what the others allow. */
  readonly nearRate?: number;
  readonly farRate?: number;
}

/** Snapshots a second of cells that are near and far, where nobody says. */
export const NEAR_RATE = 30;
export const FAR_RATE = 5;

/**
 * Whether the state after this tick is a snapshot: when tick * rate / tickRate has passed another whole number. With
 * rates that divide, every n-th tick; with others as even as whole ticks allow, and exactly `rate` of every tickRate.
 */
export function isDue(tick: number, rate: number, tickRate: number): boolean {
  return Math.floor((tick * rate) / tickRate) !== Math.floor(((tick - 1) * rate) / tickRate);
}

/** Bit s: the state after this tick is a snapshot of stream s. */
export function streamsDue(tick: number, { tickRate, snapshotRate, nearRate, farRate }: Rates): number {
  const near = nearRate ?? Math.min(NEAR_RATE, tickRate);
  const far = farRate ?? Math.min(FAR_RATE, tickRate);
  return (
    (isDue(tick, near, tickRate) ? 1 << NEAR : 0) |
    (isDue(tick, snapshotRate, tickRate) ? 1 << NORMAL : 0) |
    (isDue(tick, far, tickRate) ? 1 << FAR : 0)
  );
}

/** Ticks from this one to the next after which one of these streams (bit s: stream s) has a snapshot. */
export function ticksToNext(tick: number, streams: number, rates: Rates): number {
  let ticks = 1;
  while ((streamsDue(tick + ticks, rates) & streams) === 0) ticks++;
  return ticks;
}

/** Whether players are told of the state tree after this tick, so many times a second, and after every tick where that is more. */
export function isSyncTick(tick: number, rate: number, tickRate: number): boolean {
  return rate >= tickRate || isDue(tick, rate, tickRate);
}
