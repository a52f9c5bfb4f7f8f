/** What runs the zones of a server: on the caller's thread (local.ts), or on threads of their own (threaded.ts). */
import type { Kernel, Zone } from "../kernel/types.js";
import type { Pace, ZoneRuns } from "../ops/metrics.js";
import type { Recording, RecordingSpec } from "../ops/recording.js";
import type { TickTimes } from "../sim/ticks.js";
import type { Venue, Venues } from "../sim/venue.js";
import type { Meter, ThreadStats } from "../sync/meter.js";

export interface Simulation {
  readonly kernel: Kernel;
  /** As those see them who serve players. */
  readonly venues: Venues;
  /** Their memories by name, as far as the main thread can read them. */
  readonly zones: ReadonlyMap<string, Zone>;
  readonly schedule: Pace;
  readonly ticks: TickTimes;
  readonly runs: ZoneRuns;
  /** Those that simulate, the main one first; its meter is handed in. */
  readonly threads: readonly ThreadStats[];
  /** Null when none is made. */
  readonly recording: Recording | null;
  /** Begins to tick. */
  start(audience: SimulationAudience): void;
  /** Who reads sockets did something: a tick that is due and is to be run on this thread is not to wait for the rest of them. */
  poke(): void;
  /** No more ticks, and no more calls. force: a recording ends where it is, and no thread is waited for that does not end by itself soon. */
  stop(force?: boolean): Promise<void>;
  /** The zones are closed. After stop. */
  close(): void;
}

/** Makes the recording of zones that have not ticked yet. */
export type MakeRecording = (sourceOf: RecordingSpec["sourceOf"]) => Recording;

/** Whom it is for: who serves players. */
export interface SimulationAudience {
  /** A tick is done, or the newest of some. */
  publish(nowMs: number): void;
  /** So many events of games were lost on their way here. */
  tellsLost(count: number): void;
  /** So much was that what sessions know is wrong: they must all be closed, within the call. */
  overrun(): void;
}

/** What a simulation tells, beside its ticks. */
export interface SimulationEvents {
  /** Its game failed, or its kernel. */
  zoneStopped(venue: Venue): void;
  /** A sim worker's thread was given up, and another takes its place. */
  threadFailed(failure: ThreadFailure): void;
  /** A zone will stop when it fails, as what it keeps has no room where it would be taken up from. */
  zoneUnkept(zone: string, message: string): void;
  /** Something failed in a game, on a sim worker's thread, outside of all hooks. */
  stray(message: string): void;
}

/** The main thread's meter under its name. */
export function mainThread(meter: Meter): ThreadStats {
  return { name: "main", meter, requestBytes: 0, noticeBytes: 0 };
}

export interface ThreadFailure {
  /** As in metrics. */
  readonly thread: string;
  /** The name of the zone that it was at; "" for none. */
  readonly zone: string;
  readonly message: string;
}
