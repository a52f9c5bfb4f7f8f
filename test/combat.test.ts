/** Blows, death, growth: who is hit, by how much, when, and that nothing gets lost on the way. */
import type { Archetype, Kernel, Zone, ZoneEvent } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { allKernels, forSeeds, nameOf, Oracle, populate, randomTiles, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();
const STRIKE = 1;
const [HIT, DEATH, LEVEL, RESPAWN] = [1, 2, 3, 5];
const DEAD = 4;

function eventsOf(zone: Zone): ZoneEvent[] {
  const events: ZoneEvent[] = [];
  for (;;) {
    const event = {} as ZoneEvent;
    if (!zone.events.next(event)) return events;
    events.push(event);
  }
}

function arena(kernel: Kernel, archetypes: readonly Archetype[], rest: object = {}): Zone {
  return kernel.createZone({ width: 640, height: 640, capacity: 64, archetypes, ...rest });
}

/** Does the segment go through the inside of a blocked tile? Slabs (T. Kay, J. Kajiya, 1986), in f64. */
function crossesWall(tiles: Uint8Array, columns: number, ax: number, ay: number, bx: number, by: number): boolean {
  return tiles.some((tile, i) => {
    if (tile === 0) return false;
    const [left, top] = [(i % columns) * 32, Math.floor(i / columns) * 32];
    let [from, to] = [0, 1];
    for (const [a, d, low] of [
      [ax, bx - ax, left],
      [ay, by - ay, top],
    ] as const) {
      const [t0, t1] = [(low - a) / d, (low + 32 - a) / d];
      from = Math.max(from, Math.min(t0, t1));
      to = Math.min(to, Math.max(t0, t1));
    }
    return from < to;
  });
}

const f = Math.fround;

test("a blow hits the nearest harmable enemies in reach and arc that no wall hides, as many as cleave: 4 kernels, 150 worlds", () => {
  let hits = 0;
  let walled = 0;
  for (const kernel of kernels) {
    forSeeds(150, (seed) => {
      const random = new Random(seed);
      const tiles = randomTiles(random, 10, 10, random.pick([0, 0.15]));
      const striker = {
        hp: 1000,
        attack: 5,
        reach: random.float() * 160,
        arc: random.pick([0.5, 2, Math.PI, 2 * Math.PI]),
        cleave: random.integer(1, 16),
        team: random.integer(0, 2),
      };
      const zone = kernel.createZone({
        width: 320,
        height: 320,
        capacity: 80,
        tiles,
        archetypes: [striker, { hp: 100_000 }, { hp: 0 }],
      });
      // Kind 2 is beyond harm, kind 3 has no archetype.
      const ids = populate(zone, random, 70, (i) => ({
        kind: i === 0 ? 0 : random.pick([1, 1, 1, 2, 3]),
        team: i === 0 ? striker.team : random.integer(0, 2),
        halfSize: 2,
        speed: 0,
      }));
      const [id = 0] = ids;
      const { x, y, team, kind, halfSize, faceX, faceY } = zone.columns;
      const slot = zone.slot(id);
      const angle = random.float() * 6.28;
      zone.move(id, Math.cos(angle), Math.sin(angle));
      const reach = f(f(striker.reach) + f(halfSize[slot]!));
      // The cosine itself is exact in the kernel; here the last bit may differ, so what lies on the arc's edge is let go.
      const expected: [number, number][] = [];
      let onEdge = false;
      for (const other of ids.slice(1)) {
        const s = zone.slot(other);
        const dx = f(x[s]! - x[slot]!);
        const dy = f(y[s]! - y[slot]!);
        const squared = f(f(dx * dx) + f(dy * dy));
        if (squared > f(reach * reach) || team[s] === striker.team || kind[s] !== 1) continue;
        const ahead = dx * faceX[slot]! + dy * faceY[slot]! - Math.cos(striker.arc / 2) * Math.sqrt(squared);
        if (Math.abs(ahead) < 1e-3 && striker.arc < 6) onEdge = true;
        if (ahead < 0 && striker.arc < 6) continue;
        if (crossesWall(tiles, 10, x[slot]!, y[slot]!, x[s]!, y[s]!)) walled++;
        else expected.push([squared, other]);
      }
      if (onEdge) return;
      expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      eventsOf(zone);
      assert.is(zone.act(id, STRIKE), true);
      zone.step();
      const struck = eventsOf(zone).filter(({ type }) => type === HIT);
      assert.equal(
        struck.map(({ target }) => target),
        expected.slice(0, striker.cleave).map(([, other]) => other),
        nameOf(kernel),
      );
      for (const { source } of struck) assert.is(source, id);
      hits += struck.length;
    });
  }
  assert.ok(hits > 1000, `only ${hits} hits`);
  assert.ok(walled > 100, `only ${walled} behind walls`);
});

test("a blow all around hits who stands anywhere around, also right behind", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({
      ...{ width: 320, height: 320, capacity: 2, tickRate: 10 },
      archetypes: [{ hp: 10, attack: 1, reach: 200 }, { hp: 1_000_000 }],
    });
    const striker = zone.spawn({ x: 160, y: 160, kind: 0, speed: 0 });
    const other = zone.spawn({ x: 160, y: 160, kind: 1, team: 1 });
    const random = new Random(5);
    for (let blow = 1; blow <= 500; blow++) {
      zone.place(other, 20 + random.float() * 200, 40 + random.float() * 200);
      zone.move(striker, 160 - zone.columns.x[1]!, 160 - zone.columns.y[1]!);
      zone.act(striker, STRIKE);
      zone.step();
      assert.is(zone.columns.hp[1], 1_000_000 - blow, nameOf(kernel));
    }
  }
});

