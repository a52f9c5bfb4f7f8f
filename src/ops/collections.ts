/**
 * Garbage collections of the thread that this is made on: how long each took, and how large the heap is, written to the thread's meter.
 *
 * Node keeps what it measured until the thread's event loop turns, and hands it over in the turn after. A thread that blocks through its
 * ticks, and turns its loop once a second, hears of its collections a second or two late, but of every one. A tick without a collection
 * costs nothing.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Meter } from "../sync/meter.js";

/** Milliseconds between two looks at the size of the heap. */
const HEAP_LOOK_MS = 1000;

export class Collections {
  readonly #meter: Meter;
  readonly #observer: PerformanceObserver;
  #looks: NodeJS.Timeout | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) meter.gcMs.record(duration);
    });
  }

  /** From now on. Does not keep the thread alive. */
  start(): void {
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#look();
    this.#looks = setInterval(() => this.#look(), HEAP_LOOK_MS).unref();
  }

  stop(): void {
    this.#observer.disconnect();
    clearInterval(this.#looks);
  }

  #look(): void {
    this.#meter.set("heapBytes", getHeapStatistics().used_heap_size);
  }
}
