/**
 * The scheduler of tasks: what it gives is what one thread gives, whatever threads do it, fail, or end. The tasks are in
 * fixtures/jobs.mjs. What must be true between two steps of a thread is tested in slots.test.ts.
 */
// slow
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import v8 from "node:v8";
import vm from "node:vm";
import { createScheduler, type Scheduler, type SchedulerOptions, type Task, task } from "gyre";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { until } from "./support/until.js";

const MODULE = pathToFileURL(resolve("test/fixtures/jobs.mjs"));
const BEGUN = 0;
const GO = 1;
const ENDED = 2;

/** The tasks of the module take and give what their names say; tests say which. */
// biome-ignore lint/suspicious/noExplicitAny: the module has no types
const jobs = (await import(MODULE.href)) as Record<string, Task<(value?: any) => any>>;
const job = (name: string): Task<(value?: unknown) => unknown> => {
  const found = jobs[name];
  if (found === undefined) throw new Error(`no job ${name}`);
  return found as Task<(value?: unknown) => unknown>;
};

async function withScheduler(
  options: Partial<SchedulerOptions>,
  use: (scheduler: Scheduler) => Promise<void>,
): Promise<void> {
  const scheduler = await createScheduler({ module: MODULE, threads: 2, ...options });
  try {
    await use(scheduler);
  } finally {
    await scheduler.close();
  }
}

let two: Scheduler | undefined;

/** One with two threads for all tests that leave it as it was, since threads take their time to start. */
async function withTwo(use: (scheduler: Scheduler) => Promise<void>): Promise<void> {
  two ??= await createScheduler({ module: MODULE, threads: 2 });
  await use(two);
  await until("nothing is left open", () => two?.stats().open === 0);
}

test.after(() => two?.close());

/** The code that a promise is rejected with. */
async function codeOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
  return "fulfilled";
}

/** Three words that a test and its tasks look at. */
function signals(scheduler: Scheduler): { handle: number; words: Int32Array; go(): void } {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const handle = scheduler.share(words);
  return {
    handle,
    words,
    go() {
      Atomics.store(words, GO, 1);
      Atomics.notify(words, GO);
    },
  };
}

/** Blocks all workers; `go` lets them on. */
async function holdAll(scheduler: Scheduler): Promise<{ go(): void; held: Promise<unknown[]> }> {
  const { handle, words, go } = signals(scheduler);
  const threads = Array.from({ length: scheduler.threads }, (_, index) => index + 1);
  const held = Promise.all(threads.map((thread) => scheduler.run(job("hold"), handle, { thread })));
  await until("all threads are held", () => Atomics.load(words, BEGUN) === scheduler.threads);
  return { go, held };
}

/** Plain data of any kind. */
function randomValue(random: Random, depth = 0): unknown {
  const kinds: (() => unknown)[] = [
    () => random.integer(-1000, 1000),
    () => random.float() * 1e9,
    () => Number.NaN,
    () => -0,
    () => undefined,
    () => null,
    () => random.next() % 2 === 0,
    () => "x".repeat(random.integer(0, 50)),
    () => BigInt(random.next()) ** 3n,
    () => new Uint8Array(random.integer(0, 300)).fill(random.integer(0, 255)),
    () => new Date(random.next()),
    () => new Map([[random.next(), "value"]]),
  ];
  if (depth < 3) {
    const several = (): unknown[] => Array.from({ length: random.integer(0, 5) }, () => randomValue(random, depth + 1));
    kinds.push(several, () => ({ list: several(), value: randomValue(random, depth + 1) }));
  }
  return random.pick(kinds)();
}

test("gives on 0, 1, 2 and 3 threads what plain calls give: numbers, other values, chains of tasks", async () => {
  const chainOf = (n: number): number => n * n + 2 + (n + 1 + n * n);
  for (const threads of [0, 1, 2, 3]) {
    await withScheduler({ threads, spin: threads === 3 ? "off" : "auto" }, async (scheduler) => {
      assert.is(scheduler.threads, threads);
      for (let seed = 1; seed <= 20; seed++) {
        const random = new Random(seed);
        const about = `seed ${seed}, ${threads} threads`;
        const numbers = Array.from({ length: random.integer(0, 700) }, () => random.integer(-1e6, 1e6) / 8);
        const values = Array.from({ length: random.integer(0, 60) }, () => randomValue(random));
        const [squares, echoes, chains, laters, single, value] = await Promise.all([
          scheduler.batch(job("square"), numbers),
          scheduler.batch(job("echo"), values),
          scheduler.batch(job("chain"), numbers.slice(0, 40)),
          scheduler.batch(job("later"), numbers.slice(0, 40)),
          scheduler.run(job("square"), numbers.length),
          scheduler.run(job("echo"), values),
        ]);
        assert.equal(
          squares,
          numbers.map((n) => n * n),
          about,
        );
        assert.equal(echoes, values, about);
        assert.equal(chains, numbers.slice(0, 40).map(chainOf), about);
        assert.equal(
          laters,
          numbers.slice(0, 40).map((n) => n + 1 + n * n),
          about,
        );
        assert.is(single, numbers.length ** 2, about);
        assert.equal(value, values, about);
      }
    });
  }
});

