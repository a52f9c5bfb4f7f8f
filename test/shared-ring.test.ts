/**
 * The ring of records between threads: every policy against a model that is a plain list, cursors on both sides of 2^32, threads
 * that come in between or end at any atomic operation, and real ones.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PRODUCERS_MAX, SharedRing, type SharedRingPolicy, type SharedRingShape } from "../src/sync/ring.js";
import { EFFORT } from "./support/effort.js";
import { atEachAtomic, dyingAt, interleave } from "./support/interleave.js";
import { forSeeds } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { RingModel } from "./support/ring-model.js";
import { runRing } from "./support/ring-threads.js";
import { SYNC_THREAD, startThread } from "./support/sync-threads.js";
import { until } from "./support/until.js";

const POLICIES = ["refuse", "drop-oldest", "drop-low"] as const;
const PRODUCERS = ["single", "multi"] as const;
/** Where cursors begin: at 0, or so that they soon pass 2^31 or 2^32. */
const STARTS = [0, 2 ** 31 - 30, 2 ** 32 - 30] as const;

function memoryOf(shape: SharedRingShape, start = 0): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(SharedRing.bytesOf(shape));
  SharedRing.init(buffer, 0, shape, start);
  return buffer;
}

const shapeOf = (
  policy: SharedRingPolicy,
  producers: "single" | "multi",
  capacity: number,
  recordBytes = 24,
): SharedRingShape => ({ capacity, recordBytes, policy, producers });

/** Fills the record with what can be told from (who, number): any word of another record would not fit. */
function write(ring: SharedRing, who: number, number: number, critical: boolean): void {
  const { recordWords } = ring;
  recordWords[0] = who * 2 + (critical ? 1 : 0);
  for (let i = 1; i < recordWords.length; i++) recordWords[i] = Math.imul(number + 1, i) ^ recordWords[0];
}

interface Read {
  readonly who: number;
  readonly number: number;
  readonly critical: boolean;
}

/** The record as it was written; fails when it is of two. */
function readOf({ recordWords }: SharedRing): Read {
  const first = recordWords[0]!;
  const number = (recordWords[1]! ^ first) - 1;
  for (let i = 1; i < recordWords.length; i++) {
    // Not by assert alone, which is given a message each time.
    if (recordWords[i] !== (Math.imul(number + 1, i) ^ first)) assert.unreachable(`word ${i} of ${recordWords}`);
  }
  return { who: first >>> 1, number, critical: (first & 1) === 1 };
}

/** 600 pushes and reads, now more of the one, now of the other, compared with the model after each. */
function followsModel(shape: SharedRingShape, start: number, seed: number): void {
  const random = new Random(seed * 31 + shape.capacity);
  const buffer = memoryOf(shape, start);
  const consumer = new SharedRing(buffer, 0);
  const producers = (shape.producers === "single" ? [0] : [0, 7, 253]).map((who) => new SharedRing(buffer, 0, who));
  const model = new RingModel<Read>(shape.capacity, shape.policy);
  let told = 0;
  for (let i = 0; i < 600; i++) {
    const pushes = i % 200 < 120 ? 3 : 1;
    if (random.integer(0, 3) < pushes) {
      const who = random.integer(0, producers.length - 1);
      const record = { who, number: i, critical: random.integer(0, 3) === 0 };
      write(producers[who]!, who, i, record.critical);
      assert.is(producers[who]!.push(record.critical), model.push(record), `push ${i}`);
    } else {
      const expected = model.waiting.shift();
      assert.is(consumer.next(), expected !== undefined, `read ${i}`);
      if (expected !== undefined) assert.equal(readOf(consumer), expected, `read ${i}`);
    }
    assert.is(consumer.count, model.waiting.length);
    assert.is(consumer.droppedOldest, model.droppedOldest);
    assert.is(consumer.droppedLow, model.droppedLow);
    assert.is(consumer.refused, model.refused);
    if (random.integer(0, 50) === 0) told += consumer.takeLost();
  }
  told += consumer.takeLost();
  const lost = model.droppedOldest + model.droppedLow + model.refused;
  assert.is(told, lost);
  assert.ok(lost > 0 || shape.capacity > 64, "the ring was never full");
  assert.is(new SharedRing(buffer, 0).takeLost(), 0);
}

