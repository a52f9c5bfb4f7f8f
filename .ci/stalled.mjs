// What do clients cost that do not read? Serves a crowd whose game has a state tree to 400 clients, of whom 200 stop reading: tells
// how many bytes wait for each on the server, and how the gaps between the snapshots of the others compare with those of a run in which all read. Before
// that one client stops for 5 s, goes on, and must be up to date within a second, with every frame and state message decoded. Usage, after a build:
//
//     node .ci/stalled.mjs [--clients=400] [--seconds=4] [--npcs=2000] [--threads=1] [--check]

import { createConnection, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { connect } from "../build/js/client.js";
import { BINARY, RawClient } from "./raw-client.mjs";
import { conclude, numbers, Served, sleep } from "./served.mjs";

const GAME = fileURLToPath(new URL("stalled-game.mjs", import.meta.url));
/** The first byte of one that is in one piece. */
const SNAPSHOT = 1;
const QUEUED_BYTES_MAX = 64 * 1024;
/** Milliseconds: so long the one client does not read, and after so long it is up to date. */
const STALL_MS = 5000;
const CATCH_UP_MS = 1000;
/** Ticks behind the server that are none: of snapshots on their way. */
const TICKS_BEHIND = 12;
/** Bytes that wait for a client that does not read: a state message of the game's at least. */
const STALLED_BYTES = 12_000;
/** Milliseconds until they wait for the first of those clients, at most. */
const FILL_MS_MAX = 60_000;
const QUEUED_MAX = "gyre_session_queued_bytes_max";
const BATCH_MS = 5;

const {
  clients: count,
  seconds,
  npcs,
  threads,
  check,
} = numbers({
  ...{ clients: 400, seconds: 4, npcs: 2000, threads: 1, check: 0 },
});

/** Gaps between the snapshots of each client, in milliseconds. */
class Gaps {
  isOn = false;
  all = [];
  #lastMs = new Map();

  frame(client) {
    const nowMs = performance.now();
    const lastMs = this.#lastMs.get(client);
    this.#lastMs.set(client, nowMs);
    if (this.isOn && lastMs !== undefined) this.all.push(nowMs - lastMs);
  }

  begin() {
    this.all = [];
    this.#lastMs.clear();
    this.isOn = true;
  }

  end() {
    this.isOn = false;
    const sorted = Float64Array.from(this.all).sort();
    return sorted[Math.floor(0.95 * sorted.length)] ?? Number.NaN;
  }
}

/** So many clients, half of which are told much, and read it or do not. Returns what waited for those, the gaps of the others, and how many of those were cut off. */
async function crowd(server, address, stalls) {
  const gaps = new Gaps();
  const readers = new Set();
  let lost = 0;
  const clients = [];
  const options = {
    onOpen: (client) => client.send({ type: "join", name: client.name }),
    keep: true,
    onFrame: (opcode, payload, client) => {
      if (opcode === BINARY && payload[0] === SNAPSHOT && readers.has(client)) gaps.frame(client);
    },
    onEnd: (client) => {
      if (readers.has(client)) lost++;
    },
  };
  while (clients.length < count) {
    clients.push(new RawClient(address, options));
    await sleep(BATCH_MS);
  }
  const players = async () => (await server.metrics()).get("gyre_players");
  while ((await players()) < count) await sleep(100);
  for (const client of clients.slice(0, count / 2)) {
    // First: for one that has read much, the operating system takes tens of megabytes afterwards.
    if (stalls) client.socket.pause();
    client.send({ type: "input", seq: 1, dx: 0, dy: 0 });
  }
  for (const client of clients.slice(count / 2)) readers.add(client);
  await sleep(2000);
  const startMs = performance.now();
  const isWaiting = async () => (await server.metrics()).get(QUEUED_MAX) >= STALLED_BYTES;
  while (stalls && !(await isWaiting()) && performance.now() - startMs < FILL_MS_MAX) await sleep(100);
  const found = await measured(server, gaps);
  readers.clear();
  for (const client of clients) {
    if (client.socket.isPaused()) client.socket.destroy();
    else client.leave();
  }
  while (!stalls && (await players()) > 0) await sleep(100);
  return { ...found, lost };
}

/** What waits in the server at most, of one and of all, and gaps. */
async function measured(server, gaps) {
  let [most, sum] = [0, 0];
  gaps.begin();
  for (const startMs = performance.now(); performance.now() - startMs < 1000 * seconds; await sleep(250)) {
    const metrics = await server.metrics();
    most = Math.max(most, metrics.get(QUEUED_MAX));
    sum = Math.max(sum, metrics.get("gyre_session_queued_bytes"));
  }
  return { most, sum, p95Ms: gaps.end() };
}

/** A client behind a line that can be held up. */
async function alone(server, address) {
  let far;
  const line = createServer((near) => {
    far = createConnection({ host: address.hostname, port: address.port, noDelay: true });
    for (const socket of [near, far]) socket.on("error", () => {});
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => near.write(data));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  await new Promise((resolve) => line.listen(0, "127.0.0.1", resolve));
  const connection = await connect(`ws://127.0.0.1:${line.address().port}/ws`, { name: "ann" });
  let [snapshots, states] = [0, 0];
  let closed = false;
  connection.on("snapshot", () => snapshots++);
  connection.on("state", () => states++);
  connection.on("close", () => {
    closed = true;
  });
  await sleep(1000);
  far.pause();
  await sleep(STALL_MS);
  const before = snapshots;
  const startMs = performance.now();
  far.resume();
  let behind = Number.POSITIVE_INFINITY;
  while (behind > TICKS_BEHIND && !closed && performance.now() - startMs < 10 * CATCH_UP_MS) {
    await sleep(10);
    const { tick } = await server.stats();
    // Its score is the tick of what it knows of the state tree.
    behind = tick - Math.min(connection.tick, connection.ownState.score);
  }
  const tookMs = performance.now() - startMs;
  // It goes on as if nothing had been.
  await sleep(1000);
  console.log(
    `one stalled for ${STALL_MS} ms: up to date ${tookMs.toFixed(0)} ms after, ${before} snapshots before and ${snapshots - before} since, ${states} state messages, ${connection.entities.size} entities${closed ? ", closed" : ""}`,
  );
  connection.close();
  line.close();
  return { tookMs, isUpToDate: behind <= TICKS_BEHIND && !closed };
}

const server = await Served.start([GAME, "--threads", `${threads}`, "--npcs", `${npcs}`]);
server.giveWay();
const { hostname, port } = new URL(server.listening.http);
const address = { hostname, port: Number(port) };
try {
  const one = await alone(server, address);
  const without = await crowd(server, address, false);
  const stalled = await crowd(server, address, true);
  const heldUp = Math.floor(stalled.sum / STALLED_BYTES);
  console.log(
    `${count / 2} of ${count} stalled, ${heldUp} of them held up at once within ${seconds} s: at most ${stalled.most} bytes wait for one, ${stalled.sum} for all; gap p95 of the others ${stalled.p95Ms.toFixed(1)} ms, ${without.p95Ms.toFixed(1)} ms when all read`,
  );
  conclude(
    [
      ["clients that stalled and could not go on", Number(!one.isUpToDate), 0],
      ["clients that read and were cut off", without.lost + stalled.lost, 0],
      ["crowds of which nobody was held up", Number(heldUp === 0), 0],
      ["bytes that wait for one stalled client", stalled.most, QUEUED_BYTES_MAX],
    ],
    [
      ["ms until a client that stalled is up to date", one.tookMs, CATCH_UP_MS],
      ["gap p95 of the others to that when all read", stalled.p95Ms / without.p95Ms, 1.1],
    ],
    check,
  );
} finally {
  await server.stop();
}
