/** Sim workers whose clock is the test. */

import { fileURLToPath } from "node:url";
import type { WorkerOptions } from "node:worker_threads";
import { defineGame, type Game, runsInTicks } from "../../src/game/define.js";
import { type GamePlan, planGame } from "../../src/game/plan.js";
import { planData } from "../../src/game/plan-data.js";
import type { GameDefinition, OwnColumns, Settings } from "../../src/game/types.js";
import { loadKernel } from "../../src/kernel/load.js";
import { instancesOf } from "../../src/sim/template.js";
import { Zones } from "../../src/sim/zones.js";
import { sharedClock } from "../../src/threads/clock.js";
import { Crew, type Failure, type Hashes } from "../../src/threads/crew.js";
import { makeParts, openParts } from "../../src/threads/parts.js";
import { makePlayerParts, openRemoteZones, remoteZoneSpecs } from "../../src/threads/player-parts.js";
import { makeTapes, TapeState } from "../../src/threads/tape.js";
import { Tapes } from "../../src/threads/tapes.js";

const ENTRY = new URL("../js/worker.js", import.meta.url);

/** A game of test/games by its definition, and the file that other threads load. */
export function gameIn<S, const C extends OwnColumns>(name: string, definition: GameDefinition<S, C>) {
  return { game: defineGame(definition), file: fileURLToPath(new URL(`games/${name}.js`, import.meta.url)) };
}

export interface TestCrew {
  game: Game;
  file: string;
  settings: Partial<Settings>;
  slots: number;
  spin?: "auto" | "off";
  /** Default: none. On a busy machine a thread that waits for its core would be replaced, which is another history where zones have gates. */
  watchdogMs?: number;
  worker?: WorkerOptions;
  /** Takes a recording. */
  record?: (bytes: Uint8Array) => void;
  /** Bytes of a slot's tape. */
  tapeBytes?: number;
  /** By number. Default: none is known. */
  actions?: readonly string[];
}

export const timers = {
  now: sharedClock(),
  setTimeout: (callback: () => void, ms: number) => setTimeout(callback, ms),
};

/** Threads that tick when they are told to, by advanceTo. */
export async function crewOf({ game, file, settings, slots, spin = "auto", actions = [], ...more }: TestCrew) {
  const { record, tapeBytes, watchdogMs = Number.POSITIVE_INFINITY, ...rest } = more;
  const plan = await planGame(game, { settings });
  const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
  const parts = makeParts(shapeOf(plan, slots));
  const { parts: players, replicas } = makePlayerParts(slots, remotes, { shared: true, checked: false });
  const opened = openParts(parts);
  for (let i = 0; i < plan.settings.zones; i++) opened.board.setHome(i, runsInTicks(game) ? i % slots : 0);
  opened.board.target = 0;
  const failures: Failure[] = [];
  const tapes = record === undefined ? null : makeTapes(slots, tapeBytes);
  let recording: Tapes | null = null;
  const venues = openRemoteZones(players, replicas, remotes, opened.board, (name) =>
    Math.max(0, actions.indexOf(name)),
  );
  const crew = await Crew.start({
    ...{ watchdogMs, ...rest },
    board: opened.board,
    entry: ENTRY,
    data: {
      game: file,
      plan: planData(plan),
      kernel: { shared: true },
      spin,
      parts,
      players,
      tapes,
    },
    timers,
    onTicks() {
      venues.drain();
      recording?.endTick();
    },
    failures: opened.failures,
    onFailure: (failure) => failures.push(failure),
    onStray: () => {},
    onUnkept: () => {},
  });
  if (record !== undefined && tapes !== null) {
    recording = new Tapes({
      ...{ board: opened.board, tapes, map: plan.map, zones: plan.settings.zones, write: record },
      header: {
        game: { name: plan.name, file, digest: "" },
        ...{ layoutVersion: 0, kernel: "", tickRate: plan.tickRate, settings: plan.settings, parts: crew.parts },
      },
    });
  }
  return { ...opened, crew, plan, failures, venues, recording, tapeState: tapes && new TapeState(tapes) };
}

/** What differs, by zone and part. */
export function differences(found: Hashes, expected: Hashes): string[] {
  const odd = expected.flatMap(([zone, hash, digests]) => {
    const [, its, parts = new Map<string, bigint>()] = found.find(([other]) => other === zone) ?? [];
    if (its === hash) return [];
    return [
      `zone ${zone}: ${[...digests].filter(([name, digest]) => parts.get(name) !== digest).map(([name]) => name)}`,
    ];
  });
  return found.length === expected.length ? odd : [`${found.length} zones of ${expected.length}`, ...odd];
}

export async function hashesWithoutThreads({ game, settings }: Pick<TestCrew, "game" | "settings">, ticks: number) {
  const plan = await planGame(game, { settings });
  const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings });
  for (let tick = 0; tick < ticks; tick++) zones.step();
  const hashes: Hashes = zones.all.map((world, i) => [i, world.hash(), world.digests()]);
  const { transfers } = zones;
  const faults = zones.all.flatMap(({ fault }) => fault?.message ?? []);
  zones.close();
  if (faults.length > 0) throw new Error(`without threads: ${faults.join("; ")}`);
  return { hashes, transfers };
}

function shapeOf(plan: GamePlan, slots: number) {
  const { zones } = plan.settings;
  const gated = instancesOf(zones, plan.templates).map(({ name }) => plan.gates.some(({ zone }) => zone === name));
  return { slots, zones, tickRate: plan.tickRate, columns: Object.keys(plan.world.zone.columns ?? {}).length, gated };
}
