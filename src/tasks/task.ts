/**
 * `task(f)` makes a function one that can be run on any thread of a scheduler, and that calls others like it.
 *
 *     export const cost = task((tile: number) => tile * 2);
 *     export const plan = task(function* (tile: number) {
 *       const here = cost(tile);                                  // a plain call, some nanoseconds
 *       const there = yield* cost.run(tile, { thread: 2 });       // on another thread; this one does something else meanwhile
 *       const all = yield* cost.batch([1, 2, 3]);                 // on all threads
 *       return here + there + (yield* other(tile)) + all[0];      // another generator, as generators are called
 *     });
 *
 * A task can call what runs here as a function and lose 2 ns, because the scheduler is the calling task's: see scope.ts.
 */
import { GyreError } from "../errors.js";
import type { Shareable } from "./handles.js";
import type { Pending } from "./pending.js";
import { enterAsync, scopeFor } from "./scope.js";
import type { Body, Task, TaskKind } from "./types.js";

/** What the engine calls a function. One that was compiled to something older than es2017 is plain, and loses its scheduler at its first await. */
const KINDS: Readonly<Record<string, TaskKind>> = {
  "[object Function]": "plain",
  "[object AsyncFunction]": "async",
  "[object GeneratorFunction]": "generator",
};

function make<F extends Body>(first: string | F, second?: F): Task<F> {
  const [name, body] = typeof first === "string" ? [first, second] : [undefined, first];
  const kind = KINDS[Object.prototype.toString.call(body)];
  if (body === undefined || kind === undefined || name === "") {
    throw new GyreError("BAD_ARGUMENT", "task(name?, f): f is a function, an async function or a generator function");
  }
  const label = name ?? body.name;
  const what = label === "" ? "a task" : `the task ${label}`;
  const call =
    kind === "async"
      ? (value: never) => enterAsync(scopeFor(what), body, value)
      : (value: never) => {
          scopeFor(what);
          return body(value);
        };
  const made: Task = Object.assign(call as Body, {
    taskName: name,
    kind,
    body: body as Body,
    run: (value?: never, options?: object) => scopeFor(what).host.run(made, value, options),
    batch: (list: ArrayLike<never>, options?: object) => scopeFor(what).host.batch(made, list, options),
  }) as unknown as Task;
  tasks.add(made);
  return made as unknown as Task<F>;
}

/** Those of this copy of the package, to be told from other exports of a module. */
const tasks = new WeakSet<object>();

export function isTask(value: unknown): value is Task {
  return typeof value === "function" && tasks.has(value);
}

interface MakeTask {
  /** f: of at most one value, which is plain data wherever it goes to another thread. */
  <F extends Body>(f: F): Task<F>;
  /** name: what the task is called across threads, in place of its export's name. */
  <F extends Body>(name: string, f: F): Task<F>;
  /** The number of the thread that this is, within the scheduler. All of these throw TASK_OUTSIDE outside of one. */
  thread(): number;
  /** Whether what this task is part of was cancelled: for loops that take long. */
  cancelled(): boolean;
  /** Waits for any promise in a generator, by `yield*`. */
  wait<R>(promise: PromiseLike<R>): Pending<R>;
  /** As `scheduler.share`, `scheduler.shared` and `scheduler.release`. */
  share(data: Shareable): number;
  shared(handle: number): SharedArrayBuffer;
  release(handle: number): void;
}

export const task: MakeTask = Object.assign(make, {
  thread: () => scopeFor("task.thread").host.thread,
  cancelled: () => scopeFor("task.cancelled").isCancelled,
  wait: <R>(promise: PromiseLike<R>) => scopeFor("task.wait").host.wait(promise),
  share: (data: Shareable) => scopeFor("task.share").host.share(data),
  shared: (handle: number) => scopeFor("task.shared").host.shared(handle),
  release: (handle: number) => scopeFor("task.release").host.release(handle),
});
