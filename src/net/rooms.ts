/**
 * Who plays in which room. A game with templates has no zone that one joins: who joins a template is placed into the open room that has the
 * most players and room for one more, and is not locked by its game, so that rooms fill up one after the other; when there is none, into one that is opened. A room
 * closes by itself (see template.ts), and is as good as new when it is opened the next time.
 *
 * Counted are the sessions that have a seat, or wait for one: who is on the way in counts from the moment of the join, who leaves does
 * not any more from that on, and who goes through a gate counts where it goes. O(rooms of the template) a join; nothing is done in a tick.
 */
import { GyreError } from "../errors.js";
import { openingSeed } from "../sim/template.js";
import type { Venue, Venues } from "../sim/venue.js";
import type { Audience } from "./audience.js";
import type { Session } from "./session.js";

interface Room {
  readonly audience: Audience;
  readonly venue: Venue;
  /** Its index among all zones. */
  readonly zone: number;
  openings: number;
  /** The tick before the one that it begins with; -1 for a room that was never opened. */
  openedTick: number;
}

/** The rooms of one template. Counters are since the server began. */
export class RoomTable {
  readonly name: string;
  readonly rooms: readonly Room[];
  /** Players who were given a seat, and joins that found none. */
  placed = 0;
  refused = 0;
  /** Times that a room was opened. */
  opened = 0;
  readonly #zones: Venues;

  constructor(name: string, rooms: readonly Room[], zones: Venues) {
    this.name = name;
    this.rooms = rooms;
    this.#zones = zones;
  }

  get open(): number {
    return this.rooms.filter((room) => this.isOpen(room)).length;
  }

  get stopped(): number {
    return this.rooms.filter(({ venue }) => venue.fault !== null).length;
  }

  get closed(): number {
    return this.rooms.length - this.open - this.stopped;
  }

  get players(): number {
    return this.rooms.reduce((sum, { audience }) => sum + audience.players, 0);
  }

  /** It may be known as asleep still in the tick in which it is opened. */
  isOpen({ audience, venue, openedTick }: Room): boolean {
    if (venue.fault !== null) return false;
    return audience.players > 0 || !venue.asleep || openedTick === this.#zones.tick;
  }

  /** The open room with the most players, of those that have room for one more if that is asked; undefined for none. */
  fullest(hasRoom: boolean): Room | undefined {
    let fullest: Room | undefined;
    for (const room of this.rooms) {
      const { players } = room.audience;
      if (!this.isOpen(room) || (hasRoom && (room.venue.isLocked || players >= room.venue.playersMax))) continue;
      if (fullest === undefined || players > fullest.audience.players) fullest = room;
    }
    return fullest;
  }

  /** Opens the first room that is closed. Throws ROOMS_FULL when there is none. */
  openNext(seed: number): Room {
    for (const room of this.rooms) {
      const { venue, zone, openings } = room;
      if (venue.fault !== null || this.isOpen(room) || !venue.reset(openingSeed(seed, zone, openings))) continue;
      room.openings++;
      room.openedTick = this.#zones.tick;
      this.opened++;
      return room;
    }
    throw new GyreError("ROOMS_FULL", `all ${this.rooms.length} rooms of ${this.name} are open and full`);
  }
}

export class Rooms {
  /** In the order of the game. */
  readonly tables: readonly RoomTable[];
  readonly #seed: number;
  readonly #byName = new Map<string, RoomTable>();
  readonly #roomOf = new Map<string, readonly [Room, RoomTable]>();

  /** Of all zones, which are rooms. seed: of the server. */
  constructor(zones: Venues, audienceOf: (venue: Venue) => Audience, seed: number) {
    const names = [...new Set(zones.all.map(({ template }) => template))];
    const rooms = zones.all.map((venue, zone): Room => {
      return { audience: audienceOf(venue), venue, zone, openings: 0, openedTick: -1 };
    });
    this.#seed = seed;
    this.tables = names.map((name) => {
      return new RoomTable(
        name,
        rooms.filter(({ venue }) => venue.template === name),
        zones,
      );
    });
    for (const table of this.tables) {
      this.#byName.set(table.name, table);
      for (const room of table.rooms) this.#roomOf.set(room.venue.name, [room, table]);
    }
  }

  /**
   * Gives a session's player a seat: in a room of this template, of the first one without a name, or in this room, if it is open. Throws
   * ZONE_UNKNOWN, ROOMS_FULL, ZONE_CLOSED, ZONE_LOCKED, ZONE_FULL, ZONE_STOPPED or COMMANDS_FULL.
   */
  join(session: Session, player: string, name?: string): Audience {
    const table = this.#table(name);
    const [room, its] = table === undefined ? this.#room(name) : [undefined, table];
    try {
      const { audience } = room === undefined ? this.#place(its) : opened(room, its);
      audience.seat(session, player);
      its.placed++;
      return audience;
    } catch (error) {
      its.refused++;
      throw error;
    }
  }

  /** Where somebody looks who says this name: a template is seen in its fullest room. Throws ZONE_UNKNOWN. */
  find(name?: string): Audience {
    const table = this.#table(name);
    const room = table === undefined ? this.#room(name)[0] : (table.fullest(false) ?? table.rooms[0]);
    if (room === undefined) throw unknown(name);
    return room.audience;
  }

  #table(name: string | undefined): RoomTable | undefined {
    return name === undefined ? this.tables[0] : this.#byName.get(name);
  }

  #room(name = ""): readonly [Room, RoomTable] {
    const found = this.#roomOf.get(name);
    if (found === undefined) throw unknown(name);
    return found;
  }

  #place(table: RoomTable): Room {
    return table.fullest(true) ?? table.openNext(this.#seed);
  }
}

/** The room, if it is open and has room. */
function opened(room: Room, table: RoomTable): Room {
  const { audience, venue } = room;
  audience.checkRuns();
  if (!table.isOpen(room)) {
    throw new GyreError("ZONE_CLOSED", `${venue.name} is not open; who joins ${table.name} is given a room`);
  }
  if (venue.isLocked) throw new GyreError("ZONE_LOCKED", `${venue.name} is locked`);
  if (audience.players < venue.playersMax) return room;
  throw new GyreError("ZONE_FULL", `${venue.name} has no seat for another player`);
}

function unknown(name = ""): GyreError {
  return new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(name)}`);
}
