/**
 * A task that was started and may still be running, on whatever thread: `yield*` waits for it in a generator, `await` anywhere else.
 * It is its own iterator: one that is settled costs `yield*` nothing, another one gives itself to whoever drives the generator.
 */
import { GyreError } from "../errors.js";

/** Told once, when it is settled. */
export interface Listener {
  settled(): void;
}

const WAITING = 0;
const FULFILLED = 1;
const REJECTED = 2;

export class Pending<R = unknown> implements PromiseLike<R>, Iterator<Pending<R>, R> {
  #state = WAITING;
  #value: unknown;
  #listener: Listener | undefined;
  #more: Listener[] | undefined;
  /** What there is to do when it is not wanted any more. */
  onCancel: (() => void) | undefined;

  get isSettled(): boolean {
    return this.#state !== WAITING;
  }

  get isRejected(): boolean {
    return this.#state === REJECTED;
  }

  /** What it came to, or what was thrown. */
  get outcome(): unknown {
    return this.#value;
  }

  fulfil(value: unknown): void {
    this.#settle(FULFILLED, value);
  }

  /** Nobody need be listening: an error that nobody waits for is dropped. */
  reject(error: unknown): void {
    this.#settle(REJECTED, error);
  }

  /** Rejects it now; what runs for it ends when it can. Nothing when it is settled. */
  cancel(): void {
    if (this.#state !== WAITING) return;
    const { onCancel } = this;
    this.onCancel = undefined;
    onCancel?.();
    this.reject(new GyreError("TASK_CANCELLED", "the task was cancelled"));
  }

  listen(listener: Listener): void {
    if (this.#state !== WAITING) listener.settled();
    else if (this.#listener === undefined) this.#listener = listener;
    else if (this.#more === undefined) this.#more = [listener];
    else this.#more.push(listener);
  }

  /** The listener that was told to listen last, and does not want to be any more. */
  forget(listener: Listener): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#more = this.#more?.filter((each) => each !== listener);
  }

  /** For `await`. */
  // biome-ignore lint/suspicious/noThenProperty: being awaited is what it is for
  then<A = R, B = never>(
    onFulfilled?: ((value: R) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.promise().then(onFulfilled, onRejected);
  }

  promise(): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const settled = (): void => (this.#state === REJECTED ? reject(this.#value) : resolve(this.#value as R));
      if (this.#state !== WAITING) settled();
      else this.listen({ settled });
    });
  }

  /** For `yield*`. */
  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Pending<R>, R> {
    if (this.#state === REJECTED) throw this.#value;
    if (this.#state === FULFILLED) return { done: true, value: this.#value as R };
    return { done: false, value: this };
  }

  /** The generator that waits for it is ended. */
  return(value: R): IteratorResult<Pending<R>, R> {
    this.cancel();
    return { done: true, value };
  }

  #settle(state: number, value: unknown): void {
    if (this.#state !== WAITING) return;
    this.#state = state;
    this.#value = value;
    this.onCancel = undefined;
    this.#listener?.settled();
    if (this.#more !== undefined) for (const listener of this.#more) listener.settled();
  }
}
