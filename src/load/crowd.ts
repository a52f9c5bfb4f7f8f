/**
 * The clients of one thread: lets them come at a rate, gives each its inputs in turn so that those of all are spread evenly over time, lets
 * others come and go, and counts what goes wrong by its code. It is called every few milliseconds with the time, and does what is due since.
 *
 * Bounds: as many connections as it was told, and of those that come and go no more at once than come in CHURN_SECONDS_MAX. Who is not in
 * after PATIENCE_MS is given up.
 */
import { DecodedPlayer } from "./decoded-player.js";
import { type PlayerEvents, RawPlayer, type Surroundings } from "./player.js";
import { CLOSED_ABNORMALLY } from "./raw-client.js";
import { Tally } from "./tally.js";

/** Milliseconds from connecting to being in. */
export const PATIENCE_MS = 15_000;
/** Milliseconds that one who comes and goes stays. */
const CHURN_STAY_MS = 1000;
/** Seconds of churn that may be there at once, when the server does not keep up. */
const CHURN_SECONDS_MAX = 5;
/** Milliseconds between two looks at who is too late. */
const LOOK_MS = 250;
/** What the real client closes with when it cannot read what came. */
const CLOSED_UNREADABLE = 4002;
/** More than this at once after a pause is not made up for. */
const PAUSE_MS_MAX = 1000;

export interface CrowdSpec {
  /** Clients that stay, of which so many decode what they get, further ones that do not read, and number of the first of all. */
  readonly clients: number;
  readonly sample: number;
  readonly stall: number;
  readonly firstIndex: number;
  /** A second: clients that begin to connect, inputs of each, and further clients that come and go. */
  readonly joinRate: number;
  readonly inputRate: number;
  readonly churn: number;
}

/** A thread's part of the result. */
export interface CrowdResult {
  /** Times by code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly closes: Readonly<Record<string, number>>;
  /** Players by the zone or room that they joined. */
  readonly zones: Readonly<Record<string, number>>;
  /** Snapshots of each client since {@link Crowd.measure}. */
  readonly snapshots: readonly number[];
  /**
   * Milliseconds since the last snapshot of each client, and since the last update of a room of each that ever got one: who is told nothing
   * any more has no other gap.
   */
  readonly openGapsMs: readonly number[];
  readonly openSyncGapsMs: readonly number[];
  readonly hashChecks: number;
  readonly repairs: number;
  /** Of those who decode, how many gave up at what they could not read. */
  readonly unreadable: number;
}

export class Crowd {
  readonly #spec: CrowdSpec;
  readonly #url: string;
  readonly #around: Surroundings;
  /** Of those whose snapshots are not counted. */
  readonly #aside: Surroundings;
  readonly #errors: Record<string, number> = {};
  readonly #closes: Record<string, number> = {};
  readonly #zones: Record<string, number> = {};
  #unreadable = 0;
  /** Who is in, in order of arrival. */
  readonly #players: (RawPlayer | DecodedPlayer)[] = [];
  readonly #decoded: DecodedPlayer[] = [];
  readonly #arriving = new Set<RawPlayer>();
  readonly #passing = new Set<RawPlayer>();
  readonly #stalled = new Set<RawPlayer>();
  #index: number;
  #lastMs: number;
  #lookMs = 0;
  #joinsDue = 0;
  #begun = 0;
  #inputsDue = 0;
  #cursor = 0;
  #churnDue = 0;
  #isOver = false;

  constructor(spec: CrowdSpec, url: string, around: Surroundings) {
    this.#spec = spec;
    this.#url = url;
    this.#around = around;
    this.#aside = { ...around, tally: new Tally() };
    this.#index = spec.firstIndex;
    this.#lastMs = around.now();
  }

