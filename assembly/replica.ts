// A replica: what is told of a zone's entities, as of its last snapshots. It lies in a memory of its own beside the zone's, so that who
// serves players never reaches into a zone, and a zone that nobody watches needs none. One thread, which steps the zone, takes
// snapshots; another one, which has the sockets, reads them and has blocks encoded (see cell.ts).
//
//   replica ┌───────────────────────────────┐
//           │ header: spec, fields          │
//           ├───────────────────────────────┤
//           │ intake: columns of the zone,  │  copied by the host, then
//           │   who has which seat          │  replicaTake: quantised, sorted into cells
//           ├───────────────────────────────┤
//           │ stream 0  gen 0 │ gen 1 │ ... │  a generation is one snapshot; the ring holds GENERATIONS of them,
//           │ stream 1  gen 0 │ gen 1 │ ... │  each stream its own, taken at its own rate
//           │ stream 2  ...                 │
//           ├───────────────────────────────┤
//           │ blocks: by stream, which have │  written by the reader
//           │   been encoded, and the bytes │
//           └───────────────────────────────┘
//
// A generation that is HISTORY behind the newest is still whole; the rest of the ring is how far a taker may be ahead of the reader
// before it writes over what is read. Costs: taking, some 15 ns an entity and 3 for each field; memory, 24 bytes an entity and 4
// for each field, times GENERATIONS, a stream.
import { CODE_BITS_MAX } from "./bits";
import { GENERATION_BITS, after } from "./layout";

/** "GYRR", the first four bytes of a replica. */
export const REPLICA_MAGIC: u32 = 0x52525947;
/** near, normal, far. */
export const STREAMS: u32 = 3;
/** Snapshots of a stream that a reader may be behind and still get what changed. */
export const HISTORY: u32 = 8;
/** Snapshots in a ring: HISTORY + 1 that are compared, and four that may be taken while they are. A power of two is not needed. */
export const GENERATIONS: u32 = HISTORY + 5;
/** Cells of a zone, at most. */
export const CELLS_MAX: u32 = 1 << 16;
/** Rows of the field table, at most: those of every zone, and 16 columns of a game. */
export const FIELDS_MAX: u32 = 32;
/** Steps along an axis from one snapshot to the next beyond which it is a jump: nothing follows from them for the next. */
export const JUMP_STEPS: i32 = 2047;
/** Words of what a seat's player is told of its entity: its id and OWN_COLUMNS of the intake. */
export const OWN_WORDS: u32 = 12;
/** Those behind the id that are floats; what of them is not finite is told as 0. */
const OWN_FLOATS: u32 = 8;

// Types of fields.
export const FIELD_F32: u32 = 0;
const FIELD_I32: u32 = 1;
const FIELD_U32: u32 = 2;
const FIELD_I16: u32 = 3;
const FIELD_U16: u32 = 4;
const FIELD_I8: u32 = 5;
const FIELD_U8: u32 = 6;

@unmanaged
export class ReplicaField {
  type: u32;
  /** Address of its column of the intake. */
  source: usize;
  /** Steps per unit of an f32; 0: its bits as they are. */
  scale: f64;
}

/** One snapshot of a stream; its arrays lie behind it, at the offsets that the replica says. */
@unmanaged
export class Generation {
  sequence: u32;
  tick: u32;
  highWater: u32;
  count: u32; // entities
}

/** What is kept for a stream by who encodes blocks. */
@unmanaged
export class BlockStore {
  generations: usize; // the ring
  memo: usize; //        u32 x 3 a cell and age: sequence, address, bytes
  arena: usize;
  arenaEnd: usize;
  next: usize; //        where the next block goes
  sequence: u32; //      the snapshot that the blocks are of
}

@unmanaged
export class Replica {
  // --- spec, 64 bytes, written by the host
  magic: u32;
  capacity: u32; //     entities
  seats: u32;
  fieldCount: u32;
  columns: u32; //      cells
  rows: u32;
  sideSteps: u32; //    steps per cell side
  streamBits: u32; //   bit s: stream s is kept
  stepsPerUnit: f64; // of positions
  hashEvery: u32; //    snapshots between two hashes of a cell
  specReserved0: u32;
  specReserved1: u64;
  specReserved2: u64;

