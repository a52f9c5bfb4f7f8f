/**
 * All sessions of a server and the audiences they form, without sockets: connections come in as wires, time comes in with each
 * tick. After each tick of the simulation one call publishes its snapshots and looks after the sessions.
 */
import { GyreError } from "../errors.js";
import type { KindInfo } from "../protocol/control.js";
import { STREAM_PLAN, type StreamPlan } from "../protocol/view.js";
import { Pool, type PoolStats } from "../sim/pool.js";
import type { Rates } from "../sim/rates.js";
import type { Venue, Venues } from "../sim/venue.js";
import { JSON_TEXT, MSGPACK } from "../state/formats.js";
import { Admission, JOINS_PER_TICK_MAX } from "./admission.js";
import { Audience, type Circle } from "./audience.js";
import { NetCounters } from "./counters.js";
import { Flight, type Stock } from "./flight.js";
import { Resumption } from "./resumption.js";
import { Rooms } from "./rooms.js";
import { type Format, Session } from "./session.js";
import { tokens } from "./token.js";
import { CLOSE_GOING_AWAY, type Wire } from "./wire.js";

/** Milliseconds between two rounds of looking after the sessions. */
const CHECK_PERIOD_MS = 1000;
/** Rounds between two pings of one session; each round pings its share. A vanished client is noticed within 20 s. */
const PING_ROUNDS = 10;

/** Bytes of blocks in one frame, where nobody says: of a player, and of a spectator, who may look at a whole map. */
export const SNAPSHOT_BYTES = 8 * 1024;
const WATCH_BYTES = 64 * 1024;

/** Sessions that are made ahead, for the first rush. */
const SESSIONS_READY = 64;

interface HubOptions extends Rates {
  readonly zones: Venues;
  /** Most sessions at a time. */
  readonly sessionsMax: number;
  /** Milliseconds, as later given to publish. */
  readonly nowMs: number;
  /** Of the server, for rooms. Any safe integer; default 1. */
  readonly seed?: number;
  /** What the game's archetypes are, by index. Default: none. */
  readonly kinds?: readonly KindInfo[];
  /** Which cells a player is told of by which stream. */
  readonly streams?: StreamPlan;
  /** Bytes of blocks in a player's frame; what does not fit goes with the next ones. Default 8 KiB. */
  readonly snapshotBytes?: number;
  /** Milliseconds of this moment, and how many of them one publish may take for snapshots: who is not served by then is first in the next. Default: no bound. */
  readonly now?: () => number;
  readonly serveMsMax?: number;
  /** Gives a secret, none twice, of 22 characters of base64url. Default: of 128 random bits. */
  readonly makeToken?: () => string;
  /** Joins that a tick takes. Default: JOINS_PER_TICK_MAX. */
  readonly joinsPerTick?: number;
}

export class Hub {
  readonly counters = new NetCounters();
  /** Ticks a second. */
  readonly tickRate: number;
  /** Who is placed where; null in a game without rooms. */
  readonly rooms: Rooms | null;
  /** Sessions that may be resumed. */
  readonly resumption: Resumption;
  /** Who waits to join. */
  readonly admission: Admission;
  /** Time of the last tick: fine enough for allowances and timeouts. */
  nowMs: number;

  /** Sessions that get JSON, which share what it may cost; they count themselves. */
  jsonSessions = 0;

  readonly streams: StreamPlan;
  readonly snapshotBytes: number;
  readonly watchBytes: number;

  readonly #now: () => number;
  readonly #serveMsMax: number;
  #deadlineMs = 0;
  /** Whether this publish has taken all the time that it may. */
  readonly #isLate = (): boolean => this.#now() > this.#deadlineMs;
  readonly #zones: Venues;
  readonly #occupied = new Set<Audience>();
  /** The next publish begins with it. */
  #first: Audience | null = null;
  readonly #byVenue: ReadonlyMap<Venue | undefined, Audience>;
  readonly #sessions = new Set<Session>();
  readonly #sessionsMax: number;
  readonly #idle: Pool<Session>;
  readonly #flights: Pool<Flight>;
  #checkedMs: number;
  #round = 0;

