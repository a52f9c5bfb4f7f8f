/**
 * Kernels that users build on gyre/assembly, built here as docs/kernel.md says: by asc in a folder that has gyre installed. The
 * accepted ones run; each way to break the kernel's promises is refused by name. The guide's is built by the command, the others by the same
 * compiler in this process, where it starts, and is optimised by V8, once for all of them.
 */
// slow
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { main as asc } from "assemblyscript/asc";
import { type ErrorCode, GyreError, type Kernel, loadKernel, type Zone } from "gyre/kernel";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { forSeeds, nameOf, refuses } from "./support/kernels.js";
import { Random } from "./support/random.js";

const FOLDER = resolve("build/own-kernel");
const BUILDS = ["simd-local-release", "scalar-shared-checked"] as const;
/** The example's kernel, with functions of all kinds besides. */
const ENTRY = `export * from "./assembly/index";
import { Zone } from "gyre/assembly/layout";
export function half(zone: Zone, x: f32): f32 { return x / 2; }
export function big(zone: Zone): u32 { return 0xffffffff; }
export function nothing(zone: Zone): void {}
export function wide(zone: Zone, x: i64): i64 { return x; }
export function alone(): i32 { return 1; }
export function stop(zone: Zone): void { unreachable(); }
export function careful(zone: Zone, x: i32): void { assert(x > 0, "a message that costs nothing"); }
export const SHARE: f32 = 0.25;`;
const FUNCTIONS = ["alone", "big", "careful", "half", "nothing", "stop", "warm", "wide"];

/** Not all of the kernel, which is quick to compile, and enough to be asked about more than what is missing. */
const SMALL = `export { BUILD_CHECKED, BUILD_SIMD, random } from "gyre/assembly/index";`;
const QUICKLY = ["--optimizeLevel", "1"];
/** Entries that are compiled with little optimizing: what is wrong with them is not their speed. */
const TWINS = {
  data: `${SMALL}
    export function name(zone: usize): usize { return changetype<usize>("a text"); }`,
  foreign: `${SMALL}
    @external("env", "clock") declare function clock(): f64;
    export function now(zone: usize): f64 { return clock(); }`,
  mutable: `${SMALL}
    let calls = 0;
    export function count(zone: usize): i32 { return ++calls; }`,
  heap: `${SMALL}
    export function make(zone: usize): usize { return changetype<usize>(new ArrayBuffer(8)); }`,
  start: `${SMALL}
    store<u32>(1024, 1);`,
  partial: SMALL,
  unnamed: `export { LAYOUT_VERSION, random } from "gyre/assembly/index";`,
  older: SMALL.replace("gyre/assembly", "./older").replace("random", "LAYOUT_VERSION, random"),
};

const wasm = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(FOLDER, `${name}.wasm`)));

/** What follows `asc` on the command line. */
const argsFor = (entry: string, target: string, name: string, options: readonly string[]): string[] => {
  return [entry, "--target", target, "--outFile", `${name}.wasm`, ...options];
};

async function compile(entry: string, target: string, name: string, ...options: string[]): Promise<void> {
  const { error, stderr } = await asc([...argsFor(entry, target, name, options), "--baseDir", FOLDER]);
  if (error !== null) throw new Error(`${name}: ${stderr}`, { cause: error });
}

test("asc builds the example for two targets, and eight modules that are none, in a folder that has gyre installed", async () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(join(FOLDER, "node_modules"), { recursive: true });
  symlinkSync(resolve("."), join(FOLDER, "node_modules", "gyre"), "junction");
  cpSync("examples/own-kernel/asconfig.json", join(FOLDER, "asconfig.json"));
  cpSync("examples/own-kernel/assembly", join(FOLDER, "assembly"), { recursive: true });
  mkdirSync(join(FOLDER, "older"));
  for (const file of readdirSync("assembly").filter((name) => name.endsWith(".ts"))) {
    const text = readFileSync(join("assembly", file), "utf8");
    writeFileSync(join(FOLDER, "older", file), text.replace(/(LAYOUT_VERSION: u32 = )\d+/, "$11"));
  }
  writeFileSync(join(FOLDER, "entry.ts"), ENTRY);
  await compile("entry.ts", "simd-local-release", "simd-local-release");
  // Nor is this one there for its speed.
  await compile("entry.ts", "scalar-shared-checked", "scalar-shared-checked", ...QUICKLY);
  for (const [name, text] of Object.entries(TWINS)) {
    writeFileSync(join(FOLDER, `${name}.ts`), text);
    await compile(`${name}.ts`, "simd-local-release", name, ...QUICKLY);
  }
});

const load = (name: string): Promise<Kernel> => loadKernel({ module: wasm(name) });

async function refusesModule(code: ErrorCode, module: unknown, message: RegExp, options = {}): Promise<void> {
  try {
    await loadKernel({ module: module as BufferSource, ...options });
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
    return;
  }
  assert.unreachable(`the module was taken, ${code} was expected`);
}

