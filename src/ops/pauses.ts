/**
 * What holds the event loop up besides ticks: pauses of the garbage collector, each of them, and the loop's own delay as
 * sampled by Node. Nothing runs between collections.
 */
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { Histogram } from "./histogram.js";

/** Milliseconds between two samples of the loop's delay; a finer one would itself be a load. */
const LOOP_SAMPLE_MS = 10;

export class Pauses {
  /** Milliseconds of each collection on the main thread. */
  readonly gcMs = new Histogram();
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.gcMs.record(entry.duration);
  });

  start(): void {
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#loop.enable();
  }

  stop(): void {
    this.#observer.disconnect();
    this.#loop.disable();
  }

  /** Milliseconds by which the loop was late, beyond the sampling period, at this percentile (0 to 100). */
  loopDelayMs(percentile: number): number {
    return Math.max(0, this.#loop.percentile(percentile) / 1e6 - LOOP_SAMPLE_MS);
  }
}
