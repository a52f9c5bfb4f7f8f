/**
 * An entity as a client knows it. Records are pooled: a crowd that comes and goes leaves no garbage, so a record must not
 * be kept after its entity left.
 */
import type { EntityId } from "../kernel/types.js";

export interface RemoteEntity {
  readonly id: EntityId;
  /** Units, as last received: rounded to 1/16 of a unit. */
  readonly x: number;
  readonly y: number;
  readonly hp: number;
  readonly kind: number;
  readonly team: number;
}

/** What the decoder keeps beside it. */
export class EntityRecord implements RemoteEntity {
  id: EntityId = 0;
  x = 0;
  y = 0;
  hp = 0;
  kind = 0;
  team = 0;
  /** Where a listener keeps what it has on this entity; -1 for nowhere. The decoder leaves it alone. */
  index = -1;
  /** Interest cell, and the steps into it; unused in JSON snapshots. */
  cell = 0;
  qx = 0;
  qy = 0;
  /** The last frame, by its number, in which it left a cell, entered one, or was updated. */
  left = 0;
  entered = 0;
}

/** Is told what a snapshot did, one entity at a time, once the whole snapshot was found good. */
export interface EntityListener {
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
  readonly byId = new Map<EntityId, EntityRecord>();
  readonly #listener: EntityListener | undefined;
  /** Records of entities that left, at most as many as were ever in view at once. */
  readonly #pool: EntityRecord[] = [];

  constructor(listener?: EntityListener) {
    this.#listener = listener;
  }

  begin(tick: number): void {
    this.#listener?.begin(tick);
  }

  /** A record for an id that is not there yet. Its fields are the caller's to fill, then to announce by {@link entered}. */
  add(id: EntityId): EntityRecord {
    const record = this.#pool.pop() ?? new EntityRecord();
    record.id = id;
    record.index = -1;
    this.byId.set(id, record);
    return record;
  }

  entered(record: EntityRecord): void {
    this.#listener?.enter(record);
  }

  updated(record: EntityRecord): void {
    this.#listener?.update(record);
  }

  remove(record: EntityRecord): void {
    this.byId.delete(record.id);
    this.#listener?.leave(record);
    this.#pool.push(record);
  }

  clear(): void {
    for (const record of this.byId.values()) this.remove(record);
  }
}
