// Do players get what they are to get? A short `gyre load` on the demo's map, and one in rooms of the example of arenas, each with limits that any
// machine holds: all come in and get something all the time, nothing fails, nothing is told wrong, and no more bytes than that takes. Usage, after a build:
//
//     node .ci/load.mjs [--clients=200] [--rooms=50] [--seconds=5]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { numbers, Served } from "./served.mjs";

/** Of both. That all came in, and that no hash was another one, holds by default. */
const LIMITS = ["--max-errors", "0", "--min-slowest", "1"];
/** Bytes: twice what they are. In the world hashes come within seconds; in a room, of one cell, it may be longer than this lasts. */
const WORLD_LIMITS = ["--max-bytes", "4000", "--max-repairs", "0"];
const ROOMS_LIMITS = ["--max-bytes", "800", "--max-sync-bytes", "20"];

const { clients, rooms, seconds } = numbers({ clients: 200, rooms: 50, seconds: 5 });

/** Whether the limits are held. */
async function holds(served, flags) {
  const server = await Served.start([...served, "--threads", "1"]);
  try {
    const argv = ["build/js/cli.js", "load", server.listening.ws, "--duration", `${seconds}`, ...LIMITS, ...flags];
    const [status] = await once(spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit"] }), "exit");
    return status === 0;
  } finally {
    await server.stop();
  }
}

const inWorld = await holds(["--npcs", "0", "--bots", "0"], ["--clients", `${clients}`, ...WORLD_LIMITS]);
const inRooms = await holds(["examples/arenas.mjs"], ["--rooms", `${rooms}`, "--template", "arena", ...ROOMS_LIMITS]);
if (!inWorld || !inRooms) process.exitCode = 1;
