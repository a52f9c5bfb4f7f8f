/** Packs what `inflate` unpacks: a zlib stream (RFC 1950). Tiles of a map come down to about a hundredth. */
import { zlibSync } from "fflate";

export function deflate(bytes: Uint8Array): Uint8Array {
  return zlibSync(bytes);
}
