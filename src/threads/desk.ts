/**
 * One slot's desk for players: takes up what they request of the zones that are at home with the slot, and tells the main thread what
 * these tell of them.
 *
 *     requests   of this slot, then those that other slots passed on: join, input, leave of Worlds, between two ticks
 *                a player's zone is looked up in the table of players; what is not at home here goes on to its home
 *     notices    from the Worlds' callbacks, by player's id, which a seat has as its tag; they can be read when the tick ends
 *     snapshots  right after the step of a zone that somebody sees, into its replica, in the ticks in which a stream has one
 *
 * What finds no room on its way is refused to its player with COMMANDS_FULL; a leave waits here, one for each player at most.
 * Nothing is allocated for an input. Costs of a drain: a look at each zone, and a microsecond a request.
 */
import { GyreError } from "../errors.js";
import type { ReplicaHandle } from "../kernel/replica.js";
import { attachReplica, ReplicaTaker } from "../kernel/replica.js";
import { type Rates, streamsDue } from "../sim/rates.js";
import type { World } from "../sim/world.js";
import type { Zones } from "../sim/zones.js";
import { NO_SEAT } from "../state/feed.js";
import type { Memory } from "../sync/memory.js";
import type { MessageRing } from "../sync/messages.js";
import type { SharedRing } from "../sync/ring.js";
import { ASLEEP, AWAKE, type FigureTable, LOCKED, STOPPED } from "./figures.js";
import { forget, isSeen, type Listening, listen, stop } from "./listen.js";
import { EVERYBODY, emptyTell, NoticeWriter } from "./notices.js";
import type { PlayerTable } from "./players.js";
import type { Homes } from "./remote-zones.js";
import { type Requests, readRequest, toNeighbour } from "./requests.js";
import { bytesOf } from "./texts.js";

/** Requests that one drain takes from either ring: more than a ring holds. What comes on while it drains waits for the next. */
const REQUESTS_PER_DRAIN_MAX = 65_536;
/** Ticks between two reports of what a zone counts, while nobody comes or goes: four a second at 60 Hz. */
const REPORT_TICKS = 15;

interface DeskSpec {
  readonly slot: number;
  /** Those that are at home here. */
  readonly zones: Zones;
  readonly homes: Homes;
  readonly players: PlayerTable;
  readonly figures: FigureTable;
  readonly rates: Rates;
  readonly requests: MessageRing;
  readonly notices: MessageRing;
  /** By slot, see notices.ts. */
  readonly overruns: Int32Array;
  /** What other slots pass on to this one, as its consumer; and by slot what this one passes on, as a producer. */
  readonly passed: SharedRing;
  readonly neighbours: readonly (SharedRing | undefined)[];
  /** By zone. */
  readonly replicas: readonly ReplicaHandle[];
  /** Of any zone. */
  readonly seatsMax: number;
}

/** What the desk keeps of a zone that is at home. */
interface Resident {
  readonly world: World;
  /** Null until somebody sees the zone. */
  taker: ReplicaTaker | null;
  isWatched: boolean;
  state: number;
  players: number;
}

export class Desk implements Requests {
  readonly #spec: DeskSpec;
  readonly #notices: NoticeWriter;
  readonly #neighbours: readonly (Requests | undefined)[];
  readonly #requestBytes: Buffer<Memory>;
  readonly #passedBytes: Buffer<Memory>;
  readonly #residents: (Resident | undefined)[];
  /** Players whose leave found no room on its way. */
  #owed: number[] = [];
  #transfers: number;
  readonly #listening: Listening;

