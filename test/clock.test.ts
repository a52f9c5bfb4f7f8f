import { test } from "uvu";
import * as assert from "uvu/assert";
import { CATCH_UP_TICKS_MAX, drive, Schedule, type Timers } from "../src/sim/clock.js";
import { Random } from "./support/random.js";

/** Advances as often as ticks are due at nowMs. */
function run(schedule: Schedule, nowMs: number): number {
  let ticks = 0;
  while (schedule.advance(nowMs)) ticks++;
  return ticks;
}

/** Time and timers in the hands of the test. */
class FakeTimers implements Timers {
  nowMs = 0;
  readonly sleeps: number[] = [];
  #queue: { at: number; callback: () => void }[] = [];

  now = (): number => this.nowMs;
  setTimeout = (callback: () => void, ms: number): unknown => {
    this.sleeps.push(ms);
    return this.#add(callback, this.nowMs + ms);
  };
  setImmediate = (callback: () => void): unknown => this.#add(callback, this.nowMs);
  clearTimeout = (handle: unknown): void => this.#remove(handle);
  clearImmediate = (handle: unknown): void => this.#remove(handle);

  get pending(): number {
    return this.#queue.length;
  }

  /** Calls the next callback, at its time or later. False when there is none. */
  turn(lateMs = 0): boolean {
    const next = this.#queue.shift();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.at + lateMs);
    next.callback();
    return true;
  }

  #add(callback: () => void, at: number): unknown {
    const entry = { at, callback };
    this.#queue.push(entry);
    return entry;
  }

  #remove(handle: unknown): void {
    this.#queue = this.#queue.filter((entry) => entry !== handle);
  }
}

test("a day at 60 Hz is 5,184,000 ticks, and the next is due at its last millisecond", () => {
  const schedule = new Schedule(60);
  const start = 12_345.678;
  schedule.start(start);
  let ticks = 0;
  for (let ms = 0; ms < 86_400_000; ms += 5) ticks += run(schedule, start + ms);
  assert.is(ticks, 5_184_000);
  assert.is(schedule.dueMs, start + 5_184_000 * (1000 / 60));
  assert.ok(Math.abs(schedule.dueMs - start - 86_400_000) < 1e-6);
  assert.is(schedule.skippedTicks, 0);
  assert.is(schedule.lateTicks, 0);
});

test("a running sum of periods would have drifted by then, which is why there is none", () => {
  let sum = 12_345.678;
  for (let tick = 0; tick < 5_184_000; tick++) sum += 1000 / 60;
  assert.ok(Math.abs(sum - 12_345.678 - 86_400_000) > 1e-6);
});

test("a tick is due at its time and not a microsecond before", () => {
  const schedule = new Schedule(50);
  schedule.start(1000);
  assert.is(schedule.advance(999.999), false);
  assert.is(schedule.advance(1000), true);
  assert.is(schedule.advance(1000), false);
  assert.is(schedule.advance(1019.999), false);
  assert.is(schedule.advance(1020), true);
  assert.is(schedule.ticks, 2);
});

test("however unevenly it is asked, ticks are the whole periods that passed", () => {
  for (const tickRate of [1, 7, 30, 60, 128, 1000]) {
    const random = new Random(tickRate);
    const schedule = new Schedule(tickRate);
    schedule.start(0);
    let nowMs = 0;
    let ticks = 0;
    for (let i = 0; i < 10_000; i++) {
      nowMs += random.float() * schedule.periodMs * CATCH_UP_TICKS_MAX;
      ticks += run(schedule, nowMs);
      assert.is(ticks, Math.floor(nowMs / schedule.periodMs) + 1, `seed ${tickRate}, after ${nowMs} ms`);
    }
    assert.is(schedule.skippedTicks, 0, `seed ${tickRate}`);
  }
});

test(`a stall of ${CATCH_UP_TICKS_MAX} periods is caught up with, late but whole`, () => {
  const schedule = new Schedule(100);
  schedule.start(0);
  run(schedule, 0);
  assert.is(run(schedule, 10 + 10 * CATCH_UP_TICKS_MAX), CATCH_UP_TICKS_MAX + 1);
  assert.is(schedule.skippedTicks, 0);
  assert.is(schedule.lateTicks, CATCH_UP_TICKS_MAX);
});

test("a stall of a second at 100 Hz runs 7 ticks, skips 93 and shifts the schedule by 93 periods", () => {
  const schedule = new Schedule(100);
  schedule.start(0);
  run(schedule, 0);
  assert.is(run(schedule, 1000), CATCH_UP_TICKS_MAX + 1);
  assert.is(schedule.skippedTicks, 93);
  assert.is(schedule.ticks, 8);
  assert.is(schedule.dueMs, 1010);
  assert.is(schedule.advance(1009.9), false);
  assert.is(schedule.advance(1010), true);
});

