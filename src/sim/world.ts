/**
 * One zone, the seats of its players, and the rules of its game. Everything from outside is a command (see commands.ts), so the zone
 * and what the rules keep beside it are a function of spec, seed, game and commands:
 *
 *     1 zone.commands   joins, leaves, inputs, answers of other zones, in order of arrival
 *     2 rules           timers and systems that are due
 *     3 zone.step()     AI, movement, grid, combat
 *     4 zone.events     hooks of the game; what was lost is said once
 *     5 gates           who stands in one asks to cross, and is answered after all zones were stepped
 *
 * No sockets, no clock, no allocation per tick beyond what the game's own hooks make. Joins and leaves are bounded per tick: 500 at once
 * take a few ticks, and none of those ticks is long.
 */
import { GyreError } from "../errors.js";
import { createReplica, type Replica, type ReplicaSource, ReplicaTaker } from "../kernel/replica.js";
import type { Command, EntityId, Kernel, TypedColumn, Zone, ZoneEvent } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import type { ColumnInfo } from "../protocol/fields.js";
import { replicaSpec } from "../protocol/replica-spec.js";
import type { StreamPlan } from "../protocol/view.js";
import { NO_SEAT as NO_READER, StateFeed, type StateSink } from "../state/feed.js";
import type { SyncInfo } from "../state/formats.js";
import { Border, type SavedBorder } from "./border.js";
import {
  ARRIVE,
  type CommandLog,
  DEPARTED,
  INPUT,
  JOIN,
  LEAVE,
  type LoggedCommand,
  NO_SEAT,
  RESET,
  SLEEP,
  STAYS,
  WAKE,
} from "./commands.js";
import { EVENT } from "./events.js";
import type { Gate } from "./gates.js";
import { hashText } from "./hash.js";
import { Inbox, type SavedInbox } from "./inbox.js";
import type { Passage } from "./passage.js";
import type { Places } from "./places.js";
import { isSyncTick } from "./rates.js";
import { Roster, type SavedRoster } from "./roster.js";
import type { Rules } from "./rules.js";
import { NOW, type SavedSchedule, type Schedule, type Scheduled } from "./schedule.js";
import { ENTERING, IN, LEAVING, Seats, TAKEN } from "./seats.js";
import type { Extent, Figures, Venue } from "./venue.js";
import { checkSpec, columnsOf, extentOf, type Tell, type WorldImage, type WorldSpec, zoneOf } from "./world-spec.js";

export type { Tell, WorldImage, WorldSpec };

/** The action that the kernel knows: a blow. */
const ATTACK = 1;

/** Players that enter in one tick: 960 a second. Each is a few microseconds here, and its cells in full later, some 8 KiB a frame. */
export const ENTERS_PER_TICK_MAX = 16;
/** Players that leave in one tick: a despawn is cheaper than a spawn. */
export const LEAVES_PER_TICK_MAX = 256;
/** Times that a game speaks to players in one tick: twice for each of 2,048. */
export const TELLS_PER_TICK_MAX = 4096;
/** Characters of JSON that a game tells at a time. */
export const TELL_LENGTH_MAX = 16_384;

export class World implements Venue {
  readonly name: string;
  readonly map: MapData;
  readonly kernel: Kernel;
  readonly zone: Zone;
  readonly places: Places;
  readonly gates: readonly Gate[];
  readonly replicated: readonly ColumnInfo[];
  /** Of a room; "" for what is none. */
  readonly template: string;
  readonly phase: number;
  readonly playersMax: number;
  readonly extent: Extent;
  readonly rules: Rules;
  /** Whether anybody in it can strike a blow. */
  readonly fights: boolean;

  // For whoever serves players. All of these are called within step, cross or stop, and may be null.

  /** A player is in: its entity, 0 when the game gave it none. Once for each seat that was not given up first; not for bots. */
  onEnter: ((seat: number, id: EntityId) => void) | null = null;
  /** A player who is in has another entity from now on; 0 for none. Not for bots. */
  onPossess: ((seat: number, id: EntityId) => void) | null = null;
  /** The game tells players something. */
  onTell: ((tell: Readonly<Tell>) => void) | null = null;
  /** What changed in the game's state tree, at the end of a step that is a sync. */
  onState: StateSink | null = null;
  /**
   * A player crosses: its seat here means nothing any more, it has `seat` in the zone `to` now, and hears onEnter of that world when it is
   * in there, at the start of the next tick. Its inputs and its leave go there from now on. Not for bots.
   */
  onSeatMoved: ((from: number, to: string, seat: number) => void) | null = null;
  /** A player comes through a gate: it has this seat, with its tag, and is in at the start of the next tick. Before its onSeatMoved. Not for bots. */
  onSeatCame: ((seat: number) => void) | null = null;
  /** The zone stopped: see fault. Its seats mean nothing any more. Called once. */
  onStop: ((error: GyreError) => void) | null = null;
  /** Never called: a world refuses at once. */
  onRefused: ((seat: number, error: GyreError) => void) | null = null;
  onInputRefused: ((seat: number, seq: number) => void) | null = null;

