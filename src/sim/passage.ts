/**
 * Who wants to go out of one zone in this tick, and what the others said: the table that both sides of its gates write into. It lies in
 * a buffer that may be shared, because the zones that it is between may be run by different threads:
 *
 *     depart     the zone that they leave writes who asks, and all that goes with them
 *     receive    each zone that is asked writes its answer, a seat or a refusal
 *     settle     the zone that they leave reads the answers
 *
 * Between two phases whoever runs the zones waits until all are done, so that no field has two writers at a time. Fixed memory: 64
 * records of 1,036 bytes and an entity each, of which those are touched that are used.
 */
import type { EntityId } from "../kernel/types.js";
import { CROSSERS_PER_TICK_MAX } from "./gates.js";
import { SCHEDULED_MAX, type Scheduled } from "./schedule.js";
import { NAME_BYTES_MAX } from "./seats.js";

/** Answers that are no seat: not let in; not in this tick, as too many came; let in, without a seat as it came without one. */
export const REFUSED = -1;
export const LATER = -2;
export const ADMITTED = -3;

/** In place of a seat of one without a player, and of a zone that there is none of. */
const NONE = -1;

/** The table's first words. */
const TICK = 0;
const COUNT = 1;
const HEAD_BYTES = 64;

/** The words of a record; its name, its scheduled inputs and its entity's bytes follow. */
const CROSSER = 0;
const GATE = 1;
const TO = 2;
const SEAT = 3;
const ANSWER = 4;
const ID = 5;
const ACK = 6;
const TAG = 7;
const FLAGS = 8;
const NAME_SIZE = 9;
const INPUTS = 10;
const RECORD_WORDS = 11;
const NAME_AT = 4 * RECORD_WORDS;
const INPUTS_AT = NAME_AT + NAME_BYTES_MAX;
/** u32 tick, u32 seq, f64 dx, f64 dy, u32 action */
const INPUT_BYTES = 28;
const ENTITY_AT = INPUTS_AT + SCHEDULED_MAX * INPUT_BYTES;

const BOT = 1;
/** Its player left while its zone was at work, and nobody there has heard of it. */
const LEFT = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** One who asks. */
export interface Crosser {
  /** Its place among its zone's crossers. */
  readonly index: number;
  readonly gate: number;
  /** The index of the zone that it wants to go to; -1 when there is no such zone. */
  readonly to: number;
  readonly id: EntityId;
  /** -1 for one without a player, and then the rest means nothing. */
  readonly seat: number;
  readonly name: string;
  readonly isBot: boolean;
  readonly hasLeft: boolean;
  readonly ack: number;
  readonly tag: number;
}

export class Passage {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #recordBytes: number;
  readonly #input: Scheduled = { tick: 0, seq: 0, dx: 0, dy: 0, action: 0 };

  /** Bytes for a zone whose entities take so many on their way. */
  static bytesOf(entityBytes: number): number {
    return HEAD_BYTES + CROSSERS_PER_TICK_MAX * recordBytes(entityBytes);
  }

  constructor(entityBytes: number, buffer: ArrayBufferLike = new ArrayBuffer(Passage.bytesOf(entityBytes)), at = 0) {
    const size = Passage.bytesOf(entityBytes);
    this.#recordBytes = recordBytes(entityBytes);
    this.#words = new Int32Array(buffer, at, size >>> 2);
    this.#bytes = new Uint8Array(buffer, at, size);
    this.#view = new DataView(buffer, at, size);
  }

  /** Begins the table of this tick. */
  begin(tick: number): void {
    this.#words[TICK] = tick | 0;
    this.#words[COUNT] = 0;
  }

  /** How many ask in this tick. */
  count(tick: number): number {
    return this.#words[TICK] === (tick | 0) ? (this.#words[COUNT] ?? 0) : 0;
  }

