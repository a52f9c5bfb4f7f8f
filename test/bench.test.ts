// slow
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { crowd, HALF_SIZE, steerer, TICK_RATE, TILE } from "../bench/crowd.js";
import { draw } from "../bench/draw.js";
import { METRICS } from "../bench/end-to-end.js";
import { FrameCounter, upgradeRequest } from "../bench/frame-counter.js";
import { kernelOf } from "../bench/gyre.js";
import { PEERS, packageOf } from "../bench/peers.js";
import { type Case, casesOf, nameOf, type Sizes } from "../bench/plan.js";
import { CELL, WORLD } from "../bench/points.js";
import { lossesLine, type Report, type Row, screenTable } from "../bench/report.js";
import { type Command, compete, type Effort, figuresOf } from "../bench/runner.js";
import { snapshotContenders, WHOLE_VARIANTS } from "../bench/snapshot.js";
import { createWalker } from "../bench/walk.js";
import { OPCODE } from "../src/load/frames.js";
import { EFFORT } from "./support/effort.js";

const TINY: { sizes: Sizes; effort: Effort } = {
  sizes: {
    distances: [259],
    neighbours: [300],
    neighboursInOneCell: [{ n: 100, insteadOf: 1000 }],
    enemies: [300],
    enemiesInOneCell: [{ n: 100 }],
    crowds: [300],
    paths: [3],
    worlds: [200],
    zones: [3],
    threads: [2],
    snapshots: [150],
    viewers: [8],
    sockets: [5],
    clients: [6],
    handoffs: [20],
    jobs: [4],
    rooms: [5],
  },
  effort: {
    rounds: 1,
    round: { roundMs: 5, loopMs: 2 },
    warmUpMs: 5,
    slowMs: 60_000,
    readyMs: 120_000,
    budgetMs: 1000,
    stay: { rounds: 1, settleMs: 50, measureMs: 300 },
  },
};

const folder = mkdtempSync(join(tmpdir(), "gyre-bench-"));
const file = (name: string): string => join(folder, name);

/** The bundle that the command line runs, since its contenders lie beside it. */
async function bench(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const { main } = (await import(
    pathToFileURL(resolve("build/bench/main.js")).href
  )) as typeof import("../bench/main.js");
  const { log, error } = console;
  let out = "";
  let err = "";
  console.log = (text: string) => (out += `${text}\n`);
  console.error = (text: string) => (err += `${text}\n`);
  try {
    return { status: await main(argv, TINY), out, err };
  } finally {
    Object.assign(console, { log, error });
  }
}

test.after(() => rmSync(folder, { recursive: true }));

/** All, or the first case of each, and one whose size is another one: `npm run bench -- --quick` runs all, and fails just as well. */
const EACH = EFFORT > 1 ? /^/ : firstOfEach();

function firstOfEach(): RegExp {
  const names = casesOf(TINY.sizes).map(nameOf);
  const benchOf = (name: string): string => name.split("/")[0] ?? "";
  const wanted = names.filter(
    (name, i) => /^all-neighbours.*one-cell/.test(name) || benchOf(name) !== benchOf(names[i - 1] ?? ""),
  );
  return new RegExp(`^(${wanted.join("|")})$`);
}

test("runs each bench at a tiny size: answers agree, and the JSON has the contract's form", async () => {
  const { status, out } = await bench("--json", file("rows.json"), "--filter", EACH.source);
  assert.is(status, 0, out);
  const { machine, rows } = JSON.parse(readFileSync(file("rows.json"), "utf8")) as Report;
  assert.equal(Object.keys(machine), ["node", "v8", "cpu", "cores"]);
  assert.is(machine.node, process.versions.node);
  // Snapshots and the state tree have a second row, of bytes; a case of whole servers has one for each thing that is measured.
  const cases = casesOf(TINY.sizes).filter((each) => EACH.test(nameOf(each)));
  const expected = cases.flatMap(({ bench, params, variants, unit }): Case[] => {
    const row = { bench, params, variants, unit };
    if (bench === "snapshot" || bench === "state") return [row, { ...row, unit: "bytes" }];
    if (bench !== "end-to-end") return [row];
    return Object.keys(METRICS).map((name) => {
      const metric = name as keyof typeof METRICS;
      return { ...row, params: { ...params, metric }, unit: METRICS[metric] };
    });
  });
  assert.equal(rows.map(nameOf), expected.map(nameOf));
  rows.forEach((row, index) => {
    assert.equal(Object.keys(row), ["bench", "params", "unit", "variants"]);
    assert.is(row.unit, expected[index]!.unit);
    for (const variant of expected[index]!.variants) {
      const name = packageOf(variant);
      const isPeer = (PEERS as readonly string[]).includes(name);
      const mayBeAbsent = isPeer ? !existsSync(`bench/peers/node_modules/${name}`) : variant.startsWith("native-");
      if (mayBeAbsent && row.variants[variant] === undefined) continue;
      const { median, min, p99 } = row.variants[variant]!;
      assert.ok(min > 0 && min <= median && median <= p99, `${nameOf(row)} ${variant}: ${min} ${median} ${p99}`);
    }
  });
  assert.match(out, "100 one-cell (instead of 1,000: cost is quadratic)");
});

