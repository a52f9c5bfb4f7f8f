/**
 * What zones tell of players and to them, as bytes from a slot to the main thread. All that a slot tells in a tick can be read at once, when
 * it is done with the tick: the last is its END.
 *
 *     0 u8 kind   1 u8 bytes of the name   2 u16 zone   4 u32 player, or tick
 *     8 u32 hops   12 u32 tick   16 u32 entity   20 u32 seat                     ENTER, POSSESS (seat 0), MOVED (up to hops)
 *     8 u32 seq                                                                 INPUT_REFUSED
 *     8 u16 code   10 u16 size   12 text                                        REFUSED, STOPPED (player 0)
 *     8 u32 size   12 u16 near   14 u16 bodiless   16 f64 x, y, radius   40 u32 players near, then bodiless; the name; JSON   TELL
 *     8 i32 tick   12 i32 before   16 u32 patches   20 u32 their bytes
 *     24 u32 events   28 u32 their bytes   32 the patches, the events           STATE (1 u8 kind of note and 16 times its format)
 *     8 u32 tells that were lost   12 u32 entities that went through gates      END (tick)
 *
 * All words little-endian. What is lost when the main thread does not read: first what games tell, their state and inputs that were refused, for which a
 * quarter of the ring is closed. When the rest of that is full too, the slot says so in a word of its own and tells nothing any more, until the main
 * thread has closed all sessions and cleared the word: whoever was not told of cannot be served.
 */
import { ERROR_CODES, type ErrorCode, GyreError } from "../errors.js";
import type { EntityId } from "../kernel/types.js";
import { SEATS_MAX } from "../sim/seats.js";
import { NO_SEAT, type StateNote } from "../state/feed.js";
import { type Items, NO_ITEMS } from "../state/frames.js";
import type { Memory } from "../sync/memory.js";
import type { MessageRing } from "../sync/messages.js";
import { BYTES_PER_UNIT_MAX, bytesOf, readText, writeText } from "./texts.js";

/** Bytes of a slot's ring of notices. */
export const NOTICE_RING_BYTES = 1 << 20;
/** UTF-16 units of an error's message that are told on; a stack is longer. */
const MESSAGE_LENGTH_MAX = 4096;
/** A notice's player where it is for all. */
export const EVERYBODY = 0;

const ENTER = 1;
const POSSESS = 2;
const MOVED = 3;
const REFUSED = 4;
const INPUT_REFUSED = 5;
const TELL = 6;
const STOPPED = 7;
const END = 8;
const STATE = 9;

const ERROR_AT = 12;
const TELL_AT = 40;
const STATE_AT = 32;

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** What a game tells: the same object each time, valid during the call. */
export interface ToldTell {
  name: string;
  /** As JSON text. */
  data: string;
  x: number;
  y: number;
  /** Infinity for everybody in the zone. */
  radius: number;
  /** For a radius: players whose entity is within, and behind them those who have none, as many as the counts say. */
  readonly listed: Uint32Array;
  near: number;
  bodiless: number;
}

/** For up to so many seats. */
export function emptyTell(seats: number): ToldTell {
  return { name: "", data: "", x: 0, y: 0, radius: 0, listed: new Uint32Array(seats), near: 0, bodiless: 0 };
}

/** What a zone tells, by its index and the id of the player. */
export interface ZoneNotices {
  /** tick: of the zone when it happened. hops: gates that the player had gone through by then. */
  enter(zone: number, id: number, hops: number, tick: number, entity: EntityId, seat: number): void;
  possess(zone: number, id: number, hops: number, tick: number, entity: EntityId): void;
  /** Into the zone. */
  moved(zone: number, id: number, hops: number): void;
  refused(zone: number, id: number, error: GyreError): void;
  inputRefused(zone: number, id: number, seq: number): void;
  /** id: EVERYBODY for all who are within the radius. */
  tell(zone: number, id: number, tell: Readonly<ToldTell>): void;
  /** id: EVERYBODY for a note without a seat. False: it is lost. */
  state(zone: number, id: number, note: Readonly<StateNote>): boolean;
  stopped(zone: number, error: GyreError): void;
}

/** And what a slot tells, last in each tick. */
export interface Notices extends ZoneNotices {
  /** lost: tells, and moved: entities that went through gates, since the last time. */
  end(tick: number, lost: number, moved: number): void;
}

export class NoticeWriter implements ZoneNotices {
  readonly #ring: MessageRing;
  readonly #bytes: Buffer<Memory>;
  readonly #overruns: Int32Array;
  readonly #slot: number;
  readonly #closed: number;
  /** Nothing can be told until the main thread has heard of it. */
  #isOverrun: boolean;
  #lost = 0;

  /** overruns: by slot, 1 when notices were lost that may not be. */
  constructor(ring: MessageRing, overruns: Int32Array, slot: number) {
    this.#ring = ring;
    this.#bytes = bytesOf(ring.view);
    this.#overruns = overruns;
    this.#slot = slot;
    this.#closed = ring.capacity / 4;
    this.#isOverrun = Atomics.load(overruns, slot) !== 0;
  }

