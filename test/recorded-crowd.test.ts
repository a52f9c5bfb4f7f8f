/**
 * A recorded crowd: 75 people who go through a bottleneck, 25 times a second, told to one who sees them all. How many bytes that takes is a
 * size, the same on every machine. Reads ../shared/data/traces, where there are some.
 */
import { existsSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadKernel } from "../src/kernel/load.js";
import { HASH_EVERY } from "../src/protocol/replica-spec.js";
import { Stage } from "./support/stage.js";

const TRACE = "../shared/data/traces/bottleneck_040_c_56_h.txt";
/** Metres that are added, so that all are positive; the zone's sides; 1 cm. */
const SHIFT = 4;
const SIZE = { width: 12, height: 12, tileSize: 1, stepsPerUnit: 100 };
const CAPACITY = 128;
/** Bits a person and frame, all included. */
const BITS_MAX = 9;

/** By frame, who is where: id, then x and y in metres. */
function framesOf(text: string): Map<number, [number, number]>[] {
  const frames: Map<number, [number, number]>[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || line.trim() === "") continue;
    const [id, frame, x, y] = line.trim().split(/\s+/).map(Number) as [number, number, number, number];
    frames[frame] ??= new Map();
    frames[frame]!.set(id, [x + SHIFT, y + SHIFT]);
  }
  return Array.from(frames, (frame) => frame ?? new Map());
}

/** Bits that each would take of values that are drawn from their own distribution, one by one. */
function entropy(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce((sum, n) => sum - (n / values.length) * Math.log2(n / values.length), 0);
}

/** As they come over a WebSocket: a head of 2 bytes, or 4. */
const onWire = ({ length }: Uint8Array): number => length + (length < 126 ? 2 : 4);

const hasTrace = existsSync(TRACE);
if (!hasTrace) console.log(`no ${TRACE}: the recorded crowd is skipped`);
const crowdTest = hasTrace ? test : test.skip; // a recording is data of its own, which the repository does not hold

crowdTest(
  "a recorded crowd at 1 cm and 25 Hz takes at most 9 bits a person and frame, all included, and each frame is exact",
  async () => {
    const stage = new Stage(await loadKernel(), { size: SIZE, capacity: CAPACITY, hashEvery: HASH_EVERY });
    stage.view.watch(0, 0, SIZE.width, SIZE.height);
    const frames = framesOf(readFileSync(TRACE, "utf8"));
    const [xs, ys] = [stage.world.column("x"), stage.world.column("y")];
    const slots = new Map<number, number>();
    const cm = (column: typeof xs, slot: number): number => Math.floor(column[slot]! * 100 + 0.5);
    /** By person, where it was and how far it went in the frame before; -1 in the first two. */
    const before = new Map<number, { x: number; y: number; dx: number; dy: number; age: number }>();
    const residuals: number[] = [];
    let [bytes, people] = [0, 0];
    frames.forEach((frame, number) => {
      for (const [id, slot] of slots) {
        if (frame.has(id)) continue;
        stage.world.despawn(slot);
        slots.delete(id);
        before.delete(id);
      }
      for (const [id, [x, y]] of frame) {
        let slot = slots.get(id);
        if (slot === undefined) {
          slot = id % CAPACITY;
          stage.world.spawn(slot, x, y);
          slots.set(id, slot);
        }
        [xs[slot], ys[slot]] = [x, y];
        const [nowX, nowY] = [cm(xs, slot), cm(ys, slot)];
        const was = before.get(id) ?? { x: nowX, y: nowY, dx: 0, dy: 0, age: 0 };
        const [dx, dy] = [nowX - was.x, nowY - was.y];
        if (was.age >= 2) residuals.push(dx - was.dx, dy - was.dy);
        before.set(id, { x: nowX, y: nowY, dx, dy, age: was.age + 1 });
      }
      bytes += onWire(stage.frame(number + 1));
      people += frame.size;
      const { byId } = stage.decoder.entities;
      assert.is(byId.size, frame.size, `frame ${number}`);
      for (const { id, x, y } of byId.values()) {
        const slot = id >>> 12;
        assert.equal([x, y], [cm(xs, slot) * (1 / 100), cm(ys, slot) * (1 / 100)], `frame ${number}, ${id}`);
      }
    });
    const bits = (8 * bytes) / people;
    const least = 2 * entropy(residuals);
    console.log(
      `${frames.length} frames of ${(people / frames.length).toFixed(1)} people: ${bits.toFixed(2)} bits a person and frame, ` +
        `${(bits / least).toFixed(2)} of the entropy of its residuals, ${least.toFixed(2)}`,
    );
    assert.ok(stage.decoder.hashChecks > 20 && stage.decoder.hashMisses === 0, `${stage.decoder.hashChecks} hashes`);
    assert.ok(bits <= BITS_MAX, `${bits} bits`);
  },
);

test.run();
