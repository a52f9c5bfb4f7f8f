/**
 * The client against a scripted socket with a clock of its own, for what it does with each message, and against a real
 * WebSocket server that encodes a moving world.
 */
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { Playback } from "../src/client/playback.js";
import { Tracks } from "../src/client/tracks.js";
import { Window } from "../src/client/window.js";
import { connect, GyreError, watch } from "../src/client.js";
import { type ColumnInfo, FieldTable } from "../src/protocol/fields.js";
import { EntityRecord } from "../src/protocol/remote-entity.js";
import { below, FakeZone, generator } from "./support/fake-zone.js";
import { opened, ScriptedSocket, turned } from "./support/scripted-socket.js";
import { Snapshots } from "./support/snapshots.js";
import { until } from "./support/until.js";

const ZONE = { name: "zone-0", width: 4096, height: 4096, tileSize: 32, columns: [], kinds: [], gates: [] };
const RATES = { tick: 100, tickRate: 60, snapshotRate: 20 };
const WELCOME = { type: "welcome", you: 1, ...RATES, zone: ZONE };

/** A connected client on a clock that the test sets, and the world it is sent. */
async function scripted(
  options: { interpolationDelay?: number; format?: "binary" | "json" } = {},
  columns: readonly ColumnInfo[] = [],
) {
  const clock = { ms: 0 };
  const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket, now: () => clock.ms, ...options });
  await opened();
  const socket = ScriptedSocket.last;
  socket.onopen?.({});
  socket.say({ ...WELCOME, zone: { ...ZONE, columns } });
  const connection = await promise;
  await turned();
  const zone = new FakeZone(ZONE.width, ZONE.height, ZONE.tileSize, 64, columns);
  const snapshots = new Snapshots(zone, columns);
  const sizes: number[] = [];
  const snapshot = (tick: number, atMs: number, ack = 0): void => {
    clock.ms = atMs;
    const frame = snapshots.frame(tick, zone.columns.id[0]!, ack);
    sizes.push(frame.length);
    socket.sayFrame(frame);
  };
  return { connection, socket, clock, zone, snapshot, sizes };
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "accepted";
}

const thrown = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "accepted";
};

test("connect joins with the subprotocol, and is the welcomed player", async () => {
  const { connection, socket } = await scripted({ format: "json" });
  assert.is(socket.url, "ws://host/ws?format=json");
  assert.is(socket.protocol, "gyre.1");
  assert.is(socket.binaryType, "arraybuffer");
  assert.equal(socket.sent[0], { type: "join", name: "ann" });
  assert.equal([connection.you, connection.tick, connection.zone], [1, 100, ZONE]);
  assert.equal(connection.stats, {
    ...{ bytesIn: 0, snapshots: 0, rttMs: 0, corrections: 0, gapP50Ms: 0, gapP95Ms: 0, gapP99Ms: 0 },
    ...{ hashChecks: 0, repairs: 0, bytesByStream: [0, 0, 0, 0, 0], resumes: 0 },
  });
  connection.close();
});

test("connect rejects with the server's code, when the server closes, or with BAD_ARGUMENT", async () => {
  const attempt = async (answer: (socket: ScriptedSocket) => void): Promise<string> => {
    const promise = connect("ws://host/ws", { name: "ann", zone: "attic", WebSocket: ScriptedSocket });
    await opened();
    answer(ScriptedSocket.last);
    return rejection(promise);
  };
  assert.is(await attempt((s) => s.say({ type: "error", code: "ZONE_UNKNOWN", message: "attic" })), "ZONE_UNKNOWN");
  assert.is(await attempt((s) => s.say({ type: "error", code: "FROM_THE_FUTURE", message: "?" })), "BAD_MESSAGE");
  assert.is(await attempt((s) => s.say({ type: "hello" })), "BAD_MESSAGE");
  assert.is(await attempt((s) => s.say({ ...WELCOME, zone: { ...ZONE, width: 0 } })), "BAD_ARGUMENT");
  assert.is(await attempt((s) => s.onclose?.({ code: 1013, reason: "full" })), "CONNECTION_FAILED");
  assert.is(await attempt((s) => s.onerror?.({})), "CONNECTION_FAILED");
  assert.is(ScriptedSocket.last.closedWith, 1005, "a failed attempt closes its socket");
  const options = { name: "ann", WebSocket: ScriptedSocket };
  assert.is(await rejection(connect("nowhere", options)), "BAD_ARGUMENT");
  for (const interpolationDelay of [-1, 2001, Number.NaN]) {
    assert.is(await rejection(connect("ws://host", { ...options, interpolationDelay })), "BAD_ARGUMENT");
  }
  const view = { x0: 2, y0: 0, x1: 1, y1: 1 };
  assert.is(await rejection(watch("ws://host", { view, WebSocket: ScriptedSocket })), "BAD_ARGUMENT");
});

