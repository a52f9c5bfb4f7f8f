// Heat: a fire warms those around it, and everybody cools down. heat is the first of the zone's own columns, an f32.
//
//   heat' = heat + power / (1 + d2 / radius2) - loss * heat         d2: squared distance to the fire
//
// About 1 ns an entity in lanes of four. The scalar twin does the same operations in the same order, so both builds give the same bits.
import { Zone, ownColumn } from "gyre/assembly/layout";

/** Index of the column by order of declaration. */
const HEAT: u32 = 0;

/** One tick of a fire at (x, y). radius2 is in square units, power in heat a tick, loss a share. Gives how many are warmer than limit. */
export function warm(zone: Zone, x: f32, y: f32, radius2: f32, power: f32, loss: f32, limit: f32): u32 {
  const heat = ownColumn(zone, HEAT);
  if (ASC_FEATURE_SIMD) return warmLanes(zone, heat, x, y, radius2, power, loss, limit);
  return warmScalar(zone, heat, x, y, radius2, power, loss, limit);
}

function warmScalar(zone: Zone, heat: usize, x: f32, y: f32, radius2: f32, power: f32, loss: f32, limit: f32): u32 {
  const end = zone.highWater << 2;
  let hot: u32 = 0;
  for (let at: usize = 0; at < end; at += 4) {
    // A free slot stays zero: that is what a new entity finds.
    if (load<u32>(zone.id + at) == 0) continue;
    const dx = load<f32>(zone.x + at) - x;
    const dy = load<f32>(zone.y + at) - y;
    const d2 = dx * dx + dy * dy;
    const old = load<f32>(heat + at);
    const gain = power / (1 + d2 / radius2);
    const now = old + gain - loss * old;
    store<f32>(heat + at, now);
    hot += u32(now > limit);
  }
  return hot;
}

// Four slots at a time. The last group may reach beyond the used slots and even beyond the columns: each has bytes to spare behind it,
// and where nobody lives zeros are written over zeros.
function warmLanes(zone: Zone, heat: usize, x: f32, y: f32, radius2: f32, power: f32, loss: f32, limit: f32): u32 {
  const xs = zone.x;
  const ys = zone.y;
  const ids = zone.id;
  const end = zone.highWater << 2;
  let hot: u32 = 0;
  for (let at: usize = 0; at < end; at += 16) {
    const free = i32x4.eq(v128.load(ids + at), i32x4.splat(0));
    const dx = f32x4.sub(v128.load(xs + at), f32x4.splat(x));
    const dy = f32x4.sub(v128.load(ys + at), f32x4.splat(y));
    const d2 = f32x4.add(f32x4.mul(dx, dx), f32x4.mul(dy, dy));
    const old = v128.load(heat + at);
    const gain = f32x4.div(f32x4.splat(power), f32x4.add(f32x4.splat(1), f32x4.div(d2, f32x4.splat(radius2))));
    const warmer = f32x4.sub(f32x4.add(old, gain), f32x4.mul(f32x4.splat(loss), old));
    const now = v128.andnot(warmer, free);
    v128.store(heat + at, now);
    hot += popcnt(i32x4.bitmask(v128.andnot(f32x4.gt(now, f32x4.splat(limit)), free)));
  }
  return hot;
}
