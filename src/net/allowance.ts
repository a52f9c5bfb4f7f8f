/**
 * How many messages one session may send: a bucket that refills with time. A browser sends 60 inputs a second and a few pings;
 * one that was stalled for two seconds sends what it missed at once, and is forgiven. A flood is refused message by message,
 * and told so once; one that goes on is closed.
 */

/** Messages a second, for as long as it likes. */
const MESSAGES_PER_SECOND = 120;
/** Messages at once. */
export const MESSAGES_BURST = 240;
/** Messages refused in a row before the session is closed. */
export const REFUSED_IN_A_ROW_MAX = 60;

export type Verdict = "accept" | "warn" | "drop" | "close";

export class Allowance {
  #messages = 0;
  #refilledMs = 0;
  #refusedInARow = 0;

  /** A full bucket. */
  reset(nowMs: number): void {
    this.#messages = MESSAGES_BURST;
    this.#refilledMs = nowMs;
    this.#refusedInARow = 0;
  }

  /** Asks for one message. `warn` is the first refusal in a row. */
  take(nowMs: number): Verdict {
    const refill = ((nowMs - this.#refilledMs) / 1000) * MESSAGES_PER_SECOND;
    this.#messages = Math.min(MESSAGES_BURST, this.#messages + refill);
    this.#refilledMs = nowMs;
    if (this.#messages >= 1) {
      this.#messages--;
      this.#refusedInARow = 0;
      return "accept";
    }
    this.#refusedInARow++;
    if (this.#refusedInARow > REFUSED_IN_A_ROW_MAX) return "close";
    return this.#refusedInARow === 1 ? "warn" : "drop";
  }
}
