/** What a World at home calls back within its step, as notices to the main thread. A seat's tag is the id of the player who has it. */
import type { GyreError } from "../errors.js";
import type { World } from "../sim/world.js";
import type { Tell } from "../sim/world-spec.js";
import { NO_SEAT } from "../state/feed.js";
import { EVERYBODY, type ToldTell, type ZoneNotices } from "./notices.js";
import type { PlayerTable } from "./players.js";
import type { Homes } from "./remote-zones.js";

/** What all Worlds of a desk share. */
export interface Listening {
  readonly players: PlayerTable;
  readonly homes: Homes;
  readonly notices: ZoneNotices;
  /** For what is being told. */
  readonly tell: ToldTell;
}

/** Tells of the World at this index from now on. */
export function listen(zone: number, world: World, listening: Listening): void {
  const { players, notices } = listening;
  const { tags } = world;
  const idOf = (seat: number): number => tags[seat] ?? 0;
  world.onEnter = (seat, entity) => {
    const id = idOf(seat);
    notices.enter(zone, id, players.hops(id), world.tick, entity, seat);
  };
  world.onPossess = (seat, entity) => {
    const id = idOf(seat);
    notices.possess(zone, id, players.hops(id), world.tick, entity);
  };
  world.onSeatCame = (seat) => {
    const id = idOf(seat);
    // Told again by a zone that was taken up.
    if (!players.isAt(id, zone, seat)) players.move(id, zone, seat);
  };
  world.onSeatMoved = (from) => {
    const id = idOf(from);
    notices.moved(players.zone(id), id, players.hops(id));
  };
  world.onTell = (tell) => tellOn(zone, world, tell, listening);
  world.onState = (note) => {
    if (note.seat === NO_SEAT) return notices.state(zone, EVERYBODY, note);
    const id = idOf(note.seat);
    // One who goes through a gate is told there.
    return !players.isAt(id, zone, note.seat) || notices.state(zone, id, note);
  };
}

export function forget(world: World): void {
  world.onEnter = world.onPossess = world.onSeatCame = world.onSeatMoved = world.onTell = null;
  world.onState = null;
}

/** Whether anybody may see what is in the zone. */
export function isSeen(zone: number, { players }: World, homes: Homes): boolean {
  return players > 0 || homes.isWatched(zone);
}

function tellOn(zone: number, world: World, told: Readonly<Tell>, listening: Listening): void {
  const { players, homes, notices, tell } = listening;
  const { seat, radius } = told;
  const id = seat < 0 ? EVERYBODY : (world.tags[seat] ?? 0);
  if (seat < 0 ? !isSeen(zone, world, homes) : !players.isAt(id, zone, seat)) return;
  tell.name = told.name;
  tell.data = told.data;
  tell.x = told.x;
  tell.y = told.y;
  tell.radius = radius;
  tell.near = tell.bodiless = 0;
  if (seat < 0 && radius !== Number.POSITIVE_INFINITY) {
    tell.near = list(zone, world, listening, true);
    tell.bodiless = list(zone, world, listening, null);
  }
  notices.tell(zone, id, tell);
}

/**
 * Writes down the players who are in and of whom isWithin says so, behind those who are listed as near, and returns how many. Only here, within
 * the step, is it known where they are. O(seats).
 */
function list(zone: number, world: World, { players, tell }: Listening, isWithin: boolean | null): number {
  const { tags } = world;
  let count = 0;
  for (let seat = 0; seat < tags.length; seat++) {
    const id = tags[seat] ?? 0;
    if (id === 0 || !world.isIn(seat) || world.isWithin(seat, tell.x, tell.y, tell.radius) !== isWithin) continue;
    if (players.isAt(id, zone, seat)) tell.listed[tell.near + count++] = id;
  }
  return count;
}

/** The zone stopped: nobody is in it any more. O(players). */
export function stop(zone: number, error: GyreError, { players, notices }: Listening): void {
  players.goneFrom(zone);
  notices.stopped(zone, error);
}
