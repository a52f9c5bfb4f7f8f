/**
 * The keys of tables as a sender numbers them: a key is sent once with the slot that it has from then on, then the slot alone. Slots are given
 * out in turn; when all are in use the oldest one is given another key, which says so by being sent, and who had it is sent anew when it is used.
 *
 * Who comes later is told of slots by its first sync, as far as keys stand in it. The rest is forgotten then, so that a slot alone always is
 * one that everybody knows.
 */

/** How a key is sent. */
export interface SentKey {
  key: string;
  /** -1: as its text, without a slot. */
  slot: number;
  /** Whether the slot has the key from here on. */
  isDefined: boolean;
}

export class KeyTable {
  readonly #slotOf = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #capacity: number;
  /** Slots that the first sync under way has told. */
  readonly #told = new Set<number>();
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** For an update, which everybody gets. */
  use(key: string): SentKey {
    const known = this.#slotOf.get(key);
    if (known !== undefined) return { key, slot: known, isDefined: false };
    const slot = this.#next;
    this.#next = (slot + 1) % this.#capacity;
    this.#forget(slot);
    this.#keys[slot] = key;
    this.#slotOf.set(key, slot);
    return { key, slot, isDefined: true };
  }

  /** For a first sync, which not everybody gets: no slot changes. */
  show(key: string): SentKey {
    const slot = this.#slotOf.get(key) ?? -1;
    if (slot >= 0) this.#told.add(slot);
    return { key, slot, isDefined: slot >= 0 };
  }

  /** The first sync is done: what it did not show is forgotten. O(slots in use). */
  shown(): void {
    for (const slot of this.#slotOf.values()) if (!this.#told.has(slot)) this.#forget(slot);
    this.#told.clear();
  }

  clear(): void {
    this.#slotOf.clear();
    this.#keys.length = 0;
    this.#told.clear();
    this.#next = 0;
  }

  #forget(slot: number): void {
    const key = this.#keys[slot];
    if (key === undefined) return;
    this.#slotOf.delete(key);
    this.#keys[slot] = undefined;
  }
}
