/**
 * NPCs that wander. Each tick one in STEER_PERIOD of them looks up: one that ran into something turns, another goes on, turns or
 * rests. The choice is a hash of (seed, NPC, tick), so an NPC has no state beyond its entity, and nothing is allocated.
 * Costs about 0.1 us for each NPC that looks up: 33 of 2,000 a tick.
 */
import type { EntityId, Zone } from "../kernel/types.js";
import { hash3, unit } from "./hash.js";
import { KIND_NPC } from "./kinds.js";
import type { Placer } from "./places.js";

/** Ticks between two looks of one NPC: a second at 60 Hz. */
const STEER_PERIOD = 60;
/** Out of 16 looks, how many end in a turn, and how many of the turns in a rest. */
const TURNS_OF_16 = 4;
const RESTS_OF_16 = 3;
/** Units per second: from a stroll to a brisk walk. A player runs at 120. */
const SPEED_MIN = 40;
const SPEED_SPREAD = 40;

export class Crowd {
  readonly ids: Uint32Array;
  readonly #zone: Zone;
  readonly #seed: number;

  /** Spawns count NPCs at places of the zone's own choosing. */
  constructor(zone: Zone, placer: Placer, count: number, seed: number) {
    this.#zone = zone;
    this.#seed = seed;
    this.ids = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.ids[i] = spawn(zone, placer, hash3(seed, i, 0));
  }

  /** Call before each step. */
  steer(): void {
    const { x, vx, vy, wishX, wishY } = this.#zone.columns;
    const tick = this.#zone.tick;
    for (let i = tick % STEER_PERIOD; i < this.ids.length; i += STEER_PERIOD) {
      const id = this.ids[i] ?? 0;
      const slot = this.#zone.slot(id);
      if (slot < 0 || slot >= x.length) continue;
      const hash = hash3(this.#seed, i + 1, tick);
      const stuck = (vx[slot] === 0 && wishX[slot] !== 0) || (vy[slot] === 0 && wishY[slot] !== 0);
      if (stuck || (hash & 15) < TURNS_OF_16 || tick < STEER_PERIOD) this.#turn(id, hash, stuck);
    }
  }

  #turn(id: EntityId, hash: number, stuck: boolean): void {
    const rests = !stuck && ((hash >>> 4) & 15) < RESTS_OF_16;
    if (rests) this.#zone.move(id, 0, 0);
    else this.#zone.move(id, unit(hash, 8), unit(hash, 16));
  }
}

function spawn(zone: Zone, placer: Placer, hash: number): EntityId {
  const place = placer.next();
  return zone.spawn({
    x: place.x,
    y: place.y,
    kind: KIND_NPC,
    halfSize: placer.halfSize,
    speed: SPEED_MIN + (hash % (SPEED_SPREAD + 1)),
  });
}
