/**
 * Runs tasks in contexts: starts them, goes on with generators when what they wait for is there, hands results to whoever asked, and
 * ends what was cancelled. Some 0.1 us a generator that does not wait.
 */
import { GyreError } from "../errors.js";
import type { Answers } from "./answers.js";
import type { Bells } from "./bells.js";
import { type Board, CANCELS } from "./board.js";
import { Context, type Drives, type Steps } from "./context.js";
import { Pending } from "./pending.js";
import { currentScope, enter, enterAsync, type Host } from "./scope.js";
import type { Claims } from "./slots.js";
import type { Task } from "./types.js";

/** What a thread has that runs tasks. */
export interface DriverParts {
  readonly board: Board;
  readonly bells: Bells;
  readonly claims: Claims;
  readonly answers: Answers;
}

export class Driver implements Drives {
  readonly host: Host;
  readonly board: Board;
  /** Promises that tasks here wait for: while there are, the event loop must go on. */
  awaits = 0;
  /** What was called on this thread and is not done. */
  readonly local = new Set<Pending>();
  readonly #bells: Bells;
  readonly #claims: Claims;
  readonly #answers: Answers;
  /** Generators that wait. */
  readonly #parked = new Set<Context>();
  #cancels: number;

  constructor(host: Host, { board, bells, claims, answers }: DriverParts) {
    this.host = host;
    this.board = board;
    this.#bells = bells;
    this.#claims = claims;
    this.#answers = answers;
    this.#cancels = Atomics.load(board.words, CANCELS);
  }

  /** Tasks that have begun and wait. */
  get waiting(): number {
    return this.#parked.size + this.awaits;
  }

  /** A call on this thread. */
  here(task: Task, value: unknown): Pending {
    const pending = new Pending();
    const context = new Context(this, -1, -1, pending, currentScope());
    this.start(task, value, context);
    if (pending.isSettled) return pending;
    pending.onCancel = () => this.#end(context);
    this.local.add(pending);
    pending.listen({ settled: () => this.local.delete(pending) });
    return pending;
  }

  start({ body, kind }: Task, value: unknown, context: Context): void {
    const before = enter(context);
    let result: unknown;
    let waits = false;
    try {
      result = kind === "async" ? enterAsync(context, body, value) : body(value as never);
      waits = kind !== "generator" && isThenable(result);
    } catch (error) {
      this.#fail(context, error);
      return;
    } finally {
      enter(before);
    }
    if (waits) this.await(context, result as PromiseLike<unknown>);
    else if (kind !== "generator") this.finish(context, result);
    else {
      context.steps = result as Steps;
      this.#step(context, false);
    }
  }

  /** Goes on with what waited: it is there. */
  drive(context: Context): void {
    this.#parked.delete(context);
    context.awaited = undefined;
    this.#step(context, false);
  }

  /** The context's result is what the promise comes to. */
  await(context: Context, promise: PromiseLike<unknown>): void {
    this.#awaitFor(
      promise,
      (value) => this.finish(context, value),
      (error) => this.#fail(context, error),
    );
  }

  /** Any promise, as what generators wait for. */
  wait<R>(promise: PromiseLike<R>): Pending<R> {
    const pending = new Pending<R>();
    this.#awaitFor(
      promise,
      (value) => pending.fulfil(value),
      (error) => pending.reject(error),
    );
    return pending;
  }

  finish(context: Context, value: unknown): void {
    const { pending, slot, item, dropped } = context;
    if (dropped) this.#fail(context, undefined);
    else if (pending !== undefined) pending.fulfil(value);
    else {
      this.#claims.enter(slot);
      this.#claims.count(slot, this.#answers.write(slot, item, value));
      this.#claims.leave();
    }
  }

  /** Ends what waits here and was cancelled since this was asked last; what runs finds out by itself. */
  endCancelled(): void {
    const cancels = Atomics.load(this.board.words, CANCELS);
    if (cancels === this.#cancels) return;
    this.#cancels = cancels;
    for (const context of [...this.#parked]) if (context.isCancelled) this.#end(context);
  }

  /** Runs a generator until it waits or ends. ending: it is to clean up and end. */
  #step(context: Context, ending: boolean): void {
    const steps = context.steps!;
    const before = enter(context);
    let value: unknown;
    try {
      let step = ending ? steps.return(undefined) : steps.next();
      while (step.done !== true) {
        const awaited = step.value;
        if (!(awaited instanceof Pending)) {
          step = steps.throw(new GyreError("BAD_ARGUMENT", "a task waits by yield* for tasks and for task.wait alone"));
        } else if (awaited.isSettled) {
          step = steps.next();
        } else if (!context.dropped && context.isCancelled) {
          context.dropped = true;
          step = steps.return(undefined);
        } else {
          this.#park(context, awaited);
          return;
        }
      }
      value = step.value;
    } catch (error) {
      this.#fail(context, error);
      return;
    } finally {
      enter(before);
    }
    this.finish(context, value);
  }

  #park(context: Context, awaited: Pending): void {
    context.awaited = awaited;
    this.#parked.add(context);
    awaited.listen(context);
  }

  #awaitFor<R>(promise: PromiseLike<R>, onValue: (value: R) => void, onError: (error: unknown) => void): void {
    const then = <T>(tell: (value: T) => void): ((value: T) => void) => {
      return (value) => {
        this.awaits--;
        tell(value);
        // The thread may sleep in its event loop, which it need not any more.
        if (this.awaits === 0) this.#bells.wake(this.host.thread);
      };
    };
    this.awaits++;
    // What is no promise of the engine's may call twice, or throw.
    Promise.resolve(promise).then(then(onValue), then(onError));
  }

  #fail({ pending, slot, item, dropped }: Context, error: unknown): void {
    if (pending !== undefined) {
      pending.reject(dropped ? cancelled() : error);
      return;
    }
    this.#claims.enter(slot);
    const written = dropped ? this.#answers.writeDropped(slot, item) : this.#answers.writeThrown(slot, item, error);
    this.#claims.count(slot, written);
    this.#claims.leave();
  }

  #end(context: Context): void {
    if (context.dropped) return;
    context.dropped = true;
    if (!this.#parked.delete(context)) return;
    context.awaited?.forget(context);
    this.#step(context, true);
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

export function cancelled(): GyreError {
  return new GyreError("TASK_CANCELLED", "the task was cancelled");
}
