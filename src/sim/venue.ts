/**
 * A zone as those see it who serve its players, wherever it is stepped. {@link World} is one, stepped on the same thread: what is
 * asked of it happens at once, and its callbacks come from within its step. One that is stepped on another thread answers later: a join
 * may be refused when its session has gone on already, and what snapshots are taken of is the state of some ticks ago.
 */
import type { GyreError } from "../errors.js";
import type { Replica } from "../kernel/replica.js";
import type { EntityId } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import type { ColumnInfo } from "../protocol/fields.js";
import type { StateSink } from "../state/feed.js";
import type { SyncInfo } from "../state/formats.js";
import type { Gate } from "./gates.js";
import type { Tell } from "./world-spec.js";

/** What a zone is to who is told of it. */
export interface Extent {
  /** Units. */
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  /** Steps per unit in which positions are told. */
  readonly stepsPerUnit: number;
  /** Tiles per side of an interest cell. */
  readonly interestTiles: number;
  /** Entities, at most. */
  readonly capacity: number;
}

/** What a zone counts. Counters since it was made; the others are as of now. */
export const FIGURES = [
  /** Bots aside, also those who wait to enter. */
  "players",
  "entities",
  "entitiesHighWater",
  /** Times that no entity slot was left, or none but the players'. */
  "entitiesRefused",
  "pathRequests",
  "pathRequestsMax",
  "pathRequestsHighWater",
  "pathRequestsRefused",
  /** Events that found no room, by what happened to them. */
  "eventsDroppedOldest",
  "eventsDroppedLow",
  "eventsRefused",
  /** Commands that wait, and those that found no room. */
  "pending",
  "commandsRefused",
  /** Entities that were refused at its gates. */
  "transfersRefused",
] as const;

export type Figures = Record<(typeof FIGURES)[number], number>;

export interface Venue {
  readonly name: string;
  readonly map: MapData;
  /** Those that lead out of it. */
  readonly gates: readonly Gate[];
  /** Own columns that clients get. */
  readonly replicated: readonly ColumnInfo[];
  /** The name of the template that it is a room of; "" for what is none. */
  readonly template: string;
  /** Ticks by which its snapshots and syncs come before those of the first zone: zones that have them less often than ticks take turns. */
  readonly phase: number;
  /** Players at a time, bots aside. */
  readonly playersMax: number;
  /** What clients are told of its state tree; null when its game declares none. */
  readonly sync: SyncInfo | null;
  /** Why it stopped; null while it runs. */
  readonly fault: GyreError | null;
  /** The tick that it is in, as far as is known here; older than that of all zones while it sleeps. */
  readonly tick: number;
  readonly asleep: boolean;
  /** Whether its game lets nobody in for now. */
  readonly isLocked: boolean;

  // For whoever serves players. Called between two calls of the venue or within its step; null when nobody cares.

  /** A player is in: its entity, 0 when the game gave it none. Once for each seat that was not given up first. */
  onEnter: ((seat: number, id: EntityId) => void) | null;
  /** A player who is in has another entity from now on; 0 for none. */
  onPossess: ((seat: number, id: EntityId) => void) | null;
  /** The game tells players something. */
  onTell: ((tell: Readonly<Tell>) => void) | null;
  /** What changed in the state tree, see feed.ts. */
  onState: StateSink | null;
  /** A player crosses: its seat here means nothing any more, it has `seat` in the zone `to` now, and hears onEnter of that one. */
  onSeatMoved: ((from: number, to: string, seat: number) => void) | null;
  /** A join that was taken could not be kept: the seat means nothing any more. Never for a venue that refuses by throwing. */
  onRefused: ((seat: number, error: GyreError) => void) | null;
  /** The same of an input, with its seq: there was no room for it (COMMANDS_FULL). */
  onInputRefused: ((seat: number, seq: number) => void) | null;
  /** It stopped: see fault. Its seats mean nothing any more. Called once. */
  onStop: ((error: GyreError) => void) | null;

  /** The number of an action by its name; 0 for an unknown one. */
  actionOf(name: string): number;
  /** A seat for a player; see onEnter and onRefused. Throws BAD_ARGUMENT, ZONE_STOPPED, ZONE_LOCKED, ZONE_FULL, COMMANDS_FULL. */
  join(name: string): number;
  /**
   * Opens a room: it begins anew with this seed (any safe integer), and who joins from now on joins that one. False, or later nothing comes of
   * it: somebody is in there, and it goes on as it is.
   */
  reset(seed: number): boolean;
  /** Gives the seat up. Always succeeds. Nothing happens for a seat that is not taken. */
  leave(seat: number): void;
  /**
   * The seat's wish, and an action, 0 for none. tick: in whose step it is applied, a u32; NOW, or without one, in the next. False, and nothing is
   * changed, when there is no room (COMMANDS_FULL) or the zone stopped.
   */
  input(seat: number, seq: number, dx: number, dy: number, action: number, tick?: number): boolean;

  /**
   * Who sits in the seat, or with NO_SEAT spectators, are told the whole state tree next time, in this encoding, and its changes from then on. Asked
   * too often, it does no harm. False: there is no room for it now.
   */
  askState(seat: number, format: number): boolean;
  /** Encodings that are read here, a bit each; any others are not made. False as above. */
  useStateFormats(formats: number): boolean;

  readonly extent: Extent;
  /** What players are told of its entities. Made when it is asked for first. */
  readonly replica: Replica;
  /** Its snapshots up to this tick may be told of: who is in it is known by then. */
  readonly toldTick: number;
  /** The state after the last step is due as a snapshot of these streams, bit by bit. Where others step the zone they take it themselves. */
  takeSnapshots(streams: number): void;
  /** The seat as a generation of the replica knows it; -1 when that is of a time before. */
  rowOf(seat: number, generation: number): number;
  /** Within onTell, of what is told: whether the entity of who has the seat is within the radius. Null for one without an entity. */
  isWithin(seat: number, x: number, y: number, radius: number): boolean | null;

  /** The same object each time, valid until the next call. */
  figures(): Readonly<Figures>;
}

/** All zones of a server, as those see them who serve players. */
export interface Venues {
  readonly all: readonly Venue[];
  /** The tick of the server, as far as is known here. */
  readonly tick: number;
  readonly awake: number;
  readonly asleep: number;
  readonly stopped: number;
  /** Entities that went through a gate, and that were refused at one. */
  readonly transfers: number;
  readonly transfersRefused: number;
  /** In all zones; players bots aside. */
  readonly entities: number;
  readonly players: number;

  find(name: string): Venue | undefined;
  /** The first zone without a name. Throws ZONE_UNKNOWN. */
  get(name?: string): Venue;
  /** Somebody looks at the zone, and wants it to run. Each call needs its {@link unwatch}. */
  watch(venue: Venue): void;
  unwatch(venue: Venue): void;
}
