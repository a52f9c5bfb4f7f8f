/**
 * The arena's map: a small town by a stream, with a park and a pond, made from a seed. 128 x 128 tiles of 32 units. Six by
 * six lots lie between streets; the park takes four of them, the stream a street of its own, with a bridge at every crossing.
 *
 *     ###########################       #  trees, walls
 *     #  lot   lot   lot   lot  #
 *     #  lot  +-----------+ lot #       +  park with the pond
 *     #  lot  |   (~~~)   | lot #
 *     #  lot  +-----------+ lot #
 *     #~~~~==~~~~~==~~~~~==~~~~~#       ~  stream, = bridge
 *     #  lot   lot   lot   lot  #
 *
 * Integers only: the same town on every engine.
 */
import type { MapData } from "gyre";

const SIZE = 128;
const TILE_SIZE = 32;
const FREE = 0;
const BLOCKED = 1;
const WATER = 2;

/** From one lot to the next: 14 tiles of lot, 6 of street. The first begins at MARGIN. */
const PITCH = 20;
const LOT = 14;
const MARGIN = 7;
const LOTS = 6;
/** The park's first lot, across and down, and how many lots it has each way. */
const PARK = 2;
const PARK_LOTS = 2;
/** The stream runs along the street below this row of lots. */
const STREAM_BELOW = 3;

/** The town of a seed. About 1 ms. */
export function townOf(seed: number): MapData {
  const town = new Town(seed);
  town.plantForest();
  for (let row = 0; row < LOTS; row++) {
    for (let column = 0; column < LOTS; column++) {
      if (!isPark(column) || !isPark(row)) town.buildLot(MARGIN + column * PITCH, MARGIN + row * PITCH);
    }
  }
  town.layOutPark(MARGIN + PARK * PITCH, (PARK_LOTS - 1) * PITCH + LOT);
  town.digStream(MARGIN + STREAM_BELOW * PITCH + LOT + 1);
  town.fillPockets();
  return { width: SIZE, height: SIZE, tileSize: TILE_SIZE, tiles: town.tiles };
}

function isPark(lot: number): boolean {
  return lot >= PARK && lot < PARK + PARK_LOTS;
}

