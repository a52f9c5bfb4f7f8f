// What happened, into the zone's ring of events: who hears of it is the host's business.
import { Zone } from "./layout";
import { ringPushEvent } from "./ring";

/** source struck target: value is the damage, extra the hp left. */
export const EVENT_HIT: u32 = 1;
/** target died by source: value is the xp that source gained, extra the gold. Critical. */
export const EVENT_DEATH: u32 = 2;
/** target rose to level value. Critical. */
export const EVENT_LEVEL: u32 = 3;
/** target came into the zone. */
export const EVENT_SPAWN: u32 = 4;
/** target lives again. */
export const EVENT_RESPAWN: u32 = 5;
/** target came from another zone. Critical. */
export const EVENT_TRANSFER: u32 = 6;
/** target came to a goal's tile of the field that it follows, once a walk. */
export const EVENT_ARRIVAL: u32 = 7;
/** A game's own types begin here. */
export const EVENT_OWN: u32 = 64;

/** An event about the entity in a slot, where it stands. False when the ring refuses it. */
export function emitAt(
  zone: Zone, type: u32, critical: bool, source: u32, slot: u32, value: i32, extra: i32,
): bool {
  const at = slot << 2;
  return ringPushEvent(
    zone.eventRing, type, critical, zone.tick, source, load<u32>(zone.id + at), value, extra, load<f32>(zone.x + at),
    load<f32>(zone.y + at),
  );
}

/** An event of the game's own. */
export function emit(
  zone: Zone, type: u32, critical: bool, source: u32, target: u32, value: i32, extra: i32, x: f32, y: f32,
): bool {
  assert(type >= EVENT_OWN && type <= 0xffff);
  return ringPushEvent(zone.eventRing, type, critical, zone.tick, source, target, value, extra, x, y);
}
