/**
 * A connection to a zone: a player's, from {@link connect}, or a spectator's, from {@link watch}. It keeps the entities in
 * view as last received, and where they were at the last snapshots, to show them in between. It outlives its socket: one that is lost is
 * replaced by another, on which the same player goes on.
 *
 * Bounds: the history covers the interpolation delay; inputs are dropped while SEND_BACKLOG_BYTES_MAX wait to be sent.
 */
import { GyreError } from "../errors.js";
import type { EntityId } from "../kernel/types.js";
import { ChunkAssembler, isChunk, isState } from "../protocol/chunks.js";
import {
  type ClientMessage,
  parseServerMessage,
  type ServerMessage,
  type ViewMessage,
  type WatchingMessage,
  type WelcomeMessage,
  type ZoneInfo,
} from "../protocol/control.js";
import { FRAME_SNAPSHOT, type You } from "../protocol/frame.js";
import { SnapshotDecoder } from "../protocol/snapshot-decoder.js";
import { type CellView, viewCells } from "./cells.js";
import { dial, type FirstMessage, quiet, toError } from "./dial.js";
import { holdEarly } from "./early.js";
import { Listeners } from "./listeners.js";
import { type CommonOptions, type ConnectOptions, checkedAddress, checkedRect, type WatchOptions } from "./options.js";
import { ADAPTIVE_MS_MAX, Playback } from "./playback.js";
import type { Prediction, PredictionOptions } from "./prediction.js";
import { Pulse } from "./pulse.js";
import { Reconnector } from "./reconnector.js";
import type { Socket } from "./socket.js";
import { StateEnd, type StateView } from "./state-end.js";
import { Tracks } from "./tracks.js";
import {
  type ConnectionEvents,
  type EntityOf,
  type EventOf,
  type GameTypes,
  newStats,
  type Predicted,
  type Stats,
  type ViewRect,
} from "./types.js";
import { Window } from "./window.js";

/** In {@link Stats.bytesByStream}. */
const STATE = 4;
/** Milliseconds from the call to the server's answer, at most. */
const CONNECT_MS_MAX = 10_000;
/** Bytes waiting to be sent beyond which inputs are dropped: they would be stale when they arrive. */
const SEND_BACKLOG_BYTES_MAX = 16 * 1024;
/** Milliseconds after which a wish is said again that the server had no room for: some ticks. */
const SAY_AGAIN_MS = 100;
/** Snapshots whose gaps the stats are of: 13 s at 20 Hz. */
const GAPS = 256;
/** Milliseconds of {@link CommonOptions.silenceMs} where nobody says. */
const SILENCE_MS = 4000;
/** Close code of a client that got something malformed. */
const CLOSE_BAD_DATA = 4002;
/** And of one that hears nothing. None that says goodbye, should a server get it: it keeps the seat. */
const CLOSE_SILENT = 4003;
/** What an engine says of a line that broke. */
const BROKEN = 1006;
/** Of an entity's `state`. */
const DEAD = 4;

type Answer = WelcomeMessage | WatchingMessage;
type MakePrediction = (tickRate: number, options: PredictionOptions) => Prediction;

/** What a connection is made of besides its first socket and answer. */
interface Parts {
  readonly address: URL;
  readonly options: CommonOptions & Partial<ConnectOptions>;
  /** What was said first; a spectator's is said again when the connection is lost. */
  readonly first: FirstMessage;
  readonly makePrediction: MakePrediction | null;
}

/** Joins a zone as a player. Rejects with the server's error, or with BAD_ARGUMENT or CONNECTION_FAILED. */
export async function connect<G extends GameTypes = GameTypes>(
  url: string,
  options: ConnectOptions,
): Promise<Connection<G>> {
  const first: FirstMessage = { type: "join", name: options.name };
  if (options.zone !== undefined) first.zone = options.zone;
  return open(url, options, first);
}

/** Watches a zone without playing. Rejects as {@link connect} does. */
export async function watch<G extends GameTypes = GameTypes>(
  url: string,
  options: WatchOptions,
): Promise<Connection<G>> {
  const first: ViewMessage = { type: "view", ...checkedRect(options.view) };
  if (options.zone !== undefined) first.zone = options.zone;
  return open(url, options, first);
}

