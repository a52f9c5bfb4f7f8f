/**
 * A ring of records of one size between one or many producers and one consumer, all at once, under every policy. What is full does
 * what the policies of the kernel's rings say (assembly/ring.ts), also while the consumer reads. Nothing waits, nothing allocates; a
 * push and a read are some 25 to 50 ns each, by the policy, and 1 ns for each 4 bytes of the record.
 *
 *     ring ┌──────────────────────┐  a multiple of 64
 *          │ shape                │  0     fixed for life
 *          ├──────────────────────┤
 *          │ tails, counters      │  64    moved by producers
 *          ├──────────────────────┤
 *          │ heads, announced     │  128   moved by the consumer, and by producers that drop
 *          ├──────────────────────┤
 *          │ lane 0: slots        │  192   state, before, record
 *          │ lane 1: slots        │        drop-low only: what is critical
 *          └──────────────────────┘
 *
 *     state   ┌ lap: 24 bits ┬ code: 8 bits ┐    lap: which round over the slots the record belongs to
 *
 *     slot of place p:   READY of the lap before ──claim──> CLAIMED by a producer ──publish──> READY
 *                        GIVEN_UP               (one alone does without)  └─its thread ended─> GIVEN_UP
 *
 * *Nobody holds anything.* A record is complete before its place is claimed, so that a claim lasts for one copy. The consumer copies a
 * record and then moves the head by a compare-exchange: if that succeeds, nobody dropped the record in between, so nobody wrote over it,
 * and the copy is whole. Whatever head has passed is free, without another store. Dropping is moving the head, too.
 *
 * *A thread may end anywhere.* A claim names its producer, and is in the slot, not in the tail: others move the tail on for it. What a
 * thread leaves claimed blocks its lane until the next one attaches under the same number, and gives it up.
 *
 * *Order.* Records of one producer arrive in its order, critical or not: a critical one remembers how far lane 0 had come, and is next as
 * soon as lane 0 was read up to there. (While fewer than 2^31 normal ones come during its wait.)
 *
 * Limits, with several producers at once: under drop-low each may overfill the ring by one, for what the lanes hold together is
 * no one word. And what is being written cannot be dropped: if that is the oldest record of a full ring, the new one is refused.
 */
import { GyreError } from "../errors.js";
import { checkPlace, checkPowerOfTwo, checkWhole, LINE_BYTES, type Memory } from "./memory.js";

/** What happens to a record when the ring is full; as the kernel's. */
export type SharedRingPolicy = "refuse" | "drop-oldest" | "drop-low";

export interface SharedRingShape {
  /** Records, a power of two from 2 to 65,536. Under drop-low both lanes together. */
  capacity: number;
  /** Bytes of a record, a multiple of 8 up to 256. 56 is a cache line, with the 8 of its slot; 24 is half of one. */
  recordBytes: number;
  policy: SharedRingPolicy;
  /** Whether there may be more than one at a time. One alone is faster. */
  producers: "single" | "multi";
}

const POLICIES: readonly SharedRingPolicy[] = ["refuse", "drop-oldest", "drop-low"];
const REFUSE = 0;
const DROP_LOW = 2;

// Words of the header. Tails and heads: one a lane.
const CAPACITY = 0;
const RECORD_BYTES = 1;
const POLICY = 2;
const MULTI = 3;
const TAIL = LINE_BYTES / 4;
const DROPPED_OLDEST = TAIL + 2;
const DROPPED_LOW = TAIL + 3;
const REFUSED = TAIL + 4;
const ABANDONED = TAIL + 5;
const HEAD = (2 * LINE_BYTES) / 4;
const ANNOUNCED = HEAD + 2;
const SLOTS = (3 * LINE_BYTES) / 4;

// Words of a slot.
const STATE = 0;
/** Lane 1: the tail of lane 0 when the record came. */
const BEFORE = 1;
const RECORD = 2;

const CODE_BITS = 8;
const CODE_MASK = (1 << CODE_BITS) - 1;
const READY = 0;
const GIVEN_UP = 1;
/** And the producer's number. */
const CLAIMED = 2;

// What there may be about lane 1.
/** Nothing that comes before what lane 0 has. */
const NONE = 0;
const TAKEN = 1;
const IN_WRITING = 2;
/** Somebody moved it meanwhile. */
const AGAIN = 3;

