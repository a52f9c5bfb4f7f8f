/**
 * `gyre load`: many simulated players on a running server, and what they and the server make of it. Exit status 1 when a limit is missed: one that
 * was asked for, or what holds by default: that all came in, and nothing was told wrong.
 */
import { GyreError } from "../errors.js";
import { judge, LIMITS, type LimitName, type LimitSpec, reportText, short, verdictLine } from "../load/report.js";
import { type LoadOptions, type Progress, runLoad } from "../load/run.js";
import { describeFlags, type Flags, type NumberFlag, parseFlags, type Values } from "./flags.js";
import { writeJson } from "./write-json.js";

/** Connections of one process, at most: ports that one address has for one server. */
const CLIENTS_MAX = 50_000;

const count = (help: string, max: number, min = 0) => ({ type: "integer", value: "N", help, min, max }) as const;

const limit = (name: LimitName): NumberFlag => {
  const { most, help, unit }: LimitSpec = LIMITS[name];
  return {
    type: "number",
    value: unit === "ms" ? "MS" : unit === "s" ? "S" : "N",
    help: `limit: ${most ? "at most this" : "at least this"}, ${help}`,
    min: 0,
    max: 1e9,
  };
};

const FLAGS = {
  clients: count("players in one world (100)", CLIENTS_MAX, 1),
  rooms: count("or players in rooms: so many rooms", CLIENTS_MAX, 1),
  "per-room": count("players in each (5)", CLIENTS_MAX, 1),
  template: {
    type: "text",
    value: "NAME",
    help: "what to join: a template of rooms, a room or a zone (the server's first)",
  },
  duration: {
    type: "number",
    value: "S",
    help: "seconds to measure once all are in",
    min: 0.1,
    max: 86_400,
    default: 10,
  },
  "join-rate": { ...count("clients a second that connect", 100_000, 1), default: 400 },
  "input-rate": { type: "number", value: "N", help: "inputs a second of each", min: 0, max: 120, default: 4 },
  churn: { ...count("further clients a second that come and go", 10_000), default: 0 },
  stall: { ...count("further clients that join and read nothing", CLIENTS_MAX), default: 0 },
  sample: { ...count("clients that decode all they get", CLIENTS_MAX), default: 16 },
  format: { type: "choice", words: ["binary", "json"], help: "of snapshots", default: "binary" },
  threads: { ...count("threads of clients", 64, 1), default: 1 },
  seed: { ...count("seed of how they walk", 0xffffffff), default: 1 },
  json: { type: "text", value: "FILE", help: "write the whole report to FILE; - is stdout, and nothing else is said" },
  "max-gap-p95": limit("max-gap-p95"),
  "max-ack-p95": limit("max-ack-p95"),
  "max-late-ticks": limit("max-late-ticks"),
  "max-tick-p99": limit("max-tick-p99"),
  "min-rate": limit("min-rate"),
  "min-slowest": limit("min-slowest"),
  "max-bytes": limit("max-bytes"),
  "max-unjoined": limit("max-unjoined"),
  "max-join-s": limit("max-join-s"),
  "max-sync-gap-p95": limit("max-sync-gap-p95"),
  "max-sync-bytes": limit("max-sync-bytes"),
  "max-repairs": limit("max-repairs"),
  "max-errors": limit("max-errors"),
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre load URL [FLAGS]

Simulated players on a running server, such as ws://127.0.0.1:7777/ws: they join, walk about and strike, and measure what they get.

${describeFlags(FLAGS)}`;

type LoadValues = Values<typeof FLAGS>;

/** Resolves with the exit status. stopped: when it shall end early. */
export async function load(argv: readonly string[], stopped: Promise<void>): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS, 1);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const isQuiet = values.json === "-";
  const options = optionsOf(positionals[0], values, stopped, (progress) => {
    if (!isQuiet) process.stderr.write(progressLine(progress));
  });
  const report = await runLoad(options);
  const verdicts = judge(report, values);
  const isHeld = verdicts.every(({ held }) => held);
  if (!isQuiet) process.stdout.write(reportText(report) + verdicts.map(verdictLine).join(""));
  if (values.json !== undefined) await writeJson(values.json, { ...report, limits: verdicts });
  return isHeld ? 0 : 1;
}

function optionsOf(
  given: string | undefined,
  values: LoadValues,
  stopped: Promise<void>,
  onProgress: (progress: Progress) => void,
): LoadOptions {
  const url = addressOf(given, values.format);
  const { rooms, "per-room": perRoom, sample, threads, churn, stall, seed, template } = values;
  if (rooms !== undefined && values.clients !== undefined) {
    throw new GyreError("BAD_FLAG", "--clients are of one world, --rooms have --per-room clients each: one of the two");
  }
  if (rooms === undefined && perRoom !== undefined) throw new GyreError("BAD_FLAG", "--per-room without --rooms");
  const clients = rooms === undefined ? (values.clients ?? 100) : rooms * (perRoom ?? 5);
  if (clients > CLIENTS_MAX) {
    throw new GyreError(
      "BAD_FLAG",
      `--rooms ${rooms} of ${perRoom ?? 5} are ${clients} clients, more than ${CLIENTS_MAX}`,
    );
  }
  return {
    url,
    clients,
    rooms: rooms ?? 0,
    sample,
    threads: Math.min(threads, clients),
    joinRate: values["join-rate"],
    inputRate: values["input-rate"],
    churn,
    stall,
    durationS: values.duration,
    seed,
    zone: template,
    now: () => performance.now(),
    stopped,
    onProgress,
  };
}

function addressOf(given: string | undefined, format: string): string {
  if (given === undefined) throw new GyreError("BAD_FLAG", "no URL of a server, such as ws://127.0.0.1:7777/ws");
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || url.protocol !== "ws:") {
    throw new GyreError("BAD_FLAG", `${JSON.stringify(given)} is not a ws:// address`);
  }
  if (url.pathname === "/") url.pathname = "/ws";
  url.searchParams.set("format", format);
  return url.href;
}

function progressLine(progress: Progress): string {
  const { seconds, joined, lost, snapshotsPerSecond, bytesPerSecond, gapP95Ms, ackP95Ms, errors } = progress;
  const who = `${joined} in${lost > 0 ? `, ${lost} lost` : ""}`;
  const what = `${short(snapshotsPerSecond)} snapshots/s, ${short(bytesPerSecond / 1e6)} MB/s`;
  return `${seconds.toFixed(0).padStart(4)} s: ${who}; ${what}; p95 gap ${short(gapP95Ms)} ms, ack ${short(ackP95Ms)} ms; ${errors} errors\n`;
}
