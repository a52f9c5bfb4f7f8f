/**
 * The one table of an entity's replicated fields, which drives encoder and decoder alike, and the sizes that follow from it.
 * A new field is one row here (and a column of that name); the wire's documentation lists the same rows in the same order.
 * Position is not in the table: it has two forms, and its own mask bits.
 */
import type { Columns } from "../kernel/types.js";

export interface Field {
  readonly name: "hp" | "kind" | "team";
  readonly type: "i32" | "u16" | "u8";
  /** Bytes. */
  readonly size: number;
  /** Its bit in the mask of an update. */
  readonly bit: number;
}

/** Update mask: i8 steps along x and y since the previous snapshot. */
export const MOVED_NEAR = 1 << 0;
/** Update mask: u16 position inside the cell. Never together with {@link MOVED_NEAR}. */
export const MOVED_FAR = 1 << 1;

export const FIELDS: readonly Field[] = [
  { name: "hp", type: "i32", size: 4, bit: 1 << 2 },
  { name: "kind", type: "u16", size: 2, bit: 1 << 3 },
  { name: "team", type: "u8", size: 1, bit: 1 << 4 },
];

/** Every bit that an update's mask may have. */
export const MASK_ALL = FIELDS.reduce((mask, field) => mask | field.bit, MOVED_NEAR | MOVED_FAR);

const FIELDS_SIZE = FIELDS.reduce((size, field) => size + field.size, 0);
/** Bytes of a leave: u32 id, u32 cell it went to. */
export const LEAVE_SIZE = 8;
/** Bytes of an enter: u32 id, u16 and u16 position, all fields. */
export const ENTER_SIZE = 8 + FIELDS_SIZE;
/** Bytes of the shortest update: u32 id, u8 mask, one u8 field. */
export const UPDATE_SIZE_MIN = 6;
/** Bytes of the longest update: u32 id, u8 mask, u16 and u16 position, all fields. */
export const UPDATE_SIZE_MAX = 9 + FIELDS_SIZE;

/** Frame kind of a snapshot; others are reserved. */
export const FRAME_SNAPSHOT = 1;
/** Bytes before the private part: u8 kind, u8 flags, u16 blocks, u32 tick, u32 ack, u32 you. */
export const HEADER_SIZE = 16;
/** Bytes of the private part: f32 x, y, vx, vy, i32 hp. */
export const PRIVATE_SIZE = 20;
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

/** The columns that are replicated, indexed by slot; `id` is 0 where no entity lives. A zone's columns are such. */
export type SnapshotColumns = Pick<Columns, "id" | "x" | "y" | "vx" | "vy" | "hp" | "kind" | "team">;

/** Writes a field's value; the caller advances by `field.size`. */
export function writeField(view: DataView, offset: number, field: Field, value: number): void {
  if (field.size === 4) view.setInt32(offset, value, true);
  else if (field.size === 2) view.setUint16(offset, value, true);
  else view.setUint8(offset, value);
}

export function readField(view: DataView, offset: number, field: Field): number {
  if (field.size === 4) return view.getInt32(offset, true);
  return field.size === 2 ? view.getUint16(offset, true) : view.getUint8(offset);
}

/** Whether a value, from JSON, is one that the field can have. */
export function isFieldValue(field: Field, value: unknown): value is number {
  if (!Number.isInteger(value)) return false;
  const number = value as number;
  if (field.type === "i32") return number === (number | 0);
  return number >= 0 && number < 2 ** (8 * field.size);
}

/** Bytes that follow an update's mask. */
export function updateBodySize(mask: number): number {
  let size = mask & MOVED_NEAR ? 2 : mask & MOVED_FAR ? 4 : 0;
  for (const field of FIELDS) if (mask & field.bit) size += field.size;
  return size;
}
