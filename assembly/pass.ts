// Whole passes: one call answers a question for every entity, so that no list and no call per entity crosses into the host.
// Results lie by slot in the zone: nearestId, listCount, and lists of ids.
//
// nearestEnemies and neighbourCounts put a group of eight entities that follow each other in a strip of cells into the lanes of two
// vectors, and walk once over the entries near any of them:
//
//            ┌───────────────────────────────┐
//   row - 1  │ . .   .    .  .     .   .   . │      each entry is loaded once, spread over the lanes,
//   row      │   .  [a b  c d   e  fg h]  .  │      and compared with a to d and e to h at the same time
//   row + 1  │ .     .  .     .   .   .    . │
//            └───────────────────────────────┘
//               reach     span        reach
import { EMPTY, LIST_FULL, MIXED, OK, Zone } from "./layout";
import { beginSquare, gridClean, layersWithout, nextRun } from "./grid";
import { candidateLimit, compressStore, farther, likelyReach, nearestFrom, REACH_ENTITIES, squaredRadius } from "./query";
import { slotOf } from "./entity";

/** For every live slot into nearestId the id of the nearest entity of another team within the inclusive radius, else 0. */
export function nearestEnemies(zone: Zone, radius: f32): void {
  assert(radius >= 0);
  gridClean(zone);
  if (ASC_FEATURE_SIMD) {
    if (zone.hashSize == 0) return nearestEnemiesSimd(zone, radius);
  }
  for (let entry: u32 = 0; entry < zone.sorted; entry++) {
    const at = entry << 2;
    const layers = layersWithout(zone, load<i32>(zone.sortedTeam + at));
    const reach = likelyReach(zone, load<f32>(zone.sortedX + at), load<f32>(zone.sortedY + at), layers);
    searchFrom(zone, entry, radius, reach);
  }
}

/** Searches for one entry, within `reach` first, and stores its result. */
function searchFrom(zone: Zone, entry: u32, radius: f32, reach: f32): void {
  const at = entry << 2;
  const x = load<f32>(zone.sortedX + at);
  const y = load<f32>(zone.sortedY + at);
  const team = load<i32>(zone.sortedTeam + at);
  const best = nearestFrom(zone, x, y, radius, team, 0, layersWithout(zone, team), reach);
  storeNearest(zone, entry, best, candidateLimit(squaredRadius(radius)));
}

// @ts-ignore: decorator
@inline
function storeNearest(zone: Zone, entry: u32, best: u64, limit: u64): void {
  const slot = slotOf(load<u32>(zone.sortedId + (entry << 2)));
  store<u32>(zone.nearestId + (slot << 2), best == limit ? 0 : <u32>best);
}

/** Entities of a group: two vectors of four. */
const GROUP: u32 = 8;
/** Groups whose windows are found before any of them is walked. */
const BATCH_GROUPS: u32 = 64;

// The window of a group: the columns and rows of cells near it, and the distance within which they hold everybody.
@unmanaged
class Window {
  left: i32;
  right: i32;
  top: i32;
  bottom: i32;
  reach: f32;
}

const WINDOW_BYTES: u32 = 32;

function nearestEnemiesSimd(zone: Zone, radius: f32): void {
  if (zone.otherTeam == EMPTY) {
    // Nobody has an enemy.
    memory.fill(zone.nearestId, 0, zone.highWater << 2);
    return;
  }
  const rowBytes = zone.cellsX << 2;
  let retries: u32 = 0;
  for (let strip: u32 = 0; strip < zone.cellsY * 2; strip++) {
    const starts = zone.starts + strip * rowBytes;
    const layer = strip & 1;
    const facing = starts + (layer ? -rowBytes : rowBytes);
    const all = layer == 1 && zone.otherTeam == MIXED;
    const end = load<u32>(starts + rowBytes);
    for (let entry = load<u32>(starts); entry < end; entry += BATCH_GROUPS * GROUP) {
      const stop = min(end, entry + BATCH_GROUPS * GROUP);
      findWindows(zone, facing, entry, stop, radius, true);
      retries = all
        ? walkWindows(zone, entry, stop, radius, retries, 0, true)
        : walkWindows(zone, entry, stop, radius, retries, layer ? 0 : rowBytes, false);
    }
  }
  for (let i: u32 = 0; i < retries; i++) {
    searchFrom(zone, load<u32>(zone.found + (i << 2)), radius, load<f32>(zone.cellOf + (i << 2)));
  }
}

