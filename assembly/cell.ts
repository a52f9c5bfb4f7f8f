// Blocks: what is in an interest cell (full), or what changed in it since a snapshot that a reader has (delta), as bits. A block is encoded
// when somebody needs it, once, and is the same for every reader; docs/wire.md has each bit. What a reader that is some snapshots behind
// needs is one delta against the one it has, not one for each that it missed.
//
//     baseline   a b   d e f      slots of the cell, ascending, in both generations
//     now        a   c d   f      stays a d f, leaves b e, enters c: one merge of two sorted lists
//
// Cost: some 20 ns an entity in the cell, 40 where everybody moves; what does not change is compared and no more.
import {
  BitWriter, RICE_PARAMETER_BITS, bitsBegin, bitsEnd, bitsWrite, gammaSize, gammaWrite, riceParameter, riceSize,
  riceWrite, riceWriteAll, zigzag,
} from "./bits";
import { NONE } from "./layout";
import {
  FIELD_F32, HISTORY, REPLICA_MAGIC, Replica, STREAMS, fieldAt, generationOf, storeOf,
} from "./replica";

/** Bits that say what has moved in a delta: nothing, everybody in a row, or those in a list. */
const MOVED_NONE: u32 = 0;
const MOVED_ALL: u32 = 1;
const MOVED_LISTED: u32 = 2;
const MOVED_BITS: u32 = 2;
const STREAM_BITS: u32 = 2;
/** Of a delta's age less 1. */
const AGE_BITS: u32 = 3;
/** Bytes before a block's bits: their number, as a varint of at most so many. */
const SIZE_BYTES_MAX: u32 = 4;
/** Bits of a block beside its entities. */
const HEAD_BITS_MAX: u32 = 512;

// What of an entity is at a slot of a generation.
// @ts-ignore: decorator
@inline
function wordOf(generation: usize, offset: u32, slot: u32): u32 {
  return load<u32>(generation + offset + (<usize>slot << 2));
}

// @ts-ignore: decorator
@inline
function push(list: usize, index: u32, value: u32): void {
  store<u32>(list + (<usize>index << 2), value);
}

// @ts-ignore: decorator
@inline
function at(list: usize, index: u32): u32 {
  return load<u32>(list + (<usize>index << 2));
}

/** i16 x 2, sign-extended. */
// @ts-ignore: decorator
@inline
function deltaX(packed: u32): i32 {
  return <i32>(packed << 16) >> 16;
}

// @ts-ignore: decorator
@inline
function deltaY(packed: u32): i32 {
  return <i32>packed >> 16;
}

/** Entities in full: ids, then places and steps, then field by field. The slots ascend, and so do ids. */
function writeRecords(replica: Replica, out: BitWriter, generation: usize, cell: u32, slots: usize, count: u32): void {
  if (count == 0) return;
  const values = replica.values;
  let last: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const id = wordOf(generation, replica.atId, at(slots, i));
    push(values, i, id - last - 1);
    last = id;
  }
  riceWriteAll(out, values, count);
  const left = (cell % replica.columns) * replica.sideSteps;
  const top = (cell / replica.columns) * replica.sideSteps;
  const bits = replica.positionBits;
  for (let i: u32 = 0; i < count; i++) {
    const slot = at(slots, i);
    bitsWrite(out, wordOf(generation, replica.atX, slot) - left, bits);
    bitsWrite(out, wordOf(generation, replica.atY, slot) - top, bits);
    const delta = wordOf(generation, replica.atDelta, slot);
    push(values, 2 * i, zigzag(deltaX(delta)));
    push(values, 2 * i + 1, zigzag(deltaY(delta)));
  }
  riceWriteAll(out, values, 2 * count);
  let words = generation + replica.atWords;
  for (let field: u32 = 0; field < replica.fieldCount; field++, words += replica.wordsStride) {
    const isRaw = isRawField(replica, field);
    for (let i: u32 = 0; i < count; i++) {
      const word = at(words, at(slots, i));
      push(values, i, isRaw ? word : zigzag(word));
    }
    writeValues(out, values, count, isRaw);
  }
}

/** Whether the field's words are bits of floats, of which differences say nothing. */
function isRawField(replica: Replica, field: u32): bool {
  const row = fieldAt(replica, field);
  return row.type == FIELD_F32 && row.scale == 0;
}

