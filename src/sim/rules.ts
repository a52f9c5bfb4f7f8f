/**
 * What a world lets its game decide, and what it must know of the game: the interface that the game's runtime hands down.
 */

import type { GyreError } from "../errors.js";
import type { EntityId, ZoneEvent } from "../kernel/types.js";
import type { Scopes } from "../state/scopes.js";
import type { Gate } from "./gates.js";

/** Called by a world within its step, in the order of the methods. Whatever one throws stops the zone: see {@link World.fault}. */
export interface Rules {
  /** Before the first tick of a zone that is new, or begins anew; never for one that was restored. */
  setup(): void;
  /** Forgets all that it keeps of the zone, which begins anew: setup follows. */
  reset(): void;
  /** Who sits in the seat enters. Returns its entity, 0 for none. */
  join(seat: number): EntityId;
  /** Who sits in the seat came through a gate, with its entity. */
  arrive(seat: number): void;
  /** Who sits in the seat leaves; its entity is still there, and goes with it after. */
  leave(seat: number): void;
  /** Who sits in the seat goes through a gate; its entity is still there, and goes after. */
  depart(seat: number, gate: Gate): void;
  /** The gate did not let through who sits in the seat. Told once. */
  stay(seat: number, gate: Gate): void;
  /** Returns false to keep the wish and the blow from being applied. */
  input(seat: number, seq: number, dx: number, dy: number, action: number): boolean;
  /** The timers and systems that are due, before the kernel's step. */
  advance(): void;
  /** One event of the step or since. Valid during the call. Returns whether the game heard it, and may have written into columns. */
  event(event: ZoneEvent): boolean;
  /** The entity of who sits in the seat is gone for good. Returns its next, 0 for none. */
  gone(seat: number): EntityId;
  /** A player's action by its name; 0 for an unknown one. `attack` is 1. */
  action(name: string): number;
  /** The game's state tree, which players are told of; null when it declares none. */
  readonly sync: Scopes | null;
  /** The names of the parts below. */
  readonly partNames: readonly string[];
  /** What the rules keep beside the zone, as the JSON of plain data by its name; "" where there is nothing. Throws GAME_FAILED when it is not plain. */
  parts(): ReadonlyMap<string, string>;
  /** Takes up what `parts` gave. */
  restore(parts: ReadonlyMap<string, string>): void;
  /** The game's function that runs now, or did when the zone stopped; null when none does. */
  readonly running: ((...args: never[]) => unknown) | null;
  /** What a hook threw, as the error that people read: with its place, the hook, zone and tick. place: when it is known already. */
  located(error: unknown, place?: string): GyreError;
}
