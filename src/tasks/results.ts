/** What the items of a run or a batch came to: read out of the slot, and put together in the order of the list. */
import { GyreError } from "../errors.js";
import { giveBack } from "./arena.js";
import { type Board, CELLS, COUNT, GIVING, TAGS } from "./board.js";
import type { Pending } from "./pending.js";
import type { BatchOptions, Outcome } from "./types.js";
import {
  DROPPED,
  decode,
  decodeThrown,
  EXITED,
  FINISHED,
  hasBlock,
  LENGTH_BYTES,
  NUMBER,
  TAKEN,
  THROWN,
  TOO_LARGE,
  valueIn,
} from "./values.js";

export interface Results {
  value(index: number, value: unknown): void;
  error(index: number, reason: unknown): void;
  /** The array that numbers alone may be copied to. */
  readonly into?: Float64Array | undefined;
  /** All are there. */
  settle(pending: Pending): void;
}

export class OneResult implements Results {
  #failed = false;
  #result: unknown;

  value(_index: number, value: unknown): void {
    this.#result = value;
  }

  error(_index: number, reason: unknown): void {
    this.#failed = true;
    this.#result = reason;
  }

  settle(pending: Pending): void {
    if (this.#failed) pending.reject(this.#result);
    else pending.fulfil(this.#result);
  }
}

export class ListOfResults implements Results {
  readonly into: Float64Array | undefined;
  readonly #list: unknown[] | Float64Array;
  readonly #settle: boolean;
  /** Index of the first error so far. */
  #failed = Number.POSITIVE_INFINITY;
  #error: unknown;

  constructor({ settle = false, into }: BatchOptions, count: number) {
    this.into = into;
    this.#settle = settle;
    this.#list = into ?? new Array<unknown>(count);
  }

  value(index: number, value: unknown): void {
    if (!this.#settle) this.#list[index] = value as number;
    else this.#list[index] = { status: "fulfilled", value } satisfies Outcome<unknown> as never;
  }

  error(index: number, reason: unknown): void {
    if (this.#settle) {
      this.#list[index] = { status: "rejected", reason } satisfies Outcome<unknown> as never;
    } else if (index < this.#failed) {
      this.#failed = index;
      this.#error = reason;
    }
  }

  settle(pending: Pending): void {
    if (this.#failed === Number.POSITIVE_INFINITY) pending.fulfil(this.#list);
    else pending.reject(this.#error);
  }
}

/**
 * Takes what is finished out of a slot: all of it, or only what is in blocks of an arena, of which other threads need the room. Gives
 * the blocks back. results: undefined when nobody wants them.
 */
export function takeResults(board: Board, slot: number, results: Results | undefined, isDone: boolean): void {
  const { words, bytes, cells } = board;
  const base = board.slot(slot);
  const count = words[base + COUNT]!;
  const cell = words[base + CELLS]!;
  const tags = words[base + TAGS]!;
  const giving = board.thread(board.ownerOf(slot)) + GIVING;
  if (isDone && results?.into !== undefined && areNumbers(bytes, tags, count)) {
    results.into.set(cells.subarray(cell, cell + count));
    return;
  }
  for (let i = 0; i < count; i++) {
    // While others write, a tag says that its cell is written.
    const tag = (isDone ? bytes[tags + i]! : Atomics.load(bytes, tags + i)) - FINISHED;
    if (hasBlock(tag)) {
      const block = cells[cell + i]!;
      readBlock(board, i, tag, block, results);
      // The tag first: should this thread end in between, a block is lost, and none is given back twice.
      Atomics.store(words, giving, block);
      bytes[tags + i] = FINISHED | TAKEN;
      giveBack(board, block);
      Atomics.store(words, giving, 0);
    } else if (!isDone) continue;
    else if (tag === NUMBER) results?.value(i, cells[cell + i]);
    else if (tag !== TAKEN) takePlain(i, tag, cells[cell + i]!, results);
  }
}

function areNumbers(bytes: Uint8Array, tags: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (bytes[tags + i] !== (FINISHED | NUMBER)) return false;
  return true;
}

function readBlock(board: Board, index: number, tag: number, block: number, results: Results | undefined): void {
  if (results === undefined) return;
  const { words, bytes } = board;
  const copy = bytes.slice(block + LENGTH_BYTES, block + LENGTH_BYTES + words[block >>> 2]!);
  if (tag === THROWN) results.error(index, decodeThrown(copy));
  else results.value(index, decode(copy, tag));
}

function takePlain(index: number, tag: number, cell: number, results: Results | undefined): void {
  if (tag === EXITED) {
    results?.error(index, new GyreError("THREAD_EXITED", "the thread that ran the task ended before the task did"));
  } else if (tag === DROPPED) {
    results?.error(index, new GyreError("TASK_CANCELLED", "the task was cancelled"));
  } else if (tag === TOO_LARGE) {
    results?.error(index, new GyreError("TASKS_FULL", "the result does not fit an arena (arenaBytes)"));
  } else results?.value(index, valueIn(tag, cell));
}

/** Refuses options that contradict each other or the list. */
export function checkBatch(list: ArrayLike<unknown>, { into, settle }: BatchOptions): void {
  if (!Number.isInteger(list?.length) || typeof list === "string") {
    throw new GyreError("BAD_ARGUMENT", `a batch needs a list, not ${String(list)}`);
  }
  if (into === undefined) return;
  if (!(into instanceof Float64Array) || into.length < list.length || settle === true) {
    throw new GyreError("BAD_ARGUMENT", `into: a Float64Array of at least ${list.length}, and not with settle`);
  }
}
