/**
 * What threads of a scheduler do to its shared memory, step by step: here several of them take turns in one thread, so that each can be
 * stopped wherever it hurts. That they do the same side by side is tested in tasks.test.ts.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Arena, giveBack } from "../src/tasks/arena.js";
import { Bells } from "../src/tasks/bells.js";
import { Board, CELLS, DONE, TAGS, USED } from "../src/tasks/board.js";
import { ANY } from "../src/tasks/orders.js";
import type { Pending } from "../src/tasks/pending.js";
import { Reaper } from "../src/tasks/reaper.js";
import { HintRing } from "../src/tasks/ring.js";
import { Runner } from "../src/tasks/runner.js";
import { enter } from "../src/tasks/scope.js";
import { Claims, tellOwner } from "../src/tasks/slots.js";
import { task } from "../src/tasks/task.js";
import type { Outcome } from "../src/tasks/types.js";
import { FINISHED, NUMBER, RUNNING } from "../src/tasks/values.js";
import { EFFORT } from "./support/effort.js";
import { atEachAtomic } from "./support/interleave.js";
import { Random } from "./support/random.js";

const SPEC = { threads: 3, queue: 32, arenaBytes: 4096 };

const square = task((n: number) => n * n);
const echo = task((value: unknown) => value);
const fails = task((n: number) => {
  if (n % 3 === 0) throw new Error(`no ${n}`);
  return n;
});
const text = task((length: number) => "x".repeat(length));
/** Waits for the other worker. */
const hop = task(function* (n: number) {
  return n + (yield* square.run(n, { thread: 3 - task.thread() }));
});
const TASKS = [square, echo, fails, text, hop] as never[];

let channels = 0;

/** Threads that do what they do when they are told to. */
class Threads {
  readonly board = new Board(SPEC);
  readonly #channel = `slots.test ${process.pid} ${channels++}`;
  readonly runners: Runner[] = [];
  rings = 0;

  constructor() {
    for (let thread = 0; thread < SPEC.threads; thread++) this.start(thread);
  }

