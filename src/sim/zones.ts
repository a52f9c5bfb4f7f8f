/**
 * All zones of a server, ticked together. They share a map and its list of places; each has its own memory, its own seed and
 * its own players, and none can see another. Zone i of a server with seed s has seed s + i.
 */
import { GyreError } from "../errors.js";
import type { Kernel } from "../kernel/types.js";
import { spawnTiles } from "../maps/clearance.js";
import type { MapData } from "../maps/types.js";
import { WALKER_HALF_SIZE } from "./places.js";
import { World } from "./world.js";

export interface ZonesSpec {
  map: MapData;
  /** How many zones, named zone-0, zone-1, ... */
  zones: number;
  /** Of each zone. */
  npcs: number;
  bots: number;
  players: number;
  tickRate: number;
  seed: number;
}

export class Zones {
  readonly all: readonly World[];
  readonly #byName: ReadonlyMap<string, World>;

  /** Throws MAP_BAD when nobody can stand on the map, BAD_ARGUMENT for numbers that the kernel refuses. */
  static async create(kernel: Kernel, spec: ZonesSpec): Promise<Zones> {
    const places = await spawnTiles(spec.map, WALKER_HALF_SIZE);
    if (places.length === 0) throw new GyreError("MAP_BAD", "the map has no tile where anybody could stand");
    return new Zones(
      Array.from(
        { length: spec.zones },
        (_, i) => new World(kernel, { ...spec, places, name: `zone-${i}`, seed: spec.seed + i }),
      ),
    );
  }

  private constructor(worlds: readonly World[]) {
    this.all = worlds;
    this.#byName = new Map(this.all.map((world) => [world.name, world]));
  }

  find(name: string): World | undefined {
    return this.#byName.get(name);
  }

  /** The first zone without a name. Throws ZONE_UNKNOWN. */
  get(name?: string): World {
    const world = name === undefined ? this.all[0] : this.#byName.get(name);
    if (world === undefined) throw new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(name)}`);
    return world;
  }

  /** Entities in all zones. */
  get entities(): number {
    let count = 0;
    for (const world of this.all) count += world.zone.count;
    return count;
  }

  /** Players in all zones, bots aside. */
  get players(): number {
    let count = 0;
    for (const world of this.all) count += world.players;
    return count;
  }

  /** One tick of every zone. */
  step(): void {
    for (let i = 0; i < this.all.length; i++) this.all[i]?.step();
  }

  close(): void {
    for (const world of this.all) world.close();
  }
}
