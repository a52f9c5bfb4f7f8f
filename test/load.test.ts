/** gyre load: its counting, its own WebSocket client, and whole runs against a server. */
// waits
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { GyreError } from "../src/errors.js";
import type { CrowdResult } from "../src/load/crowd.js";
import { FrameReader, HEAD_BYTES, OPCODE } from "../src/load/frames.js";
import { LogHistogram } from "../src/load/histogram.js";
import { InputFrame } from "../src/load/input-frame.js";
import { CLOSED_ABNORMALLY, RawClient, READ_BYTES } from "../src/load/raw-client.js";
import { type Asked, judge, type Report, reportOf, verdictLine } from "../src/load/report.js";
import { figuresOf, httpOf, parseMetrics } from "../src/load/server-figures.js";
import { MESSAGE, SnapshotHead } from "../src/load/snapshot-head.js";
import { type Count, Tally } from "../src/load/tally.js";
import { WAY_X, WAY_Y, WAYS, Walker } from "../src/load/walker.js";
import { CHUNK_LAST, CHUNK_STATE, isState } from "../src/protocol/chunks.js";
import { parseClientMessage } from "../src/protocol/control.js";
import { FRAME_CHUNK, FRAME_SNAPSHOT, HAS_ACK } from "../src/protocol/frame.js";
import { createServer, type GyreServer } from "../src/server.js";
import { NO_ITEMS, writeFirst } from "../src/state/frames.js";
import { ByteSink } from "../src/state/sink.js";
import { cliHere } from "./support/cli-here.js";
import { Random } from "./support/random.js";
import { runCli } from "./support/run-cli.js";
import { until } from "./support/until.js";

const CLI = fileURLToPath(new URL("../js/cli.js", import.meta.url));

test("a histogram's quantiles are within 0.1 % or 1 us of those of the sorted values, over 9 decades and 20 seeds", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const histogram = new LogHistogram();
    const values = Array.from({ length: 1000 }, () => Math.ceil(10 ** (random.float() * 9)) / 1000);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    assert.is(histogram.count, 1000);
    for (const p of [0.001, 0.5, 0.95, 0.99, 1]) {
      const exact = values[Math.ceil(p * 1000) - 1]!;
      const found = histogram.quantile(p);
      assert.ok(
        Math.abs(found - exact) <= exact * 0.001 + 0.001,
        `seed ${seed}: quantile ${p} is ${found}, of ${exact} ms`,
      );
    }
  }
});

test("gaps of 113.8 ms are below a limit of 114, and those of 114.2 above", () => {
  for (const [ms, holds] of [
    [113.8, true],
    [114.2, false],
  ] as const) {
    const histogram = new LogHistogram();
    for (let i = 0; i < 100; i++) histogram.record(ms);
    assert.is(histogram.quantile(0.95) <= 114, holds);
  }
});

test("a histogram without values says 0, one takes what is negative as 0 and what is endless as 35 minutes", () => {
  const histogram = new LogHistogram();
  assert.is(histogram.quantile(0.99), 0);
  histogram.record(-1);
  assert.is(histogram.quantile(1), 0);
  histogram.record(Number.POSITIVE_INFINITY);
  assert.ok(Math.abs(histogram.quantile(1) / (0x7fffffff / 1000) - 1) < 0.001, `${histogram.quantile(1)}`);
});

test("tallies add up, less what was before", () => {
  const tallies = [new Tally(), new Tally()];
  const add = (n: number): void => {
    for (const tally of tallies) {
      tally.add("snapshots", n);
      tally.times.gap.record(50);
    }
  };
  add(3);
  const before = Tally.sum(tallies);
  add(4);
  const after = Tally.sum(tallies, before);
  assert.equal([after.get("snapshots"), after.times.gap.count, before.get("snapshots")], [8, 2, 6]);
});

/** A server's frame. */
function frame(opcode: number, payload: Uint8Array, isFinal = true): Uint8Array {
  const size = payload.length;
  const first = (isFinal ? 0x80 : 0) | opcode;
  const header =
    size < 126
      ? [first, size]
      : size < 65_536
        ? [first, 126, size >> 8, size & 255]
        : [first, 127, 0, 0, 0, 0, (size >> 24) & 255, (size >> 16) & 255, (size >> 8) & 255, size & 255];
  return Buffer.concat([Uint8Array.from(header), payload]);
}

const bytesOf = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7) & 255);

/** What a reader tells of these pieces, as lines. */
function told(pieces: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const reader = new FrameReader((opcode, size, bytes, from, to) => {
    const head = Buffer.from(bytes.slice(from, Math.min(to, from + HEAD_BYTES)));
    lines.push(`${opcode} ${size} ${head.toString("hex")}`);
  });
  // In the middle of other bytes, as a buffer that is used again has them.
  for (const piece of pieces) {
    const around = new Uint8Array(piece.length + 20).fill(0xff);
    around.set(piece, 10);
    reader.read(around, 10, 10 + piece.length);
  }
  return lines;
}

