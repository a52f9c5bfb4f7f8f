/** What a load came to: figures from what was counted, limits held or missed, and both as text. No clock, no sockets. */
import type { CrowdResult } from "./crowd.js";
import { LogHistogram } from "./histogram.js";
import type { ServerFigures } from "./server-figures.js";
import type { Tally } from "./tally.js";

export interface Times {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What was asked for. */
export interface Asked {
  readonly url: string;
  readonly clients: number;
  /** 0: not in rooms. */
  readonly rooms: number;
  readonly sample: number;
  readonly threads: number;
  readonly joinRate: number;
  readonly inputRate: number;
  readonly churn: number;
  readonly stall: number;
  readonly durationS: number;
  readonly seed: number;
}

export interface Counted {
  /** Since the beginning, and since all were in. */
  readonly whole: Tally;
  readonly measured: Tally;
  readonly results: readonly CrowdResult[];
  /** Of the measurement. */
  readonly seconds: number;
  /** From the first connection to the last welcome. */
  readonly joinS: number;
  /** Of the load itself, while it measured. */
  readonly cpuSeconds: number;
  readonly server: ServerFigures | null;
  /** Ticks that were late while clients came, besides. */
  readonly lateTicksBefore: number;
}

export interface Report {
  asked: Asked;
  seconds: number;
  joins: { joined: number; failed: number; allS: number; ms: Times; zones: number };
  /** A second and client that asked: who never came in gets none. */
  snapshots: { perSecond: number; slowest: number; gapMs: Times };
  ackMs: Times;
  /** A second and client that is in. */
  bytes: { perClientSecond: number; perSnapshot: number };
  /** Of those who do not decode, and a second and client that asked; null when they never got any. */
  state: { perSecond: number; gapMs: Times; bytesPerSync: number } | null;
  inputs: { perSecond: number; held: number };
  churn: { begun: number; served: number; failed: number } | null;
  stalled: number;
  errors: Record<string, number>;
  errorCount: number;
  closes: Record<string, number>;
  lost: number;
  decoded: { clients: number; inView: number; hashChecks: number; repairs: number; unreadable: number };
  server: (ServerFigures & { lateTicksInAll: number }) | null;
  load: { cpuSeconds: number; cpuCores: number };
}

export function reportOf(asked: Asked, counted: Counted): Report {
  const { whole, measured, results, seconds, joinS, cpuSeconds, server, lateTicksBefore } = counted;
  const clients = whole.get("joined");
  // What a client is to get counts for all who asked, what it costs for those who are in: who is not, would make either look better than it is.
  const perAsked = (n: number): number => ratio(n, asked.clients * seconds);
  const perClient = (n: number): number => ratio(n, clients * seconds);
  const rates = results.flatMap(({ snapshots }) => snapshots.map((n) => n / seconds));
  const openGapsMs = results.flatMap((result) => result.openGapsMs);
  const openSyncGapsMs = results.flatMap((result) => result.openSyncGapsMs);
  const decoding = Math.min(asked.sample, asked.clients);
  const syncs = measured.get("syncs");
  const stateBytes = measured.get("stateBytes");
  const errors = added(results.map((result) => result.errors));
  return {
    asked,
    seconds,
    joins: {
      joined: clients,
      failed: whole.get("unjoined"),
      allS: joinS,
      ms: timesOf(whole.times.join),
      zones: Object.keys(added(results.map(({ zones }) => zones))).length,
    },
    snapshots: {
      perSecond: perAsked(measured.get("snapshots")),
      slowest: clients < asked.clients ? 0 : rates.reduce((least, rate) => Math.min(least, rate), Infinity),
      gapMs: timesOf(withOpen(measured.times.gap, openGapsMs)),
    },
    ackMs: timesOf(measured.times.ack),
    bytes: {
      perClientSecond: perClient(measured.get("bytes")),
      perSnapshot: ratio(measured.get("snapshotBytes"), measured.get("snapshots")),
    },
    state:
      stateBytes === 0 && openSyncGapsMs.length === 0
        ? null
        : {
            perSecond: ratio(syncs, (asked.clients - decoding) * seconds),
            gapMs: timesOf(withOpen(measured.times.syncGap, openSyncGapsMs)),
            bytesPerSync: ratio(stateBytes, syncs),
          },
    inputs: { perSecond: perClient(measured.get("inputs")), held: measured.get("inputsHeld") },
    churn:
      asked.churn === 0
        ? null
        : {
            begun: whole.get("churnBegun"),
            served: whole.get("churnServed"),
            failed: whole.get("churnFailed"),
          },
    stalled: whole.get("stalled"),
    errors,
    errorCount: whole.get("errors"),
    closes: added(results.map((result) => result.closes)),
    lost: whole.get("lost"),
    decoded: {
      clients: decoding,
      inView: ratio(measured.get("viewed"), measured.get("views")),
      hashChecks: results.reduce((sum, result) => sum + result.hashChecks, 0),
      repairs: results.reduce((sum, result) => sum + result.repairs, 0),
      unreadable: results.reduce((sum, result) => sum + result.unreadable, 0),
    },
    server: server === null ? null : { ...server, lateTicksInAll: server.lateTicks + lateTicksBefore },
    load: { cpuSeconds, cpuCores: ratio(cpuSeconds, seconds) },
  };
}

/** With the gaps that nothing has closed yet, as long as they are: else who is told nothing any more would not count. */
function withOpen(gaps: LogHistogram, openMs: readonly number[]): LogHistogram {
  const all = new LogHistogram(gaps.counts.slice());
  for (const ms of openMs) all.record(ms);
  return all;
}

function timesOf(histogram: LogHistogram): Times {
  const [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1].map((p) => histogram.quantile(p)) as [
    number,
    number,
    number,
    number,
  ];
  return { p50, p95, p99, max };
}

function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0;
}

