/** The built command as a process of its own: what it prints, and with which status it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { demoMap } from "../src/cli/demo-map.js";
import { type Flags, parseFlags } from "../src/cli/flags.js";
import { GyreError } from "../src/errors.js";
import { TestClient } from "./support/client.js";
import { until } from "./support/until.js";

const CLI = fileURLToPath(new URL("../js/cli.js", import.meta.url));

/** A module for the command's process that says on stderr when somebody listens to SIGTERM. */
const TELL_OF_SIGNALS = 'data:text/javascript,process.on("newListener",e=>e==="SIGTERM"&&process.stderr.write(e))';

/** A run of the command; `ended` resolves with how it ended. */
class Run {
  out = "";
  err = "";
  readonly process: ChildProcess;
  readonly ended: Promise<{ status: number | null; signal: string | null }>;

  static readonly all: Run[] = [];

  constructor(argv: readonly string[], nodeFlags: readonly string[] = []) {
    Run.all.push(this);
    this.process = spawn(process.execPath, [...nodeFlags, CLI, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    this.process.stdout?.on("data", (data) => {
      this.out += data;
    });
    this.process.stderr?.on("data", (data) => {
      this.err += data;
    });
    this.ended = new Promise((resolve) => {
      this.process.on("close", (status, signal) => resolve({ status, signal }));
    });
  }

  /** The first line of stdout, once it is there. */
  async line(): Promise<string> {
    await until(`it prints a line (${this.err})`, () => this.out.includes("\n"));
    return this.out.slice(0, this.out.indexOf("\n"));
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.process.kill(signal);
    assert.equal(await this.ended, { status: 0, signal: null }, this.err);
  }
}

async function refused(status: number, about: RegExp, ...argv: readonly string[]): Promise<void> {
  const run = new Run(argv);
  const { status: actual } = await run.ended;
  assert.is(actual, status, `${argv.join(" ")}: ${run.err}`);
  assert.match(run.err, about);
  assert.is(run.err.trimEnd().split("\n").length, 1, `more than a line: ${run.err}`);
  assert.is(run.out, "");
}

test.after(() => {
  for (const run of Run.all) run.process.kill("SIGKILL");
});

test("help and version end with 0, every flag of serve is in its help", async () => {
  const texts: [RegExp, ...string[]][] = [
    [/^ {2}serve .*\n {2}bench /m, "--help"],
    [/Usage: gyre bench/, "bench", "--help"],
    [/^gyre \d+\.\d+\.\d+$/m, "--version"],
  ];
  for (const [expected, ...argv] of texts) {
    const run = new Run(argv);
    assert.is((await run.ended).status, 0);
    assert.match(run.out, expected);
    assert.is(run.err, "");
  }
  const help = new Run(["serve", "--help"]);
  assert.is((await help.ended).status, 0);
  for (const flag of [
    "host",
    "port",
    "map",
    "zones",
    "threads",
    "npcs",
    "bots",
    "tick-rate",
    "snapshot-rate",
    "seed",
    "json",
  ]) {
    assert.match(help.out, new RegExp(`^ {2}--${flag} `, "m"));
  }
  assert.match(help.out, /--npcs N .*each zone \(2000\)/);
});

test("a command line that says what is not so is one line and status 2", async () => {
  await refused(2, /no command/);
  await refused(2, /unknown command load/, "load");
  await refused(2, /unknown command constructor/, "constructor");
  await refused(2, /unknown option '--nope'/, "serve", "--nope");
  await refused(2, /--npcs "many" is not a whole number from 0 to/, "serve", "--npcs", "many");
  await refused(2, /--npcs "-1"/, "serve", "--npcs=-1");
  await refused(2, /--port "65536"/, "serve", "--port", "65536");
  await refused(2, /--tick-rate "0"/, "serve", "--tick-rate", "0");
  await refused(2, /--snapshot-rate 61 is above --tick-rate 60/, "serve", "--snapshot-rate", "61");
  await refused(2, /--threads 2/, "serve", "--threads", "2");
  await refused(2, /cannot serve the game "duel"/, "serve", "duel");
  await refused(2, /unexpected argument "b"/, "serve", "a", "b");
  await refused(2, /--map.*argument/, "serve", "--map");
  await refused(2, /host 192\.0\.2\.1 is not an address/, "serve", "--host", "192.0.2.1", "--port", "0", "--npcs", "0");
  await refused(2, /--filter "\(" is not a regular expression/, "bench", "--filter", "(");
  await refused(2, /unknown option '--fast'/, "bench", "--fast");
});

test("maps that cannot be read or are none, and a port in use, are one line and status 1", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cli-"));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const taken = createTcpServer().listen(0, "127.0.0.1");
  try {
    await refused(1, /cannot read .*missing\.map: ENOENT/, "serve", "--map", join(folder, "missing.map"));
    await refused(1, /cannot read .*: EISDIR/, "serve", "--map", folder);
    await refused(1, /empty/, "serve", "--map", write("empty.map", ""));
    await refused(1, /\S/, "serve", "--map", write("cut.map", "type octile\nheight 9\nwidth 9\nmap\n...\n"));
    await refused(1, /\S/, "serve", "--map", write("bad.tmj", '{"layers":'));
    const walls = write("walls.map", "type octile\nheight 1\nwidth 2\nmap\n@@\n");
    await refused(1, /no tile where anybody could stand/, "serve", "--map", walls);
    await until("the port is taken", () => taken.listening);
    const { port } = taken.address() as { port: number };
    await refused(1, new RegExp(`127.0.0.1:${port}: EADDRINUSE`), "serve", "--npcs", "0", "--port", String(port));
  } finally {
    taken.close();
    rmSync(folder, { recursive: true });
  }
});

test("serve --json says where it listens in one line of JSON, serves there, and ends with 0 on SIGTERM", async () => {
  const run = new Run([
    "serve",
    "--json",
    "--port",
    "0",
    "--npcs",
    "50",
    "--bots",
    "2",
    "--zones",
    "3",
    "--threads",
    "0",
  ]);
  const listening = JSON.parse(await run.line());
  const { http, ws, kernel } = listening;
  assert.equal(listening, { event: "listening", http, ws, kernel, threads: 0, zones: 3 });
  assert.match(http, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.is(ws, `${http.replace("http", "ws")}/ws`);
  assert.ok(["simd", "scalar"].includes(kernel));
  const stats = (await (await fetch(`${http}/stats`)).json()) as { entities: number };
  assert.is(stats.entities, 3 * 52);
  const client = await TestClient.open(ws);
  client.send({ type: "join", name: "ann", zone: "zone-2" });
  assert.equal((await client.reply("welcome"))["zone"], { name: "zone-2", width: 4096, height: 4096, tileSize: 32 });
  await run.stop();
  assert.is(await client.closed(), 1001);
  assert.is(run.err, "");
});

test("serve without --json says it in words, reads a map, and ends with 0 on SIGINT", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cli-"));
  const file = join(folder, "small.map");
  writeFileSync(file, "type octile\nheight 3\nwidth 5\nmap\n@@@@@\n@..W@\n@@@@@\n");
  const run = new Run(["serve", "--port", "0", "--npcs", "5", "--bots", "1", "--map", file, "--tick-rate", "30"]);
  const line =
    /^gyre: 5 NPCs and 1 bots in each zone, zones: 1, 30 Hz, (simd|scalar) kernel: http:\/\/127\.0\.0\.1:\d+$/;
  assert.match(await run.line(), line);
  rmSync(folder, { recursive: true });
  await run.stop("SIGINT");
});

test("told twice to stop, or told while it starts, serve ends with 0", async () => {
  const twice = new Run(["serve", "--json", "--port", "0", "--npcs", "10"]);
  await twice.line();
  twice.process.kill("SIGTERM");
  await twice.stop("SIGINT");
  // As soon as it listens to signals it is told; making 300 zones takes it longer than that.
  const starting = new Run(["serve", "--json", "--port", "0", "--zones", "300"], ["--import", TELL_OF_SIGNALS]);
  await until("it listens to signals", () => starting.err.includes("SIGTERM"));
  starting.process.kill("SIGTERM");
  assert.equal(await starting.ended, { status: 0, signal: null });
});

test("flags: defaults, signs, repeats, switches and absence", () => {
  const flags = {
    count: { type: "integer", value: "N", help: "", min: -5, max: 5, default: 2 },
    limit: { type: "integer", value: "N", help: "", min: 0, max: 9 },
    name: { type: "text", value: "S", help: "" },
    loud: { type: "switch", help: "" },
  } as const satisfies Flags;
  const parsed = (...argv: string[]) => parseFlags(argv, flags).values;
  assert.equal(parsed(), { count: 2, limit: undefined, name: undefined, loud: false });
  assert.equal(parsed("--count=-5", "--name", "x", "--loud"), { count: -5, limit: undefined, name: "x", loud: true });
  assert.is(parsed("--count", "1", "--count", "3").count, 3);
  for (const bad of [
    ["--count=6"],
    ["--count=1e3"],
    ["--count="],
    ["--count", "0x1"],
    ["--name="],
    ["--loud=1"],
    ["x"],
  ]) {
    try {
      parseFlags(bad, flags);
    } catch (error) {
      assert.ok(error instanceof GyreError && error.code === "BAD_FLAG", `${bad}: ${error}`);
      continue;
    }
    assert.unreachable(`accepted ${bad}`);
  }
});

test("the demo town of 20 seeds is closed, one piece, half open, and each differs; the same seed gives the same", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const { width, height, tiles } = demoMap(seed);
    assert.equal([width, height, tiles.length], [128, 128, 16_384]);
    assert.equal(demoMap(seed).tiles, tiles);
    for (let i = 0; i < 128; i++) {
      for (const edge of [i, 127 * 128 + i, i * 128, i * 128 + 127])
        assert.is(tiles[edge], 1, `seed ${seed}: open at tile ${edge}`);
    }
    const free = tiles.reduce((count, tile) => count + (tile === 0 ? 1 : 0), 0);
    assert.ok(free > 8000 && free < 14_500, `seed ${seed}: ${free} free tiles`);
    assert.is(reachable(tiles, 128), free, `seed ${seed}: not one piece`);
    assert.ok(tiles.includes(2), "water");
    seen.add(tiles.join(""));
  }
  assert.is(seen.size, 20);
});

