/** All zones of a server together: gates between them, sleep, and what happens to the others when one fails. */
import * as inspector from "node:inspector";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame, type Game } from "../src/game/define.js";
import type { GameDefinition, GameWorld } from "../src/game/types.js";
import { TickGuard } from "../src/ops/guard.js";
import { createServer, type ServerEvent } from "../src/server.js";
import type { Gate } from "../src/sim/gates.js";
import { IndexSet } from "../src/sim/index-set.js";
import type { World } from "../src/sim/world.js";
import type { Guard, Zones } from "../src/sim/zones.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { until } from "./support/until.js";
import { field, zonesOf } from "./support/worlds.js";

/** From the east of each zone to the west of the next one, and the last one's to the first. */
function ring(zones: number, all = false): Gate[] {
  return Array.from({ length: zones }, (_, i) => ({
    zone: `zone-${i}`,
    x0: 400,
    y0: 200,
    x1: 480,
    y1: 300,
    to: `zone-${(i + 1) % zones}`,
    x: 100,
    y: 250,
    all,
  }));
}

/** A game on a field of 16 x 16 tiles. Players enter in its middle, 150 units before the gate. */
function gameOf<S>(definition: Partial<GameDefinition<S>> = {}): Game {
  return defineGame<S>({
    name: "test",
    map: field(16),
    archetypes: { walker: { speed: 240, hp: 50 } },
    join: (world) => world.spawn("walker", 250, 250),
    ...definition,
  });
}

const stepUntil = (zones: Zones, what: string, holds: () => boolean, ticksMax = 600): void => {
  for (let i = 0; i < ticksMax; i++) {
    if (holds()) return;
    zones.step();
  }
  assert.unreachable(`${what}: not within ${ticksMax} ticks`);
};

const zoneAt = (zones: Zones, i: number): World => {
  const world = zones.all[i];
  if (world === undefined) throw new Error(`zone ${i}`);
  return world;
};

test("a set of indices agrees with a Set over 20,000 changes, and is walked in ascending order", () => {
  for (const [seed, capacity] of [
    [1, 1],
    [2, 31],
    [3, 32],
    [4, 33],
    [5, 1000],
  ] as const) {
    const random = new Random(seed);
    const set = new IndexSet(capacity);
    const model = new Set<number>();
    for (let n = 0; n < 4000; n++) {
      const index = random.integer(0, capacity - 1);
      if (random.float() < 0.5) {
        set.add(index);
        model.add(index);
      } else {
        set.delete(index);
        model.delete(index);
      }
      assert.is(set.has(index), model.has(index), `seed ${seed}`);
      if (n % 50 !== 0) continue;
      const walked: number[] = [];
      for (let i = set.next(0); i >= 0; i = set.next(i + 1)) walked.push(i);
      assert.equal(
        walked,
        [...model].sort((a, b) => a - b),
        `seed ${seed}, change ${n}`,
      );
      assert.is(set.count, model.size, `seed ${seed}`);
    }
  }
});

test("a player walks through a gate once, with seat, name, acknowledged input and all columns; nobody else notices", async () => {
  const heard: string[] = [];
  const zones = await zonesOf({
    zones: 3,
    players: 4,
    game: gameOf({
      columns: { ammo: "u16" },
      gates: ring(3),
      depart: (world, player, to) => heard.push(`${player.name} leaves ${world.name} for ${to}`),
      arrive: (world, player) => heard.push(`${player.name} is in ${world.name}`),
    }),
  });
  const [from, to] = [zoneAt(zones, 0), zoneAt(zones, 1)];
  const moves: [number, string, number][] = [];
  from.onSeatMoved = (seat, zone, next) => moves.push([seat, zone, next]);
  to.join("ben");
  const seat = from.join("ann");
  zones.step();
  const slot = from.zone.slot(from.entity(seat));
  from.zone.columns.hp[slot] = 33;
  from.zone.columns.xp[slot] = 71;
  (from.zone.own["ammo"] as Uint16Array)[slot] = 1234;
  from.input(seat, 9, 1, 0);
  stepUntil(zones, "it crosses", () => zones.transfers > 0);
  assert.is(moves.length, 1);
  const [[left, zone, next]] = moves as [[number, string, number]];
  assert.is(left, seat);
  assert.is(zone, to.name);
  assert.is(from.players + to.players, 2);
  zones.step();
  assert.equal([from.zone.count, to.zone.count], [0, 2], "exactly one of it");
  assert.equal(heard, ["ann leaves zone-0 for zone-1", "ann is in zone-1"]);
  const there = to.zone.slot(to.entity(next));
  assert.is(to.nameOf(next), "ann");
  assert.is(to.acks[next], 9);
  const { hp, xp, wishX, y } = to.zone.columns;
  assert.equal([hp[there], xp[there], wishX[there], y[there]], [33, 71, 1, 250]);
  assert.is((to.zone.own["ammo"] as Uint16Array)[there], 1234);
  assert.is(zones.transfers, 1);
  // It walks on, and comes out in the last zone, and in the first again.
  stepUntil(zones, "it goes round", () => zones.transfers === 3);
  zones.step();
  assert.equal(
    zones.all.map(({ players }) => players),
    [1, 1, 0],
  );
  zones.close();
});

