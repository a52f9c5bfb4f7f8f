// How long does a server with 500 rooms of five players take to end, told to at once and politely? The server is a process of its own, the clients
// are of this one. Usage, after a build:
//
//     node .ci/shutdown.mjs [--clients=2500] [--stalled=100] [--threads=N] [--check]
import { fork } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { RawClient, TEXT } from "./raw-client.mjs";
import { conclude, numbers, sleep } from "./served.mjs";

const BATCH_MS = 5;
/** Milliseconds for all to end at once, and politely: whoever is stalled has 3 s for its goodbye. */
const FORCED_MS_MAX = 2000;
const POLITE_MS_MAX = 5000;

async function serve() {
  const { createServer } = await import("../build/js/index.js");
  const { default: game } = await import("./bulk-rooms.mjs");
  const server = await createServer({ game, port: 0, threads: Number(process.env.SERVER_THREADS), snapshotRate: 2 });
  process.send({ http: server.http });
  const [force] = await once(process, "message");
  const startMs = performance.now();
  await server.shutdown({ force });
  process.send({ ms: performance.now() - startMs });
  process.disconnect();
}

async function run(threads, force, count, stalled) {
  const server = fork(fileURLToPath(import.meta.url), { env: { ...process.env, SERVER_THREADS: `${threads}` } });
  const [{ http }] = await once(server, "message");
  const { hostname, port } = new URL(http);
  const clients = [];
  let welcomed = 0;
  let gone = 0;
  const options = {
    onOpen: (client) => client.send({ type: "join", name: client.name }),
    onFrame: (opcode, payload) => {
      if (opcode === TEXT && payload.includes('"type":"welcome"')) welcomed++;
    },
    onEnd: () => gone++,
  };
  while (clients.length < count) {
    for (let n = 0; n < 8 && clients.length < count; n++)
      clients.push(new RawClient({ hostname, port: Number(port) }, options));
    await sleep(BATCH_MS);
  }
  while (welcomed < count) await sleep(BATCH_MS);
  // These read no more, and answer no goodbye.
  for (const { socket } of clients.slice(0, stalled)) socket.pause();
  server.send(force);
  const [{ ms }] = await once(server, "message");
  for (const { socket } of clients.slice(0, stalled)) socket.resume();
  while (gone < count) await sleep(BATCH_MS);
  const [status] = await once(server, "exit");
  if (status !== 0) throw new Error(`the server ended with ${status}`);
  console.log(
    `--threads ${threads}, ${force ? "at once" : "politely"}: ${ms.toFixed(0)} ms for ${count} players, ${stalled} of them stalled`,
  );
  return ms;
}

if (process.env.SERVER_THREADS !== undefined) {
  await serve();
} else {
  const { clients, stalled, threads: only, check } = numbers({ clients: 2500, stalled: 100, threads: -1, check: 0 });
  if (stalled < 1) throw new Error(`--stalled=${stalled}: at least 1, who is waited for politely`);
  const [limits, ofSpeed] = [[], []];
  for (const threads of only >= 0 ? [only] : [0, Math.max(1, availableParallelism() - 1)]) {
    const forcedMs = await run(threads, true, clients, stalled);
    const politeMs = await run(threads, false, clients, stalled);
    limits.push([`--threads ${threads}: time to end at once to that to end politely`, forcedMs / politeMs, 1]);
    ofSpeed.push([`--threads ${threads}: ms to end at once`, forcedMs, FORCED_MS_MAX]);
    ofSpeed.push([`--threads ${threads}: ms to end politely`, politeMs, POLITE_MS_MAX]);
  }
  conclude(limits, ofSpeed, check);
}
