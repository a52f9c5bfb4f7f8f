import { definition as herds } from "./games/herds.js";
import { definition as crossing } from "./games/crossing.js";
import { crewOf, gameIn } from "./support/crews.js";
for (const [name, spec, zones] of [
  ["herds", gameIn("herds", herds), 100],
  ["crossing", gameIn("crossing", crossing), 100],
  ["herds", gameIn("herds", herds), 1],
] as const)
  for (const spin of ["auto", "off"] as const)
  for (const slots of [1, 2]) {
    const { crew, board } = await crewOf({ ...spec, settings: { zones, bots: 5, players: 8, seed: 5, npcs: 200 }, slots, spin });
    await crew.advanceTo(200);
    const times: number[] = [];
    let tick = 200;
    const t0 = performance.now();
    const c0 = process.cpuUsage();
    for (let i = 0; i < 300; i++) {
      const t = performance.now();
      board.target = ++tick;
      while (!board.haveArrived(tick)) Atomics.wait(board.mainBell.words, board.mainBell.index, board.mainBell.value, 1);
      times.push(performance.now() - t);
    }
    const per = (performance.now() - t0) / 300;
    times.sort((a, b) => a - b);
    const cpu = process.cpuUsage(c0);
    const t1 = performance.now();
    await crew.advanceTo(tick + 300);
    const batch = (performance.now() - t1) / 300;
    console.log(name, zones, "spin", spin, "slots", slots, "ms/tick single", per.toFixed(3), "p50", times[150]?.toFixed(3), "p99", times[297]?.toFixed(3), "free run", batch.toFixed(3), "cpu", ((cpu.user + cpu.system) / 1000 / 300).toFixed(2));
    await crew.close();
  }
