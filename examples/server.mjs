// A server inside a program of your own, and a player in it: an empty field of 64 x 64 tiles, 500 walkers, one who runs east.
import { createServer } from "gyre";
import { connect } from "gyre/client";

const map = { width: 64, height: 64, tileSize: 32, tiles: new Uint8Array(64 * 64) };
const server = await createServer({ map, port: 0, npcs: 500, bots: 0 });
console.log(`watch it on ${server.http}`);

const ann = await connect(server.ws, { name: "ann" });
ann.input({ dx: 1, dy: 0 });
await new Promise((resolve) => ann.on("snapshot", () => ann.tick >= 120 && resolve()));
const { x, y } = ann.entities.get(ann.you);
console.log(`tick ${ann.tick}: ann is at (${x}, ${y}) and sees ${ann.entities.size - 1} others`);

ann.close();
await server.close();
