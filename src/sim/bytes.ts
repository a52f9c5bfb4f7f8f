/**
 * Numbers and texts as a recording holds them, written and read: little endian; whole numbers mostly as LEB128, 7 bits a byte, the
 * lowest first, where the top bit of a byte says that more follow; a text as its size in bytes and UTF-8.
 */
import type { GyreError } from "../errors.js";
import { recordingBad } from "./recording.js";

export const U32_MAX = 0xffff_ffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Appends to a buffer of fixed size; whoever writes knows that there is room. */
export class ByteWriter {
  size = 0;
  readonly #buffer: Uint8Array;
  readonly #view: DataView;

  constructor(capacity: number) {
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** What was written; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.size);
  }

  get room(): number {
    return this.#buffer.length - this.size;
  }

  clear(): void {
    this.size = 0;
  }

  u8(value: number): void {
    this.#buffer[this.size++] = value;
  }

  u32(value: number): void {
    this.#view.setUint32(this.size, value, true);
    this.size += 4;
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.size, value, true);
    this.size += 8;
  }

  /** A u32. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.u8((rest & 127) | 128);
    this.u8(rest);
  }

  f32(a: number, b: number): void {
    this.#view.setFloat32(this.size, a, true);
    this.#view.setFloat32(this.size + 4, b, true);
    this.size += 8;
  }

  f64(a: number, b: number): void {
    this.#view.setFloat64(this.size, a, true);
    this.#view.setFloat64(this.size + 8, b, true);
    this.size += 16;
  }

  /** Size in bytes, then UTF-8; what does not fit sizeMax is cut between two characters. */
  text(text: string, sizeMax: number): void {
    // The size takes two bytes when it may need them.
    const head = sizeMax > 127 ? 2 : 1;
    const at = this.size + head;
    const { written } = encoder.encodeInto(text, this.#buffer.subarray(at, at + sizeMax));
    this.u8((written & 127) | (head === 2 ? 128 : 0));
    if (head === 2) this.u8(written >>> 7);
    this.size += written;
  }
}

/** Walks through some bytes of a file. Every value is checked; what is bad is refused with RECORDING_BAD and its place in the file. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Of the first byte in the file. */
  readonly #offset: number;
  #at = 0;
  /** Where the value that was read last begins. */
  #valueAt = 0;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#offset = offset;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bad(why: string): GyreError {
    return recordingBad(this.#offset + this.#valueAt, why);
  }

  /** All must have been read. */
  finish(): void {
    this.#valueAt = this.#at;
    if (!this.isAtEnd) throw this.bad("the chunk is longer than what it says");
  }

  #take(size: number): number {
    this.#valueAt = this.#at;
    if (this.#at + size > this.#bytes.length) throw this.bad("the chunk is shorter than what it says");
    this.#at += size;
    return this.#valueAt;
  }

  #within(name: string, value: number, least: number, most: number): number {
    if (value < least || value > most) throw this.bad(`${name} is ${value}, not from ${least} to ${most}`);
    return value;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(name: string, least = 0, most = U32_MAX): number {
    return this.#within(name, this.#view.getUint32(this.#take(4), true), least, most);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  f32(): number {
    return this.#finite(this.#view.getFloat32(this.#take(4), true));
  }

  f64(): number {
    return this.#finite(this.#view.getFloat64(this.#take(8), true));
  }

  #finite(value: number): number {
    if (!Number.isFinite(value)) throw this.bad(`a number is ${value}`);
    return value;
  }

  varint(name: string, least = 0, most = U32_MAX): number {
    const start = this.#at;
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) break;
      if (scale === 128 ** 4) throw this.bad(`${name} has more than 5 bytes`);
    }
    this.#valueAt = start;
    return this.#within(name, value, least, most);
  }

  /** Size in bytes, then UTF-8. */
  text(name: string, sizeMax: number): string {
    const size = this.varint(`size of the ${name}`, 0, sizeMax);
    const start = this.#take(size);
    return this.#decode(this.#bytes.subarray(start, this.#at));
  }

  /** All that is left, as UTF-8. */
  rest(): string {
    return this.#decode(this.restBytes());
  }

  restBytes(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.#bytes.length - this.#at));
  }

  #decode(bytes: Uint8Array): string {
    try {
      return decoder.decode(bytes);
    } catch {
      throw this.bad("text that is no UTF-8");
    }
  }
}
