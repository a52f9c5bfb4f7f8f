/** The other threads of sync.test.ts: each takes one role of ROLES, and answers with what came of it. */
import { parentPort, workerData } from "node:worker_threads";
import { MessageRing } from "../src/sync/messages.js";
import { Tickets } from "../src/sync/tickets.js";
import { Bell, Waiter } from "../src/sync/waiter.js";

export interface ThreadData {
  readonly role: keyof typeof ROLES;
  readonly buffer: SharedArrayBuffer;
  /** What a role does so many times. */
  readonly count: number;
  /** Which of several in the same role. */
  readonly me: number;
}

const now = (): number => performance.now();

/** Messages i = 0, 1, ... of (i * 7) % 61 + 4 bytes, all of them i, in commits of up to eight. */
function sendMessages({ buffer, count }: ThreadData): void {
  const ring = new MessageRing(buffer, 0);
  const idle = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < count; ) {
    const size = ((i * 7) % 61) + 4;
    const at = ring.begin(size);
    if (at < 0) {
      ring.commit();
      Atomics.wait(idle, 0, 0, 0.05);
      continue;
    }
    ring.view.setUint32(at, i, true);
    ring.bytes.fill(i, at + 4, at + size);
    ring.end(size);
    if (i % 8 === 7) ring.commit();
    i++;
  }
  ring.commit();
}

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

const ROLES = { sendMessages, claimTickets, answerBells } as const;

const data = workerData as ThreadData;
parentPort?.postMessage(ROLES[data.role](data));
