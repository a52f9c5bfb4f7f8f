/**
 * Numbers that are kept elsewhere, as Prometheus' metrics: each is told how to read them, and reads when somebody asks. What has a label
 * is a line for each of some things, which have names that do not change.
 */
import { Counter, Gauge, type Metric, type Registry } from "prom-client";
import type { Histogram } from "../sync/histogram.js";

export function counter(registry: Registry, name: string, help: string, read: () => number): void {
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

export function counterByCode(
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

export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

export interface Named {
  readonly name: string;
}

export function gaugeBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T, index: number) => number,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [i, thing] of things.entries()) this.set({ [label]: thing.name }, read(thing, i));
    },
  });
}

export function counterBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T) => number,
): void {
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const thing of things) this.inc({ [label]: thing.name }, read(thing));
    },
  });
}

/** A histogram of milliseconds, in seconds as Prometheus wants them. */
export function histogram(registry: Registry, name: string, help: string, source: Histogram): void {
  register(registry, name, help, () => lines(name, {}, source));
}

export function histogramBy<T extends Named>(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  things: readonly T[],
  read: (thing: T) => Histogram,
): void {
  register(registry, name, help, () => things.flatMap((thing) => lines(name, { [label]: thing.name }, read(thing))));
}

/** prom-client's own histogram has no way to be told its counts. To a registry a metric is what has a name and get(). */
function register(registry: Registry, name: string, help: string, values: () => Line[]): void {
  const metric = { name, help, type: "histogram", aggregator: "sum" };
  registry.registerMetric({ ...metric, get: async () => ({ ...metric, values: values() }) } as unknown as Metric);
}

type Labels = Readonly<Record<string, string | number>>;

interface Line {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

function lines(name: string, labels: Labels, { bounds, counts, sum }: Histogram): Line[] {
  let below = 0;
  const buckets = Array.from(bounds, (bound, i) => {
    below += counts[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1000 }, value: below };
  });
  const count = below + (counts.at(-1) ?? 0);
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${name}_sum`, labels, value: sum / 1000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
