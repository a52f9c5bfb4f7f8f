/**
 * `gyre replay`: a recording, simulated again as fast as this machine can. Exit status: 0 when it came out the same (or nobody asked),
 * 1 when it did not, 2 when there is nothing to compare: a damaged file, one of another version, a bad command line.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { GyreError } from "../errors.js";
import type { Game } from "../game/define.js";
import { planGame } from "../game/plan.js";
import type { Settings } from "../game/types.js";
import { loadKernel } from "../kernel/load.js";
import { loadGame } from "../ops/game-file.js";
import { TickGuard } from "../ops/guard.js";
import { digestOf } from "../ops/recording.js";
import { DEMO, loadDemo } from "../server.js";
import type { RecordingHeader } from "../sim/recording.js";
import { type ReadBytes, RecordingReader } from "../sim/recording-reader.js";
import { type Difference, Replay } from "../sim/replay.js";
import { Zones } from "../sim/zones.js";
import { describeFlags, type Flags, parseFlags, type Values } from "./flags.js";

const FLAGS = {
  verify: { type: "switch", help: "compare every state hash of the recording" },
  game: { type: "text", value: "FILE", help: "play it with this module, instead of the one that was recorded" },
  build: { type: "text", value: "B", help: "kernel: auto, simd or scalar", default: "auto" },
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre replay FILE [FLAGS]

Simulates again what gyre serve --record FILE recorded. With --verify, exits 1 at the first difference and says where it is.

${describeFlags(FLAGS)}`;

/** Seconds for a tick: nobody waits for it, and a replay that is held, as by Ctrl-Z, is in the middle of one. */
const WATCH_SECONDS = 20;
const BUILDS = ["auto", "simd", "scalar"] as const;
type Build = (typeof BUILDS)[number];

/** Resolves with the exit status. */
export async function replay(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS, 1);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [file] = positionals;
  if (file === undefined) throw new GyreError("BAD_FLAG", "gyre replay needs the FILE of a recording");
  const build = BUILDS.find((known) => known === values.build);
  if (build === undefined) throw new GyreError("BAD_FLAG", `--build ${values.build} is not ${BUILDS.join(", ")}`);
  try {
    return await withFile(file, (read) => play(file, read, build, values));
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    process.stderr.write(`gyre: ${error.message.replace(/\s+/g, " ")}\n`);
    return 2;
  }
}