async function open<G extends GameTypes>(
  url: string,
  options: Parts["options"],
  first: FirstMessage,
): Promise<Connection<G>> {
  const address = checkedAddress(url, options);
  // Only who predicts loads it.
  const makePrediction = options.predict === true ? await (await import("./prediction.js")).predictions() : null;
  const parts = { address, options, first, makePrediction };
  let connection: Connection<G> | undefined;
  await dial({
    address,
    WebSocket: options.WebSocket,
    first,
    second: null,
    timeoutMs: CONNECT_MS_MAX,
    accept: (socket, answer) => {
      connection = new Connection<G>(socket, answer, parts);
      holdEarly(socket);
    },
  });
  return connection!;
}

export class Connection<G extends GameTypes = GameTypes> {
  /** Ticks per second. */
  readonly tickRate: number;
  /** Snapshots per second. */
  readonly snapshotRate: number;
  readonly stats: Readonly<Stats>;
  /** The columns behind {@link sample}, for drawing thousands: call {@link interpolate}, then read x, y and the rest. */
  readonly tracks: Tracks;
  readonly #stats: Stats = newStats();
  readonly #parts: Parts;
  readonly #now: () => number;
  readonly #listeners = new Listeners<ConnectionEvents<G>>();
  readonly #decoder: SnapshotDecoder;
  readonly #chunks = new ChunkAssembler();
  readonly #state: StateEnd;
  readonly #playback: Playback;
  readonly #gaps = new Window(GAPS);
  readonly #prediction: Prediction | null;
  readonly #reconnector: Reconnector;
  readonly #pulse: Pulse;
  /** Null while there is none that is open. */
  #socket: Socket | null = null;
  #zone: ZoneInfo;
  #you: EntityId;
  #startTick: number;
  /** What takes its player up again; "" for who has none, and of a server that knows no resuming. */
  #session = "";
  /** What a spectator looks at; null for a player. */
  #view: ViewMessage | null;
  #wishTimer: ReturnType<typeof setTimeout> | undefined;
  #lastMs = Number.NaN;
  #seq = 0;
  /** It outlives what the decoder knows: in another zone, and on another socket, it is the same player's. */
  #ack = 0;
  /** The wish of the last input, which is said again on another socket. */
  readonly #wish = { dx: 0, dy: 0 };
  #open = true;

