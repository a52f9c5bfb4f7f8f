// Queries: who is within a circle, within a rectangle, nearest to a point. Each walks the runs of sorted entries that cover it
// and leaves its ids in zone.found, in order of cells. Cost: the cells covered and the entities in them.
//
// Distances are f32, each operation rounded: inside means f32(f32(dx*dx) + f32(dy*dy)) <= f32(radius*radius).
import { Zone } from "./layout";
import { beginRuns, beginSquare, cellColumn, cellRow, layersWithout, nextRun } from "./grid";
import { tailBits } from "./lanes";

/** An infinite x marks who is gone: no squared radius may reach it. */
// @ts-ignore: decorator
@inline
export function squaredRadius(radius: f32): f32 {
  return min<f32>(radius * radius, f32.MAX_VALUE);
}

/** Moves the ids of the lanes set in `bits` to `out`, which has room for four. Gives the address behind the last. */
// @ts-ignore: decorator
@inline
export function compressStore(table: usize, ids: v128, bits: u32, out: usize): usize {
  v128.store(out, i8x16.swizzle(ids, v128.load(table + (bits << 4))));
  return out + (popcnt(bits) << 2);
}

function scanRadius(zone: Zone, x: f32, y: f32, limit: f32, out: usize): usize {
  const ids = zone.sortedId;
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const end = zone.runEnd << 2;
  if (ASC_FEATURE_SIMD) {
    const table = zone.compress;
    const px = f32x4.splat(x);
    const py = f32x4.splat(y);
    const limits = f32x4.splat(limit);
    for (let at = zone.runStart << 2; at < end; at += 16) {
      const dx = f32x4.sub(v128.load(xs + at), px);
      const dy = f32x4.sub(v128.load(ys + at), py);
      const inside = f32x4.le(f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy)), limits);
      const bits = i32x4.bitmask(inside) & tailBits((end - at) >>> 2);
      if (bits != 0) out = compressStore(table, v128.load(ids + at), bits, out);
    }
  } else {
    for (let at = zone.runStart << 2; at < end; at += 4) {
      const dx = load<f32>(xs + at) - x;
      const dy = load<f32>(ys + at) - y;
      if (dx * dx + dy * dy <= limit) {
        store<u32>(out, load<u32>(ids + at));
        out += 4;
      }
    }
  }
  return out;
}

/** Ids within the inclusive radius into zone.found; how many. */
export function queryRadius(zone: Zone, x: f32, y: f32, radius: f32): u32 {
  assert(isFinite(x) && isFinite(y) && radius >= 0);
  beginSquare(zone, x, y, radius, layersWithout(zone, ANY_TEAM));
  const limit = squaredRadius(radius);
  let out = zone.found;
  while (nextRun(zone)) out = scanRadius(zone, x, y, limit, out);
  return <u32>(out - zone.found) >>> 2;
}

function scanRect(zone: Zone, x0: f32, y0: f32, x1: f32, y1: f32, out: usize): usize {
  const ids = zone.sortedId;
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const end = zone.runEnd << 2;
  if (ASC_FEATURE_SIMD) {
    const table = zone.compress;
    const left = f32x4.splat(x0);
    const top = f32x4.splat(y0);
    const right = f32x4.splat(x1);
    const bottom = f32x4.splat(y1);
    for (let at = zone.runStart << 2; at < end; at += 16) {
      const x = v128.load(xs + at);
      const y = v128.load(ys + at);
      const insideX = v128.and(f32x4.ge(x, left), f32x4.le(x, right));
      const insideY = v128.and(f32x4.ge(y, top), f32x4.le(y, bottom));
      const bits = i32x4.bitmask(v128.and(insideX, insideY)) & tailBits((end - at) >>> 2);
      if (bits != 0) out = compressStore(table, v128.load(ids + at), bits, out);
    }
  } else {
    for (let at = zone.runStart << 2; at < end; at += 4) {
      const x = load<f32>(xs + at);
      const y = load<f32>(ys + at);
      if (x >= x0 && x <= x1 && y >= y0 && y <= y1) {
        store<u32>(out, load<u32>(ids + at));
        out += 4;
      }
    }
  }
  return out;
}

/** Ids within the rectangle, borders included, into zone.found; how many. */
export function queryRect(zone: Zone, x0: f32, y0: f32, x1: f32, y1: f32): u32 {
  assert(x0 <= x1 && y0 <= y1);
  const layers = layersWithout(zone, ANY_TEAM);
  beginRuns(zone, cellColumn(zone, x0), cellRow(zone, y0), cellColumn(zone, x1), cellRow(zone, y1), layers);
  // Infinite corners are fine, but who is gone stands at infinity.
  const right = min<f32>(x1, f32.MAX_VALUE);
  let out = zone.found;
  while (nextRun(zone)) out = scanRect(zone, x0, y0, right, y1, out);
  return <u32>(out - zone.found) >>> 2;
}

// A candidate of a nearest search is one u64: squared distance above, id below. Squared distances are not negative, so their bits
// sort like their values, and ids sort by slot: the smallest candidate is the nearest, and the lowest slot among equals.
// As an f64 the same bits sort the same way, so two lanes at a time go through f64x2.pmin.

// @ts-ignore: decorator
@inline
export function candidate(distanceSquared: f32, id: u32): u64 {
  return ((<u64>reinterpret<u32>(distanceSquared)) << 32) | <u64>id;
}

