/**
 * The game of `zones` on threads: small zones full of hunters, and of bots in place of players, all of whom die and come back. Nothing of
 * it runs in ticks, so that any thread may step its zones. zones-scripts.ts is the same with scripts.
 */
import { defineGame, type GameDefinition, type MapData } from "gyre";
import { random, ZONE_ENTITIES } from "./points.js";

const TILE = 32;
/** Tiles a side. */
const SIDE = 40;
const BLOCKED_FRACTION = 0.15;
/** Of a zone. */
export const BOTS = 10;
export const NPCS = ZONE_ENTITIES - BOTS;

function scattered(): MapData {
  const next = random(1);
  const tiles = Uint8Array.from({ length: SIDE * SIDE }, () => (next() < BLOCKED_FRACTION ? 1 : 0));
  return { width: SIDE, height: SIDE, tileSize: TILE, tiles };
}

const fighter = { spread: 0.2, defence: 1, respawn: 10 } as const;

export const definition: GameDefinition<{ fallen: number; health: number }> = {
  name: "zones",
  map: scattered(),
  capacity: ZONE_ENTITIES,
  archetypes: {
    player: { ...fighter, hp: 100, attack: 15, reach: 28, arc: 2.5, cleave: 2, cooldown: 0.5, respawn: 1 },
    wolf: {
      ...{ ...fighter, team: 1, hp: 60, attack: 8, reach: 22, arc: 3, cooldown: 1 },
      ...{ brain: "hunter", sight: 200, leash: 600, wander: 100, separation: 6, speed: 110 },
    },
    troll: {
      ...{ ...fighter, team: 1, hp: 120, attack: 14, reach: 24, arc: 3, cooldown: 1.5, halfSize: 10 },
      ...{ brain: "hunter", sight: 120, leash: 300, wander: 60, separation: 8, speed: 90 },
    },
  },
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const kind = i % 2 === 0 ? "wolf" : "troll";
      const { x, y } = world.freePlace(kind);
      world.spawn(kind, x, y);
    }
  },
};

export default defineGame(definition);
