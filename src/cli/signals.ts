import { isSupervised, released } from "./supervised.js";

/** Milliseconds between two looks for the parent. */
const PARENT_LOOK_MS = 500;

/**
 * SIGINT and SIGTERM as one promise. Caught as soon as the command is known, before anything of it is loaded, so that a server
 * that is told to stop while it starts does stop, with status 0. The second signal ends the process at once, with status 0 too.
 */
export function catchStop(): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const stop = (): void => {
      if (told) process.exit(0);
      told = true;
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    // It hears the signals of a terminal, too: then it stops, and is let go of while it does.
    if (isSupervised()) released().then(resolve);
    if (process.env["npm_lifecycle_event"] !== undefined) stopWithParent(stop);
  });
}

/**
 * `npm start` runs us in a shell, and a signal to npm ends that shell without reaching us: without a look at the parent the
 * server would stay behind and keep its port.
 */
function stopWithParent(stop: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_LOOK_MS);
  timer.unref();
}
