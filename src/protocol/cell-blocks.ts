/**
 * The blocks of one zone's interest cells: what is in each cell (full) and what changed in it since the previous snapshot
 * (delta), each encoded at most once per snapshot however many sessions read it, and only if one does.
 *
 * bin() costs O(slots + cells), a few nanoseconds each; a block costs O(entities in its cell). Nothing is allocated after
 * construction. Memory is bounded by capacity and cells: 124 bytes an entity, and 16 for each column of the game's own; 54 bytes a cell.
 */
import { GyreError } from "../errors.js";
import type { TypedColumn } from "../kernel/types.js";
import {
  CELL_NONE,
  DELTA_FLAG,
  DELTA_HEADER_SIZE,
  ENTER_HEAD_SIZE,
  type FieldTable,
  FULL_HEADER_SIZE,
  LEAVE_SIZE,
  MOVED_FAR,
  MOVED_NEAR,
  maskSize,
  type SnapshotColumns,
  typeOf,
  type WordColumn,
  wordColumn,
  writeField,
  writeMask,
} from "./fields.js";
import { cellIndex, type InterestGrid, quantise } from "./interest.js";

/** Every block starts on a word, so that frames are copied word by word. */
const PADDING_MAX = 3;
/** In {@link CellBlocks.blockSize}: not yet asked for in this snapshot. */
const NOT_ENCODED = 0xffffffff;
/** The exponent of an f32; all of it set: not a finite number. */
const EXPONENT = 0x7f800000;

/** The state of all slots as of one snapshot, quantised, and copied so that a frame may be composed some ticks later. */
class Rows {
  readonly id: Uint32Array;
  readonly cell: Uint32Array;
  readonly qx: Uint16Array;
  readonly qy: Uint16Array;
  /** One column of words for each row of the field table. */
  readonly fields: readonly Int32Array[];

  constructor(capacity: number, table: FieldTable) {
    this.id = new Uint32Array(capacity);
    this.cell = new Uint32Array(capacity);
    this.qx = new Uint16Array(capacity);
    this.qy = new Uint16Array(capacity);
    this.fields = table.fields.map(() => new Int32Array(capacity));
  }
}

export class CellBlocks {
  readonly grid: InterestGrid;
  readonly table: FieldTable;
  /** The blocks, as words. */
  readonly words: Uint32Array;
  /** Where each block starts, in words; indexed by what {@link full} and {@link delta} return. */
  readonly blockStart: Uint32Array;
  /** Words of each block, 0 for a delta without a change. Indexed alike. */
  readonly blockSize: Uint32Array;
  /** The slots in cell c, ascending, are `cellSlots[cellStart[c]] .. cellSlots[cellStart[c + 1] - 1]`. */
  readonly cellStart: Uint32Array;
  readonly cellSlots: Uint32Array;
  current: Rows;
  previous: Rows;
  readonly #columns: SnapshotColumns;
  /** Where the words of each field come from. */
  readonly #sources: readonly WordColumn[];
  readonly #view: DataView;
  /** The same for the slots whose entity was in cell c at the previous snapshot and no longer is. */
  readonly #leaveStart: Uint32Array;
  readonly #leaveSlots: Uint32Array;
  /** By slot, the bits of the fields that are not what they were; means nothing for a slot with another entity than before. */
  readonly #changed: Uint32Array;
  /** Slots that either of the two snapshots used. */
  #used = 0;
  /** Words of the arena in use. */
  #end = 0;

  /** own: the game's columns by name, those of the table among them. */
  constructor(
    grid: InterestGrid,
    table: FieldTable,
    capacity: number,
    columns: SnapshotColumns,
    own: Readonly<Record<string, TypedColumn>>,
  ) {
    this.grid = grid;
    this.table = table;
    this.#columns = columns;
    this.#sources = sourcesOf(table, columns, own);
    this.current = new Rows(capacity, table);
    this.previous = new Rows(capacity, table);
    this.cellStart = new Uint32Array(grid.count + 1);
    this.cellSlots = new Uint32Array(capacity);
    this.#changed = new Uint32Array(capacity);
    this.#leaveStart = new Uint32Array(grid.count + 1);
    this.#leaveSlots = new Uint32Array(capacity);
    this.blockStart = new Uint32Array(2 * grid.count);
    this.blockSize = new Uint32Array(2 * grid.count);
    // Worst case: every cell asked for as full and as delta, every entity having changed cell and every field.
    const perCell = FULL_HEADER_SIZE + DELTA_HEADER_SIZE + 2 * PADDING_MAX;
    const perEntity = table.enterSize + LEAVE_SIZE + Math.max(table.enterSize, table.updateSizeMax);
    const arena = new ArrayBuffer((grid.count * perCell + capacity * perEntity + PADDING_MAX) & ~PADDING_MAX);
    this.words = new Uint32Array(arena);
    this.#view = new DataView(arena);
  }

