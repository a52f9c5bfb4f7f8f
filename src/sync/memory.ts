/** What the primitives of this folder have in common: where they may lie, and cursors that count on across 2^32. */
import { GyreError } from "../errors.js";

/** Unshared memory serves one thread, and tests. */
export type Memory = ArrayBuffer | SharedArrayBuffer;

/** Bytes of a cache line. Words that different threads write lie in different ones, or each store would take the line from the others. */
export const LINE_BYTES = 64;

/** Refuses a place that is not on a cache line or does not hold so many bytes. */
export function checkPlace(what: string, buffer: Memory, byteOffset: number, bytes: number): void {
  if (Number.isInteger(byteOffset) && byteOffset >= 0 && byteOffset % LINE_BYTES === 0) {
    if (byteOffset + bytes <= buffer.byteLength) return;
  }
  const place = `offset ${byteOffset} of ${buffer.byteLength} bytes`;
  throw new GyreError(
    "BAD_ARGUMENT",
    `${what} of ${bytes} bytes at a multiple of ${LINE_BYTES} does not fit at ${place}`,
  );
}

/** Refuses what is not a power of two from least to most. */
export function checkPowerOfTwo(what: string, value: number, least: number, most: number): void {
  const whole = Number.isInteger(value) && value >= least && value <= most;
  if (whole && (value & (value - 1)) === 0) return;
  throw new GyreError("BAD_ARGUMENT", `${what} must be a power of two from ${least} to ${most}, not ${value}`);
}

/** Refuses what is not a whole number from least to most. */
export function checkWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new GyreError("BAD_ARGUMENT", `${what} must be a whole number from ${least} to ${most}, not ${value}`);
}
