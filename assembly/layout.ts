// The memory map of a zone: one header, then arrays, all at addresses that are computed once from the spec. Everything the
// kernel knows is in here; the module itself has no data segment, no mutable global and no allocator, so that any thread's
// instance can work on any zone.
//
//   zone ┌──────────────────────────────┐
//        │ header: spec (128 bytes)     │  fixed for life           ┐ first part of an image
//        │ header: state (64 bytes)     │  tick, free list, random  ┘
//        │ header: derived, addresses   │
//        ├──────────────────────────────┤  tiles
//        │ tile bits: blocked, water    │                           ┐
//        │ archetypes                   │  what kinds are           │ second part of an image
//        │ entity columns, slot-indexed │  x, y, ..., flags         │
//        │ columns of one's own         │                           │
//        │ flow fields' goals, requests │  of paths                 ┘
//        ├──────────────────────────────┤  stateEnd
//        │ rings: commands in, events   │  out
//        │ grid: cell starts, then x, y,│  rebuilt each step from the columns
//        │   id, team sorted by cell    │
//        │ per-slot results of passes   │
//        │ ids found by a query, lists  │
//        │ what paths are searched with │  planes, labels, nodes, heap: only with tiles
//        └──────────────────────────────┘  bytes
//
// Arrays begin at multiples of 16 and have SLACK bytes behind them, so that a 4-lane load that starts inside never leaves them.

import { Archetype } from "./archetype";
import { RING_CAPACITY_MAX, RING_DROP_LOW, RING_REFUSE, ringBytes } from "./ring";
import { FLOW_FIELDS_MAX, PATH_REQUESTS_MAX, Paths, layoutPathState, layoutPaths } from "./ways";

/** Bumped with every change of the header, the columns or the meaning of a value: images of other versions are refused. */
export const LAYOUT_VERSION: u32 = 3;
/** "GYRE", the first four bytes of a zone. */
export const MAGIC: u32 = 0x45525947;
/** Where the host puts the zone (or batch) in its memory: clear of address 0, so that 0 never is a valid address. */
export const BASE: u32 = 64;

/** An id is slot << 12 | generation: 2^20 slots, generations 1..4095, so that order of ids is order of slots. */
export const GENERATION_BITS: u32 = 12;
export const GENERATION_MAX: u32 = (1 << GENERATION_BITS) - 1;
export const CAPACITY_MAX: u32 = (1 << 20) - 1;
/** Freed slots rest until this many are free (or no fresh slot is left): in a zone of at least 64, an id repeats after 64 x 4095 despawns at the earliest. */
export const REST_SLOTS: u32 = 64;
/** Units. Above it an f32 position has a grain of more than 1/4 unit. */
export const WORLD_SIZE_MAX: f32 = 4000000;
/** Tiles of a zone; 2 MiB of bits a plane. */
export const TILES_MAX: u32 = 1 << 24;
/** Beyond so many cells the grid is hashed: 64 MiB of cell starts would have to be cleared each step. */
export const DENSE_CELLS_MAX: u32 = 1 << 24;
/** Up to here a dense grid is cheaper whatever the population: clearing 1 MiB takes some 20 us. */
export const DENSE_CELLS_SMALL: u32 = 1 << 18;
/** More cells than this for each entity that may live, and the grid is hashed. */
export const DENSE_CELLS_PER_ENTITY: u32 = 16;
/** Columns of cells are narrower than rows are high, up to so many times: a run of a row is contiguous, so it costs nothing. */
export const COLUMNS_PER_CELL_MAX: u32 = 16;
/** ... as long as there are no more cells than this for each entity that may live. */
export const NARROW_CELLS_PER_ENTITY: u32 = 2;
/** Values of otherTeam that are no team: several teams in the second layer, nobody in it. */
export const MIXED: i32 = 256;
export const EMPTY: i32 = 257;
/** Cells along one side, so that row and column pack into 32 bits. */
export const CELLS_SIDE_MAX: u32 = 0xffff;
/** Entities spawned since the last rebuild are scanned in line by queries: so many, or 1 / 2^PENDING_SHIFT of those that are sorted. */
export const PENDING_MAX: u32 = 256;
export const PENDING_SHIFT: u32 = 3;
/** Scratch for the windows of some groups of entities in a row. */
export const WINDOWS_BYTES: u32 = 2048;
/** Rows of archetypes; kinds above them are plain. */
export const ARCHETYPES_MAX: u32 = 256;
/** Columns of one's own: two bits of spec each. */
export const OWN_COLUMNS_MAX: u32 = 32;
/** Most entities that one blow hits. */
export const CLEAVE_MAX: u32 = 16;
/** Seconds between two looks around of a hunter, at most; see ai.ts. */
export const REACTION_MAX: f64 = 0.25;
/** How often in a second who steers itself does, at most. */
export const STEER_RATE: f64 = 15;
/** Readable bytes behind each array. */
export const SLACK: u32 = 32;

