/**
 * defineGame: a game's definition, checked field by field when its module is loaded, so that a mistake is told with its path and value
 * instead of showing up as a strange tick.
 */
import { GyreError, shown } from "../errors.js";
import type { ColumnType } from "../kernel/types.js";
import { isColumnName, isStep, isTakenName, OWN_COLUMNS_MAX } from "../protocol/fields.js";
import { INTEREST_TILES_MAX } from "../protocol/interest.js";
import { tableProblem } from "./archetypes.js";
import { callerOf } from "./locate.js";
import { syncProblem } from "./sync.js";
import type { GameDefinition, NoSync, OwnColumns, RoomTemplate, SyncOptions } from "./types.js";

/** Ticks per second: a millisecond is what timers can do. */
export const TICK_RATE_MAX = 1000;
/** Seats for players in each zone. */
export const PLAYERS_MAX = 16_384;
/** Entities in each zone: ids can tell so many apart. */
export const CAPACITY_MAX = 1_048_575;
/** Zones of one process; each has its own memory of at least some pages. */
export const ZONES_MAX = 1000;
/** Ticks between two runs of a system: an hour and more at any rate. */
const EVERY_MAX = 2 ** 22;
/** Systems of one game. */
const SYSTEMS_MAX = 256;
/** Actions of one game, `attack` aside. */
const ACTIONS_MAX = 64;
/** Characters of a name. */
const NAME_LENGTH_MAX = 64;
const LABEL_LENGTH_MAX = 32;
/** Columns of one's own, as the kernel has it. */
const COLUMNS_MAX = 32;
/** Until somebody notices that nobody is there. */
const SECONDS_MAX = 86_400;
/** Templates of rooms of one game. */
const TEMPLATES_MAX = 16;
/** Players of one room: as many as sessions that a server may have. */
const ROOM_PLAYERS_MAX = 4096;
/** Instances of a template that does not say how many. */
export const INSTANCES = 64;
const COLUMN_TYPES = ["f32", "i32", "u32", "i16", "u16", "i8", "u8"];
/** What a game may say of the kernel's zone; the rest follows from map, archetypes and seats. The kernel checks the values. */
const ZONE_FIELDS = [
  "cellSize",
  "listCapacity",
  "eventCapacity",
  "eventPolicy",
  "commandCapacity",
  "flowFields",
  "flowBudget",
  "pathRequests",
  "pathBudget",
  "walkerHalfSize",
];

/** What {@link defineGame} returns: the default export of a game's module. */
export interface Game {
  readonly name: string;
  /** The file that called defineGame, as a path; "" when the engine does not say. */
  readonly file: string;
  readonly definition: GameDefinition;
}

const made = new WeakSet<object>();

/** Whether defineGame made it. */
export function isGame(value: unknown): value is Game {
  return typeof value === "object" && value !== null && made.has(value);
}

/** A game of its definition. Throws GAME_BAD with the path and value of the first field that is wrong. */
export function defineGame<
  S = undefined,
  const C extends OwnColumns = Record<never, never>,
  Y extends SyncOptions = NoSync,
>(definition: GameDefinition<S, C, Y>): Game {
  const problem = definitionProblem(definition);
  if (problem !== null) throw new GyreError("GAME_BAD", problem);
  const file = callerOf(new Error());
  // Hooks are handed the worlds of their own game and no others.
  const game: Game = Object.freeze({
    name: definition.name,
    file,
    definition: definition as unknown as GameDefinition,
  });
  made.add(game);
  return game;
}

/** Says what is wrong with a value, as a sentence that begins with its path; null when nothing is. */
type Check = (value: unknown, path: string) => string | null;