test("who finds the next zone full, or not running, stays, is told once, and asks again only after it was outside", async () => {
  const stays: string[] = [];
  const zones = await zonesOf({
    zones: 2,
    players: 1,
    game: gameOf({ gates: ring(2), stay: (_, player, to) => stays.push(`${player.name} ${to}`) }),
  });
  const [from, to] = [zoneAt(zones, 0), zoneAt(zones, 1)];
  const tells: string[] = [];
  from.onTell = ({ name, data, seat }) => tells.push(`${name} ${data} ${seat}`);
  const guest = to.join("ben");
  const seat = from.join("ann");
  from.input(seat, 1, 1, 0);
  stepUntil(zones, "it is refused", () => stays.length > 0);
  for (let i = 0; i < 100; i++) zones.step();
  assert.equal(stays, ["ann zone-1"]);
  assert.equal(tells, [`gate-full {"to":"zone-1"} ${seat}`]);
  assert.equal([zones.transfers, zones.transfersRefused], [0, 1]);
  assert.equal([from.zone.count, to.zone.count], [1, 1]);
  // There is room now, but it stands in the gate still.
  to.leave(guest);
  for (let i = 0; i < 10; i++) zones.step();
  assert.is(zones.transfers, 0);
  from.input(seat, 2, -1, 0);
  const x = () => from.zone.columns.x[from.zone.slot(from.entity(seat))] ?? 0;
  stepUntil(zones, "it is outside", () => x() < 390);
  from.input(seat, 3, 1, 0);
  stepUntil(zones, "it crosses", () => zones.transfers === 1);
  zones.step();
  assert.equal([from.zone.count, to.zone.count], [0, 1]);
  zones.close();

  const stopping = await zonesOf({ zones: 2, players: 1, game: gameOf({ gates: ring(2) }) });
  zoneAt(stopping, 1).stop("for a test");
  const walker = zoneAt(stopping, 0).join("ann");
  zoneAt(stopping, 0).input(walker, 1, 1, 0);
  stepUntil(stopping, "it is refused", () => stopping.transfersRefused === 1);
  assert.is(zoneAt(stopping, 0).zone.count, 1);
  stopping.close();
});

test("of 80 who stand in the gates to one zone 64 go in one tick and the others in the next, and nobody is refused", async () => {
  const gates = [0, 1].map((i) => ({ ...ring(3, true)[i]!, to: "zone-2" }));
  const stays: string[] = [];
  const join = (world: GameWorld) => world.spawn("walker", 440, 250);
  const game = gameOf({ gates, join, stay: (_, player) => stays.push(player.name), sleepAfter: 0.01 });
  const zones = await zonesOf({ zones: 3, players: 90, game });
  // They all enter before anybody stands in a gate.
  for (let i = 0; i < 80; i++) zoneAt(zones, i % 2).join(`p${i}`);
  const went: number[] = [];
  for (let tick = 0; tick < 3; tick++) {
    const before = zones.transfers;
    zones.step();
    went.push(zones.transfers - before);
  }
  assert.equal(went, [32, 32, 16]);
  zones.close();

  const setup = (world: GameWorld): void => {
    if (world.name !== "zone-2") for (let i = 0; i < 40; i++) world.spawn("walker", 440, 250);
  };
  const beasts = await zonesOf({ zones: 3, npcs: 100, game: gameOf({ gates, setup, sleepAfter: 0.01 }) });
  const moved: number[] = [];
  for (let tick = 0; tick < 4; tick++) {
    const before = beasts.transfers;
    beasts.step();
    moved.push(beasts.transfers - before);
  }
  assert.equal(moved, [64, 16, 0, 0]);
  assert.equal([beasts.transfersRefused, zones.transfersRefused, stays], [0, 0, []]);
  beasts.close();
});

