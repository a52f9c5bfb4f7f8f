/**
 * One slot's share of the ticks: what a sim worker's thread does, over and over. No slot is above the others. Whoever wakes first opens a
 * tick that is due: no thread's end or fault can stop the clock.
 *
 *     opened ──> gates of the tick before ──> requests ──> step the zones at home ──> who stands in gates ──> notices ──> arrived
 *                receive, wait for all, settle
 *
 * A tick is opened when it is due and all slots have arrived at the one before, or a grace has passed: a slot that has not arrived by then is
 * absent. Its zones go nowhere and let nobody in, and the other slots tick on without waiting for it again until it has caught up.
 *
 * The thread sleeps in Atomics.wait between two ticks, is woken once a tick, and lets its event loop turn when `run` returns. Nothing is
 * allocated per tick.
 */
import { CATCH_UP_TICKS_MAX, type Schedule } from "../sim/clock.js";
import type { TickTimes } from "../sim/ticks.js";
import type { Zones } from "../sim/zones.js";
import type { Meter } from "../sync/meter.js";
import type { Waiter } from "../sync/waiter.js";
import { type Board, BUSY, BY_CLOCK, CLOSED, IDLE, RESUMING } from "./board.js";
import type { LentSteps } from "./lent-steps.js";
import type { Scribe } from "./scribe.js";

/** Milliseconds by which each slot opens a tick later than the one before it would, where one opens: a thread on a core needs less. */
const TAKE_OVER_MS = 2;
/** Periods after its due time for which a tick waits for slots that have not arrived. */
const GRACE_PERIODS = 3;
/** Milliseconds of one look whether the others have answered at the gates. */
const GATES_WAIT_MS = 5;
/** Milliseconds for which a zone that moves here is waited for. */
const MOVE_WAIT_MS = 20;
/** Weight of one tick in the moving average of what a zone costs. */
const COST_WEIGHT = 1 / 16;

/** What a slot does for players: see desk.ts. */
interface SlotDesk {
  /** Takes up what came for the zones at home since the last tick. */
  drain(): void;
  /** All zones at home are through with the tick: what there is to tell is told. */
  endTick(tick: number): void;
  /** How far it has told: a zone that does its step again takes back what it told since. */
  readonly mark: number;
}

/** What keeps zones from being lost: see keeper.ts. */
interface SlotKeeper {
  /** In place of a thread that ended: takes up the zones at home. Between the two, what was answered at the gates of their last tick is acted on. */
  resume(): void;
  reconcile(): void;
  /**
   * The zone failed in its step of this tick: it does it again, or stays stopped. mark, tapeMark: of the desk and the scribe when the step
   * began; -1 when what was told before the kernel's step stays told.
   */
  failed(index: number, tick: number, mark: number, tapeMark: number): void;
  /** Whatever was told in the tick was handed on. */
  renew(): void;
  /** A zone that is at home here shall be at home elsewhere: writes down what it is. False: it cannot be moved. */
  release(index: number): boolean;
  /** A zone that was released is at home here. */
  adopt(index: number): void;
}

interface SlotOptions {
  readonly slot: number;
  readonly board: Board;
  readonly schedule: Schedule;
  /** Those that are at home here. */
  readonly zones: Zones;
  readonly desk: SlotDesk;
  readonly waiter: Waiter;
  /** Milliseconds, the same clock in all threads. */
  readonly now: () => number;
  /** By zone, microseconds of a tick, a moving average; shared. */
  readonly costs: Float64Array;
  /** Where zones have no script: their steps, for whoever is free. */
  readonly lent?: LentSteps;
  readonly keeper: SlotKeeper;
  /** Where a recording is made. */
  readonly scribe?: Scribe;
  /** Right after each step of a zone: images, snapshots. */
  readonly stepped?: (index: number, tick: number) => void;
  /** There is nothing to do for so many milliseconds. */
  readonly idle?: (ms: number) => unknown;
  /** Of this thread, and of the server's ticks. */
  readonly meter: Meter;
  readonly ticks: TickTimes;
}

