// The demo for stalled.mjs, with a state tree: 100 KB of rows that change one by one, and of each player a score. Who sends an input is told 12 KB more
// in each sync from then on, because an operating system takes megabytes for a client that does not read before anything waits in the server.
import { defineGame } from "gyre";
import arena from "../build/js/arena.js";

const ROWS = 200;
const ROW_LENGTH = 500;
const NOISE_LENGTH = 12_000;

const filled = (n, length) => `${n} `.repeat(length).slice(0, length);

const { definition } = arena;

export default defineGame({
  ...definition,
  sync: { broadcast: { rows: { "*": "" } }, perPlayer: { score: 0, isLoud: false, noise: "" }, rate: 30 },
  setup(world) {
    definition.setup?.(world);
    for (let i = 0; i < ROWS; i++) world.sync.rows[i] = filled(i, ROW_LENGTH);
  },
  input(world, player) {
    if (!player.bot) world.syncOf(player).isLoud = true;
  },
  systems: [
    ...(definition.systems ?? []),
    {
      name: "tell",
      every: 2,
      run(world) {
        world.sync.rows[(world.tick / 2) % ROWS] = filled(world.tick, ROW_LENGTH);
        const noise = filled(world.tick, NOISE_LENGTH);
        for (const player of world.players) {
          if (player.bot) continue;
          const own = world.syncOf(player);
          own.score = world.tick;
          if (own.isLoud) own.noise = noise;
        }
      },
    },
  ],
});