test("whatever a game wrote into its columns goes through a gate as it is, or stops the zone that wrote it, and no other", async () => {
  const cases: [string, number, boolean][] = [
    ["hp", 0, true],
    ["hp", -7, true],
    ["xp", 2 ** 31 - 1, true],
    ["xp", 3e9, false],
    ["gold", 2 ** 32 - 1, false],
    ["level", 65_535, false],
    ["speed", Number.NaN, false],
    ["speed", -1, false],
    ["halfSize", Number.NaN, false],
    ["halfSize", Number.POSITIVE_INFINITY, false],
    ["wishX", Number.NaN, false],
  ];
  for (const [column, value, goes] of cases) {
    const zones = await zonesOf({ zones: 3, game: gameOf({ gates: ring(2) }) });
    const [from, to, other] = [zoneAt(zones, 0), zoneAt(zones, 1), zoneAt(zones, 2)];
    const seat = from.join("ann");
    zones.step();
    const id = from.entity(seat);
    from.zone.place(id, 450, 250);
    const columns = from.zone.columns as unknown as Record<string, Float32Array>;
    // After the step, which might well stumble over it, as a hook for what happened in it could.
    from.onCommand = null;
    from.rules.event = () => {
      columns[column]![from.zone.slot(id)] = value;
      return true;
    };
    from.zone.emit(64, true, 0, 0, 0, 0, 0, 0);
    for (let tick = 0; tick < 5; tick++) zones.step();
    const about = `${column} ${value}: ${from.fault?.message ?? to.fault?.message ?? ""}`;
    assert.equal([from.fault === null, to.fault, other.zone.tick], [goes, null, 6], about);
    assert.equal([to.zone.count, zones.transfers], goes ? [1, 1] : [0, 0], about);
    if (!goes)
      assert.match(
        from.fault?.message ?? "",
        /^zone-0 at tick 2: .* is (NaN|-?Infinity|-1|65535|3000000000|4294967295);/,
      );
    else assert.is((to.zone.columns as unknown as typeof columns)[column]![to.zone.slot(to.entity(0))], value, about);
    zones.close();
  }
});

test("a gate lets entities without a player through only when it says all", async () => {
  for (const all of [true, false]) {
    const setup = (world: GameWorld): void => {
      if (world.name === "zone-0") world.spawn("walker", 440, 250);
    };
    const zones = await zonesOf({ zones: 2, npcs: 3, game: gameOf({ gates: ring(2, all), setup }) });
    for (let i = 0; i < 5; i++) zones.step();
    assert.equal(
      zones.all.map(({ zone }) => zone.count),
      all ? [0, 1] : [1, 0],
    );
    zones.close();
  }
});

const CROSSINGS = 250_000 * EFFORT;

/** Columns that crossing leaves as they are; the others are places, and what walking changes. */
const KEPT = ["hp", "kind", "team", "speed", "halfSize", "xp", "gold", "level"] as const;

