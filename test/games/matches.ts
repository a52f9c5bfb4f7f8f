/** Rooms of two templates, in which a little of everything happens. */
import { defineGame, type GameDefinition } from "gyre";

export const definition: GameDefinition<{ since: number; seen: string[]; pulses: number }> = {
  name: "matches",
  capacity: 40,
  archetypes: {
    player: { hp: 50, attack: 9, reach: 20, cooldown: 0.4, speed: 150, respawn: 1, team: 1 },
    hound: { brain: "hunter", team: 2, sight: 200, leash: 400, wander: 120, attack: 4, reach: 10, hp: 25, corpse: 1 },
  },
  rooms: {
    arena: { maxPlayers: 3, instances: 6, linger: 0.5, settings: { hounds: 12 } },
    yard: { maxPlayers: 5, instances: 3, linger: 0.2, settings: { hounds: 3 } },
  },
  state: () => ({ since: -1, seen: [], pulses: 0 }),
  setup(world) {
    world.state.since = world.tick;
    world.after(1 + (world.random() % 40), "pulse");
    for (let i = 0; i < (world.settings["hounds"] ?? 0); i++) {
      const { x, y } = world.freePlace("hound");
      world.spawn("hound", x, y);
    }
  },
  timer(world, name) {
    world.state.pulses++;
    world.after(1 + (world.random() % 40), name);
  },
  leave: (world, player) => void world.state.seen.push(player.name),
};

export default defineGame(definition);
