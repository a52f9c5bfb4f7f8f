/**
 * A zone as the host sees it: checked calls into the kernel over one memory. No call but save, those that
 * make a zone and the answer of findPath allocates.
 */
import { GyreError } from "../errors.js";
import { bad, coordinate, finite, floorF32, integer, length } from "./check.js";
import type { Constants, Functions, KernelFactory, KernelInstance } from "./instance.js";
import { openField, type PathSpec, pathSpecOf, walkerOf } from "./paths.js";
import type {
  Columns,
  EntityId,
  FieldOptions,
  NearestFilter,
  NeighbourLists,
  PathOptions,
  PathResult,
  SpawnSpec,
  Zone,
  ZoneSpec,
} from "./types.js";

const DEFAULTS = { tileSize: 32, cellSize: 64, tickRate: 60, seed: 1, listCapacity: 0 };
const SPAWN_DEFAULTS = { kind: 0, team: 0, halfSize: 8, speed: 120, hp: 100 };
/** Ticks per second; a tick is at least a millisecond. */
const TICK_RATE_MAX = 1000;
/** Units. Below it the count of cells or tiles explodes before any other limit speaks. */
const SIZE_MIN = 1 / 1024;
/** The tile that blocks, and in which paths lead from water to water. */
const WATER = 2;

interface Layout extends PathSpec {
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
}

function side(name: string, value: unknown, max: number): number {
  const size = finite(name, value);
  if (size < SIZE_MIN || size > max) throw bad(name, value, `from ${SIZE_MIN} to ${max} units`);
  return floorF32(size);
}