  /** Take the state of slots 0 .. highWater-1 as the current snapshot. */
  bin(highWater: number): void {
    this.#used = Math.max(this.#used, highWater);
    this.blockSize.fill(NOT_ENCODED);
    this.#end = 0;
    this.#quantise(highWater);
    this.#sortSlots();
    this.#sortLeaves();
  }

  /** The current snapshot becomes the one that deltas start from. */
  swap(): void {
    const { previous } = this;
    this.previous = this.current;
    this.current = previous;
  }

  /** Encodes what is in the cell, unless it was; returns the block's index. */
  full(cell: number): number {
    const block = 2 * cell;
    if (this.blockSize[block] === NOT_ENCODED) this.#encodeFull(cell, block);
    return block;
  }

  /** Encodes what changed in the cell since the previous snapshot, unless it was; returns the block's index. */
  delta(cell: number): number {
    const block = 2 * cell + 1;
    if (this.blockSize[block] === NOT_ENCODED) this.#encodeDelta(cell, block);
    return block;
  }

  #quantise(highWater: number): void {
    const { id, x, y } = this.#columns;
    const { current, grid } = this;
    const { side, columns, rows } = grid;
    for (let slot = 0; slot < highWater; slot++) {
      current.id[slot] = id[slot]!;
      if (id[slot] === 0) continue;
      const column = cellIndex(x[slot]!, side, columns);
      const row = cellIndex(y[slot]!, side, rows);
      current.cell[slot] = row * columns + column;
      current.qx[slot] = quantise(x[slot]! - column * side);
      current.qy[slot] = quantise(y[slot]! - row * side);
    }
    current.id.fill(0, highWater, this.#used);
    this.#changed.fill(0, 0, highWater);
    for (let f = 0; f < this.#sources.length; f++) this.#copyField(f, highWater);
  }

  /** Column by column, so that memory is walked in order, also for finding out what changed. */
  #copyField(f: number, highWater: number): void {
    const { type, bit } = this.table.fields[f]!;
    const words = this.current.fields[f]!;
    copy(this.#sources[f]!, words, highWater);
    if (type === "f32") clearOdd(words, highWater);
    markChanged(words, this.previous.fields[f]!, bit, this.#changed, highWater);
  }

  /** Counting sort. Counted up to each cell's end, then placed backwards, which leaves the starts behind. */
  #sortSlots(): void {
    const { id, cell } = this.current;
    const { cellStart, cellSlots } = this;
    cellStart.fill(0);
    for (let slot = 0; slot < this.#used; slot++) if (id[slot] !== 0) cellStart[cell[slot]!]!++;
    sumUp(cellStart);
    for (let slot = this.#used - 1; slot >= 0; slot--) {
      if (id[slot] !== 0) cellSlots[--cellStart[cell[slot]!]!] = slot;
    }
  }

  #sortLeaves(): void {
    const { current, previous } = this;
    const start = this.#leaveStart;
    start.fill(0);
    for (let slot = 0; slot < this.#used; slot++) {
      if (hasLeft(previous, current, slot)) start[previous.cell[slot]!]!++;
    }
    sumUp(start);
    for (let slot = this.#used - 1; slot >= 0; slot--) {
      if (hasLeft(previous, current, slot)) this.#leaveSlots[--start[previous.cell[slot]!]!] = slot;
    }
  }

  #encodeFull(cell: number, block: number): void {
    const first = this.cellStart[cell]!;
    const end = this.cellStart[cell + 1]!;
    const start = 4 * this.#end;
    this.#view.setUint32(start, cell, true);
    this.#view.setUint32(start + 4, end - first, true);
    let offset = start + FULL_HEADER_SIZE;
    for (let at = first; at < end; at++) offset = this.#writeEnter(offset, this.cellSlots[at]!);
    this.#close(block, offset);
  }

