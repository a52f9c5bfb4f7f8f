/**
 * The own entity by itself in a zone of the local kernel, with the server's tiles: the same wasm over the same numbers, so that it comes to the
 * same bits. It runs ahead of the server by the ticks that inputs take to get there:
 *
 *     server's snapshot                       present
 *     |  S  |     |     |     |     |     |   tick  |
 *           inputs that the server has not applied by S, each for its tick
 *
 * Of every tick of the last seconds what was predicted is kept. A snapshot tells what was: where that is equal nothing is to be done; where not,
 * the entity is put there as it was, and the inputs since are applied again, tick by tick.
 *
 * Costs a step of a zone of one, about a microsecond, for each tick and each tick that is done again. Nothing is allocated per tick.
 */
import type { EntityId, Kernel, Zone } from "../kernel/types.js";
import type { ZoneInfo } from "../protocol/control.js";
import type { ZoneMap } from "./zone-map.js";

/** Milliseconds of ticks that are kept, and that it may run ahead. */
const HISTORY_MS = 3000;
/** Inputs that may be on their way; as many as 3 s at 144 Hz, and some. */
export const INPUTS_MAX = 512;
/** Milliseconds after which an input that was not applied is taken to never be: the server refused it. */
const INPUT_MS_MAX = 1000;
/** Numbers of a state: x, y, vx, vy, speed, halfSize, wishX, wishY. */
const FIELDS = 8;

/** What the server tells of one's entity, as far as it moves. All f32 but the id. */
export interface OwnState {
  readonly id: EntityId;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  readonly speed: number;
  readonly halfSize: number;
  readonly wishX: number;
  readonly wishY: number;
}

/** `started`: nothing was predicted of the snapshot's tick. */
export type Verdict = "started" | "equal" | "corrected";

export class Predictor {
  /** The last predicted tick; -1 before the first snapshot. */
  tick = -1;
  /** Whether the last snapshot found an input to be late, of which that was not known yet. */
  isLate = false;
  readonly #zone: Zone;
  readonly #rows: Float32Array;
  /** The tick of each row; -1 for none. */
  readonly #rowTicks: Float64Array;
  readonly #spec = { x: 0, y: 0, halfSize: 0, speed: 0 };
  /** Inputs that the server has not applied yet: a ring from #first on, #count of them. */
  readonly #seqs = new Float64Array(INPUTS_MAX);
  readonly #ticks = new Float64Array(INPUTS_MAX);
  readonly #dxs = new Float64Array(INPUTS_MAX);
  readonly #dys = new Float64Array(INPUTS_MAX);
  readonly #inputTicksMax: number;
  #first = 0;
  #count = 0;
  /** How many of them are applied in `tick` already. */
  #applied = 0;
  /** The last one that is known to be late. */
  #lateSeq = 0;
  /** In the zone; 0 while it cannot stand there, and is left where it is. */
  #entity: EntityId = 0;
  #id: EntityId = 0;
  #canMove = true;

  /** Throws BAD_ARGUMENT for a zone and a map that do not go together. */
  constructor(kernel: Kernel, { width, height, tileSize }: ZoneInfo, map: ZoneMap, tickRate: number) {
    const cellSize = Math.max(1, width, height);
    const small = { capacity: 1, cellSize, eventCapacity: 2, commandCapacity: 2 };
    this.#zone = kernel.createZone({ width, height, tileSize, tiles: map.tiles, tickRate, ...small });
    const rows = Math.ceil((HISTORY_MS / 1000) * tickRate) + 2;
    this.#rows = new Float32Array(rows * FIELDS);
    this.#rowTicks = new Float64Array(rows).fill(-1);
    this.#inputTicksMax = Math.ceil((INPUT_MS_MAX / 1000) * tickRate);
  }

  get x(): number {
    return this.#rows[this.#at(this.tick)]!;
  }

  get y(): number {
    return this.#rows[this.#at(this.tick) + 1]!;
  }

  /** Where it was a tick ago; where it is when that is not known. */
  get lastX(): number {
    return this.#rows[this.#at(this.#has(this.tick - 1) ? this.tick - 1 : this.tick)]!;
  }

  get lastY(): number {
    return this.#rows[this.#at(this.#has(this.tick - 1) ? this.tick - 1 : this.tick) + 1]!;
  }

