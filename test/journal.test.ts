/** Zones that are taken up from their journals, wherever their threads ended, tell the story of zones that nothing happened to. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import arena from "../examples/arena.js";
import { defineGame, type Game } from "../src/game/define.js";
import { loadKernel } from "../src/kernel/load.js";
import { type KeptSpec, KeptZones } from "./support/kept.js";
import { field, WALKERS } from "./support/worlds.js";

const KERNELS = await Promise.all(
  (["auto", "scalar"] as const).flatMap((build) => [
    loadKernel({ build, shared: true }),
    loadKernel({ build, shared: true, checked: true }),
  ]),
);

/** Everything that a game can have: state, timers, columns, events of its own, fields, path requests, gates that beasts go through as well. */
const RAID: Game = defineGame({
  name: "raid",
  map: field(20),
  columns: { kills: "u16", mood: "f32" },
  actions: ["shout"],
  zone: { flowFields: 6, pathRequests: 8, eventCapacity: 32 },
  capacity: ({ npcs }) => npcs + 12,
  archetypes: {
    player: { hp: 60, attack: 8, reach: 24, team: 1, cooldown: 0.2, corpse: 0.5, levelXp: 20, levelHp: 10, speed: 300 },
    wolf: {
      ...{ hp: 30, attack: 5, reach: 8, team: 2, cooldown: 0.4, respawn: 1, xp: 10, gold: 3, spread: 0.3 },
      ...{ brain: "hunter", sight: 160, leash: 300, wander: 60, separation: 4 },
    },
    ghost: { hp: 5, team: 3, speed: 90 },
  },
  gates: ({ zones }) =>
    Array.from({ length: zones }, (_, i) => [
      { zone: `zone-${i}`, x0: 480, y0: 100, x1: 600, y1: 500, to: `zone-${(i + 1) % zones}`, x: 120, y: 300 },
      { zone: `zone-${i}`, x0: 40, y0: 40, x1: 600, y1: 90, to: `zone-${(i + 2) % zones}`, x: 300, y: 550, all: true },
    ]).flat(),
  state: () => ({ deaths: 0, log: [] as string[], fields: [] as number[] }),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("wolf");
      world.spawn("wolf", x, y);
    }
    world.after(7, "again", { n: 1 });
    world.state.fields.push(world.zone.openField([300, 300]));
  },
  input(world, player, { actionName }) {
    const slot = world.zone.slot(player.entity);
    world.own.mood[slot] = (world.own.mood[slot] ?? 0) + 0.1;
    if (actionName === "shout") world.tell("shout", { by: player.name, near: nearby(world, slot) }, player);
  },
  join(world, player) {
    world.tell("hello", { tick: world.tick }, player);
    if (player.seat % 5 === 4) return undefined;
    const { x, y } = world.freePlace();
    return world.spawn("player", x, y);
  },
  leave(world, player) {
    world.state.log.push(`${player.name} left at ${world.tick}`);
  },
  arrive(world, player) {
    world.state.log.push(player.name);
    if (world.state.log.length > 20) world.state.log.splice(0, 10);
  },
  depart(world, player, to) {
    world.tell("gone", { name: player.name, to });
  },
  stay(world, player) {
    world.after(3, "stayed", player.seat);
  },
  death(world, { source, target, x, y }) {
    world.state.deaths++;
    const slot = world.zone.slot(source);
    if (slot >= 0) world.own.kills[slot] = (world.own.kills[slot] ?? 0) + 1;
    world.zone.emit(64, false, source, target, 1, 2, x, y);
    // After the step: what queries find in the next tick depends on it.
    if (world.random() % 3 === 0) ghost(world, x, y);
    const [found = 0] = world.zone.slot(target) < 0 ? [] : [target];
    if (world.random() % 8 === 0 && world.playerOf(found) === undefined) world.zone.despawn(found);
  },
  event(world, { type, target }) {
    const slot = world.zone.slot(target);
    if (slot >= 0 && world.random() % 16 === 0) world.zone.columns.team[slot] = 1 + (type % 3);
  },
  gone(world, player) {
    const { x, y } = world.freePlace();
    world.tell("again", null, player);
    return player.seat % 2 === 0 ? world.spawn("player", x, y) : undefined;
  },
  timer(world, name, data) {
    world.after(1 + (world.random() % 9), name, data ?? null);
    if (name === "again") world.zone.paths.request(world.tick, 100, 100, 500, 500);
    const isAnswered = world.zone.paths.next(ANSWER, WAY);
    world.state.log.push(isAnswered ? `${name} ${ANSWER.ticket} ${ANSWER.cost} ${WAY[4]}` : name);
  },
  systems: [
    {
      name: "watch",
      every: 11,
      run(world) {
        const found = new Uint32Array(16);
        world.state.log.push(`${world.zone.queryRadius(300, 300, 200, found)}: ${found.slice(0, 4).join()}`);
        if (world.state.log.length > 30) world.state.log.length = 3;
        const [field = 0] = world.state.fields;
        for (const id of found) world.zone.follow(id, world.random() % 2 === 0 ? field : 0);
      },
    },
  ],
});
const ANSWER = { ticket: 0, requester: 0, cost: 0, points: 0 };
const WAY = new Float32Array(64);

