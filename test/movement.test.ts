import type { Kernel, ZoneSpec } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, forSeeds, nameOf, Oracle, populate, randomTiles, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();

/**
 * Where a box that wants (dx, dy) from (x, y) ends: the crossings of both leading edges with tile borders in order of time, each
 * looked at tile by tile. All in f64, so it may differ from the kernel by rounding.
 */
function sweep(
  oracle: Oracle,
  spec: ZoneSpec,
  x: number,
  y: number,
  h: number,
  dx: number,
  dy: number,
): [number, number] {
  const size = spec.tileSize ?? 32;
  const at = { x, y };
  const wish = { x: dx, y: dy };
  const length = { x: spec.width, y: spec.height };
  const lead = {
    x: dx > 0 ? oracle.span(x - h, x + h)[1] : oracle.span(x - h, x + h)[0],
    y: dy > 0 ? oracle.span(y - h, y + h)[1] : oracle.span(y - h, y + h)[0],
  };
  const side = (axis: "x" | "y") =>
    wish[axis] > 0 ? Math.min((lead[axis] + 1) * size, length[axis]) : lead[axis] * size;
  const start = { x, y };
  const toward = { ...wish };
  const time = (axis: "x" | "y") =>
    wish[axis] === 0 ? Number.POSITIVE_INFINITY : (side(axis) - (start[axis] + Math.sign(wish[axis]) * h)) / wish[axis];
  for (;;) {
    const axis = time("x") <= time("y") ? "x" : "y";
    const other = axis === "x" ? "y" : "x";
    const now = time(axis);
    if (now >= 1) break;
    const place = wish[other] === 0 ? at[other] : start[other] + wish[other] * now;
    const span = oracle.span(place - h, place + h);
    const low = toward[other] < 0 ? lead[other] : toward[other] > 0 ? Math.min(span[0], lead[other]) : span[0];
    const high = toward[other] > 0 ? lead[other] : toward[other] < 0 ? Math.max(span[1], lead[other]) : span[1];
    const next = lead[axis] + Math.sign(wish[axis]);
    let free = wish[axis] > 0 ? side(axis) < length[axis] : side(axis) > 0;
    for (let i = low; i <= high; i++) {
      if (axis === "x" ? oracle.tileBlocked(next, i) : oracle.tileBlocked(i, next)) free = false;
    }
    if (free) lead[axis] = next;
    else {
      at[axis] = side(axis) - Math.sign(wish[axis]) * h;
      wish[axis] = 0;
    }
  }
  return [wish.x === 0 ? at.x : x + wish.x, wish.y === 0 ? at.y : y + wish.y];
}

function randomZone(kernel: Kernel, random: Random) {
  const tileSize = random.pick([32, 10, 1, 7.3]);
  const columns = random.integer(1, 24);
  const rows = random.integer(1, 24);
  // The last row and column of tiles may be cut.
  const spec: ZoneSpec = {
    width: Math.fround((columns - random.float() * 0.9) * tileSize),
    height: Math.fround((rows - random.float() * 0.9) * tileSize),
    capacity: 64,
    tileSize: Math.fround(tileSize),
    tickRate: random.pick([60, 20, 7]),
  };
  if (Math.ceil(spec.width / spec.tileSize!) !== columns || Math.ceil(spec.height / spec.tileSize!) !== rows) {
    return undefined;
  }
  if (random.float() < 0.9) spec.tiles = randomTiles(random, columns, rows, random.pick([0, 0.1, 0.3]));
  const zone = kernel.createZone(spec);
  const size = tileSize;
  const ids = populate(zone, random, 40, () => ({
    halfSize: random.pick([0, size / 4, size / 2, random.float() * size * 1.5]),
    speed: random.pick([0, size, size * 20, size * 1000, 1e9]),
  }));
  return { spec, zone, ids };
}

