/**
 * Recordings: what was heard is what is read, every kind of damage is refused with its place before anything behind it is played, and a
 * replay finds the first thing that is different. With toy zones here; games' recordings are in replay.test.ts.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RecordingFile } from "../src/cli/record.js";
import { GyreError } from "../src/errors.js";
import type { Command } from "../src/kernel/types.js";
import { crc32 } from "../src/maps/crc32.js";
import { Recorder } from "../src/sim/recorder.js";
import { CHECKPOINT_TICKS, FORMAT_VERSION } from "../src/sim/recording.js";
import { RecordingReader, readFrom } from "../src/sim/recording-reader.js";
import { Replay } from "../src/sim/replay.js";
import { forSeeds } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { ToyZones } from "./support/toy-zones.js";
import { until } from "./support/until.js";

const MAP = { width: 5, height: 3, tileSize: 32, tiles: Uint8Array.from({ length: 15 }, (_, i) => i % 3) };

const headerOf = (zones: number) => ({
  game: { name: "toy", file: "toy.js", digest: "00ff" },
  layoutVersion: 3,
  kernel: "",
  tickRate: 60,
  settings: { npcs: 10, bots: 0, players: 8, zones, seed: -5, speed: 0.1 },
});

const JOIN = 1;
const INPUT = 3;
const RESET = 9;
const NAMES = ["ann", "", "Ænea 城", "🐺".repeat(24)];
const NUMBERS = [0, -0, 1, -1, 0.1, Math.fround(0.1), 1e300, -5e-324, 2 ** 24 + 1];

function randomCommand(random: Random): { command: Command; name: string } {
  const type = random.pick([1, 2, 3, 4, 5, 9]);
  const whole = () => random.pick([0, 1, 127, 128, 16_384, 0xffff_ffff, random.next()]);
  const command: Command = {
    type,
    action: random.pick([0, 1, 65_535]),
    seat: whole(),
    seq: whole(),
    dx: type === INPUT || type === RESET ? random.pick(NUMBERS) : 0,
    dy: type === INPUT ? random.pick(NUMBERS) : 0,
  };
  return { command, name: type === JOIN ? random.pick(NAMES) : "" };
}

interface Made {
  readonly bytes: Uint8Array;
  readonly zones: ToyZones;
}

/** A recording of toy zones, with up to `most` commands a zone and tick. */
function record(seed: number, ticks: number, count: number, most: number, meddle = (_: ToyZones) => {}): Made {
  const random = new Random(seed);
  const zones = new ToyZones(count);
  const pieces: Uint8Array[] = [];
  const recorder = new Recorder({
    zones,
    header: headerOf(count),
    map: MAP,
    write: (bytes) => {
      pieces.push(bytes.slice());
    },
  });
  while (zones.tick < ticks) {
    meddle(zones);
    for (const world of zones.all) {
      for (let n = random.integer(0, 3) === 0 ? random.integer(0, most) : 0; n > 0; n--) {
        const { command, name } = randomCommand(random);
        world.replay(command, name);
      }
    }
    zones.step();
    recorder.endTick();
  }
  recorder.close();
  return { bytes: joined(pieces), zones };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

interface Played {
  readonly zones: ToyZones;
  readonly replay: Replay;
  readonly difference: ReturnType<Replay["run"]>;
}

function play(bytes: Uint8Array, meddle = (_: ToyZones) => {}): Played {
  const reader = new RecordingReader(readFrom(bytes));
  const zones = new ToyZones(reader.header.settings["zones"] ?? 0);
  meddle(zones);
  const replay = new Replay(reader, zones);
  return { zones, replay, difference: replay.run(true) };
}

/** Every chunk of a recording: where it begins and ends. */
function chunksOf(bytes: Uint8Array): { tag: string; start: number; end: number }[] {
  const view = new DataView(bytes.buffer);
  const chunks = [];
  for (let start = 16; start < bytes.length; ) {
    const end = start + 8 + view.getUint32(start + 4, true) + 4;
    chunks.push({ tag: String.fromCharCode(...bytes.subarray(start, start + 4)), start, end });
    start = end;
  }
  return chunks;
}

test("what zones heard is what they hear again: 5 kinds of commands, numbers to the last bit, names in any script", () => {
  forSeeds(20, (seed) => {
    const { bytes, zones } = record(seed, 200, 3, 20);
    const { zones: again, replay, difference } = play(bytes);
    assert.is(difference, null);
    let commands = 0;
    for (const [i, world] of zones.all.entries()) {
      const repeated = again.all[i]?.heard ?? [];
      assert.is(repeated.length, world.heard.length);
      for (const [n, heard] of world.heard.entries()) {
        const read = repeated[n];
        assert.equal(read, { ...heard, zone: i });
        const isSame = Object.is(read?.dx, heard.dx) && Object.is(read?.dy, heard.dy);
        assert.ok(isSame, `${read?.dx}, ${read?.dy} of ${heard.dx}, ${heard.dy}`);
      }
      commands += world.heard.length;
    }
    assert.ok(commands > 500, `${commands} commands`);
    assert.is(replay.commands, commands);
    assert.is(replay.tick, 200);
    assert.is(replay.verifiedTick, 200);
    assert.is(replay.checkpoints, 4);
  });
});

test("header and map are read as they were given", () => {
  const { header, map } = new RecordingReader(readFrom(record(1, 1, 2, 1).bytes));
  const parts = ["header", "column x", "state"];
  assert.equal(header, { ...headerOf(2), checkpointTicks: CHECKPOINT_TICKS, parts });
  assert.equal(map, MAP);
});

test("commands are written in chunks of at most 64 KiB however many come in a tick, and 10,000 ticks of nothing take 60 bytes a checkpoint", () => {
  const busy = record(3, 1, 1, 0, (zones) => {
    const command = { type: INPUT, action: 1, seat: 99, seq: 1e9, dx: 0.1, dy: 0.2 };
    for (let i = 0; i < 20_000; i++) zones.all[0]?.replay(command, "");
  });
  const chunks = chunksOf(busy.bytes).filter(({ tag }) => tag === "CMDS");
  assert.ok(chunks.length > 5, `${chunks.length} chunks`);
  for (const { start, end } of chunks) assert.ok(end - start <= 65_536 + 12);
  assert.is(play(busy.bytes).replay.commands, 20_000);

  const idle = record(3, 10_000, 1, 0).bytes.length - record(3, 1, 1, 0).bytes.length;
  assert.ok(idle < 60 * Math.ceil(10_000 / CHECKPOINT_TICKS), `${idle} bytes`);
});

test("zones that sleep are in a checkpoint once, and are compared when they wake", () => {
  const meddle = (zones: ToyZones) => {
    const [, second] = zones.all;
    if (second === undefined) return;
    if (zones.tick === 10) zones.asleep.add(second);
    if (zones.tick === 400) zones.asleep.delete(second);
  };
  const { bytes } = record(5, 600, 2, 0, meddle);
  const listed = chunksOf(bytes).filter(({ tag }) => tag === "HASH");
  const sizes = listed.map(({ start, end }) => (end - start - 12 - 4) / (1 + 8 + 3 * 4));
  assert.equal(sizes, [2, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
  const reader = new RecordingReader(readFrom(bytes));
  const zones = new ToyZones(2);
  const step = zones.step.bind(zones);
  zones.step = () => {
    meddle(zones);
    step();
  };
  const replay = new Replay(reader, zones);
  assert.is(replay.run(true), null);
  assert.is(replay.checkpoints, 10);
});

test("the first difference is told by tick, zone and part: x of zone-1 goes wrong at tick 130, the checkpoint of 180 tells", () => {
  const { bytes } = record(7, 300, 3, 5);
  const { difference, replay } = play(bytes, ({ all: [, second] }) => {
    if (second !== undefined) second.wrongFrom = 130;
  });
  assert.equal(difference, { tick: 180, zone: "zone-1", parts: ["header", "column x"] });
  assert.is(replay.verifiedTick, 120);
  assert.is(replay.checkpoints, 2);
});

test("without verifying, what differs is played to the end", () => {
  const { bytes } = record(7, 300, 3, 5);
  const zones = new ToyZones(3);
  for (const world of zones.all) world.wrongFrom = 1;
  const replay = new Replay(new RecordingReader(readFrom(bytes)), zones);
  assert.is(replay.run(false), null);
  assert.is(replay.tick, 300);
  assert.is(replay.checkpoints, 0);
});

test("a zone that stopped is left out from then on, and stops in the replay too; one that stops there alone is a difference", () => {
  const stopped = record(9, 300, 2, 5, ({ tick, all: [first] }) => {
    if (tick === 100) first?.stop("wolf.js:3:7: x is not a function");
  });
  const good = play(stopped.bytes);
  assert.is(good.difference, null);
  assert.match(good.zones.all[0]?.fault?.message ?? "", /as recorded: wolf.js:3:7/);
  assert.is(good.zones.all[1]?.fault, null);

  const lonely = play(record(9, 300, 2, 0).bytes, ({ all: [first] }) => first?.stop("here only"));
  assert.equal(lonely.difference, { tick: 60, zone: "zone-0", parts: ["stopped: here only"] });
});

test("a zone whose state cannot be hashed is stopped at its checkpoint, the others are recorded on", () => {
  const { bytes, zones } = record(11, 200, 2, 3, ({ all: [first] }) => {
    if (first !== undefined) first.unhashableFrom = 100;
  });
  assert.match(zones.all[0]?.fault?.message ?? "", /no plain data/);
  const { difference, replay } = play(bytes);
  assert.is(difference, null);
  assert.is(replay.verifiedTick, 200);
});

/** What a damaged file is refused with, and how far it was played before. */
function refusalOf(bytes: Uint8Array): {
  code: string;
  offset: number;
  played: number;
  verified: number;
  message: string;
} {
  let zones = new ToyZones(0);
  let replay: Replay | undefined;
  try {
    const reader = new RecordingReader(readFrom(bytes));
    zones = new ToyZones(reader.header.settings["zones"] ?? 0);
    replay = new Replay(reader, zones);
    replay.run(true);
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    const offset = Number(/^byte (\d+): /.exec(error.message)?.[1] ?? Number.NaN);
    const { code, message } = error;
    return { code, offset, played: zones.tick, verified: replay?.verifiedTick ?? 0, message };
  }
  throw new Error("nothing was refused");
}

test("each byte of a recording, changed in any bit, is refused at or before it, and nothing behind the last good chunk is played", () => {
  const { bytes } = record(13, 150, 2, 3);
  const chunks = chunksOf(bytes);
  // Ticks that are known before each chunk: those of the checkpoints, and of the commands so far.
  const known = chunks.map(({ start }) => knownTick(bytes, start));
  assert.ok(bytes.length > 800 && bytes.length < 4000, `${bytes.length} bytes`);
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of at % 7 === 0 ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at & 7)]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ bit;
      const { code, offset, played } = refusalOf(damaged);
      const isVersion = at >= 8 && at < 12;
      assert.is(code, isVersion ? "RECORDING_VERSION" : "RECORDING_BAD", `byte ${at}, bit ${bit}`);
      assert.ok(offset <= at, `byte ${at}, bit ${bit}: refused at ${offset}`);
      const chunk = chunks.findIndex(({ end }) => at < end);
      assert.ok(offset >= (at < 16 ? 0 : (chunks[chunk]?.start ?? 0)), `byte ${at}: refused at ${offset}`);
      assert.ok(played <= (at < 16 ? 0 : (known[chunk] ?? 0)), `byte ${at}: played to tick ${played}`);
    }
  }
});

