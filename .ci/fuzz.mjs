// Mutates what comes over the wire, both ways: snapshot frames against the decoder, of which every 64th is also shown to a reader that was written
// from docs/wire.md alone, and clients' messages against the parser and the sessions of a server that has a twin. See test/support/fuzz.ts for
// what has to hold. Usage, after an install:
//
//     node .ci/fuzz.mjs [COUNT = 10000000] [SEED = 1]
//
// Nine of ten tries are frames. 10 million take some minutes on 2 cores. A failure names its seed, which is that of a part: parts are of
// 100,000 tries and have the seeds SEED, SEED + 1, and so on. Prints how many there were of what.
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { build } from "esbuild";
import { wasm } from "../src/wasm-plugin.mjs";

const BUNDLE = join(process.cwd(), "build", "fuzz", "fuzz.mjs");
/** Tries of a part. */
const PART = 100_000;
/** Parts of frames for each one of messages. */
const FRAMES_PER_MESSAGES = 9;

async function play({ bundle, parts }) {
  const { fuzzFrames, fuzzMessages } = await import(bundle);
  // An error a try: its stack would take longer than the try.
  Error.stackTraceLimit = 0;
  for (const { seed, count, kind } of parts) {
    parentPort.postMessage({ kind, ...(await (kind === "frames" ? fuzzFrames : fuzzMessages)(seed, count)) });
  }
}

async function main([count = 10_000_000, first = 1]) {
  mkdirSync(join(process.cwd(), "build", "fuzz"), { recursive: true });
  await build({
    entryPoints: ["test/support/fuzz.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    plugins: [wasm],
    packages: "external",
    outfile: BUNDLE,
    logLevel: "warning",
  });
  const parts = Array.from({ length: Math.ceil(count / PART) }, (_, i) => ({
    seed: first + i,
    count: Math.min(PART, count - i * PART),
    kind: i % (FRAMES_PER_MESSAGES + 1) === FRAMES_PER_MESSAGES ? "messages" : "frames",
  }));
  // A count below ten parts has messages, too.
  if (parts.length <= FRAMES_PER_MESSAGES && parts.length > 1) parts.at(-1).kind = "messages";
  const workers = Math.min(parts.length, availableParallelism());
  const sums = { frames: {}, messages: {} };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const mine = parts.filter((_, i) => i % workers === worker);
      const thread = new Worker(new URL(import.meta.url), { workerData: { bundle: BUNDLE, parts: mine } });
      thread.on("message", ({ kind, ...counts }) => {
        for (const [name, value] of Object.entries(counts)) sums[kind][name] = (sums[kind][name] ?? 0) + value;
      });
      return new Promise((resolve, reject) => thread.on("error", reject).on("exit", resolve));
    }),
  );
  const { frames, messages } = sums;
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `${frames.tries ?? 0} mutated frames: ${frames.refused ?? 0} refused, ${frames.compared ?? 0} shown to both readers; ` +
      `${messages.tries ?? 0} mutated messages: ${messages.refused ?? 0} refused, ${messages.said ?? 0} said to a server, ` +
      `${messages.closed ?? 0} sessions closed; nothing wrong, in ${seconds} s (seeds from ${first})`,
  );
}

if (isMainThread) await main(process.argv.slice(2).map(Number));
else await play(workerData);
