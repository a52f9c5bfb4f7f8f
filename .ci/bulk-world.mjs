// A game for bulk.mjs: one open world of 608 x 608 tiles, 60 ticks and 20 snapshots a second.
import { defineGame } from "gyre";
import { tickClock } from "./tick-clock.mjs";

const SIDE = 608;

export default defineGame({
  name: "bulk world",
  map: { width: SIDE, height: SIDE, tileSize: 32, tiles: new Uint8Array(SIDE * SIDE) },
  archetypes: { player: { speed: 160, hp: 100 } },
  capacity: 0,
  players: 4096,
  ...tickClock("zone-0"),
  join(world) {
    const { x, y } = world.freePlace("player");
    return world.spawn("player", x, y);
  },
});
