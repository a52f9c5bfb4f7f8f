/**
 * Primitives over shared memory: each against a slow model in one thread, with cursors on both sides of 2^32, and between real threads.
 */
import { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MessageRing } from "../src/sync/messages.js";
import { TICKETS_MAX, Tickets } from "../src/sync/tickets.js";
import { Bell, pollAsync, SLEEP_MS_MAX, Waiter, waitAsync } from "../src/sync/waiter.js";
import { dyingAt, interleave } from "./support/interleave.js";
import { forSeeds } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { runMessages } from "./support/ring-threads.js";
import { onThread, SYNC_THREAD, startThread } from "./support/sync-threads.js";
import { until } from "./support/until.js";

/** Where the cursors of a test begin: at 0, or so that they soon pass 2^31 or 2^32. */
const STARTS = [0, 2 ** 31 - 256, 2 ** 32 - 256] as const;

const now = (): number => performance.now();

/** Milliseconds that other threads may take for anything. */
const PATIENCE_MS = 20_000;

/** Blocks until it holds. */
function blockUntil(what: string, holds: () => boolean): void {
  const idle = new Int32Array(new SharedArrayBuffer(4));
  const deadlineMs = now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(now() < deadlineMs, `waited in vain until ${what}`);
    Atomics.wait(idle, 0, 0, 0.01);
  }
}

function messageRing(capacity: number, start = 0): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(MessageRing.bytesOf(capacity));
  MessageRing.init(buffer, 0, capacity, start);
  return buffer;
}

/** 2,000 random calls of both ends, compared with lists. */
function followsLists(capacity: number, start: number, seed: number): void {
  const random = new Random(seed * 131 + capacity);
  const buffer = messageRing(capacity, start);
  let producer = new MessageRing(buffer, 0);
  let consumer = new MessageRing(buffer, 0);
  const committed: Uint8Array[] = [];
  let written: Uint8Array[] = [];
  let refused = 0;
  const append = (): void => {
    const maxSize = random.integer(0, Math.min(producer.sizeMax, 40));
    const fits = maxSize + 15 <= producer.free / 2;
    const at = producer.begin(maxSize);
    if (at < 0) {
      assert.is(fits, false, `${maxSize} bytes were refused with ${producer.free} free`);
      refused++;
      return;
    }
    assert.is(at % 8, 0);
    const message = Uint8Array.from({ length: random.integer(0, maxSize) }, () => random.integer(0, 255));
    producer.bytes.fill(0xee, at, at + maxSize);
    // Sometimes it is thought better of.
    if (random.integer(0, 9) === 0) return;
    producer.bytes.set(message, at);
    producer.end(message.length);
    written.push(message);
  };
  const read = (): void => {
    const at = consumer.next();
    const expected = committed[0];
    assert.is(at >= 0, expected !== undefined);
    if (expected === undefined) return;
    assert.is(consumer.length, expected.length);
    assert.equal(consumer.bytes.slice(at, at + consumer.length), expected);
    if (random.integer(0, 4) === 0) return;
    consumer.release();
    committed.shift();
  };
  for (let i = 0; i < 2000; i++) {
    const dice = random.integer(0, 99);
    if (dice < 45) append();
    else if (dice < 85) read();
    else if (dice < 95) {
      producer.commit();
      committed.push(...written);
      written = [];
    } else {
      // What was not committed is forgotten, by choice or with the thread; what was not released is read again.
      if (dice < 97) producer.rollback();
      else producer = new MessageRing(buffer, 0);
      if (dice === 99) consumer = new MessageRing(buffer, 0);
      written = [];
    }
    assert.is(consumer.refused, refused);
    assert.is(consumer.waiting === 0, committed.length === 0);
  }
  assert.ok(refused > 0 || capacity > 1024, "the ring was never full");
}

test("messages: 2,000 random calls x 20 seeds x 4 capacities x 3 starts are what plain lists would do", () => {
  for (const capacity of [64, 128, 512, 4096]) {
    for (const start of STARTS) forSeeds(20, (seed) => followsLists(capacity, start, seed));
  }
});

