/** What any thread may do with a slot: claim items of it, count them as done, close it. See board.ts for what a slot is. */
import type { Bells } from "./bells.js";
import { type Board, CANCELLED, CANCELS, CLAIM, CLOSED, COUNT, CURSOR, DONE, TAGS } from "./board.js";
import { BEGUN, DROPPED, FINISHED } from "./values.js";

/** Items claimed at once: between two claims a thread looks whether something else is more urgent. */
const CHUNK_MAX = 256;
/** Of what is left, a thread claims this part of its fair share: large pieces first, single items last, so that all end together. */
const SHARES_PER_THREAD = 4;

/** One thread's claims. */
export class Claims {
  /** Items first .. last - 1 of the slot that was claimed last. */
  first = 0;
  last = 0;
  readonly #board: Board;
  readonly #mark: number;

  constructor(board: Board, thread: number) {
    this.#board = board;
    this.#mark = board.thread(thread) + CLAIM;
  }

  /**
   * Takes some items of the slot; false when it has none to give. Everything else about the slot is read after this: until then it
   * may be another's, who used it before or after. To be ended by `done`.
   */
  take(slot: number): boolean {
    const { words } = this.#board;
    const base = this.#board.slot(slot);
    // Said before, so that what a thread held that ended in here can be found.
    Atomics.store(words, this.#mark, slot + 1);
    const threads = Math.max(1, this.#board.threads - 1);
    let at = Atomics.load(words, base + CURSOR);
    for (let count = words[base + COUNT]!; at < count; count = Atomics.load(words, base + COUNT)) {
      const share = Math.floor((count - at) / (threads * SHARES_PER_THREAD));
      const size = Math.max(1, Math.min(CHUNK_MAX, share));
      const found = Atomics.compareExchange(words, base + CURSOR, at, at + size);
      if (found === at) {
        this.first = at;
        this.last = Math.min(at + size, Atomics.load(words, base + COUNT));
        return true;
      }
      at = found;
    }
    this.done();
    return false;
  }

  /** All items claimed were begun, at least. */
  done(): void {
    Atomics.store(this.#board.words, this.#mark, 0);
  }
}

/** So many items more are done; with the last one the slot's owner is told. */
export function countDone(board: Board, bells: Bells, slot: number, items: number): void {
  if (items === 0) return;
  const base = board.slot(slot);
  if (Atomics.add(board.words, base + DONE, items) + items !== board.words[base + COUNT]) return;
  Atomics.or(board.words, board.doneWord(slot), 1 << (slot & 31));
  bells.wake(board.ownerOf(slot));
}

/** Nobody begins an item of it any more, and who waits in one is told. By the slot's owner, or its heir. */
export function closeSlot(board: Board, bells: Bells, slot: number): void {
  const { words, bytes } = board;
  const base = board.slot(slot);
  Atomics.store(words, base + CANCELLED, 1);
  const from = Atomics.exchange(words, base + CURSOR, CLOSED);
  const tags = words[base + TAGS]!;
  let dropped = 0;
  for (let i = from; i < words[base + COUNT]!; i++) {
    // After a thread ended the cursor may have been set back over items that are done.
    if (bytes[tags + i]! >= BEGUN) continue;
    bytes[tags + i] = FINISHED | DROPPED;
    dropped++;
  }
  countDone(board, bells, slot, dropped);
  Atomics.add(words, CANCELS, 1);
  bells.wakeAll();
}
