/** Reads the world of BrowserQuest's server: JSON with sizes and a list of the blocked tiles as y * width + x, repeats allowed. */
import type { Content } from "./content.js";
import { mapBad, obey, show } from "./refuse.js";
import { tileSizeOf, whole } from "./sizes.js";
import type { MapData } from "./types.js";

export interface BrowserQuestWorld {
  width?: unknown;
  height?: unknown;
  tilesize?: unknown;
  collisions: readonly unknown[];
}

export function isBrowserQuest(value: object): value is BrowserQuestWorld {
  return "collisions" in value && Array.isArray(value.collisions);
}

/** Throws MAP_BAD, MAP_TOO_LARGE or MAP_UNSUPPORTED. */
export function readBrowserQuest(world: BrowserQuestWorld, content: Content): MapData {
  const width = whole(world.width, "width");
  const height = whole(world.height, "height");
  const tileSize = tileSizeOf(world.tilesize, "tilesize");
  obey(content.sizeVerdict(width, height));
  const tiles = new Uint8Array(width * height);
  world.collisions.forEach((tile, i) => {
    if (typeof tile !== "number" || !Number.isInteger(tile) || tile < 0 || tile >= tiles.length) {
      throw mapBad(`collisions[${i}] is ${show(tile)}, not a tile of ${width} x ${height}`);
    }
    tiles[tile] = 1;
  });
  return { width, height, tileSize, tiles };
}
