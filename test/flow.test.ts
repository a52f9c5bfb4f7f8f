/** Flow fields against a plain Dijkstra, their table, their budget, and boxes that really walk along them. */
import type { Kernel, Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BASE, type Beneath, beneath } from "./support/exports.js";
import { distances, eroded, type Grid, mayStep, randomGrid } from "./support/grids.js";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const SIZE = 32;
const DX = [0, 1, 1, 0, -1, -1, -1, 0, 1, 0];
const DY = [0, 0, 1, 1, 1, 0, -1, -1, -1, 0];
const GOAL = 9;

const kernels = await allKernels();
const release = kernels[0]!;

const centre = (line: number): number => (line + 0.5) * SIZE;
const xOf = (grid: Grid, tile: number): number => centre(tile % grid.columns);
const yOf = (grid: Grid, tile: number): number => centre(Math.floor(tile / grid.columns));
const pointsOf = (grid: Grid, tiles: readonly number[]): number[] =>
  tiles.flatMap((tile) => [xOf(grid, tile), yOf(grid, tile)]);

const zoneOf = (kernel: Kernel, { columns, rows, tiles }: Grid, spec: object): Zone =>
  kernel.createZone({ width: columns * SIZE, height: rows * SIZE, capacity: 1, tileSize: SIZE, tiles, ...spec });

const directionAt = (zone: Zone, grid: Grid, field: number, tile: number): number =>
  zone.fieldDirection(field, xOf(grid, tile), yOf(grid, tile));

function stepUntilReady(zone: Zone, field: number): number {
  let ticks = 0;
  for (; !zone.fieldReady(field); ticks++) {
    if (ticks > 100_000) assert.unreachable("the field is never ready");
    zone.step();
  }
  return ticks;
}

/** Length of the walk from a tile to a goal's tile, by legal steps alone. */
function walk(zone: Zone, grid: Grid, field: number, from: number): number {
  let tile = from;
  let length = 0;
  for (;;) {
    const direction = directionAt(zone, grid, field, tile);
    if (direction === GOAL) return length;
    const dx = DX[direction]!;
    const dy = DY[direction]!;
    const column = tile % grid.columns;
    const row = Math.floor(tile / grid.columns);
    if (direction === 0 || !mayStep(grid, column, row, dx, dy))
      assert.unreachable(`direction ${direction} at ${column}, ${row}`);
    length += Math.hypot(dx, dy);
    tile += dy * grid.columns + dx;
    if (length > 10 * grid.tiles.length) assert.unreachable(`from ${from} the field leads in circles`);
  }
}

const settledTiles = (zone: Zone, grid: Grid, field: number): number =>
  grid.tiles.reduce((count, _, tile) => count + (directionAt(zone, grid, field, tile) === 0 ? 0 : 1), 0);

for (const kernel of kernels) {
  const seeds = kernel.checked ? 60 : 400;
  test(`${nameOf(kernel)}: on ${seeds} random grids each settled tile's walk to the nearest of 1 to 16 goals is a shortest one, also before the field is ready, and no more than the budget is settled a tick`, () => {
    forSeeds(seeds, (seed) => {
      const random = new Random(seed);
      const grid = randomGrid(random);
      const rings = random.integer(0, 2);
      const walkable = eroded(grid, rings);
      const budget = random.integer(1, 200);
      const halfSize = rings === 0 ? random.integer(0, 16) : (rings - 0.5) * SIZE + random.integer(1, SIZE);
      const zone = zoneOf(kernel, grid, { flowFields: 2, flowBudget: budget, walkerHalfSize: 2.5 * SIZE });
      // A goal where one cannot stand leads elsewhere; those have a test of their own.
      const free = [...walkable.tiles.keys()].filter((tile) => walkable.tiles[tile] !== 1);
      if (free.length === 0) return;
      const goals = Array.from({ length: random.integer(1, 16) }, () => random.pick(free));
      const reach = random.float() < 0.5 ? Number.POSITIVE_INFINITY : 0.5 + random.float() * 20;
      const lengths = distances(walkable, ...goals);
      const field = zone.openField(pointsOf(grid, goals), reach < 1e9 ? { halfSize, reach } : { halfSize });
      const wanted = lengths.filter((length) => length < Number.POSITIVE_INFINITY && length <= reach).length;
      for (let settled = 0, ready = false; !ready; ) {
        ready = zone.fieldReady(field);
        if (settledTiles(zone, grid, field) !== settled)
          assert.unreachable(`${settledTiles(zone, grid, field)} tiles are settled, not ${settled}`);
        if (random.float() < 0.3 || ready) {
          for (const tile of grid.tiles.keys()) {
            if (directionAt(zone, grid, field, tile) === 0) continue;
            const length = walk(zone, walkable, field, tile);
            if (!(Math.abs(length - lengths[tile]!) < 1e-3))
              assert.unreachable(`from ${tile} it is ${length}, not ${lengths[tile]}`);
          }
        }
        zone.step();
        settled = Math.min(settled + budget, wanted);
      }
      assert.is(settledTiles(zone, grid, field), wanted);
    });
  });
}

