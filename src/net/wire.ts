/**
 * What a session needs of its socket, and `ws` as that. Sessions know no more of a connection than this, so a test or a bench
 * gives them one that lives in memory.
 */
import type { WebSocket } from "ws";

/** Close codes that the server uses, from RFC 6455 and the IANA registry. */
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_UNSUPPORTED = 1003;
export const CLOSE_POLICY = 1008;
export const CLOSE_TRY_LATER = 1013;

export interface Wire {
  /** Bytes handed over that the operating system has not taken yet. */
  readonly queuedBytes: number;
  sendText(text: string, flushed?: () => void): void;
  /** Sends size bytes of a buffer, which must not change until `flushed` is called, which it is in any case. */
  sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void;
  ping(): void;
  /** Closing handshake; then, or after a while without one, the connection ends. */
  close(code: number, reason: string): void;
  /** The connection ends now. */
  terminate(): void;
}

/** One object for all sends: `ws` reads it and keeps none of it. */
const BINARY = { binary: true, compress: false } as const;
const TEXT = { binary: false, compress: false } as const;

export class SocketWire implements Wire {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  sendText(text: string, flushed?: () => void): void {
    this.#socket.send(text, TEXT, flushed);
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void {
    this.#socket.send(Buffer.from(bytes.buffer, bytes.byteOffset + offset, size), BINARY, flushed);
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
