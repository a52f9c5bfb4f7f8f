// Does the simulation wait for the main thread? Serves 20,000 entities from this process and holds its main thread for 200 ms, again and
// again. Ticks on a sim thread take no notice; without one they are late, which shows that this script does what it says. Usage, after a
// build:
//
//     node .ci/blocked.mjs [--threads=1] [--npcs=20000] [--seconds=30] [--check]

import { createServer } from "../build/js/index.js";
import { conclude, numbers, sleep } from "./served.mjs";

const BLOCK_MS = 200;
/** Milliseconds in which the main thread does what has piled up. */
const BREATH_MS = 50;
/** Seconds of the run that must be late. */
const CONTROL_SECONDS = 3;
const WARM_UP_TICKS = 300;

const { threads, npcs, seconds, check } = numbers({ threads: 1, npcs: 20_000, seconds: 30, check: 0 });

function block(ms) {
  const endMs = performance.now() + ms;
  let rounds = 0;
  while (performance.now() < endMs) rounds++;
  return rounds;
}

async function run(threads, seconds) {
  const server = await createServer({ port: 0, npcs, threads });
  try {
    while (server.stats().tick < WARM_UP_TICKS) await sleep(50);
    const before = server.stats();
    const startMs = performance.now();
    let blocks = 0;
    for (; performance.now() - startMs < 1000 * seconds; blocks++) {
      block(BLOCK_MS);
      await sleep(BREATH_MS);
    }
    const after = server.stats();
    const [ticks, late] = [after.tick - before.tick, after.lateTicks - before.lateTicks];
    console.log(
      `--threads ${threads}: blocked ${blocks} times for ${BLOCK_MS} ms; ${ticks} ticks, late ${late}, p99 ${after.tickP99Ms} ms`,
    );
    return late;
  } finally {
    await server.close();
  }
}

const control = await run(0, CONTROL_SECONDS);
const late = await run(threads, seconds);
conclude(
  [
    ["late ticks with the main thread blocked", late, 0],
    ["runs on the main thread without a late tick", control > 0 ? 0 : 1, 0],
  ],
  check,
);
