/** The tasks of `handoff`: next to nothing each, so that what is measured is calling them. Imported by every thread of the scheduler. */
import { task } from "gyre";
import { burn, operation } from "./handoff-worker.js";

export const plain = task(operation);
// biome-ignore lint/correctness/useYield: what it costs to call one that never waits
const generator = task(function* (n: number): Generator<never, number> {
  return operation(n);
});
const asynchronous = task(async (n: number) => operation(n));

export const busy = task(burn);

/** So many calls on the thread that this runs on. */
export const callPlain = task(([first, count]: [number, number]) => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += plain(first + i);
  return sum;
});
export const callGenerator = task(function* ([first, count]: [number, number]) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += yield* generator(first + i);
  return sum;
});
export const callAsync = task(async ([first, count]: [number, number]) => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await asynchronous(first + i);
  return sum;
});

/** So many, each on the other worker, one after the other. */
export const switchInTurn = task(function* ([first, count]: [number, number]) {
  const thread = 3 - task.thread();
  let sum = 0;
  for (let i = 0; i < count; i++) sum += yield* plain.run(first + i, { thread });
  return sum;
});

// A chain of five operations: task, task, task, task, async task. The last one is an async function here, or a task on the other worker.
const chain4 = task(function* (n: number) {
  return operation(n) + (yield* asynchronous.run(n + 1));
});
const chain3 = task(function* (n: number) {
  return operation(n) + (yield* chain4(n + 1));
});
const chain2 = task(function* (n: number) {
  return operation(n) + (yield* chain3(n + 1));
});
export const chain = task(function* (n: number) {
  return operation(n) + (yield* chain2(n + 1));
});
const far4 = task(function* (n: number) {
  return operation(n) + (yield* plain.run(n + 1, { thread: 3 - task.thread() }));
});
const far3 = task(function* (n: number) {
  return operation(n) + (yield* far4(n + 1));
});
const far2 = task(function* (n: number) {
  return operation(n) + (yield* far3(n + 1));
});
export const farChain = task(function* (n: number) {
  return operation(n) + (yield* far2(n + 1));
});
