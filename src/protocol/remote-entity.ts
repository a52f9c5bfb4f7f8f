/**
 * An entity as a client knows it. Entities and their records are pooled: a crowd that comes and goes leaves no garbage, so neither
 * must be kept after its entity left.
 */
import type { EntityId } from "../kernel/types.js";
import type { Entity, FieldTable } from "./fields.js";

/**
 * What is known of an entity, as last received: `x` and `y` in units, rounded to 1/16 of one; `hp`, `kind`, `team`, `level`; `state`: 0
 * idle, 1 chase, 2 attack, 3 return, 4 dead; and by their names the columns that the zone's game replicates.
 */
export type RemoteEntity = Readonly<Entity>;

/** What the decoder keeps with it. */
export class EntityRecord {
  readonly entity: Entity;
  /** Where a listener keeps what it has on this entity; -1 for nowhere. The decoder leaves it alone. */
  index = -1;
  /** Interest cell, and the steps into it; unused in JSON snapshots. */
  cell = 0;
  qx = 0;
  qy = 0;
  /** The last frame, by its number, in which it left a cell, or entered one. */
  left = 0;
  entered = 0;

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
  /** Something of it may have changed. */
  update(record: EntityRecord): void;
  /** Went out of view; the record is reused after this call. */
  leave(record: EntityRecord): void;
}

/** All entities in view, by id. */
export class RemoteEntities {
  readonly byId = new Map<EntityId, RemoteEntity>();
  readonly records = new Map<EntityId, EntityRecord>();
  readonly #listener: EntityListener | undefined;
  #table: FieldTable;
  /** Records of entities that left, at most as many as were ever in view at once. */
  #pool: EntityRecord[] = [];

  constructor(table: FieldTable, listener?: EntityListener) {
    this.#table = table;
    this.#listener = listener;
    listener?.reset(table);
  }

  begin(tick: number): void {
    this.#listener?.begin(tick);
  }

  /** A record for an id that is not there yet. Its fields are the caller's to fill, then to announce by {@link entered}. */
  add(id: EntityId): EntityRecord {
    const record = this.#pool.pop() ?? new EntityRecord(this.#table.blank());
    record.entity.id = id;
    record.index = -1;
    record.left = record.entered = 0;
    this.records.set(id, record);
    this.byId.set(id, record.entity);
    return record;
  }

  entered(record: EntityRecord): void {
    this.#listener?.enter(record);
  }

  updated(record: EntityRecord): void {
    this.#listener?.update(record);
  }

  remove(record: EntityRecord): void {
    this.records.delete(record.entity.id);
    this.byId.delete(record.entity.id);
    this.#listener?.leave(record);
    this.#pool.push(record);
  }

  /** All leave; those that come have the fields of this table. */
  reset(table: FieldTable): void {
    for (const record of this.records.values()) this.remove(record);
    this.#table = table;
    this.#pool = [];
    this.#listener?.reset(table);
  }
}
