/**
 * /metrics: everything the server counts, in Prometheus' text format. The counts are plain numbers and typed arrays kept
 * where things happen; this file only says what they are called. They are read when somebody asks, so an unread metric
 * costs nothing.
 */
import { Registry } from "prom-client";
import type { Hub } from "../net/hub.js";
import type { RoomTable } from "../net/rooms.js";
import type { Schedule } from "../sim/clock.js";
import type { PoolStats } from "../sim/pool.js";
import type { TickTimes } from "../sim/ticks.js";
import type { Figures, Venue, Venues } from "../sim/venue.js";
import type { Histogram } from "../sync/histogram.js";
import type { Reading, ThreadStats } from "../sync/meter.js";
import { counter, counterBy, counterByCode, gauge, gaugeBy, histogram, histogramBy, reasonBy } from "./exposition.js";
import type { Loop } from "./loop.js";
import type { Recording } from "./recording.js";

export interface Sources {
  readonly schedule: Pace;
  readonly ticks: TickTimes;
  /** The main thread first. */
  readonly threads: readonly ThreadStats[];
  readonly loop: Loop;
  readonly zones: Venues;
  readonly runs: ZoneRuns;
  readonly hub: Hub;
  readonly recording: Recording | null;
}

/** How the clock fares; a {@link Schedule} tells it. */
export type Pace = Readonly<Pick<Schedule, "ticks" | "lateTicks" | "skippedTicks" | "slowdown">>;

/** Who runs the zones, by index. */
export interface ZoneRuns {
  /** Microseconds of one of its ticks, averaged over the last few. */
  costUs(zone: number): number;
  /** The slot of the thread where it is at home; -1 for the main thread. */
  home(zone: number): number;
  /** Times that its game failed or its thread while it was at it, and that it was taken up again after. */
  failures(zone: number): number;
  restarts(zone: number): number;
}

export function createRegistry(sources: Sources): Registry {
  const { zones, threads, hub, recording } = sources;
  const registry = new Registry();
  describeTicks(registry, sources);
  describeThreads(registry, threads);
  describeZones(registry, zones, sources.runs);
  describeRings(registry, zones);
  if (hub.rooms !== null) describeRooms(registry, hub.rooms.tables);
  describeSessions(registry, hub);
  describePools(registry, hub.pools);
  if (recording !== null) describeRecording(registry, recording);
  describeProcess(registry, sources.loop);
  return registry;
}

function describeTicks(registry: Registry, { schedule, ticks }: Sources): void {
  histogram(registry, "gyre_tick_seconds", "Duration of a tick; with --threads 0, publishing included", ticks.tickMs);
  histogram(registry, "gyre_publish_seconds", "Duration of snapshots and writes to sockets in a tick", ticks.publishMs);
  histogram(registry, "gyre_tick_lateness_seconds", "From when a tick was due to its start", ticks.latenessMs);
  counter(registry, "gyre_ticks_total", "Ticks simulated", () => schedule.ticks);
  counter(registry, "gyre_late_ticks_total", "Ticks begun when the next was due", () => schedule.lateTicks);
  counter(registry, "gyre_skipped_ticks_total", "Ticks never simulated", () => schedule.skippedTicks);
  gauge(registry, "gyre_slowdown_ratio", "Simulated over real time, last second", () => schedule.slowdown);
}

function describeThreads(registry: Registry, threads: readonly ThreadStats[]): void {
  const by = (name: string, help: string, read: (thread: ThreadStats) => number): void =>
    gaugeBy(registry, "thread", name, help, threads, read);
  const count = (name: string, help: string, reading: Reading): void =>
    counterBy(registry, "thread", name, help, threads, ({ meter }) => meter.read(reading));
  const times = (name: string, help: string, read: (thread: ThreadStats) => Histogram): void =>
    histogramBy(registry, "thread", name, help, threads, read);
  by("gyre_thread_utilisation_ratio", "Busy over real time, last second", ({ meter }) => meter.read("utilisation"));
  counterBy(registry, "thread", "gyre_thread_busy_seconds_total", "Time that it was busy", threads, ({ meter }) => {
    return meter.read("busyMs") / 1000;
  });
  times("gyre_thread_tick_seconds", "Work of the thread in a tick", ({ meter }) => meter.tickMs);
  times(
    "gyre_thread_wakeup_seconds",
    "From when a tick was due to when the thread began it",
    ({ meter }) => meter.wakeMs,
  );
  count("gyre_thread_steals_total", "Steps of zones that are at home on another thread", "steals");
  count("gyre_thread_spins_total", "Times that it spun before it slept", "spins");
  count("gyre_thread_spins_paid_total", "Of those, times that it needed no sleep", "spinsPaid");
  count("gyre_thread_restarts_total", "Threads that took its place because it failed", "restarts");
  by("gyre_thread_request_bytes", "Bytes that wait for the thread to read them", ({ requestBytes }) => requestBytes);
  by("gyre_thread_notice_bytes", "Bytes of the thread that wait for the main thread", ({ noticeBytes }) => noticeBytes);
  times("gyre_gc_pause_seconds", "Pauses of the garbage collector", ({ meter }) => meter.gcMs);
  by("gyre_gc_pause_max_seconds", "The longest of them", ({ meter }) => meter.gcMs.max / 1000);
  count("gyre_gc_idle_total", "Collections on purpose, with --expose-gc", "idleCollections");
  by("gyre_heap_bytes", "Used JavaScript heap, as of the last second", ({ meter }) => meter.read("heapBytes"));
}

