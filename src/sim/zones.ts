/**
 * The zones of a server, ticked together. They share a map and a game; each has its own memory, its own seed and its own players, and
 * none can see another: what goes from one to the other goes through a gate, between two ticks.
 *
 *     run      each zone that is awake, by index: its bots decide, it ticks
 *     cross    depart, receive, settle: each zone's crossers, by index: the target takes one in, or it stays (see border.ts)
 *     rest     zones that nobody is in or looks at fall asleep
 *
 * One thread that has all of them calls `step`. Where several threads share them, each has those that are at home with it, all by the index
 * that they have in the whole server, and calls the phases with the others.
 *
 * A tick costs what the zones that are awake cost: they are a set that is kept up to date, not searched for. A zone that sleeps costs
 * nothing, and one that stopped, because its game failed, neither; the others do not notice. Zone i of a server with seed s has seed
 * s + i. Nothing is allocated per tick.
 */
import { GyreError } from "../errors.js";
import type { Kernel } from "../kernel/types.js";
import { Bots } from "./bots.js";
import { Delays } from "./delays.js";
import type { Gate } from "./gates.js";
import { IndexSet } from "./index-set.js";
import { Passage } from "./passage.js";
import { type Instance, instanceAt, instancesOf, type Template } from "./template.js";
import type { Venues } from "./venue.js";
import { World, type WorldSpec } from "./world.js";

/** A zone's cost is averaged over about so many ticks. */
const COST_TICKS = 16;

/** Seconds that a game may take to set up one zone: it happens once, and nobody waits for a tick. */
const SETUP_SECONDS = 10;

export interface ZonesSpec {
  /** What all zones share. */
  readonly world: Omit<WorldSpec, "name" | "seed" | "gates">;
  /** How many zones, named zone-0, zone-1, ... or as the instances of the templates, of which there are as many. */
  readonly zones: number;
  /** Rooms. Default: none. */
  readonly templates?: readonly Template[];
  readonly seed: number;
  /** Of all zones. */
  readonly gates: readonly Gate[];
  /** Of each zone, of a room from when it is opened on; 0 where inputs come from a recording. */
  readonly bots: number;
  /** Ticks without players and watchers after which a zone falls asleep; 0 for never. Rooms have their own, which 0 turns off. */
  readonly sleepAfterTicks: number;
  /** Stands over code that may run for ever. Default: nobody does. */
  readonly guard?: Guard | null;
  /** The indexes of the zones that are made here, in ascending order. Default: all. */
  readonly mine?: readonly number[];
  /** By zone, who goes out of it: shared with whoever has the other zones. Needed where mine is given and there are gates. */
  readonly passages?: readonly (Passage | undefined)[];
  /** Milliseconds, to tell what zones cost. Default: they are taken to cost nothing. */
  readonly now?: () => number;
}

/** Stands over the ticks of zones whose games may run for ever. */
export interface Guard {
  /** Calls work and gives up on it after so many seconds, without a number after some; false then. Throws what work throws. */
  run(work: () => void, seconds?: number): boolean;
  /** Whether this run has used so much of its time that the next zone should get a run of its own. */
  readonly isWorn: boolean;
  /** Where a function is written, FILE:LINE:COLUMN, as far as the engine tells. */
  placeOf(code: (...args: never[]) => unknown): string | undefined;
}

export class Zones implements Venues {
  /** Entities that went through a gate of a zone that is here. */
  transfers = 0;
  /** What shall be late in the next {@link step}, as in a recording. */
  readonly delays = new Delays();
  /** A zone stopped, because its game failed or its kernel: world.fault says why. Called by rest, once for each. */
  onStop: ((world: World) => void) | null = null;