  constructor(options: HubOptions) {
    this.nowMs = options.nowMs;
    this.tickRate = options.tickRate;
    this.admission = new Admission(options.joinsPerTick ?? JOINS_PER_TICK_MAX);
    this.resumption = new Resumption(options.makeToken ?? tokens());
    this.#checkedMs = options.nowMs;
    this.#zones = options.zones;
    this.#sessionsMax = options.sessionsMax;
    const { zones, kinds = [], sessionsMax, seed = 1, now = () => 0, serveMsMax = Number.POSITIVE_INFINITY } = options;
    const { streams = STREAM_PLAN, snapshotBytes = SNAPSHOT_BYTES } = options;
    this.streams = streams;
    this.snapshotBytes = snapshotBytes;
    this.watchBytes = Math.max(WATCH_BYTES, snapshotBytes);
    this.#now = now;
    this.#serveMsMax = serveMsMax;
    const circle: Circle = {
      zones,
      occupied: this.#occupied,
      rates: options,
      kinds,
      counters: this.counters,
      audienceOf: (zone) => this.#byVenue.get(zones.find(zone)),
    };
    this.#byVenue = new Map(zones.all.map((venue) => [venue, new Audience(venue, circle)]));
    const isOfRooms = zones.all.some(({ template }) => template !== "");
    this.rooms = isOfRooms ? new Rooms(zones, (venue) => this.#audienceOf(venue), seed) : null;
    const prewarm = Math.min(SESSIONS_READY, sessionsMax);
    this.#idle = new Pool({ name: "sessions", capacity: sessionsMax, prewarm, create: () => new Session(this) });
    // A flight may outlive its session, until the socket lets go of it.
    const release = (flight: Flight): void => this.#flights.release(flight);
    const stock: Stock = { bytes: 0 };
    const nowMs = (): number => this.nowMs;
    const create = (): Flight => new Flight(stock, nowMs, release);
    this.#flights = new Pool({ name: "frames", capacity: 2 * sessionsMax, prewarm, create });
  }

  /** Those without a connection, that may be resumed, included. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Bytes that wait for sockets to take them: of all sessions, and of the one with most. O(sessions). */
  get queuedBytes(): { sum: number; max: number } {
    let [sum, max] = [0, 0];
    for (const { queuedBytes } of this.#sessions) {
      sum += queuedBytes;
      max = Math.max(max, queuedBytes);
    }
    return { sum, max };
  }

  /** The simulation's tick. */
  get tick(): number {
    return this.#zones.tick;
  }

  /** For /metrics. */
  get pools(): readonly PoolStats[] {
    return [this.#idle, this.#flights];
  }

  /**
   * A new session; when there are as many as may be, in the place of one without a connection. state: the encoding of state messages, by
   * default that of the format. Throws SERVER_FULL.
   */
  open(wire: Wire, format: Format, state: number = format === "json" ? JSON_TEXT : MSGPACK): Session {
    if (this.#sessions.size >= this.#sessionsMax) this.resumption.endFirst();
    const session = this.#idle.acquire();
    const flight = session === null ? null : this.#flights.acquire();
    if (session === null || flight === null) {
      if (session !== null) this.#idle.release(session);
      this.counters.refuse("SERVER_FULL");
      throw new GyreError("SERVER_FULL", `${this.#sessionsMax} sessions are open`);
    }
    flight.start();
    session.start(wire, flight, format, state);
    this.#sessions.add(session);
    return session;
  }

  /** Called by a session that ended. */
  remove(session: Session): void {
    this.#sessions.delete(session);
    this.#idle.release(session);
  }

  /** The audience of a zone by its name, of the first zone without; of a template's fullest room by the template's. Throws ZONE_UNKNOWN. */
  audience(name?: string): Audience {
    return this.rooms?.find(name) ?? this.#audienceOf(this.#zones.get(name));
  }

  /**
   * Gives a session's player a seat in a zone by its name, in the first zone without; in a room by the template's. Throws ZONE_UNKNOWN, and
   * what the zone or {@link Rooms} throw.
   */
  join(session: Session, player: string, zone?: string): Audience {
    if (this.rooms !== null) return this.rooms.join(session, player, zone);
    const audience = this.audience(zone);
    audience.seat(session, player);
    return audience;
  }

  /** After each tick of the simulation. */
  publish(nowMs: number): void {
    this.nowMs = nowMs;
    this.resumption.look(nowMs);
    this.admission.look();
    this.#deadlineMs = this.#now() + this.#serveMsMax;
    this.#publishAll();
    if (nowMs - this.#checkedMs >= CHECK_PERIOD_MS) this.#check(nowMs);
  }

  /** Closes all sessions; none can be resumed. */
  close(code = CLOSE_GOING_AWAY, reason = "the server stops"): void {
    for (const session of this.#sessions) session.close(code, reason);
  }

  /** Ends all sessions without a word to anybody. */
  drop(): void {
    for (const session of this.#sessions) session.end();
  }

  /** The first zone that there was no time for is the first of the next time: under more than this thread can do all get fewer snapshots. */
  #publishAll(): void {
    const first = this.#first;
    let before = 0;
    let isBefore = first !== null && this.#occupied.has(first);
    this.#first = null;
    for (const audience of this.#occupied) {
      isBefore &&= audience !== first;
      if (isBefore) before++;
      else this.#publish(audience);
    }
    for (const audience of this.#occupied) {
      if (before-- === 0) return;
      this.#publish(audience);
    }
  }

  #publish(audience: Audience): void {
    if (!audience.publish(this.#isLate)) this.#first ??= audience;
  }

  #audienceOf(venue: Venue): Audience {
    const audience = this.#byVenue.get(venue);
    if (audience === undefined) throw new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(venue.name)}`);
    return audience;
  }

  #check(nowMs: number): void {
    this.#checkedMs = nowMs;
    this.#round++;
    for (const session of this.#sessions) session.check((this.#round + session.ordinal) % PING_ROUNDS === 0);
  }
}