function writeValues(out: BitWriter, values: usize, count: u32, isRaw: bool): void {
  if (isRaw) for (let i: u32 = 0; i < count; i++) bitsWrite(out, at(values, i), 32);
  else riceWriteAll(out, values, count);
}

/**
 * Who moved otherwise than its steps said: both differences, and for a baseline that is not the snapshot before also those of its steps,
 * which do not follow from the places then. Returns whether there is anything to tell, steps that go on included.
 */
function writeMoves(replica: Replica, out: BitWriter, from: usize, to: usize, count: u32, age: u32): bool {
  const stays = replica.stays;
  const values = replica.values;
  const each: u32 = age == 1 ? 2 : 4;
  let moved: u32 = 0;
  let goesOn: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const slot = at(stays, i);
    const before = wordOf(from, replica.atDelta, slot);
    const now = wordOf(to, replica.atDelta, slot);
    const x = wordOf(to, replica.atX, slot) - wordOf(from, replica.atX, slot) - deltaX(before) * <i32>age;
    const y = wordOf(to, replica.atY, slot) - wordOf(from, replica.atY, slot) - deltaY(before) * <i32>age;
    push(values, each * i, zigzag(x));
    push(values, each * i + 1, zigzag(y));
    let steps: u32 = 0;
    if (age != 1) {
      const stepX = zigzag(deltaX(now) - deltaX(before));
      const stepY = zigzag(deltaY(now) - deltaY(before));
      push(values, each * i + 2, stepX);
      push(values, each * i + 3, stepY);
      steps = stepX | stepY;
    }
    goesOn |= before;
    moved += u32((x | y | steps) != 0);
  }
  if (moved == 0) {
    bitsWrite(out, MOVED_NONE, MOVED_BITS);
    return goesOn != 0;
  }
  const parameter = riceParameter(values, each * count);
  const all = riceSize(values, each * count, parameter);
  if (moved * 2 < count && writeListedMoves(replica, out, count, moved, each, all)) return true;
  bitsWrite(out, MOVED_ALL, MOVED_BITS);
  bitsWrite(out, parameter, RICE_PARAMETER_BITS);
  for (let i: u32 = 0; i < each * count; i++) riceWrite(out, parameter, at(values, i));
  return true;
}

/** The same of those alone who did: their ordinals, then the values of each. False when that takes `most` bits or more. */
function writeListedMoves(replica: Replica, out: BitWriter, count: u32, moved: u32, each: u32, most: u64): bool {
  const values = replica.values;
  const gaps = replica.others;
  const listed = gaps + (<usize>moved << 2);
  let n: u32 = 0;
  let next: u32 = 0;
  let bits: u64 = gammaSize(moved - 1);
  for (let i: u32 = 0; i < count; i++) {
    let any: u32 = 0;
    for (let j: u32 = 0; j < each; j++) any |= at(values, each * i + j);
    if (any == 0) continue;
    push(gaps, n, i - next);
    bits += gammaSize(i - next);
    next = i + 1;
    for (let j: u32 = 0; j < each; j++) push(listed, each * n + j, at(values, each * i + j));
    n++;
  }
  const parameter = riceParameter(listed, each * moved);
  if (bits + riceSize(listed, each * moved, parameter) >= most) return false;
  bitsWrite(out, MOVED_LISTED, MOVED_BITS);
  gammaWrite(out, moved - 1);
  for (let i: u32 = 0; i < moved; i++) gammaWrite(out, at(gaps, i));
  bitsWrite(out, parameter, RICE_PARAMETER_BITS);
  for (let i: u32 = 0; i < each * moved; i++) riceWrite(out, parameter, at(listed, i));
  return true;
}

/** Bit i: field i of one who stays is not what it was. */
function changedFields(replica: Replica, from: usize, to: usize, count: u32): u32 {
  let mask: u32 = 0;
  let offset = <usize>replica.atWords;
  for (let field: u32 = 0; field < replica.fieldCount; field++, offset += replica.wordsStride) {
    const before = from + offset;
    const now = to + offset;
    let changed: u32 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const place = <usize>at(replica.stays, i) << 2;
      changed |= load<u32>(before + place) ^ load<u32>(now + place);
    }
    mask |= u32(changed != 0) << field;
  }
  return mask;
}

