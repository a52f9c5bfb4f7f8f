// The exports of the kernel: functions over addresses, and the constants that the host needs to read a zone.
export {
  ARCHETYPES_MAX, BASE, BLOCKED, CAPACITY_MAX, CELLS_SIDE_MAX, CLEAVE_MAX, COLUMNS, COLUMNS_1, COLUMNS_2, COLUMNS_4,
  GENERATION_BITS, HEADER_BYTES, LAYOUT_VERSION, LIST_FULL, MAGIC, OUT_OF_BOUNDS, OWN_AT, OWN_COLUMNS_MAX, SPEC_BYTES, STATE_BYTES,
  TILES_MAX, WORLD_SIZE_MAX, ZONE_FULL, ownColumn, zoneLayout,
} from "./layout";
export { FIELD_GOALS_MAX, FLOW_FIELDS_MAX, PATH_REQUESTS_MAX, walkerSize } from "./ways";
export { slotValid, zoneInit, zoneReset, zoneSkip, zoneStep, zoneValid } from "./zone";
export { PARTS, digest, partHash, zoneHash } from "./digest";
export { blockedAt } from "./tiles";
export { despawn, find, move, place, placeCheck, spawn, spawnCheck } from "./entity";
export { LEVEL_MAX, hpMax } from "./archetype";
export { act, harm } from "./combat";
export { follow } from "./ai";
export { EVENT_OWN, EVENT_TRANSFER, emit, emitAt } from "./event";
export { isWayFree } from "./sight";
export { gridClean, gridRebuild } from "./grid";
export { nearest, queryRadius, queryRect } from "./query";
export { nearestEnemies, neighbourCounts, neighbourLists } from "./pass";
export { findPath } from "./path";
export { planesBuild } from "./plane";
export { fieldClose, fieldOpen, fieldReady, flowDirection, flowRequest } from "./flow";
export { fieldDirection, flowSteer } from "./heading";
export { pathAnswer, pathRequest, pathsRestore } from "./requests";
export { random } from "./random";
export { BATCH_CAPACITY_MAX, batchDistances, batchInit, batchLayout, batchNearest, batchWithin } from "./distance";

export {
  EVENT_CRITICAL, EVENT_EXTRA, EVENT_SOURCE, EVENT_TARGET, EVENT_TICK, EVENT_TYPE, EVENT_VALUE, EVENT_X, EVENT_Y, RECORD_BYTES,
  RING_ANNOUNCED, RING_CAPACITY, RING_CAPACITY_MAX, RING_DROPPED_LOW, RING_DROPPED_OLDEST, RING_DROP_LOW, RING_DROP_OLDEST, RING_HEAD,
  RING_POLICY, RING_RECORDS, RING_REFUSE, RING_REFUSED, RING_TAIL, ringBytes, ringClear, ringInit, ringPushEvent,
} from "./ring";

import { Archetype } from "./archetype";
import { Batch } from "./distance";
import { PATHS_AT, Zone } from "./layout";
import { PathRequest, Paths, RequestState } from "./ways";

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
export const ZONE_SEED: u32 = offsetof<Zone>("seed");
export const ZONE_OWN_SIZES: u32 = offsetof<Zone>("ownSizes");
export const ZONE_ARCHETYPE_COUNT: u32 = offsetof<Zone>("archetypeCount");
export const ZONE_EVENT_CAPACITY: u32 = offsetof<Zone>("eventCapacity");
export const ZONE_EVENT_POLICY: u32 = offsetof<Zone>("eventPolicy");
export const ZONE_COMMAND_CAPACITY: u32 = offsetof<Zone>("commandCapacity");
export const ZONE_FLOW_FIELDS: u32 = offsetof<Zone>("flowFields");
export const ZONE_FLOW_BUDGET: u32 = offsetof<Zone>("flowBudget");
export const ZONE_PATH_REQUESTS: u32 = offsetof<Zone>("pathRequests");
export const ZONE_PATH_BUDGET: u32 = offsetof<Zone>("pathBudget");
export const ZONE_WALKER_HALF_SIZE: u32 = offsetof<Zone>("walkerHalfSize");
export const ZONE_TICK: u32 = offsetof<Zone>("tick");
export const ZONE_COUNT: u32 = offsetof<Zone>("count");
export const ZONE_HIGH_WATER: u32 = offsetof<Zone>("highWater");
export const ZONE_STATE_START: u32 = offsetof<Zone>("stateStart");
export const ZONE_STATE_END: u32 = offsetof<Zone>("stateEnd");
export const ZONE_TILES: u32 = offsetof<Zone>("tiles");
export const ZONE_X: u32 = offsetof<Zone>("x");
/** The first of COLUMNS addresses. */
export const ZONE_COLUMNS: u32 = offsetof<Zone>("x");
export const ZONE_ARCHETYPES: u32 = offsetof<Zone>("archetypes");
export const ZONE_EVENT_RING: u32 = offsetof<Zone>("eventRing");
export const ZONE_COMMAND_RING: u32 = offsetof<Zone>("commandRing");
export const ARCHETYPE_BYTES: u32 = offsetof<Archetype>();
export const ZONE_NEAREST_ID: u32 = offsetof<Zone>("nearestId");
export const ZONE_LIST_START: u32 = offsetof<Zone>("listStart");
export const ZONE_LIST_COUNT: u32 = offsetof<Zone>("listCount");
export const ZONE_FOUND: u32 = offsetof<Zone>("found");
export const ZONE_LISTS: u32 = offsetof<Zone>("lists");
export const ZONE_WAY: u32 = offsetof<Zone>("way");
export const ZONE_WAY_LENGTH: u32 = offsetof<Zone>("wayLength");
export const ZONE_FLOW_X: u32 = offsetof<Zone>("flowX");
export const ZONE_FLOW_Y: u32 = offsetof<Zone>("flowY");
export const PATHS_ANSWER_COST: u32 = PATHS_AT + offsetof<Paths>("answerCost");
export const PATHS_ANSWER_REQUESTER: u32 = PATHS_AT + offsetof<Paths>("answerRequester");
export const PATHS_ANSWER_TICKET: u32 = PATHS_AT + offsetof<Paths>("answerTicket");
export const PATHS_REQUESTS: u32 = PATHS_AT + offsetof<Paths>("requests");
export const REQUESTS_AT: u32 = offsetof<RequestState>();
export const REQUEST_BYTES: u32 = offsetof<PathRequest>();
export const REQUEST_EXPANDED: u32 = offsetof<PathRequest>("expanded");
export const REQUESTS_WAITING: u32 = offsetof<RequestState>("waiting");
export const REQUESTS_ANSWERS: u32 = offsetof<RequestState>("answers");
export const PATHS_FIELDS: u32 = PATHS_AT + offsetof<Paths>("fields");
export const PATHS_POINTS: u32 = PATHS_AT + offsetof<Paths>("points");
export const BATCH_X: u32 = offsetof<Batch>("x");
export const BATCH_Y: u32 = offsetof<Batch>("y");
export const BATCH_DISTANCES: u32 = offsetof<Batch>("distances");
export const BATCH_HITS: u32 = offsetof<Batch>("hits");

// Which build this is: a kernel of one's own comes without a name that says so.
export const BUILD_SIMD: u32 = u32(ASC_FEATURE_SIMD);
export const BUILD_CHECKED: u32 = u32(!ASC_NO_ASSERT);
