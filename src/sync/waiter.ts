/**
 * Waiting for a word in shared memory to change: first by looking at it again and again for some 30 us, as long as that pays, then
 * asleep. A thread that sleeps takes 10 to 60 us to come back, now and then milliseconds; one that spins takes 0.1, and a core.
 *
 * Spinning ends by time and not by a number of looks: on busy cores 20,000 looks were 58 times slower than none. It switches itself
 * off while it does not pay, that is, while fewer than half of the spins end with the change they waited for, and tries again now and then.
 *
 * Every wait has a deadline, and nobody sleeps longer than SLEEP_MS_MAX at a time: a notify that is lost, with its thread or by a
 * mistake, costs time and never the wait.
 */
import { checkWhole } from "./memory.js";

/** Milliseconds of one spin: about what waking a thread takes. More is lost more often than it wins. */
export const SPIN_MS = 0.03;
/** Milliseconds of one sleep: what a lost notify costs at most, about a tick at 60 Hz. Looking up so often costs next to nothing. */
export const SLEEP_MS_MAX = 20;

/** Looks at the word from one look at the clock to the next: a clock takes as long as some ten looks. */
const LOOKS = 32;
/** Share of spins won from which on it pays. */
const RATE_PAYS = 0.5;
/** Weight of one spin in the running rate: six lost ones in a row switch it off. */
const RATE_WEIGHT = 1 / 8;
/**
 * The rate that a new try begins with: four lost ones end it. One alone says little, as threads that wake each other tend to be put
 * on the same core, where a spin keeps the other one from running until it is moved.
 */
const RATE_TRY = 0.8;
/** Waits without a spin after it failed to pay; twice as many each time that a new try wins nothing. */
const REST_MIN = 64;
const REST_MAX = 4096;

/** `Atomics.pause`, from Node 24 on, tells the core that this is a spin. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

export type Spin = "auto" | "off";

export interface WaiterOptions {
  /** Milliseconds, monotonic; the clock that deadlines are of. */
  now: () => number;
  /** "off" never spins. Default "auto". */
  spin?: Spin;
}

/** One thread's. Counters are since its creation, for metrics. */
export class Waiter {
  /** Waits that a spin ended, and spins that ended without the change. */
  spinsWon = 0;
  spinsLost = 0;
  /** Times that the thread went to sleep, and that it was woken by a notify. */
  sleeps = 0;
  wakeUps = 0;
  /** Sleeps that ended by time although the word had changed: notifies that were lost. */
  healed = 0;
  /** Waits that ended at their deadline. */
  timeouts = 0;

  readonly #now: () => number;
  readonly #spin: Spin;
  #crowded = false;
  #rate = 1;
  /** Waits to come without a spin. */
  #rest = 0;
  #nextRest = REST_MIN;

  constructor({ now, spin = "auto" }: WaiterOptions) {
    this.#now = now;
    this.#spin = spin;
  }

  /** Tells how many threads want to run: there is no spinning unless a core is left over. Holds until it is told again. */
  share(cores: number, busyThreads: number): void {
    this.#crowded = cores <= busyThreads;
  }

  /** Whether the next wait begins with a spin. */
  get spins(): boolean {
    return this.#spin === "auto" && !this.#crowded && this.#rest === 0;
  }

