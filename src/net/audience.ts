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
import { checkColumns, typeOf } from "../protocol/fields.js";
import { type InterestGrid, interestGrid } from "../protocol/interest.js";
import { SnapshotEncoder } from "../protocol/snapshot-encoder.js";
import type { Tell, World } from "../sim/world.js";
import type { Zones } from "../sim/zones.js";
import type { NetCounters } from "./counters.js";
import { EVENTS_WAITING_MAX } from "./event-queue.js";
import type { Session } from "./session.js";

/** Sessions served together in any case: below it spreading gains nothing; their writes take about half a millisecond. */
const COHORT_MIN = 64;
/** Sessions that hear the events that wait for them in one tick: 2 ms of writes. */
const TOLD_PER_TICK_MAX = 256;
/** Events of a tick that are for more than one player; no session has room for more of them, and each is a look at every session. */
const BROADCASTS_PER_TICK_MAX = EVENTS_WAITING_MAX;

export interface Rates {
  /** Per second. */
  readonly tickRate: number;
  /** Per second, at most tickRate. */
  readonly snapshotRate: number;
}

/** What all audiences of a server share. */
export interface Circle {
  readonly zones: Zones;
  /** Kept up to date by the audiences: those that there is something to publish for. */
  readonly occupied: Set<Audience>;
  readonly rates: Rates;
  /** What the game's archetypes are. */
  readonly kinds: readonly KindInfo[];
  readonly counters: NetCounters;
  audienceOf(world: World | undefined): Audience | undefined;
}

export class Audience {
  readonly world: World;
  readonly grid: InterestGrid;
  readonly #zones: Zones;
  /** Audiences with sessions, this one among them while it has some. */
  readonly #occupied: Set<Audience>;
  readonly #counters: NetCounters;
  readonly #rates: Rates;
  readonly #info: ZoneInfo;
  readonly #sessions: Session[] = [];
  readonly #bySeat: (Session | null)[];
  /** Who has events waiting, in order of the first of them. */
  readonly #told = new Set<Session>();
  /** What the sessions' inputs had come to when the snapshot was taken, by seat. */
  readonly #acks: Uint32Array;
  #broadcasts = 0;
  #encoder: SnapshotEncoder | null = null;
  #isTaken = false;
  /** The tick that was looked at last. */
  #tick: number;
  /** Sessions before it were served with the current snapshot. */
  #cursor = 0;
  /** Ticks in which the others will be, this one included. */
  #ticksLeft = 1;

  /** Throws BAD_ARGUMENT for replicated columns that no client could read. */
  constructor(world: World, { zones, occupied, rates, kinds, counters, audienceOf }: Circle) {
    this.world = world;
    this.#zones = zones;
    this.#occupied = occupied;
    this.#counters = counters;
    this.#rates = rates;
    this.#info = infoOf(world, kinds);
    this.grid = interestGrid(world.zone.width, world.zone.height, world.zone.tileSize);
    this.#bySeat = new Array<Session | null>(world.seats).fill(null);
    this.#acks = new Uint32Array(world.seats);
    this.#tick = world.zone.tick;
    world.onEnter = (seat, id) => this.#bySeat[seat]?.entered(id, this);
    world.onPossess = (seat, id) => this.#bySeat[seat]?.possessed(id, this);
    world.onSeatMoved = (from, to, seat) => this.#move(from, audienceOf(zones.find(to)), seat);
    world.onTell = (tell) => this.#tell(tell);
    world.onStop = () => this.#stop();
  }

