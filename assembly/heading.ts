// Where somebody who follows a flow field heads for. A field leads from tile centre to tile centre, but walkers stand anywhere in a tile,
// and their boxes reach over its border. Two facts make the rest easy (both for boxes of the field's size or smaller):
//
//     ┌───┬───┬▓▓▓┐    1. From anywhere in a tile whose centre can be stood at, the straight way to that centre is free: the box
//     │   │   │▓▓▓│       comes to cover less and less of what it must not, and nothing that it must not cover at the centre.
//     │  ┌┼──┐│   │    2. If all tiles of the rectangle around a box and the place it heads for are free, so is the straight way.
//     ├──┼┼──┼┼───┤
//     │  └┼──┘│ x │    Here the box may go straight to x only when it has come far enough to the left, or down: (2) says when;
//     └───┴───┴───┘    until then it goes by (1), and on a straight step by (1) along one axis.
//
// Costs of tiles fall with each step, so nobody walks in circles. O(tiles of the rectangle), some 80 ns.
import { Zone } from "./layout";
import { Field, pathsOf } from "./ways";
import { GOAL, fieldAt, fieldLive, flowDirection, goalX, goalY, indexOf } from "./flow";
import { centreOf } from "./path";
import { spanBlocked, tileHigh, tileLow } from "./tiles";

/** Tiles that are looked ahead along a line of equal directions: who heads far need not slow down at each tile's centre. */
const AHEAD: i32 = 4;

/** By direction 0 to 9, two bits each: the step plus 1. */
const STEPS_X: u32 = (1 << 0) | (2 << 2) | (2 << 4) | (1 << 6) | (1 << 14) | (2 << 16) | (1 << 18);
const STEPS_Y: u32 = (1 << 0) | (1 << 2) | (2 << 4) | (2 << 6) | (2 << 8) | (1 << 10) | (1 << 18);

/** Columns, -1 to 1, that a direction leads. */
// @ts-ignore: decorator
@inline
export function stepX(direction: u32): i32 {
  return <i32>((STEPS_X >>> (direction << 1)) & 3) - 1;
}

// @ts-ignore: decorator
@inline
export function stepY(direction: u32): i32 {
  return <i32>((STEPS_Y >>> (direction << 1)) & 3) - 1;
}

/** The direction of a step: 1 to 8, 9 when there is none. */
function directionOf(dx: i32, dy: i32): u32 {
  for (let direction: u32 = 1; direction < GOAL; direction++) {
    if (stepX(direction) == dx && stepY(direction) == dy) return direction;
  }
  return GOAL;
}

/** Is everything free between a box and where it would be at (toX, toY)? */
function wayFree(zone: Zone, x: f64, y: f64, toX: f64, toY: f64, h: f64): bool {
  const c0 = tileLow(zone, min(x, toX) - h);
  const r0 = tileLow(zone, min(y, toY) - h);
  const c1 = tileHigh(zone, max(x, toX) + h, c0);
  const r1 = tileHigh(zone, max(y, toY) + h, r0);
  return !spanBlocked(zone, c0, r0, c1, r1);
}

// @ts-ignore: decorator
@inline
function headFor(zone: Zone, x: f64, y: f64): bool {
  zone.flowX = <f32>x;
  zone.flowY = <f32>y;
  return true;
}

/** The goal nearest to a point. */
function nearestGoal(field: Field, x: f64, y: f64): u32 {
  let nearest: u32 = 0;
  let least: f64 = Infinity;
  for (let goal: u32 = 0; goal < field.goalCount; goal++) {
    const dx = <f64>goalX(field, goal) - x;
    const dy = <f64>goalY(field, goal) - y;
    const distance = dx * dx + dy * dy;
    if (distance < least) {
      least = distance;
      nearest = goal;
    }
  }
  return nearest;
}

/** The line of a place that is in the zone; a point on its far border belongs to the last one. */
// @ts-ignore: decorator
@inline
function tileOf(zone: Zone, at: f64, count: u32): u32 {
  return min(<u32>max(tileLow(zone, at), 0), count - 1);
}

