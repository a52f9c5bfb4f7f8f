/** Flow fields against a plain Dijkstra, their table, their budget, and boxes that really walk along them. */
import { GyreError, type Kernel, loadKernel, type Zone, type ZoneEvent, type ZoneSpec } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { BASE, type Beneath, beneath } from "./support/exports.js";
import { distances, eroded, type Grid, mayStep, randomGrid } from "./support/grids.js";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const SIZE = 32;
const DX = [0, 1, 1, 0, -1, -1, -1, 0, 1, 0];
const DY = [0, 0, 1, 1, 1, 0, -1, -1, -1, 0];
const GOAL = 9;
const ARRIVAL = 7;

const kernels = await allKernels();

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

test("who follows a field reaches the goal's tile, also as wide as the gaps, at any speed and tick rate, and never goes further than its speed allows", () => {
  let walked = 0;
  forSeeds(300, (seed) => {
    const random = new Random(seed);
    const grid = randomGrid(random, false);
    const rings = random.pick([0, 0, 0, 1]);
    const walkable = eroded(grid, rings);
    const free = [...walkable.tiles.keys()].filter((tile) => walkable.tiles[tile] === 0);
    if (free.length === 0) return;
    const goal = random.pick(free);
    const halfSize = (rings + random.pick([0.25, 0.45, 0.5])) * SIZE;
    const tickRate = random.pick([10, 20, 60, 120]);
    const zone = zoneOf(random.pick(kernels), grid, { flowFields: 1, tickRate, walkerHalfSize: halfSize });
    const field = zone.openField(pointsOf(grid, [goal]), { halfSize });
    stepUntilReady(zone, field);
    const start = random.pick(free);
    if (directionAt(zone, grid, field, start) === 0) return;
    const speed = random.pick([20, 60, 120, 480, 3000]);
    const id = zone.spawn({ x: xOf(grid, start), y: yOf(grid, start), halfSize, speed });
    assert.is(zone.follow(id, field), true);
    const slot = zone.slot(id);
    const { x, y } = zone.columns;
    const tileOf = () => Math.floor(y[slot]! / SIZE) * grid.columns + Math.floor(x[slot]! / SIZE);
    const ticks = 100 + ((walk(zone, walkable, field, start) * SIZE * 3) / speed + 30) * tickRate;
    for (let tick = 0; tileOf() !== goal; tick++) {
      if (tick > ticks)
        assert.unreachable(`it is at ${x[slot]}, ${y[slot]} after ${tick} ticks, ${halfSize} wide, at speed ${speed}`);
      const [fromX, fromY] = [x[slot]!, y[slot]!];
      zone.step();
      const way = Math.hypot(x[slot]! - fromX, y[slot]! - fromY);
      if (way > (speed / tickRate) * 1.0001 + 1e-3) assert.unreachable(`it went ${way} in a tick at speed ${speed}`);
    }
    walked++;
    zone.validate();
  });
  assert.ok(walked > 100, `${walked} walked`);
});

test("ARRIVAL tells once a walk that one came to a goal's tile, and where it stood; not for a field that is closed; with tiles and without", () => {
  for (const kernel of kernels) {
    for (const tiles of [undefined, new Uint8Array(100)]) {
      const zone = kernel.createZone({ width: 320, height: 320, capacity: 40, tiles, flowFields: 2 } as ZoneSpec);
      const goals = [80, 80, 240, 240];
      const field = zone.openField(goals);
      const ids = Array.from({ length: 30 }, (_, i) => zone.spawn({ x: 20 + 9 * i, y: 300 - 9 * i, halfSize: 4 }));
      const lost = zone.spawn({ x: 160, y: 20 });
      const closed = zone.openField([1, 1]);
      for (const id of ids) zone.follow(id, field);
      zone.follow(lost, closed);
      zone.closeField(closed);
      const arrived: number[] = [];
      const event = {} as ZoneEvent;
      for (let tick = 0; tick < 600; tick++) {
        zone.step();
        while (zone.events.next(event)) {
          assert.equal([event.type, event.critical, event.source], [ARRIVAL, false, 0]);
          const tileOf = (at: number) => Math.floor(at / SIZE);
          assert.ok([80, 240].some((at) => tileOf(event.x) === tileOf(at) && tileOf(event.y) === tileOf(at)));
          arrived.push(event.target);
        }
      }
      assert.equal(arrived.sort(), ids.sort(), `${nameOf(kernel)}, ${tiles === undefined ? "no tiles" : "tiles"}`);
      // A new walk arrives anew.
      zone.follow(ids[7]!, field);
      zone.step(10);
      assert.is(zone.events.count, 1);
      zone.validate();
    }
  }
});

