/**
 * The state of one zone as snapshots are taken of it, on its way from its home to the main thread: three copies in shared memory, of which
 * the home fills one right after a step, the main thread reads one, and one holds the newest. Neither ever waits for the other: a main
 * thread that is slow reads fewer of them.
 *
 *     buffer   word of Latest | copy 0 | copy 1 | copy 2
 *     copy     tick, highWater | replicated columns, by slot | tags, acks by seat          each from a cache line on
 *
 * Costs: 38 bytes an entity, those of the game's replicated columns, and 8 a seat, copied once on either side: 13 us for 10,000 entities.
 * Memory three times that, which is touched as far as slots are in use in zones that somebody watches.
 */
import { columnBytes, columnView } from "../kernel/columns.js";
import type { ColumnType, TypedColumn } from "../kernel/types.js";
import { type ColumnInfo, FieldTable, type SnapshotColumns } from "../protocol/fields.js";
import type { Scene } from "../sim/venue.js";
import type { World } from "../sim/world.js";
import { LATEST_BUFFERS, Latest } from "../sync/latest.js";
import { LINE_BYTES, type Memory } from "../sync/memory.js";

/** What a zone's captures hold. */
export interface CaptureShape {
  /** Units. */
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  /** Entities. */
  readonly capacity: number;
  readonly seats: number;
  /** Own columns that clients get. */
  readonly replicated: readonly ColumnInfo[];
}

const TICK = 0;
const HIGH_WATER = 1;

/** The columns of every zone that the encoder reads, in the order of copies. */
const COMMON: readonly ColumnInfo[] = [
  { name: "id", type: "u32" },
  { name: "x", type: "f32" },
  { name: "y", type: "f32" },
  { name: "vx", type: "f32" },
  { name: "vy", type: "f32" },
  { name: "speed", type: "f32" },
  { name: "halfSize", type: "f32" },
  { name: "wishX", type: "f32" },
  { name: "wishY", type: "f32" },
  { name: "readyAt", type: "u32" },
  { name: "xp", type: "u32" },
  { name: "gold", type: "u32" },
  ...new FieldTable().fields,
];

const lines = (bytes: number): number => Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;

/** Bytes of shared memory that the captures of a zone take. */
export function captureBytes(shape: CaptureShape): number {
  return LINE_BYTES + LATEST_BUFFERS * copyBytes(shape);
}

function copyBytes({ capacity, seats, replicated }: CaptureShape): number {
  const columns = [...COMMON, ...replicated].map(({ type }) => lines(capacity * columnBytes(type)));
  return LINE_BYTES + columns.reduce((sum, bytes) => sum + bytes, 0) + 2 * lines(4 * seats);
}

/** The columns that are copied, in order; slices of them up to some slot are kept, as that changes seldom. */
class Columns {
  readonly #whole: readonly TypedColumn[];
  #parts: readonly TypedColumn[] = [];
  #highWater = -1;

  constructor(whole: readonly TypedColumn[]) {
    this.#whole = whole;
  }

  upTo(highWater: number): readonly TypedColumn[] {
    if (highWater !== this.#highWater) {
      this.#highWater = highWater;
      this.#parts = this.#whole.map((column) => column.subarray(0, highWater));
    }
    return this.#parts;
  }

  /** Copies what parts have. */
  set(parts: readonly TypedColumn[]): void {
    for (let i = 0; i < parts.length; i++) this.#whole[i]?.set(parts[i] ?? []);
  }
}

interface Copy {
  readonly head: Uint32Array;
  readonly columns: Columns;
  readonly tags: Uint32Array;
  readonly acks: Uint32Array;
}

function copyAt(buffer: Memory, index: number, shape: CaptureShape): Copy {
  const { capacity, seats, replicated } = shape;
  let at = LINE_BYTES + index * copyBytes(shape);
  const next = (type: ColumnType, length: number): TypedColumn => {
    const array = columnView(type, buffer, at, length);
    at += lines(array.byteLength);
    return array;
  };
  const words = (length: number): Uint32Array => next("u32", length) as Uint32Array;
  return {
    head: words(LINE_BYTES / 4),
    columns: new Columns([...COMMON, ...replicated].map(({ type }) => next(type, capacity))),
    tags: words(seats),
    acks: words(seats),
  };
}

