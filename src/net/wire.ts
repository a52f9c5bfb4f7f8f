/**
 * What a session needs of its socket, and `ws` as that. Sessions know no more of a connection than this, so a test or a bench
 * gives them one that lives in memory.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/** Close codes that the server uses, from RFC 6455 and the IANA registry. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_UNSUPPORTED = 1003;
export const CLOSE_POLICY = 1008;
export const CLOSE_TRY_LATER = 1013;

/** Bytes of a message's head, at most, and of the longest message that has no longer one. */
export const WIRE_HEAD = 4;
export const WIRE_BYTES_MAX = 0xffff;
/**
 * Bytes that a socket holds of what the server says by itself, heads included, for a client that reads nothing. Each sort has a share of its
 * own, so that none waits for another, whose bytes are counted by who sends it: one snapshot or piece of one, messages of the state tree or a piece of
 * one, and events. Texts are never cut: a JSON snapshot or state message may be longer than its share, and is then alone on its way, of its sort.
 */
export const QUEUED_BYTES_MAX = 64 * 1024;
/** Bytes of a binary message beyond which it goes in pieces, and of a piece. */
export const SNAPSHOT_PIECE_BYTES_MAX = QUEUED_BYTES_MAX / 2 - WIRE_HEAD;
export const STATE_BYTES_MAX = QUEUED_BYTES_MAX / 4;
export const STATE_PIECE_BYTES_MAX = STATE_BYTES_MAX - WIRE_HEAD;
export const EVENT_BYTES_MAX = QUEUED_BYTES_MAX / 4;
/** RFC 6455, 5.2: the last frame of a binary message; a length that two more bytes hold. */
const FIN_BINARY = 0x82;
const SIZE_16 = 126;

export interface Wire {
  /** Bytes handed over that the operating system has not taken yet. */
  readonly queuedBytes: number;
  sendText(text: string, flushed?: () => void): void;
  /**
   * Sends size bytes of a buffer, at most {@link WIRE_BYTES_MAX}, which must not change until `flushed` is called, which it is in any case.
   * The {@link WIRE_HEAD} bytes before the offset are the wire's to write.
   */
  sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void;
  /** What is sent from now on is kept, to leave in one write when it is released. */
  hold(): void;
  release(): void;
  ping(): void;
  /** Closing handshake; then, or after a while without one, the connection ends. */
  close(code: number, reason: string): void;
  /** The connection ends now. */
  terminate(): void;
}

/** One object for all sends: `ws` reads it and keeps none of it. */
const TEXT = { binary: false, compress: false } as const;

export class SocketWire implements Wire {
  readonly #socket: WebSocket;
  readonly #raw: Socket;

  /** raw: what the WebSocket is on. */
  constructor(socket: WebSocket, raw: Socket) {
    this.#socket = socket;
    this.#raw = raw;
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  sendText(text: string, flushed?: () => void): void {
    this.#socket.send(text, TEXT, flushed);
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) {
      flushed();
      return;
    }
    // In one write with its head, past `ws`, which would make two of it, and a list of objects for both. Without compression it keeps nothing back
    // that would have to go first.
    const start = offset - (size < SIZE_16 ? 2 : WIRE_HEAD);
    bytes[start] = FIN_BINARY;
    if (size < SIZE_16) bytes[start + 1] = size;
    else {
      bytes[start + 1] = SIZE_16;
      bytes[start + 2] = size >>> 8;
      bytes[start + 3] = size & 0xff;
    }
    // A view for each message, some 100 bytes of garbage: the socket keeps it until all of it is written, and a view that is there cannot be made as
    // long as the next message.
    this.#raw.write(Buffer.from(bytes.buffer, bytes.byteOffset + start, offset + size - start), flushed);
  }

  hold(): void {
    this.#raw.cork();
  }

  release(): void {
    this.#raw.uncork();
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}
