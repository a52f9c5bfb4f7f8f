// Bundles src into build: the package's entry points as one split ESM graph (so that `gyre` and `gyre/kernel` share one
// GyreError), the viewer as one page's worth of files, the benches and, with --test, the tests.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { wasm } from "./wasm-plugin.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);

const common = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  plugins: [wasm],
  logLevel: "warning",
};
/** What an install brings along, and what Node has; everything else is bundled in. */
const external = ["node:*", "ws", "prom-client"];

/** A file of an earlier build that this one does not write any more is removed after, so that the folder is whole at any time. */
function removeStale(folder, { metafile }, wanted = /./) {
  const outputs = Object.keys(metafile.outputs);
  for (const name of readdirSync(at("build", folder))) {
    const path = `build/${folder}/${name}`;
    if (wanted.test(name) && !outputs.some((output) => output === path || output.startsWith(`${path}/`)))
      rmSync(at(path), { recursive: true });
  }
}

const graph = await build({
  ...common,
  metafile: true,
  entryPoints: {
    index: "src/index.ts",
    kernel: "src/kernel.ts",
    client: "src/client.ts",
    cli: "src/cli/main.ts",
    // What a sim worker's thread runs.
    worker: "src/worker.ts",
    // The entry of a scheduler's workers.
    "task-thread": "src/tasks/thread.ts",
    // The threads of gyre load.
    "load-thread": "src/load/thread.ts",
    // What is served without a game. It imports gyre by name, as any game.
    arena: "examples/arena.ts",
    // Whose rooms gyre capacity measures.
    arenas: "examples/arenas.mjs",
  },
  alias: { gyre: at("src", "index.ts") },
  outdir: "build/js",
  splitting: true,
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["browser"],
  external,
});
removeStale("js", graph);

/** A page predicts with a release build in memory of its own: the other builds stay out of its files. */
const pageKernels = {
  name: "page-kernels",
  setup: ({ onLoad }) =>
    onLoad({ filter: /-(shared-release|shared-checked|local-checked)\.wasm$/ }, ({ path }) => ({
      contents: `throw new Error("${basename(path)} is not among the page's files");`,
      loader: "js",
    })),
};

const viewer = await build({
  ...common,
  metafile: true,
  entryPoints: ["src/viewer/main.ts"],
  outdir: "build/viewer",
  // What predicts, and the kernel, are chunks of their own, which the page loads once its visitor plays.
  splitting: true,
  platform: "browser",
  minify: true,
  plugins: [pageKernels, wasm],
});
removeStale("viewer", viewer, /\.js$/);
for (const name of readdirSync(at("src", "viewer"))) {
  if (/\.(html|css|svg)$/.test(name)) cpSync(at("src", "viewer", name), at("build", "viewer", name));
}

const benches = await build({
  ...common,
  metafile: true,
  // The last ones are what threads of the benches import.
  entryPoints: [
    ...["main", "contender", "draw"],
    ...[
      "handoff-jobs",
      "handoff-worker",
      "zones-game",
      "zones-scripts",
      "fanout-sink",
      "end-to-end-server",
      "end-to-end-game",
    ],
  ].map((name) => `bench/${name}.ts`),
  outdir: "build/bench",
  // The kernels, and gyre's own modules, are there once for all of them.
  splitting: true,
  platform: "node",
  // Half of it is what Benchmark.js brings along. Names stay, as it reads functions' texts.
  minifyWhitespace: true,
  external: [...external, "gyre", "gyre/*"],
});
removeStale("bench", benches);

/** Games that are written in TypeScript, as their authors would compile them. */
const games = await build({
  ...common,
  metafile: true,
  entryPoints: ["examples/evacuation.ts"],
  outdir: "build/examples",
  platform: "node",
  packages: "external",
});
removeStale("examples", games);

/** The licences of what was bundled in, which their texts ask to go along. */
function writeNotices(...results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const folders = new Set(
    inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter(Boolean),
  );
  const notices = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(at(folder, "package.json"), "utf8"));
    const file = readdirSync(at(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version} (${license})\n\n${file ? readFileSync(at(folder, file), "utf8").trim() : "no licence file"}\n`;
  });
  writeFileSync(at("build", "THIRD-PARTY.txt"), notices.join(`\n${"-".repeat(80)}\n\n`));
}
writeNotices(graph, viewer, benches);

if (process.argv.includes("--test")) {
  // Besides the tests, what they start threads of, and games that other threads load as well.
  const games = readdirSync(at("test", "games")).map((name) => `games/${name}`);
  const tests = [...readdirSync(at("test")).filter((name) => /\.(test|thread)\.ts$/.test(name)), ...games];
  const built = await build({
    ...common,
    metafile: true,
    entryPoints: tests.map((name) => `test/${name}`),
    outbase: "test",
    outdir: "build/test",
    platform: "node",
    packages: "external",
  });
  removeStale("test", built);
}
