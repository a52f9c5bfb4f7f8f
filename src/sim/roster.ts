/**
 * The inner side of a zone's seats: who is in, who waits to enter or to leave, and who has which entity. A function of the commands that
 * were drained, and so part of the state. O(1) each, but for what looks at everybody.
 */
import type { EntityId, Zone } from "../kernel/types.js";
import { CANCELLED, ENTERING, IN, LEAVING, type SavedSeat, SeatQueue, type Seats } from "./seats.js";

export class Roster {
  /** Seats that are in, and seats that have an entity. */
  inCount = 0;
  inhabited = 0;
  /** Whether the game lets nobody in. */
  isLocked = false;

  readonly #zone: Zone;
  readonly #seats: Seats;
  readonly #entering: SeatQueue;
  readonly #leaving: SeatQueue;
  /** By slot, the seat that has the entity; true where the seat's entity says so too. */
  readonly #seatOfSlot: Int32Array;
  /** Seats that are in and were looked at in a walk of nextBereft. */
  #seen = 0;

  constructor(zone: Zone, seats: Seats) {
    this.#zone = zone;
    this.#seats = seats;
    this.#entering = new SeatQueue(seats.capacity);
    this.#leaving = new SeatQueue(seats.capacity);
    this.#seatOfSlot = new Int32Array(zone.capacity).fill(-1);
  }

  /** How many wait to enter, and to leave. */
  get entering(): number {
    return this.#entering.length;
  }

  get leaving(): number {
    return this.#leaving.length;
  }

  /** The seat of an entity's player; -1 for an entity that nobody plays. */
  seatOf(id: EntityId): number {
    const seat = this.#seatOfSlot[slotOf(id)] ?? -1;
    return id !== 0 && seat >= 0 && this.#seats.entity[seat] === id ? seat : -1;
  }

  /** The seat has this entity from now on; 0 for none. */
  setEntity(seat: number, id: EntityId): void {
    const { entity } = this.#seats;
    if (entity[seat] !== 0) this.inhabited--;
    if (id !== 0) {
      this.inhabited++;
      this.#seatOfSlot[slotOf(id)] = seat;
    }
    entity[seat] = id;
  }

  join(seat: number): void {
    this.#seats.state[seat] = ENTERING;
    this.#entering.push(seat);
  }

  leave(seat: number): void {
    const { state } = this.#seats;
    if (state[seat] === ENTERING) {
      state[seat] = CANCELLED;
    } else if (state[seat] === IN) {
      state[seat] = LEAVING;
      this.inCount--;
      this.#leaving.push(seat);
    }
  }

  /** The next that leaves; -1 when nobody does. */
  nextLeaving(): number {
    return this.#leaving.shift();
  }

  /** The next that enters, and is in now; -1 for one who changed its mind, or when nobody waits. */
  nextEntering(): number {
    const seat = this.#entering.shift();
    if (seat >= 0 && this.#seats.state[seat] === CANCELLED) {
      this.#seats.release(seat);
      return -1;
    }
    if (seat >= 0) this.admit(seat);
    return seat;
  }

  admit(seat: number): void {
    this.#seats.state[seat] = IN;
    this.inCount++;
  }

  /** Who went through a gate is not in any more. Its seat is cleared after. */
  depart(seat: number): void {
    if (this.#seats.state[seat] === IN) this.inCount--;
  }

  /** The entity goes, and the seat is free. */
  clear(seat: number): void {
    const id = this.#seats.entity[seat] ?? 0;
    this.setEntity(seat, 0);
    if (id !== 0) this.#zone.despawn(id);
    this.#seats.release(seat);
  }

  /**
   * The first seat from `from` on that is in and whose entity is gone; -1 when there is none. A walk begins at 0 and goes on behind what
   * it found; it ends at the last seat that is in.
   */
  nextBereft(from: number): number {
    const { state, entity } = this.#seats;
    const { id } = this.#zone.columns;
    if (from === 0) this.#seen = 0;
    for (let seat = from; this.#seen < this.inCount && seat < state.length; seat++) {
      if (state[seat] !== IN) continue;
      this.#seen++;
      const own = entity[seat] ?? 0;
      if (own !== 0 && id[slotOf(own)] !== own) return seat;
    }
    return -1;
  }

  /** Nobody is in, or waits. */
  reset(): void {
    this.#seats.empty();
    this.#entering.clear();
    this.#leaving.clear();
    this.#seatOfSlot.fill(-1);
    this.inCount = 0;
    this.inhabited = 0;
    this.isLocked = false;
  }

  /** What is hashed. Which seats are free follows; in which order they will be taken is saved aside, being long and seldom of interest. */
  save(): SavedRoster {
    return {
      seats: this.#seats.save(),
      entering: this.#entering.toArray(),
      leaving: this.#leaving.toArray(),
      isLocked: this.isLocked,
    };
  }

  restore(saved: SavedRoster, free: readonly number[]): void {
    this.#seats.restore(saved.seats, free);
    this.isLocked = saved.isLocked;
    for (const seat of saved.entering) this.#entering.push(seat);
    for (const seat of saved.leaving) this.#leaving.push(seat);
    for (const [seat, state, , entity] of saved.seats) {
      if (entity !== 0) this.setEntity(seat, entity);
      if (state === IN) this.inCount++;
    }
  }
}

export interface SavedRoster {
  readonly seats: readonly SavedSeat[];
  readonly entering: readonly number[];
  readonly leaving: readonly number[];
  readonly isLocked: boolean;
}

/** As the kernel packs ids. */
export function slotOf(id: EntityId): number {
  return id >>> 12;
}
