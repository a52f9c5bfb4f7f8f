// Steering: where who decides for itself heads for, kept apart from its team's others (C. Reynolds, "Steering Behaviors For Autonomous
// Characters", 1999: seek and separation). Cost: the entities within the distance kept, at most NEIGHBOURS_MAX of each run of them.
//
//     run of entries   a b c d  e f g h  i .        pushes add up in four lanes, entry n of a run in lane n modulo 4, and the
//     lanes            0 1 2 3  0 1 2 3  0 1        lanes at the end: in that order in both builds, so that they agree to the bit
import { beginSquare, nextRun } from "./grid";
import { tailBits } from "./lanes";
import { Zone } from "./layout";

/** Entries looked at of one run: in a throng only the next of them push, or a crowd in one cell would cost its square. */
const NEIGHBOURS_MAX: u32 = 32;

/** Bits as lanes of all ones. */
// @ts-ignore: decorator
@inline
function lanesOf(bits: u32): v128 {
  return i32x4.ne(v128.and(i32x4.splat(bits), i32x4(1, 2, 4, 8)), i32x4.splat(0));
}

/** Adds up, in zone.pushX and pushY, how the team's others within radius push the entity in this slot away. */
function separate(zone: Zone, slot: u32, radius: f32): void {
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const team = <i32>load<u8>(zone.team + slot);
  beginSquare(zone, x, y, radius, zone.layerTeam == team ? 1 : 2);
  if (ASC_FEATURE_SIMD) separateSimd(zone, x, y, team, load<u32>(zone.id + at), radius);
  else separateScalar(zone, x, y, team, load<u32>(zone.id + at), radius);
}

function separateSimd(zone: Zone, x: f32, y: f32, team: i32, self: u32, radius: f32): void {
  const xs = zone.sortedX;
  const ys = zone.sortedY;
  const ids = zone.sortedId;
  const teams = zone.sortedTeam;
  const px = f32x4.splat(x);
  const py = f32x4.splat(y);
  const limit = f32x4.splat(radius * radius);
  const inverse = f32x4.splat(<f32>1 / radius);
  const one = f32x4.splat(1);
  let pushX = f32x4.splat(0);
  let pushY = pushX;
  while (nextRun(zone)) {
    const end = min(zone.runEnd, zone.runStart + NEIGHBOURS_MAX) << 2;
    for (let entry = zone.runStart << 2; entry < end; entry += 16) {
      const awayX = f32x4.sub(px, v128.load(xs + entry));
      const awayY = f32x4.sub(py, v128.load(ys + entry));
      const near = f32x4.add(f32x4.mul(awayX, awayX), f32x4.mul(awayY, awayY));
      let counts = v128.and(
        f32x4.lt(near, limit),
        i32x4.eq(v128.load(teams + entry), i32x4.splat(team)),
      );
      if (end - entry < 16) counts = v128.and(counts, lanesOf(tailBits((end - entry) >>> 2)));
      if (!v128.any_true(counts)) continue;
      const distance = f32x4.sqrt(near);
      const push = f32x4.div(f32x4.sub(one, f32x4.mul(distance, inverse)), distance);
      const same = f32x4.eq(near, f32x4.splat(0));
      const id = v128.load(ids + entry);
      const side = v128.andnot(
        v128.bitselect(one, f32x4.neg(one), i32x4.lt_u(id, i32x4.splat(self))),
        i32x4.eq(id, i32x4.splat(self)),
      );
      pushX = f32x4.add(pushX, v128.and(v128.bitselect(side, f32x4.mul(awayX, push), same), counts));
      pushY = f32x4.add(pushY, v128.and(v128.andnot(f32x4.mul(awayY, push), same), counts));
    }
  }
  zone.pushX = f32x4.extract_lane(pushX, 0) + f32x4.extract_lane(pushX, 1) +
    (f32x4.extract_lane(pushX, 2) + f32x4.extract_lane(pushX, 3));
  zone.pushY = f32x4.extract_lane(pushY, 0) + f32x4.extract_lane(pushY, 1) +
    (f32x4.extract_lane(pushY, 2) + f32x4.extract_lane(pushY, 3));
}

function separateScalar(zone: Zone, x: f32, y: f32, team: i32, self: u32, radius: f32): void {
  const limit = radius * radius;
  const inverse = <f32>1 / radius;
  // Four lanes of x, then of y.
  const lanes = zone.windows;
  memory.fill(lanes, 0, 32);
  while (nextRun(zone)) {
    const end = min(zone.runEnd, zone.runStart + NEIGHBOURS_MAX);
    for (let place = zone.runStart; place < end; place++) {
      const entry = place << 2;
      const awayX = x - load<f32>(zone.sortedX + entry);
      const awayY = y - load<f32>(zone.sortedY + entry);
      const near = awayX * awayX + awayY * awayY;
      if (!(near < limit) || load<i32>(zone.sortedTeam + entry) != team) continue;
      const lane = lanes + (((place - zone.runStart) & 3) << 2);
      if (near > 0) {
        const distance = sqrt<f32>(near);
        // 1 when the centres touch, 0 at the distance kept.
        const push = (<f32>1 - distance * inverse) / distance;
        store<f32>(lane, load<f32>(lane) + awayX * push);
        store<f32>(lane, load<f32>(lane, 16) + awayY * push, 16);
      } else {
        // Who stands in the same place steps aside to the side of its id.
        const id = load<u32>(zone.sortedId + entry);
        if (id != self) store<f32>(lane, load<f32>(lane) + (id < self ? <f32>1 : <f32>-1));
      }
    }
  }
  zone.pushX = load<f32>(lanes) + load<f32>(lanes, 4) + (load<f32>(lanes, 8) + load<f32>(lanes, 12));
  zone.pushY = load<f32>(lanes, 16) + load<f32>(lanes, 20) + (load<f32>(lanes, 24) + load<f32>(lanes, 28));
}

/** Wish: towards (dx, dy), of any length, at `pace`, and away from its team's others within `separation` of the box; shortened to 1. */
export function steer(zone: Zone, slot: u32, dx: f32, dy: f32, pace: f32, separation: f32): void {
  const at = slot << 2;
  let wishX: f32 = 0;
  let wishY: f32 = 0;
  const squared = dx * dx + dy * dy;
  if (squared > 0) {
    const scale = pace / sqrt<f32>(squared);
    wishX = dx * scale;
    wishY = dy * scale;
  }
  if (separation > 0) {
    separate(zone, slot, separation + load<f32>(zone.halfSize + at) * 2);
    wishX += zone.pushX;
    wishY += zone.pushY;
  }
  const length = wishX * wishX + wishY * wishY;
  if (length > 1) {
    const scale = <f32>1 / sqrt<f32>(length);
    // Rounding may leave a component a hair above 1.
    wishX = max<f32>(-1, min<f32>(1, wishX * scale));
    wishY = max<f32>(-1, min<f32>(1, wishY * scale));
  }
  store<f32>(zone.wishX + at, wishX);
  store<f32>(zone.wishY + at, wishY);
}
