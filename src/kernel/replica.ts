/**
 * A zone's replica: its entities as of the last snapshots, and what is encoded of them for players, in a memory of its own. See
 * assembly/replica.ts for what lies where, and assembly/cell.ts for blocks.
 *
 *     one thread     take              the columns of a zone become the next snapshot of a stream      15 ns an entity, 3 each field
 *     another one    beginBlocks, block      what changed in a cell since an earlier snapshot, as bytes      encoded once for all readers
 *
 * Both may be the same thread. The taker never waits: a reader that is GENERATIONS - HISTORY snapshots late has been overtaken, which it
 * finds out by `isWhole`, and begins anew with the newest. Nothing is allocated after construction, but for the views of a larger highWater.
 *
 * What lies in a snapshot is read and written plainly, by both sides at once when a reader is overtaken. Two words a stream order that, on
 * machines that reorder loads and stores, too:
 *
 *     taker     begun <=> n     write snapshot n, over n - GENERATIONS     published <- n
 *     reader    published -> m     read snapshots up to m     begun <=> begun: is it less than GENERATIONS beyond the oldest?
 *
 * Who reads n in `published` sees all that was written before: a store and a load of Atomics suffice. `begun` has to keep what is plain from
 * moving the other way, writes from before it and reads to behind it, which neither a store nor a load does (on ARM they are a release and an
 * acquire). So both sides read and write it in one operation. One of them is the first: if the taker's, the reader finds n there, and throws away what
 * it read; if the reader's, the taker finds what the reader left there, and so all its reads were before the writes.
 */
import { bad, finite, integer } from "./check.js";
import { columnView } from "./columns.js";
import type { Instance, ModuleBuild } from "./instance.js";
import { OWN_COLUMNS } from "./own-columns.js";
import { type ReplicaConstants, type ReplicaFunctions, replicasOf } from "./replica-module.js";
import { HISTORY, STREAM_COUNT } from "./streams.js";
import type { ColumnType, TypedColumn } from "./types.js";

/** A column that is replicated. */
export interface ReplicaField {
  readonly name: string;
  readonly type: ColumnType;
  /** Of an f32: what it is rounded to a multiple of. Default: not at all. */
  readonly step?: number;
}

export interface ReplicaSpec {
  /** Slots. */
  readonly capacity: number;
  readonly seats: number;
  /** Interest cells. */
  readonly columns: number;
  readonly rows: number;
  /** Steps per cell side. */
  readonly sideSteps: number;
  /** Steps of a position per unit. */
  readonly stepsPerUnit: number;
  /** Snapshots of a stream between two hashes of a cell. */
  readonly hashEvery: number;
  /** Those that are kept. */
  readonly streams: readonly number[];
  readonly fields: readonly ReplicaField[];
}

/** For another thread; passes through postMessage. */
export interface ReplicaHandle {
  readonly memory: WebAssembly.Memory;
  readonly build: ModuleBuild;
  readonly spec: ReplicaSpec;
}

/** As the kernel numbers them. */
const TYPES: readonly ColumnType[] = ["f32", "i32", "u32", "i16", "u16", "i8", "u8"];

/** What a replica is filled from. */
export interface ReplicaSource {
  /** Those of OWN_COLUMNS and of the fields, by name and slot. */
  readonly columns: Readonly<Record<string, TypedColumn>>;
  /** By seat: who has which entity, the last input that was applied, the number of who sits there. */
  readonly entities: Uint32Array;
  readonly acks: Uint32Array;
  readonly tags: Uint32Array;
}

