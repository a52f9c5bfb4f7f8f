// Movement: velocity = wish x speed, one tick of it, stopped by blocked tiles and by the zone's border, sliding along them.
//
// Four tests, cheapest first:
//   1. neither leading edge reaches another tile or the border (four entities at a time): move.
//   2. all tiles under the box around start and end are free: move.
//   3. the box enters one new column (row) of tiles and stays in its rows (columns): stop at it, slide along it.
//   4. sweep: the tiles that the box enters, in the order of time. A blocked one stops its axis for the tick.
//
//        ┌────┐ . . . . . . . ┌──▓▓▓      the x edge enters columns at tX, the y edge rows at tY; the earlier goes first.
//        │    │               │  ▓▓▓      At each crossing the tiles that the edge enters are looked at: blocked stops
//        └────┘ . . . . . . . └──▓▓▓      that axis at the boundary, the other one goes on.
//
// After a step no box overlaps a blocked tile or leaves the zone, whatever the speed. Cost: 1 is about 1 ns an entity,
// 2 and 3 about 15 ns, 4 some 40 ns and more with the tiles crossed, bounded by the zone.
import { Zone } from "./layout";
import { boxBlocked, boxInside, spanBlocked, tileHigh, tileLow } from "./tiles";

/** Tiles along a side of a rectangle that is looked at as a whole; a longer way is swept, which looks at the way alone. */
const WALK_TILES_MAX: i32 = 32;

/** Next f32 above (below) a finite value. */
function nextUp(value: f32): f32 {
  if (value == 0) return reinterpret<f32>(1);
  const bits = reinterpret<i32>(value);
  return reinterpret<f32>(bits + (value > 0 ? 1 : -1));
}

function nextDown(value: f32): f32 {
  return -nextUp(-value);
}

/** Where a box moving towards positive stops at a wall: its high edge at the boundary, a point before it, none behind its start. */
function contactHigh(boundary: f64, halfSize: f64, start: f32): f32 {
  let place = <f32>(boundary - halfSize);
  while (<f64>place >= boundary || <f64>place + halfSize > boundary) place = nextDown(place);
  return max(place, start);
}

/** The same towards negative: the low edge at or above the boundary. */
function contactLow(boundary: f64, halfSize: f64, start: f32): f32 {
  let place = <f32>(boundary + halfSize);
  while (<f64>place - halfSize < boundary) place = nextUp(place);
  return min(place, start);
}

/** The free end of a sweep along one axis, rounded so that the leading edge stays before the boundary it did not cross. */
function freeEnd(start: f32, delta: f64, boundary: f64, halfSize: f64): f32 {
  let place = <f32>(<f64>start + delta);
  if (delta > 0) while (<f64>place >= boundary || <f64>place + halfSize > boundary) place = nextDown(place);
  else if (delta < 0) while (<f64>place - halfSize < boundary) place = nextUp(place);
  return place;
}

/** The far side, in the direction of motion, of the leading column (row) of tiles; the zone's border ends the last one. */
// @ts-ignore: decorator
@inline
function farSide(forward: bool, tile: i32, size: f64, length: f64): f64 {
  const side = <f64>(tile + <i32>forward) * size;
  return side < length ? side : length;
}