  // --- derived
  bytes: u32;
  cells: u32;
  positionBits: u32; // of a step within a cell, sideSteps included
  cellBits: u32; //     of a cell's number
  generationBytes: u32;
  recordBitsMax: u32; // of an entity in full
  fields: usize; //     ReplicaField x fieldCount
  stores: usize; //     BlockStore x STREAMS

  // --- offsets within a generation
  atId: u32; //         u32 by slot; 0 for nobody, also behind highWater
  atCell: u32; //       u32 by slot
  atX: u32; //          i32 by slot: steps from the zone's left border
  atY: u32;
  atDelta: u32; //      i16 x 2 by slot: steps since the snapshot before, 0 for who is new or jumped
  atStarts: u32; //     u32[cells + 1]
  atSlots: u32; //      u32: slots by cell, ascending in each
  atWords: u32; //      i32 by field and slot
  atOwn: u32; //        u32[OWN_WORDS] by seat
  atAcks: u32; //       u32 by seat
  atTags: u32; //       u32 by seat
  wordsStride: u32; //  bytes from a field's words to the next one's

  // --- intake, by slot: id, then what a player is told of its own entity, 4 bytes each
  intake: usize;
  intakeStride: u32;
  seatEntity: usize; // u32 by seat
  seatAck: usize;
  seatTag: usize;

  // --- of blocks, see cell.ts
  writer: usize; //     BitWriter
  stays: usize; //      u32: slots
  leaves: usize; //     u32 x 2: ordinal, cell that it went to
  enters: usize; //     u32: slots
  values: usize; //     u32 x 4 an entity
  others: usize; //     u32 x 5 an entity
  derivedReserved: u32;

  // --- what the two threads tell each other, with atomic operations; by stream
  begun: u32; //        the snapshot that is being taken, or was last
  begun1: u32;
  begun2: u32;
  published: u32; //    the last that was taken
  published1: u32;
  published2: u32;
}

/** Where fields' rows begin, in bytes from the replica. */
export const REPLICA_FIELDS_AT: u32 = 256;
const REPLICA_STORES_AT: u32 = REPLICA_FIELDS_AT + FIELDS_MAX * 16;
const REPLICA_WRITER_AT: u32 = REPLICA_STORES_AT + STREAMS * 32;
const REPLICA_HEADER_BYTES: u32 = REPLICA_WRITER_AT + 64;
const REPLICA_SPEC_BYTES: u32 = 64;
/** Columns of the intake before the fields'. */
const INTAKE_COLUMNS: u32 = OWN_WORDS;

if (offsetof<Replica>("bytes") != REPLICA_SPEC_BYTES) ERROR("a replica's spec must be 64 bytes");
if (offsetof<Replica>() > REPLICA_FIELDS_AT) ERROR("a replica's header must end before its fields");
if (offsetof<ReplicaField>() != 16) ERROR("a field's row must be 16 bytes");
if (offsetof<BlockStore>() > 32) ERROR("a block store must fit 32 bytes");

function fieldBytes(type: u32): u32 {
  return type <= FIELD_U32 ? 4 : type <= FIELD_U16 ? 2 : 1;
}

// @ts-ignore: decorator
@inline
export function fieldAt(replica: Replica, field: u32): ReplicaField {
  return changetype<ReplicaField>(replica.fields + (<usize>field << 4));
}

// @ts-ignore: decorator
@inline
export function storeOf(replica: Replica, stream: u32): BlockStore {
  return changetype<BlockStore>(replica.stores + (<usize>stream << 5));
}

/** The place of a snapshot in its stream's ring. */
// @ts-ignore: decorator
@inline
export function generationOf(replica: Replica, stream: u32, sequence: u32): usize {
  return storeOf(replica, stream).generations + <usize>(sequence % GENERATIONS) * replica.generationBytes;
}

