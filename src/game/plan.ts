/**
 * From a game and what its server was started with to what runs: map, rates, and the spec of the worlds. What depends on both sides is
 * checked here, with the path of the field that is wrong.
 */
import { GyreError } from "../errors.js";
import { HALF_SIZE } from "../kernel/archetypes.js";
import type { ColumnType } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import { INTEREST_TILES, STEPS_PER_UNIT } from "../protocol/interest.js";
import { STREAM_PLAN, type StreamPlan } from "../protocol/view.js";
import type { Gate } from "../sim/gates.js";
import { Places } from "../sim/places.js";
import { FAR_RATE, NEAR_RATE } from "../sim/rates.js";
import { instancesOf, type Template } from "../sim/template.js";
import type { WorldSpec } from "../sim/world.js";
import type { Replicated } from "../sim/world-spec.js";
import type { Guard } from "../sim/zones.js";
import { infoOf } from "../state/scopes.js";
import {
  CAPACITY_MAX,
  capacityProblem,
  type Game,
  gatesProblem,
  instanceCount,
  TICK_RATE_MAX,
  wrong,
  ZONES_MAX,
  zoneProblem,
} from "./define.js";
import { locate } from "./locate.js";
import { GameRules } from "./rules.js";
import type { GameDefinition, OwnColumn, Settings } from "./types.js";

/** What a game runs with where neither it nor its server says. */
export const GAME_DEFAULTS = { tickRate: 60, snapshotRate: 20, players: 2048, npcs: 0, bots: 0, zones: 1, seed: 1 };
/** Seconds that a room stays open without players where its template does not say. */
const LINGER_SECONDS = 10;
/** Seats for each player that a room may have: everybody may leave and be replaced between two ticks. */
const SEATS_PER_PLAYER = 2;
/** Tiles each way of the field that is the map of a game without one, and units per side of a tile. */
const FIELD_TILES = 64;
const FIELD_TILE_SIZE = 32;
/** Seconds that a function of a game may take to say what it wants. */
const ANSWER_SECONDS = 10;

export interface GamePlan {
  readonly name: string;
  readonly map: MapData;
  /** Per second. */
  readonly tickRate: number;
  readonly snapshotRate: number;
  readonly nearRate: number;
  readonly farRate: number;
  /** All of them, with the defaults of what was not given. */
  readonly settings: Settings;
  /** Of rooms, in order; none in a game without. */
  readonly templates: readonly PlannedTemplate[];
  /** Of all zones; each one's `zone` and `to` are among the server's. */
  readonly gates: readonly Gate[];
  /** Ticks without players or watchers after which a zone sleeps; 0 for never. */
  readonly sleepAfterTicks: number;
  /** Bytes of the game's own kernel for loadKernel; undefined for gyre's. */
  readonly kernel: Uint8Array | undefined;
  /** What all zones share; a world adds its name, seed and gates, a room what its template says. */
  readonly world: Omit<WorldSpec, "name" | "seed" | "gates">;
}

export interface PlannedTemplate extends Template {
  /** What hooks get in its rooms. */
  readonly settings: Settings;
}

/** Wants of whoever starts the server, each winning over the game's own. */
export interface PlanOptions {
  readonly settings?: Partial<Settings>;
  readonly map?: MapData;
  readonly tickRate?: number;
  readonly snapshotRate?: number;
  /** Of the near and the far stream, per second, at most the tick rate. */
  readonly nearRate?: number;
  readonly farRate?: number;
  readonly streams?: Partial<StreamPlan>;
  /** Stands over the functions of a game that may run for ever. Default: nobody does. */
  readonly guard?: Guard | null;
}

