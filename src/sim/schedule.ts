/**
 * Inputs that came ahead of their tick: by seat, in order of arrival, and so in order of their ticks, since one never counts for an earlier
 * tick than the one before it. They are no part of the zone's state: in the tick that they are for they become commands.
 *
 *     seat   |.|.|T+2|T+3|T+3|T+5|.|.|        first -> count, around the end; two of the same tick have different actions
 *
 * Fixed memory, 834 bytes a seat, most of it never touched; O(1) each, and a walk over the seats that have some.
 */
import { IndexSet } from "./index-set.js";

/** Inputs of a seat that wait: half a second of one each tick at 60 Hz. A power of two. */
export const SCHEDULED_MAX = 32;
/** In place of a tick: the next one. */
export const NOW = -1;

const MASK = SCHEDULED_MAX - 1;

/** One that waits. */
export interface Scheduled {
  tick: number;
  seq: number;
  dx: number;
  dy: number;
  action: number;
}

export class Schedule {
  /** Filled in by {@link Schedule.read}. */
  readonly input: Scheduled = { tick: 0, seq: 0, dx: 0, dy: 0, action: 0 };
  readonly #seats: IndexSet;
  readonly #first: Uint8Array;
  readonly #counts: Uint8Array;
  readonly #ticks: Uint32Array;
  readonly #seqs: Uint32Array;
  readonly #actions: Uint16Array;
  readonly #dx: Float64Array;
  readonly #dy: Float64Array;

  constructor(seats: number) {
    this.#seats = new IndexSet(seats);
    this.#first = new Uint8Array(seats);
    this.#counts = new Uint8Array(seats);
    this.#ticks = new Uint32Array(seats * SCHEDULED_MAX);
    this.#seqs = new Uint32Array(seats * SCHEDULED_MAX);
    this.#actions = new Uint16Array(seats * SCHEDULED_MAX);
    this.#dx = new Float64Array(seats * SCHEDULED_MAX);
    this.#dy = new Float64Array(seats * SCHEDULED_MAX);
  }

  /** How many of the seat's wait. */
  count(seat: number): number {
    return this.#counts[seat] ?? 0;
  }

  /** The first seat from `from` on of which some wait; -1 when there is none. */
  next(from: number): number {
    return this.#seats.count === 0 ? -1 : this.#seats.next(from);
  }

  /** The tick that an input of the seat counts for which asks for this one, or NOW: not before that of the last which waits. */
  tickFor(seat: number, tick: number): number {
    const count = this.count(seat);
    if (count === 0) return tick;
    const last = this.#ticks[this.#at(seat, count - 1)] ?? 0;
    return tick === NOW || ((tick - last) | 0) < 0 ? last : tick;
  }

  /** Whether there is room for an input of this tick, as tickFor tells it: as another one, or in the place of one. */
  fits(seat: number, tick: number, action: number): boolean {
    return this.count(seat) < SCHEDULED_MAX || this.#merges(seat, tick, action);
  }

  /** One that fits. With one of the same tick it is one: the last wish counts, unless it has an action that another would take the place of. */
  add(seat: number, tick: number, seq: number, dx: number, dy: number, action: number): void {
    const count = this.count(seat);
    const isMerged = this.#merges(seat, tick, action);
    const at = this.#at(seat, isMerged ? count - 1 : count);
    this.#ticks[at] = tick;
    this.#seqs[at] = seq;
    this.#dx[at] = dx;
    this.#dy[at] = dy;
    this.#actions[at] = isMerged && action === 0 ? (this.#actions[at] ?? 0) : action;
    if (isMerged) return;
    this.#counts[seat] = count + 1;
    this.#seats.add(seat);
  }

  /** Fills in `input` with one that waits, the first being 0. */
  read(seat: number, index: number): void {
    const at = this.#at(seat, index);
    this.input.tick = this.#ticks[at] ?? 0;
    this.input.seq = this.#seqs[at] ?? 0;
    this.input.dx = this.#dx[at] ?? 0;
    this.input.dy = this.#dy[at] ?? 0;
    this.input.action = this.#actions[at] ?? 0;
  }

  /** Whether the seat has one that is due by this tick. */
  isDue(seat: number, tick: number): boolean {
    return this.count(seat) > 0 && (((this.#ticks[this.#at(seat, 0)] ?? 0) - tick) | 0) <= 0;
  }

  /** Takes the first one out, of a seat that has some. */
  shift(seat: number): void {
    this.#first[seat] = ((this.#first[seat] ?? 0) + 1) & MASK;
    const left = this.count(seat) - 1;
    this.#counts[seat] = left;
    if (left === 0) this.#seats.delete(seat);
  }

  /** None of the seat's wait any more. */
  drop(seat: number): void {
    this.#counts[seat] = 0;
    this.#seats.delete(seat);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#seats.clear();
  }

  /** All, as plain data. */
  save(): SavedSchedule {
    const saved: [number, Scheduled][] = [];
    this.each((seat, input) => void saved.push([seat, { ...input }]));
    return saved;
  }

  restore(saved: SavedSchedule): void {
    for (const [seat, { tick, seq, dx, dy, action }] of saved) this.add(seat, tick, seq, dx, dy, action);
  }

  /** Calls back for each that waits, in the order of seats and of arrival; the input is valid during the call. */
  each(visit: (seat: number, input: Readonly<Scheduled>) => void): void {
    for (let seat = this.next(0); seat >= 0; seat = this.next(seat + 1)) {
      for (let i = 0; i < this.count(seat); i++) {
        this.read(seat, i);
        visit(seat, this.input);
      }
    }
  }

  #merges(seat: number, tick: number, action: number): boolean {
    const count = this.count(seat);
    if (count === 0) return false;
    const last = this.#at(seat, count - 1);
    const waiting = this.#actions[last] ?? 0;
    return this.#ticks[last] === tick && (action === 0 || waiting === 0 || action === waiting);
  }

  #at(seat: number, index: number): number {
    return seat * SCHEDULED_MAX + (((this.#first[seat] ?? 0) + index) & MASK);
  }
}

/** seat, and what it sent, in order of arrival */
export type SavedSchedule = readonly (readonly [number, Readonly<Scheduled>])[];
