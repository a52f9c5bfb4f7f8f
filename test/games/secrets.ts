/** Rooms whose players each have secrets, which are kept; and rooms in which they are told to everybody, in every way that a game has. */
import { defineGame, type GameDefinition, type GameWorld, type Player } from "gyre";
import { MOTTO, secretsOf } from "../support/secrets.js";

const SYNC = {
  broadcast: { motto: MOTTO, rumours: { "*": { text: "", count: 0 } } },
  perPlayer: { quest: "", bag: { "*": { count: 0 } } },
  rate: 20,
};
type World = GameWorld<undefined, Record<never, never>, typeof SYNC>;

export const definition: GameDefinition<undefined, Record<never, never>, typeof SYNC> = {
  name: "secrets",
  map: { width: 16, height: 16, tileSize: 32, tiles: new Uint8Array(256) },
  archetypes: { player: { speed: 100 } },
  rooms: {
    quiet: { maxPlayers: 6, instances: 2, linger: 0 },
    loose: { maxPlayers: 6, instances: 1, settings: { leaks: 1 } },
  },
  gates: [{ zone: "quiet-1", x0: 400, y0: 0, x1: 512, y1: 512, to: "quiet-0", x: 100, y: 100 }],
  sync: SYNC,
  actions: ["whisper", "cross", "ring"],
  join(world, player) {
    remember(world, player);
    const id = world.spawn("player", 60 + (world.random() % 200), 60 + (world.random() % 200));
    world.zone.columns.xp[world.zone.slot(id)] = secretsOf(player.name).xp;
    return id;
  },
  arrive: remember,
  input(world, player, { seq, actionName }) {
    if (actionName === "cross") world.zone.place(player.entity, 450, 200);
    if (actionName === "ring") world.tell("ring", { text: `ring ${seq} of ${player.name}` });
    if (actionName !== "whisper") return;
    const { key, count, whisper, amount, gold, readyAt } = secretsOf(player.name);
    world.syncOf(player).bag[key] = { count };
    world.tell("whisper", { whisper, amount, seq }, player);
    const slot = world.zone.slot(player.entity);
    world.zone.columns.gold[slot] = gold;
    world.zone.columns.readyAt[slot] = readyAt;
    if (world.settings["leaks"] === 1) leak(world, player);
  },
};

function remember(world: World, player: Player): void {
  const { quest, key } = secretsOf(player.name);
  world.syncOf(player).quest = quest;
  world.syncOf(player).bag[key] = { count: 0 };
}

function leak(world: World, { name, entity }: Player): void {
  const { quest, key, count, whisper, amount } = secretsOf(name);
  world.sync.rumours[key] = { text: quest, count };
  world.tell("rumour", { whisper, amount });
  const { xp, gold, readyAt } = world.zone.columns;
  const from = world.zone.slot(entity);
  for (const player of world.players) {
    const slot = world.zone.slot(player.entity);
    for (const column of [xp, gold, readyAt]) column[slot] = column[from] as number;
  }
}

export default defineGame(definition);