  /** Also in place of one that ended. */
  start(thread: number): void {
    const notify = (): void => void this.rings++;
    this.runners[thread]?.handles.close();
    this.runners[thread] = new Runner(this.board, thread, TASKS, this.#channel, notify);
  }

  get(thread: number): Runner {
    return this.runners[thread]!;
  }

  /** Gives turns to these threads until none has anything to do. */
  work(...threads: number[]): void {
    for (let did = true; did; ) {
      did = false;
      for (const thread of threads) did = this.get(thread).turn() || did;
    }
  }

  close(): void {
    for (const runner of this.runners) runner.handles.close();
  }
}

async function withThreads(use: (threads: Threads) => void | Promise<void>): Promise<void> {
  const threads = new Threads();
  try {
    await use(threads);
  } finally {
    threads.close();
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const squares = (count: number): number[] => numbers(count).map((n) => n * n);

test("100,000 blocks taken and given back in any order never overlap, and leave one block at the end", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new Random(seed);
    const board = new Board({ threads: 2, queue: 32, arenaBytes: 8192 });
    const arenas = [new Arena(board, 0), new Arena(board, 1)];
    const held: { block: number; size: number; mark: number }[] = [];
    let full = 0;
    for (let step = 0; step < 20_000; step++) {
      if (held.length > 0 && random.float() < 0.5) {
        const [{ block, size, mark }] = held.splice(random.integer(0, held.length - 1), 1) as [(typeof held)[0]];
        for (let i = 0; i < size; i++) assert.is(board.bytes[block + i], mark, `seed ${seed}, step ${step}`);
        giveBack(board, block);
        continue;
      }
      const thread = random.integer(0, 1);
      const size = random.next() % 8 === 0 ? random.integer(500, 3000) : random.integer(1, 200);
      const block = arenas[thread]!.take(size);
      if (block === 0) {
        full++;
        continue;
      }
      const begin = board.arena(thread);
      assert.ok(block % 8 === 0 && block > begin && block + size <= begin + 8192, `seed ${seed}: ${block} + ${size}`);
      const mark = random.integer(1, 255);
      board.bytes.fill(mark, block, block + size);
      held.push({ block, size, mark });
    }
    assert.ok(full > 10, `seed ${seed}: ${full} times full`);
    for (const { block } of held) giveBack(board, block);
    for (const arena of arenas) {
      assert.is(arena.taken, 0);
      assert.ok(arena.take(arena.sizeMax) > 0);
      assert.is(arena.take(1), 0);
    }
  }
});

test("an arena that another thread takes over frees what nobody knows, and nothing else", () => {
  const board = new Board(SPEC);
  const arena = new Arena(board, 1);
  const blocks = numbers(10).map(() => arena.take(100));
  const known = new Set(blocks.filter((_, i) => i % 3 === 0));
  new Arena(board, 1).sweep((block) => known.has(block));
  const next = new Arena(board, 1);
  assert.is(next.taken, known.size * (104 + 8));
  for (const block of known) giveBack(board, block);
  assert.ok(next.take(next.sizeMax) > 0);
});

test("a ring gives each hint to one of several readers or more, and is full after as many as there are slots", () => {
  const board = new Board(SPEC);
  const writer = new HintRing(board, 0, board.anybody);
  const readers = [new HintRing(board, 0, board.anybody), new HintRing(board, 0, board.anybody)];
  const random = new Random(3);
  let pushed = 0;
  let seen = -1;
  for (let step = 0; step < 5000; step++) {
    if (random.next() % 2 === 0 && !writer.isFull) writer.push(pushed++ % 32);
    const reader = random.pick(readers);
    const front = reader.front;
    // The other one may be late, and drops nothing then.
    if (random.next() % 3 === 0 || front < 0) continue;
    if ((seen + 1) % 32 === front) seen++;
    reader.drop();
  }
  while (writer.front >= 0) {
    assert.is(writer.front, ++seen % 32);
    writer.drop();
  }
  assert.is(seen, pushed - 1);
  for (let i = 0; i < 32; i++) writer.push(i);
  assert.ok(writer.isFull);
});

test("items are given out once among threads in turn, to the thread alone that the slot is for", async () => {
  await withThreads((threads) => {
    const { board } = threads;
    const runner = threads.get(0);
    const claims = [1, 2].map((thread) => new Claims(board, thread, runner.bells));
    const random = new Random(5);
    for (const target of [ANY, 2]) {
      runner.batch(square, numbers(160), target === ANY ? {} : { thread: target });
      const ring = new HintRing(board, board.outside, target === ANY ? board.anybody : target);
      const slot = ring.front;
      const given: number[] = [];
      const sizes: number[] = [];
      for (let took = true; took; ) {
        const order = random.next() % 2 === 0 ? [0, 1] : [1, 0];
        took = false;
        for (const index of order) {
          const claim = claims[index]!;
          if (!claim.take(slot)) continue;
          assert.ok(target === ANY || index === 1);
          took = true;
          sizes.push(claim.last - claim.first);
          for (let i = claim.first; i < claim.last; i++) given.push(i);
        }
      }
      assert.equal(
        given.sort((a, b) => a - b),
        numbers(160),
      );
      assert.is(sizes[0], 20, "an eighth of 160, for two threads");
      assert.is(sizes.at(-1), 1);
    }
  });
});

test("a hint that comes late, to a slot that is another's by now, gives that one's work to nobody who may not do it", async () => {
  await withThreads((threads) => {
    const first = threads.get(0).batch(square, numbers(3));
    const late = new HintRing(threads.board, threads.board.outside, threads.board.anybody);
    const slot = late.front;
    threads.work(1, 0);
    assert.equal(first.outcome, squares(3));
    // The slot that was free last is taken first.
    const second = threads.get(0).batch(square, numbers(3), { thread: 2 });
    assert.is(new HintRing(threads.board, threads.board.outside, 2).front, slot);
    const claims = new Claims(threads.board, 1, threads.get(1).bells);
    assert.is(claims.take(slot), false);
    late.drop();
    threads.work(1, 0);
    assert.is(second.isSettled, false);
    threads.work(2, 0);
    assert.equal(second.outcome, squares(3));
  });
});

test("a thread that sleeps is woken once for 30 runs, one that is awake not at all, and of two sleepers one for one run", async () => {
  await withThreads((threads) => {
    const { bells } = threads.get(0);
    const runs = numbers(10).map((n) => threads.get(0).run(square, n, {}, ANY));
    assert.is(threads.rings, 0);
    bells.liesDown(1);
    for (const n of numbers(10)) runs.push(threads.get(0).run(square, n, {}, ANY));
    assert.is(threads.rings, 1);
    bells.liesDown(1);
    bells.liesDown(2);
    threads.rings = 0;
    runs.push(threads.get(0).run(square, 3, {}, ANY));
    assert.is(threads.rings, 1);
    runs.push(threads.get(0).batch(square, numbers(5)));
    assert.is(threads.rings, 2);
    threads.work(1, 2, 0);
    assert.ok(runs.every((run) => run.isSettled));
    assert.is(threads.rings, 2);
  });
});

test("what nobody rang for is found by whoever looks", async () => {
  await withThreads((threads) => {
    const lost = new Bells(threads.board, () => {});
    lost.liesDown(1);
    const run = threads.get(0).run(square, 7, {}, ANY);
    // The notify was lost: its mark is gone, and the next look finds the work all the same.
    assert.is(lost.wake(1), false);
    assert.is(threads.get(1).turn(), true);
    assert.is(threads.get(0).turn(), true);
    assert.is(run.outcome, 49);
  });
});

test("a slot's owner takes results while others are still to come, when threads need the room", async () => {
  await withThreads((threads) => {
    const lengths = numbers(12).map((n) => 700 + n);
    const batch = threads.get(0).batch(text, lengths);
    threads.work(2);
    assert.is(threads.get(2).answers.areWaiting, true);
    threads.work(0, 1);
    assert.is(batch.isSettled, false);
    // What waits is sent at the beginning of a turn.
    while (threads.get(2).answers.areWaiting) threads.work(2, 0);
    assert.equal(
      (batch.outcome as string[]).map((result) => result.length),
      lengths,
    );
    for (const thread of [0, 1, 2]) assert.is(new Arena(threads.board, thread).taken, 0);
    // Nor does anything stay that nobody wants any more.
    const cancelled = threads.get(0).batch(text, lengths);
    threads.work(2);
    cancelled.cancel();
    while (threads.get(0).open > 0) threads.work(0, 1, 2);
    for (const thread of [0, 1, 2]) assert.is(new Arena(threads.board, thread).taken, 0);
  });
});

/** How far a thread came in what it had claimed, before it ended. */
interface Death {
  readonly finished: number;
  readonly running: boolean;
  readonly counted: boolean;
}

/** Thread 1 takes some items of the slot, and ends in the middle of them. Tells the item that it was in, or -1. */
function die(threads: Threads, slot: number, { finished, running, counted }: Death): number {
  const { board } = threads;
  const claims = new Claims(board, 1, threads.get(1).bells);
  claims.enter(slot);
  if (!claims.take(slot)) return -1;
  const base = board.slot(slot);
  const cell = board.words[base + CELLS]!;
  const tags = board.words[base + TAGS]!;
  let at = claims.first;
  let done = 0;
  for (; at < claims.last && done < finished; at++) {
    if (board.bytes[tags + at]! >= RUNNING) continue;
    board.cells[cell + at] = at * at;
    board.bytes[tags + at] = FINISHED | NUMBER;
    done++;
  }
  if (counted) Atomics.add(board.words, base + DONE, done);
  if (!running || at >= claims.last || board.bytes[tags + at]! >= RUNNING) return -1;
  board.bytes[tags + at] = RUNNING | 1;
  return at;
}

test("a thread that ends anywhere in a batch, again and again, loses what it ran and nothing else, over 300 seeds", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    await withThreads((threads) => {
      const random = new Random(seed);
      const count = random.integer(1, 200);
      const target = random.next() % 3 === 0 ? 1 : ANY;
      const options = target === ANY ? { settle: true } : { settle: true, thread: 1 };
      const batch = threads.get(0).batch(square, numbers(count), options) as Pending<Outcome<number>[]>;
      const slot = new HintRing(threads.board, threads.board.outside, target === ANY ? threads.board.anybody : 1).front;
      const reaper = new Reaper(threads.get(0));
      const lost = new Set<number>();
      for (let deaths = random.integer(1, 4); deaths > 0; deaths--) {
        for (let turns = random.integer(0, 3); turns > 0; turns--) threads.get(random.integer(1, 2)).turn();
        if (batch.isSettled) break;
        const death = {
          finished: random.integer(0, 20),
          running: random.next() % 2 === 0,
          counted: random.next() % 4 === 0,
        };
        const item = die(threads, slot, death);
        if (item >= 0) lost.add(item);
        reaper.bury(1);
        threads.start(1);
      }
      for (let rounds = 0; !batch.isSettled; rounds++) {
        assert.ok(rounds < 20, `seed ${seed}: never done`);
        threads.work(1, 2, 0);
        reaper.restore();
      }
      const outcomes = batch.outcome as Outcome<number>[];
      outcomes.forEach((outcome, i) => {
        const about = `seed ${seed}, item ${i} of ${count}`;
        if (!lost.has(i)) assert.equal(outcome, { status: "fulfilled", value: i * i }, about);
        else assert.is(outcome.status === "rejected" && outcome.reason.code, "THREAD_EXITED", about);
      });
      reaper.restore();
      assert.is(reaper.isWaiting, false, `seed ${seed}`);
      assert.is(threads.get(0).open, 0);
    });
  }
});

