/** The games under examples/: the same in every build of the kernel, sums that come out even, and what each is about. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Archetype, loadKernel, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import arena from "../examples/arena.js";
import table from "../examples/arena.json" with { type: "json" };
import { gatesOf } from "../examples/arena-gates.js";
import { townOf } from "../examples/arena-town.js";
import evacuation from "../examples/evacuation.js";
import type { Game } from "../src/game/define.js";
import type { Gate } from "../src/sim/gates.js";
import type { World } from "../src/sim/world.js";
import type { Zones } from "../src/sim/zones.js";
import { forSeeds } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { checkWorld, Ledger, Visitors } from "./support/visitors.js";
import { drawn, field, zonesOf } from "./support/worlds.js";

const ARCHETYPES = table as Record<string, Archetype>;
const KINDS = Object.keys(ARCHETYPES);
/** By kind of the arena: who can be harmed. */
const HARMABLE = Object.values(ARCHETYPES).map(({ hp = 0 }) => hp > 0);

const BUILDS = [
  { build: "simd", checked: false },
  { build: "scalar", checked: false },
  { build: "simd", checked: true },
] as const;

/** What a world came to, every 200 ticks. */
async function historyOf(game: Game, options: object, ticks: number, build: object): Promise<string[]> {
  const zones = await zonesOf({ game, kernel: await loadKernel(build), ...options });
  const visitors = new Visitors(zones.all, 11, 12);
  const history: string[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    visitors.act();
    zones.step();
    if (tick % 200 === 0) history.push(zones.all.map((world) => world.hash().toString(16)).join(" "));
  }
  zones.close();
  return history;
}

test("two joined arenas of 300 beasts, 10 bots and visitors are the same for 2,000 ticks in simd, scalar and checked", async () => {
  const options = { npcs: 300, bots: 10, zones: 2, map: townOf(3), seed: 5 };
  const [first, ...others] = await Promise.all(BUILDS.map((build) => historyOf(arena, options, 2000, build)));
  assert.is(first?.length, 10);
  assert.is(new Set(first).size, 10, "something happens");
  for (const other of others) assert.equal(other, first);
  const [elsewhere] = await historyOf(arena, { ...options, seed: 6 }, 200, BUILDS[0]);
  assert.is.not(elsewhere, first?.[0], "another seed is another history");
});

test("a drill with 200 people, 3 bots and visitors is the same for 2,000 ticks in simd, scalar and checked", async () => {
  const options = { npcs: 200, bots: 3, seed: 5 };
  const [first, ...others] = await Promise.all(BUILDS.map((build) => historyOf(evacuation, options, 2000, build)));
  assert.is(new Set(first).size, 10, "something happens");
  for (const other of others) assert.equal(other, first);
});

test("whatever 4 seeds of visitors do in the arena, nobody is alive without hp or in a wall, and xp and gold come out even", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const ledger = new Ledger();
    const options = { npcs: 250, bots: 12, zones: 2, map: field(24), seed };
    const zones = await zonesOf({ game: ledger.watch(arena), ...options });
    const visitors = new Visitors(zones.all, seed, 20);
    try {
      for (let tick = 0; tick < 1500; tick++) {
        visitors.act();
        zones.step();
        if (tick % 50 !== 0) continue;
        for (const world of zones.all) checkWorld(world, HARMABLE);
        ledger.check(zones.all);
      }
      assert.ok(ledger.deaths > 50 && ledger.gold > 50, `${ledger.deaths} deaths`);
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
    zones.close();
  }
});