/** The smaller of `best` and the current run's smallest candidate that is not of `notTeam` (-1: any) and not `notId`. */
function scanNearest(zone: Zone, x: f32, y: f32, notTeam: i32, notId: u32, best: u64): u64 {
  const ids = zone.sortedId;
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const teams = zone.sortedTeam;
  const end = zone.runEnd << 2;
  if (ASC_FEATURE_SIMD) {
    const px = f32x4.splat(x);
    const py = f32x4.splat(y);
    const team = i32x4.splat(notTeam);
    const self = i32x4.splat(notId);
    // Entries behind the run are other entities at their true places, so no lane needs masking: a candidate is a candidate.
    let low = i64x2.splat(best);
    let high = low;
    for (let at = zone.runStart << 2; at < end; at += 16) {
      const dx = f32x4.sub(v128.load(xs + at), px);
      const dy = f32x4.sub(v128.load(ys + at), py);
      const id = v128.load(ids + at);
      const refused = v128.or(i32x4.eq(v128.load(teams + at), team), i32x4.eq(id, self));
      // All bits set is a NaN, which pmin never takes.
      const d = v128.or(f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy)), refused);
      low = f64x2.pmin(low, i32x4.shuffle(id, d, 0, 4, 1, 5));
      high = f64x2.pmin(high, i32x4.shuffle(id, d, 2, 6, 3, 7));
    }
    const two = f64x2.pmin(low, high);
    return min<u64>(i64x2.extract_lane(two, 0), i64x2.extract_lane(two, 1));
  }
  for (let at = zone.runStart << 2; at < end; at += 4) {
    const dx = load<f32>(xs + at) - x;
    const dy = load<f32>(ys + at) - y;
    const id = load<u32>(ids + at);
    if (load<i32>(teams + at) == notTeam || id == notId) continue;
    best = min<u64>(best, candidate(dx * dx + dy * dy, id));
  }
  return best;
}

/** No candidate within the squared radius is above this one. */
// @ts-ignore: decorator
@inline
export function candidateLimit(limit: f32): u64 {
  return candidate(limit, 0xffffffff);
}

/** So many are expected within the first look of a search: 98 of 100 then find somebody. */
export const REACH_ENTITIES: f32 = 4;

/**
 * A distance within which REACH_ENTITIES of the given layers can be expected around here, from how many are in this row of cells
 * within one cell to the left and right. The nearest one is usually within it; a search that finds none looks farther.
 */
export function likelyReach(zone: Zone, x: f32, y: f32, layers: u32): f32 {
  if (zone.hashSize != 0) return zone.cellSize;
  const column = cellColumn(zone, x);
  const left = max(0, column - <i32>zone.columnsPerCell);
  const right = min(<i32>zone.cellsX, column + <i32>zone.columnsPerCell + 1);
  const strip = zone.starts + ((<u32>cellRow(zone, y) * 2 * zone.cellsX) << 2);
  const next = strip + (zone.cellsX << 2);
  let entries: u32 = 0;
  if (layers & 1) entries = load<u32>(strip + (right << 2)) - load<u32>(strip + (left << 2));
  if (layers & 2) entries += load<u32>(next + (right << 2)) - load<u32>(next + (left << 2));
  const area = <f32>(right - left) * zone.columnWidth * zone.cellSize;
  return sqrt<f32>((area * (REACH_ENTITIES / 3.1415927)) / <f32>max<u32>(entries, 1));
}

/** In place of a team that is not wanted. */
const ANY_TEAM: i32 = -1;

/**
 * Id of the nearest entity within the inclusive radius, 0 when none; the lowest slot on ties. `notTeam` -1 takes any team.
 * Looks where the nearest likely is, then as far as one that was found, or at twice the distance when none was.
 */
export function nearest(zone: Zone, x: f32, y: f32, radius: f32, notTeam: i32, notId: u32): u32 {
  assert(isFinite(x) && isFinite(y) && radius >= 0);
  const limit = candidateLimit(squaredRadius(radius));
  const layers = layersWithout(zone, notTeam);
  const best = nearestFrom(zone, x, y, radius, notTeam, notId, layers, likelyReach(zone, x, y, layers));
  return best == limit ? 0 : <u32>best;
}

/** The best candidate within radius, or the limit; looks within `reach` first. */
export function nearestFrom(
  zone: Zone, x: f32, y: f32, radius: f32, notTeam: i32, notId: u32, layers: u32, reach: f32,
): u64 {
  const limit = candidateLimit(squaredRadius(radius));
  let best = limit;
  while (true) {
    reach = min(reach, radius);
    beginSquare(zone, x, y, reach, layers);
    while (nextRun(zone)) best = scanNearest(zone, x, y, notTeam, notId, best);
    if (reach == radius || best <= candidateLimit(squaredRadius(reach))) return best;
    reach = farther(reach, best, limit);
  }
}

/** How far to look after a look within `reach` left `best`: to the one found, rounded up, or twice as far. */
// @ts-ignore: decorator
@inline
export function farther(reach: f32, best: u64, limit: u64): f32 {
  return best == limit ? reach * 2 : sqrt<f32>(reinterpret<f32>(<u32>(best >> 32))) * (1 + 1.0 / 4194304.0);
}
