/**
 * What is late in a tick: zones that take no step in it, and those who ask at gates and are turned back, because one of the two zones cannot be
 * asked. A replay says so of the ticks in which threads were late; of all other ticks it is empty, which costs a look.
 */

export class Delays {
  readonly #held = new Set<number>();
  /** By zone, those who asked, by their place among its crossers. */
  readonly #turnedBack = new Map<number, Set<number>>();

  hold(zone: number): void {
    this.#held.add(zone);
  }

  turnBack(zone: number, asker: number): void {
    const askers = this.#turnedBack.get(zone);
    if (askers === undefined) this.#turnedBack.set(zone, new Set([asker]));
    else askers.add(asker);
  }

  isHeld(zone: number): boolean {
    return this.#held.size > 0 && this.#held.has(zone);
  }

  isTurnedBack(zone: number, asker: number): boolean {
    return this.#turnedBack.size > 0 && this.#turnedBack.get(zone)?.has(asker) === true;
  }

  clear(): void {
    if (this.#held.size > 0) this.#held.clear();
    if (this.#turnedBack.size > 0) this.#turnedBack.clear();
  }
}
