/**
 * Reads a block's bits, checks all that can be checked before anything is applied, and leaves what they say in staging arrays, which are
 * reused. See docs/wire.md, which has each bit, and assembly/cell.ts, which writes them. Costs some 20 ns an entity in the cell.
 */
import { STREAM_COUNT } from "../kernel/streams.js";
import { BitReader } from "./bit-reader.js";
import { type FieldTable, isFieldWord } from "./fields.js";
import {
  AGE_BITS,
  bad,
  JUMP_STEPS,
  MOVED_ALL,
  MOVED_BITS,
  MOVED_LISTED,
  MOVED_NONE,
  STREAM_BITS,
  unzigzag,
} from "./frame.js";
import type { InterestGrid } from "./interest.js";
import type { KnownCell, Member } from "./remote-entity.js";

/** Where an entity went that is in no cell any more. */
export const NOWHERE = -1;

/** i32s that are pushed and read again; grows, and is reused. */
export class Numbers {
  values = new Int32Array(256);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const more = new Int32Array(2 * this.length);
      more.set(this.values);
      this.values = more;
    }
    this.values[this.length++] = value;
  }
}

/** One block as read; its lists begin at these places of the parser's arrays. */
export class ParsedBlock {
  cell = 0;
  bytes = 0;
  stream = 0;
  isFull = false;
  hash = 0;
  isHashed = false;
  leaves = 0;
  leavesAt = 0;
  enters = 0;
  entersAt = 0;
  stays = 0;
  /** -1: nobody moved otherwise than expected, and nobody's steps are other ones. */
  movesAt = -1;
  /** Of what is given with a move: 2, or 4 where steps are. */
  each = 2;
  age = 0;
  changes = 0;
  changesAt = 0;
}

const NOBODY: readonly Member[] = [];

export class BlockParser {
  /** ordinal, cell that it went to or NOWHERE. */
  readonly leaves = new Numbers();
  /** id, x, y, dx, dy, words. */
  readonly enters = new Numbers();
  /** By member that stays: differences of x and y to where it was expected, and of its steps. */
  readonly moves = new Numbers();
  /** ordinal among those that stay, field, word. */
  readonly changes = new Numbers();
  readonly #bits = new BitReader();
  readonly #grid: InterestGrid;
  readonly #table: FieldTable;
  readonly #positionBits: number;
  readonly #cellBits: number;
  /** By ordinal among the members, whether the block says that it leaves: its place among those who stay, or -1. */
  readonly #stays: number[] = [];

  constructor(grid: InterestGrid, table: FieldTable) {
    this.#grid = grid;
    this.#table = table;
    this.#positionBits = 32 - Math.clz32(grid.sideSteps);
    this.#cellBits = grid.count > 1 ? 32 - Math.clz32(grid.count - 1) : 0;
  }

  /** Integers of an entity that enters. */
  get enterLength(): number {
    return 5 + this.#table.fields.length;
  }

  /** Before the first block of a frame. */
  begin(): void {
    this.leaves.length = this.enters.length = this.moves.length = this.changes.length = 0;
  }

  /** Reads bytes from .. to - 1 as a block of this cell, of which this is known; undefined for nothing. Throws BAD_FRAME. */
  parse(block: ParsedBlock, bytes: Uint8Array, from: number, to: number, cell: number, known?: KnownCell): void {
    const bits = this.#bits;
    bits.start(bytes, from, to);
    block.cell = cell;
    block.stream = bits.bits(STREAM_BITS);
    if (block.stream >= STREAM_COUNT) throw bad(`stream ${block.stream} is none`);
    block.isFull = bits.flag();
    block.isHashed = bits.flag();
    block.age = block.isFull ? 0 : 1 + bits.bits(AGE_BITS);
    if (!block.isFull && known?.stream !== block.stream) {
      throw bad(`a delta of stream ${block.stream} for cell ${cell}, which is known by ${known?.stream ?? "none"}`);
    }
    const members = block.isFull || known === undefined ? NOBODY : known.members;
    block.movesAt = -1;
    block.changes = 0;
    block.leaves = 0;
    block.stays = 0;
    if (!block.isFull) this.#readLeaves(block, members);
    this.#readEnters(block, members);
    if (block.stays > 0) {
      this.#readMoves(block, members);
      this.#readChanges(block, members);
    }
    block.hash = block.isHashed ? bits.bits(32) : 0;
    bits.finish();
  }

