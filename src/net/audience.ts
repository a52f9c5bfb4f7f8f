/**
 * The sessions that watch one zone, its snapshots, and what its game tells them. A round is what the zone's replica has new, of one tick; its
 * frames are written over the ticks until the next one, a cohort a tick, because writing to thousands of sockets in one go takes
 * longer than a tick. Every frame of a round says the same tick. What changed in the state tree goes in the same write. Events go out in cohorts too, as soon as they can.
 *
 *     tick         60        61        62        63        (60 Hz, 20 snapshots a second)
 *     round        A                             B
 *     cohort       1 of A    2 of A    3 of A    1 of B
 *     sessions     |=======|.........|.........|           cursor moves right
 *
 * With streams at several rates a round may have to be over within a tick; one of the normal stream is ended before one that has only others
 * begins. When there is not the time to serve all of them in a round, those who were left are the first of the next one: under more than this thread
 * can do everybody gets fewer snapshots, equally, and nobody is late with anything else.
 *
 * Costs: a frame, O(its cells and bytes); an event, O(sessions). Nothing is done for a zone that nobody
 * watches: it is not in the hub's list, once the zone knows. What the zone calls within its step only takes notes and sends answers; it never calls the zone back.
 */
import { GyreError } from "../errors.js";
import { NORMAL } from "../kernel/streams.js";
import { Composer } from "../protocol/composer.js";
import type { KindInfo, ZoneInfo } from "../protocol/control.js";
import { checkColumns, FieldTable } from "../protocol/fields.js";
import { INTEREST_TILES, type InterestGrid, interestGrid, STEPS_PER_UNIT } from "../protocol/interest.js";
import { type Rates, streamsDue, ticksToNext } from "../sim/rates.js";
import type { Venue, Venues } from "../sim/venue.js";
import type { Tell } from "../sim/world-spec.js";
import { NO_SEAT } from "../state/feed.js";
import type { NetCounters } from "./counters.js";
import { EVENTS_WAITING_MAX } from "./event-queue.js";
import type { Session } from "./session.js";
import { StateRelay } from "./state-relay.js";

/** Sessions served together in any case: below it spreading gains nothing; their writes take about a millisecond. */
const COHORT_MIN = 64;
/** Sessions that are served between two looks at the clock: one or two tenths of a millisecond. */
const SERVED_PER_LOOK = 8;
/** Sessions that hear in one tick what waits for them beside snapshots, events or changes of the state tree: 3 to 4 ms of writes of each. */
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
  /** Audiences with sessions, this one among them while it has some, and until its zone knows that it has none. */
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
  #composer: Composer | null = null;
  /** The newest tick that was looked at. */
  #tick: number;
  /** Sessions before it were served in the current round. */
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
    const { width, height, tileSize, stepsPerUnit, interestTiles } = venue.extent;
    this.grid = interestGrid(width, height, tileSize, stepsPerUnit, interestTiles);
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

  /** The player in its seat is this session's from now on. */
  reseat(session: Session): void {
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
    if (this.#sessions.length === 0) this.#open();
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

  /**
   * After each tick: begins the round that is due, serves the next cohort, and tells what there is to tell. isLate: there is no more time for
   * it. Returns whether there was time for the whole cohort.
   */
  publish(isLate: () => boolean): boolean {
    const composer = this.#composer;
    const tick = this.venue.toldTick;
    // A zone that sleeps or stopped stands still: what was taken is the last there is.
    if (isLater(tick, this.#tick)) this.venue.takeSnapshots(streamsDue(tick + this.venue.phase, this.#rates));
    this.#tick = tick;
    let isServed = true;
    this.#state?.publish();
    if (composer !== null) {
      if (!this.#mustGoOn(composer, tick) && composer.beginRound(tick)) this.#begin(composer);
      if (composer.due !== 0) isServed = this.#serve(composer, this.#nextCohort(), isLate);
    }
    // What changed in the state tree goes with the snapshots of an open round; without one, by itself.
    if (this.#cursor >= this.#sessions.length) this.#state?.flush(TOLD_PER_TICK_MAX);
    this.#broadcasts = 0;
    if (this.#told.size > 0) this.#flushEvents();
    if (this.#sessions.length === 0) this.#empty();
    return isServed;
  }

  /** Somebody looks. What nobody looked at is no news afterwards. */
  #open(): void {
    const { venue } = this;
    this.#composer ??= new Composer(venue.replica, this.grid, new FieldTable(venue.replicated), this.#counters.tally);
    this.#tick = venue.tick;
    this.#composer.skip(this.#tick);
    this.#cursor = 0;
  }

  /** Nobody looks any more, which the zone may still have to be told. */
  #empty(): void {
    if (this.#state?.isQuiet !== false) this.#occupied.delete(this);
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

  /** Rounds of the other streams alone wait until all were told of the normal one, but for a newer one of that. */
  #mustGoOn(composer: Composer, tick: number): boolean {
    const isOpen = this.#cursor < this.#sessions.length && ((composer.due >> NORMAL) & 1) === 1;
    return isOpen && !composer.hasNews(NORMAL, tick);
  }

  /** Who was not served in the round before is first. */
  #begin({ tick, replica }: Composer): void {
    const { length } = this.#sessions;
    if (this.#cursor > 0 && this.#cursor < length) {
      // Turned in place, by three reversals: it happens in every round of a server that cannot serve all.
      this.#reverse(0, this.#cursor);
      this.#reverse(this.#cursor, length);
      this.#reverse(0, length);
    }
    this.#cursor = 0;
    this.#ticksLeft = ticksToNext(tick + this.venue.phase, replica.streams, this.#rates);
  }

  #reverse(from: number, to: number): void {
    const sessions = this.#sessions;
    for (let left = from, right = to - 1; left < right; left++, right--) {
      const session = sessions[left];
      this.#place(sessions[right], left);
      this.#place(session, right);
    }
  }

  #nextCohort(): number {
    const waiting = this.#sessions.length - this.#cursor;
    const cohort = Math.max(COHORT_MIN, Math.ceil(waiting / this.#ticksLeft));
    this.#ticksLeft = Math.max(1, this.#ticksLeft - 1);
    return cohort;
  }

  /** A session that closes itself while it is served leaves the served part, and its successor takes its place. */
  #serve(composer: Composer, cohort: number, isLate: () => boolean): boolean {
    for (let n = 0; n < cohort; n++) {
      const session = this.#sessions[this.#cursor];
      if (session === undefined) return true;
      if (n % SERVED_PER_LOOK === 0 && isLate()) return false;
      this.#cursor++;
      session.serve(composer);
    }
    return true;
  }
}

/** The zone as welcome and watching describe it. */
function infoOf({ name, template, extent, replicated, gates, sync }: Venue, kinds: readonly KindInfo[]): ZoneInfo {
  checkColumns(replicated);
  return {
    name,
    ...(template === "" ? {} : { template }),
    width: extent.width,
    height: extent.height,
    tileSize: extent.tileSize,
    ...(extent.stepsPerUnit === STEPS_PER_UNIT ? {} : { stepsPerUnit: extent.stepsPerUnit }),
    ...(extent.interestTiles === INTEREST_TILES ? {} : { interestTiles: extent.interestTiles }),
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
