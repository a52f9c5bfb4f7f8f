/** What a zone's replica is, from what the zone is and how its players are told of it. */
import type { ReplicaSpec } from "../kernel/replica.js";
import { FAR, NEAR, NORMAL } from "../kernel/streams.js";
import { type ColumnInfo, FieldTable } from "./fields.js";
import { interestGrid } from "./interest.js";
import { STREAM_PLAN, type StreamPlan } from "./view.js";

/** Snapshots of a stream between two hashes of a cell: at 20 a second one in 3 s. */
export const HASH_EVERY = 64;

interface ReplicatedZone {
  /** Units. */
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  /** Of a position. Default 16. */
  readonly stepsPerUnit?: number;
  /** Per side of a cell. Default 32. */
  readonly interestTiles?: number;
  /** Entities. */
  readonly capacity: number;
  readonly seats: number;
  /** Own columns that clients get. */
  readonly replicated: readonly ColumnInfo[];
}

/** The streams that anybody can be told by. */
export function streamsOf({ nearRadius, viewRadius, farRadius }: StreamPlan): number[] {
  return [...(nearRadius >= 0 ? [NEAR] : []), NORMAL, ...(farRadius > viewRadius ? [FAR] : [])];
}

/** Throws BAD_ARGUMENT for a zone that cannot be cut into cells, and columns that nobody could read. */
export function replicaSpec(zone: ReplicatedZone, plan: StreamPlan = STREAM_PLAN): ReplicaSpec {
  const { capacity, seats, replicated } = zone;
  const { hashEvery = HASH_EVERY } = plan;
  const grid = interestGrid(zone.width, zone.height, zone.tileSize, zone.stepsPerUnit, zone.interestTiles);
  const { columns, rows, sideSteps, stepsPerUnit } = grid;
  const { fields } = new FieldTable(replicated);
  return {
    ...{ capacity, seats, columns, rows, sideSteps, stepsPerUnit, hashEvery },
    streams: streamsOf(plan),
    fields: fields.map(({ name, type, step }) => (step === undefined ? { name, type } : { name, type, step })),
  };
}
