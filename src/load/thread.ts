/** The thread of a load: a crowd of clients, called every few milliseconds until the main thread has had enough. */
import { parentPort, workerData } from "node:worker_threads";
import { Crowd, type CrowdResult } from "./crowd.js";
import type { FromThread, ThreadData, ToThread } from "./protocol.js";
import { READ_BYTES } from "./raw-client.js";
import { Tally } from "./tally.js";

/** Milliseconds between two turns: at 2,000 clients and 10 inputs a second 40 inputs each. */
const TURN_MS = 2;
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
const turns = setInterval(() => crowd.run(now()), TURN_MS);
let result: CrowdResult | null = null;
port.on("message", (message: ToThread) => {
  if (message === "measure") crowd.measure();
  else if (message === "measured") result = crowd.result();
  else end();
});

function end(): void {
  clearInterval(turns);
  const last = result ?? crowd.result();
  crowd.end();
  setTimeout(() => {
    port?.postMessage({ result: last } satisfies FromThread);
    port?.close();
    process.exit(0);
  }, GOODBYE_MS);
}
