/**
 * The other ends of `fanout`, a process: `fanout-sink.js PORT COUNT` opens so many WebSockets and counts what comes. It tells the counts when
 * it is asked, and ends when nobody could ask any more.
 */
import { createConnection } from "node:net";
import { FrameCounter, upgradeRequest } from "./frame-counter.js";

/** Since the start: frames, bytes of their payloads, and a sum over the first eight bytes of each. */
export interface Counts {
  frames: number;
  bytes: number;
  sum: number;
}

const [port = "0", count = "0"] = process.argv.slice(2);
const counts: Counts = { frames: 0, bytes: 0, sum: 0 };

function frame(_opcode: number, size: number, start: Uint8Array): void {
  counts.frames++;
  counts.bytes += size;
  let hash = 1;
  for (let i = 0; i < start.length; i++) hash = Math.imul(hash, 0x01000193) ^ start[i]!;
  counts.sum = (counts.sum + hash) >>> 0;
}

for (let i = 0; i < Number(count); i++) {
  const socket = createConnection(Number(port), "127.0.0.1");
  const counter = new FrameCounter(frame);
  socket.setNoDelay(true);
  socket.on("data", (chunk) => counter.read(chunk));
  socket.on("error", () => socket.destroy());
  socket.write(upgradeRequest("/", "127.0.0.1"));
}

process.on("message", () => process.send?.(counts));
process.on("disconnect", () => process.exit());
