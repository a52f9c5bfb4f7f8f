/**
 * `gyre serve`: a game, a server; until it is told to stop.
 */
import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { GyreError } from "../errors.js";
import { loadMap } from "../maps/load.js";
import type { MapData } from "../maps/types.js";
import { loadGame } from "../ops/game-file.js";
import { digestOf } from "../ops/recording.js";
import { catchStray } from "../ops/stray.js";
import {
  createServer,
  DEFAULTS,
  DEMO,
  type GyreServer,
  RANGES,
  type ServerEvent,
  type ServerOptions,
} from "../server.js";
import { develop } from "./dev.js";
import { describeFlags, type Flags, parseFlags, type Values } from "./flags.js";
import { RecordingFile } from "./record.js";
import { uncaught } from "./signals.js";
import { isSupervised, reportPort } from "./supervised.js";

const integer = (name: keyof typeof RANGES, help: string) =>
  ({ type: "integer", value: "N", help, min: RANGES[name][0], max: RANGES[name][1] }) as const;

const integerOr = (name: "port" | "npcs", help: string) =>
  ({ ...integer(name, help), default: DEFAULTS[name] }) as const;

/** What snapshots are, which the environment may say too: GYRE_SNAPSHOT_RATE and so on. */
const told = (name: keyof typeof RANGES, help: string) =>
  ({ ...integer(name, help), env: `GYRE_${name.replace(/[A-Z]/g, "_$&").toUpperCase()}` }) as const;

