// Archetypes: what a kind of entity is. Rows of numbers in the zone, looked up by kind; the host fills them in once, from a table that
// it has validated (src/kernel/archetypes.ts has the units). Behind the last row lies one of zeros, which kinds without a row share.
import { CLEAVE_MAX, Zone, isZero } from "./layout";

/** Nobody decides for it but who moves it, or the field that it follows. */
export const BRAIN_NONE: u32 = 0;
/** Looks for enemies, chases and strikes them, and returns home; see ai.ts. */
export const BRAIN_HUNTER: u32 = 1;
export const LEVEL_MAX: u32 = 1000;

@unmanaged
export class Archetype {
  hp: i32; //             0
  attack: i32;
  defence: i32;
  spread: u32; //        12  of 256: a blow's damage varies by so much up and down
  reach: f32; //         16
  arcCosine: f32; //         cosine of half the opening of a blow, -1 all around
  sight: f32;
  leash: f32;
  wander: f32; //        32
  separation: f32;
  cooldown: u32; //          ticks
  stagger: u32;
  respawn: u32; //       48  ticks; 0 never
  corpse: u32;
  xp: u32;
  gold: u32;
  levelXp: u32; //       64  0 never rises
  levelMax: u32;
  levelHp: i32;
  levelAttack: i32;
  levelDefence: i32; //  80
  cleave: u32;
  brain: u32;
  team: u32;
  speed: f32; //         96
  halfSize: f32;
  reserved0: u32;
  reserved1: u32;
}

if (offsetof<Archetype>() != 112) ERROR("an archetype must be 112 bytes");

/** The row of a kind: of zeros when it has none. */
// @ts-ignore: decorator
@inline
export function archetypeOf(zone: Zone, kind: u32): Archetype {
  return changetype<Archetype>(zone.archetypes + min(kind, zone.archetypeCount) * <u32>offsetof<Archetype>());
}

/** The row of the entity in a slot. */
// @ts-ignore: decorator
@inline
export function rowOf(zone: Zone, slot: u32): Archetype {
  return archetypeOf(zone, <u32>load<u16>(zone.kind + (slot << 1)));
}

/** Most hp of the entity in a slot. */
export function hpMax(zone: Zone, slot: u32): i32 {
  const row = rowOf(zone, slot);
  const levels = <i64>load<u16>(zone.level + (slot << 1)) - 1;
  return <i32>min<i64>(<i64>row.hp + levels * <i64>row.levelHp, i32.MAX_VALUE);
}

// @ts-ignore: decorator
@inline
function isLength(value: f32): bool {
  return value >= 0 && value <= f32.MAX_VALUE;
}

/** Are the rows such as a host may write? No value of theirs then leads out of the zone. */
export function archetypesValid(zone: Zone): bool {
  for (let kind: u32 = 0; kind < zone.archetypeCount; kind++) {
    const row = archetypeOf(zone, kind);
    const lengths =
      isLength(row.reach) && isLength(row.sight) && isLength(row.leash) && isLength(row.wander) &&
      isLength(row.separation) && isLength(row.speed) && isLength(row.halfSize);
    const amounts =
      row.hp >= 0 && row.attack >= 0 && row.defence >= 0 && row.spread <= 256 && row.levelHp >= 0 &&
      row.levelAttack >= 0 && row.levelDefence >= 0 && row.levelMax >= 1 && row.levelMax <= LEVEL_MAX;
    const rest =
      row.arcCosine >= -1 && row.arcCosine <= 1 && row.cleave >= 1 && row.cleave <= CLEAVE_MAX &&
      row.brain <= BRAIN_HUNTER && row.team <= 0xff;
    if (!lengths || !amounts || !rest) return false;
  }
  const none = changetype<usize>(archetypeOf(zone, zone.archetypeCount));
  return isZero(none, none + offsetof<Archetype>());
}
