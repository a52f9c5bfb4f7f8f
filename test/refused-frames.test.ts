/**
 * Frames that no server sends: for each rule of docs/wire.md one that breaks it, by a hair where that can be, beside a good twin; and
 * mutations of good ones, of clients' messages and their bytes, and of all that a client is told. Whoever reads them refuses them whole, and knows what it
 * knew. See .ci/fuzz.mjs for more of the latter.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadKernel } from "../src/kernel/load.js";
import { ChunkAssembler, FRAME_BYTES_MAX } from "../src/protocol/chunks.js";
import { EFFORT } from "./support/effort.js";
import { fuzzFrames, fuzzMessages } from "./support/fuzz.js";
import { fuzzConnections } from "./support/fuzz-connections.js";
import { fuzzSockets } from "./support/fuzz-sockets.js";
import { refuses } from "./support/refuses.js";
import { knowledge, Stage } from "./support/stage.js";
import { block, hex, joined, unhex } from "./support/wire-text.js";

const kernel = await loadKernel();
const COLUMNS = [
  { name: "mood", type: "f32" },
  { name: "debt", type: "i8" },
] as const;

/** 4097, 8193 and 12289 are in cell 0, nobody in cell 1; of 3 x 2 cells of 512 steps. Tick 60, ack 7, the reader is 4097. */
function stage(): Stage {
  const made = new Stage(kernel, { columns: COLUMNS });
  made.view.watch(0, 0, 63, 31);
  for (const slot of [1, 2, 3]) made.spawn(slot, 8 + 2 * slot, 20);
  made.world.entities[0] = 4097;
  made.frame(60, 7);
  return made;
}

const HEAD = unhex("01 00 03");
const GOOD = {
  head: "10 0 0 000",
  /** 4097 leaves for cell 1. */
  leaves: "g1 g0 1 n3:1",
  /** 16385 enters at 5, 512. */
  ids: "g1 p11 r11:16384",
  places: "n10:5 n10:512 p0 r0:0 r0:0",
  words: "p0 r0:0  p0 r0:0  p0 r0:0  p0 r0:0  p0 r0:0  n32:0  p0 r0:0",
  /** 12289 goes 8 steps to the right. */
  moves: "01 g0 g1  p3 r3:16 r3:0",
  /** 8193 has one hp more. */
  changes: "1 1000000 g0 g0 p0 r0:2",
  tail: "",
};

/** A delta of cell 0, or the cell so many further. */
function delta(changes: Partial<typeof GOOD> = {}, gap = 0): Uint8Array {
  return block(gap, Object.values({ ...GOOD, ...changes }).join(" "));
}

/** The same without who leaves and enters; all three stay. */
function quiet(changes: { head?: string; moves?: string; changes?: string; tail?: string }): Uint8Array {
  const { head = GOOD.head, moves = "00", changes: fields = "0", tail = "" } = changes;
  return block(0, [head, "g0 g0", moves, fields, tail].join(" "));
}

const full = (records: string): Uint8Array => block(0, `10 1 0 ${records}`);
const frame = (...blocks: Uint8Array[]): Uint8Array => joined(HEAD, ...blocks);
const NAN = 0x7fc00000;
/** Entities of which nobody has to know anything, in full. */
const records = (count: number, place = "n10:0 n10:0", steps = "r0:0 r0:0", words = GOOD.words): string =>
  `g${count} p0 ${"r0:0 ".repeat(count)} ${`${place} `.repeat(count)} p0 ${`${steps} `.repeat(count)} ${words}`;

const ACCEPTED: readonly [string, Uint8Array][] = [
  ["a frame with nothing in it", HEAD],
  ["a delta with everything", frame(delta())],
  ["a full block of one", frame(full(records(1)))],
  ["an empty block of the last cell", frame(block(5, "10 1 0 g0"))],
  ["another stream, in full", frame(block(0, "00 1 0 g0"))],
  ["another ack", joined(unhex("01 01 03 01"))],
  ["another entity, and the last value of the private part", unhex("01 06 03 02 80 20 05")],
  ["a forgotten cell that is not known", unhex("01 08 03 01 05")],
  [
    "7 zeros behind the last code",
    frame(
      block(
        0,
        "10 1 0 g2 p0 r0:0 r0:0 n10:0 n10:0 n10:0 n10:0 p0 r0:0 r0:0 r0:0 r0:0 ".concat(
          "p0 00 p0 00 p0 00 p0 00 p0 00 n32:0 n32:0 p0 00",
        ),
      ),
    ),
  ],
  ["an escape that need not be", frame(quiet({ moves: `01 g0 g0 p3 ${"1".repeat(24)} n32:16 r3:0` }))],
  ["moves to the border", frame(quiet({ moves: `01 g0 g0 p9 r9:${2 * 352} r9:${2 * 192}` }))],
  [
    "steps of 2,047, of age 2",
    frame(quiet({ head: "10 0 0 100", moves: "01 g0 g0 p11 r11:0 r11:0 r11:4094 r11:4093" })),
  ],
  ["changes of a word modulo 2^32", frame(quiet({ changes: "1 1000000 g0 g0 p31 r31:4294967295" }))],
  ["debt down to -128", frame(quiet({ changes: "1 0000001 g0 g0 p7 r7:255" }))],
  ["a leave for the last cell", frame(delta({ leaves: "g1 g0 1 n3:5" }))],
];