// Results of exports that can refuse.
export const OK: u32 = 0;
export const ZONE_FULL: u32 = 1;
export const OUT_OF_BOUNDS: u32 = 2;
export const BLOCKED: u32 = 3;
export const LIST_FULL: u32 = 4;

// States of an entity.
export const IDLE: u32 = 0;
export const CHASE: u32 = 1;
export const ATTACK: u32 = 2;
export const RETURN: u32 = 3;
export const DEAD: u32 = 4;
/** What who follows a field is listed under; no value of the column. */
export const WALK: u32 = 5;
/** Flag: a hunter sees whom it is after, or its home. */
export const SEES: u32 = 1;
/** Flag: who follows a field has been in a goal's tile of it. */
export const ARRIVED: u32 = 2;

export const SPEC_BYTES: u32 = 128;
export const STATE_BYTES: u32 = 64;

@unmanaged
export class Zone {
  // --- spec, 64 bytes
  magic: u32; //               0
  layoutVersion: u32; //       4
  capacity: u32; //            8  entities
  tilesX: u32; //             12  0 when the zone has no tiles
  tilesY: u32; //             16
  listCapacity: u32; //       20  ids
  width: f32; //              24  units
  height: f32; //             28
  tileSize: f32; //           32
  cellSize: f32; //           36
  tickRate: f64; //           40  Hz
  seed: u64; //               48
  ownSizes: u64; //           56  two bits a column of one's own: 0 none, 1, 2 or 3 for 1, 2 or 4 bytes
  archetypeCount: u32; //     64
  eventCapacity: u32; //      68  records, a power of two
  eventPolicy: u32; //        72  see ring.ts
  commandCapacity: u32; //    76  records, a power of two
  flowFields: u32; //         80
  flowBudget: u32; //         84  tiles a tick
  pathRequests: u32; //       88
  pathBudget: u32; //         92  nodes a tick
  walkerHalfSize: f32; //     96  units
  specReserved0: u32; //     100
  specReserved1: u64; //     104
  specReserved2: u64; //     112
  specReserved3: u64; //     120

  // --- state, 64 bytes: with the columns, all that a step depends on
  tick: u32; //              128
  count: u32; //             132  entities, corpses included
  highWater: u32; //         136  slots ever used
  freeHead: u32; //          140  oldest freed slot, NONE when empty
  freeTail: u32; //          144  newest freed slot
  freeCount: u32; //         148
  random: u64; //            152  generator state
  stateReserved0: u64; //    160
  stateReserved1: u64; //    168
  stateReserved2: u64; //    176
  stateReserved3: u64; //    184

  // --- derived from the spec
  bytes: u32; //                  of the whole zone
  stateStart: u32; //             address of the first byte after the header that an image holds
  stateEnd: u32; //               address behind the last one
  tileStride: u32; //             u32 words per row of tile bits
  dt: f32; //                     seconds per tick
  sweepSize: f32; //              tileSize, or a size that no zone reaches when there are no tiles
  sweepInverse: f32;
  sweepMargin: f32; //            bound on the rounding error of an edge's tile coordinate, in tiles
  sweepEndX: f32; //              tile coordinate of the zone's right border, less the margin
  sweepEndY: f32;
  rowInverse: f32; //             1 / height of a row of cells, which is cellSize
  cellsX: u32;
  cellsY: u32;
  hashSize: u32; //               buckets of a hashed grid, a power of two; 0 when the grid is dense

