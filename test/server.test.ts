/** The server over real sockets on 127.0.0.1: HTTP, upgrades, what a client sees, and what abuse does not do. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect as netConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { connect } from "../src/client.js";
import { GyreError } from "../src/errors.js";
import { defineGame } from "../src/game/define.js";
import { readPages } from "../src/net/pages.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { createServer, type ServerOptions } from "../src/server.js";
import { TestClient } from "./support/client.js";
import { TestHost, type TestHostOptions } from "./support/host.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Random } from "./support/random.js";
import { RawSocket } from "./support/raw-socket.js";
import { until } from "./support/until.js";
import { drawn, field } from "./support/worlds.js";

async function withHost(options: TestHostOptions, use: (host: TestHost) => Promise<void>): Promise<void> {
  const host = await TestHost.start(options);
  try {
    await use(host);
  } finally {
    await host.close();
  }
}

/** Unlike fetch it sends the path as it is. */
function get(origin: string, path: string, method = "GET"): Promise<{ status: number; type: string; body: Buffer }> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, type: headers["content-type"] ?? "", body: Buffer.concat(chunks) });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

test("the viewer's files are served by their exact paths, and no other file by any spelling", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-pages-"));
  writeFileSync(join(folder, "index.html"), "<p>viewer</p>");
  writeFileSync(join(folder, "main.js"), "1");
  writeFileSync(join(folder, "notes.txt"), "not of a kind that pages are made of");
  const pages = readPages(pathToFileURL(`${folder}/`));
  rmSync(folder, { recursive: true });
  assert.equal([...pages.keys()].sort(), ["/", "/index.html", "/main.js"]);
  await withHost({ pages }, async ({ http }) => {
    for (const path of ["/", "/index.html", "/?x=1"]) {
      const answer = await get(http, path);
      assert.is(answer.status, 200, path);
      assert.is(answer.type, "text/html; charset=utf-8");
      assert.is(answer.body.toString(), "<p>viewer</p>");
    }
    assert.is((await get(http, "/main.js")).type, "text/javascript; charset=utf-8");
    const astray = [
      "/../package.json",
      "/%2e%2e/package.json",
      "/..%2f..%2fpackage.json",
      "/..\\package.json",
      "//package.json",
      "/./main.js",
      "/main.js/",
      "/main.js%00.html",
      "/notes.txt",
      "/constructor",
      "/__proto__",
      "/zones/../../map",
      "http://127.0.0.1/main.js",
    ];
    for (const path of astray) assert.is((await get(http, path)).status, 404, path);
    const head = await get(http, "/", "HEAD");
    assert.is(head.status, 200);
    assert.is(head.body.length, 0);
    for (const method of ["POST", "PUT", "DELETE"]) assert.is((await get(http, "/", method)).status, 405);
  });
});

test("without a built viewer the page is a 404 and the rest works", async () => {
  assert.is(readPages(pathToFileURL("/no/such/folder/")).size, 0);
  await withHost({}, async ({ http }) => {
    assert.is((await get(http, "/")).status, 404);
    assert.is((await get(http, "/zones/zone-0/map")).status, 200);
  });
});

test("/zones/NAME/map is the map: width, height, tile size, then a byte per tile", async () => {
  const map = drawn("####", "#.~#", "####");
  await withHost({ zones: { map, zones: 2 } }, async ({ http }) => {
    const { body, type } = await get(http, "/zones/zone-1/map");
    assert.is(type, "application/octet-stream");
    assert.is(body.length, 12 + 12);
    assert.is(body.readUInt32LE(0), 4);
    assert.is(body.readUInt32LE(4), 3);
    assert.is(body.readFloatLE(8), 32);
    assert.equal(new Uint8Array(body.subarray(12)), map.tiles);
    assert.is((await get(http, "/zones/zone-2/map")).status, 404);
    assert.is((await get(http, "/zones//map")).status, 404);
  });
});

