// Flow fields: for one goal, or the nearest of up to 16, the way there from every tile, as one byte a tile: 1 to 8 the neighbour to step to
// (east, south-east, south, ... clockwise), 9 a goal's tile, 0 unknown or no way. Steps are those of paths: no corner is cut.
//
//     6  7  8      A field is computed from its goals outwards by Dijkstra's algorithm, at most spec.flowBudget tiles a tick, one
//      ╲ ┆ ╱       field after the other in the order in which they were begun. A tile's byte is final as soon as it is settled, so a field
//     5 ┄9┄ 1      is walked along while its far end is still computed.
//      ╱ ┆ ╲
//     4  3  2
//
// Costs are whole numbers, 5741 for a straight and 8119 for a diagonal step: their ratio is a convergent of the square root of 2, off by
// 1.1e-8. Of two ways whose counts of diagonal steps differ by less than 5741 the shorter one is always recognised; beyond, a way may
// be longer than the shortest by that share of the difference (0.001 tiles at 94,000). Whole costs have a queue of buckets: a tile opens
// and closes in O(1), some 50 to 70 ns in all. Ways of more than COST_MAX (748,000 tiles) are not followed.
//
// The table of fields is part of the state; what they hold follows from it and is computed again after a restore. Two users share the
// table: a game opens fields and closes them; others request one by its goal, and lose it when it has not been requested for a while and
// another one is.
import { NONE, Zone } from "./layout";
import { FIELD_BYTES, FIELD_GOALS_MAX, FLOW_BUCKETS, Field, FlowState, FlowTile, Paths, pathsOf, walkerSize } from "./ways";
import { around, blockOf, isWall, labelsOf, waterRows } from "./plane";
import { centreOf, lineOf } from "./path";

export const EAST: u32 = 1;
export const SOUTH_EAST: u32 = 2;
export const SOUTH: u32 = 3;
export const SOUTH_WEST: u32 = 4;
export const WEST: u32 = 5;
export const NORTH_WEST: u32 = 6;
export const NORTH: u32 = 7;
export const NORTH_EAST: u32 = 8;
export const GOAL: u32 = 9;
/** Set in the byte of a tile that is not settled yet. */
const OPEN: u32 = 16;

const STRAIGHT: u32 = 5741;
const DIAGONAL: u32 = 8119;
const COST_MAX: u32 = 0xffffffff - DIAGONAL;
const BUCKET_MASK: u32 = FLOW_BUCKETS - 1;

// Status of a field.
const NOBODYS: u32 = 0;
const COMPUTING: u32 = 1;
const READY: u32 = 2;
const STAMP_MAX: u32 = 0xffffff;
/** What nobody has requested for so long may be evicted. Seconds; longer than it takes those who follow to look around. */
const REST: f64 = 0.5;
/** Distinguishes a key from that of an opened field, which is 0. */
const REQUESTED: u64 = 1 << 31;

if (DIAGONAL >= FLOW_BUCKETS) ERROR("a step must stay within the buckets");

// @ts-ignore: decorator
@inline
export function fieldAt(paths: Paths, index: u32): Field {
  return changetype<Field>(paths.fields + offsetof<FlowState>() + index * FIELD_BYTES);
}

// @ts-ignore: decorator
@inline
export function goalX(field: Field, goal: u32): f32 {
  return load<f32>(changetype<usize>(field) + (goal << 3), offsetof<Field>("goals"));
}

// @ts-ignore: decorator
@inline
export function goalY(field: Field, goal: u32): f32 {
  return load<f32>(changetype<usize>(field) + (goal << 3), offsetof<Field>("goals") + 4);
}

// A handle is index + 1 in the low byte, stamp above it.
// @ts-ignore: decorator
@inline
export function indexOf(handle: u32): u32 {
  return (handle & 0xff) - 1;
}

