/**
 * Takes up a lost connection: one try after the other, with growing pauses, until one succeeds, the server says that there is nothing to take
 * up, or the time is over.
 *
 *     lost |-wait-| try |--wait--| try |----wait----| try ...      until `reconnectMs` after it was lost
 */
import { GyreError } from "../errors.js";
import { RESUME_MS } from "../protocol/control.js";
import { type Call, dial } from "./dial.js";
import type { CommonOptions } from "./options.js";
import type { Retry } from "./types.js";

/** Milliseconds before the first try; each further one waits twice as long. */
const WAIT_MS_MIN = 250;
const WAIT_MS_MAX = 4000;
/** Share of a wait that is left to chance: the clients of a server that went come back one after the other. */
const CHANCE = 0.5;
/** Milliseconds for one try. */
const TRY_MS_MAX = 5000;

/** Closed for cause: an end, or what the client did or understood, and would again. After all others, known or not, it is tried. */
const FINAL_CODES: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1009, 4002]);

interface ReconnectorEvents {
  /** A try begins after its wait. */
  retrying(retry: Readonly<Retry>): void;
  /** What to say, as in {@link Call}, in the try that begins. */
  words(): Pick<Call, "first" | "second">;
  /** As in {@link Call.accept}. */
  readonly accept: Call["accept"];
  /** There will be no further try. */
  failed(error: GyreError): void;
}

export class Reconnector {
  readonly #address: URL;
  readonly #options: CommonOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #events: ReconnectorEvents;
  readonly #retry: Retry = { attempt: 0, waitMs: 0, error: new GyreError("CONNECTION_FAILED", "") };
  #deadlineMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;

  constructor(
    address: URL,
    options: CommonOptions,
    now: () => number,
    random: () => number,
    events: ReconnectorEvents,
  ) {
    this.#address = address;
    this.#options = options;
    this.#now = now;
    this.#random = random;
    this.#events = events;
  }

  /** The connection was lost, with this code. False when it is not to be taken up. */
  begin(code: number, error: GyreError): boolean {
    const { reconnect = true, reconnectMs = RESUME_MS } = this.#options;
    if (!reconnect || reconnectMs <= 0 || FINAL_CODES.has(code)) return false;
    this.#deadlineMs = this.#now() + reconnectMs;
    this.#retry.attempt = 0;
    this.#wait(error);
    return true;
  }

  /** No further try. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  #wait(error: GyreError): void {
    const retry = this.#retry;
    const longest = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** retry.attempt);
    const leftMs = this.#deadlineMs - this.#now();
    if (leftMs <= 0) {
      this.#events.failed(error);
      return;
    }
    retry.attempt++;
    retry.waitMs = Math.min(leftMs, longest * (1 - CHANCE * this.#random()));
    retry.error = error;
    const abort = new AbortController();
    this.#abort = abort;
    this.#events.retrying(retry);
    // Who hears of it may have had enough.
    if (!abort.signal.aborted) this.#timer = setTimeout(() => void this.#try(abort), retry.waitMs);
  }

  async #try({ signal }: AbortController): Promise<void> {
    const { WebSocket } = this.#options;
    const timeoutMs = Math.max(1, Math.min(TRY_MS_MAX, this.#deadlineMs - this.#now() + WAIT_MS_MIN));
    const { accept } = this.#events;
    const { first, second } = this.#events.words();
    try {
      await dial({ address: this.#address, WebSocket, first, second, timeoutMs, signal, accept });
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      if (signal.aborted) return;
      if (isFinal(error)) this.#events.failed(error);
      else this.#wait(error);
    }
  }
}

/**
 * Whether the answer stays what it is: what another one would be is not known of a code that a newer server may have, nor of a zone that is not
 * there, which may be again.
 */
function isFinal({ code, cause }: GyreError): boolean {
  return code === "SESSION_UNKNOWN" || code === "BAD_ARGUMENT" || (code === "BAD_MESSAGE" && cause === undefined);
}
