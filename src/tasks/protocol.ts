/** What a scheduler and its workers tell each other by messages, once, before all goes through shared memory. */
import type { Spin } from "../sync/waiter.js";
import type { BoardSpec } from "./board.js";

export interface WorkerData {
  readonly spec: BoardSpec;
  readonly buffer: SharedArrayBuffer;
  readonly thread: number;
  /** A URL. */
  readonly module: string;
  /** Of the tasks, by index. */
  readonly names: readonly string[];
  readonly channel: string;
  readonly spin: Spin;
}

/** The module is there, and the worker hears what is shared. */
export interface FromWorker {
  readonly kind: "ready";
}

/** What was shared before it heard. From here on it works. */
export interface ToWorker {
  readonly handles: readonly [number, SharedArrayBuffer][];
}
