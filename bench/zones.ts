/**
 * `zones` on threads: how long is a tick of many small zones that sim workers run, from when the main thread asks for it until all threads have
 * arrived? It is awaited asleep, or spinning for a moment where the workers do, so the figure holds the hand-over and the way back.
 *
 * Zones with scripts are at home with a thread each; of those without, whoever is free takes the next. The rows without threads are in world.ts.
 */
import { fileURLToPath } from "node:url";
import { defineGame, runsInTicks } from "../src/game/define.js";
import { planGame } from "../src/game/plan.js";
import { planData } from "../src/game/plan-data.js";
import type { Zone } from "../src/kernel.js";
import { Waiter } from "../src/sync/waiter.js";
import { Crew } from "../src/threads/crew.js";
import { makeParts, openParts } from "../src/threads/parts.js";
import { makePlayerParts, openRemoteZones, remoteZoneSpecs } from "../src/threads/player-parts.js";
import { kernelOf } from "./gyre.js";
import { type Contenders, mix, type Operation, type Params } from "./operation.js";
import { manyZones } from "./world.js";
import { BOTS, NPCS, definition as plain } from "./zones-game.js";
import { definition as scripts } from "./zones-scripts.js";

const ENTRY = new URL("../js/worker.js", import.meta.url);
/** Milliseconds of one look whether all have arrived: more than any tick. */
const LOOK_MS = 1000;
/** Nobody but the workers and who waits for them wants to run: they may spin on as many cores as there are. */
const CORES = Number.POSITIVE_INFINITY;

const now = (): number => performance.now();

/** Ticks of sim workers, one by one. */
async function onThreads(build: "simd" | "scalar", params: Params): Promise<Operation> {
  const { zones = 1, threads = 1, spin = "off" } = params;
  const game = defineGame(params.scripts === true ? scripts : plain);
  const file = fileURLToPath(new URL(params.scripts === true ? "zones-scripts.js" : "zones-game.js", import.meta.url));
  const plan = await planGame(game, { settings: { zones, npcs: NPCS, bots: BOTS, players: 1, seed: 1 } });
  const kernel = { build, checked: false, shared: true };
  const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
  const gated = remotes.map(() => false);
  const parts = makeParts({ slots: threads, zones, tickRate: plan.tickRate, columns: 0, gated });
  const { parts: players, replicas } = makePlayerParts(threads, remotes, kernel, { players: 1 });
  const { board, failures } = openParts(parts);
  for (let zone = 0; zone < zones; zone++) board.setHome(zone, runsInTicks(game) ? zone % threads : 0);
  board.target = 0;
  const venues = openRemoteZones(players, replicas, remotes, board, () => 0);
  const crew = await Crew.start({
    board,
    entry: ENTRY,
    data: { game: file, plan: planData(plan), kernel, spin, cores: CORES, parts, players },
    timers: { now, setTimeout },
    failures,
    onTicks: () => venues.drain(),
    onFailure: ({ reason }) => fail(reason),
    onUnkept: () => {},
    onStray: fail,
  });
  const views = await viewsOf(build, crew);
  const waiter = new Waiter({ now, spin });
  let tick = 0;
  return {
    prepare: () => venues.drain(),
    run() {
      const { words, index } = board.mainBell;
      board.target = ++tick;
      for (let seen = board.mainBell.value; !board.haveArrived(tick); seen = board.mainBell.value) {
        waiter.wait(words, index, seen, now() + LOOK_MS);
      }
    },
    checksum: () => views.reduce((sum, zone) => mix(sum, Number(zone.hash() & 0xffffffffn)), 0) >>> 0,
    close: () => crew.close(),
  };
}

/** The zones as this thread sees them. */
async function viewsOf(build: "simd" | "scalar", { kept }: Crew): Promise<Zone[]> {
  const kernel = await kernelOf(build, true);
  return [...kept.values()].sort((a, b) => a.zone - b.zone).map(({ handle }) => kernel.attachZone(handle));
}

function fail(reason: string): never {
  throw new Error(reason);
}

function zonesOf(build: "simd" | "scalar", params: Params): Promise<Operation> {
  return params.threads === undefined ? manyZones(build, params) : onThreads(build, params);
}

export const zonesContenders: Contenders = {
  simd: (params) => zonesOf("simd", params),
  scalar: (params) => zonesOf("scalar", params),
};
