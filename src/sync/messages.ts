/**
 * A ring of messages of any length between one producer and one consumer, each on a thread of its own. Messages are written and
 * read where they lie; those written since the last commit become visible together, by one store. Nothing waits, nothing allocates.
 *
 *     ring ┌──────────────────┐  a multiple of 64
 *          │ capacity         │  0     fixed for life
 *          ├──────────────────┤
 *          │ tail, refused    │  64    written by the producer ┐ a cache line each
 *          ├──────────────────┤                               │
 *          │ head             │  128   written by the consumer ┘
 *          ├──────────────────┤
 *          │ capacity bytes   │  192   u32 size, u32 0, the message, up to a multiple of 8; size SKIP: nothing up to the end
 *          └──────────────────┘
 *
 *     . . . m m m m m w w w . .     from head to tail: committed, the consumer's. From tail to #write: the producer's alone.
 *           │         │     └ #write
 *           └ head    └ tail        Cursors are bytes counted for ever, modulo 2^32.
 *
 * A message lies in one piece, so what does not fit before the end starts over at the beginning, and the rest is skipped. Therefore any
 * message up to `sizeMax`, half of the capacity, fits an empty ring, and any that takes up to half of `free` fits now.
 *
 * A thread that ends anywhere leaves a ring that its successor can attach to: a producer's uncommitted messages are forgotten, a
 * consumer's message that was not released comes again.
 */
import { GyreError } from "../errors.js";
import { checkPlace, checkPowerOfTwo, LINE_BYTES, type Memory } from "./memory.js";

// Words of the header.
const CAPACITY = 0;
const TAIL = LINE_BYTES / 4;
const REFUSED = TAIL + 1;
const HEAD = (2 * LINE_BYTES) / 4;
const HEADER_BYTES = 3 * LINE_BYTES;

/** Before each message: its size, and 4 bytes that keep it aligned for doubles. */
const PREFIX_BYTES = 8;
/** In place of a size. */
const SKIP = -1;

/** Bytes: less holds no message worth a ring. */
const CAPACITY_MIN = 64;
/** Bytes: cursors' differences must stay positive in 32 bits. */
const CAPACITY_MAX = 2 ** 30;

const padded = (size: number): number => (size + 7) & ~7;

export class MessageRing {
  /** Bytes for messages, their prefixes of 8 bytes included. */
  readonly capacity: number;
  /** Bytes of the largest message. */
  readonly sizeMax: number;
  /** All messages; `begin` and `next` give offsets into it. Little-endian is the reader's and writer's to agree on. */
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** Consumer: bytes of the message that `next` gave; -1 when there is none. */
  length = -1;

  readonly #header: Int32Array;
  /** The same bytes as `bytes`. */
  readonly #sizes: Int32Array;
  readonly #mask: number;

  // The producer's.
  #write: number;
  /** Cursor of the message that was begun, and the most that it may have; -1 when none is. */
  #begun = 0;
  #begunSize = -1;
  /** The consumer's cursor as last seen: it is looked at again only when there seems to be no room. */
  #headSeen: number;

  // The consumer's.
  #read: number;
  #tailSeen: number;

  /** Bytes of memory that a ring of this capacity takes. */
  static bytesOf(capacity: number): number {
    checkPowerOfTwo("a message ring's capacity", capacity, CAPACITY_MIN, CAPACITY_MAX);
    return HEADER_BYTES + capacity;
  }

  /**
   * Makes an empty ring. Once, before either end attaches.
   * byteOffset: a multiple of 64. capacity: bytes, a power of two from 64. start: where cursors begin, for tests of their wrap.
   */
  static init(buffer: Memory, byteOffset: number, capacity: number, start = 0): void {
    checkPlace("a message ring", buffer, byteOffset, MessageRing.bytesOf(capacity));
    const header = new Int32Array(buffer, byteOffset, HEADER_BYTES / 4);
    header.fill(0);
    header[TAIL] = start & ~7;
    header[HEAD] = start & ~7;
    Atomics.store(header, CAPACITY, capacity);
  }

