/**
 * Snapshots on the wire: golden bytes of each kind of block, a model test in which the decoded view must equal what the
 * world holds there, and a decoder that no damaged frame can crash or change.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import type { ColumnType } from "../src/kernel/types.js";
import { FieldTable, isFieldValue, OWN_COLUMNS_MAX } from "../src/protocol/fields.js";
import { FrameBuffer } from "../src/protocol/frame-buffer.js";
import { cellIndex, dequantise, interestGrid, quantise } from "../src/protocol/interest.js";
import { JsonEncoder } from "../src/protocol/json-encoder.js";
import type { EntityListener, EntityRecord } from "../src/protocol/remote-entity.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { SnapshotEncoder } from "../src/protocol/snapshot-encoder.js";
import { VIEW_SIDE_MAX, View } from "../src/protocol/view.js";
import { below, FakeZone, generator, type RandomNumber } from "./support/fake-zone.js";

/** One snapshot composed for one view. */
function snapshot(encoder: SnapshotEncoder, tick: number, highWater: number, view: View, you: number, ack = 0) {
  const frame = new FrameBuffer(0);
  encoder.begin(tick, highWater);
  const size = encoder.compose(view, you, ack, frame);
  frame.grow(size);
  assert.is(encoder.compose(view, you, ack, frame), size, "the size asked for is the size written");
  encoder.end();
  return frame.bytes.slice(0, size);
}

const TYPES: readonly ColumnType[] = ["f32", "i32", "u32", "i16", "u16", "i8", "u8"];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const unspaced = (text: string): string => text.replace(/\s+/g, "");

function refusal(f: () => void): string {
  try {
    f();
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "accepted";
}

/** Everything a decoder knows, for comparison. */
function dump(decoder: SnapshotDecoder) {
  const entities = [...decoder.entities.byId.values()].map((entity) => ({ ...entity })).sort((a, b) => a.id - b.id);
  return { tick: decoder.tick, ack: decoder.ack, you: decoder.you && { ...decoder.you }, entities };
}

// Interest cells

test("a cell is 32 tiles wide, but at most 4,064 units", () => {
  assert.equal(interestGrid(16384, 8200, 32), { side: 1024, columns: 16, rows: 9, count: 144 });
  assert.is(interestGrid(16384, 16384, 128).side, 4064);
  assert.is(interestGrid(1, 1, 32).count, 1);
});

test("refuses zones of no, of too many and of countless cells with BAD_ARGUMENT", () => {
  const refused: [number, number, number][] = [
    [0, 100, 32],
    [100, -1, 32],
    [100, 100, 0],
    [Number.NaN, 100, 32],
    [Number.POSITIVE_INFINITY, 100, 32],
    [1025 * 1024, 1024 * 1024, 32],
  ];
  for (const spec of refused)
    assert.is(
      refusal(() => interestGrid(...spec)),
      "BAD_ARGUMENT",
      `${spec}`,
    );
  assert.is(interestGrid(1024 * 1024, 1024 * 1024, 32).count, 1 << 20);
});

test("what lies on the far border or outside counts to the border cell", () => {
  const indices = [-5, 0, 1023.9, 1024, 4096, 9999].map((x) => cellIndex(x, 1024, 4));
  assert.equal(indices, [0, 0, 0, 1, 3, 3]);
});

test("a quantised position is within 1/32 unit, over 10,000 positions of the largest cell", () => {
  const random = generator(1);
  for (let i = 0; i < 10_000; i++) {
    const x = random() * 4064;
    const q = quantise(x);
    assert.ok(q === (q & 0xffff) && Math.abs(dequantise(q, 0) - x) <= 1 / 32, `${x}`);
  }
  assert.is(quantise(-0.001), 0);
  assert.is(quantise(5000), 0xffff);
});

// Golden bytes. Cells of 32 units, 3 columns.

function goldenZone() {
  const zone = new FakeZone(96, 64, 1, 8);
  zone.spawn(0, 10, 20, 100, 1, 2);
  zone.spawn(1, 40.03, 1.5, -1, 513, 255);
  zone.columns.vx[0] = 1.5;
  zone.columns.vy[0] = -2;
  zone.columns.xp[0] = 70_000;
  zone.columns.gold[0] = 5;
  zone.columns.state[1] = 4;
  zone.columns.level[1] = 300;
  return zone;
}

test("golden bytes: a player's first frame is its private part and full blocks", () => {
  const zone = goldenZone();
  const bytes = snapshot(new SnapshotEncoder(zone), 7, 8, new View(), zone.columns.id[0]!, 9);
  const golden = `
    01 00 0200  07000000  09000000  01000000
    00002041 0000a041 0000c03f 000000c0  64000000 70110100 05000000 0100 0000
    0000 0000
    00000000 01000000  01000000 a000 4001 64000000 0100 02 00 0100  0000
    01000000 01000000  01100000 8000 1800 ffffffff 0102 ff 04 2c01  0000`;
  assert.is(hex(bytes), unspaced(golden));
});

test("golden bytes: a delta has leaves, enters, near and far moves and changed fields", () => {
  const zone = goldenZone();
  zone.spawn(2, 5, 5);
  zone.spawn(3, 6, 6);
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 31, 31);
  snapshot(encoder, 7, 8, view, 0);
  zone.columns.x[0] = 9.5; // near: -8 steps
  zone.columns.y[2] = 30; // far: 400 steps
  zone.columns.hp[2] = 99;
  zone.columns.kind[2] = 3;
  zone.columns.team[2] = 4;
  zone.columns.state[2] = 2;
  zone.columns.level[2] = 258;
  zone.columns.x[1] = 1; // comes from cell 1
  zone.columns.y[3] = 32; // goes to cell 3
  const golden = `
    01 00 0100  0a000000  00000000  00000000
    0000 0000
    00000080 01000000 01000000 02000000
    01300000 03000000
    01100000 1000 1800 ffffffff 0102 ff 04 2c01
    01000000 01 f800
    01200000 7e 5000 e001 63000000 0300 04 02 0201`;
  assert.is(hex(snapshot(encoder, 10, 8, view, 0)), unspaced(golden));
});

