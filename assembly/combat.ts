// Combat: who is asked to strike does so as soon as cooldown and stagger allow. A blow hits the nearest harmable enemies within reach
// and arc, as many as the archetype's cleave:
//
//                ╱  b          Reach is measured from the border of the striker's box, taken as a circle, to the centre of
//          a  [S]────────>     the other; the arc is open around the direction that the striker faces. Walls stop blows.
//                ╲  c
//
// Damage is attack x (1 +- spread) - defence, at least 1, from the zone's generator; who was asked to strike does so in order of slots,
// then hunters in the order in which they decided. Who dies keeps its slot as a corpse, out of the grid, until it lives again or is
// gone. Cost: the entities near each blow.
import { Archetype, hpMax, rowOf } from "./archetype";
import { despawn, find, slotOf, halt } from "./entity";
import { EVENT_DEATH, EVENT_HIT, EVENT_LEVEL, EVENT_RESPAWN, emitAt } from "./event";
import { beginSquare, gridAppend, gridForget, layersWithout, nextRun } from "./grid";
import { CHASE, CLEAVE_MAX, DEAD, IDLE, WINDOWS_BYTES, Zone } from "./layout";
import { candidate, squaredRadius } from "./query";
import { random } from "./random";
import { isWayFree } from "./sight";

/** What an entity can be asked to do. */
export const ACTION_STRIKE: u32 = 1;

if (CLEAVE_MAX * 8 > WINDOWS_BYTES) ERROR("the hits of a blow must fit their scratch");

/** Can blows harm the entity in this slot? */
// @ts-ignore: decorator
@inline
export function isHarmable(zone: Zone, slot: u32): bool {
  return load<u8>(zone.alive + slot) != 0 && rowOf(zone, slot).hp > 0;
}

/** May the entity strike now? */
// @ts-ignore: decorator
@inline
export function isReady(zone: Zone, row: Archetype, slot: u32): bool {
  const at = slot << 2;
  const hitAt = load<u32>(zone.hitAt + at);
  return row.attack > 0 && load<u32>(zone.readyAt + at) <= zone.tick && (hitAt == 0 || hitAt + row.stagger <= zone.tick);
}

/** Asks for an action, 0 for none. False when the id is stale or a corpse's. */
export function act(zone: Zone, id: u32, action: u32): bool {
  assert(action <= 0xff);
  const slot = find(zone, id);
  if (slot < 0 || !load<u8>(zone.alive + slot)) return false;
  store<u8>(zone.action + slot, <u8>action);
  return true;
}

/** Puts a candidate among the nearest `most` found so far, in order. Gives how many there are. */
function keep(nearest: usize, count: u32, most: u32, found: u64): u32 {
  let place = count;
  if (count == most) {
    if (found >= load<u64>(nearest + ((most - 1) << 3))) return count;
    place = most - 1;
  } else {
    count++;
  }
  while (place != 0) {
    const before = load<u64>(nearest + ((place - 1) << 3));
    if (before <= found) break;
    store<u64>(nearest + (place << 3), before);
    place--;
  }
  store<u64>(nearest + (place << 3), found);
  return count;
}

/** The harmable enemies that a blow of this slot hits, nearest first and lowest slot among equals, into zone.windows; how many. */
function findHits(zone: Zone, row: Archetype, slot: u32): u32 {
  const at = slot << 2;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const faceX = load<f32>(zone.faceX + at);
  const faceY = load<f32>(zone.faceY + at);
  const team = <i32>load<u8>(zone.team + slot);
  const reach = row.reach + load<f32>(zone.halfSize + at);
  const limit = squaredRadius(reach);
  const cosine = row.arcCosine;
  // Who stands right behind may seem to be beyond even that, as the products are rounded.
  const allAround = cosine == -1;
  let count: u32 = 0;
  beginSquare(zone, x, y, reach, layersWithout(zone, team));
  while (nextRun(zone)) {
    for (let entry = zone.runStart << 2; entry < zone.runEnd << 2; entry += 4) {
      const toX = load<f32>(zone.sortedX + entry);
      const toY = load<f32>(zone.sortedY + entry);
      const dx = toX - x;
      const dy = toY - y;
      const squared = dx * dx + dy * dy;
      if (!(squared <= limit) || load<i32>(zone.sortedTeam + entry) == team) continue;
      if (!allAround && dx * faceX + dy * faceY < cosine * sqrt<f32>(squared)) continue;
      const id = load<u32>(zone.sortedId + entry);
      if (!isHarmable(zone, slotOf(id)) || !isWayFree(zone, x, y, toX, toY, 0)) continue;
      count = keep(zone.windows, count, row.cleave, candidate(squared, id));
    }
  }
  return count;
}

