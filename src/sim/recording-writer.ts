/**
 * Writes a recording (see recording.ts) from what it is told, tick by tick: commands, then who was late, what stopped, and now and then a
 * checkpoint. Some 15 bytes and 50 ns a command.
 *
 * What is written goes to the `write` that is handed down, a whole chunk at a time and valid during the call; what becomes of it is not
 * the writer's to know. Commands wait in one buffer of fixed size, written at the latest with the next checkpoint. Nothing
 * is allocated for a command.
 */
import type { Command } from "../kernel/types.js";
import { crc32 } from "../maps/crc32.js";
import { deflate } from "../maps/deflate.js";
import type { MapData } from "../maps/types.js";
import { ByteWriter } from "./bytes.js";
import { JOIN } from "./commands.js";
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
/** Bytes of a zone in a checkpoint, its parts aside, and of one that was late. */
const ZONE_SIZE_MAX = 5 + 8;

const encoder = new TextEncoder();

export interface RecordingWriterSpec {
  readonly header: Omit<RecordingHeader, "checkpointTicks">;
  readonly map: MapData;
  /** How many. */
  readonly zones: number;
  /** Takes the next bytes of the file, valid during the call. */
  readonly write: (bytes: Uint8Array) => void;
}

export class RecordingWriter {
  readonly #chunks: ChunkWriter;
  readonly #commands = new ByteWriter(COMMANDS_SIZE);
  /** A checkpoint, or who was late. */
  readonly #payload: ByteWriter;
  /** Of the last command. */
  #tick = 0;
  #zone = 0;
  #checkpointTick = 0;

  /** Writes header and map at once. */
  constructor({ header, map, zones, write }: RecordingWriterSpec) {
    this.#chunks = new ChunkWriter(write);
    this.#payload = new ByteWriter(2 * ZONE_SIZE_MAX + zones * (ZONE_SIZE_MAX + 4 * header.parts.length));
    const { parts, ...rest } = header;
    const all: RecordingHeader = { ...rest, checkpointTicks: CHECKPOINT_TICKS, parts };
    this.#chunks.write("HEAD", encoder.encode(JSON.stringify(all)));
    this.#chunks.write("MAP ", mapPayload(map));
  }

  get checkpointTick(): number {
    return this.#checkpointTick;
  }

  /** A zone drained a command from outside. Ticks in ascending order. name: of who joins. */
  command(tick: number, zone: number, command: Readonly<Command>, name: string): void {
    const { type, action, seat, seq, dx, dy } = command;
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
    if (bits & HAS_NAME) out.text(name, NAME_SIZE_MAX);
    this.#tick = tick;
    this.#zone = zone;
    if (out.room < COMMAND_SIZE_MAX) this.#writeCommands();
  }

  /** tick: in which the zone stopped. */
  stop(tick: number, zone: number, reason: string): void {
    this.#writeCommands();
    const stop = new ByteWriter(2 * 5 + 5 + REASON_SIZE_MAX);
    stop.u32(tick);
    stop.varint(zone);
    stop.text(reason, REASON_SIZE_MAX);
    this.#chunks.write("STOP", stop.bytes);
  }

  /** Who was late in this tick: lateZone for each, in ascending order, then endLate. */
  beginLate(tick: number): void {
    this.#payload.clear();
    this.#payload.u32(tick);
  }

  /** turned: see {@link LateZone}, its low half and its high half. */
  lateZone(zone: number, turnedLow: number, turnedHigh: number): void {
    this.#payload.varint(zone);
    this.#payload.u32(turnedLow);
    this.#payload.u32(turnedHigh);
  }

  endLate(): void {
    this.#writeCommands();
    this.#chunks.write("LATE", this.#payload.bytes);
  }

  /** What the zones are after this tick: digest for each, in ascending order, then endCheckpoint. */
  beginCheckpoint(tick: number): void {
    this.#checkpointTick = tick;
    this.#payload.clear();
    this.#payload.u32(tick);
  }

  /** parts: a number for each of the header's, of which the low 32 bits are written. */
  digest(zone: number, hash: bigint, parts: Iterable<bigint>): void {
    this.#payload.varint(zone);
    this.#payload.u64(hash);
    for (const part of parts) this.#payload.u32(Number(part & 0xffff_ffffn));
  }

  endCheckpoint(): void {
    this.#writeCommands();
    this.#chunks.write("HASH", this.#payload.bytes);
  }

  /** After the last checkpoint. */
  end(): void {
    this.#writeCommands();
    this.#payload.clear();
    this.#payload.u32(this.#checkpointTick);
    this.#chunks.write("DONE", this.#payload.bytes);
  }

  #writeCommands(): void {
    if (this.#commands.size === 0) return;
    this.#chunks.write("CMDS", this.#commands.bytes);
    this.#commands.clear();
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
