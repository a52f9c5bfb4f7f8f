/** Requests for paths: against findPath, a model of whose turn it is, and themselves after a restore. */
import { GyreError, type Kernel, loadKernel, type PathAnswer, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { BASE, beneath } from "./support/exports.js";
import { type Grid, randomGrid } from "./support/grids.js";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const SIZE = 32;

const kernels = await allKernels();
const every = [
  ...kernels,
  await loadKernel({ shared: true, checked: false }),
  await loadKernel({ shared: true, checked: true }),
  await loadKernel({ build: "scalar", shared: true, checked: false }),
  await loadKernel({ build: "scalar", shared: true, checked: true }),
];

const zoneOf = (kernel: Kernel, { columns, rows, tiles }: Grid, spec: object): Zone =>
  kernel.createZone({ width: columns * SIZE, height: rows * SIZE, capacity: 1, tileSize: SIZE, tiles, ...spec });

type Ends = [number, number, number, number];

const randomEnds = (random: Random, zone: Zone): Ends => [
  random.float() * zone.width,
  random.float() * zone.height,
  random.float() * zone.width,
  random.float() * zone.height,
];

interface Taken extends PathAnswer {
  tick: number;
  way: number[];
}

const room = new Float32Array(2 * 8192);

/** All answers that there are. */
function take(zone: Zone): Taken[] {
  const taken: Taken[] = [];
  const answer: PathAnswer = { ticket: 0, requester: 0, cost: 0, points: 0 };
  while (zone.paths.next(answer, room))
    taken.push({ ...answer, tick: zone.tick, way: [...room.subarray(0, 2 * answer.points)] });
  return taken;
}

/** Steps until nobody waits any more, taking answers as they come. */
function finish(zone: Zone): Taken[] {
  const taken = take(zone);
  for (let ticks = 0; zone.paths.count > 0; ticks++) {
    if (ticks > 1e6) assert.unreachable("some request is never answered");
    zone.step();
    taken.push(...take(zone));
  }
  return taken;
}

for (const kernel of kernels) {
  test(`${nameOf(kernel)}: on 150 random grids 40 requests of 5 sizes of boxes are answered as findPath does, one requester's in their order`, () => {
    forSeeds(kernel.checked ? 40 : 150, (seed) => {
      const random = new Random(seed);
      const grid = randomGrid(random);
      const spec = { pathRequests: 40, pathBudget: random.pick([1, 3, 10, 1000]), walkerHalfSize: 3.5 * SIZE };
      const zone = zoneOf(kernel, grid, spec);
      const asked = new Map<number, { requester: number; ends: Ends; halfSize: number }>();
      const taken: Taken[] = [];
      for (let i = 0; i < 40; i++) {
        const ends = randomEnds(random, zone);
        const requester = random.pick([0, 7, 2 ** 32 - 1]);
        const halfSize = random.pick([0, 16, 17, 50, 90]);
        const ticket = zone.paths.request(requester, ...ends, { halfSize });
        assert.ok(ticket > 0 && !asked.has(ticket));
        asked.set(ticket, { requester, ends, halfSize });
        if (random.float() < 0.5) zone.step();
        if (random.float() < 0.2) taken.push(...take(zone));
      }
      taken.push(...finish(zone));
      assert.is(taken.length, 40);
      const last = new Map<number, number>();
      const out = new Float32Array(2 * 8192);
      for (const { ticket, requester, cost, points, way } of taken) {
        const request = asked.get(ticket)!;
        assert.is(requester, request.requester);
        assert.ok(ticket > (last.get(requester) ?? 0), `${ticket} is answered after ${last.get(requester)}`);
        last.set(requester, ticket);
        assert.equal({ cost, points }, zone.findPath(...request.ends, out, { halfSize: request.halfSize }));
        assert.equal(way, [...out.subarray(0, 2 * points)]);
      }
    });
  });
}

test("requesters take turns: 300 random orders of requests are answered in the order of a model with rounds", () => {
  const grid: Grid = { columns: 12, rows: 12, tiles: new Uint8Array(144) };
  forSeeds(300, (seed) => {
    const random = new Random(seed);
    // One request a tick: each takes at least one of the budget, and each path of one tile no more.
    const zone = zoneOf(random.pick(kernels), grid, { pathRequests: 64, pathBudget: 1 });
    let round = 0;
    let waiting: { requester: number; round: number; ticket: number }[] = [];
    const expected: number[] = [];
    const taken: Taken[] = [];
    for (let tick = 0; tick < 100; tick++) {
      for (let i = random.integer(0, 3); i > 0 && tick < 60 && zone.paths.count < 60; i--) {
        const requester = random.float() < 0.6 ? 1 : random.integer(2, 9);
        const ticket = zone.paths.request(requester, 5, 5, -1, 5);
        const own = waiting.filter((other) => other.requester === requester).map((other) => other.round + 1);
        waiting.push({ requester, round: Math.max(round + 1, ...own), ticket });
      }
      const next = [...waiting].sort((a, b) => a.round - b.round || a.ticket - b.ticket)[0];
      if (next !== undefined) {
        round = next.round;
        expected.push(next.ticket);
        waiting = waiting.filter((other) => other !== next);
      }
      zone.step();
      if (random.float() < 0.5) taken.push(...take(zone));
    }
    taken.push(...finish(zone));
    assert.equal(
      taken.map(({ ticket }) => ticket),
      [...expected, ...waiting.sort((a, b) => a.round - b.round || a.ticket - b.ticket).map(({ ticket }) => ticket)],
    );
  });
});

test("one request among 1,000 of another's is answered after one of them, and who asks anew each time does not starve who waits", () => {
  const grid: Grid = { columns: 30, rows: 30, tiles: new Uint8Array(900) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid, { pathRequests: 1100, pathBudget: 1 });
    const far: Ends = [5, 5, 900, 700];
    // Checked builds look at the whole table in each step.
    const many = kernel.checked ? 100 : 1000;
    for (let i = 0; i < many; i++) assert.ok(zone.paths.request(1, ...far) > 0);
    const single = zone.paths.request(2, ...far);
    const taken = finish(zone);
    assert.is(
      taken.findIndex(({ ticket }) => ticket === single),
      1,
    );
    const [first, second] = [zone.paths.request(1, ...far), zone.paths.request(1, ...far)];
    const order: number[] = [];
    let greedy = zone.paths.request(3, ...far);
    for (let tick = 0; tick < 1000 && !order.includes(second); tick++) {
      zone.step();
      for (const { ticket, requester } of take(zone)) {
        order.push(ticket);
        if (requester === 3) greedy = zone.paths.request(3, ...far);
      }
    }
    assert.ok(greedy > 0);
    assert.is(order.indexOf(first), 0);
    assert.ok(order.indexOf(second) === 2 || order.indexOf(second) === 3, `${order.indexOf(second)}`);
  }
});

