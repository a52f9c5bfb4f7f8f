/** What a recording has of a zone: apart from what writes it, which a thread that simulates does not load. */
import type { GyreError } from "../errors.js";
import type { Command } from "../kernel/types.js";

/** What is recorded of a world. */
export interface RecordedWorld {
  onCommand: ((command: Readonly<Command>) => void) | null;
  readonly fault: GyreError | null;
  readonly zone: { readonly tick: number };
  nameOf(seat: number): string;
  stop(reason: string): void;
  hash(): bigint;
  digests(): ReadonlyMap<string, bigint>;
}

/** A world that has no hash stops, as it cannot be recorded, nor saved: null. */
export function hashOf(world: RecordedWorld): { hash: bigint; digests: ReadonlyMap<string, bigint> } | null {
  try {
    const found = { hash: world.hash(), digests: world.digests() };
    return world.fault === null ? found : null;
  } catch (error) {
    world.stop(error instanceof Error ? error.message : String(error));
    return null;
  }
}
