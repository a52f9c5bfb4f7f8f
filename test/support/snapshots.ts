/** A server's side of snapshots without a server: a zone's columns in, frames of one session out. */

import { loadKernel } from "../../src/kernel/load.js";
import { createReplica, ReplicaTaker } from "../../src/kernel/replica.js";
import { NORMAL } from "../../src/kernel/streams.js";
import type { TypedColumn } from "../../src/kernel/types.js";
import { Composer } from "../../src/protocol/composer.js";
import { type ColumnInfo, FieldTable } from "../../src/protocol/fields.js";
import { FRAME_AT, FrameBuffer } from "../../src/protocol/frame-buffer.js";
import { interestGrid } from "../../src/protocol/interest.js";
import { JsonEncoder } from "../../src/protocol/json-encoder.js";
import { replicaSpec } from "../../src/protocol/replica-spec.js";
import { View } from "../../src/protocol/view.js";

export interface ColumnZone {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly capacity: number;
  readonly columns: object;
  readonly own: Readonly<Record<string, TypedColumn>>;
}

const kernel = await loadKernel();

export class Snapshots {
  readonly view = new View();
  readonly composer: Composer;
  readonly #taker: ReplicaTaker;
  readonly #entities = new Uint32Array(1);
  readonly #frame = new FrameBuffer(0);
  readonly #json = new JsonEncoder();
  readonly #capacity: number;

  constructor(zone: ColumnZone, columns: readonly ColumnInfo[] = []) {
    const { width, height, tileSize, capacity } = zone;
    const replica = createReplica(
      kernel,
      replicaSpec({ width, height, tileSize, capacity, seats: 1, replicated: columns }),
    );
    const all = { ...zone.own, ...zone.columns } as Record<string, TypedColumn>;
    const [acks, tags] = [new Uint32Array(1), new Uint32Array(1)];
    this.#taker = new ReplicaTaker(replica, { columns: all, entities: this.#entities, acks, tags });
    this.composer = new Composer(replica, interestGrid(width, height, tileSize), new FieldTable(columns));
    this.#capacity = capacity;
  }

  /** The zone as it is, as told to the player of this entity. */
  frame(tick: number, you: number, ack = 0): Uint8Array<ArrayBuffer> {
    this.#take(tick, you);
    const size = this.composer.compose(this.view, 0, ack, 1 << 20, this.#frame);
    return this.#frame.bytes.slice(FRAME_AT, FRAME_AT + size);
  }

  /** The same in JSON. */
  text(tick: number, you: number, ack = 0): string {
    this.#take(tick, you);
    return this.#json.compose(this.composer, this.view, 0, ack);
  }

  #take(tick: number, you: number): void {
    this.#entities[0] = you;
    this.#taker.take(1 << NORMAL, tick, this.#capacity);
    this.composer.beginRound(tick);
  }
}
