/** Rooms without a script that runs in their ticks. */
import { defineGame, type GameDefinition } from "gyre";

export const definition: GameDefinition = {
  name: "pits",
  capacity: 40,
  archetypes: {
    player: { hp: 50, attack: 9, reach: 20, cooldown: 0.4, speed: 150, respawn: 1, team: 1 },
    hound: { brain: "hunter", team: 2, sight: 200, leash: 400, wander: 120, attack: 4, reach: 10, hp: 25, respawn: 1 },
  },
  rooms: {
    arena: { maxPlayers: 3, instances: 6, linger: 0.5 },
    yard: { maxPlayers: 5, instances: 3, linger: 0.2 },
  },
  setup(world) {
    for (let i = 0; i < 20; i++) {
      const { x, y } = world.freePlace("hound");
      world.spawn("hound", x, y);
    }
  },
};

export default defineGame(definition);
