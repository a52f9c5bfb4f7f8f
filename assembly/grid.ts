// The grid: entities sorted by cell, so that a row of neighbouring cells is one contiguous run of x, y, id and team.
//
// Each row of cells has two strips: the entities of one team (the first layer), then all others. Who looks for enemies walks
// over one layer when there are two teams; who looks for anybody walks over both.
//
//   strips   row 0, layer 0 │ row 0, layer 1 │ row 1, layer 0 │ ...      starts: one per cell of each strip, and the end
//   sorted   a  b  c  d  e  │ f  g           │ h              │ ...      then what was spawned since (pending)
//
// Rebuilt each step by a counting sort, O(entities + cells). Between rebuilds a despawned entity's x becomes infinite (no
// query finds it), a spawned one is appended behind, and queries scan that tail in line. Asking never sorts, so it changes no order.
//
// A world with far more cells than entities is hashed instead, without layers: buckets of an open-addressing table take the place
// of cells, keyed by the packed cell, and a rectangle that has more cells than there are entries is answered by one run over all.
//
// The order of entries depends on the simulated state alone, so that what a game does in order of a query replays.
import { EMPTY, MIXED, NONE, PENDING_MAX, PENDING_SHIFT, Zone } from "./layout";

const HASH_MULTIPLIER: u32 = 0x9e3779b1; // 2^32 / golden ratio: D. Knuth, TAOCP vol. 3, 6.4

// @ts-ignore: decorator
@inline
function clampedCell(scaled: f32, cells: u32): i32 {
  return <i32>min<f32>(max<f32>(scaled, 0), <f32>(cells - 1));
}

/** Column of cells of an x anywhere; monotone, and the same arithmetic for entities and for the edges of queries. */
// @ts-ignore: decorator
@inline
export function cellColumn(zone: Zone, x: f32): i32 {
  return clampedCell(x * zone.columnInverse, zone.cellsX);
}

// @ts-ignore: decorator
@inline
export function cellRow(zone: Zone, y: f32): i32 {
  return clampedCell(y * zone.rowInverse, zone.cellsY);
}

// Edges of the square around a circle, moved outwards by more than the rounding of dx, dx * dx and the sum can hide.
// @ts-ignore: decorator
@inline
export function edgeLow(center: f32, radius: f32): f32 {
  const edge = <f64>center - <f64>radius;
  return <f32>(edge - (abs(<f64>center) + <f64>radius) * (1.0 / 1048576.0));
}

// @ts-ignore: decorator
@inline
export function edgeHigh(center: f32, radius: f32): f32 {
  const edge = <f64>center + <f64>radius;
  return <f32>(edge + (abs(<f64>center) + <f64>radius) * (1.0 / 1048576.0));
}

/** Bucket of a packed cell in a hashed grid, or of the empty place where it belongs. */
function bucketOf(zone: Zone, key: u32): u32 {
  const mask = zone.hashSize - 1;
  let bucket = ((key * HASH_MULTIPLIER) >>> 7) & mask;
  while (true) {
    const present = load<u32>(zone.keys + (bucket << 2));
    if (present == key || present == NONE) return bucket;
    bucket = (bucket + 1) & mask;
  }
}

// @ts-ignore: decorator
@inline
function packCell(row: i32, column: i32): u32 {
  return (<u32>row << 16) | <u32>column;
}

/** Slots looked at to find the most common team; which one is found only decides how fast searches are. */
const TALLY_SLOTS: u32 = 1024;

/** The most common team among up to TALLY_SLOTS slots, evenly spread; the lowest of equals. */
function commonTeam(zone: Zone): i32 {
  const tally = zone.tally;
  memory.fill(tally, 0, 1024);
  const stride = zone.highWater / TALLY_SLOTS + 1;
  for (let slot: u32 = 0; slot < zone.highWater; slot += stride) {
    const at = tally + (<u32>load<u8>(zone.team + slot) << 2);
    store<u32>(at, load<u32>(at) + <u32>load<u8>(zone.alive + slot));
  }
  let common = 0;
  for (let team = 1; team < 256; team++) {
    if (load<u32>(tally + (team << 2)) > load<u32>(tally + (common << 2))) common = team;
  }
  return common;
}

