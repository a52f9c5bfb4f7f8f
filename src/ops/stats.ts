/** GET /stats: the few numbers that a page shows, read when somebody asks. */
import { GyreError } from "../errors.js";
import type { RoomTable } from "../net/rooms.js";
import type { Venues } from "../sim/venue.js";
import type { ThreadStats } from "../sync/meter.js";
import type { Sources, ZoneRuns } from "./metrics.js";

/** Milliseconds are over the last 600 ticks. */
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
  /** The threads, the main one first. */
  workers: WorkerStats[];
  /** Of the zone that was asked for. */
  zone?: ZoneCost;
  /** By template, in a game with rooms. */
  rooms?: Record<string, RoomStats>;
}

export interface RoomStats {
  open: number;
  closed: number;
  /** Because their game failed. */
  stopped: number;
  /** In all of them, those included who wait to enter. */
  players: number;
  /** Since the server began: rooms that were opened, players who were given a seat, joins that found none. */
  opened: number;
  placed: number;
  refused: number;
}

export interface WorkerStats {
  /** main, sim-0, sim-1, ... */
  name: string;
  /** Busy over real time, over the last second, 0 to 1. */
  utilisation: number;
  /** Of its work in a tick, 99th percentile. The main thread's is publishing where others simulate. */
  tickP99Ms: number;
  /** From when a tick was due to when it began it, 99th percentile. */
  wakeP99Ms: number;
  /** Steps of zones that it took over from other threads. */
  steals: number;
  /** Of its spins before sleep, the share that spared the sleep, 0 to 1; null when it did not spin. */
  spinSuccess: number | null;
}

export interface ZoneCost {
  name: string;
  /** The thread where it is at home. */
  worker: string;
  /** Milliseconds of one of its ticks, averaged over the last few; 0 while it sleeps. */
  costMs: number;
  /** Commands that wait for its next tick. */
  commands: number;
  /** Times that it failed, or its thread at it, and that it was taken up again after. */
  failures: number;
  restarts: number;
}

/** zone: a name. Throws ZONE_UNKNOWN. */
export function readStats({ hub, ticks, schedule, zones, runs, threads }: Sources, zone?: string): ServerStats {
  const stats: ServerStats = {
    tick: hub.tick,
    tickP50Ms: round(ticks.quantileMs(0.5)),
    tickP99Ms: round(ticks.quantileMs(0.99)),
    lateTicks: schedule.lateTicks,
    sessions: hub.sessions,
    entities: zones.entities,
    slowdown: round(schedule.slowdown),
    workers: threads.map(workerOf),
  };
  if (zone !== undefined) stats.zone = costOf(zones, runs, zone);
  if (hub.rooms !== null)
    stats.rooms = Object.fromEntries(hub.rooms.tables.map((table) => [table.name, roomsOf(table)]));
  return stats;
}

function workerOf({ name, meter }: ThreadStats): WorkerStats {
  const spins = meter.read("spins");
  return {
    name,
    utilisation: round(meter.read("utilisation")),
    tickP99Ms: round(meter.recentTickMs.quantile(0.99)),
    wakeP99Ms: round(meter.recentWakeMs.quantile(0.99)),
    steals: meter.read("steals"),
    spinSuccess: spins === 0 ? null : round(meter.read("spinsPaid") / spins),
  };
}

function roomsOf({ open, closed, stopped, players, opened, placed, refused }: RoomTable): RoomStats {
  return { open, closed, stopped, players, opened, placed, refused };
}

function costOf({ all }: Venues, runs: ZoneRuns, name: string): ZoneCost {
  const zone = all.findIndex((venue) => venue.name === name);
  const venue = all[zone];
  if (venue === undefined) throw new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(name)}`);
  const home = runs.home(zone);
  return {
    name,
    worker: home < 0 ? "main" : `sim-${home}`,
    costMs: round(runs.costUs(zone) / 1000),
    commands: venue.figures().pending,
    failures: runs.failures(zone),
    restarts: runs.restarts(zone),
  };
}

/** To a thousandth. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
