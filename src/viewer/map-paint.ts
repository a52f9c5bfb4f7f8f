/**
 * Paints a chunk of the map into pixels: flat from afar; from near, walls with a lit top, a front that faces the viewer and a
 * shadow on the ground below it, and water below its banks. About a millisecond a chunk.
 */
import {
  GROUND,
  GROUND_SHADE,
  mixed,
  pixel,
  ROCK,
  WALL_DARK,
  WALL_FOOT,
  WALL_FRONT,
  WALL_LIGHT,
  WALL_TOP,
  WATER,
  WATER_BANK,
  WATER_SHORE,
} from "./palette.js";
import { BLOCKED, FREE, type TileMap, WATER as WATER_TILE } from "./tile-map.js";

/** Pixels per side of a chunk. */
export const CHUNK_PIXELS = 256;
/** At level n a tile has 2^n pixels a side, and a chunk 256 / 2^n tiles. */
export const LEVEL_MAX = 5;
/** Below this many pixels a tile has no inner structure. */
const DETAIL_PIXELS = 8;
/** Shares of a tile: height of a wall's front, reach of the shadow below it, of the shadow beside it, of the bank. */
const FRONT = 0.42;
const SHADOW = 0.5;
const SIDE_SHADOW = 0.16;
const BANK = 0.26;
/** How much one tile differs from the next, in shades per channel. */
const GRAIN = 2;

/** Fills `out`, 256 x 256 RGBA pixels, with the tiles of a chunk; what lies outside the map is transparent. */
export function paintChunk(map: TileMap, level: number, column: number, row: number, out: Uint32Array): void {
  const size = 1 << level;
  const tiles = CHUNK_PIXELS >> level;
  for (let ty = 0; ty < tiles; ty++) {
    for (let tx = 0; tx < tiles; tx++) {
      const x = column * tiles + tx;
      const y = row * tiles + ty;
      const from = ty * size * CHUNK_PIXELS + tx * size;
      if (x >= map.width || y >= map.height) fill(out, from, 0, 0, size, size, 0);
      else if (size < DETAIL_PIXELS) fill(out, from, 0, 0, size, size, pixel(flatColor(map, x, y)));
      else paintTile(map, x, y, size, out, from);
    }
  }
}

function flatColor(map: TileMap, x: number, y: number): number {
  const tile = map.at(x, y);
  if (tile === WATER_TILE) return WATER;
  if (tile === BLOCKED) return isRock(map, x, y) ? ROCK : map.at(x, y + 1) === BLOCKED ? WALL_TOP : WALL_DARK;
  return grained(map.at(x, y - 1) === BLOCKED ? mixed(GROUND, GROUND_SHADE, 0.6) : GROUND, x, y);
}

function paintTile(map: TileMap, x: number, y: number, size: number, out: Uint32Array, from: number): void {
  const tile = map.at(x, y);
  if (tile === FREE) paintGround(map, x, y, size, out, from);
  else if (tile === WATER_TILE) paintWater(map, x, y, size, out, from);
  else if (isRock(map, x, y)) fill(out, from, 0, 0, size, size, pixel(grained(ROCK, x, y)));
  else paintWall(map, x, y, size, out, from);
}

function paintGround(map: TileMap, x: number, y: number, size: number, out: Uint32Array, from: number): void {
  const color = grained(GROUND, x, y);
  fill(out, from, 0, 0, size, size, pixel(color));
  if (map.at(x - 1, y) === BLOCKED) {
    const reach = Math.round(size * SIDE_SHADOW);
    for (let i = 0; i < reach; i++) {
      fill(out, from, i, 0, 1, size, pixel(mixed(GROUND_SHADE, color, 0.35 + (0.65 * i) / reach)));
    }
  }
  if (map.at(x, y - 1) !== BLOCKED) return;
  const reach = Math.round(size * SHADOW);
  for (let i = 0; i < reach; i++) fill(out, from, 0, i, size, 1, pixel(mixed(GROUND_SHADE, color, i / reach)));
}

function paintWall(map: TileMap, x: number, y: number, size: number, out: Uint32Array, from: number): void {
  const edge = size >> 4 || 1;
  const front = map.at(x, y + 1) === BLOCKED ? 0 : Math.round(size * FRONT);
  const top = size - front;
  fill(out, from, 0, 0, size, top, pixel(grained(WALL_TOP, x, y)));
  if (map.at(x + 1, y) !== BLOCKED) fill(out, from, size - edge, 0, edge, top, pixel(WALL_DARK));
  if (map.at(x - 1, y) !== BLOCKED) fill(out, from, 0, 0, edge, top, pixel(mixed(WALL_TOP, WALL_LIGHT, 0.6)));
  if (map.at(x, y - 1) !== BLOCKED) fill(out, from, 0, 0, size, edge, pixel(WALL_LIGHT));
  if (front === 0) return;
  for (let i = 0; i < front; i++) fill(out, from, 0, top + i, size, 1, pixel(mixed(WALL_FRONT, WALL_FOOT, i / front)));
  fill(out, from, 0, top - edge, size, edge, pixel(mixed(WALL_TOP, WALL_LIGHT, 0.35)));
}

function paintWater(map: TileMap, x: number, y: number, size: number, out: Uint32Array, from: number): void {
  const edge = size >> 4 || 1;
  const shore = pixel(WATER_SHORE);
  fill(out, from, 0, 0, size, size, pixel(grained(WATER, x, y)));
  if (map.at(x - 1, y) !== WATER_TILE) fill(out, from, 0, 0, edge, size, shore);
  if (map.at(x + 1, y) !== WATER_TILE) fill(out, from, size - edge, 0, edge, size, shore);
  if (map.at(x, y + 1) !== WATER_TILE) fill(out, from, 0, size - edge, size, edge, shore);
  if (map.at(x, y - 1) === WATER_TILE) return;
  const bank = Math.round(size * BANK);
  fill(out, from, 0, 0, size, bank, pixel(WATER_BANK));
  fill(out, from, 0, bank, size, edge, shore);
}

function isRock(map: TileMap, x: number, y: number): boolean {
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) if (map.at(x + dx, y + dy) !== BLOCKED) return false;
  }
  return true;
}

/** A little lighter or darker, always the same for a tile. */
function grained(color: number, x: number, y: number): number {
  const hash = Math.imul(Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1), 0x9e3779b1) >>> 28;
  const shade = Math.round((hash / 15) * 2 * GRAIN) - GRAIN;
  return color + shade * 0x010101;
}

/** A rectangle of pixels, x and y from a tile's corner at `from`. */
function fill(
  out: Uint32Array,
  from: number,
  x: number,
  y: number,
  width: number,
  height: number,
  value: number,
): void {
  for (let row = 0; row < height; row++) {
    const at = from + (y + row) * CHUNK_PIXELS + x;
    out.fill(value, at, at + width);
  }
}
