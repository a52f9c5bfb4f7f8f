/** The zone's map as the server sends it: u32 width, u32 height (tiles), f32 tileSize (units), then the tiles; little endian. */

const HEADER_SIZE = 12;

export const FREE = 0;
export const BLOCKED = 1;
export const WATER = 2;

export class TileMap {
  /** Tiles. */
  readonly width: number;
  readonly height: number;
  /** Units per tile side. */
  readonly tileSize: number;
  readonly #tiles: Uint8Array;

  constructor(bytes: ArrayBuffer) {
    const header = new DataView(bytes);
    this.width = header.getUint32(0, true);
    this.height = header.getUint32(4, true);
    this.tileSize = header.getFloat32(8, true);
    this.#tiles = new Uint8Array(bytes, HEADER_SIZE);
    if (this.#tiles.length !== this.width * this.height) throw new Error("the map's size and its tiles do not agree");
  }

  /** Outside the map is blocked. */
  at(x: number, y: number): number {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return BLOCKED;
    return this.#tiles[y * this.width + x]!;
  }

  static async load(zone: string): Promise<TileMap> {
    const response = await fetch(`zones/${encodeURIComponent(zone)}/map`);
    if (!response.ok) throw new Error(`the map of ${zone}: ${response.status} ${response.statusText}`);
    return new TileMap(await response.arrayBuffer());
  }
}