test("a tick expands no more nodes than the budget, all requests together, and all of it while somebody waits", () => {
  forSeeds(100, (seed) => {
    const random = new Random(seed);
    const grid: Grid = {
      columns: 40,
      rows: 40,
      tiles: Uint8Array.from({ length: 1600 }, () => +(random.float() < 0.3)),
    };
    const kernel = random.pick(kernels);
    const nodes = (budget: number): { ticks: number; most: number; expanded: number } => {
      const { zone, memory, constant } = beneath(() => zoneOf(kernel, grid, { pathRequests: 8, pathBudget: budget }));
      const ends = new Random(seed);
      for (let i = 0; i < 8; i++) zone.paths.request(i % 3, ...randomEnds(ends, zone));
      const table = memory.getUint32(BASE + constant("PATHS_REQUESTS"), true);
      const [at, stride, expandedAt] = ["REQUESTS_AT", "REQUEST_BYTES", "REQUEST_EXPANDED"].map(constant) as [
        number,
        number,
        number,
      ];
      const total = () => {
        let sum = 0;
        for (let i = 0; i < 8; i++) sum += memory.getUint32(table + at + i * stride + expandedAt, true);
        return sum;
      };
      let [ticks, most] = [0, 0];
      for (; memory.getUint32(table + constant("REQUESTS_WAITING"), true) > 0; ticks++) {
        const before = total();
        zone.step();
        most = Math.max(most, total() - before);
      }
      return { ticks, most, expanded: total() };
    };
    const budget = random.integer(2, 40);
    const one = nodes(1);
    const many = nodes(budget);
    assert.ok(one.most <= 1 && many.most <= budget, `${many.most} of ${budget}`);
    assert.is(many.expanded, one.expanded);
    assert.ok(
      many.ticks >= Math.ceil(many.expanded / budget) && many.ticks <= Math.ceil((many.expanded + 16) / budget) + 1,
    );
  });
});

