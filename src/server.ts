/**
 * The host put together: game, kernel, zones, clock, sessions, sockets, metrics. This is the clock's caller, and so the one place below the
 * command line that knows real time. A zone whose game fails stops alone; the server tells so, and goes on.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type ErrorCode, GyreError } from "./errors.js";
import { type Game, hasHooks, isGame, PLAYERS_MAX, TICK_RATE_MAX, ZONES_MAX } from "./game/define.js";
import { type GamePlan, type PlanOptions, planGame } from "./game/plan.js";
import { localSimulation } from "./host/local.js";
import type { MakeRecording, Simulation, SimulationEvents } from "./host/simulation.js";
import { threadedSimulation } from "./host/threaded.js";
import { HALF_SIZE } from "./kernel/archetypes.js";
import { loadKernel } from "./kernel/load.js";
import type { Kernel, KernelOptions, Zone } from "./kernel/types.js";
import type { MapData } from "./maps/types.js";
import { Hub, SNAPSHOT_BYTES } from "./net/hub.js";
import { readPages } from "./net/pages.js";
import type { Answer } from "./net/server.js";
import { FORMATS, type Format } from "./net/session.js";
import { CLOSE_TRY_LATER } from "./net/wire.js";
import { Collections } from "./ops/collections.js";
import { expose } from "./ops/exposition.js";
import { isInspected, TickGuard } from "./ops/guard.js";
import { Loop } from "./ops/loop.js";
import { profileThread } from "./ops/profile.js";
import { Recording, type RecordOptions } from "./ops/recording.js";
import { readStats, type ServerStats } from "./ops/stats.js";
import type { KindInfo } from "./protocol/control.js";
import { RADIUS_MAX, STREAM_PLAN } from "./protocol/view.js";
import type { Timers } from "./sim/clock.js";
import { Meter } from "./sync/meter.js";
import type { Spin } from "./sync/waiter.js";
import { isInCrew, WATCHDOG_MS } from "./threads/crew.js";

/** Sessions at a time: what one process with one thread may hope to serve. */
const SESSIONS_MAX = 4096;
/** Of one zone; together they are less than the 1,048,575 entities that ids can tell apart. */
const NPCS_MAX = 1_000_000;
const BOTS_MAX = 16_384;
/** Threads that simulate: more than this have cores of their own nowhere. */
const THREADS_MAX = 64;
/** Milliseconds: a thread that waits for its core is not to be taken for one that hangs. */
const WATCHDOG_MS_MIN = 50;
/** Of a tick's time, what may go into writing snapshots, of a thread that has sockets alone, and of one that steps the zones too. */
const SERVE_SHARE = 0.8;
const SERVE_SHARE_ALONE = 0.5;
/** Of these "auto" takes no more: what a server with so many busy threads needs next is another process. */
const THREADS_AUTO_MAX = 8;
/** Entities of all zones, players who may come included; some 100 bytes each. */
const ENTITIES_MAX = 4_000_000;
/** The viewer and the demo, beside the built host. */
const VIEWER = new URL("../viewer/", import.meta.url);
export const DEMO = new URL("../js/arena.js", import.meta.url);

