/** Connections that lose their socket: what is taken up again, by whom, for how long, and what is not. Real sockets on loopback. */
// slow
// waits
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { type Connection, connect, GyreError, watch } from "../src/client.js";
import { defineGame } from "../src/game/define.js";
import type { SyncOptions } from "../src/game/types.js";
import { createServer, type GyreServer } from "../src/server.js";

import { Line } from "./support/dead-line.js";
import { generator } from "./support/fake-zone.js";
import { slowSockets } from "./support/slow-sockets.js";
import { until } from "./support/until.js";
import { field } from "./support/worlds.js";

const TOKEN = "0123456789abcdefghij_-";
const ZONE = { name: "zone-0", width: 4096, height: 4096, tileSize: 32, columns: [], kinds: [], gates: [] };
const RATES = { tick: 100, tickRate: 60, snapshotRate: 20, zone: ZONE };
const WELCOME = { type: "welcome", you: 1, ...RATES, session: TOKEN };

type Message = Record<string, unknown>;

/** A server that says what the test wants, and can be cut off. */
class Stub {
  readonly heard: Message[] = [];
  readonly port: number;
  /** Answers to a message; none for a message that is not answered. */
  answer: (message: Message) => object[];
  #server: WebSocketServer;

  private constructor(server: WebSocketServer, answer: Stub["answer"]) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.answer = answer;
    this.#serve();
  }

  static async listen(answer: Stub["answer"], port = 0): Promise<Stub> {
    const server = new WebSocketServer({ port, host: "127.0.0.1" });
    await new Promise<void>((resolve) => void server.on("listening", resolve));
    return new Stub(server, answer);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  get connections(): number {
    return this.#server.clients.size;
  }

  said(type: string): Message[] {
    return this.heard.filter((message) => message["type"] === type);
  }

  say(message: object): void {
    for (const client of this.#server.clients) client.send(JSON.stringify(message));
  }

  sayBytes(...bytes: number[]): void {
    for (const client of this.#server.clients) client.send(Uint8Array.from(bytes));
  }

  /** All connections end, without a word or with a code. */
  cut(code = 0): void {
    for (const client of this.#server.clients) {
      if (code === 0) client.terminate();
      else client.close(code, "bye");
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(): void {
    this.#server.on("connection", (socket) => {
      socket.on("message", (data) => {
        const message = JSON.parse(String(data));
        if (message.type !== "ping") this.heard.push(message);
        for (const reply of this.answer(message)) socket.send(JSON.stringify(reply));
      });
    });
  }
}

const snapshot = (tick: number, ack: number, you: number) => ({
  ...{ type: "snapshot", tick, ack, update: [], leave: [] },
  you: {
    ...{ id: you, x: 5, y: 6, vx: 0, vy: 0, speed: 9, halfSize: 1, wishX: 0, wishY: 0 },
    ...{ hp: 1, xp: 0, gold: 0, readyAt: 0, level: 1 },
  },
  enter: [{ id: you, x: 5, y: 6, hp: 1, kind: 0, team: 0, state: 0, level: 1 }],
});

const resumed = { ...WELCOME, resumed: true };
const unknown = { type: "error", code: "SESSION_UNKNOWN", message: "there is no such session" };

/** What a connection tells, in order. */
function chronicle(connection: Connection): unknown[] {
  const told: unknown[] = [];
  connection.on("reconnecting", ({ attempt, error }) => told.push(`reconnecting ${attempt} ${error.code}`));
  connection.on("resumed", (rejoined) => told.push(rejoined ? "rejoined" : "resumed"));
  connection.on("zone", ({ name }) => told.push(name));
  connection.on("you", (id) => told.push(id));
  connection.on("close", (code, _reason, error) => told.push(`close ${code} ${error?.code}`));
  return told;
}

/** A stub answers no pings. */
const quick = { name: "ann", random: () => 1, silenceMs: Number.POSITIVE_INFINITY };

test("a player whose socket is cut goes on in the same connection: same you, seq counts on, the wish is said again", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME, snapshot(101, 1, 1)] : []));
  const connection = await connect(stub.url, quick);
  const told = chronicle(connection);
  await until("the snapshot is there", () => connection.stats.snapshots === 1);
  const { entities, tracks } = connection;
  const acks: number[] = [];
  connection.on("resumed", () => acks.push(connection.ack));
  assert.is(connection.input({ dx: 1, dy: 0 }), 1);
  await until("the input is there", () => stub.said("input").length === 1);
  stub.answer = ({ type }) => (type === "resume" ? [resumed, snapshot(140, 1, 1)] : []);
  stub.cut();
  await until("it is lost", () => !connection.isConnected);
  assert.is(connection.input({ dx: 0, dy: -1 }), 0, "nobody hears it");
  assert.equal([...entities.keys()], [1], "what was seen stays meanwhile");
  await until("it is resumed", () => connection.stats.snapshots === 2);
  assert.equal(told, ["reconnecting 1 CONNECTION_FAILED", "resumed"]);
  assert.equal(stub.said("resume"), [{ type: "resume", session: TOKEN }]);
  assert.equal([connection.you, connection.tick, connection.ack, connection.stats.resumes], [1, 140, 1, 1]);
  assert.ok(connection.entities === entities && connection.tracks === tracks && tracks.count === 1);
  assert.equal(acks, [1], "it goes on counting");
  await until("the wish is said again", () => stub.said("input").length === 2);
  assert.equal(stub.said("input")[1], { type: "input", seq: 2, dx: 0, dy: -1 });
  assert.is(connection.input({ dx: 0, dy: 0 }), 3);
  stub.cut();
  await until("it is resumed again", () => connection.stats.resumes === 2);
  assert.equal([stub.said("resume").length, stub.said("join").length], [2, 1]);
  connection.close();
  await stub.close();
});