test("a snapshot in the same packet as the welcome is not lost", async () => {
  const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket });
  await opened();
  const socket = ScriptedSocket.last;
  socket.say(WELCOME);
  const entity = { id: 4097, x: 1, y: 2, hp: 3, kind: 4, team: 5, state: 0, level: 1 };
  socket.say({ type: "snapshot", tick: 103, ack: 0, you: null, enter: [entity], update: [], leave: [] });
  const connection = await promise;
  await turned();
  assert.is(connection.stats.snapshots, 1);
  assert.is(connection.entities.get(4097)?.hp, 3);
  connection.close();
});

test("what comes in the same turn as the welcome is told in order to who listens once connect has resolved, the end too", async () => {
  const snapshot = (tick: number) => ({ type: "snapshot", tick, ack: 0, you: null, enter: [], update: [], leave: [] });
  for (const count of [0, 100, 300]) {
    const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket, reconnect: false });
    await opened();
    const socket = ScriptedSocket.last;
    socket.say(WELCOME);
    socket.say({ type: "event", name: "first", data: 1 });
    for (let i = 0; i < count; i++) socket.say(snapshot(101 + i));
    socket.say({ type: "event", name: "last", data: 2 });
    socket.onclose?.({ code: 1001, reason: "" });
    const connection = await promise;
    const told: unknown[] = [];
    connection.on("event", ({ name }) => told.push(name));
    connection.on("snapshot", (tick) => told.push(tick));
    connection.on("close", (code) => told.push(code));
    await until("it is over", () => !connection.isConnected);
    const ticks = Array.from({ length: count }, (_, i) => 101 + i);
    // Of more than 256 messages none waits longer, and none is lost.
    assert.equal(told, count > 256 ? [] : ["first", ...ticks, "last", 1001]);
    assert.is(connection.stats.snapshots, count);
  }
});

test("of what waits for who listens nothing is told after a listener has closed the connection, or what came was malformed", async () => {
  for (const [bad, end] of [
    [{ type: "event", name: "bye", data: null }, "close 1001"],
    [{ type: "hello" }, "close 4002"],
  ] as const) {
    const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket });
    await opened();
    const socket = ScriptedSocket.last;
    for (const message of [WELCOME, bad, { type: "event", name: "late", data: null }]) socket.say(message);
    socket.onclose?.({ code: 1001, reason: "" });
    const connection = await promise;
    const told: string[] = [];
    connection.on("event", ({ name }) => (name === "bye" ? connection.close() : told.push(name)));
    connection.on("close", (code) => told.push(`close ${code}`));
    await turned();
    assert.equal(told, [end]);
    assert.is(socket.closedWith, bad.type === "event" ? 1000 : 4002);
  }
});

test("what a listener throws keeps nobody from what came behind in the same turn", async () => {
  const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket });
  await opened();
  const events = ["bad", "good", "last"].map((name) => ({ type: "event", name, data: null }));
  for (const message of [WELCOME, ...events]) ScriptedSocket.last.say(message);
  const connection = await promise;
  const told: unknown[] = [];
  process.once("uncaughtException", ({ message }) => told.push(message));
  connection.on("event", ({ name }) => {
    if (name === "bad") throw new Error("thrown");
    told.push(name);
  });
  await until("the last is told", () => told.includes("last"));
  assert.equal(told, ["thrown", "good", "last"]);
  connection.close();
});

test("entities are as last received; own state and ack come with them", async () => {
  const { connection, zone, snapshot, sizes } = await scripted();
  const you = zone.spawn(0, 100, 100);
  const other = zone.spawn(1, 200.04, 300, 50, 7, 2);
  const ticks: number[] = [];
  const off = connection.on("snapshot", (tick) => ticks.push(tick));
  snapshot(103, 50, 9);
  const { x, y, hp, kind, team } = connection.entities.get(other)!;
  assert.equal([x, y, hp, kind, team], [200.0625, 300, 50, 7, 2]);
  assert.equal([connection.you, connection.own?.x, connection.ack, connection.tick], [you, 100, 9, 103]);
  zone.despawn(1);
  off();
  snapshot(106, 100);
  assert.equal([...connection.entities.keys()], [you]);
  assert.equal(ticks, [103]);
  assert.is(connection.stats.snapshots, 2);
  assert.is(connection.stats.bytesIn, sizes[0]! + sizes[1]!);
  connection.close();
});

test("sample shows the delay ago, between the two snapshots around it, and the newest at most", async () => {
  const { connection, zone, snapshot } = await scripted({ interpolationDelay: 100 });
  const you = zone.spawn(0, 100, 100);
  // 60 ticks a second: 3 ticks are 50 ms. Arrivals are regular, so tick 100 + t is heard of at 1000 + t x 50/3 ms.
  for (let i = 0; i <= 4; i++) {
    zone.columns.x[0] = 100 + 16 * i;
    snapshot(100 + 3 * i, 1000 + 50 * i);
  }
  const xAt = (timeMs: number): number => connection.sample(timeMs).get(you)!.x;
  const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 0.01, `${a} is not ${b}`);
  near(xAt(1200), 132);
  near(xAt(1225), 140);
  near(xAt(1250), 148);
  near(xAt(1300), 164);
  near(xAt(9999), 164);
  near(xAt(0), 100);
  near(connection.entities.get(you)!.x, 164);
  connection.interpolate(1225);
  near(connection.tracks.x[connection.tracks.indexOf(you)]!, 140);
  assert.is(connection.sample(1), connection.sample(2), "one map");
  connection.close();
});

