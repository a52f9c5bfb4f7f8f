/** The bounds of a state tree and of what is sent of it, all in one place, as both sides and the documentation go by them. */

/** Names and stars of the longest pattern: deeper is an entity table in disguise. */
export const DEPTH_MAX = 8;
/** Patterns of one scope. */
export const PATTERNS_MAX = 256;
/** UTF-16 units of a key of a table: an id, a name. */
export const KEY_LENGTH_MAX = 64;
/** Entries of all tables of one tree. */
export const ENTRIES_MAX = 16_384;
/**
 * Bytes of a tree, as an upper bound of its first sync in any encoding, the paths of `plain` included: the zone's, and each player's. So that one fits
 * an empty ring of notices wherever that begins, which three eighths of the ring do, and an image of a zone has room for it.
 */
export const BROADCAST_BYTES_MAX = 256 * 1024;
export const PLAYER_BYTES_MAX = 16 * 1024;
/** Slots of key tables, in each scope. When all are in use the oldest one is given another key. */
export const BROADCAST_SLOTS = 4096;
export const PLAYER_SLOTS = 256;
/** Events that wait for a sync, for everybody and for one player, and bytes of their JSON; what is beyond is dropped. */
export const BROADCAST_EVENTS_MAX = 256;
export const BROADCAST_EVENT_BYTES_MAX = 64 * 1024;
export const PLAYER_EVENTS_MAX = 64;
export const PLAYER_EVENT_BYTES_MAX = 32 * 1024;
/** Levels of a value that a reader takes: those of plain data, and of a message around it. */
export const NESTING_MAX = 96;
