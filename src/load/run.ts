/**
 * A load from its first connection to its report: threads of clients, looked at from here. All come in at their rate; once everybody is in, or
 * never will be, it measures for the time that was asked for, then ends by itself. Told to stop, it reports what there is.
 */
import { Worker } from "node:worker_threads";
import { GyreError } from "../errors.js";
import { type CrowdResult, PATIENCE_MS } from "./crowd.js";
import type { FromThread, ThreadData, ToThread } from "./protocol.js";
import { type Asked, type Report, reportOf } from "./report.js";
import { figuresOf, readMetrics, readTickP99Ms } from "./server-figures.js";
import { type Count, TALLY_BYTES, Tally } from "./tally.js";

/** Milliseconds between two looks at the threads. */
const LOOK_MS = 50;
const PROGRESS_MS = 1000;
/** Milliseconds for a thread to tell its result once it was told to end. */
const END_MS_MAX = 10_000;
const ENTRY = new URL("./load-thread.js", import.meta.url);

export interface LoadOptions extends Asked {
  /** Zone, room or template to join; the server's first without. */
  readonly zone: string | undefined;
  readonly now: () => number;
  /** Resolves when it shall end early. */
  readonly stopped: Promise<void>;
  /** Called each second. */
  readonly onProgress: (progress: Progress) => void;
}

/** Of the last second. */
export interface Progress {
  readonly seconds: number;
  readonly joined: number;
  readonly lost: number;
  /** All clients'. */
  readonly snapshotsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly gapP95Ms: number;
  readonly ackP95Ms: number;
  readonly errors: number;
}

/** Rejects with THREAD_EXITED. */
export async function runLoad(options: LoadOptions): Promise<Report> {
  const { now, url, durationS } = options;
  const tallies: Tally[] = [];
  const atFirst = await readMetrics(url, now);
  const beganMs = now();
  const threads = Array.from({ length: options.threads }, (_, thread) => {
    const memory = new SharedArrayBuffer(TALLY_BYTES);
    tallies.push(new Tally(memory));
    return new LoadThread(dataOf(options, thread, memory));
  });
  const total = (): Tally => Tally.sum(tallies);
  const all = (count: Count): number => tallies.reduce((sum, tally) => sum + tally.get(count), 0);
  let hasStopped = false;
  void options.stopped.then(() => {
    hasStopped = true;
  });
  let shown = total();
  let shownMs = beganMs;
  const watch = async (isDone: () => boolean): Promise<void> => {
    while (!hasStopped && !isDone()) {
      await Promise.race([new Promise((resolve) => setTimeout(resolve, LOOK_MS)), ...threads.map((one) => one.failed)]);
      const nowMs = now();
      if (nowMs - shownMs < PROGRESS_MS) continue;
      const latest = total();
      options.onProgress(progressOf(latest, shown, nowMs - shownMs, nowMs - beganMs));
      [shown, shownMs] = [latest, nowMs];
    }
  };
  try {
    const rampMs = (1000 * (options.clients + options.stall)) / options.joinRate + 2 * PATIENCE_MS;
    let joined = -1;
    let joinedMs = beganMs;
    await watch(() => {
      if (all("joined") > joined) [joined, joinedMs] = [all("joined"), now()];
      return all("joined") + all("unjoined") >= options.clients || now() - beganMs > rampMs;
    });
    // Not waited for: of a busy server with many zones it takes seconds.
    const reading = readMetrics(url, now);
    const cpu = process.cpuUsage();
    const before = total();
    const measuredMs = now();
    for (const thread of threads) thread.tell("measure");
    await watch(() => now() - measuredMs >= 1000 * durationS);
    const seconds = (now() - measuredMs) / 1000;
    for (const thread of threads) thread.tell("measured");
    const [whole, measured] = [total(), Tally.sum(tallies, before)];
    const { user, system } = process.cpuUsage(cpu);
    const atStart = await reading;
    const [atEnd, tickP99Ms] = [await readMetrics(url, now), await readTickP99Ms(url)];
    const results = await Promise.all(threads.map((thread) => thread.end()));
    const late = "gyre_late_ticks_total";
    return reportOf(options, {
      whole,
      measured,
      results,
      seconds,
      joinS: (joinedMs - beganMs) / 1000,
      cpuSeconds: (user + system) / 1e6,
      server: atStart === null || atEnd === null ? null : figuresOf(atStart, atEnd, tickP99Ms),
      lateTicksBefore: (atStart?.values.get(late) ?? 0) - (atFirst?.values.get(late) ?? 0),
    });
  } finally {
    for (const thread of threads) thread.terminate();
  }
}

/** A thread's share: the first ones have one more where it does not divide. */
function dataOf(options: LoadOptions, thread: number, tally: SharedArrayBuffer): ThreadData {
  const { threads, url, zone, seed } = options;
  const share = (n: number): number => Math.floor(n / threads) + (thread < n % threads ? 1 : 0);
  const clients = share(options.clients);
  const spec = {
    clients,
    sample: Math.min(clients, share(options.sample)),
    stall: share(options.stall),
    // Far enough from the next one's, with all who come and go.
    firstIndex: thread * 100_000_000,
    joinRate: options.joinRate / threads,
    inputRate: options.inputRate,
    churn: options.churn / threads,
  };
  return { spec, url, zone, seed, tally };
}

function progressOf(latest: Tally, before: Tally, ms: number, sinceMs: number): Progress {
  const second = Tally.sum([latest], before);
  return {
    seconds: sinceMs / 1000,
    joined: latest.get("joined"),
    lost: latest.get("lost"),
    snapshotsPerSecond: (1000 * second.get("snapshots")) / ms,
    bytesPerSecond: (1000 * second.get("bytes")) / ms,
    gapP95Ms: second.times.gap.quantile(0.95),
    ackP95Ms: second.times.ack.quantile(0.95),
    errors: latest.get("errors"),
  };
}

class LoadThread {
  /** Rejects when it ends without a result; else never settles. */
  readonly failed: Promise<never>;
  readonly #worker: Worker;
  readonly #result: Promise<CrowdResult>;

  constructor(data: ThreadData) {
    const worker = new Worker(ENTRY, { workerData: data, name: "gyre load" });
    this.#worker = worker;
    this.#result = new Promise((resolve) => {
      worker.once("message", ({ result }: FromThread) => resolve(result));
    });
    this.failed = new Promise((_, reject) => {
      worker.once("error", (error) => reject(error));
      worker.once("exit", (code) => reject(new GyreError("THREAD_EXITED", `a thread of clients ended with ${code}`)));
    });
    // Nobody may be waiting just then.
    this.failed.catch(() => {});
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  async end(): Promise<CrowdResult> {
    this.tell("end");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new GyreError("THREAD_EXITED", "a thread of clients does not end");
      timer = setTimeout(() => reject(error), END_MS_MAX);
    });
    try {
      return await Promise.race([this.#result, this.failed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  terminate(): void {
    void this.#worker.terminate();
  }
}