  // For whoever keeps the zones, their bots and their recording.

  /** A command came to a world that is asleep. Called once per sleep. */
  onWake: (() => void) | null = null;
  /** Each command as it is drained, in order; valid during the call. For JOIN and ARRIVE, nameOf(command.seat) is whose. */
  onCommand: ((command: Readonly<Command>) => void) | null = null;
  /** A sync of the game's state tree begins, or is done: for who measures what it costs. */
  onSync: ((isDone: boolean) => void) | null = null;
  /** One of those who asked at its gates after the last step, by its place among them, was not answered. */
  onTurnedBack: ((asker: number) => void) | null = null;
  /** It begins anew with the next command: all seats are free, bots' too, and who shall be there from the beginning joins now. */
  onReset: (() => void) | null = null;
  /** A bot's seat here means nothing any more, as it crosses; and a bot has this seat from now on. */
  onBotGone: ((seat: number) => void) | null = null;
  onBotCame: ((seat: number) => void) | null = null;

  /** Why the zone stopped; null while it runs. A world that stopped does nothing in step, and refuses joins with ZONE_STOPPED. */
  fault: GyreError | null = null;
  /** Spawns of the game that were refused to leave the players their room: zone.refused does not know of them. */
  spawnsRefused = 0;
  /** Whether it may be left alone until `pending` is above 0. */
  asleep = false;

