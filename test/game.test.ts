import { Script } from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { GyreError } from "../src/errors.js";
import { ARCHETYPES_MAX, loadArchetypes } from "../src/game/archetypes.js";
import { defineGame, hasHooks, isGame } from "../src/game/define.js";
import { jsonError } from "../src/game/json-error.js";
import { planGame } from "../src/game/plan.js";
import { TIMERS_MAX, Timers } from "../src/game/timers.js";
import type { GameDefinition, GameWorld, Json, Player } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import { TickGuard } from "../src/ops/guard.js";
import { EVENT } from "../src/sim/events.js";
import { TELL_LENGTH_MAX, TELLS_PER_TICK_MAX, World } from "../src/sim/world.js";
import type { Guard } from "../src/sim/zones.js";
import { plainText } from "../src/state/plain.js";
import { gameOf } from "./support/game-files.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { drawn, field, planOf, worldOf } from "./support/worlds.js";

/** A world whose game has these parts, and what its hooks are given. */
async function worldWith(definition: Partial<GameDefinition>, npcs = 10): Promise<{ world: World; view: GameWorld }> {
  let view: GameWorld | undefined;
  const game = defineGame({
    name: "test",
    ...definition,
    setup(world) {
      view = world;
      definition.setup?.(world);
    },
  });
  const world = await worldOf({ game, npcs });
  if (view === undefined) throw new Error("setup was not called");
  return { world, view };
}

/** Steps until the zone stops, at most 10 times; the message of its fault. */
function faultOf(world: World): string {
  for (let tick = 0; tick < 10 && world.fault === null; tick++) world.step();
  return world.fault === null ? "none" : `${world.fault.code} ${world.fault.message}`;
}

// Definitions.

test("a definition with everything is a game, and what looks like one is none", () => {
  const game = defineGame({
    name: "all",
    map: field(8),
    tickRate: 30,
    snapshotRate: 30,
    zones: 2,
    players: 0,
    capacity: ({ npcs }, map) => npcs + map.width,
    zone: { cellSize: 32, flowFields: 3 },
    columns: { ammo: "u16", mood: { type: "f32", replicate: true } },
    archetypes: { a: {}, b: { hp: 3 } },
    actions: ["jump"],
    gates: [{ zone: "zone-0", x0: 0, y0: 0, x1: 0, y1: 9, to: "zone-1", x: 1, y: 1, all: true }],
    sleepAfter: 0.5,
    state: () => ({ n: 1 }),
    systems: [
      { name: "s", every: 1, run: () => {} },
      { name: "k", every: 7, kernel: "burn", numbers: [1, 2.5] },
    ],
    kernel: new Uint8Array(3),
  });
  assert.is(game.name, "all");
  assert.ok(isGame(game));
  assert.not(isGame({ ...game }));
  assert.not(isGame(null));
});

test("own columns are typed by their declaration", () => {
  defineGame({
    name: "typed",
    columns: { ammo: "u16", mood: { type: "f32", replicate: true } },
    state: () => ({ shots: 0 }),
    setup({ own, state }) {
      const ammo: Uint16Array = own.ammo;
      const mood: Float32Array = own.mood;
      state.shots += ammo.length + mood.length;
      // @ts-expect-error: no such column
      assert.is(own.lives, undefined);
      // @ts-expect-error: no such part of the state
      assert.is(state.score, undefined);
    },
  });
});

