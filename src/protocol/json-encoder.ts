/**
 * JSON snapshots: the same quantised values as the binary frames, in a form that a person can read and any language can
 * parse in a line. For debugging and small clients: it remembers what each session knows, and costs O(entities seen) time,
 * memory and garbage for each session and snapshot.
 */
import type { EntityId } from "../kernel/types.js";
import { type Entity, type FieldTable, fieldValue } from "./fields.js";
import { dequantise } from "./interest.js";
import type { SnapshotEncoder } from "./snapshot-encoder.js";
import type { View } from "./view.js";

/** The session's own entity in full precision: units, units per second; and what only its player is told of it. */
export interface YouJson {
  id: EntityId;
  x: number;
  y: number;
  vx: number;
  vy: number;
  /** Units per second, and half the side of its box. */
  speed: number;
  halfSize: number;
  /** The wish that it moves by, of length at most 1. */
  wishX: number;
  wishY: number;
  hp: number;
  xp: number;
  gold: number;
  /** Tick from which on it can strike again. */
  readyAt: number;
  level: number;
}

/** What changed of an entity. */
type Changes = { id: EntityId } & Record<string, number>;

export interface SnapshotJson {
  type: "snapshot";
  tick: number;
  /** The last input seq that the simulation applied. */
  ack: number;
  /** null for a spectator. */
  you: YouJson | null;
  enter: Entity[];
  /** The id, and only what changed. */
  update: Changes[];
  leave: EntityId[];
}

/** One session's JSON snapshots. */
export class JsonEncoder {
  readonly #known = new Map<EntityId, Entity>();

  /** What {@link SnapshotEncoder.compose} does, as text. Between begin() and end(). */
  compose(encoder: SnapshotEncoder, view: View, you: EntityId, ack: number): string {
    const snapshot: SnapshotJson = {
      type: "snapshot",
      tick: encoder.tick,
      ack,
      you: encoder.you(you),
      enter: [],
      update: [],
      leave: [],
    };
    view.aim(encoder.grid, encoder.cell(you));
    const visible = visibleEntities(encoder, view);
    for (const id of this.#known.keys()) {
      if (!visible.has(id)) snapshot.leave.push(id);
    }
    for (const id of snapshot.leave) this.#known.delete(id);
    for (const [id, entity] of visible) {
      const known = this.#known.get(id);
      if (known === undefined) snapshot.enter.push(entity);
      else addChanges(known, entity, encoder.table, snapshot.update);
      this.#known.set(id, entity);
    }
    view.delivered(encoder.sequence);
    return JSON.stringify(snapshot);
  }

  /** For a session that moves to another zone, whose client forgets as well. */
  reset(): void {
    this.#known.clear();
  }
}

function visibleEntities(encoder: SnapshotEncoder, { next }: View): Map<EntityId, Entity> {
  const { cellStart, cellSlots } = encoder.blocks;
  const visible = new Map<EntityId, Entity>();
  for (let row = next.row0; row < next.row1; row++) {
    for (let column = next.column0; column < next.column1; column++) {
      const cell = row * encoder.grid.columns + column;
      for (let at = cellStart[cell]!; at < cellStart[cell + 1]!; at++) {
        const entity = entityAt(encoder, cellSlots[at]!, column, row);
        visible.set(entity.id, entity);
      }
    }
  }
  return visible;
}

function entityAt({ blocks, grid, table }: SnapshotEncoder, slot: number, column: number, row: number): Entity {
  const { current } = blocks;
  const entity: Record<string, number> = {
    id: current.id[slot]!,
    x: dequantise(current.qx[slot]!, column * grid.side),
    y: dequantise(current.qy[slot]!, row * grid.side),
  };
  table.fields.forEach((field, f) => {
    entity[field.name] = fieldValue(field, current.fields[f]![slot]!);
  });
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
