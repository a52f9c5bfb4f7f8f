/** The zone as a game gets it: what runs the zone is not there, and who spawns leaves the players their room. */
import { GyreError } from "../errors.js";
import type { Zone } from "../kernel/types.js";
import type { GameZone } from "./types.js";

/** Of the zone's own interface, what is the host's. */
const HOSTS: ReadonlySet<string> = new Set<Exclude<keyof Zone, keyof GameZone>>([
  "step",
  "skip",
  "reset",
  "save",
  "saveInto",
  "imageSize",
  "load",
  "tidy",
  "share",
  "close",
  "commands",
  "events",
  "refused",
  "extract",
  "insert",
  "entityBytes",
]);

/** What of a zone changes. Written out, so that engines see through each of them, and for all zones the same. */
class ZoneView {
  readonly #zone: Zone;

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  get count(): number {
    return this.#zone.count;
  }

  get tick(): number {
    return this.#zone.tick;
  }

  get highWater(): number {
    return this.#zone.highWater;
  }
}

/**
 * A facade over a zone: its methods bound, what stays the same copied, the rest read through. hasRoom: whether one more entity may come;
 * despawned: hears of an entity that the game took away; refused: of one that did not find the room that hasRoom leaves it.
 */
export function gameZone(
  zone: Zone,
  hasRoom: () => boolean,
  despawned: (id: number) => void,
  refused: () => void,
): GameZone {
  const spawn: Zone["spawn"] = (spec) => {
    if (!hasRoom()) {
      refused();
      throw new GyreError(
        "ZONE_FULL",
        `the zone holds ${zone.count} of ${zone.capacity} entities; the rest is for players`,
      );
    }
    return zone.spawn(spec);
  };
  const despawn: Zone["despawn"] = (id) => {
    const was = zone.despawn(id);
    if (was) despawned(id);
    return was;
  };
  const facade = Object.assign(new ZoneView(zone), { spawn, despawn }) as unknown as Record<string, unknown>;
  for (const name of namesOf(zone)) {
    if (HOSTS.has(name) || name in facade) continue;
    const value: unknown = zone[name as keyof Zone];
    facade[name] = typeof value === "function" ? value.bind(zone) : value;
  }
  return Object.freeze(facade) as unknown as GameZone;
}

/** Of its class and of its own. */
function namesOf(zone: Zone): Set<string> {
  const prototype: object | null = Object.getPrototypeOf(zone);
  const names = [
    ...Object.getOwnPropertyNames(zone),
    ...(prototype === null ? [] : Object.getOwnPropertyNames(prototype)),
  ];
  return new Set(names.filter((name) => name !== "constructor"));
}
