/**
 * The host put together: kernel, zones, clock, sessions, sockets, metrics, all on the caller's thread. This is the clock's
 * caller, and so the one place below the command line that knows real time.
 *
 * A tick: step every zone, publish the snapshots that are due, note how long each took.
 */
import { GyreError } from "./errors.js";
import { loadKernel } from "./kernel/load.js";
import type { Kernel, Zone } from "./kernel/types.js";
import type { MapData } from "./maps/types.js";
import { Hub } from "./net/hub.js";
import { readPages } from "./net/pages.js";
import { type Answer, NetServer } from "./net/server.js";
import { createRegistry } from "./ops/metrics.js";
import { Pauses } from "./ops/pauses.js";
import { TickTimes } from "./ops/ticks.js";
import { drive, Schedule, type Timers } from "./sim/clock.js";
import { Zones } from "./sim/zones.js";

/** Sessions at a time: what one process with one thread may hope to serve. */
const SESSIONS_MAX = 4096;
/** Ticks per second, at most: a millisecond is what timers can do. */
const TICK_RATE_MAX = 1000;
/** Zones of one process; each has its own memory of at least some pages. */
const ZONES_MAX = 1000;
/** Of one zone; together they are less than the 1,048,575 entities that ids can tell apart. */
const NPCS_MAX = 1_000_000;
const BOTS_MAX = 16_384;
const PLAYERS_MAX = 16_384;
/** Entities of all zones, players who may come included; some 100 bytes each. */
const ENTITIES_MAX = 4_000_000;
/** The viewer, beside the built host. */
const VIEWER = new URL("../viewer/", import.meta.url);

export interface ServerOptions {
  map: MapData;
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 picks a free port. Default 7777. */
  port?: number;
  /** How many zones on the map, named zone-0, zone-1, ... Default 1. */
  zones?: number;
  /** Wandering entities in each zone. Default 2,000. */
  npcs?: number;
  /** Simulated players in each zone. Default 8. */
  bots?: number;
  /** Players in each zone, at most. Default 2,048. */
  players?: number;
  /** Ticks per second. Default 60. */
  tickRate?: number;
  /** Snapshots per second, at most tickRate. Default 20. */
  snapshotRate?: number;
  /** Any safe integer. Default 1. */
  seed?: number;
  /** A kernel that is loaded already. Default: loadKernel(). */
  kernel?: Kernel;
}

/** What GET /stats says. Milliseconds are over the last 600 ticks. */
export interface ServerStats {
  tick: number;
  tickP50Ms: number;
  tickP99Ms: number;
  /** Ticks that began when the next was due already. */
  lateTicks: number;
  sessions: number;
  entities: number;
  /** Simulated over real time, over the last second: 1 is real time. */
  slowdown: number;
}

export interface GyreServer {
  /** http://HOST:PORT */
  readonly http: string;
  /** ws://HOST:PORT/ws */
  readonly ws: string;
  readonly kernel: Kernel;
  /** By name, in order. */
  readonly zones: ReadonlyMap<string, Zone>;
  stats(): ServerStats;
  /** Stops the clock, then the sessions, the sockets and the zones. Closing twice is closing once. */
  close(): Promise<void>;
}