/** Reads of a file at any place. Throws FILE_UNREADABLE. */
async function withFile<T>(path: string, use: (read: ReadBytes) => Promise<T>): Promise<T> {
  const unreadable = (error: unknown) =>
    new GyreError("FILE_UNREADABLE", `cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw unreadable(error);
  }
  try {
    if (!fstatSync(file).isFile()) throw new GyreError("FILE_UNREADABLE", `cannot read ${path}: not a file`);
    return await use((offset, size) => {
      const bytes = new Uint8Array(size);
      try {
        return bytes.subarray(0, readSync(file, bytes, 0, size, offset));
      } catch (error) {
        throw unreadable(error);
      }
    });
  } finally {
    closeSync(file);
  }
}

async function play(file: string, read: ReadBytes, build: Build, values: Values<typeof FLAGS>): Promise<number> {
  const reader = named(file, () => new RecordingReader(read));
  const { header, map } = reader;
  const game = await gameOf(file, header, values.game);
  const settings = header.settings as Settings;
  const plan = await planGame(game, { settings, map, tickRate: header.tickRate });
  const kernel = await loadKernel(plan.kernel === undefined ? { build } : { build, module: plan.kernel });
  checkKernel(file, header, kernel.layoutVersion, values.game === undefined ? plan.kernel : null);
  const { zones: count, seed } = settings;
  const guard =
    values.game !== undefined || hasStop(read) ? new TickGuard(() => performance.now(), WATCH_SECONDS) : null;
  const zones = Zones.create(kernel, { ...plan, zones: count, seed, bots: 0, sleepAfterTicks: 0, guard });
  try {
    const player = new Replay(reader, zones);
    const startMs = performance.now();
    const difference = named(
      file,
      () => player.run(values.verify),
      () => reach(player, values.verify),
    );
    const seconds = (performance.now() - startMs) / 1000;
    if (difference !== null) {
      process.stdout.write(`gyre: ${file} ${saidOf(difference)}${reach(player, true)}\n`);
      return 1;
    }
    process.stdout.write(`gyre: ${file} ${saidOfAll(player, zones, header, kernel.build, seconds, values.verify)}\n`);
    return 0;
  } finally {
    zones.close();
  }
}

/**
 * Whether a zone stopped in it, maybe for not coming to an end. A game that always did will again: there the watchdog, which takes longer
 * than a tick of 2,000 entities, can be spared. Reading costs a tenth of a second for 10 minutes of 50 players.
 */
function hasStop(read: ReadBytes): boolean {
  try {
    const reader = new RecordingReader(read);
    for (let block = reader.next(); block !== null; block = reader.next()) if (block.tag === "STOP") return true;
  } catch (error) {
    // Damage is told when it is played up to there.
    if (!(error instanceof GyreError)) throw error;
  }
  return false;
}

/** With the file's name before what goes wrong with it, and what is to be said of it behind. */
function named<T>(file: string, work: () => T, more = () => ""): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    throw new GyreError(error.code, `${file}: ${error.message}${more()}`);
  }
}

/** The recorded game, or the one that was asked for. */
async function gameOf(file: string, { game }: RecordingHeader, wanted: string | undefined): Promise<Game> {
  if (wanted !== undefined) return await loadGame(wanted);
  const loaded = game.file === "" ? await loadDemo() : await loadGame(game.file);
  if (game.digest === "" || digestOf(readFileSync(game.file === "" ? DEMO : game.file)) === game.digest) return loaded;
  const name = game.file === "" ? "the demo" : game.file;
  throw new GyreError("RECORDING_VERSION", `${name} changed since ${file} was recorded; see --game`);
}

/** own: the game's, null when any will do. Throws RECORDING_VERSION unless zones come to the hashes of the recorded ones on it. */
function checkKernel(
  file: string,
  header: RecordingHeader,
  layoutVersion: number,
  own: Uint8Array | undefined | null,
): void {
  if (layoutVersion !== header.layoutVersion) {
    const versions = `layout ${header.layoutVersion}; this one has ${layoutVersion}`;
    throw new GyreError("RECORDING_VERSION", `${file} was recorded with a kernel of ${versions}`);
  }
  if (own !== null && header.kernel !== (own === undefined ? "" : digestOf(own))) {
    throw new GyreError("RECORDING_VERSION", `the game's kernel changed since ${file} was recorded; see --game`);
  }
}

function reach({ checkpoints, verifiedTick }: Replay, verified: boolean): string {
  return verified && checkpoints > 0 ? `; verified up to tick ${verifiedTick}` : "";
}

function saidOf({ tick, zone, parts }: Difference): string {
  const [first, ...others] = parts;
  const more = others.length > 0 ? ` and ${others.length} more (${others.join(", ")})` : "";
  return `differs: first difference at tick ${tick}: ${first}${more} of ${zone}`;
}

function saidOfAll(
  { tick, commands, checkpoints }: Replay,
  { all, entities }: Zones,
  { tickRate }: RecordingHeader,
  build: string,
  seconds: number,
  verified: boolean,
): string {
  const what = `${tick} ticks, ${commands} commands, zones: ${all.length}, entities: ${entities}`;
  const pace = `${seconds.toFixed(1)} s, ${Math.round(tick / tickRate / seconds)} times real time`;
  const found = verified ? `${checkpoints} checkpoints agree` : "nothing was compared";
  return `played: ${what}, ${build} kernel, ${pace}; ${found}`;
}
