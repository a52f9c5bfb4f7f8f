/**
 * Zones on threads of their own: this one has sockets alone, and hears by a bell when a tick is done. What players want goes to the zones and
 * what these tell comes back through shared memory; no tick ever waits for this thread.
 */
import { GyreError } from "../errors.js";
import { type Game, runsInTicks } from "../game/define.js";
import type { GamePlan } from "../game/plan.js";
import { planData } from "../game/plan-data.js";
import { actionNumber, actionsOf } from "../game/rules.js";
import type { Kernel } from "../kernel/types.js";
import { idleCollector } from "../ops/idle-collector.js";
import type { Recording } from "../ops/recording.js";
import type { Timers } from "../sim/clock.js";
import { MessageRing } from "../sync/messages.js";
import type { Meter, ThreadStats } from "../sync/meter.js";
import type { Spin } from "../sync/waiter.js";
import { Balance } from "../threads/balance.js";
import { type Board, BY_CLOCK } from "../threads/board.js";
import { sharedClock } from "../threads/clock.js";
import { Crew } from "../threads/crew.js";
import { makeParts, openParts } from "../threads/parts.js";
import { makePlayerParts, openRemoteZones, type PlayerParts, remoteZoneSpecs } from "../threads/player-parts.js";
import { makeTapes, TapeState } from "../threads/tape.js";
import { Tapes } from "../threads/tapes.js";
import { type MakeRecording, mainThread, type Simulation, type SimulationEvents } from "./simulation.js";

/** What a sim worker's thread runs. */
const ENTRY = new URL("../js/worker.js", import.meta.url);
/** Milliseconds between two looks at who has how much to do. */
const BALANCE_MS = 1000;
/** Milliseconds for the threads to come to the last checkpoint of a recording. */
const LAST_MS = 1000;
/** Milliseconds that threads are given to end by themselves when they are to end at once. */
const FORCED_MS = 200;

export interface ThreadedSpec {
  readonly game: Game;
  /** The module whose default export it is; "" when nobody knows. */
  readonly file: string;
  readonly plan: GamePlan;
  /** Of the build that the zones shall have, shared or not; the threads load their own. */
  readonly kernel: Kernel;
  /** At least 1. */
  readonly threads: number;
  readonly spin: Spin;
  readonly watchdogMs: number;
  readonly timers: Timers;
  readonly meter: Meter;
  readonly events: SimulationEvents;
  /** Null for none. */
  readonly record: MakeRecording | null;
}

