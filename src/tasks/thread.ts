/**
 * The thread of a worker of a scheduler: imports the module with the tasks, says that it is there, and works from then on. While no
 * task here waits for a promise it blocks when there is nothing to do; else it sleeps in its event loop.
 */
import { setImmediate as immediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { Waiter, waitAsync } from "../sync/waiter.js";
import { BELL, Board } from "./board.js";
import { tasksOf } from "./module.js";
import type { FromWorker, ToWorker, WorkerData } from "./protocol.js";
import { Runner } from "./runner.js";

/** Milliseconds of a sleep after which a thread looks around though nobody rang. */
const LOOK_MS = 100;
/** The same while results wait for room, which nobody rings for. */
const RETRY_MS = 1;

async function serve(runner: Runner, waiter: Waiter): Promise<never> {
  const { board, bells, thread } = runner;
  const bell = board.thread(thread) + BELL;
  const now = (): number => performance.now();
  for (;;) {
    const seen = bells.of(thread).value;
    if (runner.turn()) {
      if (runner.driver.awaits > 0) await immediate();
      continue;
    }
    bells.liesDown(thread);
    runner.handles.receive();
    if (!runner.turn()) {
      const ms = runner.answers.areWaiting ? RETRY_MS : LOOK_MS;
      if (runner.driver.awaits === 0) waiter.wait(board.words, bell, seen, now() + ms);
      else await waitAsync(board.words, bell, seen, ms, globalThis);
    }
    bells.getsUp(thread);
  }
}

const port = parentPort;
if (port === null) throw new Error("this file is the entry of a scheduler's workers");
const { spec, buffer, thread, module, names, channel, spin } = workerData as WorkerData;
const tasks = await tasksOf(module, names);
const runner = new Runner(new Board(spec, buffer), thread, tasks, channel);
const waiter = new Waiter({ now: () => performance.now(), spin });
port.on("message", ({ handles }: ToWorker) => {
  runner.handles.adopt(handles);
  void serve(runner, waiter);
});
port.postMessage({ kind: "ready" } satisfies FromWorker);
