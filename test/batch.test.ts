import { test } from "uvu";
import * as assert from "uvu/assert";
import { allKernels, forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const kernels = await allKernels();
const { fround } = Math;
/** Full turns of four groups, full groups, and tails of one to three. */
const COUNTS = [0, 1, 2, 3, 4, 5, 15, 16, 17, 48, 49, 63, 64, 67, 130, 257];

function squared(x: number, y: number, cx: number, cy: number): number {
  const dx = fround(x - cx);
  const dy = fround(y - cy);
  return fround(fround(dx * dx) + fround(dy * dy));
}

test("distances, hits and the nearest equal a plain loop in f32, over 60 seeds and every kind of tail", () => {
  for (const kernel of kernels) {
    forSeeds(60, (seed) => {
      const random = new Random(seed);
      const count = random.pick(COUNTS);
      const batch = kernel.createBatch(257);
      // Few different coordinates make ties.
      const grain = random.pick([1, 8, 0.001]);
      for (let i = 0; i < 257; i++) {
        batch.x[i] = random.integer(-20, 20) * grain;
        batch.y[i] = random.integer(-20, 20) * grain;
      }
      const cx = fround(random.integer(-25, 25) * grain);
      const cy = fround(random.float() * 9);
      const radius = fround(random.float() * 20 * grain);
      const all = Array.from({ length: count }, (_, i) => squared(batch.x[i]!, batch.y[i]!, cx, cy));
      const what = `${nameOf(kernel)}, ${count} points`;
      assert.equal([...batch.distanceSquared(cx, cy, count).subarray(0, count)], all, what);
      const inside = all.flatMap((d, i) => (d <= fround(radius * radius) ? [i] : []));
      assert.is(batch.withinRadius(cx, cy, radius, count), inside.length, what);
      assert.equal([...batch.hits.subarray(0, inside.length)], inside, what);
      assert.is(batch.nearest(cx, cy, count), count === 0 ? -1 : all.indexOf(Math.min(...all)), what);
    });
  }
});

test("distanceSquared gives the same view each call", () => {
  const batch = kernels[0]!.createBatch(8);
  assert.is(batch.distanceSquared(0, 0, 8), batch.distanceSquared(1, 1, 4));
});

test("points infinitely far are nearest only when there are no others", () => {
  for (const kernel of kernels) {
    const batch = kernel.createBatch(6);
    batch.x.fill(Number.POSITIVE_INFINITY);
    assert.is(batch.nearest(0, 0, 6), 0);
    batch.x[4] = 1e18;
    assert.is(batch.nearest(0, 0, 6), 4);
  }
});

test("refuses counts beyond the capacity and radii that are none", () => {
  const batch = kernels[0]!.createBatch(4);
  batch.withinRadius(0, 0, 0, 4);
  refuses("BAD_ARGUMENT", () => batch.distanceSquared(0, 0, 5), /count is 5/);
  refuses("BAD_ARGUMENT", () => batch.nearest(0, 0, -1), /count is -1/);
  refuses("BAD_ARGUMENT", () => batch.withinRadius(0, 0, -1, 4), /radius is -1/);
  refuses("BAD_ARGUMENT", () => batch.distanceSquared(Number.NaN, 0, 4), /cx is NaN/);
  refuses("BAD_ARGUMENT", () => batch.nearest(0, undefined as never, 4), /cy is undefined/);
  refuses("BAD_ARGUMENT", () => batch.withinRadius(0, 0, Number.NaN, 4), /radius is NaN/);
  refuses("BAD_ARGUMENT", () => kernels[0]!.createBatch(0), /capacity is 0/);
  refuses("BAD_ARGUMENT", () => kernels[0]!.createBatch(2 ** 26 + 1), /capacity is/);
});

test.run();