test("says in one line which peers are not installed, and only then", async () => {
  const { out } = await bench("--filter", "^move");
  const missing = PEERS.filter((name) => !existsSync(`bench/peers/node_modules/${name}`));
  assert.is(out.includes("npm install --prefix bench/peers"), missing.length > 0);
});

test("refuses flags that are unknown or bad with status 2 and one line", async () => {
  for (const argv of [
    ["--fast"],
    ["stray"],
    ["--filter", "("],
    ["--filter", "no such bench"],
    ["--json"],
    ["--json", file("no/such/folder.json")],
  ]) {
    const { status, out, err } = await bench(...argv);
    assert.is(status, 2, argv.join(" "));
    assert.is(out, "");
    assert.is(err.trimEnd().split("\n").length, 1, err);
    assert.match(err, /^gyre bench: /);
  }
});

/** A contender that says these lines, one at the start and one for each round. */
function puppet(...lines: unknown[]): Command {
  const program = `
    const lines = ${JSON.stringify(lines.map((each) => JSON.stringify(each)))};
    console.log(lines.shift());
    require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
      if (lines.length === 0) process.exit(1);
      console.log(lines.shift());
    });`;
  return { program: process.execPath, args: ["-e", program] };
}

const samples = (...samplesNs: number[]): unknown => ({ kind: "samples", samplesNs });
const ready = (answer: number, strict?: number): unknown => ({ kind: "ready", answer, strict });

test("times contenders that agree", async () => {
  const { figures, notes, wrong } = await compete(
    { a: puppet(ready(7, 1), samples(3, 1, 2)), b: puppet(ready(7), samples(40)) },
    TINY.effort,
  );
  assert.equal(figures, { a: { median: 2, min: 1, p99: 3 }, b: { median: 40, min: 40, p99: 40 } });
  assert.equal(notes, []);
  assert.is(wrong, false);
});

test("times nobody whose answers differ, and calls the run wrong", async () => {
  const { figures, notes, wrong } = await compete(
    { a: puppet(ready(7, 1), samples(1)), b: puppet(ready(8), samples(1)), c: puppet(ready(7, 1), samples(1)) },
    TINY.effort,
  );
  assert.equal(Object.keys(figures), ["a", "c"]);
  assert.equal(notes, ["b WRONG: its answers are not those of the others"]);
  assert.is(wrong, true);
});

test("compares strict answers among those that give one", async () => {
  const { figures, wrong } = await compete(
    { a: puppet(ready(7, 1), samples(1)), b: puppet(ready(7, 1), samples(1)), c: puppet(ready(7, 2), samples(1)) },
    TINY.effort,
  );
  assert.equal(Object.keys(figures), ["a", "b"]);
  assert.is(wrong, true);
});

test("leaves a slow contender out and goes on", async () => {
  const { figures, notes, wrong } = await compete(
    { a: puppet(ready(7), samples(1)), b: puppet({ kind: "slow", tookMs: 9000 }) },
    TINY.effort,
  );
  assert.equal(Object.keys(figures), ["a"]);
  assert.equal(notes, ["b skipped: its first operation took 9.0 s"]);
  assert.is(wrong, false);
});

test("ends a contender that says nothing and leaves it out", async () => {
  const silent = { program: process.execPath, args: ["-e", "process.stdin.resume()"] };
  const { figures, notes, wrong } = await compete({ silent }, { ...TINY.effort, readyMs: 200 });
  assert.equal(figures, {});
  assert.equal(notes, ["silent skipped: not ready after 0.2 s"]);
  assert.is(wrong, false);
});