const anyFunction: Check = (value, path) => (typeof value === "function" ? null : wrong(path, value, "a function"));
/** What a hook does after an await, it would do outside of its tick. */
const hook: Check = (value, path) => {
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (typeof value !== "function" || kind === "Function") return anyFunction(value, path);
  return `${path} is a function of the kind ${kind}; it must be a plain one, which is done when it returns`;
};
const size = (least: number, most: number): Check => {
  return (value, path) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? null
      : wrong(path, value, `a whole number from ${least} to ${most}`);
};
const text = (most: number): Check => {
  return (value, path) =>
    typeof value === "string" && value.length > 0 && value.length <= most && !/\p{Cc}/u.test(value)
      ? null
      : wrong(path, value, `a text of 1 to ${most} characters`);
};
const anyOf = (...checks: readonly Check[]): Check => {
  return (value, path) => {
    const problems = checks.map((check) => check(value, path));
    return problems.includes(null) ? null : (problems[typeof value === "function" ? 0 : problems.length - 1] ?? null);
  };
};
const listOf = (most: number, check: Check): Check => {
  return (value, path) => {
    if (!Array.isArray(value)) return wrong(path, value, "an array");
    if (value.length > most) return wrong(`${path}.length`, value.length, `at most ${most}`);
    return first(value.map((item, i) => check(item, `${path}[${i}]`)));
  };
};
const record = (fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check => {
  return (value, path) => {
    if (!isRecord(value)) return wrong(path, value, "an object");
    const inside = path === "" ? "" : `${path}.`;
    const missing = required.find((name) => value[name] === undefined);
    if (missing !== undefined) return `${inside}${missing} is missing`;
    for (const [name, field] of Object.entries(value)) {
      const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (check === undefined) {
        return `${inside}${name} is no field of ${path === "" ? "a game" : "it"}; there are ${Object.keys(fields).join(", ")}`;
      }
      const problem = field === undefined ? null : check(field, `${inside}${name}`);
      if (problem !== null) return problem;
    }
    return null;
  };
};

const finite: Check = (value, path) => (Number.isFinite(value) ? null : wrong(path, value, "a finite number"));
const flag: Check = (value, path) => (typeof value === "boolean" ? null : wrong(path, value, "true or false"));
const object: Check = (value, path) => (isRecord(value) ? null : wrong(path, value, "an object"));
const bytes: Check = (value, path) => (value instanceof Uint8Array ? null : wrong(path, value, "a Uint8Array"));

const columnType: Check = (value, path) =>
  COLUMN_TYPES.includes(value as string) ? null : wrong(path, value, COLUMN_TYPES.join(", "));
const column: Check = (value, path) => (isRecord(value) ? replicatedColumn(value, path) : columnType(value, path));
const replicatedColumn: Check = (value, path) => {
  const problem = record({ type: columnType, replicate: flag, step: finite }, ["type"])(value, path);
  if (problem !== null) return problem;
  const { type, replicate, step } = value as { type: ColumnType; replicate?: boolean; step?: number };
  if (step === undefined || (replicate === true && isStep(type, step))) return null;
  return wrong(`${path}.step`, step, "from 2^-20 to 2^20, of an f32 that is replicated");
};
const columns: Check = (value, path) => {
  if (!isRecord(value)) return wrong(path, value, "an object of columns by name");
  const names = Object.keys(value);
  if (names.length > COLUMNS_MAX) return wrong(path, `${names.length} columns`, `at most ${COLUMNS_MAX}`);
  const bad = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,31}$/.test(name));
  if (bad !== undefined) return wrong(`a name in ${path}`, bad, "a letter and up to 31 letters, digits and _");
  return first(names.map((name) => column(value[name], `${path}.${name}`))) ?? replicatedProblem(value, path);
};
/** Of columns that are right by themselves: clients must be able to tell them from what entities have anyway. */
function replicatedProblem(columns: Record<string, unknown>, path: string): string | null {
  const names = Object.keys(columns).filter((name) => isRecord(columns[name]) && columns[name]["replicate"] === true);
  if (names.length > OWN_COLUMNS_MAX)
    return `${path} has ${names.length} replicated; it must have at most ${OWN_COLUMNS_MAX}`;
  const odd = names.find((name) => !isColumnName(name));
  if (odd !== undefined) return `${path}.${odd} is no name for a replicated column; it must begin with a letter`;
  const taken = names.find(isTakenName);
  return taken === undefined
    ? null
    : `${path}.${taken} is a name that entities have already; a replicated column needs another`;
}

