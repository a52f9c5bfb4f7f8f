/** Which benches there are, in which sizes, with which contenders. */

import { END_TO_END_VARIANTS, METRICS, type Metric } from "./end-to-end.js";
import { FANOUT_VARIANTS } from "./fanout.js";
import { HANDOFF_VARIANTS, type Scenario } from "./handoff.js";
import { NATIVE } from "./native.js";
import type { Distribution, Params } from "./operation.js";
import { INDEXES } from "./peers.js";
import { ZONE_ENTITIES } from "./points.js";
import type { Effort } from "./runner.js";
import { SNAPSHOT_VARIANTS, WHOLE_VARIANTS } from "./snapshot.js";
import { STATE_VARIANTS } from "./state.js";

export type Unit = "ns/element" | "ms" | "ms/path" | "us/operation" | "us/frame" | "bytes" | (typeof METRICS)[Metric];

export interface Case {
  bench: string;
  params: Params;
  unit: Unit;
  variants: string[];
}

/** Sizes by bench. Points in one cell are all neighbours: their lists grow with the square, so they have sizes of their own. */
export interface Sizes {
  distances: number[];
  neighbours: number[];
  neighboursInOneCell: Params[];
  enemies: number[];
  enemiesInOneCell: Params[];
  crowds: number[];
  paths: number[];
  /** Entities of a whole world. */
  worlds: number[];
  /** Zones of ZONE_ENTITIES each. */
  zones: number[];
  /** Threads that run them, beside none. */
  threads: number[];
  /** Entities of which snapshots are made, and viewers who get them; 0 for one frame of everything. */
  snapshots: number[];
  viewers: number[];
  /** Sockets that a frame is written to. */
  sockets: number[];
  /** Clients of whole servers. */
  clients: number[];
  /** Operations of a tick that are handed over, and jobs. */
  handoffs: number[];
  jobs: number[];
  /** Players of a room whose state is synced. */
  rooms: number[];
}

const KERNEL = ["simd", "scalar"];
const JS = ["js", "js-branch-free"];

/** Long enough for V8 to optimise what runs, wasm included. */
const WARM_UP_MS = 150;

/** About a quarter of an hour on two cores. */
export const FULL: { effort: Effort; sizes: Sizes } = {
  effort: {
    rounds: 5,
    round: { roundMs: 200, loopMs: 40 },
    warmUpMs: WARM_UP_MS,
    slowMs: 3000,
    readyMs: 60_000,
    budgetMs: 2000,
    stay: { rounds: 3, settleMs: 2000, measureMs: 5000 },
  },
  sizes: {
    distances: [1024, 16_384, 262_144],
    neighbours: [2000, 20_000, 100_000],
    neighboursInOneCell: [{ n: 2000 }, { n: 5000, insteadOf: 20_000 }],
    enemies: [2000, 20_000, 100_000],
    enemiesInOneCell: [{ n: 2000 }, { n: 20_000 }, { n: 100_000 }],
    crowds: [2000, 20_000, 100_000],
    paths: [50],
    worlds: [20_000, 100_000],
    zones: [1, 10, 100],
    threads: [1, 2],
    snapshots: [2000],
    viewers: [0, 20, 2000],
    sockets: [100, 1000],
    clients: [500, 1000, 2000],
    handoffs: [1980],
    jobs: [100],
    rooms: [5, 50, 500],
  },
};

/** About three minutes. */
export const QUICK: { effort: Effort; sizes: Sizes } = {
  effort: {
    rounds: 3,
    round: { roundMs: 80, loopMs: 20 },
    warmUpMs: WARM_UP_MS,
    slowMs: 2000,
    readyMs: 60_000,
    budgetMs: 1000,
    stay: { rounds: 1, settleMs: 1000, measureMs: 3000 },
  },
  sizes: {
    distances: [1024, 16_384],
    neighbours: [2000, 20_000],
    neighboursInOneCell: [{ n: 1000, insteadOf: 2000 }],
    enemies: [2000, 20_000],
    enemiesInOneCell: [{ n: 2000 }],
    crowds: [2000, 20_000],
    paths: [50],
    worlds: [20_000],
    zones: [100],
    threads: [2],
    snapshots: [2000],
    viewers: [0, 20, 2000],
    sockets: [100, 1000],
    clients: [100],
    handoffs: [1980],
    jobs: [100],
    rooms: [50],
  },
};

