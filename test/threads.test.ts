/** Sim workers: the same bytes whatever the threads. */
// slow
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Balance } from "../src/threads/balance.js";
import { definition } from "./games/crossing.js";
import { definition as herds } from "./games/herds.js";
import { crewOf, differences, gameIn, hashesWithoutThreads, type TestCrew } from "./support/crews.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { SlotTeam } from "./support/slot-teams.js";

const CROSSING = gameIn("crossing", definition);
const HERDS = gameIn("herds", herds);

async function hashesWithThreads(spec: TestCrew, ticks: number) {
  const { crew, failures } = await crewOf(spec);
  try {
    await crew.advanceTo(ticks);
    assert.equal(failures, []);
    return await crew.hashes();
  } finally {
    await crew.close();
  }
}

const TICKS = 150 * EFFORT;
const SEEDS = 3 * EFFORT;

const ALL_WAYS = [
  [2, "auto"],
  [8, "off"],
  [1, "auto"],
  [2, "off"],
  [4, "auto"],
] as const;
const WAYS = ALL_WAYS.slice(0, EFFORT > 1 ? ALL_WAYS.length : 2);

test("zones with gates, bots and scripts come to the same hashes on any number of threads, spinning or not", async () => {
  const spec = { ...CROSSING, settings: { zones: 5, npcs: 60, bots: 6, players: 8, seed: 3 } };
  const { hashes, transfers } = await hashesWithoutThreads(spec, TICKS);
  assert.ok(transfers > TICKS / 6, `${transfers} went through gates`);
  for (const [slots, spin] of WAYS) {
    const found = await hashesWithThreads({ ...spec, slots, spin }, TICKS);
    assert.equal(differences(found, hashes), [], `${slots} threads, spin ${spin}`);
  }
});

test("zones without scripts, whose steps go to whichever thread is free, come to the same hashes", async () => {
  const spec = { ...HERDS, settings: { zones: 23, bots: 3, players: 8, seed: 5 } };
  const { hashes } = await hashesWithoutThreads(spec, TICKS / 2);
  for (const [slots, spin] of WAYS) {
    const found = await hashesWithThreads({ ...spec, slots, spin }, TICKS / 2);
    assert.equal(differences(found, hashes), [], `${slots} threads, spin ${spin}`);
  }
});

test(`over ${SEEDS} seeds zones at home anywhere, that move, come to the same hashes on 1, 2, 4 and 8 threads, spinning or not`, async () => {
  const team = new SlotTeam(8);
  let moved = 0;
  try {
    for (let seed = 1; seed <= SEEDS; seed++) {
      for (const slots of [1, 2, 4, 8]) {
        const run = await team.run({ seed, slots, spin: (seed + slots) % 2 === 0 ? "auto" : "off" });
        assert.equal(run.odd, [], `seed ${seed}, ${slots} slots`);
        moved += run.moved;
      }
    }
  } finally {
    await team.close();
  }
  assert.ok(moved > 2 * SEEDS, `${moved} moves`);
});

test("one notify in a hundred that is lost, and one in three, holds nobody up for good, and changes nothing", async () => {
  const team = new SlotTeam(4);
  let lost = 0;
  try {
    for (let seed = 21; seed <= 26; seed++) {
      const run = await team.run({ seed, slots: 4, lossy: seed % 2 === 0 ? 100 : 3 });
      assert.equal(run.odd, [], `seed ${seed}`);
      lost += run.lost;
    }
  } finally {
    await team.close();
  }
  assert.ok(lost > 50, `${lost} were lost`);
});

test("over 1,000 random loads homes move only while it helps, come to rest, and no further move would help by a tenth of a period", () => {
  const periodMs = 1000 / 60;
  let moved = 0;
  for (let seed = 1; seed <= 1000; seed++) {
    const random = new Random(seed);
    const slots = random.integer(2, 6);
    const costs = Array.from({ length: random.integer(1, 40) }, () => random.float() ** 3 * 8000);
    const homes = costs.map(() => random.integer(0, slots - 1));
    const balance = new Balance(slots, periodMs);
    const gap = (): number => {
      const loads = new Array<number>(slots).fill(0);
      costs.forEach((cost, zone) => {
        const home = homes[zone] ?? 0;
        loads[home] = (loads[home] ?? 0) + cost;
      });
      return Math.max(...loads) - Math.min(...loads);
    };
    let quiet = 0;
    for (let look = 0; quiet < 4; look++) {
      assert.ok(look < 400, `seed ${seed}: homes do not come to rest`);
      const move = balance.look(costs, (zone) => homes[zone] ?? 0);
      quiet = move === null ? quiet + 1 : 0;
      if (move === null) continue;
      assert.ok(look >= 2, `seed ${seed}: it moved before the imbalance lasted`);
      const before = gap();
      homes[move.zone] = move.to;
      assert.ok(gap() <= before, `seed ${seed}: the gap grew`);
      moved++;
    }
  }
  assert.ok(moved > 1000, `${moved} moves`);
});

test("who cannot move stays, and loads that are even enough are left as they are", () => {
  const homes = [0, 0, 1];
  const balance = new Balance(2, 1000 / 60);
  const looks = (costs: readonly number[], mayMove: (zone: number) => boolean) =>
    [1, 2, 3, 4].map(() => balance.look(costs, (zone) => homes[zone] ?? 0, mayMove));
  assert.equal(
    looks([5000, 5000, 0], () => false),
    [null, null, null, null],
  );
  assert.equal(
    looks([900, 100, 300], () => true),
    [null, null, null, null],
  );
  assert.equal(looks([5000, 4000, 0], (zone) => zone === 1).filter(Boolean), [{ zone: 1, to: 1 }]);
});

test.run();
