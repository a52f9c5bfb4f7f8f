/**
 * A sim worker's thread: makes the zones that are at home in its slot, says that they are there, and ticks them from when it is told to go.
 * Between two ticks it blocks; once a second, and whenever the main thread calls, its event loop turns.
 */
import { availableParallelism } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { GyreError } from "./errors.js";
import { runsInTicks } from "./game/define.js";
import { type PlanData, resumePlan } from "./game/plan-data.js";
import { loadKernel } from "./kernel/load.js";
import type { KernelOptions, Zone } from "./kernel/types.js";
import { Collections } from "./ops/collections.js";
import { loadGame } from "./ops/game-file.js";
import { idleCollector } from "./ops/idle-collector.js";
import { profileThread } from "./ops/profile.js";
import { catchStray } from "./ops/stray.js";
import { Zones } from "./sim/zones.js";
import { Meter } from "./sync/meter.js";
import { type Spin, Waiter } from "./sync/waiter.js";
import { sharedClock } from "./threads/clock.js";
import type { GoMessage, Hashes, Question, WorkerMessage } from "./threads/crew.js";
import { Keeper, type Kept } from "./threads/keeper.js";
import { LentSteps } from "./threads/lent-steps.js";
import { openParts, type SharedParts } from "./threads/parts.js";
import { openDesk, type PlayerParts } from "./threads/player-parts.js";
import { Scribe } from "./threads/scribe.js";
import { Slot } from "./threads/slot.js";
import type { TapeParts } from "./threads/tape.js";

/** Milliseconds of ticks between two turns of the event loop. */
const TURN_MS = 1000;

export interface WorkerData {
  readonly slot: number;
  /** Why the thread ended that was in the slot before; "" when there was none. */
  readonly former: string;
  /** The module whose default export is the game. */
  readonly game: string;
  readonly plan: PlanData;
  readonly kernel: KernelOptions;
  readonly spin: Spin;
  /** Default: those that there are. */
  readonly cores?: number;
  readonly parts: SharedParts;
  readonly players: PlayerParts;
  /** Where a recording is made. */
  readonly tapes?: TapeParts | null;
  /** Of zones that were begun. */
  readonly kept: readonly Kept[];
}

const data = workerData as WorkerData;
const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread");
const say = (message: WorkerMessage): void => port.postMessage(message);

async function start(): Promise<void> {
  const { slot, former, parts: shared, spin } = data;
  const resumes = former !== "";
  profileThread(`sim-${slot}`);
  catchStray(data.game, (message) => say({ type: "stray", message }));
  const game = await loadGame(data.game);
  const plan = await resumePlan(game, data.plan);
  const kernel = await loadKernel(data.kernel);
  const { board, schedule, costs, passages, lent: words, ticks, meters, failures } = openParts(shared);
  const meter = meters[slot] ?? new Meter();
  const mine = Array.from({ length: board.zones }, (_, i) => i).filter((i) => board.home(i) === slot);
  const spec = { ...plan, ...plan.settings, passages, mine: resumes ? [] : mine };
  const zones = Zones.create(kernel, spec);
  const now = sharedClock();
  const waiter = new Waiter({ now, spin });
  // The main thread has its sockets to look after.
  waiter.share(data.cores ?? availableParallelism(), board.slots + 1);
  const desk = openDesk(data.players, slot, zones, board, plan);
  const onLost = (zone: number, message: string): void => say({ type: "unkept", zone, message });
  const scribe = data.tapes ? new Scribe(zones, data.tapes, slot) : undefined;
  const keeper = new Keeper({ slot, board, kernel, zones, desk, scribe, spec, failures, former, now, onLost });
  const zoneAt = (i: number): Zone | undefined => keeper.view(i);
  const lent =
    runsInTicks(game) || !kernel.shared
      ? undefined
      : new LentSteps({ slot, owner: 0, board, words, costs, waiter, now, zoneAt });
  const collector = idleCollector(meter, now);
  const idle = (ms: number): unknown => collector?.offer(now(), ms);
  const stepped = (i: number, tick: number): void => desk.stepped(i, tick);
  const own = { slot, board, schedule, zones, desk, keeper, costs, now, waiter, meter, ticks, idle, stepped };
  const loop = new Slot({ ...own, ...(lent && { lent }), ...(scribe && { scribe }) });
  new Collections(meter).start();
  const turn = (): void => {
    if (loop.run(now() + TURN_MS)) setImmediate(turn);
    else process.exit(0);
  };
  port?.on("message", (message: GoMessage | Question) => {
    if (message.type === "go") {
      keeper.learn(message.kept);
      turn();
    } else say({ type: "answer", question: message.question, answer: hashesOf(zones) });
  });
  keeper.learn(data.kept);
  if (resumes) {
    loop.resume();
    say({ type: "ready", kept: [], parts: [] });
  } else {
    const parts = scribe === undefined ? [] : [...(zones.all[0]?.digests().keys() ?? [])];
    say({ type: "ready", kept: keeper.begin(), parts });
  }
}

function hashesOf(zones: Zones): Hashes {
  const found: [number, bigint, ReadonlyMap<string, bigint>][] = [];
  for (let i = 0; i < zones.count; i++) {
    const world = zones.at(i);
    if (world !== undefined && world.fault === null) found.push([i, world.hash(), world.digests()]);
  }
  return found;
}

start().catch((error: unknown) => {
  const { code, message } =
    error instanceof GyreError ? error : { code: "GAME_FAILED" as const, message: String(error) };
  say({ type: "failed", code, message });
});
