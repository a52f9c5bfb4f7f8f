/**
 * The state trees of one zone: the broadcast one, which everybody in it is told of, and one for each seat that somebody sits in, of which that
 * player alone is told. They are part of the zone's state: saved, hashed, and a function of what the game did.
 */
import type { SyncInfo } from "./formats.js";
import { BROADCAST_BYTES_MAX, PLAYER_BYTES_MAX } from "./limits.js";
import { type Plain, type Schema, schemaOf } from "./schema.js";
import { SyncTree } from "./tree.js";

/** What a game declares of its state tree; checked by then. */
export interface SyncDeclaration {
  readonly broadcast?: Plain;
  readonly perPlayer?: Plain;
  /** Syncs a second. */
  readonly rate?: number;
}

/** Syncs a second of a game that does not say. */
export const SYNC_RATE = 10;

export class Scopes {
  readonly info: SyncInfo;
  readonly rate: number;
  broadcast: SyncTree;
  /** Seats whose tree changed since somebody last took them out. */
  readonly changed = new Set<number>();
  /** Somebody sits in the seat no more, or everything begins anew. */
  onGone: ((seat: number) => void) | null = null;
  onReset: (() => void) | null = null;

  readonly #broadcast: Schema;
  readonly #player: Schema;
  readonly #own = new Map<number, SyncTree>();

  constructor({ broadcast = {}, perPlayer = {}, rate = SYNC_RATE }: SyncDeclaration) {
    this.#broadcast = schemaOf(broadcast);
    this.#player = schemaOf(perPlayer);
    this.info = infoOf({ broadcast, perPlayer });
    this.rate = rate;
    this.broadcast = this.#begun();
    // First values that are too many are found out here, and not by who joins.
    this.#ownBegun();
  }

  /** As it was made, without players. */
  reset(): void {
    this.#own.clear();
    this.changed.clear();
    this.broadcast = this.#begun();
    this.onReset?.();
  }

  /** Somebody sits in the seat. */
  add(seat: number): void {
    const tree = this.#ownBegun();
    tree.onChange = () => this.changed.add(seat);
    this.#own.set(seat, tree);
  }

  remove(seat: number): void {
    this.#own.delete(seat);
    this.changed.delete(seat);
    this.onGone?.(seat);
  }

  /** Undefined for a seat that nobody is in. */
  own(seat: number): SyncTree | undefined {
    return this.#own.get(seat);
  }

  /** In order of seats, as it is hashed. */
  save(): Plain {
    const seats = [...this.#own.keys()].sort((a, b) => a - b);
    return { broadcast: this.broadcast.save(), own: seats.map((seat) => [seat, this.#own.get(seat)?.save() ?? null]) };
  }

  /** Takes up what `save` gave; seats that it has no tree of have a new one. */
  restore(from: Plain): void {
    const { broadcast, own } = from as { broadcast: Plain; own: [number, Plain][] };
    this.broadcast.restore(broadcast);
    for (const [seat, saved] of own) {
      if (!this.#own.has(seat)) this.add(seat);
      this.#own.get(seat)?.restore(saved);
    }
    this.changed.clear();
  }

  #ownBegun(): SyncTree {
    return new SyncTree(this.#player.root, "syncOf(player)", PLAYER_BYTES_MAX);
  }

  #begun(): SyncTree {
    return new SyncTree(this.#broadcast.root, "sync", BROADCAST_BYTES_MAX);
  }
}

export function infoOf({ broadcast = {}, perPlayer = {} }: SyncDeclaration): SyncInfo {
  return { broadcast: schemaOf(broadcast).patterns, player: schemaOf(perPlayer).patterns };
}
