/** Sim workers that fail: what their zones come to, and what the others notice of it. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { killAtGates, killAtSteps, runFaults } from "./support/faults.js";

test("errors, traps, exits and loops for ever of zones, and threads that are ended, leave all zones as if nothing had been", async () => {
  let count = 0;
  for (const seed of [1, 2]) {
    const { faults, kills, odd } = await runFaults(seed);
    assert.equal(odd, [], `seed ${seed}`);
    count += faults.length + kills;
  }
  assert.ok(count >= 30, `${count} faults`);
});

test("threads that are ended while they step zones of whoever has them, the one that lends them too, leave all zones as they would be", async () => {
  for (const seed of [1, 2, 3]) {
    const { kills, failures, odd } = await killAtSteps(seed);
    assert.equal(odd, [], `seed ${seed}`);
    assert.is(failures.length, kills);
  }
});

test("threads that are ended while all go to and fro between their zones lose nobody, and double nobody", async () => {
  let transfers = 0;
  for (const seed of [1, 2, 3]) {
    const run = await killAtGates(seed);
    assert.equal(run.odd, [], `seed ${seed}`);
    assert.is(run.failures.length, run.kills);
    transfers += run.transfers;
  }
  assert.ok(transfers > 300, `${transfers} went through gates`);
});

test.run();
