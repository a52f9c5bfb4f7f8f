// The life of a zone as a whole: its first state, one tick, and whether its structure is sound.
import { GENERATION_BITS, GENERATION_MAX, LAYOUT_VERSION, MAGIC, NONE, Zone } from "./layout";
import { boxBlocked, boxInside, tilesValid } from "./tiles";
import { compressTable } from "./lanes";
import { gridRebuild } from "./grid";
import { moveAll } from "./move";
import { pathsStep } from "./requests";
import { randomSeed } from "./random";

/** Makes the zone of a header that zoneLayout wrote ready and empty. Its memory must be zero behind the header. */
export function zoneInit(zone: Zone): void {
  assert(zone.magic == MAGIC);
  zone.freeHead = NONE;
  zone.freeTail = NONE;
  randomSeed(zone);
  compressTable(zone.compress);
  gridRebuild(zone);
}

/** One tick. */
export function zoneStep(zone: Zone): void {
  pathsStep(zone);
  moveAll(zone);
  gridRebuild(zone);
  zone.tick++;
  // Without assertions their operands would still be evaluated.
  if (!ASC_NO_ASSERT) assert(zoneValid(zone));
}

// @ts-ignore: decorator
@inline
function isLength(value: f32): bool {
  return value >= 0 && value <= f32.MAX_VALUE;
}

/** Is the slot what spawn, move and step can have left? */
function slotValid(zone: Zone, slot: u32): bool {
  const at = slot << 2;
  const id = load<u32>(zone.id + at);
  const generation = <u32>load<u16>(zone.generation + (slot << 1));
  if (generation == 0 || generation > GENERATION_MAX) return false;
  const x = load<f32>(zone.x + at);
  const y = load<f32>(zone.y + at);
  const h = load<f32>(zone.halfSize + at);
  const speed = load<f32>(zone.speed + at);
  const wishX = load<f32>(zone.wishX + at);
  const wishY = load<f32>(zone.wishY + at);
  if (id == 0) return load<u8>(zone.alive + slot) == 0 && x == 0 && y == 0 && speed == 0 && wishX == 0 && wishY == 0;
  return (
    id == ((slot << GENERATION_BITS) | generation) && load<u8>(zone.alive + slot) == 1 &&
    isLength(h) && isLength(speed) && abs(wishX) <= 1 && abs(wishY) <= 1 &&
    boxInside(zone, x, y, h) && !boxBlocked(zone, x, y, h)
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

/** Is the state one that the kernel can have made? True also means that no export will read outside the zone. O(slots used). */
export function zoneValid(zone: Zone): bool {
  if (zone.magic != MAGIC || zone.layoutVersion != LAYOUT_VERSION) return false;
  if (zone.highWater > zone.capacity || zone.count > zone.highWater) return false;
  let live: u32 = 0;
  for (let slot: u32 = 0; slot < zone.highWater; slot++) {
    if (!slotValid(zone, slot)) return false;
    live += <u32>(load<u32>(zone.id + (slot << 2)) != 0);
  }
  return live == zone.count && freeListValid(zone) && tilesValid(zone);
}
