/**
 * A ring of slots' numbers from one thread to another one, or to whoever comes first. They are hints (see board.ts): a reader looks at
 * the front, works on that slot as long as it has something to give, and then drops it; when several do at once, one drop counts.
 * What a reader that was late finds in place of the front is another hint.
 */
import { type Board, ENTRIES, HEAD, TAIL } from "./board.js";

export class HintRing {
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #mask: number;
  #head = 0;

  /** from: the thread that pushes, or board.outside. target: the one that reads, or board.anybody. */
  constructor(board: Board, from: number, target: number) {
    this.#words = board.words;
    this.#base = board.ring(from, target);
    this.#mask = board.slotCountOf(from) - 1;
  }

  /** Only with hints to slots that were cancelled, as there are no more places than slots. Room, once seen, stays until a push. */
  get isFull(): boolean {
    const tail = this.#words[this.#base + TAIL]!;
    return ((tail - Atomics.load(this.#words, this.#base + HEAD)) | 0) > this.#mask;
  }

  /** Into a ring that is not full. */
  push(slot: number): void {
    const tail = this.#words[this.#base + TAIL]!;
    this.#words[this.#base + ENTRIES + (tail & this.#mask)] = slot;
    Atomics.store(this.#words, this.#base + TAIL, (tail + 1) | 0);
  }

  /** The slot to look at; -1 when there is none. */
  get front(): number {
    this.#head = Atomics.load(this.#words, this.#base + HEAD);
    if (this.#head === Atomics.load(this.#words, this.#base + TAIL)) return -1;
    return this.#words[this.#base + ENTRIES + (this.#head & this.#mask)]!;
  }

  /** Done with what front gave. */
  drop(): void {
    Atomics.compareExchange(this.#words, this.#base + HEAD, this.#head, (this.#head + 1) | 0);
  }
}
