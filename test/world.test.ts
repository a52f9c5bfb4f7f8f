import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Command } from "../src/kernel/types.js";
import { Bots } from "../src/sim/bots.js";
import { INPUT, isFromOutside, JOIN } from "../src/sim/commands.js";
import type { Gate } from "../src/sim/gates.js";
import { SCHEDULED_MAX } from "../src/sim/schedule.js";
import { NAME_BYTES_MAX } from "../src/sim/seats.js";
import { ENTERS_PER_TICK_MAX, LEAVES_PER_TICK_MAX, World } from "../src/sim/world.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import {
  answerGates,
  drawn,
  field,
  KIND_PLAYER,
  KIND_WALKER,
  planOf,
  type TestZones,
  worldOf,
} from "./support/worlds.js";

/** A world and its bots. */
async function populated(spec: Partial<TestZones>): Promise<{ world: World; bots: Bots }> {
  const world = await worldOf(spec);
  return { world, bots: new Bots(world, spec.bots ?? 0, spec.seed ?? 1) };
}

/** Joins, leaves and inputs by a seed, between ticks. Calls back after each tick. */
function play(world: World, seed: number, ticks: number, each: (tick: number) => void = () => {}): void {
  const random = new Random(seed);
  const seats: number[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    if (seats.length < 20 && random.float() < 0.2) seats.push(world.join(`p${tick}`));
    if (seats.length > 0 && random.float() < 0.05) {
      world.leave(seats.splice(random.integer(0, seats.length - 1), 1)[0] ?? 0);
    }
    for (const seat of seats) {
      for (let n = random.integer(0, 2); n > 0; n--) {
        world.input(seat, tick, random.float() * 2 - 1, random.float() * 2 - 1, random.integer(0, 1));
      }
    }
    world.step();
    each(tick);
  }
}

/** Players against wolves that bite, in a small field. */
const FIGHT = defineGame({
  name: "fight",
  map: field(24),
  columns: { kills: "u16" },
  archetypes: {
    player: { hp: 100, attack: 8, reach: 16, team: 1, cooldown: 0.3, respawn: 1, levelXp: 20, levelHp: 10 },
    wolf: {
      ...{ hp: 30, attack: 5, reach: 8, team: 2, cooldown: 0.5, respawn: 2, xp: 10, gold: 3, spread: 0.3 },
      ...{ brain: "hunter" as const, sight: 120, leash: 300, wander: 40, separation: 4 },
    },
  },
  state: () => ({ deaths: 0 }),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("wolf");
      world.spawn("wolf", x, y);
    }
    world.after(7, "again");
  },
  death(world, { source }) {
    world.state.deaths++;
    const slot = world.zone.slot(source);
    if (slot >= 0) world.own.kills[slot] = (world.own.kills[slot] ?? 0) + 1;
  },
  timer(world, name) {
    world.after(1 + (world.random() % 9), name);
  },
});

test("the same seed and the same inputs give the same hash after 500 ticks, another seed or one other input another", async () => {
  const spec = { npcs: 200, bots: 4, seed: 7 };
  const [a, b, other] = await Promise.all([worldOf(spec), worldOf(spec), worldOf({ ...spec, seed: 8 })]);
  for (const world of [a, b, other]) play(world, 99, 500);
  assert.is(a.hash(), b.hash());
  assert.is.not(a.hash(), other.hash());
  const [seat, twin] = [a.join("ann"), b.join("ann")];
  a.input(seat, 1, 1, 0);
  b.input(twin, 1, 0, 1);
  a.step();
  b.step();
  assert.is.not(a.hash(), b.hash());
});

