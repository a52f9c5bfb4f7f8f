/**
 * Which tick is shown at a local time. What is shown lies behind what is heard of, so that there is a snapshot on either side of it: by a
 * delay that was given, or by one that follows the connection.
 *
 *     heard of    |      |      |        |      |          when a snapshot comes, so long it has been since the last one was due:
 *     shown          |------|------|--------|-              of the last 64 such times the delay covers 95 of 100
 *
 * A delay that changes is gone to slowly, a tenth faster or slower than time passes, so shown time never runs backwards; only where it lies far
 * behind it leaps ahead. How far what is shown lies behind the snapshots that come is measured as well, for who is told of by slower streams.
 * Costs O(64) a snapshot and O(1) a question; nothing is allocated after construction.
 */
import { Glide } from "./glide.js";
import { Timeline } from "./timeline.js";
import { Window } from "./window.js";

/** Milliseconds of an adaptive delay, at most: what the history of positions has to cover. */
export const ADAPTIVE_MS_MAX = 500;
/** Snapshots that the delay is worked out from: 3 s at 20 Hz, so that an outlier is forgotten soon. */
const SAMPLES = 64;
/** Snapshots before which two intervals are as good a guess. */
const SAMPLES_MIN = 8;
/** Of snapshots that come in time. The others stop what is shown for some milliseconds. */
const COVERED = 0.95;
/** Milliseconds on top: timers, and the rest of a frame. */
const SPARE_MS = 4;
const GLIDE_RATE = 0.1;
/** Milliseconds behind which are not worth catching up with at a tenth more. */
const LEAP_MS = 250;

export class Playback {
  readonly #tickMs: number;
  readonly #intervalMs: number;
  readonly #fixedMs: number | null;
  readonly #samples = new Window(SAMPLES);
  /** Ticks from what is shown to a snapshot that arrives. */
  readonly #slacks = new Window(SAMPLES);
  /** Milliseconds from a tick's time to when it is shown, on an adaptive delay. */
  readonly #behind = new Glide(GLIDE_RATE);
  readonly #tickRate: number;
  #timeline: Timeline;
  #lastTick = -1;

  /** Ticks and snapshots a second. delayMs: null for an adaptive one. */
  constructor(tickRate: number, snapshotRate: number, delayMs: number | null) {
    this.#tickRate = tickRate;
    this.#tickMs = 1000 / tickRate;
    this.#intervalMs = 1000 / snapshotRate;
    this.#fixedMs = delayMs;
    this.#timeline = new Timeline(tickRate);
  }

  /** Milliseconds that what is shown lies behind what is heard of, or is on its way to. */
  get delayMs(): number {
    if (this.#fixedMs !== null) return this.#fixedMs;
    if (this.#samples.count < SAMPLES_MIN) return Math.min(ADAPTIVE_MS_MAX, 2 * this.#intervalMs);
    const needed = this.#samples.quantile(COVERED) + SPARE_MS;
    return Math.min(ADAPTIVE_MS_MAX, Math.max(this.#tickMs, needed));
  }

  /** Ticks that what is shown lies behind a snapshot when it arrives: 95 of 100 times no fewer. 0 as long as nothing is known. */
  get slackTicks(): number {
    return this.#slacks.quantile(1 - COVERED);
  }

  /** A snapshot of this tick arrived. */
  arrived(tick: number, nowMs: number): void {
    if (this.#lastTick >= 0) this.#slacks.push(tick - Math.min(this.#lastTick, this.tickAt(nowMs)));
    if (this.#fixedMs === null && this.#lastTick >= 0 && tick > this.#lastTick) this.#measure(nowMs);
    this.#timeline.arrived(tick, nowMs);
    this.#lastTick = Math.max(this.#lastTick, tick);
    if (this.#fixedMs !== null) return;
    const target = this.#timeline.offset + this.delayMs;
    if (this.#behind.at(nowMs) - target > LEAP_MS) this.#behind.jump(target, nowMs);
    else this.#behind.aim(target, nowMs);
  }

  /** The tick, with its fraction, that is shown at this time; NaN before the first snapshot. */
  tickAt(timeMs: number): number {
    if (this.#fixedMs !== null) return this.#timeline.tickAt(timeMs - this.#fixedMs);
    return (timeMs - this.#behind.at(timeMs)) / this.#tickMs;
  }

  /** What follows is of another zone, or another connection. How steady snapshots come is known still. */
  reset(): void {
    this.#timeline = new Timeline(this.#tickRate);
    this.#behind.reset();
    this.#lastTick = -1;
  }

  #measure(nowMs: number): void {
    const dueMs = this.#timeline.offset + this.#lastTick * this.#tickMs;
    this.#samples.push(Math.min(ADAPTIVE_MS_MAX, Math.max(0, nowMs - dueMs)));
    // What was shown stood still at the last snapshot: it goes on from there, and not from where it would have been.
    if (this.#behind.at(nowMs) < nowMs - this.#lastTick * this.#tickMs) {
      this.#behind.jump(nowMs - this.#lastTick * this.#tickMs, nowMs);
    }
  }
}