test("a batch that was cancelled is over although a thread ended in it, whichever came first, over 100 seeds", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    await withThreads((threads) => {
      const random = new Random(seed);
      const batch = threads.get(0).batch(square, numbers(random.integer(1, 100)));
      const slot = new HintRing(threads.board, threads.board.outside, threads.board.anybody).front;
      const reaper = new Reaper(threads.get(0));
      if (random.next() % 2 === 0) threads.get(2).turn();
      const isFirst = random.next() % 2 === 0;
      if (isFirst) batch.cancel();
      die(threads, slot, { finished: random.integer(0, 5), running: random.next() % 2 === 0, counted: false });
      if (!isFirst) batch.cancel();
      reaper.bury(1);
      threads.start(1);
      for (let rounds = 0; threads.get(0).open > 0; rounds++) {
        assert.ok(rounds < 10, `seed ${seed}: never over`);
        threads.work(1, 2, 0);
        reaper.restore();
      }
      assert.is((batch.outcome as { code: string }).code, "TASK_CANCELLED");
      // All slots can be used again.
      const runs = numbers(32).map((n) => threads.get(0).run(square, n, {}, ANY));
      threads.work(1, 2, 0);
      assert.equal(
        runs.map(({ outcome }) => outcome),
        squares(32),
        `seed ${seed}`,
      );
    });
  }
});

