/**
 * A world as it was some ticks ago, and everything that happened to it since: so that it is taken up again, bit for bit, when its thread
 * ended in the middle of a tick, or its game failed. It lies in a buffer that may be shared, and outlives whoever writes it:
 *
 *     ┌──────┬── area 1 ─────────────────────────┬── area 2 ─────────────────────────┐
 *     │ head │ head │ zone │ parts │ log ...     │ head │ zone │ parts │ log ...     │
 *     └──────┴───────────────────────────────────┴───────────────────────────────────┘
 *       which of the two counts, one word
 *
 * An image is written into the area that does not count, and counts once it is complete; what happens from then on goes to the log behind
 * it. A record of the log is there once the size in the area's head says so. So the writer may be ended at any instruction, and what
 * counts is whole. An image is taken between two steps, every `periodTicks`, and before the log might not hold another tick; only once
 * what the world said in its last step was handed on, because what lies before an image cannot be said again.
 *
 * A record takes some 50 ns and makes no garbage; an image takes a copy of the zone and a pass over it, and the JSON of what lies beside it.
 * To be taken up costs what the ticks since the image cost.
 */
import { GyreError } from "../errors.js";
import type { Zone } from "../kernel/types.js";
import { checkPlace, LINE_BYTES, type Memory } from "../sync/memory.js";
import { ARRIVALS_PER_TICK_MAX } from "./arrivals.js";
import { ARRIVE, type CommandLog, DEPARTED, INPUT, JOIN, type LoggedCommand, NO_SEAT } from "./commands.js";
import { CROSSERS_PER_TICK_MAX } from "./gates.js";
import { SCHEDULED_MAX, type Scheduled } from "./schedule.js";
import { NAME_BYTES_MAX } from "./seats.js";
import type { World } from "./world.js";
import type { WorldImage } from "./world-spec.js";

/** Bytes for what lies beside the zone: its game's state and timers, and its seats with 320 bytes each, most of it the name. */
const PARTS_SIZE = 256 * 1024;
const PARTS_SEAT_SIZE = 320;
/** Ticks in each of which every seat may send an input before an image has to be taken early: a second at 60 Hz. */
const LOG_TICKS = 60;
/** And as many in which bots may send theirs before there is time for one: when ticks are caught up with. */
const SPARE_TICKS = 10;

/** Inputs that a seat may schedule in a tick before the log might not hold them: refused beyond, as a log that has no room is refused nothing. */
const SCHEDULED_PER_TICK = 4;

/** Words of the head: the area that counts, 1 or 2, 0 for none; and the sizes that the areas were made with. */
const CURRENT = 0;
const SIZES = 1;
/** Words of an area's head. */
const LOG_SIZE = 0;
const IMAGE_TICK = 1;
const PARTS_COUNT = 2;
const PARTS_END = 3;
const PARTS_SUM = 4;
/** Bytes of either head. */
const HEAD_SIZE = LINE_BYTES;

/**
 * Bytes of a record: `u16 type  u16 action  u32 seat  u32 seq  u16 size of what follows  u16 hasLeft  f64 dx  f64 dy`; who it is follows
 * where somebody comes: `u32 tag  u32 ack  u32 size of the name  u32 0`, the name; then the entity. All at multiples of 8.
 */
const RECORD_SIZE = 32;
const WHO_SIZE = 16 + NAME_BYTES_MAX;
/** The same of an input that waits for its tick: `u32 tick  u32 0` follow. */
const SCHEDULED_SIZE = RECORD_SIZE + 8;
/** Types that are no commands: the tick `seq` is done; the player in the seat left within it; crosser `seq` was not answered; an input waits. */
const STEPPED = 0xffff;
const LEFT = 0xfffe;
const FORGOT = 0xfffd;
const SCHEDULED = 0xfffc;

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What sizes follow from. */
export interface JournalShape {
  readonly zone: Zone;
  readonly seats: number;
  /** Bytes for all that lies beside the zone. Default: 256 KiB, and 320 for each seat. */
  readonly partsSize?: number;
}

