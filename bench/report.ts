/** What a run found, as JSON (the form is fixed), on the screen and as Markdown. */
import { availableParallelism, cpus } from "node:os";
import type { Params } from "./operation.js";
import type { Case, Unit } from "./plan.js";
import type { Figures, Outcome } from "./runner.js";

export interface Row {
  bench: string;
  params: Params;
  unit: Unit;
  variants: Record<string, Figures>;
}

export interface Report {
  machine: { node: string; v8: string; cpu: string; cores: number };
  rows: Row[];
}

/** What the others are compared with: the first of these that the row has. */
const OURS = ["simd", "gyre"];
/** Of these, more is better. */
const RATES: readonly Unit[] = ["snapshots/s", "Hz"];
/** Medians closer than this are called equal: the machine's noise. */
const NOISE = 1.03;

export function machine(): Report["machine"] {
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
  };
}

export function machineLine({ node, v8, cpu, cores }: Report["machine"]): string {
  return `Node ${node}, V8 ${v8}, ${cpu}, ${cores} cores`;
}

/** A case's row, and one of bytes where frames are made. */
export function rowsOf({ bench, params, unit }: Case, { figures, bytes }: Outcome): Row[] {
  const row = rowFrom({ bench, params, unit }, figures);
  return Object.keys(bytes).length === 0 ? [row] : [row, rowFrom({ bench, params, unit: "bytes" }, bytes)];
}

function rowFrom({ bench, params, unit }: Omit<Row, "variants">, figures: Record<string, Figures>): Row {
  const divisors: Partial<Record<Unit, number>> = {
    ms: 1e6,
    "ms/path": 1e6 * params.n,
    "ns/element": params.n,
    "us/operation": 1000 * params.n,
    "us/frame": 1000 * params.n,
  };
  const divisor = divisors[unit] ?? 1;
  const scaled = (ns: number): number => Number((ns / divisor).toPrecision(5));
  const variants = Object.entries(figures).map(([variant, { median, min, p99 }]) => [
    variant,
    { median: scaled(median), min: scaled(min), p99: scaled(p99) },
  ]);
  return { bench, params, unit, variants: Object.fromEntries(variants) as Row["variants"] };
}

export function title({ bench, params, unit }: Pick<Row, "bench" | "params" | "unit">): string {
  const { n, distribution, world, zones, scripts, threads, spin, scenario, viewers, metric, insteadOf } = params;
  const kind = distribution ?? scenario ?? metric ?? (world === undefined ? "" : `with everything on, ${world}`);
  const spread = zones === undefined ? "" : ` in ${zones} zone${zones === 1 ? "" : "s"}`;
  const scripted = scripts === true ? " with scripts" : "";
  const shared = threads === undefined ? "" : ` on ${threads} thread${threads === 1 ? "" : "s"}, spin ${spin}`;
  const seen =
    viewers === undefined ? "" : viewers === 0 ? " in one frame" : ` for ${viewers.toLocaleString("en")} viewers`;
  const size = `${n.toLocaleString("en")}${kind === "" ? "" : ` ${kind}`}${seen}${spread}${scripted}${shared}`;
  const bound = insteadOf === undefined ? "" : ` (instead of ${insteadOf.toLocaleString("en")}: cost is quadratic)`;
  return `${bench}, ${size}${bound}, ${unit}`;
}

function oursIn(row: Row): string {
  return OURS.find((name) => row.variants[name] !== undefined) ?? "";
}

/** How many times the median of ours. */
export function ratioOf(row: Row, variant: string): number | undefined {
  const ours = row.variants[oursIn(row)];
  const theirs = row.variants[variant];
  return ours === undefined || theirs === undefined || ours === theirs ? undefined : theirs.median / ours.median;
}

/** Does this one beat what is ours here? */
export function loses(row: Row, variant: string): boolean {
  const ratio = ratioOf(row, variant) ?? 1;
  return RATES.includes(row.unit) ? ratio > NOISE : ratio < 1 / NOISE;
}

export function digits(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

export function screenTable(row: Row): string {
  const lines = Object.entries(row.variants).map(([variant, { median, min, p99 }]) => {
    const ratio = ratioOf(row, variant);
    const compared = ratio === undefined ? "" : `${ratio.toFixed(2)}x`;
    const figures = [median, min, p99].map((value) => digits(value).padStart(9)).join("");
    const lost = loses(row, variant) ? `  ${oursIn(row)} loses` : "";
    return `  ${variant.padEnd(18)}${figures}${compared.padStart(10)}${impactOf(row, median)}${lost}`;
  });
  const head = `${title(row)}\n  ${"".padEnd(18)}${["median", "min", "p99"].map((name) => name.padStart(9)).join("")}`;
  return `${head}${`of ${oursIn(row)}`.padStart(10)}\n${lines.join("\n")}\n`;
}

/** What a tick's operations cost a tick. */
function impactOf({ unit, params }: Row, median: number): string {
  return unit === "us/operation" ? `${digits((median * params.n) / 1000).padStart(9)} ms a tick` : "";
}

export function lossesLine(rows: Row[]): string {
  const losses = rows.flatMap((row) =>
    Object.keys(row.variants)
      .filter((variant) => loses(row, variant))
      .map((variant) => `${title(row)}: ${variant} ${sayingOf(row, (ratioOf(row, variant) ?? 1).toFixed(2))}`),
  );
  return losses.length === 0 ? "gyre loses nowhere in this run" : `gyre loses in\n  ${losses.join("\n  ")}`;
}

function sayingOf({ unit }: Row, ratio: string): string {
  if (RATES.includes(unit)) return `does ${ratio} of it`;
  return unit.startsWith("bytes") ? `sends ${ratio} of the bytes` : `takes ${ratio} of the time`;
}

/** Benches that have a table of their own, since their contenders are others than the kernel's. */
const APART = ["handoff", "snapshot", "fanout", "state", "end-to-end"];

/** Tables of medians, a row for each case and a column for each variant: one for the benches of the kernel, then one for each of the others. */
export function markdown({ machine, rows }: Report): string {
  const kernel = rows.filter(({ bench }) => !APART.includes(bench));
  const others = APART.map((name) => rows.filter(({ bench }) => bench === name));
  const tables = [kernel, ...others].filter(({ length }) => length > 0);
  return [...tables.map(table), `${machineLine(machine)}.`, ""].join("\n");
}

function table(rows: Row[]): string {
  const variants = [...new Set(rows.flatMap((row) => Object.keys(row.variants)))];
  const cells = (parts: string[]): string => `| ${parts.join(" | ")} |`;
  const lines = rows.map((row) => {
    const medians = Object.values(row.variants).map(({ median }) => median);
    const best = RATES.includes(row.unit) ? Math.max(...medians) : Math.min(...medians);
    // A tick that comes too late once in a hundred is what a world's players notice.
    const isWorld = row.params.world !== undefined || row.params.zones !== undefined;
    const figures = variants.map((variant) => {
      const { median, p99 } = row.variants[variant] ?? {};
      if (median === undefined || p99 === undefined) return "";
      const figure = median === best ? `**${digits(median)}**` : digits(median);
      return isWorld ? `${figure} (p99 ${digits(p99)})` : figure;
    });
    return cells([title(row), ...figures]);
  });
  const rule = cells(["---", ...variants.map(() => "---:")]);
  return [cells(["median", ...variants]), rule, ...lines, ""].join("\n");
}
