// The demo for stalled.mjs, with a state tree: 100 KB of rows, of which 12 KB change from one sync to the next, and a score of each player. So much, because
// an operating system takes megabytes for a client that does not read before anything waits in the server.
import { defineGame } from "gyre";
import arena from "../build/js/arena.js";

const ROWS = 200;
const ROW_LENGTH = 500;
const ROWS_A_TICK = 4;

const row = (n) => `${n} `.repeat(ROW_LENGTH).slice(0, ROW_LENGTH);

const { definition } = arena;

export default defineGame({
  ...definition,
  sync: { broadcast: { rows: { "*": "" }, seconds: 0 }, perPlayer: { score: 0 } },
  setup(world) {
    definition.setup?.(world);
    for (let i = 0; i < ROWS; i++) world.sync.rows[i] = row(i);
  },
  systems: [
    ...(definition.systems ?? []),
    {
      name: "tell",
      every: 1,
      run(world) {
        for (let i = 0; i < ROWS_A_TICK; i++) world.sync.rows[(world.tick * ROWS_A_TICK + i) % ROWS] = row(world.tick);
        world.sync.seconds = Math.floor(world.tick / 60);
        for (const player of world.players) if (!player.bot) world.syncOf(player).score = world.tick;
      },
    },
  ],
});