export interface ServerOptions {
  /** What defineGame returned. Default: the demo, an arena. */
  game?: Game;
  /** As loadMap gives one. Default: the game's. */
  map?: MapData;
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 picks a free port. Default 7777. */
  port?: number;
  /**
   * How many zones on the map, named zone-0, zone-1, ... Default: the game's, else 1. In a game with rooms: of all templates together; those that
   * the others leave are the first one's.
   */
  zones?: number;
  /** Entities in each zone that nobody plays, as far as the game follows it. Default 2,000. */
  npcs?: number;
  /** Simulated players in each zone. Default 8 in the demo, 0 in other games. */
  bots?: number;
  /** Players in each zone, at most. Default: the game's, else 2,048. Not for a game with rooms, which says maxPlayers. */
  players?: number;
  /** Ticks per second. Default: the game's, else 60. */
  tickRate?: number;
  /** Snapshots per second, at most tickRate. Default: the game's, else 20. */
  snapshotRate?: number;
  /**
   * Cells around a player's own that it is told of, on each side: at the snapshot rate up to viewRadius, default 1, at most 15; at nearRate those
   * up to nearRadius, default -1, none; at farRate those beyond the view up to farRadius, default none.
   */
  viewRadius?: number;
  nearRadius?: number;
  farRadius?: number;
  /** Snapshots per second of cells that are near and far, at most tickRate. Default 30 and 5. */
  nearRate?: number;
  farRate?: number;
  /** Snapshots between two hashes of a cell, by which a client sees that it was told something wrong, and repairs it. Default 64. */
  hashEvery?: number;
  /** What snapshots are for a connection that asks for neither. Default "binary". */
  format?: Format;
  /** Bytes of one snapshot of a player; what does not fit comes with the next ones. Default 8,192, at least 256. */
  snapshotBytes?: number;
  /** Any safe integer. Default 1. */
  seed?: number;
  /**
   * Threads that simulate, while the caller's has the sockets; at most 64. "auto": as many as cores are left over, and zones can use. The game
   * must be the default export of a module of its own then, which each thread loads. Default 0: all on the caller's thread.
   */
  threads?: number | "auto";
  /** Whether these threads look for work for some microseconds before they sleep, where cores are free. Default "auto". */
  spin?: Spin;
  /** Milliseconds after which a thread that stands still is replaced, at least 50; Infinity for never. Default 500. */
  watchdogMs?: number;
  /** A kernel that is loaded already. Default: the game's, else loadKernel(). */
  kernel?: Kernel;
  /** Where a recording goes; see `gyre replay`. Default: none is made. */
  record?: RecordOptions;
  /** Hears what a log should hold. */
  onEvent?: (event: ServerEvent) => void;
}

/** What happened to a server. It goes on. */
export type ServerEvent =
  | {
      /** Its game failed, or its kernel. Players are told ZONE_STOPPED; the other zones go on. */
      readonly event: "zone-stopped";
      readonly zone: string;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly event: "recording-stopped"; readonly message: string }
  | {
      /** What the zone keeps beside its columns is not plain, or too much: it goes on, and stops for good when it fails. */
      readonly event: "journal-lost";
      readonly zone: string;
      readonly message: string;
    }
  | {
      /** Something failed in a game outside of all hooks, on a thread that simulates. It stops nothing. */
      readonly event: "stray-error";
      readonly message: string;
    }
  | {
      /** A thread ended, or stood still: another takes its zones up where they were. zone: the one that it was at; "" for none. */
      readonly event: "thread-restarted";
      readonly thread: string;
      readonly zone: string;
      readonly message: string;
    };

export interface GyreServer {
  /** http://HOST:PORT */
  readonly http: string;
  /** ws://HOST:PORT/ws */
  readonly ws: string;
  readonly kernel: Kernel;
  /** The game's name. */
  readonly game: string;
  readonly tickRate: number;
  /** Threads that simulate; 0 when the caller's does. */
  readonly threads: number;
  readonly zoneNames: readonly string[];
  /**
   * By name, in order. With threads they are views of what others step: what is read may be in the middle of a tick, and nothing may be changed;
   * a game's own kernel that is built without shared memory has none.
   */
  readonly zones: ReadonlyMap<string, Zone>;
  /** zone: the name of one that is told of besides. Throws ZONE_UNKNOWN. */
  stats(zone?: string): ServerStats;
  /** {@link GyreServer.shutdown} without force. */
  close(): Promise<void>;
  /**
   * Stops the clock, ends the recording, then the sessions, the sockets and the zones. Clients are told 1001, and have 3 s to say goodbye. With
   * force all rooms and sessions end at once: nobody is told, sockets are destroyed, a recording ends where it is; 500 rooms of 5 players in half a
   * second. Twice is once; with force while it goes on, it is not waited for anybody any more.
   */
  shutdown(options?: { force?: boolean }): Promise<void>;
}

