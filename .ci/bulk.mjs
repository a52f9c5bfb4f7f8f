// Do thousands who come and go at once delay ticks? In one world at 60 ticks a second, or with --rooms in so many rooms of five at 20. Phases: one who
// plays alone, all the others joining within 5 s, all in play, all of them gone at once, without a goodbye, and the end of the 10 s in
// which they might have come back. Tells late ticks, percentiles of ticks, and the longest time from one tick of a zone to its next one,
// as the zone's own thread sees it. Usage, after a build:
//
//     node .ci/bulk.mjs [--players=2000 | --rooms=500] [--seconds=10] [--join-seconds=5] [--polite] [--threads=N] [--check]
//
// The clients are of this process, which gives way to the server where both want a core.
import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { RawClient, TEXT } from "./raw-client.mjs";
import { conclude, numbers, quantile, Served, sleep } from "./served.mjs";
import { REPORT } from "./tick-clock.mjs";

const PLAYERS_PER_ROOM = 5;
/** Milliseconds for those who were cut off to be given up, which the server does after 10 s. */
const EXPIRY_MS_MAX = 20_000;
const BATCH_MS = 5;
/** Milliseconds by which the longest wait for a tick may be longer than in a phase in which nobody comes or goes. */
const DELAY_MS_MAX = 2;

const flags = numbers({
  ...{ players: 2000, rooms: 0, seconds: 10, "join-seconds": 5, polite: 0, check: 0 },
  threads: Math.max(1, availableParallelism() - 1),
});
const { players, rooms, seconds, "join-seconds": joinSeconds, polite, threads, check } = flags;

/** One who stays, and asks its room how it does. */
class Probe {
  static async start(address) {
    const probe = new Probe();
    await new Promise((resolve) => {
      probe.client = new RawClient(address, {
        query: "?state=json",
        onOpen: (client) => client.send({ type: "join", name: "probe" }),
        onFrame: (opcode, payload) => {
          if (opcode !== TEXT) return;
          const message = JSON.parse(payload);
          if (message.type === "welcome") resolve();
          // In a game with a state tree events come with it, at its messages' ends.
          else if (message.type === "event") probe.heard(message.data);
          else if (message.at?.(-1)[0]?.[0] === "gap") probe.heard(message.at(-1)[0][1]);
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
    this.client.send({ type: "input", seq: ++this.seq, dx: 0, dy: 0, action: REPORT });
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

/** So many join, evenly over some seconds; resolves when all are in or refused, with how many were. */
async function join(address, clients, count, overSeconds) {
  const waiting = new Set();
  let refused = 0;
  const isRefused = (client) => {
    if (waiting.delete(client)) refused++;
  };
  const onFrame = (opcode, payload, client) => {
    if (opcode !== TEXT) return;
    if (payload.includes('"type":"welcome"')) waiting.delete(client);
    else if (payload.includes('"type":"error"')) isRefused(client);
  };
  const onOpen = (client) => client.send({ type: "join", name: client.name });
  const options = { onOpen, onFrame, onEnd: isRefused };
  const startMs = performance.now();
  for (let begun = 0; begun < count; await sleep(BATCH_MS)) {
    const due = Math.min(count, ((performance.now() - startMs) * count) / (1000 * overSeconds));
    for (; begun < due; begun++) {
      const client = new RawClient(address, options);
      waiting.add(client);
      clients.push(client);
    }
  }
  while (waiting.size > 0) await sleep(BATCH_MS);
  console.log(
    `  ${count} joins, ${refused} refused, the last one in after ${((performance.now() - startMs) / 1000).toFixed(2)} s`,
  );
  return refused;
}

/** Returns what is limited. */
async function run(scene, count) {
  console.log(`${scene}: ${count} players, --threads ${threads}`);
  const game = fileURLToPath(new URL(`bulk-${scene}.mjs`, import.meta.url));
  const server = await Served.start([game, "--npcs", "0", "--threads", `${threads}`]);
  server.giveWay();
  const { hostname, port } = new URL(server.listening.http);
  const address = { hostname, port: Number(port) };
  const clients = [];
  try {
    const probe = await Probe.start(address);
    await server.ticksReach(100);
    const quiet = await phase(server, probe, "alone", () => sleep(1000 * seconds));
    let refused = 0;
    const coming = await phase(server, probe, `all join in ${joinSeconds} s`, async () => {
      refused = await join(address, clients, count - 1, joinSeconds);
    });
    const playing = await phase(server, probe, "all play", () => sleep(1000 * seconds));
    const going = await phase(server, probe, "gone at once", async () => {
      for (const client of clients) polite ? client.leave() : client.socket.destroy();
      await sleep(3000);
    });
    const expiring = await phase(server, probe, "they do not come back", async () => {
      const startMs = performance.now();
      while ((await server.stats()).sessions > 1 && performance.now() - startMs < EXPIRY_MS_MAX) await sleep(250);
      await sleep(1000);
    });
    const gone = await server.metrics();
    if (gone.get("gyre_sessions") !== 1) throw new Error(`${gone.get("gyre_sessions")} sessions are left`);
    probe.client.leave();
    const delay = (phase, than) => Math.max(0, phase.gap - than.gap);
    const late = coming.late + playing.late + going.late + expiring.late;
    const ofSpeed = [
      [`${scene}: late ticks`, late, 0],
      [`${scene}: ms by which a tick is delayed while they join`, delay(coming, playing), DELAY_MS_MAX],
      [`${scene}: ms by which a tick is delayed when all are gone`, delay(going, playing), DELAY_MS_MAX],
      [
        `${scene}: ms by which a tick is delayed when they expire`,
        delay(expiring, playing.gap < quiet.gap ? quiet : playing),
        DELAY_MS_MAX,
      ],
    ];
    return { limits: [[`${scene}: joins refused`, refused, 0]], ofSpeed };
  } finally {
    await server.stop();
  }
}

const { limits, ofSpeed } = await (rooms > 0 ? run("rooms", rooms * PLAYERS_PER_ROOM) : run("world", players));
conclude(limits, ofSpeed, check);
