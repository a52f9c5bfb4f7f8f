/**
 * What a session's snapshots travel in: one buffer, and at most one snapshot on its way. The socket holds the buffer until it says so,
 * which may be after the session has ended, so the two are pooled apart.
 */
import { FrameBuffer } from "../protocol/frame-buffer.js";

/**
 * Bytes of all buffers together that are kept for sessions to come. Those of a first look at a crowd have 100 KB and more: when 500 players
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
  /** Bytes on their way; 0 when all have landed. */
  bytes = 0;
  /** When they took off. */
  sentMs = 0;
  /** To be called when they have landed. */
  readonly landed: () => void;
  #isAbandoned = false;
  readonly #stock: Stock;
  readonly #release: (flight: Flight) => void;

  /** stock: what flights hold that nobody uses, as this one now. release: called when nobody uses it any more. */
  constructor(stock: Stock, release: (flight: Flight) => void) {
    this.#stock = stock;
    this.#release = release;
    this.landed = () => {
      this.bytes = 0;
      if (this.#isAbandoned) this.#free();
    };
  }

  /** Another session's from now on. */
  start(): void {
    this.#stock.bytes -= this.buffer.size;
  }

  takeOff(bytes: number, nowMs: number): void {
    this.bytes = bytes;
    this.sentMs = nowMs;
  }

  /** Its session has ended; so does the flight, once all have landed. */
  abandon(): void {
    this.#isAbandoned = true;
    if (this.bytes === 0) this.#free();
  }

  #free(): void {
    this.#isAbandoned = false;
    if (this.#stock.bytes + this.buffer.size > KEPT_BYTES_MAX) this.buffer.shrink();
    this.#stock.bytes += this.buffer.size;
    this.#release(this);
  }
}