/** From a tile that the field does not know, or too close to a wall: to a neighbour that it knows, if the way there is free. */
function rejoin(zone: Zone, handle: u32, column: u32, row: u32, x: f64, y: f64, h: f64): bool {
  for (let i: u32 = 0; i < 8; i++) {
    // Straight ones first.
    const direction = i < 4 ? 2 * i + 1 : 2 * i - 6;
    const c = column + stepX(direction);
    const r = row + stepY(direction);
    if (c >= zone.tilesX || r >= zone.tilesY || flowDirection(zone, handle, c, r) == 0) continue;
    if (wayFree(zone, x, y, centreOf(zone, c), centreOf(zone, r), h)) return headFor(zone, centreOf(zone, c), centreOf(zone, r));
  }
  return false;
}

/**
 * Where a box at (x, y) heads for to follow a field: zone.flowX and flowY say where then. Walk there in a straight line, not
 * beyond it, and ask again. In a goal's tile it is the tile's centre. False when the handle is stale or no way is known
 * (yet) from here. Without tiles it is the nearest goal itself.
 */
export function flowSteer(zone: Zone, handle: u32, x: f32, y: f32, halfSize: f32): bool {
  const paths = pathsOf(zone);
  if (!fieldLive(paths, handle)) return false;
  const px = <f64>x;
  const py = <f64>y;
  if (zone.tilesX == 0) {
    const field = fieldAt(paths, indexOf(handle));
    const goal = nearestGoal(field, px, py);
    return headFor(zone, <f64>goalX(field, goal), <f64>goalY(field, goal));
  }
  const h = <f64>halfSize;
  const column = tileOf(zone, px, zone.tilesX);
  const row = tileOf(zone, py, zone.tilesY);
  const direction = flowDirection(zone, handle, column, row);
  if (direction == 0) return rejoin(zone, handle, column, row, px, py, h);
  const dx = stepX(direction);
  const dy = stepY(direction);
  const ownX = centreOf(zone, column);
  const ownY = centreOf(zone, row);
  if (direction == GOAL) return headFor(zone, ownX, ownY);
  let far: i32 = 0;
  while (far < AHEAD && wayFree(zone, px, py, centreOf(zone, column + dx * (far + 1)), centreOf(zone, row + dy * (far + 1)), h)) {
    far++;
    if (flowDirection(zone, handle, column + dx * far, row + dy * far) != direction) break;
  }
  if (far != 0) return headFor(zone, centreOf(zone, column + dx * far), centreOf(zone, row + dy * far));
  return headFor(zone, dx != 0 && dy == 0 ? px : ownX, dy != 0 && dx == 0 ? py : ownY);
}

/** Is a place in a goal's tile of the field? */
export function isAtGoal(zone: Zone, handle: u32, x: f32, y: f32): bool {
  const paths = pathsOf(zone);
  if (!fieldLive(paths, handle)) return false;
  if (zone.tilesX == 0) return fieldDirection(zone, handle, x, y) == GOAL;
  return flowDirection(zone, handle, tileOf(zone, x, zone.tilesX), tileOf(zone, y, zone.tilesY)) == GOAL;
}

/** For a host: the direction at a point; without tiles that of the straight way to the nearest goal's tile. */
export function fieldDirection(zone: Zone, handle: u32, x: f64, y: f64): u32 {
  const paths = pathsOf(zone);
  if (!fieldLive(paths, handle) || !(x >= 0 && y >= 0 && x < <f64>zone.width && y < <f64>zone.height)) return 0;
  const size = <f64>zone.tileSize;
  const column = floor<f64>(x / size);
  const row = floor<f64>(y / size);
  if (zone.tilesX != 0) {
    return flowDirection(zone, handle, min(<u32>column, zone.tilesX - 1), min(<u32>row, zone.tilesY - 1));
  }
  const field = fieldAt(paths, indexOf(handle));
  const goal = nearestGoal(field, x, y);
  const right = floor<f64>(<f64>goalX(field, goal) / size) - column;
  const down = floor<f64>(<f64>goalY(field, goal) / size) - row;
  return directionOf(<i32>(right > 0) - <i32>(right < 0), <i32>(down > 0) - <i32>(down < 0));
}
