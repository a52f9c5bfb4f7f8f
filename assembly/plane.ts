// Tiles as paths look at them: four planes of bits, ground and water, by rows and by columns, and the connected component of
// each tile. All derived from the zone's tiles, once. A set bit is a wall to those who walk on that class.
//
// There are such planes for each size of walkers: a tile is free when the largest box of that size, standing at the tile's centre, meets
// no wall. Points go wherever the centre lies in the zone; boxes of up to a tile keep out of tiles that the border cuts, which few
// zones have; each further size is the one before with a ring more of walls.
//
// Rows are looked along 57 to 64 tiles at a time (D. Harabor, A. Grastien, "Improving Jump Point Search", 2014); the planes by
// columns make the same of columns. Looking up a line, from x on, for what ends a straight way:
//
//        line - stride   ▓ ▓ . . .       a wall beside the line ends: who walks along the line may turn here, and not a
//        line            x . J . ▓       tile before, since no corner is cut. That is a jump point, J.
//
// Columns and rows are counted from 1; 0 and the last are walls, so that every look ends. O(tiles / 57) a look.
import { NONE, Zone } from "./layout";
import { Paths, pathsOf } from "./ways";

/** Set in the end of a look when it is a wall and no jump point. */
export const WALL: u32 = 0x80000000;

// @ts-ignore: decorator
@inline
export function blockOf(paths: Paths, size: u32): usize {
  const index = size - <u32>(size != 0) * paths.sameSizes;
  return paths.blocks + <usize>index * paths.blockBytes;
}

// @ts-ignore: decorator
@inline
export function waterRows(paths: Paths, block: usize): usize {
  return block + paths.rowsBytes;
}

// @ts-ignore: decorator
@inline
export function groundColumns(paths: Paths, block: usize): usize {
  return block + (paths.rowsBytes << 1);
}

// @ts-ignore: decorator
@inline
export function waterColumns(paths: Paths, block: usize): usize {
  return block + (paths.rowsBytes << 1) + paths.columnsBytes;
}

/** u32 by tile: its connected component, NONE where nobody walks. */
// @ts-ignore: decorator
@inline
export function labelsOf(paths: Paths, block: usize): usize {
  return block + ((paths.rowsBytes + paths.columnsBytes) << 1);
}

/** Three tiles of a line around `at`, the one before in bit 0. */
// @ts-ignore: decorator
@inline
export function around(plane: usize, stride: u32, line: u32, at: u32): u32 {
  return (<u32>load<u16>(plane + line * stride + ((at - 1) >>> 3)) >>> ((at - 1) & 7)) & 7;
}

// @ts-ignore: decorator
@inline
export function isWall(plane: usize, stride: u32, line: u32, at: u32): bool {
  return ((load<u8>(plane + line * stride + (at >>> 3)) >>> (at & 7)) & 1) != 0;
}

/** The first jump point or wall behind `at` on the line at this address, towards higher places. */
// @ts-ignore: decorator
@inline
export function lookUp(line: usize, stride: u32, at: u32): u32 {
  while (true) {
    const byte = at >>> 3;
    const walls = load<u64>(line + byte);
    const before = load<u64>(line - stride + byte);
    const behind = load<u64>(line + stride + byte);
    const jumps = ((before << 1) & ~before) | ((behind << 1) & ~behind);
    const ends = (walls | jumps) & (~(<u64>1) << <u64>(at & 7));
    if (ends != 0) {
      const bit = ctz(ends);
      return ((byte << 3) + <u32>bit) | (((walls >>> bit) & 1) != 0 ? WALL : 0);
    }
    // The last tile of this window begins the next one, which needs it to see where walls end.
    at = (byte << 3) + 63;
  }
}

/** The same towards lower places. */
// @ts-ignore: decorator
@inline
export function lookDown(line: usize, stride: u32, at: u32): u32 {
  while (true) {
    const byte = (at >>> 3) - 7;
    const walls = load<u64>(line + byte);
    const before = load<u64>(line - stride + byte);
    const behind = load<u64>(line + stride + byte);
    const jumps = ((before >>> 1) & ~before) | ((behind >>> 1) & ~behind);
    const ends = (walls | jumps) & ((<u64>1 << (56 + <u64>(at & 7))) - 1);
    if (ends != 0) {
      const bit = 63 - clz(ends);
      return ((byte << 3) + <u32>bit) | (((walls >>> bit) & 1) != 0 ? WALL : 0);
    }
    at = byte << 3;
  }
}