test("an upgrade needs the path /ws, the subprotocol gyre.1 and a known format", async () => {
  await withHost({}, async ({ ws, hub }) => {
    const good = [new TestClient(ws), new TestClient(`${ws}?format=json`), new TestClient(ws, ["chat", "gyre.1"])];
    for (const client of good) {
      await until("it is open", () => client.socket.readyState === 1);
      assert.is(client.socket.protocol, "gyre.1");
    }
    const unnamed = new TestClient(ws, []);
    await until("it is open without naming a subprotocol", () => unnamed.socket.readyState === 1);
    const bad: [TestClient, number][] = [
      [new TestClient(`${ws}/x`), 404],
      [new TestClient(ws.replace("/ws", "/")), 404],
      [new TestClient(ws, "gyre.2"), 400],
      [new TestClient(ws, ["chat", "gyre.2"]), 400],
      [new TestClient(`${ws}?format=xml`), 400],
    ];
    for (const [client, status] of bad) {
      await until("it is refused", () => client.refusedWith !== 0);
      assert.is(client.refusedWith, status);
    }
    assert.is(hub.sessions, 4);
    assert.is(hub.counters.refused.get("BAD_MESSAGE"), 5);
  });
});

test("a client sees exactly who is in its cells, snapshot by snapshot, in binary and in JSON", async () => {
  const seed = 5;
  const random = new Random(seed);
  await withHost({ zones: { map: field(128), npcs: 400, bots: 4 } }, async (host) => {
    const { zone } = host.zones.get();
    const clients = [await TestClient.open(host.ws), await TestClient.open(`${host.ws}?format=json`)];
    for (const client of clients) client.send({ type: "join", name: "eve" });
    await host.received(2);
    host.tick();
    const decoders = clients.map(() => new SnapshotDecoder(zone));
    let seen = 0;
    let changes = 0;
    for (let round = 0; round < 60; round++) {
      for (const client of clients)
        client.send({ type: "input", seq: round + 1, dx: random.float() - 0.3, dy: random.float() - 0.3 });
      await host.received(2 + 2 * (round + 1));
      do host.tick();
      while (zone.tick % 3 !== 0);
      for (const [i, client] of clients.entries()) {
        const decoder = decoders[i]!;
        await until("the snapshot of this tick comes", () => {
          for (const frame of client.frames.splice(0)) decoder.decode(frame);
          for (const reply of client.replies.splice(0)) if (reply.type === "snapshot") decoder.applyJson(reply);
          return decoder.tick === zone.tick;
        });
        assert.is(decoder.ack, round + 1);
        const { x, y, id } = zone.columns;
        const me = zone.slot(decoder.you!.id);
        assert.is(decoder.you!.x, x[me]);
        assert.is(decoder.you!.y, y[me]);
        const cell = (v: number): number => Math.floor(v / 1024);
        const visible = new Set<number>();
        for (let slot = 0; slot < zone.highWater; slot++) {
          const near = Math.abs(cell(x[slot]!) - cell(x[me]!)) <= 1 && Math.abs(cell(y[slot]!) - cell(y[me]!)) <= 1;
          if (id[slot] !== 0 && near) visible.add(id[slot]!);
        }
        const where = `seed ${seed}, tick ${zone.tick}, client ${i}`;
        assert.equal([...decoder.entities.byId.keys()].sort(), [...visible].sort(), where);
        for (const [known, entity] of decoder.entities.byId) {
          const slot = zone.slot(known);
          assert.ok(Math.abs(entity.x - x[slot]!) < 0.04 && Math.abs(entity.y - y[slot]!) < 0.04, where);
          assert.is(entity.kind, zone.columns.kind[slot]);
        }
        if (visible.size !== seen) changes++;
        seen = visible.size;
      }
    }
    assert.ok(changes > 5, "the crowd in view changed");
  });
});

