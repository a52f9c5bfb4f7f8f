/**
 * Unpacks zlib and gzip streams of known size. Bounded: a stream that holds more than it should is given up within one chunk.
 * The library does not look at the checksums that both formats end with; here they are compared, as a flipped bit in a map
 * would otherwise pass as a wall.
 */
import { Gunzip, Unzlib } from "fflate";
import { crc32 } from "./crc32.js";
import { mapBad } from "./refuse.js";

export type Compression = "zlib" | "gzip";

/** Packed bytes handed over at a time: they hold at most 1,032 times as many, 17 MB. */
const CHUNK_BYTES = 16_384;

const ADLER_MODULUS = 65_521;
/** Bytes that can be added up before the sums leave 31 bits. */
const ADLER_RUN = 3_800;

/** Throws MAP_BAD unless the stream is whole, undamaged and holds exactly size bytes. */
export function inflate(packed: Uint8Array, compression: Compression, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let length = 0;
  const take = (piece: Uint8Array) => {
    if (length + piece.length > size) throw mapBad(`the ${compression} data holds more than ${size} bytes`);
    bytes.set(piece, length);
    length += piece.length;
  };
  const stream = compression === "gzip" ? new Gunzip(take) : new Unzlib(take);
  for (let start = 0; start < packed.length; start += CHUNK_BYTES) {
    const end = start + CHUNK_BYTES;
    stream.push(packed.subarray(start, end), end >= packed.length);
  }
  if (length < size) throw mapBad(`the ${compression} data holds ${length} of ${size} bytes`);
  if (!sumAgrees(packed, compression, bytes)) throw mapBad(`the checksum of the ${compression} data does not agree`);
  return bytes;
}

function sumAgrees(packed: Uint8Array, compression: Compression, bytes: Uint8Array): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  if (compression === "zlib") return view.getUint32(packed.length - 4) === adler32(bytes);
  return (
    view.getUint32(packed.length - 8, true) === crc32(bytes) && view.getUint32(packed.length - 4, true) === bytes.length
  );
}

/** RFC 1950, section 8. */
function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += ADLER_RUN) {
    for (const byte of bytes.subarray(start, start + ADLER_RUN)) {
      a += byte;
      b += a;
    }
    a %= ADLER_MODULUS;
    b %= ADLER_MODULUS;
  }
  return b * 65_536 + a;
}
