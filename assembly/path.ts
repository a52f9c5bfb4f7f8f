// Paths: jump point search (D. Harabor, A. Grastien, "Online Graph Pruning for Pathfinding on Grid Maps", 2011), for steps that
// cut no corners. Of all shortest paths only those are followed that go diagonally first; such a path turns at jump points alone
// (plane.ts), and what lies between is looked over, 57 tiles at a time.
//
//          ▓ ▓ ▓ ┆             From a node: straight on; around the corner it lies at, sideways and diagonally. At
//        S───────J───>         every step of a diagonal, sideways along the row and the column. Where a diagonal turns
//               ╱┆╲            is no node: the way from a node to the next is diagonal first, then straight.
//
// A* over those nodes, with the octile distance. Costs are counts of straight and diagonal steps, which no rounding touches: two costs
// are equal only if both counts are, since the square root of 2 is irrational. A way that is found is a shortest one.
//
// Nodes lie in an array in the order in which they were met. nodeOf gives a tile's index in there, and what it gives is believed when
// that node says the same tile: nothing needs clearing between searches. Work and memory are bounded by the zone's tiles.
import { NONE, Zone } from "./layout";
import { PathNode, Paths, pathsOf, walkerSize } from "./ways";
import { WALL, blockOf, groundColumns, isWall, labelsOf, lookDown, lookUp, waterColumns, waterRows } from "./plane";
import { boxInside } from "./tiles";

/** Directions of arrival. */
const EAST: u32 = 0;
const WEST: u32 = 1;
const SOUTH: u32 = 2;
const NORTH: u32 = 3;
const START: u32 = 4;
const DIRECTION_BITS: u32 = 3;
/** The low bits of a heap's entry; nodes of the largest zone fit. */
const INDEX_MASK: u32 = 0xffffff;

// @ts-ignore: decorator
@inline
function costOf(straight: u32, diagonal: u32): f64 {
  return <f64>straight + <f64>diagonal * Math.SQRT2;
}

// @ts-ignore: decorator
@inline
function nodeAt(paths: Paths, index: u32): PathNode {
  return changetype<PathNode>(paths.nodes + index * <u32>offsetof<PathNode>());
}

/** Cost of a way through a place that is so many steps from the start, if nothing is in the way from there to the goal. */
// @ts-ignore: decorator
@inline
function estimate(paths: Paths, column: u32, row: u32, straight: u32, diagonal: u32): f64 {
  const dx = <u32>abs(<i32>(column - paths.goalColumn));
  const dy = <u32>abs(<i32>(row - paths.goalRow));
  const both = min(dx, dy);
  return costOf(straight + max(dx, dy) - both, diagonal + both);
}

// --- heap: entries are the high 40 bits of an estimate, then the index of its node, inverted, so that of equal ones the node met last,
// which mostly is nearest to the goal, comes first. What the cut bits hide is looked at when the goal has been reached.

// @ts-ignore: decorator
@inline
function entryOf(cost: f64, index: u32): u64 {
  return (reinterpret<u64>(cost) & ~(<u64>INDEX_MASK)) | (INDEX_MASK - index);
}

// @ts-ignore: decorator
@inline
function heapPut(paths: Paths, place: u32, entry: u64): void {
  store<u64>(paths.heap + (place << 3), entry);
  nodeAt(paths, INDEX_MASK - (<u32>entry & INDEX_MASK)).place = place;
}

/** Puts an entry at a place or further up. */
function heapRise(paths: Paths, place: u32, entry: u64): void {
  while (place != 0) {
    const parent = (place - 1) >>> 1;
    const above = load<u64>(paths.heap + (parent << 3));
    if (above <= entry) break;
    heapPut(paths, place, above);
    place = parent;
  }
  heapPut(paths, place, entry);
}

/** Takes the least entry out of a heap that is not empty. */
function heapTake(paths: Paths): u64 {
  const heap = paths.heap;
  const least = load<u64>(heap);
  const count = --paths.heapCount;
  nodeAt(paths, INDEX_MASK - (<u32>least & INDEX_MASK)).place = NONE;
  if (count == 0) return least;
  const last = load<u64>(heap + (count << 3));
  let place: u32 = 0;
  while (true) {
    let child = place * 2 + 1;
    if (child >= count) break;
    let entry = load<u64>(heap + (child << 3));
    if (child + 1 < count) {
      const right = load<u64>(heap + (child << 3), 8);
      if (right < entry) {
        entry = right;
        child++;
      }
    }
    if (last <= entry) break;
    heapPut(paths, place, entry);
    place = child;
  }
  heapPut(paths, place, last);
  return least;
}