test("broken frames close with their code, are counted, and their player leaves at the next tick", async () => {
  await withHost({ zones: { npcs: 20 } }, async (host) => {
    const misdeeds: [string, (client: TestClient) => void, number][] = [
      ["a binary frame where text is due", ({ socket }) => socket.send(Buffer.from([1, 2, 3])), 1003],
      ["a text of 1,025 bytes", ({ socket }) => socket.send("x".repeat(1025)), 1009],
      ["text that is not UTF-8", ({ socket }) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007],
      ["nine fragments", ({ socket }) => fragments(socket, 9), 1008],
    ];
    for (const [what, misbehave, code] of misdeeds) {
      const client = await TestClient.open(host.ws);
      const before = host.hub.counters.messagesIn;
      client.send({ type: "join", name: "mallory" });
      await host.received(before + 1);
      host.tick();
      assert.is(host.zones.get().zone.count, 21, what);
      misbehave(client);
      assert.is(await client.closed(), code, what);
      await until("its session is gone", () => host.hub.sessions === 0);
      host.tick();
      assert.is(host.zones.get().zone.count, 20, what);
      assert.is(host.hub.counters.closed.get(code), 1, what);
    }
    assert.is(host.hub.counters.refused.get("BAD_FRAME"), 4);
    const client = await TestClient.open(host.ws);
    client.socket.send(`${'{"type":"ping","t":1'.padEnd(1023)}}`);
    assert.is((await client.reply("pong"))["t"], 1, "1,024 bytes are welcome");
  });
});

test("a frame that says 2^53 bytes or more is too long like any other: 1009, and counted as that", async () => {
  await withHost({}, async (host) => {
    for (const [i, high] of [0x001f_ffff, 0x0020_0000, 0xffff_ffff].entries()) {
      const client = await RawSocket.open(host.ws);
      const head = Buffer.of(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 0);
      head.writeUInt32BE(high, 2);
      client.write(head);
      await client.when("it is closed", () => client.closedWith !== 0);
      assert.equal([client.closedWith, [...host.hub.counters.closed]], [1009, [[1009, i + 1]]]);
    }
  });
});

function fragments(socket: TestClient["socket"], count: number): void {
  for (let i = 0; i < count; i++) socket.send("x", { fin: i === count - 1 });
}

test("a rush of 150 connections is let in whole, a few per turn of the event loop", async () => {
  await withHost({ sessionsMax: 150 }, async (host) => {
    const clients = Array.from({ length: 150 }, () => new TestClient(host.ws));
    await until("all are open", () => clients.every(({ socket }) => socket.readyState === 1));
    assert.is(host.hub.sessions, 150);
  });
});

test("the 4th session of 3 is told SERVER_FULL and closed with 1013; when one goes there is room again", async () => {
  await withHost({ sessionsMax: 3 }, async (host) => {
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push(await TestClient.open(host.ws));
    const fourth = new TestClient(host.ws);
    assert.is((await fourth.reply("error"))["code"], "SERVER_FULL");
    assert.is(await fourth.closed(), 1013);
    clients[0]?.socket.terminate();
    await until("its session is gone", () => host.hub.sessions === 2);
    await TestClient.open(host.ws);
    assert.is(host.hub.sessions, 3);
  });
});

test("200 clients that connect, join or look, and go, politely or not, leave nobody behind: all pools return to zero", async () => {
  const seed = 9;
  const random = new Random(seed);
  await withHost({ zones: { npcs: 30 }, sessionsMax: 50 }, async (host) => {
    let opened = 0;
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(
        Array.from({ length: 20 }, (_, i) => TestClient.open(i % 5 === 0 ? `${host.ws}?format=json` : host.ws)),
      );
      opened += 20;
      await until("all are in", () => host.hub.counters.sessionsOpened === opened);
      const before = host.hub.counters.messagesIn;
      for (const [i, client] of clients.entries()) {
        if (i % 3 === 0) client.send({ type: "view", x0: 0, y0: 0, x1: 2048, y1: 2048 });
        else client.send({ type: "join", name: `guest ${i}` });
      }
      await host.received(before + 20);
      host.tick(6);
      for (const { socket } of clients) {
        const manners = random.float();
        if (manners < 0.3) socket.terminate();
        else if (manners < 0.5) socket.send(Buffer.from([1]));
        else socket.close();
      }
      // Some while their frames are on the way, some while they wait for a seat.
      host.tick(2);
      await until("all are gone", () => host.hub.sessions === host.hub.resumption.count);
      // Those who were cut off may come back for 10 s.
      host.tick(605);
      assert.is(host.hub.sessions, 0);
      assert.is(host.zones.get().zone.count, 30, `seed ${seed}, round ${round}`);
      await until("all frames have landed", () => host.hub.pools.every(({ inUse }) => inUse === 0));
    }
    for (const { highWater, failedAcquires } of host.hub.pools) {
      assert.equal([highWater <= 40, failedAcquires], [true, 0]);
    }
    assert.is(host.zones.get().players, 0);
  });
});

