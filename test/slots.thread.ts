/** A thread of test/support/slot-teams.ts: makes one slot of a server anew for each that it is told of, and runs it to its last tick. */
import { parentPort } from "node:worker_threads";
import { defineGame, type Game } from "../src/game/define.js";
import { type PlanData, resumePlan } from "../src/game/plan-data.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Spin } from "../src/sync/waiter.js";
import type { Hashes } from "../src/threads/crew.js";
import type { Kept } from "../src/threads/keeper.js";
import type { SharedParts } from "../src/threads/parts.js";
import type { PlayerParts } from "../src/threads/player-parts.js";
import { definition as crossing } from "./games/crossing.js";
import { definition as herds } from "./games/herds.js";
import { openSlot } from "./support/slot-here.js";

/** What may be played. */
export const GAMES: Readonly<Record<string, Game>> = { crossing: defineGame(crossing), herds: defineGame(herds) };

export interface Begin {
  readonly type: "begin";
  readonly slot: number;
  readonly plan: PlanData;
  readonly shared: SharedParts;
  readonly players: PlayerParts;
  readonly spin: Spin;
  /** Every how manieth notify is lost; 0 for none. */
  readonly lossy: number;
  readonly ticks: number;
  /** After which tick somebody asks for which zone to be at home where: tick, zone, slot. */
  readonly moves: readonly (readonly [number, number, number])[];
}

export interface Go {
  readonly type: "go";
  readonly kept: readonly Kept[];
}

export interface Done {
  /** By zone at home. */
  readonly hashes: Hashes;
  /** Moves that were begun. */
  readonly moved: number;
  /** Notifies that were lost, and sleeps that ended without one. */
  readonly lost: number;
  readonly healed: number;
}

const TURN_MS = 20;
const kernel = await loadKernel({ shared: true, checked: false });
let run: (kept: readonly Kept[]) => Done = () => {
  throw new Error("nothing was begun");
};

async function begin({ slot, plan: data, shared, players, spin, lossy, ticks, moves }: Begin): Promise<Kept[]> {
  const game = GAMES[data.name];
  if (game === undefined) throw new Error(`no game ${data.name}`);
  const plan = await resumePlan(game, data);
  let rings = 0;
  let moved = 0;
  const notify = (words: Int32Array, index: number): unknown => {
    return lossy !== 0 && ++rings % lossy === 0 ? 0 : Atomics.notify(words, index);
  };
  const due = slot === 0 ? [...moves] : [];
  const { board, zones, keeper, loop, waiter, now } = openSlot({
    ...{ slot, game, plan, kernel, shared, players, spin, notify },
    onTick: (tick) => {
      const [at = Number.POSITIVE_INFINITY, zone = 0, to = 0] = due[0] ?? [];
      if (tick < at) return;
      due.shift();
      if (board.home(zone) !== to && board.askMove(zone, to)) moved++;
    },
  });
  const kept = keeper.begin();
  run = (all) => {
    keeper.learn(all);
    while (!board.areAllAt(ticks)) loop.run(now() + TURN_MS);
    const hashes: Hashes = Array.from({ length: zones.count }, (_, i) => i).flatMap((i) => {
      const world = zones.at(i);
      return world === undefined || world.fault !== null ? [] : [[i, world.hash(), world.digests()] as const];
    });
    zones.close();
    return { hashes, moved, lost: lossy === 0 ? 0 : Math.floor(rings / lossy), healed: waiter.healed };
  };
  return kept;
}

parentPort?.on("message", async (message: Begin | Go) => {
  parentPort?.postMessage(message.type === "begin" ? await begin(message) : run(message.kept));
});
