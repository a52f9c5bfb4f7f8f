/**
 * Durations, counted where they happen and read when somebody asks: fixed buckets for the life of the process, and the last
 * few seconds exactly. Recording is a handful of typed array writes.
 */

/** Milliseconds; a tick at 60 Hz has 16.67. */
export const DURATION_BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12, 16, 24, 33, 50, 100, 250, 1000] as const;

export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: Float64Array;
  /** Values in (bounds[i - 1], bounds[i]]; one more for those above the last. */
  readonly counts: Float64Array;
  count = 0;
  sum = 0;
  max = 0;

  constructor(bounds: readonly number[] = DURATION_BOUNDS_MS) {
    this.bounds = Float64Array.from(bounds);
    this.counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? 0)) bucket++;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
  }
}

/** The last values, exactly. */
export class Recent {
  readonly #ring: Float64Array;
  readonly #sorted: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#ring = new Float64Array(capacity);
    this.#sorted = new Float64Array(capacity);
  }

  record(value: number): void {
    this.#ring[this.#count++ % this.#ring.length] = value;
  }

  /** The smallest value that at least the fraction p of them do not exceed; 0 when there are none. O(n log n). */
  quantile(p: number): number {
    const n = Math.min(this.#count, this.#ring.length);
    this.#sorted.set(this.#ring);
    return this.#sorted.subarray(0, n).sort()[Math.max(0, Math.ceil(p * n) - 1)] ?? 0;
  }
}
