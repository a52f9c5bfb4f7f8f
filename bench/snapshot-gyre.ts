/**
 * gyre in `snapshot`: the only file of it that knows how gyre encodes. The zone is a real one of the build that is measured; the crowd is
 * written into its columns, which is what a step leaves behind.
 */
import { loadKernel } from "../src/kernel/load.js";
import { createReplica, ReplicaTaker } from "../src/kernel/replica.js";
import { NORMAL } from "../src/kernel/streams.js";
import type { TypedColumn } from "../src/kernel/types.js";
import { Composer } from "../src/protocol/composer.js";
import { FieldTable } from "../src/protocol/fields.js";
import { FRAME_AT, FrameBuffer } from "../src/protocol/frame-buffer.js";
import { interestGrid } from "../src/protocol/interest.js";
import { replicaSpec } from "../src/protocol/replica-spec.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { View } from "../src/protocol/view.js";
import type { Params } from "./operation.js";
import type { Publisher } from "./snapshot.js";
import {
  CELL_TILES,
  type Crowd,
  framesOf,
  type Known,
  STEPS_PER_UNIT,
  seesAll,
  TILE,
  VIEW_RADIUS,
} from "./snapshot-world.js";

export async function gyre(build: "simd" | "scalar", crowd: Crowd, params: Params): Promise<Publisher> {
  // What makes its replica must be of one bundle with it.
  const kernel = await loadKernel({ build, checked: false });
  const { n, side } = crowd;
  const zone = kernel.createZone({
    width: side,
    height: side,
    capacity: n,
    tileSize: TILE,
    cellSize: TILE * CELL_TILES,
  });
  const ids = Uint32Array.from({ length: n }, (_, i) => {
    const at = { x: crowd.x[i]! / STEPS_PER_UNIT, y: crowd.y[i]! / STEPS_PER_UNIT };
    return zone.spawn({ ...at, halfSize: 0, kind: crowd.kind[i]!, team: crowd.team[i]!, hp: crowd.hp[i]! });
  });
  const slots = ids.map((id) => zone.slot(id));
  const { columns } = zone;
  for (let i = 0; i < n; i++) {
    columns.kind[slots[i]!] = crowd.kind[i]!;
    columns.team[slots[i]!] = crowd.team[i]!;
    columns.level[slots[i]!] = crowd.level[i]!;
  }

  const size = { width: side, height: side, tileSize: TILE };
  const replica = createReplica(kernel, replicaSpec({ ...size, capacity: n, seats: n, replicated: [] }));
  const all: Record<string, TypedColumn> = { ...columns };
  const [entities, acks, tags] = [Uint32Array.from(ids), new Uint32Array(n), new Uint32Array(n)];
  const taker = new ReplicaTaker(replica, { columns: all, entities, acks, tags });
  const composer = new Composer(replica, interestGrid(side, side, TILE), new FieldTable());
  const frames = Array.from({ length: framesOf(params) }, () => new FrameBuffer(4096));
  const sizes = new Uint32Array(frames.length);
  const views = frames.map(() => {
    const view = new View({ nearRadius: -1, viewRadius: VIEW_RADIUS, farRadius: VIEW_RADIUS });
    if (seesAll(params)) view.watch(0, 0, side, side);
    return view;
  });
  const readers = frames.map(() => new SnapshotDecoder(size));
  const entityOf = new Map(Array.from(ids, (id, i) => [id, i]));
  let tick = 0;
  return {
    take() {
      for (let i = 0; i < n; i++) {
        const slot = slots[i]!;
        columns.x[slot] = crowd.x[i]! / STEPS_PER_UNIT;
        columns.y[slot] = crowd.y[i]! / STEPS_PER_UNIT;
        columns.hp[slot] = crowd.hp[i]!;
        columns.state[slot] = crowd.state[i]!;
      }
    },
    publish() {
      let bytes = 0;
      tick += 3;
      taker.take(1 << NORMAL, tick, n);
      composer.beginRound(tick);
      for (let i = 0; i < frames.length; i++) {
        const frame = frames[i]!;
        const seat = seesAll(params) ? -1 : i;
        sizes[i] = composer.compose(views[i]!, seat, tick, Number.POSITIVE_INFINITY, frame);
        bytes += sizes[i]!;
      }
      return bytes;
    },
    read(viewer) {
      const reader = readers[viewer]!;
      reader.decode(frames[viewer]!.bytes.subarray(FRAME_AT, FRAME_AT + sizes[viewer]!));
      const seen = new Map<number, Known>();
      for (const { id, x, y, hp } of reader.entities.byId.values()) {
        seen.set(entityOf.get(id)!, { x: x * STEPS_PER_UNIT, y: y * STEPS_PER_UNIT, hp });
      }
      return seen;
    },
  };
}