const open: Grid = { columns: 20, rows: 20, tiles: new Uint8Array(400) };

/** Requests a field as a hunter does. */
const request = ({ call }: Beneath, x: number, y: number, halfSize = 8, reach = 0): number =>
  call["flowRequest"]!(BASE, x, y, halfSize, reach) >>> 0;

test("equal requests share a field; tile, size of walkers and reach tell requests apart; the field that rested longest is evicted after half a second, and its handle is stale", () => {
  for (const kernel of kernels) {
    const under = beneath(() => zoneOf(kernel, open, { flowFields: 4, tickRate: 20, walkerHalfSize: 40 }));
    const { zone } = under;
    const first = request(under, 100, 100);
    assert.ok(first !== 0);
    assert.is(request(under, 127, 96.5, 16), first);
    const others = [request(under, 128, 100), request(under, 100, 100, 17), request(under, 100, 100, 8, 5)];
    assert.is(new Set([first, ...others, 0]).size, 5);
    zone.step(9);
    assert.is(zone.fieldDirection(first, 50, 112), 1);
    // All are in use: nobody has rested for half a second, 10 ticks.
    assert.is(request(under, 300, 300), 0);
    for (const [i, again] of [first, others[0], others[2]].entries())
      assert.is(request(under, [100, 128, 100][i]!, 100, 8, [0, 0, 5][i]!), again);
    zone.step();
    const hash = zone.hash();
    assert.is(request(under, 300, 300, 41), 0);
    assert.is(request(under, -1, 300), 0);
    assert.is(request(under, 300, 1e9), 0);
    assert.is(zone.hash(), hash);
    const next = request(under, 300, 300);
    assert.ok(next !== 0 && next !== others[1]);
    assert.is.not(zone.hash(), hash);
    assert.is(zone.fieldReady(others[1]!), false);
    assert.is(zone.fieldDirection(others[1]!, 50, 112), 0);
    assert.is(zone.fieldDirection(first, 50, 112), 1);
    assert.is(zone.fieldDirection(next, 300, 300), 0);
    zone.step();
    assert.is(zone.fieldDirection(next, 300, 300), GOAL);
    // What nobody opened cannot be closed.
    assert.is(zone.closeField(next), false);
    assert.is(zone.fieldDirection(next, 300, 300), GOAL);
  }
});

test("opened fields are never evicted: FIELDS_FULL when all are open, room again when one is closed, and a closed one's handle stays stale", () => {
  for (const kernel of kernels) {
    const under = beneath(() => zoneOf(kernel, open, { flowFields: 3, tickRate: 20 }));
    const { zone } = under;
    const requested = request(under, 500, 500);
    const fields = [zone.openField([100, 100]), zone.openField([100, 100]), zone.openField([200, 100])];
    assert.is(new Set(fields).size, 3);
    assert.is(zone.fieldDirection(requested, 500, 500), 0);
    zone.step(1000);
    assert.is(request(under, 500, 500), 0);
    const hash = zone.hash();
    refuses("FIELDS_FULL", () => zone.openField([1, 1]));
    assert.is(zone.hash(), hash);
    for (const field of fields) assert.is(zone.fieldReady(field), true);
    assert.is(zone.closeField(fields[1]!), true);
    assert.is(zone.closeField(fields[1]!), false);
    assert.is(zone.fieldReady(fields[1]!), false);
    const again = zone.openField([300, 300]);
    assert.is.not(again, fields[1]);
    assert.is(zone.fieldDirection(again, 300, 300), 0);
    assert.is(stepUntilReady(zone, again), 1);
    assert.is(zone.fieldDirection(fields[1]!, 300, 300), 0);
    for (const field of [0, 1, 255, 256, 2 ** 32 - 1, -1, 1.5, Number.NaN, again + 256, again - 256]) {
      assert.is(zone.fieldReady(field), false, `${field}`);
      assert.is(zone.closeField(field), false);
      assert.is(zone.fieldDirection(field, 1, 1), 0);
    }
    const none = kernel.createZone({ width: 100, height: 100, capacity: 1, tiles: new Uint8Array(16) });
    refuses("FIELDS_FULL", () => none.openField([1, 1]));
  }
});