  /** Those that are here, by their index in the whole server, and in order. */
  readonly #worlds: (World | undefined)[];
  #all: readonly World[] = [];
  readonly #byName = new Map<string, number>();
  readonly #indexOf = new Map<World, number>();
  readonly #bots: (Bots | undefined)[];
  /** Of each zone, from its beginning. */
  readonly #botCount: number;
  readonly #guard: Guard | null;
  /** By zone; 0 for never. */
  readonly #sleepAfterTicks: Float64Array;
  readonly #hasGates: boolean;
  /** By zone: its gates, where each of them leads, and who goes out of it. */
  readonly #gates: readonly (readonly Gate[])[];
  readonly #passages: readonly (Passage | undefined)[];
  readonly #targets: readonly Int32Array[];
  /** Zones that are stepped. */
  readonly #awake: IndexSet;
  readonly #stopped: IndexSet;
  /** Sessions that are there, by zone. */
  readonly #watchers: Uint32Array;
  /** The last tick at which somebody was there, by zone. */
  readonly #busyTick: Float64Array;
  /** Milliseconds of a tick, averaged, by zone. */
  readonly #costsMs: Float64Array;
  readonly #now: () => number;
  readonly #stepping: () => void;
  #tick = 0;
  /** The zone that is stepped now, or was last. */
  #current = -1;

  /** Throws what {@link World} throws, GAME_FAILED for a game that cannot be set up. */
  static create(kernel: Kernel, spec: ZonesSpec): Zones {
    const instances = instancesOf(spec.zones, spec.templates ?? []);
    const worlds = new Array<World | undefined>(spec.zones).fill(undefined);
    const make = (i: number): void => {
      worlds[i] = new World(kernel, worldSpec(spec, i));
    };
    try {
      for (const i of spec.mine ?? worlds.keys()) {
        if (spec.guard === undefined || spec.guard === null) make(i);
        else if (!spec.guard.run(() => make(i), SETUP_SECONDS)) {
          throw new GyreError("GAME_FAILED", `${instances[i]?.name}: its setup did not come to an end`);
        }
      }
      return new Zones(worlds, instances, spec);
    } catch (error) {
      for (const world of worlds) world?.close();
      throw error;
    }
  }

