/**
 * One thread of a scheduler: takes work from the rings, runs it, goes on with what waited, asks others on behalf of its tasks. It never
 * blocks: whoever owns the thread calls `turn` until there is nothing to do, and then sleeps as that thread may.
 *
 * A turn looks first at what is nearest to being finished: results, work for this thread alone, what tasks of workers wait for, new work.
 */
import { GyreError } from "../errors.js";
import type { Notify } from "../sync/waiter.js";
import { Answers } from "./answers.js";
import { Bells } from "./bells.js";
import { type Board, CANCELLED, CELLS, NESTED_SLOTS, RAN, TAGS, TASK } from "./board.js";
import { Context } from "./context.js";
import { cancelled, Driver, isThenable } from "./driver.js";
import { Handles, type Shareable } from "./handles.js";
import { ANY, Orders } from "./orders.js";
import { Pending } from "./pending.js";
import { checkBatch, ListOfResults } from "./results.js";
import { HintRing } from "./ring.js";
import { currentScope, enter, type Host } from "./scope.js";
import { Claims } from "./slots.js";
import type { BatchOptions, RunOptions, Task } from "./types.js";
import { FINISHED, NUMBER, RUNNING } from "./values.js";

/**
 * Tasks that a thread has begun and that wait: with so many it begins no others from outside until some have gone on. Half of a worker's slots,
 * so that each of them, and of the chunk that it may be in the middle of, can wait for one.
 */
const WAITING_MAX = NESTED_SLOTS / 2;

export class Runner implements Host {
  readonly board: Board;
  readonly thread: number;
  readonly bells: Bells;
  readonly orders: Orders;
  readonly handles: Handles;
  readonly answers: Answers;
  readonly claims: Claims;
  readonly driver: Driver;

  readonly #tasks: readonly Task[];
  readonly #indexes: ReadonlyMap<Task, number>;
  /** What tasks wait for: this thread's alone first, then anybody's. */
  readonly #nested: HintRing[];
  /** The same of what was asked for outside of tasks. */
  readonly #fresh: HintRing[];

  /** tasks: in the same order on all threads. channel: see Handles. */
  constructor(board: Board, thread: number, tasks: readonly Task[], channel: string, notify?: Notify) {
    this.board = board;
    this.thread = thread;
    this.bells = new Bells(board, notify);
    this.claims = new Claims(board, thread, this.bells);
    this.answers = new Answers(board, thread, this.bells, this.claims);
    this.orders = new Orders(board, thread, this.answers.arena, this.bells, this.claims);
    this.handles = new Handles(board, thread, channel);
    this.driver = new Driver(this, this);
    this.#tasks = tasks;
    this.#indexes = new Map(tasks.map((task, index) => [task, index]));
    const askers = Array.from({ length: board.threads }, (_, asker) => asker);
    // Thread 0 is there for others and does what is asked of it alone.
    const targets = thread === 0 ? [thread] : [thread, board.anybody];
    this.#nested = targets.flatMap((target) => askers.map((asker) => new HintRing(board, asker, target)));
    this.#fresh = targets.map((target) => new HintRing(board, board.outside, target));
  }

  // What tasks ask for.

  /** fallback: the target when the options name none. */
  run(task: Task, value: unknown, options: RunOptions = {}, fallback = this.thread): Pending {
    const target = this.#targetOf(options, fallback);
    checkOptions(options);
    const pending =
      target === this.thread ? this.driver.here(task, value) : this.orders.run(this.#indexOf(task), value, target);
    return endedBy(options.signal, pending);
  }

  batch(task: Task, list: ArrayLike<unknown>, options: BatchOptions = {}): Pending {
    checkBatch(list, options);
    const target = this.#targetOf(options, this.board.threads === 1 ? this.thread : ANY);
    checkOptions(options);
    const here = target === this.thread || list.length === 0;
    const pending = here
      ? this.#batchHere(task, list, options)
      : this.orders.batch(this.#indexOf(task), list, target, options);
    if (options.help === true && target === ANY) this.#help();
    return endedBy(options.signal, pending);
  }

  wait<R>(promise: PromiseLike<R>): Pending<R> {
    return this.driver.wait(promise);
  }

  share(data: Shareable, home?: number): number {
    return this.handles.share(data, home);
  }

  shared(handle: number): SharedArrayBuffer {
    return this.handles.memoryOf(handle);
  }

  release(handle: number): void {
    this.handles.release(handle);
  }

  // What the thread's owner asks for.

  /** Does a piece of what there is to do; false when there is nothing. */
  turn(): boolean {
    if (this.answers.areWaiting) this.answers.sendWaiting();
    const told = this.orders.collect();
    this.driver.endCancelled();
    for (const ring of this.#nested) if (this.#work(ring)) return true;
    if (this.driver.waiting >= WAITING_MAX || this.answers.areWaiting) return told;
    for (const ring of this.#fresh) if (this.#work(ring)) return true;
    return told;
  }

  /** Runs, batches and calls from outside of tasks that this thread waits for or has not finished itself. */
  get open(): number {
    return this.orders.open + this.driver.local.size;
  }

  /** Rejects all that is open. */
  close(error: GyreError): void {
    this.orders.close(error);
    for (const pending of this.driver.local) pending.reject(error);
    this.handles.close();
  }

  #targetOf({ thread, handle }: RunOptions, fallback: number): number {
    if (handle !== undefined) return this.handles.homeOf(handle);
    if (thread === undefined) return fallback;
    if (thread === "any") return this.board.threads === 1 ? 0 : ANY;
    if (Number.isInteger(thread) && thread >= 0 && thread < this.board.threads) return thread;
    throw new GyreError("BAD_ARGUMENT", `thread ${String(thread)}: there are 0 .. ${this.board.threads - 1}`);
  }

  #indexOf(task: Task): number {
    const index = this.#indexes.get(task);
    if (index !== undefined) return index;
    throw new GyreError("TASK_UNKNOWN", `the scheduler's module exports no task ${task.taskName ?? task.body.name}`);
  }

  /** Takes part in what this thread gave to anybody, until all of it is begun. */
  #help(): void {
    const from = currentScope() === undefined ? this.board.outside : this.thread;
    const ring = new HintRing(this.board, from, this.board.anybody);
    while (!this.claims.isDeep && this.#work(ring)) {}
  }

  #batchHere(task: Task, list: ArrayLike<unknown>, options: BatchOptions): Pending {
    const gathered = new Pending();
    const results = new ListOfResults(options, list.length);
    let left = list.length;
    const tell = (index: number, pending: Pending): void => {
      if (pending.isRejected) results.error(index, pending.outcome);
      else results.value(index, pending.outcome);
      if (--left === 0) results.settle(gathered);
    };
    const started = Array.from(list, (value) => this.driver.here(task, value));
    started.forEach((pending, index) => {
      if (pending.isSettled) tell(index, pending);
      else pending.listen({ settled: () => tell(index, pending) });
    });
    if (list.length === 0) results.settle(gathered);
    gathered.onCancel = () => started.forEach((pending) => void pending.cancel());
    return gathered;
  }

  // From the rings.

  /** Some items of the slot at the front. */
  #work(ring: HintRing): boolean {
    for (let slot = ring.front; slot >= 0; slot = ring.front) {
      this.claims.enter(slot);
      const taken = this.claims.take(slot);
      if (taken) this.#runItems(slot, this.claims.first, this.claims.last);
      this.claims.leave();
      if (taken) return true;
      ring.drop();
    }
    return false;
  }