test(`${CROSSINGS.toLocaleString("en")} random crossings between 12 zones, some of them full: nobody is lost, doubled or changed`, async () => {
  const COUNT = 12;
  const EACH = 150;
  const FULL_EVERY = 4;
  const columns = { serial: "u32", luck: "f32", mood: "i8" } as const;
  const gates = Array.from({ length: COUNT }, (_, i) =>
    [1, 5, 7].map((step, n) => {
      const y = 40 + 120 * n;
      return {
        zone: `zone-${i}`,
        x0: 400,
        y0: y,
        x1: 470,
        y1: y + 80,
        to: `zone-${(i + step) % COUNT}`,
        all: true,
        x: 100,
        y: 250,
      };
    }),
  ).flat();
  let serial = 0;
  const seed = 20_261;
  const random = new Random(seed);
  const game = defineGame<undefined, typeof columns>({
    name: "crossing",
    map: field(16),
    columns,
    capacity: EACH + 20,
    archetypes: { thing: { hp: 10 } },
    gates,
    setup(world) {
      const { hp, xp, gold, level } = world.zone.columns;
      // Every fourth zone has no room to begin with.
      const count = Number(world.name.slice(5)) % FULL_EVERY === 0 ? EACH + 20 : EACH;
      for (let n = 0; n < count; n++) {
        const size = random.integer(1, 8);
        const slot = world.zone.slot(
          world.spawn("thing", 250, 250, { halfSize: size, team: random.integer(0, 255), speed: random.float() * 500 }),
        );
        world.own.serial[slot] = ++serial;
        world.own.luck[slot] = random.float();
        world.own.mood[slot] = random.integer(-128, 127);
        hp[slot] = random.integer(1, 1e6);
        xp[slot] = random.next() >>> 1;
        gold[slot] = random.next() >>> 1;
        level[slot] = random.integer(1, 100);
      }
    },
  });
  const zones = await zonesOf({ zones: COUNT, players: 0, game, seed });

  const portrait = ({ zone }: World, slot: number): string =>
    [...KEPT.map((name) => zone.columns[name][slot]), zone.own["luck"]?.[slot], zone.own["mood"]?.[slot]].join(" ");
  const census = (): Map<number, string> => {
    const found = new Map<number, string>();
    for (const world of zones.all) {
      const { id } = world.zone.columns;
      const serials = world.zone.own["serial"] as Uint32Array;
      for (let slot = 0; slot < world.zone.highWater; slot++) {
        if (id[slot] === 0) continue;
        const who = serials[slot] ?? 0;
        assert.not.ok(found.has(who), `seed ${seed}, tick ${zones.tick}: ${who} is there twice`);
        found.set(who, portrait(world, slot));
      }
    }
    return found;
  };

  const before = census();
  assert.is(before.size, serial);
  for (let tick = 0; zones.transfers < CROSSINGS; tick++) {
    for (const { zone } of zones.all) {
      const { id, x } = zone.columns;
      const start = random.integer(0, zone.highWater - 1);
      for (let n = 0, sent = 0; n < zone.highWater && sent < 64; n++) {
        const slot = (start + n) % zone.highWater;
        const who = id[slot] ?? 0;
        if (who === 0) continue;
        // Who was refused walks out; others are put into a gate of their choice.
        if ((x[slot] ?? 0) > 400) zone.place(who, 250, 250);
        else if (zone.place(who, random.integer(410, 460), 60 + 120 * random.integer(0, 2))) sent++;
      }
    }
    zones.step();
    const count = zones.all.reduce((sum, { zone }) => sum + zone.count, 0);
    assert.is(count, serial, `seed ${seed}, tick ${tick}: one is missing, or twice there`);
    if (tick % 500 === 0) assert.equal(census().size, serial);
  }
  zones.step();
  const after = census();
  assert.is(after.size, before.size);
  for (const [who, looks] of before) assert.is(after.get(who), looks, `seed ${seed}: ${who}`);
  assert.ok(zones.transfersRefused > CROSSINGS / 100, `only ${zones.transfersRefused} were refused`);
  for (const { zone } of zones.all) zone.validate();
  zones.close();
});

