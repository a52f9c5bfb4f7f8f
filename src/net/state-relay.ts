/**
 * Takes what one zone tells of its state tree to the sessions that watch it: the same bytes to all who read an encoding, a player's own to its
 * session. Notes are taken within the zone's step and laid out for the sessions after it, in their order; each sends them in its turn. What was lost on the way shows in the next note: then whoever
 * missed it asks for everything again.
 *
 * Costs: an update, a copy and a send for each session; a first sync, a copy of the room's part for each newcomer. Nothing for a game without a tree.
 */

import type { Venue } from "../sim/venue.js";
import { FIRST_OWN, FIRST_SHARED, NO_SEAT, OWN, type StateNote, UPDATE } from "../state/feed.js";
import { FORMAT_NAMES, MSGPACK } from "../state/formats.js";
import { type Items, NO_ITEMS, writeFirst } from "../state/frames.js";
import { ByteSink } from "../state/sink.js";
import { ASKED, BEHIND, CURRENT, messageOf, OFF, type StateLink, type StateMessage } from "./state-link.js";

/** Ticks after which a session that was told nothing asks again: its word was lost with a thread. */
const ASK_AGAIN_TICKS = 60;
/** Ticks between two times that the zone hears which encodings are read: one that was taken up anew does not know. */
const USE_AGAIN_TICKS = 15;

/** What was taken, in order. */
interface Taken {
  readonly kind: number;
  readonly format: number;
  readonly seat: number;
  readonly tick: number;
  readonly before: number;
  readonly patches: Items;
  readonly events: Items;
}

export class StateRelay {
  readonly #venue: Venue;
  readonly #linkOf: (seat: number) => StateLink | undefined;
  readonly #links = new Set<StateLink>();
  /** Who is not up to date. */
  readonly #behind = new Set<StateLink>();
  #taken: Taken[] = [];
  /** Whether something may wait that was not sent; what a slow socket has no room for goes by itself. */
  #mayWait = false;
  /** By format: the tick of the last update; the room's part of the last first sync. */
  readonly #updates = FORMAT_NAMES.map(() => -1);
  readonly #rooms = FORMAT_NAMES.map((): Taken | null => null);
  readonly #sink = new ByteSink();
  /** By format, how many read it. */
  readonly #readers = FORMAT_NAMES.map(() => 0);
  /** The encodings that somebody reads, a bit each, and those that the zone was told of. */
  #wanted = 0;
  #used = 0;
  #ticks = 0;

  /** linkOf: of who has the seat in the zone. */
  constructor(venue: Venue, linkOf: (seat: number) => StateLink | undefined) {
    this.#venue = venue;
    this.#linkOf = linkOf;
    venue.onState = (note) => this.#take(note);
  }

  /** The session is told everything next, with its own part where it has a seat. */
  begin(link: StateLink, seat: number): void {
    const isKnown = this.#links.has(link);
    if (isKnown && link.state !== OFF && link.seat === seat) return;
    if (!isKnown) this.#count(link.format, 1);
    this.#links.add(link);
    this.#behind.add(link);
    link.seat = seat;
    link.state = BEHIND;
  }

