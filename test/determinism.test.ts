import { type Archetype, GyreError, type Kernel, loadKernel, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { BASE, beneath } from "./support/exports.js";
import { sealOf } from "./support/images.js";
import { allKernels, forSeeds, nameOf, populate, randomTiles, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();

/** Everything that a host can do to a zone, at random. */
function live(zone: Zone, random: Random, ids: number[], ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    for (let i = 0; i < 10; i++) zone.move(random.pick(ids), random.float() * 2 - 1, random.float() * 2 - 1);
    if (tick % 16 === 0) {
      const gone = random.integer(0, ids.length - 1);
      zone.despawn(ids[gone]!);
      ids.splice(gone, 1, ...populate(zone, random, 1, () => ({ halfSize: 4, speed: 150 })));
    }
    if (tick % 64 === 0) {
      zone.random();
      zone.nearestEnemies(100);
    }
    zone.step();
  }
}

function begin(kernel: Kernel, random: Random): { zone: Zone; ids: number[] } {
  const tiles = randomTiles(random, 50, 40, 0.15);
  const zone = kernel.createZone({ width: 1600, height: 1270, capacity: 400, tiles, seed: 99 });
  const ids = populate(zone, random, 300, (i) => ({
    team: i % 3,
    halfSize: random.float() * 14,
    speed: random.float() < 0.1 ? random.float() * 50_000 : random.float() * 300,
  }));
  return { zone, ids };
}

/** Of the world above after 10,000 ticks. A constant: every engine and every build must come to it. */
const HASH_AFTER_10000 = 0xa9139da830d53a5an;

test("10,000 ticks give one hash in simd, scalar, checked, release and shared builds, and it is the recorded one", async () => {
  const everyKernel = [
    ...kernels,
    await loadKernel({ shared: true }),
    await loadKernel({ build: "scalar", shared: true }),
  ];
  for (const kernel of everyKernel) {
    const random = new Random(2026);
    const { zone, ids } = begin(kernel, random);
    live(zone, random, ids, 10_000);
    zone.validate();
    assert.is(zone.hash().toString(16), HASH_AFTER_10000.toString(16), `${nameOf(kernel)}, shared ${kernel.shared}`);
  }
});

test("a saved zone goes on as the original does, in whatever build it is restored", () => {
  for (const kernel of kernels) {
    const random = new Random(7);
    const { zone, ids } = begin(kernel, random);
    live(zone, random, ids, 200);
    const image = zone.save();
    const other = kernels[(kernels.indexOf(kernel) + 1) % kernels.length]!.restoreZone(image);
    assert.is(other.hash(), zone.hash());
    assert.is(other.count, zone.count);
    assert.equal(other.save(), image);
    const out = new Uint32Array(400);
    assert.is(other.queryRadius(800, 600, 300, out), zone.queryRadius(800, 600, 300, out));
    const twin = [...ids];
    live(zone, new Random(8), ids, 200);
    live(other, new Random(8), twin, 200);
    assert.equal(twin, ids);
    assert.is(other.hash(), zone.hash(), nameOf(kernel));
  }
});

test("an image with any one of its bytes changed, cut short or made longer is refused", () => {
  const kernel = kernels[0]!;
  const zone = kernel.createZone({ width: 100, height: 70, capacity: 3, tiles: new Uint8Array(12) });
  zone.spawn({ x: 50, y: 50 });
  const image = zone.save();
  kernel.restoreZone(image);
  for (let at = 0; at < image.length; at++) {
    const damaged = image.slice();
    damaged[at]! ^= 0x41;
    refuses(at >= 4 && at < 8 ? "IMAGE_VERSION" : "IMAGE_BAD", () => kernel.restoreZone(damaged), /./);
  }
  for (const size of [0, 1, 31, 100, image.length - 1])
    refuses("IMAGE_BAD", () => kernel.restoreZone(image.slice(0, size)));
  const longer = new Uint8Array(image.length + 1);
  longer.set(image);
  refuses("IMAGE_BAD", () => kernel.restoreZone(longer));
  refuses("BAD_ARGUMENT", () => kernel.restoreZone("GYRZ" as never), /image is "GYRZ"/);
});

test("an image written into a shared buffer with a byte to spare is the one that save gives; one byte less takes none", () => {
  const { zone } = begin(kernels[0]!, new Random(3));
  const image = zone.save();
  assert.is(zone.imageSize, image.length);
  const room = new Uint8Array(new SharedArrayBuffer(image.length + 2), 1);
  assert.is(zone.saveInto(room), image.length);
  assert.equal(room.slice(0, image.length), image);
  assert.is(room[image.length], 0);
  const less = new Uint8Array(image.length - 1);
  assert.is(zone.saveInto(less), 0);
  assert.ok(less.every((byte) => byte === 0));
  refuses("BAD_ARGUMENT", () => zone.saveInto("out" as never), /out is "out"/);
});

test("a zone that loads its own image goes on as from there, in its memory, whatever was done to that meanwhile", () => {
  for (const kernel of kernels) {
    const random = new Random(17);
    const { zone, ids } = begin(kernel, random);
    live(zone, random, ids, 200);
    const image = zone.save();
    const { columns, events } = zone;
    const [then, hash] = [[...ids], zone.hash()];
    live(zone, new Random(18), ids, 100);
    const later = zone.hash();
    // What a kernel that ran wild would leave.
    columns.alive.fill(7);
    columns.x.fill(Number.NaN);
    zone.load(image);
    assert.is(zone.columns, columns);
    assert.is(zone.events, events);
    assert.is(zone.hash(), hash, nameOf(kernel));
    zone.validate();
    live(zone, new Random(18), then, 100);
    assert.is(zone.hash(), later, nameOf(kernel));
  }
});

test("a zone refuses damaged images, and those of zones with another capacity, column, tile or archetype, and is as before", () => {
  const kernel = kernels[0]!;
  const spec = { width: 128, height: 128, capacity: 4, tiles: new Uint8Array(16), columns: { ammo: "u16" as const } };
  const zone = kernel.createZone({ ...spec, archetypes: [{ hp: 3 }] });
  zone.spawn({ x: 50, y: 50 });
  const image = zone.save();
  zone.step();
  const hash = zone.hash();
  for (const other of [
    { capacity: 5 },
    { columns: { gold: "u16" as const } },
    { columns: { ammo: "i16" as const } },
    { tiles: new Uint8Array(16).fill(1, 3, 4) },
    { archetypes: [{ hp: 4 }] },
  ]) {
    const foreign = kernel.createZone({ ...spec, archetypes: [{ hp: 3 }], ...other });
    refuses("IMAGE_BAD", () => zone.load(foreign.save()), /another spec/);
  }
  for (let at = 0; at < image.length; at += 7) {
    const damaged = image.slice();
    damaged[at]! ^= 0x41;
    refuses(at >= 4 && at < 8 ? "IMAGE_VERSION" : "IMAGE_BAD", () => zone.load(damaged), /./);
  }
  refuses("IMAGE_BAD", () => zone.load(image.subarray(1)));
  assert.is(zone.hash(), hash);
  zone.load(image);
  assert.is(zone.tick, 0);
});

test("a tidy zone finds in the same order whether images are taken or not, over 40 seeds of spawns, despawns and places", () => {
  forSeeds(40, (seed) => {
    const kernel = kernels[seed % kernels.length]!;
    const found: string[] = [];
    for (const takesImages of [false, true]) {
      const random = new Random(seed);
      const { zone, ids } = begin(kernel, random);
      const out = new Uint32Array(400);
      let story = "";
      for (let tick = 0; tick < 12; tick++) {
        live(zone, random, ids, 1);
        for (let n = random.integer(0, 3); n > 0; n--) {
          zone.despawn(ids.splice(random.integer(0, ids.length - 1), 1)[0]!);
          ids.push(...populate(zone, random, 1, () => ({ team: n, halfSize: 4, speed: 150 })));
        }
        const isWritten = random.float() < 0.3;
        if (isWritten) zone.columns.team[zone.slot(random.pick(ids))] = 5;
        zone.tidy(isWritten);
        if (takesImages) zone.save();
        zone.queryRadius(800, 600, 400, out);
        story += `${out.join()};`;
      }
      found.push(story);
    }
    assert.is(found[0], found[1]);
  });
});

const MAN: Archetype = {
  hp: 30,
  attack: 5,
  reach: 20,
  respawn: 0.2,
  xp: 5,
  gold: 3,
  levelXp: 5,
  levelHp: 3,
  cleave: 3,
};
const WOLF: Archetype = {
  ...{ hp: 20, attack: 5, reach: 10, sight: 200, leash: 100, brain: "hunter", team: 1, speed: 160 },
  ...{ separation: 10, wander: 50, xp: 3, corpse: 0.3, levelXp: 10 },
};

/** A small world with something of everything, some ticks old. */
function lively(kernel: Kernel, random: Random): Zone {
  const tiled = random.integer(0, 2) !== 0;
  const side = tiled || random.integer(0, 1) === 0 ? 330 : 3_000_000;
  const zone = kernel.createZone({
    ...{ width: side, height: side, capacity: random.pick([1, 7, 13, 64]), tickRate: random.pick([10, 60]) },
    ...(tiled ? { tiles: randomTiles(random, 11, 11, 0.15) } : {}),
    ...{ archetypes: [MAN, WOLF], columns: { a: "u8", b: "f32" } },
    ...{ flowFields: 3, flowBudget: 20, pathRequests: 3, pathBudget: 5 },
  });
  const field = zone.openField([100, 100]);
  for (let i = 0; i < 40 && zone.count < zone.capacity; i++) {
    const [x, y] = [random.float() * 330, random.float() * 330];
    if (zone.blockedAt(x, y)) continue;
    const id = zone.spawn({ x, y, kind: random.integer(0, 2), halfSize: 0, speed: random.pick([0, 100, 1000]) });
    zone.move(id, random.integer(-1, 1), random.integer(-1, 1));
    zone.act(id, 1);
    if (random.integer(0, 1) === 0) zone.follow(id, field);
    if (random.integer(0, 3) === 0) zone.despawn(id);
  }
  for (const requester of [1, 2]) zone.paths.request(requester, 5, 5, 300, 30 * requester);
  zone.step(random.integer(0, 40));
  return zone;
}

/** Words that are no number, none of the usual size, or nearly right. */
const ODD = [0, 1, 2, 4, 16, 0x7fc00000, 0x7f800000, 0xff800000, 0xbf800000, 0x7f7fffff, 0x3f800000, 0xffffffff];

const LIES = 400 * EFFORT;

test(`an image that lies with the right checksum is refused, or is a zone as sound as any: ${LIES} seeds`, () => {
  const seal = sealOf(kernels[0]!);
  let refused = 0;
  forSeeds(LIES, (seed) => {
    const random = new Random(seed);
    const image = lively(random.pick(kernels), random).save();
    const view = new DataView(image.buffer);
    const start = 32 + view.getUint32(24, true);
    for (let damages = random.integer(1, 3); damages > 0; damages--) {
      const most = random.integer(0, 4) === 0 ? 192 : image.length - start;
      const at = start + 4 * random.integer(0, (most >> 2) - 1);
      if (random.integer(0, 2) === 0) view.setUint8(at + random.integer(0, 3), random.pick([0, 1, 2, 255]));
      else view.setUint32(at, random.pick([...ODD, random.next()]), true);
    }
    let zone: Zone;
    try {
      zone = random.pick(kernels).restoreZone(seal(image));
    } catch (error) {
      if (!(error instanceof GyreError) || error.code !== "IMAGE_BAD") throw error;
      refused++;
      return;
    }
    zone.step(5);
    populate(zone, random, zone.capacity - zone.count, () => ({ kind: 1, halfSize: 0 }));
    zone.step(20);
    zone.validate();
    const other = random.pick(kernels).restoreZone(zone.save());
    zone.step(20);
    other.step(20);
    assert.is(other.hash(), zone.hash());
    zone.validate();
  });
  assert.ok(refused > 0.5 * LIES && refused < 0.92 * LIES, `${refused} were refused`);
});

test("an image with other tiles a row, or with something left where nobody is, is refused", () => {
  const kernel = kernels[0]!;
  const seal = sealOf(kernel);
  const tiles = new Uint8Array(40).fill(1, 30);
  const { zone, memory, constant } = beneath(() =>
    kernel.createZone({ width: 320, height: 128, capacity: 5, tiles, archetypes: [MAN] }),
  );
  const [dead, gone] = [0, 1, 2].map((team) => zone.spawn({ x: 50, y: 50, team }));
  zone.harm(dead!, 1000);
  zone.despawn(gone!);
  const image = zone.save();
  kernel.restoreZone(image);
  const refused = (message: RegExp, ...words: [number, number][]) => {
    const lying = image.slice();
    const view = new DataView(lying.buffer);
    for (const [at, value] of words) view.setUint32(at, value, true);
    refuses("IMAGE_BAD", () => kernel.restoreZone(seal(lying)), message);
  };
  const header = (field: string) => 32 + constant(field);
  const stateStart = memory.getUint32(BASE + constant("ZONE_STATE_START"), true);
  const columns = zone.columns as unknown as Readonly<Record<string, Uint8Array>>;
  const column = (name: string, slot: number) => {
    const { byteOffset, BYTES_PER_ELEMENT } = columns[name]!;
    return 32 + 192 + byteOffset - stateStart + slot * BYTES_PER_ELEMENT;
  };
  // 20 x 2 tiles are as many as 10 x 4.
  refused(/spec/, [header("ZONE_TILES_X"), 20], [header("ZONE_TILES_Y"), 2]);
  refused(/spec/, [header("ZONE_WALKER_HALF_SIZE") + 4, 1]);
  for (const [name, slot] of [
    ["action", 0],
    ["xp", 1],
    ["faceY", 1],
    ["wishX", 3],
    ["xp", 4],
    // Behind the last slot, where a load of four lanes looks.
    ["wishX", 6],
  ] as const) {
    refused(/not sound/, [column(name, slot), 1]);
  }
});

test("a 64-bit hash tells apart what differs in one column of one entity", () => {
  const zone = kernels[0]!.createZone({ width: 100, height: 100, capacity: 2 });
  zone.spawn({ x: 50, y: 50 });
  const { columns } = zone;
  const seen = new Set([zone.hash()]);
  for (const [name, column] of Object.entries(columns)) {
    const before = column[0]!;
    column[0] = before + 1;
    assert.not(seen.has(zone.hash()), name);
    seen.add(zone.hash());
    column[0] = before;
  }
  assert.ok(seen.has(zone.hash()));
});

test.run();
