/**
 * `handoff`: what does it cost to have something done elsewhere? Operations that do next to nothing, as many as a tick has, are called
 * as tasks, handed to other threads, or both in turn. Against piscina, tinypool, and postMessage without a pool around it.
 *
 * | scenario | a tick's n operations |
 * |---|---|
 * | direct | calls of tasks by a task on its own thread; `js` is the same without tasks |
 * | single-switch | all of them called by one job on another thread: one hand-over, and what waking a thread takes |
 * | switching | each handed over by itself, all at once: as a batch, or as runs |
 * | switching-in-turn | each handed over after the result of the last one came back |
 * | mixed | n / 5 chains of task, task, task, task, async task, all on another thread |
 * | mixed-switching | the same chains, in which the last task runs on yet another thread |
 * | empty-jobs | n jobs that do nothing, on two threads |
 * | busy-jobs | n jobs that compute for 50 us each, on two threads: n / 2 x 50 us at best |
 *
 * Pools have no tasks that call tasks: there a chain is a job, and in `mixed-switching` its last link one more.
 */
import { Worker } from "node:worker_threads";
import type { RunOptions, Scheduler } from "gyre";
import type { Job } from "./handoff-worker.js";
import type { Contenders, Operation, Params } from "./operation.js";
import { load } from "./peers.js";

/** Of a busy job. */
const BUSY_US = 50;
/** Operations of a chain. */
const CHAIN = 5;

const JOBS = new URL("./handoff-jobs.js", import.meta.url);
const WORKER = new URL("./handoff-worker.js", import.meta.url);

/** Threads beside the one that asks. */
function threadsOf({ scenario }: Params): number {
  return scenario === "mixed-switching" || scenario?.endsWith("-jobs") ? 2 : 1;
}

/** Somebody who does what is asked; each gives the sum of the results. */
interface Doer {
  /** n operations, all at once. */
  all(list: Float64Array): Promise<number>;
  close(): Promise<void>;
}

/** What changes from turn to turn: the first operation. */
function listFrom(turn: number, n: number, into: Float64Array): Float64Array {
  for (let i = 0; i < n; i++) into[i] = turn * n + i;
  return into;
}

function operationOf({ n }: Params, { all, close }: Doer): Operation {
  const list = new Float64Array(n);
  let sum = 0;
  return {
    prepare: (turn) => void listFrom(turn, n, list),
    async run() {
      sum = await all(list);
    },
    checksum: () => sum >>> 0,
    close,
  };
}

function sumOf(results: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < results.length; i++) sum += results[i]!;
  return sum;
}

// gyre.

/** How its operations are handed over, or in `direct` called. */
type Flavour = "batch" | "runs" | "plain" | "generator" | "async";

/** Of handoff-jobs.ts, by what they are for. */
const CALLS = {
  batch: "callPlain",
  runs: "callPlain",
  plain: "callPlain",
  generator: "callGenerator",
  async: "callAsync",
};
const EACH: Partial<Record<string, string>> = { mixed: "chain", "mixed-switching": "farChain", "busy-jobs": "busy" };

async function gyre(params: Params, spin: "auto" | "off", flavour: Flavour): Promise<Operation> {
  const { createScheduler } = await import("gyre");
  const scheduler = await createScheduler({ module: JOBS, threads: workersOf(params), spin });
  return operationOf(params, { all: asksOf(scheduler, params, flavour), close: () => scheduler.close() });
}

/** In `switching-in-turn` it is a task that asks, where with the others it is the main thread. */
function workersOf(params: Params): number {
  if (params.scenario === "direct") return 0;
  return params.scenario === "switching-in-turn" ? 2 : threadsOf(params);
}

function asksOf(scheduler: Scheduler, { n, scenario = "switching" }: Params, flavour: Flavour): Doer["all"] {
  const allBy = (task: string, options?: RunOptions): Doer["all"] => {
    return async (list) => (await scheduler.run(task, [list[0]!, n], options)) as number;
  };
  if (scenario === "direct") return allBy(CALLS[flavour]);
  if (scenario === "single-switch") return allBy("callPlain");
  if (scenario === "switching-in-turn") return allBy("switchInTurn", { thread: 1 });
  const task = EACH[scenario] ?? "plain";
  const busy = new Float64Array(n).fill(BUSY_US);
  const values = (list: Float64Array): Float64Array => {
    if (scenario === "busy-jobs") return busy;
    return scenario.startsWith("mixed") ? startsOf(list) : list;
  };
  // Its last link is on the other thread.
  const options: RunOptions = scenario === "mixed-switching" ? { thread: 1 } : {};
  if (flavour === "runs") {
    return async (list) => {
      const started: Promise<unknown>[] = [];
      for (const value of values(list)) started.push(scheduler.run(task, value, options));
      return sumOf((await Promise.all(started)) as number[]);
    };
  }
  const into = new Float64Array(n);
  return async (list) => {
    const given = values(list);
    await scheduler.batch(task, given, { ...options, into });
    return sumOf(into.subarray(0, given.length));
  };
}

/** The first operation of each chain. */
function startsOf(list: Float64Array): Float64Array {
  return list.filter((_, i) => i % CHAIN === 0);
}

// The others.

/** Runs one job. */
type Run = (job: Job) => Promise<unknown>;

