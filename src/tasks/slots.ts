/** What any thread may do with a slot: claim items of it, count them as done, close it. See board.ts for what a slot is. */
import type { Bells } from "./bells.js";
import {
  type Board,
  CANCELLED,
  CANCELS,
  CLAIM,
  CLAIMS,
  CLOSED,
  COUNT,
  CURSOR,
  DONE,
  END,
  HELD,
  ITEM_BITS,
  ITEM_MASK,
  TAGS,
  TOLD,
} from "./board.js";
import { BEGUN, DROPPED, FINISHED } from "./values.js";

/** Items claimed at once: between two claims a thread looks whether something else is more urgent. */
const CHUNK_MAX = 256;
/** Of what is left, a thread claims this part of its fair share: large pieces first, single items last, so that all end together. */
const SHARES_PER_THREAD = 4;

/** One thread's dealings with slots. */
export class Claims {
  /** Items first .. last - 1 of the slot that was claimed last. */
  first = 0;
  last = 0;
  readonly #board: Board;
  readonly #bells: Bells;
  readonly #marks: number;
  #depth = 0;
  /** What a cursor says that is for this thread. */
  readonly #target: number;

  constructor(board: Board, thread: number, bells: Bells) {
    this.#board = board;
    this.#bells = bells;
    this.#marks = board.thread(thread) + CLAIM;
    this.#target = thread + 1;
  }

  /**
   * Says that this thread claims, writes or counts items of the slot, until `leave`. So that, should it end meanwhile, others know
   * which slot to look at, and that until then what they see of it may be half of the truth.
   */
  enter(slot: number): void {
    Atomics.store(this.#board.words, this.#marks + this.#depth++, slot + 1);
  }

  leave(): void {
    Atomics.store(this.#board.words, this.#marks + --this.#depth, 0);
  }

  /** Whether a slot may be entered that runs tasks, which may enter one more. */
  get isDeep(): boolean {
    return this.#depth >= CLAIMS - 1;
  }

  /**
   * Takes some items of the slot, which was entered; false when it has none for this thread. Everything else about the slot is read
   * after this: until then it may be another order's, of before or after. From here on it stays, because these items are to be done.
   */
  take(slot: number): boolean {
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    const threads = Math.max(1, this.#board.threads - 1);
    let cursor = Atomics.load(words, base + CURSOR);
    for (;;) {
      const target = cursor >>> ITEM_BITS;
      const item = cursor & ITEM_MASK;
      const left = Atomics.load(words, base + END) - item;
      if (left <= 0 || (target !== 0 && target !== this.#target)) return false;
      const size = Math.max(1, Math.min(CHUNK_MAX, Math.floor(left / (threads * SHARES_PER_THREAD))));
      const found = Atomics.compareExchange(words, base + CURSOR, cursor, cursor + size);
      if (found === cursor) {
        this.first = item;
        this.last = Math.min(item + size, Atomics.load(words, base + END));
        return true;
      }
      cursor = found;
    }
  }

  /** So many items more of the slot, which was entered, are done; with the last one its owner is told. */
  count(slot: number, items: number): void {
    if (items === 0) return;
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    // Before, since what others count next may be the last, after which the slot is somebody else's.
    const count = words[base + COUNT]!;
    if (Atomics.add(words, base + DONE, items) + items === count) tellOwner(this.#board, this.#bells, slot);
  }

  /** Nobody begins an item of it any more, and who waits in one is told. By the slot's owner, or its heir. */
  close(slot: number): void {
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    this.enter(slot);
    const wasCancelled = Atomics.exchange(words, base + CANCELLED, 1) !== 0;
    const cursor = Atomics.exchange(words, base + CURSOR, CLOSED);
    // One that is open for nobody is to be opened again, or is that of an owner that ended before it could open it.
    const isShut = cursor === HELD || (cursor === CLOSED && !wasCancelled);
    this.count(slot, this.drop(slot, isShut ? 0 : cursor & ITEM_MASK));
    this.leave();
    Atomics.add(words, CANCELS, 1);
    this.#bells.wakeAll();
  }

  /** Marks what nobody has begun, from this item on, as cancelled; tells how many. */
  drop(slot: number, from: number): number {
    const { words, bytes } = this.#board;
    const base = this.#board.slot(slot);
    const tags = words[base + TAGS]!;
    let dropped = 0;
    for (let i = from; i < words[base + COUNT]!; i++) {
      // Some may be done: what is offered again has gaps.
      if (bytes[tags + i]! >= BEGUN) continue;
      bytes[tags + i] = FINISHED | DROPPED;
      dropped++;
    }
    return dropped;
  }
}

/** The slot's owner is to look at it. Once too often does no harm: it sees whether there is something to see. */
export function tellOwner(board: Board, bells: Bells, slot: number): void {
  const owner = board.ownerOf(slot);
  Atomics.or(board.words, board.doneWord(slot), 1 << (slot & 31));
  Atomics.store(board.words, board.thread(owner) + TOLD, 1);
  bells.wake(owner);
}
