/**
 * A fire drill: a building full of people and four exits. When the bell rings everybody walks along one flow field to the nearest
 * exit; after a while smoke closes the busiest one, and a field without it takes over. Players are marshals: people keep calm near
 * them, and the action `shout` calms whoever hears it. Nobody fights. When all are out the game tells how long it took, and after a
 * break the next drill begins.
 *
 * The kernel walks the people; the game looks at everybody ten times a second, about 0.1 us each, and does nothing per tick.
 */
import { defineGame, EVENT, type GameWorld, type MapData } from "gyre";

/** A tile a character: `#` wall, `:` room, where people are before the bell, `.` corridor or door, letters: exits, blank: the yard. */
const PLAN = [
  "                                                            ",
  "                                                            ",
  "                                                            ",
  "                                                            ",
  "    #########################NN#########################    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::.....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::.....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    #:::::::#:::::::#::::::#....#:::::::#:::::::#::::::#    ",
  "    ####..######..##########....####.#######..#####..###    ",
  "    #..................................................E    ",
  "    W..................................................E    ",
  "    W..................................................E    ",
  "    #..................................................E    ",
  "    #####..###########..#########...############..######    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::#::::#::::#::::#::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::#::::#::::#::::#::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #:::::::::::#:::::::::::#::::::::::::::::::::::::::#    ",
  "    #####################################SS#############    ",
  "                                                            ",
  "                                                            ",
  "                                                            ",
  "                                                            ",
];
const COLUMNS = PLAN[0]?.length ?? 0;
/** Units. A person is 12 wide: two get through a door of one tile side by side. */
const TILE = 32;
const HALF = TILE / 2;
/** Which way is out, for each exit. */
const EXITS = { N: [0, -1], E: [1, 0], S: [0, 1], W: [-1, 0] } as const;
type Exit = keyof typeof EXITS;
const NAMES = Object.keys(EXITS) as Exit[];
/** Tiles beyond its door where one counts as out. */
const OUTSIDE = 2;

/** People at most: two on each tile of the rooms. */
const PEOPLE_MAX = 1700;
/** Seconds. */
const BELL_AFTER = 4;
const SMOKE_AFTER = 6;
const BREAK = 10;
/** From one look at everybody to the next. */
const LOOK_TICKS = 6;

/** Units around a person within which others crowd it, and how many it bears before it takes fright. */
const CROWD_RADIUS = 24;
const CROWD_BORNE = 5;
/** What each one more adds to panic, and what a marshal within the radius takes off, per second. */
const FRIGHT = 0.05;
const CALM = 0.8;
const CALM_RADIUS = 120;
const SHOUT_RADIUS = 240;
/** Full panic makes so much faster. */
const HASTE = 0.6;

interface State {
  drill: number;
  phase: "quiet" | "alarm" | "over";
  /** Tick at which the bell rang. */
  bell: number;
  inside: number;
  out: Record<Exit, number>;
  /** The exit that smoke closed. */
  smoke: Exit | null;
  /** The field that people follow, and the one that is computed to take its place; 0 for none. */
  field: number;
  next: number;
  /** Seconds that the last drill took. */
  seconds: number;
}

const COLUMN_TYPES = {
  /** 0 to 1. */
  panic: { type: "f32", replicate: true },
  /** Speed of a calm walk. */
  pace: "f32",
} as const;

type World = GameWorld<State, typeof COLUMN_TYPES>;

export default defineGame<State, typeof COLUMN_TYPES>({
  name: "evacuation",
  map: building(),
  capacity: ({ npcs }) => peopleOf(npcs),
  players: 64,
  // All may come, or arrive, in one tick.
  zone: { cellSize: CROWD_RADIUS, flowFields: 2, eventCapacity: 2048 },
  columns: COLUMN_TYPES,
  archetypes: {
    marshal: { team: 1, halfSize: 6, speed: 140 },
    person: { team: 2, halfSize: 6, speed: 70, separation: 5 },
  },
  actions: ["shout"],
  state: () => ({
    drill: 0,
    phase: "quiet",
    bell: 0,
    inside: 0,
    out: { N: 0, E: 0, S: 0, W: 0 },
    smoke: null,
    field: 0,
    next: 0,
    seconds: 0,
  }),

  setup: begin,

  join(world) {
    const { x, y } = placeIn(world, YARD);
    return world.spawn("marshal", x, y);
  },

  input(world, player, { actionName }) {
    if (actionName !== "shout") return;
    const slot = world.zone.slot(player.entity);
    const { x, y } = world.zone.columns;
    if (slot >= 0) calm(world, x[slot] ?? 0, y[slot] ?? 0, SHOUT_RADIUS, 1);
  },

  timer(world, name) {
    if (name === "bell") ring(world);
    else if (name === "smoke") fillWithSmoke(world);
    else begin(world);
  },

  event(world, { type, target, x, y }) {
    if (type === EVENT.ARRIVAL) countOut(world, target, x, y);
  },

  systems: [{ name: "look", every: LOOK_TICKS, run: look }],
});

function building(): MapData {
  const tiles = Uint8Array.from(PLAN.join(""), (tile) => (tile === "#" ? 1 : 0));
  return { width: COLUMNS, height: PLAN.length, tileSize: TILE, tiles };
}

/** Centres of the tiles with this letter, `steps` tiles further: x, y, x, y, ... */
function centres(letter: string, [dx, dy]: readonly [number, number] = [0, 0], steps = 0): number[] {
  const found: number[] = [];
  for (const [row, line] of PLAN.entries()) {
    for (const [column, tile] of [...line].entries()) {
      if (tile === letter) found.push((column + dx * steps + 0.5) * TILE, (row + dy * steps + 0.5) * TILE);
    }
  }
  return found;
}