test("results are in the list's order, whichever thread was how fast with which", async () => {
  await withScheduler({ threads: 3 }, async (scheduler) => {
    const random = new Random(7);
    const list = Array.from({ length: 200 }, (_, id) => ({ id, us: random.integer(0, 10) ** 2 }));
    const ids = list.map(({ id }) => id);
    assert.equal(await scheduler.batch(job("burn"), list), ids);
    assert.equal(await Promise.all(list.map((each) => scheduler.run(job("burn"), each))), ids);
    const { ran } = scheduler.stats();
    assert.is(ran[0], 0);
    assert.is(
      ran.reduce((total, count) => total + count, 0),
      2 * list.length,
    );
  });
});

test("a batch of numbers takes any list, and writes into an array that it is given", async () => {
  await withTwo(async (scheduler) => {
    const list = Float64Array.from({ length: 3000 }, (_, i) => i);
    const into = new Float64Array(4000).fill(-1);
    const given = await scheduler.batch(job("square"), list, { into });
    assert.is(given, into);
    for (let i = 0; i < 4000; i++) assert.is(into[i], i < 3000 ? i * i : -1);
    assert.equal(await scheduler.batch(job("square"), []), []);
    assert.is(await codeOf(scheduler.batch(job("square"), list, { into: new Float64Array(2999) })), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.batch(job("square"), list, { into, settle: true } as never)), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.batch(job("square"), 5 as never)), "BAD_ARGUMENT");
  });
});

test("the calling thread takes part in a batch when it is asked, and only then", async () => {
  await withScheduler({ threads: 1 }, async (scheduler) => {
    const { go, held } = await holdAll(scheduler);
    const list = Array.from({ length: 50 }, (_, i) => i);
    assert.equal(
      await scheduler.batch(job("square"), list, { help: true }),
      list.map((n) => n * n),
    );
    assert.is(scheduler.stats().ran[0], 50);
    go();
    await held;
    await scheduler.batch(job("square"), list);
    assert.is(scheduler.stats().ran[0], 50);
  });
});

test("what a task throws arrives with its class, message and code, on 0 threads and on 2", async () => {
  for (const threads of [0, 2]) {
    await withScheduler({ threads }, async (scheduler) => {
      const thrown = async (name: string, value?: unknown): Promise<unknown> => {
        try {
          await scheduler.run(job(name), value);
        } catch (error) {
          return error;
        }
        return assert.unreachable(`${name} threw nothing`);
      };
      const error = (await thrown("fails", "out of reach")) as RangeError & { code: string };
      assert.instance(error, RangeError);
      assert.is(error.message, "out of reach");
      assert.is(error.code, "E_JOB");
      assert.match(String(error.stack), "jobs.mjs");
      assert.instance(await thrown("failsLater", "later"), TypeError);
      assert.is(await thrown("throws", "a string"), "a string");
      assert.equal(await thrown("throws", { a: [1] }), { a: [1] });
      assert.is(await thrown("throws", undefined), undefined);
      assert.is(((await thrown("refused")) as { name: string }).name, "GyreError");
      assert.is(await codeOf(scheduler.run(job("refused"))), "HANDLE_UNKNOWN");
      assert.is(await codeOf(scheduler.run(job("yieldsNonsense"))), "BAD_ARGUMENT");
      assert.is(await scheduler.run(job("square"), 3), 9, "and goes on after all of them");
    });
  }
});

test("what cannot go to another thread is refused with BAD_ARGUMENT: values, results, what is thrown", async () => {
  await withTwo(async (scheduler) => {
    assert.is(await codeOf(scheduler.run(job("echo"), () => 1)), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.run(job("echo"), [new SharedArrayBuffer(8)])), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.batch(job("echo"), [1, Symbol("x")])), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.run(job("givesFunction"))), "BAD_ARGUMENT");
    let error: unknown;
    await scheduler.run(job("throwsFunction")).catch((reason: unknown) => {
      error = reason;
    });
    assert.instance(error, TypeError);
    assert.is(scheduler.stats().open, 0);
  });
});

