/** A game with a state tree, of which something changes in every tick. */
import { defineGame, type GameDefinition, type GameWorld } from "gyre";

const SYNC = {
  broadcast: {
    phase: "day",
    round: 0,
    scores: { "*": 0 },
    monsters: { "*": { hp: 100, loot: { "*": 0 } } },
    banner: null,
  },
  perPlayer: { quest: "", bag: { "*": { count: 0 } } },
  rate: 10,
};
type SyncedWorld = GameWorld<undefined, Record<never, never>, typeof SYNC>;

/** What a game must not have: a variable that is not of its state. */
let hasFailed = false;

/** A game that changes something in every tick, by the zone's chance. */
export const definition: GameDefinition<undefined, Record<never, never>, typeof SYNC> = {
  name: "synced",
  map: { width: 16, height: 16, tileSize: 32, tiles: new Uint8Array(256) },
  archetypes: { player: {} },
  gates: ({ zones }) =>
    zones < 2 ? [] : [{ zone: "zone-0", x0: 400, y0: 32, x1: 470, y1: 470, to: "zone-1", x: 100, y: 100 }],
  sync: SYNC,
  join(world, player) {
    world.syncOf(player).quest = `secret of ${player.name}`;
    world.tell("hello", { name: player.name }, player);
    const { x, y } = world.freePlace();
    return world.spawn("player", x, y);
  },
  leave(world, player) {
    delete world.sync.scores[player.name];
  },
  actions: ["break"],
  input(world, player, { seq, actionName }) {
    // The first time that it comes.
    if (actionName === "break" && !hasFailed) {
      hasFailed = true;
      throw new Error("only once");
    }
    world.syncOf(player).bag[`secret ${player.name} ${seq % 5}`] = { count: seq };
    if (seq % 7 === 0) world.tell("bagged", { seq }, player);
  },
  systems: [{ name: "change", every: 1, run: change }],
};

function change(world: SyncedWorld): void {
  const { sync } = world;
  const chance = world.random();
  const key = `m${(chance >>> 8) % 40}`;
  switch (chance % 8) {
    case 0:
      sync.phase = sync.phase === "day" ? "night" : "day";
      break;
    case 1:
      sync.round++;
      break;
    case 2:
    case 3:
      sync.monsters[key] = { hp: (chance >>> 16) % 300, loot: { gold: chance >>> 28 } };
      break;
    case 4: {
      const monster = sync.monsters[key];
      if (monster !== undefined) monster.hp--;
      break;
    }
    case 5:
      delete sync.monsters[key];
      break;
    case 6:
      for (const player of world.players) if (!player.bot) sync.scores[player.name] = (chance >>> 4) % 1000;
      break;
    default:
      world.tell("tick", { tick: world.tick });
  }
}

export default defineGame(definition);
