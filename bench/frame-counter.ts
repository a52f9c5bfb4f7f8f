/**
 * The cheapest WebSocket client that counts: it reads heads of frames and skips what they are about, so that thousands of clients in one
 * process take a fraction of what serving them takes. It trusts its server: frames are not masked, and messages are not fragmented.
 */

/** Bytes of a payload that are looked at. */
export const START = 8;
/** Of the longest head. */
const HEAD_MAX = 10;

/** size: of the payload. start: its first bytes, at most START, valid during the call. */
export type OnFrame = (opcode: number, size: number, start: Uint8Array) => void;

/** The request that becomes a WebSocket. */
export function upgradeRequest(path: string, host: string): string {
  const fixed = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fixed}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
}

/** Opcodes of frames. */
export const TEXT = 1;
export const BINARY = 2;
export const PING = 9;
export const PONG = 10;

/** A frame as clients send it: masked, with a mask of zeros. At most 125 bytes. */
export function clientFrame(payload: Uint8Array, opcode: number): Buffer {
  if (payload.length > 125) throw new Error(`a client's frame of ${payload.length} bytes`);
  return Buffer.concat([Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload]);
}

export class FrameCounter {
  readonly #onFrame: OnFrame;
  /** What the answer to the upgrade ends with, as far as it was not seen yet. */
  #headers = "";
  #isOpen = false;
  readonly #head = new Uint8Array(HEAD_MAX + START);
  #has = 0;
  /** Of a payload, bytes yet to come. */
  #skip = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  read(chunk: Uint8Array): void {
    let at = this.#isOpen ? 0 : this.#readHeaders(chunk);
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else at = this.#readHead(chunk, at);
    }
  }

  #readHeaders(chunk: Uint8Array): number {
    const before = this.#headers.length;
    this.#headers += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("latin1");
    const end = this.#headers.indexOf("\r\n\r\n");
    if (end < 0) return chunk.length;
    if (!this.#headers.startsWith("HTTP/1.1 101")) throw new Error(this.#headers.split("\r\n")[0]);
    this.#isOpen = true;
    this.#headers = "";
    return end + 4 - before;
  }

  /** Gathers a head and the start of the payload behind it; tells of the frame when it has both. Returns where to go on. */
  #readHead(chunk: Uint8Array, from: number): number {
    const head = this.#head;
    let at = from;
    for (;;) {
      const size = this.#has < 2 ? -1 : this.#payload();
      if (size >= 0) {
        const headSize = headSizeOf(head[1]!);
        const start = Math.min(START, size);
        if (this.#has === headSize + start) {
          this.#has = 0;
          this.#skip = size - start;
          this.#onFrame(head[0]! & 15, size, head.subarray(headSize, headSize + start));
          return at;
        }
      }
      if (at === chunk.length) return at;
      head[this.#has++] = chunk[at++]!;
    }
  }

  /** Bytes of the payload; -1 while the head is not whole. */
  #payload(): number {
    const head = this.#head;
    const short = head[1]! & 127;
    if (this.#has < headSizeOf(short)) return -1;
    if (short < 126) return short;
    let size = 0;
    for (let i = 2; i < headSizeOf(short); i++) size = size * 256 + head[i]!;
    return size;
  }
}

function headSizeOf(second: number): number {
  const short = second & 127;
  return short < 126 ? 2 : short === 126 ? 4 : HEAD_MAX;
}
