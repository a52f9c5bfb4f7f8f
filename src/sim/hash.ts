/**
 * A stateless source of choices: 32 well-mixed bits from three numbers. What a bot does next is a function of (seed, who, when), so
 * that it costs no memory. And 64 bits that stand for a text.
 */
export function hash3(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** A byte of a hash as a number from -1 to 1. No trigonometry: its last bits differ between engines. */
export function unit(hash: number, shift: number): number {
  return ((hash >>> shift) & 0xff) / 127.5 - 1;
}

/** 64 bits of a text and of what came before it. About a nanosecond a character. */
export function hashText(text: string, before: bigint): bigint {
  let low = Number(before & 0xffff_ffffn) ^ 0x9e3779b1;
  let high = Number((before >> 32n) & 0xffff_ffffn) ^ 0x85ebca77;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0xc2b2ae3d);
    low ^= low >>> 15;
    high = Math.imul(high + unit, 0x2c1b3c6d);
    high ^= high >>> 13;
  }
  return (BigInt(hash3(high, low, text.length)) << 32n) | BigInt(hash3(low, high, ~text.length));
}