for (const kernel of kernels) {
  test(`${nameOf(kernel)}: no box overlaps a wall or leaves, moves too far or off its path, in 150 worlds of any speed`, () => {
    forSeeds(150, (seed) => {
      const random = new Random(seed);
      const world = randomZone(kernel, random);
      if (world === undefined) return;
      const { spec, zone, ids } = world;
      const oracle = new Oracle(spec);
      const { x, y, halfSize, speed, wishX, wishY } = zone.columns;
      for (let tick = 0; tick < 40; tick++) {
        for (const id of ids) {
          if (random.float() < 0.3) zone.move(id, random.integer(-2, 2) / 2, random.float() * 2 - 1);
        }
        const before = ids.map((id) => [x[zone.slot(id)]!, y[zone.slot(id)]!] as const);
        zone.step();
        ids.forEach((id, i) => {
          const slot = zone.slot(id);
          const h = halfSize[slot]!;
          const [fromX, fromY] = before[i]!;
          const what = `tick ${tick}, from (${fromX}, ${fromY}) to (${x[slot]}, ${y[slot]}), half size ${h}`;
          assert.ok(oracle.boxInside(x[slot]!, y[slot]!, h), `outside: ${what}`);
          assert.not(oracle.boxBlocked(x[slot]!, y[slot]!, h), `in a wall: ${what}`);
          const reach = speed[slot]! / zone.tickRate;
          const grain = (spec.width + spec.height) * 1e-6 + reach * 1e-6;
          const gone = Math.hypot(x[slot]! - fromX, y[slot]! - fromY);
          assert.ok(gone <= reach + grain, `${gone} is more than ${reach}: ${what}`);
          const [toX, toY] = sweep(oracle, spec, fromX, fromY, h, wishX[slot]! * reach, wishY[slot]! * reach);
          // A crossing within rounding of a corner may go either way; those are few, and legal as checked above.
          const off = Math.max(Math.abs(toX - x[slot]!), Math.abs(toY - y[slot]!));
          if (off > grain * 4) near(oracle, spec, fromX, fromY, h, wishX[slot]! * reach, wishY[slot]! * reach, what);
        });
      }
      zone.validate();
    });
  });
}

/** Fails unless a start or a size off by a rounding ends elsewhere too: then the box touches a corner, and either way is right. */
function near(
  oracle: Oracle,
  spec: ZoneSpec,
  x: number,
  y: number,
  h: number,
  dx: number,
  dy: number,
  what: string,
): void {
  const grain = (spec.width + spec.height) * 1e-6;
  const off = [-grain, 0, grain];
  const ends = off.flatMap((ex) =>
    off.flatMap((ey) => off.map((eh) => sweep(oracle, spec, x + ex, y + ey, Math.max(0, h + eh), dx, dy))),
  );
  const spread = (axis: 0 | 1) => Math.max(...ends.map((end) => end[axis])) - Math.min(...ends.map((end) => end[axis]));
  assert.ok(Math.max(spread(0), spread(1)) > grain * 4, `not where the sweep ends: ${what}`);
}

test("walks 2 units a tick at 120 units a second, straight and shortened to length 1", () => {
  for (const kernel of kernels) {
    const zone = kernel.createZone({ width: 1000, height: 1000, capacity: 2 });
    const id = zone.spawn({ x: 100, y: 100, speed: 120 });
    const other = zone.spawn({ x: 100, y: 500, speed: 120 });
    assert.ok(zone.move(id, 1, 0));
    zone.move(other, 3e300, 4e300);
    zone.step(60);
    const { x, y, vx, vy, wishX, wishY } = zone.columns;
    assert.ok(Math.abs(x[0]! - 220) < 0.01 && y[0] === 100, nameOf(kernel));
    assert.is(vx[0], 120);
    assert.ok(Math.abs(x[1]! - 172) < 0.01 && Math.abs(y[1]! - 596) < 0.01);
    assert.ok(Math.abs(wishX[1]! - 0.6) < 1e-6 && Math.abs(wishY[1]! - 0.8) < 1e-6 && Math.abs(vy[1]! - 96) < 1e-4);
    zone.move(id, 0, 0);
    const stays = x[0];
    zone.step(10);
    assert.is(x[0], stays);
  }
});