const gate: Check = (value, path) => {
  const field = { zone: text(LABEL_LENGTH_MAX), to: text(LABEL_LENGTH_MAX), all: flag };
  const numbers = ["x0", "y0", "x1", "y1", "x", "y"];
  const fields = { ...field, ...Object.fromEntries(numbers.map((name) => [name, finite])) };
  const problem = record(fields, ["zone", "to", ...numbers])(value, path);
  if (problem !== null) return problem;
  const { zone, to, x0, y0, x1, y1 } = value as Record<string, number>;
  if (zone === to) return wrong(`${path}.to`, to, "another zone than the one that the gate is in");
  if (Number(x0) > Number(x1)) return wrong(`${path}.x0`, x0, `at most x1, ${x1}`);
  return Number(y0) > Number(y1) ? wrong(`${path}.y0`, y0, `at most y1, ${y1}`) : null;
};
/** All gates, as a definition or a function of one gives them. */
export const gatesProblem: Check = listOf(65_536, gate);

const zoneFields = record(Object.fromEntries(ZONE_FIELDS.map((name) => [name, () => null])));
/** The `zone` field, as a definition or a function of one gives it. */
export const zoneProblem: Check = zoneFields;
/** Entities beyond the players'. */
export const capacityProblem: Check = size(0, CAPACITY_MAX);

const system: Check = (value, path) => {
  const fields = { name: text(NAME_LENGTH_MAX), every: size(1, EVERY_MAX), run: hook, kernel: text(NAME_LENGTH_MAX) };
  const problem = record({ ...fields, numbers: listOf(16, finite) }, ["name", "every"])(value, path);
  if (problem !== null) return problem;
  const { run, kernel } = value as { run?: unknown; kernel?: unknown };
  const both = run !== undefined && kernel !== undefined;
  if (both || (run === undefined && kernel === undefined)) {
    return `${path} has ${both ? "both" : "neither"} run ${both ? "and" : "nor"} kernel; it must have one of them`;
  }
  return null;
};
const seconds: Check = (value, path) =>
  Number.isFinite(value) && (value as number) >= 0 && (value as number) <= SECONDS_MAX
    ? null
    : wrong(path, value, `seconds, a number from 0 to ${SECONDS_MAX}`);

/** What the server says itself, for all rooms. */
const SERVERS: readonly string[] = ["bots", "players", "zones", "seed"];
const roomSettings: Check = (value, path) => {
  if (!isRecord(value)) return wrong(path, value, "an object of numbers by name");
  const taken = SERVERS.find((name) => value[name] !== undefined);
  if (taken !== undefined) return `${path}.${taken} is none of a room's own settings; the server says it`;
  return first(Object.entries(value).map(([name, number]) => finite(number, `${path}.${name}`)));
};
const room = record(
  {
    maxPlayers: size(1, ROOM_PLAYERS_MAX),
    instances: size(1, ZONES_MAX),
    linger: seconds,
    settings: roomSettings,
  },
  ["maxPlayers"],
);
const rooms: Check = (value, path) => {
  if (!isRecord(value)) return wrong(path, value, "an object of templates by name");
  const templates = Object.entries(value);
  if (templates.length === 0 || templates.length > TEMPLATES_MAX) {
    return `${path} has ${templates.length} templates; it must have 1 to ${TEMPLATES_MAX}`;
  }
  // Instances have a dash and a number behind it.
  const bad = templates.find(([name]) => !/^[A-Za-z][A-Za-z0-9_]{0,23}$/.test(name));
  if (bad !== undefined) return wrong(`a name in ${path}`, bad[0], "a letter and up to 23 letters, digits and _");
  const problem = first(templates.map(([name, template]) => room(template, `${path}.${name}`)));
  if (problem !== null) return problem;
  const sum = templates.reduce((sum, [, template]) => sum + instanceCount(template as RoomTemplate), 0);
  return sum <= ZONES_MAX ? null : `${path} has ${sum} instances in all; it must have at most ${ZONES_MAX}`;
};

