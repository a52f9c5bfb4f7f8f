/**
 * The zones of a server as its main thread sees them when they are stepped on others: who serves players finds here what it finds in zones of
 * its own thread (see sim/venue.ts). What players want goes out as requests to the slot that their zone is at home with; what zones tell comes in
 * as notices, which `drain` turns into callbacks; snapshots are taken by the home, into the zone's replica.
 *
 *     session ── join, input, leave ──> RemoteZone ──> requests ──> desk of the home ──> World
 *     session <── onEnter, onTell, ... ── RemoteZones.drain <── notices <── desk <── callbacks of the World
 *
 * The seat that a join gives is the player's id, which it keeps through gates. A slot's notices are in order; of two slots, those of the
 * earlier tick come first, as far as they are there. Where they contradict each other about a player, who went through more gates by then is newer.
 *
 * Limits: players at a time, those who are about to be gone included, as the table has; what finds no room on its way is refused with
 * COMMANDS_FULL. A leave is never refused: it waits here, one for each player at most. Nothing is allocated for an input or an ack.
 */
import { GyreError } from "../errors.js";
import type { Replica } from "../kernel/replica.js";
import { NAME_BYTES_MAX, nameBytes } from "../sim/seats.js";
import type { Figures, Venues } from "../sim/venue.js";
import type { MessageRing } from "../sync/messages.js";
import { ASLEEP, AWAKE, type FigureTable, LOCKED, STOPPED } from "./figures.js";
import { EVERYBODY, NoticeReader, type Notices, type ToldTell } from "./notices.js";
import { numberOf, type PlayerTable } from "./players.js";
import { RemotePlayers } from "./remote-players.js";
import { type Link, RemoteZone, type RemoteZoneSpec } from "./remote-zone.js";
import { type Requests, toSlot } from "./requests.js";

/** Drains after which leaves of players who are not gone yet are sent again: some seconds. One may have been lost with a thread. */
const RESEND_DRAINS = 256;

/** What all threads know of where zones are. */
export interface Homes {
  /** The slot that a zone is at home with. */
  home(zone: number): number;
  /** Whether somebody wants the zone to run, and snapshots of it. */
  isWatched(zone: number): boolean;
  setWatched(zone: number, watched: boolean): void;
}

/** A slot's rings. */
interface SlotRings {
  readonly requests: MessageRing;
  readonly notices: MessageRing;
}

interface RemoteZonesSpec {
  readonly zones: readonly RemoteZoneSpec[];
  /** By zone, in shared memory. */
  readonly replicas: readonly Replica[];
  readonly homes: Homes;
  readonly players: PlayerTable;
  readonly figures: FigureTable;
  readonly slots: readonly SlotRings[];
  /** By slot, see notices.ts. */
  readonly overruns: Int32Array;
  /** Of the game that all zones play: see {@link Rules.action}. */
  readonly actionOf: (name: string) => number;
}

export class RemoteZones implements Venues, Link {
  readonly all: readonly RemoteZone[];
  transfers = 0;
  /** A zone stopped, because its game failed or its kernel: venue.fault says why. Called once for each. */
  onStop: ((venue: RemoteZone) => void) | null = null;
  /** Events of games were lost on their way here. */
  onTellsLost: ((count: number) => void) | null = null;
  /**
   * A slot could not tell all that it had to, as nobody read it: what sessions know is wrong. Whoever serves them closes them all, within the
   * call. Their players leave, and the slot goes on.
   */
  onOverrun: (() => void) | null = null;

  readonly #spec: RemoteZonesSpec;
  readonly #byName: ReadonlyMap<string, RemoteZone>;
  readonly #watchers: Uint32Array;
  readonly #slots: readonly Requests[];
  readonly #readers: readonly NoticeReader[];
  /** By slot, the last tick that it has told of. */
  readonly #ticks: Uint32Array;
  /** The slot that is read. */
  #slot = 0;

  readonly #players: RemotePlayers;
  /** Ids of those whose leave found no room. */
  #owed: number[] = [];
  #drains = 0;
  #order = 0;

  // The tell that is being told: by number, the count of the tell that listed it.
  readonly #near: Uint32Array;
  readonly #bodiless: Uint32Array;
  #tells = 0;

  constructor(spec: RemoteZonesSpec) {
    const { zones, slots, players, replicas } = spec;
    this.#spec = spec;
    this.all = zones.map((zone, i) => new RemoteZone(this, i, zone, replicas[i] as Replica));
    this.#byName = new Map(this.all.map((venue) => [venue.name, venue]));
    this.#watchers = new Uint32Array(zones.length);
    this.#slots = slots.map(({ requests }) => toSlot(requests));
    this.#readers = slots.map(({ notices }) => new NoticeReader(notices));
    this.#ticks = new Uint32Array(slots.length);
    this.#players = new RemotePlayers(players);
    this.#near = new Uint32Array(players.capacity);
    this.#bodiless = new Uint32Array(players.capacity);
  }

