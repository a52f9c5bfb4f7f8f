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
  /**
   * A kernel of one's own, built on gyre/assembly: its bytes, or the module compiled from them. Which of the eight builds it is, it says
   * itself; an option that says otherwise is refused. Compiled already, it hides whether it has mutable globals: give bytes to have that checked.
   */
  module?: WebAssembly.Module | BufferSource;
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
  /** Ticks per second, 1 to 1,000. Default 60. */
  tickRate?: number;
  /** Seed of the zone's generator, any safe integer. Default 1. */
  seed?: number;
  /** Room for the lists of {@link Zone.neighbourLists}, in ids. Default 0. */
  listCapacity?: number;
  /** What kinds are: an entity of kind k below the length fights, hunts and grows as row k says. At most 256 rows. */
  archetypes?: readonly Archetype[];
  /** Columns of one's own by name, at most 32: zeros for a new entity; saved, hashed, handed over with it. */
  columns?: Readonly<Record<string, ColumnType>>;
  /** Events of one tick that find room, a power of two up to 65,536. Default 1,024. */
  eventCapacity?: number;
  /** What happens to an event when there is no room. Default `drop-low`. */
  eventPolicy?: RingPolicy;
  /** Commands of one tick that find room, a power of two up to 65,536. Default 16. The policy is `refuse`. */
  commandCapacity?: number;
  /** Flow fields kept at a time, 0 to 255. One takes a byte a tile. Default 0. */
  flowFields?: number;
  /** Tiles that flow fields may settle in a tick, all together. Default 4,096. */
  flowBudget?: number;
  /** Path requests that may wait at a time. Default 0. */
  pathRequests?: number;
  /** Nodes that the searches of waiting requests may expand in a tick, all together. Default 512. */
  pathBudget?: number;
  /** Half the side of the largest box that paths and flow fields are asked for, in units. Default half a tile. */
  walkerHalfSize?: number;
}

export type ColumnType = "f32" | "i32" | "u32" | "i16" | "u16" | "i8" | "u8";
export type TypedColumn = Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** When a ring is full: forget its oldest record; forget the oldest of normal priority first; or refuse the new one. */
export type RingPolicy = "drop-oldest" | "drop-low" | "refuse";

/**
 * A kind of entity. Lengths in units, times in seconds (rounded to whole ticks, at least one where not 0), angles in radians.
 * What is absent is 0, or what its line says.
 */
export interface Archetype {
  /** 0 to 255. */
  team?: number;
  /** Default 8. */
  halfSize?: number;
  /** Units per second. Default 120. */
  speed?: number;
  /** At level 1. An entity is harmed only when this is above 0. */
  hp?: number;
  /** Damage of a blow before defence, at level 1. 0 never strikes. */
  attack?: number;
  /** Taken off each blow, at level 1; a blow does at least 1. */
  defence?: number;
  /** A blow's damage varies by this share up and down, 0 to 1. */
  spread?: number;
  /** From its border as if the box were a circle: a blow reaches whose centre is within reach + halfSize, walls permitting. */
  reach?: number;
  /** Opening of a blow around the direction that the entity faces, up to 2 pi. Default 2 pi. */
  arc?: number;
  /** Most entities that one blow hits, nearest first, 1 to 16. Default 1. */
  cleave?: number;
  /** Between two blows. */
  cooldown?: number;
  /** After being hit, no blow for so long. */
  stagger?: number;
  /** `hunter` looks for enemies by itself, chases them and returns home. Default `none`: moved by whoever moves it. */
  brain?: "none" | "hunter";
  /** How far it notices enemies. */
  sight?: number;
  /** How far from home it follows one. */
  leash?: number;
  /** How far around home it strolls with nobody in sight. */
  wander?: number;
  /** Keeps this distance between borders to others while it steers itself. */
  separation?: number;
  /** How long it lies dead before it stands at home again. 0: it is gone for good after `corpse`. */
  respawn?: number;
  /** How long one that does not come again lies dead. */
  corpse?: number;
  /** What who kills it gains. */
  xp?: number;
  gold?: number;
  /** Level n is reached with levelXp * n * (n - 1) / 2 xp. 0 never rises. */
  levelXp?: number;
  /** At most 1,000. Default 100. */
  levelMax?: number;
  /** Per level above 1. */
  levelHp?: number;
  levelAttack?: number;
  levelDefence?: number;
}