const REFUSED: readonly [string, Uint8Array][] = [
  ["no bytes", unhex("")],
  ["another kind", unhex("00 00 03")],
  ["the kind of a piece", unhex("02 00 03")],
  ["no flags", unhex("01")],
  ["no tick", unhex("01 00")],
  ["a flag that means nothing", unhex("01 10 03")],
  ["a varint that is longer than it need be", unhex("01 00 83 00")],
  ["a varint that does not end", unhex("01 00 83")],
  ["a varint of 6 bytes", unhex("01 00 80 80 80 80 80 01")],
  ["a varint of 33 bits", unhex("01 00 80 80 80 80 10")],
  ["a tick of 33 bits: 60 + 2^32 - 60", unhex("01 00 c4 ff ff ff 0f")],
  ["an ack that is the same", unhex("01 01 03 00")],
  ["an ack that does not come", unhex("01 01 03")],
  ["a you that is the same", unhex("01 02 03 81 20")],
  ["the private part of nobody", unhex("01 06 03 00 80 20 05")],
  ["a private part without values", unhex("01 04 03 00")],
  ["a 14th value of the private part", unhex("01 04 03 80 40 05")],
  ["a private part that ends within a float", unhex("01 04 03 01 00 00 20")],
  ["a private NaN", unhex("01 04 03 01 00 00 c0 7f")],
  ["a private infinity", unhex("01 04 03 01 00 00 80 ff")],
  ["no forgotten cells, though it says so", unhex("01 08 03 00")],
  ["more forgotten cells than it has bytes", unhex("01 08 03 03 00 00")],
  ["a forgotten cell outside", unhex("01 08 03 02 04 01")],
  ["a forgotten cell with a block", joined(unhex("01 08 03 01 00"), full(records(1)))],
  ["the second of two forgotten cells with a block", joined(unhex("01 08 03 02 00 00"), block(1, "10 1 0 g0"))],
  ["a block of a cell outside", frame(block(6, "10 1 0 g0"))],
  ["a block without a size", frame(unhex("00"))],
  ["a block without bytes", frame(unhex("00 00"))],
  ["a block that is longer than the frame", frame(unhex("00 02 05"))],
  ["a block of 2^28 bytes", frame(unhex("00 80 80 80 80 01 05"))],
  ["a good block, then a bad one", frame(delta(), unhex("00 02 05"))],
  ["a byte behind the last block", frame(delta(), unhex("00"))],
  ["stream 3", frame(block(0, "11 1 0 g0"))],
  ["a delta of a cell that is not known", frame(block(2, "10 0 0 000 g0 g0"))],
  ["a delta of another stream", frame(delta({ head: "00 0 0 000" }))],
  ["more leaves than members", frame(delta({ leaves: "g4 g0 0 g0 0 g0 0 g0 0", moves: "", changes: "" }))],
  ["a leave of a fourth of three members", frame(delta({ leaves: "g1 g3 1 n3:1", moves: "" }))],
  ["two leaves, the second of a fourth of three", frame(delta({ leaves: "g2 g1 0 g1 0" }))],
  ["a leave for its own cell", frame(delta({ leaves: "g1 g0 1 n3:0" }))],
  ["a leave for a seventh cell of six", frame(delta({ leaves: "g1 g0 1 n3:6" }))],
  ["2^32 - 2 who enter", frame(delta({ ids: "g4294967294 p0 r0:0" }))],
  ["a count of 2^32 - 1", frame(delta({ ids: `${"1".repeat(32)}0 ${"0".repeat(64)}` }))],
  ["more who enter than there are bits for", frame(full(records(9, "", "", "")))],
  ["an id of 2^32", frame(delta({ ids: `g1 p0 ${"1".repeat(24)} n32:4294967295` }))],
  [
    "a second id of 2^32",
    frame(
      full(
        "g2 p31 r31:4294967294 r31:0 n10:0 n10:0 n10:0 n10:0 p0 0000 p0 00 p0 00 p0 00 p0 00 p0 00 n32:0 n32:0 p0 00",
      ),
    ),
  ],
  ["an enter of one who stays", frame(delta({ ids: "g1 p12 r12:8192" }))],
  ["an enter of one who leaves", frame(delta({ ids: "g1 p12 r12:4096" }))],
  ["a place of 513 steps", frame(delta({ places: "n10:513 n10:5 p0 r0:0 r0:0" }))],
  ["a place of 1,023 steps down", frame(full(records(1, "n10:0 n10:1023")))],
  ["steps of 2,048", frame(delta({ places: "n10:5 n10:5 p11 r11:4096 r11:0" }))],
  ["steps of -2,048", frame(delta({ places: "n10:5 n10:5 p11 r11:0 r11:4095" }))],
  ["a kind of -1", frame(delta({ words: GOOD.words.replace("p0 r0:0  p0 r0:0", "p0 r0:0  p0 r0:1") }))],
  ["a team of 256", frame(full(records(1, undefined, undefined, "p0 0 p0 0 p9 r9:512 p0 0 p0 0 n32:0 p0 0")))],
  ["a level of 65,536", frame(full(records(1, undefined, undefined, "p0 0 p0 0 p0 0 p0 0 p17 r17:131072 n32:0 p0 0")))],
  ["a debt of 128", frame(full(records(1, undefined, undefined, "p0 0 p0 0 p0 0 p0 0 p0 0 n32:0 p8 r8:256")))],
  ["a mood that is no number", frame(delta({ words: GOOD.words.replace("n32:0", `n32:${NAN}`) }))],
  ["moves of kind 3", frame(quiet({ moves: "11" }))],
  ["moves of 4 of 3", frame(quiet({ moves: `01 g3 g0 g0 g0 g0 p0 ${"0".repeat(8)}` }))],
  ["a move of a fourth of three", frame(quiet({ moves: "01 g0 g3 p0 00" }))],
  ["a move over the right border", frame(quiet({ moves: `01 g0 g0 p9 r9:${2 * 353} r9:0` }))],
  ["a move over the left border", frame(quiet({ moves: `01 g0 g0 p9 r9:${2 * 161 - 1} r9:0` }))],
  ["a move over the upper border", frame(quiet({ moves: `01 g0 g0 p9 r9:0 r9:${2 * 321 - 1}` }))],
  ["a move over the lower border", frame(quiet({ moves: `01 g0 g0 p9 r9:0 r9:${2 * 193}` }))],
  ["a move by 2^31 steps", frame(quiet({ moves: "01 g0 g0 p31 r31:4294967295 r31:0" }))],
  ["steps of 2,048, of age 2", frame(quiet({ head: "10 0 0 100", moves: "01 g0 g0 p11 r11:0 r11:0 r11:4096 r11:0" }))],
  ["a Rice code of 2^32", frame(quiet({ moves: `01 g0 g0 p31 110 ${"0".repeat(31)} r31:0` }))],
  ["changes of no field", frame(quiet({ changes: "1 0000000" }))],
  ["a change of 4 of 3", frame(quiet({ changes: "1 1000000 g3 g0 g0 g0 g0 p0 0000" }))],
  ["a change of a fourth of three", frame(quiet({ changes: "1 1000000 g0 g3 p0 r0:2" }))],
  ["a debt down to -129", frame(quiet({ changes: "1 0000001 g0 g0 p7 r7:257" }))],
  ["a kind of -1 by a change", frame(quiet({ changes: "1 0100000 g0 g0 p0 r0:3" }))],
  ["a mood that becomes infinite", frame(quiet({ changes: "1 0000010 g0 g0 n32:2139095040" }))],
  ["a hash that does not come", frame(quiet({ head: "10 0 1 000", tail: "n32:0" }).slice(0, -1))],
  ["a block that ends within a code", frame(block(0, "10 0 0 000"))],
  ["a block that ends within a float", frame(quiet({ changes: "1 0000010 g0 g0 n8:0" }))],
  ["a byte behind a block's last code", frame(quiet({ tail: "00000000" }))],
  ["a one behind a block's last code", frame(quiet({ tail: "1" }))],
];

