/**
 * What a recording must hold of the zones at home in a slot, as bytes from the slot to the main thread: a ring of its own beside the notices,
 * so that a recording that cannot be kept up with costs nothing else. All of a tick can be read at once, when the slot is done with it.
 *
 *     0 u8 kind   1 u8 bytes of the name   2 u16 zone   4 u32 tick
 *     8 u16 type   10 u16 action   12 u32 seat   16 u32 seq   24 f64 dx, dy   40 the name       COMMAND
 *     8 u32 asker, by its place among the zone's crossers                                      TURNED_BACK after the tick
 *     8 u32 tick, the last                                                                     HELD from the tick on: no step
 *     8 u32 1: it is awake                                                                     RELEASED: it has left the slot before the tick
 *                                                                                              ADOPTED: it is here since before the tick
 *     8 u32 size   12 text                                                                     STOPPED in the tick
 *     8 u64 hash   16 u32 parts   20 u32 0   24 u64 each                                       DIGEST after the tick
 *
 * All words little-endian. 48 bytes of a ring for an input, with the ring's own 8. When the ring is full the slot says so in a shared word and
 * records nothing any more, and the recording ends. Nothing is allocated for a command.
 */
import type { Command } from "../kernel/types.js";
import { REASON_SIZE_MAX } from "../sim/recording.js";
import type { Memory } from "../sync/memory.js";
import { MessageRing } from "../sync/messages.js";
import { BYTES_PER_UNIT_MAX, bytesOf, readText, writeText } from "./texts.js";

/** Bytes of a slot's ring: more than a second of 1,000 players, which a slot that is late may make the others wait. */
const TAPE_BYTES = 4 * 1024 * 1024;

const COMMAND = 1;
const TURNED_BACK = 2;
const HELD = 3;
const RELEASED = 4;
const ADOPTED = 5;
const STOPPED = 6;
const DIGEST = 7;

const COMMAND_BYTES = 40;
const TEXT_AT = 12;
const PARTS_AT = 24;

// Shared words.
const ENDED = 0;
const LAST = 1;
const OVERRUN = 2;

/** What is told of zones, by their index. */
export interface Told {
  /** name: of who joins. */
  command(zone: number, tick: number, command: Readonly<Command>, name: string): void;
  turnedBack(zone: number, tick: number, asker: number): void;
  held(zone: number, from: number, to: number): void;
  released(zone: number, tick: number, isAwake: boolean): void;
  adopted(zone: number, tick: number): void;
  stopped(zone: number, tick: number, reason: string): void;
  digest(zone: number, tick: number, hash: bigint, parts: readonly bigint[]): void;
}

/** Passes through postMessage. */
export interface TapeParts {
  readonly words: SharedArrayBuffer;
  /** By slot. */
  readonly rings: readonly SharedArrayBuffer[];
}

export function makeTapes(slots: number, bytes = TAPE_BYTES): TapeParts {
  const rings = Array.from({ length: slots }, () => {
    const buffer = new SharedArrayBuffer(MessageRing.bytesOf(bytes));
    MessageRing.init(buffer, 0, bytes);
    return buffer;
  });
  return { words: new SharedArrayBuffer(4 * (OVERRUN + slots)), rings };
}

/** What all threads know of a recording. */
export class TapeState {
  readonly #words: Int32Array;

  constructor({ words }: TapeParts) {
    this.#words = new Int32Array(words);
  }

