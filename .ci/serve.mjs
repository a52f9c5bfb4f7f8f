// Serves with the given flags for a few seconds, as `npm start` would, and says what a tick cost. Fails when the server does not
// listen, does not keep ticking, or does not stop cleanly.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const TICKS = 300;
const flags = process.argv.slice(2);
const child = spawn(process.execPath, ["build/js/cli.js", "serve", "--port", "0", "--json", ...flags], {
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = once(child, "exit");
const [line] = await once(createInterface({ input: child.stdout }), "line");
const { event, http } = JSON.parse(line);
if (event !== "listening") throw new Error(`the first line is ${line}`);

let stats = { tick: 0 };
while (stats.tick < TICKS) {
  await new Promise((resolve) => setTimeout(resolve, 100));
  stats = await (await fetch(`${http}/stats`)).json();
}
child.kill("SIGTERM");
const [code] = await ended;
if (code !== 0) throw new Error(`ended with ${code}`);
console.log(
  `${flags.join(" ")}: ${stats.entities} entities, tick p50 ${stats.tickP50Ms} ms, p99 ${stats.tickP99Ms} ms, ${stats.lateTicks} late`,
);
