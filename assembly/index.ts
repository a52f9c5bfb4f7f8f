// The exports of the kernel: functions over addresses, and the constants that the host needs to read a zone.
export {
  BASE, BLOCKED, CAPACITY_MAX, CELLS_SIDE_MAX, FIELD_GOALS_MAX, FLOW_FIELDS_MAX, GENERATION_BITS, HEADER_BYTES, LAYOUT_VERSION, LIST_FULL, MAGIC, OUT_OF_BOUNDS,
  PATH_REQUESTS_MAX, SPEC_BYTES, STATE_BYTES, TILES_MAX, WALKER_SIZES_MAX, WORLD_SIZE_MAX, ZONE_FULL, zoneLayout,
} from "./layout";
export { zoneInit, zoneStep, zoneValid } from "./zone";
export { zoneHash, digest } from "./digest";
export { blockedAt } from "./tiles";
export { despawn, find, move, spawn, spawnCheck } from "./entity";
export { gridRebuild } from "./grid";
export { nearest, queryRadius, queryRect } from "./query";
export { nearestEnemies, neighbourCounts, neighbourLists } from "./pass";
export { findPath } from "./path";
export { planesBuild } from "./plane";
export { fieldClose, fieldOpen, fieldReady, flowDirection, flowRequest, flowStep } from "./flow";
export { fieldDirection, flowSteer } from "./heading";
export { walkerSize } from "./layout";
export { random } from "./random";
export { BATCH_CAPACITY_MAX, batchDistances, batchInit, batchLayout, batchNearest, batchWithin } from "./distance";

import { Batch } from "./distance";
import { PATHS_AT, Paths, Zone } from "./layout";

// Where the host finds a header's fields.
export const ZONE_CAPACITY: u32 = offsetof<Zone>("capacity");
export const ZONE_TILES_X: u32 = offsetof<Zone>("tilesX");
export const ZONE_TILES_Y: u32 = offsetof<Zone>("tilesY");
export const ZONE_LIST_CAPACITY: u32 = offsetof<Zone>("listCapacity");
export const ZONE_WIDTH: u32 = offsetof<Zone>("width");
export const ZONE_HEIGHT: u32 = offsetof<Zone>("height");
export const ZONE_TILE_SIZE: u32 = offsetof<Zone>("tileSize");
export const ZONE_CELL_SIZE: u32 = offsetof<Zone>("cellSize");
export const ZONE_TICK_RATE: u32 = offsetof<Zone>("tickRate");
export const ZONE_FLOW_FIELDS: u32 = offsetof<Zone>("flowFields");
export const ZONE_FLOW_BUDGET: u32 = offsetof<Zone>("flowBudget");
export const ZONE_PATH_REQUESTS: u32 = offsetof<Zone>("pathRequests");
export const ZONE_PATH_BUDGET: u32 = offsetof<Zone>("pathBudget");
export const ZONE_WALKER_HALF_SIZE: u32 = offsetof<Zone>("walkerHalfSize");
export const ZONE_SEED: u32 = offsetof<Zone>("seed");
export const ZONE_TICK: u32 = offsetof<Zone>("tick");
export const ZONE_COUNT: u32 = offsetof<Zone>("count");
export const ZONE_HIGH_WATER: u32 = offsetof<Zone>("highWater");
export const ZONE_STATE_START: u32 = offsetof<Zone>("stateStart");
export const ZONE_STATE_END: u32 = offsetof<Zone>("stateEnd");
export const ZONE_TILES: u32 = offsetof<Zone>("tiles");
export const ZONE_X: u32 = offsetof<Zone>("x");
export const ZONE_Y: u32 = offsetof<Zone>("y");
export const ZONE_VX: u32 = offsetof<Zone>("vx");
export const ZONE_VY: u32 = offsetof<Zone>("vy");
export const ZONE_WISH_X: u32 = offsetof<Zone>("wishX");
export const ZONE_WISH_Y: u32 = offsetof<Zone>("wishY");
export const ZONE_SPEED: u32 = offsetof<Zone>("speed");
export const ZONE_HALF_SIZE: u32 = offsetof<Zone>("halfSize");
export const ZONE_HP: u32 = offsetof<Zone>("hp");
export const ZONE_ID: u32 = offsetof<Zone>("id");
export const ZONE_KIND: u32 = offsetof<Zone>("kind");
export const ZONE_TEAM: u32 = offsetof<Zone>("team");
export const ZONE_ALIVE: u32 = offsetof<Zone>("alive");
export const ZONE_NEAREST_ID: u32 = offsetof<Zone>("nearestId");
export const ZONE_LIST_START: u32 = offsetof<Zone>("listStart");
export const ZONE_LIST_COUNT: u32 = offsetof<Zone>("listCount");
export const ZONE_FOUND: u32 = offsetof<Zone>("found");
export const ZONE_LISTS: u32 = offsetof<Zone>("lists");
export const ZONE_WAY: u32 = offsetof<Zone>("way");
export const ZONE_WAY_LENGTH: u32 = offsetof<Zone>("wayLength");
export const PATHS_POINTS: u32 = PATHS_AT + offsetof<Paths>("points");
export const PATHS_FLOW_X: u32 = PATHS_AT + offsetof<Paths>("flowX");
export const PATHS_FLOW_Y: u32 = PATHS_AT + offsetof<Paths>("flowY");
export const BATCH_X: u32 = offsetof<Batch>("x");
export const BATCH_Y: u32 = offsetof<Batch>("y");
export const BATCH_DISTANCES: u32 = offsetof<Batch>("distances");
export const BATCH_HITS: u32 = offsetof<Batch>("hits");