  /** What a client is told of the zone and of this moment. */
  info(): Rates & { tick: number; zone: ZoneInfo } {
    const { tickRate, snapshotRate } = this.#rates;
    const tick = this.world.asleep ? this.#zones.tick : this.world.zone.tick;
    return { tick, tickRate, snapshotRate, zone: this.#info };
  }

  /** Throws ZONE_STOPPED. */
  checkRuns(): void {
    if (this.world.fault !== null) throw stopped(this.world);
  }

  /** Takes a seat in the zone; the session hears `entered` at the start of a coming tick. Throws ZONE_FULL, COMMANDS_FULL, ZONE_STOPPED. */
  seat(session: Session, name: string): void {
    session.seat = this.world.join(name);
    this.#bySeat[session.seat] = session;
  }

  unseat(session: Session): void {
    this.#bySeat[session.seat] = null;
    this.#flushOne(session);
    this.world.leave(session.seat);
    session.seat = -1;
  }

  /** From now on it is served; and the zone stays awake. */
  add(session: Session): void {
    session.index = this.#sessions.length;
    this.#sessions.push(session);
    this.#occupied.add(this);
    this.#zones.watch(this.world);
  }

  /** The gap is closed from the served part, whose gap is closed from the end: who was not served yet still will be. */
  remove(session: Session): void {
    let gap = session.index;
    const last = this.#sessions.length - 1;
    if (gap < 0) return;
    this.#zones.unwatch(this.world);
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
    const { tick } = this.world.zone;
    // A zone that sleeps or stopped stands still: what was taken is the last there is.
    if (tick !== this.#tick && isSnapshotTick(tick, this.#rates)) this.#take();
    this.#tick = tick;
    if (this.#isTaken) this.#serve();
    this.#broadcasts = 0;
    if (this.#told.size > 0) this.#flushEvents();
  }

  #empty(): void {
    this.#occupied.delete(this);
    if (this.#isTaken) this.#encoder?.end();
    this.#isTaken = false;
  }

  #move(from: number, to: Audience | undefined, seat: number): void {
    const session = this.#bySeat[from];
    if (session === null || session === undefined || to === undefined) return;
    this.#bySeat[from] = null;
    to.#bySeat[seat] = session;
    session.moved(to, seat);
  }

  #tell({ name, data, seat, radius, x, y }: Readonly<Tell>): void {
    const session = this.#bySeat[seat];
    if (seat >= 0 && !session) return;
    const text = `{"type":"event","name":${JSON.stringify(name)},"data":${data}}`;
    if (session) this.#hear(session, text);
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
    const error = stopped(this.world);
    const seated = this.#bySeat.filter((session) => session !== null);
    this.#bySeat.fill(null);
    for (const session of new Set([...seated, ...this.#sessions])) session.stopped(this, error);
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

  #take(): void {
    const { zone, acks } = this.world;
    this.#encoder ??= new SnapshotEncoder(zone, this.#info.columns);
    if (this.#isTaken) this.#encoder.end();
    this.#isTaken = true;
    this.#encoder.begin(zone.tick, zone.highWater);
    this.#acks.set(acks);
    this.#cursor = 0;
    this.#ticksLeft = Math.floor(this.#rates.tickRate / this.#rates.snapshotRate);
  }

  /** A session that closes itself while it is served leaves the served part, and its successor takes its place. */
  #serve(): void {
    const encoder = this.#encoder;
    if (encoder === null) return;
    const waiting = this.#sessions.length - this.#cursor;
    const cohort = Math.max(COHORT_MIN, Math.ceil(waiting / this.#ticksLeft));
    this.#ticksLeft = Math.max(1, this.#ticksLeft - 1);
    for (let n = 0; n < cohort; n++) {
      const session = this.#sessions[this.#cursor];
      if (session === undefined) return;
      this.#cursor++;
      if (session.playing === this) session.ack = this.#acks[session.seat] ?? 0;
      session.sendSnapshot(encoder);
    }
  }
}

/** The zone as welcome and watching describe it. */
function infoOf({ name, zone, replicated, gates }: World, kinds: readonly KindInfo[]): ZoneInfo {
  const columns = replicated.map((column) => {
    const values = zone.own[column];
    if (values === undefined) throw new GyreError("BAD_ARGUMENT", `${name} has no column ${column} to replicate`);
    return { name: column, type: typeOf(values) };
  });
  checkColumns(columns);
  return {
    name,
    width: zone.width,
    height: zone.height,
    tileSize: zone.tileSize,
    columns,
    kinds,
    gates: gates.map(({ x0, y0, x1, y1, to }) => ({ x0, y0, x1, y1, to })),
  };
}

function stopped({ name }: World): GyreError {
  return new GyreError("ZONE_STOPPED", `${name} stopped: its game failed`);
}

/**
 * Whether the state after this tick is a snapshot: when tick * snapshotRate / tickRate has passed another whole number. With
 * rates that divide, every n-th tick; with others as even as whole ticks allow, and exactly snapshotRate of every tickRate.
 */
export function isSnapshotTick(tick: number, { tickRate, snapshotRate }: Rates): boolean {
  return Math.floor((tick * snapshotRate) / tickRate) !== Math.floor(((tick - 1) * snapshotRate) / tickRate);
}
