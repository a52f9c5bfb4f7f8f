/** What threads tell of themselves: histograms and meters in shared memory, collections that are heard of, and collected at idle points. */
import v8 from "node:v8";
import vm from "node:vm";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Collections } from "../src/ops/collections.js";
import { IdleCollector, idleCollector } from "../src/ops/idle-collector.js";
import { TickTimes } from "../src/sim/ticks.js";
import { Histogram, Recent } from "../src/sync/histogram.js";
import { Meter } from "../src/sync/meter.js";
import { Random } from "./support/random.js";
import { until } from "./support/until.js";

/** Milliseconds that the thread below records, in turn. */
const DURATIONS = [0.01, 0.75, 3, 17, 2000];
const RECORDS = 200_000;
/** Rounds of the thread below: each blocks, collects, and then lets its event loop turn once. */
const ROUNDS = 5;
const COLLECTIONS_PER_ROUND = 8;

interface Job {
  readonly kind: "records" | "collects";
  readonly words: Float64Array;
  readonly done: Int32Array;
}

const shared = (words: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * words));

/** A thread on this file, with a job; `done` counts what it is through with. */
function start(kind: Job["kind"], words: Float64Array): Job & { worker: Worker } {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const job: Job = { kind, words, done };
  return { ...job, worker: new Worker(new URL(import.meta.url), { workerData: job }) };
}

function recordAll({ words, done }: Job): void {
  const meter = new Meter(words);
  for (let i = 0; i < RECORDS; i++)
    meter.tick(DURATIONS[i % DURATIONS.length] ?? 0, DURATIONS[i % DURATIONS.length] ?? 0);
  Atomics.store(done, 0, 1);
}

/** As a sim thread lives: blocked through its ticks, a turn of the event loop now and then. */
async function collectAll({ words, done }: Job): Promise<void> {
  // As Node does when it is started with --expose-gc.
  v8.setFlagsFromString("--expose-gc");
  globalThis.gc = vm.runInNewContext("gc");
  const meter = new Meter(words);
  const collections = new Collections(meter);
  collections.start();
  const idle = idleCollector(meter, () => performance.now());
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < COLLECTIONS_PER_ROUND; i++) {
      Atomics.wait(nobody, 0, 0, 1);
      globalThis.gc?.({ type: "minor", execution: "sync" });
    }
    Atomics.add(done, 0, COLLECTIONS_PER_ROUND);
    await new Promise(setImmediate);
  }
  // Garbage until it is worth a collection, and an hour of nothing to do.
  for (let nowMs = 0, kept: number[] = []; meter.read("idleCollections") === 0; nowMs += 1000) {
    kept = new Array<number>(1000).fill(nowMs + kept.length);
    idle?.offer(nowMs, 3_600_000);
  }
  // The loop turns until this thread is ended.
  setInterval(() => {}, 1);
}