test("the longest delays are kept whole when near cells come 30 times a second beside the others' 20: 500 ms, and 2 s", async () => {
  for (const interpolationDelay of [500, 2000]) {
    const { connection, zone, snapshot } = await scripted({ interpolationDelay });
    const you = zone.spawn(0, 100, 100);
    for (let tick = 0; tick <= 300; tick++) {
      if (tick % 2 !== 0 && tick % 3 !== 0) continue;
      zone.columns.x[0] = 100 + tick;
      snapshot(100 + tick, 1000 + (tick * 1000) / 60);
    }
    const { x } = connection.sample(6000).get(you)!;
    const expected = 400 - (interpolationDelay * 60) / 1000;
    assert.ok(Math.abs(x - expected) < 0.01, `${x} is shown in place of ${expected}`);
    connection.close();
  }
});

test("jitter of 20 ms moves what is shown by less than 3 ms; a stall of a second is taken over at once", async () => {
  const { connection, zone, snapshot } = await scripted({ interpolationDelay: 100 });
  const seed = 5;
  const random = generator(seed);
  const you = zone.spawn(0, 100, 100);
  let step = 0;
  const advance = (lateMs: number): void => {
    step++;
    zone.columns.x[0] = 100 + step;
    snapshot(100 + 3 * step, 1000 + 50 * step + lateMs);
  };
  for (let i = 0; i < 200; i++) advance(20 * random());
  /** Milliseconds that what is shown lies behind the newest snapshot. */
  const behindMs = (timeMs: number): number => (100 + step - connection.sample(timeMs).get(you)!.x) * 50;
  assert.ok(Math.abs(behindMs(1000 + 50 * step) - 110) < 3, `seed ${seed}`);
  advance(1010);
  assert.is(Math.round(behindMs(1000 + 50 * step + 1010)), 100);
  connection.close();
});

test("without a given delay it is 54 ms at a steady 50 ms, and over 5 seeds of 30 ms of jitter covers what comes 95 of 100 times", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { connection, zone, snapshot } = await scripted();
    const random = generator(seed);
    const you = zone.spawn(0, 100, 100);
    assert.is(connection.interpolationDelay, 100, "two snapshots as long as nothing is known");
    let step = 0;
    let standing = 0;
    let [shown, shownMs] = [0, 0];
    /** Draws 240 frames a second up to this time; shown time never runs backwards. */
    const draw = (untilMs: number): void => {
      for (; shownMs < untilMs; shownMs += 1000 / 240) {
        const now = connection.sample(shownMs).get(you)?.x ?? 0;
        assert.ok(now >= shown, `seed ${seed}: ${shown} was shown before ${now} at ${shownMs}`);
        shown = now;
      }
    };
    const advance = (lateMs: number): void => {
      step++;
      const atMs = 1000 + 50 * step + lateMs;
      draw(atMs);
      if (shown === 100 + step - 1 && step > 100) standing++;
      zone.columns.x[0] = 100 + step;
      snapshot(100 + 3 * step, atMs);
    };
    for (let i = 0; i < 100; i++) advance(0);
    assert.is(connection.interpolationDelay, 54);
    for (let i = 0; i < 300; i++) advance(30 * random());
    const delay = connection.interpolationDelay;
    assert.ok(delay > 60 && delay < 90, `seed ${seed}: ${delay} ms`);
    assert.ok(standing < 45, `seed ${seed}: stood still before ${standing} of 300`);
    // A stall of a second, and one that is made up for at once.
    advance(1000);
    for (let i = 0; i < 100; i++) advance(1000);
    assert.ok(connection.interpolationDelay < 60);
    draw(1000 + 50 * step + 1000 + 49);
    assert.ok(100 + step - shown < 1.2, `seed ${seed}: ${100 + step - shown} snapshots behind`);
    for (let i = 0; i < 20; i++) advance(1000 + 50 * (20 - i));
    for (let i = 0; i < 100; i++) advance(1000);
    assert.ok(connection.interpolationDelay < 60);
    connection.close();
  }
});

test("after a stall what is shown goes on from where it stood; when it is made up for at once, what is shown leaps after it", () => {
  const TICK_MS = 1000 / 60;
  const playback = new Playback(60, 20, null);
  let tick = 0;
  /** The next snapshot, so much later than it was due. */
  const arrive = (lateMs: number): number => {
    tick += 3;
    const nowMs = 1000 + tick * TICK_MS + lateMs;
    playback.arrived(tick, nowMs);
    return nowMs;
  };
  for (let i = 0; i < 100; i++) arrive(0);
  const stood = tick;
  const nowMs = arrive(200);
  assert.ok(Math.abs(playback.tickAt(nowMs) - stood) < 0.01, `${playback.tickAt(nowMs)} is shown, and ${stood} was`);
  for (let i = 0; i < 100; i++) arrive(0);
  for (let i = 20; i > 0; i--) arrive(1000 + 50 * i);
  let last = 0;
  for (let i = 0; i < 20; i++) last = arrive(1000);
  for (let i = 20; i > 0; i--) last = arrive(50 * i);
  for (let i = 0; i < 20; i++) last = arrive(0);
  const behindMs = (tick - playback.tickAt(last)) * TICK_MS;
  assert.ok(behindMs < 300, `${behindMs} ms behind what is heard of`);
});

