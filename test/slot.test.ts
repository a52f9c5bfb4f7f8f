/** What slots do to the board that they share, step by step: several of them in one thread, each stopped where it hurts. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Zone } from "../src/kernel/types.js";
import { Schedule } from "../src/sim/clock.js";
import { TickTimes } from "../src/sim/ticks.js";
import type { Zones } from "../src/sim/zones.js";
import { Meter } from "../src/sync/meter.js";
import type { Waiter } from "../src/sync/waiter.js";
import { Board, CLOSED, GONE, IDLE } from "../src/threads/board.js";
import { LentSteps } from "../src/threads/lent-steps.js";
import { Slot } from "../src/threads/slot.js";
import { definition as herds } from "./games/herds.js";
import { crewOf, gameIn } from "./support/crews.js";
import { dyingAt, interleave } from "./support/interleave.js";
import { Random } from "./support/random.js";

const boardOf = (slots: number, zones: number): Board =>
  new Board(new SharedArrayBuffer(Board.bytesOf(slots, zones)), slots, zones, () => {});

/** One that is not waited for long: what others would have to do in time is done already. */
const waiterOf = (waitsMax: number): Waiter => {
  let waits = 0;
  const wait = (): boolean => {
    if (++waits > waitsMax) throw new Error(`waits for ever`);
    return false;
  };
  return { wait } as unknown as Waiter;
};

test("ticks are opened one after the other by one slot each, whoever comes between and ends, over 2,000 seeds", () => {
  let opened = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const random = new Random(seed);
    const board = boardOf(3, 1);
    const opening = new Set<number>();
    let last = 0;
    const open = (slot: number): void => {
      const tick = board.tick + 1;
      assert.ok(tick > last, `seed ${seed}: tick ${tick - 1} after ${last}`);
      last = tick - 1;
      if (!board.claimOpening(slot, tick)) return;
      assert.is(opening.size, 0, `seed ${seed}: two open`);
      opening.add(slot);
      board.open(slot, tick);
      opening.delete(slot);
    };
    const reborn = (slot: number): void => {
      opening.delete(slot);
      board.repairOpening(slot);
    };
    const slots = [0, 1, 2].map((slot) => () => open(slot));
    interleave(slots, 40, 0.3, () => random.float(), { chance: 0.02, reborn });
    opened += board.tick;
    for (const slot of [0, 1, 2]) open(slot);
    assert.is(board.tick, last + 1, `seed ${seed}: nobody can open`);
  }
  assert.ok(opened > 20_000, `${opened} ticks`);
});

interface Round {
  board: Board;
  zones: { tick: number; steps: number; step(): void }[];
  /** Of this slot, as a new thread has them. */
  of(slot: number): LentSteps;
}

function roundOf(slots: number, count: number): Round {
  const board = boardOf(slots, count);
  const words = new Int32Array(LentSteps.wordsOf(count));
  const costs = new Float64Array(count).fill(50);
  const zones = Array.from({ length: count }, () => ({
    tick: 0,
    steps: 0,
    step() {
      this.tick++;
      this.steps++;
    },
  }));
  const zoneAt = (i: number): Zone => zones[i] as unknown as Zone;
  for (let slot = 0; slot < slots; slot++) board.setState(slot, IDLE);
  const of = (slot: number): LentSteps =>
    new LentSteps({ slot, owner: 0, board, words, costs, waiter: waiterOf(20), now: () => 0, zoneAt });
  return { board, zones, of };
}

for (const [name, after] of [
  ["is gone", GONE],
  ["is closed", CLOSED],
  ["was replaced before anybody looked", IDLE],
] as const) {
  test(`a slot whose thread ends anywhere in lent steps and ${name} leaves none that is waited for, and none that is done twice`, () => {
    let deaths = 0;
    for (let n = 0; ; n++) {
      const { board, zones, of } = roundOf(2, 4);
      const owner = of(0);
      owner.open(1, Int32Array.of(0, 1, 2, 3), 4);
      const died = dyingAt(n, () => of(1).work(1));
      board.setState(1, after);
      if (after === IDLE) of(1).resume();
      const lost: number[] = [];
      owner.work(1);
      owner.wait(1, (index) => lost.push(index));
      for (const [i, { tick, steps }] of zones.entries()) {
        assert.ok(steps <= 1 && (tick === 1 || lost.includes(i)), `death ${n}: zone ${i} had ${steps} steps`);
      }
      if (!died) break;
      deaths++;
    }
    assert.ok(deaths > 20, `${deaths} deaths`);
  });
}

test("the thread that comes in place of the owner's waits for nobody who is closed", () => {
  const { board, of } = roundOf(2, 4);
  of(0).open(1, Int32Array.of(0, 1, 2, 3), 4);
  for (let n = 0; n < 15; n++) dyingAt(n, () => of(1).work(1));
  board.setState(1, CLOSED);
  of(0).resume();
  assert.is(board.tickets.claim(1), -1);
});

