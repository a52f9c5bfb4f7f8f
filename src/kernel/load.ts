/**
 * Loads one of the kernel's eight builds: {simd, scalar} x {shared, local memory} x {release, checked}; or one's own, which must be one
 * of them with functions added. Compiling takes a few milliseconds once; each zone and batch then gets an instance of its own over its
 * own memory.
 */
import { GyreError } from "../errors.js";
import { KernelFactory } from "./instance.js";
import { createKernel } from "./kernel.js";
import { type Build, openModule, ownFunctions } from "./module.js";
import type { Kernel, KernelOptions } from "./types.js";

type Bytes = () => Uint8Array<ArrayBuffer>;
type Variant = `${"simd" | "scalar"}-${"local" | "shared"}-${"release" | "checked"}`;

/** Each build is a chunk of its own, loaded when asked for. */
const MODULES: Record<Variant, () => Promise<{ default: Bytes }>> = {
  "simd-local-release": () => import("../../build/wasm/simd-local-release.wasm"),
  "simd-local-checked": () => import("../../build/wasm/simd-local-checked.wasm"),
  "simd-shared-release": () => import("../../build/wasm/simd-shared-release.wasm"),
  "simd-shared-checked": () => import("../../build/wasm/simd-shared-checked.wasm"),
  "scalar-local-release": () => import("../../build/wasm/scalar-local-release.wasm"),
  "scalar-local-checked": () => import("../../build/wasm/scalar-local-checked.wasm"),
  "scalar-shared-release": () => import("../../build/wasm/scalar-shared-release.wasm"),
  "scalar-shared-checked": () => import("../../build/wasm/scalar-shared-checked.wasm"),
};

const compiled = new Map<Variant, Promise<WebAssembly.Module>>();

/** The smallest module with a SIMD instruction: `(func (result v128) (v128.const i64x2 0 0))`. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 11,
]);

/** `GYRE_ENV=dev` makes checked the default; in browsers, where there is no environment, release is. */
function environmentIsDev(): boolean {
  const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env;
  const value = environment?.["GYRE_ENV"];
  if (value === undefined || value === "" || value === "prod") return false;
  if (value === "dev") return true;
  throw new GyreError("BAD_ARGUMENT", `GYRE_ENV is ${JSON.stringify(value)}; it may be prod or dev`);
}

function pick<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if ((allowed as readonly unknown[]).includes(value)) return value as T;
  throw new GyreError("BAD_ARGUMENT", `${name} is ${String(value)}; it may be ${allowed.join(", ")}`);
}

function flag(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new GyreError("BAD_ARGUMENT", `${name} is ${String(value)}; it must be a boolean`);
}

/** gyre's own module of a build, compiled once. */
function moduleOf({ build, checked, shared }: Build): Promise<WebAssembly.Module> {
  const variant: Variant = `${build}-${shared ? "shared" : "local"}-${checked ? "checked" : "release"}`;
  let module = compiled.get(variant);
  if (module === undefined) {
    module = MODULES[variant]().then(({ default: bytes }) => WebAssembly.compile(bytes()));
    compiled.set(variant, module);
  }
  return module;
}

/**
 * Loads the kernel, or one's own. Throws BAD_ARGUMENT; KERNEL_UNSUPPORTED when the engine lacks SIMD and `build: "simd"` insists on it,
 * or lacks WebAssembly; KERNEL_BAD with what is wrong with a module.
 */
export async function loadKernel(options: KernelOptions = {}): Promise<Kernel> {
  const wanted = pick("build", options.build ?? "auto", ["auto", "simd", "scalar"]);
  const checked = flag("checked", options.checked ?? environmentIsDev());
  const shared = flag("shared", options.shared ?? false);
  if (typeof WebAssembly === "undefined") throw new GyreError("KERNEL_UNSUPPORTED", "this engine has no WebAssembly");
  const hasSimd = WebAssembly.validate(SIMD_PROBE);
  if (wanted === "simd" && !hasSimd) throw new GyreError("KERNEL_UNSUPPORTED", "this engine has no WebAssembly SIMD");
  if (options.module !== undefined) return await loadOwn(options.module, options);
  const build: Build = { build: wanted === "scalar" || !hasSimd ? "scalar" : "simd", checked, shared };
  return createKernel(build, new KernelFactory(await moduleOf(build), build, []));
}

async function loadOwn(source: unknown, options: KernelOptions): Promise<Kernel> {
  const { module, ...build } = await openModule(source);
  const { build: wanted = "auto", checked = build.checked, shared = build.shared } = options;
  for (const [name, asked, is] of [
    ["build", wanted === "auto" ? build.build : wanted, build.build],
    ["checked", checked, build.checked],
    ["shared", shared, build.shared],
  ]) {
    if (asked !== is) throw new GyreError("BAD_ARGUMENT", `${name} is ${asked}, but the module was built with ${is}`);
  }
  return createKernel(build, new KernelFactory(module, build, ownFunctions(module, await moduleOf(build))));
}
