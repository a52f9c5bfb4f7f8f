// Five players against ten monsters, in as many rooms as there are fives: what `gyre load --rooms 500 --per-room 5` joins, and what
// `gyre capacity` measures. Run it: gyre serve arenas.mjs
import { defineGame } from "gyre";

const SIDE = 32; // tiles
const MONSTERS = 10;

export default defineGame({
  name: "arenas",
  map: { width: SIDE, height: SIDE, tileSize: 32, tiles: walls() },
  tickRate: 20,
  snapshotRate: 10,
  archetypes: {
    hero: {
      hp: 150,
      attack: 14,
      spread: 0.3,
      reach: 24,
      arc: 2.4,
      cooldown: 0.5,
      speed: 140,
      respawn: 3,
      levelXp: 100,
    },
    monster: {
      ...{ team: 1, hp: 60, attack: 6, spread: 0.3, reach: 18, cooldown: 1, speed: 90, respawn: 8, xp: 20, gold: 3 },
      ...{ brain: "hunter", sight: 200, leash: 600, wander: 120, separation: 6 },
    },
  },
  capacity: MONSTERS,
  rooms: {
    arena: { maxPlayers: 5, instances: 500, linger: 5 },
  },
  // What players are told, ten times a second as far as it changed: all, who killed how many; each for itself, how it does.
  sync: {
    broadcast: { slain: 0, kills: { "*": 0 } },
    perPlayer: { streak: 0 },
  },
  setup(world) {
    for (let i = 0; i < MONSTERS; i++) {
      const { x, y } = world.freePlace("monster");
      world.spawn("monster", x, y);
    }
  },
  join(world, player) {
    world.sync.kills[player.name] = 0;
    const { x, y } = world.freePlace("hero");
    return world.spawn("hero", x, y);
  },
  death(world, { source, target }) {
    const [killer, victim] = [world.playerOf(source), world.playerOf(target)];
    if (victim !== undefined) world.syncOf(victim).streak = 0;
    else world.sync.slain++;
    if (killer === undefined) return;
    world.sync.kills[killer.name]++;
    world.syncOf(killer).streak++;
  },
  leave(world, { name }) {
    delete world.sync.kills[name];
  },
});

/** Pillars to run around. */
function walls() {
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [column, row] = [i % SIDE, Math.floor(i / SIDE)];
    return column % 8 === 4 && row % 8 === 4 ? 1 : 0;
  });
}