test("a batch rejects with the error of the first value that has one, or settles each", async () => {
  for (const threads of [0, 2]) {
    await withScheduler({ threads }, async (scheduler) => {
      const list = Array.from({ length: 300 }, (_, i) => (i === 123 || i > 200 ? 2 * i + 1 : 2 * i));
      let message = "";
      await scheduler.batch(job("failsOdd"), list).catch((error: Error) => {
        message = error.message;
      });
      assert.is(message, "odd 247");
      const outcomes = await scheduler.batch(job("failsOdd"), list, { settle: true });
      outcomes.forEach((outcome, i) => {
        const n = list[i]!;
        if (n % 2 === 0) assert.equal(outcome, { status: "fulfilled", value: n });
        else assert.is(outcome.status === "rejected" && (outcome.reason as Error).message, `odd ${n}`);
      });
    });
  }
});

test("tasks call tasks on other threads: in turn, at once, 200 deep, as trees, and from async functions", async () => {
  await withTwo(async (scheduler) => {
    assert.is(await scheduler.run(job("pingPong"), 200, { thread: 1 }), 200);
    assert.is(await scheduler.run(job("sum"), [1, 500]), 125_250);
    assert.equal(await scheduler.batch(job("both"), [1, 2, 3]), [
      [1, 4],
      [4, 9],
      [9, 16],
    ]);
    assert.is(await scheduler.run(job("asksMany"), 500, { thread: 1 }), 41_541_750);
    assert.equal(await scheduler.run(job("awaitsMany"), 4, { thread: 1 }), [0, 1, 4, 9, 1]);
    const pings = Array.from({ length: 300 }, (_, i) => i % 7);
    assert.equal(await scheduler.batch(job("pingPong"), pings), pings);
    assert.is(scheduler.stats().open, 0);
  });
});

test("a task that asks for more than 2,048 others at a time is refused with TASKS_FULL, and its thread goes on", async () => {
  await withScheduler({}, async (scheduler) => {
    assert.is(await codeOf(scheduler.run(job("asksMany"), 2049, { thread: 1 })), "TASKS_FULL");
    // What the refused one had asked for is still being done.
    const again = (): Promise<unknown> => codeOf(scheduler.run(job("asksMany"), 2048, { thread: 1 }));
    await until("there is room for 2,048 again", async () => (await again()) === "fulfilled");
    assert.is(await scheduler.run(job("asksMany"), 100, { thread: 1 }), 328_350);
  });
});

test("runs on the thread that is asked for: a number, any, that of a handle; thread 0 is the caller's", async () => {
  await withTwo(async (scheduler) => {
    for (const thread of [0, 1, 2]) {
      assert.is(await scheduler.run(job("where"), undefined, { thread }), thread);
      const all = await scheduler.batch(job("where"), new Array(200).fill(undefined), { thread });
      assert.equal([...new Set(all)], [thread]);
    }
    assert.ok([1, 2].includes((await scheduler.run(job("where"), undefined, { thread: "any" })) as number));
    assert.equal(await scheduler.run(job("threadsOf"), undefined, { thread: 2 }), [2, 0, 1, 2]);
    for (const thread of [1, 2]) {
      const handle = scheduler.share(Float64Array.of(1, 2, 3), thread);
      assert.is(await scheduler.run(job("where"), undefined, { handle }), thread);
      assert.equal(await scheduler.run(job("sumThere"), handle), [thread, 6]);
    }
    const homes = Array.from({ length: 4 }, () => scheduler.share(new Uint8Array(8)));
    const threads = await Promise.all(homes.map((handle) => scheduler.run(job("where"), undefined, { handle })));
    assert.equal(new Set(threads), new Set([1, 2]), "handles of thread 0 are spread over the workers");
    for (const thread of [3, -1, 0.5, "all"]) {
      assert.is(await codeOf(scheduler.run(job("where"), undefined, { thread: thread as number })), "BAD_ARGUMENT");
    }
  });
});

test("a task outside of a scheduler is refused with TASK_OUTSIDE, in all ways to call one", async () => {
  for (const name of ["square", "plus", "later", "where"]) {
    assert.throws(() => job(name)(3), /outside of a scheduler/);
    assert.throws(() => job(name).run(3), /outside of a scheduler/);
    assert.throws(() => job(name).batch([3]), /outside of a scheduler/);
  }
  await withScheduler({ threads: 0 }, async (scheduler) => {
    assert.is(await scheduler.run(job("later"), 3), 13);
    // Neither is what comes after a task in one.
    assert.throws(() => job("square")(3), /outside of a scheduler/);
    await scheduler.batch(job("later"), [1, 2]);
    assert.throws(() => job("square")(3), /outside of a scheduler/);
  });
});