test("messages: 56 bytes are the most of a ring of 128, always fit it empty, and 57 are refused as a mistake", () => {
  const buffer = messageRing(128);
  const ring = new MessageRing(buffer, 0);
  assert.is(ring.sizeMax, 56);
  for (let i = 0; i < 50; i++) {
    // Any place in the ring, so that the end comes in between.
    const small = ring.begin((i * 8) % 24);
    ring.end(0);
    assert.ok(small >= 0);
    ring.commit();
    assert.ok(ring.next() >= 0);
    ring.release();
    assert.ok(ring.begin(56) >= 0, `message ${i}`);
    ring.end(56);
    ring.commit();
    assert.ok(ring.next() >= 0);
    assert.is(ring.length, 56);
    ring.release();
  }
  refuses("BAD_ARGUMENT", () => ring.begin(57), /57 bytes/);
  refuses("BAD_ARGUMENT", () => ring.begin(-1));
  refuses("BAD_ARGUMENT", () => ring.begin(Number.NaN));
  refuses("BAD_ARGUMENT", () => ring.end(0));
  ring.begin(8);
  refuses("BAD_ARGUMENT", () => ring.end(9));
  ring.end(8);
  assert.is(ring.refused, 0);
});

test("messages: a reserve of 64 bytes is left by those who ask for it, and there for those who do not", () => {
  const ring = new MessageRing(messageRing(256), 0);
  let sent = 0;
  while (ring.begin(8, 64) >= 0) {
    ring.end(8);
    sent++;
  }
  assert.is(sent, 12);
  assert.is(ring.free, 64);
  assert.is(ring.refused, 1);
  for (; ring.begin(8) >= 0; sent++) ring.end(8);
  assert.is(sent, 16);
  assert.is(ring.free, 0);
});

test("messages: memory that is no ring, too small or off a cache line, and capacities that are no power of two are refused", () => {
  const buffer = messageRing(256);
  refuses("BAD_ARGUMENT", () => new MessageRing(new SharedArrayBuffer(4096), 0), /power of two/);
  refuses("BAD_ARGUMENT", () => new MessageRing(buffer, 8), /multiple of 64/);
  refuses("BAD_ARGUMENT", () => MessageRing.init(buffer, 64, 256));
  for (const capacity of [0, 32, 96, 2 ** 31, 64.5]) refuses("BAD_ARGUMENT", () => MessageRing.bytesOf(capacity));
  assert.is(new MessageRing(buffer, 0).capacity, 256);
});

test("messages: 1,000,000 of 4 to 103 bytes between two threads arrive whole and in order, their cursors across 2^32", async () => {
  const { read } = await runMessages(SYNC_THREAD, 16_384, 1_000_000);
  assert.is(read, 1_000_000);
});

test("messages: whoever comes in between at any atomic operation, they arrive whole and in order; 20 seeds x 3 starts", () => {
  for (const start of STARTS) {
    forSeeds(20, (seed) => {
      const random = new Random(seed);
      const buffer = messageRing(128, start);
      const producer = new MessageRing(buffer, 0);
      const consumer = new MessageRing(buffer, 0);
      let [sent, read] = [0, 0];
      const send = (): void => {
        const size = 4 + (sent % 13);
        const at = producer.begin(size);
        if (at < 0) {
          producer.commit();
          return;
        }
        producer.bytes.fill(sent & 255, at, at + size);
        producer.end(size);
        sent++;
        if (random.integer(0, 2) > 0) producer.commit();
      };
      const take = (): void => {
        const at = consumer.next();
        if (at < 0) return;
        const size = 4 + (read % 13);
        assert.equal([...consumer.bytes.slice(at, at + consumer.length)], new Array(size).fill(read & 255));
        consumer.release();
        read++;
      };
      interleave([send, take], 1000, 0.2, () => random.float());
      producer.commit();
      while (read < sent) take();
      assert.is(consumer.next(), -1);
      assert.ok(sent > 100);
    });
  }
});