/**
 * The windows of the groups from `entry` on: within radius, or within what likely suffices for the nearest, judged by
 * how crowded the strip of starts `facing` is within a cell to the left and right.
 */
// @ts-ignore: decorator
@inline
function findWindows(zone: Zone, facing: usize, entry: u32, end: u32, radius: f32, likely: bool): void {
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  // [low x, high x, low y, high y] of a group, moved outwards, becomes [left, right, top, bottom] by these.
  const inverses = v128.load(changetype<usize>(zone) + offsetof<Zone>("perColumnAndRow"));
  const lasts = v128.load(changetype<usize>(zone) + offsetof<Zone>("lastCells"));
  const outwards = v128.load(changetype<usize>(zone) + offsetof<Zone>("outwards"));
  const aside = f32x4.mul(f32x4(-1, 1, 0, 0), f32x4.splat(zone.cellSize));
  const scale = f32x4.splat(zone.columnWidth * zone.cellSize * (REACH_ENTITIES / 3.1415927));
  const grain = windowGrain(zone, radius);
  let to = zone.windows;
  for (; entry < end; entry += GROUP) {
    const from = entry << 2;
    // Lanes behind the last entry repeat the first one.
    const lanes = i32x4.splat(end - entry);
    const first = i32x4.gt_s(lanes, i32x4(0, 1, 2, 3));
    const second = i32x4.gt_s(lanes, i32x4(4, 5, 6, 7));
    const anX = v128.load32_splat(xs + from);
    const anY = v128.load32_splat(ys + from);
    const x0 = v128.bitselect(v128.load(xs + from), anX, first);
    const y0 = v128.bitselect(v128.load(ys + from), anY, first);
    const x1 = v128.bitselect(v128.load(xs + from, 16), anX, second);
    const y1 = v128.bitselect(v128.load(ys + from, 16), anY, second);
    const leastX = f32x4.pmin(x0, x1);
    const leastY = f32x4.pmin(y0, y1);
    const mostX = f32x4.pmax(x0, x1);
    const mostY = f32x4.pmax(y0, y1);
    const lows = f32x4.pmin(i32x4.shuffle(leastX, leastY, 0, 4, 1, 5), i32x4.shuffle(leastX, leastY, 2, 6, 3, 7));
    const highs = f32x4.pmax(i32x4.shuffle(mostX, mostY, 0, 4, 1, 5), i32x4.shuffle(mostX, mostY, 2, 6, 3, 7));
    const low = f32x4.pmin(lows, i32x4.shuffle(lows, lows, 2, 3, 0, 1));
    const high = f32x4.pmax(highs, i32x4.shuffle(highs, highs, 2, 3, 0, 1));
    const sides = i32x4.shuffle(low, high, 0, 4, 1, 5);
    let moved = outwards;
    if (likely) {
      const near = cellsOf(f32x4.add(sides, aside), inverses, lasts);
      const left = i32x4.extract_lane(near, 0);
      const right = i32x4.extract_lane(near, 1) + 1;
      const entries = load<u32>(facing + (right << 2)) - load<u32>(facing + (left << 2));
      const columns = f32x4.convert_i32x4_s(i32x4.splat(right - left));
      // Nobody in sight divides by 0: as far as allowed.
      const wide = f32x4.sqrt(f32x4.div(f32x4.mul(scale, columns), f32x4.convert_i32x4_s(i32x4.splat(entries))));
      const reach = f32x4.pmin(f32x4.splat(radius), wide);
      v128.store(to, reach, 16);
      moved = f32x4.mul(f32x4.add(reach, f32x4.splat(grain)), f32x4(-1, 1, -1, 1));
    }
    v128.store(to, cellsOf(f32x4.add(sides, moved), inverses, lasts));
    to += WINDOW_BYTES;
  }
}

/** More than the f32 arithmetic of a window can be off. */
// @ts-ignore: decorator
@inline
function windowGrain(zone: Zone, radius: f32): f32 {
  return (zone.width + zone.height + radius) * (1.0 / 1048576.0);
}

