/**
 * One zone's players as the simulation sees them: seats, and the input waiting for each. Between two ticks a seat keeps one
 * input, the last that came, so a flood costs what one message costs and the zone sees at most one input per player and tick.
 *
 *     seat      0      1      2      3
 *     state     IN     free   IN     WAITING
 *     input     a      .      b      .         last wins
 *     fresh     [2, 0]                         seats with an input, in order of arrival; each at most once
 *
 * Fixed memory, 38 bytes a seat; every operation O(1). This is what becomes a ring in shared memory when the simulation
 * moves to a worker, so it holds numbers only.
 */

/** States of a seat. */
export const FREE = 0;
/** Taken; its entity enters at the start of a coming tick. */
export const WAITING = 1;
export const IN = 2;
/** Given up while waiting. */
export const CANCELLED = 3;
/** Given up; its entity goes at the start of a coming tick. */
export const LEAVING = 4;

export class Mailbox {
  readonly capacity: number;
  readonly state: Uint8Array;
  readonly entity: Uint32Array;
  readonly kind: Uint16Array;
  /** Sequence number of the last input that the simulation applied. */
  readonly ack: Uint32Array;
  readonly seq: Uint32Array;
  /** Doubles: what a client sends is any finite number, and the kernel shortens it. */
  readonly dx: Float64Array;
  readonly dy: Float64Array;
  readonly fresh: Uint32Array;
  freshCount = 0;
  readonly #isFresh: Uint8Array;
  readonly #free: Uint32Array;
  #freeCount: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.state = new Uint8Array(capacity);
    this.entity = new Uint32Array(capacity);
    this.kind = new Uint16Array(capacity);
    this.ack = new Uint32Array(capacity);
    this.seq = new Uint32Array(capacity);
    this.dx = new Float64Array(capacity);
    this.dy = new Float64Array(capacity);
    this.fresh = new Uint32Array(capacity);
    this.#isFresh = new Uint8Array(capacity);
    this.#free = Uint32Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    this.#freeCount = capacity;
  }

  /** A seat in state WAITING; -1 when all are taken. */
  take(kind: number): number {
    if (this.#freeCount === 0) return -1;
    const seat = this.#free[--this.#freeCount] ?? 0;
    this.state[seat] = WAITING;
    this.kind[seat] = kind;
    this.entity[seat] = 0;
    this.ack[seat] = 0;
    this.seq[seat] = 0;
    this.dx[seat] = 0;
    this.dy[seat] = 0;
    return seat;
  }

  /** Gives a seat back. Its input, if there is one, is forgotten when the fresh list is cleared. */
  release(seat: number): void {
    this.state[seat] = FREE;
    this.entity[seat] = 0;
    this.#free[this.#freeCount++] = seat;
  }

  /** Leaves an input for the next tick, in place of the one that may wait there. */
  put(seat: number, seq: number, dx: number, dy: number): void {
    this.seq[seat] = seq;
    this.dx[seat] = dx;
    this.dy[seat] = dy;
    if (this.#isFresh[seat] !== 0) return;
    this.#isFresh[seat] = 1;
    this.fresh[this.freshCount++] = seat;
  }

  /** After the inputs were applied. */
  clearFresh(): void {
    for (let i = 0; i < this.freshCount; i++) this.#isFresh[this.fresh[i] ?? 0] = 0;
    this.freshCount = 0;
  }
}

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
}