for (const policy of POLICIES) {
  test(`${policy}: 600 random pushes and reads x 10 seeds x 5 capacities x 3 starts, one or three producers, are what a list would do`, () => {
    for (const capacity of [2, 4, 8, 64, 256]) {
      for (const producers of PRODUCERS) {
        for (const start of STARTS) {
          forSeeds(10, (seed) => followsModel(shapeOf(policy, producers, capacity), start, seed));
        }
      }
    }
  });
}

/** Producers and a consumer that come in between each other's atomic operations; what holds whoever is faster. */
function interleaves(shape: SharedRingShape, start: number, seed: number): void {
  const random = new Random(seed * 77 + shape.capacity);
  const buffer = memoryOf(shape, start);
  const consumer = new SharedRing(buffer, 0);
  const numbers = shape.producers === "single" ? [0] : [0, 0, 0];
  const seen = numbers.map(() => -1);
  const pushed = [0, 0];
  const read = [0, 0];
  let untaken = 0;
  const steps = numbers.map((_, who) => {
    const ring = new SharedRing(buffer, 0, who);
    return (): void => {
      const critical = random.integer(0, 3) === 0;
      const number = numbers[who]!++;
      write(ring, who, number, critical);
      pushed[critical ? 1 : 0]!++;
      if (!ring.push(critical)) untaken++;
    };
  });
  const take = (): boolean => {
    if (!consumer.next()) return false;
    const { who, number, critical } = readOf(consumer);
    assert.ok(number > seen[who]!, `record ${number} of producer ${who} came after ${seen[who]}`);
    seen[who] = number;
    read[critical ? 1 : 0]!++;
    return true;
  };
  // Now one end is faster, now the other.
  for (const reads of [1, 3, 6]) {
    const takeSome = (): void => {
      for (let i = 0; i < reads; i++) take();
    };
    interleave([...steps, takeSome], 400, 0.1, () => random.float());
  }
  assert.ok(consumer.count <= shape.capacity + numbers.length - 1);
  while (take());
  assert.is(consumer.count, 0);
  const { droppedOldest, droppedLow, refused } = consumer;
  const [normals, criticals] = [pushed[0]! - read[0]!, pushed[1]! - read[1]!];
  assert.is(normals + criticals, droppedOldest + droppedLow + refused, "each record was read or counted as lost");
  if (shape.policy === "refuse") assert.is(refused, untaken);
  else assert.ok(refused === 0 || shape.producers === "multi", "one producer is never in its own way");
  if (shape.policy === "drop-low" && refused === 0) assert.is(criticals, droppedOldest);
}

for (const policy of POLICIES) {
  test(`${policy}: whoever comes in between at any atomic operation, no record is torn, out of its producer's order or lost uncounted`, () => {
    for (const capacity of [2, 4, 16]) {
      for (const producers of PRODUCERS) {
        for (const start of STARTS) {
          forSeeds(15, (seed) => interleaves(shapeOf(policy, producers, capacity), start, seed));
        }
      }
    }
  });
}

