/** Milliseconds after which a condition that a test waits for is taken to never come; generous, for busy machines. */
export const PATIENCE_MS = 60_000;

/** Milliseconds between two questions to another process: more often, the answers are what both are busy with. */
const ASK_MS = 20;

/** Waits until the condition holds, looking again on every turn of the event loop (nearly); one that is a promise asks somebody else. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let answer = holds(); !(await answer); answer = holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    const pauseMs = typeof answer === "boolean" ? 1 : ASK_MS;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
