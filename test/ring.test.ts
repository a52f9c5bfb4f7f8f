/**
 * Rings: the kernel's producer and the host's two ends on the same bytes, every policy against a model that is plain lists, cursors
 * on both sides of 2^32, and two threads at once where that is promised.
 */
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CommandQueue, EventRing, policyNumber, RING_CONSTANTS, type RingConstants } from "../src/kernel/ring.js";
import type { Command, RingPolicy, ZoneEvent } from "../src/kernel/types.js";
import { allKernels, forSeeds, nameOf } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { RingModel } from "./support/ring-model.js";

const BUILDS = ["simd", "scalar"].flatMap((lanes) =>
  ["local", "shared"].flatMap((memory) => ["release", "checked"].map((checks) => `${lanes}-${memory}-${checks}`)),
);
const POLICIES = ["drop-oldest", "drop-low", "refuse"] as const;
const ADDRESS = 64;

interface RingFunctions {
  ringBytes(capacity: number, policy: number): bigint;
  ringInit(ring: number, capacity: number, policy: number): void;
  ringClear(ring: number): void;
  ringPushEvent(ring: number, ...event: PushArguments): number;
}

type PushArguments = [
  type: number,
  critical: boolean | number,
  tick: number,
  source: number,
  target: number,
  value: number,
  extra: number,
  x: number,
  y: number,
];

/** One instance of a build over a memory of its own, with a ring in it. */
class Bench {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  readonly functions: RingFunctions;
  readonly constants: RingConstants;

  constructor(build = "simd-local-checked", pages = 1) {
    this.module = new WebAssembly.Module(readFileSync(`build/wasm/${build}.wasm`));
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: build.includes("shared") });
    const { exports } = new WebAssembly.Instance(this.module, { env: { memory: this.memory } });
    this.functions = exports as unknown as RingFunctions;
    const values = RING_CONSTANTS.map((name) => [name, (exports[name] as WebAssembly.Global).value >>> 0]);
    this.constants = Object.fromEntries(values) as RingConstants;
  }

  init(capacity: number, policy: RingPolicy): void {
    this.functions.ringInit(ADDRESS, capacity, policyNumber(policy, this.constants));
  }

  events(): EventRing {
    return new EventRing(this.memory.buffer, ADDRESS, this.constants);
  }

  commands(): CommandQueue {
    return new CommandQueue(this.memory.buffer, ADDRESS, this.constants);
  }

  /** Puts both cursors of a lane, with nothing waiting in it. */
  setCursors(lane: number, value: number): void {
    const words = new Uint32Array(this.memory.buffer, ADDRESS, this.constants.RING_RECORDS / 4);
    words[this.constants.RING_TAIL / 4 + lane] = value;
    words[this.constants.RING_HEAD / 4 + lane] = value;
  }

  bytes(capacity: number, policy: RingPolicy): Uint8Array {
    const size = Number(this.functions.ringBytes(capacity, policyNumber(policy, this.constants)));
    return new Uint8Array(this.memory.buffer, ADDRESS, size).slice();
  }
}

const emptyEvent = (): ZoneEvent => ({
  type: 0,
  critical: false,
  tick: 0,
  source: 0,
  target: 0,
  value: 0,
  extra: 0,
  x: 0,
  y: 0,
});

function randomEvent(random: Random): ZoneEvent {
  return {
    type: random.integer(0, 65_535),
    critical: random.integer(0, 3) === 0,
    tick: random.next(),
    source: random.next(),
    target: random.next(),
    value: random.next() | 0,
    extra: random.next() | 0,
    x: Math.fround(random.float() * 1e6),
    y: Math.fround(random.float() * -1e6),
  };
}

const argumentsOf = ({ type, critical, tick, source, target, value, extra, x, y }: ZoneEvent): PushArguments => [
  type,
  critical,
  tick,
  source,
  target,
  value,
  extra,
  x,
  y,
];

