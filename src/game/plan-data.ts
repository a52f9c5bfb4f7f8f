/**
 * A plan on its way to another thread: all of it but its functions, which the other thread has from the game's module. What a game's
 * functions say, such as its map, is asked once, on the main thread, and so cannot differ between threads.
 */
import { GyreError } from "../errors.js";
import { Places } from "../sim/places.js";
import type { Game } from "./define.js";
import { type GamePlan, rulesOf } from "./plan.js";

/** Passes through postMessage. The map's tiles are shared where the memory of threads is. */
export interface PlanData extends Omit<GamePlan, "world"> {
  readonly world: Omit<GamePlan["world"], "places" | "rules">;
}

export function planData(plan: GamePlan): PlanData {
  const { places: _, rules: __, ...world } = plan.world;
  const tiles = new Uint8Array(new SharedArrayBuffer(plan.map.tiles.length));
  tiles.set(plan.map.tiles);
  const map = { ...plan.map, tiles };
  return { ...plan, map, world: { ...world, map } };
}

/** The plan again. Throws GAME_BAD for another game than the one that was planned. */
export async function resumePlan(game: Game, data: PlanData): Promise<GamePlan> {
  if (game.name !== data.name) {
    throw new GyreError("GAME_BAD", `its module's default export is the game ${game.name}, not ${data.name}`);
  }
  const places = await Places.of(data.map);
  return { ...data, world: { ...data.world, places, rules: rulesOf(game, data.settings, data.templates) } };
}
