/**
 * What one thread hands back: results, in place of the values that they came from. Bytes lie in a block of this thread's arena, which
 * whoever asked gives back; while there is no room they wait here, and the thread begins nothing new.
 */
import { Arena } from "./arena.js";
import type { Bells } from "./bells.js";
import { type Board, CELLS, TAGS } from "./board.js";
import { countDone } from "./slots.js";
import {
  BYTES,
  DROPPED,
  decode,
  encode,
  encodeThrown,
  FINISHED,
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
  #unsent: Unsent[] = [];

  constructor(board: Board, thread: number, bells: Bells) {
    this.#board = board;
    this.#bells = bells;
    this.arena = new Arena(board, thread);
  }

  /** Whether results wait for room. Nobody rings when there is some. */
  get areWaiting(): boolean {
    return this.#unsent.length > 0;
  }

  /** The value of an item, by what its tag was. Its bytes are the asker's to give back. */
  read(tag: number, cell: number): unknown {
    if (tag !== BYTES) return valueIn(tag, cell);
    const { words, bytes } = this.#board;
    return decode(bytes.slice(cell + LENGTH_BYTES, cell + LENGTH_BYTES + words[cell >>> 2]!));
  }

  /** Writes a result; true when it is there and to be counted, false when it has to wait and is counted then. */
  write(slot: number, item: number, value: unknown): boolean {
    const tag = tagOf(value);
    if (tag === BYTES) {
      let payload: Uint8Array;
      try {
        payload = encode(value);
      } catch (error) {
        return this.writeThrown(slot, item, error);
      }
      return this.#put(slot, item, BYTES, payload);
    }
    const { words, cells } = this.#board;
    if (tag === NUMBER) cells[words[this.#board.slot(slot) + CELLS]! + item] = value as number;
    return this.#tag(slot, item, tag);
  }

  writeThrown(slot: number, item: number, error: unknown): boolean {
    return this.#put(slot, item, THROWN, encodeThrown(error));
  }

  /** It was cancelled. */
  writeDropped(slot: number, item: number): boolean {
    return this.#tag(slot, item, DROPPED);
  }

  /** Tries once more what had to wait. */
  sendWaiting(): void {
    const waiting = this.#unsent;
    this.#unsent = [];
    for (const { slot, item, tag, payload } of waiting) {
      if (this.#put(slot, item, tag, payload)) countDone(this.#board, this.#bells, slot, 1);
    }
  }

  #tag(slot: number, item: number, tag: number): true {
    this.#board.bytes[this.#board.words[this.#board.slot(slot) + TAGS]! + item] = FINISHED | tag;
    return true;
  }

  #put(slot: number, item: number, tag: number, payload: Uint8Array): boolean {
    const size = LENGTH_BYTES + payload.length;
    if (size > this.arena.sizeMax) return this.#tag(slot, item, TOO_LARGE);
    const place = this.arena.take(size);
    if (place === 0) {
      this.#unsent.push({ slot, item, tag, payload });
      return false;
    }
    const { words, bytes, cells } = this.#board;
    words[place >>> 2] = payload.length;
    bytes.set(payload, place + LENGTH_BYTES);
    cells[words[this.#board.slot(slot) + CELLS]! + item] = place;
    return this.#tag(slot, item, tag);
  }
}
