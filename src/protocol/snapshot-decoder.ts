/**
 * Turns snapshots, binary or JSON, into the entities that a client sees. A snapshot is checked whole before it is applied:
 * a bad one is refused with BAD_FRAME and changes nothing. Costs O(entities named in the frame), and O(entities in view)
 * when a cell is forgotten or sent in full. Steady state allocates one DataView a frame.
 */
import {
  type ColumnInfo,
  ENTER_HEAD_SIZE,
  FieldTable,
  HEADER_SIZE,
  MOVED,
  MOVED_FAR,
  MOVED_NEAR,
  maskSize,
  readField,
} from "./fields.js";
import { BlockHeader, FrameCheck } from "./frame-check.js";
import { dequantise, type InterestGrid, interestGrid } from "./interest.js";
import { checkSnapshotJson } from "./json-check.js";
import type { YouJson } from "./json-encoder.js";
import { type EntityListener, type EntityRecord, RemoteEntities } from "./remote-entity.js";

/** Of a zone as `welcome` or `watching` describes it: units. */
export interface ZoneSize {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
}

export class SnapshotDecoder {
  readonly entities: RemoteEntities;
  /** Of the last snapshot; -1 before the first. */
  tick = -1;
  /** The last input seq that the simulation had applied. */
  ack = 0;
  /** The session's own entity in full precision, the same object each time; null when it has none. */
  you: Readonly<YouJson> | null = null;
  #grid: InterestGrid;
  #table: FieldTable;
  #check: FrameCheck;
  #block: BlockHeader;
  readonly #you: YouJson = {
    id: 0,
    x: 0,
    y: 0,
    vx: 0,
    vy: 0,
    speed: 0,
    halfSize: 0,
    wishX: 0,
    wishY: 0,
    hp: 0,
    xp: 0,
    gold: 0,
    readyAt: 0,
    level: 0,
  };

  /** columns: the game's. Throws BAD_ARGUMENT when the zone has too many cells, or columns that no zone can have. */
  constructor(zone: ZoneSize, columns: readonly ColumnInfo[] = [], listener?: EntityListener) {
    this.#grid = interestGrid(zone.width, zone.height, zone.tileSize);
    this.#table = new FieldTable(columns);
    this.entities = new RemoteEntities(this.#table, listener);
    this.#check = new FrameCheck(this.#grid, this.#table, this.entities);
    this.#block = new BlockHeader(this.#table);
  }

  /** What follows is of another zone: all entities leave. Throws as the constructor does, and changes nothing then. */
  reset(zone: ZoneSize, columns: readonly ColumnInfo[] = []): void {
    const grid = interestGrid(zone.width, zone.height, zone.tileSize);
    const table = new FieldTable(columns);
    this.#grid = grid;
    this.#table = table;
    this.entities.reset(table);
    this.#check = new FrameCheck(grid, table, this.entities);
    this.#block = new BlockHeader(table);
    this.tick = -1;
    this.you = null;
  }

  /** Applies a binary snapshot frame. Throws BAD_FRAME. */
  decode(bytes: Uint8Array): void {
    const frame = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const check = this.#check;
    check.run(frame, this.tick);
    this.#readHeader(frame);
    this.entities.begin(this.tick);
    if (check.clears) this.#clearCells();
    let updated = 0;
    for (let i = 0; i < check.blocks; i++) {
      const block = this.#block.read(frame, check.blockAt[i]!);
      const row = Math.floor(block.cell / this.#grid.columns);
      const left = (block.cell - row * this.#grid.columns) * this.#grid.side;
      const top = row * this.#grid.side;
      this.#applyEnters(frame, block, left, top);
      this.#applyUpdates(frame, block, left, top, updated);
      updated += block.updates;
    }
    for (const record of check.leaving) if (record.left === check.frame) this.entities.remove(record);
  }

  /** Applies a JSON snapshot, as parsed. Throws BAD_FRAME. */
  applyJson(message: unknown): void {
    const snapshot = checkSnapshotJson(message, this.tick, this.entities.byId, this.#table);
    this.tick = snapshot.tick;
    this.ack = snapshot.ack;
    this.you = snapshot.you === null ? null : Object.assign(this.#you, snapshot.you);
    this.entities.begin(this.tick);
    for (const id of snapshot.leave) this.entities.remove(this.entities.records.get(id)!);
    for (const entity of snapshot.enter) {
      const record = this.entities.add(entity.id);
      this.#assign(record.entity, entity);
      this.entities.entered(record);
    }
    for (const changes of snapshot.update) {
      const record = this.entities.records.get(changes.id)!;
      this.#assign(record.entity, changes);
      this.entities.updated(record);
    }
  }

  #readHeader(frame: DataView): void {
    this.tick = frame.getUint32(4, true);
    this.ack = frame.getUint32(8, true);
    const you = this.#you;
    you.id = frame.getUint32(12, true);
    this.you = you.id === 0 ? null : you;
    if (you.id === 0) return;
    you.x = frame.getFloat32(HEADER_SIZE, true);
    you.y = frame.getFloat32(HEADER_SIZE + 4, true);
    you.vx = frame.getFloat32(HEADER_SIZE + 8, true);
    you.vy = frame.getFloat32(HEADER_SIZE + 12, true);
    you.speed = frame.getFloat32(HEADER_SIZE + 16, true);
    you.halfSize = frame.getFloat32(HEADER_SIZE + 20, true);
    you.wishX = frame.getFloat32(HEADER_SIZE + 24, true);
    you.wishY = frame.getFloat32(HEADER_SIZE + 28, true);
    you.hp = frame.getInt32(HEADER_SIZE + 32, true);
    you.xp = frame.getUint32(HEADER_SIZE + 36, true);
    you.gold = frame.getUint32(HEADER_SIZE + 40, true);
    you.readyAt = frame.getUint32(HEADER_SIZE + 44, true);
    you.level = frame.getUint16(HEADER_SIZE + 48, true);
  }

  /** Everything known in a forgotten cell leaves, and in a cell sent in full unless it enters again. */
  #clearCells(): void {
    const check = this.#check;
    for (const record of this.entities.records.values()) {
      if (!check.isCleared(record.cell)) continue;
      record.left = check.frame;
      check.leaving.push(record);
    }
  }

  #applyEnters(frame: DataView, block: BlockHeader, left: number, top: number): void {
    for (let i = 0, at = block.entersAt; i < block.enters; i++, at += this.#table.enterSize) {
      const id = frame.getUint32(at, true);
      const known = this.entities.records.get(id);
      const record = known ?? this.entities.add(id);
      record.left = 0;
      record.cell = block.cell;
      place(record, frame.getUint16(at + 4, true), frame.getUint16(at + 6, true), left, top);
      this.#readFields(frame, at + ENTER_HEAD_SIZE, this.#table.maskAll, record.entity);
      if (known === undefined) this.entities.entered(record);
      else this.entities.updated(record);
    }
  }

  /** `before`: updates of the blocks before this one. */
  #applyUpdates(frame: DataView, block: BlockHeader, left: number, top: number, before: number): void {
    let at = block.updatesAt;
    for (let i = 0; i < block.updates; i++) {
      const record = this.#check.updating[before + i]!;
      const mask = this.#table.readMask(frame, at + 4);
      at += 4 + maskSize(mask);
      if (mask & MOVED_NEAR) {
        place(record, record.qx + frame.getInt8(at), record.qy + frame.getInt8(at + 1), left, top);
        at += 2;
      } else if (mask & MOVED_FAR) {
        place(record, frame.getUint16(at, true), frame.getUint16(at + 2, true), left, top);
        at += 4;
      }
      if (mask & ~MOVED) at = this.#readFields(frame, at, mask, record.entity);
      this.entities.updated(record);
    }
  }

  /** Reads the fields that the mask says follow; returns where they end. */
  #readFields(frame: DataView, from: number, mask: number, entity: Record<string, number>): number {
    let at = from;
    for (let rest = mask & ~MOVED; rest !== 0; rest &= rest - 1) {
      const field = this.#table.lowest(rest);
      entity[field.name] = readField(frame, at, field);
      at += field.size;
    }
    return at;
  }

  #assign(entity: Record<string, number>, changes: Readonly<Record<string, number | undefined>>): void {
    entity["x"] = changes["x"] ?? entity["x"]!;
    entity["y"] = changes["y"] ?? entity["y"]!;
    for (const { name } of this.#table.fields) entity[name] = changes[name] ?? entity[name]!;
  }
}

function place(record: EntityRecord, qx: number, qy: number, left: number, top: number): void {
  record.qx = qx;
  record.qy = qy;
  record.entity.x = dequantise(qx, left);
  record.entity.y = dequantise(qy, top);
}