function added(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const part of parts) for (const [key, n] of Object.entries(part)) sum[key] = (sum[key] ?? 0) + n;
  return sum;
}

/** Null when nothing was measured. */
function p95({ p95, max }: Times): number | null {
  return max > 0 ? p95 : null;
}

/** What may be asked of a load. Each reads a figure of the report; null: it is not known, which misses. */
export const LIMITS = {
  "max-gap-p95": { unit: "ms", help: "snapshot gap, 95th percentile", most: true, of: (r) => p95(r.snapshots.gapMs) },
  "max-ack-p95": { unit: "ms", help: "input to ack, 95th percentile", most: true, of: (r) => p95(r.ackMs) },
  "max-late-ticks": {
    unit: "",
    help: "late ticks of the server, joins included",
    most: true,
    of: (r) => r.server?.lateTicksInAll ?? null,
  },
  "max-tick-p99": {
    unit: "ms",
    help: "tick of the server, 99th percentile",
    most: true,
    of: (r) => r.server?.tickP99Ms ?? null,
  },
  "min-rate": {
    unit: "/s",
    help: "snapshots a second and client, those who never came in included",
    most: false,
    of: (r) => r.snapshots.perSecond,
  },
  "min-slowest": {
    unit: "/s",
    help: "snapshots a second of the slowest client",
    most: false,
    of: (r) => r.snapshots.slowest,
  },
  "max-bytes": { unit: "bytes/s", help: "bytes a second and client", most: true, of: (r) => r.bytes.perClientSecond },
  "max-sync-gap-p95": {
    unit: "ms",
    help: "gap between a room's syncs of its state tree, 95th percentile",
    most: true,
    of: (r) => (r.state === null ? null : p95(r.state.gapMs)),
  },
  "max-sync-bytes": {
    unit: "bytes",
    help: "bytes of the state tree for each sync",
    most: true,
    of: (r) => (r.state === null || r.state.perSecond === 0 ? null : r.state.bytesPerSync),
  },
  "max-repairs": {
    unit: "",
    help: "cells that decoded wrong, and frames that could not be decoded (0)",
    most: true,
    // A server that tells wrong, or a client that reads wrong, is broken however fast it is: there is no load at which that is to be expected.
    byDefault: 0,
    of: ({ decoded: { hashChecks, repairs, unreadable } }) =>
      hashChecks + unreadable === 0 ? null : repairs + unreadable,
  },
  "max-unjoined": {
    unit: "clients",
    help: "clients that never came in (0)",
    most: true,
    // What the others got says nothing of those, and of a server that lets nobody in nothing at all.
    byDefault: 0,
    of: (r) => r.asked.clients - r.joins.joined,
  },
  "max-join-s": {
    unit: "s",
    help: "seconds until all are in; whoever never was misses it",
    most: true,
    of: (r) => (r.joins.joined < r.asked.clients ? null : r.joins.allS),
  },
  "max-errors": {
    unit: "",
    help: "errors, failed connections, closes nobody asked for",
    most: true,
    of: (r) => r.errorCount,
  },
} as const satisfies Record<string, LimitSpec>;

export interface LimitSpec {
  readonly unit: string;
  readonly help: string;
  /** The figure may be that much at most, else at least. */
  readonly most: boolean;
  /** The limit where none is given, as far as the figure is known. Default: none. */
  readonly byDefault?: number;
  of(report: Report): number | null;
}

export type LimitName = keyof typeof LIMITS;

