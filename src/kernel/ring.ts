/**
 * Rings in linear memory: fixed records between one producer and one reader. assembly/ring.ts draws the bytes and tells the
 * policies; either end may be here or in the kernel. Every operation is O(1), and none allocates.
 *
 * Under `refuse` the two ends may run on two threads at once, as each writes its own cursors only, atomically and after the record.
 * Under the drop policies they take turns: the producer moves the reader's cursor.
 */
import type { Command, CommandRing, EventReader, RingPolicy, ZoneEvent } from "./types.js";

/** What assembly/ring.ts exports for its readers. */
export const RING_CONSTANTS = [
  "EVENT_CRITICAL",
  "EVENT_EXTRA",
  "EVENT_SOURCE",
  "EVENT_TARGET",
  "EVENT_TICK",
  "EVENT_TYPE",
  "EVENT_VALUE",
  "EVENT_X",
  "EVENT_Y",
  "RECORD_BYTES",
  "RING_ANNOUNCED",
  "RING_CAPACITY",
  "RING_CAPACITY_MAX",
  "RING_DROPPED_LOW",
  "RING_DROPPED_OLDEST",
  "RING_DROP_LOW",
  "RING_DROP_OLDEST",
  "RING_HEAD",
  "RING_POLICY",
  "RING_RECORDS",
  "RING_REFUSE",
  "RING_REFUSED",
  "RING_TAIL",
] as const;

export type RingConstants = Readonly<Record<(typeof RING_CONSTANTS)[number], number>>;

/** The number of a policy, as ringInit takes it. */
export function policyNumber(policy: RingPolicy, constants: RingConstants): number {
  if (policy === "drop-oldest") return constants.RING_DROP_OLDEST;
  return policy === "drop-low" ? constants.RING_DROP_LOW : constants.RING_REFUSE;
}

/**
 * The ring that ringInit made at an address. Both ends: a producer calls claim, fills the record in and calls publish; a reader calls
 * front, reads the record and calls release. Where a record is, is said by its first byte's offset in `view`; -1 is none.
 */
