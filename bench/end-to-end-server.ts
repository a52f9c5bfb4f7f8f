/** gyre's server of `end-to-end`: `end-to-end-server.js CLIENTS`. It tells its parent its port, and its figures whenever it is asked. */
import { setFlagsFromString } from "node:v8";
import { createServer } from "gyre";

/** What either server says of itself: since it began. */
export interface ServerFigures {
  cpuMs: number;
  ticks: number;
}

const GAME = new URL("./end-to-end-game.js", import.meta.url);

// As `gyre serve` does.
setFlagsFromString("--no-parallel-scavenge");
const { default: game } = (await import(GAME.href)) as typeof import("./end-to-end-game.js");
const [clients = "1"] = process.argv.slice(2);
const server = await createServer({ game, port: 0, npcs: Number(clients), threads: "auto" });

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const figures: ServerFigures = { cpuMs: (user + system) / 1000, ticks: server.stats().tick };
  process.send?.(figures);
});
process.on("disconnect", () => process.exit());
process.send?.({ port: Number(new URL(server.http).port) });
