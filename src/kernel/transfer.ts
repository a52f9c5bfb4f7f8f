/**
 * An entity on its way between zones of equal columns: what it is and has, one f64 a column, which holds each type exactly. What stays
 * behind is where it is, whom it is after, what it is doing, and its slot.
 */
import { bad, F32_MAX, length } from "./check.js";
import { COLUMNS } from "./columns.js";
import type { SpawnSpec, TypedColumn } from "./types.js";

type Name = (typeof COLUMNS)[number][0];

const SPAWN: readonly Name[] = ["kind", "team", "halfSize", "speed", "hp"];
const REST: readonly Name[] = [
  "vx",
  "vy",
  "wishX",
  "wishY",
  "faceX",
  "faceY",
  "readyAt",
  "hitAt",
  "xp",
  "gold",
  "level",
  "action",
];
const PLACES: readonly number[] = [...SPAWN, ...REST].map((name) => COLUMNS.findIndex(([column]) => column === name));
/** The last of SPAWN. */
const HP = SPAWN.indexOf("hp");
/** Times go over as how long it is to them, or since them and 1: the other zone has its own. 0 is none. */
const READY_AT = PLACES.indexOf(COLUMNS.findIndex(([name]) => name === "readyAt"));
const HIT_AT = PLACES.indexOf(COLUMNS.findIndex(([name]) => name === "hitAt"));
/** Least and most that the kernel believes, by place in REST. */
const RANGES: readonly (readonly [number, number])[] = REST.map((name) => {
  if (name === "vx" || name === "vy") return [-F32_MAX, F32_MAX];
  if (name === "wishX" || name === "wishY") return [-1, 1];
  if (name === "faceX" || name === "faceY") return [-2, 2];
  if (name === "level") return [1, 1000];
  return [0, name === "xp" || name === "gold" ? 2 ** 32 - 1 : 2 ** 31 - 1];
});

/** Bytes of an entity of a zone with so many columns of its own. */
export function entityBytes(own: number): number {
  return 8 * (PLACES.length + own);
}

/** `columns`: all of the zone, the kernel's first. */
export function extractEntity(columns: readonly TypedColumn[], slot: number, tick: number, out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  PLACES.forEach((column, i) => {
    let value = columns[column]?.[slot] ?? 0;
    if (i === READY_AT) value = Math.max(0, value - tick);
    if (i === HIT_AT && value > 0) value = tick - value + 1;
    view.setFloat64(8 * i, value, true);
  });
  for (let i = COLUMNS.length; i < columns.length; i++) {
    view.setFloat64(8 * (PLACES.length + i - COLUMNS.length), columns[i]?.[slot] ?? 0, true);
  }
}

/**
 * What to spawn for it, with at least 1 hp: what a game wrote there may be less. Throws BAD_ARGUMENT when the bytes are no entity's, or the
 * entity's columns hold what the kernel does not believe.
 */
export function entitySpec(bytes: Uint8Array, x: number, y: number): SpawnSpec {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  RANGES.forEach(([least, most], i) => {
    const value = view.getFloat64(8 * (SPAWN.length + i), true);
    if (!(value >= least && value <= most)) throw bad(REST[i] ?? "", value, `from ${least} to ${most}`);
  });
  const [kind, team, halfSize, speed, hp] = SPAWN.map((_, i) => view.getFloat64(8 * i, true));
  const [size, pace] = [length("halfSize", halfSize), length("speed", speed)];
  return { x, y, kind: kind ?? 0, team: team ?? 0, halfSize: size, speed: pace, hp: Math.max(1, hp ?? 0) };
}

/** Fills in the rest of who was spawned, and its hp. */
export function insertEntity(columns: readonly TypedColumn[], slot: number, tick: number, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = HP; i < PLACES.length; i++) {
    const column = columns[PLACES[i] ?? 0];
    let value = view.getFloat64(8 * i, true);
    if (i === READY_AT && value > 0) value += tick;
    // In a zone that is younger than the blow it was at the beginning.
    if (i === HIT_AT && value > 0) value = Math.max(1, tick - value + 1);
    if (column !== undefined) column[slot] = value;
  }
  for (let i = COLUMNS.length; i < columns.length; i++) {
    const column = columns[i];
    if (column !== undefined) column[slot] = view.getFloat64(8 * (PLACES.length + i - COLUMNS.length), true);
  }
}
