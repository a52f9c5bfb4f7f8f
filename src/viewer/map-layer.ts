/**
 * The map on the screen: chunks of 256 x 256 pixels, painted once at the level of detail that the zoom asks for, kept as
 * textures and found by a packed integer key. Only chunks in view are drawn; a few a frame are painted, and until then those
 * of the level before, or of the coarsest, which is never dropped, are seen. At most CHUNKS_MAX textures of 256 KiB are kept.
 */
import { BufferImageSource, Container, Sprite, Texture } from "pixi.js";
import type { Camera } from "./camera.js";
import { CHUNK_PIXELS, LEVEL_MAX, paintChunk } from "./map-paint.js";
import type { TileMap } from "./tile-map.js";

/** Textures kept: four screens full of chunks, 64 MiB. */
const CHUNKS_MAX = 256;
/** Chunks painted in one frame: about 2 ms. */
const PAINTED_PER_FRAME = 2;
/** The level of the coarse map below: a pixel a tile. */
const BASE_LEVEL = 0;

interface Chunk {
  readonly key: number;
  readonly sprite: Sprite;
  /** The last frame that showed it. */
  frame: number;
}

export class MapLayer {
  readonly container = new Container();
  /** The chunks of each level; finer ones lie above coarser ones. */
  readonly #levels = Array.from({ length: LEVEL_MAX + 1 }, () => new Container());
  readonly #map: TileMap;
  readonly #chunks = new Map<number, Chunk>();
  /** The last level that was shown without gaps. */
  #complete = BASE_LEVEL;
  #frame = 0;
  #painted = 0;

  constructor(map: TileMap) {
    this.#map = map;
    this.container.addChild(...this.#levels);
  }

  /** Shows what the camera sees. */
  update(camera: Camera): void {
    this.#frame++;
    this.#painted = 0;
    const level = levelFor(camera.zoom * camera.pixelRatio * this.#map.tileSize);
    if (this.#show(camera, level)) {
      this.#complete = level;
    } else {
      this.#show(camera, BASE_LEVEL);
      this.#show(camera, this.#complete);
    }
    for (const chunk of this.#chunks.values()) chunk.sprite.visible = chunk.frame === this.#frame;
    if (this.#chunks.size > CHUNKS_MAX) this.#dropOldest();
  }

  destroy(): void {
    for (const chunk of this.#chunks.values()) chunk.sprite.destroy({ texture: true, textureSource: true });
    this.container.destroy({ children: true });
  }

  /** Returns whether no chunk is missing. */
  #show(camera: Camera, level: number): boolean {
    const tiles = CHUNK_PIXELS >> level;
    const side = tiles * this.#map.tileSize;
    const columns = Math.ceil(this.#map.width / tiles);
    const rows = Math.ceil(this.#map.height / tiles);
    const { x0, y0, x1, y1 } = camera.visible;
    let complete = true;
    const row1 = Math.min(rows - 1, Math.floor(y1 / side));
    const column1 = Math.min(columns - 1, Math.floor(x1 / side));
    for (let row = Math.max(0, Math.floor(y0 / side)); row <= row1; row++) {
      for (let column = Math.max(0, Math.floor(x0 / side)); column <= column1; column++) {
        const key = packKey(level, column, row);
        const chunk = this.#chunks.get(key) ?? this.#paint(key, level, column, row);
        if (chunk === null) complete = false;
        else chunk.frame = this.#frame;
      }
    }
    return complete;
  }

  /** A new chunk; null when enough were painted in this frame. */
  #paint(key: number, level: number, column: number, row: number): Chunk | null {
    if (this.#painted >= PAINTED_PER_FRAME) return null;
    this.#painted++;
    const pixels = new Uint32Array(CHUNK_PIXELS * CHUNK_PIXELS);
    paintChunk(this.#map, level, column, row, pixels);
    const source = new BufferImageSource({
      resource: new Uint8Array(pixels.buffer),
      width: CHUNK_PIXELS,
      height: CHUNK_PIXELS,
      format: "rgba8unorm",
      scaleMode: "linear",
    });
    const sprite = new Sprite(new Texture({ source }));
    const side = (CHUNK_PIXELS >> level) * this.#map.tileSize;
    sprite.position.set(column * side, row * side);
    sprite.setSize(side);
    this.#levels[level]!.addChild(sprite);
    const chunk = { key, sprite, frame: this.#frame };
    this.#chunks.set(key, chunk);
    return chunk;
  }

  #dropOldest(): void {
    const droppable = [...this.#chunks.values()]
      .filter(({ key, frame }) => frame !== this.#frame && levelOf(key) !== BASE_LEVEL)
      .sort((a, b) => a.frame - b.frame);
    for (const { key, sprite } of droppable.slice(0, this.#chunks.size - CHUNKS_MAX)) {
      sprite.destroy({ texture: true, textureSource: true });
      this.#chunks.delete(key);
    }
  }
}

/** The coarsest level that has a pixel for each one of the screen. */
function levelFor(pixelsPerTile: number): number {
  return Math.min(LEVEL_MAX, Math.max(BASE_LEVEL, Math.ceil(Math.log2(pixelsPerTile) - 0.25)));
}

/** 3 bits of level, 14 of row, 14 of column: maps of up to 131,072 tiles a side at the finest level. */
function packKey(level: number, column: number, row: number): number {
  return (level << 28) | (row << 14) | column;
}

function levelOf(key: number): number {
  return key >>> 28;
}