function specValid(replica: Replica): bool {
  const cells = <u64>replica.columns * replica.rows;
  return (
    replica.capacity >= 1 && replica.capacity < 1 << 20 && replica.seats <= 1 << 16 && replica.fieldCount <= FIELDS_MAX &&
    cells >= 1 && cells <= CELLS_MAX && replica.sideSteps >= 1 && replica.sideSteps < 1 << 30 &&
    <u64>replica.sideSteps * max(replica.columns, replica.rows) < 1 << 31 &&
    replica.streamBits < 1 << STREAMS && replica.stepsPerUnit > 0 && replica.hashEvery >= 1
  );
}

/**
 * Writes the header of a replica whose spec and fields' types and scales the host has written, and gives the bytes that all of it needs from
 * address 0 on, more than 2^32 when no memory can hold it. Its memory must be zero behind the header. Needs REPLICA_HEADER_BYTES only.
 */
export function replicaLayout(replica: Replica): f64 {
  const address = changetype<usize>(replica);
  assert((address & 15) == 0 && address != 0);
  assert(specValid(replica));
  const capacity = <u64>replica.capacity;
  const seats = <u64>replica.seats;
  const cells = replica.columns * replica.rows;
  replica.magic = REPLICA_MAGIC;
  replica.cells = cells;
  replica.positionBits = 32 - clz(replica.sideSteps);
  replica.cellBits = cells > 1 ? 32 - clz(cells - 1) : 0;
  replica.fields = address + REPLICA_FIELDS_AT;
  replica.stores = address + REPLICA_STORES_AT;
  replica.writer = address + REPLICA_WRITER_AT;

  let at = (<u64>address + REPLICA_HEADER_BYTES + 63) & ~63;
  replica.intake = <usize>at;
  replica.intakeStride = <u32>(after(at, capacity, 4) - at);
  at += <u64>replica.intakeStride * INTAKE_COLUMNS;
  for (let field: u32 = 0; field < replica.fieldCount; field++) {
    fieldAt(replica, field).source = <usize>at;
    at = after(at, capacity, fieldBytes(fieldAt(replica, field).type));
  }
  replica.seatEntity = <usize>at; at = after(at, seats, 4);
  replica.seatAck = <usize>at; at = after(at, seats, 4);
  replica.seatTag = <usize>at; at = after(at, seats, 4);

  let offset: u64 = 64;
  replica.atId = <u32>offset; offset = after(offset, capacity, 4);
  replica.atCell = <u32>offset; offset = after(offset, capacity, 4);
  replica.atX = <u32>offset; offset = after(offset, capacity, 4);
  replica.atY = <u32>offset; offset = after(offset, capacity, 4);
  replica.atDelta = <u32>offset; offset = after(offset, capacity, 4);
  replica.atStarts = <u32>offset; offset = after(offset, <u64>cells + 1, 4);
  replica.atSlots = <u32>offset; offset = after(offset, capacity, 4);
  replica.atWords = <u32>offset;
  replica.wordsStride = <u32>(after(offset, capacity, 4) - offset);
  offset += <u64>replica.wordsStride * replica.fieldCount;
  replica.atOwn = <u32>offset; offset = after(offset, seats * OWN_WORDS, 4);
  replica.atAcks = <u32>offset; offset = after(offset, seats, 4);
  replica.atTags = <u32>offset; offset = after(offset, seats, 4);
  offset = (offset + 63) & ~63;
  replica.generationBytes = <u32>offset;

  // Of an entity: id, two positions, two deltas, the words. An entity that stays is no longer: four codes, and of each field two.
  replica.recordBitsMax = CODE_BITS_MAX * 5 + 2 * CODE_BITS_MAX * replica.fieldCount + 64;
  for (let stream: u32 = 0; stream < STREAMS; stream++) {
    const blocks = storeOf(replica, stream);
    const isKept = (replica.streamBits >> stream) & 1;
    at = (at + 63) & ~63;
    blocks.generations = <usize>at;
    if (isKept) at += offset * GENERATIONS;
    blocks.memo = <usize>at;
    if (isKept) at = after(at, <u64>cells * (HISTORY + 1) * 3, 4);
    blocks.arena = <usize>at;
    // Everybody in full and in two deltas, as bad as it gets; what finds no room is told with the next snapshot.
    if (isKept) at += capacity * 3 * (replica.recordBitsMax >> 3) + <u64>cells * 64 + 4096;
    blocks.arenaEnd = <usize>at;
    blocks.next = blocks.arena;
    blocks.sequence = 0;
  }
  at = (at + 63) & ~63;
  replica.stays = <usize>at; at = after(at, capacity, 4);
  replica.leaves = <usize>at; at = after(at, capacity * 2, 4);
  replica.enters = <usize>at; at = after(at, capacity, 4);
  replica.values = <usize>at; at = after(at, capacity * 4, 4);
  replica.others = <usize>at; at = after(at, capacity * 5, 4);
  replica.bytes = <u32>at;
  return <f64>at;
}

