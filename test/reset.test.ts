/** Zones and worlds that begin anew are what new ones are, in all that anybody can ask of them. */
import { type Archetype, type Kernel, loadKernel, type Zone, type ZoneEvent, type ZoneSpec } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame, type Game } from "../src/game/define.js";
import { World } from "../src/sim/world.js";
import { EFFORT } from "./support/effort.js";
import { allKernels, forSeeds, nameOf, randomTiles, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { Visitors } from "./support/visitors.js";
import { field, planOf } from "./support/worlds.js";

const kernels = [...(await allKernels()), await loadKernel({ shared: true, checked: true })];
const SEEDS = 100 * EFFORT;

const MAN: Archetype = { hp: 30, attack: 5, reach: 20, respawn: 0.2, xp: 5, gold: 3, levelXp: 5, levelHp: 3 };
const WOLF: Archetype = {
  ...{ hp: 20, attack: 5, reach: 10, sight: 200, leash: 100, brain: "hunter", team: 1, speed: 160 },
  ...{ separation: 10, wander: 50, xp: 3, corpse: 0.3 },
};

function specOf(random: Random): ZoneSpec {
  const isTiled = random.integer(0, 2) !== 0;
  const side = isTiled || random.integer(0, 1) === 0 ? 330 : 3_000_000;
  return {
    ...{ width: side, height: side, capacity: random.pick([1, 7, 13, 64, 200]), tickRate: random.pick([10, 60]) },
    ...(isTiled ? { tiles: randomTiles(random, 11, 11, 0.15), walkerHalfSize: random.pick([0, 16, 40]) } : {}),
    ...{ archetypes: [MAN, WOLF], columns: { a: "u8", b: "f32" }, listCapacity: random.pick([0, 3000]) },
    ...{ flowFields: random.integer(0, 3), flowBudget: random.integer(1, 40) },
    ...{ pathRequests: random.integer(0, 3), pathBudget: random.integer(1, 9) },
    ...{ eventCapacity: random.pick([2, 64]), eventPolicy: random.pick(["refuse", "drop-low", "drop-oldest"]) },
  };
}

/** What a host does to a zone, and all that it is told, as text. */
function live(zone: Zone, random: Random, ticks: number): string[] {
  const said: string[] = [];
  const out = new Uint32Array(zone.capacity);
  const way = new Float32Array(64);
  const event = { type: 0 } as ZoneEvent;
  const answer = { ticket: 0, requester: 0, cost: 0, points: 0 };
  const [width, height] = [Math.min(zone.width, 330), Math.min(zone.height, 330)];
  let field = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const [x, y] = [random.float() * width, random.float() * height];
    if (!zone.blockedAt(x, y) && zone.count < zone.capacity) {
      const id = zone.spawn({ x, y, kind: random.integer(0, 2), halfSize: 0, speed: random.pick([0, 100, 1000]) });
      zone.move(id, random.integer(-1, 1), random.integer(-1, 1));
      zone.act(id, 1);
      if (field !== 0 && random.integer(0, 1) === 0) zone.follow(id, field);
      zone.own["b"]![zone.slot(id)] = random.float();
      said.push(`${id}`);
    }
    if (random.integer(0, 5) === 0) zone.despawn(out[0]!);
    if (zone.paths.capacity > 0) zone.paths.request(1, x, y, 300, 30);
    try {
      if (random.integer(0, 9) === 0) field = zone.openField([x, y]);
    } catch {
      zone.closeField(field);
    }
    zone.step();
    while (zone.paths.next(answer, way)) said.push(JSON.stringify(answer));
    while (zone.events.next(event)) said.push(JSON.stringify(event));
    said.push(`lost ${zone.events.takeLost()}, found ${zone.queryRadius(x, y, 200, out)}, ${out.subarray(0, 4)}`);
    if (tick % 8 === 0) said.push(zone.nearestEnemies(100).join(), zone.neighbourCounts(50).join());
    said.push(`${zone.fieldDirection(field, x, y)} ${zone.random()} ${zone.tick}`);
  }
  return said;
}

/** The same in every part, and after all that comes. */
function checkTwins(used: Zone, fresh: Zone, seed: number): void {
  assert.is(used.hash(), fresh.hash());
  assert.equal(used.digests(), fresh.digests());
  assert.equal(used.save(), fresh.save());
  assert.equal(
    [used.count, used.highWater, used.tick, used.events.count],
    [fresh.count, fresh.highWater, fresh.tick, fresh.events.count],
  );
  assert.equal(live(used, new Random(seed), 60), live(fresh, new Random(seed), 60));
  assert.equal(used.digests(), fresh.digests());
  assert.is(used.hash(), fresh.hash());
  used.validate();
}