/** The last tick that the chunks before an offset tell of. */
function knownTick(bytes: Uint8Array, offset: number): number {
  const reader = new RecordingReader(readFrom(bytes));
  let tick = 0;
  while (reader.offset < offset) {
    const block = reader.next();
    if (block === null) break;
    if (block.tag !== "CMDS") tick = block.tick;
    else tick = Math.max(tick, ...block.commands.map((command) => command.tick));
  }
  return tick;
}

test("cut off at any byte, a recording is refused there, and says up to which tick it was good", () => {
  const { bytes } = record(17, 150, 1, 3);
  const chunks = chunksOf(bytes);
  for (let size = 0; size < bytes.length; size++) {
    const { code, offset, verified } = refusalOf(bytes.slice(0, size));
    assert.is(code, "RECORDING_BAD");
    assert.ok(offset <= size, `${size} bytes: refused at ${offset}`);
    const whole = chunks.filter(({ tag, end }) => tag === "HASH" && end <= size).length;
    assert.is(verified, whole === 3 ? 150 : whole * 60, `${size} bytes`);
  }
  assert.match(refusalOf(bytes.slice(0, -1)).message, /ends here, without its end mark/);
  assert.match(refusalOf(joined([bytes, Uint8Array.of(0)])).message, /something follows the end mark/);
});

