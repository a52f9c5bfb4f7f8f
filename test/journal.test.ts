/** Zones that are taken up from their journals, wherever their threads ended, tell the story of zones that nothing happened to. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import arena from "../examples/arena.js";
import { defineGame, type Game } from "../src/game/define.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Kernel } from "../src/kernel/types.js";
import { Failures } from "../src/sim/failures.js";
import { Journal } from "../src/sim/journal.js";
import { runAgain, takeUp } from "../src/sim/restart.js";
import { NOW } from "../src/sim/schedule.js";
import { World, type WorldSpec } from "../src/sim/world.js";
import { EFFORT } from "./support/effort.js";
import { type KeptSpec, KeptZones } from "./support/kept.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { field, planOf, type TestZones, WALKERS } from "./support/worlds.js";

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
  const SEEDS = 4 * EFFORT;
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

/** A journal of its own for a world. */
function journalOf(
  world: World,
  periodTicks: number,
  partsSize = 65_536,
): { journal: Journal; buffer: SharedArrayBuffer } {
  const shape = { zone: world.zone, seats: world.seats, partsSize };
  const buffer = new SharedArrayBuffer(Journal.sizeOf(shape));
  const journal = new Journal({ ...shape, buffer, periodTicks });
  journal.keep(world);
  return { journal, buffer };
}

async function specOf(game: Game, spec: Partial<TestZones> = {}): Promise<WorldSpec> {
  const { world, gates } = await planOf({ game, players: 8, zones: 3, ...spec });
  return { ...world, name: "zone-0", seed: 1, gates };
}

/** What a hook of the game below is told to do wrong, and when. */
const FAULT = { tick: 0, times: 0, how: "throws" };

const FAULTY: Game = defineGame({
  name: "faulty",
  map: field(12),
  archetypes: { player: { speed: 90 }, walker: { brain: "hunter", wander: 80 } },
  capacity: 20,
  state: () => ({ said: 0 }),
  setup(world) {
    for (let i = 0; i < 10; i++) {
      const { x, y } = world.freePlace("walker");
      world.spawn("walker", x, y);
    }
  },
  input(world, player, { seq }) {
    world.state.said += seq;
    world.tell("said", world.state.said, player);
  },
  systems: [
    {
      name: "fault",
      every: 1,
      run(world) {
        if (world.tick + 1 !== FAULT.tick || FAULT.times-- <= 0) return;
        if (FAULT.how === "throws") throw new Error("as told");
        world.zone.columns.x[0] = Number.NaN;
      },
    },
  ],
});

/** A world that is run again whenever it fails, and what it said. */
class Tried {
  world: World;
  readonly failures = new Failures(2, new SharedArrayBuffer(Failures.sizeOf(2)));
  readonly said: string[] = [];
  nowMs = 1000;
  readonly #kernel: Kernel;
  readonly #spec: WorldSpec;
  readonly #journal: Journal;
  readonly #wasPrepared: boolean;
  #handedOn = 0;

  /** wasPrepared: what it says before the kernel's step is handed on at once. */
  constructor(kernel: Kernel, spec: WorldSpec, wasPrepared = false) {
    this.#wasPrepared = wasPrepared;
    this.#kernel = kernel;
    this.#spec = spec;
    this.world = new World(kernel, spec);
    this.#journal = journalOf(this.world, 13).journal;
    this.#attach(this.world);
  }

