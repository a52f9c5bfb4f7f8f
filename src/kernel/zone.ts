/**
 * A zone as the host sees it: checked calls into the kernel over one memory. No call but save, those that
 * make a zone and the answer of findPath allocates.
 */
import { GyreError } from "../errors.js";
import { HALF_SIZE, readSpawnDefaults, SPEED, type SpawnDefaults, writeArchetypes } from "./archetypes.js";
import { bad, coordinate, finite, integer, length } from "./check.js";
import { COLUMNS, checkOwnColumns, columnView, type OwnColumns, ownSizes } from "./columns.js";
import { ImageWriter, openImage } from "./image.js";
import { type Constants, type Functions, type KernelFactory, type KernelInstance, PAGE_BYTES } from "./instance.js";
import { openField, Requests, walkerOf } from "./paths.js";
import { CommandQueue, EventRing } from "./ring.js";
import { applyLayout, type Layout, layoutOf } from "./spec.js";
import { entityBytes, entitySpec, extractEntity, insertEntity } from "./transfer.js";
import type {
  Columns,
  EntityId,
  FieldOptions,
  NearestFilter,
  NeighbourLists,
  PathOptions,
  PathResult,
  SpawnSpec,
  TypedColumn,
  Zone,
  ZoneHandle,
  ZoneSpec,
} from "./types.js";

/** What a kind without an archetype is. */
const SPAWN_DEFAULTS: SpawnDefaults = { team: 0, halfSize: HALF_SIZE, speed: SPEED, hp: 100 };
/** The tile that blocks, and in which paths lead from water to water. */
const WATER = 2;
const I32_MAX = 2 ** 31 - 1;
/** What says why a row is not sound. */
const ROW = ["x", "y", "halfSize", "speed", "wishX", "wishY", "alive", "state", "level", "xp", "gold"] as const;

