/**
 * What a session's snapshots travel in: one buffer, and at most one snapshot on its way. The socket holds the buffer until it says so,
 * which may be after the session has ended, so the two are pooled apart.
 */
import { FrameBuffer } from "../protocol/frame-buffer.js";

/** Bytes of a buffer that is kept for the next session; a larger one was for a crowd newly in view. */
const KEPT_BYTES_MAX = 64 * 1024;

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
  readonly #release: (flight: Flight) => void;

  /** release: called when nobody uses it any more. */
  constructor(release: (flight: Flight) => void) {
    this.#release = release;
    this.landed = () => {
      this.bytes = 0;
      if (this.#isAbandoned) this.#free();
    };
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
    if (this.buffer.size > KEPT_BYTES_MAX) this.buffer.shrink();
    this.#release(this);
  }
}