test("golden bytes: who left the zone goes to cell 0xffffffff, and a still cell has no block", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 96, 64);
  snapshot(encoder, 7, 8, view, 0);
  zone.despawn(1);
  const golden = `
    01 00 0100  08000000  00000000  00000000
    0000 0000
    01000080 01000000 00000000 00000000
    01100000 ffffffff`;
  assert.is(hex(snapshot(encoder, 8, 8, view, 0)), unspaced(golden));
});

test("golden bytes: forgotten cells are listed, new empty cells are not", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 63, 1);
  snapshot(encoder, 7, 8, view, 0);
  view.watch(32, 0, 96, 1);
  const golden = "01 00 0000  08000000  00000000  00000000  0100 0000  00000000";
  assert.is(hex(snapshot(encoder, 8, 8, view, 0)), unspaced(golden));
});

test("golden bytes: after a missed snapshot each cell of the view comes in full, even if empty", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 63, 1);
  snapshot(encoder, 7, 8, view, 0);
  zone.despawn(0);
  encoder.begin(8, 8);
  encoder.end();
  const golden = `
    01 00 0200  09000000  00000000  00000000
    0000 0000
    00000000 00000000
    01000000 01000000  01100000 8000 1800 ffffffff 0102 ff 04 2c01  0000`;
  assert.is(hex(snapshot(encoder, 9, 8, view, 0)), unspaced(golden));
});

test("golden bytes: the game's columns follow the fixed fields, and in an update a u16 of bits follows the mask", () => {
  const columns = [
    { name: "mood", type: "f32" },
    { name: "ammo", type: "u16" },
    { name: "heat", type: "i8" },
  ] as const;
  const zone = new FakeZone(96, 64, 1, 8, [...columns, { name: "secret", type: "u32" }]);
  zone.spawn(0, 10, 20, 100, 1, 2);
  zone.spawn(1, 11, 20, 100, 1, 2);
  zone.own["mood"]![0] = 1.5;
  zone.own["heat"]![0] = -2;
  const encoder = new SnapshotEncoder(zone, columns);
  const view = new View();
  view.watch(0, 0, 31, 31);
  const full = `
    01 00 0100  07000000  00000000  00000000
    0000 0000
    00000000 02000000
    01000000 a000 4001 64000000 0100 02 00 0100  0000c03f 0000 fe
    01100000 b000 4001 64000000 0100 02 00 0100  00000000 0000 00  0000`;
  assert.is(hex(snapshot(encoder, 7, 8, view, 0)), unspaced(full));
  zone.own["heat"]![0] = 127;
  zone.own["mood"]![0] = Number.NaN;
  zone.own["ammo"]![1] = 65_535;
  zone.own["secret"]![1] = 9;
  zone.columns.x[1] = 12;
  const delta = `
    01 00 0100  08000000  00000000  00000000
    0000 0000
    00000080 00000000 00000000 02000000
    01000000 80 0500 00000000 7f
    01100000 81 0200 1000 ffff  00`;
  assert.is(hex(snapshot(encoder, 8, 8, view, 0)), unspaced(delta));
});

