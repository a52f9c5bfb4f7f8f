/**
 * Gates: where who stands in a rectangle of one zone asks to go on in another. An entity asks once: it is marked until it is seen
 * outside of the gate, so that one who is refused, or comes out of a gate into another, does not ask in every tick.
 *
 *     asks ---- goes ------> its mark goes with it
 *       |---- is refused --> stays marked .... walks out: unmarked .... walks in: asks again
 *
 * A tick costs a rectangle query for each gate, and a look at each marked entity. 14 bytes an entity of capacity.
 */
import type { EntityId, Zone } from "../kernel/types.js";

/** Entities that ask in one tick; the others stand in the gate still in the next. */
export const CROSSERS_PER_TICK_MAX = 64;
/** Gates that lead out of one zone. */
export const GATES_MAX = 255;

export interface Gate {
  /** The zone that it leads out of, by name. */
  readonly zone: string;
  /** World units, borders included; an entity stands in it when its centre does. */
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  /** The zone that it leads into, by name. */
  readonly to: string;
  /** Where one comes out. */
  readonly x: number;
  readonly y: number;
  /** Also for entities without a player. Default false. */
  readonly all?: boolean;
}

export class GateKeeper {
  /** Who asked in the last scan, in order of gates, then of slots, and the index of the gate. */
  readonly ids = new Uint32Array(CROSSERS_PER_TICK_MAX);
  readonly gates = new Uint8Array(CROSSERS_PER_TICK_MAX);
  count = 0;

  readonly #zone: Zone;
  readonly #list: readonly Gate[];
  /** By slot: the entity that is marked, and at which gate. */
  readonly #markedId: Uint32Array;
  readonly #markedGate: Uint8Array;
  /** The slots that may be marked, each once, and whether a slot is among them. */
  readonly #marks: Uint32Array;
  readonly #isListed: Uint8Array;
  #markCount = 0;
  readonly #found: Uint32Array;

  constructor(zone: Zone, gates: readonly Gate[]) {
    const capacity = gates.length > 0 ? zone.capacity : 0;
    this.#zone = zone;
    this.#list = gates;
    this.#markedId = new Uint32Array(capacity);
    this.#markedGate = new Uint8Array(capacity);
    this.#marks = new Uint32Array(capacity);
    this.#isListed = new Uint8Array(capacity);
    this.#found = new Uint32Array(capacity);
  }

  /** Finds out who asks now. isPlayer: whether a player has the entity. */
  scan(isPlayer: (id: EntityId) => boolean): void {
    this.count = 0;
    if (this.#list.length === 0) return;
    this.#unmark();
    for (let gate = 0; gate < this.#list.length; gate++) this.#ask(gate, isPlayer);
  }

  /** The entity at this index was not answered: it asks again in the next scan. False: it would have anyway. */
  forget(index: number): boolean {
    const slot = this.#zone.slot(this.ids[index] ?? 0);
    if (slot < 0 || this.#markedId[slot] === 0) return false;
    this.#markedId[slot] = 0;
    return true;
  }

  /** Who asked and was answered does not ask any more in this tick. False: it does not already. */
  answered(id: EntityId): boolean {
    const index = id === 0 ? -1 : this.ids.indexOf(id);
    if (index < 0 || index >= this.count) return false;
    this.ids[index] = 0;
    return true;
  }

  /** Who asks still, id and gate each; 0 and any gate for one who was answered. */
  saveAsking(): number[] {
    return Array.from({ length: 2 * this.count }, (_, i) => (i % 2 === 0 ? this.ids : this.gates)[i >>> 1] ?? 0);
  }

  restoreAsking(asking: readonly number[]): void {
    this.count = asking.length >>> 1;
    for (let i = 0; i < this.count; i++) {
      this.ids[i] = asking[2 * i] ?? 0;
      this.gates[i] = asking[2 * i + 1] ?? 0;
    }
  }

  /** One that came in: not asked of the gates that it stands in until it was outside. */
  admit(id: EntityId): void {
    const slot = this.#zone.slot(id);
    for (let gate = 0; gate < this.#list.length; gate++) {
      if (this.#isInside(slot, gate)) {
        this.#mark(slot, id, gate);
        return;
      }
    }
  }

  /** Nobody asks, and nobody is marked. */
  reset(): void {
    this.count = 0;
    this.#markCount = 0;
    this.#markedId.fill(0);
    this.#isListed.fill(0);
  }

  /** The marks in order, id and gate each. */
  save(): number[] {
    const marks: number[] = [];
    for (let i = 0; i < this.#markCount; i++) {
      const slot = this.#marks[i] ?? 0;
      // Not one that was forgotten since the scan.
      if (this.#markedId[slot] !== 0) marks.push(this.#markedId[slot] ?? 0, this.#markedGate[slot] ?? 0);
    }
    return marks;
  }

  restore(marks: readonly number[]): void {
    for (let i = 0; i + 1 < marks.length; i += 2) {
      const id = marks[i] ?? 0;
      const slot = this.#zone.slot(id);
      if (slot >= 0) this.#mark(slot, id, marks[i + 1] ?? 0);
    }
  }

  /** Takes the mark off those who walked out, or are gone. */
  #unmark(): void {
    const { id } = this.#zone.columns;
    let kept = 0;
    for (let i = 0; i < this.#markCount; i++) {
      const slot = this.#marks[i] ?? 0;
      const marked = this.#markedId[slot] ?? 0;
      if (marked !== 0 && marked === id[slot] && this.#isInside(slot, this.#markedGate[slot] ?? 0)) {
        this.#marks[kept++] = slot;
      } else {
        this.#markedId[slot] = 0;
        this.#isListed[slot] = 0;
      }
    }
    this.#markCount = kept;
  }

  #ask(gate: number, isPlayer: (id: EntityId) => boolean): void {
    const rectangle = this.#list[gate];
    if (rectangle === undefined) return;
    const { x0, y0, x1, y1, all } = rectangle;
    const found = Math.min(this.#zone.queryRect(x0, y0, x1, y1, this.#found), this.#found.length);
    const { alive } = this.#zone.columns;
    let asking = 0;
    for (let i = 0; i < found; i++) {
      const id = this.#found[i] ?? 0;
      const slot = this.#zone.slot(id);
      if (slot < 0 || alive[slot] === 0 || this.#markedId[slot] === id) continue;
      if (all === true || isPlayer(id)) this.#found[asking++] = id;
    }
    // The query promises no order, and there may be more than can be answered. Ids sort as their slots do.
    const ids = asking < 2 ? this.#found : this.#found.subarray(0, asking).sort();
    for (let i = 0; i < asking && this.count < CROSSERS_PER_TICK_MAX; i++) {
      const id = ids[i] ?? 0;
      this.#mark(this.#zone.slot(id), id, gate);
      this.ids[this.count] = id;
      this.gates[this.count++] = gate;
    }
  }

  #mark(slot: number, id: EntityId, gate: number): void {
    if (this.#isListed[slot] === 0) this.#marks[this.#markCount++] = slot;
    this.#isListed[slot] = 1;
    this.#markedId[slot] = id;
    this.#markedGate[slot] = gate;
  }

  #isInside(slot: number, gate: number): boolean {
    const { x, y } = this.#zone.columns;
    const rectangle = this.#list[gate];
    if (rectangle === undefined) return false;
    const px = x[slot] ?? Number.NaN;
    const py = y[slot] ?? Number.NaN;
    return px >= rectangle.x0 && px <= rectangle.x1 && py >= rectangle.y0 && py <= rectangle.y1;
  }
}
