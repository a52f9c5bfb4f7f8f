/** The shared memory of a server's threads: made by the main thread, handed to the others as it is, opened by each. */
import { entityBytes } from "../kernel/transfer.js";
import { Schedule } from "../sim/clock.js";
import { Failures } from "../sim/failures.js";
import { Passage } from "../sim/passage.js";
import { TickTimes } from "../sim/ticks.js";
import { Meter } from "../sync/meter.js";
import { Board } from "./board.js";
import { LentSteps } from "./lent-steps.js";

/** What sizes follow from. */
export interface Shape {
  readonly slots: number;
  readonly zones: number;
  /** Per second. */
  readonly tickRate: number;
  /** Columns of the game's own. */
  readonly columns: number;
  /** By zone, whether gates lead out of it. */
  readonly gated: readonly boolean[];
}

/** Passes through postMessage. */
export interface SharedParts {
  readonly shape: Shape;
  readonly board: SharedArrayBuffer;
  readonly schedule: SharedArrayBuffer;
  readonly costs: SharedArrayBuffer;
  readonly lent: SharedArrayBuffer;
  readonly failures: SharedArrayBuffer;
  /** Of the server's ticks. */
  readonly ticks: SharedArrayBuffer;
  /** By slot. */
  readonly meters: readonly SharedArrayBuffer[];
  /** By zone; of no bytes for one without gates. */
  readonly passages: readonly SharedArrayBuffer[];
}

export function makeParts(shape: Shape): SharedParts {
  const { slots, zones, tickRate, columns, gated } = shape;
  const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
  return {
    shape,
    board: shared(Board.bytesOf(slots, zones)),
    schedule: shared(8 * Schedule.lengthOf(tickRate)),
    costs: shared(8 * zones),
    lent: shared(4 * LentSteps.wordsOf(zones)),
    failures: shared(Failures.sizeOf(zones)),
    ticks: shared(8 * TickTimes.words()),
    meters: Array.from({ length: slots }, () => shared(8 * Meter.words())),
    passages: gated.map((isGated) => shared(isGated ? Passage.bytesOf(entityBytes(columns)) : 0)),
  };
}

/** One thread's view of them. */
export function openParts({ shape, board, schedule, costs, lent, failures, ticks, meters, passages }: SharedParts) {
  const { slots, zones, tickRate, columns } = shape;
  return {
    board: new Board(board, slots, zones),
    schedule: new Schedule(tickRate, new Float64Array(schedule)),
    costs: new Float64Array(costs),
    lent: new Int32Array(lent),
    failures: new Failures(zones, failures),
    ticks: new TickTimes(new Float64Array(ticks)),
    meters: meters.map((words) => new Meter(new Float64Array(words))),
    passages: passages.map((buffer) =>
      buffer.byteLength === 0 ? undefined : new Passage(entityBytes(columns), buffer),
    ),
  };
}
