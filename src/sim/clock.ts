/**
 * A fixed-step clock that does not drift. Tick k is due at `origin + (k + skipped) * period`: a product, never a running sum,
 * so that hours of ticks lose nothing to rounding.
 *
 *     real time   |----|----|----|----|----|----|----|----|---->
 *     on time     0    1    2    3    4    5    6    7
 *     a stall     0    1    ###########2 3 4 5    6    7         late, then caught up
 *     overload    0    1    ##########################2 3 4 5    too far behind: ticks are skipped, the schedule shifts
 *
 * Falling behind is answered in two stages. Up to CATCH_UP_TICKS_MAX ticks are run back to back until the schedule is met
 * again. What lies further back is never run: simulating it would take as long again, and the clock would spiral. The schedule
 * moves by whole periods instead, and that is reported: `lateTicks`, `skippedTicks` and `slowdown` say what happened.
 *
 * `Schedule` is pure: it is told the time. `drive` runs it on timers that it is handed. Nothing here allocates per tick.
 */

/** Ticks of delay that are made up for; 100 ms at 60 Hz, about what a player forgives. More is skipped. */
export const CATCH_UP_TICKS_MAX = 6;

// Where a schedule keeps what; the rest is when each of the last second's ticks began, by tick modulo its length.
const TICKS = 0;
const LATE = 1;
const SKIPPED = 2;
const LATENESS = 3;
const ORIGIN = 4;
const SLOWDOWN = 5;
const STARTS = 8;

export class Schedule {
  readonly tickRate: number;
  readonly periodMs: number;
  readonly #numbers: Float64Array;
  readonly #startsMs: Float64Array;

  /** Doubles that a schedule takes. */
  static lengthOf(tickRate: number): number {
    return STARTS + tickRate;
  }

  /**
   * tickRate: ticks per second, a positive whole number. numbers: lengthOf(tickRate) of them, where it keeps its state, zeros for a new one:
   * in shared memory several threads may advance one schedule, one at a time.
   */
  constructor(tickRate: number, numbers: Float64Array = new Float64Array(Schedule.lengthOf(tickRate))) {
    this.tickRate = tickRate;
    this.periodMs = 1000 / tickRate;
    this.#numbers = numbers;
    this.#startsMs = numbers.subarray(STARTS);
  }

  /** Ticks started so far; also the number of the next one. */
  get ticks(): number {
    return this.#numbers[TICKS] ?? 0;
  }

  /** Ticks that began when the one after them was due already. */
  get lateTicks(): number {
    return this.#numbers[LATE] ?? 0;
  }

  /** Ticks' worth of real time that was never simulated. */
  get skippedTicks(): number {
    return this.#numbers[SKIPPED] ?? 0;
  }

  /** Milliseconds from when the last tick was due to when it began. */
  get latenessMs(): number {
    return this.#numbers[LATENESS] ?? 0;
  }

  /** Simulated time over real time, over the last second of ticks: 1 when keeping up, 0.5 at half speed. */
  get slowdown(): number {
    return 1 - (this.#numbers[SLOWDOWN] ?? 0);
  }

  /** The first tick is due now. Once, before the first advance. */
  start(nowMs: number): void {
    this.#numbers[ORIGIN] = nowMs;
  }

  /** When the next tick is due. */
  get dueMs(): number {
    return (this.#numbers[ORIGIN] ?? 0) + (this.ticks + this.skippedTicks) * this.periodMs;
  }

  /** Starts the next tick if it is due at nowMs. True: the caller runs one tick now, and asks again after it. O(1). */
  advance(nowMs: number): boolean {
    const behindMs = nowMs - this.dueMs;
    if (behindMs < 0) return false;
    const behindTicks = Math.floor(behindMs / this.periodMs);
    const numbers = this.#numbers;
    if (behindTicks > CATCH_UP_TICKS_MAX) numbers[SKIPPED] = this.skippedTicks + behindTicks - CATCH_UP_TICKS_MAX;
    if (behindTicks >= 1) numbers[LATE] = this.lateTicks + 1;
    numbers[LATENESS] = behindMs;
    this.#measureSlowdown(nowMs);
    numbers[TICKS] = this.ticks + 1;
    return true;
  }

  #measureSlowdown(nowMs: number): void {
    const starts = this.#startsMs;
    const window = Math.min(this.ticks, starts.length);
    const at = this.ticks % starts.length;
    const realMs = nowMs - (starts[window < starts.length ? 0 : at] ?? nowMs);
    if (window > 0 && realMs > 0) this.#numbers[SLOWDOWN] = 1 - (window * this.periodMs) / realMs;
    starts[at] = nowMs;
  }
}

/** The host's time and timers, so that a test can have its own. `now` is in milliseconds and never goes back. */
export interface Timers {
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  setImmediate(callback: () => void): unknown;
  clearImmediate(handle: unknown): void;
}

/** A schedule that is driven. */
export interface Drive {
  /** No more ticks. */
  stop(): void;
  /** Runs the tick that is due, if one is; for who may hold up the event loop for longer than it seems. Nothing happens from within a tick. */
  poke(): void;
}

/**
 * Starts the schedule and runs `tick` whenever it is due, one tick per turn of the event loop, so that sockets are read
 * between the ticks of a catch-up.
 *
 * Timers fire once a turn, and a turn reads up to a thousand sockets: when 2,500 are closed at once it takes some 100 ms. So who reads
 * sockets pokes after each.
 *
 * Timers are a millisecond coarse, so a tick begins 0.8 ms late on average; the schedule, not the timer, keeps the rate.
 * Polling with setImmediate through the last quarter of a millisecond was tried: 24 callbacks and 10 KB of garbage a tick, for
 * half a millisecond that no player sees.
 */
export function drive(schedule: Schedule, timers: Timers, tick: () => void): Drive {
  let running = true;
  let ticking = false;
  let timeout: unknown;
  let immediate: unknown;

  const turn = (): void => {
    if (!running) return;
    poke();
    if (running) sleep();
  };

  const poke = (): void => {
    if (!running || ticking || !schedule.advance(timers.now())) return;
    ticking = true;
    try {
      tick();
    } finally {
      ticking = false;
    }
  };

  const sleep = (): void => {
    const waitMs = schedule.dueMs - timers.now();
    if (waitMs > 0) timeout = timers.setTimeout(turn, Math.ceil(waitMs));
    else immediate = timers.setImmediate(turn);
  };

  schedule.start(timers.now());
  sleep();
  return {
    poke,
    stop() {
      running = false;
      timers.clearTimeout(timeout);
      timers.clearImmediate(immediate);
    },
  };
}