/** One event, as {@link EventReader.next} fills it in. */
export interface ZoneEvent {
  /** 1 HIT, 2 DEATH, 3 LEVEL, 4 SPAWN, 5 RESPAWN, 6 TRANSFER, 7 ARRIVAL; a game's own are 64 to 65,535. */
  type: number;
  critical: boolean;
  tick: number;
  /** Who did it, 0 for nobody; may be stale. */
  source: EntityId;
  /** Whom it happened to. */
  target: EntityId;
  /** HIT: damage. DEATH: xp given. LEVEL: the new level. SPAWN: kind. */
  value: number;
  /** HIT: hp left. DEATH: gold given. */
  extra: number;
  x: number;
  y: number;
}

/** One command, as {@link CommandRing.next} fills it in. */
export interface Command {
  /** 0 to 65,535; their meaning is the reader's. */
  type: number;
  action: number;
  seat: number;
  seq: number;
  dx: number;
  dy: number;
}

/** Commands on their way into a zone: bounded, in its memory, in order of arrival. */
export interface CommandRing {
  readonly count: number;
  readonly capacity: number;
  readonly refused: number;
  /** False, and nothing is changed, when there is no room. */
  push(type: number, action: number, seat: number, seq: number, dx: number, dy: number): boolean;
  /** Fills in the next command; false when there is none. */
  next(command: Command): boolean;
}

