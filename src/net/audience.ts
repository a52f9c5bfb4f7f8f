/**
 * The sessions that watch one zone, its snapshots, and what its game tells them. A snapshot is taken of the whole zone at once; its
 * frames are written over the ticks until the next one, a cohort a tick, because writing to thousands of sockets in one go takes
 * longer than a tick. Every frame of a snapshot says the same tick. Events go out in cohorts too, as soon as they can.
 *
 *     tick         60        61        62        63        (60 Hz, 20 snapshots a second)
 *     snapshot     take A                        take B
 *     cohort       1 of A    2 of A    3 of A    1 of B
 *     sessions     |=======|.........|.........|           cursor moves right
 *
 * Costs: taking, O(entities); a frame, O(its cells and bytes); an event, O(sessions). Nothing is done for a zone that nobody
 * watches: it is not in the hub's list. What the zone calls within its step only takes notes and sends answers; it never calls the zone back.
 */
import { GyreError } from "../errors.js";
import type { KindInfo, ZoneInfo } from "../protocol/control.js";
import { checkColumns } from "../protocol/fields.js";
import { type InterestGrid, interestGrid } from "../protocol/interest.js";
import { SnapshotEncoder } from "../protocol/snapshot-encoder.js";
import { isSnapshotTick, type Rates } from "../sim/rates.js";
import type { Venue, Venues } from "../sim/venue.js";
import type { Tell } from "../sim/world-spec.js";
import { NO_SEAT } from "../state/feed.js";
import type { NetCounters } from "./counters.js";
import { EVENTS_WAITING_MAX } from "./event-queue.js";
import type { Session } from "./session.js";
import { StateRelay } from "./state-relay.js";

/** Sessions served together in any case: below it spreading gains nothing; their writes take about half a millisecond. */
const COHORT_MIN = 64;
/** Sessions that hear the events that wait for them in one tick: 2 ms of writes. */
const TOLD_PER_TICK_MAX = 256;
/** Events of a tick that are for more than one player; no session has room for more of them, and each is a look at every session. */
const BROADCASTS_PER_TICK_MAX = EVENTS_WAITING_MAX;

/** What all audiences of a server share. */
export interface Circle {
  readonly zones: Venues;
  /** Kept up to date by the audiences: those that there is something to publish for. */
  readonly occupied: Set<Audience>;
  readonly rates: Rates;
  /** What the game's archetypes are. */
  readonly kinds: readonly KindInfo[];
  readonly counters: NetCounters;
  /** By the zone's name. */
  audienceOf(zone: string): Audience | undefined;
}

export class Audience {
  readonly venue: Venue;
  readonly grid: InterestGrid;
  readonly #zones: Venues;
  /** Audiences with sessions, this one among them while it has some. */
  readonly #occupied: Set<Audience>;
  readonly #counters: NetCounters;
  readonly #rates: Rates;
  readonly #info: ZoneInfo;
  readonly #sessions: Session[] = [];
  /** Who has joined, by seat: of thousands that there may be, few are taken. */
  readonly #bySeat = new Map<number, Session>();
  /** Who has events waiting, in order of the first of them. */
  readonly #told = new Set<Session>();
  /** Null for a zone without a state tree. */
  readonly #state: StateRelay | null;
  #broadcasts = 0;
  #encoder: SnapshotEncoder | null = null;
  #isTaken = false;
  /** The newest state that was looked at. */
  #tick: number;
  /** Sessions before it were served with the current snapshot. */
  #cursor = 0;
  /** Ticks in which the others will be, this one included. */
  #ticksLeft = 1;

  /** Throws BAD_ARGUMENT for replicated columns that no client could read. */
  constructor(venue: Venue, { zones, occupied, rates, kinds, counters, audienceOf }: Circle) {
    this.venue = venue;
    this.#zones = zones;
    this.#occupied = occupied;
    this.#counters = counters;
    this.#rates = rates;
    this.#info = infoOf(venue, kinds);
    this.grid = interestGrid(venue.scene.width, venue.scene.height, venue.scene.tileSize);
    this.#tick = venue.tick;
    this.#state = venue.sync === null ? null : new StateRelay(venue, (seat) => this.#bySeat.get(seat)?.state);
    venue.onEnter = (seat, id) => this.#bySeat.get(seat)?.entered(id, this);
    venue.onPossess = (seat, id) => this.#bySeat.get(seat)?.possessed(id, this);
    venue.onSeatMoved = (from, to, seat) => this.#move(from, audienceOf(to), seat);
    venue.onRefused = (seat, error) => this.#refuse(seat, error);
    venue.onInputRefused = (seat, seq) => this.#bySeat.get(seat)?.inputRefused(this, seq);
    venue.onTell = (tell) => this.#tell(tell);
    venue.onStop = () => this.#stop();
  }

