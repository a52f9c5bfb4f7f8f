/** The built command, as a process of its own but for most refusals: what it prints, and with which status it ends. */
// slow
// waits
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Flags, parseFlags } from "../src/cli/flags.js";
import { GyreError } from "../src/errors.js";
import { cliHere } from "./support/cli-here.js";
import { TestClient } from "./support/client.js";
import { EFFORT } from "./support/effort.js";
import { runCli } from "./support/run-cli.js";
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

  constructor(argv: readonly string[], nodeFlags: readonly string[] = [], options: SpawnOptions = {}) {
    Run.all.push(this);
    const spawned: SpawnOptions = { stdio: ["ignore", "pipe", "pipe"], ...options };
    this.process = spawn(process.execPath, [...nodeFlags, CLI, ...argv], spawned);
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

/** way: whether as a process of its own, which also shows that nothing holds it up. */
async function refused(status: number, about: RegExp, argv: readonly string[], way = cliHere): Promise<void> {
  const { status: actual, out, err } = await way(...argv);
  assert.is(actual, status, `${argv.join(" ")}: ${err}`);
  assert.match(err, about);
  assert.is(err.trimEnd().split("\n").length, 1, `more than a line: ${err}`);
  assert.is(out, "");
}

async function statsOf(http: string): Promise<{ entities: number; tick: number }> {
  return (await (await fetch(`${http}/stats`)).json()) as { entities: number; tick: number };
}

test.after(() => {
  for (const run of Run.all) run.process.kill("SIGKILL");
});

test("help and version end with 0, every flag of serve is in its help", async () => {
  const texts: [RegExp, ...string[]][] = [
    [/^ {2}serve .*\n {2}load .*\n {2}capacity .*\n {2}replay .*\n {2}bench /m, "--help"],
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
    "spin",
    "npcs",
    "bots",
    "tick-rate",
    "snapshot-rate",
    "seed",
    "record",
    "json",
  ]) {
    assert.match(help.out, new RegExp(`^ {2}--${flag} `, "m"));
  }
  assert.match(help.out, /--npcs N .*each zone.* \(2000\)/);
  assert.match(help.out, /^ {2}--dev /m);
});

