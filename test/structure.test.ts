/** Rules about the code that no compiler checks: who imports whom, where time comes from, what the wasm may not contain. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inspectWasm } from "./support/wasm.js";

/**
 * Parts of src by number. A part imports lower numbers only; a file directly in src is a part of its own. The entries that
 * gather a package export stand just above what they gather.
 */
const PARTS: Readonly<Record<string, number>> = {
  "errors.ts": -1,
  kernel: 0,
  maps: 0,
  sync: 0,
  state: 0,
  "kernel.ts": 0.5,
  protocol: 1,
  sim: 2,
  client: 2,
  "client.ts": 2.5,
  game: 3,
  viewer: 3,
  load: 3,
  net: 4,
  tasks: 4,
  threads: 4,
  agents: 5,
  ops: 5,
  cluster: 5,
  host: 5.5,
  "server.ts": 6,
  "worker.ts": 6,
  "index.ts": 6.5,
  cli: 7,
};

/** Parts that may know less than their number allows. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  client: ["errors.ts", "kernel", "protocol", "state"],
  "client.ts": ["client", "errors.ts", "kernel", "protocol"],
  viewer: ["errors.ts", "kernel", "protocol", "client", "client.ts"],
  // Other people's servers are measured by what they send, too: it knows no host.
  load: ["errors.ts", "kernel", "protocol", "state", "client", "client.ts"],
  // What a game simulates is none of its business: it runs functions.
  tasks: ["errors.ts", "sync", "kernel", "maps"],
};

/** Who may use which package, or Node itself. What is not here is used nowhere. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@msgpack/msgpack": ["state"],
  "as-bind": ["maps"],
  fflate: ["maps"],
  "fast-xml-parser": ["maps"],
  "pixi.js": ["viewer"],
  // Node 20 has no WebSocket of its own; a browser never comes to that line.
  ws: ["net", "client"],
  "prom-client": ["ops"],
  "node:": ["server.ts", "host", "load", "net", "tasks", "threads", "ops", "worker.ts", "cli"],
};

/** Parts, and single files with a reason, that read a clock or roll dice. */
const TIME_AND_CHANCE = [
  "cli",
  "viewer",
  // The clock's caller.
  "server.ts",
  // The one clock of all threads.
  "threads/clock.ts",
  "worker.ts",
  // The default of an option: a page's time base.
  "client/connection.ts",
  // The one clock of its clients.
  "load/thread.ts",
  // A worker's clock, for how long it looks out for work before it sleeps. Nothing that a task does depends on it.
  "tasks/thread.ts",
];

interface Source {
  /** From src, with slashes. */
  readonly path: string;
  readonly part: string;
  readonly text: string;
}

function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes("node_modules"))
    .sort();
}

function sources(): Source[] {
  return filesIn("src", /(?<!\.d)\.ts$/).map((file) => {
    const path = relative("src", file).split(sep).join("/");
    return { path, part: path.split("/")[0] ?? path, text: withoutComments(readFileSync(file, "utf8")) };
  });
}

/** Good enough for code in this style: a string holding comment marks after a space would be cut, and none does. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function importsOf(text: string): string[] {
  const statements = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)["']([^"']+)["']/g;
  return [...text.matchAll(statements)].map(([, specifier]) => specifier ?? "");
}

/** What is wrong with this import, or null. */
function problemOf({ path, part }: Pick<Source, "path" | "part">, specifier: string): string | null {
  if (specifier.endsWith(".wasm")) return part === "kernel" || part === "maps" ? null : `${path} imports ${specifier}`;
  if (!specifier.startsWith(".")) {
    const name = Object.keys(PACKAGES).find((known) => specifier.startsWith(known));
    return name !== undefined && PACKAGES[name]?.includes(part) ? null : `${path} imports the package ${specifier}`;
  }
  const target = join(dirname(path), specifier).split(sep).join("/").replace(/\.js$/, ".ts").split("/")[0] ?? "";
  if (target === part) return null;
  const [from, to] = [PARTS[part], PARTS[target]];
  if (from === undefined || to === undefined) return `${path} imports ${specifier}: a part without a number`;
  const allowed = to < from && (ONLY[part]?.includes(target) ?? true);
  return allowed ? null : `${path} (${from}) imports ${specifier} (${to})`;
}

test("a part of src imports lower numbers only, and packages only where they belong", () => {
  const problems: string[] = [];
  let imports = 0;
  for (const source of sources()) {
    for (const specifier of importsOf(source.text)) {
      imports++;
      const problem = problemOf(source, specifier);
      if (problem !== null) problems.push(problem);
    }
  }
  assert.equal(problems, []);
  assert.ok(imports > 100, `only ${imports} imports were found`);
});

