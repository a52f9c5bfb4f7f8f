/**
 * All zones of a server, ticked together. They share a map and a game; each has its own memory, its own seed and its own players, and
 * none can see another: what goes from one to the other goes through a gate, between two ticks.
 *
 *     step     each zone that is awake, by index: its bots decide, it ticks
 *     cross    each zone's crossers, by index: the target takes one in, or it stays
 *     rest     zones that nobody is in or looks at fall asleep
 *
 * A tick costs what the zones that are awake cost: they are a set that is kept up to date, not searched for. A zone that sleeps costs
 * nothing, and one that stopped, because its game failed, neither; the others do not notice. Zone i of a server with seed s has seed
 * s + i. Nothing is allocated per tick.
 */
import { GyreError } from "../errors.js";
import type { Kernel } from "../kernel/types.js";
import { Bots } from "./bots.js";
import type { Gate } from "./gates.js";
import { IndexSet } from "./index-set.js";
import { World, type WorldSpec } from "./world.js";

/** Seconds that a game may take to set up one zone: it happens once, and nobody waits for a tick. */
const SETUP_SECONDS = 10;

export interface ZonesSpec {
  /** What all zones share. */
  readonly world: Omit<WorldSpec, "name" | "seed" | "gates">;
  /** How many zones, named zone-0, zone-1, ... */
  readonly zones: number;
  readonly seed: number;
  /** Of all zones. */
  readonly gates: readonly Gate[];
  /** Of each zone; 0 where inputs come from a recording. */
  readonly bots: number;
  /** Ticks without players and watchers after which a zone falls asleep; 0 for never. */
  readonly sleepAfterTicks: number;
  /** Stands over code that may run for ever. Default: nobody does. */
  readonly guard?: Guard | null;
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

export class Zones {
  readonly all: readonly World[];
  /** Entities that went through a gate. */
  transfers = 0;
  /** A zone stopped, because its game failed or its kernel: world.fault says why. Called at the end of the step, once for each. */
  onStop: ((world: World) => void) | null = null;

  readonly #byName: ReadonlyMap<string, World>;
  readonly #indexOf: ReadonlyMap<World, number>;
  readonly #bots: readonly Bots[];
  readonly #guard: Guard | null;
  readonly #sleepAfterTicks: number;
  readonly #hasGates: boolean;
  /** Zones that are stepped. */
  readonly #awake: IndexSet;
  /** Of those, the ones that were told to sleep and will by the end of the next step, unless something comes. */
  readonly #drowsy: IndexSet;
  readonly #stopped: IndexSet;
  /** Sessions that are there, by zone. */
  readonly #watchers: Uint32Array;
  /** The last tick at which somebody was there, by zone. */
  readonly #busyTick: Float64Array;
  readonly #stepping: () => void;
  #tick: number;
  /** The zone that is stepped now, or was last. */
  #current = -1;

  /** Throws what {@link World} throws, GAME_FAILED for a game that cannot be set up. */
  static create(kernel: Kernel, spec: ZonesSpec): Zones {
    const worlds: World[] = [];
    const make = (): void => {
      const name = `zone-${worlds.length}`;
      const gates = spec.gates.filter(({ zone }) => zone === name);
      worlds.push(new World(kernel, { ...spec.world, name, seed: spec.seed + worlds.length, gates }));
    };
    try {
      for (let i = 0; i < spec.zones; i++) {
        if (spec.guard === undefined || spec.guard === null) make();
        else if (!spec.guard.run(make, SETUP_SECONDS)) {
          throw new GyreError("GAME_FAILED", `zone-${i}: its setup did not come to an end`);
        }
      }
      return new Zones(worlds, spec);
    } catch (error) {
      for (const world of worlds) world.close();
      throw error;
    }
  }

  private constructor(worlds: readonly World[], { bots, seed, gates, sleepAfterTicks, guard }: ZonesSpec) {
    this.all = worlds;
    this.#byName = new Map(worlds.map((world) => [world.name, world]));
    this.#indexOf = new Map(worlds.map((world, i) => [world, i]));
    this.#bots = worlds.map((world, i) => new Bots(world, bots, seed + i));
    this.#guard = guard ?? null;
    this.#sleepAfterTicks = sleepAfterTicks;
    this.#hasGates = gates.length > 0;
    this.#awake = new IndexSet(worlds.length);
    this.#drowsy = new IndexSet(worlds.length);
    this.#stopped = new IndexSet(worlds.length);
    this.#watchers = new Uint32Array(worlds.length);
    this.#tick = worlds[0]?.zone.tick ?? 0;
    this.#busyTick = new Float64Array(worlds.length).fill(this.#tick);
    this.#stepping = () => this.#stepAwake();
    for (let i = 0; i < worlds.length; i++) {
      this.#awake.add(i);
      this.#world(i).onWake = () => this.#wake(i);
    }
  }

