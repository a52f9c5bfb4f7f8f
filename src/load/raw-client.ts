/**
 * A WebSocket client for thousands at a time: `gyre.1` over a socket of Node, without a library. All of a thread's sockets read into one
 * buffer, which is looked at and forgotten before the next one reads; nothing is made for a message that comes, and an input is a write
 * of bytes that are there. Looking at a message takes 30 ns; reading it from its socket some 10 us, nearly
 * all of it the operating system's.
 *
 * Bounds: one input at a time may wait for the socket to take it; a head of HTTP has HTTP_BYTES_MAX; of a message HEAD_BYTES are kept.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { GyreError } from "../errors.js";
import { SUBPROTOCOL } from "../protocol/control.js";
import { FrameReader, maskedFrame, OPCODE } from "./frames.js";

/** A read brings no more than this; what a connection has beyond it comes with the next one. */
export const READ_BYTES = 64 * 1024;
const HTTP_BYTES_MAX = 16 * 1024;
/** Any 16 bytes: who caches between us and the server is not tested here. */
const KEY = "Z3lyZSBsb2FkIHRlc3RzIQ==";
const ACCEPT = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const END_OF_HEAD = "\r\n\r\n";
/** Closed without a word. */
export const CLOSED_ABNORMALLY = 1006;
const CLOSE_NORMAL = 1000;

export interface RawAddress {
  readonly hostname: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
}

export interface RawEvents {
  /** The server is ready for messages. */
  open(): void;
  /** As {@link FrameReader} tells it; control frames are dealt with. */
  message(opcode: number, size: number, bytes: Uint8Array, from: number, to: number): void;
  /** The connection is over, once: with a close code, or with what went wrong, such as ECONNREFUSED. */
  end(code: number, problem: string | null): void;
}

export class RawClient {
  readonly #events: RawEvents;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  /** Of the answer to the upgrade, while it is incomplete; null once it is over. */
  #head: string | null = "";
  #isOver = false;
  #closeCode = 0;
  #isReading = true;

  /** shared: where all clients of a thread read, READ_BYTES long. */
  constructor(address: RawAddress, shared: Uint8Array, events: RawEvents) {
    this.#events = events;
    this.#reader = new FrameReader((opcode, size, bytes, from, to) => this.#message(opcode, size, bytes, from, to));
    const { hostname, port, path } = address;
    const callback = (count: number, bytes: Uint8Array): boolean => this.#read(bytes, count);
    const socket = connect({ host: hostname, port, noDelay: true, onread: { buffer: shared, callback } });
    this.#socket = socket;
    socket.on("connect", () => socket.write(upgradeOf(hostname, port, path), "latin1"));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#over(CLOSED_ABNORMALLY, error.code ?? error.message));
    socket.on("close", () => this.#over(this.#closeCode || CLOSED_ABNORMALLY, null));
  }

  /** Sends a text. Allocates; for what is said once. */
  sendText(text: string, mask: number): void {
    this.#socket.write(maskedFrame(OPCODE.TEXT, Buffer.from(text), mask));
  }

  /** Sends a frame whose memory must stay as it is while {@link isWaiting}. */
  sendFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** Whether something that was sent has not left yet. */
  get isWaiting(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** Reads no more, and does not say so. */
  stall(): void {
    this.#isReading = false;
    this.#socket.pause();
  }

  /** Says goodbye; the server closes the connection, which is where sockets that linger are then. */
  close(): void {
    if (this.#isOver) return;
    this.#closeCode = CLOSE_NORMAL;
    this.#socket.write(maskedFrame(OPCODE.CLOSE, Uint8Array.of(CLOSE_NORMAL >> 8, CLOSE_NORMAL & 255), 0));
  }

  /** Ends it now. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Whether to go on reading. */
  #read(bytes: Uint8Array, count: number): boolean {
    if (this.#isOver) return false;
    const from = this.#head === null ? 0 : this.#readHead(bytes, count);
    try {
      if (from < count) this.#reader.read(bytes, from, count);
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#fail(error.code);
    }
    return this.#isReading;
  }

  /** Returns where frames begin in what came. */
  #readHead(bytes: Uint8Array, count: number): number {
    const before = this.#head?.length ?? 0;
    const head = this.#head + Buffer.from(bytes.buffer, bytes.byteOffset, count).toString("latin1");
    this.#head = head;
    const end = head.indexOf(END_OF_HEAD);
    if (end < 0) {
      if (head.length > HTTP_BYTES_MAX) this.#fail("HTTP_TOO_LONG");
      return count;
    }
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (status !== "101" || !head.includes(ACCEPT)) {
      this.#fail(status === "101" ? "HTTP_ACCEPT" : `HTTP_${status ?? "BAD"}`);
      return count;
    }
    this.#head = null;
    this.#events.open();
    return end + END_OF_HEAD.length - before;
  }

  #message(opcode: number, size: number, bytes: Uint8Array, from: number, to: number): void {
    if (opcode < OPCODE.CLOSE) {
      this.#events.message(opcode, size, bytes, from, to);
    } else if (opcode === OPCODE.PING) {
      this.#socket.write(maskedFrame(OPCODE.PONG, bytes.slice(from, to), 0));
    } else if (opcode === OPCODE.CLOSE && this.#closeCode === 0) {
      this.#closeCode = size < 2 ? 1005 : (bytes[from]! << 8) | bytes[from + 1]!;
      this.#socket.end(maskedFrame(OPCODE.CLOSE, bytes.slice(from, Math.min(to, from + 2)), 0));
    }
  }

  #fail(problem: string): void {
    this.#socket.destroy();
    this.#over(CLOSED_ABNORMALLY, problem);
  }

  #over(code: number, problem: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.end(code, problem);
  }
}

function upgradeOf(hostname: string, port: number, path: string): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
  ];
  return lines.join("\r\n") + END_OF_HEAD;
}
