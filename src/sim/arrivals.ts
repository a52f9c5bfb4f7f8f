/**
 * Entities on their way into a zone, between the tick boundary at which they were let through a gate and the tick in which they stand
 * in it: what extract wrote of each, in the order of their ARRIVE commands. Fixed memory.
 */
import type { EntityId, Zone } from "../kernel/types.js";

/** Entities that come through gates in one tick. */
export const ARRIVALS_PER_TICK_MAX = 64;

export class Arrivals {
  /** How many are on their way, and how many of them have no player. */
  count = 0;
  unseated = 0;
  /** Seats of those who stand in the zone, and of whom the game has not heard yet. */
  readonly seats = new Uint32Array(ARRIVALS_PER_TICK_MAX);
  seatCount = 0;

  readonly #zone: Zone;
  readonly #bytes: Uint8Array;
  /** What each was answered: see passage.ts. */
  readonly #answers = new Int32Array(ARRIVALS_PER_TICK_MAX);

  constructor(zone: Zone) {
    this.#zone = zone;
    this.#bytes = new Uint8Array(ARRIVALS_PER_TICK_MAX * zone.entityBytes);
  }

  /** Takes in an entity of another zone with equal columns: what extract wrote. Returns its index; -1 when there is no room. */
  add(entity: Uint8Array, isSeated: boolean): number {
    if (this.count === ARRIVALS_PER_TICK_MAX) return -1;
    this.at(this.count).set(entity);
    if (!isSeated) this.unseated++;
    return this.count++;
  }

  answer(index: number): number {
    return this.#answers[index] ?? 0;
  }

  setAnswer(index: number, answer: number): void {
    this.#answers[index] = answer;
  }

  /** Puts it into the zone. seat: NO_SEAT for one without a player. */
  insert(index: number, x: number, y: number): EntityId {
    return this.#zone.insert(this.at(index), x, y);
  }

  save(): SavedArrivals {
    return { bytes: Array.from(this.#bytes.subarray(0, this.count * this.#zone.entityBytes)), unseated: this.unseated };
  }

  restore({ bytes, unseated }: SavedArrivals): void {
    this.#bytes.set(bytes);
    this.count = bytes.length / this.#zone.entityBytes;
    this.unseated = unseated;
  }

  /** What extract wrote. */
  at(index: number): Uint8Array {
    const { entityBytes } = this.#zone;
    return this.#bytes.subarray(index * entityBytes, (index + 1) * entityBytes);
  }
}

export interface SavedArrivals {
  readonly bytes: readonly number[];
  readonly unseated: number;
}
