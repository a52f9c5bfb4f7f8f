/**
 * What a message of the server is, from its first bytes: which tick and ack a snapshot has, or that it is a piece of the state tree. Snapshots
 * and the state tree may each come in pieces, and the pieces of both between each other; docs/wire.md and docs/state.md have the layouts.
 */
import { CHUNK_HEAD_SIZE, CHUNK_LAST, isState } from "../protocol/chunks.js";
import { ByteReader, FRAME_CHUNK, FRAME_SNAPSHOT, readFrameHead } from "../protocol/frame.js";
import { BROADCAST } from "../state/formats.js";
import { OPCODE } from "./frames.js";

export const MESSAGE = {
  /** A control message, or one that nobody here reads. */
  OTHER: 0,
  SNAPSHOT: 1,
  /** A piece of a frame that is not the last. */
  PIECE: 2,
  /** The state tree: the update of a whole room, the last piece of one included, and any other message or piece. */
  SYNC: 3,
  STATE: 4,
} as const;

/** Heads of MessagePack's arrays of more than 15 items, which have a u16 or a u32 behind them. */
const ARRAY_16 = 0xdc;
const ARRAY_32 = 0xdd;
const BRACKET = 0x5b;

/** What all read heads with: nothing is made for one, and nothing in it outlives it. */
const reader = new ByteReader();

/** A connection's last snapshot. */
export class SnapshotHead {
  tick = 0;
  ack = 0;
  /** Whether pieces of a snapshot are there whose last one is still to come. */
  #isInPieces = false;
  /** The same of a message of the state tree: what it is; OTHER for none. */
  #stateInPieces: number = MESSAGE.OTHER;

  /** The connection was told that it is somewhere else: what follows starts from nothing, and pieces that are missing do not come. */
  reset(): void {
    this.tick = this.ack = 0;
    this.#isInPieces = false;
    this.#stateInPieces = MESSAGE.OTHER;
  }

  /** Tells what a message is, and takes tick and ack of a snapshot. bytes[from .. to): its first bytes. Throws BAD_FRAME for a snapshot that is none. */
  read(opcode: number, bytes: Uint8Array, from: number, to: number): number {
    if (to === from) return MESSAGE.OTHER;
    if (opcode === OPCODE.TEXT) return this.#readText(bytes, from, to);
    const kind = bytes[from]!;
    if (kind === FRAME_SNAPSHOT) return this.#readFrame(bytes, from, to);
    if (kind !== FRAME_CHUNK) return isState(bytes, from) ? stateKind(bytes, from, to) : MESSAGE.OTHER;
    if (to - from <= CHUNK_HEAD_SIZE) return MESSAGE.OTHER;
    return isState(bytes, from) ? this.#readStatePiece(bytes, from, to) : this.#readPiece(bytes, from, to);
  }

  #readFrame(bytes: Uint8Array, from: number, to: number): number {
    reader.start(bytes, from, to);
    readFrameHead(reader, this);
    return MESSAGE.SNAPSHOT;
  }

  /** A snapshot, as far as time is concerned, when its last piece is there; its head is in the first. */
  #readPiece(bytes: Uint8Array, from: number, to: number): number {
    if (!this.#isInPieces) this.#readFrame(bytes, from + CHUNK_HEAD_SIZE, to);
    this.#isInPieces = (bytes[from + 1]! & CHUNK_LAST) === 0;
    return this.#isInPieces ? MESSAGE.PIECE : MESSAGE.SNAPSHOT;
  }

  /** An update of a room, as far as time is concerned, when its last piece is there; its head is in the first. */
  #readStatePiece(bytes: Uint8Array, from: number, to: number): number {
    const isFirst = this.#stateInPieces === MESSAGE.OTHER;
    const kind = isFirst ? stateKind(bytes, from + CHUNK_HEAD_SIZE, to) : this.#stateInPieces;
    const isLast = (bytes[from + 1]! & CHUNK_LAST) !== 0;
    this.#stateInPieces = isLast ? MESSAGE.OTHER : kind;
    return isLast ? kind : MESSAGE.STATE;
  }

  #readText(bytes: Uint8Array, from: number, to: number): number {
    if (bytes[from] === BRACKET) return startsWith(bytes, from, to, JSON_UPDATE) ? MESSAGE.SYNC : MESSAGE.STATE;
    if (!startsWith(bytes, from, to, JSON_SNAPSHOT)) return MESSAGE.OTHER;
    const comma = bytes.indexOf(0x2c, from + JSON_SNAPSHOT.length);
    this.tick = digits(bytes, from + JSON_SNAPSHOT.length, to);
    this.ack = digits(bytes, comma + JSON_ACK.length, to);
    return MESSAGE.SNAPSHOT;
  }
}

/** What an array of the state tree is, by its first item. */
function stateKind(bytes: Uint8Array, from: number, to: number): number {
  const head = bytes[from];
  const at = from + (head === ARRAY_16 ? 3 : head === ARRAY_32 ? 5 : 1);
  return at < to && bytes[at] === BROADCAST ? MESSAGE.SYNC : MESSAGE.STATE;
}

const JSON_UPDATE = `[${BROADCAST},`;
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
