/**
 * What one thread asks of the others: takes a slot, writes the values, tells by a ring, and reads the results when the slot's bit says
 * that all are there. Slots are this thread's own, so none of it waits for anybody.
 *
 * A run costs some 0.5 us here; a batch of numbers 10 ns an item.
 */
import { GyreError } from "../errors.js";
import { type Arena, giveBack } from "./arena.js";
import type { Bells } from "./bells.js";
import {
  BLOCK,
  type Board,
  CANCELLED,
  CELLS,
  CLOSED,
  COUNT,
  CURSOR,
  DONE,
  END,
  ITEM_BITS,
  SERIAL,
  TAGS,
  TASK,
  TOLD,
  USED,
} from "./board.js";
import { Pending } from "./pending.js";
import { ListOfResults, OneResult, type Results, takeResults } from "./results.js";
import { HintRing } from "./ring.js";
import { currentScope } from "./scope.js";
import { type Claims, tellOwner } from "./slots.js";
import type { BatchOptions } from "./types.js";
import { encode, hasBlock, LENGTH_BYTES, NUMBER, tagOf } from "./values.js";

/** Any thread, as a target. */
export const ANY = -1;

interface Order {
  readonly pending: Pending;
  readonly results: Results;
}

const padded = (size: number): number => (size + 7) & ~7;

export class Orders {
  /** Orders that are not done. */
  open = 0;
  readonly #board: Board;
  readonly #thread: number;
  readonly #arena: Arena;
  readonly #bells: Bells;
  readonly #claims: Claims;
  readonly #first: number;
  /** By slot, from the first. */
  readonly #orders: (Order | undefined)[];
  readonly #free: Int32Array;
  #freeCount = 0;
  #closed: GyreError | undefined;
  /** By target; the last one is to anybody. Of tasks, and of nobody's. */
  readonly #nested: HintRing[];
  readonly #fresh: HintRing[];

  /** Attaches to the thread's slots. Those that a thread before this one left in use are given back when they are done. */
  constructor(board: Board, thread: number, arena: Arena, bells: Bells, claims: Claims) {
    this.#board = board;
    this.#thread = thread;
    this.#arena = arena;
    this.#bells = bells;
    this.#claims = claims;
    this.#first = board.firstSlotOf(thread);
    const count = board.slotCountOf(thread);
    this.#orders = new Array<Order | undefined>(count).fill(undefined);
    this.#free = new Int32Array(count);
    for (let slot = this.#first + count - 1; slot >= this.#first; slot--) {
      if (board.words[board.slot(slot) + USED] === 0) this.#free[this.#freeCount++] = slot;
      // It may be done, and the thread before this one may have been about to look.
      else tellOwner(board, bells, slot);
    }
    const ringsFrom = (from: number): HintRing[] => {
      return Array.from({ length: board.threads + 1 }, (_, target) => new HintRing(board, from, target));
    };
    this.#nested = ringsFrom(thread);
    this.#fresh = thread === 0 ? ringsFrom(board.outside) : [];
  }

  /** Asks for one. target: a thread or ANY. Throws TASKS_FULL, and BAD_ARGUMENT for a value that cannot go. */
  run(task: number, value: unknown, target: number): Pending {
    this.#checkRoom(target);
    const tag = tagOf(value);
    if (hasBlock(tag)) return this.#place(task, 1, target, new OneResult(), this.#blockOf([value]));
    const slot = this.#free[--this.#freeCount]!;
    const { words, bytes, cells } = this.#board;
    const cell = this.#board.inlineCell(slot);
    const tags = this.#board.inlineTag(slot);
    if (tag === NUMBER) cells[cell] = value as number;
    bytes[tags] = tag;
    const base = this.#board.slot(slot);
    words[base + CELLS] = cell;
    words[base + TAGS] = tags;
    words[base + BLOCK] = 0;
    return this.#tell(slot, task, 1, target, new OneResult());
  }

  /** Asks for one for each value of a list that is not empty. */
  batch(task: number, list: ArrayLike<unknown>, target: number, options: BatchOptions): Pending {
    this.#checkRoom(target);
    return this.#place(task, list.length, target, new ListOfResults(options, list.length), this.#blockOf(list));
  }

  /** Settles what is done; false when nobody said that anything is. */
  collect(): boolean {
    const { words } = this.#board;
    const told = this.#board.thread(this.#thread) + TOLD;
    if (Atomics.load(words, told) === 0) return false;
    Atomics.store(words, told, 0);
    const end = this.#first + this.#orders.length;
    for (let slot = this.#first; slot < end; slot += 32) {
      const at = this.#board.doneWord(slot);
      if (Atomics.load(words, at) === 0) continue;
      for (let bits = Atomics.exchange(words, at, 0); bits !== 0; bits &= bits - 1) {
        this.#look(slot + 31 - Math.clz32(bits & -bits));
      }
    }
    return true;
  }