test("a stream of 9 messages, some in fragments with a ping between, is the same cut at every byte, and byte by byte", () => {
  const messages: [number, Uint8Array][] = [
    [OPCODE.BINARY, bytesOf(0)],
    [OPCODE.TEXT, bytesOf(125)],
    [OPCODE.BINARY, bytesOf(126)],
    [OPCODE.BINARY, bytesOf(300)],
    [OPCODE.BINARY, bytesOf(70_000)],
    [OPCODE.PING, bytesOf(125)],
    [OPCODE.BINARY, bytesOf(400)],
    [OPCODE.TEXT, bytesOf(1)],
    [OPCODE.CLOSE, bytesOf(2)],
  ];
  const whole = messages.slice(0, 5).map(([opcode, payload]) => frame(opcode, payload));
  const fragmented = [
    frame(OPCODE.BINARY, bytesOf(400).subarray(0, 10), false),
    frame(OPCODE.PING, bytesOf(125)),
    frame(OPCODE.CONTINUED, bytesOf(0), false),
    frame(OPCODE.CONTINUED, bytesOf(400).subarray(10)),
  ];
  const rest = messages.slice(7).map(([opcode, payload]) => frame(opcode, payload));
  const stream = new Uint8Array(Buffer.concat([...whole, ...fragmented, ...rest]));
  const expected = messages.map(([opcode, payload]) => {
    return `${opcode} ${payload.length} ${Buffer.from(payload.subarray(0, HEAD_BYTES)).toString("hex")}`;
  });
  assert.equal(told([stream]), expected);
  assert.equal(told(Array.from(stream, (byte) => Uint8Array.of(byte))), expected);
  // The long message alone has 70,000 places to cut that are alike.
  const long = whole.slice(0, 4).reduce((sum, { length }) => sum + length, 0);
  for (let cut = 0; cut <= stream.length; cut++) {
    if (cut > long + 400 && cut < long + 69_900) continue;
    assert.equal(told([stream.subarray(0, cut), stream.subarray(cut)]), expected, `cut at ${cut}`);
  }
});

test("a reader refuses what no server may send", () => {
  const bad: [string, Uint8Array][] = [
    ["a masked frame", Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 1)],
    ["the rest of no message", frame(OPCODE.CONTINUED, bytesOf(3))],
    ["a ping of 126 bytes", frame(OPCODE.PING, bytesOf(126))],
    ["a ping in fragments", frame(OPCODE.PING, bytesOf(1), false)],
    [
      "a message within another",
      Buffer.concat([frame(OPCODE.TEXT, bytesOf(1), false), frame(OPCODE.BINARY, bytesOf(2))]),
    ],
  ];
  for (const [what, bytes] of bad) {
    assert.throws(
      () => told([bytes]),
      (error: unknown) => error instanceof GyreError && error.code === "BAD_FRAME",
      what,
    );
  }
});

test("an input's frame decodes to the input, for each way, with and without a blow, up to the largest seq", () => {
  for (const mask of [0, 0x12345678, 0xffffffff]) {
    const input = new InputFrame(mask);
    for (let way = 0; way < WAYS; way++) {
      for (const [seq, strikes] of [
        [1, false],
        [4_294_967_295, true],
        [90, false],
      ] as const) {
        const bytes = input.write(seq, way, strikes);
        assert.is(bytes[1]! & 127, bytes.length - 6);
        const text = Buffer.from(bytes.subarray(6).map((byte, i) => byte ^ bytes[2 + (i & 3)]!)).toString();
        const wish = { type: "input", seq, dx: WAY_X[way], dy: WAY_Y[way] };
        assert.equal(parseClientMessage(text), strikes ? { ...wish, action: "attack" } : wish);
      }
    }
  }
});

test("walkers do the same for the same seed, turn, pause and strike, and differ from each other", () => {
  const walk = (seed: number, index: number): string => {
    const walker = new Walker(seed, index);
    return Array.from({ length: 4000 }, () => {
      walker.step();
      return `${walker.way}${walker.strikes ? "!" : ""}`;
    }).join(" ");
  };
  const text = walk(1, 0);
  assert.is(walk(1, 0), text);
  assert.is(new Set([text, walk(1, 1), walk(2, 0), walk(2, 1)]).size, 4);
  const blows = text.split("!").length - 1;
  assert.ok(blows > 200 && blows < 440, `${blows} blows in 4,000 inputs`);
  assert.ok(new Set(text.replaceAll("!", "").split(" ")).size === WAYS, "it goes every way, and stands");
});