test("two schedulers in one process keep apart: each task is in the one of the task that called it", async () => {
  await withScheduler({ threads: 2 }, async (first) => {
    await withScheduler({ threads: 0 }, async (second) => {
      await withScheduler({ threads: 3 }, async (third) => {
        const [a, b, c] = await Promise.all([
          first.batch(job("chain"), [1, 2, 3]),
          second.batch(job("chain"), [1, 2, 3]),
          third.batch(job("chain"), [1, 2, 3]),
        ]);
        assert.equal(a, b);
        assert.equal(b, c);
        const handles = [first, second, third].map((each, i) => each.share(Float64Array.of(i)));
        assert.equal(
          await Promise.all([first, second, third].map((each, i) => each.run(job("sumOf"), handles[i]))),
          [0, 1, 2],
        );
        assert.equal(second.stats().open, 0);
      });
    });
  });
});

test("a task is known by its own name or that of its export; others are refused with TASK_UNKNOWN", async () => {
  await withTwo(async (scheduler) => {
    assert.is(await scheduler.run("double", 4), 8);
    assert.is(await scheduler.run(job("twice"), 4), 8);
    assert.is(await scheduler.run("square", 4), 16);
    assert.equal(await scheduler.batch("square", [4]), [16]);
    assert.is(await codeOf(scheduler.run("twice", 4)), "TASK_UNKNOWN");
    for (const unknown of ["cube", "", undefined, null, 5, () => 1, {}]) {
      assert.is(await codeOf(scheduler.run(unknown as never, 4)), "TASK_UNKNOWN", String(unknown));
    }
    for (const options of [{ signal: {} }, { whenFull: "never" }, { thread: 9 }]) {
      assert.is(await codeOf(scheduler.run("square", 4, options as never)), "BAD_ARGUMENT");
    }
    assert.is(await codeOf(scheduler.run(job("callsHidden"), 2, { thread: 1 })), "TASK_UNKNOWN");
    assert.is(await scheduler.run(job("callsHidden"), 1, { thread: 1 }), 2, "a call on its own thread needs no name");
  });
});

test("task refuses what is no function of a kind that it can run, and names that are none, with BAD_ARGUMENT", () => {
  const bad = [[5], [undefined], ["name"], ["", () => 1], ["name", 5], [async function* () {}]];
  for (const args of bad) {
    let code: unknown;
    try {
      (task as (...args: unknown[]) => unknown)(...args);
    } catch (error) {
      code = (error as { code?: unknown }).code;
    }
    assert.is(code, "BAD_ARGUMENT", String(args));
  }
  assert.is(task("name", () => 1).taskName, "name");
});

test("refuses options that are wrong, and modules that are not there, fail or have no tasks, with BAD_ARGUMENT", async () => {
  for (const options of [
    { threads: -1 },
    { threads: 31 },
    { threads: 1.5 },
    { queue: 31 },
    { arenaBytes: 100 },
    { whenFull: "never" },
    { spin: "always" },
    { module: "./no-such-file.mjs" },
    { module: "data:text/javascript,throw new Error('no')" },
    { module: "data:text/javascript,export const n = 1" },
  ]) {
    assert.is(
      await codeOf(createScheduler({ module: MODULE, ...(options as object) })),
      "BAD_ARGUMENT",
      `${Object.entries(options)}`,
    );
  }
});

test("a thread that cannot start makes createScheduler reject, and leaves none behind", async () => {
  const text = `import { isMainThread } from "node:worker_threads";
    import { task } from ${JSON.stringify(pathToFileURL(resolve("build/js/index.js")).href)};
    if (!isMainThread) process.exit(9);
    export const f = task(() => 1);`;
  const module = `data:text/javascript,${encodeURIComponent(text)}`;
  assert.is(await codeOf(createScheduler({ module, threads: 2 })), "THREAD_EXITED");
});

test("a full queue refuses with TASKS_FULL, and takes again what there is room for", async () => {
  await withScheduler({ queue: 32 }, async (scheduler) => {
    const { go, held } = await holdAll(scheduler);
    const taken = Array.from({ length: 30 }, (_, i) => scheduler.run(job("square"), i));
    assert.is(await codeOf(scheduler.run(job("square"), 30)), "TASKS_FULL");
    assert.is(await codeOf(scheduler.batch(job("square"), [30])), "TASKS_FULL");
    go();
    await held;
    assert.equal(
      await Promise.all(taken),
      taken.map((_, i) => i * i),
    );
    assert.is(await scheduler.run(job("square"), 30), 900);
  });
});

