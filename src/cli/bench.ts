/**
 * `gyre bench`: checks the flags and hands over to the benches, which are built beside the host, not into it, because they
 * bring packages along that a server has no use for.
 */
import { existsSync } from "node:fs";
import { GyreError } from "../errors.js";
import { describeFlags, type Flags, parseFlags } from "./flags.js";

const FLAGS = {
  json: { type: "text", value: "FILE", help: "write the results to FILE" },
  filter: { type: "text", value: "RE", help: "only benches whose name matches the regular expression" },
  quick: { type: "switch", help: "small sizes and few rounds: that they run, not how fast" },
  help: { type: "switch", help: "this text" },
} as const satisfies Flags;

const HELP = `Usage: gyre bench [FLAGS]

Measures scalar against SIMD against the rest, on this machine.

${describeFlags(FLAGS)}`;

const BENCHES = new URL("../bench/main.js", import.meta.url);

interface Benches {
  /** Resolves with the exit status. */
  main(argv: readonly string[]): Promise<number>;
}

export async function bench(argv: readonly string[]): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  checkFilter(values.filter);
  if (!existsSync(BENCHES))
    throw new GyreError("FILE_UNREADABLE", "the benches are not built: npm run bench builds them");
  const benches: Benches = await import(BENCHES.href);
  return await benches.main(argv);
}

function checkFilter(filter: string | undefined): void {
  try {
    new RegExp(filter ?? "");
  } catch {
    throw new GyreError("BAD_FLAG", `--filter ${JSON.stringify(filter)} is not a regular expression`);
  }
}
