/** Pools: their bounds and counters against a model, what misuse meets, and that nothing is lost or handed out twice. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Pool, type PoolStats } from "../src/sim/pool.js";
import { forSeeds } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";

interface Thing {
  readonly number: number;
}

function things(capacity: number, prewarm = 0): { pool: Pool<Thing>; made: () => number } {
  let count = 0;
  const pool = new Pool<Thing>({ name: "things", capacity, prewarm, create: () => ({ number: count++ }) });
  return { pool, made: () => count };
}

function taken(pool: Pool<Thing>): Thing {
  const thing = pool.acquire();
  if (thing === null) throw new Error("the pool was empty");
  return thing;
}

test("3 of 8 objects are made ahead, the others when they are needed first, and none a second time", () => {
  const { pool, made } = things(8, 3);
  assert.is(made(), 3);
  const out = Array.from({ length: 5 }, () => taken(pool));
  assert.is(made(), 5);
  for (const thing of out) pool.release(thing);
  for (let i = 0; i < 5; i++) taken(pool);
  assert.is(made(), 5);
  assert.is(pool.created, 5);
});

test("a pool of 2 hands out 2, then null, and counts the failure; what is released is handed out again, last first", () => {
  const { pool } = things(2);
  const [a, b] = [taken(pool), taken(pool)];
  assert.is.not(a, b);
  assert.is(pool.acquire(), null);
  assert.is(pool.acquire(), null);
  assert.is(pool.failedAcquires, 2);
  assert.is(pool.inUse, 2);
  pool.release(a);
  pool.release(b);
  assert.is(pool.acquire(), b);
  assert.is(pool.acquire(), a);
  assert.is(pool.highWater, 2);
});

test("releasing twice, or what another pool handed out, throws POOL_MISUSE and changes nothing", () => {
  const { pool } = things(4);
  const other = things(4).pool;
  const [a, b] = [taken(pool), taken(pool)];
  pool.release(a);
  const before = JSON.stringify(stats(pool));
  refuses("POOL_MISUSE", () => pool.release(a), /things .* twice/);
  refuses("POOL_MISUSE", () => pool.release(taken(other)), /not its own/);
  refuses("POOL_MISUSE", () => pool.release({ number: 1 }), /not its own/);
  assert.is(JSON.stringify(stats(pool)), before);
  assert.is(pool.holds(a), false);
  assert.is(pool.holds(b), true);
  pool.release(b);
  refuses("POOL_MISUSE", () => pool.release(b));
  assert.is.not(taken(pool), taken(pool));
  assert.is(pool.inUse, 2);
});

test("a pool whose objects are one and the same is refused when the second is made", () => {
  const only = { number: 1 };
  const pool = new Pool<Thing>({ name: "one", capacity: 2, create: () => only });
  assert.is(pool.acquire(), only);
  refuses("POOL_MISUSE", () => pool.acquire());
  pool.release(only);
  assert.is(pool.inUse, 0);
});

test("a factory that throws leaves the pool as it was", () => {
  let fails = true;
  const pool = new Pool<Thing>({
    name: "flaky",
    capacity: 1,
    create: () => {
      if (fails) throw new Error("no memory");
      return { number: 0 };
    },
  });
  assert.throws(() => pool.acquire(), /no memory/);
  assert.equal(stats(pool), { capacity: 1, inUse: 0, highWater: 0, failedAcquires: 0 });
  fails = false;
  assert.is(taken(pool).number, 0);
});

test("capacities of 0, 1.5 and NaN, and more made ahead than there may be, are refused", () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 32]) refuses("BAD_ARGUMENT", () => things(capacity), /capacity/);
  for (const prewarm of [-1, 0.5, 5]) refuses("BAD_ARGUMENT", () => things(4, prewarm), /prewarm/);
  assert.is(things(4, 4).made(), 4);
});

const stats = ({ capacity, inUse, highWater, failedAcquires }: PoolStats) => ({
  capacity,
  inUse,
  highWater,
  failedAcquires,
});

test("2,000 random acquires and releases x 40 seeds: never one object to two, counters as a set says, 0 in use at the end", () => {
  forSeeds(40, (seed) => {
    const random = new Random(seed);
    const capacity = random.integer(1, 20);
    const { pool } = things(capacity, random.integer(0, capacity));
    const out = new Set<Thing>();
    let highWater = 0;
    let failed = 0;
    for (let i = 0; i < 2000; i++) {
      // The tide comes and goes.
      if (random.float() < (i % 500 < 250 ? 0.6 : 0.4)) {
        const thing = pool.acquire();
        if (thing === null) {
          failed++;
          assert.is(out.size, capacity, "refused though there was room");
        } else {
          assert.not(out.has(thing), "one object to two");
          out.add(thing);
        }
      } else if (out.size > 0) {
        const thing = random.pick([...out]);
        out.delete(thing);
        pool.release(thing);
        refuses("POOL_MISUSE", () => pool.release(thing));
      }
      highWater = Math.max(highWater, out.size);
      assert.equal(stats(pool), { capacity, inUse: out.size, highWater, failedAcquires: failed });
    }
    for (const thing of out) pool.release(thing);
    assert.is(pool.inUse, 0);
    assert.ok(pool.created <= capacity);
  });
});

test.run();
