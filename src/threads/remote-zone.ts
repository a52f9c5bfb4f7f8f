/**
 * A zone that is stepped on another thread, as who serves its players sees it: what came of it in notices and its replica, and the way for
 * what it is asked. See remote-zones.ts.
 */
import { GyreError } from "../errors.js";
import type { Replica } from "../kernel/replica.js";
import type { EntityId } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import type { ColumnInfo } from "../protocol/fields.js";
import type { StreamPlan } from "../protocol/view.js";
import type { Gate } from "../sim/gates.js";
import { NOW } from "../sim/schedule.js";
import type { Extent, Figures, Venue } from "../sim/venue.js";
import type { Tell } from "../sim/world-spec.js";
import { NO_SEAT, type StateNote, type StateSink } from "../state/feed.js";
import type { SyncInfo } from "../state/formats.js";
import { ASLEEP, LOCKED } from "./figures.js";
import type { ToldTell } from "./notices.js";

/** What the main thread knows of a zone from the start. */
export interface RemoteZoneSpec {
  readonly extent: Extent;
  readonly seats: number;
  /** Own columns that clients get. */
  readonly replicated: readonly ColumnInfo[];
  readonly streams: StreamPlan | undefined;
  readonly name: string;
  readonly map: MapData;
  readonly gates: readonly Gate[];
  readonly template: string;
  readonly playersMax: number;
  readonly sync: SyncInfo | null;
}

/** What a zone needs of whoever has its rings. Zones by index, players by id. */
export interface Link {
  /** The last tick that was told of. */
  tickOf(zone: number): number;
  /** See figures.ts. */
  stateOf(zone: number): number;
  figuresOf(zone: number): Figures;
  actionOf(name: string): number;
  /** 0 when there is no room. Throws BAD_ARGUMENT. */
  join(zone: number, name: string): number;
  leave(id: number): void;
  /** False when there is no room. */
  reset(zone: number, seed: number): boolean;
  /** False when there is no room. */
  input(id: number, seq: number, dx: number, dy: number, action: number, tick: number): boolean;
  /** The seat of a player who is in; -1 for none. */
  seatOf(id: number): number;
  isWithin(id: number): boolean | null;
  /** id: 0 for spectators. False when there is no room. */
  askState(id: number, zone: number, format: number): boolean;
  useStateFormats(zone: number, formats: number): boolean;
}

export class RemoteZone implements Venue {
  readonly index: number;
  readonly name: string;
  readonly map: MapData;
  readonly gates: readonly Gate[];
  readonly replicated: readonly ColumnInfo[];
  readonly template: string;
  readonly phase: number;
  readonly playersMax: number;
  readonly sync: SyncInfo | null;
  readonly extent: Extent;
  readonly replica: Replica;
  fault: GyreError | null = null;

  onEnter: ((seat: number, id: EntityId) => void) | null = null;
  onPossess: ((seat: number, id: EntityId) => void) | null = null;
  onTell: ((tell: Readonly<Tell>) => void) | null = null;
  onState: StateSink | null = null;
  onSeatMoved: ((from: number, to: string, seat: number) => void) | null = null;
  onRefused: ((seat: number, error: GyreError) => void) | null = null;
  onInputRefused: ((seat: number, seq: number) => void) | null = null;
  onStop: ((error: GyreError) => void) | null = null;

  readonly #link: Link;
  readonly #tell: Tell = { name: "", data: "", seat: -1, radius: 0, x: 0, y: 0 };
  /** The tick in which happened what is being told; -1 when nothing is. */
  #toldTick = -1;
  /** Joins and inputs that found no room on their way. */
  #refused = 0;

  constructor(link: Link, index: number, spec: RemoteZoneSpec, replica: Replica) {
    this.#link = link;
    this.index = index;
    this.name = spec.name;
    this.map = spec.map;
    this.gates = spec.gates;
    this.replicated = spec.replicated;
    this.template = spec.template;
    this.phase = index;
    this.playersMax = spec.playersMax;
    this.sync = spec.sync;
    this.extent = spec.extent;
    this.replica = replica;
  }

  get tick(): number {
    return this.#toldTick < 0 ? this.#link.tickOf(this.index) : this.#toldTick;
  }

  get asleep(): boolean {
    return this.#toldTick < 0 && this.#link.stateOf(this.index) === ASLEEP;
  }

  /** As of the last tick that was told of: a join may be refused all the same. */
  get isLocked(): boolean {
    return this.#link.stateOf(this.index) === LOCKED;
  }

  actionOf(name: string): number {
    return this.#link.actionOf(name);
  }

  join(name: string): number {
    if (this.fault !== null) throw new GyreError("ZONE_STOPPED", `${this.name} stopped: its game failed`);
    const id = this.#link.join(this.index, name);
    if (id !== 0) return id;
    this.#refused++;
    throw new GyreError("COMMANDS_FULL", `${this.name} has no room for another command before its next tick`);
  }

  reset(seed: number): boolean {
    return this.fault === null && this.#link.reset(this.index, seed);
  }

  leave(seat: number): void {
    this.#link.leave(seat);
  }

  input(seat: number, seq: number, dx: number, dy: number, action: number, tick = NOW): boolean {
    if (this.fault !== null) return false;
    const isTaken = this.#link.input(seat, seq, dx, dy, action, tick);
    if (!isTaken) this.#refused++;
    return isTaken;
  }

  get toldTick(): number {
    return this.#link.tickOf(this.index);
  }

  /** Its home does. */
  takeSnapshots(): void {}

  rowOf(id: number, generation: number): number {
    const seat = this.#link.seatOf(id);
    return seat >= 0 && this.replica.tag(generation, seat) === id ? seat : -1;
  }

  isWithin(seat: number): boolean | null {
    return this.#link.isWithin(seat);
  }

  askState(seat: number, format: number): boolean {
    return this.#link.askState(seat === NO_SEAT ? 0 : seat, this.index, format);
  }

  useStateFormats(formats: number): boolean {
    return this.#link.useStateFormats(this.index, formats);
  }

  figures(): Readonly<Figures> {
    const figures = this.#link.figuresOf(this.index);
    figures.commandsRefused += this.#refused;
    return figures;
  }

  // For whoever reads its notices.

  entered(id: number, entity: EntityId, tick: number): void {
    this.#toldTick = tick;
    this.onEnter?.(id, entity);
    this.#toldTick = -1;
  }

  possessed(id: number, entity: EntityId, tick: number): void {
    this.#toldTick = tick;
    this.onPossess?.(id, entity);
    this.#toldTick = -1;
  }

  /** id: 0 for everybody within the radius. */
  told(id: number, { name, data, x, y, radius }: Readonly<ToldTell>): void {
    const tell = this.#tell;
    tell.name = name;
    tell.data = data;
    tell.seat = id === 0 ? -1 : id;
    tell.x = x;
    tell.y = y;
    tell.radius = radius;
    this.onTell?.(tell);
  }

  /** False: nobody wants to know. */
  stateTold(note: Readonly<StateNote>): boolean {
    return this.onState?.(note) ?? false;
  }

  stopped(error: GyreError): void {
    this.fault = error;
    this.onStop?.(error);
  }
}