// --- nodes

/** A way to a place has been found; `from` is the index of the node before and the direction of arrival. */
function reach(zone: Zone, paths: Paths, column: u32, row: u32, from: u32, straight: u32, diagonal: u32): void {
  const cost = estimate(paths, column, row, straight, diagonal);
  if (cost >= paths.best) return;
  const known = paths.nodeOf + (((row - 1) * zone.tilesX + column - 1) << 2);
  let index = load<u32>(known);
  let node = nodeAt(paths, index);
  if (index < paths.nodeCount && node.column == column && node.row == row) {
    if (costOf(node.straight, node.diagonal) <= costOf(straight, diagonal)) return;
  } else {
    index = paths.nodeCount++;
    store<u32>(known, index);
    node = nodeAt(paths, index);
    node.column = column;
    node.row = row;
    node.place = NONE;
  }
  node.straight = straight;
  node.diagonal = diagonal;
  node.from = from;
  if (column == paths.goalColumn && row == paths.goalRow) {
    paths.goal = index;
    paths.best = cost;
  } else {
    heapRise(paths, node.place == NONE ? paths.heapCount++ : node.place, entryOf(cost, index));
  }
}

/** Looks along the row from a place that is so many steps from the start. */
function alongRow(zone: Zone, paths: Paths, node: u32, column: u32, row: u32, straight: u32, diagonal: u32, right: bool): void {
  const stride = paths.rowStride;
  const line = paths.rowWalls + row * stride;
  const look = right ? lookUp(line, stride, column) : lookDown(line, stride, column);
  let end = look & ~WALL;
  const goal = paths.goalColumn;
  if (row == paths.goalRow && (right ? goal > column && goal <= end : goal < column && goal >= end)) end = goal;
  else if ((look & WALL) != 0) return;
  const steps = right ? end - column : column - end;
  reach(zone, paths, end, row, (node << DIRECTION_BITS) | (right ? EAST : WEST), straight + steps, diagonal);
}

function alongColumn(zone: Zone, paths: Paths, node: u32, column: u32, row: u32, straight: u32, diagonal: u32, down: bool): void {
  const stride = paths.columnStride;
  const line = paths.columnWalls + column * stride;
  const look = down ? lookUp(line, stride, row) : lookDown(line, stride, row);
  let end = look & ~WALL;
  const goal = paths.goalRow;
  if (column == paths.goalColumn && (down ? goal > row && goal <= end : goal < row && goal >= end)) end = goal;
  else if ((look & WALL) != 0) return;
  const steps = down ? end - row : row - end;
  reach(zone, paths, column, end, (node << DIRECTION_BITS) | (down ? SOUTH : NORTH), straight + steps, diagonal);
}

/** Follows a diagonal from a node, looking sideways at each step. */
function alongDiagonal(zone: Zone, paths: Paths, index: u32, right: bool, down: bool): void {
  const walls = paths.rowWalls;
  const stride = paths.rowStride;
  const node = nodeAt(paths, index);
  const straight = node.straight;
  let diagonal = node.diagonal;
  let column = node.column;
  let row = node.row;
  while (true) {
    const nextColumn = right ? column + 1 : column - 1;
    const nextRow = down ? row + 1 : row - 1;
    if (
      isWall(walls, stride, row, nextColumn) || isWall(walls, stride, nextRow, column) ||
      isWall(walls, stride, nextRow, nextColumn)
    ) return;
    column = nextColumn;
    row = nextRow;
    diagonal++;
    if (column == paths.goalColumn && row == paths.goalRow) {
      return reach(zone, paths, column, row, (index << DIRECTION_BITS) | START, straight, diagonal);
    }
    alongRow(zone, paths, index, column, row, straight, diagonal, right);
    alongColumn(zone, paths, index, column, row, straight, diagonal, down);
  }
}