/** Reads the events of a zone in order, each once. */
export interface EventReader {
  /** Events that wait. */
  readonly count: number;
  /** Events lost since creation, by what happened to them. */
  readonly droppedOldest: number;
  readonly droppedLow: number;
  readonly refused: number;
  /** Fills in the next event; false when there is none. */
  next(event: ZoneEvent): boolean;
  /** How many were lost since this was asked last; each is told once. */
  takeLost(): number;
  /** Forgets what waits and all that was lost, as if the zone were new. */
  clear(): void;
  /** Puts an event back that next filled in, for who has read them all to save them. False when it found no room. */
  push(
    type: number,
    critical: boolean,
    tick: number,
    source: EntityId,
    target: EntityId,
    value: number,
    extra: number,
    x: number,
    y: number,
  ): boolean;
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
  /** 1 where somebody lives; 0 also for a corpse, which keeps its id until it is gone or lives again. */
  readonly alive: Uint8Array;
  /** 0 idle, 1 chase, 2 attack, 3 return, 4 dead. */
  readonly state: Uint8Array;
  /** Whom a hunter is after. */
  readonly target: Uint32Array;
  /** Where it was spawned and comes back to. */
  readonly homeX: Float32Array;
  readonly homeY: Float32Array;
  /** Unit vector, the direction it faces. */
  readonly faceX: Float32Array;
  readonly faceY: Float32Array;
  /** Tick from which on it can strike again. */
  readonly readyAt: Uint32Array;
  /** Tick of the last hit it took. */
  readonly hitAt: Uint32Array;
  readonly xp: Uint32Array;
  readonly gold: Uint32Array;
  /** From 1. */
  readonly level: Uint16Array;
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

export interface PathOptions {
  /** Half the side of the box that walks, at most spec.walkerHalfSize: it overlaps no blocked tile on the way. Default 0. */
  halfSize?: number;
}

export interface FieldOptions extends PathOptions {
  /** Tiles of way around the goals that the field covers. Default: as far as one can walk. */
  reach?: number;
}

/** One answer, as {@link PathRequests.next} fills it in. */
export interface PathAnswer {
  ticket: number;
  requester: number;
  cost: number;
  /** As findPath's; x and y of so many tiles are in the array that was given to next, as far as it has room. */
  points: number;
}

/**
 * Paths that need not be known at once: requests wait in the zone, the steps search within spec.pathBudget, requesters in turn, and
 * answers come in the order of one requester's requests. Part of the state.
 */
export interface PathRequests {
  /** Requests and answers that wait. */
  readonly count: number;
  /** spec.pathRequests. */
  readonly capacity: number;
  /** Most that ever waited, and requests that found no room, since this object was made: no part of the state. */
  readonly highWater: number;
  readonly refused: number;
  /** A ticket, or 0 when spec.pathRequests wait already. requester: any u32, say an entity's id. Throws BAD_ARGUMENT. */
  request(requester: number, x0: number, y0: number, x1: number, y1: number, options?: PathOptions): number;
  /** Takes the next answer; false when there is none. */
  next(answer: PathAnswer, out: Float32Array): boolean;
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
  /** Times that spawn and insert threw ZONE_FULL, since this object was made: no part of the state. */
  readonly refused: number;
  readonly columns: Columns;
  /** One more entity. Throws BAD_ARGUMENT, ZONE_FULL, OUT_OF_BOUNDS or BLOCKED, in that order of checks. O(box in tiles). */
  spawn(spec: SpawnSpec): EntityId;
  /** O(1). False when the id is stale. */
  despawn(id: EntityId): boolean;
  /** Index into {@link columns}; -1 when the id is stale. */
  slot(id: EntityId): number;
  /** Sets the wish direction, length clamped to 1; holds until changed. False when the id is stale or dead. */
  move(id: EntityId, dx: number, dy: number): boolean;
  step(ticks?: number): void;
  /** Views of the columns of one's own, by name. */
  readonly own: Readonly<Record<string, TypedColumn>>;
  /** Asks for a blow (1), struck as soon as cooldown and stagger allow; 0 takes it back. False when the id is stale or dead. */
  act(id: EntityId, action: number): boolean;
  /** Moves an entity elsewhere at once. False when the id is stale. Throws BAD_ARGUMENT, OUT_OF_BOUNDS or BLOCKED and changes nothing then. */
  place(id: EntityId, x: number, y: number): boolean;
  /** Takes hp as a blow of `by` would, without defence; death, xp and events follow. False when the id is stale, dead or beyond harm. */
  harm(id: EntityId, damage: number, by?: EntityId): boolean;
  /** The most hp that an entity heals to, by its archetype and level; 0 when the id is stale or nothing can harm it. */
  hpMax(id: EntityId): number;
  /** What happened in the last step and since. */
  readonly events: EventReader;
  /** An event of the game's own, type 64 to 65,535. False when the ring refuses it. */
  emit(
    type: number,
    critical: boolean,
    source: EntityId,
    target: EntityId,
    value: number,
    extra: number,
    x: number,
    y: number,
  ): boolean;
  /** Commands that wait for the next tick; whoever runs the zone drains them. */
  readonly commands: CommandRing;
  /** Bytes of one entity on its way between zones of equal columns. */
  readonly entityBytes: number;
  /** Writes what an entity is and has to `out`, not where it is nor whom it is after. False when the id is stale or dead. */
  extract(id: EntityId, out: Uint8Array): boolean;
  /** One more entity from what extract wrote, standing at (x, y), which becomes its home. Throws as spawn does. */
  insert(bytes: Uint8Array, x: number, y: number): EntityId;
  /**
   * Begins anew: the zone is as one that was just made of its spec with this seed (any safe integer), its tick `tick`. What waits in
   * {@link commands} stays. No memory is allocated. O(capacity + cells).
   */
  reset(seed: number, tick?: number): void;
  /** Time passes in which nobody moves: what was due meanwhile happens in the next step. */
  skip(ticks: number): void;
  /** The hash of each part of the state by its name, for finding where two zones differ. */
  digests(): ReadonlyMap<string, bigint>;
  /**
   * Calls a function that one's own kernel exports (see {@link KernelOptions.module}): this zone is its first argument, the numbers are
   * the others. Returns what it returns, 0 for nothing; a u32 comes as an i32. Throws BAD_ARGUMENT for a name that is not in
   * {@link Kernel.own} or another count of numbers than it takes, KERNEL_TRAP when it traps.
   */
  call(name: string, ...numbers: number[]): number;
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
   * Throws BAD_ARGUMENT for a coordinate that is not finite. O(1) when there is no way.
   */
  findPath(x0: number, y0: number, x1: number, y1: number, out: Float32Array, options?: PathOptions): PathResult;
  readonly paths: PathRequests;
  /**
   * A flow field: from every tile the way to the nearest goal, x and y of up to 16 points. It is computed over the next steps within
   * spec.flowBudget, and kept until it is closed. Returns its handle, never 0. Throws BAD_ARGUMENT, or FIELDS_FULL when all of spec.flowFields are open.
   */
  openField(goals: ArrayLike<number>, options?: FieldOptions): number;
  /** False when the handle is stale. */
  closeField(field: number): boolean;
  /** Is it computed as far as it will be? False for a stale handle. */
  fieldReady(field: number): boolean;
  /** From the tile at (x, y): 0 unknown or no way, 1 to 8 east, south-east, south, ... clockwise, 9 a goal's tile. */
  fieldDirection(field: number, x: number, y: number): number;
  /**
   * The entity walks along the field by itself, keeping its archetype's separation, until 0 is given. In a goal's tile, which ARRIVAL tells
   * once, it goes to the middle and stays; once the field is closed, where it is. What it is moved by meanwhile lasts till it decides next.
   * Not for hunters, who go their own ways. False when the id is stale or dead.
   */
  follow(id: EntityId, field: number): boolean;
  /** The zone's own seeded generator, u32. Part of the state. */
  random(): number;
  /** 64 bits over the whole simulated state. O(capacity used). */
  hash(): bigint;
  /** One self-describing image; restores bit for bit. */
  save(): Uint8Array;
  /** Bytes of an image, the same for life. */
  readonly imageSize: number;
  /** As {@link save}, into a buffer, which may be shared, without garbage. Returns imageSize; with less room than that nothing is written, and 0 returned. */
  saveInto(out: Uint8Array): number;
  /**
   * Becomes what the image was made of, in this memory: handles and views of it stay what they are, whatever state it is in. Throws, and
   * changes nothing, IMAGE_BAD or IMAGE_VERSION for a foreign or damaged image, or one of a zone with another spec (but for the seed), tiles or archetypes.
   * Takes a second memory of the same size for as long as it lasts.
   */
  load(image: Uint8Array): void;
  /**
   * Ends a tick: what is found from now on is found in the order in which a restored zone finds it, so that an image may be made, or not,
   * without a difference to what follows. O(1) when nobody was spawned, despawned or placed since the step. isWritten: somebody may have
   * written into columns meanwhile, and all are sorted again.
   */
  tidy(isWritten?: boolean): void;
  /** For other threads: see {@link Kernel.attachZone}. Throws KERNEL_UNSUPPORTED when the kernel was not loaded with `shared`. */
  share(): ZoneHandle;
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
  /** Names of the functions that a kernel of one's own exports beside gyre's, sorted: see {@link Zone.call}. */
  readonly own: readonly string[];
  createBatch(capacity: number): Batch;
  createZone(spec: ZoneSpec): Zone;
  /** Refuses a foreign or damaged image with IMAGE_BAD or IMAGE_VERSION. */
  restoreZone(image: Uint8Array): Zone;
  /**
   * A zone that another thread's kernel of the same build made, over the same memory: what one thread does the other sees. One at a time may
   * call what changes it; who reads while another steps it reads what is half done. Throws BAD_ARGUMENT for what is no such handle.
   */
  attachZone(handle: ZoneHandle): Zone;
}

/** What another thread needs to attach to a zone: see {@link Zone.share}. Passes through postMessage, which copies none of the memory. */
export interface ZoneHandle {
  readonly memory: WebAssembly.Memory;
  /** The names and types of the columns of one's own. */
  readonly columns: Readonly<Record<string, ColumnType>>;
}
