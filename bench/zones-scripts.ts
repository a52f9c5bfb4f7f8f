/** zones-game.ts with scripts: who dies is counted, and in every tick how well all are. */
import { defineGame, type GameDefinition } from "gyre";
import { definition as plain } from "./zones-game.js";

export const definition: GameDefinition<{ fallen: number; health: number }> = {
  ...plain,
  state: () => ({ fallen: 0, health: 0 }),
  death(world) {
    world.state.fallen++;
  },
  systems: [
    {
      name: "health",
      every: 1,
      run({ zone, state }) {
        const { hp } = zone.columns;
        let health = 0;
        for (let slot = 0; slot < zone.highWater; slot++) health += hp[slot] ?? 0;
        state.health = health;
      },
    },
  ],
};

export default defineGame(definition);
