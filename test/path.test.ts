/** Paths against a plain Dijkstra, and against the solved problems of the MovingAI benchmarks. */
import { existsSync, readFileSync } from "node:fs";
import { loadMap } from "gyre";
import { type Kernel, loadKernel, type PathOptions, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { distances, eroded, type Grid, mayStep, randomGrid, WATER } from "./support/grids.js";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const DATA = "../shared/data/movingai";
const MAPS = ["arena", "den520d", "brc202d", "random512-10-0", "maze512-32-0", "icecrown"];
const SIZE = 32;

const kernels = await allKernels();
const release = kernels[0]!;
const out = new Float32Array(2 * 65_536);

const zoneOf = (kernel: Kernel, { columns, rows, tiles }: Grid, spec = {}): Zone =>
  kernel.createZone({ width: columns * SIZE, height: rows * SIZE, capacity: 1, tileSize: SIZE, tiles, ...spec });

const centre = (line: number): number => (line + 0.5) * SIZE;

const findPath = (zone: Zone, grid: Grid, from: number, to: number, options?: PathOptions) =>
  zone.findPath(
    centre(from % grid.columns),
    centre(Math.floor(from / grid.columns)),
    centre(to % grid.columns),
    centre(Math.floor(to / grid.columns)),
    out,
    options,
  );

/** Fails unless the points lead from tile to tile by legal steps that add up to the cost. */
function follow(grid: Grid, from: number, to: number, cost: number, points: number): void {
  const { columns } = grid;
  let column = Math.floor(out[0]! / SIZE);
  let row = Math.floor(out[1]! / SIZE);
  if (row * columns + column !== from) assert.unreachable(`it starts at ${column}, ${row}`);
  let straight = 0;
  let diagonal = 0;
  for (let i = 1; i < points; i++) {
    const dx = (out[2 * i]! - centre(column)) / SIZE;
    const dy = (out[2 * i + 1]! - centre(row)) / SIZE;
    const length = Math.abs(dx) + Math.abs(dy);
    if (!(Math.max(Math.abs(dx), Math.abs(dy)) === 1 && Number.isInteger(length)))
      assert.unreachable(`point ${i} is (${dx}, ${dy}) tiles from the one before`);
    if (!mayStep(grid, column, row, dx, dy)) assert.unreachable(`no step by (${dx}, ${dy}) from ${column}, ${row}`);
    if (length === 1) straight++;
    else diagonal++;
    column += dx;
    row += dy;
  }
  assert.is(row * columns + column, to);
  assert.is(cost, straight + diagonal * Math.SQRT2);
}

for (const kernel of kernels) {
  const seeds = kernel.checked ? 60 : 300;
  test(`${nameOf(kernel)}: on ${seeds} random grids with water, paths from 3 tiles to all others are as short as Dijkstra's`, () => {
    forSeeds(seeds, (seed) => {
      const random = new Random(seed);
      const grid = randomGrid(random);
      const zone = zoneOf(kernel, grid);
      const hash = zone.hash();
      for (let start = 0; start < 3; start++) {
        const from = random.integer(0, grid.tiles.length - 1);
        const lengths = distances(grid, from);
        for (let to = 0; to < lengths.length; to++) {
          const { cost, points } = findPath(zone, grid, from, to);
          const wanted = lengths[to]!;
          const right = wanted === Number.POSITIVE_INFINITY ? cost === -1 : Math.abs(cost - wanted) < 1e-6;
          if (!right) assert.unreachable(`from ${from} to ${to}: ${cost}, not ${wanted}`);
          if (cost >= 0) follow(grid, from, to, cost, points);
          else assert.is(points, 0);
        }
      }
      assert.is(zone.hash(), hash);
    });
  });
}

async function readMap(
  name: string,
): Promise<{ grid: Grid; scenarios: { from: number; to: number; length: number }[] }> {
  const { width, height, tiles } = await loadMap(readFileSync(`${DATA}/${name}.map`, "utf8"), name);
  const lines = readFileSync(`${DATA}/${name}.map.scen`, "utf8").split("\n").slice(1);
  const scenarios = lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [x0, y0, x1, y1, length] = line.split(/\s+/).slice(4).map(Number) as [
        number,
        number,
        number,
        number,
        number,
      ];
      return { from: y0 * width + x0, to: y1 * width + x1, length };
    });
  return { grid: { columns: width, rows: height, tiles }, scenarios };
}

