/** Grids of tiles for tests of paths, and the slow truth about them. */
import type { Random } from "./random.js";

export const GROUND = 0;
export const WATER = 2;

export interface Grid {
  columns: number;
  rows: number;
  tiles: Uint8Array;
}

/** The tile's class; that of what lies outside is blocked. */
export function tileAt({ columns, rows, tiles }: Grid, column: number, row: number): number {
  return column < 0 || row < 0 || column >= columns || row >= rows ? 1 : tiles[row * columns + column]!;
}

/** May one step from (column, row) by (dx, dy), on tiles of one class? */
export function mayStep(grid: Grid, column: number, row: number, dx: number, dy: number): boolean {
  const kind = tileAt(grid, column, row);
  const open = (c: number, r: number) => tileAt(grid, c, r) === kind;
  return (
    (kind === GROUND || kind === WATER) &&
    open(column + dx, row + dy) &&
    (dx === 0 || dy === 0 || (open(column + dx, row) && open(column, row + dy)))
  );
}

/** Tiles that wait by whole part of their length, in no order within: enough for a Dijkstra that looks at a tile again when it got nearer. */
class Waiting {
  readonly #tiles: number[][] = [];
  #at = 0;

  add(tile: number, length: number): void {
    const list = Math.floor(length);
    const tiles = this.#tiles[list];
    if (tiles === undefined) this.#tiles[list] = [tile];
    else tiles.push(tile);
    this.#at = Math.min(this.#at, list);
  }

  next(): number | undefined {
    for (; this.#at < this.#tiles.length; this.#at++) {
      const tile = this.#tiles[this.#at]?.pop();
      if (tile !== undefined) return tile;
    }
    return undefined;
  }
}

/** Lengths of the shortest paths from the nearest of some tiles to all others, Infinity where there is none: the slow truth. */
export function distances(grid: Grid, ...from: number[]): Float64Array {
  const { columns, tiles } = grid;
  const length = new Float64Array(tiles.length).fill(Number.POSITIVE_INFINITY);
  const waiting = new Waiting();
  for (const tile of from) {
    if (tiles[tile] !== GROUND && tiles[tile] !== WATER) continue;
    length[tile] = 0;
    waiting.add(tile, 0);
  }
  for (let tile = waiting.next(); tile !== undefined; tile = waiting.next()) {
    for (let step = 0; step < 9; step++) {
      const dx = (step % 3) - 1;
      const dy = Math.floor(step / 3) - 1;
      if (step === 4 || !mayStep(grid, tile % columns, Math.floor(tile / columns), dx, dy)) continue;
      const next = tile + dy * columns + dx;
      const there = length[tile]! + Math.hypot(dx, dy);
      if (there < length[next]! - 1e-9) {
        length[next] = there;
        waiting.add(next, there);
      }
    }
  }
  return length;
}

/** Where a box that covers so many rings of tiles around the one in whose centre it stands can stand. */
export function eroded(grid: Grid, rings: number): Grid {
  const { columns, rows } = grid;
  const tiles = grid.tiles.map((kind, tile) => {
    for (let dy = -rings; dy <= rings; dy++) {
      for (let dx = -rings; dx <= rings; dx++)
        if (tileAt(grid, (tile % columns) + dx, Math.floor(tile / columns) + dy) !== kind) return 1;
    }
    return kind;
  });
  return { columns, rows, tiles };
}

/** Blobs of 1 to 3 tiles a side: corners of all forms, and open ground between them. */
export function randomGrid(random: Random, watery = true): Grid {
  const columns = random.integer(1, 30);
  const rows = random.integer(1, random.float() < 0.2 ? 90 : 20);
  const blocked = random.float() * 0.5;
  const water = !watery || random.float() < 0.5 ? 0 : random.float() * 0.5;
  const blob = random.integer(1, 3);
  const tiles = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row += blob) {
    for (let column = 0; column < columns; column += blob) {
      const roll = random.float();
      const tile = roll < blocked ? 1 : roll < blocked + water ? WATER : GROUND;
      for (let r = row; r < Math.min(row + blob, rows); r++)
        tiles.fill(tile, r * columns + column, r * columns + Math.min(column + blob, columns));
    }
  }
  return { columns, rows, tiles };
}
