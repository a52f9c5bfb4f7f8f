/** What the threads of a load and the main one tell each other. */
import type { CrowdResult, CrowdSpec } from "./crowd.js";

export interface ThreadData {
  readonly spec: CrowdSpec;
  /** Where to connect, format included. */
  readonly url: string;
  readonly zone: string | undefined;
  readonly seed: number;
  readonly tally: SharedArrayBuffer;
}

/** "measure" begins the measurement, "measured" ends it, "end" ends all and asks for the result. */
export type ToThread = "measure" | "measured" | "end";

export interface FromThread {
  readonly result: CrowdResult;
}