  /** Use {@link connect} or {@link watch}. */
  constructor(socket: Socket, answer: Answer, parts: Parts) {
    const { options, first, address } = parts;
    this.stats = this.#stats;
    this.#parts = parts;
    this.#now = options.now ?? (() => performance.now());
    this.#zone = answer.zone;
    this.tickRate = answer.tickRate;
    this.snapshotRate = answer.snapshotRate;
    const delayMs = options.interpolationDelay ?? null;
    this.#playback = new Playback(answer.tickRate, answer.snapshotRate, delayMs);
    // One snapshot before the time shown, one after it, and one for jitter. Where near cells have a stream of their own there are more in that time.
    const shownMs = delayMs ?? ADAPTIVE_MS_MAX;
    const spanTicks = (shownMs / 1000 + 2 / answer.snapshotRate) * answer.tickRate;
    this.tracks = new Tracks(Math.ceil((shownMs * answer.snapshotRate) / 1000) + 3, spanTicks);
    this.#decoder = new SnapshotDecoder(answer.zone, answer.zone.columns, this.tracks);
    this.#decoder.onMismatch = (cell) => this.#repair(cell);
    this.#state = new StateEnd(answer.zone);
    this.#you = answer.type === "welcome" ? answer.you : 0;
    this.#startTick = answer.tick;
    this.#view = first.type === "view" ? first : null;
    this.#prediction =
      parts.makePrediction?.(answer.tickRate, {
        address,
        fetch: options.fetch,
        // Whoever waits for the connection is to have the time to listen.
        failed: (error) => setTimeout(() => this.#listeners.tell("error", error)),
      }) ?? null;
    this.#prediction?.enter(answer.zone);
    this.#reconnector = new Reconnector(address, options, this.#now, options.random ?? Math.random, {
      words: () => this.#words(),
      retrying: (retry) => this.#listeners.tell("reconnecting", retry),
      accept: (socket, answer, isSecond) => this.#resume(socket, answer, isSecond),
      failed: (error) => this.#ended(BROKEN, error.message, error),
    });
    const { silenceMs = SILENCE_MS } = options;
    this.#pulse = new Pulse(silenceMs, this.#prediction !== null, {
      ping: () => this.#send({ type: "ping", t: this.#now() }),
      silent: () => this.#giveUp(`nothing was heard for ${silenceMs} ms`),
    });
    this.#attach(socket, answer);
  }

  /** Another one after the player went through a gate, or came to a server with another game: see the event `zone`. */
  get zone(): Readonly<ZoneInfo> {
    return this.#zone;
  }

  /** The player's entity; 0 for a spectator, and while it has none. */
  get you(): EntityId {
    return this.#you;
  }

  /** The player's entity in full precision as of the last snapshot, its xp and gold; null while it has none. */
  get own(): Readonly<You> | null {
    return this.#decoder.you;
  }

  /**
   * Where the player's entity is by now, with the inputs that the server has not answered yet; null without `predict`, while it has no entity,
   * and in the first half second, until the map and the way to the server are known: then {@link own} is what there is. The same object each time.
   */
  get predicted(): Readonly<Predicted> | null {
    return this.predict(this.#now());
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
    return this.#ack;
  }

  /** Whether there is a socket; false while another one is sought, and after `close`. */
  get isConnected(): boolean {
    return this.#socket !== null;
  }

  /**
   * Milliseconds that {@link sample} looks back, or is on its way to: as was asked for, or as the connection needs. Further for who is told of less
   * often: by the time between two snapshots of its stream, if that is more.
   */
  get interpolationDelay(): number {
    return this.#playback.delayMs;
  }

  /** What is in view, as last received: always the same map. The objects are reused once their entity left. */
  get entities(): ReadonlyMap<EntityId, EntityOf<G>> {
    return this.#decoder.entities.byId as ReadonlyMap<EntityId, unknown> as ReadonlyMap<EntityId, EntityOf<G>>;
  }

  /**
   * The interest cells that it was told of: how, when, and of how many entities. The same object for each of them, in no order; none with JSON snapshots.
   */
  get cells(): Iterable<Readonly<CellView>> {
    return viewCells(this.#decoder);
  }

  /**
   * The same entities, with x and y interpolated to the local time `timeMs` (on the clock of `options.now`) less the
   * interpolation delay. The same map and objects on each call, valid until the next snapshot.
   */
  sample(timeMs: number): ReadonlyMap<EntityId, EntityOf<G>> {
    return this.tracks.sample(this.#playback.tickAt(timeMs)) as ReadonlyMap<EntityId, unknown> as ReadonlyMap<
      EntityId,
      EntityOf<G>
    >;
  }

  /** {@link sample} without the objects: brings x and y of {@link tracks} to that time. About 2 ns an entity. */
  interpolate(timeMs: number): void {
    this.tracks.interpolate(this.#playback.tickAt(timeMs));
  }

  /** {@link predicted} at a local time, such as that of the frame that is drawn; not below that of the last call. */
  predict(timeMs: number): Readonly<Predicted> | null {
    return this.#open ? (this.#prediction?.at(timeMs) ?? null) : null;
  }

  /**
   * Sends the wish direction, which holds until the next one, and an action, such as `attack`, done once. Returns its sequence number, which comes back as {@link ack};
   * 0 when it was dropped because earlier ones have not left yet, or there is no socket now: the wish is said once there is one. Throws BAD_ARGUMENT.
   */
  input({ dx, dy, action }: { dx: number; dy: number; action?: string }): number {
    if (!Number.isFinite(dx) || !Number.isFinite(dy)) throw new GyreError("BAD_ARGUMENT", `input ${dx}, ${dy}`);
    this.#wish.dx = dx;
    this.#wish.dy = dy;
    if (this.#socket === null || !this.#open || this.#socket.bufferedAmount > SEND_BACKLOG_BYTES_MAX) return 0;
    const tick = this.#prediction === null ? -1 : this.#prediction.send(this.#seq + 1, dx, dy, this.#now());
    if (tick === null) return 0;
    const message: ClientMessage = { type: "input", seq: ++this.#seq, dx, dy };
    if (action !== undefined) message.action = action;
    if (tick >= 0) message.tick = tick;
    this.#send(message);
    return this.#seq;
  }

  /** A spectator looks elsewhere in its zone, or in another one; see the event `zone`. Throws BAD_ARGUMENT. */
  view(rect: ViewRect, zone?: string): void {
    const view: ViewMessage = { type: "view", ...checkedRect(rect) };
    if (this.#view !== null) {
      // What is asked for again on another socket.
      const asked = zone ?? this.#view.zone;
      this.#view = asked === undefined ? { ...view } : { ...view, zone: asked };
    }
    if (zone !== undefined) view.zone = zone;
    this.#send(view);
  }

  /** Calls `listener` from now on. Returns a function that ends it. */
  on<E extends keyof ConnectionEvents<G>>(event: E, listener: ConnectionEvents<G>[E]): () => void {
    return this.#listeners.add(event, listener);
  }

  /** Leaves. `close` is announced once the socket is closed; at once when there is none. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pulse.stop();
    clearTimeout(this.#wishTimer);
    this.#reconnector.stop();
    if (this.#socket === null) this.#ended(1000, "", null);
    else this.#socket.close(1000);
  }

  // Sockets.

  #attach(socket: Socket, answer: Answer): void {
    this.#socket = socket;
    if (answer.type === "welcome") this.#session = answer.session ?? "";
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#pulse.start();
  }

  /** The socket is closed. What was asked for, and what another try would only repeat, ends the connection. */
  #lost(code: number, reason: string): void {
    if (this.#socket !== null) quiet(this.#socket);
    this.#socket = null;
    this.#pulse.stop();
    if (!this.#open) {
      this.#ended(code, reason, null);
      return;
    }
    const error = new GyreError("CONNECTION_FAILED", `closed with ${code} ${reason}`);
    const mayGoOn = this.#view !== null || this.#session !== "";
    if (!mayGoOn || !this.#reconnector.begin(code, error)) this.#ended(code, reason, error);
  }

  /** The line is dead, or as good as that. What the socket may bring yet comes too late. */
  #giveUp(why: string): void {
    if (this.#socket !== null) {
      quiet(this.#socket);
      this.#socket.close(CLOSE_SILENT, why);
    }
    this.#lost(BROKEN, why);
  }

  /** What is said on the next socket, and what when the server knows the session no more. */
  #words(): { first: FirstMessage; second: FirstMessage | null } {
    if (this.#view !== null) return { first: this.#view, second: null };
    const { options, first } = this.#parts;
    return { first: { type: "resume", session: this.#session }, second: options.rejoin === true ? first : null };
  }

  /** Another socket, on which all begins anew but who one is. */
  #resume(socket: Socket, answer: Answer, isSecond: boolean): void {
    const { zone } = answer;
    const isOther = !isSame(zone, this.#zone);
    this.#enter(answer, isOther);
    this.#lastMs = Number.NaN;
    // Nothing was heard of the new player's inputs yet.
    if (isSecond) this.#ack = 0;
    this.#stats.resumes++;
    this.#prediction?.restart();
    // Another server, maybe with other tiles.
    if (isSecond) this.#prediction?.close();
    this.#prediction?.enter(zone);
    this.#attach(socket, answer);
    this.#listeners.tell("resumed", isSecond);
    if (isOther) this.#listeners.tell("zone", zone);
    this.#be(answer.type === "welcome" ? answer.you : 0);
    // Its player has stood still since the connection was lost.
    if (answer.type === "welcome" && (this.#wish.dx !== 0 || this.#wish.dy !== 0)) this.input(this.#wish);
  }

  /** Entities are told anew. Of the state tree, too, everything is; what is known of it stays until then, but in another zone. */
  #enter({ zone, tick }: Answer, isOther: boolean): void {
    this.#decoder.reset(zone, zone.columns);
    // The rest of a frame that was on its way does not come.
    this.#chunks.reset();
    if (isOther) this.#state.begin(zone);
    else this.#state.resume();
    this.#playback.reset();
    this.#startTick = tick;
    this.#zone = zone;
  }

  #ended(code: number, reason: string, error: GyreError | null): void {
    this.#open = false;
    this.#pulse.stop();
    clearTimeout(this.#wishTimer);
    if (this.#socket !== null) quiet(this.#socket);
    this.#socket = null;
    this.#prediction?.close();
    this.#listeners.tell("close", code, reason, error);
  }

  #send(message: ClientMessage): void {
    if (this.#open) this.#socket?.send(JSON.stringify(message));
  }

  // What the server says.

  #receive(data: unknown): void {
    this.#pulse.heard();
    if (!this.#open) return;
    try {
      if (typeof data === "string") this.#receiveText(data);
      else this.#receiveBytes(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#socket?.close(CLOSE_BAD_DATA, error.code);
      this.#ended(CLOSE_BAD_DATA, error.code, error);
    }
  }

  #receiveBytes(bytes: Uint8Array): void {
    this.#stats.bytesIn += bytes.length;
    // Its pieces may come between those of a snapshot.
    if (isState(bytes)) {
      this.#stats.bytesByStream[STATE] += bytes.length;
      this.#told(this.#state.receiveBytes(bytes));
      return;
    }
    const whole = isChunk(bytes) ? this.#chunks.add(bytes) : bytes;
    if (whole !== null) this.#receiveFrame(whole);
  }

  /** A whole binary message, for whom its first byte says. */
  #receiveFrame(frame: Uint8Array): void {
    if (frame[0] !== FRAME_SNAPSHOT) throw new GyreError("BAD_FRAME", `a frame of kind ${frame[0]}`);
    this.#decoder.decode(frame);
    this.#applied();
  }

  #receiveText(text: string): void {
    this.#stats.bytesIn += text.length;
    if (text.startsWith("[")) {
      this.#stats.bytesByStream[STATE] += text.length;
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
    this.#listeners.tell("state");
    for (const event of events) this.#listeners.tell("event", event as EventOf<G>);
  }

  #applied(): void {
    const { tick, ack, you } = this.#decoder;
    const nowMs = this.#now();
    this.#ack = ack;
    this.#measure(nowMs);
    this.#playback.arrived(tick, nowMs);
    this.tracks.slackTicks = this.#playback.slackTicks;
    if (this.#prediction !== null) {
      const isAlive = you !== null && this.entities.get(you.id)?.state !== DEAD;
      if (this.#prediction.snapshot(tick, ack, you, isAlive, nowMs)) this.#stats.corrections++;
    }
    this.#be(you?.id ?? 0);
    this.#listeners.tell("snapshot", tick);
  }

  /** What is known of a cell is not what the server says: it comes again in full. */
  #repair(cell: number): void {
    this.#stats.repairs++;
    this.#send({ type: "repair", cell });
  }

  #measure(nowMs: number): void {
    const stats = this.#stats;
    const { blockBytes, otherBytes, hashChecks } = this.#decoder;
    stats.snapshots++;
    stats.hashChecks = hashChecks;
    for (let stream = 0; stream < blockBytes.length; stream++) stats.bytesByStream[stream] = blockBytes[stream]!;
    stats.bytesByStream[blockBytes.length] = otherBytes;
    if (!Number.isNaN(this.#lastMs)) {
      this.#gaps.push(nowMs - this.#lastMs);
      stats.gapP50Ms = this.#gaps.quantile(0.5);
      stats.gapP95Ms = this.#gaps.quantile(0.95);
      stats.gapP99Ms = this.#gaps.quantile(0.99);
    }
    this.#lastMs = nowMs;
  }

  /** The server had no room for an input. The last wish holds until the next, so it must not be the one that is lost. */
  #sayAgain(): void {
    clearTimeout(this.#wishTimer);
    this.#wishTimer = setTimeout(() => {
      if (this.#seq > this.ack) this.input(this.#wish);
    }, SAY_AGAIN_MS);
  }

  /** Snapshots say so too, and are right: an entity may be gone without a word. */
  #be(you: EntityId): void {
    if (you === this.#you) return;
    this.#you = you;
    this.#listeners.tell("you", you);
  }

  /** The server told again where one is: through a gate, or as somebody else. */
  #arrive(answer: Answer): void {
    const { zone } = answer;
    if (answer.type === "welcome" && answer.session !== undefined) this.#session = answer.session;
    if (!isSame(zone, this.#zone)) {
      this.#enter(answer, true);
      this.#prediction?.enter(zone);
      this.#listeners.tell("zone", zone);
    }
    this.#be(answer.type === "welcome" ? answer.you : 0);
  }

  #handle(message: ServerMessage): void {
    if (message.type === "pong") {
      const nowMs = this.#now();
      this.#stats.rttMs = nowMs - message.t;
      this.#prediction?.pong(message.t, message.tick, nowMs);
    } else if (message.type === "error") {
      if (message.code === "COMMANDS_FULL") this.#sayAgain();
      this.#listeners.tell("error", toError(message));
    } else if (message.type === "event") {
      this.#listeners.tell("event", { name: message.name, data: message.data } as Parameters<
        ConnectionEvents<G>["event"]
      >[0]);
    } else {
      this.#arrive(message);
    }
  }
}

/** A zone's name says little: that of another server, with another game, may have the same. Both were parsed, so their fields are in one order. */
function isSame(zone: ZoneInfo, other: ZoneInfo): boolean {
  return JSON.stringify(zone) === JSON.stringify(other);
}

function parseSnapshot(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GyreError("BAD_FRAME", `a snapshot of ${text.length} characters is not JSON`);
  }
}