test("bad goals and options are refused with BAD_ARGUMENT and change nothing, good ones are taken", () => {
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, open, { flowFields: 255, walkerHalfSize: 20 });
    const hash = zone.hash();
    for (const goals of [[], [1], [1, 2, 3], Array(34).fill(1), [1, Number.NaN], ["1", 1], [1, Infinity], null, 5, {}])
      refuses("BAD_ARGUMENT", () => zone.openField(goals as number[]), /goals/);
    for (const halfSize of [20.001, -1, Number.NaN, "8"])
      refuses("BAD_ARGUMENT", () => zone.openField([1, 1], { halfSize: halfSize as number }), /halfSize/);
    for (const reach of [0, -1, Number.NaN, Infinity])
      refuses("BAD_ARGUMENT", () => zone.openField([1, 1], { reach }), /reach/);
    refuses("BAD_ARGUMENT", () => zone.fieldDirection(1, Number.NaN, 1), /x/);
    assert.is(zone.hash(), hash);
    for (const goals of [[1, 1], Array(32).fill(1), new Float32Array([5, 5, 6, 6]), [-1e9, 1e300]])
      zone.openField(goals);
    zone.openField([1, 1], { halfSize: 20, reach: 1e-9 });
    zone.step();
    zone.validate();
    zone.close();
    refuses("ZONE_CLOSED", () => zone.openField([1, 1]));
    for (const spec of [
      { flowFields: 256 },
      { flowFields: -1 },
      { walkerHalfSize: 3.5 * SIZE + 1 },
      { walkerHalfSize: -1 },
    ])
      refuses("BAD_ARGUMENT", () => zoneOf(kernel, open, spec));
    zoneOf(kernel, open, { flowFields: 1, walkerHalfSize: 3.5 * SIZE }).validate();
  }
});

test("fields are computed one after the other in the order in which they were begun, also when the first is closed half way", () => {
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, open, { flowFields: 3, flowBudget: 100 });
    const [a, b, c] = [zone.openField([1, 1]), zone.openField([600, 1]), zone.openField([1, 600])] as const;
    zone.step(4);
    assert.equal(
      [a, b, c].map((field) => settledTiles(zone, open, field)),
      [400, 0, 0],
    );
    zone.step();
    assert.equal(
      [a, b, c].map((field) => zone.fieldReady(field)),
      [true, false, false],
    );
    assert.equal(
      [a, b, c].map((field) => settledTiles(zone, open, field)),
      [400, 100, 0],
    );
    zone.closeField(b);
    zone.step(2);
    assert.is(settledTiles(zone, open, c), 200);
    const d = zone.openField([600, 600]);
    assert.is(stepUntilReady(zone, d), 7);
    assert.is(settledTiles(zone, open, c), 400);
  }
});

test("a box too large to stand at the goal's centre is led to where it covers it; points outside and in walls lead nowhere", () => {
  const grid: Grid = { columns: 9, rows: 5, tiles: new Uint8Array(45) };
  grid.tiles[2 * 9 + 8] = 1;
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid, { flowFields: 4, walkerHalfSize: 80 });
    const corner = zone.openField([0, 0], { halfSize: 48 });
    const wall = zone.openField(pointsOf(grid, [2 * 9 + 8]));
    const outside = zone.openField([-5, 5, 5, 161]);
    zone.step();
    const row = (field: number, y: number) =>
      Array.from({ length: 9 }, (_, x) => zone.fieldDirection(field, centre(x), centre(y)));
    assert.equal(row(corner, 0), [0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(
      row(corner, 1),
      [0, 9, 5, 5, 5, 5, 0, 0, 0].map((code, x) => (x === 6 ? row(corner, 1)[6] : code)),
    );
    for (const field of [wall, outside]) {
      assert.is(zone.fieldReady(field), true);
      assert.is(settledTiles(zone, grid, field), 0);
    }
  }
});

test("without tiles a field is ready at once and leads straight to the nearest goal", () => {
  for (const kernel of kernels) {
    const under = beneath(() => kernel.createZone({ width: 1000, height: 1000, capacity: 1, flowFields: 1 }));
    const { zone, call, memory, constant } = under;
    assert.is(request(under, 10, 10), 0);
    const field = zone.openField([100.5, 100, 900, 500]);
    assert.is(zone.fieldReady(field), true);
    const at = (x: number, y: number) => zone.fieldDirection(field, x, y);
    assert.equal(
      [at(100, 100), at(50, 100), at(100, 300), at(500, 900), at(890, 700), at(999, 500), at(999, 300)],
      [9, 1, 7, 8, 8, 5, 4],
    );
    assert.equal([at(-1, 5), at(5, 1000)], [0, 0]);
    assert.is(call["flowSteer"]!(BASE, field, 300, 100, 8), 1);
    assert.equal(
      [
        memory.getFloat32(BASE + constant("ZONE_FLOW_X"), true),
        memory.getFloat32(BASE + constant("ZONE_FLOW_Y"), true),
      ],
      [100.5, 100],
    );
    const other = kernel.restoreZone(zone.save());
    assert.is(other.hash(), zone.hash());
    assert.is(other.fieldDirection(field, 50, 100), 1);
    assert.is(other.closeField(field), true);
    assert.is(zone.closeField(field), true);
    assert.is(other.hash(), zone.hash());
  }
});

