/**
 * The one table of error codes, the one error class, and how a value is shown in a message. Every refusal that a caller can meet, in the kernel, in files, on
 * the wire, has a code here; `message` names the offending value.
 */
export const ERROR_CODES = {
  BAD_ARGUMENT: "a value is of the wrong type, not finite, or outside its documented range",
  OUT_OF_BOUNDS: "the box would not lie inside the zone",
  BLOCKED: "the box would overlap a blocked tile",
  ZONE_FULL: "the zone holds as many entities as its capacity",
  ZONE_CLOSED: "the zone was closed",
  ZONE_UNKNOWN: "there is no zone of that name",
  ZONE_LOCKED: "the game lets nobody into the zone for now",
  ZONE_STOPPED: "the zone stopped at an error of its game",
  ROOMS_FULL: "all rooms of the template are open and full",
  COMMANDS_FULL: "the zone has no room for another command before its next tick",
  LIST_FULL: "a result needs more room than the zone was created with",
  FIELDS_FULL: "all flow fields of the zone are open",
  TIMERS_FULL: "the zone has no room for another timer",
  IMAGE_BAD: "the bytes are not a zone image, or are damaged",
  IMAGE_VERSION: "the image was written by another layout version",
  KERNEL_TRAP: "the kernel stopped at a failed assertion",
  KERNEL_UNSUPPORTED: "this engine cannot run the requested kernel build",
  KERNEL_BAD: "the module is not a kernel built on this version of gyre",
  MAP_BAD: "the file is not a map, or is damaged",
  MAP_TOO_LARGE: "the map has more tiles than a zone may have",
  MAP_UNSUPPORTED: "the map uses a feature that gyre does not read",
  ARCHETYPE_BAD: "the file is no table of archetypes, or a value in it is wrong",
  GAME_BAD: "a game's definition, or the file that it is in, is wrong",
  GAME_FAILED: "a hook of a game threw, did not return or misused what it was given",
  RECORDING_BAD: "the file is not a recording, or is damaged",
  RECORDING_VERSION: "the recording was made by another version of the format, the kernel's layout or the game",
  POOL_MISUSE: "an object was given back to a pool that it was not out of",
  TASK_OUTSIDE: "a task was called outside of a scheduler",
  TASK_UNKNOWN: "the scheduler's module exports no such task",
  TASK_CANCELLED: "the task was cancelled",
  TASKS_FULL: "the scheduler has no room for another task, value, result or handle",
  THREAD_EXITED: "the thread that ran the task ended before the task did",
  HANDLE_UNKNOWN: "the handle was released, or was never given out",
  SCHEDULER_CLOSED: "the scheduler was closed",
  FILE_UNREADABLE: "the file cannot be read",
  BAD_FLAG: "a command line flag is unknown or has a bad value",
  PORT_IN_USE: "the address is taken",
  BAD_MESSAGE: "a control message is not one of the documented forms",
  BAD_FRAME: "a binary frame is malformed",
  CONNECTION_FAILED: "the server cannot be reached, or closed the connection",
  NOT_JOINED: "the message needs a joined player",
  ALREADY_JOINED: "the session has joined already",
  SERVER_FULL: "no more sessions are admitted, or a frame would be too large",
  SESSION_UNKNOWN: "there is no session to resume by this token",
  RATE_LIMITED: "the session sent more messages than its allowance",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An operational error: `code` is stable and from {@link ERROR_CODES}, `message` is for people. */
export class GyreError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.name = "GyreError";
    this.code = code;
  }
}

/** Characters of a value in a message: it is to be found by, not to be read. */
const SHOWN_LENGTH_MAX = 80;

/**
 * A value as a message shows it: one line, of at most 80 characters. What is no plain data, is nested in itself, or deeper
 * than the engine can write, is told by its kind. Never throws.
 */
export function shown(value: unknown): string {
  if (typeof value === "number" || value === undefined) return String(value);
  if (typeof value === "function" || typeof value === "bigint" || typeof value === "symbol") return `a ${typeof value}`;
  const text = textOf(value);
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX - 3)}...`;
}

function textOf(value: unknown): string {
  try {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !isPlain(value)) {
      return `a ${value.constructor?.name ?? "foreign object"}`;
    }
    // Of what a toJSON makes undefined there is no text.
    return JSON.stringify(value) ?? "an object";
  } catch {
    return Array.isArray(value) ? "an array" : "an object";
  }
}

/** Of any realm: the prototype of plain objects is itself without one. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