test("a full queue lets wait who asks for it, in order, up to 4 times its size", async () => {
  await withScheduler({ queue: 32, whenFull: "wait", threads: 1 }, async (scheduler) => {
    const { go, held } = await holdAll(scheduler);
    const ended: number[] = [];
    const runs = Array.from({ length: 31 + 128 }, (_, i) =>
      scheduler.run(job("square"), i).then((value) => {
        ended.push(i);
        return value;
      }),
    );
    assert.equal(scheduler.stats(), { open: 32, waiting: 128, ran: [0, 1], replaced: 0 });
    assert.is(await codeOf(scheduler.run(job("square"), 1)), "TASKS_FULL");
    assert.is(await codeOf(scheduler.run(job("square"), 1, { whenFull: "refuse" })), "TASKS_FULL");
    go();
    await held;
    assert.equal(
      await Promise.all(runs),
      runs.map((_, i) => i * i),
    );
    assert.is(ended.length, runs.length);
    assert.is(scheduler.stats().waiting, 0);
  });
});

test("who waits for a place and is cancelled leaves the line", async () => {
  await withScheduler({ queue: 32, threads: 1 }, async (scheduler) => {
    const { go, held } = await holdAll(scheduler);
    const taken = Array.from({ length: 31 }, (_, i) => scheduler.run(job("square"), i));
    const controller = new AbortController();
    const waiting = scheduler.run(job("square"), 5, { whenFull: "wait", signal: controller.signal });
    const other = scheduler.run(job("square"), 6, { whenFull: "wait" });
    assert.is(scheduler.stats().waiting, 2);
    controller.abort();
    assert.is(await codeOf(waiting), "TASK_CANCELLED");
    assert.is(scheduler.stats().waiting, 1);
    go();
    await held;
    await Promise.all(taken);
    assert.is(await other, 36);
  });
});

test("values and results that fit no arena are refused; those that fit one after the other all arrive", async () => {
  await withScheduler({ arenaBytes: 4096 }, async (scheduler) => {
    assert.is(await codeOf(scheduler.run(job("echo"), new Uint8Array(5000))), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.batch(job("square"), new Float64Array(500))), "BAD_ARGUMENT");
    assert.is(await codeOf(scheduler.run(job("big"), 5000)), "TASKS_FULL");
    const lengths = Array.from({ length: 100 }, (_, i) => (i * 37) % 2000);
    const results = (await scheduler.batch(job("big"), lengths).catch((error) => error)) as Uint8Array[];
    assert.equal(
      results.map((bytes) => bytes.length),
      lengths,
    );
    assert.ok(results.every((bytes) => bytes.every((byte) => byte === 7)));
  });
});

test("a batch that is cancelled before it begins never runs", async () => {
  await withTwo(async (scheduler) => {
    const { go, held } = await holdAll(scheduler);
    const { handle, words } = signals(scheduler);
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const runs = [
      scheduler.run(job("hold"), handle, options),
      scheduler.batch(job("hold"), [handle, handle], options),
      scheduler.run(job("hold"), handle, { ...options, thread: 1 }),
    ];
    controller.abort();
    for (const run of runs) assert.is(await codeOf(run), "TASK_CANCELLED");
    assert.is(await codeOf(scheduler.run(job("hold"), handle, options)), "TASK_CANCELLED");
    assert.is(await codeOf(scheduler.batch(job("hold"), [handle], options)), "TASK_CANCELLED");
    go();
    await held;
    await until("the slots are free", () => scheduler.stats().open === 0);
    assert.is(words[BEGUN], 0);
  });
});

test("what computes is told that it is cancelled, what waits is ended with its finally and what it waits for", async () => {
  await withTwo(async (scheduler) => {
    const cancelled = async (name: string, thread: number, begun: number, ended: number): Promise<void> => {
      const { handle, words } = signals(scheduler);
      const controller = new AbortController();
      const run = scheduler.run(job(name), handle, { thread, signal: controller.signal });
      await until(`${name} has begun`, () => words[BEGUN] === begun);
      controller.abort();
      assert.is(await codeOf(run), "TASK_CANCELLED");
      await until(`${name} has ended`, () => words[ENDED] === ended && scheduler.stats().open === 0);
    };
    await cancelled("spin", 1, 1, 1);
    await cancelled("waits", 1, 1, 2);
    await cancelled("poll", 1, 1, 1);
    assert.is(await scheduler.run(job("square"), 3, { thread: 1 }), 9);
    assert.is(await scheduler.run(job("square"), 3, { thread: 2 }), 9);
  });
});

test("what waits on thread 0 is ended as well", async () => {
  await withTwo(async (scheduler) => {
    const { handle, words } = signals(scheduler);
    const controller = new AbortController();
    const run = scheduler.run(job("waits"), handle, { thread: 0, signal: controller.signal });
    await until("it has begun", () => words[BEGUN] === 1);
    controller.abort();
    assert.is(await codeOf(run), "TASK_CANCELLED");
    await until("both have ended", () => words[ENDED] === 2);
  });
});

