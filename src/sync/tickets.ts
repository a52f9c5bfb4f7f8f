/**
 * Which of a round's items a thread works on: each index is given out once, to whoever asks first, in ascending order. A claim is
 * one compare-exchange, some 20 ns alone and some 100 when threads meet.
 *
 *     word   ┌ generation: 20 bits ┬ ticket: 12 bits ┐    the next index
 *     size   ┌ generation: 20 bits ┬ count:  12 bits ┐
 *
 * Generation and ticket share a word because a thread may be late by a whole round: with a counter that is merely set back, it would
 * take index 0 of a round that it knows nothing of, and the round would wait for it for ever. Here its compare-exchange fails. The count
 * carries its generation too, as it is written before the word: who reads one of another round is late as well.
 */
import { GyreError } from "../errors.js";
import { checkWhole } from "./memory.js";

const TICKET_BITS = 12;
const TICKET_MASK = (1 << TICKET_BITS) - 1;
/** Generations count on modulo this: a thread would have to sleep through 2^20 rounds, 4.8 hours at 60 Hz, to be taken for another. */
const GENERATIONS = 2 ** (32 - TICKET_BITS);

/** Items of a round. */
export const TICKETS_MAX = TICKET_MASK;
/** i32 words that tickets take. */
export const TICKET_WORDS = 2;

export class Tickets {
  /** How many indexes the last claim gave. */
  taken = 0;
  readonly #words: Int32Array;
  readonly #word: number;
  readonly #size: number;

  /** words[index] and the one after it, 0 when fresh, which is a round 0 without items. Best on a cache line of their own. */
  constructor(words: Int32Array, index: number) {
    checkWhole("the index of tickets", index, 0, words.length - TICKET_WORDS);
    this.#words = words;
    this.#word = index;
    this.#size = index + 1;
  }

  /**
   * Opens a round of indexes 0 .. count - 1; what was not claimed of the last one is not given out any more. One thread at a time.
   * generation: whole, taken modulo 2^20. Throws BAD_ARGUMENT for the one that is open, which would be given out twice, and
   * for more than 4,095 items.
   */
  open(generation: number, count: number): void {
    if (!(count >= 0 && count <= TICKETS_MAX)) {
      throw new GyreError("BAD_ARGUMENT", `a round of ${count} items; tickets count up to ${TICKETS_MAX}`);
    }
    if (this.isOpen(generation)) throw new GyreError("BAD_ARGUMENT", `round ${generation} is open already`);
    Atomics.store(this.#words, this.#size, (generation << TICKET_BITS) | count);
    Atomics.store(this.#words, this.#word, generation << TICKET_BITS);
  }

  /** The round that is open, modulo 2^20. */
  get generation(): number {
    return Atomics.load(this.#words, this.#word) >>> TICKET_BITS;
  }

  isOpen(generation: number): boolean {
    return this.generation === generation % GENERATIONS;
  }

  /** Items of the open round that nobody claimed. A guess while others claim. */
  get left(): number {
    const word = Atomics.load(this.#words, this.#word);
    const size = Atomics.load(this.#words, this.#size);
    return word >>> TICKET_BITS === size >>> TICKET_BITS ? (size & TICKET_MASK) - (word & TICKET_MASK) : 0;
  }

  /**
   * The next index of this round, or the first of up to `most` that follow each other: `taken` says how many.
   * -1 when none is left, or when this round is not the open one (any more).
   */
  claim(generation: number, most = 1): number {
    const round = (generation << TICKET_BITS) | 0;
    let word = Atomics.load(this.#words, this.#word);
    for (;;) {
      const size = Atomics.load(this.#words, this.#size);
      if ((word & ~TICKET_MASK) !== round || (size & ~TICKET_MASK) !== round) break;
      const ticket = word & TICKET_MASK;
      const taken = Math.min((size & TICKET_MASK) - ticket, most);
      if (taken <= 0) break;
      const found = Atomics.compareExchange(this.#words, this.#word, word, word + taken);
      if (found === word) {
        this.taken = taken;
        return ticket;
      }
      word = found;
    }
    this.taken = 0;
    return -1;
  }
}
