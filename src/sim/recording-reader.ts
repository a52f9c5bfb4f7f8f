/**
 * Reads a recording (see recording.ts), a chunk at a time, so that a file of any size needs the memory of one chunk. Nothing of a chunk
 * is given before all of it was checked: its checksum, then each of its values. Whatever is wrong is refused with RECORDING_BAD and
 * its byte in the file; another version of the format with RECORDING_VERSION.
 */
import { GyreError } from "../errors.js";
import { crc32 } from "../maps/crc32.js";
import { inflate } from "../maps/inflate.js";
import type { MapData } from "../maps/types.js";
import { ByteReader, U32_MAX, viewOf } from "./bytes.js";
import { isFromOutside, JOIN } from "./commands.js";
import {
  type Block,
  CHECKSUM_SIZE,
  CHUNK_HEAD_SIZE,
  FILE_HEAD_SIZE,
  FORMAT_VERSION,
  HAS_ACTION,
  HAS_NAME,
  HAS_SEQ,
  HAS_TICK,
  HAS_ZONE,
  type LateZone,
  MAGIC,
  NAME_SIZE_MAX,
  PARTS_MAX,
  PAYLOAD_SIZE_MAX,
  REASON_SIZE_MAX,
  type RecordedCommand,
  type RecordingHeader,
  recordingBad,
  TAGS,
  type Tag,
  WISH_F32,
  WISH_F64,
  ZONES_MAX,
  type ZoneDigest,
} from "./recording.js";

/** Tiles of a map, as everywhere. */
const TILES_MAX = 1 << 24;
/** Ticks: a minute at 1,000 Hz. */
const CHECKPOINT_TICKS_MAX = 60_000;
const ALL_BITS = HAS_TICK | HAS_ZONE | HAS_ACTION | HAS_SEQ | WISH_F32 | WISH_F64 | HAS_NAME;

/** The bytes of the file from offset on, as many of size as there are. */
export type ReadBytes = (offset: number, size: number) => Uint8Array;

/** Reads from bytes that are in memory. */
export function readFrom(bytes: Uint8Array): ReadBytes {
  return (offset, size) => bytes.subarray(offset, offset + size);
}

export class RecordingReader {
  readonly header: RecordingHeader;
  readonly map: MapData;
  readonly #read: ReadBytes;
  #offset = 0;
  #checksum: number;
  /** Of the last command; commands say how they differ. */
  #tick = 0;
  #zone = 0;
  /** Commands and checkpoints of later ticks only may follow. */
  #checkpointTick = 0;
  #lateTick = 0;
  #ended = false;

