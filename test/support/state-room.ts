/** A zone's state tree, its feed, and readers of it, without a zone: what one says the others are given, or not. */
import { ENCODINGS } from "../../src/state/encodings.js";
import { FIRST_OWN, FIRST_SHARED, NO_SEAT, OWN, StateFeed, type StateNote, UPDATE } from "../../src/state/feed.js";
import { FORMAT_NAMES, MSGPACK } from "../../src/state/formats.js";
import { type Items, writeFirst } from "../../src/state/frames.js";
import { type MirrorEvent, StateMirror } from "../../src/state/mirror.js";
import type { Plain } from "../../src/state/schema.js";
import { Scopes, type SyncDeclaration } from "../../src/state/scopes.js";
import { ByteSink } from "../../src/state/sink.js";
import { unpack } from "../../src/state/unpack.js";

// biome-ignore lint/suspicious/noExplicitAny: any tree.
type Any = any;

export class StateReader {
  readonly mirror: StateMirror;
  readonly messages: Uint8Array[] = [];
  readonly events: MirrorEvent[] = [];
  isCurrent = false;

  constructor(
    readonly room: StateRoom,
    readonly seat: number,
    readonly format: number,
  ) {
    this.mirror = new StateMirror(room.scopes.info);
  }

  take(bytes: Uint8Array): void {
    this.messages.push(bytes);
    this.events.push(...this.mirror.apply(parsed(bytes, this.format)));
  }

  /** The last message as text, or in hexadecimal. */
  get last(): string {
    return shown(this.messages.at(-1) ?? new Uint8Array(0), this.format);
  }
}

export function parsed(bytes: Uint8Array, format: number): Plain {
  return format === MSGPACK ? unpack(bytes) : JSON.parse(new TextDecoder().decode(bytes));
}

export function shown(bytes: Uint8Array, format: number): string {
  if (format !== MSGPACK) return new TextDecoder().decode(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

const kept = ({ count, bytes }: Items): Items => ({ count, bytes: bytes.slice() });

export class StateRoom {
  readonly scopes: Scopes;
  readonly feed: StateFeed;
  readonly readers: StateReader[] = [];
  tick = 0;
  /** Which notes get lost. */
  loses: (note: Readonly<StateNote>) => boolean = () => false;
  readonly #shared: (Pick<StateNote, "patches" | "events"> | undefined)[] = [];

  constructor(declaration: SyncDeclaration) {
    this.scopes = new Scopes(declaration);
    this.feed = new StateFeed(this.scopes);
  }

  get sync(): Any {
    return this.scopes.broadcast.view;
  }

  syncOf(seat: number): Any {
    return this.scopes.own(seat)?.view;
  }

  join(seat: number, format = MSGPACK): StateReader {
    if (seat !== NO_SEAT) this.scopes.add(seat);
    const reader = new StateReader(this, seat, format);
    this.readers.push(reader);
    this.feed.ask(seat, format);
    return reader;
  }

  leave(reader: StateReader): void {
    this.readers.splice(this.readers.indexOf(reader), 1);
    if (reader.seat !== NO_SEAT) this.scopes.remove(reader.seat);
    this.feed.use(this.readers.reduce((bits, { format }) => bits | (1 << format), 0));
  }

  step(): void {
    this.feed.sync(++this.tick, (note) => {
      if (this.loses(note)) return false;
      this.#hear(note);
      return true;
    });
  }

  #hear({ kind, format, seat, patches, events }: Readonly<StateNote>): void {
    if (kind === UPDATE) {
      const bytes = patches.bytes.slice();
      for (const reader of this.readers) if (reader.format === format && reader.isCurrent) reader.take(bytes);
    } else if (kind === OWN) {
      this.readers.find((reader) => reader.seat === seat)?.take(patches.bytes.slice());
    } else if (kind === FIRST_SHARED) {
      this.#shared[format] = { patches: kept(patches), events: kept(events) };
    } else if (kind === FIRST_OWN) {
      const shared = this.#shared[format];
      if (shared === undefined) throw new Error(`no room in ${FORMAT_NAMES[format]}`);
      const sink = new ByteSink();
      writeFirst(sink, ENCODINGS[format]?.isText ?? false, patches, shared.patches, [events, shared.events]);
      for (const reader of this.readers) {
        if (reader.seat !== seat || reader.format !== format || (seat === NO_SEAT && reader.isCurrent)) continue;
        reader.isCurrent = true;
        reader.take(sink.bytes.slice());
      }
    }
  }
}
