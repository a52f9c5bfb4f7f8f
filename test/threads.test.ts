/** Sim workers: the same bytes whatever the threads. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadKernel } from "../src/kernel/load.js";
import { Zones } from "../src/sim/zones.js";
import type { Hashes } from "../src/threads/crew.js";
import { definition } from "./games/crossing.js";
import { crewOf, gameIn } from "./support/crews.js";

const CROSSING = gameIn("crossing", definition);
const SETTINGS = { zones: 5, npcs: 60, bots: 6, players: 8, seed: 3 };

/** What differs, by zone and part. */
function differences(found: Hashes, expected: Hashes): string[] {
  const odd = expected.flatMap(([zone, hash, digests]) => {
    const [, its, parts = new Map<string, bigint>()] = found.find(([other]) => other === zone) ?? [];
    if (its === hash) return [];
    return [
      `zone ${zone}: ${[...digests].filter(([name, digest]) => parts.get(name) !== digest).map(([name]) => name)}`,
    ];
  });
  return found.length === expected.length ? odd : [`${found.length} zones of ${expected.length}`, ...odd];
}

test("zones with gates, bots and scripts come to the same hashes on 0, 1, 2, 4 and 8 threads, spinning or not", async () => {
  let expected: Hashes | undefined;
  let transfers = 0;
  for (const [slots, spin] of [
    [1, "auto"],
    [2, "auto"],
    [2, "off"],
    [4, "auto"],
    [8, "off"],
  ] as const) {
    const { crew, plan } = await crewOf({ ...CROSSING, settings: SETTINGS, slots, spin });
    if (expected === undefined) {
      const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings });
      for (let tick = 0; tick < 600; tick++) zones.step();
      assert.equal(
        zones.all.map(({ fault }) => fault?.message),
        new Array(5).fill(undefined),
      );
      expected = zones.all.map((world, i) => [i, world.hash(), world.digests()] as const);
      transfers = zones.transfers;
      zones.close();
    }
    try {
      await crew.advanceTo(600);
      assert.equal(differences(await crew.hashes(), expected), [], `${slots} threads, spin ${spin}`);
    } finally {
      await crew.close();
    }
  }
  assert.ok(transfers > 100, `${transfers} went through gates`);
});

test.run();