function instantiate(factory: KernelFactory, layout: Layout): KernelInstance {
  const { constants } = factory;
  const instance = factory.create((made) => applyLayout(made, constants, layout));
  instance.functions.zoneInit(constants.BASE);
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

function archetypeRows(instance: KernelInstance, constants: Constants): DataView {
  const count = instance.u32(constants.BASE + constants.ZONE_ARCHETYPE_COUNT);
  const address = instance.u32(constants.BASE + constants.ZONE_ARCHETYPES);
  return new DataView(instance.buffer, address, count * constants.ARCHETYPE_BYTES);
}

export function createZone(factory: KernelFactory, spec: ZoneSpec): Zone {
  const { constants } = factory;
  const layout = layoutOf(spec, constants);
  const instance = instantiate(factory, layout);
  const rows = archetypeRows(instance, constants);
  writeArchetypes(rows, layout.archetypes, constants.ARCHETYPE_BYTES, layout.tickRate);
  if (spec.tiles !== undefined) packTiles(instance, constants, layout, spec.tiles);
  return new KernelZone(factory, instance, layout.own);
}

export function restoreZone(factory: KernelFactory, image: Uint8Array): Zone {
  const { instance, layout } = restoreInstance(factory, image);
  return new KernelZone(factory, instance, layout.own);
}

/** A memory of its own with what an image was made of, and all that follows from it. Throws IMAGE_BAD, IMAGE_VERSION. */
function restoreInstance(factory: KernelFactory, image: Uint8Array): { instance: KernelInstance; layout: Layout } {
  const { constants } = factory;
  const { instance, layout } = openImage(factory, image, (found) => instantiate(factory, found));
  instance.functions.planesBuild(constants.BASE);
  if (!instance.functions.pathsRestore(constants.BASE)) {
    throw new GyreError("IMAGE_BAD", "not a zone image: its flow fields are not what they say");
  }
  instance.functions.gridRebuild(constants.BASE);
  return { instance, layout };
}

export function attachZone(factory: KernelFactory, handle: ZoneHandle): Zone {
  const { constants } = factory;
  const { memory, columns } = (handle ?? {}) as Partial<ZoneHandle>;
  if (!(memory instanceof WebAssembly.Memory)) throw bad("handle.memory", memory, "what share gave");
  const own = checkOwnColumns(columns, constants.OWN_COLUMNS_MAX);
  const instance = factory.over(memory);
  const { BASE, ZONE_OWN_SIZES } = constants;
  const sizes = new DataView(instance.buffer).getBigUint64(BASE + ZONE_OWN_SIZES, true);
  if (sizes !== ownSizes(own)) throw bad("handle.columns", Object.keys(columns ?? {}).join(", "), "those of the zone");
  return new KernelZone(factory, instance, own);
}

/** What a zone stays for life: its spec but for the seed, see reset, and hashes of its tiles and archetypes. */
interface Identity {
  readonly spec: Uint8Array;
  readonly tiles: bigint;
  readonly archetypes: bigint;
}

/** Parts of the state, as assembly/digest.ts numbers them. */
const PART_TILES = 1;
const PART_ARCHETYPES = 2;

function identityOf({ buffer, functions }: KernelInstance, constants: Constants): Identity {
  const { BASE, SPEC_BYTES, ZONE_SEED } = constants;
  return {
    spec: new Uint8Array(buffer, BASE, SPEC_BYTES).slice().fill(0, ZONE_SEED, ZONE_SEED + 8),
    tiles: functions.partHash(BASE, PART_TILES, 0n),
    archetypes: functions.partHash(BASE, PART_ARCHETYPES, 0n),
  };
}

function isIdentical(a: Identity, b: Identity): boolean {
  return a.spec.every((byte, i) => byte === b.spec[i]) && a.tiles === b.tiles && a.archetypes === b.archetypes;
}

/** Copies a memory to another of its size, but for equal pages: those that neither ever used are zeros, and writing would take them up. */
function copyMemory(from: ArrayBufferLike, to: ArrayBufferLike): void {
  const [source, target] = [new Int32Array(from), new Int32Array(to)];
  const words = PAGE_BYTES / 4;
  for (let page = 0; page < source.length; page += words) {
    let at = page;
    while (at < page + words && source[at] === target[at]) at++;
    if (at < page + words) target.set(source.subarray(at, page + words), at);
  }
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
  readonly entityBytes: number;
  refused = 0;
  readonly #factory: KernelFactory;
  readonly #constants: Constants;
  readonly #base: number;
  readonly #ownColumns: OwnColumns;
  /** By kind: what its archetype says. */
  readonly #kinds: readonly SpawnDefaults[];
  /** Of the parts of the state, by number. */
  readonly #partNames: readonly string[];
  /** What cannot change, for images to be compared with, whatever becomes of the memory. */
  readonly #identity: Identity;
  #instance!: KernelInstance;
  #functions!: Functions;
  #header!: Uint32Array;
  #columns!: Columns;
  #own!: Readonly<Record<string, TypedColumn>>;
  /** All columns, the kernel's and one's own. */
  #all!: readonly TypedColumn[];
  #events!: EventRing;
  #commands!: CommandQueue;
  #found!: Uint32Array;
  #nearestId!: Uint32Array;
  #lists!: NeighbourLists;
  #way!: Uint32Array;
  #paths!: Requests;
  #images!: ImageWriter;

  constructor(factory: KernelFactory, instance: KernelInstance, own: OwnColumns) {
    const { constants } = factory;
    const base = constants.BASE;
    this.#factory = factory;
    this.#constants = constants;
    this.#base = base;
    this.#ownColumns = own;
    this.#kinds = readSpawnDefaults(
      archetypeRows(instance, constants),
      instance.u32(base + constants.ZONE_ARCHETYPE_COUNT),
      constants.ARCHETYPE_BYTES,
    );
    const columns = [...COLUMNS.map(([name]) => name), ...own.map(([name]) => `own ${name}`)];
    this.#partNames = ["header", "tiles", "archetypes", "paths", ...columns.map((name) => `column ${name}`)];
    this.entityBytes = entityBytes(own.length);
    this.width = instance.f32(base + constants.ZONE_WIDTH);
    this.height = instance.f32(base + constants.ZONE_HEIGHT);
    this.tileSize = instance.f32(base + constants.ZONE_TILE_SIZE);
    this.cellSize = instance.f32(base + constants.ZONE_CELL_SIZE);
    this.tickRate = instance.f64(base + constants.ZONE_TICK_RATE);
    this.capacity = instance.u32(base + constants.ZONE_CAPACITY);
    this.#identity = identityOf(instance, constants);
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
    const u32 = (field: number, count = capacity) => new Uint32Array(buffer, address(field), count);
    const columns = COLUMNS.map(([, type], i) =>
      columnView(type, buffer, address(constants.ZONE_COLUMNS + 4 * i), capacity),
    );
    const own = this.#ownColumns.map(([, type], i) =>
      columnView(type, buffer, address(constants.OWN_AT + 4 * i), capacity),
    );
    this.#columns = Object.fromEntries(COLUMNS.map(([name], i) => [name, columns[i]])) as unknown as Columns;
    this.#own = Object.fromEntries(own.map((view, i) => [this.#ownColumns[i]?.[0], view]));
    this.#all = [...columns, ...own];
    this.#events = new EventRing(buffer, address(constants.ZONE_EVENT_RING), constants);
    this.#commands = new CommandQueue(buffer, address(constants.ZONE_COMMAND_RING), constants);
    this.#found = u32(constants.ZONE_FOUND);
    this.#nearestId = u32(constants.ZONE_NEAREST_ID);
    this.#lists = {
      start: u32(constants.ZONE_LIST_START),
      count: u32(constants.ZONE_LIST_COUNT),
      ids: u32(constants.ZONE_LISTS, address(constants.ZONE_LIST_CAPACITY)),
    };
    // Of unknown length: up to the end of the memory.
    this.#way = new Uint32Array(buffer, address(constants.ZONE_WAY));
    this.#images = new ImageWriter(instance, constants, this.#ownColumns);
    this.#paths = new Requests(instance, constants, (out) => this.#handWay(out));
  }

  get columns(): Columns {
    return this.#columns;
  }

  get own(): Readonly<Record<string, TypedColumn>> {
    return this.#own;
  }

  get events(): EventRing {
    return this.#events;
  }

  get commands(): CommandQueue {
    return this.#commands;
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
    const kind = integer("kind", spec.kind ?? 0, 0, 65_535);
    const defaults = this.#kinds[kind] ?? SPAWN_DEFAULTS;
    const team = integer("team", spec.team ?? defaults.team, 0, 255);
    const halfSize = length("halfSize", spec.halfSize ?? defaults.halfSize);
    const speed = length("speed", spec.speed ?? defaults.speed);
    const hp = integer(
      "hp",
      spec.hp ?? defaults.hp,
      defaults.hp > 0 && kind < this.#kinds.length ? 1 : -(2 ** 31),
      I32_MAX,
    );
    const status = this.#functions.spawnCheck(this.#base, x, y, halfSize);
    if (status !== 0) throw this.#refusal(status, x, y, halfSize);
    return this.#functions.spawn(this.#base, x, y, halfSize, speed, hp, kind, team) >>> 0;
  }

  #refusal(status: number, x: number, y: number, halfSize: number): GyreError {
    const box = `a box of half size ${halfSize} at (${x}, ${y})`;
    switch (status) {
      case this.#constants.ZONE_FULL:
        this.refused++;
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
    try {
      for (let done = 0; done < ticks; done++) this.#functions.zoneStep(this.#base);
    } catch (error) {
      if (error instanceof GyreError && error.code === "KERNEL_TRAP") error.message += this.#unsound();
      throw error;
    }
  }

  reset(seed: number, tick = 0): void {
    integer("seed", seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    this.#functions.zoneReset(this.#base, BigInt(seed), integer("tick", tick, 0, 2 ** 32 - 1));
  }

  skip(ticks: number): void {
    this.#functions.zoneSkip(this.#base, integer("ticks", ticks, 0, I32_MAX));
  }

  act(id: EntityId, action: number): boolean {
    return isId(id) && this.#functions.act(this.#base, id, integer("action", action, 0, 255)) !== 0;
  }

  harm(id: EntityId, damage: number, by: EntityId = 0): boolean {
    integer("damage", damage, 0, I32_MAX);
    return isId(id) && this.#functions.harm(this.#base, id, damage, isId(by) ? by : 0) !== 0;
  }

  hpMax(id: EntityId): number {
    const slot = this.slot(id);
    return slot < 0 ? 0 : this.#functions.hpMax(this.#base, slot);
  }

  follow(id: EntityId, field: number): boolean {
    return isId(id) && this.#functions.follow(this.#base, id, integer("field", field, 0, 2 ** 32 - 1)) !== 0;
  }

  place(id: EntityId, x: number, y: number): boolean {
    finite("x", x);
    finite("y", y);
    const slot = this.slot(id);
    if (slot < 0) return false;
    const status = this.#functions.placeCheck(this.#base, slot, x, y);
    if (status !== 0) throw this.#refusal(status, x, y, this.#columns.halfSize[slot]!);
    this.#functions.place(this.#base, slot, x, y);
    return true;
  }

  emit(
    type: number,
    critical: boolean,
    source: EntityId,
    target: EntityId,
    value: number,
    extra: number,
    x: number,
    y: number,
  ): boolean {
    integer("type", type, this.#constants.EVENT_OWN, 65_535);
    integer("value", value, -(2 ** 31), I32_MAX);
    integer("extra", extra, -(2 ** 31), I32_MAX);
    const ids = isId(source) && isId(target);
    if (!ids) throw bad("source and target", `${source}, ${target}`, "ids, or 0");
    return (
      this.#functions.emit(
        this.#base,
        type,
        Number(critical),
        source,
        target,
        value,
        extra,
        coordinate("x", x),
        coordinate("y", y),
      ) !== 0
    );
  }

  extract(id: EntityId, out: Uint8Array): boolean {
    if (!(out instanceof Uint8Array) || out.length < this.entityBytes) {
      throw bad("out", out?.length, `a Uint8Array of at least ${this.entityBytes} bytes`);
    }
    const slot = this.slot(id);
    if (slot < 0 || this.#columns.alive[slot] === 0) return false;
    extractEntity(this.#all, slot, this.tick, out);
    return true;
  }

  insert(bytes: Uint8Array, x: number, y: number): EntityId {
    if (!(bytes instanceof Uint8Array) || bytes.length < this.entityBytes) {
      throw bad("bytes", bytes?.length, `what extract wrote, ${this.entityBytes} bytes`);
    }
    const id = this.spawn(entitySpec(bytes, finite("x", x), finite("y", y)));
    const slot = this.slot(id);
    insertEntity(this.#all, slot, this.tick, bytes);
    this.#functions.emitAt(this.#base, this.#constants.EVENT_TRANSFER, 1, 0, slot, 0, 0);
    return id;
  }

  digests(): ReadonlyMap<string, bigint> {
    const hash = (part: number) => BigInt.asUintN(64, this.#functions.partHash(this.#base, part, 0n));
    return new Map(this.#partNames.map((name, part) => [name, hash(part)]));
  }

  call(name: string, ...numbers: number[]): number {
    return this.#factory.call(this.#instance, name, this.#base, numbers);
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

  get paths(): Requests {
    return this.#paths;
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

  get imageSize(): number {
    return this.#images.size;
  }

  save(): Uint8Array {
    const image = new Uint8Array(this.#images.size);
    this.saveInto(image);
    return image;
  }

  saveInto(out: Uint8Array): number {
    if (!(out instanceof Uint8Array)) throw bad("out", out, "a Uint8Array");
    if (out.length < this.#images.size) return 0;
    // The restored zone's entries will be in order; these are from now on too, so that both answer queries in the same order.
    this.#functions.gridRebuild(this.#base);
    this.#images.write(out);
    return this.#images.size;
  }

  load(image: Uint8Array): void {
    // Elsewhere first: only there does an image turn out to be sound.
    const { instance, layout } = restoreInstance(this.#factory, image);
    const { buffer } = this.#instance;
    if (buffer.byteLength < PAGE_BYTES) throw new GyreError("ZONE_CLOSED", "the zone was closed");
    const ownIsEqual = JSON.stringify(layout.own) === JSON.stringify(this.#ownColumns);
    if (!ownIsEqual || !isIdentical(identityOf(instance, this.#constants), this.#identity)) {
      throw new GyreError("IMAGE_BAD", "it is the image of a zone with another spec");
    }
    copyMemory(instance.buffer, buffer);
  }

  tidy(isWritten = false): void {
    if (isWritten) this.#functions.gridRebuild(this.#base);
    else this.#functions.gridClean(this.#base);
  }

  share(): ZoneHandle {
    const { memory, buffer } = this.#instance;
    if (memory === null || !(buffer instanceof SharedArrayBuffer)) {
      throw new GyreError("KERNEL_UNSUPPORTED", "the zone's memory is of one thread: load the kernel with shared");
    }
    return { memory, columns: Object.fromEntries(this.#ownColumns) };
  }

  validate(): void {
    if (this.#functions.zoneValid(this.#base)) return;
    throw new GyreError("KERNEL_TRAP", `the zone's structure is not sound${this.#unsound()}`);
  }

  /** The first row that no call can have left so: as a rule somebody wrote into a column what does not belong there. */
  #unsound(): string {
    for (let slot = 0; slot < this.highWater; slot++) {
      if (this.#functions.slotValid(this.#base, slot)) continue;
      const row = ROW.map((name) => `${name} ${this.columns[name][slot]}`);
      return `; slot ${slot} cannot have ${row.join(", ")}`;
    }
    return "";
  }

  close(): void {
    this.#attach(this.#instance.closed(this.#base + this.#constants.HEADER_BYTES));
  }
}
