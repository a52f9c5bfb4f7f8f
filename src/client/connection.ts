/**
 * A connection to a zone: a player's, from {@link connect}, or a spectator's, from {@link watch}. It keeps the entities in
 * view as last received, and where they were at the last snapshots, to show them in between.
 *
 * Bounds: the history covers the interpolation delay; inputs are dropped while SEND_BACKLOG_BYTES_MAX wait to be sent.
 */
import { ERROR_CODES, type ErrorCode, GyreError } from "../errors.js";
import type { EntityId } from "../kernel/types.js";
import {
  type ClientMessage,
  parseServerMessage,
  type ServerMessage,
  SUBPROTOCOL,
  type ViewMessage,
  type WatchingMessage,
  type WelcomeMessage,
  type ZoneInfo,
} from "../protocol/control.js";
import type { YouJson } from "../protocol/json-encoder.js";
import type { RemoteEntity } from "../protocol/remote-entity.js";
import { SnapshotDecoder } from "../protocol/snapshot-decoder.js";
import { openSocket, type Socket, type SocketClass } from "./socket.js";
import { StateEnd, type StateView } from "./state-end.js";
import { Timeline } from "./timeline.js";
import { Tracks } from "./tracks.js";

/** Milliseconds from the call to the server's answer, at most. */
const CONNECT_MS_MAX = 10_000;
/** Milliseconds between two measurements of the round trip. */
const PING_MS = 2000;
/** Bytes waiting to be sent beyond which inputs are dropped: they would be stale when they arrive. */
const SEND_BACKLOG_BYTES_MAX = 16 * 1024;
/** Milliseconds of {@link CommonOptions.interpolationDelay}, at most: what the history has to cover. */
const INTERPOLATION_MS_MAX = 2000;
/** Close code of a client that got something malformed. */
const CLOSE_BAD_DATA = 4002;

interface CommonOptions {
  /** Of a zone, or of a template of rooms: one is placed into one of them. Default: the server's first zone, or template. */
  zone?: string;
  /** How snapshots come. Default `binary`. */
  format?: "binary" | "json";
  /** How changes of the state tree come. Default: `msgpack`, with the format `json` as that; `plain` is for people to read. */
  state?: "msgpack" | "json" | "plain";
  /** Milliseconds that {@link Connection.sample} looks back, 0 to 2,000. Default: two snapshots. */
  interpolationDelay?: number;
  /** Default: the engine's, else that of the package `ws`. */
  WebSocket?: SocketClass;
  /** Local time in milliseconds, as {@link Connection.sample} takes it. Default `performance.now`. */
  now?: () => number;
}

export interface ConnectOptions extends CommonOptions {
  /** 1 to 32 characters. */
  name: string;
}