export interface JournalOptions extends JournalShape {
  /** sizeOf bytes from `at` on, a multiple of 64; zeros where there was none before. */
  readonly buffer: Memory;
  readonly at?: number;
  /** Ticks from one image to the next. */
  readonly periodTicks: number;
  /** In which of them: so that not all zones take theirs in one tick. Default 0. */
  readonly phase?: number;
}

export class Journal implements CommandLog {
  /** Why there is none any more; "" as long as nothing is wrong. */
  lost = "";
  readonly #head: Int32Array;
  readonly #areas: readonly [Area, Area];
  readonly #sizes: AreaSizes;
  readonly #periodTicks: number;
  readonly #phase: number;
  /** With less room than that in the log an image is taken. */
  readonly #spareSize: number;
  /** Of that, what is for all but scheduled inputs. */
  readonly #keptSize: number;
  readonly #recordSizeMax: number;
  #world: World | null = null;
  #area: Area;
  /** Where the next record goes, and the log's size so far: what is between them does not count yet. */
  #end = 0;
  /** In which an image is due. */
  #nextTick = 0;
  /** How far the log was done again. */
  #at = 0;
  readonly #record: LoggedCommand = {
    ...{ type: 0, action: 0, seat: 0, seq: 0, dx: 0, dy: 0 },
    ...{ name: "", tag: 0, ack: 0, hasLeft: false, entity: NO_BYTES },
  };
  readonly #scheduled: Scheduled = { tick: 0, seq: 0, dx: 0, dy: 0, action: 0 };

  /** Bytes, a multiple of 64. */
  static sizeOf(shape: JournalShape): number {
    return HEAD_SIZE + 2 * areaSize(areaSizes(shape));
  }

  /** Of a world that there was none of, or of one to be taken up: see keep and resume. Throws BAD_ARGUMENT for a place that does not suffice. */
  constructor({ buffer, at = 0, periodTicks, phase = 0, ...shape }: JournalOptions) {
    checkPlace("a journal", buffer, at, Journal.sizeOf(shape));
    const sizes = areaSizes(shape);
    const second = at + HEAD_SIZE + areaSize(sizes);
    this.#head = new Int32Array(buffer, at, HEAD_SIZE / 4);
    this.#areas = [new Area(buffer, at + HEAD_SIZE, sizes), new Area(buffer, second, sizes)];
    this.#sizes = sizes;
    this.#periodTicks = periodTicks;
    this.#phase = phase;
    this.#spareSize = spareSize(shape);
    this.#keptSize = keptSize(shape);
    this.#recordSizeMax = RECORD_SIZE + WHO_SIZE + shape.zone.entityBytes;
    this.#area = this.#areas[Atomics.load(this.#head, CURRENT) === 2 ? 1 : 0];
    if (!this.isKept) this.#head.set(sizes, SIZES);
    this.#begin(this.imageTick);
    this.#end = Atomics.load(this.#area.words, LOG_SIZE);
  }

  /** Whether there is something to be taken up. */
  get isKept(): boolean {
    return Atomics.load(this.#head, CURRENT) !== 0;
  }

  /** The tick that the last image was taken after. */
  get imageTick(): number {
    return (this.#area.words[IMAGE_TICK] ?? 0) >>> 0;
  }

  /** Hears of everything that happens to this world from now on. Between two steps; an image is taken at once. */
  keep(world: World): void {
    this.#attach(world);
    this.#takeImage(world);
  }

  /** Takes an image if one is due. Between two steps, each time that what the world said in the last ones was handed on. */
  renew(): void {
    const world = this.#world;
    if (world === null || world.fault !== null) return;
    const isFull = this.#area.log.length - this.#end < this.#spareSize;
    if (isFull || world.zone.tick >= this.#nextTick) this.#takeImage(world);
  }

  /** The last image, valid until the next is complete. Who was kept is not any more. Throws IMAGE_BAD when there is none, or it is damaged. */
  image(): WorldImage {
    this.#detach();
    this.#at = 0;
    this.#end = Atomics.load(this.#area.words, LOG_SIZE);
    if (!this.isKept) throw bad("there is none");
    if (this.#sizes.some((size, i) => this.#head[SIZES + i] !== size)) throw bad("it is another world's");
    return { zone: this.#area.image, parts: this.#area.parts() };
  }

  /**
   * Does again what was done since the image, with a world that was just made of it, and keeps that from then on. What was pushed since its
   * last step waits in it then. Of ticks up to `told` its callbacks hear nothing (but for bots'), with Infinity not of what was pushed since
   * either. ticks: after so many it is to be called again.
   * Returns whether all is done. It is, too, when the world fails at it: see World.fault; then it is not kept. Throws IMAGE_BAD when the
   * world cannot be what the log is of.
   */
  resume(world: World, told: number, ticks = Number.POSITIVE_INFINITY): boolean {
    for (let n = 0; n < ticks && this.#at < this.#end && world.fault === null; n++) {
      if (this.#nextStep() <= told) silently(world, () => this.#doAgain(world));
      else this.#doAgain(world);
    }
    if (this.#at < this.#end && world.fault === null) return false;
    this.#at = 0;
    if (world.fault === null) this.#attach(world);
    return true;
  }

  // What the world says.

  pushed(type: number, action: number, seat: number, seq: number, dx: number, dy: number): void {
    const world = this.#world;
    if (world === null || !this.#hasRoom()) return;
    if (type === INPUT) this.#write(type, action, seat, seq, dx, dy);
    else if (type === DEPARTED) this.#write(type, action, seat, seq, dx, dy, 0, dy === 1);
    else if (type === ARRIVE) this.#writeArrival(world, action, seat, seq, dx, dy);
    else {
      this.#write(type, action, seat, seq, dx, dy, type === JOIN ? WHO_SIZE : 0);
      if (type === JOIN) this.#writeWho(world, seat);
    }
    this.#commit();
  }

  scheduled(tick: number, action: number, seat: number, seq: number, dx: number, dy: number): boolean {
    if (this.#world === null) return true;
    if (this.#area.log.length - this.#end < this.#keptSize) return false;
    this.#writeScheduled(tick, action, seat, seq, dx, dy);
    this.#commit();
    return true;
  }

  forgot(crosser: number): void {
    if (!this.#hasRoom()) return;
    this.#write(FORGOT, 0, NO_SEAT, crosser, 0, 0);
    this.#commit();
  }

  stepped(): void {
    const world = this.#world;
    if (world === null || !this.#hasRoom()) return;
    this.#write(STEPPED, 0, NO_SEAT, world.zone.tick, 0, 0);
    for (const seat of world.left) this.#write(LEFT, 0, seat, 0, 0, 0);
    this.#commit();
  }

  #attach(world: World): void {
    this.#world = world;
    world.log = this;
  }

  /** From here on nothing is kept: what there is would not be what the world is. */
  lose(why: string): void {
    this.lost = why;
    Atomics.store(this.#head, CURRENT, 0);
    this.#detach();
  }

  #detach(): void {
    if (this.#world !== null) this.#world.log = null;
    this.#world = null;
  }

  #takeImage(world: World): void {
    const current = Atomics.load(this.#head, CURRENT) === 1 ? 2 : 1;
    const area = this.#areas[current - 1] ?? this.#area;
    let parts: ReadonlyMap<string, string>;
    try {
      parts = world.saveParts();
    } catch (error) {
      this.lose((error as Error).message);
      return;
    }
    if (!area.setParts(parts)) {
      this.lose(`what ${world.name} keeps beside its columns does not fit ${area.partsSize} bytes`);
      return;
    }
    world.zone.saveInto(area.image);
    const { tick } = world.zone;
    area.words[IMAGE_TICK] = tick;
    this.#area = area;
    this.#end = 0;
    // Records are smaller than text, and written sooner.
    world.schedule.each((seat, { tick, action, seq, dx, dy }) => this.#writeScheduled(tick, action, seat, seq, dx, dy));
    this.#commit();
    Atomics.store(this.#head, CURRENT, current);
    this.#begin(tick);
  }

  /** The next image is due in the tick of the next period that has its phase. */
  #begin(tick: number): void {
    const period = this.#periodTicks;
    this.#nextTick = tick + period - ((((tick - this.#phase) % period) + period) % period);
  }

  // Records.

  /** More is never pushed between two images, or it is a mistake of ours that costs the journal. */
  #hasRoom(): boolean {
    if (this.#world === null) return false;
    if (this.#area.log.length - this.#end >= this.#recordSizeMax) return true;
    this.lose(`the journal of ${this.#world.name} is full`);
    return false;
  }

  /** tailSize: of what will follow it, a multiple of 8. */
  #write(
    type: number,
    action: number,
    seat: number,
    seq: number,
    dx: number,
    dy: number,
    tailSize = 0,
    hasLeft = false,
  ): void {
    const { words, doubles } = this.#area.logViews;
    const at = this.#end >>> 2;
    words[at] = type | (action << 16);
    words[at + 1] = seat;
    words[at + 2] = seq;
    words[at + 3] = tailSize | (hasLeft ? 1 << 16 : 0);
    doubles[(at + 4) >>> 1] = dx;
    doubles[(at + 6) >>> 1] = dy;
    this.#end += RECORD_SIZE;
  }

  #writeScheduled(tick: number, action: number, seat: number, seq: number, dx: number, dy: number): void {
    this.#write(SCHEDULED, action, seat, seq, dx, dy, SCHEDULED_SIZE - RECORD_SIZE);
    const { words } = this.#area.logViews;
    words[this.#end >>> 2] = tick;
    words[(this.#end >>> 2) + 1] = 0;
    this.#end += SCHEDULED_SIZE - RECORD_SIZE;
  }

  #writeArrival(world: World, action: number, seat: number, index: number, x: number, y: number): void {
    const entity = world.arriving(index);
    const isSeated = seat !== NO_SEAT;
    const size = entity.length + (isSeated ? WHO_SIZE : 0);
    this.#write(ARRIVE, action, seat, index, x, y, size, isSeated && !world.isTaken(seat));
    if (isSeated) this.#writeWho(world, seat);
    this.#area.log.set(entity, this.#end);
    this.#end += entity.length;
  }

  #writeWho(world: World, seat: number): void {
    const { log } = this.#area;
    const { words } = this.#area.logViews;
    const at = this.#end;
    const { written } = encoder.encodeInto(world.nameOf(seat), log.subarray(at + 16, at + WHO_SIZE));
    words[at >>> 2] = world.tags[seat] ?? 0;
    words[(at >>> 2) + 1] = world.acks[seat] ?? 0;
    words[(at >>> 2) + 2] = written;
    words[(at >>> 2) + 3] = 0;
    this.#end = at + WHO_SIZE;
  }

  #commit(): void {
    Atomics.store(this.#area.words, LOG_SIZE, this.#end);
  }

  /** A word of the record at a place in the log. */
  #word(at: number, word: number): number {
    return this.#area.logViews.words[(at >>> 2) + word] ?? 0;
  }

  /** The tick of the next step in the log; Infinity when there is none. */
  #nextStep(): number {
    for (let at = this.#at; at < this.#end; at = this.#behind(at)) {
      if ((this.#word(at, 0) & 0xffff) === STEPPED) return this.#word(at, 2);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Where the record behind this one is. */
  #behind(at: number): number {
    const end = at + RECORD_SIZE + (this.#word(at, 3) & 0xffff);
    if (end > this.#end) throw bad("a record of its log is cut off");
    return end;
  }

  /** Up to the next step, and that; or to the end. */
  #doAgain(world: World): void {
    const record = this.#record;
    while (this.#at < this.#end) {
      this.#read(this.#at);
      this.#at = this.#behind(this.#at);
      if (record.type === STEPPED) {
        world.step(record.seq);
        return;
      }
      if (record.type === LEFT) world.leaveAgain(record.seat);
      else if (record.type === SCHEDULED) world.scheduleAgain(record.seat, this.#scheduled);
      else if (record.type === FORGOT) world.forgetAgain(record.seq);
      else if (!world.pushAgain(record)) throw bad(`command ${record.type} of seat ${record.seat} cannot follow`);
    }
  }

  #read(at: number): void {
    const { log } = this.#area;
    const { doubles } = this.#area.logViews;
    const record = this.#record;
    const end = this.#behind(at);
    record.type = this.#word(at, 0) & 0xffff;
    record.action = this.#word(at, 0) >>> 16;
    record.seat = this.#word(at, 1);
    record.seq = this.#word(at, 2);
    record.hasLeft = this.#word(at, 3) >>> 16 === 1;
    record.dx = doubles[(at + 16) >>> 3] ?? 0;
    record.dy = doubles[(at + 24) >>> 3] ?? 0;
    if (record.type === SCHEDULED) {
      const { action, seq, dx, dy } = record;
      Object.assign(this.#scheduled, { tick: this.#word(at, RECORD_SIZE / 4), action, seq, dx, dy });
    }
    const who = at + RECORD_SIZE;
    const isWho = record.type === JOIN || (record.type === ARRIVE && record.seat !== NO_SEAT);
    record.tag = isWho ? this.#word(who, 0) : 0;
    record.ack = isWho ? this.#word(who, 1) : 0;
    const nameAt = who + 16;
    // A copy: what is shared is not decoded everywhere.
    record.name = isWho ? decoder.decode(log.slice(nameAt, nameAt + this.#word(who, 2))) : "";
    record.entity = log.subarray(isWho ? who + WHO_SIZE : who, end);
  }
}

/** An image, and the log behind it. */
class Area {
  readonly words: Int32Array;
  readonly image: Uint8Array;
  readonly log: Uint8Array;
  readonly logViews: { readonly words: Uint32Array; readonly doubles: Float64Array };
  readonly #parts: Uint8Array;
  readonly #partWords: Int32Array;

  constructor(buffer: Memory, at: number, [headSize, imageSize, partsSize, logSize]: AreaSizes) {
    const imageAt = at + headSize;
    const partsAt = imageAt + lines(imageSize);
    this.words = new Int32Array(buffer, at, headSize / 4);
    this.image = new Uint8Array(buffer, imageAt, imageSize);
    this.#parts = new Uint8Array(buffer, partsAt, partsSize);
    this.#partWords = new Int32Array(buffer, partsAt, partsSize / 4);
    const logAt = partsAt + partsSize;
    this.log = new Uint8Array(buffer, logAt, logSize);
    this.logViews = {
      words: new Uint32Array(buffer, logAt, logSize / 4),
      doubles: new Float64Array(buffer, logAt, logSize / 8),
    };
  }

  get partsSize(): number {
    return this.#parts.length;
  }

  /** False when they do not fit. Each is `u32 size of the name  u32 size of the text`, then both, up to a multiple of 4. */
  setParts(parts: ReadonlyMap<string, string>): boolean {
    let at = 0;
    for (const [name, text] of parts) {
      const nameEnd = this.#put(name, at + 8);
      const end = nameEnd < 0 ? -1 : this.#put(text, nameEnd);
      if (end < 0) return false;
      this.#partWords[at >>> 2] = nameEnd - at - 8;
      this.#partWords[(at >>> 2) + 1] = end - nameEnd;
      const next = (end + 3) & ~3;
      this.#parts.fill(0, end, next);
      at = next;
    }
    this.words[PARTS_COUNT] = parts.size;
    this.words[PARTS_END] = at;
    this.words[PARTS_SUM] = this.#sum(at);
    return true;
  }

  /** Throws IMAGE_BAD. */
  parts(): Map<string, string> {
    const end = this.words[PARTS_END] ?? 0;
    if (end > this.#parts.length || this.words[PARTS_SUM] !== this.#sum(end)) throw bad("its parts are damaged");
    const parts = new Map<string, string>();
    for (let at = 0; parts.size < (this.words[PARTS_COUNT] ?? 0); ) {
      const nameEnd = at + 8 + (this.#partWords[at >>> 2] ?? 0);
      const textEnd = nameEnd + (this.#partWords[(at >>> 2) + 1] ?? 0);
      // Copies: what is shared is not decoded everywhere.
      const [name, text] = [this.#parts.slice(at + 8, nameEnd), this.#parts.slice(nameEnd, textEnd)];
      parts.set(decoder.decode(name), decoder.decode(text));
      at = (textEnd + 3) & ~3;
    }
    return parts;
  }

  /** Where it ends; -1 when it does not fit. */
  #put(text: string, at: number): number {
    if (at > this.#parts.length) return -1;
    const { read, written } = encoder.encodeInto(text, this.#parts.subarray(at));
    return read === text.length ? at + written : -1;
  }

  #sum(end: number): number {
    let sum = end;
    for (let i = 0; i < end >>> 2; i++) sum = Math.imul(sum ^ (this.#partWords[i] ?? 0), 0x9e3779b1) + (sum >>> 15);
    return sum | 0;
  }
}

/** Bytes of an area's head, its zone, its parts, its log. */
type AreaSizes = readonly [number, number, number, number];

function areaSizes(shape: JournalShape): AreaSizes {
  const { zone, seats, partsSize = PARTS_SIZE + seats * PARTS_SEAT_SIZE } = shape;
  const log = spareSize(shape) + seats * (LOG_TICKS * RECORD_SIZE + SCHEDULED_MAX * SCHEDULED_SIZE);
  return [HEAD_SIZE, zone.imageSize, lines(partsSize), lines(log)];
}

/** Bytes of the log that a tick takes at most. Those who come by gates bring what they have scheduled. */
function spareSize(shape: JournalShape): number {
  const comers = Math.min(shape.seats, ARRIVALS_PER_TICK_MAX);
  return keptSize(shape) + (comers * SCHEDULED_MAX + shape.seats * SCHEDULED_PER_TICK) * SCHEDULED_SIZE;
}

/** And without scheduled inputs, and some more: a full ring of commands, all seats joining, all leaving, full gates. */
function keptSize({ zone, seats }: JournalShape): number {
  const records = zone.commands.capacity + SPARE_TICKS * (seats + CROSSERS_PER_TICK_MAX + 1);
  const comers = seats + ARRIVALS_PER_TICK_MAX;
  return records * RECORD_SIZE + comers * WHO_SIZE + (ARRIVALS_PER_TICK_MAX + 1) * zone.entityBytes;
}

/** Up to a whole number of cache lines. */
function lines(size: number): number {
  return Math.ceil(size / LINE_BYTES) * LINE_BYTES;
}

function areaSize(sizes: AreaSizes): number {
  return sizes.reduce((all, size) => all + lines(size), 0);
}

function bad(why: string): GyreError {
  return new GyreError("IMAGE_BAD", `not the journal of this world: ${why}`);
}

/** While it acts, the world says nothing to whoever serves its players or records it. */
export function silently(world: World, act: () => void): void {
  const { onEnter, onPossess, onTell, onState, onSeatMoved, onSeatCame, onCommand, onTurnedBack } = world;
  world.onEnter = world.onPossess = null;
  world.onTell = null;
  world.onState = null;
  world.onSeatMoved = null;
  world.onSeatCame = null;
  world.onCommand = null;
  world.onTurnedBack = null;
  try {
    act();
  } finally {
    Object.assign(world, { onEnter, onPossess, onTell, onState, onSeatMoved, onSeatCame, onCommand, onTurnedBack });
  }
}
