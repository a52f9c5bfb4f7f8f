// Blocked tiles as bits, a row padded to whole 32-bit words: tile (column, row) is bit column & 31 of word column >> 5.
// Outside the zone everything is blocked. A second plane of the same form says which of them are water: nobody walks in there,
// but paths may lead from water to water.
import { Zone } from "./layout";

// @ts-ignore: decorator
@inline
function wordAt(zone: Zone, word: u32, row: u32): usize {
  return zone.tiles + ((<usize>(row * zone.tileStride + word)) << 2);
}

/** Is any tile blocked in columns c0..c1, rows r0..r1, all inclusive? True when the rectangle leaves the zone's tiles. */
export function spanBlocked(zone: Zone, c0: i32, r0: i32, c1: i32, r1: i32): bool {
  if (zone.tilesX == 0) return false;
  if (c0 < 0 || r0 < 0 || c1 >= <i32>zone.tilesX || r1 >= <i32>zone.tilesY) return true;
  const w0 = <u32>c0 >>> 5;
  const w1 = <u32>c1 >>> 5;
  const left: u32 = 0xffffffff << (c0 & 31);
  const right: u32 = 0xffffffff >>> (31 - (c1 & 31));
  for (let row = <u32>r0; row <= <u32>r1; row++) {
    for (let word = w0; word <= w1; word++) {
      let mask: u32 = 0xffffffff;
      if (word == w0) mask &= left;
      if (word == w1) mask &= right;
      if (load<u32>(wordAt(zone, word, row)) & mask) return true;
    }
  }
  return false;
}

/** A coordinate in tiles. Multiplying by the inverse of a power of two is as exact as the division, and three times as fast. */
// @ts-ignore: decorator
@inline
function inTiles(zone: Zone, edge: f64): f64 {
  return zone.sweepScale != 0 ? edge * zone.sweepScale : edge / <f64>zone.sweepSize;
}

// A box covers [low, high): the tiles floor(low) .. ceil(high) - 1, and at least the one its low edge is in.
// @ts-ignore: decorator
@inline
export function tileLow(zone: Zone, edge: f64): i32 {
  return <i32>floor<f64>(inTiles(zone, edge));
}

// @ts-ignore: decorator
@inline
export function tileHigh(zone: Zone, edge: f64, low: i32): i32 {
  return max(low, <i32>ceil<f64>(inTiles(zone, edge)) - 1);
}

/** Does the box overlap a blocked tile? Exact: f64 holds the sum of two f32 of these sizes without rounding. */
export function boxBlocked(zone: Zone, x: f32, y: f32, halfSize: f32): bool {
  if (zone.tilesX == 0) return false;
  const h = <f64>halfSize;
  const c0 = tileLow(zone, <f64>x - h);
  const r0 = tileLow(zone, <f64>y - h);
  return spanBlocked(zone, c0, r0, tileHigh(zone, <f64>x + h, c0), tileHigh(zone, <f64>y + h, r0));
}

export function boxInside(zone: Zone, x: f32, y: f32, halfSize: f32): bool {
  const h = <f64>halfSize;
  return (
    <f64>x - h >= 0 && <f64>y - h >= 0 && <f64>x + h <= <f64>zone.width && <f64>y + h <= <f64>zone.height
  );
}

/** Is the point in a blocked tile or outside [0, width) x [0, height)? */
export function blockedAt(zone: Zone, x: f64, y: f64): bool {
  if (!(x >= 0 && y >= 0 && x < <f64>zone.width && y < <f64>zone.height)) return true;
  if (zone.tilesX == 0) return false;
  const column = tileLow(zone, x);
  const row = tileLow(zone, y);
  return spanBlocked(zone, column, row, column, row);
}

/** Water blocks. */
export function tilesValid(zone: Zone): bool {
  const bytes = (zone.tileStride * zone.tilesY) << 2;
  for (let at: u32 = 0; at < bytes; at += 4) {
    if (load<u32>(zone.tiles + bytes + at) & ~load<u32>(zone.tiles + at)) return false;
  }
  return true;
}
