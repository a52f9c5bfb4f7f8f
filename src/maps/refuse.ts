/** How a file is refused: one error, its code, and a sentence that names the value and its place. */
import { type ErrorCode, GyreError } from "../errors.js";

/** Characters of a value that a message repeats. */
const SHOWN_MAX = 40;
/** Characters of a whole message: a library's sentence may repeat the file. */
const MESSAGE_MAX = 300;

export function mapBad(message: string): GyreError {
  return new GyreError("MAP_BAD", message);
}

export function mapUnsupported(message: string): GyreError {
  return new GyreError("MAP_UNSUPPORTED", message);
}

/** Throws when a verdict of the content module is not "": a code, a space, a sentence. */
export function obey(verdict: string): void {
  if (verdict === "") return;
  const space = verdict.indexOf(" ");
  throw new GyreError(verdict.slice(0, space) as ErrorCode, verdict.slice(space + 1));
}

/** A value out of a file, short enough for a message. */
export function show(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string" || value.length <= SHOWN_MAX) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, SHOWN_MAX))}...`;
}

/**
 * Whatever was thrown while the file of that name was read, as the one error that its reader meets: libraries and the content
 * module stop at damaged files in ways of their own.
 */
export function asGyreError(thrown: unknown, name: string): GyreError {
  const code = thrown instanceof GyreError ? thrown.code : "MAP_BAD";
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `${name}: ${text}`.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, escapeCharacter);
  return new GyreError(code, message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)}...` : message);
}

function escapeCharacter(character: string): string {
  return `\\u{${character.charCodeAt(0).toString(16)}}`;
}