// @ts-ignore: decorator
@inline
function free(plane: usize, stride: u32, line: u32, at: u32): void {
  const address = plane + line * stride + (at >>> 3);
  const bit: u32 = 1 << (at & 7);
  store<u8>(address, <u8>(<u32>load<u8>(address) & ~bit));
}

// @ts-ignore: decorator
@inline
function bitAt(bits: usize, stride: u32, column: u32, row: u32): bool {
  return ((load<u32>(bits + ((row * stride + (column >>> 5)) << 2)) >>> (column & 31)) & 1) != 0;
}

function rootOf(labels: usize, tile: u32): u32 {
  while (true) {
    const parent = load<u32>(labels + (tile << 2));
    if (parent == tile) return tile;
    tile = parent;
  }
}

/** Makes one component of those of two tiles; its root is the lower one's. */
function join(labels: usize, a: u32, b: u32): void {
  const rootA = rootOf(labels, a);
  const rootB = rootOf(labels, b);
  store<u32>(labels + (max(rootA, rootB) << 2), min(rootA, rootB));
}

/**
 * Labels a tile that may be walked on and whose left and upper neighbours are labelled. No diagonal step joins what straight steps
 * do not, since both orthogonal neighbours have to be free.
 */
function label(zone: Zone, paths: Paths, labels: usize, plane: usize, column: u32, row: u32): void {
  const stride = paths.rowStride;
  const tile = (row - 1) * zone.tilesX + column - 1;
  const left = !isWall(plane, stride, row, column - 1);
  const up = !isWall(plane, stride, row - 1, column);
  if (left) {
    store<u32>(labels + (tile << 2), load<u32>(labels + ((tile - 1) << 2)));
    // Over the corner the two are one already.
    if (up && isWall(plane, stride, row - 1, column - 1)) join(labels, tile, tile - zone.tilesX);
  } else {
    store<u32>(labels + (tile << 2), up ? load<u32>(labels + ((tile - zone.tilesX) << 2)) : tile);
  }
}

/** May one that is a size smaller stand here and all around? */
// @ts-ignore: decorator
@inline
function widelyFree(plane: usize, stride: u32, row: u32, column: u32): bool {
  return (
    around(plane, stride, row, column) | around(plane, stride, row - 1, column) | around(plane, stride, row + 1, column)
  ) == 0;
}

/** Which plane of a size a tile is free in: 0 ground, 1 water, NONE neither. */
function classOf(zone: Zone, paths: Paths, size: u32, column: u32, row: u32): u32 {
  if (size < 2) {
    if (size != 0 && (column > paths.wholeColumns || row > paths.wholeRows)) return NONE;
    const water = zone.tiles + ((zone.tileStride * zone.tilesY) << 2);
    if (bitAt(water, zone.tileStride, column - 1, row - 1)) return 1;
    return bitAt(zone.tiles, zone.tileStride, column - 1, row - 1) ? NONE : 0;
  }
  const smaller = blockOf(paths, size - 1);
  if (widelyFree(smaller, paths.rowStride, row, column)) return 0;
  return widelyFree(waterRows(paths, smaller), paths.rowStride, row, column) ? 1 : NONE;
}

function buildBlock(zone: Zone, paths: Paths, size: u32): void {
  const block = blockOf(paths, size);
  // Labels NONE too.
  memory.fill(block, 0xff, paths.blockBytes);
  const labels = labelsOf(paths, block);
  for (let row: u32 = 1; row <= paths.rows; row++) {
    for (let column: u32 = 1; column <= paths.columns; column++) {
      const kind: usize = classOf(zone, paths, size, column, row);
      if (kind == NONE) continue;
      const plane = block + kind * paths.rowsBytes;
      free(plane, paths.rowStride, row, column);
      free(groundColumns(paths, block) + kind * paths.columnsBytes, paths.columnStride, column, row);
      label(zone, paths, labels, plane, column, row);
    }
  }
  // A label points to a lower tile of its component, which has its final label by then.
  const tiles = zone.tilesX * zone.tilesY;
  for (let tile: u32 = 0; tile < tiles; tile++) {
    const parent = load<u32>(labels + (tile << 2));
    if (parent != NONE) store<u32>(labels + (tile << 2), load<u32>(labels + (parent << 2)));
  }
}

/** Writes planes and labels of all sizes from the zone's tiles. O(tiles) a size, some 10 ns each. */
export function planesBuild(zone: Zone): void {
  if (zone.tilesX == 0) return;
  const paths = pathsOf(zone);
  for (let size: u32 = 0; size < paths.sizes; size++) {
    if (size != 1 || paths.sameSizes == 0) buildBlock(zone, paths, size);
  }
}
