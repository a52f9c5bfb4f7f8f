// Compiles the kernel's eight builds, the replica's four and the content module into build/wasm, by two compilers, each in a thread of its own:
// it takes twice as long to compile a module with one that was just started. A module is compiled again only when a source, a setting or the compiler is newer.
import { on, once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const COMPILERS_AT_ONCE = 2;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "build", "wasm");
const compilerManifest = createRequire(import.meta.url).resolve("assemblyscript/package.json");

const newest = (paths) => Math.max(...paths.map((path) => statSync(path).mtimeMs));
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const sources = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => join(folder, entry.name));

const kernel = join(root, "assembly");
const content = join(root, "assembly", "content");
const settings = [join(root, "asconfig.json"), compilerManifest];
const { targets } = JSON.parse(readFileSync(join(root, "asconfig.json"), "utf8"));

const jobs = Object.keys(targets).map((target) => ({
  target,
  entry: target.startsWith("replica-") ? "assembly/replicas.ts" : "assembly/index.ts",
  inputs: [...sources(kernel), ...settings],
  args: [],
}));
jobs.push({
  target: "content",
  entry: "assembly/content/index.ts",
  inputs: [...sources(content), join(content, "asconfig.json"), compilerManifest],
  // Its own options on the command line: it has a heap and strings, which the kernel must not have.
  args: ["--config", "assembly/content/asconfig.json", "--transform", "./assembly/content/bindings.mjs"],
});

/** In a thread: what it is told to compile, one after the other. */
async function compileAll() {
  const { main } = await import("assemblyscript/asc");
  for await (const [{ target, entry, args }] of on(parentPort, "message")) {
    const file = `build/wasm/${target}.wasm`;
    const { error, stderr } = await main([entry, "--target", target, "--outFile", file, ...args, "--baseDir", root]);
    process.stderr.write(`${stderr}`);
    if (error !== null) rmSync(join(root, file), { force: true });
    parentPort.postMessage(error === null);
  }
}

async function compileDue() {
  mkdirSync(out, { recursive: true });
  const due = jobs.filter((job) => modified(join(out, `${job.target}.wasm`)) < newest(job.inputs));
  if (due.length > 0) console.log(`compiling ${due.length} WebAssembly modules`);
  const compilers = Array.from({ length: Math.min(COMPILERS_AT_ONCE, due.length) }, async () => {
    const thread = new Worker(fileURLToPath(import.meta.url));
    for (let job = due.shift(); job !== undefined; job = due.shift()) {
      thread.postMessage(job);
      const [isDone] = await once(thread, "message");
      if (!isDone) process.exitCode = 1;
    }
    await thread.terminate();
  });
  await Promise.all(compilers);
}

if (isMainThread) await compileDue();
else await compileAll();