test("ticks that take two periods each settle at half speed, with a bounded delay, and say so", () => {
  const schedule = new Schedule(60);
  schedule.start(0);
  let nowMs = 0;
  for (let i = 0; i < 600; i++) {
    assert.ok(schedule.advance(nowMs));
    nowMs += 2 * schedule.periodMs;
    assert.ok(schedule.latenessMs < (CATCH_UP_TICKS_MAX + 3) * schedule.periodMs);
    if (schedule.skippedTicks > 0) assert.ok(nowMs - schedule.dueMs < (CATCH_UP_TICKS_MAX + 3) * schedule.periodMs);
  }
  assert.ok(Math.abs(schedule.slowdown - 0.5) < 1e-9, `slowdown ${schedule.slowdown}`);
  assert.ok(schedule.lateTicks >= 595, `${schedule.lateTicks} late`);
  assert.ok(schedule.skippedTicks >= 590, `${schedule.skippedTicks} skipped`);
});

test("slowdown is 1 when on time, and 1 again a second after an overload", () => {
  const schedule = new Schedule(60);
  schedule.start(0);
  let nowMs = 0;
  const onTime = (ticks: number): void => {
    for (let i = 0; i < ticks; i++) {
      nowMs = Math.max(nowMs, schedule.dueMs);
      assert.ok(schedule.advance(nowMs));
    }
  };
  onTime(120);
  assert.ok(Math.abs(schedule.slowdown - 1) < 1e-9);
  for (let i = 0; i < 60; i++) {
    nowMs += 4 * schedule.periodMs;
    assert.ok(schedule.advance(nowMs));
  }
  assert.ok(Math.abs(schedule.slowdown - 0.25) < 0.01, `slowdown ${schedule.slowdown}`);
  onTime(70);
  assert.ok(Math.abs(schedule.slowdown - 1) < 1e-9, `slowdown ${schedule.slowdown}`);
});

test("the driver keeps the rate on timers that are up to 1 ms late, without polling", () => {
  const timers = new FakeTimers();
  const random = new Random(3);
  const schedule = new Schedule(60);
  const lateness: number[] = [];
  const { stop } = drive(schedule, timers, () => lateness.push(schedule.latenessMs));
  while (timers.nowMs < 10_000) timers.turn(random.float());
  stop();
  assert.ok(Math.abs(schedule.ticks - 600) <= 1, `${schedule.ticks} ticks`);
  assert.ok(Math.max(...lateness) < 2 + 1e-9, `${Math.max(...lateness)} ms late`);
  assert.ok(timers.sleeps.length <= schedule.ticks + 1, `${timers.sleeps.length} sleeps`);
  assert.is(schedule.lateTicks, 0);
});

test("the driver runs one tick per turn of the event loop while it catches up", () => {
  const timers = new FakeTimers();
  let ticks = 0;
  const { stop } = drive(new Schedule(60), timers, () => ticks++);
  timers.turn();
  assert.is(ticks, 1);
  timers.turn(50);
  for (let turn = 2; turn <= 4; turn++) {
    assert.is(ticks, turn);
    timers.turn();
  }
  stop();
});

test("a driver that was stopped, even by its tick, neither ticks nor leaves a timer behind", () => {
  const timers = new FakeTimers();
  let ticks = 0;
  const { stop } = drive(new Schedule(60), timers, () => {
    ticks++;
    if (ticks === 3) stop();
  });
  while (timers.turn());
  assert.is(ticks, 3);
  const { stop: again } = drive(new Schedule(60), timers, () => ticks++);
  assert.is(timers.pending, 1);
  again();
  assert.is(timers.pending, 0);
});

test("a driver that is poked runs the tick that is due, no other, none from within a tick, and none once it was stopped", () => {
  const timers = new FakeTimers();
  let ticks = 0;
  const drive60 = drive(new Schedule(60), timers, () => {
    ticks++;
    drive60.poke();
  });
  timers.turn();
  assert.is(ticks, 1);
  drive60.poke();
  assert.is(ticks, 1, "the next is not due");
  timers.nowMs += 34;
  for (const expected of [2, 3, 3]) {
    drive60.poke();
    assert.is(ticks, expected);
  }
  timers.turn();
  assert.is(ticks, 3, "a timer that comes later finds nothing due");
  timers.nowMs += 17;
  drive60.stop();
  drive60.poke();
  assert.is(ticks, 3);
});

test.run();