test("a chunk left out, doubled or moved is refused by the chunk behind it at the latest", () => {
  const { bytes } = record(19, 300, 1, 3);
  const chunks = chunksOf(bytes);
  const piece = (i: number) => bytes.slice(chunks[i]?.start, chunks[i]?.end);
  const all = chunks.map((_, i) => piece(i));
  const file = (pieces: readonly Uint8Array[]) => joined([bytes.slice(0, 16), ...pieces]);
  assert.is(play(file(all)).difference, null);
  for (let i = 0; i < all.length; i++) {
    assert.is(refusalOf(file(all.toSpliced(i, 1))).code, "RECORDING_BAD", `without chunk ${i}`);
    assert.is(refusalOf(file(all.toSpliced(i, 0, piece(i)))).code, "RECORDING_BAD", `chunk ${i} twice`);
    if (i + 1 < all.length) {
      assert.is(refusalOf(file(all.toSpliced(i, 2, piece(i + 1), piece(i)))).code, "RECORDING_BAD", `${i} moved`);
    }
  }
});

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];

/** A file of chunks with the checksums that they should have. */
function forged(chunks: readonly (readonly [tag: string, payload: readonly number[]])[]): Uint8Array {
  const head = [...utf8("GYREREC\n"), ...u32(FORMAT_VERSION), ...u32(0)];
  let sum = crc32(Uint8Array.from(head));
  const bytes = [...head];
  for (const [tag, payload] of chunks) {
    const chunk = [...utf8(tag), ...u32(payload.length), ...payload];
    sum = crc32(Uint8Array.from(chunk), sum);
    for (const byte of [...chunk, ...u32(sum)]) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

const good = { ...headerOf(2), checkpointTicks: 60, parts: ["header", "column x", "state"] };
const payloadOf = (bytes: Uint8Array, tag: string): number[] => {
  const chunk = chunksOf(bytes).find((known) => known.tag === tag);
  return [...bytes.subarray((chunk?.start ?? 0) + 8, (chunk?.end ?? 0) - 4)];
};
const tiles = payloadOf(record(1, 1, 2, 0).bytes, "MAP ");
const withHeader = (header: unknown, ...rest: [string, number[]][]) =>
  forged([["HEAD", utf8(JSON.stringify(header))], ["MAP ", tiles], ...rest]);
const BITS = [1, 0, 0, 0, 0, 0, 0, 128];
const DONE: [string, number[]] = ["DONE", u32(0)];

test("with the right checksums, what cannot be is refused all the same", () => {
  assert.is(play(withHeader(good, DONE)).difference, null);
  // tick 1, zone 1, type INPUT, seat 5
  assert.is(play(withHeader(good, ["CMDS", [3, 1, 1, 3, 5]], DONE)).replay.commands, 1);
  const late: [string, number[]] = ["LATE", [...u32(7), 0, ...BITS, 1, ...BITS]];
  assert.is(play(withHeader(good, ["CMDS", [3, 7, 1, 3, 5]], late, ["CMDS", [1, 1, 3, 5]], DONE)).replay.commands, 2);
  const cases: [RegExp, Uint8Array][] = [
    [/a chunk MAP {2}in place of HEAD/, forged([["MAP ", tiles]])],
    [/the header is not JSON/, forged([["HEAD", utf8("{")]])],
    [/the header is not an object/, withHeader([])],
    [/no UTF-8/, forged([["HEAD", [0xff]]])],
    [/settings of the header/, withHeader({ ...good, settings: { ...good.settings, zones: 0 } })],
    [/settings of the header/, withHeader({ ...good, settings: { ...good.settings, zones: 1e9 } })],
    [/settings of the header/, withHeader({ ...good, settings: { zones: 1 } })],
    [/settings of the header/, withHeader({ ...good, settings: { ...good.settings, npcs: "many" } })],
    [/tickRate of the header is 0/, withHeader({ ...good, tickRate: 0 })],
    [/checkpointTicks of the header/, withHeader({ ...good, checkpointTicks: 1e9 })],
    [/parts of the header/, withHeader({ ...good, parts: [1] })],
    [/game of the header/, withHeader({ ...good, game: { name: "toy" } })],
    [/a second chunk HEAD/, withHeader(good, ["HEAD", []])],
    [/there is no chunk "JUNK"/, withHeader(good, ["JUNK", []])],
    [
      /width is 0/,
      forged([
        ["HEAD", utf8(JSON.stringify(good))],
        ["MAP ", [...u32(0), ...tiles.slice(4)]],
      ]),
    ],
    [
      /a map of 70000 x 70000/,
      forged([
        ["HEAD", utf8(JSON.stringify(good))],
        ["MAP ", [...u32(70_000), ...u32(70_000), ...tiles.slice(8)]],
      ]),
    ],
    [
      /holds 15 of 21 bytes/,
      forged([
        ["HEAD", utf8(JSON.stringify(good))],
        ["MAP ", [...u32(7), ...tiles.slice(4)]],
      ]),
    ],
    [/a command begins with 128/, withHeader(good, ["CMDS", [128]])],
    [/a command begins with 49/, withHeader(good, ["CMDS", [49]])],
    [/a command of tick 0/, withHeader(good, ["CMDS", [0, 3, 5]])],
    [/ticks is 61, not from 1 to 60/, withHeader(good, ["CMDS", [1, 61, 3, 5]])],
    [/zone is 2, not from 0 to 1/, withHeader(good, ["CMDS", [3, 1, 2, 3, 5]])],
    [/there is no command 0/, withHeader(good, ["CMDS", [1, 1, 0, 5]])],
    [/there is no command 6/, withHeader(good, ["CMDS", [1, 1, 6, 5]])],
    [/there is no command 10/, withHeader(good, ["CMDS", [1, 1, 10, 5]])],
    [/a name, and nobody joins/, withHeader(good, ["CMDS", [1, 1, 1, 5]])],
    [/a name, and nobody joins/, withHeader(good, ["CMDS", [65, 1, 3, 5, 0]])],
    [/size of the name is 300/, withHeader(good, ["CMDS", [65, 1, 1, 5, 0xac, 2]])],
    [/no UTF-8/, withHeader(good, ["CMDS", [65, 1, 1, 5, 1, 0xff]])],
    [/action is 65536/, withHeader(good, ["CMDS", [5, 1, 3, 5, 0x80, 0x80, 4]])],
    [/more than 5 bytes/, withHeader(good, ["CMDS", [1, 1, 3, 128, 128, 128, 128, 128, 1]])],
    [/seat is 34359738367, not/, withHeader(good, ["CMDS", [1, 1, 3, 255, 255, 255, 255, 127]])],
    [/a number is NaN/, withHeader(good, ["CMDS", [17, 1, 3, 5, 0, 0, 192, 127, 0, 0, 0, 0]])],
    [/shorter than what it says/, withHeader(good, ["CMDS", [1, 1, 3]])],
    [/tick is 61, not from 1 to 60/, withHeader(good, ["HASH", u32(61)])],
    [/tick is 0, not from 1 to 60/, withHeader(good, ["HASH", u32(0)])],
    [/tick is 5, not from 7 to 60/, withHeader(good, ["CMDS", [1, 7, 3, 5]], ["HASH", u32(5)])],
    [/a command of tick 7 comes after/, withHeader(good, ["HASH", u32(7)], ["CMDS", [1, 7, 3, 5]])],
    [/zone is 0, not from 1 to 1/, withHeader(good, ["HASH", [...u32(7), ...digest(0), ...digest(0)]])],
    [/zone is 2, not from 0 to 1/, withHeader(good, ["HASH", [...u32(7), ...digest(2)]])],
    [/shorter than what it says/, withHeader(good, ["HASH", [...u32(7), ...digest(0).slice(1)]])],
    [/zone is 9, not from 0 to 1/, withHeader(good, ["STOP", [...u32(7), 9, 0]])],
    [/size of the reason is 1025/, withHeader(good, ["STOP", [...u32(7), 0, 0x81, 8]])],
    [/longer than what it says/, withHeader(good, ["STOP", [...u32(7), 0, 0, 0]])],
    [/zone is 2, not from 0 to 1/, withHeader(good, ["LATE", [...u32(7), 2, ...BITS]])],
    [/zone is 1, not from 2 to 1/, withHeader(good, ["LATE", [...u32(7), 1, ...BITS, 1, ...BITS]])],
    [/shorter than what it says/, withHeader(good, ["LATE", [...u32(7), 1, 0, 0]])],
    [/tick is 61, not from 1 to 60/, withHeader(good, ["LATE", u32(61)])],
    [/tick is 7, not from 8 to 60/, withHeader(good, ["LATE", u32(7)], ["LATE", u32(7)])],
    [/tick is 7, not from 8 to 67/, withHeader(good, ["HASH", u32(7)], ["LATE", u32(7)])],
    [/a command of tick 6 comes after tick 7/, withHeader(good, ["LATE", u32(7)], ["CMDS", [1, 6, 3, 5]])],
    [/tick is 3, not from 0 to 0/, withHeader(good, ["DONE", u32(3)])],
  ];
  for (const [message, bytes] of cases) {
    const { code, message: said, offset } = refusalOf(bytes);
    assert.is(code, "RECORDING_BAD", said);
    assert.match(said, message, said);
    assert.ok(offset >= 16 && offset <= bytes.length, said);
  }
});

/** A zone in a checkpoint. */
function digest(zone: number): number[] {
  return [zone, ...new Array<number>(8 + 3 * 4).fill(0)];
}

test("a claim of 4 GiB costs nothing, another format and another state are refused with RECORDING_VERSION", () => {
  const huge = withHeader(good, ["CMDS", []]);
  new DataView(huge.buffer).setUint32(huge.length - 8, 0xffff_ffff, true);
  assert.match(refusalOf(huge).message, /a chunk of 4294967295 bytes: at most/);

  const { bytes } = record(1, 10, 2, 0);
  bytes[8] = 2;
  refuses("RECORDING_VERSION", () => new RecordingReader(readFrom(bytes)), /byte 8: .* format 2; .* format 3/);
  for (const parts of [
    ["header", "column y", "state"],
    ["header", "column x"],
    [...good.parts, "timers"],
  ]) {
    const reader = new RecordingReader(readFrom(withHeader({ ...good, parts }, DONE)));
    refuses("RECORDING_VERSION", () => new Replay(reader, new ToyZones(2)), /differ in (column x|state|timers)/);
  }
  assert.match(refusalOf(Uint8Array.from(utf8("GIF89a"))).message, /byte 1: not a recording/);
  assert.match(refusalOf(new Uint8Array(0)).message, /byte 0: not a recording/);
});

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "gyre-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a file gets 500 pieces as they were, through its two buffers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-"));
  const path = join(folder, "pieces");
  const file = new RecordingFile(path);
  const random = new Random(23);
  const pieces = Array.from({ length: 500 }, () => {
    return Uint8Array.from({ length: random.integer(1, 30_000) }, () => random.next());
  });
  let written = 0;
  for (const [i, piece] of pieces.entries()) {
    if (i === 10) file.start();
    const lent = piece.slice();
    assert.is(file.write(lent), true);
    lent.fill(0);
    written += piece.length;
    if (i % 100 === 0) await until("the disk caught up", () => statSync(path).size === written);
  }
  await file.close();
  assert.is(file.failure, null);
  assert.equal(new Uint8Array(readFileSync(path)), joined(pieces));
  rmSync(folder, { recursive: true });
});

