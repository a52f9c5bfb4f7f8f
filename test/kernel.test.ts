import { GyreError, loadKernel } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();
const kernel = await loadKernel();

async function refusesToLoad(options: object, message: RegExp): Promise<void> {
  try {
    await loadKernel(options);
  } catch (error) {
    assert.instance(error, GyreError);
    assert.is((error as GyreError).code, "BAD_ARGUMENT");
    assert.match((error as GyreError).message, message);
    return;
  }
  assert.unreachable();
}

test("auto takes simd here, and says what it took", () => {
  assert.is(kernel.build, "simd");
  assert.is(kernel.shared, false);
  assert.ok(kernel.layoutVersion >= 1);
});

test("GYRE_ENV selects checked: dev does, prod does not, anything else is refused", async () => {
  const before = process.env["GYRE_ENV"];
  try {
    process.env["GYRE_ENV"] = "dev";
    assert.is((await loadKernel()).checked, true);
    assert.is((await loadKernel({ checked: false })).checked, false);
    process.env["GYRE_ENV"] = "prod";
    assert.is((await loadKernel()).checked, false);
    process.env["GYRE_ENV"] = "production";
    await refusesToLoad({}, /GYRE_ENV is "production"/);
  } finally {
    if (before === undefined) delete process.env["GYRE_ENV"];
    else process.env["GYRE_ENV"] = before;
  }
});

test("refuses options that are none, by name and value", async () => {
  await refusesToLoad({ build: "avx" }, /build is avx/);
  await refusesToLoad({ checked: 1 }, /checked is 1/);
  await refusesToLoad({ shared: "yes" }, /shared is yes/);
});

test("a shared zone lies in shared memory, a local one does not", async () => {
  const shared = await loadKernel({ shared: true });
  const spec = { width: 100, height: 100, capacity: 4 };
  assert.instance(shared.createZone(spec).columns.x.buffer, SharedArrayBuffer);
  assert.instance(kernel.createZone(spec).columns.x.buffer, ArrayBuffer);
});

test("createZone refuses each bad field with BAD_ARGUMENT, its name and value", () => {
  const good = { width: 100, height: 64, capacity: 4 };
  kernel.createZone(good);
  const bads: [object, RegExp][] = [
    [{ width: 0 }, /width is 0/],
    [{ width: Number.NaN }, /width is NaN/],
    [{ width: "100" }, /width is "100"/],
    [{ height: -5 }, /height is -5/],
    [{ height: 1e9 }, /height is 1000000000/],
    [{ capacity: 0 }, /capacity is 0/],
    [{ capacity: 1.5 }, /capacity is 1.5/],
    [{ capacity: 1_048_576 }, /capacity is 1048576/],
    [{ tileSize: 0 }, /tileSize is 0/],
    [{ cellSize: Number.POSITIVE_INFINITY }, /cellSize is Infinity/],
    [{ tickRate: 0 }, /tickRate is 0/],
    [{ tickRate: 1e-300 }, /tickRate is 1e-300/],
    [{ tickRate: 1001 }, /tickRate is 1001/],
    [{ seed: 0.5 }, /seed is 0.5/],
    [{ listCapacity: -1 }, /listCapacity is -1/],
    [{ tiles: [0, 0] }, /tiles is 0,0/],
    [{ tiles: new Uint8Array(7) }, /tiles.length is 7; it must be 2 rows of 4 bytes, 8 in all/],
    [{ width: 4_000_000, cellSize: 1 }, /cellSize is 1/],
    [{ width: 7 * 65_534.999, cellSize: 7 }, /cellSize is 7/],
    [{ width: 4_000_000, height: 4_000_000, tileSize: 1, tiles: new Uint8Array(1) }, /tiles is 16000000000000/],
  ];
  for (const [bad, message] of bads) refuses("BAD_ARGUMENT", () => kernel.createZone({ ...good, ...bad }), message);
  refuses("BAD_ARGUMENT", () => kernel.createZone(undefined as never), /spec is undefined/);
});

