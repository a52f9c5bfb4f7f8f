/**
 * From figures to the docs: `node build/bench/draw.js REPORT.json [FOLDER]` writes bench.svg into the folder (docs), the table into
 * its bench.md, and the rows of a middling size into the README beside the folder, each between the two marks there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.js";
import { markdown, type Report, type Row } from "./report.js";

const BEGIN = "<!-- table: written by bench/draw.ts -->";
const END = "<!-- end of table -->";
/** Points, entities or paths of the README's rows, and clients; of snapshots those for as many viewers as entities. */
const README_SIZES = [16_384, 20_000, 50];
const README_CLIENTS = 1000;

function isForReadme({ bench, params: { n, viewers } }: Row): boolean {
  if (bench === "end-to-end") return n === README_CLIENTS;
  return README_SIZES.includes(n) || (viewers !== undefined && viewers === n);
}

export function draw(reportFile: string, folder: string): void {
  const report = JSON.parse(readFileSync(reportFile, "utf8")) as Partial<Report>;
  const { machine, rows } = report;
  if (machine === undefined || !Array.isArray(rows)) {
    throw new Error(`${reportFile} is not what gyre bench --json writes`);
  }
  fill(join(folder, "bench.md"), { machine, rows });
  fill(join(folder, "..", "README.md"), {
    machine,
    rows: rows.filter(isForReadme),
  });
  writeFileSync(join(folder, "bench.svg"), chart({ machine, rows }));
}

function fill(page: string, report: Report): void {
  const text = readFileSync(page, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for the table`);
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n\n${markdown(report)}\n${text.slice(end)}`);
}

// As a program, not as a part of a test.
if (process.argv[1]?.endsWith("draw.js")) {
  const [reportFile, folder = "docs"] = process.argv.slice(2);
  if (reportFile === undefined) {
    console.error("usage: node build/bench/draw.js REPORT.json [FOLDER]");
    process.exitCode = 2;
  } else {
    draw(reportFile, folder);
  }
}
