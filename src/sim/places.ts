/**
 * Where walkers enter. The tiles with room for one are listed once per map and shared by all zones on it (4 bytes a tile), so
 * that choosing a place is one lookup however many walls there are. Which place comes next is the choice of the zone's own
 * seeded generator, and so part of its state.
 */
import type { Zone } from "../kernel/types.js";

/** Half the side of a walker's box in units; fits through a gap of one tile. */
export const WALKER_HALF_SIZE = 8;

/** Chooses places for one zone. */
export class Placer {
  readonly halfSize = WALKER_HALF_SIZE;
  readonly #zone: Zone;
  readonly #places: Uint32Array;
  readonly #mapWidth: number;
  /** Units that a box may stand off its tile's centre and still overlap no further tile. */
  readonly #slack: number;
  readonly #place = { x: 0, y: 0 };

  /** places: indices, row by row, of tiles in whose centre a walker fits. mapWidth: tiles. */
  constructor(zone: Zone, places: Uint32Array, mapWidth: number) {
    this.#zone = zone;
    this.#places = places;
    this.#mapWidth = mapWidth;
    this.#slack = Math.max(0, Math.floor(zone.tileSize / 2 - WALKER_HALF_SIZE - 1));
  }

  /** The same object each call, valid until the next. Takes two numbers from the zone's generator. */
  next(): { readonly x: number; readonly y: number } {
    const tile = this.#places[scale(this.#zone.random(), this.#places.length)] ?? 0;
    const offsets = this.#zone.random();
    const { tileSize } = this.#zone;
    this.#place.x = ((tile % this.#mapWidth) + 0.5) * tileSize + this.#offset(offsets & 0xffff);
    this.#place.y = (Math.floor(tile / this.#mapWidth) + 0.5) * tileSize + this.#offset(offsets >>> 16);
    return this.#place;
  }

  #offset(bits: number): number {
    return (bits / 0xffff) * 2 * this.#slack - this.#slack;
  }
}

/** A u32 scaled down to 0 .. count-1. */
function scale(random: number, count: number): number {
  return Math.floor((random / 0x1_0000_0000) * count);
}
