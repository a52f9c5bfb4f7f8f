/**
 * Entities on their way into a zone, between the tick boundary at which they were let through a gate and the tick in which they stand
 * in it: what extract wrote of each, in the order of their ARRIVE commands. Fixed memory.
 */
import { entitySpec } from "../kernel/transfer.js";
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

  constructor(zone: Zone) {
    this.#zone = zone;
    this.#bytes = new Uint8Array(ARRIVALS_PER_TICK_MAX * zone.entityBytes);
  }

  /**
   * Takes in an entity of another zone with equal columns, which shall stand at (x, y). Returns its index; -1 when there is no room, or no
   * such entity. Throws BAD_ARGUMENT when its columns hold what no zone would take: here, where it is their zone's fault still.
   */
  add(from: Zone, id: EntityId, isSeated: boolean, x: number, y: number): number {
    if (this.count === ARRIVALS_PER_TICK_MAX || !from.extract(id, this.#at(this.count))) return -1;
    entitySpec(this.#at(this.count), x, y);
    if (!isSeated) this.unseated++;
    return this.count++;
  }

  /** Puts it into the zone. seat: NO_SEAT for one without a player. */
  insert(index: number, x: number, y: number): EntityId {
    return this.#zone.insert(this.#at(index), x, y);
  }

  save(): SavedArrivals {
    return { bytes: Array.from(this.#bytes.subarray(0, this.count * this.#zone.entityBytes)), unseated: this.unseated };
  }

  restore({ bytes, unseated }: SavedArrivals): void {
    this.#bytes.set(bytes);
    this.count = bytes.length / this.#zone.entityBytes;
    this.unseated = unseated;
  }

  #at(index: number): Uint8Array {
    const { entityBytes } = this.#zone;
    return this.#bytes.subarray(index * entityBytes, (index + 1) * entityBytes);
  }
}

export interface SavedArrivals {
  readonly bytes: readonly number[];
  readonly unseated: number;
}
