/**
 * What each zone counts and whether it runs, in memory that all threads share: the zone's home writes it now and then, and the main thread
 * reads it when somebody asks for metrics. Each number is one store of 8 bytes; together they are of about the same time.
 */
import { FIGURES, type Figures } from "../sim/venue.js";
import type { Memory } from "../sync/memory.js";

export const AWAKE = 0;
export const ASLEEP = 1;
export const STOPPED = 2;
/** Awake, and nobody is let in. */
export const LOCKED = 3;

const STATE = FIGURES.length;
const LENGTH = FIGURES.length + 1;

export class FigureTable {
  readonly #numbers: Float64Array;
  readonly #figures = {} as Figures;

  static bytesOf(zones: number): number {
    return 8 * LENGTH * zones;
  }

  /** Zeros are zones that are awake and have counted nothing. */
  constructor(buffer: Memory, zones: number) {
    this.#numbers = new Float64Array(buffer, 0, LENGTH * zones);
  }

  write(zone: number, figures: Readonly<Figures>): void {
    for (let i = 0; i < FIGURES.length; i++) this.#numbers[zone * LENGTH + i] = figures[FIGURES[i] ?? "players"];
  }

  /** The same object each time. */
  read(zone: number): Figures {
    for (let i = 0; i < FIGURES.length; i++) {
      this.#figures[FIGURES[i] ?? "players"] = this.#numbers[zone * LENGTH + i] ?? 0;
    }
    return this.#figures;
  }

  state(zone: number): number {
    return this.#numbers[zone * LENGTH + STATE] ?? AWAKE;
  }

  setState(zone: number, state: number): void {
    this.#numbers[zone * LENGTH + STATE] = state;
  }
}
