/** Where the time of the ticks goes. Written once a tick by the host's loop. */
import { Histogram, Recent } from "./histogram.js";

/** Ticks that the percentiles of /stats are over: 10 s at 60 Hz. */
const RECENT_TICKS = 600;

export class TickTimes {
  /** The whole tick: simulation and publishing. */
  readonly tickMs = new Histogram();
  /** Of which publishing: snapshots, frames, writes to sockets. */
  readonly publishMs = new Histogram();
  /** From when a tick was due to when it began. */
  readonly latenessMs = new Histogram();
  readonly #recentMs = new Recent(RECENT_TICKS);

  record(latenessMs: number, stepMs: number, publishMs: number): void {
    this.latenessMs.record(latenessMs);
    this.tickMs.record(stepMs + publishMs);
    this.publishMs.record(publishMs);
    this.#recentMs.record(stepMs + publishMs);
  }

  /** Over the last 600 ticks. */
  quantileMs(p: number): number {
    return this.#recentMs.quantile(p);
  }
}
