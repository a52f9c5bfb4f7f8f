/**
 * Records zones of this thread while they run: hears each command as its zone drains it, and takes their hashes every CHECKPOINT_TICKS. What
 * is recorded of zones on several threads is told by their slots instead: see threads/scribe.ts.
 */
import type { Command } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import { isFromOutside, JOIN } from "./commands.js";
import { hashOf, type RecordedWorld } from "./recorded-world.js";
import { CHECKPOINT_TICKS, type RecordingHeader } from "./recording.js";
import { RecordingWriter } from "./recording-writer.js";

export interface RecordedZones {
  readonly all: readonly RecordedWorld[];
  readonly tick: number;
}

export interface RecorderSpec {
  /** Before their first tick. */
  readonly zones: RecordedZones;
  readonly header: Omit<RecordingHeader, "checkpointTicks" | "parts">;
  readonly map: MapData;
  /** Takes the next bytes of the file, valid during the call. */
  readonly write: (bytes: Uint8Array) => void;
}

export class Recorder {
  /** Why it cannot go on: nothing is in its way. */
  readonly failure = "";
  readonly #zones: RecordedZones;
  readonly #writer: RecordingWriter;
  /** By zone: its tick at its last checkpoint, and 1 when its stop was written. */
  readonly #checkedTicks: Float64Array;
  readonly #stopped: Uint8Array;
  #open = true;

  /** Writes header and map at once. */
  constructor({ zones, header, map, write }: RecorderSpec) {
    const parts = [...(zones.all[0]?.digests().keys() ?? [])];
    this.#zones = zones;
    this.#writer = new RecordingWriter({ header: { ...header, parts }, map, zones: zones.all.length, write });
    this.#checkedTicks = new Float64Array(zones.all.length).fill(-1);
    this.#stopped = new Uint8Array(zones.all.length);
    for (const [i, world] of zones.all.entries()) world.onCommand = (command) => this.#hear(i, world, command);
  }

  /** After each step of the zones. */
  endTick(): void {
    if (!this.#open) return;
    this.#writeStops(this.#zones.tick);
    if (this.#zones.tick % CHECKPOINT_TICKS === 0) this.#writeCheckpoint();
  }

  /** The last checkpoint and the end. Nothing is recorded any more. */
  close(): void {
    if (!this.#open) return;
    if (this.#zones.tick > this.#writer.checkpointTick) this.#writeCheckpoint();
    this.#writer.end();
    this.abandon();
  }

  /** Stops without a word, because nobody takes the bytes any more. */
  abandon(): void {
    this.#open = false;
    for (const world of this.#zones.all) world.onCommand = null;
  }

  #hear(zone: number, world: RecordedWorld, command: Readonly<Command>): void {
    const { type, seat } = command;
    if (!isFromOutside(type)) return;
    this.#writer.command(this.#zones.tick, zone, command, type === JOIN ? world.nameOf(seat) : "");
  }

  /** tick: in which those stopped that stopped since this was called last. */
  #writeStops(tick: number): void {
    for (let i = 0; i < this.#stopped.length; i++) {
      const fault = this.#zones.all[i]?.fault ?? null;
      if (fault === null || this.#stopped[i] === 1) continue;
      this.#stopped[i] = 1;
      this.#writer.stop(tick, i, fault.message);
    }
  }

  /** A zone that did not tick since its last checkpoint is as it was, and one that stopped may be in the middle of a tick. */
  #writeCheckpoint(): void {
    this.#writer.beginCheckpoint(this.#zones.tick);
    for (let i = 0; i < this.#stopped.length; i++) {
      const world = this.#zones.all[i];
      if (world === undefined || world.fault !== null || world.zone.tick === this.#checkedTicks[i]) continue;
      this.#checkedTicks[i] = world.zone.tick;
      const found = hashOf(world);
      if (found !== null) this.#writer.digest(i, found.hash, found.digests.values());
    }
    this.#writer.endCheckpoint();
    // Those whose state has no hash were whole in this tick, and are not in the next.
    this.#writeStops(this.#zones.tick + 1);
  }
}
