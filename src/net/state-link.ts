/**
 * One session's end of the state tree: whether it is up to date, and what waits to be sent to it. What waits is bounded; a session that is further
 * behind is told everything anew once its socket has drained, so a slow reader misses changes in between and never a value.
 *
 *     OFF ── watches a zone ──> BEHIND ── asked ──> ASKED ── told everything ──> CURRENT
 *                                  ^───────── too much waits, or a note was lost ─────┘
 */

import { CHUNK_HEAD_SIZE, CHUNK_LAST, CHUNK_STATE } from "../protocol/chunks.js";
import { FRAME_CHUNK } from "../protocol/frame.js";
import { NO_SEAT } from "../state/feed.js";
import type { NetCounters } from "./counters.js";
import { PIECE_BYTES_MAX } from "./flight.js";
import { WIRE_HEAD, type Wire } from "./wire.js";

/** Bytes that wait for a session, beside a first sync: some seconds of changes of a busy room. */
export const WAITING_BYTES_MAX = 256 * 1024;
/** Bytes of state messages that its socket may hold for more to be sent. */
export const UNSENT_BYTES_MAX = 64 * 1024;
/** Chunks of a long message in one tick. */
const CHUNKS_PER_TICK_MAX = 4;

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
  /** Bytes of the first that were sent, in chunks. */
  #sent = 0;
  #wire: Wire | null = null;
  /** What its socket holds of them. Another one for each client, as sockets let go when they like. */
  #unsent = { bytes: 0 };

  constructor(counters: NetCounters) {
    this.#counters = counters;
  }

  start(wire: Wire, format: number): void {
    this.#wire = wire;
    this.#unsent = { bytes: 0 };
    this.format = format;
  }

  end(): void {
    this.#wire = null;
    this.#waiting.length = 0;
    this.#bytes = this.#sent = 0;
    this.state = OFF;
    this.seat = NO_SEAT;
  }

  /** Whether all that it was told is on its way. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Bytes of state messages that its socket has not sent yet. */
  get unsentBytes(): number {
    return this.#unsent.bytes;
  }

  /** Whether its socket takes more. */
  get isDrained(): boolean {
    return this.#unsent.bytes <= UNSENT_BYTES_MAX;
  }

  /** Everything anew, which it waited for. */
  begin(message: StateMessage, tick: number): void {
    this.state = CURRENT;
    this.tick = tick;
    this.#push(message);
  }

  /** What changed. */
  push(message: StateMessage): void {
    if (this.#bytes + message.size > WAITING_BYTES_MAX) this.fallBehind();
    else this.#push(message);
  }

  /** What waits is given up, but for a message that has begun. */
  fallBehind(): void {
    this.#counters.stateResyncs++;
    this.state = BEHIND;
    const begun = this.#sent > 0 ? this.#waiting[0] : undefined;
    this.#waiting.length = 0;
    this.#bytes = 0;
    if (begun !== undefined) this.#push(begun, true);
  }

  /** Sends what waits, as far as the socket takes it. */
  pump(): void {
    let chunks = 0;
    while (this.#wire !== null && this.isDrained && chunks < CHUNKS_PER_TICK_MAX) {
      const message = this.#waiting[0];
      if (message === undefined) return;
      if (message.text === null && message.size > PIECE_BYTES_MAX) {
        chunks++;
        this.#sendChunk(this.#wire, message);
        if (this.#sent < message.size) continue;
      } else {
        this.#send(this.#wire, message);
      }
      this.#waiting.shift();
      this.#bytes -= message.size;
      this.#sent = 0;
    }
  }

  #push(message: StateMessage, isBegun = false): void {
    this.#waiting.push(message);
    this.#bytes += message.size;
    if (!isBegun && this.#waiting.length === 1) this.pump();
  }

  #send(wire: Wire, { bytes, size, text }: StateMessage): void {
    const flushed = this.#flying(size);
    if (text === null) wire.sendBytes(bytes, WIRE_HEAD, size, flushed);
    else wire.sendText(text, flushed);
  }

  #sendChunk(wire: Wire, { bytes, size }: StateMessage): void {
    const from = WIRE_HEAD + this.#sent;
    const part = bytes.subarray(from, Math.min(from + PIECE_BYTES_MAX - CHUNK_HEAD_SIZE, WIRE_HEAD + size));
    this.#sent += part.length;
    const chunk = new Uint8Array(WIRE_HEAD + CHUNK_HEAD_SIZE + part.length);
    chunk[WIRE_HEAD] = FRAME_CHUNK;
    chunk[WIRE_HEAD + 1] = CHUNK_STATE | (this.#sent === size ? CHUNK_LAST : 0);
    chunk.set(part, WIRE_HEAD + CHUNK_HEAD_SIZE);
    wire.sendBytes(chunk, WIRE_HEAD, chunk.length - WIRE_HEAD, this.#flying(chunk.length - WIRE_HEAD));
  }

  /** So much takes off. Returns what is called when it has landed. */
  #flying(bytes: number): () => void {
    this.#counters.stateSent++;
    this.#counters.bytesOut += bytes;
    const unsent = this.#unsent;
    unsent.bytes += bytes;
    return () => {
      unsent.bytes -= bytes;
    };
  }
}
