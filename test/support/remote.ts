/** Zones behind requests and notices as on threads of their own, all stepped by the test's: slots that each have some zones at home. */

import { loadKernel } from "../../src/kernel/load.js";
import { entityBytes } from "../../src/kernel/transfer.js";
import type { Kernel } from "../../src/kernel/types.js";
import { Hub } from "../../src/net/hub.js";
import type { KindInfo } from "../../src/protocol/control.js";
import { Passage } from "../../src/sim/passage.js";
import { Zones, type ZonesSpec } from "../../src/sim/zones.js";
import type { Desk } from "../../src/threads/desk.js";
import {
  makePlayerParts,
  openDesk,
  openRemoteZones,
  type PlayerParts,
  type PlayerSizes,
  remoteZoneSpecs,
} from "../../src/threads/player-parts.js";
import type { Homes, RemoteZones } from "../../src/threads/remote-zones.js";
import { countedTokens } from "./tokens.js";
import { planOf, type TestZones } from "./worlds.js";

export interface RemoteOptions extends Partial<TestZones> {
  slots?: number;
  snapshotRate?: number;
  sizes?: Partial<PlayerSizes>;
  kinds?: readonly KindInfo[];
}

/** One slot: its zones, as a thread of its own would have them. */
export interface TestSlot {
  readonly zones: Zones;
  desk: Desk;
}

export class Remote {
  nowMs = 0;
  tickNumber = 0;

  private constructor(
    readonly spec: ZonesSpec,
    readonly parts: PlayerParts,
    readonly homes: Homes,
    /** By zone, its slot. */
    readonly homeOf: number[],
    readonly slots: readonly TestSlot[],
    readonly zones: RemoteZones,
    readonly hub: Hub,
    readonly rates: { tickRate: number; snapshotRate: number },
    readonly kernel: Kernel,
  ) {}

  /** Zones are at home in order: the first ones with slot 0. */
  static async open(options: RemoteOptions = {}): Promise<Remote> {
    const { slots = 1, tickRate = 60, snapshotRate = 20, kinds = [] } = options;
    const plan = await planOf({ players: 1000, ...options });
    const { zones, seed } = plan.settings;
    const kernel = options.kernel ?? (await loadKernel());
    const rates = { tickRate, snapshotRate };
    const spec: ZonesSpec = { ...plan, ...plan.settings };
    const specs = remoteZoneSpecs(spec);
    const { parts, replicas } = makePlayerParts(slots, specs, kernel, { players: 2000, ...options.sizes });
    const watched = new Uint8Array(zones);
    const homeOf = specs.map((_, i) => Math.floor((i * slots) / zones));
    const homes: Homes = {
      home: (zone) => homeOf[zone] ?? 0,
      isWatched: (zone) => watched[zone] === 1,
      setWatched: (zone, isWatched) => {
        watched[zone] = isWatched ? 1 : 0;
      },
    };
    const bytes = entityBytes(Object.keys(spec.world.zone.columns ?? {}).length);
    const passages = specs.map(() => new Passage(bytes));
    const made = Array.from({ length: slots }, (_, slot) => {
      const mine = specs.map((_, i) => i).filter((i) => homeOf[i] === slot);
      return { slot, zones: Zones.create(kernel, { ...spec, mine, passages }) };
    });
    const all = made.map(({ slot, zones }) => ({ zones, desk: openDesk(parts, slot, zones, homes, rates) }));
    const first = all[0]?.zones.all[0];
    const remote = openRemoteZones(parts, replicas, specs, homes, (name) => first?.actionOf(name) ?? 0);
    const hub = new Hub({
      makeToken: countedTokens(),
      joinsPerTick: Number.POSITIVE_INFINITY,
      zones: remote,
      ...rates,
      kinds,
      sessionsMax: 1000,
      nowMs: 0,
      seed,
    });
    remote.onTellsLost = (count) => {
      hub.counters.eventsDropped += count;
    };
    remote.onOverrun = () => hub.close(1013, "the server was overrun");
    return new Remote(spec, parts, homes, homeOf, all, remote, hub, rates, kernel);
  }

  /** A World by the index of its zone. */
  world(zone: number) {
    const world = this.slots[this.homes.home(zone)]?.zones.at(zone);
    if (world === undefined) throw new Error(`no zone ${zone}`);
    return world;
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.step();
      this.publish();
    }
  }

  /** What the slots do in a tick, in the order of a server without threads. late: those of whom the main thread does not hear yet. */
  step(...late: number[]): void {
    const tick = ++this.tickNumber;
    this.nowMs += 1000 / this.rates.tickRate;
    for (const { desk } of this.slots) desk.drain();
    for (const { zones, desk } of this.slots) {
      zones.begin(tick);
      for (let i = zones.nextAwake(0); i >= 0; i = zones.nextAwake(i + 1)) {
        zones.decide(i);
        zones.at(i)?.step(tick);
        desk.stepped(i, tick);
      }
    }
    for (const { zones } of this.slots) zones.depart();
    for (const { zones } of this.slots) zones.receive();
    for (const { zones } of this.slots) zones.settle();
    for (const [slot, { zones, desk }] of this.slots.entries()) {
      zones.rest();
      if (!late.includes(slot)) desk.endTick(tick);
    }
  }

  /** The thread in a slot ended between two ticks, and another took its place and its zones. */
  replace(slot: number): void {
    const one = this.slots[slot];
    if (one !== undefined) one.desk = openDesk(this.parts, slot, one.zones, this.homes, this.rates);
  }

  /** What the main thread does when it hears of a tick. */
  publish(): void {
    this.zones.drain();
    this.hub.publish(this.nowMs);
  }

  close(): void {
    for (const { zones } of this.slots) zones.close();
  }
}