function layoutOf(spec: ZoneSpec, constants: Constants): Layout {
  if (typeof spec !== "object" || spec === null) throw bad("spec", spec, "an object");
  const width = side("width", spec.width, constants.WORLD_SIZE_MAX);
  const height = side("height", spec.height, constants.WORLD_SIZE_MAX);
  const capacity = integer("capacity", spec.capacity, 1, constants.CAPACITY_MAX);
  const tileSize = side("tileSize", spec.tileSize ?? DEFAULTS.tileSize, constants.WORLD_SIZE_MAX);
  const cellSize = side("cellSize", spec.cellSize ?? DEFAULTS.cellSize, constants.WORLD_SIZE_MAX);
  const tickRate = finite("tickRate", spec.tickRate ?? DEFAULTS.tickRate);
  if (tickRate <= 0 || tickRate > TICK_RATE_MAX)
    throw bad("tickRate", tickRate, `above 0 and at most ${TICK_RATE_MAX}`);
  const seed = integer("seed", spec.seed ?? DEFAULTS.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const listCapacity = integer("listCapacity", spec.listCapacity ?? DEFAULTS.listCapacity, 0, 2 ** 29);
  if (Math.max(width, height) / cellSize >= constants.CELLS_SIDE_MAX) {
    throw bad("cellSize", cellSize, `so large that no side has more than ${constants.CELLS_SIDE_MAX} cells`);
  }
  let tilesX = 0;
  let tilesY = 0;
  if (spec.tiles !== undefined) {
    if (!(spec.tiles instanceof Uint8Array)) throw bad("tiles", spec.tiles, "a Uint8Array");
    tilesX = Math.ceil(width / tileSize);
    tilesY = Math.ceil(height / tileSize);
    if (tilesX * tilesY > constants.TILES_MAX) throw bad("tiles", tilesX * tilesY, `at most ${constants.TILES_MAX}`);
    if (spec.tiles.length !== tilesX * tilesY) {
      throw bad("tiles.length", spec.tiles.length, `${tilesY} rows of ${tilesX} bytes, ${tilesX * tilesY} in all`);
    }
  }
  return {
    width,
    height,
    tileSize,
    cellSize,
    tickRate,
    capacity,
    tilesX,
    tilesY,
    listCapacity,
    seed: BigInt(seed),
    ...pathSpecOf(spec, tileSize, constants),
  };
}

function applyLayout(functions: Functions, base: number, layout: Layout): number {
  const { width, height, tileSize, cellSize, tickRate, capacity, tilesX, tilesY, listCapacity, seed } = layout;
  return functions.zoneLayout(
    base,
    width,
    height,
    tileSize,
    cellSize,
    tickRate,
    capacity,
    tilesX,
    tilesY,
    listCapacity,
    seed,
    layout.flowFields,
    layout.flowBudget,
    layout.pathRequests,
    layout.pathBudget,
    layout.walkerHalfSize,
  );
}

function instantiate(factory: KernelFactory, layout: Layout): KernelInstance {
  const { BASE } = factory.constants;
  const instance = factory.create((functions) => applyLayout(functions, BASE, layout));
  instance.functions.zoneInit(BASE);
  return instance;
}

/** One byte a tile becomes a bit in each of two planes; see assembly/tiles.ts. */
function packTiles(instance: KernelInstance, constants: Constants, layout: Layout, tiles: Uint8Array): void {
  const { tilesX, tilesY } = layout;
  const stride = (tilesX + 31) >>> 5;
  const start = instance.u32(constants.BASE + constants.ZONE_TILES);
  const blocked = new Uint32Array(instance.buffer, start, stride * tilesY);
  const water = new Uint32Array(instance.buffer, start + blocked.byteLength, stride * tilesY);
  for (let row = 0; row < tilesY; row++) {
    for (let column = 0; column < tilesX; column++) {
      const tile = tiles[row * tilesX + column]!;
      if (tile === 0) continue;
      const word = row * stride + (column >>> 5);
      blocked[word]! |= 1 << (column & 31);
      if (tile === WATER) water[word]! |= 1 << (column & 31);
    }
  }
  instance.functions.planesBuild(constants.BASE);
}

export function createZone(factory: KernelFactory, spec: ZoneSpec): Zone {
  const layout = layoutOf(spec, factory.constants);
  const instance = instantiate(factory, layout);
  if (spec.tiles !== undefined) packTiles(instance, factory.constants, layout, spec.tiles);
  return new KernelZone(instance, factory.constants);
}

// An image:  u32 magic  u32 layout version  u64 bytes of the image  u64 checksum of what follows  u64 0
//            the header's spec and state  |  tiles and columns
const IMAGE_MAGIC = 0x5a525947; // "GYRZ"
const IMAGE_HEADER_BYTES = 32;

function imageBad(why: string): GyreError {
  return new GyreError("IMAGE_BAD", `not a zone image: ${why}`);
}

/** The layout that an image says it has, checked as a caller's would be. */
function imageLayout(view: DataView, constants: Constants): Layout {
  const at = (offset: number) => IMAGE_HEADER_BYTES + offset;
  const tilesX = view.getUint32(at(constants.ZONE_TILES_X), true);
  const tilesY = view.getUint32(at(constants.ZONE_TILES_Y), true);
  if (tilesX * tilesY > constants.TILES_MAX) throw imageBad(`${tilesX} x ${tilesY} tiles`);
  const spec: ZoneSpec = {
    width: view.getFloat32(at(constants.ZONE_WIDTH), true),
    height: view.getFloat32(at(constants.ZONE_HEIGHT), true),
    tileSize: view.getFloat32(at(constants.ZONE_TILE_SIZE), true),
    cellSize: view.getFloat32(at(constants.ZONE_CELL_SIZE), true),
    tickRate: view.getFloat64(at(constants.ZONE_TICK_RATE), true),
    capacity: view.getUint32(at(constants.ZONE_CAPACITY), true),
    listCapacity: view.getUint32(at(constants.ZONE_LIST_CAPACITY), true),
    seed: Number(view.getBigInt64(at(constants.ZONE_SEED), true)),
    flowFields: view.getUint32(at(constants.ZONE_FLOW_FIELDS), true),
    flowBudget: view.getUint32(at(constants.ZONE_FLOW_BUDGET), true),
    pathRequests: view.getUint32(at(constants.ZONE_PATH_REQUESTS), true),
    pathBudget: view.getUint32(at(constants.ZONE_PATH_BUDGET), true),
    walkerHalfSize: view.getFloat32(at(constants.ZONE_WALKER_HALF_SIZE), true),
  };
  if (tilesX !== 0 || tilesY !== 0) spec.tiles = new Uint8Array(tilesX * tilesY);
  try {
    return layoutOf(spec, constants);
  } catch (error) {
    throw imageBad((error as Error).message);
  }
}

export function restoreZone(factory: KernelFactory, image: Uint8Array): Zone {
  const { constants } = factory;
  if (!(image instanceof Uint8Array)) throw bad("image", image, "a Uint8Array");
  const headerBytes = constants.SPEC_BYTES + constants.STATE_BYTES;
  if (image.length < IMAGE_HEADER_BYTES + headerBytes) throw imageBad(`it has ${image.length} bytes`);
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (view.getBigUint64(24, true) !== 0n) throw imageBad("reserved bytes are in use");
  if (view.getUint32(0, true) !== IMAGE_MAGIC) throw imageBad("it does not begin with GYRZ");
  const version = view.getUint32(4, true);
  if (version !== constants.LAYOUT_VERSION) {
    throw new GyreError(
      "IMAGE_VERSION",
      `the image has layout ${version}; this kernel has ${constants.LAYOUT_VERSION}`,
    );
  }
  if (view.getBigUint64(8, true) !== BigInt(image.length))
    throw imageBad(`it has ${image.length} bytes, not as many as it says`);
  const layout = imageLayout(view, constants);
  const stateBytes = factory.measure(
    (functions) => applyLayout(functions, constants.BASE, layout),
    (probe) =>
      probe.u32(constants.BASE + constants.ZONE_STATE_END) - probe.u32(constants.BASE + constants.ZONE_STATE_START),
  );
  if (image.length !== IMAGE_HEADER_BYTES + headerBytes + stateBytes) throw imageBad("its size does not fit its spec");

  const instance = instantiate(factory, layout);
  const { BASE } = constants;
  const memory = new Uint8Array(instance.buffer);
  memory.set(image.subarray(IMAGE_HEADER_BYTES, IMAGE_HEADER_BYTES + headerBytes), BASE);
  memory.set(image.subarray(IMAGE_HEADER_BYTES + headerBytes), instance.u32(BASE + constants.ZONE_STATE_START));
  if (imageChecksum(instance, constants) !== view.getBigUint64(16, true)) throw imageBad("its checksum does not match");
  if (!instance.functions.zoneValid(BASE)) throw imageBad("its structure is not sound");
  instance.functions.planesBuild(BASE);
  instance.functions.gridRebuild(BASE);
  return new KernelZone(instance, constants);
}

function imageChecksum(instance: KernelInstance, constants: Constants): bigint {
  const { BASE, SPEC_BYTES, STATE_BYTES, ZONE_STATE_START, ZONE_STATE_END } = constants;
  const start = instance.u32(BASE + ZONE_STATE_START);
  const header = instance.functions.digest(BASE, SPEC_BYTES + STATE_BYTES, 0n);
  return BigInt.asUintN(64, instance.functions.digest(start, instance.u32(BASE + ZONE_STATE_END) - start, header));
}

/** What is no u32 would be made one on its way into the kernel, and might be somebody's id then. */
function isId(id: EntityId): boolean {
  return id >>> 0 === id;
}

class KernelZone implements Zone {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly cellSize: number;
  readonly tickRate: number;
  readonly capacity: number;
  readonly #constants: Constants;
  readonly #base: number;
  #instance!: KernelInstance;
  #functions!: Functions;
  #header!: Uint32Array;
  #columns!: Columns;
  #found!: Uint32Array;
  #nearestId!: Uint32Array;
  #lists!: NeighbourLists;
  #way!: Uint32Array;

  constructor(instance: KernelInstance, constants: Constants) {
    const base = constants.BASE;
    this.#constants = constants;
    this.#base = base;
    this.width = instance.f32(base + constants.ZONE_WIDTH);
    this.height = instance.f32(base + constants.ZONE_HEIGHT);
    this.tileSize = instance.f32(base + constants.ZONE_TILE_SIZE);
    this.cellSize = instance.f32(base + constants.ZONE_CELL_SIZE);
    this.tickRate = instance.f64(base + constants.ZONE_TICK_RATE);
    this.capacity = instance.u32(base + constants.ZONE_CAPACITY);
    this.#attach(instance);
  }

  /** Calls and views go to this instance's memory from now on. */
  #attach(instance: KernelInstance): void {
    const { buffer } = instance;
    const base = this.#base;
    const constants = this.#constants;
    const capacity = instance.u32(base + constants.ZONE_CAPACITY);
    this.#instance = instance;
    this.#functions = instance.functions;
    this.#header = new Uint32Array(buffer, base, constants.HEADER_BYTES / 4);
    const address = (field: number) => instance.u32(base + field);
    const f32 = (field: number) => new Float32Array(buffer, address(field), capacity);
    const u32 = (field: number, count = capacity) => new Uint32Array(buffer, address(field), count);
    this.#columns = {
      x: f32(constants.ZONE_X),
      y: f32(constants.ZONE_Y),
      vx: f32(constants.ZONE_VX),
      vy: f32(constants.ZONE_VY),
      wishX: f32(constants.ZONE_WISH_X),
      wishY: f32(constants.ZONE_WISH_Y),
      speed: f32(constants.ZONE_SPEED),
      halfSize: f32(constants.ZONE_HALF_SIZE),
      hp: new Int32Array(buffer, address(constants.ZONE_HP), capacity),
      id: u32(constants.ZONE_ID),
      kind: new Uint16Array(buffer, address(constants.ZONE_KIND), capacity),
      team: new Uint8Array(buffer, address(constants.ZONE_TEAM), capacity),
      alive: new Uint8Array(buffer, address(constants.ZONE_ALIVE), capacity),
    };
    this.#found = u32(constants.ZONE_FOUND);
    this.#nearestId = u32(constants.ZONE_NEAREST_ID);
    this.#lists = {
      start: u32(constants.ZONE_LIST_START),
      count: u32(constants.ZONE_LIST_COUNT),
      ids: u32(constants.ZONE_LISTS, address(constants.ZONE_LIST_CAPACITY)),
    };
    // Of unknown length: up to the end of the memory.
    this.#way = new Uint32Array(buffer, address(constants.ZONE_WAY));
  }

  get columns(): Columns {
    return this.#columns;
  }

  get count(): number {
    return this.#header[this.#constants.ZONE_COUNT >>> 2]!;
  }

  get tick(): number {
    return this.#header[this.#constants.ZONE_TICK >>> 2]!;
  }

  get highWater(): number {
    return this.#header[this.#constants.ZONE_HIGH_WATER >>> 2]!;
  }

  spawn(spec: SpawnSpec): EntityId {
    if (typeof spec !== "object" || spec === null) throw bad("spec", spec, "an object");
    const x = finite("x", spec.x);
    const y = finite("y", spec.y);
    const kind = integer("kind", spec.kind ?? SPAWN_DEFAULTS.kind, 0, 65_535);
    const team = integer("team", spec.team ?? SPAWN_DEFAULTS.team, 0, 255);
    const halfSize = length("halfSize", spec.halfSize ?? SPAWN_DEFAULTS.halfSize);
    const speed = length("speed", spec.speed ?? SPAWN_DEFAULTS.speed);
    const hp = integer("hp", spec.hp ?? SPAWN_DEFAULTS.hp, -(2 ** 31), 2 ** 31 - 1);
    const status = this.#functions.spawnCheck(this.#base, x, y, halfSize);
    if (status !== 0) throw this.#refusal(status, x, y, halfSize);
    return this.#functions.spawn(this.#base, x, y, halfSize, speed, hp, kind, team) >>> 0;
  }

  #refusal(status: number, x: number, y: number, halfSize: number): GyreError {
    const box = `a box of half size ${halfSize} at (${x}, ${y})`;
    switch (status) {
      case this.#constants.ZONE_FULL:
        return new GyreError("ZONE_FULL", `the zone holds ${this.capacity} entities already`);
      case this.#constants.OUT_OF_BOUNDS:
        return new GyreError("OUT_OF_BOUNDS", `${box} does not lie inside ${this.width} x ${this.height}`);
      default:
        return new GyreError("BLOCKED", `${box} overlaps a blocked tile`);
    }
  }

  despawn(id: EntityId): boolean {
    return isId(id) && this.#functions.despawn(this.#base, id) !== 0;
  }

  slot(id: EntityId): number {
    return isId(id) ? this.#functions.find(this.#base, id) : -1;
  }

  move(id: EntityId, dx: number, dy: number): boolean {
    finite("dx", dx);
    finite("dy", dy);
    return isId(id) && this.#functions.move(this.#base, id, dx, dy) !== 0;
  }

  step(ticks = 1): void {
    integer("ticks", ticks, 0, 2 ** 32 - 1);
    for (let done = 0; done < ticks; done++) this.#functions.zoneStep(this.#base);
  }

  blockedAt(x: number, y: number): boolean {
    return this.#functions.blockedAt(this.#base, finite("x", x), finite("y", y)) !== 0;
  }

  queryRadius(x: number, y: number, radius: number, out: Uint32Array): number {
    const found = this.#functions.queryRadius(
      this.#base,
      coordinate("x", x),
      coordinate("y", y),
      length("radius", radius),
    );
    return this.#hand(found, out);
  }

  queryRect(x0: number, y0: number, x1: number, y1: number, out: Uint32Array): number {
    const left = coordinate("x0", x0);
    const top = coordinate("y0", y0);
    const right = coordinate("x1", x1);
    const bottom = coordinate("y1", y1);
    if (left > right) throw bad("x1", x1, `at least x0, ${x0}`);
    if (top > bottom) throw bad("y1", y1, `at least y0, ${y0}`);
    return this.#hand(this.#functions.queryRect(this.#base, left, top, right, bottom), out);
  }

  /** Element by element: a subarray would be garbage. */
  #hand(found: number, out: Uint32Array): number {
    const ids = this.#found;
    const count = Math.min(found, out.length);
    for (let i = 0; i < count; i++) out[i] = ids[i]!;
    return found;
  }

  nearest(x: number, y: number, radius: number, filter?: NearestFilter): EntityId {
    const notTeam = filter?.notTeam === undefined ? -1 : integer("notTeam", filter.notTeam, 0, 255);
    const notId = filter?.notId === undefined ? 0 : integer("notId", filter.notId, 0, 2 ** 32 - 1);
    const id = this.#functions.nearest(
      this.#base,
      coordinate("x", x),
      coordinate("y", y),
      length("radius", radius),
      notTeam,
      notId,
    );
    return id >>> 0;
  }

  nearestEnemies(radius: number): Uint32Array {
    this.#functions.nearestEnemies(this.#base, length("radius", radius));
    return this.#nearestId;
  }

  neighbourCounts(radius: number): Uint32Array {
    this.#functions.neighbourCounts(this.#base, length("radius", radius));
    return this.#lists.count;
  }

  neighbourLists(radius: number): NeighbourLists {
    const status = this.#functions.neighbourLists(this.#base, length("radius", radius));
    if (status === this.#constants.LIST_FULL) {
      throw new GyreError(
        "LIST_FULL",
        `the neighbours within ${radius} need more than ${this.#lists.ids.length} ids of room`,
      );
    }
    return this.#lists;
  }

  findPath(x0: number, y0: number, x1: number, y1: number, out: Float32Array, options?: PathOptions): PathResult {
    finite("x0", x0);
    finite("y0", y0);
    finite("x1", x1);
    finite("y1", y1);
    if (!(out instanceof Float32Array)) throw bad("out", out, "a Float32Array");
    const halfSize = walkerOf(this.#instance, this.#constants, options);
    const cost = this.#functions.findPath(this.#base, x0, y0, x1, y1, halfSize);
    return { cost, points: cost < 0 ? 0 : this.#handWay(out) };
  }

  openField(goals: ArrayLike<number>, options?: FieldOptions): number {
    return openField(this.#instance, this.#constants, goals, options);
  }

  closeField(field: number): boolean {
    return isId(field) && this.#functions.fieldClose(this.#base, field) !== 0;
  }

  fieldReady(field: number): boolean {
    return isId(field) && this.#functions.fieldReady(this.#base, field) !== 0;
  }

  fieldDirection(field: number, x: number, y: number): number {
    finite("x", x);
    finite("y", y);
    return isId(field) ? this.#functions.fieldDirection(this.#base, field, x, y) : 0;
  }

  /** Writes the tiles of the way, from each of its points to the next diagonally first, then straight. Returns how many there are. */
  #handWay(out: Float32Array): number {
    const way = this.#way;
    const size = this.tileSize;
    const end = 2 * this.#header[this.#constants.ZONE_WAY_LENGTH >>> 2]!;
    const room = out.length >>> 1;
    let column = way[0]!;
    let row = way[1]!;
    let points = 0;
    if (room > 0) {
      out[0] = (column + 0.5) * size;
      out[1] = (row + 0.5) * size;
    }
    for (let next = 2; next < end; next += 2) {
      const toColumn = way[next]!;
      const toRow = way[next + 1]!;
      while (points + 1 < room && (column !== toColumn || row !== toRow)) {
        column += Math.sign(toColumn - column);
        row += Math.sign(toRow - row);
        points++;
        out[2 * points] = (column + 0.5) * size;
        out[2 * points + 1] = (row + 0.5) * size;
      }
      // What finds no room is counted.
      points += Math.max(Math.abs(toColumn - column), Math.abs(toRow - row));
      column = toColumn;
      row = toRow;
    }
    return points + 1;
  }

  random(): number {
    return this.#functions.random(this.#base) >>> 0;
  }

  hash(): bigint {
    return BigInt.asUintN(64, this.#functions.zoneHash(this.#base));
  }

  save(): Uint8Array {
    // The restored zone's entries will be in order; these are from now on too, so that both answer queries in the same order.
    this.#functions.gridRebuild(this.#base);
    const checksum = imageChecksum(this.#instance, this.#constants);
    const { SPEC_BYTES, STATE_BYTES, ZONE_STATE_START, ZONE_STATE_END, LAYOUT_VERSION } = this.#constants;
    const memory = new Uint8Array(this.#instance.buffer);
    const header = memory.subarray(this.#base, this.#base + SPEC_BYTES + STATE_BYTES);
    const state = memory.subarray(
      this.#instance.u32(this.#base + ZONE_STATE_START),
      this.#instance.u32(this.#base + ZONE_STATE_END),
    );
    const image = new Uint8Array(IMAGE_HEADER_BYTES + header.length + state.length);
    const view = new DataView(image.buffer);
    view.setUint32(0, IMAGE_MAGIC, true);
    view.setUint32(4, LAYOUT_VERSION, true);
    view.setBigUint64(8, BigInt(image.length), true);
    view.setBigUint64(16, checksum, true);
    image.set(header, IMAGE_HEADER_BYTES);
    image.set(state, IMAGE_HEADER_BYTES + header.length);
    return image;
  }

  validate(): void {
    if (!this.#functions.zoneValid(this.#base)) throw new GyreError("KERNEL_TRAP", "the zone's structure is not sound");
  }

  close(): void {
    this.#attach(this.#instance.closed(this.#base + this.#constants.HEADER_BYTES));
  }
}
