/**
 * From figures to the docs: `node build/bench/draw.js REPORT.json [FOLDER]` writes bench.svg into the folder (docs) and the table into its
 * bench.md, between the two marks there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.js";
import { markdown, type Report } from "./report.js";

const BEGIN = "<!-- table: written by bench/draw.ts -->";
const END = "<!-- end of table -->";

export function draw(reportFile: string, folder: string): void {
  const report = JSON.parse(readFileSync(reportFile, "utf8")) as Partial<Report>;
  const { machine, rows } = report;
  if (machine === undefined || !Array.isArray(rows))
    throw new Error(`${reportFile} is not what gyre bench --json writes`);
  const page = join(folder, "bench.md");
  const text = readFileSync(page, "utf8");
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${page} has no place for the table`);
  writeFileSync(join(folder, "bench.svg"), chart({ machine, rows }));
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n\n${markdown({ machine, rows })}\n${text.slice(end)}`);
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
