/**
 * Times within 0.1 %, or 1 us, from 1 us to 35 minutes, in 11,776 counts: 512 buckets for each doubling, so fine that rounding misses no limit
 * that anybody would set. Recording is a few integer operations and one store, and histograms of several threads add up, count by count.
 *
 *     us      0 1 2 ... 1023 | 1024 1026 ... 2046 | 2048 2052 ... 4092 | ...
 *     bucket  0 1 2 ... 1023 | 1024 1025 ... 1535 | 1536 1537 ... 2047 | ...
 */

/** Buckets for each doubling, as bits. */
const FINE_BITS = 9;
const FINE = 1 << FINE_BITS;
/** 2^31 us are 35 minutes; what takes longer counts as that. */
const US_MAX = 0x7fffffff;

export const HISTOGRAM_WORDS = (31 - FINE_BITS + 1) * FINE;

/** A view of counts that may lie in shared memory, with one writer. */
export class LogHistogram {
  readonly counts: Float64Array;

  /** counts: {@link HISTOGRAM_WORDS} of them. */
  constructor(counts: Float64Array = new Float64Array(HISTOGRAM_WORDS)) {
    this.counts = counts;
  }

  record(ms: number): void {
    const us = ms <= 0 ? 0 : Math.min(US_MAX, ms * 1000) | 0;
    this.counts[bucketOf(us)]! += 1;
  }

  get count(): number {
    let count = 0;
    for (const n of this.counts) count += n;
    return count;
  }

  /** The middle in ms of the bucket of the smallest value that at least the fraction p does not exceed; 0 when there is none. p = 1: of the largest. */
  quantile(p: number): number {
    const wanted = Math.max(1, Math.ceil(p * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      seen += this.counts[bucket]!;
      if (seen >= wanted) return middleUs(bucket) / 1000;
    }
    return 0;
  }
}

function bucketOf(us: number): number {
  const shift = Math.max(0, 31 - FINE_BITS - Math.clz32(us));
  return (shift << FINE_BITS) + (us >>> shift);
}

/** Half a bucket from the furthest time in it, either way. */
function middleUs(bucket: number): number {
  if (bucket < 2 * FINE) return bucket;
  const shift = (bucket >>> FINE_BITS) - 1;
  return (bucket - (shift << FINE_BITS) + 0.5) * 2 ** shift;
}
