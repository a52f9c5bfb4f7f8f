/**
 * A set of small whole numbers that is walked in ascending order: a bit each. Adding and removing are O(1), also while it is walked;
 * a step of the walk skips 32 absent numbers at a time. Nothing is allocated after it is made.
 *
 *     for (let i = set.next(0); i >= 0; i = set.next(i + 1)) ...
 */
export class IndexSet {
  count = 0;
  readonly #words: Int32Array;

  /** Holds numbers from 0 to capacity - 1. */
  constructor(capacity: number) {
    this.#words = new Int32Array((capacity + 31) >>> 5);
  }

  has(index: number): boolean {
    return (((this.#words[index >>> 5] ?? 0) >>> (index & 31)) & 1) !== 0;
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.#flip(index);
    this.count++;
  }

  delete(index: number): void {
    if (!this.has(index)) return;
    this.#flip(index);
    this.count--;
  }

  clear(): void {
    this.#words.fill(0);
    this.count = 0;
  }

  /** The smallest number in the set that is at least `from`; -1 when there is none. */
  next(from: number): number {
    let word = from >>> 5;
    let bits = (this.#words[word] ?? 0) & (-1 << (from & 31));
    while (bits === 0) {
      if (++word >= this.#words.length) return -1;
      bits = this.#words[word] ?? 0;
    }
    return (word << 5) + 31 - Math.clz32(bits & -bits);
  }

  #flip(index: number): void {
    this.#words[index >>> 5] = (this.#words[index >>> 5] ?? 0) ^ (1 << (index & 31));
  }
}