test("each wrong field of a definition is refused with GAME_BAD, its path and its value", () => {
  const gate = { zone: "zone-0", x0: 0, y0: 0, x1: 9, y1: 9, to: "zone-1", x: 1, y: 1 };
  const system = { name: "s", every: 1, run: () => {} };
  const arena = { maxPlayers: 8 };
  const cases: [object | null, RegExp][] = [
    [null, /^the definition is null/],
    [{ name: "" }, /^name is ""; it must be a text of 1 to 64/],
    [{ name: undefined }, /^name is missing/],
    [{ nmae: 1 }, /^nmae is no field of a game; there are name, map/],
    [{ map: 5 }, /^map is 5; it must be an object/],
    [{ tickRate: 0 }, /^tickRate is 0; it must be a whole number from 1 to 1000/],
    [{ interestTiles: 1025 }, /^interestTiles is 1025; it must be a whole number from 1 to 1024/],
    [{ tickRate: 20, snapshotRate: 21 }, /^snapshotRate is 21; it must be at most the tickRate, 20/],
    [{ snapshotRate: "20" }, /^snapshotRate is "20"/],
    [{ zones: 1001 }, /^zones is 1001/],
    [{ players: 16_385 }, /^players is 16385/],
    [{ capacity: -1 }, /^capacity is -1/],
    [{ zone: { width: 5 } }, /^zone\.width is no field of it; there are cellSize/],
    [{ columns: [] }, /^columns is \[\]/],
    [{ columns: { "a b": "u8" } }, /^a name in columns is "a b"/],
    [{ columns: { ammo: "u64" } }, /^columns\.ammo is "u64"; it must be f32, i32/],
    [{ columns: { ammo: { replicate: true } } }, /^columns\.ammo\.type is missing/],
    [{ columns: { ammo: { type: "u8", replicate: 1 } } }, /^columns\.ammo\.replicate is 1; it must be true or false/],
    [{ columns: { hp: { type: "u8", replicate: true } } }, /^columns\.hp is a name that entities have already/],
    [{ columns: { _a: { type: "u8", replicate: true } } }, /^columns\._a is no name for a replicated column/],
    [
      {
        columns: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`c${i}`, { type: "u8", replicate: true }])),
      },
      /^columns has 17 replicated; it must have at most 16/,
    ],
    [{ columns: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`c${i}`, "u8"])) }, /33 columns/],
    [{ archetypes: [] }, /^archetypes is an array/],
    [{ archetypes: {} }, /^archetypes has 0 archetypes/],
    [{ archetypes: { 7: {} } }, /^archetypes has the name "7"/],
    [{ archetypes: { wolf: { hp: -3 } } }, /^archetypes\.wolf\.hp is -3; it must be a whole number/],
    [{ archetypes: { wolf: { legs: 4 } } }, /^archetypes\.wolf\.legs is no field/],
    [{ rooms: [] }, /^rooms is \[\]; it must be an object of templates by name/],
    [{ rooms: {} }, /^rooms has 0 templates; it must have 1 to 16/],
    [{ rooms: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`r${i}`, arena])) }, /^rooms has 17 templates/],
    [{ rooms: { "arena-1": arena } }, /^a name in rooms is "arena-1"; it must be a letter/],
    [{ rooms: { arena: 8 } }, /^rooms\.arena is 8; it must be an object/],
    [{ rooms: { arena: {} } }, /^rooms\.arena\.maxPlayers is missing/],
    [
      { rooms: { arena: { maxPlayers: 0 } } },
      /^rooms\.arena\.maxPlayers is 0; it must be a whole number from 1 to 4096/,
    ],
    [
      { rooms: { arena: { ...arena, maxClients: 8 } } },
      /^rooms\.arena\.maxClients is no field of it; there are maxPlayers/,
    ],
    [{ rooms: { arena: { ...arena, instances: 1001 } } }, /^rooms\.arena\.instances is 1001/],
    [
      { rooms: { arena, b: { ...arena, instances: 937 } } },
      /^rooms has 1001 instances in all; it must have at most 1000/,
    ],
    [{ rooms: { arena: { ...arena, linger: -1 } } }, /^rooms\.arena\.linger is -1; it must be seconds/],
    [{ rooms: { arena: { ...arena, settings: [1] } } }, /^rooms\.arena\.settings is \[1\]/],
    [
      { rooms: { arena: { ...arena, settings: { goal: "5" } } } },
      /^rooms\.arena\.settings\.goal is "5"; it must be a finite/,
    ],
    [
      { rooms: { arena: { ...arena, settings: { bots: 5 } } } },
      /^rooms\.arena\.settings\.bots is none of a room's own/,
    ],
    [{ rooms: { arena }, zones: 5 }, /^zones is for a game without rooms/],
    [{ rooms: { arena }, players: 5 }, /^players is for a game without rooms/],
    [{ rooms: { arena }, sleepAfter: 5 }, /^sleepAfter is for a game without rooms/],
    [{ actions: "jump" }, /^actions is "jump"; it must be an array/],
    [{ actions: ["jump", "jump"] }, /^actions has "jump" twice/],
    [{ actions: ["attack"] }, /^actions has "attack" twice/],
    [{ actions: [1] }, /^actions\[0\] is 1/],
    [{ gates: [gate, { ...gate, x0: 10 }] }, /^gates\[1\]\.x0 is 10; it must be at most x1, 9/],
    [{ gates: [{ ...gate, to: "zone-0" }] }, /^gates\[0\]\.to is "zone-0"; it must be another/],
    [{ gates: [{ ...gate, y: Number.NaN }] }, /^gates\[0\]\.y is NaN; it must be a finite number/],
    [{ gates: [{ ...gate, x: undefined }] }, /^gates\[0\]\.x is missing/],
    [{ sleepAfter: -1 }, /^sleepAfter is -1/],
    [{ state: {} }, /^state is {}; it must be a function/],
    [{ join: 1 }, /^join is 1; it must be a function/],
    [{ join: async () => 1 }, /^join is a function of the kind AsyncFunction; it must be a plain one/],
    [{ capacity: async () => 1 }, /^capacity is a function of the kind AsyncFunction/],
    [{ systems: [{ ...system, *run() {} }] }, /^systems\[0\]\.run is a function of the kind GeneratorFunction/],
    [{ systems: [{ ...system, every: 0 }] }, /^systems\[0\]\.every is 0/],
    [{ systems: [{ name: "s", every: 1 }] }, /^systems\[0\] has neither run nor kernel/],
    [{ systems: [{ ...system, kernel: "k" }] }, /^systems\[0\] has both run and kernel/],
    [{ systems: [system, system] }, /^systems has "s" twice/],
    [{ systems: [{ ...system, numbers: ["1"] }] }, /^systems\[0\]\.numbers\[0\] is "1"/],
    [{ kernel: [1, 2] }, /^kernel is \[1,2\]; it must be a Uint8Array/],
  ];
  for (const [fields, message] of cases) {
    const definition = (fields === null ? null : { name: "x", ...fields }) as GameDefinition;
    refuses("GAME_BAD", () => defineGame(definition), message);
  }
  defineGame({ name: "x", columns: { ammo: "u8" }, gates: [gate], systems: [system], sleepAfter: 0 });
});