test("1,000 batches, some of which are cancelled at any moment: the others are right, and nothing is left", async () => {
  const seed = 11;
  const random = new Random(seed);
  await withScheduler({ threads: 3, queue: 64 }, async (scheduler) => {
    for (let round = 0; round < 50; round++) {
      const batches = Array.from({ length: 20 }, async () => {
        const controller = new AbortController();
        const list = Array.from({ length: random.integer(1, 80) }, (_, i) => i);
        const name = random.pick(["square", "chain", "later"]);
        const whole = scheduler.batch(job(name), list, { signal: controller.signal });
        const isCancelled = random.next() % 2 === 0;
        if (isCancelled) {
          const turns = random.integer(0, 3);
          for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
          controller.abort();
        }
        try {
          const results = (await whole) as number[];
          assert.is(results.length, list.length, `seed ${seed}`);
          if (name === "square") {
            assert.equal(
              results,
              list.map((n) => n * n),
              `seed ${seed}`,
            );
          }
        } catch (error) {
          assert.is((error as { code: string }).code, "TASK_CANCELLED", `seed ${seed}: ${error}`);
          assert.ok(isCancelled, `seed ${seed}`);
        }
      });
      await Promise.all(batches);
    }
    await until("nothing is left", () => scheduler.stats().open === 0);
  });
});

test("a thread that exits rejects what it ran with THREAD_EXITED and is replaced; the others' results are right", async () => {
  const exits: number[] = [];
  await withScheduler({ onExit: (thread) => exits.push(thread) }, async (scheduler) => {
    const list = Array.from({ length: 400 }, (_, id) => ({ id, at: 137 }));
    const outcomes = await scheduler.batch(job("exitsAt"), list, { settle: true });
    outcomes.forEach((outcome, id) => {
      if (id !== 137) assert.equal(outcome, { status: "fulfilled", value: id });
      else assert.is(outcome.status === "rejected" && (outcome.reason as { code: string }).code, "THREAD_EXITED");
    });
    assert.is(exits.length, 1);
    assert.is(await codeOf(scheduler.run(job("exits"), undefined, { thread: 2 })), "THREAD_EXITED");
    assert.is(await scheduler.run(job("where"), undefined, { thread: 2 }), 2);
    await until("both are replaced", () => scheduler.stats().replaced === 2);
    assert.is(scheduler.stats().open, 0);
  });
});

test("a thread that exits fails what waits in it; what it had asked of others is ended, what others asked of it fails there", async () => {
  await withScheduler({}, async (scheduler) => {
    const { handle, words } = signals(scheduler);
    const parked = scheduler.run(job("waits"), handle, { thread: 1 });
    await until("it waits for the other thread", () => words[BEGUN] === 1);
    const queued = scheduler.batch(job("where"), [1, 2, 3], { thread: 1 });
    const killed = scheduler.run(job("exits"), undefined, { thread: 1 });
    const after = scheduler.batch(job("where"), [1, 2, 3], { thread: 1 });
    assert.is(await codeOf(killed), "THREAD_EXITED");
    assert.is(await codeOf(parked), "THREAD_EXITED");
    assert.equal(await queued, [1, 1, 1]);
    assert.equal(await after, [1, 1, 1], "what was waiting for the thread is done by the next one");
    await until("what it had asked for is ended", () => words[ENDED] === 1);
    assert.is(await scheduler.run(job("catches"), 2, { thread: 1 }), "THREAD_EXITED");
    assert.is(await codeOf(scheduler.run(job("exitsWithin"), undefined, { thread: 1 })), "THREAD_EXITED");
    await until("the slots are free", () => scheduler.stats().open === 0);
  });
});

const EXITS = 5 * EFFORT;

test(`threads that exit ${EXITS} times among ${EXITS * 100} items cost those items alone, and no memory of the arenas`, async () => {
  await withScheduler({ arenaBytes: 65_536 }, async (scheduler) => {
    for (let round = 0; round < EXITS; round++) {
      const list = Array.from({ length: 100 }, (_, id) => ({ id, at: (round * 7) % 100, text: "y".repeat(200) }));
      const outcomes = await scheduler.batch(job("exitsAt"), list, { settle: true });
      const failed = outcomes.flatMap((outcome, id) => (outcome.status === "rejected" ? [id] : []));
      assert.equal(failed, [(round * 7) % 100], `round ${round}`);
    }
    const large = await scheduler.batch(job("big"), [60_000, 60_000], { settle: true });
    assert.equal(
      large.map(({ status }) => status),
      ["fulfilled", "fulfilled"],
    );
  });
});

