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
  return Math.floor((tick * snapshotRate) / tickRate) !== Math.floor(((tick - 1) * snapshotRate) / tickRate);
}
