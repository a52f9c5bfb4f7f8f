// A whole game: gold lies about, whoever walks over it has it, and everybody hears who is ahead. Run it: gyre serve tiny.mjs
import { defineGame } from "gyre";

const near = new Uint32Array(16); // room for what a query finds

export default defineGame({
  name: "tiny",
  archetypes: { player: { speed: 160 }, coin: { speed: 0, halfSize: 4, team: 1 } },
  columns: { coins: { type: "u16", replicate: true } },
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) drop(world);
  },
  systems: [{ name: "gather", every: 6, run: gather }],
});

function drop(world) {
  const { x, y } = world.freePlace("coin");
  world.spawn("coin", x, y);
}

function gather(world) {
  const { x, y, team } = world.zone.columns;
  for (const { entity, name } of world.players) {
    const slot = world.zone.slot(entity); // ids may go stale, slots index the columns
    if (slot < 0) continue;
    const found = Math.min(near.length, world.zone.queryRadius(x[slot], y[slot], 20, near));
    for (const id of near.subarray(0, found)) {
      if (team[world.zone.slot(id)] !== 1) continue;
      world.zone.despawn(id);
      drop(world);
      world.own.coins[slot]++;
      world.tell("coin", { name, coins: world.own.coins[slot] });
    }
  }
}
