/**
 * What a server is to make of a client's bytes, written from RFC 6455 and docs/wire.md alone: the oracle for mutated ones. It is simple and slow, and
 * knows nothing of a session: a binary message is told as one.
 */

/** What was understood; `broken`: what the server closes the connection with, whatever comes behind. */
export type Heard =
  | { readonly kind: "text"; readonly text: string; readonly size: number }
  | { readonly kind: "binary"; readonly size: number }
  | { readonly kind: "ping"; readonly payload: Buffer }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number }
  | { readonly kind: "broken"; readonly code: number };

const [CONTINUED, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
const OPCODES: readonly number[] = [CONTINUED, TEXT, BINARY, CLOSE, PING, PONG];
/** docs/wire.md, close codes 1009 and 1008. */
const MESSAGE_BYTES_MAX = 1024;
const FRAGMENTS_MAX = 8;

class Broken extends Error {
  constructor(readonly code: number) {
    super();
  }
}

function must(condition: boolean, code = 1002): void {
  if (!condition) throw new Broken(code);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Broken(1007);
  }
}

/** RFC 6455, 7.4; 1012 to 1014 are in IANA's registry. */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

export class ClientStream {
  /** Whether no more is heard. */
  isOver = false;
  #rest = Buffer.alloc(0);
  /** 0 when no message is in fragments. */
  #opcode = 0;
  #fragments: Buffer[] = [];

  /** Whether nothing of a frame waits for the rest of it. */
  get isBetween(): boolean {
    return this.#rest.length === 0;
  }

  feed(bytes: Uint8Array): Heard[] {
    const heard: Heard[] = [];
    this.#rest = Buffer.concat([this.#rest, bytes]);
    try {
      while (!this.isOver && this.#readFrame(heard));
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      heard.push({ kind: "broken", code: error.code });
      this.isOver = true;
    }
    return heard;
  }

  /** False when it is not there whole. What is wrong with a head is so before the rest has come. */
  #readFrame(heard: Heard[]): boolean {
    const rest = this.#rest;
    if (rest.length < 2) return false;
    const [first, second] = [rest[0]!, rest[1]!];
    const [isFinal, opcode, short] = [(first & 0x80) !== 0, first & 15, second & 127];
    const isControl = opcode >= CLOSE;
    must((first & 0x70) === 0 && OPCODES.includes(opcode) && (second & 0x80) !== 0);
    if (isControl) must(isFinal && short < 126 && !(opcode === CLOSE && short === 1));
    else must((opcode === CONTINUED) === (this.#opcode !== 0));
    const mask = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (rest.length < mask) return false;
    const size = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    const before = this.#fragments.reduce((sum, { length }) => sum + length, 0);
    if (!isControl) must(before + size <= MESSAGE_BYTES_MAX, 1009);
    if (rest.length < mask + 4 + size) return false;
    const payload = Buffer.from(
      rest.subarray(mask + 4, mask + 4 + size).map((byte, i) => byte ^ rest[mask + (i & 3)]!),
    );
    this.#rest = rest.subarray(mask + 4 + size);
    if (isControl) this.#control(opcode, payload, heard);
    else this.#data(opcode, isFinal, payload, heard);
    return true;
  }

  #control(opcode: number, payload: Buffer, heard: Heard[]): void {
    if (opcode !== CLOSE) {
      heard.push(opcode === PING ? { kind: "ping", payload } : { kind: "pong" });
      return;
    }
    if (payload.length > 0) {
      must(mayBeSent(payload.readUInt16BE(0)));
      textOf(payload.subarray(2));
    }
    heard.push({ kind: "close", code: payload.length > 0 ? payload.readUInt16BE(0) : 1005 });
    this.isOver = true;
  }

  #data(opcode: number, isFinal: boolean, payload: Buffer, heard: Heard[]): void {
    if (opcode !== CONTINUED) this.#opcode = opcode;
    this.#fragments.push(payload);
    must(this.#fragments.length <= FRAGMENTS_MAX, 1008);
    if (!isFinal) return;
    const whole = Buffer.concat(this.#fragments);
    if (this.#opcode === TEXT) heard.push({ kind: "text", text: textOf(whole), size: whole.length });
    else heard.push({ kind: "binary", size: whole.length });
    this.isOver = this.#opcode === BINARY;
    this.#opcode = 0;
    this.#fragments = [];
  }
}
