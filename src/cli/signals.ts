import { isSupervised, released } from "./supervised.js";

/** Milliseconds between two looks for the parent. */
const PARENT_LOOK_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

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
    for (const signal of SIGNALS) process.on(signal, stop);
    // It hears the signals of a terminal, too: then it stops, and is let go of while it does.
    if (isSupervised()) released().then(resolve);
    if (process.env["npm_lifecycle_event"] !== undefined) stopWithParent(stop);
  });
}

/**
 * Runs what is not ours, such as a game's module. While it does, the signals end the process at once, as they do by default: it may never
 * come to an end, and then nothing that we catch would ever be heard.
 */
export async function uncaught<T>(work: () => Promise<T>): Promise<T> {
  const caught = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  for (const [signal, listeners] of caught) for (const listener of listeners) process.off(signal, listener);
  try {
    return await work();
  } finally {
    for (const [signal, listeners] of caught) for (const listener of listeners) process.on(signal, listener);
  }
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
