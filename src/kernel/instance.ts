/**
 * The border to WebAssembly, the only file that knows a module's exports. An instance is made over a memory whose initial size is
 * its maximum, so that nothing grows and no view goes stale.
 */
import { GyreError } from "../errors.js";

const PAGE_BYTES = 65_536;
/** Pages that a 32-bit memory can have; the last one is left out so that an end address fits 32 bits. */
const PAGES_MAX = 65_535;

/** The kernel's functions. `zone` and `batch` are addresses; see assembly/ for what each does. */
export interface Functions {
  zoneLayout(
    zone: number,
    width: number,
    height: number,
    tileSize: number,
    cellSize: number,
    tickRate: number,
    capacity: number,
    tilesX: number,
    tilesY: number,
    listCapacity: number,
    seed: bigint,
    flowFields: number,
    flowBudget: number,
    pathRequests: number,
    pathBudget: number,
    walkerHalfSize: number,
  ): number;
  zoneInit(zone: number): void;
  zoneStep(zone: number): void;
  zoneValid(zone: number): number;
  zoneHash(zone: number): bigint;
  digest(address: number, size: number, seed: bigint): bigint;
  blockedAt(zone: number, x: number, y: number): number;
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
  spawnCheck(zone: number, x: number, y: number, halfSize: number): number;
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
  "BASE",
  "BATCH_CAPACITY_MAX",
  "BATCH_DISTANCES",
  "BATCH_HITS",
  "BATCH_X",
  "BATCH_Y",
  "BLOCKED",
  "CAPACITY_MAX",
  "CELLS_SIDE_MAX",
  "FIELD_GOALS_MAX",
  "FLOW_FIELDS_MAX",
  "HEADER_BYTES",
  "LAYOUT_VERSION",
  "LIST_FULL",
  "OUT_OF_BOUNDS",
  "PATHS_POINTS",
  "PATH_REQUESTS_MAX",
  "SPEC_BYTES",
  "STATE_BYTES",
  "TILES_MAX",
  "WALKER_SIZES_MAX",
  "WORLD_SIZE_MAX",
  "ZONE_ALIVE",
  "ZONE_CAPACITY",
  "ZONE_CELL_SIZE",
  "ZONE_COUNT",
  "ZONE_FLOW_BUDGET",
  "ZONE_FLOW_FIELDS",
  "ZONE_FOUND",
  "ZONE_FULL",
  "ZONE_HALF_SIZE",
  "ZONE_HEIGHT",
  "ZONE_HIGH_WATER",
  "ZONE_HP",
  "ZONE_ID",
  "ZONE_KIND",
  "ZONE_LISTS",
  "ZONE_LIST_CAPACITY",
  "ZONE_LIST_COUNT",
  "ZONE_LIST_START",
  "ZONE_NEAREST_ID",
  "ZONE_PATH_BUDGET",
  "ZONE_PATH_REQUESTS",
  "ZONE_SEED",
  "ZONE_SPEED",
  "ZONE_STATE_END",
  "ZONE_STATE_START",
  "ZONE_TEAM",
  "ZONE_TICK",
  "ZONE_TICK_RATE",
  "ZONE_TILES",
  "ZONE_TILES_X",
  "ZONE_TILES_Y",
  "ZONE_TILE_SIZE",
  "ZONE_VX",
  "ZONE_VY",
  "ZONE_WALKER_HALF_SIZE",
  "ZONE_WAY",
  "ZONE_WAY_LENGTH",
  "ZONE_WIDTH",
  "ZONE_WISH_X",
  "ZONE_WISH_Y",
  "ZONE_X",
  "ZONE_Y",
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
  readonly #view: DataView;

  constructor(functions: Functions, buffer: ArrayBuffer | SharedArrayBuffer) {
    this.functions = functions;
    this.buffer = buffer;
    this.#view = new DataView(buffer);
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
    );
  }
}

type AnyFunction = (...args: never[]) => unknown;

function mapFunctions(functions: Functions, map: (name: string, call: AnyFunction) => AnyFunction): Functions {
  const entries = Object.entries(functions as unknown as Record<string, unknown>);
  const calls = entries.filter((entry): entry is [string, AnyFunction] => typeof entry[1] === "function");
  return Object.fromEntries(calls.map(([name, call]) => [name, map(name, call)])) as unknown as Functions;
}

/** Checked builds stop at a failed assertion by a trap, which says where but not that it was an assertion. */
function withNamedTraps(functions: Functions): Functions {
  return mapFunctions(functions, (name, call) => (...args) => {
    try {
      return call(...args);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const trap = new GyreError("KERNEL_TRAP", `assertion failed in ${name}(${args.join(", ")}): ${error.message}`);
      trap.cause = error;
      throw trap;
    }
  });
}

/** Makes instances of one compiled build. */
export class KernelFactory {
  readonly constants: Constants;
  readonly #module: WebAssembly.Module;
  readonly #shared: boolean;
  readonly #checked: boolean;
  /** An instance over one page, in which layouts are tried: they say how much a zone needs before it has a memory. */
  readonly #probe: KernelInstance;

  constructor(module: WebAssembly.Module, { shared, checked }: { shared: boolean; checked: boolean }) {
    this.#module = module;
    this.#shared = shared;
    this.#checked = checked;
    const memory = this.#memory(1);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.constants = readConstants(exports);
    this.#probe = new KernelInstance(exports as unknown as Functions, memory.buffer);
  }

  #memory(pages: number): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: this.#shared });
  }

  /** What a layout would write, without the memory for it. */
  measure<T>(layout: (functions: Functions) => number, read: (probe: KernelInstance) => T): T {
    layout(this.#probe.functions);
    return read(this.#probe);
  }

  /**
   * An instance over as much memory as `layout` says it needs from address 0 on, with the layout done in it. Throws
   * BAD_ARGUMENT when that is more than a memory can have, or than this machine gives.
   */
  create(layout: (functions: Functions) => number): KernelInstance {
    const bytes = layout(this.#probe.functions);
    const pages = Math.ceil(bytes / PAGE_BYTES);
    if (pages > PAGES_MAX) throw new GyreError("BAD_ARGUMENT", `${bytes} bytes are more than a memory of 4 GiB holds`);
    let memory: WebAssembly.Memory;
    try {
      memory = this.#memory(pages);
    } catch {
      throw new GyreError("BAD_ARGUMENT", `this machine does not give ${bytes} bytes of memory`);
    }
    const raw = new WebAssembly.Instance(this.#module, { env: { memory } }).exports as unknown as Functions;
    const functions = this.#checked ? withNamedTraps(raw) : raw;
    layout(functions);
    return new KernelInstance(functions, memory.buffer);
  }
}