test("the gaps between snapshots are told as percentiles of the last 256", async () => {
  const { connection, zone, snapshot } = await scripted();
  zone.spawn(0, 100, 100);
  let atMs = 1000;
  snapshot(100, atMs);
  assert.equal([connection.stats.gapP50Ms, connection.stats.gapP99Ms], [0, 0]);
  const after = (gapMs: number, step: number): void => {
    atMs += gapMs;
    snapshot(100 + 3 * step, atMs);
  };
  for (let i = 1; i <= 256; i++) after(i <= 236 ? 50 : i <= 250 ? 80 : 200, i);
  const { gapP50Ms, gapP95Ms, gapP99Ms } = connection.stats;
  assert.equal([gapP50Ms, gapP95Ms, gapP99Ms], [50, 80, 200]);
  for (let i = 257; i <= 512; i++) after(33, i);
  assert.is(connection.stats.gapP99Ms, 33);
  connection.close();
});

test("a window keeps the last values in order: over 5 seeds every quantile is that of a sorted copy", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = generator(seed);
    const window = new Window(16);
    const last: number[] = [];
    assert.is(window.quantile(0.5), 0);
    for (let i = 0; i < 300; i++) {
      const value = below(random, 12);
      window.push(value);
      last.push(value);
      if (last.length > 16) last.shift();
      const sorted = [...last].sort((a, b) => a - b);
      for (const share of [0, 0.05, 0.5, 0.95, 1]) {
        const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
        assert.is(window.quantile(share), sorted[rank], `seed ${seed}, value ${i}, share ${share}`);
      }
    }
  }
});

test("500 snapshots of 2,000 entities leave no garbage to speak of in tracks and playback", () => {
  const tracks = new Tracks(13);
  const playback = new Playback(60, 20, null);
  const records = Array.from({ length: 2000 }, (_, i) => {
    const record = new EntityRecord(Object.assign(new FieldTable().blank(), { id: i + 1, x: i, y: i }));
    return record;
  });
  tracks.begin(0);
  for (const record of records) tracks.enter(record);
  let tick = 0;
  const run = (): void => {
    for (let i = 0; i < 500; i++) {
      tick += 3;
      tracks.begin(tick);
      for (const record of records) {
        // One in two is told of at every fourth.
        const step = record.entity.id % 2 === 0 ? 1 : 4;
        if (i % step !== 0) continue;
        record.entity.x += 0.5 * step;
        tracks.update(record, tick - 3 * step);
      }
      playback.arrived(tick, tick * 16 + (i % 7));
      tracks.interpolate(playback.tickAt(tick * 16 + 8));
    }
  };
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round++) {
    const before = process.memoryUsage().heapUsed;
    run();
    least = Math.min(least, Math.abs(process.memoryUsage().heapUsed - before));
  }
  // A number in a box for each entity would be 16 MB.
  assert.ok(least < 500_000, `${least} bytes`);
});

test("a frame in pieces is put together; pieces of no end, and frames of no kind, close with BAD_FRAME", async () => {
  const { connection, socket, zone, snapshot } = await scripted();
  const you = zone.spawn(0, 100, 100);
  const whole = socket.sayFrame.bind(socket);
  let bytes = new Uint8Array(0);
  socket.sayFrame = (frame) => {
    bytes = frame.slice();
  };
  snapshot(103, 50);
  whole(Uint8Array.from([2, 0, ...bytes.subarray(0, 30)]));
  assert.is(connection.stats.snapshots, 0);
  whole(Uint8Array.from([2, 1, ...bytes.subarray(30)]));
  assert.equal([connection.stats.snapshots, connection.entities.get(you)?.x], [1, 100]);
  assert.is(connection.stats.bytesIn, bytes.length + 4);
  connection.close();
  for (const bad of [[2, 4, 1], [2, 1], [9, 1, 1], [2, 1, 9], []]) {
    const { connection, socket } = await scripted();
    const ends: unknown[] = [];
    connection.on("close", (code, _reason, error) => ends.push(code, error?.code));
    socket.sayFrame(Uint8Array.from(bad));
    assert.equal(ends, [4002, "BAD_FRAME"], String(bad));
  }
});

test("a jump of more than 512 units is shown as one", async () => {
  const { connection, zone, snapshot } = await scripted({ interpolationDelay: 50 });
  const [you, other] = [zone.spawn(0, 700, 700), zone.spawn(1, 300, 300)];
  snapshot(100, 1000);
  zone.columns.x[0] = 1300;
  zone.columns.x[1] = 800;
  snapshot(103, 1050);
  assert.is(connection.sample(1075).get(you)!.x, 1300);
  assert.is(connection.sample(1075).get(other)!.x, 550);
  connection.close();
});

