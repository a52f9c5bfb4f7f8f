// Serves both example games for a while, without threads and on two, recording them, and verifies each recording with every Node that is
// given, scalar and SIMD.
// The arena is the demo of the build; the other one is compiled, because Node 20 strips no types.
// Usage: node .ci/games.mjs SCRATCH_FOLDER NODE...
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";

/** Ticks of a recording: 20 s at 60 Hz. */
const TICKS = 1200;
/** Replays at a time: one a core of the smallest machine. */
const REPLAYS = 2;
const CLI = "build/js/cli.js";

const [scratch, ...nodes] = process.argv.slice(2);
if (scratch === undefined || nodes.length === 0) throw new Error("usage: node .ci/games.mjs SCRATCH_FOLDER NODE...");
const folder = join(scratch, "games");
mkdirSync(folder, { recursive: true });
const evacuation = join(folder, "evacuation.mjs");
await build({ entryPoints: ["examples/evacuation.ts"], outfile: evacuation, format: "esm", logLevel: "warning" });

async function record(name, ...argv) {
  const file = join(folder, `${name}.recording`);
  const flags = ["--port", "0", "--json", "--record", file, ...argv];
  const child = spawn(process.execPath, [CLI, "serve", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const lines = [];
  const reader = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await once(reader, "line");
  const { http } = JSON.parse(lines[0]);
  for (let tick = 0; tick < TICKS; ) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ({ tick } = await (await fetch(`${http}/stats`)).json());
  }
  child.kill("SIGTERM");
  const [status] = await ended;
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  if (lines.length > 1) throw new Error(`${name} said ${lines.slice(1).join("\n")}`);
  console.log(`${name}: ${statSync(file).size} bytes of ${TICKS} ticks`);
  return file;
}

async function verify(node, file, kernel) {
  const argv = [CLI, "replay", file, "--verify", "--build", kernel];
  const child = spawn(node, argv, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stderr.on("data", (data) => (said += data));
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`${node} ${argv.join(" ")} ended with ${status}: ${said}`);
  process.stdout.write(said);
}

const files = [];
for (const threads of ["0", "2"]) {
  files.push(
    ...(await Promise.all([
      record(`arena-${threads}`, "--threads", threads, "--zones", "2", "--npcs", "1000", "--bots", "50"),
      record(`evacuation-${threads}`, evacuation, "--threads", threads, "--npcs", "1000", "--bots", "5"),
    ])),
  );
}
const work = nodes.flatMap((node) =>
  files.flatMap((file) => ["simd", "scalar"].map((kernel) => () => verify(node, file, kernel))),
);
await Promise.all(
  Array.from({ length: REPLAYS }, async () => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) await next();
  }),
);