  /** Rejects all that is open, and refuses what comes after: there is nobody left to do it. */
  close(error: GyreError): void {
    this.#closed = error;
    for (const order of this.#orders) order?.pending.reject(error);
  }

  /** Refuses when there is no slot, before anything is written for one. */
  #checkRoom(target: number): void {
    if (this.#closed !== undefined) throw this.#closed;
    const most = this.#orders.length;
    if (this.#freeCount === 0) {
      throw new GyreError("TASKS_FULL", `thread ${this.#thread} waits for ${most} runs and batches already`);
    }
    if (this.#ringTo(target).isFull) {
      throw new GyreError("TASKS_FULL", `${most} runs were cancelled before anybody had time to look at them`);
    }
  }

  #ringTo(target: number): HintRing {
    const rings = this.#thread === 0 && currentScope() === undefined ? this.#fresh : this.#nested;
    return rings[target === ANY ? this.#board.anybody : target]!;
  }

  /** A block with cells, tags and what does not fit a cell. */
  #blockOf(list: ArrayLike<unknown>): number {
    const { cells, bytes, words } = this.#board;
    const count = list.length;
    if (list instanceof Float64Array) return this.#blockOfNumbers(list);
    const payloads: Uint8Array[] = [];
    let size = 8 * count + padded(count);
    for (let i = 0; i < count; i++) {
      const tag = tagOf(list[i]);
      if (!hasBlock(tag)) continue;
      const payload = encode(list[i], tag);
      payloads.push(payload);
      size += LENGTH_BYTES + padded(payload.length);
    }
    const block = this.#takeBlock(size);
    const tags = block + 8 * count;
    let at = tags + padded(count);
    for (let i = 0, next = 0; i < count; i++) {
      const value = list[i];
      const tag = tagOf(value);
      bytes[tags + i] = tag;
      if (tag === NUMBER) cells[(block >>> 3) + i] = value as number;
      if (!hasBlock(tag)) continue;
      const payload = payloads[next++]!;
      words[at >>> 2] = payload.length;
      bytes.set(payload, at + LENGTH_BYTES);
      cells[(block >>> 3) + i] = at;
      at += LENGTH_BYTES + padded(payload.length);
    }
    return block;
  }

  /** Some 15 ns an item less. */
  #blockOfNumbers(list: Float64Array): number {
    const block = this.#takeBlock(8 * list.length + padded(list.length));
    const tags = block + 8 * list.length;
    this.#board.cells.set(list, block >>> 3);
    this.#board.bytes.fill(NUMBER, tags, tags + list.length);
    return block;
  }

  #takeBlock(size: number): number {
    if (size > this.#arena.sizeMax) {
      throw new GyreError("BAD_ARGUMENT", `values of ${size} bytes; an arena (arenaBytes) has ${this.#arena.sizeMax}`);
    }
    const block = this.#arena.take(size);
    if (block === 0) throw new GyreError("TASKS_FULL", `no room for values of ${size} bytes; the arena is in use`);
    return block;
  }

  #place(task: number, count: number, target: number, results: Results, block: number): Pending {
    // Again: encoding a value may call a getter, which may do anything.
    if (this.#freeCount === 0) giveBack(this.#board, block);
    this.#checkRoom(target);
    const slot = this.#free[--this.#freeCount]!;
    const base = this.#board.slot(slot);
    const { words } = this.#board;
    words[base + CELLS] = block >>> 3;
    words[base + TAGS] = block + 8 * count;
    words[base + BLOCK] = block;
    return this.#tell(slot, task, count, target, results);
  }

  #tell(slot: number, task: number, count: number, target: number, results: Results): Pending {
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    words[base + COUNT] = count;
    words[base + END] = count;
    words[base + DONE] = 0;
    words[base + TASK] = task;
    words[base + CANCELLED] = 0;
    const pending = new Pending();
    pending.onCancel = () => this.#claims.close(slot);
    words[base + SERIAL]!++;
    Atomics.store(words, base + USED, 1);
    // From here on it can be claimed.
    Atomics.store(words, base + CURSOR, (target + 1) << ITEM_BITS);
    this.#ringTo(target).push(slot);
    this.#orders[slot - this.#first] = { pending, results };
    this.open++;
    if (target === ANY) this.#bells.wakeWorkers(count);
    else this.#bells.wake(target);
    return pending;
  }

  /** All of it is done, or a thread has no room for results before some are taken, or somebody was late to say so. */
  #look(slot: number): void {
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    if (words[base + USED] === 0) return;
    const order = this.#orders[slot - this.#first];
    // Without an order: of a thread before this one. One that was cancelled was rejected then.
    const wanted = order === undefined || order.pending.isSettled ? undefined : order.results;
    const isDone = Atomics.load(words, base + DONE) === words[base + COUNT];
    takeResults(this.#board, slot, wanted, isDone);
    if (!isDone) return;
    this.#orders[slot - this.#first] = undefined;
    if (order !== undefined) this.open--;
    this.#release(slot);
    if (order !== undefined) wanted?.settle(order.pending);
  }

  #release(slot: number): void {
    const base = this.#board.slot(slot);
    const { words } = this.#board;
    Atomics.store(words, base + CURSOR, CLOSED);
    // First, for whoever reads the block meanwhile, or in place of this thread: see reaper.ts.
    Atomics.store(words, base + USED, 0);
    if (words[base + BLOCK] !== 0) giveBack(this.#board, words[base + BLOCK]!);
    this.#free[this.#freeCount++] = slot;
  }
}