test("the head of a message says what it is: snapshots with tick and ack, and the state tree", () => {
  const head = new SnapshotHead();
  const read = (opcode: number, bytes: Uint8Array): number => head.read(opcode, bytes, 0, bytes.length);
  const frame = (...bytes: number[]): number => read(OPCODE.BINARY, Uint8Array.from(bytes));
  // Kind, flags with an ack, tick 300, ack 5; then one tick on without an ack; then a frame in three pieces.
  assert.is(frame(FRAME_SNAPSHOT, HAS_ACK, 0xac, 0x02, 5, 99), MESSAGE.SNAPSHOT);
  assert.equal([head.tick, head.ack], [300, 5]);
  assert.is(frame(FRAME_SNAPSHOT, 0, 1), MESSAGE.SNAPSHOT);
  assert.equal([head.tick, head.ack], [301, 5]);
  assert.is(frame(FRAME_CHUNK, 0, FRAME_SNAPSHOT, HAS_ACK, 3, 2, 77), MESSAGE.PIECE);
  assert.is(frame(FRAME_CHUNK, 0, FRAME_SNAPSHOT, HAS_ACK, 3, 2, 77), MESSAGE.PIECE);
  assert.is(frame(FRAME_CHUNK, 1, 8, 8), MESSAGE.SNAPSHOT);
  assert.equal([head.tick, head.ack], [304, 7]);
  // Pieces of a state tree are none, also between those of a snapshot.
  const [more, last] = [CHUNK_STATE, CHUNK_STATE | CHUNK_LAST];
  assert.is(frame(FRAME_CHUNK, more, 0x93, 107), MESSAGE.STATE);
  assert.is(frame(FRAME_CHUNK, 0, FRAME_SNAPSHOT, HAS_ACK, 3, 2, 77), MESSAGE.PIECE);
  assert.is(frame(FRAME_CHUNK, more, FRAME_SNAPSHOT, HAS_ACK, 3, 2), MESSAGE.STATE);
  assert.is(frame(FRAME_CHUNK, 1, 8, 8), MESSAGE.SNAPSHOT);
  assert.is(frame(FRAME_CHUNK, last, 1, 2, 3), MESSAGE.SYNC);
  assert.is(frame(FRAME_CHUNK, last, 0xdc, 0, 20, 1), MESSAGE.STATE);
  assert.equal([head.tick, head.ack], [307, 9]);
  // Elsewhere: what was in pieces does not go on.
  assert.is(frame(FRAME_CHUNK, more, 0x93, 107), MESSAGE.STATE);
  assert.is(frame(FRAME_CHUNK, 0, FRAME_SNAPSHOT, 0, 3), MESSAGE.PIECE);
  head.reset();
  assert.is(frame(FRAME_CHUNK, last, 0x92, 2), MESSAGE.STATE);
  assert.is(frame(FRAME_SNAPSHOT, HAS_ACK, 9, 1), MESSAGE.SNAPSHOT);
  assert.equal([head.tick, head.ack], [9, 1]);
  const text = (json: string): number => read(OPCODE.TEXT, Buffer.from(json));
  assert.is(text('{"type":"snapshot","tick":12,"ack":345,"you":null}'), MESSAGE.SNAPSHOT);
  assert.equal([head.tick, head.ack], [12, 345]);
  assert.is(text('{"type":"welcome","you":1}'), MESSAGE.OTHER);
  assert.is(text("[107,[2],[]]"), MESSAGE.SYNC);
  assert.is(text("[2,[1,0,1,1]]"), MESSAGE.STATE);
  assert.is(read(OPCODE.BINARY, Uint8Array.of(0x93, 107, 0x90, 0x90)), MESSAGE.SYNC);
  assert.is(read(OPCODE.BINARY, Uint8Array.of(0x91, 0)), MESSAGE.STATE);
  assert.is(read(OPCODE.BINARY, Uint8Array.of(0xdc, 0, 16, 2)), MESSAGE.STATE);
  assert.is(read(OPCODE.BINARY, Uint8Array.of(0xdd, 0, 1, 0, 0, 107)), MESSAGE.SYNC);
  // Cut off before the opcode: what lies behind it in the buffer is another message's.
  assert.is(head.read(OPCODE.BINARY, Uint8Array.of(0x93, 107), 0, 1), MESSAGE.STATE);
  assert.is(read(OPCODE.BINARY, Uint8Array.of(9, 0)), MESSAGE.OTHER);
  assert.is(read(OPCODE.BINARY, new Uint8Array(0)), MESSAGE.OTHER);
  const isBadFrame = (error: unknown): boolean => error instanceof GyreError && error.code === "BAD_FRAME";
  assert.throws(() => frame(FRAME_SNAPSHOT, 0), isBadFrame);
  assert.throws(() => frame(FRAME_SNAPSHOT, 0x80, 3), isBadFrame);
});

