// A game for arenas.mjs: each arena does the same script work in every tick. ARENA_ROUNDS: how much.
import { defineGame } from "gyre";

const ROUNDS = Number(process.env.ARENA_ROUNDS ?? 0);

/** What scripts do: numbers, branches, a table. Returns something that depends on all of it. */
export function work(rounds, seed) {
  const table = new Float64Array(256);
  let x = seed | 1;
  for (let i = 0; i < rounds; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) & 0x7fffffff;
    const at = x >>> 23;
    table[at] = x & 1024 ? table[at] * 0.5 + i : table[at] + 1;
  }
  return table[x >>> 23];
}

export default defineGame({
  name: "arenas",
  archetypes: { player: { speed: 200 } },
  state: () => ({ sum: 0 }),
  join: (world) => {
    const { x, y } = world.freePlace("player");
    return world.spawn("player", x, y);
  },
  systems: [
    {
      name: "script",
      every: 1,
      run(world) {
        world.state.sum = work(ROUNDS, world.tick);
      },
    },
  ],
});
