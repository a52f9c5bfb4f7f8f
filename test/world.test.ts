import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { loadKernel } from "../src/kernel/load.js";
import { KIND_BOT, KIND_NPC, KIND_PLAYER } from "../src/sim/kinds.js";
import { ENTERS_PER_TICK_MAX, LEAVES_PER_TICK_MAX, type World } from "../src/sim/world.js";
import { Zones } from "../src/sim/zones.js";
import { Random } from "./support/random.js";
import { drawn, field, zonesOf } from "./support/worlds.js";

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "none";
}

/** Joins, leaves and inputs by a seed, between ticks. */
function play(world: World, seed: number, ticks: number): void {
  const random = new Random(seed);
  const seats: number[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    if (seats.length < 20 && random.float() < 0.2) seats.push(world.join());
    if (seats.length > 0 && random.float() < 0.05)
      world.leave(seats.splice(random.integer(0, seats.length - 1), 1)[0] ?? 0);
    for (const seat of seats)
      if (random.float() < 0.5) world.input(seat, tick, random.float() * 2 - 1, random.float() * 2 - 1);
    world.step();
  }
}

test("the same seed and the same inputs give the same hash after 500 ticks, another seed or one other input another", async () => {
  const spec = { npcs: 200, bots: 4, seed: 7 };
  const [a, b, other] = await Promise.all([zonesOf(spec), zonesOf(spec), zonesOf({ ...spec, seed: 8 })]);
  for (const zones of [a, b, other]) play(zones.get(), 99, 500);
  assert.is(a.get().zone.hash(), b.get().zone.hash());
  assert.is.not(a.get().zone.hash(), other.get().zone.hash());
  const seat = a.get().join();
  const twin = b.get().join();
  a.get().input(seat, 1, 1, 0);
  b.get().input(twin, 1, 0, 1);
  a.step();
  b.step();
  assert.is.not(a.get().zone.hash(), b.get().zone.hash());
});

test("the kernel's builds tell the same story: scalar, SIMD and checked have one hash after 300 ticks of a crowd", async () => {
  const hashes = new Set<bigint>();
  for (const options of [{ build: "scalar" }, { build: "auto" }, { checked: true }] as const) {
    const kernel = await loadKernel(options);
    const spec = { map: field(48), zones: 1, npcs: 300, bots: 8, players: 32, tickRate: 60, seed: 5 };
    const zones = await Zones.create(kernel, spec);
    play(zones.get(), 4, 300);
    hashes.add(zones.get().zone.hash());
    zones.close();
  }
  assert.is(hashes.size, 1);
});

test("everybody enters on ground where the box fits, and stays off walls and water for 300 ticks", async () => {
  const map = drawn("##########", "#...#~~..#", "#.#.#~~#.#", "#...#....#", "##.##.#.##", "#........#", "##########");
  const zones = await zonesOf({ map, npcs: 60, bots: 5, players: 10, seed: 3 });
  const world = zones.get();
  for (let i = 0; i < 10; i++) world.join();
  for (let tick = 0; tick < 300; tick++) {
    world.step();
    const { id, x, y, halfSize } = world.zone.columns;
    for (let slot = 0; slot < world.zone.highWater; slot++) {
      if (id[slot] === 0) continue;
      const reach = (halfSize[slot] ?? 0) - 0.01;
      for (const [dx, dy] of [
        [-1, -1],
        [1, -1],
        [-1, 1],
        [1, 1],
      ] as const) {
        const [cx, cy] = [(x[slot] ?? 0) + dx * reach, (y[slot] ?? 0) + dy * reach];
        assert.not(world.zone.blockedAt(cx, cy), `tick ${tick}, slot ${slot} at ${x[slot]}, ${y[slot]}`);
      }
    }
  }
  assert.is(world.zone.count, 75);
});

test("a map with no room for anybody is refused with MAP_BAD", async () => {
  const refusal = await zonesOf({ map: drawn("##", "#~") }).then(
    () => "none",
    (error: GyreError) => error.code,
  );
  assert.is(refusal, "MAP_BAD");
});

test("NPCs wander: within 10 s of 1,000 most have been somewhere else and some rest", async () => {
  const zones = await zonesOf({ npcs: 1000 });
  const { columns } = zones.get().zone;
  const startX = columns.x.slice(0, 1000);
  const startY = columns.y.slice(0, 1000);
  for (let tick = 0; tick < 600; tick++) zones.step();
  let moved = 0;
  let resting = 0;
  for (let slot = 0; slot < 1000; slot++) {
    assert.is(columns.kind[slot], KIND_NPC);
    if (Math.hypot(columns.x[slot]! - startX[slot]!, columns.y[slot]! - startY[slot]!) > 32) moved++;
    if (columns.wishX[slot] === 0 && columns.wishY[slot] === 0) resting++;
  }
  assert.ok(moved > 800, `${moved} moved`);
  assert.ok(resting > 20 && resting < 500, `${resting} rest`);
});