/** What {@link createServer} takes where an option is absent. */
export const DEFAULTS = {
  host: "127.0.0.1",
  port: 7777,
  zones: 1,
  npcs: 2000,
  bots: 8,
  players: 2048,
  tickRate: 60,
  snapshotRate: 20,
  seed: 1,
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
 * on which nobody can stand, PORT_IN_USE.
 */
export async function createServer(options: ServerOptions): Promise<GyreServer> {
  const settings = settingsOf(options);
  check(settings);
  const kernel = options.kernel ?? (await loadKernel());
  const zones = await Zones.create(kernel, settings);
  try {
    return await start(kernel, zones, settings);
  } catch (error) {
    zones.close();
    throw error;
  }
}

type Settings = typeof DEFAULTS & ServerOptions;

/** Options with the defaults of what is absent or undefined. */
function settingsOf(options: ServerOptions): Settings {
  if (typeof options !== "object" || options === null || typeof options.map !== "object" || options.map === null) {
    throw new GyreError("BAD_ARGUMENT", "createServer needs options with a map, as loadMap gives one");
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const snapshotRate = Math.min(DEFAULTS.snapshotRate, options.tickRate ?? DEFAULTS.tickRate);
  return { ...DEFAULTS, snapshotRate, ...given, map: options.map };
}

async function start(kernel: Kernel, zones: Zones, settings: Settings): Promise<GyreServer> {
  const { host, tickRate } = settings;
  const hub = new Hub({ ...settings, zones, sessionsMax: SESSIONS_MAX, nowMs: TIMERS.now() });
  const ticks = new TickTimes();
  const pauses = new Pauses();
  const schedule = new Schedule(tickRate);
  const registry = createRegistry({ schedule, ticks, pauses, zones, hub });
  const stats = (): ServerStats => ({
    tick: hub.tick,
    tickP50Ms: round(ticks.quantileMs(0.5)),
    tickP99Ms: round(ticks.quantileMs(0.99)),
    lateTicks: schedule.lateTicks,
    sessions: hub.sessions,
    entities: zones.entities,
    slowdown: round(schedule.slowdown),
  });
  const net = new NetServer({
    hub,
    zones,
    pages: readPages(VIEWER),
    sessionsMax: SESSIONS_MAX,
    answers: {
      "/healthz": () => json({ status: "ok" }),
      "/stats": () => json(stats()),
      "/metrics": async () => ({ type: registry.contentType, body: await registry.metrics() }),
    },
  });
  const port = await net.listen(host, settings.port);

  pauses.start();
  const stopClock = drive(schedule, TIMERS, () => {
    const startMs = TIMERS.now();
    zones.step();
    const steppedMs = TIMERS.now();
    hub.publish(startMs);
    ticks.record(schedule.latenessMs, steppedMs - startMs, TIMERS.now() - steppedMs);
  });

  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    stopClock();
    await net.close();
    pauses.stop();
    zones.close();
  };
  return {
    http: `http://${authority}`,
    ws: `ws://${authority}/ws`,
    kernel,
    zones: new Map(zones.all.map(({ name, zone }) => [name, zone])),
    stats,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** What each whole-number option may be, both ends included. */
export const RANGES = {
  port: [0, 65_535],
  zones: [1, ZONES_MAX],
  npcs: [0, NPCS_MAX],
  bots: [0, BOTS_MAX],
  players: [0, PLAYERS_MAX],
  tickRate: [1, TICK_RATE_MAX],
  snapshotRate: [1, TICK_RATE_MAX],
  seed: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - ZONES_MAX],
} as const;

function check(settings: Settings): void {
  if (typeof settings.host !== "string" || settings.host === "") {
    throw new GyreError("BAD_ARGUMENT", `host is ${JSON.stringify(settings.host)}, not a name or an address`);
  }
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = settings[name as keyof typeof RANGES];
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new GyreError(
        "BAD_ARGUMENT",
        `${name} is ${typeof value === "string" ? JSON.stringify(value) : value}, not a whole number from ${least} to ${most}`,
      );
    }
  }
  const entities = settings.zones * (settings.npcs + settings.bots + settings.players);
  if (entities > ENTITIES_MAX) {
    throw new GyreError(
      "BAD_ARGUMENT",
      `${settings.zones} zones may come to ${entities} entities, of at most ${ENTITIES_MAX}`,
    );
  }
  if (settings.snapshotRate > settings.tickRate) {
    throw new GyreError("BAD_ARGUMENT", `snapshotRate ${settings.snapshotRate} is above tickRate ${settings.tickRate}`);
  }
}

/** To a thousandth. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function json(value: unknown): Answer {
  return { type: "application/json", body: JSON.stringify(value) };
}