test("first syncs of 0 to 70,000 patches are of the state tree, whole and in pieces", () => {
  for (const count of [0, 1, 13, 14, 15, 300, 70_000]) {
    const sink = new ByteSink();
    const patches = { count, bytes: new Uint8Array(count) };
    writeFirst(sink, false, NO_ITEMS, patches, []);
    const message = sink.bytes;
    const head = new SnapshotHead();
    const kinds = [head.read(OPCODE.BINARY, message, 0, message.length)];
    for (let at = 0; at < message.length; at += 100) {
      const flags = CHUNK_STATE | (at + 100 >= message.length ? CHUNK_LAST : 0);
      const piece = Uint8Array.from([FRAME_CHUNK, flags, ...message.subarray(at, at + 100)]);
      assert.ok(isState(piece));
      kinds.push(head.read(OPCODE.BINARY, piece, 0, piece.length));
    }
    assert.ok(isState(message) && kinds.every((kind) => kind === MESSAGE.STATE), `${count}: ${kinds.join()}`);
  }
  assert.not.ok(
    [[], [FRAME_SNAPSHOT, 2, 3], [FRAME_CHUNK, 1, 3], [FRAME_CHUNK]].some((bytes) => isState(Uint8Array.from(bytes))),
  );
});

/** A raw client at a server of the package ws, and what came of it. */
class Visit {
  readonly messages: string[] = [];
  readonly ends: string[] = [];
  isOpen = false;
  readonly client: RawClient;

  constructor(port: number, path = "/ws") {
    this.client = new RawClient({ hostname: "127.0.0.1", port, path }, Buffer.allocUnsafeSlow(READ_BYTES), {
      open: () => {
        this.isOpen = true;
      },
      message: (opcode, size, bytes, from, to) => {
        this.messages.push(
          `${opcode} ${size} ${Buffer.from(bytes.slice(from, Math.min(to, from + 4))).toString("hex")}`,
        );
      },
      end: (code, problem) => this.ends.push(`${code} ${problem}`),
    });
  }
}

async function withServer(use: (server: WebSocketServer, port: number) => Promise<void>): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "gyre.1" });
  await once(server, "listening");
  try {
    await use(server, (server.address() as AddressInfo).port);
  } finally {
    for (const client of server.clients) client.terminate();
    server.close();
  }
}

test("the raw client talks with the package ws: texts of all sizes arrive, all that comes is told, pings are answered", async () => {
  await withServer(async (server, port) => {
    const visit = new Visit(port);
    const [socket] = await once(server, "connection");
    const received: string[] = [];
    let pongs = "";
    socket.on("message", (data: Buffer, isBinary: boolean) => received.push(`${isBinary}${data.toString()}`));
    socket.on("pong", (data: Buffer) => {
      pongs += data.toString();
    });
    await until("it is open", () => visit.isOpen);
    const texts = ["", "a", "ä".repeat(62), "x".repeat(125), "y".repeat(126), "z".repeat(65_535)];
    for (const text of texts) visit.client.sendText(text, 0xdeadbeef);
    const input = new InputFrame(0x01020304);
    visit.client.sendFrame(input.write(5, 0, true));
    await until("all have arrived", () => received.length === texts.length + 1);
    assert.equal(
      received.slice(0, -1),
      texts.map((text) => `false${text}`),
    );
    assert.equal(parseClientMessage(received.at(-1)!.slice(5)), {
      type: "input",
      seq: 5,
      dx: 1,
      dy: 0,
      action: "attack",
    });
    socket.send(bytesOf(300));
    socket.send(bytesOf(100_000));
    socket.send("abcd", { fin: false });
    socket.ping("are you there");
    socket.send("efgh", { fin: true });
    await until("all have come", () => visit.messages.length === 3 && pongs !== "");
    assert.equal(visit.messages, ["2 300 00070e15", "2 100000 00070e15", "1 8 61626364"]);
    assert.is(pongs, "are you there");
    const closed = once(socket, "close");
    visit.client.close();
    assert.is((await closed)[0], 1000);
    await until("it knows", () => visit.ends.length === 1);
    assert.equal(visit.ends, ["1000 null"]);
  });
});

test("the raw client tells how it ended: the server's close code, a broken connection, a refused one, no upgrade", async () => {
  await withServer(async (server, port) => {
    const endOf = async (end: (socket: { close(code: number): void; terminate(): void }) => void): Promise<string> => {
      const visit = new Visit(port);
      const [socket] = await once(server, "connection");
      end(socket);
      await until("it ended", () => visit.ends.length > 0);
      return visit.ends.join();
    };
    assert.is(await endOf((socket) => socket.close(1013)), "1013 null");
    assert.is(await endOf((socket) => socket.terminate()), `${CLOSED_ABNORMALLY} null`);
  });
  const gone = new Visit(1);
  await until("it is refused", () => gone.ends.length > 0);
  assert.equal(gone.ends, [`${CLOSED_ABNORMALLY} ECONNREFUSED`]);
  const server = await createServer({ port: 0, npcs: 0 });
  const lost = new Visit(Number(new URL(server.http).port), "/nowhere");
  await until("it is refused", () => lost.ends.length > 0);
  assert.equal(lost.ends, [`${CLOSED_ABNORMALLY} HTTP_404`]);
  await server.close();
});

