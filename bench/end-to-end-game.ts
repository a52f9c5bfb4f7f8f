/** The game of `end-to-end`: a bare field, as wide as --npcs players need to see some 50 of each other, on which they walk. */
import { defineGame } from "gyre";
import { CELL_TILES, cellsPerSide, TILE, WALK_SPEED } from "./snapshot-world.js";

export default defineGame({
  name: "end-to-end",
  capacity: 1,
  map({ npcs }) {
    const side = cellsPerSide(npcs) * CELL_TILES;
    return { width: side, height: side, tileSize: TILE, tiles: new Uint8Array(side * side) };
  },
  archetypes: { player: { hp: 100, speed: WALK_SPEED, halfSize: 2 } },
});
