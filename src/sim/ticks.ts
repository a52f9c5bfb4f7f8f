/**
 * Where the time of the ticks goes. Written once a tick, in memory that may be shared: by whoever ends the tick and by whoever publishes
 * it, who write different parts. Read when somebody asks.
 */
import { Histogram, Recent } from "../sync/histogram.js";
import { carve } from "../sync/words.js";

/** Ticks that the percentiles of /stats are over: 10 s at 60 Hz. */
const RECENT_TICKS = 600;

export class TickTimes {
  /** The whole tick: simulation, and publishing where one thread does both. */
  readonly tickMs: Histogram;
  /** From when a tick was due to when it began. */
  readonly latenessMs: Histogram;
  /** Snapshots, frames, writes to sockets. */
  readonly publishMs: Histogram;
  readonly #recentMs: Recent;

  /** words: {@link TickTimes.words} of them, all 0. Default: memory of its own. */
  constructor(words: Float64Array = new Float64Array(TickTimes.words())) {
    const take = carve(words);
    this.tickMs = new Histogram(undefined, take(Histogram.words()));
    this.latenessMs = new Histogram(undefined, take(Histogram.words()));
    this.publishMs = new Histogram(undefined, take(Histogram.words()));
    this.#recentMs = new Recent(RECENT_TICKS, take(Recent.words(RECENT_TICKS)));
  }

  /** How many 64-bit words it takes. */
  static words(): number {
    return 3 * Histogram.words() + Recent.words(RECENT_TICKS);
  }

  /** A tick ended, which began so long after it was due. One thread at a time. */
  ticked(latenessMs: number, tickMs: number): void {
    this.latenessMs.record(latenessMs);
    this.tickMs.record(tickMs);
    this.#recentMs.record(tickMs);
  }

  /** A tick was published. One thread at a time. */
  published(publishMs: number): void {
    this.publishMs.record(publishMs);
  }

  /** Over the last 600 ticks. */
  quantileMs(p: number): number {
    return this.#recentMs.quantile(p);
  }
}
