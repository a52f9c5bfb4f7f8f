/**
 * The one table of an entity's replicated fields, which drives encoder, decoder, JSON and checks alike, and the sizes that
 * follow from it. It begins with fixed fields of every zone, one row each below; behind them come the columns that the zone's game
 * declares, as `welcome` and `watching` list them. Position is not in the table: it has two forms, and its own mask bits.
 *
 *     mask   bit 7     6      5      4     3     2      1     0          u16, only where bit 7 is set: bit i is the game's column i
 *                own  level  state  team  kind   hp    far   near
 */
import { GyreError } from "../errors.js";
import type { Columns, ColumnType, EntityId, TypedColumn } from "../kernel/types.js";

/** A column of the game's own that is replicated. */
export interface ColumnInfo {
  readonly name: string;
  readonly type: ColumnType;
}

export interface Field extends ColumnInfo {
  /** In {@link FieldTable.fields}. */
  readonly index: number;
  /** Bytes. */
  readonly size: number;
  /** Its bit in a mask as {@link FieldTable.readMask} gives it. */
  readonly bit: number;
}

const FIXED = [
  { name: "hp", type: "i32" },
  { name: "kind", type: "u16" },
  { name: "team", type: "u8" },
  { name: "state", type: "u8" },
  { name: "level", type: "u16" },
] as const satisfies readonly ColumnInfo[];

/** Fields that entities of every zone have. */
export type FixedField = (typeof FIXED)[number]["name"];

/** An entity as its reader knows it: position in units, and every row of the zone's table. */
export type Entity = { id: EntityId; x: number; y: number } & Record<FixedField, number> & Record<string, number>;

/** Replicated columns of a game, at most: as many as the mask has bits for. */
export const OWN_COLUMNS_MAX = 16;
/** Characters of a column's name. */
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
/** Names that an entity has already, in its readers' hands. */
const TAKEN: ReadonlySet<string> = new Set(["id", "x", "y", "constructor", ...FIXED.map(({ name }) => name)]);

const TYPE_SIZES: Readonly<Record<ColumnType, number>> = { f32: 4, i32: 4, u32: 4, i16: 2, u16: 2, i8: 1, u8: 1 };

/** Update mask: i8 steps along x and y since the previous snapshot. */
export const MOVED_NEAR = 1 << 0;
/** Update mask: u16 position inside the cell. Never together with {@link MOVED_NEAR}. */
export const MOVED_FAR = 1 << 1;
/** Both. */
export const MOVED = MOVED_NEAR | MOVED_FAR;
const FIXED_SHIFT = 2;
/** Update mask: a u16 follows, not 0, with a bit for each of the game's columns. */
const OWN_FOLLOWS = 1 << 7;
const OWN_SHIFT = 8;

/** Bytes of a leave: u32 id, u32 cell it went to. */
export const LEAVE_SIZE = 8;
/** Bytes of an enter before its fields: u32 id, u16 and u16 position. */
export const ENTER_HEAD_SIZE = 8;
/** Bytes of the shortest update: u32 id, u8 mask, one u8 field. */
export const UPDATE_SIZE_MIN = 6;

/** Frame kind of a snapshot; others are reserved. */
export const FRAME_SNAPSHOT = 1;
/** Bytes before the private part: u8 kind, u8 flags, u16 blocks, u32 tick, u32 ack, u32 you. */
export const HEADER_SIZE = 16;
/**
 * Bytes of the private part: f32 x, y, vx, vy, speed, halfSize, wishX, wishY, i32 hp, u32 xp, u32 gold, u32 readyAt, u16 level,
 * u16 reserved.
 */
export const PRIVATE_SIZE = 52;
/** How many f32 it begins with. */
export const PRIVATE_FLOATS = 8;
/** Bytes of the count of forgotten cells: u16 count, u16 reserved. */
export const FORGOTTEN_SIZE = 4;
/** Bytes of a full block's header: u32 cell, u32 enters. */
export const FULL_HEADER_SIZE = 8;
/** Bytes of a delta block's header: u32 cell | DELTA_FLAG, u32 leaves, u32 enters, u32 updates. */
export const DELTA_HEADER_SIZE = 16;
/** Marks a delta block in the word that says its cell. */
export const DELTA_FLAG = 0x80000000;
/** Where an entity went that left the zone. */
export const CELL_NONE = 0xffffffff;

