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
 *     DEPARTED   of, or NO_SEAT  gate     entity id    its seat there, 1: it left meanwhile        it is in the other zone now
 *     STAYS      of, or NO_SEAT  gate     entity id    -            the other zone had no room
 *     RESET      -          -             -            dx: a seed   all that was is forgotten: the zone begins anew, and is set up
 *
 * ARRIVE, DEPARTED and STAYS are the answers of the zones to each other at a tick boundary. They follow from the others, so a recording need not
 * hold them, and a replay makes them anew.
 */
import type { Command } from "../kernel/types.js";

export const JOIN = 1;
export const LEAVE = 2;
export const INPUT = 3;
export const SLEEP = 4;
export const WAKE = 5;
export const ARRIVE = 6;
export const DEPARTED = 7;
export const STAYS = 8;
export const RESET = 9;

/** In place of a seat where no player is concerned. */
export const NO_SEAT = 0xffff_ffff;

/** A command as a log has it: with all of its doer that is not in the command. */
export interface LoggedCommand extends Command {
  /** Of JOIN, and of ARRIVE with a seat; else "" and 0. */
  name: string;
  tag: number;
  ack: number;
  /** Of ARRIVE and DEPARTED with a seat: its player left meanwhile. */
  hasLeft: boolean;
  /** Of ARRIVE: what extract wrote; else of no bytes. */
  entity: Uint8Array;
}

/** Hears everything that a world's next states follow from, in order, as it happens: see journal.ts. */
export interface CommandLog {
  /** It waits in the ring. Its seat is taken, or given up, already. */
  pushed(type: number, action: number, seat: number, seq: number, dx: number, dy: number): void;
  /** An input waits for its tick, in which it becomes a command by itself. False, and it does not: there is no room to remember it. */
  scheduled(tick: number, action: number, seat: number, seq: number, dx: number, dy: number): boolean;
  /** This one of those who asked at the gates was not answered. */
  forgot(crosser: number): void;
  /** All that was pushed was drained, and the zone is through with the tick; crossers were not answered yet. */
  stepped(): void;
}

/** Whether the command came from outside of all zones: what a recording must hold. */
export function isFromOutside(type: number): boolean {
  return type <= WAKE || type === RESET;
}
