/** Columns of one's own, handing entities over, time that is skipped, and where two zones differ. */
import type { ColumnType, Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, forSeeds, nameOf, populate, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();
const COLUMNS = { mood: "f32", debt: "i32", ammo: "u16", heat: "i16", team2: "u8", luck: "i8", score: "u32" } as const;

test("columns of one's own have their types, begin with 0, end with 0, are hashed one by one and saved", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 500, height: 500, capacity: 37, columns: COLUMNS });
    assert.equal(Object.keys(zone.own), Object.keys(COLUMNS));
    const ids = Array.from({ length: 37 }, (_, i) => zone.spawn({ x: 20 + i * 10, y: 50 }));
    const slot = 36;
    const values = [1.5, -70_000, 65_535, -32_768, 255, -128, 4_000_000_000];
    const seen = new Set([zone.hash()]);
    const parts = [...zone.digests()];
    Object.keys(COLUMNS).forEach((name, i) => {
      const column = zone.own[name]!;
      assert.is(column.length, 37);
      assert.ok(column.every((value) => value === 0));
      column[slot] = values[i]!;
      assert.is(column[slot], values[i], `${name} holds its range`);
      assert.not(seen.has(zone.hash()), name);
      seen.add(zone.hash());
    });
    const differ = [...zone.digests()].filter(([name, hash], i) => parts[i]![0] === name && parts[i]![1] !== hash);
    assert.equal(
      differ.map(([name]) => name),
      Object.keys(COLUMNS).map((name) => `column own ${name}`),
    );
    const restored = kernel.restoreZone(zone.save());
    assert.is(restored.hash(), zone.hash(), nameOf(kernel));
    assert.equal(restored.own, zone.own);
    zone.validate();
    zone.despawn(ids[slot]!);
    for (const column of Object.values(zone.own)) assert.is(column[slot], 0, "nothing is left for who comes next");
  }
});

test("columns with names or types that cannot be, or too many, are refused", () => {
  const make = (columns: object) =>
    kernels[0]!.createZone({ width: 9, height: 9, capacity: 1, columns: columns as never });
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`c${i}`, "u8"]));
  assert.is(Object.keys(make(many(32)).own).length, 32);
  refuses("BAD_ARGUMENT", () => make(many(33)), /33 of them/);
  refuses("BAD_ARGUMENT", () => make({ ammo: "u64" }), /columns\.ammo is "u64"/);
  refuses("BAD_ARGUMENT", () => make({ ammo: "toString" }), /columns\.ammo/);
  refuses("BAD_ARGUMENT", () => make({ "a b": "u8" }), /"a b"/);
  refuses("BAD_ARGUMENT", () => make({ [`a${"b".repeat(32)}`]: "u8" }), /name/);
  refuses("BAD_ARGUMENT", () => make(["u8"]), /columns/);
  const image = make({ ammo: "u8" }).save();
  const at = new TextDecoder("latin1").decode(image).indexOf("ammo");
  for (const letter of ["!", "\0", '"']) {
    const damaged = image.slice();
    damaged[at] = letter.charCodeAt(0);
    refuses("IMAGE_BAD", () => kernels[0]!.restoreZone(damaged));
  }
});

/** Everything about an entity that goes along. */
function belongings(zone: Zone, id: number): Record<string, number> {
  const slot = zone.slot(id);
  const all = { ...zone.columns, ...zone.own } as unknown as Record<string, ArrayLike<number>>;
  const stays = [
    "x",
    "y",
    "id",
    "next",
    "generation",
    "homeX",
    "homeY",
    "target",
    "until",
    "route",
    "wayX",
    "wayY",
    "hitAt",
  ];
  const kept = Object.entries(all).filter(([name]) => !stays.includes(name) && name !== "flags" && name !== "readyAt");
  return Object.fromEntries(kept.map(([name, column]) => [name, column[slot]!]));
}