test("an abused server and a quiet one with the same seed and players have the same hash at every 10th tick", async () => {
  const options: TestHostOptions = { zones: { npcs: 200, bots: 8, seed: 42 }, sessionsMax: 100 };
  await withHost(options, (quiet) =>
    withHost(options, async (abused) => {
      const seed = 77;
      const random = new Random(seed);
      const players = [quiet, abused].map(({ hub }) => hub.open(new MemoryWire(), "binary"));
      const inBoth = (message: object): void => {
        const text = JSON.stringify(message);
        for (const player of players) player.receiveText(text, text.length);
      };
      inBoth({ type: "join", name: "mallory" });
      for (let round = 0; round < 30; round++) {
        inBoth({ type: "input", seq: round, dx: random.float() - 0.5, dy: random.float() - 0.5 });
        // The player of the abused server also says what it should not; that server has guests of the same kind.
        for (const text of NONSENSE) players[1]?.receiveText(text, text.length);
        await abuse(abused, random);
        quiet.tick(10);
        abused.tick(10);
        const hashes = [quiet, abused].map(({ zones }) => zones.get().zone.hash());
        assert.is(hashes[0], hashes[1], `seed ${seed}, round ${round}`);
      }
      const { refused } = abused.hub.counters;
      for (const code of ["BAD_MESSAGE", "BAD_FRAME", "NOT_JOINED", "ZONE_UNKNOWN", "ALREADY_JOINED"] as const) {
        assert.ok((refused.get(code) ?? 0) > 0, `${code} was counted`);
      }
      assert.is(quiet.hub.counters.refused.size, 0);
    }),
  );
});

const NONSENSE = [
  "",
  "{}",
  "null",
  '{"type":"input","seq":1,"dx":1e999,"dy":0}',
  '{"type":"input","seq":-1,"dx":1,"dy":0}',
  '{"type":"input","seq":1,"dx":1,"dy":0,"action":"dance"}',
  '{"type":"input","seq":1,"dx":1,"dy":0,"action":""}',
  '{"type":"event","name":"wave","data":1}',
  '{"type":"join","name":"again"}',
  '{"type":"join","name":"x","zone":"nowhere"}',
  '{"type":"view","x0":0,"y0":0,"x1":-1,"y1":0}',
];

/** One guest that misbehaves in one way, and is gone when this resolves. */
async function abuse(host: TestHost, random: Random): Promise<void> {
  const open = host.hub.counters.sessionsOpened;
  const client = new TestClient(host.ws);
  await until("the guest is in", () => client.socket.readyState === 1 && host.hub.counters.sessionsOpened > open);
  const tricks = [
    () => client.send({ type: "input", seq: 1, dx: 1, dy: 1 }),
    () => client.send({ type: "join", name: "x", zone: "nowhere" }),
    () => client.send({ type: "view", x0: -1e9, y0: -1e9, x1: 1e9, y1: 1e9 }),
    () => client.socket.send(Buffer.alloc(100)),
    () => client.socket.send("y".repeat(5000)),
    () => client.socket.send("\u0000"),
  ];
  for (const trick of tricks.slice(0, random.integer(1, tricks.length))) if (client.socket.readyState === 1) trick();
  if (random.float() < 0.5) client.socket.terminate();
  else client.socket.close();
  await until("the guest is gone", () => host.hub.sessions === 1);
}

test("raw bytes, half requests and upgrades cut short leave no session and harm nobody", async () => {
  await withHost({}, async (host) => {
    const { port, hostname } = new URL(host.http);
    const upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    const openings = [
      "\u0000\u0001\u0002",
      "GET / HT",
      `${upgrade}\r\n`,
      `${upgrade}Sec-WebSocket-Protocol: gyre.1\r\n\r\n`,
    ];
    for (const opening of openings) {
      const socket = netConnect(Number(port), hostname);
      socket.on("error", () => {});
      socket.write(opening, "latin1", () => socket.destroySoon());
      await until("it is closed", () => socket.destroyed);
    }
    const client = await TestClient.open(host.ws);
    client.send({ type: "ping", t: 4 });
    assert.is((await client.reply("pong"))["t"], 4);
    assert.is(host.hub.sessions, 1);
  });
});

