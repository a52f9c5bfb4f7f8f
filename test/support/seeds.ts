/** One seed of the long runs of CI (.ci/seeds.mjs): both games, each in several builds, with visitors and invariants. */
import arena from "../../examples/arena.js";
import table from "../../examples/arena.json" with { type: "json" };
import evacuation from "../../examples/evacuation.js";
import { GyreError } from "../../src/errors.js";
import type { Game } from "../../src/game/define.js";
import { loadKernel } from "../../src/kernel/load.js";
import type { Kernel } from "../../src/kernel/types.js";
import type { MapData } from "../../src/maps/types.js";
import { randomTiles } from "./kernels.js";
import { Random } from "./random.js";
import { checkWorld, Ledger, Visitors } from "./visitors.js";
import { zonesOf } from "./worlds.js";

/** Ticks from one look at everything to the next. */
const CHECK_TICKS = 500;
/** Every so many seeds the checked kernel plays too, which looks at everything after each tick. */
const CHECKED_SEEDS = 10;
const HARMABLE = Object.values(table).map(({ hp }) => hp > 0);

export interface Played {
  runs: number;
  ticks: number;
  deaths: number;
  crossings: number;
  drills: number;
}

/** Throws with the seed, the game and the tick at which something is wrong, or with the hashes that differ. */
export async function playSeed(seed: number, ticks: number): Promise<Played> {
  const builds = [
    await loadKernel({ build: "simd", checked: false }),
    await loadKernel({ build: "scalar", checked: false }),
  ];
  if (seed % CHECKED_SEEDS === 0) builds.push(await loadKernel({ checked: true }));
  const random = new Random(seed);
  const side = random.integer(8, 20);
  const map = { width: side, height: side, tileSize: 32, tiles: randomTiles(random, side, side, random.float() / 4) };
  const options = { seed, npcs: random.integer(0, 60), bots: random.integer(0, 4), zones: random.integer(1, 2) };
  const played: Played = { runs: 0, ticks: 0, deaths: 0, crossings: 0, drills: 0 };
  await playIn(builds, "arena", arena, { ...options, map }, ticks, HARMABLE, played);
  await playIn(builds, "evacuation", evacuation, { ...options, zones: 1 }, ticks, [], played);
  return played;
}

interface Options {
  seed: number;
  npcs: number;
  bots: number;
  zones: number;
  map?: MapData;
}

async function playIn(
  builds: readonly Kernel[],
  name: string,
  game: Game,
  options: Options,
  ticks: number,
  harmable: readonly boolean[],
  played: Played,
): Promise<void> {
  const hashes: string[] = [];
  for (const kernel of builds) {
    try {
      hashes.push(await play(kernel, game, options, ticks, harmable, played));
    } catch (error) {
      const message = error instanceof GyreError || error instanceof Error ? error.message : String(error);
      throw new Error(`seed ${options.seed}, ${name}, ${kernel.build}: ${message}`, { cause: error });
    }
  }
  if (new Set(hashes).size !== 1) throw new Error(`seed ${options.seed}, ${name}: the builds differ: ${hashes}`);
}

async function play(
  kernel: Kernel,
  game: Game,
  options: Options,
  ticks: number,
  harmable: readonly boolean[],
  played: Played,
): Promise<string> {
  const ledger = new Ledger();
  const zones = await zonesOf({ game: ledger.watch(game), kernel, ...options });
  const visitors = new Visitors(zones.all, options.seed, 6);
  for (let tick = 1; tick <= ticks; tick++) {
    visitors.act();
    zones.step();
    if (tick % CHECK_TICKS !== 0) continue;
    for (const world of zones.all) checkWorld(world, harmable);
    ledger.check(zones.all);
  }
  const state = JSON.parse(zones.get().rules.parts().get("state") ?? "") as { drill?: number };
  played.runs++;
  played.ticks += ticks * zones.all.length;
  played.deaths += ledger.deaths;
  played.crossings += zones.transfers;
  played.drills += state.drill ?? 0;
  const hash = zones.all.map((world) => world.hash().toString(16)).join(" ");
  zones.close();
  return hash;
}
