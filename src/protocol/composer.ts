/**
 * Composes the frames of one zone's sessions out of its replica: a head, what the session's own entity is, and the blocks of the cells that it
 * sees, copied. A round is what is told at a time: the newest snapshots, of one tick, of the streams that have one.
 *
 *     beginRound(tick, ...)      at most once per snapshot of each stream
 *       compose(view, ...)       per session, at once or spread over the following ticks: O(cells + bytes)
 *
 * What does not fit a session's bytes waits: cells go in order of (1 + frames waited) / (1 + distance), the first one in any case. A steady
 * state allocates nothing: buffers grow, and views of lists are made, when they are needed first.
 */
import { OWN_COLUMNS } from "../kernel/own-columns.js";
import type { Replica } from "../kernel/replica.js";
import { NORMAL, STREAM_COUNT } from "../kernel/streams.js";
import type { EntityId } from "../kernel/types.js";
import { type FieldTable, HP, LEVEL } from "./fields.js";
import {
  FRAME_SNAPSHOT,
  HAS_ACK,
  HAS_FORGOTTEN,
  HAS_OWN,
  HAS_YOU,
  OWN_FIELDS,
  VARINT_BYTES_MAX,
  varintSize,
  writeVarint,
  zigzag,
} from "./frame.js";
import { FRAME_AT, type FrameBuffer } from "./frame-buffer.js";
import type { InterestGrid } from "./interest.js";
import { ageOf, VIEW_CELLS_MAX, type View } from "./view.js";

/** An EntityId is `slot << 12 | generation`. */
const GENERATION_BITS = 12;
/** Words of what a player is told of its entity that lie with its seat: those of OWN_COLUMNS but the id. */
const SEAT_WORDS = OWN_COLUMNS.length - 1;
/** Bytes of a frame before its blocks, but for the forgotten cells. */
const HEAD_BYTES_MAX = 2 + 3 * VARINT_BYTES_MAX + VARINT_BYTES_MAX * (OWN_FIELDS.length + 2);
/** Priorities are whole numbers below this, so that one packs with a cell's index into a u32. */
const PRIORITY_SPAN = 2 ** 22;
const INDEX_BITS = 10;
/** Frames waited that count: a cell that has waited so long is the first, wherever it is. */
const WAITS_MAX = 255;

/** Bytes that were composed. */
export interface Tally {
  /** Of blocks, by stream. */
  readonly blockBytes: Float64Array;
  /** Of frames beside their blocks. */
  headBytes: number;
}

function emptyTally(): Tally {
  return { blockBytes: new Float64Array(STREAM_COUNT), headBytes: 0 };
}

export class Composer {
  readonly replica: Replica;
  readonly grid: InterestGrid;
  readonly table: FieldTable;
  /** Of the round. */
  tick = 0;
  /** Bit s: stream s has a snapshot in this round. */
  due = 0;
  #isBegun = false;
  /** By stream, its snapshot in this round or the last one before. */
  readonly sequences = new Uint32Array(STREAM_COUNT);
  /** The generation that sessions' own entities are told of. */
  generation = 0;
  readonly #tally: Tally;

  // Of the frame that is being composed: cells with something to tell, ascending.
  #count = 0;
  readonly #index = new Uint16Array(VIEW_CELLS_MAX);
  readonly #cell = new Uint32Array(VIEW_CELLS_MAX);
  readonly #at = new Uint32Array(VIEW_CELLS_MAX);
  readonly #size = new Uint32Array(VIEW_CELLS_MAX);
  readonly #isTold = new Uint8Array(VIEW_CELLS_MAX);
  readonly #order = new Uint32Array(VIEW_CELLS_MAX);
  /** Its beginnings, by length, as they were needed. */
  readonly #orders: (Uint32Array | undefined)[] = [];
  #oldest = new Uint32Array(STREAM_COUNT);
  readonly #found = new Uint32Array(STREAM_COUNT);
  /** Bit s: stream s had news in the last round, of an earlier tick than its own. */
  #passed = 0;
  /** What the view's last frame said, for when this one is not sent. */
  readonly #own = new Uint32Array(OWN_FIELDS.length);

