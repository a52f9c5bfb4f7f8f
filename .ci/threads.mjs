// The same hashes for 0, 1, 2, 4 and 8 threads, spinning and not, for many seeds: small servers of two games, with scripts and gates and
// without, whose zones are at home anywhere and move. Every tenth seed loses one notify in a hundred. Usage:
//
//     node .ci/threads.mjs [SEEDS = 1000] [FIRST SEED = 1]
//
// 1,000 take some minutes on 2 cores.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { wasm } from "../src/wasm-plugin.mjs";

const SLOTS = [1, 2, 4, 8];

const count = Number(process.argv[2] ?? 1000);
const first = Number(process.argv[3] ?? 1);
const folder = join(process.cwd(), "build", "teams");
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: { "slot-teams": "test/support/slot-teams.ts", "slots.thread": "test/slots.thread.ts" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  packages: "external",
  outdir: folder,
  plugins: [wasm],
  logLevel: "warning",
});
const { SlotTeam } = await import(pathToFileURL(join(folder, "slot-teams.js")));

const beganMs = performance.now();
const team = new SlotTeam(Math.max(...SLOTS));
const sums = { moved: 0, lost: 0, healed: 0 };
let odd = 0;
for (let seed = first; seed < first + count; seed++) {
  for (const slots of SLOTS) {
    const spin = (seed + slots / 2) % 2 < 1 ? "auto" : "off";
    const run = await team.run({ seed, slots, spin, lossy: seed % 10 === 0 ? 100 : 0 });
    for (const figure of Object.keys(sums)) sums[figure] += run[figure];
    if (run.odd.length === 0) continue;
    console.log(`seed ${seed}, ${slots} slots, spin ${spin}: ${run.odd.join(", ")}`);
    odd++;
  }
}
await team.close();
const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
console.log(`${count} seeds on 0, ${SLOTS.join(", ")} threads in ${seconds} s: ${odd} with other hashes`);
console.log(`${sums.moved} zones moved, ${sums.lost} notifies lost, ${sums.healed} waits went on without one`);
process.exit(odd === 0 ? 0 : 1);
