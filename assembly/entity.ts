// Entities: structure of arrays by slot. A freed slot goes to the tail of a queue and its generation moves on, so a stale id
// is recognised; fresh slots are taken while fewer than REST_SLOTS are free, so that an id is not repeated soon. O(1) each.
import {
  BLOCKED, GENERATION_BITS, GENERATION_MAX, NONE, OK, OUT_OF_BOUNDS, REST_SLOTS, ZONE_FULL, Zone,
} from "./layout";
import { boxBlocked, boxInside } from "./tiles";
import { gridForget, gridAppend } from "./grid";

// @ts-ignore: decorator
@inline
export function slotOf(id: u32): u32 {
  return id >>> GENERATION_BITS;
}

/** The slot of a live id, else -1. */
export function find(zone: Zone, id: u32): i32 {
  const slot = slotOf(id);
  if (id == 0 || slot >= zone.highWater) return -1;
  return load<u32>(zone.id + (slot << 2)) == id ? <i32>slot : -1;
}

/** May an entity be spawned here? OK or the first reason against it. */
export function spawnCheck(zone: Zone, x: f32, y: f32, halfSize: f32): u32 {
  if (zone.count >= zone.capacity) return ZONE_FULL;
  if (!boxInside(zone, x, y, halfSize)) return OUT_OF_BOUNDS;
  return boxBlocked(zone, x, y, halfSize) ? BLOCKED : OK;
}

function takeSlot(zone: Zone): u32 {
  const fresh = zone.highWater;
  if (fresh < zone.capacity && zone.freeCount < REST_SLOTS) {
    zone.highWater = fresh + 1;
    return fresh;
  }
  const slot = zone.freeHead;
  assert(slot != NONE);
  zone.freeHead = load<u32>(zone.next + (slot << 2));
  if (zone.freeHead == NONE) zone.freeTail = NONE;
  zone.freeCount--;
  return slot;
}

/** One more entity, where spawnCheck gave OK. Gives its id. */
export function spawn(zone: Zone, x: f32, y: f32, halfSize: f32, speed: f32, hp: i32, kind: u32, team: u32): u32 {
  if (!ASC_NO_ASSERT) assert(spawnCheck(zone, x, y, halfSize) == OK);
  assert(halfSize >= 0 && speed >= 0 && kind <= 0xffff && team <= 0xff);
  const slot = takeSlot(zone);
  const at = slot << 2;
  const generation = <u32>load<u16>(zone.generation + (slot << 1));
  const next = generation == GENERATION_MAX ? 1 : generation + 1;
  store<u16>(zone.generation + (slot << 1), <u16>next);
  const id = (slot << GENERATION_BITS) | next;
  store<u32>(zone.id + at, id);
  store<f32>(zone.x + at, x);
  store<f32>(zone.y + at, y);
  store<f32>(zone.halfSize + at, halfSize);
  store<f32>(zone.speed + at, speed);
  store<i32>(zone.hp + at, hp);
  store<u16>(zone.kind + (slot << 1), <u16>kind);
  store<u8>(zone.team + slot, <u8>team);
  store<u8>(zone.alive + slot, 1);
  store<u32>(zone.nearestId + at, 0);
  zone.count++;
  gridAppend(zone, slot);
  return id;
}

/** False when the id is stale. The slot's columns are cleared, so that equal populations have equal bytes. */
export function despawn(zone: Zone, id: u32): bool {
  const slot = find(zone, id);
  if (slot < 0) return false;
  const at = <u32>slot << 2;
  gridForget(zone, slot);
  store<u32>(zone.id + at, 0);
  store<f32>(zone.x + at, 0);
  store<f32>(zone.y + at, 0);
  store<f32>(zone.vx + at, 0);
  store<f32>(zone.vy + at, 0);
  store<f32>(zone.wishX + at, 0);
  store<f32>(zone.wishY + at, 0);
  store<f32>(zone.speed + at, 0);
  store<f32>(zone.halfSize + at, 0);
  store<i32>(zone.hp + at, 0);
  store<u16>(zone.kind + (<u32>slot << 1), 0);
  store<u8>(zone.team + slot, 0);
  store<u8>(zone.alive + slot, 0);
  store<u32>(zone.nearestId + at, 0);
  store<u32>(zone.next + at, NONE);
  if (zone.freeTail == NONE) zone.freeHead = slot;
  else store<u32>(zone.next + (zone.freeTail << 2), slot);
  zone.freeTail = slot;
  zone.freeCount++;
  zone.count--;
  return true;
}

/** Sets the wish direction, shortened to length 1 when longer. False when the id is stale. */
export function move(zone: Zone, id: u32, dx: f64, dy: f64): bool {
  assert(isFinite(dx) && isFinite(dy));
  const slot = find(zone, id);
  if (slot < 0) return false;
  const longest = max(abs(dx), abs(dy));
  if (longest > 1) {
    // Scaled first, so that the squares of huge components stay finite.
    dx /= longest;
    dy /= longest;
  }
  const length = sqrt(dx * dx + dy * dy);
  if (length > 1) {
    dx /= length;
    dy /= length;
  }
  store<f32>(zone.wishX + (<u32>slot << 2), <f32>dx);
  store<f32>(zone.wishY + (<u32>slot << 2), <f32>dy);
  return true;
}