test("an entity goes over with all it is and has, its cooldown as what is left of it, its last hit as how long ago it was: 60 seeds, 4 kernels", () => {
  forSeeds(60, (seed) => {
    for (const kernel of kernels) {
      const random = new Random(seed);
      const spec = {
        width: 500,
        height: 500,
        capacity: 20,
        columns: COLUMNS as Record<string, ColumnType>,
        archetypes: [{ hp: 50, attack: 1, cooldown: 1, reach: 10, stagger: 2 }],
      };
      const [from, to] = [kernel.createZone(spec), kernel.createZone({ ...spec, seed: 5 })];
      const ids = populate(from, random, 12, () => ({ speed: random.float() * 200, halfSize: random.float() * 9 }));
      for (const id of ids) {
        from.move(id, random.float() - 0.5, random.float() - 0.5);
        if (random.float() < 0.5) from.act(id, 1);
      }
      from.step(random.integer(1, 20));
      to.step(random.integer(0, 300));
      const id = random.pick(ids);
      const slot = from.slot(id);
      for (const name of Object.keys(COLUMNS)) from.own[name]![slot] = random.integer(-100, 1000);
      from.columns.xp[slot] = random.integer(0, 999);
      if (random.float() < 0.5) {
        from.harm(id, 1);
        from.step(random.integer(0, 9));
      }
      const bytes = new Uint8Array(from.entityBytes + 3);
      assert.is(from.extract(id, bytes), true);
      const left = Math.max(0, from.columns.readyAt[slot]! - from.tick);
      const twin = to.insert(bytes, 250, 250);
      assert.equal(belongings(to, twin), belongings(from, id), nameOf(kernel));
      const there = to.slot(twin);
      const hitAt = from.columns.hitAt[slot]!;
      assert.is(to.columns.hitAt[there], hitAt === 0 ? 0 : Math.max(1, to.tick - (from.tick - hitAt)));
      assert.is(Math.max(0, to.columns.readyAt[there]! - to.tick), left);
      assert.equal([to.columns.x[there], to.columns.y[there], to.columns.homeX[there]], [250, 250, 250]);
      to.validate();
      from.despawn(id);
      assert.is(from.extract(id, bytes), false, "stale");
    }
  });
});

test("what is no entity, has no room or would stand in a wall is not inserted, and changes nothing", () => {
  const kernel = kernels[0]!;
  const tiles = Uint8Array.from([0, 1, 0, 0]);
  const zone = kernel.createZone({ width: 64, height: 64, capacity: 2, tiles });
  const id = zone.spawn({ x: 10, y: 10, halfSize: 4 });
  const bytes = new Uint8Array(zone.entityBytes);
  zone.extract(id, bytes);
  const before = zone.hash();
  refuses("BAD_ARGUMENT", () => zone.extract(id, new Uint8Array(3)), /out/);
  refuses("BLOCKED", () => zone.insert(bytes, 40, 10));
  refuses("OUT_OF_BOUNDS", () => zone.insert(bytes, 1, 10));
  refuses("BAD_ARGUMENT", () => zone.insert(bytes, Number.NaN, 10), /x is NaN/);
  refuses("BAD_ARGUMENT", () => zone.insert(bytes.subarray(1), 10, 10), /bytes/);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 8) {
    const value = view.getFloat64(at, true);
    view.setFloat64(at, Number.NaN, true);
    refuses("BAD_ARGUMENT", () => zone.insert(bytes, 10, 10), /NaN/);
    view.setFloat64(at, value, true);
  }
  assert.is(zone.hash(), before);
  zone.insert(bytes, 10, 50);
  assert.is(zone.refused, 0, "none for want of room");
  refuses("ZONE_FULL", () => zone.insert(bytes, 10, 50));
  refuses("ZONE_FULL", () => zone.spawn({ x: 10, y: 50 }));
  assert.is(zone.refused, 2);
});