/** A level's share of growth. */
// @ts-ignore: decorator
@inline
function grown(base: i32, perLevel: i32, level: u32): i64 {
  return <i64>base + <i64>perLevel * <i64>(level - 1);
}

function rollDamage(zone: Zone, row: Archetype, slot: u32, victim: u32): i32 {
  const victimRow = rowOf(zone, victim);
  const attack = grown(row.attack, row.levelAttack, <u32>load<u16>(zone.level + (slot << 1)));
  const defence = grown(victimRow.defence, victimRow.levelDefence, <u32>load<u16>(zone.level + (victim << 1)));
  const roll = <u32>((<u64>random(zone) * <u64>(2 * row.spread + 1)) >> 32);
  const damage = ((attack * <i64>(256 - row.spread + roll)) >> 8) - defence;
  return <i32>min<i64>(max<i64>(1, damage), i32.MAX_VALUE);
}

/** One blow of a living entity that is ready. */
function strike(zone: Zone, row: Archetype, slot: u32): void {
  const id = load<u32>(zone.id + (slot << 2));
  store<u32>(zone.readyAt + (slot << 2), zone.tick + max<u32>(1, row.cooldown));
  const hits = findHits(zone, row, slot);
  for (let hit: u32 = 0; hit < hits; hit++) {
    const victim = slotOf(<u32>load<u64>(zone.windows + (hit << 3)));
    harmSlot(zone, victim, rollDamage(zone, row, slot, victim), id);
  }
}

/** Takes hp; the rest follows. */
function harmSlot(zone: Zone, slot: u32, damage: i32, by: u32): void {
  const at = slot << 2;
  const left = max<i64>(0, <i64>load<i32>(zone.hp + at) - <i64>damage);
  store<i32>(zone.hp + at, <i32>left);
  store<u32>(zone.hitAt + at, max<u32>(1, zone.tick));
  emitAt(zone, EVENT_HIT, false, by, slot, damage, <i32>left);
  if (left == 0) die(zone, slot, by);
  else provoke(zone, slot, by);
}

/** A hunter that had nobody in mind turns against who struck it. */
function provoke(zone: Zone, slot: u32, by: u32): void {
  if (load<u8>(zone.state + slot) != IDLE || rowOf(zone, slot).brain == 0) return;
  const striker = find(zone, by);
  if (striker < 0 || !isHarmable(zone, striker)) return;
  store<u32>(zone.target + (slot << 2), by);
  store<u8>(zone.state + slot, CHASE);
}

/** It lies where it fell: out of the grid, asked for nothing, until its timer. */
function die(zone: Zone, slot: u32, by: u32): void {
  const at = slot << 2;
  const row = rowOf(zone, slot);
  gridForget(zone, slot);
  halt(zone, slot);
  store<u8>(zone.alive + slot, 0);
  store<u8>(zone.state + slot, DEAD);
  store<u32>(zone.until + at, zone.tick + max<u32>(1, row.respawn != 0 ? row.respawn : row.corpse));
  const killer = find(zone, by);
  let xp: u32 = 0;
  let gold: u32 = 0;
  if (killer >= 0 && load<u8>(zone.alive + killer)) {
    xp = gain(zone.xp + (<u32>killer << 2), row.xp);
    gold = gain(zone.gold + (<u32>killer << 2), row.gold);
  }
  emitAt(zone, EVENT_DEATH, true, by, slot, <i32>xp, <i32>gold);
  if (xp != 0) rise(zone, killer);
}

