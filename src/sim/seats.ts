/**
 * The seats of one zone: who plays in it. A seat has two sides, which know of each other through commands only:
 *
 *     outside     taken -> its inputs -> given up                     who serves the players: join, input, leave
 *     inside      OUT -> ENTERING -> IN -> LEAVING -> OUT             the zone, tick by tick, as the commands are drained
 *
 * Between two ticks the outside keeps one input a seat, the last that came, beside the one that is a command already; a flood costs
 * what two messages cost. Fixed memory, about 170 bytes a seat, most of it the name; every operation O(1).
 */
import type { EntityId } from "../kernel/types.js";
import { packRuns, unpackRuns } from "./runs.js";

/** Seats of one zone: what one process with one thread may hope to serve, several times over. */
export const SEATS_MAX = 16_384;
/** Bytes of a player's name in UTF-8: 32 characters. */
export const NAME_BYTES_MAX = 96;

/** The outside of a seat that is not free. */
export const TAKEN = 1;
/** Given up, of which the inside has not heard: see Inbox.isWorking. */
export const LEFT = 2;

/** The inside of a seat. */
export const OUT = 0;
/** Waits for its turn among those who enter. */
export const ENTERING = 1;
/** Left while it waited. */
export const CANCELLED = 2;
export const IN = 3;
/** Waits for its turn among those who leave. */
export const LEAVING = 4;

const encoder = new TextEncoder();
// A name may begin with what looks like a byte order mark: it comes out as it went in.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that a name takes. */
export function nameBytes(name: string): number {
  return encoder.encode(name).length;
}

export class Seats {
  readonly capacity: number;

  // Outside.
  /** TAKEN, LEFT, or 0 for a seat that was given up or never taken. */
  readonly taken: Uint8Array;
  /** 1 for a bot's. */
  readonly bot: Uint8Array;
  /** 1 when the input below waits for the tick. */
  readonly held: Uint8Array;
  readonly heldSeq: Uint32Array;
  readonly heldAction: Uint16Array;
  readonly heldDx: Float64Array;
  readonly heldDy: Float64Array;
  /** The round, of the world's counting, in which it last sent an input that became a command at once. */
  readonly heard: Float64Array;
  /** See World.tags. */
  readonly tag: Uint32Array;

  // Inside.
  readonly state: Uint8Array;
  readonly entity: Uint32Array;
  /** Sequence number of the last input that was applied. */
  readonly ack: Uint32Array;
  /** What it asked for while it was entering. Doubles: what a client sends is any finite number, and the kernel shortens it. */
  readonly seq: Uint32Array;
  readonly action: Uint16Array;
  readonly dx: Float64Array;
  readonly dy: Float64Array;

  readonly #names: Uint8Array;
  readonly #nameBytes: Uint8Array;
  /** A stack; part of the state, as it says who sits where. */
  readonly #free: Uint32Array;
  #freeCount: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.taken = new Uint8Array(capacity);
    this.bot = new Uint8Array(capacity);
    this.held = new Uint8Array(capacity);
    this.heldSeq = new Uint32Array(capacity);
    this.heldAction = new Uint16Array(capacity);
    this.heldDx = new Float64Array(capacity);
    this.heldDy = new Float64Array(capacity);
    this.heard = new Float64Array(capacity);
    this.tag = new Uint32Array(capacity);
    this.state = new Uint8Array(capacity);
    this.entity = new Uint32Array(capacity);
    this.ack = new Uint32Array(capacity);
    this.seq = new Uint32Array(capacity);
    this.action = new Uint16Array(capacity);
    this.dx = new Float64Array(capacity);
    this.dy = new Float64Array(capacity);
    this.#names = new Uint8Array(capacity * NAME_BYTES_MAX);
    this.#nameBytes = new Uint8Array(capacity);
    this.#free = new Uint32Array(capacity);
    this.#freeCount = 0;
    this.vacate();
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** The seat that take would take; -1 when all are taken. */
  get next(): number {
    return this.#freeCount === 0 ? -1 : (this.#free[this.#freeCount - 1] ?? -1);
  }

  /** For a name of at most NAME_BYTES_MAX bytes. -1 when all are taken. */
  take(name: string, bot: boolean, tag: number): number {
    const seat = this.next;
    if (seat < 0) return -1;
    this.#freeCount--;
    const at = seat * NAME_BYTES_MAX;
    this.#nameBytes[seat] = encoder.encodeInto(name, this.#names.subarray(at, at + NAME_BYTES_MAX)).written;
    this.taken[seat] = TAKEN;
    this.bot[seat] = bot ? 1 : 0;
    this.heard[seat] = 0;
    this.ack[seat] = 0;
    this.tag[seat] = tag;
    this.ask(seat, 0, 0, 0, 0);
    return seat;
  }