test("createServer ticks by itself, tells its state over HTTP, refuses a taken port, and closes once", async () => {
  const server = await createServer({ map: field(32), port: 0, npcs: 100, bots: 2, players: 10 });
  try {
    await until("it has ticked", () => server.stats().tick > 10);
    assert.equal(JSON.parse((await get(server.http, "/healthz")).body.toString()), { status: "ok" });
    const stats = JSON.parse((await get(server.http, "/stats")).body.toString());
    assert.equal(Object.keys(stats).sort(), [
      "entities",
      "lateTicks",
      "sessions",
      "slowdown",
      "tick",
      "tickP50Ms",
      "tickP99Ms",
      "workers",
    ]);
    assert.equal(
      stats.workers.map(({ name, steals }: { name: string; steals: number }) => [name, steals]),
      [["main", 0]],
    );
    assert.equal(Object.keys(stats.workers[0]), [
      "name",
      "utilisation",
      "tickP99Ms",
      "wakeP99Ms",
      "steals",
      "spinSuccess",
    ]);
    await until("a second is over", () => (server.stats().workers[0]?.utilisation ?? 0) > 0);
    const { zone } = JSON.parse((await get(server.http, "/stats?zone=zone-0")).body.toString());
    assert.equal([zone.name, zone.worker, zone.failures, zone.restarts], ["zone-0", "main", 0, 0]);
    assert.ok(zone.costMs > 0 && zone.costMs < 1000, `${zone.costMs} ms a tick`);
    assert.is((await get(server.http, "/stats?zone=nowhere")).status, 404);
    assert.is(stats.entities, 102);
    assert.is([...server.zones.values()][0]?.count, 102);
    const { body, type } = await get(server.http, "/metrics");
    assert.match(type, /^text\/plain/);
    const metrics = body.toString();
    for (const name of METRICS) assert.match(metrics, new RegExp(`^${name}(?![\\w}])`, "m"), name);
    assert.match(metrics, /^gyre_entities 102$/m);
    for (const pool of ["sessions", "frames"])
      assert.match(metrics, new RegExp(`^gyre_pool_in_use{pool="${pool}"} 0$`, "m"));
    assert.ok(isCumulative(metrics, "gyre_tick_seconds"));
    const port = Number(new URL(server.http).port);
    const refusal = await createServer({ map: field(32), port, npcs: 0 }).then(
      () => null,
      (error: GyreError) => error,
    );
    assert.is(refusal?.code, "PORT_IN_USE");
    assert.match(refusal?.message ?? "", new RegExp(String(port)));
  } finally {
    await Promise.all([server.close(), server.close()]);
  }
  await server.close();
  const gone = await get(server.http, "/healthz").then(
    () => false,
    () => true,
  );
  assert.ok(gone, "nobody listens any more");
});

test("docs/operating.md tells of every metric that there is, and of no other", async () => {
  const server = await createServer({
    game: defineGame({ name: "matches", map: field(32), rooms: { match: { maxPlayers: 2, instances: 1 } } }),
    port: 0,
    npcs: 0,
    record: { file: "", digest: "", write: () => true },
  });
  try {
    const text = (await get(server.http, "/metrics")).body.toString();
    const names = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name ?? "");
    assert.ok(names.length > 50, `${names.length} metrics`);
    const told = new Set(readFileSync("docs/operating.md", "utf8").match(/\b(?:gyre|process)_\w+/g));
    assert.equal([...told].sort(), [...names].sort());
  } finally {
    await server.close();
  }
});

