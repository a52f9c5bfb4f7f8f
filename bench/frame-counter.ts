/**
 * The cheapest WebSocket client that counts: the frames behind the answer to its upgrade, of which it looks at the first bytes, so that thousands
 * of clients in one process take a fraction of what serving them takes. Frames are read as `gyre load` reads them.
 */
import { FrameReader } from "../src/load/frames.js";

/** Bytes of a payload that are looked at. */
const START = 8;

/** size: of the payload. start: its first bytes, at most START, valid during the call. */
export type OnFrame = (opcode: number, size: number, start: Uint8Array) => void;

/** The request that becomes a WebSocket. */
export function upgradeRequest(path: string, host: string): string {
  const fixed = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fixed}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
}

export class FrameCounter {
  readonly #reader: FrameReader;
  /** The answer to the upgrade, as far as it came; null once it is whole. */
  #headers: string | null = "";

  constructor(onFrame: OnFrame) {
    this.#reader = new FrameReader((opcode, size, bytes, from) =>
      onFrame(opcode, size, bytes.subarray(from, from + Math.min(START, size))),
    );
  }

  read(chunk: Uint8Array): void {
    const from = this.#headers === null ? 0 : this.#readHeaders(this.#headers, chunk);
    this.#reader.read(chunk, from, chunk.length);
  }

  /** Returns where frames begin. */
  #readHeaders(before: string, chunk: Uint8Array): number {
    const headers = before + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    const end = headers.indexOf("\r\n\r\n");
    this.#headers = end < 0 ? headers : null;
    if (end < 0) return chunk.length;
    if (!headers.startsWith("HTTP/1.1 101")) throw new Error(headers.split("\r\n")[0]);
    return end + 4 - before.length;
  }
}
