/**
 * Snapshots of one zone for all its sessions, in the form of docs/wire.md. Entities are encoded once per interest cell;
 * a session's frame is a header, its private part and the blocks of the cells it sees, copied.
 *
 *     begin(tick, highWater)      once per snapshot: O(slots + cells)
 *       compose(view, ...)        per session: O(cells + bytes of its frame), at once or spread over the following ticks
 *     end()                       before the next begin
 *
 * Nothing is allocated after construction.
 */
import type { EntityId, TypedColumn } from "../kernel/types.js";
import { CellBlocks } from "./cell-blocks.js";
import {
  type ColumnInfo,
  FieldTable,
  FORGOTTEN_SIZE,
  FRAME_SNAPSHOT,
  FULL_HEADER_SIZE,
  HEADER_SIZE,
  PRIVATE_SIZE,
  type SnapshotColumns,
} from "./fields.js";
import type { FrameBuffer } from "./frame-buffer.js";
import { type InterestGrid, interestGrid } from "./interest.js";
import type { YouJson } from "./json-encoder.js";
import { contains, type View } from "./view.js";

/** An EntityId is `slot << 12 | generation`. */
const GENERATION_BITS = 12;

export interface SnapshotZone {
  /** Units. */
  readonly width: number;
  /** Units. */
  readonly height: number;
  /** Units per tile side. */
  readonly tileSize: number;
  /** Entities, at most. */
  readonly capacity: number;
  readonly columns: SnapshotColumns;
  /** The game's columns by name; absent when it has none. */
  readonly own?: Readonly<Record<string, TypedColumn>>;
}

export class SnapshotEncoder {
  readonly grid: InterestGrid;
  readonly table: FieldTable;
  readonly blocks: CellBlocks;
  /** The tick of the snapshot between begin() and end(). */
  tick = 0;
  /** Counts snapshots; the first is 1. */
  sequence = 0;
  readonly #columns: SnapshotColumns;
  /** What private parts say, as of begin(); hp and level are in the rows. */
  readonly #x: Float32Array;
  readonly #y: Float32Array;
  readonly #vx: Float32Array;
  readonly #vy: Float32Array;
  readonly #speed: Float32Array;
  readonly #halfSize: Float32Array;
  readonly #wishX: Float32Array;
  readonly #wishY: Float32Array;
  readonly #readyAt: Uint32Array;
  readonly #xp: Uint32Array;
  readonly #gold: Uint32Array;
  readonly #hp: number;
  readonly #level: number;
  #open = false;

  /**
   * Reads a zone's columns, and keeps up to 150 bytes per entity of its capacity, and 16 for each of `columns`: the game's that are
   * replicated. Throws BAD_ARGUMENT for a zone of too many cells, and for columns that it does not have or nobody could read.
   */
  constructor(zone: SnapshotZone, columns: readonly ColumnInfo[] = []) {
    this.grid = interestGrid(zone.width, zone.height, zone.tileSize);
    this.table = new FieldTable(columns);
    this.blocks = new CellBlocks(this.grid, this.table, zone.capacity, zone.columns, zone.own ?? {});
    this.#hp = this.table.fields.findIndex(({ name }) => name === "hp");
    this.#level = this.table.fields.findIndex(({ name }) => name === "level");
    this.#columns = zone.columns;
    this.#x = new Float32Array(zone.capacity);
    this.#y = new Float32Array(zone.capacity);
    this.#vx = new Float32Array(zone.capacity);
    this.#vy = new Float32Array(zone.capacity);
    this.#speed = new Float32Array(zone.capacity);
    this.#halfSize = new Float32Array(zone.capacity);
    this.#wishX = new Float32Array(zone.capacity);
    this.#wishY = new Float32Array(zone.capacity);
    this.#readyAt = new Uint32Array(zone.capacity);
    this.#xp = new Uint32Array(zone.capacity);
    this.#gold = new Uint32Array(zone.capacity);
  }