/** The same, with threads that end: what they had in their hands may be lost uncounted, and nothing else. */
function survivesAll(shape: SharedRingShape, start: number, seed: number): void {
  const random = new Random(seed * 99 + shape.capacity);
  const buffer = memoryOf(shape, start);
  const numbers = shape.producers === "single" ? [0] : [0, 0, 0];
  const producers = numbers.map((_, who) => new SharedRing(buffer, 0, who));
  let consumer = new SharedRing(buffer, 0);
  const seen = numbers.map(() => -1);
  let [deaths, read] = [0, 0];
  const steps = numbers.map((_, who) => (): void => {
    const critical = random.integer(0, 3) === 0;
    write(producers[who]!, who, numbers[who]!++, critical);
    producers[who]!.push(critical);
  });
  const take = (): void => {
    if (!consumer.next()) return;
    const { who, number } = readOf(consumer);
    assert.ok(number > seen[who]!, `record ${number} of producer ${who} came after ${seen[who]}`);
    seen[who] = number;
    read++;
  };
  const reborn = (thread: number): void => {
    deaths++;
    if (thread < numbers.length) producers[thread] = new SharedRing(buffer, 0, thread);
    else consumer = new SharedRing(buffer, 0);
  };
  for (const reads of [1, 3]) {
    const takeSome = (): void => {
      for (let i = 0; i < reads; i++) take();
    };
    interleave([...steps, takeSome], 400, 0.1, () => random.float(), { chance: 0.02, reborn });
  }
  numbers.forEach((_, who) => {
    producers[who] = new SharedRing(buffer, 0, who);
  });
  for (let left = consumer.count; left > 0; left--) take();
  assert.is(consumer.count, 0);
  const { droppedOldest, droppedLow, refused, abandoned } = consumer;
  const pushed = numbers.reduce((sum, number) => sum + number, 0);
  const unaccounted = pushed - (read + droppedOldest + droppedLow + refused + abandoned);
  assert.ok(deaths > 5 && Math.abs(unaccounted) <= 2 * deaths, `${unaccounted} unaccounted for after ${deaths} deaths`);
  for (let i = 0; i < shape.capacity; i++) {
    write(producers[0]!, 0, numbers[0]!++, false);
    assert.ok(producers[0]!.push());
  }
  for (let i = 0; i < shape.capacity; i++) take();
  assert.is(seen[0], numbers[0]! - 1);
  assert.is(consumer.next(), false);
}

for (const policy of POLICIES) {
  test(`${policy}: whoever ends at any atomic operation, and whoever comes in between, nothing is torn, out of order or stuck`, () => {
    for (const capacity of [2, 4, 16]) {
      for (const producers of PRODUCERS) {
        for (const start of STARTS) {
          forSeeds(15, (seed) => survivesAll(shapeOf(policy, producers, capacity), start, seed));
        }
      }
    }
  });
}

/** A ring with some records in it, in which a thread ends at its n-th atomic operation; false when it has fewer. more: pushed after. */
function survives(
  shape: SharedRingShape,
  filled: number,
  who: "producer" | "consumer",
  n: number,
  more: number,
): boolean {
  const buffer = memoryOf(shape, 2 ** 32 - 3);
  let number = 0;
  const push = (ring: SharedRing, critical: boolean): boolean => {
    write(ring, 0, number++, critical);
    return ring.push(critical);
  };
  const first = new SharedRing(buffer, 0, 0);
  for (let i = 0; i < filled; i++) push(first, i % 3 === 2);
  let consumer = new SharedRing(buffer, 0);
  const died = dyingAt(n, () => {
    if (who === "producer") push(first, n % 2 === 1);
    else consumer.next();
  });
  if (!died) return false;
  // Another producer goes on meanwhile, then the successor comes.
  if (shape.producers === "multi" && more > 0) push(new SharedRing(buffer, 0, 1), true);
  const second = new SharedRing(buffer, 0, 0);
  consumer = new SharedRing(buffer, 0);
  for (let i = 0; i < more; i++) push(second, i === 1);
  let last = -1;
  let read = 0;
  const waiting = consumer.count;
  for (; consumer.next(); read++) {
    const record = readOf(consumer);
    assert.ok(record.number > last, `${record.number} came after ${last}`);
    last = record.number;
  }
  const { count, droppedOldest, droppedLow, refused, abandoned } = consumer;
  assert.is(count, 0);
  assert.ok(
    waiting - read >= 0 && waiting - read <= abandoned,
    `${read} of ${waiting} were read, ${abandoned} given up`,
  );
  assert.ok(abandoned <= 1 && (abandoned === 0 || who === "producer"));
  const unaccounted = number - (read + droppedOldest + droppedLow + refused + abandoned);
  // The one that was in the hands of who died, and one that was being dropped.
  assert.ok(unaccounted >= 0 && unaccounted <= 2, `${unaccounted} of ${number} records are unaccounted for`);
  // And every place is of use again.
  for (let i = 0; i < shape.capacity; i++) assert.ok(push(second, false));
  for (let i = 0; i < shape.capacity; i++) assert.ok(consumer.next());
  assert.is(consumer.next(), false);
  return true;
}