  constructor(spec: DeskSpec) {
    const { zones, players, homes, requests, notices, overruns, slot, passed, neighbours, seatsMax } = spec;
    this.#spec = spec;
    this.#notices = new NoticeWriter(notices, overruns, slot);
    this.#neighbours = neighbours.map((ring) => (ring === undefined ? undefined : toNeighbour(ring)));
    this.#requestBytes = bytesOf(requests.view);
    this.#passedBytes = bytesOf(passed.record);
    this.#residents = new Array<Resident | undefined>(zones.count).fill(undefined);
    this.#transfers = zones.transfers;
    this.#listening = { players, homes, notices: this.#notices, tell: emptyTell(seatsMax) };
    for (let i = 0; i < zones.count; i++) if (zones.at(i) !== undefined) this.attach(i);
    zones.onStop = (world) => {
      const zone = this.#residents.findIndex((resident) => resident?.world === world);
      if (zone >= 0 && world.fault !== null) stop(zone, world.fault, this.#listening);
    };
  }

  /**
   * The World at this index of the zones is served from now on, in place of one that was. Before ticks of it are stepped that nobody was told of.
   */
  attach(zone: number): void {
    const { zones, players } = this.#spec;
    const world = zones.at(zone);
    if (world === undefined) return;
    for (let number = 0; number < players.capacity; number++) {
      const id = players.idAt(number);
      if (id === 0 || players.zone(id) !== zone) continue;
      // Its leave may have been lost with a thread.
      if (players.hasLeft(id)) this.#owed.push(id);
    }
    listen(zone, world, this.#listening);
    const resident: Resident = {
      ...{ world, isWatched: this.#residents[zone]?.isWatched ?? false, state: -1, players: -1 },
      taker: null,
    };
    this.#residents[zone] = resident;
    this.#report(zone, resident, zones.tick);
  }

  /** The zone will be at home elsewhere, or nowhere. Before its World is taken out of the zones. */
  detach(zone: number): void {
    const resident = this.#residents[zone];
    if (resident === undefined) return;
    this.#watch(resident, false);
    forget(resident.world);
    this.#residents[zone] = undefined;
  }

  /**
   * After a World was taken up from an image and what was recorded since: what the former one was asked and had not recorded is lost. Who has
   * a seat in the table and none in the World is refused; who has one in the World alone leaves.
   */
  reconcile(zone: number): void {
    const { players } = this.#spec;
    const world = this.#residents[zone]?.world;
    if (world === undefined) return;
    for (let seat = 0; seat < world.seats; seat++) {
      if (!world.isTaken(seat) || world.isBot(seat)) continue;
      if (!players.isAt(world.tags[seat] ?? 0, zone, seat)) world.leave(seat);
    }
    for (let number = 0; number < players.capacity; number++) {
      const id = players.idAt(number);
      if (id === 0 || players.zone(id) !== zone || world.isTaken(players.seat(id))) continue;
      this.#refuse(id, zone, new GyreError("COMMANDS_FULL", `${world.name} began anew, join again`));
    }
  }

  /** The zone is nowhere any more, and will not be again. */
  abandon(zone: number, error: GyreError): void {
    this.#residents[zone] = undefined;
    this.#spec.figures.setState(zone, STOPPED);
    stop(zone, error, this.#listening);
  }

  /** How far it has told: see forgetSince. */
  get mark(): number {
    return this.#notices.mark;
  }

  /** Nothing was told since, in this tick: whoever told it does again what it did. */
  forgetSince(mark: number): void {
    this.#notices.forgetSince(mark);
  }

  /** Takes up what was requested since the last tick. */
  drain(): void {
    const { requests, passed } = this.#spec;
    for (let i = 0; i < this.#residents.length; i++) {
      const resident = this.#residents[i];
      if (resident !== undefined) this.#watch(resident, this.#spec.homes.isWatched(i));
    }
    this.#payOwed();
    for (let n = 0; n < REQUESTS_PER_DRAIN_MAX; n++) {
      const at = requests.next();
      if (at < 0) break;
      readRequest(requests.view, this.#requestBytes, at, this);
      requests.release();
    }
    for (let n = 0; n < REQUESTS_PER_DRAIN_MAX && passed.next(); n++) {
      readRequest(passed.record, this.#passedBytes, 0, this);
    }
  }

  /** Right after the step of a zone that is at home. */
  stepped(zone: number, tick: number): void {
    const resident = this.#residents[zone];
    if (resident === undefined) return;
    const { world } = resident;
    const streams = streamsDue(tick + world.phase, this.#spec.rates);
    if (streams === 0) return;
    if (world.fault !== null || !isSeen(zone, world, this.#spec.homes)) return;
    resident.taker ??= this.#takerOf(zone, world);
    resident.taker.take(streams, world.zone.tick, world.zone.highWater);
  }

  /** All zones are through with the tick: what there is to tell of it is told. */
  endTick(tick: number): void {
    const { zones } = this.#spec;
    for (let i = 0; i < this.#residents.length; i++) {
      const resident = this.#residents[i];
      if (resident !== undefined) this.#report(i, resident, tick);
    }
    this.#notices.end(tick, zones.transfers - this.#transfers);
    this.#transfers = zones.transfers;
  }

  // Requests. They are answered in any case.

  join(id: number, zone: number, name: string): true {
    const { players, homes, slot } = this.#spec;
    if (!players.has(id) || !players.isNew(id)) return true;
    const home = homes.home(zone);
    if (home !== slot) {
      if (!this.#neighbours[home]?.join(id, zone, name)) this.#refuse(id, zone, this.#full(zone));
      return true;
    }
    try {
      this.#seat(id, zone, name);
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#refuse(id, zone, error);
    }
    return true;
  }

  input(id: number, order: number, seq: number, dx: number, dy: number, action: number, tick: number): true {
    const { players, homes, slot } = this.#spec;
    const zone = players.has(id) ? players.zone(id) : -1;
    if (zone < 0) return true;
    const home = homes.home(zone);
    const isTaken =
      home === slot
        ? this.#hear(id, zone, order, seq, dx, dy, action, tick)
        : this.#neighbours[home]?.input(id, order, seq, dx, dy, action, tick);
    if (isTaken !== true) this.#notices.inputRefused(zone, id, seq);
    return true;
  }

  /** One who was not seated yet never will be, as it is known in the table that it left. */
  leave(id: number): true {
    const { players, homes, slot } = this.#spec;
    const zone = players.has(id) ? players.zone(id) : -1;
    if (zone < 0) return true;
    const home = homes.home(zone);
    const isTaken = home === slot ? this.#unseat(id, zone) : this.#neighbours[home]?.leave(id);
    if (isTaken !== true) this.#owed.push(id);
    return true;
  }

  /** One that comes too late, as somebody came by a gate, or that finds no room on its way, is left alone: the zone goes on as it is. */
  reset(zone: number, seed: number): true {
    const { homes, slot } = this.#spec;
    const home = homes.home(zone);
    if (home === slot) this.#residents[zone]?.world.reset(seed);
    else this.#neighbours[home]?.reset(zone, seed);
    return true;
  }

  /** Who does not hear of it asks again. */
  askState(id: number, zone: number, format: number): true {
    const { players, homes, slot } = this.#spec;
    const home = homes.home(zone);
    if (home !== slot) {
      this.#neighbours[home]?.askState(id, zone, format);
    } else if (id === EVERYBODY) {
      this.#residents[zone]?.world.askState(NO_SEAT, format);
    } else if (players.has(id) && players.zone(id) === zone) {
      this.#residents[zone]?.world.askState(players.seat(id), format);
    }
    return true;
  }

  useStateFormats(zone: number, formats: number): true {
    const { homes, slot } = this.#spec;
    const home = homes.home(zone);
    if (home === slot) this.#residents[zone]?.world.useStateFormats(formats);
    else this.#neighbours[home]?.useStateFormats(zone, formats);
    return true;
  }

  #seat(id: number, zone: number, name: string): void {
    const { players } = this.#spec;
    const world = this.#residents[zone]?.world;
    if (world === undefined) throw this.#full(zone);
    const seat = world.join(name, false, id);
    players.enter(id, zone, seat);
    // From here on a leave finds it; one that came before did not.
    if (players.hasLeft(id)) this.#unseat(id, zone);
  }

  #hear(
    id: number,
    zone: number,
    order: number,
    seq: number,
    dx: number,
    dy: number,
    action: number,
    tick: number,
  ): boolean {
    const { players } = this.#spec;
    const world = this.#residents[zone]?.world;
    if (world === undefined) return false;
    if (!players.hear(id, order)) return true;
    return world.input(players.seat(id), seq, dx, dy, action, tick) || world.fault !== null;
  }

  /** False when the zone is not there, for now. */
  #unseat(id: number, zone: number): boolean {
    const { players } = this.#spec;
    const world = this.#residents[zone]?.world;
    if (world === undefined) return false;
    world.leave(players.seat(id));
    players.gone(id);
    return true;
  }

  #refuse(id: number, zone: number, error: GyreError): void {
    this.#spec.players.gone(id);
    this.#notices.refused(zone, id, error);
  }

  #full(zone: number): GyreError {
    const name = this.#residents[zone]?.world.name ?? `zone ${zone}`;
    return new GyreError("COMMANDS_FULL", `${name} has no room for another command before its next tick`);
  }

  #payOwed(): void {
    if (this.#owed.length === 0) return;
    const owed = this.#owed;
    this.#owed = [];
    for (const id of owed) this.leave(id);
  }

  // Zones.

  #takerOf(zone: number, world: World): ReplicaTaker {
    const { replicas } = this.#spec;
    const handle = replicas[zone];
    if (handle === undefined) throw new GyreError("BAD_ARGUMENT", `zone ${zone} has no replica`);
    return new ReplicaTaker(attachReplica(handle), world.source);
  }

  #watch(resident: Resident, isWatched: boolean): void {
    if (resident.isWatched === isWatched) return;
    resident.isWatched = isWatched;
    if (isWatched) this.#spec.zones.watch(resident.world);
    else this.#spec.zones.unwatch(resident.world);
  }

  #report(zone: number, resident: Resident, tick: number): void {
    const { zones, figures } = this.#spec;
    const { world } = resident;
    const running = world.isLocked ? LOCKED : AWAKE;
    const state = world.fault !== null ? STOPPED : zones.nextAwake(zone) === zone ? running : ASLEEP;
    const isAsBefore = state === resident.state && world.players === resident.players;
    if (isAsBefore && (tick + zone) % REPORT_TICKS !== 0) return;
    resident.state = state;
    resident.players = world.players;
    figures.setState(zone, state);
    figures.write(zone, world.figures());
  }
}
