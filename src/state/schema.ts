/**
 * What a state tree looks like: declared by the game as an object of first values, known to clients as a list of patterns. A place is a
 * value, a record of named places, or a table, whose entries all look alike and come and go under keys of their own:
 *
 *     { phase: "day", monsters: { "*": { hp: 0, loot: [] } } }
 *
 *     /phase   /monsters   /monsters/*   and the same with /hp and /loot behind it          patterns, in this order
 *
 * A pattern's hash stands for it on the wire: FNV-1a, 32 bits. Patterns of one scope whose hashes are equal are refused.
 */
import { shown } from "../errors.js";
import { DEPTH_MAX, PATTERNS_MAX } from "./limits.js";

/** Plain data, as plain.ts checks it. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

interface Place {
  readonly pattern: string;
  readonly hash: number;
  /** Tables on the way: keys that say which place of the pattern it is. */
  readonly stars: number;
}
/** first: null for one that takes any plain data. */
export interface ValueShape extends Place {
  readonly kind: "value";
  readonly first: Plain;
}
export interface RecordShape extends Place {
  readonly kind: "record";
  readonly names: readonly string[];
  readonly fields: readonly Shape[];
  readonly indexOf: ReadonlyMap<string, number>;
  /** Whether there is a table somewhere in it. */
  readonly hasTable: boolean;
}
export interface TableShape extends Place {
  readonly kind: "table";
  readonly entry: Shape;
}
export type Shape = ValueShape | RecordShape | TableShape;

/** One scope: its root, which has no pattern, and all places below it. */
export interface Schema {
  readonly root: RecordShape;
  readonly places: ReadonlyMap<number, Shape>;
  readonly patterns: readonly string[];
}

const TABLE = "*";
/** A letter and up to 31 letters, digits and underscores. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
/** What objects are looked at for by the language itself. */
const TAKEN: readonly string[] = ["constructor", "prototype", "toJSON", "then", "valueOf", "toString"];

/** 32-bit FNV-1a of a text of ASCII. */
export function hashPattern(pattern: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < pattern.length; i++) hash = Math.imul(hash ^ pattern.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** What is wrong with a declaration, as a sentence that begins with its path; null when nothing is. Values are plain data already. */
export function declarationProblem(declared: Plain, path: string): string | null {
  if (!isObject(declared) || TABLE in declared)
    return `${path} is ${shown(declared)}; it must be an object of first values by name`;
  if (Object.keys(declared).length === 0) return null;
  return fieldsProblem(declared, path, 1) ?? collision(patternsOf(declared), path);
}

function fieldsProblem(declared: { readonly [key: string]: Plain }, path: string, depth: number): string | null {
  const names = Object.keys(declared);
  if (depth > DEPTH_MAX) return `${path} is nested deeper than ${DEPTH_MAX} levels`;
  if (names.length === 0) return `${path} is {}; null declares any value, {"*": ...} a table`;
  for (const name of names) {
    const isTable = name === TABLE;
    if (isTable && names.length > 1) return `${path} has names beside "*"; the entries of a table all look alike`;
    if (!isTable && (!NAME.test(name) || TAKEN.includes(name))) {
      return `a name in ${path} is ${JSON.stringify(name)}; it must be a letter and up to 31 letters, digits and _, and none of ${TAKEN.join(", ")}`;
    }
    const field = declared[name] ?? null;
    const problem = isObject(field) ? fieldsProblem(field, `${path}.${name}`, depth + 1) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function collision(patterns: readonly string[], path: string): string | null {
  if (patterns.length > PATTERNS_MAX)
    return `${path} has ${patterns.length} places; it must have at most ${PATTERNS_MAX}`;
  const byHash = new Map<number, string>();
  for (const pattern of patterns) {
    const other = byHash.get(hashPattern(pattern));
    if (other !== undefined)
      return `${path} has ${other} and ${pattern}, whose hashes are equal; one of them needs another name`;
    byHash.set(hashPattern(pattern), pattern);
  }
  return null;
}

/** The patterns of a declaration that is right, in order. */
export function patternsOf(declared: Plain, pattern = ""): string[] {
  if (!isObject(declared)) return [];
  return Object.keys(declared).flatMap((name) => {
    const inner = `${pattern}/${name}`;
    return [inner, ...patternsOf(declared[name] ?? null, inner)];
  });
}

/** Of a declaration that is right. */
export function schemaOf(declared: Plain): Schema {
  return gathered(shapeOf(declared, "", 0) as RecordShape);
}

/** Of patterns, as a client gets them; first values are unknown. Null for a list that no declaration has. */
export function schemaOfPatterns(patterns: readonly string[]): Schema | null {
  const declared = Object.create(null) as Record<string, Plain>;
  for (const pattern of patterns) {
    const names = pattern.split("/");
    if (names.shift() !== "" || names.length === 0) return null;
    let at: Record<string, Plain> = declared;
    for (const [i, name] of names.entries()) {
      if (name !== TABLE && !NAME.test(name)) return null;
      if (i === names.length - 1) {
        if (name in at) return null;
        at[name] = null;
      } else {
        const inner = at[name];
        if (inner === undefined) return null;
        at[name] = inner === null ? (Object.create(null) as Record<string, Plain>) : inner;
        at = at[name] as Record<string, Plain>;
      }
    }
  }
  return declarationProblem(declared, "state") === null ? schemaOf(declared) : null;
}

function shapeOf(declared: Plain, pattern: string, stars: number): Shape {
  const place = { pattern, hash: hashPattern(pattern), stars };
  if (!isObject(declared)) return { ...place, kind: "value", first: frozen(copied(declared)) };
  const entry = declared[TABLE];
  if (entry !== undefined) return { ...place, kind: "table", entry: shapeOf(entry, `${pattern}/${TABLE}`, stars + 1) };
  const names = Object.keys(declared);
  const fields = names.map((name) => shapeOf(declared[name] ?? null, `${pattern}/${name}`, stars));
  const hasTable = fields.some((field) => field.kind === "table" || (field.kind === "record" && field.hasTable));
  return { ...place, kind: "record", names, fields, indexOf: new Map(names.map((name, i) => [name, i])), hasTable };
}

function gathered(root: RecordShape): Schema {
  const all: Shape[] = [];
  const gather = (shape: Shape): void => {
    if (shape !== root) all.push(shape);
    if (shape.kind === "record") for (const field of shape.fields) gather(field);
    else if (shape.kind === "table") gather(shape.entry);
  };
  gather(root);
  return {
    root,
    places: new Map(all.map((shape) => [shape.hash, shape])),
    patterns: all.map(({ pattern }) => pattern),
  };
}

/** Nobody changes a part of a value: the tree would not notice. */
export function frozen(value: Plain): Plain {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

function copied(value: Plain): Plain {
  return typeof value === "object" && value !== null ? (JSON.parse(JSON.stringify(value)) as Plain) : value;
}

export function isObject(value: unknown): value is { readonly [key: string]: Plain } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
