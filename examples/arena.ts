/**
 * The arena, which `gyre serve` runs when it is given no game: wolves in packs that notice, chase around walls, bite, give up and go
 * home; boars that want to be left alone; here and there a bear. Players fight, die, rise, gain levels and gold, and walk from zone
 * to zone through gates. On any map, with any number of beasts.
 *
 * What happens to everybody happens in the kernel, as arena.json says; the hooks see what is rare. Between deaths the game costs a look at
 * each player a second.
 */
import { defineGame, type EntityId, EVENT, type GameWorld, loadArchetypes, type MapData, type Player } from "gyre";
import table from "./arena.json" with { type: "json" };
import { gatesOf } from "./arena-gates.ts";
import { townOf } from "./arena-town.ts";

const archetypes = loadArchetypes(JSON.stringify(table), "arena.json");
const KINDS = Object.keys(archetypes);
const PLAYER = archetypes["player"] ?? {};

/** Of each thousand lairs. In the others lives a pack of wolves. */
const BOARS = 790;
const BEARS = 4;
const PACK = 5;

/** Flow fields for those who chase, and the memory that they may take in each zone: a byte a tile each. */
const FIELDS_MAX = 64;
const FIELD_BYTES_MAX = 32 * 1024 * 1024;

/** A player who was not hit for so many seconds regains this share of its hp a second, in steps of so many ticks. */
const REST_SECONDS = 4;
const REST_SHARE = 0.08;
const REST_TICKS = 30;
/** Seconds from one table of who killed most to the next, and how many it lists. */
const TABLE_SECONDS = 60;
const TABLE_LENGTH = 3;
/** Units around a death within which players hear of it. Of a bear's everybody does. */
const NEWS_RADIUS = 600;

interface State {
  beastsSlain: number;
  playersSlain: number;
}

const COLUMNS = { kills: { type: "u16", replicate: true } } as const;

type World = GameWorld<State, typeof COLUMNS>;

export default defineGame<State, typeof COLUMNS>({
  name: "arena",
  // Wolves without anybody to hunt cost what others could use.
  sleepAfter: 60,
  map: ({ seed }) => townOf(seed),
  columns: COLUMNS,
  archetypes,
  zone: (_, map) => ({ flowFields: fieldsOn(map) }),
  gates: ({ zones }, map) => gatesOf(map, zones),
  state: () => ({ beastsSlain: 0, playersSlain: 0 }),

  setup(world) {
    const { npcs } = world.settings;
    const bears = hasRoomFor(world, "bear") ? BEARS : 0;
    for (let i = 0; i < npcs; ) i += settle(world, bears, npcs - i);
    world.after(TABLE_SECONDS * world.tickRate, "table");
  },

  death(world, { source, target, x, y }) {
    const killer = world.playerOf(source);
    if (killer !== undefined) credit(world, killer);
    const isPlayer = world.playerOf(target) !== undefined;
    const isBear = kindOf(world, target) === "bear";
    if (isPlayer) world.state.playersSlain++;
    else world.state.beastsSlain++;
    if (!isPlayer && !isBear) return;
    const news = { killer: nameOf(world, source), victim: nameOf(world, target) };
    world.tell("kill", news, isBear ? undefined : { x, y, radius: NEWS_RADIUS });
  },

  event(world, { type, target, value }) {
    if (type !== EVENT.LEVEL) return;
    const player = world.playerOf(target);
    if (player !== undefined) world.tell("level", { level: value }, player);
  },

  timer(world) {
    const killers = world.players.map((player) => ({ name: player.name, kills: killsOf(world, player) }));
    // The order of seats breaks ties: the sort is stable.
    killers.sort((a, b) => b.kills - a.kills);
    if (killers.length > 0) world.tell("table", killers.slice(0, TABLE_LENGTH));
    world.after(TABLE_SECONDS * world.tickRate, "table");
  },

  systems: [{ name: "rest", every: REST_TICKS, run: rest }],
});

function fieldsOn({ width, height }: MapData): number {
  return Math.min(FIELDS_MAX, Math.floor(FIELD_BYTES_MAX / (width * height)));
}

/** On a map of narrow ways there are places for wolves and none for bears. */
function hasRoomFor(world: World, kind: string): boolean {
  try {
    world.freePlace(kind);
    return true;
  } catch {
    return false;
  }
}

/** A lair for a bear, with a chance of so many of a thousand, for a boar, or for at most so many wolves. Gives how many live there. */
function settle(world: World, bears: number, most: number): number {
  const roll = world.random() % 1000;
  const kind = roll < bears ? "bear" : roll < bears + BOARS ? "boar" : "wolf";
  const count = kind === "wolf" ? Math.min(PACK, most) : 1;
  const { x, y } = world.freePlace(kind);
  for (let i = 0; i < count; i++) world.spawn(kind, x, y);
  return count;
}

/** Who is left in peace recovers. */
function rest(world: World): void {
  const { alive, hp, hitAt, level } = world.zone.columns;
  for (const { entity } of world.players) {
    const slot = world.zone.slot(entity);
    if (slot < 0 || alive[slot] === 0 || world.tick - (hitAt[slot] ?? 0) < REST_SECONDS * world.tickRate) continue;
    const full = fullHp(level[slot] ?? 1);
    hp[slot] = Math.max(
      hp[slot] ?? 0,
      Math.min(full, (hp[slot] ?? 0) + Math.ceil((full * REST_SHARE * REST_TICKS) / world.tickRate)),
    );
  }
}

function fullHp(level: number): number {
  return (PLAYER.hp ?? 0) + (PLAYER.levelHp ?? 0) * (level - 1);
}

function credit({ zone, own }: World, { entity }: Player): void {
  const slot = zone.slot(entity);
  own.kills[slot] = Math.min(0xffff, (own.kills[slot] ?? 0) + 1);
}

function killsOf({ zone, own }: World, { entity }: Player): number {
  return own.kills[zone.slot(entity)] ?? 0;
}

function kindOf({ zone }: World, id: EntityId): string {
  return KINDS[zone.columns.kind[zone.slot(id)] ?? 0] ?? "somebody";
}

/** Of its player, or what it is. */
function nameOf(world: World, id: EntityId): string {
  return world.playerOf(id)?.name ?? `a ${kindOf(world, id)}`;
}
