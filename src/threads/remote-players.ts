/**
 * What the main thread knows of the players who are on other threads: whose each number is, in which zone its player is as of the last notice,
 * and who left but may be in a zone still. Numbers are given out here, and come back when the table says that their player is gone.
 *
 *     free ──open──> here ──leave──> leaving ──gone──> free
 *                     └────────────close──────────────┘      its join was refused, or its zone stopped
 *
 * Fixed memory, 13 bytes a player. Every call is O(1), but for those that say otherwise.
 */
import { nextId, numberOf, type PlayerTable } from "./players.js";

/** Players who left that are looked at in one call of freeGone: they are gone a tick or two later. */
const GONE_PER_CALL_MAX = 256;

const FREE = 0;
const HERE = 1;
const LEAVING = 2;

export class RemotePlayers {
  readonly table: PlayerTable;
  readonly #states: Uint8Array;
  readonly #ids: Uint32Array;
  readonly #zones: Uint16Array;
  readonly #seats: Uint16Array;
  readonly #hops: Uint32Array;
  /** Numbers that are nobody's, the next to be given out last. */
  readonly #free: number[];
  /** Ids, in the order in which they are looked at. */
  readonly #leaving: number[] = [];

  constructor(table: PlayerTable) {
    const { capacity } = table;
    this.table = table;
    this.#states = new Uint8Array(capacity);
    this.#ids = new Uint32Array(capacity);
    this.#zones = new Uint16Array(capacity);
    this.#seats = new Uint16Array(capacity);
    this.#hops = new Uint32Array(capacity);
    this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  /** Those who are leaving included. */
  get count(): number {
    return this.table.capacity - this.#free.length;
  }

  /** Ids of those who left and are not known to be gone. */
  get leaving(): readonly number[] {
    return this.#leaving;
  }

  /** The id of a new player on its way into the zone; 0 when there is no number left. */
  open(zone: number): number {
    const number = this.#free.pop();
    if (number === undefined) return 0;
    const id = nextId(number, this.#ids[number] ?? 0);
    this.#states[number] = HERE;
    this.#ids[number] = id;
    this.#zones[number] = zone;
    this.#seats[number] = 0;
    this.#hops[number] = 0;
    this.table.open(id);
    return id;
  }

  /** Its number is nobody's. */
  close(id: number): void {
    const number = numberOf(id);
    this.#states[number] = FREE;
    this.table.close(id);
    this.#free.push(number);
  }

  leave(id: number): void {
    this.#states[numberOf(id)] = LEAVING;
    this.#leaving.push(id);
    this.table.leave(id);
  }

  /** Gives back numbers of those who left and are gone. */
  freeGone(): void {
    for (let n = Math.min(this.#leaving.length, GONE_PER_CALL_MAX); n > 0; n--) {
      const id = this.#leaving.shift() ?? 0;
      if (this.table.isGone(id)) this.close(id);
      else this.#leaving.push(id);
    }
  }

  /** Whether the id is that of one who did not leave. */
  isHere(id: number): boolean {
    const number = numberOf(id);
    return this.#states[number] === HERE && this.#ids[number] === id;
  }

  /** All who are here, in the zone or, without one, in any. O(players). */
  *here(zone?: number): Iterable<number> {
    for (let number = 0; number < this.#states.length; number++) {
      if (this.#states[number] !== HERE) continue;
      if (zone === undefined || this.#zones[number] === zone) yield this.#ids[number] ?? 0;
    }
  }

  // Of one who is here, or leaving.

  zone(id: number): number {
    return this.#zones[numberOf(id)] ?? 0;
  }

  /** Negative when what is said is older than what is known, 0 when it is of the same time. */
  compareHops(id: number, hops: number): number {
    return (hops - (this.#hops[numberOf(id)] ?? 0)) | 0;
  }

  move(id: number, zone: number, hops: number): void {
    this.#zones[numberOf(id)] = zone;
    this.#hops[numberOf(id)] = hops;
  }

  seat(id: number): number {
    return this.#seats[numberOf(id)] ?? 0;
  }

  setSeat(id: number, seat: number): void {
    this.#seats[numberOf(id)] = seat;
  }
}