test("input counts up, is refused when not finite, and dropped while 16 KiB wait or after close", async () => {
  const { connection, socket } = await scripted();
  assert.is(connection.input({ dx: 1, dy: 0 }), 1);
  assert.is(connection.input({ dx: 0, dy: -1, action: "attack" }), 2);
  assert.equal(socket.sent.slice(-2), [
    { type: "input", seq: 1, dx: 1, dy: 0 },
    { type: "input", seq: 2, dx: 0, dy: -1, action: "attack" },
  ]);
  assert.is(
    thrown(() => connection.input({ dx: Number.NaN, dy: 0 })),
    "BAD_ARGUMENT",
  );
  socket.bufferedAmount = 16 * 1024 + 1;
  assert.is(connection.input({ dx: 1, dy: 0 }), 0);
  socket.bufferedAmount = 0;
  assert.is(connection.input({ dx: 1, dy: 0 }), 3);
  connection.close();
  assert.is(connection.input({ dx: 1, dy: 0 }), 0);
  assert.is(socket.closedWith, 1000);
});

test("a wish that the server had no room for is said again, once for two refusals", async () => {
  const { connection, socket } = await scripted();
  const inputs = () => socket.sent.filter(({ type }) => type === "input");
  connection.input({ dx: 1, dy: 0, action: "attack" });
  const full = { type: "error", code: "COMMANDS_FULL", message: "full" };
  socket.say(full);
  socket.say(full);
  await until("it is said again", () => inputs().length === 2);
  assert.equal(inputs()[1], { type: "input", seq: 2, dx: 1, dy: 0 });
  connection.close();
});

test("the round trip is measured by ping", async () => {
  const { connection, socket, clock } = await scripted();
  assert.equal(socket.sent[1], { type: "ping", t: 0 });
  clock.ms = 34;
  socket.say({ type: "pong", t: 0, tick: 101 });
  assert.is(connection.stats.rttMs, 34);
  connection.close();
});

test("watch asks for a view, and for others later", async () => {
  const promise = watch("ws://host/ws", { view: { x0: 0, y0: 1, x1: 2, y1: 3 }, zone: "z", WebSocket: ScriptedSocket });
  await opened();
  const socket = ScriptedSocket.last;
  socket.onopen?.({});
  socket.say({ ...WELCOME, type: "watching" });
  const connection = await promise;
  await turned();
  connection.view({ x0: 5, y0: 5, x1: 6, y1: 6 }, "attic");
  assert.equal(socket.sent.at(-1), { type: "view", x0: 5, y0: 5, x1: 6, y1: 6, zone: "attic" });
  const heard: unknown[] = [];
  connection.on("zone", ({ name }) => heard.push(name));
  socket.say({ ...WELCOME, type: "watching", zone: { ...ZONE, name: "attic" } });
  assert.equal(heard, ["attic"]);
  connection.view({ x0: 5, y0: 5, x1: 6, y1: 6 });
  assert.is(connection.you, 0);
  assert.equal(socket.sent[0], { type: "view", x0: 0, y0: 1, x1: 2, y1: 3, zone: "z" });
  assert.equal(socket.sent.at(-1), { type: "view", x0: 5, y0: 5, x1: 6, y1: 6 });
  assert.is(
    thrown(() => connection.view({ x0: 9, y0: 5, x1: 6, y1: 6 })),
    "BAD_ARGUMENT",
  );
  connection.close();
});

test("an error of the server is announced; a malformed frame closes with 4002 and says BAD_FRAME, once", async () => {
  const bad: ((socket: ScriptedSocket) => void)[] = [
    (socket) => socket.sayFrame(new Uint8Array(7)),
    (socket) => socket.onmessage?.({ data: '{"type":"snapshot"' }),
  ];
  for (const speak of bad) {
    const { connection, socket } = await scripted();
    const heard: string[] = [];
    connection.on("error", (error) => heard.push(error.code));
    connection.on("close", (code, _reason, error) => heard.push(`${code} ${error?.code}`));
    socket.say({ type: "error", code: "RATE_LIMITED", message: "slowly" });
    speak(socket);
    socket.onclose?.({ code: 4002, reason: "" });
    assert.equal(heard, ["RATE_LIMITED", "4002 BAD_FRAME"]);
    assert.is(socket.closedWith, 4002);
  }
});

test("columns of the game's own come with the entities, sampled too", async () => {
  const columns = [
    { name: "ammo", type: "u16" },
    { name: "mood", type: "f32" },
  ] as const;
  const { connection, zone, snapshot } = await scripted({}, columns);
  const you = zone.spawn(0, 100, 100);
  zone.own["ammo"]![0] = 7;
  zone.own["mood"]![0] = 0.1;
  snapshot(103, 50);
  const expected = { id: you, x: 100, y: 100, hp: 100, kind: 0, team: 0, state: 0, level: 1, ammo: 7 };
  assert.equal({ ...connection.entities.get(you) }, { ...expected, mood: Math.fround(0.1) });
  assert.equal({ ...connection.sample(50).get(you) }, { ...expected, mood: Math.fround(0.1) });
  zone.own["ammo"]![0] = 6;
  snapshot(106, 100);
  assert.is(connection.entities.get(you)?.["ammo"], 6);
  assert.is(connection.sample(100).get(you)?.["ammo"], 6);
  connection.close();
});

