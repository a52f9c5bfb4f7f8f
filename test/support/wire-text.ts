/** Bytes as tests write them: hex with remarks, and blocks code by code. */

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Of lines of hex, each with a remark behind `#` if it likes. */
export function unhex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/#.*/g, "").replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not hex: ${digits}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

const number = (size: number, value: number): string =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** i) % 2).join("");

function gamma(value: number): string {
  const k = Math.floor(Math.log2(value + 1));
  return `${"1".repeat(k)}0${number(k, value + 1)}`;
}

function rice(p: number, value: number): string {
  const q = Math.floor(value / 2 ** p);
  return q < 24 ? `${"1".repeat(q)}0${number(p, value)}` : `${"1".repeat(24)}${number(32, value)}`;
}

/** One code: bits as they come; `g5`, gamma of 5; `p2`, a parameter; `r2:16`, Rice; `n10:160`, 10 bits. */
function code(text: string): string {
  if (/^[01]+$/.test(text)) return text;
  const [, kind, size, value] = /^([gprn])(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (kind === "g") return gamma(Number(size));
  if (kind === "p") return number(5, Number(size));
  if (kind === "r") return rice(Number(size), Number(value));
  if (kind === "n") return number(Number(size), Number(value));
  throw new Error(`not a code: ${text}`);
}

/** A block of the cell that is so many beyond the next one. */
export function block(gap: number, codes: string): Uint8Array<ArrayBuffer> {
  const bits = codes
    .split(/[\s|]+/)
    .filter((text) => text !== "")
    .map(code)
    .join("");
  const bytes = (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt([...byte].reverse().join(""), 2));
  return Uint8Array.from([...varint(gap), ...varint(bytes.length), ...bytes]);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
