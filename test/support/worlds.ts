/** Small maps by drawing, and zones on them. */
import { defineGame, type Game } from "../../src/game/define.js";
import { planGame } from "../../src/game/plan.js";
import { loadKernel } from "../../src/kernel/load.js";
import type { Kernel } from "../../src/kernel/types.js";
import type { MapData } from "../../src/maps/types.js";
import type { StreamPlan } from "../../src/protocol/view.js";
import { Passage } from "../../src/sim/passage.js";
import { World } from "../../src/sim/world.js";
import { type Guard, Zones } from "../../src/sim/zones.js";

/** `.` ground, `#` blocked, `~` water; a tile is 32 units. */
export function drawn(...rows: readonly string[]): MapData {
  const width = rows[0]?.length ?? 0;
  const tiles = Uint8Array.from(rows.join(""), (tile) => [".", "#", "~"].indexOf(tile));
  return { width, height: rows.length, tileSize: 32, tiles };
}

/** A square of ground inside walls. side: tiles, walls included. */
export function field(side: number): MapData {
  const wall = "#".repeat(side);
  const row = `#${".".repeat(side - 2)}#`;
  return drawn(wall, ...Array.from({ length: side - 2 }, () => row), wall);
}

/** The kinds of the game below. */
export const KIND_PLAYER = 0;
export const KIND_WALKER = 1;

/** As many walkers as there are NPCs asked for, who stroll about; players who enter at a free place. No fighting. */
export const WALKERS = defineGame({
  name: "walkers",
  archetypes: { player: {}, walker: { brain: "hunter", wander: 160, speed: 60 } },
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("walker");
      world.spawn("walker", x, y);
    }
  },
});

export interface TestZones {
  game: Game;
  map: MapData;
  /** How many. */
  zones: number;
  /** Of each zone. */
  npcs: number;
  bots: number;
  players: number;
  tickRate: number;
  seed: number;
  guard: Guard | null;
  /** Milliseconds. */
  now: () => number;
  kernel: Kernel;
  streams: StreamPlan;
}

export async function zonesOf(spec: Partial<TestZones> = {}): Promise<Zones> {
  const plan = await planOf(spec);
  const kernel = spec.kernel ?? (await loadKernel());
  return Zones.create(kernel, { ...plan, ...plan.settings, guard: spec.guard ?? null, now: spec.now ?? (() => 0) });
}

/** One world without the rest. */
export async function worldOf(spec: Partial<TestZones> = {}): Promise<World> {
  const { gates, world } = await planOf(spec);
  const kernel = spec.kernel ?? (await loadKernel());
  return new World(kernel, { ...world, name: "zone-0", seed: spec.seed ?? 1, gates });
}

/** What games are planned with. A game with a map of its own gets it where none is given. */
export function planOf({ game = WALKERS, map, npcs = 0, bots = 0, ...spec }: Partial<TestZones>) {
  const { zones, players, seed = 1, tickRate = 60 } = spec;
  const ground = map ?? (game.definition.map === undefined ? field(64) : undefined);
  // Rooms say it themselves.
  const size = game.definition.rooms === undefined ? { zones: zones ?? 1, players: players ?? 64 } : {};
  return planGame(game, {
    settings: { npcs, bots, ...size, ...(zones === undefined ? {} : { zones }), seed },
    tickRate,
    ...(ground === undefined ? {} : { map: ground }),
    ...(spec.streams && { streams: spec.streams }),
  });
}

/** After a step of all of some worlds: their crossers are answered. Returns how many cross. */
export function answerGates(worlds: readonly World[]): number {
  const passages = worlds.map((world) => {
    const passage = new Passage(world.zone.entityBytes);
    world.depart(
      passage,
      Int32Array.from(world.gates, ({ to }) => worlds.findIndex(({ name }) => name === to)),
    );
    return passage;
  });
  for (const [i, passage] of passages.entries()) {
    for (let record = 0; record < passage.count(worlds[i]?.zone.tick ?? 0); record++) {
      const gate = worlds[i]?.gates[passage.gate(record)];
      if (gate !== undefined) worlds[passage.to(record)]?.receive(passage, record, gate);
    }
  }
  return worlds.reduce((gone, world, i) => gone + world.settle(passages[i] as Passage), 0);
}