export interface Verdict {
  name: LimitName;
  limit: number;
  /** Null: not known. */
  value: number | null;
  held: boolean;
}

export function judge(report: Report, limits: Readonly<Partial<Record<LimitName, number | undefined>>>): Verdict[] {
  return (Object.keys(LIMITS) as LimitName[]).flatMap((name) => {
    const spec: LimitSpec = LIMITS[name];
    const limit = limits[name] ?? spec.byDefault;
    if (limit === undefined) return [];
    const value = spec.of(report);
    // Nobody asked.
    if (value === null && limits[name] === undefined) return [];
    return [{ name, limit, value, held: value !== null && (spec.most ? value <= limit : value >= limit) }];
  });
}

export function verdictLine({ name, limit, value, held }: Verdict): string {
  const { unit } = LIMITS[name];
  const found = value === null ? "not known" : `${short(value)} ${unit}`.trimEnd();
  return `${held ? "held  " : "MISSED"} --${name} ${limit}: ${found}\n`;
}

/** The report for people. */
export function reportText(report: Report): string {
  const { asked, seconds, joins, snapshots, ackMs, bytes, state, inputs, churn, decoded, server, load } = report;
  const lines: [string, string][] = [
    [
      "joins",
      `${joins.joined} of ${asked.clients} in ${short(joins.allS)} s into ${joins.zones} zones; ${times(joins.ms)}`,
    ],
    ["snapshots", `${short(snapshots.perSecond)}/s a client, the slowest ${short(snapshots.slowest)}/s`],
    ["gap", times(snapshots.gapMs)],
    ["ack", times(ackMs)],
    ["bytes", `${short(bytes.perClientSecond)}/s a client, ${short(bytes.perSnapshot)} a snapshot`],
    ["inputs", `${short(inputs.perSecond)}/s a client, ${inputs.held} held back`],
  ];
  if (state !== null) {
    lines.push([
      "state",
      `${short(state.perSecond)} syncs/s a client, ${short(state.bytesPerSync)} bytes each; gap ${times(state.gapMs)}`,
    ]);
  }
  if (churn !== null)
    lines.push(["churn", `${churn.begun} came and went, ${churn.served} served, ${churn.failed} failed`]);
  if (report.stalled > 0) lines.push(["stalled", `${report.stalled} joined and read nothing after`]);
  lines.push(["errors", listed(report.errorCount, report.errors)]);
  lines.push(["closes", listed(report.lost, report.closes)]);
  const checks =
    (decoded.hashChecks === 0 ? "not checked" : `${decoded.hashChecks} hashes checked, ${decoded.repairs} repairs`) +
    (decoded.unreadable === 0 ? "" : `; ${decoded.unreadable} gave up at what they could not read`);
  lines.push(["decoded", `${decoded.clients} clients, ${short(decoded.inView)} entities in view; ${checks}`]);
  if (server === null) {
    lines.push(["server", "tells nothing at /metrics"]);
  } else {
    const p99 = server.tickP99Ms === null ? "not known" : `${short(server.tickP99Ms)} ms`;
    const late = `${server.lateTicks} of ${server.ticks} ticks late, ${server.lateTicksInAll} with joins`;
    lines.push(["server", `tick p99 ${p99}, ${late}; ${server.snapshotsSkipped} snapshots skipped`]);
    const busy = Object.entries(server.threads).map(([name, share]) => `${name} ${percent(share)}`);
    const cpu =
      server.cpuCores === null ? "not told" : `${short(server.cpuSeconds ?? 0)} s, ${short(server.cpuCores)} cores`;
    lines.push(["server cpu", `${cpu}; busy: ${busy.join(", ")}`]);
  }
  lines.push(["load cpu", `${short(load.cpuSeconds)} s, ${short(load.cpuCores)} cores`]);
  const head = `${asked.url}: ${asked.clients} clients${asked.rooms > 0 ? ` in ${asked.rooms} rooms` : ""}, ${short(seconds)} s, seed ${asked.seed}\n`;
  return head + lines.map(([name, text]) => `  ${name.padEnd(11)}${text}\n`).join("");
}

function times({ p50, p95, p99, max }: Times): string {
  return `p50 ${short(p50)}, p95 ${short(p95)}, p99 ${short(p99)}, max ${short(max)} ms`;
}

function listed(count: number, byCode: Readonly<Record<string, number>>): string {
  const codes = Object.entries(byCode).map(([code, n]) => `${code} ${n}`);
  return codes.length === 0 ? `${count}` : `${count}: ${codes.join(", ")}`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** Three digits, or all of a larger number's before the point. */
export function short(value: number): string {
  if (Math.abs(value) >= 100 || value === 0) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
