/**
 * What a game is: one definition, checked once by `defineGame`, whose hooks run where their zone runs. A hook sees its zone, its
 * own plain state and nothing else: no socket, no clock, no Math.random, so that a zone is a function of its seed and its commands.
 */
import type { Archetype, ColumnType, EntityId, SpawnSpec, Zone, ZoneEvent, ZoneSpec } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import type { Gate } from "../sim/gates.js";

export type { Gate };

/** Plain data: what JSON can say, and nothing else. No -0, NaN, undefined, class instances, cycles or object that stands in two places. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a server was started with: its flags as numbers, for the game to use or not. */
export interface Settings {
  /** Wandering entities that are asked for in each zone. */
  readonly npcs: number;
  /** Simulated players in each zone. */
  readonly bots: number;
  /** Seats for players in each zone, bots aside. */
  readonly players: number;
  /** Zones of the server. */
  readonly zones: number;
  readonly seed: number;
  readonly [name: string]: number;
}

/** A column of the game's own: its type, and whether clients get it. */
export type OwnColumn =
  | ColumnType
  | {
      readonly type: ColumnType;
      readonly replicate?: boolean;
      /** Of an f32 that is replicated: clients are told multiples of it, in a few bits. Default: they are told it as it is, in 32. */
      readonly step?: number;
    };
export type OwnColumns = Readonly<Record<string, OwnColumn>>;

interface ColumnViews {
  f32: Float32Array;
  i32: Int32Array;
  u32: Uint32Array;
  i16: Int16Array;
  u16: Uint16Array;
  i8: Int8Array;
  u8: Uint8Array;
}
type TypeOf<C> = C extends ColumnType ? C : C extends { readonly type: infer T extends ColumnType } ? T : never;
/** The views of a game's own columns, by slot. */
export type Views<C extends OwnColumns> = { readonly [K in keyof C]: ColumnViews[TypeOf<C[K]>] };

/** What a game may say of the kernel's zone beside its map, archetypes, columns and seats. */
export type ZoneOptions = Readonly<
  Pick<
    ZoneSpec,
    | "cellSize"
    | "listCapacity"
    | "eventCapacity"
    | "eventPolicy"
    | "commandCapacity"
    | "flowFields"
    | "flowBudget"
    | "pathRequests"
    | "pathBudget"
    | "walkerHalfSize"
  >
>;

/** The zone as a game sees it: everything but what runs it. */
export type GameZone = Omit<
  Zone,
  | "step"
  | "skip"
  | "reset"
  | "save"
  | "saveInto"
  | "imageSize"
  | "load"
  | "tidy"
  | "share"
  | "close"
  | "commands"
  | "events"
  | "refused"
  | "extract"
  | "insert"
  | "entityBytes"
>;

/** Who sits in a seat of the zone. The same object while it sits there; it is nobody any more after its `leave`. */
export interface Player {
  /** 0 to seats - 1. -1 after it left. */
  readonly seat: number;
  readonly name: string;
  /** What it moves; 0 for nothing, also when that is gone. */
  readonly entity: EntityId;
  readonly bot: boolean;
}

/** What a player sent. The same object each time, valid during the call. */
export interface Input {
  readonly seq: number;
  /** The wish. Any finite numbers; {@link Zone.move} shortens it to length 1. */
  readonly dx: number;
  readonly dy: number;
  /** 0 none, 1 `attack`, from 2 on the definition's `actions`. */
  readonly action: number;
  /** Its name; "" for none. */
  readonly actionName: string;
}

/**
 * The state tree that players are told of, as objects of first values: a name with a value declares a value of that type (null: any plain
 * data), an object a record, and `{ "*": entry }` a table, whose entries come and go. See docs/state.md.
 */
export interface SyncOptions {
  /** Of the zone, for everybody in it. */
  readonly broadcast?: { readonly [name: string]: Json };
  /** Of each player, for nobody else. Begins anew when it enters a zone. */
  readonly perPlayer?: { readonly [name: string]: Json };
  /** Syncs a second, at most the tick rate. Default 10. */
  readonly rate?: number;
}

/** A game without a state tree; of functions that take any world. */
export interface NoSync extends SyncOptions {
  readonly broadcast?: never;
  readonly perPlayer?: never;
}

/** What a declaration of first values looks like in the game's hands. */
export type SyncView<T> = T extends { readonly "*": infer E }
  ? { [key: string]: SyncView<E> }
  : T extends readonly unknown[]
    ? readonly Json[]
    : T extends string
      ? string
      : T extends number
        ? number
        : T extends boolean
          ? boolean
          : T extends null
            ? Json
            : { -readonly [K in keyof T]: SyncView<T[K]> };

/** Of a scope of the options; unknown where there is none. */
type ScopeView<Y, K extends string> = Y extends { readonly [_ in K]: infer T extends object } ? SyncView<T> : unknown;