test("what a thread had asked for before it ended is given up, and its slots serve the next one", async () => {
  await withThreads((threads) => {
    const reaper = new Reaper(threads.get(0));
    for (let round = 0; round < 50; round++) {
      threads.get(1).run(echo, "lost text", { thread: 2 });
      threads.get(1).batch(square, numbers(50), { thread: 2 });
      if (round % 2 === 0) threads.work(2);
      reaper.bury(1);
      threads.start(1);
      threads.work(2, 1);
    }
    const runs = numbers(2048).map((n) => threads.get(1).run(square, n, { thread: 2 }));
    threads.work(2, 1);
    assert.ok(runs.every((run, n) => run.outcome === n * n));
    for (const thread of [1, 2]) assert.is(new Arena(threads.board, thread).taken, 0);
  });
});

test("a thread that is told too late or too often looks, and gives no slot back twice", async () => {
  await withThreads((threads) => {
    const { board, bells, orders } = threads.get(0);
    for (let round = 0; round < 10; round++) {
      const done = threads.get(0).batch(square, numbers(3));
      const slot = new HintRing(board, board.outside, board.anybody).front;
      tellOwner(board, bells, slot);
      threads.work(0);
      assert.is(done.isSettled, false);
      threads.work(1, 0);
      assert.equal(done.outcome, squares(3));
      for (let times = 0; times < 3; times++) {
        tellOwner(board, bells, slot);
        orders.collect();
      }
    }
    // Were a slot free twice, two of these would be in it.
    const runs = numbers(32).map((n) => threads.get(0).run(square, n, {}, ANY));
    assert.throws(() => threads.get(0).run(square, 32, {}, ANY), /32 runs/);
    threads.work(1, 0);
    assert.equal(
      runs.map(({ outcome }) => outcome),
      squares(32),
    );
  });
});