  step(tick: number): void {
    if (this.world.seatsInUse < 8) this.world.join(`p${tick}`);
    for (let seat = 0; seat < 8; seat++) this.world.input(seat, tick, 1, seat - 4);
    this.#handedOn = this.said.length;
    this.world.step(tick);
    if (this.world.fault !== null) {
      this.world = runAgain(this.world, tick, {
        ...{ kernel: this.#kernel, world: this.#spec, journal: this.#journal },
        ...{ failures: this.failures, index: 1, now: () => this.nowMs, attach: (world: World) => this.#attach(world) },
        wasPrepared: this.#wasPrepared,
      });
    }
    this.#journal.renew();
  }

  #attach(world: World): void {
    // What it said in a tick that failed was not handed on.
    if (!this.#wasPrepared) this.said.length = this.#handedOn;
    world.onEnter = (seat, id) => this.said.push(`${seat} enters as ${id}`);
    world.onTell = ({ name, data, seat }) => this.said.push(`${name} ${data} to ${seat}`);
  }
}

for (const how of ["throws", "traps"]) {
  test(`a game whose hook ${how} once, or twice in one tick, goes on as if it had not; at the third time in 30 s its zone stays stopped`, async () => {
    const kernel = await loadKernel({ checked: true });
    const spec = await specOf(FAULTY);
    Object.assign(FAULT, { tick: 0, times: 0, how });
    const twin = new Tried(kernel, spec);
    for (let tick = 1; tick <= 60; tick++) twin.step(tick);
    for (const times of [1, 2, 3, -2]) {
      // What throws does so before the kernel's step.
      if (times < 0 && how === "throws") continue;
      const tried = new Tried(kernel, spec, times < 0);
      Object.assign(FAULT, { tick: 31, times: Math.abs(times) });
      for (let tick = 1; tick <= 60; tick++) tried.step(tick);
      assert.is(tried.failures.count(1), Math.abs(times));
      assert.is(tried.failures.count(0), 0);
      if (times < 3) {
        assert.is(tried.world.fault, null);
        assert.is(tried.world.hash(), twin.world.hash());
        assert.equal(tried.said, twin.said);
        continue;
      }
      assert.ok(tried.failures.isQuarantined(1));
      const reason = how === "throws" ? /in system "fault" of zone-0 at tick 30: as told$/ : /slot 0 cannot have x NaN/;
      assert.match(tried.world.fault?.message ?? "", reason);
      assert.is(tried.world.zone.tick, how === "throws" ? 30 : 31);
    }
    Object.assign(FAULT, { tick: 0 });
  });
}

test("a zone that fails in one tick of each 16 s is never quarantined, in one of each 15 s at the third time", async () => {
  const kernel = await loadKernel();
  const spec = await specOf(FAULTY);
  FAULT.how = "throws";
  for (const seconds of [16, 15]) {
    const tried = new Tried(kernel, spec);
    for (let tick = 1; tick <= 50; tick++) {
      if (tick % 10 === 0) {
        Object.assign(FAULT, { tick, times: 1 });
        tried.nowMs += seconds * 1000;
      }
      tried.step(tick);
    }
    assert.is(tried.world.fault === null, seconds === 16);
    assert.is(tried.failures.count(1), seconds === 16 ? 5 : 3);
  }
});

test("the third failure within 30 s quarantines a zone, not the third within 31 s, nor what other zones do; in shared words", () => {
  const words = new SharedArrayBuffer(Failures.sizeOf(3));
  const times: [number[], boolean][] = [
    [[0, 15_000, 30_000], true],
    [[0, 15_000, 31_000], false],
    [[0, 31_000, 45_000, 61_500], false],
    [[0, 31_000, 45_000, 61_000], true],
    [[5, 5, 5], true],
    [[7_000_000_000, 7_000_000_001], false],
  ];
  for (const [moments, isLast] of times) {
    new Float64Array(words).fill(0);
    // Each failure is found by another thread.
    const told = moments.map((ms) => new Failures(3, words).note(1, ms));
    assert.equal(told, [...moments.slice(1).map(() => false), isLast], moments.join());
    const failures = new Failures(3, words);
    assert.equal(
      [failures.isQuarantined(1), failures.isQuarantined(0), failures.isQuarantined(2)],
      [isLast, false, false],
    );
    assert.is(failures.count(1), moments.length);
    assert.is(failures.note(2, moments.at(-1) ?? 0), false);
  }
});

/** A raid that ran for 30 ticks, with an image of tick 20. */
async function raided(): Promise<{ world: World; spec: WorldSpec; buffer: SharedArrayBuffer; kernel: Kernel }> {
  const kernel = await loadKernel();
  const spec = await specOf(RAID, { npcs: 10 });
  const world = new World(kernel, spec);
  const { journal, buffer } = journalOf(world, 20);
  for (let tick = 1; tick <= 30; tick++) {
    if (tick % 4 === 1) world.join(`p${tick}`);
    world.input(0, tick, 1, 1);
    world.step();
    journal.renew();
  }
  assert.is(journal.imageTick, 20);
  return { world, spec, buffer, kernel };
}

test("a journal of which a byte of the image is damaged, or that is another world's, is refused with IMAGE_BAD", async () => {
  const { world, spec, buffer, kernel } = await raided();
  const open = (bytes: Uint8Array, of = world, seats = 8): World => {
    const copy = new SharedArrayBuffer(bytes.length);
    new Uint8Array(copy).set(bytes);
    const shape = { zone: of.zone, seats, partsSize: 65_536 };
    const journal = new Journal({ ...shape, buffer: copy, periodTicks: 20 });
    const again = new World(kernel, { ...spec, saved: journal.image(), memory: of.zone });
    journal.resume(again, 30);
    return again;
  };
  const whole = new Uint8Array(buffer).slice();
  const hash = world.hash();
  assert.is(open(whole).hash(), hash);
  const areaSize = (whole.length - 64) / 2;
  // The second image: the first one's area counted from tick 0 on, then the second, then the first again.
  const start = 64 + ((new Int32Array(buffer)[0] ?? 0) - 1) * areaSize;
  const partsAt = start + 64 + Math.ceil(world.zone.imageSize / 64) * 64;
  const partsSize = new Int32Array(buffer)[start / 4 + 3] ?? 0;
  const random = new Random(5);
  const places = [
    ...Array.from({ length: 60 }, () => start + 64 + random.integer(0, world.zone.imageSize - 1)),
    ...Array.from({ length: 60 }, () => partsAt + random.integer(0, partsSize - 1)),
  ];
  for (const at of places) {
    const damaged = whole.slice();
    damaged[at] = (damaged[at] ?? 0) ^ (1 << random.integer(0, 7));
    const what = at >= start + 68 && at < start + 72 ? "IMAGE_VERSION" : "IMAGE_BAD";
    refuses(what, () => open(damaged), /./);
  }
  const cut = whole.slice();
  new DataView(cut.buffer).setInt32(start, (new Int32Array(buffer)[start / 4] ?? 0) - 8, true);
  refuses("IMAGE_BAD", () => open(cut), /cut off/);
  const logAt = partsAt + 65_536;
  const odd = whole.slice();
  odd[logAt + 4] = 7;
  refuses("IMAGE_BAD", () => open(odd), /command 1 of seat 7 cannot follow/);
  refuses("IMAGE_BAD", () => open(new Uint8Array(whole.length)), /there is none/);
  for (const [npcs, why] of [
    [9, /another spec/],
    [1, /another world's/],
  ] as const) {
    const other = new World(kernel, await specOf(RAID, { npcs }));
    refuses("IMAGE_BAD", () => open(whole, other), why);
  }
  const larger = new World(kernel, await specOf(RAID, { npcs: 200 }));
  refuses("BAD_ARGUMENT", () => open(whole, larger), /a journal of \d+ bytes/);
  const map = field(20);
  map.tiles[190] = 1;
  const walled = new World(kernel, await specOf(RAID, { npcs: 10, map }));
  const untouched = walled.hash();
  refuses("IMAGE_BAD", () => open(whole, walled), /another spec/);
  assert.is(walled.hash(), untouched);
});

test("a game whose state is not plain, or does not fit, has no journal any more, is told so, and goes on", async () => {
  const kernel = await loadKernel();
  const cases: [string, unknown, RegExp][] = [
    ["a map", new Map(), /in state of zone-0 at tick 10: state\.more is a Map/],
    ["70,000 letters", "x".repeat(70_000), /what zone-0 keeps beside its columns does not fit 65536 bytes/],
  ];
  for (const [what, more, why] of cases) {
    const game = defineGame<{ more: unknown }>({
      name: "more",
      map: field(8),
      state: () => ({ more: 1 }),
      systems: [
        { name: "more", every: 5, run: (world) => void (world.tick > 3 && Object.assign(world.state, { more })) },
      ],
    });
    const world = new World(kernel, await specOf(game as Game));
    const { journal } = journalOf(world, 5);
    for (let tick = 1; tick <= 20; tick++) {
      if (tick <= 8) world.join(`p${tick}`);
      world.step();
      journal.renew();
      assert.is(journal.isKept, tick < 10, `${what}, tick ${tick}`);
    }
    assert.match(journal.lost, why);
    assert.equal([world.fault, world.zone.tick, world.log], [null, 20, null]);
    refuses("IMAGE_BAD", () => journal.image(), /there is none/);
  }
});

test("a log that 8 players fill, with what is for ticks to come too, is never full: images come early, and the last one is taken up", async () => {
  const kernel = await loadKernel();
  const spec = await specOf(RAID, { npcs: 10 });
  const world = new World(kernel, spec);
  const { journal, buffer } = journalOf(world, 1_000_000);
  for (let i = 0; i < 8; i++) world.join(`p${i}`);
  const ticks: number[] = [];
  for (let tick = 1; tick <= 300; tick++) {
    for (let seat = 0; seat < 8; seat++) {
      // Half of them for ticks to come, as many as may wait.
      for (let n = 0; n < 3; n++) world.input(seat, tick, n, seat, n % 2, seat < 4 ? NOW : tick + 11 * n);
    }
    world.step();
    journal.renew();
    if (journal.imageTick !== ticks.at(-1)) ticks.push(journal.imageTick);
  }
  assert.is(journal.lost, "");
  assert.ok(ticks.length > 3 && ticks.length < 30, ticks.join());
  const again = new Journal({ zone: world.zone, seats: 8, partsSize: 65_536, buffer, periodTicks: 60 });
  const hash = world.hash();
  const taken = takeUp(world.zone, 300, { kernel, world: spec, journal: again });
  assert.is(taken.hash(), hash);
  assert.equal([taken.zone.tick, taken.log], [300, again]);
});

test("taken up a tick at a time it is done after as many calls, and a world that fails at it is not kept", async () => {
  const { world, spec, buffer, kernel } = await raided();
  const hash = world.hash();
  const shape = { zone: world.zone, seats: 8, partsSize: 65_536, buffer, periodTicks: 20 };
  const journal = new Journal(shape);
  const again = new World(kernel, { ...spec, saved: journal.image(), memory: world.zone });
  for (let tick = 21; tick <= 30; tick++) {
    assert.is(journal.resume(again, 0, 1), tick === 30, `tick ${tick}`);
    assert.is(again.zone.tick, tick);
  }
  assert.is(again.hash(), hash);
  const second = new Journal(shape);
  const failing = new World(kernel, { ...spec, saved: second.image(), memory: world.zone });
  failing.onTell = () => {
    throw new Error("no more");
  };
  let stops = 0;
  failing.onStop = () => stops++;
  assert.ok(second.resume(failing, 0));
  assert.match(failing.fault?.message ?? "", /no more/);
  assert.equal([failing.log, second.isKept, stops], [null, true, 1]);
});

test.run();
