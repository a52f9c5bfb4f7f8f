/** A world of columns alone, without a kernel's rules: what a replica is taken of, in tests and benches. */

import { columnBytes, columnView } from "../../src/kernel/columns.js";
import { OWN_COLUMNS } from "../../src/kernel/own-columns.js";
import { createReplica, type Replica, ReplicaTaker } from "../../src/kernel/replica.js";
import type { Kernel, TypedColumn } from "../../src/kernel/types.js";
import type { ColumnInfo } from "../../src/protocol/fields.js";
import { FieldTable } from "../../src/protocol/fields.js";
import { replicaSpec } from "../../src/protocol/replica-spec.js";
import type { StreamPlan } from "../../src/protocol/view.js";

export interface SceneSpec {
  /** Units. */
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly stepsPerUnit?: number;
  readonly interestTiles?: number;
  readonly capacity: number;
  readonly seats: number;
  readonly replicated?: readonly ColumnInfo[];
  readonly plan?: StreamPlan;
}

export class SceneWorld {
  readonly spec: SceneSpec;
  readonly replica: Replica;
  readonly taker: ReplicaTaker;
  readonly columns: Record<string, TypedColumn>;
  readonly entities: Uint32Array;
  readonly acks: Uint32Array;
  readonly tags: Uint32Array;
  readonly #generation: Uint16Array;

  constructor(kernel: Kernel, spec: SceneSpec) {
    const { capacity, seats, replicated = [], plan } = spec;
    this.spec = spec;
    const infos = [...OWN_COLUMNS, ...new FieldTable(replicated).fields];
    this.columns = Object.fromEntries(
      infos.map(({ name, type }) => [
        name,
        columnView(type, new ArrayBuffer(capacity * columnBytes(type)), 0, capacity),
      ]),
    );
    this.entities = new Uint32Array(seats);
    this.acks = new Uint32Array(seats);
    this.tags = new Uint32Array(seats);
    this.#generation = new Uint16Array(capacity);
    this.replica = createReplica(kernel, replicaSpec({ ...spec, replicated }, plan));
    const { columns, entities, acks, tags } = this;
    this.taker = new ReplicaTaker(this.replica, { columns, entities, acks, tags });
  }

  column(name: string): TypedColumn {
    const column = this.columns[name];
    if (column === undefined) throw new Error(`no column ${name}`);
    return column;
  }

  isAlive(slot: number): boolean {
    return this.column("id")[slot] !== 0;
  }

  spawn(slot: number, x: number, y: number): number {
    this.#generation[slot] = (this.#generation[slot]! % 4095) + 1;
    const id = slot * 4096 + this.#generation[slot]!;
    for (const column of Object.values(this.columns)) column[slot] = 0;
    this.column("id")[slot] = id;
    this.column("x")[slot] = x;
    this.column("y")[slot] = y;
    return id;
  }

  despawn(slot: number): void {
    this.column("id")[slot] = 0;
  }

  /** A snapshot of each stream whose bit is set. */
  take(streams: number, tick: number): void {
    this.taker.take(streams, tick, this.spec.capacity);
  }
}