/** Resolves when all zones are there. Throws GAME_BAD for a game that is not the default export of its module, and what zones throw. */
export async function threadedSimulation(spec: ThreadedSpec): Promise<Simulation> {
  const { game, file, plan, kernel, threads, spin, watchdogMs, timers, meter, events, record } = spec;
  if (file === "") throw new GyreError("GAME_BAD", `${game.name}: other threads cannot load a game without a file`);
  const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
  const parts = makeParts({
    slots: threads,
    zones: plan.settings.zones,
    tickRate: plan.tickRate,
    columns: Object.keys(plan.world.zone.columns ?? {}).length,
    gated: remotes.map(({ gates }) => gates.length > 0),
  });
  const { build, checked, shared } = kernel;
  // A game may have a kernel of its own, which may not be shared: what players are told is.
  const { parts: players, replicas } = makePlayerParts(threads, remotes, { shared: true, checked });
  const tapes = record === null ? null : makeTapes(threads);
  let recording: Recording | null = null;
  const { board, schedule, costs, ticks, meters, failures } = openParts(parts);
  const isLent = kernel.shared && !runsInTicks(game);
  // What has no script is stepped by whoever is free, and the rest of it costs little.
  for (let zone = 0; zone < board.zones; zone++) board.setHome(zone, isLent ? 0 : zone % threads);
  const actions = actionsOf(game);
  const venues = openRemoteZones(players, replicas, remotes, board, (name) => actionNumber(actions, name));
  const idle = idleCollector(meter, timers.now);
  let publish: ((nowMs: number) => void) | null = null;
  const onTicks = (): void => {
    if (publish === null) return;
    const beganMs = timers.now();
    venues.drain();
    publish(beganMs);
    recording?.endTick();
    const endedMs = timers.now();
    ticks.published(endedMs - beganMs);
    meter.tick(0, endedMs - beganMs);
    idle?.offer(endedMs, schedule.periodMs);
  };
  board.target = 0;
  const now = sharedClock();
  const crew = await Crew.start({
    board,
    entry: ENTRY,
    data: {
      game: file,
      plan: planData(plan),
      kernel: plan.kernel === undefined ? { build, checked, shared: true } : { module: plan.kernel, checked, shared },
      spin,
      parts,
      players,
      tapes,
    },
    timers: { now, setTimeout: timers.setTimeout },
    watchdogMs,
    onTicks,
    failures,
    onFailure: ({ slot, zone, reason, isLast }) => {
      meters[slot]?.add("restarts");
      recording?.end(`sim-${slot} was restarted, and no replay can know where`);
      events.threadFailed({ thread: `sim-${slot}`, zone: remotes[zone]?.name ?? "", message: reason });
      for (const { name, index } of isLast ? venues.all : []) {
        if (board.home(index) === slot) venues.abandon(index, new GyreError("GAME_FAILED", `${name}: ${reason}`));
      }
    },
    onStray: (message) => events.stray(message),
    onUnkept: (zone, message) => events.zoneUnkept(remotes[zone]?.name ?? "", message),
  });
  venues.onStop = (venue) => events.zoneStopped(venue);
  if (record !== null && tapes !== null) {
    try {
      recording = record(({ header, ...sink }) => {
        const { parts } = crew;
        return new Tapes({ ...sink, header: { ...header, parts }, zones: board.zones, board, tapes });
      });
    } catch (error) {
      // Its file cannot be written: nobody else knows of the threads yet.
      await crew.close();
      throw error;
    }
  }
  const balance = new Balance(threads, schedule.periodMs);
  let looks: NodeJS.Timeout | undefined;
  const zones = new Map([...crew.kept].map(([i, { handle }]) => [remotes[i]?.name ?? "", kernel.attachZone(handle)]));
  return {
    kernel,
    venues,
    zones,
    schedule,
    ticks,
    recording,
    runs: {
      costUs: (zone) => costs[zone] ?? 0,
      home: (zone) => board.home(zone),
      failures: (zone) => failures.count(zone),
      restarts: (zone) => failures.count(zone) - (failures.isQuarantined(zone) ? 1 : 0),
    },
    threads: [mainThread(meter), ...meters.map((each, slot) => threadStats(slot, each, players))],
    start(audience) {
      publish = audience.publish;
      venues.onTellsLost = audience.tellsLost;
      venues.onOverrun = audience.overrun;
      schedule.start(now());
      board.target = BY_CLOCK;
      // Whose steps go to whoever is free have one home.
      if (isLent) return;
      looks = setInterval(() => {
        // What a closed one has cost stands still, and nobody can move there.
        if (board.hasClosed) return;
        const move = balance.look(costs, (zone) => board.home(zone));
        if (move !== null) board.askMove(move.zone, move.to);
      }, BALANCE_MS);
      looks.unref();
    },
    poke() {},
    async stop(force = false) {
      clearInterval(looks);
      publish = null;
      if (!force && recording?.isOpen && tapes !== null) await lastCheckpoint(new TapeState(tapes), board, crew);
      await crew.close(force ? FORCED_MS : undefined);
      recording?.close();
    },
    close() {
      for (const zone of zones.values()) zone.close();
    },
  };
}

/** One more tick, after which all zones tell what they are. */
async function lastCheckpoint(state: TapeState, board: Board, crew: Crew): Promise<void> {
  state.last = board.tick + 1;
  let late: NodeJS.Timeout | undefined;
  const isLate = new Promise<void>((resolve) => {
    late = setTimeout(resolve, LAST_MS);
  });
  // What its gates come to belongs to the tick behind it.
  await Promise.race([crew.advanceTo(state.last + 1), isLate]);
  clearTimeout(late);
}

/** What is read when somebody asks. */
function threadStats(slot: number, meter: Meter, { requests, notices }: PlayerParts): ThreadStats {
  const waiting = (buffers: readonly SharedArrayBuffer[]): number => {
    const buffer = buffers[slot];
    return buffer === undefined ? 0 : new MessageRing(buffer, 0).waiting;
  };
  return {
    name: `sim-${slot}`,
    meter,
    get requestBytes() {
      return waiting(requests);
    },
    get noticeBytes() {
      return waiting(notices);
    },
  };
}
