/**
 * `tick` with everything on: how long is a tick of a world in which thousands hunt, find their ways around the walls of a real map by
 * flow fields, fight, die and come back, with their events read? `zones` without threads: the same
 * for many small zones, all ticked one after the other.
 *
 * One in twenty is a player who walks about and strikes; the others are two kinds of hunters. There is no rival in JavaScript here: the
 * parts that have one are in `move`, `tick` without a world, `nearest-enemy` and `path`.
 */
import { existsSync, readFileSync } from "node:fs";
import type { Archetype, Kernel, Zone, ZoneEvent } from "../src/kernel.js";
import { kernelOf } from "./gyre.js";
import type { Contenders, Operation, Params } from "./operation.js";
import { random } from "./points.js";

const MAP = new URL("../../../shared/data/movingai/icecrown.map", import.meta.url);
const TILE = 32;
/** Tiles a side of the map in place of icecrown, and of a small zone. */
const SIDE = 512;
const ZONE_SIDE = 40;
/** Of the tiles of those maps. */
const BLOCKED_FRACTION = 0.15;
const PLAYERS_OF_100 = 5;
/** A player turns once in so many ticks. */
const TURN_EVERY = 40;

const ARCHETYPES: readonly Archetype[] = [
  // Players.
  {
    hp: 100,
    attack: 15,
    defence: 2,
    spread: 0.2,
    reach: 28,
    arc: 2.5,
    cleave: 2,
    cooldown: 0.5,
    respawn: 1,
    levelXp: 100,
    levelHp: 10,
  },
  {
    team: 1,
    hp: 60,
    attack: 8,
    defence: 1,
    spread: 0.2,
    reach: 22,
    arc: 3,
    cooldown: 1,
    brain: "hunter",
    sight: 200,
    leash: 600,
    wander: 100,
    separation: 6,
    respawn: 10,
    xp: 20,
    gold: 3,
    speed: 110,
  },
  {
    team: 1,
    hp: 120,
    attack: 14,
    defence: 4,
    spread: 0.2,
    reach: 24,
    arc: 3,
    cooldown: 1.5,
    brain: "hunter",
    sight: 120,
    leash: 300,
    wander: 60,
    separation: 8,
    respawn: 20,
    xp: 50,
    gold: 9,
    speed: 90,
    halfSize: 10,
  },
];

interface Ground {
  /** Tiles a side. */
  side: number;
  tiles: Uint8Array;
}

function icecrown(): Ground {
  const rows = readFileSync(MAP, "utf8")
    .split("\n")
    .slice(4)
    .filter((line) => line !== "");
  const tiles = Uint8Array.from(rows.join(""), (tile) => (".GS".includes(tile) ? 0 : tile === "W" ? 2 : 1));
  return { side: rows.length, tiles };
}

function scattered(side: number, seed: number): Ground {
  const next = random(seed);
  return { side, tiles: Uint8Array.from({ length: side * side }, () => (next() < BLOCKED_FRACTION ? 1 : 0)) };
}

class World {
  readonly zone: Zone;
  readonly #players: number[] = [];
  readonly #event = { type: 0 } as ZoneEvent;
  readonly #next: () => number;
  #events = 0;

  constructor(kernel: Kernel, { side, tiles }: Ground, n: number, seed: number) {
    this.#next = random(seed);
    this.zone = kernel.createZone({
      width: side * TILE,
      height: side * TILE,
      capacity: n,
      tileSize: TILE,
      tiles,
      seed,
      archetypes: ARCHETYPES,
      eventCapacity: 16_384,
      flowFields: Math.min(64, Math.max(4, Math.ceil(n / 100))),
    });
    const free = Uint32Array.from(tiles.keys()).filter((tile) => tiles[tile] === 0);
    for (let i = 0; i < n; i++) this.#spawn(free, side, i % 100 < PLAYERS_OF_100 ? 0 : 1 + (i & 1));
  }

  /** Where there is room: the larger of the hunters does not fit between two walls. */
  #spawn(free: Uint32Array, side: number, kind: number): void {
    const tile = free[Math.floor(this.#next() * free.length)]!;
    const id = this.zone.spawn({ kind, x: ((tile % side) + 0.5) * TILE, y: (Math.floor(tile / side) + 0.5) * TILE });
    if (kind === 0) this.#players.push(id);
  }

  prepare(turn: number): void {
    for (let i = turn % TURN_EVERY; i < this.#players.length; i += TURN_EVERY) {
      this.zone.move(this.#players[i]!, this.#next() * 2 - 1, this.#next() * 2 - 1);
    }
    for (const id of this.#players) this.zone.act(id, 1);
  }

  run(): void {
    this.zone.step();
    while (this.zone.events.next(this.#event)) this.#events++;
  }

  /** Of the state, and of how much happened. */
  checksum(): number {
    return (Number(this.zone.hash() & 0xffffffffn) ^ this.#events) >>> 0;
  }
}

async function everything(build: "simd" | "scalar", { n }: Params): Promise<Operation> {
  const kernel = await kernelOf(build);
  const ground = existsSync(MAP) ? icecrown() : scattered(SIDE, 1);
  return new World(kernel, ground, n, 7);
}

/** One after the other, on this thread. */
export async function manyZones(build: "simd" | "scalar", { n, zones = 1 }: Params): Promise<Operation> {
  const kernel = await kernelOf(build);
  const worlds = Array.from(
    { length: zones },
    (_, i) => new World(kernel, scattered(ZONE_SIDE, i + 1), n / zones, i + 1),
  );
  return {
    prepare(turn) {
      for (const world of worlds) world.prepare(turn);
    },
    run() {
      for (const world of worlds) world.run();
    },
    checksum: () => worlds.reduce((sum, world) => (Math.imul(sum, 31) + world.checksum()) >>> 0, 0),
  };
}

export const worldContenders: Contenders = {
  simd: (params) => everything("simd", params),
  scalar: (params) => everything("scalar", params),
};
