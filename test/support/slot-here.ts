/** What a sim worker's thread runs, with all that belongs to it, on the thread of the test. */
import { type Game, runsInTicks } from "../../src/game/define.js";
import { planGame } from "../../src/game/plan.js";
import type { Settings } from "../../src/game/types.js";
import { loadKernel } from "../../src/kernel/load.js";
import { Zones } from "../../src/sim/zones.js";
import { Meter } from "../../src/sync/meter.js";
import { Waiter } from "../../src/sync/waiter.js";
import { Keeper } from "../../src/threads/keeper.js";
import { LentSteps } from "../../src/threads/lent-steps.js";
import { makeParts, openParts } from "../../src/threads/parts.js";
import { makePlayerParts, openDesk, openRemoteZones, remoteZoneSpecs } from "../../src/threads/player-parts.js";
import { Slot } from "../../src/threads/slot.js";

export async function slotHere(game: Game, settings: Partial<Settings>) {
  const plan = await planGame(game, { settings });
  const { zones: count } = plan.settings;
  const remotes = remoteZoneSpecs({ ...plan, ...plan.settings });
  const shared = makeParts({
    ...{ slots: 1, zones: count, tickRate: plan.tickRate },
    columns: Object.keys(plan.world.zone.columns ?? {}).length,
    gated: remotes.map(({ gates }) => gates.length > 0),
  });
  const { board, schedule, costs, passages, lent: words, ticks, meters, failures } = openParts(shared);
  const players = makePlayerParts(1, remotes);
  const venues = openRemoteZones(players, remotes, board, () => 0);
  board.target = 0;
  const slot = 0;
  const now = () => performance.now();
  const kernel = await loadKernel({ shared: true, checked: false });
  const spec = { ...plan, ...plan.settings, passages };
  const zones = Zones.create(kernel, spec);
  const waiter = new Waiter({ now, spin: "off" });
  const desk = openDesk(players, slot, zones, board, plan);
  const onLost = (zone: number, why: string): void => {
    throw new Error(`zone ${zone} has no journal any more: ${why}`);
  };
  const keeper = new Keeper({ slot, board, kernel, zones, desk, spec, failures, now, onLost, former: "" });
  const zoneAt = (index: number) => keeper.view(index);
  const lent = new LentSteps({ slot, owner: slot, board, words, costs, waiter, now, zoneAt });
  const stepped = (index: number, tick: number): void => desk.stepped(index, tick);
  const meter = meters[slot] ?? new Meter();
  const loop = new Slot({
    ...{ slot, board, schedule, zones, desk, keeper, costs, now, waiter, meter, ticks, stepped },
    ...(runsInTicks(game) ? {} : { lent }),
  });
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