/** From a node that was reached along its row: on, and around the corners that end behind it. */
function expandRow(zone: Zone, paths: Paths, index: u32, right: bool): void {
  const walls = paths.rowWalls;
  const stride = paths.rowStride;
  const node = nodeAt(paths, index);
  const column = node.column;
  const row = node.row;
  const behind = right ? column - 1 : column + 1;
  alongRow(zone, paths, index, column, row, node.straight, node.diagonal, right);
  for (let side: u32 = 0; side < 2; side++) {
    const beside = row - 1 + (side << 1);
    if (!isWall(walls, stride, beside, behind) || isWall(walls, stride, beside, column)) continue;
    alongColumn(zone, paths, index, column, row, node.straight, node.diagonal, side != 0);
    alongDiagonal(zone, paths, index, right, side != 0);
  }
}

function expandColumn(zone: Zone, paths: Paths, index: u32, down: bool): void {
  const walls = paths.rowWalls;
  const stride = paths.rowStride;
  const node = nodeAt(paths, index);
  const column = node.column;
  const row = node.row;
  const behind = down ? row - 1 : row + 1;
  alongColumn(zone, paths, index, column, row, node.straight, node.diagonal, down);
  for (let side: u32 = 0; side < 2; side++) {
    const beside = column - 1 + (side << 1);
    if (!isWall(walls, stride, behind, beside) || isWall(walls, stride, row, beside)) continue;
    alongRow(zone, paths, index, column, row, node.straight, node.diagonal, side != 0);
    alongDiagonal(zone, paths, index, side != 0, down);
  }
}

function expandStart(zone: Zone, paths: Paths, index: u32): void {
  const node = nodeAt(paths, index);
  for (let side: u32 = 0; side < 2; side++) {
    alongRow(zone, paths, index, node.column, node.row, 0, 0, side != 0);
    alongColumn(zone, paths, index, node.column, node.row, 0, 0, side != 0);
    alongDiagonal(zone, paths, index, side != 0, false);
    alongDiagonal(zone, paths, index, side != 0, true);
  }
}

function expand(zone: Zone, paths: Paths, index: u32): void {
  const direction = nodeAt(paths, index).from & ((1 << DIRECTION_BITS) - 1);
  if (direction == START) expandStart(zone, paths, index);
  else if (direction < SOUTH) expandRow(zone, paths, index, direction == EAST);
  else expandColumn(zone, paths, index, direction == SOUTH);
}

// --- the search

// @ts-ignore: decorator
@inline
export function wayPut(zone: Zone, place: u32, column: u32, row: u32): void {
  store<u32>(zone.way + (place << 3), column);
  store<u32>(zone.way + (place << 3), row, 4);
}

/** Writes start, nodes and goal of the way that was found. */
function writeWay(zone: Zone, paths: Paths): void {
  let length: u32 = 1;
  for (let index = paths.goal; index != 0; index = nodeAt(paths, index).from >>> DIRECTION_BITS) length++;
  zone.wayLength = length;
  let index = paths.goal;
  while (length-- != 0) {
    const node = nodeAt(paths, index);
    wayPut(zone, length, node.column - 1, node.row - 1);
    index = node.from >>> DIRECTION_BITS;
  }
}

/**
 * Begins a search from tile to tile, counted from 0, for walkers of a size. False when there is no way. Some other search that was under
 * way is lost.
 */
export function searchBegin(zone: Zone, column: u32, row: u32, goalColumn: u32, goalRow: u32, size: u32): bool {
  if (column == NONE || row == NONE || goalColumn == NONE || goalRow == NONE) return false;
  const paths = pathsOf(zone);
  const block = blockOf(paths, size);
  const labels = labelsOf(paths, block);
  const label = load<u32>(labels + ((row * zone.tilesX + column) << 2));
  const goalLabel = load<u32>(labels + ((goalRow * zone.tilesX + goalColumn) << 2));
  if (label == NONE || label != goalLabel) return false;
  const water = isWall(block, paths.rowStride, row + 1, column + 1);
  paths.searcher = NONE;
  paths.rowWalls = water ? waterRows(paths, block) : block;
  paths.columnWalls = water ? waterColumns(paths, block) : groundColumns(paths, block);
  paths.goalColumn = goalColumn + 1;
  paths.goalRow = goalRow + 1;
  paths.nodeCount = 0;
  paths.heapCount = 0;
  paths.over = 0;
  paths.best = Infinity;
  reach(zone, paths, column + 1, row + 1, START, 0, 0);
  return true;
}

