// Can a box walk in a straight line from one place to another? Three rays over the tiles, one from each side of the box's way and
// one from its middle (J. Amanatides, A. Woo, "A Fast Voxel Traversal Algorithm for Ray Tracing", 1987). Boxes up to a tile wide
// hide nothing between the rays; wider ones may brush a corner, and slide along it. O(tiles on the way).
import { Zone } from "./layout";
import { spanBlocked, tileHigh, tileLow } from "./tiles";

/** Does the ray meet no blocked tile? Touching a border counts as being on its far side. */
function isRayFree(zone: Zone, x0: f64, y0: f64, x1: f64, y1: f64): bool {
  const size = <f64>zone.sweepSize;
  let column = tileLow(zone, x0);
  let row = tileLow(zone, y0);
  const lastColumn = tileLow(zone, x1);
  const lastRow = tileLow(zone, y1);
  const stepX = x1 > x0 ? 1 : -1;
  const stepY = y1 > y0 ? 1 : -1;
  const dx = abs(x1 - x0);
  const dy = abs(y1 - y0);
  // How far along the ray the next border of each kind is, times dx * dy: no division, and never a 0 to divide by.
  let toX = (stepX > 0 ? <f64>(column + 1) * size - x0 : x0 - <f64>column * size) * dy;
  let toY = (stepY > 0 ? <f64>(row + 1) * size - y0 : y0 - <f64>row * size) * dx;
  let tiles = abs(lastColumn - column) + abs(lastRow - row);
  while (true) {
    if (spanBlocked(zone, column, row, column, row)) return false;
    if (tiles == 0) return true;
    tiles--;
    if (row == lastRow || (column != lastColumn && toX < toY)) {
      column += stepX;
      toX += size * dy;
    } else {
      row += stepY;
      toY += size * dx;
    }
  }
}

/** Is the straight way of a box from one place to another free? Both are places where it may stand. */
export function isWayFree(zone: Zone, x0: f32, y0: f32, x1: f32, y1: f32, halfSize: f32): bool {
  if (zone.tilesX == 0) return true;
  const h = <f64>halfSize;
  const left = tileLow(zone, <f64>min(x0, x1) - h);
  const top = tileLow(zone, <f64>min(y0, y1) - h);
  const right = tileHigh(zone, <f64>max(x0, x1) + h, left);
  const bottom = tileHigh(zone, <f64>max(y0, y1) + h, top);
  if (!spanBlocked(zone, left, top, right, bottom)) return true;
  // The corners of the box that lie on the two sides of its way; a hair inside, as a box does not cover its far edges.
  const inside = h * (1 - 1.0 / 1048576.0);
  const side = (x1 > x0) == (y1 > y0) ? -inside : inside;
  const ax = <f64>x0;
  const ay = <f64>y0;
  const bx = <f64>x1;
  const by = <f64>y1;
  return (
    isRayFree(zone, ax + inside, ay + side, bx + inside, by + side) &&
    isRayFree(zone, ax - inside, ay - side, bx - inside, by - side) && isRayFree(zone, ax, ay, bx, by)
  );
}