/** Is there such a field? */
// @ts-ignore: decorator
@inline
export function fieldLive(paths: Paths, handle: u32): bool {
  return handle != 0 && load<u32>(paths.handles + ((handle & 0xff) << 2)) == handle;
}

// @ts-ignore: decorator
@inline
function directionsOf(zone: Zone, paths: Paths, index: u32): usize {
  return paths.directions + <usize>index * (zone.tilesX * zone.tilesY);
}

/** The step to take from a tile of the zone: 0 when the handle is stale, the tile is not settled or there is no way. Needs tiles. */
// @ts-ignore: decorator
@inline
export function flowDirection(zone: Zone, handle: u32, column: u32, row: u32): u32 {
  const paths = pathsOf(zone);
  if (!fieldLive(paths, handle)) return 0;
  assert(column < zone.tilesX && row < zone.tilesY);
  const direction = <u32>load<u8>(directionsOf(zone, paths, indexOf(handle)) + row * zone.tilesX + column);
  return direction < OPEN ? direction : 0;
}

// --- the queue: a list of open tiles for each cost, modulo the number of buckets

// @ts-ignore: decorator
@inline
function tileAt(paths: Paths, tile: u32): FlowTile {
  return changetype<FlowTile>(paths.flowTiles + tile * <u32>offsetof<FlowTile>());
}

function queuePut(paths: Paths, tile: u32, cost: u32): void {
  const bucket = cost & BUCKET_MASK;
  const word = paths.flowBits + ((bucket >>> 6) << 3);
  const bits = load<u64>(word);
  const bit = <u64>1 << (bucket & 63);
  const head = paths.flowHeads + (bucket << 2);
  let next = NONE;
  if ((bits & bit) != 0) {
    next = load<u32>(head);
    tileAt(paths, next).before = tile;
  } else {
    store<u64>(word, bits | bit);
  }
  store<u32>(head, tile);
  const entry = tileAt(paths, tile);
  entry.cost = cost;
  entry.next = next;
  entry.before = NONE;
}

function queueTake(paths: Paths, tile: u32): void {
  const entry = tileAt(paths, tile);
  if (entry.next != NONE) tileAt(paths, entry.next).before = entry.before;
  if (entry.before != NONE) {
    tileAt(paths, entry.before).next = entry.next;
    return;
  }
  const bucket = entry.cost & BUCKET_MASK;
  if (entry.next != NONE) {
    store<u32>(paths.flowHeads + (bucket << 2), entry.next);
  } else {
    const word = paths.flowBits + ((bucket >>> 6) << 3);
    store<u64>(word, load<u64>(word) & ~(<u64>1 << (bucket & 63)));
  }
}

/** The first tile of the least cost from `cost` on; NONE when no tile is open. */
function queueLeast(paths: Paths, cost: u32): u32 {
  const bucket = cost & BUCKET_MASK;
  let word = bucket >>> 6;
  let bits = load<u64>(paths.flowBits + (word << 3)) & (~(<u64>0) << (bucket & 63));
  // Once around, and the first word's low bits again.
  for (let words: u32 = 0; words <= FLOW_BUCKETS >>> 6; words++) {
    if (bits != 0) return load<u32>(paths.flowHeads + (((word << 6) + <u32>ctz(bits)) << 2));
    word = (word + 1) & ((FLOW_BUCKETS >>> 6) - 1);
    bits = load<u64>(paths.flowBits + (word << 3));
  }
  return NONE;
}

// --- computing

/** A way from this tile has been found that begins with this step. */
function open(paths: Paths, directions: usize, tile: u32, cost: u32, direction: u32): void {
  const known = <u32>load<u8>(directions + tile);
  if (known != 0) {
    if (known < OPEN || tileAt(paths, tile).cost <= cost) return;
    queueTake(paths, tile);
  }
  store<u8>(directions + tile, <u8>(OPEN | direction));
  queuePut(paths, tile, cost);
}

