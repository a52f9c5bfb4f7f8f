/** The main thread's event loop: by how much it is late, as Node samples it, and how much of the time it has something to do. */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Meter } from "../sync/meter.js";

/** Milliseconds between two samples of the delay; a finer one would itself be a load. */
const SAMPLE_MS = 10;
/** Milliseconds between two looks at how busy it was: each makes an object. */
const LOOK_MS = 1000;

export class Loop {
  readonly #meter: Meter;
  readonly #delay = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  #lookedMs = 0;
  #activeMs = 0;

  /** meter: the main thread's. */
  constructor(meter: Meter) {
    this.#meter = meter;
  }

  start(nowMs: number): void {
    this.#delay.enable();
    this.#lookedMs = nowMs;
    this.#activeMs = performance.eventLoopUtilization().active;
    this.#meter.busy(0, nowMs);
  }

  stop(): void {
    this.#delay.disable();
  }

  /** Now and then, such as after each tick. */
  look(nowMs: number): void {
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    const { active } = performance.eventLoopUtilization();
    this.#meter.busy(active - this.#activeMs, nowMs);
    this.#lookedMs = nowMs;
    this.#activeMs = active;
  }

  /** Milliseconds by which it was late, beyond the sampling period, at this percentile (0 to 100). */
  delayMs(percentile: number): number {
    return Math.max(0, this.#delay.percentile(percentile) / 1e6 - SAMPLE_MS);
  }
}
