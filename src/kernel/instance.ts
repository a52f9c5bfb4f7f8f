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
  "CAPACITY_MAX",
  "CELLS_SIDE_MAX",
  "COLUMNS",
  "EVENT_OWN",
  "EVENT_TRANSFER",
  "FIELD_GOALS_MAX",
  "FLOW_FIELDS_MAX",
  "HEADER_BYTES",
  "LAYOUT_VERSION",
  "LIST_FULL",
  "OUT_OF_BOUNDS",
  "OWN_AT",
  "OWN_COLUMNS_MAX",
  "PARTS",
  "PATHS_ANSWER_COST",
  "PATHS_ANSWER_REQUESTER",
  "PATHS_ANSWER_TICKET",
  "PATHS_POINTS",
  "PATHS_REQUESTS",
  "PATH_REQUESTS_MAX",
  "REQUESTS_ANSWERS",
  "REQUESTS_WAITING",
  "SPEC_BYTES",
  "STATE_BYTES",
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

type Constant = (typeof CONSTANTS)[number];
export type Constants = Readonly<Record<Constant, number>>;

/** The module declares them u32, and the engine hands them over as i32; or f64, which is left as it is. */
function readConstants<Name extends string>(
  exports: WebAssembly.Exports,
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  const entries = names.map((name) => {
    const { value } = exports[name] as WebAssembly.Global<"i32" | "f64">;
    return [name, value < 0 ? value >>> 0 : value];
  });
  return Object.fromEntries(entries);
}

/** One instance of a module over one memory. */
export class Instance<F> {
  readonly functions: F;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** What the buffer is of; null for what has no more than a buffer. */
  readonly memory: WebAssembly.Memory | null;
  readonly #view: DataView;

  constructor(functions: F, memory: WebAssembly.Memory | ArrayBuffer) {
    this.functions = functions;
    this.memory = memory instanceof WebAssembly.Memory ? memory : null;
    this.buffer = memory instanceof WebAssembly.Memory ? memory.buffer : memory;
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
  closed(bytes: number): Instance<F> {
    const refuse = (): never => {
      throw new GyreError("ZONE_CLOSED", "the zone was closed");
    };
    return new Instance(
      mapFunctions(this.functions, () => refuse),
      new ArrayBuffer(bytes),
    );
  }
}

export type KernelInstance = Instance<Functions>;

type AnyFunction = (...args: never[]) => unknown;

function mapFunctions<F>(functions: F, map: (name: string, call: AnyFunction) => AnyFunction): F {
  const entries = Object.entries(functions as Record<string, unknown>);
  const calls = entries.filter((entry): entry is [string, AnyFunction] => typeof entry[1] === "function");
  return Object.fromEntries(calls.map(([name, call]) => [name, map(name, call)])) as F;
}

function trap(what: string, name: string, args: readonly unknown[], cause: WebAssembly.RuntimeError): GyreError {
  const error = new GyreError("KERNEL_TRAP", `${what} ${name}(${args.join(", ")}): ${cause.message}`);
  error.cause = cause;
  return error;
}

/** Checked builds stop at a failed assertion by a trap, which says where but not that it was an assertion. */
function withNamedTraps<F>(functions: F): F {
  return mapFunctions(functions, (name, call) => (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw error instanceof WebAssembly.RuntimeError ? trap("assertion failed in", name, args, error) : error;
    }
  });
}

/** Of any module: whether its memory is shared, and whether it asserts. A kernel says it of itself. */
export interface ModuleBuild {
  readonly shared: boolean;
  readonly checked: boolean;
}

/** Makes instances of one compiled module. F: its functions; Name: those of its constants that are read. */
export class InstanceFactory<F, Name extends string> {
  readonly constants: Readonly<Record<Name, number>>;
  /** An instance over one page, in which layouts are tried: they say how much is needed before there is a memory. */
  protected readonly probe: Instance<F>;
  readonly #module: WebAssembly.Module;
  readonly #shared: boolean;
  readonly #checked: boolean;

  constructor(module: WebAssembly.Module, { shared, checked }: ModuleBuild, constants: readonly Name[]) {
    this.#module = module;
    this.#shared = shared;
    this.#checked = checked;
    const memory = this.#memory(1);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.constants = readConstants(exports, constants);
    this.probe = new Instance(exports as F, memory);
  }

  #memory(pages: number): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: this.#shared });
  }

  /** What a layout would write, without the memory for it. */
  measure<T>(layout: (probe: Instance<F>) => number, read: (probe: Instance<F>) => T): T {
    layout(this.probe);
    return read(this.probe);
  }

  /**
   * An instance over as much memory as `layout` says it needs from address 0 on, with the layout done in it. Throws
   * BAD_ARGUMENT when that is more than a memory can have, or than this machine gives.
   */
  create(layout: (instance: Instance<F>) => number): Instance<F> {
    const bytes = layout(this.probe);
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
  over(memory: WebAssembly.Memory): Instance<F> {
    let raw: F;
    try {
      raw = new WebAssembly.Instance(this.#module, { env: { memory } }).exports as F;
    } catch (error) {
      throw new GyreError("BAD_ARGUMENT", `the memory is none for this kernel: ${(error as Error).message}`);
    }
    return new Instance(this.#checked ? withNamedTraps(raw) : raw, memory);
  }
}

type OwnFunction = (zone: number, ...numbers: number[]) => number | bigint | undefined;

/** The kernel's, or that of one's own, which has functions beyond. */
export class KernelFactory extends InstanceFactory<Functions, Constant> {
  /** Names of the functions of one's own. */
  readonly own: readonly string[];
  /** How many arguments each of them takes. */
  readonly #takes: ReadonlyMap<string, number>;

  constructor(module: WebAssembly.Module, build: ModuleBuild, own: readonly string[]) {
    super(module, build, CONSTANTS);
    this.own = own;
    this.#takes = new Map(own.map((name) => [name, ownFunction(this.probe, name).length]));
  }

  /** Calls a function of one's own; see Zone.call. */
  call(instance: KernelInstance, name: string, zone: number, numbers: readonly number[]): number {
    const takes = this.#takes.get(name);
    if (takes === undefined) throw bad("name", name, `one of ${this.own.join(", ") || "none"}`);
    if (takes !== numbers.length + 1) {
      throw bad(
        `the count of numbers for ${name}`,
        numbers.length,
        takes > 0 ? String(takes - 1) : "one that has a zone",
      );
    }
    for (const number of numbers) if (typeof number !== "number") throw bad(`a number of ${name}`, number, "a number");
    try {
      return Number(ownFunction(instance, name)(zone, ...numbers) ?? 0);
    } catch (error) {
      if (error instanceof TypeError) throw bad(name, "a function with an i64", "one with i32, u32, f32, f64 or bool");
      if (error instanceof WebAssembly.RuntimeError) throw trap("stopped in", name, [zone, ...numbers], error);
      throw error;
    }
  }
}

function ownFunction({ functions }: KernelInstance, name: string): OwnFunction {
  return (functions as unknown as Record<string, OwnFunction>)[name] as OwnFunction;
}
