/**
 * The last values of a measurement and their quantiles, as of any moment: a ring for their order of arrival, and the same values sorted.
 * A push moves at most as many values as are kept; a quantile is a look-up. Nothing is allocated after construction.
 */
export class Window {
  /** How many are kept, at most as many as fit. */
  count = 0;
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #next = 0;

  /** size: values to keep. */
  constructor(size: number) {
    this.#ring = new Float64Array(size);
    this.#sorted = new Float64Array(size);
  }

  /** The oldest one goes when there is no room. */
  push(value: number): void {
    const sorted = this.#sorted;
    let at = this.count;
    if (at === sorted.length) {
      // What was sorted behind the oldest moves into its place, until the new one fits.
      at = sorted.indexOf(this.#ring[this.#next]!);
      for (; at + 1 < sorted.length && sorted[at + 1]! < value; at++) sorted[at] = sorted[at + 1]!;
    } else {
      this.count++;
    }
    for (; at > 0 && sorted[at - 1]! > value; at--) sorted[at] = sorted[at - 1]!;
    sorted[at] = value;
    this.#ring[this.#next] = value;
    this.#next = (this.#next + 1) % this.#ring.length;
  }

  /** The least value that at least this share of them does not exceed; share: 0 to 1. 0 when there is none. */
  quantile(share: number): number {
    if (this.count === 0) return 0;
    return this.#sorted[Math.max(0, Math.ceil(share * this.count) - 1)]!;
  }

  clear(): void {
    this.count = 0;
    this.#next = 0;
  }
}
