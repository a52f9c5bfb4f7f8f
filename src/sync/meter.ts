/**
 * What one thread tells of itself: how busy it is, how long its ticks take, how late it wakes, what its collections cost. It lies in
 * memory that the thread shares with whoever reads it, and stays there when another thread takes the place of one that failed.
 *
 *     busy | utilisation | steals | ...      one 64-bit word each, with one writer each
 *     tick | wake | collections              histograms
 *     the last ticks and wake-ups            exactly
 *
 * Writing is a handful of stores a tick, reading is for whoever asks (/metrics, /stats). Time comes in.
 */
import { Histogram, Recent } from "./histogram.js";
import { carve } from "./words.js";

/** Ticks that the percentiles of a thread are over: 10 s at 60 Hz. */
const RECENT_TICKS = 600;
/** Milliseconds that a utilisation is over. */
const WINDOW_MS = 1000;
/** Words of a cache line: meters of two threads do not share one. */
const LINE_WORDS = 8;

/** Numbers of a thread beside its histograms. */
const READINGS = [
  /** Milliseconds that it was busy, in all. */
  "busyMs",
  /** Busy over real time in the last second that is over, 0 to 1. */
  "utilisation",
  /** Steps of zones that it took over from the thread where they are at home. */
  "steals",
  /** Times that it spun before it slept, and those of them that spared the sleep. */
  "spins",
  "spinsPaid",
  /** Threads that took this one's place because it failed. Written by whoever starts them. */
  "restarts",
  /** Collections at an idle point, on purpose. */
  "idleCollections",
  /** Bytes of its JavaScript heap in use, as of the last second. */
  "heapBytes",
] as const;

export type Reading = (typeof READINGS)[number];

const INDEX = Object.fromEntries(READINGS.map((reading, i) => [reading, i])) as Record<Reading, number>;

/** A thread as /metrics and /stats see it. */
export interface ThreadStats {
  /** Unique in a process: main, sim-0, sim-1, ... */
  readonly name: string;
  readonly meter: Meter;
  /** Bytes in the ring of what others ask of it, and in the one of what it tells others; 0 where there is none. */
  readonly requestBytes: number;
  readonly noticeBytes: number;
}

export class Meter {
  /** Milliseconds of work in each tick. */
  readonly tickMs: Histogram;
  /** From when a tick was due to when the thread began it. */
  readonly wakeMs: Histogram;
  /** Of each garbage collection. */
  readonly gcMs: Histogram;
  /** The last 600 of tickMs and wakeMs. */
  readonly recentTickMs: Recent;
  readonly recentWakeMs: Recent;
  readonly #words: Float64Array;
  /** When the second that is being measured began, and what busyMs was then. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #sinceBusyMs = 0;

  /** words: {@link Meter.words} of them, all 0 for a new thread. Default: memory of its own. */
  constructor(words: Float64Array = new Float64Array(Meter.words())) {
    const take = carve(words);
    this.#words = take(READINGS.length);
    this.tickMs = new Histogram(undefined, take(Histogram.words()));
    this.wakeMs = new Histogram(undefined, take(Histogram.words()));
    this.gcMs = new Histogram(undefined, take(Histogram.words()));
    this.recentTickMs = new Recent(RECENT_TICKS, take(Recent.words(RECENT_TICKS)));
    this.recentWakeMs = new Recent(RECENT_TICKS, take(Recent.words(RECENT_TICKS)));
  }

  /** How many 64-bit words a meter takes: whole cache lines. */
  static words(): number {
    const words = READINGS.length + 3 * Histogram.words() + 2 * Recent.words(RECENT_TICKS);
    return Math.ceil(words / LINE_WORDS) * LINE_WORDS;
  }

  /** The thread did its share of a tick: it began so long after the tick was due, and worked so long. */
  tick(wakeMs: number, workMs: number): void {
    this.wakeMs.record(wakeMs);
    this.recentWakeMs.record(wakeMs);
    this.tickMs.record(workMs);
    this.recentTickMs.record(workMs);
  }

  /** The thread was busy for so many of the milliseconds since the last call, which was before now. */
  busy(ms: number, nowMs: number): void {
    const words = this.#words;
    words[INDEX.busyMs]! += ms;
    const busyMs = words[INDEX.busyMs]!;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < WINDOW_MS) return;
    // The first call begins the first second.
    if (this.#sinceMs >= 0) words[INDEX.utilisation] = Math.min(1, (busyMs - this.#sinceBusyMs) / elapsedMs);
    this.#sinceMs = nowMs;
    this.#sinceBusyMs = busyMs;
  }

  read(reading: Reading): number {
    return this.#words[INDEX[reading]]!;
  }

  add(reading: Reading, value = 1): void {
    this.#words[INDEX[reading]]! += value;
  }

  set(reading: Reading, value: number): void {
    this.#words[INDEX[reading]] = value;
  }
}