/** What {@link createServer} takes where an option is absent and the game says nothing. */
export const DEFAULTS = {
  host: "127.0.0.1",
  port: 7777,
  npcs: 2000,
  bots: 0,
  demoBots: 8,
};

const TIMERS: Timers = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout | undefined),
  setImmediate: (callback) => setImmediate(callback),
  clearImmediate: (handle) => clearImmediate(handle as NodeJS.Immediate | undefined),
};

/**
 * Starts a server: resolves when it listens and ticks. Throws BAD_ARGUMENT for an option outside its range, MAP_BAD for a map
 * on which nobody can stand, GAME_FAILED for a game that cannot set its zones up, PORT_IN_USE.
 */
export async function createServer(options: ServerOptions = {}): Promise<GyreServer> {
  const given = checked(options);
  if (isInCrew()) {
    throw new GyreError(
      "GAME_BAD",
      "a thread that loads the game starts a server: a game for threads has a module of its own",
    );
  }
  profileThread("main");
  const outside = loadOutside();
  const game = given.game ?? (await loadDemo());
  // The demo is ours, and comes to an end: it needs no watch.
  const watch = options.game === undefined ? null : new TickGuard(TIMERS.now);
  const plan = await planGame(game, { ...wishesOf(given), guard: watch });
  checkEntities(plan);
  const threads = threadsOf(given, plan);
  // Zones on several threads lie in shared memory; a game's own kernel was built one way or the other.
  const build: KernelOptions = plan.kernel === undefined ? { shared: threads > 0 } : { module: plan.kernel };
  const kernel = given.kernel ?? (await loadKernel(build));
  const meter = new Meter();
  const record = given.record === undefined ? null : recorderOf(given, given.record, plan, kernel);
  const shared = { plan, kernel, timers: TIMERS, meter, events: eventsOf(given), record };
  const { spin = "auto", watchdogMs = WATCHDOG_MS } = given;
  const simulation =
    threads > 0
      ? await threadedSimulation({
          ...shared,
          game,
          file: given.game === undefined ? fileURLToPath(DEMO) : game.file,
          threads,
          spin,
          watchdogMs: isInspected() ? Infinity : watchdogMs,
        })
      : localSimulation({ ...shared, guard: hasHooks(game) ? watch : null });
  try {
    return await start({ options: given, game, plan, meter, simulation, recording: simulation.recording, outside });
  } catch (error) {
    await simulation.stop();
    simulation.close();
    throw error;
  }
}

function threadsOf({ threads = 0 }: ServerOptions, { settings: { zones } }: GamePlan): number {
  if (threads !== "auto") return threads;
  return Math.min(zones, Math.max(1, availableParallelism() - 1), THREADS_AUTO_MAX);
}

/** What a server is made of before it listens. */
interface Parts {
  readonly options: ServerOptions;
  readonly game: Game;
  readonly plan: GamePlan;
  /** The main thread's. */
  readonly meter: Meter;
  readonly simulation: Simulation;
  readonly recording: Recording | null;
  readonly outside: ReturnType<typeof loadOutside>;
}

/** What brings packages along. Each thread that simulates loads its game, and with it this module, but not these: nor does a refused command line. */
function loadOutside() {
  return Promise.all([import("./net/server.js"), import("./ops/metrics.js")]);
}