/** Leaves the squared radius and the way that a window's sides move outwards where the loops load them. */
function passConstants(zone: Zone, radius: f32): void {
  const reach = radius + windowGrain(zone, radius);
  v128.store(changetype<usize>(zone) + offsetof<Zone>("limits"), f32x4.splat(squaredRadius(radius)));
  v128.store(changetype<usize>(zone) + offsetof<Zone>("outwards"), f32x4(-reach, reach, -reach, reach));
}

/** Cells of four coordinates. */
// @ts-ignore: decorator
@inline
function cellsOf(edges: v128, inverses: v128, lasts: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.pmax(f32x4.pmin(f32x4.mul(edges, inverses), lasts), f32x4.splat(0)));
}

/**
 * Finds the nearest candidate of each of these entries in its window: of one layer, `offset` bytes of starts from the first, all
 * enemies; or of `all` layers, where teams are compared. Who found none for sure goes on the list of retries.
 */
// @ts-ignore: decorator
@inline
function walkWindows(
  zone: Zone, entry: u32, end: u32, radius: f32, retries: u32, offset: usize, all: bool,
): u32 {
  const limit = candidateLimit(squaredRadius(radius));
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const ids = zone.sortedId;
  const teams = zone.sortedTeam;
  const rowBytes = zone.cellsX << 2;
  const stride = all ? rowBytes : rowBytes * 2;
  let windows = zone.windows;
  for (; entry < end; entry += GROUP) {
    const from = entry << 2;
    const x0 = v128.load(xs + from);
    const y0 = v128.load(ys + from);
    const x1 = v128.load(xs + from, 16);
    const y1 = v128.load(ys + from, 16);
    const team0 = v128.load(teams + from);
    const team1 = v128.load(teams + from, 16);
    const window = changetype<Window>(windows);
    windows += WINDOW_BYTES;
    let a = i64x2.splat(limit);
    let b = a;
    let c = a;
    let d = a;
    const left = window.left << 2;
    const right = (window.right + 1) << 2;
    const last = zone.starts + (window.bottom * 2 + 1) * rowBytes;
    for (let starts = zone.starts + offset + window.top * 2 * rowBytes; starts <= last; starts += stride) {
      const stop = load<u32>(starts + right) << 2;
      for (let at = load<u32>(starts + left) << 2; at < stop; at += 4) {
        const x = v128.load32_splat(xs + at);
        const y = v128.load32_splat(ys + at);
        const id = v128.load32_splat(ids + at);
        let near0 = squares(f32x4.sub(x, x0), f32x4.sub(y, y0));
        let near1 = squares(f32x4.sub(x, x1), f32x4.sub(y, y1));
        if (all) {
          // All bits set is a NaN, which pmin never takes.
          const team = v128.load32_splat(teams + at);
          near0 = v128.or(near0, i32x4.eq(team, team0));
          near1 = v128.or(near1, i32x4.eq(team, team1));
        }
        a = f64x2.pmin(a, i32x4.shuffle(id, near0, 0, 4, 1, 5));
        b = f64x2.pmin(b, i32x4.shuffle(id, near0, 2, 6, 3, 7));
        c = f64x2.pmin(c, i32x4.shuffle(id, near1, 0, 4, 1, 5));
        d = f64x2.pmin(d, i32x4.shuffle(id, near1, 2, 6, 3, 7));
      }
    }
    const reach = window.reach;
    const sure = reach == radius ? limit : candidateLimit(reach * reach);
    retries = settle(zone, entry, end, a, sure, limit, reach, retries);
    retries = settle(zone, entry + 2, end, b, sure, limit, reach, retries);
    retries = settle(zone, entry + 4, end, c, sure, limit, reach, retries);
    retries = settle(zone, entry + 6, end, d, sure, limit, reach, retries);
  }
  return retries;
}

// @ts-ignore: decorator
@inline
function squares(dx: v128, dy: v128): v128 {
  return f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy));
}

