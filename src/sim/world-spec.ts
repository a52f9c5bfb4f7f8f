/** What a world is made of and from. */
import { GyreError } from "../errors.js";
import type { Kernel, Zone, ZoneSpec } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import { type ColumnInfo, typeOf } from "../protocol/fields.js";
import { INTEREST_TILES, STEPS_PER_UNIT } from "../protocol/interest.js";
import type { StreamPlan } from "../protocol/view.js";
import type { SyncInfo } from "../state/formats.js";
import { ARRIVALS_PER_TICK_MAX } from "./arrivals.js";
import { CROSSERS_PER_TICK_MAX, GATES_MAX, type Gate } from "./gates.js";
import { COMMANDS_PER_SEAT } from "./inbox.js";
import type { Places } from "./places.js";
import type { Rules } from "./rules.js";
import { SEATS_MAX } from "./seats.js";
import type { Extent } from "./venue.js";
import type { World } from "./world.js";

/** As the kernel's rings go. */
const COMMANDS_MAX = 65_536;

export interface WorldSpec {
  readonly name: string;
  readonly map: MapData;
  /** Where who enters may stand; shared between the zones of a map. */
  readonly places: Places;
  /** What the kernel shall know beside the map: capacity (seats included), tickRate, archetypes, columns, ... */
  readonly zone: Omit<ZoneSpec, "width" | "height" | "tileSize" | "tiles" | "seed">;
  /** Seats: players and bots together, at most SEATS_MAX. */
  readonly seats: number;
  /** Players at a time, bots aside. Default: as many as there are seats. */
  readonly playersMax?: number;
  /** The name of the template that it is a room of. Default "": it is no room. A new room sleeps; see template.ts. */
  readonly template?: string;
  /** Any safe integer. */
  readonly seed: number;
  /** Those that lead out of this zone, at most GATES_MAX. */
  readonly gates: readonly Gate[];
  /** Own columns that clients get. */
  readonly replicated: readonly Replicated[];
  /** Steps per unit in which clients are told positions. Default 16. */
  readonly stepsPerUnit?: number;
  /** Tiles per side of an interest cell. Default 32. */
  readonly interestTiles?: number;
  /** Which cells a player is told of by which stream. */
  readonly streams?: StreamPlan;
  /** See {@link Venue.phase}. Default 0. */
  readonly phase?: number;
  /** What clients are told of the game's state tree; absent when it declares none. */
  readonly sync?: SyncInfo;
  /** Makes the rules of this world. Called by the constructor, which then lets them set the world up. */
  readonly rules: (world: World) => Rules;
  /** Takes up where `save` left off, in place of setting up. */
  readonly saved?: WorldImage;
  /** The zone that becomes what was saved, in place of a new one: one of the same spec, which others have handles of. */
  readonly memory?: Zone;
}

/** A column by its name, and what an f32 is rounded to a multiple of. */
export type Replicated = Pick<ColumnInfo, "name" | "step">;

/** What {@link World.save} gives. */
export interface WorldImage {
  readonly zone: Uint8Array;
  /** Parts beside the zone by name, the JSON of plain data each. */
  readonly parts: ReadonlyMap<string, string>;
}

/** What a game tells players: the same object each time, valid during the call. */
export interface Tell {
  /** 1 to 32 characters. */
  name: string;
  /** As JSON text. */
  data: string;
  /** One player's seat; -1 for all within the radius. */
  seat: number;
  /** World units around (x, y); Infinity for everybody in the zone. */
  radius: number;
  x: number;
  y: number;
}

/** Throws BAD_ARGUMENT. */
export function checkSpec({ seats, gates }: WorldSpec): void {
  if (!Number.isInteger(seats) || seats < 0 || seats > SEATS_MAX) {
    throw new GyreError("BAD_ARGUMENT", `seats is ${seats}; it must be a whole number from 0 to ${SEATS_MAX}`);
  }
  if (gates.length > GATES_MAX) {
    throw new GyreError("BAD_ARGUMENT", `${gates.length} gates lead out of a zone, of at most ${GATES_MAX}`);
  }
}

/** Room for what all seats may send between two ticks, and for both sides of the gates. */
function commandCapacity(seats: number): number {
  const least = COMMANDS_PER_SEAT * seats + CROSSERS_PER_TICK_MAX + ARRIVALS_PER_TICK_MAX;
  return Math.min(2 ** Math.ceil(Math.log2(least)), COMMANDS_MAX);
}

/** A world's zone: new, or as it was saved. Throws IMAGE_BAD, and IMAGE_VERSION. */
export function zoneOf(kernel: Kernel, spec: WorldSpec): Zone {
  const { saved, memory } = spec;
  if (saved === undefined) return createZone(kernel, spec);
  if (memory === undefined) return kernel.restoreZone(saved.zone);
  memory.load(saved.zone);
  return memory;
}

/** Water is no ground for walkers: the kernel takes any tile but 0 as blocked. */
function createZone(kernel: Kernel, { map, zone, seats, seed }: WorldSpec): Zone {
  const { width, height, tileSize, tiles } = map;
  return kernel.createZone({
    ...zone,
    width: width * tileSize,
    height: height * tileSize,
    capacity: Math.max(1, zone.capacity),
    commandCapacity: zone.commandCapacity ?? commandCapacity(seats),
    tileSize,
    tiles,
    seed,
  });
}

/** Columns of a zone's own by their names. Throws BAD_ARGUMENT for one that it does not have. */
export function columnsOf({ own }: Zone, replicated: readonly Replicated[]): ColumnInfo[] {
  return replicated.map(({ name, step }) => {
    const values = own[name];
    if (values === undefined) throw new GyreError("BAD_ARGUMENT", `there is no column ${name} to replicate`);
    return { name, type: typeOf(values), ...(step !== undefined && { step }) };
  });
}

/** What its players are told by. */
export function extentOf({
  map,
  zone,
  stepsPerUnit = STEPS_PER_UNIT,
  interestTiles = INTEREST_TILES,
}: ExtentSpec): Extent {
  const { width, height, tileSize } = map;
  return {
    ...{ width: width * tileSize, height: height * tileSize, tileSize, stepsPerUnit, interestTiles },
    capacity: Math.max(1, zone.capacity),
  };
}

type ExtentSpec = Pick<WorldSpec, "map" | "stepsPerUnit" | "interestTiles"> & {
  readonly zone: Pick<ZoneSpec, "capacity">;
};
