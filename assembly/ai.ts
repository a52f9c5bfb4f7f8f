// What entities decide for themselves. Hunters:
//
//            notices an enemy              in reach and in sight
//     IDLE ────────────────────> CHASE <──────────────────────> ATTACK       any of them, when it dies: DEAD, then IDLE at home
//      ^                           │ nobody in sight, or beyond its leash
//      └──── at home, healed ── RETURN
//
// Nobody decides in every tick. Slots are taken in blocks of 16, and in tick t the blocks b with b = t modulo the steer period decide
// where to go, of these the ones with b = t modulo the think period look around first. So each looks around exactly once in a think
// period, at most a quarter of a second, whatever else happens.
//
//     tick        0      1      2      3      4      ...    12         steer period 4, think period 12 (60 Hz)
//     steer       0 4 8  1 5 9  2 6 10 3 7 11 0 4 8         0 4 8      blocks
//     think       0      1      2      3      4             0
//
// Who decides is sorted by state and kind first; then there is a loop for each, over entities that are alike.
// Cost: a search for the nearest enemy is some 100 ns, a decision where to go some 50 ns and the neighbours it keeps apart from.
import { Archetype, BRAIN_HUNTER, archetypeOf, hpMax } from "./archetype";
import { isHarmable, isReady, rouse } from "./combat";
import { face, find, halt, place, placeCheck, slotOf } from "./entity";
import { EVENT_ARRIVAL, emitAt } from "./event";
import { flowRequest } from "./flow";
import { beginSquare, gridClean, layersWithout, nextRun } from "./grid";
import { flowSteer, isAtGoal } from "./heading";
import { ARRIVED, ATTACK, CHASE, DEAD, IDLE, NONE, OK, RETURN, SEES, WALK, Zone } from "./layout";
import { findPath } from "./path";
import { candidate, candidateLimit, likelyReach, nearestFrom, squaredRadius } from "./query";
import { isWayFree } from "./sight";
import { steer } from "./steer";

/** Slots of a block: a cache line of a column. */
const BLOCK: u32 = 16;
/** Who is being chased is noticed from so much farther away than who is not: else hunters at the edge of their sight dither. */
const KEEP_SIGHT: f32 = 1.5;
/** Part of a tick's way by which who walks along a field is put in line with it. */
const IN_LINE: f32 = 0.0625;
/** Seconds after which who cannot find home is put there. */
const RETURN_SECONDS: f64 = 20;
/** Searches for ways home in a tick; the others go straight on, and search the next time they look around. */
const RETURN_PATHS_MAX: u32 = 8;
/** Turns of a way home that are tried for being in sight. */
const TURNS_MAX: u32 = 8;
/** Strolling pace, of 1. */
const STROLL: f32 = 0.4;

/** Where the slot is listed: by state, then kind; NONE when it has nothing to decide now. */
// @ts-ignore: decorator
@inline
function keyOf(zone: Zone, slot: u32, thinks: bool): u32 {
  if (load<u32>(zone.id + (slot << 2)) == 0) return NONE;
  const kind = min(<u32>load<u16>(zone.kind + (slot << 1)), zone.archetypeCount);
  let state = <u32>load<u8>(zone.state + slot);
  if (state != DEAD && archetypeOf(zone, kind).brain != BRAIN_HUNTER) {
    if (load<u32>(zone.route + (slot << 2)) == 0) return NONE;
    state = WALK;
  }
  if (state == IDLE && !thinks) return NONE;
  return state * (zone.archetypeCount + 1) + kind;
}

