/**
 * What a connection knows of interest cells, for pages that show how replication goes: which cells it is told of, by which stream, how
 * long ago, and of how many entities. Costs a few nanoseconds a cell when somebody looks, and nothing otherwise; JSON snapshots know no cells.
 */
import type { InterestGrid } from "../protocol/interest.js";
import type { KnownCell } from "../protocol/remote-entity.js";
import type { SnapshotDecoder } from "../protocol/snapshot-decoder.js";

/** By number, as in {@link Stats.bytesByStream}. */
const STREAMS = ["near", "normal", "far"] as const;

export interface CellView {
  /** Row by row from the top left: row * columns + column. */
  cell: number;
  /** Units; the last ones of a row or column may reach beyond the zone. */
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** How it is told. */
  stream: (typeof STREAMS)[number];
  /** Of its last block: what has not changed is not told again. */
  tick: number;
  /** Entities that were in it then. */
  members: number;
}

/** In no order; the same object for each cell, which is not to be kept. */
export function* viewCells({ cells, grid }: Pick<SnapshotDecoder, "cells" | "grid">): Generator<Readonly<CellView>> {
  const view: CellView = { cell: 0, x0: 0, y0: 0, x1: 0, y1: 0, stream: "normal", tick: 0, members: 0 };
  for (const [cell, known] of cells) yield fill(view, cell, known, grid);
}

function fill(view: CellView, cell: number, known: KnownCell, grid: InterestGrid): CellView {
  const side = grid.sideSteps / grid.stepsPerUnit;
  const row = Math.floor(cell / grid.columns);
  view.cell = cell;
  view.x0 = (cell - row * grid.columns) * side;
  view.y0 = row * side;
  view.x1 = view.x0 + side;
  view.y1 = view.y0 + side;
  view.stream = STREAMS[known.stream]!;
  view.tick = known.tick;
  view.members = known.members.length;
  return view;
}
