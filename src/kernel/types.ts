/** Types of the kernel's public surface. Units: world units, units per second, whole ticks. */

/** Slot and generation of an entity packed into a u32: `slot << 12 | generation`, generation 1..4095. Never 0. */
export type EntityId = number;

export interface KernelOptions {
  /** `auto` (default) takes `simd` where the engine has it. */
  build?: "auto" | "simd" | "scalar";
  /** Assertions and self-validation on. Default: on when `GYRE_ENV=dev`. */
  checked?: boolean;
  /** Put zones into shared memory, so that several threads can run them. Default false. */
  shared?: boolean;
}

export interface ZoneSpec {
  /** World units. */
  width: number;
  /** World units. */
  height: number;
  /** Most entities the zone can hold, 1 to 1,048,575; fixed for life. */
  capacity: number;
  /** Units per tile side. Default 32. */
  tileSize?: number;
  /** ceil(height / tileSize) rows of ceil(width / tileSize) bytes: 0 free, anything else blocked, 2 being water (see {@link Zone.findPath}). Default: all free. */
  tiles?: Uint8Array;
  /** Side of a query cell in units. Default 64. Best near the radius most asked for. */
  cellSize?: number;
  /** Ticks per second. Default 60. */
  tickRate?: number;
  /** Seed of the zone's generator, any safe integer. Default 1. */
  seed?: number;
  /** Room for the lists of {@link Zone.neighbourLists}, in ids. Default 0. */
  listCapacity?: number;
}

export interface SpawnSpec {
  x: number;
  y: number;
  /** 0 to 65,535. Default 0. */
  kind?: number;
  /** 0 to 255. Default 0. */
  team?: number;
  /** Half the side of the entity's box in units, at least 0. Default 8. */
  halfSize?: number;
  /** Units per second, at least 0. Default 120. */
  speed?: number;
  /** i32. Default 100. */
  hp?: number;
}

/** Views of the zone's memory, indexed by slot. `id` is 0 where no entity lives. */
export interface Columns {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Velocity of the last step in units per second; 0 on an axis that was blocked. */
  readonly vx: Float32Array;
  readonly vy: Float32Array;
  /** Wish direction, length at most 1, as set by {@link Zone.move}. */
  readonly wishX: Float32Array;
  readonly wishY: Float32Array;
  readonly speed: Float32Array;
  readonly halfSize: Float32Array;
  readonly hp: Int32Array;
  readonly id: Uint32Array;
  readonly kind: Uint16Array;
  readonly team: Uint8Array;
  readonly alive: Uint8Array;
}

export interface NearestFilter {
  /** Skip entities of this team. */
  notTeam?: number;
  /** Skip this entity. */
  notId?: EntityId;
}

/**
 * The lists of every entity's neighbours, as views of the zone's memory valid until the next call:
 * the neighbours of slot s are `ids[start[s]] .. ids[start[s] + count[s] - 1]`.
 */
export interface NeighbourLists {
  readonly start: Uint32Array;
  readonly count: Uint32Array;
  readonly ids: Uint32Array;
}

export interface PathResult {
  /** Length in tiles: 1 for a straight step, sqrt 2 for a diagonal one. -1 when there is no way. */
  cost: number;
  /** Tiles on the path, both ends included; 0 when there is no way. May be more than were written. */
  points: number;
}

/** One block of linear memory that the kernel advances. See contract and README for the truths it keeps. */
export interface Zone {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly cellSize: number;
  readonly tickRate: number;
  readonly capacity: number;
  /** Live entities. */
  readonly count: number;
  /** Ticks since creation. */
  readonly tick: number;
  /** Slots 0 .. highWater-1 are all that were ever used. */
  readonly highWater: number;
  readonly columns: Columns;
  /** One more entity. Throws BAD_ARGUMENT, ZONE_FULL, OUT_OF_BOUNDS or BLOCKED, in that order of checks. O(box in tiles). */
  spawn(spec: SpawnSpec): EntityId;
  /** O(1). False when the id is stale. */
  despawn(id: EntityId): boolean;
  /** Index into {@link columns}; -1 when the id is stale. */
  slot(id: EntityId): number;
  /** Sets the wish direction, length clamped to 1; holds until changed. False when the id is stale. */
  move(id: EntityId, dx: number, dy: number): boolean;
  step(ticks?: number): void;
  /** Outside the zone is blocked. */
  blockedAt(x: number, y: number): boolean;
  /** Ids within the inclusive radius, any order. Returns the number found, writes at most out.length. */
  queryRadius(x: number, y: number, radius: number, out: Uint32Array): number;
  /** Ids within the rectangle, borders included, any order. Returns the number found, writes at most out.length. */
  queryRect(x0: number, y0: number, x1: number, y1: number, out: Uint32Array): number;
  /** 0 when none. Ties go to the lowest slot. */
  nearest(x: number, y: number, radius: number, filter?: NearestFilter): EntityId;
  /** For every slot the id of the nearest entity of another team within radius, else 0. A view, valid until the next call. */
  nearestEnemies(radius: number): Uint32Array;
  /** For every slot how many other entities are within radius. A view, valid until the next call. */
  neighbourCounts(radius: number): Uint32Array;
  /** As {@link neighbourCounts}, with their ids. Throws LIST_FULL when spec.listCapacity does not suffice. */
  neighbourLists(radius: number): NeighbourLists;
  /**
   * A shortest path over the tiles from the one that holds (x0, y0) to the one that holds (x1, y1), in world units: between tile
   * centres, straight or diagonally, diagonally only where both orthogonal neighbours are free. On ground it leads over ground alone,
   * in water (tile 2) through water alone. Writes x, y of the centre of every tile on it, start and goal included, as many as out
   * has room for. No way, also because an end is in a blocked tile, outside the zone or in a tile whose centre is: cost -1.
   * Sizes of entities play no part. Throws BAD_ARGUMENT for a coordinate that is not finite. O(1) when there is no way.
   */
  findPath(x0: number, y0: number, x1: number, y1: number, out: Float32Array): PathResult;
  /** The zone's own seeded generator, u32. Part of the state. */
  random(): number;
  /** 64 bits over the whole simulated state. O(capacity used). */
  hash(): bigint;
  /** One self-describing image; restores bit for bit. */
  save(): Uint8Array;
  /** Checks the whole structure; throws KERNEL_TRAP when it is damaged. For tests and checked builds. O(n). */
  validate(): void;
  close(): void;
}

/** Plain points, for anyone who only wants the distance kernels. */
export interface Batch {
  readonly capacity: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly hits: Uint32Array;
  /** Squared distances of the first count points; the same view each call. */
  distanceSquared(cx: number, cy: number, count: number): Float32Array;
  /** How many of the first count points are within the inclusive radius; their indices ascending in {@link hits}. */
  withinRadius(cx: number, cy: number, radius: number, count: number): number;
  /** Index of the nearest of the first count points, lowest on ties; -1 when count is 0. */
  nearest(cx: number, cy: number, count: number): number;
}

export interface Kernel {
  readonly build: "simd" | "scalar";
  readonly checked: boolean;
  readonly shared: boolean;
  readonly layoutVersion: number;
  createBatch(capacity: number): Batch;
  createZone(spec: ZoneSpec): Zone;
  /** Refuses a foreign or damaged image with IMAGE_BAD or IMAGE_VERSION. */
  restoreZone(image: Uint8Array): Zone;
}
