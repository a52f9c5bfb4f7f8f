/**
 * Decides whether a binary snapshot frame is good, against docs/wire.md and against what the client knows, before anything
 * of it is applied. Costs two walks over the frame and one look-up for each entity named in it.
 *
 * What it finds out on the way is kept for the decoder, marked with the number of the frame, so that nothing has to be
 * undone when a later byte is bad: the marks of a refused frame never match again.
 */
import { GyreError } from "../errors.js";
import {
  CELL_NONE,
  DELTA_FLAG,
  DELTA_HEADER_SIZE,
  ENTER_HEAD_SIZE,
  type FieldTable,
  FORGOTTEN_SIZE,
  FRAME_SNAPSHOT,
  FULL_HEADER_SIZE,
  HEADER_SIZE,
  LEAVE_SIZE,
  MOVED,
  MOVED_FAR,
  MOVED_NEAR,
  maskSize,
  PRIVATE_FLOATS,
  PRIVATE_SIZE,
  UPDATE_SIZE_MIN,
} from "./fields.js";
import type { InterestGrid } from "./interest.js";
import type { EntityRecord, RemoteEntities } from "./remote-entity.js";
import { VIEW_CELLS_MAX } from "./view.js";

/** The lists of one block, as read from its header. */
export class BlockHeader {
  cell = 0;
  delta = false;
  leaves = 0;
  enters = 0;
  updates = 0;
  /** Offset of the first list, in bytes. */
  body = 0;
  readonly #enterSize: number;

  constructor({ enterSize }: FieldTable) {
    this.#enterSize = enterSize;
  }

  /** Reads the header at `offset`, which must lie inside the frame. */
  read(frame: DataView, offset: number): this {
    const word = frame.getUint32(offset, true);
    this.delta = word >= DELTA_FLAG;
    this.cell = this.delta ? word - DELTA_FLAG : word;
    this.leaves = this.delta ? frame.getUint32(offset + 4, true) : 0;
    this.enters = frame.getUint32(offset + (this.delta ? 8 : 4), true);
    this.updates = this.delta ? frame.getUint32(offset + 12, true) : 0;
    this.body = offset + (this.delta ? DELTA_HEADER_SIZE : FULL_HEADER_SIZE);
    return this;
  }

  get entersAt(): number {
    return this.body + this.leaves * LEAVE_SIZE;
  }

  get updatesAt(): number {
    return this.entersAt + this.enters * this.#enterSize;
  }
}

export class FrameCheck {
  /** Number of the frame being checked. */
  frame = 0;
  /** Offsets of its blocks. */
  readonly blockAt = new Uint32Array(VIEW_CELLS_MAX);
  blocks = 0;
  /** Known entities that a delta block says left their cell. */
  readonly leaving: EntityRecord[] = [];
  /** The entities of all updates, in their order, so that they are looked up once: `updates` of them. */
  readonly updating: EntityRecord[] = [];
  updates = 0;
  /** Whether a cell is forgotten or sent in full, so that the entities known in it leave. */
  clears = false;
  readonly #grid: InterestGrid;
  readonly #entities: RemoteEntities;
  /** The last frame that cleared each cell. */
  readonly #cleared: Uint32Array;
  readonly #arriving = new Set<number>();
  readonly #table: FieldTable;
  readonly #block: BlockHeader;

  constructor(grid: InterestGrid, table: FieldTable, entities: RemoteEntities) {
    this.#grid = grid;
    this.#table = table;
    this.#block = new BlockHeader(table);
    this.#entities = entities;
    this.#cleared = new Uint32Array(grid.count);
  }

  /** Throws BAD_FRAME unless the frame is good. `tick` is that of the last one. */
  run(frame: DataView, tick: number): void {
    this.frame++;
    this.blocks = 0;
    this.leaving.length = 0;
    this.updates = 0;
    this.clears = false;
    this.#arriving.clear();
    this.#checkBlocks(frame, this.#checkForgotten(frame, checkHeader(frame, tick)));
    for (let i = 0; i < this.blocks; i++) this.#checkLeaves(frame, this.#block.read(frame, this.blockAt[i]!));
    for (let i = 0; i < this.blocks; i++) {
      this.#checkEnters(frame, this.#block.read(frame, this.blockAt[i]!));
      this.#checkUpdates(frame, this.#block);
    }
  }

