import { type Kernel, loadKernel, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, nameOf, populate, randomTiles, refuses } from "./support/kernels.js";
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
