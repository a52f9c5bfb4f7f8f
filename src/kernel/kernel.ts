/** The kernel object: one compiled build, and what can be made with it. */
import { createBatch } from "./batch.js";
import type { KernelFactory } from "./instance.js";
import type { Build } from "./module.js";
import type { Kernel } from "./types.js";
import { attachZone, createZone, restoreZone } from "./zone.js";

export function createKernel({ build, checked, shared }: Build, factory: KernelFactory): Kernel {
  return {
    build,
    checked,
    shared,
    layoutVersion: factory.constants.LAYOUT_VERSION,
    own: factory.own,
    createBatch: (capacity) => createBatch(factory, capacity),
    createZone: (spec) => createZone(factory, spec),
    restoreZone: (image) => restoreZone(factory, image),
    attachZone: (handle) => attachZone(factory, handle),
  };
}
