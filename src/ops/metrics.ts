/**
 * /metrics: everything the server counts, in Prometheus' text format. The counts are plain numbers and typed arrays kept
 * where things happen; this file only says what they are called. They are read when somebody asks, so an unread metric
 * costs nothing.
 */
import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { Hub } from "../net/hub.js";
import type { Schedule } from "../sim/clock.js";
import type { PoolStats } from "../sim/pool.js";
import type { Figures, Venue, Venues } from "../sim/venue.js";
import type { Histogram } from "./histogram.js";
import type { Pauses } from "./pauses.js";
import type { Recording } from "./recording.js";
import type { TickTimes } from "./ticks.js";

export interface Sources {
  readonly schedule: Schedule;
  readonly ticks: TickTimes;
  readonly pauses: Pauses;
  readonly zones: Venues;
  readonly hub: Hub;
  readonly recording: Recording | null;
}

export function createRegistry(sources: Sources): Registry {
  const registry = new Registry();
  describeTicks(registry, sources);
  describeZones(registry, sources.zones);
  describeRings(registry, sources.zones);
  describeSessions(registry, sources.hub);
  describePools(registry, sources.hub.pools);
  if (sources.recording !== null) describeRecording(registry, sources.recording);
  describeProcess(registry, sources.pauses);
  return registry;
}

function describeTicks(registry: Registry, { schedule, ticks }: Sources): void {
  histogram(registry, "gyre_tick_seconds", "Duration of a tick: simulation and publishing", ticks.tickMs);
  histogram(registry, "gyre_publish_seconds", "Of a tick, snapshots and writes to sockets", ticks.publishMs);
  histogram(registry, "gyre_tick_lateness_seconds", "From when a tick was due to its start", ticks.latenessMs);
  counter(registry, "gyre_ticks_total", "Ticks simulated", () => schedule.ticks);
  counter(registry, "gyre_late_ticks_total", "Ticks begun when the next was due", () => schedule.lateTicks);
  counter(registry, "gyre_skipped_ticks_total", "Ticks never simulated", () => schedule.skippedTicks);
  gauge(registry, "gyre_slowdown_ratio", "Simulated over real time, last second", () => schedule.slowdown);
}

/** A line for each zone, of which a process has at most a thousand. */
function describeZones(registry: Registry, zones: Venues): void {
  gauge(registry, "gyre_zones", "Zones", () => zones.all.length);
  gauge(registry, "gyre_zones_awake", "Zones that tick", () => zones.awake);
  gauge(registry, "gyre_zones_asleep", "Zones that nobody is in or looks at", () => zones.asleep);
  gauge(registry, "gyre_zones_stopped", "Zones that stopped, because their game failed", () => zones.stopped);
  counter(registry, "gyre_transfers_total", "Entities that went through a gate", () => zones.transfers);
  counter(registry, "gyre_transfers_refused_total", "Entities refused at a gate", () => zones.transfersRefused);
  gauge(registry, "gyre_entities", "Entities in all zones", () => zones.entities);
  gauge(registry, "gyre_players", "Players in all zones, bots aside", () => zones.players);
  const byZone = (name: string, help: string, read: (venue: Venue) => number): void =>
    gaugeBy(registry, "zone", name, help, zones.all, read);
  const figureOf = (name: string, help: string, figure: keyof Figures): void =>
    byZone(name, help, (venue) => venue.figures()[figure]);
  byZone("gyre_zone_stopped", "1 for a zone that stopped", ({ fault }) => (fault === null ? 0 : 1));
  byZone("gyre_zone_entities_capacity", "Entity slots that there are", ({ scene }) => scene.capacity);
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

function describeRings(registry: Registry, zones: Venues): void {
  const sum = (figure: keyof Figures) => (): number => {
    let total = 0;
    for (const venue of zones.all) total += venue.figures()[figure];
    return total;
  };
  const counts = {
    "drop-oldest": sum("eventsDroppedOldest"),
    "drop-low": sum("eventsDroppedLow"),
    refuse: sum("eventsRefused"),
  };
  new Counter({
    name: "gyre_events_lost_total",
    help: "Events of zones that found no room, by what happened to them",
    labelNames: ["policy"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [policy, count] of Object.entries(counts)) this.inc({ policy }, count());
    },
  });
  const commands = sum("commandsRefused");
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
  gauge(registry, "gyre_sessions", "Open sessions", () => hub.sessions);
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
  counter(registry, "gyre_tells_sent_total", "Events of games sent to players", () => counters.eventsSent);
  counter(
    registry,
    "gyre_tells_dropped_total",
    "Events of games that sessions had no room for",
    () => counters.eventsDropped,
  );
  counterByCode(registry, "gyre_refused_total", "Messages and upgrades refused, by error code", counters.refused);
  counterByCode(registry, "gyre_sessions_closed_total", "Sessions closed for cause, by close code", counters.closed);
}

function describeProcess(registry: Registry, pauses: Pauses): void {
  histogram(registry, "gyre_gc_pause_seconds", "Pauses of the garbage collector", pauses.gcMs);
  gauge(registry, "gyre_gc_pause_max_seconds", "The longest of them", () => pauses.gcMs.max / 1000);
  gauge(
    registry,
    "gyre_loop_delay_p50_seconds",
    "Delay of the event loop, median",
    () => pauses.loopDelayMs(50) / 1000,
  );
  gauge(registry, "gyre_loop_delay_p99_seconds", "The same, 99th percentile", () => pauses.loopDelayMs(99) / 1000);
  gauge(registry, "gyre_heap_bytes", "Used JavaScript heap", () => process.memoryUsage().heapUsed);
  gauge(registry, "gyre_resident_bytes", "Memory of the process", () => process.memoryUsage.rss());
}

function counter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

function counterByCode(
  registry: Registry,
  name: string,
  help: string,
  counts: ReadonlyMap<string | number, number>,
): void {
  new Counter({
    name,
    help,
    labelNames: ["code"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [code, count] of counts) this.inc({ code }, count);
    },
  });
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** A gauge for each of some things by their names, which do not change. */
function gaugeBy<T extends { readonly name: string }>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T) => number,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const thing of things) this.set({ [label]: thing.name }, read(thing));
    },
  });
}

/** A histogram of milliseconds, in seconds as Prometheus wants them. */
function histogram(registry: Registry, name: string, help: string, source: Histogram): void {
  const metric = { name, help, type: "histogram", aggregator: "sum" };
  // prom-client's own histogram has no way to be told its counts. To a registry a metric is what has a name and get().
  registry.registerMetric({
    ...metric,
    get: async () => ({ ...metric, values: lines(name, source) }),
  } as unknown as Metric);
}

function lines(name: string, { bounds, counts, count, sum }: Histogram) {
  let below = 0;
  const buckets = Array.from(bounds, (bound, i) => {
    below += counts[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le: bound / 1000 }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels: {}, value: sum / 1000 },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
