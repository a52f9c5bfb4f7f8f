/** Walkers with and without players, who go through gates all the time; hooks, state, timers and columns of their own. */
import { defineGame, type EntityId, type GameDefinition, type GameWorld } from "gyre";
import { BRAWLERS } from "../support/brawlers.js";

interface State {
  arrivals: number;
  names: string[];
  rounds: number;
}

const COLUMNS = { trips: { type: "u16", replicate: true } } as const;
type World = GameWorld<State, typeof COLUMNS>;

const SIDE = 16;
const FIELD = { width: SIDE, height: SIDE, tileSize: 32, tiles: new Uint8Array(SIDE * SIDE) };

function trips(world: World, id: EntityId, more: number): number {
  const slot = world.zone.slot(id);
  world.own.trips[slot] = (world.own.trips[slot] ?? 0) + more;
  return world.own.trips[slot] ?? 0;
}

export const definition: GameDefinition<State, typeof COLUMNS> = {
  name: "crossing",
  map: FIELD,
  capacity: 240,
  columns: COLUMNS,
  archetypes: BRAWLERS,
  // East to the next, west to the one before.
  gates: ({ zones }) =>
    Array.from({ length: zones }, (_, i) => [
      { zone: `zone-${i}`, x0: 380, y0: 0, x1: 512, y1: 512, to: `zone-${(i + 1) % zones}`, x: 220, y: 250, all: true },
      {
        zone: `zone-${i}`,
        x0: 0,
        y0: 0,
        x1: 130,
        y1: 512,
        to: `zone-${(i + zones - 1) % zones}`,
        x: 290,
        y: 250,
        all: true,
      },
    ]).flat(),
  state: () => ({ arrivals: 0, names: [], rounds: 0 }),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("drifter");
      world.spawn("drifter", x, y);
    }
    world.after(20, "round");
  },
  join(world, { name }) {
    world.state.names = [name, ...world.state.names].slice(0, 4);
    return world.spawn("walker", 200 + (world.random() % 100), 200 + (world.random() % 100));
  },
  arrive(world, player) {
    world.state.arrivals += trips(world, player.entity, 1);
    world.tell("arrived", { name: player.name, trips: world.state.arrivals }, { x: 220, y: 250, radius: 200 });
  },
  timer(world) {
    world.state.rounds++;
    world.after(10 + (world.random() % 20), "round");
    world.tell("round", world.state.rounds);
    // Order of queries counts: what it does to the ones it finds, it does in the order in which they are found.
    const found = new Uint32Array(8);
    const n = Math.min(found.length, world.zone.queryRadius(256, 256, 120, found));
    for (let i = 0; i < n; i++) {
      world.zone.move(found[i] ?? 0, (world.random() % 3) - 1, (world.random() % 3) - 1);
      if (world.random() % 50 === 0 && world.playerOf(found[i] ?? 0) === undefined) world.zone.despawn(found[i] ?? 0);
    }
  },
  death(world, { source }) {
    if (world.zone.slot(source) >= 0) trips(world, source, 2);
    if (world.random() % 4 === 0 && world.zone.count < world.zone.capacity / 2) world.spawn("drifter", 256, 256);
  },
  systems: [
    {
      name: "push",
      every: 7,
      run(world) {
        for (const { entity } of world.players) {
          if (entity !== 0) world.zone.move(entity, world.random() % 2 === 0 ? 1 : -1, 0);
        }
      },
    },
  ],
};

export default defineGame(definition);
