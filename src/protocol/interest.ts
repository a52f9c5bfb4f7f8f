/**
 * Interest cells: the squares into which a zone is cut for replication, and the steps in which positions are told. Both sides compute
 * them from what `welcome` says of the zone, so they are never sent. A position is a whole number of steps from the zone's top left corner; a
 * cell's side is a whole number of steps, that of 32 tiles or of as many as the game says, or twice that and so on where there would be too many cells.
 */
import { GyreError } from "../errors.js";

/** Tiles per cell side, where a game does not say: about a screen and a half of a 32 unit map, so that 3 x 3 cells cover a player's surroundings. */
export const INTEREST_TILES = 32;
/** At most. */
export const INTEREST_TILES_MAX = 1024;
/** Cells per zone, at most. */
const INTEREST_CELLS_MAX = 1 << 16;
/** Steps per unit of a position, where a game does not say. */
export const STEPS_PER_UNIT = 16;
/** Steps along a side of a zone: sums of two and their differences are i32. */
export const STEPS_MAX = 2 ** 30 - 1;

/** Cells are numbered row by row from the top left: `cell = row * columns + column`. */
export interface InterestGrid {
  readonly stepsPerUnit: number;
  /** Steps per cell side. */
  readonly sideSteps: number;
  readonly columns: number;
  readonly rows: number;
  /** `columns * rows`. */
  readonly count: number;
}

/** The cells of a zone; width, height and tileSize in units. Throws BAD_ARGUMENT when there are more steps than {@link STEPS_MAX}, or none. */
export function interestGrid(
  width: number,
  height: number,
  tileSize: number,
  stepsPerUnit = STEPS_PER_UNIT,
  interestTiles = INTEREST_TILES,
): InterestGrid {
  const [right, bottom] = [quantise(width, stepsPerUnit), quantise(height, stepsPerUnit)];
  let sideSteps = Math.max(1, Math.round(interestTiles * tileSize * stepsPerUnit));
  if (
    !(
      right >= 1 &&
      bottom >= 1 &&
      tileSize > 0 &&
      stepsPerUnit > 0 &&
      interestTiles >= 1 &&
      Math.max(right, bottom) <= STEPS_MAX
    )
  ) {
    throw new GyreError(
      "BAD_ARGUMENT",
      `a zone of ${width} x ${height} units with tiles of ${tileSize}, ${stepsPerUnit} steps a unit and ${interestTiles} tiles a cell has no interest cells`,
    );
  }
  while (Math.ceil(right / sideSteps) * Math.ceil(bottom / sideSteps) > INTEREST_CELLS_MAX) sideSteps *= 2;
  sideSteps = Math.min(sideSteps, STEPS_MAX);
  const [columns, rows] = [Math.ceil(right / sideSteps), Math.ceil(bottom / sideSteps)];
  return { stepsPerUnit, sideSteps, columns, rows, count: columns * rows };
}

/** Steps, rounded half up, at least 0. */
export function quantise(units: number, stepsPerUnit: number): number {
  const steps = Math.floor(units * stepsPerUnit + 0.5);
  // Not by Math.max: what is no number is 0.
  // biome-ignore lint/complexity/useMathMinMax: see above.
  return steps > 0 ? steps : 0;
}

/** The column of so many steps from the left, or the row of so many from the top; what lies outside counts to the border cell. */
export function cellIndex(steps: number, sideSteps: number, count: number): number {
  const index = Math.floor(steps / sideSteps);
  return index > 0 ? Math.min(index, count - 1) : 0;
}
