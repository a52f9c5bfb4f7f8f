/**
 * One world's side of the gates between zones. After all worlds were stepped, those who stand in gates are answered, in three phases
 * over all worlds, each phase in order of zones (see passage.ts). An entity that is let through is in the commands of both zones, DEPARTED
 * here and ARRIVE there, which both drain at the start of the next tick:
 *
 *     tick n      step A    step B    depart A    receive B    settle A       in A, and on its way into B
 *     tick n+1    A drains DEPARTED, steps    B drains ARRIVE, steps          in B
 *
 * so that it is in exactly one zone whenever a step runs. One that is refused stays, is told once (the hook `stay`, and the event
 * "gate-full" to its player), and asks again only after it was outside the gate. One that comes when too many came in this tick asks
 * again in the next. No phase looks at more than its own world and the passages, so that threads may share the worlds of one.
 */
import { entitySpec } from "../kernel/transfer.js";
import type { Command, EntityId } from "../kernel/types.js";
import { Arrivals, type SavedArrivals } from "./arrivals.js";
import { ARRIVE, DEPARTED, type LoggedCommand, NO_SEAT, STAYS } from "./commands.js";
import { type Gate, GateKeeper } from "./gates.js";
import type { Inbox } from "./inbox.js";
import { ADMITTED, LATER, type Passage, REFUSED } from "./passage.js";
import { hasRoom } from "./places.js";
import { type Roster, slotOf } from "./roster.js";
import { LEFT, type Seats } from "./seats.js";
import type { World } from "./world.js";

export class Border {
  readonly keeper: GateKeeper;
  readonly arrivals: Arrivals;
  /** Those who were refused, and told so. */
  refusals = 0;
  /** Records of this tick that were let in. */
  #admitted = 0;
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

