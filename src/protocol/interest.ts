/**
 * Interest cells: the squares into which a zone is cut for replication. Both sides compute them from the zone's size, so
 * they are never sent. A cell's side is 32 tiles, but at most 4,064 units, so that a position inside a cell, quantised to
 * 1/16 unit, fits a u16.
 */
import { GyreError } from "../errors.js";

/** Tiles per cell side: about a screen and a half of a 32 unit map, so that 3 x 3 cells cover a player's surroundings. */
export const INTEREST_TILES = 32;
/** Units per cell side, at most: 4,064 x 16 = 65,024 leaves room in a u16 for rounding at the far border. */
export const INTEREST_SIDE_MAX = 4064;
/** Cells per zone, at most, and more than the kernel's largest zone has: each costs the encoder 24 bytes of index and 30 of block headers. */
export const INTEREST_CELLS_MAX = 1 << 20;
/** Steps per unit of a quantised position. */
export const STEPS_PER_UNIT = 16;

/** Cells are numbered row by row from the top left: `cell = row * columns + column`. */
export interface InterestGrid {
  /** Units per cell side. */
  readonly side: number;
  readonly columns: number;
  readonly rows: number;
  /** `columns * rows`. */
  readonly count: number;
}

/** The cells of a zone; width, height and tileSize in units. Throws BAD_ARGUMENT when they would be too many, or none. */
export function interestGrid(width: number, height: number, tileSize: number): InterestGrid {
  const side = Math.min(INTEREST_TILES * tileSize, INTEREST_SIDE_MAX);
  const columns = Math.ceil(width / side);
  const rows = Math.ceil(height / side);
  const count = columns * rows;
  if (!(side > 0 && columns > 0 && rows > 0 && count <= INTEREST_CELLS_MAX)) {
    throw new GyreError(
      "BAD_ARGUMENT",
      `a zone of ${width} x ${height} units with tiles of ${tileSize} has ${count} interest cells, not 1 to ${INTEREST_CELLS_MAX}`,
    );
  }
  return { side, columns, rows, count };
}

/** The column of an x, or the row of a y; what lies outside counts to the border cell. */
export function cellIndex(coordinate: number, side: number, count: number): number {
  const index = Math.floor(coordinate / side);
  return index > 0 ? Math.min(index, count - 1) : 0;
}

/** Steps from a cell's left (top) border, rounded half up, 0 to 65,535. */
export function quantise(unitsIntoCell: number): number {
  const steps = Math.floor(unitsIntoCell * STEPS_PER_UNIT + 0.5);
  return steps > 0 ? Math.min(steps, 0xffff) : 0;
}

/** The position that a reader reconstructs: exact in a double, the same on both sides. */
export function dequantise(steps: number, cellBorder: number): number {
  return cellBorder + steps / STEPS_PER_UNIT;
}