type RaidWorld = Parameters<NonNullable<typeof RAID.definition.setup>>[0];

function nearby(world: RaidWorld, slot: number): number {
  const out = new Uint32Array(4);
  const { x, y } = world.zone.columns;
  world.zone.queryRadius(x[slot] ?? 0, y[slot] ?? 0, 150, out);
  return out.reduce((sum, id) => (sum * 31 + id) >>> 0, 0);
}

function ghost(world: RaidWorld, x: number, y: number): void {
  try {
    world.spawn("ghost", x, y);
  } catch {
    // There is a wall, or no room.
  }
}

const games: [string, Partial<KeptSpec> & { game: Game }, number][] = [
  ["a raid in 3 zones", { game: RAID, zones: 3, npcs: 40, players: 12, bots: 3 }, 250],
  ["a raid in 3 zones that sleep", { game: RAID, zones: 3, npcs: 5, players: 2, bots: 1, sleepAfterTicks: 12 }, 250],
  ["the arena in 2 zones", { game: arena, zones: 2, npcs: 60, players: 6, bots: 4 }, 150],
  ["walkers of no hooks", { game: WALKERS, map: field(16), zones: 2, npcs: 50, players: 10, bots: 2 }, 150],
];

for (const [what, spec, ticks] of games) {
  const SEEDS = 12;
  test(`${what}: their threads end wherever they may in ${ticks} ticks, for ${SEEDS} seeds: every hash and every callback is as without`, async () => {
    let [ends, resets, crossings] = [0, 0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const kernel = KERNELS[seed % KERNELS.length];
      if (kernel === undefined) throw new Error("no kernel");
      const all: KeptSpec = { zones: 2, ...spec, kernel, seed };
      const alone = await KeptZones.create(all, false);
      const kept = await KeptZones.create(all, true);
      const ended = await KeptZones.create(all, true, seed * 31);
      try {
        for (let tick = 1; tick <= ticks; tick++) {
          for (const zones of [alone, kept, ended]) zones.tick(tick);
          const where = `seed ${seed}, tick ${tick}, ${ended.ends} ends`;
          if (kept.hashes() !== alone.hashes()) assert.equal(kept.digests(), alone.digests(), `${where}, kept`);
          if (ended.hashes() !== alone.hashes()) assert.equal(ended.digests(), alone.digests(), where);
        }
        assert.equal(kept.stories, alone.stories, `seed ${seed}, kept`);
        assert.equal(ended.stories, alone.stories, `seed ${seed}`);
        ends += ended.ends;
        resets += ended.resets;
        crossings += ended.stories.flat(2).filter((text) => / comes to \d/.test(text)).length;
      } finally {
        for (const zones of [alone, kept, ended]) zones.close();
      }
    }
    console.log(`${what}: ${ends} ends, ${resets} resets, ${crossings} players through gates`);
    assert.ok(ends > 5 * SEEDS, `${ends} ends`);
  });
}

test.run();