test("events, and a welcome to another zone with another entity, come to the listeners of before", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
  const connection = await connect(stub.url, quick);
  const told = chronicle(connection);
  const events: string[] = [];
  connection.on("event", ({ name }) => events.push(name));
  stub.answer = ({ type }) =>
    type === "resume"
      ? [
          { ...resumed, you: 7, zone: { ...ZONE, name: "zone-1" } },
          { type: "event", name: "wave", data: null },
        ]
      : [];
  stub.cut();
  await until("the event is there", () => events.length > 0);
  assert.equal(told, ["reconnecting 1 CONNECTION_FAILED", "resumed", "zone-1", 7]);
  connection.close();
  await stub.close();
});

test("it resumes by the token of the last welcome, and pieces of a frame that was on its way are not those of the next one", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : type === "resume" ? [resumed] : []));
  const connection = await connect(stub.url, quick);
  stub.say({ ...WELCOME, you: 2, session: "another-0123456789abcd" });
  stub.sayBytes(2, 0, 9);
  await until("both are there", () => connection.you === 2 && connection.stats.bytesIn > 3);
  const { bytesIn } = connection.stats;
  stub.cut();
  await until("it is resumed", () => connection.stats.resumes === 1);
  assert.equal(stub.said("resume"), [{ type: "resume", session: "another-0123456789abcd" }]);
  // A frame with nothing to tell, of tick 3.
  stub.sayBytes(2, 0, 1, 0);
  stub.sayBytes(2, 1, 3);
  await until("a snapshot is there, or it is over", () => connection.stats.snapshots === 1 || !connection.isConnected);
  assert.equal([connection.isConnected, connection.stats.bytesIn], [true, bytesIn + 7]);
  connection.close();
  await stub.close();
});

test("the delay follows the next server too, and the next zone, whose ticks are lower, and no gap of the statistics is as long as there was no connection", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
  const clock = { ms: 0 };
  const connection = await connect(stub.url, { ...quick, rejoin: true, reconnectMs: 60_000, now: () => clock.ms });
  const watch = async (tick: number, count: number, gapMs: number): Promise<void> => {
    for (let i = 1; i <= count; i++) {
      clock.ms += gapMs;
      const { snapshots } = connection.stats;
      stub.say({
        type: "snapshot",
        tick: tick + (i * gapMs * 60) / 1000,
        ack: 0,
        you: null,
        enter: [],
        update: [],
        leave: [],
      });
      await until("it is there", () => connection.stats.snapshots > snapshots);
    }
  };
  await watch(1_000_000, 12, 50);
  assert.is(Math.round(connection.interpolationDelay), 54);
  stub.answer = ({ type }) => (type === "resume" ? [unknown] : type === "join" ? [{ ...WELCOME, tick: 5 }] : []);
  stub.cut();
  await until("it is lost", () => !connection.isConnected);
  clock.ms += 5000;
  await until("it goes on", () => connection.isConnected);
  await watch(5, 70, 100);
  assert.is(Math.round(connection.interpolationDelay), 104);
  assert.is(connection.stats.gapP99Ms, 100);
  stub.say({ ...WELCOME, tick: 1, zone: { ...ZONE, name: "zone-1" } });
  await watch(1, 70, 50);
  assert.equal([connection.zone.name, Math.round(connection.interpolationDelay)], ["zone-1", 54]);
  connection.close();
  await stub.close();
});