  private constructor(worlds: readonly (World | undefined)[], instances: readonly Instance[], spec: ZonesSpec) {
    const { bots, seed, gates, sleepAfterTicks, guard, now = () => 0 } = spec;
    const count = worlds.length;
    for (const [i, { name }] of instances.entries()) this.#byName.set(name, i);
    this.#botCount = bots;
    this.#guard = guard ?? null;
    this.#sleepAfterTicks = Float64Array.from(instances, ({ template }) =>
      sleepAfterTicks === 0 ? 0 : (template?.lingerTicks ?? sleepAfterTicks),
    );
    this.#gates = instances.map(({ name }) => gates.filter(({ zone }) => zone === name));
    this.#hasGates = gates.length > 0;
    this.#passages = spec.passages ?? worlds.map((world) => passageOf(world));
    this.#targets = this.#gates.map((all) => Int32Array.from(all, ({ to }) => this.#byName.get(to) ?? -1));
    this.#awake = new IndexSet(count);
    this.#stopped = new IndexSet(count);
    this.#watchers = new Uint32Array(count);
    this.#busyTick = new Float64Array(count);
    this.#costsMs = new Float64Array(count);
    this.#now = now;
    this.#stepping = () => this.#stepAwake();
    this.#worlds = new Array<World | undefined>(count).fill(undefined);
    this.#bots = new Array<Bots | undefined>(count).fill(undefined);
    for (const [i, world] of worlds.entries()) {
      if (world === undefined) continue;
      this.put(i, world, new Bots(world, world.isRoom ? 0 : bots, seed + i));
      this.#tick = world.zone.tick;
    }
    this.#busyTick.fill(this.#tick);
  }

  /** Those that are here, in order of their index. */
  get all(): readonly World[] {
    return this.#all;
  }

  /** How many the server has. */
  get count(): number {
    return this.#worlds.length;
  }

  /** By index; undefined for one that is not here. */
  at(index: number): World | undefined {
    return this.#worlds[index];
  }

  /** A world is here from now on, in place of the one that was; undefined for none. It is stepped unless it sleeps or stopped. */
  put(index: number, world: World | undefined, bots?: Bots): void {
    const former = this.#worlds[index];
    if (former !== undefined) this.#indexOf.delete(former);
    this.#worlds[index] = world;
    this.#bots[index] = bots;
    this.#all = this.#worlds.filter((one) => one !== undefined);
    for (const set of [this.#awake, this.#stopped]) set.delete(index);
    if (world === undefined) return;
    this.#indexOf.set(world, index);
    if (world.fault !== null) this.#stopped.add(index);
    else if (!world.asleep || world.pending > 0) this.#awake.add(index);
    world.onWake = () => this.#wake(index);
    world.onReset = () => this.#bots[index]?.restart(this.#botCount);
  }

  find(name: string): World | undefined {
    return this.#worlds[this.#byName.get(name) ?? -1];
  }

  /** The first zone without a name. Throws ZONE_UNKNOWN. */
  get(name?: string): World {
    const world = name === undefined ? this.all[0] : this.find(name);
    if (world === undefined) throw new GyreError("ZONE_UNKNOWN", `there is no zone ${JSON.stringify(name)}`);
    return world;
  }

  /** The tick of the server: that of every zone which is awake, and the one that a sleeping zone wakes at. */
  get tick(): number {
    return this.#tick;
  }

  get awake(): number {
    return this.#awake.count;
  }

  /** Microseconds of a tick of the zone, averaged over the last few; 0 while it sleeps. */
  costUs(zone: number): number {
    return this.#awake.has(zone) ? 1000 * this.#costsMs[zone]! : 0;
  }

  get stopped(): number {
    return this.#stopped.count;
  }

  get asleep(): number {
    return this.all.length - this.awake - this.stopped;
  }

  /** Entities that were refused at a gate. */
  get transfersRefused(): number {
    let count = 0;
    for (const world of this.all) count += world.refusals;
    return count;
  }

  /** Entities in all zones, rooms that are closed aside. */
  get entities(): number {
    let count = 0;
    for (const world of this.all) if (!(world.isRoom && world.asleep)) count += world.zone.count;
    return count;
  }

  /** Players in all zones, bots aside. */
  get players(): number {
    let count = 0;
    for (const world of this.all) count += world.players;
    return count;
  }

  /**
   * Somebody looks at the zone, and wants it to run: it wakes, and is stepped with the others from the next step on. Each call needs
   * its {@link unwatch}. Players keep their zone awake by being in it; a room is open for players alone. O(1).
   */
  watch(world: World): void {
    const i = this.#indexOf.get(world);
    if (i === undefined || world.isRoom) return;
    this.#watchers[i] = (this.#watchers[i] ?? 0) + 1;
    // No room for the command means that others wait in the ring, and they wake it as well.
    if (world.asleep || world.isDrowsy) world.wake();
  }

  /** One who looked at the zone does not any more. */
  unwatch(world: World): void {
    const i = this.#indexOf.get(world);
    if (i !== undefined && !world.isRoom) this.#watchers[i] = (this.#watchers[i] ?? 0) - 1;
  }

  /** One tick of every zone that is awake. For who has all zones. */
  step(): void {
    this.begin(this.#tick + 1);
    this.#current = -1;
    if (this.#guard === null) {
      this.#stepAwake();
    } else {
      while (this.#awake.next(this.#current + 1) >= 0) {
        if (!this.#guard.run(this.#stepping)) this.#abandon(this.#guard);
      }
    }
    if (this.depart() > 0) {
      this.receive();
      this.settle();
    }
    this.rest();
    this.delays.clear();
  }

  // The phases of a tick, for who shares the zones with others.

  begin(tick: number): void {
    this.#tick = tick;
  }

  /** The index of the first zone from `from` on that is here and takes part in this tick; -1 when there is none. */
  nextAwake(from: number): number {
    return this.#awake.next(from);
  }

  /** What bots want before the zone's step. */
  decide(index: number): void {
    if (this.#worlds[index]?.isDrowsy === false) this.#bots[index]?.decide(this.#tick);
  }

  /** Writes down who wants to go out of the zones that are here. Returns how many ask. */
  depart(): number {
    let asking = 0;
    if (!this.#hasGates) return 0;
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      const [passage, targets] = [this.#passages[i], this.#targets[i]];
      if (passage === undefined || targets === undefined || this.delays.isHeld(i)) continue;
      // One that does the tick again may have asked before.
      passage.begin(this.#tick);
      if (this.#world(i).crossers === 0) continue;
      this.#world(i).depart(passage, targets);
      asking += passage.count(this.#tick);
    }
    return asking;
  }

  /** Nobody goes anywhere in this tick: who stands in a gate asks again in the next. */
  turnBack(): void {
    if (!this.#hasGates) return;
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      // Nobody who is late finds them asking.
      this.#passages[i]?.begin(this.#tick);
      this.#world(i).turnBack();
    }
  }

  /**
   * Answers those who want to come into the zones that are here: in order of the zones that they come from. takesPart: whether a zone hears
   * the answers in this tick.
   */
  receive(takesPart: (from: number) => boolean = () => true): void {
    for (let from = 0; from < this.#passages.length; from++) {
      const passage = this.#passages[from];
      const count = passage?.count(this.#tick) ?? 0;
      if (count === 0 || !takesPart(from)) continue;
      for (let record = 0; passage !== undefined && record < count; record++) {
        const gate = this.#gates[from]?.[passage.gate(record)];
        if (this.delays.isTurnedBack(from, passage.crosser(record))) continue;
        if (gate !== undefined) this.#worlds[passage.to(record)]?.receive(passage, record, gate);
      }
    }
  }

  /** Acts on the answers to those who wanted to go. */
  settle(): void {
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      const passage = this.#passages[i];
      if (passage !== undefined) this.transfers += this.#world(i).settle(passage);
    }
  }

  /** Takes out of the set what stopped or sleeps, and tells those to sleep where nobody has been for so long. */
  rest(): void {
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      const world = this.#world(i);
      if (world.fault !== null) this.#retire(i, world);
      else if (world.asleep && world.pending === 0) this.#awake.delete(i);
      else if (this.#sleepAfterTicks[i] !== 0) this.#mayRest(i, world);
    }
  }

  close(): void {
    for (const world of this.all) world.close();
  }

  #world(i: number): World {
    const world = this.#worlds[i];
    if (world === undefined) throw new GyreError("BAD_ARGUMENT", `zone ${i} of ${this.count}`);
    return world;
  }

  /** Steps the zones after the current one, as far as the guard lets it. */
  #stepAwake(): void {
    let startMs = this.#now();
    for (let i = this.#awake.next(this.#current + 1); i >= 0; i = this.#awake.next(i + 1)) {
      this.#current = i;
      if (this.delays.isHeld(i)) continue;
      this.decide(i);
      this.#world(i).step(this.#tick);
      const endMs = this.#now();
      this.#costsMs[i]! += (endMs - startMs - this.#costsMs[i]!) / COST_TICKS;
      startMs = endMs;
      if (this.#guard?.isWorn) return;
    }
  }

  /** The zone that was stepped when the guard gave up. */
  #abandon(guard: Guard): void {
    const world = this.#worlds[this.#current];
    const { running } = world?.rules ?? {};
    world?.stop(
      "it did not come to an end",
      running === undefined || running === null ? undefined : guard.placeOf(running),
    );
  }

  #mayRest(i: number, world: World): void {
    const isBusy = world.players > 0 || (this.#watchers[i] ?? 0) > 0;
    if (isBusy) this.#busyTick[i] = this.#tick;
    if (this.#tick - (this.#busyTick[i] ?? 0) >= (this.#sleepAfterTicks[i] ?? 0)) world.sleep();
  }

  #retire(i: number, world: World): void {
    this.#awake.delete(i);
    this.#stopped.add(i);
    this.onStop?.(world);
  }

  #wake(i: number): void {
    this.#awake.add(i);
    this.#busyTick[i] = this.#tick;
  }
}

/** What makes zone i. */
export function worldSpec({ world, templates = [], seed, gates }: ZonesSpec, i: number): WorldSpec {
  const { name, template } = instanceAt(templates, i);
  const spec = { ...world, name, seed: seed + i, phase: i, gates: gates.filter(({ zone }) => zone === name) };
  if (template === undefined) return spec;
  const { seats, zone, maxPlayers: playersMax } = template;
  return { ...spec, seats, zone, playersMax, template: template.name };
}

function passageOf(world: World | undefined): Passage | undefined {
  return world === undefined || world.gates.length === 0 ? undefined : new Passage(world.zone.entityBytes);
}
