/** Steps that are lent to whoever is free: what threads that end in the middle leave to the others. Both ends on one thread. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Zone } from "../src/kernel/types.js";
import { Waiter } from "../src/sync/waiter.js";
import { Board, GONE, IDLE } from "../src/threads/board.js";
import { LentSteps } from "../src/threads/lent-steps.js";

const ZONES = 6;
/** Microseconds: each is a batch of its own. */
const COST = 1000;

/** An owner, slot 0, and a helper, slot 1, of zones that count their steps. */
function lending() {
  const board = new Board(new SharedArrayBuffer(Board.bytesOf(2, ZONES)), 2, ZONES);
  const words = new Int32Array(new SharedArrayBuffer(4 * LentSteps.wordsOf(ZONES)));
  const costs = new Float64Array(ZONES).fill(COST);
  const steps = new Array<number>(ZONES).fill(0);
  /** Called in place of a step. */
  let onStep = (_zone: number): void => {};
  const zones = steps.map((_, i) => {
    const zone = { tick: 0, step: (): void => undefined };
    zone.step = () => {
      onStep(i);
      zone.tick++;
      steps[i] = (steps[i] ?? 0) + 1;
    };
    return zone as unknown as Zone;
  });
  const now = () => performance.now();
  const slot = (index: number): LentSteps => {
    const waiter = new Waiter({ now, spin: "off" });
    return new LentSteps({ slot: index, owner: 0, board, words, costs, waiter, now, zoneAt: (i) => zones[i] });
  };
  for (const index of [0, 1]) board.setState(index, IDLE);
  const all = Int32Array.from({ length: ZONES }, (_, i) => i);
  return {
    ...{ board, steps, slot, all },
    stepBy(what: (zone: number) => void): void {
      onStep = what;
    },
  };
}

/** Its thread ends there: nothing of what follows is done. */
class Ended extends Error {}

/** Works until its thread ends in the step of one of the zones. */
function endIn(lent: LentSteps, tick: number, board: Board): void {
  const { setTrapped } = board;
  // What a thread that ended does not do any more.
  board.setTrapped = () => {
    throw new Ended();
  };
  assert.throws(
    () => lent.work(tick),
    (error: unknown) => error instanceof Ended,
  );
  board.setTrapped = setTrapped;
}

test("a thread that ends after it took a ticket, before it said so, leaves that batch to the owner", () => {
  const { board, steps, slot, all } = lending();
  const owner = slot(0);
  owner.open(1, all, ZONES);
  assert.is(board.tickets.claim(1), 0);
  board.setState(1, GONE);
  const lost: number[] = [];
  owner.work(1);
  owner.wait(1, (zone) => lost.push(zone));
  assert.equal([steps, lost], [new Array(ZONES).fill(1), []]);
});

test("a thread that ends within a step has that zone told as lost, and no other; nobody steps it again", () => {
  const crew = lending();
  const { board, steps, slot, all } = crew;
  const [owner, helper] = [slot(0), slot(1)];
  owner.open(1, all, ZONES);
  crew.stepBy(() => {
    throw new Error("the thread ends");
  });
  endIn(helper, 1, board);
  crew.stepBy(() => {});
  board.setState(1, GONE);
  const lost: number[] = [];
  owner.work(1);
  owner.wait(1, (zone) => lost.push(zone));
  assert.equal([steps, lost], [[0, 1, 1, 1, 1, 1], [0]]);
});

test("a thread that takes another one's place gives up what that one held, also when the owner did not see that it was gone", () => {
  const crew = lending();
  const { board, steps, slot, all } = crew;
  const [owner, helper] = [slot(0), slot(1)];
  owner.open(1, all, ZONES);
  crew.stepBy(() => {
    throw new Error("the thread ends");
  });
  endIn(helper, 1, board);
  crew.stepBy(() => {});
  slot(1).resume();
  const lost: number[] = [];
  owner.work(1);
  owner.wait(1, (zone) => lost.push(zone));
  assert.equal([steps, lost], [[0, 1, 1, 1, 1, 1], [0]]);
});

test("an owner that takes another one's place opens the same tick again; a claim of the former round is late", () => {
  const { board, steps, slot, all } = lending();
  slot(0).open(1, all, ZONES);
  const next = slot(0);
  next.resume();
  // A helper that comes late finds nothing of the round that it heard of.
  assert.is(board.tickets.claim(1), -1);
  assert.equal(steps, new Array(ZONES).fill(0));
  next.open(1, all, ZONES);
  slot(1).work(1);
  next.work(1);
  next.wait(1, () => {});
  assert.equal(steps, new Array(ZONES).fill(1));
});

test.run();