  constructor(replica: Replica, grid: InterestGrid, table: FieldTable, tally: Tally = emptyTally()) {
    this.#tally = tally;
    this.replica = replica;
    this.grid = grid;
    this.table = table;
  }

  /**
   * The newest snapshots, up to this tick, of streams that had none in a round yet are what is told from now on. False: there are none. Of
   * several ticks it is the last, but for a stream that was passed over the time before. Ticks of rounds never go back.
   */
  beginRound(lastTick: number): boolean {
    const { replica, sequences } = this;
    const found = this.#found;
    let news = 0;
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      const sequence = this.#newest(stream, lastTick);
      found[stream] = sequence;
      // One of an earlier tick than the last round comes too late: its next one will not.
      if (sequence > sequences[stream]! && !this.#isPast(stream, sequence)) news |= 1 << stream;
    }
    if (news === 0) return false;
    const tick = this.#lastTick(news & this.#passed || news);
    let due = 0;
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      if ((news >> stream) & 1 && this.#tickOf(stream, found[stream]!) === tick) due |= 1 << stream;
    }
    this.#passed = news & ~due;
    this.#isBegun = true;
    this.tick = tick;
    this.due = due;
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      if (((due >> stream) & 1) === 0) continue;
      const sequence = found[stream]!;
      sequences[stream] = sequence;
      this.generation = replica.generation(stream, sequence);
      replica.beginBlocks(stream, sequence);
    }
    return true;
  }

  /** Whether a stream has a snapshot, up to this tick, that was told in no round yet. */
  hasNews(stream: number, lastTick: number): boolean {
    return this.#newest(stream, lastTick) > this.sequences[stream]!;
  }

  #tickOf(stream: number, sequence: number): number {
    return this.replica.tick(this.replica.generation(stream, sequence));
  }

  #isPast(stream: number, sequence: number): boolean {
    return this.#isBegun && ((this.#tickOf(stream, sequence) - this.tick) | 0) < 0;
  }

  /** Of what was found of these streams. */
  #lastTick(streams: number): number {
    let last = -1;
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      if ((streams >> stream) & 1) last = Math.max(last, this.#tickOf(stream, this.#found[stream]!));
    }
    return last;
  }

  /** Nobody was told anything for a while: what there was up to this tick is no news. */
  skip(lastTick: number): void {
    for (let stream = 0; stream < STREAM_COUNT; stream++) this.sequences[stream] = this.#newest(stream, lastTick);
    this.due = 0;
  }

  /** The slot of an entity in this round; -1 when it is not in it, or for id 0. */
  slot(id: EntityId): number {
    const slot = id >>> GENERATION_BITS;
    return id !== 0 && this.replica.id(this.generation, slot) === id ? slot : -1;
  }

  /** The entity of who sits there, as of this round; 0 for none, and for seat -1. */
  entity(seat: number): EntityId {
    return seat < 0 ? 0 : this.replica.words[this.replica.own(this.generation, seat)]!;
  }

  /** Whether the round's own snapshots have not been written over, up to now. */
  get isWhole(): boolean {
    return this.#isWholeFrom(this.sequences);
  }

  /** Whether a frame of this round has something for the view: of a round of the far stream alone most have not. */
  concerns(view: View): boolean {
    if ((this.due >> NORMAL) & 1 || view.column1 === 0 || view.forgottenCount > 0) return true;
    const { cells, streams } = view;
    for (let i = 0; i < cells; i++) if ((this.due >> streams[i]!) & 1) return true;
    return false;
  }

  /**
   * Composes a session's frame of this round into `frame`, which grows if it must, from FRAME_AT on, and marks what it tells as told.
   * seat: of its player, -1 for a spectator; ack: the last of its inputs that was applied by this tick; bytesMax: of all blocks together, if there are
   * several. Returns the frame's size. 0: it cannot be told of this snapshot any more, as it was written over; the view is spoilt.
   */
  compose(view: View, seat: number, ack: number, bytesMax: number, frame: FrameBuffer): number {
    const you = this.entity(seat);
    const slot = you === 0 ? -1 : this.slot(you);
    view.aim(this.grid, slot < 0 ? -1 : this.replica.cell(this.generation, slot));
    const blocks = this.#collect(view);
    const bytes = blocks <= bytesMax ? blocks : this.#choose(view, bytesMax);
    frame.grow(HEAD_BYTES_MAX + VARINT_BYTES_MAX * view.forgottenCount + bytes);
    const { tick, ack: acked, you: former, forgottenCount } = view;
    this.#own.set(view.own);
    const start = this.#writeHead(view, you, slot, seat, ack, frame);
    const end = this.#copyBlocks(view, frame.bytes, start);
    if (!this.#isWholeFrom(this.#oldest)) {
      // The client has the frame before this one.
      view.spoil();
      view.tick = tick;
      view.ack = acked;
      view.you = former;
      view.own.set(this.#own);
      view.forgottenCount = forgottenCount;
      return 0;
    }
    this.#tally.headBytes += start - FRAME_AT;
    return end - FRAME_AT;
  }

  /** The newest snapshot of a stream up to a tick; what is newer than that is not to be told of yet. */
  #newest(stream: number, lastTick: number): number {
    const { replica } = this;
    let sequence = replica.published(stream);
    while (sequence > this.sequences[stream]!) {
      const tick = replica.tick(replica.generation(stream, sequence));
      if (((tick - lastTick) | 0) <= 0) break;
      sequence--;
    }
    return sequence;
  }

  /** Finds the blocks that bring the view's cells up to this round; returns their bytes, cells' numbers included. */
  #collect(view: View): number {
    const { replica, grid, sequences, due } = this;
    const { streams, sequences: told } = view;
    this.#count = 0;
    this.#oldest.set(sequences);
    let bytes = 0;
    let i = 0;
    let last = -1;
    for (let row = view.row0; row < view.row1; row++) {
      for (let column = view.column0; column < view.column1; column++, i++) {
        const stream = streams[i]!;
        if (((due >> stream) & 1) === 0) continue;
        const sequence = sequences[stream]!;
        if (told[i] === sequence) continue;
        const cell = row * grid.columns + column;
        const age = ageOf(told[i]!, sequence);
        if (!replica.block(stream, sequence, cell, age)) continue;
        if (sequence - age < this.#oldest[stream]!) this.#oldest[stream] = sequence - age;
        if (replica.blockSize === 0) {
          told[i] = sequence;
          continue;
        }
        const n = this.#count++;
        this.#index[n] = i;
        this.#cell[n] = cell;
        this.#at[n] = replica.blockAt;
        this.#size[n] = replica.blockSize;
        this.#isTold[n] = 1;
        bytes += replica.blockSize + varintSize(cell - last - 1);
        last = cell;
      }
    }
    return bytes;
  }

  /** Not all fit: those that have waited longest and are nearest do. Returns their bytes, at most. */
  #choose(view: View, bytesMax: number): number {
    const order = this.#orderOf(this.#count);
    const width = view.column1 - view.column0;
    for (let n = 0; n < order.length; n++) {
      const i = this.#index[n]!;
      const row = Math.floor(i / width);
      const distance = view.distance(view.column0 + i - row * width, view.row0 + row);
      const priority = Math.min(PRIORITY_SPAN - 1, Math.floor((4096 * (1 + view.waits[i]!)) / (1 + distance)));
      order[n] = (PRIORITY_SPAN - 1 - priority) * 2 ** INDEX_BITS + n;
    }
    order.sort();
    let bytes = 0;
    for (let k = 0; k < order.length; k++) {
      const n = order[k]! & (2 ** INDEX_BITS - 1);
      const size = this.#size[n]! + VARINT_BYTES_MAX;
      if (bytes > 0 && bytes + size > bytesMax) {
        this.#isTold[n] = 0;
        const i = this.#index[n]!;
        view.waits[i] = Math.min(WAITS_MAX, view.waits[i]! + 1);
      } else bytes += size;
    }
    return bytes;
  }

  #orderOf(count: number): Uint32Array {
    this.#orders[count] ??= this.#order.subarray(0, count);
    return this.#orders[count]!;
  }

  /** Returns where the blocks begin. */
  #writeHead(view: View, you: EntityId, slot: number, seat: number, ack: number, frame: FrameBuffer): number {
    const { bytes } = frame;
    let flags = 0;
    let at = FRAME_AT + 2;
    at = writeVarint(bytes, at, (this.tick - view.tick) >>> 0);
    if (ack !== view.ack) {
      flags |= HAS_ACK;
      at = writeVarint(bytes, at, (ack - view.ack) >>> 0);
    }
    if (you !== view.you) {
      flags |= HAS_YOU;
      at = writeVarint(bytes, at, you);
      view.own.fill(0);
    }
    if (slot >= 0) {
      const end = this.#writeOwn(view, slot, seat, frame, at);
      if (end !== at) flags |= HAS_OWN;
      at = end;
    }
    if (view.forgottenCount > 0) {
      flags |= HAS_FORGOTTEN;
      at = writeVarint(bytes, at, view.forgottenCount);
      let last = -1;
      for (let i = 0; i < view.forgottenCount; i++) {
        const cell = view.forgotten[i]!;
        at = writeVarint(bytes, at, cell - last - 1);
        last = cell;
      }
      view.forgottenCount = 0;
    }
    bytes[FRAME_AT] = FRAME_SNAPSHOT;
    bytes[FRAME_AT + 1] = flags;
    view.tick = this.tick;
    view.ack = ack;
    view.you = you;
    return at;
  }

  /** A mask of what is not as it was, and that; nothing at all when everything is. Returns where it ends. */
  #writeOwn(view: View, slot: number, seat: number, { bytes, view: out }: FrameBuffer, from: number): number {
    const { replica, generation } = this;
    const { own } = view;
    const seatWords = replica.own(generation, seat) + 1;
    let mask = 0;
    for (let i = 0; i < OWN_FIELDS.length; i++) {
      const word = (i < SEAT_WORDS ? replica.words[seatWords + i]! : this.#ownField(i, slot)) >>> 0;
      if (word === own[i]) continue;
      own[i] = word;
      mask |= 1 << i;
    }
    if (mask === 0) return from;
    let at = writeVarint(bytes, from, mask);
    for (let rest = mask; rest !== 0; rest &= rest - 1) {
      const i = 31 - Math.clz32(rest & -rest);
      const { type } = OWN_FIELDS[i]!;
      if (type === "f32") {
        out.setUint32(at, own[i]!, true);
        at += 4;
      } else at = writeVarint(bytes, at, type === "i32" ? zigzag(own[i]! | 0) : own[i]!);
    }
    return at;
  }

  #ownField(i: number, slot: number): number {
    return this.replica.word(this.generation, i === SEAT_WORDS ? HP : LEVEL, slot);
  }

  /** Copies the blocks that are told, and marks them; returns where they end. */
  #copyBlocks(view: View, out: Uint8Array, from: number): number {
    const { bytes } = this.replica;
    let at = from;
    let last = -1;
    for (let n = 0; n < this.#count; n++) {
      if (this.#isTold[n] === 0) continue;
      const cell = this.#cell[n]!;
      const size = this.#size[n]!;
      const start = this.#at[n]!;
      const i = this.#index[n]!;
      const stream = view.streams[i]!;
      at = writeVarint(out, at, cell - last - 1);
      last = cell;
      for (let k = 0; k < size; k++) out[at + k] = bytes[start + k]!;
      at += size;
      view.sequences[i] = this.sequences[stream]!;
      view.waits[i] = 0;
      this.#tally.blockBytes[stream]! += size;
    }
    return at;
  }

  /** Whether all snapshots of the round's streams are there, from those of these numbers on. */
  #isWholeFrom(oldest: Uint32Array): boolean {
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      if (((this.due >> stream) & 1) !== 0 && !this.replica.isWhole(stream, oldest[stream]!)) return false;
    }
    return true;
  }
}