test("the import rule refuses an upward, a sideways and a foreign import, and finds every form of import", () => {
  const sim = { path: "sim/world.ts", part: "sim" };
  assert.is(problemOf(sim, "../kernel/types.js"), null);
  assert.is(problemOf(sim, "./clock.js"), null);
  for (const bad of [
    "../net/hub.js",
    "../client/tracks.js",
    "../index.js",
    "../nowhere/x.js",
    "ws",
    "node:fs",
    "lodash",
  ]) {
    assert.type(problemOf(sim, bad), "string", bad);
  }
  assert.type(problemOf({ path: "client/socket.ts", part: "client" }, "../maps/load.js"), "string");
  const forms = `import "a"; import { b } from "b"; import type { c } from 'c';
    export * from "d"; const e = await import("e"); export type { f } from "f";`;
  assert.equal(importsOf(forms), ["a", "b", "c", "d", "e", "f"]);
});

/** All files of src that a file imports, and packages by their names, itself included; types are gone by then. */
function reachedFrom(entry: string, found = new Set<string>()): Set<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  const text = withoutComments(readFileSync(join("src", entry), "utf8"));
  for (const [statement] of text.matchAll(/(?:import|export)\s[^;]*?from\s*["'][^"']+["']|import\(["'][^"']+["']\)/g)) {
    if (/^(import|export) type\b/.test(statement)) continue;
    const [specifier = ""] = importsOf(statement);
    if (specifier.startsWith(".")) reachedFrom(join(dirname(entry), specifier).replace(/\.js$/, ".ts"), found);
    else found.add(specifier);
  }
  return found;
}

test("the client reads state messages without what writes them, and without a package but ws", () => {
  const reached = reachedFrom("client.ts");
  assert.ok(reached.has(join("state", "mirror.ts")));
  assert.not.ok(reached.has(join("state", "encodings.ts")) || reached.has(join("state", "tree.ts")));
  assert.equal(
    [...reached].filter((name) => !/\.(ts|wasm)$/.test(name)),
    ["ws"],
  );
});

test("time and chance come in as parameters, but for the command line, the clock's caller and pages", () => {
  const found: string[] = [];
  for (const { path, part, text } of sources()) {
    if (!/\b(Date\.now|performance\.now|Math\.random|new Date\(\))/.test(text)) continue;
    if (!TIME_AND_CHANCE.includes(part) && !TIME_AND_CHANCE.includes(path)) found.push(path);
  }
  assert.equal(found, []);
});

test("no file names a place that exists on one machine only", () => {
  const homes = ["work", "root", "home", "Users"].map((name) => `/${name}/`);
  const found: string[] = [];
  for (const folder of ["src", "test", "bench", "assembly", "docs", "examples"]) {
    for (const path of filesIfAny(folder)) {
      const text = readFileSync(path, "utf8");
      if (homes.some((home) => new RegExp(`(^|["'\`\\s(=])${home}`, "m").test(text))) found.push(path);
    }
  }
  assert.equal(found, []);
});

function filesIfAny(folder: string): string[] {
  try {
    return filesIn(folder, /\.(ts|mjs|js|json|md|html|css|c)$/);
  } catch {
    return [];
  }
}

const BUILDS = ["simd", "scalar", "replica"].flatMap((lanes) =>
  ["local", "shared"].flatMap((memory) => ["release", "checked"].map((checks) => `${lanes}-${memory}-${checks}`)),
);

test("each of the 8 kernels and 4 replicas imports nothing but env.memory, and has no data, no mutable global and no start function", () => {
  for (const build of BUILDS) {
    const { imports, dataSegments, mutableGlobals, hasStart, exports } = inspectWasm(
      readFileSync(`build/wasm/${build}.wasm`),
    );
    assert.equal(imports, ["env.memory"], build);
    assert.is(dataSegments, 0, `${build}: data segments`);
    assert.is(mutableGlobals, 0, `${build}: mutable globals`);
    assert.is(hasStart, false, `${build}: start function`);
    assert.ok(exports > 10, `${build}: ${exports} exports`);
  }
});

test("the wasm inspector sees a foreign import, a data segment, a mutable global and a start function", () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = [1, 4, 1, 0x60, 0, 0];
  const imports = [2, 7, 1, 1, 0x61, 1, 0x62, 0, 0];
  const memory = [5, 3, 1, 0, 1];
  const globals = [6, 11, 2, 0x7f, 0, 0x41, 0, 0x0b, 0x7f, 1, 0x41, 0, 0x0b];
  const start = [8, 1, 0];
  const data = [11, 7, 1, 0, 0x41, 0, 0x0b, 1, 42];
  const bytes = Uint8Array.from([header, type, imports, memory, globals, start, data].flat());
  assert.ok(WebAssembly.validate(bytes), "the example is a module");
  const found = inspectWasm(bytes);
  assert.equal(found, { imports: ["a.b"], exports: 0, dataSegments: 1, mutableGlobals: 1, hasStart: true });
  const clean = Uint8Array.from([header, memory].flat());
  assert.equal(inspectWasm(clean), { imports: [], exports: 0, dataSegments: 0, mutableGlobals: 0, hasStart: false });
});

test.run();