/** Whom {@link GameWorld.tell} tells: a player, or the players within a radius. */
export type Audience = Player | { readonly x: number; readonly y: number; readonly radius: number };

/** A zone with its game, as hooks see it. S: the game's state. C: its own columns. Y: its state tree. */
export interface GameWorld<S = unknown, C extends OwnColumns = OwnColumns, Y extends SyncOptions = NoSync> {
  /** Of the zone: zone-0, zone-1, ... or of the room: its template's, a dash, a number. */
  readonly name: string;
  /** The name of the template that the room is made by; "" in a game without rooms. */
  readonly template: string;
  readonly zone: GameZone;
  /** The game's own columns, by slot. */
  readonly own: Views<C>;
  /** Of this zone; what the definition's `state` made. Saved and hashed. */
  state: S;
  /**
   * What everybody in the zone is told: as declared by `sync.broadcast`. A change is an assignment; deleting takes an entry out of a table. Saved and hashed.
   * Assignments throw BAD_ARGUMENT for what was not declared or is too much. Throws BAD_ARGUMENT for a game without `sync`.
   */
  readonly sync: ScopeView<Y, "broadcast">;
  /** What this player alone is told: as declared by `sync.perPlayer`. Throws BAD_ARGUMENT for one who is not in. */
  syncOf(player: Player): ScopeView<Y, "perPlayer">;
  /** Ticks of the server: a room that is opened does not begin at 0. */
  readonly tick: number;
  /** Ticks per second. */
  readonly tickRate: number;
  readonly settings: Settings;
  /** Who is in, in order of seats. */
  readonly players: readonly Player[];
  /** The player of an entity; undefined for one that nobody plays. O(1). */
  playerOf(id: EntityId): Player | undefined;
  /** The index of an archetype. Throws BAD_ARGUMENT for an unknown name. */
  kind(name: string): number;
  /**
   * One more entity of an archetype, its values as the archetype says where `overrides` does not. Throws as {@link Zone.spawn} does,
   * ZONE_FULL also when the room that is left is the players'.
   */
  spawn(
    kind: string | number,
    x: number,
    y: number,
    overrides?: Partial<Omit<SpawnSpec, "x" | "y" | "kind">>,
  ): EntityId;
  /**
   * Where an entity of the kind could stand, chosen by the zone's generator: on a tile with ground around it that is wide enough. The
   * same object each call. Default kind: the first archetype. Throws BAD_ARGUMENT when there is no such place on the map.
   */
  freePlace(kind?: string | number): { readonly x: number; readonly y: number };
  /** The player moves this entity from now on; 0 for none. Throws BAD_ARGUMENT for a stale id and for one that another player has. */
  possess(player: Player, id: EntityId): void;
  /** Calls the `timer` hook after so many ticks, at least 1; data is copied. Returns its number. Throws BAD_ARGUMENT, TIMERS_FULL. O(log n). */
  after(ticks: number, name: string, data?: Json): number;
  /** False when the timer has run or was cancelled. */
  cancel(timer: number): boolean;
  /**
   * Sends an event of the game's to players: to everybody without `to`. name: 1 to 32 characters. Their clients get
   * `{"type":"event","name":...,"data":...}`; in a game with `sync` what is for everybody or one player comes with the next sync. False, and nobody is told, beyond TELLS_PER_TICK_MAX in a tick and for a player who left.
   * Throws BAD_ARGUMENT for data that is not plain or more than TELL_LENGTH_MAX characters of JSON.
   */
  tell(name: string, data: Json, to?: Audience): boolean;
  /**
   * Whether nobody is let in for now: who joins is placed elsewhere, or refused with ZONE_LOCKED, and gates into the zone are shut to
   * players. Who was on the way comes in. False when a room is opened.
   */
  locked: boolean;
  /** The zone's generator, u32. */
  random(): number;
}

/** Something that is done every few ticks. */
export interface System<S = unknown, C extends OwnColumns = OwnColumns, Y extends SyncOptions = NoSync> {
  /** For errors and metrics. */
  readonly name: string;
  /** Ticks from one run to the next. The i-th system runs at ticks t with (t + i) % every = 0, so that equal periods spread. */
  readonly every: number;
  run?(world: GameWorld<S, C, Y>): void;
  /** In place of run: a function that the game's own kernel exports; called with the zone and `numbers`. */
  readonly kernel?: string;
  readonly numbers?: readonly number[];
}

/** Zones of one kind, of which many are played at a time, by few each: a match, a dungeon. */
export interface RoomTemplate {
  /** Players in a room at a time, bots aside: 1 to 4,096. */
  readonly maxPlayers: number;
  /** Rooms at a time. All are made when the server starts. Default 64. */
  readonly instances?: number;
  /** Seconds that a room stays open without players. Default 10. */
  readonly linger?: number;
  /** Settings of these rooms, in place of the server's and beside them: world.settings has them. */
  readonly settings?: Readonly<Record<string, number>>;
}

