/**
 * What a zone tells of its state tree: on each sync, what changed, encoded once for each encoding that somebody in the room reads, and once for
 * each player whose own part changed. It knows seats and encodings, no sockets; what it says may get lost on the way.
 *
 *     ask(seat) ─┐                       ┌─ UPDATE       107, for all who are up to date
 *     tell() ────┤                       ├─ OWN          one player's update and events
 *     trees ─────┴──> sync(tick, sink) ──┼─ FIRST        the room, for all who are not: once
 *                                        └─ FIRST_OWN    one newcomer's own part, to be put together with it (frames.ts)
 *
 * Each note says of which sync the one before it was, so that who reads them finds out that one is missing, whyever it is, and asks again. A sink
 * that takes a note no more says so: then its readers are told everything next time; and when it does not take that, after a pause, which
 * doubles each time. Costs of a sync: what changed, once for each encoding; with newcomers, the tree.
 */
import { ENCODINGS, type Encoding, type StateEvent } from "./encodings.js";
import { FORMAT_NAMES } from "./formats.js";
import { type Items, NO_ITEMS, writeBroadcast, writeOwn } from "./frames.js";
import { KeyTable } from "./keys.js";
import {
  BROADCAST_EVENT_BYTES_MAX,
  BROADCAST_EVENTS_MAX,
  BROADCAST_SLOTS,
  PLAYER_EVENT_BYTES_MAX,
  PLAYER_EVENTS_MAX,
  PLAYER_SLOTS,
} from "./limits.js";
import { changesOf, type Patch, wholeOf } from "./patches.js";
import type { Scopes } from "./scopes.js";
import { ByteSink } from "./sink.js";

/** Kinds of notes. */
export const UPDATE = 1;
export const OWN = 2;
export const FIRST_SHARED = 3;
export const FIRST_OWN = 4;

/** Syncs that a first sync waits for after it found no room, at most: it costs the whole tree each time. */
const PAUSE_MAX = 32;

/** A note's seat where it is for those who have none: spectators. */
export const NO_SEAT = -1;

/** What a zone tells of its state tree: the same object each time, valid during the call, its bytes too. */
export interface StateNote {
  kind: number;
  /** Of formats.ts. */
  format: number;
  /** Of OWN and FIRST_OWN. */
  seat: number;
  /** The sync's. */
  tick: number;
  /** The tick of the note of this kind and format, or of this seat, that came before; -1: what came before does not matter. */
  before: number;
  /** UPDATE and OWN: the whole message, and how many patches are in it. The others: patches. */
  patches: Items;
  /** The others: events. */
  events: Items;
}

/** Whether the note is on its way; false: it is lost. */
export type StateSink = (note: Readonly<StateNote>) => boolean;

/** What waits to be told to one reader, or to all. */
class Told {
  readonly events: StateEvent[] = [];
  #bytes = 0;