test("a full table gives no ticket, changes nothing, and has room again when an answer has been taken", () => {
  const grid: Grid = { columns: 5, rows: 5, tiles: new Uint8Array(25) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid, { pathRequests: 3 });
    const tickets = [1, 2, 3].map((requester) => zone.paths.request(requester, 5, 5, 150, 150));
    assert.equal(tickets, [1, 2, 3]);
    const hash = zone.hash();
    assert.is(zone.paths.request(4, 5, 5, 150, 150), 0);
    assert.is(zone.hash(), hash);
    const figures = () => [zone.paths.count, zone.paths.capacity, zone.paths.highWater, zone.paths.refused];
    assert.equal(figures(), [3, 3, 3, 1]);
    zone.step();
    assert.is(zone.paths.request(4, 5, 5, 150, 150), 0);
    const answer: PathAnswer = { ticket: 0, requester: 0, cost: 0, points: 0 };
    assert.is(zone.paths.next(answer, new Float32Array(4)), true);
    assert.equal(answer, { ticket: 1, requester: 1, cost: 4 * Math.SQRT2, points: 5 });
    assert.equal(figures(), [2, 3, 3, 2]);
    assert.is(zone.paths.request(4, 5, 5, 150, 150), 4);
    const none = zoneOf(kernel, grid, {});
    assert.is(none.paths.request(1, 5, 5, 150, 150), 0);
    assert.is(none.paths.next(answer, new Float32Array(4)), false);
    assert.is(none.paths.count, 0);
  }
});

test("bad requests are refused with BAD_ARGUMENT and change nothing; a closed zone says ZONE_CLOSED", () => {
  const grid: Grid = { columns: 5, rows: 5, tiles: new Uint8Array(25) };
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid, { pathRequests: 2 });
    const hash = zone.hash();
    for (const requester of [-1, 2 ** 32, 1.5, "1"])
      refuses("BAD_ARGUMENT", () => zone.paths.request(requester as number, 1, 1, 1, 1), /requester/);
    refuses("BAD_ARGUMENT", () => zone.paths.request(1, Number.NaN, 1, 1, 1), /x0/);
    refuses("BAD_ARGUMENT", () => zone.paths.request(1, 1, 1, 1, Infinity), /y1/);
    refuses("BAD_ARGUMENT", () => zone.paths.request(1, 1, 1, 1, 1, { halfSize: 16.1 }), /halfSize/);
    const answer: PathAnswer = { ticket: 0, requester: 0, cost: 0, points: 0 };
    refuses("BAD_ARGUMENT", () => zone.paths.next(answer, [] as never), /out/);
    assert.is(zone.hash(), hash);
    refuses("BAD_ARGUMENT", () => zoneOf(kernel, grid, { pathRequests: 4097 }), /pathRequests/);
    zone.paths.request(2 ** 32 - 1, -1e300, 1, 1, 1, { halfSize: 16 });
    zone.step();
    assert.is(zone.paths.next(answer, new Float32Array(0)), true);
    assert.equal(answer, { ticket: 1, requester: 2 ** 32 - 1, cost: -1, points: 0 });
    const { paths } = zone;
    zone.close();
    for (const closed of [paths, zone.paths])
      if (closed !== paths) refuses("ZONE_CLOSED", () => closed.request(1, 1, 1, 1, 1));
    assert.is(zone.paths.count, 0);
  }
});

test("a way with more turns than an answer keeps is told whole", () => {
  // Walls across all but one column, at alternating ends: two turns a row.
  const grid: Grid = { columns: 9, rows: 301, tiles: new Uint8Array(9 * 301) };
  for (let row = 1; row < 301; row += 2) {
    for (let column = 0; column < 9; column++) grid.tiles[row * 9 + column] = +(column !== (row % 4 === 1 ? 8 : 0));
  }
  for (const kernel of kernels) {
    const zone = zoneOf(kernel, grid, { pathRequests: 2, pathBudget: 50 });
    const ends: Ends = [5, 5, 5, 301 * SIZE - 5];
    zone.paths.request(1, ...ends);
    zone.step(10);
    const restored = kernel.restoreZone(zone.save());
    for (const [{ cost, points, way }] of [finish(zone), finish(restored)] as [Taken][]) {
      const out = new Float32Array(2 * points);
      assert.equal({ cost, points }, zone.findPath(...ends, out));
      assert.ok(points > 1300);
      assert.equal(way, [...out]);
    }
  }
});

