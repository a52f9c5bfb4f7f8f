/**
 * A client's inputs, one after the other in one buffer: the frame is laid out once, and an input rewrites its digits where they are.
 *
 *     81 size' mask {"type":"input","seq":        17,"dx": 0.9239,"dy":-0.3827}
 *     81 size' mask {"type":"input","seq":        18,"dx": 0.9239,"dy":-0.3827,"action":"attack"}
 */
import { maskedFrame, OPCODE } from "./frames.js";
import { WAY_X, WAY_Y } from "./walker.js";

const SEQ = '{"type":"input","seq":';
const SEQ_DIGITS = 10;
const DX = ',"dx":';
const WAY_DIGITS = 7;
const DY = ',"dy":';
const PLAIN = "}";
const STRIKE = ',"action":"attack"}';

/** Of a frame of up to 125 bytes that is masked. */
const HEADER_BYTES = 6;
const MASK_AT = 2;
const SEQ_AT = HEADER_BYTES + SEQ.length;
const DX_AT = SEQ_AT + SEQ_DIGITS + DX.length;
const DY_AT = DX_AT + WAY_DIGITS + DY.length;
const SPACE = 0x20;
const ZERO = 0x30;

const encoder = new TextEncoder();
/** By way: digits of dx, then of dy. */
const WAY_TEXT: readonly Uint8Array[] = WAY_X.map((dx, way) =>
  encoder.encode([dx, WAY_Y[way]!].map((value) => value.toFixed(4).padStart(WAY_DIGITS)).join("")),
);

export class InputFrame {
  readonly #plain: Buffer;
  readonly #strike: Buffer;

  /** mask: of all its frames. The server cannot tell, and what stays the same needs no masking anew. */
  constructor(mask: number) {
    const head = `${SEQ}${" ".repeat(SEQ_DIGITS - 1)}0${DX}${" ".repeat(WAY_DIGITS - 1)}0${DY}${" ".repeat(WAY_DIGITS - 1)}0`;
    this.#plain = maskedFrame(OPCODE.TEXT, encoder.encode(head + PLAIN), mask);
    this.#strike = maskedFrame(OPCODE.TEXT, encoder.encode(head + STRIKE), mask);
  }

  /** The frame of this input; the same memory in the next call. seq: u32 above 0. way: as a {@link Walker} says it. */
  write(seq: number, way: number, strikes: boolean): Buffer {
    const frame = strikes ? this.#strike : this.#plain;
    let rest = seq;
    for (let at = SEQ_AT + SEQ_DIGITS - 1; at >= SEQ_AT; at--) {
      put(frame, at, rest > 0 ? ZERO + (rest % 10) : SPACE);
      rest = Math.floor(rest / 10);
    }
    const text = WAY_TEXT[way]!;
    for (let i = 0; i < WAY_DIGITS; i++) {
      put(frame, DX_AT + i, text[i]!);
      put(frame, DY_AT + i, text[WAY_DIGITS + i]!);
    }
    return frame;
  }
}

function put(frame: Uint8Array, at: number, byte: number): void {
  frame[at] = byte ^ frame[MASK_AT + ((at - HEADER_BYTES) & 3)]!;
}
