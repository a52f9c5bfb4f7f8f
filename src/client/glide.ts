/**
 * A time difference in milliseconds that goes to its target by a share of the time that passes, at most: a clock that is the local time
 * less, or plus, such a difference runs faster or slower by that share, and never backwards.
 *
 *     target           ________
 *     value      _____╱             slope: at most `rate`
 *              start^
 */
export class Glide {
  readonly #rate: number;
  #value = Number.NaN;
  #target = Number.NaN;
  #startMs = 0;

  /** rate: milliseconds a millisecond, below 1. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  /** At a time not before that of the last change; NaN before the first one. */
  at(timeMs: number): number {
    const most = this.#rate * Math.max(0, timeMs - this.#startMs);
    const way = this.#target - this.#value;
    return this.#value + Math.min(most, Math.max(-most, way));
  }

  get target(): number {
    return this.#target;
  }

  /** It goes there from where it is at this time. */
  aim(target: number, timeMs: number): void {
    const value = this.at(timeMs);
    this.#value = Number.isNaN(value) ? target : value;
    this.#target = target;
    this.#startMs = timeMs;
  }

  /** It is there from this time on. */
  jump(value: number, timeMs: number): void {
    this.#value = this.#target = value;
    this.#startMs = timeMs;
  }

  reset(): void {
    this.#value = this.#target = Number.NaN;
  }
}
