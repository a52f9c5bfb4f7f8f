// Does the simulation wait for the main thread? Serves 20,000 entities from this process and holds its main thread for 200 ms, again and
// again. Ticks on a sim thread take no notice; without one they are late, which shows that this script does what it says. Usage, after a
// build:
//
//     node .ci/blocked.mjs [--threads=1] [--npcs=20000] [--seconds=30] [--check]

import { loadavg } from "node:os";
import { createServer } from "../build/js/index.js";
import { conclude, numbers, sleep } from "./served.mjs";

const BLOCK_MS = 200;
/** Milliseconds in which the main thread does what has piled up. */
const BREATH_MS = 50;
/** Seconds of the run that must be late. */
const CONTROL_SECONDS = 3;
const ALONE_SECONDS = 10;
const WARM_UP_TICKS = 300;

const { threads, npcs, seconds, check } = numbers({ threads: 1, npcs: 20_000, seconds: 30, check: 0 });

function block(ms) {
  const endMs = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < endMs) rounds++;
  return rounds;
}

/** Late ticks of so many seconds, and their share, with the main thread blocked again and again or left alone. */
async function measure(server, name, seconds, blocks) {
  const before = server.stats();
  const startMs = performance.now();
  while (performance.now() - startMs < 1000 * seconds) {
    if (blocks) block(BLOCK_MS);
    await sleep(BREATH_MS);
  }
  const after = server.stats();
  const [ticks, late] = [after.tick - before.tick, after.lateTicks - before.lateTicks];
  const load = loadavg()[0].toFixed(1);
  console.log(`${name}: ${ticks} ticks, late ${late}, p99 ${after.tickP99Ms} ms; load ${load}`);
  return { late, share: late / ticks };
}

async function run(threads, seconds) {
  const server = await createServer({ port: 0, npcs, threads });
  try {
    while (server.stats().tick < WARM_UP_TICKS) await sleep(50);
    // What is late without it is the machine's doing.
    await measure(server, `--threads ${threads}, not blocked`, Math.min(seconds, ALONE_SECONDS), false);
    return await measure(server, `--threads ${threads}, blocked for ${BLOCK_MS} ms at a time`, seconds, true);
  } finally {
    await server.close();
  }
}

const control = await run(0, CONTROL_SECONDS);
const { late, share } = await run(threads, seconds);
conclude(
  [
    ["runs on the main thread without a late tick", Number(control.late === 0), 0],
    ["share of late ticks with the main thread blocked to without a sim thread", share / control.share, 0.5],
  ],
  [["late ticks with the main thread blocked", late, 0]],
  check,
);