const METRICS = [
  "gyre_tick_seconds_bucket",
  "gyre_tick_seconds_sum",
  "gyre_tick_seconds_count",
  "gyre_publish_seconds_count",
  "gyre_tick_lateness_seconds_count",
  "gyre_ticks_total",
  "gyre_late_ticks_total",
  "gyre_skipped_ticks_total",
  "gyre_slowdown_ratio",
  "gyre_entities",
  "gyre_sessions",
  "gyre_bytes_in_total",
  "gyre_bytes_out_total",
  "gyre_snapshots_sent_total",
  "gyre_snapshots_skipped_total",
  "gyre_tells_sent_total",
  "gyre_tells_dropped_total",
  'gyre_gc_pause_seconds_count{thread="main"}',
  'gyre_gc_pause_max_seconds{thread="main"}',
  'gyre_gc_idle_total{thread="main"}',
  'gyre_heap_bytes{thread="main"}',
  'gyre_thread_utilisation_ratio{thread="main"}',
  'gyre_thread_busy_seconds_total{thread="main"}',
  'gyre_thread_tick_seconds_bucket{thread="main",le="0.05"}',
  'gyre_thread_tick_seconds_count{thread="main"}',
  'gyre_thread_wakeup_seconds_sum{thread="main"}',
  'gyre_thread_steals_total{thread="main"}',
  'gyre_thread_spins_total{thread="main"}',
  'gyre_thread_spins_paid_total{thread="main"}',
  'gyre_thread_restarts_total{thread="main"}',
  'gyre_thread_request_bytes{thread="main"}',
  'gyre_thread_notice_bytes{thread="main"}',
  'gyre_zone_cost_seconds{zone="zone-0"}',
  'gyre_zone_home{zone="zone-0"} -1',
  'gyre_zone_failures{zone="zone-0"} 0',
  'gyre_zone_restarts{zone="zone-0"} 0',
  'gyre_zone_commands{zone="zone-0"}',
  "gyre_zones_awake 1",
  "gyre_zones_asleep 0",
  "gyre_loop_delay_p99_seconds",
];

/** Buckets never fall, and the last is the count. */
function isCumulative(metrics: string, name: string): boolean {
  const buckets = [...metrics.matchAll(new RegExp(`^${name}_bucket\\{le="[^"]+"\\} (\\d+)$`, "gm"))].map(([, n]) =>
    Number(n),
  );
  const count = Number(new RegExp(`^${name}_count (\\d+)$`, "m").exec(metrics)?.[1]);
  return (
    buckets.length > 5 && buckets.every((n, i) => i === 0 || n >= (buckets[i - 1] ?? 0)) && buckets.at(-1) === count
  );
}

test("closing ends sessions with 1001", async () => {
  const server = await createServer({ map: field(32), port: 0, npcs: 10, bots: 0 });
  const client = await TestClient.open(server.ws);
  client.send({ type: "join", name: "ann" });
  await client.reply("welcome");
  await until("a snapshot came", () => client.frames.length > 0);
  await server.close();
  assert.is(await client.closed(), 1001);
});

test("a server of JSON gives it to whoever asks for no format, and binary snapshots to those who ask for them; one that says nothing is of binary ones", async () => {
  for (const format of ["json", undefined] as const) {
    const server = await createServer({ map: field(64), port: 0, npcs: 5, bots: 0, ...(format && { format }) });
    try {
      const came: string[] = [];
      for (const query of ["", "?format=json", "?format=binary"]) {
        const client = await TestClient.open(`${server.ws}${query}`);
        client.send({ type: "join", name: "ann" });
        const jsonOf = () => client.replies.filter(({ type }) => type === "snapshot").length;
        await until("a snapshot came", () => jsonOf() + client.frames.length > 0);
        came.push(client.frames.length > 0 ? "binary" : "json");
        client.socket.close();
      }
      assert.equal(came, [format ?? "binary", "json", "binary"]);
      // The client takes what the server has.
      const connection = await connect(server.ws, { name: "bob" });
      const entities = () => connection.sample(performance.now()).size;
      await until("it sees somebody", () => entities() > 0);
      connection.close();
    } finally {
      await server.close();
    }
  }
});

