/**
 * How often zones failed, so that one which fails again and again is not started again for ever: the third failure within FAILURES_MS
 * is its last, it is quarantined. Kept in memory that may be shared, because what fails may be the thread. One writer at a time for a zone:
 * whoever found that it failed, while nobody runs it. O(1).
 */

/** Failures within FAILURES_MS after which a zone stays stopped. */
export const FAILURES_MAX = 3;
/** Milliseconds. */
export const FAILURES_MS = 30_000;

/** Numbers of a zone: how often it failed in all, 1 when it is quarantined, when it failed the last FAILURES_MAX - 1 times. */
const COUNT = 0;
const QUARANTINED = 1;
const TIMES = 2;
const ZONE_NUMBERS = TIMES + FAILURES_MAX - 1;

export class Failures {
  readonly #numbers: Float64Array;

  /** Bytes for so many zones. */
  static sizeOf(zones: number): number {
    return 8 * ZONE_NUMBERS * zones;
  }

  /** buffer: sizeOf bytes, zeros where nothing failed yet. Default: not shared. */
  constructor(zones: number, buffer: ArrayBufferLike = new ArrayBuffer(Failures.sizeOf(zones))) {
    this.#numbers = new Float64Array(buffer, 0, ZONE_NUMBERS * zones);
  }

  /** The zone failed now. True: once too often, it is quarantined. nowMs: of a clock that all who call this share. */
  note(zone: number, nowMs: number): boolean {
    const numbers = this.#numbers;
    const at = zone * ZONE_NUMBERS;
    const oldest = at + TIMES + (this.count(zone) % (FAILURES_MAX - 1));
    const isLast = this.count(zone) >= FAILURES_MAX - 1 && nowMs - (numbers[oldest] ?? 0) <= FAILURES_MS;
    numbers[oldest] = nowMs;
    numbers[at + COUNT] = this.count(zone) + 1;
    if (isLast) numbers[at + QUARANTINED] = 1;
    return isLast;
  }

  /** How often the zone failed. */
  count(zone: number): number {
    return this.#numbers[zone * ZONE_NUMBERS + COUNT] ?? 0;
  }

  isQuarantined(zone: number): boolean {
    return this.#numbers[zone * ZONE_NUMBERS + QUARANTINED] === 1;
  }
}
