/**
 * One connected client: what it said, what it sees, what it is owed. A session is a spectator until it joins, and again after
 * it left; its player lives in a seat of a zone, and crosses to another one with it. Whatever a client sends ends here: as a command
 * in the zone's ring, as a change of its own view, or as one error back. When its connection is lost a player's session stays, for another
 * one to resume it (see resumption.ts).
 *
 * Bounds: one snapshot on its way at a time (a slow reader misses snapshots, and gets what changed meanwhile with the next); events as their queue
 * says; replies up to REPLY_BACKLOG_BYTES_MAX, beyond which it is closed; messages as its allowance says. Sessions are pooled: between `end` and the next `start` one is nobody's.
 */
import { GyreError } from "../errors.js";
import { NORMAL } from "../kernel/streams.js";
import type { EntityId } from "../kernel/types.js";
import type { Composer } from "../protocol/composer.js";
import {
  type ClientMessage,
  type InputMessage,
  type JoinMessage,
  parseClientMessage,
  type ResumeMessage,
  type ServerMessage,
  type ViewMessage,
} from "../protocol/control.js";
import { JsonEncoder } from "../protocol/json-encoder.js";
import { View } from "../protocol/view.js";
import type { Venue } from "../sim/venue.js";
import { Allowance } from "./allowance.js";
import type { Audience } from "./audience.js";
import { EventQueue } from "./event-queue.js";
import type { Flight } from "./flight.js";
import type { Hub } from "./hub.js";
import { StateLink } from "./state-link.js";
import { CLOSE_POLICY, CLOSE_TRY_LATER, CLOSE_UNSUPPORTED, type Wire } from "./wire.js";

/** Bytes of unread replies: about 500 errors. Who asks so much and reads nothing is not a player. */
export const REPLY_BACKLOG_BYTES_MAX = 64 * 1024;
/** Bytes of one frame that is sent: some 80,000 entities newly in one cell. A session that asks for more is closed. A reader takes more, see chunks.ts. */
const FRAME_SENT_BYTES_MAX = 1024 * 1024;
/**
 * Bytes of JSON snapshots a second, for all sessions that ask for them together: the debug form is written for each anew, and may
 * not cost the others their ticks. A session gets an equal share, and fewer snapshots when that is not enough.
 */
export const JSON_BYTES_PER_SECOND = 8 * 1024 * 1024;
/** Milliseconds without a frame, or a piece of one, getting through before the session is given up: who is slow but gets on is none. */
export const FLUSH_MS_MAX = 5000;

export const FORMATS = ["binary", "json"] as const;
export type Format = (typeof FORMATS)[number];

export class Session {
  /** Where its audience keeps it; -1 when it is in none. */
  index = -1;
  /** Its seat in the zone that it joined; -1 for a spectator. */
  seat = -1;
  /** Its entity; 0 while it has none. */
  you: EntityId = 0;
  /** Where its player is in; null before and after, and while it crosses from one zone to another. */
  playing: Audience | null = null;
  /** The last of its inputs that was applied, as of the last snapshot. */
  ack = 0;
  /** What resumes it; "" without a player. */
  token = "";
  /** Counts sessions, and so spreads what is done in turns. */
  ordinal = 0;
  /** What it is told of the state tree of what it sees. */
  readonly state: StateLink;

