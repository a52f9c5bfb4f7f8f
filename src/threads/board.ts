/**
 * What the threads of one server tell each other about ticks: a few words for all, a cache line or two for each slot, one for each
 * zone. A slot is a place for a sim worker's thread; when the thread in it ends, another takes the place and finds here how far it was.
 *
 *     BELL       counted up whenever there may be something to do: a tick was opened, a slot arrived that others wait for, stop
 *     OPENER     the slot that opens a tick, + 1: whoever puts itself there by compare-exchange, while nobody is
 *     TICK       the last tick that is open
 *     ARRIVED    of a slot: the last tick that it is done with
 *     PRESENT    of a slot: the last tick whose gates it takes part in, which whoever opened the next one decided
 *     ASKING     of a slot: how many asked at the gates of that tick, in all slots that take part
 *     RECEIVED   of a slot: the last tick whose crossers it has answered
 *
 * Every word has one writer at a time: the opener writes what is for all, a slot its own, a zone's home the zone's, and the main
 * thread what says so. Nothing here is ever waited for without a timeout.
 */
import { LINE_BYTES } from "../sync/memory.js";
import { Tickets } from "../sync/tickets.js";
import { Bell, type Notify } from "../sync/waiter.js";

const LINE = LINE_BYTES / 4;

// Words for all, hot ones on lines of their own.
const BELL = 0;
const OPENER = LINE;
const TICK = 2 * LINE;
const TARGET = 3 * LINE;
const STOP = 3 * LINE + 1;
const CALLS = 3 * LINE + 2;
const MOVE_ZONE = 3 * LINE + 3;
const MOVE_TO = 3 * LINE + 4;
const MOVE_TICK = 3 * LINE + 5;
const ENDED = 3 * LINE + 6;
const WAITING = 4 * LINE;
const MAIN_BELL = 5 * LINE;
const TICKETS = 6 * LINE;
const GLOBAL_WORDS = 7 * LINE;

// Words of a slot.
const ARRIVED = 0;
const PRESENT = 1;
const RECEIVED = 2;
const HEARTBEAT = 3;
const STATE = 4;
const ZONE = 5;
const ASKED = 6;
const ASKING = 7;
const SLOT_WORDS = 2 * LINE;

// Words of a zone.
const HOME = 0;
const TRAPPED = 1;
const WATCHED = 2;
const ZONE_WORDS = LINE;

/** What a slot's thread is at. */
export const STARTING = 0;
export const IDLE = 1;
export const BUSY = 2;
/** It ended, and there is no other yet; the next one takes its zones up, and does the ticks that it missed; it ended, and there will be no other. */
export const GONE = 3;
export const RESUMING = 4;
export const CLOSED = 5;

/** MOVE_TICK of a move that is being asked for. */
const UNDATED = -1;

/** TARGET of a server that ticks by the clock. */
export const BY_CLOCK = -1;

export class Board {
  readonly slots: number;
  readonly zones: number;
  /** Rung for slots, and for the main thread. */
  readonly bell: Bell;
  readonly mainBell: Bell;
  /** Zones whose kernel step anybody may take, in batches. */
  readonly tickets: Tickets;
  readonly #words: Int32Array;

  static bytesOf(slots: number, zones: number): number {
    return 4 * (GLOBAL_WORDS + slots * SLOT_WORDS + zones * ZONE_WORDS);
  }

