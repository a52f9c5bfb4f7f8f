/**
 * `gyre bench`: the kernel's SIMD build against its scalar one, against JavaScript at its best, C, and npm's spatial indexes. Prints a
 * table for each case; what gyre loses is marked. A contender whose answers differ fails the run.
 */
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { endToEnd } from "./end-to-end.js";
import { compileNative, NATIVE, nativeCommand } from "./native.js";
import { PEERS, packageOf } from "./peers.js";
import { type Case, casesOf, FULL, nameOf, QUICK, type Sizes } from "./plan.js";
import { lossesLine, machine, machineLine, type Report, type Row, rowsOf, screenTable } from "./report.js";
import { type Command, compete, type Effort } from "./runner.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..");

const HELP = `gyre bench [--json FILE] [--filter RE] [--quick]

  --json FILE   write the figures as JSON
  --filter RE   only cases whose name, bench/n/distribution, matches, such as 'tick|enemy/20000/uniform'
  --quick       smaller sizes, fewer rounds: about three minutes instead of fifteen
`;

/** Flags of Node whose next argument is a program. */
const EVALUATES = /^(-e|-p|-pe|--eval|--print)$/;

interface Flags {
  json?: string | undefined;
  filter: RegExp;
  quick: boolean;
  help: boolean;
}

/** A message for the one line that a bad flag gets. */
class BadFlag extends Error {}

function parseFlags(argv: readonly string[]): Flags {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = { json: text, filter: text, quick: flag, help: flag };
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    // Learnt now, not after a quarter of an hour.
    if (values.json !== undefined) closeSync(openSync(values.json, "a"));
    return { ...values, filter: new RegExp(values.filter ?? "") };
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new BadFlag(line);
  }
}

/** How to start the contenders of each case, without those that are not installed. */
function commandsFor(
  print: (line: string) => void,
  { slowMs, warmUpMs }: Effort,
): (each: Case) => Record<string, Command> {
  const missing: string[] = PEERS.filter((name) => !existsSync(join(ROOT, "bench", "peers", "node_modules", name)));
  if (missing.length > 0) print(`skipped: ${missing.join(", ")}; npm install --prefix bench/peers installs them`);
  const programs = compileNative(ROOT);
  if (typeof programs === "string") print(`skipped: ${NATIVE.join(", ")}; ${programs}`);
  const contender = join(HERE, "contender.js");
  // Not what --eval evaluates: that may be this bench, and each of its contenders would begin it again.
  const flags = process.execArgv.filter((flag, i, all) => !EVALUATES.test(flag) && !EVALUATES.test(all[i - 1] ?? ""));
  return ({ bench, params, variants }) => {
    const commands: Record<string, Command> = {};
    for (const variant of variants) {
      if (missing.includes(packageOf(variant))) continue;
      if (NATIVE.includes(variant)) {
        const program = typeof programs === "string" ? undefined : programs[variant];
        if (program !== undefined) commands[variant] = nativeCommand(program, params.n);
        continue;
      }
      // Flags of this Node, such as --no-liftoff, go on to the contenders.
      const args = [...flags, contender, bench, variant, JSON.stringify(params), String(slowMs), String(warmUpMs)];
      commands[variant] = { program: process.execPath, args };
    }
    return commands;
  };
}

interface Found {
  rows: Row[];
  notes: string[];
  wrong: boolean;
}

async function race(each: Case, commands: Record<string, Command>, effort: Effort): Promise<Found> {
  const outcome = await compete(commands, effort);
  return { rows: rowsOf(each, outcome), notes: outcome.notes, wrong: outcome.wrong };
}

async function serve({ params }: Case, commands: Record<string, Command>, { stay }: Effort): Promise<Found> {
  const { rows, notes } = await endToEnd(params.n, Object.keys(commands), stay);
  return { rows, notes, wrong: notes.length > 0 };
}

async function measure(
  cases: Case[],
  effort: Effort,
  print: (line: string) => void,
): Promise<{ rows: Row[]; wrong: boolean }> {
  const commandsOf = commandsFor(print, effort);
  const rows: Row[] = [];
  let wrong = false;
  for (const each of cases) {
    const commands = commandsOf(each);
    const found =
      each.bench === "end-to-end" ? await serve(each, commands, effort) : await race(each, commands, effort);
    rows.push(...found.rows);
    wrong ||= found.wrong;
    print(found.rows.map(screenTable).join("") + found.notes.map((note) => `  ${note}\n`).join(""));
  }
  print(lossesLine(rows));
  return { rows, wrong };
}

/**
 * Runs the command and gives its exit status: 0, 1 when a contender was wrong or failed, 2 for bad flags. `sizes` and `effort` are
 * for tests.
 */
export async function main(
  argv: readonly string[],
  { sizes, effort }: { sizes?: Sizes; effort?: Effort } = {},
): Promise<number> {
  const print = (line: string): void => console.log(line);
  try {
    const flags = parseFlags(argv);
    if (flags.help) {
      print(HELP);
      return 0;
    }
    const size = flags.quick ? QUICK : FULL;
    const cases = casesOf(sizes ?? size.sizes).filter((each) => flags.filter.test(nameOf(each)));
    if (cases.length === 0) throw new BadFlag(`--filter ${flags.filter.source} matches no case`);
    print(machineLine(machine()));
    const { rows, wrong } = await measure(cases, effort ?? size.effort, print);
    const report: Report = { machine: machine(), rows };
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    return wrong ? 1 : 0;
  } catch (error) {
    if (!(error instanceof BadFlag)) throw error;
    console.error(`gyre bench: ${error.message}`);
    return 2;
  }
}
