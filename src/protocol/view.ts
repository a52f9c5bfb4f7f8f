/**
 * What one session sees, cell by cell, and what it was last told: of each cell in view the stream that it is told by, and the snapshot of that
 * stream that it was brought to; of itself what the last frame said. So each cell stands alone: one may wait for its stream's next snapshot,
 * or for room in a frame, while others go on.
 *
 *     . . . . .      f  far
 *     f f f f f      n  normal        by distance from the own entity's cell, in cells: see StreamPlan
 *     f n n n f      N  near
 *     f n N n f
 */
import { FAR, HISTORY, NEAR, NORMAL, STREAM_COUNT } from "../kernel/streams.js";
import { OWN_FIELDS } from "./frame.js";
import { cellIndex, type InterestGrid, quantise } from "./interest.js";

/** Columns and rows of a view, at most: 32 x 32 cells show a 1,024 x 1,024 tile map whole. */
export const VIEW_SIDE_MAX = 32;
/** Cells of a view, at most. */
export const VIEW_CELLS_MAX = VIEW_SIDE_MAX * VIEW_SIDE_MAX;
/** Cells on each side of the followed entity's own, at most. */
export const RADIUS_MAX = (VIEW_SIDE_MAX >> 1) - 1;

/** Nothing was told of the cell: what is in it comes in full, also when nobody is, so that the client knows what it sees. */
export const UNTOLD = 0;
/** Something was, of which nothing is known any more: what is in it comes in full as well. */
export const STALE = 0xffff_ffff;

/** Which stream a cell is told by, by its distance in cells from the own entity's, and how often with a hash. */
export interface StreamPlan {
  /** -1: no cell is. */
  readonly nearRadius: number;
  /** 0 to RADIUS_MAX, as the next. */
  readonly viewRadius: number;
  /** Cells further away than the view, up to here, are told by the far stream. */
  readonly farRadius: number;
  /** Snapshots of a stream between two hashes of a cell. Default HASH_EVERY. */
  readonly hashEvery?: number;
}

export const STREAM_PLAN: StreamPlan = { nearRadius: -1, viewRadius: 1, farRadius: 1 };

export class View {
  /** The cells in view: columns column0 .. column1 - 1 of rows row0 .. row1 - 1. What follows is of them, row by row. */
  column0 = 0;
  row0 = 0;
  column1 = 0;
  row1 = 0;
  /** Snapshot of the stream that the client has; UNTOLD, STALE. */
  sequences: Uint32Array = new Uint32Array(0);
  streams: Uint8Array = new Uint8Array(0);
  /** Frames for which it had no room. */
  waits: Uint8Array = new Uint8Array(0);
  /** The cell that distances are from. */
  centreColumn = 0;
  centreRow = 0;
  /** Cells that the client knows something of and no longer sees, ascending: `forgottenCount` of them. */
  forgotten = new Uint32Array(0);
  forgottenCount = 0;

  // Of the last frame.
  tick = 0;
  ack = 0;
  you = 0;
  readonly own = new Uint32Array(OWN_FIELDS.length);

  readonly #plan: StreamPlan;
  #isWatching = false;
  /** Whether the cells are those around some entity, or the zone's middle. */
  #isAround = false;
  #x0 = 0;
  #y0 = 0;
  #x1 = 0;
  #y1 = 0;
  /** What the rectangle was last found in, and so need not be found in again; null when it is another one since. */
  #watched: InterestGrid | null = null;
  /** Spare of sequences, streams and waits, so that moving the rectangle allocates nothing. */
  #spare = [new Uint32Array(0), new Uint8Array(0), new Uint8Array(0)] as [Uint32Array, Uint8Array, Uint8Array];

  constructor(plan: StreamPlan = STREAM_PLAN) {
    this.#plan = plan;
  }

  get isWatching(): boolean {
    return this.#isWatching;
  }

  get cells(): number {
    return (this.column1 - this.column0) * (this.row1 - this.row0);
  }

  /**
   * See the cells around the session's own entity, around where it was last when it is gone, and around the zone's middle as long as
   * there was none. A view starts so.
   */
  follow(): void {
    this.#isWatching = this.#isAround = false;
  }

