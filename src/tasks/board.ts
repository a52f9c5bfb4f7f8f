/**
 * The shared memory of a scheduler: one SharedArrayBuffer, drawn here, that all of its threads look at. Thread 0 is the one that made
 * the scheduler; 1, 2, ... are its workers.
 *
 *     ┌──────────┬─────────────┬─────────┬───────┬─────────┬───────┬────────┐
 *     │ common   │ threads     │ handles │ slots │ done    │ rings │ arenas │
 *     │ 2 lines  │ 2 lines each│ 2 words │ 64 B  │ 1 bit   │       │        │
 *     └──────────┴─────────────┴─────────┴───────┴─────────┴───────┴────────┘
 *
 * A **slot** is one `run` or one `batch`: which task, over which values, how many are claimed, how many are done. It belongs to the
 * thread that asked: only that one takes it and gives it back, so that there is no shared free list to guard.
 *
 * **Values** are cells: a double and a tag byte each, in the slot itself when there is one, else in a block of the asker's arena.
 * Results take the place of the values.
 *
 * **Rings** carry slots' numbers from each thread to each thread, and to anybody; what thread 0 asks for outside of tasks has rings of
 * its own, so that threads which are deep in work can leave that and still do what other tasks wait for. What a ring says is a hint, "look at this slot":
 * work is given out by compare-exchange on the slot's cursor alone. So a hint that is late or comes twice does no harm, and no
 * thread that ends at a bad moment leaves a ring behind that others wait at.
 *
 * **Done** is a bit for each slot, set by whoever finishes the last of its items, or needs the room of its results. It cannot be full.
 */
import { GyreError } from "../errors.js";
import { LINE_BYTES } from "../sync/memory.js";

/** Threads of a scheduler, the one that made it included: a cursor names one in five bits, and rings go by the square. */
export const THREADS_MAX = 31;
/** Slots of a worker: runs and batches that its tasks wait for at a time. */
export const NESTED_SLOTS = 2048;
/** Things shared by handle at a time. */
export const HANDLES_MAX = 1024;
/** Offsets are signed 32-bit words. */
const BYTES_MAX = 2 ** 31 - LINE_BYTES;

const LINE = LINE_BYTES / 4;

// Common words, from 0.
/** Counts cancellations: whoever sees another number looks through what it has parked. */
export const CANCELS = 0;
/** Counts what was shared and released. */
export const SHARES = LINE;
const COMMON_WORDS = 2 * LINE;

// Words of a thread.
/** Rung by others when there is something to do. */
export const BELL = 0;
/** 1 while the thread sleeps, or is about to and looks around once more. */
export const ASLEEP = 1;
/** 1 when a bit of its slots was set since it looked at them. */
export const TOLD = 2;
/**
 * The slots, plus 1, of which the thread claims, writes or counts items, by depth; 0 is none. In a line that the thread alone writes. One
 * may come while another one is there: when a task that runs finishes something else, or helps.
 */
export const CLAIM = LINE;
export const CLAIMS = 4;
/** Items begun, modulo 2^32. */
export const RAN = LINE + CLAIMS;
/** The block that the thread is giving back, while no tag says any more that it is taken; 0 is none. */
export const GIVING = RAN + 1;
const THREAD_WORDS = 2 * LINE;

// Words of a handle.
/** Odd while the handle is good. */
export const GENERATION = 0;
/** The thread that it is of. */
export const HOME = 1;
const HANDLE_WORDS = 2;

// Words of a slot.
/** Not 0 while it is in use. */
export const USED = 0;
/**
 * The next item to claim, and above it who may: 0 is anybody, else thread + 1. In one word, because a hint that is late may lead
 * somebody here who may not, and between looking and claiming the slot may become another order's.
 */
export const CURSOR = 1;
export const COUNT = 2;
/** Items that are done, one way or the other. */
export const DONE = 3;
/** The task's index in the order of names. */
export const TASK = 4;
/** Of the first cell, in doubles. */
export const CELLS = 5;
/** Of the first tag, in bytes. */
export const TAGS = 6;
/** The block in the asker's arena, in bytes; 0 is none. */
export const BLOCK = 7;
/** 1 when it was cancelled. */
export const CANCELLED = 8;
/** Another number for each order. */
export const SERIAL = 9;
/** Items from here on are not to be claimed: the count, or less when some are offered again (see reaper.ts). */
export const END = 10;
const INLINE_CELL = 12;
const INLINE_TAG = 14;
export const SLOT_WORDS = 16;

