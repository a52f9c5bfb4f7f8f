/** How often a server ticks, and of which ticks there are snapshots: what takes them and what sends them agree on it. */
export interface Rates {
  /** Per second. */
  readonly tickRate: number;
  /** Per second, at most tickRate. */
  readonly snapshotRate: number;
}

/**
 * Whether the state after this tick is a snapshot: when tick * snapshotRate / tickRate has passed another whole number. With
 * rates that divide, every n-th tick; with others as even as whole ticks allow, and exactly snapshotRate of every tickRate.
 */
export function isSnapshotTick(tick: number, { tickRate, snapshotRate }: Rates): boolean {
  return isTurn(tick, snapshotRate, tickRate);
}

/** Whether players are told of the state tree after this tick, so many times a second, and after every tick where that is more. */
export function isSyncTick(tick: number, rate: number, tickRate: number): boolean {
  return rate >= tickRate || isTurn(tick, rate, tickRate);
}

function isTurn(tick: number, rate: number, tickRate: number): boolean {
  return Math.floor((tick * rate) / tickRate) !== Math.floor(((tick - 1) * rate) / tickRate);
}