test("spawn checks BAD_ARGUMENT, ZONE_FULL, OUT_OF_BOUNDS, BLOCKED in that order, and changes nothing", () => {
  for (const each of kernels) {
    const tiles = new Uint8Array([0, 1, 0, 0]);
    const zone = each.createZone({ width: 64, height: 64, capacity: 1, tiles });
    const wall = { x: 40, y: 10 };
    const outside = { x: 3, y: 10 };
    const before = zone.hash();
    refuses("BLOCKED", () => zone.spawn(wall), /half size 8 at \(40, 10\) overlaps/);
    refuses("OUT_OF_BOUNDS", () => zone.spawn(outside), /half size 8 at \(3, 10\)/);
    refuses("OUT_OF_BOUNDS", () => zone.spawn({ x: 1e300, y: 0 }));
    refuses("OUT_OF_BOUNDS", () => zone.spawn({ x: 40, y: 10, halfSize: 33 }));
    const bads: [object, RegExp][] = [
      [{ x: Number.NaN }, /x is NaN/],
      [{ y: Number.POSITIVE_INFINITY }, /y is Infinity/],
      [{ x: "1" }, /x is "1"/],
      [{ kind: 65_536 }, /kind is 65536/],
      [{ team: -1 }, /team is -1/],
      [{ team: 256 }, /team is 256/],
      [{ halfSize: -1 }, /halfSize is -1/],
      [{ speed: Number.NaN }, /speed is NaN/],
      [{ speed: 1e39 }, /speed is 1e\+39/],
      [{ hp: 2 ** 31 }, /hp is 2147483648/],
      [{ hp: 1.5 }, /hp is 1.5/],
    ];
    for (const [bad, message] of bads) refuses("BAD_ARGUMENT", () => zone.spawn({ x: 10, y: 10, ...bad }), message);
    assert.is(zone.hash(), before, nameOf(each));
    assert.is(zone.count, 0);

    const id = zone.spawn({ x: 10, y: 10 });
    const full = zone.hash();
    refuses("ZONE_FULL", () => zone.spawn({ x: 10, y: 10 }), /holds 1 entities/);
    refuses("ZONE_FULL", () => zone.spawn(outside));
    refuses("ZONE_FULL", () => zone.spawn(wall));
    refuses("BAD_ARGUMENT", () => zone.spawn({ x: Number.NaN, y: 10 }));
    assert.is(zone.hash(), full);
    assert.ok(zone.slot(id) === 0 && zone.count === 1);
  }
});

test("spawn may touch a wall and the border, to the last grain, and no further", () => {
  for (const each of kernels) {
    const zone = each.createZone({ width: 96, height: 32, capacity: 9, tiles: new Uint8Array([0, 0, 1]) });
    zone.spawn({ x: 8, y: 8, halfSize: 8 });
    zone.spawn({ x: 56, y: 24, halfSize: 8 });
    refuses("BLOCKED", () => zone.spawn({ x: 56.00001, y: 24, halfSize: 8 }));
    refuses("OUT_OF_BOUNDS", () => zone.spawn({ x: 7.999999, y: 8, halfSize: 8 }));
    refuses("OUT_OF_BOUNDS", () => zone.spawn({ x: 8, y: 24.00001, halfSize: 8 }));
  }
});

test("columns hold what was spawned, and zeros again after despawn", () => {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 4 });
  const id = zone.spawn({ x: 20, y: 30, kind: 700, team: 200, halfSize: 2.5, speed: 90, hp: -7 });
  const slot = zone.slot(id);
  const { columns } = zone;
  const row = () => [columns.x, columns.y, columns.halfSize, columns.speed].map((column) => column[slot]);
  assert.equal(row(), [20, 30, 2.5, 90]);
  assert.equal(
    [columns.kind[slot], columns.team[slot], columns.hp[slot], columns.alive[slot], columns.id[slot]],
    [700, 200, -7, 1, id],
  );
  assert.is(zone.despawn(id), true);
  assert.equal(row(), [0, 0, 0, 0]);
  assert.equal(
    [columns.kind[slot], columns.team[slot], columns.hp[slot], columns.alive[slot], columns.id[slot]],
    [0, 0, 0, 0, 0],
  );
});

test("a stale id finds nobody, whoever has its slot now", () => {
  for (const each of kernels) {
    const zone = each.createZone({ width: 100, height: 100, capacity: 1 });
    const first = zone.spawn({ x: 50, y: 50 });
    assert.is(zone.despawn(first), true);
    const second = zone.spawn({ x: 60, y: 60 });
    assert.is.not(second, first);
    assert.is(zone.slot(second), 0);
    const before = zone.hash();
    assert.is(zone.slot(first), -1);
    assert.is(zone.despawn(first), false);
    assert.is(zone.move(first, 1, 0), false);
    for (const id of [0, 1, 4095, 4096 * 77 + 1, 0xffffffff, -1, 1.5, Number.NaN, second + 2 ** 32, second + 0.5]) {
      assert.is(zone.slot(id), -1, `id ${id}`);
      assert.is(zone.despawn(id), false);
    }
    assert.is(zone.hash(), before);
  }
});

test("an id is not repeated within 4,000 lives of its slot, and is never 0", () => {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 1 });
  const seen = new Set<number>();
  for (let life = 0; life < 4000; life++) {
    const id = zone.spawn({ x: 50, y: 50 });
    assert.ok(id > 0 && !seen.has(id), `life ${life}`);
    seen.add(id);
    zone.despawn(id);
  }
  zone.validate();
});