class Town {
  readonly tiles = new Uint8Array(SIZE * SIZE);
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A closed edge, loosening inwards. */
  plantForest(): void {
    for (let y = 0; y < SIZE; y++) {
      for (let x = 0; x < SIZE; x++) {
        const depth = Math.min(x, y, SIZE - 1 - x, SIZE - 1 - y);
        if (depth === 0 || (depth < 4 && this.#chance(x, y, 4 - depth, 4))) this.#put(x, y, BLOCKED);
      }
    }
  }

  /** One large house, two small ones, an orchard or a square with a fountain. */
  buildLot(x: number, y: number): void {
    const choice = this.#roll(x, y, 8);
    if (choice < 3) this.#house(x + 1, y + 1, LOT - 2 - this.#roll(x, y + 1, 3), LOT - 3);
    else if (choice < 6) this.#twoHouses(x, y);
    else if (choice < 7) this.#orchard(x, y);
    else this.#square(x, y);
  }

  /** side: tiles. Two paths cross it, which the pond bends around. */
  layOutPark(left: number, side: number): void {
    const middle = left + (side >> 1);
    for (let y = left; y < left + side; y++) {
      for (let x = left; x < left + side; x++) {
        const [dx, dy] = [x - middle, y - middle];
        const onPath = Math.abs(dx) < 2 || Math.abs(dy) < 2;
        const distance = dx * dx + dy * dy + this.#roll(x >> 1, y >> 1, 24);
        if (distance < 64) this.#put(x, y, WATER);
        else if (distance > 110 && !onPath && this.#chance(x, y, 1, 7)) this.#put(x, y, BLOCKED);
      }
    }
  }

  /** Three tiles wide, wandering a tile up and down. A bridge of four tiles continues each street. */
  digStream(top: number): void {
    let y = top;
    for (let x = 1; x < SIZE - 1; x++) {
      if (x % 3 === 0) y = Math.min(top + 1, Math.max(top, y + this.#roll(x, 0, 3) - 1));
      const onStreet = (x - MARGIN + PITCH) % PITCH;
      const isBridge = onStreet >= LOT + 1 && onStreet < PITCH - 1;
      for (let dy = 0; dy < 3; dy++) this.#put(x, y + dy, isBridge ? FREE : WATER);
    }
  }

  /** What nobody could walk to from the first street becomes solid, so that all free space is one. */
  fillPockets(): void {
    const reached = new Uint8Array(SIZE * SIZE);
    const open = [(MARGIN - 2) * SIZE + MARGIN + LOT + 2];
    for (let tile = open.pop(); tile !== undefined; tile = open.pop()) {
      if (this.tiles[tile] !== FREE || reached[tile] === 1) continue;
      reached[tile] = 1;
      // The edge is closed: no neighbour is outside the map.
      open.push(tile - 1, tile + 1, tile - SIZE, tile + SIZE);
    }
    for (let tile = 0; tile < this.tiles.length; tile++) {
      if (this.tiles[tile] === FREE && reached[tile] === 0) this.tiles[tile] = BLOCKED;
    }
  }

  /** Walls, doors in two of them, and a room behind an inner wall with a door of its own. */
  #house(x: number, y: number, width: number, height: number): void {
    this.#wall(x, y, width, 1);
    this.#wall(x, y + height - 1, width, 1);
    this.#wall(x, y, 1, height);
    this.#wall(x + width - 1, y, 1, height);
    const inner = x + 3 + this.#roll(x, y, Math.max(1, width - 6));
    if (width > 8) this.#wall(inner, y, 1, height);
    this.#door(inner, y + 1 + this.#roll(y, x, height - 3), 1, 2);
    this.#door(inner + 1, y + height - 1, 2, 1);
    if (this.#chance(x, y, 1, 2)) this.#door(x, y + (height >> 1), 1, 2);
    else this.#door(inner - 2, y, 2, 1);
  }

  #twoHouses(x: number, y: number): void {
    const split = 5 + this.#roll(x, y + 2, 2);
    this.#house(x, y, LOT - this.#roll(x + 1, y, 4), split);
    this.#house(x + this.#roll(x + 2, y, 4), y + split + 2, LOT - 4, LOT - split - 2);
  }

  #orchard(x: number, y: number): void {
    for (let row = 1; row < LOT; row += 3) {
      for (let column = 1; column < LOT; column += 3) this.#put(x + column, y + row, BLOCKED);
    }
  }

  #square(x: number, y: number): void {
    const middle = LOT >> 1;
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) this.#put(x + middle + dx, y + middle + dy, WATER);
    }
    for (let i = 1; i < LOT; i += 4) {
      for (const edge of [0, LOT - 1]) {
        this.#put(x + i, y + edge, BLOCKED);
        this.#put(x + edge, y + i, BLOCKED);
      }
    }
  }

  #wall(x: number, y: number, width: number, height: number): void {
    for (let dy = 0; dy < height; dy++) for (let dx = 0; dx < width; dx++) this.#put(x + dx, y + dy, BLOCKED);
  }

  #door(x: number, y: number, width: number, height: number): void {
    for (let dy = 0; dy < height; dy++) for (let dx = 0; dx < width; dx++) this.#put(x + dx, y + dy, FREE);
  }

  #put(x: number, y: number, tile: number): void {
    this.tiles[y * SIZE + x] = tile;
  }

  /** 0 .. count-1, from 32 well-mixed bits of seed and place. */
  #roll(x: number, y: number, count: number): number {
    let h = Math.imul(this.#seed, 0x9e3779b1) ^ Math.imul(x, 0x85ebca77) ^ Math.imul(y, 0xc2b2ae3d);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    return ((h ^ (h >>> 15)) >>> 0) % count;
  }

  #chance(x: number, y: number, wins: number, of: number): boolean {
    return this.#roll(x, y, of) < wins;
  }
}