test("a command line that says what is not so is one line and status 2", async () => {
  await refused(2, /no command/, []);
  await refused(2, /unknown command fly/, ["fly"], runCli);
  await refused(2, /unknown command constructor/, ["constructor"]);
  await refused(2, /unknown option '--nope'/, ["serve", "--nope"]);
  await refused(2, /--npcs "many" is not a whole number from 0 to/, ["serve", "--npcs", "many"]);
  await refused(2, /--npcs "-1"/, ["serve", "--npcs=-1"]);
  await refused(2, /--port "-1" is not a whole number from 0 to 65535/, ["serve", "--port", "-1"]);
  await refused(2, /--near-radius "-2" is not a whole number from -1 to/, ["serve", "--near-radius", "-2"]);
  await refused(2, /--port "65536"/, ["serve", "--port", "65536"]);
  await refused(2, /--tick-rate "0"/, ["serve", "--tick-rate", "0"]);
  await refused(2, /snapshotRate is 61; it must be at most the tickRate, 60/, ["serve", "--snapshot-rate", "61"]);
  await refused(2, /--threads "65" is not a whole number from 0 to 64/, ["serve", "--threads", "65"]);
  await refused(2, /--spin "round" is neither auto nor off/, ["serve", "--spin", "round"]);
  await refused(2, /--format "xml" is neither binary nor json/, ["serve", "--format", "xml"]);
  await refused(2, /--hash-every "0" is not a whole number from 1/, ["serve", "--hash-every", "0"]);
  await refused(2, /--snapshot-rate 21 is above --tick-rate 20/, [
    "serve",
    "--tick-rate",
    "20",
    "--snapshot-rate",
    "21",
  ]);
  await refused(2, /--dev watches a GAME's file, and there is none/, ["serve", "--dev"]);
  await refused(2, /--record.*argument/, ["serve", "--record"]);
  await refused(2, /unexpected argument "b"/, ["serve", "a", "b"]);
  await refused(2, /--map.*argument/, ["serve", "--map"]);
  await refused(
    2,
    /host 192\.0\.2\.1 is not an address/,
    ["serve", "--host", "192.0.2.1", "--port", "0", "--npcs", "0"],
    runCli,
  );
  await refused(2, /--filter "\(" is not a regular expression/, ["bench", "--filter", "("]);
  await refused(2, /unknown option '--fast'/, ["bench", "--fast"]);
});

test("maps that cannot be read or are none, and a port in use, are one line and status 1", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cli-"));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const taken = createTcpServer().listen(0, "127.0.0.1");
  try {
    await refused(1, /cannot read .*missing\.map: ENOENT/, ["serve", "--map", join(folder, "missing.map")]);
    await refused(1, /cannot read .*: EISDIR/, ["serve", "--map", folder]);
    await refused(1, /empty/, ["serve", "--map", write("empty.map", "")]);
    await refused(1, /\S/, ["serve", "--map", write("cut.map", "type octile\nheight 9\nwidth 9\nmap\n...\n")]);
    await refused(1, /\S/, ["serve", "--map", write("bad.tmj", '{"layers":')]);
    const walls = write("walls.map", "type octile\nheight 1\nwidth 2\nmap\n@@\n");
    await refused(1, /no tile where anybody could stand/, ["serve", "--map", walls]);
    await until("the port is taken", () => taken.listening);
    const { port } = taken.address() as { port: number };
    await refused(
      1,
      new RegExp(`127.0.0.1:${port}: EADDRINUSE`),
      ["serve", "--npcs", "0", "--port", String(port)],
      runCli,
    );
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
  // Bots enter in the first tick.
  await until("all are in", async () => (await statsOf(http)).entities === 3 * 52);
  const client = await TestClient.open(ws);
  client.send({ type: "join", name: "ann", zone: "zone-2" });
  const { name, width, height, tileSize } = (await client.reply("welcome"))["zone"] as Record<string, unknown>;
  assert.equal({ name, width, height, tileSize }, { name: "zone-2", width: 4096, height: 4096, tileSize: 32 });
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
    /^gyre: arena, zones: 1, entities: 5, threads: 1, 30 Hz, (simd|scalar) kernel: http:\/\/127\.0\.0\.1:\d+$/;
  assert.match(await run.line(), line);
  rmSync(folder, { recursive: true });
  await run.stop("SIGINT");
});

/** A folder of files, gone when `use` is through. */
async function inFolder(use: (write: (name: string, text: string) => string, folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "gyre-cli-"));
  try {
    await use((name, text) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    }, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A game's module; `more` are further fields. It lies in no project: `gyre` is the one that runs it. */
const gameText = (more = "", before = ""): string => `import { defineGame } from "gyre";
${before}
export default defineGame({ name: "toy", archetypes: { toy: {} }, ${more} });
`;

/** With one line between the quotes of a hook, so that a test can tell where it is. */
const throwing = (hook: string): string =>
  gameText(`
  ${hook},`);

test("a game that is no file, no module, does not parse, throws or is not one is one located line and status 1", async () => {
  await inFolder(async (write, folder) => {
    const bad = (about: RegExp, file: string, way = cliHere) => refused(1, about, ["serve", "--port", "0", file], way);
    await bad(/cannot read .*missing\.mjs: ENOENT/, join(folder, "missing.mjs"));
    await bad(/toy\.txt is no game's module: those end in \.js, \.mjs, \.ts, \.mts$/m, write("toy.txt", ""));
    await bad(/syntax\.mjs:3: SyntaxError: /, write("syntax.mjs", "const a = 1;\n\nlet = ;\n"));
    await bad(
      /throws\.mjs:2:18: TypeError: a\.b is not a function$/m,
      write("throws.mjs", "const a = {};\nexport default a.b();\n"),
    );
    await bad(/seven\.mjs: it threw 7$/m, write("seven.mjs", "throw 7;\n"));
    await bad(/Cannot find module .*nothing\.mjs/, write("imports.mjs", 'import "./nothing.mjs";\n'));
    await bad(/does not provide an export named 'nope'/, write("export.mjs", 'import { nope } from "gyre";\n'));
    await bad(/empty\.mjs: its default export is missing; write export default defineGame/, write("empty.mjs", ""));
    await bad(
      /its default export is not one that defineGame made/,
      write("plain.mjs", 'export default { name: "toy" };\n'),
    );
    await bad(/field\.mjs:3:16: .*tickRate is 0/, write("field.mjs", gameText("tickRate: 0")));
    await bad(
      /setup\.mjs:4:19 in setup of zone-0 at tick 0: out of cheese$/m,
      write("setup.mjs", throwing('setup() { throw new Error("out of cheese"); }')),
      runCli,
    );
    await bad(
      /gates\[0\]\.to is "zone-7"/,
      write("gates.mjs", gameText('gates: [{ zone: "zone-0", to: "zone-7", x0: 0, y0: 0, x1: 9, y1: 9, x: 9, y: 9 }]')),
    );
  });
});

test("a game in TypeScript runs where Node strips types, and is refused with what to do where it does not", async () => {
  await inFolder(async (write) => {
    const file = write("toy.ts", gameText("tickRate: 30 as number", "const half: number = 0.5;"));
    if (!("typescript" in process.features)) {
      await refused(
        1,
        /toy\.ts: Node 2\d\..* does not run TypeScript; take Node 22\.18 or newer, or compile it to \.js/,
        ["serve", file],
      );
      return;
    }
    const run = new Run(["serve", "--port", "0", file]);
    assert.match(await run.line(), /^gyre: toy, zones: 1, entities: 0, threads: 1, 30 Hz, /);
    await run.stop();
    await refused(1, /enum\.ts:.*enum is not supported/, ["serve", write("enum.ts", gameText("", "enum A { B }"))]);
  });
});

test("serve GAME runs it: its zones, its settings, its bots, and what it tells its players", async () => {
  await inFolder(async (write) => {
    const file = write(
      "toy.mjs",
      gameText(`zones: 2, setup(world) {
        for (let i = 0; i < world.settings.npcs; i++) world.spawn("toy", 100, 100);
        try { world.spawn("toy", 100, 100); } catch {}
      },
      arrive() {}, join(world, player) {
        world.tell("hello", { to: player.name, seed: world.settings.seed }, player);
        return world.spawn("toy", 64, 64);
      },`),
    );
    const run = new Run(["serve", "--json", "--port", "0", "--npcs", "7", "--bots", "1", "--seed", "3", file]);
    const { http, ws, zones } = JSON.parse(await run.line());
    assert.is(zones, 2);
    await until("all are in", async () => (await statsOf(http)).entities === 16);
    const client = await TestClient.open(ws);
    client.send({ type: "join", name: "ann" });
    assert.equal((await client.reply("event"))["data"], { to: "ann", seed: 3 });
    const metrics = await (await fetch(`${http}/metrics`)).text();
    assert.match(metrics, /^gyre_zone_entities\{zone="zone-0"\} 9$/m);
    for (const line of [
      "gyre_zones_awake 2",
      'gyre_zone_entities_refused{zone="zone-1"} 1',
      'gyre_zone_path_requests_refused{zone="zone-1"} 0',
      'gyre_pool_created{pool="frames"} 64',
      "gyre_zones_stopped 0",
      "gyre_transfers_total 0",
      'gyre_events_lost_total{policy="drop-low"} 0',
      "gyre_commands_refused_total 0",
      'gyre_pool_in_use{pool="sessions"} 1',
    ]) {
      assert.ok(metrics.includes(`\n${line}\n`), line);
    }
    assert.not.ok(metrics.includes("gyre_recording"), "there is none");
    await run.stop();
    assert.is(run.err, "");
    const plain = new Run(["serve", "--json", "--port", "0", "--npcs", "0", write("bare.mjs", gameText())]);
    assert.is((await statsOf(JSON.parse(await plain.line()).http)).entities, 0);
    await plain.stop();
  });
});

test("what a game's timers and promises throw later is told with its place, and the server goes on", async () => {
  await inFolder(async (write) => {
    const file = write(
      "toy.mjs",
      throwing(`setup(world) {
        setTimeout(() => { throw new Error("too late"); });
        setTimeout(() => { world.zone.move(1, NaN, 0); });
        Promise.reject(7);
      }`),
    );
    const run = new Run(["serve", "--port", "0", "--json", file]);
    const { event: first, http } = JSON.parse(await run.line());
    assert.is(first, "listening");
    const told = () => run.out.trimEnd().split("\n").slice(1);
    await until("all is told", () => told().length === 3);
    const messages = told().map((line) => {
      const { event, message } = JSON.parse(line);
      assert.is(event, "stray-error");
      return message as string;
    });
    assert.match(
      messages.find((text) => text.includes("too late")) ?? "",
      /toy\.mjs:5:\d+ outside of all hooks: too late$/,
    );
    assert.match(messages.find((text) => text.includes("NaN")) ?? "", /toy\.mjs:6:\d+ outside of all hooks: dx is NaN/);
    assert.ok(
      messages.some((text) => /toy\.mjs outside of all hooks: .*7/.test(text)),
      messages.join("\n"),
    );
    const { tick } = await statsOf(http);
    await until("it ticks on", async () => (await statsOf(http)).tick > tick + 5);
    await run.stop();
  });
});

test("a zone whose game fails is one line with its place; the server and the other zone go on", async () => {
  await inFolder(async (write) => {
    const hook = 'input(world) { if (world.name === "zone-1") world.spawn("nobody", 0, 0); }';
    const file = write("toy.mjs", throwing(hook));
    for (const asJson of [true, false]) {
      const run = new Run(["serve", "--port", "0", "--zones", "2", "--npcs", "0", file, ...(asJson ? ["--json"] : [])]);
      const http = /http:\/\/[\d.:]+/.exec(await run.line())?.[0] ?? "";
      const clients = await Promise.all(
        ["zone-0", "zone-1"].map(() => TestClient.open(`${http.replace("http", "ws")}/ws`)),
      );
      for (const [i, client] of clients.entries()) {
        client.send({ type: "join", name: "ann", zone: `zone-${i}` });
        await client.reply("welcome");
        client.send({ type: "input", seq: 1, dx: 1, dy: 0 });
      }
      assert.is((await clients[1]?.reply("error"))?.["code"], "ZONE_STOPPED");
      const about = /toy\.mjs:4:\d+ .*input.*zone-1.*nobody/;
      if (asJson) {
        await until("it is told", () => run.out.trimEnd().split("\n").length === 2);
        const { message, ...event } = JSON.parse(run.out.trimEnd().split("\n")[1] ?? "");
        assert.equal(event, { event: "zone-stopped", zone: "zone-1", code: "GAME_FAILED" });
        assert.match(message, about);
      } else {
        await until("it is told", () => run.err.includes("\n"));
        assert.match(run.err, /^gyre: zone-1 stopped: /);
        assert.match(run.err, about);
      }
      const { tick } = await statsOf(http);
      await until("the other zone ticks on", async () => (await statsOf(http)).tick > tick + 5);
      assert.match(await (await fetch(`${http}/metrics`)).text(), /^gyre_zone_stopped\{zone="zone-1"\} 1$/m);
      const late = await TestClient.open(`${http.replace("http", "ws")}/ws`);
      late.send({ type: "join", name: "ben", zone: "zone-1" });
      assert.is((await late.reply("error"))["code"], "ZONE_STOPPED");
      late.send({ type: "join", name: "ben", zone: "zone-0" });
      await late.reply("welcome");
      await run.stop();
    }
  });
});

test("a server whose output nobody reads any more goes on when it has something to say", async () => {
  await inFolder(async (write) => {
    const file = write("toy.mjs", throwing('input() { throw new Error("heard by nobody"); }'));
    for (const asJson of [true, false]) {
      const run = new Run(["serve", "--port", "0", "--npcs", "0", file, ...(asJson ? ["--json"] : [])]);
      const http = /http:\/\/[\d.:]+/.exec(await run.line())?.[0] ?? "";
      run.process.stdout?.destroy();
      run.process.stderr?.destroy();
      const client = await TestClient.open(`${http.replace("http", "ws")}/ws`);
      client.send({ type: "join", name: "ann" });
      await client.reply("welcome");
      client.send({ type: "input", seq: 1, dx: 1, dy: 0 });
      await client.reply("error");
      const { tick } = await statsOf(http);
      await until("it ticks on", async () => (await statsOf(http)).tick > tick + 10);
      await run.stop();
    }
  });
});

test("serve --record writes what replay --verify agrees with; a file that cannot be written is one line and status 1", async () => {
  await inFolder(async (write, folder) => {
    const file = write(
      "toy.mjs",
      gameText(`setup(world) {
        for (let i = 0; i < world.settings.npcs; i++) world.zone.move(world.spawn("toy", 400, 400), Math.sign(world.random() - 2 ** 31), 1);
      }`),
    );
    const recording = join(folder, "toy.rec");
    for (const threads of EFFORT > 1 ? ["0", "1", "3"] : ["0", "3"]) {
      const flags = ["--npcs", "40", "--bots", "9", "--zones", "3", "--threads", threads, "--record", recording];
      const run = new Run(["serve", "--json", "--port", "0", ...flags, file]);
      const { http, ws } = JSON.parse(await run.line());
      const clients = await Promise.all(["ann", "bob", "eve"].map(() => TestClient.open(ws)));
      for (const [i, client] of clients.entries()) {
        client.send({ type: "join", name: `p${i}`, zone: `zone-${i}` });
        for (let seq = 1; seq < 20; seq++) client.send({ type: "input", seq, dx: seq % 2, dy: 0.1 });
        await client.reply("welcome");
      }
      clients[0]?.socket.close();
      await until("it has a few checkpoints", async () => (await statsOf(http)).tick > 150);
      assert.match(await (await fetch(`${http}/metrics`)).text(), /^gyre_recording 1$/m);
      await run.stop();
      assert.is(run.err, "");
      const replay = new Run(["replay", recording, "--verify"]);
      assert.is((await replay.ended).status, 0, replay.err + replay.out);
      assert.match(replay.out, /3 checkpoints agree|[4-9]\d* checkpoints agree/);
    }
    await refused(
      1,
      /cannot write .*nowhere/,
      ["serve", "--port", "0", "--record", join(folder, "nowhere", "a.rec"), file],
      runCli,
    );
    const { size } = statSync(recording);
    await refused(2, /snapshotRate is 61/, ["serve", "--snapshot-rate", "61", "--record", recording, file]);
    assert.is(statSync(recording).size, size, "what is refused replaces no file");
  });
});

test("a thread that ends takes the recording with it: that is told once, the server goes on, and the file is good up to there", async () => {
  await inFolder(async (write, folder) => {
    const flag = JSON.stringify(join(folder, "ended"));
    const text = gameText(`input() { if (!existsSync(${flag})) { writeFileSync(${flag}, ""); process.exit(1); } }`);
    const file = write("toy.mjs", `import { existsSync, writeFileSync } from "node:fs";\n${text}`);
    const recording = join(folder, "toy.rec");
    const flags = ["--npcs", "0", "--zones", "2", "--threads", "2", "--record", recording];
    const run = new Run(["serve", "--json", "--port", "0", ...flags, file]);
    const { http, ws } = JSON.parse(await run.line());
    await until("it has a checkpoint", async () => (await statsOf(http)).tick > 70);
    const client = await TestClient.open(ws);
    client.send({ type: "join", name: "ann", zone: "zone-1" });
    await client.reply("welcome");
    client.send({ type: "input", seq: 1, dx: 1, dy: 0 });
    const stops = () => run.out.split("\n").filter((line) => line.includes("recording-stopped"));
    await until("it is told", () => stops().length > 0);
    assert.match(JSON.parse(stops()[0] ?? "{}").message, /^the recording ended: sim-1 was restarted/);
    const { tick } = await statsOf(http);
    await until("it ticks on", async () => (await statsOf(http)).tick > tick + 10);
    assert.match(await (await fetch(`${http}/metrics`)).text(), /^gyre_recording 0$/m);
    await run.stop();
    assert.is(stops().length, 1);
    const replay = new Run(["replay", recording, "--verify"]);
    assert.is((await replay.ended).status, 2, replay.out);
    assert.match(replay.err, /without its end mark; verified up to tick 60$/m);
  });
});

test("serve --dev starts anew on the same port when a file changes, outlives what is broken, and stops with 0", async () => {
  await inFolder(async (write, folder) => {
    const file = write("toy.mjs", gameText("tickRate: 20"));
    const run = new Run(["serve", "--dev", "--json", "--port", "0", file]);
    const lines = (): string[] => run.out.split("\n").slice(0, -1);
    const first = JSON.parse(await run.line());
    write("notes.txt", "no source");
    const client = await TestClient.open(first.ws);
    write("toy.mjs", gameText("tickRate: 30"));
    await until("it listens again", () => lines().length === 2);
    assert.equal(JSON.parse(lines()[1] ?? ""), first);
    assert.is(await client.closed(), 1001);
    // A table beside the game counts as well; a module that throws is shown, and waited for.
    write("table.json", "{}");
    await until("it listens again", () => lines().length === 3);
    write("toy.mjs", "throw new Error('half done');\n");
    await until("it tells", () => /half done[\s\S]*waiting for a change/.test(run.err));
    assert.match(run.err, /toy\.mjs:1:7: Error: half done\n/);
    // So is one that never comes to an end.
    write("toy.mjs", "process.stderr.write('looping'); for (;;);\n");
    await until("it loops", () => run.err.includes("looping"));
    write("toy.mjs", gameText());
    await until("it listens again", () => lines().length === 4);
    assert.equal(JSON.parse(lines()[3] ?? ""), first);
    await run.stop("SIGINT");
    const answers = await fetch(`${first.http}/healthz`).then(
      () => true,
      () => false,
    );
    assert.is(answers, false);
    await refused(1, /cannot read .*missing\.mjs: ENOENT/, ["serve", "--dev", join(folder, "missing.mjs")], runCli);
  });
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

test("a game whose module never comes to an end can be stopped, by either signal; one that waits for a while is served", async () => {
  await inFolder(async (write) => {
    const looping = write("loop.mjs", 'process.stderr.write("here"); for (;;);');
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const run = new Run(["serve", "--port", "0", looping]);
      await until("it loops", () => run.err.includes("here"));
      run.process.kill(signal);
      assert.equal(await run.ended, { status: null, signal });
    }
    const waiting = new Run(["serve", "--json", "--port", "0", write("wait.mjs", `await 1; ${gameText()}`)]);
    await waiting.line();
    await waiting.stop("SIGINT");
  });
});

test("GYRE_PROFILE=1 leaves a CPU profile of each thread, by either signal; 0 and nothing leave none, and anything else is one line", async () => {
  await inFolder(async (_, folder) => {
    const at = (profile: string | undefined) => ({ cwd: folder, env: { ...process.env, GYRE_PROFILE: profile } });
    for (const [profile, signal] of [
      ["1", "SIGTERM"],
      ["1", "SIGINT"],
      ["0", "SIGTERM"],
      ["", "SIGTERM"],
    ] as const) {
      const run = new Run(["serve", "--json", "--port", "0", "--npcs", "100"], [], at(profile));
      const { http } = JSON.parse(await run.line());
      await until("it has ticked", async () => (await statsOf(http)).tick > 20);
      await run.stop(signal);
      assert.is(run.err, "");
      const files = readdirSync(folder).sort();
      const threads = profile === "1" ? ["main", "sim-0"] : [];
      assert.equal(
        files,
        threads.map((thread) => `gyre-${run.process.pid}-${thread}.cpuprofile`),
      );
      for (const file of files) {
        const { nodes, samples } = JSON.parse(readFileSync(join(folder, file), "utf8"));
        const names = nodes.map(({ callFrame }: { callFrame: { functionName: string } }) => callFrame.functionName);
        // Where each of them is most of the time: sampling does not miss that.
        const rests = file.includes("main") ? "(idle)" : "#sleepUntil";
        assert.ok(samples.length > 20 && names.includes(rests), `${file}: ${samples.length} samples of ${names}`);
        assert.is(names.includes("#sleepUntil"), !file.includes("main"), `${file} is another thread's`);
        rmSync(join(folder, file));
      }
    }
    const bad = new Run(["serve", "--port", "0"], [], at("yes"));
    assert.is((await bad.ended).status, 2);
    assert.is(bad.err, 'gyre: GYRE_PROFILE is "yes": 1 writes a CPU profile of each thread when it ends, 0 does not\n');
    assert.equal(readdirSync(folder), []);
  });
});

test("with --expose-gc a server collects between ticks, and counts it; without, never", async () => {
  const idle = /^gyre_gc_idle_total\{thread="main"\} (\d+)$/m;
  const collections = async (http: string): Promise<number> => {
    return Number(idle.exec(await (await fetch(`${http}/metrics`)).text())?.[1]);
  };
  const flags = ["serve", "--json", "--port", "0", "--npcs", "100"];
  const [exposed, plain] = [new Run(flags, ["--expose-gc"]), new Run(flags)];
  const { http } = JSON.parse(await exposed.line());
  await until("it collected", async () => (await collections(http)) > 0);
  assert.is(await collections(JSON.parse(await plain.line()).http), 0);
  await Promise.all([exposed.stop(), plain.stop()]);
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
  assert.equal(parsed("--count", "-5", "--loud"), { count: -5, limit: undefined, name: undefined, loud: true });
  assert.is(parsed("--count", "1", "--count", "3").count, 3);
  assert.equal(parseFlags(["--", "--count", "-5"], flags, 2).positionals, ["--count", "-5"]);
  for (const bad of [
    ["--count=6"],
    ["--count=1e3"],
    ["--count="],
    ["--count", "0x1"],
    ["--count", "-6"],
    ["--count", "-x"],
    ["--count"],
    ["--count", "--limit", "-1"],
    ["--name", "-5"],
    ["--loud", "-5"],
    ["-5"],
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
