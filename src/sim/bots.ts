/**
 * Players without a socket: they join, take a seat and send numbered inputs through the same mailbox as people do, so that a
 * server without visitors runs the path that visitors run. What a bot wants is a hash of (seed, bot, tick).
 */
import { hash3, unit } from "./hash.js";
import { KIND_BOT } from "./kinds.js";

/** Ticks between two inputs of a bot: 10 a second at 60 Hz. */
const INPUT_PERIOD = 6;
/** Ticks that a bot keeps a direction: 1.5 s at 60 Hz. */
const DIRECTION_TICKS = 90;

/** What a bot needs of a world. */
export interface Seats {
  join(kind: number): number;
  input(seat: number, seq: number, dx: number, dy: number): void;
}

export class Bots {
  readonly #world: Seats;
  readonly #seats: Uint32Array;
  readonly #seed: number;

  constructor(world: Seats, count: number, seed: number) {
    this.#world = world;
    this.#seed = seed;
    this.#seats = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.#seats[i] = world.join(KIND_BOT);
  }

  /** Sends the inputs that are due before the step of this tick. */
  decide(tick: number): void {
    for (let i = tick % INPUT_PERIOD; i < this.#seats.length; i += INPUT_PERIOD) {
      const hash = hash3(this.#seed, -1 - i, Math.floor((tick + i * INPUT_PERIOD) / DIRECTION_TICKS));
      this.#world.input(this.#seats[i] ?? 0, tick >>> 0, unit(hash, 0), unit(hash, 8));
    }
  }
}
