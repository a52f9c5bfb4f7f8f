/**
 * Zones that are each kept in a journal, driven by a seed through everything that happens to zones, in its single steps; and ended
 * at a moment that a test chooses, to be taken up again by what the journal says. Two of them of one seed must tell one story.
 */
import type { Game } from "../../src/game/define.js";
import { entityBytes } from "../../src/kernel/transfer.js";
import type { Kernel } from "../../src/kernel/types.js";
import { Bots } from "../../src/sim/bots.js";
import { Journal, type JournalShape } from "../../src/sim/journal.js";
import { Passage } from "../../src/sim/passage.js";
import { World } from "../../src/sim/world.js";
import { worldSpec, Zones, type ZonesSpec } from "../../src/sim/zones.js";
import { Random } from "./random.js";
import { planOf, type TestZones } from "./worlds.js";

/** What is thrown in the place where a thread would have ended. */
export class Ended extends Error {}

/** Ends whoever writes into a buffer, at the n-th word that says that something is complete. */
class Reaper {
  #buffer: ArrayBufferLike | null = null;
  #countdown = 0;
  readonly #store = Atomics.store;

  /** onEnd gives what is to be thrown. */
  constructor(onEnd: () => Error) {
    const store = this.#store as (words: Int32Array, index: number, value: number) => number;
    const reaped = (words: Int32Array, index: number, value: number): number => {
      if (words.buffer === this.#buffer && this.#countdown-- === 0) throw onEnd();
      return store(words, index, value);
    };
    Atomics.store = reaped as unknown as typeof Atomics.store;
  }

  /** A buffer of which nothing is written, or null: nobody is to be ended. */
  arm(buffer: ArrayBufferLike | null, countdown = 0): void {
    this.#buffer = buffer;
    this.#countdown = countdown;
  }

  close(): void {
    Atomics.store = this.#store;
  }
}

/** Ticks from one image to the next. */
const PERIODS = [1, 2, 7, 19, 60];

/** Where a zone is ended: before what it is about to do, after it, at a callback of it, or at a word of its journal. */
const MOMENTS = ["before", "after", "callback", "journal"] as const;
type Moment = (typeof MOMENTS)[number];

export interface KeptSpec extends Partial<TestZones> {
  readonly game: Game;
  readonly kernel: Kernel;
  readonly zones: number;
  readonly seed: number;
  readonly sleepAfterTicks?: number;
}

interface Kept {
  readonly journal: Journal;
  readonly buffer: SharedArrayBuffer;
}

export class KeptZones {
  readonly zones: Zones;
  readonly stories: string[][][] = [];
  /** Times that a zone was ended. */
  ends = 0;
  /** Times that a zone began anew. */
  resets = 0;

  readonly #spec: ZonesSpec;
  readonly #kernel: Kernel;
  readonly #seed: number;
  readonly #random: Random;
  /** Whether, where and when; null for zones that are left alone. */
  readonly #fate: Random | null;
  readonly #reaper: Reaper | null;
  readonly #kept: (Kept | null)[] = [];
  readonly #passages: readonly Passage[];
  readonly #targets: readonly Int32Array[];
  readonly #partsSize = 65_536;
  /** By zone: the ticks of its steps, the step that it is in, and the tick of which it is said that outputs were handed on. */
  readonly #ticks: number[][] = [];
  readonly #steps: number[] = [];
  readonly #told: number[] = [];
  #callbacksLeft = -1;
  /** Whether its thread ended in what a zone is doing, whoever caught what was thrown for it. */
  #hasEnded = false;
  /** By zone: inputs that are given right before its step, as seats would hold them back. */
  readonly #lateInputs: (() => void)[][] = [];
  #names = 0;

  /** fate: a seed for when zones end, undefined for never; keeps: whether there are journals at all. */
  static async create(spec: KeptSpec, keeps: boolean, fate?: number): Promise<KeptZones> {
    const plan = await planOf(spec);
    const { zones, seed, bots = 0, sleepAfterTicks = 0 } = spec;
    const gates = [...plan.gates];
    const passages = Array.from({ length: zones }, () => {
      return new Passage(entityBytes(Object.keys(plan.world.zone.columns ?? {}).length));
    });
    return new KeptZones(
      spec.kernel,
      { world: plan.world, zones, seed, gates, bots, sleepAfterTicks, passages },
      keeps,
      fate,
    );
  }

