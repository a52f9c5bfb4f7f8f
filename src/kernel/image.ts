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
function partsOf(instance: KernelInstance, constants: Constants): [Uint8Array, Uint8Array] {
  const { BASE, SPEC_BYTES, STATE_BYTES, ZONE_STATE_START, ZONE_STATE_END } = constants;
  const start = instance.u32(BASE + ZONE_STATE_START);
  return [
    new Uint8Array(instance.buffer, BASE, SPEC_BYTES + STATE_BYTES),
    new Uint8Array(instance.buffer, start, instance.u32(BASE + ZONE_STATE_END) - start),
  ];
}

/** The names are digested by their bytes' sum: what they say is compared with the spec, and checked as a caller's would be. */
function checksum(instance: KernelInstance, constants: Constants, names: Uint8Array): bigint {
  let seed = 0n;
  for (const byte of names) seed = BigInt.asUintN(64, (seed ^ BigInt(byte)) * 0x100000001b3n);
  for (const part of partsOf(instance, constants)) {
    seed = instance.functions.digest(part.byteOffset, part.byteLength, seed);
  }
  return BigInt.asUintN(64, seed);
}

/** The image of a zone whose grid is sorted. */
export function saveImage(instance: KernelInstance, constants: Constants, own: OwnColumns): Uint8Array {
  const names = new TextEncoder().encode(own.length === 0 ? "" : JSON.stringify(Object.fromEntries(own)));
  const [header, state] = partsOf(instance, constants);
  const image = new Uint8Array(IMAGE_HEADER_BYTES + names.length + header.length + state.length);
  const view = new DataView(image.buffer);
  view.setUint32(0, IMAGE_MAGIC, true);
  view.setUint32(4, constants.LAYOUT_VERSION, true);
  view.setBigUint64(8, BigInt(image.length), true);
  view.setBigUint64(16, checksum(instance, constants, names), true);
  view.setUint32(24, names.length, true);
  image.set(names, IMAGE_HEADER_BYTES);
  image.set(header, IMAGE_HEADER_BYTES + names.length);
  image.set(state, IMAGE_HEADER_BYTES + names.length + header.length);
  return image;
}

function readOwn(names: Uint8Array): unknown {
  if (names.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(names));
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
  const [header, state] = partsOf(instance, constants);
  // What the zone was laid out by is what stays in its header, to the byte.
  const spec = image.subarray(stateAt - headerBytes, stateAt - STATE_BYTES);
  if (spec.some((byte, i) => byte !== header[i])) throw imageBad("its spec is no zone's");
  header.set(image.subarray(stateAt - headerBytes, stateAt));
  state.set(image.subarray(stateAt));
  if (checksum(instance, constants, names) !== view.getBigUint64(16, true))
    throw imageBad("its checksum does not match");
  if (!instance.functions.zoneValid(BASE)) throw imageBad("its structure is not sound");
  return { instance, layout };
}
