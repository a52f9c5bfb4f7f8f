/** A zone's spec on its way into the header, where the kernel finds it: checked once, here. */
import { checkArchetypes } from "./archetypes.js";
import { bad, finite, floorF32, integer } from "./check.js";
import { checkOwnColumns, type OwnColumns, ownSizes } from "./columns.js";
import type { Constants, KernelInstance } from "./instance.js";
import { policyNumber } from "./ring.js";
import type { Archetype, RingPolicy, ZoneSpec } from "./types.js";

const DEFAULTS = {
  tileSize: 32,
  cellSize: 64,
  tickRate: 60,
  seed: 1,
  listCapacity: 0,
  eventCapacity: 1024,
  eventPolicy: "drop-low",
  commandCapacity: 16,
  flowFields: 0,
  flowBudget: 4096,
  pathRequests: 0,
  pathBudget: 512,
} as const;
/** Ticks per second; a tick is at least a millisecond, and at most a second, so that nobody's way in it is longer than an f32 can say. */
const TICK_RATE_MIN = 1;
const TICK_RATE_MAX = 1000;
/** Units. Below it the count of cells or tiles explodes before any other limit speaks. */
const SIZE_MIN = 1 / 1024;
/** Tiles or nodes a tick: some 10 ms, by which time nobody can call it a budget. */
const BUDGET_MAX = 1_000_000;
const POLICIES: readonly RingPolicy[] = ["drop-oldest", "drop-low", "refuse"];

export interface Layout {
  width: number;
  height: number;
  tileSize: number;
  cellSize: number;
  tickRate: number;
  capacity: number;
  tilesX: number;
  tilesY: number;
  listCapacity: number;
  seed: bigint;
  archetypes: readonly Archetype[];
  own: OwnColumns;
  eventCapacity: number;
  eventPolicy: RingPolicy;
  commandCapacity: number;
  flowFields: number;
  flowBudget: number;
  pathRequests: number;
  pathBudget: number;
  walkerHalfSize: number;
}

/** What goes into the header, and comes out of an image's, as it is: u32 and f32 fields. */
const COUNTS = [
  ["capacity", "ZONE_CAPACITY"],
  ["listCapacity", "ZONE_LIST_CAPACITY"],
  ["eventCapacity", "ZONE_EVENT_CAPACITY"],
  ["commandCapacity", "ZONE_COMMAND_CAPACITY"],
  ["flowFields", "ZONE_FLOW_FIELDS"],
  ["flowBudget", "ZONE_FLOW_BUDGET"],
  ["pathRequests", "ZONE_PATH_REQUESTS"],
  ["pathBudget", "ZONE_PATH_BUDGET"],
] as const;
const LENGTHS = [
  ["width", "ZONE_WIDTH"],
  ["height", "ZONE_HEIGHT"],
  ["tileSize", "ZONE_TILE_SIZE"],
  ["cellSize", "ZONE_CELL_SIZE"],
  ["walkerHalfSize", "ZONE_WALKER_HALF_SIZE"],
] as const;
type Counted = (typeof COUNTS)[number][0];
type Measured = (typeof LENGTHS)[number][0];

function side(name: string, value: unknown, max: number): number {
  const size = finite(name, value);
  if (size < SIZE_MIN || size > max) throw bad(name, value, `from ${SIZE_MIN} to ${max} units`);
  return floorF32(size);
}

function ringCapacity(name: string, value: unknown, max: number): number {
  const records = integer(name, value, 2, max);
  if ((records & (records - 1)) !== 0) throw bad(name, value, "a power of two");
  return records;
}

