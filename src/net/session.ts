/**
 * One connected client: what it said, what it sees, what it is owed. A session is a spectator until it joins, and again after
 * it left; its player lives in a seat of a zone. Whatever a client sends ends here: as an input in the zone's mailbox, as a
 * change of its own view, or as one error back.
 *
 * Bounds: one snapshot on its way at a time (a slow reader misses snapshots and gets full blocks next time); replies up to
 * REPLY_BACKLOG_BYTES_MAX, beyond which it is closed; messages as its allowance says.
 */
import { GyreError } from "../errors.js";
import type { EntityId } from "../kernel/types.js";
import {
  type ClientMessage,
  type JoinMessage,
  parseClientMessage,
  type ServerMessage,
  type ViewMessage,
} from "../protocol/control.js";
import { FrameBuffer } from "../protocol/frame-buffer.js";
import { JsonEncoder } from "../protocol/json-encoder.js";
import type { SnapshotEncoder } from "../protocol/snapshot-encoder.js";
import { View } from "../protocol/view.js";
import { Allowance } from "./allowance.js";
import type { Audience } from "./audience.js";
import type { Hub } from "./hub.js";
import { CLOSE_POLICY, CLOSE_TRY_LATER, CLOSE_UNSUPPORTED, type Wire } from "./wire.js";

/** Bytes of unread replies: about 500 errors. Who asks so much and reads nothing is not a player. */
export const REPLY_BACKLOG_BYTES_MAX = 64 * 1024;
/** Bytes of a first frame buffer: a few hundred entities newly in view. It grows, doubling, with what is in view. */
const FRAME_BYTES_START = 8 * 1024;
/** Bytes of one frame: more than 100,000 entities newly in view. A session that asks for more is closed. */
export const FRAME_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Bytes of JSON snapshots a second, for all sessions that ask for them together: the debug form is written for each anew, and may
 * not cost the others their ticks. A session gets an equal share, and fewer snapshots when that is not enough.
 */
export const JSON_BYTES_PER_SECOND = 8 * 1024 * 1024;
/** Milliseconds that one frame may be on its way before the session is given up. */
export const FLUSH_MS_MAX = 5000;

export type Format = "binary" | "json";

export class Session {
  /** Where its audience keeps it; -1 when it is in none. */
  index = -1;
  /** Its seat in the zone that it joined; -1 for a spectator. */
  seat = -1;
  /** Its entity; 0 until it entered. */
  you: EntityId = 0;

  /** Counts sessions, and so spreads what is done in turns. */
  readonly ordinal: number;

  readonly #hub: Hub;
  readonly #wire: Wire;
  readonly #view = new View();
  readonly #frame: FrameBuffer | null;
  readonly #json: JsonEncoder | null;
  readonly #allowance: Allowance;
  readonly #flushed: () => void;
  /** Where its seat is. */
  #joined: Audience | null = null;
  /** What it gets snapshots of. */
  #watched: Audience | null = null;
  /** What its view and its client's knowledge are of. */
  #known: Audience | null = null;
  /** The rectangle it asked for last, to return to when it leaves. */
  #asked: ViewMessage | null = null;
  #inFlightBytes = 0;
  #sentMs = 0;
  /** Until when its share of JSON is used up. */
  #restUntilMs = 0;
  #heardOf = true;
  #ended = false;