/** Units, x0 <= x1 and y0 <= y1. */
export interface ViewRect {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface WatchOptions extends CommonOptions {
  view: ViewRect;
}

export interface Stats {
  /** Bytes of all messages received. */
  bytesIn: number;
  snapshots: number;
  /** Milliseconds of the last round trip; 0 before the first. */
  rttMs: number;
  /** Predictions that the server corrected. */
  corrections: number;
}

export interface ConnectionEvents {
  /** A snapshot of this tick was applied. */
  snapshot: (tick: number) => void;
  /** A message of the zone's state tree was applied: `state` and `ownState` are of now. Its events follow. */
  state: () => void;
  /** The zone's game tells something: what, and any JSON. */
  event: (event: { readonly name: string; readonly data: unknown }) => void;
  /** The player's entity is another one, in the same zone or not; 0: it has none any more. */
  you: (id: EntityId) => void;
  /** What follows is of another zone; all entities of the one before are forgotten. `you` follows. */
  zone: (zone: ZoneInfo) => void;
  /** The server refused something. */
  error: (error: GyreError) => void;
  /** The connection is gone. `error` says why, if it was not asked for. */
  close: (code: number, reason: string, error: GyreError | null) => void;
}

/** Joins a zone as a player. Rejects with the server's error, or with BAD_ARGUMENT or CONNECTION_FAILED. */
export async function connect(url: string, options: ConnectOptions): Promise<Connection> {
  const join: ClientMessage = { type: "join", name: options.name };
  if (options.zone !== undefined) join.zone = options.zone;
  return open(url, options, join);
}

/** Watches a zone without playing. Rejects as {@link connect} does. */
export async function watch(url: string, options: WatchOptions): Promise<Connection> {
  const view: ViewMessage = { type: "view", ...checkedRect(options.view) };
  if (options.zone !== undefined) view.zone = options.zone;
  return open(url, options, view);
}

async function open(url: string, options: CommonOptions, first: ClientMessage): Promise<Connection> {
  const { interpolationDelay: delay } = options;
  if (delay !== undefined && !(delay >= 0 && delay <= INTERPOLATION_MS_MAX)) {
    throw new GyreError("BAD_ARGUMENT", `interpolationDelay ${delay} is not 0 to ${INTERPOLATION_MS_MAX} ms`);
  }
  if (!URL.canParse(url)) throw new GyreError("BAD_ARGUMENT", `${JSON.stringify(url)} is not an address`);
  const address = new URL(url);
  if (options.format === "json") address.searchParams.set("format", "json");
  if (options.state !== undefined) address.searchParams.set("state", options.state);
  const socket = await openSocket(address, SUBPROTOCOL, options.WebSocket);
  return new Promise((resolve, reject) => {
    const fail = (error: GyreError): void => {
      clearTimeout(timer);
      quiet(socket);
      socket.close();
      reject(error);
    };
    const failed = (why: string): void => fail(new GyreError("CONNECTION_FAILED", `${address.href}: ${why}`));
    const timer = setTimeout(() => failed(`no answer within ${CONNECT_MS_MAX} ms`), CONNECT_MS_MAX);
    socket.onopen = () => socket.send(JSON.stringify(first));
    socket.onerror = (event) => failed(event.message || "cannot be reached");
    socket.onclose = ({ code, reason }) => failed(`closed with ${code} ${reason}`);
    socket.onmessage = ({ data }) => {
      try {
        const message = parseServerMessage(String(data));
        if (message.type === "error") return fail(toError(message));
        if (message.type !== "welcome" && message.type !== "watching") return;
        // Made here and now: the next message may be in the same packet.
        resolve(new Connection(socket, message, options));
        clearTimeout(timer);
      } catch (error) {
        fail(error as GyreError);
      }
    };
  });
}

export class Connection {
  /** Ticks per second. */
  readonly tickRate: number;
  /** Snapshots per second. */
  readonly snapshotRate: number;
  readonly stats: Stats = { bytesIn: 0, snapshots: 0, rttMs: 0, corrections: 0 };
  /** The columns behind {@link sample}, for drawing thousands: call {@link interpolate}, then read x, y and the rest. */
  readonly tracks: Tracks;
  readonly #socket: Socket;
  readonly #decoder: SnapshotDecoder;
  readonly #state: StateEnd;
  #timeline: Timeline;
  readonly #delayMs: number;
  readonly #now: () => number;
  #zone: ZoneInfo;
  #you: EntityId;
  #startTick: number;
  readonly #pingTimer: ReturnType<typeof setInterval>;
  readonly #listeners: { readonly [E in keyof ConnectionEvents]: Set<ConnectionEvents[E]> } = {
    snapshot: new Set(),
    state: new Set(),
    event: new Set(),
    you: new Set(),
    zone: new Set(),
    error: new Set(),
    close: new Set(),
  };
  #seq = 0;
  #open = true;