/** Throws GAME_BAD for what the game says, GAME_FAILED for what its functions throw, or when one does not come to an end; BAD_ARGUMENT for a map that is none; MAP_BAD when nobody can stand on it. */
export async function planGame(game: Game, options: PlanOptions = {}): Promise<GamePlan> {
  const { definition } = game;
  const settings = settingsOf(definition, options.settings ?? {});
  const ask: Ask = (field, code) => answerOf(game, options.guard ?? null, field, code);
  const map = options.map ?? (await mapOf(ask, game, settings));
  const tickRate = options.tickRate ?? definition.tickRate ?? GAME_DEFAULTS.tickRate;
  const snapshotRate =
    options.snapshotRate ?? Math.min(definition.snapshotRate ?? GAME_DEFAULTS.snapshotRate, tickRate);
  if (!(tickRate <= TICK_RATE_MAX && snapshotRate <= tickRate)) {
    throw new GyreError("BAD_ARGUMENT", wrong("snapshotRate", snapshotRate, `at most the tickRate, ${tickRate}`));
  }
  const streams = { ...STREAM_PLAN, ...options.streams };
  // Where nobody says, nothing is told beyond the view.
  if (options.streams?.farRadius === undefined) streams.farRadius = streams.viewRadius;
  const nearRate = Math.min(options.nearRate ?? NEAR_RATE, tickRate);
  const farRate = Math.min(options.farRate ?? FAR_RATE, tickRate);
  const columns = Object.entries(definition.columns ?? {});
  const zoneFor = (settings: Settings, seats: number): WorldSpec["zone"] => ({
    ...zoneOf(ask, definition, settings, map),
    capacity: Math.max(1, capacityOf(ask, definition, settings, map, seats) + seats),
    tickRate,
    archetypes: Object.values(definition.archetypes ?? {}),
    columns: Object.fromEntries(columns.map(([name, column]) => [name, typeOf(column)])),
  });
  const templates = Object.entries(definition.rooms ?? {}).map(([name, template], i): PlannedTemplate => {
    const { maxPlayers, linger = LINGER_SECONDS } = template;
    const own = Object.freeze({ ...settings, ...template.settings, players: maxPlayers });
    const seats = SEATS_PER_PLAYER * maxPlayers + settings.bots;
    return {
      name,
      instances: i === 0 ? settings.zones - instancesBeyondFirst(definition) : instanceCount(template),
      maxPlayers,
      lingerTicks: Math.max(1, Math.ceil(linger * tickRate)),
      seats,
      zone: zoneFor(own, seats),
      settings: own,
    };
  });
  const [first] = templates;
  const seats = first?.seats ?? settings.players + settings.bots;
  const lingerTicks = Math.max(0, ...templates.map(({ lingerTicks }) => lingerTicks));
  return {
    name: game.name,
    map,
    tickRate,
    snapshotRate,
    nearRate,
    farRate,
    settings,
    templates,
    gates: gatesOf(ask, definition, settings, map, templates),
    sleepAfterTicks: Math.ceil((definition.sleepAfter ?? 0) * tickRate) || lingerTicks,
    kernel: definition.kernel,
    world: {
      map,
      places: await placesOf(definition, map),
      zone: first?.zone ?? zoneFor(settings, seats),
      seats,
      ...(definition.sync === undefined ? {} : { sync: infoOf(definition.sync) }),
      replicated: columns.flatMap(([name, column]) => replicatedOf(name, column)),
      stepsPerUnit: 1 / (definition.positionStep ?? 1 / STEPS_PER_UNIT),
      interestTiles: definition.interestTiles ?? INTEREST_TILES,
      streams,
      rules: rulesOf(game, settings, templates),
    },
  };
}

/** What makes the rules of a world of this game. */
export function rulesOf(game: Game, settings: Settings, templates: readonly PlannedTemplate[]): WorldSpec["rules"] {
  return (world) =>
    new GameRules(world, game, templates.find(({ name }) => name === world.template)?.settings ?? settings);
}

function settingsOf(definition: GameDefinition, given: Partial<Settings>): Settings {
  const { npcs, bots, seed, players, zones } = GAME_DEFAULTS;
  const own = { npcs, bots, seed, players: definition.players ?? players, zones: definition.zones ?? zones };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const settings = { ...own, ...Object.fromEntries(known) };
  if (definition.rooms !== undefined) Object.assign(settings, settingsOfRooms(definition, definition.rooms, given));
  return Object.freeze(settings);
}

/** Where a server is told how many zones, the first template's instances are as many as the others leave. Throws BAD_ARGUMENT. */
function settingsOfRooms(definition: GameDefinition, rooms: Rooms, { zones, players }: Partial<Settings>) {
  const all = Object.values(rooms);
  const most = Math.max(...all.map(({ maxPlayers }) => maxPlayers));
  const others = instancesBeyondFirst(definition);
  if (players !== undefined && players !== most) {
    throw new GyreError("BAD_ARGUMENT", wrong("players", players, "absent, as the game's rooms say maxPlayers"));
  }
  if (zones !== undefined && !(zones > others && zones <= ZONES_MAX)) {
    throw new GyreError(
      "BAD_ARGUMENT",
      wrong("zones", zones, `from ${others + 1} to ${ZONES_MAX}, rooms of all templates`),
    );
  }
  return { players: most, zones: zones ?? all.reduce((sum, template) => sum + instanceCount(template), 0) };
}

function instancesBeyondFirst({ rooms = {} }: GameDefinition): number {
  const [, ...others] = Object.values(rooms);
  return others.reduce((sum, template) => sum + instanceCount(template), 0);
}

type Rooms = NonNullable<GameDefinition["rooms"]>;

/** Calls the function that a game gave for a field. */
type Ask = <T>(field: string, code: () => T) => T;

function answerOf<T>(game: Game, guard: Guard | null, field: string, code: () => T): T {
  let answer: { of: T } | undefined;
  const run = (): void => {
    answer = { of: code() };
  };
  try {
    if (guard === null) run();
    else guard.run(run, ANSWER_SECONDS);
  } catch (error) {
    throw failureOf(game, field, error);
  }
  if (answer === undefined) throw failedIn(fileName(game), field, "it did not come to an end");
  return answer.of;
}

/** With the place; what gyre threw, such as a map that is none, says enough. */
function failureOf(game: Game, field: string, error: unknown): unknown {
  if (error instanceof GyreError) return error;
  const text = error instanceof Error ? error.message : `it threw ${String(error)}`;
  return failedIn(locate(error, game.file, "") || fileName(game), field, text);
}