  /**
   * Writes who asks into the passage of this tick. targets: by gate, the index of the zone that it leads into, -1 for none. Throws
   * BAD_ARGUMENT for one whose columns hold what no zone takes: here, where it is their zone's fault still.
   */
  depart(passage: Passage, targets: Int32Array): void {
    passage.begin(this.#world.zone.tick);
    for (let crosser = 0; crosser < this.keeper.count; crosser++) this.#ask(crosser, passage, targets);
  }

  /**
   * Answers the one of this record, who wants to come in here. A zone that was taken up from its journal in the middle of this answers all
   * records again, in the same order: who has an answer keeps it, and who is on its way in already gets the one that was lost.
   */
  receive(passage: Passage, record: number, { x, y }: Gate): void {
    const known = passage.answer(record);
    if (known === REFUSED) return;
    const { arrivals } = this;
    let answer = known;
    if (known === LATER) {
      answer = this.#admitted < arrivals.count ? arrivals.answer(this.#admitted) : this.#answer(passage, record, x, y);
      if (answer >= 0) this.#bring(passage, record, answer);
      passage.setAnswer(record, answer);
    }
    if (answer !== REFUSED && answer !== LATER) this.#admitted++;
  }

  /** Acts on the answers. Returns how many go. */
  settle(passage: Passage): number {
    let gone = 0;
    this.#inbox.reserved = 0;
    for (let record = 0; record < passage.count(this.#world.zone.tick); record++) {
      if (this.#settleOne(passage, record)) gone++;
    }
    return gone;
  }

  /** Nobody was asked. */
  turnBack(): void {
    this.#inbox.reserved = 0;
    for (let crosser = 0; crosser < this.keeper.count; crosser++) this.forget(crosser);
  }

  /** Does again what receive, settle and turnBack did, as a log tells it. False when this zone cannot have done it. */
  again(record: LoggedCommand): boolean {
    const { type, action, seat, seq, dx, hasLeft } = record;
    if (type === ARRIVE) return this.#receiveAgain(record);
    if (type === DEPARTED && seat !== NO_SEAT && this.#seats.taken[seat] === 0) return false;
    this.keeper.answered(seq);
    if (type === STAYS) this.#keep(action, seat, seq);
    else this.#letGo(action, seat, seq, dx, hasLeft);
    return true;
  }

  /** One who asked and was not answered. */
  forget(crosser: number): void {
    if (!this.keeper.forget(crosser)) return;
    this.#inbox.log?.forgot(crosser);
    this.#world.onTurnedBack?.(crosser);
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

  /** The tick's commands are drained. */
  endArrivals(): void {
    this.introduceArrived();
    this.arrivals.count = 0;
    this.#admitted = 0;
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

  /** Nobody is on the way, in or out. */
  reset(): void {
    this.keeper.reset();
    this.arrivals.count = this.arrivals.unseated = this.arrivals.seatCount = 0;
  }

  save(): SavedBorder {
    return { marks: this.keeper.save(), arrivals: this.arrivals.save() };
  }

  restore({ marks, arrivals }: SavedBorder): void {
    this.keeper.restore(marks);
    this.arrivals.restore(arrivals);
  }

  #ask(crosser: number, passage: Passage, targets: Int32Array): void {
    const world = this.#world;
    const id = this.keeper.ids[crosser] ?? 0;
    const gate = this.keeper.gates[crosser] ?? 0;
    const seat = world.seatOf(id);
    const isThere = seat < 0 || (world.isIn(seat) && this.#seats.taken[seat] !== 0);
    // Gone since the scan, leaving, or no room for the answer: as if it had not asked.
    if (!isThere || this.#inbox.room < 1 || !world.zone.extract(id, passage.nextEntity)) {
      this.forget(crosser);
      return;
    }
    const { x, y } = world.zone.columns;
    entitySpec(passage.nextEntity, x[slotOf(id)] ?? 0, y[slotOf(id)] ?? 0);
    this.#inbox.reserved++;
    passage.add({
      index: crosser,
      gate,
      to: targets[gate] ?? -1,
      id,
      seat,
      name: seat < 0 ? "" : world.nameOf(seat),
      isBot: world.isBot(seat),
      hasLeft: this.#seats.taken[seat] === LEFT,
      ack: world.acks[seat] ?? 0,
      tag: this.#seats.tag[seat] ?? 0,
    });
    const { schedule } = this.#inbox;
    for (let i = 0; seat >= 0 && i < schedule.count(seat); i++) {
      schedule.read(seat, i);
      passage.addInput(schedule.input);
    }
  }

  /** A seat, or one of the answers of passages: unless one is let in, nothing is changed. */
  #answer(passage: Passage, record: number, x: number, y: number): number {
    const world = this.#world;
    const isSeated = passage.seat(record) >= 0;
    const { halfSize } = entitySpec(passage.entity(record), x, y);
    const isFull =
      world.fault !== null ||
      (world.isRoom && world.asleep) ||
      (isSeated && !passage.isBot(record) && (world.isLocked || world.players >= world.playersMax)) ||
      world.room < (isSeated ? 0 : 1) ||
      (isSeated && this.#seats.freeCount === 0) ||
      !hasRoom(world.zone, x, y, halfSize ?? 0);
    if (isFull) return REFUSED;
    const index = this.#inbox.room < (isSeated ? 2 : 1) ? -1 : this.arrivals.add(passage.entity(record), isSeated);
    if (index < 0) return LATER;
    if (!isSeated) return this.#admitEntity(index, x, y);
    return this.#admit(index, x, y, {
      name: passage.name(record),
      isBot: passage.isBot(record),
      ack: passage.ack(record),
      tag: passage.tag(record),
      hasLeft: passage.hasLeft(record),
    });
  }

  /** What it has scheduled comes with it: ticks are the same in all zones that are awake. From where a thread ended, if one did meanwhile. */
  #bring(passage: Passage, record: number, seat: number): void {
    for (let i = this.#inbox.schedule.count(seat); i < passage.inputs(record); i++) {
      this.#inbox.scheduleAgain(seat, passage.input(record, i));
    }
  }

  /** For one without a player. */
  #admitEntity(index: number, x: number, y: number): number {
    this.arrivals.setAnswer(index, ADMITTED);
    this.#inbox.push(ARRIVE, 0, NO_SEAT, index, x, y);
    return ADMITTED;
  }

  /** A seat for one whose entity was taken in; there is one. */
  #admit(index: number, x: number, y: number, { name, isBot, ack, tag, hasLeft }: Guest): number {
    const seat = this.#inbox.take(name, isBot, tag);
    this.#seats.ack[seat] = ack;
    this.arrivals.setAnswer(index, seat);
    // Who left in this tick crosses all the same, and leaves here: after all who come, as it does where its leave is recorded.
    if (hasLeft) this.#inbox.leaveLater(seat);
    this.#inbox.push(ARRIVE, isBot ? 1 : 0, seat, index, x, y);
    if (hasLeft) return seat;
    if (isBot) this.#world.onBotCame?.(seat);
    else this.#world.onSeatCame?.(seat);
    return seat;
  }

  #receiveAgain({ seat, seq, action, dx, dy, name, ack, tag, hasLeft, entity }: LoggedCommand): boolean {
    const isSeated = seat !== NO_SEAT;
    if (this.#inbox.room < (isSeated ? 2 : 1) || (isSeated && this.#seats.next !== seat)) return false;
    if (this.arrivals.count !== seq || this.arrivals.add(entity, isSeated) < 0) return false;
    if (isSeated) this.#admit(seq, dx, dy, { name, isBot: action === 1, ack, tag, hasLeft });
    else this.#admitEntity(seq, dx, dy);
    return true;
  }

  /** Whether it goes. */
  #settleOne(passage: Passage, record: number): boolean {
    const [answer, id, gate] = [passage.answer(record), passage.id(record), passage.gate(record)];
    const seat = passage.seat(record) < 0 ? NO_SEAT : passage.seat(record);
    if (answer === LATER) {
      this.forget(passage.crosser(record));
      return false;
    }
    // Not one of whom a log told already, when the zone was taken up from it in the middle of this.
    if (!this.keeper.answered(id)) return false;
    if (answer === REFUSED) this.#keep(gate, seat, id);
    else this.#letGo(gate, seat, id, answer, passage.hasLeft(record));
    return answer !== REFUSED;
  }

  #keep(gate: number, seat: number, id: EntityId): void {
    this.#inbox.push(STAYS, gate, seat, id, 0, 0);
    this.refusals++;
  }

  /** answer: its seat there. */
  #letGo(gate: number, seat: number, id: EntityId, answer: number, hasLeft: boolean): void {
    const world = this.#world;
    if (seat !== NO_SEAT) {
      this.#inbox.takeBack(seat);
      this.#inbox.giveUp(seat);
    }
    this.#inbox.push(DEPARTED, gate, seat, id, answer, hasLeft ? 1 : 0);
    if (seat === NO_SEAT || hasLeft) return;
    if (world.isBot(seat)) world.onBotGone?.(seat);
    else world.onSeatMoved?.(seat, world.gates[gate]?.to ?? "", answer);
  }
}

/** A player who comes. */
interface Guest {
  readonly name: string;
  readonly isBot: boolean;
  readonly ack: number;
  readonly tag: number;
  /** Its player left meanwhile. */
  readonly hasLeft: boolean;
}

/** What is hashed: who asks is decided in the same tick. */
export interface SavedBorder {
  readonly marks: readonly number[];
  readonly arrivals: SavedArrivals;
}
