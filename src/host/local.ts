/**
 * Zones on the caller's thread: step every zone that is awake, publish the snapshots that are due, note how long each took, a tick a turn of
 * the event loop.
 */
import type { GamePlan } from "../game/plan.js";
import type { Kernel } from "../kernel/types.js";
import { idleCollector } from "../ops/idle-collector.js";
import type { ZoneRuns } from "../ops/metrics.js";
import { type Drive, drive, Schedule, type Timers } from "../sim/clock.js";
import { Recorder } from "../sim/recorder.js";
import { TickTimes } from "../sim/ticks.js";
import { type Guard, Zones } from "../sim/zones.js";
import type { Meter } from "../sync/meter.js";
import { type MakeRecording, mainThread, type Simulation, type SimulationEvents } from "./simulation.js";

export interface LocalSpec {
  readonly plan: GamePlan;
  readonly kernel: Kernel;
  readonly guard: Guard | null;
  readonly timers: Timers;
  readonly meter: Meter;
  readonly events: SimulationEvents;
  /** Null for none. */
  readonly record: MakeRecording | null;
}

/** Throws what {@link Zones.create} throws. */
export function localSimulation(spec: LocalSpec): Simulation {
  const { plan, kernel, guard, timers, meter, events, record } = spec;
  const zones = Zones.create(kernel, { ...plan, ...plan.settings, guard, now: timers.now });
  const schedule = new Schedule(plan.tickRate);
  const ticks = new TickTimes();
  const idle = idleCollector(meter, timers.now);
  const recording = record?.((sink) => new Recorder({ ...sink, zones })) ?? null;
  zones.onStop = (world) => events.zoneStopped(world);
  let clock: Drive | null = null;
  return {
    kernel,
    venues: zones,
    zones: new Map(zones.all.map(({ name, zone }) => [name, zone])),
    schedule,
    ticks,
    runs: runsOf(zones),
    threads: [mainThread(meter)],
    recording,
    start({ publish }) {
      clock = drive(schedule, timers, () => {
        const startMs = timers.now();
        zones.step();
        recording?.endTick();
        const steppedMs = timers.now();
        publish(startMs);
        const endMs = timers.now();
        ticks.published(endMs - steppedMs);
        ticks.ticked(schedule.latenessMs, endMs - startMs);
        meter.tick(schedule.latenessMs, endMs - startMs);
        idle?.offer(endMs, schedule.dueMs - endMs);
      });
    },
    poke: () => clock?.poke(),
    async stop() {
      clock?.stop();
      recording?.close();
    },
    close: () => zones.close(),
  };
}

/** Of zones that are run here. A zone that fails stops. */
function runsOf(zones: Zones): ZoneRuns {
  return {
    costUs: (zone) => zones.costUs(zone),
    home: () => -1,
    failures: (zone) => (zones.at(zone)?.fault ? 1 : 0),
    restarts: () => 0,
  };
}