test("figures of a server are what grew between two readings", () => {
  const page = (late: number, cpu: number): string =>
    [
      "# HELP gyre_late_ticks_total x",
      `gyre_late_ticks_total ${late}`,
      `gyre_thread_busy_seconds_total{thread="main"} ${cpu}`,
      `process_cpu_seconds_total ${cpu}`,
      `gyre_sessions_closed_total{code="1013"} ${late}`,
    ].join("\n");
  const reading = (text: string, atMs: number) => ({ values: parseMetrics(text), atMs });
  const figures = figuresOf(reading(page(2, 1), 0), reading(page(5, 3), 4000), null);
  assert.is(figures.lateTicks, 3);
  assert.equal(figures.threads, { main: 0.5 });
  assert.equal([figures.cpuSeconds, figures.cpuCores], [2, 0.5]);
  assert.equal(figures.closed, { 1013: 3 });
  assert.is(httpOf("ws://127.0.0.1:7777/ws?format=json"), "http://127.0.0.1:7777");
});

test("the tick p99 is the whole run's: of the last 600 only where in its bucket, and none of a server that did not tick", () => {
  /** Ticks of 2 ms at most, of 4, and longer ones. */
  const page = (...ticks: readonly [number, number, number]): string => {
    const [two, four] = [ticks[0], ticks[0] + ticks[1]];
    const all = four + ticks[2];
    const bounds = [
      ["0.002", two],
      ["0.004", four],
      ["+Inf", all],
    ];
    const lines = bounds.map(([bound, count]) => `gyre_tick_seconds_bucket{le="${bound}"} ${count}`);
    return [...lines, `gyre_tick_seconds_count ${all}`].join("\n");
  };
  const p99 = (first: string, last: string, lastMs: number | null): number | null => {
    const [before, after] = [first, last].map((text, i) => ({ values: parseMetrics(text), atMs: 1000 * i }));
    const { tickP99Ms } = figuresOf(before!, after!, lastMs);
    return tickP99Ms === null ? null : Number(tickP99Ms.toFixed(6));
  };
  const none = page(0, 0, 500);
  // 90 of 100 in 2 ms, 10 between 2 and 4: the 99th is nine tenths of the way.
  const run = page(90, 10, 500);
  assert.is(p99(none, run, null), 3.8);
  assert.is(p99(none, run, 0.5), 3.8, "the last 10 s were quiet");
  assert.is(p99(none, run, 3.9), 3.9);
  assert.is(p99(none, run, 30), 4, "the last 10 s were bad, and not more than 1 % of all were above 4 ms");
  assert.is(p99(none, page(90, 5, 505), 0.5), 4, "above all bounds");
  assert.is(p99(none, page(90, 5, 505), 30), 30);
  assert.is(p99(run, run, 0.5), null);
});

test("each limit is held at its value and missed beyond it; what is not known misses", () => {
  const report = {
    asked: { clients: 20 },
    joins: { joined: 20, allS: 2 },
    snapshots: { perSecond: 20, slowest: 5, gapMs: { p95: 60, max: 70 } },
    ackMs: { p95: 80, max: 90 },
    bytes: { perClientSecond: 1000 },
    state: { perSecond: 10, gapMs: { p95: 110, max: 120 }, bytesPerSync: 40 },
    decoded: { hashChecks: 100, repairs: 2, unreadable: 1 },
    errorCount: 3,
    server: { lateTicksInAll: 1, tickP99LastMs: 5, tickP99Ms: 4 },
  } as unknown as Report;
  const exact = {
    "max-gap-p95": 60,
    "max-ack-p95": 80,
    "max-late-ticks": 1,
    "max-tick-p99": 4,
    "min-rate": 20,
    "min-slowest": 5,
    "max-bytes": 1000,
    "max-unjoined": 0,
    "max-join-s": 2,
    "max-sync-gap-p95": 110,
    "max-sync-bytes": 40,
    "max-repairs": 3,
    "max-errors": 3,
  };
  assert.equal(
    judge(report, exact).map(({ held }) => held),
    new Array(13).fill(true),
  );
  const beyond = Object.fromEntries(
    Object.entries(exact).map(([name, n]) => [name, name.startsWith("min") ? n + 0.1 : n - 0.1]),
  );
  assert.equal(
    judge(report, beyond).map(({ held }) => held),
    new Array(13).fill(false),
  );
  const decoded = { ...report.decoded, hashChecks: 0, repairs: 0, unreadable: 0 };
  const [unknown] = judge({ ...report, decoded, server: null }, { "max-late-ticks": 100 });
  assert.is(verdictLine(unknown!), "MISSED --max-late-ticks 100: not known\n");
  const none = { p50: 0, p95: 0, p99: 0, max: 0 };
  const silent = { ...report, decoded, ackMs: none, snapshots: { ...report.snapshots, gapMs: none }, state: null };
  const asked = ["max-gap-p95", "max-ack-p95", "max-sync-gap-p95", "max-sync-bytes", "max-repairs"] as const;
  const verdicts = judge(silent, Object.fromEntries(asked.map((name) => [name, 1000])));
  assert.equal(
    verdicts.filter(({ name }) => name !== "max-unjoined").flatMap(({ value, held }) => [value, held]),
    new Array(5).fill([null, false]).flat(),
  );
});