const before = knowledge(stage().decoder);

test(`takes ${ACCEPTED.length} frames that are odd and good, and so does who only read the page`, () => {
  for (const [name, bytes] of ACCEPTED) {
    const { decoder, reader } = stage();
    try {
      decoder.decode(bytes);
      reader.read(bytes);
    } catch (error) {
      throw new Error(`${name}: ${hex(bytes)} is refused`, { cause: error });
    }
    assert.is.not(knowledge(decoder), before, name);
    assert.equal(new Set(reader.shown.keys()), new Set(decoder.entities.byId.keys()), name);
  }
});

test(`refuses ${REFUSED.length} frames, each against one rule, with BAD_FRAME, and knows then what it knew`, () => {
  const { decoder, reader } = stage();
  for (const [name, bytes] of REFUSED) {
    try {
      refuses("BAD_FRAME", () => decoder.decode(bytes));
      assert.throws(() => reader.read(bytes), /breaks a rule/);
    } catch (error) {
      throw new Error(`${name}: ${hex(bytes)}: ${(error as Error).message}`, { cause: error });
    }
    assert.is(knowledge(decoder), before, name);
  }
  decoder.decode(frame(delta()));
  reader.read(frame(delta()));
  assert.equal(new Set(reader.shown.keys()), new Set(decoder.entities.byId.keys()));
});