/** Test 4. */
function sweep(zone: Zone, slot: u32, dx: f64, dy: f64): void {
  const at = slot << 2;
  const startX = load<f32>(zone.x + at);
  const startY = load<f32>(zone.y + at);
  const x = <f64>startX;
  const y = <f64>startY;
  const h = <f64>load<f32>(zone.halfSize + at);
  const size = <f64>zone.sweepSize;
  const width = <f64>zone.width;
  const height = <f64>zone.height;
  const right = dx > 0;
  const down = dy > 0;

  let column = tileLow(zone, x - h);
  if (right) column = tileHigh(zone, x + h, column);
  let row = tileLow(zone, y - h);
  if (down) row = tileHigh(zone, y + h, row);
  let sideX = farSide(right, column, size, width);
  let sideY = farSide(down, row, size, height);
  let timeX: f64 = dx != 0 ? (sideX - (right ? x + h : x - h)) / dx : Infinity;
  let timeY: f64 = dy != 0 ? (sideY - (down ? y + h : y - h)) / dy : Infinity;
  let stoppedX = false;
  let stoppedY = false;
  let wallX = startX; // where the box stands once its axis is stopped
  let wallY = startY;

  while (timeX < 1 || timeY < 1) {
    if (timeX <= timeY) {
      // The x edge wants into the next column, along the rows that the box covers then; the leading one is known exactly.
      const now = stoppedY ? <f64>wallY : y + dy * timeX;
      let r0 = tileLow(zone, now - h);
      let r1 = tileHigh(zone, now + h, r0);
      if (down) r0 = min(r0, r1 = row);
      else if (dy < 0) r1 = max(r1, r0 = row);
      const next = right ? column + 1 : column - 1;
      if ((right ? sideX >= width : sideX <= 0) || spanBlocked(zone, next, r0, next, r1)) {
        stoppedX = true;
        wallX = right ? contactHigh(sideX, h, startX) : contactLow(sideX, h, startX);
        timeX = Infinity;
      } else {
        column = next;
        sideX = farSide(right, column, size, width);
        timeX = (sideX - (right ? x + h : x - h)) / dx;
      }
    } else {
      const now = stoppedX ? <f64>wallX : x + dx * timeY;
      let c0 = tileLow(zone, now - h);
      let c1 = tileHigh(zone, now + h, c0);
      if (right) c0 = min(c0, c1 = column);
      else if (dx < 0) c1 = max(c1, c0 = column);
      const next = down ? row + 1 : row - 1;
      if ((down ? sideY >= height : sideY <= 0) || spanBlocked(zone, c0, next, c1, next)) {
        stoppedY = true;
        wallY = down ? contactHigh(sideY, h, startY) : contactLow(sideY, h, startY);
        timeY = Infinity;
      } else {
        row = next;
        sideY = farSide(down, row, size, height);
        timeY = (sideY - (down ? y + h : y - h)) / dy;
      }
    }
  }

  let endX = stoppedX ? wallX : freeEnd(startX, dx, sideX, h);
  let endY = stoppedY ? wallY : freeEnd(startY, dy, sideY, h);

  // The rounded end can differ from the exact one by half a grain at the trailing edges: stay when that matters.
  if (!boxInside(zone, endX, endY, <f32>h) || boxBlocked(zone, endX, endY, <f32>h)) {
    endX = startX;
    endY = startY;
    stoppedX = stoppedY = true;
  }
  store<f32>(zone.x + at, endX);
  store<f32>(zone.y + at, endY);
  if (stoppedX) store<f32>(zone.vx + at, 0);
  if (stoppedY) store<f32>(zone.vy + at, 0);
}

/** Tests 2 to 4, for a slot whose velocity is stored and whose position is still the old one. */
function moveNearTiles(zone: Zone, slot: u32, dx: f32, dy: f32): void {
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const halfSize = load<f32>(zone.halfSize + at);
  const toX = x + dx;
  const toY = y + dy;
  if (!boxInside(zone, toX, toY, halfSize)) return sweep(zone, slot, <f64>dx, <f64>dy);
  const h = <f64>halfSize;
  const left = tileLow(zone, <f64>x - h);
  const top = tileLow(zone, <f64>y - h);
  const right = tileHigh(zone, <f64>x + h, left);
  const bottom = tileHigh(zone, <f64>y + h, top);
  const toLeft = tileLow(zone, <f64>toX - h);
  const toTop = tileLow(zone, <f64>toY - h);
  const toRight = tileHigh(zone, <f64>toX + h, toLeft);
  const toBottom = tileHigh(zone, <f64>toY + h, toTop);
  const c1 = max(right, toRight);
  const r1 = max(bottom, toBottom);
  const c0 = min(left, toLeft);
  const r0 = min(top, toTop);
  if (c1 - c0 >= WALK_TILES_MAX || r1 - r0 >= WALK_TILES_MAX) return sweep(zone, slot, <f64>dx, <f64>dy);
  const size = <f64>zone.sweepSize;
  // A push that rounding swallows is swept too: whether it meets a wall is not to be seen from where it ends.
  if (!spanBlocked(zone, c0, r0, c1, r1)) {
    store<f32>(zone.x + at, toX);
    store<f32>(zone.y + at, toY);
  } else if (
    top == toTop && bottom == toBottom && (dx > 0 ? toRight - right : left - toLeft) == 1 && (toY != y || dy == 0)
  ) {
    // The wall is in the one column that is new.
    store<f32>(zone.x + at, dx > 0 ? contactHigh(<f64>toRight * size, h, x) : contactLow(<f64>left * size, h, x));
    store<f32>(zone.y + at, toY);
    store<f32>(zone.vx + at, 0);
  } else if (
    left == toLeft && right == toRight && (dy > 0 ? toBottom - bottom : top - toTop) == 1 && (toX != x || dx == 0)
  ) {
    store<f32>(zone.x + at, toX);
    store<f32>(zone.y + at, dy > 0 ? contactHigh(<f64>toBottom * size, h, y) : contactLow(<f64>top * size, h, y));
    store<f32>(zone.vy + at, 0);
  } else {
    sweep(zone, slot, <f64>dx, <f64>dy);
  }
}