  /** The last tick that any slot has told of. */
  get tick(): number {
    let tick = 0;
    for (const one of this.#ticks) tick = Math.max(tick, one);
    return tick;
  }

  get awake(): number {
    return this.#inState(AWAKE) + this.#inState(LOCKED);
  }

  get asleep(): number {
    return this.#inState(ASLEEP);
  }

  get stopped(): number {
    return this.#inState(STOPPED);
  }

  get transfersRefused(): number {
    return this.#sum("transfersRefused");
  }

  get entities(): number {
    let sum = 0;
    for (const venue of this.all) {
      if (venue.template === "" || !venue.asleep) sum += this.#spec.figures.read(venue.index).entities;
    }
    return sum;
  }

  get players(): number {
    return this.#sum("players");
  }

  /** Numbers that are somebody's, those who are about to be gone included. */
  get numbersInUse(): number {
    return this.#players.count;
  }

  find(name: string): RemoteZone | undefined {
    return this.#byName.get(name);
  }

  get(name?: string): RemoteZone {
    const venue = name === undefined ? this.all[0] : this.find(name);
    if (venue === undefined) throw new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(name)}`);
    return venue;
  }

  watch({ index }: RemoteZone): void {
    const count = (this.#watchers[index] ?? 0) + 1;
    this.#watchers[index] = count;
    if (count === 1) this.#spec.homes.setWatched(index, true);
  }

  unwatch({ index }: RemoteZone): void {
    const count = (this.#watchers[index] ?? 0) - 1;
    this.#watchers[index] = count;
    if (count === 0) this.#spec.homes.setWatched(index, false);
  }

  /** Takes in what the slots have told since, and tells it on. Call it before whatever publishes. */
  drain(): void {
    this.#payOwed();
    for (let slot = 0; slot < this.#readers.length; slot++) {
      if (Atomics.load(this.#spec.overruns, slot) !== 0) this.#recover(slot);
    }
    for (let slot = this.#earliest(); slot >= 0; slot = this.#earliest()) this.#drainTick(slot);
    this.#players.freeGone();
  }

  /** The zone is nowhere any more, as there is no thread for it: nobody else will tell of it. */
  abandon(zone: number, error: GyreError): void {
    const { players, figures } = this.#spec;
    players.goneFrom(zone);
    figures.setState(zone, STOPPED);
    this.#stop(zone, error);
  }

  // For zones.

  /** Of a zone: the last tick that its home has told of. */
  tickOf(zone: number): number {
    return this.#ticks[this.#spec.homes.home(zone)] ?? 0;
  }

  figuresOf(zone: number): Figures {
    return this.#spec.figures.read(zone);
  }

  stateOf(zone: number): number {
    return this.#spec.figures.state(zone);
  }

  actionOf(name: string): number {
    return this.#spec.actionOf(name);
  }

  /** The id of a new player, who is on its way into the zone; 0 when there is no room. Throws BAD_ARGUMENT. */
  join(zone: number, name: string): number {
    if (nameBytes(name) > NAME_BYTES_MAX) {
      throw new GyreError("BAD_ARGUMENT", `the name ${JSON.stringify(name)} has more than ${NAME_BYTES_MAX} bytes`);
    }
    const id = this.#players.open(zone);
    if (id === 0 || this.#homeOf(zone).join(id, zone, name)) return id;
    this.#players.close(id);
    return 0;
  }

  /** False when there is no room. Nothing happens for a player who is not there. */
  input(id: number, seq: number, dx: number, dy: number, action: number, tick: number): boolean {
    if (!this.#players.isHere(id)) return true;
    this.#order = this.#order === 0xffff_ffff ? 1 : this.#order + 1;
    return this.#homeOf(this.#players.zone(id)).input(id, this.#order, seq, dx, dy, action, tick);
  }

  reset(zone: number, seed: number): boolean {
    return this.#homeOf(zone).reset(zone, seed);
  }

  leave(id: number): void {
    if (!this.#players.isHere(id)) return;
    this.#players.leave(id);
    this.#sendLeave(id);
  }

  seatOf(id: number): number {
    return this.#players.isHere(id) ? this.#players.seat(id) : -1;
  }

  /** See {@link Venue.askState}. */
  askState(id: number, zone: number, format: number): boolean {
    return this.#homeOf(zone).askState(id, zone, format);
  }

  useStateFormats(zone: number, formats: number): boolean {
    return this.#homeOf(zone).useStateFormats(zone, formats);
  }

  /** See {@link Venue.isWithin}. */
  isWithin(id: number): boolean | null {
    if (this.#near[numberOf(id)] === this.#tells) return true;
    return this.#bodiless[numberOf(id)] === this.#tells ? null : false;
  }

  // Notices.

  readonly #notices: Notices = {
    enter: (zone, id, hops, tick, entity, seat) => {
      if (!this.#players.isHere(id) || this.#players.compareHops(id, hops) < 0) return;
      if (this.#players.compareHops(id, hops) > 0) this.#move(id, zone, hops);
      this.#players.setSeat(id, seat);
      this.all[zone]?.entered(id, entity, tick);
    },
    possess: (zone, id, hops, tick, entity) => {
      if (this.#players.isHere(id) && this.#players.compareHops(id, hops) === 0) {
        this.all[zone]?.possessed(id, entity, tick);
      }
    },
    moved: (zone, id, hops) => {
      if (this.#players.isHere(id) && this.#players.compareHops(id, hops) > 0) this.#move(id, zone, hops);
    },
    refused: (_zone, id, error) => {
      if (!this.#players.isHere(id)) return;
      this.#players.close(id);
      this.all[this.#players.zone(id)]?.onRefused?.(id, error);
    },
    inputRefused: (_zone, id, seq) => {
      if (this.#players.isHere(id)) this.all[this.#players.zone(id)]?.onInputRefused?.(id, seq);
    },
    tell: (zone, id, tell) => this.#tell(zone, id, tell),
    state: (zone, id, note) => {
      if (id !== EVERYBODY && !this.#players.isHere(id)) return false;
      return this.all[zone]?.stateTold(note) ?? false;
    },
    stopped: (zone, error) => this.#stop(zone, error),
    end: (tick, lost, moved) => {
      this.#ticks[this.#slot] = tick;
      this.transfers += moved;
      if (lost > 0) this.onTellsLost?.(lost);
    },
  };

  /** The slot with something to tell that is furthest behind; -1 when all is told. */
  #earliest(): number {
    let found = -1;
    for (let slot = 0; slot < this.#readers.length; slot++) {
      if (!this.#readers[slot]?.waits) continue;
      if (found < 0 || (this.#ticks[slot] ?? 0) < (this.#ticks[found] ?? 0)) found = slot;
    }
    return found;
  }

  /** Up to the end of a tick. */
  #drainTick(slot: number): void {
    this.#slot = slot;
    const before = this.#ticks[slot];
    while (this.#ticks[slot] === before && this.#readers[slot]?.read(this.#notices));
  }

  /** Nobody is told what was lost: all sessions end, and what is known of zones comes from what all threads see. */
  #recover(slot: number): void {
    this.#readers[slot]?.clear();
    this.onOverrun?.();
    for (const id of this.#players.here()) this.leave(id);
    Atomics.store(this.#spec.overruns, slot, 0);
    for (const { index, fault } of this.all) {
      if (fault === null && this.stateOf(index) === STOPPED) {
        this.#stop(index, new GyreError("GAME_FAILED", `${this.all[index]?.name}: its game failed`));
      }
    }
  }

  /** It is in another zone, or again in this one. */
  #move(id: number, zone: number, hops: number): void {
    const from = this.all[this.#players.zone(id)];
    const to = this.all[zone];
    this.#players.move(id, zone, hops);
    if (to !== undefined) from?.onSeatMoved?.(id, to.name, id);
  }

  #tell(zone: number, id: number, tell: Readonly<ToldTell>): void {
    if (id !== EVERYBODY && !this.#players.isHere(id)) return;
    this.#tells = this.#tells === 0xffff_ffff ? 1 : this.#tells + 1;
    const { listed, near, bodiless } = tell;
    for (let i = 0; i < near; i++) this.#near[numberOf(listed[i] ?? 0)] = this.#tells;
    for (let i = near; i < near + bodiless; i++) this.#bodiless[numberOf(listed[i] ?? 0)] = this.#tells;
    this.all[zone]?.told(id, tell);
  }

  /** Players who went through a gate of it in time are somewhere else. */
  #stop(zone: number, error: GyreError): void {
    const venue = this.all[zone];
    if (venue === undefined || venue.fault !== null) return;
    const { table } = this.#players;
    for (const id of this.#players.here(zone)) {
      const there = table.zone(id);
      if (there >= 0 && there !== zone) this.#move(id, there, table.hops(id));
      else this.#players.close(id);
    }
    venue.stopped(error);
    this.onStop?.(venue);
  }

  #sendLeave(id: number): void {
    if (!this.#homeOf(this.#players.zone(id)).leave(id)) this.#owed.push(id);
  }

  /** Leaves that found no room; and from time to time those of whom nobody has heard. */
  #payOwed(): void {
    const isTime = ++this.#drains % RESEND_DRAINS === 0;
    if (this.#owed.length === 0 && !isTime) return;
    const owed = isTime ? [...this.#players.leaving] : this.#owed;
    this.#owed = [];
    for (const id of owed) this.#sendLeave(id);
  }

  #homeOf(zone: number): Requests {
    const home = this.#slots[this.#spec.homes.home(zone)];
    if (home === undefined) throw new GyreError("BAD_ARGUMENT", `zone ${zone} has no home`);
    return home;
  }

  #inState(state: number): number {
    let count = 0;
    for (const { index } of this.all) if (this.stateOf(index) === state) count++;
    return count;
  }

  #sum(figure: "entities" | "players" | "transfersRefused"): number {
    let sum = 0;
    for (const { index } of this.all) sum += this.figuresOf(index)[figure];
    return sum;
  }
}