  private constructor(kernel: Kernel, spec: ZonesSpec, keeps: boolean, fate: number | undefined) {
    this.#kernel = kernel;
    this.#spec = spec;
    this.#seed = spec.seed;
    this.#random = new Random(spec.seed * 7 + 1);
    this.#fate = fate === undefined ? null : new Random(fate);
    this.#reaper = fate === undefined ? null : new Reaper(() => this.#end());
    this.zones = Zones.create(kernel, spec);
    this.#passages = (spec.passages ?? []) as readonly Passage[];
    const indexOf = (name: string): number => this.zones.all.findIndex((world) => world.name === name);
    this.#targets = this.zones.all.map((world) => Int32Array.from(world.gates, ({ to }) => indexOf(to)));
    for (const [i, world] of this.zones.all.entries()) {
      this.stories.push([[]]);
      this.#ticks.push([]);
      this.#steps.push(0);
      this.#told.push(0);
      this.#lateInputs.push([]);
      this.#attach(world, i);
      this.#kept.push(keeps ? this.#keep(i, world) : null);
    }
  }

  /** One tick, in single steps that may each be the last of a zone's thread. */
  tick(tick: number): void {
    const { zones } = this;
    zones.begin(tick);
    this.#visit(tick);
    for (let i = 0; i < zones.count; i++) if (zones.nextAwake(i) === i) this.#step(i, tick);
    // As in a tick that is made up for.
    const turnsBack = this.#random.integer(0, 7) === 0;
    for (let i = 0; i < zones.count; i++) {
      const act = (world: World): void => (turnsBack ? world.turnBack() : this.#depart(i, world));
      if (zones.nextAwake(i) === i) this.#do(i, act, true);
    }
    // What was said in this tick is handed on, after which an image may be taken.
    for (let i = 0; i < zones.count; i++) {
      this.#told[i] = tick;
      this.#do(i, () => this.#kept[i]?.journal.renew(), true);
    }
    for (let from = 0; from < zones.count; from++) this.#receive(from, tick);
    for (let i = 0; i < zones.count; i++) {
      if (zones.nextAwake(i) === i) this.#do(i, (world) => world.settle(this.#passage(i)), true);
    }
    zones.rest();
  }

  hashes(): string {
    return this.zones.all.map((world) => world.hash().toString(16)).join();
  }

  digests(): Map<string, bigint>[] {
    return this.zones.all.map((world) => new Map(world.digests()));
  }

  close(): void {
    this.#reaper?.close();
    this.zones.close();
  }

  #passage(i: number): Passage {
    const passage = this.#passages[i];
    if (passage === undefined) throw new Error(`zone ${i}`);
    return passage;
  }

  #world(i: number): World {
    const world = this.zones.at(i);
    if (world === undefined) throw new Error(`zone ${i}`);
    return world;
  }

  #shape(world: World): JournalShape {
    return { zone: world.zone, seats: world.seats, partsSize: this.#partsSize };
  }

