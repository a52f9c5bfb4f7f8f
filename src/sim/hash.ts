/**
 * A stateless source of choices: 32 well-mixed bits from three numbers. What an NPC does next is a function of (seed, who,
 * when), so that it costs no memory, needs no saving, and is the same wherever it is computed.
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