test(`a zone saved at any moment of ${50 * EFFORT} random lives goes on with equal fields and equal hashes in every build`, async () => {
  const every = [...kernels, await loadKernel({ shared: true }), await loadKernel({ build: "scalar", shared: true })];
  every.push(
    await loadKernel({ shared: true, checked: true }),
    await loadKernel({ build: "scalar", shared: true, checked: true }),
  );
  forSeeds(50 * EFFORT, (seed) => {
    const random = new Random(seed);
    const grid = randomGrid(random);
    const spec = {
      flowFields: random.integer(1, 5),
      flowBudget: random.integer(1, 100),
      tickRate: 10,
      walkerHalfSize: 40,
    };
    let under = beneath(() => zoneOf(random.pick(every), grid, spec));
    let twin = beneath(() => zoneOf(random.pick(every), grid, spec));
    const handles: number[] = [];
    for (let tick = 0; tick < 40; tick++) {
      const [x, y] = [random.float() * under.zone.width, random.float() * under.zone.height];
      const halfSize = random.pick([0, 8, 20, 40]);
      const reach = random.integer(0, 12);
      const roll = random.float();
      const closed = handles.length > 0 ? random.pick(handles) : 0;
      const live = (life: Beneath): number | boolean | string => {
        if (roll < 0.4) return request(life, x, y, halfSize, reach);
        if (roll < 0.5) return life.zone.closeField(closed);
        if (roll > 0.7) return 0;
        try {
          return life.zone.openField([x, y, y, x], reach > 0 ? { halfSize, reach } : { halfSize });
        } catch (error) {
          return (error as Error).message;
        }
      };
      const result = live(under);
      assert.is(live(twin), result);
      if (typeof result === "number" && result !== 0) handles.push(result);
      under.zone.step();
      twin.zone.step();
      if (random.float() < 0.3) {
        const image = twin.zone.save();
        twin = beneath(() => random.pick(every).restoreZone(image));
        assert.equal(twin.zone.save(), image);
      }
      if (random.float() < 0.1) [under, twin] = [twin, under];
      assert.is(twin.zone.hash(), under.zone.hash());
      for (const handle of handles) {
        assert.is(twin.zone.fieldReady(handle), under.zone.fieldReady(handle));
        for (const tile of grid.tiles.keys()) {
          const direction = directionAt(under.zone, grid, handle, tile);
          if (directionAt(twin.zone, grid, handle, tile) !== direction)
            assert.unreachable(
              `tick ${tick}, field ${handle}, tile ${tile}: ${directionAt(twin.zone, grid, handle, tile)}, not ${direction}`,
            );
        }
      }
    }
  });
});

test("a damaged table of fields is refused with IMAGE_BAD, or harmless", () => {
  let refused = 0;
  forSeeds(400 * EFFORT, (seed) => {
    const random = new Random(seed);
    const grid: Grid = { columns: 6, rows: 5, tiles: new Uint8Array(30) };
    const kernel = random.pick(kernels);
    const under = beneath(() => zoneOf(kernel, grid, { flowFields: 2, flowBudget: 9, pathRequests: 2 }));
    const { zone, memory, constant } = under;
    request(under, 50, 50);
    zone.openField([100, 100, 20, 20], { reach: 3 });
    zone.step(random.integer(0, 6));
    kernel.restoreZone(zone.save());
    const start = memory.getUint32(BASE + constant("PATHS_FIELDS"), true);
    const end = memory.getUint32(BASE + constant("ZONE_STATE_END"), true);
    for (let damages = random.integer(1, 2); damages > 0; damages--) {
      const at = start + 4 * random.integer(0, (Math.min(end - start, 400) >> 2) - 1);
      memory.setUint32(at, random.pick([0, 1, 2, 17, 30, 31, 0x7fc00000, 0x7f800000, 0xffffffff, random.next()]), true);
    }
    // Checked builds assert what they are made to save.
    const image = zone.save();
    try {
      const restored = kernel.restoreZone(image);
      restored.step(10);
      restored.validate();
      for (const tile of grid.tiles.keys()) directionAt(restored, grid, 257, tile);
    } catch (error) {
      if (!(error instanceof GyreError) || error.code !== "IMAGE_BAD") throw error;
      refused++;
    }
  });
  assert.ok(refused > 40 * EFFORT, `${refused} were refused`);
});

test.run();
