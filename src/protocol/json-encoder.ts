/**
 * JSON snapshots: the same quantised values as the binary frames, in a form that a person can read and any language can
 * parse in a line. For debugging and small clients: it remembers what each session knows, and costs O(entities seen) time,
 * memory and garbage for each session and snapshot.
 */
import type { EntityId } from "../kernel/types.js";
import { FIELDS, type Field } from "./fields.js";
import { dequantise } from "./interest.js";
import type { SnapshotEncoder } from "./snapshot-encoder.js";
import type { View } from "./view.js";

/** An entity as it enters: position in units, and every row of the field table. */
export type EntityJson = { id: EntityId; x: number; y: number } & Record<Field["name"], number>;

/** The session's own entity in full precision: units, units per second. */
export interface YouJson {
  id: EntityId;
  x: number;
  y: number;
  vx: number;
  vy: number;
  hp: number;
}

export interface SnapshotJson {
  type: "snapshot";
  tick: number;
  /** The last input seq that the simulation applied. */
  ack: number;
  /** null for a spectator. */
  you: YouJson | null;
  enter: EntityJson[];
  /** The id, and only what changed. */
  update: ({ id: EntityId } & Partial<EntityJson>)[];
  leave: EntityId[];
}

/** One session's JSON snapshots. */
export class JsonEncoder {
  readonly #known = new Map<EntityId, EntityJson>();

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
      else if (differs(known, entity)) snapshot.update.push(difference(known, entity));
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

function visibleEntities(encoder: SnapshotEncoder, { next }: View): Map<EntityId, EntityJson> {
  const { cellStart, cellSlots } = encoder.blocks;
  const visible = new Map<EntityId, EntityJson>();
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

function entityAt({ blocks, grid }: SnapshotEncoder, slot: number, column: number, row: number): EntityJson {
  const { current } = blocks;
  const entity: EntityJson = {
    id: current.id[slot]!,
    x: dequantise(current.qx[slot]!, column * grid.side),
    y: dequantise(current.qy[slot]!, row * grid.side),
    hp: 0,
    kind: 0,
    team: 0,
  };
  FIELDS.forEach((field, f) => {
    entity[field.name] = current.fields[f]![slot]!;
  });
  return entity;
}

const COMPARED = ["x", "y", ...FIELDS.map((field) => field.name)] as const;

function differs(before: EntityJson, now: EntityJson): boolean {
  return COMPARED.some((name) => before[name] !== now[name]);
}

function difference(before: EntityJson, now: EntityJson): { id: EntityId } & Partial<EntityJson> {
  const changed: { id: EntityId } & Partial<EntityJson> = { id: now.id };
  for (const name of COMPARED) if (before[name] !== now[name]) changed[name] = now[name];
  return changed;
}