test("messages: a thread that ends before any of its atomic operations loses what it had not committed, and nothing else", () => {
  for (let n = 0; ; n++) {
    const buffer = messageRing(128, 2 ** 32 - 24);
    const append = (ring: MessageRing, value: number): void => {
      ring.view.setUint8(ring.begin(8), value);
      ring.end(8);
    };
    const first = new MessageRing(buffer, 0);
    append(first, 1);
    first.commit();
    const died = dyingAt(n, () => {
      append(first, 2);
      append(first, 3);
      first.commit();
    });
    const second = new MessageRing(buffer, 0);
    append(second, 4);
    second.commit();
    const values: number[] = [];
    let consumer = new MessageRing(buffer, 0);
    for (let m = 0; ; m++) {
      // The consumer ends, too, each time a little later.
      dyingAt(m % 3, () => void (consumer.next() >= 0 && consumer.release()));
      consumer = new MessageRing(buffer, 0);
      const at = consumer.next();
      if (at < 0) break;
      values.push(consumer.view.getUint8(at));
    }
    assert.is(values.at(-1), 4);
    assert.is(values.includes(3), !died);
    assert.equal(values, [...values].sort());
    if (!died) break;
    assert.ok(n < 10);
  }
});

test("messages: a sender's thread is ended 10 times in the middle of a message; all of a commit arrive or none", async () => {
  const buffer = messageRing(2048, 2 ** 32 - 2 ** 16);
  const ring = new MessageRing(buffer, 0);
  const random = new Random(4);
  for (let life = 1; life <= 10; life++) {
    let read = 0;
    const take = (): boolean => {
      const at = ring.next();
      if (at < 0) return false;
      assert.is(ring.length, 8 + (read % 50));
      assert.is(ring.view.getInt32(at, true), life);
      assert.is(ring.view.getInt32(at + ring.length - 4, true), read++);
      ring.release();
      return true;
    };
    const thread = startThread("sendForEver", buffer, life);
    await until(`life ${life} sends`, () => take() || read > 0);
    for (let i = random.integer(0, 5000); i > 0; i--) take();
    await thread.terminate();
    while (take());
    assert.is(read % 8, 0);
  }
});

test("tickets: each of 10 is given once, in order, one or three at a time; the eleventh is -1", () => {
  const tickets = new Tickets(new Int32Array(new SharedArrayBuffer(64)), 3);
  assert.is(tickets.claim(0), -1);
  tickets.open(1, 10);
  assert.equal([tickets.claim(1), tickets.taken], [0, 1]);
  assert.equal([tickets.claim(1, 3), tickets.taken], [1, 3]);
  assert.equal([tickets.claim(1, 3), tickets.taken], [4, 3]);
  assert.is(tickets.left, 3);
  assert.equal([tickets.claim(1, 100), tickets.taken], [7, 3]);
  assert.equal([tickets.claim(1), tickets.taken], [-1, 0]);
  assert.is(tickets.left, 0);
});

test("tickets: a claim of a round that is over, or not open yet, is -1 and takes nothing, across the 2^20 generations too", () => {
  for (const [old, fresh] of [
    [1, 2],
    [2 ** 20 - 2, 2 ** 20 - 1],
    [2 ** 20 - 1, 2 ** 20],
    [2 ** 32 - 1, 2 ** 32],
  ] as const) {
    const tickets = new Tickets(new Int32Array(new SharedArrayBuffer(64)), 0);
    tickets.open(old, 3);
    assert.is(tickets.claim(old), 0);
    assert.is(tickets.claim(fresh), -1);
    refuses("BAD_ARGUMENT", () => tickets.open(old, 3), /open already/);
    tickets.open(fresh, 2);
    assert.is(tickets.claim(old), -1, `late claim of ${old}`);
    assert.equal([tickets.claim(fresh), tickets.claim(fresh), tickets.claim(fresh)], [0, 1, -1]);
  }
});

test("tickets: an opener that ends half way leaves a round that gives nothing out, and its successor opens the next", () => {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const tickets = new Tickets(words, 0);
  tickets.open(5, 2);
  assert.is(tickets.claim(5), 0);
  // What open(6, 9) writes first.
  words[1] = (6 << 12) | 9;
  assert.is(tickets.claim(5), -1);
  assert.is(tickets.claim(6), -1);
  assert.is(tickets.left, 0);
  tickets.open(6, 1);
  assert.equal([tickets.claim(6), tickets.claim(6)], [0, -1]);
});

