/** Tables of archetypes in JSON: a name for each, and what it is. Read and checked once, when a game is loaded. */
import { GyreError } from "../errors.js";
import { archetypeProblem } from "../kernel/archetypes.js";
import type { Archetype } from "../kernel/types.js";
import { jsonError } from "./json-error.js";

/** As many as the kernel holds rows. */
export const ARCHETYPES_MAX = 256;
/** Characters of an archetype's name. */
const NAME_LENGTH_MAX = 32;

/**
 * `{"wolf": {"hp": 40, "attack": 6, ...}, ...}`, in the order in which they become kinds 0, 1, ... file: for errors. Throws ARCHETYPE_BAD
 * with the file, and the line and column where it is no JSON, or else the path and value of what is wrong.
 */
export function loadArchetypes(text: string, file: string): Record<string, Archetype> {
  let table: unknown;
  try {
    table = JSON.parse(text);
  } catch (error) {
    throw new GyreError("ARCHETYPE_BAD", `${file}:${jsonError(text) ?? ` ${(error as Error).message}`}`);
  }
  const problem = tableProblem(table, "");
  if (problem !== null) throw new GyreError("ARCHETYPE_BAD", `${file}: ${problem}`);
  return table as Record<string, Archetype>;
}

/** What is wrong with a table, as a sentence; null when nothing is. path: where it is, "" for a whole file. */
export function tableProblem(table: unknown, path: string): string | null {
  const name = path === "" ? "the table" : path;
  if (typeof table !== "object" || table === null || Array.isArray(table)) {
    return `${name} is ${Array.isArray(table) ? "an array" : String(table)}; it must be an object of archetypes by name`;
  }
  const rows = Object.entries(table);
  if (rows.length === 0 || rows.length > ARCHETYPES_MAX) {
    return `${name} has ${rows.length} archetypes; it must have 1 to ${ARCHETYPES_MAX}`;
  }
  for (const [key, row] of rows) {
    // Others would not stay in the order in which they are written.
    if (key === "" || key.length > NAME_LENGTH_MAX || /^\d+$/.test(key)) {
      return `${name} has the name ${JSON.stringify(key)}; it must be 1 to ${NAME_LENGTH_MAX} characters, and no number`;
    }
    const problem = archetypeProblem(row, path === "" ? key : `${path}.${key}`);
    if (problem !== null) return problem;
  }
  return null;
}