test("on another connection the way to the server is found out anew before inputs say their tick; a new player's map is fetched anew", async () => {
  const pong = ({ t }: Message) => [{ type: "pong", t, tick: 100 }];
  const stub = await Stub.listen((message) =>
    message["type"] === "join" ? [WELCOME] : message["type"] === "ping" ? pong(message) : [],
  );
  const map = new Uint8Array(12 + 128 * 128);
  map[0] = map[4] = 128;
  let fetched = 0;
  const connection = await connect(stub.url, {
    ...quick,
    predict: true,
    rejoin: true,
    fetch: async () => {
      fetched++;
      return { ok: true, status: 200, arrayBuffer: async () => map.buffer };
    },
  });
  const timed = async (): Promise<void> => {
    const before = stub.said("input").length;
    await until("an input says its tick", () => {
      connection.input({ dx: 1, dy: 0 });
      return stub
        .said("input")
        .slice(before)
        .some((message) => "tick" in message);
    });
  };
  await timed();
  for (const [again, maps] of [
    [[resumed], 1],
    [[unknown], 2],
  ] as const) {
    stub.answer = (message) => {
      if (message["type"] === "resume") return [...again];
      return message["type"] === "join" ? [WELCOME] : message["type"] === "ping" ? pong(message) : [];
    };
    const { resumes } = connection.stats;
    const before = stub.said("input").length;
    stub.cut();
    await until("it goes on", () => connection.stats.resumes > resumes && stub.said("input").length > before);
    assert.not.ok("tick" in stub.said("input")[before]!, "the wish that is said again");
    await timed();
    assert.is(fetched, maps);
  }
  connection.close();
  await stub.close();
});

test("SESSION_UNKNOWN ends it with that code; with rejoin it joins anew on the same socket", async () => {
  for (const rejoin of [false, true]) {
    const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME, snapshot(101, 7, 1)] : []));
    const connection = await connect(stub.url, { ...quick, rejoin });
    const told = chronicle(connection);
    await until("an input is applied", () => connection.ack === 7);
    stub.answer = ({ type }) => (type === "resume" ? [unknown] : type === "join" ? [{ ...WELCOME, you: 2 }] : []);
    stub.cut();
    await until("it is over, or goes on", () => told.length >= 2);
    const end = rejoin ? ["rejoined", 2] : ["close 1006 SESSION_UNKNOWN"];
    assert.equal(told, ["reconnecting 1 CONNECTION_FAILED", ...end]);
    assert.is(stub.said("join").length, rejoin ? 2 : 1);
    assert.is(connection.ack, rejoin ? 0 : 7, "of the new player's inputs none is");
    assert.equal([connection.isConnected, connection.input({ dx: 1, dy: 0 }) > 0], [rejoin, rejoin]);
    connection.close();
    await stub.close();
  }
});

test("while nobody answers it is tried with growing pauses, and ends after reconnectMs with why", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
  const clock = { ms: 0 };
  const connection = await connect(stub.url, { ...quick, now: () => clock.ms, reconnectMs: 1000 });
  const waits: number[] = [];
  const ends: unknown[] = [];
  connection.on("reconnecting", ({ waitMs }) => {
    waits.push(waitMs);
    clock.ms += waitMs;
  });
  connection.on("close", (code, _reason, error) => ends.push(code, error?.code));
  await stub.close();
  await until("it gives up", () => ends.length > 0);
  assert.equal(waits, [125, 250, 500, 125], "the last one no longer than the time that is left");
  assert.equal(ends, [1006, "CONNECTION_FAILED"]);
  assert.is(connection.input({ dx: 1, dy: 0 }), 0);
});