  /** Whether a member, by its ordinal, stays; of the block that was parsed last. */
  #stayOf(i: number, members: readonly Member[]): Member {
    return members[this.#stays[i]!]!;
  }

  #readLeaves(block: ParsedBlock, members: readonly Member[]): void {
    const bits = this.#bits;
    block.leavesAt = this.leaves.length;
    block.leaves = bits.gamma();
    if (block.leaves > members.length) throw bad(`${block.leaves} leave a cell of ${members.length}`);
    this.#stays.length = 0;
    let next = 0;
    for (let i = 0; i < block.leaves; i++) {
      const ordinal = next + bits.gamma();
      if (ordinal >= members.length) throw bad(`member ${ordinal} leaves a cell of ${members.length}`);
      for (; next < ordinal; next++) this.#stays.push(next);
      next = ordinal + 1;
      const to = bits.flag() ? bits.bits(this.#cellBits) : NOWHERE;
      if (to >= this.#grid.count || to === block.cell) throw bad(`member ${ordinal} leaves for cell ${to}`);
      this.leaves.push(ordinal);
      this.leaves.push(to);
    }
    for (; next < members.length; next++) this.#stays.push(next);
    block.stays = members.length - block.leaves;
  }

  #readEnters(block: ParsedBlock, members: readonly Member[]): void {
    const bits = this.#bits;
    const count = bits.gamma();
    block.entersAt = this.enters.length;
    block.enters = count;
    if (count === 0) return;
    // Each takes at least its two places and a bit for all else, and so the array cannot grow beyond what the frame's size allows.
    if (count * (2 * this.#positionBits + 3 + this.#table.fields.length) > bits.left)
      throw bad(`${count} entities do not fit a block`);
    const { enterLength, enters } = this;
    const first = enters.length;
    for (let i = 0; i < count * enterLength; i++) enters.push(0);
    const { values } = enters;
    this.#readIds(values, first, count, block.isFull ? NOBODY : members);
    this.#readPlaces(values, first, count, block.cell);
    for (const field of this.#table.fields) {
      const parameter = field.isRaw ? 0 : bits.parameter();
      for (let i = 0, at = first + 5 + field.index; i < count; i++, at += enterLength) {
        const word = field.isRaw ? bits.bits(32) | 0 : bits.signed(parameter);
        if (!isFieldWord(field, word)) throw bad(`${field.name} of an entity is ${word}`);
        values[at] = word;
      }
    }
  }

  /** They ascend, and are none of those who were in the cell. */
  #readIds(values: Int32Array, first: number, count: number, members: readonly Member[]): void {
    const bits = this.#bits;
    const parameter = bits.parameter();
    let id = 0;
    let member = 0;
    for (let i = 0, at = first; i < count; i++, at += this.enterLength) {
      id += bits.rice(parameter) + 1;
      if (id > 0xffff_ffff) throw bad(`id ${id} is no u32`);
      for (; member < members.length && members[member]!.record.entity.id < id; member++);
      if (members[member]?.record.entity.id === id) throw bad(`${id} enters and is there`);
      values[at] = id | 0;
    }
  }

  #readPlaces(values: Int32Array, first: number, count: number, cell: number): void {
    const bits = this.#bits;
    const { sideSteps, columns } = this.#grid;
    const top = Math.floor(cell / columns) * sideSteps;
    const left = (cell % columns) * sideSteps;
    for (let i = 0, at = first; i < count; i++, at += this.enterLength) {
      const x = bits.bits(this.#positionBits);
      const y = bits.bits(this.#positionBits);
      if (x > sideSteps || y > sideSteps) throw bad(`an entity is ${x}, ${y} steps into a cell of ${sideSteps}`);
      values[at + 1] = left + x;
      values[at + 2] = top + y;
    }
    const parameter = bits.parameter();
    for (let i = 0, at = first; i < count; i++, at += this.enterLength) {
      values[at + 3] = steps(bits.signed(parameter));
      values[at + 4] = steps(bits.signed(parameter));
    }
  }

  #readMoves(block: ParsedBlock, members: readonly Member[]): void {
    const bits = this.#bits;
    const { moves } = this;
    const { stays, age } = block;
    const each = age === 1 ? 2 : 4;
    const how = bits.bits(MOVED_BITS);
    block.each = each;
    if (how !== MOVED_NONE) {
      block.movesAt = moves.length;
      for (let i = 0; i < each * stays; i++) moves.push(0);
    }
    if (how === MOVED_ALL) this.#readAllMoves(block.movesAt, each * stays);
    else if (how === MOVED_LISTED) this.#readListedMoves(block.movesAt, each, stays);
    else if (how !== MOVED_NONE) throw bad(`moves of kind ${how} are none`);
    this.#checkMoves(block, members);
  }

  #readAllMoves(first: number, count: number): void {
    const bits = this.#bits;
    const { values } = this.moves;
    const parameter = bits.parameter();
    for (let i = 0; i < count; i++) values[first + i] = bits.signed(parameter);
  }

