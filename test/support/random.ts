/** A small seeded generator for tests: the same numbers for the same seed on every engine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** u32 */
  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 16), 0x45d9f3b);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }

  /** 0 <= x < 1 */
  float(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** 0 .. count - 1, whole */
  below(count: number): number {
    return Math.floor(this.float() * count);
  }

  /** least .. most, whole */
  integer(least: number, most: number): number {
    return least + Math.floor(this.float() * (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.integer(0, list.length - 1)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}
