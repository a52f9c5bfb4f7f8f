/**
 * What comes from outside on its way into a zone: the outer side of its seats, and the ring of its commands. Nothing is lost without a
 * word: what finds no room is refused, and room for what must not be refused is kept.
 *
 *     capacity    |===== commands =====|...... free ......|-- held inputs --|-- a LEAVE for each seat that is taken --|
 *
 * The first input of a seat in a tick is a command at once; what comes more before the tick is merged into one further, the last wish
 * counting, unless it has an action that another would take the place of. So a flood costs what a few messages cost. What is for a later
 * tick waits in the schedule, without room in the ring: it is pushed when its tick begins, behind all else, by seat; what finds no room then is
 * pushed in the next.
 */
import { GyreError } from "../errors.js";
import type { Command, CommandRing } from "../kernel/types.js";
import { type CommandLog, INPUT, JOIN, LEAVE, NO_SEAT, RESET, SLEEP, WAKE } from "./commands.js";
import { NOW, Schedule, type Scheduled } from "./schedule.js";
import { LEFT, NAME_BYTES_MAX, nameBytes, SeatQueue, type Seats, TAKEN } from "./seats.js";

/** Commands of one seat between two ticks: an input, what came after it, and its LEAVE; its JOIN is in another tick mostly. */
export const COMMANDS_PER_SEAT = 3;

const NOBODY: readonly number[] = [];

export class Inbox {
  /** Seats that are taken by players, and by bots. */
  players = 0;
  bots = 0;
  /** Joins and inputs that found no room. */
  refused = 0;
  /** Room that is kept for the answers to those who asked at the gates. */
  reserved = 0;
  /** See {@link World.log}. */
  log: CommandLog | null = null;
  /** Inputs that came ahead of their tick. */
  readonly schedule: Schedule;

  readonly #seats: Seats;
  readonly #ring: CommandRing;
  /** Called after each push. */
  readonly #pushed: () => void;
  /** Seats whose LEAVE has not been pushed. */
  #leavesOwed = 0;
  /** Seats whose further input waits for the tick, in order of arrival. */
  readonly #heldSeats: Uint32Array;
  #heldCount = 0;
  /** Seats that were left, and of whom the zone hears before its next tick. */
  readonly #left: SeatQueue;
  /**
   * Whether the zone is at work. What it makes others do meanwhile, such as closing a connection that is not read, does not reach into
   * the tick: its crossers would be answered by something that no command says. It takes no join and no input then.
   */
  isWorking = false;
  /** Counts ticks: see Seats.heard. */
  #round = 1;
  /** Of the last command that was pushed. */
  #lastType = 0;
  readonly #command: Command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };

  constructor(seats: Seats, ring: CommandRing, pushed: () => void) {
    this.#seats = seats;
    this.#ring = ring;
    this.#pushed = pushed;
    this.#heldSeats = new Uint32Array(seats.capacity);
    this.#left = new SeatQueue(seats.capacity);
    this.schedule = new Schedule(seats.capacity);
  }

  /** Commands that wait, and what will be commands before the next tick. */
  get pending(): number {
    return this.#ring.count + this.#heldCount + this.#left.length;
  }

  /** Whether the last command that waits is to sleep. */
  get isDrowsy(): boolean {
    return this.#ring.count > 0 && this.#lastType === SLEEP;
  }

  /** Commands that may be pushed without taking the room of what is owed. A seat that is taken needs two: its own, and its LEAVE's. */
  get room(): number {
    return this.#ring.capacity - this.#ring.count - this.#leavesOwed - this.#heldCount - this.reserved;
  }

  /** Seats that were left, and of whom the zone hears before its next tick. */
  get left(): readonly number[] {
    return this.#left.length === 0 ? NOBODY : this.#left.toArray();
  }

  /** Whether an input of the seat was pushed since the last tick. */
  hasSpoken(seat: number): boolean {
    return this.#seats.heard[seat] === this.#round;
  }

