/** Images that were made to deceive: whatever they say, their checksum is right. */
import type { Kernel } from "gyre/kernel";
import { beneath } from "./exports.js";

const HEADER_BYTES = 32;
const ZONE_BYTES = 192;
/** Where bytes are put to be digested. */
const SCRATCH = 65_536;

/** Writes the checksum of what an image says into it. */
export type Seal = (image: Uint8Array) => Uint8Array;

/** A seal for images of up to a megabyte. */
export function sealOf(kernel: Kernel): Seal {
  const { call, memory } = beneath(() => kernel.createZone({ width: 100, height: 100, capacity: 20_000 }));
  const digest = call["digest"] as unknown as (address: number, size: number, seed: bigint) => bigint;
  const scratch = new Uint8Array(memory.buffer, SCRATCH);
  return (image) => {
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
    const header = HEADER_BYTES + view.getUint32(24, true);
    let seed = 0n;
    for (const byte of image.subarray(HEADER_BYTES, header)) {
      seed = BigInt.asUintN(64, (seed ^ BigInt(byte)) * 0x100000001b3n);
    }
    for (const part of [image.subarray(header, header + ZONE_BYTES), image.subarray(header + ZONE_BYTES)]) {
      scratch.set(part);
      seed = digest(SCRATCH, part.length, seed);
    }
    view.setBigUint64(16, BigInt.asUintN(64, seed), true);
    return image;
  };
}