test("what decoded wrong and who never came in miss though nobody asked, and nothing else does; where no hash came, nobody can tell", () => {
  const told = (hashChecks: number, repairs: number, unreadable: number, joined = 20): string[] => {
    const report = { asked: { clients: 20 }, joins: { joined }, decoded: { hashChecks, repairs, unreadable } };
    return judge(report as unknown as Report, {}).map(verdictLine);
  };
  const all = "held   --max-unjoined 0: 0 clients\n";
  assert.equal(told(100, 0, 0), ["held   --max-repairs 0: 0\n", all]);
  assert.equal(told(100, 1, 0), ["MISSED --max-repairs 0: 1\n", all]);
  assert.equal(told(0, 0, 1), ["MISSED --max-repairs 0: 1\n", all]);
  assert.equal(told(0, 0, 0), [all]);
  assert.equal(told(0, 0, 0, 19), ["MISSED --max-unjoined 0: 1 clients\n"]);
});

/** The report on 20 clients of whom 16 decode, over 2 s in which this was counted. */
function reported(counts: Readonly<Partial<Record<Count, number>>>, result: Partial<CrowdResult> = {}, gapsMs = [50]) {
  const tally = new Tally();
  for (const [count, n] of Object.entries(counts)) tally.add(count as Count, n);
  for (const ms of gapsMs) {
    tally.times.gap.record(ms);
    tally.times.syncGap.record(ms);
  }
  const lists = { snapshots: [], openGapsMs: [], openSyncGapsMs: [] };
  const numbers = { errors: {}, closes: {}, zones: {}, hashChecks: 0, repairs: 0, unreadable: 0 };
  return reportOf({ clients: 20, sample: 16, churn: 0 } as Asked, {
    whole: tally,
    measured: tally,
    results: [{ ...numbers, ...lists, ...result }],
    seconds: 2,
    joinS: 1,
    cpuSeconds: 0,
    server: null,
    lateTicksBefore: 0,
  });
}

test("syncs a second are of those who count them: 4 of 20 clients got 80 in 2 s, 10 a second each", () => {
  const { state } = reported({ joined: 20, syncs: 80, stateBytes: 800 });
  assert.equal([state?.perSecond, state?.bytesPerSync], [10, 10]);
});

test("who asked and never came in counts as one who gets no snapshot; bytes and inputs are of those who are in", () => {
  const counts = { snapshots: 600, bytes: 60_000, inputs: 120 };
  const figures = (joined: number) => {
    const { snapshots, bytes, inputs } = reported({ ...counts, joined }, { snapshots: new Array(joined).fill(30) });
    return [snapshots.perSecond, snapshots.slowest, bytes.perClientSecond, inputs.perSecond];
  };
  assert.equal(figures(20), [15, 15, 1500, 3]);
  assert.equal(figures(15), [15, 0, 2000, 4]);
});

test("a gap that is open when the measurement ends is one of its gaps, of snapshots and of syncs", () => {
  const open = { openGapsMs: [2000], openSyncGapsMs: [3000] };
  const longest = ({ snapshots, state }: Report) =>
    [snapshots.gapMs.max, state?.gapMs.max].map((ms) => Math.round(ms!));
  const counts = { joined: 20, stateBytes: 1 };
  assert.equal(longest(reported(counts, open)), [2000, 3000]);
  assert.equal(longest(reported(counts)), [50, 50]);
  assert.is(Math.round(reported(counts, open, []).snapshots.gapMs.p95), 2000, "nobody was told anything");
});

/** gyre load as a process of its own. */
const load: typeof runCli = (...argv) => runCli("load", ...argv);

