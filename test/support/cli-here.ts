/**
 * The built gyre command within this process, one call after the other: for many of its refusals, of which each would cost a process. What
 * starts threads or serves is for a process of its own.
 */
import { randomUUID } from "node:crypto";
import type { runCli } from "./run-cli.js";

const CLI = new URL("../js/cli.js", import.meta.url).href;
/** What a command listens to until its process ends. */
const HEARD: readonly (readonly [NodeJS.EventEmitter, string])[] = [
  [process, "SIGINT"],
  [process, "SIGTERM"],
  [process, "uncaughtException"],
  [process, "unhandledRejection"],
  [process.stdout, "error"],
  [process.stderr, "error"],
];

let last: Promise<unknown> = Promise.resolve();

export const cliHere: typeof runCli = (...argv) => {
  const call = last.then(() => run(argv));
  last = call.catch(() => {});
  return call;
};

async function run(argv: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  const { argv: ours, exitCode, stdout, stderr } = process;
  const listeners = HEARD.map(([emitter, event]) => emitter.rawListeners(event));
  const [write, complain] = [stdout.write, stderr.write];
  let [out, err] = ["", ""];
  stdout.write = (text: string | Uint8Array) => {
    out += text;
    return true;
  };
  stderr.write = (text: string | Uint8Array) => {
    err += text;
    return true;
  };
  process.argv = [process.execPath, CLI, ...argv];
  try {
    // A module runs once for each name that it is imported by, in whatever files of tests this is bundled.
    await import(`${CLI}?${randomUUID()}`);
    return { status: Number(process.exitCode), out, err };
  } finally {
    Object.assign(stdout, { write });
    Object.assign(stderr, { write: complain });
    process.argv = ours;
    process.exitCode = exitCode;
    for (const [i, [emitter, event]] of HEARD.entries()) {
      const added = emitter.rawListeners(event).filter((listener) => !listeners[i]?.includes(listener));
      for (const listener of added) emitter.off(event, listener as () => void);
    }
  }
}