test("a disk that does not keep up ends the recording: 8 MiB at once are not taken, and what was taken is written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-"));
  const path = join(folder, "slow");
  const file = new RecordingFile(path);
  file.start();
  const piece = new Uint8Array(1024 * 1024);
  let taken = 0;
  while (taken < 20 && file.write(piece.fill(taken + 1))) taken++;
  assert.is(taken, 5, "one that is written, four that wait");
  assert.match(file.failure ?? "", /too slow/);
  assert.is(file.write(piece), false);
  await file.close();
  const bytes = readFileSync(path);
  assert.is(bytes.length, taken * piece.length);
  for (let i = 0; i < taken; i++) assert.is(bytes[i * piece.length], i + 1);
  rmSync(folder, { recursive: true });
});

test("a file that cannot be made is refused with FILE_UNREADABLE, and a full disk is told at a later write", async () => {
  inFolder((folder) => {
    const file = new RecordingFile(join(folder, "no", "file"));
    refuses("FILE_UNREADABLE", () => file.write(new Uint8Array(16)), /ENOENT/);
  });
  if (!existsSync("/dev/full")) {
    console.log("no /dev/full here: skipped");
    return;
  }
  refuses("FILE_UNREADABLE", () => new RecordingFile("/dev/full").write(new Uint8Array(16)), /ENOSPC/);
  const file = new RecordingFile("/dev/full");
  file.start();
  assert.is(file.write(new Uint8Array(16)), true);
  await file.close();
  assert.is(file.failure, "ENOSPC");
  assert.is(file.write(new Uint8Array(16)), false);
});

test.run();
