/**
 * What a thread leaves behind that ended in the middle of something, put in order by thread 0. What it ran fails with THREAD_EXITED, what it
 * had claimed and not begun is offered again, what its tasks had asked of others is cancelled, and the blocks of its arena that
 * nobody knows are freed. Nothing else is lost.
 *
 * Each item's tag says who runs it. What was claimed and not begun is all that nobody has begun once the cursor is at the end and no thread
 * claims: then the cursor goes back, and items that are done are skipped.
 */
import { Arena } from "./arena.js";
import type { Bells } from "./bells.js";
import { ASLEEP, BLOCK, type Board, CANCELLED, CELLS, CLAIM, COUNT, CURSOR, PINNED, TAGS, USED } from "./board.js";
import { ANY } from "./orders.js";
import { HintRing } from "./ring.js";
import { closeSlot, countDone } from "./slots.js";
import { BEGUN, BYTES, DROPPED, EXITED, FINISHED, RUNNING, THROWN } from "./values.js";

/** A slot of which a thread may have held items when it ended. */
interface Held {
  readonly slot: number;
  /** The cursor is set back, and it is to be told to whoever can work on it. */
  rewound: boolean;
}

export class Reaper {
  readonly #board: Board;
  readonly #bells: Bells;
  #held: Held[] = [];

  constructor(board: Board, bells: Bells) {
    this.#board = board;
    this.#bells = bells;
  }

  /** For a thread that is gone, before another one takes its place. */
  bury(thread: number): void {
    const { words } = this.#board;
    const base = this.#board.thread(thread);
    const held = Atomics.exchange(words, base + CLAIM, 0) - 1;
    Atomics.store(words, base + ASLEEP, 0);
    for (let slot = 0; slot < this.#board.slots; slot++) if (this.#isUsed(slot)) this.#failItems(slot, thread);
    const first = this.#board.firstSlotOf(thread);
    for (let slot = first; slot < first + this.#board.slotCountOf(thread); slot++) {
      if (this.#isUsed(slot)) closeSlot(this.#board, this.#bells, slot);
    }
    this.#sweep(thread);
    if (held >= 0) this.#held.push({ slot: held, rewound: false });
  }

  /** Whether it is to be asked again soon to `restore`. */
  get isWaiting(): boolean {
    return this.#held.length > 0;
  }

  /** Offers again what was claimed and not begun, as soon as that can be told. */
  restore(): void {
    this.#held = this.#held.filter((held) => !this.#restored(held));
  }

  #isUsed(slot: number): boolean {
    return Atomics.load(this.#board.words, this.#board.slot(slot) + USED) !== 0;
  }

  #failItems(slot: number, thread: number): void {
    const { words, bytes } = this.#board;
    const base = this.#board.slot(slot);
    const tags = words[base + TAGS]!;
    let failed = 0;
    for (let i = 0; i < words[base + COUNT]!; i++) {
      if (bytes[tags + i] !== (RUNNING | thread)) continue;
      bytes[tags + i] = FINISHED | EXITED;
      failed++;
    }
    countDone(this.#board, this.#bells, slot, failed);
  }

  /** Whether there is nothing (any more) to do for it. */
  #restored(held: Held): boolean {
    const { words, bytes } = this.#board;
    const base = this.#board.slot(held.slot);
    if (!held.rewound) {
      // In this order: what is claimed later than the cursor was read is not at its end.
      const cursor = Atomics.load(words, base + CURSOR);
      const count = words[base + COUNT]!;
      if (!this.#isUsed(held.slot)) return true;
      if (cursor < count || this.#isClaimed(held.slot)) return false;
      const tags = words[base + TAGS]!;
      let from = 0;
      while (from < count && bytes[tags + from]! >= BEGUN) from++;
      if (from === count) return true;
      if (words[base + CANCELLED] !== 0) return this.#dropFrom(held.slot, from);
      if (Atomics.compareExchange(words, base + CURSOR, cursor, from) !== cursor) return false;
      held.rewound = true;
    }
    const target = words[base + PINNED]!;
    const ring = new HintRing(this.#board, 0, target === ANY ? this.#board.threads : target);
    if (ring.isFull) return false;
    ring.push(held.slot);
    if (target === ANY) this.#bells.wakeWorkers(this.#board.threads);
    else this.#bells.wake(target);
    return true;
  }

  #isClaimed(slot: number): boolean {
    for (let thread = 0; thread < this.#board.threads; thread++) {
      if (Atomics.load(this.#board.words, this.#board.thread(thread) + CLAIM) === slot + 1) return true;
    }
    return false;
  }

  #dropFrom(slot: number, from: number): true {
    const { words, bytes } = this.#board;
    const base = this.#board.slot(slot);
    const tags = words[base + TAGS]!;
    let dropped = 0;
    for (let i = from; i < words[base + COUNT]!; i++) {
      if (bytes[tags + i]! >= BEGUN) continue;
      bytes[tags + i] = FINISHED | DROPPED;
      dropped++;
    }
    countDone(this.#board, this.#bells, slot, dropped);
    return true;
  }

  /** Frees what the thread had taken of its arena and not handed to anybody. */
  #sweep(thread: number): void {
    const { words, bytes, cells } = this.#board;
    const held = new Set<number>();
    for (let slot = 0; slot < this.#board.slots; slot++) {
      if (!this.#isUsed(slot)) continue;
      const base = this.#board.slot(slot);
      held.add(words[base + BLOCK]!);
      for (let i = 0; i < words[base + COUNT]!; i++) {
        const tag = bytes[words[base + TAGS]! + i]! - FINISHED;
        if (tag === BYTES || tag === THROWN) held.add(cells[words[base + CELLS]! + i]!);
      }
    }
    new Arena(this.#board, thread).sweep((block) => held.has(block));
  }
}