  #keep(i: number, world: World): Kept {
    const shape = this.#shape(world);
    const buffer = new SharedArrayBuffer(Journal.sizeOf(shape));
    const journal = this.#journal(i, world, buffer);
    journal.keep(world);
    return { journal, buffer };
  }

  #journal(i: number, world: World, buffer: SharedArrayBuffer): Journal {
    const periodTicks = PERIODS[(this.#seed + i) % PERIODS.length] ?? 1;
    return new Journal({ ...this.#shape(world), buffer, periodTicks, phase: i });
  }

  /** What the zone says goes into the story of the step that it says it in, or that comes next. */
  #attach(world: World, i: number): void {
    const say = (text: string): void => {
      if (this.#callbacksLeft-- === 0) throw this.#end();
      const step = this.#steps[i] ?? 0;
      const story = this.stories[i] ?? [];
      story[step] ??= [];
      story[step]?.push(text);
    };
    world.onEnter = (seat, id) => {
      say(`${seat} ${world.nameOf(seat)} enters as ${id}, tag ${world.tags[seat]}`);
      // Some are gone before they are in.
      if (id % 7 === 3) world.leave(seat);
    };
    world.onPossess = (seat, id) => say(`${seat} has ${id}`);
    world.onTell = ({ name, data, seat, x, y, radius }) => {
      say(`${name} ${data} to ${seat} at ${x},${y} ${radius}`);
      const other = data.length % world.seats;
      // Bots are their keeper's.
      if (data.length % 16 === 5 && !world.isBot(other)) world.leave(other);
    };
    world.onSeatMoved = (from, to, seat) => say(`${from} is ${seat} in ${to}`);
    world.onSeatCame = (seat) => say(`${world.nameOf(seat)}, tag ${world.tags[seat]}, comes to ${seat}`);
    world.onCommand = ({ type, action, seat, seq, dx, dy }) => say([type, action, seat, seq, dx, dy].join());
  }

  #end(): Ended {
    this.#hasEnded = true;
    return new Ended("ended");
  }

  /**
   * Does something with a zone, and ends its thread before, meanwhile or after; then it is taken up, and does what is left of it. again:
   * what was done already may be done once more.
   */
  #do(i: number, act: (world: World) => void, again = false, moments: readonly Moment[] = MOMENTS): void {
    const moment = this.#doom(i, moments);
    if (moment === "before") this.#takeUp(i);
    this.#hasEnded = moment === "after";
    try {
      act(this.#world(i));
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    }
    this.#callbacksLeft = -1;
    this.#reaper?.arm(null);
    const { fault } = this.#world(i);
    if (fault !== null && !this.#hasEnded) throw fault;
    if (!this.#hasEnded) return;
    this.#takeUp(i);
    if (moment !== "after" || again) act(this.#world(i));
  }

  #doom(i: number, moments: readonly Moment[]): Moment | null {
    const fate = this.#fate;
    const kept = this.#kept[i];
    if (fate === null || kept === null || kept === undefined || fate.float() > 0.02) return null;
    const moment = fate.pick(moments);
    if (moment === "callback") this.#callbacksLeft = fate.integer(0, 6);
    if (moment === "journal") this.#reaper?.arm(kept.buffer, fate.integer(0, 6));
    return moment;
  }

  /** Another thread: it has nothing but the buffers. */
  #takeUp(i: number): void {
    const former = this.#world(i);
    const kept = this.#kept[i];
    if (kept === null || kept === undefined) throw new Error("it was not kept");
    this.ends++;
    this.#garble(kept.buffer, former);
    const { columns } = former.zone;
    if (this.#fate?.integer(0, 1) === 0) for (const column of [columns.x, columns.hp, columns.alive]) column.fill(77);
    const journal = this.#journal(i, former, kept.buffer);
    this.#kept[i] = { ...kept, journal };
    const told = (this.#told[i] ?? 0) - (this.#fate?.integer(0, 2) === 0 ? this.#lag(i) : 0);
    const world = new World(this.#kernel, { ...worldSpec(this.#spec, i), saved: journal.image(), memory: former.zone });
    this.#attach(world, i);
    // Before or after it is what it was: it makes no difference.
    const isEarly = this.ends % 2 === 0;
    if (isEarly) this.zones.put(i, world, new Bots(world, 0, this.#seed + i));
    const ticks = this.#ticks[i] ?? [];
    const isKnown = (step: number): boolean => (ticks[step] ?? Number.POSITIVE_INFINITY) <= told;
    // What was said since will be said again.
    (this.stories[i] ?? []).forEach((story, step) => {
      if (!isKnown(step)) story.length = 0;
    });
    this.#steps[i] = world.zone.tick === 0 ? 0 : ticks.indexOf(world.zone.tick) + 1;
    for (let isDone = false; !isDone; ) {
      const { tick } = world.zone;
      isDone = journal.resume(world, told, 1);
      if (world.zone.tick !== tick) this.#steps[i] = ticks.indexOf(world.zone.tick) + 1;
    }
    if (!isEarly || world.asleep) this.zones.put(i, world, new Bots(world, 0, this.#seed + i));
  }

  /** Ticks by which who serves players is behind: not further than the image. */
  #lag(i: number): number {
    const image = this.#kept[i]?.journal.imageTick ?? 0;
    return Math.max(0, Math.min(3, (this.#told[i] ?? 0) - image));
  }

  /** What an ended writer leaves, as long as nothing says that it is complete: anything. */
  #garble(buffer: SharedArrayBuffer, world: World): void {
    const fate = this.#fate ?? new Random(1);
    const bytes = new Uint8Array(buffer);
    const words = new Int32Array(buffer);
    const areaSize = (buffer.byteLength - 64) / 2;
    const current = words[0] ?? 0;
    const other = 64 + (2 - current) * areaSize;
    const start = 64 + (current - 1) * areaSize;
    const logAt = start + 64 + Math.ceil(world.zone.imageSize / 64) * 64 + this.#partsSize;
    const noise = Uint8Array.from({ length: 256 }, () => fate.integer(0, 255));
    for (let at = other; at < other + areaSize; at++) bytes[at] = noise[at & 255] ?? 0;
    const end = logAt + (words[start / 4] ?? 0);
    for (let at = end; at < start + areaSize; at++) bytes[at] = noise[at & 255] ?? 0;
  }

  /** Joins, leaves and inputs, from a seed and what the zones are. */
  #visit(tick: number): void {
    const random = this.#random;
    const { zones } = this;
    for (let n = random.integer(0, 5); n > 0; n--) {
      const i = random.integer(0, zones.count - 1);
      const [chance, dx, dy, action] = [random.float(), random.float() * 2 - 1, random.float(), random.integer(0, 2)];
      const seat = random.integer(0, this.#world(i).seats - 1);
      const name = `p${this.#names++}`;
      const input = (world: World): void => void world.input(seat, tick, dx, dy, action);
      const ahead = tick + random.integer(1, 20);
      this.#do(i, (world) => {
        if (chance > 0.97) this.resets += Number(world.reset(tick));
        else if (chance < 0.12 && world.seatsInUse < world.seats) world.join(name, false, tick);
        else if (chance < 0.15 && !world.isBot(seat)) world.leave(seat);
        else if (chance < 0.5 && !world.isBot(seat)) world.input(seat, tick, dx, dy, action, ahead);
        else if (chance < 0.85 && !world.isBot(seat) && !world.hasSpoken(seat)) input(world);
      });
      // What is held back until the step is lost with a thread that ends before.
      if (chance > 0.6) this.#lateInputs[i]?.push(() => input(this.#world(i)));
    }
  }

  #step(i: number, tick: number): void {
    const inputs = this.#lateInputs[i] ?? [];
    this.#do(
      i,
      (world) => {
        for (const input of inputs.splice(0)) input();
        this.zones.decide(i);
        world.step(tick);
        if (world.fault === null) (this.#ticks[i] ?? [])[this.#steps[i] ?? 0] = tick;
        if (world.fault === null) this.#steps[i] = (this.#steps[i] ?? 0) + 1;
      },
      false,
      inputs.length === 0 ? MOMENTS : ["after", "callback"],
    );
  }

  #depart(i: number, world: World): void {
    if (world.gates.length > 0) world.depart(this.#passage(i), this.#targets[i] ?? new Int32Array(0));
  }

  #receive(from: number, tick: number): void {
    const passage = this.#passage(from);
    for (let record = 0; record < passage.count(tick); record++) {
      const [to, gate] = [passage.to(record), this.#world(from).gates[passage.gate(record)]];
      if (to < 0 || gate === undefined) continue;
      const { ends } = this;
      const receive = (world: World): void => {
        // Taken up in the middle of this, it answers all again.
        if (this.ends !== ends) this.#receiveAgain(world, to, from, record, tick);
        else world.receive(passage, record, gate);
      };
      this.#do(to, receive, true);
    }
  }

  #receiveAgain(world: World, to: number, last: number, lastRecord: number, tick: number): void {
    for (let from = 0; from <= last; from++) {
      const passage = this.#passage(from);
      for (let record = 0; record < passage.count(tick); record++) {
        const gate = this.#world(from).gates[passage.gate(record)];
        const isNext = from < last || record <= lastRecord;
        if (passage.to(record) === to && gate !== undefined && isNext) world.receive(passage, record, gate);
      }
    }
  }
}