test("a table takes 16 columns with names that are free, and refuses the 17th, taken, doubled and odd names, and types", () => {
  const most = Array.from({ length: OWN_COLUMNS_MAX }, (_, i) => ({ name: `c${i}`, type: TYPES[i % TYPES.length]! }));
  assert.is(new FieldTable(most).fields.length, 5 + 16);
  assert.equal(new FieldTable().blank(), { id: 0, x: 0, y: 0, hp: 0, kind: 0, team: 0, state: 0, level: 0 });
  const column = (name: string, type = "u8") => ({ name, type: type as ColumnType });
  const refused = [
    [...most, column("more")],
    ...["hp", "x", "id", "level", "constructor", "__proto__", "", "a b", "1st", "a".repeat(33)].map((name) => [
      column(name),
    ]),
    [column("a"), column("a")],
    [column("a", "f64")],
    [column("a", "toString")],
  ];
  for (const columns of refused) {
    assert.is(
      refusal(() => new FieldTable(columns)),
      "BAD_ARGUMENT",
      JSON.stringify(columns),
    );
  }
  const zone = new FakeZone(96, 64, 1, 8, [column("ammo")]);
  assert.is(
    refusal(() => new SnapshotEncoder(zone, [column("ammo")])),
    "accepted",
  );
  for (const columns of [[column("ammo", "i8")], [column("arrows")]]) {
    assert.is(
      refusal(() => new SnapshotEncoder(zone, columns)),
      "BAD_ARGUMENT",
    );
  }
});

test("a value from JSON is one of its type, both ends included, or refused", () => {
  const ends: [ColumnType, number, number][] = [
    ["i32", -(2 ** 31), 2 ** 31 - 1],
    ["u32", 0, 2 ** 32 - 1],
    ["i16", -32_768, 32_767],
    ["u16", 0, 65_535],
    ["i8", -128, 127],
    ["u8", 0, 255],
  ];
  for (const [type, least, most] of ends) {
    const field = new FieldTable([{ name: "a", type }]).fields.at(-1)!;
    for (const value of [least, most]) assert.ok(isFieldValue(field, value), `${type} ${value}`);
    for (const value of [least - 1, most + 1, 0.5, Number.NaN, "1", null])
      assert.not(isFieldValue(field, value), `${type} ${value}`);
  }
  const float = new FieldTable([{ name: "a", type: "f32" }]).fields.at(-1)!;
  for (const value of [0, -1.5, Math.fround(0.1), Math.fround(3.4e38)])
    assert.ok(isFieldValue(float, value), `${value}`);
  for (const value of [0.1, 1e39, Number.POSITIVE_INFINITY, Number.NaN, "0"])
    assert.not(isFieldValue(float, value), `${value}`);
});

test("an f32 that is not finite is refused, in an enter and in an update", () => {
  const columns = [
    { name: "heat", type: "u16" },
    { name: "mood", type: "f32" },
  ] as const;
  const zone = new FakeZone(96, 64, 1, 8, columns);
  zone.spawn(0, 10, 20);
  zone.own["mood"]![0] = 1.5;
  const encoder = new SnapshotEncoder(zone, columns);
  const view = new View();
  view.watch(0, 0, 31, 31);
  const enter = hex(snapshot(encoder, 1, 8, view, 0));
  zone.own["mood"]![0] = 2.5;
  zone.own["heat"]![0] = 3;
  zone.columns.x[0] = 11;
  const update = hex(snapshot(encoder, 2, 8, view, 0));
  const outcome = (frames: string[]): string => {
    const decoder = new SnapshotDecoder(zone, columns);
    return refusal(() => {
      for (const frame of frames) decoder.decode(Buffer.from(frame, "hex"));
    });
  };
  assert.is(outcome([enter, update]), "accepted");
  assert.is(outcome([enter.replace("0000c03f", "0000c07f")]), "BAD_FRAME");
  assert.is(outcome([enter, update.replace("00002040", "000080ff")]), "BAD_FRAME");
});

test("a decoder that goes to another zone forgets everybody, takes a lower tick and has the fields of that zone", () => {
  const [a, b] = [new FakeZone(96, 64, 1, 8), new FakeZone(32, 32, 1, 8, [{ name: "ammo", type: "u8" }])];
  const ledger = new Ledger();
  const decoder = new SnapshotDecoder(a, [], ledger);
  const map = decoder.entities.byId;
  const you = a.spawn(0, 90, 60);
  decoder.decode(snapshot(new SnapshotEncoder(a), 50, 8, new View(), you));
  assert.equal([...map.keys()], [you]);
  const columns = [{ name: "ammo", type: "u8" }] as const;
  decoder.reset(b, columns);
  assert.equal([map.size, ledger.records.size, decoder.you, decoder.tick], [0, 0, null, -1]);
  const other = b.spawn(3, 10, 10);
  b.own["ammo"]![3] = 7;
  decoder.decode(snapshot(new SnapshotEncoder(b, columns), 2, 8, new View(), other));
  assert.is(decoder.entities.byId.get(other)?.["ammo"], 7);
  assert.is(ledger.records.size, 1);
  assert.is(
    refusal(() => decoder.reset({ width: 0, height: 1, tileSize: 1 })),
    "BAD_ARGUMENT",
  );
  assert.is(map.size, 1, "who refuses changes nothing");
});