/** A mask of the fields that changed, then of each the ordinals of those whose it is, and how it changed. */
function writeFields(replica: Replica, out: BitWriter, from: usize, to: usize, count: u32, mask: u32): void {
  bitsWrite(out, u32(mask != 0), 1);
  if (mask == 0) return;
  bitsWrite(out, mask, replica.fieldCount);
  const values = replica.values;
  const gaps = replica.others;
  for (let rest = mask; rest != 0; rest &= rest - 1) {
    const field = ctz(rest);
    const offset = <usize>replica.atWords + <usize>field * replica.wordsStride;
    const isRaw = isRawField(replica, field);
    let n: u32 = 0;
    let next: u32 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const slot = at(replica.stays, i);
      const before = at(from + offset, slot);
      const now = at(to + offset, slot);
      if (before == now) continue;
      push(gaps, n, i - next);
      next = i + 1;
      push(values, n, isRaw ? now : zigzag(now - before));
      n++;
    }
    // None only for a reader that is being overtaken, whose block is not sent.
    gammaWrite(out, max<u32>(n, 1) - 1);
    for (let i: u32 = 0; i < n; i++) gammaWrite(out, at(gaps, i));
    writeValues(out, values, n, isRaw);
  }
}

// @ts-ignore: decorator
@inline
function mix(hash: u32, value: u32): u32 {
  return (rotl(hash, 5) ^ value) * 0x9e3779b1;
}

/** 32 bits over what a reader knows of the cell, by which it finds out that it knows something else. */
function hashCell(replica: Replica, generation: usize, cell: u32, slots: usize, count: u32): u32 {
  const left = (cell % replica.columns) * replica.sideSteps;
  const top = (cell / replica.columns) * replica.sideSteps;
  let hash = count;
  for (let i: u32 = 0; i < count; i++) {
    const slot = at(slots, i);
    hash = mix(hash, wordOf(generation, replica.atId, slot));
    hash = mix(hash, wordOf(generation, replica.atX, slot) - left);
    hash = mix(hash, wordOf(generation, replica.atY, slot) - top);
    hash = mix(hash, wordOf(generation, replica.atDelta, slot));
    let words = generation + replica.atWords;
    for (let field: u32 = 0; field < replica.fieldCount; field++, words += replica.wordsStride) {
      hash = mix(hash, at(words, slot));
    }
  }
  return hash;
}

/**
 * Sorts who is in the cell now, or was in the baseline, into stays, leaves and enters; returns their counts, 21 bits each. `before` and
 * `count` slots, of which there is room for a block.
 */
function merge(replica: Replica, from: usize, to: usize, slotsFrom: usize, before: u32, slotsTo: usize, count: u32): u64 {
  let i: u32 = 0;
  let j: u32 = 0;
  let stays: u32 = 0;
  let leaves: u32 = 0;
  let enters: u32 = 0;
  while (i < before || j < count) {
    const was = i < before ? at(slotsFrom, i) : NONE;
    const now = j < count ? at(slotsTo, j) : NONE;
    const isSame = was == now && wordOf(from, replica.atId, was) == wordOf(to, replica.atId, now);
    if (isSame) {
      push(replica.stays, stays++, now);
    } else {
      if (was <= now) {
        const id = wordOf(from, replica.atId, was);
        push(replica.leaves, 2 * leaves, i);
        const isHere = wordOf(to, replica.atId, was) == id;
        push(replica.leaves, 2 * leaves + 1, isHere ? wordOf(to, replica.atCell, was) : NONE);
        leaves++;
      }
      if (now <= was) push(replica.enters, enters++, now);
    }
    i += u32(was <= now);
    j += u32(now <= was);
  }
  return <u64>stays | (<u64>leaves << 21) | (<u64>enters << 42);
}

function writeLeaves(replica: Replica, out: BitWriter, count: u32): void {
  gammaWrite(out, count);
  let next: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const ordinal = at(replica.leaves, 2 * i);
    gammaWrite(out, ordinal - next);
    next = ordinal + 1;
    const to = at(replica.leaves, 2 * i + 1);
    bitsWrite(out, u32(to != NONE), 1);
    if (to != NONE) bitsWrite(out, to, replica.cellBits);
  }
}

/** Of a cell whose slots are `before` ones in `from` and `count` in `to`. Returns whether there is anything to tell. */
function writeDelta(
  replica: Replica, out: BitWriter, from: usize, to: usize, slotsFrom: usize, before: u32, slotsTo: usize, count: u32,
  cell: u32, age: u32,
): bool {
  const counts = merge(replica, from, to, slotsFrom, before, slotsTo, count);
  const stays = <u32>counts & 0x1fffff;
  const leaves = <u32>(counts >> 21) & 0x1fffff;
  const enters = <u32>(counts >> 42);
  writeLeaves(replica, out, leaves);
  gammaWrite(out, enters);
  writeRecords(replica, out, to, cell, replica.enters, enters);
  let isTold = (leaves | enters) != 0;
  if (stays == 0) return isTold;
  isTold = writeMoves(replica, out, from, to, stays, age) || isTold;
  const mask = changedFields(replica, from, to, stays);
  writeFields(replica, out, from, to, stays, mask);
  return isTold || mask != 0;
}

