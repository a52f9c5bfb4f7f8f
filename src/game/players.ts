/** Who is in a zone, as its game sees them: an object for each that enters, dropped when it leaves. */
import type { EntityId } from "../kernel/types.js";
import type { World } from "../sim/world.js";
import type { Player } from "./types.js";

class SeatedPlayer implements Player {
  readonly name: string;
  readonly bot: boolean;
  #seat: number;
  readonly #world: World;

  constructor(world: World, seat: number) {
    this.#world = world;
    this.#seat = seat;
    this.name = world.nameOf(seat);
    this.bot = world.isBot(seat);
  }

  get seat(): number {
    return this.#seat;
  }

  get entity(): EntityId {
    const id = this.#seat < 0 ? 0 : this.#world.entity(this.#seat);
    return id !== 0 && this.#world.zone.slot(id) >= 0 ? id : 0;
  }

  stand(): void {
    this.#seat = -1;
  }
}

export class PlayerList {
  /** In order of seats. */
  readonly all: SeatedPlayer[] = [];
  readonly #bySeat: (SeatedPlayer | undefined)[];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.#bySeat = new Array<SeatedPlayer | undefined>(world.seats).fill(undefined);
  }

  at(seat: number): Player | undefined {
    return this.#bySeat[seat];
  }

  /** Who took this seat is in. */
  add(seat: number): Player {
    const player = new SeatedPlayer(this.#world, seat);
    this.#bySeat[seat] = player;
    this.all.splice(this.#indexOf(seat), 0, player);
    return player;
  }

  /** Who sits there leaves. */
  remove(seat: number): void {
    const player = this.#bySeat[seat];
    if (player === undefined) return;
    this.all.splice(this.#indexOf(seat), 1);
    this.#bySeat[seat] = undefined;
    player.stand();
  }

  /** Everybody leaves. */
  reset(): void {
    for (const player of this.all) player.stand();
    this.all.length = 0;
    this.#bySeat.fill(undefined);
  }

  /** Where a seat is, or would be. */
  #indexOf(seat: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.all[middle]?.seat ?? 0) < seat) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