test("a thread that ends while it looks at what is done leaves slots that the next one gives back", async () => {
  await withThreads((threads) => {
    const { board } = threads;
    for (let i = 0; i < 50; i++) threads.get(1).run(echo, `text ${i}`, { thread: 2 });
    threads.work(2);
    // It had taken the bits, and not come further.
    const first = board.firstSlotOf(1);
    for (let slot = first; slot < first + board.slotCountOf(1); slot += 32) board.words[board.doneWord(slot)] = 0;
    new Reaper(threads.get(0)).bury(1);
    threads.start(1);
    threads.work(1, 2);
    const runs = numbers(2048).map((n) => threads.get(1).run(square, n, { thread: 2 }));
    threads.work(2, 1);
    assert.ok(runs.every((run, n) => run.outcome === n * n));
    for (const thread of [1, 2]) assert.is(new Arena(board, thread).taken, 0);
  });
});

/** Bytes of the block of the longest text that is asked for. */
const LONGEST_BYTES = 256;

/** What somebody asked for, and what must come of it if nothing happens. */
interface Asked {
  readonly pending: Pending;
  readonly expected: readonly unknown[];
  cancelled: boolean;
}

/**
 * Threads that come in between at any atomic operation of another one, and workers that end at any of theirs. Thread 0 asks, cancels,
 * buries who ended and puts another one into its place; workers ask each other.
 */
class Turmoil {
  readonly threads: Threads;
  readonly #random: Random;
  readonly #deathChance: number;
  readonly #reaper: Reaper;
  /** By thread. */
  readonly #asked: Asked[][] = [[], [], []];
  readonly #busy = [false, false, false];
  readonly #graves: number[] = [];
  /** Threads that are in a step, the last one running, and whether that one has ended. */
  readonly #stack: number[] = [];
  #ended = false;
  deaths = 0;
  done = 0;

  constructor(threads: Threads, random: Random, deathChance: number) {
    this.threads = threads;
    this.#random = random;
    this.#deathChance = deathChance;
    this.#reaper = new Reaper(threads.get(0));
  }

  run(turns: number): void {
    atEachAtomic(
      () => this.#atAtomic(),
      () => {
        for (let i = 0; i < turns; i++) this.#turn(this.#random.integer(0, 2));
      },
    );
  }

  /** Nothing new, nobody dies: all that was asked for must come to its end. */
  finish(): void {
    const isOver = (): boolean => this.#asked.every((asked) => asked.length === 0) && !this.#isUsed();
    for (let rounds = 0; !isOver() || this.#reaper.isWaiting; rounds++) {
      assert.ok(rounds < 100, "never done");
      if (this.#graves.length > 0) this.#reborn();
      this.threads.work(0, 1, 2);
      this.#reaper.restore();
      for (const thread of [0, 1, 2]) this.#check(thread);
    }
    // Who ends between taking a result and giving its block back, loses the block.
    const most = LONGEST_BYTES * this.deaths;
    const taken = [0, 1, 2].map((thread) => new Arena(this.threads.board, thread).taken);
    assert.ok(Math.max(...taken) <= most, `${taken} bytes are still taken after ${this.deaths} deaths`);
  }

  #isUsed(): boolean {
    const { board } = this.threads;
    return numbers(board.slots).some((slot) => board.words[board.slot(slot) + USED] !== 0);
  }

