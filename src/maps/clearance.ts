/**
 * How large a mover fits where. The clearance c of a tile says that the (2c - 1) x (2c - 1) tiles around it are ground, so a
 * box of up to (c - 0.5) tiles half size may stand on its centre; 0 on blocked tiles and water. Outside the map is blocked.
 */
import { GyreError } from "../errors.js";
import { asGyreError, obey } from "./refuse.js";
import type { MapData } from "./types.js";

/** A byte per tile, row by row, 255 standing for more too. O(tiles). Throws BAD_ARGUMENT or MAP_TOO_LARGE. */
export async function clearance(map: MapData): Promise<Uint8Array> {
  const { width, height, tiles } = map;
  const sides = [width, height].every((side) => Number.isSafeInteger(side) && side >= 1);
  if (!sides || !(tiles instanceof Uint8Array) || tiles.length !== width * height) {
    throw new GyreError("BAD_ARGUMENT", `a map of ${width} x ${height} tiles does not have ${tiles?.length} of them`);
  }
  const { openContent } = await import("./content.js");
  const content = openContent();
  try {
    obey(content.sizeVerdict(width, height));
    return content.clearance(tiles, width, height);
  } catch (error) {
    throw asGyreError(error, "clearance");
  }
}

/** Whether a box of that half size in units fits on the centre of a tile of that clearance. */
export function fits(tileClearance: number, halfSize: number, tileSize: number): boolean {
  return halfSize <= (tileClearance - 0.5) * tileSize;
}

/** Indices (y * width + x) of the tiles on whose centre a box of halfSize units fits, ascending. O(tiles). */
export async function spawnTiles(map: MapData, halfSize: number): Promise<Uint32Array> {
  if (!(halfSize >= 0))
    throw new GyreError("BAD_ARGUMENT", `halfSize is ${halfSize}, not a number of units of at least 0`);
  const room = await clearance(map);
  const found = new Uint32Array(room.length);
  let count = 0;
  for (let tile = 0; tile < room.length; tile++) {
    if (fits(room[tile] ?? 0, halfSize, map.tileSize)) found[count++] = tile;
  }
  return found.slice(0, count);
}
