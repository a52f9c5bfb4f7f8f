/**
 * Reads a map of the Tiled editor, in the form of its JSON files (.tmj); tmx.ts brings XML files into that form. Looks at one
 * layer and bakes it in the content module.
 *
 * Blocked is what the tile layer named "Collision" says (any case, in groups too):
 * - with a tileset whose name or file name contains "collision": where the layer holds that tileset's second tile, the one of
 *   index 1, as the maps of The Mana World have it (index 0 marks nothing). With several such tilesets the first counts.
 * - without one, or when it is known to have a single tile: where the layer holds any tile.
 * Flipped and turned tiles count as the tile they are. A map without such a layer is refused, as a world without a wall is
 * rarely what was meant.
 */
import type { Content } from "./content.js";
import { asGyreError, mapBad, mapUnsupported, obey, show } from "./refuse.js";
import { tileSizeOf, whole } from "./sizes.js";
import type { MapData } from "./types.js";

/** A .tmj file as far as it is read; each value may still be anything. */
export interface TiledMap {
  width?: unknown;
  height?: unknown;
  tilewidth?: unknown;
  tileheight?: unknown;
  orientation?: unknown;
  infinite?: unknown;
  tilesets?: unknown;
  layers?: unknown;
}

export interface TiledTileset {
  firstgid?: unknown;
  name?: unknown;
  source?: unknown;
  tilecount?: unknown;
}

export interface TiledLayer {
  type?: unknown;
  name?: unknown;
  width?: unknown;
  height?: unknown;
  x?: unknown;
  y?: unknown;
  offsetx?: unknown;
  offsety?: unknown;
  /** A list of tile ids, or text in the encoding. */
  data?: unknown;
  encoding?: unknown;
  compression?: unknown;
  chunks?: unknown;
  /** Of a group. */
  layers?: unknown;
}

/** A tile as the content module wants to hear of it, 0 for any. */
type BlockedGid = number;

const COLLISION_LAYER = "collision";
const COLLISION_TILESET = /collision/i;
/** Ids have 28 bits; above are the flags. */
const GID_MAX = 0x0fffffff;
const CELL_MAX = 0xffffffff;
const CELL_BYTES = 4;

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Throws MAP_BAD, MAP_TOO_LARGE or MAP_UNSUPPORTED. */
export async function readTiled(map: TiledMap, content: Content): Promise<MapData> {
  const { orientation = "orthogonal" } = map;
  if (orientation !== "orthogonal") throw mapUnsupported(`the orientation is ${show(orientation)}, not "orthogonal"`);
  if (map.infinite) throw mapUnsupported("the map is infinite; save it with a fixed size");
  const width = whole(map.width, "width");
  const height = whole(map.height, "height");
  obey(content.sizeVerdict(width, height));
  const tileSize = tileSizeOf(map.tilewidth, "tilewidth");
  const tileHeight = whole(map.tileheight, "tileheight");
  if (tileHeight !== tileSize) throw mapUnsupported(`tiles of ${tileSize} x ${tileHeight} units are not square`);

  const layer = collisionLayer(map.layers);
  const gid = blockedGid(map.tilesets);
  try {
    await bakeLayer(layer, width, height, gid, content);
  } catch (error) {
    throw asGyreError(error, `layer ${show(layer.name)}`);
  }
  return { width, height, tileSize, tiles: content.tiles() };
}

function collisionLayer(layers: unknown): TiledLayer {
  if (!Array.isArray(layers)) throw mapBad(`the list of layers is ${show(layers)}`);
  const all: unknown[] = [...layers];
  const found: TiledLayer[] = [];
  // Grows while it is walked: the layers of a group go to its end.
  for (const layer of all) {
    if (!isObject(layer)) throw mapBad(`a layer is ${show(layer)}`);
    const { name, layers: inner }: TiledLayer = layer;
    if (Array.isArray(inner)) for (const one of inner) all.push(one);
    else if (typeof name === "string" && name.trim().toLowerCase() === COLLISION_LAYER) found.push(layer);
  }
  const tileLayers = found.filter(({ type = "tilelayer" }) => type === "tilelayer");
  const [layer] = tileLayers;
  if (layer && tileLayers.length === 1) return layer;
  if (layer) throw mapUnsupported(`${tileLayers.length} tile layers are named "Collision"`);
  if (found[0]) throw mapUnsupported(`the layer "Collision" is of type ${show(found[0].type)}, not "tilelayer"`);
  throw mapUnsupported(`none of ${all.length} layers is named "Collision"`);
}