test("place puts an entity elsewhere for queries at once, or refuses and leaves it", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(100);
    tiles[55] = 1;
    const zone = kernel.createZone({ width: 320, height: 320, capacity: 300, tiles });
    const ids = Array.from({ length: 300 }, () => zone.spawn({ x: 20, y: 20, halfSize: 5 }));
    zone.step();
    const out = new Uint32Array(300);
    ids.forEach((id, i) => {
      assert.is(zone.place(id, 250, 250 + (i % 40)), true);
      assert.is(zone.queryRadius(20, 20, 1, out), 299 - i);
    });
    assert.is(zone.queryRect(250, 250, 250, 290, out), 300);
    const [id = 0] = ids;
    const before = zone.hash();
    refuses("BLOCKED", () => zone.place(id, 165, 165));
    refuses("OUT_OF_BOUNDS", () => zone.place(id, 4, 100));
    refuses("BAD_ARGUMENT", () => zone.place(id, Number.NaN, 100), /x is NaN/);
    assert.is(zone.place(id + 1, 100, 100), false, "stale");
    assert.is(zone.hash(), before);
    zone.validate();
  }
});

test("time that is skipped brings what was due at once, and moves nobody", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({
      width: 500,
      height: 500,
      capacity: 4,
      archetypes: [{ hp: 10, respawn: 60, attack: 1, cooldown: 30, reach: 100 }],
    });
    const dead = zone.spawn({ x: 100, y: 100 });
    const walker = zone.spawn({ x: 200, y: 200, team: 1 });
    zone.harm(dead, 10);
    zone.act(walker, 1);
    zone.move(walker, 1, 0);
    zone.step();
    const { x, alive } = zone.columns;
    const at = x[1]!;
    zone.skip(3600);
    assert.equal([zone.tick, x[1], alive[0]], [3601, at, 0]);
    zone.step(4);
    assert.is(alive[0], 1);
    assert.ok(x[1]! > at && x[1]! < at + 10);
    refuses("BAD_ARGUMENT", () => zone.skip(-1), /ticks is -1/);
  }
});

test("events come in order, once; a game's own begin at 64; what finds no room is counted and told once", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 100, height: 100, capacity: 4, eventCapacity: 4, eventPolicy: "drop-low" });
    assert.is(zone.emit(64, false, 0, 5, -1, 2, 0.5, 1.5), true);
    assert.is(zone.emit(65_535, true, 7, 0, 2 ** 31 - 1, 0, 0, 0), true);
    const event = { type: 0 } as never as import("gyre/kernel").ZoneEvent;
    assert.is(zone.events.count, 2);
    assert.is(zone.events.next(event), true);
    assert.equal(event, {
      type: 64,
      critical: false,
      tick: 0,
      source: 0,
      target: 5,
      value: -1,
      extra: 2,
      x: 0.5,
      y: 1.5,
    });
    assert.is(zone.events.next(event), true);
    assert.equal([event.type, event.critical, event.value], [65_535, true, 2 ** 31 - 1]);
    assert.is(zone.events.next(event), false);
    for (let i = 0; i < 6; i++) zone.emit(64, i % 2 === 0, 0, 0, i, 0, 0, 0);
    const values: number[] = [];
    while (zone.events.next(event)) values.push(event.value);
    assert.equal(values, [0, 2, 4, 5], "normal ones make room");
    assert.equal([zone.events.takeLost(), zone.events.takeLost(), zone.events.droppedLow], [2, 0, 2]);
    refuses("BAD_ARGUMENT", () => zone.emit(63, false, 0, 0, 0, 0, 0, 0), /type is 63/);
    refuses("BAD_ARGUMENT", () => zone.emit(64, false, -1, 0, 0, 0, 0, 0), /ids/);
    refuses("BAD_ARGUMENT", () => zone.emit(64, false, 0, 0, 0.5, 0, 0, 0), /value is 0\.5/);
    const refusing = kernel.createZone({ width: 9, height: 9, capacity: 1, eventCapacity: 2, eventPolicy: "refuse" });
    assert.equal(
      [1, 2, 3].map(() => refusing.emit(64, true, 0, 0, 0, 0, 0, 0)),
      [true, true, false],
    );
    for (const bad of [
      { eventCapacity: 3 },
      { eventCapacity: 1 },
      { commandCapacity: 131_072 },
      { eventPolicy: "wait" },
    ]) {
      refuses("BAD_ARGUMENT", () => kernel.createZone({ width: 9, height: 9, capacity: 1, ...(bad as object) }));
    }
  }
});

test.run();
