/**
 * RFC 6455 as a client that only wants to know what comes, and how much: frames are told apart by their headers where they lie, and of a
 * message's payload no more than its first HEAD_BYTES are ever kept. A message that lies in one piece in what the socket brought, as nearly all
 * do, is told without a copy. May stop at any byte.
 *
 *     FIN op | MASK size | [size 16 or 64 bits] | payload          a server never masks
 */
import { GyreError } from "../errors.js";

export const OPCODE = { CONTINUED: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** Of each message: enough for a control frame whole, and for a welcome up to its zone's name. */
export const HEAD_BYTES = 256;
const FRAME_HEADER_BYTES_MAX = 10;
const FIN = 0x80;
const MASK = 0x80;
const SIZE_16 = 126;

/** A message: `size` bytes long, the first of them in bytes[from .. to), which are whatever comes next after the call. */
export type OnMessage = (opcode: number, size: number, bytes: Uint8Array, from: number, to: number) => void;

export class FrameReader {
  readonly #onMessage: OnMessage;
  /** Of a frame that came in pieces. */
  #header: Uint8Array | null = null;
  #headerSize = 0;
  /** Payload of the frame still to come; -1 between frames, while a header is read. */
  #left = -1;
  #opcode = 0;
  #isFinal = false;
  /** Of a message in pieces, which may have control frames in between. */
  #message = new Head();
  #control = new Head();
  /** 0 when no message is in pieces. */
  #fragmented = 0;

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage;
  }

  /** Takes what came next. Throws BAD_FRAME for what no server may send. */
  read(bytes: Uint8Array, from: number, end: number): void {
    let at = from;
    while (at < end) {
      const next = this.#left < 0 && this.#headerSize === 0 ? this.#whole(bytes, at, end) : at;
      at = next > at ? next : this.#left < 0 ? this.#readHeader(bytes, at) : this.#readPayload(bytes, at, end);
    }
  }

  /** A message in one frame that lies here whole: returns where the next one begins. `at` when it is something else. */
  #whole(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return at;
    const first = bytes[at]!;
    const opcode = first & 15;
    if ((first & FIN) === 0 || opcode === OPCODE.CONTINUED) return at;
    let size = bytes[at + 1]!;
    let body = at + 2;
    if (size === SIZE_16 && end - at >= 4 && opcode < OPCODE.CLOSE) {
      size = (bytes[at + 2]! << 8) | bytes[at + 3]!;
      body = at + 4;
    } else if (size >= SIZE_16) {
      return at;
    }
    if (body + size > end) return at;
    if (opcode < OPCODE.CLOSE && this.#fragmented !== 0) throw bad("a message within another one");
    this.#onMessage(opcode, size, bytes, body, body + size);
    return body + size;
  }

  /** One byte of a header at a time: this is for those that came in pieces. */
  #readHeader(bytes: Uint8Array, at: number): number {
    this.#header ??= new Uint8Array(FRAME_HEADER_BYTES_MAX);
    const header = this.#header;
    header[this.#headerSize++] = bytes[at]!;
    if (this.#headerSize < 2) return at + 1;
    const short = header[1]!;
    if ((short & MASK) !== 0) throw bad("a masked frame");
    const size = short < SIZE_16 ? 2 : short === SIZE_16 ? 4 : FRAME_HEADER_BYTES_MAX;
    if (this.#headerSize === size) this.#begin(header, short);
    return at + 1;
  }

  #begin(header: Uint8Array, short: number): void {
    this.#headerSize = 0;
    this.#opcode = header[0]! & 15;
    this.#isFinal = (header[0]! & FIN) !== 0;
    const view = new DataView(header.buffer);
    this.#left = short < SIZE_16 ? short : short === SIZE_16 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if (this.#opcode >= OPCODE.CLOSE) {
      if (!this.#isFinal || this.#left >= SIZE_16) throw bad("a control frame in pieces, or of over 125 bytes");
      this.#control.clear();
    } else if (this.#opcode === OPCODE.CONTINUED) {
      if (this.#fragmented === 0) throw bad("the rest of no message");
    } else {
      if (this.#fragmented !== 0) throw bad("a message within another one");
      this.#fragmented = this.#opcode;
      this.#message.clear();
    }
    if (this.#left === 0) this.#end();
  }

  #readPayload(bytes: Uint8Array, at: number, end: number): number {
    const n = Math.min(this.#left, end - at);
    (this.#opcode >= OPCODE.CLOSE ? this.#control : this.#message).add(bytes, at, n);
    this.#left -= n;
    if (this.#left === 0) this.#end();
    return at + n;
  }

  #end(): void {
    this.#left = -1;
    if (this.#opcode >= OPCODE.CLOSE) {
      this.#tell(this.#opcode, this.#control);
    } else if (this.#isFinal) {
      const opcode = this.#fragmented;
      this.#fragmented = 0;
      this.#tell(opcode, this.#message);
    }
  }

  #tell(opcode: number, { size, bytes, stored }: Head): void {
    this.#onMessage(opcode, size, bytes, 0, stored);
  }
}

const NOTHING = new Uint8Array(0);

/** The first bytes of a message in pieces. */
class Head {
  size = 0;
  stored = 0;
  bytes: Uint8Array = NOTHING;

  clear(): void {
    this.size = this.stored = 0;
  }

  add(from: Uint8Array, at: number, count: number): void {
    const kept = Math.min(count, HEAD_BYTES - this.stored);
    if (kept > 0 && this.bytes === NOTHING) this.bytes = new Uint8Array(HEAD_BYTES);
    for (let i = 0; i < kept; i++) this.bytes[this.stored + i] = from[at + i]!;
    this.stored += kept;
    this.size += count;
  }
}

/**
 * A frame as a client sends it: masked with the four bytes of `mask`. payload: up to 65,535 bytes. A Buffer, because a socket makes one of what
 * is none.
 */
export function maskedFrame(opcode: number, payload: Uint8Array, mask: number): Buffer {
  const size = payload.length;
  const body = size < SIZE_16 ? 6 : 8;
  const frame = Buffer.from(new ArrayBuffer(body + size));
  const view = new DataView(frame.buffer);
  frame[0] = FIN | opcode;
  frame[1] = MASK | Math.min(size, SIZE_16);
  if (size >= SIZE_16) view.setUint16(2, size);
  view.setUint32(body - 4, mask);
  for (let i = 0; i < size; i++) frame[body + i] = payload[i]! ^ frame[body - 4 + (i & 3)]!;
  return frame;
}

function bad(what: string): GyreError {
  return new GyreError("BAD_FRAME", `the server sent ${what}`);
}
