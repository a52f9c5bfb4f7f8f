/**
 * Which server tick a local time shows: the arrival times of snapshots, smoothed. Tick t was, on average, heard of at
 * `offset + t x tickMs`; network jitter and late ticks move that a little, a stall or a sleeping machine moves it at once.
 */

/** Share of a new arrival in the offset: at 20 Hz, jitter is averaged over about half a second. */
const SMOOTHING = 0.1;
/** Milliseconds off at which smoothing would take too long to catch up. */
const RESYNC_MS = 250;

export class Timeline {
  readonly #tickMs: number;
  #offset = Number.NaN;

  /** Ticks per second. */
  constructor(tickRate: number) {
    this.#tickMs = 1000 / tickRate;
  }

  /** Milliseconds at which tick 0 would have been heard of; NaN before the first arrival. */
  get offset(): number {
    return this.#offset;
  }

  /** A snapshot of this tick arrived. */
  arrived(tick: number, nowMs: number): void {
    const offset = nowMs - tick * this.#tickMs;
    const change = offset - this.#offset;
    this.#offset = Math.abs(change) < RESYNC_MS ? this.#offset + SMOOTHING * change : offset;
  }

  /** The tick, with its fraction, that is heard of at this time; NaN before the first arrival. */
  tickAt(timeMs: number): number {
    return (timeMs - this.#offset) / this.#tickMs;
  }
}
