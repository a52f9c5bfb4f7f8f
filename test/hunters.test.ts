/** What hunters decide: whom they are after, how soon, how they get there, and when they give up. */
import type { Archetype, Kernel, Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { allKernels, forSeeds, nameOf, populate, randomTiles } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { drawn } from "./support/worlds.js";

const kernels = await allKernels();
const [IDLE, CHASE, ATTACK, RETURN] = [0, 1, 2, 3];
/** Within which a hunter looks around, whatever the tick rate. */
const REACTION_SECONDS = 0.25;

const WOLF: Archetype = { hp: 50, attack: 5, reach: 24, cooldown: 1, brain: "hunter", sight: 200, leash: 400, team: 1 };
const MAN: Archetype = { hp: 1000 };

const f = Math.fround;

test("a hunter is after the nearest enemy in sight, the lowest slot of equals, never who cannot be harmed: 4 kernels, 60 worlds", () => {
  let chasing = 0;
  for (const kernel of kernels) {
    forSeeds(60, (seed) => {
      const random = new Random(seed);
      const sights = [random.float() * 200, random.float() * 60];
      const zone = kernel.createZone({
        width: 1000,
        height: 800,
        capacity: 150,
        // Without a bite nobody turns against who bit.
        archetypes: [MAN, ...sights.map((sight) => ({ ...WOLF, sight, attack: 0 })), { hp: 0 }],
      });
      // Whole places, so that some are equally near. Nobody can move.
      const place = () => 10 + 10 * random.integer(0, 70);
      for (let i = 0; i < 150; i++) {
        zone.spawn({ x: place(), y: place(), kind: i % 5, team: random.integer(0, 3), speed: 0 });
      }
      zone.step(15);
      const { x, y, team, kind, state, target, id } = zone.columns;
      for (let slot = 0; slot < 150; slot++) {
        if (kind[slot] !== 1 && kind[slot] !== 2) {
          assert.equal([state[slot], target[slot]], [IDLE, 0]);
          continue;
        }
        let best = f(f(sights[kind[slot]! - 1]!) ** 2);
        let nearest = 0;
        for (let other = 0; other < 150; other++) {
          const squared = f(f(f(x[other]! - x[slot]!) ** 2) + f(f(y[other]! - y[slot]!) ** 2));
          // Kind 3 is beyond harm, kind 4 has no archetype.
          if (kind[other]! > 2 || team[other] === team[slot] || squared > best || (squared === best && nearest !== 0))
            continue;
          best = squared;
          nearest = id[other]!;
        }
        assert.is(target[slot], nearest, `${nameOf(kernel)}, slot ${slot}`);
        assert.is(state[slot] === CHASE || state[slot] === ATTACK, nearest !== 0);
        if (nearest !== 0) chasing++;
      }
      zone.validate();
    });
  }
  assert.ok(chasing > 3000, `only ${chasing} targets`);
});

test("who comes into sight is noticed within a quarter of a second, at 4 to 240 Hz, in zones of 1 to 999", () => {
  for (const kernel of kernels.slice(0, 2)) {
    for (const tickRate of [4, 10, 20, 30, 60, 100, 240]) {
      const random = new Random(tickRate);
      const count = random.pick([1, 17, 999]);
      const zone = kernel.createZone({ width: 9000, height: 500, capacity: 1000, tickRate, archetypes: [MAN, WOLF] });
      for (let i = 0; i < count; i++) zone.spawn({ x: 20 + i * 8, y: 50, kind: 1, speed: 0 });
      const man = zone.spawn({ x: 100, y: 480, kind: 0 });
      zone.step(random.integer(1, 50));
      const { state } = zone.columns;
      const last = random.integer(0, count - 1);
      assert.is(state[last], IDLE);
      zone.place(man, 20 + last * 8, 150);
      let ticks = 0;
      while (state[last] === IDLE && ticks < 1000) {
        zone.step();
        ticks++;
      }
      assert.ok(ticks <= Math.max(1, REACTION_SECONDS * tickRate), `${ticks} ticks at ${tickRate} Hz`);
    }
  }
});

test("hunters of any team notice in a world so large that its grid is hashed", () => {
  for (const kernel of kernels) {
    for (const team of [0, 1, 255]) {
      const size = 3_000_000;
      const zone = kernel.createZone({ width: size, height: size, capacity: 2, archetypes: [MAN, WOLF] });
      zone.spawn({ x: 500_000, y: 500_000, kind: 1, team });
      zone.spawn({ x: 500_050, y: 500_000, kind: 0, team: 7 });
      zone.step(REACTION_SECONDS * zone.tickRate);
      assert.not(zone.columns.state[0] === IDLE, `${nameOf(kernel)}, team ${team}`);
    }
  }
});

/** Runs until the condition holds, for so many ticks at most; the ticks it took. */
function until(zone: Zone, most: number, condition: () => boolean): number {
  for (let ticks = 0; ticks <= most; ticks++) {
    if (condition()) return ticks;
    zone.step();
  }
  assert.unreachable(`not within ${most} ticks`);
  return 0;
}

test("a hunter chases, bites at its cooldown, gives up at its leash, walks home and is whole again", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 2000, height: 400, capacity: 4, archetypes: [MAN, WOLF] });
    const wolf = zone.spawn({ x: 100, y: 200, kind: 1, speed: 130 });
    const man = zone.spawn({ x: 250, y: 200, kind: 0, speed: 100 });
    const [w, m] = [zone.slot(wolf), zone.slot(man)];
    const { x, state, hp, target } = zone.columns;
    until(zone, 60, () => state[w] === CHASE);
    until(zone, 120, () => state[w] === ATTACK);
    assert.is(target[w], man);
    zone.step(180);
    assert.ok(hp[m]! <= 1000 - 2 * 5 && hp[m]! >= 1000 - 4 * 5, `bitten to ${hp[m]}`);
    zone.harm(wolf, 20, man);
    // Away: faster than it, beyond the leash.
    zone.columns.speed[m] = 125;
    zone.move(man, 1, 0);
    let farthest = 0;
    until(zone, 1200, () => {
      farthest = Math.max(farthest, x[w]! - 100);
      return state[w] === RETURN;
    });
    assert.ok(farthest > 395 && farthest < 400 + 130 * REACTION_SECONDS + 5, `it came ${farthest} far`);
    assert.is(target[w], 0);
    assert.is(hp[w], 30);
    until(zone, 600, () => state[w] === IDLE);
    assert.ok(Math.abs(x[w]! - 100) <= 8);
    assert.is(hp[w], 50);
    zone.validate();
  }
});