  #atAtomic(): void {
    const thread = this.#stack.at(-1) ?? 0;
    // What ended does nothing more, also where it would catch an error.
    if (this.#ended) throw new Ended();
    if (this.#random.float() < 0.05) this.#turn(this.#random.integer(0, 2));
    if (thread !== 0 && this.#random.float() < this.#deathChance) {
      this.#ended = true;
      throw new Ended();
    }
  }

  #turn(thread: number): void {
    if (this.#busy[thread]) return;
    this.#busy[thread] = true;
    this.#stack.push(thread);
    // Whose task is running is each thread's own.
    const scope = enter(undefined);
    try {
      this.#step(thread);
    } catch (error) {
      if (!this.#ended) throw error;
      this.#ended = false;
      this.deaths++;
      this.#graves.push(thread);
      this.#asked[thread] = [];
    }
    enter(scope);
    this.#stack.pop();
    this.#busy[thread] = this.#graves.includes(thread);
  }

  #step(thread: number): void {
    if (thread === 0 && this.#graves.length > 0) this.#reborn();
    if (thread === 0) this.#reaper.restore();
    this.threads.get(thread).turn();
    this.#check(thread);
    if (this.#asked[thread]!.length < 6) this.#ask(thread);
    const asked = this.#asked[thread]!;
    if (asked.length === 0 || this.#random.next() % 20 !== 0) return;
    const one = this.#random.pick(asked);
    one.cancelled = true;
    one.pending.cancel();
  }

  #reborn(): void {
    const thread = this.#graves[0]!;
    this.#reaper.bury(thread);
    this.threads.start(thread);
    this.#graves.shift();
    this.#busy[thread] = false;
  }

  #ask(thread: number): void {
    const random = this.#random;
    const list = numbers(random.integer(1, 20)).map((n) => n * 5 + random.integer(0, 9));
    const target = random.pick([ANY, ANY, 1, 2]);
    const options = { settle: true, ...(target === ANY || target === thread ? {} : { thread: target }) };
    const kinds = [
      () => this.threads.get(thread).batch(square, list, options),
      () => this.threads.get(thread).batch(text, list, options),
      () => this.threads.get(thread).batch(hop, list, options),
    ];
    const results: ((n: number) => unknown)[] = [(n) => n * n, (n) => "x".repeat(n), (n) => n + n * n];
    const kind = random.integer(0, 2);
    try {
      const pending = kinds[kind]!();
      this.#asked[thread]!.push({ pending, expected: list.map(results[kind]!), cancelled: false });
    } catch (error) {
      if ((error as { code?: string }).code !== "TASKS_FULL") throw error;
    }
  }

  #check(thread: number): void {
    this.#asked[thread] = this.#asked[thread]!.filter(({ pending, expected, cancelled }) => {
      if (!pending.isSettled) return true;
      this.done++;
      if (cancelled) return false;
      assert.is(pending.isRejected, false, String(pending.outcome));
      (pending.outcome as Outcome<unknown>[]).forEach((outcome, i) => {
        if (outcome.status === "fulfilled") assert.is(outcome.value, expected[i]);
        else assert.ok(outcome.reason.code === "THREAD_EXITED" && this.deaths > 0, String(outcome.reason));
      });
      return false;
    });
  }
}

class Ended extends Error {}

const SEEDS = 15 * EFFORT;

for (const deathChance of [0, 0.002, 0.01]) {
  test(`threads come in between at any atomic operation, and ${deathChance * 100}% of these are a worker's last, over ${SEEDS} seeds`, async () => {
    let deaths = 0;
    let done = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      await withThreads((threads) => {
        const turmoil = new Turmoil(threads, new Random(seed), deathChance);
        try {
          turmoil.run(300);
          turmoil.finish();
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error });
        }
        deaths += turmoil.deaths;
        done += turmoil.done;
      });
    }
    assert.ok(done > 20 * SEEDS, `${done} were done`);
    assert.is(deaths > SEEDS, deathChance > 0, `${deaths} deaths`);
  });
}

test("errors of items are found in the order of the list, not of time", async () => {
  await withThreads((threads) => {
    const batch = threads.get(0).batch(fails, [1, 2, 4, 9, 5, 3, 7, 6]);
    const { board } = threads;
    const slot = new HintRing(board, board.outside, board.anybody).front;
    const claims = new Claims(board, 1, threads.get(1).bells);
    assert.ok(claims.take(slot));
    assert.is(claims.last, 1);
    // The first item is with a slow thread.
    threads.work(2, 0);
    assert.is(batch.isSettled, false);
    board.bytes[board.words[board.slot(slot) + TAGS]!] = FINISHED | NUMBER;
    claims.count(slot, 1);
    threads.work(0);
    assert.is((batch.outcome as Error).message, "no 9");
  });
});

test.run();
