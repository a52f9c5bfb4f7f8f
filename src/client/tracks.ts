/**
 * Where every entity in view is shown at the last few snapshots, as a structure of arrays, to interpolate between them. A snapshot costs about
 * 3 ns an entity, and some 20 for each that moved; {@link Tracks.interpolate} costs about 2 ns an entity. Memory is `snapshots kept x 8 + 63`
 * bytes an entity, for as many as were ever in view at once, doubling. How many are kept follows from how often they come, which nobody tells:
 * the ring grows by one as long as it does not go back as far as it must.
 *
 *     snapshot   0   1   2   3        a ring; each is a column of x and one of y, indexed alike
 *                    |---*---|        * the time shown: between the two snapshots around it
 *
 * Who is told of in each of them is shown where it was. Who is told of less often, as its cell has a slower stream or found no room, is shown
 * with a lag: it takes the time for its way that it took, and is there when the next one is known.
 *
 *     snapshot   0   1   2   3   4   5   6   7   8
 *     told       a               b               c
 *     shown                  a---------------b---------------c          lag: 4 - 1 snapshots
 */
import type { EntityId } from "../kernel/types.js";
import { FieldTable } from "../protocol/fields.js";
import type { EntityListener, EntityRecord, RemoteEntity } from "../protocol/remote-entity.js";
import { Samples } from "./samples.js";

type Column = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Entities that there is room for at first. */
const CAPACITY_START = 64;
/** Units along an axis from one snapshot to the next that are a jump, to be shown as one, not as a glide. */
const JUMP_UNITS = 512;
/** Snapshots that are kept, at most: 2 s of 128 a second. */
const HISTORY_MAX = 256;
/** What is left of a lag that is not needed any more whenever its entity is told of: it goes a third faster, at most, for a second. */
const LAG_KEPT = 0.9;

export class Tracks implements EntityListener {
  /** Entities in view: indices 0 .. count-1 of the columns. An entity's index changes when another one leaves. */
  count = 0;
  ids = new Uint32Array(CAPACITY_START);
  /** Units, as of the last {@link interpolate}. */
  x = new Float32Array(CAPACITY_START);
  y = new Float32Array(CAPACITY_START);
  /** Direction of the last move, a unit vector. */
  headingX = new Float32Array(CAPACITY_START);
  headingY = new Float32Array(CAPACITY_START);
  kinds = new Uint16Array(CAPACITY_START);
  teams = new Uint8Array(CAPACITY_START);
  /** 0 idle, 1 chase, 2 attack, 3 return, 4 dead. */
  states = new Uint8Array(CAPACITY_START);
  hps = new Int32Array(CAPACITY_START);
  levels = new Uint16Array(CAPACITY_START);
  /** Counts the changes of `count`, of what is at which index, and of kinds, teams and states. */
  version = 0;
  /** Ticks that what is shown lies behind a snapshot when it comes, where that is more than to the one before; Playback measures it. */
  slackTicks = 0;
  /** As last received. */
  readonly records: EntityRecord[] = [];
  /** Columns of the ring of snapshots. */
  readonly #xs: Float32Array<ArrayBuffer>[];
  readonly #ys: Float32Array<ArrayBuffer>[];
  /** Where an entity is on its way to, and the tick at which it is shown there. */
  #toX = new Float32Array(CAPACITY_START);
  #toY = new Float32Array(CAPACITY_START);
  #toTick = new Float64Array(CAPACITY_START);
  #ticks: Float64Array;
  /** 1 where somebody comes to where it is on its way to between the snapshot before and this one, else 0. */
  #arrivals: Uint8Array;
  readonly #spanTicks: number;
  #newest = 0;
  /** Ticks before the newest snapshot of which nothing was shown yet. */
  #openTicks = 0;
  /** Every column, for moving an entity to another index. */
  #all: Column[];
  /** Objects on top of the columns, once somebody asked for them. */
  #samples: Samples | null = null;
  #table = new FieldTable();

  /** history: snapshots to keep, at least 2. spanTicks: ticks that those have to go back, else more are kept. */
  constructor(history: number, spanTicks = 0) {
    this.#spanTicks = spanTicks;
    this.#xs = Array.from({ length: history }, () => new Float32Array(CAPACITY_START));
    this.#ys = Array.from({ length: history }, () => new Float32Array(CAPACITY_START));
    this.#ticks = new Float64Array(history).fill(-1);
    this.#arrivals = new Uint8Array(history);
    this.#all = this.#columns();
  }

  reset(table: FieldTable): void {
    this.#table = table;
    this.#samples?.reset(table);
    this.#ticks.fill(-1);
    this.version++;
  }

