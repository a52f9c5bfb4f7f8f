// Mutates what comes over the wire, both ways, at two depths. Snapshot frames against the decoder, of which every 64th is also shown to a reader that was
// written from docs/wire.md alone, and clients' messages against the parser and the sessions of a server that has a twin: see test/support/fuzz.ts for
// what has to hold. And, beside them, bytes of WebSocket frames against the sockets of a server that has a twin, and all that a server says against a
// whole client: fuzz-sockets.ts and fuzz-connections.ts. Usage, after an install:
//
//     node .ci/fuzz.mjs [COUNT = 10000000] [SEED = 1]
//
// Nine of ten tries of COUNT are frames, one is a message. Of sockets and of connections, which are slow, there are COUNT / 100 tries each besides.
// 10 million take some minutes on 2 cores. A failure names its seed, which is that of a part: parts are of 100,000 tries, or 1,000 slow ones, and
// have the seeds SEED, SEED + 1, and so on. Prints how many there were of what.
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { build } from "esbuild";
import { wasm } from "../src/wasm-plugin.mjs";

const FOLDER = join(process.cwd(), "build", "fuzz");
/** Of each kind, its file, its function, and tries of a part. */
const KINDS = {
  frames: { file: "fuzz", name: "fuzzFrames", part: 100_000 },
  messages: { file: "fuzz", name: "fuzzMessages", part: 100_000 },
  sockets: { file: "fuzz-sockets", name: "fuzzSockets", part: 1000 },
  connections: { file: "fuzz-connections", name: "fuzzConnections", part: 1000 },
};
/** Tries of frames and messages for each one of sockets, and of connections. */
const FAST_PER_SLOW = 100;
/** Parts of frames for each one of messages. */
const FRAMES_PER_MESSAGES = 9;

async function play(parts) {
  // An error a try: its stack would take longer than the try.
  Error.stackTraceLimit = 0;
  for (const { seed, count, kind } of parts) {
    const { file, name } = KINDS[kind];
    const { [name]: fuzz } = await import(join(FOLDER, `${file}.mjs`));
    parentPort.postMessage({ kind, ...(await fuzz(seed, count)) });
  }
}

/** In parts, with seeds from the first on. */
function partsOf(kind, count, first) {
  const { part } = KINDS[kind];
  const length = Math.ceil(count / part);
  return Array.from({ length }, (_, i) => ({ kind, seed: first + i, count: Math.min(part, count - i * part) }));
}

async function main([count = 10_000_000, first = 1]) {
  mkdirSync(FOLDER, { recursive: true });
  await build({
    entryPoints: [...new Set(Object.values(KINDS).map(({ file }) => `test/support/${file}.ts`))],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    plugins: [wasm],
    packages: "external",
    outdir: FOLDER,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const fast = partsOf("frames", count, first);
  for (const [i, part] of fast.entries()) {
    // A count below ten parts has messages, too.
    const isLastOfFew = fast.length > 1 && fast.length <= FRAMES_PER_MESSAGES && i === fast.length - 1;
    if (isLastOfFew || i % (FRAMES_PER_MESSAGES + 1) === FRAMES_PER_MESSAGES) part.kind = "messages";
  }
  const slow = ["sockets", "connections"].map((kind) => partsOf(kind, Math.ceil(count / FAST_PER_SLOW), first));
  const parts = [...slow.flat(), ...fast];
  const workers = Math.min(parts.length, availableParallelism());
  const sums = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, {}]));
  const began = performance.now();
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const mine = parts.filter((_, i) => i % workers === worker);
      const thread = new Worker(new URL(import.meta.url), { workerData: mine });
      thread.on("message", ({ kind, ...counts }) => {
        for (const [name, value] of Object.entries(counts)) {
          if (typeof value === "number") sums[kind][name] = (sums[kind][name] ?? 0) + value;
        }
      });
      return new Promise((resolve, reject) => thread.on("error", reject).on("exit", resolve));
    }),
  );
  const { frames, messages, sockets, connections } = sums;
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(
    `${frames.tries ?? 0} mutated frames: ${frames.refused ?? 0} refused, ${frames.compared ?? 0} shown to both readers; ` +
      `${messages.tries ?? 0} mutated messages: ${messages.refused ?? 0} refused, ${messages.said ?? 0} said to a server, ` +
      `${messages.closed ?? 0} sessions closed; ${sockets.tries} utterances of mutated WebSocket frames: ${sockets.heard} frames heard, ` +
      `${sockets.closed} connections closed; ${connections.tries} mutated messages to clients: ${connections.refused} refused; nothing wrong, in ${seconds} s (seeds from ${first})`,
  );
}

if (isMainThread) await main(process.argv.slice(2).map(Number));
else await play(workerData);