test("close ends the tries at once; so it does within `reconnecting`", async () => {
  for (const within of [false, true]) {
    const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
    const connection = await connect(stub.url, quick);
    const told = chronicle(connection);
    if (within) connection.on("reconnecting", () => connection.close());
    stub.cut();
    await until("it is lost", () => told.length > 0);
    connection.close();
    connection.close();
    assert.equal(told, ["reconnecting 1 CONNECTION_FAILED", "close 1000 undefined"]);
    await stub.close();
    assert.is(stub.said("resume").length, 0);
  }
});

test("not taken up: with reconnect false, without a session, after codes that say why, and what was asked for", async () => {
  const { session: _, ...nameless } = WELCOME;
  const cases: [object, object, number, string][] = [
    [WELCOME, { reconnect: false }, 0, "close 1006 CONNECTION_FAILED"],
    [WELCOME, { reconnectMs: 0 }, 0, "close 1006 CONNECTION_FAILED"],
    [nameless, {}, 0, "close 1006 CONNECTION_FAILED"],
    ...[1000, 1002, 1003, 1007, 1008, 1009].map((code): [object, object, number, string] => [
      WELCOME,
      {},
      code,
      `close ${code} CONNECTION_FAILED`,
    ]),
  ];
  for (const [welcome, options, code, expected] of cases) {
    const stub = await Stub.listen(({ type }) => (type === "join" ? [welcome] : []));
    const connection = await connect(stub.url, { ...quick, ...options });
    const told = chronicle(connection);
    stub.cut(code);
    await until("it is over", () => told.length > 0);
    assert.equal(told, [expected]);
    await stub.close();
  }
  const stub = await Stub.listen(() => [WELCOME]);
  const connection = await connect(stub.url, quick);
  const told = chronicle(connection);
  connection.close();
  await until("it is closed", () => told.length > 0);
  assert.equal(told, ["close 1000 undefined"]);
  for (const wrong of [
    { reconnectMs: -1 },
    { reconnectMs: Number.NaN },
    { silenceMs: 99 },
    { silenceMs: Number.NaN },
    { format: "xml" as "json" },
  ]) {
    const error = await connect(stub.url, { ...quick, ...wrong }).then(
      () => null,
      (error: unknown) => error,
    );
    assert.ok(error instanceof GyreError && error.code === "BAD_ARGUMENT");
  }
  await stub.close();
});

test("after 1001, 1013 and all other codes, of sockets and of errors, known or not, it is tried again", async () => {
  for (const code of [0, 1001, 1011, 1012, 1013, 3000, 4000, 4999]) {
    const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
    const connection = await connect(stub.url, quick);
    const told = chronicle(connection);
    const refusals = ["SERVER_FULL", "FROM_THE_FUTURE"];
    stub.answer = ({ type }) => {
      if (type !== "resume") return [];
      const code = refusals.shift();
      return code === undefined ? [resumed] : [{ type: "error", code, message: "not now" }];
    };
    stub.cut(code);
    await until("it is resumed", () => connection.stats.resumes === 1);
    const tries = ["reconnecting 1 CONNECTION_FAILED", "reconnecting 2 SERVER_FULL", "reconnecting 3 BAD_MESSAGE"];
    assert.equal(told, [...tries, "resumed"], String(code));
    connection.close();
    await stub.close();
  }
});

test("a server that takes `resume` for no message ends it: another try would be answered alike", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
  const connection = await connect(stub.url, quick);
  const told = chronicle(connection);
  stub.answer = ({ type }) => (type === "resume" ? [{ type: "error", code: "BAD_MESSAGE", message: "resume?" }] : []);
  stub.cut();
  await until("it is over", () => told.length === 2);
  assert.equal(told, ["reconnecting 1 CONNECTION_FAILED", "close 1006 BAD_MESSAGE"]);
  await stub.close();
});

const WALKERS = defineGame({
  name: "walkers",
  archetypes: { player: { speed: 100 }, rock: { speed: 0 } },
  map: field(20),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("rock");
      world.spawn("rock", x, y);
    }
  },
});

const serve = (port: number, npcs: number): Promise<GyreServer> => createServer({ game: WALKERS, port, npcs });