test("slides along a wall: the blocked axis stops at it, the other goes on", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(100);
    for (let row = 0; row < 10; row++) tiles[row * 10 + 5] = 1;
    const zone = kernel.createZone({ width: 320, height: 320, capacity: 1, tiles });
    const id = zone.spawn({ x: 100, y: 20, halfSize: 10, speed: 600 });
    zone.move(id, 1, 1);
    zone.step(30);
    const { x, y, vx, vy } = zone.columns;
    assert.ok(x[0] === 150, `${nameOf(kernel)}: ${x[0]}`);
    assert.is(vx[0], 0);
    assert.ok(vy[0]! > 400 && Math.abs(y[0]! - (20 + 30 * 10 * Math.SQRT1_2)) < 0.01);
  }
});

test("a million units a second pass no wall of one tile, nor the corner between two", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(100);
    for (let row = 0; row < 10; row++) tiles[row * 10 + 5] = 1;
    const zone = kernel.createZone({ width: 320, height: 320, capacity: 2, tiles });
    const id = zone.spawn({ x: 50, y: 160, halfSize: 0, speed: 1e6 });
    zone.move(id, 1, 0);
    zone.step();
    assert.ok(zone.columns.x[0]! < 160 && zone.columns.x[0]! > 159.99);

    const diagonal = new Uint8Array(16);
    diagonal[1 * 4 + 2] = 1;
    diagonal[2 * 4 + 1] = 1;
    const corner = kernel.createZone({ width: 128, height: 128, capacity: 1, tiles: diagonal });
    const runner = corner.spawn({ x: 48, y: 48, halfSize: 4, speed: 1e6 });
    corner.move(runner, 1, 1);
    corner.step();
    assert.ok(corner.columns.x[0]! < 60.001 && corner.columns.y[0]! < 60.001, nameOf(kernel));
  }
});

test("a box 41 tiles wide walks freely where there is room, and stops where there is none", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(100 * 100);
    tiles[50 * 100 + 80] = 1;
    const zone = kernel.createZone({ width: 800, height: 800, capacity: 1, tileSize: 8, tiles });
    const id = zone.spawn({ x: 200, y: 400, halfSize: 164, speed: 480 });
    zone.move(id, 1, 0);
    zone.step(30);
    assert.ok(Math.abs(zone.columns.x[0]! - 440) < 0.01, `${nameOf(kernel)}: ${zone.columns.x[0]}`);
    zone.step(30);
    assert.is(zone.columns.x[0], 476, nameOf(kernel));
  }
});

test("one blocked tile hit exactly at its corner lets the box slide past on one side", () => {
  for (const kernel of kernels) {
    const tiles = new Uint8Array(9);
    tiles[4] = 1;
    const zone = kernel.createZone({ width: 96, height: 96, capacity: 1, tiles });
    const id = zone.spawn({ x: 16, y: 16, halfSize: 16, speed: 60 * 32 });
    zone.move(id, 1, 1);
    zone.step();
    const { x, y } = zone.columns;
    assert.ok((x[0]! > 30 && y[0] === 16) || (y[0]! > 30 && x[0] === 16), `${x[0]}, ${y[0]}`);
  }
});

test("move refuses what is no direction, and changes nothing", () => {
  const zone = kernels[0]!.createZone({ width: 100, height: 100, capacity: 1 });
  const id = zone.spawn({ x: 50, y: 50 });
  zone.move(id, 1, 0);
  const before = zone.hash();
  refuses("BAD_ARGUMENT", () => zone.move(id, Number.NaN, 0), /dx is NaN/);
  refuses("BAD_ARGUMENT", () => zone.move(id, 0, Number.NEGATIVE_INFINITY), /dy is -Infinity/);
  refuses("BAD_ARGUMENT", () => zone.move(id, "1" as never, 0), /dx is "1"/);
  assert.is(zone.hash(), before);
});

test.run();