test("tickets: 0 to 4,095 items are a round, 4,096 are refused and open nothing", () => {
  const tickets = new Tickets(new Int32Array(2), 0);
  tickets.open(1, 0);
  assert.is(tickets.claim(1), -1);
  tickets.open(2, TICKETS_MAX);
  assert.equal([tickets.claim(2, 5000), tickets.taken], [0, 4095]);
  refuses("BAD_ARGUMENT", () => tickets.open(3, 4096), /4096/);
  refuses("BAD_ARGUMENT", () => tickets.open(3, -1));
  assert.is(tickets.generation, 2);
  refuses("BAD_ARGUMENT", () => new Tickets(new Int32Array(2), 1));
});

test("tickets: claims that come in between each other, and rounds between them, give each index once; 50 seeds", () => {
  forSeeds(50, (seed) => {
    const random = new Random(seed);
    const words = new Int32Array(new SharedArrayBuffer(64));
    const given = new Map<string, number>();
    // Near the end of the generations, too.
    let round = seed % 2 === 0 ? 0 : 2 ** 20 - 8;
    const claimer = (): (() => void) => {
      const tickets = new Tickets(words, 0);
      return () => {
        const mine = round;
        const first = tickets.claim(mine, random.integer(1, 3));
        assert.is(first < 0, tickets.taken === 0);
        for (let i = 0; i < tickets.taken; i++) {
          const ticket = `${mine}:${first + i}`;
          given.set(ticket, (given.get(ticket) ?? 0) + 1);
        }
      };
    };
    const opener = new Tickets(words, 0);
    const counts = new Map<number, number>();
    const open = (): void => {
      if (random.integer(0, 9) > 0) return;
      const count = random.integer(0, 12);
      counts.set(round + 1, count);
      opener.open(round + 1, count);
      round++;
    };
    interleave([claimer(), claimer(), claimer(), open], 1000, 0.3, () => random.float());
    for (const [ticket, times] of given) {
      assert.is(times, 1, ticket);
      const [of, index] = ticket.split(":").map(Number) as [number, number];
      assert.ok(index < (counts.get(of) ?? 0), `${ticket} of ${counts.get(of)}`);
    }
    assert.ok(given.size > 50, `${given.size}`);
  });
});

test("tickets: 4 threads and 2,000 rounds of up to 200: every index of every round is claimed once", async () => {
  const ROUNDS = 2000;
  const buffer = new SharedArrayBuffer(4096);
  const words = new Int32Array(buffer);
  const tickets = new Tickets(words, 0);
  const rounds = new Bell(words, 2);
  const threads = [0, 1, 2, 3].map((me) => onThread("claimTickets", buffer, ROUNDS, me));
  const random = new Random(1);
  let items = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const count = random.integer(0, 200);
    Atomics.store(words, 3, 0);
    words.fill(0, 64);
    tickets.open(round, count);
    rounds.ring();
    blockUntil(`round ${round} is done`, () => Atomics.load(words, 3) >= count);
    for (let i = 0; i < 200; i++) assert.is(words[64 + i], i < count ? 1 : 0, `round ${round}, index ${i}`);
    items += count;
  }
  const claims = await Promise.all(threads);
  assert.is(
    claims.reduce((sum, one) => sum + one, 0),
    items,
  );
});

/** A clock that a test moves. */
class Clock {
  ms = 0;
  /** Milliseconds that each look at it takes. */
  stepMs = 0;
  readonly now = (): number => {
    this.ms += this.stepMs;
    return this.ms;
  };
}

test("a wait ends at once when the word differs, and false at a deadline that has passed", () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const waiter = new Waiter({ now });
  assert.is(waiter.wait(words, 0, 1, Number.POSITIVE_INFINITY), true);
  assert.is(waiter.wait(words, 0, 0, now() - 1), false);
  assert.is(waiter.timeouts, 1);
  assert.is(waiter.sleeps, 0);
  // As long as it takes on a busy machine to be asleep before the deadline.
  for (let ms = 1; waiter.sleeps === 0; ms *= 2) assert.is(waiter.wait(words, 1, 0, now() + ms), false);
  assert.ok(waiter.timeouts > 1);
});