const FLAGS = {
  host: { type: "text", value: "H", help: "address to listen on", default: DEFAULTS.host },
  port: integerOr("port", "port to listen on; 0 picks a free one"),
  map: { type: "text", value: "FILE", help: "MovingAI .map, or Tiled .tmj or .tmx; the game's without" },
  // Where there is no default, it follows from the game.
  zones: integer("zones", "zones on the map, or rooms of all templates (the game's, else 1)"),
  threads: integer("threads", "threads that simulate beside the main one (one a core that is left over); 0: none"),
  spin: {
    type: "choice",
    words: ["auto", "off"],
    help: "whether those look for work before they sleep",
    default: "auto",
  },
  npcs: integerOr("npcs", "entities in each zone that nobody plays, as far as the game follows it"),
  bots: integer(
    "bots",
    `simulated players in each zone (${DEFAULTS.demoBots} in the demo, ${DEFAULTS.bots} in a GAME)`,
  ),
  players: integer("players", "seats for players in each zone, where there are no rooms (the game's, else 2048)"),
  "tick-rate": integer("tickRate", "simulation steps a second (the game's, else 60)"),
  "snapshot-rate": told("snapshotRate", "snapshots a second, at most the tick rate (the game's, else 20)"),
  "view-radius": told("viewRadius", "cells around a player's own, on each side, that it is told of (1)"),
  "near-rate": told("nearRate", "snapshots a second of cells that are near (30)"),
  "near-radius": told("nearRadius", "cells that are: 0 its own, 1 those beside it; -1 none (-1)"),
  "far-rate": told("farRate", "snapshots a second of cells beyond the view (5)"),
  "far-radius": told("farRadius", "up to here (none)"),
  "snapshot-bytes": told("snapshotBytes", "bytes of a player's snapshot; the rest comes with the next (8192)"),
  "hash-every": told("hashEvery", "snapshots between two hashes of a cell, by which clients find what is wrong (64)"),
  format: {
    type: "choice",
    words: ["binary", "json"],
    help: "snapshots of a connection that asks for neither",
    default: "binary",
  },
  seed: integer("seed", "seed of the world (1)"),
  record: { type: "text", value: "FILE", help: "write a recording of it to FILE, for gyre replay" },
  dev: { type: "switch", help: "checked kernel; starts anew when the GAME's file or one beside it changes" },
  json: { type: "switch", help: "one JSON object a line on stdout" },
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre serve [GAME] [FLAGS]

Serves a game, its viewer and its metrics until SIGINT or SIGTERM. GAME is a module whose default export defineGame made: .js or .mjs,
where Node runs it (from 22.18 on) .ts; without one it is the demo, an arena.

${describeFlags(FLAGS)}`;

type ServeValues = Values<typeof FLAGS>;

/** Resolves with the exit status once it has stopped. stopped: when it shall. */
export async function serve(argv: readonly string[], stopped: Promise<void>): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS, 1);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const game = positionals[0];
  check(values, game);
  // Nobody reads what it says any more: that is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  if (wantsDevelopment(values, game)) return await develop(game, argv, stopped, values.record);
  // What survives a young collection here is little; waking threads to share it takes longer. With 50 players on 2 cores a pause
  // is 0.44 ms on average without them, 0.73 ms with them.
  setFlagsFromString("--no-parallel-scavenge");
  let isListening = (): void => {};
  const listening = new Promise<void>((resolve) => {
    isListening = resolve;
  });
  const teller = tellerOf(values.json);
  // The line that says where it listens is the first.
  const tell = (event: ServerEvent): unknown => listening.then(() => teller(event));
  if (game !== undefined) catchStray(game, (message) => tell({ event: "stray-error", message }));
  const running = await Promise.race([start(game, values, tell), stopped]);
  // Told to stop before there was anything to stop.
  if (running === undefined) process.exit(0);
  const { server, file } = running;
  process.stdout.write(values.json ? listeningJson(server) : listeningText(server));
  isListening();
  if (isSupervised()) reportPort(Number(new URL(server.http).port));
  await stopped;
  await server.close();
  await file?.close();
  if (file?.failure) process.stderr.write(`gyre: ${values.record} is not whole: ${file.failure}\n`);
  return 0;
}

function check(values: ServeValues, game: string | undefined): void {
  const { "tick-rate": tickRate, "snapshot-rate": snapshotRate } = values;
  if (snapshotRate !== undefined && tickRate !== undefined && snapshotRate > tickRate) {
    throw new GyreError("BAD_FLAG", `--snapshot-rate ${snapshotRate} is above --tick-rate ${tickRate}`);
  }
  if (values.dev && game === undefined)
    throw new GyreError("BAD_FLAG", "--dev watches a GAME's file, and there is none");
}

/** In a development environment every GAME is developed; a server that was started by its watcher is what is watched. */
function wantsDevelopment(values: ServeValues, game: string | undefined): game is string {
  return game !== undefined && !isSupervised() && (values.dev || process.env["GYRE_ENV"] === "dev");
}

interface Running {
  readonly server: GyreServer;
  readonly file: RecordingFile | null;
}

async function start(
  game: string | undefined,
  values: ServeValues,
  onEvent: (event: ServerEvent) => unknown,
): Promise<Running> {
  const {
    host,
    port,
    zones,
    npcs,
    bots,
    seed,
    players,
    map,
    record,
    spin,
    threads = "auto",
    format,
    "tick-rate": tickRate,
    "snapshot-rate": snapshotRate,
  } = values;
  const own = { host, port, zones, npcs, bots, players, seed, threads, spin, format, tickRate, snapshotRate };
  const told = {
    viewRadius: values["view-radius"],
    nearRate: values["near-rate"],
    nearRadius: values["near-radius"],
    farRate: values["far-rate"],
    farRadius: values["far-radius"],
    snapshotBytes: values["snapshot-bytes"],
    hashEvery: values["hash-every"],
  };
  const options = { ...own, ...told, onEvent };
  const loaded = game === undefined ? undefined : await uncaught(() => loadGame(game));
  const read = map === undefined ? undefined : await readMap(map);
  const file = record === undefined ? null : new RecordingFile(record);
  const recording = file === null ? undefined : await recordOptions(file, game);
  // Undefined is absent.
  const all = { ...options, game: loaded, map: read, record: recording } as ServerOptions;
  const server = await createServer(all);
  file?.start();
  return { server, file };
}

async function recordOptions(file: RecordingFile, game: string | undefined): Promise<ServerOptions["record"]> {
  return { file: game ?? "", digest: digestOf(await readFile(game ?? DEMO)), write: file.write };
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

/** One line an event: JSON on stdout, or words on stderr. */
function tellerOf(asJson: boolean): (event: ServerEvent) => void {
  if (asJson) return (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
  return (event) => {
    const text = event.event === "zone-stopped" ? `${event.zone} stopped: ${event.message}` : event.message;
    process.stderr.write(`gyre: ${text.replace(/\s+/g, " ")}\n`);
  };
}

/** The first line of --json, as others parse it. */
function listeningJson({ http, ws, kernel, threads, zoneNames }: GyreServer): string {
  return `${JSON.stringify({ event: "listening", http, ws, kernel: kernel.build, threads, zones: zoneNames.length })}\n`;
}

function listeningText({ http, kernel, game, tickRate, zoneNames, threads, stats }: GyreServer): string {
  const numbers = `zones: ${zoneNames.length}, entities: ${stats().entities}, threads: ${threads}`;
  return `gyre: ${game}, ${numbers}, ${tickRate} Hz, ${kernel.build} kernel: ${http}\n`;
}
