/** The thread of a load: a crowd of clients, called every millisecond or so until the main thread has had enough. */
import { parentPort, workerData } from "node:worker_threads";
import { Crowd, type CrowdResult } from "./crowd.js";
import type { FromThread, ThreadData, ToThread } from "./protocol.js";
import { READ_BYTES } from "./raw-client.js";
import { Tally } from "./tally.js";

/**
 * Milliseconds that the thread sleeps between two turns, deaf to its sockets: then all that came meanwhile is read in one go. Waking up for each
 * frame costs as much as reading it, and costs the server as well, whose write it is that wakes. What is measured is late by so much at most.
 */
const NAP_MS = 1;
/** Milliseconds for sockets to be closed as they should, before the thread ends with them. */
const GOODBYE_MS = 300;

const port = parentPort;
if (port === null) throw new Error("this file is the entry of the threads of a load");
const { spec, url, zone, seed, tally: memory } = workerData as ThreadData;
const { hostname, port: number, pathname, search } = new URL(url);
const now = (): number => performance.now();
const crowd = new Crowd(spec, url, {
  address: {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(number || 80),
    path: pathname + search,
  },
  buffer: Buffer.allocUnsafeSlow(READ_BYTES),
  tally: new Tally(memory),
  zone,
  seed,
  now,
});
const bed = new Int32Array(new SharedArrayBuffer(4));
let isOver = false;
turn();
let result: CrowdResult | null = null;
port.on("message", (message: ToThread) => {
  if (message === "measure") crowd.measure();
  else if (message === "measured") result = crowd.result(now());
  else end();
});

function turn(): void {
  if (isOver) return;
  crowd.run(now());
  Atomics.wait(bed, 0, 0, NAP_MS);
  setImmediate(turn);
}

function end(): void {
  isOver = true;
  const last = result ?? crowd.result(now());
  crowd.end();
  setTimeout(() => {
    port?.postMessage({ result: last } satisfies FromThread);
    port?.close();
    process.exit(0);
  }, GOODBYE_MS);
}
