// The memory of all that leads somewhere: paths, flow fields, requests; their records, and where they lie in a zone. The fields and
// the requests are part of the state; planes, labels, directions and what a search works on are derived, and computed again after a restore.
import { NONE, PATHS_AT, Zone, after } from "./layout";

/** Sizes of walkers: points, then boxes up to 1, 3, 5 and 7 tiles wide. A size takes 5 bytes a tile. */
export const WALKER_SIZES_MAX: u32 = 5;
/** Their index and one more fit the low byte of a handle. */
export const FLOW_FIELDS_MAX: u32 = 255;
export const FIELD_GOALS_MAX: u32 = 16;
/** A power of two above the cost of a diagonal step, which is as far as costs of open tiles lie apart; see flow.ts. */
export const FLOW_BUCKETS: u32 = 16384;
/** Looked through in line for whose turn it is: some 5 us when all wait. */
export const PATH_REQUESTS_MAX: u32 = 4096;
/** Turning points of an answer that are kept; a way with more is searched again when it is taken. */
export const ANSWER_POINTS: u32 = 64;

/**
 * What paths are searched with. Columns and rows count from 1 here: 0 and the last one are the wall around the zone, so that no scan
 * tests for an end. A plane has a bit for each tile, set where the tile is a wall to those who walk on that class. A size of walkers
 * has a block of four planes (ground and water by rows, ground and water by columns) and of labels, where its box can stand at the
 * tile's centre.
 */
@unmanaged
export class Paths {
  columns: u32; //       tiles whose centre lies in the zone
  rows: u32;
  wholeColumns: u32; //  tiles that lie in the zone as a whole
  wholeRows: u32;
  rowStride: u32; //     bytes of a row in a plane by rows
  columnStride: u32; //  bytes of a column in a plane by columns
  sizes: u32; //         that paths are asked for
  sameSizes: u32; //     1: no tile is cut by the border, so boxes of up to a tile go where points go, and share their block
  blocks: usize; //      of size 0, 1, ...
  blockBytes: usize;
  rowsBytes: usize; //   of a plane by rows
  columnsBytes: usize; // of a plane by columns
  nodeOf: usize; //      u32 by tile: index of its node, garbage unless that node says the same tile
  nodes: usize;
  heap: usize; //        u64 entries

  // --- the search that is under way
  rowWalls: usize; //    the planes of the class that is walked on
  columnWalls: usize;
  goalColumn: u32;
  goalRow: u32;
  nodeCount: u32;
  heapCount: u32;
  goal: u32; //          index of the goal's node, NONE until it is reached
  best: f64; //          cost of the best way to the goal so far
  over: u32; //          1 when it has ended
  searcher: u32; //      the request whose search it is, NONE when it is nobody's

  // --- flow fields
  fields: usize; //      FlowState, then Field[flowFields]; part of the state
  handles: usize; //     u32[256]: of the fields that there are, by the low byte of their handles
  keys: usize; //        u64[256]: what the fields that nobody opened were requested for, by the same
  directions: usize; //  u8 by field and tile
  flowTiles: usize; //   FlowTile by tile: of the field that is computed
  flowHeads: usize; //   u32[FLOW_BUCKETS]: first open tile of a bucket
  flowBits: usize; //    a bit a bucket: is there one?
  flowCost: u32; //      of the tile settled last
  flowLimit: u32; //     the largest cost that is settled
  flowGround: usize; //  planes of the field's size
  flowWater: usize;
  flowField: u32; //     index of the field that is computed, NONE when none has been begun
  flowFull: u32; //      1 + the tick in which no field could be evicted
  points: usize; //      f32 pairs: goals on their way in

  // --- requests
  requests: usize; //    RequestState, then PathRequest[pathRequests]; part of the state, as are
  turns: usize; //       u32[ANSWER_POINTS] by request: the tiles where an answer begins, turns and ends
  answerCost: f64; //    the answer taken last; its way is in zone.way
  answerTicket: u32;
  answerRequester: u32;
}

/** Head of the table of requests. */
@unmanaged
export class RequestState {
  round: u64; //         of the request that was searched for last
  requested: u64; //     requests so far
  answered: u64; //      answers so far
  waiting: u32; //       requests
  answers: u32; //       that have not been taken
}

/** A request for a path, then its answer. */
@unmanaged
export class PathRequest {
  round: u64; //         whose turn it is: lowest round first, of equal rounds the oldest
  sequence: u64; //      which one it was of all requests, then of all answers
  cost: f64; //          of the answer
  status: u32; //        0 nobody's, 1 waits, 2 answered
  ticket: u32;
  requester: u32;
  halfSize: f32;
  column: u32; //        from 0, NONE outside
  row: u32;
  goalColumn: u32;
  goalRow: u32;
  expanded: u32; //      nodes so far
  length: u32; //        points of the answer's way; those of a longer one than ANSWER_POINTS are not kept
}

/** Head of the table of fields. */
@unmanaged
export class FlowState {
  begun: u64; //         fields so far
  reserved: u64;
}

/** A flow field: what it is computed from, and how far it is. */
@unmanaged
export class Field {
  begun: u64; //         which one it was: fields are computed in this order
  key: u64; //           what it was requested for; 0 when it was opened
  stamp: u32; //         distinguishes those that were at this place, 1 to 2^24 - 1; stays when the field goes
  lastUsed: u32; //      tick of the last request
  settled: u32; //       tiles
  status: u32; //        0 nobody's, 1 to be computed, 2 ready
  goalCount: u32;
  size: u32;
  reach: f32; //         tiles, 0 without end
  reserved: u32;
  goals: u64; //         FIELD_GOALS_MAX pairs of f32 from here on
}

