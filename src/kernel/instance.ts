/**
 * The border to WebAssembly, the only file that knows a module's exports. An instance is made over a memory whose initial size is
 * its maximum, so that nothing grows and no view goes stale.
 */
import { GyreError } from "../errors.js";
import { bad } from "./check.js";
import { RING_CONSTANTS } from "./ring.js";

export const PAGE_BYTES = 65_536;
/** Pages that a 32-bit memory can have; the last one is left out so that an end address fits 32 bits. */
const PAGES_MAX = 65_535;

/** The kernel's functions. `zone` and `batch` are addresses; see assembly/ for what each does. */
export interface Functions {
  zoneLayout(zone: number): number;
  zoneInit(zone: number): void;
  zoneReset(zone: number, seed: bigint, tick: number): void;
  zoneStep(zone: number): void;
  zoneSkip(zone: number, ticks: number): void;
  zoneValid(zone: number): number;
  slotValid(zone: number, slot: number): number;
  zoneHash(zone: number): bigint;
  partHash(zone: number, part: number, seed: bigint): bigint;
  digest(address: number, size: number, seed: bigint): bigint;
  blockedAt(zone: number, x: number, y: number): number;
  act(zone: number, id: number, action: number): number;
  harm(zone: number, id: number, damage: number, by: number): number;
  follow(zone: number, id: number, field: number): number;
  place(zone: number, slot: number, x: number, y: number): void;
  placeCheck(zone: number, slot: number, x: number, y: number): number;
  emit(
    zone: number,
    type: number,
    critical: number,
    source: number,
    target: number,
    value: number,
    extra: number,
    x: number,
    y: number,
  ): number;
  emitAt(
    zone: number,
    type: number,
    critical: number,
    source: number,
    slot: number,
    value: number,
    extra: number,
  ): number;
  despawn(zone: number, id: number): number;
  find(zone: number, id: number): number;
  move(zone: number, id: number, dx: number, dy: number): number;
  spawn(
    zone: number,
    x: number,
    y: number,
    halfSize: number,
    speed: number,
    hp: number,
    kind: number,
    team: number,
  ): number;
  hpMax(zone: number, slot: number): number;
  spawnCheck(zone: number, x: number, y: number, halfSize: number): number;
  gridClean(zone: number): void;
  gridRebuild(zone: number): void;
  nearest(zone: number, x: number, y: number, radius: number, notTeam: number, notId: number): number;
  queryRadius(zone: number, x: number, y: number, radius: number): number;
  queryRect(zone: number, x0: number, y0: number, x1: number, y1: number): number;
  nearestEnemies(zone: number, radius: number): void;
  neighbourCounts(zone: number, radius: number): void;
  neighbourLists(zone: number, radius: number): number;
  planesBuild(zone: number): void;
  findPath(zone: number, x0: number, y0: number, x1: number, y1: number, halfSize: number): number;
  walkerSize(tileSize: number, halfSize: number): number;
  pathRequest(
    zone: number,
    requester: number,
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    halfSize: number,
  ): number;
  pathAnswer(zone: number): number;
  pathsRestore(zone: number): number;
  fieldOpen(zone: number, goalCount: number, size: number, reach: number): number;
  fieldClose(zone: number, field: number): number;
  fieldReady(zone: number, field: number): number;
  fieldDirection(zone: number, field: number, x: number, y: number): number;
  random(zone: number): number;
  replicaLayout(replica: number): number;
  replicaTake(replica: number, stream: number, sequence: number, tick: number, highWater: number): void;
  blocksBegin(replica: number, stream: number, sequence: number): void;
  blockEncode(replica: number, stream: number, cell: number, age: number): number;
  batchLayout(batch: number, capacity: number): number;
  batchInit(batch: number): void;
  batchDistances(batch: number, x: number, y: number, count: number): void;
  batchWithin(batch: number, x: number, y: number, radius: number, count: number): number;
  batchNearest(batch: number, x: number, y: number, count: number): number;
}