test("a kernel of one's own says which of the builds it is, and names its functions", async () => {
  for (const name of BUILDS) {
    const kernel = await load(name);
    assert.is(`${kernel.build}-${kernel.shared ? "shared" : "local"}-${kernel.checked ? "checked" : "release"}`, name);
    assert.equal(kernel.own, FUNCTIONS);
  }
  assert.equal((await loadKernel()).own, []);
  const bytes = wasm("simd-local-release");
  const other = await loadKernel({ module: await WebAssembly.compile(bytes), build: "simd", checked: false });
  assert.equal(other.own, FUNCTIONS);
  const padded = new Uint8Array(bytes.length + 2);
  padded.set(bytes, 1);
  assert.equal((await loadKernel({ module: padded.subarray(1, -1), build: "auto" })).own, FUNCTIONS);
  assert.equal((await loadKernel({ module: bytes.buffer })).own, FUNCTIONS);
});

test("an option that contradicts the module is refused", async () => {
  const bytes = wasm("simd-local-release");
  await refusesModule("BAD_ARGUMENT", bytes, /build is scalar, but the module was built with simd/, {
    build: "scalar",
  });
  await refusesModule("BAD_ARGUMENT", bytes, /checked is true/, { checked: true });
  await refusesModule("BAD_ARGUMENT", bytes, /shared is true/, { shared: true });
  await refusesModule("BAD_ARGUMENT", wasm("scalar-shared-checked"), /shared is false/, { shared: false });
  await refusesModule("BAD_ARGUMENT", bytes, /build is fast/, { build: "fast" });
  await refusesModule("BAD_ARGUMENT", "kernel.wasm", /module is kernel\.wasm; it must be a WebAssembly\.Module or/);
});

test("a module that is no kernel is refused with what is wrong: data, imports, globals, start, exports, layout", async () => {
  await refusesModule("KERNEL_BAD", wasm("data"), /data segment/);
  await refusesModule("KERNEL_BAD", await WebAssembly.compile(wasm("data")), /data segment/);
  await refusesModule("KERNEL_BAD", wasm("foreign"), /it imports env\.clock/);
  await refusesModule("KERNEL_BAD", wasm("mutable"), /mutable global/);
  await refusesModule("KERNEL_BAD", wasm("heap"), /mutable global/);
  await refusesModule("KERNEL_BAD", wasm("start"), /start function/);
  await refusesModule("KERNEL_BAD", wasm("partial"), /it lacks .*zoneStep.*gyre\/assembly\/index/);
  await refusesModule("KERNEL_BAD", wasm("unnamed"), /it lacks the export BUILD_SIMD/);
  const { layoutVersion } = await loadKernel();
  await refusesModule("KERNEL_BAD", wasm("older"), new RegExp(`layout version 1, and this is ${layoutVersion}: build`));
  await refusesModule("KERNEL_BAD", new Uint8Array(100), /magic word/);
  await refusesModule("KERNEL_BAD", wasm("simd-local-release").subarray(0, 5000), /./);
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await refusesModule("KERNEL_BAD", empty, /does not import its memory/);
});

test("call hands numbers over and back, and refuses an unknown name, other counts, other types, a trap", async () => {
  const kernel = await load("simd-local-release");
  const zone = kernel.createZone({ width: 100, height: 100, capacity: 1 });
  assert.is(zone.call("half", 0.3), Math.fround(0.3) / 2);
  assert.is(zone.call("big") >>> 0, 0xffff_ffff);
  assert.is(zone.call("nothing"), 0);
  refuses("BAD_ARGUMENT", () => zone.call("third", 1), /"third"; it must be one of alone, big, careful/);
  refuses("BAD_ARGUMENT", () => zone.call("zoneStep"), /"zoneStep"/);
  refuses("BAD_ARGUMENT", () => zone.call("half"), /numbers for half is 0; it must be 1/);
  refuses("BAD_ARGUMENT", () => zone.call("half", 1, 2), /is 2; it must be 1/);
  refuses("BAD_ARGUMENT", () => zone.call("half", "1" as unknown as number), /"1"; it must be a number/);
  refuses("BAD_ARGUMENT", () => zone.call("wide", 1), /i64/);
  refuses("BAD_ARGUMENT", () => zone.call("alone"), /has a zone/);
  refuses("KERNEL_TRAP", () => zone.call("stop"), /stop/);
  zone.call("careful", -1); // a release build has no asserts
  const checked = (await load("scalar-shared-checked")).createZone({ width: 100, height: 100, capacity: 1 });
  checked.call("careful", 1);
  refuses("KERNEL_TRAP", () => checked.call("careful", -1), /careful\(\d+, -1\)/);
  const plain = (await loadKernel()).createZone({ width: 100, height: 100, capacity: 1 });
  refuses("BAD_ARGUMENT", () => plain.call("half", 1), /one of none/);
  zone.close();
  refuses("ZONE_CLOSED", () => zone.call("half", 1));
});