  /**
   * Waits until words[index] is not `seen`: true; false when the deadline came first. Returns at once when it differs already.
   * seen: an i32, as the array gives it. deadlineMs: of the clock `now`; Infinity is never. Blocks the thread.
   */
  wait(words: Int32Array, index: number, seen: number, deadlineMs: number): boolean {
    if (Atomics.load(words, index) !== seen) return true;
    if (this.#maySpin() && this.#spinUntil(words, index, seen, deadlineMs)) return true;
    return this.#sleepUntil(words, index, seen, deadlineMs);
  }

  #maySpin(): boolean {
    if (this.#spin === "off" || this.#crowded) return false;
    if (this.#rest === 0) return true;
    this.#rest--;
    return false;
  }

  #spinUntil(words: Int32Array, index: number, seen: number, deadlineMs: number): boolean {
    const endMs = Math.min(this.#now() + SPIN_MS, deadlineMs);
    do {
      for (let look = 0; look < LOOKS; look++) {
        if (Atomics.load(words, index) !== seen) {
          this.spinsWon++;
          this.#learn(1);
          return true;
        }
        pause();
      }
    } while (this.#now() < endMs);
    this.spinsLost++;
    this.#learn(0);
    return false;
  }

  #learn(won: 0 | 1): void {
    this.#rate += (won - this.#rate) * RATE_WEIGHT;
    if (this.#rate >= RATE_PAYS) {
      if (won) this.#nextRest = REST_MIN;
      return;
    }
    this.#rest = this.#nextRest;
    this.#nextRest = Math.min(2 * this.#nextRest, REST_MAX);
    this.#rate = RATE_TRY;
  }

  #sleepUntil(words: Int32Array, index: number, seen: number, deadlineMs: number): boolean {
    for (;;) {
      const leftMs = deadlineMs - this.#now();
      if (!(leftMs > 0)) break;
      this.sleeps++;
      const ended = Atomics.wait(words, index, seen, Math.min(leftMs, SLEEP_MS_MAX));
      if (ended === "ok") this.wakeUps++;
      if (Atomics.load(words, index) === seen) continue;
      if (ended === "timed-out") this.healed++;
      return true;
    }
    if (Atomics.load(words, index) !== seen) return true;
    this.timeouts++;
    return false;
  }
}

/** Atomics.notify, or a test's that loses some. */
export type Notify = (words: Int32Array, index: number) => unknown;

/** A word that is counted up to wake who waits for it. Any number of threads may ring and wait. */
export class Bell {
  readonly words: Int32Array;
  readonly index: number;
  readonly #notify: Notify;

  constructor(words: Int32Array, index: number, notify: Notify = Atomics.notify) {
    checkWhole("the index of a bell", index, 0, words.length - 1);
    this.words = words;
    this.index = index;
    this.#notify = notify;
  }

  /** How often it rang, modulo 2^32, as an i32: what is handed to a wait as `seen`, read before looking for work. */
  get value(): number {
    return Atomics.load(this.words, this.index);
  }

  /** Wakes all who wait. */
  ring(): void {
    Atomics.add(this.words, this.index, 1);
    this.#notify(this.words, this.index);
  }
}

/** The timers of an event loop. */
export interface Timers {
  setTimeout(callback: () => void, ms: number): unknown;
}

/** Milliseconds between two looks where the engine cannot wake an event loop. */
const POLL_MS = 4;

type WaitAsync = (
  words: Int32Array,
  index: number,
  seen: number,
  timeoutMs: number,
) => { async: boolean; value: string | Promise<string> };

const nativeWaitAsync = (Atomics as { waitAsync?: WaitAsync }).waitAsync;

/**
 * The same for a thread that must not block: resolves with true when words[index] is not `seen`, with false after timeoutMs. The event loop
 * goes on meanwhile. Allocates a promise; where the engine has no Atomics.waitAsync it looks every 4 ms by the timers.
 *
 * A pending wait does not keep the process alive: neither does it delay the end, nor does it come back when nothing else is left
 * to do. Whoever needs that holds a timer or a socket open. Give a timeout that the caller can bear when a notify is lost.
 */
export async function waitAsync(
  words: Int32Array,
  index: number,
  seen: number,
  timeoutMs: number,
  timers: Timers,
): Promise<boolean> {
  if (nativeWaitAsync === undefined) return pollAsync(words, index, seen, timeoutMs, timers);
  const { async, value } = nativeWaitAsync(words, index, seen, timeoutMs);
  if (async) await value;
  return Atomics.load(words, index) !== seen;
}

/** waitAsync by timers alone. These keep a process alive unless the timers handed in do not. */
export async function pollAsync(
  words: Int32Array,
  index: number,
  seen: number,
  timeoutMs: number,
  timers: Timers,
): Promise<boolean> {
  for (let leftMs = timeoutMs; Atomics.load(words, index) === seen; leftMs -= POLL_MS) {
    if (leftMs <= 0) return false;
    await new Promise<void>((resolve) => timers.setTimeout(resolve, Math.min(POLL_MS, leftMs)));
  }
  return true;
}