function writeSpec(view: DataView, spec: ReplicaSpec, constants: ReplicaConstants): void {
  const { FIELDS_MAX, CELLS_MAX, CAPACITY_MAX } = constants;
  const { columns, rows, fields } = spec;
  const set = (at: number, name: string, value: number, least: number, most: number): void =>
    view.setUint32(at, integer(name, value, least, most), true);
  set(constants.REPLICA_CAPACITY, "capacity", spec.capacity, 1, CAPACITY_MAX);
  set(constants.REPLICA_SEATS, "seats", spec.seats, 0, 1 << 16);
  set(constants.REPLICA_COLUMNS, "columns", columns, 1, CELLS_MAX);
  set(constants.REPLICA_ROWS, "rows", rows, 1, Math.floor(CELLS_MAX / columns));
  const sideMax = Math.min(2 ** 30 - 1, Math.floor((2 ** 31 - 1) / Math.max(columns, rows)));
  set(constants.REPLICA_SIDE_STEPS, "sideSteps", spec.sideSteps, 1, sideMax);
  set(constants.REPLICA_HASH_EVERY, "hashEvery", spec.hashEvery, 1, 2 ** 31);
  set(constants.REPLICA_FIELD_COUNT, "fields", fields.length, 0, FIELDS_MAX);
  if (!(finite("stepsPerUnit", spec.stepsPerUnit) > 0)) throw bad("stepsPerUnit", spec.stepsPerUnit, "above 0");
  view.setFloat64(constants.REPLICA_STEPS_PER_UNIT, spec.stepsPerUnit, true);
  const bits = spec.streams.reduce((sum, stream) => sum | (1 << integer("a stream", stream, 0, STREAM_COUNT - 1)), 0);
  view.setUint32(constants.REPLICA_STREAM_BITS, bits, true);
  fields.forEach(({ name, type, step }, i) => {
    const at = constants.REPLICA_FIELDS_AT + i * constants.REPLICA_FIELD_BYTES;
    const number = TYPES.indexOf(type);
    if (number < 0) throw bad(`the type of ${name}`, type, TYPES.join(", "));
    if (step !== undefined && (type !== "f32" || !(finite(`the step of ${name}`, step) > 0))) {
      throw bad(`the step of ${name}`, step, "above 0, and of an f32");
    }
    view.setUint32(at + constants.REPLICA_FIELD_TYPE, number, true);
    view.setFloat64(at + constants.REPLICA_FIELD_SCALE, step === undefined ? 0 : 1 / step, true);
  });
}

/** Throws BAD_ARGUMENT for a spec that no replica can have, or when there is no memory for it. */
export function createReplica({ shared, checked }: ModuleBuild, spec: ReplicaSpec): Replica {
  const build = { shared, checked };
  const factory = replicasOf(build);
  const { constants } = factory;
  const agreed = { HISTORY, STREAMS: STREAM_COUNT, OWN_WORDS: OWN_COLUMNS.length } as const;
  for (const name of ["HISTORY", "STREAMS", "OWN_WORDS"] as const) {
    if (constants[name] !== agreed[name]) throw bad(`kernel.${name}`, constants[name], String(agreed[name]));
  }
  const instance = factory.create((made) => {
    writeSpec(new DataView(made.buffer, constants.BASE), spec, constants);
    return made.functions.replicaLayout(constants.BASE);
  });
  return new Replica(instance, constants, spec, build);
}

/** The one of this handle, on another thread mostly. Throws BAD_ARGUMENT for a handle that is none. */
export function attachReplica({ memory, spec, build }: ReplicaHandle): Replica {
  const factory = replicasOf(build);
  return new Replica(factory.over(memory), factory.constants, spec, build);
}

export class Replica {
  readonly spec: ReplicaSpec;
  /** Bit s: stream s is kept. */
  readonly streams: number;
  /** The whole memory, by type: what lies where is told in indexes of 4 bytes, and for bytes in bytes. */
  readonly words: Uint32Array;
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By field, how far its words are from the base of a generation, which they are indexed by slot from. */
  readonly fieldAt: readonly number[];
  /** Where the block that was asked for last begins, in bytes, and how long it is: 0 for no change. */
  blockAt = 0;
  blockSize = 0;

  readonly #instance: Instance<ReplicaFunctions>;
  readonly #base: number;
  readonly #generations: number;
  readonly #generationWords: number;
  /** By stream, indexes of its first generation and of its memo. */
  readonly #firsts: readonly number[];
  readonly #memos: readonly number[];
  readonly #begun: number;
  readonly #published: number;
  // Indexes within a generation.
  readonly #tick: number;
  readonly #id: number;
  readonly #cell: number;
  readonly #x: number;
  readonly #y: number;
  readonly #starts: number;
  readonly #slots: number;
  readonly #own: number;
  readonly #acks: number;
  readonly #tags: number;
  readonly #constants: ReplicaConstants;
  readonly #build: ModuleBuild;

