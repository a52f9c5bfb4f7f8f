/**
 * How fast are squared distances from one point to many, in cache and out of it? A plain loop: what is left when everything
 * else about a simulation is taken away. The points stay, the center rotates; there is no branch to learn.
 *
 * JavaScript, ns per element at 16,384: one at a time 0.82 to 0.93; four at a time 0.76; with Math.fround around each operation 1.85,
 * unrolled or not; interleaved x and y, arrays as arguments or as views of one buffer: the same. Coordinates are multiples
 * of 1/2 below 1,024, exact in any arithmetic, so that the version without Math.fround may stand for JavaScript.
 */
import { kernelOf } from "./gyre.js";
import { type Contenders, hashFloats, type Operation, type Params } from "./operation.js";
import { random } from "./points.js";

const CENTERS = 8;
const SEED = 9;

/** Twin of fill() in native/distance.c. */
function fill(x: Float32Array, y: Float32Array): void {
  const next = random(SEED);
  for (let i = 0; i < x.length; i++) {
    x[i] = Math.floor(next() * 2048) / 2;
    y[i] = Math.floor(next() * 2048) / 2;
  }
}

function distances(x: Float32Array, y: Float32Array, out: Float32Array, cx: number, cy: number): void {
  const whole = out.length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    const ax = x[i]! - cx;
    const ay = y[i]! - cy;
    const bx = x[i + 1]! - cx;
    const by = y[i + 1]! - cy;
    const dx = x[i + 2]! - cx;
    const dy = y[i + 2]! - cy;
    const ex = x[i + 3]! - cx;
    const ey = y[i + 3]! - cy;
    out[i] = ax * ax + ay * ay;
    out[i + 1] = bx * bx + by * by;
    out[i + 2] = dx * dx + dy * dy;
    out[i + 3] = ex * ex + ey * ey;
  }
  for (; i < out.length; i++) {
    const dx = x[i]! - cx;
    const dy = y[i]! - cy;
    out[i] = dx * dx + dy * dy;
  }
}

/** `measure` fills and returns the squared distances from (cx, cy). */
function operation(measure: (cx: number, cy: number) => Float32Array, n: number): Operation {
  let center = 0;
  let out: Float32Array = new Float32Array(n);
  return {
    prepare(turn) {
      center = turn % CENTERS;
    },
    run() {
      out = measure(center * 100, 700 - center * 90);
    },
    checksum: () => hashFloats(out, n),
  };
}

function js({ n }: Params): Operation {
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  const out = new Float32Array(n);
  fill(x, y);
  return operation((cx, cy) => {
    distances(x, y, out, cx, cy);
    return out;
  }, n);
}

async function gyre(build: "simd" | "scalar", { n }: Params): Promise<Operation> {
  const batch = (await kernelOf(build)).createBatch(n);
  fill(batch.x, batch.y);
  return operation((cx, cy) => batch.distanceSquared(cx, cy, n), n);
}

export const distanceContenders: Contenders = {
  simd: (params) => gyre("simd", params),
  scalar: (params) => gyre("scalar", params),
  js,
};
