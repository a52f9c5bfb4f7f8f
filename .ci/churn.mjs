// Does it cost the simulation anything that players come and go? Serves 20,000 entities on a sim thread, with one player who stays, and
// measures phases in turn: nobody else, and 500 clients a second who connect, join, get a snapshot and leave. Usage, after a build:
//
//     node .ci/churn.mjs [--threads=1] [--npcs=20000] [--rate=500] [--seconds=10] [--rounds=3] [--check]
//
// The percentiles of /stats are over the last 600 ticks, so a phase has 10 s at 60 Hz at least. The clients are of this process, which
// gives way to the server where both want a core: elsewhere they would be other machines.
import { loadavg } from "node:os";
import { BINARY, RawClient, TEXT } from "./raw-client.mjs";
import { conclude, median, numbers, Served, sleep } from "./served.mjs";

const SECONDS_MIN = 10;
/** Milliseconds between two batches of clients. */
const BATCH_MS = 10;
/** Milliseconds that a client may take from its connection to its first snapshot. */
const PATIENCE_MS = 10_000;

const { threads, npcs, rate, seconds, rounds, check } = numbers({
  ...{ threads: 1, npcs: 20_000, rate: 500, seconds: SECONDS_MIN, rounds: 3, check: 0 },
});

const join = (client) => client.send({ type: "join", name: client.name });

/** So many clients a second for so long; resolves with how they fared once the last is gone. */
async function churn(address) {
  const found = { begun: 0, served: 0, refused: 0, failed: 0, waitsMs: [] };
  const open = new Set();
  const begin = () => {
    found.begun++;
    let isServed = false;
    const onFrame = (opcode, payload, client) => {
      if (opcode === TEXT && payload.includes('"type":"error"')) found.refused++;
      if (opcode !== BINARY || isServed) return;
      isServed = true;
      found.served++;
      found.waitsMs.push(performance.now() - client.startMs);
      client.leave();
    };
    const onEnd = (client) => {
      open.delete(client);
      if (!isServed) found.failed++;
    };
    open.add(new RawClient(address, { onOpen: join, onFrame, onEnd }));
  };
  const startMs = performance.now();
  for (let nowMs = startMs; nowMs < startMs + 1000 * seconds; nowMs = performance.now()) {
    for (const due = ((nowMs - startMs) * rate) / 1000; found.begun < due; ) begin();
    for (const client of open) if (nowMs - client.startMs > PATIENCE_MS) client.socket.destroy();
    await sleep(BATCH_MS);
  }
  return { found, rest: () => open.size };
}

const COUNTERS = [
  "gyre_late_ticks_total",
  "gyre_skipped_ticks_total",
  "gyre_ticks_total",
  "gyre_sessions_opened_total",
];

async function phase(server, name, work) {
  const before = await server.metrics();
  await work();
  const [after, { tickP50Ms, tickP99Ms, workers }] = await Promise.all([server.metrics(), server.stats()]);
  const [late, skipped, ticks, sessions] = COUNTERS.map((counter) => after.get(counter) - before.get(counter));
  const load = workers.map((worker) => `${worker.name} ${Math.round(100 * worker.utilisation)} %`).join(", ");
  const text = `${ticks} ticks, late ${late}, skipped ${skipped}, p50 ${tickP50Ms} ms, p99 ${tickP99Ms} ms; ${sessions} sessions; ${load}; load ${loadavg()[0].toFixed(1)}`;
  console.log(`${name.padEnd(8)} ${text}`);
  return { late: late + skipped, p50: tickP50Ms, p99: tickP99Ms };
}

if (seconds < SECONDS_MIN) throw new Error(`--seconds=${seconds}: at least ${SECONDS_MIN}`);
const server = await Served.start(["--threads", `${threads}`, "--npcs", `${npcs}`]);
server.giveWay();
const { hostname, port } = new URL(server.listening.http);
const address = { hostname, port: Number(port) };
const quiet = [];
const busy = [];
const all = { begun: 0, served: 0, refused: 0, failed: 0 };
const waitsMs = [];
try {
  const stays = new RawClient(address, { onOpen: join });
  await server.ticksReach(600);
  for (let round = 0; round < rounds; round++) {
    quiet.push(await phase(server, "without", () => sleep(1000 * seconds)));
    let last;
    busy.push(
      await phase(server, "with", async () => {
        last = await churn(address);
      }),
    );
    while (last.rest() > 0) await sleep(BATCH_MS);
    for (const name of Object.keys(all)) all[name] += last.found[name];
    waitsMs.push(...last.found.waitsMs);
  }
  stays.leave();
} finally {
  await server.stop();
}
const { begun, served, refused, failed } = all;
console.log(
  `${begun} clients: ${served} got a snapshot, the median one after ${median(waitsMs)?.toFixed(1)} ms; ${refused} refused, ${failed} without one`,
);
if (served < 0.9 * begun) throw new Error("one client in ten or more was not served");
const p99 = (phases) => median(phases.map((one) => one.p99));
conclude(
  [["clients refused", refused, 0]],
  [
    // Each stays for a while: on a machine that is too busy that is over before its turn.
    ["clients without a snapshot", failed, 0],
    ["late ticks with clients", busy.reduce((sum, { late }) => sum + late, 0), 0],
    ["tick p99 with clients to without", p99(busy) / p99(quiet), 1.2],
  ],
  check,
);
