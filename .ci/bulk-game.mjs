// A game for bulk.mjs: rooms of five, each with some walkers; a room tells how long it had to wait from one tick to the next
// when it is asked, and how much of its process's time went by meanwhile: that tells what the process did itself from what the machine did.
import { defineGame } from "gyre";

const SIDE = 32;
const MAX = 5;

/** Milliseconds that all threads of the process were busy. */
const busyMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** By room: when its last tick began, and the longest gap since it was asked. */
const clocks = new Map();

export default defineGame({
  name: "bulk",
  map: { width: SIDE, height: SIDE, tileSize: 32, tiles: new Uint8Array(SIDE * SIDE) },
  archetypes: { player: { speed: 160, hp: 100 }, walker: { brain: "hunter", wander: 200, speed: 60, team: 1 } },
  actions: ["report"],
  capacity: 16,
  rooms: { match: { maxPlayers: MAX, instances: 600, linger: 2 } },
  setup(world) {
    for (let i = 0; i < 8; i++) {
      const { x, y } = world.freePlace("walker");
      world.spawn("walker", x, y);
    }
  },
  join(world) {
    const { x, y } = world.freePlace("player");
    return world.spawn("player", x, y);
  },
  input(world, player, { actionName }) {
    if (actionName !== "report") return;
    const clock = clocks.get(world.name);
    world.tell("gap", [clock.longestMs, clock.busiestMs], player);
    clock.longestMs = clock.busiestMs = 0;
  },
  systems: [
    {
      name: "clock",
      every: 1,
      run(world) {
        // One room speaks for all.
        if (world.name !== "match-0") return;
        const nowMs = performance.now();
        const clock = clocks.get(world.name);
        const busy = busyMs();
        if (clock === undefined) clocks.set(world.name, { lastMs: nowMs, busyMs: busy, longestMs: 0, busiestMs: 0 });
        else {
          clock.longestMs = Math.max(clock.longestMs, nowMs - clock.lastMs);
          clock.busiestMs = Math.max(clock.busiestMs, busy - clock.busyMs);
          clock.lastMs = nowMs;
          clock.busyMs = busy;
        }
      },
    },
  ],
});