/** Steps, rounded half up, as far as an i32 goes; 0 for what is no number. */
// @ts-ignore: decorator
@inline
function stepsOf(value: f32, scale: f64): i32 {
  const steps = floor<f64>(<f64>value * scale + 0.5);
  if (steps >= -2147483648 && steps <= 2147483647) return <i32>steps;
  return steps > 0 ? i32.MAX_VALUE : steps < 0 ? i32.MIN_VALUE : 0;
}

/** A step count along an axis since the snapshot before. */
// @ts-ignore: decorator
@inline
function isJump(dx: i32, dy: i32): bool {
  return dx > JUMP_STEPS || dx < -JUMP_STEPS || dy > JUMP_STEPS || dy < -JUMP_STEPS;
}

function takePlaces(replica: Replica, generation: usize, before: usize, highWater: u32): u32 {
  const ids = replica.intake;
  const xs = ids + replica.intakeStride;
  const ys = xs + replica.intakeStride;
  const side = <i32>replica.sideSteps;
  const lastColumn = <i32>replica.columns - 1;
  const lastRow = <i32>replica.rows - 1;
  const columns = <i32>replica.columns;
  // What a game puts beyond the last cell is told as being on its border: no code has room for more.
  const right = side * columns;
  const bottom = side * <i32>replica.rows;
  const steps = replica.stepsPerUnit;
  const atId = generation + replica.atId;
  const atCell = generation + replica.atCell;
  const atX = generation + replica.atX;
  const atY = generation + replica.atY;
  const atDelta = generation + replica.atDelta;
  const starts = generation + replica.atStarts;
  const idBefore = before + replica.atId;
  const xBefore = before + replica.atX;
  const yBefore = before + replica.atY;
  let count: u32 = 0;
  const end = <usize>highWater << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const id = load<u32>(ids + at);
    store<u32>(atId + at, id);
    if (id == 0) continue;
    count++;
    const x = min(right, max<i32>(0, stepsOf(load<f32>(xs + at), steps)));
    const y = min(bottom, max<i32>(0, stepsOf(load<f32>(ys + at), steps)));
    const cell = min(y / side, lastRow) * columns + min(x / side, lastColumn);
    store<i32>(atX + at, x);
    store<i32>(atY + at, y);
    store<u32>(atCell + at, cell);
    let delta: u32 = 0;
    if (load<u32>(idBefore + at) == id) {
      const dx = x - load<i32>(xBefore + at);
      const dy = y - load<i32>(yBefore + at);
      if (!isJump(dx, dy)) delta = (<u32>dx & 0xffff) | (<u32>dy << 16);
    }
    store<u32>(atDelta + at, delta);
    const counter = starts + (<usize>cell << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  return count;
}

/** Counting sort: counted already; summed up to each cell's end, then placed backwards, which leaves the starts behind. */
function sortSlots(replica: Replica, generation: usize, highWater: u32): void {
  const starts = generation + replica.atStarts;
  const end = starts + (<usize>(replica.cells + 1) << 2);
  let sum: u32 = 0;
  for (let at = starts; at < end; at += 4) {
    sum += load<u32>(at);
    store<u32>(at, sum);
  }
  const ids = generation + replica.atId;
  const cells = generation + replica.atCell;
  const slots = generation + replica.atSlots;
  for (let slot = <i32>highWater - 1; slot >= 0; slot--) {
    const at = <usize>slot << 2;
    if (load<u32>(ids + at) == 0) continue;
    const start = starts + (<usize>load<u32>(cells + at) << 2);
    const place = load<u32>(start) - 1;
    store<u32>(start, place);
    store<u32>(slots + (<usize>place << 2), slot);
  }
}

/** An f32 as a word: its steps, or its bits, 0 for what is not finite. */
function takeFloats(source: usize, words: usize, count: u32, scale: f64): void {
  for (let i: u32 = 0; i < count; i++) {
    const value = load<f32>(source + (<usize>i << 2));
    const word = scale > 0 ? stepsOf(value, scale) : value - value == 0 ? reinterpret<i32>(value) : 0;
    store<i32>(words + (<usize>i << 2), word);
  }
}

function takeWords<T>(source: usize, words: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    store<i32>(words + (<usize>i << 2), <i32>load<T>(source + <usize>i * sizeof<T>()));
  }
}

