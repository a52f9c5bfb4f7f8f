/**
 * The one table of an entity's replicated fields, which drives encoder, decoder, JSON and checks alike. It begins with fixed fields of
 * every zone; behind them come the columns that the zone's game declares, as `welcome` and `watching` list them. On the way a field is a
 * word, an i32: of an integer its value, of an f32 with a step how many of those, of another f32 its bits. Position is not in the table.
 */
import { GyreError } from "../errors.js";
import type { ColumnType, EntityId, TypedColumn } from "../kernel/types.js";

/** A column of the game's own that is replicated. */
export interface ColumnInfo {
  readonly name: string;
  readonly type: ColumnType;
  /** Of an f32: what it is rounded to a multiple of. Absent: it is told as it is, in 32 bits. */
  readonly step?: number;
}

export interface Field extends ColumnInfo {
  /** In {@link FieldTable.fields}. */
  readonly index: number;
  /** Its words are the bits of floats. */
  readonly isRaw: boolean;
  /** Of other words: the least and the most. */
  readonly least: number;
  readonly most: number;
}

const FIXED = [
  { name: "hp", type: "i32" },
  { name: "kind", type: "u16" },
  { name: "team", type: "u8" },
  { name: "state", type: "u8" },
  { name: "level", type: "u16" },
] as const satisfies readonly ColumnInfo[];

/** Fields that entities of every zone have. */
type FixedField = (typeof FIXED)[number]["name"];

/** Their places among the words. */
export const HP = 0;
export const LEVEL = 4;

/** An entity as its reader knows it: position in units, and every row of the zone's table. */
export type Entity = { id: EntityId; x: number; y: number } & Record<FixedField, number> & Record<string, number>;

/** Replicated columns of a game, at most. */
export const OWN_COLUMNS_MAX = 16;
/** Of a column: units. */
const STEP_MIN = 2 ** -20;
const STEP_MAX = 2 ** 20;
/** Characters of a column's name. */
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
/** Names that an entity has already, in its readers' hands. */
const TAKEN: ReadonlySet<string> = new Set(["id", "x", "y", "constructor", ...FIXED.map(({ name }) => name)]);
const TYPE_BYTES: Readonly<Record<ColumnType, number>> = { f32: 4, i32: 4, u32: 4, i16: 2, u16: 2, i8: 1, u8: 1 };

export class FieldTable {
  /** The game's columns, in order. */
  readonly columns: readonly ColumnInfo[];
  /** All fields in the order of the wire. */
  readonly fields: readonly Field[];
  /** Everything of an entity but its id, by name. */
  readonly names: readonly string[];

  /** Throws BAD_ARGUMENT for what {@link checkColumns} refuses. */
  constructor(columns: readonly ColumnInfo[] = []) {
    checkColumns(columns);
    this.columns = columns;
    this.fields = [...FIXED, ...columns].map((column: ColumnInfo, index) => {
      const { type, step } = column;
      const isWide = TYPE_BYTES[type] === 4;
      return {
        ...{ ...column, index, isRaw: type === "f32" && step === undefined },
        least: isWide ? -(2 ** 31) : leastOf(type),
        most: isWide ? 2 ** 31 - 1 : leastOf(type) + 2 ** (8 * TYPE_BYTES[type]) - 1,
      };
    });
    this.names = ["x", "y", ...this.fields.map(({ name }) => name)];
  }

  /** An entity of which nothing is known yet. */
  blank(): Entity {
    const entity: Record<string, number> = { id: 0, x: 0, y: 0 };
    for (const { name } of this.fields) entity[name] = 0;
    return entity as Entity;
  }
}

/** `f32` for a Float32Array, and so on. */
export function typeOf(column: TypedColumn): ColumnType {
  const name = column.constructor.name;
  return `${name.slice(0, 1).toLowerCase()}${8 * column.BYTES_PER_ELEMENT}` as ColumnType;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The value that a word stands for. */
export function fieldValue({ type, step }: Field, word: number): number {
  if (type !== "f32") return type === "u32" ? word >>> 0 : word;
  if (step !== undefined) return word * step;
  scratch.setInt32(0, word);
  return scratch.getFloat32(0);
}

/** Whether a word, from the wire, is one that the field can have. */
export function isFieldWord({ isRaw, least, most }: Field, word: number): boolean {
  return isRaw ? (word & 0x7f800000) !== 0x7f800000 : word >= least && word <= most;
}

/** The same of a value, from JSON. */
export function isFieldValue({ type, step }: Field, value: unknown): value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (type === "f32") return step !== undefined || value === Math.fround(value);
  return Number.isInteger(value) && value >= leastOf(type) && value < leastOf(type) + 2 ** (8 * TYPE_BYTES[type]);
}

function leastOf(type: ColumnType): number {
  return type.startsWith("i") ? -(2 ** (8 * TYPE_BYTES[type] - 1)) : 0;
}

/** Whether a replicated column may be called so, unless the name is taken. */
export function isColumnName(name: string): boolean {
  return COLUMN_NAME.test(name);
}

/** Whether entities have something of that name already. */
export function isTakenName(name: string): boolean {
  return TAKEN.has(name);
}

/** Whether a column of the type may be rounded to a multiple of this. */
export function isStep(type: ColumnType, step: unknown): boolean {
  return type === "f32" && typeof step === "number" && step >= STEP_MIN && step <= STEP_MAX;
}

/** Throws BAD_ARGUMENT for more than {@link OWN_COLUMNS_MAX} columns, a bad type or step, or a name that is no name, taken or doubled. */
export function checkColumns(columns: readonly ColumnInfo[]): void {
  if (columns.length > OWN_COLUMNS_MAX) {
    throw new GyreError("BAD_ARGUMENT", `${columns.length} replicated columns are more than ${OWN_COLUMNS_MAX}`);
  }
  const names = new Set<string>();
  for (const { name, type, step } of columns) {
    if (!isColumnName(name) || isTakenName(name) || names.has(name)) {
      throw new GyreError("BAD_ARGUMENT", `${JSON.stringify(name)} cannot be the name of a replicated column`);
    }
    if (!Object.hasOwn(TYPE_BYTES, type)) {
      throw new GyreError("BAD_ARGUMENT", `the type of column ${name} is ${JSON.stringify(type)}`);
    }
    if (step !== undefined && !isStep(type, step)) {
      const rule = `that of an f32 is from ${STEP_MIN} to ${STEP_MAX}`;
      throw new GyreError("BAD_ARGUMENT", `the step of column ${name}, ${type}, is ${JSON.stringify(step)}; ${rule}`);
    }
    names.add(name);
  }
}