/** Goals begin where the last named field does. */
export const FIELD_BYTES: u32 = offsetof<Field>("goals") + FIELD_GOALS_MAX * 8;

/** An open or settled tile of the field that is computed: a member of its bucket's list. */
@unmanaged
export class FlowTile {
  cost: u32;
  next: u32; //          tile, NONE behind the last
  before: u32;
}

/** A place where a shortest path may turn. */
@unmanaged
export class PathNode {
  column: u32;
  row: u32;
  straight: u32; //      steps from the start of the best way so far
  diagonal: u32;
  from: u32; //          index of the node before << 3 | direction of arrival
  place: u32; //         in the heap, NONE when not in there
}

// @ts-ignore: decorator
@inline
export function pathsOf(zone: Zone): Paths {
  return changetype<Paths>(changetype<usize>(zone) + PATHS_AT);
}

/** Columns, or rows, whose centres lie inside: a last one that is cut in half or more has no point to walk to. */
function centresInside(count: u32, tileSize: f32, size: f32): u32 {
  return count != 0 && <f32>((<f64>count - 0.5) * <f64>tileSize) >= size ? count - 1 : count;
}

/** Tiles that lie inside as a whole. */
function wholeInside(count: u32, tileSize: f32, size: f32): u32 {
  return count != 0 && <f64>count * <f64>tileSize > <f64>size ? count - 1 : count;
}

/** Nodes of a search: a tile is one when a blocked tile touches its corner (and those are at most four each), or start or goal. */
// @ts-ignore: decorator
@inline
function pathNodesMax(tiles: u64): u64 {
  return (tiles * 4) / 5 + 3;
}

/** Smallest size of walkers that a box belongs to: 0 a point, then up to 1, 3, 5, ... tiles wide. */
export function walkerSize(tileSize: f32, halfSize: f32): u32 {
  if (halfSize == 0) return 0;
  let size: u32 = 1;
  while (<f64>halfSize > (<f64>size - 0.5) * <f64>tileSize && size < WALKER_SIZES_MAX - 1) size++;
  return size;
}

/** The part of paths that belongs to the state; writes to the header alone. */
export function layoutPathState(zone: Zone, from: u64): u64 {
  const paths = pathsOf(zone);
  let at = from;
  paths.fields = <usize>at; at = after(at, zone.flowFields != 0 ? offsetof<FlowState>() + <u64>zone.flowFields * FIELD_BYTES : 0, 1);
  paths.requests = <usize>at; at = after(at, offsetof<RequestState>() + <u64>zone.pathRequests * offsetof<PathRequest>(), 1);
  paths.turns = <usize>at; at = after(at, <u64>zone.pathRequests * ANSWER_POINTS, 4);
  return at;
}

/** Gives the address behind all that paths need; writes to the header alone. */
export function layoutPaths(zone: Zone, from: u64): u64 {
  const tiles = <u64>zone.tilesX * zone.tilesY;
  const paths = pathsOf(zone);
  let at = from;
  paths.flowField = NONE;
  paths.searcher = NONE;
  paths.sizes = walkerSize(zone.tileSize, zone.walkerHalfSize) + 1;
  paths.handles = <usize>at; at = after(at, 256, 4);
  paths.keys = <usize>at; at = after(at, 256, 8);
  paths.points = <usize>at; at = after(at, FIELD_GOALS_MAX, 8);
  zone.way = <usize>at;
  if (tiles == 0) return after(at, 2, 8);
  // Ways are written over the heap, which is empty, or done with, then; but a request's search may wait in there.
  if (zone.pathRequests != 0) at = after(at, pathNodesMax(tiles), 8);
  paths.heap = <usize>at; at = after(at, pathNodesMax(tiles), 8);
  paths.nodes = <usize>at; at = after(at, pathNodesMax(tiles), offsetof<PathNode>());
  paths.nodeOf = <usize>at; at = after(at, tiles, 4);
  paths.columns = centresInside(zone.tilesX, zone.tileSize, zone.width);
  paths.rows = centresInside(zone.tilesY, zone.tileSize, zone.height);
  paths.wholeColumns = wholeInside(zone.tilesX, zone.tileSize, zone.width);
  paths.wholeRows = wholeInside(zone.tilesY, zone.tileSize, zone.height);
  paths.sameSizes = <u32>(paths.wholeColumns == paths.columns && paths.wholeRows == paths.rows);
  paths.rowStride = (zone.tilesX + 9) >>> 3;
  paths.columnStride = (zone.tilesY + 9) >>> 3;
  paths.rowsBytes = <usize>after(0, <u64>paths.rowStride * (zone.tilesY + 2), 1);
  paths.columnsBytes = <usize>after(0, <u64>paths.columnStride * (zone.tilesX + 2), 1);
  paths.blockBytes = 2 * (paths.rowsBytes + paths.columnsBytes) + <usize>after(0, tiles, 4);
  paths.blocks = <usize>at; at += <u64>paths.blockBytes * (paths.sizes > 1 ? paths.sizes - paths.sameSizes : 1);
  if (zone.flowFields == 0) return at;
  paths.directions = <usize>at; at = after(at, tiles * zone.flowFields, 1);
  paths.flowTiles = <usize>at; at = after(at, tiles, offsetof<FlowTile>());
  paths.flowHeads = <usize>at; at = after(at, FLOW_BUCKETS, 4);
  paths.flowBits = <usize>at; at = after(at, FLOW_BUCKETS >>> 3, 1);
  return at;
}