test("a spectator outlives its server: it asks another one at the same address for what it looked at last", async () => {
  const first = await serve(0, 3);
  const port = Number(new URL(first.ws).port);
  const all = { x0: 0, y0: 0, x1: 640, y1: 640 };
  const connection = await watch(first.ws, {
    view: { x0: 0, y0: 0, x1: 1, y1: 1 },
    reconnectMs: 60_000,
    random: () => 1,
  });
  connection.view(all);
  await until("all are seen", () => connection.entities.size === 3);
  const told = chronicle(connection);
  await first.close();
  await until("it is lost", () => told.length > 0);
  const second = await serve(port, 5);
  await until("all of the second are seen", () => connection.entities.size === 5);
  assert.is(told.at(-1), "resumed");
  assert.ok(
    told.slice(0, -1).every((text) => String(text).startsWith("reconnecting")),
    told.join(),
  );
  assert.is(connection.you, 0);
  connection.close();
  await second.close();
});

test("a player of a real server is cut off three times, with and without prediction: the same entity walks on", async () => {
  const server = await serve(0, 0);
  for (const predict of [false, true]) {
    const network = { upMs: 15, downMs: 15, jitterMs: 5, random: generator(3) };
    const { Class, open } = slowSockets(network);
    const connection = await connect(server.ws, { ...quick, predict, WebSocket: Class });
    const told = chronicle(connection);
    await until("it is predicted", () => !predict || connection.predicted !== null);
    const { you } = connection;
    for (let cut = 1; cut <= 3; cut++) {
      connection.input({ dx: cut % 2 === 0 ? 0.5 : -0.5, dy: 0.25 });
      await until("it walks", () => (connection.own?.vx ?? 0) !== 0 || (connection.own?.vy ?? 0) !== 0);
      for (const socket of open) socket.terminate();
      await until("it is resumed", () => connection.stats.resumes === cut && connection.own !== null);
      assert.is(connection.input({ dx: cut % 2 === 0 ? -0.5 : 0.5, dy: -0.25 }) > 0, true);
      if (predict) await until("it is predicted again", () => connection.predicted !== null);
      const seq = connection.input({ dx: 0, dy: 0 });
      await until("it stands", () => connection.ack >= seq && connection.own?.vx === 0);
      assert.equal([connection.you, server.zones.get("zone-0")?.count], [you, 1]);
      if (predict) {
        const { exactX, exactY } = connection.predicted!;
        assert.equal([exactX, exactY], [connection.own?.x, connection.own?.y]);
      }
    }
    assert.equal(told, Array(3).fill(["reconnecting 1 CONNECTION_FAILED", "resumed"]).flat());
    const closed = new Promise<void>((resolve) => void connection.on("close", () => resolve()));
    connection.close();
    await closed;
    await until("it left", () => server.zones.get("zone-0")?.count === 0);
  }
  await server.close();
});

test("a server that comes back with another state tree, a first one, the same or none: who plays and who looks on go on with what it tells", async () => {
  const serveTree = (port: number, sync?: SyncOptions): Promise<GyreServer> =>
    createServer({ game: defineGame({ name: "tree", archetypes: { player: {} }, ...(sync && { sync }) }), port });
  const scores = { broadcast: { scores: { "*": 0 }, phase: "day" }, perPlayer: { quest: "find it" } };
  const wave = { broadcast: { wave: 7 }, perPlayer: { gold: 3 } };
  let server = await serveTree(0);
  const port = Number(new URL(server.ws).port);
  const options = { ...quick, rejoin: true, reconnectMs: 60_000 };
  const connections = [
    await connect(server.ws, options),
    await watch(server.ws, { ...options, view: { x0: 0, y0: 0, x1: 9, y1: 9 } }),
  ];
  const all = connections.map((connection) => {
    const told = { zones: [] as unknown[], ends: [] as unknown[], syncs: 0 };
    connection.on("zone", ({ sync }) => told.zones.push(sync?.broadcast));
    connection.on("close", (code) => told.ends.push(code));
    connection.on("resumed", () => {
      told.syncs = 0;
    });
    connection.on("state", () => told.syncs++);
    return told;
  });
  let [resumes, zones] = [0, 0];
  for (const sync of [scores, wave, wave, undefined]) {
    const before = connections.map(({ state }) => state);
    const isSame = "wave" in (before[0] ?? {}) && sync === wave;
    await server.close();
    server = await serveTree(port, sync);
    resumes++;
    if (!isSame) zones++;
    const isOver = (): boolean => all.some(({ ends }) => ends.length > 0);
    await until(
      "both are there, and were told of the tree, or it is over",
      () =>
        isOver() ||
        connections.every(
          ({ stats }, i) => stats.resumes === resumes && (sync === undefined || (all[i]?.syncs ?? 0) > 1),
        ),
    );
    assert.not.ok(isOver(), JSON.stringify(all));
    for (const [i, { state, ownState, zone }] of connections.entries()) {
      assert.equal(
        JSON.parse(JSON.stringify(state)),
        sync?.broadcast === scores.broadcast ? { scores: {}, phase: "day" } : (sync?.broadcast ?? {}),
      );
      assert.equal({ ...ownState }, i === 0 ? (sync?.perPlayer ?? {}) : {});
      assert.equal([all[i]?.zones.length, state === before[i]], [zones, isSame]);
      assert.equal(all[i]?.zones.at(-1), zone.sync?.broadcast);
    }
  }
  for (const connection of connections) connection.close();
  await server.close();
});

