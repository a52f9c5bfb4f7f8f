/** What a connection tells of itself, and what a game may add to its types. */
import type { GyreError } from "../errors.js";
import type { EntityId } from "../kernel/types.js";
import type { ZoneInfo } from "../protocol/control.js";
import type { RemoteEntity } from "../protocol/remote-entity.js";

/**
 * The types of one's game, for `connect<MyGame>(...)`; all optional. They are taken at their word: the wire checks that a column is a number
 * of its type, and an event any JSON.
 *
 *     interface MyGame {
 *       columns: { coins: number };
 *       events: { coin: { name: string; coins: number } };
 *     }
 */
export interface GameTypes {
  /** The columns that the game replicates, by name. */
  columns?: object;
  /** The data of the events that it tells, by their names. */
  events?: object;
}

/** What is known of an entity in this game. */
export type EntityOf<G extends GameTypes> = RemoteEntity &
  (G extends { columns: infer C extends object } ? Readonly<C> : unknown);

/** An event of this game: tell them apart by `name`. */
export type EventOf<G extends GameTypes> = G extends { events: infer E extends object }
  ? { [K in keyof E & string]: { readonly name: K; readonly data: E[K] } }[keyof E & string]
  : { readonly name: string; readonly data: unknown };

/** Units, x0 <= x1 and y0 <= y1. */
export interface ViewRect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface Stats {
  /** Bytes of all messages received. */
  bytesIn: number;
  snapshots: number;
  /** Milliseconds of the last round trip; 0 before the first. */
  rttMs: number;
  /** Predictions that the server's state was not equal to. */
  corrections: number;
  /** Milliseconds between two snapshots, of the last 256: half of them are no longer, 95 and 99 of 100. 0 before the second. */
  gapP50Ms: number;
  gapP95Ms: number;
  gapP99Ms: number;
  /** Cells whose state hash was compared, and cells that differed and were asked for in full. */
  hashChecks: number;
  repairs: number;
  /** Of {@link bytesIn}: near, normal and far cells, the private part, the state tree. */
  bytesByStream: [near: number, normal: number, far: number, own: number, state: number];
  /** Times that the connection was lost and taken up again. */
  resumes: number;
}

export function newStats(): Stats {
  return {
    bytesIn: 0,
    snapshots: 0,
    rttMs: 0,
    corrections: 0,
    gapP50Ms: 0,
    gapP95Ms: 0,
    gapP99Ms: 0,
    hashChecks: 0,
    repairs: 0,
    bytesByStream: [0, 0, 0, 0, 0],
    resumes: 0,
  };
}

/** A try to take up a lost connection. The same object each time. */
export interface Retry {
  /** 1 for the first one since the connection was lost. */
  attempt: number;
  /** Milliseconds until it begins. */
  waitMs: number;
  /** Why the connection was lost, or the last attempt failed. */
  error: GyreError;
}

/** Where one's own entity is by now, as predicted; the same object each time. Units. */
export interface Predicted {
  /** To be drawn: between the last two ticks, and gliding where the prediction was corrected. */
  x: number;
  y: number;
  /** What the server will find at {@link tick}, if nothing that is unknown here gets in the way. */
  exactX: number;
  exactY: number;
  tick: number;
}

export interface ConnectionEvents<G extends GameTypes = GameTypes> {
  /** A snapshot of this tick was applied. */
  snapshot: (tick: number) => void;
  /** A message of the zone's state tree was applied: `state` and `ownState` are of now. Its events follow. */
  state: () => void;
  /** The zone's game tells something: what, and any JSON. */
  event: (event: EventOf<G>) => void;
  /** The player's entity is another one, in the same zone or not; 0: it has none any more. */
  you: (id: EntityId) => void;
  /**
   * What follows is of another zone, which may have the same name, on a server with another game; all entities of the one before are forgotten.
   * `you` follows, if it changed.
   */
  zone: (zone: ZoneInfo) => void;
  /** The server refused something; or the map for the prediction is not to be had, and there is none. */
  error: (error: GyreError) => void;
  /** The connection is lost, and another try to take it up begins in a while. All entities of before are kept until `resumed`. */
  reconnecting: (retry: Readonly<Retry>) => void;
  /** The connection goes on; the entities come anew. rejoined: as a new player, with `rejoin`. Before `zone` and `you`, if they changed. */
  resumed: (rejoined: boolean) => void;
  /** The connection is gone for good. `error` says why, if it was not asked for. */
  close: (code: number, reason: string, error: GyreError | null) => void;
}