/** Settles two entries, as far as they are before the end. */
// @ts-ignore: decorator
@inline
function settle(
  zone: Zone, entry: u32, end: u32, bests: v128, sure: u64, limit: u64, reach: f32, retries: u32,
): u32 {
  if (entry < end) retries = settleOne(zone, entry, i64x2.extract_lane(bests, 0), sure, limit, reach, retries);
  if (entry + 1 < end) retries = settleOne(zone, entry + 1, i64x2.extract_lane(bests, 1), sure, limit, reach, retries);
  return retries;
}

/** Stores a result, or puts the entry on the list of those to look farther for. */
// @ts-ignore: decorator
@inline
function settleOne(zone: Zone, entry: u32, best: u64, sure: u64, limit: u64, reach: f32, retries: u32): u32 {
  if (best <= sure) {
    storeNearest(zone, entry, best, limit);
    return retries;
  }
  store<u32>(zone.found + (retries << 2), entry);
  store<f32>(zone.cellOf + (retries << 2), farther(reach, best, limit));
  return retries + 1;
}

/** For every live slot into listCount how many others are within the inclusive radius. */
export function neighbourCounts(zone: Zone, radius: f32): void {
  assert(radius >= 0);
  gridClean(zone);
  if (ASC_FEATURE_SIMD) {
    if (zone.hashSize == 0) return neighbourCountsSimd(zone, radius);
  }
  const limit = squaredRadius(radius);
  const layers = layersWithout(zone, -1);
  for (let i: u32 = 0; i < zone.sorted; i++) {
    const at = i << 2;
    const x = load<f32>(zone.sortedX + at);
    const y = load<f32>(zone.sortedY + at);
    beginSquare(zone, x, y, radius, layers);
    let count: u32 = 0;
    while (nextRun(zone)) count += countRun(zone, x, y, limit);
    storeCount(zone, i, count - 1);
  }
}

// @ts-ignore: decorator
@inline
function storeCount(zone: Zone, entry: u32, count: u32): void {
  store<u32>(zone.listCount + (slotOf(load<u32>(zone.sortedId + (entry << 2))) << 2), count);
}

function countRun(zone: Zone, x: f32, y: f32, limit: f32): u32 {
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const end = zone.runEnd << 2;
  let count: u32 = 0;
  for (let at = zone.runStart << 2; at < end; at += 4) {
    const dx = load<f32>(xs + at) - x;
    const dy = load<f32>(ys + at) - y;
    count += <u32>(dx * dx + dy * dy <= limit);
  }
  return count;
}

function neighbourCountsSimd(zone: Zone, radius: f32): void {
  passConstants(zone, radius);
  const rowBytes = zone.cellsX << 2;
  for (let strip: u32 = 0; strip < zone.cellsY * 2; strip++) {
    const starts = zone.starts + strip * rowBytes;
    const end = load<u32>(starts + rowBytes);
    for (let entry = load<u32>(starts); entry < end; entry += BATCH_GROUPS * GROUP) {
      const stop = min(end, entry + BATCH_GROUPS * GROUP);
      findWindows(zone, starts, entry, stop, radius, false);
      countWindows(zone, entry, stop);
    }
  }
}

function countWindows(zone: Zone, entry: u32, end: u32): void {
  const limits = v128.load(changetype<usize>(zone) + offsetof<Zone>("limits"));
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const rowBytes = zone.cellsX << 2;
  const stride = zone.otherTeam == EMPTY ? rowBytes * 2 : rowBytes;
  let windows = zone.windows;
  for (; entry < end; entry += GROUP) {
    const from = entry << 2;
    const x0 = v128.load(xs + from);
    const y0 = v128.load(ys + from);
    const x1 = v128.load(xs + from, 16);
    const y1 = v128.load(ys + from, 16);
    const window = changetype<Window>(windows);
    windows += WINDOW_BYTES;
    // Everybody finds himself.
    let counts0 = i32x4.splat(-1);
    let counts1 = counts0;
    const left = window.left << 2;
    const right = (window.right + 1) << 2;
    const last = zone.starts + (window.bottom * 2 + 1) * rowBytes;
    for (let starts = zone.starts + window.top * 2 * rowBytes; starts <= last; starts += stride) {
      const stop = load<u32>(starts + right) << 2;
      for (let at = load<u32>(starts + left) << 2; at < stop; at += 4) {
        const x = v128.load32_splat(xs + at);
        const y = v128.load32_splat(ys + at);
        // A true lane is -1.
        counts0 = i32x4.sub(counts0, f32x4.le(squares(f32x4.sub(x, x0), f32x4.sub(y, y0)), limits));
        counts1 = i32x4.sub(counts1, f32x4.le(squares(f32x4.sub(x, x1), f32x4.sub(y, y1)), limits));
      }
    }
    storeCounts(zone, entry, end, counts0);
    storeCounts(zone, entry + 4, end, counts1);
  }
}