/** Constants of the layout, exported by the module as globals, so that no number is typed twice. */
const CONSTANTS = [
  "ARCHETYPES_MAX",
  "ARCHETYPE_BYTES",
  "BASE",
  "BATCH_CAPACITY_MAX",
  "BATCH_DISTANCES",
  "BATCH_HITS",
  "BATCH_X",
  "BATCH_Y",
  "BLOCKED",
  "BLOCK_STORE_BYTES",
  "BLOCK_STORE_GENERATIONS",
  "BLOCK_STORE_MEMO",
  "CAPACITY_MAX",
  "CELLS_MAX",
  "CELLS_SIDE_MAX",
  "COLUMNS",
  "EVENT_OWN",
  "EVENT_TRANSFER",
  "FIELDS_MAX",
  "FIELD_GOALS_MAX",
  "FLOW_FIELDS_MAX",
  "GENERATIONS",
  "GENERATION_TICK",
  "HEADER_BYTES",
  "HISTORY",
  "LAYOUT_VERSION",
  "LIST_FULL",
  "OUT_OF_BOUNDS",
  "OWN_AT",
  "OWN_COLUMNS_MAX",
  "OWN_WORDS",
  "PARTS",
  "PATHS_ANSWER_COST",
  "PATHS_ANSWER_REQUESTER",
  "PATHS_ANSWER_TICKET",
  "PATHS_POINTS",
  "PATHS_REQUESTS",
  "PATH_REQUESTS_MAX",
  "REPLICA_AT_ACKS",
  "REPLICA_AT_CELL",
  "REPLICA_AT_DELTA",
  "REPLICA_AT_ID",
  "REPLICA_AT_OWN",
  "REPLICA_AT_SLOTS",
  "REPLICA_AT_STARTS",
  "REPLICA_AT_TAGS",
  "REPLICA_AT_WORDS",
  "REPLICA_AT_X",
  "REPLICA_AT_Y",
  "REPLICA_BEGUN",
  "REPLICA_CAPACITY",
  "REPLICA_COLUMNS",
  "REPLICA_FIELDS_AT",
  "REPLICA_FIELD_BYTES",
  "REPLICA_FIELD_COUNT",
  "REPLICA_FIELD_SCALE",
  "REPLICA_FIELD_SOURCE",
  "REPLICA_FIELD_TYPE",
  "REPLICA_GENERATION_BYTES",
  "REPLICA_HASH_EVERY",
  "REPLICA_INTAKE",
  "REPLICA_INTAKE_STRIDE",
  "REPLICA_PUBLISHED",
  "REPLICA_ROWS",
  "REPLICA_SEATS",
  "REPLICA_SEAT_ACK",
  "REPLICA_SEAT_ENTITY",
  "REPLICA_SEAT_TAG",
  "REPLICA_SIDE_STEPS",
  "REPLICA_STEPS_PER_UNIT",
  "REPLICA_STORES",
  "REPLICA_STREAM_BITS",
  "REPLICA_WORDS_STRIDE",
  "REQUESTS_ANSWERS",
  "REQUESTS_WAITING",
  "SPEC_BYTES",
  "STATE_BYTES",
  "STREAMS",
  "TILES_MAX",
  "WORLD_SIZE_MAX",
  "ZONE_ARCHETYPES",
  "ZONE_ARCHETYPE_COUNT",
  "ZONE_CAPACITY",
  "ZONE_CELL_SIZE",
  "ZONE_COLUMNS",
  "ZONE_COMMAND_CAPACITY",
  "ZONE_COMMAND_RING",
  "ZONE_COUNT",
  "ZONE_EVENT_CAPACITY",
  "ZONE_EVENT_POLICY",
  "ZONE_EVENT_RING",
  "ZONE_FLOW_BUDGET",
  "ZONE_FLOW_FIELDS",
  "ZONE_FOUND",
  "ZONE_FULL",
  "ZONE_HEIGHT",
  "ZONE_HIGH_WATER",
  "ZONE_LISTS",
  "ZONE_LIST_CAPACITY",
  "ZONE_LIST_COUNT",
  "ZONE_LIST_START",
  "ZONE_NEAREST_ID",
  "ZONE_OWN_SIZES",
  "ZONE_PATH_BUDGET",
  "ZONE_PATH_REQUESTS",
  "ZONE_SEED",
  "ZONE_STATE_END",
  "ZONE_STATE_START",
  "ZONE_TICK",
  "ZONE_TICK_RATE",
  "ZONE_TILES",
  "ZONE_TILES_X",
  "ZONE_TILES_Y",
  "ZONE_TILE_SIZE",
  "ZONE_WALKER_HALF_SIZE",
  "ZONE_WAY",
  "ZONE_WAY_LENGTH",
  "ZONE_WIDTH",
  ...RING_CONSTANTS,
] as const;

