/**
 * The content module: text and arrays in, tiles out, through as-bind. An instance serves one map and is dropped, and its
 * memory with it; compiling it again takes less than a millisecond.
 *
 * as-bind 0.8.2 knows the object layouts of AssemblyScript 0.19. What moved since is the ids of strings and buffers, which
 * the module's own section says, and the type table that as-bind's array converters read, which these do without:
 *
 *   string       UTF-16 units, byte length at pointer - 4
 *   typed array  { buffer, data start, byte length }, three u32
 */
import { type AsBindInstance, type Converter, converters, instantiateSync } from "as-bind/dist/as-bind.cjs.js";
import wasm from "../../build/wasm/content.wasm";
import { GyreError } from "../errors.js";

/** The exports of assembly/content/index.ts. A verdict is "" or what {@link obey} understands. */
export interface Content {
  /** Of whole numbers of tiles, at least 1 each. */
  sizeVerdict(width: number, height: number): string;
  readMovingAi(text: string): string;
  /** Sizes in tiles, checked before. blockedGid 0: every tile blocks. */
  readCsv(text: string, width: number, height: number, blockedGid: number): string;
  readCells(cells: Uint32Array, width: number, height: number, blockedGid: number): string;
  /** The map that was read last. */
  width(): number;
  height(): number;
  tiles(): Uint8Array;
  clearance(tiles: Uint8Array, width: number, height: number): Uint8Array;
}

interface Runtime {
  memory: WebAssembly.Memory;
  __new(size: number, id: number): number;
  __pin(pointer: number): number;
  __unpin(pointer: number): void;
}

/** Bytes of an object's header before its pointer that hold its byte length. */
const LENGTH_OFFSET = 4;
const VIEW_BYTES = 12;

const runtimeOf = (instance: AsBindInstance) => instance.exports as unknown as Runtime;

const stringConverter: Converter = {
  jsToAsc(instance, value: string, typeName) {
    const { memory, __new } = runtimeOf(instance);
    const pointer = __new(value.length * 2, instance.getTypeId(typeName)) >>> 0;
    const units = new Uint16Array(memory.buffer, pointer, value.length);
    for (let i = 0; i < units.length; i++) units[i] = value.charCodeAt(i);
    return pointer;
  },
  ascToJs(instance, pointer) {
    const { buffer } = runtimeOf(instance).memory;
    const byteLength = new DataView(buffer).getUint32((pointer >>> 0) - LENGTH_OFFSET, true);
    return new TextDecoder("utf-16le").decode(new Uint8Array(buffer, pointer >>> 0, byteLength));
  },
};

function viewConverter(type: Uint8ArrayConstructor | Uint32ArrayConstructor): Converter {
  return {
    jsToAsc(instance, value: Uint8Array | Uint32Array, typeName) {
      const { memory, __new, __pin, __unpin } = runtimeOf(instance);
      const data = __pin(__new(value.byteLength, instance.getTypeId("~lib/arraybuffer/ArrayBuffer"))) >>> 0;
      const pointer = __new(VIEW_BYTES, instance.getTypeId(typeName)) >>> 0;
      __unpin(data);
      new Uint32Array(memory.buffer, pointer, 3).set([data, data, value.byteLength]);
      new type(memory.buffer, data, value.length).set(value);
      return pointer;
    },
    ascToJs(instance, pointer) {
      const { buffer } = runtimeOf(instance).memory;
      const [, start = 0, byteLength = 0] = new Uint32Array(buffer, pointer >>> 0, 3);
      // A copy, as the memory is about to go.
      return new type(buffer, start, byteLength / type.BYTES_PER_ELEMENT).slice();
    },
  };
}

converters.set("~lib/string/String", stringConverter);
converters.set("~lib/typedarray/Uint8Array", viewConverter(Uint8Array));
converters.set("~lib/typedarray/Uint32Array", viewConverter(Uint32Array));

/**
 * Throws KERNEL_UNSUPPORTED where there is no WebAssembly. At once: as-bind's other way asks whether it was given a Response, for which
 * Node loads all that it has for fetching, in 40 ms.
 */
export function openContent(): Content {
  try {
    const { exports } = instantiateSync(wasm(), {});
    return exports as unknown as Content;
  } catch (error) {
    throw new GyreError("KERNEL_UNSUPPORTED", `the content module does not start here: ${error}`);
  }
}