/** Something that somebody asks for, and what must come of it. */
function anything(scheduler: Scheduler, random: Random, signal: AbortSignal): [Promise<unknown>, unknown] {
  const thread = random.next() % 3 === 0 ? random.integer(0, scheduler.threads) : undefined;
  const options = { signal, thread };
  const list = Array.from({ length: random.integer(1, 60) }, (_, i) => i + random.integer(0, 5));
  const texts = list.map((n) => "x".repeat(n * random.integer(1, 20)));
  const [n = 0] = list;
  const kinds: (() => [Promise<unknown>, unknown])[] = [
    () => [scheduler.batch(job("square"), list, options), list.map((each) => each * each)],
    () => [scheduler.batch(job("echo"), texts, options), texts],
    () => [scheduler.batch(job("chain"), list, options), list.map((each) => 2 * each * each + each + 3)],
    () => [scheduler.batch(job("big"), list, options), list.map((each) => new Uint8Array(each).fill(7))],
    () => [scheduler.run(job("pingPong"), n, { signal, thread: random.integer(1, 2) }), n],
    () => [scheduler.run(job("sum"), [1, n + 3], options), ((n + 3) * (n + 4)) / 2],
    () => [scheduler.run(job("later"), n, options), n + 1 + n * n],
  ];
  const exits = (): [Promise<unknown>, unknown] => {
    const items = list.map((_, id) => ({ id, at: n }));
    return [scheduler.batch(job("exitsAt"), items, { signal }), n < list.length ? undefined : list.map((_, id) => id)];
  };
  return random.next() % 60 === 0 ? exits() : random.pick(kinds)();
}

for (const seed of [1, 2, 3].slice(0, EFFORT)) {
  test(`20 callers ask for anything 30 times each, cancel some of it, threads exit: all comes out right, seed ${seed}`, async () => {
    const random = new Random(seed);
    const options = { threads: random.integer(2, 4), queue: 64, arenaBytes: 2 ** random.integer(15, 18) };
    await withScheduler({ ...options, whenFull: "wait" }, async (scheduler) => {
      const call = async (): Promise<void> => {
        const controller = new AbortController();
        const cancels = random.next() % 5 === 0;
        const [asked, expected] = anything(scheduler, random, controller.signal);
        if (cancels) setImmediate(() => controller.abort());
        try {
          assert.equal(await asked, expected, `seed ${seed}`);
        } catch (error) {
          const { code } = error as { code?: string };
          // Whose thread exits under it is not told beforehand.
          if (code !== "THREAD_EXITED" && !(cancels && code === "TASK_CANCELLED")) throw error;
        }
      };
      const caller = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) await call();
      };
      await Promise.all(Array.from({ length: 20 }, caller));
      await until("nothing is left", () => scheduler.stats().open === 0);
    });
  });
}

test("memory is shared by handle without a copy, and what is no shared memory is copied once", async () => {
  await withTwo(async (scheduler) => {
    const memory = new SharedArrayBuffer(80);
    const handle = scheduler.share(memory);
    assert.is(scheduler.shared(handle), memory);
    assert.is(await scheduler.run(job("fill"), { handle, value: 2.5 }, { thread: 2 }), 2);
    assert.equal([...new Float64Array(memory)], new Array(10).fill(2.5));
    assert.is(await scheduler.run(job("sumOf"), handle, { thread: 1 }), 25);
    const own = Float64Array.of(1, 2, 3, 4);
    const copy = scheduler.share(own.subarray(1, 3));
    own.fill(0);
    assert.is(await scheduler.run(job("sumOf"), copy), 5);
    const theirs = (await scheduler.run(job("shares"), [5, 6], { thread: 1 })) as number;
    assert.equal([...new Float64Array(scheduler.shared(theirs))], [5, 6]);
    assert.is(await scheduler.run(job("sumOf"), theirs, { thread: 2 }), 11);
    for (const bad of [5, null, "text", new Uint8Array(memory, 8, 8)]) {
      assert.throws(() => scheduler.share(bad as never), /share:/);
    }
  });
});

test("a handle is refused with HANDLE_UNKNOWN after its release, everywhere and for good", async () => {
  await withTwo(async (scheduler) => {
    const handle = scheduler.share(Float64Array.of(1));
    assert.is(await scheduler.run(job("sumOf"), handle, { thread: 1 }), 1);
    await scheduler.run(job("releases"), handle, { thread: 2 });
    // Its place is taken by others.
    for (let i = 0; i < 2000; i++) scheduler.release(scheduler.share(new Uint8Array(8)));
    assert.throws(() => scheduler.shared(handle), /was released/);
    assert.throws(() => scheduler.release(handle), /was released/);
    for (const thread of [0, 1, 2]) {
      assert.is(await codeOf(scheduler.run(job("sumOf"), handle, { thread })), "HANDLE_UNKNOWN");
    }
    assert.is(await codeOf(scheduler.run(job("where"), undefined, { handle })), "HANDLE_UNKNOWN");
    for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 40]) assert.throws(() => scheduler.shared(bad), /HANDLE|handle/);
  });
});

