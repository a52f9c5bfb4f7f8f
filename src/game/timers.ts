/**
 * What a game wants to be reminded of: a heap by (tick, order of creation), so that what is due comes in one order everywhere. Data goes in
 * as text and comes out as a copy: nobody else holds it, and a restored zone has the same.
 */
import { GyreError } from "../errors.js";
import { plainText } from "../state/plain.js";
import type { Json } from "./types.js";

/** Timers of one zone: some per entity of a large one. */
export const TIMERS_MAX = 65_536;
/** Characters of a timer's data as JSON. */
export const TIMER_DATA_LENGTH_MAX = 16_384;

export interface Timer {
  readonly tick: number;
  readonly id: number;
  readonly name: string;
  /** JSON text; "" for none. */
  readonly data: string;
}

export class Timers {
  #heap: Timer[] = [];
  #nextId = 1;
  /** Those that are in the heap and not cancelled. */
  readonly #live = new Set<number>();

  get count(): number {
    return this.#live.size;
  }

  /** Throws BAD_ARGUMENT, TIMERS_FULL. */
  add(tick: number, name: string, data: Json | undefined): number {
    if (this.#live.size >= TIMERS_MAX) throw new GyreError("TIMERS_FULL", `${TIMERS_MAX} timers wait already`);
    const text = data === undefined ? "" : plainText(data, "data");
    if (text.length > TIMER_DATA_LENGTH_MAX) {
      throw new GyreError(
        "BAD_ARGUMENT",
        `data is ${text.length} characters of JSON; it must be at most ${TIMER_DATA_LENGTH_MAX}`,
      );
    }
    const id = this.#nextId++;
    this.#push({ tick, id, name, data: text });
    this.#live.add(id);
    return id;
  }

  /** False when it has run or was cancelled. */
  cancel(id: number): boolean {
    const was = this.#live.delete(id);
    // Cancelled ones leave the heap when they are due; not before they are most of it.
    if (was && this.#heap.length > 2 * this.#live.size + 64) this.#heap = this.#sorted();
    return was;
  }

  /** Takes the next timer that is due at this tick; undefined when there is none. */
  take(tick: number): Timer | undefined {
    for (let first = this.#heap[0]; first !== undefined && first.tick <= tick; first = this.#heap[0]) {
      this.#pop();
      if (this.#live.delete(first.id)) return first;
    }
    return undefined;
  }

  reset(): void {
    this.#heap.length = 0;
    this.#nextId = 1;
    this.#live.clear();
  }

  /** As plain data: what comes next first. */
  save(): SavedTimers {
    return { next: this.#nextId, timers: this.#sorted().map(({ tick, id, name, data }) => [tick, id, name, data]) };
  }

  restore({ next, timers }: SavedTimers): void {
    this.#nextId = next;
    this.#heap = timers.map(([tick, id, name, data]) => ({ tick, id, name, data }));
    this.#live.clear();
    for (const { id } of this.#heap) this.#live.add(id);
  }

  /** A sorted array is a heap. */
  #sorted(): Timer[] {
    return this.#heap.filter(({ id }) => this.#live.has(id)).sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below === undefined) break;
      if (right !== undefined && isBefore(right, below)) {
        child++;
        below = right;
      }
      if (isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

/** tick, id, name, data */
type SavedTimer = readonly [number, number, string, string];

export interface SavedTimers {
  readonly next: number;
  readonly timers: readonly SavedTimer[];
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.tick < b.tick || (a.tick === b.tick && a.id < b.id);
}