test("the checks of invariants see a corpse that lives, somebody in a wall, and xp from nowhere", async () => {
  const zones = await zonesOf({ game: arena, npcs: 20, map: field(12) });
  zones.step();
  const world = zones.get();
  const { hp, x, xp } = world.zone.columns;
  checkWorld(world, HARMABLE);
  hp[3] = 0;
  assert.throws(() => checkWorld(world, HARMABLE), /has 0 hp and is alive/);
  hp[3] = 5;
  x[3] = 1;
  assert.throws(() => checkWorld(world, HARMABLE), /./);
  const ledger = new Ledger();
  ledger.check(zones.all);
  xp[2] = 1;
  assert.throws(() => ledger.check(zones.all), /xp 1 of 0 given/);
  zones.close();
});

/** A zone in the arena's archetypes, on a drawing. */
async function wild(map: ReturnType<typeof drawn>, flowFields = 4): Promise<Zone> {
  const kernel = await loadKernel();
  return kernel.createZone({
    width: map.width * map.tileSize,
    height: map.height * map.tileSize,
    tileSize: map.tileSize,
    tiles: map.tiles,
    capacity: 20,
    archetypes: Object.values(ARCHETYPES),
    flowFields,
  });
}

const PEN = drawn(
  "................",
  ".....#####......",
  ".........#......",
  ".........#......",
  ".........#......",
  ".....#####......",
  "................",
);
/** Inside the pen, at its closed end, and right behind its wall. */
const [INSIDE, BEHIND] = [8.5 * 32, 10.5 * 32];
const MIDDLE = 3.5 * 32;

/** A wolf in the pen and a player behind its wall, after so many seconds. */
async function chase(flowFields: number, seconds: number) {
  const zone = await wild(PEN, flowFields);
  const wolf = zone.spawn({ kind: KINDS.indexOf("wolf"), x: INSIDE, y: MIDDLE });
  const player = zone.spawn({ kind: KINDS.indexOf("player"), x: BEHIND, y: MIDDLE });
  let bitten = -1;
  let west = INSIDE;
  for (let tick = 0; tick < seconds * 60 && bitten < 0; tick++) {
    zone.step();
    west = Math.min(west, zone.columns.x[zone.slot(wolf)] ?? 0);
    if ((zone.columns.hitAt[zone.slot(player)] ?? 0) > 0) bitten = tick;
  }
  return { zone, wolf, player, bitten, west };
}

test("a wolf runs 4 tiles away from a player behind a wall, around it, and bites, and goes home; without fields it does not bite", async () => {
  const { zone, wolf, player, bitten, west } = await chase(4, 12);
  assert.ok(bitten > 60, `bitten at tick ${bitten}`);
  assert.ok(west < 5 * 32, `it came as far west as ${west}`);
  // The player is gone: the wolf gives up, and lies at home again.
  zone.place(player, 15.5 * 32, 0.5 * 32);
  zone.despawn(player);
  let ticks = 0;
  for (; ticks < 1500 && zone.columns.state[zone.slot(wolf)] !== 0; ticks++) zone.step();
  assert.ok(ticks < 1000, `it needed ${ticks} ticks to be home`);
  const [x, y] = [zone.columns.x[zone.slot(wolf)] ?? 0, zone.columns.y[zone.slot(wolf)] ?? 0];
  assert.ok((x - INSIDE) ** 2 + (y - MIDDLE) ** 2 < 40 ** 2, `home is (${INSIDE}, ${MIDDLE}), it is at (${x}, ${y})`);
  assert.is((await chase(0, 12)).bitten, -1);
});