/** A slot whose zones, desk and keeper say what is done to them. */
function slotOf(board: Board, slot: number) {
  const done: string[] = [];
  const zones = {
    ...{
      begin: () => {},
      rest: () => {},
      depart: () => 0,
      nextAwake: () => -1,
      put: () => {},
      at: (zone: number) => (zone < 0 ? undefined : {}),
    },
    turnBack: () => done.push("turn back"),
    receive: () => done.push("receive"),
    settle: () => done.push("settle"),
  } as unknown as Zones;
  const keeper = {
    ...{ resume: () => {}, reconcile: () => {}, failed: () => {}, renew: () => {} },
    release: (zone: number) => done.push(`release ${zone}`) > 0,
    adopt: (zone: number) => void done.push(`adopt ${zone}`),
  };
  const desk = { drain: () => {}, endTick: (tick: number) => void done.push(`end ${tick}`), mark: 0 };
  const thread = new Slot({
    ...{ slot, board, zones, keeper, desk, now: () => 0, waiter: waiterOf(20), costs: new Float64Array(board.zones) },
    ...{ schedule: new Schedule(60), meter: new Meter(), ticks: new TickTimes() },
  });
  return { done, thread };
}

/** All are there, and this many ticks were opened and done. */
function boardAt(tick: number): Board {
  const board = boardOf(3, 4);
  board.target = 0;
  for (let slot = 0; slot < 3; slot++) {
    board.setState(slot, IDLE);
    board.arrive(slot, tick, 0);
  }
  for (let next = 1; next <= tick; next++) if (board.claimOpening(0, next)) board.open(0, next);
  return board;
}

/** Opens the next tick; these take part in the gates of the one before. */
function open(board: Board, present: readonly number[], asking: number): void {
  const tick = board.tick + 1;
  assert.ok(board.claimOpening(2, tick));
  for (const slot of present) board.setPresent(slot, tick - 1, asking);
  board.dateMove(tick);
  board.open(2, tick);
}

test("a slot that sleeps while two ticks are opened hears at the gates that it was to take part in, and turns back at those that it missed", () => {
  const board = boardAt(1);
  const { done, thread } = slotOf(board, 1);
  open(board, [0, 1], 2);
  board.setReceived(0, 1);
  open(board, [2], 0);
  thread.run(0);
  assert.equal(done.slice(0, 2), ["receive", "settle"]);
  assert.is(board.arrived(1), 3);
  open(board, [0, 2], 1);
  done.length = 0;
  thread.run(0);
  assert.equal(done, ["turn back", "end 4"]);
});

test("a zone moves when its home took part in the gates, and stays until then", () => {
  const board = boardAt(1);
  const { done, thread } = slotOf(board, 0);
  assert.ok(board.askMove(3, 1));
  open(board, [1, 2], 0);
  thread.run(0);
  assert.equal(done, ["turn back", "end 2"]);
  assert.is(board.home(3), 0);
  open(board, [0, 1, 2], 0);
  thread.run(0);
  assert.equal(done.slice(2), ["release 3", "end 3"]);
  assert.is(board.home(3), 1);
});

test("no zone moves when none was asked to", () => {
  const board = boardAt(1);
  const { done, thread } = slotOf(board, 0);
  open(board, [0, 1, 2], 0);
  thread.run(0);
  assert.equal(done, ["end 2"]);
});

test("no zone moves to a slot that was closed after it was asked for", () => {
  const board = boardAt(1);
  const { done, thread } = slotOf(board, 0);
  assert.ok(board.askMove(3, 1));
  board.setState(1, CLOSED);
  open(board, [0, 2], 0);
  thread.run(0);
  assert.equal(done, ["end 2"]);
  assert.is(board.home(3), 0);
  assert.is(board.askMove(3, 1), false);
  assert.is(board.askMove(3, 2), true);
});

test("zones whose steps are lent stay with the slot that lends them, and go on, when one is asked to move", async () => {
  const settings = { zones: 4, bots: 0, players: 4, seed: 1 };
  const { crew, board } = await crewOf({ ...gameIn("herds", herds), settings, slots: 2 });
  try {
    await crew.advanceTo(20);
    assert.ok(board.askMove(2, 1));
    await crew.advanceTo(40);
    assert.is(board.home(2), 0);
    const before = await crew.hashes();
    await crew.advanceTo(41);
    const after = await crew.hashes();
    for (const [i, [zone, hash]] of before.entries()) assert.is.not(after[i]?.[1], hash, `zone ${zone} stands still`);
  } finally {
    await crew.close();
  }
});

test.run();