test("damage is attack - defence without spread, at least 1, varies by its share with it, and grows with levels", () => {
  for (const kernel of kernels) {
    const strike = (striker: Archetype, victim: Archetype, level = 1, rounds = 1) => {
      const zone = arena(kernel, [
        { hp: 10, reach: 50, cooldown: 0, ...striker },
        { hp: 1_000_000, team: 1, ...victim },
      ]);
      const id = zone.spawn({ x: 100, y: 100, kind: 0 });
      zone.spawn({ x: 120, y: 100, kind: 1 });
      zone.columns.level[0] = level;
      eventsOf(zone);
      const damages: number[] = [];
      for (let round = 0; round < rounds; round++) {
        zone.act(id, STRIKE);
        zone.step();
        for (const { type, value } of eventsOf(zone)) if (type === HIT) damages.push(value);
      }
      return damages;
    };
    assert.equal(strike({ attack: 20 }, { defence: 6 }), [14]);
    assert.equal(strike({ attack: 20 }, { defence: 600 }), [1]);
    assert.equal(strike({ attack: 20, levelAttack: 5 }, {}, 4), [35]);
    assert.equal(strike({ attack: 2 ** 31 - 1 }, {}), [2 ** 31 - 1]);
    assert.equal(strike({ attack: 0 }, {}), []);
    const damages = strike({ attack: 1000, spread: 0.25 }, {}, 1, 400);
    assert.is(damages.length, 400);
    const [least, most] = [Math.min(...damages), Math.max(...damages)];
    assert.ok(least >= 750 && least < 770 && most <= 1250 && most > 1230, `${least} to ${most}`);
    const mean = damages.reduce((sum, damage) => sum + damage, 0) / 400;
    assert.ok(Math.abs(mean - 1000) < 30, `mean ${mean}`);
  }
});

test("a blow waits for cooldown and stagger, happens once, and can be taken back", () => {
  for (const kernel of kernels) {
    const zone = arena(kernel, [
      { hp: 100, attack: 1, reach: 50, cooldown: 0.5, stagger: 0.2 },
      { hp: 100, team: 1 },
    ]);
    const id = zone.spawn({ x: 100, y: 100, kind: 0 });
    const victim = zone.spawn({ x: 120, y: 100, kind: 1 });
    eventsOf(zone);
    const hitTicks: number[] = [];
    const run = (ticks: number, action: number) => {
      for (let i = 0; i < ticks; i++) {
        if (action > 0) zone.act(id, action);
        zone.step();
        for (const { type, tick, source } of eventsOf(zone)) if (type === HIT && source === id) hitTicks.push(tick);
      }
    };
    run(70, STRIKE);
    assert.equal(hitTicks, [0, 30, 60]);
    // Asked once while the cooldown runs: struck once, when it is over; and not, when taken back.
    run(30, 0);
    assert.equal(hitTicks.slice(3), [90]);
    run(60, 0);
    zone.act(id, STRIKE);
    run(1, 0);
    assert.is(hitTicks.length, 5);
    zone.act(id, STRIKE);
    run(5, 0);
    zone.act(id, 0);
    run(60, 0);
    assert.is(hitTicks.length, 5);
    // Harm staggers for 12 ticks.
    const { tick } = zone;
    assert.is(zone.harm(id, 1, victim), true);
    run(20, STRIKE);
    assert.is(hitTicks[5], tick + 12);
    assert.is(zone.act(id + 1, STRIKE), false, "stale");
    refuses("BAD_ARGUMENT", () => zone.act(id, 256), /action is 256/);
  }
});