test("a producer or consumer that ends before any of its atomic operations leaves a ring that its successor goes on with", () => {
  for (const policy of POLICIES) {
    for (const producers of PRODUCERS) {
      for (const filled of [0, 1, 3, 4]) {
        for (const who of ["producer", "consumer"] as const) {
          for (const more of [0, 3]) {
            let n = 0;
            while (survives(shapeOf(policy, producers, 4), filled, who, n, more)) n++;
            assert.ok(n >= 2 && n < 20, `${policy}, ${producers}, ${filled}: a ${who} ended ${n} times`);
          }
        }
      }
    }
  }
});

test("what a producer left claimed blocks the ring, and nobody but its own successor gives it up", () => {
  const buffer = memoryOf(shapeOf("drop-oldest", "multi", 4));
  const consumer = new SharedRing(buffer, 0);
  const dead = new SharedRing(buffer, 0, 5);
  // Ends between its claim and its publication: its tail has moved.
  let n = 0;
  while (consumer.count === 0) assert.ok(dyingAt(n++, () => dead.push()));
  const other = new SharedRing(buffer, 0, 6);
  for (let i = 0; i < 3; i++) {
    write(other, 6, i, false);
    assert.is(other.push(), true);
  }
  assert.is(consumer.next(), false);
  assert.is(other.push(), false, "what is being written is not dropped");
  assert.is(consumer.refused, 1);
  assert.is(new SharedRing(buffer, 0, 7).abandoned, 0);
  assert.is(consumer.next(), false);
  assert.is(new SharedRing(buffer, 0, 5).abandoned, 1);
  for (let i = 0; i < 3; i++) {
    assert.is(consumer.next(), true);
    assert.is(readOf(consumer).number, i);
  }
  assert.is(consumer.next(), false);
  assert.is(consumer.takeLost(), 2);
});

for (const [policy, critical] of [
  ["drop-oldest", false],
  ["drop-low", false],
  ["drop-low", true],
] as const) {
  const what = `${policy}, ${critical ? "critical" : "normal"} records`;
  test(`${what}: when a full ring is filled anew at any moment of a read, the record is whole and none is skipped`, () => {
    for (let n = 0, operations = n + 1; n < operations; n++) {
      const buffer = memoryOf(shapeOf(policy, "single", 4), 2 ** 32 - 5);
      const consumer = new SharedRing(buffer, 0);
      const producer = new SharedRing(buffer, 0, 0);
      const fill = (first: number): void => {
        for (let number = first; number < first + 4; number++) {
          write(producer, 0, number, critical);
          assert.is(producer.push(critical), true);
        }
      };
      fill(0);
      operations = 0;
      let fills = 0;
      const taken = atEachAtomic(
        () => {
          if (fills === 0 && operations++ === n) fill(4 * ++fills);
        },
        () => consumer.next(),
      );
      assert.is(taken, true, `filled before operation ${n}`);
      const { number } = readOf(consumer);
      assert.is(number, fills === 0 ? 0 : 4, `filled before operation ${n}`);
      assert.is(consumer.droppedOldest + consumer.droppedLow, 4 * fills);
      for (let next = number + 1; consumer.next(); next++) assert.is(readOf(consumer).number, next);
      assert.is(consumer.count, 0);
      assert.ok(n > 0 || fills === 1);
      operations++;
    }
  });
}

test("a lone producer that ended between a record and its tail: the next one's critical record comes after it", () => {
  const buffer = memoryOf(shapeOf("drop-low", "single", 4));
  const first = new SharedRing(buffer, 0, 0);
  write(first, 0, 0, false);
  first.push();
  // The tail of lane 0 as it was.
  new Int32Array(buffer)[16]!--;
  const second = new SharedRing(buffer, 0, 0);
  write(second, 0, 1, true);
  second.push(true);
  const consumer = new SharedRing(buffer, 0);
  assert.is(consumer.count, 2);
  for (const number of [0, 1]) {
    assert.is(consumer.next(), true);
    assert.is(readOf(consumer).number, number);
  }
});

