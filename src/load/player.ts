/**
 * A simulated player whose snapshots are counted, not decoded: joins once connected, walks as it is told to, and notes when what came. Also
 * those who only come and go, and those who join and then read nothing.
 */
import { HEAD_BYTES, type OnMessage, OPCODE } from "./frames.js";
import { InputFrame } from "./input-frame.js";
import { type RawAddress, RawClient, type RawEvents } from "./raw-client.js";
import { MESSAGE, SnapshotHead } from "./snapshot-head.js";
import type { Tally } from "./tally.js";
import { Walker } from "./walker.js";

const decoder = new TextDecoder();
/** What nobody who connected is asked twice. */
const NEVER = -1;

/** What the players of a thread share. */
export interface Surroundings {
  readonly address: RawAddress;
  /** Where all of them read. */
  readonly buffer: Uint8Array;
  readonly tally: Tally;
  /** Zone, room or template to join; the server's first without. */
  readonly zone: string | undefined;
  readonly seed: number;
  /** Milliseconds. */
  now(): number;
}

export interface PlayerEvents {
  /** It is in; the zone's name, as far as it is known. */
  joined(player: RawPlayer, zone: string): void;
  /** The server told an error, by its code. */
  refused(player: RawPlayer, code: string): void;
  ended(player: RawPlayer, code: number, problem: string | null): void;
}

export class RawPlayer implements RawEvents {
  readonly beganMs: number;
  isIn = false;
  isOver = false;
  /** Since it joined. */
  snapshots = 0;
  /** {@link snapshots} when the measurement began. */
  snapshotsBefore = 0;
  readonly #around: Surroundings;
  readonly #events: PlayerEvents;
  readonly #client: RawClient;
  readonly #index: number;
  readonly #walker: Walker;
  readonly #head = new SnapshotHead();
  readonly #frame: InputFrame;
  #seq = 0;
  /** As far as it is known. */
  #zone = "";
  /** The input that an ack is waited for; NEVER for none. */
  #timedSeq = NEVER;
  #timedMs = 0;
  /** When the last one came, before the first the welcome. */
  #snapshotMs = 0;
  #syncMs = NEVER;

  /** Connects. index: unlike that of any other player. */
  constructor(around: Surroundings, index: number, events: PlayerEvents) {
    this.#around = around;
    this.#events = events;
    this.#index = index;
    this.#walker = new Walker(around.seed, index);
    this.#frame = new InputFrame(Math.imul(index + 1, 0x9e3779b1) >>> 0);
    this.beganMs = around.now();
    this.#client = new RawClient(around.address, around.buffer, this);
  }

  open(): void {
    const { zone } = this.#around;
    const join = { type: "join", name: nameOf(this.#index), ...(zone === undefined ? {} : { zone }) };
    this.#client.sendText(JSON.stringify(join), this.#index);
  }

  /** Walks on, or not; an input in any case, unless the last one has not left yet. */
  input(): void {
    const { tally } = this.#around;
    if (!this.isIn || this.isOver) return;
    if (this.#client.isWaiting) {
      tally.add("inputsHeld");
      return;
    }
    this.#walker.step();
    this.#seq++;
    if (this.#timedSeq === NEVER) {
      this.#timedSeq = this.#seq;
      this.#timedMs = this.#around.now();
    }
    tally.add("inputs");
    this.#client.sendFrame(this.#frame.write(this.#seq, this.#walker.way, this.#walker.strikes));
  }

  /** Milliseconds that it has been without a snapshot. */
  openGapMs(nowMs: number): number {
    return nowMs - this.#snapshotMs;
  }

  /** Milliseconds since its last update of a whole room; null when there was none: a room in which nothing happens sends none. */
  openSyncGapMs(nowMs: number): number | null {
    return this.#syncMs === NEVER ? null : nowMs - this.#syncMs;
  }

  stall(): void {
    this.#client.stall();
  }

  close(): void {
    this.#client.close();
  }

  destroy(): void {
    this.#client.destroy();
  }

  readonly message: OnMessage = (opcode, size, bytes, from, to) => {
    const { tally } = this.#around;
    tally.add("bytes", size);
    const kind = this.#head.read(opcode, bytes, from, to);
    if (kind === MESSAGE.SNAPSHOT) {
      tally.add("snapshotBytes", size);
      this.#snapshot();
    } else if (kind === MESSAGE.PIECE) {
      tally.add("snapshotBytes", size);
    } else if (kind === MESSAGE.SYNC || kind === MESSAGE.STATE) {
      tally.add("stateBytes", size);
      if (kind === MESSAGE.SYNC) this.#synced();
    } else if (opcode === OPCODE.TEXT) {
      this.#control(decoder.decode(bytes.slice(from, Math.min(to, from + HEAD_BYTES))));
    }
  };

  end(code: number, problem: string | null): void {
    this.isOver = true;
    this.#events.ended(this, code, problem);
  }

  #snapshot(): void {
    const { tally, now } = this.#around;
    const nowMs = now();
    tally.add("snapshots");
    this.snapshots++;
    tally.times.gap.record(this.openGapMs(nowMs));
    this.#snapshotMs = nowMs;
    if (this.#timedSeq === NEVER || this.#head.ack < this.#timedSeq) return;
    tally.times.ack.record(nowMs - this.#timedMs);
    this.#timedSeq = NEVER;
  }

  #synced(): void {
    const { tally, now } = this.#around;
    const nowMs = now();
    tally.add("syncs");
    if (this.#syncMs !== NEVER) tally.times.syncGap.record(nowMs - this.#syncMs);
    this.#syncMs = nowMs;
  }

  #control(text: string): void {
    if (text.startsWith('{"type":"welcome"')) {
      const zone = /"zone":\{"name":"([^"]*)"/.exec(text)?.[1] ?? "";
      if (zone !== this.#zone) this.#head.reset();
      this.#zone = zone;
      if (this.isIn) return;
      this.isIn = true;
      this.#snapshotMs = this.#around.now();
      this.#events.joined(this, zone);
    } else if (text.startsWith('{"type":"error"')) {
      this.#events.refused(this, /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? "UNKNOWN");
    }
  }
}

export function nameOf(index: number): string {
  return `load-${index}`;
}