async function start({ options, game, plan, meter, simulation, recording, outside }: Parts): Promise<GyreServer> {
  const [{ NetServer }, { createRegistry }] = await outside;
  const { host = DEFAULTS.host, port: wanted = DEFAULTS.port, format } = options;
  const { tickRate, snapshotRate, settings } = plan;
  const { seed } = settings;
  const { venues, schedule, ticks, threads, runs } = simulation;
  const kinds = kindsOf(game);
  const { nearRate, farRate, world } = plan;
  const { streams = STREAM_PLAN } = world;
  const { snapshotBytes = SNAPSHOT_BYTES } = options;
  const rates = { tickRate, snapshotRate, nearRate, farRate };
  const share = threads.length > 1 ? SERVE_SHARE : SERVE_SHARE_ALONE;
  const hub = new Hub({
    ...{ zones: venues, ...rates, kinds, streams, snapshotBytes, seed, sessionsMax: SESSIONS_MAX },
    ...{ nowMs: TIMERS.now(), now: TIMERS.now, serveMsMax: (share * 1000) / tickRate },
  });
  const loop = new Loop(meter);
  const collections = new Collections(meter);
  const sources = { schedule, ticks, threads, loop, zones: venues, runs, hub, recording };
  const registry = createRegistry(sources);
  const stats = (zone?: string): ServerStats => readStats(sources, zone);
  const net = new NetServer({
    hub,
    zones: venues,
    pages: readPages(VIEWER),
    sessionsMax: SESSIONS_MAX,
    format,
    poke: () => simulation.poke(),
    answers: {
      "/healthz": () => json({ status: "ok" }),
      "/stats": (query) => json(stats(query.get("zone") ?? undefined)),
      "/metrics": async (query) => {
        const isWanted = (name: string): boolean => query.get("zones") !== "0" || !name.startsWith("gyre_zone_");
        return { type: registry.contentType, body: await expose(registry, isWanted) };
      },
    },
  });
  const port = await net.listen(host, wanted);

  collections.start();
  loop.start(TIMERS.now());
  simulation.start({
    publish(nowMs) {
      hub.publish(nowMs);
      loop.look(TIMERS.now());
    },
    tellsLost: (count) => {
      hub.counters.eventsDropped += count;
    },
    overrun: () => hub.close(CLOSE_TRY_LATER, "the server was held up"),
  });

  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  let closing: Promise<void> | null = null;
  const end = async (force: boolean): Promise<void> => {
    // Who is told that the server stops gets no more of it.
    const dropped = force ? net.close(true) : null;
    await simulation.stop(force);
    await (dropped ?? net.close());
    collections.stop();
    loop.stop();
    simulation.close();
  };
  const shutdown = ({ force = false } = {}): Promise<void> => {
    if (closing === null) closing = end(force);
    else if (force) void net.close(true);
    return closing;
  };
  return {
    http: `http://${authority}`,
    ws: `ws://${authority}/ws`,
    kernel: simulation.kernel,
    game: plan.name,
    tickRate,
    threads: threads.length - 1,
    zoneNames: venues.all.map(({ name }) => name),
    zones: simulation.zones,
    stats,
    close: () => shutdown(),
    shutdown,
  };
}

/** What the simulation tells, as the server's events. */
function eventsOf({ onEvent }: ServerOptions): SimulationEvents {
  return {
    stray: (message) => onEvent?.({ event: "stray-error", message }),
    zoneUnkept: (zone, message) => onEvent?.({ event: "journal-lost", zone, message }),
    threadFailed: ({ thread, zone, message }) => onEvent?.({ event: "thread-restarted", thread, zone, message }),
    zoneStopped({ name, fault }) {
      if (fault !== null) onEvent?.({ event: "zone-stopped", zone: name, code: fault.code, message: fault.message });
    },
  };
}

/** The game that is served where there is none. */
export async function loadDemo(): Promise<Game> {
  const { default: game }: { default: Game } = await import(DEMO.href);
  return game;
}

/** What clients are told of the game's archetypes. */
function kindsOf({ definition }: Game): KindInfo[] {
  return Object.entries(definition.archetypes ?? {}).map(([name, archetype]) => {
    const { hp = 0, levelHp = 0, halfSize = HALF_SIZE } = archetype;
    return { name, hp, levelHp, halfSize };
  });
}

