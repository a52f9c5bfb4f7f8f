/**
 * Joins by turns: so many a tick are taken at once, the others wait, in order, each session once at most. What a join costs comes in the
 * tick that takes it, a seat and maybe a room to be opened, and in those after it, an entity and a first snapshot: together up to 60 us. So a rush of
 * thousands takes as many ticks as it takes, and none of them is long. O(1) each.
 */
import type { Session } from "./session.js";

/** Joins of all zones that one tick takes: 1,920 a second at 60 Hz. */
export const JOINS_PER_TICK_MAX = 32;

export class Admission {
  readonly #perTick: number;
  #left: number;
  readonly #waiting = new Set<Session>();

  constructor(perTick: number) {
    this.#perTick = perTick;
    this.#left = perTick;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether one may join now; else it waits. */
  ask(session: Session): boolean {
    if (this.#left > 0 && this.#waiting.size === 0) {
      this.#left--;
      return true;
    }
    this.#waiting.add(session);
    return false;
  }

  /** It changed its mind. */
  forget(session: Session): void {
    this.#waiting.delete(session);
  }

  /** Once a tick. */
  look(): void {
    this.#left = this.#perTick;
    for (const session of this.#waiting) {
      if (this.#left === 0) return;
      this.#left--;
      this.#waiting.delete(session);
      session.admit();
    }
  }
}
