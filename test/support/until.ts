/** Milliseconds after which a condition that a test waits for is taken to never come; generous, for busy machines. */
const PATIENCE_MS = 20_000;

/** Waits until the condition holds, looking again on every turn of the event loop (nearly). */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
