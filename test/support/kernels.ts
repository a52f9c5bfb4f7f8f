/** The kernel's builds, a seeded world, and what a test of the kernel refuses. */
import { GyreError, type Kernel, loadKernel, type Zone, type ZoneSpec } from "gyre/kernel";
import type { Random } from "./random.js";
import { refuser } from "./refuses.js";

/** simd and scalar, release and checked. */
export async function allKernels(): Promise<Kernel[]> {
  const kernels: Kernel[] = [];
  for (const build of ["simd", "scalar"] as const) {
    for (const checked of [false, true]) kernels.push(await loadKernel({ build, checked }));
  }
  return kernels;
}

export const nameOf = (kernel: Kernel): string => `${kernel.build} ${kernel.checked ? "checked" : "release"}`;

/** For tests of what the package exports. */
export const refuses = refuser(GyreError);

/** Runs a property for seeds 1 to count; a failure names its seed. */
export function forSeeds(count: number, property: (seed: number) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      property(seed);
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
}

/** Tiles of which about the given share is blocked. */
export function randomTiles(random: Random, columns: number, rows: number, share: number): Uint8Array {
  return Uint8Array.from({ length: columns * rows }, () => (random.float() < share ? 1 : 0));
}

/** The slow truth about boxes and tiles, in f64 over plain bytes. */
export class Oracle {
  readonly #spec: ZoneSpec;
  readonly #size: number;
  readonly #columns: number;

  constructor(spec: ZoneSpec) {
    this.#spec = spec;
    this.#size = spec.tileSize ?? 32;
    this.#columns = Math.ceil(spec.width / this.#size);
  }

  tileBlocked(column: number, row: number): boolean {
    const { width, height, tiles } = this.#spec;
    if (column < 0 || row < 0 || column * this.#size >= width || row * this.#size >= height) return true;
    return tiles !== undefined && tiles[row * this.#columns + column] !== 0;
  }

  boxInside(x: number, y: number, h: number): boolean {
    return x - h >= 0 && y - h >= 0 && x + h <= this.#spec.width && y + h <= this.#spec.height;
  }

  /** A box covers [low, high) and at least the tile of its low edge. */
  span(low: number, high: number): [number, number] {
    const first = Math.floor(low / this.#size);
    return [first, Math.max(first, Math.ceil(high / this.#size) - 1)];
  }

  boxBlocked(x: number, y: number, h: number): boolean {
    const [c0, c1] = this.span(x - h, x + h);
    const [r0, r1] = this.span(y - h, y + h);
    for (let row = r0; row <= r1; row++) {
      for (let column = c0; column <= c1; column++) if (this.tileBlocked(column, row)) return true;
    }
    return false;
  }
}

/** Spawns up to `count` entities at random places where they fit; ids in order of spawning. */
export function populate(zone: Zone, random: Random, count: number, spec: (index: number) => object): number[] {
  const ids: number[] = [];
  for (let tries = 0; tries < count * 20 && ids.length < count; tries++) {
    try {
      ids.push(zone.spawn({ x: random.float() * zone.width, y: random.float() * zone.height, ...spec(ids.length) }));
    } catch (error) {
      if (!(error instanceof GyreError) || !["BLOCKED", "OUT_OF_BOUNDS"].includes(error.code)) throw error;
    }
  }
  return ids;
}
