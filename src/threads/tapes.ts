/**
 * A recording of zones on several threads: reads what their slots tell, puts it into ticks' order, and writes it. A tick is whole, and written,
 * when every slot is through with the one after it, whose beginning still tells of its gates.
 *
 *     slots: tapes ──> | tick n of all slots | ──> commands, who was late, stops, checkpoint ──> RecordingWriter
 *
 * Nothing waits here: what is not written is in the slots' rings. When one of these is full, because a slot or this thread was held up for
 * too long, the recording ends: see `failure`.
 */
import type { Command } from "../kernel/types.js";
import { CHECKPOINT_TICKS } from "../sim/recording.js";
import { RecordingWriter, type RecordingWriterSpec } from "../sim/recording-writer.js";
import type { Board } from "./board.js";
import { type TapeParts, TapeReader, TapeState, type Told } from "./tape.js";

interface TapesSpec extends RecordingWriterSpec {
  readonly board: Board;
  readonly tapes: TapeParts;
}

export class Tapes implements Told {
  /** Why the recording cannot go on; "" while it can. */
  failure = "";
  readonly #board: Board;
  readonly #state: TapeState;
  readonly #readers: readonly TapeReader[];
  readonly #writer: RecordingWriter;
  /** The tick that is written, or was last. */
  #tick = 0;

  // Of that tick, by zone.
  /** Two words, see {@link LateZone}, and whether there are any. */
  readonly #turnedBack: Uint32Array;
  #isAnyTurnedBack = false;
  /** The last tick in which it takes no step, and the greatest of these. */
  readonly #heldTo: Uint32Array;
  #heldMax = 0;
  /** Times that it left a slot less those that it came to one, and whether it would take steps meanwhile. */
  readonly #homeless: Int8Array;
  readonly #isAwake: Uint8Array;
  #homelessCount = 0;
  readonly #digests: ([hash: bigint, parts: readonly bigint[]] | undefined)[];
  #stops: [zone: number, reason: string][] = [];

  /** Before the first tick. Writes header and map at once. */
  constructor({ board, tapes, ...spec }: TapesSpec) {
    const { zones } = spec;
    this.#board = board;
    this.#state = new TapeState(tapes);
    this.#readers = tapes.rings.map((_, slot) => new TapeReader(tapes, slot));
    this.#writer = new RecordingWriter(spec);
    this.#turnedBack = new Uint32Array(2 * zones);
    this.#heldTo = new Uint32Array(zones);
    this.#homeless = new Int8Array(zones);
    this.#isAwake = new Uint8Array(zones);
    this.#digests = new Array<[bigint, readonly bigint[]] | undefined>(zones).fill(undefined);
  }

  /** The last tick that was written. */
  get tick(): number {
    return this.#tick;
  }

  /** Writes the ticks that are whole. */
  endTick(): void {
    if (this.#state.isEnded) return;
    let whole = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < this.#board.slots; slot++) whole = Math.min(whole, this.#board.arrived(slot) - 1);
    for (let slot = 0; slot < this.#board.slots; slot++) {
      if (this.#state.isOverrun(slot))
        this.failure ||= `sim-${slot} had no room for more, as its ticks were not written`;
    }
    while (this.failure === "" && this.#tick < whole) this.#writeTick(this.#tick + 1);
  }

  /** The end, after the last checkpoint that is whole. */
  close(): void {
    this.endTick();
    if (this.failure === "" && !this.#state.isEnded) this.#writer.end();
    this.abandon();
  }

  /** Stops without a word. The slots stop telling. */
  abandon(): void {
    this.#state.end();
  }

  // What the slots tell of the tick that is written. What was said of ticks before, by a zone that does them again, is known.

  command(zone: number, tick: number, command: Readonly<Command>, name: string): void {
    if (tick === this.#tick) this.#writer.command(tick, zone, command, name);
  }

  turnedBack(zone: number, tick: number, asker: number): void {
    if (tick !== this.#tick) return;
    this.#turnedBack[2 * zone + (asker >>> 5)] =
      (this.#turnedBack[2 * zone + (asker >>> 5)] ?? 0) | (1 << (asker & 31));
    this.#isAnyTurnedBack = true;
  }

  held(zone: number, _from: number, to: number): void {
    this.#heldTo[zone] = to;
    this.#heldMax = Math.max(this.#heldMax, to);
  }

  released(zone: number, _tick: number, isAwake: boolean): void {
    this.#isAwake[zone] = isAwake ? 1 : 0;
    this.#move(zone, 1);
  }

  adopted(zone: number): void {
    this.#move(zone, -1);
  }

  stopped(zone: number, _tick: number, reason: string): void {
    this.#stops.push([zone, reason]);
  }

  digest(zone: number, tick: number, hash: bigint, parts: readonly bigint[]): void {
    if (tick === this.#tick) this.#digests[zone] = [hash, parts];
  }

  #move(zone: number, by: number): void {
    const was = this.#homeless[zone] ?? 0;
    this.#homeless[zone] = was + by;
    // Two slots tell of one move, in either order.
    this.#homelessCount += (was + by > 0 ? 1 : 0) - (was > 0 ? 1 : 0);
  }

  #writeTick(tick: number): void {
    this.#tick = tick;
    for (const reader of this.#readers) reader.read(tick, this);
    if (this.#isAnyTurnedBack || tick <= this.#heldMax || this.#homelessCount > 0) this.#writeLate(tick);
    for (const [zone, reason] of this.#stops) this.#writer.stop(tick, zone, reason);
    if (this.#stops.length > 0) this.#stops = [];
    if (tick % CHECKPOINT_TICKS === 0 || tick === this.#state.last) this.#writeCheckpoint(tick);
  }

  #writeLate(tick: number): void {
    this.#writer.beginLate(tick);
    for (let zone = 0; zone < this.#heldTo.length; zone++) {
      const [low, high] = [this.#turnedBack[2 * zone] ?? 0, this.#turnedBack[2 * zone + 1] ?? 0];
      const isHomeless = (this.#homeless[zone] ?? 0) > 0 && this.#isAwake[zone] === 1;
      const isHeld = isHomeless || tick <= (this.#heldTo[zone] ?? 0);
      if (isHeld) this.#writer.lateZone(zone, 0, 0);
      else if (low !== 0 || high !== 0) this.#writer.lateZone(zone, low, high);
    }
    this.#writer.endLate();
    this.#turnedBack.fill(0);
    this.#isAnyTurnedBack = false;
  }

  #writeCheckpoint(tick: number): void {
    this.#writer.beginCheckpoint(tick);
    for (const [zone, found] of this.#digests.entries()) {
      if (found !== undefined) this.#writer.digest(zone, ...found);
    }
    this.#digests.fill(undefined);
    this.#writer.endCheckpoint();
  }
}