test("the dead lie where they fell, are found by nobody, and stand at home again; without respawn they go", () => {
  for (const kernel of kernels) {
    const zone = arena(kernel, [
      { hp: 50, respawn: 2 },
      { hp: 50, corpse: 1, xp: 7, gold: 3 },
    ]);
    const stays = zone.spawn({ x: 100, y: 100, kind: 0, team: 1 });
    const goes = zone.spawn({ x: 300, y: 100, kind: 1, team: 1 });
    zone.move(stays, 1, 0);
    for (let i = 0; i < 30; i++) zone.step();
    eventsOf(zone);
    const slot = zone.slot(stays);
    const { x, alive, state, hp, vx } = zone.columns;
    const fell = x[slot]!;
    assert.ok(fell > 150);
    assert.is(zone.harm(stays, 49), true);
    assert.is(zone.harm(stays, 1), true);
    assert.is(zone.harm(goes, 1000), true);
    assert.equal(
      eventsOf(zone).map(({ type, target, value }) => [type, target, value]),
      [
        [HIT, stays, 49],
        [HIT, stays, 1],
        [DEATH, stays, 0],
        [HIT, goes, 1000],
        [DEATH, goes, 0],
      ],
    );
    assert.is(zone.harm(stays, 1), false, "the dead take no harm");
    assert.is(zone.act(stays, STRIKE), false);
    assert.is(zone.move(stays, 1, 0), false);
    assert.equal([alive[slot], state[slot], hp[slot], vx[slot]], [0, DEAD, 0, 0]);
    const out = new Uint32Array(8);
    assert.is(zone.queryRadius(320, 320, 1000, out), 0);
    assert.is(zone.nearest(fell, 100, 1000), 0);
    assert.is(zone.count, 2);
    const died = zone.tick;
    const restored = kernel.restoreZone(zone.save());
    for (const each of [zone, restored]) {
      each.validate();
      let wentAt = 0;
      let backAt = 0;
      for (let i = 0; i < 140; i++) {
        each.step();
        if (wentAt === 0 && each.slot(goes) < 0) wentAt = each.tick - died;
        if (backAt === 0 && each.columns.alive[slot] === 1) backAt = each.tick - died;
        assert.is(each.queryRadius(320, 320, 1000, out), each.columns.alive[slot] === 1 ? 1 : 0);
      }
      // Who decides for itself does so in every fourth tick.
      assert.ok(wentAt > 60 && wentAt <= 65, `gone after ${wentAt} ticks`);
      assert.ok(backAt > 120 && backAt <= 125, `back after ${backAt} ticks`);
      assert.equal([each.columns.x[slot], each.columns.y[slot], each.columns.hp[slot]], [100, 100, 50]);
      assert.is(each.slot(stays), slot);
      assert.is(each.count, 1);
      each.validate();
    }
    assert.is(restored.hash(), zone.hash());
    assert.ok(eventsOf(zone).some(({ type, target }) => type === RESPAWN && target === stays));
  }
});

