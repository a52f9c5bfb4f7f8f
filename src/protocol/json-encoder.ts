/**
 * JSON snapshots: the same quantised values as the binary frames, in a form that a person can read and any language can
 * parse in a line. For debugging and small clients: it remembers what each session knows, and costs O(entities seen) time,
 * memory and garbage for each session and snapshot. All of a view comes with the normal stream, and none of it waits.
 */
import type { EntityId } from "../kernel/types.js";
import type { Composer } from "./composer.js";
import { type Entity, type FieldTable, fieldValue, HP, LEVEL } from "./fields.js";
import { OWN_FIELDS, type You } from "./frame.js";
import type { View } from "./view.js";

/** What changed of an entity. */
type Changes = { id: EntityId } & Record<string, number>;

export interface SnapshotJson {
  type: "snapshot";
  tick: number;
  /** The last input seq that the simulation applied. */
  ack: number;
  /** null for a spectator. */
  you: You | null;
  enter: Entity[];
  /** The id, and only what changed. */
  update: Changes[];
  leave: EntityId[];
}

/** One session's JSON snapshots. */
export class JsonEncoder {
  readonly #known = new Map<EntityId, Entity>();

  /** What {@link Composer.compose} does, as text; "" for a snapshot that was written over. */
  compose(composer: Composer, view: View, seat: number, ack: number): string {
    const you = youOf(composer, seat);
    const snapshot: SnapshotJson = {
      type: "snapshot",
      tick: composer.tick,
      ack,
      you,
      enter: [],
      update: [],
      leave: [],
    };
    const { replica, generation } = composer;
    view.aim(composer.grid, you === null ? -1 : replica.cell(generation, composer.slot(you.id)));
    const visible = visibleEntities(composer, view);
    // What was copied by now is all that is told.
    if (!composer.isWhole) return "";
    for (const id of this.#known.keys()) {
      if (!visible.has(id)) snapshot.leave.push(id);
    }
    for (const id of snapshot.leave) this.#known.delete(id);
    for (const [id, entity] of visible) {
      const known = this.#known.get(id);
      if (known === undefined) snapshot.enter.push(entity);
      else addChanges(known, entity, composer.table, snapshot.update);
      this.#known.set(id, entity);
    }
    return JSON.stringify(snapshot);
  }

  /** For a session that moves to another zone, whose client forgets as well. */
  reset(): void {
    this.#known.clear();
  }
}

/** Who sits there, in full precision; null for nobody. */
function youOf(composer: Composer, seat: number): You | null {
  const { replica, generation } = composer;
  const id = composer.entity(seat);
  const slot = composer.slot(id);
  if (slot < 0) return null;
  const at = replica.own(generation, seat) + 1;
  const you = { id } as Record<string, number>;
  OWN_FIELDS.forEach(({ name, type }, i) => {
    if (name === "hp" || name === "level") you[name] = replica.word(generation, name === "hp" ? HP : LEVEL, slot);
    else you[name] = type === "f32" ? replica.floats[at + i]! : replica.words[at + i]!;
  });
  return you as You;
}

function visibleEntities(composer: Composer, view: View): Map<EntityId, Entity> {
  const { replica, generation, grid } = composer;
  const visible = new Map<EntityId, Entity>();
  for (let row = view.row0; row < view.row1; row++) {
    for (let column = view.column0; column < view.column1; column++) {
      const cell = row * grid.columns + column;
      const end = replica.cellStart(generation, cell + 1);
      for (let at = replica.cellStart(generation, cell); at < end; at++) {
        const entity = entityAt(composer, replica.slotAt(generation, at));
        visible.set(entity.id, entity);
      }
    }
  }
  return visible;
}

/** An entity of the round as its readers know it. */
function entityAt({ replica, generation, grid, table }: Composer, slot: number): Entity {
  const step = 1 / grid.stepsPerUnit;
  const entity: Record<string, number> = {
    id: replica.id(generation, slot),
    x: replica.x(generation, slot) * step,
    y: replica.y(generation, slot) * step,
  };
  for (const field of table.fields) entity[field.name] = fieldValue(field, replica.word(generation, field.index, slot));
  return entity as Entity;
}

/** Adds to `out` what is not what it was, if anything is. */
function addChanges(before: Entity, now: Entity, table: FieldTable, out: Changes[]): void {
  let changes: Changes | null = null;
  for (const name of table.names) {
    if (before[name] === now[name]) continue;
    changes ??= { id: now.id };
    changes[name] = now[name]!;
  }
  if (changes !== null) out.push(changes);
}
