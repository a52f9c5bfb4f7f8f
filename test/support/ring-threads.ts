/**
 * Many operations through a ring between real threads, each checked by what is in the record: for sync.thread.ts the ends, for the
 * tests and .ci/rings.mjs what starts them and adds up. Producers nap now and then while a ring is over half full, and the consumer
 * from time to time, so that a ring is empty, half full and full in turns also where there are fewer cores than threads.
 */
import { Worker } from "node:worker_threads";
import { MessageRing } from "../../src/sync/messages.js";
import { SharedRing, type SharedRingShape } from "../../src/sync/ring.js";

export type Role = "produce" | "consume" | "send" | "receive";

/** What the thread of an end is told. */
export interface EndData {
  readonly role: Role;
  readonly ring: SharedArrayBuffer;
  /** i32: producers that are done, ends that have started, 1 once all have. */
  readonly control: SharedArrayBuffer;
  /** Operations of this producer; of all, for the consumer. */
  readonly count: number;
  /** Producers. */
  readonly producers: number;
  /** Which of them this is. */
  readonly me: number;
}

/** What an end did. */
export interface Ends {
  /** Records or messages pushed or read, and those of them that are critical. */
  count: number;
  criticals: number;
  /** Pushes that were not taken. */
  untaken: number;
}

const DONE = 0;
const STARTED = 1;
const GO = 2;

/** Milliseconds: long enough that another thread runs. */
const NAP_MS = 0.05;
const idle = new Int32Array(new SharedArrayBuffer(4));
const nap = (ms = NAP_MS): unknown => Atomics.wait(idle, 0, 0, ms);

/** Every eighth. */
const isCritical = (i: number): boolean => (i & 7) === 7;

function produce(data: EndData): Ends {
  const ring = new SharedRing(data.ring, 0, data.me);
  const { recordWords, policy, capacity } = ring;
  const ends: Ends = { count: data.count, criticals: 0, untaken: 0 };
  for (let i = 0; i < data.count; i++) {
    const critical = isCritical(i);
    if (critical) ends.criticals++;
    recordWords[0] = data.me;
    recordWords[1] = i;
    for (let word = 2; word < recordWords.length; word++) recordWords[word] = Math.imul(i, word) ^ data.me;
    while (!ring.push(critical)) {
      ends.untaken++;
      if (policy !== "refuse") break;
      nap();
    }
    if ((i & 255) === 0 && policy !== "refuse" && ring.count > capacity / 2 && (i & 1792) !== 0) nap();
  }
  return ends;
}

function consume(data: EndData): Ends {
  const ring = new SharedRing(data.ring, 0);
  const { recordWords, policy } = ring;
  const control = new Int32Array(data.control);
  const last = new Array<number>(data.producers).fill(-1);
  const ends: Ends = { count: 0, criticals: 0, untaken: 0 };
  for (;;) {
    const done = Atomics.load(control, DONE) === data.producers;
    if (!ring.next()) {
      if (done) break;
      nap();
      continue;
    }
    const me = recordWords[0]!;
    const i = recordWords[1]!;
    const before = last[me]!;
    let whole = policy === "refuse" ? i === before + 1 : i > before;
    for (let word = 2; word < recordWords.length; word++) whole &&= recordWords[word] === (Math.imul(i, word) ^ me);
    if (!whole) throw new Error(`record ${recordWords} of producer ${me} came after its ${before}`);
    last[me] = i;
    if (isCritical(i)) ends.criticals++;
    if ((++ends.count & 0x3ffff) === 0) nap(1);
  }
  return ends;
}

const sizeOf = (i: number): number => 8 * ((i * 7) % 13) + (i & 3) + 4;

/** In commits of sixteen. */
function send(data: EndData): Ends {
  const ring = new MessageRing(data.ring, 0);
  const { view } = ring;
  const ends: Ends = { count: data.count, criticals: 0, untaken: 0 };
  for (let i = 0; i < data.count; ) {
    const size = sizeOf(i);
    const at = ring.begin(size);
    if (at < 0) {
      ends.untaken++;
      ring.commit();
      nap();
      continue;
    }
    view.setInt32(at, i, true);
    view.setInt32(at + size - 4, size === 4 ? i : ~i, true);
    ring.end(size);
    if ((++i & 15) === 0) ring.commit();
  }
  ring.commit();
  return ends;
}

