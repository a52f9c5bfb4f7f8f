/** How a server ends: politely, at once, and at once while it does so politely. */
import { createServer } from "gyre";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TestClient } from "./support/client.js";

const FORCED_MS_MAX = 2000;

async function served(count: number) {
  const server = await createServer({ port: 0, npcs: 10, bots: 0 });
  const clients = await Promise.all(Array.from({ length: count }, () => TestClient.open(server.ws)));
  for (const client of clients) client.send({ type: "join", name: "ann" });
  await Promise.all(clients.map((client) => client.reply("welcome")));
  return { server, clients };
}

test("20 players are told 1001 by a server that ends, which is closing it, and twice is once", async () => {
  const { server, clients } = await served(20);
  const first = server.shutdown();
  assert.is(server.close(), first);
  assert.is(server.shutdown({}), first);
  await first;
  assert.equal([...new Set(await Promise.all(clients.map((client) => client.closed())))], [1001]);
});

test("a server that ends at once tells nobody, and waits for none who does not read", async () => {
  const { server, clients } = await served(20);
  for (const { socket } of clients.slice(0, 5)) socket.pause();
  const startMs = performance.now();
  await server.shutdown({ force: true });
  assert.ok(performance.now() - startMs < 4 * FORCED_MS_MAX, `${performance.now() - startMs} ms`);
  for (const { socket } of clients) socket.resume();
  assert.equal([...new Set(await Promise.all(clients.map((client) => client.closed())))], [1006]);
});

test("who does not answer its goodbye is waited for no longer once the server is to end at once", async () => {
  const { server, clients } = await served(2);
  for (const { socket } of clients) socket.pause();
  const polite = server.shutdown();
  await server.shutdown({ force: true });
  await polite;
  for (const { socket } of clients) socket.resume();
  await Promise.all(clients.map((client) => client.closed()));
});

test.run();
