/**
 * Where somebody may stand. The tiles with room for a box of some size are listed once per map and size, and shared by all zones on it
 * (4 bytes a tile), so that choosing a place is one lookup however many walls there are. Which place comes next is the choice of the
 * zone's own seeded generator, and so part of its state.
 */
import type { Zone } from "../kernel/types.js";
import { clearance } from "../maps/clearance.js";
import type { MapData } from "../maps/types.js";

/** Units between a box and the border of the ground that it was given, against rounding. */
const MARGIN = 1;

/** A place, filled in by {@link Places.choose}. */
export interface Place {
  x: number;
  y: number;
}

export class Places {
  readonly #map: MapData;
  readonly #clearance: Uint8Array;
  /** By the clearance that is needed: indices, row by row, of the tiles that have it. */
  readonly #lists = new Map<number, Uint32Array>();

  /** O(tiles). Throws BAD_ARGUMENT or MAP_TOO_LARGE. */
  static async of(map: MapData): Promise<Places> {
    return new Places(map, await clearance(map));
  }

  private constructor(map: MapData, clearances: Uint8Array) {
    this.#map = map;
    this.#clearance = clearances;
  }

  /** Tiles on whose centre a box of that half size in units may stand. O(tiles) for the first of its size. */
  count(halfSize: number): number {
    return this.#list(this.#needed(halfSize)).length;
  }

  /**
   * Fills in a place where a box of that half size has room, as far as tiles say. False when the map has none. Takes two numbers from
   * the zone's generator.
   */
  choose(zone: Zone, halfSize: number, place: Place): boolean {
    const needed = this.#needed(halfSize);
    const list = this.#list(needed);
    if (list.length === 0) return false;
    const { width, tileSize } = this.#map;
    const slack = Math.max(0, Math.min(Math.floor((needed - 0.5) * tileSize - halfSize), tileSize / 2) - MARGIN);
    const tile = list[scale(zone.random(), list.length)] ?? 0;
    const offsets = zone.random();
    place.x = ((tile % width) + 0.5) * tileSize + offset(offsets & 0xffff, slack);
    place.y = (Math.floor(tile / width) + 0.5) * tileSize + offset(offsets >>> 16, slack);
    return true;
  }

  /** The clearance c that a box needs, which has room in (c - 0.5) tiles around a tile's centre. */
  #needed(halfSize: number): number {
    return Math.max(1, Math.ceil(halfSize / this.#map.tileSize + 0.5));
  }

  #list(needed: number): Uint32Array {
    let list = this.#lists.get(needed);
    if (list === undefined) {
      const tiles = new Uint32Array(this.#clearance.length);
      let count = 0;
      for (let tile = 0; tile < tiles.length; tile++) {
        if ((this.#clearance[tile] ?? 0) >= needed) tiles[count++] = tile;
      }
      list = tiles.slice(0, count);
      this.#lists.set(needed, list);
    }
    return list;
  }
}

/** 16 bits as a number from -slack to slack. */
function offset(bits: number, slack: number): number {
  return (bits / 0xffff) * 2 * slack - slack;
}

/** A u32 scaled down to 0 .. count-1. */
function scale(random: number, count: number): number {
  return Math.floor((random / 0x1_0000_0000) * count);
}

/** Whether a box has no blocked tile under it and none outside. Never true where the kernel would refuse it. O(box in tiles). */
export function hasRoom(zone: Zone, x: number, y: number, halfSize: number): boolean {
  const { tileSize } = zone;
  for (let dy = -halfSize; ; dy = Math.min(dy + tileSize, halfSize)) {
    for (let dx = -halfSize; ; dx = Math.min(dx + tileSize, halfSize)) {
      if (zone.blockedAt(x + dx, y + dy)) return false;
      if (dx >= halfSize) break;
    }
    if (dy >= halfSize) break;
  }
  return true;
}