// Composing

test("a frame that does not fit its buffer is not written, and its blocks are not lost", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 96, 64);
  const small = new FrameBuffer(40);
  encoder.begin(1, 8);
  assert.is(encoder.compose(view, 0, 0, small), 16 + 4 + 28 + 28);
  assert.is(hex(small.bytes), "00".repeat(40));
  assert.is(view.sequence, 0);
  small.grow(76);
  assert.is(small.size, 128);
  assert.is(encoder.compose(view, 0, 0, small), 76);
  assert.is(view.sequence, 1);
});

test("composing the same snapshot twice repeats no block", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  const frame = new FrameBuffer(256);
  encoder.begin(1, 8);
  assert.is(encoder.compose(view, zone.columns.id[0]!, 0, frame), 48 + 4 + 28 + 28);
  assert.is(encoder.compose(view, zone.columns.id[0]!, 0, frame), 48 + 4);
});

test("two readers of a cell get the same bytes of one block", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const [a, b] = [new View(), new View()];
  a.watch(0, 0, 1, 1);
  b.watch(0, 0, 1, 1);
  const [frameA, frameB] = [new FrameBuffer(256), new FrameBuffer(256)];
  encoder.begin(1, 8);
  encoder.compose(a, 0, 0, frameA);
  zone.columns.hp[0] = 1; // too late for this snapshot
  encoder.compose(b, 0, 0, frameB);
  assert.is(hex(frameA.bytes), hex(frameB.bytes));
});

test("a frame may be composed after the zone moved on: it is of the snapshot's tick, private part included", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const [early, late] = [new FrameBuffer(256), new FrameBuffer(256)];
  const you = zone.columns.id[0]!;
  encoder.begin(1, 8);
  encoder.compose(new View(), you, 0, early);
  zone.columns.x[0] = 30;
  zone.columns.vx[0] = 0;
  zone.despawn(1);
  encoder.compose(new View(), you, 0, late);
  assert.is(hex(early.bytes), hex(late.bytes));
});

test("an entity that died leaves its session without a private part, looking where it was", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  const decoder = new SnapshotDecoder(zone);
  const you = zone.columns.id[0]!;
  decoder.decode(snapshot(encoder, 1, 8, view, you));
  assert.is(decoder.you?.id, you);
  zone.despawn(0);
  zone.spawn(0, 90, 60);
  decoder.decode(snapshot(encoder, 2, 8, view, you));
  assert.is(decoder.you, null);
  assert.equal([...decoder.entities.byId.keys()], [zone.columns.id[1]]);
});

test("a view is cut to 32 x 32 cells around its middle", () => {
  const view = new View();
  view.watch(0, 0, 1e9, 33 * 1024 - 1);
  view.aim(interestGrid(100 * 1024, 100 * 1024, 32), -1);
  assert.equal(view.next, { column0: 34, row0: 0, column1: 34 + VIEW_SIDE_MAX, row1: VIEW_SIDE_MAX });
});

test("begin, compose and end are only taken in that order", () => {
  const encoder = new SnapshotEncoder(goldenZone());
  assert.throws(() => encoder.end(), "end() before begin()");
  assert.throws(() => encoder.compose(new View(), 0, 0, new FrameBuffer(9)), "compose() before begin()");
  encoder.begin(1, 8);
  assert.throws(() => encoder.begin(2, 8), "begin() before end()");
});

test("70,000 entities in one cell fit one block", () => {
  const zone = new FakeZone(1000, 1000, 32, 70_000);
  for (let slot = 0; slot < 70_000; slot++) zone.spawn(slot, 500, 500);
  const encoder = new SnapshotEncoder(zone);
  const view = new View();
  view.watch(0, 0, 1, 1);
  const decoder = new SnapshotDecoder(zone);
  decoder.decode(snapshot(encoder, 1, 70_000, view, 0));
  assert.is(decoder.entities.byId.size, 70_000);
  for (let slot = 0; slot < 70_000; slot++) zone.columns.x[slot] = 501;
  decoder.decode(snapshot(encoder, 2, 70_000, view, 0));
  assert.ok([...decoder.entities.byId.values()].every(({ x, y }) => x === 501 && y === 500));
});

// The model test