test("spawns and despawns at random agree with a Map of 200 entities, seeds 1 to 20", () => {
  for (const each of kernels) {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const zone = each.createZone({ width: 1000, height: 1000, capacity: 200 });
      const living = new Map<number, number>();
      let peak = 0;
      for (let turn = 0; turn < 1500; turn++) {
        if (random.float() < 0.55) {
          const x = random.integer(8, 900);
          if (living.size === 200) refuses("ZONE_FULL", () => zone.spawn({ x, y: 500 }));
          else {
            const id = zone.spawn({ x, y: 500 });
            assert.not(living.has(id), `seed ${seed}`);
            living.set(id, x);
          }
        } else if (living.size > 0) {
          const id = random.pick([...living.keys()]);
          living.delete(id);
          assert.ok(zone.despawn(id));
        }
        peak = Math.max(peak, living.size);
      }
      assert.is(zone.count, living.size, `seed ${seed}`);
      assert.ok(zone.highWater <= Math.min(200, peak + 64), `seed ${seed}: ${zone.highWater} slots for ${peak}`);
      for (const [id, x] of living) assert.is(zone.columns.x[zone.slot(id)], x, `seed ${seed}`);
      zone.validate();
    }
  }
});

test("the zone's generator depends on the seed alone, and is part of the state", () => {
  const numbers = (seed: number) => {
    const zone = kernel.createZone({ width: 10, height: 10, capacity: 1, seed });
    return [zone.random(), zone.random(), zone.random()];
  };
  assert.equal(numbers(5), numbers(5));
  assert.not.equal(numbers(5), numbers(6));
  const zone = kernel.createZone({ width: 10, height: 10, capacity: 1 });
  const before = zone.hash();
  zone.random();
  assert.is.not(zone.hash(), before);
});

test("a zone that was closed refuses everything with ZONE_CLOSED, and shows nobody", () => {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 4 });
  const id = zone.spawn({ x: 50, y: 50 });
  const image = zone.save();
  zone.close();
  zone.close();
  const calls = [
    () => zone.step(),
    () => zone.spawn({ x: 50, y: 50 }),
    () => zone.despawn(id),
    () => zone.slot(id),
    () => zone.move(id, 0, 0),
    () => zone.queryRadius(0, 0, 1, new Uint32Array(1)),
    () => zone.nearestEnemies(1),
    () => zone.hash(),
    () => zone.save(),
    () => zone.saveInto(new Uint8Array(1 << 20)),
    () => zone.load(image),
    () => zone.tidy(),
    () => zone.random(),
  ];
  for (const call of calls) refuses("ZONE_CLOSED", call);
  assert.is(zone.count, 0);
  assert.is(zone.columns.x.length, 0);
});

test("a checked build stops where a caller breaks a column, a release build says so when asked", async () => {
  const spec = { width: 100, height: 100, capacity: 4 };
  const checked = (await loadKernel({ checked: true })).createZone(spec);
  checked.spawn({ x: 20, y: 20 });
  checked.spawn({ x: 50, y: 50 });
  checked.columns.x[1] = Number.NaN;
  refuses(
    "KERNEL_TRAP",
    () => checked.step(),
    /assertion failed in zoneStep.*; slot 1 cannot have x NaN, y 50, halfSize 8/,
  );
  const release = kernel.createZone(spec);
  release.spawn({ x: 50, y: 50 });
  release.validate();
  release.columns.y[0] = 1000;
  refuses("KERNEL_TRAP", () => release.validate(), /; slot 0 cannot have x 50, y 1000, /);
});

test("step counts its ticks and refuses what is no count", () => {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 4 });
  zone.step();
  zone.step(9);
  zone.step(0);
  assert.is(zone.tick, 10);
  for (const ticks of [-1, 0.5, Number.NaN, "1"]) refuses("BAD_ARGUMENT", () => zone.step(ticks as number), /ticks is/);
  assert.is(zone.tick, 10);
});

test("a zone that is shared is the same zone to whoever attaches to it, and one that is not shared cannot be", async () => {
  for (const build of ["simd", "scalar"] as const) {
    const [one, other] = [await loadKernel({ build, shared: true }), await loadKernel({ build, shared: true })];
    const zone = one.createZone({ width: 512, height: 512, capacity: 64, columns: { ammo: "u16" }, seed: 7 });
    const id = zone.spawn({ x: 100, y: 100 });
    const twin = other.attachZone(structuredClone(zone.share()));
    assert.ok(twin.move(id, 1, 0));
    zone.step();
    twin.step();
    assert.is(twin.tick, 2);
    assert.is(zone.columns.x[zone.slot(id)], 104);
    Object.assign(twin.own["ammo"] ?? [], { [twin.slot(id)]: 9 });
    assert.is(zone.own["ammo"]?.[0], 9);
    assert.is(twin.hash(), zone.hash());
    refuses("BAD_ARGUMENT", () => other.attachZone({ ...zone.share(), columns: {} }), /columns/);
    refuses("BAD_ARGUMENT", () => other.attachZone({} as never), /memory/);
    const local = await loadKernel({ build });
    refuses("BAD_ARGUMENT", () => local.attachZone(zone.share()), /memory/);
    refuses("KERNEL_UNSUPPORTED", () => local.createZone({ width: 9, height: 9, capacity: 1 }).share(), /shared/);
  }
});

test.run();