if (!isMainThread) {
  const job: Job = workerData;
  if (job.kind === "records") recordAll(job);
  else await collectAll(job);
} else {
  test("a histogram counts each duration once, in the bucket whose upper bound holds it", () => {
    const histogram = new Histogram([1, 2, 4]);
    for (const value of [0, 1, 1.001, 2, 3, 4, 4.5, 100]) histogram.record(value);
    assert.equal([...histogram.counts], [2, 2, 2, 2]);
    assert.equal([histogram.count, histogram.max], [8, 100]);
    assert.is(histogram.sum, 115.501);
  });

  test("two histograms in one array do not touch each other, nor what is around them", () => {
    const words = shared(2 * Histogram.words([1]) + 2).fill(7);
    const at = (i: number): Histogram => {
      const from = 1 + i * Histogram.words([1]);
      return new Histogram([1], words.subarray(from, from + Histogram.words([1])).fill(0));
    };
    const [a, b] = [at(0), at(1)];
    a.record(0.5);
    b.record(3);
    b.record(4);
    assert.equal([...words], [7, 1, 0, 0.5, 0.5, 0, 2, 7, 4, 7]);
    assert.equal([a.count, b.count], [1, 2]);
  });

  test("the last 100 values give the quantiles that sorting them gives, for 50 seeds", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed);
      const recent = new Recent(100, shared(Recent.words(100)));
      assert.is(recent.quantile(0.99), 0);
      const values: number[] = [];
      for (let n = random.integer(1, 350); n > 0; n--) {
        values.push(random.integer(0, 1000));
        recent.record(values.at(-1) ?? 0);
      }
      const sorted = values.slice(-100).sort((a, b) => a - b);
      for (const p of [0, 0.5, 0.99, 1]) {
        assert.is(recent.quantile(p), sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)], `seed ${seed}, p ${p}`);
      }
    }
  });

  test("what one thread records, another reads: counts never fall, and are all there in the end", async () => {
    const words = shared(Meter.words());
    const meter = new Meter(words);
    const { done, worker } = start("records", words);
    let before = 0;
    await until("it is through", () => {
      const { count } = meter.tickMs;
      assert.ok(count >= before && count <= RECORDS, `${count} after ${before}`);
      before = count;
      return Atomics.load(done, 0) === 1;
    });
    for (const histogram of [meter.tickMs, meter.wakeMs]) {
      assert.is(histogram.count, RECORDS);
      assert.is(histogram.max, 2000);
      assert.ok(Math.abs(histogram.sum - (RECORDS / 5) * 2020.76) < 1, `${histogram.sum}`);
    }
    assert.is(meter.recentTickMs.quantile(0.5), 3);
    assert.is(meter.gcMs.count, 0);
    await worker.terminate();
  });

  test("utilisation is of the last whole second: 0 before, 0.25 and 0.75 after, never above 1", () => {
    const meter = new Meter();
    const seconds = (count: number, fromMs: number, busyMs: number): void => {
      for (let ms = 10; ms <= 1000 * count; ms += 10) meter.busy(busyMs, fromMs + ms);
    };
    meter.busy(0, 5000);
    seconds(0.5, 5000, 2.5);
    assert.is(meter.read("utilisation"), 0);
    seconds(0.5, 5500, 2.5);
    assert.is(meter.read("utilisation"), 0.25);
    seconds(1, 6000, 7.5);
    assert.is(meter.read("utilisation"), 0.75);
    seconds(1, 7000, 11);
    assert.is(meter.read("utilisation"), 1);
    assert.is(meter.read("busyMs"), 250 + 750 + 1100);
  });

  test("a meter that another thread takes over goes on counting, and begins a second of its own", () => {
    const words = shared(Meter.words());
    const [first, second] = [new Meter(words), new Meter(words)];
    first.busy(0, 0);
    first.busy(900, 1000);
    first.tick(1, 2);
    first.add("steals", 3);
    second.busy(0, 50_000);
    second.busy(100, 51_000);
    second.tick(1, 2);
    second.add("steals");
    assert.equal([first.read("busyMs"), first.read("utilisation"), first.read("steals")], [1000, 0.1, 4]);
    assert.is(first.tickMs.count, 2);
    assert.is(Meter.words() % 8, 0);
  });

  test("tick times in shared memory: two views, one history", () => {
    const words = shared(TickTimes.words());
    const [writer, reader] = [new TickTimes(words), new TickTimes(words)];
    for (let ms = 1; ms <= 100; ms++) writer.ticked(ms / 10, ms);
    writer.published(5);
    assert.equal([reader.quantileMs(0.5), reader.quantileMs(0.99)], [50, 99]);
    assert.equal([reader.tickMs.count, reader.latenessMs.max, reader.publishMs.sum], [100, 10, 5]);
  });

  test("a thread that blocks and turns its loop between rounds hears of all 40 collections, and collects at idle points", async () => {
    const words = shared(Meter.words());
    const meter = new Meter(words);
    const { done, worker } = start("collects", words);
    const expected = ROUNDS * COLLECTIONS_PER_ROUND;
    await until("it is through", () => Atomics.load(done, 0) === expected);
    await until("it collected at an idle point", () => meter.read("idleCollections") === 1);
    await until("it heard of all", () => meter.gcMs.count > expected);
    assert.ok(meter.gcMs.max > 0 && meter.gcMs.sum >= meter.gcMs.max);
    assert.ok(meter.read("heapBytes") > 1e6, `${meter.read("heapBytes")} bytes of heap`);
    await worker.terminate();
  });

  /** A heap that grows when told, and an engine whose collections take as long as told. */
  class FakeHeap {
    bytes = 10e6;
    tookMs = 1;
    collections = 0;

    usedBytes(): number {
      return this.bytes;
    }

    collect(): number {
      this.collections++;
      this.bytes = 10e6;
      return this.tookMs;
    }
  }

  test("collects when the heap grew by half a megabyte, not for less, and looks at it every 100 ms at most", () => {
    const heap = new FakeHeap();
    const idle = new IdleCollector(heap);
    heap.bytes += 500_000;
    assert.not.ok(idle.offer(0, 16));
    heap.bytes += 50_000;
    assert.not.ok(idle.offer(99, 16), "it looked 99 ms ago");
    assert.ok(idle.offer(100, 16));
    assert.not.ok(idle.offer(200, 16), "nothing grew");
    assert.is(heap.collections, 1);
  });

  test("what the engine collected by itself counts as collected", () => {
    const heap = new FakeHeap();
    const idle = new IdleCollector(heap);
    heap.bytes = 4e6;
    assert.not.ok(idle.offer(0, 16));
    heap.bytes = 4.4e6;
    assert.not.ok(idle.offer(100, 16));
    heap.bytes = 4.6e6;
    assert.ok(idle.offer(200, 16), "0.6 MB above the least, though less than at first");
  });

  test("does not collect into a tick: the time left is twice what collections lately took", () => {
    const heap = new FakeHeap();
    const idle = new IdleCollector(heap);
    const offer = (nowMs: number, idleMs: number): boolean => {
      heap.bytes = 12e6;
      return idle.offer(nowMs, idleMs);
    };
    assert.not.ok(offer(0, 3.9), "the first is taken to last 2 ms");
    heap.tookMs = 6;
    assert.ok(offer(100, 4));
    assert.not.ok(offer(200, 11.9));
    heap.tookMs = 1;
    assert.ok(offer(300, 12));
    assert.not.ok(offer(400, 10.6), "one short collection does not undo a long one");
    assert.ok(offer(500, 10.6), "it fades");
  });

  test("one collection that took far too long is forgiven: within a minute of refusals it collects again", () => {
    const heap = new FakeHeap();
    const idle = new IdleCollector(heap);
    heap.bytes += 1e6;
    heap.tookMs = 500;
    assert.ok(idle.offer(0, 16));
    heap.tookMs = 1;
    heap.bytes += 1e6;
    let nowMs = 100;
    while (!idle.offer(nowMs, 16)) nowMs += 100;
    assert.ok(nowMs > 20_000 && nowMs < 60_000, `after ${nowMs} ms`);
  });

  test("without --expose-gc there is nobody who collects", () => {
    assert.is(
      idleCollector(new Meter(), () => 0),
      null,
    );
  });

  test.run();
}