/** A player in the middle of so many wolves, who strikes at the nearest whenever it can: who is left. */
async function brawl(wolves: number, seed: number): Promise<{ slain: number; hp: number }> {
  const zone = await wild(field(20));
  for (let i = 0; i < seed; i++) zone.random();
  const player = zone.spawn({ kind: 0, x: 320, y: 320 });
  for (let i = 0; i < wolves; i++) zone.spawn({ kind: KINDS.indexOf("wolf"), x: 240 + 20 * i, y: 240 });
  const { x, y, hp, alive, id, kind } = zone.columns;
  const self = zone.slot(player);
  for (let tick = 0; tick < 1200 && alive[self] === 1; tick++) {
    const foe = zone.slot(zone.nearest(x[self] ?? 0, y[self] ?? 0, 400, { notTeam: 1 }));
    if (foe < 0) break;
    zone.move(player, (x[foe] ?? 0) - (x[self] ?? 0), (y[foe] ?? 0) - (y[self] ?? 0));
    zone.act(player, 1);
    zone.step();
  }
  const isSlain = (slot: number) => id[slot] !== 0 && kind[slot] === KINDS.indexOf("wolf") && alive[slot] === 0;
  const slain = Array.from({ length: zone.highWater }, (_, slot) => slot).filter(isSlain).length;
  return { slain, hp: Math.max(0, hp[self] ?? 0) };
}

test("a player of level 1 beats two wolves, and falls to a pack of ten after killing some, in 10 fights each", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const two = await brawl(2, seed);
    assert.ok(two.slain === 2 && two.hp > 0, `fight ${seed}: ${two.slain} of two slain, ${two.hp} hp left`);
    const ten = await brawl(10, seed);
    assert.ok(ten.slain >= 1 && ten.slain < 10 && ten.hp === 0, `fight ${seed}: ${ten.slain} slain, ${ten.hp} hp left`);
  }
});

/** Puts a player into the middle of a gate. */
function walkInto(world: World, seat: number, gate: Gate | undefined): void {
  if (gate === undefined) throw new Error("no gate");
  world.zone.place(world.entity(seat), (gate.x0 + gate.x1) / 2, (gate.y0 + gate.y1) / 2);
}

test("a player who walks into a gate comes out in the next zone beside its western gate, with its kills, and can go back", async () => {
  const map = field(24);
  const zones = await zonesOf({ game: arena, zones: 3, map });
  const [first, second] = zones.all;
  if (first === undefined || second === undefined) throw new Error("no zones");
  let seat = first.join("ann");
  zones.step();
  const [out] = first.gates;
  assert.equal([out?.zone, out?.to], ["zone-0", "zone-1"]);
  first.zone.own["kills"]![first.zone.slot(first.entity(seat))] = 7;
  first.onSeatMoved = (_, __, moved) => {
    seat = moved;
  };
  walkInto(first, seat, out);
  for (let tick = 0; tick < 3; tick++) zones.step();
  assert.is(zones.transfers, 1);
  const slot = second.zone.slot(second.entity(seat));
  assert.is(second.zone.own["kills"]![slot], 7);
  assert.equal([second.zone.columns.x[slot], second.zone.columns.y[slot]], [out?.x, out?.y]);
  const back = second.gates.find(({ to }) => to === "zone-0");
  walkInto(second, seat, back);
  for (let tick = 0; tick < 3; tick++) zones.step();
  assert.is(zones.transfers, 2);
  assert.equal([first.zone.count, second.zone.count], [1, 0]);
  zones.close();
});

test("gates of 40 random maps stand on open ground of one piece, and nobody comes out in a gate; none without room or zones", () => {
  let joined = 0;
  forSeeds(40, (seed) => {
    const random = new Random(seed);
    const [width, height] = [random.integer(5, 40), random.integer(5, 40)];
    const share = random.float() * 0.4;
    const tiles = Uint8Array.from({ length: width * height }, () =>
      random.float() < share ? random.integer(1, 2) : 0,
    );
    const map = { width, height, tileSize: 16, tiles };
    const gates = gatesOf(map, 3);
    assert.ok(gates.length === 0 || gates.length === 6, `${gates.length} gates`);
    joined += gates.length / 6;
    for (const gate of gates) {
      for (let x = gate.x0 + 8; x < gate.x1; x += 16) {
        for (let y = gate.y0 + 8; y < gate.y1; y += 16) {
          assert.is(tiles[Math.floor(y / 16) * width + Math.floor(x / 16)], 0, `gate at (${x}, ${y})`);
        }
      }
      const inside = gates.some((g) => gate.x >= g.x0 && gate.x <= g.x1 && gate.y >= g.y0 && gate.y <= g.y1);
      assert.not(inside, `comes out at (${gate.x}, ${gate.y})`);
      assert.is(tiles[Math.floor(gate.y / 16) * width + Math.floor(gate.x / 16)], 0);
    }
    assert.equal(gatesOf(map, 1), []);
  });
  assert.ok(joined > 15, `${joined} maps have gates`);
  assert.equal(gatesOf(field(5), 4), []);
  assert.equal(gatesOf({ width: 8, height: 8, tileSize: 32, tiles: new Uint8Array(64).fill(1) }, 4), []);
});