/** Adds to a count that stays below 2^31; gives how much found room. */
function gain(counter: usize, amount: u32): u32 {
  const before = load<u32>(counter);
  const added = min<u32>(amount, <u32>i32.MAX_VALUE - before);
  store<u32>(counter, before + added);
  return added;
}

/** Levels that its xp is worth now. Who rises is whole again. */
function rise(zone: Zone, slot: u32): void {
  const row = rowOf(zone, slot);
  if (row.levelXp == 0) return;
  const xp = <u64>load<u32>(zone.xp + (slot << 2));
  let level = <u32>load<u16>(zone.level + (slot << 1));
  const before = level;
  while (level < row.levelMax && xp >= ((<u64>row.levelXp * level * (level + 1)) >> 1)) level++;
  if (level == before) return;
  store<u16>(zone.level + (slot << 1), <u16>level);
  store<i32>(zone.hp + (slot << 2), hpMax(zone, slot));
  emitAt(zone, EVENT_LEVEL, true, 0, slot, <i32>level, 0);
}

/** Takes hp as a blow would, without defence. False when nobody is there to harm. */
export function harm(zone: Zone, id: u32, damage: i32, by: u32): bool {
  assert(damage >= 0);
  const slot = find(zone, id);
  if (slot < 0 || !isHarmable(zone, slot)) return false;
  harmSlot(zone, slot, damage, by);
  return true;
}

/** Lets strike who was asked to and is ready; who is not yet waits. */
function strikeActors(zone: Zone): void {
  const end = zone.highWater;
  for (let group: u32 = 0; group < end; group += 8) {
    // Most groups are asked for nothing. Slots behind the last are zero.
    if (load<u64>(zone.action + group) == 0) continue;
    for (let slot = group; slot < min(end, group + 8); slot++) {
      if (load<u8>(zone.action + slot) != ACTION_STRIKE) continue;
      const row = rowOf(zone, slot);
      if (!isReady(zone, row, slot)) {
        // Who cannot strike at all is not kept waiting.
        if (row.attack == 0) store<u8>(zone.action + slot, 0);
        continue;
      }
      store<u8>(zone.action + slot, 0);
      strike(zone, row, slot);
    }
  }
}

/** Blows of this tick: who was asked to, then the hunters that found their target in reach. */
export function combatAll(zone: Zone): void {
  if (zone.archetypeCount == 0) return;
  strikeActors(zone);
  for (let i: u32 = 0; i < zone.strikerCount; i++) {
    const slot = load<u32>(zone.strikers + (i << 2));
    const row = rowOf(zone, slot);
    if (load<u8>(zone.alive + slot) && isReady(zone, row, slot)) strike(zone, row, slot);
  }
  zone.strikerCount = 0;
}

/** A corpse whose time has come lives again at home, or goes. */
export function rouse(zone: Zone, slot: u32): void {
  const at = slot << 2;
  if (load<u32>(zone.until + at) > zone.tick) return;
  if (rowOf(zone, slot).respawn == 0) {
    despawn(zone, load<u32>(zone.id + at));
    return;
  }
  store<f32>(zone.x + at, load<f32>(zone.homeX + at));
  store<f32>(zone.y + at, load<f32>(zone.homeY + at));
  store<i32>(zone.hp + at, hpMax(zone, slot));
  store<u32>(zone.until + at, 0);
  store<u32>(zone.hitAt + at, 0);
  store<u8>(zone.state + slot, IDLE);
  store<u8>(zone.alive + slot, 1);
  gridAppend(zone, slot);
  emitAt(zone, EVENT_RESPAWN, false, 0, slot, 0, 0);
}
