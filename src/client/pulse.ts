/**
 * The pulse of a connection: says when to ping, and when nothing came back. A line that died without a word, as when the network was switched,
 * is like a quiet one, but that a server answers every ping.
 *
 *     ping ···· ping ···· silence · dead          a message in between begins anew
 *     |----- silenceMs ------|look|
 *
 * Silence is counted by turns of the timer, each as what it was to take: one that comes late, as in a tab in the background or after a machine
 * has slept, says nothing of the line. What has arrived by then is handled before a last look. O(1) a message, which allocates nothing.
 */

/** Milliseconds between two measurements of the round trip; with prediction; and of the first ones then. */
const PING_MS = 2000;
const PREDICTING_PING_MS = 250;
const FIRST_PING_MS = 40;
/** How many those are: they show whether the connection is a steady one. */
const FIRST_PINGS = 12;
/** Pings in a silence, at least. */
const PINGS_OUT = 2;
/** Milliseconds before the last look: several turns of an event loop. */
const LOOK_MS = 100;

interface PulseEvents {
  ping(): void;
  /** Nothing came for so long. There are no more pings. */
  silent(): void;
}

export class Pulse {
  readonly #silenceMs: number;
  readonly #isPredicting: boolean;
  readonly #events: PulseEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pings = 0;
  /** Milliseconds for which the first ping is out that nothing came after; NaN when something came after the last one. */
  #silentMs = Number.NaN;

  /** silenceMs: how long nothing may come, with a ping out. */
  constructor(silenceMs: number, isPredicting: boolean, events: PulseEvents) {
    this.#silenceMs = silenceMs;
    this.#isPredicting = isPredicting;
    this.#events = events;
  }

  /** There is another socket. */
  start(): void {
    this.#pings = 0;
    this.heard();
    this.#beat();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** A message came, whatever it says. */
  heard(): void {
    this.#silentMs = Number.NaN;
  }

  #beat(): void {
    this.#events.ping();
    if (Number.isNaN(this.#silentMs)) this.#silentMs = 0;
    const isFirst = this.#isPredicting && ++this.#pings < FIRST_PINGS;
    const pingMs = isFirst ? FIRST_PING_MS : this.#isPredicting ? PREDICTING_PING_MS : PING_MS;
    const waitMs = Math.min(pingMs, this.#silenceMs / PINGS_OUT);
    this.#timer = setTimeout(() => this.#turn(waitMs), waitMs);
  }

  #turn(waitMs: number): void {
    this.#silentMs += waitMs;
    if (this.#isSilent) this.#timer = setTimeout(() => this.#look(), LOOK_MS);
    else this.#beat();
  }

  #look(): void {
    if (this.#isSilent) this.#events.silent();
    else this.#beat();
  }

  get #isSilent(): boolean {
    return this.#silentMs >= this.#silenceMs;
  }
}
