/**
 * A zone as one self-describing image:
 *
 *     u32 magic  u32 layout version  u64 bytes of the image  u64 checksum of what follows  u32 bytes of names  u32 0
 *     names and types of the columns of one's own, JSON  |  the header's spec and state  |  tiles, archetypes and columns
 */
import { GyreError } from "../errors.js";
import { bad } from "./check.js";
import type { OwnColumns } from "./columns.js";
import type { Constants, KernelFactory, KernelInstance } from "./instance.js";
import { applyLayout, type Layout, readLayout } from "./spec.js";

const IMAGE_MAGIC = 0x5a525947; // "GYRZ"
const IMAGE_HEADER_BYTES = 32;
/** 32 columns of names of 32 letters, with their types. */
const NAMES_BYTES_MAX = 4096;

function imageBad(why: string): GyreError {
  return new GyreError("IMAGE_BAD", `not a zone image: ${why}`);
}

/** What an image holds of a zone: its header's first part, and its state. */
function partsOf(instance: KernelInstance, constants: Constants): readonly [Uint8Array, Uint8Array] {
  const { BASE, SPEC_BYTES, STATE_BYTES, ZONE_STATE_START, ZONE_STATE_END } = constants;
  const start = instance.u32(BASE + ZONE_STATE_START);
  return [
    new Uint8Array(instance.buffer, BASE, SPEC_BYTES + STATE_BYTES),
    new Uint8Array(instance.buffer, start, instance.u32(BASE + ZONE_STATE_END) - start),
  ];
}

/** The names are digested by their bytes' sum: what they say is compared with the spec, and checked as a caller's would be. */
function seedOf(names: Uint8Array): bigint {
  let seed = 0n;
  for (const byte of names) seed = BigInt.asUintN(64, (seed ^ BigInt(byte)) * 0x100000001b3n);
  return seed;
}

function checksum(instance: KernelInstance, parts: readonly Uint8Array[], seed: bigint): bigint {
  let sum = seed;
  for (const part of parts) sum = instance.functions.digest(part.byteOffset, part.byteLength, sum);
  return BigInt.asUintN(64, sum);
}

/** Writes the images of one zone, all of one size. Makes nothing but a view of where it writes to. */
export class ImageWriter {
  /** Bytes. */
  readonly size: number;
  readonly #instance: KernelInstance;
  readonly #version: number;
  readonly #names: Uint8Array;
  readonly #seed: bigint;
  readonly #parts: readonly [Uint8Array, Uint8Array];

  constructor(instance: KernelInstance, constants: Constants, own: OwnColumns) {
    this.#instance = instance;
    this.#version = constants.LAYOUT_VERSION;
    this.#names = new TextEncoder().encode(own.length === 0 ? "" : JSON.stringify(Object.fromEntries(own)));
    this.#seed = seedOf(this.#names);
    this.#parts = partsOf(instance, constants);
    const [header, state] = this.#parts;
    this.size = IMAGE_HEADER_BYTES + this.#names.length + header.length + state.length;
  }

  /** The zone's grid is sorted. There is room for `size` bytes. */
  write(out: Uint8Array): void {
    const [header, state] = this.#parts;
    const names = this.#names;
    const view = new DataView(out.buffer, out.byteOffset, IMAGE_HEADER_BYTES);
    view.setUint32(0, IMAGE_MAGIC, true);
    view.setUint32(4, this.#version, true);
    view.setBigUint64(8, BigInt(this.size), true);
    view.setBigUint64(16, checksum(this.#instance, this.#parts, this.#seed), true);
    view.setUint32(24, names.length, true);
    view.setUint32(28, 0, true);
    out.set(names, IMAGE_HEADER_BYTES);
    out.set(header, IMAGE_HEADER_BYTES + names.length);
    out.set(state, IMAGE_HEADER_BYTES + names.length + header.length);
  }
}

function readOwn(names: Uint8Array): unknown {
  if (names.length === 0) return {};
  try {
    // A copy: what is shared is not decoded everywhere.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(names.slice()));
  } catch {
    throw imageBad("the names of its columns are no JSON");
  }
}

/** The instance that an image was made of, with its derived parts still to be built. Throws IMAGE_BAD, IMAGE_VERSION. */
export function openImage(
  factory: KernelFactory,
  image: Uint8Array,
  instantiate: (layout: Layout) => KernelInstance,
): { instance: KernelInstance; layout: Layout } {
  const { constants } = factory;
  if (!(image instanceof Uint8Array)) throw bad("image", image, "a Uint8Array");
  const { BASE, SPEC_BYTES, STATE_BYTES, LAYOUT_VERSION, ZONE_STATE_START, ZONE_STATE_END } = constants;
  const headerBytes = SPEC_BYTES + STATE_BYTES;
  if (image.length < IMAGE_HEADER_BYTES + headerBytes) throw imageBad(`it has ${image.length} bytes`);
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (view.getUint32(0, true) !== IMAGE_MAGIC) throw imageBad("it does not begin with GYRZ");
  const version = view.getUint32(4, true);
  if (version !== LAYOUT_VERSION) {
    throw new GyreError("IMAGE_VERSION", `the image has layout ${version}; this kernel has ${LAYOUT_VERSION}`);
  }
  if (view.getBigUint64(8, true) !== BigInt(image.length)) {
    throw imageBad(`it has ${image.length} bytes, not as many as it says`);
  }
  if (view.getUint32(28, true) !== 0) throw imageBad("reserved bytes are in use");
  const namesBytes = view.getUint32(24, true);
  const stateAt = IMAGE_HEADER_BYTES + namesBytes + headerBytes;
  if (namesBytes > NAMES_BYTES_MAX || stateAt > image.length) throw imageBad(`${namesBytes} bytes of names`);
  const names = image.subarray(IMAGE_HEADER_BYTES, IMAGE_HEADER_BYTES + namesBytes);
  const own = readOwn(names);

  let layout: Layout;
  try {
    layout = readLayout(
      new DataView(image.buffer, image.byteOffset + stateAt - headerBytes, headerBytes),
      own,
      constants,
    );
  } catch (error) {
    throw imageBad((error as Error).message);
  }
  const stateBytes = factory.measure(
    (probe) => applyLayout(probe, constants, layout),
    (probe) => probe.u32(BASE + ZONE_STATE_END) - probe.u32(BASE + ZONE_STATE_START),
  );
  if (image.length !== stateAt + stateBytes) throw imageBad("its size does not fit its spec");

  const instance = instantiate(layout);
  const parts = partsOf(instance, constants);
  const [header, state] = parts;
  // What the zone was laid out by is what stays in its header, to the byte.
  const spec = image.subarray(stateAt - headerBytes, stateAt - STATE_BYTES);
  if (spec.some((byte, i) => byte !== header[i])) throw imageBad("its spec is no zone's");
  header.set(image.subarray(stateAt - headerBytes, stateAt));
  state.set(image.subarray(stateAt));
  if (checksum(instance, parts, seedOf(names)) !== view.getBigUint64(16, true))
    throw imageBad("its checksum does not match");
  if (!instance.functions.zoneValid(BASE)) throw imageBad("its structure is not sound");
  return { instance, layout };
}
