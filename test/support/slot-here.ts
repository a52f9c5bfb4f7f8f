/** What a sim worker's thread runs, with all that belongs to it, on the thread of the test. */
import { type Game, runsInTicks } from "../../src/game/define.js";
import { type GamePlan, planGame } from "../../src/game/plan.js";
import type { Settings } from "../../src/game/types.js";
import { loadKernel } from "../../src/kernel/load.js";
import type { Kernel } from "../../src/kernel/types.js";
import { Zones } from "../../src/sim/zones.js";
import { Meter } from "../../src/sync/meter.js";
import { type Notify, type Spin, Waiter } from "../../src/sync/waiter.js";
import { Board } from "../../src/threads/board.js";
import { sharedClock } from "../../src/threads/clock.js";
import { Keeper } from "../../src/threads/keeper.js";
import { LentSteps } from "../../src/threads/lent-steps.js";
import { makeParts, openParts, type SharedParts } from "../../src/threads/parts.js";
import {
  makePlayerParts,
  openDesk,
  openRemoteZones,
  type PlayerParts,
  remoteZoneSpecs,
} from "../../src/threads/player-parts.js";
import { Slot } from "../../src/threads/slot.js";

export interface SlotParts {
  readonly slot: number;
  readonly game: Game;
  readonly plan: GamePlan;
  /** With shared memory. */
  readonly kernel: Kernel;
  readonly shared: SharedParts;
  readonly players: PlayerParts;
  readonly spin?: Spin;
  readonly notify?: Notify;
  /** After each tick. */
  readonly onTick?: (tick: number) => void;
}

/** One slot, whose zones are made, and which waits to hear of those of others before it runs. */
export function openSlot({ slot, game, plan, kernel, shared, players, spin = "off", notify, onTick }: SlotParts) {
  const opened = openParts(shared);
  const { slots, zones: count } = shared.shape;
  const { schedule, costs, passages, lent: words, ticks, meters, failures } = opened;
  const board = new Board(shared.board, slots, count, notify);
  const now = sharedClock();
  const mine = Array.from({ length: count }, (_, i) => i).filter((i) => board.home(i) === slot);
  const spec = { ...plan, ...plan.settings, passages, mine };
  const zones = Zones.create(kernel, spec);
  const waiter = new Waiter({ now, spin });
  const desk = openDesk(players, slot, zones, board, plan);
  const onLost = (zone: number, why: string): void => {
    throw new Error(`zone ${zone} has no journal any more: ${why}`);
  };
  const keeper = new Keeper({ slot, board, kernel, zones, desk, spec, failures, now, onLost, former: "" });
  const zoneAt = (index: number) => keeper.view(index);
  const lent = new LentSteps({ slot, owner: 0, board, words, costs, waiter, now, zoneAt });
  const stepped = (index: number, tick: number): void => desk.stepped(index, tick);
  const meter = meters[slot] ?? new Meter();
  const told = {
    drain: () => desk.drain(),
    endTick: (tick: number) => {
      desk.endTick(tick);
      onTick?.(tick);
    },
    get mark() {
      return desk.mark;
    },
  };
  const loop = new Slot({
    ...{ slot, board, schedule, zones, desk: told, keeper, costs, now, waiter, meter, ticks, stepped },
    ...(runsInTicks(game) ? {} : { lent }),
  });
  return { board, zones, keeper, loop, waiter, now };
}

export async function slotHere(game: Game, settings: Partial<Settings>) {
  const plan = await planGame(game, { settings });
  const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
  const shared = makeParts({
    ...{ slots: 1, zones: plan.settings.zones, tickRate: plan.tickRate },
    columns: Object.keys(plan.world.zone.columns ?? {}).length,
    gated: remotes.map(({ gates }) => gates.length > 0),
  });
  const kernel = await loadKernel({ shared: true, checked: false });
  const { parts: players, replicas } = makePlayerParts(1, remotes, kernel);
  const { board, zones, keeper, loop } = openSlot({ slot: 0, game, plan, kernel, shared, players });
  const venues = openRemoteZones(players, replicas, remotes, board, () => 0);
  board.target = 0;
  keeper.begin();
  return {
    zones,
    venues,
    /** One more tick, without the main thread's part in it. */
    tick(): void {
      board.target = board.tick + 1;
      loop.run(0);
    },
  };
}