/** Free tiles that can be walked to from the first. */
function reachable(tiles: Uint8Array, width: number): number {
  const open = [tiles.indexOf(0)];
  const seen = new Set(open);
  for (const tile of open) {
    for (const next of [tile - 1, tile + 1, tile - width, tile + width]) {
      if (tiles[next] !== 0 || seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen.size;
}

test("a server that npm started ends with npm's shell, one that a shell started by itself does not", async () => {
  for (const [event, ends] of [
    ["start", true],
    [undefined, false],
  ] as const) {
    const { npm_lifecycle_event: _, ...env } = process.env;
    if (event !== undefined) env["npm_lifecycle_event"] = event;
    const argv = [CLI, "serve", "--json", "--port", "0", "--npcs", "10"];
    const script = '"$0" "$@" & echo $! >&2; wait';
    const shell = spawn("sh", ["-c", script, process.execPath, ...argv], { env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    shell.stdout.on("data", (data) => {
      out += data;
    });
    shell.stderr.on("data", (data) => {
      err += data;
    });
    await until("it listens", () => out.includes("\n"));
    const { http } = JSON.parse(out);
    const pid = Number(err);
    const answers = () =>
      fetch(`${http}/healthz`).then(
        () => true,
        () => false,
      );
    shell.kill("SIGTERM");
    if (ends) await until("it is gone", async () => !(await answers()));
    else {
      // Well past the time that it looks for its parent: half a second is 30 ticks.
      await until("it ticks on", async () => (await (await fetch(`${http}/stats`)).json()).tick > 150);
      process.kill(pid, "SIGTERM");
      await until("it is told to stop", async () => !(await answers()));
    }
  }
});

test.run();
