/**
 * Turns snapshots, binary or JSON, into the entities that a client sees. A snapshot is checked whole before it is applied:
 * a bad one is refused with BAD_FRAME and changes nothing. Costs O(entities in the cells that the frame tells of).
 * Steady state allocates nothing.
 */
import { STREAM_COUNT } from "../kernel/streams.js";
import type { EntityId } from "../kernel/types.js";
import { BlockParser, NOWHERE, ParsedBlock } from "./block-parser.js";
import { type ColumnInfo, FieldTable } from "./fields.js";
import {
  BLOCK_BYTES_MAX,
  ByteReader,
  bad,
  HAS_FORGOTTEN,
  HAS_OWN,
  HAS_YOU,
  JUMP_STEPS,
  OWN_FIELDS,
  readFrameHead,
  unzigzag,
  type You,
} from "./frame.js";
import { type InterestGrid, interestGrid } from "./interest.js";
import { checkSnapshotJson } from "./json-check.js";
import {
  type EntityListener,
  type EntityRecord,
  type KnownCell,
  type Member,
  RemoteEntities,
} from "./remote-entity.js";
import { StreamGaps } from "./stream-gaps.js";
import { VIEW_CELLS_MAX } from "./view.js";

/** Ticks for which an entity that left for a cell that is told later is shown where it was. */
const BETWEEN_TICKS_MAX = 60;

/** Of a zone as `welcome` or `watching` describes it: units. */
export interface ZoneSize {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  /** Of a position. Default 16. */
  readonly stepsPerUnit?: number;
  /** Per side of a cell. Default 32. */
  readonly interestTiles?: number;
}

export class SnapshotDecoder {
  readonly entities: RemoteEntities;
  /** Of the last snapshot; -1 before the first. */
  tick = -1;
  /** The last input seq that the simulation had applied. */
  ack = 0;
  /** The session's own entity in full precision, the same object each time; null when it has none. */
  you: Readonly<You> | null = null;
  /** Cells of which something is known, by number. */
  readonly cells = new Map<number, KnownCell>();
  /** Bytes of blocks by stream, and of all else. */
  readonly blockBytes = new Float64Array(STREAM_COUNT);
  otherBytes = 0;
  /** Hashes of cells that came, and those that did not agree. */
  hashChecks = 0;
  hashMisses = 0;
  /** Hears of cells that turned out not to be what the server says: whoever can asks for them in full. */
  onMismatch: ((cell: number) => void) | null = null;
  #grid: InterestGrid;
  #table: FieldTable;
  #parser: BlockParser;
  readonly #reader = new ByteReader();
  readonly #blocks: ParsedBlock[] = [];
  #blockCount = 0;
  readonly #forgotten: number[] = [];
  /** What the frame says of the own entity, until it was found good. */
  readonly #own: number[] = OWN_FIELDS.map(() => 0);
  readonly #head = { tick: 0, ack: 0 };
  /** Of the last frame since the beginning, which those of the next one are told by. */
  #lastTick = 0;
  #lastAck = 0;
  #youId = 0;
  readonly #you: You = blankYou();
  /** Those that are not in the cell any more that they were shown in. */
  readonly #parted: EntityRecord[] = [];
  #spareMembers: Member[] = [];
  readonly #gaps = new StreamGaps();
  /** Since when, at the earliest, an entity that this frame tells of is on its way, where its block does not say. */
  #sinceTick = -1;
  readonly #noBytes = new Uint8Array(0);