test("random commands to a fight tell one story in scalar, SIMD and checked builds: every tick of 400 has one hash, for 4 seeds", async () => {
  const kernels = await Promise.all(
    [{ build: "scalar" }, { build: "auto" }, { checked: true }].map((options) => loadKernel(options as object)),
  );
  for (let seed = 1; seed <= 4; seed++) {
    const stories: bigint[][] = [];
    let deaths = "";
    for (const kernel of kernels) {
      const world = await worldOf({ game: FIGHT, npcs: 120, seed, kernel });
      const story: bigint[] = [];
      play(world, 40 + seed, 400, () => story.push(world.hash()));
      assert.is(world.fault, null, String(world.fault));
      deaths = world.rules.parts().get("state") ?? "";
      stories.push(story);
      world.close();
    }
    assert.equal(stories[0], stories[1], `seed ${seed}`);
    assert.equal(stories[0], stories[2], `seed ${seed}, checked`);
    assert.match(deaths, /^\{"deaths":[1-9]/, `seed ${seed}: nobody died`);
  }
});

test("everybody enters on ground where the box fits, and stays off walls and water for 300 ticks", async () => {
  const map = drawn("##########", "#...#~~..#", "#.#.#~~#.#", "#...#....#", "##.##.#.##", "#........#", "##########");
  const { world, bots } = await populated({ map, npcs: 60, bots: 5, players: 10, seed: 3 });
  for (let i = 0; i < 10; i++) world.join(`p${i}`);
  for (let tick = 1; tick <= 300; tick++) {
    bots.decide(tick);
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

test("who is wider than a tile enters only where there is room for it: on the one square of 3 x 3", async () => {
  const map = drawn("#######", "#.#...#", "#.#...#", "#.#...#", "#.....#", "#######");
  const game = defineGame({ name: "ogres", archetypes: { ogre: { halfSize: 40 } } });
  const world = await worldOf({ game, map });
  for (let i = 0; i < 12; i++) world.join(`p${i}`);
  world.step();
  assert.is(world.zone.count, 12);
  const { x, y } = world.zone.columns;
  for (let slot = 0; slot < 12; slot++) {
    assert.ok(x[slot]! >= 96 + 40 && x[slot]! <= 192 - 40, `x ${x[slot]}`);
    assert.ok(y[slot]! >= 32 + 40 && y[slot]! <= 160 - 40, `y ${y[slot]}`);
  }
});

test("a map with no room for the first archetype is refused with MAP_BAD", async () => {
  const ogres = defineGame({ name: "ogres", archetypes: { ogre: { halfSize: 40 } } });
  for (const spec of [{ map: drawn("##", "#~") }, { map: drawn("..", ".."), game: ogres }]) {
    const code = await worldOf(spec).then(
      () => "none",
      (error: { code: string }) => error.code,
    );
    assert.is(code, "MAP_BAD");
  }
});

test("walkers stroll: within 10 s of 1,000 most have been somewhere else and some rest", async () => {
  const world = await worldOf({ npcs: 1000 });
  const { columns } = world.zone;
  const startX = columns.x.slice(0, 1000);
  const startY = columns.y.slice(0, 1000);
  for (let tick = 0; tick < 600; tick++) world.step();
  let moved = 0;
  let resting = 0;
  for (let slot = 0; slot < 1000; slot++) {
    assert.is(columns.kind[slot], KIND_WALKER);
    if (Math.hypot(columns.x[slot]! - startX[slot]!, columns.y[slot]! - startY[slot]!) > 32) moved++;
    if (columns.vx[slot] === 0 && columns.vy[slot] === 0) resting++;
  }
  assert.ok(moved > 500, `${moved} moved`);
  assert.ok(resting > 10 && resting < 900, `${resting} rest`);
});

test("bots are seated like players, move by inputs, and are counted apart", async () => {
  const { world, bots } = await populated({ bots: 8 });
  for (let tick = 1; tick <= 60; tick++) {
    bots.decide(tick);
    world.step(tick);
  }
  const { kind, wishX, wishY } = world.zone.columns;
  assert.is(world.zone.count, 8);
  assert.equal([world.players, world.bots, bots.count], [0, 8, 8]);
  for (let seat = 0; seat < 8; seat++) {
    const slot = world.zone.slot(world.entity(seat));
    assert.is(kind[slot], KIND_PLAYER);
    assert.is(world.nameOf(seat), `bot-${seat}`);
    assert.ok(wishX[slot] !== 0 || wishY[slot] !== 0);
    assert.ok((world.acks[seat] ?? 0) > 50);
  }
});

test("bots fight where there is fighting: 8 of them kill wolves within 30 s, and nobody where wolves are of their team", async () => {
  const peace = defineGame({
    ...FIGHT.definition,
    archetypes: { ...FIGHT.definition.archetypes, wolf: { ...FIGHT.definition.archetypes?.["wolf"], team: 1 } },
  });
  for (const game of [FIGHT, peace]) {
    const { world, bots } = await populated({ game, npcs: 60, bots: 8 });
    for (let tick = 1; tick <= 1800; tick++) {
      bots.decide(tick);
      world.step(tick);
    }
    let kills = 0;
    for (let seat = 0; seat < 8; seat++) kills += world.zone.own["kills"]?.[world.zone.slot(world.entity(seat))] ?? 0;
    if (game === FIGHT) assert.ok(kills > 3, `${kills} kills`);
    else assert.is(kills, 0);
  }
});

test("of three inputs between two ticks the last is applied, whole, and acknowledged", async () => {
  const world = await worldOf();
  const seat = world.join("ann");
  world.step();
  const slot = world.zone.slot(world.entity(seat));
  const { x, y } = world.zone.columns;
  const [x0, y0] = [x[slot] ?? 0, y[slot] ?? 0];
  world.input(seat, 1, 1, 0);
  world.input(seat, 2, -1, 0);
  world.input(seat, 3, 0, 1);
  assert.is(world.acks[seat], 0);
  assert.is(world.pending, 2);
  world.step();
  assert.is(world.acks[seat], 3);
  assert.is(x[slot], x0);
  assert.is(y[slot], Math.fround(y0 + 2));
  world.step();
  assert.is(y[slot], Math.fround(y0 + 4), "an input holds until the next");
});

test("no action is lost: of 6 inputs in one tick the game sees each different action, in order, and the last wish", async () => {
  const seen: string[] = [];
  const game = defineGame({
    name: "actions",
    actions: ["jump", "shout"],
    input: (_, __, { seq, dx, actionName }) => {
      seen.push(`${seq} ${dx} ${actionName}`);
    },
  });
  const world = await worldOf({ game });
  const [jump, shout] = [world.actionOf("jump"), world.actionOf("shout")];
  assert.equal([world.actionOf("attack"), jump, shout, world.actionOf("fly"), world.actionOf("")], [1, 2, 3, 0, 0]);
  const seat = world.join("ann");
  world.step();
  world.input(seat, 1, 0.1, 0);
  world.input(seat, 2, 0.2, 0, jump);
  world.input(seat, 3, 0.3, 0);
  world.input(seat, 4, 0.4, 0, jump);
  world.input(seat, 5, 0.5, 0, shout);
  world.input(seat, 6, 0.6, 0);
  world.step();
  assert.equal(seen, ["1 0.1 ", "4 0.4 jump", "6 0.6 shout"]);
  assert.is(world.acks[seat], 6);
  world.input(seat, 7, 0, 0);
  world.step();
  assert.is(seen.at(-1), "7 0 ");
  world.input(seat, 8, 0.8, 0);
  world.input(seat, 9, 0.9, 0, shout);
  world.leave(seat);
  world.step();
  assert.equal(seen.slice(-2), ["8 0.8 ", "9 0.9 shout"], "also of one who leaves at once");
});

test("an input sent while waiting counts from the first tick, one sent after leaving never", async () => {
  const world = await worldOf();
  const seat = world.join("ann");
  world.input(seat, 9, 1, 0);
  world.step();
  const slot = world.zone.slot(world.entity(seat));
  assert.is(world.acks[seat], 9);
  assert.is(world.zone.columns.wishX[slot], 1);
  world.leave(seat);
  world.input(seat, 10, -1, 0);
  world.step();
  assert.is(world.zone.count, 0);
  const next = world.join("bob");
  world.step();
  assert.is(next, seat);
  assert.is(world.acks[next], 0);
  assert.is(world.nameOf(next), "bob");
  assert.is(world.zone.columns.wishX[world.zone.slot(world.entity(next))], 0);
});

test(`of 500 joins at once ${ENTERS_PER_TICK_MAX} enter per tick, each once, as players`, async () => {
  const world = await worldOf({ players: 500 });
  const entered = new Map<number, number>();
  world.onEnter = (seat, id) => entered.set(seat, id);
  for (let i = 0; i < 500; i++) world.join(`p${i}`);
  for (let tick = 1; tick <= 32; tick++) {
    world.step();
    assert.is(entered.size, Math.min(500, tick * ENTERS_PER_TICK_MAX));
    assert.is(world.zone.count, entered.size);
  }
  assert.is(new Set(entered.values()).size, 500);
  for (const [seat, id] of entered) {
    assert.is(world.zone.columns.kind[world.zone.slot(id)], KIND_PLAYER);
    assert.is(world.seatOf(id), seat);
  }
});

test(`of 500 leaves at once ${LEAVES_PER_TICK_MAX} go per tick, and their seats are free again`, async () => {
  const world = await worldOf({ players: 500 });
  const seats = Array.from({ length: 500 }, (_, i) => world.join(`p${i}`));
  for (let tick = 0; tick < 32; tick++) world.step();
  for (const seat of seats) world.leave(seat);
  assert.is(world.players, 0);
  world.step();
  assert.is(world.zone.count, 500 - LEAVES_PER_TICK_MAX);
  world.step();
  assert.is(world.zone.count, 0);
  for (let i = 0; i < 500; i++) world.join(`q${i}`);
});

test("who leaves before entering never enters, and the seat is free after the tick", async () => {
  const world = await worldOf({ players: 2 });
  const entered: number[] = [];
  world.onEnter = (seat) => entered.push(seat);
  const [first, second] = [world.join("ann"), world.join("bob")];
  refuses("ZONE_FULL", () => world.join("cyd"));
  world.leave(first);
  refuses("ZONE_FULL", () => world.join("cyd"));
  world.step();
  assert.equal(entered, [second]);
  assert.is(world.zone.count, 1);
  assert.is(world.join("cyd"), first);
});

test(`a name of ${NAME_BYTES_MAX} bytes is kept whole, one of ${NAME_BYTES_MAX + 1} is refused`, async () => {
  const world = await worldOf();
  const longest = "€".repeat(NAME_BYTES_MAX / 3);
  const seat = world.join(longest);
  world.step();
  assert.is(world.nameOf(seat), longest);
  refuses("BAD_ARGUMENT", () => world.join(`${longest}x`), /97|96/);
  assert.is(world.players, 1);
});

/** Ticks of one player who hears what is applied: seq, wish and action. */
async function listened(players = 4) {
  const heard: string[] = [];
  const game = defineGame({
    name: "listened",
    actions: ["jump", "shout"],
    input: (world, _, { seq, dx, actionName }) => {
      heard.push(`${world.tick + 1}: ${seq} ${dx} ${actionName}`);
    },
  });
  const world = await worldOf({ game, players });
  const seat = world.join("ann");
  world.step();
  return { world, seat, heard, jump: world.actionOf("jump"), shout: world.actionOf("shout") };
}

test("an input for tick 5 is applied in the step that makes it tick 5, a late one and one for now in the next step", async () => {
  const { world, seat, heard } = await listened();
  world.input(seat, 1, 0.1, 0, 0, 5);
  assert.is(world.pending, 0, "it takes no room of a command before");
  world.step();
  world.step();
  world.step();
  assert.equal([world.zone.tick, world.acks[seat]], [4, 0]);
  world.step();
  assert.equal([world.zone.tick, world.acks[seat], world.zone.columns.wishX[0]], [5, 1, Math.fround(0.1)]);
  world.input(seat, 2, 0.2, 0, 0, 2);
  world.step();
  world.input(seat, 3, 0.3, 0);
  world.step();
  world.input(seat, 4, 0.4, 0, 0, world.zone.tick + 1);
  world.step();
  assert.equal(heard, ["5: 1 0.1 ", "6: 2 0.2 ", "7: 3 0.3 ", "8: 4 0.4 "]);
});

test("inputs of a seat keep their order of arrival, are merged when they are for one tick, and lose no action", async () => {
  const { world, seat, heard, jump, shout } = await listened();
  world.input(seat, 1, 0.1, 0, 0, 4);
  world.input(seat, 2, 0.2, 0, 0, 6);
  // Lower ticks than that of the one which waits: as if for that one's.
  world.input(seat, 3, 0.3, 0, 0, 3);
  world.input(seat, 4, 0.4, 0, jump);
  world.input(seat, 5, 0.5, 0, shout, 6);
  world.input(seat, 6, 0.6, 0, 0, 6);
  world.input(seat, 7, 0.7, 0, 0, 8);
  for (let n = 0; n < 8; n++) world.step();
  assert.equal(heard, ["4: 1 0.1 ", "6: 4 0.4 jump", "6: 6 0.6 shout", "8: 7 0.7 "]);
  world.input(seat, 8, 0.8, 0);
  world.step();
  assert.is(heard.at(-1), "10: 8 0.8 ", "when none waits the next step is next again");
});

test(`${SCHEDULED_MAX} inputs of a seat wait, another is refused, one that merges is not; other seats have their own room`, async () => {
  const { world, seat, heard } = await listened();
  const other = world.join("ben");
  world.step();
  for (let n = 1; n <= SCHEDULED_MAX; n++) assert.is(world.input(seat, n, 0, 0, 0, 10 + n), true, `input ${n}`);
  assert.is(world.input(seat, 33, 0, 0, 0, 60), false);
  assert.is(world.commandsRefused, 1);
  assert.is(world.input(seat, 34, 0, 0, 0, 42), true);
  assert.is(world.input(other, 1, 0, 0, 0, 60), true);
  while (world.zone.tick < 11) world.step();
  assert.is(world.input(seat, 35, 0, 0, 0, 60), true, "the first one was applied");
  while (world.zone.tick < 60) world.step();
  assert.equal([heard.length, heard[31], heard[32]], [34, "42: 34 0 ", "60: 35 0 "]);
});

test("leaving discards what waits: it is not applied to whoever has the seat next", async () => {
  const { world, seat, heard } = await listened();
  world.input(seat, 7, 1, 0, 0, 6);
  world.leave(seat);
  world.step();
  assert.is(world.join("ben"), seat);
  for (let n = 0; n < 8; n++) world.step();
  assert.equal(heard, []);
  assert.is(world.acks[seat], 0);
});

test("what is due and finds no room in a ring of 8 waits for the next tick; leaves have theirs, and nothing is lost", async () => {
  const plan = await planOf({ players: 16 });
  const zone = { ...plan.world.zone, commandCapacity: 8 };
  const world = new World(await loadKernel(), { ...plan.world, zone, name: "zone-0", seed: 1, gates: [] });
  const applied: string[] = [];
  world.onCommand = ({ type, seat, seq }) =>
    void (type === INPUT && applied.push(`${world.zone.tick + 1}: ${seat} ${seq}`));
  const seats = [1, 2, 3].map((i) => world.join(`p${i}`));
  world.step();
  // Actions that differ cannot be merged: 18 for tick 4, and three of 8 places are for leaves.
  for (const seat of seats) for (let seq = 1; seq <= 6; seq++) world.input(seat, seq, 0, 0, 1 + (seq % 2), 4);
  while (world.zone.tick < 3) world.step();
  world.leave(seats[2]!);
  for (let n = 0; n < 4; n++) world.step();
  assert.equal(applied, [
    ...[1, 2, 3, 4, 5].map((seq) => `4: ${seats[0]} ${seq}`),
    ...[`5: ${seats[0]} 6`, ...[1, 2, 3, 4, 5].map((seq) => `5: ${seats[1]} ${seq}`)],
    `6: ${seats[1]} 6`,
  ]);
  assert.equal([world.players, world.commandsRefused], [2, 0]);
});

test("what waits is in an image, and goes through a gate with its player, to be applied in the tick that it is for", async () => {
  const worlds = await border([EAST]);
  const [a, b] = worlds;
  b.join("other");
  const seat = a.join("ann");
  stepBoth(worlds);
  a.zone.place(a.entity(seat), 550, 300);
  for (let seq = 1; seq <= 3; seq++) a.input(seat, seq, 0, -1, 0, 3 + 2 * seq);
  const moves: number[] = [];
  a.onSeatMoved = (_, __, to) => moves.push(to);
  stepBoth(worlds);
  const there = moves[0]!;
  assert.equal([a.schedule.next(0), b.schedule.count(there)], [-1, 3]);
  const plan = await planOf({ game: defineGame({ ...FIGHT.definition, setup: () => {} }), map: field(64), players: 4 });
  const restored = new World(b.kernel, { ...plan.world, name: "zone-1", seed: 2, gates: [], saved: b.save() });
  for (const world of [b, restored]) {
    for (const [tick, ack] of [
      [3, 0],
      [4, 0],
      [5, 1],
      [6, 1],
      [7, 2],
      [8, 2],
      [9, 3],
    ] as const) {
      world.step();
      assert.equal([world.zone.tick, world.acks[there]], [tick, ack]);
    }
  }
  assert.is(restored.hash(), b.hash());
});

test("a ring of 8 commands refuses joins and inputs when it is full, never a leave, and takes all again after a tick", async () => {
  const plan = await planOf({ players: 16 });
  const zone = { ...plan.world.zone, commandCapacity: 8 };
  const world = new World(await loadKernel(), { ...plan.world, zone, name: "zone-0", seed: 1, gates: [] });
  const seats = [1, 2, 3, 4].map((i) => world.join(`p${i}`));
  // Four joins, and room for four leaves.
  refuses("COMMANDS_FULL", () => world.join("p5"), /zone-0/);
  assert.is(world.players, 4);
  assert.is(world.input(seats[0]!, 1, 1, 0), false);
  for (const seat of seats) world.leave(seat);
  assert.is(world.pending, 8);
  world.step();
  assert.equal([world.zone.count, world.players, world.seatsInUse], [0, 0, 0]);
  const seat = world.join("p6");
  world.step();
  // One place is the leave's; what merges needs none.
  for (let seq = 1; seq <= 7; seq++) assert.is(world.input(seat, seq, 1, 0, 1 + (seq % 2)), true, `input ${seq}`);
  assert.is(world.input(seat, 8, 1, 0, 1), false);
  world.step();
  assert.is(world.acks[seat], 7);
});

test("seats, entities and counts return to zero after 1,000 random joins and leaves, for 5 seeds", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = await worldOf({ players: 50 });
    const random = new Random(seed);
    const seats: number[] = [];
    let joins = 0;
    while (joins < 1000) {
      for (let n = random.integer(0, 6); n > 0 && seats.length < 40 && joins < 1000; n--) {
        if (world.seatsInUse < 50) seats.push(world.join(`p${joins++}`));
      }
      for (let n = random.integer(0, 6); n > 0 && seats.length > 0; n--) {
        const [seat] = seats.splice(random.integer(0, seats.length - 1), 1);
        if (random.float() < 0.5) world.input(seat!, 1, 1, 1);
        world.leave(seat!);
      }
      if (random.float() < 0.6) world.step();
      assert.is(world.players, seats.length, `seed ${seed}`);
    }
    for (const seat of seats) world.leave(seat);
    for (let tick = 0; tick < 8; tick++) world.step();
    assert.equal([world.zone.count, world.players, world.bots, world.seatsInUse], [0, 0, 0, 0], `seed ${seed}`);
  }
});

test("who loses its entity for good gets another, and those who serve it hear so; a corpse that rises is kept", async () => {
  for (const [respawn, changes] of [
    [0, 1],
    [0.1, 0],
  ] as const) {
    const archetypes = { player: { hp: 10, respawn, corpse: 0.1 } };
    const game = defineGame({ name: "mortals", archetypes });
    const world = await worldOf({ game });
    const heard: number[] = [];
    world.onPossess = (_, id) => heard.push(id);
    const seat = world.join("ann");
    world.step();
    const id = world.entity(seat);
    world.zone.harm(id, 10);
    for (let tick = 0; tick < 30; tick++) world.step();
    assert.is(heard.length, changes, `respawn ${respawn}`);
    assert.is(world.entity(seat), changes === 0 ? id : heard[0]);
    assert.is(world.zone.count, 1);
    assert.is(world.zone.columns.alive[world.zone.slot(world.entity(seat))], 1);
  }
});

test("a world told to sleep rests after the step, hears once that a command came, and wakes at the server's tick", async () => {
  const world = await worldOf({ npcs: 20 });
  let wakes = 0;
  world.onWake = () => wakes++;
  world.step(1);
  assert.is(world.sleep(), true);
  assert.is(world.asleep, false);
  world.step(2);
  assert.equal([world.asleep, world.pending, wakes], [true, 0, 0]);
  const seat = world.join("ann");
  world.input(seat, 1, 1, 0);
  assert.equal([world.asleep, world.pending, wakes], [true, 2, 1]);
  world.step(1000);
  assert.equal([world.asleep, world.zone.tick, world.zone.count], [false, 1000, 21]);
  world.leave(seat);
  world.step(1001);
  world.sleep();
  world.wake();
  world.step(1002);
  assert.is(world.asleep, false, "what comes after it in the same tick wakes it");
  world.sleep();
  world.step(1003);
  world.wake();
  assert.equal([world.asleep, wakes], [true, 2]);
  world.step(1004);
  assert.equal([world.asleep, world.zone.tick], [false, 1004]);
});

test("what was saved in the middle goes on as if nothing had been: the same hash for 200 ticks of the same commands", async () => {
  const plan = await planOf({ game: FIGHT, npcs: 80 });
  const kernel = await loadKernel();
  const spec = { ...plan.world, name: "zone-0", seed: 5, gates: [] };
  const world = new World(kernel, spec);
  play(world, 3, 150);
  for (let i = 0; i < 20; i++) world.join(`late-${i}`);
  world.step();
  const restored = new World(kernel, { ...spec, saved: world.save() });
  assert.is(restored.hash(), world.hash());
  assert.equal([...restored.digests()], [...world.digests()]);
  assert.is(restored.players, world.players);
  for (let tick = 0; tick < 200; tick++) {
    for (const each of [world, restored]) {
      for (let seat = 0; seat < 30; seat++) each.input(seat, tick, ((seat + tick) % 7) - 3, ((seat * tick) % 5) - 2, 1);
      each.step();
    }
    assert.is(restored.hash(), world.hash(), `tick ${tick}`);
  }
  assert.is(restored.join("new"), world.join("new"), "the next seat is the same");
});

test("who waits to be heard, or comes from another zone, when it is saved has its name afterwards", async () => {
  const worlds = await border([EAST]);
  const [a, b] = worlds;
  const seat = a.join("ann");
  stepBoth(worlds);
  a.zone.place(a.entity(seat), 550, 300);
  stepBoth(worlds);
  b.join("ben");
  const plan = await planOf({ game: defineGame({ ...FIGHT.definition, setup: () => {} }), map: field(64), players: 4 });
  const restored = new World(b.kernel, { ...plan.world, name: "zone-1", seed: 2, gates: [], saved: b.save() });
  assert.is(restored.hash(), b.hash());
  assert.is(restored.players, b.players);
  for (let tick = 0; tick < 3; tick++) {
    restored.step();
    b.step();
    assert.equal([restored.nameOf(0), restored.nameOf(1)], ["ann", "ben"]);
    assert.is(restored.hash(), b.hash(), `tick ${tick}`);
  }
  for (const world of [restored, b]) {
    world.leave(0);
    world.leave(1);
    world.step();
    assert.equal([world.players, world.seatsInUse], [0, 0]);
  }
});

test("commands as they were drained make the same story in another world; one that does not fit is refused", async () => {
  const spec = { game: FIGHT, npcs: 60, bots: 3 };
  const [{ world, bots }, twin] = [await populated(spec), await worldOf(spec)];
  const tape: { tick: number; command: Command; name: string }[] = [];
  let tick = 0;
  world.onCommand = (command) => {
    assert.ok(isFromOutside(command.type));
    const name = command.type === JOIN ? world.nameOf(command.seat) : "";
    tape.push({ tick, command: { ...command }, name });
  };
  const hashes: bigint[] = [];
  bots.decide(++tick);
  play(world, 12, 300, () => {
    hashes.push(world.hash());
    bots.decide(++tick);
  });
  let next = 0;
  for (let tick = 1; tick <= 300; tick++) {
    for (; tape[next]?.tick === tick; next++) assert.ok(twin.replay(tape[next]!.command, tape[next]!.name));
    twin.step();
    assert.is(twin.hash(), hashes[tick - 1], `tick ${tick}`);
  }
  assert.ok(next > 1000, `only ${next} commands`);
  const wrongSeat = { type: JOIN, action: 0, seat: 60, seq: 0, dx: 0, dy: 0 };
  assert.is(twin.replay(wrongSeat, "zoe"), false);
  assert.is(twin.replay({ ...wrongSeat, type: INPUT }, ""), false);
  assert.is(twin.replay({ ...wrongSeat, type: 99 }, ""), false);
});

const EAST: Gate = { zone: "zone-0", x0: 500, y0: 0, x1: 600, y1: 2048, to: "zone-1", x: 100, y: 1000 };

/** Two worlds; a player of the first who walks east into its gate. */
async function border(gates: readonly Gate[], players = 4, capacity = 0): Promise<[World, World]> {
  const game = defineGame({ ...FIGHT.definition, setup: () => {} });
  const plan = await planOf({ game, map: field(64), players, npcs: capacity });
  const kernel = await loadKernel();
  const world = (i: number): World => {
    const name = `zone-${i}`;
    return new World(kernel, { ...plan.world, name, seed: 1 + i, gates: gates.filter(({ zone }) => zone === name) });
  };
  return [world(0), world(1)];
}

/** One tick of both, and the answers. */
function stepBoth(worlds: readonly [World, World]): void {
  for (const world of worlds) world.step();
  answerGates(worlds);
}

test("who walks into a gate is in the other zone at the next tick, with name, hp, level, gold, own columns, wish and ack", async () => {
  const worlds = await border([EAST]);
  const [a, b] = worlds;
  const moves: unknown[] = [];
  const entered: number[] = [];
  a.onSeatMoved = (from, to, seat) => moves.push([from, to, seat]);
  b.onEnter = (seat, id) => entered.push(seat, id);
  // So that the seats differ.
  b.join("other");
  const seat = a.join("ann");
  stepBoth(worlds);
  const id = a.entity(seat);
  const slot = a.zone.slot(id);
  a.zone.place(id, 490, 300);
  Object.assign(a.zone.columns.hp, { [slot]: 77 });
  Object.assign(a.zone.columns.gold, { [slot]: 12 });
  Object.assign(a.zone.columns.level, { [slot]: 3 });
  Object.assign(a.zone.own["kills"] ?? [], { [slot]: 5 });
  entered.length = 0;
  let ticks = 0;
  for (let seq = 1; moves.length === 0 && seq < 60; seq++, ticks++) {
    a.input(seat, seq, 1, 0);
    stepBoth(worlds);
  }
  assert.equal(moves, [[seat, "zone-1", 1]]);
  assert.ok(ticks >= 5, `${ticks} ticks`);
  assert.equal([a.zone.count, b.zone.count, a.players, b.players], [1, 1, 0, 2]);
  b.input(1, 100, 0, 1);
  b.step();
  a.step();
  assert.equal([a.zone.count, b.zone.count, a.seatsInUse, b.seatsInUse], [0, 2, 0, 2]);
  assert.equal(entered, [1, b.entity(1)]);
  assert.is(b.nameOf(1), "ann");
  assert.is(b.acks[1], 100);
  const there = b.zone.slot(b.entity(1));
  const { x, y, hp, gold, level, wishY } = b.zone.columns;
  assert.equal([x[there], y[there], hp[there], gold[there], level[there]], [100, 1002, 77, 12, 3]);
  assert.equal([b.zone.own["kills"]?.[there], wishY[there]], [5, 1]);
});

test("who finds the other zone full stays, is told once, asks again only after it was outside, and goes when there is room", async () => {
  const worlds = await border([EAST], 1);
  const [a, b] = worlds;
  const told: string[] = [];
  a.onTell = ({ name, data, seat }) => told.push(`${name} ${data} ${seat}`);
  const blocker = b.join("blocker");
  const seat = a.join("ann");
  stepBoth(worlds);
  a.zone.place(a.entity(seat), 550, 300);
  let asked = 0;
  const watch = (ticks: number): void => {
    for (let tick = 0; tick < ticks; tick++) {
      stepBoth(worlds);
      asked += a.crossers;
    }
  };
  watch(50);
  assert.equal([asked, told, a.zone.count], [1, ['gate-full {"to":"zone-1"} 0'], 1]);
  b.leave(blocker);
  watch(50);
  assert.is(asked, 1, "room alone is no reason to ask");
  a.zone.place(a.entity(seat), 450, 300);
  watch(5);
  a.zone.place(a.entity(seat), 550, 300);
  watch(5);
  assert.equal([asked, told.length, a.zone.count, b.zone.count], [2, 1, 0, 1]);
});

test("who comes out of a gate into another does not go back before it was outside of it", async () => {
  const back: Gate = { zone: "zone-1", x0: 50, y0: 950, x1: 150, y1: 1050, to: "zone-0", x: 800, y: 800 };
  const worlds = await border([EAST, back]);
  const [a, b] = worlds;
  const seat = a.join("ann");
  stepBoth(worlds);
  a.zone.place(a.entity(seat), 550, 300);
  for (let tick = 0; tick < 50; tick++) stepBoth(worlds);
  assert.equal([a.zone.count, b.zone.count], [0, 1]);
  b.zone.place(b.entity(0), 300, 300);
  stepBoth(worlds);
  b.zone.place(b.entity(0), 100, 1000);
  for (let tick = 0; tick < 5; tick++) stepBoth(worlds);
  assert.equal([a.zone.count, b.zone.count], [1, 0]);
});

test("a gate for all lets beasts through as well, one for players only does not, and nobody goes into a wall", async () => {
  for (const [gate, here, there] of [
    [EAST, 1, 0],
    [{ ...EAST, all: true }, 0, 1],
    [{ ...EAST, all: true, x: 0, y: 0 }, 1, 0],
  ] as const) {
    const worlds = await border([gate], 4, 1);
    const [a, b] = worlds;
    a.zone.spawn({ kind: 1, x: 550, y: 550 });
    for (let tick = 0; tick < 5; tick++) stepBoth(worlds);
    assert.equal([a.zone.count, b.zone.count], [here, there]);
  }
});

test("a seat that is given up on the way is free in both zones, whichever side hears first", async () => {
  const worlds = await border([EAST]);
  const [a, b] = worlds;
  let moved = -1;
  a.onSeatMoved = (_, __, seat) => {
    moved = seat;
  };
  const seat = a.join("ann");
  stepBoth(worlds);
  a.zone.place(a.entity(seat), 550, 300);
  a.step();
  a.leave(seat);
  answerGates(worlds);
  assert.is(moved, -1, "it had gone already");
  stepBoth(worlds);
  assert.equal([a.seatsInUse, b.seatsInUse, a.zone.count, b.zone.count], [0, 0, 0, 0]);
  const again = a.join("bob");
  stepBoth(worlds);
  a.zone.place(a.entity(again), 550, 300);
  stepBoth(worlds);
  b.leave(moved);
  for (let tick = 0; tick < 3; tick++) stepBoth(worlds);
  assert.equal([a.seatsInUse, b.seatsInUse, a.zone.count, b.zone.count], [0, 0, 0, 0]);
});

test("who leaves because of what it was told in the tick in which it crosses leaves there, and a replay of that is the same", async () => {
  const worlds = await border([EAST]);
  const [a, b] = worlds;
  const seat = a.join("ann");
  const tape: [number, number, Command, string][] = [];
  let tick = 0;
  for (const [i, world] of worlds.entries()) {
    world.onCommand = (command) => {
      if (isFromOutside(command.type)) tape.push([tick, i, { ...command }, world.nameOf(command.seat)]);
    };
  }
  const story: bigint[] = [];
  const stepTold = (): void => {
    tick++;
    stepBoth(worlds);
    story.push(a.hash(), b.hash());
  };
  // A backlog of events, on which its connection is closed: within the step.
  a.onCommand = ((heard) => (command: Readonly<Command>) => {
    heard?.(command);
    if (command.seq !== 3) return;
    a.leave(seat);
    refuses("COMMANDS_FULL", () => a.join("bob"));
    assert.is(a.input(seat, 4, 0, 0), true, "as for any seat that was given up");
  })(a.onCommand);
  stepTold();
  a.input(seat, 1, 1, 0);
  stepTold();
  a.zone.place(a.entity(seat), 499, 300);
  a.input(seat, 3, 1, 0);
  stepTold();
  assert.equal([a.players, b.players, b.pending], [0, 1, 2]);
  for (let i = 0; i < 3; i++) stepTold();
  assert.equal([a.players, b.players], [0, 0]);
  assert.equal([a.seatsInUse, b.seatsInUse, a.zone.count, b.zone.count], [0, 0, 0, 0]);

  const twins = await border([EAST]);
  for (let tick = 1, i = 0; tick <= 6; tick++) {
    for (const [, zone, command, name] of tape.filter(([at]) => at === tick)) {
      assert.ok(twins[zone as 0 | 1].replay(command, name), `tick ${tick}: ${command.type}`);
    }
    if (tick === 3) twins[0].zone.place(twins[0].entity(seat), 499, 300);
    stepBoth(twins);
    assert.is(twins[0].hash(), story[i++], `zone-0 after tick ${tick}`);
    assert.is(twins[1].hash(), story[i++], `zone-1 after tick ${tick}`);
  }
});

test("of 20,000 crossings of 40 players and 30 beasts none is lost or doubled, whoever joins, leaves or is refused", async () => {
  const back: Gate = { zone: "zone-1", x0: 1500, y0: 0, x1: 1600, y1: 2048, to: "zone-0", x: 1800, y: 1000, all: true };
  const worlds = await border([{ ...EAST, all: true }, back], 30, 30);
  const random = new Random(5);
  const [a, b] = worlds;
  const where = new Map<string, number>();
  for (const [i, world] of worlds.entries()) {
    const other = 1 - i;
    world.onSeatMoved = (from, to, seat) => {
      where.delete(`${i}/${from}`);
      assert.not(where.has(`${other}/${seat}`));
      where.set(`${other}/${seat}`, 1);
      assert.is(to, worlds[other]?.name);
    };
  }
  const beasts = 30;
  const marks = new Set<number>();
  for (let i = 0; i < beasts; i++) {
    const id = a.zone.spawn({ kind: 1, x: 100 + 20 * (i % 10), y: 100 + 20 * i, hp: 1000 + i });
    marks.add(a.zone.columns.hp[a.zone.slot(id)] ?? 0);
  }
  let crossings = 0;
  let refused = 0;
  for (let tick = 0; crossings < 20_000; tick++) {
    if (where.size < 40 && random.float() < 0.1) {
      const i = random.integer(0, 1);
      if (worlds[i]!.seatsInUse < 30) where.set(`${i}/${worlds[i]!.join(`p${tick}`)}`, 1);
    } else if (where.size > 20 && random.float() < 0.03) {
      const key = random.pick([...where.keys()]);
      const [i, seat] = key.split("/").map(Number);
      where.delete(key);
      worlds[i!]!.leave(seat!);
    }
    for (const world of worlds) {
      const { id } = world.zone.columns;
      const [inside, outside] = world === a ? [550, 1000] : [1550, 1000];
      for (let slot = 0; slot < world.zone.highWater; slot++) {
        if (id[slot] !== 0)
          world.zone.place(id[slot]!, random.float() < 0.5 ? inside : outside, 100 + random.float() * 1800);
      }
    }
    for (const world of worlds) world.step();
    const asked = a.crossers + b.crossers;
    const crossed = answerGates(worlds);
    crossings += crossed;
    refused += asked - crossed;
    assert.equal([a.fault, b.fault], [null, null]);
    assert.is(a.players + b.players, where.size, `tick ${tick}`);
  }
  for (const key of where.keys()) {
    const [i, seat] = key.split("/").map(Number);
    worlds[i!]!.leave(seat!);
  }
  for (let tick = 0; tick < 5; tick++) for (const world of worlds) world.step();
  assert.ok(refused > 100, `${refused} were refused`);
  assert.equal([a.seatsInUse, b.seatsInUse, a.zone.count + b.zone.count], [0, 0, beasts]);
  const found: number[] = [];
  for (const { zone } of worlds) {
    for (let slot = 0; slot < zone.highWater; slot++)
      if (zone.columns.id[slot] !== 0) found.push(zone.columns.hp[slot]!);
  }
  assert.equal(found.sort(), [...marks].sort());
});

test.run();
