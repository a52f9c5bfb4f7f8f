/**
 * Decides whether a JSON snapshot is good, in itself and against what the client knows, before anything of it is applied.
 */
import type { EntityId } from "../kernel/types.js";
import { type FieldTable, isFieldValue } from "./fields.js";
import { bad, OWN_FIELDS } from "./frame.js";
import type { SnapshotJson } from "./json-encoder.js";

type Json = Record<string, unknown>;
type Known = ReadonlyMap<EntityId, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;
const isU32 = (value: unknown): value is number => Number.isInteger(value) && value === (value as number) >>> 0;

/** Returns the message as what it is. Throws BAD_FRAME. `tick` is that of the last snapshot, `known` what is in view. */
export function checkSnapshotJson(message: unknown, tick: number, known: Known, table: FieldTable): SnapshotJson {
  if (!isObject(message) || message["type"] !== "snapshot") throw bad("not a snapshot");
  const { enter, update, leave } = message;
  if (!isU32(message["tick"]) || message["tick"] < tick) throw bad(`tick ${message["tick"]} follows tick ${tick}`);
  if (!isU32(message["ack"])) throw bad(`ack ${message["ack"]} is not a u32`);
  checkYou(message["you"]);
  if (!Array.isArray(enter) || !Array.isArray(update) || !Array.isArray(leave)) throw bad("a list is missing");
  const named = new Set<EntityId>();
  for (const id of leave) checkNamed(id, true, known, named);
  for (const entity of enter) checkEntity(entity, false, known, named, table);
  for (const entity of update) checkEntity(entity, true, known, named, table);
  return message as unknown as SnapshotJson;
}

function checkYou(you: unknown): void {
  if (you === null) return;
  if (!isObject(you) || !isU32(you["id"])) throw bad("you has no id");
  for (const { name } of OWN_FIELDS) if (!Number.isFinite(you[name])) throw bad(`you.${name} is ${you[name]}`);
}

/** An id stands in one of the three lists, once; those that leave or change are known, those that enter are not. */
function checkNamed(id: unknown, isKnown: boolean, known: Known, named: Set<EntityId>): void {
  if (!isU32(id) || id === 0) throw bad(`id ${id} is not a u32 above 0`);
  if (named.has(id)) throw bad(`${id} is named twice`);
  if (known.has(id) !== isKnown) throw bad(`${id} is ${isKnown ? "not" : "already"} known`);
  named.add(id);
}

/** An entity that enters says all of its fields, one that changes says some. */
function checkEntity(
  entity: unknown,
  isKnown: boolean,
  known: Known,
  named: Set<EntityId>,
  { fields }: FieldTable,
): void {
  if (!isObject(entity)) throw bad("an entity is not an object");
  checkNamed(entity["id"], isKnown, known, named);
  const may = (name: string): boolean => isKnown && entity[name] === undefined;
  for (const name of ["x", "y"]) {
    if (!may(name) && !Number.isFinite(entity[name])) throw bad(`${entity["id"]}.${name} is ${entity[name]}`);
  }
  for (const field of fields) {
    const value = entity[field.name];
    if (!may(field.name) && !isFieldValue(field, value)) throw bad(`${entity["id"]}.${field.name} is ${value}`);
  }
}