  /** What a client is told of the zone and of this moment. */
  info(): Rates & { tick: number; zone: ZoneInfo } {
    const { tickRate, snapshotRate } = this.#rates;
    const tick = this.venue.asleep ? this.#zones.tick : this.venue.tick;
    return { tick, tickRate, snapshotRate, zone: this.#info };
  }

  /** Sessions that have a seat in the zone, or wait for one. */
  get players(): number {
    return this.#bySeat.size;
  }

  /** Throws ZONE_STOPPED. */
  checkRuns(): void {
    if (this.venue.fault !== null) throw stopped(this.venue);
  }

  /** Why an input was not taken. */
  noRoomFor(seq: number): GyreError {
    return new GyreError("COMMANDS_FULL", `${this.venue.name} has no room for input ${seq} before its next tick`);
  }

  /**
   * Takes a seat in the zone; the session hears `entered` at the start of a coming tick, or `refused`. Throws ZONE_FULL, COMMANDS_FULL,
   * ZONE_STOPPED.
   */
  seat(session: Session, name: string): void {
    session.seat = this.venue.join(name);
    this.#bySeat.set(session.seat, session);
  }

  unseat(session: Session): void {
    this.#bySeat.delete(session.seat);
    this.#flushOne(session);
    this.venue.leave(session.seat);
    session.seat = -1;
  }

  /** From now on it is served; and the zone stays awake. */
  add(session: Session): void {
    // What nobody looked at is not taken afterwards.
    if (this.#sessions.length === 0) this.#tick = this.venue.tick;
    session.index = this.#sessions.length;
    this.#sessions.push(session);
    this.#occupied.add(this);
    this.#zones.watch(this.venue);
    this.beginState(session);
  }

  /** From now on it is told of the zone's state tree, and of its own part when its player is in. */
  beginState(session: Session): void {
    this.#state?.begin(session.state, session.playing === this ? session.seat : NO_SEAT);
  }

  /** The gap is closed from the served part, whose gap is closed from the end: who was not served yet still will be. */
  remove(session: Session): void {
    let gap = session.index;
    const last = this.#sessions.length - 1;
    if (gap < 0) return;
    this.#zones.unwatch(this.venue);
    this.#state?.remove(session.state);
    this.#flushOne(session);
    if (gap < this.#cursor) {
      this.#cursor--;
      this.#place(this.#sessions[this.#cursor], gap);
      gap = this.#cursor;
    }
    if (gap < last) this.#place(this.#sessions[last], gap);
    this.#sessions.pop();
    session.index = -1;
    if (this.#sessions.length === 0) this.#empty();
  }

  /** After each tick: takes the snapshot that is due, serves the next cohort, and tells what there is to tell. */
  publish(): void {
    const tick = this.venue.newestTick;
    // A zone that sleeps or stopped stands still: what was taken is the last there is.
    const isDue = isLater(tick, this.#tick) && isSnapshotTick(tick, this.#rates);
    this.#tick = isDue ? this.#take() : tick;
    if (this.#isTaken) this.#serve(this.#nextCohort());
    this.#state?.publish();
    this.#broadcasts = 0;
    if (this.#told.size > 0) this.#flushEvents();
  }

  #empty(): void {
    this.#occupied.delete(this);
    if (this.#isTaken) this.#encoder?.end();
    this.#isTaken = false;
  }

  #move(from: number, to: Audience | undefined, seat: number): void {
    const session = this.#bySeat.get(from);
    if (session === undefined || to === undefined) return;
    this.#bySeat.delete(from);
    to.#bySeat.set(seat, session);
    session.moved(to, seat);
  }

  #refuse(seat: number, error: GyreError): void {
    const session = this.#bySeat.get(seat);
    this.#bySeat.delete(seat);
    session?.refused(error);
  }

  #tell({ name, data, seat, radius, x, y }: Readonly<Tell>): void {
    const session = this.#bySeat.get(seat);
    if (seat >= 0 && session === undefined) return;
    const text = `{"type":"event","name":${JSON.stringify(name)},"data":${data}}`;
    if (session !== undefined) this.#hear(session, text);
    else if (this.#broadcasts++ < BROADCASTS_PER_TICK_MAX) this.#broadcast(text, x, y, radius);
    else this.#counters.eventsDropped += this.#sessions.length;
  }

  #broadcast(text: string, x: number, y: number, radius: number): void {
    for (const session of this.#sessions) {
      if (radius === Number.POSITIVE_INFINITY || session.isWithin(this, x, y, radius)) this.#hear(session, text);
    }
  }

  #hear(session: Session, text: string): void {
    if (session.hear(text)) this.#told.add(session);
  }

  #flushEvents(): void {
    let n = 0;
    for (const session of this.#told) {
      if (n++ === TOLD_PER_TICK_MAX) return;
      this.#told.delete(session);
      session.flushEvents();
    }
  }

  #stop(): void {
    const error = stopped(this.venue);
    const all = new Set([...this.#bySeat.values(), ...this.#sessions]);
    this.#bySeat.clear();
    for (const session of all) session.stopped(this, error);
  }

  /** It goes: what waits for it here comes now, not with the events of where it goes. */
  #flushOne(session: Session): void {
    if (this.#told.delete(session)) session.flushEvents();
  }

  #place(session: Session | undefined, index: number): void {
    if (session === undefined) return;
    this.#sessions[index] = session;
    session.index = index;
  }

  /** Returns the tick whose state it took: a newer one, where there was one meanwhile. */
  #take(): number {
    const { venue } = this;
    this.#encoder ??= new SnapshotEncoder(venue.scene, this.#info.columns);
    if (this.#isTaken) {
      // Somebody was late, not they.
      this.#serve(this.#sessions.length);
      this.#encoder.end();
    }
    this.#isTaken = true;
    venue.refresh();
    this.#encoder.begin(venue.scene.tick, venue.scene.highWater);
    for (const session of this.#sessions) {
      if (session.playing === this) session.ack = venue.ackOf(session.seat);
    }
    this.#cursor = 0;
    this.#ticksLeft = Math.floor(this.#rates.tickRate / this.#rates.snapshotRate);
    return venue.scene.tick;
  }