/** Stores four counts, as far as their entries are before the end. */
// @ts-ignore: decorator
@inline
function storeCounts(zone: Zone, entry: u32, end: u32, counts: v128): void {
  if (entry < end) storeCount(zone, entry, i32x4.extract_lane(counts, 0));
  if (entry + 1 < end) storeCount(zone, entry + 1, i32x4.extract_lane(counts, 1));
  if (entry + 2 < end) storeCount(zone, entry + 2, i32x4.extract_lane(counts, 2));
  if (entry + 3 < end) storeCount(zone, entry + 3, i32x4.extract_lane(counts, 3));
}

/** As neighbourCounts, and the ids themselves from lists[listStart[slot]] on. LIST_FULL when they do not fit. */
export function neighbourLists(zone: Zone, radius: f32): u32 {
  assert(radius >= 0);
  if (zone.listCapacity == 0) return LIST_FULL;
  gridClean(zone);
  if (ASC_FEATURE_SIMD) {
    if (zone.hashSize == 0) return neighbourListsSimd(zone, radius);
  }
  const limit = squaredRadius(radius);
  const room = zone.lists + (zone.listCapacity << 2);
  const layers = layersWithout(zone, -1);
  let out = zone.lists;
  for (let i: u32 = 0; i < zone.sorted; i++) {
    const at = i << 2;
    const x = load<f32>(zone.sortedX + at);
    const y = load<f32>(zone.sortedY + at);
    const id = load<u32>(zone.sortedId + at);
    const start = out;
    beginSquare(zone, x, y, radius, layers);
    while (nextRun(zone)) out = listRun(zone, x, y, limit, id, out);
    if (out > room) return LIST_FULL;
    storeList(zone, id, start, out);
  }
  return OK;
}

// @ts-ignore: decorator
@inline
function storeList(zone: Zone, id: u32, start: usize, end: usize): void {
  const at = slotOf(id) << 2;
  store<u32>(zone.listStart + at, <u32>(start - zone.lists) >>> 2);
  store<u32>(zone.listCount + at, <u32>(end - start) >>> 2);
}

function listRun(zone: Zone, x: f32, y: f32, limit: f32, self: u32, out: usize): usize {
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const ids = zone.sortedId;
  const end = zone.runEnd << 2;
  for (let at = zone.runStart << 2; at < end; at += 4) {
    const dx = load<f32>(xs + at) - x;
    const dy = load<f32>(ys + at) - y;
    const id = load<u32>(ids + at);
    // Written always, kept when it counts: no branch to mispredict.
    store<u32>(out, id);
    out += (<usize>((dx * dx + dy * dy <= limit) & (id != self))) << 2;
  }
  return out;
}

/** Two entities that follow each other share a walk: what is loaded serves both. The second one's list is put behind after. */
function neighbourListsSimd(zone: Zone, radius: f32): u32 {
  passConstants(zone, radius);
  let out = zone.lists;
  const rowBytes = zone.cellsX << 2;
  for (let strip: u32 = 0; strip < zone.cellsY * 2; strip++) {
    const starts = zone.starts + strip * rowBytes;
    const end = load<u32>(starts + rowBytes);
    for (let entry = load<u32>(starts); entry < end; entry += BATCH_GROUPS * 2) {
      const stop = min(end, entry + BATCH_GROUPS * 2);
      findPairs(zone, entry, stop);
      out = listPairs(zone, entry, stop, out);
      if (out == 0) return LIST_FULL;
    }
  }
  return OK;
}