/** A tick of somebody who follows a field by the kernel's steering. */
function follow({ zone, call, memory, constant }: Beneath, id: number, field: number): boolean {
  const slot = zone.slot(id);
  const { x, y, halfSize, speed } = zone.columns;
  if (call["flowSteer"]!(BASE, field, x[slot]!, y[slot]!, halfSize[slot]!) === 0) return false;
  const dx = memory.getFloat32(BASE + constant("ZONE_FLOW_X"), true) - x[slot]!;
  const dy = memory.getFloat32(BASE + constant("ZONE_FLOW_Y"), true) - y[slot]!;
  const step = Math.max(Math.hypot(dx, dy), speed[slot]! / zone.tickRate);
  zone.move(id, dx / step, dy / step);
  return true;
}

test("boxes of all sizes from all places where they fit reach the goal's tile on 600 random grids, without ever being stuck", () => {
  let walked = 0;
  forSeeds(600, (seed) => {
    const random = new Random(seed);
    const grid = randomGrid(random, false);
    const rings = random.integer(0, 3);
    const walkable = eroded(grid, rings);
    const free = [...walkable.tiles.keys()].filter((tile) => walkable.tiles[tile] !== 1);
    if (free.length === 0) return;
    const goal = random.pick(free);
    // Half of them as large as their size may be.
    const halfSize =
      random.float() < 0.5 ? (rings + 0.5) * SIZE : Math.fround((Math.max(rings - 0.5, 0) + random.float() / 2) * SIZE);
    const under = beneath(() =>
      zoneOf(random.pick(kernels), grid, { flowFields: 1, flowBudget: 1e6, walkerHalfSize: halfSize }),
    );
    const { zone } = under;
    const field = zone.openField(pointsOf(grid, [goal]), { halfSize });
    zone.step();
    const lengths = distances(walkable, goal);
    for (let walker = 0; walker < 3; walker++) {
      let id = 0;
      for (let tries = 0; tries < 60 && id === 0; tries++) {
        // Against walls too.
        const snap = random.float() < 0.5 ? 0 : SIZE / 2;
        const near = (value: number) => (snap === 0 ? value : Math.round(value / snap) * snap + (halfSize % snap));
        try {
          const spec = { x: near(random.float() * zone.width), y: near(random.float() * zone.height), halfSize };
          id = zone.spawn({ ...spec, speed: random.pick([30, 120, 900, 5000]) });
        } catch {
          id = 0;
        }
      }
      if (id === 0) continue;
      const slot = zone.slot(id);
      const { x, y } = zone.columns;
      const tileOf = () => Math.floor(y[slot]! / SIZE) * grid.columns + Math.floor(x[slot]! / SIZE);
      const known = follow(under, id, field);
      // No way from its tile, and a box of less than its size's width may stand where no tile's centre has room for it.
      if (!known) {
        assert.ok(lengths[tileOf()] === Number.POSITIVE_INFINITY, `nothing is known at ${x[slot]}, ${y[slot]}`);
        zone.despawn(id);
        continue;
      }
      walked++;
      const ticks = 400 + (grid.tiles.length * SIZE * 2 * 60) / 30;
      const start = `${x[slot]}, ${y[slot]}`;
      let [lastX, lastY, still] = [-1, -1, 0];
      for (let tick = 0; tileOf() !== goal; tick++) {
        if (tick > ticks)
          assert.unreachable(`from ${start}, ${halfSize} wide, it is at ${x[slot]}, ${y[slot]} after ${tick} ticks`);
        if (!follow(under, id, field)) assert.unreachable(`it is lost at ${x[slot]}, ${y[slot]}`);
        zone.step();
        still = x[slot] === lastX && y[slot] === lastY ? still + 1 : 0;
        [lastX, lastY] = [x[slot]!, y[slot]!];
        if (still > 3) assert.unreachable(`from ${start}, ${halfSize} wide, it is stuck at ${x[slot]}, ${y[slot]}`);
      }
      zone.despawn(id);
    }
  });
  assert.ok(walked > 300, `${walked} walked`);
});

test.run();
