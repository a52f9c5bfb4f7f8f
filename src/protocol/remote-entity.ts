/**
 * Entities as a client knows them. Each interest cell stands alone: what is known of it is who was in it at its last block. As cells are
 * told at different rates, an entity that goes from one to another may be known in both for a while, or in none:
 *
 *     member    an entity in a cell, as of that cell's last block
 *     record    the entity itself: what its members are of, and what is shown, which is the member whose cell was told last
 *     between   a record without members: it left for a cell that is told later, and is shown as it was until then
 *
 * All are pooled: a crowd that comes and goes leaves no garbage, so none must be kept after its entity left.
 */
import type { EntityId } from "../kernel/types.js";
import { type Entity, type FieldTable, fieldValue } from "./fields.js";

/**
 * What is known of an entity, as last received: `x` and `y` in units, rounded to a step; `hp`, `kind`, `team`, `level`; `state`: 0
 * idle, 1 chase, 2 attack, 3 return, 4 dead; and by their names the columns that the zone's game replicates.
 */
export type RemoteEntity = Readonly<Entity>;

/** An entity in a cell. */
export class Member {
  record: EntityRecord;
  cell: KnownCell;
  /** Steps from the zone's left and top border, and those since the snapshot before. */
  x = 0;
  y = 0;
  dx = 0;
  dy = 0;
  readonly words: Int32Array;
  /** Words are not what is shown. */
  isChanged = false;

  constructor(record: EntityRecord, cell: KnownCell, fields: number) {
    this.record = record;
    this.cell = cell;
    this.words = new Int32Array(fields);
  }
}

/** What is known of a cell. */
export interface KnownCell {
  /** In order of ids. */
  members: Member[];
  /** That it is told by. */
  stream: number;
  /** Of its last block. */
  tick: number;
}

/** What the decoder keeps with an entity. */
export class EntityRecord {
  readonly entity: Entity;
  /** Where a listener keeps what it has on this entity; -1 for nowhere. The decoder leaves it alone. */
  index = -1;
  /** One is usual; several while it is known in several cells. */
  readonly members: Member[] = [];
  /** The one that is shown; null while it is between two cells, and in JSON snapshots. */
  shown: Member | null = null;
  /** The cell that it left for when it left one last, -1 for none, and the tick in which it did. */
  toCell = -1;
  leftTick = -1;
  /** In which it came to be shown so. */
  toldTick = -1;
  /** Whether the listener was told that it entered. */
  isIn = false;

  constructor(entity: Entity) {
    this.entity = entity;
  }
}

/** Is told what a snapshot did, one entity at a time, once the whole snapshot was found good. */
export interface EntityListener {
  /** What follows is of another zone, with a table of its own; all that were known have left. */
  reset(table: FieldTable): void;
  /** What follows is of this tick; not below the last one. */
  begin(tick: number): void;
  /** Came into view. */
  enter(record: EntityRecord): void;
  /** Something of it may have changed. sinceTick: if it moved, it was on its way since then, at the earliest. */
  update(record: EntityRecord, sinceTick: number): void;
  /** Went out of view; the record is reused after this call. */
  leave(record: EntityRecord): void;
}

/**
 * All entities in view, by id. One may have stood for long, of which nothing is told, before it went to where it is now: so whoever says that it
 * changed says since when it is on its way, at the earliest.
 */
export class RemoteEntities {
  readonly byId = new Map<EntityId, RemoteEntity>();
  readonly records = new Map<EntityId, EntityRecord>();
  /** Those that are between two cells. */
  readonly between = new Set<EntityRecord>();
  readonly #listener: EntityListener | undefined;
  #tick = -1;
  #table: FieldTable;
  /** Units per step. */
  #step: number;
  /** Of those that left, at most as many as were ever in view at once. */
  #pool: EntityRecord[] = [];
  #members: Member[] = [];

  constructor(table: FieldTable, stepsPerUnit: number, listener?: EntityListener) {
    this.#table = table;
    this.#step = 1 / stepsPerUnit;
    this.#listener = listener;
    listener?.reset(table);
  }

  begin(tick: number): void {
    this.#tick = tick;
    this.#listener?.begin(tick);
  }

  /** A record for an id that is not there yet. Its fields are the caller's to fill, then to announce by {@link entered}. */
  add(id: EntityId): EntityRecord {
    const record = this.#pool.pop() ?? new EntityRecord(this.#table.blank());
    record.entity.id = id;
    record.index = -1;
    record.leftTick = -1;
    this.records.set(id, record);
    this.byId.set(id, record.entity);
    return record;
  }

  entered(record: EntityRecord): void {
    record.isIn = true;
    record.toldTick = this.#tick;
    this.#listener?.enter(record);
  }

  updated(record: EntityRecord, sinceTick: number): void {
    const since = Math.max(record.toldTick, sinceTick);
    record.toldTick = this.#tick;
    this.#listener?.update(record, since);
  }

  remove(record: EntityRecord): void {
    this.between.delete(record);
    this.records.delete(record.entity.id);
    this.byId.delete(record.entity.id);
    this.#listener?.leave(record);
    record.shown = null;
    record.isIn = false;
    this.#pool.push(record);
  }

  /** An entity, which may be known already, is in the cell. The caller fills the member, then calls {@link show}. */
  join(id: EntityId, cell: KnownCell): Member {
    const record = this.records.get(id) ?? this.add(id);
    const member = this.#members.pop() ?? new Member(record, cell, this.#table.fields.length);
    member.record = record;
    member.cell = cell;
    record.members.push(member);
    this.between.delete(record);
    return member;
  }

  /** It is what is known of its entity last. */
  show(member: Member, sinceTick: number): void {
    const { record } = member;
    const { entity } = record;
    const { fields } = this.#table;
    record.shown = member;
    member.isChanged = false;
    entity.x = member.x * this.#step;
    entity.y = member.y * this.#step;
    for (let f = 0; f < fields.length; f++) entity[fields[f]!.name] = fieldValue(fields[f]!, member.words[f]!);
    if (record.isIn) this.updated(record, sinceTick);
    else this.entered(record);
  }

  /** Its place alone is another one. */
  move(member: Member, sinceTick: number): void {
    const { record } = member;
    record.entity.x = member.x * this.#step;
    record.entity.y = member.y * this.#step;
    this.updated(record, sinceTick);
  }

  /** It is in its cell no more. How its entity is shown now, if it was shown so, is for the caller to see to, once it knows the whole frame. */
  part(member: Member): EntityRecord {
    const { record } = member;
    const { members } = record;
    members[members.indexOf(member)] = members[members.length - 1]!;
    members.pop();
    this.#members.push(member);
    if (record.shown === member) record.shown = null;
    return record;
  }

  /** As what is known of it in the cell that was told of last. */
  showNewest({ members }: EntityRecord, sinceTick: number): void {
    let newest = members[0]!;
    for (const other of members) if (other.cell.tick > newest.cell.tick) newest = other;
    this.show(newest, sinceTick);
  }

  /** All leave; those that come have the fields of this table. */
  reset(table: FieldTable, stepsPerUnit: number): void {
    for (const record of this.records.values()) {
      record.members.length = 0;
      this.remove(record);
    }
    this.#table = table;
    this.#step = 1 / stepsPerUnit;
    this.#pool = [];
    this.#members = [];
    this.#listener?.reset(table);
  }
}