export class Slot {
  readonly #options: SlotOptions;
  /** The last tick that it is done with. */
  #tick: number;
  /** The calls that its event loop has turned for. */
  #calls: number;
  /** Zones that wait for their step. */
  readonly #ready: Int32Array;
  /** By slot, whether it takes part in the gates of the tick before the one that is opened here. */
  readonly #present: Uint8Array;
  /** Whether a zone's home takes part in the gates of the tick that it is done with. */
  readonly #takesPart = (zone: number): boolean => {
    const { board } = this.#options;
    return board.present(board.home(zone)) === this.#tick;
  };

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#tick = options.board.arrived(options.slot);
    this.#calls = options.board.calls;
    this.#ready = new Int32Array(options.board.zones);
    this.#present = new Uint8Array(options.board.slots);
  }

  get tick(): number {
    return this.#tick;
  }

  /** In place of a thread that ended: takes up the zones at home, before it ticks. */
  resume(): void {
    const { board, slot, zones, keeper, lent } = this.#options;
    lent?.resume();
    board.setState(slot, RESUMING);
    keeper.resume();
    // It takes no part in the gates of its last tick any more, but those whom the others let in are with these, and would be in both.
    board.setPresent(slot, -1);
    this.#awaitReceived(this.#tick);
    zones.begin(this.#tick);
    zones.settle();
    zones.turnBack();
    keeper.reconcile();
  }

  /** Ticks until that time, or until the main thread calls, and returns true; false when the server stopped. */
  run(untilMs: number): boolean {
    const { board } = this.#options;
    this.#calls = board.calls;
    for (let tick = this.#next(untilMs); tick > 0; tick = this.#next(untilMs)) this.#run(tick);
    return !board.isStopped;
  }

  /** Waits for a tick that is open and not done here; 0 when there is none until that time, the main thread calls or the server stopped. */
  #next(untilMs: number): number {
    const { board, waiter, now, idle } = this.#options;
    for (;;) {
      const seen = board.bell.value;
      if (board.isStopped || board.calls !== this.#calls) return 0;
      const { tick } = board;
      if (tick > this.#tick) return tick;
      const mayOpenMs = this.#mayOpenMs(tick + 1);
      const nowMs = now();
      if (nowMs >= mayOpenMs && this.#open(tick + 1, nowMs)) continue;
      if (nowMs >= untilMs) return 0;
      const waitMs = nowMs >= mayOpenMs ? nowMs + TAKE_OVER_MS : mayOpenMs;
      idle?.(waitMs - nowMs);
      waiter.wait(board.bell.words, board.bell.index, seen, Math.min(waitMs, untilMs));
    }
  }

  /**
   * From when on this slot may open the tick. Ticks that are not by the clock are due as soon as they are wanted. A thread that is woken by
   * another one tends to be put on the same core, where it waits while that one steps its zones; so each wakes by itself, at the same time.
   * Where steps are lent there is nothing to do before they are ready, and one opens.
   */
  #mayOpenMs(tick: number): number {
    const { board, schedule, slot, lent } = this.#options;
    const { target } = board;
    if (target === BY_CLOCK) return schedule.dueMs + (lent === undefined ? 0 : slot * TAKE_OVER_MS);
    return tick <= target ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Opens the tick, unless others have not arrived at the one before, or are opening it. */
  #open(tick: number, nowMs: number): boolean {
    const { board, slot, schedule, lent } = this.#options;
    const isByClock = board.target === BY_CLOCK;
    const isOverdue = isByClock && nowMs >= schedule.dueMs + GRACE_PERIODS * schedule.periodMs;
    if (!board.haveArrived(tick - 1, !isByClock) && !isOverdue) {
      board.isAwaited = true;
      // Unless the last one arrived just now, and did not see that.
      if (!board.haveArrived(tick - 1, !isByClock)) return false;
    }
    if (!board.claimOpening(slot, tick)) return false;
    board.isAwaited = false;
    let asking = 0;
    for (let other = 0; other < board.slots; other++) {
      const isPresent = board.arrived(other) === tick - 1 && board.isAlive(other);
      this.#present[other] = isPresent ? 1 : 0;
      if (isPresent) asking += board.asked(other);
    }
    for (let other = 0; other < board.slots; other++) {
      if (this.#present[other] === 1) board.setPresent(other, tick - 1, asking);
    }
    board.dateMove(tick);
    schedule.advance(isByClock ? nowMs : schedule.dueMs);
    board.open(slot, tick);
    // Whoever lends steps wakes the others when they are ready.
    if (lent?.isOwner !== true) board.bell.ring();
    return true;
  }

  #run(tick: number): void {
    const { board, slot, zones, desk, keeper, scribe, schedule, ticks, now } = this.#options;
    const beganMs = now();
    const { latenessMs } = schedule;
    const dueMs = schedule.dueMs - schedule.periodMs;
    if (board.state(slot) !== RESUMING) board.setState(slot, BUSY);
    // Also when it comes too late for the ticks since: the others wait for it.
    const takesPart = board.present(slot) === this.#tick;
    if (!takesPart) zones.turnBack();
    else if (board.asking(slot) > 0) this.#exchange(this.#tick);
    else board.setReceived(slot, this.#tick);
    scribe?.settled(this.#tick);
    zones.rest();
    const ticksMax = board.target === BY_CLOCK ? CATCH_UP_TICKS_MAX : tick;
    const first = Math.max(this.#tick + 1, tick - ticksMax);
    scribe?.held(this.#tick + 1, first - 1);
    this.#move(tick, first, takesPart);
    desk.drain();
    for (let next = first; next < tick; next++) {
      this.#step(next);
      zones.turnBack();
      scribe?.settled(next);
      zones.rest();
      this.#arrive(next, 0);
      keeper.renew();
    }
    this.#step(tick);
    this.#arrive(tick, zones.depart());
    const endedMs = now();
    const isLast = this.#isLast(tick);
    if (isLast) board.mainBell.ring();
    if (isLast && board.claimEnd(tick)) ticks.ticked(latenessMs, endedMs - dueMs - latenessMs);
    // Nobody waits for it.
    keeper.renew();
    board.setState(slot, IDLE);
    this.#measure(beganMs - dueMs, beganMs, now());
  }

  #arrive(tick: number, asked: number): void {
    const { board, slot, desk, scribe } = this.#options;
    desk.endTick(tick);
    scribe?.endTick();
    this.#tick = tick;
    board.arrive(slot, tick, asked);
  }

  #measure(wakeMs: number, beganMs: number, endedMs: number): void {
    const { meter, waiter, lent } = this.#options;
    meter.tick(Math.max(0, wakeMs), endedMs - beganMs);
    meter.busy(endedMs - beganMs, endedMs);
    meter.set("spins", waiter.spinsWon + waiter.spinsLost);
    meter.set("spinsPaid", waiter.spinsWon);
    meter.set("steals", lent?.steals ?? 0);
  }

  /** Between two ticks that all who are present have arrived at, and that none of them goes on from without the others. */
  #exchange(tick: number): void {
    const { board, slot, zones } = this.#options;
    zones.receive(this.#takesPart);
    board.setReceived(slot, tick);
    board.bell.ring();
    this.#awaitReceived(tick);
    zones.settle();
  }

  #awaitReceived(tick: number): void {
    const { board, slot, waiter, now } = this.#options;
    for (let seen = board.bell.value; !board.haveReceived(tick); seen = board.bell.value) {
      waiter.wait(board.bell.words, board.bell.index, seen, now() + GATES_WAIT_MS);
      board.beat(slot);
    }
  }

  /** Hands a zone over that moves away, and takes up one that moves here, which takes its first step in tick `first`. */
  #move(tick: number, first: number, takesPart: boolean): void {
    const { board, slot, zones, keeper, scribe, lent, waiter, now } = this.#options;
    const { moveTick, movingZone: zone, movingTo: to } = board;
    // A word of each of two moves is none of either.
    if (zone < 0 || moveTick <= 0 || board.moveTick !== moveTick) return;
    if (to !== slot) {
      // Not while others may take it for one whose home has answered at the gates.
      if (board.home(zone) !== slot || !takesPart || first !== tick) return;
      const isAwake = zones.nextAwake(zone) === zone;
      // What is lent has one owner.
      if (lent !== undefined || board.state(to) === CLOSED || zones.at(zone) === undefined || !keeper.release(zone)) {
        board.endMove();
        return;
      }
      scribe?.released(zone, tick, isAwake);
      zones.put(zone, undefined);
      board.setHome(zone, to);
      board.bell.ring();
      return;
    }
    // In the tick that it is dated for it comes in time for its step. If its home is late it comes in a later one, and catches up.
    const untilMs = board.target === BY_CLOCK ? now() + MOVE_WAIT_MS : Number.POSITIVE_INFINITY;
    for (let seen = board.bell.value; moveTick === tick && this.#isComing(zone); seen = board.bell.value) {
      if (now() >= untilMs) return;
      waiter.wait(board.bell.words, board.bell.index, seen, Math.min(untilMs, now() + MOVE_WAIT_MS));
      board.beat(slot);
    }
    if (board.home(zone) !== slot) return;
    // Unless it was taken up with all others, in place of a thread that ended.
    if (zones.at(zone) === undefined) {
      keeper.adopt(zone);
      scribe?.adopted(zone, first);
    }
    board.endMove();
  }

  /** Whether the zone is at home elsewhere, with somebody who will hand it over. */
  #isComing(zone: number): boolean {
    const { board, slot } = this.#options;
    return board.home(zone) !== slot && board.movingZone === zone && board.isAlive(board.home(zone));
  }

  #step(tick: number): void {
    const { zones, lent } = this.#options;
    zones.begin(tick);
    if (lent === undefined) this.#stepHome(tick);
    else if (lent.isOwner) this.#lend(tick, lent);
    else lent.work(tick);
  }

  /** What comes before and after the kernel's step is done here; that, by whoever is free. */
  #lend(tick: number, lent: LentSteps): void {
    const { zones, stepped } = this.#options;
    let count = 0;
    for (let i = zones.nextAwake(0); i >= 0; i = zones.nextAwake(i + 1)) {
      const world = zones.at(i);
      if (world === undefined || world.zone.tick >= tick) continue;
      zones.decide(i);
      if (world.prepare(tick)) this.#ready[count++] = i;
      else this.#fail(i, tick);
    }
    lent.open(tick, this.#ready, count);
    lent.work(tick);
    lent.wait(tick, (index) => zones.at(index)?.stop("its step was not finished"));
    for (let n = 0; n < count; n++) {
      const index = this.#ready[n] ?? 0;
      zones.at(index)?.conclude();
      if (zones.at(index)?.fault) this.#fail(index, tick);
      stepped?.(index, tick);
      this.#forgetCost(index);
    }
  }

  /** What sleeps from now on, or stopped, costs nothing. */
  #forgetCost(zone: number): void {
    const { zones, costs } = this.#options;
    const world = zones.at(zone);
    if (world === undefined || world.asleep || world.fault !== null) costs[zone] = 0;
  }

  #stepHome(tick: number): void {
    const { board, slot, zones, desk, scribe, costs, now, stepped } = this.#options;
    let beganMs = now();
    for (let i = zones.nextAwake(0); i >= 0; i = zones.nextAwake(i + 1)) {
      const world = zones.at(i);
      // One that was taken up again may have done this tick before.
      if (world === undefined || world.zone.tick >= tick) continue;
      board.setZone(slot, i);
      zones.decide(i);
      const { mark } = desk;
      const tapeMark = scribe?.mark ?? -1;
      world.step(tick);
      if (world.fault !== null) this.#fail(i, tick, mark, tapeMark);
      stepped?.(i, tick);
      board.beat(slot);
      const endedMs = now();
      costs[i] = (costs[i] ?? 0) + ((endedMs - beganMs) * 1000 - (costs[i] ?? 0)) * COST_WEIGHT;
      this.#forgetCost(i);
      beganMs = endedMs;
    }
    board.setZone(slot, -1);
  }

  #fail(zone: number, tick: number, mark = -1, tapeMark = -1): void {
    const { keeper, scribe } = this.#options;
    keeper.failed(zone, tick, mark, tapeMark);
    scribe?.failed(zone, tick);
  }

  /** Whether nobody who keeps up has still to arrive: then the main thread may hear of the tick. */
  #isLast(tick: number): boolean {
    const { board } = this.#options;
    for (let slot = 0; slot < board.slots; slot++) {
      if (board.arrived(slot) < tick && board.present(slot) === tick - 1 && board.isAlive(slot)) return false;
    }
    return true;
  }
}