/** Columns and rows count from 0 as tiles, from 1 in planes. */
function settle(zone: Zone, paths: Paths, directions: usize, tile: u32, cost: u32): void {
  const columns = zone.tilesX;
  const row = tile / columns;
  const column = tile - row * columns;
  const stride = paths.rowStride;
  queueTake(paths, tile);
  store<u8>(directions + tile, load<u8>(directions + tile) & <u8>(OPEN - 1));
  let plane = paths.flowGround;
  if (isWall(plane, stride, row + 1, column + 1)) plane = paths.flowWater;
  const beside = around(plane, stride, row + 1, column + 1);
  const above = around(plane, stride, row, column + 1);
  const below = around(plane, stride, row + 2, column + 1);
  const west = (beside & 1) != 0;
  const east = (beside & 4) != 0;
  const north = (above & 2) != 0;
  const south = (below & 2) != 0;
  const straight = cost + STRAIGHT;
  if (!east) open(paths, directions, tile + 1, straight, WEST);
  if (!south) open(paths, directions, tile + columns, straight, NORTH);
  if (!west) open(paths, directions, tile - 1, straight, EAST);
  if (!north) open(paths, directions, tile - columns, straight, SOUTH);
  const diagonal = cost + DIAGONAL;
  if (!(south || east || (below & 4) != 0)) open(paths, directions, tile + columns + 1, diagonal, NORTH_WEST);
  if (!(south || west || (below & 1) != 0)) open(paths, directions, tile + columns - 1, diagonal, NORTH_EAST);
  if (!(north || west || (above & 1) != 0)) open(paths, directions, tile - columns - 1, diagonal, SOUTH_EAST);
  if (!(north || east || (above & 4) != 0)) open(paths, directions, tile - columns + 1, diagonal, SOUTH_WEST);
}

/** May a walker of this size stand at the tile's centre? */
// @ts-ignore: decorator
@inline
function standable(zone: Zone, paths: Paths, size: u32, tile: u32): bool {
  return load<u32>(labelsOf(paths, blockOf(paths, size)) + (tile << 2)) != NONE;
}

/**
 * Opens a goal's tile, or, where those who walk are too large to stand at its centre, the nearest tiles where they cover it; or only says
 * whether there are any, with `directions` 0.
 */
function openGoal(zone: Zone, paths: Paths, directions: usize, column: u32, row: u32, size: u32): bool {
  let any = false;
  const rings: i32 = size > 1 ? size - 1 : 0;
  for (let ring: i32 = 0; ring <= rings && !any; ring++) {
    const r0 = max<i32>(0, row - ring);
    const r1 = min<i32>(zone.tilesY - 1, row + ring);
    const c0 = max<i32>(0, column - ring);
    const c1 = min<i32>(zone.tilesX - 1, column + ring);
    for (let r = r0; r <= r1; r++) {
      for (let c = c0; c <= c1; c++) {
        const tile = <u32>r * zone.tilesX + c;
        if (!standable(zone, paths, size, tile)) continue;
        any = true;
        if (directions != 0) open(paths, directions, tile, 0, GOAL);
      }
    }
  }
  return any;
}

/** Opens the goals of the field that has waited longest; false when none waits. */
function startNext(zone: Zone, paths: Paths): bool {
  let index = NONE;
  let least: u64 = u64.MAX_VALUE;
  for (let i: u32 = 0; i < zone.flowFields; i++) {
    const field = fieldAt(paths, i);
    if (field.status == COMPUTING && field.begun < least) {
      least = field.begun;
      index = i;
    }
  }
  if (index == NONE) return false;
  startField(zone, paths, index);
  return true;
}