test("a hunter comes to its target and home, however far it goes between two decisions: 1 to 240 Hz", () => {
  for (const kernel of kernels) {
    for (const tickRate of [1, 10, 30, 60, 240]) {
      for (const speed of [120, 400, 1500, 1e6, 3e38]) {
        const hunter: Archetype = { ...WOLF, reach: 2, halfSize: 4 };
        const zone = kernel.createZone({ width: 1000, height: 400, capacity: 2, tickRate, archetypes: [MAN, hunter] });
        zone.spawn({ x: 100, y: 200, kind: 1, speed });
        const man = zone.spawn({ x: 271, y: 213, kind: 0 });
        const label = `${nameOf(kernel)}, ${speed} units a second at ${tickRate} Hz`;
        const { state } = zone.columns;
        let ticks = 0;
        while (state[0] !== ATTACK && ticks++ < 5 * tickRate) zone.step();
        assert.is(state[0], ATTACK, label);
        zone.place(man, 900, 200);
        ticks = 0;
        while (state[0] !== IDLE && ticks++ < 5 * tickRate) zone.step();
        assert.is(state[0], IDLE, label);
      }
    }
  }
});

test("a hunter that is a little faster catches who flees, at 5 to 60 Hz", () => {
  for (const tickRate of [5, 10, 29, 60]) {
    const archetypes = [MAN, { ...WOLF, leash: 4000 }];
    const zone = kernels[0]!.createZone({ width: 2000, height: 400, capacity: 2, tickRate, archetypes });
    zone.spawn({ x: 100, y: 200, kind: 1, speed: 200 });
    zone.move(zone.spawn({ x: 150, y: 200, kind: 0, speed: 180 }), 1, 0);
    let ticks = 0;
    while (zone.columns.state[0] !== ATTACK && ticks++ < 10 * tickRate) zone.step();
    assert.is(zone.columns.state[0], ATTACK, `at ${tickRate} Hz`);
  }
});