/** A line for each zone, of which a process has at most a thousand. */
function describeZones(registry: Registry, zones: Venues, runs: ZoneRuns): void {
  gauge(registry, "gyre_zones", "Zones", () => zones.all.length);
  gauge(registry, "gyre_zones_awake", "Zones that tick", () => zones.awake);
  gauge(registry, "gyre_zones_asleep", "Zones that nobody is in or looks at", () => zones.asleep);
  gauge(registry, "gyre_zones_stopped", "Zones that stopped, because their game failed", () => zones.stopped);
  counter(registry, "gyre_transfers_total", "Entities that went through a gate", () => zones.transfers);
  counter(registry, "gyre_transfers_refused_total", "Entities refused at a gate", () => zones.transfersRefused);
  gauge(registry, "gyre_entities", "Entities in all zones", () => zones.entities);
  gauge(registry, "gyre_players", "Players in all zones, bots aside", () => zones.players);
  const byZone = (name: string, help: string, read: (venue: Venue, index: number) => number): void =>
    gaugeBy(registry, "zone", name, help, zones.all, read);
  const figureOf = (name: string, help: string, figure: keyof Figures): void =>
    byZone(name, help, (venue) => venue.figures()[figure]);
  byZone("gyre_zone_stopped", "1 for a zone that stopped", ({ fault }) => (fault === null ? 0 : 1));
  reasonBy(registry, "zone", "gyre_zone_stopped_reason", "1 for a zone that stopped, with why", zones.all, (venue) => {
    return venue.fault?.message ?? "";
  });
  byZone("gyre_zone_cost_seconds", "Time of one of its ticks, averaged over the last few", (_, zone) => {
    return runs.costUs(zone) / 1e6;
  });
  byZone("gyre_zone_home", "N for a zone at home on the thread sim-N, -1 for main", (_, zone) => runs.home(zone));
  byZone("gyre_zone_failures", "Times that it failed, or its thread at it", (_, zone) => runs.failures(zone));
  byZone("gyre_zone_restarts", "Times that it was taken up again after", (_, zone) => runs.restarts(zone));
  figureOf("gyre_zone_commands", "Commands that wait for its next tick", "pending");
  byZone("gyre_zone_entities_capacity", "Entity slots that there are", ({ extent }) => extent.capacity);
  figureOf("gyre_zone_players", "Players in the zone, bots aside", "players");
  figureOf("gyre_zone_entities", "Entity slots in use", "entities");
  figureOf("gyre_zone_entities_high_water", "Entity slots that were ever in use", "entitiesHighWater");
  figureOf(
    "gyre_zone_entities_refused",
    "Times that no entity slot was left, or none but the players'",
    "entitiesRefused",
  );
  figureOf("gyre_zone_path_requests", "Requests for paths, and answers, that wait", "pathRequests");
  figureOf("gyre_zone_path_requests_capacity", "Such that may wait at a time", "pathRequestsMax");
  figureOf("gyre_zone_path_requests_high_water", "Most that ever waited", "pathRequestsHighWater");
  figureOf("gyre_zone_path_requests_refused", "Requests for paths that found no room", "pathRequestsRefused");
}

function describeRooms(registry: Registry, tables: readonly RoomTable[]): void {
  const by = (name: string, help: string, read: (table: RoomTable) => number): void =>
    gaugeBy(registry, "template", name, help, tables, read);
  const count = (name: string, help: string, read: (table: RoomTable) => number): void =>
    counterBy(registry, "template", name, help, tables, read);
  by("gyre_rooms_open", "Rooms that are open", ({ open }) => open);
  by("gyre_rooms_closed", "Rooms that wait to be opened", ({ closed }) => closed);
  by("gyre_rooms_stopped", "Rooms that stopped, because their game failed", ({ stopped }) => stopped);
  by("gyre_rooms_players", "Players who have a seat in a room, or wait for one", ({ players }) => players);
  count("gyre_rooms_opened_total", "Times that a room was opened", ({ opened }) => opened);
  count("gyre_rooms_placed_total", "Players who were given a seat", ({ placed }) => placed);
  count("gyre_rooms_refused_total", "Joins that found no seat", ({ refused }) => refused);
}

