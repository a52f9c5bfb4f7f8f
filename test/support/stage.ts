/** One session's frames and what their readers make of them, over a world of columns alone. */
import { FAR, NEAR, NORMAL } from "../../src/kernel/streams.js";
import type { Kernel } from "../../src/kernel/types.js";
import { Composer } from "../../src/protocol/composer.js";
import { type ColumnInfo, FieldTable } from "../../src/protocol/fields.js";
import { FRAME_AT, FrameBuffer } from "../../src/protocol/frame-buffer.js";
import { interestGrid } from "../../src/protocol/interest.js";
import { streamsOf } from "../../src/protocol/replica-spec.js";
import { SnapshotDecoder, type ZoneSize } from "../../src/protocol/snapshot-decoder.js";
import { STREAM_PLAN, type StreamPlan, View } from "../../src/protocol/view.js";
import { SceneWorld } from "./scene.js";
import { WireReader } from "./wire-reader.js";

/** Cells of 32 units and 512 steps, 3 x 2 of them. */
export const SMALL: ZoneSize = { width: 96, height: 64, tileSize: 1 };

/** A raw float, one with a step, a signed and an unsigned integer. */
export const COLUMNS = [
  { name: "mood", type: "f32" },
  { name: "mana", type: "f32", step: 0.25 },
  { name: "debt", type: "i8" },
  { name: "mark", type: "u32" },
] as const;

export const STREAM_NEAR = 1 << NEAR;
export const STREAM_NORMAL = 1 << NORMAL;
export const STREAM_FAR = 1 << FAR;

export interface StageSpec {
  readonly size?: ZoneSize;
  readonly columns?: readonly ColumnInfo[];
  readonly plan?: StreamPlan;
  readonly hashEvery?: number;
  readonly capacity?: number;
}

export class Stage {
  readonly size: ZoneSize;
  readonly columns: readonly ColumnInfo[];
  readonly world: SceneWorld;
  readonly composer: Composer;
  readonly view: View;
  readonly decoder: SnapshotDecoder;
  readonly reader: WireReader;
  readonly #frame = new FrameBuffer(0);
  readonly #kept: number;

  constructor(kernel: Kernel, spec: StageSpec = {}) {
    // By default a hash never comes.
    const { size = SMALL, columns = [], plan = STREAM_PLAN, hashEvery = 2 ** 31, capacity = 16 } = spec;
    this.size = size;
    this.columns = columns;
    this.world = new SceneWorld(kernel, {
      ...size,
      capacity,
      seats: 1,
      replicated: columns,
      plan: { ...plan, hashEvery },
    });
    const { width, height, tileSize, stepsPerUnit, interestTiles } = size;
    const grid = interestGrid(width, height, tileSize, stepsPerUnit, interestTiles);
    this.composer = new Composer(this.world.replica, grid, new FieldTable(columns));
    this.view = new View(plan);
    this.#kept = streamsOf(plan).reduce((bits, stream) => bits | (1 << stream), 0);
    this.decoder = this.makeDecoder();
    this.reader = new WireReader({ ...size, columns });
  }

  makeDecoder(): SnapshotDecoder {
    return new SnapshotDecoder(this.size, this.columns);
  }

  /** The world as it is, as the next snapshot of these streams, of those that the plan has. */
  take(tick: number, streams = STREAM_NORMAL): void {
    this.world.take(streams & this.#kept, tick);
    this.composer.beginRound(tick);
  }

  /** The session's frame of the last snapshot, which nobody has read. */
  compose(ack = 0, bytesMax = 2 ** 20): Uint8Array<ArrayBuffer> {
    const size = this.composer.compose(this.view, 0, ack, bytesMax, this.#frame);
    return this.#frame.bytes.slice(FRAME_AT, FRAME_AT + size);
  }

  /** A snapshot and its frame, which both readers have read. */
  frame(tick: number, ack = 0, streams = STREAM_NORMAL): Uint8Array<ArrayBuffer> {
    this.take(tick, streams);
    return this.read(this.compose(ack));
  }

  read<T extends Uint8Array>(frame: T): T {
    this.decoder.decode(frame);
    this.reader.read(frame);
    return frame;
  }

  /** An entity of kind 1, team 2, level 1 and 100 hp. */
  spawn(slot: number, x: number, y: number): number {
    const id = this.world.spawn(slot, x, y);
    for (const [name, value] of Object.entries({ hp: 100, kind: 1, team: 2, level: 1 })) this.set(name, slot, value);
    return id;
  }

  set(column: string, slot: number, value: number): void {
    this.world.column(column)[slot] = value;
  }
}

/** All that a decoder knows, for comparison. */
export function knowledge(decoder: SnapshotDecoder): string {
  const { tick, ack, you, entities, cells, blockBytes, otherBytes, hashChecks, hashMisses } = decoder;
  return JSON.stringify([
    { tick, ack, you, otherBytes, hashChecks, hashMisses, blockBytes: [...blockBytes] },
    [...entities.byId.values()],
    [...entities.between].map(({ entity, toCell, leftTick }) => [entity.id, toCell, leftTick]),
    [...cells].map(([cell, { stream, tick, members }]) => [
      [cell, stream, tick],
      members.map(({ record, x, y, dx, dy, words, isChanged }) => [
        [record.entity.id, record.shown?.cell === cells.get(cell), x, y, dx, dy, isChanged],
        [...words],
      ]),
    ]),
  ]);
}
