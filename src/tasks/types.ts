/** What tasks and schedulers are to whoever writes and calls them. */
import type { GyreError } from "../errors.js";
import type { Spin } from "../sync/waiter.js";
import type { Shareable } from "./handles.js";
import type { Pending } from "./pending.js";

/** A function of at most one value: a plain one, an async one, or a generator that waits with `yield*`. */
export type Body = (value: never) => unknown;

/** What a task is called with; undefined for one that takes nothing. */
export type ValueOf<F extends Body> = Parameters<F>[0];

/** What it comes to. */
export type ResultOf<F extends Body> =
  ReturnType<F> extends Generator<unknown, infer R, never> ? R : Awaited<ReturnType<F>>;

/** The value may be left out where it may be undefined. */
export type ValueAnd<F extends Body, Options> =
  undefined extends ValueOf<F> ? [value?: ValueOf<F>, options?: Options] : [value: ValueOf<F>, options?: Options];

export interface RunOptions {
  /**
   * The thread: a number, 0 being the one that made the scheduler, or "any", whichever is free first. Default: a task stays on the
   * thread that it is called on, and what is no task starts one on any.
   */
  thread?: number | "any" | undefined;
  /** The thread that this handle is of, in place of `thread`. */
  handle?: number | undefined;
  /** Ends it: what has not begun never will, what waits is ended, what computes may ask `task.cancelled()`. Rejects with TASK_CANCELLED at once. */
  signal?: AbortSignal | undefined;
  /** When the queue is full: "refuse" with TASKS_FULL, or "wait" for a place. Default: the scheduler's; within tasks always "refuse". */
  whenFull?: "refuse" | "wait" | undefined;
}

export interface BatchOptions extends RunOptions {
  /** Give every item's outcome, as Promise.allSettled does, rather than reject with the first error. */
  settle?: boolean | undefined;
  /** Where numbers go, in place of an array made for them; the result is this one. As long as the list at least. */
  into?: Float64Array | undefined;
  /** The calling thread takes part, blocking meanwhile, until nothing is left to begin. */
  help?: boolean | undefined;
}

export type TaskKind = "plain" | "async" | "generator";

/** A function that can run on any thread of a scheduler. Made by `task`, exported by the scheduler's module. */
export interface Task<F extends Body = Body> {
  /** A plain call, here and now. Within a task only: throws TASK_OUTSIDE elsewhere. */
  (...value: Parameters<F>): ReturnType<F>;
  /** The name that it was given; else its scheduler goes by the name of its export. */
  readonly taskName: string | undefined;
  readonly kind: TaskKind;
  readonly body: F;
  /** Starts it within the scheduler of the task that calls this: here, as a plain call, unless the options say another thread. */
  run(...args: ValueAnd<F, RunOptions>): Pending<ResultOf<F>>;
  /** The task for each value of a list, on all threads: results in the list's order. */
  batch(list: ArrayLike<ValueOf<F>>, options: BatchOptions & { settle: true }): Pending<Outcome<ResultOf<F>>[]>;
  batch(list: ArrayLike<ValueOf<F>>, options: BatchOptions & { into: Float64Array }): Pending<Float64Array>;
  batch(list: ArrayLike<ValueOf<F>>, options?: BatchOptions): Pending<ResultOf<F>[]>;
}

export type Outcome<R> = PromiseSettledResult<R>;

export interface SchedulerOptions {
  /** The module that exports the tasks, a file URL: every thread imports it. */
  module: string | URL;
  /** Workers, 0 to 30. 0 runs everything on the calling thread. Default 1. */
  threads?: number;
  /** Runs and batches at a time, 32 to 65,536, up to a power of two. Default 4,096. */
  queue?: number;
  /** Bytes on each thread for values and results that are no single numbers. Default 4 MiB. */
  arenaBytes?: number;
  /** When the queue is full: "refuse" with TASKS_FULL, or "wait" for a place. Default "refuse". */
  whenFull?: "refuse" | "wait";
  /** "off": workers without work sleep at once, rather than look out for some 30 us. Default "auto", which finds out whether that pays. */
  spin?: Spin;
  /** Told when a thread ended and is being replaced. */
  onExit?: (thread: number, error: GyreError) => void;
}

export interface SchedulerStats {
  /** Runs and batches that are under way, and that wait for a place. */
  open: number;
  waiting: number;
  /** Items begun by each thread, thread 0 first; modulo 2^32. */
  ran: number[];
  /** Threads that ended and were replaced. */
  replaced: number;
}

export interface Scheduler {
  /** Workers. They are threads 1 .. threads; the one that made the scheduler is thread 0. */
  readonly threads: number;
  /** Rejects with what the task throws, with its code and message; with TASKS_FULL, TASK_CANCELLED, THREAD_EXITED, SCHEDULER_CLOSED. */
  run<F extends Body>(task: Task<F>, ...args: ValueAnd<F, RunOptions>): Promise<ResultOf<F>>;
  run(task: string, value?: unknown, options?: RunOptions): Promise<unknown>;
  /** One for each value; the results in their order. Rejects with the error of the first value that has one, when all have been run. */
  batch<F extends Body>(
    task: Task<F>,
    list: ArrayLike<ValueOf<F>>,
    options: BatchOptions & { settle: true },
  ): Promise<Outcome<ResultOf<F>>[]>;
  batch<F extends Body>(
    task: Task<F>,
    list: ArrayLike<ValueOf<F>>,
    options: BatchOptions & { into: Float64Array },
  ): Promise<Float64Array>;
  batch<F extends Body>(task: Task<F>, list: ArrayLike<ValueOf<F>>, options?: BatchOptions): Promise<ResultOf<F>[]>;
  batch(task: string, list: ArrayLike<unknown>, options?: BatchOptions): Promise<unknown>;
  /**
   * A handle to memory that all threads see: an integer, which goes to a task as a number. What is no SharedArrayBuffer is copied into one.
   * thread: the one that tasks with this handle run on when they ask for it; default the workers in turn. Throws TASKS_FULL.
   */
  share(data: Shareable, thread?: number): number;
  /** The memory. Throws HANDLE_UNKNOWN. */
  shared(handle: number): SharedArrayBuffer;
  /** Gives the handle back. Throws HANDLE_UNKNOWN. */
  release(handle: number): void;
  stats(): SchedulerStats;
  /** Rejects what is under way or waits with SCHEDULER_CLOSED, and ends the threads. */
  close(): Promise<void>;
}