  begin(tick: number): void {
    const last = this.#newest;
    if (tick === this.#ticks[last]) return;
    const lastTick = this.#ticks[last]!;
    this.#newest = this.#mayForgetFor(tick) ? (last + 1) % this.#ticks.length : this.#lengthen();
    this.#ticks[this.#newest] = tick;
    this.#openTicks = Math.max(tick - lastTick, this.slackTicks);
    this.#walk(last, lastTick, tick);
  }

  enter(record: EntityRecord): void {
    if (this.count === this.ids.length) this.#grow();
    const index = this.count++;
    this.records[index] = record;
    record.index = index;
    const { id, x, y, hp, kind, team, state, level } = record.entity;
    this.ids[index] = id;
    this.kinds[index] = kind;
    this.teams[index] = team;
    this.states[index] = state;
    this.hps[index] = hp;
    this.levels[index] = level;
    this.headingX[index] = 1;
    this.headingY[index] = 0;
    this.#stand(index, x, y);
    this.#samples?.enter(index, id);
    this.version++;
  }

  update({ index, entity }: EntityRecord, sinceTick: number): void {
    const { x, y, hp, kind, team, state, level } = entity;
    const dx = x - this.#toX[index]!;
    const dy = y - this.#toY[index]!;
    if (dx !== 0 || dy !== 0) {
      const length = Math.sqrt(dx * dx + dy * dy);
      this.headingX[index] = dx / length;
      this.headingY[index] = dy / length;
      if (Math.abs(dx) > JUMP_UNITS || Math.abs(dy) > JUMP_UNITS) this.#stand(index, x, y);
      else this.#go(index, x, y, this.#ticks[this.#newest]! - sinceTick);
    }
    this.hps[index] = hp;
    this.levels[index] = level;
    if (this.kinds[index] === kind && this.teams[index] === team && this.states[index] === state) return;
    this.kinds[index] = kind;
    this.teams[index] = team;
    this.states[index] = state;
    this.version++;
  }

  /** The last entity takes the index of the one that leaves. */
  leave(record: EntityRecord): void {
    const to = record.index;
    const from = --this.count;
    const moved = this.records[from]!;
    this.records[to] = moved;
    this.records.length = from;
    moved.index = to;
    for (const column of this.#all) column[to] = column[from]!;
    this.#samples?.leave(to, from);
    this.version++;
  }

  /** Works out x and y at this tick, with its fraction; before and after the snapshots kept, as at the nearest of them. */
  interpolate(tick: number): void {
    const length = this.#ticks.length;
    let b = this.#newest;
    let a = b;
    for (let steps = 1; steps < length && tick < this.#ticks[a]!; steps++) {
      const before = (a + length - 1) % length;
      if (this.#ticks[before]! < 0) break;
      b = a;
      a = before;
    }
    const span = this.#ticks[b]! - this.#ticks[a]!;
    const fraction = span > 0 ? Math.min(1, Math.max(0, (tick - this.#ticks[a]!) / span)) : 0;
    mix(this.#xs[a]!, this.#xs[b]!, fraction, this.x, this.count);
    mix(this.#ys[a]!, this.#ys[b]!, fraction, this.y, this.count);
    if (this.#arrivals[b] !== 0) this.#arrive(a, b, tick);
  }

  /** The same as objects, by id; the same map and the same objects each time, valid until the next snapshot or sample. */
  sample(tick: number): ReadonlyMap<EntityId, RemoteEntity> {
    if (this.#samples === null) {
      this.#samples = new Samples(this.#table);
      for (let index = 0; index < this.count; index++) this.#samples.enter(index, this.ids[index]!);
    }
    this.interpolate(tick);
    this.#samples.read(this.records, this.x, this.y);
    return this.#samples.byId;
  }

  /** Index of an entity, -1 when it is not in view. O(count): for what happens once a click. */
  indexOf(id: EntityId): number {
    const index = this.ids.indexOf(id);
    return index < this.count ? index : -1;
  }

  /** It was never anywhere else. */
  #stand(index: number, x: number, y: number): void {
    for (const column of this.#xs) column[index] = x;
    for (const column of this.#ys) column[index] = y;
    this.x[index] = this.#toX[index] = x;
    this.y[index] = this.#toY[index] = y;
    this.#toTick[index] = this.#ticks[this.#newest]!;
  }

  /** Who comes to where it is on its way to between the two snapshots is there then, and not at the later one. */
  #arrive(a: number, b: number, tick: number): void {
    const from = this.#ticks[a]!;
    const to = this.#ticks[b]!;
    const toTick = this.#toTick;
    for (let i = 0; i < this.count; i++) {
      const end = toTick[i]!;
      if (end <= from || end >= to) continue;
      const share = Math.min(1, Math.max(0, (tick - from) / (end - from)));
      const x = this.#xs[a]![i]!;
      const y = this.#ys[a]![i]!;
      this.x[i] = x + (this.#toX[i]! - x) * share;
      this.y[i] = y + (this.#toY[i]! - y) * share;
    }
  }

  /** Everybody goes on from the snapshot before to the newest. */
  #walk(last: number, lastTick: number, tick: number): void {
    const fromX = this.#xs[last]!;
    const fromY = this.#ys[last]!;
    const xs = this.#xs[this.#newest]!;
    const ys = this.#ys[this.#newest]!;
    const toX = this.#toX;
    const toY = this.#toY;
    const toTick = this.#toTick;
    let arrivals = 0;
    for (let i = 0; i < this.count; i++) {
      if (toTick[i]! > lastTick && toTick[i]! < tick) arrivals = 1;
      if (toTick[i]! <= tick) {
        xs[i] = toX[i]!;
        ys[i] = toY[i]!;
        continue;
      }
      const share = (tick - lastTick) / (toTick[i]! - lastTick);
      xs[i] = fromX[i]! + (toX[i]! - fromX[i]!) * share;
      ys[i] = fromY[i]! + (toY[i]! - fromY[i]!) * share;
    }
    this.#arrivals[this.#newest] = arrivals;
  }

  /** It went from where it was to here in so many ticks, and does so in what is shown, later. */
  #go(index: number, x: number, y: number, ticks: number): void {
    const tick = this.#ticks[this.#newest]!;
    const fromTick = this.#toTick[index]!;
    // What nothing was shown of yet has room before this snapshot.
    const needed = Math.max(0, ticks - this.#openTicks);
    const excess = Math.max(0, fromTick + ticks - tick - needed);
    const lag = needed + LAG_KEPT * excess;
    const toTick = tick + lag;
    // On its way still, it goes on from where it is, else from where it stands.
    if (fromTick <= tick) this.#leadFrom(index, Math.max(fromTick, toTick - ticks), x, y, toTick);
    this.#toX[index] = x;
    this.#toY[index] = y;
    this.#toTick[index] = toTick;
  }

  /** Puts it on the way from where it stood at `fromTick`, in the newest snapshot and those before it that are later than that. */
  #leadFrom(index: number, fromTick: number, x: number, y: number, toTick: number): void {
    const { length } = this.#ticks;
    const fromX = this.#toX[index]!;
    const fromY = this.#toY[index]!;
    for (let back = 0, at = this.#newest; back < length; back++, at = (at + length - 1) % length) {
      const tick = this.#ticks[at]!;
      if (back > 0 && tick <= fromTick) return;
      const share = tick < toTick ? (tick - fromTick) / (toTick - fromTick) : 1;
      this.#xs[at]![index] = fromX + (x - fromX) * share;
      this.#ys[at]![index] = fromY + (y - fromY) * share;
    }
  }

  /** Whether those kept go back far enough without the oldest. */
  #mayForgetFor(tick: number): boolean {
    const { length } = this.#ticks;
    const oldest = this.#ticks[(this.#newest + 1) % length]!;
    const second = this.#ticks[(this.#newest + 2) % length]!;
    return oldest < 0 || second <= tick - this.#spanTicks || length >= HISTORY_MAX;
  }

  /** Room for one snapshot more, between the newest and the oldest; returns where. */
  #lengthen(): number {
    const at = this.#newest + 1;
    const capacity = this.ids.length;
    this.#xs.splice(at, 0, new Float32Array(capacity));
    this.#ys.splice(at, 0, new Float32Array(capacity));
    this.#ticks = widened(this.#ticks, new Float64Array(this.#ticks.length + 1), at);
    this.#arrivals = widened(this.#arrivals, new Uint8Array(this.#arrivals.length + 1), at);
    this.#all = this.#columns();
    return at;
  }

  #columns(): Column[] {
    const { ids, x, y, headingX, headingY, kinds, teams, states, hps, levels } = this;
    const to = [this.#toX, this.#toY, this.#toTick];
    return [ids, x, y, headingX, headingY, kinds, teams, states, hps, levels, ...to, ...this.#xs, ...this.#ys];
  }

  #grow(): void {
    const capacity = 2 * this.ids.length;
    const larger = (column: Float32Array<ArrayBuffer>) => copied(column, new Float32Array(capacity));
    this.ids = copied(this.ids, new Uint32Array(capacity));
    this.x = larger(this.x);
    this.y = larger(this.y);
    this.headingX = larger(this.headingX);
    this.headingY = larger(this.headingY);
    this.kinds = copied(this.kinds, new Uint16Array(capacity));
    this.teams = copied(this.teams, new Uint8Array(capacity));
    this.states = copied(this.states, new Uint8Array(capacity));
    this.hps = copied(this.hps, new Int32Array(capacity));
    this.levels = copied(this.levels, new Uint16Array(capacity));
    this.#toX = larger(this.#toX);
    this.#toY = larger(this.#toY);
    this.#toTick = copied(this.#toTick, new Float64Array(capacity));
    for (let i = 0; i < this.#xs.length; i++) {
      this.#xs[i] = larger(this.#xs[i]!);
      this.#ys[i] = larger(this.#ys[i]!);
    }
    this.#all = this.#columns();
  }
}

function mix(a: Float32Array, b: Float32Array, fraction: number, out: Float32Array, count: number): void {
  for (let i = 0; i < count; i++) out[i] = a[i]! + (b[i]! - a[i]!) * fraction;
}

/** With a place more, at `at`. */
function widened<T extends Column>(from: T, to: T, at: number): T {
  to.set(from.subarray(0, at));
  to.set(from.subarray(at), at + 1);
  return to;
}

function copied<T extends Column>(from: T, to: T): T {
  to.set(from);
  return to;
}