  /** Where the next one's entity goes: add follows, unless nobody came of it. There is room for all crossers of a tick. */
  get nextEntity(): Uint8Array {
    return this.entity(this.#words[COUNT] ?? 0);
  }

  /** Puts one in, whose entity was written to nextEntity. Nobody has answered it: as long as nobody does, it is LATER. */
  add({ index, gate, to, id, seat, name, isBot, hasLeft, ack, tag }: Crosser): void {
    const record = this.#words[COUNT] ?? 0;
    const at = this.#at(record);
    const words = this.#words;
    words[at + CROSSER] = index;
    words[at + GATE] = gate;
    words[at + TO] = to;
    words[at + SEAT] = seat;
    words[at + ANSWER] = to === NONE ? REFUSED : LATER;
    words[at + ID] = id;
    words[at + ACK] = ack;
    words[at + TAG] = tag;
    words[at + FLAGS] = (isBot ? BOT : 0) | (hasLeft ? LEFT : 0);
    const start = 4 * at + NAME_AT;
    words[at + NAME_SIZE] = encoder.encodeInto(name, this.#bytes.subarray(start, start + NAME_BYTES_MAX)).written;
    words[at + INPUTS] = 0;
    words[COUNT] = record + 1;
  }

  /** An input of the one that was put in last, which waits for its tick: at most SCHEDULED_MAX. */
  addInput({ tick, seq, dx, dy, action }: Readonly<Scheduled>): void {
    const record = (this.#words[COUNT] ?? 0) - 1;
    const at = this.#inputAt(record, this.inputs(record));
    this.#view.setUint32(at, tick, true);
    this.#view.setUint32(at + 4, seq, true);
    this.#view.setFloat64(at + 8, dx, true);
    this.#view.setFloat64(at + 16, dy, true);
    this.#view.setUint32(at + 24, action, true);
    this.#words[this.#at(record) + INPUTS]!++;
  }

  /** How many such inputs go with it. */
  inputs(record: number): number {
    return this.#words[this.#at(record) + INPUTS] ?? 0;
  }

  /** One of them; the same object each time. */
  input(record: number, index: number): Readonly<Scheduled> {
    const at = this.#inputAt(record, index);
    this.#input.tick = this.#view.getUint32(at, true);
    this.#input.seq = this.#view.getUint32(at + 4, true);
    this.#input.dx = this.#view.getFloat64(at + 8, true);
    this.#input.dy = this.#view.getFloat64(at + 16, true);
    this.#input.action = this.#view.getUint32(at + 24, true);
    return this.#input;
  }

  crosser(record: number): number {
    return this.#words[this.#at(record) + CROSSER] ?? 0;
  }

  gate(record: number): number {
    return this.#words[this.#at(record) + GATE] ?? 0;
  }

  to(record: number): number {
    return this.#words[this.#at(record) + TO] ?? NONE;
  }

  id(record: number): EntityId {
    return (this.#words[this.#at(record) + ID] ?? 0) >>> 0;
  }

  seat(record: number): number {
    return this.#words[this.#at(record) + SEAT] ?? NONE;
  }

  ack(record: number): number {
    return (this.#words[this.#at(record) + ACK] ?? 0) >>> 0;
  }

  /** See {@link World.tags}. */
  tag(record: number): number {
    return (this.#words[this.#at(record) + TAG] ?? 0) >>> 0;
  }

  isBot(record: number): boolean {
    return ((this.#words[this.#at(record) + FLAGS] ?? 0) & BOT) !== 0;
  }

  hasLeft(record: number): boolean {
    return ((this.#words[this.#at(record) + FLAGS] ?? 0) & LEFT) !== 0;
  }

  name(record: number): string {
    const at = this.#at(record);
    const start = 4 * at + NAME_AT;
    // A copy: what is shared cannot be decoded.
    return decoder.decode(this.#bytes.slice(start, start + (this.#words[at + NAME_SIZE] ?? 0)));
  }

  /** What extract wrote. */
  entity(record: number): Uint8Array {
    const start = HEAD_BYTES + record * this.#recordBytes + ENTITY_AT;
    return this.#bytes.subarray(start, HEAD_BYTES + (record + 1) * this.#recordBytes);
  }

  /** A seat, or one of the answers above. */
  answer(record: number): number {
    return this.#words[this.#at(record) + ANSWER] ?? LATER;
  }

  setAnswer(record: number, answer: number): void {
    this.#words[this.#at(record) + ANSWER] = answer;
  }

  #inputAt(record: number, index: number): number {
    return HEAD_BYTES + record * this.#recordBytes + INPUTS_AT + index * INPUT_BYTES;
  }

  #at(record: number): number {
    return (HEAD_BYTES + record * this.#recordBytes) >>> 2;
  }
}

function recordBytes(entityBytes: number): number {
  return ENTITY_AT + entityBytes;
}