async function serving(use: (server: GyreServer) => Promise<void>): Promise<void> {
  const server = await createServer({ port: 0, npcs: 50, bots: 0 });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

test("20 clients on 2 threads, 4 of them decoding, with churn and one that stalls: the report is sane, held limits are 0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-load-"));
  const file = join(folder, "report.json");
  await serving(async ({ ws }) => {
    const flags = [
      "--clients",
      "20",
      "--threads",
      "2",
      "--sample",
      "4",
      "--churn",
      "5",
      "--stall",
      "1",
      "--duration",
      "2",
    ];
    const limits = ["--max-errors", "0", "--min-rate", "1", "--max-bytes", "1000000"];
    const { status, out, err } = await load(ws, ...flags, ...limits, "--json", file);
    assert.is(status, 0, out + err);
    assert.match(err, /^ +\d+ s: \d+ in; .* snapshots\/s/);
    assert.match(out, /joins +20 of 20 in/);
    assert.match(out, /held +--max-errors 0: 0\n/);
    assert.match(out, /decoded +4 clients, .*entities in view; (\d+ hashes checked, 0 repairs|not checked)/);
    const report = JSON.parse(readFileSync(file, "utf8")) as Report & { limits: { name: string }[] };
    assert.equal([report.joins.joined, report.joins.failed, report.joins.zones, report.stalled], [20, 0, 1, 1]);
    assert.ok(report.snapshots.perSecond > 1 && report.snapshots.perSecond < 40, `${report.snapshots.perSecond}/s`);
    const { p50, p95, p99, max } = report.snapshots.gapMs;
    assert.ok(p50 > 0 && p50 <= p95 && p95 <= p99 && p99 <= max, JSON.stringify(report.snapshots.gapMs));
    assert.ok(report.ackMs.p50 > 0, "inputs were acknowledged");
    assert.ok(report.bytes.perSnapshot > 20 && report.inputs.perSecond > 1);
    assert.ok(
      report.churn !== null && report.churn.begun > 0 && report.churn.failed === 0,
      JSON.stringify(report.churn),
    );
    assert.ok(report.server !== null && report.server.ticks > 10 && (report.server.cpuSeconds ?? 0) > 0);
    assert.equal([report.errorCount, report.lost, report.state], [0, 0, null]);
    assert.ok(report.decoded.inView > 0);
    assert.equal(
      report.limits.map(({ name }) => name).filter((name) => name !== "max-repairs"),
      ["min-rate", "max-bytes", "max-unjoined", "max-errors"],
    );
  });
  rmSync(folder, { recursive: true });
});

const ZONE = { name: "z", width: 96, height: 64, tileSize: 1, sync: { broadcast: ["/phase"], player: [] } };
const WELCOME = {
  type: "welcome",
  you: 0,
  tick: 0,
  tickRate: 60,
  snapshotRate: 20,
  session: "a".repeat(22),
  zone: ZONE,
};

/** What gyre load makes of a server that says welcome and these messages, and then those again and again. */
async function pretending(first: readonly number[][], messages: readonly number[][], ...flags: readonly string[]) {
  let result: Awaited<ReturnType<typeof load>> | undefined;
  await withServer(async (server, port) => {
    server.on("connection", (socket) => {
      const send = (messages: readonly number[][]): void => {
        for (const message of messages) socket.send(Uint8Array.from(message));
      };
      let timer: NodeJS.Timeout;
      socket.on("message", (data: Buffer) => {
        if (!data.toString().startsWith('{"type":"join"')) return;
        socket.send(JSON.stringify(WELCOME));
        send(first);
        timer = setInterval(send, 10, messages);
      });
      socket.on("close", () => clearInterval(timer));
    });
    result = await load(`ws://127.0.0.1:${port}/ws`, "--duration", "0.3", ...flags, "--json", "-");
  });
  return { status: result?.status, report: JSON.parse(result?.out ?? "") as Report };
}

/** Three ticks on, and nothing new. */
const SNAPSHOT = [FRAME_SNAPSHOT, 0, 3];

test("a cell whose hash is wrong, and a frame that nobody can read, end with 1; with as many repairs allowed, with 0", async () => {
  // Cell 0 in 5 bytes: stream 1, full, hashed; nobody is in it; 32 ones, which is not the hash of that.
  const wrong = [...SNAPSHOT, 0, 5, 0xed, 0xff, 0xff, 0xff, 0x1f];
  const one = ["--clients", "1", "--sample", "1"];
  const missed = await pretending([], [wrong], ...one);
  assert.ok(missed.report.decoded.repairs > 0 && missed.report.decoded.unreadable === 0);
  assert.is(missed.status, 1);
  const allowed = await pretending([], [wrong], ...one, "--max-repairs", "1000000");
  assert.is(allowed.status, 0);
  const unreadable = await pretending([], [SNAPSHOT, [FRAME_SNAPSHOT, 0x80, 3]], ...one);
  assert.equal([unreadable.report.decoded.unreadable, unreadable.status], [1, 1]);
});

