/** How a simulated player moves: in one of 16 directions for a while, with pauses, striking now and then. The same for the same seed. */

/** Directions, and standing still as the last. */
export const WAYS = 17;
const STILL = WAYS - 1;

/** Of a thousand inputs: how many turn, of those how many stand still, and how many strike. */
const TURNS = 120;
const PAUSES = 250;
const STRIKES = 80;

/** By way, as numbers. */
export const WAY_X: readonly number[] = Array.from({ length: WAYS }, (_, way) => component(way, Math.cos));
export const WAY_Y: readonly number[] = Array.from({ length: WAYS }, (_, way) => component(way, Math.sin));

function component(way: number, of: (angle: number) => number): number {
  return way === STILL ? 0 : Number(of((2 * Math.PI * way) / STILL).toFixed(4));
}

export class Walker {
  way: number;
  strikes = false;
  #state: number;

  /** Of this seed, the player with this number. */
  constructor(seed: number, index: number) {
    this.#state = mixed(Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) | 1;
    this.way = this.#random(STILL);
  }

  /** The next input. */
  step(): void {
    if (this.#random(1000) < TURNS) this.way = this.#random(1000) < PAUSES ? STILL : this.#random(STILL);
    this.strikes = this.#random(1000) < STRIKES;
  }

  /** A whole number below `below`, at most 65,536. */
  #random(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.imul(x >>> 16, below) >>> 16;
  }
}

/** Seeds that are neighbours begin far from each other. */
function mixed(x: number): number {
  const y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  return Math.imul(y ^ (y >>> 15), 0x846ca68b);
}