/** Lists who decides in this tick in zone.order, as slot << 1 | whether it looks around; list k is from orderStarts[k] to orderStarts[k + 1]. */
function sortSlice(zone: Zone): void {
  const keys = (WALK + 1) * (zone.archetypeCount + 1);
  const starts = zone.orderStarts;
  memory.fill(starts, 0, (keys + 2) << 2);
  for (let pass: u32 = 0; pass < 2; pass++) {
    for (let block = zone.tick % zone.steerPeriod; block * BLOCK < zone.highWater; block += zone.steerPeriod) {
      const thinks = block % zone.thinkPeriod == zone.tick % zone.thinkPeriod;
      const end = min(zone.highWater, (block + 1) * BLOCK);
      for (let slot = block * BLOCK; slot < end; slot++) {
        const key = keyOf(zone, slot, thinks);
        if (key == NONE) continue;
        // Counts lie two places further, sums one: after the second pass starts are where they belong.
        const at = starts + ((key + (pass == 0 ? 2 : 1)) << 2);
        const count = load<u32>(at);
        store<u32>(at, count + 1);
        if (pass == 1) store<u32>(zone.order + (count << 2), (slot << 1) | <u32>thinks);
      }
    }
    if (pass == 0) for (let key: u32 = 2; key < keys + 1; key++) {
      store<u32>(starts + (key << 2), load<u32>(starts + (key << 2)) + load<u32>(starts + ((key - 1) << 2)));
    }
  }
}

// @ts-ignore: decorator
@inline
function listStart(zone: Zone, state: u32, kind: u32): u32 {
  return load<u32>(zone.orderStarts + ((state * (zone.archetypeCount + 1) + kind) << 2));
}

// @ts-ignore: decorator
@inline
function listEnd(zone: Zone, state: u32, kind: u32): u32 {
  return load<u32>(zone.orderStarts + ((state * (zone.archetypeCount + 1) + kind + 1) << 2));
}

// @ts-ignore: decorator
@inline
function deciderAt(zone: Zone, place: u32): u32 {
  return load<u32>(zone.order + (place << 2));
}

