/**
 * The README's chart: bars of the time that each contender takes, in multiples of the SIMD build's and on a logarithmic scale, since
 * they differ by two orders of magnitude. Plain SVG whose colors follow the reader's light or dark mode.
 */
import { digits, type Report, type Row, ratioOf } from "./report.js";

interface Wanted {
  bench: string;
  n: number;
  viewers?: number;
  label: string;
}

const N = 20_000;
/** The cases shown, in this order; where the wanted size was not measured, the largest. */
const WANTED: Wanted[] = [
  { bench: "distance-squared", n: 16_384, label: "squared distances, 16,384 points" },
  { bench: "all-neighbours", n: N, label: "all neighbours of everyone, 20,000 points" },
  { bench: "nearest-enemy", n: N, label: "everyone's nearest enemy, 20,000 points" },
  { bench: "tick", n: N, label: "a whole tick, 20,000 entities" },
  { bench: "path", n: 50, label: "a shortest path, 50 problems" },
  { bench: "snapshot", n: 2000, viewers: 2000, label: "a snapshot of 2,000 entities for 2,000 viewers" },
];

// Pixels.
const WIDTH = 760;
const NAMES = 128;
const FIGURES = 132;
const BAR = 15;
const GAP = 5;
const HEAD = 30;
const FOOT = 34;

const STYLE = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .quiet { fill: #59636e; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .ours { fill: #0b7a75; }
  .theirs { fill: #9aa5b1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .ours { fill: #2dd4bf; }
    .theirs { fill: #59636e; }
  }`;

function rowFor({ rows }: Report, { bench, n, viewers }: Wanted): Row | undefined {
  const candidates = rows.filter(
    ({ bench: name, unit, params }) =>
      name === bench &&
      unit !== "bytes" &&
      (params.distribution ?? "uniform") === "uniform" &&
      params.world === undefined &&
      params.viewers === viewers,
  );
  return candidates.find((row) => row.params.n === n) ?? candidates.at(-1);
}

interface Panel {
  label: string;
  bars: { variant: string; ratio: number; figure: string }[];
}

function panelOf(row: Row, label: string): Panel {
  const unit = row.unit === "ns/element" ? "ns" : "ms";
  const bars = Object.entries(row.variants).map(([variant, { median }]) => ({
    variant,
    ratio: ratioOf(row, variant) ?? 1,
    figure: `${digits(median)} ${unit}`,
  }));
  return { label, bars: bars.sort((a, b) => a.ratio - b.ratio) };
}

function panelsOf(report: Report): Panel[] {
  return WANTED.flatMap((wanted) => {
    const { bench, n, label } = wanted;
    const row = rowFor(report, wanted);
    if (row === undefined) return [];
    return [panelOf(row, row.params.n === n ? label : `${bench}, ${row.params.n.toLocaleString("en")}`)];
  });
}

export function chart(report: Report): string {
  const panels = panelsOf(report);
  const ratios = panels.flatMap((panel) => panel.bars.map((bar) => bar.ratio));
  // The scale starts below the fastest, so that every bar has a length.
  const low = Math.min(0.5, ...ratios.map((ratio) => ratio / 1.5));
  const high = Math.max(10, ...ratios);
  const scale = (WIDTH - NAMES - FIGURES) / Math.log(high / low);
  const place = (ratio: number): number => Math.round(NAMES + Math.log(ratio / low) * scale);
  const marks = [1, 2, 5, 10, 20, 50, 100, 200, 500].filter((mark) => mark <= high);

  const body: string[] = [];
  let y = 8;
  for (const { label, bars } of panels) {
    body.push(`<text class="title" x="0" y="${y + 16}">${label}</text>`);
    y += HEAD - 4;
    for (const { variant, ratio, figure } of bars) {
      const kind = variant === "simd" || variant === "scalar" ? "ours" : "theirs";
      const name = kind === "ours" ? `gyre ${variant}` : variant;
      const end = place(ratio);
      const times = variant === "simd" ? "" : ` <tspan class="quiet">${ratio.toFixed(ratio < 10 ? 2 : 0)}x</tspan>`;
      body.push(
        `<text x="${NAMES - 8}" y="${y + 12}" text-anchor="end">${name}</text>`,
        `<rect class="${kind}" x="${NAMES}" y="${y}" width="${Math.max(2, end - NAMES)}" height="${BAR}" rx="2"/>`,
        `<text x="${Math.max(end, NAMES + 2) + 6}" y="${y + 12}">${figure}${times}</text>`,
      );
      y += BAR + GAP;
    }
    y += 12;
  }
  const height = y + FOOT;
  const lines = marks.map((mark) => {
    const x = place(mark);
    const label = `<text class="quiet" x="${x}" y="${y + 10}" text-anchor="middle">${mark}x</text>`;
    return `<line class="grid" x1="${x}" y1="6" x2="${x}" y2="${y - 4}"/>${label}`;
  });
  const { node, cpu } = report.machine;
  const caption = `median time, gyre simd = 1, logarithmic; shorter is better. Node ${node}, ${cpu}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>Time of gyre and of others for the same work</title>`,
    `<style>${STYLE}\n</style>`,
    ...lines,
    ...body,
    `<text class="quiet" x="0" y="${height - 6}">${escapeText(caption)}</text>`,
    "</svg>",
    "",
  ].join("\n");
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
