/**
 * Writes a recording (see recording.ts) while its zones run. It hears each command as its zone drains it, some 15 bytes and 50 ns
 * each, and takes their hashes every CHECKPOINT_TICKS.
 *
 * What is written goes to the `write` that is handed down, a whole chunk at a time and valid during the call; what becomes of it is not
 * the recorder's to know. Commands wait in one buffer of fixed size, written at the latest with the next checkpoint. Nothing
 * is allocated for a command.
 */
import type { GyreError } from "../errors.js";
import type { Command } from "../kernel/types.js";
import { crc32 } from "../maps/crc32.js";
import { deflate } from "../maps/deflate.js";
import type { MapData } from "../maps/types.js";
import { ByteWriter } from "./bytes.js";
import { isFromOutside, JOIN } from "./commands.js";
import {
  CHECKPOINT_TICKS,
  CHECKSUM_SIZE,
  CHUNK_HEAD_SIZE,
  FILE_HEAD_SIZE,
  FORMAT_VERSION,
  HAS_ACTION,
  HAS_NAME,
  HAS_SEQ,
  HAS_TICK,
  HAS_ZONE,
  MAGIC,
  NAME_SIZE_MAX,
  REASON_SIZE_MAX,
  type RecordingHeader,
  type Tag,
  WISH_F32,
  WISH_F64,
} from "./recording.js";

/** Bytes of commands that are written at a time. */
const COMMANDS_SIZE = 65_536;
/** Bytes of one command at most: a byte of bits, six whole numbers, two doubles, a name. */
const COMMAND_SIZE_MAX = 1 + 6 * 5 + 16 + 5 + NAME_SIZE_MAX;
/** Bytes of a zone in a checkpoint, its parts aside. */
const ZONE_SIZE_MAX = 5 + 8;

/** What is recorded of a world. */
export interface RecordedWorld {
  onCommand: ((command: Readonly<Command>) => void) | null;
  readonly fault: GyreError | null;
  readonly zone: { readonly tick: number };
  nameOf(seat: number): string;
  stop(reason: string): void;
  hash(): bigint;
  digests(): ReadonlyMap<string, bigint>;
}

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

const encoder = new TextEncoder();

export class Recorder {
  readonly #zones: RecordedZones;
  readonly #chunks: ChunkWriter;
  readonly #commands: ByteWriter;
  readonly #checkpoint: ByteWriter;
  /** By zone: its tick at its last checkpoint, and 1 when its stop was written. */
  readonly #checkedTicks: Float64Array;
  readonly #stopped: Uint8Array;
  /** Of the last command. */
  #tick = 0;
  #zone = 0;
  #checkpointTick = 0;
  #open = true;