test("spinning ends by itself when it does not pay, is tried again, rarer each time, and comes back when it pays", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const clock = new Clock();
  clock.stepMs = 0.01;
  const waiter = new Waiter({ now: clock.now });
  const wait = (): boolean => waiter.wait(words, 0, 0, clock.ms + 0.02);
  for (let i = 0; i < 200; i++) wait();
  const lost = waiter.spinsLost;
  // Six, then four after 64 waits.
  assert.is(lost, 10);
  for (let i = 0; i < 3000; i++) wait();
  assert.ok(waiter.spinsLost > lost && waiter.spinsLost < 40, `${waiter.spinsLost} of 3,200 waits spun`);
  assert.is(waiter.spinsWon, 0);
  // Now each spin is won: the word changes while the clock is looked at.
  const change = waiter.spinsLost;
  const rings = new Waiter({
    now: () => {
      Atomics.store(words, 0, 1);
      return clock.now();
    },
  });
  for (let i = 0; i < 100; i++) {
    Atomics.store(words, 0, 0);
    assert.is(rings.wait(words, 0, 0, Number.POSITIVE_INFINITY), true);
  }
  assert.is(rings.spinsWon, 100);
  assert.is(rings.spinsLost, 0);
  assert.is(waiter.spinsLost, change);
});

test("there is no spin when it is off, nor when there are no more cores than busy threads", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const off = new Waiter({ now, spin: "off" });
  assert.is(off.spins, false);
  off.wait(words, 0, 0, now() + 1);
  assert.is(off.spinsLost + off.spinsWon, 0);
  const shared = new Waiter({ now });
  assert.is(shared.spins, true);
  shared.share(2, 2);
  assert.is(shared.spins, false);
  shared.wait(words, 0, 0, now() + 1);
  assert.is(shared.spinsLost, 0);
  shared.share(4, 2);
  assert.is(shared.spins, true);
  shared.wait(words, 0, 0, now() + 1);
  assert.is(shared.spinsLost, 1);
});

test("2,000 round trips between two threads come to an end though 1% of the notifies are lost on either side", async () => {
  const COUNT = 2000;
  const buffer = new SharedArrayBuffer(128);
  const words = new Int32Array(buffer);
  let rings = 0;
  let suppressed = 0;
  const asks = new Bell(words, 0, (all, index) => {
    if (++rings % 100 === 0) suppressed++;
    else Atomics.notify(all, index);
  });
  const waiter = new Waiter({ now, spin: "off" });
  const answered = onThread("answerBells", buffer, COUNT);
  for (let i = 0; i < COUNT; i++) {
    asks.ring();
    assert.ok(waiter.wait(words, 16, i, now() + PATIENCE_MS), `answer ${i}`);
  }
  await answered;
  assert.is(suppressed, 20);
  assert.is(Atomics.load(words, 16), COUNT);
  assert.is(waiter.timeouts, 0);
});

test("a change without a notify is found at the end of a sleep, and counted", async () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const waiter = new Waiter({ now, spin: "off" });
  const source = `const { workerData: words } = require("node:worker_threads");
    const idle = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      Atomics.wait(idle, 0, 0, ${SLEEP_MS_MAX / 3});
      Atomics.add(words, 0, 1);
    }`;
  const setter = new Worker(source, { eval: true, workerData: words });
  // Now and then a change comes between two sleeps, and is none that was lost.
  for (let seen = 0; waiter.healed < 3; seen = Atomics.load(words, 0)) {
    assert.ok(waiter.wait(words, 0, seen, now() + PATIENCE_MS));
  }
  assert.is(waiter.wakeUps, 0);
  await setter.terminate();
});

for (const [name, wait] of [
  ["waitAsync", waitAsync],
  ["its fallback by timers", pollAsync],
] as const) {
  test(`${name}: at once when the word differs, true when it comes to differ, false at the timeout`, async () => {
    const words = new Int32Array(new SharedArrayBuffer(4));
    const bell = new Bell(words, 0);
    assert.is(await wait(words, 0, 1, 1e6, globalThis), true);
    const alive = setInterval(() => {}, 1);
    assert.is(await wait(words, 0, 0, 5, globalThis), false);
    const waiting = wait(words, 0, bell.value, 1e6, globalThis);
    setImmediate(() => bell.ring());
    assert.is(await waiting, true);
    clearInterval(alive);
  });
}

test.run();