function startField(zone: Zone, paths: Paths, index: u32): void {
  const field = fieldAt(paths, index);
  const block = blockOf(paths, field.size);
  memory.fill(paths.flowBits, 0, FLOW_BUCKETS >>> 3);
  paths.flowField = index;
  paths.flowCost = 0;
  const limit = <f64>field.reach * <f64>STRAIGHT;
  paths.flowLimit = field.reach == 0 || limit > <f64>COST_MAX ? COST_MAX : <u32>limit;
  paths.flowGround = block;
  paths.flowWater = waterRows(paths, block);
  for (let goal: u32 = 0; goal < field.goalCount; goal++) {
    const column = lineOf(<f64>goalX(field, goal), zone.tileSize, zone.width);
    const row = lineOf(<f64>goalY(field, goal), zone.tileSize, zone.height);
    if (column == NONE || row == NONE) continue;
    openGoal(zone, paths, directionsOf(zone, paths, index), column, row, field.size);
  }
}

/** Settles up to so many tiles of the field that is computed; how many. Fewer when it is ready with them. */
function runField(zone: Zone, paths: Paths, budget: u32): u32 {
  const field = fieldAt(paths, paths.flowField);
  const directions = directionsOf(zone, paths, paths.flowField);
  const limit = paths.flowLimit;
  let cost = paths.flowCost;
  let settled: u32 = 0;
  while (settled < budget) {
    const tile = queueLeast(paths, cost);
    if (tile != NONE) cost = tileAt(paths, tile).cost;
    if (tile == NONE || cost > limit) {
      field.status = READY;
      paths.flowField = NONE;
      break;
    }
    settle(zone, paths, directions, tile, cost);
    settled++;
  }
  paths.flowCost = cost;
  field.settled += settled;
  return settled;
}

/** Settles up to so many tiles of fields, in the order in which they were begun. */
export function flowStep(zone: Zone, budget: u32): void {
  if (zone.flowFields == 0 || zone.tilesX == 0) return;
  const paths = pathsOf(zone);
  while (budget != 0 && (paths.flowField != NONE || startNext(zone, paths))) budget -= runField(zone, paths, budget);
}

// --- the table

/** Forgets the directions of a field, as far from its goals as it can have got. */
function clearDirections(zone: Zone, paths: Paths, index: u32): void {
  const field = fieldAt(paths, index);
  let c0: f64 = 0;
  let c1: f64 = zone.tilesX - 1;
  let r0: f64 = 0;
  let r1: f64 = zone.tilesY - 1;
  if (field.reach != 0) {
    // Open tiles lie a step beyond the reach, goals that cannot be stood on a few rings beside.
    const far = (<f64>field.reach + <f64>field.size + 2) * <f64>zone.tileSize;
    let x0: f64 = Infinity;
    let x1: f64 = -Infinity;
    let y0: f64 = Infinity;
    let y1: f64 = -Infinity;
    for (let goal: u32 = 0; goal < field.goalCount; goal++) {
      x0 = min(x0, <f64>goalX(field, goal));
      x1 = max(x1, <f64>goalX(field, goal));
      y0 = min(y0, <f64>goalY(field, goal));
      y1 = max(y1, <f64>goalY(field, goal));
    }
    c0 = max(c0, floor<f64>((x0 - far) / <f64>zone.tileSize));
    c1 = min(c1, floor<f64>((x1 + far) / <f64>zone.tileSize));
    r0 = max(r0, floor<f64>((y0 - far) / <f64>zone.tileSize));
    r1 = min(r1, floor<f64>((y1 + far) / <f64>zone.tileSize));
    if (c1 < c0) return;
  }
  const directions = directionsOf(zone, paths, index);
  for (let row = r0; row <= r1; row++) {
    memory.fill(directions + <u32>row * zone.tilesX + <u32>c0, 0, <u32>(c1 - c0) + 1);
  }
}

/** The place of a field is nobody's from now on. */
function release(zone: Zone, paths: Paths, index: u32): void {
  const field = fieldAt(paths, index);
  if (zone.tilesX != 0) clearDirections(zone, paths, index);
  if (paths.flowField == index) paths.flowField = NONE;
  const stamp = field.stamp;
  memory.fill(changetype<usize>(field), 0, FIELD_BYTES);
  field.stamp = stamp;
  store<u32>(paths.handles + (index << 2), 0, 4);
  store<u64>(paths.keys + (index << 3), 0, 8);
  paths.flowFull = 0;
}

