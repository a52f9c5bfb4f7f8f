/** A server that was started by `--dev` (see dev.ts), as it sees itself: the channel to its watcher is its leash. */

/** Set for a server that has a watcher. */
export const SUPERVISED = "GYRE_SUPERVISED";

export function isSupervised(): boolean {
  return process.env[SUPERVISED] === "1" && process.send !== undefined;
}

/** Tells the watcher where the server listens, so that the next one listens there too. */
export function reportPort(port: number): void {
  process.send?.({ port });
}

/** Resolves when the watcher lets go, or is gone. Does not keep the process alive. */
export function released(): Promise<void> {
  return new Promise((resolve) => {
    process.once("disconnect", resolve);
    process.channel?.unref();
  });
}