  /** Zeros are a board before tick 1. notify: for tests that lose some. */
  constructor(buffer: SharedArrayBuffer, slots: number, zones: number, notify?: Notify) {
    const words = GLOBAL_WORDS + slots * SLOT_WORDS + zones * ZONE_WORDS;
    this.slots = slots;
    this.zones = zones;
    this.#words = new Int32Array(buffer, 0, words);
    this.bell = new Bell(this.#words, BELL, notify);
    this.mainBell = new Bell(this.#words, MAIN_BELL, notify);
    this.tickets = new Tickets(this.#words, TICKETS);
  }

  /** The last tick that is open. */
  get tick(): number {
    return Atomics.load(this.#words, TICK);
  }

  /** Whoever gets true tells that the tick has ended, and is the only one. */
  claimEnd(tick: number): boolean {
    const ended = Atomics.load(this.#words, ENDED);
    return ended < tick && Atomics.compareExchange(this.#words, ENDED, ended, tick) === ended;
  }

  /** Free running: the last tick to open; BY_CLOCK otherwise. */
  get target(): number {
    return Atomics.load(this.#words, TARGET);
  }

  set target(tick: number) {
    Atomics.store(this.#words, TARGET, tick);
    this.bell.ring();
  }

  get isStopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    this.bell.ring();
  }

  /** How often slots were called: one that finds that it was lets its event loop turn, where messages wait. */
  get calls(): number {
    return Atomics.load(this.#words, CALLS);
  }

  call(): void {
    Atomics.add(this.#words, CALLS, 1);
    this.bell.ring();
  }

  // A zone moves to another home: asked for by the main thread, one at a time, dated by who opens the next tick, done at its start.

  /** The zone that moves; -1 for none. */
  get movingZone(): number {
    return Atomics.load(this.#words, MOVE_ZONE) - 1;
  }

  get movingTo(): number {
    return Atomics.load(this.#words, MOVE_TO);
  }

  /** The tick at whose start it moves; not above 0 as long as that is not open. */
  get moveTick(): number {
    return Atomics.load(this.#words, MOVE_TICK);
  }

  /** False while another one moves, and for where nobody will be. */
  askMove(zone: number, to: number): boolean {
    const { movingZone } = this;
    // Where nobody is any more, nobody ends it.
    if (movingZone >= 0 && this.state(this.home(movingZone)) !== CLOSED) return false;
    if (this.state(to) === CLOSED || this.state(this.home(zone)) === CLOSED) return false;
    // Nobody dates it before it is whole.
    Atomics.store(this.#words, MOVE_TICK, UNDATED);
    Atomics.store(this.#words, MOVE_TO, to);
    Atomics.store(this.#words, MOVE_ZONE, zone + 1);
    Atomics.store(this.#words, MOVE_TICK, 0);
    return true;
  }

  /** For who took the zone up; or for its home: it cannot move, and stays. */
  endMove(): void {
    Atomics.store(this.#words, MOVE_ZONE, 0);
    this.bell.ring();
  }

  dateMove(tick: number): void {
    Atomics.compareExchange(this.#words, MOVE_TICK, 0, tick);
  }

  /** Whichever slot gets true opens the tick, and is the only one. */
  claimOpening(slot: number, tick: number): boolean {
    if (Atomics.compareExchange(this.#words, OPENER, 0, slot + 1) !== 0) return false;
    if (this.tick === tick - 1) return true;
    this.repairOpening(slot);
    return false;
  }

  /** The slot opens no tick: if its thread ended when it was about to, another one may. */
  repairOpening(slot: number): void {
    Atomics.compareExchange(this.#words, OPENER, slot + 1, 0);
  }

  /** For the slot that claimed the opening; and then rings. */
  open(slot: number, tick: number): void {
    Atomics.store(this.#words, TICK, tick);
    this.repairOpening(slot);
  }

  /** Somebody waits for slots to arrive: those that do ring. */
  set isAwaited(awaited: boolean) {
    Atomics.store(this.#words, WAITING, awaited ? 1 : 0);
  }

  get isAwaited(): boolean {
    return Atomics.load(this.#words, WAITING) !== 0;
  }

  // Slots.

  arrived(slot: number): number {
    return this.#slot(slot, ARRIVED);
  }

  arrive(slot: number, tick: number, asked: number): void {
    this.#setSlot(slot, ASKED, asked);
    this.#setSlot(slot, ARRIVED, tick);
    this.beat(slot);
    if (this.isAwaited) this.bell.ring();
  }

  /**
   * Whether all who keep up are done with this tick: those whose thread is gone do not, nor do those who were absent at the gates of the tick
   * before. patient: whether to wait for these.
   */
  haveArrived(tick: number, patient = true): boolean {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.arrived(slot) >= tick || !this.isAlive(slot)) continue;
      if (patient || this.present(slot) === tick - 1) return false;
    }
    return true;
  }

  /** Whether all slots, those that were absent among them, are done with this tick. */
  areAllAt(tick: number): boolean {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.arrived(slot) < tick && this.state(slot) !== CLOSED) return false;
    }
    return true;
  }

  asked(slot: number): number {
    return this.#slot(slot, ASKED);
  }

  present(slot: number): number {
    return this.#slot(slot, PRESENT);
  }

  /** How many asked at the gates of the last tick that the slot takes part in. */
  asking(slot: number): number {
    return this.#slot(slot, ASKING);
  }

  /** The slot takes part in the gates of this tick, at which so many ask. */
  setPresent(slot: number, tick: number, asking = 0): void {
    this.#setSlot(slot, ASKING, asking);
    this.#setSlot(slot, PRESENT, tick);
  }

  /** Whether all who take part in the gates of this tick have answered, or will not any more. */
  haveReceived(tick: number): boolean {
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.present(slot) === tick && this.#slot(slot, RECEIVED) < tick && this.isAlive(slot)) return false;
    }
    return true;
  }

  setReceived(slot: number, tick: number): void {
    this.#setSlot(slot, RECEIVED, tick);
  }

  /** Whether there will be no thread any more in any of the slots. */
  get hasClosed(): boolean {
    for (let slot = 0; slot < this.slots; slot++) if (this.state(slot) === CLOSED) return true;
    return false;
  }

  /** Whether a thread is in the slot that does not have to catch up. */
  isAlive(slot: number): boolean {
    return this.state(slot) < GONE;
  }

  state(slot: number): number {
    return this.#slot(slot, STATE);
  }

  setState(slot: number, state: number): void {
    this.#setSlot(slot, STATE, state);
  }

  /** Counted up with every zone and every tick that the slot is done with. */
  heartbeat(slot: number): number {
    return this.#slot(slot, HEARTBEAT);
  }

  beat(slot: number): void {
    this.#setSlot(slot, HEARTBEAT, this.#slot(slot, HEARTBEAT) + 1);
  }

  /** The zone that it is at; -1 for none. */
  zoneOf(slot: number): number {
    return this.#slot(slot, ZONE) - 1;
  }

  setZone(slot: number, zone: number): void {
    this.#setSlot(slot, ZONE, zone + 1);
  }

  // Zones.

  /** The slot that a zone is at home with. */
  home(zone: number): number {
    return this.#zone(zone, HOME);
  }

  setHome(zone: number, slot: number): void {
    this.#setZone(zone, HOME, slot);
  }

  /** Whether somebody gets snapshots of the zone: the main thread's word. */
  isWatched(zone: number): boolean {
    return this.#zone(zone, WATCHED) !== 0;
  }

  setWatched(zone: number, watched: boolean): void {
    this.#setZone(zone, WATCHED, watched ? 1 : 0);
  }

  /** The last tick in which the zone's step trapped, when it was lent. */
  trapped(zone: number): number {
    return this.#zone(zone, TRAPPED);
  }

  setTrapped(zone: number, tick: number): void {
    this.#setZone(zone, TRAPPED, tick);
  }

  #slot(slot: number, word: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + slot * SLOT_WORDS + word);
  }

  #setSlot(slot: number, word: number, value: number): void {
    Atomics.store(this.#words, GLOBAL_WORDS + slot * SLOT_WORDS + word, value);
  }

  #zone(zone: number, word: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + this.slots * SLOT_WORDS + zone * ZONE_WORDS + word);
  }

  #setZone(zone: number, word: number, value: number): void {
    Atomics.store(this.#words, GLOBAL_WORDS + this.slots * SLOT_WORDS + zone * ZONE_WORDS + word, value);
  }
}