/** 600 pushes and reads, now more of the one, now of the other, compared with the model after each. */
function followsModel(bench: Bench, policy: RingPolicy, capacity: number, seed: number, byKernel: boolean): void {
  const random = new Random(seed * 31 + capacity);
  bench.init(capacity, policy);
  // Sometimes from 0, sometimes so that the cursors pass 2^32.
  if (seed % 3 !== 0) for (const lane of [0, 1]) bench.setCursors(lane, -random.integer(0, 3 * capacity) >>> 0);
  const ring = bench.events();
  const model = new RingModel<ZoneEvent>(capacity, policy);
  const read = emptyEvent();
  let told = 0;
  for (let i = 0; i < 600; i++) {
    const pushes = i % 200 < 120 ? 3 : 1;
    if (random.integer(0, 3) < pushes) {
      const event = randomEvent(random);
      const taken = byKernel
        ? bench.functions.ringPushEvent(ADDRESS, ...argumentsOf(event)) !== 0
        : ring.push(...(argumentsOf(event) as Parameters<EventRing["push"]>));
      assert.is(taken, model.push(event), `push ${i}`);
    } else {
      const expected = model.waiting.shift();
      assert.is(ring.next(read), expected !== undefined, `read ${i}`);
      if (expected !== undefined) assert.equal(read, expected, `read ${i}`);
    }
    assert.is(ring.count, model.waiting.length);
    assert.is(ring.droppedOldest, model.droppedOldest);
    assert.is(ring.droppedLow, model.droppedLow);
    assert.is(ring.refused, model.refused);
    if (random.integer(0, 50) === 0) told += ring.takeLost();
  }
  told += ring.takeLost();
  const lost = model.droppedOldest + model.droppedLow + model.refused;
  assert.is(told, lost);
  assert.ok(lost > 0 || capacity > 64, "the ring was never full");
  assert.is(ring.takeLost(), 0);
}

for (const policy of POLICIES) {
  test(`${policy}: 600 random pushes and reads x 30 seeds x 5 capacities x 2 producers are what a plain list would do`, () => {
    const bench = new Bench();
    for (const capacity of [2, 4, 8, 64, 256]) {
      for (const byKernel of [true, false]) {
        forSeeds(30, (seed) => followsModel(bench, policy, capacity, seed, byKernel));
      }
    }
  });
}

test("kernel and host write the same bytes, in each of the 8 builds", () => {
  for (const build of BUILDS) {
    for (const policy of POLICIES) {
      const [kernel, host] = [new Bench(build), new Bench(build)];
      for (const bench of [kernel, host]) {
        bench.init(8, policy);
        bench.setCursors(0, 2 ** 32 - 5);
      }
      const [kernelReads, hostReads, ring] = [kernel.events(), host.events(), host.events()];
      const random = new Random(7);
      const event = emptyEvent();
      for (let i = 0; i < 200; i++) {
        const args = argumentsOf(randomEvent(random));
        const taken = kernel.functions.ringPushEvent(ADDRESS, ...args) !== 0;
        assert.is(ring.push(...(args as Parameters<EventRing["push"]>)), taken);
        if (i % 3 === 0) assert.is(kernelReads.next(event), hostReads.next(event));
        assert.equal(kernel.bytes(8, policy), host.bytes(8, policy), `${build}, ${policy}, after ${i + 1} events`);
      }
    }
  }
});

test("a zone's events follow the model under each policy, in all kernels: emitted there, read here", async () => {
  for (const kernel of await allKernels()) {
    for (const eventPolicy of POLICIES) {
      forSeeds(10, (seed) => {
        const random = new Random(seed);
        const eventCapacity = random.pick([2, 4, 16]);
        const zone = kernel.createZone({ width: 64, height: 64, capacity: 1, eventCapacity, eventPolicy });
        const model = new RingModel<ZoneEvent>(eventCapacity, eventPolicy);
        const read = emptyEvent();
        for (let i = 0; i < 300; i++) {
          if (random.integer(0, 2) > 0) {
            const event = { ...randomEvent(random), type: random.integer(64, 65_535), tick: zone.tick };
            const { type, critical, source, target, value, extra, x, y } = event;
            const taken = zone.emit(type, critical, source, target, value, extra, x, y);
            assert.is(taken, model.push(event), `${nameOf(kernel)}, ${eventPolicy}, event ${i}`);
          } else {
            const expected = model.waiting.shift();
            assert.is(zone.events.next(read), expected !== undefined);
            if (expected !== undefined) assert.equal(read, expected);
          }
        }
        const { count, droppedOldest, droppedLow, refused } = zone.events;
        assert.is(count, model.waiting.length);
        assert.equal([droppedOldest, droppedLow, refused], [model.droppedOldest, model.droppedLow, model.refused]);
        assert.ok(droppedOldest + droppedLow + refused > 0, "the ring was never full");
        zone.close();
        assert.is(zone.events.next(read), false);
        assert.is(zone.commands.push(1, 0, 0, 0, 0, 0), false);
      });
    }
  }
});