test("a state tree in pieces, between snapshots, is told apart: 9 bytes a sync, 3 a snapshot, by those who count and who decode", async () => {
  const pieces = [
    [FRAME_CHUNK, CHUNK_STATE, 0x93, 107],
    [FRAME_CHUNK, CHUNK_STATE | CHUNK_LAST, 0x91, 0, 0x90],
  ];
  const messages = [pieces[0]!, SNAPSHOT, pieces[1]!];
  for (const sample of ["0", "1"]) {
    const { status, report } = await pretending([], messages, "--clients", "2", "--sample", sample);
    assert.equal([status, report.bytes.perSnapshot, report.errorCount], [0, 3, 0], JSON.stringify(report));
    assert.ok(Math.abs((report.state?.bytesPerSync ?? 0) - 9) < 1, JSON.stringify(report.state));
    assert.ok(report.state !== null && report.state.perSecond > 0);
  }
});

test("a server that falls silent once all are in: the gap lasts as long as the measurement, for who counts and who decodes", async () => {
  const sync = [0x93, 107, 0x90, 0x90];
  for (const sample of ["0", "1"]) {
    const { report } = await pretending([SNAPSHOT, sync], [], "--clients", "1", "--sample", sample);
    // What came first may have come when it had begun.
    const most = 500 * report.seconds;
    const { snapshots, state } = report;
    assert.ok(snapshots.gapMs.max > most, JSON.stringify(snapshots));
    if (sample === "0") assert.ok((state?.gapMs.max ?? 0) > most, JSON.stringify(state));
  }
});

test("JSON snapshots are counted alike, and --json - says nothing but the report", async () => {
  await serving(async ({ ws }) => {
    const flags = ["--clients", "6", "--sample", "2", "--duration", "1", "--format", "json", "--json", "-"];
    const { status, out, err } = await load(ws, ...flags);
    assert.equal([status, err], [0, ""]);
    const report = JSON.parse(out) as Report;
    assert.is(report.joins.joined, 6);
    assert.ok(report.snapshots.perSecond > 1 && report.snapshots.slowest > 0, JSON.stringify(report.snapshots));
    assert.ok(report.ackMs.p50 > 0);
  });
});

test("a missed limit ends with 1, and so do clients that never came in", async () => {
  await serving(async ({ ws }) => {
    const { status, out } = await load(
      ws,
      "--clients",
      "5",
      "--duration",
      "0.5",
      "--min-rate",
      "1000",
      "--min-slowest",
      "1000",
      "--max-errors",
      "0",
    );
    assert.is(status, 1, out);
    assert.match(out, /MISSED --min-rate 1000: .*\nMISSED --min-slowest 1000: /);
    assert.match(out, /held {3}--max-errors 0: 0/);
    const nowhere = await load(ws, "--clients", "3", "--template", "nowhere", "--duration", "0.2", "--max-join-s", "9");
    assert.is(nowhere.status, 1, nowhere.out);
    assert.match(
      nowhere.out,
      /joins +0 of 3 .*[\s\S]*errors +3: ZONE_UNKNOWN 3[\s\S]*MISSED --max-join-s 9: not known/,
    );
  });
  // Nobody asked for a limit, and nobody is there.
  const { status, out } = await load("ws://127.0.0.1:1/ws", "--clients", "2", "--duration", "0.1");
  assert.is(status, 1, out);
  assert.match(out, /joins +0 of 2 .*[\s\S]*\nMISSED --max-unjoined 0: 2 clients\n$/);
});

test("a command line that says what is not so is one line and status 2", async () => {
  const url = "ws://127.0.0.1:1/ws";
  const bad: [RegExp, ...string[]][] = [
    [/no URL/],
    [/"http:\/\/x" is not a ws:\/\/ address/, "http://x"],
    [/unknown option '--nope'/, url, "--nope"],
    [/--clients "0" is not a whole number from 1 to/, url, "--clients", "0"],
    [/--duration "soon" is not a number from/, url, "--duration", "soon"],
    [/--max-gap-p95 "1e3" is not a number/, url, "--max-gap-p95", "1e3"],
    [/--format "xml" is neither/, url, "--format", "xml"],
    [/one of the two/, url, "--clients", "5", "--rooms", "2"],
    [/--per-room without --rooms/, url, "--per-room", "2"],
    [/are 250000 clients, more than 50000/, url, "--rooms", "50000"],
    [/unexpected argument "b"/, url, "b"],
  ];
  for (const [expected, ...argv] of bad) {
    const { status, out, err } = await cliHere("load", ...argv);
    assert.equal([status, out, err.trimEnd().split("\n").length], [2, "", 1], `${argv.join(" ")}: ${err}`);
    assert.match(err, expected);
  }
});

test("SIGINT ends a load early, with its report", async () => {
  await serving(async (server) => {
    const argv = [CLI, "load", server.ws, "--clients", "5", "--duration", "600"];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.stdout.on("data", (data) => {
      out += data;
    });
    await until("they are in", () => err.includes(" 5 in;"));
    child.kill("SIGINT");
    const [status] = await once(child, "close");
    assert.is(status, 0);
    assert.match(out, /joins +5 of 5/);
  });
});

test.run();