test("shapes, places, memory and producers' numbers out of range are refused", () => {
  const good = shapeOf("refuse", "multi", 8);
  const buffer = memoryOf(good);
  for (const bad of [
    { ...good, capacity: 0 },
    { ...good, capacity: 1 },
    { ...good, capacity: 12 },
    { ...good, capacity: 131_072 },
    { ...good, recordBytes: 0 },
    { ...good, recordBytes: 12 },
    { ...good, recordBytes: 264 },
    { ...good, policy: "drop-all" as SharedRingPolicy },
  ]) {
    refuses("BAD_ARGUMENT", () => SharedRing.init(new SharedArrayBuffer(1 << 20), 0, bad));
  }
  refuses("BAD_ARGUMENT", () => SharedRing.init(buffer, 64, good), /does not fit/);
  refuses("BAD_ARGUMENT", () => new SharedRing(buffer, 32));
  refuses("BAD_ARGUMENT", () => new SharedRing(new SharedArrayBuffer(4096), 0), /power of two/);
  for (const who of [-1, PRODUCERS_MAX, 0.5]) refuses("BAD_ARGUMENT", () => new SharedRing(buffer, 0, who));
  assert.is(new SharedRing(buffer, 0, PRODUCERS_MAX - 1).push(), true);
  refuses("BAD_ARGUMENT", () => new SharedRing(buffer, 0).push(), /consumer/);
  const single = memoryOf(shapeOf("refuse", "single", 8));
  refuses("BAD_ARGUMENT", () => new SharedRing(single, 0, 1));
  assert.is(new SharedRing(single, 0, 0).push(), true);
});

for (const policy of POLICIES) {
  for (const producers of [1, 2, 7]) {
    // Some hundred million go through in .ci/rings.mjs.
    const COUNT = 140_000;
    test(`${policy}: ${COUNT} records of ${producers} producers between ${producers + 1} threads, none torn, out of order or lost uncounted`, async () => {
      const shape = shapeOf(policy, producers === 1 ? "single" : "multi", 1024);
      const { pushed, read } = await runRing(SYNC_THREAD, shape, producers, COUNT);
      assert.is(pushed, COUNT);
      assert.ok(read > COUNT / 100, `${read} were read`);
    });
  }
}

const LIVES = 3 * EFFORT;

for (const policy of POLICIES) {
  test(`${policy}: a producer's thread is ended ${LIVES} times in the middle of pushing, another one's goes on, and nothing is torn or stuck`, async () => {
    const buffer = memoryOf(shapeOf(policy, "multi", 64), 2 ** 32 - 5000);
    const consumer = new SharedRing(buffer, 0);
    /** By producer: its life and the number of its last record. */
    const last = [
      [0, -1],
      [0, -1],
    ] as [number, number][];
    const read = (): boolean => {
      if (!consumer.next()) return false;
      const [me, life, i, ...others] = consumer.recordWords as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      assert.equal(others, [me ^ i, life ^ i, ~i]);
      const [lastLife, lastNumber] = last[me]!;
      assert.ok(
        life > lastLife || (life === lastLife && i > lastNumber),
        `${life}:${i} after ${lastLife}:${lastNumber}`,
      );
      last[me] = [life, i];
      return true;
    };
    const random = new Random(3);
    const steady = startThread("pushForEver", buffer, 1, 1);
    for (let life = 1; life <= LIVES; life++) {
      const thread = startThread("pushForEver", buffer, life, 0);
      const heard = last[1]![1];
      // Those of both, and some more: in the midst of a busy time.
      await until(`both push, life ${life}`, () => {
        for (let i = 0; i < 1000 && read(); i++);
        return last[0]![0] === life && last[1]![1] > heard;
      });
      for (let i = random.integer(0, 5000); i > 0; i--) read();
      await thread.terminate();
    }
    await steady.terminate();
    // What they left claimed is given up by whoever comes next under their numbers.
    for (const me of [0, 1]) new SharedRing(buffer, 0, me);
    while (read());
    assert.is(consumer.count, 0);
    assert.ok(consumer.abandoned <= LIVES + 1);
  });
}

test("65,536 records of 256 bytes fit, the next does not", () => {
  const buffer = memoryOf(shapeOf("refuse", "single", 65_536, 256));
  const producer = new SharedRing(buffer, 0, 0);
  const consumer = new SharedRing(buffer, 0);
  let taken = 0;
  for (; ; taken++) {
    write(producer, 0, taken, false);
    if (!producer.push()) break;
  }
  assert.is(taken, 65_536);
  for (let i = 0; i < taken; i++)
    if (!consumer.next() || readOf(consumer).number !== i) assert.unreachable(`record ${i}`);
});

test.run();