  // --- grid bookkeeping
  sorted: u32; //                 entries placed by the last rebuild
  pending: u32; //                entries appended since
  runRow: i32; //                 cursor over the runs of a rectangle of cells: a row, or a strip of a dense grid
  runColumn: i32;
  runX0: i32;
  runX1: i32;
  runY1: i32;
  runStart: u32; //               the current run of sorted entries
  runEnd: u32;
  columnInverse: f32; //          1 / columnWidth
  columnWidth: f32; //            cellSize / 1, 2, 4, 8 or 16
  columnsPerCell: u32;
  forgotten: u32; //              1: an entry was removed since the last rebuild
  runLayers: u32; //              bit 0: the walk takes the first layer, bit 1: the second
  layerTeam: i32; //              whose entities are the first layer
  otherTeam: i32; //              the only team of the second layer, MIXED or EMPTY
  strikerCount: u32;
  gridReserved: u32;
  pushX: f32; //                  what steering adds up
  pushY: f32;
  flowX: f32; //                  where flowSteer says to head for
  flowY: f32;

  sweepScale: f64; //             1 / sweepSize when that is exact, for a power of two, else 0
  derivedReserved: u64;

  // --- four lanes each, for loops over windows: V8 computes a loop's constants anew each turn, but loads only once
  perColumnAndRow: u64; //        columnInverse twice, rowInverse twice
  perColumnAndRow1: u64;
  lastCells: u64; //              last column twice, last row twice, as f32
  lastCells1: u64;
  limits: u64; //                 set by each pass: its squared radius
  limits1: u64;
  outwards: u64; //               set by each pass: low x, high x, low y, high y move by this
  outwards1: u64;

  // --- how often who decides
  steerPeriod: u32; //            ticks between two decisions where to go
  thinkPeriod: u32; //            ticks between two looks around, a multiple of steerPeriod

  // --- addresses
  tiles: usize; //                bits of tiles that block movement, then as many bits of those that are water
  archetypes: usize; //           archetypeCount rows, then one of zeros

  // --- addresses of columns: those of 4 bytes, of 2, of 1; see COLUMNS_4 below
  x: usize;
  y: usize;
  vx: usize;
  vy: usize;
  wishX: usize;
  wishY: usize;
  speed: usize;
  halfSize: usize;
  hp: usize;
  id: usize;
  next: usize; //                 free list link
  target: usize; //               u32: id of whom a hunter is after
  homeX: usize;
  homeY: usize;
  faceX: usize; //                unit vector
  faceY: usize;
  readyAt: usize; //              u32: tick from which on it can strike
  hitAt: usize; //                u32: tick of the last hit it took
  until: usize; //                u32: tick at which a corpse goes, or who returns gives up walking
  xp: usize;
  gold: usize;
  route: usize; //                u32: flow field that it follows, 0 none
  wayX: usize; //                 f32: where who returns is heading for
  wayY: usize;
  generation: usize;
  kind: usize;
  level: usize; //                u16, from 1
  team: usize;
  alive: usize; //                1; 0 for nobody and for corpses
  state: usize; //                u8: IDLE .. DEAD
  action: usize; //               u8: what it has been asked to do
  flags: usize; //                u8: SEES, ARRIVED

  eventRing: usize;
  commandRing: usize;

  starts: usize; //               dense: u32[cells of both layers + 2]; hashed: u32[hashSize + 2]
  keys: usize; //                 hashed: u32[hashSize], the packed cell of a bucket
  cellOf: usize; //               u32 by slot: cell or bucket of the last rebuild
  placeOf: usize; //              u32 by slot: index into the sorted arrays
  sortedX: usize;
  sortedY: usize;
  sortedId: usize;
  sortedTeam: usize; //           i32, so that four load as lanes
  compress: usize; //             16 shuffles that move the lanes of a 4-bit mask to the front
  nearestId: usize; //            u32 by slot: result of nearestEnemies
  listStart: usize; //            u32 by slot
  listCount: usize; //            u32 by slot: result of neighbourCounts
  found: usize; //                u32[capacity]: result of queries
  tally: usize; //                u32[256]: scratch of the rebuild, entities by team
  windows: usize; //              scratch of whole passes
  order: usize; //                u32[capacity]: who decides in this tick, by state and kind
  orderStarts: usize; //          u32[ORDER_KEYS + 2]: where each state and kind begins in there
  strikers: usize; //             u32[capacity]: slots of hunters that strike in this tick
  lists: usize; //                u32[listCapacity + 2 x capacity]: two lists may overshoot before they are refused
  way: usize; //                  u32 pairs, column and row: where the path found last begins, may turn, and ends
  wayLength: u32; //              pairs
}