  readonly #hub: Hub;
  readonly #view: View;
  readonly #allowance = new Allowance();
  readonly #events: EventQueue;
  #json: JsonEncoder | null = null;
  #format: Format = "binary";
  #wire: Wire | null = null;
  #flight: Flight | null = null;
  /** Where its seat is. */
  #joined: Audience | null = null;
  /** What it gets snapshots of. */
  #watched: Audience | null = null;
  /** What its view and its client's knowledge are of. */
  #known: Audience | null = null;
  /** The rectangle it asked for last, to return to when it leaves. */
  #asked: ViewMessage | null = null;
  /** Snapshots up to this tick need not know its entity yet; later ones that do not say that it is gone. */
  #sinceTick = -1;
  /** Its seat in the zone that it is told of, also while it is on its way to another one; and up to which tick snapshots do not know it there. */
  #rowSeat = -1;
  #enteredTick = -1;
  /** Until when its share of JSON is used up. */
  #restUntilMs = 0;
  #heardOf = true;
  /** Of its player's last input. */
  #seq = 0;
  /** Whether its player moves, as far as it said. */
  #moves = false;
  /** Whether the next welcome is the answer to a resume. */
  #isResumed = false;
  /** Its join, which waits for its turn. */
  #waits: JoinMessage | null = null;
  /** False between two clients. */
  #isUsed = false;

  constructor(hub: Hub) {
    this.#hub = hub;
    this.#view = new View(hub.streams);
    this.#events = new EventQueue(hub.counters);
    this.state = new StateLink(hub.counters);
  }

  /** Another client's from now on. state: the encoding of state messages, see state/formats.ts. */
  start(wire: Wire, flight: Flight, format: Format, state: number): void {
    this.state.start(wire, state);
    this.ordinal = this.#hub.counters.sessionsOpened++;
    this.#isUsed = true;
    this.#wire = wire;
    this.#flight = flight;
    this.#format = format;
    if (format === "json") {
      this.#json ??= new JsonEncoder();
      this.#hub.jsonSessions++;
    }
    this.#allowance.reset(this.#hub.nowMs);
    this.#restUntilMs = 0;
    this.#heardOf = true;
  }

  /** Bytes handed over to its connection that the operating system has not taken. */
  get queuedBytes(): number {
    return this.#wire?.queuedBytes ?? 0;
  }

  /** Whether it is this connection's: one that ended may be another's already. */
  isOf(wire: Wire): boolean {
    return this.#wire === wire;
  }

