/**
 * /metrics: everything the server counts, in Prometheus' text format. The counts are plain numbers and typed arrays kept
 * where things happen; this file only says what they are called. They are read when somebody asks, so an unread metric
 * costs nothing.
 */
import { Counter, Gauge, type Metric, Registry } from "prom-client";
import type { Hub } from "../net/hub.js";
import type { Schedule } from "../sim/clock.js";
import type { Zones } from "../sim/zones.js";
import type { Histogram } from "./histogram.js";
import type { Pauses } from "./pauses.js";
import type { TickTimes } from "./ticks.js";

export interface Sources {
  readonly schedule: Schedule;
  readonly ticks: TickTimes;
  readonly pauses: Pauses;
  readonly zones: Zones;
  readonly hub: Hub;
}

export function createRegistry(sources: Sources): Registry {
  const registry = new Registry();
  describeTicks(registry, sources);
  describeSessions(registry, sources.hub);
  describeProcess(registry, sources.pauses);
  return registry;
}

function describeTicks(registry: Registry, { schedule, ticks, zones }: Sources): void {
  histogram(registry, "gyre_tick_seconds", "Duration of a tick: simulation and publishing", ticks.tickMs);
  histogram(registry, "gyre_publish_seconds", "Of a tick, snapshots and writes to sockets", ticks.publishMs);
  histogram(registry, "gyre_tick_lateness_seconds", "From when a tick was due to its start", ticks.latenessMs);
  counter(registry, "gyre_ticks_total", "Ticks simulated", () => schedule.ticks);
  counter(registry, "gyre_late_ticks_total", "Ticks begun when the next was due", () => schedule.lateTicks);
  counter(registry, "gyre_skipped_ticks_total", "Ticks never simulated", () => schedule.skippedTicks);
  gauge(registry, "gyre_slowdown_ratio", "Simulated over real time, last second", () => schedule.slowdown);
  gauge(registry, "gyre_zones", "Zones", () => zones.all.length);
  gauge(registry, "gyre_entities", "Entities in all zones", () => zones.entities);
  gauge(registry, "gyre_players", "Players in all zones, bots aside", () => zones.players);
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