test("fails the run when a contender is not there, dies or talks nonsense", async () => {
  for (const broken of [
    { program: file("no-such-program"), args: [] },
    { program: process.execPath, args: ["-e", "process.exit(3)"] },
    { program: process.execPath, args: ["-e", "console.log('hello')"] },
    puppet({ kind: "failed", reason: "out of luck" }),
    puppet(ready(7)),
  ]) {
    const { figures, notes, wrong } = await compete({ a: puppet(ready(7), samples(1)), b: broken }, TINY.effort);
    assert.equal(Object.keys(figures), ["a"]);
    assert.is(notes.length, 1);
    assert.match(notes[0]!, /^b FAILED/);
    assert.is(wrong, true);
  }
});

test("takes median and p99 of 1..200 to be 100 and 198, in any order", () => {
  const values = Array.from({ length: 200 }, (_, i) => ((i * 77) % 200) + 1);
  assert.equal(figuresOf(values), { median: 100, min: 1, p99: 198 });
});

function report(simd: number, js: number): Report {
  const figures = (median: number) => ({ median, min: median, p99: median });
  const row = { bench: "tick", params: { n: 20_000 }, unit: "ms" as const };
  return {
    machine: { node: "20.0.0", v8: "11.3", cpu: "a <small> cpu", cores: 2 },
    rows: [{ ...row, variants: { simd: figures(simd), js: figures(js) } }],
  };
}

test("marks what loses to another by more than noise, and nothing else", () => {
  assert.match(screenTable(report(1, 0.5).rows[0]!), /js .* 0\.50x {2}simd loses/);
  assert.match(lossesLine(report(1, 0.5).rows), "js takes 0.50 of the time");
  assert.not.match(screenTable(report(1, 0.99).rows[0]!), "loses");
  assert.not.match(screenTable(report(1, 3).rows[0]!), "loses");
});

test("takes more of a rate for better, and less of bytes", () => {
  const row = (unit: Row["unit"], theirs: number): Row => ({ ...report(20, theirs).rows[0]!, unit });
  assert.match(screenTable(row("snapshots/s", 30)), /js .* 1\.50x {2}simd loses/);
  assert.not.match(screenTable(row("snapshots/s", 10)), "loses");
  assert.match(screenTable(row("bytes", 10)), /js .* 0\.50x {2}simd loses/);
  assert.match(lossesLine([row("bytes", 10)]), "js sends 0.50 of the bytes");
  assert.match(lossesLine([row("Hz", 60)]), "js does 3.00 of it");
});

test("decodes to the same 150 entities from one frame of everything, whoever encoded it", async () => {
  const answers = new Map<string, number>();
  for (const name of WHOLE_VARIANTS) {
    const isPeer = (PEERS as readonly string[]).includes(packageOf(name));
    if (isPeer && !existsSync(`bench/peers/node_modules/${packageOf(name)}`)) continue;
    const operation = await snapshotContenders[name]!({ n: 150, viewers: 0 });
    for (let turn = 0; turn < 3; turn++) {
      operation.prepare(turn);
      await operation.run();
      answers.set(`${name} ${turn}`, operation.checksum());
      // Who predicts needs less than a byte for an entity, yet no prediction is free: all of them walked.
      assert.ok(operation.bytes!() > 75, `${name}: ${operation.bytes!()} bytes`);
    }
  }
  for (const [who, answer] of answers) assert.is(answer, answers.get(`js ${who.split(" ")[1]}`), who);
  assert.is(new Set(answers.values()).size, 3);
});

/** Of a server: not masked. */
function serverFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const short = length < 126 ? length : length < 0x10000 ? 126 : 127;
  const size = Buffer.alloc(short < 126 ? 0 : short === 126 ? 2 : 8);
  if (size.length === 2) size.writeUInt16BE(length);
  else if (size.length === 8) size.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Uint8Array.of(0x80 | opcode, short), size, payload]);
}

test("counts frames of 0 to 70,000 bytes in whatever pieces they come, behind the answer to the upgrade", () => {
  const sizes = [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 70_000];
  const answer = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  const { BINARY, PING } = OPCODE;
  // A control frame has at most 125 bytes.
  const opcodeOf = (size: number): number => (size % 2 === 1 && size <= 125 ? PING : BINARY);
  const frames = sizes.map((size, i) => serverFrame(opcodeOf(size), Buffer.alloc(size, i)));
  const all = Buffer.concat([answer, ...frames]);
  for (const step of [1, 2, 3, 13, 1000, all.length]) {
    const seen: string[] = [];
    const counter = new FrameCounter((opcode, size, start) => seen.push(`${opcode} ${size} ${start.join()}`));
    for (let at = 0; at < all.length; at += step) counter.read(all.subarray(at, at + step));
    const told = sizes.map((size, i) => `${opcodeOf(size)} ${size} ${new Array(Math.min(8, size)).fill(i).join()}`);
    assert.equal(seen, told, `in pieces of ${step}`);
  }
});