test("findPath in between disturbs no search: same answers in the same ticks, same hashes", () => {
  forSeeds(200, (seed) => {
    const random = new Random(seed);
    const grid = randomGrid(random);
    const spec = { pathRequests: 10, pathBudget: random.integer(1, 6), walkerHalfSize: 40 };
    const [calm, busy] = [random.pick(every), random.pick(every)].map((kernel) => zoneOf(kernel, grid, spec)) as [
      Zone,
      Zone,
    ];
    const out = new Float32Array(64);
    for (let tick = 0; tick < 60; tick++) {
      if (random.float() < 0.4) {
        const ends = randomEnds(random, calm);
        const requester = random.integer(0, 3);
        assert.is(busy.paths.request(requester, ...ends), calm.paths.request(requester, ...ends));
      }
      for (let i = random.integer(0, 2); i > 0; i--) busy.findPath(...randomEnds(random, calm), out, { halfSize: 40 });
      calm.step();
      busy.step();
      assert.is(busy.hash(), calm.hash(), `tick ${tick}`);
      if (random.float() < 0.2) assert.equal(take(busy), take(calm));
    }
    assert.equal(finish(busy), finish(calm));
  });
});

test("zones saved at random moments go on with equal answers and hashes, whichever of the 8 builds restores them", () => {
  forSeeds(50 * EFFORT, (seed) => {
    const random = new Random(seed);
    const grid = random.float() < 0.1 ? undefined : randomGrid(random);
    const spec = { pathRequests: 12, pathBudget: random.integer(1, 10), flowFields: 2, flowBudget: 7 };
    const make = (): Zone =>
      grid === undefined
        ? random.pick(every).createZone({ width: 500, height: 400, capacity: 1, ...spec })
        : zoneOf(random.pick(every), grid, spec);
    const zone = make();
    let twin = make();
    for (let tick = 0; tick < 60; tick++) {
      for (let i = random.integer(0, 2); i > 0; i--) {
        const ends = randomEnds(random, zone);
        const requester = random.integer(0, 3);
        assert.is(twin.paths.request(requester, ...ends), zone.paths.request(requester, ...ends));
      }
      zone.step();
      twin.step();
      if (random.float() < 0.3) {
        const image = twin.save();
        twin = random.pick(every).restoreZone(image);
        assert.equal(twin.save(), image);
      }
      assert.is(twin.hash(), zone.hash(), `tick ${tick}`);
      if (random.float() < 0.3) assert.equal(take(twin), take(zone));
    }
    assert.equal(finish(twin), finish(zone));
    assert.is(twin.hash(), zone.hash());
  });
});

test("an image with something left in the place of a request that nobody made is refused", () => {
  const [kernel] = kernels;
  const { zone, memory, constant } = beneath(() =>
    kernel!.createZone({ width: 100, height: 100, capacity: 1, pathRequests: 2 }),
  );
  const first = memory.getUint32(BASE + constant("PATHS_REQUESTS"), true) + constant("REQUESTS_AT");
  kernel!.restoreZone(zone.save());
  for (let at = 0; at < 2 * constant("REQUEST_BYTES"); at += 4) {
    memory.setUint32(first + at, 2, true);
    refuses("IMAGE_BAD", () => kernel!.restoreZone(zone.save()));
    memory.setUint32(first + at, 0, true);
  }
});

test("a damaged table of requests is refused with IMAGE_BAD, or harmless", () => {
  let refused = 0;
  forSeeds(500 * EFFORT, (seed) => {
    const random = new Random(seed);
    const grid: Grid = { columns: 6, rows: 5, tiles: new Uint8Array(30) };
    grid.tiles.fill(1, 12, 17);
    const kernel = random.pick(kernels);
    const { zone, memory, constant } = beneath(() => zoneOf(kernel, grid, { pathRequests: 3, pathBudget: 3 }));
    for (let i = 0; i < 3; i++) zone.paths.request(i, 5, 5, 5 + 30 * i, 155);
    zone.step(random.integer(0, 4));
    kernel.restoreZone(zone.save());
    const start = memory.getUint32(BASE + constant("PATHS_REQUESTS"), true);
    const end = memory.getUint32(BASE + constant("ZONE_STATE_END"), true);
    for (let damages = random.integer(1, 2); damages > 0; damages--) {
      const at = start + 4 * random.integer(0, (Math.min(end - start, 300) >> 2) - 1);
      memory.setUint32(
        at,
        random.pick([0, 1, 2, 3, 6, 29, 30, 65, 0x7ff80000, 0xbff00000, 0xffffffff, random.next()]),
        true,
      );
    }
    try {
      const restored = kernel.restoreZone(zone.save());
      restored.step(10);
      restored.validate();
      take(restored);
      restored.paths.request(1, 1, 1, 1, 1);
      restored.step(10);
    } catch (error) {
      if (!(error instanceof GyreError) || error.code !== "IMAGE_BAD") throw error;
      refused++;
    }
  });
  assert.ok(refused > 125 * EFFORT, `${refused} were refused`);
});

test.run();
