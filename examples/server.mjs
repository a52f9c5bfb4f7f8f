// A server inside a program of your own, and a player in it: the game of tiny.mjs on an empty field, and ann, who runs east.
import { createServer } from "gyre";
import { connect } from "gyre/client";
import game from "./tiny.mjs";

const server = await createServer({ game, port: 0, npcs: 500 });
console.log(`watch it on ${server.http}`);

const ann = await connect(server.ws, { name: "ann" });
ann.on("event", ({ name, data }) => console.log(name, data));
ann.input({ dx: 1, dy: 0 });
await new Promise((resolve) => ann.on("snapshot", () => ann.tick >= 240 && resolve()));
const { x, y, coins } = ann.entities.get(ann.you);
console.log(`tick ${ann.tick}: ann is at (${x}, ${y}), has ${coins} coins and sees ${ann.entities.size - 1} others`);

ann.close();
await server.close();
