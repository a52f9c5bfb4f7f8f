/** Checks of arguments. Each throws BAD_ARGUMENT with the name and the value. */
import { GyreError } from "../errors.js";

export function bad(name: string, value: unknown, rule: string): GyreError {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return new GyreError("BAD_ARGUMENT", `${name} is ${shown}; it must be ${rule}`);
}

export function finite(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw bad(name, value, "a finite number");
}

export const F32_MAX = 3.4028234663852886e38;

/** A finite number, brought into the range of an f32: nothing is out there either way. */
export function coordinate(name: string, value: unknown): number {
  return Math.min(Math.max(finite(name, value), -F32_MAX), F32_MAX);
}

/** At least 0, and finite as an f32. */
export function length(name: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && Math.fround(value) <= F32_MAX) return value;
  throw bad(name, value, "a finite number, at least 0");
}

export function integer(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw bad(name, value, `a whole number from ${min} to ${max}`);
}

/** The largest f32 that is not above the value: a zone is never wider than was asked for. */
export function floorF32(value: number): number {
  const near = Math.fround(value);
  if (near <= value) return near;
  const bits = new Uint32Array(new Float32Array([near]).buffer);
  return new Float32Array(new Uint32Array([bits[0]! - 1]).buffer)[0]!;
}