  /** Writes header and map at once. */
  constructor({ zones, header, map, write }: RecorderSpec) {
    const parts = [...(zones.all[0]?.digests().keys() ?? [])];
    this.#zones = zones;
    this.#chunks = new ChunkWriter(write);
    this.#commands = new ByteWriter(COMMANDS_SIZE);
    this.#checkpoint = new ByteWriter(2 * ZONE_SIZE_MAX + zones.all.length * (ZONE_SIZE_MAX + 4 * parts.length));
    this.#checkedTicks = new Float64Array(zones.all.length).fill(-1);
    this.#stopped = new Uint8Array(zones.all.length);
    const all: RecordingHeader = { ...header, checkpointTicks: CHECKPOINT_TICKS, parts };
    this.#chunks.write("HEAD", encoder.encode(JSON.stringify(all)));
    this.#chunks.write("MAP ", mapPayload(map));
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
    if (this.#zones.tick > this.#checkpointTick) this.#writeCheckpoint();
    this.#checkpoint.clear();
    this.#checkpoint.u32(this.#zones.tick);
    this.#chunks.write("DONE", this.#checkpoint.bytes);
    this.abandon();
  }

  /** Stops without a word, because nobody takes the bytes any more. */
  abandon(): void {
    this.#open = false;
    for (const world of this.#zones.all) world.onCommand = null;
  }

  #hear(zone: number, world: RecordedWorld, { type, action, seat, seq, dx, dy }: Readonly<Command>): void {
    if (!isFromOutside(type)) return;
    const tick = this.#zones.tick;
    const out = this.#commands;
    let bits = 0;
    if (tick !== this.#tick) bits |= HAS_TICK;
    if (zone !== this.#zone) bits |= HAS_ZONE;
    if (action !== 0) bits |= HAS_ACTION;
    if (seq !== 0) bits |= HAS_SEQ;
    if (!Object.is(dx, 0) || !Object.is(dy, 0)) bits |= isF32(dx) && isF32(dy) ? WISH_F32 : WISH_F64;
    if (type === JOIN) bits |= HAS_NAME;
    out.u8(bits);
    if (bits & HAS_TICK) out.varint(tick - this.#tick);
    if (bits & HAS_ZONE) out.varint(zone);
    out.varint(type);
    out.varint(seat);
    if (bits & HAS_ACTION) out.varint(action);
    if (bits & HAS_SEQ) out.varint(seq);
    if (bits & WISH_F32) out.f32(dx, dy);
    if (bits & WISH_F64) out.f64(dx, dy);
    if (bits & HAS_NAME) out.text(world.nameOf(seat), NAME_SIZE_MAX);
    this.#tick = tick;
    this.#zone = zone;
    if (out.room < COMMAND_SIZE_MAX) this.#writeCommands();
  }

  #writeCommands(): void {
    if (this.#commands.size === 0) return;
    this.#chunks.write("CMDS", this.#commands.bytes);
    this.#commands.clear();
  }

  /** tick: in which those stopped that stopped since this was called last. */
  #writeStops(tick: number): void {
    for (let i = 0; i < this.#stopped.length; i++) {
      const fault = this.#zones.all[i]?.fault ?? null;
      if (fault === null || this.#stopped[i] === 1) continue;
      this.#stopped[i] = 1;
      this.#writeCommands();
      const stop = new ByteWriter(2 * 5 + 5 + REASON_SIZE_MAX);
      stop.u32(tick);
      stop.varint(i);
      stop.text(fault.message, REASON_SIZE_MAX);
      this.#chunks.write("STOP", stop.bytes);
    }
  }

  /** A zone that did not tick since its last checkpoint is as it was, and one that stopped may be in the middle of a tick. */
  #takeCheckpoint(): void {
    const out = this.#checkpoint;
    out.clear();
    out.u32(this.#zones.tick);
    for (let i = 0; i < this.#stopped.length; i++) {
      const world = this.#zones.all[i];
      if (world === undefined || world.fault !== null || world.zone.tick === this.#checkedTicks[i]) continue;
      this.#checkedTicks[i] = world.zone.tick;
      try {
        const hash = world.hash();
        const digests = world.digests();
        // A world that has no hash stops.
        if (world.fault !== null) continue;
        out.varint(i);
        out.u64(hash);
        for (const digest of digests.values()) out.u32(Number(digest & 0xffff_ffffn));
      } catch (error) {
        // A game whose state has no hash cannot be recorded, nor saved.
        world.stop(error instanceof Error ? error.message : String(error));
      }
    }
  }

  #writeCheckpoint(): void {
    this.#checkpointTick = this.#zones.tick;
    this.#takeCheckpoint();
    this.#writeCommands();
    this.#chunks.write("HASH", this.#checkpoint.bytes);
    // Those whose state has no hash were whole in this tick, and are not in the next.
    this.#writeStops(this.#zones.tick + 1);
  }
}

function isF32(value: number): boolean {
  return Object.is(Math.fround(value), value);
}

/** u32 width, u32 height, f64 tileSize, the tiles as a zlib stream. */
function mapPayload({ width, height, tileSize, tiles }: MapData): Uint8Array {
  const packed = deflate(tiles);
  const payload = new Uint8Array(16 + packed.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, width, true);
  view.setUint32(4, height, true);
  view.setFloat64(8, tileSize, true);
  payload.set(packed, 16);
  return payload;
}

/** Frames chunks, and keeps the checksum of everything so far. */
class ChunkWriter {
  readonly #write: (bytes: Uint8Array) => void;
  /** Used again for each chunk that fits. */
  readonly #chunk = new Uint8Array(CHUNK_HEAD_SIZE + COMMANDS_SIZE + CHECKSUM_SIZE);
  #checksum: number;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
    const head = new Uint8Array(FILE_HEAD_SIZE);
    head.set(MAGIC);
    new DataView(head.buffer).setUint32(MAGIC.length, FORMAT_VERSION, true);
    this.#checksum = crc32(head);
    write(head);
  }

  write(tag: Tag, payload: Uint8Array): void {
    const end = CHUNK_HEAD_SIZE + payload.length;
    const fits = end + CHECKSUM_SIZE <= this.#chunk.length;
    const chunk = fits ? this.#chunk : new Uint8Array(end + CHECKSUM_SIZE);
    const view = new DataView(chunk.buffer);
    for (let i = 0; i < tag.length; i++) chunk[i] = tag.charCodeAt(i);
    view.setUint32(4, payload.length, true);
    chunk.set(payload, CHUNK_HEAD_SIZE);
    this.#checksum = crc32(chunk, this.#checksum, 0, end);
    view.setUint32(end, this.#checksum, true);
    this.#write(chunk.subarray(0, end + CHECKSUM_SIZE));
  }
}