  /** Does what is due by now. */
  run(nowMs: number): void {
    const seconds = Math.min(PAUSE_MS_MAX, nowMs - this.#lastMs) / 1000;
    this.#lastMs = nowMs;
    this.#arrive(seconds);
    this.#walk(seconds);
    if (this.#spec.churn > 0 && this.#isComplete) this.#comeAndGo(seconds);
    if (nowMs - this.#lookMs < LOOK_MS) return;
    this.#lookMs = nowMs;
    this.#look(nowMs);
  }

  /** What {@link CrowdResult.snapshots} counts begins now. */
  measure(): void {
    for (const player of this.#players) player.snapshotsBefore = player.snapshots;
  }

  /** As of now. */
  result(nowMs: number): CrowdResult {
    let [hashChecks, repairs] = [0, 0];
    for (const player of this.#decoded) {
      hashChecks += player.hashChecks;
      repairs += player.repairs;
    }
    const openSyncGapsMs: number[] = [];
    for (const player of this.#players) {
      const ms = player instanceof RawPlayer ? player.openSyncGapMs(nowMs) : null;
      if (ms !== null) openSyncGapsMs.push(ms);
    }
    return {
      errors: this.#errors,
      closes: this.#closes,
      zones: this.#zones,
      snapshots: this.#players.map((player) => player.snapshots - player.snapshotsBefore),
      openGapsMs: this.#players.map((player) => player.openGapMs(nowMs)),
      openSyncGapsMs,
      hashChecks,
      repairs,
      unreadable: this.#unreadable,
    };
  }

  /** All leave. */
  end(): void {
    this.#isOver = true;
    for (const player of this.#players) player.close();
    for (const player of this.#passing) player.close();
    for (const player of this.#arriving) player.destroy();
    for (const player of this.#stalled) player.destroy();
  }

  /** Whether all who stay came, and are in or never will be. */
  get #isComplete(): boolean {
    const { tally } = this.#around;
    return tally.get("joined") + tally.get("unjoined") >= this.#spec.clients;
  }

  #arrive(seconds: number): void {
    const { clients, sample, stall, joinRate } = this.#spec;
    this.#joinsDue += seconds * joinRate;
    for (; this.#joinsDue >= 1 && this.#begun < clients + stall; this.#joinsDue--) {
      const n = this.#begun++;
      if (n >= clients) this.#beginStalled();
      else if (n < sample) this.#beginDecoded();
      else this.#begin();
    }
  }

  #begin(): void {
    const { tally } = this.#around;
    tally.add("begun");
    const events: PlayerEvents = {
      joined: (player, zone) => {
        tally.times.join.record(this.#around.now() - player.beganMs);
        this.#arriving.delete(player);
        this.#joined(player, zone);
      },
      refused: (player, code) => this.#refused(code, player.isIn ? null : player),
      ended: (player, code, problem) => {
        if (player.isIn) tally.add("lost");
        else tally.add("unjoined");
        // Who was late was told of already.
        if (this.#arriving.delete(player) || player.isIn) this.#ended(code, problem);
      },
    };
    this.#arriving.add(new RawPlayer(this.#around, this.#index++, events));
  }

  #beginDecoded(): void {
    const { tally, seed, now, zone } = this.#around;
    const index = this.#index++;
    const player = new DecodedPlayer(tally, seed, index, now);
    tally.add("begun");
    this.#decoded.push(player);
    void player.start(this.#url, index, zone, {
      joined: (name) => this.#joined(player, name),
      refused: (code) => {
        if (!player.isIn) tally.add("unjoined");
        if (code === "BAD_FRAME") this.#unreadable++;
        this.#error(code);
      },
      ended: (code, asked) => {
        tally.add("lost");
        if (code === CLOSED_UNREADABLE) this.#unreadable++;
        if (!asked) this.#ended(code, null);
      },
    });
  }

  /** In, and never looks at anything again. The server may close it; that is no error. */
  #beginStalled(): void {
    const stalled = new RawPlayer(this.#aside, this.#index++, {
      joined: (player) => {
        this.#around.tally.add("stalled");
        player.stall();
      },
      refused: (_, code) => this.#error(code),
      ended: (player) => this.#stalled.delete(player),
    });
    this.#stalled.add(stalled);
  }

  #comeAndGo(seconds: number): void {
    const { churn } = this.#spec;
    const { tally } = this.#around;
    this.#churnDue += seconds * churn;
    for (; this.#churnDue >= 1; this.#churnDue--) {
      if (this.#passing.size >= churn * CHURN_SECONDS_MAX) continue;
      tally.add("churnBegun");
      const passing = new RawPlayer(this.#aside, this.#index++, {
        joined: () => {},
        refused: (player, code) => {
          this.#error(code);
          player.destroy();
        },
        ended: (player, _, problem) => {
          this.#passing.delete(player);
          tally.add("churnEnded");
          if (this.#isOver) return;
          tally.add(player.snapshots > 0 ? "churnServed" : "churnFailed");
          if (problem !== null || player.snapshots === 0) this.#error(problem ?? "CHURN_UNSERVED");
        },
      });
      this.#passing.add(passing);
    }
  }

  /** Each in turn, so many as are due. */
  #walk(seconds: number): void {
    const { inputRate } = this.#spec;
    this.#inputsDue += seconds * inputRate * this.#players.length;
    for (; this.#inputsDue >= 1; this.#inputsDue--) {
      if (this.#cursor >= this.#players.length) this.#cursor = 0;
      this.#players[this.#cursor++]?.input();
    }
  }

  #look(nowMs: number): void {
    for (const player of this.#arriving) {
      if (nowMs - player.beganMs < PATIENCE_MS) break; // the others came later
      this.#error("TIMED_OUT");
      this.#arriving.delete(player);
      player.destroy();
    }
    for (const player of this.#passing) {
      const ageMs = nowMs - player.beganMs;
      if (ageMs > PATIENCE_MS) player.destroy();
      else if (ageMs > CHURN_STAY_MS && player.snapshots > 0) player.close();
    }
  }

  #joined(player: RawPlayer | DecodedPlayer, zone: string): void {
    this.#players.push(player);
    this.#zones[zone] = (this.#zones[zone] ?? 0) + 1;
    this.#around.tally.add("joined");
  }

  /** arriving: one whose join that was. */
  #refused(code: string, arriving: RawPlayer | null): void {
    this.#error(code);
    arriving?.close();
  }

  #ended(code: number, problem: string | null): void {
    if (this.#isOver) return;
    if (problem !== null) this.#error(problem);
    else if (code !== 1000) this.#error(code === CLOSED_ABNORMALLY ? "CLOSED_1006" : `CLOSED_${code}`);
    this.#closes[code] = (this.#closes[code] ?? 0) + 1;
  }

  #error(code: string): void {
    if (this.#isOver) return;
    this.#around.tally.add("errors");
    this.#errors[code] = (this.#errors[code] ?? 0) + 1;
  }
}