test(`a zone that is reset is one that was made with that seed, whatever was in it: ${SEEDS} seeds, every build`, () => {
  forSeeds(SEEDS, (seed) => {
    const random = new Random(seed);
    const kernel = random.pick(kernels);
    const spec = specOf(random);
    const used = kernel.createZone({ ...spec, seed: 1 });
    for (let life = 0; life < 2; life++) {
      live(used, random, random.integer(0, 80));
      // Where nobody ever was, and what a save leaves behind, counts as little.
      if (random.integer(0, 1) === 0) used.own["a"]!.fill(7);
      const next = random.pick([0, -1, 7, 2 ** 53 - 1, -(2 ** 53 - 1)]);
      used.reset(next);
      checkTwins(used, random.pick(kernels).createZone({ ...spec, seed: next }), seed);
    }
    used.close();
  });
});

test("a reset begins at its tick, and keeps what waits among commands", () => {
  for (const kernel of kernels) {
    const zone = small(kernel);
    zone.step(30);
    zone.commands.push(1, 2, 3, 4, 5, 6);
    zone.reset(9, 1000);
    assert.is(zone.tick, 1000, nameOf(kernel));
    assert.is(zone.count, 0);
    assert.is(zone.commands.count, 1);
    const command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };
    assert.ok(zone.commands.next(command));
    assert.equal(command, { type: 1, action: 2, seat: 3, seq: 4, dx: 5, dy: 6 });
    const other = kernel.createZone({ width: 100, height: 100, capacity: 4, seed: 9 });
    other.skip(1000);
    assert.is(zone.hash(), other.hash());
    zone.reset(9, 2 ** 32 - 1);
    assert.is(zone.tick, 2 ** 32 - 1);
  }
});

test("a reset with a seed or a tick that is none is refused, and changes nothing", () => {
  for (const kernel of kernels) {
    const zone = small(kernel);
    const before = zone.hash();
    for (const seed of [0.5, Number.NaN, 2 ** 53, "1"])
      refuses("BAD_ARGUMENT", () => zone.reset(seed as number), /seed/);
    for (const tick of [-1, 0.5, 2 ** 32]) refuses("BAD_ARGUMENT", () => zone.reset(1, tick), /tick/);
    assert.is(zone.hash(), before);
    zone.close();
    refuses("ZONE_CLOSED", () => zone.reset(1), /closed/);
  }
});

function small(kernel: Kernel): Zone {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 4 });
  zone.spawn({ x: 50, y: 50 });
  return zone;
}

/** Something of everything that a world keeps: state, timers, seats, players, marks at a gate, events of the game's own. */
const GAME: Game = defineGame<{ pulses: number; joined: string[] }, { mood: "u16" }>({
  name: "everything",
  map: field(20),
  archetypes: {
    player: { team: 1, hp: 80, attack: 12, reach: 20, cooldown: 0.4, respawn: 1 },
    wolf: { team: 2, hp: 40, attack: 7, reach: 12, speed: 90, brain: "hunter", sight: 160, wander: 90, corpse: 0.5 },
  },
  columns: { mood: "u16" },
  gates: [{ zone: "zone-0", x0: 32, y0: 32, x1: 300, y1: 600, to: "zone-1", x: 100, y: 100, all: true }],
  zone: { flowFields: 2 },
  state: () => ({ pulses: 0, joined: [] }),
  setup(world) {
    for (let i = 0; i < 30; i++) world.spawn("wolf", world.freePlace().x, world.freePlace().y);
    world.after(1 + (world.random() % 30), "pulse", { count: 1 });
    world.zone.openField([100, 100]);
    world.zone.emit(64, true, 0, 0, 1, 2, 3, 4);
  },
  join(world, player) {
    world.state.joined.push(player.name);
    const { x, y } = world.freePlace();
    const id = world.spawn("player", x, y);
    world.own.mood[world.zone.slot(id)] = player.seat + 1;
    return id;
  },
  leave: (world) => void world.state.joined.pop(),
  timer(world, name) {
    world.state.pulses++;
    world.after(1 + (world.random() % 30), name);
  },
});

