/**
 * `end-to-end`: the same players on the same field, served by gyre and by Colyseus, each in a process of its own, to raw WebSocket clients
 * in this one. They join, walk into a new direction twice a second, and count what they get. The servers take turns, one after the other, in
 * each round anew.
 *
 * | row | what |
 * |---|---|
 * | snapshots | that a client gets in a second; 20 are due |
 * | gap-p95 | milliseconds from one snapshot of a client to its next, 95th percentile of all; 50 are due |
 * | cpu | milliseconds of processor that the server takes for a client's second: all of its threads, and the system for them |
 * | cpu-each | microseconds of the same for each snapshot that arrives: who does less needs less |
 * | bytes | to a client in a second, heads of frames included |
 * | bytes-each | the same by the snapshot |
 * | simulation | steps in a second; 60 are due |
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Join, joinColyseus, joinGyre, type Player } from "./end-to-end-clients.js";
import type { ServerFigures } from "./end-to-end-server.js";
import { random } from "./points.js";
import type { Row } from "./report.js";
import { figuresOf } from "./runner.js";
import { CELL, cellsPerSide, WALK_SPEED } from "./snapshot-world.js";

/** How long each server is looked at. */
export interface Stay {
  rounds: number;
  settleMs: number;
  measureMs: number;
}

export const METRICS = {
  snapshots: "snapshots/s",
  "gap-p95": "ms",
  cpu: "ms/client-s",
  "cpu-each": "us/snapshot",
  bytes: "bytes/client-s",
  "bytes-each": "bytes/snapshot",
  simulation: "Hz",
} as const;
export type Metric = keyof typeof METRICS;
type Measured = Record<Metric, number>;

/** Players who join at a time. */
const JOINING = 32;
const JOIN_LIMIT_MS = 120_000;
/** Between two turns of a player; players are spread over it, in so many groups. */
const TURN_MS = 500;
const TURN_GROUPS = 50;

const HERE = dirname(fileURLToPath(import.meta.url));
const COLYSEUS = join(HERE, "..", "..", "bench", "peers", "colyseus-server.mjs");

interface Contender {
  start(n: number): ChildProcess;
  join: Join;
}

function colyseus(mode: "views" | "rooms"): Contender {
  const start = (n: number): ChildProcess =>
    fork(COLYSEUS, [mode, ...[n, cellsPerSide(n), CELL, WALK_SPEED].map(String)]);
  return { start, join: joinColyseus };
}

const CONTENDERS: Record<string, Contender> = {
  gyre: { start: (n) => fork(join(HERE, "end-to-end-server.js"), [String(n)]), join: joinGyre },
  "@colyseus/core": colyseus("views"),
  "@colyseus/core-rooms": colyseus("rooms"),
};

export const END_TO_END_VARIANTS = Object.keys(CONTENDERS);

/** Rows of one number of clients, and a line for each contender that failed. */
export async function endToEnd(
  n: number,
  variants: readonly string[],
  stay: Stay,
): Promise<{ rows: Row[]; notes: string[] }> {
  const notes: string[] = [];
  const found: Record<string, Measured[]> = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let round = 0; round < stay.rounds; round++) {
    for (const variant of variants) {
      try {
        found[variant]!.push(await visit(CONTENDERS[variant]!, n, stay));
      } catch (error) {
        notes.push(`${variant} FAILED in round ${round + 1}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  const rows = Object.entries(METRICS).map(([metric, unit]): Row => {
    const measured = Object.entries(found).filter(([, all]) => all.length > 0);
    const figures = measured.map(([variant, all]) => {
      const { median, min, p99 } = figuresOf(all.map((one) => one[metric as Metric]));
      const rounded = (value: number): number => Number(value.toPrecision(5));
      return [variant, { median: rounded(median), min: rounded(min), p99: rounded(p99) }];
    });
    const params = { n, metric: metric as Metric };
    return { bench: "end-to-end", params, unit, variants: Object.fromEntries(figures) as Row["variants"] };
  });
  return { rows, notes };
}

async function ask(server: ChildProcess): Promise<ServerFigures> {
  server.send("figures");
  const [figures] = (await once(server, "message")) as [ServerFigures];
  return figures;
}

async function visit({ start, join }: Contender, n: number, { settleMs, measureMs }: Stay): Promise<Measured> {
  const server = start(n);
  const players: Player[] = [];
  let walking: NodeJS.Timeout | undefined;
  try {
    const [{ port }] = (await started(server)) as [{ port: number }];
    await joinAll(players, join, port, n);
    walking = walk(players);
    await wait(settleMs);
    return await measure(server, players, measureMs);
  } finally {
    clearInterval(walking);
    for (const { socket } of players) socket.destroy();
    server.kill("SIGKILL");
    await ended(server);
  }
}

/** What it says first; fails when it ends before. */
function started(server: ChildProcess): Promise<unknown[]> {
  const failed = once(server, "exit").then(([code]) => Promise.reject(new Error(`its server ended with ${code}`)));
  const said = once(server, "message");
  // Who loses the race is not listened to any more.
  failed.catch(() => {});
  return Promise.race([said, failed]);
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
}

async function joinAll(players: Player[], join: Join, port: number, n: number): Promise<void> {
  const end = performance.now() + JOIN_LIMIT_MS;
  let next = 0;
  const joiners = Array.from({ length: Math.min(JOINING, n) }, async () => {
    while (next < n) {
      if (performance.now() > end) throw new Error(`${next} of ${n} had joined after ${JOIN_LIMIT_MS / 1000} s`);
      players.push(await join(port, next++));
    }
  });
  await Promise.all(joiners);
}

/** Everybody takes a new direction once in TURN_MS, the same in each round. */
function walk(players: readonly Player[]): NodeJS.Timeout {
  const next = random(9);
  let group = 0;
  return setInterval(() => {
    for (let i = group; i < players.length; i += TURN_GROUPS) {
      const angle = next() * 2 * Math.PI;
      players[i]!.input(Math.round(100 * Math.cos(angle)), Math.round(100 * Math.sin(angle)));
    }
    group = (group + 1) % TURN_GROUPS;
  }, TURN_MS / TURN_GROUPS);
}

async function measure(server: ChildProcess, players: readonly Player[], measureMs: number): Promise<Measured> {
  const before = await ask(server);
  for (const player of players) player.tally.reset();
  const beganMs = performance.now();
  await wait(measureMs);
  const seconds = (performance.now() - beganMs) / 1000;
  const after = await ask(server);
  const endMs = performance.now();
  const lost = players.filter(({ socket }) => socket.destroyed).length;
  if (lost > 0) throw new Error(`${lost} of ${players.length} players lost their connection`);
  const clientSeconds = players.length * seconds;
  let snapshots = 0;
  let bytes = 0;
  const gaps: number[] = [];
  for (const { tally } of players) {
    tally.end(endMs);
    snapshots += tally.snapshots;
    bytes += tally.bytes;
    for (const gap of tally.gapsMs) gaps.push(gap);
  }
  const sorted = Float64Array.from(gaps).sort();
  return {
    snapshots: snapshots / clientSeconds,
    "gap-p95": sorted[Math.max(0, Math.ceil(0.95 * sorted.length) - 1)] ?? Number.NaN,
    cpu: (after.cpuMs - before.cpuMs) / clientSeconds,
    "cpu-each": (1000 * (after.cpuMs - before.cpuMs)) / snapshots,
    bytes: bytes / clientSeconds,
    "bytes-each": bytes / snapshots,
    simulation: (after.ticks - before.ticks) / seconds,
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
