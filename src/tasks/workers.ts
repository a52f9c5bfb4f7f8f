/** The threads of a scheduler: started, told when to begin, and replaced when they end before they should. */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { GyreError } from "../errors.js";
import type { Spin } from "../sync/waiter.js";
import type { FromWorker, ToWorker, WorkerData } from "./protocol.js";
import type { Runner } from "./runner.js";

/** Tries to put another thread into the place of one that ended, after which the scheduler is closed. */
const TRIES_MAX = 3;

const ENTRY = new URL("./task-thread.js", import.meta.url);

/** Whether this thread is one of a scheduler of that module. Another scheduler of it here would have threads that make one, and so on for ever. */
export function isWorkerOf(module: string): boolean {
  const { channel, module: its } = (isMainThread ? {} : (workerData ?? {})) as Partial<WorkerData>;
  return channel !== undefined && its === module;
}

export interface WorkersOptions {
  readonly runner: Runner;
  /** A URL. */
  readonly module: string;
  readonly names: readonly string[];
  readonly channel: string;
  readonly spin: Spin;
  /** A thread ended: puts in order what it left, before another one takes its place. */
  readonly onExit: (thread: number, error: GyreError) => void;
  /** No other one could be started. */
  readonly onGiveUp: (error: GyreError) => void;
}

export class Workers {
  /** Threads that took the place of another one. */
  replaced = 0;
  readonly #options: WorkersOptions;
  readonly #workers: (Worker | undefined)[] = [];
  #closed = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Starts all. Rejects with THREAD_EXITED when one ends before it is ready. */
  async start(): Promise<void> {
    const { threads } = this.#options.runner.board;
    await Promise.all(Array.from({ length: threads - 1 }, (_, index) => this.#start(index + 1)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#workers.map((worker) => worker?.terminate()));
  }

  /** Resolves when the worker is ready; rejects when it ends before. Replaces one that ends after. */
  #start(thread: number): Promise<void> {
    const { runner, module, names, channel, spin, onExit } = this.#options;
    const { spec, buffer } = runner.board;
    const data: WorkerData = { spec, buffer, thread, module, names, channel, spin };
    const worker = new Worker(ENTRY, { workerData: data, name: `gyre tasks ${thread}`, ...flagsFor(process.execArgv) });
    this.#workers[thread] = worker;
    let ready = false;
    let cause: unknown;
    return new Promise((resolve, reject) => {
      worker.on("message", (_: FromWorker) => {
        ready = true;
        worker.postMessage({ handles: runner.handles.entries() } satisfies ToWorker);
        // It works from here on, but a process with nothing to do may end.
        worker.unref();
        resolve();
      });
      worker.on("error", (error: unknown) => {
        cause = error;
      });
      worker.on("exit", (code) => {
        const error = exited(thread, cause ?? `exit status ${code}`);
        if (!ready || this.#closed) return reject(error);
        onExit(thread, error);
        void this.#replace(thread, 1);
      });
    });
  }

  async #replace(thread: number, attempt: number): Promise<void> {
    try {
      await this.#start(thread);
      this.replaced++;
    } catch (error) {
      if (this.#closed) return;
      if (attempt < TRIES_MAX) return this.#replace(thread, attempt + 1);
      this.#options.onGiveUp(error as GyreError);
    }
  }
}

/** Workers have the flags of the process, but for one that a file refuses and that a program on the command line may have brought. */
function flagsFor(execArgv: readonly string[]): { execArgv?: string[] } {
  const kept = execArgv.filter((flag) => !flag.startsWith("--input-type"));
  return kept.length === execArgv.length ? {} : { execArgv: kept };
}

function exited(thread: number, cause: unknown): GyreError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GyreError("THREAD_EXITED", `thread ${thread} ended: ${reason}`);
}