test("drop-low: of 4 places 2 critical and 2 normal ones hold, the 5th critical event ends the reign of the oldest normal one", () => {
  const bench = new Bench();
  bench.init(4, "drop-low");
  const ring = bench.events();
  const push = (value: number, critical: boolean) => ring.push(64, critical, 0, 0, 0, value, 0, 0, 0);
  const values = (): number[] => {
    const event = emptyEvent();
    const all: number[] = [];
    while (ring.next(event)) all.push(event.value);
    return all;
  };
  for (const [value, critical] of [
    [1, true],
    [2, false],
    [3, true],
    [4, false],
    [5, true],
  ] as const) {
    assert.is(push(value, critical), true);
  }
  assert.is(ring.droppedLow, 1);
  assert.equal(values(), [1, 3, 4, 5]);

  for (const value of [1, 2, 3, 4]) push(value, true);
  assert.is(push(5, false), false, "a normal one finds critical ones only");
  assert.is(ring.droppedLow, 2);
  assert.is(push(6, true), true);
  assert.is(ring.droppedOldest, 1);
  assert.equal(values(), [2, 3, 4, 6]);
});

test("refuse changes nothing but its counter, and takes again after one was read", () => {
  const bench = new Bench();
  bench.init(2, "refuse");
  const ring = bench.commands();
  assert.is(ring.push(1, 0, 7, 1, 1, 0), true);
  assert.is(ring.push(1, 0, 8, 1, 0, 1), true);
  const before = bench.bytes(2, "refuse");
  assert.is(ring.push(1, 0, 9, 1, 0, 0), false);
  const after = bench.bytes(2, "refuse");
  assert.is(ring.refused, 1);
  after[bench.constants.RING_REFUSED] = 0;
  assert.equal(after, before);
  const command: Command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };
  assert.is(ring.next(command), true);
  assert.is(command.seat, 7);
  assert.is(ring.push(1, 0, 9, 1, 0, 0), true);
  assert.is(ring.count, 2);
});

test("a command comes out bit for bit: 16-bit type and action, 32-bit seat and seq, doubles", () => {
  const bench = new Bench();
  bench.init(8, "refuse");
  const ring = bench.commands();
  const read: Command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };
  for (const command of [
    { type: 65_535, action: 65_535, seat: 4_294_967_295, seq: 4_294_967_295, dx: -0.1, dy: Number.MAX_VALUE },
    { type: 0, action: 0, seat: 0, seq: 0, dx: -0, dy: Number.MIN_VALUE },
  ]) {
    const { type, action, seat, seq, dx, dy } = command;
    assert.is(ring.push(type, action, seat, seq, dx, dy), true);
    assert.is(ring.next(read), true);
    assert.equal(read, command);
    assert.ok(Object.is(read.dx, dx) && Object.is(read.dy, dy));
  }
  assert.is(ring.next(read), false);
});

test("cleared is empty, loses nothing, and goes on where it was", () => {
  const bench = new Bench();
  for (const policy of POLICIES) {
    bench.init(4, policy);
    bench.setCursors(0, 2 ** 32 - 2);
    const ring = bench.events();
    for (let i = 0; i < 4; i++) ring.push(64, i % 2 === 0, i, 0, 0, 0, 0, 0, 0);
    bench.functions.ringClear(ADDRESS);
    const event = emptyEvent();
    assert.is(ring.count, 0);
    assert.is(ring.next(event), false);
    assert.is(ring.takeLost(), 0);
    assert.is(ring.push(65, false, 9, 0, 0, 0, 0, 0, 0), true);
    assert.is(ring.next(event), true);
    assert.is(event.tick, 9);
  }
});

