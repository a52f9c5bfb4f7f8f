/** A zone as the hooks of its game see it. Checks what a game says, so that a mistake is told where it is made. */
import { GyreError } from "../errors.js";
import { HALF_SIZE } from "../kernel/archetypes.js";
import { bad } from "../kernel/check.js";
import type { EntityId, SpawnSpec } from "../kernel/types.js";
import { TELL_LENGTH_MAX, type World } from "../sim/world.js";
import { plainText } from "../state/plain.js";
import { Scopes } from "../state/scopes.js";
import type { Game } from "./define.js";
import { PlayerList } from "./players.js";
import { Timers } from "./timers.js";
import type { Audience, GameWorld, GameZone, Json, OwnColumns, Player, Settings, Views } from "./types.js";
import { gameZone } from "./zone-view.js";

/** What a spawn may have that its archetype has not. */
const OVERRIDES: readonly string[] = ["team", "halfSize", "speed", "hp"];
/** Ticks from now of the latest timer: 414 days at 60 Hz. */
const AFTER_TICKS_MAX = 2 ** 31 - 1;
/** Characters of an event's or a timer's name. */
const NAME_LENGTH_MAX = 32;

export class RunningWorld implements GameWorld {
  readonly name: string;
  readonly template: string;
  readonly zone: GameZone;
  readonly own: Views<OwnColumns>;
  readonly tickRate: number;
  readonly settings: Settings;
  readonly timers = new Timers();
  readonly list: PlayerList;
  /** The state tree that players are told of; null when the game declares none. */
  readonly scopes: Scopes | null;
  state: unknown;
  /** While a player enters, the room that is kept for it, for one, may be taken. */
  isEntering = false;

  readonly #world: World;
  readonly #kinds: readonly string[];
  readonly #halfSizes: readonly number[];
  readonly #place = { x: 0, y: 0 };

  constructor(world: World, { definition }: Game, settings: Settings) {
    const archetypes = Object.entries(definition.archetypes ?? {});
    this.#world = world;
    this.#kinds = archetypes.map(([name]) => name);
    this.#halfSizes = archetypes.map(([, { halfSize }]) => halfSize ?? HALF_SIZE);
    this.name = world.name;
    this.template = world.template;
    this.zone = gameZone(
      world.zone,
      () => world.room > (this.isEntering ? -1 : 0),
      (id) => this.#despawned(id),
      () => world.spawnsRefused++,
    );
    this.own = world.zone.own as Views<OwnColumns>;
    this.tickRate = world.zone.tickRate;
    this.settings = settings;
    this.list = new PlayerList(world);
    this.scopes = definition.sync === undefined ? null : new Scopes(definition.sync);
  }

  /** As it was made. */
  reset(): void {
    this.state = undefined;
    this.isEntering = false;
    this.timers.reset();
    this.list.reset();
    this.scopes?.reset();
  }

  /** Who took this seat is in. */
  add(seat: number): Player {
    this.scopes?.add(seat);
    return this.list.add(seat);
  }

  /** Who sits there leaves. */
  remove(seat: number): void {
    this.list.remove(seat);
    this.scopes?.remove(seat);
  }

  get tick(): number {
    return this.#world.zone.tick;
  }

  get locked(): boolean {
    return this.#world.isLocked;
  }

  set locked(locked: boolean) {
    if (typeof locked !== "boolean") throw bad("locked", locked, "true or false");
    this.#world.isLocked = locked;
  }

  get players(): readonly Player[] {
    return this.list.all;
  }

  playerOf(id: EntityId): Player | undefined {
    const seat = this.#world.seatOf(id);
    return seat < 0 ? undefined : this.list.at(seat);
  }

  kind(name: string): number {
    const kind = this.#kinds.indexOf(name);
    if (kind >= 0) return kind;
    throw bad("kind", name, this.#kinds.join(", ") || "the name of an archetype, and the game has no archetypes");
  }

  spawn(
    kind: string | number,
    x: number,
    y: number,
    overrides?: Partial<Omit<SpawnSpec, "x" | "y" | "kind">>,
  ): EntityId {
    for (const name in overrides) {
      if (!OVERRIDES.includes(name)) throw bad("an override", name, `one of ${OVERRIDES.join(", ")}`);
    }
    return this.zone.spawn({ ...overrides, kind: this.#kindOf(kind), x, y });
  }

  freePlace(kind: string | number = 0): { readonly x: number; readonly y: number } {
    const halfSize = this.#halfSizes[this.#kindOf(kind)] ?? HALF_SIZE;
    if (this.#world.places.choose(this.#world.zone, halfSize, this.#place)) return this.#place;
    throw bad("kind", kind, `one for which the map has room: this is ${2 * halfSize} units wide`);
  }

  possess(player: Player, id: EntityId): void {
    this.#world.possess(this.#seatOf(player), id);
  }

  after(ticks: number, name: string, data?: Json): number {
    if (!Number.isInteger(ticks) || ticks < 1 || ticks > AFTER_TICKS_MAX) {
      throw bad("ticks", ticks, `a whole number from 1 to ${AFTER_TICKS_MAX}`);
    }
    return this.timers.add(this.tick + ticks, label(name), data);
  }

  cancel(timer: number): boolean {
    return this.timers.cancel(timer);
  }

  tell(name: string, data: Json, to?: Audience): boolean {
    const text = plainText(data, "data");
    if (text.length > TELL_LENGTH_MAX) {
      const rule = `it must be at most ${TELL_LENGTH_MAX}`;
      throw new GyreError("BAD_ARGUMENT", `data is ${text.length} characters of JSON; ${rule}`);
    }
    if (to === undefined) return this.#world.tell(label(name), text, -1);
    if ("seat" in to) return to.seat >= 0 && this.#world.tell(label(name), text, this.#seatOf(to));
    for (const field of ["x", "y", "radius"] as const) {
      if (!Number.isFinite(to[field])) throw bad(`to.${field}`, to[field], "a finite number");
    }
    return this.#world.tell(label(name), text, -1, to.x, to.y, to.radius);
  }

  get sync(): unknown {
    return this.#declared().broadcast.view;
  }

  syncOf(player: Player): unknown {
    return this.#declared().own(this.#seatOf(player))?.view;
  }

  random(): number {
    return this.#world.zone.random();
  }

  /** Its player has nothing any more. */
  #despawned(id: EntityId): void {
    const seat = this.#world.seatOf(id);
    if (seat >= 0) this.#world.possess(seat, 0);
  }

  #declared(): Scopes {
    if (this.scopes !== null) return this.scopes;
    throw new GyreError("BAD_ARGUMENT", "the game's definition declares no sync");
  }

  #kindOf(kind: string | number): number {
    if (typeof kind === "string") return this.kind(kind);
    const most = this.#kinds.length === 0 ? 65_535 : this.#kinds.length - 1;
    if (Number.isInteger(kind) && kind >= 0 && kind <= most) return kind;
    throw bad("kind", kind, `an archetype's name or a whole number from 0 to ${most}`);
  }

  #seatOf(player: Player): number {
    if (this.list.at(player?.seat) === player) return player.seat;
    throw bad("player", player?.name, `somebody who is in ${this.name}`);
  }
}

function label(name: string): string {
  if (typeof name === "string" && name.length > 0 && name.length <= NAME_LENGTH_MAX) return name;
  throw bad("name", name, `1 to ${NAME_LENGTH_MAX} characters`);
}