function poolDoer({ n, scenario }: Params, run: Run, close: () => Promise<void>): Doer {
  const together = async (jobs: Job[]): Promise<number> => sumOf((await Promise.all(jobs.map(run))) as number[]);
  const asks: Record<string, Doer["all"]> = {
    "single-switch": async (list) => (await run({ first: list[0]!, count: n })) as number,
    switching: (list) => together([...list]),
    "empty-jobs": (list) => together([...list]),
    "busy-jobs": () => together(new Array<Job>(n).fill({ us: BUSY_US })),
    mixed: (list) => together(Array.from(startsOf(list), (first) => ({ chain: first }))),
    "mixed-switching": async (list) => {
      const chains = Array.from(startsOf(list), async (first) => {
        const most = (await run({ first, count: CHAIN - 1 })) as number;
        return most + ((await run(first + CHAIN - 1)) as number);
      });
      return sumOf(await Promise.all(chains));
    },
    "switching-in-turn": async (list) => {
      let sum = 0;
      for (const value of list) sum += (await run(value)) as number;
      return sum;
    },
  };
  const all = asks[scenario ?? ""];
  if (all === undefined) throw new Error(`pools have no ${scenario}`);
  return { all, close };
}

interface Pool {
  run(job: Job): Promise<unknown>;
  destroy(): Promise<void>;
}

type PoolClass = new (options: object) => Pool;

/**
 * Both pools take several jobs to a worker at a time, which is what makes many small ones cheaper (64: 10 us instead of 17, 8: 14), and
 * leaves one worker idle when they are large.
 */
function poolOptions(params: Params): object {
  const threads = threadsOf(params);
  return {
    filename: WORKER.href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: params.scenario === "busy-jobs" ? 1 : 64,
  };
}

function pooled(params: Params, pool: Pool): Operation {
  const doer = poolDoer(
    params,
    (job) => pool.run(job),
    () => pool.destroy(),
  );
  return operationOf(params, doer);
}

async function piscina(params: Params): Promise<Operation> {
  const { Piscina } = await load<{ Piscina: PoolClass }>("piscina");
  return pooled(params, new Piscina({ ...poolOptions(params), recordTiming: false }));
}

async function tinypool(params: Params): Promise<Operation> {
  const { Tinypool } = await load<{ Tinypool: PoolClass }>("tinypool");
  return pooled(params, new Tinypool({ ...poolOptions(params), runtime: "worker_threads" }));
}

/** Workers and nothing else: letters go to them in turn, and are told from each other by a number. */
function letters(threads: number): { run: Run; close(): Promise<void> } {
  const waiting = new Map<number, (answer: unknown) => void>();
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(WORKER, { env: { ...process.env, GYRE_BENCH_LETTERS: "1" } });
    worker.on("message", ({ id, answer }: { id: number; answer: unknown }) => {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    });
    return worker;
  });
  let sent = 0;
  const run: Run = (asked) => {
    const id = sent++;
    const answer = new Promise((resolve) => waiting.set(id, resolve));
    workers[id % threads]?.postMessage({ id, asked });
    return answer;
  };
  return {
    run,
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

async function postMessageEach(params: Params): Promise<Operation> {
  const { run, close } = letters(threadsOf(params));
  return operationOf(params, poolDoer(params, run, close));
}

/** One letter for each worker. */
async function postMessageBatch(params: Params): Promise<Operation> {
  const threads = threadsOf(params);
  const { run, close } = letters(threads);
  const all = async (list: Float64Array): Promise<number> => {
    const share = Math.ceil(list.length / threads);
    const parts = Array.from({ length: threads }, (_, i) => run({ list: list.slice(i * share, (i + 1) * share) }));
    return ((await Promise.all(parts)) as Float64Array[]).reduce((sum, part) => sum + sumOf(part), 0);
  };
  return operationOf(params, { all, close });
}

/** Calls without tasks, each by itself as in the other contenders. */
async function js(params: Params): Promise<Operation> {
  const { operation } = (await import(WORKER.href)) as typeof import("./handoff-worker.js");
  const all = async (list: Float64Array): Promise<number> => {
    let sum = 0;
    for (let i = 0; i < params.n; i++) sum += operation(list[0]! + i);
    return sum;
  };
  return operationOf(params, { all, close: async () => {} });
}

export const handoffContenders: Contenders = {
  gyre: (params) => gyre(params, "auto", params.scenario === "direct" ? "plain" : "batch"),
  "gyre-no-spin": (params) => gyre(params, "off", "batch"),
  "gyre-runs": (params) => gyre(params, "auto", "runs"),
  "gyre-generator": (params) => gyre(params, "auto", "generator"),
  "gyre-async": (params) => gyre(params, "auto", "async"),
  js,
  piscina,
  tinypool,
  postMessage: postMessageEach,
  "postMessage-batch": postMessageBatch,
};

/** By scenario, who can do it. */
export const HANDOFF_VARIANTS = {
  direct: ["gyre", "gyre-generator", "gyre-async", "js"],
  "single-switch": ["gyre", "gyre-no-spin", "piscina", "tinypool", "postMessage"],
  switching: ["gyre", "gyre-no-spin", "gyre-runs", "piscina", "tinypool", "postMessage", "postMessage-batch"],
  "switching-in-turn": ["gyre", "gyre-no-spin", "piscina", "tinypool", "postMessage"],
  mixed: ["gyre", "gyre-no-spin", "gyre-runs", "piscina", "tinypool", "postMessage"],
  "mixed-switching": ["gyre", "gyre-no-spin", "piscina", "tinypool", "postMessage"],
  "empty-jobs": ["gyre", "gyre-no-spin", "gyre-runs", "piscina", "tinypool", "postMessage", "postMessage-batch"],
  "busy-jobs": ["gyre", "gyre-no-spin", "gyre-runs", "piscina", "tinypool", "postMessage"],
} as const;

export type Scenario = keyof typeof HANDOFF_VARIANTS;