function copiesIn(buffer: Memory, shape: CaptureShape): readonly Copy[] {
  return Array.from({ length: LATEST_BUFFERS }, (_, i) => copyAt(buffer, i, shape));
}

/** The home's end. Another one may attach when the zone moves, or its thread ended. */
export class CaptureWriter {
  readonly #world: World;
  readonly #source: Columns;
  readonly #latest: Latest;
  readonly #copies: readonly Copy[];

  constructor(buffer: Memory, shape: CaptureShape, world: World) {
    const { columns, own } = world.zone;
    const names = COMMON.map(({ name }) => columns[name as keyof SnapshotColumns]);
    this.#world = world;
    this.#source = new Columns([...names, ...shape.replicated.map(({ name }) => own[name] ?? new Uint8Array(0))]);
    this.#latest = new Latest(new Int32Array(buffer, 0, 1), 0);
    this.#copies = copiesIn(buffer, shape);
  }

  /** The state of the zone as it is becomes the newest. Allocates when highWater grew. */
  write(): void {
    const { zone, tags, acks } = this.#world;
    const copy = this.#copies[this.#latest.back];
    if (copy === undefined) return;
    copy.columns.set(this.#source.upTo(zone.highWater));
    copy.tags.set(tags);
    copy.acks.set(acks);
    copy.head[TICK] = zone.tick;
    copy.head[HIGH_WATER] = zone.highWater;
    this.#latest.publish();
  }
}

/** The main thread's end: a scene whose columns stay the same arrays, which `load` fills. */
export class CaptureReader implements Scene {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly capacity: number;
  /** Of the scene. */
  tick = 0;
  highWater = 0;
  readonly #shape: CaptureShape;
  readonly #buffer: Memory;
  readonly #latest: Latest;
  #copies: readonly Copy[] | null = null;
  #scene: { all: Columns; columns: SnapshotColumns; own: Record<string, TypedColumn> } | null = null;

  constructor(buffer: Memory, shape: CaptureShape) {
    this.width = shape.width;
    this.height = shape.height;
    this.tileSize = shape.tileSize;
    this.capacity = shape.capacity;
    this.#shape = shape;
    this.#buffer = buffer;
    this.#latest = new Latest(new Int32Array(buffer, 0, 1), 0);
  }

  get columns(): SnapshotColumns {
    return this.#open().columns;
  }

  get own(): Readonly<Record<string, TypedColumn>> {
    return this.#open().own;
  }

  /** The tick of the newest capture; 0 before the first. It stays until this is asked again. */
  takeTick(): number {
    this.#latest.take();
    return this.#front?.head[TICK] ?? 0;
  }

  /** The scene is what was taken last. O(entities). */
  load(): void {
    const copy = this.#front;
    if (copy === undefined) return;
    this.tick = copy.head[TICK] ?? 0;
    this.highWater = copy.head[HIGH_WATER] ?? 0;
    this.#open().all.set(copy.columns.upTo(this.highWater));
  }

  /** Of what was taken last: the sequence number of the last input of who had this tag in the seat; -1 when somebody else had it. */
  ack(seat: number, tag: number): number {
    const copy = this.#front;
    return copy?.tags[seat] === tag ? (copy.acks[seat] ?? 0) : -1;
  }

  /** Of a server's zones most are never looked at, and need no views. */
  get #front(): Copy | undefined {
    this.#copies ??= copiesIn(this.#buffer, this.#shape);
    return this.#copies[this.#latest.front];
  }

  /** The arrays of the scene, made when somebody looks first. */
  #open() {
    if (this.#scene === null) {
      const { capacity, replicated } = this.#shape;
      const infos = [...COMMON, ...replicated];
      const arrays = infos.map(({ type }) =>
        columnView(type, new ArrayBuffer(capacity * columnBytes(type)), 0, capacity),
      );
      const named = infos.map(({ name }, i) => [name, arrays[i]] as const);
      this.#scene = {
        all: new Columns(arrays),
        columns: Object.fromEntries(named.slice(0, COMMON.length)) as unknown as SnapshotColumns,
        own: Object.fromEntries(named.slice(COMMON.length)) as Record<string, TypedColumn>,
      };
    }
    return this.#scene;
  }
}
