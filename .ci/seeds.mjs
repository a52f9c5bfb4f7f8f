// Plays the games under examples/ for many seeds with players who do all that players do, in small worlds: after each run the SIMD, scalar
// and (for every tenth seed) checked kernels have come to one hash, and all invariants hold on the way. Usage, after a build:
//
//     node .ci/seeds.mjs [SEEDS = 100] [TICKS = 10000]
//
// 100 seeds take about a minute on 2 cores. A failure names its seed; node .ci/seeds.mjs 1 10000 37 plays that one alone.
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { build } from "esbuild";
import { wasm } from "../src/wasm-plugin.mjs";

const BUNDLE = join(process.cwd(), "build", "seeds", "seeds.mjs");

async function play({ bundle, seeds, ticks }) {
  const { playSeed } = await import(bundle);
  for (const seed of seeds) parentPort.postMessage(await playSeed(seed, ticks));
}

async function main([count = 100, ticks = 10_000, first = 1]) {
  mkdirSync(join(process.cwd(), "build", "seeds"), { recursive: true });
  await build({
    entryPoints: ["test/support/seeds.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    plugins: [wasm],
    alias: { "gyre/kernel": "./src/kernel.ts", gyre: "./src/index.ts" },
    external: ["ws", "prom-client"],
    outfile: BUNDLE,
    logLevel: "warning",
  });
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const workers = Math.min(count, availableParallelism());
  const sums = { runs: 0, ticks: 0, deaths: 0, crossings: 0, drills: 0 };
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const mine = seeds.filter((_, i) => i % workers === worker);
      const thread = new Worker(new URL(import.meta.url), { workerData: { bundle: BUNDLE, seeds: mine, ticks } });
      thread.on("message", (played) => {
        for (const name of Object.keys(sums)) sums[name] += played[name];
      });
      return new Promise((resolve, reject) => thread.on("error", reject).on("exit", resolve));
    }),
  );
  const { runs, deaths, crossings, drills } = sums;
  console.log(
    `${count} seeds x ${ticks} ticks: ${runs} runs, ${sums.ticks} ticks, ${deaths} deaths, ${crossings} crossings, ${drills} drills; all hashes equal`,
  );
}

if (isMainThread) await main(process.argv.slice(2).map(Number));
else await play(workerData);
