/**
 * Which zone should be at home elsewhere, so that the slots have equally much to do. Moving one costs an image and a start of its game, some
 * milliseconds in two slots, so it is done when the imbalance is large, lasts, and goes away by it; and one at a time.
 */

/** Looks in a row at which the slots must differ. */
const LASTING_LOOKS = 3;
/** Share of a period by which they must. */
const LARGE_SHARE = 0.1;

interface Move {
  readonly zone: number;
  readonly to: number;
}

export class Balance {
  readonly #largeUs: number;
  readonly #loads: Float64Array;
  #looks = 0;

  /** periodMs: of a tick. */
  constructor(slots: number, periodMs: number) {
    this.#largeUs = periodMs * 1000 * LARGE_SHARE;
    this.#loads = new Float64Array(slots);
  }

  /**
   * To be called about once a second. costs: by zone, microseconds of a tick, 0 while it sleeps; homes: by zone, the slot it is at home
   * with; mayMove: whether a zone can. Null: all is well, or nothing helps.
   */
  look(
    costs: ArrayLike<number>,
    homes: (zone: number) => number,
    mayMove: (zone: number) => boolean = () => true,
  ): Move | null {
    const loads = this.#loads.fill(0);
    for (let zone = 0; zone < costs.length; zone++) {
      const home = homes(zone);
      loads[home] = (loads[home] ?? 0) + (costs[zone] ?? 0);
    }
    const [from, to] = [loads.indexOf(Math.max(...loads)), loads.indexOf(Math.min(...loads))];
    const gapUs = (loads[from] ?? 0) - (loads[to] ?? 0);
    this.#looks = gapUs >= this.#largeUs ? this.#looks + 1 : 0;
    if (this.#looks < LASTING_LOOKS) return null;
    // The one after which the two differ least; it must be less than the gap, or they would only change places.
    let best = -1;
    let bestUs = gapUs;
    for (let zone = 0; zone < costs.length; zone++) {
      const restUs = Math.abs(gapUs - 2 * (costs[zone] ?? 0));
      if (homes(zone) !== from || !mayMove(zone) || restUs >= bestUs) continue;
      best = zone;
      bestUs = restUs;
    }
    // What is won must be worth a move.
    if (best < 0 || gapUs - bestUs < this.#largeUs) return null;
    this.#looks = 0;
    return { zone: best, to };
  }
}
