/** The kernel as the benches call it: the installed package by its own name, nothing but its public API. */
import type { Kernel, Zone } from "../src/kernel.js";
import { CELL, type PointSet, WORLD } from "./points.js";

/** Hidden from the bundler and from the compiler, since the package is built after neither. */
const KERNEL: string = "gyre/kernel";

/** shared: for zones that other threads attach to. */
export async function kernelOf(build: "simd" | "scalar", shared = false): Promise<Kernel> {
  const { loadKernel } = (await import(KERNEL)) as typeof import("../src/kernel.js");
  return loadKernel({ build, shared, checked: false });
}

/** The slot in an entity id; 0 (no entity) gives none. */
export function slotOf(id: number): number {
  return id === 0 ? -1 : id >>> 12;
}

/** A zone without walls in which point i is the entity of slot i, at rest. */
export async function zoneOfPoints(
  build: "simd" | "scalar",
  points: PointSet,
  team: Uint8Array | undefined,
  listCapacity: number,
): Promise<Zone> {
  const kernel = await kernelOf(build);
  const n = points.x.length;
  const zone = kernel.createZone({ width: WORLD, height: WORLD, capacity: n, cellSize: CELL, listCapacity });
  for (let i = 0; i < n; i++) {
    const id = zone.spawn({ x: points.x[i]!, y: points.y[i]!, halfSize: 0, speed: 0, team: team?.[i] ?? 0 });
    if (slotOf(id) !== i) throw new Error(`entity ${i} got slot ${slotOf(id)}`);
  }
  return zone;
}

/** Moves the zone's entities to a set of points. The next step sorts them into the grid. */
export function placeAll(zone: Zone, points: PointSet): void {
  zone.columns.x.set(points.x);
  zone.columns.y.set(points.y);
}
