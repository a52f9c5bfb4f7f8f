/** Games in files of their own, as users have them: errors in them have places that are not gyre's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { defineGame, type Game } from "../../src/game/define.js";

/** The game of a module whose default export is called with defineGame. */
export async function gameOf(file: string, text: string): Promise<Game> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-game-"));
  try {
    const path = join(folder, file);
    writeFileSync(path, text);
    const module = (await import(pathToFileURL(path).href)) as { default: (define: typeof defineGame) => Game };
    return module.default(defineGame);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
