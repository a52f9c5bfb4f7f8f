/**
 * Rooms: zones that come in templates, for games of which many are played at a time. All instances of a template are made when the server
 * starts, and are closed: they sleep, and cost nothing but their memory. One is opened by beginning anew (see World.reset), and closed
 * by falling asleep once its last player has been gone for a while.
 *
 *     made ──> closed ── reset ──> open ── nobody for lingerTicks ──> closed ── reset ──> ...
 *
 * A game without templates has zones of one kind, which are open all the time.
 */
import { hash3 } from "./hash.js";
import type { WorldSpec } from "./world-spec.js";

export interface Template {
  /** Its instances are called NAME-0, NAME-1, ... */
  readonly name: string;
  /** Of which there may be at most so many at a time. */
  readonly instances: number;
  /** Players in an instance at a time, bots aside. */
  readonly maxPlayers: number;
  /** Ticks that one stays open without players, at least 1. */
  readonly lingerTicks: number;
  /** In place of what all zones share. */
  readonly seats: number;
  readonly zone: WorldSpec["zone"];
}

/** A zone's name and template; undefined for one of a game without. */
export interface Instance {
  readonly name: string;
  readonly template: Template | undefined;
}

/** The seed of a room that is opened: 53 bits of the server's seed (any safe integer), of which zone it is, and how often it was opened before. */
export function openingSeed(seed: number, zone: number, openings: number): number {
  const low = hash3(seed, zone, openings);
  const high = hash3(Math.floor(seed / 2 ** 32), low, openings) >>> 11;
  return high * 2 ** 32 + low;
}

/** Zone i of a server: zone-0, zone-1, ..., or the instances of each template in turn. */
export function instanceAt(templates: readonly Template[], i: number): Instance {
  let index = i;
  for (const template of templates) {
    if (index < template.instances) return { name: `${template.name}-${index}`, template };
    index -= template.instances;
  }
  return { name: `zone-${i}`, template: undefined };
}

/** All zones of a server. zones: how many. */
export function instancesOf(zones: number, templates: readonly Template[]): readonly Instance[] {
  return Array.from({ length: zones }, (_, i) => instanceAt(templates, i));
}