test("a line that dies without a word is noticed: a player goes on as the same one, a spectator looks on, and what comes of the old one is ignored", async () => {
  const server = await serve(0, 3);
  const line = await Line.to(Number(new URL(server.ws).port));
  const options = { ...quick, silenceMs: 200 };
  const view = { x0: 0, y0: 0, x1: 640, y1: 640 };
  const player = await connect(line.url, options);
  const spectator = await watch(line.url, { ...options, view });
  const connections = [player, spectator];
  await until("all is seen", () => connections.every(({ entities }) => entities.size === 4));
  const { you } = player;
  const told = connections.map(chronicle);
  const resumed = ["reconnecting 1 CONNECTION_FAILED", "resumed"];
  line.die();
  await until("all is seen again", () =>
    connections.every(({ stats, entities }) => stats.resumes === 1 && entities.size === 4),
  );
  const seq = player.input({ dx: 1, dy: 0 });
  await until("its input is applied", () => player.ack === seq);
  assert.equal(told, [resumed, resumed]);
  assert.equal([player.you, server.zones.get("zone-0")?.count], [you, 4], "it has not joined anew");
  line.revive();
  const { snapshots } = player.stats;
  await until("it goes on", () => player.stats.snapshots > snapshots + 3);
  assert.equal(told, [resumed, resumed]);
  for (const connection of connections) connection.close();
  await until("both have left", () => server.zones.get("zone-0")?.count === 3);
  await line.close();
  await server.close();
});

test("a dead line that is not to be taken up ends with why", async () => {
  const stub = await Stub.listen(({ type }) => (type === "join" ? [WELCOME] : []));
  const connection = await connect(stub.url, { ...quick, silenceMs: 100, reconnect: false });
  const told = chronicle(connection);
  await until("it is over", () => told.length > 0);
  assert.equal([told, connection.isConnected], [["close 1006 CONNECTION_FAILED"], false]);
  await stub.close();
});

test("a line that answers every second ping is not dropped, nor is what it said while this thread was held up overlooked", async () => {
  const silenceMs = 400;
  let pings = 0;
  const stub = await Stub.listen(({ type, t }) => {
    if (type === "join") return [WELCOME];
    if (type !== "ping" || ++pings % 2 === 1) return [];
    stub.say({ type: "pong", t, tick: 100 });
    // The answer has arrived, and the timer that finds that it is late comes first.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0.6 * silenceMs);
    return [];
  });
  const connection = await connect(stub.url, { ...quick, silenceMs });
  const told = chronicle(connection);
  await until("two are answered, or it is over", () => pings > 4 || !connection.isConnected);
  assert.equal(told, []);
  connection.close();
  await stub.close();
});

test("another server at the same address knows no session of the first one: SESSION_UNKNOWN, or a new player with rejoin", async () => {
  for (const rejoin of [false, true]) {
    const first = await serve(0, 0);
    const port = Number(new URL(first.ws).port);
    const connection = await connect(first.ws, { ...quick, rejoin });
    const told = chronicle(connection);
    await first.close();
    const second = await serve(port, 2);
    await until("it is over, or goes on", () => told.length > 0 && !String(told.at(-1)).startsWith("reconnecting"));
    if (rejoin) {
      await until("it plays", () => connection.own !== null && connection.entities.size === 3);
      const seq = connection.input({ dx: 1, dy: 0 });
      await until("its input is applied", () => connection.ack === seq);
      connection.close();
    } else {
      assert.is(told.at(-1), "close 1006 SESSION_UNKNOWN");
    }
    await second.close();
  }
});

test.run();