  #runItems(slot: number, first: number, last: number): void {
    const { words } = this.board;
    const task = this.#tasks[words[this.board.slot(slot) + TASK]!]!;
    Atomics.add(words, this.board.thread(this.thread) + RAN, last - first);
    if (task.kind !== "plain") this.#startItems(task, slot, first, last);
    else this.claims.count(slot, this.#callItems(task, slot, first, last));
  }

  /** Plain functions: one after the other, in one context. Tells how many are done. */
  #callItems({ body }: Task, slot: number, first: number, last: number): number {
    const { words, bytes, cells } = this.board;
    const base = this.board.slot(slot);
    const cell = words[base + CELLS]!;
    const tags = words[base + TAGS]!;
    let context = new Context(this.driver, slot, first);
    const before = enter(context);
    let done = 0;
    for (let i = first; i < last; i++) {
      const tag = bytes[tags + i]!;
      if (Atomics.load(words, base + CANCELLED) !== 0) {
        done += this.answers.writeDropped(slot, i);
        continue;
      }
      bytes[tags + i] = RUNNING | this.thread;
      context.item = i;
      try {
        const result = body((tag === NUMBER ? cells[cell + i] : this.answers.read(tag, cells[cell + i]!)) as never);
        if (typeof result === "number") {
          cells[cell + i] = result;
          bytes[tags + i] = FINISHED | NUMBER;
          done++;
        } else if (isThenable(result)) {
          this.driver.await(context, result);
          context = new Context(this.driver, slot, i);
          enter(context);
        } else done += this.answers.write(slot, i, result);
      } catch (error) {
        done += this.answers.writeThrown(slot, i, error);
      }
    }
    enter(before);
    return done;
  }

  /** What may wait: each in a context of its own. */
  #startItems(task: Task, slot: number, first: number, last: number): void {
    const { words, bytes, cells } = this.board;
    const base = this.board.slot(slot);
    const cell = words[base + CELLS]!;
    const tags = words[base + TAGS]!;
    for (let i = first; i < last; i++) {
      const tag = bytes[tags + i]!;
      bytes[tags + i] = RUNNING | this.thread;
      const context = new Context(this.driver, slot, i);
      if (context.isCancelled) context.dropped = true;
      if (context.dropped) this.driver.finish(context, undefined);
      else this.driver.start(task, this.answers.read(tag, cells[cell + i]!), context);
    }
  }
}

function checkOptions({ signal, whenFull }: RunOptions): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new GyreError("BAD_ARGUMENT", "signal is no AbortSignal");
  }
  if (whenFull !== undefined && whenFull !== "refuse" && whenFull !== "wait") {
    throw new GyreError("BAD_ARGUMENT", `whenFull: ${String(whenFull)}`);
  }
  if (signal?.aborted === true) throw cancelled();
}

/** Cancels and rejects it when the signal says so. */
function endedBy(signal: AbortSignal | undefined, pending: Pending): Pending {
  if (signal === undefined || pending.isSettled) return pending;
  const onAbort = (): void => pending.cancel();
  signal.addEventListener("abort", onAbort, { once: true });
  pending.listen({ settled: () => signal.removeEventListener("abort", onAbort) });
  return pending;
}