  /** Its owner knows it no more; it is free once the inside is through with it. */
  giveUp(seat: number): void {
    this.taken[seat] = 0;
    this.held[seat] = 0;
  }

  /** The inside is through with it: it can be taken. */
  release(seat: number): void {
    this.state[seat] = OUT;
    this.entity[seat] = 0;
    this.#free[this.#freeCount++] = seat;
  }

  /** All seats are free outside, and will be taken in the order of a new table; inside they are what they were until `empty`. */
  vacate(): void {
    this.taken.fill(0);
    this.held.fill(0);
    for (let i = 0; i < this.capacity; i++) this.#free[i] = this.capacity - 1 - i;
    this.#freeCount = this.capacity;
  }

  /** Nobody is in. */
  empty(): void {
    this.state.fill(OUT);
    this.entity.fill(0);
  }

  hold(seat: number, seq: number, dx: number, dy: number, action: number): void {
    this.held[seat] = 1;
    this.heldSeq[seat] = seq;
    this.heldDx[seat] = dx;
    this.heldDy[seat] = dy;
    this.heldAction[seat] = action;
  }

  ask(seat: number, seq: number, dx: number, dy: number, action: number): void {
    this.seq[seat] = seq;
    this.dx[seat] = dx;
    this.dy[seat] = dy;
    this.action[seat] = action;
  }

  nameOf(seat: number): string {
    const at = seat * NAME_BYTES_MAX;
    return decoder.decode(this.#names.subarray(at, at + (this.#nameBytes[seat] ?? 0)));
  }

  /** The inside of the seats that are not free, as plain data, in order. */
  save(): SavedSeat[] {
    const seats: SavedSeat[] = [];
    for (let seat = 0; seat < this.capacity; seat++) {
      const state = this.state[seat] ?? OUT;
      if (state !== OUT) seats.push(this.#saveOne(seat, state, this.entity[seat] ?? 0));
    }
    return seats;
  }

  /** The seats that are free, the next to be taken last, in runs. */
  saveFree(): number[] {
    return packRuns(this.#free.subarray(0, this.#freeCount));
  }

  #saveOne(seat: number, state: number, entity: EntityId): SavedSeat {
    return [
      seat,
      state,
      this.bot[seat] ?? 0,
      entity,
      this.ack[seat] ?? 0,
      this.seq[seat] ?? 0,
      this.dx[seat] ?? 0,
      this.dy[seat] ?? 0,
      this.action[seat] ?? 0,
      this.nameOf(seat),
    ];
  }

  /** The seats of those of whom the inside has not heard; of everybody, when it is about to be emptied. */
  saveComing(isEmptied: boolean): SavedSeat[] {
    const seats: SavedSeat[] = [];
    for (let seat = 0; seat < this.capacity; seat++) {
      if (this.taken[seat] !== 0 && (isEmptied || this.state[seat] === OUT)) seats.push(this.#saveOne(seat, OUT, 0));
    }
    return seats;
  }

  /** Into seats that were never taken. Who has which entity is the roster's to restore, and which of them are taken still the inbox's. */
  restore(seats: readonly SavedSeat[], runs: readonly number[]): void {
    const free = unpackRuns(runs);
    for (const [seat, state, bot, , ack, seq, dx, dy, action, name] of seats) {
      this.#free[0] = seat;
      this.#freeCount = 1;
      this.take(name, bot === 1, 0);
      this.taken[seat] = 0;
      this.state[seat] = state;
      this.ask(seat, seq, dx, dy, action);
      this.ack[seat] = ack;
    }
    this.#free.set(free);
    this.#freeCount = free.length;
  }
}

/** seat, state, bot, entity, ack, seq, dx, dy, action, name */
export type SavedSeat = readonly [number, number, number, EntityId, number, number, number, number, number, string];

/** A first-in first-out queue of seats. A seat is in it at most once, so a capacity of all seats never overflows. */
export class SeatQueue {
  readonly #seats: Uint32Array;
  #first = 0;
  length = 0;

  constructor(capacity: number) {
    this.#seats = new Uint32Array(Math.max(1, capacity));
  }

  push(seat: number): void {
    this.#seats[(this.#first + this.length++) % this.#seats.length] = seat;
  }

  /** -1 when empty. */
  shift(): number {
    if (this.length === 0) return -1;
    const seat = this.#seats[this.#first] ?? -1;
    this.#first = (this.#first + 1) % this.#seats.length;
    this.length--;
    return seat;
  }

  clear(): void {
    this.#first = 0;
    this.length = 0;
  }

  toArray(): number[] {
    return Array.from({ length: this.length }, (_, i) => this.#seats[(this.#first + i) % this.#seats.length] ?? 0);
  }
}