test("1,024 handles are good at a time, and one more is refused with TASKS_FULL", async () => {
  await withScheduler({ threads: 0 }, async (scheduler) => {
    const handles = Array.from({ length: 1024 }, () => scheduler.share(new Uint8Array(8)));
    assert.is(new Set(handles).size, 1024);
    assert.throws(() => scheduler.share(new Uint8Array(8)), /1024/);
    scheduler.release(handles[5]!);
    scheduler.shared(scheduler.share(new Uint8Array(8)));
  });
});

test("a thread that takes another's place knows what was shared before", async () => {
  await withScheduler({}, async (scheduler) => {
    const handle = scheduler.share(Float64Array.of(1, 2));
    assert.is(await codeOf(scheduler.run(job("exits"), undefined, { thread: 1 })), "THREAD_EXITED");
    assert.is(await scheduler.run(job("sumOf"), handle, { thread: 1 }), 3);
  });
});

test("async tasks go on while their thread works for others, and their thread sleeps again after", async () => {
  await withScheduler({ threads: 1 }, async (scheduler) => {
    const { handle, words, go } = signals(scheduler);
    const polls = Array.from({ length: 10 }, () => scheduler.run(job("poll"), handle));
    await until("all have begun", () => words[BEGUN] === 10);
    assert.equal(await scheduler.batch(job("square"), [1, 2, 3]), [1, 4, 9]);
    assert.is(words[ENDED], 0);
    go();
    assert.equal(await Promise.all(polls), new Array(10).fill(1));
    assert.is(await scheduler.run(job("square"), 5), 25);
  });
});

test("closing rejects what is under way and what waits with SCHEDULER_CLOSED, and what comes after", async () => {
  await withScheduler({ queue: 32, threads: 1 }, async (scheduler) => {
    const { held } = await holdAll(scheduler);
    const runs: Promise<unknown>[] = Array.from({ length: 31 }, (_, i) => scheduler.run(job("square"), i));
    runs.push(scheduler.run(job("square"), 1, { whenFull: "wait" }), held);
    const codes = Promise.all(runs.map(codeOf));
    await scheduler.close();
    assert.equal([...new Set(await codes)], ["SCHEDULER_CLOSED"]);
    assert.is(await codeOf(scheduler.run(job("square"), 3)), "SCHEDULER_CLOSED");
    assert.is(await codeOf(scheduler.batch(job("square"), [3])), "SCHEDULER_CLOSED");
    assert.throws(() => scheduler.share(new Uint8Array(8)), /closed/);
    assert.throws(() => scheduler.shared(1024), /closed/);
    assert.throws(() => scheduler.release(1024), /closed/);
    await scheduler.close();
  });
});

test("a module that makes its own scheduler makes one, not one in each thread anew", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-tasks-"));
  const story = join(folder, "story");
  const env = { ...process.env, STORY: story };
  const own = spawnSync(process.execPath, ["test/fixtures/own-scheduler.mjs"], {
    encoding: "utf8",
    timeout: 60_000,
    env,
  });
  assert.is(own.status, 0, own.stderr);
  assert.equal(readFileSync(story, "utf8").split("\n").sort(), ["", "9", "BAD_ARGUMENT"]);
  rmSync(folder, { recursive: true });
});

test("a process ends by itself when nothing is under way, and not before", () => {
  const program = `
    const { createScheduler } = await import("gyre");
    const scheduler = await createScheduler({ module: ${JSON.stringify(MODULE.href)}, threads: 2 });
    console.log(JSON.stringify(await scheduler.batch("square", [1, 2, 3])));
    scheduler.run("burn", { us: 100000, id: 4 }).then((id) => console.log("burnt " + id));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.is(status, 0, stderr);
  assert.is(stdout, "[1,4,9]\nburnt 4\n");
});

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

test("10,000 batches and 100,000 runs of numbers leave the heap as large as before", async () => {
  await withScheduler({}, async (scheduler) => {
    const list = Float64Array.from({ length: 64 }, (_, i) => i);
    const into = new Float64Array(64);
    const some = async (rounds: number): Promise<number> => {
      for (let i = 0; i < rounds; i++) {
        await scheduler.batch(job("square"), list, { into });
        if (i % 10 === 0) await Promise.all(Array.from({ length: 100 }, (_, n) => scheduler.run(job("square"), n)));
      }
      collect();
      return v8.getHeapStatistics().used_heap_size;
    };
    const before = await some(1000);
    const after = await some(10_000);
    assert.ok(after - before < 200_000, `${after - before} bytes more`);
  });
});

test.run();
