/** The encodings by number and name, and the opcodes: what sender and reader agree on. */
export const MSGPACK = 0;
export const JSON_TEXT = 1;
export const PLAIN = 2;
export const FORMAT_NAMES = ["msgpack", "json", "plain"] as const;
export type StateFormat = (typeof FORMAT_NAMES)[number];

/** Nothing changed: `[0]`. */
export const NO_CHANGE = 0;
/** All of it: `[1, ...patches]`. */
export const FIRST = 1;
/** What changed: `[2, ...patches]`. */
export const DIFF = 2;
/** `[107, update, events]`, for everybody in the room. Among the patches of a first sync: those behind it are of the broadcast scope. */
export const BROADCAST = 107;
/** `[108, update, events]`, for one player. */
export const TARGETED = 108;

/** What a patch does: `[hash, keys, 1, value]`, `[hash, keys, 2]`. */
export const SET = 1;
export const DELETE = 2;

/** What clients are told of a state tree: its patterns, in order. */
export interface SyncInfo {
  readonly broadcast: readonly string[];
  readonly player: readonly string[];
}
