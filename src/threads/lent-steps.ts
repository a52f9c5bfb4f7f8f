/**
 * The kernel's steps of zones that have no script, lent to whichever slot is free. All that such a zone has beside its memory is at home
 * in one slot, the owner; its step is all in its memory, which every slot is attached to.
 *
 *     owner     prepare ... | sort by cost, cut into batches, open | claim, step | wait for all | conclude ...
 *     others    asleep      |                          woken once  | claim, step | arrived
 *
 * The most expensive zones come first, so that the end is even; cheap ones go in batches that are worth a claim. A batch is claimed twice:
 * by a ticket, which is cheap, and by its holder word, which says who has it. So a thread that ends between the two, or while it
 * steps, leaves nothing that nobody answers for: the owner takes what nobody holds, and is told what may be half stepped. When the owner's
 * thread ends, the one in its place sees to it that nobody is in a zone any more before it takes them up.
 */
import type { Zone } from "../kernel/types.js";
import type { Waiter } from "../sync/waiter.js";
import { type Board, CLOSED, GONE } from "./board.js";

/** Microseconds of a batch: a claim takes some tenths of one when threads meet. */
const BATCH_US = 40;
/** Milliseconds of one look at what others do. */
const LOOK_MS = 5;
/** From one generation of tickets to one that is of none of these hours. */
const GENERATION_FAR = 2 ** 19;
/** Weight of one step in the moving average of what a zone costs. */
const COST_WEIGHT = 1 / 16;

/** Below the tick in a holder word: 0 for nobody, a slot + 1, or these: it was stepped; whoever had it is gone, and it counts as stepped. */
const HOLDER_BITS = 12;
const HOLDER_MASK = (1 << HOLDER_BITS) - 1;
const DONE = HOLDER_MASK - 1;
const LOST = HOLDER_MASK;

interface LentOptions {
  readonly slot: number;
  /** The slot that all these zones are at home with. */
  readonly owner: number;
  readonly board: Board;
  /** Shared: {@link LentSteps.wordsOf} of them. */
  readonly words: Int32Array;
  /** By zone, microseconds of a step; shared. */
  readonly costs: Float64Array;
  readonly waiter: Waiter;
  readonly now: () => number;
  /** By index, as this slot sees it. */
  readonly zoneAt: (index: number) => Zone | undefined;
}

export class LentSteps {
  /** Batches that this slot stepped of another one's. */
  steals = 0;
  readonly #options: LentOptions;
  /** By batch: where its zones begin in the list, and who holds it in which tick. */
  readonly #starts: Int32Array;
  readonly #holders: Int32Array;
  /** The zones in the order in which they are claimed. */
  readonly #order: Int32Array;
  #batches = 0;
  /** Those before are done with. */
  #undone = 0;

  static wordsOf(zones: number): number {
    return 3 * zones + 1;
  }

  constructor(options: LentOptions) {
    const { words, board } = options;
    this.#options = options;
    this.#starts = words.subarray(0, board.zones + 1);
    this.#holders = words.subarray(board.zones + 1, 2 * board.zones + 1);
    this.#order = words.subarray(2 * board.zones + 1);
  }

  get isOwner(): boolean {
    return this.#options.slot === this.#options.owner;
  }

