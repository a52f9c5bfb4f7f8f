/**
 * What a binary snapshot frame is made of, for both sides; docs/wire.md has every byte. A frame is a head, what the session's own entity is,
 * the cells that it no longer sees, and blocks, which are bits: see assembly/cell.ts.
 */
import { GyreError } from "../errors.js";
import { OWN_COLUMNS } from "../kernel/own-columns.js";

/** The first byte of a binary message. From 0x90 on it is a state tree's, in MessagePack. */
export const FRAME_SNAPSHOT = 1;
export const FRAME_CHUNK = 2;

/** Flags of a snapshot frame: what follows its head, in this order. */
export const HAS_ACK = 1 << 0;
export const HAS_YOU = 1 << 1;
export const HAS_OWN = 1 << 2;
export const HAS_FORGOTTEN = 1 << 3;
const FLAGS_ALL = HAS_ACK | HAS_YOU | HAS_OWN | HAS_FORGOTTEN;

/** Bytes of a u32 as a varint, at most: 7 bits a byte, the low ones first. */
export const VARINT_BYTES_MAX = 5;

/** How what a player is told of its own entity is told. */
type OwnType = "f32" | "u32" | "i32";

const [, ...SEAT_FIELDS] = OWN_COLUMNS;

/** In the order of a frame's mask: what lies with the seat, then hp and level, which are fields. */
export const OWN_FIELDS = [
  ...SEAT_FIELDS,
  { name: "hp", type: "i32" },
  { name: "level", type: "u32" },
] as const satisfies readonly { readonly name: string; readonly type: OwnType }[];

/** A session's own entity in full precision; units, units per second, ticks. */
export type You = { id: number } & Record<(typeof OWN_FIELDS)[number]["name"], number>;

/** Bits of a block's head. */
export const STREAM_BITS = 2;
export const AGE_BITS = 3;
export const MOVED_BITS = 2;
export const MOVED_NONE = 0;
export const MOVED_ALL = 1;
export const MOVED_LISTED = 2;
export const RICE_PARAMETER_BITS = 5;
export const RICE_ESCAPE = 24;
/** Steps along an axis beyond which it is a jump: nothing follows from them for the next place. */
export const JUMP_STEPS = 2047;
/** Bytes of a block, at most: four of a varint. */
export const BLOCK_BYTES_MAX = 2 ** 28 - 1;

export function bad(message: string): GyreError {
  return new GyreError("BAD_FRAME", message);
}

/** Bytes that a u32 takes as a varint. */
export function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Writes a u32; returns where it ends. */
export function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** 0, -1, 1, -2, ... as 0, 1, 2, 3, ...; and back. */
export function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** Whole bytes of a frame, one after the other. Throws BAD_FRAME beyond the end. */
export class ByteReader {
  at = 0;
  end = 0;
  bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** bytes[at .. end) are the frame, or its beginning. Makes nothing when they lie where the ones before did. */
  start(bytes: Uint8Array, at = 0, end = bytes.length): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++]!;
  }

  /** Throws also for one that is longer than it need be, or no u32. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (value > 0xffff_ffff || (byte === 0 && shift > 0))
        throw bad("a varint is not as short as it can be, or no u32");
      return value;
    }
    throw bad("a varint has more than 5 bytes");
  }

  /** Throws also for one that is not finite. */
  f32(): number {
    this.#need(4);
    const value = this.#view.getFloat32(this.at, true);
    this.at += 4;
    if (!Number.isFinite(value)) throw bad(`a float is ${value}`);
    return value;
  }

  #need(size: number): void {
    if (this.at + size > this.end) throw bad(`the frame ends ${this.at + size - this.end} bytes too early`);
  }
}

/** What is read of a frame by who reads no more: load tests, proxies. */
interface FrameHead {
  tick: number;
  ack: number;
}

/** Reads tick and ack of a snapshot frame into `head`, which holds those of the frame before. Throws BAD_FRAME for what is none. */
export function readFrameHead(reader: ByteReader, head: FrameHead): number {
  if (reader.u8() !== FRAME_SNAPSHOT) throw bad("not a snapshot frame");
  const flags = reader.u8();
  if ((flags & ~FLAGS_ALL) !== 0) throw bad(`flags ${flags} have bits that mean nothing`);
  const tick = head.tick + reader.varint();
  if (tick > 0xffff_ffff) throw bad(`tick ${tick} is no u32`);
  head.tick = tick;
  if (flags & HAS_ACK) {
    const more = reader.varint();
    if (more === 0) throw bad("an ack is said to be another one, and is not");
    head.ack = (head.ack + more) >>> 0;
  }
  return flags;
}
