/**
 * Gates that join the zones of a server into a ring, on whatever map they share: out of each zone by its easternmost open place into
 * the next one, and back by the westernmost. Costs two looks at every tile, once.
 *
 *     zone-0  |E| -> |W|  zone-1  |E| -> |W|  zone-2  |E| -> |W|  zone-0
 */
import type { Gate, MapData } from "gyre";

/** Tiles from the middle of a gate to where one comes out beside it: far enough not to stand in it, and at most so many. */
const ASIDE = 4;
const ASIDE_MAX = 16;

/** None for a single zone, nor on a map without two open places that one can walk between. */
export function gatesOf(map: MapData, zones: number): Gate[] {
  if (zones < 2) return [];
  const open = openPlaces(map);
  const [west, east] = [firstFrom(map, open, 0, 1), firstFrom(map, open, map.width - 1, -1)];
  const [besideWest, besideEast] = [beside(map, open, west, east), beside(map, open, east, west)];
  if (besideWest < 0 || besideEast < 0) return [];
  return Array.from({ length: zones }, (_, i) => [`zone-${i}`, `zone-${(i + 1) % zones}`] as const).flatMap(
    ([zone, next]) => [
      { zone, ...square(map, east), to: next, ...centre(map, besideWest) },
      { zone: next, ...square(map, west), to: zone, ...centre(map, besideEast) },
    ],
  );
}

/** 1 for each tile that is the middle of nine free ones, in the largest part of the map that can be walked through. */
function openPlaces({ width, height, tiles }: MapData): Uint8Array {
  const part = largestPart(width, height, tiles);
  const open = new Uint8Array(tiles.length);
  for (let row = 1; row < height - 1; row++) {
    let run = 0;
    for (let column = 0; column < width; column++) {
      const tile = row * width + column;
      const isFree = part[tile - width] === 1 && part[tile] === 1 && part[tile + width] === 1;
      run = isFree ? run + 1 : 0;
      if (run >= 3) open[tile - 1] = 1;
    }
  }
  return open;
}

/** 1 for each tile of it. */
function largestPart(width: number, height: number, tiles: Uint8Array): Uint8Array {
  const seen = new Uint8Array(tiles.length);
  const stack = new Uint32Array(tiles.length);
  let best = { start: -1, size: 0 };
  for (let start = 0; start < tiles.length; start++) {
    if (tiles[start] !== 0 || seen[start] === 1) continue;
    const size = flood(width, height, tiles, seen, stack, start);
    if (size > best.size) best = { start, size };
  }
  const part = new Uint8Array(tiles.length);
  if (best.start >= 0) flood(width, height, tiles, part, stack, best.start);
  return part;
}

/** Marks the free tiles that can be walked to from start, and counts them. stack: scratch for as many as there are tiles. */
function flood(
  width: number,
  height: number,
  tiles: Uint8Array,
  seen: Uint8Array,
  stack: Uint32Array,
  start: number,
): number {
  let size = 0;
  let depth = 0;
  const visit = (tile: number): void => {
    if (tiles[tile] !== 0 || seen[tile] === 1) return;
    seen[tile] = 1;
    stack[depth++] = tile;
    size++;
  };
  visit(start);
  while (depth > 0) {
    const tile = stack[--depth] ?? 0;
    const column = tile % width;
    if (column > 0) visit(tile - 1);
    if (column < width - 1) visit(tile + 1);
    if (tile >= width) visit(tile - width);
    if (tile < width * (height - 1)) visit(tile + width);
  }
  return size;
}

/** The first open place, column by column from one side. -1 when there is none. */
function firstFrom({ width, height }: MapData, open: Uint8Array, from: number, step: number): number {
  for (let column = from; column >= 0 && column < width; column += step) {
    for (let row = 0; row < height; row++) if (open[row * width + column] === 1) return row * width + column;
  }
  return -1;
}

/** The open place nearest to a gate's that is neither in it nor in the other. -1 when there is none near. */
function beside({ width, height }: MapData, open: Uint8Array, gate: number, other: number): number {
  const [column, row] = [gate % width, Math.floor(gate / width)];
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let r = Math.max(0, row - ASIDE_MAX); r <= Math.min(height - 1, row + ASIDE_MAX); r++) {
    for (let c = Math.max(0, column - ASIDE_MAX); c <= Math.min(width - 1, column + ASIDE_MAX); c++) {
      const place = r * width + c;
      const far = Math.abs(c - column) + Math.abs(r - row);
      if (far >= least || open[place] !== 1) continue;
      if (tilesBetween(width, place, gate) < ASIDE || tilesBetween(width, place, other) < ASIDE) continue;
      least = far;
      best = place;
    }
  }
  return best;
}

/** Across or down, whichever is more. */
function tilesBetween(width: number, a: number, b: number): number {
  const across = Math.abs((a % width) - (b % width));
  const down = Math.abs(Math.floor(a / width) - Math.floor(b / width));
  return Math.max(across, down);
}

function centre({ width, tileSize }: MapData, tile: number): { x: number; y: number } {
  return { x: ((tile % width) + 0.5) * tileSize, y: (Math.floor(tile / width) + 0.5) * tileSize };
}

/** The nine tiles around. */
function square(map: MapData, tile: number): { x0: number; y0: number; x1: number; y1: number } {
  const { x, y } = centre(map, tile);
  const half = 1.5 * map.tileSize;
  return { x0: x - half, y0: y - half, x1: x + half, y1: y + half };
}
