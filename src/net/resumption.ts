/**
 * Sessions that lost their connection, and may be resumed by another one that knows their token: they keep their seat and their entity
 * for RESUME_MS, get nothing, and stand still.
 *
 *     welcome ──> token known ──lost──> detached ──resume──> another session has token, seat and entity
 *                                          └──RESUME_MS──> ended: the seat is given up
 *
 * All wait for the same time, so they are ended in the order in which they were lost, a bounded number a tick. Those whose client said goodbye
 * share that bound: when thousands do so at once, the last of them leaves some ticks later. O(1) each.
 */
import { GyreError } from "../errors.js";
import { RESUME_MS } from "../protocol/control.js";
import type { Session } from "./session.js";

/** Players who leave in one tick because their connection is gone, for good or for too long: some 10 us each, in all zones together. */
export const ENDS_PER_TICK_MAX = 128;
/** Those that are made to stand still in one tick, after there was no room for the input that does it. */
const HALTED_PER_TICK_MAX = 128;

export class Resumption {
  /** Sessions that were resumed, and that were ended because they were not. */
  resumed = 0;
  expired = 0;
  readonly #makeToken: () => string;
  readonly #byToken = new Map<string, Session>();
  /** When they were lost, in order of that. */
  readonly #detached = new Map<Session, number>();
  readonly #moving = new Set<Session>();
  /** Those who said goodbye, and wait for their turn to leave. */
  readonly #leaving = new Set<Session>();
  #endsLeft = ENDS_PER_TICK_MAX;

  /** makeToken: gives no two alike. */
  constructor(makeToken: () => string) {
    this.#makeToken = makeToken;
  }

  /** How many wait to leave. */
  get leaving(): number {
    return this.#leaving.size;
  }

  /** How many have no connection, and may be resumed. */
  get count(): number {
    return this.#detached.size;
  }

  /** The session has a player from now on, who may be resumed. */
  name(session: Session): void {
    session.token = this.#makeToken();
    this.#byToken.set(session.token, session);
  }

  /** The session has none any more. */
  forget(session: Session): void {
    if (this.#byToken.get(session.token) === session) this.#byToken.delete(session.token);
    session.token = "";
    this.#detached.delete(session);
    this.#moving.delete(session);
    this.#leaving.delete(session);
  }

  /** Whose the token is. Throws SESSION_UNKNOWN. */
  find(token: string): Session {
    const session = this.#byToken.get(token);
    if (session === undefined) {
      throw new GyreError("SESSION_UNKNOWN", "there is no such session, or it was lost for more than 10 s");
    }
    return session;
  }

  /** Another session has the player of this one. */
  move(from: Session, to: Session): void {
    const { token } = from;
    this.forget(from);
    to.token = token;
    this.#byToken.set(token, to);
    this.resumed++;
  }

  detach(session: Session, nowMs: number): void {
    this.#detached.set(session, nowMs);
    this.halt(session);
  }

  /** It leaves, in this tick or a later one. Nobody can resume it. */
  retire(session: Session): void {
    this.forget(session);
    if (this.#endsLeft > 0) {
      this.#endsLeft--;
      session.end();
    } else {
      this.#leaving.add(session);
    }
  }

  /** It was to stand still, and there was no room for that. */
  halt(session: Session): void {
    if (this.#detached.has(session) && !session.halt()) this.#moving.add(session);
  }

  /** Ends one that waits to leave, or was lost first; false when there is none. */
  endFirst(): boolean {
    for (const session of this.#leaving) {
      session.end();
      return true;
    }
    for (const session of this.#detached.keys()) {
      this.expired++;
      session.end();
      return true;
    }
    return false;
  }

  /** Once a tick. */
  look(nowMs: number): void {
    let n = 0;
    for (const session of this.#moving) {
      if (session.halt()) this.#moving.delete(session);
      if (++n === HALTED_PER_TICK_MAX) break;
    }
    this.#endsLeft = ENDS_PER_TICK_MAX;
    for (const session of this.#leaving) {
      if (this.#endsLeft === 0) return;
      this.#endsLeft--;
      session.end();
    }
    for (const lostMs of this.#detached.values()) {
      if (nowMs - lostMs < RESUME_MS || this.#endsLeft === 0) return;
      this.#endsLeft--;
      this.endFirst();
    }
  }
}
