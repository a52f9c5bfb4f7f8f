/**
 * The sessions that watch one zone, and its snapshots. A snapshot is taken of the whole zone at once; its frames are written
 * over the ticks until the next one, a cohort a tick, because writing to thousands of sockets in one go takes longer than a
 * tick. Every frame of a snapshot says the same tick.
 *
 *     tick         60        61        62        63        (60 Hz, 20 snapshots a second)
 *     snapshot     take A                        take B
 *     cohort       1 of A    2 of A    3 of A    1 of B
 *     sessions     |=======|.........|.........|           cursor moves right
 *
 * Costs: taking, O(entities); a frame, O(its cells and bytes). Nothing is done, or kept, for a zone that nobody watches.
 */
import type { EntityId } from "../kernel/types.js";
import type { ZoneInfo } from "../protocol/control.js";
import { SnapshotEncoder } from "../protocol/snapshot-encoder.js";
import type { World } from "../sim/world.js";
import type { Session } from "./session.js";

/** Sessions served together in any case: below it spreading gains nothing; their writes take about half a millisecond. */
const COHORT_MIN = 64;

export interface Rates {
  /** Per second. */
  readonly tickRate: number;
  /** Per second, at most tickRate. */
  readonly snapshotRate: number;
}

export class Audience {
  readonly world: World;
  readonly #rates: Rates;
  readonly #sessions: Session[] = [];
  readonly #bySeat: (Session | null)[];
  /** What the sessions' inputs had come to when the snapshot was taken, by seat. */
  readonly #acks: Uint32Array;
  #encoder: SnapshotEncoder | null = null;
  #isTaken = false;
  /** Sessions before it were served with the current snapshot. */
  #cursor = 0;

  constructor(world: World, rates: Rates) {
    this.world = world;
    this.#rates = rates;
    this.#bySeat = new Array<Session | null>(world.seats).fill(null);
    this.#acks = new Uint32Array(world.seats);
    world.onEnter = (seat, id) => this.#enter(seat, id);
  }

  /** What a client is told of the zone and of this moment. */
  info(): Rates & { tick: number; zone: ZoneInfo } {
    const { name, zone } = this.world;
    const { tickRate, snapshotRate } = this.#rates;
    const { width, height, tileSize } = zone;
    return { tick: zone.tick, tickRate, snapshotRate, zone: { name, width, height, tileSize } };
  }

  /** Takes a seat in the zone; the session hears `entered` at the start of a coming tick. Throws ZONE_FULL. */
  seat(session: Session): void {
    session.seat = this.world.join();
    this.#bySeat[session.seat] = session;
  }

  unseat(session: Session): void {
    this.#bySeat[session.seat] = null;
    this.world.leave(session.seat);
    session.seat = -1;
  }

  add(session: Session): void {
    session.index = this.#sessions.length;
    this.#sessions.push(session);
  }

  /** The gap is closed from the served part, whose gap is closed from the end: who was not served yet still will be. */
  remove(session: Session): void {
    let gap = session.index;
    if (gap < 0) return;
    if (gap < this.#cursor) {
      this.#cursor--;
      this.#place(this.#sessions[this.#cursor], gap);
      gap = this.#cursor;
    }
    this.#place(this.#sessions[this.#sessions.length - 1], gap);
    this.#sessions.pop();
    session.index = -1;
  }

  /** After each tick: takes the snapshot that is due, and serves the next cohort. */
  publish(): void {
    if (isSnapshotTick(this.world.zone.tick, this.#rates)) this.#take();
    if (this.#isTaken) this.#serve();
  }

  #enter(seat: number, id: EntityId): void {
    this.#bySeat[seat]?.entered(id, this);
  }

  #place(session: Session | undefined, index: number): void {
    if (session === undefined) return;
    this.#sessions[index] = session;
    session.index = index;
  }

  #take(): void {
    if (this.#isTaken) this.#encoder?.end();
    this.#isTaken = this.#sessions.length > 0;
    if (!this.#isTaken) return;
    const { zone, acks } = this.world;
    this.#encoder ??= new SnapshotEncoder(zone);
    this.#encoder.begin(zone.tick, zone.highWater);
    this.#acks.set(acks);
    this.#cursor = 0;
  }

  /** A session that closes itself while it is served leaves the served part, and its successor takes its place. */
  #serve(): void {
    const encoder = this.#encoder;
    if (encoder === null) return;
    const { tickRate, snapshotRate } = this.#rates;
    const cohort = Math.max(COHORT_MIN, Math.ceil(this.#sessions.length / Math.floor(tickRate / snapshotRate)));
    for (let n = 0; n < cohort; n++) {
      const session = this.#sessions[this.#cursor];
      if (session === undefined) return;
      this.#cursor++;
      session.sendSnapshot(encoder, session.you === 0 ? 0 : (this.#acks[session.seat] ?? 0));
    }
  }
}

/**
 * Whether the state after this tick is a snapshot: when tick * snapshotRate / tickRate has passed another whole number. With
 * rates that divide, every n-th tick; with others as even as whole ticks allow, and exactly snapshotRate of every tickRate.
 */
export function isSnapshotTick(tick: number, { tickRate, snapshotRate }: Rates): boolean {
  return Math.floor((tick * snapshotRate) / tickRate) !== Math.floor(((tick - 1) * snapshotRate) / tickRate);
}
