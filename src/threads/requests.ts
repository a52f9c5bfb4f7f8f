/**
 * What players want, as bytes on their way to the zones: from the main thread to the slot that a player's zone is at home with, and from
 * there on to another slot, when the player was not there any more.
 *
 *     0 u8 kind   1 u8 bytes of the name   2 u16 zone, or action   4 u32 player        LEAVE ends here
 *     8 the name                                                                      JOIN
 *     8 u32 order   12 u32 seq   16 f64 dx   24 f64 dy   32 u32 tick if 1 is 1         INPUT
 *     8 f64 seed                                                                      RESET (player 0)
 *     8 u8 ask   9 u8 format, or formats                                              STATE (player 0: spectators, or all)
 *
 * All words little-endian, as all threads are of one machine. 40 bytes of a ring for an input, with the ring's own 8: a ring of a megabyte
 * holds what 4,096 sessions send in 100 ms at 60 messages a second; 48 with a tick. Nothing is allocated for an input.
 */
import { NOW } from "../sim/schedule.js";
import { nameBytes } from "../sim/seats.js";
import type { Memory } from "../sync/memory.js";
import type { MessageRing } from "../sync/messages.js";
import type { SharedRing } from "../sync/ring.js";
import { bytesOf, readText, writeText } from "./texts.js";

/** Bytes of a slot's ring of requests. */
export const REQUEST_RING_BYTES = 1 << 20;
/** Of those, bytes that only leaves may use: 10,000 of them. */
const LEAVES_BYTES = 1 << 18;
/** Bytes of a request at most: a join with the longest name. A multiple of 8, as records of rings are. */
export const REQUEST_BYTES_MAX = 104;

const JOIN = 1;
const INPUT = 2;
const LEAVE = 3;
const RESET = 4;
const STATE = 5;

const HEAD_BYTES = 8;
const INPUT_BYTES = 32;
const TIMED_INPUT_BYTES = 36;
const RESET_BYTES = 16;
const STATE_BYTES = 16;

/** Who is told of requests, by player, or by zone. False: there is no room, and nothing was done. */
export interface Requests {
  join(id: number, zone: number, name: string): boolean;
  /** order: counts the inputs of all players, in their order of arrival; not 0. seq: the client's. tick: NOW for the next. */
  input(id: number, order: number, seq: number, dx: number, dy: number, action: number, tick: number): boolean;
  leave(id: number): boolean;
  /** See {@link Venue.reset}. */
  reset(zone: number, seed: number): boolean;
  /** See {@link Venue.askState}; id: 0 for spectators. */
  askState(id: number, zone: number, format: number): boolean;
  /** See {@link Venue.useStateFormats}. */
  useStateFormats(zone: number, formats: number): boolean;
}

/** Where requests are written to. */
interface Outlet {
  readonly view: DataView<Memory>;
  /** Where in the view so many bytes may be written; -1 when there is no room. mustGo: also into the last of it. */
  begin(size: number, mustGo: boolean): number;
  end(size: number): boolean;
}

/** Requests go into a ring between the main thread and a slot; each can be read at once. */
export function toSlot(ring: MessageRing): Requests {
  return new RequestWriter({
    view: ring.view,
    begin: (size, mustGo) => ring.begin(size, mustGo ? 0 : Math.min(LEAVES_BYTES, ring.capacity / 4)),
    end(size) {
      ring.end(size);
      ring.commit();
      return true;
    },
  });
}

/** Requests go into a ring between all slots and one of them, of records of REQUEST_BYTES_MAX. */
export function toNeighbour(ring: SharedRing): Requests {
  return new RequestWriter({ view: ring.record, begin: () => 0, end: () => ring.push() });
}

class RequestWriter implements Requests {
  readonly #outlet: Outlet;
  readonly #bytes: Buffer<Memory>;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    this.#bytes = bytesOf(outlet.view);
  }

  join(id: number, zone: number, name: string): boolean {
    const size = HEAD_BYTES + nameBytes(name);
    const at = this.#begin(JOIN, size, id, zone, false);
    if (at < 0) return false;
    this.#bytes[at + 1] = writeText(this.#bytes, at + HEAD_BYTES, name, size - HEAD_BYTES);
    return this.#outlet.end(size);
  }

  input(id: number, order: number, seq: number, dx: number, dy: number, action: number, tick: number): boolean {
    const size = tick === NOW ? INPUT_BYTES : TIMED_INPUT_BYTES;
    const at = this.#begin(INPUT, size, id, action, false);
    if (at < 0) return false;
    const { view } = this.#outlet;
    if (tick !== NOW) {
      this.#bytes[at + 1] = 1;
      view.setUint32(at + 32, tick, true);
    }
    view.setUint32(at + 8, order, true);
    view.setUint32(at + 12, seq, true);
    view.setFloat64(at + 16, dx, true);
    view.setFloat64(at + 24, dy, true);
    return this.#outlet.end(size);
  }

  leave(id: number): boolean {
    return this.#begin(LEAVE, HEAD_BYTES, id, 0, true) >= 0 && this.#outlet.end(HEAD_BYTES);
  }

  reset(zone: number, seed: number): boolean {
    const at = this.#begin(RESET, RESET_BYTES, 0, zone, false);
    if (at < 0) return false;
    this.#outlet.view.setFloat64(at + 8, seed, true);
    return this.#outlet.end(RESET_BYTES);
  }

  askState(id: number, zone: number, format: number): boolean {
    return this.#state(id, zone, 1, format);
  }

  useStateFormats(zone: number, formats: number): boolean {
    return this.#state(0, zone, 0, formats);
  }

  #state(id: number, zone: number, ask: number, value: number): boolean {
    const at = this.#begin(STATE, STATE_BYTES, id, zone, false);
    if (at < 0) return false;
    this.#outlet.view.setUint8(at + 8, ask);
    this.#outlet.view.setUint8(at + 9, value);
    return this.#outlet.end(STATE_BYTES);
  }

  #begin(kind: number, size: number, id: number, detail: number, mustGo: boolean): number {
    const { view } = this.#outlet;
    const at = this.#outlet.begin(size, mustGo);
    if (at < 0) return -1;
    view.setUint16(at, kind, true);
    view.setUint16(at + 2, detail, true);
    view.setUint32(at + 4, id, true);
    return at;
  }
}

/** Tells what the request at this offset is. bytes: the same memory as the view's. Returns what is answered. */
export function readRequest(view: DataView<Memory>, bytes: Buffer<Memory>, at: number, to: Requests): boolean {
  const kind = view.getUint8(at);
  const detail = view.getUint16(at + 2, true);
  const id = view.getUint32(at + 4, true);
  if (kind === LEAVE) return to.leave(id);
  if (kind === RESET) return to.reset(detail, view.getFloat64(at + 8, true));
  if (kind === STATE) {
    const value = view.getUint8(at + 9);
    return view.getUint8(at + 8) === 1 ? to.askState(id, detail, value) : to.useStateFormats(detail, value);
  }
  if (kind === JOIN) return to.join(id, detail, readText(bytes, at + HEAD_BYTES, view.getUint8(at + 1)));
  const order = view.getUint32(at + 8, true);
  const seq = view.getUint32(at + 12, true);
  const tick = view.getUint8(at + 1) === 1 ? view.getUint32(at + 32, true) : NOW;
  return to.input(id, order, seq, view.getFloat64(at + 16, true), view.getFloat64(at + 24, true), detail, tick);
}