export function instanceCount({ instances = INSTANCES }: RoomTemplate): number {
  return instances;
}

const systems: Check = (value, path) => {
  const problem = listOf(SYSTEMS_MAX, system)(value, path);
  return problem ?? twice(value as { name: string }[], path, ({ name }) => name);
};
const actions: Check = (value, path) => {
  const problem = listOf(ACTIONS_MAX, text(LABEL_LENGTH_MAX))(value, path);
  return problem ?? twice(["attack", ...(value as string[])], path, (name) => name);
};

const HOOKS = [
  "state",
  "setup",
  "join",
  "gone",
  "leave",
  "arrive",
  "depart",
  "stay",
  "input",
  "timer",
  "death",
  "event",
] as const satisfies readonly (keyof GameDefinition)[];

/** Whether code of the game runs in its zones: without any there is nothing to watch over. */
export function hasHooks({ definition }: Game): boolean {
  return definition.systems !== undefined || HOOKS.some((hook) => definition[hook] !== undefined);
}

/** Whether code of the game runs in the ticks of its zones: without any, a step is all in the zone's memory. */
export function runsInTicks({ definition }: Game): boolean {
  const before: readonly string[] = ["state", "setup"];
  return (
    definition.systems !== undefined || HOOKS.some((hook) => !before.includes(hook) && definition[hook] !== undefined)
  );
}

const definitionCheck = record(
  {
    name: text(NAME_LENGTH_MAX),
    map: anyOf(anyFunction, object),
    tickRate: size(1, TICK_RATE_MAX),
    snapshotRate: size(1, TICK_RATE_MAX),
    positionStep: (value, path) => (isStep("f32", value) ? null : wrong(path, value, "units, from 2^-20 to 2^20")),
    interestTiles: size(1, INTEREST_TILES_MAX),
    zones: size(1, ZONES_MAX),
    players: size(0, PLAYERS_MAX),
    capacity: anyOf(hook, capacityProblem),
    zone: anyOf(hook, zoneProblem),
    columns,
    archetypes: tableProblem,
    actions,
    gates: anyOf(hook, gatesProblem),
    sleepAfter: seconds,
    rooms,
    systems,
    sync: syncProblem,
    kernel: bytes,
    ...Object.fromEntries(HOOKS.map((name) => [name, hook])),
  } satisfies Record<string, Check>,
  ["name"],
);

function definitionProblem(definition: unknown): string | null {
  if (!isRecord(definition)) return wrong("the definition", definition, "an object");
  const problem = definitionCheck(definition, "");
  if (problem !== null) return problem;
  if (definition["rooms"] !== undefined) {
    const other = ["zones", "players", "sleepAfter"].find((name) => definition[name] !== undefined);
    if (other !== undefined) return `${other} is for a game without rooms; they have instances, maxPlayers and linger`;
  }
  const {
    tickRate = 60,
    snapshotRate,
    sync,
  } = definition as {
    tickRate?: number;
    snapshotRate?: number;
    sync?: SyncOptions;
  };
  if (snapshotRate !== undefined && snapshotRate > tickRate) {
    return wrong("snapshotRate", snapshotRate, `at most the tickRate, ${tickRate}`);
  }
  if (sync?.rate !== undefined && sync.rate > tickRate) {
    return wrong("sync.rate", sync.rate, `at most the tickRate, ${tickRate}`);
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function first(problems: readonly (string | null)[]): string | null {
  return problems.find((problem) => problem !== null) ?? null;
}

function twice<T>(items: readonly T[], path: string, nameOf: (item: T) => string): string | null {
  const names = items.map(nameOf);
  const again = names.find((name, i) => names.indexOf(name) !== i);
  return again === undefined ? null : `${path} has ${JSON.stringify(again)} twice; each name must be another`;
}

/** One sentence about a value that is not what it must be. */
export function wrong(path: string, value: unknown, rule: string): string {
  return `${path} is ${shown(value)}; it must be ${rule}`;
}