const ROOMS = centres(":");
/** In front of the eastern exit. */
const YARD = centres("E", EXITS.E, OUTSIDE + 1);
const GOALS: Record<Exit, number[]> = {
  N: centres("N", EXITS.N, OUTSIDE),
  E: centres("E", EXITS.E, OUTSIDE),
  S: centres("S", EXITS.S, OUTSIDE),
  W: centres("W", EXITS.W, OUTSIDE),
};

function peopleOf(npcs: number): number {
  return Math.min(npcs, PEOPLE_MAX);
}

/** A random place on one of the tiles, where a box of any archetype fits. */
function placeIn(world: World, tiles: readonly number[]): { x: number; y: number } {
  const tile = 2 * (world.random() % (tiles.length / 2));
  const offset = () => (world.random() % (TILE / 2)) - TILE / 4;
  return { x: (tiles[tile] ?? 0) + offset(), y: (tiles[tile + 1] ?? 0) + offset() };
}

/** Everybody is in again, all exits are open, and the bell will ring. */
function begin(world: World): void {
  const { state, zone, own } = world;
  zone.closeField(state.field);
  zone.closeField(state.next);
  state.next = 0;
  state.field = zone.openField(NAMES.flatMap((exit) => GOALS[exit]));
  state.drill++;
  state.phase = "quiet";
  state.smoke = null;
  for (const exit of NAMES) state.out[exit] = 0;
  state.inside = peopleOf(world.settings.npcs);
  for (let i = 0; i < state.inside; i++) {
    const { x, y } = placeIn(world, ROOMS);
    const slot = zone.slot(world.spawn("person", x, y));
    own.pace[slot] = 55 + (world.random() % 31);
  }
  world.after(BELL_AFTER * world.tickRate, "bell");
}

function ring(world: World): void {
  const { state } = world;
  state.phase = "alarm";
  state.bell = world.tick;
  send(world, state.field);
  world.tell("bell", { drill: state.drill, people: state.inside });
  world.after(SMOKE_AFTER * world.tickRate, "smoke");
}

/** The exit that most have left by is of no more use. The field without it takes some ticks; `look` puts it in place. */
function fillWithSmoke(world: World): void {
  const { state, zone } = world;
  if (state.phase !== "alarm") return;
  const busiest = NAMES.reduce((most, exit) => (state.out[exit] > state.out[most] ? exit : most));
  state.smoke = busiest;
  state.next = zone.openField(NAMES.filter((exit) => exit !== busiest).flatMap((exit) => GOALS[exit]));
  world.tell("smoke", { exit: busiest });
}

/** All who are left walk along the field. */
function send(world: World, field: number): void {
  const { id, kind } = world.zone.columns;
  const person = world.kind("person");
  for (let slot = 0; slot < world.zone.highWater; slot++) {
    const who = id[slot] ?? 0;
    if (who !== 0 && kind[slot] === person) world.zone.follow(who, field);
  }
}

/** Panic grows in a crush and falls near a marshal; who panics hurries. */
function look(world: World): void {
  const { state, zone, own } = world;
  if (state.next !== 0 && zone.fieldReady(state.next)) {
    send(world, state.next);
    zone.closeField(state.field);
    state.field = state.next;
    state.next = 0;
  }
  const seconds = LOOK_TICKS / world.tickRate;
  const crowd = zone.neighbourCounts(CROWD_RADIUS);
  const { id, kind, speed, x, y } = zone.columns;
  const person = world.kind("person");
  for (let slot = 0; slot < zone.highWater; slot++) {
    if (id[slot] === 0 || kind[slot] !== person) continue;
    const fright = state.phase === "alarm" ? ((crowd[slot] ?? 0) - CROWD_BORNE) * FRIGHT : -CALM;
    const panic = Math.min(1, Math.max(0, (own.panic[slot] ?? 0) + fright * seconds));
    own.panic[slot] = panic;
    speed[slot] = (own.pace[slot] ?? 0) * (1 + HASTE * panic);
  }
  for (const { entity } of world.players) {
    const slot = zone.slot(entity);
    if (slot >= 0) calm(world, x[slot] ?? 0, y[slot] ?? 0, CALM_RADIUS, CALM * seconds);
  }
}

/** Room for what a query finds: scratch, in which nothing is kept. */
const found = new Uint32Array(512);

function calm(world: World, x: number, y: number, radius: number, by: number): void {
  const { zone, own } = world;
  const count = Math.min(zone.queryRadius(x, y, radius, found), found.length);
  for (let i = 0; i < count; i++) {
    const slot = zone.slot(found[i] ?? 0);
    own.panic[slot] = Math.max(0, (own.panic[slot] ?? 0) - by);
  }
}

/** Who arrives at an exit's goal is out, and goes home. */
function countOut(world: World, who: number, x: number, y: number): void {
  const { state, zone } = world;
  const exit = NAMES.find((name) => isOn(GOALS[name], x, y));
  if (exit === undefined || !zone.despawn(who)) return;
  state.out[exit]++;
  state.inside--;
  if (state.inside > 0) return;
  state.phase = "over";
  state.seconds = (world.tick - state.bell) / world.tickRate;
  world.tell("evacuated", { drill: state.drill, seconds: state.seconds, out: { ...state.out } });
  world.after(BREAK * world.tickRate, "again");
}

/** Is the place on one of the tiles with these centres? */
function isOn(tiles: readonly number[], x: number, y: number): boolean {
  for (let i = 0; i < tiles.length; i += 2) {
    if (Math.abs((tiles[i] ?? 0) - x) <= HALF && Math.abs((tiles[i + 1] ?? 0) - y) <= HALF) return true;
  }
  return false;
}
