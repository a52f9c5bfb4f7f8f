/**
 * Who sleeps, and waking them: once for all that came since, never somebody who is awake, never all for the work of one.
 *
 * Before it sleeps a thread says so, and looks around once more. Whoever has work for it publishes that, then looks whether it sleeps:
 * one of the two sees the other. Its mark is taken off by compare-exchange, so that of several who wake it one pays for it.
 */
import { Bell, type Notify } from "../sync/waiter.js";
import { ASLEEP, BELL, type Board } from "./board.js";

export class Bells {
  readonly #words: Int32Array;
  readonly #asleep: number[] = [];
  readonly #bells: Bell[] = [];
  /** Where to look for a worker that sleeps: the one after the last one woken. */
  #next = 1;

  constructor(board: Board, notify?: Notify) {
    this.#words = board.words;
    for (let thread = 0; thread < board.threads; thread++) {
      const base = board.thread(thread);
      this.#asleep.push(base + ASLEEP);
      this.#bells.push(new Bell(board.words, base + BELL, notify));
    }
  }

  of(thread: number): Bell {
    return this.#bells[thread]!;
  }

  /** From here on the thread is woken when there is something for it. Look around once more before it sleeps. */
  liesDown(thread: number): void {
    Atomics.store(this.#words, this.#asleep[thread]!, 1);
  }

  getsUp(thread: number): void {
    Atomics.store(this.#words, this.#asleep[thread]!, 0);
  }

  /** Whether it slept. */
  wake(thread: number): boolean {
    const at = this.#asleep[thread]!;
    if (Atomics.load(this.#words, at) === 0) return false;
    if (Atomics.compareExchange(this.#words, at, 1, 0) !== 1) return false;
    this.#bells[thread]!.ring();
    return true;
  }

  /** Wakes so many of the workers that sleep, if there are. */
  wakeWorkers(count: number): void {
    const threads = this.#bells.length;
    for (let looked = 1; looked < threads && count > 0; looked++) {
      const thread = this.#next;
      this.#next = thread + 1 < threads ? thread + 1 : 1;
      if (this.wake(thread)) count--;
    }
  }

  wakeAll(): void {
    for (let thread = 0; thread < this.#bells.length; thread++) this.wake(thread);
  }
}