const countOf = (names: readonly string[], name: string) => names.filter((other) => other === name).length;

test("duels: two fight to three wins in a locked room, again and again, and who stays behind is open to the next", async () => {
  const path = resolve("examples/duels.mjs");
  const { default: duels }: { default: Game } = await import(pathToFileURL(path).href);
  const zones = await zonesOf({ game: duels, bots: 1 });
  assert.equal([zones.all.length, zones.awake], [254, 0]);
  const world = zones.get("duel-7");
  const told: string[] = [];
  world.onTell = ({ name }) => void told.push(name);
  assert.ok(world.reset(3));
  // One who does nothing but stand there, and a bot.
  const ann = world.join("ann");
  while (countOf(told, "won") < 2 && zones.tick < 60_000) zones.step();
  assert.is(world.fault, null);
  const [ready, begin, ...rest] = told;
  assert.equal([ready, begin, world.isLocked], ["ready", "begin", true]);
  const points = rest.indexOf("won");
  assert.ok(points >= 3 && points <= 5, told.join());
  assert.is(rest[points + 1], "begin");
  assert.is(countOf(told, "won"), 2);
  world.leave(ann);
  zones.step();
  assert.not(world.isLocked);
  zones.close();
});

test("the guide's smallest game is examples/tiny.mjs: 10 bots gather coins, each tells, and as many lie about as before", async () => {
  const path = resolve("examples/tiny.mjs");
  const code = readFileSync(path, "utf8").split("\n").slice(1).join("\n");
  assert.ok(readFileSync("docs/games.md", "utf8").includes(`\`\`\`js\n${code}\`\`\``), "docs/games.md shows it");
  const { default: tiny }: { default: Game } = await import(pathToFileURL(path).href);
  const zones = await zonesOf({ game: tiny, npcs: 150, bots: 10, map: field(16) });
  const world = zones.get();
  let told = 0;
  world.onTell = ({ name }) => {
    if (name === "coin") told++;
  };
  for (let tick = 0; tick < 1200; tick++) zones.step();
  const gathered = world.zone.own["coins"] as Uint16Array;
  assert.ok(told > 20, `${told} coins`);
  assert.is(
    gathered.reduce((sum, count) => sum + count),
    told,
  );
  assert.is(world.zone.count, 160);
  zones.close();
});

test("the town of 20 seeds is closed, one piece, half open, and each differs; the same seed gives the same", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { width, height, tiles } = townOf(seed);
    assert.equal([width, height, tiles.length], [128, 128, 16_384]);
    assert.equal(townOf(seed).tiles, tiles);
    for (let i = 0; i < 128; i++) {
      for (const edge of [i, 127 * 128 + i, i * 128, i * 128 + 127])
        assert.is(tiles[edge], 1, `seed ${seed}: open at tile ${edge}`);
    }
    const free = tiles.reduce((count, tile) => count + (tile === 0 ? 1 : 0), 0);
    assert.ok(free > 8000 && free < 14_500, `seed ${seed}: ${free} free tiles`);
    assert.is(reachable(tiles, 128), free, `seed ${seed}: not one piece`);
    assert.ok(tiles.includes(2), "water");
    seen.add(tiles.join(""));
  }
  assert.is(seen.size, 20);
});