test("a zone that nobody is in or looks at for a second sleeps, costs nothing, and wakes with what was due done at once", async () => {
  const rang: string[] = [];
  const zones = await zonesOf({
    zones: 2,
    npcs: 5,
    game: gameOf({
      sleepAfter: 1,
      setup(world) {
        const id = world.spawn("walker", 100, 100);
        world.zone.move(id, 1, 0);
        world.after(100, "early");
        world.after(1000, "late");
      },
      timer: (world, name) => rang.push(`${name} of ${world.name} at ${world.tick}`),
    }),
  });
  const [slept, busy] = [zoneAt(zones, 0), zoneAt(zones, 1)];
  const x = ({ zone }: World) => zone.columns.x[0] ?? 0;
  const y = ({ zone }: World) => zone.columns.y[0] ?? 0;
  zones.watch(busy);
  for (let i = 0; i < 62; i++) zones.step();
  assert.equal([zones.awake, zones.asleep, zones.stopped], [1, 1, 0]);
  const [tick, place, hash] = [slept.zone.tick, x(slept), slept.hash()];
  assert.is(tick, 61);
  for (let i = 0; i < 438; i++) zones.step();
  assert.equal([slept.zone.tick, slept.hash(), busy.zone.tick, zones.tick], [tick, hash, 500, 500]);
  assert.equal(rang, ["early of zone-1 at 100"]);
  zones.watch(slept);
  zones.watch(slept);
  zones.step();
  assert.equal([zones.awake, zones.asleep], [2, 0]);
  assert.is(slept.zone.tick, 501);
  assert.equal(rang.slice(1), ["early of zone-0 at 500"]);
  // It went on from where it was: at its speed one step further, unless something stood in its way.
  assert.ok(x(slept) - place > 3.9 && x(slept) - place < 4.1, `from ${place} to ${x(slept)}`);
  assert.is(y(slept), 100);
  // One of two leaves, then the other.
  zones.unwatch(slept);
  for (let i = 0; i < 100; i++) zones.step();
  assert.is(zones.asleep, 0);
  zones.unwatch(slept);
  for (let i = 0; i < 62; i++) zones.step();
  assert.is(zones.asleep, 1);
  zones.close();
});

test("players keep a zone awake, bots do not; a join, a watcher and an arrival wake it, and a zone that never sleeps does not", async () => {
  const game = gameOf({ sleepAfter: 0.5, gates: ring(3) });
  const zones = await zonesOf({ zones: 3, bots: 1, players: 4, game });
  const asleep = () => zones.all.map((world) => world.asleep);
  const first = zoneAt(zones, 0);
  const seat = first.join("ann");
  for (let i = 0; i < 40; i++) zones.step();
  assert.equal(asleep(), [false, true, true]);
  first.input(seat, 1, 1, 0);
  stepUntil(zones, "she crosses", () => zones.transfers > 0);
  zones.step();
  assert.equal(asleep(), [false, false, true]);
  assert.is(zoneAt(zones, 1).zone.tick, zones.tick);
  zoneAt(zones, 2).join("ben");
  zones.step();
  assert.is(zones.awake, 3);
  zones.close();

  const sleepless = await zonesOf({ zones: 2, game: gameOf() });
  for (let i = 0; i < 1000; i++) sleepless.step();
  assert.is(sleepless.awake, 2);
  sleepless.close();
});

test("zones tick in order of their index, whoever woke last, and told to sleep while somebody comes they stay awake", async () => {
  const order: string[] = [];
  const run = (world: GameWorld): void => {
    order.push(world.name);
  };
  const game = gameOf({ sleepAfter: 0.1, systems: [{ name: "note", every: 1, run }] });
  const zones = await zonesOf({ zones: 40, game });
  const names = (...indices: number[]) => indices.map((i) => `zone-${i}`);
  for (let i = 0; i < 10; i++) zones.step();
  assert.is(zones.awake, 0);
  for (const i of [39, 7, 31, 32, 0]) zones.watch(zoneAt(zones, i));
  order.length = 0;
  zones.step();
  zones.step();
  assert.equal(order, [...names(0, 7, 31, 32, 39), ...names(0, 7, 31, 32, 39)]);
  // Six ticks without anybody, and it is told to sleep by the end of the next.
  const drowsy = zoneAt(zones, 7);
  zones.unwatch(drowsy);
  for (let i = 0; i < 6; i++) zones.step();
  zones.watch(drowsy);
  for (let i = 0; i < 3; i++) zones.step();
  assert.is(drowsy.asleep, false);
  assert.is(drowsy.zone.tick, zones.tick);
  zones.close();
});