test("with hashEvery 1 each block of somebody has a hash, which the client's agree with; with 64 few have", async () => {
  const checked: number[] = [];
  for (const hashEvery of [1, 64]) {
    const server = await createServer({ map: field(64), port: 0, npcs: 50, bots: 0, hashEvery });
    try {
      const connection = await connect(server.ws, { name: "ann" });
      await until("30 snapshots came", () => connection.stats.snapshots >= 30);
      const { hashChecks, repairs } = connection.stats;
      assert.is(repairs, 0);
      checked.push(hashChecks);
      connection.close();
    } finally {
      await server.close();
    }
  }
  const [often = 0, seldom = 0] = checked;
  assert.ok(often >= 30 && seldom < often / 8, `${often} and ${seldom} hashes`);
});

test("in a game with interest cells of 4 tiles a client sees 3 x 3 of those, and its hashes agree", async () => {
  const game = defineGame({
    name: "dense",
    map: field(64),
    interestTiles: 4,
    archetypes: { post: { speed: 0 } },
    capacity: 1000,
    setup(world) {
      for (let i = 0; i < 16 * 16; i++) world.spawn("post", (i % 16) * 128 + 64, Math.floor(i / 16) * 128 + 64);
    },
    join: (world) => world.spawn("post", 1000, 1000),
  });
  const server = await createServer({ game, port: 0, hashEvery: 1 });
  try {
    const connection = await connect(server.ws, { name: "ann" });
    await until("30 snapshots came", () => connection.stats.snapshots >= 30);
    // One post in each cell of 128 units, and its own entity in the one from 896 on.
    const seen = [...connection.sample(performance.now()).values()].map(({ x, y }) => `${x} ${y}`);
    const posts = [832, 960, 1088].flatMap((y) => [832, 960, 1088].map((x) => `${x} ${y}`));
    assert.equal(seen.sort(), [...posts, "1000 1000"].sort());
    assert.ok(connection.stats.hashChecks > 100, `${connection.stats.hashChecks} hashes`);
    assert.is(connection.stats.repairs, 0);
    connection.close();
  } finally {
    await server.close();
  }
});

test("createServer refuses options outside their ranges with BAD_ARGUMENT, naming them", async () => {
  const bad: [object, RegExp][] = [
    [{ port: -1 }, /port is -1/],
    [{ port: 65_536 }, /port is 65536/],
    [{ zones: 0 }, /zones is 0/],
    [{ npcs: 1.5 }, /npcs is 1.5/],
    [{ tickRate: 0 }, /tickRate is 0/],
    [{ tickRate: 30, snapshotRate: 31 }, /snapshotRate is 31/],
    [{ seed: Number.NaN }, /seed is NaN/],
    [{ seed: "1" }, /seed is "1"/],
    [{ host: 5 }, /host is 5/],
    [{ zones: 1000, npcs: 1_000_000 }, /1000 zones may come to 1002056000 entities/],
    [{ map: { ...field(128), tileSize: 32_767 } }, /width is 4194176/],
    [{ map: 5 }, /map is no map/],
    [{ game: {} }, /game/],
    [{ threads: 65 }, /threads is 65/],
    [{ threads: "many" }, /threads is "many"/],
    [{ spin: "on" }, /spin is "on"/],
    [{ format: "xml" }, /format is "xml"/],
    [{ hashEvery: 0 }, /hashEvery is 0/],
    [{ threads: 1, watchdogMs: 49 }, /watchdogMs is 49/],
    [{ threads: 1, watchdogMs: "500" }, /watchdogMs is "500"/],
  ];
  for (const [options, about] of bad) {
    try {
      const server = await createServer({ map: field(8), port: 0, npcs: 0, ...options } as ServerOptions);
      await server.close();
      assert.unreachable(`accepted ${JSON.stringify(options)}`);
    } catch (error) {
      assert.ok(error instanceof GyreError, String(error));
      assert.is(error.code, "BAD_ARGUMENT");
      assert.match(error.message, about);
    }
  }
  const slow = await createServer({ map: field(8), port: 0, npcs: 0, tickRate: 5, seed: undefined } as never);
  await slow.close();
});

test("a module that has a game and starts its server on threads is refused with GAME_BAD, and starts no more of them", () => {
  const own = spawnSync(process.execPath, ["test/fixtures/own-server.mjs"], { encoding: "utf8", timeout: 60_000 });
  assert.is(own.status, 1, own.stderr);
  assert.match(own.stdout, /^GAME_BAD .*own-server\.mjs.* starts a server/m);
});

test.run();