function takeField(field: ReplicaField, words: usize, count: u32): void {
  const type = field.type;
  const source = field.source;
  if (type == FIELD_F32) takeFloats(source, words, count, field.scale);
  else if (type <= FIELD_U32) memory.copy(words, source, <usize>count << 2);
  else if (type == FIELD_I16) takeWords<i16>(source, words, count);
  else if (type == FIELD_U16) takeWords<u16>(source, words, count);
  else if (type == FIELD_I8) takeWords<i8>(source, words, count);
  else takeWords<u8>(source, words, count);
}

/** What each seat's player is told of its entity alone. */
function takeSeats(replica: Replica, generation: usize, highWater: u32): void {
  const seats = replica.seats;
  memory.copy(generation + replica.atAcks, replica.seatAck, <usize>seats << 2);
  memory.copy(generation + replica.atTags, replica.seatTag, <usize>seats << 2);
  const stride = replica.intakeStride;
  let own = generation + replica.atOwn;
  for (let seat: u32 = 0; seat < seats; seat++, own += OWN_WORDS * 4) {
    const id = load<u32>(replica.seatEntity + (<usize>seat << 2));
    const slot = id >> GENERATION_BITS;
    let from = replica.intake + (<usize>slot << 2);
    if (id == 0 || slot >= highWater || load<u32>(from) != id) {
      store<u32>(own, 0);
      continue;
    }
    for (let word: u32 = 0; word < OWN_WORDS; word++, from += stride) {
      const value = load<u32>(from);
      const isOdd = word - 1 < OWN_FLOATS && (value & 0x7f800000) == 0x7f800000;
      store<u32>(own + (<usize>word << 2), isOdd ? 0 : value);
    }
  }
}

/**
 * The intake, slots 0 .. highWater-1, becomes the snapshot of this tick, `sequence` of the stream, from 1 on. Who reads may know of it when
 * this has returned. O(entities x fields + cells + seats).
 */
export function replicaTake(replica: Replica, stream: u32, sequence: u32, tick: u32, highWater: u32): void {
  assert(replica.magic == REPLICA_MAGIC && stream < STREAMS && (replica.streamBits >> stream) & 1);
  assert(sequence != 0 && highWater <= replica.capacity);
  const generation = generationOf(replica, stream, sequence);
  const before = generationOf(replica, stream, sequence - 1);
  const head = changetype<Generation>(generation);
  const former = head.highWater;
  // A thread may end anywhere in here, and another begins anew.
  head.highWater = max(former, highWater);
  memory.fill(generation + replica.atStarts, 0, <usize>(replica.cells + 1) << 2);
  head.count = takePlaces(replica, generation, before, highWater);
  if (former > highWater) {
    memory.fill(generation + replica.atId + (<usize>highWater << 2), 0, <usize>(former - highWater) << 2);
  }
  sortSlots(replica, generation, highWater);
  let words = generation + replica.atWords;
  for (let field: u32 = 0; field < replica.fieldCount; field++, words += replica.wordsStride) {
    takeField(fieldAt(replica, field), words, highWater);
  }
  takeSeats(replica, generation, highWater);
  head.highWater = highWater;
  head.tick = tick;
  head.sequence = sequence;
}
