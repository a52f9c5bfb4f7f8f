/** The other threads of sync.test.ts and shared-ring.test.ts: each takes one role, and answers with what came of it. */
import { parentPort, workerData } from "node:worker_threads";
import { MessageRing } from "../src/sync/messages.js";
import { SharedRing } from "../src/sync/ring.js";
import { Tickets } from "../src/sync/tickets.js";
import { Bell, Waiter } from "../src/sync/waiter.js";
import { type EndData, playEnd } from "./support/ring-threads.js";

export interface ThreadData {
  readonly role: keyof typeof ROLES;
  readonly buffer: SharedArrayBuffer;
  /** What a role does so many times. */
  readonly count: number;
  /** Which of several in the same role. */
  readonly me: number;
}

const now = (): number => performance.now();

/** Rounds of tickets: words 0 and 1 are the tickets, 2 a bell of rounds, 3 how many were done, from 64 on how often each was claimed. */
function claimTickets({ buffer, count, me }: ThreadData): number {
  const words = new Int32Array(buffer);
  const tickets = new Tickets(words, 0);
  const waiter = new Waiter({ now });
  let claims = 0;
  for (let round = 1; round <= count; round++) {
    while (Atomics.load(words, 2) < round) waiter.wait(words, 2, round - 1, now() + 10_000);
    for (;;) {
      const first = tickets.claim(round, 1 + (me % 3));
      if (first < 0) break;
      for (let i = 0; i < tickets.taken; i++) Atomics.add(words, 64 + first + i, 1);
      claims += tickets.taken;
      Atomics.add(words, 3, tickets.taken);
    }
  }
  return claims;
}

/** Answers each ring of the bell at word 0 by one of the bell at word 16; every hundredth notify is lost. */
function answerBells({ buffer, count }: ThreadData): number {
  const words = new Int32Array(buffer);
  const asked = new Bell(words, 0);
  let rings = 0;
  const answers = new Bell(words, 16, (all, index) => ++rings % 100 !== 0 && Atomics.notify(all, index));
  const waiter = new Waiter({ now });
  for (let i = 0; i < count; i++) {
    while (asked.value === i) waiter.wait(words, 0, i, now() + 10_000);
    answers.ring();
  }
  return waiter.healed;
}

const idle = new Int32Array(new SharedArrayBuffer(4));

/** Pushes records of its life (count), its number and i = 0, 1, ... until it is ended. */
function pushForEver({ buffer, count, me }: ThreadData): void {
  const ring = new SharedRing(buffer, 0, me);
  for (let i = 0; ; i++) {
    ring.recordWords.set([me, count, i, me ^ i, count ^ i, ~i]);
    while (!ring.push(i % 4 === 0)) Atomics.wait(idle, 0, 0, 0.05);
  }
}

/** The same with messages, in commits of eight. */
function sendForEver({ buffer, count }: ThreadData): void {
  const ring = new MessageRing(buffer, 0);
  for (let i = 0; ; i++) {
    const size = 8 + (i % 50);
    let at = ring.begin(size);
    for (; at < 0; at = ring.begin(size)) Atomics.wait(idle, 0, 0, 0.05);
    ring.view.setInt32(at, count, true);
    ring.view.setInt32(at + size - 4, i, true);
    ring.end(size);
    if (i % 8 === 7) ring.commit();
  }
}

const ROLES = { claimTickets, answerBells, pushForEver, sendForEver } as const;

const data = workerData as ThreadData | EndData;
parentPort?.postMessage("ring" in data ? playEnd(data) : ROLES[data.role](data));