/** Records, as in the kernel's rings. */
const CAPACITY_MAX = 65_536;
/** Bytes of a record: it is copied twice. What is longer is a message. */
const RECORD_BYTES_MAX = 256;
/** Producers that a code has room for. */
export const PRODUCERS_MAX = CODE_MASK - CLAIMED + 1;

const slotWords = (recordBytes: number): number => RECORD + recordBytes / 4;

export class SharedRing {
  /** Records. */
  readonly capacity: number;
  readonly policy: SharedRingPolicy;
  /** This end's own copy of a record: a producer fills it in and calls push; next puts here what the consumer reads. */
  readonly record: DataView;
  /** The same bytes, for records of i32. */
  readonly recordWords: Int32Array;

  readonly #words: Int32Array;
  readonly #policy: number;
  readonly #multi: boolean;
  readonly #lanes: number;
  readonly #mask: number;
  readonly #shift: number;
  readonly #slotWords: number;
  /** A claim of this producer; 0 for the consumer. */
  readonly #claimed: number;

  /** Bytes of memory that a ring of this shape takes. */
  static bytesOf({ capacity, recordBytes, policy }: SharedRingShape): number {
    checkPowerOfTwo("a ring's capacity", capacity, 2, CAPACITY_MAX);
    checkWhole("the words of a ring's records", recordBytes / 8, 1, RECORD_BYTES_MAX / 8);
    const lanes = policy === "drop-low" ? 2 : 1;
    return 4 * (SLOTS + lanes * capacity * slotWords(recordBytes));
  }