  /** Use {@link createReplica} or {@link attachReplica}. */
  constructor(
    instance: Instance<ReplicaFunctions>,
    constants: ReplicaConstants,
    spec: ReplicaSpec,
    build: ModuleBuild,
  ) {
    this.#build = build;
    const { buffer } = instance;
    const { BASE } = constants;
    const u32 = (offset: number): number => instance.u32(BASE + offset);
    this.spec = spec;
    this.streams = spec.streams.reduce((bits, stream) => bits | (1 << stream), 0);
    this.#instance = instance;
    this.#constants = constants;
    this.#base = BASE;
    this.words = new Uint32Array(buffer);
    this.ints = new Int32Array(buffer);
    this.floats = new Float32Array(buffer);
    // Whether it is shared does not matter to who copies out of it.
    this.bytes = new Uint8Array(buffer as ArrayBuffer);
    this.#generations = constants.GENERATIONS;
    this.#generationWords = u32(constants.REPLICA_GENERATION_BYTES) / 4;
    const stores = u32(constants.REPLICA_STORES);
    const store = (stream: number): number => stores + stream * constants.BLOCK_STORE_BYTES;
    const streams = Array.from({ length: STREAM_COUNT }, (_, stream) => store(stream));
    this.#firsts = streams.map((at) => instance.u32(at + constants.BLOCK_STORE_GENERATIONS) / 4);
    this.#memos = streams.map((at) => instance.u32(at + constants.BLOCK_STORE_MEMO) / 4);
    this.#begun = (BASE + constants.REPLICA_BEGUN) / 4;
    this.#published = (BASE + constants.REPLICA_PUBLISHED) / 4;
    this.#tick = constants.GENERATION_TICK / 4;
    this.#id = u32(constants.REPLICA_AT_ID) / 4;
    this.#cell = u32(constants.REPLICA_AT_CELL) / 4;
    this.#x = u32(constants.REPLICA_AT_X) / 4;
    this.#y = u32(constants.REPLICA_AT_Y) / 4;
    this.#starts = u32(constants.REPLICA_AT_STARTS) / 4;
    this.#slots = u32(constants.REPLICA_AT_SLOTS) / 4;
    this.#own = u32(constants.REPLICA_AT_OWN) / 4;
    this.#acks = u32(constants.REPLICA_AT_ACKS) / 4;
    this.#tags = u32(constants.REPLICA_AT_TAGS) / 4;
    const [first, stride] = [u32(constants.REPLICA_AT_WORDS), u32(constants.REPLICA_WORDS_STRIDE)];
    this.fieldAt = spec.fields.map((_, i) => (first + i * stride) / 4);
  }

