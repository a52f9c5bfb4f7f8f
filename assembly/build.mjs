// Compiles the kernel's eight builds and the content module into build/wasm, two compilers at a time. A module is compiled
// again only when a source, a setting or the compiler is newer than it.
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const COMPILERS_AT_ONCE = 2;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "build", "wasm");
const compilerManifest = createRequire(import.meta.url).resolve("assemblyscript/package.json");
const asc = join(dirname(compilerManifest), "bin", "asc.js");

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
  entry: "assembly/index.ts",
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

mkdirSync(out, { recursive: true });
const due = jobs.filter((job) => modified(join(out, `${job.target}.wasm`)) < newest(job.inputs));
if (due.length > 0) console.log(`compiling ${due.length} WebAssembly modules`);

async function compile({ target, entry, args }) {
  const file = `build/wasm/${target}.wasm`;
  try {
    const { stderr } = await promisify(execFile)(
      process.execPath,
      [asc, entry, "--target", target, "--outFile", file, ...args],
      { cwd: root },
    );
    // The optimizer's own doubts are of no use to anybody here.
    process.stderr.write(stderr.replaceAll("Last converge was suboptimal.\n", ""));
  } catch (error) {
    rmSync(join(root, file), { force: true });
    process.stderr.write(`${error.stdout ?? ""}${error.stderr ?? error}\n`);
    process.exitCode = 1;
  }
}

await Promise.all(
  Array.from({ length: COMPILERS_AT_ONCE }, async () => {
    for (let job = due.shift(); job !== undefined; job = due.shift()) await compile(job);
  }),
);