function describeRings(registry: Registry, zones: Venues): void {
  const sum = (figure: keyof Figures): number => {
    let total = 0;
    for (const venue of zones.all) total += venue.figures()[figure];
    return total;
  };
  const policies = [
    { name: "drop-oldest", figure: "eventsDroppedOldest" },
    { name: "drop-low", figure: "eventsDroppedLow" },
    { name: "refuse", figure: "eventsRefused" },
  ] as const;
  const help = "Events of zones that found no room, by what happened to them";
  counterBy(registry, "policy", "gyre_events_lost_total", help, policies, ({ figure }) => sum(figure));
  const commands = (): number => sum("commandsRefused");
  counter(registry, "gyre_commands_refused_total", "Commands that found no room in their zone", commands);
}

function describePools(registry: Registry, pools: readonly PoolStats[]): void {
  const byPool = (name: string, help: string, read: (pool: PoolStats) => number): void =>
    gaugeBy(registry, "pool", name, help, pools, read);
  byPool("gyre_pool_capacity", "Objects that may be out at a time", ({ capacity }) => capacity);
  byPool("gyre_pool_created", "Objects that exist, made ahead or when needed first", ({ created }) => created);
  byPool("gyre_pool_in_use", "Objects that are out", ({ inUse }) => inUse);
  byPool("gyre_pool_high_water", "Most objects that ever were out at a time", ({ highWater }) => highWater);
  byPool("gyre_pool_failed_acquires", "Times that nothing was left", ({ failedAcquires }) => failedAcquires);
}

function describeRecording(registry: Registry, recording: Recording): void {
  counter(registry, "gyre_recording_bytes_total", "Bytes of the recording", () => recording.bytes);
  gauge(registry, "gyre_recording", "1 while the recording goes on", () => (recording.isOpen ? 1 : 0));
}

function describeSessions(registry: Registry, hub: Hub): void {
  const { counters } = hub;
  const { resumption } = hub;
  gauge(registry, "gyre_sessions", "Open sessions", () => hub.sessions);
  gauge(registry, "gyre_sessions_detached", "Those that lost their connection", () => resumption.count);
  counter(registry, "gyre_sessions_resumed_total", "Resumed on another connection", () => resumption.resumed);
  counter(registry, "gyre_sessions_expired_total", "Lost, and ended without", () => resumption.expired);
  gauge(registry, "gyre_session_queued_bytes", "Bytes that sockets have not taken", () => hub.queuedBytes.sum);
  gauge(registry, "gyre_session_queued_bytes_max", "Of one session, at most", () => hub.queuedBytes.max);
  gauge(registry, "gyre_joins_waiting", "Joins that wait for their turn", () => hub.admission.waiting);
  counter(registry, "gyre_sessions_opened_total", "Sessions opened", () => counters.sessionsOpened);
  counter(registry, "gyre_sessions_vanished_total", "Sessions that stopped answering", () => counters.vanished);
  counter(registry, "gyre_messages_in_total", "Text messages received", () => counters.messagesIn);
  counter(registry, "gyre_bytes_in_total", "Payload bytes received", () => counters.bytesIn);
  counter(registry, "gyre_bytes_out_total", "Payload bytes sent", () => counters.bytesOut);
  counter(registry, "gyre_snapshots_sent_total", "Snapshots sent", () => counters.snapshotsSent);
  counter(
    registry,
    "gyre_snapshots_skipped_total",
    "Snapshots withheld from slow sessions",
    () => counters.snapshotsSkipped,
  );
  const { tally } = counters;
  const parts = ["near", "normal", "far", "head"].map((name, i) => {
    return { name, bytes: () => tally.blockBytes[i] ?? tally.headBytes };
  });
  counterBy(registry, "part", "gyre_snapshot_bytes_total", "Bytes of snapshots", parts, ({ bytes }) => bytes());
  counter(
    registry,
    "gyre_snapshots_overtaken_total",
    "Frames given up because the snapshot was written over",
    () => counters.snapshotsOvertaken,
  );
  counter(registry, "gyre_cells_repaired_total", "Cells that a client found to differ", () => counters.repairs);
  counter(registry, "gyre_tells_sent_total", "Events of games sent to players", () => counters.eventsSent);
  counter(
    registry,
    "gyre_tells_dropped_total",
    "Events of games that sessions had no room for",
    () => counters.eventsDropped,
  );
  counter(registry, "gyre_state_sent_total", "Messages of state trees sent", () => counters.stateSent);
  counter(
    registry,
    "gyre_state_resyncs_total",
    "Sessions that had missed some of a state tree, and were told all of it",
    () => counters.stateResyncs,
  );
  counterByCode(registry, "gyre_refused_total", "Messages and upgrades refused, by error code", counters.refused);
  counterByCode(registry, "gyre_sessions_closed_total", "Sessions closed for cause, by close code", counters.closed);
}

function describeProcess(registry: Registry, loop: Loop): void {
  gauge(registry, "gyre_loop_delay_p50_seconds", "Delay of the event loop, median", () => loop.delayMs(50) / 1000);
  gauge(registry, "gyre_loop_delay_p99_seconds", "The same, 99th percentile", () => loop.delayMs(99) / 1000);
  counter(registry, "process_cpu_seconds_total", "Processor time of all threads, the system's for it included", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge(registry, "gyre_resident_bytes", "Memory of the process", () => process.memoryUsage.rss());
}
