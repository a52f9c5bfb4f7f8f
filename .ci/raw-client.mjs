// A client that costs next to nothing: a socket, the upgrade, frames by their kind and size. For the scripts beside this one, which have
// thousands of them and would otherwise measure themselves.
import { createConnection } from "node:net";

/** Local addresses that clients come from: one has ports for some 28,000 connections a minute. */
const ADDRESSES = 8;

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** A client's frame of at most 125 bytes, or of up to 1,024: masked, with a mask of zeros. */
export function frame(opcode, payload) {
  const bytes = Buffer.from(payload);
  const size = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size, 0, 0, 0, 0]), bytes]);
}

const GOODBYE = frame(CLOSE, [1000 >> 8, 1000 & 255]);

export class RawClient {
  static #count = 0;
  bytes = 0;
  isOpen = false;
  #head = "";
  #rest = Buffer.alloc(0);
  #skip = 0;

  /** onFrame(opcode, payload, client): texts whole, of binary frames the payload only with keep, else their size. onEnd: the socket is gone. */
  constructor(
    { hostname, port },
    { query = "", keep = false, onOpen = () => {}, onFrame = () => {}, onEnd = () => {} },
  ) {
    const n = RawClient.#count++;
    this.name = `c${n}`;
    this.keep = keep;
    this.onOpen = onOpen;
    this.onFrame = onFrame;
    this.startMs = performance.now();
    const localAddress = `127.0.0.${2 + (n % ADDRESSES)}`;
    this.socket = createConnection({ host: hostname, port, localAddress, noDelay: true });
    this.socket.on("data", (data) => this.#read(data));
    this.socket.on("error", () => {});
    this.socket.on("close", () => onEnd(this));
    const lines = [
      `GET /ws${query} HTTP/1.1`,
      `Host: ${hostname}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: Z3lyZSBpcyBhIHdvcmxkIQ==",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: gyre.1",
    ];
    this.socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  }

  send(message) {
    this.socket.write(frame(TEXT, JSON.stringify(message)));
  }

  leave() {
    this.socket.end(GOODBYE);
  }

  #read(data) {
    this.bytes += data.length;
    if (!this.isOpen) {
      this.#head += data.toString("latin1");
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (!this.#head.startsWith("HTTP/1.1 101")) {
        this.socket.destroy();
        return;
      }
      this.isOpen = true;
      data = Buffer.from(this.#head.slice(end + 4), "latin1");
      this.onOpen(this);
    }
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, data.length);
      this.#skip -= skipped;
      if (skipped === data.length) return;
      data = data.subarray(skipped);
    }
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= 2) {
      const rest = this.#rest;
      const short = rest[1] & 127;
      const from = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < from) return;
      const size = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      const opcode = rest[0] & 15;
      if (opcode === BINARY && !this.keep) {
        // Nobody wants to know what is in it.
        this.onFrame(opcode, size, this);
        this.#skip = Math.max(0, from + size - rest.length);
        this.#rest = rest.subarray(Math.min(rest.length, from + size));
        continue;
      }
      if (rest.length < from + size) return;
      if (opcode === PING) this.socket.write(frame(PONG, rest.subarray(from, from + size)));
      else this.onFrame(opcode, rest.subarray(from, from + size), this);
      this.#rest = rest.subarray(from + size);
    }
  }
}
