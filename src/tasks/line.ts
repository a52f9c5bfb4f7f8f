/** Runs and batches that wait for a place in the queue: who came first goes first, and who is cancelled leaves. */
import { GyreError } from "../errors.js";
import type { Pending } from "./pending.js";

interface Waiting {
  /** Throws TASKS_FULL when there is still no place. */
  begin(): Pending;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export class Line {
  readonly #most: number;
  readonly #waiting: Waiting[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** What `begin` comes to once it has begun. Rejects with TASKS_FULL when the line is as long as it may be. */
  wait(begin: () => Pending, signal: AbortSignal | undefined): Promise<unknown> {
    if (this.#waiting.length >= this.#most) {
      return Promise.reject(new GyreError("TASKS_FULL", `${this.#most} runs and batches wait for a place already`));
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { begin, resolve, reject };
      this.#waiting.push(waiting);
      if (signal === undefined) return;
      const onAbort = (): void => this.#leave(waiting);
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.begin = () => {
        const pending = begin();
        signal.removeEventListener("abort", onAbort);
        return pending;
      };
    });
  }

  /** Begins those that there are places for. */
  admit(): void {
    let admitted = 0;
    for (const { begin, resolve, reject } of this.#waiting) {
      try {
        begin().promise().then(resolve, reject);
      } catch (error) {
        if (isFull(error)) break;
        reject(error);
      }
      admitted++;
    }
    this.#waiting.splice(0, admitted);
  }

  close(error: GyreError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiting.reject(new GyreError("TASK_CANCELLED", "the task was cancelled before there was a place for it"));
  }
}

export function isFull(error: unknown): boolean {
  return error instanceof GyreError && error.code === "TASKS_FULL";
}