  /** Whether this frame forgets the cell, or sends it in full. */
  isCleared(cell: number): boolean {
    return this.#cleared[cell] === this.frame;
  }

  #checkForgotten(frame: DataView, at: number): number {
    const count = frame.getUint16(at, true);
    if (frame.getUint16(at + 2, true) !== 0) throw bad("reserved bytes are not 0");
    const end = at + FORGOTTEN_SIZE + 4 * count;
    if (end > frame.byteLength) throw bad(`${count} forgotten cells do not fit the frame`);
    let last = -1;
    for (let offset = at + FORGOTTEN_SIZE; offset < end; offset += 4) {
      const cell = frame.getUint32(offset, true);
      this.#checkCell(cell, last);
      this.#clear(cell);
      last = cell;
    }
    return end;
  }

  /** The blocks' shape: everything that can be told without knowing the entities. */
  #checkBlocks(frame: DataView, from: number): void {
    const count = frame.getUint16(2, true);
    if (count > VIEW_CELLS_MAX) throw bad(`${count} blocks are more than ${VIEW_CELLS_MAX}`);
    let last = -1;
    let offset = from;
    for (; this.blocks < count; this.blocks++) {
      this.blockAt[this.blocks] = offset;
      if (offset + FULL_HEADER_SIZE > frame.byteLength) throw bad("the frame ends before a block");
      const delta = frame.getUint32(offset, true) >= DELTA_FLAG;
      if (delta && offset + DELTA_HEADER_SIZE > frame.byteLength) throw bad("the frame ends inside a block's header");
      const block = this.#block.read(frame, offset);
      this.#checkCell(block.cell, last);
      if (this.isCleared(block.cell)) throw bad(`cell ${block.cell} is forgotten and has a block`);
      if (!delta) this.#clear(block.cell);
      last = block.cell;
      offset = checkShape(frame, block, this.#table);
    }
    if (offset !== frame.byteLength) throw bad(`${frame.byteLength - offset} bytes follow the last block`);
  }

  #checkCell(cell: number, last: number): void {
    if (cell >= this.#grid.count) throw bad(`cell ${cell} is not one of ${this.#grid.count}`);
    if (cell <= last) throw bad(`cell ${cell} follows cell ${last}`);
  }

  #clear(cell: number): void {
    this.#cleared[cell] = this.frame;
    this.clears = true;
  }

  #checkLeaves(frame: DataView, block: BlockHeader): void {
    for (let i = 0, at = block.body; i < block.leaves; i++, at += LEAVE_SIZE) {
      const id = frame.getUint32(at, true);
      const to = frame.getUint32(at + 4, true);
      if (to === block.cell || (to >= this.#grid.count && to !== CELL_NONE)) throw bad(`${id} leaves to cell ${to}`);
      const record = this.#known(id, block.cell);
      record.left = this.frame;
      this.leaving.push(record);
    }
  }

  #checkEnters(frame: DataView, block: BlockHeader): void {
    for (let i = 0, at = block.entersAt; i < block.enters; i++, at += this.#table.enterSize) {
      const id = frame.getUint32(at, true);
      this.#checkFloats(frame, at + ENTER_HEAD_SIZE, this.#table.floats === 0 ? 0 : this.#table.maskAll & ~MOVED);
      const record = this.#entities.records.get(id);
      if (record === undefined) {
        if (this.#arriving.has(id)) throw bad(`${id} enters twice`);
        this.#arriving.add(id);
      } else {
        if (record.entered === this.frame) throw bad(`${id} enters twice`);
        if (record.left !== this.frame && !this.isCleared(record.cell)) throw bad(`${id} enters but never left`);
        record.entered = this.frame;
      }
    }
  }

  #checkUpdates(frame: DataView, block: BlockHeader): void {
    for (let i = 0, at = block.updatesAt; i < block.updates; i++) {
      const id = frame.getUint32(at, true);
      const record = this.#known(id, block.cell);
      if (record.left === this.frame) throw bad(`${id} is updated but left`);
      const mask = this.#table.readMask(frame, at + 4);
      at += 4 + maskSize(mask);
      if (mask & MOVED_NEAR) {
        const qx = record.qx + frame.getInt8(at);
        const qy = record.qy + frame.getInt8(at + 1);
        if (qx !== (qx & 0xffff) || qy !== (qy & 0xffff)) throw bad(`${id} moves to ${qx}, ${qy}`);
      }
      this.#checkFloats(frame, at, mask);
      this.updating[this.updates++] = record;
      at += this.#table.bodySize(mask);
    }
  }

  /** Checks the f32 fields among those that the mask says follow. */
  #checkFloats(frame: DataView, from: number, mask: number): void {
    const { floats } = this.#table;
    if ((mask & floats) === 0) return;
    let at = from + this.#table.bodySize(mask & MOVED);
    for (let rest = mask & ~MOVED; rest !== 0; rest &= rest - 1) {
      const field = this.#table.lowest(rest);
      if (field.bit & floats && !Number.isFinite(frame.getFloat32(at, true))) throw bad(`${field.name} is not finite`);
      at += field.size;
    }
  }

  #known(id: number, cell: number): EntityRecord {
    const record = this.#entities.records.get(id);
    if (record === undefined || record.cell !== cell) throw bad(`${id} is not known in cell ${cell}`);
    return record;
  }
}