  /** How far it has told: see forgetSince. */
  get mark(): number {
    return this.#ring.mark;
  }

  /** Nothing was told since, which is in this tick. */
  forgetSince(mark: number): void {
    this.#ring.rewind(mark);
  }

  enter(zone: number, id: number, hops: number, tick: number, entity: EntityId, seat: number): void {
    this.#body(ENTER, zone, id, hops, tick, entity, seat);
  }

  possess(zone: number, id: number, hops: number, tick: number, entity: EntityId): void {
    this.#body(POSSESS, zone, id, hops, tick, entity, 0);
  }

  moved(zone: number, id: number, hops: number): void {
    const at = this.#begin(MOVED, 12, zone, id);
    if (at < 0) return;
    this.#ring.view.setUint32(at + 8, hops, true);
    this.#ring.end(12);
  }

  refused(zone: number, id: number, error: GyreError): void {
    this.#error(REFUSED, zone, id, error);
  }

  inputRefused(zone: number, id: number, seq: number): void {
    const at = this.#begin(INPUT_REFUSED, 12, zone, id, this.#closed);
    if (at < 0) return;
    this.#ring.view.setUint32(at + 8, seq, true);
    this.#ring.end(12);
  }

  tell(zone: number, id: number, tell: Readonly<ToldTell>): void {
    const { name, data, x, y, radius, listed, near, bodiless } = tell;
    const count = near + bodiless;
    const textMax = BYTES_PER_UNIT_MAX * (name.length + data.length);
    const sizeMax = TELL_AT + 4 * count + textMax;
    const at = sizeMax > this.#ring.sizeMax ? -1 : this.#begin(TELL, sizeMax, zone, id, this.#closed);
    if (at < 0) {
      this.#lost++;
      return;
    }
    const { view } = this.#ring;
    view.setUint16(at + 12, near, true);
    view.setUint16(at + 14, bodiless, true);
    view.setFloat64(at + 16, x, true);
    view.setFloat64(at + 24, y, true);
    view.setFloat64(at + 32, radius, true);
    for (let i = 0; i < count; i++) view.setUint32(at + TELL_AT + 4 * i, listed[i] ?? 0, true);
    const nameAt = at + TELL_AT + 4 * count;
    const nameSize = writeText(this.#bytes, nameAt, name, textMax);
    const size = writeText(this.#bytes, nameAt + nameSize, data, textMax - nameSize);
    view.setUint8(at + 1, nameSize);
    view.setUint32(at + 8, size, true);
    this.#ring.end(nameAt + nameSize + size - at);
  }

  state(zone: number, id: number, note: Readonly<StateNote>): boolean {
    const { patches, events } = note;
    const size = STATE_AT + patches.bytes.length + events.bytes.length;
    const at = size > this.#ring.sizeMax ? -1 : this.#begin(STATE, size, zone, id, this.#closed);
    if (at < 0) return false;
    const { view } = this.#ring;
    view.setUint8(at + 1, note.kind | (note.format << 4));
    view.setInt32(at + 8, note.tick, true);
    view.setInt32(at + 12, note.before, true);
    view.setUint32(at + 16, patches.count, true);
    view.setUint32(at + 20, patches.bytes.length, true);
    view.setUint32(at + 24, events.count, true);
    view.setUint32(at + 28, events.bytes.length, true);
    this.#bytes.set(patches.bytes, at + STATE_AT);
    this.#bytes.set(events.bytes, at + STATE_AT + patches.bytes.length);
    this.#ring.end(size);
    return true;
  }

  stopped(zone: number, error: GyreError): void {
    this.#error(STOPPED, zone, EVERYBODY, error);
  }

  /** What was told since the last time can be read from now on. */
  end(tick: number, moved: number): void {
    const at = this.#begin(END, 16, 0, tick);
    if (at >= 0) {
      this.#ring.view.setUint32(at + 8, this.#lost, true);
      this.#ring.view.setUint32(at + 12, moved, true);
      this.#ring.end(16);
      this.#lost = 0;
    }
    this.#ring.commit();
  }

  #body(kind: number, zone: number, id: number, hops: number, tick: number, entity: EntityId, seat: number): void {
    const at = this.#begin(kind, 24, zone, id);
    if (at < 0) return;
    const { view } = this.#ring;
    view.setUint32(at + 8, hops, true);
    view.setUint32(at + 12, tick, true);
    view.setUint32(at + 16, entity, true);
    view.setUint32(at + 20, seat, true);
    this.#ring.end(24);
  }

  #error(kind: number, zone: number, id: number, { code, message }: GyreError): void {
    const text = message.slice(0, MESSAGE_LENGTH_MAX);
    const sizeMax = BYTES_PER_UNIT_MAX * text.length;
    const at = this.#begin(kind, ERROR_AT + sizeMax, zone, id);
    if (at < 0) return;
    const size = writeText(this.#bytes, at + ERROR_AT, text, sizeMax);
    this.#ring.view.setUint16(at + 8, CODES.indexOf(code), true);
    this.#ring.view.setUint16(at + 10, size, true);
    this.#ring.end(ERROR_AT + size);
  }

  /** reserve: bytes that it may not use, for what may be lost. -1: it is lost. */
  #begin(kind: number, size: number, zone: number, id: number, reserve = 0): number {
    if (this.#isOverrun && !this.#isHeard()) return -1;
    const at = this.#ring.begin(size, reserve);
    if (at < 0) {
      if (reserve === 0) this.#overrun();
      return -1;
    }
    const { view } = this.#ring;
    view.setUint16(at, kind, true);
    view.setUint16(at + 2, zone, true);
    view.setUint32(at + 4, id, true);
    return at;
  }

  #overrun(): void {
    this.#isOverrun = true;
    Atomics.store(this.#overruns, this.#slot, 1);
  }

  #isHeard(): boolean {
    this.#isOverrun = Atomics.load(this.#overruns, this.#slot) !== 0;
    return !this.#isOverrun;
  }
}