/** Pass 1, dense: the cell of each living slot into cellOf, and how many are in it into starts[cell + 2]. */
function countCells(zone: Zone): void {
  zone.layerTeam = commonTeam(zone);
  const alives = zone.alive;
  const cellOf = zone.cellOf;
  const counts = zone.starts + 8;
  if (ASC_FEATURE_SIMD) findCellsSimd(zone);
  else findCells(zone);
  for (let slot: u32 = 0; slot < zone.highWater; slot++) {
    if (!load<u8>(alives + slot)) continue;
    const count = counts + (load<u32>(cellOf + (slot << 2)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/** The cell of each slot, wherever dead ones are said to be; and which teams are in the second layer. */
function findCells(zone: Zone): void {
  const cellsX = zone.cellsX;
  let least: i32 = EMPTY;
  let greatest: i32 = -1;
  for (let slot: u32 = 0; slot < zone.highWater; slot++) {
    const at = slot << 2;
    // Inside the zone, so no clamp: cellsX is floor(width * columnInverse) + 1.
    const row = <i32>(load<f32>(zone.y + at) * zone.rowInverse);
    const column = <i32>(load<f32>(zone.x + at) * zone.columnInverse);
    const team = <i32>load<u8>(zone.team + slot);
    let strip = row * 2;
    if (team != zone.layerTeam) {
      strip++;
      if (load<u8>(zone.alive + slot)) {
        least = min(least, team);
        greatest = max(greatest, team);
      }
    }
    store<u32>(zone.cellOf + at, strip * cellsX + column);
  }
  zone.otherTeam = greatest < 0 ? EMPTY : least == greatest ? least : MIXED;
}

function findCellsSimd(zone: Zone): void {
  const xs = zone.x;
  const ys = zone.y;
  const teams = zone.team;
  const alives = zone.alive;
  const cellOf = zone.cellOf;
  let least = i32x4.splat(EMPTY);
  let greatest = i32x4.splat(-1);
  for (let slot: u32 = 0; slot < zone.highWater; slot += 4) {
    const at = slot << 2;
    const row = i32x4.trunc_sat_f32x4_s(f32x4.mul(v128.load(ys + at), f32x4.splat(zone.rowInverse)));
    const column = i32x4.trunc_sat_f32x4_s(f32x4.mul(v128.load(xs + at), f32x4.splat(zone.columnInverse)));
    const team = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(teams + slot)));
    const alive = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(alives + slot)));
    const second = i32x4.ne(team, i32x4.splat(zone.layerTeam));
    // True is -1.
    const strip = i32x4.sub(i32x4.add(row, row), second);
    v128.store(cellOf + at, i32x4.add(i32x4.mul(strip, i32x4.splat(zone.cellsX)), column));
    const counts = v128.and(second, i32x4.neg(alive));
    least = i32x4.min_s(least, v128.or(v128.and(team, counts), v128.andnot(i32x4.splat(EMPTY), counts)));
    greatest = i32x4.max_s(greatest, v128.or(v128.and(team, counts), v128.not(counts)));
  }
  const low = min(
    min(i32x4.extract_lane(least, 0), i32x4.extract_lane(least, 1)),
    min(i32x4.extract_lane(least, 2), i32x4.extract_lane(least, 3)),
  );
  const high = max(
    max(i32x4.extract_lane(greatest, 0), i32x4.extract_lane(greatest, 1)),
    max(i32x4.extract_lane(greatest, 2), i32x4.extract_lane(greatest, 3)),
  );
  zone.otherTeam = high < 0 ? EMPTY : low == high ? low : MIXED;
}