/** Columns of 4, of 2 and of 1 byte, in the order of their addresses in the header. */
export const COLUMNS_4: u32 = 24;
export const COLUMNS_2: u32 = 3;
export const COLUMNS_1: u32 = 5;
export const COLUMNS: u32 = COLUMNS_4 + COLUMNS_2 + COLUMNS_1;
/** Lists of who decides: one for each state and kind, the plain kind included. */
export const ORDER_KEYS: u32 = 6 * (ARCHETYPES_MAX + 1);

/** Behind the zone's fields: u32[OWN_COLUMNS_MAX], the addresses of columns of one's own. */
export const OWN_AT: u32 = 768;
/** Behind them: what paths are searched with. */
export const PATHS_AT: u32 = OWN_AT + OWN_COLUMNS_MAX * 4;
export const HEADER_BYTES: u32 = PATHS_AT + 384;
export const NONE: u32 = 0xffffffff;

if (offsetof<Zone>("tick") != SPEC_BYTES) ERROR("the spec part of a zone's header must be 128 bytes");
if (offsetof<Zone>("generation") != offsetof<Zone>("x") + COLUMNS_4 * 4) ERROR("COLUMNS_4");
if (offsetof<Zone>("team") != offsetof<Zone>("generation") + COLUMNS_2 * 4) ERROR("COLUMNS_2");
if (offsetof<Zone>("eventRing") != offsetof<Zone>("team") + COLUMNS_1 * 4) ERROR("COLUMNS_1");
if (offsetof<Zone>("bytes") != SPEC_BYTES + STATE_BYTES) ERROR("the state part of a zone's header must be 64 bytes");
if (offsetof<Zone>() > OWN_AT) ERROR("a zone's fields must end before its own columns' addresses");
if (PATHS_AT + offsetof<Paths>() > HEADER_BYTES) ERROR("a zone's header must fit HEADER_BYTES");

/** Address of the next array, 16-byte aligned, behind `count` elements of `size` bytes that start at `address`. */
// @ts-ignore: decorator
@inline
export function after(address: u64, count: u64, size: u64): u64 {
  return (address + count * size + SLACK + 15) & ~15;
}

/** Smallest power of two that is at least n. */
function roundUpToPowerOfTwo(n: u32): u32 {
  return n <= 1 ? 1 : 1 << (32 - clz(n - 1));
}

/** Address of the header's field that holds a column's address. */
// @ts-ignore: decorator
@inline
export function columnField(zone: Zone, column: u32): usize {
  return changetype<usize>(zone) + offsetof<Zone>("x") + (column << 2);
}

/** Bytes of an element. */
export function columnBytes(column: u32): u32 {
  return column < COLUMNS_4 ? 4 : column < COLUMNS_4 + COLUMNS_2 ? 2 : 1;
}

/** Bytes of an element of a column of one's own; 0 where there is none. */
export function ownColumnBytes(zone: Zone, column: u32): u32 {
  const size = <u32>(zone.ownSizes >> (<u64>column << 1)) & 3;
  return size == 3 ? 4 : size;
}

/** Address of a column of one's own, by the order in which they were declared: for systems built into a kernel of one's own. */
export function ownColumn(zone: Zone, column: u32): usize {
  assert(column < OWN_COLUMNS_MAX && ownColumnBytes(zone, column) != 0);
  return load<u32>(changetype<usize>(zone) + (column << 2), OWN_AT);
}