function receive(data: EndData): Ends {
  const ring = new MessageRing(data.ring, 0);
  const { view } = ring;
  const ends: Ends = { count: 0, criticals: 0, untaken: 0 };
  for (let i = 0; i < data.count; ) {
    const at = ring.next();
    if (at < 0) {
      nap();
      continue;
    }
    const size = sizeOf(i);
    const whole = ring.length === size && view.getInt32(at + size - 4, true) === (size === 4 ? i : ~i);
    if (!whole || (size >= 8 && view.getInt32(at, true) !== i))
      throw new Error(`message ${i} has ${ring.length} bytes`);
    ring.release();
    ends.count = ++i;
    if ((i & 0x3ffff) === 0) nap(1);
  }
  return ends;
}

const ROLES = { produce, consume, send, receive } as const;

/** In the thread of an end. */
export function playEnd(data: EndData): Ends {
  const control = new Int32Array(data.control);
  Atomics.add(control, STARTED, 1);
  Atomics.notify(control, STARTED);
  Atomics.wait(control, GO, 0);
  const ends = ROLES[data.role](data);
  if (data.role === "produce" || data.role === "send") Atomics.add(control, DONE, 1);
  return ends;
}

/** Runs the ends, each in a thread of the script; resolves with what they did, the consumer's last, and the time from when all had started. */
async function runEnds(
  script: URL,
  ends: readonly EndData[],
  control: Int32Array,
): Promise<{ all: Ends[]; ms: number }> {
  const workers: Worker[] = [];
  try {
    const running = ends.map((workerData) => {
      const worker = new Worker(script, { workerData });
      workers.push(worker);
      return new Promise<Ends>((resolve, reject) => {
        worker.on("message", resolve);
        worker.on("error", reject);
      });
    });
    while (Atomics.load(control, STARTED) < ends.length) await new Promise((resolve) => setTimeout(resolve, 1));
    Atomics.store(control, GO, 1);
    Atomics.notify(control, GO);
    const startMs = performance.now();
    return { all: await Promise.all(running), ms: performance.now() - startMs };
  } finally {
    for (const worker of workers) await worker.terminate();
  }
}

export interface RingRun {
  /** Records or messages pushed. */
  pushed: number;
  read: number;
  /** Counted by the ring. Under "refuse" and for messages those were tried again. */
  lost: number;
  ms: number;
}

function check(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual} and not ${expected}`);
}

/** Pushes `count` records in all. Throws when one was torn, out of order, or lost and not counted. */
export async function runRing(script: URL, shape: SharedRingShape, producers: number, count: number): Promise<RingRun> {
  const buffer = new SharedArrayBuffer(SharedRing.bytesOf(shape));
  // So that the cursors pass 2^32 half way.
  SharedRing.init(buffer, 0, shape, 2 ** 32 - Math.floor(count / 2));
  const control = new SharedArrayBuffer(64);
  const each = Math.ceil(count / producers);
  const data = { ring: buffer, control, producers };
  const ends: EndData[] = Array.from({ length: producers }, (_, me) => ({ ...data, role: "produce", count: each, me }));
  ends.push({ ...data, role: "consume", count: each * producers, me: 0 });
  const { all, ms } = await runEnds(script, ends, new Int32Array(control));
  const { droppedOldest, droppedLow, refused, abandoned } = new SharedRing(buffer, 0);
  const consumer = all.pop()!;
  const criticals = all.reduce((sum, end) => sum + end.criticals, 0) - consumer.criticals;
  const untaken = all.reduce((sum, end) => sum + end.untaken, 0);
  const pushed = each * producers;
  const lost = droppedOldest + droppedLow + (shape.policy === "refuse" ? 0 : refused);
  check("records read and lost", consumer.count + lost, pushed);
  check("records abandoned", abandoned, 0);
  if (shape.policy === "refuse") check("pushes refused", refused, untaken);
  else if (shape.producers === "single") check("records refused", refused, 0);
  if (shape.policy === "drop-low" && refused === 0) check("critical records lost", criticals, droppedOldest);
  return { pushed, read: consumer.count, lost, ms };
}

/** Sends `count` messages of 4 to 103 bytes. Throws when one was torn or lost. */
export async function runMessages(script: URL, capacity: number, count: number): Promise<RingRun> {
  const buffer = new SharedArrayBuffer(MessageRing.bytesOf(capacity));
  MessageRing.init(buffer, 0, capacity, 2 ** 32 - count * 32);
  const control = new SharedArrayBuffer(64);
  const data = { ring: buffer, control, producers: 1, count, me: 0 };
  const ends: EndData[] = [
    { ...data, role: "send" },
    { ...data, role: "receive" },
  ];
  const { all, ms } = await runEnds(script, ends, new Int32Array(control));
  const [sender, receiver] = all as [Ends, Ends];
  check("messages read", receiver.count, count);
  check("messages refused", new MessageRing(buffer, 0).refused, sender.untaken);
  return { pushed: count, read: count, lost: 0, ms };
}
