import { loadKernel } from "gyre/kernel";

const kernel = await loadKernel(); // SIMD where the engine has it
const zone = kernel.createZone({ width: 4096, height: 4096, capacity: 20_000, seed: 7 });

const ids = [];
for (let i = 0; i < 20_000; i++) {
  const id = zone.spawn({ x: 8 + (zone.random() % 4080), y: 8 + (zone.random() % 4080), team: i % 2 });
  zone.move(id, Math.cos(i), Math.sin(i)); // a wish direction; it holds until changed
  ids.push(id);
}

const start = performance.now();
zone.step(60); // a second of movement, collision and sorting into the grid
const enemies = zone.nearestEnemies(64); // by slot: everyone's nearest of another team
console.log(`${kernel.build}: 60 ticks of ${zone.count} entities in ${(performance.now() - start).toFixed(1)} ms`);

const near = new Uint32Array(100);
console.log(`${zone.queryRadius(2048, 2048, 100, near)} around the middle`);
console.log(`the first one's enemy is ${enemies[zone.slot(ids[0])]}; state hash ${zone.hash().toString(16)}`);