test("xp and gold go to who killed; levels come at levelXp n (n - 1) / 2, and heal", () => {
  for (const kernel of kernels) {
    const zone = arena(kernel, [
      { hp: 100, attack: 1000, reach: 50, levelXp: 10, levelMax: 4, levelHp: 20 },
      { hp: 1, team: 1, xp: 10, gold: 4 },
    ]);
    const id = zone.spawn({ x: 100, y: 100, kind: 0, hp: 40 });
    const { xp, gold, level, hp } = zone.columns;
    const slot = zone.slot(id);
    const seen: [number, number, number, number][] = [];
    for (let kill = 0; kill < 12; kill++) {
      zone.spawn({ x: 120, y: 100, kind: 1 });
      zone.act(id, STRIKE);
      zone.step();
      seen.push([xp[slot]!, level[slot]!, hp[slot]!, gold[slot]!]);
    }
    assert.equal(seen[0], [10, 2, 120, 4]);
    assert.equal(seen[1], [20, 2, 120, 8]);
    assert.equal(seen[2], [30, 3, 140, 12]);
    assert.equal(seen[5], [60, 4, 160, 24]);
    assert.equal(seen[11], [120, 4, 160, 48], "no level above levelMax");
    const events = eventsOf(zone);
    assert.equal(
      events.filter(({ type }) => type === LEVEL).map(({ value, target }) => [value, target]),
      [2, 3, 4].map((value) => [value, id]),
    );
    // Nobody's blow gives nothing to nobody, and counts do not run over.
    const prey = zone.spawn({ x: 120, y: 100, kind: 1 });
    zone.harm(prey, 5);
    assert.equal([eventsOf(zone).find(({ type }) => type === DEATH)?.value, xp[slot]], [0, 120]);
    xp[slot] = 2 ** 31 - 4;
    zone.harm(zone.spawn({ x: 120, y: 100, kind: 1 }), 5, id);
    assert.equal([eventsOf(zone).find(({ type }) => type === DEATH)?.value, xp[slot]], [3, 2 ** 31 - 1]);
  }
});

test(`brawls conserve: xp given is xp received, gold too; nobody alive without hp, nobody in a wall: ${10 * EFFORT} seeds, 4 kernels alike`, () => {
  let deaths = 0;
  forSeeds(10 * EFFORT, (seed) => {
    const hashes = kernels.map((kernel) => {
      const random = new Random(seed);
      const tiles = randomTiles(random, 20, 20, 0.1);
      const spec = { width: 640, height: 630, capacity: 120, tiles, seed, eventCapacity: 8192 };
      const zone = kernel.createZone({
        ...spec,
        archetypes: [
          {
            hp: 60,
            attack: 20,
            spread: 0.5,
            reach: 30,
            arc: 2,
            cleave: 3,
            cooldown: 0.2,
            respawn: 1,
            xp: 5,
            levelXp: 7,
          },
          {
            hp: 40,
            attack: 9,
            reach: 25,
            cooldown: 0.5,
            stagger: 0.1,
            brain: "hunter",
            sight: 200,
            leash: 300,
            wander: 60,
          },
          { hp: 30, corpse: 0.5, xp: 11, gold: 3 },
        ].map((row, i) => ({ ...row, gold: i + 1, separation: 4, speed: 150 }) as Archetype),
      });
      const oracle = new Oracle(spec);
      const ids = populate(zone, random, 100, (i) => ({ kind: i % 3, team: i % 4, halfSize: 4 + (i % 5) }));
      eventsOf(zone);
      const { xp, gold, hp, alive, id, x, y, halfSize, kind } = zone.columns;
      let [givenXp, givenGold, lostXp, lostGold] = [0, 0, 0, 0];
      const purse = new Map<number, [number, number]>();
      for (let tick = 0; tick < 400; tick++) {
        for (let i = 0; i < 10; i++) {
          const one = random.pick(ids);
          zone.move(one, random.float() * 2 - 1, random.float() * 2 - 1);
          zone.act(one, STRIKE);
        }
        zone.step();
        for (const event of eventsOf(zone)) {
          if (event.type !== DEATH) continue;
          deaths++;
          givenXp += event.value;
          givenGold += event.extra;
        }
        for (let slot = 0; slot < zone.highWater; slot++) {
          if (id[slot] === 0) {
            // Who is gone took along what it had.
            const [hadXp, hadGold] = purse.get(slot) ?? [0, 0];
            lostXp += hadXp;
            lostGold += hadGold;
            purse.delete(slot);
            continue;
          }
          purse.set(slot, [xp[slot]!, gold[slot]!]);
          if (alive[slot] === 1)
            assert.ok(hp[slot]! > 0, `slot ${slot} of kind ${kind[slot]} lives with ${hp[slot]} hp`);
          else assert.is(hp[slot], 0);
          assert.is(oracle.boxBlocked(x[slot]!, y[slot]!, halfSize[slot]!), false, `slot ${slot} stands in a wall`);
        }
      }
      let [haveXp, haveGold] = [lostXp, lostGold];
      for (const [hadXp, hadGold] of purse.values()) {
        haveXp += hadXp;
        haveGold += hadGold;
      }
      assert.equal([haveXp, haveGold], [givenXp, givenGold]);
      assert.is(zone.events.takeLost(), 0);
      zone.validate();
      return zone.hash();
    });
    assert.is(new Set(hashes).size, 1);
  });
  assert.ok(deaths > 250 * EFFORT, `only ${deaths} deaths`);
});