test("takes 1,024 blocks and refuses the 1,025th", () => {
  const made = new Stage(kernel, { size: { width: 40 * 32, height: 40 * 32, tileSize: 1 } });
  const blocks = (count: number): Uint8Array => frame(...Array.from({ length: count }, () => block(0, "10 1 0 g0")));
  refuses("BAD_FRAME", () => made.decoder.decode(blocks(1025)));
  assert.is(made.decoder.cells.size, 0);
  made.decoder.decode(blocks(1024));
  assert.is(made.decoder.cells.size, 1024);
});

test("a hash that is another one is a miss, which says the cell, and the frame counts", () => {
  const { decoder } = stage();
  const cells: number[] = [];
  decoder.onMismatch = (cell) => cells.push(cell);
  decoder.decode(frame(quiet({ head: "10 0 1 000", tail: "n32:1" })));
  assert.equal([cells, decoder.hashChecks, decoder.hashMisses, decoder.tick], [[0], 1, 1, 63]);
});

test("pieces: refuses those without bytes, of other kinds, and together above 4 MiB, and begins anew after it", () => {
  const assembler = new ChunkAssembler();
  const piece = (text: string): Uint8Array => unhex(text);
  for (const text of ["", "02", "02 00", "02 01", "02 02 05", "01 00 05"]) {
    refuses("BAD_FRAME", () => assembler.add(piece(text)));
  }
  assert.is(assembler.add(piece("02 00 01")), null);
  assert.equal([...assembler.add(piece("02 01 00 03"))!], [1, 0, 3]);
  assembler.add(piece("02 00 01"));
  refuses("BAD_FRAME", () => assembler.add(piece("02 03 01")));
  assert.equal([...assembler.add(piece("02 01 09"))!], [9]);
  const large = new Uint8Array(2 + FRAME_BYTES_MAX);
  large.set([2, 0]);
  assert.is(assembler.add(large), null);
  refuses("BAD_FRAME", () => assembler.add(piece("02 01 00")));
});

const TRIES = 10_000 * EFFORT;

test(`${TRIES} seeded mutations and truncations of frames: each is refused and changes nothing, or leaves a world that is consistent`, async () => {
  const { tries, refused, compared } = await fuzzFrames(1, TRIES);
  assert.is(tries, TRIES);
  assert.ok(refused > TRIES / 2 && refused < TRIES, `${refused} of ${TRIES} were refused`);
  assert.ok(compared > TRIES / 40, `${compared} were compared`);
});

test("20,000 seeded mutations of clients' messages: what is refused gets one error and leaves the world as its twin is", async () => {
  const { tries, refused, said, closed } = await fuzzMessages(1, 20_000);
  assert.is(tries, 20_000);
  assert.ok(refused > 10_000 && refused < 20_000, `${refused} of 20,000 were refused`);
  assert.ok(said > 1000 && closed > 2, `${said} were said to a server, ${closed} sessions closed`);
});

const SOCKET_TRIES = 1000 * EFFORT;
const CLIENT_TRIES = 400 * EFFORT;

test(`${SOCKET_TRIES} seeded utterances of mutated WebSocket frames: each closes with the code that RFC 6455 and the page say, or is answered, and only messages have an effect`, async () => {
  const { tries, heard, codes } = await fuzzSockets(1, SOCKET_TRIES);
  assert.is(tries, SOCKET_TRIES);
  assert.ok(heard > SOCKET_TRIES, `${heard} frames were heard`);
  for (const code of [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009])
    assert.ok(codes[code]! > 0, `none with ${code}`);
});

test(`${CLIENT_TRIES} seeded mutations of what a client is told: it goes on, or closes with 4002 once and shows what it showed`, async () => {
  const { tries, refused, compared } = await fuzzConnections(1, CLIENT_TRIES);
  assert.is(tries, CLIENT_TRIES);
  assert.ok(refused > CLIENT_TRIES / 2 && refused < CLIENT_TRIES, `${refused} were refused`);
  assert.ok(compared > 10, `${compared} were compared`);
});

test.run();
