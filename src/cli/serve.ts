/**
 * `gyre serve`: a map, a crowd on it, a server; until it is told to stop.
 */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { GyreError } from "../errors.js";
import { loadMap } from "../maps/load.js";
import type { MapData } from "../maps/types.js";
import { createServer, DEFAULTS, type GyreServer, RANGES } from "../server.js";
import { demoMap } from "./demo-map.js";
import { describeFlags, type Flags, parseFlags, type Values } from "./flags.js";

const integer = (name: keyof typeof RANGES, help: string) =>
  ({ type: "integer", value: "N", help, min: RANGES[name][0], max: RANGES[name][1] }) as const;

const integerOr = (name: keyof typeof RANGES, help: string) =>
  ({ ...integer(name, help), default: DEFAULTS[name] }) as const;

const FLAGS = {
  host: { type: "text", value: "H", help: "address to listen on", default: DEFAULTS.host },
  port: integerOr("port", "port to listen on; 0 picks a free one"),
  map: { type: "text", value: "FILE", help: "MovingAI .map, or Tiled .tmj or .tmx; a small town without" },
  zones: integerOr("zones", "zones on the map, each with its own crowd"),
  threads: { type: "integer", value: "N", help: "0: simulate on the main thread", min: 0, max: 1024, default: 0 },
  npcs: integerOr("npcs", "wandering entities in each zone"),
  bots: integerOr("bots", "simulated players in each zone"),
  "tick-rate": integerOr("tickRate", "simulation steps a second"),
  // Its default follows from the tick rate.
  "snapshot-rate": integer("snapshotRate", "snapshots a second, at most the tick rate (20)"),
  seed: integerOr("seed", "seed of the world"),
  json: { type: "switch", help: "one JSON object a line on stdout" },
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre serve [FLAGS]

Serves a world, its viewer and its metrics until SIGINT or SIGTERM.

${describeFlags(FLAGS)}`;

type ServeValues = Values<typeof FLAGS>;

/** Resolves with the exit status once it has stopped. stopped: when it shall. */
export async function serve(argv: readonly string[], stopped: Promise<void>): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS, 1);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  check(values, positionals[0]);
  // What survives a young collection here is little; waking threads to share it takes longer. With 50 players on 2 cores a pause
  // is 0.44 ms on average without them, 0.73 ms with them.
  setFlagsFromString("--no-parallel-scavenge");
  const server = await Promise.race([start(values), stopped]);
  // Told to stop before there was anything to stop.
  if (server === undefined) process.exit(0);
  process.stdout.on("error", () => {});
  process.stdout.write(values.json ? listeningJson(server, values) : listeningText(server, values));
  await stopped;
  await server.close();
  return 0;
}

function check(values: ServeValues, game: string | undefined): void {
  if (game !== undefined) {
    throw new GyreError(
      "BAD_FLAG",
      `cannot serve the game ${JSON.stringify(game)}: this version has only the demo world`,
    );
  }
  if (values.threads !== 0) {
    throw new GyreError(
      "BAD_FLAG",
      `--threads ${values.threads}: this version simulates on the main thread, which is 0`,
    );
  }
  if (values["snapshot-rate"] !== undefined && values["snapshot-rate"] > values["tick-rate"]) {
    throw new GyreError(
      "BAD_FLAG",
      `--snapshot-rate ${values["snapshot-rate"]} is above --tick-rate ${values["tick-rate"]}`,
    );
  }
}

async function start(values: ServeValues): Promise<GyreServer> {
  const { "tick-rate": tickRate, "snapshot-rate": snapshotRate, map, ...options } = values;
  return await createServer({
    ...options,
    tickRate,
    ...(snapshotRate === undefined ? {} : { snapshotRate }),
    map: map === undefined ? demoMap(values.seed) : await readMap(map),
  });
}

async function readMap(file: string): Promise<MapData> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new GyreError("FILE_UNREADABLE", `cannot read ${file}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
  return await loadMap(text, file);
}

/** The first line of --json, as others parse it. */
function listeningJson({ http, ws, kernel }: GyreServer, { threads, zones }: ServeValues): string {
  return `${JSON.stringify({ event: "listening", http, ws, kernel: kernel.build, threads, zones })}\n`;
}

function listeningText({ http, kernel }: GyreServer, values: ServeValues): string {
  const { npcs, bots, zones, "tick-rate": tickRate } = values;
  return `gyre: ${npcs} NPCs and ${bots} bots in each zone, zones: ${zones}, ${tickRate} Hz, ${kernel.build} kernel: ${http}\n`;
}