test("hpMax is what the archetype says at the entity's level; 0 for a stale id and for who is beyond harm", () => {
  for (const kernel of kernels) {
    const zone = arena(kernel, [{ hp: 50, levelHp: 7 }, { hp: 2 ** 31 - 1, levelHp: 2 ** 31 - 1 }, {}]);
    const [grows, most, none, plain] = [0, 1, 2, 3].map((kind) => zone.spawn({ x: 99, y: 99, kind, hp: 3 }));
    zone.columns.level[zone.slot(grows!)] = 4;
    zone.columns.level[zone.slot(most!)] = 1000;
    assert.equal(
      [grows!, most!, none!, plain!].map((id) => zone.hpMax(id)),
      [71, 2 ** 31 - 1, 0, 0],
    );
    zone.despawn(grows!);
    assert.equal([zone.hpMax(grows!), zone.hpMax(-1)], [0, 0]);
  }
});

test("archetypes that cannot be are refused by their path and value, and what hp 0 would make undead", () => {
  const kernel = kernels[0]!;
  const refusedRow = (row: object, message: RegExp) =>
    refuses("BAD_ARGUMENT", () => arena(kernel, [{}, row as Archetype]), message);
  arena(kernel, [{}, { hp: 0, arc: 0, spread: 1, cleave: 16, levelMax: 1000, team: 255, brain: "none" }]);
  refusedRow({ hp: -1 }, /^archetypes\[1\]\.hp is -1; it must be a whole number from 0 to 2147483647$/);
  refusedRow({ hp: 1.5 }, /hp is 1\.5/);
  refusedRow({ spread: 1.01 }, /spread is 1\.01/);
  refusedRow({ arc: 7 }, /arc is 7; it must be radians/);
  refusedRow({ cleave: 17 }, /cleave is 17/);
  refusedRow({ cleave: 0 }, /cleave is 0/);
  refusedRow({ levelMax: 1001 }, /levelMax is 1001/);
  refusedRow({ team: 256 }, /team is 256/);
  refusedRow({ brain: "shark" }, /brain is "shark"; it must be "none" or "hunter"/);
  refusedRow({ sight: Number.NaN }, /sight is NaN/);
  refusedRow({ reach: Number.POSITIVE_INFINITY }, /reach is Infinity/);
  refusedRow({ cooldown: "1" }, /cooldown is "1"/);
  refusedRow({ teeth: 32 }, /archetypes\[1\]\.teeth is no field/);
  refuses("BAD_ARGUMENT", () => arena(kernel, [null as never]), /archetypes\[0\] is null/);
  refuses("BAD_ARGUMENT", () => arena(kernel, {} as never), /archetypes/);
  refuses("BAD_ARGUMENT", () => arena(kernel, Array(257).fill({})), /archetypes.length is 257/);

  const zone = arena(kernel, [{ hp: 5 }, { team: 3, halfSize: 20, speed: 7 }]);
  refuses("BAD_ARGUMENT", () => zone.spawn({ x: 100, y: 100, kind: 0, hp: 0 }), /hp is 0/);
  const plain = zone.spawn({ x: 100, y: 100, kind: 1, hp: 0 });
  const { columns } = zone;
  assert.equal([columns.team[0], columns.halfSize[0], columns.speed[0], columns.hp[0]], [3, 20, 7, 0]);
  assert.is(zone.harm(plain, 5), false, "beyond harm");
  assert.is(zone.harm(zone.spawn({ x: 100, y: 100, kind: 9 }), 5), false, "no archetype");
  refuses("BAD_ARGUMENT", () => zone.harm(plain, -1), /damage is -1/);
  const restored = kernel.restoreZone(zone.save());
  assert.is(
    restored.columns.speed[restored.slot(restored.spawn({ x: 50, y: 50, kind: 1 }))],
    7,
    "archetypes are saved",
  );
});

test.run();
