/** Text in shared memory, where TextDecoder does not read everywhere: Node's buffers do, and write there without a copy. */
import type { Memory } from "../sync/memory.js";

/** UTF-8 bytes that a UTF-16 unit may take. */
export const BYTES_PER_UNIT_MAX = 3;

/** The same bytes as a view's. */
export function bytesOf(view: DataView<Memory>): Buffer<Memory> {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

/** Returns how many bytes it took, at most bytesMax; whole characters only. */
export function writeText(bytes: Buffer<Memory>, at: number, text: string, bytesMax: number): number {
  return bytes.write(text, at, bytesMax, "utf8");
}

export function readText(bytes: Buffer<Memory>, at: number, size: number): string {
  return bytes.toString("utf8", at, at + size);
}