/** Test 1 along one axis, scalar: does the leading edge stay within its tile and before the border? */
// @ts-ignore: decorator
@inline
function staysInTile(from: f32, to: f32, delta: f32, halfSize: f32, inverse: f32, margin: f32, end: f32): bool {
  const lead = copysign<f32>(halfSize, delta);
  const e0 = (from + lead) * inverse;
  const e1 = (to + lead) * inverse;
  const high = max(e0, e1) + margin;
  return delta == 0 || (floor<f32>(min(e0, e1) - margin) == floor<f32>(high) && high < end);
}

function moveScalar(zone: Zone, from: u32, to: u32): void {
  const dt = zone.dt;
  const inverse = zone.sweepInverse;
  const margin = zone.sweepMargin;
  for (let slot = from; slot < to; slot++) {
    const at = slot << 2;
    const speed = load<f32>(zone.speed + at);
    const vx = load<f32>(zone.wishX + at) * speed;
    const vy = load<f32>(zone.wishY + at) * speed;
    store<f32>(zone.vx + at, vx);
    store<f32>(zone.vy + at, vy);
    const dx = vx * dt;
    const dy = vy * dt;
    if (dx == 0 && dy == 0) continue;
    const x = load<f32>(zone.x + at);
    const y = load<f32>(zone.y + at);
    const h = load<f32>(zone.halfSize + at);
    const toX = x + dx;
    const toY = y + dy;
    if (
      staysInTile(x, toX, dx, h, inverse, margin, zone.sweepEndX) &&
      staysInTile(y, toY, dy, h, inverse, margin, zone.sweepEndY)
    ) {
      store<f32>(zone.x + at, toX);
      store<f32>(zone.y + at, toY);
    } else {
      moveNearTiles(zone, slot, dx, dy);
    }
  }
}

// Test 1 along one axis for four lanes; the same arithmetic as staysInTile.
// @ts-ignore: decorator
@inline
function lanesStay(from: v128, to: v128, delta: v128, h: v128, inverse: v128, margin: v128, end: v128): v128 {
  const lead = v128.or(h, v128.and(delta, i32x4.splat(0x80000000)));
  const e0 = f32x4.mul(f32x4.add(from, lead), inverse);
  const e1 = f32x4.mul(f32x4.add(to, lead), inverse);
  const high = f32x4.add(f32x4.pmax(e0, e1), margin);
  const low = f32x4.sub(f32x4.pmin(e0, e1), margin);
  const same = v128.and(f32x4.eq(f32x4.floor(low), f32x4.floor(high)), f32x4.lt(high, end));
  return v128.or(same, f32x4.eq(delta, f32x4.splat(0)));
}

function moveSimd(zone: Zone): void {
  const dt = f32x4.splat(zone.dt);
  const inverse = f32x4.splat(zone.sweepInverse);
  const margin = f32x4.splat(zone.sweepMargin);
  const endX = f32x4.splat(zone.sweepEndX);
  const endY = f32x4.splat(zone.sweepEndY);
  const xs = zone.x;
  const ys = zone.y;
  const vxs = zone.vx;
  const vys = zone.vy;
  const wishXs = zone.wishX;
  const wishYs = zone.wishY;
  const speeds = zone.speed;
  const halfSizes = zone.halfSize;
  // Slots behind the high-water mark are zero and stay so; a column has room for the last group's lanes.
  const end = zone.highWater << 2;
  for (let at: u32 = 0; at < end; at += 16) {
    const speed = v128.load(speeds + at);
    const vx = f32x4.mul(v128.load(wishXs + at), speed);
    const vy = f32x4.mul(v128.load(wishYs + at), speed);
    v128.store(vxs + at, vx);
    v128.store(vys + at, vy);
    const dx = f32x4.mul(vx, dt);
    const dy = f32x4.mul(vy, dt);
    if (!v128.any_true(v128.or(dx, dy))) continue;
    const x = v128.load(xs + at);
    const y = v128.load(ys + at);
    const h = v128.load(halfSizes + at);
    const toX = f32x4.add(x, dx);
    const toY = f32x4.add(y, dy);
    const stay = v128.and(
      lanesStay(x, toX, dx, h, inverse, margin, endX),
      lanesStay(y, toY, dy, h, inverse, margin, endY),
    );
    v128.store(xs + at, v128.bitselect(toX, x, stay));
    v128.store(ys + at, v128.bitselect(toY, y, stay));
    let near: u32 = i32x4.bitmask(stay) ^ 15;
    while (near != 0) {
      const lane = ctz(near);
      near &= near - 1;
      const slot = (at >>> 2) + lane;
      const from = slot << 2;
      moveNearTiles(zone, slot, load<f32>(vxs + from) * zone.dt, load<f32>(vys + from) * zone.dt);
    }
  }
}

/** Moves every entity by one tick. O(entities + tiles crossed). */
export function moveAll(zone: Zone): void {
  if (ASC_FEATURE_SIMD) moveSimd(zone);
  else moveScalar(zone, 0, zone.highWater);
}
