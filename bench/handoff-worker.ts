/** What everybody's threads run in `handoff`, and the worker of the pools and of postMessage alone. */
import { parentPort } from "node:worker_threads";

/** An operation: nothing to speak of, and not nothing. */
export function operation(n: number): number {
  return (Math.imul(n, 0x9e3779b1) >>> 20) + 1;
}

/** Computes for so many microseconds. */
export function burn(us: number): number {
  const end = performance.now() + us / 1000;
  while (performance.now() < end);
  return us;
}

/** What a job asks for: one operation, several, a chain of five of which the last is async, or to burn. */
export type Job =
  | number
  | { first: number; count: number }
  | { chain: number }
  | { us: number }
  | { list: Float64Array };

export async function chainOf(n: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += operation(n + i);
  return sum + (await asynchronous(n + 4));
}

async function asynchronous(n: number): Promise<number> {
  return operation(n);
}

/** A pool's job. */
export default function job(asked: Job): unknown {
  if (typeof asked === "number") return operation(asked);
  if ("us" in asked) return burn(asked.us);
  if ("chain" in asked) return chainOf(asked.chain);
  if ("list" in asked) return asked.list.map(operation);
  let sum = 0;
  for (let i = 0; i < asked.count; i++) sum += operation(asked.first + i);
  return sum;
}

/** What postMessage alone brings, each with a number to answer to. */
interface Letter {
  readonly id: number;
  readonly asked: Job;
}

// Not within a pool, which has a protocol of its own; nor within the scheduler, which imports this for its functions.
if (process.env["GYRE_BENCH_LETTERS"] === "1") {
  parentPort?.on("message", ({ id, asked }: Letter) => {
    const answer = job(asked);
    if (!(answer instanceof Promise)) parentPort?.postMessage({ id, answer });
    else void answer.then((value) => parentPort?.postMessage({ id, answer: value as unknown }));
  });
}