test("throws when it is not upgraded", () => {
  const counter = new FrameCounter(() => {});
  assert.match(upgradeRequest("/ws", "host"), /^GET \/ws HTTP\/1\.1\r\n/);
  assert.throws(() => counter.read(Buffer.from("HTTP/1.1 503 Busy\r\n\r\n")), "HTTP/1.1 503 Busy");
});

const PAGE = "# Figures\n<!-- table: written by bench/draw.ts -->\nold\n<!-- end of table -->\nrest\n";

/** A folder of documents with a README beside it, and places for tables in both. */
function emptyDocs(): string {
  const docs = file("docs");
  mkdirSync(docs, { recursive: true });
  writeFileSync(join(docs, "bench.md"), PAGE);
  writeFileSync(file("README.md"), PAGE);
  return docs;
}

test("draws a chart and writes a table from a JSON file, and the middling rows into the README", () => {
  const docs = emptyDocs();
  const middling = report(1, 3);
  const small = report(2, 5).rows[0]!;
  writeFileSync(
    file("report.json"),
    JSON.stringify({ ...middling, rows: [...middling.rows, { ...small, params: { ...small.params, n: 2000 } }] }),
  );
  draw(file("report.json"), docs);
  const svg = readFileSync(join(docs, "bench.svg"), "utf8");
  assert.match(svg, "prefers-color-scheme: dark");
  assert.match(svg, "a &lt;small> cpu");
  const page = readFileSync(join(docs, "bench.md"), "utf8");
  assert.match(page, "| tick, 20,000, ms | **1.00** | 3.00 |");
  assert.match(page, "| tick, 2,000, ms | **2.00** | 5.00 |");
  assert.match(page, /^# Figures\n/);
  assert.match(page, /\nrest\n$/);
  assert.not.match(page, "old");
  const readme = readFileSync(file("README.md"), "utf8");
  assert.match(readme, "| tick, 20,000, ms | **1.00** | 3.00 |");
  assert.not.match(readme, "2,000, ms | **2.00**");
});

test("draws nothing from a file that is no report, or for a page without a place", () => {
  const docs = emptyDocs();
  writeFileSync(file("other.json"), JSON.stringify({ rows: [] }));
  assert.throws(() => draw(file("other.json"), docs), "is not what gyre bench --json writes");
  assert.is(readFileSync(join(docs, "bench.md"), "utf8"), PAGE);
  writeFileSync(join(docs, "bench.md"), "no marks");
  writeFileSync(file("report.json"), JSON.stringify(report(1, 3)));
  assert.throws(() => draw(file("report.json"), docs), "has no place for the table");
});

/** Entities and ticks in which kernel and JavaScript walker disagree, at most one. */
async function disagreement(speedFactor: number, ticks: number): Promise<string> {
  const n = 300;
  const start = crowd(n);
  for (let i = 0; i < n; i++) start.speed[i]! *= speedFactor;
  const kernel = await kernelOf("simd");
  const zone = kernel.createZone({
    width: WORLD,
    height: WORLD,
    capacity: n,
    tileSize: TILE,
    tiles: start.tiles,
    cellSize: CELL,
    tickRate: TICK_RATE,
  });
  for (let i = 0; i < n; i++) {
    zone.spawn({ x: start.x[i]!, y: start.y[i]!, halfSize: HALF_SIZE, speed: start.speed[i]! });
  }
  const walker = createWalker(start);
  const steerWalker = steerer(walker, n);
  const steerZone = steerer(zone.columns, n);
  for (let tick = 0; tick < ticks; tick++) {
    steerWalker(tick);
    steerZone(tick);
    walker.walk();
    zone.step();
    for (let i = 0; i < n; i++) {
      const { x, y, vx, vy } = zone.columns;
      const same = x[i] === walker.x[i] && y[i] === walker.y[i] && vx[i] === walker.vx[i] && vy[i] === walker.vy[i];
      if (!same) return `tick ${tick}, entity ${i}: (${x[i]}, ${y[i]}) is not (${walker.x[i]}, ${walker.y[i]})`;
    }
  }
  return "none";
}

test("its own walker agrees with the kernel to the bit for 300 entities and 2,000 ticks, at 1x and 40x speed", async () => {
  assert.is(await disagreement(1, 2000), "none");
  assert.is(await disagreement(40, 2000), "none");
});

test.run();