/** The layers in which somebody who is not of `notTeam` (-1: anybody) can be, as bits. */
// @ts-ignore: decorator
@inline
export function layersWithout(zone: Zone, notTeam: i32): u32 {
  const first: u32 = zone.layerTeam == notTeam ? 0 : 1;
  const second: u32 = zone.otherTeam == EMPTY || zone.otherTeam == notTeam ? 0 : 2;
  return first | second;
}

/** Pass 1, hashed. Without layers any team may be anywhere. */
function countBuckets(zone: Zone): void {
  zone.otherTeam = MIXED;
  memory.fill(zone.keys, 0xff, zone.hashSize << 2);
  for (let slot: u32 = 0; slot < zone.highWater; slot++) {
    if (!load<u8>(zone.alive + slot)) continue;
    const at = slot << 2;
    const key = packCell(cellRow(zone, load<f32>(zone.y + at)), cellColumn(zone, load<f32>(zone.x + at)));
    const bucket = bucketOf(zone, key);
    store<u32>(zone.keys + (bucket << 2), key);
    store<u32>(zone.cellOf + at, bucket);
    const count = zone.starts + ((bucket + 2) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
}

/** Pass 2: counts become starts, shifted by one: starts[cell + 1] is where the next entry of the cell goes. */
function sumStarts(zone: Zone, buckets: u32): void {
  let sum: u32 = 0;
  let at = zone.starts + 8;
  for (const end = at + (buckets << 2); at < end; at += 4) {
    sum += load<u32>(at);
    store<u32>(at, sum);
  }
}

/** Pass 3: every living slot to its place, in slot order within a cell. */
function scatter(zone: Zone): void {
  const ids = zone.id;
  const xs = zone.x;
  const ys = zone.y;
  const teams = zone.team;
  const alives = zone.alive;
  const cellOf = zone.cellOf;
  const placeOf = zone.placeOf;
  const nexts = zone.starts + 4;
  const sortedX = zone.sortedX;
  const sortedY = zone.sortedY;
  const sortedId = zone.sortedId;
  const sortedTeam = zone.sortedTeam;
  const end = zone.highWater << 2;
  for (let at: u32 = 0; at < end; at += 4) {
    if (!load<u8>(alives + (at >>> 2))) continue;
    const id = load<u32>(ids + at);
    const next = nexts + (load<u32>(cellOf + at) << 2);
    const place = load<u32>(next);
    store<u32>(next, place + 1);
    const to = place << 2;
    store<u32>(placeOf + at, place);
    store<f32>(sortedX + to, load<f32>(xs + at));
    store<f32>(sortedY + to, load<f32>(ys + at));
    store<u32>(sortedId + to, id);
    store<i32>(sortedTeam + to, <i32>load<u8>(teams + (at >>> 2)));
  }
}

/** Sorts all living entities by the cells they are in now. O(entities + cells). */
export function gridRebuild(zone: Zone): void {
  const buckets = zone.hashSize != 0 ? zone.hashSize : zone.cellsX * zone.cellsY * 2;
  memory.fill(zone.starts, 0, (buckets + 2) << 2);
  if (zone.hashSize != 0) countBuckets(zone);
  else countCells(zone);
  sumStarts(zone, buckets);
  scatter(zone);
  // Corpses have no place.
  zone.sorted = load<u32>(zone.starts + ((buckets + 1) << 2));
  zone.pending = 0;
  zone.forgotten = 0;
  sealTail(zone);
}

/** Lanes that a 4-lane load reads behind the last entry are far from everything. */
function sealTail(zone: Zone): void {
  const at = zone.sortedX + ((zone.sorted + zone.pending) << 2);
  store<f32>(at, Infinity, 0);
  store<f32>(at, Infinity, 4);
  store<f32>(at, Infinity, 8);
  store<f32>(at, Infinity, 12);
}

/** Nothing pending, nobody gone: in the order of a fresh one. */
export function gridClean(zone: Zone): void {
  if (zone.pending | zone.forgotten) gridRebuild(zone);
}

/** Adds who lives from now on, or elsewhere. When the tail has grown as long as it may, all are sorted. */
export function gridAppend(zone: Zone, slot: u32): void {
  const place = zone.sorted + zone.pending;
  const isLong = zone.pending >= max(PENDING_MAX, zone.sorted >>> PENDING_SHIFT);
  if (isLong || place == zone.capacity + PENDING_MAX) return gridRebuild(zone);
  const at = slot << 2;
  const to = place << 2;
  store<u32>(zone.placeOf + at, place);
  store<f32>(zone.sortedX + to, load<f32>(zone.x + at));
  store<f32>(zone.sortedY + to, load<f32>(zone.y + at));
  store<u32>(zone.sortedId + to, load<u32>(zone.id + at));
  store<i32>(zone.sortedTeam + to, <i32>load<u8>(zone.team + slot));
  zone.pending++;
  sealTail(zone);
}

export function gridForget(zone: Zone, slot: u32): void {
  zone.forgotten = 1;
  store<f32>(zone.sortedX + (load<u32>(zone.placeOf + (slot << 2)) << 2), Infinity);
}

/**
 * Starts a walk over the runs of sorted entries that cover a rectangle of cells, inclusive, inside the grid, in the given layers;
 * then `while (nextRun(zone))` finds each run in zone.runStart .. zone.runEnd. The pending entries are the last run.
 */
export function beginRuns(zone: Zone, x0: i32, y0: i32, x1: i32, y1: i32, layers: u32): void {
  assert(x0 >= 0 && y0 >= 0 && x1 < <i32>zone.cellsX && y1 < <i32>zone.cellsY);
  zone.runX0 = x0;
  zone.runX1 = x1;
  zone.runColumn = x0;
  zone.runLayers = layers;
  if (zone.hashSize == 0) {
    zone.runRow = y0 * 2;
    zone.runY1 = y1 * 2 + 1;
  } else {
    zone.runRow = y0;
    zone.runY1 = y1;
    if (<u64>(x1 - x0 + 1) * <u64>(y1 - y0 + 1) > zone.sorted) zone.runColumn = -1;
  }
}

/** Starts a walk over the runs that cover the square of half side `reach` around a point, and all that rounds to be in it. */
// @ts-ignore: decorator
@inline
export function beginSquare(zone: Zone, x: f32, y: f32, reach: f32, layers: u32): void {
  beginRuns(
    zone,
    cellColumn(zone, edgeLow(x, reach)), cellRow(zone, edgeLow(y, reach)),
    cellColumn(zone, edgeHigh(x, reach)), cellRow(zone, edgeHigh(y, reach)), layers,
  );
}

export function nextRun(zone: Zone): bool {
  if (zone.runRow <= zone.runY1) {
    if (zone.hashSize != 0) return nextBucket(zone);
    do {
      const strip: u32 = zone.runRow++;
      if ((zone.runLayers >>> (strip & 1)) & 1) {
        const first = zone.starts + ((strip * zone.cellsX) << 2);
        zone.runStart = load<u32>(first + (zone.runX0 << 2));
        zone.runEnd = load<u32>(first + ((zone.runX1 + 1) << 2));
        return true;
      }
    } while (zone.runRow <= zone.runY1);
  }
  if (zone.runRow == zone.runY1 + 1 && zone.pending != 0) {
    zone.runRow++;
    zone.runStart = zone.sorted;
    zone.runEnd = zone.sorted + zone.pending;
    return true;
  }
  return false;
}

function nextBucket(zone: Zone): bool {
  if (zone.runColumn < 0) {
    zone.runStart = 0;
    zone.runEnd = zone.sorted;
    zone.runRow = zone.runY1 + 1;
    return true;
  }
  const bucket = bucketOf(zone, packCell(zone.runRow, zone.runColumn));
  // An empty bucket's run is empty.
  zone.runStart = load<u32>(zone.starts + (bucket << 2));
  zone.runEnd = load<u32>(zone.starts + ((bucket + 1) << 2));
  if (++zone.runColumn > zone.runX1) {
    zone.runColumn = zone.runX0;
    zone.runRow++;
  }
  return true;
}