  /** Attaches to a ring that was made. One producer and one consumer at a time; which end it is follows from what is called. */
  constructor(buffer: Memory, byteOffset: number) {
    checkPlace("a message ring", buffer, byteOffset, HEADER_BYTES);
    this.#header = new Int32Array(buffer, byteOffset, HEADER_BYTES / 4);
    this.capacity = Atomics.load(this.#header, CAPACITY);
    checkPlace("a message ring", buffer, byteOffset, MessageRing.bytesOf(this.capacity));
    this.sizeMax = this.capacity / 2 - PREFIX_BYTES;
    this.#mask = this.capacity - 1;
    this.bytes = new Uint8Array(buffer, byteOffset + HEADER_BYTES, this.capacity);
    this.view = new DataView(buffer, byteOffset + HEADER_BYTES, this.capacity);
    this.#sizes = new Int32Array(buffer, byteOffset + HEADER_BYTES, this.capacity / 4);
    this.#write = this.#tailSeen = Atomics.load(this.#header, TAIL);
    this.#read = this.#headSeen = Atomics.load(this.#header, HEAD);
  }

  /** Producer: bytes that nothing is written to yet. A message takes its size, up to a multiple of 8, and 8. */
  get free(): number {
    this.#headSeen = Atomics.load(this.#header, HEAD);
    return this.#room();
  }

  /** Messages that found no room, since the ring was made; modulo 2^32. For either end. */
  get refused(): number {
    return Atomics.load(this.#header, REFUSED) >>> 0;
  }

  /** Bytes committed and not released. For either end, and for metrics. */
  get waiting(): number {
    const head = Atomics.load(this.#header, HEAD);
    return (Atomics.load(this.#header, TAIL) - head) >>> 0;
  }

  /**
   * Producer: a place for a message of up to maxSize bytes, as an offset (a multiple of 8); -1, and counted, when there is no room.
   * reserve: bytes that must stay free beyond it, for messages that must not be lost. What was begun and not ended is forgotten.
   * Throws BAD_ARGUMENT for more than sizeMax, which would never find room.
   */
  begin(maxSize: number, reserve = 0): number {
    if (!(maxSize >= 0 && maxSize <= this.sizeMax)) {
      throw new GyreError("BAD_ARGUMENT", `a message of ${maxSize} bytes; this ring takes up to ${this.sizeMax}`);
    }
    const place = this.#write & this.#mask;
    const need = PREFIX_BYTES + padded(maxSize);
    const skipped = place + need > this.capacity ? this.capacity - place : 0;
    const total = skipped + need + reserve;
    if (total > this.#room() && total > this.free) {
      this.#begunSize = -1;
      Atomics.store(this.#header, REFUSED, this.#header[REFUSED]! + 1);
      return -1;
    }
    if (skipped !== 0) this.#sizes[place >>> 2] = SKIP;
    this.#begun = (this.#write + skipped) | 0;
    this.#begunSize = maxSize;
    return (this.#begun & this.#mask) + PREFIX_BYTES;
  }

  /** Producer: what was begun is written and has so many bytes. Throws BAD_ARGUMENT for more than were asked for, or when none was begun. */
  end(size: number): void {
    if (!(size >= 0 && size <= this.#begunSize)) {
      throw new GyreError("BAD_ARGUMENT", `a message ends with ${size} bytes; ${this.#begunSize} were asked for`);
    }
    this.#begunSize = -1;
    this.#sizes[(this.#begun & this.#mask) >>> 2] = size;
    this.#write = (this.#begun + PREFIX_BYTES + padded(size)) | 0;
  }

  /** Producer: what was ended becomes visible, all at once. */
  commit(): void {
    Atomics.store(this.#header, TAIL, this.#write);
  }

  /** Producer: forgets what was not committed. */
  rollback(): void {
    this.#begunSize = -1;
    this.#write = this.#header[TAIL]!;
  }

  /** Producer: where the next message will be; see rewind. */
  get mark(): number {
    return this.#write;
  }

  /** Producer: forgets what was ended since the mark, which is not before the last commit. */
  rewind(mark: number): void {
    this.#begunSize = -1;
    this.#write = mark;
  }

  /** Consumer: the offset of the next message, `length` bytes; -1 when none is committed. The same one until it is released. */
  next(): number {
    let at = this.#read;
    if (at === this.#tailSeen) {
      this.#tailSeen = Atomics.load(this.#header, TAIL);
      if (at === this.#tailSeen) return -1;
    }
    let place = at & this.#mask;
    if (this.#sizes[place >>> 2] === SKIP) {
      // The message that did not fit here was committed together with this mark.
      at = (at + this.capacity - place) | 0;
      place = 0;
      this.#read = at;
    }
    this.length = this.#sizes[place >>> 2]!;
    return place + PREFIX_BYTES;
  }

  /** Consumer: gives the place of what `next` gave back to the producer. Nothing when it gave none. */
  release(): void {
    if (this.length < 0) return;
    this.#read = (this.#read + PREFIX_BYTES + padded(this.length)) | 0;
    this.length = -1;
    Atomics.store(this.#header, HEAD, this.#read);
  }

  #room(): number {
    return this.capacity - ((this.#write - this.#headSeen) | 0);
  }
}
