// Makes sim workers fail, again and again, and compares what their zones come to with the same zones that nothing happened to: errors,
// traps, exits and loops for ever in zones that are at home on several threads; threads that are ended while they step zones without
// scripts, and while all go to and fro through gates. Prints what it did, and how long slots were away. Usage:
//
//     node .ci/faults.mjs [FAULTS = 1000] [FIRST SEED = 1]
//
// 1,000 take some 5 minutes on 2 cores.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { wasm } from "../src/wasm-plugin.mjs";

const count = Number(process.argv[2] ?? 1000);
const first = Number(process.argv[3] ?? 1);
const folder = join(process.cwd(), "build", "faults");
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: {
    faults: "test/support/faults.ts",
    "games/faults": "test/games/faults.ts",
    "games/herds": "test/games/herds.ts",
    "games/travellers": "test/games/travellers.ts",
  },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  packages: "external",
  outdir: folder,
  plugins: [wasm],
  logLevel: "warning",
});
const { killAtGates, killAtSteps, runFaults } = await import(pathToFileURL(join(folder, "faults.js")));

const beganMs = performance.now();
const done = { throw: 0, trap: 0, exit: 0, loop: 0, spin: 0, "ended by others": 0, "at steps": 0, "at gates": 0 };
const outages = [];
let transfers = 0;
let status = 0;
const sum = () => Object.values(done).reduce((all, one) => all + one, 0);
for (let seed = first; sum() < count; seed++) {
  const { faults, kills, failures, outagesMs, odd } = await runFaults(seed);
  for (const { kind } of faults) done[kind]++;
  done["ended by others"] += kills;
  outages.push(...outagesMs);
  const steps = await killAtSteps(seed);
  done["at steps"] += steps.kills;
  const gates = await killAtGates(seed);
  done["at gates"] += gates.kills;
  transfers += gates.transfers;
  for (const what of [...odd, ...steps.odd, ...gates.odd]) {
    console.log(`seed ${seed}: ${what.slice(0, 120)}`);
    status = 1;
  }
  const all = [...failures, ...steps.failures, ...gates.failures];
  if (status === 1) for (const { slot, zone, reason } of all) console.log(`sim-${slot} at zone ${zone}: ${reason}`);
}
outages.sort((a, b) => a - b);
const at = (share) => Math.round(outages[Math.floor(share * (outages.length - 1))]);
const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
const what = Object.entries(done).map(([kind, times]) => `${times} ${kind}`);
console.log(`${sum()} faults in ${seconds} s: ${what.join(", ")}; ${transfers} through gates meanwhile`);
console.log(`${outages.length} threads were away for ${at(0.5)} ms (median), ${at(0.99)} ms (p99), ${at(1)} ms (most)`);
process.exit(status);
