/**
 * What a thread leaves behind that ended in the middle of something, put in order by thread 0. What it ran fails with THREAD_EXITED, what it
 * had claimed and not begun is offered again, what its tasks had asked of others is cancelled, and the blocks of its arena that
 * nobody knows are freed. Nothing else is lost.
 *
 * Each item's tag says whether it is done, and who runs it. The slots that the thread was in when it ended may have items that were claimed and
 * not begun, and some that are done and were not counted. Once all is claimed and no thread is in one, both can be told from the
 * tags: they are counted, and the cursor goes back to what nobody has begun, one run of such items after the other.
 */
import { Arena } from "./arena.js";
import type { Bells } from "./bells.js";
import {
  ASLEEP,
  BLOCK,
  type Board,
  CANCELLED,
  CELLS,
  CLAIM,
  CLAIMS,
  CLOSED,
  COUNT,
  CURSOR,
  DONE,
  END,
  GIVING,
  HELD,
  ITEM_BITS,
  ITEM_MASK,
  SERIAL,
  TAGS,
  USED,
} from "./board.js";
import { ANY } from "./orders.js";
import { HintRing } from "./ring.js";
import { type Claims, tellOwner } from "./slots.js";
import { BEGUN, EXITED, FINISHED, hasBlock, RUNNING } from "./values.js";

/** A slot in which a thread ended. */
interface Left {
  readonly slot: number;
  /** Whom to tell that items are offered again. */
  toTell: number | undefined;
}

export class Reaper {
  readonly #board: Board;
  readonly #bells: Bells;
  readonly #claims: Claims;
  #left: Left[] = [];

  constructor({ board, bells, claims }: { board: Board; bells: Bells; claims: Claims }) {
    this.#board = board;
    this.#bells = bells;
    this.#claims = claims;
  }