  #nextCohort(): number {
    const waiting = this.#sessions.length - this.#cursor;
    const cohort = Math.max(COHORT_MIN, Math.ceil(waiting / this.#ticksLeft));
    this.#ticksLeft = Math.max(1, this.#ticksLeft - 1);
    return cohort;
  }

  /** A session that closes itself while it is served leaves the served part, and its successor takes its place. */
  #serve(cohort: number): void {
    const encoder = this.#encoder;
    if (encoder === null) return;
    for (let n = 0; n < cohort; n++) {
      const session = this.#sessions[this.#cursor];
      if (session === undefined) return;
      this.#cursor++;
      session.sendSnapshot(encoder);
    }
  }
}

/** The zone as welcome and watching describe it. */
function infoOf({ name, template, scene, replicated, gates, sync }: Venue, kinds: readonly KindInfo[]): ZoneInfo {
  checkColumns(replicated);
  return {
    name,
    ...(template === "" ? {} : { template }),
    width: scene.width,
    height: scene.height,
    tileSize: scene.tileSize,
    columns: replicated,
    kinds,
    gates: gates.map(({ x0, y0, x1, y1, to }) => ({ x0, y0, x1, y1, to })),
    ...(sync === null ? {} : { sync }),
  };
}

function stopped({ name }: Venue): GyreError {
  return new GyreError("ZONE_STOPPED", `${name} stopped: its game failed`);
}

/** Ticks are u32 and begin anew some day. */
function isLater(tick: number, than: number): boolean {
  return ((tick - than) | 0) > 0;
}