test("events of the game are announced, before the first snapshot too; malformed ones end the connection", async () => {
  const { connection, socket } = await scripted();
  const heard: unknown[] = [];
  connection.on("event", (event) => heard.push(event));
  socket.say({ type: "event", name: "wave", data: { n: 3, by: ["wolf", null] } });
  socket.say({ type: "event", name: "over", data: null });
  assert.equal(heard, [
    { name: "wave", data: { n: 3, by: ["wolf", null] } },
    { name: "over", data: null },
  ]);
  connection.close();
  for (const bad of [
    { name: "wave" },
    { data: 1 },
    { name: 5, data: 1 },
    { name: "", data: 1 },
    { name: "a\nb", data: 1 },
  ]) {
    const { connection, socket } = await scripted();
    const ends: unknown[] = [];
    connection.on("event", () => ends.push("event"));
    connection.on("close", (code, _reason, error) => ends.push(code, error?.code));
    socket.say({ type: "event", ...bad });
    assert.equal(ends, [4002, "BAD_MESSAGE"], JSON.stringify(bad));
  }
});

test("through a gate: the world of before is forgotten, the next is shown from its first snapshot, inputs count on", async () => {
  const { connection, socket, zone, snapshot, clock } = await scripted({ interpolationDelay: 0 });
  const heard: unknown[] = [];
  connection.on("zone", ({ name }) => heard.push(name, connection.entities.size));
  connection.on("you", (id) => heard.push(id));
  zone.spawn(0, 100, 100);
  const other = zone.spawn(1, 200, 200);
  snapshot(500, 1000, 3);
  assert.is(connection.input({ dx: 1, dy: 0 }), 1);
  const map = connection.entities;
  const columns = [{ name: "ammo", type: "u8" }] as const;
  const next = new FakeZone(64, 64, 1, 8, columns);
  const you = next.spawn(5, 10, 10);
  clock.ms = 1050;
  // A first piece of a frame of the old zone, of which no other comes.
  socket.sayFrame(Uint8Array.from([2, 0, 1, 0, 3]));
  socket.say({
    ...WELCOME,
    you,
    tick: 40,
    zone: { ...ZONE, name: "zone-1", width: 64, height: 64, tileSize: 1, columns },
  });
  assert.equal(heard, ["zone-1", 0, you]);
  assert.equal([connection.you, connection.zone.name, connection.tick, connection.own], [you, "zone-1", 40, null]);
  assert.is(connection.ack, 3);
  const snapshots = new Snapshots(next, columns);
  for (const [tick, x] of [
    [42, 10],
    [45, 20],
  ] as const) {
    next.columns.x[5] = x;
    clock.ms += 50;
    const frame = snapshots.frame(tick, you, 4);
    if (tick === 45) socket.sayFrame(frame);
    else
      for (const part of [
        [2, 0, ...frame.subarray(0, 5)],
        [2, 1, ...frame.subarray(5)],
      ])
        socket.sayFrame(Uint8Array.from(part));
  }
  assert.is(connection.entities, map, "always the same map");
  assert.equal([...map.keys()], [you]);
  assert.equal([map.has(other), map.get(you)?.["ammo"], connection.tick, connection.ack], [false, 0, 45, 4]);
  assert.is(connection.sample(clock.ms).get(you)?.x, 20);
  assert.is(connection.tracks.count, 1);
  assert.is(connection.input({ dx: 0, dy: 0 }), 2);
  connection.close();
});

test("a welcome to the same zone only says who one is; a snapshot without one says 0", async () => {
  const { connection, socket, zone, snapshot } = await scripted();
  const heard: unknown[] = [];
  connection.on("zone", () => heard.push("zone"));
  connection.on("you", (id) => heard.push(id));
  zone.spawn(0, 100, 100);
  const heir = zone.spawn(1, 200, 200);
  snapshot(103, 50);
  zone.despawn(0);
  snapshot(106, 100);
  assert.equal([connection.you, connection.own, connection.entities.size], [0, null, 1]);
  socket.say({ ...WELCOME, you: heir, tick: 107 });
  assert.equal([connection.you, connection.entities.size], [heir, 1]);
  assert.equal(heard, [0, heir], "the first one was said by connect already");
  connection.close();
});

test("a welcome to a zone that cannot be is BAD_ARGUMENT or BAD_MESSAGE, and closes with 4002", async () => {
  const bad: [object, string][] = [
    [{ width: 0 }, "BAD_ARGUMENT"],
    [{ columns: [{ name: "hp", type: "u8" }] }, "BAD_MESSAGE"],
    [{ columns: 3 }, "BAD_MESSAGE"],
  ];
  for (const [changes, code] of bad) {
    const { connection, socket } = await scripted();
    const ends: unknown[] = [];
    connection.on("close", (code, _reason, error) => ends.push(code, error?.code));
    socket.say({ ...WELCOME, zone: { ...ZONE, name: "zone-1", ...changes } });
    assert.equal(ends, [4002, code], JSON.stringify(changes));
    assert.is(connection.zone.name, "zone-0");
  }
});