  readonly #seats: Seats;
  readonly #inbox: Inbox;
  readonly #roster: Roster;
  readonly #border: Border;
  /** Tells of the game's state tree; null when it has none. */
  readonly #feed: StateFeed | null;
  /** The seat whose entry is being decided: told by onEnter, not onPossess. */
  #introducing = -1;
  /** Whether onWake was called since it fell asleep. */
  #wasTold = true;
  #tells = 0;
  /** Whether the last command before the step was to sleep. */
  #isDrowsy = false;
  /** What went wrong after the last step, when its neighbours had begun to answer. */
  #failedAtGate: GyreError | null = null;
  /** Why its next step will be its last; "" for no such reason. */
  #lastReason = "";
  /** Events that were lost, and of which the rules have not heard, beside those that the ring knows of. */
  #lost = 0;
  readonly #isPlayer = (id: EntityId): boolean => this.seatOf(id) >= 0;
  readonly #command: Command = { type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 };
  readonly #event: ZoneEvent = {
    type: 0,
    critical: false,
    tick: 0,
    source: 0,
    target: 0,
    value: 0,
    extra: 0,
    x: 0,
    y: 0,
  };
  readonly #figures = {} as Figures;
  /** Events that found no room, before the zone began anew. */
  readonly #lostBefore = { oldest: 0, low: 0, refused: 0 };
  readonly #tell: Tell = { name: "", data: "", seat: -1, radius: 0, x: 0, y: 0 };
  readonly #streams: StreamPlan | undefined;
  #taker: ReplicaTaker | null = null;

  /** Throws BAD_ARGUMENT for numbers that the kernel refuses, GAME_FAILED when the game cannot be set up. */
  constructor(kernel: Kernel, spec: WorldSpec) {
    checkSpec(spec);
    this.name = spec.name;
    this.map = spec.map;
    this.kernel = kernel;
    this.places = spec.places;
    this.gates = spec.gates;
    this.template = spec.template ?? "";
    this.phase = spec.phase ?? 0;
    this.playersMax = spec.playersMax ?? spec.seats;
    this.extent = extentOf(spec);
    this.#streams = spec.streams;
    this.fights = spec.zone.archetypes?.some(({ attack }) => (attack ?? 0) > 0) ?? false;
    this.zone = zoneOf(kernel, spec);
    this.#seats = new Seats(spec.seats);
    this.#inbox = new Inbox(this.#seats, this.zone.commands, () => this.#hear());
    this.#roster = new Roster(this.zone, this.#seats);
    this.#border = new Border(this, this.#seats, this.#inbox, this.#roster, (seat) => this.#introduce(seat));
    try {
      this.replicated = columnsOf(this.zone, spec.replicated);
      this.rules = spec.rules(this);
      this.#feed = this.rules.sync === null ? null : new StateFeed(this.rules.sync);
      if (spec.saved === undefined) {
        this.#setUp();
        this.asleep = this.isRoom;
        this.#wasTold = !this.asleep;
      } else {
        this.#restore(spec.saved.parts);
      }
    } catch (error) {
      if (this.zone !== spec.memory) this.zone.close();
      throw error;
    }
  }

  /** Whether it is an instance of a template, which is closed while it sleeps. */
  get isRoom(): boolean {
    return this.template !== "";
  }

  /** How many seats there are, bots' included. */
  get seats(): number {
    return this.#seats.capacity;
  }

  /** Seats that are not free; a seat is free again once its entity went. */
  get seatsInUse(): number {
    return this.#seats.capacity - this.#seats.freeCount;
  }

  /** Seats that are taken by players, also by those who wait to enter, bots aside. */
  get players(): number {
    return this.#inbox.players;
  }

  /** Seats that are taken by bots. */
  get bots(): number {
    return this.#inbox.bots;
  }

  /** Whether it will be asleep after its next step, unless something comes. */
  get isDrowsy(): boolean {
    return this.#inbox.isDrowsy;
  }

  /** Commands that wait for the next step. */
  get pending(): number {
    return this.#inbox.pending;
  }

  /** Joins and inputs that found no room before a tick. */
  get commandsRefused(): number {
    return this.#inbox.refused;
  }

  /** By seat, the sequence number of the last input that the simulation applied; 0 before the first. */
  get acks(): Uint32Array {
    return this.#seats.ack;
  }

  /** By seat, the number that who joined gave with its name. It goes with the player through gates. No part of the state. */
  get tags(): Uint32Array {
    return this.#seats.tag;
  }

  // The rest of what makes it a venue: its state is there to be looked at.

  get tick(): number {
    return this.zone.tick;
  }

  get toldTick(): number {
    return this.zone.tick;
  }

  get replica(): Replica {
    return this.#takes().replica;
  }

  takeSnapshots(streams: number): void {
    if (streams !== 0) this.#takes().take(streams, this.zone.tick, this.zone.highWater);
  }

  rowOf(seat: number): number {
    return seat;
  }

  /** What a replica of it is taken from. */
  get source(): ReplicaSource {
    const { columns, own } = this.zone;
    const all: Record<string, TypedColumn> = { ...own, ...columns };
    return { columns: all, entities: this.#seats.entity, acks: this.#seats.ack, tags: this.#seats.tag };
  }

  isWithin(seat: number, x: number, y: number, radius: number): boolean | null {
    const slot = this.zone.slot(this.entity(seat));
    if (slot < 0) return null;
    const { columns } = this.zone;
    return ((columns.x[slot] ?? 0) - x) ** 2 + ((columns.y[slot] ?? 0) - y) ** 2 <= radius * radius;
  }

  get sync(): SyncInfo | null {
    return this.rules.sync?.info ?? null;
  }

  askState(seat: number, format: number): true {
    this.#feed?.ask(seat, format);
    return true;
  }

  useStateFormats(formats: number): true {
    this.#feed?.use(formats);
    return true;
  }

  figures(): Readonly<Figures> {
    const { zone } = this;
    const { paths, events } = zone;
    const figures = this.#figures;
    figures.players = this.players;
    figures.entities = zone.count;
    figures.entitiesHighWater = zone.highWater;
    figures.entitiesRefused = zone.refused + this.spawnsRefused;
    figures.pathRequests = paths.count;
    figures.pathRequestsMax = paths.capacity;
    figures.pathRequestsHighWater = paths.highWater;
    figures.pathRequestsRefused = paths.refused;
    figures.eventsDroppedOldest = this.#lostBefore.oldest + events.droppedOldest;
    figures.eventsDroppedLow = this.#lostBefore.low + events.droppedLow;
    figures.eventsRefused = this.#lostBefore.refused + events.refused;
    figures.pending = this.pending;
    figures.commandsRefused = this.commandsRefused;
    figures.transfersRefused = this.refusals;
    return figures;
  }

  /** The seat's entity; 0 until it entered, and when it has none. */
  entity(seat: number): EntityId {
    return this.#seats.entity[seat] ?? 0;
  }

  nameOf(seat: number): string {
    return this.#seats.nameOf(seat);
  }

  isBot(seat: number): boolean {
    return this.#seats.bot[seat] === 1;
  }

  /** Whether somebody sits there, or waits to, who has not left. */
  isTaken(seat: number): boolean {
    return this.#seats.taken[seat] === TAKEN;
  }

  /** Whether an input of who sits there waits for the next step. */
  hasSpoken(seat: number): boolean {
    return this.#inbox.hasSpoken(seat);
  }

  /** Whether who sits there has entered, and has not left. */
  isIn(seat: number): boolean {
    return this.#seats.state[seat] === IN;
  }

  /** Whether who sits there has entered, and its entity has not gone with it. */
  isPresent(seat: number): boolean {
    return this.#seats.state[seat] === IN || this.#seats.state[seat] === LEAVING;
  }

  /** The seat of an entity's player; -1 for an entity that nobody plays. O(1). */
  seatOf(id: EntityId): number {
    return this.#roster.seatOf(id);
  }

  /** The number of an action by its name; 0 for an unknown one, which the session refuses with BAD_MESSAGE. `attack` is 1. */
  actionOf(name: string): number {
    return this.rules.action(name);
  }

  /**
   * A seat for a player, who enters at the start of a coming tick (see onEnter). name: at most NAME_BYTES_MAX bytes of UTF-8.
   * tag: a number for the caller to know it by, see tags.
   * Throws BAD_ARGUMENT, ZONE_STOPPED, ZONE_LOCKED, ZONE_FULL or COMMANDS_FULL, the last also from within step, and changes nothing then.
   */
  join(name: string, bot = false, tag = 0): number {
    if (this.fault !== null) throw new GyreError("ZONE_STOPPED", `${this.name} stopped: its game failed`);
    if (!bot && this.isLocked) throw new GyreError("ZONE_LOCKED", `${this.name} is locked`);
    if (!bot && this.players >= this.playersMax) {
      throw new GyreError("ZONE_FULL", `${this.name} has no seat for another player`);
    }
    return this.#inbox.join(name, bot, tag, this.name);
  }

  /**
   * Gives the seat up; its entity goes at the start of a coming tick. The seat means nothing to the caller any more. Always succeeds:
   * every seat that is taken has room for its LEAVE in the ring. Nothing happens for a seat that is not taken.
   */
  leave(seat: number): void {
    this.#inbox.leave(seat);
  }

  /**
   * The seat's wish, which holds until changed, and an action (see actionOf), 0 for none. The first input of a seat in a tick is a command
   * at once; what comes more before the tick is merged into one further: the last wish counts, and no action is lost. False, and
   * nothing is changed, when the ring has no room for it (COMMANDS_FULL), from within step, or when the zone stopped. Nothing happens for a seat that is not taken.
   *
   * tick: in whose step it shall be applied, a u32; up to the next one, or NOW, in the next step. At most SCHEDULED_MAX of a seat wait for a later
   * one. A seat's inputs are applied in order of arrival: one counts for no earlier tick than one of the seat that waits. Leaving discards them.
   */
  input(seat: number, seq: number, dx: number, dy: number, action = 0, tick = NOW): boolean {
    if (this.fault !== null) return false;
    const isLater = tick !== NOW && ((tick - this.zone.tick) | 0) > 1;
    return this.#inbox.input(seat, seq, dx, dy, action, isLater ? tick : NOW);
  }

  /**
   * Puts in a command that onCommand of an equal world told, before the step in which it was drained there. name: of who joins. False when
   * this world cannot have been equal. Only for commands from outside (see isFromOutside), which answers of zones follow from.
   */
  replay(command: Readonly<Command>, name: string): boolean {
    return this.fault === null && this.#inbox.replay(command, name, 0);
  }

  // What a journal needs, see journal.ts.

  /** Hears of everything that the state follows from; null when nobody does. */
  get log(): CommandLog | null {
    return this.#inbox.log;
  }

  set log(log: CommandLog | null) {
    this.#inbox.log = log;
  }

  /** The bytes of the entity of an ARRIVE that waits, by its index. */
  arriving(index: number): Uint8Array {
    return this.#border.arrivals.at(index);
  }

  /** Seats that were given up within the step, of which the zone hears in its next. */
  get left(): readonly number[] {
    return this.#inbox.left;
  }

  /** Inputs that wait for their tick: no part of the state. */
  get schedule(): Schedule {
    return this.#inbox.schedule;
  }

  /** One of them, as a log tells it. */
  scheduleAgain(seat: number, input: Readonly<Scheduled>): void {
    this.#inbox.scheduleAgain(seat, input);
  }

  /** Does again what a log tells, between two steps, also what zones said to each other. False when this world cannot have been equal. */
  pushAgain(command: LoggedCommand): boolean {
    const { type, action, seat, name, tag } = command;
    if (type === ARRIVE || type === DEPARTED || type === STAYS) return this.#border.again(command);
    if (type === RESET) for (let bot = 0; bot < this.seats; bot++) this.onBotGone?.(bot);
    if (!this.#inbox.replay(command, name, tag)) return false;
    if (type === JOIN && action === 1) this.onBotCame?.(seat);
    return true;
  }

  /** One of those who asked at the gates was not answered. */
  forgetAgain(crosser: number): void {
    this.#border.forget(crosser);
  }

  /** Who sits there left within the step before. */
  leaveAgain(seat: number): void {
    if (this.isTaken(seat)) this.#inbox.leaveLater(seat);
  }

  /**
   * After the next step the world may be left alone: see asleep. Whatever comes after, in the same tick or later, wakes it. False: no room.
   */
  sleep(): boolean {
    return this.fault === null && this.#inbox.room > 0 && this.#inbox.push(SLEEP, 0, NO_SEAT, 0, 0, 0);
  }

  /** Wakes a world that is asleep, though no player came: somebody watches. False: no room, and so others wait that wake it. */
  wake(): boolean {
    return this.fault === null && this.#inbox.room > 0 && this.#inbox.push(WAKE, 0, NO_SEAT, 0, 0, 0);
  }

  /**
   * From the start of the next tick on the zone is as one that was just made with this seed (any safe integer), at the tick that it is in, and
   * is set up by its game; its bots are gone, and who joins from now on joins that one. No zone is made: the one that there is begins
   * anew in place. False, and nothing is changed: a player has a seat, commands wait, from within step, or it stopped.
   */
  reset(seed: number): boolean {
    if (this.fault !== null || !this.#inbox.reset(seed)) return false;
    this.onReset?.();
    return true;
  }

  /**
   * One tick. tick: which one of the server's it is, counted from 1; what a world that slept is behind passes first, without anybody
   * moving. A world that is asleep need not be stepped while pending is 0, and one that stopped never.
   */
  step(tick = this.zone.tick + 1): void {
    if (this.prepare(tick)) this.finish();
  }

  // The parts of a step, for who lets another thread take the kernel's step, which is all in the zone's memory.

  /** What comes before the kernel's step: commands, timers, systems. False: there is no step, as the zone stopped. */
  prepare(tick: number): boolean {
    if (this.fault !== null) return false;
    if (this.#failedAtGate !== null) {
      this.#stop(this.#failedAtGate);
      return false;
    }
    try {
      this.#prepare(tick);
    } catch (error) {
      this.#stop(this.rules.located(error));
    }
    return this.fault === null;
  }

  /** The kernel's step, and what comes after it. */
  finish(): void {
    try {
      this.zone.step();
    } catch (error) {
      this.#stop(this.rules.located(error));
    }
    this.conclude();
  }

  /** What comes after it: events, who asks at the gates. */
  conclude(): void {
    if (this.fault !== null) return;
    try {
      this.#conclude();
    } catch (error) {
      this.#stop(this.rules.located(error));
    }
    if (this.#lastReason !== "") this.stop(this.#lastReason);
  }

  /** Nobody is let through in this tick: who asked asks again in the next. */
  turnBack(): void {
    this.#border.turnBack();
  }

  /** Stops the zone in its next step, after all that its game does in it: nobody goes out or comes in any more. See replay. */
  stopNext(reason: string): void {
    if (this.asleep && this.pending === 0) this.stop(reason);
    else this.#lastReason = reason;
  }

  /**
   * Stops the zone for cause: what a guard found out from outside, such as a hook that did not return. The error says in which hook it was;
   * place: FILE:LINE:COLUMN of {@link Rules.running}, when the caller knows.
   */
  stop(reason: string, place?: string): void {
    if (this.fault === null) this.#stop(this.rules.located(new Error(reason), place));
  }

  // Crossing, see border.ts and passage.ts. After all worlds were stepped; targets: by gate, the index of the zone that it leads into.
  //
  //     for (const world of worlds) world.depart(passageOf(world), targetsOf(world));
  //     for (const passage of passages) for (let i = 0; i < passage.count(tick); i++) worlds[passage.to(i)].receive(passage, i, gate);
  //     for (const world of worlds) world.settle(passageOf(world));

  /** How many asked to cross in the last step: at most CROSSERS_PER_TICK_MAX, the others ask in the next. */
  get crossers(): number {
    return this.fault === null ? this.#border.keeper.count : 0;
  }

  /** How many were refused at its gates, and told so. */
  get refusals(): number {
    return this.#border.refusals;
  }

  /** Writes who asks at the gates. One whose columns hold what no zone takes stays, and this zone stops in its next step. */
  depart(passage: Passage, targets: Int32Array): void {
    try {
      if (this.fault === null) this.#border.depart(passage, targets);
    } catch (error) {
      this.#failedAtGate ??= this.rules.located(error);
    }
  }

  /** Answers one who comes by a gate of another zone. It is refused when this one stopped, or has no room for it; too many in this tick come later. */
  receive(passage: Passage, record: number, gate: Gate): void {
    this.#border.receive(passage, record, gate);
  }

  /** Acts on what the others answered. Returns how many go. */
  settle(passage: Passage): number {
    return this.fault === null ? this.#border.settle(passage) : 0;
  }

  // For the rules.

  /** Entities that may come without taking the room of players, each seat of whom keeps room for one. */
  get room(): number {
    return (
      this.zone.capacity - this.zone.count - (this.seats - this.#roster.inhabited) - this.#border.arrivals.unseated
    );
  }

  /** Whether nobody comes in for now, by joining nor through a gate; who is on the way does, and bots do. */
  get isLocked(): boolean {
    return this.#roster.isLocked;
  }

  set isLocked(isLocked: boolean) {
    this.#roster.isLocked = isLocked;
  }

  /** The seat's player moves this entity from now on; 0 for none. Throws BAD_ARGUMENT for a stale id, or another player's. */
  possess(seat: number, id: EntityId): void {
    if (id !== 0 && this.zone.slot(id) < 0) {
      throw new GyreError("BAD_ARGUMENT", `id is ${id}, of which there is no entity`);
    }
    const other = this.seatOf(id);
    if (other === seat || this.#seats.entity[seat] === id) return;
    if (other >= 0) {
      throw new GyreError("BAD_ARGUMENT", `id is ${id}, which ${JSON.stringify(this.nameOf(other))} has already`);
    }
    this.#roster.setEntity(seat, id);
    if (seat !== this.#introducing && this.isIn(seat) && !this.isBot(seat)) this.onPossess?.(seat, id);
  }

  /**
   * Tells players: the one in `seat`, or with -1 those within the radius. False, and nobody is told, beyond TELLS_PER_TICK_MAX in a tick.
   * data: JSON of at most TELL_LENGTH_MAX characters.
   */
  tell(name: string, data: string, seat: number, x = 0, y = 0, radius = Number.POSITIVE_INFINITY): boolean {
    if (this.#tells >= TELLS_PER_TICK_MAX) return false;
    this.#tells++;
    if (this.#feed !== null && radius === Number.POSITIVE_INFINITY) {
      if (seat < 0 || !this.isBot(seat)) this.#feed.tell(seat < 0 ? NO_READER : seat, name, data);
      return true;
    }
    const tell = this.#tell;
    tell.name = name;
    tell.data = data;
    tell.seat = seat;
    tell.x = x;
    tell.y = y;
    tell.radius = radius;
    this.onTell?.(tell);
    return true;
  }

  // The state.

  /** 64 bits over the zone and everything beside it. O(entities + size of state). A zone whose game's state is not plain stops. */
  hash(): bigint {
    let hash = this.zone.hash();
    for (const [name, text] of this.#parts()) hash = hashText(text, hashText(name, hash));
    return hash;
  }

  /** The hash of each part by its name: the zone's, and "state", "timers", "seats", "gates". */
  digests(): ReadonlyMap<string, bigint> {
    const digests = new Map(this.zone.digests());
    for (const [name, text] of this.#parts()) digests.set(name, hashText(text, 0n));
    return digests;
  }

  /** Between two steps. Throws the fault of a zone that stopped. */
  save(): WorldImage {
    const rules = this.#rulesParts();
    if (this.fault !== null) throw this.fault;
    const parts = this.#imageParts(rules);
    parts.set("scheduled", JSON.stringify(this.schedule.save()));
    return { zone: this.zone.save(), parts };
  }

  /** Of an image, all but the zone's and the schedule. Throws GAME_FAILED when the game's state is not plain; unlike save, that stops nothing. */
  saveParts(): ReadonlyMap<string, string> {
    return this.#imageParts(this.rules.parts());
  }

  #imageParts(rules: ReadonlyMap<string, string>): Map<string, string> {
    const parts = this.#partsWith(rules);
    const commands = this.#inbox.peek();
    // It is the first, as nothing waits when it comes.
    const isReset = commands[0]?.type === RESET;
    if (isReset) parts.set("seats", JSON.stringify(NOBODY));
    parts.set("coming", JSON.stringify(this.#seats.saveComing(isReset)));
    parts.set("free", JSON.stringify(this.#seats.saveFree()));
    parts.set("outside", JSON.stringify(this.#inbox.save()));
    parts.set("asking", JSON.stringify(this.#border.keeper.saveAsking()));
    parts.set("asleep", JSON.stringify(this.asleep));
    parts.set("commands", JSON.stringify(commands));
    parts.set("events", JSON.stringify(this.#peekEvents()));
    return parts;
  }

  close(): void {
    this.zone.close();
  }

  #takes(): ReplicaTaker {
    if (this.#taker === null) {
      const { extent, seats, replicated } = this;
      const replica = createReplica(this.kernel, replicaSpec({ ...extent, seats, replicated }, this.#streams));
      this.#taker = new ReplicaTaker(replica, this.source);
    }
    return this.#taker;
  }

  #parts(): ReadonlyMap<string, string> {
    return this.#partsWith(this.#rulesParts());
  }

  #partsWith(rules: ReadonlyMap<string, string>): Map<string, string> {
    const parts = new Map(rules);
    parts.set("seats", JSON.stringify(this.#roster.save()));
    parts.set("gates", JSON.stringify(this.#border.save()));
    return parts;
  }

  /** What the rules keep. Rules that cannot say what they keep have failed: the zone stops, and they are taken to keep nothing. */
  #rulesParts(): ReadonlyMap<string, string> {
    try {
      return this.rules.parts();
    } catch (error) {
      if (this.fault === null) this.#stop(this.rules.located(error));
      return new Map(this.rules.partNames.map((name) => [name, ""]));
    }
  }

  #restore(parts: ReadonlyMap<string, string>): void {
    const part = (name: string): unknown => JSON.parse(parts.get(name) ?? "null");
    const roster = part("seats") as SavedRoster;
    const seats = [...roster.seats, ...(part("coming") as SavedRoster["seats"])];
    this.#roster.restore({ ...roster, seats }, part("free") as number[]);
    this.#inbox.restore(part("outside") as SavedInbox);
    if (parts.has("scheduled")) this.schedule.restore(part("scheduled") as SavedSchedule);
    this.#border.restore(part("gates") as SavedBorder);
    this.#border.keeper.restoreAsking(part("asking") as number[]);
    this.asleep = part("asleep") as boolean;
    this.#wasTold = !this.asleep;
    this.#inbox.refill(part("commands") as Command[]);
    this.#refillEvents(part("events") as SavedEvents);
    this.rules.restore(parts);
  }

  #setUp(): void {
    try {
      this.rules.setup();
    } catch (error) {
      throw this.rules.located(error);
    }
    // Who is there from the beginning is no news, and may be more than there is room for events.
    this.zone.events.clear();
    this.zone.tidy(true);
  }

  #prepare(tick: number): void {
    const behind = tick - 1 - this.zone.tick;
    if (behind > 0) this.zone.skip(behind);
    this.asleep = false;
    this.#tells = 0;
    this.#inbox.flush(tick);
    this.#inbox.isWorking = true;
    this.#isDrowsy = this.#drain();
    this.#admitLeaves();
    this.#admitEnters();
    this.rules.advance();
  }

  #conclude(): void {
    const wasHeard = this.#readEvents();
    const wasMissed = this.#missEntities();
    this.#syncState();
    // From here on no code of the game runs, and an image may be taken.
    this.zone.tidy(wasHeard || wasMissed);
    this.#border.keeper.scan(this.#isPlayer);
    const waits = this.#roster.entering + this.#roster.leaving + this.#border.keeper.count;
    this.asleep = this.#isDrowsy && waits === 0;
    this.#wasTold = false;
    this.#inbox.isWorking = false;
    this.#inbox.log?.stepped();
  }

  #syncState(): void {
    const { sync } = this.rules;
    const { tick, tickRate } = this.zone;
    if (sync === null || !isSyncTick(tick + this.phase, sync.rate, tickRate)) return;
    this.onSync?.(false);
    this.#feed?.sync(tick, this.onState);
    this.onSync?.(true);
  }

  #stop(error: GyreError): void {
    this.fault = error;
    this.#inbox.clear();
    // It may have been found out by a hash, while it slept.
    if (this.asleep) this.onWake?.();
    this.onStop?.(error);
  }

  /** A command was pushed. */
  #hear(): void {
    if (!this.asleep || this.#wasTold) return;
    this.#wasTold = true;
    this.onWake?.();
  }

  // Commands drained.

  /** Whether sleep was the last word. What comes while it drains waits for the next tick. */
  #drain(): boolean {
    const command = this.#command;
    let drowsy = false;
    const { commands } = this.zone;
    for (let n = commands.count; n > 0 && commands.next(command); n--) {
      this.onCommand?.(command);
      drowsy = command.type === SLEEP;
      if (command.type !== ARRIVE) this.#border.introduceArrived();
      this.#obey(command);
    }
    this.#border.endArrivals();
    return drowsy;
  }

  #obey(command: Command): void {
    switch (command.type) {
      case JOIN:
        this.#roster.join(command.seat);
        break;
      case LEAVE:
        this.#roster.leave(command.seat);
        break;
      case INPUT:
        this.#obeyInput(command.seat, command.seq, command.dx, command.dy, command.action);
        break;
      case ARRIVE:
        this.#border.obeyArrive(command);
        break;
      case DEPARTED:
        this.#border.obeyDeparted(command);
        break;
      case STAYS:
        this.#border.obeyStays(command);
        break;
      case RESET:
        this.#begin(command.dx);
        break;
    }
  }

  #begin(seed: number): void {
    const { events } = this.zone;
    this.#lostBefore.oldest += events.droppedOldest;
    this.#lostBefore.low += events.droppedLow;
    this.#lostBefore.refused += events.refused;
    this.zone.reset(seed, this.zone.tick);
    this.#roster.reset();
    this.#border.reset();
    this.#lost = 0;
    this.rules.reset();
    this.#setUp();
  }

  /** An input that comes while its seat waits counts when it enters; of its actions the last. */
  #obeyInput(seat: number, seq: number, dx: number, dy: number, action: number): void {
    const { state } = this.#seats;
    if (state[seat] === IN) this.#apply(seat, seq, dx, dy, action);
    else if (state[seat] === ENTERING) this.#seats.ask(seat, seq, dx, dy, action || (this.#seats.action[seat] ?? 0));
  }

  #apply(seat: number, seq: number, dx: number, dy: number, action: number): void {
    this.#seats.ack[seat] = seq;
    if (!this.rules.input(seat, seq, dx, dy, action)) return;
    const id = this.entity(seat);
    if (id === 0) return;
    this.zone.move(id, dx, dy);
    if (action === ATTACK) this.zone.act(id, ATTACK);
  }

  #admitLeaves(): void {
    for (let n = Math.min(LEAVES_PER_TICK_MAX, this.#roster.leaving); n > 0; n--) {
      const seat = this.#roster.nextLeaving();
      this.rules.leave(seat);
      this.#roster.clear(seat);
    }
  }

  #admitEnters(): void {
    for (let n = Math.min(ENTERS_PER_TICK_MAX, this.#roster.entering); n > 0; n--) {
      const seat = this.#roster.nextEntering();
      if (seat >= 0) this.#enter(seat);
    }
  }

  #enter(seat: number): void {
    const { seq, dx, dy, action } = this.#seats;
    this.#introducing = seat;
    if (!this.isBot(seat)) this.#feed?.expect(seat);
    this.possess(seat, this.rules.join(seat));
    this.#introducing = -1;
    if ((seq[seat] ?? 0) !== 0 || dx[seat] !== 0 || dy[seat] !== 0 || action[seat] !== 0) {
      this.#apply(seat, seq[seat] ?? 0, dx[seat] ?? 0, dy[seat] ?? 0, action[seat] ?? 0);
    }
    if (!this.isBot(seat)) this.onEnter?.(seat, this.entity(seat));
  }

  /** One who came through a gate. */
  #introduce(seat: number): void {
    this.#introducing = seat;
    if (!this.isBot(seat)) this.#feed?.expect(seat);
    this.rules.arrive(seat);
    this.#introducing = -1;
    if (!this.isBot(seat)) this.onEnter?.(seat, this.entity(seat));
  }

  // After the kernel's step.

  /** Whether the game heard of any. */
  #readEvents(): boolean {
    const { events } = this.zone;
    const event = this.#event;
    const lost = this.#lost + events.takeLost();
    this.#lost = 0;
    let wasHeard = false;
    // What the hooks emit meanwhile is for the next tick.
    for (let n = events.count; n > 0 && events.next(event); n--) wasHeard = this.rules.event(event) || wasHeard;
    if (lost === 0) return wasHeard;
    event.type = EVENT.LOST;
    event.critical = true;
    event.tick = this.zone.tick;
    event.source = event.target = event.extra = event.x = event.y = 0;
    event.value = lost;
    return this.rules.event(event) || wasHeard;
  }

  /** What hooks emitted since the events were read. The ring can only be read by emptying it. */
  #peekEvents(): SavedEvents {
    const { events } = this.zone;
    this.#lost += events.takeLost();
    const saved: SavedEvents = { lost: this.#lost, waiting: [] };
    for (let n = events.count; n > 0 && events.next(this.#event); n--) saved.waiting.push({ ...this.#event });
    this.#refillEvents(saved);
    return saved;
  }

  #refillEvents({ lost, waiting }: SavedEvents): void {
    this.#lost = lost;
    for (const { type, critical, tick, source, target, value, extra, x, y } of waiting) {
      this.zone.events.push(type, critical, tick, source, target, value, extra, x, y);
    }
  }

  /** Players whose entity is gone for good get another, if the rules say so. Whether there were any. */
  #missEntities(): boolean {
    let seat = this.#roster.nextBereft(0);
    const wasMissed = seat >= 0;
    for (; seat >= 0; seat = this.#roster.nextBereft(seat + 1)) this.#replace(seat);
    return wasMissed;
  }

  #replace(seat: number): void {
    this.#roster.setEntity(seat, 0);
    this.#introducing = seat;
    this.possess(seat, this.rules.gone(seat));
    this.#introducing = -1;
    if (!this.isBot(seat)) this.onPossess?.(seat, this.entity(seat));
  }
}

/** Who sits in a zone that is about to begin anew. */
const NOBODY: SavedRoster = { seats: [], entering: [], leaving: [], isLocked: false };

/** Events that wait for the next tick. */
interface SavedEvents {
  readonly lost: number;
  readonly waiting: ZoneEvent[];
}