/** Is memory zero from one address to another, a multiple of 4 bytes? */
export function isZero(from: usize, to: usize): bool {
  for (let at = from; at < to; at += 4) if (load<u32>(at) != 0) return false;
  return true;
}

function ringCapacityValid(records: u32): bool {
  return records >= 2 && records <= RING_CAPACITY_MAX && (records & (records - 1)) == 0;
}

function specValid(zone: Zone): bool {
  return (
    zone.width > 0 && zone.width <= WORLD_SIZE_MAX && zone.height > 0 && zone.height <= WORLD_SIZE_MAX &&
    zone.tileSize > 0 && zone.cellSize > 0 && zone.tickRate >= 1 &&
    zone.capacity >= 1 && zone.capacity <= CAPACITY_MAX &&
    (zone.tilesX == 0) == (zone.tilesY == 0) && <u64>zone.tilesX * zone.tilesY <= TILES_MAX &&
    zone.archetypeCount <= ARCHETYPES_MAX && ringCapacityValid(zone.eventCapacity) &&
    ringCapacityValid(zone.commandCapacity) && zone.eventPolicy <= RING_DROP_LOW &&
    zone.flowFields <= FLOW_FIELDS_MAX && zone.pathRequests <= PATH_REQUESTS_MAX &&
    zone.walkerHalfSize >= 0 && zone.walkerHalfSize <= f32.MAX_VALUE
  );
}

function layoutColumns(zone: Zone, perCell: u32): void {
  zone.columnsPerCell = perCell;
  zone.columnWidth = zone.cellSize / <f32>perCell;
  zone.columnInverse = <f32>(1.0 / zone.columnWidth);
  zone.cellsX = <u32>(zone.width * zone.columnInverse) + 1;
}

/**
 * Writes the header of a zone whose spec the host has written into it, from the address `zone` on, and gives the bytes that the whole
 * zone needs from address 0 on, or more than 2^32 when no memory can hold it. The zone is empty, but for its arrays, which `zoneInit`
 * clears. Needs HEADER_BYTES only, so a host asks once in a small memory to learn the size.
 */