  push(type: number, action: number, seat: number, seq: number, dx: number, dy: number): boolean {
    if (!this.#ring.push(type, action, seat, seq, dx, dy)) return false;
    this.#lastType = type;
    this.log?.pushed(type, action, seat, seq, dx, dy);
    this.#pushed();
    return true;
  }

  /** zone: its name, for errors. Throws BAD_ARGUMENT, ZONE_FULL, COMMANDS_FULL. */
  join(name: string, bot: boolean, tag: number, zone: string): number {
    if (nameBytes(name) > NAME_BYTES_MAX) {
      throw new GyreError("BAD_ARGUMENT", `the name ${JSON.stringify(name)} has more than ${NAME_BYTES_MAX} bytes`);
    }
    if (this.#seats.freeCount === 0) throw new GyreError("ZONE_FULL", `${zone} has no seat for another player`);
    if (this.room < 2 || this.isWorking) {
      this.refused++;
      throw new GyreError("COMMANDS_FULL", `${zone} has no room for another command before its next tick`);
    }
    const seat = this.take(name, bot, tag);
    this.push(JOIN, bot ? 1 : 0, seat, 0, 0, 0);
    return seat;
  }

  leave(seat: number): void {
    const { taken } = this.#seats;
    if (taken[seat] !== TAKEN) return;
    if (this.isWorking) {
      this.leaveLater(seat);
      return;
    }
    if (this.#seats.held[seat] === 1) this.#pushHeld(seat);
    this.giveUp(seat);
    this.push(LEAVE, 0, seat, 0, 0, 0);
  }

  /** Gives up a seat that is taken; the zone hears of it when its next tick begins, after all else. */
  leaveLater(seat: number): void {
    this.#seats.taken[seat] = LEFT;
    this.#left.push(seat);
  }

  /** tick: one behind the next, or NOW. False, and nothing is changed, when there is no room. */
  input(seat: number, seq: number, dx: number, dy: number, action: number, tick: number): boolean {
    const { taken, heard, held, heldAction } = this.#seats;
    if (taken[seat] !== TAKEN) return true;
    if (this.isWorking) return this.#refuse();
    // Adding 0 makes 0 of -0, which would not outlive a recording.
    const x = dx + 0;
    const y = dy + 0;
    if (tick !== NOW || this.schedule.count(seat) > 0) return this.#schedule(seat, seq, x, y, action, tick);
    if (heard[seat] !== this.#round) {
      if (this.room < 1) return this.#refuse();
      heard[seat] = this.#round;
      return this.push(INPUT, action, seat, seq, x, y);
    }
    const isHeld = held[seat] === 1;
    const waiting = isHeld ? (heldAction[seat] ?? 0) : 0;
    const mustPush = waiting !== 0 && action !== 0 && action !== waiting;
    if ((mustPush || !isHeld) && this.room < 1) return this.#refuse();
    if (mustPush) this.#pushHeld(seat);
    if (!isHeld) this.#heldSeats[this.#heldCount++] = seat;
    this.#seats.hold(seat, seq, x, y, action === 0 ? waiting : action);
    return true;
  }

  /** An input of a seat that was taken by one who came through a gate, where it waited for its tick; or what a log tells of. */
  scheduleAgain(seat: number, { tick, seq, dx, dy, action }: Scheduled): void {
    if (this.#seats.taken[seat] === TAKEN) this.#schedule(seat, seq, dx, dy, action, tick);
  }

  /** See World.reset. */
  reset(seed: number): boolean {
    if (this.players > 0 || this.pending > 0 || this.isWorking || !Number.isSafeInteger(seed)) return false;
    this.clear();
    this.#seats.vacate();
    return this.push(RESET, 0, NO_SEAT, 0, seed + 0, 0);
  }

  /** See World.replay and World.pushAgain. */
  replay({ type, action, seat, seq, dx, dy }: Readonly<Command>, name: string, tag: number): boolean {
    if (type === JOIN) {
      if (this.#seats.next !== seat || this.room < 2 || nameBytes(name) > NAME_BYTES_MAX) return false;
      this.take(name, action === 1, tag);
      return this.push(type, action, seat, 0, 0, 0);
    }
    if (type === RESET) return this.reset(dx);
    if (type === SLEEP || type === WAKE) return this.room > 0 && this.push(type, action, seat, seq, dx, dy);
    // LEFT: its leave is on its way, or what it had said before.
    if ((this.#seats.taken[seat] ?? 0) === 0) return false;
    if (type === INPUT) {
      this.#seats.heard[seat] = this.#round;
      return this.room > 0 && this.push(type, action, seat, seq, dx, dy);
    }
    if (type !== LEAVE) return false;
    this.takeBack(seat);
    this.leave(seat);
    return true;
  }

  /** Takes a seat, of which there is one. */
  take(name: string, bot: boolean, tag: number): number {
    const seat = this.#seats.take(name, bot, tag);
    this.#own(seat);
    return seat;
  }

  /** Gives a seat up without a word to the zone, for which the caller cares. */
  giveUp(seat: number): void {
    this.#leavesOwed--;
    this.#count(seat, -1);
    this.#seats.giveUp(seat);
    this.schedule.drop(seat);
  }

  /** Whether who gave up this seat while the zone was at work has it still, as nobody heard of it. Then it is taken as any other. */
  takeBack(seat: number): boolean {
    if (this.#seats.taken[seat] !== LEFT) return false;
    this.#seats.taken[seat] = TAKEN;
    return true;
  }

  /** The tick begins: what was held back is pushed. */
  flush(tick: number): void {
    const { held } = this.#seats;
    for (let n = this.#left.length; n > 0; n--) {
      const seat = this.#left.shift();
      // Not one that went through a gate meanwhile.
      if (this.takeBack(seat)) this.leave(seat);
    }
    for (let i = 0; i < this.#heldCount; i++) {
      const seat = this.#heldSeats[i] ?? 0;
      // Given up meanwhile.
      if (held[seat] === 0) continue;
      this.#pushHeld(seat);
      held[seat] = 0;
    }
    this.#heldCount = 0;
    for (let seat = this.schedule.next(0); seat >= 0; seat = this.schedule.next(seat + 1)) this.#pushDue(seat, tick);
    this.#round++;
  }

  /** Nobody has a seat any more. */
  clear(): void {
    this.players = 0;
    this.bots = 0;
    this.#leavesOwed = 0;
    this.#heldCount = 0;
    this.schedule.clear();
    this.#seats.taken.fill(0);
  }

  /** The commands that wait, in order. The ring can only be read by emptying it. */
  peek(): Command[] {
    const commands: Command[] = [];
    for (let n = this.#ring.count; n > 0 && this.#ring.next(this.#command); n--) commands.push({ ...this.#command });
    this.refill(commands);
    return commands;
  }

  refill(commands: readonly Command[]): void {
    for (const { type, action, seat, seq, dx, dy } of commands) {
      this.#ring.push(type, action, seat, seq, dx, dy);
      this.#lastType = type;
    }
  }

  /** What is outside of the seats, as plain data, but for the schedule. */
  save(): SavedInbox {
    const { capacity, taken, tag, heldSeq, heldAction, heldDx, heldDy } = this.#seats;
    const seats: number[] = [];
    for (let seat = 0; seat < capacity; seat++) if (taken[seat] !== 0) seats.push(seat);
    const heldSeats = [...this.#heldSeats.subarray(0, this.#heldCount)].filter((seat) => this.#seats.held[seat] === 1);
    return {
      taken: seats.map((seat) => [seat, taken[seat] ?? 0, tag[seat] ?? 0]),
      spoken: seats.filter((seat) => this.hasSpoken(seat)),
      left: this.left,
      held: heldSeats.map((seat) => [
        seat,
        heldSeq[seat] ?? 0,
        heldDx[seat] ?? 0,
        heldDy[seat] ?? 0,
        heldAction[seat] ?? 0,
      ]),
    };
  }

  /** Of seats that are restored as far as their inside goes. */
  restore({ taken, spoken, left, held }: SavedInbox): void {
    for (const [seat, side, tag] of taken) {
      this.#seats.taken[seat] = side;
      this.#seats.tag[seat] = tag;
      this.#own(seat);
    }
    for (const seat of spoken) this.#seats.heard[seat] = this.#round;
    for (const seat of left) this.#left.push(seat);
    for (const [seat, seq, dx, dy, action] of held) {
      this.#heldSeats[this.#heldCount++] = seat;
      this.#seats.hold(seat, seq, dx, dy, action);
    }
  }

  /** Counts a seat that is taken. */
  #own(seat: number): void {
    this.#leavesOwed++;
    this.#count(seat, 1);
  }

  #refuse(): false {
    this.refused++;
    return false;
  }

  #count(seat: number, change: number): void {
    if (this.#seats.bot[seat] === 1) this.bots += change;
    else this.players += change;
  }

  #schedule(seat: number, seq: number, dx: number, dy: number, action: number, asked: number): boolean {
    const tick = this.schedule.tickFor(seat, asked);
    if (!this.schedule.fits(seat, tick, action)) return this.#refuse();
    if (this.log !== null && !this.log.scheduled(tick, action, seat, seq, dx, dy)) return this.#refuse();
    this.schedule.add(seat, tick, seq, dx, dy, action);
    return true;
  }

  /** Not told to the log, for which this follows from what it was told. */
  #pushDue(seat: number, tick: number): void {
    const { input } = this.schedule;
    while (this.room > 0 && this.schedule.isDue(seat, tick)) {
      this.schedule.read(seat, 0);
      this.schedule.shift(seat);
      this.#ring.push(INPUT, input.action, seat, input.seq, input.dx, input.dy);
      this.#lastType = INPUT;
    }
  }

  #pushHeld(seat: number): void {
    const { heldSeq, heldAction, heldDx, heldDy } = this.#seats;
    this.push(INPUT, heldAction[seat] ?? 0, seat, heldSeq[seat] ?? 0, heldDx[seat] ?? 0, heldDy[seat] ?? 0);
  }
}

export interface SavedInbox {
  /** seat, TAKEN or LEFT, tag */
  readonly taken: readonly (readonly [number, number, number])[];
  readonly spoken: readonly number[];
  readonly left: readonly number[];
  /** seat, seq, dx, dy, action */
  readonly held: readonly (readonly [number, number, number, number, number])[];
}
