/** A batch of plain points in a memory of its own. */
import { finite, integer, length } from "./check.js";
import type { KernelFactory } from "./instance.js";
import type { Batch } from "./types.js";

export function createBatch(factory: KernelFactory, wanted: number): Batch {
  const { BASE, BATCH_CAPACITY_MAX, BATCH_X, BATCH_Y, BATCH_DISTANCES, BATCH_HITS } = factory.constants;
  const capacity = integer("capacity", wanted, 1, BATCH_CAPACITY_MAX);
  const instance = factory.create(({ functions }) => functions.batchLayout(BASE, capacity));
  const { buffer, functions } = instance;
  functions.batchInit(BASE);
  const distances = new Float32Array(buffer, instance.u32(BASE + BATCH_DISTANCES), capacity);
  return {
    capacity,
    x: new Float32Array(buffer, instance.u32(BASE + BATCH_X), capacity),
    y: new Float32Array(buffer, instance.u32(BASE + BATCH_Y), capacity),
    hits: new Uint32Array(buffer, instance.u32(BASE + BATCH_HITS), capacity),
    distanceSquared(cx, cy, count) {
      functions.batchDistances(BASE, finite("cx", cx), finite("cy", cy), integer("count", count, 0, capacity));
      return distances;
    },
    withinRadius(cx, cy, radius, count) {
      return functions.batchWithin(
        BASE,
        finite("cx", cx),
        finite("cy", cy),
        length("radius", radius),
        integer("count", count, 0, capacity),
      );
    },
    nearest(cx, cy, count) {
      return functions.batchNearest(BASE, finite("cx", cx), finite("cy", cy), integer("count", count, 0, capacity));
    },
  };
}
