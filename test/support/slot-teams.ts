/**
 * Threads that make the slots of one server after the other: a server costs milliseconds then and no thread's start. Homes are dealt anew for
 * each, and zones move between them.
 */
import { Worker } from "node:worker_threads";
import { runsInTicks } from "../../src/game/define.js";
import { type GamePlan, planGame } from "../../src/game/plan.js";
import { planData } from "../../src/game/plan-data.js";
import { loadKernel } from "../../src/kernel/load.js";
import { Zones } from "../../src/sim/zones.js";
import type { Spin } from "../../src/sync/waiter.js";
import type { Hashes } from "../../src/threads/crew.js";
import type { Kept } from "../../src/threads/keeper.js";
import { makeParts, openParts } from "../../src/threads/parts.js";
import { makePlayerParts, remoteZoneSpecs } from "../../src/threads/player-parts.js";
import { type Begin, type Done, GAMES, type Go } from "../slots.thread.js";
import { differences } from "./crews.js";
import { Random } from "./random.js";

const TICKS = 60;
/** Nobody plays. */
const SIZES = { players: 8, requestRingBytes: 4096, noticeRingBytes: 65_536, passed: 16 };
const THREAD = new URL("./slots.thread.js", import.meta.url);

export interface SeedOptions {
  seed: number;
  slots: number;
  spin?: Spin;
  /** Every how manieth notify is lost; default none. */
  lossy?: number;
}

export interface SeedRun {
  /** Zones that are not as without threads. */
  odd: string[];
  moved: number;
  lost: number;
  healed: number;
}

export class SlotTeam {
  readonly #threads: Worker[];

  /** Of up to so many slots. */
  constructor(slots: number) {
    this.#threads = Array.from({ length: slots }, () => new Worker(THREAD));
  }

  async run({ seed, slots, spin = "off", lossy = 0 }: SeedOptions): Promise<SeedRun> {
    const random = new Random(seed * 64 + slots);
    const game = GAMES[seed % 3 === 0 ? "herds" : "crossing"];
    if (game === undefined) throw new Error("no game");
    const zones = 2 + (seed % 7);
    const plan = await planGame(game, { settings: { zones, npcs: 12, bots: 3, players: 4, seed } });
    const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
    const shared = makeParts({
      ...{ slots, zones, tickRate: plan.tickRate },
      columns: Object.keys(plan.world.zone.columns ?? {}).length,
      gated: remotes.map(({ gates }) => gates.length > 0),
    });
    const kernel = await loadKernel({ shared: true, checked: false });
    const { parts: players } = makePlayerParts(slots, remotes, kernel, SIZES);
    const { board } = openParts(shared);
    const isScripted = runsInTicks(game);
    for (let zone = 0; zone < zones; zone++) board.setHome(zone, isScripted ? random.integer(0, slots - 1) : 0);
    const ticks = Array.from({ length: isScripted ? 4 : 0 }, () => random.integer(1, TICKS - 2)).sort((a, b) => a - b);
    const moves = ticks.map((tick) => [tick, random.integer(0, zones - 1), random.integer(0, slots - 1)] as const);
    const begin = { type: "begin", plan: planData(plan), shared, players, spin, lossy, ticks: TICKS, moves } as const;
    board.target = TICKS;
    const kept = await this.#all<Kept[]>(slots, (slot): Begin => ({ ...begin, slot }));
    const done = await this.#all<Done>(slots, (): Go => ({ type: "go", kept: kept.flat() }));
    const expected = await hashesOf(plan);
    const sum = (figure: "moved" | "lost" | "healed") => done.reduce((all, one) => all + one[figure], 0);
    return {
      odd: differences(
        done.flatMap(({ hashes }) => hashes),
        expected,
      ),
      moved: sum("moved"),
      lost: sum("lost"),
      healed: sum("healed"),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  /** Tells each of the first threads something, and resolves with their answers. */
  #all<T>(slots: number, message: (slot: number) => Begin | Go): Promise<T[]> {
    return Promise.all(
      this.#threads.slice(0, slots).map((thread, slot) => {
        return new Promise<T>((resolve, reject) => {
          thread.once("message", (answer: T) => {
            thread.off("error", reject);
            resolve(answer);
          });
          thread.once("error", reject);
          thread.postMessage(message(slot));
        });
      }),
    );
  }
}

/** Without threads: up to who asks at the gates in the last tick, as threads answer these at the start of the next. */
async function hashesOf(plan: GamePlan): Promise<Hashes> {
  const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings });
  for (let tick = 1; tick < TICKS; tick++) zones.step();
  zones.begin(TICKS);
  for (let i = zones.nextAwake(0); i >= 0; i = zones.nextAwake(i + 1)) {
    zones.decide(i);
    zones.at(i)?.step(TICKS);
  }
  zones.depart();
  const hashes = zones.all.map((world, i) => [i, world.hash(), world.digests()] as const);
  zones.close();
  return hashes;
}
