/** What servers on threads tell of themselves, and what their threads leave to the garbage collector. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createServer } from "../src/server.js";
import { definition as crossing } from "./games/crossing.js";
import { definition as herds } from "./games/herds.js";
import { crewOf, gameIn } from "./support/crews.js";
import { EFFORT } from "./support/effort.js";
import { until } from "./support/until.js";

const CROSSING = gameIn("crossing", crossing);
const HERDS = gameIn("herds", herds);

test("each of 600 ticks is told once, and once by each of 1, 2 or 4 threads", async () => {
  for (const slots of EFFORT > 1 ? [1, 2, 4] : [2]) {
    const { crew, ticks, meters } = await crewOf({ ...CROSSING, settings: { zones: 5, npcs: 20, seed: 3 }, slots });
    try {
      await crew.advanceTo(600);
      const told = (): number[] => [ticks.tickMs.count, ...meters.map(({ tickMs }) => tickMs.count)];
      await until("all have told", () => told().every((count) => count >= 600));
      assert.equal(told(), new Array(slots + 1).fill(600), `${slots} threads`);
    } finally {
      await crew.close();
    }
  }
});

test("a sim thread collects less than once in 2,000 ticks, journals of its zones included", async () => {
  const TICKS = 10_000;
  for (const [name, game] of Object.entries({ CROSSING, HERDS }).slice(0, EFFORT)) {
    const { crew, meters } = await crewOf({ ...game, settings: { zones: 4, npcs: 20, seed: 3 }, slots: 2 });
    // What was measured is told in the turns of a thread's event loop, which answers make.
    const collections = async (tick: number): Promise<number[]> => {
      await crew.advanceTo(tick);
      for (let turn = 0; turn < 4; turn++) await crew.hashes();
      return meters.map(({ gcMs }) => gcMs.count);
    };
    try {
      const before = await collections(2000);
      assert.ok(
        before.some((count) => count > 0),
        "warming up leaves garbage",
      );
      const beganMs = performance.now();
      const after = await collections(2000 + TICKS);
      const seconds = (performance.now() - beganMs) / 1000;
      const found = after.map((count, slot) => count - (before[slot] ?? 0));
      console.log(`${name}: ${found.join(" and ")} collections in ${TICKS} ticks`);
      // And V8 compacts a heap that has not grown for 8 seconds, of its own accord, which counts as two.
      const compactions = 1 + Math.floor(seconds / 8);
      assert.ok(Math.max(...found) < TICKS / 2000 + 2 * compactions, `${name}: ${found} collections in ${seconds} s`);
    } finally {
      await crew.close();
    }
  }
});

test("a server on 2 threads tells of each, of its zones' homes and costs, and of its ticks once", async () => {
  const server = await createServer({ port: 0, threads: 2, zones: 4, npcs: 50, bots: 2 });
  try {
    await until("all threads were busy for a second", () => {
      return server.stats().workers.every(({ utilisation }) => utilisation > 0);
    });
    const { workers, tick, zone } = server.stats("zone-3");
    assert.equal(
      workers.map(({ name }) => name),
      ["main", "sim-0", "sim-1"],
    );
    for (const { name, utilisation, tickP99Ms } of workers) {
      assert.ok(utilisation <= 1 && tickP99Ms > 0, `${name}: busy ${utilisation}, ${tickP99Ms} ms`);
    }
    assert.ok(zone !== undefined && /^sim-[01]$/.test(zone.worker) && zone.costMs > 0, JSON.stringify(zone));
    const scrape = async () => (await fetch(`${server.http}/metrics`)).text();
    const metrics = await scrape();
    const read = (name: string, text = metrics): number =>
      Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (\\S+)$`, "m").exec(text)?.[1]);
    assert.ok(read("gyre_tick_seconds_count") > tick / 2, `${read("gyre_tick_seconds_count")} ticks`);
    for (const thread of ["sim-0", "sim-1"]) {
      for (const name of ["gyre_thread_tick_seconds_count", "gyre_thread_wakeup_seconds_count", "gyre_heap_bytes"]) {
        assert.ok(read(`${name}{thread="${thread}"}`) > 0, `${name} of ${thread}`);
      }
      assert.is(read(`gyre_thread_restarts_total{thread="${thread}"}`), 0);
      // A thread may have told of ticks that the main thread has not heard of yet.
      const told = read(`gyre_thread_tick_seconds_count{thread="${thread}"}`);
      await until("there were as many ticks", async () => read("gyre_ticks_total", await scrape()) >= told);
    }
    const homes = [0, 1, 2, 3].map((i) => read(`gyre_zone_home{zone="zone-${i}"}`));
    assert.ok(
      homes.every((home) => home === 0 || home === 1),
      `${homes}`,
    );
  } finally {
    await server.close();
  }
});

test.run();
