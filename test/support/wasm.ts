/** Reads as much of a WebAssembly module's binary form as it takes to say what it brings along and what it asks for. */

export interface WasmContents {
  /** "module.name", in order. */
  imports: string[];
  exports: number;
  dataSegments: number;
  mutableGlobals: number;
  hasStart: boolean;
}

const SECTION_IMPORT = 2;
const SECTION_GLOBAL = 6;
const SECTION_EXPORT = 7;
const SECTION_START = 8;
const SECTION_DATA = 11;

export function inspectWasm(bytes: Uint8Array): WasmContents {
  const contents: WasmContents = { imports: [], exports: 0, dataSegments: 0, mutableGlobals: 0, hasStart: false };
  // Magic and version.
  const reader = new Reader(bytes, 8);
  while (reader.offset < bytes.length) {
    const section = reader.byte();
    const size = reader.u32();
    const end = reader.offset + size;
    if (section === SECTION_IMPORT) contents.imports = readImports(reader);
    else if (section === SECTION_GLOBAL) contents.mutableGlobals = countMutable(reader);
    else if (section === SECTION_EXPORT) contents.exports = reader.u32();
    else if (section === SECTION_START) contents.hasStart = true;
    else if (section === SECTION_DATA) contents.dataSegments = reader.u32();
    reader.offset = end;
  }
  return contents;
}

function readImports(reader: Reader): string[] {
  return Array.from({ length: reader.u32() }, () => {
    const name = `${reader.name()}.${reader.name()}`;
    skipImportType(reader);
    return name;
  });
}

function skipImportType(reader: Reader): void {
  const kind = reader.byte();
  if (kind === 0) {
    reader.u32();
  } else if (kind === 1) {
    reader.byte();
    skipLimits(reader);
  } else if (kind === 2) {
    skipLimits(reader);
  } else {
    reader.offset += 2;
  }
}

function skipLimits(reader: Reader): void {
  const hasMaximum = (reader.byte() & 1) === 1;
  reader.u32();
  if (hasMaximum) reader.u32();
}

/** A global is its type, whether it is mutable, and a constant expression, of which kernels use plain constants. */
function countMutable(reader: Reader): number {
  let mutable = 0;
  for (let n = reader.u32(); n > 0; n--) {
    reader.byte();
    mutable += reader.byte();
    skipConstant(reader);
  }
  return mutable;
}

function skipConstant(reader: Reader): void {
  const opcode = reader.byte();
  if (opcode === 0x41 || opcode === 0x42 || opcode === 0x23) reader.leb();
  else if (opcode === 0x43) reader.offset += 4;
  else if (opcode === 0x44) reader.offset += 8;
  else throw new Error(`a global is initialised by opcode ${opcode}`);
  if (reader.byte() !== 0x0b) throw new Error("a global is initialised by more than a constant");
}

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public offset: number,
  ) {}

  byte(): number {
    const byte = this.bytes[this.offset++];
    if (byte === undefined) throw new Error("the module ends early");
    return byte;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Any LEB128 number, whose value does not matter. */
  leb(): void {
    while (this.byte() >= 0x80);
  }

  name(): string {
    const size = this.u32();
    this.offset += size;
    return new TextDecoder().decode(this.bytes.subarray(this.offset - size, this.offset));
  }
}