  /** Takes the zone's state in slots 0 .. highWater-1 as the snapshot of this tick. */
  begin(tick: number, highWater: number): void {
    if (this.#open) throw new Error("begin() before end()");
    this.#open = true;
    this.tick = tick;
    this.sequence++;
    this.blocks.bin(highWater);
    copy(this.#columns.x, this.#x, highWater);
    copy(this.#columns.y, this.#y, highWater);
    copy(this.#columns.vx, this.#vx, highWater);
    copy(this.#columns.vy, this.#vy, highWater);
    copy(this.#columns.speed, this.#speed, highWater);
    copy(this.#columns.halfSize, this.#halfSize, highWater);
    copy(this.#columns.wishX, this.#wishX, highWater);
    copy(this.#columns.wishY, this.#wishY, highWater);
    copy(this.#columns.readyAt, this.#readyAt, highWater);
    copy(this.#columns.xp, this.#xp, highWater);
    copy(this.#columns.gold, this.#gold, highWater);
  }

  /** This snapshot becomes the one that the next one's deltas start from. */
  end(): void {
    if (!this.#open) throw new Error("end() before begin()");
    this.#open = false;
    this.blocks.swap();
  }

  /** The slot of an entity in this snapshot; -1 when it is not in it, or for id 0. */
  slot(id: EntityId): number {
    const slot = id >>> GENERATION_BITS;
    return id !== 0 && this.blocks.current.id[slot] === id ? slot : -1;
  }

  /** The cell of an entity in this snapshot; -1 when it is not in it, or for id 0. */
  cell(id: EntityId): number {
    const slot = this.slot(id);
    return slot < 0 ? -1 : this.blocks.current.cell[slot]!;
  }

  /** An entity of this snapshot in full precision, for JSON; null when it is not in it, or for id 0. */
  you(id: EntityId): YouJson | null {
    const slot = this.slot(id);
    if (slot < 0) return null;
    const { fields } = this.blocks.current;
    return {
      id,
      x: this.#x[slot]!,
      y: this.#y[slot]!,
      vx: this.#vx[slot]!,
      vy: this.#vy[slot]!,
      speed: this.#speed[slot]!,
      halfSize: this.#halfSize[slot]!,
      wishX: this.#wishX[slot]!,
      wishY: this.#wishY[slot]!,
      hp: fields[this.#hp]![slot]!,
      xp: this.#xp[slot]!,
      gold: this.#gold[slot]!,
      readyAt: this.#readyAt[slot]!,
      level: fields[this.#level]![slot]!,
    };
  }

  /**
   * Composes a session's frame of this snapshot and marks it delivered. `you` is its entity, 0 for a spectator; `ack` its
   * last input that the simulation had applied by this tick. A session that is not composed for has missed the snapshot, and
   * gets full blocks next time. Returns the frame's size in bytes; when `frame` is smaller, nothing was written nor marked:
   * grow it and compose again.
   */
  compose(view: View, you: EntityId, ack: number, frame: FrameBuffer): number {
    if (!this.#open) throw new Error("compose() before begin()");
    const slot = this.slot(you);
    view.aim(this.grid, this.cell(you));
    const head = HEADER_SIZE + (slot < 0 ? 0 : PRIVATE_SIZE);
    const blocksAt = head + FORGOTTEN_SIZE + 4 * this.#forgotten(view);
    const size = blocksAt + 4 * this.#blocksSize(view);
    if (size > frame.size) return size;
    const { view: out } = frame;
    out.setUint8(0, FRAME_SNAPSHOT);
    out.setUint8(1, 0);
    out.setUint32(4, this.tick, true);
    out.setUint32(8, ack, true);
    out.setUint32(12, slot < 0 ? 0 : you, true);
    if (slot >= 0) this.#writePrivate(out, slot);
    this.#writeForgotten(out, head, view);
    out.setUint16(2, this.#copyBlocks(frame.words, blocksAt / 4, view), true);
    view.delivered(this.sequence);
    return size;
  }

  /** Private part: own entity in full precision. hp and level are exact in its block already; here they spare the reader a look-up. */
  #writePrivate(out: DataView, slot: number): void {
    out.setFloat32(HEADER_SIZE, this.#x[slot]!, true);
    out.setFloat32(HEADER_SIZE + 4, this.#y[slot]!, true);
    out.setFloat32(HEADER_SIZE + 8, this.#vx[slot]!, true);
    out.setFloat32(HEADER_SIZE + 12, this.#vy[slot]!, true);
    out.setFloat32(HEADER_SIZE + 16, this.#speed[slot]!, true);
    out.setFloat32(HEADER_SIZE + 20, this.#halfSize[slot]!, true);
    out.setFloat32(HEADER_SIZE + 24, this.#wishX[slot]!, true);
    out.setFloat32(HEADER_SIZE + 28, this.#wishY[slot]!, true);
    out.setInt32(HEADER_SIZE + 32, this.blocks.current.fields[this.#hp]![slot]!, true);
    out.setUint32(HEADER_SIZE + 36, this.#xp[slot]!, true);
    out.setUint32(HEADER_SIZE + 40, this.#gold[slot]!, true);
    out.setUint32(HEADER_SIZE + 44, this.#readyAt[slot]!, true);
    out.setUint16(HEADER_SIZE + 48, this.blocks.current.fields[this.#level]![slot]!, true);
    out.setUint16(HEADER_SIZE + 50, 0, true);
  }

  /** How many cells of the last frame this one does not see. */
  #forgotten({ seen, next }: View): number {
    const columns = Math.min(seen.column1, next.column1) - Math.max(seen.column0, next.column0);
    const rows = Math.min(seen.row1, next.row1) - Math.max(seen.row0, next.row0);
    const kept = columns > 0 && rows > 0 ? columns * rows : 0;
    return (seen.column1 - seen.column0) * (seen.row1 - seen.row0) - kept;
  }

  #writeForgotten(out: DataView, at: number, { seen, next }: View): void {
    let offset = at + FORGOTTEN_SIZE;
    for (let row = seen.row0; row < seen.row1; row++) {
      for (let column = seen.column0; column < seen.column1; column++) {
        if (contains(next, column, row)) continue;
        out.setUint32(offset, row * this.grid.columns + column, true);
        offset += 4;
      }
    }
    out.setUint16(at, (offset - at - FORGOTTEN_SIZE) / 4, true);
    out.setUint16(at + 2, 0, true);
  }

  /** Words of all blocks; encodes those that no session has asked for yet. */
  #blocksSize(view: View): number {
    let words = 0;
    for (let row = view.next.row0; row < view.next.row1; row++) {
      for (let column = view.next.column0; column < view.next.column1; column++) {
        const block = this.#block(view, column, row);
        if (block >= 0) words += this.blocks.blockSize[block]!;
      }
    }
    return words;
  }

  /** Returns how many blocks were copied. */
  #copyBlocks(out: Uint32Array, from: number, view: View): number {
    const { blocks } = this;
    let at = from;
    let copied = 0;
    for (let row = view.next.row0; row < view.next.row1; row++) {
      for (let column = view.next.column0; column < view.next.column1; column++) {
        const block = this.#block(view, column, row);
        if (block < 0) continue;
        const start = blocks.blockStart[block]!;
        const size = blocks.blockSize[block]!;
        for (let i = 0; i < size; i++) out[at + i] = blocks.words[start + i]!;
        at += size;
        copied++;
      }
    }
    return copied;
  }

  /** Which block brings the reader's knowledge of a cell up to this snapshot; -1 when there is nothing to tell. */
  #block(view: View, column: number, row: number): number {
    const { blocks } = this;
    const cell = row * this.grid.columns + column;
    if (!contains(view.seen, column, row)) {
      const block = blocks.full(cell);
      return blocks.blockSize[block]! * 4 > FULL_HEADER_SIZE ? block : -1;
    }
    if (view.sequence === this.sequence) return -1;
    if (view.sequence !== this.sequence - 1) return blocks.full(cell);
    const block = blocks.delta(cell);
    return blocks.blockSize[block]! > 0 ? block : -1;
  }
}

function copy<T extends Float32Array | Uint32Array>(from: T, to: T, count: number): void {
  for (let i = 0; i < count; i++) to[i] = from[i]!;
}
