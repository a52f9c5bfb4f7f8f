/** Sim workers that fail: what their zones come to, and what the others notice of it. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runFaults } from "./support/faults.js";

test("errors, traps, exits and loops for ever of zones, and threads that are ended, leave all zones as if nothing had been", async () => {
  let count = 0;
  for (const seed of [1, 2]) {
    const { faults, kills, odd } = await runFaults(seed);
    assert.equal(odd, [], `seed ${seed}`);
    count += faults.length + kills;
  }
  assert.ok(count >= 30, `${count} faults`);
});

test.run();
