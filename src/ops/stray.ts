/**
 * What a game left behind, such as a timer or a promise, may fail outside of every hook. No zone can be blamed for it, so it is told, and
 * stops nothing. Errors of gyre's own end the process, as they would without a listener.
 */
import { resolve } from "node:path";
import { isOwnError, locate } from "../game/locate.js";

/** Calls of ours that a socket makes are ours. */
const SOCKETS = /[\\/]node_modules[\\/]ws[\\/]/;

/** From now on. game: its file. */
export function catchStray(game: string, tell: (message: string) => void): void {
  process.on("uncaughtException", (error: unknown) => {
    const place = locate(error, resolve(game), "");
    if (isOwnError(error) && (place === "" || SOCKETS.test(place))) {
      process.stderr.write(`gyre: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    }
    tell(
      `${place === "" ? game : place} outside of all hooks: ${error instanceof Error ? error.message : String(error)}`,
    );
  });
}