/** Follows the decoder's announcements; they must add up to the decoder's map. */
class Ledger implements EntityListener {
  readonly records = new Set<EntityRecord>();
  tick = -1;
  reset(): void {
    assert.is(this.records.size, 0, "all leave first");
  }
  begin(tick: number): void {
    this.tick = tick;
  }
  enter(record: EntityRecord): void {
    assert.not(this.records.has(record), "enters once");
    this.records.add(record);
  }
  update(record: EntityRecord): void {
    assert.ok(this.records.has(record), "is updated while in view");
  }
  leave(record: EntityRecord): void {
    assert.ok(this.records.delete(record), "leaves once");
  }
}

const SIDE = 4 * 32;
/** A column of every type. */
const OWN = TYPES.map((type) => ({ name: `own_${type}`, type }));

class Viewer {
  readonly zone: FakeZone;
  readonly slot: number;
  readonly views = [new View(), new View()] as const;
  readonly json = new JsonEncoder();
  readonly ledger = new Ledger();
  readonly binaryDecoder: SnapshotDecoder;
  readonly jsonDecoder: SnapshotDecoder;
  readonly frame = new FrameBuffer(64);
  /** Cells around its entity, or a rectangle of units. */
  looks: number | [number, number, number, number] = 1;
  #rect: number[] = [];

  constructor(zone: FakeZone, slot: number) {
    this.zone = zone;
    this.slot = slot;
    this.binaryDecoder = new SnapshotDecoder(zone, OWN, this.ledger);
    this.jsonDecoder = new SnapshotDecoder(zone, OWN);
  }

  get you(): number {
    return this.zone.columns.id[this.slot]!;
  }

  turn(random: RandomNumber): void {
    const [x, y] = [random() * 900 - 100, random() * 600 - 100];
    this.looks = random() < 0.5 ? below(random, 3) : [x, y, x + random() * 400, y + random() * 400];
    for (const view of this.views) {
      if (typeof this.looks === "number") view.follow(this.looks);
      else view.watch(...this.looks);
    }
  }

  receive(encoder: SnapshotEncoder, ack: number): void {
    const size = encoder.compose(this.views[0], this.you, ack, this.frame);
    if (size > this.frame.size) {
      this.frame.grow(size);
      encoder.compose(this.views[0], this.you, ack, this.frame);
    }
    this.binaryDecoder.decode(this.frame.bytes.slice(0, size));
    const text = this.json.compose(encoder, this.views[1], this.you, ack);
    this.jsonDecoder.applyJson(JSON.parse(text));
  }

  /** What it must see, worked out from the columns. */
  expected() {
    const { id, x, y, hp, kind, team, state, level } = this.zone.columns;
    const cell = (at: number, count: number): number => Math.min(count - 1, Math.max(0, Math.floor(at / SIDE)));
    if (typeof this.looks !== "number") {
      const [x0, y0, x1, y1] = this.looks;
      this.#rect = [cell(x0, 6), cell(y0, 4), cell(x1, 6), cell(y1, 4)];
    } else if (this.you !== 0) {
      const [column, row] = [cell(x[this.slot]!, 6), cell(y[this.slot]!, 4)];
      this.#rect = [column - this.looks, row - this.looks, column + this.looks, row + this.looks];
    } else if (this.#rect.length === 0) {
      // Never anywhere: the middle of 6 x 4 cells.
      this.#rect = [3 - this.looks, 2 - this.looks, 3 + this.looks, 2 + this.looks];
    }
    const [c0, r0, c1, r1] = this.#rect as [number, number, number, number];
    const entities = [];
    for (let slot = 0; slot < this.zone.capacity; slot++) {
      const [column, row] = [cell(x[slot]!, 6), cell(y[slot]!, 4)];
      if (id[slot] === 0 || column < c0 || column > c1 || row < r0 || row > r1) continue;
      const [qx, qy] = [Math.floor(x[slot]! * 16 + 0.5) / 16, Math.floor(y[slot]! * 16 + 0.5) / 16];
      const own = Object.fromEntries(OWN.map(({ name }) => [name, finite(this.zone.own[name]![slot]!)]));
      const fixed = { hp: hp[slot]!, kind: kind[slot]!, team: team[slot]!, state: state[slot]!, level: level[slot]! };
      entities.push({ id: id[slot]!, x: qx, y: qy, ...fixed, ...own });
    }
    return entities.sort((a, b) => a.id - b.id);
  }
}

/** What is no finite number goes as 0. */
const finite = (value: number): number => (Number.isFinite(value) ? value : 0);
const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45, -0.1, 3.4e38];