  /** For a thread that is gone, before another one takes its place. */
  bury(thread: number): void {
    const { words } = this.#board;
    const base = this.#board.thread(thread);
    for (let depth = 0; depth < CLAIMS; depth++) {
      const slot = Atomics.exchange(words, base + CLAIM + depth, 0) - 1;
      if (slot >= 0) this.#left.push({ slot, toTell: undefined });
    }
    Atomics.store(words, base + ASLEEP, 0);
    Atomics.store(words, base + GIVING, 0);
    for (let each = 0; each < this.#board.slots; each++) this.#failItems(each, thread);
    const first = this.#board.firstSlotOf(thread);
    for (let own = first; own < first + this.#board.slotCountOf(thread); own++) {
      if (this.#isUsed(own)) this.#claims.close(own);
    }
    this.#sweep(thread);
    this.restore();
  }

  /** Whether `restore` is to be called again soon. */
  get isWaiting(): boolean {
    return this.#left.length > 0;
  }

  /** Offers again what was claimed and not begun, where that can be told by now. */
  restore(): void {
    this.#left = this.#left.filter((left) => !this.#isRestored(left));
  }

  #isUsed(slot: number): boolean {
    return Atomics.load(this.#board.words, this.#board.slot(slot) + USED) !== 0;
  }

  #serialOf(slot: number): number {
    return Atomics.load(this.#board.words, this.#board.slot(slot) + SERIAL);
  }

  /** Whether what was read of the slot since then was this order's. If it is not done it stays: it cannot be without us. */
  #isStill(slot: number, serial: number): boolean {
    return this.#isUsed(slot) && this.#serialOf(slot) === serial;
  }

  #failItems(slot: number, thread: number): void {
    const { words, bytes } = this.#board;
    const serial = this.#serialOf(slot);
    if (!this.#isUsed(slot)) return;
    const base = this.#board.slot(slot);
    const tags = words[base + TAGS]!;
    const failed: number[] = [];
    for (let i = 0; i < words[base + COUNT]!; i++) if (bytes[tags + i] === (RUNNING | thread)) failed.push(i);
    if (failed.length === 0 || !this.#isStill(slot, serial)) return;
    for (const item of failed) bytes[tags + item] = FINISHED | EXITED;
    this.#claims.count(slot, failed.length);
  }

  /** Whether there is nothing (any more) to do for it. */
  #isRestored(left: Left): boolean {
    const { words } = this.#board;
    const { slot } = left;
    const base = this.#board.slot(slot);
    if (left.toTell !== undefined) {
      if (this.#tell(slot, left.toTell)) left.toTell = undefined;
      return false;
    }
    const serial = this.#serialOf(slot);
    // In this order: who claims or counts later changes what was read first.
    const cursor = Atomics.load(words, base + CURSOR);
    const done = Atomics.load(words, base + DONE);
    const count = words[base + COUNT]!;
    const isCancelled = words[base + CANCELLED] !== 0;
    const isOffered = (cursor & ITEM_MASK) < words[base + END]!;
    if (isOffered && this.#isStill(slot, serial)) return false;
    const { finished, from, to } = this.#tagsOf(slot, count);
    if (!this.#isStill(slot, serial)) return true;
    // Or its owner has not opened it yet.
    if (this.#isEntered(slot) || (cursor === CLOSED && !isCancelled)) return false;
    if (finished !== done && Atomics.compareExchange(words, base + DONE, done, finished) !== done) return false;
    if (finished === count) tellOwner(this.#board, this.#bells, slot);
    if (from === count) return true;
    if (isCancelled) {
      this.#claims.count(slot, this.#claims.drop(slot, from));
      return true;
    }
    // Only what nobody has begun: as long as there is one of these to be done, the slot is this order's.
    if (Atomics.compareExchange(words, base + CURSOR, cursor, HELD) !== cursor) return false;
    Atomics.store(words, base + END, to);
    const again = (cursor & ~ITEM_MASK) | from;
    // Unless its owner closed it meanwhile.
    if (Atomics.compareExchange(words, base + CURSOR, HELD, again) === HELD) left.toTell = (cursor >>> ITEM_BITS) - 1;
    return false;
  }

  /** How many items are done, and from where to where are the first that nobody has begun; both are the count when there are none. */
  #tagsOf(slot: number, count: number): { finished: number; from: number; to: number } {
    const { words, bytes } = this.#board;
    const tags = words[this.#board.slot(slot) + TAGS]!;
    let finished = 0;
    let from = count;
    let to = count;
    for (let i = 0; i < count; i++) {
      const tag = bytes[tags + i]!;
      if (tag >= FINISHED) finished++;
      if (tag < BEGUN) from = Math.min(from, i);
      else if (from < i) to = Math.min(to, i);
    }
    return { finished, from, to };
  }

  #isEntered(slot: number): boolean {
    const { words, threads } = this.#board;
    for (let thread = 0; thread < threads; thread++) {
      const marks = this.#board.thread(thread) + CLAIM;
      for (let depth = 0; depth < CLAIMS; depth++) if (Atomics.load(words, marks + depth) === slot + 1) return true;
    }
    return false;
  }

  /** False when there is no room to say so yet. */
  #tell(slot: number, target: number): boolean {
    const ring = new HintRing(this.#board, 0, target === ANY ? this.#board.anybody : target);
    if (ring.isFull) return false;
    ring.push(slot);
    if (target === ANY) this.#bells.wakeWorkers(this.#board.threads);
    else this.#bells.wake(target);
    return true;
  }

  /** Frees what the thread had taken of its arena and not handed to anybody. */
  #sweep(thread: number): void {
    const { words, bytes, cells } = this.#board;
    const known = new Set<number>();
    for (let slot = 0; slot < this.#board.slots; slot++) {
      if (!this.#isUsed(slot)) continue;
      const base = this.#board.slot(slot);
      known.add(words[base + BLOCK]!);
      for (let i = 0; i < words[base + COUNT]!; i++) {
        const tag = bytes[words[base + TAGS]! + i]! - FINISHED;
        if (hasBlock(tag)) known.add(cells[words[base + CELLS]! + i]!);
      }
    }
    // After the tags: what was given back by then is free.
    for (let each = 0; each < this.#board.threads; each++) {
      known.add(Atomics.load(words, this.#board.thread(each) + GIVING));
    }
    new Arena(this.#board, thread).sweep((block) => known.has(block));
  }
}