  /** Owner: these zones, `count` of them, are ready for their step of this tick. Wakes the others. */
  open(tick: number, zones: Int32Array, count: number): void {
    const { board } = this.#options;
    this.#sort(zones, count);
    this.#cut(tick, count);
    board.tickets.open(tick, this.#batches);
    board.bell.ring();
  }

  /**
   * For a thread that takes the place of another one in the slot, before its zones are taken up: nobody waits for what that one held. Owner: the
   * round is over, and nobody is at a step when it returns.
   */
  resume(): void {
    const { board, slot, waiter, now } = this.#options;
    for (let batch = 0; batch < this.#holders.length; batch++) this.#lose(batch, slot);
    board.bell.ring();
    if (!this.isOwner) return;
    // Of no generation that anybody waits for.
    board.tickets.open(board.tickets.generation + GENERATION_FAR, 0);
    for (let batch = 0; batch < this.#holders.length; batch++) {
      for (let holder = this.#holder(batch); holder >= 0; holder = this.#holder(batch)) {
        const seen = board.bell.value;
        if (this.#isGone(holder)) this.#lose(batch, holder);
        else waiter.wait(board.bell.words, board.bell.index, seen, now() + LOOK_MS);
        board.beat(slot);
      }
    }
  }

  /** Steps what nobody has claimed, until nothing is left to claim of this tick. */
  work(tick: number): void {
    const { board } = this.#options;
    if (!this.isOwner && !this.#awaitTickets(tick)) return;
    for (let batch = board.tickets.claim(tick); batch >= 0; batch = board.tickets.claim(tick)) this.#step(batch, tick);
  }

  /** Owner: until all are done with. lost: hears of each zone whose step was not finished, or trapped. */
  wait(tick: number, lost: (index: number) => void): void {
    const { board, slot, waiter, now, zoneAt } = this.#options;
    board.isAwaited = true;
    for (let seen = board.bell.value; !this.#areDone(tick); seen = board.bell.value) {
      this.#takeOver(tick);
      if (!this.#areDone(tick)) waiter.wait(board.bell.words, board.bell.index, seen, now() + LOOK_MS);
      board.beat(slot);
    }
    board.isAwaited = false;
    const count = this.#starts[this.#batches] ?? 0;
    for (let i = 0; i < count; i++) {
      const index = this.#order[i] ?? 0;
      if (zoneAt(index)?.tick !== tick || board.trapped(index) === tick) lost(index);
    }
  }

  /** Whether there are tickets of this tick, or were. */
  #awaitTickets(tick: number): boolean {
    const { board, slot, waiter, now, owner } = this.#options;
    for (let seen = board.bell.value; !board.tickets.isOpen(tick); seen = board.bell.value) {
      // The owner is through with them, or its thread ended, or there are later ones.
      if (board.arrived(owner) >= tick || board.tick > tick || board.isStopped || !board.isAlive(owner)) return false;
      waiter.wait(board.bell.words, board.bell.index, seen, now() + LOOK_MS);
      board.beat(slot);
    }
    return true;
  }

  /** Whether no thread is in the slot, so that what it holds is nobody's. */
  #isGone(slot: number): boolean {
    const state = this.#options.board.state(slot);
    return state === GONE || state === CLOSED;
  }

  #areDone(tick: number): boolean {
    for (; this.#undone < this.#batches; this.#undone++) {
      const holder = Atomics.load(this.#holders, this.#undone) ^ (tick << HOLDER_BITS);
      if (holder !== DONE && holder !== LOST) return false;
    }
    return true;
  }

  /** Steps what nobody holds, whoever has its ticket, and counts as done what was held by a thread that ended. */
  #takeOver(tick: number): void {
    for (let batch = this.#undone; batch < this.#batches; batch++) {
      this.#step(batch, tick);
      const slot = this.#holder(batch);
      if (slot >= 0 && this.#isGone(slot)) this.#lose(batch, slot);
    }
  }

  /** The slot that is at it; -1 for none. */
  #holder(batch: number): number {
    const slot = (Atomics.load(this.#holders, batch) & HOLDER_MASK) - 1;
    return slot < this.#options.board.slots ? slot : -1;
  }

  /** Of a slot whose thread ended, or by the owner, which gives it out: nobody is at it, and nobody will be. */
  #lose(batch: number, slot: number): void {
    const holder = Atomics.load(this.#holders, batch);
    const who = holder & HOLDER_MASK;
    const isFree = who === 0 && this.isOwner;
    if (who !== slot + 1 && !isFree) return;
    if (Atomics.compareExchange(this.#holders, batch, holder, holder | LOST) !== holder) this.#lose(batch, slot);
  }

  /** Unless another slot has it. */
  #step(batch: number, tick: number): void {
    const { board, slot, costs, now } = this.#options;
    const free = tick << HOLDER_BITS;
    if (Atomics.compareExchange(this.#holders, batch, free, free | (slot + 1)) !== free) return;
    if (!this.isOwner) this.steals++;
    const end = this.#starts[batch + 1] ?? 0;
    let beganMs = now();
    for (let i = this.#starts[batch] ?? 0; i < end; i++) {
      const index = this.#order[i] ?? 0;
      this.#stepOne(index, tick);
      const endedMs = now();
      costs[index] = (costs[index] ?? 0) + ((endedMs - beganMs) * 1000 - (costs[index] ?? 0)) * COST_WEIGHT;
      beganMs = endedMs;
    }
    Atomics.store(this.#holders, batch, free | DONE);
    if (board.isAwaited) board.bell.ring();
  }

  #stepOne(index: number, tick: number): void {
    const { board, slot, zoneAt } = this.#options;
    board.setZone(slot, index);
    try {
      zoneAt(index)?.step();
    } catch {
      board.setTrapped(index, tick);
    }
    board.setZone(slot, -1);
    board.beat(slot);
  }

  /** By insertion: from one tick to the next the order hardly changes. */
  #sort(zones: Int32Array, count: number): void {
    const { costs } = this.#options;
    const order = this.#order;
    for (let i = 0; i < count; i++) {
      const zone = zones[i] ?? 0;
      const cost = costs[zone] ?? 0;
      let at = i;
      for (; at > 0 && (costs[order[at - 1] ?? 0] ?? 0) < cost; at--) order[at] = order[at - 1] ?? 0;
      order[at] = zone;
    }
  }

  #cut(tick: number, count: number): void {
    const { costs } = this.#options;
    let batch = 0;
    let filled = 0;
    for (let i = 0; i < count; i++) {
      const cost = costs[this.#order[i] ?? 0] ?? 0;
      if (i === 0 || filled + cost > BATCH_US) {
        this.#starts[batch++] = i;
        filled = 0;
      }
      filled += cost;
    }
    this.#starts[batch] = count;
    this.#batches = batch;
    this.#undone = 0;
    for (let i = 0; i < batch; i++) Atomics.store(this.#holders, i, tick << HOLDER_BITS);
  }
}