/** The columns that are replicated, indexed by slot; `id` is 0 where no entity is. A zone's columns are such. */
export type SnapshotColumns = Pick<
  Columns,
  "id" | "x" | "y" | "vx" | "vy" | "speed" | "halfSize" | "wishX" | "wishY" | "xp" | "gold" | "readyAt" | FixedField
>;

export class FieldTable {
  /** The game's columns, in order. */
  readonly columns: readonly ColumnInfo[];
  /** All fields in the order of the wire. */
  readonly fields: readonly Field[];
  /** Everything of an entity but its id, by name. */
  readonly names: readonly string[];
  /** Bytes of an enter. */
  readonly enterSize: number;
  /** Bytes of the longest update. */
  readonly updateSizeMax: number;
  /** Every bit that an update's mask may have. */
  readonly maskAll: number;
  /** The bits of the fields that are f32. */
  readonly floats: number;
  /** Bytes of what eight bits of a mask say follows: the low ones, then those of each eight columns. */
  readonly #sizes: readonly Uint8Array[];

  /** Throws BAD_ARGUMENT for more than {@link OWN_COLUMNS_MAX} columns, a bad type, or a name that is no name, taken or doubled. */
  constructor(columns: readonly ColumnInfo[] = []) {
    checkColumns(columns);
    this.columns = columns;
    const own = columns.map((column, i) => fieldOf(column, FIXED.length + i, OWN_SHIFT + i));
    this.fields = [...FIXED_FIELDS, ...own];
    this.#sizes = [0, 8, 16].map((shift) =>
      Uint8Array.from({ length: 256 }, (_, bits) => sizeOfBits(this.fields, bits << shift)),
    );
    this.names = ["x", "y", ...this.fields.map(({ name }) => name)];
    const size = sizeOf(this.fields);
    this.enterSize = ENTER_HEAD_SIZE + size;
    this.updateSizeMax = 4 + 3 + 4 + size;
    this.maskAll = this.fields.reduce((mask, { bit }) => mask | bit, MOVED);
    this.floats = this.fields.reduce((mask, { type, bit }) => mask | (type === "f32" ? bit : 0), 0);
  }

  /** An entity of which nothing is known yet. */
  blank(): Entity {
    const entity: Record<string, number> = { id: 0, x: 0, y: 0 };
    for (const { name } of this.fields) entity[name] = 0;
    return entity as Entity;
  }

  /** The mask at `offset`: bits 0 to 6 as on the wire, own column i at bit 8 + i; bit 7 alone is one that says nothing, and bad. */
  readMask(view: DataView, offset: number): number {
    const mask = view.getUint8(offset);
    if (mask < OWN_FOLLOWS) return mask;
    const own = offset + 3 <= view.byteLength ? view.getUint16(offset + 1, true) : 0;
    return own === 0 ? mask : (mask & ~OWN_FOLLOWS) | (own << OWN_SHIFT);
  }

  /** Bytes that follow an update's mask. */
  bodySize(mask: number): number {
    const [fixed, low, high] = this.#sizes;
    return fixed![mask & 0xff]! + low![(mask >>> 8) & 0xff]! + high![mask >>> 16]!;
  }

  /** The field of the lowest bit of a mask that says nothing of position: `for (let rest = mask; rest !== 0; rest &= rest - 1)`. */
  lowest(mask: number): Field {
    const bit = 31 - Math.clz32(mask & -mask);
    return this.fields[bit < OWN_SHIFT ? bit - FIXED_SHIFT : bit - OWN_SHIFT + FIXED.length]!;
  }
}

/** Bytes of a mask as it stands on the wire. */
export function maskSize(mask: number): number {
  return mask >>> OWN_SHIFT === 0 ? 1 : 3;
}

