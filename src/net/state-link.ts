/**
 * One session's end of the state tree: whether it is up to date, and what waits to be sent to it. It goes in the session's turn,
 * beside its snapshot; as much as its share of the socket holds is on its way at a time, of a long message a piece, and more goes when that has landed. What
 * waits is bounded; a session that is further behind is told everything anew once its socket has drained, so a slow reader misses changes in
 * between and never a value.
 *
 *     OFF ── watches a zone ──> BEHIND ── asked ──> ASKED ── told everything ──> CURRENT
 *                                  ^───────── too much waits, or a note was lost ─────┘
 *
 * Text is never cut: a long one is handed over whole, and all that its socket holds is that one.
 */

import { CHUNK_HEAD_SIZE, CHUNK_LAST, CHUNK_STATE } from "../protocol/chunks.js";
import { FRAME_CHUNK } from "../protocol/frame.js";
import { NO_SEAT } from "../state/feed.js";
import type { NetCounters } from "./counters.js";
import { STATE_BYTES_MAX, STATE_PIECE_BYTES_MAX, WIRE_HEAD, type Wire } from "./wire.js";

/** Bytes that wait for a session, beside a first sync: some seconds of changes of a busy room. */
export const WAITING_BYTES_MAX = 256 * 1024;

export const OFF = 0;
export const BEHIND = 1;
export const ASKED = 2;
export const CURRENT = 3;

/** A message as it is sent, shared by all who get it: text where it is one. */
export interface StateMessage {
  /** Behind WIRE_HEAD bytes of the wires', which all write the same there. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly size: number;
  readonly text: string | null;
}

export function messageOf(bytes: Uint8Array, isText: boolean): StateMessage {
  const size = bytes.length;
  if (isText) return { bytes: NO_BYTES, size, text: decoder.decode(bytes) };
  const behindHead = new Uint8Array(WIRE_HEAD + size);
  behindHead.set(bytes, WIRE_HEAD);
  return { bytes: behindHead, size, text: null };
}

const decoder = new TextDecoder();
const NO_BYTES = new Uint8Array(0);

export class StateLink {
  /** Of state/formats.ts. */
  format = 0;
  /** Where its player is in; NO_SEAT for a spectator. */
  seat = NO_SEAT;
  state = OFF;
  /** The tick of what it was told last of its own part. */
  tick = -1;
  /** When it asked, as its relay counts. */
  askedAt = 0;

  readonly #counters: NetCounters;
  readonly #waiting: StateMessage[] = [];
  /** Bytes of all that waits. */
  #bytes = 0;
  /** Bytes of the first that were sent, in pieces. */
  #sent = 0;
  #wire: Wire | null = null;
  /** What is on its way: all of it counts until the last has landed. Another one for each client, as sockets let go when they like. */
  #flight = { messages: 0, bytes: 0 };
  /** To be called for each that has landed. */
  #landed = (): void => {};
  #isFlushing = false;

  constructor(counters: NetCounters) {
    this.#counters = counters;
  }

  start(wire: Wire, format: number): void {
    const flight = { messages: 0, bytes: 0 };
    this.#wire = wire;
    this.#flight = flight;
    this.#landed = () => {
      if (--flight.messages > 0) return;
      flight.bytes = 0;
      if (this.#flight === flight) this.flush();
    };
    this.format = format;
  }

  end(): void {
    this.#wire = null;
    this.cut();
    this.state = OFF;
    this.seat = NO_SEAT;
  }

  /** Whether all that it was told is on its way. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether its socket has taken all of it. */
  get isDrained(): boolean {
    return this.isEmpty && this.#flight.messages === 0;
  }

  /** Bytes that its socket has not taken yet. */
  get flightBytes(): number {
    return this.#flight.bytes;
  }

  /** Everything anew, which it waited for: goes with the next flush. */
  begin(message: StateMessage, tick: number): void {
    this.state = CURRENT;
    this.tick = tick;
    this.#push(message);
  }

  /** What changed: goes with the next flush. */
  push(message: StateMessage): void {
    if (this.#bytes + message.size > WAITING_BYTES_MAX) this.fallBehind();
    else this.#push(message);
  }

  /** It missed something. */
  fallBehind(): void {
    this.#counters.stateResyncs++;
    this.state = BEHIND;
    this.#giveUp();
  }

  /** It watches the zone no more. What happened last there it is still told, as far as there is room. */
  leave(): void {
    this.flush();
    this.state = OFF;
    this.#giveUp();
  }

  /** Its client forgets what it was told, and the pieces that it has of a message: the rest does not come. */
  cut(): void {
    this.#waiting.length = 0;
    this.#bytes = this.#sent = 0;
  }

  /** What waits does not come, but for the rest of a message that has begun. */
  #giveUp(): void {
    const begun = this.#sent > 0 ? this.#waiting[0] : undefined;
    this.#waiting.length = begun === undefined ? 0 : 1;
    this.#bytes = begun?.size ?? 0;
  }

  #push(message: StateMessage): void {
    this.#waiting.push(message);
    this.#bytes += message.size;
  }

  /** Sends what waits, as far as there is room, and more as long as it lands at once: in a loop, as there may be thousands. */
  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      const isInPieces = message.text === null && message.size > STATE_PIECE_BYTES_MAX;
      const bytes = WIRE_HEAD + (isInPieces ? STATE_PIECE_BYTES_MAX : message.size);
      if (this.#wire === null || (this.#flight.messages > 0 && this.#flight.bytes + bytes > STATE_BYTES_MAX)) break;
      if (isInPieces) this.#sendPiece(this.#wire, message);
      else this.#send(this.#wire, message);
    }
    this.#isFlushing = false;
  }

  #send(wire: Wire, { bytes, size, text }: StateMessage): void {
    this.#shift(size);
    this.#takeOff(size);
    if (text === null) wire.sendBytes(bytes, WIRE_HEAD, size, this.#landed);
    else wire.sendText(text, this.#landed);
  }

  /** A copy: what is before it belongs to all who get the message. */
  #sendPiece(wire: Wire, { bytes, size }: StateMessage): void {
    const from = WIRE_HEAD + this.#sent;
    const part = bytes.subarray(from, Math.min(from + STATE_PIECE_BYTES_MAX - CHUNK_HEAD_SIZE, WIRE_HEAD + size));
    const piece = new Uint8Array(WIRE_HEAD + CHUNK_HEAD_SIZE + part.length);
    this.#sent += part.length;
    const isLast = this.#sent === size;
    piece[WIRE_HEAD] = FRAME_CHUNK;
    piece[WIRE_HEAD + 1] = CHUNK_STATE | (isLast ? CHUNK_LAST : 0);
    piece.set(part, WIRE_HEAD + CHUNK_HEAD_SIZE);
    if (isLast) this.#shift(size);
    this.#takeOff(piece.length - WIRE_HEAD);
    wire.sendBytes(piece, WIRE_HEAD, piece.length - WIRE_HEAD, this.#landed);
  }

  /** All of the first one is on its way. */
  #shift(size: number): void {
    this.#waiting.shift();
    this.#bytes -= size;
    this.#sent = 0;
  }

  #takeOff(bytes: number): void {
    this.#counters.stateSent++;
    this.#counters.bytesOut += bytes;
    this.#flight.messages++;
    this.#flight.bytes += WIRE_HEAD + bytes;
  }
}
