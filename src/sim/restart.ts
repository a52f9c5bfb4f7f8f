/**
 * Zones that go on after they failed: made anew from their journals, in their memory. A zone fails when a hook of its game throws or its
 * kernel traps, which its world tells, or when its thread ends, of which somebody else must tell. What fails for good is what fails
 * again and again: see failures.ts. Costs the ticks since the last image once more, each time.
 */
import type { Kernel, Zone } from "../kernel/types.js";
import type { Failures } from "./failures.js";
import { type Journal, silently } from "./journal.js";
import { World, type WorldSpec } from "./world.js";

export interface RestartSpec {
  readonly kernel: Kernel;
  /** What the world was made of. */
  readonly world: WorldSpec;
  readonly journal: Journal;
  /** Sets the callbacks of the world before it does anything. */
  readonly attach?: (world: World) => void;
  /** Called after each tick that was done again. */
  readonly beat?: () => void;
}

/**
 * A world as its journal has it, in its memory: after its last whole tick, with what was pushed since. It may have failed at that: see
 * World.fault. told: the last tick of which whoever serves its players was told, see Journal.resume. Throws IMAGE_BAD when there is
 * no journal, or it is damaged.
 */
export function takeUp(zone: Zone, told: number, { kernel, world: spec, journal, attach, beat }: RestartSpec): World {
  const world = new World(kernel, { ...spec, saved: journal.image(), memory: zone });
  attach?.(world);
  while (!journal.resume(world, told, 1)) beat?.();
  return world;
}

export interface RunAgainSpec extends RestartSpec {
  readonly failures: Failures;
  /** In failures. */
  readonly index: number;
  /** Milliseconds. */
  readonly now: () => number;
  /** Whether what it said before the kernel's step stays said. Default: attach takes back all that it said in the step. */
  readonly wasPrepared?: boolean;
}

/**
 * In place of a world that failed in its step of this tick, one that is through with it; or the last that was tried, with its fault, when the
 * zone failed too often or has no journal. Each try counts as a failure, and is attached. What the world said before that step stays said.
 */
export function runAgain(failed: World, tick: number, spec: RunAgainSpec): World {
  const { failures, index, journal, now } = spec;
  let world = failed;
  while (world.fault !== null && !failures.isQuarantined(index)) {
    if (failures.note(index, now()) || !journal.isKept) return world;
    try {
      world = takeUp(failed.zone, Number.POSITIVE_INFINITY, spec);
    } catch (error) {
      journal.lose((error as Error).message);
      return world;
    }
    if (spec.wasPrepared === true) stepAgain(world, tick);
    else world.step(tick);
  }
  return world;
}

function stepAgain(world: World, tick: number): void {
  let isPrepared = false;
  silently(world, () => {
    isPrepared = world.prepare(tick);
  });
  if (isPrepared) world.finish();
}