test("a zone whose game throws stops with the place; the others tick on, and it refuses joins", async () => {
  const run = (world: GameWorld): void => {
    if (world.name === "zone-1" && world.tick === 4) throw new Error("out of cheese");
  };
  const zones = await zonesOf({ zones: 3, game: gameOf({ systems: [{ name: "cheese", every: 1, run }] }) });
  const stopped: string[] = [];
  zones.onStop = ({ name, fault }) => stopped.push(`${name}: ${fault?.code} ${fault?.message}`);
  const players = zones.all.map((world) => world.join("ann"));
  for (let i = 0; i < 20; i++) zones.step();
  assert.is(stopped.length, 1, stopped.join("\n"));
  assert.match(
    stopped[0] ?? "",
    /^zone-1: GAME_FAILED .*zones\.test\.js:\d+:\d+.*cheese.*zone-1.*tick 4.*out of cheese/,
  );
  assert.equal(
    zones.all.map(({ zone }) => zone.tick),
    [20, zoneAt(zones, 1).zone.tick, 20],
  );
  assert.ok(zoneAt(zones, 1).zone.tick <= 4);
  assert.equal([zones.awake, zones.asleep, zones.stopped], [2, 0, 1]);
  refuses("ZONE_STOPPED", () => zoneAt(zones, 1).join("ben"), /zone-1/);
  assert.is(zoneAt(zones, 2).join("ben"), 1);
  assert.is(zoneAt(zones, 0).zone.count, 1);
  assert.is(players.length, 3);
  zones.close();
});

test("a zone that is found to have no hash while it sleeps stops as others do", async () => {
  const leave = (world: GameWorld<{ n: number }>): void => {
    world.state.n = Number.NaN;
  };
  const zones = await zonesOf({ zones: 2, game: gameOf({ state: () => ({ n: 1 }), leave, sleepAfter: 0.1 }) });
  const stopped: string[] = [];
  zones.onStop = ({ name }) => stopped.push(name);
  const world = zoneAt(zones, 1);
  world.leave(world.join("ann"));
  const seat = world.join("ben");
  zones.step();
  world.leave(seat);
  stepUntil(zones, "both sleep", () => zones.asleep === 2);
  world.hash();
  zones.step();
  assert.equal([stopped, zones.awake, zones.asleep, zones.stopped], [["zone-1"], 0, 1, 1]);
  zones.close();
});

test("a zone whose game does not come to an end is given up, with the place of its function; the others tick once each", async () => {
  const loops = (world: GameWorld): void => {
    while (world.name === "zone-1" && world.tick === 2);
  };
  const game = gameOf({ systems: [{ name: "spin", every: 1, run: loops }] });
  const zones = await zonesOf({ zones: 4, game, guard: new TickGuard(() => performance.now(), 0.5) });
  let told = 0;
  zones.onStop = () => told++;
  for (let i = 0; i < 5; i++) zones.step();
  assert.is(told, 1);
  const { fault } = zoneAt(zones, 1);
  assert.is(fault?.code, "GAME_FAILED");
  assert.match(fault?.message ?? "", /zones\.test\.js:\d+:\d+ .*spin.*zone-1.*tick 2.*did not come to an end/);
  assert.equal(
    [0, 2, 3].map((i) => zoneAt(zones, i).zone.tick),
    [5, 5, 5],
  );
  zones.close();
});

test("a watch that is held for a moment goes on, and nothing is given up while a debugger can hold it", () => {
  const hold = (seconds: number) => () =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
  assert.is(new TickGuard(() => performance.now()).run(hold(1.5)), true);
  const hasty = new TickGuard(() => performance.now(), 0.1);
  const spin = (): void => {
    for (const endMs = performance.now() + 500; performance.now() < endMs; );
  };
  assert.is(hasty.run(spin), false);
  inspector.open(0, "127.0.0.1");
  try {
    assert.is(hasty.run(spin), true);
  } finally {
    inspector.close();
  }
});

test("a game that cannot be set up, because it throws or does not come to an end, is GAME_FAILED and leaves nothing open", async () => {
  const patient = new TickGuard(() => performance.now());
  const guard: Guard = { isWorn: false, placeOf: () => undefined, run: (work) => patient.run(work, 0.3) };
  for (const [about, setup] of [
    [/zone-1.*no/, (world: GameWorld) => assert.is(world.name, "zone-0", "no")],
    [
      /zone-1: its setup did not come to an end/,
      (world: GameWorld) => {
        while (world.name === "zone-1");
      },
    ],
  ] as const) {
    const failure = await zonesOf({ zones: 2, game: gameOf({ setup }), guard }).then(
      () => null,
      (error) => error,
    );
    assert.is(failure?.code, "GAME_FAILED");
    assert.match(failure.message, about);
  }
});