  /** columns: the game's. Throws BAD_ARGUMENT when the zone cannot be cut into cells, or for columns that no zone can have. */
  constructor(zone: ZoneSize, columns: readonly ColumnInfo[] = [], listener?: EntityListener) {
    this.#grid = gridOf(zone);
    this.#table = new FieldTable(columns);
    this.entities = new RemoteEntities(this.#table, this.#grid.stepsPerUnit, listener);
    this.#parser = new BlockParser(this.#grid, this.#table);
  }

  /** What the zone is cut into. */
  get grid(): InterestGrid {
    return this.#grid;
  }

  /** What follows is of another zone, or begins anew: all entities leave. Throws as the constructor does, and changes nothing then. */
  reset(zone: ZoneSize, columns: readonly ColumnInfo[] = []): void {
    const grid = gridOf(zone);
    const table = new FieldTable(columns);
    this.#grid = grid;
    this.#table = table;
    this.entities.reset(table, grid.stepsPerUnit);
    this.cells.clear();
    this.#parser = new BlockParser(grid, table);
    this.tick = -1;
    this.ack = this.#lastTick = this.#lastAck = 0;
    this.you = null;
    this.#youId = 0;
    this.#gaps.reset();
    Object.assign(this.#you, blankYou());
  }

  /** Applies a binary snapshot frame. Throws BAD_FRAME. */
  decode(bytes: Uint8Array): void {
    const reader = this.#reader;
    reader.start(bytes);
    const head = this.#head;
    head.tick = this.#lastTick;
    head.ack = this.#lastAck;
    const flags = readFrameHead(reader, head);
    const you = flags & HAS_YOU ? reader.varint() : this.#youId;
    const isOther = you !== this.#youId;
    if (flags & HAS_YOU && !isOther) throw bad(`the own entity is said to be another one, and is ${you} still`);
    this.#readOwn(flags, you, isOther);
    this.#readForgotten(flags);
    const blocksAt = reader.at;
    this.#parseBlocks(reader);
    reader.bytes = this.#noBytes;
    // From here on nothing is refused.
    for (let i = 0; i < this.#blockCount; i++) this.#gaps.heard(this.#blocks[i]!.stream, head.tick);
    this.#sinceTick = Math.min(this.tick, head.tick - this.#gaps.slowest);
    this.tick = this.#lastTick = head.tick;
    this.ack = this.#lastAck = head.ack;
    this.#applyOwn(you);
    this.entities.begin(this.tick);
    for (const cell of this.#forgotten) this.#forget(cell);
    for (let i = 0; i < this.#blockCount; i++) this.#apply(this.#blocks[i]!);
    this.#settle();
    this.otherBytes += blocksAt;
    this.#checkHashes();
  }

  /** Applies a JSON snapshot, as parsed. Throws BAD_FRAME. */
  applyJson(message: unknown): void {
    const { entities } = this;
    const snapshot = checkSnapshotJson(message, this.tick, entities.byId, this.#table);
    // It is told relative to the one before.
    const sinceTick = this.tick;
    this.tick = snapshot.tick;
    this.ack = snapshot.ack;
    this.you = snapshot.you === null ? null : Object.assign(this.#you, snapshot.you);
    entities.begin(this.tick);
    for (const id of snapshot.leave) entities.remove(entities.records.get(id)!);
    for (const entity of snapshot.enter) {
      const record = entities.add(entity.id);
      this.#assign(record.entity, entity);
      entities.entered(record);
    }
    for (const changes of snapshot.update) {
      const record = entities.records.get(changes.id)!;
      this.#assign(record.entity, changes);
      entities.updated(record, sinceTick);
    }
  }

  #readOwn(flags: number, you: EntityId, isOther: boolean): void {
    const reader = this.#reader;
    const own = this.#own;
    for (let i = 0; i < own.length; i++) own[i] = isOther ? 0 : this.#you[OWN_FIELDS[i]!.name];
    if ((flags & HAS_OWN) === 0) return;
    if (you === 0) throw bad("nobody has a private part");
    const mask = reader.varint();
    if (mask === 0 || mask >= 2 ** OWN_FIELDS.length) throw bad(`the private part has mask ${mask}`);
    for (let i = 0; i < OWN_FIELDS.length; i++) {
      if (((mask >>> i) & 1) === 0) continue;
      const { type } = OWN_FIELDS[i]!;
      own[i] = type === "f32" ? reader.f32() : type === "u32" ? reader.varint() : unzigzag(reader.varint());
    }
  }

  #applyOwn(you: EntityId): void {
    this.#youId = you;
    this.#you.id = you;
    for (let i = 0; i < OWN_FIELDS.length; i++) this.#you[OWN_FIELDS[i]!.name] = this.#own[i]!;
    this.you = you === 0 ? null : this.#you;
  }

  #readForgotten(flags: number): void {
    const reader = this.#reader;
    this.#forgotten.length = 0;
    if ((flags & HAS_FORGOTTEN) === 0) return;
    const count = reader.varint();
    if (count === 0 || count > reader.end - reader.at) throw bad(`${count} forgotten cells do not fit the frame`);
    let cell = -1;
    for (let i = 0; i < count; i++) {
      cell += reader.varint() + 1;
      if (cell >= this.#grid.count) throw bad(`cell ${cell} is not one of ${this.#grid.count}`);
      this.#forgotten.push(cell);
    }
  }

  #parseBlocks(reader: ByteReader): void {
    this.#parser.begin();
    this.#blockCount = 0;
    let cell = -1;
    let forgotten = 0;
    while (!reader.isAtEnd) {
      if (this.#blockCount === VIEW_CELLS_MAX) throw bad(`more than ${VIEW_CELLS_MAX} blocks`);
      cell += reader.varint() + 1;
      if (cell >= this.#grid.count) throw bad(`cell ${cell} is not one of ${this.#grid.count}`);
      for (; this.#forgotten[forgotten]! < cell; forgotten++);
      if (this.#forgotten[forgotten] === cell) throw bad(`cell ${cell} is forgotten and has a block`);
      const size = reader.varint();
      const from = reader.at;
      if (size > BLOCK_BYTES_MAX || from + size > reader.end) throw bad(`a block of ${size} bytes does not fit`);
      this.#blocks[this.#blockCount] ??= new ParsedBlock();
      const block = this.#blocks[this.#blockCount++]!;
      this.#parser.parse(block, reader.bytes, from, from + size, cell, this.cells.get(cell));
      reader.at = from + size;
      block.bytes = size;
    }
  }

  #forget(cell: number): void {
    const known = this.cells.get(cell);
    if (known === undefined) return;
    for (const member of known.members) this.#part(member, NOWHERE);
    this.cells.delete(cell);
  }

  #apply(block: ParsedBlock): void {
    let known = this.cells.get(block.cell);
    if (known === undefined) {
      known = { members: [], stream: block.stream, tick: this.tick };
      this.cells.set(block.cell, known);
    }
    // A delta is relative to the snapshot of the cell's last block, or to a later one, of which its age tells.
    const sinceTick = Math.max(known.tick, this.tick - this.#gaps.most(block.stream, block.age));
    known.stream = block.stream;
    known.tick = this.tick;
    this.blockBytes[block.stream]! += block.bytes;
    if (block.isFull) this.#applyFull(known, block);
    else this.#applyDelta(known, block, sinceTick);
  }

  /** Those that are in it now are the ones that enter. */
  #applyFull(known: KnownCell, block: ParsedBlock): void {
    const { members } = known;
    const merged = this.#spareMembers;
    merged.length = 0;
    let old = 0;
    for (let i = 0; i < block.enters; i++) {
      const at = this.#enterAt(block, i);
      const id = this.#parser.enters.values[at]! >>> 0;
      for (; old < members.length && members[old]!.record.entity.id < id; old++) this.#part(members[old]!, NOWHERE);
      const isKnown = old < members.length && members[old]!.record.entity.id === id;
      merged.push(this.#enter(isKnown ? members[old++]! : this.entities.join(id, known), at));
    }
    for (; old < members.length; old++) this.#part(members[old]!, NOWHERE);
    this.#spareMembers = members;
    known.members = merged;
  }

  /** A merge of those who stay and those who enter, both in order of ids. */
  #applyDelta(known: KnownCell, block: ParsedBlock, sinceTick: number): void {
    const { members } = known;
    const stays = this.#leave(members, block);
    this.#change(stays, block);
    this.#move(stays, block, sinceTick);
    if (block.enters === 0) {
      this.#spareMembers = members;
      known.members = stays;
      return;
    }
    const merged = members;
    merged.length = 0;
    let stay = 0;
    for (let i = 0; i < block.enters; i++) {
      const at = this.#enterAt(block, i);
      const id = this.#parser.enters.values[at]! >>> 0;
      for (; stay < stays.length && stays[stay]!.record.entity.id < id; stay++) merged.push(stays[stay]!);
      merged.push(this.#enter(this.entities.join(id, known), at));
    }
    for (; stay < stays.length; stay++) merged.push(stays[stay]!);
    this.#spareMembers = stays;
    known.members = merged;
  }

  /** Those who stay, in the spare array. */
  #leave(members: readonly Member[], block: ParsedBlock): Member[] {
    const { values } = this.#parser.leaves;
    const stays = this.#spareMembers;
    stays.length = 0;
    let next = 0;
    for (let i = 0, at = block.leavesAt; i < block.leaves; i++, at += 2) {
      const ordinal = values[at]!;
      for (; next < ordinal; next++) stays.push(members[next]!);
      this.#part(members[next++]!, values[at + 1]!);
    }
    for (; next < members.length; next++) stays.push(members[next]!);
    return stays;
  }

  #change(stays: readonly Member[], block: ParsedBlock): void {
    const { values } = this.#parser.changes;
    for (let i = 0, at = block.changesAt; i < block.changes; i++, at += 3) {
      const member = stays[values[at]!]!;
      member.words[values[at + 1]!] = values[at + 2]!;
      member.isChanged = true;
    }
  }

  #move(stays: readonly Member[], block: ParsedBlock, sinceTick: number): void {
    const { values } = this.#parser.moves;
    const { each } = block;
    for (let i = 0, at = block.movesAt; i < block.stays; i++, at += each) {
      const member = stays[i]!;
      const x = values[at]!;
      const y = values[at + 1]!;
      const isMoved = x !== member.x || y !== member.y;
      if (each === 2) follow(member, x - member.x, y - member.y);
      else {
        member.dx = values[at + 2]!;
        member.dy = values[at + 3]!;
      }
      member.x = x;
      member.y = y;
      if (member.record.shown !== member || member.isChanged) this.entities.show(member, sinceTick);
      else if (isMoved) this.entities.move(member, sinceTick);
    }
  }

  #enterAt(block: ParsedBlock, i: number): number {
    return block.entersAt + i * this.#parser.enterLength;
  }

  #enter(member: Member, at: number): Member {
    const { values } = this.#parser.enters;
    member.x = values[at + 1]!;
    member.y = values[at + 2]!;
    member.dx = values[at + 3]!;
    member.dy = values[at + 4]!;
    const { words } = member;
    for (let f = 0; f < words.length; f++) words[f] = values[at + 5 + f]!;
    this.entities.show(member, this.#sinceTick);
    return member;
  }

  #part(member: Member, to: number): void {
    const record = this.entities.part(member);
    // What one cell says of where it went holds, whatever is forgotten before or after.
    if (to !== NOWHERE || record.leftTick !== this.tick) record.toCell = to;
    record.leftTick = this.tick;
    if (record.shown === null) this.#parted.push(record);
  }

  /** Who has no member left is gone, unless it went to a cell that is known and was not told of yet; who has others is shown as the newest of them. */
  #settle(): void {
    const { entities } = this;
    for (const record of this.#parted) {
      if (record.members.length > 0) {
        if (record.shown === null) entities.showNewest(record, this.#sinceTick);
        continue;
      }
      // It is named once for each cell that it was shown in.
      if (!record.isIn || entities.between.has(record)) continue;
      const to = this.cells.get(record.toCell);
      if (to === undefined || to.tick === this.tick) entities.remove(record);
      else entities.between.add(record);
    }
    this.#parted.length = 0;
    for (const record of entities.between) {
      const to = this.cells.get(record.toCell);
      const isLong = this.tick - record.leftTick > BETWEEN_TICKS_MAX;
      if (to === undefined || to.tick > record.leftTick || isLong) entities.remove(record);
    }
  }

  #checkHashes(): void {
    for (let i = 0; i < this.#blockCount; i++) {
      const block = this.#blocks[i]!;
      if (!block.isHashed) continue;
      this.hashChecks++;
      if (this.#hashOf(block.cell) === block.hash) continue;
      this.hashMisses++;
      this.onMismatch?.(block.cell);
    }
  }

  #hashOf(cell: number): number {
    const members = this.cells.get(cell)?.members ?? [];
    const { columns, sideSteps } = this.#grid;
    const top = Math.floor(cell / columns) * sideSteps;
    const left = (cell % columns) * sideSteps;
    let hash = members.length;
    for (const { record, x, y, dx, dy, words } of members) {
      hash = mix(hash, record.entity.id);
      hash = mix(hash, x - left);
      hash = mix(hash, y - top);
      hash = mix(hash, (dx & 0xffff) | (dy << 16));
      for (let f = 0; f < words.length; f++) hash = mix(hash, words[f]!);
    }
    return hash >>> 0;
  }

  #assign(entity: Record<string, number>, changes: Readonly<Record<string, number | undefined>>): void {
    entity["x"] = changes["x"] ?? entity["x"]!;
    entity["y"] = changes["y"] ?? entity["y"]!;
    for (const { name } of this.#table.fields) entity[name] = changes[name] ?? entity[name]!;
  }
}

function gridOf({ width, height, tileSize, stepsPerUnit, interestTiles }: ZoneSize): InterestGrid {
  return interestGrid(width, height, tileSize, stepsPerUnit, interestTiles);
}

function blankYou(): You {
  return Object.fromEntries([["id", 0], ...OWN_FIELDS.map(({ name }) => [name, 0])]) as You;
}

/** The steps of one that went from one snapshot to the next; none after a jump. */
function follow(member: Member, dx: number, dy: number): void {
  const isJump = Math.abs(dx) > JUMP_STEPS || Math.abs(dy) > JUMP_STEPS;
  member.dx = isJump ? 0 : dx;
  member.dy = isJump ? 0 : dy;
}

function mix(hash: number, value: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ value, 0x9e37_79b1);
}
