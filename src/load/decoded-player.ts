/** A simulated player on the real client: what it gets is decoded in full, and checked as the client checks it. */
import { type Connection, connect } from "../client/connection.js";
import { GyreError } from "../errors.js";
import { nameOf } from "./player.js";
import type { Tally } from "./tally.js";
import { WAY_X, WAY_Y, Walker } from "./walker.js";

export interface DecodedEvents {
  joined(zone: string): void;
  refused(code: string): void;
  /** asked: whether {@link DecodedPlayer.close} was called. */
  ended(code: number, asked: boolean): void;
}

export class DecodedPlayer {
  snapshots = 0;
  snapshotsBefore = 0;
  isIn = false;
  #connection: Connection | null = null;
  readonly #walker: Walker;
  readonly #tally: Tally;
  readonly #now: () => number;
  #asked = false;
  #timedSeq = 0;
  #timedMs = 0;
  /** When the last one came, before the first the welcome. */
  #snapshotMs = 0;
  #bytes = 0;
  #stateBytes = 0;

  constructor(tally: Tally, seed: number, index: number, now: () => number) {
    this.#tally = tally;
    this.#walker = new Walker(seed, index);
    this.#now = now;
  }

  /** Connects and joins. What goes wrong is told as `refused`. */
  async start(url: string, index: number, zone: string | undefined, events: DecodedEvents): Promise<void> {
    const beganMs = this.#now();
    try {
      const format = new URL(url).searchParams.get("format") === "json" ? "json" : "binary";
      // Who is lost is to be told of, and not taken up again; a server that says nothing for long is measured, and not given up.
      const options = {
        name: nameOf(index),
        format,
        reconnect: false,
        silenceMs: Number.POSITIVE_INFINITY,
        ...(zone === undefined ? {} : { zone }),
      } as const;
      const connection = await connect(url, options);
      this.#connection = connection;
      this.isIn = true;
      this.#snapshotMs = this.#now();
      this.#tally.times.join.record(this.#snapshotMs - beganMs);
      connection.on("snapshot", () => this.#snapshot(connection));
      connection.on("error", (error) => events.refused(error.code));
      connection.on("close", (code) => {
        this.isIn = false;
        events.ended(code, this.#asked);
      });
      events.joined(connection.zone.name);
    } catch (error) {
      events.refused(error instanceof GyreError ? error.code : "UNKNOWN");
    }
  }

  get hashChecks(): number {
    return this.#connection?.stats.hashChecks ?? 0;
  }

  get repairs(): number {
    return this.#connection?.stats.repairs ?? 0;
  }

  input(): void {
    if (!this.isIn || this.#connection === null) return;
    this.#walker.step();
    const { way, strikes } = this.#walker;
    const wish = { dx: WAY_X[way]!, dy: WAY_Y[way]! };
    const seq = this.#connection.input(strikes ? { ...wish, action: "attack" } : wish);
    this.#tally.add(seq === 0 ? "inputsHeld" : "inputs");
    if (seq === 0 || this.#timedSeq !== 0) return;
    this.#timedSeq = seq;
    this.#timedMs = this.#now();
  }

  /** Milliseconds that it has been without a snapshot. */
  openGapMs(nowMs: number): number {
    return nowMs - this.#snapshotMs;
  }

  close(): void {
    this.#asked = true;
    this.#connection?.close();
  }

  #snapshot({ stats, ack, entities }: Connection): void {
    const tally = this.#tally;
    const nowMs = this.#now();
    const [, , , , stateBytes] = stats.bytesByStream;
    const bytes = stats.bytesIn - this.#bytes;
    tally.add("bytes", bytes);
    // Those of the state tree are told of by who does not decode: the client does not say which of them are a room's updates.
    tally.add("snapshotBytes", bytes - (stateBytes - this.#stateBytes));
    this.#bytes = stats.bytesIn;
    this.#stateBytes = stateBytes;
    tally.add("snapshots");
    tally.add("viewed", entities.size);
    tally.add("views");
    this.snapshots++;
    tally.times.gap.record(this.openGapMs(nowMs));
    this.#snapshotMs = nowMs;
    if (this.#timedSeq === 0 || ack < this.#timedSeq) return;
    tally.times.ack.record(nowMs - this.#timedMs);
    this.#timedSeq = 0;
  }
}
