/**
 * What a session's snapshots travel in: one buffer, and at most one frame on its way. The socket holds the buffer until it says so,
 * which may be after the session has ended, so the two are pooled apart. A large frame goes in pieces, each when the one before has left, so that
 * a socket never holds more than one of them:
 *
 *     buffer     |-- frame ----------------------------|
 *     piece 0    2 0 |==========|                             its head lies before the frame
 *     piece 1               2 0 |==========|                  and theirs over what has left already
 *     piece 2                          2 1 |=========|
 */
import { CHUNK_HEAD_SIZE, CHUNK_LAST } from "../protocol/chunks.js";
import { FRAME_CHUNK } from "../protocol/frame.js";
import { FRAME_AT, FrameBuffer } from "../protocol/frame-buffer.js";
import { SNAPSHOT_PIECE_BYTES_MAX, WIRE_HEAD, type Wire } from "./wire.js";

/**
 * Bytes of all buffers together that are kept for sessions to come. Those of spectators, and of who sees a crowd in one cell, have 64 KB and more: when 500 players
 * come and go in a second, making them anew had the collector mark everything ten times in it.
 */
export const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/** What the flights that nobody uses hold, all of a server's. */
export interface Stock {
  bytes: number;
}

export class Flight {
  /** Grows with what is in view. */
  readonly buffer = new FrameBuffer(0);
  /** Bytes on their way, their head included; 0 when all have landed. */
  bytes = 0;
  /** When they took off: of a frame in pieces the one that is on its way, so that a large frame on a slow line is not taken for one that is stuck. */
  sentMs = 0;
  /** To be called when they have landed. */
  readonly landed: () => void;
  #wire: Wire | null = null;
  /** Of a frame in pieces: where the next one begins, and where the frame ends. */
  #next = 0;
  #end = 0;
  #isAbandoned = false;
  readonly #stock: Stock;
  readonly #now: () => number;
  readonly #release: (flight: Flight) => void;

  /** stock: what flights hold that nobody uses, as this one now. now: milliseconds. release: called when nobody uses it any more. */
  constructor(stock: Stock, now: () => number, release: (flight: Flight) => void) {
    this.#stock = stock;
    this.#now = now;
    this.#release = release;
    this.landed = () => {
      if (this.#next < this.#end && !this.#isAbandoned) {
        this.#sendPiece();
        return;
      }
      this.#next = this.#end = 0;
      this.bytes = 0;
      if (this.#isAbandoned) this.#free();
    };
  }

  /** Another session's from now on. */
  start(): void {
    this.#stock.bytes -= this.buffer.size;
  }

  /** Text of so many bytes is on its way, and calls `landed`. */
  takeOff(bytes: number): void {
    this.bytes = WIRE_HEAD + bytes;
    this.sentMs = this.#now();
  }

  /** Sends the frame of so many bytes that is in the buffer. */
  send(wire: Wire, size: number): void {
    if (size <= SNAPSHOT_PIECE_BYTES_MAX) {
      this.takeOff(size);
      wire.sendBytes(this.buffer.bytes, FRAME_AT, size, this.landed);
      return;
    }
    this.#wire = wire;
    this.#next = FRAME_AT;
    this.#end = FRAME_AT + size;
    this.#sendPiece();
  }

  /** What has not left yet of a frame in pieces is not sent any more: its client forgets what it is of, and the pieces that it has. */
  cut(): void {
    this.#next = this.#end = 0;
  }

  /** Its session has ended; so does the flight, once all have landed. */
  abandon(): void {
    this.#isAbandoned = true;
    if (this.bytes === 0) this.#free();
  }

  #sendPiece(): void {
    const { bytes } = this.buffer;
    const start = this.#next - CHUNK_HEAD_SIZE;
    const end = Math.min(this.#end, start + SNAPSHOT_PIECE_BYTES_MAX);
    bytes[start] = FRAME_CHUNK;
    bytes[start + 1] = end === this.#end ? CHUNK_LAST : 0;
    this.#next = end;
    this.takeOff(end - start);
    this.#wire?.sendBytes(bytes, start, end - start, this.landed);
  }

  #free(): void {
    this.#isAbandoned = false;
    this.#wire = null;
    if (this.#stock.bytes + this.buffer.size > KEPT_BYTES_MAX) this.buffer.shrink();
    this.#stock.bytes += this.buffer.size;
    this.#release(this);
  }
}
