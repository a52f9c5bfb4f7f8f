/**
 * The newest state of something, from one writer to one reader that run at their own pace: of three buffers the writer fills one, the
 * reader looks at one, and the third holds what was published last. Neither ever waits, and nobody sees a state half written. What a
 * buffer is, is the caller's: this is only about who has which.
 *
 *     publish   back <-> middle, fresh        word: front | middle << 2 | fresh << 4
 *     take      front <-> middle, not fresh         whose all three lie in, so that a thread that ends leaves nothing behind:
 *                                                   its successor finds its buffer there
 *
 * A call is one compare-exchange, some 20 ns, repeated while the other end is in between: a publish at most once, as a reader takes only what is
 * fresh; a take once for each state that is published meanwhile.
 */
import { checkWhole } from "./memory.js";

/** Buffers, by index from 0, that a caller has. */
export const LATEST_BUFFERS = 3;

const MIDDLE_SHIFT = 2;
const INDEX_MASK = 3;
const FRESH = 1 << 4;

const frontOf = (word: number): number => word & INDEX_MASK;
const middleOf = (word: number): number => (word >>> MIDDLE_SHIFT) & INDEX_MASK;
/** What neither of the others is, of 0, 1 and 2. */
const backOf = (word: number): number => 3 - frontOf(word) - middleOf(word);

export class Latest {
  readonly #words: Int32Array;
  readonly #index: number;

  /** words[index] is 0 when fresh. One writer and one reader at a time; which end it is follows from what is called. */
  constructor(words: Int32Array, index: number) {
    checkWhole("the index of a triple buffer", index, 0, words.length - 1);
    this.#words = words;
    this.#index = index;
    // Fresh memory: the three indexes are different ones from here on. Both ends may come first.
    Atomics.compareExchange(words, index, 0, 1 << MIDDLE_SHIFT);
  }

  /** Writer: the buffer to fill. Its own until it publishes; it holds an older state. */
  get back(): number {
    return backOf(Atomics.load(this.#words, this.#index));
  }

  /** Reader: the buffer to look at. Its own until it takes; before the first one that was taken, it holds nothing. */
  get front(): number {
    return frontOf(Atomics.load(this.#words, this.#index));
  }

  /** Whether something was published that was not taken. */
  get fresh(): boolean {
    return (Atomics.load(this.#words, this.#index) & FRESH) !== 0;
  }

  /** Writer: what is in `back` is the newest state. Gives the new `back`. */
  publish(): number {
    let word = Atomics.load(this.#words, this.#index);
    for (;;) {
      const next = frontOf(word) | (backOf(word) << MIDDLE_SHIFT) | FRESH;
      const found = Atomics.compareExchange(this.#words, this.#index, word, next);
      if (found === word) return backOf(next);
      word = found;
    }
  }

  /** Reader: `front` becomes the newest state; false when there is none newer than it. */
  take(): boolean {
    let word = Atomics.load(this.#words, this.#index);
    while ((word & FRESH) !== 0) {
      const next = middleOf(word) | (frontOf(word) << MIDDLE_SHIFT);
      const found = Atomics.compareExchange(this.#words, this.#index, word, next);
      if (found === word) return true;
      word = found;
    }
    return false;
  }
}
