/**
 * Where the players of a server are, in memory that all its threads share. A player is a number with a generation: the main thread gives
 * it out when somebody joins and takes it back when the player is gone from its zone, and what was said to or of a former player of
 * the same number is ignored. Its zone writes where it is.
 *
 *     ID       whose the number is, 0 for nobody's      the main thread's word
 *     LEFT     1 once it left                           the main thread's
 *     PLACE    0 nowhere yet, -1 gone, else the zone and the seat there, and 1
 *     HOPS     gates that it went through: of two words about where it is, the one with more hops is newer
 *     HEARD    the order of the last input that was heard of it; inputs that took a longer way are older, and dropped
 *
 * PLACE and HOPS are written by the home of the zone that it is in, or, between two ticks, by the home of the one that it goes to. LEFT is
 * set before the leave is sent and PLACE is set before LEFT is looked at: a leave that overtakes its join ends it all the same.
 */
import { GyreError } from "../errors.js";
import { SEATS_MAX } from "../sim/seats.js";
import type { Memory } from "../sync/memory.js";

/** Players at a time, those who are about to be gone included: four times as many as there may be sessions. */
export const PLAYERS_MAX = 16_384;

const NUMBER_BITS = 14;
const NUMBER_MASK = (1 << NUMBER_BITS) - 1;
const SEAT_BITS = 14;
const SEAT_MASK = (1 << SEAT_BITS) - 1;
const GONE = -1;

const ID = 0;
const LEFT = 1;
const PLACE = 2;
const HOPS = 3;
const HEARD = 4;
const WORDS = 8;

if (PLAYERS_MAX > 1 << NUMBER_BITS || SEATS_MAX > 1 << SEAT_BITS) throw new Error("numbers need more bits");

/** The number of a player's id: its index in tables. */
export function numberOf(id: number): number {
  return id & NUMBER_MASK;
}

/** The id that a number has after this one, never 0: 262,143 others come before it comes again. */
export function nextId(number: number, former: number): number {
  const generation = (former >>> NUMBER_BITS) + 1;
  const id = ((generation << NUMBER_BITS) | number) >>> 0;
  return id >>> NUMBER_BITS === 0 ? ((1 << NUMBER_BITS) | number) >>> 0 : id;
}

export class PlayerTable {
  readonly capacity: number;
  readonly #words: Int32Array;

  static bytesOf(capacity: number): number {
    return 4 * WORDS * capacity;
  }

  /** Zeros are a table of nobody. Throws BAD_ARGUMENT. */
  constructor(buffer: Memory, capacity: number) {
    if (!(Number.isInteger(capacity) && capacity > 0 && capacity <= PLAYERS_MAX)) {
      throw new GyreError("BAD_ARGUMENT", `a table of ${capacity} players; it must have 1 to ${PLAYERS_MAX}`);
    }
    this.capacity = capacity;
    this.#words = new Int32Array(buffer, 0, WORDS * capacity);
  }

  // For the main thread.

  /** Somebody has the number from now on, and is nowhere yet. */
  open(id: number): void {
    const at = this.#at(id);
    for (const word of [LEFT, PLACE, HOPS, HEARD]) Atomics.store(this.#words, at + word, 0);
    Atomics.store(this.#words, at + ID, id | 0);
  }

  leave(id: number): void {
    Atomics.store(this.#words, this.#at(id) + LEFT, 1);
  }

  /** Nobody has the number any more. */
  close(id: number): void {
    Atomics.store(this.#words, this.#at(id) + ID, 0);
  }

  // For everybody.

  /** Whose a number is; 0 for nobody's. */
  idAt(number: number): number {
    return Atomics.load(this.#words, number * WORDS + ID) >>> 0;
  }

  /** Whether the id is not a former one. */
  has(id: number): boolean {
    return id !== 0 && numberOf(id) < this.capacity && this.idAt(numberOf(id)) === id;
  }

  hasLeft(id: number): boolean {
    return this.#load(id, LEFT) !== 0;
  }

  isGone(id: number): boolean {
    return this.#load(id, PLACE) === GONE;
  }

  /** Whether no zone has heard of it yet. */
  isNew(id: number): boolean {
    return this.#load(id, PLACE) === 0;
  }

  /** By index; -1 for one who is nowhere. */
  zone(id: number): number {
    const place = this.#load(id, PLACE);
    return place > 0 ? (place - 1) >>> SEAT_BITS : -1;
  }

  /** Its seat there; -1 for one who is nowhere. */
  seat(id: number): number {
    const place = this.#load(id, PLACE);
    return place > 0 ? (place - 1) & SEAT_MASK : -1;
  }

  isAt(id: number, zone: number, seat: number): boolean {
    return this.has(id) && this.#load(id, PLACE) === placeOf(zone, seat);
  }

  hops(id: number): number {
    return this.#load(id, HOPS) >>> 0;
  }

  // For the homes of zones.

  enter(id: number, zone: number, seat: number): void {
    Atomics.store(this.#words, this.#at(id) + PLACE, placeOf(zone, seat));
  }

  /** It goes through a gate into this zone. */
  move(id: number, zone: number, seat: number): void {
    Atomics.store(this.#words, this.#at(id) + HOPS, this.hops(id) + 1);
    this.enter(id, zone, seat);
  }

  gone(id: number): void {
    Atomics.store(this.#words, this.#at(id) + PLACE, GONE);
  }

  /** All who are in the zone are nowhere. O(players). */
  goneFrom(zone: number): void {
    for (let number = 0; number < this.capacity; number++) {
      const id = this.idAt(number);
      if (id !== 0 && this.zone(id) === zone) this.gone(id);
    }
  }

  /** False for an input that is not newer than the last that was heard. order: not 0; counts on across 2^32. */
  hear(id: number, order: number): boolean {
    const heard = this.#load(id, HEARD);
    if (heard !== 0 && ((order - heard) | 0) <= 0) return false;
    Atomics.store(this.#words, this.#at(id) + HEARD, order | 0);
    return true;
  }

  #at(id: number): number {
    return numberOf(id) * WORDS;
  }

  #load(id: number, word: number): number {
    return Atomics.load(this.#words, this.#at(id) + word);
  }
}

function placeOf(zone: number, seat: number): number {
  return ((zone << SEAT_BITS) | seat) + 1;
}