  /** False: there is no room. */
  push(event: StateEvent, countMax: number, bytesMax: number): boolean {
    const size = event.name.length + event.data.length;
    if (this.events.length >= countMax || this.#bytes + size > bytesMax) return false;
    this.events.push(event);
    this.#bytes += size;
    return true;
  }

  clear(): void {
    this.events.length = 0;
    this.#bytes = 0;
  }
}

/** A player who is told. */
interface Reader {
  format: number;
  /** It was told everything, and is told changes since. */
  isCurrent: boolean;
  /** The tick of what it was told last. */
  tick: number;
  readonly keys: KeyTable;
  readonly told: Told;
}

export class StateFeed {
  /** Events that found no room. */
  eventsDropped = 0;
  readonly #scopes: Scopes;
  readonly #keys = new KeyTable(BROADCAST_SLOTS);
  readonly #told = new Told();
  readonly #readers = new Map<number, Reader>();
  /** Who is to be told everything: seats, and by format whether spectators are. */
  readonly #asking = new Set<number>();
  readonly #spectators = FORMAT_NAMES.map(() => false);
  /** Encodings that somebody reads, a bit each. */
  #formats = 0;
  /** Syncs in which first syncs are not tried, as there was no room, and how many it will be when there is none again. */
  #wait = 0;
  #pause = 0;
  /** By format, the tick of the last update. */
  readonly #updates = FORMAT_NAMES.map(() => -1);
  /** Seats that events wait for. */
  readonly #hearing = new Set<number>();
  /** Seats of players who came, and have not been told everything yet. */
  readonly #coming = new Set<number>();
  readonly #patches = new ByteSink();
  readonly #events = new ByteSink();
  readonly #message = new ByteSink();
  readonly #note: StateNote = {
    ...{ kind: 0, format: 0, seat: NO_SEAT, tick: 0, before: -1 },
    ...{ patches: NO_ITEMS, events: NO_ITEMS },
  };

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
    scopes.onGone = (seat) => this.#forget(seat);
    scopes.onReset = () => this.#begin();
  }

  /** Only these encodings are read from now on, a bit each, beside those that are asked for. */
  use(formats: number): void {
    this.#formats = formats;
  }

  /** A player comes to the seat, and will ask: what everybody is told from now on waits for it, as what it is told alone does. */
  expect(seat: number): void {
    this.#coming.add(seat);
  }

  /** Who sits in the seat, or with NO_SEAT spectators, are told everything in the next sync, and changes from then on. */
  ask(seat: number, format: number): void {
    if (ENCODINGS[format] === undefined) return;
    this.#formats |= 1 << format;
    if (seat === NO_SEAT) {
      this.#spectators[format] = true;
    } else if (this.#scopes.own(seat) !== undefined) {
      this.#readerAt(seat).format = format;
      this.#asking.add(seat);
    }
  }

  /** seat: NO_SEAT for everybody. Told in the next sync to whoever is there by then. */
  tell(seat: number, name: string, data: string): void {
    const event = { name, data };
    if (seat !== NO_SEAT) {
      // It may be in since just now, and ask next.
      this.#tellOne(seat, event);
    } else if (this.#formats !== 0 || this.#coming.size > 0) {
      if (!this.#told.push(event, BROADCAST_EVENTS_MAX, BROADCAST_EVENT_BYTES_MAX)) this.eventsDropped++;
    }
  }

  #tellOne(seat: number, event: StateEvent): void {
    if (!this.#readerAt(seat).told.push(event, PLAYER_EVENTS_MAX, PLAYER_EVENT_BYTES_MAX)) this.eventsDropped++;
    this.#hearing.add(seat);
  }

  /** After the step of a tick that is a sync. sink: null when nobody listens. */
  sync(tick: number, sink: StateSink | null): void {
    if (sink === null) this.#hush();
    if (sink === null || this.#formats === 0) {
      this.#pass();
      return;
    }
    this.#note.tick = tick;
    this.#update(tick, sink);
    for (const seat of this.#scopes.changed) this.#tellOwn(seat, tick, sink);
    for (const seat of this.#hearing) this.#tellOwn(seat, tick, sink);
    if (this.#wait > 0) this.#wait--;
    else if (this.#asking.size > 0 || this.#spectators.includes(true)) this.#introduceAll(tick, sink);
    else this.#pause = 0;
    this.#keepForComing();
    this.#scopes.changed.clear();
    // Who is told everything next time hears it then.
    for (const seat of this.#hearing) if (this.#readers.get(seat)?.told.events.length === 0) this.#hearing.delete(seat);
  }

  /** To all who are up to date, changes or not. */
  #update(tick: number, sink: StateSink): void {
    const patches = changesOf(this.#scopes.broadcast, this.#keys);
    for (const [format, encoding] of ENCODINGS.entries()) {
      if ((this.#formats & (1 << format)) === 0) {
        this.#updates[format] = -1;
        continue;
      }
      const message = this.#message;
      message.clear();
      writeBroadcast(
        message,
        encoding.isText,
        this.#packed(encoding, patches),
        this.#eventsPacked(encoding, this.#told),
      );
      const before = this.#updates[format] ?? -1;
      const items = { count: patches.length, bytes: message.bytes };
      const isTaken =
        this.#say(sink, UPDATE, format, NO_SEAT, before, items, NO_ITEMS) ||
        // One that is too long for any sink must be missed by its readers all the same: it is an update behind a gap, which nobody is sent.
        this.#say(sink, UPDATE, format, NO_SEAT, -1, NO_ITEMS, NO_ITEMS);
      this.#updates[format] = isTaken ? tick : -1;
    }
  }

  #tellOwn(seat: number, tick: number, sink: StateSink): void {
    const [tree, reader] = [this.#scopes.own(seat), this.#readers.get(seat)];
    if (tree === undefined) return;
    if (reader === undefined || !reader.isCurrent || this.#asking.has(seat)) {
      tree.drain(null);
      return;
    }
    const patches = changesOf(tree, reader.keys);
    if (patches.length === 0 && reader.told.events.length === 0) return;
    const encoding = ENCODINGS[reader.format] as Encoding;
    const message = this.#message;
    message.clear();
    writeOwn(message, encoding.isText, this.#packed(encoding, patches), this.#eventsPacked(encoding, reader.told));
    const items = { count: patches.length, bytes: message.bytes };
    if (this.#say(sink, OWN, reader.format, seat, reader.tick, items, NO_ITEMS)) {
      reader.told.clear();
      reader.tick = tick;
    } else {
      this.#asking.add(seat);
    }
  }

  /** All newcomers, or as many as there is room for; the others after a pause. */
  #introduceAll(tick: number, sink: StateSink): void {
    const patches = wholeOf(this.#scopes.broadcast, this.#keys);
    for (const format of ENCODINGS.keys()) {
      if (this.#tellAll(format, patches, tick, sink)) continue;
      this.#wait = this.#pause;
      this.#pause = Math.min(PAUSE_MAX, Math.max(1, 2 * this.#pause));
      return;
    }
    this.#pause = 0;
  }

  /** The room, and each newcomer's own part behind it. Whether all found room. */
  #tellAll(format: number, patches: readonly Patch[], tick: number, sink: StateSink): boolean {
    const seats = [...this.#asking].filter((seat) => this.#readers.get(seat)?.format === format);
    if (seats.length === 0 && !this.#spectators[format]) return true;
    const encoding = ENCODINGS[format] as Encoding;
    const items = this.#packed(encoding, patches);
    if (!this.#say(sink, FIRST_SHARED, format, NO_SEAT, -1, items, this.#eventsPacked(encoding, this.#told)))
      return false;
    if (this.#spectators[format]) {
      this.#spectators[format] = !this.#say(sink, FIRST_OWN, format, NO_SEAT, -1, NO_ITEMS, NO_ITEMS);
    }
    return !this.#spectators[format] && seats.every((seat) => this.#introduce(seat, tick, encoding, sink));
  }

  /** Whether it found room. */
  #introduce(seat: number, tick: number, encoding: Encoding, sink: StateSink): boolean {
    const [tree, reader] = [this.#scopes.own(seat), this.#readers.get(seat)];
    if (tree === undefined || reader === undefined) return true;
    tree.drain(null);
    reader.keys.clear();
    const items = this.#packed(encoding, wholeOf(tree, reader.keys));
    const events = this.#eventsPacked(encoding, reader.told);
    reader.isCurrent = this.#say(sink, FIRST_OWN, reader.format, seat, -1, items, events);
    if (!reader.isCurrent) return false;
    reader.told.clear();
    reader.tick = tick;
    this.#asking.delete(seat);
    this.#coming.delete(seat);
    return true;
  }

  #say(
    sink: StateSink,
    kind: number,
    format: number,
    seat: number,
    before: number,
    patches: Items,
    events: Items,
  ): boolean {
    const note = this.#note;
    note.kind = kind;
    note.format = format;
    note.seat = seat;
    note.before = before;
    note.patches = patches;
    note.events = events;
    return sink(note);
  }

  /** Valid until the next are. */
  #packed(encoding: Encoding, patches: readonly Patch[]): Items {
    const sink = this.#patches;
    sink.clear();
    encoding.patches(patches, sink);
    return { count: patches.length, bytes: sink.bytes };
  }

  #eventsPacked(encoding: Encoding, { events }: Told): Items {
    const sink = this.#events;
    sink.clear();
    encoding.events(events, sink);
    return { count: events.length, bytes: sink.bytes };
  }

  /** Nobody is told: what changed is forgotten, and who was told before is told everything next time. */
  #pass(): void {
    this.#scopes.broadcast.drain(null);
    for (const seat of this.#scopes.changed) this.#scopes.own(seat)?.drain(null);
    this.#scopes.changed.clear();
    this.#again();
    this.#keepForComing();
    this.#wait = this.#pause = 0;
  }

  /** Nobody listens, now nor later. */
  #hush(): void {
    for (const seat of this.#hearing) this.#readers.get(seat)?.told.clear();
    this.#hearing.clear();
    this.#coming.clear();
  }

  /** What everybody was told: who came and has not asked by now hears it with its first sync. */
  #keepForComing(): void {
    for (const seat of this.#coming) for (const event of this.#told.events) this.#tellOne(seat, event);
    this.#told.clear();
  }

  #again(): void {
    this.#updates.fill(-1);
    for (const [seat, reader] of this.#readers) {
      if (reader.isCurrent) this.#asking.add(seat);
      reader.isCurrent = false;
    }
  }

  /** Everything is another one. Nobody sits anywhere. */
  #begin(): void {
    this.#readers.clear();
    this.#asking.clear();
    this.#hearing.clear();
    this.#coming.clear();
    this.#keys.clear();
    this.#told.clear();
    // Who reads on finds out that an update is missing.
    this.#updates.fill(-1);
  }

  #forget(seat: number): void {
    this.#readers.delete(seat);
    this.#asking.delete(seat);
    this.#hearing.delete(seat);
    this.#coming.delete(seat);
  }

  #readerAt(seat: number): Reader {
    let reader = this.#readers.get(seat);
    if (reader === undefined) {
      reader = { format: 0, isCurrent: false, tick: -1, keys: new KeyTable(PLAYER_SLOTS), told: new Told() };
      this.#readers.set(seat, reader);
    }
    return reader;
  }
}