/** x, y, radius squared, power, loss, limit; see examples/own-kernel/assembly/heat.ts. */
const FIRE = [400, 380, 20_000, 0.05, 0.0125, 0.6].map(Math.fround) as [number, number, number, number, number, number];

/** Some entities, of which every few are gone again. */
function crowd(kernel: Kernel, seed: number): Zone {
  const random = new Random(seed);
  const count = random.integer(13, 90);
  const spec = { width: 800, height: 800, capacity: count + 3, seed, columns: { heat: "f32", other: "u8" } } as const;
  const zone = kernel.createZone(spec);
  const ids = Array.from({ length: count }, () =>
    zone.spawn({ x: random.float() * 800, y: random.float() * 800, halfSize: 0 }),
  );
  for (const id of ids) {
    if (random.float() < 0.2) zone.despawn(id);
    else zone.move(id, random.float() - 0.5, random.float() - 0.5);
  }
  return zone;
}

/** The same in JavaScript, rounded after each operation. */
function warm(zone: Zone, heat: Float32Array, [x, y, radius2, power, loss, limit]: typeof FIRE): number {
  const { fround } = Math;
  const { id, x: xs, y: ys } = zone.columns;
  let hot = 0;
  for (let slot = 0; slot < zone.highWater; slot++) {
    if (id[slot] === 0) continue;
    const dx = fround((xs[slot] ?? 0) - x);
    const dy = fround((ys[slot] ?? 0) - y);
    const d2 = fround(fround(dx * dx) + fround(dy * dy));
    const old = heat[slot] ?? 0;
    const gain = fround(power / fround(1 + fround(d2 / radius2)));
    heat[slot] = fround(fround(old + gain) - fround(loss * old));
    if ((heat[slot] ?? 0) > limit) hot++;
  }
  return hot;
}

test("the example's system comes to the same bits in every build as its oracle, over 30 crowds with gaps and tails", async () => {
  const kernels = await Promise.all(BUILDS.map(load));
  let hottest = 0;
  forSeeds(30, (seed) => {
    const hashes = kernels.map((kernel) => {
      const zone = crowd(kernel, seed);
      const heat = new Float32Array(zone.capacity);
      for (let tick = 0; tick < 40; tick++) {
        zone.step();
        const hot = zone.call("warm", ...FIRE);
        assert.is(hot, warm(zone, heat, FIRE), `${nameOf(kernel)}: hot at tick ${tick}`);
        hottest = Math.max(hottest, hot);
      }
      assert.equal(zone.own["heat"], heat, nameOf(kernel));
      assert.ok(
        (zone.own["other"] ?? []).every((value: number) => value === 0),
        "the next column is left alone",
      );
      zone.validate();
      const hash = zone.hash();
      zone.close();
      return hash;
    });
    assert.equal(new Set(hashes).size, 1, `hashes ${hashes}`);
  });
  assert.ok(hottest > 3, `the fire warmed ${hottest}`);
});

test("the guide's entry builds, and its program prints what the guide says", async () => {
  const guide = readFileSync("docs/kernel.md", "utf8");
  const block = (language: string) => new RegExp(`\\n\`\`\`${language}\\n([^]*?)\`\`\``).exec(guide)?.[1] ?? "";
  assert.equal(JSON.parse(block("json")), JSON.parse(readFileSync("examples/own-kernel/asconfig.json", "utf8")));
  writeFileSync(join(FOLDER, "guide.ts"), block("ts"));
  const command = join(createRequire(resolve("package.json")).resolve("assemblyscript/package.json"), "../bin/asc.js");
  // Without that flag it starts itself once more, with it.
  const args = ["--enable-source-maps", command, ...argsFor("guide.ts", "simd-local-release", "kernel", QUICKLY)];
  await promisify(execFile)(process.execPath, args, { cwd: FOLDER });
  const program = block("js");
  writeFileSync(join(FOLDER, "run.mjs"), program);
  const env = { ...process.env, FORCE_COLOR: "0" };
  const { stdout } = await promisify(execFile)(process.execPath, ["run.mjs"], { cwd: FOLDER, env });
  const comments = [...program.matchAll(/console\.log.*\/\/ (.*)/g)].map(([, text]) => text);
  assert.is(comments.length, 2);
  assert.is(stdout, `${comments.join("\n")}\n`);
});

test("an image of one's own kernel goes on in gyre's, and the other way round", async () => {
  const [own, gyre] = [await load("simd-local-release"), await loadKernel({ build: "scalar" })];
  const zone = crowd(own, 1);
  zone.call("warm", ...FIRE);
  const there = gyre.restoreZone(zone.save());
  const back = own.restoreZone(there.save());
  assert.is(there.hash(), zone.hash());
  for (const each of [zone, there, back]) each.step(10);
  assert.is(there.hash(), zone.hash());
  zone.call("warm", ...FIRE);
  back.call("warm", ...FIRE);
  assert.is(back.hash(), zone.hash());
});

test.run();
