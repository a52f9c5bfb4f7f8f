/**
 * A client of `gyre.1` on a bare TCP connection: keeps every byte that came, from the answer to its upgrade on, tells what they say by RFC 6455, and
 * sends whatever bytes it is given.
 */
import { connect, type Socket } from "node:net";
import { maskedFrame, OPCODE } from "../../src/load/frames.js";
import { PATIENCE_MS } from "./until.js";

const END_OF_HEAD = "\r\n\r\n";
const SIZE_16 = 126;
const SIZE_64 = 127;

export class RawSocket {
  /** Every text, in order. */
  readonly texts: string[] = [];
  /** What came with the server's close frame, 1005 for none; 0 before it. */
  closedWith = 0;
  /** Whether the connection is over. */
  isOver = false;
  /** Payloads of pongs, in order. */
  readonly pongs: string[] = [];
  /** Called after each thing that came. */
  #heard: () => void = () => {};
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(1 << 16);
  #size = 0;
  /** Of the answer to the upgrade, then of a frame that has not come whole. */
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;

  private constructor(address: URL) {
    this.#socket = connect({ host: address.hostname, port: Number(address.port), noDelay: true });
    this.#socket.on("data", (data) => {
      this.#keep(data);
      this.#read(data);
      this.#heard();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.isOver = true;
      this.#heard();
    });
    const lines = [
      `GET ${address.pathname}${address.search} HTTP/1.1`,
      `Host: ${address.host}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: Z3lyZSBpcyBhIHdvcmxkIQ==",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: gyre.1",
    ];
    this.#socket.write(lines.join("\r\n") + END_OF_HEAD);
  }

  static async open(url: string): Promise<RawSocket> {
    const socket = new RawSocket(new URL(url));
    await socket.when(`${url} is open`, () => socket.#isOpen);
    return socket;
  }

  /** All that came. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  get replies(): { readonly type: string; readonly [field: string]: unknown }[] {
    return this.texts.filter((text) => text.startsWith("{")).map((text) => JSON.parse(text));
  }

  send(message: object): void {
    this.write(maskedFrame(OPCODE.TEXT, Buffer.from(JSON.stringify(message)), 0x12345678));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Ends the connection without a word, at once. */
  cut(): void {
    this.#socket.destroy();
  }

  /** The same, behind what was written. */
  end(): void {
    this.#socket.end();
  }

  /** Resolves once it holds, which is looked at whenever something comes: at once, where `until` would look a millisecond later. */
  async when(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`waited in vain until ${what}`)), PATIENCE_MS);
      this.#heard = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#heard = () => {};
        resolve();
      };
    });
  }

  #close(payload: Buffer): void {
    this.closedWith = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
    this.#socket.end(maskedFrame(OPCODE.CLOSE, payload.subarray(0, 2), 0));
  }

  #keep(data: Buffer): void {
    while (this.#size + data.length > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(this.#bytes.length)]);
    }
    this.#bytes.set(data, this.#size);
    this.#size += data.length;
  }

  #read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    if (!this.#isOpen) {
      const end = this.#rest.indexOf(END_OF_HEAD);
      if (end < 0) return;
      if (!this.#rest.toString("latin1").startsWith("HTTP/1.1 101 ")) throw new Error(this.#rest.toString("latin1"));
      this.#rest = this.#rest.subarray(end + END_OF_HEAD.length);
      this.#isOpen = true;
    }
    while (this.#readFrame());
  }

  /** The next frame, if it is there whole. A server neither masks nor sends messages in fragments. */
  #readFrame(): boolean {
    const rest = this.#rest;
    if (rest.length < 2) return false;
    const short = rest[1]!;
    const from = short < SIZE_16 ? 2 : short === SIZE_16 ? 4 : 10;
    if (rest.length < from) return false;
    const size = short < SIZE_16 ? short : short < SIZE_64 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < from + size) return false;
    const payload = rest.subarray(from, from + size);
    this.#rest = rest.subarray(from + size);
    const opcode = rest[0]! & 15;
    if (opcode === OPCODE.TEXT) this.texts.push(payload.toString());
    else if (opcode === OPCODE.PING) this.write(maskedFrame(OPCODE.PONG, payload, 0));
    else if (opcode === OPCODE.PONG) this.pongs.push(payload.toString());
    else if (opcode === OPCODE.CLOSE) this.#close(payload);
    return true;
  }
}
