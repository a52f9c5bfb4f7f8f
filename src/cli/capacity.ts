/** `gyre capacity`: how many rooms and players this machine holds, from costs that are measured here, or given. */
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { GyreError } from "../errors.js";
import type { Game } from "../game/define.js";
import { measureRoom } from "../host/room-costs.js";
import { short } from "../load/report.js";
import { type Capacity, type CapacityCosts, type CapacityLoad, capacityOf } from "../ops/capacity.js";
import { loadGame } from "../ops/game-file.js";
import { describeFlags, type Flags, type NumberFlag, parseFlags, type Values } from "./flags.js";
import { writeJson } from "./write-json.js";

/** The example whose rooms are measured where there is no GAME. */
const EXAMPLE = new URL("../js/arenas.js", import.meta.url);

const cost = (help: string): NumberFlag => ({ type: "number", value: "US", help, min: 0, max: 1e9 });
const rate = (help: string, max: number, byDefault: number) =>
  ({ type: "integer", value: "N", help, min: 1, max, default: byDefault }) as const;

const FLAGS = {
  "players-per-room": rate("players in each room", 1024, 5),
  "tick-rate": rate("ticks a second", 240, 20),
  "sync-rate": rate("syncs a second, of entities and state tree, at most the tick rate", 240, 10),
  events: { type: "number", value: "N", help: "messages a second of each player", min: 0, max: 100, default: 10 },
  cores: { type: "integer", value: "N", help: "cores of the machine (this one's)", min: 1, max: 1024 },
  "tick-us": cost("microseconds of a room's tick (measured)"),
  "sync-us": cost("of a room's sync where it is simulated: state tree, copy of entities (measured)"),
  "encode-us": cost("of a room's snapshot and state messages, in memory (measured)"),
  "write-us": cost("of writing one player's frame and state messages to its socket (measured)"),
  "event-us": cost("of one message of a player (measured)"),
  costs: { type: "text", value: "FILE", help: "take the costs from what --json wrote there" },
  json: { type: "text", value: "FILE", help: "write all of it to FILE; - is stdout, and nothing else is said" },
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre capacity [GAME] [FLAGS]

How many rooms and players this machine holds. Measures the rooms of a GAME's first template, without one those of an example: five
players and ten monsters.

${describeFlags(FLAGS)}`;

type CapacityValues = Values<typeof FLAGS>;

const COSTS = [
  "tickUs",
  "syncUs",
  "encodeUs",
  "writeUs",
  "eventUs",
] as const satisfies readonly (keyof CapacityCosts)[];

/** Resolves with the exit status. */
export async function capacity(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS, 1);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const load = loadOf(values);
  const { costs, source } = await costsOf(values, load, positionals[0]);
  const found = capacityOf(costs, load);
  if (values.json !== "-") process.stdout.write(textOf(costs, load, found, source));
  if (values.json !== undefined) await writeJson(values.json, { machine: machine(), load, source, costs, ...found });
  return 0;
}

function loadOf(values: CapacityValues): CapacityLoad {
  const { "players-per-room": playersPerRoom, "tick-rate": tickRate, "sync-rate": syncRate, events } = values;
  if (syncRate > tickRate) {
    throw new GyreError("BAD_FLAG", `--sync-rate ${syncRate} is above --tick-rate ${tickRate}`);
  }
  return { playersPerRoom, tickRate, syncRate, events, cores: values.cores ?? availableParallelism() };
}

interface Found {
  readonly costs: CapacityCosts;
  /** Where they are from. */
  readonly source: string;
}

/** What flags say, else what a file says, else what is measured. */
async function costsOf(values: CapacityValues, load: CapacityLoad, game: string | undefined): Promise<Found> {
  const given: Partial<Record<keyof CapacityCosts, number | undefined>> = {
    tickUs: values["tick-us"],
    syncUs: values["sync-us"],
    encodeUs: values["encode-us"],
    writeUs: values["write-us"],
    eventUs: values["event-us"],
  };
  const missing = COSTS.filter((name) => given[name] === undefined);
  if (missing.length === 0) return { costs: given as CapacityCosts, source: "given" };
  const rest = values.costs === undefined ? await measured(load, game) : await readCosts(values.costs, load);
  const source = values.costs === undefined ? "measured here" : `from ${values.costs}`;
  const costs = Object.fromEntries(COSTS.map((name) => [name, given[name] ?? rest[name]])) as unknown as CapacityCosts;
  return { costs, source: missing.length === COSTS.length ? source : `${source}, but for those given` };
}

async function measured(load: CapacityLoad, file: string | undefined): Promise<CapacityCosts> {
  const game: Game = file === undefined ? (await import(EXAMPLE.href)).default : await loadGame(file);
  return await measureRoom({ game, load, now: () => performance.now() });
}

async function readCosts(file: string, { playersPerRoom }: CapacityLoad): Promise<CapacityCosts> {
  let read: { costs?: Partial<CapacityCosts>; load?: Partial<CapacityLoad> };
  try {
    read = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "it is not JSON";
    throw new GyreError("FILE_UNREADABLE", `cannot read ${file}: ${why}`);
  }
  const { costs } = read;
  for (const name of COSTS) {
    const value = costs?.[name];
    if (typeof value !== "number" || !(value >= 0 && value < Infinity)) {
      throw new GyreError("FILE_UNREADABLE", `${file} has no ${name}: gyre capacity --json writes such files`);
    }
  }
  if (read.load?.playersPerRoom !== playersPerRoom) {
    const theirs = read.load?.playersPerRoom;
    throw new GyreError("BAD_FLAG", `the costs in ${file} are of rooms of ${theirs} players, not ${playersPerRoom}`);
  }
  return costs as CapacityCosts;
}

function machine() {
  return { node: process.versions.node, cpu: cpus()[0]?.model ?? "", cores: availableParallelism() };
}

function textOf(costs: CapacityCosts, load: CapacityLoad, found: Capacity, source: string): string {
  const { playersPerRoom, tickRate, syncRate, events, cores } = load;
  const { roomUs, mainUs, simUs, bottleneck } = found;
  const rows: [string, number, string, string, number][] = [
    ["a room's tick", costs.tickUs, `x ${tickRate}`, "sim", roomUs.tickUs],
    ["a room's sync", costs.syncUs, `x ${syncRate}`, "sim", roomUs.syncUs],
    ["a room's snapshot", costs.encodeUs, `x ${syncRate}`, "main", roomUs.encodeUs],
    ["a frame to a socket", costs.writeUs, `x ${playersPerRoom} x ${syncRate}`, "main", roomUs.writeUs],
    ["a message", costs.eventUs, `x ${playersPerRoom} x ${events}`, "main", roomUs.eventUs],
  ];
  const why = {
    main: `the main thread is full first: it has the sockets, ${percent(mainUs, roomUs.writeUs + roomUs.eventUs)} of its work`,
    sim: `the threads that simulate are full first: ${cores - 1} of ${cores} cores are theirs`,
    both: "one core does it all",
  }[bottleneck];
  return [
    `Rooms of ${playersPerRoom}, ${tickRate} ticks and ${syncRate} syncs a second, ${events} messages a second of each player; ${cores} cores; costs ${source}.`,
    "",
    `${"cost".padEnd(20)}${"us".padStart(8)}  ${"a second".padEnd(12)}${"thread".padEnd(8)}${"us a room and second".padStart(20)}`,
    ...rows.map(
      ([name, us, times, thread, total]) =>
        `${name.padEnd(20)}${short(us).padStart(8)}  ${times.padEnd(12)}${thread.padEnd(8)}${short(total).padStart(20)}`,
    ),
    `${"a room".padEnd(42)}${"main".padEnd(8)}${short(mainUs).padStart(12)}`,
    `${"".padEnd(42)}${"sim".padEnd(8)}${short(simUs).padStart(12)}`,
    "",
    `${"line".padEnd(8)}${"rooms".padStart(8)}${"players".padStart(10)}${"main".padStart(12)}${"sim".padStart(16)}`,
    ...found.lines.map(
      (line) =>
        `${`${Math.round(100 * line.share)} %`.padEnd(8)}${short(line.rooms).padStart(8)}${short(line.players).padStart(10)}` +
        `${`${line.mainCores.toFixed(2)} of 1`.padStart(12)}${`${line.simCores.toFixed(2)} of ${found.simCores}`.padStart(16)}`,
    ),
    "",
    `Bottleneck: ${why}.`,
    "",
  ].join("\n");
}

function percent(of: number, part: number): string {
  return of > 0 ? `${Math.round((100 * part) / of)} %` : "0 %";
}
