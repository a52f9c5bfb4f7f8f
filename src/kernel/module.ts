/**
 * A kernel of one's own: a module that somebody built on gyre/assembly, looked over before anything runs on it. It must be one of
 * the eight builds with functions added, and nothing else: what the kernel promises (a zone is its bytes, any thread's instance
 * can work on it) holds only without state of the module's own. Cost: a pass over the sections, once.
 */
import { GyreError } from "../errors.js";
import type { ModuleBuild } from "./instance.js";

export interface Build extends ModuleBuild {
  readonly build: "simd" | "scalar";
}

/** A module that says which build it is. */
interface OwnModule extends Build {
  readonly module: WebAssembly.Module;
}

function kernelBad(why: string): GyreError {
  return new GyreError("KERNEL_BAD", `the module is no kernel: ${why}`);
}

/** Compiles it, and finds out which build it is. Throws KERNEL_BAD, or BAD_ARGUMENT when it is neither a module nor bytes. */
export async function openModule(source: unknown): Promise<OwnModule> {
  const module = source instanceof WebAssembly.Module ? source : await compile(bytesOf(source));
  const [first, ...more] = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
  const foreign = first === "env.memory" ? more[0] : first;
  if (foreign !== undefined) throw kernelBad(`it imports ${foreign}; env.memory is all it may`);
  if (first === undefined) throw kernelBad("it does not import its memory, env.memory");
  const { exports, shared } = probe(module);
  const flags = constants(exports);
  const [simd, checked] = [flags.get("BUILD_SIMD"), flags.get("BUILD_CHECKED")];
  if (simd === undefined || checked === undefined) {
    throw kernelBad(
      `it lacks the export ${simd === undefined ? "BUILD_SIMD" : "BUILD_CHECKED"} of gyre/assembly/index`,
    );
  }
  return { module, build: simd === 1 ? "simd" : "scalar", shared, checked: checked === 1 };
}

function bytesOf(source: unknown): Uint8Array<ArrayBuffer> {
  // A copy: nobody changes the bytes between the look at them and their compilation.
  if (source instanceof ArrayBuffer) return new Uint8Array(source.slice(0));
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  throw new GyreError("BAD_ARGUMENT", `module is ${String(source)}; it must be a WebAssembly.Module or its bytes`);
}

async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  let module: WebAssembly.Module;
  try {
    module = await WebAssembly.compile(bytes);
  } catch (error) {
    throw kernelBad((error as Error).message);
  }
  refuseState(bytes);
  return module;
}

/** Two patterns, so that no segment happens to write what is there already. */
const PATTERNS = [0x00, 0xa5];

/** Its exports, from an instance over one page, which making the instance must leave as it was. */
function probe(module: WebAssembly.Module): { exports: WebAssembly.Exports; shared: boolean } {
  const shared = !links(module, false);
  let exports: WebAssembly.Exports = {};
  for (const pattern of PATTERNS) {
    const memory = memoryOf(shared);
    const bytes = new Uint8Array(memory.buffer).fill(pattern);
    try {
      exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
    } catch (error) {
      throw kernelBad((error as Error).message);
    }
    if (bytes.some((byte) => byte !== pattern))
      throw kernelBad("it has a data segment: use no strings and no static data");
  }
  return { exports, shared };
}

function memoryOf(shared: boolean): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
}

function links(module: WebAssembly.Module, shared: boolean): boolean {
  try {
    new WebAssembly.Instance(module, { env: { memory: memoryOf(shared) } });
    return true;
  } catch (error) {
    return !(error instanceof WebAssembly.LinkError);
  }
}

/** Values of exported globals by name. */
function constants(exports: WebAssembly.Exports): Map<string, unknown> {
  const globals = Object.entries(exports).filter(
    (entry): entry is [string, WebAssembly.Global] => entry[1] instanceof WebAssembly.Global,
  );
  return new Map(globals.map(([name, { value }]) => [name, value]));
}

/**
 * Compares a module with gyre's own of the same build: all that the host needs must be there, with equal constants. Returns the names
 * of the functions beyond, sorted. Throws KERNEL_BAD with what is missing or different.
 */
export function ownFunctions(module: WebAssembly.Module, gyre: WebAssembly.Module): string[] {
  const [mine, its] = [constants(probe(gyre).exports), constants(probe(module).exports)];
  const [version, itsVersion] = [mine.get("LAYOUT_VERSION"), its.get("LAYOUT_VERSION")];
  if (itsVersion !== undefined && itsVersion !== version) {
    throw kernelBad(`it was built on layout version ${itsVersion}, and this is ${version}: build it again`);
  }
  const kinds = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  const wanted = WebAssembly.Module.exports(gyre);
  const missing = wanted.filter(({ name, kind }) => kinds.get(name) !== kind).map(({ name }) => name);
  if (missing.length > 0) {
    throw kernelBad(`it lacks ${missing.join(", ")}; its entry exports everything of gyre/assembly/index`);
  }
  for (const [name, value] of mine) {
    if (!Object.is(value, its.get(name))) {
      throw kernelBad(`its ${name} is ${its.get(name)} instead of ${value}: build it again`);
    }
  }
  const known = new Set(wanted.map(({ name }) => name));
  const beyond = [...kinds].filter(([name, kind]) => kind === "function" && !known.has(name));
  return beyond.map(([name]) => name).sort();
}

const PREAMBLE_BYTES = 8;
const SECTION_GLOBAL = 6;
const SECTION_START = 8;
const SECTION_DATA = 11;

/** Refuses what would be state outside the zone. The bytes are a valid module. */
function refuseState(bytes: Uint8Array): void {
  const reader = new Reader(bytes, PREAMBLE_BYTES);
  while (reader.offset < bytes.length) {
    const section = reader.byte();
    const size = reader.unsigned();
    const end = reader.offset + size;
    if (section === SECTION_START) throw kernelBad("it has a start function: no statements outside functions");
    if (section === SECTION_DATA && reader.unsigned() > 0) {
      throw kernelBad("it has a data segment: use no strings and no static data");
    }
    if (section === SECTION_GLOBAL && reader.hasMutableGlobal()) {
      throw kernelBad(
        "it has a mutable global: no `let` outside functions, no `new`, no optional parameters in exports",
      );
    }
    reader.offset = end;
  }
}

/** Opcodes of the constant expressions that a global of a number or a vector can be initialised with. */
const OP = { end: 0x0b, globalGet: 0x23, i32: 0x41, i64: 0x42, f32: 0x43, f64: 0x44, vector: 0xfd };

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public offset: number,
  ) {}

  byte(): number {
    return this.bytes[this.offset++] ?? 0;
  }

  /** LEB128; its low 32 bits. */
  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** At the start of a section of globals. One that is initialised by something unknown counts as mutable. */
  hasMutableGlobal(): boolean {
    for (let count = this.unsigned(); count > 0; count--) {
      this.byte(); // its type
      if (this.byte() === 1 || !this.#skipConstant()) return true;
    }
    return false;
  }

  #skipConstant(): boolean {
    const opcode = this.byte();
    if (opcode === OP.i32 || opcode === OP.i64 || opcode === OP.globalGet) this.unsigned();
    else if (opcode === OP.f32) this.offset += 4;
    else if (opcode === OP.f64) this.offset += 8;
    else if (opcode === OP.vector) this.offset += 17;
    else return false;
    return this.byte() === OP.end;
  }
}