/** Throws BAD_ARGUMENT with the first value that no zone can have. */
export function layoutOf(spec: ZoneSpec, constants: Constants): Layout {
  if (typeof spec !== "object" || spec === null) throw bad("spec", spec, "an object");
  const width = side("width", spec.width, constants.WORLD_SIZE_MAX);
  const height = side("height", spec.height, constants.WORLD_SIZE_MAX);
  const capacity = integer("capacity", spec.capacity, 1, constants.CAPACITY_MAX);
  const tileSize = side("tileSize", spec.tileSize ?? DEFAULTS.tileSize, constants.WORLD_SIZE_MAX);
  const cellSize = side("cellSize", spec.cellSize ?? DEFAULTS.cellSize, constants.WORLD_SIZE_MAX);
  const tickRate = finite("tickRate", spec.tickRate ?? DEFAULTS.tickRate);
  if (tickRate < TICK_RATE_MIN || tickRate > TICK_RATE_MAX)
    throw bad("tickRate", tickRate, `from ${TICK_RATE_MIN} to ${TICK_RATE_MAX}`);
  const seed = integer("seed", spec.seed ?? DEFAULTS.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const listCapacity = integer("listCapacity", spec.listCapacity ?? DEFAULTS.listCapacity, 0, 2 ** 29);
  // The kernel's quotient is an f32; less than a cell is lost on the way there.
  if (Math.max(width, height) / cellSize >= constants.CELLS_SIDE_MAX - 1) {
    throw bad("cellSize", cellSize, `so large that no side has ${constants.CELLS_SIDE_MAX} cells`);
  }
  const walkerHalfSize = Math.fround(finite("walkerHalfSize", spec.walkerHalfSize ?? tileSize / 2));
  if (walkerHalfSize < 0 || walkerHalfSize > tileSize * 3.5) {
    throw bad("walkerHalfSize", walkerHalfSize, `from 0 to 3.5 tiles, ${tileSize * 3.5}`);
  }
  const policy = spec.eventPolicy ?? DEFAULTS.eventPolicy;
  if (!POLICIES.includes(policy)) throw bad("eventPolicy", policy, POLICIES.join(", "));
  const ring = (name: "eventCapacity" | "commandCapacity") =>
    ringCapacity(name, spec[name] ?? DEFAULTS[name], constants.RING_CAPACITY_MAX);
  const count = (name: "flowFields" | "flowBudget" | "pathRequests" | "pathBudget", max: number) =>
    integer(name, spec[name] ?? DEFAULTS[name], 0, max);
  return {
    width,
    height,
    tileSize,
    cellSize,
    tickRate,
    capacity,
    ...tileCounts(spec, constants, Math.ceil(width / tileSize), Math.ceil(height / tileSize)),
    listCapacity,
    seed: BigInt(seed),
    archetypes: checkArchetypes(spec.archetypes ?? [], constants.ARCHETYPES_MAX),
    own: checkOwnColumns(spec.columns ?? {}, constants.OWN_COLUMNS_MAX),
    eventCapacity: ring("eventCapacity"),
    eventPolicy: policy,
    commandCapacity: ring("commandCapacity"),
    flowFields: count("flowFields", constants.FLOW_FIELDS_MAX),
    flowBudget: count("flowBudget", BUDGET_MAX),
    pathRequests: count("pathRequests", constants.PATH_REQUESTS_MAX),
    pathBudget: count("pathBudget", BUDGET_MAX),
    walkerHalfSize,
  };
}

function tileCounts(spec: ZoneSpec, constants: Constants, tilesX: number, tilesY: number) {
  if (spec.tiles === undefined) return { tilesX: 0, tilesY: 0 };
  if (!(spec.tiles instanceof Uint8Array)) throw bad("tiles", spec.tiles, "a Uint8Array");
  if (tilesX * tilesY > constants.TILES_MAX) throw bad("tiles", tilesX * tilesY, `at most ${constants.TILES_MAX}`);
  if (spec.tiles.length !== tilesX * tilesY) {
    throw bad("tiles.length", spec.tiles.length, `${tilesY} rows of ${tilesX} bytes, ${tilesX * tilesY} in all`);
  }
  return { tilesX, tilesY };
}

/** Writes the spec where the kernel looks for it, and lets it lay out the zone. Returns the bytes that it needs. */
export function applyLayout(instance: KernelInstance, constants: Constants, layout: Layout): number {
  const { BASE } = constants;
  const view = new DataView(instance.buffer, BASE, constants.SPEC_BYTES);
  for (let at = 0; at < constants.SPEC_BYTES; at += 4) view.setUint32(at, 0, true);
  for (const [name, field] of COUNTS) view.setUint32(constants[field], layout[name], true);
  for (const [name, field] of LENGTHS) view.setFloat32(constants[field], layout[name], true);
  view.setUint32(constants.ZONE_TILES_X, layout.tilesX, true);
  view.setUint32(constants.ZONE_TILES_Y, layout.tilesY, true);
  view.setFloat64(constants.ZONE_TICK_RATE, layout.tickRate, true);
  view.setBigInt64(constants.ZONE_SEED, layout.seed, true);
  view.setBigUint64(constants.ZONE_OWN_SIZES, ownSizes(layout.own), true);
  view.setUint32(constants.ZONE_ARCHETYPE_COUNT, layout.archetypes.length, true);
  view.setUint32(constants.ZONE_EVENT_POLICY, policyNumber(layout.eventPolicy, constants), true);
  return instance.functions.zoneLayout(BASE);
}

/** The spec that a header says it was made from, checked as a caller's would be; its tiles and archetypes are only counted. Throws BAD_ARGUMENT. */
export function readLayout(header: DataView, own: unknown, constants: Constants): Layout {
  const u32 = (field: number) => header.getUint32(field, true);
  const [tilesX, tilesY] = [u32(constants.ZONE_TILES_X), u32(constants.ZONE_TILES_Y)];
  if (tilesX * tilesY > constants.TILES_MAX) throw bad("tiles", `${tilesX} x ${tilesY}`, "fewer");
  const archetypes = integer("archetypes", u32(constants.ZONE_ARCHETYPE_COUNT), 0, constants.ARCHETYPES_MAX);
  const policy = POLICIES.find((name) => policyNumber(name, constants) === u32(constants.ZONE_EVENT_POLICY));
  const counts = COUNTS.map(([name, field]) => [name, u32(constants[field])]);
  const lengths = LENGTHS.map(([name, field]) => [name, header.getFloat32(constants[field], true)]);
  const spec = {
    ...(Object.fromEntries([...counts, ...lengths]) as Pick<Layout, Counted | Measured>),
    tickRate: header.getFloat64(constants.ZONE_TICK_RATE, true),
    seed: Number(header.getBigInt64(constants.ZONE_SEED, true)),
    archetypes: Array.from({ length: archetypes }, () => ({})),
    columns: own as Record<string, never>,
    eventPolicy: policy ?? ("unknown" as RingPolicy),
  };
  const tiled = tilesX !== 0 || tilesY !== 0 ? { tiles: new Uint8Array(tilesX * tilesY) } : {};
  const layout = layoutOf({ ...spec, ...tiled }, constants);
  const sizes = header.getBigUint64(constants.ZONE_OWN_SIZES, true);
  if (sizes !== ownSizes(layout.own)) throw bad("columns", sizes, "those that the image names");
  return layout;
}
