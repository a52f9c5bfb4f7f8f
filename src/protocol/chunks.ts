/**
 * Long binary messages in pieces, put together again in a buffer that is reused: frames as net/flight.ts sends them, and messages of the state
 * tree as net/state-link.ts does. The pieces of one message follow each other; between them text may come, and what is of the other sort.
 *
 *     u8 kind = 2    u8 flags: 1 on the last, and 2 on those of a state tree    bytes: at least one
 *
 * Costs one copy of the bytes. The buffer grows by doubling up to FRAME_BYTES_MAX and is kept from message to message.
 */
import { GyreError } from "../errors.js";
import { FRAME_CHUNK } from "./frame.js";

/** Flags of a piece. */
export const CHUNK_LAST = 1;
export const CHUNK_STATE = 2;
/** Bytes of a piece before those of the message. */
export const CHUNK_HEAD_SIZE = 2;
/** Bytes of a message that was put together, at most: four times what a server sends. Who sends more is broken, or means ill. */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes that the buffer has room for at first, once there is a first piece. */
const BUFFER_BYTES_START = 128 * 1024;
/** What a message of a state tree begins with, an array in MessagePack, and all above it; no frame does. */
const PACKED_FIRST = 0x80;

/** Whether a binary message is a piece of another. */
export function isChunk(bytes: Uint8Array): boolean {
  return bytes[0] === FRAME_CHUNK;
}

/** Whether a binary message, which begins at the offset, is one of a state tree, or a piece of one. */
export function isState(bytes: Uint8Array, at = 0): boolean {
  const first = bytes[at] ?? 0;
  return first >= PACKED_FIRST || (first === FRAME_CHUNK && ((bytes[at + 1] ?? 0) & CHUNK_STATE) !== 0);
}

export class ChunkAssembler {
  #buffer = new Uint8Array(0);
  #size = 0;
  readonly #sort: number;

  /** sort: CHUNK_STATE for messages of a state tree, 0 for frames. */
  constructor(sort: typeof CHUNK_STATE | 0 = 0) {
    this.#sort = sort;
  }

  /**
   * Takes a piece. Returns the whole message once it is the last one, as a view that is valid until the next call; else null. Throws
   * BAD_FRAME for what is no piece of its sort, has no bytes, or makes the message longer than {@link FRAME_BYTES_MAX}; all pieces are forgotten then.
   */
  add(piece: Uint8Array): Uint8Array | null {
    const flags = piece[1] ?? -1;
    if (!isChunk(piece) || piece.length <= CHUNK_HEAD_SIZE || (flags & ~CHUNK_LAST) !== this.#sort) {
      throw this.#refuse(`a piece of ${piece.length} bytes begins with ${piece[0]}, ${piece[1]}`);
    }
    const from = this.#size;
    const size = from + piece.length - CHUNK_HEAD_SIZE;
    if (size > FRAME_BYTES_MAX)
      throw this.#refuse(`a message in pieces has ${size} bytes, of at most ${FRAME_BYTES_MAX}`);
    if (size > this.#buffer.length) this.#grow(size);
    const buffer = this.#buffer;
    buffer.set(piece.subarray(CHUNK_HEAD_SIZE), from);
    this.#size = size;
    if ((flags & CHUNK_LAST) === 0) return null;
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
