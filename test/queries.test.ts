import { type Kernel, loadKernel, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();
const { fround } = Math;
const F32_MAX = 3.4028234663852886e38;

const squared = (x: number, y: number, cx: number, cy: number): number => {
  const dx = fround(x - cx);
  const dy = fround(y - cy);
  return fround(fround(dx * dx) + fround(dy * dy));
};

const ascending = (ids: Iterable<number>): number[] => [...ids].sort((a, b) => a - b);

/** A random world, what lives in it, and the slow truth about it. Entities are points, so that any place is free. */
class World {
  readonly zone: Zone;
  readonly random: Random;
  readonly cellSize: number;
  readonly teams: number;
  readonly ids: number[] = [];
  readonly #place: () => [number, number];
  readonly #out: Uint32Array;

  constructor(kernel: Kernel, seed: number, sparse = false) {
    const random = new Random(seed);
    this.random = random;
    const side = () => (sparse ? 400_000 + random.float() * 3_000_000 : 10 + random.float() * 3000);
    const width = side();
    const height = side();
    this.cellSize = sparse ? 64 : random.pick([8, 32, 64, 100, 333.3, 5000]);
    this.teams = random.integer(1, 3);
    const count = random.pick([1, 3, 17, 60, 250]);
    const capacity = count + 60;
    const zone = kernel.createZone({
      width,
      height,
      capacity,
      cellSize: this.cellSize,
      listCapacity: capacity * capacity,
    });
    this.zone = zone;
    this.#out = new Uint32Array(capacity);
    const x = random.float() * zone.width;
    const y = random.float() * zone.height;
    const anywhere = (): [number, number] => [random.float() * zone.width, random.float() * zone.height];
    const inRange = (value: number, most: number) => Math.min(Math.max(value, 0), most);
    this.#place = random.pick([
      anywhere,
      // All at one point; on the corners of cells and the border; all in one cell.
      () => [x, y],
      () => [
        inRange(random.integer(0, 9) * this.cellSize * 0.5, zone.width),
        inRange(random.integer(0, 9) * this.cellSize * 0.5, zone.height),
      ],
      () => [inRange(x + random.float() * 20, zone.width), inRange(y + random.float() * 20, zone.height)],
    ]);
    this.spawn(count);
  }

  spawn(count: number): void {
    for (let i = 0; i < count && this.zone.count < this.zone.capacity; i++) {
      const [x, y] = this.#place();
      const team = this.random.integer(0, this.teams - 1);
      this.ids.push(this.zone.spawn({ x, y, halfSize: 0, speed: this.random.float() * 200, team }));
    }
  }

  /** Steps, spawns and despawns: the grid is as of the last step, with spawns and despawns since. */
  stir(): void {
    for (const id of this.ids) this.zone.move(id, this.random.float() * 2 - 1, this.random.float() * 2 - 1);
    if (this.random.float() < 0.7) this.zone.step();
    if (this.random.float() < 0.5) this.spawn(5);
    while (this.ids.length > 1 && this.random.float() < 0.6) {
      const [id] = this.ids.splice(this.random.integer(0, this.ids.length - 1), 1);
      this.zone.despawn(id!);
    }
  }

  get everybody(): { id: number; slot: number; x: number; y: number; team: number }[] {
    const { x, y, team } = this.zone.columns;
    return this.ids.map((id) => {
      const slot = this.zone.slot(id);
      return { id, slot, x: x[slot]!, y: y[slot]!, team: team[slot]! };
    });
  }

  radius(x: number, y: number, radius: number): number[] {
    const limit = Math.min(fround(radius * radius), F32_MAX);
    return ascending(this.everybody.filter((e) => squared(e.x, e.y, x, y) <= limit).map(({ id }) => id));
  }

  nearest(x: number, y: number, radius: number, accept: (e: { id: number; team: number }) => boolean): number {
    const limit = Math.min(fround(radius * radius), F32_MAX);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const e of this.everybody) {
      const d = squared(e.x, e.y, x, y);
      // An id sorts like its slot.
      if (d <= limit && accept(e) && (d < least || (d === least && e.id < best))) {
        best = e.id;
        least = d;
      }
    }
    return best;
  }

  found(count: number): number[] {
    return ascending(this.#out.subarray(0, count));
  }

  checkQueries(): void {
    const { zone, random } = this;
    for (let i = 0; i < 5; i++) {
      const x = fround(random.float() < 0.2 ? -50 : random.float() * zone.width * 1.1);
      const y = fround(random.float() * zone.height);
      const wide = random.pick([0, 1, this.cellSize, this.cellSize / 2, 64, zone.width, 1e6, 1e30]);
      const radius = fround(wide * (random.float() < 0.5 ? 1 : random.float()));
      assert.equal(this.found(zone.queryRadius(x, y, radius, this.#out)), this.radius(x, y, radius), "radius");
      const notTeam = random.integer(0, this.teams - 1);
      const notId = random.pick(this.ids);
      const accept = (e: { id: number; team: number }) => e.team !== notTeam && e.id !== notId;
      assert.is(zone.nearest(x, y, radius, { notTeam, notId }), this.nearest(x, y, radius, accept), "nearest");
      assert.is(
        zone.nearest(x, y, radius),
        this.nearest(x, y, radius, () => true),
        "nearest, no filter",
      );
      const x1 = fround(x + random.float() * wide);
      const y1 = fround(y + random.float() * wide);
      const inside = this.everybody.filter((e) => e.x >= x && e.x <= x1 && e.y >= y && e.y <= y1);
      assert.equal(
        this.found(zone.queryRect(x, y, x1, y1, this.#out)),
        ascending(inside.map(({ id }) => id)),
        "rectangle",
      );
    }
  }

  checkPasses(): void {
    const radius = fround(this.random.pick([0, 10, 64, this.cellSize, 500, 1e6]));
    const enemies = this.zone.nearestEnemies(radius).slice();
    const counts = this.zone.neighbourCounts(radius).slice();
    const lists = this.zone.neighbourLists(radius);
    for (const { id, slot, x, y, team } of this.everybody) {
      assert.is(
        enemies[slot],
        this.nearest(x, y, radius, (e) => e.team !== team),
        `enemy of ${id}, radius ${radius}`,
      );
      const others = this.radius(x, y, radius).filter((other) => other !== id);
      assert.is(counts[slot], others.length, `count of ${id}`);
      const start = lists.start[slot]!;
      assert.equal(ascending(lists.ids.subarray(start, start + lists.count[slot]!)), others, `list of ${id}`);
    }
  }
}

for (const kernel of kernels) {
  test(`${nameOf(kernel)}: queries and passes equal a scan of everybody in 120 random worlds that move and change`, () => {
    forSeeds(120, (seed) => {
      const world = new World(kernel, seed);
      for (let turn = 0; turn < 3; turn++) {
        world.stir();
        world.checkQueries();
        if (turn > 0) world.checkPasses();
        world.checkQueries();
      }
      world.zone.validate();
      world.zone.close();
    });
  });

  test(`${nameOf(kernel)}: the same in 30 sparse worlds of more than 16 million cells`, () => {
    forSeeds(30, (seed) => {
      const world = new World(kernel, seed, true);
      for (let turn = 0; turn < 2; turn++) {
        world.stir();
        world.checkQueries();
        world.checkPasses();
      }
      world.zone.close();
    });
  });
}

test("more spawns than the pending list holds, without a step between, are all found", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 1000, height: 1000, capacity: 1000 });
    const out = new Uint32Array(1000);
    for (let i = 1; i <= 1000; i++) {
      zone.spawn({ x: 10 + (i % 100) * 9, y: 500 });
      if (i % 37 === 0) assert.is(zone.queryRadius(500, 500, 1000, out), i);
    }
    assert.is(zone.queryRadius(500, 500, 1000, out), 1000);
  }
});

test("a query finds more than it is given room for, and writes no more than that", () => {
  const zone = kernels[0]!.createZone({ width: 100, height: 100, capacity: 10 });
  for (let i = 0; i < 10; i++) zone.spawn({ x: 50, y: 50 });
  const out = new Uint32Array(4).fill(7);
  assert.is(zone.queryRadius(50, 50, 1, out.subarray(0, 3)), 10);
  assert.is(out[3], 7);
  assert.is(zone.queryRect(0, 0, 100, 100, new Uint32Array(0)), 10);
});

test("lists that need more room than there is are refused with LIST_FULL, and fit at exactly their size", async () => {
  for (const build of ["simd", "scalar"] as const) {
    const kernel = await loadKernel({ build });
    const crowd = (listCapacity: number) => {
      const zone = kernel.createZone({ width: 100, height: 100, capacity: 9, listCapacity });
      for (let i = 0; i < 9; i++) zone.spawn({ x: 50, y: 50 });
      return zone;
    };
    assert.is(crowd(72).neighbourLists(10).count[8], 8);
    refuses("LIST_FULL", () => crowd(71).neighbourLists(10), /more than 71 ids/);
    refuses("LIST_FULL", () => crowd(0).neighbourLists(10));
    // Far more than there is room for: what overshoots must stay inside the zone.
    const heap = kernel.createZone({ width: 100, height: 100, capacity: 20_000, listCapacity: 1 });
    for (let i = 0; i < 20_000; i++) heap.spawn({ x: 50, y: 50 });
    refuses("LIST_FULL", () => heap.neighbourLists(10));
    heap.validate();
  }
});

test("queries refuse coordinates and radii that are none", () => {
  const zone = kernels[0]!.createZone({ width: 100, height: 100, capacity: 1 });
  const out = new Uint32Array(1);
  refuses("BAD_ARGUMENT", () => zone.queryRadius(Number.NaN, 0, 1, out), /x is NaN/);
  refuses("BAD_ARGUMENT", () => zone.queryRadius(0, 0, -1, out), /radius is -1/);
  refuses("BAD_ARGUMENT", () => zone.queryRect(5, 0, 4, 1, out), /x1 is 4/);
  refuses("BAD_ARGUMENT", () => zone.nearest(0, 0, 1, { notTeam: 256 }), /notTeam is 256/);
  refuses("BAD_ARGUMENT", () => zone.nearestEnemies(Number.NaN), /radius is NaN/);
  refuses("BAD_ARGUMENT", () => zone.blockedAt(Number.NaN, 0), /x is NaN/);
});

test("blockedAt knows blocked tiles, their borders and the outside", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 90, height: 40, capacity: 1, tiles: new Uint8Array([0, 1, 0, 0, 0, 2]) });
    assert.equal(
      [zone.blockedAt(0, 0), zone.blockedAt(31.9, 0), zone.blockedAt(32, 0), zone.blockedAt(63.9, 31.9)],
      [false, false, true, true],
    );
    assert.equal([zone.blockedAt(64, 0), zone.blockedAt(64, 32), zone.blockedAt(40, 32)], [false, true, false]);
    assert.equal([zone.blockedAt(-0.1, 0), zone.blockedAt(90, 0), zone.blockedAt(0, 40)], [true, true, true]);
  }
});

test.run();
