#!/usr/bin/env node
/**
 * `gyre`: finds the command, prints what went wrong as one line, decides the exit status: 0 for done, 1 for something outside
 * the command line (a port in use, a file that cannot be read or is no map), 2 for a command line that says what is not so.
 * Commands are loaded when they are called.
 */
import { GyreError } from "../errors.js";
import { catchStop } from "./signals.js";
import { version } from "./version.js";

interface Command {
  readonly summary: string;
  /** Resolves with the exit status. */
  run(argv: readonly string[]): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  serve: {
    summary: "serves a game; without one the demo on http://127.0.0.1:7777",
    async run(argv) {
      const stopped = catchStop();
      return (await import("./serve.js")).serve(argv, stopped);
    },
  },
  load: {
    summary: "simulated players on a running server, and how they fare",
    async run(argv) {
      const stopped = catchStop();
      return (await import("./load.js")).load(argv, stopped);
    },
  },
  capacity: {
    summary: "how many rooms and players this machine holds",
    run: async (argv) => (await import("./capacity.js")).capacity(argv),
  },
  replay: {
    summary: "plays a recording again, and says whether it is what was recorded",
    run: async (argv) => (await import("./replay.js")).replay(argv),
  },
  bench: {
    summary: "measures this machine: scalar against SIMD against the rest",
    run: async (argv) => (await import("./bench.js")).bench(argv),
  },
};

const HELP = `gyre: crowded real-time worlds

Usage: gyre COMMAND [FLAGS]

${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}\n`)
  .join("")}
gyre COMMAND --help says what a command takes, gyre --version what this is.
`;

async function main([name, ...rest]: readonly string[]): Promise<number> {
  if (name === "--help" || name === "-h") {
    process.stdout.write(HELP);
    return 0;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`gyre ${version()}\n`);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new GyreError(
      "BAD_FLAG",
      `${name === undefined ? "no command" : `unknown command ${name}`}; see gyre --help`,
    );
  }
  if (process.env["GYRE_PROFILE"] !== undefined) (await import("../ops/profile.js")).profileThread("main");
  return await command.run(rest);
}

/** A bad argument is a bad flag that only the server could tell. */
function statusOf(error: unknown): number {
  return error instanceof GyreError && (error.code === "BAD_FLAG" || error.code === "BAD_ARGUMENT") ? 2 : 1;
}

function lineOf(error: unknown): string {
  if (error instanceof GyreError) return `gyre: ${error.message.replace(/\s+/g, " ")}\n`;
  // A bug, not an operational error: show where it is.
  return `gyre: ${error instanceof Error ? error.stack : String(error)}\n`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(lineOf(error));
  process.exitCode = statusOf(error);
}