  constructor(hub: Hub, wire: Wire, format: Format) {
    this.#hub = hub;
    this.ordinal = hub.counters.sessionsOpened++;
    this.#wire = wire;
    this.#frame = format === "binary" ? new FrameBuffer(FRAME_BYTES_START) : null;
    this.#json = format === "json" ? new JsonEncoder() : null;
    if (this.#json !== null) hub.jsonSessions++;
    this.#allowance = new Allowance(hub.nowMs);
    this.#flushed = () => {
      this.#inFlightBytes = 0;
    };
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

  /** Its player, if it had one, is in: called by the audience of the zone it joined. */
  entered(id: EntityId, audience: Audience): void {
    this.you = id;
    this.#watch(audience);
    this.#view.follow();
    this.#reply({ type: "welcome", you: id, ...audience.info() });
  }

  /** Sends this snapshot, unless the last one is still on its way. ack: the seat's, as of the snapshot. */
  sendSnapshot(encoder: SnapshotEncoder, ack: number): void {
    if (this.#inFlightBytes > 0 || this.#hub.nowMs < this.#restUntilMs) {
      this.#hub.counters.snapshotsSkipped++;
      return;
    }
    // It entered after the snapshot was taken: the next one has it.
    if (this.you !== 0 && encoder.slot(this.you) < 0) return;
    if (this.#frame !== null) this.#sendBinary(encoder, ack, this.#frame);
    else if (this.#json !== null) this.#sendJson(encoder, ack, this.#json);
  }

  /** Once a second. ping: whether it is this session's turn to be asked for a sign of life. */
  check(ping: boolean): void {
    const { counters, nowMs } = this.#hub;
    if (this.#inFlightBytes > 0 && nowMs - this.#sentMs > FLUSH_MS_MAX) {
      this.close(CLOSE_TRY_LATER, "too slow");
    } else if (ping && !this.#heardOf) {
      counters.vanished++;
      this.#wire.terminate();
      this.end();
    } else if (ping) {
      this.#heardOf = false;
      this.#wire.ping();
    }
  }

  /** Closes for cause. */
  close(code: number, reason: string): void {
    if (this.#ended) return;
    this.#hub.counters.close(code);
    this.#wire.close(code, reason);
    this.end();
  }

  /** The client broke the rules of the transport, which closes by itself with this code. */
  broken(code: number): void {
    if (this.#ended) return;
    this.#hub.counters.refuse("BAD_FRAME");
    this.#hub.counters.close(code);
    this.end();
  }

  /** The connection is gone, or as good as: its player leaves. Once is enough, more does no harm. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#json !== null) this.#hub.jsonSessions--;
    this.#giveUpSeat();
    this.#watched?.remove(this);
    this.#hub.remove(this);
  }

  /** Whether one more message is within the allowance. */
  #admit(): boolean {
    if (this.#ended) return false;
    this.#heardOf = true;
    const verdict = this.#allowance.take(this.#hub.nowMs);
    if (verdict === "accept") return true;
    if (verdict === "warn") this.#refuse(new GyreError("RATE_LIMITED", "more messages than the allowance"));
    else this.#hub.counters.refuse("RATE_LIMITED");
    if (verdict === "close") this.close(CLOSE_POLICY, "too many messages");
    return false;
  }

  #handle(message: ClientMessage): void {
    if (message.type === "input") this.#input(message.seq, message.dx, message.dy);
    else if (message.type === "ping") this.#reply({ type: "pong", t: message.t, tick: this.#hub.tick });
    else if (message.type === "join") this.#join(message);
    else if (message.type === "leave") this.#leave();
    else this.#look(message);
  }

  #input(seq: number, dx: number, dy: number): void {
    if (this.#joined === null) throw new GyreError("NOT_JOINED", `input ${seq} without a join`);
    this.#joined.world.input(this.seat, seq, dx, dy);
  }

  #join(message: JoinMessage): void {
    if (this.#joined !== null) {
      throw new GyreError("ALREADY_JOINED", `this session has joined ${this.#joined.world.name}`);
    }
    const audience = this.#hub.audience(message.zone);
    audience.seat(this);
    this.#joined = audience;
  }

  #leave(): void {
    if (this.#joined === null) throw new GyreError("NOT_JOINED", "leave without a join");
    this.#giveUpSeat();
    if (this.#asked !== null) {
      this.#look(this.#asked);
    } else {
      this.#watched?.remove(this);
      this.#watched = null;
    }
  }

  #giveUpSeat(): void {
    this.#joined?.unseat(this);
    this.#joined = null;
    this.you = 0;
  }

  #look(message: ViewMessage): void {
    const audience =
      message.zone === undefined && this.#known !== null ? this.#known : this.#hub.audience(message.zone);
    this.#asked = message;
    if (this.you !== 0) return;
    this.#view.watch(message.x0, message.y0, message.x1, message.y1);
    const first = this.#known !== audience;
    this.#watch(audience);
    if (first) this.#reply({ type: "watching", ...audience.info() });
  }

  /** From now on it gets snapshots of this audience's zone. Another zone than before starts from nothing on both sides. */
  #watch(audience: Audience): void {
    if (this.#watched !== audience) {
      this.#watched?.remove(this);
      audience.add(this);
      this.#watched = audience;
    }
    if (this.#known !== audience) {
      this.#view.reset();
      this.#json?.reset();
      this.#known = audience;
    }
  }

  #sendBinary(encoder: SnapshotEncoder, ack: number, frame: FrameBuffer): void {
    let size = encoder.compose(this.#view, this.you, ack, frame);
    if (this.#isTooLarge(size)) return;
    if (size > frame.size) {
      frame.grow(size);
      size = encoder.compose(this.#view, this.you, ack, frame);
    }
    this.#sent(size);
    this.#wire.sendBytes(frame.bytes, size, this.#flushed);
  }

  #sendJson(encoder: SnapshotEncoder, ack: number, json: JsonEncoder): void {
    const text = json.compose(encoder, this.#view, this.you, ack);
    if (this.#isTooLarge(text.length)) return;
    this.#sent(text.length);
    this.#restUntilMs = this.#hub.nowMs + (1000 * text.length * this.#hub.jsonSessions) / JSON_BYTES_PER_SECOND;
    this.#wire.sendText(text, this.#flushed);
  }

  #isTooLarge(size: number): boolean {
    if (size <= FRAME_BYTES_MAX) return false;
    this.#refuse(new GyreError("SERVER_FULL", `a frame of ${size} bytes, of at most ${FRAME_BYTES_MAX}: view less`));
    this.close(CLOSE_TRY_LATER, "frame too large");
    return true;
  }

  #sent(size: number): void {
    this.#inFlightBytes = size;
    this.#sentMs = this.#hub.nowMs;
    this.#hub.counters.snapshotsSent++;
    this.#hub.counters.bytesOut += size;
  }

  #refuse(error: GyreError): void {
    this.#hub.counters.refuse(error.code);
    this.#reply({ type: "error", code: error.code, message: error.message });
  }

  #reply(message: ServerMessage): void {
    if (this.#ended) return;
    if (this.#wire.queuedBytes - this.#inFlightBytes > REPLY_BACKLOG_BYTES_MAX) {
      this.close(CLOSE_TRY_LATER, "replies are not read");
      return;
    }
    const text = JSON.stringify(message);
    this.#hub.counters.bytesOut += text.length;
    this.#wire.sendText(text);
  }
}