function blockedGid(tilesets: unknown): BlockedGid {
  if (tilesets === undefined) return 0;
  if (!Array.isArray(tilesets)) throw mapBad(`the list of tilesets is ${show(tilesets)}`);
  for (const tileset of tilesets) {
    if (!isObject(tileset)) throw mapBad(`a tileset is ${show(tileset)}`);
    const { name, source, firstgid, tilecount }: TiledTileset = tileset;
    const fileName = typeof source === "string" ? source.slice(source.search(/[^\\/]*$/)) : "";
    if (!COLLISION_TILESET.test(fileName) && !(typeof name === "string" && COLLISION_TILESET.test(name))) continue;
    const first = whole(firstgid, `firstgid of the tileset ${show(name ?? fileName)}`);
    if (first >= GID_MAX) throw mapBad(`the firstgid of the tileset ${show(name ?? fileName)} is ${first}`);
    return tilecount === 1 ? 0 : first + 1;
  }
  return 0;
}

async function bakeLayer(layer: TiledLayer, width: number, height: number, gid: BlockedGid, content: Content) {
  const { data, encoding } = layer;
  if (layer.chunks !== undefined) throw mapUnsupported("it is in chunks, as of an infinite map");
  if ((layer.width ?? width) !== width) throw mapBad(`its width is ${show(layer.width)}, the map's ${width}`);
  if ((layer.height ?? height) !== height) throw mapBad(`its height is ${show(layer.height)}, the map's ${height}`);
  for (const key of ["x", "y", "offsetx", "offsety"] as const) {
    if ((layer[key] ?? 0) !== 0) throw mapUnsupported(`its ${key} is ${show(layer[key])}, not 0`);
  }
  if (typeof data === "string" && encoding === "csv") {
    obey(content.readCsv(data, width, height, gid));
  } else if (typeof data === "string" && encoding === "base64") {
    const bytes = await unpack(data, layer.compression, width * height * CELL_BYTES);
    obey(content.readCells(cellsOfBytes(bytes), width, height, gid));
  } else if (typeof data === "string") {
    throw mapUnsupported(`its encoding is ${show(encoding)}, not "csv" or "base64"`);
  } else if (Array.isArray(data)) {
    obey(content.readCells(cellsOfList(data, width, height), width, height, gid));
  } else {
    throw mapBad(`its data is ${show(data)}`);
  }
}

function cellsOfList(list: readonly unknown[], width: number, height: number): Uint32Array {
  if (list.length !== width * height) throw mapBad(`its data has ${list.length} tiles, not ${width} x ${height}`);
  const cells = new Uint32Array(list.length);
  for (let i = 0; i < cells.length; i++) {
    const cell = list[i];
    if (typeof cell !== "number" || !Number.isInteger(cell) || cell < 0 || cell > CELL_MAX) {
      throw mapBad(`row ${Math.floor(i / width) + 1}, column ${(i % width) + 1}: ${show(cell)} is not a tile id`);
    }
    cells[i] = cell;
  }
  return cells;
}

/** Little-endian, whatever the machine. */
function cellsOfBytes(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cells = new Uint32Array(bytes.length / CELL_BYTES);
  for (let i = 0; i < cells.length; i++) cells[i] = view.getUint32(i * CELL_BYTES, true);
  return cells;
}

/** Exactly size bytes. */
async function unpack(base64: string, compression: unknown, size: number): Promise<Uint8Array> {
  const packed = bytesOfBase64(base64);
  if (compression === "zlib" || compression === "gzip") {
    const { inflate } = await import("./inflate.js");
    return inflate(packed, compression, size);
  }
  if ((compression ?? "") !== "") throw mapUnsupported(`its compression is ${show(compression)}, not "zlib" or "gzip"`);
  if (packed.length !== size) throw mapBad(`its data has ${packed.length} bytes, not ${size}`);
  return packed;
}

function bytesOfBase64(base64: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(base64);
  } catch {
    throw mapBad(`its data is not base64: ${show(base64.trim())}`);
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
