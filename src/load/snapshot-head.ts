/**
 * What a message of the server is, from its first bytes: which tick and ack a snapshot has, or that it is a piece of the state tree. This is the
 * one place of the load generator that knows the layout of frames; docs/wire.md has it.
 */
import { ByteReader, FRAME_CHUNK, FRAME_SNAPSHOT, type FrameHead, readFrameHead } from "../protocol/frame.js";
import { OPCODE } from "./frames.js";

export const MESSAGE = {
  /** A control message, or one that nobody here reads. */
  OTHER: 0,
  SNAPSHOT: 1,
  /** A piece of a frame that is not the last. */
  PIECE: 2,
  /** The state tree: the update of a whole room, and any other. */
  SYNC: 3,
  STATE: 4,
} as const;

/** A MessagePack array of up to 15 items, and the opcode of a room's update. */
const ARRAY = 0x90;
const ROOM_UPDATE = 107;
const BRACKET = 0x5b;

/** One for all connections of a thread: a head is read in one go. */
const reader = new ByteReader();
/** Kind and flags, then tick and ack as varints. */
const FRAME_HEAD_BYTES_MAX = 12;
/** Before a piece of a frame: its kind, and whether it is the last. */
const CHUNK_HEAD_BYTES = 2;

/** A connection's last snapshot. */
export class SnapshotHead implements FrameHead {
  tick = 0;
  ack = 0;
  /** Whether a piece of a frame has come, and not its last. */
  #isInPieces = false;

  /** The connection is in another zone: what follows starts from nothing. */
  reset(): void {
    this.tick = this.ack = 0;
    this.#isInPieces = false;
  }

  /** Tells what a message is, and takes tick and ack of a snapshot. bytes[from .. to): its first bytes. Throws BAD_FRAME. */
  read(opcode: number, bytes: Uint8Array, from: number, to: number): number {
    if (to === from) return MESSAGE.OTHER;
    if (opcode === OPCODE.TEXT) return this.#readText(bytes, from, to);
    const first = bytes[from]!;
    if (first === FRAME_SNAPSHOT) {
      this.#readHead(bytes, from, to);
      return MESSAGE.SNAPSHOT;
    }
    if (first === FRAME_CHUNK) return this.#readChunk(bytes, from, to);
    if ((first & 0xf0) !== ARRAY) return MESSAGE.OTHER;
    return bytes[from + 1] === ROOM_UPDATE ? MESSAGE.SYNC : MESSAGE.STATE;
  }

  /** The first piece has the frame's head. */
  #readChunk(bytes: Uint8Array, from: number, to: number): number {
    const isLast = bytes[from + 1] !== 0;
    if (!this.#isInPieces) this.#readHead(bytes, from + CHUNK_HEAD_BYTES, to);
    this.#isInPieces = !isLast;
    return isLast ? MESSAGE.SNAPSHOT : MESSAGE.PIECE;
  }

  #readHead(bytes: Uint8Array, from: number, to: number): void {
    reader.start(bytes.subarray(from, Math.min(to, from + FRAME_HEAD_BYTES_MAX)));
    readFrameHead(reader, this);
  }

  #readText(bytes: Uint8Array, from: number, to: number): number {
    if (bytes[from] === BRACKET) return startsWith(bytes, from, to, "[107") ? MESSAGE.SYNC : MESSAGE.STATE;
    if (!startsWith(bytes, from, to, JSON_SNAPSHOT)) return MESSAGE.OTHER;
    const comma = bytes.indexOf(0x2c, from + JSON_SNAPSHOT.length);
    this.tick = digits(bytes, from + JSON_SNAPSHOT.length, to);
    this.ack = digits(bytes, comma + JSON_ACK.length, to);
    return MESSAGE.SNAPSHOT;
  }
}

const JSON_SNAPSHOT = '{"type":"snapshot","tick":';
const JSON_ACK = ',"ack":';

function startsWith(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

function digits(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value = 10 * value + digit;
  }
  return value;
}
