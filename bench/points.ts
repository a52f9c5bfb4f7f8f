/**
 * Where points and entities are. Each case has SETS sets and a turn takes the next one: a rebuilt index never sees the same
 * input twice in a row, so that no branch predictor learns it by heart.
 *
 * Coordinates are multiples of GRAIN. Differences up to 128 units, their squares and the sums of those are then exact in an f32,
 * so that f64 arithmetic gives JavaScript the same answers without Math.fround, which would cost it a factor of two.
 */
import type { Distribution, Params } from "./operation.js";

/** Units; the world is square. */
export const WORLD = 4096;
export const RADIUS = 64;
export const CELL = 64;
export const SETS = 8;
/** Entities of each zone of many. */
export const ZONE_ENTITIES = 200;
const GRAIN = 1 / 16;
const CLUSTERS = 64;
/** Units; standard deviation of a cluster. */
const CLUSTER_SPREAD = 96;

export interface PointSet {
  x: Float32Array;
  y: Float32Array;
}

/** Uniform in [0, 1), the same in every process; native/distance.c has its twin. G. Marsaglia, Xorshift RNGs, 2003. */
export function random(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

function place(distribution: Distribution, next: () => number, centers: Float64Array, index: number): [number, number] {
  switch (distribution) {
    case "uniform":
      return [next() * WORLD, next() * WORLD];
    case "one-cell":
      return [WORLD / 2 + next() * CELL, WORLD / 2 + next() * CELL];
    case "clustered": {
      const cluster = index % CLUSTERS;
      const distance = CLUSTER_SPREAD * Math.sqrt(-2 * Math.log(1 - next()));
      const angle = next() * 2 * Math.PI;
      return [
        centers[2 * cluster]! + distance * Math.cos(angle),
        centers[2 * cluster + 1]! + distance * Math.sin(angle),
      ];
    }
  }
}

function pointSet(distribution: Distribution, n: number, seed: number): PointSet {
  const next = random(seed);
  const centers = Float64Array.from({ length: 2 * CLUSTERS }, () => next() * WORLD);
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0; i < n; ) {
    const [px, py] = place(distribution, next, centers, i);
    if (px < 0 || px >= WORLD || py < 0 || py >= WORLD) continue;
    x[i] = Math.floor(px / GRAIN) * GRAIN;
    y[i] = Math.floor(py / GRAIN) * GRAIN;
    i++;
  }
  return { x, y };
}

export function pointSets({ n, distribution = "uniform" }: Params): PointSet[] {
  return Array.from({ length: SETS }, (_, index) => pointSet(distribution, n, 1000 * index + n));
}

/** Two teams at random. */
export function teams(n: number): Uint8Array {
  const next = random(77);
  return Uint8Array.from({ length: n }, () => (next() < 0.5 ? 0 : 1));
}