export type Constants = Readonly<Record<(typeof CONSTANTS)[number], number>>;

function readConstants(exports: WebAssembly.Exports): Constants {
  const constants: Record<string, number> = {};
  // The module declares them u32; the engine hands them over as i32.
  for (const name of CONSTANTS) constants[name] = (exports[name] as WebAssembly.Global).value >>> 0;
  constants["WORLD_SIZE_MAX"] = (exports["WORLD_SIZE_MAX"] as WebAssembly.Global).value;
  return constants as Constants;
}

/** One instance of the module over one memory. */
export class KernelInstance {
  readonly functions: Functions;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** What the buffer is of; null for what has no more than a buffer. */
  readonly memory: WebAssembly.Memory | null;
  readonly #own: OwnFunctions;
  readonly #view: DataView;

  constructor(functions: Functions, memory: WebAssembly.Memory | ArrayBuffer, own: OwnFunctions) {
    this.functions = functions;
    this.memory = memory instanceof WebAssembly.Memory ? memory : null;
    this.buffer = memory instanceof WebAssembly.Memory ? memory.buffer : memory;
    this.#own = own;
    this.#view = new DataView(this.buffer);
  }

  /** The u32 at an address. */
  u32(address: number): number {
    return this.#view.getUint32(address, true);
  }

  f32(address: number): number {
    return this.#view.getFloat32(address, true);
  }

  f64(address: number): number {
    return this.#view.getFloat64(address, true);
  }

  /** What a closed zone holds in place of its memory: zeros, and functions that throw ZONE_CLOSED. */
  closed(bytes: number): KernelInstance {
    const refuse = (): never => {
      throw new GyreError("ZONE_CLOSED", "the zone was closed");
    };
    return new KernelInstance(
      mapFunctions(this.functions, () => refuse),
      new ArrayBuffer(bytes),
      this.#own,
    );
  }

  /** Calls a function of one's own kernel; see Zone.call. */
  call(name: string, zone: number, numbers: readonly number[]): number {
    const takes = this.#own.get(name);
    if (takes === undefined) throw bad("name", name, `one of ${[...this.#own.keys()].join(", ") || "none"}`);
    if (takes !== numbers.length + 1) {
      throw bad(
        `the count of numbers for ${name}`,
        numbers.length,
        takes > 0 ? String(takes - 1) : "one that has a zone",
      );
    }
    for (const number of numbers) if (typeof number !== "number") throw bad(`a number of ${name}`, number, "a number");
    try {
      return Number((this.functions as unknown as Record<string, OwnFunction>)[name]?.(zone, ...numbers) ?? 0);
    } catch (error) {
      if (error instanceof TypeError) throw bad(name, "a function with an i64", "one with i32, u32, f32, f64 or bool");
      if (error instanceof WebAssembly.RuntimeError) throw trap("stopped in", name, [zone, ...numbers], error);
      throw error;
    }
  }
}

