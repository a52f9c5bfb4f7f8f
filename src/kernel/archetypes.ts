/**
 * Archetypes on their way into a zone: the one table of their fields, which says what each may be and how it lies in a row of the
 * kernel's (assembly/archetype.ts, in the same order).
 */
import { GyreError, shown } from "../errors.js";
import { bad } from "./check.js";
import type { Archetype } from "./types.js";

const I32_MAX = 2 ** 31 - 1;
/** Units; no zone is longer. */
const LENGTH_MAX = 4_000_000;
/** Seconds, 12 days: ticks of the fastest zone stay below 2^31. */
const SECONDS_MAX = 1_000_000;
const BRAINS = ["none", "hunter"];
/** Of what says none, archetype or not: half the side of its box in units, and units per second. */
export const HALF_SIZE = 8;
export const SPEED = 120;

type Rule =
  | { readonly type: "integer" | "number" | "seconds" | "share" | "arc"; readonly min: number; readonly max: number }
  | { readonly type: "brain" };

interface Field {
  readonly name: keyof Archetype;
  readonly rule: Rule;
  /** In place of what is absent. */
  readonly absent: number | string;
}

const integer = (max: number, min = 0): Rule => ({ type: "integer", min, max });
const length: Rule = { type: "number", min: 0, max: LENGTH_MAX };
const seconds: Rule = { type: "seconds", min: 0, max: SECONDS_MAX };
const field = (name: keyof Archetype, rule: Rule, absent: number | string = 0): Field => ({ name, rule, absent });

/** In the order of a row: four bytes each. */
const FIELDS: readonly Field[] = [
  field("hp", integer(I32_MAX)),
  field("attack", integer(I32_MAX)),
  field("defence", integer(I32_MAX)),
  field("spread", { type: "share", min: 0, max: 1 }),
  field("reach", length),
  field("arc", { type: "arc", min: 0, max: 2 * Math.PI }, 2 * Math.PI),
  field("sight", length),
  field("leash", length),
  field("wander", length),
  field("separation", length),
  field("cooldown", seconds),
  field("stagger", seconds),
  field("respawn", seconds),
  field("corpse", seconds),
  field("xp", integer(I32_MAX)),
  field("gold", integer(I32_MAX)),
  field("levelXp", integer(I32_MAX)),
  field("levelMax", integer(1000, 1), 100),
  field("levelHp", integer(I32_MAX)),
  field("levelAttack", integer(I32_MAX)),
  field("levelDefence", integer(I32_MAX)),
  field("cleave", integer(16, 1), 1),
  field("brain", { type: "brain" }, "none"),
  field("team", integer(255)),
  field("speed", length, SPEED),
  field("halfSize", length, HALF_SIZE),
];
const BY_NAME: ReadonlyMap<string, Field> = new Map(FIELDS.map((entry) => [entry.name, entry]));

function ruleText(rule: Rule): string {
  switch (rule.type) {
    case "brain":
      return BRAINS.map((brain) => `"${brain}"`).join(" or ");
    case "integer":
      return `a whole number from ${rule.min} to ${rule.max}`;
    case "seconds":
      return `seconds, a number from ${rule.min} to ${rule.max}`;
    case "arc":
      return "radians, a number from 0 to 2 pi";
    default:
      return `a number from ${rule.min} to ${rule.max}`;
  }
}

function follows(value: unknown, rule: Rule): boolean {
  if (rule.type === "brain") return BRAINS.includes(value as string);
  if (typeof value !== "number" || !(value >= rule.min && value <= rule.max)) return false;
  return rule.type !== "integer" || Number.isInteger(value);
}

/** What is wrong with an archetype, as a sentence that begins with the path of the wrong value; null when nothing is. */
export function archetypeProblem(row: unknown, path: string): string | null {
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    return `${path} is ${shown(row)}; it must be an object`;
  }
  for (const [name, value] of Object.entries(row)) {
    const known = BY_NAME.get(name);
    if (known === undefined) return `${path}.${name} is no field of an archetype`;
    if (value !== undefined && !follows(value, known.rule)) {
      return `${path}.${name} is ${shown(value)}; it must be ${ruleText(known.rule)}`;
    }
  }
  return null;
}

/** The archetypes of a spec. Throws BAD_ARGUMENT. */
export function checkArchetypes(rows: unknown, max: number): readonly Archetype[] {
  if (!Array.isArray(rows)) throw bad("archetypes", rows, "an array");
  if (rows.length > max) throw bad("archetypes.length", rows.length, `at most ${max}`);
  rows.forEach((row, i) => {
    const problem = archetypeProblem(row, `archetypes[${i}]`);
    if (problem !== null) throw new GyreError("BAD_ARGUMENT", problem);
  });
  return rows as readonly Archetype[];
}

/**
 * Cosine by its series, in operations that are exact to the bit in every engine, which Math.cos is not. Angles from 0 to pi; off by less
 * than an f32 shows.
 */
export function cosine(angle: number): number {
  const square = angle * angle;
  let term = 1;
  let sum = 1;
  for (let n = 2; n <= 32; n += 2) {
    term *= -square / (n * (n - 1));
    sum += term;
  }
  return Math.max(-1, Math.min(1, sum));
}

/** Ticks of a duration in seconds: at least one where it is not 0. */
function ticksOf(duration: number, tickRate: number): number {
  return duration === 0 ? 0 : Math.max(1, Math.round(duration * tickRate));
}

/** Writes rows of `rowBytes` each; checked before. */
export function writeArchetypes(view: DataView, rows: readonly Archetype[], rowBytes: number, tickRate: number): void {
  rows.forEach((row, i) => {
    FIELDS.forEach(({ name, rule, absent }, place) => {
      const at = i * rowBytes + place * 4;
      const value = row[name] ?? absent;
      if (rule.type === "brain") view.setUint32(at, BRAINS.indexOf(value as string), true);
      else if (rule.type === "integer") view.setUint32(at, value as number, true);
      else if (rule.type === "seconds") view.setUint32(at, ticksOf(value as number, tickRate), true);
      else if (rule.type === "share") view.setUint32(at, Math.round((value as number) * 256), true);
      else if (rule.type === "arc") view.setFloat32(at, cosine((value as number) / 2), true);
      else view.setFloat32(at, value as number, true);
    });
  });
}

/** What an entity of a kind is when its spawner does not say: read back from the row, so that a restored zone knows it too. */
export interface SpawnDefaults {
  team: number;
  halfSize: number;
  speed: number;
  hp: number;
}

const PLACE = new Map(FIELDS.map(({ name }, place) => [name, place * 4]));

export function readSpawnDefaults(view: DataView, count: number, rowBytes: number): SpawnDefaults[] {
  const at = (name: keyof Archetype) => PLACE.get(name) ?? 0;
  return Array.from({ length: count }, (_, i) => ({
    team: view.getUint32(i * rowBytes + at("team"), true),
    halfSize: view.getFloat32(i * rowBytes + at("halfSize"), true),
    speed: view.getFloat32(i * rowBytes + at("speed"), true),
    hp: view.getInt32(i * rowBytes + at("hp"), true),
  }));
}