  /** Makes an empty ring. Once, before any end attaches. byteOffset: a multiple of 64. start: where cursors begin, for tests of their wrap. */
  static init(buffer: Memory, byteOffset: number, shape: SharedRingShape, start = 0): void {
    const bytes = SharedRing.bytesOf(shape);
    checkPlace("a ring", buffer, byteOffset, bytes);
    const policy = POLICIES.indexOf(shape.policy);
    if (policy < 0) throw new GyreError("BAD_ARGUMENT", `a ring's policy is one of ${POLICIES}, not ${shape.policy}`);
    const words = new Int32Array(buffer, byteOffset, bytes / 4).fill(0);
    words[RECORD_BYTES] = shape.recordBytes;
    words[POLICY] = policy;
    words[MULTI] = shape.producers === "multi" ? 1 : 0;
    words[CAPACITY] = shape.capacity;
    words.fill(start, TAIL, TAIL + 2);
    words.fill(start, HEAD, HEAD + 2);
    const ring = new SharedRing(buffer, byteOffset);
    for (let lane = 0; lane < ring.#lanes; lane++) {
      for (let place = start; place < start + shape.capacity; place++) {
        words[ring.#slotOf(lane, place) + STATE] = ring.#lapOf(place - shape.capacity) | READY;
      }
    }
  }

  /**
   * Attaches to a ring that was made: without a producer's number as its consumer, of which there is one at a time.
   * producer: 0 to 253, which one thread has at a time; the one of a ring for a single producer is 0. What an earlier thread of this
   * number left unfinished is given up, which takes a look at each slot.
   */
  constructor(buffer: Memory, byteOffset: number, producer?: number) {
    checkPlace("a ring", buffer, byteOffset, 4 * SLOTS);
    const header = new Int32Array(buffer, byteOffset, SLOTS);
    this.capacity = Atomics.load(header, CAPACITY);
    this.#policy = header[POLICY]!;
    this.#multi = header[MULTI] === 1;
    this.policy = POLICIES[this.#policy]!;
    const recordBytes = header[RECORD_BYTES]!;
    const bytes = SharedRing.bytesOf({ capacity: this.capacity, recordBytes, policy: this.policy, producers: "multi" });
    checkPlace("a ring", buffer, byteOffset, bytes);
    this.#words = new Int32Array(buffer, byteOffset, bytes / 4);
    this.#lanes = this.#policy === DROP_LOW ? 2 : 1;
    this.#mask = this.capacity - 1;
    this.#shift = Math.log2(this.capacity);
    this.#slotWords = slotWords(recordBytes);
    const record = new ArrayBuffer(recordBytes);
    this.record = new DataView(record);
    this.recordWords = new Int32Array(record);
    if (producer !== undefined) checkWhole("a producer's number", producer, 0, this.#multi ? PRODUCERS_MAX - 1 : 0);
    this.#claimed = producer === undefined ? 0 : CLAIMED + producer;
    if (producer === undefined) return;
    // First the tails, so that no head passes them by what is given up.
    for (let lane = 0; lane < this.#lanes; lane++) {
      const tail = Atomics.load(this.#words, TAIL + lane);
      this.#moveTail(lane, tail, Atomics.load(this.#words, this.#slotOf(lane, tail) + STATE));
    }
    this.#giveUpClaims();
  }

  /** Records that wait, those that are being written included. For any end; exact when no other is at work. */
  get count(): number {
    let count = 0;
    for (let lane = 0; lane < this.#lanes; lane++) {
      const head = Atomics.load(this.#words, HEAD + lane);
      // A lone producer moves its tail last, when the record may have been read.
      count += Math.max(0, (Atomics.load(this.#words, TAIL + lane) - head) | 0);
    }
    return count;
  }

  /** Records lost since the ring was made, by what happened to them. Modulo 2^32, as all counters. */
  get droppedOldest(): number {
    return Atomics.load(this.#words, DROPPED_OLDEST) >>> 0;
  }

  /** Normal records that made room for others, and those that found only critical ones. */
  get droppedLow(): number {
    return Atomics.load(this.#words, DROPPED_LOW) >>> 0;
  }

  get refused(): number {
    return Atomics.load(this.#words, REFUSED) >>> 0;
  }

  /** Records whose producer's thread ended while it wrote them. */
  get abandoned(): number {
    return Atomics.load(this.#words, ABANDONED) >>> 0;
  }

  /** Consumer: how many were lost since this was asked last: each is told once, also across consumers. */
  takeLost(): number {
    const lost = (this.droppedOldest + this.droppedLow + this.refused + this.abandoned) | 0;
    return (lost - Atomics.exchange(this.#words, ANNOUNCED, lost)) >>> 0;
  }

  /** Producer: puts `record` in, room having been made for it by the policy. False, and counted, when it was not taken. */
  push(critical = false): boolean {
    if (this.#claimed === 0)
      throw new GyreError("BAD_ARGUMENT", "the consumer of a ring has no producer's number to push with");
    const words = this.#words;
    const lane = critical && this.#policy === DROP_LOW ? 1 : 0;
    for (;;) {
      // Heads before tails, so that they lag: there may be more room than it seems, and never less.
      const head = Atomics.load(words, HEAD);
      const criticalHead = this.#lanes === 2 ? Atomics.load(words, HEAD + 1) : 0;
      const tail = Atomics.load(words, TAIL);
      const criticalTail = this.#lanes === 2 ? Atomics.load(words, TAIL + 1) : 0;
      const normals = (tail - head) | 0;
      if (normals + ((criticalTail - criticalHead) | 0) >= this.capacity) {
        if (this.#makeRoom(lane, normals === 0, normals === 0 ? criticalHead : head)) continue;
        return false;
      }
      const place = lane === 0 ? tail : criticalTail;
      const slot = this.#slotOf(lane, place);
      if (!this.#claim(lane, place, slot)) continue;
      // What waited when this one came: read before the claim, or who claims later could seem to have come before.
      if (lane === 1) words[slot + BEFORE] = tail;
      this.#copyIn(slot + RECORD);
      Atomics.store(words, slot + STATE, this.#lapOf(place) | READY);
      // Only this thread goes by it, so the cost of an atomic store is saved. Others count.
      if (!this.#multi) words[TAIL + lane] = place + 1;
      return true;
    }
  }

  /** Consumer: the next record in order of arrival, into `record`; false when none waits, or the next one is being written. */
  next(): boolean {
    const words = this.#words;
    for (;;) {
      const head = Atomics.load(words, HEAD);
      const slot = this.#slotOf(0, head);
      // Lane 0 is looked at before lane 1: a critical record that came before what is seen here will be seen there.
      const state = Atomics.load(words, slot + STATE);
      if (this.#lanes === 2) {
        const first = this.#nextCritical(head);
        if (first === TAKEN) return true;
        if (first === IN_WRITING) return false;
        if (first === AGAIN) continue;
      }
      if ((state & ~CODE_MASK) !== this.#lapOf(head)) {
        // Nobody has claimed it, unless it was dropped meanwhile, and claimed for the next lap.
        if (Atomics.load(words, HEAD) !== head) continue;
        return false;
      }
      const code = state & CODE_MASK;
      if (code >= CLAIMED) return false;
      if (this.#takeFront(0, head, slot, code)) return true;
    }
  }

  /** What there is about lane 1, lane 0 having been read up to `head`. */
  #nextCritical(head: number): number {
    const words = this.#words;
    const criticalHead = Atomics.load(words, HEAD + 1);
    const slot = this.#slotOf(1, criticalHead);
    const state = Atomics.load(words, slot + STATE);
    const before = Atomics.load(words, slot + BEFORE);
    // Dropped meanwhile: what was read may be another record's.
    if (Atomics.load(words, HEAD + 1) !== criticalHead) return AGAIN;
    if ((state & ~CODE_MASK) !== this.#lapOf(criticalHead)) return NONE;
    const code = state & CODE_MASK;
    // Those behind it may have come before what is in lane 0, too.
    if (code >= CLAIMED) return IN_WRITING;
    if (code === READY && ((before - head) | 0) > 0) return NONE;
    return this.#takeFront(1, criticalHead, slot, code) ? TAKEN : AGAIN;
  }

  /** Copies a record out and moves the head over it. False when it was dropped meanwhile, or given up. */
  #takeFront(lane: number, head: number, slot: number, code: number): boolean {
    if (code === READY) this.#copyOut(slot + RECORD);
    const moved = Atomics.compareExchange(this.#words, HEAD + lane, head, (head + 1) | 0) === head;
    return moved && code === READY;
  }

  /** Makes room in a full ring by its policy: true to try again, false when the new record is the one to go. */
  #makeRoom(lane: number, onlyCritical: boolean, head: number): boolean {
    if (this.#policy === REFUSE) return this.#lose(REFUSED);
    if (this.#policy !== DROP_LOW) return this.#drop(0, head, DROPPED_OLDEST);
    if (!onlyCritical) return this.#drop(0, head, DROPPED_LOW);
    return lane === 0 ? this.#lose(DROPPED_LOW) : this.#drop(1, head, DROPPED_OLDEST);
  }

  #drop(lane: number, head: number, counter: number): boolean {
    const words = this.#words;
    const state = Atomics.load(words, this.#slotOf(lane, head) + STATE);
    const code = state & CODE_MASK;
    if ((state & ~CODE_MASK) === this.#lapOf(head) && code >= CLAIMED) return this.#lose(REFUSED);
    // Of a later lap when the consumer was faster: then the exchange fails, and there is room.
    const moved = Atomics.compareExchange(words, HEAD + lane, head, (head + 1) | 0) === head;
    if (moved && code === READY) Atomics.add(words, counter, 1);
    return true;
  }

  #lose(counter: number): false {
    Atomics.add(this.#words, counter, 1);
    return false;
  }

  /** Takes a place. False when somebody else did. */
  #claim(lane: number, place: number, slot: number): boolean {
    const words = this.#words;
    const state = Atomics.load(words, slot + STATE);
    if ((state & ~CODE_MASK) !== this.#lapOf(place - this.capacity)) {
      this.#moveTail(lane, place, state);
      return false;
    }
    if (!this.#multi) return true;
    const claimed = this.#lapOf(place) | this.#claimed;
    if (Atomics.compareExchange(words, slot + STATE, state, claimed) !== state) return false;
    this.#moveTail(lane, place, claimed);
    return true;
  }

  /** Moves the tail over a place that somebody has, who did not get to do it yet, and perhaps never will. state: of its slot. */
  #moveTail(lane: number, place: number, state: number): void {
    if ((state & ~CODE_MASK) !== this.#lapOf(place)) return;
    Atomics.compareExchange(this.#words, TAIL + lane, place, (place + 1) | 0);
  }

  #giveUpClaims(): void {
    for (let slot = SLOTS; slot < this.#words.length; slot += this.#slotWords) {
      const state = Atomics.load(this.#words, slot + STATE);
      if ((state & CODE_MASK) !== this.#claimed) continue;
      Atomics.store(this.#words, slot + STATE, (state & ~CODE_MASK) | GIVEN_UP);
      Atomics.add(this.#words, ABANDONED, 1);
    }
  }

  #copyIn(to: number): void {
    const { recordWords } = this;
    const words = this.#words;
    for (let i = 0; i < recordWords.length; i++) words[to + i] = recordWords[i]!;
  }

  #copyOut(from: number): void {
    const { recordWords } = this;
    const words = this.#words;
    for (let i = 0; i < recordWords.length; i++) recordWords[i] = words[from + i]!;
  }

  #slotOf(lane: number, place: number): number {
    return SLOTS + (lane * this.capacity + (place & this.#mask)) * this.#slotWords;
  }

  /** The lap of a place, where a state has it. */
  #lapOf(place: number): number {
    return (place >>> this.#shift) << CODE_BITS;
  }
}
