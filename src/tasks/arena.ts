/**
 * A thread's part of the shared memory for values that are no numbers, and for lists. Only its thread takes blocks; any thread gives
 * them back, by one store, because the one that reads a value last is seldom the one that wrote it.
 *
 *     ┌ size u32 ┬ taken u32 ┬ bytes ...  up to a multiple of 8 ┐┌ size ┬ ...
 *
 * Blocks lie one behind the other. Taking one goes on from where the last was taken (next fit) and joins what lies free: some 20 ns
 * while values come and go in turn, and in the worst case, an arena full of small blocks, a walk over all of them.
 *
 * Sizes are written so that the chain of blocks is whole at any moment: a thread that ends in the middle leaves at most blocks that
 * nobody will give back, which `sweep` finds.
 */
import type { Board } from "./board.js";

const HEADER_BYTES = 8;
/** Not worth a block of its own. */
const REST_BYTES_MIN = 16;
const FREE = 0;
const TAKEN = 1;

/** Gives the block back whose first byte this is. By any thread. */
export function giveBack(board: Board, block: number): void {
  Atomics.store(board.words, ((block - HEADER_BYTES) >>> 2) + 1, FREE);
}

export class Arena {
  /** Bytes of the largest block. */
  readonly sizeMax: number;
  readonly #words: Int32Array;
  readonly #begin: number;
  readonly #end: number;
  #next: number;

  /** Makes it, or attaches to what a thread before this one left. */
  constructor(board: Board, thread: number) {
    this.#words = board.words;
    this.#begin = board.arena(thread) >>> 2;
    this.#end = this.#begin + (board.spec.arenaBytes >>> 2);
    this.#next = this.#begin;
    this.sizeMax = board.spec.arenaBytes - HEADER_BYTES;
    if (this.#words[this.#begin] === 0) this.#words[this.#begin] = board.spec.arenaBytes;
  }

  /** The first of so many bytes, a multiple of 8; 0 when there is no room. */
  take(size: number): number {
    const need = (size + HEADER_BYTES + 7) & ~7;
    const words = this.#words;
    let at = this.#next;
    // All around, and on to where a block that began before the start could end.
    for (let left = this.#end - this.#begin + (need >>> 2); left > 0; ) {
      const bytes = this.#joined(at);
      if (words[at + 1] === FREE && bytes >= need) return this.#cut(at, bytes, need);
      left -= bytes >>> 2;
      at += bytes >>> 2;
      if (at === this.#end) at = this.#begin;
    }
    // Where the search began may lie inside of a block by now.
    this.#next = this.#begin;
    return 0;
  }

  /** Gives back every block that `isHeld` does not know. For when its thread is gone and no other one took its place. */
  sweep(isHeld: (block: number) => boolean): void {
    const words = this.#words;
    for (let at = this.#begin; at < this.#end; at += words[at]! >>> 2) {
      if (!isHeld(4 * at + HEADER_BYTES)) Atomics.store(words, at + 1, FREE);
    }
  }

  /** Bytes in blocks that are taken. */
  get taken(): number {
    let bytes = 0;
    for (let at = this.#begin; at < this.#end; at += this.#words[at]! >>> 2) {
      if (this.#words[at + 1] !== FREE) bytes += this.#words[at]!;
    }
    return bytes;
  }

  /** The size of the block, after it took in the free ones behind it if it is free. */
  #joined(at: number): number {
    const words = this.#words;
    let bytes = words[at]!;
    if (Atomics.load(words, at + 1) !== FREE) return bytes;
    for (let next = at + (bytes >>> 2); next < this.#end; next = at + (bytes >>> 2)) {
      if (Atomics.load(words, next + 1) !== FREE) break;
      bytes += words[next]!;
    }
    words[at] = bytes;
    return bytes;
  }

  #cut(at: number, bytes: number, need: number): number {
    const words = this.#words;
    const rest = bytes - need;
    if (rest >= REST_BYTES_MIN) {
      words[at + (need >>> 2)] = rest;
      words[at + (need >>> 2) + 1] = FREE;
      words[at] = need;
    }
    words[at + 1] = TAKEN;
    const next = at + (words[at]! >>> 2);
    this.#next = next === this.#end ? this.#begin : next;
    return 4 * at + HEADER_BYTES;
  }
}
