/** Starts the threads of sync.thread.ts, which is bundled beside the tests. */
import { Worker } from "node:worker_threads";
import type { ThreadData } from "../sync.thread.js";

export const SYNC_THREAD = new URL("./sync.thread.js", import.meta.url);

export function startThread(role: ThreadData["role"], buffer: SharedArrayBuffer, count: number, me = 0): Worker {
  const workerData: ThreadData = { role, buffer, count, me };
  return new Worker(SYNC_THREAD, { workerData });
}

/** Resolves with the thread's answer when it has ended. */
export function onThread(role: ThreadData["role"], buffer: SharedArrayBuffer, count: number, me = 0): Promise<number> {
  const worker = startThread(role, buffer, count, me);
  return new Promise((resolve, reject) => {
    let answer = 0;
    worker.on("message", (said: number) => {
      answer = said;
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve(answer));
  });
}
