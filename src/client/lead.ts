/**
 * Which tick the player is at: as far ahead of the server that its inputs arrive before the ticks that they are for, and no further.
 *
 * A ping that was sent at local time s was answered at tick t: so what is sent at s arrives when the server is at t, whatever the ways there
 * and back take. Of the last 32 such differences t - s the greatest counts, and on top of it a margin for what pings have not met:
 *
 *     server    t ...... t+1 ...... t+2            an input that arrives in here is in time for tick t+1
 *     client         s ^─────────────────> now + lead
 *
 * Inputs that came late nevertheless, as acks tell, add to the margin, which shrinks again by and by. The lead is gone to slowly, so that
 * ticks of the client take a tenth more or less than those of the server. O(32) a ping; nothing is allocated after construction.
 */
import { Glide } from "./glide.js";
import { Window } from "./window.js";

/** Pings that count: 8 s of them at four a second. */
const SAMPLES = 32;
/** Pings before which the connection is not known well enough. */
const SAMPLES_MIN = 6;
const GLIDE_RATE = 0.1;
/** Milliseconds off at which gliding takes too long. */
const LEAP_MS = 500;
/** Milliseconds that all margins come to, at most: the server refuses what is a second ahead. */
const MARGIN_MS_MAX = 300;
/** Milliseconds in which a tick of what late inputs have added is taken off again. */
const FORGIVE_MS = 10_000;
/** Milliseconds below the greatest difference, and how many in a row, that mean that the server has lost time: it was held up. */
const LAG_MS = 150;
const LAGS_MAX = 4;

export class Lead {
  readonly #tickMs: number;
  /** Ticks, less local time in ticks. */
  readonly #samples = new Window(SAMPLES);
  readonly #lead = new Glide(GLIDE_RATE);
  /** Ticks on top because of inputs that were late. */
  #late = 0;
  #lateMs = 0;
  #lags = 0;

  /** Ticks per second. */
  constructor(tickRate: number) {
    this.#tickMs = 1000 / tickRate;
  }

  /** Whether it is known. */
  get isReady(): boolean {
    return this.#samples.count >= SAMPLES_MIN;
  }

  /** The answer to a ping came. tick: the server's when it got it. */
  pong(sentMs: number, tick: number, nowMs: number): void {
    const sample = tick - sentMs / this.#tickMs;
    this.#lags = sample < this.#samples.quantile(1) - LAG_MS / this.#tickMs ? this.#lags + 1 : 0;
    if (this.#lags >= LAGS_MAX) {
      this.#samples.clear();
      this.#lags = 0;
      // Known well enough, for it was known before.
      for (let i = 1; i < SAMPLES_MIN; i++) this.#samples.push(sample);
    }
    this.#samples.push(sample);
    this.#aim(nowMs);
  }

  /** An input was late: a tick more. */
  late(nowMs: number): void {
    this.#late = Math.min(MARGIN_MS_MAX / this.#tickMs, this.#lateAt(nowMs) + 1);
    this.#lateMs = nowMs;
    this.#aim(nowMs);
  }

  /** The tick, with its fraction, of the player at this time; NaN before it is known. */
  tickAt(timeMs: number): number {
    return (timeMs + this.#lead.at(timeMs)) / this.#tickMs;
  }

  /** The next server counts its ticks otherwise. */
  reset(): void {
    this.#samples.clear();
    this.#lead.reset();
    this.#late = this.#lags = 0;
  }

  #aim(nowMs: number): void {
    if (!this.isReady) return;
    const most = this.#samples.quantile(1);
    // A tick is what a sample may be short of the truth; the spread is what the next ones may be beyond those known, the less the more are known.
    const spread = most - this.#samples.quantile(0.1);
    const beyond = (spread * SAMPLES_MIN) / this.#samples.count;
    const margin = Math.min(MARGIN_MS_MAX / this.#tickMs, 1 + beyond + this.#lateAt(nowMs));
    const target = (most + margin) * this.#tickMs;
    if (Math.abs(target - this.#lead.at(nowMs)) > LEAP_MS) this.#lead.jump(target, nowMs);
    else this.#lead.aim(target, nowMs);
  }

  #lateAt(nowMs: number): number {
    return Math.max(0, this.#late - (nowMs - this.#lateMs) / FORGIVE_MS);
  }
}
