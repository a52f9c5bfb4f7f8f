/** Numbers out of files: how many tiles, and of which size. */
import { mapBad, mapUnsupported, show } from "./refuse.js";

/** Units. 16,384 such tiles, the most along a side, are as wide as a zone may be. */
const TILE_SIZE_MAX = 256;

/** A whole number of at least 1, else MAP_BAD. */
export function whole(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw mapBad(`the ${what} is ${show(value)}, not a whole number of at least 1`);
}

/** Units per tile side, else MAP_BAD or MAP_UNSUPPORTED. */
export function tileSizeOf(value: unknown, what: string): number {
  const tileSize = whole(value, what);
  if (tileSize > TILE_SIZE_MAX) throw mapUnsupported(`tiles of ${tileSize} units: at most ${TILE_SIZE_MAX}`);
  return tileSize;
}
