/** Two kinds that hunt each other, of all sizes of herds, and no script that runs in their ticks. */
import { defineGame, type GameDefinition } from "gyre";

export const definition: GameDefinition = {
  name: "herds",
  capacity: 400,
  archetypes: {
    runner: { speed: 180, hp: 40, attack: 5, reach: 10, cooldown: 0.3, team: 1 },
    hound: { brain: "hunter", team: 2, sight: 160, leash: 400, wander: 120, attack: 4, reach: 10, hp: 25, respawn: 2 },
    stag: { brain: "hunter", team: 3, sight: 90, leash: 300, wander: 200, attack: 2, reach: 8, hp: 30, respawn: 3 },
  },
  // Herds of unequal size, so that some zones cost more than others.
  setup(world) {
    const size = 5 + (world.random() % 300);
    for (let i = 0; i < size; i++) {
      const kind = i % 2 === 0 ? "hound" : "stag";
      const { x, y } = world.freePlace(kind);
      world.spawn(kind, x, y);
    }
  },
};

export default defineGame(definition);