test("close says whether it was asked for", async () => {
  for (const asked of [true, false]) {
    const { connection, socket } = await scripted();
    const heard: unknown[] = [];
    connection.on("close", (code, reason, error) => heard.push(code, reason, error?.code));
    if (asked) connection.close();
    socket.onclose?.({ code: asked ? 1000 : 1006, reason: "r" });
    assert.equal(heard, asked ? [1000, "r", undefined] : [1006, "r", "CONNECTION_FAILED"]);
    connection.close();
  }
});

test("tracks: over 5 seeds x 400 random enters, moves and leaves every column follows its entity", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = generator(seed);
    const tracks = new Tracks(4);
    const table = new FieldTable([{ name: "ammo", type: "u16" }]);
    tracks.reset(table);
    const inView: EntityRecord[] = [];
    for (let tick = 0; tick < 400; tick++) {
      tracks.begin(tick);
      const old = inView.length;
      for (let n = below(random, 4); n > 0; n--) {
        const record = new EntityRecord(table.blank());
        const [id, team, state] = [tick * 4 + n, tick & 255, n % 5];
        Object.assign(record.entity, { id, x: n, y: tick, hp: -n, kind: n, team, state, level: tick, ammo: id });
        inView.push(record);
        tracks.enter(record);
      }
      for (const [i, record] of inView.entries()) {
        if (random() < 0.5) continue;
        record.entity.x++;
        record.entity.kind++;
        record.entity.state = below(random, 5);
        record.entity.hp--;
        record.entity.level++;
        tracks.update(record, i < old ? tick - 1 : tick);
      }
      if (tick === 200) tracks.sample(tick);
      for (let n = below(random, 4); n > 0 && inView.length > 0; n--) {
        tracks.leave(inView.splice(below(random, inView.length), 1)[0]!);
      }
      tracks.interpolate(tick);
      assert.is(tracks.count, inView.length);
      const { ids, x, y, hps, kinds, teams, states, levels } = tracks;
      for (const { index, entity } of inView) {
        const kept = [ids, x, y, hps, kinds, teams, states, levels].map((column) => column[index]);
        const { id, hp, kind, team, state, level } = entity;
        assert.equal(kept, [id, entity.x, entity.y, hp, kind, team, state, level], `seed ${seed} tick ${tick}`);
      }
      if (tick < 200) continue;
      const expected = new Map(inView.map(({ entity }) => [entity.id, entity]));
      assert.equal(new Map(tracks.sample(tick)), expected, `seed ${seed} tick ${tick}`);
    }
  }
});

test("tracks go back as far as they must, whatever comes how often: 20, 40 and 60 times a second, or now so, now so, over 256 snapshots at most", () => {
  const SPAN = 36;
  const seed = 9;
  const random = generator(seed);
  for (const [name, isDue] of [
    ["20", (tick: number) => tick % 3 === 0],
    ["40", (tick: number) => tick % 3 === 0 || tick % 2 === 0],
    ["60", () => true],
    ["20, then 60", (tick: number) => tick % 3 === 0 || tick > 300],
    ["at random", () => random() < 0.5],
  ] as const) {
    const tracks = new Tracks(13, SPAN);
    // Some come later, and have been where they are for ever; every seventh stands.
    const records = Array.from({ length: 300 }, (_, i) => {
      return new EntityRecord(Object.assign(new FieldTable().blank(), { id: i + 1, x: 0, y: 0 }));
    });
    let lastTick = 0;
    for (let tick = 0; tick < 480; tick++) {
      if (!isDue(tick)) continue;
      tracks.begin(tick);
      for (const [i, record] of records.entries()) {
        record.entity.x = tick + 8 * record.entity.id;
        record.entity.y = -2 * record.entity.x;
        if (record.index < 0) {
          if (tick >= i) tracks.enter(record);
        } else if (record.entity.id % 7 !== 0) tracks.update(record, lastTick);
      }
      lastTick = tick;
      if (tick < 300 + SPAN) continue;
      // Another one takes its place, with all that is known of it.
      tracks.leave(records.shift()!);
      for (const ago of [0, 1, SPAN / 2, SPAN]) {
        tracks.interpolate(tick - ago);
        for (const { index, entity } of records) {
          if (entity.id % 7 === 0) continue;
          const [x, y] = [tracks.x[index]!, tracks.y[index]!];
          const isThere = Math.abs(x - 8 * entity.id - (tick - ago)) < 1e-3 && Math.abs(y + 2 * x) < 1e-3;
          assert.ok(isThere, `${name}, seed ${seed}, tick ${tick}: ${x}, ${y} is not where it was at ${tick - ago}`);
        }
      }
      if (name === "at random") continue;
      // A steady stream has no more kept than it needs.
      tracks.interpolate(0);
      const { index, entity } = records.find(({ entity }) => entity.id % 7 !== 0)!;
      const longAgo = tracks.x[index]! - 8 * entity.id;
      assert.ok(longAgo >= tick - SPAN - 3, `${name}: ${longAgo} at ${tick}`);
    }
  }
  const endless = new Tracks(2, 10_000);
  const record = new EntityRecord(Object.assign(new FieldTable().blank(), { id: 1, x: 0, y: 0 }));
  endless.begin(0);
  endless.enter(record);
  for (let tick = 1; tick <= 1000; tick++) {
    endless.begin(tick);
    record.entity.x = tick;
    endless.update(record, tick - 1);
  }
  endless.interpolate(0);
  assert.is(endless.x[0], 1000 - 255);
});

