/**
 * Several threads in one: atomic operations are where one thread can come between another's steps, so something else is done just
 * before them. What is done there runs to its end first, as if the other thread had been asleep for so long.
 */
type Operation = (...args: unknown[]) => unknown;

const NAMES = ["load", "store", "add", "exchange", "compareExchange"] as const;

/** Calls `before` ahead of every atomic operation, also of those that it does itself, while `run` runs. */
export function atEachAtomic<T>(before: () => void, run: () => T): T {
  const table = Atomics as unknown as Record<string, Operation>;
  const originals = NAMES.map((name) => table[name]!);
  NAMES.forEach((name, i) => {
    const original = originals[i]!;
    table[name] = (...args) => {
      before();
      return original(...args);
    };
  });
  try {
    return run();
  } finally {
    NAMES.forEach((name, i) => {
      table[name] = originals[i]!;
    });
  }
}

class Death extends Error {}

/** Runs it as a thread that ends just before its n-th atomic operation, from 0. False when it was done before. */
export function dyingAt(n: number, run: () => void): boolean {
  let left = n;
  try {
    atEachAtomic(() => {
      if (left-- === 0) throw new Death();
    }, run);
    return false;
  } catch (error) {
    if (!(error instanceof Death)) throw error;
    return true;
  }
}

/**
 * Runs the steps of several threads for so many turns: at any atomic operation of one, others that are not in a step themselves may take
 * one. chance: that they do, 0 to 1. dying: how likely a thread ends at an atomic operation, and what its successor does first.
 */
export function interleave(
  steps: readonly (() => void)[],
  turns: number,
  chance: number,
  float: () => number,
  dying?: { readonly chance: number; readonly reborn: (thread: number) => void },
): void {
  const busy = steps.map(() => false);
  const run = (i: number, step: () => void): void => {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Death) || dying === undefined) throw error;
      run(i, () => dying.reborn(i));
    }
  };
  const turn = (): void => {
    const i = Math.floor(float() * steps.length);
    if (busy[i]) return;
    busy[i] = true;
    run(i, steps[i]!);
    busy[i] = false;
  };
  atEachAtomic(
    () => {
      if (float() < chance) turn();
      if (dying !== undefined && float() < dying.chance) throw new Death();
    },
    () => {
      for (let i = 0; i < turns; i++) turn();
    },
  );
}