test("what a game says together with its map and settings is checked when it is planned: GAME_BAD with the path", async () => {
  const gate = { zone: "zone-0", x0: 0, y0: 0, x1: 9, y1: 9, to: "zone-1", x: 40, y: 40 };
  const map = field(8);
  const cases: [Partial<GameDefinition>, RegExp][] = [
    [{ map: () => ({ ...map, width: 9 }) }, /^map\.tiles\.length is 64; it must be 9 x 8, 72/],
    [{ map: () => ({ ...map, tileSize: 0 }) }, /^map\.tileSize is 0/],
    [{ map: () => undefined as never }, /^map is undefined/],
    [{ capacity: () => 1.5 }, /^capacity is 1.5/],
    [{ capacity: 1_048_575 }, /^capacity is 1048575; it must be at most 1048575 with 2048 seats/],
    [{ zone: () => ({ flowFeilds: 1 }) as never }, /^zone\.flowFeilds is no field/],
    [{ gates: [gate] }, /^gates\[0\]\.to is "zone-1"; it must be one of the server's 1 zones/],
    [{ zones: 2, gates: [{ ...gate, x: 3 }], map }, /^gates\[0\] leads to \(3, 40\); nobody can stand there/],
    [{ gates: () => [{ ...gate, zone: 4 as never }] }, /^gates\[0\]\.zone is 4/],
  ];
  for (const [fields, message] of cases) {
    const refusal = await planGame(defineGame({ name: "x", ...fields })).then(
      () => "none",
      (error: Error) => `${error.message}`,
    );
    assert.match(refusal, message);
  }
  const { gates, settings, tickRate, snapshotRate, sleepAfterTicks, world } = await planGame(
    defineGame({ name: "x", zones: 2, map, gates: [gate], tickRate: 10, sleepAfter: 0.25, players: 3 }),
    { settings: { bots: 2, npcs: 5 } },
  );
  assert.equal([gates.length, tickRate, snapshotRate, sleepAfterTicks], [1, 10, 10, 3]);
  assert.equal({ ...settings }, { npcs: 5, bots: 2, seed: 1, players: 3, zones: 2 });
  assert.equal([world.seats, world.zone.capacity], [5, 10]);
});

// Archetypes.

test("a table of archetypes keeps its order; a wrong one is refused with ARCHETYPE_BAD, its file, and line and column or path and value", () => {
  const table = loadArchetypes('{ "wolf": { "hp": 40, "brain": "hunter" }, "ann": {} }', "beasts.json");
  assert.equal(Object.keys(table), ["wolf", "ann"]);
  assert.equal(table["wolf"], { hp: 40, brain: "hunter" });
  const cases: [string, RegExp][] = [
    ["", /^beasts\.json:1:1: the text ends/],
    ['{\n  "wolf": {\n    "hp": 40,\n  }\n}', /^beasts\.json:4:3: unexpected "}"/],
    ['{ "wolf": { "hp": 040 } }', /^beasts\.json:1:20: unexpected "4"/],
    ['{ "wolf": {} } x', /^beasts\.json:1:16: unexpected "x"/],
    ["[]", /^beasts\.json: the table is an array/],
    ["{}", /^beasts\.json: the table has 0 archetypes/],
    ['{ "wolf": 3 }', /^beasts\.json: wolf is 3; it must be an object/],
    ['{ "wolf": { "hp": 1.5 } }', /^beasts\.json: wolf\.hp is 1\.5; it must be a whole number from 0/],
    ['{ "wolf": { "brain": "fox" } }', /^beasts\.json: wolf\.brain is "fox"; it must be "none" or "hunter"/],
    ['{ "wolf": { "hP": 1 } }', /^beasts\.json: wolf\.hP is no field/],
    ['{ "": {} }', /the name ""/],
    [
      JSON.stringify(Object.fromEntries(Array.from({ length: ARCHETYPES_MAX + 1 }, (_, i) => [`k${i}`, {}]))),
      /has 257/,
    ],
  ];
  for (const [text, message] of cases) refuses("ARCHETYPE_BAD", () => loadArchetypes(text, "beasts.json"), message);
});

test("an error in JSON is found where JSON.parse stops, for 2,000 damaged texts", () => {
  const text = JSON.stringify({ a: [1, -2.5e3, 'x\\"\u00e9😀', true, null], "b c": { d: {}, e: [] }, f: 0 }, null, 1);
  assert.is(jsonError(text), null);
  const random = new Random(11);
  let wrong = 0;
  for (let i = 0; i < 2000; i++) {
    const at = random.integer(0, text.length - 1);
    const damaged =
      text.slice(0, at) + random.pick(["", "]", "}", ",", '"', "\\", "0", "\n", "tru"]) + text.slice(at + 1);
    let isJson = true;
    try {
      JSON.parse(damaged);
    } catch {
      isJson = false;
    }
    const found = jsonError(damaged);
    assert.is(found === null, isJson, `${JSON.stringify(damaged)}: ${found}`);
    if (isJson) continue;
    wrong++;
    const [line = 0, column = 0] = (found ?? "").split(":").map(Number);
    const offset =
      damaged
        .split("\n")
        .slice(0, line - 1)
        .join("\n").length +
      (line > 1 ? 1 : 0) +
      column -
      1;
    assert.ok(offset >= Math.min(at - 7, damaged.length) && offset <= damaged.length, `${found} for damage at ${at}`);
  }
  assert.ok(wrong > 1000, `${wrong}`);
});

// Hooks.

test("the hooks of a tick come in order: leave, join, input, timer, systems, then death and events", async () => {
  const calls: string[] = [];
  const { world, view } = await worldWith({
    archetypes: { player: { hp: 10, attack: 1, corpse: 1 } },
    actions: ["wave"],
    state: () => {
      calls.push("state");
      return {};
    },
    setup: () => calls.push("setup"),
    join(w, player) {
      calls.push(`join ${player.name} ${player.entity}`);
      return w.spawn(0, 100, 100);
    },
    leave: (_, player) => void calls.push(`leave ${player.name} ${player.entity > 0} ${player.seat}`),
    input: (_, player, { seq, actionName }) => void calls.push(`input ${player.name} ${seq} ${actionName}`),
    timer: (_, name, data) => void calls.push(`timer ${name} ${JSON.stringify(data)}`),
    systems: [
      { name: "one", every: 1, run: () => calls.push("one") },
      { name: "two", every: 1, run: (w) => calls.push(`two ${w.tick}`) },
    ],
    death: (w, { target }) => void calls.push(`death ${w.playerOf(target)?.name}`),
    event: (_, { type, value }) => void calls.push(`event ${type} ${value}`),
  });
  const ann = world.join("ann");
  world.join("bob");
  assert.equal(calls.splice(0), ["state", "setup"]);
  world.step();
  const spawned = `event ${EVENT.SPAWN} 0`;
  assert.equal(calls.splice(0), ["join ann 0", "join bob 0", "one", "two 0", spawned, spawned]);
  view.after(1, "later");
  view.after(1, "now", { deep: [1] });
  world.zone.harm(world.entity(ann), 10);
  world.input(1, 7, 0, 0, world.actionOf("wave"));
  world.leave(ann);
  world.join("cyd");
  world.step();
  const died = ["death undefined"];
  const expected = ["input bob 7 wave", "leave ann true 0", "join cyd 0", "one", "two 1"];
  assert.equal(calls.slice(0, 5), expected);
  for (const each of [...died, spawned]) assert.ok(calls.includes(each), `${each} of ${calls}`);
  calls.length = 0;
  world.step();
  assert.equal(calls, ["timer later null", 'timer now {"deep":[1]}', "one", "two 2"]);
});

test("an input that the hook answers with false is kept from the kernel, one that it answers with nothing is not", async () => {
  for (const [answer, wish] of [
    [false, 0],
    [undefined, 1],
    [true, 1],
  ] as const) {
    const { world } = await worldWith({ input: () => answer });
    const seat = world.join("ann");
    world.step();
    world.input(seat, 1, 1, 0);
    world.step();
    assert.is(world.zone.columns.wishX[world.zone.slot(world.entity(seat))], wish, String(answer));
    assert.is(world.acks[seat], 1);
  }
});

test("without hooks whoever joins becomes the first archetype at a free place, and goes when it leaves", async () => {
  const map = drawn("####", "#..#", "####");
  const game = defineGame({ name: "bare", archetypes: { hero: { hp: 7, speed: 60 }, other: {} } });
  const world = await worldOf({ game, map });
  const seat = world.join("ann");
  world.step();
  const { kind, hp, y } = world.zone.columns;
  assert.equal([kind[0], hp[0], world.zone.count], [0, 7, 1]);
  assert.ok(y[0]! > 32 && y[0]! < 64);
  world.leave(seat);
  world.step();
  assert.is(world.zone.count, 0);
});

test("a player without an entity is in, acknowledged, and can be given one later; two cannot have the same", async () => {
  const { world, view } = await worldWith({ join: () => undefined });
  const heard: number[] = [];
  world.onEnter = (_, id) => heard.push(id);
  world.onPossess = (_, id) => heard.push(id);
  const seat = world.join("ann");
  world.join("bob");
  world.step();
  world.input(seat, 3, 1, 0);
  world.step();
  assert.equal([world.acks[seat], world.zone.count], [3, 0]);
  const [ann, bob] = view.players as [Player, Player];
  const id = view.spawn(0, 100, 100);
  view.possess(ann, id);
  assert.equal(heard, [0, 0, id]);
  assert.equal([ann.entity, view.playerOf(id)], [id, ann]);
  refuses("BAD_ARGUMENT", () => view.possess(bob, id), /"ann" has already/);
  refuses("BAD_ARGUMENT", () => view.possess(bob, 4095), /4095, of which there is no entity/);
  view.possess(ann, 0);
  view.possess(bob, id);
  view.zone.despawn(id);
  assert.equal([ann.entity, bob.entity], [0, 0]);
  assert.equal(heard, [0, 0, id, 0, id, 0]);
  world.leave(seat);
  world.step();
  assert.equal([ann.seat, ann.entity, view.players.length], [-1, 0, 1]);
  refuses("BAD_ARGUMENT", () => view.possess(ann, id), /player is "ann"; it must be somebody who is in zone-0/);
});

test("who enters takes the room that is kept for it and no other's: 64 with pets enter a zone for 65, one of them with its pet", async () => {
  let pets = 0;
  const { world } = await worldWith(
    {
      join(world) {
        const id = world.spawn(0, 100, 100);
        try {
          world.spawn(0, 200, 100);
          pets++;
        } catch (error) {
          assert.is((error as GyreError).code, "ZONE_FULL");
        }
        return id;
      },
    },
    1,
  );
  // The seats of this world are 64.
  for (let i = 0; i < 64; i++) world.join(`p${i}`);
  for (let tick = 0; tick < 6; tick++) world.step();
  assert.is(world.fault, null, world.fault?.message);
  assert.equal([world.zone.count, pets], [65, 1]);
});

test("players are listed in order of seats, however they come and go", async () => {
  const { world, view } = await worldWith({});
  for (let i = 0; i < 12; i++) world.join(`p${i}`);
  world.step();
  for (const seat of [3, 0, 11, 7]) world.leave(seat);
  world.step();
  for (let i = 0; i < 2; i++) world.join(`q${i}`, i === 1);
  world.step();
  const seats = view.players.map(({ seat }) => seat);
  assert.equal(
    seats,
    [...seats].sort((a, b) => a - b),
  );
  assert.equal(new Set(seats).size, 10);
  assert.equal(
    view.players.filter(({ bot }) => bot).map(({ name }) => name),
    ["q1"],
  );
});

test("systems run every n ticks, equal periods in different ticks", async () => {
  const runs: string[] = [];
  const run = (name: string) => (w: GameWorld) => void runs.push(`${w.tick} ${name}`);
  const { world } = await worldWith({
    systems: [
      { name: "a", every: 3, run: run("a") },
      { name: "b", every: 3, run: run("b") },
      { name: "c", every: 4, run: run("c") },
    ],
  });
  for (let tick = 0; tick < 8; tick++) world.step();
  assert.equal(runs, ["0 a", "2 b", "2 c", "3 a", "5 b", "6 a", "6 c"]);
});

test("timers come at their tick in order of creation, can be cancelled, and those of a sleeping zone when it wakes", async () => {
  const runs: string[] = [];
  const { world, view } = await worldWith({
    timer(w, name, data) {
      runs.push(`${w.tick} ${name}`);
      if (data === "again") w.after(1, "child");
    },
  });
  const data = { n: [1] };
  view.after(5, "e", data);
  view.after(2, "b");
  const c = view.after(2, "c");
  view.after(2, "d", "again");
  view.after(1, "a");
  assert.is(view.cancel(c), true);
  assert.is(view.cancel(c), false);
  assert.is(view.cancel(99), false);
  for (let tick = 0; tick < 6; tick++) world.step();
  assert.equal(runs.splice(0), ["1 a", "2 b", "2 d", "3 child", "5 e"]);
  view.after(10, "late");
  view.after(3, "soon");
  world.step(100);
  assert.equal(runs, ["99 soon", "99 late"]);
});

test("10,000 random timers, some cancelled, run as a sorted list does; saved in the middle they go on as they would have", () => {
  const random = new Random(3);
  let timers = new Timers();
  let model: { tick: number; id: number }[] = [];
  for (let tick = 0; tick < 500; tick++) {
    for (let n = 0; n < 20; n++) {
      const due = tick + random.integer(1, 60);
      model.push({ tick: due, id: timers.add(due, `t${n}`, n) });
    }
    for (let n = 0; n < 6; n++) {
      const { id } = random.pick(model);
      assert.is(timers.cancel(id), true);
      model = model.filter((timer) => timer.id !== id);
    }
    const due = model.filter((timer) => timer.tick <= tick).sort((a, b) => a.tick - b.tick || a.id - b.id);
    model = model.filter((timer) => timer.tick > tick);
    for (const { id } of due) assert.is(timers.take(tick)?.id, id);
    assert.is(timers.take(tick), undefined);
    assert.is(timers.count, model.length);
    if (tick % 100 === 50) {
      const saved = JSON.stringify(timers.save());
      timers = new Timers();
      timers.restore(JSON.parse(saved));
      assert.is(JSON.stringify(timers.save()), saved);
    }
  }
});

test(`${TIMERS_MAX} timers find room, one more is refused with TIMERS_FULL until one was cancelled`, () => {
  const timers = new Timers();
  for (let i = 0; i < TIMERS_MAX; i++) timers.add(5, "t", undefined);
  refuses("TIMERS_FULL", () => timers.add(5, "t", undefined));
  timers.cancel(17);
  timers.add(5, "t", undefined);
  refuses("TIMERS_FULL", () => timers.add(5, "t", undefined));
});

test("what a game tells reaches all, one, or those around a place, as JSON; at most so many times in a tick", async () => {
  const { world, view } = await worldWith({});
  const told: unknown[] = [];
  world.onTell = (tell) => told.push({ ...tell });
  world.join("ann");
  world.step();
  const [ann] = view.players as [Player];
  const everywhere = { x: 0, y: 0, radius: Number.POSITIVE_INFINITY };
  view.tell("bell", { n: 1 });
  view.tell("you", null, ann);
  view.tell("near", [1, "é"], { x: 5, y: 6, radius: 7 });
  assert.equal(told.splice(0), [
    { name: "bell", data: '{"n":1}', seat: -1, ...everywhere },
    { name: "you", data: "null", seat: 0, ...everywhere },
    { name: "near", data: '[1,"é"]', seat: -1, x: 5, y: 6, radius: 7 },
  ]);
  world.leave(0);
  world.step();
  assert.is(view.tell("you", null, ann), false);
  for (let i = 0; i < TELLS_PER_TICK_MAX; i++) assert.is(view.tell("n", i), true);
  assert.is(view.tell("n", 0), false);
  world.step();
  assert.is(view.tell("n", 0), true);
});

test("events that found no room are announced once in their tick, with how many", async () => {
  const lost: number[] = [];
  const { world, view } = await worldWith({
    zone: { eventCapacity: 4, eventPolicy: "drop-oldest" },
    event: (_, { type, value }) => type === EVENT.LOST && lost.push(value),
  });
  for (let i = 0; i < 10; i++) view.zone.emit(64, false, 0, 0, i, 0, 1, 1);
  world.step();
  world.step();
  view.zone.emit(64, false, 0, 0, 1, 0, 1, 1);
  world.step();
  assert.equal(lost, [6]);
});

test("what setup spawns is no event, and so many of them are none that is lost", async () => {
  const told: number[] = [];
  const { world, view } = await worldWith(
    {
      archetypes: { toy: {} },
      capacity: 3000,
      setup(w) {
        for (let i = 0; i < 2500; i++) w.spawn(0, 500, 500);
      },
      event: (_, { type }) => told.push(type),
    },
    0,
  );
  world.step();
  assert.equal(told, []);
  assert.is(world.zone.events.droppedLow, 0);
  view.spawn(0, 500, 500);
  world.step();
  assert.equal(told, [EVENT.SPAWN]);
});

// State.

test("events that a hook emits wait for the next tick, also of a zone that is saved between, and what was lost is told there", async () => {
  const kernel = await loadKernel();
  const game = defineGame({
    name: "test",
    zone: { eventCapacity: 4 },
    state: () => ({ heard: [] as number[] }),
    event(world, { type, value, x }) {
      world.state.heard.push(type, value, x);
      if (type === 64) for (let i = 0; i < 3; i++) world.zone.emit(65, i === 1, 0, 0, value + i, 0, i + 0.5, 1);
      if (type === EVENT.LOST) for (let i = 0; i < 6; i++) world.zone.emit(66, false, 0, 0, i, 0, 0, 0);
    },
  });
  const { world: spec } = await planOf({ game });
  const all = { ...spec, name: "zone-0", seed: 1, gates: [] };
  const world = new World(kernel, all);
  for (let i = 0; i < 6; i++) world.zone.emit(64, false, 0, 0, 10 * i, 0, 0, 0);
  for (let tick = 0; tick < 6; tick++) {
    world.step();
    const restored = new World(kernel, { ...all, saved: world.save() });
    assert.is(restored.zone.events.count, world.zone.events.count);
    world.step();
    restored.step();
    assert.is(restored.hash(), world.hash(), `tick ${tick}`);
  }
});

test("the state, the timers and the players are in the hash, each under its own name in the digests", async () => {
  const { world, view } = await worldWith({ state: () => ({ n: 0, list: [] as number[] }) });
  const differing = (change: () => void): string[] => {
    const [before, hash] = [world.digests(), world.hash()];
    change();
    const after = world.digests();
    assert.is(hash === world.hash(), false);
    return [...before].filter(([name, digest]) => after.get(name) !== digest).map(([name]) => name);
  };
  const state = view.state as { n: number; list: number[] };
  assert.equal(
    differing(() => state.n++),
    ["state"],
  );
  assert.equal(
    differing(() => state.list.push(1)),
    ["state"],
  );
  assert.equal(
    differing(() => view.after(9, "t")),
    ["timers"],
  );
  assert.ok(
    differing(() => {
      world.join("ann");
      world.step();
    }).includes("seats"),
  );
  assert.is(world.hash(), world.hash());
});

test("plain data is written as JSON, keys in their order; what is not plain is refused with its path", () => {
  assert.is(
    plainText({ b: 1, a: [true, null, "x", -0.5, { c: {} }] }, "state"),
    '{"b":1,"a":[true,null,"x",-0.5,{"c":{}}]}',
  );
  assert.is(plainText(Object.create(null), "state"), "{}");
  const shared = { x: 1 };
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  let deep: Json = 1;
  for (let i = 0; i < 65; i++) deep = [deep];
  class Wolf {}
  const cases: [unknown, RegExp][] = [
    [{ hp: Number.NaN }, /^state\.hp is NaN/],
    [{ hp: Number.POSITIVE_INFINITY }, /^state\.hp is Infinity/],
    [[1, { x: -0 }], /^state\[1\]\.x is -0/],
    [{ a: undefined }, /^state\.a is undefined/],
    [{ a: new Array(2) }, /^state\.a\[0\] is undefined/],
    [{ "a b": () => 1 }, /^state\["a b"\] is a function/],
    [{ a: 5n }, /^state\.a is a bigint/],
    [{ a: Symbol("x") }, /^state\.a is a symbol/],
    [{ [Symbol("x")]: 1 }, /^state is an object with a symbol for a key/],
    [new Map(), /^state is a Map; it must be plain data: null, booleans, strings, finite numbers/],
    [{ w: new Wolf() }, /^state\.w is a Wolf/],
    [{ t: new Uint8Array(2) }, /^state\.t is a Uint8Array/],
    [{ d: new Date(0) }, /^state\.d is a Date/],
    [{ a: shared, b: shared }, /^state\.b is an object that stands in two places/],
    [loop, /^state\.self is an object that stands in two places/],
    [deep, /nested deeper than 64/],
  ];
  for (const [value, message] of cases) refuses("BAD_ARGUMENT", () => plainText(value, "state"), message);
});

test("a state that is not plain stops the zone when it is hashed, and in a checked build within a second; save refuses it", async () => {
  const game = await gameOf(
    "mood.mjs",
    "export default (define) => define({ name: 'm', state: () => ({ mood: NaN }) });",
  );
  const message = /^mood\.mjs in state of zone-0 at tick 0: state\.mood is NaN/;
  const world = await worldOf({ game, kernel: await loadKernel({ checked: false }) });
  world.step();
  assert.is(world.fault, null);
  world.hash();
  assert.is(world.fault?.code, "GAME_FAILED");
  assert.match(world.fault?.message ?? "", /^mood\.mjs in state of zone-0 at tick 1: state\.mood is NaN/);
  refuses("GAME_FAILED", () => world.save(), /state\.mood/);
  const checked = await worldOf({ game, kernel: await loadKernel({ checked: true }) });
  checked.step();
  assert.match(checked.fault?.message ?? "", message);
});

// Faults.

test("functions of a definition that throw, or do not come to an end, are GAME_FAILED with the place and the field", async () => {
  const cases: [string, RegExp][] = [
    ["capacity() { throw new Error('boom') }", /^my-game\.mjs:2:\d+ in capacity: boom$/],
    ["map() { return null.x }", /^my-game\.mjs:2:\d+ in map: Cannot read prop/],
    ["async map() { await 0; throw new Error('late') }", /^my-game\.mjs:2:\d+ in map: late$/],
    ["zone() { throw 3 }", /my-game\.mjs in zone: it threw 3$/],
    ["gates() { for (;;); }", /my-game\.mjs in gates: it did not come to an end$/],
  ];
  const watch = new TickGuard(() => 0);
  for (const [field, message] of cases) {
    const seconds = field.includes("for (;;)") ? 0.1 : 4;
    const guard: Guard = { run: (work) => watch.run(work, seconds), isWorn: false, placeOf: () => undefined };
    const game = await gameOf("my-game.mjs", `export default (define) => define({ name: "x",\n  ${field} });`);
    const refusal = await planGame(game, { guard }).then(
      () => null,
      (error: GyreError) => error,
    );
    assert.is(refusal?.code, "GAME_FAILED", field);
    assert.match(refusal?.message ?? "", message);
  }
});

/** A game in a file, whose system on line 3 does this in tick 4. Seats: 64. */
const doing = (what: string, more = "") =>
  gameOf(
    "my-game.mjs",
    `export default (define) => define({ name: "x", archetypes: { wolf: { hp: 5 }, bear: { halfSize: 1200 } }, ${more} systems: [{
  name: "burn", every: 1, run(world) { if (world.tick === 4) {
    ${what}
  } },
}] });`,
  );

test("what a hook throws stops its zone with file, line, column, hook, zone and tick; its twin goes on", async () => {
  const cases: [string, string, RegExp][] = [
    ["throw new Error('oh no')", "0", /^GAME_FAILED my-game\.mjs:3:11 in system "burn" of zone-0 at tick 4: oh no$/],
    ["null.x", "({}).x", /^GAME_FAILED my-game\.mjs:3:10 in .*: TypeError: Cannot read prop/],
    ["throw 'text'", "0", /^GAME_FAILED my-game\.mjs in system "burn" of zone-0 at tick 4: it threw text$/],
    ["throw undefined", "0", /it threw undefined/],
    ["throw Object.create(null)", "0", /in system "burn" of zone-0 at tick 4: it threw what has no text$/],
    ["throw Object.assign(new Error(), { message: Symbol() })", "0", /it threw what has no text$/],
    ["throw Object.defineProperty(new Error('a'), 'stack', { get() { throw 1; } })", "0", /tick 4: a$/],
    ["throw new Proxy({}, { getPrototypeOf() { throw 1; } })", "0", /: it threw what has no text$/],
    [
      "return Promise.reject(5)",
      "return { then: 5 }",
      /my-game\.mjs in .*: the hook returned a promise; it must be done when/,
    ],
    ["const f = () => f(); f()", "const f = () => 1; f()", /my-game\.mjs:3:\d+ in .*: RangeError: Maximum call stack/],
    [
      "world.zone.move(1, NaN, 0)",
      "world.zone.move(1, 1, 0)",
      /^GAME_FAILED my-game\.mjs:3:16 in .*: dx is NaN; it must be a finite number$/,
    ],
    [
      "world.spawn('wolf', 99, 99, { sped: 3 })",
      "world.spawn('wolf', 99, 99, { speed: 3 })",
      /my-game\.mjs:3:11 in .*: an override is "sped"; it must be one of team, halfSize, speed, hp/,
    ],
    ["world.spawn('wolf', NaN, 1)", "world.spawn('wolf', 99, 99)", /my-game\.mjs:3:11 in .*: x is NaN/],
    [
      "world.spawn('wolff', 99, 99)",
      "world.spawn('wolf', 99, 99)",
      /my-game\.mjs:3:11 in .*: kind is "wolff"; it must be wolf, bear/,
    ],
    [
      "world.spawn(2, 99, 99)",
      "world.spawn(0, 999, 999)",
      /: kind is 2; it must be an archetype's name or a whole number from 0 to 1/,
    ],
    ["world.spawn(0, 1, 1)", "world.spawn(0, 50, 50)", /: a box of half size 8 at \(1, 1\) does not lie inside/],
    [
      "world.freePlace('bear')",
      "world.freePlace('wolf')",
      /: kind is "bear"; it must be one for which the map has room: this is 2400 units wide/,
    ],
    [
      "for (let i = 0; i < 11; i++) world.spawn(0, 99, 99)",
      "for (let i = 0; i < 10; i++) world.spawn(0, 99, 99)",
      /my-game\.mjs:3:\d+ in .*: the zone holds 10 of 74 entities; the rest is for players/,
    ],
    ["world.after(0, 'x')", "world.after(1, 'x')", /: ticks is 0; it must be a whole number from 1/],
    ["world.after(1.5, 'x')", "world.after(2, 'x')", /: ticks is 1.5/],
    ["world.after(1, '')", "world.after(1, 'x', null)", /: name is ""; it must be 1 to 32 characters/],
    ["world.after(1, 'x', new Map())", "world.after(1, 'x', {})", /: data is a Map; it must be plain data/],
    ["world.tell('x', { a: NaN })", "world.tell('x', { a: 1 })", /: data\.a is NaN/],
    [
      "world.tell('x', 1, { x: 1, y: NaN, radius: 2 })",
      "world.tell('x', 1, { x: 1, y: 1, radius: 2 })",
      /: to\.y is NaN/,
    ],
    [
      "world.tell('x', 'a'.repeat(20000))",
      "world.tell('x', 'a'.repeat(9000))",
      new RegExp(`: data is 20002 characters of JSON; it must be at most ${TELL_LENGTH_MAX}`),
    ],
    ["world.tell(5, 1)", "world.tell('5', 1)", /: name is 5/],
    ["world.possess({ seat: 0 }, 1)", "0", /: player is undefined; it must be somebody who is in zone-0/],
    ["world.zone.step()", "world.zone.hash()", /TypeError: world\.zone\.step is not a function/],
    ["world.zone.place = 1", "world.own.x = 1", /TypeError: Cannot assign to read only/],
    ["world.zone.emit(3, true, 0, 0, 0, 0, 0, 0)", "world.zone.emit(64, true, 0, 0, 0, 0, 0, 0)", /: type is 3/],
    ["world.zone.call('burn')", "0", /: .*burn/],
  ];
  for (const [bad, good, message] of cases) {
    assert.match(faultOf(await worldOf({ game: await doing(bad), npcs: 10 })), message, bad);
    const world = await worldOf({ game: await doing(good), npcs: 10 });
    assert.is(faultOf(world), "none", good);
    assert.is(world.zone.tick, 10);
  }
});

test("each hook is named in its fault", async () => {
  const fail = (): never => {
    throw new Error("no");
  };
  const rejected = () => Promise.reject(new Error("no"));
  const cases: [Partial<GameDefinition>, RegExp][] = [
    [{ join: fail }, /in join of zone-0 at tick 0: no/],
    [
      { join: () => "me" as never },
      /^[^:]*in join of zone-0 at tick 0: the hook returned me; it must be an entity's id or undefined/,
    ],
    [{ join: () => 77 }, /^[^:]*in join of zone-0 at tick 0: id is 77, of which there is no entity/],
    [{ leave: fail }, /in leave of zone-0 at tick 3: no/],
    [{ input: fail }, /in input of zone-0 at tick 1: no/],
    [{ timer: fail }, /in timer "t" of zone-0 at tick 2: no/],
    [{ death: fail }, /in death of zone-0 at tick 2: no/],
    [{ event: fail }, /in event of zone-0 at tick 1: no/],
    [{ gone: fail }, /in gone of zone-0 at tick \d+: no/],
    [{ join: () => Promise.resolve(1) } as object, /in join of zone-0 at tick 0: the hook returned a promise; /],
    [{ leave: rejected } as object, /in leave of zone-0 at tick 3: the hook returned a promise; /],
    [{ input: rejected } as object, /in input of zone-0 at tick 1: the hook returned a promise; /],
    [{ timer: rejected } as object, /in timer "t" of zone-0 at tick 2: the hook returned a promise; /],
    [{ death: rejected } as object, /in death of zone-0 at tick 2: the hook returned a promise; /],
    [{ event: rejected } as object, /in event of zone-0 at tick 1: the hook returned a promise; /],
    [
      { systems: [{ name: "s", every: 1, run: rejected }] } as object,
      /in system "s" of zone-0 at tick 0: the hook returned a promise; /,
    ],
  ];
  for (const [hooks, message] of cases) {
    const { world, view } = await worldWith({ archetypes: { a: { hp: 1 } }, ...hooks });
    const seat = world.join("ann");
    view.after(2, "t");
    world.step();
    if (world.fault === null) world.input(seat, 1, 0, 0);
    if (world.entity(seat) !== 0) world.zone.harm(world.entity(seat), 1);
    world.step();
    world.step();
    // A corpse goes within the period in which everybody has a turn.
    for (let tick = 0; hooks.gone !== undefined && tick < 60; tick++) world.step();
    world.leave(seat);
    world.step();
    assert.match(world.fault?.message ?? "none", message);
  }
  const state = defineGame({ name: "x", state: fail });
  const refusal = await worldOf({ game: state }).catch((error: Error) => error.message);
  assert.match(String(refusal), /in state of zone-0 at tick 0: no/);
  for (const hook of ["state", "setup"]) {
    const waits = defineGame({ name: "x", [hook]: rejected });
    const refused = await worldOf({ game: waits }).catch((error: Error) => error.message);
    assert.match(String(refused), new RegExp(`in ${hook} of zone-0 at tick 0: the hook returned a promise`));
  }
  const setup = defineGame({ name: "x", setup: fail });
  assert.match(String(await worldOf({ game: setup }).catch((error: Error) => error.message)), /in setup of zone-0/);
});

test("a zone that stopped tells its players once, refuses joins and inputs, takes leaves, and moves no more", async () => {
  const world = await worldOf({ game: await doing("throw new Error('oh')") });
  let stops = 0;
  world.onStop = () => stops++;
  const seat = world.join("ann");
  faultOf(world);
  const { tick } = world.zone;
  world.step();
  assert.equal([world.zone.tick, stops, world.players, world.crossers], [tick, 1, 0, 0]);
  refuses("ZONE_STOPPED", () => world.join("bob"), /zone-0/);
  assert.is(world.input(seat, 1, 1, 0), false);
  assert.equal([world.sleep(), world.wake()], [false, false]);
  world.leave(seat);
  assert.is(world.hash(), world.hash());
});

test("a hook that loops is stopped by a watchdog from outside; the error names it, and the other zone goes on", async () => {
  const game = await doing("for (;;);");
  const looping = await worldOf({ game });
  const other = await worldOf({ game: await doing("0") });
  for (let tick = 0; tick < 4; tick++) looping.step();
  const globals = globalThis as { stepped?: () => void };
  globals.stepped = () => looping.step();
  try {
    new Script("stepped()").runInThisContext({ timeout: 100 });
    assert.unreachable("the hook came to an end");
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, "ERR_SCRIPT_EXECUTION_TIMEOUT");
  }
  delete globals.stepped;
  assert.type(looping.rules.running, "function");
  looping.stop("it did not come to an end", `${game.file}:2:31`);
  for (let tick = 0; tick < 8; tick++) {
    looping.step();
    other.step();
  }
  const message = 'my-game.mjs:2:31 in system "burn" of zone-0 at tick 4: it did not come to an end';
  assert.equal([looping.fault?.code, looping.fault?.message], ["GAME_FAILED", message]);
  assert.equal([looping.zone.tick, other.zone.tick, other.fault], [4, 8, null]);
});

test("a system in a kernel of one's own is refused with GAME_BAD when the kernel does not export it", async () => {
  const game = defineGame({ name: "x", systems: [{ name: "k", every: 1, kernel: "burn" }] });
  const refusal = await worldOf({ game }).catch((error: Error) => error.message);
  assert.is(refusal, 'systems[0].kernel is "burn"; the kernel exports nothing');
});

test("a game has hooks, and needs a watchdog, when any code of its own runs in its zones; tables alone have none", () => {
  const game = (definition: object): boolean => hasHooks(defineGame({ name: "x", ...definition }));
  assert.is(game({}), false);
  assert.is(
    game({ archetypes: { wolf: { hp: 1 } }, columns: { ammo: "u8" }, actions: ["wave"], capacity: () => 5 }),
    false,
  );
  assert.is(game({ systems: [{ name: "s", every: 1, run: () => {} }] }), true);
  for (const hook of [
    "state",
    "setup",
    "join",
    "gone",
    "leave",
    "arrive",
    "depart",
    "stay",
    "input",
    "timer",
    "death",
    "event",
  ]) {
    assert.is(game({ [hook]: () => undefined }), true, hook);
  }
});

test.run();