type OwnFunction = (zone: number, ...numbers: number[]) => number | bigint | undefined;
/** How many arguments each function of one's own kernel takes. */
type OwnFunctions = ReadonlyMap<string, number>;

type AnyFunction = (...args: never[]) => unknown;

function mapFunctions(functions: Functions, map: (name: string, call: AnyFunction) => AnyFunction): Functions {
  const entries = Object.entries(functions as unknown as Record<string, unknown>);
  const calls = entries.filter((entry): entry is [string, AnyFunction] => typeof entry[1] === "function");
  return Object.fromEntries(calls.map(([name, call]) => [name, map(name, call)])) as unknown as Functions;
}

function trap(what: string, name: string, args: readonly unknown[], cause: WebAssembly.RuntimeError): GyreError {
  const error = new GyreError("KERNEL_TRAP", `${what} ${name}(${args.join(", ")}): ${cause.message}`);
  error.cause = cause;
  return error;
}

/** Checked builds stop at a failed assertion by a trap, which says where but not that it was an assertion. */
function withNamedTraps(functions: Functions): Functions {
  return mapFunctions(functions, (name, call) => (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw error instanceof WebAssembly.RuntimeError ? trap("assertion failed in", name, args, error) : error;
    }
  });
}

/** Makes instances of one compiled build. */
export class KernelFactory {
  readonly constants: Constants;
  /** Names of the functions of one's own. */
  readonly own: readonly string[];
  readonly #ownFunctions: OwnFunctions;
  readonly #module: WebAssembly.Module;
  readonly #shared: boolean;
  readonly #checked: boolean;
  /** An instance over one page, in which layouts are tried: they say how much a zone needs before it has a memory. */
  readonly #probe: KernelInstance;

  constructor(
    module: WebAssembly.Module,
    { shared, checked }: { shared: boolean; checked: boolean },
    own: readonly string[],
  ) {
    this.own = own;
    this.#module = module;
    this.#shared = shared;
    this.#checked = checked;
    const memory = this.#memory(1);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.constants = readConstants(exports);
    this.#ownFunctions = new Map(own.map((name) => [name, (exports[name] as OwnFunction).length]));
    this.#probe = new KernelInstance(exports as unknown as Functions, memory, this.#ownFunctions);
  }

  #memory(pages: number): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: this.#shared });
  }

  /** What a layout would write, without the memory for it. */
  measure<T>(layout: (probe: KernelInstance) => number, read: (probe: KernelInstance) => T): T {
    layout(this.#probe);
    return read(this.#probe);
  }

  /**
   * An instance over as much memory as `layout` says it needs from address 0 on, with the layout done in it. Throws
   * BAD_ARGUMENT when that is more than a memory can have, or than this machine gives.
   */
  create(layout: (instance: KernelInstance) => number): KernelInstance {
    const bytes = layout(this.#probe);
    const pages = Math.ceil(bytes / PAGE_BYTES);
    if (pages > PAGES_MAX) throw new GyreError("BAD_ARGUMENT", `${bytes} bytes are more than a memory of 4 GiB holds`);
    let memory: WebAssembly.Memory;
    try {
      memory = this.#memory(pages);
    } catch {
      throw new GyreError("BAD_ARGUMENT", `this machine does not give ${bytes} bytes of memory`);
    }
    const instance = this.over(memory);
    layout(instance);
    return instance;
  }

  /** One more instance over a memory that another was created with. Throws BAD_ARGUMENT for a memory that this build cannot have. */
  over(memory: WebAssembly.Memory): KernelInstance {
    let raw: Functions;
    try {
      raw = new WebAssembly.Instance(this.#module, { env: { memory } }).exports as unknown as Functions;
    } catch (error) {
      throw new GyreError("BAD_ARGUMENT", `the memory is none for this kernel: ${(error as Error).message}`);
    }
    const functions = this.#checked ? withNamedTraps(raw) : raw;
    return new KernelInstance(functions, memory, this.#ownFunctions);
  }
}