/** Free tiles that can be walked to from the first. */
function reachable(tiles: Uint8Array, width: number): number {
  const open = [tiles.indexOf(0)];
  const seen = new Set(open);
  for (const tile of open) {
    for (const next of [tile - 1, tile + 1, tile - width, tile + width]) {
      if (tiles[next] !== 0 || seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen.size;
}

interface Told {
  name: string;
  tick: number;
  data: { people: number; exit: string; seconds: number; out: Record<string, number> };
}

/** All that a game tells. */
function listen(zones: Zones): Told[] {
  const told: Told[] = [];
  const world = zones.get();
  world.onTell = ({ name, data }) => told.push({ name, tick: world.zone.tick, data: JSON.parse(data) });
  return told;
}

test("of 1, 40 and 1,700 people everybody gets out, also past the exit that smoke closes, drill after drill", async () => {
  for (const npcs of [1, 40, 1700]) {
    const zones = await zonesOf({ game: evacuation, npcs, seed: npcs });
    const told = listen(zones);
    for (let tick = 0; tick < 7200 && told.filter(({ name }) => name === "evacuated").length < 2; tick++) zones.step();
    const names = told.map(({ name }) => name);
    assert.is(names.filter((name) => name === "evacuated").length, 2, `${npcs}: ${names}`);
    assert.is(zones.get().zone.count, 0, "the building is empty");
    const [bell] = told;
    assert.equal([bell?.name, bell?.data.people], ["bell", npcs]);
    for (const { name, data, tick } of told) {
      if (name !== "evacuated") continue;
      assert.is(
        Object.values(data.out).reduce((sum, count) => sum + count),
        npcs,
      );
      assert.ok(data.seconds < 60, `${npcs} people took ${data.seconds} s, at tick ${tick}`);
    }
    if (npcs === 1700) assert.ok(names.includes("smoke"), "nobody was in time for the smoke");
    zones.close();
  }
});

test("nobody leaves by the exit that smoke closed once the new field is ready, but who was beyond its door", async () => {
  const zones = await zonesOf({ game: evacuation, npcs: 1200, seed: 4 });
  const told = listen(zones);
  const outOf = (exit: string) => JSON.parse(zones.get().rules.parts().get("state") ?? "").out[exit] as number;
  for (let tick = 0; tick < 3600 && !told.some(({ name }) => name === "smoke"); tick++) zones.step();
  const exit = told.at(-1)?.data.exit ?? "";
  const before = outOf(exit);
  for (let tick = 0; tick < 60; tick++) zones.step();
  const soon = outOf(exit);
  for (let tick = 0; tick < 3600 && told.at(-1)?.name !== "evacuated"; tick++) zones.step();
  assert.is(told.at(-1)?.name, "evacuated");
  assert.ok(before > 10, `${before} had left by ${exit}`);
  assert.is(outOf(exit), soon);
  zones.close();
});

test("people panic in the crush, and a marshal's shout calms those around it", async () => {
  const zones = await zonesOf({ game: evacuation, npcs: 1500 });
  const world = zones.get();
  const seat = world.join("marshal");
  for (let tick = 0; tick < 400; tick++) zones.step();
  const { id, x, y } = world.zone.columns;
  const panic = world.zone.own["panic"] as Float32Array;
  const most = panic.indexOf(panic.reduce((highest, value) => Math.max(highest, value)));
  assert.ok((panic[most] ?? 0) > 0.5 && id[most] !== 0, `panic ${panic[most]}`);
  world.zone.place(world.entity(seat), x[most] ?? 0, y[most] ?? 0);
  zones.step();
  const before = panic[most] ?? 0;
  world.input(seat, 1, 0, 0, world.actionOf("shout"));
  zones.step();
  assert.ok((panic[most] ?? 0) < before / 2, `panic ${before}, after the shout ${panic[most]}`);
  zones.close();
});

test.run();