test("many slow zones are not taken for one that hangs: each gets a watch of its own when the last one is worn", async () => {
  let runs = 0;
  let stepped = 0;
  const guard: Guard = {
    run(work) {
      runs++;
      stepped = 0;
      work();
      return true;
    },
    get isWorn() {
      return ++stepped === 3;
    },
    placeOf: () => undefined,
  };
  const zones = await zonesOf({ zones: 10, game: gameOf() });
  const guarded = await zonesOf({ zones: 10, game: gameOf(), guard });
  runs = 0;
  for (let i = 0; i < 3; i++) {
    zones.step();
    guarded.step();
  }
  assert.is(runs, 12, "10 zones a tick, three to a watch");
  assert.equal(
    guarded.all.map((world) => world.hash()),
    zones.all.map((world) => world.hash()),
  );
  zones.close();
  guarded.close();
});

test("a recording whose file takes no more ends, is told once, and the server ticks on; one that is taken ends with the server", async () => {
  for (const bytesMax of [2000, Number.POSITIVE_INFINITY]) {
    const events: ServerEvent[] = [];
    let bytes = 0;
    let ends = 0;
    const write = (chunk: Uint8Array): boolean => {
      if (bytes + chunk.length > bytesMax) {
        ends++;
        return false;
      }
      bytes += chunk.length;
      return true;
    };
    const server = await createServer({
      game: gameOf(),
      port: 0,
      npcs: 0,
      bots: 4,
      tickRate: 1000,
      record: { file: "", digest: "", write },
      onEvent: (event) => events.push(event),
    });
    const isCut = bytesMax < Number.POSITIVE_INFINITY;
    if (isCut) {
      await until("it ends", () => events.length > 0);
      const tick = server.stats().tick;
      await until("the server ticks on", () => server.stats().tick > tick + 70);
      assert.is(ends, 1);
    } else {
      await until("it has a checkpoint", () => server.stats().tick > 70);
    }
    const before = bytes;
    await server.close();
    assert.equal(
      events.map(({ event }) => event),
      isCut ? ["recording-stopped"] : [],
    );
    assert.is(bytes > before, !isCut);
  }
});

test("a zone's cost follows its ticks within 64 of them, each zone for itself; one that sleeps costs nothing", async () => {
  let nowMs = 0;
  let takesMs = 3;
  // The second zone takes twice as long as the first.
  const run = (world: GameWorld): void => {
    nowMs += world.name === "zone-0" ? takesMs : 2 * takesMs;
  };
  const game = gameOf({ sleepAfter: 4, systems: [{ name: "takes its time", every: 1, run }] });
  const zones = await zonesOf({ zones: 2, game, now: () => nowMs });
  const costs = (): number[] => [0, 1].map((zone) => Math.round(zones.costUs(zone) / 100) / 10);
  assert.equal(costs(), [0, 0]);
  for (let i = 0; i < 80; i++) zones.step();
  assert.equal(costs(), [3, 6]);
  takesMs = 1;
  zones.step();
  assert.equal(costs(), [2.9, 5.7], "one tick moves it by a sixteenth of the way");
  for (let i = 0; i < 64; i++) zones.step();
  assert.equal(costs(), [1, 2.1]);
  stepUntil(zones, "they sleep", () => zones.asleep === 2);
  assert.equal(costs(), [0, 0]);
  zones.close();
});

test("two servers of one seed come to the same hashes, through gates and sleep; another seed to others", async () => {
  const hashes = async (seed: number): Promise<string> => {
    const game = gameOf({
      sleepAfter: 0.2,
      gates: ring(4, true),
      archetypes: { walker: { brain: "hunter", wander: 400, speed: 240 } },
    });
    const zones = await zonesOf({ zones: 4, bots: 5, npcs: 20, seed, game });
    const seat = zoneAt(zones, 2).join("ann");
    zoneAt(zones, 2).input(seat, 1, 1, 0);
    for (let i = 0; i < 300; i++) {
      if (i === 100) zones.watch(zoneAt(zones, 0));
      zones.step();
    }
    const text = zones.all.map((world) => world.hash().toString(16)).join(" ");
    zones.close();
    return text;
  };
  assert.is(await hashes(5), await hashes(5));
  assert.is.not(await hashes(5), await hashes(6));
});

test.run();