/** Returns where the forgotten cells begin. */
function checkHeader(frame: DataView, tick: number): number {
  const size = frame.byteLength;
  if (size < HEADER_SIZE + FORGOTTEN_SIZE || size % 4 !== 0) throw bad(`a snapshot frame cannot have ${size} bytes`);
  if (frame.getUint8(0) !== FRAME_SNAPSHOT) throw bad(`frame kind ${frame.getUint8(0)} is not ${FRAME_SNAPSHOT}`);
  if (frame.getUint8(1) !== 0) throw bad(`flags ${frame.getUint8(1)} are not 0`);
  if (frame.getUint32(4, true) < tick) throw bad(`tick ${frame.getUint32(4, true)} follows tick ${tick}`);
  if (frame.getUint32(12, true) === 0) return HEADER_SIZE;
  if (size < HEADER_SIZE + PRIVATE_SIZE + FORGOTTEN_SIZE) throw bad("the frame ends inside the private part");
  for (let at = HEADER_SIZE; at < HEADER_SIZE + 4 * PRIVATE_FLOATS; at += 4) {
    const value = frame.getFloat32(at, true);
    if (!Number.isFinite(value)) throw bad(`the private part has ${value}`);
  }
  if (frame.getUint16(HEADER_SIZE + PRIVATE_SIZE - 2, true) !== 0) throw bad("reserved bytes are not 0");
  return HEADER_SIZE + PRIVATE_SIZE;
}

/** Checks that a block's lists fit the frame, in order of ids, and are padded by zeros; returns where it ends. */
function checkShape(frame: DataView, block: BlockHeader, table: FieldTable): number {
  if (block.updatesAt + block.updates * UPDATE_SIZE_MIN > frame.byteLength) {
    throw bad(`the lists of cell ${block.cell} do not fit the frame`);
  }
  checkOrder(frame, block.body, block.leaves, LEAVE_SIZE);
  checkOrder(frame, block.entersAt, block.enters, table.enterSize);
  let end = checkUpdateShapes(frame, block, table);
  for (; end % 4 !== 0; end++) if (frame.getUint8(end) !== 0) throw bad("padding is not 0");
  return end;
}

function checkOrder(frame: DataView, from: number, count: number, size: number): void {
  let last = 0;
  for (let i = 0, at = from; i < count; i++, at += size) {
    const id = frame.getUint32(at, true);
    if (id <= last) throw bad(`id ${id} follows id ${last}`);
    last = id;
  }
}

function checkUpdateShapes(frame: DataView, block: BlockHeader, table: FieldTable): number {
  let last = 0;
  let at = block.updatesAt;
  for (let i = 0; i < block.updates; i++) {
    if (at + UPDATE_SIZE_MIN > frame.byteLength) throw bad(`the updates of cell ${block.cell} do not fit the frame`);
    const id = frame.getUint32(at, true);
    const mask = table.readMask(frame, at + 4);
    if (id <= last) throw bad(`id ${id} follows id ${last}`);
    if (mask === 0 || mask & ~table.maskAll || (mask & MOVED_NEAR && mask & MOVED_FAR))
      throw bad(`${id} has mask ${mask}`);
    last = id;
    at += 4 + maskSize(mask) + table.bodySize(mask);
  }
  if (at > frame.byteLength) throw bad(`the updates of cell ${block.cell} do not fit the frame`);
  return at;
}

export function bad(message: string): GyreError {
  return new GyreError("BAD_FRAME", message);
}
