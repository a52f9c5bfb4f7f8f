/** Who wanders through gates all the time, and neither dies nor is born: each has a number of its own. */
import { defineGame, type GameDefinition } from "gyre";
import { definition as crossing } from "./crossing.js";

const COLUMNS = { mark: { type: "u16", replicate: false } } as const;

export const definition: GameDefinition<undefined, typeof COLUMNS> = {
  name: "travellers",
  ...(crossing.map === undefined ? {} : { map: crossing.map }),
  ...(crossing.gates === undefined ? {} : { gates: crossing.gates }),
  capacity: 600,
  columns: COLUMNS,
  archetypes: { traveller: { speed: 200, hp: 20, team: 1, brain: "hunter", wander: 300, sight: 60 } },
  setup(world) {
    const first = Number(world.name.replace(/\D+/, "")) * world.settings.npcs;
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("traveller");
      world.own.mark[world.zone.slot(world.spawn("traveller", x, y))] = first + i;
    }
  },
  // With a script zones are stepped at home, and homes are on all threads.
  systems: [{ name: "look", every: 30, run: (world) => world.random() }],
};

export default defineGame(definition);