function failedIn(place: string, field: string, text: string): GyreError {
  return new GyreError("GAME_FAILED", `${place} in ${field}: ${text}`);
}

function fileName({ file, name }: Game): string {
  return file.slice(file.lastIndexOf("/") + 1) || name;
}

async function mapOf(ask: Ask, game: Game, settings: Settings): Promise<MapData> {
  const { map } = game.definition;
  if (map === undefined) {
    const tiles = new Uint8Array(FIELD_TILES * FIELD_TILES);
    return { width: FIELD_TILES, height: FIELD_TILES, tileSize: FIELD_TILE_SIZE, tiles };
  }
  const made: unknown =
    typeof map === "function"
      ? await mapMade(
          game,
          ask("map", () => map(settings)),
        )
      : map;
  const problem = mapProblem(made);
  if (problem !== null) throw new GyreError("GAME_BAD", problem);
  return made as MapData;
}

async function mapMade(game: Game, made: MapData | Promise<MapData>): Promise<MapData> {
  try {
    return await made;
  } catch (error) {
    throw failureOf(game, "map", error);
  }
}

function mapProblem(map: unknown): string | null {
  if (typeof map !== "object" || map === null) return wrong("map", map, "a map, as loadMap gives one");
  const { width, height, tileSize, tiles } = map as Partial<MapData>;
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isSafeInteger(side) || Number(side) < 1) return wrong(`map.${name}`, side, "a whole number of tiles");
  }
  if (!(Number.isFinite(tileSize) && Number(tileSize) > 0)) return wrong("map.tileSize", tileSize, "units, above 0");
  if (!(tiles instanceof Uint8Array)) return wrong("map.tiles", tiles, "a Uint8Array");
  const wanted = Number(width) * Number(height);
  return tiles.length === wanted ? null : wrong("map.tiles.length", tiles.length, `${width} x ${height}, ${wanted}`);
}

function capacityOf(ask: Ask, { capacity }: GameDefinition, settings: Settings, map: MapData, seats: number): number {
  const entities: unknown =
    typeof capacity === "function" ? ask("capacity", () => capacity(settings, map)) : (capacity ?? settings.npcs);
  const problem = capacityProblem(entities, "capacity");
  if (problem !== null) throw new GyreError("GAME_BAD", problem);
  if (Number(entities) + seats > CAPACITY_MAX) {
    throw new GyreError("GAME_BAD", wrong("capacity", entities, `at most ${CAPACITY_MAX} with ${seats} seats`));
  }
  return Number(entities);
}

function zoneOf(ask: Ask, { zone }: GameDefinition, settings: Settings, map: MapData) {
  const own = typeof zone === "function" ? ask("zone", () => zone(settings, map)) : (zone ?? {});
  const problem = zoneProblem(own, "zone");
  if (problem !== null) throw new GyreError("GAME_BAD", problem);
  return own;
}

/** Gates lead from a zone of this server into another, and to where somebody can stand. */
function gatesOf(
  ask: Ask,
  { gates }: GameDefinition,
  settings: Settings,
  map: MapData,
  templates: readonly Template[],
): readonly Gate[] {
  const made: unknown = typeof gates === "function" ? ask("gates", () => gates(settings, map)) : (gates ?? []);
  let problem = gatesProblem(made, "gates");
  const known = new Set(instancesOf(settings.zones, templates).map(({ name }) => name));
  for (const [i, gate] of problem === null ? (made as Gate[]).entries() : []) {
    problem ??= gateProblem(gate, `gates[${i}]`, map, known);
  }
  if (problem !== null) throw new GyreError("GAME_BAD", problem);
  return made as Gate[];
}

function gateProblem(gate: Gate, path: string, map: MapData, known: ReadonlySet<string>): string | null {
  for (const end of ["zone", "to"] as const) {
    if (!known.has(gate[end])) return wrong(`${path}.${end}`, gate[end], `one of the server's ${known.size} zones`);
  }
  const [column, row] = [Math.floor(gate.x / map.tileSize), Math.floor(gate.y / map.tileSize)];
  const isInside = column >= 0 && row >= 0 && column < map.width && row < map.height;
  if (isInside && map.tiles[row * map.width + column] === 0) return null;
  return `${path} leads to (${gate.x}, ${gate.y}); nobody can stand there`;
}

/** Throws MAP_BAD when the first archetype, which players are, has no room anywhere. */
async function placesOf({ archetypes }: GameDefinition, map: MapData): Promise<Places> {
  const places = await Places.of(map);
  const halfSize = Object.values(archetypes ?? {})[0]?.halfSize ?? HALF_SIZE;
  if (places.count(halfSize) > 0) return places;
  throw new GyreError("MAP_BAD", "the map has no tile where anybody could stand");
}

function replicatedOf(name: string, column: OwnColumn): Replicated[] {
  if (typeof column === "string" || column.replicate !== true) return [];
  return [column.step === undefined ? { name } : { name, step: column.step }];
}

function typeOf(column: OwnColumn): ColumnType {
  return typeof column === "string" ? column : column.type;
}
