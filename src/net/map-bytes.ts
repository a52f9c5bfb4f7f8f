/** A map as /zones/NAME/map sends it: u32 width, u32 height (tiles), f32 tileSize (units), then the tiles; little endian. */
import type { MapData } from "../maps/types.js";

const HEADER_SIZE = 12;

export function mapBytes({ width, height, tileSize, tiles }: MapData): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + tiles.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, width, true);
  header.setUint32(4, height, true);
  header.setFloat32(8, tileSize, true);
  bytes.set(tiles, HEADER_SIZE);
  return bytes;
}