test("a hunter whose target is gone, dead, or too far to see turns to the next, or goes home", () => {
  for (const kernel of kernels) {
    for (const end of ["despawn", "harm", "place"] as const) {
      const zone = kernel.createZone({ width: 2000, height: 400, capacity: 4, archetypes: [MAN, WOLF] });
      const wolf = zone.spawn({ x: 100, y: 200, kind: 1 });
      const near = zone.spawn({ x: 200, y: 200, kind: 0, speed: 0 });
      const far = zone.spawn({ x: 290, y: 200, kind: 0, speed: 0 });
      const slot = zone.slot(wolf);
      const { state, target } = zone.columns;
      const away = (id: number) => {
        if (end === "despawn") zone.despawn(id);
        else if (end === "harm") zone.harm(id, 2000);
        else zone.place(id, 1900, 200);
      };
      until(zone, 60, () => target[slot] === near);
      away(near);
      until(zone, 15, () => target[slot] === far);
      away(far);
      until(zone, 15, () => state[slot] === RETURN);
      until(zone, 300, () => state[slot] === IDLE);
    }
  }
});

test("a pack surrounds: 12 hunters around one man are all in reach of him or next to who is, and none stands in another", () => {
  for (const kernel of kernels) {
    const archetypes = [
      { ...MAN, hp: 1_000_000 },
      { ...WOLF, separation: 4, halfSize: 6, reach: 26, sight: 300 },
    ];
    const zone = kernel.createZone({ width: 800, height: 800, capacity: 16, archetypes });
    zone.spawn({ x: 400, y: 400, kind: 0, speed: 0 });
    for (let i = 0; i < 12; i++) zone.spawn({ x: 200 + i, y: 400 + (i % 3), kind: 1 });
    zone.step(420);
    const { x, y, state } = zone.columns;
    let attacking = 0;
    let closest = Number.POSITIVE_INFINITY;
    const angles: number[] = [];
    for (let a = 1; a <= 12; a++) {
      if (state[a] === ATTACK) attacking++;
      angles.push(Math.atan2(y[a]! - 400, x[a]! - 400));
      for (let b = 1; b < a; b++) closest = Math.min(closest, Math.hypot(x[a]! - x[b]!, y[a]! - y[b]!));
    }
    angles.sort((a, b) => a - b);
    const gaps = angles.map((angle, i) => (i === 0 ? angle + 2 * Math.PI - angles.at(-1)! : angle - angles[i - 1]!));
    assert.ok(attacking >= 8, `${attacking} attack`);
    assert.ok(closest > 6, `two stand ${closest} apart`);
    assert.ok(Math.max(...gaps) < 2.5, `a gap of ${Math.max(...gaps)} in the ring`);
  }
});

test("hunters stroll around home, and nowhere without wander", () => {
  for (const kernel of kernels) {
    const archetypes = [{ ...WOLF, wander: 80 }, WOLF];
    const zone = kernel.createZone({ width: 2000, height: 2000, capacity: 64, archetypes });
    for (let i = 0; i < 64; i++) zone.spawn({ x: 200 + (i % 8) * 200, y: 200 + (i >> 3) * 200, kind: i % 2, team: 1 });
    const { x, y, homeX, homeY, kind } = zone.columns;
    const went = new Float64Array(64);
    for (let tick = 0; tick < 3000; tick++) {
      zone.step();
      for (let i = 0; i < 64; i++) went[i] = Math.max(went[i]!, Math.hypot(x[i]! - homeX[i]!, y[i]! - homeY[i]!));
    }
    for (let i = 0; i < 64; i++) {
      if (kind[i] === 1) assert.is(went[i], 0);
      else assert.ok(went[i]! > 10 && went[i]! < 200, `it went ${went[i]} far`);
    }
  }
});

