/** What changed in a tree, as patches: what is encoded, once for each encoding that somebody reads. */
import { DELETE, SET } from "./formats.js";
import type { KeyTable, SentKey } from "./keys.js";
import type { Plain, Shape } from "./schema.js";
import type { Changes, SyncTree } from "./tree.js";

export interface Patch {
  readonly shape: Shape;
  readonly keys: readonly SentKey[];
  readonly op: typeof SET | typeof DELETE;
  /** Null where it is deleted. */
  readonly value: Plain;
}

/** What changed since the last time. */
export function changesOf(tree: SyncTree, keys: KeyTable): Patch[] {
  const patches: Patch[] = [];
  tree.drain(collector(patches, (key) => keys.use(key)));
  return patches;
}

/** All of it, for who knows nothing yet. When nothing changed since the last drain. */
export function wholeOf(tree: SyncTree, keys: KeyTable): Patch[] {
  const patches: Patch[] = [];
  tree.tellAll(collector(patches, (key) => keys.show(key)));
  keys.shown();
  return patches;
}

function collector(patches: Patch[], sent: (key: string) => SentKey): Changes {
  return {
    set: (shape, keys, value) => void patches.push({ shape, keys: keys.map(sent), op: SET, value }),
    remove: (shape, keys) => void patches.push({ shape, keys: keys.map(sent), op: DELETE, value: null }),
  };
}
