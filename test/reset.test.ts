/** Zones that begin anew are what new ones are, in all that anybody can ask of them. */
import { type Archetype, type Kernel, loadKernel, type Zone, type ZoneEvent, type ZoneSpec } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, forSeeds, nameOf, randomTiles, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = [...(await allKernels()), await loadKernel({ shared: true, checked: true })];
const SEEDS = 400;

const MAN: Archetype = { hp: 30, attack: 5, reach: 20, respawn: 0.2, xp: 5, gold: 3, levelXp: 5, levelHp: 3 };
const WOLF: Archetype = {
  ...{ hp: 20, attack: 5, reach: 10, sight: 200, leash: 100, brain: "hunter", team: 1, speed: 160 },
  ...{ separation: 10, wander: 50, xp: 3, corpse: 0.3 },
};

function specOf(random: Random): ZoneSpec {
  const isTiled = random.integer(0, 2) !== 0;
  const side = isTiled || random.integer(0, 1) === 0 ? 330 : 3_000_000;
  return {
    ...{ width: side, height: side, capacity: random.pick([1, 7, 13, 64, 200]), tickRate: random.pick([10, 60]) },
    ...(isTiled ? { tiles: randomTiles(random, 11, 11, 0.15), walkerHalfSize: random.pick([0, 16, 40]) } : {}),
    ...{ archetypes: [MAN, WOLF], columns: { a: "u8", b: "f32" }, listCapacity: random.pick([0, 3000]) },
    ...{ flowFields: random.integer(0, 3), flowBudget: random.integer(1, 40) },
    ...{ pathRequests: random.integer(0, 3), pathBudget: random.integer(1, 9) },
    ...{ eventCapacity: random.pick([2, 64]), eventPolicy: random.pick(["refuse", "drop-low", "drop-oldest"]) },
  };
}

/** What a host does to a zone, and all that it is told, as text. */
function live(zone: Zone, random: Random, ticks: number): string[] {
  const said: string[] = [];
  const out = new Uint32Array(zone.capacity);
  const way = new Float32Array(64);
  const event = { type: 0 } as ZoneEvent;
  const answer = { ticket: 0, requester: 0, cost: 0, points: 0 };
  const [width, height] = [Math.min(zone.width, 330), Math.min(zone.height, 330)];
  let field = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const [x, y] = [random.float() * width, random.float() * height];
    if (!zone.blockedAt(x, y) && zone.count < zone.capacity) {
      const id = zone.spawn({ x, y, kind: random.integer(0, 2), halfSize: 0, speed: random.pick([0, 100, 1000]) });
      zone.move(id, random.integer(-1, 1), random.integer(-1, 1));
      zone.act(id, 1);
      if (field !== 0 && random.integer(0, 1) === 0) zone.follow(id, field);
      zone.own["b"]![zone.slot(id)] = random.float();
      said.push(`${id}`);
    }
    if (random.integer(0, 5) === 0) zone.despawn(out[0]!);
    if (zone.paths.capacity > 0) zone.paths.request(1, x, y, 300, 30);
    try {
      if (random.integer(0, 9) === 0) field = zone.openField([x, y]);
    } catch {
      zone.closeField(field);
    }
    zone.step();
    while (zone.paths.next(answer, way)) said.push(JSON.stringify(answer));
    while (zone.events.next(event)) said.push(JSON.stringify(event));
    said.push(`lost ${zone.events.takeLost()}, found ${zone.queryRadius(x, y, 200, out)}, ${out.subarray(0, 4)}`);
    if (tick % 8 === 0) said.push(zone.nearestEnemies(100).join(), zone.neighbourCounts(50).join());
    said.push(`${zone.fieldDirection(field, x, y)} ${zone.random()} ${zone.tick}`);
  }
  return said;
}

/** The same in every part, and after all that comes. */
function checkTwins(used: Zone, fresh: Zone, seed: number): void {
  assert.is(used.hash(), fresh.hash());
  assert.equal(used.digests(), fresh.digests());
  assert.equal(used.save(), fresh.save());
  assert.equal(
    [used.count, used.highWater, used.tick, used.events.count],
    [fresh.count, fresh.highWater, fresh.tick, fresh.events.count],
  );
  assert.equal(live(used, new Random(seed), 60), live(fresh, new Random(seed), 60));
  assert.equal(used.digests(), fresh.digests());
  assert.is(used.hash(), fresh.hash());
  used.validate();
}

test(`a zone that is reset is one that was made with that seed, whatever was in it: ${SEEDS} seeds, every build`, () => {
  forSeeds(SEEDS, (seed) => {
    const random = new Random(seed);
    const kernel = random.pick(kernels);
    const spec = specOf(random);
    const used = kernel.createZone({ ...spec, seed: 1 });
    for (let life = 0; life < 2; life++) {
      live(used, random, random.integer(0, 80));
      // Where nobody ever was, and what a save leaves behind, counts as little.
      if (random.integer(0, 1) === 0) used.own["a"]!.fill(7);
      const next = random.pick([0, -1, 7, 2 ** 53 - 1, -(2 ** 53 - 1)]);
      used.reset(next);
      checkTwins(used, random.pick(kernels).createZone({ ...spec, seed: next }), seed);
    }
    used.close();
  });
});

test("a reset begins at its tick, and keeps what waits among commands", () => {
  for (const kernel of kernels) {
    const zone = small(kernel);
    zone.step(30);
    zone.commands.push(1, 2, 3, 4, 5, 6);
    zone.reset(9, 1000);
    assert.is(zone.tick, 1000, nameOf(kernel));
    assert.is(zone.count, 0);
    assert.is(zone.commands.count, 1);
    const command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };
    assert.ok(zone.commands.next(command));
    assert.equal(command, { type: 1, action: 2, seat: 3, seq: 4, dx: 5, dy: 6 });
    const other = kernel.createZone({ width: 100, height: 100, capacity: 4, seed: 9 });
    other.skip(1000);
    assert.is(zone.hash(), other.hash());
    zone.reset(9, 2 ** 32 - 1);
    assert.is(zone.tick, 2 ** 32 - 1);
  }
});

test("a reset with a seed or a tick that is none is refused, and changes nothing", () => {
  for (const kernel of kernels) {
    const zone = small(kernel);
    const before = zone.hash();
    for (const seed of [0.5, Number.NaN, 2 ** 53, "1"])
      refuses("BAD_ARGUMENT", () => zone.reset(seed as number), /seed/);
    for (const tick of [-1, 0.5, 2 ** 32]) refuses("BAD_ARGUMENT", () => zone.reset(1, tick), /tick/);
    assert.is(zone.hash(), before);
    zone.close();
    refuses("ZONE_CLOSED", () => zone.reset(1), /closed/);
  }
});

function small(kernel: Kernel): Zone {
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 4 });
  zone.spawn({ x: 50, y: 50 });
  return zone;
}

test.run();
