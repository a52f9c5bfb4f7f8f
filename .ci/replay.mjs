// Records a crowded demo on this Node, and plays it again on this one and on those whose executables are given, with both kernels.
// Fails unless every checkpoint agrees everywhere.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const TICKS = 600;
const CLI = "build/js/cli.js";
const folder = mkdtempSync(join(tmpdir(), "gyre-replay-"));
const file = join(folder, "demo.gyrerec");
try {
  const flags = ["--port", "0", "--json", "--zones", "3", "--npcs", "600", "--bots", "40", "--record", file];
  const child = spawn(process.execPath, [CLI, "serve", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { http } = JSON.parse(line);
  let tick = 0;
  while (tick < TICKS) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    ({ tick } = await (await fetch(`${http}/stats`)).json());
  }
  child.kill("SIGTERM");
  const [code] = await ended;
  if (code !== 0) throw new Error(`ended with ${code}`);
  for (const node of [process.execPath, ...process.argv.slice(2)]) {
    const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
    for (const build of ["simd", "scalar"]) {
      const said = execFileSync(node, [CLI, "replay", file, "--verify", "--build", build], { encoding: "utf8" });
      console.log(`${version}: ${said.trim().replace(file, "demo")}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
