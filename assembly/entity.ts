// Entities: structure of arrays by slot. A freed slot goes to the tail of a queue and its generation moves on, so a stale id
// is recognised; fresh slots are taken while fewer than REST_SLOTS are free, so that an id is not repeated soon. O(1) each.
import {
  BLOCKED, COLUMNS, COLUMNS_2, COLUMNS_4, GENERATION_BITS, GENERATION_MAX, NONE, OK, OUT_OF_BOUNDS, OWN_AT, OWN_COLUMNS_MAX, REST_SLOTS,
  ZONE_FULL, Zone, columnBytes, columnField, isZero, ownColumn, ownColumnBytes,
} from "./layout";
import { EVENT_SPAWN, emitAt } from "./event";
import { gridAppend, gridForget } from "./grid";
import { boxBlocked, boxInside } from "./tiles";

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
  store<f32>(zone.homeX + at, x);
  store<f32>(zone.homeY + at, y);
  store<f32>(zone.faceX + at, 1);
  store<u16>(zone.level + (slot << 1), 1);
  zone.count++;
  gridAppend(zone, slot);
  if (zone.archetypeCount != 0) emitAt(zone, EVENT_SPAWN, false, 0, slot, <i32>kind, 0);
  return id;
}

/** Zeros in all columns of a slot but its generation. */
function clear(zone: Zone, slot: u32): void {
  const generation = load<u16>(zone.generation + (slot << 1));
  for (let column: u32 = 0; column < COLUMNS_4; column++) {
    store<u32>(load<usize>(columnField(zone, column)) + (slot << 2), 0);
  }
  for (let column = COLUMNS_4; column < COLUMNS_4 + COLUMNS_2; column++) {
    store<u16>(load<usize>(columnField(zone, column)) + (slot << 1), 0);
  }
  for (let column = COLUMNS_4 + COLUMNS_2; column < COLUMNS; column++) {
    store<u8>(load<usize>(columnField(zone, column)) + slot, 0);
  }
  store<u16>(zone.generation + (slot << 1), generation);
  if (zone.ownSizes == 0) return;
  for (let column: u32 = 0; column < OWN_COLUMNS_MAX; column++) {
    const bytes = ownColumnBytes(zone, column);
    if (bytes != 0) memory.fill(ownColumn(zone, column) + slot * bytes, 0, bytes);
  }
}

/** Is a slot as clear leaves it? The links of freed slots are no part of that, nor are columns of one's own, into which games write. */
export function isClear(zone: Zone, slot: u32): bool {
  for (let column: u32 = 0; column < COLUMNS; column++) {
    const field = columnField(zone, column);
    const address = load<usize>(field);
    if (address == zone.next || address == zone.generation) continue;
    const bytes = columnBytes(column);
    const at = address + slot * bytes;
    if ((bytes == 4 ? load<u32>(at) : bytes == 2 ? <u32>load<u16>(at) : <u32>load<u8>(at)) != 0) return false;
  }
  return true;
}

/** Are the kernel's columns zero from the first slot on that was never used, up to where loads of four lanes end? */
export function isUnusedClear(zone: Zone): bool {
  for (let column: u32 = 0; column < COLUMNS; column++) {
    const field = columnField(zone, column);
    const end = column + 1 < COLUMNS ? load<usize>(field, 4) : <usize>load<u32>(changetype<usize>(zone), OWN_AT);
    let at = load<usize>(field) + zone.highWater * columnBytes(column);
    for (; (at & 3) != 0; at++) if (load<u8>(at) != 0) return false;
    if (!isZero(at, end)) return false;
  }
  return true;
}

/** Stops it, and it is asked for nothing any more. */
export function halt(zone: Zone, slot: u32): void {
  const at = slot << 2;
  store<f32>(zone.vx + at, 0);
  store<f32>(zone.vy + at, 0);
  store<f32>(zone.wishX + at, 0);
  store<f32>(zone.wishY + at, 0);
  store<u32>(zone.target + at, 0);
  store<u32>(zone.route + at, 0);
  store<u32>(zone.nearestId + at, 0);
  store<u8>(zone.action + slot, 0);
  store<u8>(zone.flags + slot, 0);
}

/** False when the id is stale. The slot's columns are cleared, so that equal populations have equal bytes. */
export function despawn(zone: Zone, id: u32): bool {
  const slot = find(zone, id);
  if (slot < 0) return false;
  const at = <u32>slot << 2;
  if (load<u8>(zone.alive + slot)) gridForget(zone, slot);
  store<u32>(zone.nearestId + at, 0);
  clear(zone, slot);
  store<u32>(zone.next + at, NONE);
  if (zone.freeTail == NONE) zone.freeHead = slot;
  else store<u32>(zone.next + (zone.freeTail << 2), slot);
  zone.freeTail = slot;
  zone.freeCount++;
  zone.count--;
  return true;
}

/** May the entity in this slot be placed here? OK or the first reason against it. */
export function placeCheck(zone: Zone, slot: u32, x: f32, y: f32): u32 {
  const halfSize = load<f32>(zone.halfSize + (slot << 2));
  if (!boxInside(zone, x, y, halfSize)) return OUT_OF_BOUNDS;
  return boxBlocked(zone, x, y, halfSize) ? BLOCKED : OK;
}

/** Puts an entity elsewhere, where placeCheck gave OK. */
export function place(zone: Zone, slot: u32, x: f32, y: f32): void {
  if (!ASC_NO_ASSERT) assert(slot < zone.highWater && placeCheck(zone, slot, x, y) == OK);
  const isAlive = load<u8>(zone.alive + slot) != 0;
  if (isAlive) gridForget(zone, slot);
  store<f32>(zone.x + (slot << 2), x);
  store<f32>(zone.y + (slot << 2), y);
  if (isAlive) gridAppend(zone, slot);
}

/** Faces along a vector that is not 0. */
// @ts-ignore: decorator
@inline
export function face(zone: Zone, slot: u32, dx: f32, dy: f32): void {
  const inverse = <f32>1 / sqrt<f32>(dx * dx + dy * dy);
  store<f32>(zone.faceX + (slot << 2), dx * inverse);
  store<f32>(zone.faceY + (slot << 2), dy * inverse);
}

/** Sets the wish direction, shortened to length 1 when longer, and faces there. False when the id is stale or a corpse's. */
export function move(zone: Zone, id: u32, dx: f64, dy: f64): bool {
  assert(isFinite(dx) && isFinite(dy));
  const slot = find(zone, id);
  if (slot < 0 || !load<u8>(zone.alive + slot)) return false;
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
  // Shorter than that, and the square may be 0.
  if (abs(dx) + abs(dy) > 1e-9) face(zone, slot, <f32>dx, <f32>dy);
  return true;
}
