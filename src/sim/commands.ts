/**
 * What enters a zone. Everything from outside is one of these records in `zone.commands`, drained at the start of a tick in order
 * of arrival, so that a zone's state is a function of its spec, its game and its commands with their ticks.
 *
 *     type       seat       action        seq          dx, dy
 *     JOIN       taken      1: a bot      -            -            the name is in the table of seats
 *     LEAVE      of         -             -            -
 *     INPUT      of         see actionOf  the client's the wish
 *     SLEEP      -          -             -            -            after this tick the world may be left alone
 *     WAKE       -          -             -            -
 *     ARRIVE     taken, or NO_SEAT  1: a bot  index of arrival  where
 *     DEPARTED   of, or NO_SEAT  gate     entity id    -            it is in the other zone now
 *     STAYS      of, or NO_SEAT  gate     entity id    -            the other zone had no room
 *
 * The last three are the answers of the zones to each other at a tick boundary. They follow from the others, so a recording need not
 * hold them, and a replay makes them anew.
 */
export const JOIN = 1;
export const LEAVE = 2;
export const INPUT = 3;
export const SLEEP = 4;
export const WAKE = 5;
export const ARRIVE = 6;
export const DEPARTED = 7;
export const STAYS = 8;

/** In place of a seat where no player is concerned. */
export const NO_SEAT = 0xffff_ffff;

/** Whether the command came from outside of all zones: what a recording must hold. */
export function isFromOutside(type: number): boolean {
  return type <= WAKE;
}