  /** An input that the server is to apply in the step to `tick`: above {@link tick}, and not below that of the one before. False when too many are pending. */
  input(seq: number, tick: number, dx: number, dy: number): boolean {
    if (this.#count === INPUTS_MAX) return false;
    const at = (this.#first + this.#count++) % INPUTS_MAX;
    this.#seqs[at] = seq;
    this.#ticks[at] = tick;
    // As the server does: -0 does not get through JSON.
    this.#dxs[at] = dx + 0;
    this.#dys[at] = dy + 0;
    return true;
  }

  /** On to this tick. More than the history holds is not gone through: it begins anew with the next snapshot. */
  advance(tick: number): void {
    if (this.tick < 0) return;
    if (tick - this.tick >= this.#rowTicks.length) this.stop();
    else while (this.tick < tick) this.#step();
  }

  /**
   * A snapshot tells what was at its tick. ack: the last input that was applied by then. canMove: whether it is alive, and so obeys inputs.
   */
  reconcile(tick: number, ack: number, own: OwnState, canMove: boolean): Verdict {
    // The server may be ahead, when its way here is shorter than it seemed. What was predicted so far says what would be by then, with the
    // inputs that are about to be forgotten.
    if (this.tick < tick) this.advance(tick);
    this.forget(ack, tick);
    this.#findLate(tick);
    const present = this.tick;
    const verdict = !this.#has(tick) ? "started" : this.#isEqual(tick, own) ? "equal" : "corrected";
    if (verdict === "equal" && canMove === this.#canMove) return verdict;
    this.#canMove = canMove;
    this.#restore(tick, own);
    while (this.tick < present) this.#step();
    return verdict;
  }

  /** Inputs up to `ack` are applied on the server; those that were for long before this tick never will be. */
  forget(ack: number, tick: number): void {
    const { length } = this.#seqs;
    while (this.#count > 0) {
      const isDone = this.#seqs[this.#first]! <= ack || this.#ticks[this.#first]! <= tick - this.#inputTicksMax;
      if (!isDone) break;
      this.#first = (this.#first + 1) % length;
      this.#count--;
      this.#applied = Math.max(0, this.#applied - 1);
    }
  }

  /** Nothing is predicted until the next snapshot. */
  stop(): void {
    this.tick = -1;
    this.#rowTicks.fill(-1);
  }

  /** The same, and no input is on its way. */
  reset(): void {
    this.stop();
    this.#first = this.#count = this.#applied = 0;
  }

  close(): void {
    this.#zone.close();
  }

  #step(): void {
    const next = this.tick + 1;
    while (this.#applied < this.#count) {
      const at = (this.#first + this.#applied) % INPUTS_MAX;
      if (this.#ticks[at]! > next) break;
      if (this.#canMove && this.#entity !== 0) this.#zone.move(this.#entity, this.#dxs[at]!, this.#dys[at]!);
      this.#applied++;
    }
    const before = this.#at(this.tick);
    const row = this.#at(next);
    this.tick = next;
    if (this.#entity === 0) {
      this.#rows.copyWithin(row, before, before + FIELDS);
    } else {
      this.#zone.step();
      this.#keep(row);
    }
    this.#rowTicks[row / FIELDS] = next;
  }

  /** What the zone has becomes a row. */
  #keep(row: number): void {
    const { x, y, vx, vy, speed, halfSize, wishX, wishY } = this.#zone.columns;
    const rows = this.#rows;
    rows[row] = x[0]!;
    rows[row + 1] = y[0]!;
    rows[row + 2] = vx[0]!;
    rows[row + 3] = vy[0]!;
    rows[row + 4] = speed[0]!;
    rows[row + 5] = halfSize[0]!;
    rows[row + 6] = wishX[0]!;
    rows[row + 7] = wishY[0]!;
  }

  /** The entity is as the server has it at this tick, which becomes the present. */
  #restore(tick: number, own: OwnState): void {
    this.#place(own);
    // Of another one nothing is known from before.
    if (this.#id !== own.id) this.#rowTicks.fill(-1);
    this.#id = own.id;
    this.tick = tick;
    this.#applied = 0;
    const row = this.#at(tick);
    const rows = this.#rows;
    rows[row] = own.x;
    rows[row + 1] = own.y;
    rows[row + 2] = own.vx;
    rows[row + 3] = own.vy;
    rows[row + 4] = own.speed;
    rows[row + 5] = own.halfSize;
    rows[row + 6] = own.wishX;
    rows[row + 7] = own.wishY;
    this.#rowTicks[row / FIELDS] = tick;
  }

  /** A game may put an entity where no kernel would, or give it a size that is none: then it is not predicted to move. */
  #place(own: OwnState): void {
    const spec = this.#spec;
    if (this.#entity !== 0) this.#zone.despawn(this.#entity);
    this.#entity = 0;
    spec.x = own.x;
    spec.y = own.y;
    spec.halfSize = own.halfSize;
    try {
      this.#entity = this.#zone.spawn(spec);
    } catch {
      return;
    }
    const { vx, vy, speed, wishX, wishY } = this.#zone.columns;
    vx[0] = own.vx;
    vy[0] = own.vy;
    speed[0] = own.speed;
    wishX[0] = own.wishX;
    wishY[0] = own.wishY;
  }

  /** f32 from both sides; only 0 and -0, which JSON does not tell apart, are two patterns of bits. */
  #isEqual(tick: number, own: OwnState): boolean {
    const row = this.#at(tick);
    const rows = this.#rows;
    return (
      own.id === this.#id &&
      rows[row] === own.x &&
      rows[row + 1] === own.y &&
      rows[row + 2] === own.vx &&
      rows[row + 3] === own.vy &&
      rows[row + 4] === own.speed &&
      rows[row + 5] === own.halfSize &&
      rows[row + 6] === own.wishX &&
      rows[row + 7] === own.wishY
    );
  }

  /** Inputs that should have been applied by this tick, and were not: they will be in the next one at the earliest, and so they are here. */
  #findLate(tick: number): void {
    this.isLate = false;
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#first + i) % INPUTS_MAX;
      if (this.#ticks[at]! > tick) break;
      if (this.#seqs[at]! <= this.#lateSeq) continue;
      this.#lateSeq = this.#seqs[at]!;
      this.isLate = true;
    }
  }

  #at(tick: number): number {
    return (tick % this.#rowTicks.length) * FIELDS;
  }

  #has(tick: number): boolean {
    return tick >= 0 && this.#rowTicks[tick % this.#rowTicks.length] === tick;
  }
}