function disturb(zone: FakeZone, random: RandomNumber): void {
  const { id, x, y, vx, hp, kind, team, state, level, xp, gold } = zone.columns;
  for (let slot = 0; slot < zone.capacity; slot++) {
    const what = random();
    if (id[slot] === 0) {
      if (what < 0.2)
        zone.spawn(slot, random() * zone.width, random() * zone.height, below(random, 9), below(random, 70000));
    } else if (what < 0.5) {
      x[slot] = Math.min(zone.width, Math.max(0, x[slot]! + random() * 24 - 12));
      y[slot] = Math.min(zone.height, Math.max(0, y[slot]! + random() * 24 - 12));
      vx[slot] = random();
    } else if (what < 0.55) {
      x[slot] = random() * zone.width;
    } else if (what < 0.6) {
      hp[slot] = below(random, 2 ** 32) | 0;
    } else if (what < 0.65) {
      kind[slot] = below(random, 2 ** 16);
      team[slot] = below(random, 2 ** 8);
    } else if (what < 0.68) {
      state[slot] = below(random, 5);
      level[slot] = below(random, 2 ** 16);
      xp[slot] = below(random, 2 ** 32);
      gold[slot] = below(random, 2 ** 32);
    } else if (what < 0.75) {
      for (let n = below(random, 4); n >= 0; n--) {
        const { name, type } = OWN[below(random, OWN.length)]!;
        const column = zone.own[name]!;
        column[slot] = type === "f32" && random() < 0.3 ? ODD[below(random, ODD.length)]! : below(random, 2 ** 32);
      }
    } else if (what < 0.8) {
      zone.despawn(slot);
      if (random() < 0.5) zone.spawn(slot, random() * zone.width, random() * zone.height);
    }
  }
}

test("model: over 20 seeds x 150 snapshots, 6 moving, skipping, rejoining viewers see exactly what is there", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = generator(seed);
    const zone = new FakeZone(700, 500, 4, 60, OWN);
    const encoder = new SnapshotEncoder(zone, OWN);
    const viewers = Array.from({ length: 6 }, (_, i) => new Viewer(zone, i));
    for (let tick = 0; tick < 150; tick++) {
      const where = `seed ${seed} tick ${tick}`;
      disturb(zone, random);
      encoder.begin(tick, zone.capacity);
      viewers.forEach((viewer, i) => {
        if (random() < 0.03) viewers[i] = new Viewer(zone, viewer.slot);
        if (random() < 0.1) viewers[i]!.turn(random);
        if (random() < 0.2) return;
        check(viewers[i]!, encoder, tick, where);
      });
      encoder.end();
    }
  }
});

function check(viewer: Viewer, encoder: SnapshotEncoder, tick: number, where: string): void {
  viewer.receive(encoder, tick + 5);
  const binary = dump(viewer.binaryDecoder);
  assert.equal(binary.entities, viewer.expected(), where);
  assert.equal(dump(viewer.jsonDecoder), binary, where);
  assert.equal([binary.tick, binary.ack, binary.you?.id ?? 0], [tick, tick + 5, viewer.you], where);
  if (binary.you !== null) {
    const { x, vx, hp, xp, gold, level } = viewer.zone.columns;
    const expected = [x, vx, hp, xp, gold, level].map((column) => column[viewer.slot]);
    const { you } = binary;
    assert.equal([you.x, you.vx, you.hp, you.xp, you.gold, you.level], expected, where);
  }
  assert.is(viewer.ledger.tick, tick, where);
  assert.equal(viewer.ledger.records, new Set(viewer.binaryDecoder.entities.records.values()), where);
}

test("JSON: one id stands in one list, an update has only what changed, a spectator's you is null", () => {
  const zone = goldenZone();
  const encoder = new SnapshotEncoder(zone);
  const json = new JsonEncoder();
  const view = new View();
  const [a, b] = [zone.columns.id[0]!, zone.columns.id[1]!];
  encoder.begin(3, 8);
  const first = json.compose(encoder, view, a, 4);
  encoder.end();
  assert.equal(JSON.parse(first), {
    type: "snapshot",
    tick: 3,
    ack: 4,
    you: { id: a, x: 10, y: 20, vx: 1.5, vy: -2, hp: 100, xp: 70_000, gold: 5, level: 1 },
    enter: [
      { id: a, x: 10, y: 20, hp: 100, kind: 1, team: 2, state: 0, level: 1 },
      { id: b, x: 40, y: 1.5, hp: -1, kind: 513, team: 255, state: 4, level: 300 },
    ],
    update: [],
    leave: [],
  });
  zone.columns.x[0] = 33; // to another cell in view
  zone.despawn(1);
  const c = zone.spawn(1, 2, 2);
  view.watch(0, 0, 96, 64);
  encoder.begin(4, 8);
  const second = json.compose(encoder, view, 0, 0);
  encoder.end();
  assert.equal(JSON.parse(second), {
    type: "snapshot",
    tick: 4,
    ack: 0,
    you: null,
    enter: [{ id: c, x: 2, y: 2, hp: 100, kind: 0, team: 0, state: 4, level: 300 }],
    update: [{ id: a, x: 33 }],
    leave: [b],
  });
});

// Refusals