class Ring {
  /** Records. */
  readonly capacity: number;
  protected readonly constants: RingConstants;
  /** The records. */
  protected readonly view: DataView;
  /** The header by u32 words. */
  readonly #words: Uint32Array;
  /** By place in lane 1: the tail of lane 0 when the record came. Empty when there is no lane 1. */
  readonly #before: Uint32Array;
  readonly #mask: number;
  readonly #shift: number;
  readonly #policy: number;
  readonly #tail: number;
  readonly #head: number;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, address: number, constants: RingConstants) {
    const { RING_CAPACITY, RING_POLICY, RING_RECORDS, RECORD_BYTES } = constants;
    this.constants = constants;
    this.#words = new Uint32Array(buffer, address, RING_RECORDS >>> 2);
    this.capacity = this.#word(RING_CAPACITY);
    this.#policy = this.#word(RING_POLICY);
    this.#mask = this.capacity - 1;
    this.#shift = Math.log2(RECORD_BYTES);
    this.#tail = constants.RING_TAIL >>> 2;
    this.#head = constants.RING_HEAD >>> 2;
    const lanes = this.#policy === constants.RING_DROP_LOW ? 2 : 1;
    const bytes = lanes * this.capacity * RECORD_BYTES;
    this.view = new DataView(buffer, address + RING_RECORDS, bytes);
    this.#before = new Uint32Array(buffer, address + RING_RECORDS + bytes, lanes === 2 ? this.capacity : 0);
  }

  /** Records that wait. */
  get count(): number {
    return this.#waiting(0) + this.#waiting(1);
  }

  /** Records lost since creation, by what happened to them. Modulo 2^32, as all counters. */
  get droppedOldest(): number {
    return this.#word(this.constants.RING_DROPPED_OLDEST);
  }

  /** Normal records that made room for others, and those that found only critical ones. */
  get droppedLow(): number {
    return this.#word(this.constants.RING_DROPPED_LOW);
  }

  get refused(): number {
    return this.#word(this.constants.RING_REFUSED);
  }

  /** How many were lost since this was asked last: each is told once. The reader's. */
  takeLost(): number {
    const lost = (this.droppedOldest + this.droppedLow + this.refused) >>> 0;
    const told = this.constants.RING_ANNOUNCED >>> 2;
    const fresh = (lost - (this.#words[told] ?? 0)) >>> 0;
    this.#words[told] = lost;
    return fresh;
  }

  /** Forgets what waits and all that was lost. For when neither producer nor reader is at work. */
  clear(): void {
    const { RING_DROPPED_OLDEST, RING_DROPPED_LOW, RING_REFUSED, RING_ANNOUNCED } = this.constants;
    for (const lane of [0, 1]) this.#words[this.#head + lane] = this.#words[this.#tail + lane] ?? 0;
    for (const counter of [RING_DROPPED_OLDEST, RING_DROPPED_LOW, RING_REFUSED, RING_ANNOUNCED]) {
      this.#words[counter >>> 2] = 0;
    }
  }

  /** Where the next record goes, room having been made for it by the policy; -1 when it is not taken. */
  protected claim(critical: boolean): number {
    if (this.count === this.capacity && !this.#makeRoom(critical)) return -1;
    const lane = this.#laneOf(critical);
    const place = (this.#words[this.#tail + lane] ?? 0) & this.#mask;
    if (lane === 1) this.#before[place] = this.#words[this.#tail] ?? 0;
    return (lane * this.capacity + place) << this.#shift;
  }

  /** What was claimed is there. */
  protected publish(critical: boolean): void {
    this.#advance(this.#tail + this.#laneOf(critical));
  }

  /** The record that is next in order of arrival; -1 when none waits. */
  protected front(): number {
    const head = this.#words[this.#head] ?? 0;
    const normal = this.#waiting(0) !== 0;
    if (this.#waiting(1) !== 0) {
      const place = (this.#words[this.#head + 1] ?? 0) & this.#mask;
      const cameFirst = (((this.#before[place] ?? 0) - head) | 0) <= 0;
      if (!normal || cameFirst) return (this.capacity + place) << this.#shift;
    }
    return normal ? (head & this.#mask) << this.#shift : -1;
  }

  /** Gives the place of what front said to the producer. */
  protected release(record: number): void {
    this.#advance(this.#head + (record >>> this.#shift >= this.capacity ? 1 : 0));
  }

  #makeRoom(critical: boolean): boolean {
    const { RING_REFUSE, RING_DROP_LOW, RING_REFUSED, RING_DROPPED_LOW, RING_DROPPED_OLDEST } = this.constants;
    if (this.#policy === RING_REFUSE) {
      this.#lose(RING_REFUSED);
      return false;
    }
    let lane = 0;
    if (this.#policy === RING_DROP_LOW) {
      if (this.#waiting(0) !== 0) {
        this.#lose(RING_DROPPED_LOW);
        this.#advance(this.#head);
        return true;
      }
      if (!critical) {
        this.#lose(RING_DROPPED_LOW);
        return false;
      }
      lane = 1;
    }
    this.#lose(RING_DROPPED_OLDEST);
    this.#advance(this.#head + lane);
    return true;
  }

  #laneOf(critical: boolean): number {
    return critical && this.#policy === this.constants.RING_DROP_LOW ? 1 : 0;
  }

  #waiting(lane: number): number {
    return (Atomics.load(this.#words, this.#tail + lane) - Atomics.load(this.#words, this.#head + lane)) >>> 0;
  }

  #advance(cursor: number): void {
    Atomics.store(this.#words, cursor, (this.#words[cursor] ?? 0) + 1);
  }

  #lose(counter: number): void {
    this.#words[counter >>> 2] = this.#word(counter) + 1;
  }

  #word(field: number): number {
    return this.#words[field >>> 2] ?? 0;
  }
}

/** A ring of events. */
export class EventRing extends Ring implements EventReader {
  /** False when it was not taken. As the kernel's ringPushEvent. */
  push(
    type: number,
    critical: boolean,
    tick: number,
    source: number,
    target: number,
    value: number,
    extra: number,
    x: number,
    y: number,
  ): boolean {
    const at = this.claim(critical);
    if (at < 0) return false;
    const { view, constants } = this;
    view.setUint16(at + constants.EVENT_TYPE, type, true);
    // The byte behind it is reserved.
    view.setUint16(at + constants.EVENT_CRITICAL, critical ? 1 : 0, true);
    view.setUint32(at + constants.EVENT_TICK, tick, true);
    view.setUint32(at + constants.EVENT_SOURCE, source, true);
    view.setUint32(at + constants.EVENT_TARGET, target, true);
    view.setInt32(at + constants.EVENT_VALUE, value, true);
    view.setInt32(at + constants.EVENT_EXTRA, extra, true);
    view.setFloat32(at + constants.EVENT_X, x, true);
    view.setFloat32(at + constants.EVENT_Y, y, true);
    this.publish(critical);
    return true;
  }

  next(event: ZoneEvent): boolean {
    const at = this.front();
    if (at < 0) return false;
    const { view, constants } = this;
    event.type = view.getUint16(at + constants.EVENT_TYPE, true);
    event.critical = view.getUint8(at + constants.EVENT_CRITICAL) !== 0;
    event.tick = view.getUint32(at + constants.EVENT_TICK, true);
    event.source = view.getUint32(at + constants.EVENT_SOURCE, true);
    event.target = view.getUint32(at + constants.EVENT_TARGET, true);
    event.value = view.getInt32(at + constants.EVENT_VALUE, true);
    event.extra = view.getInt32(at + constants.EVENT_EXTRA, true);
    event.x = view.getFloat32(at + constants.EVENT_X, true);
    event.y = view.getFloat32(at + constants.EVENT_Y, true);
    this.release(at);
    return true;
  }
}

/** A ring of commands: `u16 type  u16 action  u32 seat  u32 seq  u32 0  f64 dx  f64 dy`. The kernel does not read them. */
export class CommandQueue extends Ring implements CommandRing {
  /** type, action: below 65,536. */
  push(type: number, action: number, seat: number, seq: number, dx: number, dy: number): boolean {
    const at = this.claim(false);
    if (at < 0) return false;
    const { view } = this;
    view.setUint16(at, type, true);
    view.setUint16(at + 2, action, true);
    view.setUint32(at + 4, seat, true);
    view.setUint32(at + 8, seq, true);
    view.setUint32(at + 12, 0, true);
    view.setFloat64(at + 16, dx, true);
    view.setFloat64(at + 24, dy, true);
    this.publish(false);
    return true;
  }

  next(command: Command): boolean {
    const at = this.front();
    if (at < 0) return false;
    const { view } = this;
    command.type = view.getUint16(at, true);
    command.action = view.getUint16(at + 2, true);
    command.seat = view.getUint32(at + 4, true);
    command.seq = view.getUint32(at + 8, true);
    command.dx = view.getFloat64(at + 16, true);
    command.dy = view.getFloat64(at + 24, true);
    this.release(at);
    return true;
  }
}