  /** Use {@link connect} or {@link watch}. */
  constructor(socket: Socket, answer: WelcomeMessage | WatchingMessage, options: CommonOptions) {
    this.#zone = answer.zone;
    this.tickRate = answer.tickRate;
    this.snapshotRate = answer.snapshotRate;
    const intervalMs = 1000 / answer.snapshotRate;
    this.#delayMs = options.interpolationDelay ?? 2 * intervalMs;
    // One snapshot before the time shown, one after it, and one for jitter.
    this.tracks = new Tracks(Math.ceil(this.#delayMs / intervalMs) + 3);
    this.#decoder = new SnapshotDecoder(answer.zone, answer.zone.columns, this.tracks);
    this.#state = new StateEnd(answer.zone);
    this.#timeline = new Timeline(answer.tickRate);
    this.#now = options.now ?? (() => performance.now());
    this.#you = answer.type === "welcome" ? answer.you : 0;
    this.#startTick = answer.tick;
    this.#socket = socket;
    quiet(socket);
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#ended(code, reason, null);
    this.#pingTimer = setInterval(() => this.#ping(), PING_MS);
    this.#ping();
  }

  /** Another one after the player went through a gate: see the event `zone`. */
  get zone(): Readonly<ZoneInfo> {
    return this.#zone;
  }

  /** The player's entity; 0 for a spectator, and while it has none. */
  get you(): EntityId {
    return this.#you;
  }

  /** The player's entity in full precision as of the last snapshot, its xp and gold; null while it has none. */
  get own(): Readonly<YouJson> | null {
    return this.#decoder.you;
  }

  /**
   * What the zone's game tells everybody, as its `sync.broadcast` declares it; empty until the first message of a zone. Read only. The same
   * object until the zone is another.
   */
  get state(): StateView {
    return this.#state.broadcast;
  }

  /** What it tells this player alone: `sync.perPlayer`. */
  get ownState(): StateView {
    return this.#state.own;
  }

  /** Of the last snapshot. */
  get tick(): number {
    return Math.max(this.#startTick, this.#decoder.tick);
  }

  /** The last of one's inputs that the simulation had applied by {@link tick}. */
  get ack(): number {
    return this.#decoder.ack;
  }

  /** What is in view, as last received: always the same map. The objects are reused once their entity left. */
  get entities(): ReadonlyMap<EntityId, RemoteEntity> {
    return this.#decoder.entities.byId;
  }

  /**
   * The same entities, with x and y interpolated to the local time `timeMs` (on the clock of `options.now`) less the
   * interpolation delay. The same map and objects on each call, valid until the next snapshot.
   */
  sample(timeMs: number): ReadonlyMap<EntityId, RemoteEntity> {
    return this.tracks.sample(this.#timeline.tickAt(timeMs - this.#delayMs));
  }

  /** {@link sample} without the objects: brings x and y of {@link tracks} to that time. About 2 ns an entity. */
  interpolate(timeMs: number): void {
    this.tracks.interpolate(this.#timeline.tickAt(timeMs - this.#delayMs));
  }

  /**
   * Sends the wish direction, which holds until the next one, and an action, such as `attack`, done once. Returns its sequence number, which comes back as {@link ack};
   * 0 when it was dropped because earlier ones have not left yet, or the connection is closed. Throws BAD_ARGUMENT.
   */
  input({ dx, dy, action }: { dx: number; dy: number; action?: string }): number {
    if (!Number.isFinite(dx) || !Number.isFinite(dy)) throw new GyreError("BAD_ARGUMENT", `input ${dx}, ${dy}`);
    if (!this.#open || this.#socket.bufferedAmount > SEND_BACKLOG_BYTES_MAX) return 0;
    const message: ClientMessage = { type: "input", seq: ++this.#seq, dx, dy };
    if (action !== undefined) message.action = action;
    this.#send(message);
    return this.#seq;
  }

  /** A spectator looks elsewhere in its zone, or in another one; see the event `zone`. Throws BAD_ARGUMENT. */
  view(rect: ViewRect, zone?: string): void {
    const view: ViewMessage = { type: "view", ...checkedRect(rect) };
    if (zone !== undefined) view.zone = zone;
    this.#send(view);
  }

  /** Calls `listener` from now on. Returns a function that ends it. */
  on<E extends keyof ConnectionEvents>(event: E, listener: ConnectionEvents[E]): () => void {
    const listeners = this.#listeners[event];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Leaves. `close` is announced once the socket is closed. */
  close(): void {
    this.#open = false;
    clearInterval(this.#pingTimer);
    this.#socket.close(1000);
  }

  #send(message: ClientMessage): void {
    if (this.#open) this.#socket.send(JSON.stringify(message));
  }

  #ping(): void {
    this.#send({ type: "ping", t: this.#now() });
  }

  #receive(data: unknown): void {
    if (!this.#open) return;
    try {
      if (typeof data === "string") this.#receiveText(data);
      else this.#receiveFrame(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#socket.close(CLOSE_BAD_DATA, error.code);
      this.#ended(CLOSE_BAD_DATA, error.code, error);
    }
  }

  #receiveFrame(bytes: Uint8Array): void {
    this.stats.bytesIn += bytes.length;
    if (this.#state.isState(bytes)) {
      this.#told(this.#state.receiveBytes(bytes));
    } else {
      this.#decoder.decode(bytes);
      this.#applied();
    }
  }

  #receiveText(text: string): void {
    this.stats.bytesIn += text.length;
    if (text.startsWith("[")) {
      this.#told(this.#state.receiveText(text));
    } else if (text.startsWith('{"type":"snapshot"')) {
      this.#decoder.applyJson(parseSnapshot(text));
      this.#applied();
    } else {
      this.#handle(parseServerMessage(text));
    }
  }

  /** events: null while more of the message is to come. */
  #told(events: readonly { readonly name: string; readonly data: unknown }[] | null): void {
    if (events === null) return;
    for (const listener of this.#listeners.state) listener();
    for (const event of events) for (const listener of this.#listeners.event) listener(event);
  }

  #applied(): void {
    this.stats.snapshots++;
    this.#timeline.arrived(this.#decoder.tick, this.#now());
    this.#be(this.#decoder.you?.id ?? 0);
    for (const listener of this.#listeners.snapshot) listener(this.#decoder.tick);
  }

  /** Snapshots say so too, and are right: an entity may be gone without a word. */
  #be(you: EntityId): void {
    if (you === this.#you) return;
    this.#you = you;
    for (const listener of this.#listeners.you) listener(you);
  }

  /** The server told again where one is: through a gate, or as somebody else. */
  #arrive(answer: WelcomeMessage | WatchingMessage): void {
    const { zone } = answer;
    if (zone.name !== this.#zone.name) {
      this.#decoder.reset(zone, zone.columns);
      this.#state.begin(zone);
      this.#timeline = new Timeline(this.tickRate);
      this.#startTick = answer.tick;
      this.#zone = zone;
      for (const listener of this.#listeners.zone) listener(zone);
    }
    this.#be(answer.type === "welcome" ? answer.you : 0);
  }

  #handle(message: ServerMessage): void {
    if (message.type === "pong") {
      this.stats.rttMs = this.#now() - message.t;
    } else if (message.type === "error") {
      for (const listener of this.#listeners.error) listener(toError(message));
    } else if (message.type === "event") {
      for (const listener of this.#listeners.event) listener({ name: message.name, data: message.data });
    } else {
      this.#arrive(message);
    }
  }

  #ended(code: number, reason: string, error: GyreError | null): void {
    const asked = !this.#open;
    this.#open = false;
    clearInterval(this.#pingTimer);
    quiet(this.#socket);
    const why = asked || error !== null ? error : new GyreError("CONNECTION_FAILED", `closed with ${code} ${reason}`);
    for (const listener of this.#listeners.close) listener(code, reason, why);
  }
}

/** Hears no more of a socket. Not null for errors: the package `ws` throws what nobody listens to. */
function quiet(socket: Socket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
}

function parseSnapshot(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GyreError("BAD_FRAME", `a snapshot of ${text.length} characters is not JSON`);
  }
}

/** A server may be newer than this client, and know more codes. */
function toError({ code, message }: { code: string; message: string }): GyreError {
  return new GyreError(Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : "BAD_MESSAGE", message);
}

function checkedRect({ x0, y0, x1, y1 }: ViewRect): ViewRect {
  if (!(x0 <= x1 && y0 <= y1 && [x0, y0, x1, y1].every(Number.isFinite))) {
    throw new GyreError("BAD_ARGUMENT", `view ${x0}, ${y0}, ${x1}, ${y1}`);
  }
  return { x0, y0, x1, y1 };
}