const haveData = existsSync(DATA);
if (!haveData) console.log("path: the MovingAI maps are not there, their scenarios are skipped");

for (const name of haveData ? MAPS : []) {
  test(`${name}: every scenario's path is legal and as short as the benchmark says, in simd and scalar`, async () => {
    const { grid, scenarios } = await readMap(name);
    const scalar = zoneOf(await loadKernel({ build: "scalar", checked: false }), grid);
    const zone = zoneOf(release, grid);
    assert.ok(scenarios.length >= 160);
    const walled: number[] = [];
    scenarios.forEach(({ from, to, length }, index) => {
      const { cost, points } = findPath(zone, grid, from, to);
      if (grid.tiles[from] === 1) {
        assert.is(cost, -1);
        walled.push(index);
        return;
      }
      if (!(Math.abs(cost - length) <= Math.max(0.0051, 6e-6 * length)))
        assert.unreachable(`scenario ${index}: ${cost}, not ${length}`);
      follow(grid, from, to, cost, points);
      if (index % 5 !== 0) return;
      const path = out.slice(0, 2 * points);
      assert.equal(findPath(scalar, grid, from, to), { cost, points });
      assert.equal(out.subarray(0, 2 * points), path);
    });
    // One of icecrown's starts among trees and ends there, which the benchmark's author let pass.
    assert.is(walled.length, name === "icecrown" ? 1 : 0);
  });
}

test("without tiles a path goes diagonally, then straight, also where tiles would be too many to have bits", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 1000, height: 700, capacity: 1, tileSize: 10 });
    const { cost, points } = zone.findPath(5, 5, 94, 32, out);
    assert.is(cost, 6 + 3 * Math.SQRT2);
    assert.is(points, 10);
    assert.equal(
      [...out.subarray(0, 20)],
      [5, 5, 15, 15, 25, 25, 35, 35, 45, 35, 55, 35, 65, 35, 75, 35, 85, 35, 95, 35],
    );
    const side = 4_000_000;
    const vast = kernel.createZone({ width: side, height: side, capacity: 1, tileSize: 1 / 512, cellSize: 128 });
    const { cost: far, points: many } = vast.findPath(0, 0, side - 1, 1, out);
    assert.is(far, (side - 2) * 512 + 512 * Math.SQRT2);
    assert.is(many, (side - 1) * 512 + 1);
  }
});

test("a path of one tile, one that does not fit, one asked for twice, and one into an odd out", () => {
  const grid: Grid = { columns: 5, rows: 3, tiles: Uint8Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid);
    assert.equal(zone.findPath(3, 40, 31, 60, out), { cost: 0, points: 1 });
    assert.equal([...out.subarray(0, 2)], [16, 48]);
    assert.equal(findPath(zone, grid, 5, 9), { cost: 6, points: 7 });
    const first = out.slice(0, 14);
    for (let again = 0; again < 3; again++) {
      assert.equal(findPath(zone, grid, 5, 9), { cost: 6, points: 7 });
      assert.equal(out.subarray(0, 14), first);
    }
    for (const length of [0, 1, 2, 5, 6, 13, 14]) {
      const short = new Float32Array(length + 1).fill(-7);
      const result = zone.findPath(16, 48, 144, 48, short.subarray(0, length));
      assert.equal(result, { cost: 6, points: 7 });
      const whole = length & ~1;
      assert.equal(short.subarray(0, whole), first.subarray(0, whole), `out of ${length}`);
      assert.ok(short.subarray(whole).every((value) => value === -7));
    }
  }
});

test("-1 where an end is blocked, outside, cut off or of another class; BAD_ARGUMENT where it is no number", () => {
  const grid: Grid = { columns: 5, rows: 1, tiles: Uint8Array.from([0, 1, 0, WATER, 3]) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid);
    const none = { cost: -1, points: 0 };
    out.fill(-7);
    for (const [from, to] of [
      [0, 1],
      [1, 0],
      [0, 2],
      [2, 3],
      [3, 2],
      [3, 4],
      [4, 4],
      [1, 1],
    ] as const)
      assert.equal(findPath(zone, grid, from, to), none, `${from} to ${to}`);
    for (const x of [-1, 160, 1e300, -1e-300]) {
      assert.equal(zone.findPath(x, 16, 16, 16, out), none);
      assert.equal(zone.findPath(16, 16, 16, x, out), none);
    }
    assert.ok(out.every((value) => value === -7));
    assert.equal(findPath(zone, grid, 3, 3), { cost: 0, points: 1 });
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, "1" as never]) {
      refuses("BAD_ARGUMENT", () => zone.findPath(x, 1, 1, 1, out), /x0/);
      refuses("BAD_ARGUMENT", () => zone.findPath(1, 1, 1, x, out), /y1/);
    }
    refuses("BAD_ARGUMENT", () => zone.findPath(1, 1, 1, 1, [] as never), /out/);
    zone.close();
    refuses("ZONE_CLOSED", () => zone.findPath(1, 1, 1, 1, out));
  }
});