test("65,536 events fit a ring of 65,536 and the next does not; a header of zeros takes nothing", () => {
  const bench = new Bench("simd-local-checked", 34);
  const capacity = bench.constants.RING_CAPACITY_MAX;
  bench.init(capacity, "refuse");
  const ring = bench.events();
  let taken = 0;
  while (bench.functions.ringPushEvent(ADDRESS, 64, 0, taken, 0, 0, 0, 0, 0, 0)) taken++;
  assert.is(taken, 65_536);
  const event = emptyEvent();
  for (let i = 0; i < taken; i++) assert.ok(ring.next(event) && event.tick === i, `event ${i}`);

  const zeros = new EventRing(new ArrayBuffer(4096), ADDRESS, bench.constants);
  assert.is(zeros.push(64, true, 0, 0, 0, 0, 0, 0, 0), false);
  assert.is(zeros.next(event), false);
  assert.is(zeros.count, 0);
});

test("a checked build asserts capacity, alignment, policy and type", () => {
  const { functions } = new Bench();
  for (const [ring, capacity, policy] of [
    [64, 1, 0],
    [64, 3, 0],
    [64, 131_072, 0],
    [64, 0, 0],
    [72, 4, 0],
    [0, 4, 0],
    [64, 4, 3],
  ] as const) {
    assert.throws(() => functions.ringInit(ring, capacity, policy), /unreachable/, `${ring}, ${capacity}, ${policy}`);
  }
  functions.ringInit(ADDRESS, 4, 0);
  assert.throws(() => functions.ringPushEvent(ADDRESS, 65_536, 0, 0, 0, 0, 0, 0, 0, 0), /unreachable/);
  assert.is(functions.ringPushEvent(ADDRESS, 65_535, 0, 0, 0, 0, 0, 0, 0, 0), 1);
});

/** Runs in a worker: pushes numbered events as fast as the ring takes them. */
const PRODUCER = `
const { workerData: { module, memory, ring, count }, parentPort } = require("node:worker_threads");
const { ringPushEvent } = new WebAssembly.Instance(module, { env: { memory } }).exports;
let refused = 0;
for (let i = 0; i < count; i++) {
  while (!ringPushEvent(ring, 64, 0, i, i ^ 0x5555, ~i, i * 7, -i, i & 4095, i >>> 12)) {
    refused++;
    // So that two threads on one core take turns.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
parentPort.postMessage(refused);`;

test("refuse: 200,000 events from a kernel on another thread arrive whole and in order through 256 places", async () => {
  const COUNT = 200_000;
  const bench = new Bench("simd-shared-release");
  bench.init(256, "refuse");
  bench.setCursors(0, 2 ** 32 - 1000);
  const ring = bench.events();
  const { module, memory } = bench;
  const worker = new Worker(PRODUCER, { eval: true, workerData: { module, memory, ring: ADDRESS, count: COUNT } });
  let failure: unknown;
  let refusals = -1;
  worker.on("error", (error) => {
    failure = error;
  });
  worker.on("message", (refused: number) => {
    refusals = refused;
  });
  const event = emptyEvent();
  for (let i = 0; i < COUNT; ) {
    if (failure !== undefined) throw failure;
    if (!ring.next(event)) {
      await setImmediate();
      continue;
    }
    const whole =
      event.tick === i &&
      event.source === (i ^ 0x5555) >>> 0 &&
      event.target === ~i >>> 0 &&
      event.value === i * 7 &&
      event.extra === -i &&
      event.x === (i & 4095) &&
      event.y === i >>> 12;
    assert.ok(whole, `event ${i} came as ${JSON.stringify(event)}`);
    i++;
  }
  while (refusals < 0) await setImmediate();
  assert.is(ring.refused, refusals);
  assert.is(ring.next(event), false);
  await worker.terminate();
});

test.run();
