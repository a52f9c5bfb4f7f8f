/** The kernel's own exports beneath a zone, for what only its other parts call. */
import type { Zone } from "gyre/kernel";

/** Where the host puts a zone. */
export const BASE = 64;

type Call = (...args: (number | bigint)[]) => number;

export interface Beneath {
  zone: Zone;
  call: Record<string, Call>;
  /** Constants of the layout. */
  constant(name: string): number;
  memory: DataView;
}

/** Makes a zone and gives what lies beneath it. */
export function beneath(make: () => Zone): Beneath {
  const Real = WebAssembly.Instance;
  let exports: WebAssembly.Exports = {};
  let memory: WebAssembly.Memory | undefined;
  WebAssembly.Instance = class extends Real {
    constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
      super(module, imports);
      exports = this.exports;
      memory = imports?.["env"]?.["memory"] as WebAssembly.Memory;
    }
  };
  try {
    const zone = make();
    return {
      zone,
      call: exports as unknown as Record<string, Call>,
      constant: (name) => (exports[name] as WebAssembly.Global).value >>> 0,
      memory: new DataView(memory!.buffer),
    };
  } finally {
    WebAssembly.Instance = Real;
  }
}