test("tracks: who comes in the place of one that was far behind is not so itself, and neither is who jumps", () => {
  const [one, other, third] = [1, 2, 3].map((id) => {
    return new EntityRecord(Object.assign(new FieldTable().blank(), { id, x: 0, y: 0 }));
  }) as [EntityRecord, EntityRecord, EntityRecord];
  const tracks = new Tracks(13);
  tracks.begin(60);
  tracks.enter(one);
  tracks.enter(other);
  tracks.begin(63);
  for (const record of [one, other]) {
    record.entity.x = 60;
    tracks.update(record, 3);
  }
  tracks.leave(one);
  tracks.enter(third);
  tracks.begin(66);
  other.entity.x = 1000;
  tracks.update(other, 63);
  tracks.begin(69);
  for (const record of [other, third]) {
    record.entity.x += 3;
    tracks.update(record, 66);
  }
  tracks.interpolate(69);
  assert.equal([tracks.x[other.index], tracks.x[third.index]], [1003, 3]);
});

test("sampling 2,000 entities 500 times leaves no garbage to speak of", () => {
  const tracks = new Tracks(4);
  tracks.begin(1);
  for (let id = 1; id <= 2000; id++) {
    tracks.enter(new EntityRecord(Object.assign(new FieldTable().blank(), { id, x: id, y: id })));
  }
  tracks.begin(4);
  const run = (): void => {
    for (let i = 0; i < 500; i++) tracks.sample(1 + (i % 30) / 10);
  };
  // Other code may allocate meanwhile, so the least of several runs counts: one object an entity would be 50 MB each.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round++) {
    const before = process.memoryUsage().heapUsed;
    run();
    least = Math.min(least, Math.abs(process.memoryUsage().heapUsed - before));
  }
  assert.ok(least < 500_000, `${least} bytes`);
});

async function listening(): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise<void>((resolve) => void server.on("listening", resolve));
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws` };
}

for (const format of ["binary", "json"] as const) {
  test(`over a real WebSocket, ${format} snapshots of a moving world arrive as they are`, async () => {
    const zone = new FakeZone(2048, 2048, 32, 32);
    const { server, url } = await listening();
    const you = zone.spawn(0, 1000, 1000);
    for (let slot = 1; slot < 20; slot++) zone.spawn(slot, 90 * slot, 50 * slot, slot);
    server.on("connection", (socket) => {
      const snapshots = new Snapshots(zone);
      socket.on("message", (data) => {
        const message = JSON.parse(String(data));
        if (message.type === "join")
          socket.send(JSON.stringify({ ...WELCOME, you, zone: { ...ZONE, width: 2048, height: 2048 } }));
        // The world moves on each input, so that the test needs no timer.
        if (message.type !== "input") return;
        for (let slot = 0; slot < 20; slot++) zone.columns.x[slot]! += 3;
        const tick = 100 + message.seq;
        socket.send(
          format === "json" ? snapshots.text(tick, you, message.seq) : snapshots.frame(tick, you, message.seq),
        );
      });
    });
    const connection = await connect(url, { name: "ann", format });
    const done = new Promise<void>((resolve, reject) => {
      connection.on("close", (_code, _reason, error) => reject(error));
      connection.on("snapshot", () => {
        if (connection.ack === 50) resolve();
        else connection.input({ dx: 1, dy: 0 });
      });
    });
    connection.input({ dx: 1, dy: 0 });
    await done;
    assert.is(connection.own?.x, 1150);
    assert.is(connection.entities.size, 20);
    for (let slot = 0; slot < 20; slot++) {
      assert.is(connection.entities.get(zone.columns.id[slot]!)?.x, zone.columns.x[slot]);
    }
    const closed = new Promise<void>((resolve) => void connection.on("close", () => resolve()));
    connection.close();
    await closed;
    await new Promise((resolve) => server.close(resolve));
  });
}

test("a server that is not there is CONNECTION_FAILED", async () => {
  const { server, url } = await listening();
  await new Promise((resolve) => server.close(resolve));
  assert.is(await rejection(connect(url, { name: "ann" })), "CONNECTION_FAILED");
});

test("the built gyre/client bundles for a browser, and asks for nothing of Node's", async () => {
  const { warnings, outputFiles } = await build({
    entryPoints: ["build/js/client.js"],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
  });
  assert.equal(warnings, []);
  assert.not.match(outputFiles[0]!.text, /"node:/);
});

test.run();
