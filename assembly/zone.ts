// The life of a zone as a whole: its first state, one tick, and whether its structure is sound.
import { decideAll } from "./ai";
import { archetypesValid } from "./archetype";
import { combatAll } from "./combat";
import { isClear, isUnusedClear } from "./entity";
import { fieldsForget } from "./flow";
import { gridRebuild } from "./grid";
import { compressTable } from "./lanes";
import { DEAD, GENERATION_BITS, GENERATION_MAX, LAYOUT_VERSION, MAGIC, NONE, Zone, zoneLayout } from "./layout";
import { moveAll } from "./move";
import { randomSeed } from "./random";
import { pathsStep, pathsValid } from "./requests";
import { RING_REFUSE, ringInit } from "./ring";
import { boxBlocked, boxInside, tilesValid } from "./tiles";
import { pathsOf } from "./ways";

/** Makes the zone of a header that zoneLayout wrote ready and empty. Its memory must be zero behind the header. */
export function zoneInit(zone: Zone): void {
  assert(zone.magic == MAGIC);
  compressTable(zone.compress);
  ringInit(zone.commandRing, zone.commandCapacity, RING_REFUSE);
  begin(zone);
}

/**
 * Makes the zone what one with this seed was when it was made: empty, with its tiles and archetypes and all that is derived from them. What
 * waits in the ring of commands stays, as what asks for this may lie in there with more behind it. tick: to begin at. O(capacity + cells),
 * and the tiles of the flow fields that there are.
 */
export function zoneReset(zone: Zone, seed: u64, tick: u32): void {
  assert(zone.magic == MAGIC);
  fieldsForget(zone);
  zone.seed = seed;
  // Every address again, the same as before; and nothing of what searches and walks left in the header.
  zoneLayout(zone);
  memory.fill(zone.x, 0, <usize>zone.stateEnd - zone.x);
  memory.fill(zone.nearestId, 0, zone.found - zone.nearestId);
  memory.fill(pathsOf(zone).handles, 0, pathsOf(zone).points - pathsOf(zone).handles);
  begin(zone);
  zone.tick = tick;
  if (!ASC_NO_ASSERT) assert(zoneValid(zone));
}

function begin(zone: Zone): void {
  zone.freeHead = NONE;
  zone.freeTail = NONE;
  randomSeed(zone);
  ringInit(zone.eventRing, zone.eventCapacity, zone.eventPolicy);
  gridRebuild(zone);
}

/** One tick: decisions and blows on the places of the last one, then everyone moves. */
export function zoneStep(zone: Zone): void {
  pathsStep(zone);
  decideAll(zone);
  combatAll(zone);
  moveAll(zone);
  gridRebuild(zone);
  zone.tick++;
  // Without assertions their operands would still be evaluated.
  if (!ASC_NO_ASSERT) assert(zoneValid(zone));
}

/** Time passes in which nobody moves. */
export function zoneSkip(zone: Zone, ticks: u32): void {
  zone.tick += ticks;
}

// @ts-ignore: decorator
@inline
function isLength(value: f32): bool {
  return value >= 0 && value <= f32.MAX_VALUE;
}

/** Is the slot what spawn, move and step can have left? */
export function slotValid(zone: Zone, slot: u32): bool {
  const at = slot << 2;
  const id = load<u32>(zone.id + at);
  const generation = <u32>load<u16>(zone.generation + (slot << 1));
  if (generation == 0 || generation > GENERATION_MAX) return false;
  if (id == 0) return isClear(zone, slot);
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const h = load<f32>(zone.halfSize + at);
  const speed = load<f32>(zone.speed + at);
  const vx = load<f32>(zone.vx + at);
  const vy = load<f32>(zone.vy + at);
  const wishX = load<f32>(zone.wishX + at);
  const wishY = load<f32>(zone.wishY + at);
  const alive = load<u8>(zone.alive + slot);
  const state = load<u8>(zone.state + slot);
  const homeX = load<f32>(zone.homeX + at);
  const homeY = load<f32>(zone.homeY + at);
  const faceX = load<f32>(zone.faceX + at);
  const faceY = load<f32>(zone.faceY + at);
  const wayX = load<f32>(zone.wayX + at);
  const wayY = load<f32>(zone.wayY + at);
  const isAsked = load<u8>(zone.action + slot) != 0 || load<u32>(zone.route + at) != 0;
  const isCorpse = state == DEAD && wishX == 0 && wishY == 0 && !isAsked;
  return (
    id == ((slot << GENERATION_BITS) | generation) && (alive == 1 ? state < DEAD : alive == 0 && isCorpse) &&
    isLength(h) && isLength(speed) && isLength(abs(vx)) && isLength(abs(vy)) &&
    abs(wishX) <= 1 && abs(wishY) <= 1 && abs(faceX) <= 2 && abs(faceY) <= 2 &&
    load<u16>(zone.level + (slot << 1)) >= 1 && load<u32>(zone.xp + at) <= <u32>i32.MAX_VALUE &&
    load<u32>(zone.gold + at) <= <u32>i32.MAX_VALUE && boxInside(zone, x, y, h) && !boxBlocked(zone, x, y, h) &&
    boxInside(zone, homeX, homeY, h) && !boxBlocked(zone, homeX, homeY, h) &&
    wayX >= 0 && wayX <= zone.width && wayY >= 0 && wayY <= zone.height
  );
}

/** The queue of freed slots: every dead slot once, from head to tail. */
function freeListValid(zone: Zone): bool {
  if (zone.freeCount != zone.highWater - zone.count) return false;
  let slot = zone.freeHead;
  let last = NONE;
  for (let i: u32 = 0; i < zone.freeCount; i++) {
    if (slot >= zone.highWater || load<u32>(zone.id + (slot << 2)) != 0) return false;
    last = slot;
    slot = load<u32>(zone.next + (slot << 2));
  }
  return slot == NONE && last == zone.freeTail;
}

/** Is the state one that the kernel can have made? True also means that no export will read outside the zone. O(capacity). */
export function zoneValid(zone: Zone): bool {
  if (zone.magic != MAGIC || zone.layoutVersion != LAYOUT_VERSION) return false;
  if (zone.highWater > zone.capacity || zone.count > zone.highWater || !archetypesValid(zone)) return false;
  let live: u32 = 0;
  for (let slot: u32 = 0; slot < zone.highWater; slot++) {
    if (!slotValid(zone, slot)) return false;
    live += <u32>(load<u32>(zone.id + (slot << 2)) != 0);
  }
  return live == zone.count && freeListValid(zone) && isUnusedClear(zone) && tilesValid(zone) && pathsValid(zone);
}