  remove(link: StateLink): void {
    if (!this.#links.delete(link)) return;
    this.#count(link.format, -1);
    this.#behind.delete(link);
    link.leave();
  }

  /** Whether nobody listens and the zone knows: until then there is something to publish. */
  get isQuiet(): boolean {
    return this.#links.size === 0 && this.#used === 0;
  }

  /** Sends what their turn did not take to at most so many sessions. */
  flush(most: number): void {
    if (!this.#mayWait) return;
    for (const link of this.#links) {
      // What is on its way sends the next when it has landed: who reads nothing counts for nobody.
      if (link.isEmpty || link.flightBytes > 0) continue;
      if (most-- === 0) return;
      link.flush();
    }
    this.#mayWait = false;
  }

  /** After each tick, before the sessions have their turns. */
  publish(): void {
    this.#ticks++;
    if (this.#taken.length > 0) {
      const taken = this.#taken;
      this.#taken = [];
      this.#mayWait = true;
      for (const note of taken) this.#pass(note);
      this.#rooms.fill(null);
    }
    this.#use();
    for (const link of this.#behind) this.#ask(link);
  }

  /** Who is behind asks when it has room for the answer, and again when none came. */
  #ask(link: StateLink): void {
    if (link.state === CURRENT) {
      this.#behind.delete(link);
      return;
    }
    if (link.state === ASKED && this.#ticks - link.askedAt < ASK_AGAIN_TICKS) return;
    if (!link.isDrained) return;
    // It left, and looks on.
    if (link.seat !== NO_SEAT && this.#linkOf(link.seat) !== link) link.seat = NO_SEAT;
    if (!this.#venue.askState(link.seat, link.format)) return;
    link.state = ASKED;
    link.askedAt = this.#ticks;
  }

  #count(format: number, by: number): void {
    const readers = (this.#readers[format] ?? 0) + by;
    this.#readers[format] = readers;
    this.#wanted = readers > 0 ? this.#wanted | (1 << format) : this.#wanted & ~(1 << format);
  }

  /** Tells the zone when it is another one than it was told, until it was. */
  #use(): void {
    if (this.#wanted === this.#used && this.#ticks % USE_AGAIN_TICKS !== 0) return;
    if (this.#venue.useStateFormats(this.#wanted)) this.#used = this.#wanted;
  }

  #take({ kind, format, seat, tick, before, patches, events }: Readonly<StateNote>): boolean {
    if (this.#links.size === 0) return true;
    this.#taken.push({ kind, format, seat, tick, before, patches: kept(patches), events: kept(events) });
    return true;
  }

  #pass(note: Taken): void {
    if (note.kind === UPDATE) this.#update(note);
    else if (note.kind === FIRST_SHARED) this.#rooms[note.format] = note;
    else if (note.kind === OWN) this.#own(note);
    else if (note.kind === FIRST_OWN) this.#first(note);
  }

  /** To all who are up to date; to nobody when the one before it is missing. */
  #update(note: Taken): void {
    const { format, tick, before } = note;
    const isGap = before < 0 || before !== this.#updates[format];
    this.#updates[format] = tick;
    let message: StateMessage | null = null;
    for (const link of this.#links) {
      if (link.format !== format || link.state !== CURRENT) continue;
      message ??= messageOf(note.patches.bytes, format !== MSGPACK);
      if (isGap) link.fallBehind();
      else link.push(message);
      this.#note(link);
    }
  }

  #own({ seat, format, tick, before, patches }: Taken): void {
    const link = this.#linkOf(seat);
    if (link === undefined || !this.#links.has(link) || link.state !== CURRENT || link.seat !== seat) return;
    if (link.tick !== before || link.format !== format) link.fallBehind();
    else link.push(messageOf(patches.bytes, format !== MSGPACK));
    link.tick = tick;
    this.#note(link);
  }

  #first(note: Taken): void {
    const { seat, format } = note;
    const room = this.#rooms[format] ?? null;
    if (room === null) return;
    const message = this.#composed(room, note);
    if (seat !== NO_SEAT) {
      const link = this.#linkOf(seat);
      if (link === undefined || !this.#links.has(link) || link.format !== format) return;
      this.#begin(link, seat, message, note.tick);
      return;
    }
    // Whoever of them asked: all who can take it.
    for (const link of this.#links) {
      if (link.seat !== NO_SEAT || link.format !== format || link.state === CURRENT || !link.isDrained) continue;
      this.#begin(link, seat, message, note.tick);
    }
  }

  #begin(link: StateLink, seat: number, message: StateMessage, tick: number): void {
    // What it was not sent yet is of before, and would be wrong after.
    if (!link.isEmpty) {
      if (link.state === CURRENT) link.fallBehind();
      this.#note(link);
      return;
    }
    link.seat = seat;
    link.begin(message, tick);
    this.#note(link);
  }

  #composed(room: Taken, { format, patches, events }: Taken): StateMessage {
    const sink = this.#sink;
    sink.clear();
    writeFirst(sink, format !== MSGPACK, patches, room.patches, [events, room.events]);
    return messageOf(sink.bytes, format !== MSGPACK);
  }

  #note(link: StateLink): void {
    if (link.state !== CURRENT) this.#behind.add(link);
  }
}

/** The note's bytes are somebody else's. */
function kept({ count, bytes }: Items): Items {
  return count === 0 && bytes.length === 0 ? NO_ITEMS : { count, bytes: new Uint8Array(bytes) };
}