const WALLED = drawn(
  "####################",
  "#..................#",
  "#..................#",
  "#.........#........#",
  "#.........#........#",
  "#.........#........#",
  "#.........#........#",
  "#.........#........#",
  "#.........#........#",
  "#.........#........#",
  "#..................#",
  "####################",
);

test("a hunter gets around a wall to its target by a flow field, and home around it again", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({
      width: 640,
      height: 384,
      capacity: 4,
      tiles: WALLED.tiles,
      flowFields: 4,
      archetypes: [MAN, { ...WOLF, sight: 250, leash: 600 }],
    });
    const wolf = zone.spawn({ x: 304, y: 208, kind: 1 });
    const man = zone.spawn({ x: 400, y: 208, kind: 0, speed: 0 });
    const slot = zone.slot(wolf);
    const { state, x } = zone.columns;
    until(zone, 30, () => state[slot] === CHASE);
    until(zone, 600, () => state[slot] === ATTACK);
    assert.ok(x[slot]! > 352, "on his side of the wall");
    zone.despawn(man);
    until(zone, 30, () => state[slot] === RETURN);
    // By foot: it would be put home after 20 s.
    until(zone, 900, () => state[slot] === IDLE);
    assert.ok(Math.abs(x[slot]! - 304) <= 8);
  }
});

/** A busy world, all its randomness from one seed. */
function busy(kernel: Kernel, seed: number): { zone: Zone; live(ticks: number): void } {
  const random = new Random(seed);
  const tiles = randomTiles(random, 30, 30, 0.15);
  const zone = kernel.createZone({
    width: 960,
    height: 950,
    capacity: 220,
    tiles,
    seed,
    flowFields: 5,
    flowBudget: 300,
    archetypes: [
      { ...MAN, hp: 80, attack: 12, spread: 0.3, reach: 30, arc: 2, cooldown: 0.4, respawn: 3, levelXp: 20, team: 0 },
      { ...WOLF, separation: 5, wander: 50, respawn: 4, xp: 9, gold: 2, halfSize: 7 },
      { ...WOLF, separation: 9, sight: 90, corpse: 1, team: 2, halfSize: 11, xp: 30 },
    ],
  });
  const ids = populate(zone, random, 200, (i) => ({ kind: i % 8 === 0 ? 0 : 1 + (i % 2) }));
  return {
    zone,
    live(ticks) {
      for (let tick = 0; tick < ticks; tick++) {
        for (let i = 0; i < 5; i++) {
          const id = random.pick(ids);
          if (zone.slot(id) < 0 || zone.columns.kind[zone.slot(id)] !== 0) continue;
          zone.move(id, random.float() * 2 - 1, random.float() * 2 - 1);
          zone.act(id, 1);
        }
        zone.step();
      }
    },
  };
}

test("decisions and fights give equal hashes in all kernels, across a restore, and whatever is asked in between: 8 seeds and more", () => {
  const asked = new Uint32Array(300);
  forSeeds(8 * EFFORT, (seed) => {
    const hashes = new Set<bigint>();
    kernels.forEach((kernel, i) => {
      const { zone, live } = busy(kernel, seed);
      for (let round = 0; round < 10; round++) {
        live(30);
        // Reading changes nothing: queries, passes, images.
        if (i === 1) zone.nearestEnemies(100);
        if (i === 2) zone.queryRadius(500, 500, 300, asked);
        if (i === 3) zone.save();
        if (round % 4 === i) zone.neighbourCounts(50);
      }
      zone.validate();
      hashes.add(zone.hash());
      const image = zone.save();
      const restored = kernels[(i + 1) % 4]!.restoreZone(image);
      zone.step(120);
      restored.step(120);
      assert.is(restored.hash(), zone.hash(), `${nameOf(kernel)} restored`);
    });
    assert.is(hashes.size, 1);
  });
});

test.run();