/** A decoder in mid-stream, and the good frame that follows. */
function midStream() {
  const zone = new FakeZone(96, 64, 1, 16, OWN);
  for (let slot = 0; slot < 12; slot++) zone.spawn(slot, 8 * slot, 5 * slot, slot, slot, slot);
  const encoder = new SnapshotEncoder(zone, OWN);
  const view = new View();
  const you = zone.columns.id[4]!;
  view.watch(0, 0, 60, 64);
  const first = snapshot(encoder, 10, 16, view, you);
  for (let slot = 0; slot < 9; slot++) zone.columns.x[slot]! += slot % 2 ? 7 : 13;
  zone.columns.hp[1] = 1000;
  zone.columns.team[2] = 9;
  for (const [i, { name }] of OWN.entries()) zone.own[name]![i % 3] = 7;
  zone.despawn(3);
  zone.spawn(12, 40, 40);
  view.watch(32, 0, 96, 64);
  return { zone, first, second: snapshot(encoder, 13, 16, view, you) };
}

test("100,000 seeded mutations and truncations of a frame never crash the decoder; a refused one changes nothing", () => {
  const { zone, first, second } = midStream();
  const seed = 4;
  const random = generator(seed);
  const start = () => {
    const decoder = new SnapshotDecoder(zone, OWN);
    decoder.decode(first);
    return decoder;
  };
  let decoder = start();
  const before = JSON.stringify(dump(decoder));
  const internals = () =>
    JSON.stringify([...decoder.entities.records.values()].map(({ cell, qx, qy }) => [cell, qx, qy]));
  const internalsBefore = internals();
  let refused = 0;
  for (let i = 0; i < 100_000; i++) {
    const bytes = second.slice(0, random() < 0.2 ? below(random, second.length + 1) : second.length);
    for (let n = below(random, 4); n > 0 && bytes.length > 0; n--)
      bytes[below(random, bytes.length)] = below(random, 256);
    const outcome = refusal(() => decoder.decode(bytes));
    if (outcome === "accepted") {
      decoder = start();
    } else {
      refused++;
      assert.is(outcome, "BAD_FRAME", `seed ${seed} frame ${i}`);
      // Comparing costs more than decoding: every tenth, and the whole stream at the end.
      if (i % 10 === 0) assert.is(JSON.stringify(dump(decoder)), before, `seed ${seed} frame ${i}`);
    }
  }
  assert.is(internals(), internalsBefore);
  assert.ok(refused > 40_000 && refused < 100_000, `${refused} of 100,000 refused`);
  decoder.decode(second);
  const clean = start();
  clean.decode(second);
  assert.equal(dump(decoder), dump(clean));
});

test("refuses, one by one, what docs/wire.md forbids", () => {
  const golden = {
    head: "01 00 0100  0a000000  00000000  00000000  0000 0000",
    delta:
      "00000080 01000000 01000000 01000000  01300000 03000000  01100000 1000 1800 ffffffff 0102 ff 00 0100  01000000 01 f800  000000",
  };
  const fresh = () => {
    const zone = goldenZone();
    zone.spawn(3, 6, 6);
    zone.columns.x[0] = 2;
    const encoder = new SnapshotEncoder(zone);
    const view = new View();
    view.watch(0, 0, 31, 31);
    const decoder = new SnapshotDecoder(zone);
    decoder.decode(snapshot(encoder, 9, 8, view, 0));
    return decoder;
  };
  const outcome = (text: string): string => refusal(() => fresh().decode(Buffer.from(unspaced(text), "hex")));
  const good = `${golden.head} ${golden.delta}`;
  assert.is(outcome(good), "accepted");
  const bad: [string, string][] = [
    ["an empty frame", ""],
    ["another kind", good.replace("01 00", "02 00")],
    ["flags", good.replace("01 00", "01 01")],
    ["an older tick", good.replace("0a000000", "08000000")],
    ["a private part that is not there", good.replace(/00000000 {2}0000 0000/, "01000000  0000 0000")],
    ["a reserved byte", good.replace("0000 0000 ", "0000 0100 ")],
    ["a forgotten cell with a block", good.replace("0000 0000 ", "0100 0000 00000000")],
    ["a forgotten cell outside", good.replace("0000 0000 ", "0100 0000 06000000")],
    ["forgotten cells out of order", good.replace("0000 0000 ", "0200 0000 02000000 01000000")],
    ["forgotten cells that do not fit", good.replace("0000 0000 ", "ffff 0000 ")],
    ["a missing block", good.replace("01 00 0100", "01 00 0200")],
    ["a block too many", good.replace("01 00 0100", "01 00 0000")],
    ["more blocks than a view has cells", good.replace("01 00 0100", "01 00 0104")],
    ["the same cell twice", `${good} ${golden.delta}`.replace("01 00 0100", "01 00 0200")],
    ["a cell outside", good.replace("00000080", "06000080")],
    ["a leave of somebody unknown", good.replace("01300000", "02300000")],
    ["a leave from a cell it is not in", good.replace("00000080", "02000080")],
    ["a leave to its own cell", good.replace("03000000  01100000", "00000000  01100000")],
    ["a leave to a cell outside", good.replace("03000000  01100000", "06000000  01100000")],
    ["an enter of id 0", good.replace("01100000", "00000000")],
    ["an enter of somebody known", good.replace("01100000", "01000000")],
    ["an update of somebody unknown", good.replace("01000000 01 f800", "01200000 01 f800")],
    ["an update of somebody who leaves", good.replace("01000000 01 f800", "01300000 01 f800")],
    ["an update without a change", good.replace("01000000 01 f800  0000", "01000000 00 f800  0000")],
    ["the mask bit of columns that the game has not", good.replace("01 f800  000000", "81 0100 f800 05")],
    ["the mask bit of columns, and none of them", good.replace("01 f800  000000", "81 0000 f800 00")],
    ["a near and a far move", good.replace("01 f800  000000", "03 f8000000 00")],
    ["a move out of the cell's u16", good.replace("01 f800", "01 8000")],
    ["padding that is not 0", `${good.slice(0, -1)}1`],
    ["bytes behind", `${good} 00000000`],
    ["a count that overflows", good.replace("01000000 01000000 01000000", "ffffffff ffffffff ffffffff")],
  ];
  for (const [name, text] of bad) assert.is(outcome(text), "BAD_FRAME", name);
});