const BOTS = 3;

async function worldsOf(random: Random, count: number, seeds: readonly number[] = []): Promise<World[]> {
  const { world, gates } = await planOf({ game: GAME, zones: 2, npcs: 40, players: 12 - BOTS, bots: BOTS });
  return Array.from({ length: count }, (_, i) => {
    const spec = { ...world, name: "zone-0", seed: seeds[i] ?? i, gates };
    const made = new World(random.pick(kernels), spec);
    made.onReset = () => joinBots(made);
    return made;
  });
}

function joinBots(world: World): void {
  for (let i = 0; i < BOTS; i++) world.join(`bot-${i}`, true);
}

/** The same story, told to each. */
function checkWorlds(a: World, b: World, seed: number, ticks: number): void {
  const visitors = [a, b].map((world) => new Visitors([world], seed, 9));
  for (let i = 0; i < ticks; i++) {
    for (const each of visitors) each.act();
    for (const world of [a, b]) world.step();
    assert.equal(a.digests(), b.digests(), `seed ${seed}, tick ${a.zone.tick}`);
    assert.is(a.hash(), b.hash());
  }
  assert.equal([a.players, a.bots, a.seatsInUse, a.pending], [b.players, b.bots, b.seatsInUse, b.pending]);
  for (const each of visitors) each.leave();
  for (const world of [a, b]) world.step();
}

test("a world that begins anew is one that was made with that seed, its first tick included: 40 seeds", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const [reset, made] = (await worldsOf(random, 2, [77, seed])) as [World, World];
    joinBots(made);
    assert.ok(reset.reset(seed));
    checkWorlds(reset, made, seed, 60);
  }
});

test("whatever was in a world is gone when it begins anew: 60 seeds in random builds", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Random(seed);
    const [used, unused] = (await worldsOf(random, 2)) as [World, World];
    joinBots(used);
    for (let life = 0; life < 2; life++) {
      const visitors = new Visitors([used], seed + life, 9);
      for (let i = random.integer(1, 150); i > 0; i--) {
        visitors.act();
        used.step();
      }
      visitors.leave();
      used.step();
      assert.is(used.players, 0);
      used.onCommand = null;
      assert.ok(used.reset(seed));
      assert.equal([used.bots, used.seatsInUse], [BOTS, BOTS]);
      const fresh = life === 0 ? unused : ((await worldsOf(random, 1)) as [World])[0];
      // It slept up to now.
      assert.ok(fresh.reset(seed));
      fresh.zone.skip(used.zone.tick - fresh.zone.tick);
      checkWorlds(used, fresh, seed, 40);
    }
  }
});

test("a world that waits to begin anew is saved and restored with all who joined since", async () => {
  const { world: spec, gates } = await planOf({ game: GAME, zones: 2, npcs: 40, players: 12 - BOTS, bots: BOTS });
  const [world] = (await worldsOf(new Random(1), 1)) as [World];
  joinBots(world);
  for (let i = 0; i < 50; i++) world.step();
  assert.ok(world.reset(5));
  world.join("ann");
  const restored = new World(world.kernel, { ...spec, name: "zone-0", seed: 0, gates, saved: world.save() });
  assert.equal([restored.players, restored.bots, restored.pending], [1, BOTS, 2 + BOTS]);
  for (let tick = 0; tick < 20; tick++) {
    world.step();
    restored.step();
    assert.is(restored.hash(), world.hash());
  }
});

test("a world does not begin anew while somebody plays, commands wait, within its step, once it stopped, or with a seed that is none", async () => {
  const [world] = (await worldsOf(new Random(1), 1)) as [World];
  joinBots(world);
  world.step();
  const seat = world.join("ann");
  world.step();
  const before = world.hash();
  assert.not(world.reset(5), "somebody plays");
  world.leave(seat);
  assert.not(world.reset(5), "its leave waits");
  world.step();
  for (const seed of [0.5, Number.NaN, 2 ** 53]) assert.not(world.reset(seed), `seed ${seed}`);
  let answer: boolean | null = null;
  world.onTell = () => {
    answer = world.reset(5);
  };
  world.join("ben");
  world.onEnter = () => world.tell("hello", "1", -1);
  world.step();
  assert.is(answer, false, "within its step");
  world.leave(0);
  assert.is.not(world.hash(), before);
  world.stop("enough");
  assert.not(world.reset(5), "it stopped");
});

test.run();
