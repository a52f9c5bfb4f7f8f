// Tiles as paths look at them: four planes of bits, ground and water, by rows and by columns, and the connected component of
// each tile. All derived from the zone's tiles, once. A set bit is a wall to those who walk on that class.
//
// Rows are looked along 57 to 64 tiles at a time (D. Harabor, A. Grastien, "Improving Jump Point Search", 2014); the planes by
// columns make the same of columns. Looking up a line, from x on, for what ends a straight way:
//
//        line - stride   ▓ ▓ . . .       a wall beside the line ends: who walks along the line may turn here, and not a
//        line            x . J . ▓       tile before, since no corner is cut. That is a jump point, J.
//
// Columns and rows are counted from 1; 0 and the last are walls, so that every look ends. O(tiles / 57) a look.
import { NONE, Paths, Zone, pathsOf } from "./layout";

/** Set in the end of a look when it is a wall and no jump point. */
export const WALL: u32 = 0x80000000;

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
function label(zone: Zone, paths: Paths, plane: usize, column: u32, row: u32): void {
  const stride = paths.rowStride;
  const tile = (row - 1) * zone.tilesX + column - 1;
  const labels = paths.labels;
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

/** Writes planes and labels from the zone's tiles. O(tiles), some 10 ns each. */
export function planesBuild(zone: Zone): void {
  if (zone.tilesX == 0) return;
  const paths = pathsOf(zone);
  const byRows = paths.rowStride * (zone.tilesY + 2);
  const byColumns = paths.columnStride * (zone.tilesX + 2);
  memory.fill(paths.groundRows, 0xff, byRows);
  memory.fill(paths.waterRows, 0xff, byRows);
  memory.fill(paths.groundColumns, 0xff, byColumns);
  memory.fill(paths.waterColumns, 0xff, byColumns);
  const tiles = zone.tilesX * zone.tilesY;
  const water = zone.tiles + ((zone.tileStride * zone.tilesY) << 2);
  memory.fill(paths.labels, 0xff, tiles << 2);
  for (let row: u32 = 1; row <= paths.rows; row++) {
    for (let column: u32 = 1; column <= paths.columns; column++) {
      const swims = bitAt(water, zone.tileStride, column - 1, row - 1);
      if (!swims && bitAt(zone.tiles, zone.tileStride, column - 1, row - 1)) continue;
      const plane = swims ? paths.waterRows : paths.groundRows;
      free(plane, paths.rowStride, row, column);
      free(swims ? paths.waterColumns : paths.groundColumns, paths.columnStride, column, row);
      label(zone, paths, plane, column, row);
    }
  }
  // A label points to a lower tile of its component, which has its final label by then.
  for (let tile: u32 = 0; tile < tiles; tile++) {
    const parent = load<u32>(paths.labels + (tile << 2));
    if (parent != NONE) store<u32>(paths.labels + (tile << 2), load<u32>(paths.labels + (parent << 2)));
  }
}