  /** A text message came. size: its bytes. */
  receiveText(text: string, size: number): void {
    this.#hub.counters.messagesIn++;
    this.#hub.counters.bytesIn += size;
    if (!this.#admit()) return;
    try {
      this.#handle(parseClientMessage(text));
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#refuse(error);
    }
  }

  /** A binary message came; a client has no use for one. */
  receiveBytes(size: number): void {
    this.#hub.counters.bytesIn += size;
    this.#refuse(new GyreError("BAD_FRAME", `a binary frame of ${size} bytes, where text is due`));
    this.close(CLOSE_UNSUPPORTED, "text frames only");
  }

  /** A WebSocket ping came, which was answered already: it counts as a message. */
  receivePing(): void {
    this.#admit();
  }

  /** A WebSocket pong came. */
  receivePong(): void {
    this.#heardOf = true;
  }

  // What the audience of the zone that it joined calls, within the zone's step.

  /** Its player is in, with this entity; 0 for none. */
  entered(id: EntityId, audience: Audience): void {
    this.playing = audience;
    this.#rowSeat = this.seat;
    this.#enteredTick = audience.venue.tick;
    // Without a connection there is nobody to tell, and whoever has the session next is somebody else.
    if (this.#wire !== null) {
      this.#watch(audience);
      audience.beginState(this);
    }
    this.#be(id, audience);
  }

  /** Its player has another entity; 0 for none. */
  possessed(id: EntityId, audience: Audience): void {
    if (this.playing !== audience) return;
    if (id === 0) this.you = 0;
    else this.#be(id, audience);
  }

  /** Its player has a seat elsewhere, and enters there next. Until then it sees what it saw. */
  moved(audience: Audience, seat: number): void {
    // What it was told so far it was told here, before its next welcome.
    this.flushEvents();
    this.#joined = audience;
    this.seat = seat;
    this.playing = null;
  }

  /** It has no seat after all. Who was in already had a zone that began anew, and sees what a spectator sees. */
  refused(error: GyreError): void {
    const wasIn = this.playing !== null;
    this.#joined = null;
    this.#forgetPlayer();
    if (this.#wire === null) {
      this.end();
      return;
    }
    this.#refuse(error);
    if (wasIn) this.#lookBack();
  }

  /** The same of an input. */
  inputRefused(audience: Audience, seq: number): void {
    // It may have been the one to stand still.
    this.#moves = true;
    if (this.#wire === null) this.#hub.resumption.halt(this);
    else this.#refuse(audience.noRoomFor(seq));
  }

  /** The zone stopped: there is nobody in it any more. */
  stopped(audience: Audience, error: GyreError): void {
    this.#reply({ type: "error", code: error.code, message: error.message });
    if (this.#joined === audience) {
      this.#joined = null;
      this.#forgetPlayer();
    }
    if (this.#joined !== null) return;
    if (this.#wire === null) this.end();
    else this.#lookBack();
  }

  /** The game tells it something. Whether that waits to be sent now. */
  hear(text: string): boolean {
    if (this.#wire !== null) return this.#events.push(text);
    this.#hub.counters.eventsDropped++;
    return false;
  }

  /** Whether its entity stands within a radius of a point of the audience's zone; without an entity, whether its view holds the point. */
  isWithin(audience: Audience, x: number, y: number, radius: number): boolean {
    const isNear = this.playing === audience ? audience.venue.isWithin(this.seat, x, y, radius) : null;
    return isNear ?? this.#view.holds(audience.grid, x, y);
  }

  /** Sends the events that wait. */
  flushEvents(): void {
    if (this.#wire !== null) this.#events.send(this.#wire, this.#flownBytes);
  }

  /** Its turn: a snapshot, and what changed in the state tree, in one write. */
  serve(composer: Composer): void {
    const wire = this.state.isEmpty ? null : this.#wire;
    wire?.hold();
    this.#sendSnapshot(composer);
    this.state.flush();
    wire?.release();
  }

  /** Sends what the round has for it, unless its last frame is still on its way. */
  #sendSnapshot(composer: Composer): void {
    const flight = this.#flight;
    if (flight === null) return;
    // JSON has all cells with the normal stream. Who is not concerned misses nothing, whatever is on its way to it.
    if (this.#format === "json" ? ((composer.due >> NORMAL) & 1) === 0 : !composer.concerns(this.#view)) return;
    if (flight.bytes > 0 || this.#hub.nowMs < this.#restUntilMs) {
      this.#hub.counters.snapshotsSkipped++;
      return;
    }
    const row = this.#rowIn(composer);
    // It came after the snapshot was taken: the next one has it.
    if (this.you !== 0 && composer.tick <= this.#sinceTick && composer.entity(row) !== this.you) return;
    if (row >= 0) this.ack = composer.replica.ack(composer.generation, row);
    if (this.#format === "binary") this.#sendBinary(composer, row, flight);
    else if (this.#json !== null) this.#sendJson(composer, row, flight, this.#json);
  }

  /** Where its player is among those that a round tells of; -1 when it was not in yet, and for a spectator. */
  #rowIn({ tick, generation }: Composer): number {
    if (this.#rowSeat < 0 || tick <= this.#enteredTick) return -1;
    return this.#watched?.venue.rowOf(this.#rowSeat, generation) ?? -1;
  }

  /** What its client knows of a cell is wrong. */
  #repair(cell: number): void {
    const { grid } = this.#known ?? {};
    if (grid === undefined || cell >= grid.count)
      throw new GyreError("BAD_MESSAGE", `cell ${cell} is none of those in view`);
    this.#hub.counters.repairs++;
    this.#view.repair(cell % grid.columns, Math.floor(cell / grid.columns));
  }

  /** Once a second. ping: whether it is this session's turn to be asked for a sign of life. */
  check(ping: boolean): void {
    const { counters, nowMs } = this.#hub;
    if (this.#wire === null) return;
    if (this.#flight !== null && this.#flight.bytes > 0 && nowMs - this.#flight.sentMs > FLUSH_MS_MAX) {
      this.#giveUp("too slow");
    } else if (ping && !this.#heardOf) {
      counters.vanished++;
      this.#wire.terminate();
      this.lost();
    } else if (ping) {
      this.#heardOf = false;
      this.#wire.ping();
    }
  }

  /** Closes for cause: it cannot be resumed. */
  close(code: number, reason: string): void {
    if (this.#wire !== null) {
      this.#hub.counters.close(code);
      this.state.flush();
      this.#wire.close(code, reason);
    }
    this.end();
  }

  /** Closes one whose connection is too slow: there may be a better one. */
  #giveUp(reason: string): void {
    this.#hub.counters.close(CLOSE_TRY_LATER);
    this.#wire?.close(CLOSE_TRY_LATER, reason);
    this.lost();
  }

  /** The client broke the rules of the transport, which closes by itself with this code. */
  broken(code: number): void {
    if (this.#wire === null) return;
    this.#hub.counters.refuse("BAD_FRAME");
    this.#hub.counters.close(code);
    this.end();
  }

  /** It is over: its player leaves. Once is enough, more does no harm. */
  end(): void {
    if (!this.#isUsed) return;
    this.#isUsed = false;
    this.#events.clear();
    this.#giveUpSeat();
    this.#disconnect();
    this.#hub.remove(this);
  }

  /** The client said goodbye: its player leaves, by turns when many do. */
  left(): void {
    if (this.#wire === null) return;
    if (this.#joined === null) {
      this.end();
      return;
    }
    this.#disconnect();
    this.#hub.resumption.retire(this);
  }

  /** The connection is gone without a word: its player waits for another one, and stands still. */
  lost(): void {
    if (this.#wire === null) return;
    if (this.#joined === null) {
      this.end();
      return;
    }
    this.#disconnect();
    this.#hub.resumption.detach(this, this.#hub.nowMs);
  }

  /** Has its player stand still; false when there is no room for that, now. What it sent before comes first. */
  halt(): boolean {
    if (this.#moves && this.#joined !== null) this.#moves = !this.#joined.venue.input(this.seat, this.#seq, 0, 0, 0);
    return !this.#moves;
  }

  #stopWaiting(): void {
    this.#hub.admission.forget(this);
    this.#waits = null;
  }

  #disconnect(): void {
    if (this.#wire === null) return;
    this.#stopWaiting();
    if (this.#format === "json") this.#hub.jsonSessions--;
    this.#events.clear();
    this.#watched?.remove(this);
    this.#flight?.abandon();
    this.state.end();
    this.#wire = this.#flight = this.#watched = this.#known = this.#asked = null;
    this.#view.follow();
    this.#view.reset();
    this.#json?.reset();
  }

  /** Goes on as the player of another session, which is without a connection, or is closed. It sees the zone from nothing. */
  #resume({ session: token }: ResumeMessage): void {
    this.#checkFree();
    const former = this.#hub.resumption.find(token);
    this.seat = former.seat;
    this.you = former.you;
    this.playing = former.playing;
    this.ack = former.ack;
    this.#joined = former.#joined;
    this.#sinceTick = former.#sinceTick;
    this.#rowSeat = former.#rowSeat;
    this.#enteredTick = former.#enteredTick;
    this.#seq = former.#seq;
    this.#moves = former.#moves;
    this.#isResumed = true;
    this.#hub.resumption.move(former, this);
    this.#joined?.reseat(this);
    former.#joined = null;
    former.close(CLOSE_POLICY, "resumed elsewhere");
    // One that is on its way in, or through a gate, is told when it is there.
    if (this.playing === null) return;
    this.#watch(this.playing);
    this.playing.beginState(this);
    // Who resumes begins from nothing, whatever it saw before.
    this.#forget();
    this.#view.follow();
    this.#welcome(this.playing);
  }

  /** Whether one more message is within the allowance. */
  #admit(): boolean {
    if (this.#wire === null) return false;
    this.#heardOf = true;
    const verdict = this.#allowance.take(this.#hub.nowMs);
    if (verdict === "accept") return true;
    if (verdict === "warn") this.#refuse(new GyreError("RATE_LIMITED", "more messages than the allowance"));
    else this.#hub.counters.refuse("RATE_LIMITED");
    if (verdict === "close") this.close(CLOSE_POLICY, "too many messages");
    return false;
  }

  #handle(message: ClientMessage): void {
    if (message.type === "input") this.#input(message);
    else if (message.type === "ping") this.#reply({ type: "pong", t: message.t, tick: this.#hub.tick });
    else if (message.type === "join") this.#join(message);
    else if (message.type === "leave") this.#leave();
    else if (message.type === "repair") this.#repair(message.cell);
    else if (message.type === "resume") this.#resume(message);
    else this.#look(message);
  }

  #input({ seq, dx, dy, action, tick }: InputMessage): void {
    if (this.#waits !== null)
      throw new GyreError("COMMANDS_FULL", `input ${seq} before the join, which waits for its turn`);
    if (this.#joined === null) throw new GyreError("NOT_JOINED", `input ${seq} without a join`);
    const { venue } = this.#joined;
    const number = action === undefined ? 0 : venue.actionOf(action);
    if (action !== undefined && number === 0) {
      throw new GyreError("BAD_MESSAGE", `there is no action ${JSON.stringify(action)}`);
    }
    if (tick !== undefined) this.#checkAhead(venue, tick);
    this.#seq = seq;
    if (venue.input(this.seat, seq, dx, dy, number, tick)) {
      this.#moves = dx !== 0 || dy !== 0;
      return;
    }
    this.#joined.checkRuns();
    throw this.#joined.noRoomFor(seq);
  }

  /** A second ahead is more than any client needs that plays here. */
  #checkAhead({ asleep, tick: known }: Venue, tick: number): void {
    const now = asleep ? this.#hub.tick : known;
    if (((tick - now) | 0) <= this.#hub.tickRate) return;
    throw new GyreError("BAD_MESSAGE", `tick ${tick} is more than a second ahead of ${now}`);
  }

  #join(message: JoinMessage): void {
    this.#checkFree();
    if (!this.#hub.admission.ask(this)) {
      this.#waits = message;
      return;
    }
    this.#enter(message);
  }

  /** It is its turn to join. */
  admit(): void {
    const message = this.#waits;
    this.#waits = null;
    try {
      if (message !== null) this.#enter(message);
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      this.#refuse(error);
    }
  }

  #enter({ name, zone }: JoinMessage): void {
    this.#joined = this.#hub.join(this, name, zone);
    this.#hub.resumption.name(this);
  }

  #checkFree(): void {
    if (this.#joined === null && this.#waits === null) return;
    throw new GyreError("ALREADY_JOINED", `this session has joined ${this.#joined?.venue.name ?? "already"}`);
  }

  #leave(): void {
    if (this.#waits !== null) {
      this.#stopWaiting();
      return;
    }
    if (this.#joined === null) throw new GyreError("NOT_JOINED", "leave without a join");
    this.#giveUpSeat();
    this.#lookBack();
  }

  /** A spectator again, of what it asked for last; of nothing when it never asked, or the zone stopped. */
  #lookBack(): void {
    if (this.#asked !== null && this.#audienceOf(this.#asked).venue.fault === null) {
      this.#look(this.#asked);
    } else {
      this.#watched?.remove(this);
      this.#watched = null;
    }
  }

  #giveUpSeat(): void {
    this.#joined?.unseat(this);
    this.#joined = null;
    this.#forgetPlayer();
  }

  #forgetPlayer(): void {
    this.#hub.resumption.forget(this);
    this.#isResumed = false;
    this.#moves = false;
    this.#seq = 0;
    this.seat = this.#rowSeat = -1;
    this.you = 0;
    this.playing = null;
    this.ack = 0;
  }

  /** Its player moves this entity from now on. */
  #be(id: EntityId, audience: Audience): void {
    this.you = id;
    this.#sinceTick = audience.venue.tick;
    this.#view.follow();
    this.#welcome(audience);
  }

  #welcome(audience: Audience): void {
    if (this.#wire === null) return;
    const resumed = this.#isResumed ? { resumed: true as const } : {};
    this.#isResumed = false;
    this.#reply({ type: "welcome", you: this.you, ...audience.info(), session: this.token, ...resumed });
  }

  #look(message: ViewMessage): void {
    const audience = this.#audienceOf(message);
    audience.checkRuns();
    this.#asked = message;
    if (this.playing !== null) return;
    this.#view.watch(message.x0, message.y0, message.x1, message.y1);
    const first = this.#known !== audience;
    this.#watch(audience);
    if (first) this.#reply({ type: "watching", ...audience.info() });
  }

  #audienceOf({ zone }: ViewMessage): Audience {
    return zone === undefined && this.#known !== null ? this.#known : this.#hub.audience(zone);
  }

  /** From now on it gets snapshots of this audience's zone. Another zone than before starts from nothing on both sides. */
  #watch(audience: Audience): void {
    if (this.#watched !== audience) {
      this.#watched?.remove(this);
      audience.add(this);
      this.#watched = audience;
    }
    if (this.#known !== audience) {
      this.#forget();
      this.state.cut();
      this.#known = audience;
    }
  }

  /** Its client forgets all that it was told, and so do we: a message that says so follows. */
  #forget(): void {
    this.#view.reset();
    this.#json?.reset();
    this.#flight?.cut();
  }

  #sendBinary(composer: Composer, row: number, flight: Flight): void {
    const { counters, snapshotBytes, watchBytes } = this.#hub;
    const bytesMax = this.#view.isWatching ? watchBytes : snapshotBytes;
    const size = composer.compose(this.#view, row, this.ack, bytesMax, flight.buffer);
    if (size === 0) counters.snapshotsOvertaken++;
    if (this.#wire === null || size === 0 || this.#isTooLarge(size)) return;
    this.#sent(size);
    flight.send(this.#wire, size);
  }

  #sendJson(composer: Composer, row: number, flight: Flight, json: JsonEncoder): void {
    const text = json.compose(composer, this.#view, row, this.ack);
    if (text === "") this.#hub.counters.snapshotsOvertaken++;
    if (text === "" || this.#isTooLarge(text.length)) return;
    this.#sent(text.length);
    flight.takeOff(text.length);
    this.#restUntilMs = this.#hub.nowMs + (1000 * text.length * this.#hub.jsonSessions) / JSON_BYTES_PER_SECOND;
    this.#wire?.sendText(text, flight.landed);
  }

  #isTooLarge(size: number): boolean {
    if (size <= FRAME_SENT_BYTES_MAX) return false;
    this.#refuse(
      new GyreError("SERVER_FULL", `a frame of ${size} bytes, of at most ${FRAME_SENT_BYTES_MAX}: view less`),
    );
    this.close(CLOSE_TRY_LATER, "frame too large");
    return true;
  }

  #sent(size: number): void {
    this.#hub.counters.snapshotsSent++;
    this.#hub.counters.bytesOut += size;
  }

  /** Of what its socket holds, snapshots and state, which have bounds of their own. */
  get #flownBytes(): number {
    return (this.#flight?.bytes ?? 0) + this.state.flightBytes;
  }

  #refuse(error: GyreError): void {
    this.#hub.counters.refuse(error.code);
    this.#reply({ type: "error", code: error.code, message: error.message });
  }

  #reply(message: ServerMessage): void {
    if (this.#wire === null) return;
    if (this.#wire.queuedBytes - this.#flownBytes > REPLY_BACKLOG_BYTES_MAX) {
      this.#giveUp("replies are not read");
      return;
    }
    const text = JSON.stringify(message);
    this.#hub.counters.bytesOut += text.length;
    this.#wire.sendText(text);
  }
}
