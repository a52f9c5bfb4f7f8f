/**
 * A stream of bits, the lowest bit of a byte first, and its codes: what assembly/bits.ts writes. Never reads beyond its end: that is a
 * BAD_FRAME. Some 5 to 10 ns a code.
 */
import { bad, RICE_ESCAPE, RICE_PARAMETER_BITS, unzigzag } from "./frame.js";

export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  /** In bits. */
  #at = 0;
  #end = 0;

  /** Bytes from .. to - 1. */
  start(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes = bytes;
    this.#at = 8 * from;
    this.#end = 8 * to;
  }

  /** Bits that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** An unsigned number of up to 32 bits. */
  bits(size: number): number {
    if (size === 0) return 0;
    const at = this.#at;
    if (at + size > this.#end) throw bad("a block ends within a code");
    this.#at = at + size;
    const bytes = this.#bytes;
    const byte = at >>> 3;
    const shift = at & 7;
    // Bytes behind the end of the array are undefined, and so 0.
    const low =
      (bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24)) >>> shift;
    const word = shift === 0 ? low : low | (bytes[byte + 4]! << (32 - shift));
    return size === 32 ? word >>> 0 : (word & ((1 << size) - 1)) >>> 0;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** As many ones as there are before a zero, which is read too; `most` ones have none. */
  #ones(most: number): number {
    let count = 0;
    for (;;) {
      const rest = Math.min(most - count, this.left, 24);
      if (rest === 0) {
        if (count < most) throw bad("a block ends within a code");
        return count;
      }
      const word = this.#peek(rest);
      const run = Math.min(rest, 31 - Math.clz32(~word & -~word));
      this.#at += run;
      count += run;
      if (run === rest) continue;
      this.#at++;
      return count;
    }
  }

  /** The next bits, up to 24, of which there are so many. */
  #peek(size: number): number {
    const byte = this.#at >>> 3;
    const bytes = this.#bytes;
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    return (word >>> (this.#at & 7)) & ((1 << size) - 1);
  }

  /** Elias gamma of the value + 1. */
  gamma(): number {
    const size = this.#ones(32);
    if (size > 31) throw bad("a count is no u32");
    return 2 ** size - 1 + this.bits(size);
  }

  rice(parameter: number): number {
    const quotient = this.#ones(RICE_ESCAPE);
    if (quotient === RICE_ESCAPE) return this.bits(32);
    const value = quotient * 2 ** parameter + this.bits(parameter);
    if (value > 0xffff_ffff) throw bad("a value is no u32");
    return value;
  }

  /** A Rice code of a number that may be negative. */
  signed(parameter: number): number {
    return unzigzag(this.rice(parameter));
  }

  parameter(): number {
    return this.bits(RICE_PARAMETER_BITS);
  }

  /** Throws unless all that is left are less than 8 zeros. */
  finish(): void {
    const { left } = this;
    if (left >= 8 || (left > 0 && this.bits(left) !== 0)) throw bad(`${left} bits follow the last code of a block`);
  }
}