/** The windows of pairs of entries of one row, the last one possibly alone. */
function findPairs(zone: Zone, entry: u32, end: u32): void {
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const inverses = v128.load(changetype<usize>(zone) + offsetof<Zone>("perColumnAndRow"));
  const lasts = v128.load(changetype<usize>(zone) + offsetof<Zone>("lastCells"));
  const outwards = v128.load(changetype<usize>(zone) + offsetof<Zone>("outwards"));
  let to = zone.windows;
  for (; entry < end; entry += 2) {
    const a = entry << 2;
    const b = min(entry + 1, end - 1) << 2;
    const first = i32x4.shuffle(v128.load32_splat(xs + a), v128.load32_splat(ys + a), 0, 1, 4, 5);
    const second = i32x4.shuffle(v128.load32_splat(xs + b), v128.load32_splat(ys + b), 0, 1, 4, 5);
    const sides = i32x4.shuffle(f32x4.pmin(first, second), f32x4.pmax(first, second), 0, 5, 2, 7);
    v128.store(to, cellsOf(f32x4.add(sides, outwards), inverses, lasts));
    to += WINDOW_BYTES;
  }
}

/** Appends the lists of these entries at `out`; gives the end, 0 when there is no room. */
function listPairs(zone: Zone, entry: u32, end: u32, out: usize): usize {
  const limits = v128.load(changetype<usize>(zone) + offsetof<Zone>("limits"));
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const ids = zone.sortedId;
  const table = zone.compress;
  const rowBytes = zone.cellsX << 2;
  const stride = zone.otherTeam == EMPTY ? rowBytes * 2 : rowBytes;
  const room = zone.lists + (zone.listCapacity << 2);
  const aside = zone.found;
  let windows = zone.windows;
  for (; entry < end; entry += 2) {
    const a = entry << 2;
    const b = min(entry + 1, end - 1) << 2;
    const ax = v128.load32_splat(xs + a);
    const ay = v128.load32_splat(ys + a);
    const aid = v128.load32_splat(ids + a);
    const bx = v128.load32_splat(xs + b);
    const by = v128.load32_splat(ys + b);
    const bid = v128.load32_splat(ids + b);
    const window = changetype<Window>(windows);
    windows += WINDOW_BYTES;
    const left = window.left << 2;
    const right = (window.right + 1) << 2;
    const last = zone.starts + (window.bottom * 2 + 1) * rowBytes;
    const firstA = out;
    let outB = aside;
    for (let starts = zone.starts + window.top * 2 * rowBytes; starts <= last; starts += stride) {
      const stop = load<u32>(starts + right) << 2;
      let at = load<u32>(starts + left) << 2;
      let bitsA: u32 = 0;
      let bitsB: u32 = 0;
      for (; at < stop; at += 16) {
        const x = v128.load(xs + at);
        const y = v128.load(ys + at);
        const id = v128.load(ids + at);
        const adx = f32x4.sub(x, ax);
        const ady = f32x4.sub(y, ay);
        const nearA = f32x4.le(f32x4.add(f32x4.mul(adx, adx), f32x4.mul(ady, ady)), limits);
        bitsA = i32x4.bitmask(v128.andnot(nearA, i32x4.eq(id, aid)));
        out = compressStore(table, id, bitsA, out);
        const bdx = f32x4.sub(x, bx);
        const bdy = f32x4.sub(y, by);
        const nearB = f32x4.le(f32x4.add(f32x4.mul(bdx, bdx), f32x4.mul(bdy, bdy)), limits);
        bitsB = i32x4.bitmask(v128.andnot(nearB, i32x4.eq(id, bid)));
        outB = compressStore(table, id, bitsB, outB);
      }
      // Lanes of the last group that lie behind the run come last: taken back.
      const behind = 4 - ((at - stop) >>> 2);
      out -= popcnt(bitsA >>> behind) << 2;
      outB -= popcnt(bitsB >>> behind) << 2;
    }
    storeList(zone, load<u32>(ids + a), firstA, out);
    if (b != a) {
      const firstB = out;
      for (let from = aside; from < outB; from += 16) {
        v128.store(out, v128.load(from));
        out += 16;
      }
      out = firstB + (outB - aside);
      storeList(zone, load<u32>(ids + b), firstB, out);
    }
    if (out > room) return 0;
  }
  return out;
}