/** Bits of a cursor that are the item. */
export const ITEM_BITS = 26;
export const ITEM_MASK = 2 ** ITEM_BITS - 1;
/** A cursor beyond every count, and one that is set while a slot is being opened again. */
export const CLOSED = ITEM_MASK;
export const HELD = ITEM_MASK - 1;

// Words of a ring, before its entries.
export const TAIL = 0;
export const HEAD = LINE;
export const ENTRIES = 2 * LINE;

export interface BoardSpec {
  /** All threads, thread 0 included. */
  readonly threads: number;
  /** Slots of thread 0, a power of two from 32. */
  readonly queue: number;
  /** Bytes of each thread's arena, a multiple of 64. */
  readonly arenaBytes: number;
}

export class Board {
  readonly spec: BoardSpec;
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly cells: Float64Array;
  readonly threads: number;
  /** In place of a thread that tells: thread 0, for what no task asks for. */
  readonly outside: number;
  /** In place of a thread that is told. */
  readonly anybody: number;
  /** Of all threads. */
  readonly slots: number;

  readonly #handles: number;
  readonly #slots: number;
  readonly #done: number;
  readonly #rings: number;
  readonly #arenas: number;

  /** Makes one, or attaches to one that was made. Throws BAD_ARGUMENT for more than 2 GiB. */
  constructor(spec: BoardSpec, buffer?: SharedArrayBuffer) {
    const { threads, queue, arenaBytes } = spec;
    this.spec = spec;
    this.threads = threads;
    this.outside = threads;
    this.anybody = threads;
    this.slots = queue + (threads - 1) * NESTED_SLOTS;
    this.#handles = COMMON_WORDS + threads * THREAD_WORDS;
    this.#slots = this.#handles + HANDLES_MAX * HANDLE_WORDS;
    this.#done = this.#slots + this.slots * SLOT_WORDS;
    this.#rings = this.#done + Math.ceil(this.slots / 32 / LINE) * LINE;
    this.#arenas = this.#ringsOf(threads) + (threads + 1) * (ENTRIES + queue);
    const bytes = 4 * this.#arenas + threads * arenaBytes;
    if (bytes > BYTES_MAX) {
      throw new GyreError(
        "BAD_ARGUMENT",
        `${threads} threads with queue ${queue} and arenaBytes ${arenaBytes}: over 2 GiB`,
      );
    }
    this.buffer = buffer ?? new SharedArrayBuffer(bytes);
    this.words = new Int32Array(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
    this.cells = new Float64Array(this.buffer);
    if (buffer === undefined)
      for (let slot = 0; slot < this.slots; slot++) this.words[this.slot(slot) + CURSOR] = CLOSED;
  }

  /** The first word of a thread's. */
  thread(thread: number): number {
    return COMMON_WORDS + thread * THREAD_WORDS;
  }

  handle(index: number): number {
    return this.#handles + index * HANDLE_WORDS;
  }

  slot(slot: number): number {
    return this.#slots + slot * SLOT_WORDS;
  }

  /** The word with the bits of slots slot & ~31 and on. */
  doneWord(slot: number): number {
    return this.#done + (slot >>> 5);
  }

  /** The cell, in doubles, and the tag, in bytes, inside a slot. */
  inlineCell(slot: number): number {
    return (this.slot(slot) + INLINE_CELL) >>> 1;
  }

  inlineTag(slot: number): number {
    return (this.slot(slot) + INLINE_TAG) << 2;
  }

  firstSlotOf(thread: number): number {
    return thread === 0 ? 0 : this.spec.queue + (thread - 1) * NESTED_SLOTS;
  }

  /** Also of `outside`, which are thread 0's. */
  slotCountOf(thread: number): number {
    return thread === 0 || thread === this.outside ? this.spec.queue : NESTED_SLOTS;
  }

  ownerOf(slot: number): number {
    return slot < this.spec.queue ? 0 : 1 + Math.floor((slot - this.spec.queue) / NESTED_SLOTS);
  }

  /** The ring by which a thread, or thread 0 as `outside`, tells another one, or `anybody`. */
  ring(from: number, target: number): number {
    return this.#ringsOf(from) + target * (ENTRIES + this.slotCountOf(from));
  }

  /** The first byte of a thread's arena. */
  arena(thread: number): number {
    return 4 * this.#arenas + thread * this.spec.arenaBytes;
  }

  #ringsOf(from: number): number {
    const targets = this.threads + 1;
    const before = from === 0 ? 0 : ENTRIES + this.spec.queue + (from - 1) * (ENTRIES + NESTED_SLOTS);
    return this.#rings + targets * before;
  }
}