  /** See the cells under a rectangle of units, x0 <= x1 and y0 <= y1; what exceeds {@link VIEW_SIDE_MAX} is cut off evenly. */
  watch(x0: number, y0: number, x1: number, y1: number): void {
    this.#isWatching = true;
    this.#isAround = false;
    this.#watched = null;
    this.#x0 = x0;
    this.#y0 = y0;
    this.#x1 = x1;
    this.#y1 = y1;
  }

  /** Forget what was told: for a session that moves to another zone, or has another client, who forgets as well. */
  reset(): void {
    this.column0 = this.row0 = this.column1 = this.row1 = 0;
    this.#isAround = false;
    this.#watched = null;
    this.forgottenCount = 0;
    this.tick = this.ack = this.you = 0;
    this.own.fill(0);
  }

  /** What the client knows of the cell is wrong: it comes in full. Nothing happens for one that it does not see. */
  repair(column: number, row: number): void {
    if (!this.#contains(column, row)) return;
    const at = this.#index(column, row);
    if (this.sequences[at] !== UNTOLD) this.sequences[at] = STALE;
  }

  /** A frame that was composed never left: what the client has of any cell is not known. */
  spoil(): void {
    const { cells, sequences } = this;
    for (let i = 0; i < cells; i++) if (sequences[i] !== UNTOLD) sequences[i] = STALE;
  }

  /** Work out which cells are in view. ownCell: of the session's entity; -1 for none. */
  aim(grid: InterestGrid, ownCell: number): void {
    if (this.#isWatching) this.#aimAtRectangle(grid);
    else if (ownCell >= 0 || !this.#isAround) this.#aimAround(grid, ownCell);
  }

  /** Whether the view holds the cell that a point, in units, lies in. */
  holds(grid: InterestGrid, x: number, y: number): boolean {
    return this.#contains(columnOf(grid, x), rowOf(grid, y));
  }

  /** Cells of distance between a cell and the centre. */
  distance(column: number, row: number): number {
    return Math.max(Math.abs(column - this.centreColumn), Math.abs(row - this.centreRow));
  }

  /** The stream that a cell at this distance is told by. */
  streamAt(distance: number): number {
    if (this.#isWatching) return NORMAL;
    return distance <= this.#plan.nearRadius ? NEAR : distance <= this.#plan.viewRadius ? NORMAL : FAR;
  }

  #aimAtRectangle(grid: InterestGrid): void {
    if (this.#watched === grid) return;
    this.#watched = grid;
    let column0 = columnOf(grid, this.#x0);
    let column1 = columnOf(grid, this.#x1) + 1;
    let row0 = rowOf(grid, this.#y0);
    let row1 = rowOf(grid, this.#y1) + 1;
    column0 += cutBefore(column1 - column0);
    row0 += cutBefore(row1 - row0);
    column1 = Math.min(column1, column0 + VIEW_SIDE_MAX);
    row1 = Math.min(row1, row0 + VIEW_SIDE_MAX);
    this.centreColumn = (column0 + column1 - 1) >> 1;
    this.centreRow = (row0 + row1 - 1) >> 1;
    this.#move(grid, column0, row0, column1, row1);
  }

  #aimAround(grid: InterestGrid, ownCell: number): void {
    const { columns, rows } = grid;
    const cell = ownCell >= 0 ? ownCell : (rows >> 1) * columns + (columns >> 1);
    const row = Math.floor(cell / columns);
    const column = cell - row * columns;
    if (this.#isAround && column === this.centreColumn && row === this.centreRow) return;
    this.#isAround = true;
    const radius = Math.max(this.#plan.viewRadius, this.#plan.farRadius);
    this.centreColumn = column;
    this.centreRow = row;
    this.#move(
      grid,
      Math.max(0, column - radius),
      Math.max(0, row - radius),
      Math.min(columns, column + radius + 1),
      Math.min(rows, row + radius + 1),
    );
  }

  /** Another rectangle: cells that are in both keep what is known of them, those that are left are to be forgotten. */
  #move(grid: InterestGrid, column0: number, row0: number, column1: number, row1: number): void {
    const isSame = column0 === this.column0 && row0 === this.row0 && column1 === this.column1 && row1 === this.row1;
    if (!isSame) this.#reshape(grid, column0, row0, column1, row1);
    const { streams } = this;
    let i = 0;
    for (let row = row0; row < row1; row++) {
      for (let column = column0; column < column1; column++, i++) {
        const stream = this.streamAt(this.distance(column, row));
        if (streams[i] === stream) continue;
        streams[i] = stream;
        if (this.sequences[i] !== UNTOLD) this.sequences[i] = STALE;
      }
    }
  }

  #reshape(grid: InterestGrid, column0: number, row0: number, column1: number, row1: number): void {
    const count = (column1 - column0) * (row1 - row0);
    const [sequences, streams, waits] = this.#spareOf(count);
    const width = column1 - column0;
    sequences.fill(UNTOLD, 0, count);
    streams.fill(STREAM_COUNT, 0, count);
    waits.fill(0, 0, count);
    let i = 0;
    for (let row = this.row0; row < this.row1; row++) {
      for (let column = this.column0; column < this.column1; column++, i++) {
        if (column >= column0 && column < column1 && row >= row0 && row < row1) {
          const to = (row - row0) * width + column - column0;
          sequences[to] = this.sequences[i]!;
          streams[to] = this.streams[i]!;
          waits[to] = this.waits[i]!;
        } else if (this.sequences[i] !== UNTOLD) {
          this.#forget(row * grid.columns + column);
        }
      }
    }
    this.#spare = [this.sequences, this.streams, this.waits];
    this.sequences = sequences;
    this.streams = streams;
    this.waits = waits;
    this.column0 = column0;
    this.row0 = row0;
    this.column1 = column1;
    this.row1 = row1;
    this.#unforget(grid);
  }

  #spareOf(count: number): [Uint32Array, Uint8Array, Uint8Array] {
    if (this.#spare[0].length >= count) return this.#spare;
    return [new Uint32Array(count), new Uint8Array(count), new Uint8Array(count)];
  }

  /** Adds a cell, in order: it may be that others were not told yet. */
  #forget(cell: number): void {
    if (this.forgottenCount === this.forgotten.length) {
      const more = new Uint32Array(Math.max(16, 2 * this.forgotten.length));
      more.set(this.forgotten);
      this.forgotten = more;
    }
    let at = this.forgottenCount++;
    for (; at > 0 && this.forgotten[at - 1]! > cell; at--) this.forgotten[at] = this.forgotten[at - 1]!;
    this.forgotten[at] = cell;
  }

  /** What was to be forgotten, of which the client was not told yet, and is in view again: it knows something of it still. */
  #unforget({ columns }: InterestGrid): void {
    let kept = 0;
    for (let i = 0; i < this.forgottenCount; i++) {
      const cell = this.forgotten[i]!;
      const row = Math.floor(cell / columns);
      const column = cell - row * columns;
      if (this.#contains(column, row)) this.sequences[this.#index(column, row)] = STALE;
      else this.forgotten[kept++] = cell;
    }
    this.forgottenCount = kept;
  }

  #contains(column: number, row: number): boolean {
    return column >= this.column0 && column < this.column1 && row >= this.row0 && row < this.row1;
  }

  #index(column: number, row: number): number {
    return (row - this.row0) * (this.column1 - this.column0) + column - this.column0;
  }
}

function columnOf({ stepsPerUnit, sideSteps, columns }: InterestGrid, x: number): number {
  return cellIndex(quantise(x, stepsPerUnit), sideSteps, columns);
}

function rowOf({ stepsPerUnit, sideSteps, rows }: InterestGrid, y: number): number {
  return cellIndex(quantise(y, stepsPerUnit), sideSteps, rows);
}

/** How many of too many columns (rows) to leave out on the near side. */
function cutBefore(count: number): number {
  return Math.max(0, (count - VIEW_SIDE_MAX) >> 1);
}

/** How many snapshots behind `sequence` the one is that was told, 1 to HISTORY; 0: the cell comes in full. */
export function ageOf(told: number, sequence: number): number {
  if (told === UNTOLD || told === STALE) return 0;
  const age = sequence - told;
  return age >= 1 && age <= HISTORY ? age : 0;
}
