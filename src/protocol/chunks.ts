/**
 * Large binary messages in pieces, as net/flight.ts sends them, put together again in a buffer that is reused. Pieces of one message follow each other; between them only text may come, and what is
 * of a state tree, which is told apart by its second byte.
 *
 *     u8 kind = 2    u8 isLast: 0 or 1    bytes: at least one
 *
 * Costs one copy of the bytes. The buffer grows by doubling up to FRAME_BYTES_MAX and is kept from message to message.
 */
import { GyreError } from "../errors.js";
import { FRAME_CHUNK } from "./frame.js";

/** Bytes of a piece before those of the message. */
export const CHUNK_HEAD_SIZE = 2;
/** Bytes of a message that was put together, at most: four times what a server sends. Who sends more is broken, or means ill. */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes that the buffer has room for at first, once there is a first piece. */
const BUFFER_BYTES_START = 128 * 1024;

/** Whether a binary message is a piece of another. */
export function isChunk(bytes: Uint8Array): boolean {
  return bytes[0] === FRAME_CHUNK;
}

export class ChunkAssembler {
  #buffer = new Uint8Array(0);
  #size = 0;

  /**
   * Takes a piece. Returns the whole message once it is the last one, as a view that is valid until the next call; else null. Throws
   * BAD_FRAME for what is no piece, has no bytes, or makes the message longer than {@link FRAME_BYTES_MAX}; all pieces are forgotten then.
   */
  add(piece: Uint8Array): Uint8Array | null {
    const isLast = piece[1];
    if (!isChunk(piece) || piece.length <= CHUNK_HEAD_SIZE || (isLast !== 0 && isLast !== 1)) {
      throw this.#refuse(`a piece of ${piece.length} bytes begins with ${piece[0]}, ${isLast}`);
    }
    const from = this.#size;
    const size = from + piece.length - CHUNK_HEAD_SIZE;
    if (size > FRAME_BYTES_MAX)
      throw this.#refuse(`a frame in pieces has ${size} bytes, of at most ${FRAME_BYTES_MAX}`);
    if (size > this.#buffer.length) this.#grow(size);
    const buffer = this.#buffer;
    buffer.set(piece.subarray(CHUNK_HEAD_SIZE), from);
    this.#size = size;
    if (isLast === 0) return null;
    this.#size = 0;
    return buffer.subarray(0, size);
  }

  /** Forgets the pieces of a message that will not be ended: the connection is another one. */
  reset(): void {
    this.#size = 0;
  }

  #grow(size: number): void {
    let capacity = Math.max(BUFFER_BYTES_START, this.#buffer.length);
    while (capacity < size) capacity *= 2;
    const larger = new Uint8Array(Math.min(capacity, FRAME_BYTES_MAX));
    larger.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = larger;
  }

  #refuse(message: string): GyreError {
    this.#size = 0;
    return new GyreError("BAD_FRAME", message);
  }
}