test("a tile that the border cuts is on paths when its centre lies inside", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(6);
    const wider = kernel.createZone({ width: 81, height: 64, capacity: 1, tiles });
    assert.equal(wider.findPath(1, 1, 80.5, 1, out), { cost: 2, points: 3 });
    assert.is(wider.blockedAt(out[4]!, out[5]!), false);
    const half = kernel.createZone({ width: 80, height: 64, capacity: 1, tiles });
    assert.equal(half.findPath(1, 1, 79.5, 1, out), { cost: -1, points: 0 });
    assert.equal(half.findPath(1, 1, 63, 1, out), { cost: 1, points: 2 });
  }
});

test("water is part of the state: it is hashed and saved, blocks walkers, and paths lead through it after a restore", () => {
  const grid: Grid = { columns: 3, rows: 2, tiles: Uint8Array.from([WATER, WATER, 0, 1, WATER, 0]) };
  const dry = { ...grid, tiles: grid.tiles.map((tile) => (tile === 0 ? 0 : 1)) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid);
    assert.is(zone.blockedAt(16, 16), true);
    assert.is.not(zone.hash(), zoneOf(kernel, dry).hash());
    const restored = kernel.restoreZone(zone.save());
    assert.is(restored.hash(), zone.hash());
    assert.equal(findPath(restored, grid, 0, 4), { cost: 2, points: 3 });
    assert.equal(findPath(zoneOf(kernel, dry), grid, 0, 4), { cost: -1, points: 0 });
  }
});

/** Half sides of boxes, in tiles, by how many rings of tiles they cover around the one they stand in; the largest and the smallest. */
const BOXES = [
  [0, 0.01, 0.5],
  [0.501, 1, 1.5],
  [1.501, 2.5],
  [2.501, 3.5],
] as const;

for (const kernel of kernels) {
  const seeds = kernel.checked ? 40 : 200;
  test(`${nameOf(kernel)}: on ${seeds} random grids boxes of up to 7 tiles find paths as short as Dijkstra's where they fit, and no others`, () => {
    forSeeds(seeds, (seed) => {
      const random = new Random(seed);
      const grid = randomGrid(random);
      const zone = zoneOf(kernel, grid, { walkerHalfSize: 3.5 * SIZE });
      for (const [rings, boxes] of BOXES.entries()) {
        const walkable = eroded(grid, rings);
        const halfSize = random.pick(boxes) * SIZE;
        const from = random.integer(0, grid.tiles.length - 1);
        const lengths = distances(walkable, from);
        for (let to = 0; to < lengths.length; to++) {
          const { cost, points } = findPath(zone, grid, from, to, { halfSize });
          const wanted = lengths[to]!;
          const right = wanted === Number.POSITIVE_INFINITY ? cost === -1 : Math.abs(cost - wanted) < 1e-6;
          if (!right) assert.unreachable(`from ${from} to ${to}, half size ${halfSize}: ${cost}, not ${wanted}`);
          if (cost >= 0) follow(walkable, from, to, cost, points);
          else assert.is(points, 0);
        }
      }
    });
  });
}