/** Writes a mask; the caller has left {@link maskSize} bytes for it. */
export function writeMask(view: DataView, offset: number, mask: number): void {
  const own = mask >>> OWN_SHIFT;
  view.setUint8(offset, own === 0 ? mask : (mask & 0xff) | OWN_FOLLOWS);
  if (own !== 0) view.setUint16(offset + 1, own, true);
}

/**
 * Writes a field from its word, which is its value as an i32, and of an f32 the bits: so rows of all fields are columns of one type,
 * and compare bit by bit. The caller advances by `field.size`.
 */
export function writeField(view: DataView, offset: number, { size }: Field, word: number): void {
  if (size === 4) view.setInt32(offset, word, true);
  else if (size === 2) view.setUint16(offset, word, true);
  else view.setUint8(offset, word);
}

export function readField(view: DataView, offset: number, { type }: Field): number {
  if (type === "i32") return view.getInt32(offset, true);
  if (type === "u16") return view.getUint16(offset, true);
  if (type === "u8") return view.getUint8(offset);
  if (type === "f32") return view.getFloat32(offset, true);
  if (type === "u32") return view.getUint32(offset, true);
  return type === "i16" ? view.getInt16(offset, true) : view.getInt8(offset);
}

/** A column whose elements, as i32, are words. */
export type WordColumn = Exclude<TypedColumn, Float32Array>;

export function wordColumn(column: TypedColumn): WordColumn {
  if (!(column instanceof Float32Array)) return column;
  return new Int32Array(column.buffer, column.byteOffset, column.length);
}

/** `f32` for a Float32Array, and so on. */
export function typeOf(column: TypedColumn): ColumnType {
  const name = column.constructor.name;
  return `${name.slice(0, 1).toLowerCase()}${8 * column.BYTES_PER_ELEMENT}` as ColumnType;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The value that a word stands for. */
export function fieldValue({ type }: Field, word: number): number {
  if (type === "u32") return word >>> 0;
  if (type !== "f32") return word;
  scratch.setInt32(0, word);
  return scratch.getFloat32(0);
}

/** Whether a value, from JSON, is one that the field can have. */
export function isFieldValue({ type, size }: Field, value: unknown): value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (type === "f32") return value === Math.fround(value);
  const span = 2 ** (8 * size);
  const least = type.startsWith("i") ? -span / 2 : 0;
  return Number.isInteger(value) && value >= least && value < least + span;
}

const FIXED_FIELDS: readonly Field[] = FIXED.map((column, i) => fieldOf(column, i, FIXED_SHIFT + i));

function fieldOf({ name, type }: ColumnInfo, index: number, bit: number): Field {
  return { name, type, index, size: TYPE_SIZES[type], bit: 1 << bit };
}

function sizeOf(fields: readonly Field[]): number {
  return fields.reduce((sum, { size }) => sum + size, 0);
}

function sizeOfBits(fields: readonly Field[], mask: number): number {
  const moved = mask & MOVED_NEAR ? 2 : mask & MOVED_FAR ? 4 : 0;
  return moved + sizeOf(fields.filter(({ bit }) => mask & bit));
}

/** Whether a replicated column may be called so, unless the name is taken. */
export function isColumnName(name: string): boolean {
  return COLUMN_NAME.test(name);
}

/** Whether entities have something of that name already. */
export function isTakenName(name: string): boolean {
  return TAKEN.has(name);
}

/** Throws BAD_ARGUMENT unless a table may have these columns. */
export function checkColumns(columns: readonly ColumnInfo[]): void {
  if (columns.length > OWN_COLUMNS_MAX) {
    throw new GyreError("BAD_ARGUMENT", `${columns.length} replicated columns are more than ${OWN_COLUMNS_MAX}`);
  }
  const names = new Set<string>();
  for (const { name, type } of columns) {
    if (!isColumnName(name) || isTakenName(name) || names.has(name)) {
      throw new GyreError("BAD_ARGUMENT", `${JSON.stringify(name)} cannot be the name of a replicated column`);
    }
    if (!Object.hasOwn(TYPE_SIZES, type)) {
      throw new GyreError("BAD_ARGUMENT", `the type of column ${name} is ${JSON.stringify(type)}`);
    }
    names.add(name);
  }
}
