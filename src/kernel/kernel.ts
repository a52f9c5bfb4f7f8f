/** The kernel object: one compiled build, and what can be made with it. */
import { createBatch } from "./batch.js";
import { bad } from "./check.js";
import type { KernelFactory } from "./instance.js";
import type { Kernel } from "./types.js";
import { attachZone, createZone, restoreZone } from "./zone.js";

export function createKernel(
  { build, checked, shared }: { build: "simd" | "scalar"; checked: boolean; shared: boolean },
  factory: KernelFactory,
): Kernel {
  const kernel: Kernel = {
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
  factories.set(kernel, factory);
  return kernel;
}

const factories = new WeakMap<Kernel, KernelFactory>();

/** What makes instances of a kernel's build: for what the host makes of it beside zones. Throws BAD_ARGUMENT for one that loadKernel did not make. */
export function factoryOf(kernel: Kernel): KernelFactory {
  const factory = factories.get(kernel);
  if (factory === undefined) throw bad("kernel", kernel, "one that loadKernel made");
  return factory;
}
