// A game for bulk.mjs and shutdown.mjs: up to 600 rooms of five, each with eight walkers, 20 ticks and 10 snapshots and syncs a second.
import { defineGame } from "gyre";
import { tickClock } from "./tick-clock.mjs";

const SIDE = 32;
const WALKERS = 8;
const PLAYERS = 5;

export default defineGame({
  name: "bulk rooms",
  map: { width: SIDE, height: SIDE, tileSize: 32, tiles: new Uint8Array(SIDE * SIDE) },
  tickRate: 20,
  snapshotRate: 10,
  archetypes: { player: { speed: 160, hp: 100 }, walker: { brain: "hunter", wander: 200, speed: 60, team: 1 } },
  capacity: WALKERS,
  rooms: { match: { maxPlayers: PLAYERS, instances: 600, linger: 2 } },
  sync: { broadcast: { players: { "*": 0 } } },
  ...tickClock("match-0"),
  setup(world) {
    for (let i = 0; i < WALKERS; i++) {
      const { x, y } = world.freePlace("walker");
      world.spawn("walker", x, y);
    }
  },
  join(world, { name }) {
    world.sync.players[name] = 1;
    const { x, y } = world.freePlace("player");
    return world.spawn("player", x, y);
  },
  leave(world, { name }) {
    delete world.sync.players[name];
  },
});
