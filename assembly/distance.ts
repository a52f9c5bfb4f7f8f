// Batches over plain points: two f32 arrays of coordinates, no zone. All distances are squared and f32, each operation rounded.
//
//   batch ┌────────┐ x │ y │ squared distances │ hits │   each `capacity` elements, 16-byte aligned, SLACK behind
import { SLACK } from "./layout";
import { compressTable, tailBits } from "./lanes";
import { compressStore } from "./query";

@unmanaged
export class Batch {
  capacity: u32;
  x: usize;
  y: usize;
  distances: usize;
  hits: usize;
  compress: usize;
}

const BATCH_HEADER_BYTES: u32 = 64;
export const BATCH_CAPACITY_MAX: u32 = 1 << 26;

/** Writes the header of a batch at `address`; gives the bytes it needs from address 0 on. */
export function batchLayout(address: usize, capacity: u32): f64 {
  assert((address & 15) == 0 && address != 0 && capacity >= 1 && capacity <= BATCH_CAPACITY_MAX);
  const batch = changetype<Batch>(address);
  const size = (<u64>capacity * 4 + SLACK + 15) & ~15;
  let at = <u64>address + BATCH_HEADER_BYTES;
  batch.capacity = capacity;
  batch.x = <usize>at;
  batch.y = <usize>(at + size);
  batch.distances = <usize>(at + size * 2);
  batch.hits = <usize>(at + size * 3);
  batch.compress = <usize>(at + size * 4);
  return <f64>(at + size * 4 + 256);
}

export function batchInit(batch: Batch): void {
  compressTable(batch.compress);
}

// @ts-ignore: decorator
@inline
function squares(xs: usize, ys: usize, at: usize, px: v128, py: v128): v128 {
  const dx = f32x4.sub(v128.load(xs + at), px);
  const dy = f32x4.sub(v128.load(ys + at), py);
  return f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy));
}

/** Squared distances of the first `count` points to (x, y). */
export function batchDistances(batch: Batch, x: f32, y: f32, count: u32): void {
  assert(count <= batch.capacity);
  const xs = batch.x;
  const ys = batch.y;
  const out = batch.distances;
  const end: usize = count << 2;
  let at: usize = 0;
  if (ASC_FEATURE_SIMD) {
    const px = f32x4.splat(x);
    const py = f32x4.splat(y);
    // Four groups a turn hide the latency of the loads.
    for (; at + 64 <= end; at += 64) {
      const a = squares(xs, ys, at, px, py);
      const b = squares(xs, ys, at + 16, px, py);
      const c = squares(xs, ys, at + 32, px, py);
      const d = squares(xs, ys, at + 48, px, py);
      v128.store(out + at, a);
      v128.store(out + at, b, 16);
      v128.store(out + at, c, 32);
      v128.store(out + at, d, 48);
    }
  }
  for (; at < end; at += 4) {
    const dx = load<f32>(xs + at) - x;
    const dy = load<f32>(ys + at) - y;
    store<f32>(out + at, dx * dx + dy * dy);
  }
}

/** Indices of the points within the inclusive radius, ascending, into hits; how many. */
export function batchWithin(batch: Batch, x: f32, y: f32, radius: f32, count: u32): u32 {
  assert(count <= batch.capacity && radius >= 0);
  const xs = batch.x;
  const ys = batch.y;
  const limit = radius * radius;
  const end: usize = count << 2;
  let out = batch.hits;
  if (ASC_FEATURE_SIMD) {
    const table = batch.compress;
    const px = f32x4.splat(x);
    const py = f32x4.splat(y);
    const limits = f32x4.splat(limit);
    let indices = i32x4(0, 1, 2, 3);
    for (let at: usize = 0; at < end; at += 16) {
      const bits = i32x4.bitmask(f32x4.le(squares(xs, ys, at, px, py), limits)) & tailBits(<u32>(end - at) >>> 2);
      out = compressStore(table, indices, bits, out);
      indices = i32x4.add(indices, i32x4.splat(4));
    }
  } else {
    for (let at: usize = 0; at < end; at += 4) {
      const dx = load<f32>(xs + at) - x;
      const dy = load<f32>(ys + at) - y;
      store<u32>(out, <u32>at >>> 2);
      out += (<usize>(dx * dx + dy * dy <= limit)) << 2;
    }
  }
  return <u32>(out - batch.hits) >>> 2;
}

/** Index of the nearest of the first `count` points, the lowest on ties; -1 when there is none. */
export function batchNearest(batch: Batch, x: f32, y: f32, count: u32): i32 {
  assert(count <= batch.capacity);
  const xs = batch.x;
  const ys = batch.y;
  const end: usize = count << 2;
  let at: usize = 0;
  let least: f32 = Infinity;
  let index = -1;
  if (ASC_FEATURE_SIMD) {
    const px = f32x4.splat(x);
    const py = f32x4.splat(y);
    let leasts = f32x4.splat(Infinity);
    let groups = i32x4.splat(-1);
    for (; at + 16 <= end; at += 16) {
      const d = squares(xs, ys, at, px, py);
      const nearer = f32x4.lt(d, leasts);
      leasts = f32x4.pmin(leasts, d);
      groups = v128.bitselect(i32x4.splat(<i32>at), groups, nearer);
    }
    // The lowest group among the nearest lanes, then the lowest lane.
    least = min(
      min(f32x4.extract_lane(leasts, 0), f32x4.extract_lane(leasts, 1)),
      min(f32x4.extract_lane(leasts, 2), f32x4.extract_lane(leasts, 3)),
    );
    const candidates = v128.or(
      i32x4.add(i32x4.shr_u(groups, 2), i32x4(0, 1, 2, 3)),
      v128.not(f32x4.eq(leasts, f32x4.splat(least))),
    );
    index = <i32>min(
      min(<u32>i32x4.extract_lane(candidates, 0), <u32>i32x4.extract_lane(candidates, 1)),
      min(<u32>i32x4.extract_lane(candidates, 2), <u32>i32x4.extract_lane(candidates, 3)),
    );
    if (least == Infinity) index = -1;
  }
  for (; at < end; at += 4) {
    const dx = load<f32>(xs + at) - x;
    const dy = load<f32>(ys + at) - y;
    const d = dx * dx + dy * dy;
    if (d < least) {
      least = d;
      index = <i32>(at >>> 2);
    }
  }
  // Points at an infinite distance are as near as any when there are only such.
  return index < 0 && count != 0 ? 0 : index;
}