  /** For another thread, which attaches by it; of one over shared memory. */
  get handle(): ReplicaHandle {
    return { memory: this.#instance.memory as WebAssembly.Memory, spec: this.spec, build: this.#build };
  }

  // For who takes.

  /** Where {@link take} takes from; fill them first. */
  intake(name: string): TypedColumn {
    const { REPLICA_INTAKE, REPLICA_INTAKE_STRIDE, REPLICA_FIELDS_AT, REPLICA_FIELD_BYTES, REPLICA_FIELD_SOURCE } =
      this.#constants;
    const { buffer } = this.words;
    const { capacity, fields } = this.spec;
    const own = OWN_COLUMNS.findIndex((column) => column.name === name);
    if (own >= 0) {
      const at = this.#u32(REPLICA_INTAKE) + own * this.#u32(REPLICA_INTAKE_STRIDE);
      return columnView(OWN_COLUMNS[own]!.type, buffer, at, capacity);
    }
    const index = fields.findIndex((field) => field.name === name);
    const field = fields[index];
    if (field === undefined) throw bad("name", name, "that of a column that is replicated");
    const at = this.#u32(REPLICA_FIELDS_AT + index * REPLICA_FIELD_BYTES + REPLICA_FIELD_SOURCE);
    return columnView(field.type, buffer, at, capacity);
  }

  /** The same by seat: entities, acks, tags. */
  seatIntake(name: "ENTITY" | "ACK" | "TAG"): Uint32Array {
    return new Uint32Array(this.words.buffer, this.#u32(this.#constants[`REPLICA_SEAT_${name}`]), this.spec.seats);
  }

  /** The intake, slots 0 .. highWater-1, becomes the newest snapshot of the stream. */
  take(stream: number, tick: number, highWater: number): void {
    const sequence = this.published(stream) + 1;
    Atomics.exchange(this.ints, this.#begun + stream, sequence);
    this.#instance.functions.replicaTake(this.#base, stream, sequence, tick, highWater);
    Atomics.store(this.ints, this.#published + stream, sequence);
  }

  // For who reads.

  /** The last snapshot of the stream, by its number; 0 before the first. */
  published(stream: number): number {
    return Atomics.load(this.ints, this.#published + stream);
  }

  /** Whether nothing has been written over the snapshot, nor over those after it, up to now: to be asked after it was read. */
  isWhole(stream: number, sequence: number): boolean {
    return Atomics.add(this.ints, this.#begun + stream, 0) - sequence < this.#generations;
  }

  /** Where the snapshot lies, as an index of 4 bytes: what the methods below and {@link fieldAt} are relative to. */
  generation(stream: number, sequence: number): number {
    return this.#firsts[stream]! + (sequence % this.#generations) * this.#generationWords;
  }

  tick(generation: number): number {
    return this.words[generation + this.#tick]!;
  }

  /** 0 for nobody. */
  id(generation: number, slot: number): number {
    return slot < this.spec.capacity ? this.words[generation + this.#id + slot]! : 0;
  }

  cell(generation: number, slot: number): number {
    return this.words[generation + this.#cell + slot]!;
  }

  /** Steps from the zone's left border. */
  x(generation: number, slot: number): number {
    return this.ints[generation + this.#x + slot]!;
  }

  y(generation: number, slot: number): number {
    return this.ints[generation + this.#y + slot]!;
  }

  /** The slots of a cell are those at the places cellStart(cell) .. cellStart(cell + 1) - 1. */
  cellStart(generation: number, cell: number): number {
    return this.words[generation + this.#starts + cell]!;
  }

  slotAt(generation: number, place: number): number {
    return this.words[generation + this.#slots + place]!;
  }

  /** Of a field by its place in the spec. */
  word(generation: number, field: number, slot: number): number {
    return this.ints[generation + this.fieldAt[field]! + slot]!;
  }

  /** Where a seat's OWN_COLUMNS begin, as an index of 4 bytes; its entity is 0 when it had none. */
  own(generation: number, seat: number): number {
    return generation + this.#own + seat * OWN_COLUMNS.length;
  }

  ack(generation: number, seat: number): number {
    return this.words[generation + this.#acks + seat]!;
  }

  tag(generation: number, seat: number): number {
    return this.words[generation + this.#tags + seat]!;
  }

  /** Blocks of this snapshot are asked for from now on. */
  beginBlocks(stream: number, sequence: number): void {
    this.#instance.functions.blocksBegin(this.#base, stream, sequence);
  }

  /**
   * What is in the cell (age 0), or what changed since `age` snapshots before, up to HISTORY: see blockAt and blockSize. False when there is
   * no room for it with this snapshot. `sequence`: as given to beginBlocks.
   */
  block(stream: number, sequence: number, cell: number, age: number): boolean {
    const { words } = this;
    const memo = this.#memos[stream]! + (cell * (HISTORY + 1) + age) * 3;
    if (words[memo] !== sequence && !this.#instance.functions.blockEncode(this.#base, stream, cell, age)) return false;
    this.blockAt = words[memo + 1]!;
    this.blockSize = words[memo + 2]!;
    return true;
  }

  #u32(offset: number): number {
    return this.words[(this.#base + offset) / 4]!;
  }
}

/** Fills a replica from the columns of one zone. */
export class ReplicaTaker {
  readonly replica: Replica;
  readonly #sources: readonly TypedColumn[];
  readonly #targets: readonly TypedColumn[];
  /** The sources up to some slot, which changes seldom. */
  #parts: readonly TypedColumn[] = [];
  #highWater = -1;
  readonly #seats: readonly (readonly [Uint32Array, Uint32Array])[];

  /** Throws BAD_ARGUMENT when the source lacks a column, or has it with another type. */
  constructor(replica: Replica, { columns, entities, acks, tags }: ReplicaSource) {
    this.replica = replica;
    const names = [...OWN_COLUMNS, ...replica.spec.fields].map(({ name }) => name);
    this.#targets = names.map((name) => replica.intake(name));
    this.#sources = names.map((name, i) => {
      const column = columns[name];
      if (column?.constructor === this.#targets[i]?.constructor) return column as TypedColumn;
      throw bad(`the column ${name}`, column?.constructor.name, `a ${this.#targets[i]?.constructor.name}`);
    });
    this.#seats = [
      [entities, replica.seatIntake("ENTITY")],
      [acks, replica.seatIntake("ACK")],
      [tags, replica.seatIntake("TAG")],
    ];
  }

  /** The zone as it is becomes the newest snapshot of each stream that is kept and whose bit is set. */
  take(due: number, tick: number, highWater: number): void {
    const streams = due & this.replica.streams;
    if (streams === 0) return;
    if (highWater !== this.#highWater) {
      this.#highWater = highWater;
      this.#parts = this.#sources.map((column) => column.subarray(0, highWater));
    }
    for (let i = 0; i < this.#parts.length; i++) this.#targets[i]!.set(this.#parts[i]!);
    for (const [from, to] of this.#seats) to.set(from);
    for (let stream = 0; stream < STREAM_COUNT; stream++) {
      if ((streams >> stream) & 1) this.replica.take(stream, tick, highWater);
    }
  }
}
