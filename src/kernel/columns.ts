/** The columns of a zone: names and types in the order in which they lie, the kernel's own and those of a game. */
import { bad } from "./check.js";
import type { ColumnType, TypedColumn } from "./types.js";

/** In the order of the header's addresses: columns of 4 bytes, of 2, of 1. */
export const COLUMNS = [
  ["x", "f32"],
  ["y", "f32"],
  ["vx", "f32"],
  ["vy", "f32"],
  ["wishX", "f32"],
  ["wishY", "f32"],
  ["speed", "f32"],
  ["halfSize", "f32"],
  ["hp", "i32"],
  ["id", "u32"],
  ["next", "u32"],
  ["target", "u32"],
  ["homeX", "f32"],
  ["homeY", "f32"],
  ["faceX", "f32"],
  ["faceY", "f32"],
  ["readyAt", "u32"],
  ["hitAt", "u32"],
  ["until", "u32"],
  ["xp", "u32"],
  ["gold", "u32"],
  ["route", "u32"],
  ["wayX", "f32"],
  ["wayY", "f32"],
  ["generation", "u16"],
  ["kind", "u16"],
  ["level", "u16"],
  ["team", "u8"],
  ["alive", "u8"],
  ["state", "u8"],
  ["action", "u8"],
  ["flags", "u8"],
] as const satisfies readonly (readonly [string, ColumnType])[];

const ARRAYS = {
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  i16: Int16Array,
  u16: Uint16Array,
  i8: Int8Array,
  u8: Uint8Array,
} as const;

export function columnBytes(type: ColumnType): number {
  return ARRAYS[type].BYTES_PER_ELEMENT;
}

/** A view of `capacity` elements. */
export function columnView(
  type: ColumnType,
  buffer: ArrayBuffer | SharedArrayBuffer,
  address: number,
  capacity: number,
): TypedColumn {
  return new ARRAYS[type](buffer as ArrayBuffer, address, capacity);
}

/** Name and type of each column of a game's own, in order of declaration. */
export type OwnColumns = readonly (readonly [string, ColumnType])[];

/** What an identifier may be in most languages, so that it can be a property, a label and a field. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,31}$/;

/** Throws BAD_ARGUMENT. */
export function checkOwnColumns(columns: unknown, max: number): OwnColumns {
  if (typeof columns !== "object" || columns === null || Array.isArray(columns)) {
    throw bad("columns", columns, "an object of names and types");
  }
  const entries = Object.entries(columns);
  if (entries.length > max) throw bad("columns", `${entries.length} of them`, `at most ${max}`);
  for (const [name, type] of entries) {
    if (!NAME.test(name)) throw bad("a column's name", name, "a letter and up to 31 letters, digits and _");
    if (!Object.hasOwn(ARRAYS, type as string)) throw bad(`columns.${name}`, type, Object.keys(ARRAYS).join(", "));
  }
  return entries as unknown as OwnColumns;
}

/** Two bits a column, as the kernel wants them: 1, 2 or 3 for 1, 2 or 4 bytes. */
export function ownSizes(columns: OwnColumns): bigint {
  let sizes = 0n;
  columns.forEach(([, type], i) => {
    const bytes = columnBytes(type);
    sizes |= BigInt(bytes === 4 ? 3 : bytes) << BigInt(2 * i);
  });
  return sizes;
}
