/**
 * What a connection that predicts has beside itself: when its player is (see lead.ts), where (see predictor.ts), and how that is shown. This
 * file and the kernel that it needs are loaded by connections that predict, and by no others.
 *
 * It begins once the tiles are there, the way to the server is known from a few pings, and the server has applied what was sent before that: half
 * a second after the welcome.
 */
import { GyreError } from "../errors.js";
import { loadKernel } from "../kernel/load.js";
import type { Kernel } from "../kernel/types.js";
import type { ZoneInfo } from "../protocol/control.js";
import { Lead } from "./lead.js";
import { type OwnState, Predictor } from "./predictor.js";
import type { Predicted } from "./types.js";
import { type FetchMap, fetchMap, mapUrl } from "./zone-map.js";

/** Milliseconds in which what is shown of a correction falls to a third. */
const GLIDE_MS = 80;
/** Units of a correction along an axis that is a jump, to be shown as one: a teleport, a new life. */
const JUMP_UNITS = 128;
/** Milliseconds that the predictor may be ahead of where it should be before it begins anew: the server lost time. */
const AHEAD_MS_MAX = 400;

export interface PredictionOptions {
  readonly address: URL;
  readonly fetch: FetchMap | undefined;
  /** The map cannot be had: there is no prediction in this zone. */
  readonly failed: (error: GyreError) => void;
}

/** Loads the kernel; what it resolves to makes predictions. Never a checked one: the server's word is not to be asserted. */
export async function predictions(): Promise<(tickRate: number, options: PredictionOptions) => Prediction> {
  const kernel = await loadKernel({ checked: false });
  return (tickRate, options) => new Prediction(kernel, tickRate, options);
}

export class Prediction {
  readonly #kernel: Kernel;
  readonly #tickRate: number;
  readonly #options: PredictionOptions;
  readonly #lead: Lead;
  #zone = "";
  /** Counts what the tiles were asked for: only the last answer is of where the player is. */
  #loads = 0;
  #predictor: Predictor | null = null;
  /** The last input that went without a tick: until it is applied nobody knows when it is. */
  #untimed = 0;
  /** The tick that the last input was for: the next one's is none before. */
  #lastTarget = 0;
  /** What is still shown of corrections: units, as of a time. */
  #offsetX = 0;
  #offsetY = 0;
  #offsetMs = 0;
  readonly #shown: Predicted = { x: 0, y: 0, exactX: 0, exactY: 0, tick: 0 };

  constructor(kernel: Kernel, tickRate: number, options: PredictionOptions) {
    this.#kernel = kernel;
    this.#tickRate = tickRate;
    this.#options = options;
    this.#lead = new Lead(tickRate);
  }

  /** The player is in this zone, maybe again: nothing is predicted until its tiles are there, and a snapshot. */
  enter(zone: ZoneInfo): void {
    if (this.#zone === zone.name && this.#predictor !== null) {
      this.#predictor.reset();
      return;
    }
    this.#predictor?.close();
    this.#predictor = null;
    this.#zone = zone.name;
    void this.#load(zone);
  }

  /** Another connection, maybe to a server that counts otherwise. */
  restart(): void {
    this.#lead.reset();
    this.#predictor?.reset();
    this.#untimed = this.#lastTarget = 0;
    this.#offsetX = this.#offsetY = 0;
  }

  pong(sentMs: number, tick: number, nowMs: number): void {
    this.#lead.pong(sentMs, tick, nowMs);
  }

  /**
   * The tick that an input is for that is sent now; -1 while that is not known, and it is sent without. Null when no more may be on their way.
   */
  send(seq: number, dx: number, dy: number, nowMs: number): number | null {
    if (!this.#lead.isReady) {
      this.#untimed = seq;
      return -1;
    }
    this.#advance(nowMs);
    const present = Math.max(this.#predictor?.tick ?? -1, Math.floor(this.#lead.tickAt(nowMs)));
    const target = Math.max(this.#lastTarget, present + 1);
    if (this.#predictor === null) this.#untimed = seq;
    else if (!this.#predictor.input(seq, target, dx, dy)) return null;
    this.#lastTarget = target;
    return target;
  }

  /**
   * A snapshot came; own: null while the player has no entity. Whether its tick was predicted, and is not what was.
   */
  snapshot(tick: number, ack: number, own: OwnState | null, canMove: boolean, nowMs: number): boolean {
    const predictor = this.#predictor;
    if (predictor === null || !this.#lead.isReady || ack < this.#untimed) return false;
    if (own === null) {
      predictor.forget(ack, tick);
      predictor.stop();
      return false;
    }
    const before = this.at(nowMs);
    const x = before?.x ?? own.x;
    const y = before?.y ?? own.y;
    const verdict = predictor.reconcile(tick, ack, own, canMove);
    if (predictor.isLate) this.#lead.late(nowMs);
    if (verdict === "equal") return false;
    this.#offsetX = this.#offsetY = 0;
    const after = this.at(nowMs);
    if (verdict === "corrected" && after !== null) this.#glide(x - after.x, y - after.y, nowMs);
    return verdict === "corrected";
  }

  /** What is predicted, and shown, at this time; null while nothing is. The same object each time. */
  at(timeMs: number): Readonly<Predicted> | null {
    this.#advance(timeMs);
    const predictor = this.#predictor;
    if (predictor === null || predictor.tick < 0) return null;
    const shown = this.#shown;
    const { x, y, lastX, lastY, tick } = predictor;
    const fraction = Math.min(1, Math.max(0, this.#lead.tickAt(timeMs) - tick));
    const share = Math.exp(-Math.max(0, timeMs - this.#offsetMs) / GLIDE_MS);
    shown.x = lastX + (x - lastX) * fraction + this.#offsetX * share;
    shown.y = lastY + (y - lastY) * fraction + this.#offsetY * share;
    shown.exactX = x;
    shown.exactY = y;
    shown.tick = tick;
    return shown;
  }

  close(): void {
    this.#predictor?.close();
    this.#predictor = null;
    this.#zone = "";
    this.#loads++;
  }

  #advance(timeMs: number): void {
    const predictor = this.#predictor;
    if (predictor === null || predictor.tick < 0) return;
    const tick = Math.floor(this.#lead.tickAt(timeMs));
    if (predictor.tick - tick > (AHEAD_MS_MAX / 1000) * this.#tickRate) predictor.stop();
    else predictor.advance(tick);
    if (predictor.tick < 0) this.#lastTarget = 0;
  }

  #glide(x: number, y: number, nowMs: number): void {
    if (Math.abs(x) > JUMP_UNITS || Math.abs(y) > JUMP_UNITS) return;
    this.#offsetX = x;
    this.#offsetY = y;
    this.#offsetMs = nowMs;
  }

  async #load(zone: ZoneInfo): Promise<void> {
    const { address, fetch = globalThis.fetch, failed } = this.#options;
    const load = ++this.#loads;
    try {
      const map = await fetchMap(mapUrl(address, zone.name), (url) => fetch(url));
      // It may have gone on meanwhile, or be in a zone of that name on another server.
      if (load !== this.#loads) return;
      this.#predictor = new Predictor(this.#kernel, zone, map, this.#tickRate);
    } catch (error) {
      if (load !== this.#loads) return;
      failed(error instanceof GyreError ? error : new GyreError("MAP_BAD", String(error)));
    }
  }
}
