/**
 * What a game told one session and was not sent yet: of the few ticks that its turn takes to come. Bounded in events, and by what the
 * session leaves unread; what is beyond is dropped, and counted. The texts are shared by all who hear the same.
 */
import type { NetCounters } from "./counters.js";
import { EVENT_BYTES_MAX, WIRE_HEAD, type Wire } from "./wire.js";

/** Events that wait. */
export const EVENTS_WAITING_MAX = 64;

export class EventQueue {
  readonly #texts: string[] = [];
  readonly #counters: NetCounters;

  constructor(counters: NetCounters) {
    this.#counters = counters;
  }

  /** Whether the event waits to be sent now. */
  push(text: string): boolean {
    if (this.#texts.length < EVENTS_WAITING_MAX) {
      this.#texts.push(text);
      return true;
    }
    this.#counters.eventsDropped++;
    return false;
  }

  /**
   * Sends all that wait, as far as they find room beside the replies and events that are unread; one always does where there is nothing.
   * flightBytes: of what the wire holds, the snapshot's and the state's.
   */
  send(wire: Wire, flightBytes: number): void {
    for (const text of this.#texts) {
      const unread = wire.queuedBytes - flightBytes;
      if (unread > 0 && unread + WIRE_HEAD + Buffer.byteLength(text) > EVENT_BYTES_MAX) {
        this.#counters.eventsDropped++;
        continue;
      }
      this.#counters.eventsSent++;
      this.#counters.bytesOut += text.length;
      wire.sendText(text);
    }
    this.clear();
  }

  clear(): void {
    this.#texts.length = 0;
  }
}