/** A game. Everything but the name is optional; without hooks whoever joins becomes the first archetype at a free place. */
export interface GameDefinition<S = unknown, C extends OwnColumns = OwnColumns, Y extends SyncOptions = NoSync> {
  /** 1 to 64 characters. */
  readonly name: string;
  /** Default, where the server is given none: an empty field of 64 x 64 tiles. A file's text becomes one by loadMap. */
  readonly map?: MapData | ((settings: Settings) => MapData | Promise<MapData>);
  /** Ticks per second. Default 60. */
  readonly tickRate?: number;
  /** Snapshots per second, at most the tick rate. Default 20. */
  readonly snapshotRate?: number;
  /** Clients are told positions in multiples of this many units. Default 1/16. */
  readonly positionStep?: number;
  /** Tiles along a side of an interest cell, the square that clients are told of as a whole; 1 to 1,024. Default 32. */
  readonly interestTiles?: number;
  /** Zones, where the server is not told how many. Default 1. */
  readonly zones?: number;
  /**
   * Rooms by the names of their templates, in place of `zones`, `players` and `sleepAfter`. Who joins a template by its name, or the first one
   * without, is put into the fullest open room that has room for one more; when there is none, into one that is opened: set up
   * anew, with a seed of its own. At most 16.
   */
  readonly rooms?: Readonly<Record<string, RoomTemplate>>;
  /** Seats for players in each zone, bots aside. Default 2,048. */
  readonly players?: number;
  /** Entities in each zone beyond the players'. Default: `settings.npcs`. */
  readonly capacity?: number | ((settings: Settings, map: MapData) => number);
  /** What else the kernel shall know. */
  readonly zone?: ZoneOptions | ((settings: Settings, map: MapData) => ZoneOptions);
  /** Columns of one's own by name. Those with `replicate: true` are part of the snapshots. */
  readonly columns?: C;
  /** Kinds of entities by name; kind k is the k-th. See loadArchetypes. */
  readonly archetypes?: Readonly<Record<string, Archetype>>;
  /** Names of actions that players may send beside `attack`, numbered from 2. At most 64. */
  readonly actions?: readonly string[];
  /** Ways from zone to zone, each of which is zone-0, zone-1, ... or a room. A room that is not open lets nobody in. */
  readonly gates?: readonly Gate[] | ((settings: Settings, map: MapData) => readonly Gate[]);
  /** Seconds without players or watchers after which a zone sleeps: time passes in it, but nothing moves. Default: never. */
  readonly sleepAfter?: number;
  /** The state tree that players are told of. */
  readonly sync?: Y;
  /** The first state of each zone: plain JSON data. Keys count in the order in which they stand, because a loop over them does. */
  state?(settings: Settings): S;
  /** Once for each zone before its first tick, and for each room whenever it is opened. */
  setup?(world: GameWorld<S, C, Y>): void;
  /** A player enters. Returns its entity; undefined for none. */
  join?(world: GameWorld<S, C, Y>, player: Player): EntityId | undefined;
  /** The entity of a player who is in is gone for good. Returns its next. Default: as join. */
  gone?(world: GameWorld<S, C, Y>, player: Player): EntityId | undefined;
  /** A player leaves. Its entity goes after this, unless it has none any more. */
  leave?(world: GameWorld<S, C, Y>, player: Player): void;
  /** A player came through a gate, with its entity. */
  arrive?(world: GameWorld<S, C, Y>, player: Player): void;
  /** A player goes through a gate into the zone `to`, and its entity with it. */
  depart?(world: GameWorld<S, C, Y>, player: Player, to: string): void;
  /** The zone `to` had no room for the player, who stays. It hears so once: as the event `gate-full`, {"to": to}. */
  stay?(world: GameWorld<S, C, Y>, player: Player, to: string): void;
  /** A player's input, before the kernel gets it: return false and it never does. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is the usual one.
  input?(world: GameWorld<S, C, Y>, player: Player, input: Input): boolean | void;
  /** A timer of `after` is due. */
  timer?(world: GameWorld<S, C, Y>, name: string, data: Json): void;
  /** Run before the kernel's step, after the timers. */
  readonly systems?: readonly System<S, C, Y>[];
  /** Somebody died in this tick's step: target by source. The event is valid during the call. */
  death?(world: GameWorld<S, C, Y>, event: Readonly<ZoneEvent>): void;
  /** Any other event; of type EVENT.LOST when events of this tick were lost, `value` of them. Valid during the call. */
  event?(world: GameWorld<S, C, Y>, event: Readonly<ZoneEvent>): void;
  /** A kernel of one's own, built on gyre/assembly: its bytes. */
  readonly kernel?: Uint8Array;
}