  /** Nobody records any more: the main thread's word. */
  get isEnded(): boolean {
    return Atomics.load(this.#words, ENDED) !== 0;
  }

  end(): void {
    Atomics.store(this.#words, ENDED, 1);
  }

  /** The tick of a checkpoint beside the regular ones; 0 for none. The main thread's word. */
  get last(): number {
    return Atomics.load(this.#words, LAST);
  }

  set last(tick: number) {
    Atomics.store(this.#words, LAST, tick);
  }

  /** Whether the slot found no room. */
  isOverrun(slot: number): boolean {
    return Atomics.load(this.#words, OVERRUN + slot) !== 0;
  }

  overrun(slot: number): void {
    Atomics.store(this.#words, OVERRUN + slot, 1);
  }
}

export class TapeWriter implements Told {
  readonly #ring: MessageRing;
  readonly #bytes: Buffer<Memory>;
  readonly #state: TapeState;
  readonly #slot: number;
  /** Something is missing: nothing more is told. */
  #isOverrun = false;

  constructor(parts: TapeParts, slot: number) {
    this.#ring = new MessageRing(parts.rings[slot] ?? new SharedArrayBuffer(0), 0);
    this.#bytes = bytesOf(this.#ring.view);
    this.#state = new TapeState(parts);
    this.#slot = slot;
  }

  /** How far it has told: see forgetSince. */
  get mark(): number {
    return this.#ring.mark;
  }

  /** Nothing was told since, which is in this tick. */
  forgetSince(mark: number): void {
    this.#ring.rewind(mark);
  }

  /** What was told can be read from now on. */
  commit(): void {
    this.#ring.commit();
  }

  command(zone: number, tick: number, command: Readonly<Command>, name: string): void {
    const { type, action, seat, seq, dx, dy } = command;
    const sizeMax = COMMAND_BYTES + BYTES_PER_UNIT_MAX * name.length;
    const at = this.#begin(COMMAND, sizeMax, zone, tick);
    if (at < 0) return;
    const { view } = this.#ring;
    view.setUint16(at + 8, type, true);
    view.setUint16(at + 10, action, true);
    view.setUint32(at + 12, seat, true);
    view.setUint32(at + 16, seq, true);
    view.setFloat64(at + 24, dx, true);
    view.setFloat64(at + 32, dy, true);
    const size = name === "" ? 0 : writeText(this.#bytes, at + COMMAND_BYTES, name, sizeMax - COMMAND_BYTES);
    view.setUint8(at + 1, size);
    this.#ring.end(COMMAND_BYTES + size);
  }

  turnedBack(zone: number, tick: number, asker: number): void {
    this.#number(TURNED_BACK, zone, tick, asker);
  }

  held(zone: number, from: number, to: number): void {
    this.#number(HELD, zone, from, to);
  }

  released(zone: number, tick: number, isAwake: boolean): void {
    this.#number(RELEASED, zone, tick, isAwake ? 1 : 0);
  }

  adopted(zone: number, tick: number): void {
    this.#number(ADOPTED, zone, tick, 0);
  }

  stopped(zone: number, tick: number, reason: string): void {
    const text = reason.slice(0, REASON_SIZE_MAX);
    const sizeMax = BYTES_PER_UNIT_MAX * text.length;
    const at = this.#begin(STOPPED, TEXT_AT + sizeMax, zone, tick);
    if (at < 0) return;
    const size = writeText(this.#bytes, at + TEXT_AT, text, sizeMax);
    this.#ring.view.setUint32(at + 8, size, true);
    this.#ring.end(TEXT_AT + size);
  }

  digest(zone: number, tick: number, hash: bigint, parts: readonly bigint[]): void {
    const size = PARTS_AT + 8 * parts.length;
    const at = this.#begin(DIGEST, size, zone, tick);
    if (at < 0) return;
    const { view } = this.#ring;
    view.setBigUint64(at + 8, hash, true);
    view.setUint32(at + 16, parts.length, true);
    for (const [i, part] of parts.entries()) view.setBigUint64(at + PARTS_AT + 8 * i, part, true);
    this.#ring.end(size);
  }

  #number(kind: number, zone: number, tick: number, value: number): void {
    const at = this.#begin(kind, 12, zone, tick);
    if (at < 0) return;
    this.#ring.view.setUint32(at + 8, value, true);
    this.#ring.end(12);
  }

  /** -1: there is no room, and the recording ends. */
  #begin(kind: number, size: number, zone: number, tick: number): number {
    const at = this.#isOverrun || size > this.#ring.sizeMax ? -1 : this.#ring.begin(size);
    if (at < 0) {
      this.#isOverrun = true;
      this.#state.overrun(this.#slot);
      return -1;
    }
    const { view } = this.#ring;
    view.setUint16(at, kind, true);
    view.setUint16(at + 2, zone, true);
    view.setUint32(at + 4, tick, true);
    return at;
  }
}

export class TapeReader {
  readonly #ring: MessageRing;
  readonly #bytes: Buffer<Memory>;
  readonly #command: Command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };

  constructor({ rings }: TapeParts, slot: number) {
    this.#ring = new MessageRing(rings[slot] ?? new SharedArrayBuffer(0), 0);
    this.#bytes = bytesOf(this.#ring.view);
  }

  /** Tells all up to this tick. */
  read(tick: number, to: Told): void {
    const { view } = this.#ring;
    for (let at = this.#ring.next(); at >= 0 && view.getUint32(at + 4, true) <= tick; at = this.#ring.next()) {
      this.#read(at, to);
      this.#ring.release();
    }
  }

  #read(at: number, to: Told): void {
    const { view } = this.#ring;
    const word = (offset: number): number => view.getUint32(at + offset, true);
    const kind = view.getUint8(at);
    const zone = view.getUint16(at + 2, true);
    const tick = word(4);
    if (kind === COMMAND) to.command(zone, tick, this.#commandAt(at), this.#nameAt(at));
    else if (kind === TURNED_BACK) to.turnedBack(zone, tick, word(8));
    else if (kind === HELD) to.held(zone, tick, word(8));
    else if (kind === RELEASED) to.released(zone, tick, word(8) === 1);
    else if (kind === ADOPTED) to.adopted(zone, tick);
    else if (kind === STOPPED) to.stopped(zone, tick, readText(this.#bytes, at + TEXT_AT, word(8)));
    else to.digest(zone, tick, view.getBigUint64(at + 8, true), this.#partsAt(at, word(16)));
  }

  #commandAt(at: number): Command {
    const { view } = this.#ring;
    const command = this.#command;
    command.type = view.getUint16(at + 8, true);
    command.action = view.getUint16(at + 10, true);
    command.seat = view.getUint32(at + 12, true);
    command.seq = view.getUint32(at + 16, true);
    command.dx = view.getFloat64(at + 24, true);
    command.dy = view.getFloat64(at + 32, true);
    return command;
  }

  #nameAt(at: number): string {
    const size = this.#ring.view.getUint8(at + 1);
    return size === 0 ? "" : readText(this.#bytes, at + COMMAND_BYTES, size);
  }

  #partsAt(at: number, count: number): bigint[] {
    return Array.from({ length: count }, (_, i) => this.#ring.view.getBigUint64(at + PARTS_AT + 8 * i, true));
  }
}
