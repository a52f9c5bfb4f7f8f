/**
 * A scheduler: threads for work that is no tick of a zone, such as paths in bulk, flow fields, saving, looking ahead.
 *
 *     const scheduler = await createScheduler({ threads: 2, module: new URL("./jobs.js", import.meta.url) });
 *     await scheduler.run(plan, 7);                  // one
 *     await scheduler.batch(cost, [1, 2, 3]);        // one for each, results in order
 *
 * Its thread, which is thread 0, never blocks: it waits for its bell by Atomics.waitAsync, and reads all that is done when it rings. With
 * threads 0 everything runs here, at once.
 */
import { randomUUID } from "node:crypto";
import { setImmediate as immediate } from "node:timers/promises";
import { GyreError } from "../errors.js";
import { checkWhole } from "../sync/memory.js";
import { type Spin, waitAsync } from "../sync/waiter.js";
import { BELL, Board, RAN, THREADS_MAX } from "./board.js";
import type { Shareable } from "./handles.js";
import { isFull, Line } from "./line.js";
import { importTasks } from "./module.js";
import { ANY } from "./orders.js";
import type { Pending } from "./pending.js";
import { Reaper } from "./reaper.js";
import { Runner } from "./runner.js";
import { isTask } from "./task.js";
import type { BatchOptions, RunOptions, Scheduler, SchedulerOptions, SchedulerStats, Task } from "./types.js";
import { isWorkerOf, Workers } from "./workers.js";

/** Runs and batches at a time: a tick's 1,980 requests twice. */
const QUEUE_DEFAULT = 4096;
const QUEUE_MIN = 32;
const QUEUE_MAX = 65_536;
/** Bytes for values of each thread: a batch of 400,000 numbers. */
const ARENA_DEFAULT = 4 * 2 ** 20;
const ARENA_MIN = 4096;
const ARENA_MAX = 2 ** 28;
/** Runs and batches that wait for a place in the queue, under whenFull "wait": times the queue. */
const LINE_FACTOR = 4;
/** Milliseconds after which this thread looks around though nobody rang: while something is under way, and while nothing is. */
const LOOK_MS = 20;
const IDLE_MS = 500;
/** The same while results wait for room. */
const RETRY_MS = 1;
/** Turns after which the event loop goes on, when tasks run on this thread. */
const TURNS_MAX = 64;

/** Rejects with BAD_ARGUMENT for bad options or a module without tasks, with THREAD_EXITED when a thread cannot start. */
export async function createScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const {
    threads = 1,
    queue = QUEUE_DEFAULT,
    arenaBytes = ARENA_DEFAULT,
    whenFull = "refuse",
    spin = "auto",
  } = options;
  checkWhole("threads", threads, 0, THREADS_MAX - 1);
  checkWhole("queue", queue, QUEUE_MIN, QUEUE_MAX);
  checkWhole("arenaBytes", arenaBytes, ARENA_MIN, ARENA_MAX);
  if (whenFull !== "refuse" && whenFull !== "wait")
    throw new GyreError("BAD_ARGUMENT", `whenFull: ${String(whenFull)}`);
  if (spin !== "auto" && spin !== "off") throw new GyreError("BAD_ARGUMENT", `spin: ${String(spin)}`);
  const module = String(options.module);
  if (isWorkerOf(module)) {
    throw new GyreError(
      "BAD_ARGUMENT",
      `${module} makes its own scheduler, in each thread anew: tasks have a module of their own`,
    );
  }
  const tasks = await importTasks(module);
  const board = new Board({
    threads: threads + 1,
    queue: 2 ** Math.ceil(Math.log2(queue)),
    arenaBytes: Math.ceil(arenaBytes / 64) * 64,
  });
  const scheduler = new Home(board, tasks, { module, whenFull, spin, onExit: options.onExit });
  await scheduler.start();
  return scheduler as unknown as Scheduler;
}

interface HomeOptions {
  readonly module: string;
  readonly whenFull: "refuse" | "wait";
  readonly spin: Spin;
  readonly onExit: ((thread: number, error: GyreError) => void) | undefined;
}

/** Thread 0 of a scheduler, and what its user holds. */
class Home {
  readonly threads: number;
  readonly #board: Board;
  readonly #tasks: ReadonlyMap<string, Task>;
  readonly #runner: Runner;
  readonly #reaper: Reaper;
  readonly #workers: Workers;
  readonly #whenFull: "refuse" | "wait";
  readonly #line: Line;
  /** Keeps the process alive while something is under way, which a wait for the bell does not. */
  readonly #alive = setInterval(() => {}, 2 ** 30);
  #isAlive = false;
  #closed: GyreError | undefined;