/** A place for a new field: a free one, or that of the requested one that has rested longest, at least for `rest` ticks. NONE when there is none. */
function takePlace(zone: Zone, paths: Paths, rest: u32): u32 {
  let index = NONE;
  let longest: u32 = 0;
  for (let i: u32 = 0; i < zone.flowFields; i++) {
    const field = fieldAt(paths, i);
    if (field.status == NOBODYS) return i;
    const rested = zone.tick - field.lastUsed;
    if (field.key != 0 && rested >= rest && (index == NONE || rested > longest)) {
      index = i;
      longest = rested;
    }
  }
  if (index != NONE) release(zone, paths, index);
  return index;
}

/** Begins a field at a free place; the caller writes its goals. */
function begin(zone: Zone, paths: Paths, index: u32, size: u32, reach: f32, key: u64): u32 {
  const field = fieldAt(paths, index);
  field.begun = changetype<FlowState>(paths.fields).begun++;
  field.key = key;
  field.stamp = field.stamp == STAMP_MAX ? 1 : field.stamp + 1;
  field.lastUsed = zone.tick;
  field.status = zone.tilesX != 0 ? COMPUTING : READY;
  field.size = size;
  field.reach = reach;
  return publish(paths, index);
}

/** Makes a field be found by its handle, which it gives, and its key. */
function publish(paths: Paths, index: u32): u32 {
  const field = fieldAt(paths, index);
  const handle = (field.stamp << 8) | (index + 1);
  store<u32>(paths.handles + (index << 2), handle, 4);
  store<u64>(paths.keys + (index << 3), field.key, 8);
  return handle;
}

/**
 * The field for boxes of a size to the tile at (x, y), up to `reach` tiles of way from it, 0 without end: the one that there is for their
 * size of walkers, or a new one. Gives its handle; 0 when there is no place for it, such a box cannot stand there, is larger than the
 * zone's walkers, or the zone has no tiles. Whoever follows it requests it again at least every half second, or it may be gone. O(fields).
 */
export function flowRequest(zone: Zone, x: f32, y: f32, halfSize: f32, reach: u32): u32 {
  if (zone.flowFields == 0 || zone.tilesX == 0 || halfSize > zone.walkerHalfSize) return 0;
  const paths = pathsOf(zone);
  const size = walkerSize(zone.tileSize, halfSize);
  const column = lineOf(<f64>x, zone.tileSize, zone.width);
  const row = lineOf(<f64>y, zone.tileSize, zone.height);
  if (column == NONE || row == NONE) return 0;
  const tile = row * zone.tilesX + column;
  const key = (<u64>reach << 32) | REQUESTED | (size << 24) | tile;
  const end = paths.keys + (zone.flowFields << 3);
  for (let at = paths.keys; at < end; at += 8) {
    if (load<u64>(at, 8) != key) continue;
    const index = <u32>(at - paths.keys) >>> 3;
    fieldAt(paths, index).lastUsed = zone.tick;
    return load<u32>(paths.handles + (index << 2), 4);
  }
  if (paths.flowFull == zone.tick + 1 || !openGoal(zone, paths, 0, column, row, size)) return 0;
  const index = takePlace(zone, paths, <u32>ceil<f64>(zone.tickRate * REST));
  if (index == NONE) {
    paths.flowFull = zone.tick + 1;
    return 0;
  }
  const field = fieldAt(paths, index);
  field.goalCount = 1;
  store<f32>(changetype<usize>(field), <f32>centreOf(zone, column), offsetof<Field>("goals"));
  store<f32>(changetype<usize>(field), <f32>centreOf(zone, row), offsetof<Field>("goals") + 4);
  return begin(zone, paths, index, size, <f32>reach, key);
}

