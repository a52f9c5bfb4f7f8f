/**
 * The form of a recording: what was asked of a server's zones, tick by tick, with their hashes now and then. Written by recorder.ts,
 * read by recording-reader.ts, played again by replay.ts; docs/recording.md says it byte by byte.
 *
 *     16 bytes   magic, version
 *     HEAD       game, settings, rates: JSON
 *     MAP        tiles, deflated
 *     CMDS       commands with their ticks and zones     ┐
 *     HASH       a checkpoint of the zones               │ in order of ticks, as often as it takes
 *     STOP       a zone ended before the others          │
 *     LATE       zones' threads were late for a tick     ┘
 *     DONE       the recording ended well
 *
 * Every chunk ends with a checksum of all that came before, so damage, a missing chunk or one in the wrong place is found before
 * anything behind it is believed.
 */
import { GyreError } from "../errors.js";
import type { Command } from "../kernel/types.js";

/** The first 8 bytes. */
export const MAGIC = Uint8Array.from("GYREREC\n", (letter) => letter.charCodeAt(0));
export const FORMAT_VERSION = 3;
/** Bytes: magic, u32 version, u32 0. */
export const FILE_HEAD_SIZE = 16;
/** Bytes: four letters, u32 size of the payload. */
export const CHUNK_HEAD_SIZE = 8;
/** Bytes: u32. */
export const CHECKSUM_SIZE = 4;
/** Bytes of a payload: tiles that do not pack, of the largest map. What claims more is damaged. */
export const PAYLOAD_SIZE_MAX = 20 * 1024 * 1024;

export const TAGS = ["HEAD", "MAP ", "CMDS", "HASH", "STOP", "LATE", "DONE"] as const;
export type Tag = (typeof TAGS)[number];

/** Ticks from one checkpoint to the next: a second at 60 Hz. A hash of 20,000 entities takes some 0.5 ms. */
export const CHECKPOINT_TICKS = 60;
/** Bytes of UTF-8 of a player's name. */
export const NAME_SIZE_MAX = 255;
/** Bytes of UTF-8 of why a zone stopped; what is longer is cut. */
export const REASON_SIZE_MAX = 1024;
/** Zones of a server. */
export const ZONES_MAX = 4096;
/** Parts of a zone's state: columns, own ones included, and what lies beside them. */
export const PARTS_MAX = 1024;

// Bits of the byte that a command begins with: what is written of it. What is not is 0, or as it was.
export const HAS_TICK = 1;
export const HAS_ZONE = 2;
export const HAS_ACTION = 4;
export const HAS_SEQ = 8;
export const WISH_F32 = 16;
export const WISH_F64 = 32;
export const HAS_NAME = 64;

/** Everything that the zones were made from, but for the map. */
export interface RecordingHeader {
  readonly game: {
    readonly name: string;
    /** The module as it was named on the command line; "" for the demo. */
    readonly file: string;
    /** Of the module's bytes, hexadecimal; "" when it is not known. */
    readonly digest: string;
  };
  /** Of the kernel: zones of another layout have other hashes. */
  readonly layoutVersion: number;
  /** Digest of the bytes of the game's own kernel, hexadecimal; "" for gyre's. */
  readonly kernel: string;
  /** Ticks per second. */
  readonly tickRate: number;
  /** What the game was started with; zones and seed among it. */
  readonly settings: Readonly<Record<string, number>>;
  readonly checkpointTicks: number;
  /** Names of the digests of a checkpoint, in their order. */
  readonly parts: readonly string[];
}

/** A command as it is read. */
export interface RecordedCommand extends Command {
  /** The tick that drained it: the first is 1. */
  tick: number;
  /** Index. */
  zone: number;
  /** Of who joins; "" for other commands. */
  name: string;
}

/** One zone in a checkpoint. */
export interface ZoneDigest {
  zone: number;
  hash: bigint;
  /** The low 32 bits of each part's digest, in the order of the header's `parts`. */
  parts: Uint32Array;
}

/** A zone whose thread was late, or that asked at the gates of one whose was. */
export interface LateZone {
  zone: number;
  /** A bit for each of those who asked at its gates after the tick, in their order: 1 where it was turned back. 0: the zone took no step in the tick. */
  turned: bigint;
}

/** What a recording holds behind its header and map. `tick` of a checkpoint: after that tick. */
export type Block =
  | { readonly tag: "CMDS"; readonly commands: readonly RecordedCommand[] }
  | { readonly tag: "HASH"; readonly tick: number; readonly zones: readonly ZoneDigest[] }
  | { readonly tag: "STOP"; readonly tick: number; readonly zone: number; readonly reason: string }
  | { readonly tag: "LATE"; readonly tick: number; readonly zones: readonly LateZone[] }
  | { readonly tag: "DONE"; readonly tick: number };

/** offset: bytes from the start of the file to what is wrong. */
export function recordingBad(offset: number, why: string): GyreError {
  return new GyreError("RECORDING_BAD", `byte ${offset}: ${why}`);
}