  constructor(board: Board, tasks: ReadonlyMap<string, Task>, { module, whenFull, spin, onExit }: HomeOptions) {
    const channel = `gyre tasks ${randomUUID()}`;
    this.#alive.unref();
    this.threads = board.threads - 1;
    this.#board = board;
    this.#tasks = tasks;
    this.#whenFull = whenFull;
    this.#line = new Line(LINE_FACTOR * board.spec.queue);
    this.#runner = new Runner(board, 0, [...tasks.values()], channel);
    this.#reaper = new Reaper(this.#runner);
    this.#workers = new Workers({
      runner: this.#runner,
      module,
      names: [...tasks.keys()],
      channel,
      spin,
      onExit: (thread, error) => {
        this.#reaper.bury(thread);
        onExit?.(thread, error);
      },
      onGiveUp: (error) => void this.#end(error),
    });
  }

  async start(): Promise<void> {
    try {
      await this.#workers.start();
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.threads > 0) void this.#listen();
  }

  run(job: Task | string, value?: unknown, options: RunOptions = {}): Promise<unknown> {
    const fallback = this.threads === 0 ? 0 : ANY;
    return this.#begin(options, () => this.#runner.run(this.#taskOf(job), value, options, fallback));
  }

  batch(job: Task | string, list: ArrayLike<unknown>, options: BatchOptions = {}): Promise<unknown> {
    return this.#begin(options, () => this.#runner.batch(this.#taskOf(job), list, options));
  }

  share(data: Shareable, thread?: number): number {
    this.#checkOpen();
    if (thread !== undefined) checkWhole("thread", thread, 0, this.threads);
    return this.#runner.share(data, thread);
  }

  shared(handle: number): SharedArrayBuffer {
    this.#checkOpen();
    return this.#runner.shared(handle);
  }

  release(handle: number): void {
    this.#checkOpen();
    this.#runner.release(handle);
  }

  stats(): SchedulerStats {
    const ran = Array.from({ length: this.#board.threads }, (_, thread) => {
      return Atomics.load(this.#board.words, this.#board.thread(thread) + RAN) >>> 0;
    });
    const { open } = this.#runner;
    return { open, waiting: this.#line.length, ran, replaced: this.#workers.replaced };
  }

  async close(): Promise<void> {
    await this.#end(new GyreError("SCHEDULER_CLOSED", "the scheduler was closed"));
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  async #end(reason: GyreError): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = new GyreError("SCHEDULER_CLOSED", reason.message);
      this.#line.close(this.#closed);
      this.#runner.close(this.#closed);
      this.#runner.bells.of(0).ring();
      clearInterval(this.#alive);
    }
    await this.#workers.close();
  }

  #taskOf(job: Task | string): Task {
    const name = typeof job === "string" ? job : job?.taskName;
    if (name === undefined && isTask(job)) return job;
    // By name, since a bundler may have made two copies of a module: the one that its user imported, and the one that is imported here.
    const task = name === undefined ? undefined : this.#tasks.get(name);
    if (task === undefined) throw new GyreError("TASK_UNKNOWN", `the scheduler's module exports no task ${name}`);
    return task;
  }

  #begin({ whenFull = this.#whenFull, signal }: RunOptions, begin: () => Pending): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const mayWait = whenFull === "wait" && signal?.aborted !== true;
    this.#stayAlive();
    if (mayWait && this.#line.length > 0) return this.#line.wait(begin, signal);
    try {
      return begin().promise();
    } catch (error) {
      return mayWait && isFull(error) ? this.#line.wait(begin, signal) : Promise.reject(error);
    } finally {
      this.#restIfIdle();
    }
  }

  #stayAlive(): void {
    if (this.#isAlive) return;
    this.#isAlive = true;
    this.#alive.ref();
  }

  #restIfIdle(): void {
    if (!this.#isAlive || this.#runner.orders.open > 0 || this.#line.length > 0) return;
    this.#isAlive = false;
    this.#alive.unref();
  }

  /** What goes on beside its user's code, until it is closed. */
  async #listen(): Promise<void> {
    const { bells } = this.#runner;
    const bell = this.#board.thread(0) + BELL;
    while (this.#closed === undefined) {
      const seen = bells.of(0).value;
      // Where something came there is often more to come: once around the event loop takes less than being woken again.
      if (this.#work()) {
        await immediate();
        continue;
      }
      bells.liesDown(0);
      if (!this.#work()) await waitAsync(this.#board.words, bell, seen, this.#patienceMs(), globalThis);
      bells.getsUp(0);
    }
  }

  /** Whether there was something to do. */
  #work(): boolean {
    let turns = 0;
    while (turns < TURNS_MAX && this.#runner.turn()) turns++;
    if (this.#reaper.isWaiting) this.#reaper.restore();
    if (this.#line.length > 0) this.#line.admit();
    this.#restIfIdle();
    return turns > 0;
  }

  #patienceMs(): number {
    if (this.#runner.answers.areWaiting) return RETRY_MS;
    return this.#isAlive ? LOOK_MS : IDLE_MS;
  }
}
