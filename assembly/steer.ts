// Steering: where who decides for itself heads for, kept apart from others (C. Reynolds, "Steering Behaviors For Autonomous Characters",
// 1999: seek and separation). Cost: the entities within the distance kept, at most NEIGHBOURS_MAX of each row of cells.
import { beginSquare, nextRun } from "./grid";
import { Zone } from "./layout";

/** Entries looked at of one run: in a throng only the next of them push, or a crowd in one cell would cost its square. */
const NEIGHBOURS_MAX: u32 = 32;

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
    const x = load<f32>(zone.x + at);
    const y = load<f32>(zone.y + at);
    const team = <i32>load<u8>(zone.team + slot);
    const radius = separation + load<f32>(zone.halfSize + at) * 2;
    const limit = radius * radius;
    const inverse = <f32>1 / radius;
    const self = load<u32>(zone.id + at);
    let pushX: f32 = 0;
    let pushY: f32 = 0;
    beginSquare(zone, x, y, radius, zone.layerTeam == team ? 1 : 2);
    while (nextRun(zone)) {
      const end = min(zone.runEnd, zone.runStart + NEIGHBOURS_MAX) << 2;
      for (let entry = zone.runStart << 2; entry < end; entry += 4) {
        const awayX = x - load<f32>(zone.sortedX + entry);
        const awayY = y - load<f32>(zone.sortedY + entry);
        const near = awayX * awayX + awayY * awayY;
        if (near >= limit || load<i32>(zone.sortedTeam + entry) != team) continue;
        if (near > 0) {
          const distance = sqrt<f32>(near);
          // 1 when the centres touch, 0 at the distance kept.
          const push = (<f32>1 - distance * inverse) / distance;
          pushX += awayX * push;
          pushY += awayY * push;
        } else {
          // Who stands in the same place steps aside to the side of its id.
          const id = load<u32>(zone.sortedId + entry);
          if (id != self) pushX += id < self ? <f32>1 : <f32>-1;
        }
      }
    }
    wishX += pushX;
    wishY += pushY;
  }
  const length = wishX * wishX + wishY * wishY;
  if (length > 1) {
    const scale = <f32>1 / sqrt<f32>(length);
    wishX *= scale;
    wishY *= scale;
  }
  store<f32>(zone.wishX + at, wishX);
  store<f32>(zone.wishY + at, wishY);
}
