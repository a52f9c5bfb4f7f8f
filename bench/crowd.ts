/**
 * The crowd of the benches that move: where everyone starts, between which walls, and who turns where in which turn. The same
 * for every contender.
 */
import { type PointSet, random, teams, WORLD } from "./points.js";

/** Units. */
export const TILE = 32;
export const TILES = WORLD / TILE;
export const HALF_SIZE = 8;
/** Hz. */
export const TICK_RATE = 60;
const BLOCKED_FRACTION = 0.1;
/** Units per second. */
const SPEED_MIN = 60;
const SPEED_MAX = 180;
/** Everyone turns once in so many ticks. */
const TURN_EVERY = 64;
/** Whom a wall stops notices it within so many ticks, and turns. */
const NOTICE_EVERY = 8;
const DIRECTIONS = 256;

export interface Crowd extends PointSet {
  /** TILES rows of TILES bytes, 1 is blocked. */
  tiles: Uint8Array;
  speed: Float32Array;
  team: Uint8Array;
}

function free(tiles: Uint8Array, x: number, y: number): boolean {
  const left = Math.floor((x - HALF_SIZE) / TILE);
  const right = Math.floor((x + HALF_SIZE) / TILE);
  const top = Math.floor((y - HALF_SIZE) / TILE) * TILES;
  const bottom = Math.floor((y + HALF_SIZE) / TILE) * TILES;
  return (tiles[top + left]! | tiles[top + right]! | tiles[bottom + left]! | tiles[bottom + right]!) === 0;
}

export function crowd(n: number): Crowd {
  const next = random(n);
  const tiles = Uint8Array.from({ length: TILES * TILES }, () => (next() < BLOCKED_FRACTION ? 1 : 0));
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0; i < n; ) {
    x[i] = HALF_SIZE + next() * (WORLD - 2 * HALF_SIZE - 1);
    y[i] = HALF_SIZE + next() * (WORLD - 2 * HALF_SIZE - 1);
    if (free(tiles, x[i]!, y[i]!)) i++;
  }
  const speed = Float32Array.from({ length: n }, () => SPEED_MIN + next() * (SPEED_MAX - SPEED_MIN));
  return { x, y, tiles, speed, team: teams(n) };
}

/** What a crowd's contender lets the steerer see and write, by entity. */
export interface Steered {
  readonly vx: Float32Array;
  readonly vy: Float32Array;
  readonly wishX: Float32Array;
  readonly wishY: Float32Array;
}

/** Turns some: everyone in turn 0, then now and then, and soon after running into a wall. */
export function steerer({ vx, vy, wishX, wishY }: Steered, n: number): (turn: number) => void {
  const cos = Float32Array.from({ length: DIRECTIONS }, (_, k) => 0.999 * Math.cos((2 * Math.PI * k) / DIRECTIONS));
  const sin = Float32Array.from({ length: DIRECTIONS }, (_, k) => 0.999 * Math.sin((2 * Math.PI * k) / DIRECTIONS));
  return (turn) => {
    for (let i = 0; i < n; i++) {
      const stopped = (vx[i] === 0 && wishX[i] !== 0) || (vy[i] === 0 && wishY[i] !== 0);
      const every = turn === 0 ? 1 : stopped ? NOTICE_EVERY : TURN_EVERY;
      if ((i + turn) % every !== 0) continue;
      const direction = Math.imul(i + turn * 31, 0x9e3779b1) >>> 24;
      wishX[i] = cos[direction]!;
      wishY[i] = sin[direction]!;
    }
  };
}
