/**
 * How values go to another thread: a tag byte and a double. Numbers, booleans, null and undefined are in there; anything else
 * that is plain data is in a block of bytes, as structured cloning writes it, which the double points at. What a class made arrives
 * without its class, functions not at all, and memory that is shared goes by handle.
 */
import { deserialize, serialize } from "node:v8";
import { ERROR_CODES, type ErrorCode, GyreError } from "../errors.js";

// What a tag says of its cell. Not 0, so that a cell that nobody wrote is seen.
export const UNDEFINED = 1;
export const NULL = 2;
export const FALSE = 3;
export const TRUE = 4;
export const NUMBER = 5;
/** The cell is the place of a u32 length, 4 bytes of nothing and the value. */
export const BYTES = 6;
/** The same with what was thrown. */
export const THROWN = 7;
/** Its thread ended. */
export const EXITED = 8;
/** It was cancelled. */
export const DROPPED = 9;
/** The result is larger than an arena. */
export const TOO_LARGE = 10;
/** Its owner has read the result already. */
export const TAKEN = 11;
/** As BYTES, of an array of numbers: doubles. Several times faster than structured cloning. */
export const NUMBERS = 12;

/** Added to a thread's number while that one runs the item; the value is gone from the tag then. */
export const RUNNING = 0x40;
/** Added to what the result is. */
export const FINISHED = 0x80;
/** Tags below are of items that nobody began. */
export const BEGUN = RUNNING;

/** Bytes before a value's. */
export const LENGTH_BYTES = 8;

/** The tag of a value: one that fits its cell, or NUMBERS or BYTES. */
export function tagOf(value: unknown): number {
  if (typeof value === "number") return NUMBER;
  if (value === undefined) return UNDEFINED;
  if (value === null) return NULL;
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  return Array.isArray(value) && areNumbers(value) ? NUMBERS : BYTES;
}

/** Whether the tag is of a value that lies in a block. */
export function hasBlock(tag: number): boolean {
  return tag === BYTES || tag === NUMBERS || tag === THROWN;
}

function areNumbers(list: readonly unknown[]): list is number[] {
  // Not \`every\`, which leaves holes out.
  for (let i = 0; i < list.length; i++) if (typeof list[i] !== "number") return false;
  return true;
}

/** The value of a cell that is no bytes. */
export function valueIn(tag: number, cell: number): unknown {
  if (tag === NUMBER) return cell;
  if (tag === TRUE || tag === FALSE) return tag === TRUE;
  return tag === NULL ? null : undefined;
}

/** The bytes of a value with this tag, NUMBERS or BYTES. Throws BAD_ARGUMENT for what cannot go to another thread. */
export function encode(value: unknown, tag = BYTES): Uint8Array {
  if (tag === NUMBERS) return new Uint8Array(Float64Array.from(value as number[]).buffer);
  try {
    return serialize(value);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GyreError("BAD_ARGUMENT", `no value for another thread: ${reason}; memory goes by scheduler.share`);
  }
}

/** bytes: the value's alone, not shared. */
export function decode(bytes: Uint8Array, tag = BYTES): unknown {
  return tag === NUMBERS ? Array.from(new Float64Array(bytes.buffer)) : deserialize(bytes);
}

/** What is kept of an error. */
interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: string | number | undefined;
}

/** Constructors of errors that arrive as what they were. */
const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Errors go with name, message, code and stack; what else is thrown goes as a value, or as an error that says what it was. */
export function encodeThrown(error: unknown): Uint8Array {
  if (error instanceof Error) {
    const { name, message, stack } = error;
    const { code } = error as { code?: unknown };
    const kept: Thrown = {
      name: String(name),
      message: String(message),
      stack: typeof stack === "string" ? stack : undefined,
      code: typeof code === "string" || typeof code === "number" ? code : undefined,
    };
    return encode({ error: kept });
  }
  try {
    return encode({ value: error });
  } catch {
    return encodeThrown(new TypeError(`a ${typeof error} was thrown that cannot go to another thread`));
  }
}

export function decodeThrown(bytes: Uint8Array): unknown {
  const thrown = decode(bytes) as { error?: Thrown; value?: unknown };
  return thrown.error === undefined ? thrown.value : errorOf(thrown.error);
}

function errorOf({ name, message, stack, code }: Thrown): Error {
  if (name === "GyreError" && Object.hasOwn(ERROR_CODES, String(code))) {
    return withStack(new GyreError(code as ErrorCode, message), stack);
  }
  const error = new (ERRORS[name] ?? Error)(message);
  if (error.name !== name) error.name = name;
  return withStack(code === undefined ? error : Object.assign(error, { code }), stack);
}

/** Where it was thrown, in place of where it arrived. */
function withStack(error: Error, stack: string | undefined): Error {
  if (stack !== undefined) error.stack = stack;
  return error;
}