/** Tells what is in a ring. */
export class NoticeReader {
  readonly #ring: MessageRing;
  readonly #bytes: Buffer<Memory>;
  readonly #tell = emptyTell(SEATS_MAX);
  readonly #note: StateNote = {
    ...{ kind: 0, format: 0, seat: NO_SEAT, tick: 0, before: 0 },
    ...{ patches: NO_ITEMS, events: NO_ITEMS },
  };

  constructor(ring: MessageRing) {
    this.#ring = ring;
    this.#bytes = bytesOf(ring.view);
  }

  /** Whether there is something to read. */
  get waits(): boolean {
    return this.#ring.next() >= 0;
  }

  /** The next notice, which is gone after. False when there is none. */
  read(to: Notices): boolean {
    const at = this.#ring.next();
    if (at < 0) return false;
    this.#read(at, to);
    this.#ring.release();
    return true;
  }

  /** Forgets all that waits. */
  clear(): void {
    while (this.#ring.next() >= 0) this.#ring.release();
  }

  #read(at: number, to: Notices): void {
    const { view } = this.#ring;
    const word = (offset: number): number => view.getUint32(at + offset, true);
    const zone = view.getUint16(at + 2, true);
    const id = word(4);
    const kind = view.getUint8(at);
    if (kind === ENTER) to.enter(zone, id, word(8), word(12), word(16), word(20));
    else if (kind === POSSESS) to.possess(zone, id, word(8), word(12), word(16));
    else if (kind === MOVED) to.moved(zone, id, word(8));
    else if (kind === REFUSED) to.refused(zone, id, this.#errorAt(at));
    else if (kind === INPUT_REFUSED) to.inputRefused(zone, id, word(8));
    else if (kind === TELL) to.tell(zone, id, this.#tellAt(at));
    else if (kind === STATE) to.state(zone, id, this.#noteAt(at, id));
    else if (kind === STOPPED) to.stopped(zone, this.#errorAt(at));
    else if (kind === END) to.end(id, word(8), word(12));
  }

  #errorAt(at: number): GyreError {
    const { view } = this.#ring;
    const code = CODES[view.getUint16(at + 8, true)] ?? "GAME_FAILED";
    return new GyreError(code, readText(this.#bytes, at + ERROR_AT, view.getUint16(at + 10, true)));
  }

  #noteAt(at: number, id: number): StateNote {
    const { view } = this.#ring;
    const note = this.#note;
    const items = (from: number, counts: number): Items => {
      const size = view.getUint32(counts + 4, true);
      return { count: view.getUint32(counts, true), bytes: this.#bytes.subarray(from, from + size) };
    };
    note.kind = view.getUint8(at + 1) & 15;
    note.format = view.getUint8(at + 1) >>> 4;
    note.seat = id === EVERYBODY ? NO_SEAT : id;
    note.tick = view.getInt32(at + 8, true);
    note.before = view.getInt32(at + 12, true);
    note.patches = items(at + STATE_AT, at + 16);
    note.events = items(at + STATE_AT + note.patches.bytes.length, at + 24);
    return note;
  }

  #tellAt(at: number): ToldTell {
    const { view } = this.#ring;
    const tell = this.#tell;
    tell.near = view.getUint16(at + 12, true);
    tell.bodiless = view.getUint16(at + 14, true);
    tell.x = view.getFloat64(at + 16, true);
    tell.y = view.getFloat64(at + 24, true);
    tell.radius = view.getFloat64(at + 32, true);
    const count = tell.near + tell.bodiless;
    for (let i = 0; i < count; i++) tell.listed[i] = view.getUint32(at + TELL_AT + 4 * i, true);
    const nameAt = at + TELL_AT + 4 * count;
    const nameSize = view.getUint8(at + 1);
    tell.name = readText(this.#bytes, nameAt, nameSize);
    tell.data = readText(this.#bytes, nameAt + nameSize, view.getUint32(at + 8, true));
    return tell;
  }
}
