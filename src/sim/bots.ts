/**
 * Players without a socket: they join, take a seat and send numbered inputs as people do, so that a server without visitors runs the
 * path that visitors run, and a recording holds what they did. What a bot wants is a hash of (seed, bot, tick) and what it sees in the
 * zone between two ticks: an enemy nearby is walked up to and struck at.
 *
 * Costs about 0.5 us for each bot that looks up, every sixth tick. Nothing is allocated per tick.
 */
import type { EntityId, NearestFilter } from "../kernel/types.js";
import { hash3, unit } from "./hash.js";
import { IndexSet } from "./index-set.js";
import type { World } from "./world.js";

/** Ticks between two inputs of a bot: 10 a second at 60 Hz. */
const INPUT_PERIOD = 6;
/** Ticks that a bot keeps a direction: 1.5 s at 60 Hz. */
const DIRECTION_TICKS = 90;
/** How far a bot notices an enemy, in units: 8 tiles. */
const SIGHT = 256;
/** Units from border to border within which a bot strikes. Its archetype may reach less far, and then it strikes the air. */
const STRIKE = 24;
const ATTACK = 1;

export class Bots {
  readonly #world: World;
  readonly #seed: number;
  /** Seats of the bots that are here: they act in order of seats, whoever came first through a gate. */
  readonly #seats: IndexSet;
  readonly #filter: NearestFilter = { notTeam: 0 };

  /** Those who sit in the world already, and seats for `count` more; from now on they hear who comes and goes by gates, or by a journal. */
  constructor(world: World, count: number, seed: number) {
    this.#world = world;
    this.#seed = seed;
    this.#seats = new IndexSet(world.seats);
    world.onBotGone = (seat) => this.#seats.delete(seat);
    world.onBotCame = (seat) => this.#seats.add(seat);
    for (let seat = 0; seat < world.seats; seat++) if (world.isBot(seat) && world.isTaken(seat)) this.#seats.add(seat);
    this.#seat(count);
  }

  /** The world begins anew, with so many. */
  restart(count: number): void {
    this.#seats.clear();
    this.#seat(count);
  }

  get count(): number {
    return this.#seats.count;
  }

  /** Sends the inputs that are due before the step of this tick. */
  decide(tick: number): void {
    if (this.#world.fault !== null) return;
    for (let seat = this.#seats.next(0); seat >= 0; seat = this.#seats.next(seat + 1)) {
      // Not one who decided before the zone was restored in the middle of this tick.
      if (this.#world.hasSpoken(seat)) continue;
      if ((tick + seat) % INPUT_PERIOD === 0) this.#decideOne(seat, tick);
    }
  }

  #seat(count: number): void {
    for (let i = 0; i < count; i++) this.#seats.add(this.#world.join(`bot-${i}`, true));
  }

  #decideOne(seat: number, tick: number): void {
    const id = this.#world.entity(seat);
    const enemy = id === 0 ? 0 : this.#enemyOf(id);
    if (enemy !== 0) {
      this.#fight(seat, tick, id, enemy);
      return;
    }
    const hash = hash3(this.#seed, -1 - seat, Math.floor((tick + seat * INPUT_PERIOD) / DIRECTION_TICKS));
    this.#world.input(seat, tick >>> 0, unit(hash, 0), unit(hash, 8), 0);
  }

  /** Whom it would strike at, 0 for nobody: the nearest of another team that can be harmed, where there is fighting at all. */
  #enemyOf(id: EntityId): EntityId {
    const { zone, fights } = this.#world;
    if (!fights) return 0;
    const slot = zone.slot(id);
    const { x, y, team, alive, hp } = zone.columns;
    if (slot < 0 || alive[slot] === 0) return 0;
    this.#filter.notTeam = team[slot] ?? 0;
    const enemy = zone.nearest(x[slot] ?? 0, y[slot] ?? 0, SIGHT, this.#filter);
    const other = enemy === 0 ? -1 : zone.slot(enemy);
    return other >= 0 && alive[other] === 1 && (hp[other] ?? 0) > 0 ? enemy : 0;
  }

  #fight(seat: number, tick: number, id: EntityId, enemy: EntityId): void {
    const { zone } = this.#world;
    const { x, y, halfSize } = zone.columns;
    const [own, other] = [zone.slot(id), zone.slot(enemy)];
    const dx = (x[other] ?? 0) - (x[own] ?? 0);
    const dy = (y[other] ?? 0) - (y[own] ?? 0);
    const near = STRIKE + (halfSize[own] ?? 0) + (halfSize[other] ?? 0);
    this.#world.input(seat, tick >>> 0, dx, dy, dx * dx + dy * dy <= near * near ? ATTACK : 0);
  }
}
