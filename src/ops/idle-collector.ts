/**
 * Collects garbage when there is nothing else to do, so that the engine need not in the middle of a tick. Only where Node was started with
 * --expose-gc: a collection of the young generation, when the heap has grown enough to be worth one and what is left of the period is
 * clearly longer than collections lately took.
 *
 *     tick ######|........collect##.......|###### tick
 *                 idleMs                  ^ due
 *
 * The policy knows neither the engine nor the clock: it is told how long nothing is due, and handed what collects.
 */
import { getHeapStatistics } from "node:v8";
import type { Meter } from "../sync/meter.js";

/** Milliseconds between two looks at the heap: each leaves some 200 bytes behind. */
const LOOK_MS = 100;
/** Bytes that the heap grows by until it is worth a collection: half of what V8's young generation holds at first. */
const GROWTH_BYTES = 512 * 1024;
/** Milliseconds that a collection is taken to last before there was one. */
const FIRST_MS = 2;
/** A collection may take so many times as long as expected and still be over in time. */
const MARGIN = 2;
/** What is expected is the longest one lately: after each it fades to so much of it, and after each for which there was no time. */
const FADES = 0.9;
const FADES_REFUSED = 0.99;

export interface Heap {
  /** Bytes in use. */
  usedBytes(): number;
  /** Collects the young generation. Returns how many milliseconds it took. */
  collect(): number;
}

export class IdleCollector {
  readonly #heap: Heap;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** The least that was in use since the last collection of ours: the engine has its own. */
  #floorBytes: number;
  #expectedMs = FIRST_MS;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#floorBytes = heap.usedBytes();
  }

  /** Nothing is due for so long. Whether it was used for a collection. */
  offer(nowMs: number, idleMs: number): boolean {
    if (nowMs - this.#lookedMs < LOOK_MS) return false;
    this.#lookedMs = nowMs;
    const usedBytes = this.#heap.usedBytes();
    this.#floorBytes = Math.min(this.#floorBytes, usedBytes);
    if (usedBytes - this.#floorBytes < GROWTH_BYTES) return false;
    if (idleMs < MARGIN * this.#expectedMs) {
      this.#expectedMs *= FADES_REFUSED;
      return false;
    }
    this.#expectedMs = Math.max(this.#heap.collect(), FADES * this.#expectedMs);
    this.#floorBytes = this.#heap.usedBytes();
    return true;
  }
}

/** For the thread that it is called on, whose meter counts the collections; null without --expose-gc. now: milliseconds. */
export function idleCollector(meter: Meter, now: () => number): IdleCollector | null {
  const { gc } = globalThis;
  if (gc === undefined) return null;
  return new IdleCollector({
    usedBytes: () => getHeapStatistics().used_heap_size,
    collect() {
      meter.add("idleCollections");
      const startMs = now();
      gc({ type: "minor", execution: "sync" });
      return now() - startMs;
    },
  });
}