  /** Reads header and map. Throws RECORDING_BAD, RECORDING_VERSION. */
  constructor(read: ReadBytes) {
    this.#read = read;
    const head = read(0, FILE_HEAD_SIZE);
    checkFileHead(head);
    this.#checksum = crc32(head);
    this.#offset = FILE_HEAD_SIZE;
    this.header = readHeader(this.#expect("HEAD"));
    this.map = readMap(this.#expect("MAP "));
  }

  /** Where the next chunk begins, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** What comes next; null after the end. Throws RECORDING_BAD, also when the file ends before its end mark. */
  next(): Block | null {
    if (this.#ended) {
      if (this.#read(this.#offset, 1).length > 0) throw recordingBad(this.#offset, "something follows the end mark");
      return null;
    }
    const { tag, payload } = this.#chunk();
    const block = this.#block(tag, payload);
    payload.finish();
    return block;
  }

  #block(tag: Tag, payload: ByteReader): Block {
    switch (tag) {
      case "CMDS":
        return { tag, commands: this.#commands(payload) };
      case "HASH":
        return { tag, tick: this.#checkpoint(payload), zones: this.#digests(payload) };
      case "STOP":
        return {
          tag,
          tick: payload.u32("tick", Math.max(this.#tick, this.#checkpointTick), this.#lastTick),
          zone: payload.varint("zone", 0, this.#zones - 1),
          reason: payload.text("reason", REASON_SIZE_MAX),
        };
      case "LATE":
        return { tag, tick: this.#late(payload), zones: this.#lateZones(payload) };
      case "DONE":
        this.#ended = true;
        return { tag, tick: payload.u32("tick", this.#checkpointTick, this.#checkpointTick) };
      default:
        throw payload.bad(`a second chunk ${tag}`);
    }
  }

  get #zones(): number {
    return this.header.settings["zones"] ?? 0;
  }

  /** Of the next checkpoint, at the latest: nobody is made to simulate for hours on the word of one number. */
  get #lastTick(): number {
    return Math.min(this.#checkpointTick + this.header.checkpointTicks, U32_MAX);
  }

  #checkpoint(payload: ByteReader): number {
    const tick = payload.u32("tick", Math.max(this.#tick, this.#checkpointTick + 1), this.#lastTick);
    this.#checkpointTick = tick;
    return tick;
  }

  #late(payload: ByteReader): number {
    const least = Math.max(this.#tick, this.#checkpointTick + 1, this.#lateTick + 1);
    this.#lateTick = payload.u32("tick", least, this.#lastTick);
    return this.#lateTick;
  }

  #lateZones(payload: ByteReader): LateZone[] {
    const zones: LateZone[] = [];
    for (let least = 0; !payload.isAtEnd; ) {
      const zone = payload.varint("zone", least, this.#zones - 1);
      zones.push({ zone, turned: payload.u64() });
      least = zone + 1;
    }
    return zones;
  }

  #digests(payload: ByteReader): ZoneDigest[] {
    const zones: ZoneDigest[] = [];
    for (let least = 0; !payload.isAtEnd; ) {
      const zone = payload.varint("zone", least, this.#zones - 1);
      const hash = payload.u64();
      zones.push({ zone, hash, parts: Uint32Array.from(this.header.parts, () => payload.u32("digest")) });
      least = zone + 1;
    }
    return zones;
  }

  #commands(payload: ByteReader): RecordedCommand[] {
    const commands: RecordedCommand[] = [];
    while (!payload.isAtEnd) commands.push(this.#command(payload));
    return commands;
  }

  #command(payload: ByteReader): RecordedCommand {
    const bits = payload.u8();
    if ((bits & ~ALL_BITS) !== 0 || (bits & (WISH_F32 | WISH_F64)) === (WISH_F32 | WISH_F64)) {
      throw payload.bad(`a command begins with ${bits}`);
    }
    if (bits & HAS_TICK) this.#tick += payload.varint("ticks", 1, this.#lastTick - this.#tick);
    if (this.#tick <= this.#checkpointTick)
      throw payload.bad(`a command of tick ${this.#tick} comes after its checkpoint`);
    if (this.#tick < this.#lateTick)
      throw payload.bad(`a command of tick ${this.#tick} comes after tick ${this.#lateTick}`);
    if (bits & HAS_ZONE) this.#zone = payload.varint("zone", 0, this.#zones - 1);
    const type = payload.varint("type", 0, 0xffff);
    if (!isFromOutside(type) || type === 0) throw payload.bad(`there is no command ${type}`);
    const seat = payload.varint("seat");
    const action = bits & HAS_ACTION ? payload.varint("action", 1, 0xffff) : 0;
    const seq = bits & HAS_SEQ ? payload.varint("seq", 1) : 0;
    const dx = bits & WISH_F32 ? payload.f32() : bits & WISH_F64 ? payload.f64() : 0;
    const dy = bits & WISH_F32 ? payload.f32() : bits & WISH_F64 ? payload.f64() : 0;
    if ((type === JOIN) !== ((bits & HAS_NAME) !== 0)) throw payload.bad("a name, and nobody joins, or the reverse");
    const name = bits & HAS_NAME ? payload.text("name", NAME_SIZE_MAX) : "";
    return { tick: this.#tick, zone: this.#zone, type, action, seat, seq, dx, dy, name };
  }

  /** The payload of a chunk that must come here. */
  #expect(expected: Tag): ByteReader {
    const offset = this.#offset;
    const { tag, payload } = this.#chunk();
    if (tag !== expected) throw recordingBad(offset, `a chunk ${tag} in place of ${expected}`);
    return payload;
  }

  #chunk(): { tag: Tag; payload: ByteReader } {
    const offset = this.#offset;
    const head = this.#read(offset, CHUNK_HEAD_SIZE);
    if (head.length < CHUNK_HEAD_SIZE) throw truncated(offset);
    const name = String.fromCharCode(...head.subarray(0, 4));
    const tag = TAGS.find((known) => known === name);
    if (tag === undefined) throw recordingBad(offset, `there is no chunk ${JSON.stringify(name)}`);
    const size = viewOf(head).getUint32(4, true);
    if (size > PAYLOAD_SIZE_MAX) {
      throw recordingBad(offset + 4, `a chunk of ${size} bytes: at most ${PAYLOAD_SIZE_MAX}`);
    }
    const rest = this.#read(offset + CHUNK_HEAD_SIZE, size + CHECKSUM_SIZE);
    if (rest.length < size + CHECKSUM_SIZE) throw truncated(offset);
    const checksum = crc32(rest, crc32(head, this.#checksum), 0, size);
    if (viewOf(rest).getUint32(size, true) !== checksum) {
      throw recordingBad(offset, `the checksum of the chunk ${tag} does not agree`);
    }
    this.#checksum = checksum;
    this.#offset = offset + CHUNK_HEAD_SIZE + size + CHECKSUM_SIZE;
    return { tag, payload: new ByteReader(rest.subarray(0, size), offset + CHUNK_HEAD_SIZE) };
  }
}

function truncated(offset: number): GyreError {
  return recordingBad(offset, "the recording ends here, without its end mark");
}

function checkFileHead(head: Uint8Array): void {
  const at = MAGIC.findIndex((byte, i) => head[i] !== byte);
  if (at >= 0) throw recordingBad(at, "not a recording: it does not begin with GYREREC");
  if (head.length < FILE_HEAD_SIZE) throw truncated(head.length);
  const version = viewOf(head).getUint32(MAGIC.length, true);
  if (version !== FORMAT_VERSION) {
    throw new GyreError(
      "RECORDING_VERSION",
      `byte ${MAGIC.length}: the recording has format ${version}; this version reads format ${FORMAT_VERSION}`,
    );
  }
  if (viewOf(head).getUint32(MAGIC.length + 4, true) !== 0) {
    throw recordingBad(MAGIC.length + 4, "reserved bytes are in use");
  }
}

const isText = (value: unknown): value is string => typeof value === "string";
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What each field of the header has to be. */
const HEADER_FIELDS: Readonly<Record<keyof RecordingHeader, (value: unknown) => boolean>> = {
  game: (value) => isRecord(value) && isText(value["name"]) && isText(value["file"]) && isText(value["digest"]),
  layoutVersion: (value) => isWhole(value, 0, U32_MAX),
  kernel: isText,
  tickRate: (value) => isWhole(value, 1, 1000),
  settings: (value) =>
    isRecord(value) &&
    Object.values(value).every((setting) => Number.isFinite(setting)) &&
    isWhole(value["zones"], 1, ZONES_MAX) &&
    isWhole(value["seed"], Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - ZONES_MAX),
  checkpointTicks: (value) => isWhole(value, 1, CHECKPOINT_TICKS_MAX),
  parts: (value) => Array.isArray(value) && value.length <= PARTS_MAX && value.every(isText),
};

function readHeader(payload: ByteReader): RecordingHeader {
  const text = payload.rest();
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw payload.bad("the header is not JSON");
  }
  if (!isRecord(header)) throw payload.bad("the header is not an object");
  for (const [name, isGood] of Object.entries(HEADER_FIELDS)) {
    if (!isGood(header[name])) throw payload.bad(`${name} of the header is ${JSON.stringify(header[name])}`);
  }
  return header as unknown as RecordingHeader;
}

function readMap(payload: ByteReader): MapData {
  const width = payload.u32("width", 1, TILES_MAX);
  const height = payload.u32("height", 1, TILES_MAX);
  if (width * height > TILES_MAX) throw payload.bad(`a map of ${width} x ${height} tiles`);
  const tileSize = payload.f64();
  if (tileSize <= 0) throw payload.bad(`tiles of ${tileSize} units`);
  try {
    return { width, height, tileSize, tiles: inflate(payload.restBytes(), "zlib", width * height) };
  } catch (error) {
    throw payload.bad(error instanceof Error ? error.message : String(error));
  }
}