  #encodeDelta(cell: number, block: number): void {
    const start = 4 * this.#end;
    const body = start + DELTA_HEADER_SIZE;
    this.#view.setUint32(start, (cell | DELTA_FLAG) >>> 0, true);
    let end = this.#writeLeaves(body, cell, start + 4);
    end = this.#writeEnters(end, cell, start + 8);
    end = this.#writeUpdates(end, cell, start + 12);
    if (end === body) this.blockSize[block] = 0;
    else this.#close(block, end);
  }

  // The lists of a delta block: each is written at `from`, its length at `countAt`; returns its end.

  #writeLeaves(from: number, cell: number, countAt: number): number {
    const { current, previous } = this;
    const first = this.#leaveStart[cell]!;
    const end = this.#leaveStart[cell + 1]!;
    let offset = from;
    for (let at = first; at < end; at++) {
      const slot = this.#leaveSlots[at]!;
      const id = previous.id[slot]!;
      this.#view.setUint32(offset, id, true);
      this.#view.setUint32(offset + 4, current.id[slot] === id ? current.cell[slot]! : CELL_NONE, true);
      offset += LEAVE_SIZE;
    }
    this.#view.setUint32(countAt, end - first, true);
    return offset;
  }

  #writeEnters(from: number, cell: number, countAt: number): number {
    let offset = from;
    for (let at = this.cellStart[cell]!; at < this.cellStart[cell + 1]!; at++) {
      const slot = this.cellSlots[at]!;
      if (!this.#stayed(slot, cell)) offset = this.#writeEnter(offset, slot);
    }
    this.#view.setUint32(countAt, (offset - from) / this.table.enterSize, true);
    return offset;
  }

  #writeUpdates(from: number, cell: number, countAt: number): number {
    let count = 0;
    let offset = from;
    for (let at = this.cellStart[cell]!; at < this.cellStart[cell + 1]!; at++) {
      const slot = this.cellSlots[at]!;
      if (!this.#stayed(slot, cell)) continue;
      const end = this.#writeUpdate(offset, slot);
      if (end !== offset) count++;
      offset = end;
    }
    this.#view.setUint32(countAt, count, true);
    return offset;
  }

  #stayed(slot: number, cell: number): boolean {
    const { current, previous } = this;
    return previous.id[slot] === current.id[slot] && previous.cell[slot] === cell;
  }

  #writeEnter(offset: number, slot: number): number {
    const { current } = this;
    const { fields } = this.table;
    const view = this.#view;
    view.setUint32(offset, current.id[slot]!, true);
    view.setUint16(offset + 4, current.qx[slot]!, true);
    view.setUint16(offset + 6, current.qy[slot]!, true);
    let end = offset + ENTER_HEAD_SIZE;
    for (let f = 0; f < fields.length; f++) {
      const field = fields[f]!;
      writeField(view, end, field, current.fields[f]![slot]!);
      end += field.size;
    }
    return end;
  }

  /** Returns `offset` when nothing changed. */
  #writeUpdate(offset: number, slot: number): number {
    const { current, previous } = this;
    const view = this.#view;
    const dx = current.qx[slot]! - previous.qx[slot]!;
    const dy = current.qy[slot]! - previous.qy[slot]!;
    const changed = this.#changed[slot]!;
    const isNear = dx === (dx << 24) >> 24 && dy === (dy << 24) >> 24;
    const mask = dx === 0 && dy === 0 ? changed : changed | (isNear ? MOVED_NEAR : MOVED_FAR);
    if (mask === 0) return offset;
    view.setUint32(offset, current.id[slot]!, true);
    writeMask(view, offset + 4, mask);
    let end = offset + 4 + maskSize(mask);
    if (mask & MOVED_NEAR) {
      view.setInt8(end, dx);
      view.setInt8(end + 1, dy);
      end += 2;
    } else if (mask & MOVED_FAR) {
      view.setUint16(end, current.qx[slot]!, true);
      view.setUint16(end + 2, current.qy[slot]!, true);
      end += 4;
    }
    return changed === 0 ? end : this.#writeChanged(end, slot, changed);
  }

  #writeChanged(from: number, slot: number, mask: number): number {
    let end = from;
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const field = this.table.lowest(rest);
      writeField(this.#view, end, field, this.current.fields[field.index]![slot]!);
      end += field.size;
    }
    return end;
  }

  /** The block ends here: pad it to whole words with zeros. */
  #close(block: number, end: number): void {
    let padded = end;
    while (padded & PADDING_MAX) this.#view.setUint8(padded++, 0);
    this.blockStart[block] = this.#end;
    this.blockSize[block] = padded / 4 - this.#end;
    this.#end = padded / 4;
  }
}

function hasLeft(previous: Rows, current: Rows, slot: number): boolean {
  const id = previous.id[slot]!;
  return id !== 0 && (current.id[slot] !== id || current.cell[slot] !== previous.cell[slot]);
}

function sumUp(counts: Uint32Array): void {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i]!;
    counts[i] = sum;
  }
}

function sourcesOf(
  table: FieldTable,
  columns: SnapshotColumns,
  own: Readonly<Record<string, TypedColumn>>,
): readonly WordColumn[] {
  const all: Readonly<Record<string, TypedColumn>> = { ...own, ...columns };
  return table.fields.map(({ name, type }) => {
    const column = all[name];
    if (column === undefined) throw new GyreError("BAD_ARGUMENT", `the zone has no column ${name} to replicate`);
    if (typeOf(column) !== type)
      throw new GyreError("BAD_ARGUMENT", `column ${name} is ${typeOf(column)}, not ${type}`);
    return wordColumn(column);
  });
}

function copy(from: WordColumn, to: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) to[i] = from[i]!;
}

function markChanged(now: Int32Array, before: Int32Array, bit: number, changed: Uint32Array, count: number): void {
  for (let i = 0; i < count; i++) if (now[i] !== before[i]) changed[i]! |= bit;
}

/** What is no finite number goes as 0: JSON has no word for it, and a reader would only stumble over it. */
function clearOdd(words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) if ((words[i]! & EXPONENT) === EXPONENT) words[i] = 0;
}
