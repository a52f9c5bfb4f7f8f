/**
 * One zone and who moves in it: NPCs, bots, players. A tick has a fixed order, and all that comes from outside waits in the
 * mailbox for its start, so that a zone's state is a function of its seed and of which input came before which tick:
 *
 *     leave -> enter -> bots decide -> inputs -> NPCs decide -> the kernel's step
 *
 * No sockets, no clock, no allocation per tick. Joins and leaves are bounded per tick: 500 at once take a few ticks, and none
 * of those ticks is long.
 */
import { GyreError } from "../errors.js";
import type { EntityId, Kernel, Zone } from "../kernel/types.js";
import type { MapData } from "../maps/types.js";
import { Bots } from "./bots.js";
import { Crowd } from "./crowd.js";
import { KIND_PLAYER } from "./kinds.js";
import { CANCELLED, IN, LEAVING, Mailbox, SeatQueue, WAITING } from "./mailbox.js";
import { Placer } from "./places.js";

/** Players that enter in one tick: 960 a second. Each is a few microseconds here, and tens of kilobytes of first snapshot later. */
export const ENTERS_PER_TICK_MAX = 16;
/** Players that leave in one tick: a despawn is cheaper than a spawn. */
export const LEAVES_PER_TICK_MAX = 256;

export interface WorldSpec {
  name: string;
  map: MapData;
  /** Tiles where a walker may enter, shared between the zones of a map. Not empty. */
  places: Uint32Array;
  /** Entities. */
  npcs: number;
  bots: number;
  /** Most players at a time, bots aside. */
  players: number;
  tickRate: number;
  /** Any safe integer. */
  seed: number;
}

/** Hears that a player is in. Called within step(), once for each seat that was not given up first. */
export type OnEnter = (seat: number, id: EntityId) => void;

export class World {
  readonly name: string;
  readonly map: MapData;
  readonly zone: Zone;
  /** Players who are in or about to be, bots aside. */
  players = 0;
  /** Set by whoever serves the players. */
  onEnter: OnEnter | null = null;

  readonly #mailbox: Mailbox;
  readonly #entering: SeatQueue;
  readonly #leaving: SeatQueue;
  readonly #placer: Placer;
  readonly #crowd: Crowd;
  readonly #bots: Bots;

  constructor(kernel: Kernel, spec: WorldSpec) {
    const seats = spec.players + spec.bots;
    this.name = spec.name;
    this.map = spec.map;
    this.zone = createZone(kernel, spec, spec.npcs + seats);
    this.#mailbox = new Mailbox(seats);
    this.#entering = new SeatQueue(seats);
    this.#leaving = new SeatQueue(seats);
    this.#placer = new Placer(this.zone, spec.places, spec.map.width);
    this.#crowd = new Crowd(this.zone, this.#placer, spec.npcs, spec.seed);
    this.#bots = new Bots(this, spec.bots, spec.seed);
  }

  /** A seat for a player, who enters at the start of a coming tick (see onEnter). Throws ZONE_FULL. */
  join(kind = KIND_PLAYER): number {
    const seat = this.#mailbox.take(kind);
    if (seat < 0) throw new GyreError("ZONE_FULL", `${this.name} has no seat for another player`);
    this.#entering.push(seat);
    if (kind === KIND_PLAYER) this.players++;
    return seat;
  }

  /** Gives the seat up; the entity goes at the start of a coming tick. The seat means nothing to the caller any more. */
  leave(seat: number): void {
    const { state, kind } = this.#mailbox;
    if (kind[seat] === KIND_PLAYER) this.players--;
    if (state[seat] === WAITING) {
      state[seat] = CANCELLED;
    } else if (state[seat] === IN) {
      state[seat] = LEAVING;
      this.#leaving.push(seat);
    }
  }

  /** The seat's wish for the next tick, in place of one that waits already. It holds until changed. */
  input(seat: number, seq: number, dx: number, dy: number): void {
    this.#mailbox.put(seat, seq, dx, dy);
  }

  /** The seat's entity; 0 until it entered. */
  entity(seat: number): EntityId {
    return this.#mailbox.entity[seat] ?? 0;
  }

  /** By seat, the sequence number of the last input that the simulation applied; 0 before the first. */
  get acks(): Uint32Array {
    return this.#mailbox.ack;
  }

  /** How many seats there are, bots' included. */
  get seats(): number {
    return this.#mailbox.capacity;
  }

  /** One tick. */
  step(): void {
    this.#admitLeaves();
    this.#admitEnters();
    this.#bots.decide(this.zone.tick);
    this.#applyInputs();
    this.#crowd.steer();
    this.zone.step();
  }

  close(): void {
    this.zone.close();
  }

  #admitLeaves(): void {
    for (let n = Math.min(LEAVES_PER_TICK_MAX, this.#leaving.length); n > 0; n--) {
      const seat = this.#leaving.shift();
      this.zone.despawn(this.entity(seat));
      this.#mailbox.release(seat);
    }
  }

  #admitEnters(): void {
    for (let n = Math.min(ENTERS_PER_TICK_MAX, this.#entering.length); n > 0; n--) this.#enter(this.#entering.shift());
  }

  #enter(seat: number): void {
    const { state, kind, entity } = this.#mailbox;
    if (state[seat] === CANCELLED) {
      this.#mailbox.release(seat);
      return;
    }
    const { x, y } = this.#placer.next();
    const id = this.zone.spawn({ x, y, kind: kind[seat] ?? KIND_PLAYER, halfSize: this.#placer.halfSize });
    state[seat] = IN;
    entity[seat] = id;
    this.#apply(seat);
    if (kind[seat] === KIND_PLAYER) this.onEnter?.(seat, id);
  }

  #applyInputs(): void {
    const { fresh, freshCount, state } = this.#mailbox;
    for (let i = 0; i < freshCount; i++) {
      const seat = fresh[i] ?? 0;
      if (state[seat] === IN) this.#apply(seat);
    }
    this.#mailbox.clearFresh();
  }

  /** Also what a seat asked for while it was waiting; the zero wish if it asked for nothing. */
  #apply(seat: number): void {
    const { entity, ack, seq, dx, dy } = this.#mailbox;
    this.zone.move(entity[seat] ?? 0, dx[seat] ?? 0, dy[seat] ?? 0);
    ack[seat] = seq[seat] ?? 0;
  }
}

/** Water is no ground for walkers: the kernel takes any tile but 0 as blocked. */
function createZone(kernel: Kernel, spec: WorldSpec, capacity: number): Zone {
  const { width, height, tileSize, tiles } = spec.map;
  return kernel.createZone({
    width: width * tileSize,
    height: height * tileSize,
    capacity: Math.max(1, capacity),
    tileSize,
    tiles,
    tickRate: spec.tickRate,
    seed: spec.seed,
  });
}