/** 32 well mixed bits (A. Appleby, MurmurHash3's finalizer) of who and when: chance without a state. */
function chance(zone: Zone, slot: u32): u32 {
  let h = load<u32>(zone.id + (slot << 2)) ^ (zone.tick * 0x9e3779b1) ^ <u32>zone.seed;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** The squared distance from home. */
// @ts-ignore: decorator
@inline
function strayed(zone: Zone, slot: u32): f32 {
  const at = slot << 2;
  const dx = load<f32>(zone.homeX + at) - load<f32>(zone.x + at);
  const dy = load<f32>(zone.homeY + at) - load<f32>(zone.y + at);
  return dx * dx + dy * dy;
}

/** The nearest harmable enemy within `sight`, one by one: for when a nearer one is beyond harm. */
function noticeHarmable(zone: Zone, x: f32, y: f32, sight: f32, team: i32, layers: u32): u32 {
  const limit = candidateLimit(squaredRadius(sight));
  let best = limit;
  beginSquare(zone, x, y, sight, layers);
  while (nextRun(zone)) {
    for (let entry = zone.runStart << 2; entry < zone.runEnd << 2; entry += 4) {
      if (load<i32>(zone.sortedTeam + entry) == team) continue;
      const dx = load<f32>(zone.sortedX + entry) - x;
      const dy = load<f32>(zone.sortedY + entry) - y;
      const id = load<u32>(zone.sortedId + entry);
      const found = candidate(dx * dx + dy * dy, id);
      if (found < best && isHarmable(zone, slotOf(id))) best = found;
    }
  }
  return best == limit ? 0 : <u32>best;
}

/** Id of the nearest harmable enemy within `sight`, 0 when there is none. */
function notice(zone: Zone, slot: u32, sight: f32): u32 {
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const team = <i32>load<u8>(zone.team + slot);
  const layers = layersWithout(zone, team);
  if (layers == 0) return 0;
  const best = nearestFrom(zone, x, y, sight, team, 0, layers, likelyReach(zone, x, y, layers));
  if (best == candidateLimit(squaredRadius(sight))) return 0;
  return isHarmable(zone, slotOf(<u32>best)) ? <u32>best : noticeHarmable(zone, x, y, sight, team, layers);
}

/** A hunter turns to an enemy: straight at it when the way is free, else along a field around the walls. */
function pursueTarget(zone: Zone, row: Archetype, slot: u32, id: u32): void {
  const at = slot << 2;
  const target = <u32>find(zone, id) << 2;
  const x = load<f32>(zone.x + target);
  const y = load<f32>(zone.y + target);
  const halfSize = load<f32>(zone.halfSize + at);
  store<u32>(zone.target + at, id);
  if (load<u8>(zone.state + slot) != ATTACK) store<u8>(zone.state + slot, CHASE);
  const sees = isWayFree(zone, load<f32>(zone.x + at), load<f32>(zone.y + at), x, y, halfSize);
  store<u8>(zone.flags + slot, sees ? <u8>SEES : 0);
  store<u32>(zone.route + at, sees ? 0 : flowRequest(zone, x, y, halfSize, reachTiles(zone, row)));
}

/** How far a field for hunters of this kind has to lead, in tiles of way: there and around what lies between. */
function reachTiles(zone: Zone, row: Archetype): u32 {
  return <u32>min<f32>(ceil<f32>((max(row.sight * KEEP_SIGHT, row.leash) * 2) / zone.tileSize) + 4, 65535);
}

function giveUp(zone: Zone, slot: u32): void {
  const at = slot << 2;
  halt(zone, slot);
  store<u8>(zone.state + slot, RETURN);
  store<f32>(zone.wayX + at, load<f32>(zone.homeX + at));
  store<f32>(zone.wayY + at, load<f32>(zone.homeY + at));
  store<u32>(zone.until + at, zone.tick + <u32>ceil(RETURN_SECONDS * zone.tickRate));
}

/** Looks around while after somebody. */
function reconsider(zone: Zone, row: Archetype, slot: u32): void {
  const id = strayed(zone, slot) > row.leash * row.leash ? 0 : notice(zone, slot, row.sight * KEEP_SIGHT);
  if (id == 0) giveUp(zone, slot);
  else pursueTarget(zone, row, slot, id);
}

/** CHASE and ATTACK: up to the target, around walls, and strike when it is in reach. */
function pursue(zone: Zone, row: Archetype, decider: u32): void {
  const slot = decider >>> 1;
  const at = slot << 2;
  let target = find(zone, load<u32>(zone.target + at));
  if ((decider & 1) != 0 || target < 0 || !load<u8>(zone.alive + target)) {
    reconsider(zone, row, slot);
    if (load<u8>(zone.state + slot) == RETURN) return;
    target = find(zone, load<u32>(zone.target + at));
  }
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const dx = load<f32>(zone.x + (<u32>target << 2)) - x;
  const dy = load<f32>(zone.y + (<u32>target << 2)) - y;
  const halfSize = load<f32>(zone.halfSize + at);
  const reach = row.reach + halfSize;
  const sees = (load<u8>(zone.flags + slot) & SEES) != 0;
  const squared = dx * dx + dy * dy;
  if (sees && squared > 0) face(zone, slot, dx, dy);
  if (sees && squared <= reach * reach) {
    store<u8>(zone.state + slot, ATTACK);
    if (isReady(zone, row, slot)) store<u32>(zone.strikers + (zone.strikerCount++ << 2), slot);
    return steer(zone, slot, 0, 0, 0, row.separation);
  }
  store<u8>(zone.state + slot, CHASE);
  if (!sees && walkAlong(zone, row, slot)) return;
  steer(zone, slot, dx, dy, 1, row.separation);
}

/**
 * Heads where its field leads it, and not beyond before the next decision; false when that is nowhere. Who is all but in line with a gap is
 * put in line, for it may be exactly as wide; what that takes is taken off its pace.
 */
function walkAlong(zone: Zone, row: Archetype, slot: u32): bool {
  const at = slot << 2;
  const field = load<u32>(zone.route + at);
  const halfSize = load<f32>(zone.halfSize + at);
  const step = load<f32>(zone.speed + at) * zone.dt;
  if (!flowSteer(zone, field, load<f32>(zone.x + at), load<f32>(zone.y + at), halfSize)) return false;
  let dx = zone.flowX - load<f32>(zone.x + at);
  let dy = zone.flowY - load<f32>(zone.y + at);
  let pace: f32 = 1;
  if (max(abs(dx), abs(dy)) < step * IN_LINE && placeCheck(zone, slot, zone.flowX, zone.flowY) == OK) {
    store<f32>(zone.x + at, zone.flowX);
    store<f32>(zone.y + at, zone.flowY);
    flowSteer(zone, field, zone.flowX, zone.flowY, halfSize);
    dx = zone.flowX - load<f32>(zone.x + at);
    dy = zone.flowY - load<f32>(zone.y + at);
    pace = 1 - IN_LINE * 2;
  }
  const squared = dx * dx + dy * dy;
  if (squared > 0) face(zone, slot, dx, dy);
  const stride = step * <f32>zone.steerPeriod;
  if (squared < stride * stride) pace *= sqrt<f32>(squared) / stride;
  steer(zone, slot, dx, dy, pace, row.separation);
  return true;
}

/** IDLE: notices enemies, strolls around home. Only who looks around comes here. */
function idle(zone: Zone, row: Archetype, slot: u32): void {
  const id = row.sight > 0 ? notice(zone, slot, row.sight) : 0;
  if (id != 0) return pursueTarget(zone, row, slot, id);
  if (row.wander == 0) return;
  const at = slot << 2;
  const hash = chance(zone, slot);
  if (strayed(zone, slot) > row.wander * row.wander) {
    const dx = load<f32>(zone.homeX + at) - load<f32>(zone.x + at);
    const dy = load<f32>(zone.homeY + at) - load<f32>(zone.y + at);
    // Not quite straight, or a corner in between would hold it for ever.
    if ((hash & 3) != 0) return steer(zone, slot, dx, dy, STROLL, row.separation);
  }
  if ((hash & 7) > 1) return;
  const rests = (hash & 8) != 0;
  const dx = <f32>((hash >>> 8) & 0xff) - 127.5;
  const dy = <f32>((hash >>> 16) & 0xff) - 127.5;
  steer(zone, slot, dx, dy, rests ? 0 : STROLL, row.separation);
  if (!rests) face(zone, slot, dx, dy);
}

/** Sets the way point of who returns to the farthest turn of a shortest way home that is in sight. False when there is none. */
function findWayHome(zone: Zone, slot: u32): bool {
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const halfSize = load<f32>(zone.halfSize + at);
  const homeX = load<f32>(zone.homeX + at);
  const homeY = load<f32>(zone.homeY + at);
  if (findPath(zone, x, y, homeX, homeY, min(halfSize, zone.walkerHalfSize)) < 0) return false;
  let isFound = false;
  for (let turn: u32 = 0; turn < min(zone.wayLength, TURNS_MAX); turn++) {
    const wayX = (<f32>load<u32>(zone.way + (turn << 3)) + 0.5) * zone.tileSize;
    const wayY = (<f32>load<u32>(zone.way + (turn << 3), 4) + 0.5) * zone.tileSize;
    if (!isWayFree(zone, x, y, wayX, wayY, halfSize)) continue;
    store<f32>(zone.wayX + at, wayX);
    store<f32>(zone.wayY + at, wayY);
    isFound = true;
  }
  return isFound;
}

/** RETURN: home, and there healed. Gives how many more ways may be searched for in this tick. */
function goHome(zone: Zone, row: Archetype, decider: u32, paths: u32): u32 {
  const slot = decider >>> 1;
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const homeX = load<f32>(zone.homeX + at);
  const homeY = load<f32>(zone.homeY + at);
  const halfSize = load<f32>(zone.halfSize + at);
  const near = max<f32>(8, halfSize);
  if (load<u32>(zone.until + at) <= zone.tick) place(zone, slot, homeX, homeY);
  if (strayed(zone, slot) <= near * near) {
    halt(zone, slot);
    store<u8>(zone.state + slot, IDLE);
    store<u32>(zone.until + at, 0);
    store<i32>(zone.hp + at, max(load<i32>(zone.hp + at), hpMax(zone, slot)));
    return paths;
  }
  if ((decider & 1) != 0) {
    if (isWayFree(zone, x, y, homeX, homeY, halfSize)) {
      store<f32>(zone.wayX + at, homeX);
      store<f32>(zone.wayY + at, homeY);
    } else if (paths != 0) {
      paths--;
      findWayHome(zone, slot);
    }
  }
  const dx = load<f32>(zone.wayX + at) - x;
  const dy = load<f32>(zone.wayY + at) - y;
  if (dx * dx + dy * dy > 0) face(zone, slot, dx, dy);
  steer(zone, slot, dx, dy, 1, row.separation);
  return paths;
}

/** WALK: along its field. Who has arrived goes on to the middle of the goal's tile and makes room there for who comes after. */
function walk(zone: Zone, row: Archetype, slot: u32): void {
  const at = slot << 2;
  const flags = load<u8>(zone.flags + slot);
  if ((flags & ARRIVED) == 0 && isAtGoal(zone, load<u32>(zone.route + at), load<f32>(zone.x + at), load<f32>(zone.y + at))) {
    store<u8>(zone.flags + slot, <u8>(flags | ARRIVED));
    emitAt(zone, EVENT_ARRIVAL, false, 0, slot, 0, 0);
  }
  if (!walkAlong(zone, row, slot)) steer(zone, slot, 0, 0, 1, row.separation);
}

/** The decisions of this tick, on the places that everyone had at the end of the last one. */
export function decideAll(zone: Zone): void {
  zone.strikerCount = 0;
  if (zone.archetypeCount == 0 && zone.flowFields == 0) return;
  // Who asked the grid what since the last step must make no difference to the order of its entries.
  gridClean(zone);
  sortSlice(zone);
  const kinds = zone.archetypeCount;
  const last = listEnd(zone, DEAD, kinds);
  for (let i = listStart(zone, DEAD, 0); i < last; i++) rouse(zone, deciderAt(zone, i) >>> 1);
  let paths = RETURN_PATHS_MAX;
  for (let kind: u32 = 0; kind <= kinds; kind++) {
    const row = archetypeOf(zone, kind);
    for (let i = listStart(zone, IDLE, kind), end = listEnd(zone, IDLE, kind); i < end; i++) {
      idle(zone, row, deciderAt(zone, i) >>> 1);
    }
    for (let i = listStart(zone, CHASE, kind), end = listEnd(zone, CHASE, kind); i < end; i++) {
      pursue(zone, row, deciderAt(zone, i));
    }
    for (let i = listStart(zone, ATTACK, kind), end = listEnd(zone, ATTACK, kind); i < end; i++) {
      pursue(zone, row, deciderAt(zone, i));
    }
    for (let i = listStart(zone, RETURN, kind), end = listEnd(zone, RETURN, kind); i < end; i++) {
      paths = goHome(zone, row, deciderAt(zone, i), paths);
    }
    for (let i = listStart(zone, WALK, kind), end = listEnd(zone, WALK, kind); i < end; i++) {
      walk(zone, row, deciderAt(zone, i) >>> 1);
    }
  }
}

/** The entity walks along a field from now on, 0 for none. False when the id is stale or a corpse's. */
export function follow(zone: Zone, id: u32, field: u32): bool {
  const slot = find(zone, id);
  if (slot < 0 || !load<u8>(zone.alive + slot)) return false;
  store<u32>(zone.route + (<u32>slot << 2), field);
  store<u8>(zone.flags + slot, load<u8>(zone.flags + slot) & ~(<u8>ARRIVED));
  return true;
}
