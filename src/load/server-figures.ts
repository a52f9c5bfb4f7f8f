/** What a server tells of itself at /metrics, read before and after a load: what the load cost it, and whether its ticks were in time. */

/** Values by their name and labels, as they stand in Prometheus' text. */
export type Metrics = ReadonlyMap<string, number>;

/** http://HOST:PORT of a server whose WebSocket this is. */
export function httpOf(ws: string): string {
  const url = new URL(ws);
  url.protocol = "http:";
  return url.origin;
}

export function parseMetrics(text: string): Metrics {
  return new Map([...text.matchAll(/^([a-z_]\S*) (\S+)$/gm)].map(([, name = "", value]) => [name, Number(value)]));
}

export interface Reading {
  readonly values: Metrics;
  /** Milliseconds: the middle between question and answer, which are far apart when the server is busy. */
  readonly atMs: number;
}

/** Null when it tells nothing. */
export async function readMetrics(ws: string, now: () => number): Promise<Reading | null> {
  const askedMs = now();
  // Without those of each zone, of which there may be a thousand.
  const text = await read(`${httpOf(ws)}/metrics?zones=0`);
  return text === null ? null : { values: parseMetrics(text), atMs: (askedMs + now()) / 2 };
}

async function read(url: string): Promise<string | null> {
  try {
    const response = await fetch(url);
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}

/** Of the last 600 ticks, exactly; null when the server does not tell. */
export async function readTickP99Ms(ws: string): Promise<number | null> {
  try {
    const { tickP99Ms } = JSON.parse((await read(`${httpOf(ws)}/stats`)) ?? "{}") as { tickP99Ms?: number };
    return typeof tickP99Ms === "number" ? tickP99Ms : null;
  } catch {
    return null;
  }
}

export interface ServerFigures {
  ticks: number;
  lateTicks: number;
  skippedTicks: number;
  /**
   * Of all ticks in between: the last 600 say nothing of the first 50 s of a minute. The server's histogram tells the bucket that it lies in,
   * so whether it is above a bound of one is exact; where in it is a guess, the larger of a straight line's and what the last 600 ticks came
   * to, as far as the bucket allows that, since a limit is better missed by mistake than held. Null when the server did not tick.
   */
  tickP99Ms: number | null;
  /** Of the last 600 ticks, exactly. */
  tickP99LastMs: number | null;
  /** Processor time of the process, and how many cores that is. */
  cpuSeconds: number | null;
  cpuCores: number | null;
  /** Busy over real time, by thread. */
  threads: Record<string, number>;
  snapshotsSent: number;
  snapshotsSkipped: number;
  /** Sessions closed for cause, by code. */
  closed: Record<string, number>;
}

/** What happened from one reading to another. */
export function figuresOf(first: Reading, last: Reading, tickP99LastMs: number | null): ServerFigures {
  const { values: before } = first;
  const { values: after } = last;
  const seconds = (last.atMs - first.atMs) / 1000;
  const grew = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const cpuSeconds = after.has(CPU) ? grew(CPU) : null;
  return {
    ticks: grew("gyre_ticks_total"),
    lateTicks: grew("gyre_late_ticks_total"),
    skippedTicks: grew("gyre_skipped_ticks_total"),
    tickP99Ms: quantileMs("gyre_tick_seconds", before, after, 0.99, tickP99LastMs ?? 0),
    tickP99LastMs,
    cpuSeconds,
    cpuCores: cpuSeconds === null ? null : cpuSeconds / seconds,
    threads: byLabel("gyre_thread_busy_seconds_total", "thread", after, (name) => grew(name) / seconds),
    snapshotsSent: grew("gyre_snapshots_sent_total"),
    snapshotsSkipped: grew("gyre_snapshots_skipped_total"),
    closed: byLabel("gyre_sessions_closed_total", "code", after, grew),
  };
}

const CPU = "process_cpu_seconds_total";

function byLabel(
  metric: string,
  label: string,
  metrics: Metrics,
  read: (name: string) => number,
): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of metrics.keys()) {
    const value = name.startsWith(`${metric}{`) ? new RegExp(`${label}="([^"]*)"`).exec(name)?.[1] : undefined;
    if (value !== undefined) found[value] = read(name);
  }
  return found;
}

/**
 * Of what a histogram of seconds recorded in between, in milliseconds; null when that is nothing. atLeastMs: where in its bucket it is thought to
 * lie at least. What is above all buckets counts as the last bound, or as that.
 */
function quantileMs(metric: string, before: Metrics, after: Metrics, p: number, atLeastMs: number): number | null {
  const buckets: { boundMs: number; below: number }[] = [];
  for (const [name, value] of after) {
    const bound = name.startsWith(`${metric}_bucket{`) ? /le="([^"]+)"/.exec(name)?.[1] : undefined;
    if (bound !== undefined && bound !== "+Inf")
      buckets.push({ boundMs: 1000 * Number(bound), below: value - (before.get(name) ?? 0) });
  }
  buckets.sort((a, b) => a.boundMs - b.boundMs);
  const count = (after.get(`${metric}_count`) ?? 0) - (before.get(`${metric}_count`) ?? 0);
  if (count <= 0) return null;
  let [lowerMs, lowerCount] = [0, 0];
  for (const { boundMs, below } of buckets) {
    if (below >= p * count) {
      const onLineMs = lowerMs + ((boundMs - lowerMs) * (p * count - lowerCount)) / Math.max(1e-9, below - lowerCount);
      return Math.min(boundMs, Math.max(onLineMs, atLeastMs));
    }
    [lowerMs, lowerCount] = [boundMs, below];
  }
  return Math.max(lowerMs, atLeastMs);
}