test("refuses bad JSON snapshots with BAD_FRAME, and takes the good twin", () => {
  const entity = { id: 4097, x: 1, y: 2, hp: 3, kind: 4, team: 5, state: 0, level: 1, mood: 0.5 };
  const you = { id: 1, x: 1, y: 2, vx: 3, vy: 4, hp: 5, xp: 6, gold: 7, level: 8 };
  const good = { type: "snapshot", tick: 2, ack: 0, you: null, enter: [entity], update: [], leave: [] };
  const outcome = (changes: object, known = false): string => {
    const decoder = new SnapshotDecoder({ width: 96, height: 64, tileSize: 1 }, [{ name: "mood", type: "f32" }]);
    decoder.applyJson({ ...good, tick: 1, enter: known ? [entity] : [] });
    const before = JSON.stringify(dump(decoder));
    const result = refusal(() => decoder.applyJson({ ...good, ...changes }));
    if (result !== "accepted") assert.is(JSON.stringify(dump(decoder)), before);
    return result;
  };
  assert.is(outcome({}), "accepted");
  assert.is(outcome({ enter: [], update: [{ id: 4097, x: 9 }] }, true), "accepted");
  assert.is(outcome({ enter: [], leave: [4097] }, true), "accepted");
  assert.is(outcome({ you }), "accepted");
  const bad: [object, boolean][] = [
    [{ type: "shot" }, false],
    [{ tick: 0 }, false],
    [{ tick: 1.5 }, false],
    [{ ack: -1 }, false],
    [{ ack: "0" }, false],
    [{ you: { id: 1 } }, false],
    [{ you: { ...you, gold: undefined } }, false],
    [{ you: 3 }, false],
    [{ enter: {} }, false],
    [{ leave: undefined }, false],
    [{ leave: [4097] }, false],
    [{ enter: [null] }, false],
    [{ enter: [entity, entity] }, false],
    [{ enter: [{ ...entity, id: 0 }] }, false],
    [{ enter: [{ ...entity, x: null }] }, false],
    [{ enter: [{ ...entity, team: 256 }] }, false],
    [{ enter: [{ ...entity, kind: -1 }] }, false],
    [{ enter: [{ ...entity, hp: 2 ** 31 }] }, false],
    [{ enter: [{ ...entity, hp: 0.5 }] }, false],
    [{ enter: [{ ...entity, state: undefined }] }, false],
    [{ enter: [{ ...entity, mood: 0.1 }] }, false],
    [{ enter: [{ ...entity, mood: undefined }] }, false],
    [{ enter: [], update: [{ id: 4097, mood: null }] }, true],
    [{ enter: [{ id: 4097, x: 1, y: 2 }] }, false],
    [{ enter: [entity] }, true],
    [{ enter: [], update: [{ id: 4097, hp: "3" }] }, true],
    [{ enter: [], update: [{ id: 4097 }], leave: [4097] }, true],
    [{ enter: [], update: [{ id: 4098, x: 1 }] }, true],
  ];
  for (const [changes, known] of bad) assert.is(outcome(changes, known), "BAD_FRAME", JSON.stringify(changes));
});

test.run();
