/** What the benches are made of: cases with parameters, contenders, and the operation that a contender repeats. */

import type { Metric } from "./end-to-end.js";
import type { Scenario } from "./handoff.js";

export type Distribution = "uniform" | "clustered" | "one-cell";

export interface Params {
  /** Points or entities. */
  n: number;
  distribution?: Distribution;
  /** Everything on, in a world: see world.ts. */
  world?: "icecrown";
  /** Zones that n is spread over. */
  zones?: number;
  /** Sim workers that run them; none without. Whether they spin before they sleep, and whether the zones have scripts. */
  threads?: number;
  spin?: "auto" | "off";
  scripts?: boolean;
  /** What is handed over, and how: see handoff.ts; in `fanout`, where n are sockets, whether they get the same bytes or each its own. */
  scenario?: Scenario | "same" | "own";
  /** Those who get a frame each in `snapshot`, 0 for one frame of everything. */
  viewers?: number;
  /** Of `end-to-end`, where n are the clients: what the row is of. */
  metric?: Metric;
  /** The size that n stands in for, where that one would take memory or time without bound. */
  insteadOf?: number;
}

/** Repeated by a contender's process, and compared with the other contenders' before anything is timed. */
export interface Operation {
  /** Untimed: puts everything where it is in this turn. Turns count from 0; answers depend on the turns so far. */
  prepare(turn: number): void;
  /** Timed, as far as the promise when it gives one. */
  run(): void | Promise<void>;
  /** Of the last run's answer; the same for every contender. */
  checksum(): number;
  /** Of what an answer may leave open, for those that leave nothing open: the same for each of them. */
  strictChecksum?(): number;
  /** Untimed, before a checksum: resolves when what the run set going has come to rest. */
  settled?(): Promise<void>;
  /** Of a frame of the last run, on average. */
  bytes?(): number;
  /** Ends what would keep the process alive. */
  close?(): Promise<void>;
}

export type Contenders = Record<string, (params: Params) => Operation | Promise<Operation>>;

export const HASH_START = 0x811c9dc5;

/** One more 32-bit word into a hash (FNV-1a, by words). */
export function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x01000193);
}

/** Of 32-bit words. */
export function hashWords(words: Int32Array | Uint32Array, count = words.length): number {
  let hash = HASH_START;
  for (let i = 0; i < count; i++) hash = mix(hash, words[i]!);
  return hash >>> 0;
}

/** Of the bits of floats. */
export function hashFloats(floats: Float32Array, count = floats.length): number {
  return hashWords(new Int32Array(floats.buffer, floats.byteOffset, count));
}