export function zoneLayout(zone: Zone): f64 {
  const address = changetype<usize>(zone);
  assert((address & 15) == 0 && address != 0);
  assert(specValid(zone));
  memory.fill(address + SPEC_BYTES, 0, HEADER_BYTES - SPEC_BYTES);
  const width = zone.width;
  const height = zone.height;
  const tileSize = zone.tileSize;
  const cellSize = zone.cellSize;
  const tickRate = zone.tickRate;
  const capacity = zone.capacity;
  const tilesX = zone.tilesX;
  const tilesY = zone.tilesY;
  const listCapacity = zone.listCapacity;
  zone.magic = MAGIC;
  zone.layoutVersion = LAYOUT_VERSION;

  zone.tileStride = (tilesX + 31) >>> 5;
  zone.dt = <f32>(1.0 / tickRate);
  const longest = max(width, height);
  zone.sweepSize = tilesX != 0 ? tileSize : longest * 4;
  const powerOfTwo = (reinterpret<u32>(zone.sweepSize) & 0x007fffff) == 0;
  zone.sweepScale = powerOfTwo ? 1.0 / <f64>zone.sweepSize : 0;
  zone.sweepInverse = <f32>(1.0 / zone.sweepSize);
  // An edge is the sum of up to three f32 no larger than the zone, times an inverse: each operation errs by at most 2^-24.
  zone.sweepMargin = (longest * zone.sweepInverse) * <f32>(1.0 / 2097152.0);
  zone.sweepEndX = width * zone.sweepInverse - zone.sweepMargin;
  zone.sweepEndY = height * zone.sweepInverse - zone.sweepMargin;
  const steerPeriod = max<i32>(1, <i32>floor(tickRate / STEER_RATE));
  zone.steerPeriod = steerPeriod;
  zone.thinkPeriod = max<i32>(steerPeriod, <i32>floor((tickRate * REACTION_MAX) / steerPeriod) * steerPeriod);
  zone.rowInverse = <f32>(1.0 / cellSize);
  zone.cellsY = <u32>(height * zone.rowInverse) + 1;
  layoutColumns(zone, 1);
  assert(zone.cellsX <= CELLS_SIDE_MAX && zone.cellsY <= CELLS_SIDE_MAX);
  for (let per: u32 = 2; per <= COLUMNS_PER_CELL_MAX; per *= 2) {
    if (<u64>zone.cellsX * 4 * zone.cellsY <= <u64>capacity * NARROW_CELLS_PER_ENTITY) layoutColumns(zone, per);
  }
  const vectors = address + offsetof<Zone>("perColumnAndRow");
  for (let axis: u32 = 0; axis < 2; axis++) {
    store<f32>(vectors + (axis << 2), zone.columnInverse, 0);
    store<f32>(vectors + (axis << 2), zone.rowInverse, 8);
    store<f32>(vectors + (axis << 2), <f32>(zone.cellsX - 1), 16);
    store<f32>(vectors + (axis << 2), <f32>(zone.cellsY - 1), 24);
  }
  const cells = <u64>zone.cellsX * zone.cellsY;
  const dense = cells <= max(<u64>DENSE_CELLS_SMALL, min(<u64>DENSE_CELLS_MAX, <u64>capacity * DENSE_CELLS_PER_ENTITY));
  zone.hashSize = dense ? 0 : roundUpToPowerOfTwo(capacity * 2);
  const buckets = dense ? cells * 2 : <u64>zone.hashSize;

  const n = <u64>capacity;
  let at = (<u64>address + HEADER_BYTES + 15) & ~15;
  zone.stateStart = <u32>at;
  zone.tiles = <usize>at; at = after(at, <u64>zone.tileStride * tilesY * 2, 4);
  zone.archetypes = <usize>at; at = after(at, <u64>zone.archetypeCount + 1, offsetof<Archetype>());
  for (let column: u32 = 0; column < COLUMNS; column++) {
    store<usize>(columnField(zone, column), <usize>at);
    at = after(at, n, columnBytes(column));
  }
  for (let column: u32 = 0; column < OWN_COLUMNS_MAX; column++) {
    store<u32>(changetype<usize>(zone) + (column << 2), <u32>at, OWN_AT);
    const bytes = ownColumnBytes(zone, column);
    if (bytes != 0) at = after(at, n, bytes);
  }
  at = layoutPathState(zone, at);
  zone.stateEnd = <u32>at;

  at = (at + 63) & ~63;
  zone.eventRing = <usize>at; at = (at + ringBytes(zone.eventCapacity, zone.eventPolicy) + 63) & ~63;
  zone.commandRing = <usize>at; at = after(at, ringBytes(zone.commandCapacity, RING_REFUSE), 1);

  const entries = n + PENDING_MAX;
  zone.starts = <usize>at; at = after(at, buckets + 2, 4);
  zone.keys = <usize>at; at = after(at, <u64>zone.hashSize, 4);
  zone.cellOf = <usize>at; at = after(at, n, 4);
  zone.placeOf = <usize>at; at = after(at, n, 4);
  zone.sortedX = <usize>at; at = after(at, entries, 4);
  zone.sortedY = <usize>at; at = after(at, entries, 4);
  zone.sortedId = <usize>at; at = after(at, entries, 4);
  zone.sortedTeam = <usize>at; at = after(at, entries, 4);
  zone.compress = <usize>at; at = after(at, 16, 16);
  zone.nearestId = <usize>at; at = after(at, n, 4);
  zone.listStart = <usize>at; at = after(at, n, 4);
  zone.listCount = <usize>at; at = after(at, n, 4);
  zone.found = <usize>at; at = after(at, n, 4);
  zone.tally = <usize>at; at = after(at, 256, 4);
  zone.windows = <usize>at; at = after(at, WINDOWS_BYTES, 1);
  zone.order = <usize>at; at = after(at, n, 4);
  zone.orderStarts = <usize>at; at = after(at, ORDER_KEYS + 2, 4);
  zone.strikers = <usize>at; at = after(at, n, 4);
  zone.lists = <usize>at; at = after(at, listCapacity != 0 ? listCapacity + n * 2 : 0, 4);
  at = layoutPaths(zone, at);
  zone.bytes = <u32>at;
  return <f64>at;
}
