// Do thousands who come and go at once delay ticks? Serves 500 rooms of five players, and measures phases in turn: one who plays alone, 2,000
// who join within 5 s, all of them and 500 more in play, all of them gone at once, without a goodbye, and the end of the 10 s in which they might have come back.
// Tells late ticks, percentiles of ticks, and the longest time from one tick of a room to its next one, as the room's own thread sees it.
// Usage, after a build:
//
//     node .ci/bulk.mjs [--joins=2000] [--before=500] [--seconds=10] [--polite=0] [--threads=N] [--rate=20] [--check]
//
// The clients are of this process, which gives way to the server where both want a core. Without threads and with the default of a server.
import { availableParallelism, constants, loadavg, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { RawClient, TEXT } from "./raw-client.mjs";
import { conclude, numbers, quantile, Served, sleep } from "./served.mjs";

const GAME = fileURLToPath(new URL("bulk-game.mjs", import.meta.url));
/** Seconds over which they join. */
const JOIN_SECONDS = 5;
/** Seconds after which who was cut off does not come back. */
const EXPIRY_SECONDS = 10;
const BATCH_MS = 5;
/** Milliseconds by which the longest wait for a tick may be longer than in a quiet phase. */
const DELAY_MS_MAX = 2;

const {
  joins,
  before,
  seconds,
  polite,
  threads: only,
  rate,
  check,
} = numbers({
  ...{ joins: 2000, before: 500, seconds: 10, polite: 0, threads: -1, rate: 20, check: 0 },
});

/** One who stays, and asks its room how it does. */
class Probe {
  static async start(address) {
    const probe = new Probe();
    await new Promise((resolve) => {
      probe.client = new RawClient(address, {
        onOpen: (client) => client.send({ type: "join", name: "probe" }),
        onFrame: (opcode, payload) => {
          if (opcode !== TEXT) return;
          const message = JSON.parse(payload);
          if (message.type === "welcome") resolve();
          if (message.type === "event") probe.heard?.(message.data);
        },
      });
    });
    return probe;
  }

  seq = 0;

  /** Milliseconds: the longest gap between two ticks since the last call. */
  async gap() {
    const gap = new Promise((resolve) => {
      this.heard = resolve;
    });
    this.client.send({ type: "input", seq: ++this.seq, dx: 0, dy: 0, action: "report" });
    return gap;
  }
}

async function phase(server, probe, name, work) {
  const first = await server.metrics();
  await probe.gap();
  await work();
  const [gap, busy] = await probe.gap();
  const after = await server.metrics();
  const grown = (metric) => after.get(metric) - first.get(metric);
  const late = grown("gyre_late_ticks_total") + grown("gyre_skipped_ticks_total");
  const [tick, lateness, publish] = ["tick", "tick_lateness", "publish"].map((what) =>
    quantile(`gyre_${what}_seconds`, after, first, 0.99),
  );
  console.log(
    `${name.padEnd(22)} ${grown("gyre_ticks_total")} ticks, late ${late}, p99 <= ${tick} ms, lateness p99 <= ${lateness} ms, longest gap ${gap.toFixed(1)} ms, busiest ${busy.toFixed(1)} ms; publish p99 <= ${publish} ms; ${after.get("gyre_sessions")} sessions, ${after.get("gyre_sessions_detached")} lost; load ${loadavg()[0].toFixed(1)}`,
  );
  return { late, gap, busy };
}

/** So many join, evenly over some seconds; resolves when all are in. */
async function join(address, clients, count, overSeconds) {
  let welcomed = 0;
  let refused = 0;
  const onFrame = (opcode, payload) => {
    if (opcode !== TEXT) return;
    if (payload.includes('"type":"welcome"')) welcomed++;
    else if (payload.includes('"type":"error"')) refused++;
  };
  const options = { onOpen: (client) => client.send({ type: "join", name: client.name }), onFrame };
  const startMs = performance.now();
  for (let begun = 0; begun < count; await sleep(BATCH_MS)) {
    const due = Math.min(count, ((performance.now() - startMs) * count) / (1000 * overSeconds));
    for (; begun < due; begun++) clients.push(new RawClient(address, options));
  }
  while (welcomed + refused < count) await sleep(BATCH_MS);
  console.log(
    `  ${count} joins, ${refused} refused, the last one in after ${((performance.now() - startMs) / 1000).toFixed(2)} s`,
  );
}

async function run(threads) {
  console.log(`--threads ${threads}`);
  const server = await Served.start([GAME, "--threads", `${threads}`, "--snapshot-rate", `${rate}`]);
  const { hostname, port } = new URL(server.listening.http);
  const address = { hostname, port: Number(port) };
  const clients = [];
  try {
    const probe = await Probe.start(address);
    await server.ticksReach(300);
    const quiet = await phase(server, probe, "alone", () => sleep(1000 * seconds));
    if (before > 0) await phase(server, probe, `${before} come in 2 s`, () => join(address, clients, before, 2));
    const some = await phase(server, probe, `${before} play`, () => sleep(1000 * seconds));
    const coming = await phase(server, probe, `${joins} join in ${JOIN_SECONDS} s`, () =>
      join(address, clients, joins, JOIN_SECONDS),
    );
    const playing = await phase(server, probe, `${clients.length} play`, () => sleep(1000 * seconds));
    const going = await phase(server, probe, `${clients.length} gone at once`, async () => {
      for (const client of clients) polite ? client.leave() : client.socket.destroy();
      await sleep(3000);
    });
    const expiring = await phase(server, probe, "they do not come back", () => sleep(1000 * EXPIRY_SECONDS));
    const gone = await server.metrics();
    if (gone.get("gyre_sessions") !== 1) throw new Error(`${gone.get("gyre_sessions")} sessions are left`);
    probe.client.leave();
    return { quiet, some, coming, playing, going, expiring };
  } finally {
    await server.stop();
  }
}

setPriority(constants.priority.PRIORITY_LOW);
const limits = [];
for (const threads of only >= 0 ? [only] : [0, Math.max(1, availableParallelism() - 1)]) {
  const { quiet, some, coming, playing, going, expiring } = await run(threads);
  const delay = (phase, than) => Math.max(0, phase.gap - than.gap);
  limits.push(
    [`--threads ${threads}: late ticks while they join and go`, coming.late + going.late + expiring.late, 0],
    [
      `--threads ${threads}: ms by which a tick is delayed while they join`,
      delay(coming, playing.gap > some.gap ? playing : some),
      DELAY_MS_MAX,
    ],
    [`--threads ${threads}: ms by which a tick is delayed when all are gone`, delay(going, playing), DELAY_MS_MAX],
    [`--threads ${threads}: ms by which a tick is delayed when they expire`, delay(expiring, quiet), DELAY_MS_MAX],
  );
}
conclude(limits, check);
