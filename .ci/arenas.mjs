// Do scripts of many zones use several cores? Serves 13 arenas with 8 bots each and 5 ms of script work in every arena and tick, on one
// sim thread and on two in turn, and compares how long the ticks of all take. The ideal is 13 / 7: one thread has 7 of the arenas. What
// counts is the median tick of the best round: whatever else runs on the machine takes cores away from two threads before it does from one.
// Usage, after a build:
//
//     node .ci/arenas.mjs [--arenas=13] [--bots=8] [--work-ms=5] [--seconds=10] [--rounds=3] [--check]
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { work } from "./arena-game.mjs";
import { conclude, numbers, Served, sleep } from "./served.mjs";

const GAME = fileURLToPath(new URL("arena-game.mjs", import.meta.url));
const CALIBRATION_ROUNDS = 2_000_000;
/** Ticks until code is as fast as it gets. */
const WARM_UP_TICKS = 30;

const flags = numbers({ arenas: 13, bots: 8, "work-ms": 5, seconds: 10, rounds: 3, check: 0 });
const { arenas, bots, seconds, rounds, check } = flags;
// With one thread, a tick of all arenas is two thirds of the period.
const tickRate = Math.max(1, Math.floor(1000 / (1.5 * arenas * flags["work-ms"])));

/** Rounds of work that take so long of a core here, whatever else the machine does. */
function calibrate(ms) {
  const timesMs = Array.from({ length: 9 }, (_, seed) => {
    const start = process.cpuUsage();
    work(CALIBRATION_ROUNDS, seed);
    return process.cpuUsage(start).user / 1000;
  });
  return Math.round((CALIBRATION_ROUNDS * ms) / Math.min(...timesMs));
}

/** The median of a tick of all arenas, in milliseconds, and what part of the threads' work the busiest one did. */
async function measure(threads, env) {
  const counts = ["--zones", `${arenas}`, "--bots", `${bots}`, "--npcs", "0", "--tick-rate", `${tickRate}`];
  const server = await Served.start([GAME, "--threads", `${threads}`, "--snapshot-rate", "1", ...counts], { env });
  try {
    await server.ticksReach(WARM_UP_TICKS);
    const before = await server.metrics();
    await sleep(1000 * seconds);
    const [after, { tickP50Ms }] = await Promise.all([server.metrics(), server.stats()]);
    const [sum, count, late] = ["gyre_tick_seconds_sum", "gyre_tick_seconds_count", "gyre_late_ticks_total"].map(
      (name) => after.get(name) - before.get(name),
    );
    const mean = ((1000 * sum) / count).toFixed(2);
    const text = `${count} ticks at ${tickRate} Hz, late ${late}, ${tickP50Ms} ms a tick, ${mean} on average`;
    console.log(`${threads} threads: ${text}; load ${loadavg()[0].toFixed(1)}`);
    const busy = Array.from({ length: threads }, (_, slot) => {
      const name = `gyre_thread_busy_seconds_total{thread="sim-${slot}"}`;
      return after.get(name) - before.get(name);
    });
    return { tickP50Ms, busiest: Math.max(...busy) / busy.reduce((all, one) => all + one, 0) };
  } finally {
    await server.stop();
  }
}

const env = { ARENA_ROUNDS: `${calibrate(flags["work-ms"])}` };
const found = { 1: [], 2: [] };
for (let round = 0; round < rounds; round++) {
  for (const threads of [1, 2]) found[threads].push(await measure(threads, env));
}
const [one, two] = [1, 2].map((threads) => Math.min(...found[threads].map(({ tickP50Ms }) => tickP50Ms)));
const ratio = one / two;
console.log(`${arenas} arenas x ${bots} bots: 2 threads do ${ratio.toFixed(2)} times as much as 1`);
conclude(
  [["part of the work that one of two threads did", Math.min(...found[2].map(({ busiest }) => busiest)), 0.75]],
  [["time of two threads to one", 1 / ratio, Number((1 / 1.8).toFixed(4))]],
  check,
);