  #readListedMoves(first: number, each: number, stays: number): void {
    const bits = this.#bits;
    const { values } = this.moves;
    const ordinals = this.#readOrdinals(stays);
    const parameter = bits.parameter();
    for (let n = 0; n < ordinals.length; n++) {
      for (let j = 0; j < each; j++) values[first + each * ordinals.values[n]! + j] = bits.signed(parameter);
    }
  }

  readonly #ordinals = new Numbers();

  /** Of some of those who stay, ascending, at least one. */
  #readOrdinals(stays: number): Numbers {
    const bits = this.#bits;
    const ordinals = this.#ordinals;
    ordinals.length = 0;
    const count = bits.gamma() + 1;
    if (count > stays) throw bad(`${count} of ${stays} are listed`);
    let next = 0;
    for (let n = 0; n < count; n++) {
      const ordinal = next + bits.gamma();
      if (ordinal >= stays) throw bad(`number ${ordinal} of ${stays} is listed`);
      ordinals.push(ordinal);
      next = ordinal + 1;
    }
    return ordinals;
  }

  /** Who stays stays within the cell, and its steps are steps. Leaves in `moves` the places and steps themselves. */
  #checkMoves(block: ParsedBlock, members: readonly Member[]): void {
    const { sideSteps, columns } = this.#grid;
    const top = Math.floor(block.cell / columns) * sideSteps;
    const left = (block.cell % columns) * sideSteps;
    const { moves } = this;
    const { movesAt, each, age } = block;
    block.movesAt = movesAt < 0 ? moves.length : movesAt;
    if (movesAt < 0) for (let i = 0; i < each * block.stays; i++) moves.push(0);
    const { values } = moves;
    for (let i = 0, at = block.movesAt; i < block.stays; i++, at += each) {
      const { x, y, dx, dy } = this.#stayOf(i, members);
      const toX = x + dx * age + values[at]!;
      const toY = y + dy * age + values[at + 1]!;
      if (!(toX >= left && toX <= left + sideSteps && toY >= top && toY <= top + sideSteps)) {
        throw bad(`a member moves to ${toX}, ${toY}, out of its cell`);
      }
      values[at] = toX;
      values[at + 1] = toY;
      if (each === 2) continue;
      values[at + 2] = steps(dx + values[at + 2]!);
      values[at + 3] = steps(dy + values[at + 3]!);
    }
  }

  #readChanges(block: ParsedBlock, members: readonly Member[]): void {
    const bits = this.#bits;
    const { changes } = this;
    const { fields } = this.#table;
    block.changesAt = changes.length;
    if (!bits.flag()) return;
    const mask = bits.bits(fields.length);
    if (mask === 0) throw bad("no field changed of those that did");
    for (const field of fields) {
      if (((mask >>> field.index) & 1) === 0) continue;
      const ordinals = this.#readOrdinals(block.stays);
      const parameter = field.isRaw ? 0 : bits.parameter();
      for (let n = 0; n < ordinals.length; n++) {
        const ordinal = ordinals.values[n]!;
        const before = this.#stayOf(ordinal, members).words[field.index]!;
        const word = field.isRaw ? bits.bits(32) | 0 : (before + unzigzag(bits.rice(parameter))) | 0;
        if (!isFieldWord(field, word)) throw bad(`${field.name} of a member is ${word}`);
        changes.push(ordinal);
        changes.push(field.index);
        changes.push(word);
        block.changes++;
      }
    }
  }
}

function steps(value: number): number {
  if (value >= -JUMP_STEPS && value <= JUMP_STEPS) return value;
  throw bad(`an entity goes ${value} steps at a time`);
}