for (const name of haveData ? ["arena", "den520d", "random512-10-0"] : []) {
  test(`${name}: boxes of 3 and 5 tiles have paths as points have on the eroded map, and as short as Dijkstra's`, async () => {
    const { grid } = await readMap(name);
    const zone = zoneOf(release, grid, { walkerHalfSize: 2.5 * SIZE });
    const scalar = zoneOf(await loadKernel({ build: "scalar", checked: false }), grid, { walkerHalfSize: 2.5 * SIZE });
    const random = new Random(5);
    for (const rings of [1, 2]) {
      const walkable = eroded(grid, rings);
      const point = zoneOf(release, walkable);
      const free = [...walkable.tiles.keys()].filter((tile) => walkable.tiles[tile] === 0);
      let found = 0;
      for (let i = 0; i < 40; i++) {
        const from = random.pick(free);
        // Every third one is just any tile, every third one is near.
        const near = from + random.integer(-3, 3) * grid.columns + random.integer(-3, 3);
        const to = [random.pick(free), random.integer(0, grid.tiles.length - 1), near][i % 3] ?? 0;
        const box = findPath(zone, grid, from, to, { halfSize: (rings + 0.5) * SIZE });
        const path = out.slice(0, 2 * box.points);
        assert.equal(findPath(scalar, grid, from, to, { halfSize: (rings - 0.4) * SIZE }), box);
        assert.equal(out.subarray(0, 2 * box.points), path);
        assert.equal(findPath(point, walkable, from, to), box);
        if (box.cost < 0) continue;
        assert.equal(out.subarray(0, 2 * box.points), path);
        follow(walkable, from, to, box.cost, box.points);
        found++;
      }
      assert.ok(found > 0, `${found} found between ${free.length} tiles`);
    }
    const walkable = eroded(grid, 1);
    const from = random.pick([...walkable.tiles.keys()].filter((tile) => walkable.tiles[tile] === 0));
    const lengths = distances(walkable, from);
    for (let to = 0; to < lengths.length; to += 97) {
      const { cost } = findPath(zone, grid, from, to, { halfSize: SIZE });
      const wanted = lengths[to]!;
      if (!(wanted === Number.POSITIVE_INFINITY ? cost === -1 : Math.abs(cost - wanted) < 1e-6))
        assert.unreachable(`from ${from} to ${to}: ${cost}, not ${wanted}`);
    }
  });
}

test("a box keeps out of tiles that the zone's border cuts, a point does not; without tiles it keeps off the border", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(15);
    const zone = kernel.createZone({ width: 4 * SIZE + 20, height: 3 * SIZE, capacity: 1, tiles, walkerHalfSize: 48 });
    const y = 1.5 * SIZE;
    assert.equal(zone.findPath(16, y, 140, y, out), { cost: 4, points: 5 });
    assert.equal(zone.findPath(16, y, 140, y, out, { halfSize: 1 }), { cost: -1, points: 0 });
    assert.equal(zone.findPath(16, y, 127, y, out, { halfSize: 16 }), { cost: 3, points: 4 });
    assert.equal(zone.findPath(48, y, 80, y, out, { halfSize: 48 }), { cost: 1, points: 2 });
    assert.equal(zone.findPath(48, y, 112, y, out, { halfSize: 48 }), { cost: -1, points: 0 });
    assert.equal(zone.findPath(48, y, 80, y - SIZE, out, { halfSize: 16.5 }), { cost: -1, points: 0 });
    const bare = kernel.createZone({ width: 4 * SIZE, height: 3 * SIZE, capacity: 1, walkerHalfSize: 48 });
    assert.equal(bare.findPath(48, y, 80, y, out, { halfSize: 48 }), { cost: 1, points: 2 });
    assert.equal(bare.findPath(48, y, 112, y, out, { halfSize: 17 }), { cost: -1, points: 0 });
    assert.equal(bare.findPath(48, y, 112, y, out, { halfSize: 16 }), { cost: 2, points: 3 });
    refuses("BAD_ARGUMENT", () => zone.findPath(48, y, 80, y, out, { halfSize: 48.1 }), /halfSize.*48/);
    for (const halfSize of [-1, Number.NaN, "1"])
      refuses("BAD_ARGUMENT", () => zone.findPath(48, y, 80, y, out, { halfSize: halfSize as number }), /halfSize/);
    const points = kernel.createZone({
      width: 4 * SIZE,
      height: 3 * SIZE,
      capacity: 1,
      tiles: new Uint8Array(12),
      walkerHalfSize: 0,
    });
    assert.equal(points.findPath(48, y, 80, y, out), { cost: 1, points: 2 });
    refuses("BAD_ARGUMENT", () => points.findPath(48, y, 80, y, out, { halfSize: 0.1 }), /halfSize/);
    const restored = kernel.restoreZone(zone.save());
    assert.equal(restored.findPath(48, y, 80, y, out, { halfSize: 48 }), { cost: 1, points: 2 });
  }
});

test.run();
