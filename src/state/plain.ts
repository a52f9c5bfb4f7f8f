/**
 * Plain data: what JSON can say, so that it is saved, hashed and sent without loss. Its text is JSON with the keys in the order in which
 * they stand, not sorted: code that loops over an object acts in that order, so the order is part of what it is.
 */
import { GyreError, shown } from "../errors.js";

/** Levels of nesting: deeper is a mistake more often than a design. */
const DEPTH_MAX = 64;

/** The JSON text of plain data. Throws BAD_ARGUMENT with the path of what is not plain, beginning with `name`. */
export function plainText(value: unknown, name: string): string {
  check(value, name, new Set(), 0);
  return JSON.stringify(value);
}

function check(value: unknown, path: string, seen: Set<object>, depth: number): void {
  if (value === null || typeof value === "boolean" || typeof value === "string") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refusal(path, String(value));
    if (Object.is(value, -0)) throw refusal(path, "-0");
    return;
  }
  if (typeof value !== "object") throw refusal(path, shown(value));
  if (seen.has(value)) throw refusal(path, "an object that stands in two places");
  if (depth === DEPTH_MAX) throw refusal(path, `nested deeper than ${DEPTH_MAX} levels`);
  seen.add(value);
  if (Array.isArray(value)) checkArray(value, path, seen, depth);
  else checkObject(value, path, seen, depth);
}

function checkArray(values: readonly unknown[], path: string, seen: Set<object>, depth: number): void {
  for (let i = 0; i < values.length; i++) check(values[i], `${path}[${i}]`, seen, depth + 1);
}

function checkObject(value: object, path: string, seen: Set<object>, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of plain objects of any realm is itself without one.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw refusal(path, shown(value));
  if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(path, "an object with a symbol for a key");
  for (const key of Object.keys(value)) {
    check((value as Record<string, unknown>)[key], pathTo(path, key), seen, depth + 1);
  }
}

function pathTo(path: string, key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function refusal(path: string, found: string): GyreError {
  return new GyreError(
    "BAD_ARGUMENT",
    `${path} is ${found}; it must be plain data: null, booleans, strings, finite numbers, arrays and objects of such`,
  );
}
