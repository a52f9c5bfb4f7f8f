/**
 * `gyre serve --dev GAME`: a server in a process of its own, started anew whenever the game's file or one beside it changes.
 * This process only watches, so it outlives a module that throws, loops or exits: it shows what the server said and waits for
 * the next change. A restart costs what a start costs, some 100 ms; players connect again.
 *
 *     change ... change -> SETTLE_MS of quiet -> the channel is closed -> the server stops -> a new one on the same port
 *
 * The channel between the two is also the leash: a server whose watcher is gone stops by itself.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { GyreError } from "../errors.js";
import { SUPERVISED } from "./supervised.js";

/** Milliseconds without a further change: editors write a file in several steps. */
const SETTLE_MS = 100;
/** Milliseconds to stop: sessions have 3 s for their goodbye. A server that takes longer hangs in its game, and is killed. */
const STOP_MS = 5000;
/** What a game is made of: code, tables, maps, kernels. */
const SOURCE = /\.(?:[cm]?[jt]s|json|map|tm[jx]|wasm)$/;

/**
 * Serves until it is told to stop; resolves with the exit status. argv: of `gyre serve`. written: a file that the server itself
 * writes, whose changes mean nothing. Throws FILE_UNREADABLE when there is no such game.
 */
export async function develop(
  game: string,
  argv: readonly string[],
  stopped: Promise<void>,
  written?: string,
): Promise<number> {
  if (!existsSync(game)) throw new GyreError("FILE_UNREADABLE", `cannot read ${game}: ENOENT`);
  const changes = new Changes(dirname(resolve(game)), written === undefined ? null : resolve(written));
  let running = true;
  const stop = stopped.then(() => {
    running = false;
  });
  let port: number | null = null;
  while (running) {
    const server = start(argv, port);
    let listens = false;
    server.on("message", (message: { port: number }) => {
      port = message.port;
      listens = true;
    });
    await Promise.race([changes.next(), stop]);
    // Who does not listen yet has nobody to take leave of, and its module may never come to an end.
    await end(server, listens ? STOP_MS : 0);
  }
  changes.close();
  return 0;
}

/** port: where the one before listened. The last of repeated flags counts, and behind -- there are none. */
function start(argv: readonly string[], port: number | null): ChildProcess {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const again = port === null ? [] : ["--port", `${port}`];
  const server = fork(process.argv[1] ?? "", ["serve", ...argv.slice(0, end), ...again, ...argv.slice(end)], {
    env: { ...process.env, GYRE_ENV: "dev", [SUPERVISED]: "1" },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  server.on("exit", tellEnd);
  return server;
}

function tellEnd(status: number | null, signal: string | null): void {
  process.stderr.write(`gyre: the server ended by itself (${signal ?? status}); waiting for a change\n`);
}

async function end(server: ChildProcess, patienceMs: number): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.off("exit", tellEnd);
  const ended = once(server, "exit");
  if (server.connected) server.disconnect();
  const late = setTimeout(() => server.kill("SIGKILL"), patienceMs);
  await ended;
  clearTimeout(late);
}

/** Changes of a folder's sources, however many at a time, as one. */
class Changes {
  readonly #watcher: FSWatcher;
  #changed = false;
  #settle: NodeJS.Timeout | undefined;
  #waiting: (() => void) | null = null;

  constructor(folder: string, skipped: string | null) {
    this.#watcher = watch(folder, (_, name) => {
      if (name === null || !SOURCE.test(name) || (skipped !== null && resolve(folder, basename(name)) === skipped))
        return;
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => this.#tell(), SETTLE_MS);
    });
    this.#watcher.on("error", () => {});
  }

  /** Resolves after the next change, or one since the last call. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      if (this.#changed) this.#tell();
    });
  }

  close(): void {
    clearTimeout(this.#settle);
    this.#watcher.close();
  }

  #tell(): void {
    this.#changed = this.#waiting === null;
    this.#waiting?.();
    this.#waiting = null;
  }
}
