/**
 * What a message of the server is, from its first bytes: which tick and ack a snapshot has, or that it is a piece of the state tree. This is the
 * one place of the load generator that knows the layout of frames; docs/wire.md has it.
 */
import { CHUNK_HEAD_SIZE, CHUNK_LAST, isState } from "../protocol/chunks.js";
import { FRAME_CHUNK, FRAME_SNAPSHOT, HAS_ACK } from "../protocol/frame.js";
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

/** A MessagePack array of 3 items, and the opcode of a room's update, which is one. */
const ARRAY_OF_3 = 0x93;
const ROOM_UPDATE = 107;
const BRACKET = 0x5b;

/** A connection's last snapshot. */
export class SnapshotHead {
  tick = 0;
  ack = 0;
  /** Where the varint ends that was read last. */
  #at = 0;
  /** What the frame in pieces is whose last one is still to come, and what the message of the state tree; OTHER for none. */
  readonly #inPieces: [frame: number, state: number] = [MESSAGE.OTHER, MESSAGE.OTHER];

  /** The connection was told that it is somewhere else: what follows starts from nothing. */
  reset(): void {
    this.tick = this.ack = 0;
  }

  /** Tells what a message is, and takes tick and ack of a snapshot. bytes[from .. to): its first bytes. */
  read(opcode: number, bytes: Uint8Array, from: number, to: number): number {
    if (to === from) return MESSAGE.OTHER;
    if (opcode === OPCODE.TEXT) return this.#readText(bytes, from, to);
    const first = bytes[from]!;
    if (first === FRAME_SNAPSHOT && to - from >= 3) {
      this.tick += this.#varint(bytes, from + 2, to);
      if (bytes[from + 1]! & HAS_ACK) this.ack = (this.ack + this.#varint(bytes, this.#at, to)) >>> 0;
      return MESSAGE.SNAPSHOT;
    }
    if (first === FRAME_CHUNK) return this.#readPiece(opcode, bytes, from, to);
    if (!isState(bytes, from)) return MESSAGE.OTHER;
    return first === ARRAY_OF_3 && bytes[from + 1] === ROOM_UPDATE ? MESSAGE.SYNC : MESSAGE.STATE;
  }

  /** The whole message, as far as time is concerned, when its last piece is there. Its head is in the first; the others are more of the same. */
  #readPiece(opcode: number, bytes: Uint8Array, from: number, to: number): number {
    const sort = isState(bytes, from) ? 1 : 0;
    const known = this.#inPieces[sort];
    const kind = known === MESSAGE.OTHER ? this.read(opcode, bytes, from + CHUNK_HEAD_SIZE, to) : known;
    const isLast = (bytes[from + 1]! & CHUNK_LAST) !== 0;
    this.#inPieces[sort] = isLast ? MESSAGE.OTHER : kind;
    return isLast ? kind : MESSAGE.PIECE;
  }

  #varint(bytes: Uint8Array, from: number, to: number): number {
    let value = 0;
    let at = from;
    for (let shift = 0; at < to && shift < 35; shift += 7) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    this.#at = at;
    return value;
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