/** Puts the number of bytes before them, which begin at start + SIZE_BYTES_MAX; returns where the block begins. */
function writeSize(start: usize, size: u32): usize {
  const bytes: u32 = size < 1 << 7 ? 1 : size < 1 << 14 ? 2 : size < 1 << 21 ? 3 : 4;
  const from = start + SIZE_BYTES_MAX - bytes;
  let rest = size;
  for (let i: u32 = 0; i < bytes; i++) {
    const more: u32 = i + 1 < bytes ? 0x80 : 0;
    store<u8>(from + i, (rest & 0x7f) | more);
    rest >>= 7;
  }
  return from;
}

/** Blocks of this snapshot of the stream are asked for from now on; those of another one are forgotten. */
export function blocksBegin(replica: Replica, stream: u32, sequence: u32): void {
  assert(replica.magic == REPLICA_MAGIC && stream < STREAMS);
  const blocks = storeOf(replica, stream);
  blocks.sequence = sequence;
  blocks.next = blocks.arena;
}

/**
 * Encodes what is in the cell (age 0), or what changed in it since `age` snapshots before, up to HISTORY; the snapshot is that of blocksBegin.
 * Writes where it is and its bytes into the stream's memo, at `cell * (HISTORY + 1) + age`: 0 bytes when nothing changed. Returns false
 * when there is no room left for it.
 */
export function blockEncode(replica: Replica, stream: u32, cell: u32, age: u32): bool {
  assert(replica.magic == REPLICA_MAGIC && stream < STREAMS && cell < replica.cells && age <= HISTORY);
  const blocks = storeOf(replica, stream);
  const sequence = blocks.sequence;
  const to = generationOf(replica, stream, sequence);
  const starts = to + replica.atStarts;
  const first = at(starts, cell);
  const count = at(starts, cell + 1) - first;
  const from = age != 0 ? generationOf(replica, stream, sequence - age) : to;
  const firstBefore = at(from + replica.atStarts, cell);
  const before = at(from + replica.atStarts, cell + 1) - firstBefore;
  const start = blocks.next;
  const bitsMax = <u64>HEAD_BITS_MAX + (<u64>count + before) * replica.recordBitsMax;
  // Not only when it is full: a reader that was overtaken may see counts that never were. They are read once, as they may change again.
  const capacity = <u64>replica.capacity;
  if (<u64>first + count > capacity || <u64>firstBefore + before > capacity) return false;
  if (<u64>start + (bitsMax >> 3) > <u64>blocks.arenaEnd) return false;

  const out = changetype<BitWriter>(replica.writer);
  const isHashed = (sequence + cell) % replica.hashEvery == 0 && count != 0;
  const slots = to + replica.atSlots + (<usize>first << 2);
  bitsBegin(out, start + SIZE_BYTES_MAX);
  bitsWrite(out, stream, STREAM_BITS);
  bitsWrite(out, u32(age == 0), 1);
  bitsWrite(out, u32(isHashed), 1);
  let isTold = true;
  if (age == 0) {
    gammaWrite(out, count);
    writeRecords(replica, out, to, cell, slots, count);
  } else {
    bitsWrite(out, age - 1, AGE_BITS);
    const slotsFrom = from + replica.atSlots + (<usize>firstBefore << 2);
    isTold = writeDelta(replica, out, from, to, slotsFrom, before, slots, count, cell, age);
  }
  if (isHashed) bitsWrite(out, hashCell(replica, to, cell, slots, count), 32);
  const end = bitsEnd(out);
  const memo = blocks.memo + <usize>(cell * (HISTORY + 1) + age) * 12;
  const begin = writeSize(start, <u32>(end - start - SIZE_BYTES_MAX));
  store<u32>(memo, begin, 4);
  store<u32>(memo, isTold || isHashed ? <u32>(end - begin) : 0, 8);
  store<u32>(memo, sequence, 0);
  if (isTold || isHashed) blocks.next = end;
  return true;
}
