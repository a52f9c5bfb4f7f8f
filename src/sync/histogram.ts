/**
 * Durations, counted where they happen and read when somebody asks: fixed buckets for the life of the process, and the last
 * few seconds exactly. Recording is a handful of typed array writes.
 *
 * Both may lie in shared memory: one thread writes, any thread reads, nobody waits. A reader may see one recording half done, a count
 * whose sum is still to come, and never a number that was not there: 64 bits at an address that 8 divides are written at once.
 *
 *     Histogram    counts[bounds + 1] | sum | max
 *     Recent       recorded | values[capacity]
 */

/** Milliseconds; a tick at 60 Hz has 16.67. */
export const DURATION_BOUNDS_MS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 12, 16, 24, 33, 50, 100, 250, 1000] as const;

export class Histogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: Float64Array;
  /** Values in (bounds[i - 1], bounds[i]]; one more for those above the last. */
  readonly counts: Float64Array;
  readonly #sumMax: Float64Array;

  /** words: {@link Histogram.words} of them, all 0 before the first recording. Default: memory of its own. */
  constructor(
    bounds: readonly number[] = DURATION_BOUNDS_MS,
    words: Float64Array = new Float64Array(Histogram.words(bounds)),
  ) {
    this.bounds = Float64Array.from(bounds);
    this.counts = words.subarray(0, bounds.length + 1);
    this.#sumMax = words.subarray(bounds.length + 1, bounds.length + 3);
  }

  /** How many 64-bit words a histogram takes. */
  static words(bounds: readonly number[] = DURATION_BOUNDS_MS): number {
    return bounds.length + 3;
  }

  record(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket++;
    this.counts[bucket]! += 1;
    this.#sumMax[0]! += value;
    if (value > this.#sumMax[1]!) this.#sumMax[1] = value;
  }

  /** Of the counts, so that it never differs from them. */
  get count(): number {
    let count = 0;
    for (const n of this.counts) count += n;
    return count;
  }

  get sum(): number {
    return this.#sumMax[0]!;
  }

  get max(): number {
    return this.#sumMax[1]!;
  }
}

/** The last values, exactly. */
export class Recent {
  readonly #words: Float64Array;
  readonly #capacity: number;

  /** words: {@link Recent.words} of them, all 0 before the first recording. Default: memory of its own. */
  constructor(capacity: number, words: Float64Array = new Float64Array(Recent.words(capacity))) {
    this.#capacity = capacity;
    this.#words = words;
  }

  /** How many 64-bit words it takes. */
  static words(capacity: number): number {
    return capacity + 1;
  }

  record(value: number): void {
    const recorded = this.#words[0]!;
    this.#words[1 + (recorded % this.#capacity)] = value;
    this.#words[0] = recorded + 1;
  }

  /** The smallest value that at least the fraction p of them do not exceed; 0 when there are none. O(n log n). */
  quantile(p: number): number {
    const n = Math.min(this.#words[0]!, this.#capacity);
    return this.#words.slice(1, 1 + n).sort()[Math.max(0, Math.ceil(p * n) - 1)] ?? 0;
  }
}