/** A field that stays until it is closed, to the first so many of paths.points. Its handle; 0 when all places are taken by such. */
export function fieldOpen(zone: Zone, goalCount: u32, size: u32, reach: f32): u32 {
  const paths = pathsOf(zone);
  assert(goalCount >= 1 && goalCount <= FIELD_GOALS_MAX && size < paths.sizes && reach >= 0);
  const index = takePlace(zone, paths, 0);
  if (index == NONE) return 0;
  const field = fieldAt(paths, index);
  field.goalCount = goalCount;
  memory.copy(changetype<usize>(field) + offsetof<Field>("goals"), paths.points, goalCount << 3);
  return begin(zone, paths, index, size, reach, 0);
}

/** False when the handle is stale, or of a field that was not opened. */
export function fieldClose(zone: Zone, handle: u32): bool {
  const paths = pathsOf(zone);
  if (!fieldLive(paths, handle) || fieldAt(paths, indexOf(handle)).key != 0) return false;
  release(zone, paths, indexOf(handle));
  return true;
}

export function fieldReady(zone: Zone, handle: u32): bool {
  const paths = pathsOf(zone);
  return fieldLive(paths, handle) && fieldAt(paths, indexOf(handle)).status == READY;
}

// --- state

/** Forgets what all fields hold; their table is the caller's to clear. */
export function fieldsForget(zone: Zone): void {
  if (zone.tilesX == 0) return;
  const paths = pathsOf(zone);
  for (let i: u32 = 0; i < zone.flowFields; i++) {
    if (fieldAt(paths, i).status != NOBODYS) clearDirections(zone, paths, i);
  }
}

function fieldValid(zone: Zone, paths: Paths, field: Field): bool {
  if (field.stamp > STAMP_MAX) return false;
  if (field.status == NOBODYS) return field.goalCount == 0 && field.key == 0 && field.settled == 0;
  for (let goal: u32 = 0; goal < min(field.goalCount, FIELD_GOALS_MAX); goal++) {
    if (!isFinite(goalX(field, goal)) || !isFinite(goalY(field, goal))) return false;
  }
  const tiles = zone.tilesX * zone.tilesY;
  return (
    field.stamp != 0 && field.status <= READY && field.goalCount >= 1 && field.goalCount <= FIELD_GOALS_MAX &&
    field.size < paths.sizes && field.reach >= 0 && field.reach <= f32.MAX_VALUE && field.settled <= tiles &&
    (tiles != 0 || field.status == READY)
  );
}

/** Is the table one that the kernel can have made? */
export function fieldsValid(zone: Zone): bool {
  const paths = pathsOf(zone);
  for (let i: u32 = 0; i < zone.flowFields; i++) if (!fieldValid(zone, paths, fieldAt(paths, i))) return false;
  return true;
}

/** Computes a field again, as far as it was. False when it does not come that far, or would go further than it says. */
function recompute(zone: Zone, paths: Paths, index: u32): bool {
  const field = fieldAt(paths, index);
  const settled = field.settled;
  const status = field.status;
  field.settled = 0;
  field.status = COMPUTING;
  startField(zone, paths, index);
  runField(zone, paths, status == READY ? u32.MAX_VALUE : settled);
  return field.settled == settled && field.status == status;
}

/** Computes what fields hold from a valid table; false when it cannot have been so. O(settled tiles). */
export function fieldsRestore(zone: Zone): bool {
  const paths = pathsOf(zone);
  let underWay = NONE;
  for (let i: u32 = 0; i < zone.flowFields; i++) {
    const field = fieldAt(paths, i);
    if (field.status == NOBODYS) continue;
    publish(paths, i);
    if (zone.tilesX == 0) continue;
    if (field.status == READY) {
      if (!recompute(zone, paths, i)) return false;
    } else if (field.settled != 0) {
      // One at a time.
      if (underWay != NONE) return false;
      underWay = i;
    }
  }
  return underWay == NONE || recompute(zone, paths, underWay);
}