/**
 * Goes on with the search, for up to so many nodes; how many it expanded. When that ended it, paths.over is 1, the cost in paths.best and
 * the way in zone.way. Where it stands after n nodes depends on nothing but the search and n.
 */
export function searchRun(zone: Zone, paths: Paths, budget: u32): u32 {
  let left = budget;
  while (paths.heapCount != 0) {
    if (left == 0) return budget;
    const entry = heapTake(paths);
    const index = INDEX_MASK - (<u32>entry & INDEX_MASK);
    const node = nodeAt(paths, index);
    if (estimate(paths, node.column, node.row, node.straight, node.diagonal) < paths.best) {
      expand(zone, paths, index);
      left--;
    } else if ((entry | INDEX_MASK) > (reinterpret<u64>(paths.best) | INDEX_MASK)) {
      break;
    }
  }
  paths.over = 1;
  writeWay(zone, paths);
  return budget - left;
}

/** A coordinate's tile, counted from 0; NONE when it is not in [0, size) or the tile's centre is not. */
export function lineOf(at: f64, tileSize: f32, size: f32): u32 {
  if (!(at >= 0 && at < <f64>size)) return NONE;
  const line = floor<f64>(at / <f64>tileSize);
  return <f32>((line + 0.5) * <f64>tileSize) < size ? <u32>line : NONE;
}

/** Centre of a column or row. */
// @ts-ignore: decorator
@inline
export function centreOf(zone: Zone, line: u32): f64 {
  return (<f64>line + 0.5) * <f64>zone.tileSize;
}

/** Where nothing is in the way but the zone's border. */
function straightPath(zone: Zone, column: u32, row: u32, goalColumn: u32, goalRow: u32, halfSize: f32): f64 {
  if (
    halfSize != 0 &&
    (!boxInside(zone, <f32>centreOf(zone, column), <f32>centreOf(zone, row), halfSize) ||
      !boxInside(zone, <f32>centreOf(zone, goalColumn), <f32>centreOf(zone, goalRow), halfSize))
  ) return -1;
  const dx = max(column, goalColumn) - min(column, goalColumn);
  const dy = max(row, goalRow) - min(row, goalRow);
  wayPut(zone, 0, column, row);
  wayPut(zone, 1, goalColumn, goalRow);
  zone.wayLength = 2;
  return costOf(max(dx, dy) - min(dx, dy), min(dx, dy));
}

/** A shortest path from tile to tile, counted from 0, NONE outside; see findPath. */
export function findTilePath(zone: Zone, column: u32, row: u32, goalColumn: u32, goalRow: u32, halfSize: f32): f64 {
  if (column == NONE || row == NONE || goalColumn == NONE || goalRow == NONE) return -1;
  if (zone.tilesX == 0) return straightPath(zone, column, row, goalColumn, goalRow, halfSize);
  if (!searchBegin(zone, column, row, goalColumn, goalRow, walkerSize(zone.tileSize, halfSize))) return -1;
  const paths = pathsOf(zone);
  searchRun(zone, paths, u32.MAX_VALUE);
  return paths.best;
}

/**
 * A shortest path from the tile of one point to that of another, for a box of at most zone.walkerHalfSize. Gives its cost in tiles, -1
 * when there is none; where it turns is in zone.way then.
 */
export function findPath(zone: Zone, x0: f64, y0: f64, x1: f64, y1: f64, halfSize: f32): f64 {
  assert(isFinite(x0) && isFinite(y0) && isFinite(x1) && isFinite(y1) && halfSize >= 0 && halfSize <= zone.walkerHalfSize);
  return findTilePath(
    zone, lineOf(x0, zone.tileSize, zone.width), lineOf(y0, zone.tileSize, zone.height), lineOf(x1, zone.tileSize, zone.width),
    lineOf(y1, zone.tileSize, zone.height), halfSize,
  );
}