/** What each whole-number option may be, both ends included. */
export const RANGES = {
  port: [0, 65_535],
  threads: [0, THREADS_MAX],
  zones: [1, ZONES_MAX],
  npcs: [0, NPCS_MAX],
  bots: [0, BOTS_MAX],
  players: [0, PLAYERS_MAX],
  tickRate: [1, TICK_RATE_MAX],
  snapshotRate: [1, TICK_RATE_MAX],
  nearRate: [1, TICK_RATE_MAX],
  farRate: [1, TICK_RATE_MAX],
  nearRadius: [-1, RADIUS_MAX],
  viewRadius: [0, RADIUS_MAX],
  farRadius: [0, RADIUS_MAX],
  hashEvery: [1, 2 ** 31 - 1],
  snapshotBytes: [256, 1024 * 1024],
  seed: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - ZONES_MAX],
} as const;

/** The options without those that are undefined. Throws BAD_ARGUMENT. */
function checked(options: ServerOptions): ServerOptions {
  if (typeof options !== "object" || options === null) throw bad(`options are ${String(options)}, not an object`);
  const given: ServerOptions = present(options);
  const { host, map, game } = given;
  if (host !== undefined && (typeof host !== "string" || host === "")) {
    throw bad(`host is ${JSON.stringify(host)}, not a name or an address`);
  }
  if (map !== undefined && (typeof map !== "object" || map === null)) throw bad("map is no map, as loadMap gives one");
  if (game !== undefined && !isGame(game)) throw bad("game is none, as defineGame gives one");
  const { spin = "auto", watchdogMs = WATCHDOG_MS, format } = given;
  if (spin !== "auto" && spin !== "off") throw bad(`spin is ${JSON.stringify(spin)}, neither "auto" nor "off"`);
  if (format !== undefined && !FORMATS.includes(format)) {
    throw bad(`format is ${JSON.stringify(format)}, neither "binary" nor "json"`);
  }
  if (typeof watchdogMs !== "number" || !(watchdogMs >= WATCHDOG_MS_MIN)) {
    throw bad(`watchdogMs is ${JSON.stringify(watchdogMs)}, not a number from ${WATCHDOG_MS_MIN} on`);
  }
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = given[name as keyof typeof RANGES];
    if (value === undefined || (name === "threads" && value === "auto")) continue;
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) continue;
    const shown = typeof value === "string" ? JSON.stringify(value) : value;
    throw bad(`${name} is ${shown}, not a whole number from ${least} to ${most}`);
  }
  return given;
}

/** Throws BAD_ARGUMENT when all zones together may hold more than one process should. */
function checkEntities({ settings: { zones }, templates, world }: GamePlan): void {
  const ofRooms = templates.reduce((sum, { instances, zone }) => sum + instances * (zone.capacity ?? 0), 0);
  const entities = templates.length > 0 ? ofRooms : zones * (world.zone.capacity ?? 0);
  if (entities > ENTITIES_MAX) throw bad(`${zones} zones may come to ${entities} entities, of at most ${ENTITIES_MAX}`);
}

/** What wins over the game's own. */
function wishesOf(given: ServerOptions): PlanOptions {
  const { npcs = DEFAULTS.npcs, bots = given.game === undefined ? DEFAULTS.demoBots : DEFAULTS.bots } = given;
  const { zones, players, seed, map, tickRate, snapshotRate, nearRate, farRate } = given;
  const { nearRadius, viewRadius, farRadius, hashEvery } = given;
  const streams = present({ nearRadius, viewRadius, farRadius, hashEvery });
  const settings = { npcs, bots, zones, players, seed };
  return present({ settings: present(settings), map, tickRate, snapshotRate, nearRate, farRate, streams });
}

/** Without what is undefined. */
function present<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof present<T>
  >;
}

function recorderOf({ onEvent }: ServerOptions, options: RecordOptions, plan: GamePlan, kernel: Kernel): MakeRecording {
  return (sourceOf) =>
    new Recording({ options, plan, kernel, sourceOf }, (why) =>
      onEvent?.({ event: "recording-stopped", message: `the recording ended: ${why}` }),
    );
}

function bad(message: string): GyreError {
  return new GyreError("BAD_ARGUMENT", message);
}

function json(value: unknown): Answer {
  return { type: "application/json", body: JSON.stringify(value) };
}