  find(name: string): World | undefined {
    return this.#byName.get(name);
  }

  /** The first zone without a name. Throws ZONE_UNKNOWN. */
  get(name?: string): World {
    const world = name === undefined ? this.all[0] : this.#byName.get(name);
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

  /** Entities in all zones. */
  get entities(): number {
    let count = 0;
    for (const world of this.all) count += world.zone.count;
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
   * its {@link unwatch}. Players keep their zone awake by being in it. O(1).
   */
  watch(world: World): void {
    const i = this.#indexOf.get(world);
    if (i === undefined) return;
    this.#watchers[i] = (this.#watchers[i] ?? 0) + 1;
    // No room for the command means that others wait in the ring, and they wake it as well.
    if (world.asleep || this.#drowsy.has(i)) world.wake();
  }

  /** One who looked at the zone does not any more. */
  unwatch(world: World): void {
    const i = this.#indexOf.get(world);
    if (i !== undefined) this.#watchers[i] = (this.#watchers[i] ?? 0) - 1;
  }

  /** One tick of every zone that is awake. */
  step(): void {
    this.#tick++;
    this.#current = -1;
    if (this.#guard === null) {
      this.#stepAwake();
    } else {
      while (this.#awake.next(this.#current + 1) >= 0) {
        if (!this.#guard.run(this.#stepping)) this.#abandon(this.#guard);
      }
    }
    if (this.#hasGates) this.#cross();
    this.#rest();
  }

  close(): void {
    for (const world of this.all) world.close();
  }

  #world(i: number): World {
    const world = this.all[i];
    if (world === undefined) throw new GyreError("BAD_ARGUMENT", `zone ${i} of ${this.all.length}`);
    return world;
  }

  /** Steps the zones after the current one, as far as the guard lets it. */
  #stepAwake(): void {
    for (let i = this.#awake.next(this.#current + 1); i >= 0; i = this.#awake.next(i + 1)) {
      this.#current = i;
      const world = this.#world(i);
      if (!this.#drowsy.has(i)) this.#bots[i]?.decide(this.#tick);
      world.step(this.#tick);
      if (this.#guard?.isWorn) return;
    }
  }

  /** The zone that was stepped when the guard gave up. */
  #abandon(guard: Guard): void {
    const world = this.all[this.#current];
    const { running } = world?.rules ?? {};
    world?.stop(
      "it did not come to an end",
      running === undefined || running === null ? undefined : guard.placeOf(running),
    );
  }

  #cross(): void {
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      const world = this.#world(i);
      for (let crosser = 0; crosser < world.crossers; crosser++) {
        if (world.cross(crosser, this.#byName.get(world.gateOf(crosser).to))) this.transfers++;
      }
    }
  }

  /** Takes out of the set what stopped or sleeps, and tells those to sleep where nobody has been for so long. */
  #rest(): void {
    for (let i = this.#awake.next(0); i >= 0; i = this.#awake.next(i + 1)) {
      const world = this.#world(i);
      if (world.fault !== null) this.#retire(i, world);
      else if (world.asleep && world.pending === 0) this.#awake.delete(i);
      else if (this.#sleepAfterTicks > 0) this.#mayRest(i, world);
    }
  }

  #mayRest(i: number, world: World): void {
    const isBusy = world.players > 0 || (this.#watchers[i] ?? 0) > 0;
    if (isBusy) this.#busyTick[i] = this.#tick;
    this.#drowsy.delete(i);
    if (this.#tick - (this.#busyTick[i] ?? 0) >= this.#sleepAfterTicks && world.sleep()) this.#drowsy.add(i);
  }

  #retire(i: number, world: World): void {
    this.#awake.delete(i);
    this.#drowsy.delete(i);
    this.#stopped.add(i);
    this.onStop?.(world);
  }

  #wake(i: number): void {
    this.#awake.add(i);
    this.#drowsy.delete(i);
    this.#busyTick[i] = this.#tick;
  }
}