function spread(sizes: number[], inOneCell: Params[]): Params[] {
  const distributions: Distribution[] = ["uniform", "clustered"];
  return [
    ...sizes.flatMap((n) => distributions.map((distribution) => ({ n, distribution }))),
    ...inOneCell.map((params) => ({ ...params, distribution: "one-cell" as const })),
  ];
}

export function casesOf(sizes: Sizes): Case[] {
  const list = (bench: string, unit: Unit, variants: string[], params: Params[]): Case[] =>
    params.map((each) => ({ bench, params: each, unit, variants }));
  const counts = (sizes: number[]): Params[] => sizes.map((n) => ({ n }));
  const indexes = [...KERNEL, ...JS, ...INDEXES];
  return [
    ...list("distance-squared", "ns/element", [...KERNEL, "js", ...NATIVE], counts(sizes.distances)),
    ...list("all-neighbours", "ms", indexes, spread(sizes.neighbours, sizes.neighboursInOneCell)),
    ...list("nearest-enemy", "ms", indexes, spread(sizes.enemies, sizes.enemiesInOneCell)),
    ...list("move", "ms", [...KERNEL, "js"], counts(sizes.crowds)),
    ...list("tick", "ms", [...KERNEL, "js"], counts(sizes.crowds)),
    ...list(
      "tick",
      "ms",
      KERNEL,
      sizes.worlds.map((n) => ({ n, world: "icecrown" })),
    ),
    ...list("zones", "ms", KERNEL, manyZones(sizes)),
    ...handoffs(sizes),
    ...snapshots(sizes),
    ...list("fanout", "us/frame", FANOUT_VARIANTS, fanouts(sizes)),
    ...list("end-to-end", METRICS.snapshots, END_TO_END_VARIANTS, counts(sizes.clients)),
    ...list("state", "ms", STATE_VARIANTS, counts(sizes.rooms)),
    ...list("path", "ms/path", [...KERNEL, "js", "pathfinding"], counts(sizes.paths)),
  ];
}

/** Without threads; then on threads, without scripts and with. */
function manyZones({ zones, threads }: Sizes): Params[] {
  const counts = zones.map((count) => ({ n: count * ZONE_ENTITIES, zones: count }));
  const ways = [false, true].flatMap((scripts) =>
    threads.flatMap((count) => (["auto", "off"] as const).map((spin) => ({ threads: count, spin, scripts }))),
  );
  return [...counts, ...ways.flatMap((way) => counts.map((count) => ({ ...count, ...way })))];
}

function snapshots({ snapshots, viewers }: Sizes): Case[] {
  return snapshots.flatMap((n) =>
    viewers.map((count): Case => {
      const variants = count === 0 ? WHOLE_VARIANTS : SNAPSHOT_VARIANTS;
      return { bench: "snapshot", params: { n, viewers: count }, unit: "ms", variants };
    }),
  );
}

function fanouts({ sockets }: Sizes): Params[] {
  return sockets.flatMap((n) => (["same", "own"] as const).map((scenario) => ({ n, scenario })));
}

function handoffs({ handoffs, jobs }: Sizes): Case[] {
  return Object.entries(HANDOFF_VARIANTS).flatMap(([name, variants]) => {
    const scenario = name as Scenario;
    // How long jobs take that compute is a time; the others are costs, n of which are a tick's.
    const unit = scenario === "busy-jobs" ? "ms" : "us/operation";
    const sizes = scenario.endsWith("-jobs") ? jobs : handoffs;
    return sizes.map((n) => ({ bench: "handoff", params: { n, scenario }, unit, variants: [...variants] }));
  });
}

/** What --filter looks at: bench/n/distribution, or the world, the scenario, or threads/spin-SPIN/KIND in its place. */
export function nameOf({ bench, params }: Pick<Case, "bench" | "params">): string {
  const { n, distribution, world, scenario, threads, spin, scripts, viewers, metric } = params;
  const way = threads === undefined ? undefined : `${threads}/spin-${spin}/${scripts ? "scripts" : "plain"}`;
  const sight = viewers === undefined ? undefined : viewers === 0 ? "whole" : `${viewers}-viewers`;
  return [bench, n, distribution ?? world ?? scenario ?? way, sight, metric]
    .filter((part) => part !== undefined)
    .join("/");
}
