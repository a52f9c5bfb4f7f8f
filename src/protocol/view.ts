/**
 * What one session sees, and what it was last given: a rectangle of interest cells and one snapshot sequence number. Every
 * frame delivers every cell of the view, so one number says for all of them which snapshot they were last brought to.
 */
import { cellIndex, type InterestGrid } from "./interest.js";

/** Cells on each side of the followed entity's own: 3 x 3 cells. */
export const VIEW_RADIUS = 1;
/** Columns and rows of a view, at most: 32 x 32 cells show a 1,024 x 1,024 tile map whole. */
export const VIEW_SIDE_MAX = 32;
/** Cells of a view, at most; a frame counts its blocks in a u16. */
export const VIEW_CELLS_MAX = VIEW_SIDE_MAX * VIEW_SIDE_MAX;

/** Columns column0 .. column1-1 of rows row0 .. row1-1. */
export interface CellRect {
  column0: number;
  row0: number;
  column1: number;
  row1: number;
}

export class View {
  /** The cells of the frame being composed. */
  readonly next: CellRect = { column0: 0, row0: 0, column1: 0, row1: 0 };
  /** The cells of the last frame delivered. */
  readonly seen: CellRect = { column0: 0, row0: 0, column1: 0, row1: 0 };
  /** Snapshot sequence of the last frame delivered; 0 for none. */
  sequence = 0;
  #radius = VIEW_RADIUS;
  #watching = false;
  #x0 = 0;
  #y0 = 0;
  #x1 = 0;
  #y1 = 0;

  /**
   * See the cells around the session's own entity, around where it was last when it is gone, and around the zone's middle as long as
   * there was none. A view starts so. Radius in cells, 0 to 15.
   */
  follow(radius = VIEW_RADIUS): void {
    this.#radius = Math.min(Math.max(0, radius), (VIEW_SIDE_MAX >> 1) - 1);
    this.#watching = false;
  }

  /** See the cells under a rectangle of units, x0 <= x1 and y0 <= y1; what exceeds {@link VIEW_SIDE_MAX} is cut off evenly. */
  watch(x0: number, y0: number, x1: number, y1: number): void {
    this.#watching = true;
    this.#x0 = x0;
    this.#y0 = y0;
    this.#x1 = x1;
    this.#y1 = y1;
  }

  /** Forget what was delivered: for a session that moves to another zone, whose client forgets as well. */
  reset(): void {
    this.sequence = 0;
    clear(this.seen);
    clear(this.next);
  }

  /** Work out {@link next}. `ownCell` is the cell of the session's entity, -1 for none. */
  aim(grid: InterestGrid, ownCell: number): void {
    const { next } = this;
    if (this.#watching) {
      next.column0 = cellIndex(this.#x0, grid.side, grid.columns);
      next.row0 = cellIndex(this.#y0, grid.side, grid.rows);
      next.column1 = cellIndex(this.#x1, grid.side, grid.columns) + 1;
      next.row1 = cellIndex(this.#y1, grid.side, grid.rows) + 1;
      next.column0 += cutBefore(next.column1 - next.column0);
      next.column1 = Math.min(next.column1, next.column0 + VIEW_SIDE_MAX);
      next.row0 += cutBefore(next.row1 - next.row0);
      next.row1 = Math.min(next.row1, next.row0 + VIEW_SIDE_MAX);
    } else if (ownCell >= 0 || next.column1 === 0) {
      const cell = ownCell >= 0 ? ownCell : (grid.rows >> 1) * grid.columns + (grid.columns >> 1);
      const row = Math.floor(cell / grid.columns);
      const column = cell - row * grid.columns;
      next.column0 = Math.max(0, column - this.#radius);
      next.row0 = Math.max(0, row - this.#radius);
      next.column1 = Math.min(grid.columns, column + this.#radius + 1);
      next.row1 = Math.min(grid.rows, row + this.#radius + 1);
    }
  }

  /** Whether the last frame delivered held the cell that a point, in units, lies in. */
  holds(grid: InterestGrid, x: number, y: number): boolean {
    return contains(this.seen, cellIndex(x, grid.side, grid.columns), cellIndex(y, grid.side, grid.rows));
  }

  /** {@link next} was delivered as of this snapshot. */
  delivered(sequence: number): void {
    this.sequence = sequence;
    const { seen, next } = this;
    seen.column0 = next.column0;
    seen.row0 = next.row0;
    seen.column1 = next.column1;
    seen.row1 = next.row1;
  }
}

export function contains(rect: CellRect, column: number, row: number): boolean {
  return column >= rect.column0 && column < rect.column1 && row >= rect.row0 && row < rect.row1;
}

/** How many of too many columns (rows) to leave out on the near side. */
function cutBefore(count: number): number {
  return Math.max(0, (count - VIEW_SIDE_MAX) >> 1);
}

function clear(rect: CellRect): void {
  rect.column0 = rect.row0 = rect.column1 = rect.row1 = 0;
}
