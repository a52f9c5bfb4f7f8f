/**
 * One world's side of the gates between zones. After all worlds were stepped, the coordinator answers every world's crossers, in order
 * of zones. An entity that is let through is in the commands of both zones, DEPARTED here and ARRIVE there, which both drain at the
 * start of the next tick:
 *
 *     tick n      step A    step B    A's crossers: B receives       in A, and on its way into B
 *     tick n+1    A drains DEPARTED, steps    B drains ARRIVE, steps   in B
 *
 * so that it is in exactly one zone whenever a step runs. One that is refused stays, is told once (the hook `stay`, and the event
 * "gate-full" to its player), and asks again only after it was outside the gate. One that comes when too many came in this tick asks
 * again in the next.
 */
import type { Command, EntityId } from "../kernel/types.js";
import { Arrivals, type SavedArrivals } from "./arrivals.js";
import { ARRIVE, DEPARTED, NO_SEAT, STAYS } from "./commands.js";
import { type Gate, GateKeeper } from "./gates.js";
import type { Inbox } from "./inbox.js";
import { hasRoom } from "./places.js";
import { type Roster, slotOf } from "./roster.js";
import type { Seats } from "./seats.js";
import type { World } from "./world.js";

/** In place of a seat: it was not let in. And: it was not in this tick, as too many came. */
const REFUSED = -1;
const LATER = -2;

export class Border {
  readonly keeper: GateKeeper;
  readonly arrivals: Arrivals;
  /** Those who were refused, and told so. */
  refusals = 0;
  readonly #world: World;
  readonly #seats: Seats;
  readonly #inbox: Inbox;
  readonly #roster: Roster;
  /** Called for a player who came, once all who came in its tick stand: its hook may spawn what they have no room for. */
  readonly #introduce: (seat: number) => void;

  constructor(world: World, seats: Seats, inbox: Inbox, roster: Roster, introduce: (seat: number) => void) {
    this.keeper = new GateKeeper(world.zone, world.gates);
    this.arrivals = new Arrivals(world.zone);
    this.#world = world;
    this.#seats = seats;
    this.#inbox = inbox;
    this.#roster = roster;
    this.#introduce = introduce;
  }

  /** See World.cross. to: the border of the zone that the gate leads into; undefined when there is none. */
  cross(crosser: number, gate: Gate, to: Border | undefined): boolean {
    const world = this.#world;
    const id = this.keeper.ids[crosser] ?? 0;
    const seat = world.seatOf(id);
    const isThere = world.zone.slot(id) >= 0 && (seat < 0 || (world.isIn(seat) && this.#seats.taken[seat] !== 0));
    const index = this.keeper.gates[crosser] ?? 0;
    let newSeat = LATER;
    if (isThere && this.#inbox.room > 0) {
      newSeat = to === undefined || to === this ? REFUSED : to.#receive(world, id, seat, gate);
    }
    // Gone since the scan, leaving, or no room for the answer or for so many: as if it had not asked.
    if (newSeat === LATER) {
      this.keeper.forget(crosser);
      return false;
    }
    if (to === undefined || newSeat === REFUSED) {
      this.#inbox.push(STAYS, index, seat < 0 ? NO_SEAT : seat, id, 0, 0);
      this.refusals++;
      return false;
    }
    if (seat < 0) {
      this.#inbox.push(DEPARTED, index, NO_SEAT, id, 0, 0);
      return true;
    }
    const isLeft = this.#inbox.takeBack(seat);
    this.#inbox.giveUp(seat);
    this.#inbox.push(DEPARTED, index, seat, id, 0, 0);
    // Who left in this tick crosses all the same, and leaves there: after all who come, as it does where its leave is recorded.
    if (isLeft) to.#inbox.leaveLater(newSeat);
    else this.#tellMoved(seat, to.#world, newSeat);
    return true;
  }

  obeyArrive({ seat, seq, dx, dy }: Command): void {
    const id = this.arrivals.insert(seq, dx, dy);
    this.keeper.admit(id);
    if (seat === NO_SEAT) {
      this.arrivals.unseated--;
      return;
    }
    this.#roster.admit(seat);
    this.#roster.setEntity(seat, id);
    this.arrivals.seats[this.arrivals.seatCount++] = seat;
  }

  /** All arrivals that were pushed together stand: other commands may follow. */
  introduceArrived(): void {
    const { seats, seatCount } = this.arrivals;
    this.arrivals.seatCount = 0;
    for (let i = 0; i < seatCount; i++) this.#introduce(seats[i] ?? 0);
  }

  obeyDeparted({ seat, seq: id, action }: Command): void {
    const { zone, gates, rules } = this.#world;
    const gate = gates[action];
    if (seat !== NO_SEAT && gate !== undefined) {
      rules.depart(seat, gate);
      this.#roster.depart(seat);
      this.#roster.clear(seat);
    }
    // Also of a seat whose game gave it another entity meanwhile.
    zone.despawn(id);
  }

  obeyStays({ seat, action }: Command): void {
    const gate = this.#world.gates[action];
    if (seat === NO_SEAT || gate === undefined || !this.#world.isIn(seat)) return;
    this.#world.tell("gate-full", JSON.stringify({ to: gate.to }), seat);
    this.#world.rules.stay(seat, gate);
  }

  save(): SavedBorder {
    return { marks: this.keeper.save(), arrivals: this.arrivals.save() };
  }

  restore({ marks, arrivals }: SavedBorder): void {
    this.keeper.restore(marks);
    this.arrivals.restore(arrivals);
  }

  /** The seat that a crosser gets here, NO_SEAT for one without a player, or REFUSED or LATER: nothing is changed then. */
  #receive(from: World, id: EntityId, fromSeat: number, { x, y }: Gate): number {
    const world = this.#world;
    const isSeated = fromSeat >= 0;
    const halfSize = from.zone.columns.halfSize[slotOf(id)] ?? 0;
    const isFull =
      world.fault !== null ||
      world.room < (isSeated ? 0 : 1) ||
      (isSeated && this.#seats.freeCount === 0) ||
      !hasRoom(world.zone, x, y, halfSize);
    if (isFull) return REFUSED;
    const index = this.#inbox.room < (isSeated ? 2 : 1) ? -1 : this.arrivals.add(from.zone, id, isSeated, x, y);
    if (index < 0) return LATER;
    if (!isSeated) {
      this.#inbox.push(ARRIVE, 0, NO_SEAT, index, x, y);
      return NO_SEAT;
    }
    const seat = this.#inbox.take(from.nameOf(fromSeat), from.isBot(fromSeat));
    this.#seats.ack[seat] = from.acks[fromSeat] ?? 0;
    this.#inbox.push(ARRIVE, world.isBot(seat) ? 1 : 0, seat, index, x, y);
    return seat;
  }

  #tellMoved(seat: number, to: World, newSeat: number): void {
    const world = this.#world;
    if (world.isBot(seat)) {
      world.onBotGone?.(seat);
      to.onBotCame?.(newSeat);
    } else {
      world.onSeatMoved?.(seat, to, newSeat);
    }
  }
}

export interface SavedBorder {
  readonly marks: readonly number[];
  readonly arrivals: SavedArrivals;
}
