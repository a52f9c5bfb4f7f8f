// The same system three times: in the SIMD kernel, in the scalar kernel, and in JavaScript over the same columns. All must come to the
// same bits; then it says what each costs.
import { readFileSync } from "node:fs";
import { loadKernel } from "gyre/kernel";

const ENTITIES = 100_000;
const ROUNDS = 300;
/** x, y, radius squared, power, loss, limit. */
const FIRE = [2000, 2000, 90_000, 0.02, 0.01, 0.5].map(Math.fround);

function zoneOf(kernel) {
  const zone = kernel.createZone({ width: 4096, height: 4096, capacity: ENTITIES, columns: { heat: "f32" } });
  for (let i = 0; i < ENTITIES; i++) zone.spawn({ x: 8 + (zone.random() % 4080), y: 8 + (zone.random() % 4080) });
  return zone;
}

/** What warm does, rounded after each operation as the kernel does it. The numbers are f32 already. */
function warm(zone, x, y, radius2, power, loss, limit) {
  const { fround } = Math;
  const { id, x: xs, y: ys } = zone.columns;
  const { heat } = zone.own;
  const end = zone.highWater;
  let hot = 0;
  for (let slot = 0; slot < end; slot++) {
    if (id[slot] === 0) continue;
    const dx = fround(xs[slot] - x);
    const dy = fround(ys[slot] - y);
    const d2 = fround(fround(dx * dx) + fround(dy * dy));
    const old = heat[slot];
    const gain = fround(power / fround(1 + fround(d2 / radius2)));
    const now = fround(fround(old + gain) - fround(loss * old));
    heat[slot] = now;
    if (now > limit) hot++;
  }
  return hot;
}

async function load(build) {
  return await loadKernel({ module: readFileSync(new URL(`build/${build}-local-release.wasm`, import.meta.url)) });
}

const simd = zoneOf(await load("simd"));
const scalar = zoneOf(await load("scalar"));
const script = zoneOf(await load("simd"));
const contenders = [
  ["simd kernel", simd, () => simd.call("warm", ...FIRE)],
  ["scalar kernel", scalar, () => scalar.call("warm", ...FIRE)],
  ["javascript", script, () => warm(script, ...FIRE)],
];

const answers = contenders.map(([, zone, run]) => {
  let hot = 0;
  for (let i = 0; i < 60; i++) hot = run();
  return `${hot} are hot, state ${zone.hash().toString(16)}`;
});
if (new Set(answers).size !== 1) throw new Error(`they differ: ${answers.join("; ")}`);
console.log(`after 60 ticks: ${answers[0]}`);

for (const [name, , run] of contenders) {
  const start = performance.now();
  for (let i = 0; i < ROUNDS; i++) run();
  const ns = ((performance.now() - start) * 1e6) / ROUNDS / ENTITIES;
  console.log(`${name.padEnd(14)}${ns.toFixed(2).padStart(6)} ns an entity`);
}
