/**
 * What one thread hands back: results, in place of the values that they came from. Bytes lie in a block of this thread's arena, which
 * whoever asked gives back; while there is no room they wait here, and the thread begins nothing new.
 */
import { Arena } from "./arena.js";
import type { Bells } from "./bells.js";
import { type Board, CELLS, TAGS } from "./board.js";
import { type Claims, tellOwner } from "./slots.js";
import {
  DROPPED,
  decode,
  encode,
  encodeThrown,
  FINISHED,
  hasBlock,
  LENGTH_BYTES,
  NUMBER,
  THROWN,
  TOO_LARGE,
  tagOf,
  valueIn,
} from "./values.js";

interface Unsent {
  readonly slot: number;
  readonly item: number;
  readonly tag: number;
  readonly payload: Uint8Array;
}

export class Answers {
  readonly arena: Arena;
  readonly #board: Board;
  readonly #bells: Bells;
  readonly #claims: Claims;
  #unsent: Unsent[] = [];

  constructor(board: Board, thread: number, bells: Bells, claims: Claims) {
    this.#board = board;
    this.#bells = bells;
    this.#claims = claims;
    this.arena = new Arena(board, thread);
  }

  /** Whether results wait for room. Nobody rings when there is some. */
  get areWaiting(): boolean {
    return this.#unsent.length > 0;
  }

  /** The value of an item, by what its tag was. Its bytes are the asker's to give back. */
  read(tag: number, cell: number): unknown {
    if (!hasBlock(tag)) return valueIn(tag, cell);
    const { words, bytes } = this.#board;
    return decode(bytes.slice(cell + LENGTH_BYTES, cell + LENGTH_BYTES + words[cell >>> 2]!), tag);
  }

  /**
   * Writes a result into a slot that was entered. 1, to be counted, or 0 when it has to wait for room and is counted then.
   */
  write(slot: number, item: number, value: unknown): number {
    const tag = tagOf(value);
    if (hasBlock(tag)) {
      let payload: Uint8Array;
      try {
        payload = encode(value, tag);
      } catch (error) {
        return this.writeThrown(slot, item, error);
      }
      return this.#put(slot, item, tag, payload);
    }
    const { words, cells } = this.#board;
    if (tag === NUMBER) cells[words[this.#board.slot(slot) + CELLS]! + item] = value as number;
    return this.#tag(slot, item, tag);
  }

  /** The same with what was thrown. */
  writeThrown(slot: number, item: number, error: unknown): number {
    return this.#put(slot, item, THROWN, encodeThrown(error));
  }

  /** The same with that it was cancelled. */
  writeDropped(slot: number, item: number): number {
    return this.#tag(slot, item, DROPPED);
  }

  /** Tries once more what had to wait. */
  sendWaiting(): void {
    const waiting = this.#unsent;
    this.#unsent = [];
    for (const { slot, item, tag, payload } of waiting) {
      this.#claims.enter(slot);
      this.#claims.count(slot, this.#put(slot, item, tag, payload));
      this.#claims.leave();
    }
  }

  #tag(slot: number, item: number, tag: number): number {
    this.#board.bytes[this.#board.words[this.#board.slot(slot) + TAGS]! + item] = FINISHED | tag;
    return 1;
  }

  #put(slot: number, item: number, tag: number, payload: Uint8Array): number {
    const size = LENGTH_BYTES + payload.length;
    if (size > this.arena.sizeMax) return this.#tag(slot, item, TOO_LARGE);
    const place = this.arena.take(size);
    if (place === 0) {
      this.#unsent.push({ slot, item, tag, payload });
      // What whoever asked has not read yet may be what takes the room.
      tellOwner(this.#board, this.#bells, slot);
      return 0;
    }
    const { words, bytes, cells } = this.#board;
    words[place >>> 2] = payload.length;
    bytes.set(payload, place + LENGTH_BYTES);
    const base = this.#board.slot(slot);
    cells[words[base + CELLS]! + item] = place;
    Atomics.store(bytes, words[base + TAGS]! + item, FINISHED | tag);
    return 1;
  }
}
