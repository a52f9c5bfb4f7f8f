/**
 * Players that a seed drives through all that players do: they come, walk, strike, shout what the game knows, and leave; and the sums that must
 * come out even whatever they did. For tests of games and for the long runs of CI.
 */
import type { Game } from "../../src/game/define.js";
import type { GameWorld } from "../../src/game/types.js";
import type { MapData } from "../../src/maps/types.js";
import type { World } from "../../src/sim/world.js";
import { Random } from "./random.js";

/** Of 256 chances a tick: a visitor comes, one leaves, each sends an input. */
const COMES = 6;
const LEAVES = 2;
const INPUTS = 40;

interface Seat {
  world: World;
  seat: number;
  seq: number;
}

/** At most so many visitors of some worlds, whose inputs are a function of the seed. */
export class Visitors {
  readonly #worlds: readonly World[];
  readonly #random: Random;
  readonly #most: number;
  readonly #seats: Seat[] = [];
  #names = 0;

  constructor(worlds: readonly World[], seed: number, most: number) {
    this.#worlds = worlds;
    this.#random = new Random(seed);
    this.#most = most;
    for (const world of worlds) {
      world.onSeatMoved = (from, to, seat) => {
        const visitor = this.#seats.find((each) => each.world === world && each.seat === from);
        if (visitor !== undefined) Object.assign(visitor, { world: worlds.find(({ name }) => name === to), seat });
      };
    }
  }

  get count(): number {
    return this.#seats.length;
  }

  /** All of them. */
  leave(): void {
    for (const { world, seat } of this.#seats.splice(0)) world.leave(seat);
  }

  /** Call before each step. */
  act(): void {
    const random = this.#random;
    if (this.#seats.length < this.#most && random.integer(0, 255) < COMES) {
      const world = random.pick(this.#worlds);
      this.#seats.push({ world, seat: world.join(`visitor-${this.#names++}`), seq: 0 });
    }
    if (this.#seats.length > 0 && random.integer(0, 255) < LEAVES) {
      const [gone] = this.#seats.splice(random.integer(0, this.#seats.length - 1), 1);
      gone?.world.leave(gone.seat);
    }
    for (const visitor of this.#seats) {
      if (random.integer(0, 255) >= INPUTS) continue;
      const action = random.integer(0, 2);
      const known = action < 2 || visitor.world.actionOf("shout") !== 0;
      const [dx, dy] = [random.float() * 2 - 1, random.float() * 2 - 1];
      visitor.world.input(visitor.seat, ++visitor.seq, dx, dy, known ? action : 0);
    }
  }
}

/** Xp and gold on their way from the dead to who killed them, by a game's own hooks. */
export class Ledger {
  xp = 0;
  gold = 0;
  deaths = 0;

  /** The game, which reports to this ledger as well. */
  watch(game: Game): Game {
    const { definition } = game;
    const death = (world: GameWorld, event: Parameters<NonNullable<typeof definition.death>>[1]): void => {
      this.xp += event.value;
      this.gold += event.extra;
      this.deaths++;
      definition.death?.(world, event);
    };
    const leave = (world: GameWorld, player: Parameters<NonNullable<typeof definition.leave>>[1]): void => {
      // What a leaving player takes along.
      const slot = world.zone.slot(player.entity);
      this.xp -= world.zone.columns.xp[slot] ?? 0;
      this.gold -= world.zone.columns.gold[slot] ?? 0;
      definition.leave?.(world, player);
    };
    return { ...game, definition: { ...definition, death, leave } };
  }

  /** Throws unless all that was given is with those who are there. */
  check(worlds: readonly World[]): void {
    let [xp, gold] = [0, 0];
    for (const { zone } of worlds) {
      for (let slot = 0; slot < zone.highWater; slot++) {
        xp += zone.columns.xp[slot] ?? 0;
        gold += zone.columns.gold[slot] ?? 0;
      }
    }
    if (xp !== this.xp || gold !== this.gold) {
      throw new Error(`xp ${xp} of ${this.xp} given, gold ${gold} of ${this.gold}`);
    }
  }
}

/** Throws when somebody is alive without hp that has a kind which can be harmed, or overlaps a wall, or the zone's structure is damaged. */
export function checkWorld({ zone, map, fault }: World, harmable: readonly boolean[]): void {
  if (fault !== null) throw fault;
  zone.validate();
  const { id, alive, hp, kind, x, y, halfSize } = zone.columns;
  for (let slot = 0; slot < zone.highWater; slot++) {
    if (id[slot] === 0) continue;
    const where = `slot ${slot} of kind ${kind[slot]} at (${x[slot]}, ${y[slot]})`;
    const isWell = (hp[slot] ?? 0) > 0;
    if (harmable[kind[slot] ?? 0] && isWell !== (alive[slot] === 1)) {
      throw new Error(`${where} has ${hp[slot]} hp and is ${alive[slot] === 1 ? "alive" : "dead"}`);
    }
    if (overlapsWall(map, x[slot] ?? 0, y[slot] ?? 0, halfSize[slot] ?? 0))
      throw new Error(`${where} stands in a wall`);
  }
}

/** A box covers [low, high). */
function overlapsWall({ width, height, tileSize, tiles }: MapData, x: number, y: number, half: number): boolean {
  for (let row = Math.floor((y - half) / tileSize); row * tileSize < y + half; row++) {
    for (let column = Math.floor((x - half) / tileSize); column * tileSize < x + half; column++) {
      if (row < 0 || column < 0 || row >= height || column >= width || tiles[row * width + column] !== 0) return true;
    }
  }
  return false;
}