test("bots are seated like players, move by inputs, and are no players in the count", async () => {
  const zones = await zonesOf({ bots: 8 });
  const world = zones.get();
  for (let tick = 0; tick < 60; tick++) world.step();
  const { kind, wishX, wishY } = world.zone.columns;
  assert.is(world.zone.count, 8);
  assert.is(world.players, 0);
  for (let slot = 0; slot < 8; slot++) {
    assert.is(kind[slot], KIND_BOT);
    assert.ok(wishX[slot] !== 0 || wishY[slot] !== 0);
    assert.ok((world.acks[slot] ?? 0) > 50);
  }
});

test("of three inputs between two ticks the last is applied, whole, and acknowledged", async () => {
  const zones = await zonesOf();
  const world = zones.get();
  const seat = world.join();
  world.step();
  const slot = world.zone.slot(world.entity(seat));
  const { x, y } = world.zone.columns;
  const [x0, y0] = [x[slot] ?? 0, y[slot] ?? 0];
  world.input(seat, 1, 1, 0);
  world.input(seat, 2, -1, 0);
  world.input(seat, 3, 0, 1);
  assert.is(world.acks[seat], 0);
  world.step();
  assert.is(world.acks[seat], 3);
  assert.is(x[slot], x0);
  assert.is(y[slot], Math.fround(y0 + 2));
  world.step();
  assert.is(y[slot], Math.fround(y0 + 4), "an input holds until the next");
});

test("an input sent while waiting counts from the first tick, one sent after leaving never", async () => {
  const zones = await zonesOf();
  const world = zones.get();
  const seat = world.join();
  world.input(seat, 9, 1, 0);
  world.step();
  const slot = world.zone.slot(world.entity(seat));
  assert.is(world.acks[seat], 9);
  assert.is(world.zone.columns.wishX[slot], 1);
  world.leave(seat);
  world.input(seat, 10, -1, 0);
  world.step();
  assert.is(world.zone.count, 0);
  const next = world.join();
  world.step();
  assert.is(next, seat);
  assert.is(world.acks[next], 0);
  assert.is(world.zone.columns.wishX[world.zone.slot(world.entity(next))], 0);
});

test(`of 500 joins at once ${ENTERS_PER_TICK_MAX} enter per tick, each once, as players`, async () => {
  const zones = await zonesOf({ players: 500 });
  const world = zones.get();
  const entered = new Map<number, number>();
  world.onEnter = (seat, id) => entered.set(seat, id);
  for (let i = 0; i < 500; i++) world.join();
  for (let tick = 1; tick <= 32; tick++) {
    world.step();
    assert.is(entered.size, Math.min(500, tick * ENTERS_PER_TICK_MAX));
    assert.is(world.zone.count, entered.size);
  }
  assert.is(new Set(entered.values()).size, 500);
  for (const id of entered.values()) assert.is(world.zone.columns.kind[world.zone.slot(id)], KIND_PLAYER);
});

test(`of 500 leaves at once ${LEAVES_PER_TICK_MAX} go per tick, and their seats are free again`, async () => {
  const zones = await zonesOf({ players: 500 });
  const world = zones.get();
  const seats = Array.from({ length: 500 }, () => world.join());
  for (let tick = 0; tick < 32; tick++) world.step();
  for (const seat of seats) world.leave(seat);
  assert.is(world.players, 0);
  world.step();
  assert.is(world.zone.count, 500 - LEAVES_PER_TICK_MAX);
  world.step();
  assert.is(world.zone.count, 0);
  for (let i = 0; i < 500; i++) world.join();
});

test("who leaves before entering never enters, and the seat is free after the tick", async () => {
  const zones = await zonesOf({ players: 2 });
  const world = zones.get();
  const entered: number[] = [];
  world.onEnter = (seat) => entered.push(seat);
  const [first, second] = [world.join(), world.join()];
  assert.is(
    codeOf(() => world.join()),
    "ZONE_FULL",
  );
  world.leave(first);
  assert.is(
    codeOf(() => world.join()),
    "ZONE_FULL",
  );
  world.step();
  assert.equal(entered, [second]);
  assert.is(world.zone.count, 1);
  assert.is(world.join(), first);
});

test("5 zones tick together, differ by their seeds, and are found by name", async () => {
  const zones = await zonesOf({ zones: 5, npcs: 50 });
  for (let tick = 0; tick < 30; tick++) zones.step();
  assert.equal(
    zones.all.map(({ name }) => name),
    ["zone-0", "zone-1", "zone-2", "zone-3", "zone-4"],
  );
  assert.is(new Set(zones.all.map(({ zone }) => zone.hash())).size, 5);
  assert.ok(zones.all.every(({ zone }) => zone.tick === 30));
  assert.is(zones.entities, 250);
  assert.is(zones.get("zone-3"), zones.all[3]);
  assert.is(zones.get(), zones.all[0]);
  assert.is(
    codeOf(() => zones.get("zone-5")),
    "ZONE_UNKNOWN",
  );
});

test.run();
