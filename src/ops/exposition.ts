/**
 * Numbers that are kept elsewhere, as metrics of Prometheus: each is told how to read them, and reads when somebody asks. What has a label
 * is a line for each of some things, which have names that do not change. To a registry a metric is what has a name and get();
 * prom-client's own counters, gauges and histograms would keep each number a second time, and look it up by a hash of its labels.
 */
import type { Metric, Registry } from "prom-client";
import type { Histogram } from "../sync/histogram.js";

export interface Named {
  readonly name: string;
}

type Labels = Readonly<Record<string, string | number>>;

interface Line {
  /** Of the metric where there is none. */
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

type Type = "counter" | "gauge" | "histogram";

/** UTF-16 units of a reason: what a page of metrics can show. The log has all of it. */
const REASON_LENGTH_MAX = 200;

/** UTF-16 units of text made in one turn of the event loop: under half a millisecond. */
const TURN_LENGTH = 8 * 1024;

const NO_LABELS: Labels = {};

export function counter(registry: Registry, name: string, help: string, read: () => number): void {
  register(registry, "counter", name, help, () => [{ labels: NO_LABELS, value: read() }]);
}

export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  register(registry, "gauge", name, help, () => [{ labels: NO_LABELS, value: read() }]);
}

/** A line for each code that was counted. */
export function counterByCode(
  registry: Registry,
  name: string,
  help: string,
  counts: ReadonlyMap<string | number, number>,
): void {
  register(registry, "counter", name, help, () => {
    return Array.from(counts, ([code, value]) => ({ labels: { code }, value }));
  });
}

export function counterBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T, index: number) => number,
): void {
  register(registry, "counter", name, help, linesOf(label, things, read));
}

export function gaugeBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T, index: number) => number,
): void {
  register(registry, "gauge", name, help, linesOf(label, things, read));
}

/** 1 for each of the things for which there is a reason, which is a label: its first line, up to REASON_LENGTH_MAX. "" for none. */
export function reasonBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T) => string,
): void {
  register(registry, "gauge", name, help, () => {
    const lines = things.map((thing) => {
      const reason = (read(thing).split("\n")[0] ?? "").slice(0, REASON_LENGTH_MAX);
      return { labels: { [label]: thing.name, reason }, value: 1 };
    });
    return lines.filter(({ labels }) => labels["reason"] !== "");
  });
}

/** A histogram of milliseconds, in seconds as Prometheus wants them. */
export function histogram(registry: Registry, name: string, help: string, source: Histogram): void {
  register(registry, "histogram", name, help, () => buckets(name, NO_LABELS, source));
}

export function histogramBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T) => Histogram,
): void {
  register(registry, "histogram", name, help, () => {
    return things.flatMap((thing) => buckets(name, { [label]: thing.name }, read(thing)));
  });
}

/**
 * The text for a scraper, of the metrics for which `wanted` holds. It takes a turn of the event loop for so many UTF-16 units, so that a thousand zones hold no tick up, and a page
 * of a few zones does not take a turn for each of a hundred metrics: on a server that does not keep up, that was 40 s.
 */
export async function expose(registry: Registry, wanted: (name: string) => boolean = () => true): Promise<string> {
  const texts: string[] = [];
  let length = 0;
  for (const { name } of registry.getMetricsAsArray()) {
    if (!wanted(name)) continue;
    const text = await registry.getSingleMetricAsString(name);
    texts.push(text);
    length += text.length;
    if (length < TURN_LENGTH) continue;
    length = 0;
    await new Promise(setImmediate);
  }
  return `${texts.join("\n\n")}\n`;
}

function register(registry: Registry, type: Type, name: string, help: string, values: () => Line[]): void {
  const metric = { name, help, type, aggregator: "sum" };
  registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: values() }) } as unknown as Metric);
}

function linesOf<T extends Named>(label: string, things: readonly T[], read: (thing: T, index: number) => number) {
  return (): Line[] => things.map((thing, i) => ({ labels: { [label]: thing.name }, value: read(thing, i) }));
}

function buckets(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Line[] {
  let below = 0;
  const lines: Line[] = Array.from(bounds, (bound, i) => {
    below += counts[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1000 }, value: below };
  });
  const count = below + (counts.at(-1) ?? 0);
  lines.push({ metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count });
  lines.push({ metricName: `${name}_sum`, labels, value: sum / 1000 });
  lines.push({ metricName: `${name}_count`, labels, value: count });
  return lines;
}
