/**
 * Snapshots on the wire: golden bytes of each kind of frame and block, as docs/wire.md has them, and of each control message; how frames are
 * composed; fields and cells. That frames of whole worlds are right is told by replication.test.ts, what is refused by refused-frames.test.ts.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { GyreError } from "../src/errors.js";
import { loadKernel } from "../src/kernel/load.js";
import { FAR, HISTORY, NEAR, NORMAL } from "../src/kernel/streams.js";
import type { ColumnType, Kernel } from "../src/kernel/types.js";
import { Flight } from "../src/net/flight.js";
import { ChunkAssembler } from "../src/protocol/chunks.js";
import { parseClientMessage, parseServerMessage } from "../src/protocol/control.js";
import { FieldTable, fieldValue, isFieldValue, isFieldWord, OWN_COLUMNS_MAX } from "../src/protocol/fields.js";
import { FRAME_AT, FrameBuffer } from "../src/protocol/frame-buffer.js";
import { cellIndex, type InterestGrid, interestGrid, quantise, STEPS_MAX } from "../src/protocol/interest.js";
import { JsonEncoder } from "../src/protocol/json-encoder.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { VIEW_SIDE_MAX, View } from "../src/protocol/view.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";
import { COLUMNS, SMALL, STREAM_FAR, STREAM_NEAR, STREAM_NORMAL, Stage, type StageSpec } from "./support/stage.js";
import { hex, unhex } from "./support/wire-text.js";

const BUILDS = ["simd", "scalar"] as const;
const kernels: readonly Kernel[] = await Promise.all(BUILDS.map((build) => loadKernel({ build })));
const kernel = kernels[0]!;
const TYPES: readonly ColumnType[] = ["f32", "i32", "u32", "i16", "u16", "i8", "u8"];

/** The same on a stage with each kernel; the view is of the first cell. What is said of either is said of both. */
function onBoth(play: (stage: Stage, is: (bytes: Uint8Array, golden: string) => void) => void, spec?: StageSpec): void {
  kernels.forEach((one, i) => {
    const stage = new Stage(one, spec);
    stage.view.watch(0, 0, 31, 31);
    play(stage, (bytes, golden) => assert.is(hex(bytes), hex(unhex(golden)), BUILDS[i]));
  });
}

/** How entity 4097 of the example comes in full at 10, 20. */
const EXAMPLE = "01 00 3c   00 0d   95 35 00 80 02 14 e0 84 04 0b 03 80 01";

// Golden bytes. Cells of 512 steps, 3 columns and 2 rows of them. Bits are written in the order in which they come.

test("golden bytes: the example of docs/wire.md: a full block, a move, and one who goes on", () => {
  onBoth((stage, is) => {
    stage.spawn(1, 10, 20);
    is(
      stage.frame(60),
      `01 00 3c   # kind, no flags, tick 60
       00 0d      # cell 0, 13 bytes
       95 35 00 80 02 14 e0 84 04 0b 03 80 01
          # 10 1 0                stream 1, full, not hashed
          # 100                   1 entity
          # 11010 11000000000000  p = 11; 4096, so the id is 4097
          # 0000010100 0000001010  160, 320
          # 00000 0 0             no steps
          # 11100 100001001       p = 7; hp 100
          # 00000 110             p = 0; kind 1
          # 10000 1100            p = 1; team 2
          # 00000 0               p = 0; state 0
          # 00000 110             p = 0; level 1`,
    );
    stage.set("x", 1, 10.5);
    is(
      stage.frame(63),
      `01 00 03   # 3 ticks later
       00 04      # cell 0, 4 bytes
       01 12 0f 00
          # 10 0 0 000            stream 1, delta, not hashed, age 1
          # 0 0                   no leaves, no enters
          # 10 01000 1111000 000  moves of all; p = 2; 8 steps right, 0 down
          # 0                     no changes`,
    );
    stage.set("x", 1, 11);
    is(
      stage.frame(66),
      `01 00 03   00 02
       01 00
          # 10 0 0 000 0 0        as before
          # 00 0                  nobody differs; no changes`,
    );
    stage.set("x", 1, 11.5);
    assert.is(stage.frame(69).length, 7, "as long as it goes on its cell says so");
    const { x, y } = stage.decoder.entities.byId.get(4097)!;
    assert.equal([x, y], [11.5, 20]);
  });
  assert.is(hex(unhex(EXAMPLE)).length, 36);
});

test("golden bytes: a frame with nothing to tell is 3 bytes; one with another ack has it", () => {
  onBoth((stage, is) => {
    stage.spawn(1, 10, 20);
    is(stage.frame(60), EXAMPLE);
    is(stage.frame(63), "01 00 03   # kind, no flags, 3 ticks later");
    is(stage.frame(66, 5), "01 01 03   05   # ack, 3 ticks later; 5 more");
    is(stage.frame(66 + 128, 5), "01 00 80 01   # 128 ticks later: 0 and 1 x 128");
    is(stage.frame(200, 4), "01 01 06   ff ff ff ff 0f   # ack goes back by 1: 2^32 - 1 more");
    assert.equal([stage.decoder.tick, stage.decoder.ack], [200, 4]);
  });
});

test("golden bytes: who has an entity has its private part, whole at first, then what changed, and nothing when it is gone", () => {
  onBoth((stage, is) => {
    const { world, decoder, view } = stage;
    const id = stage.spawn(1, 10, 20);
    world.entities[0] = id;
    const own = { vx: 1.5, vy: 0, speed: 60, halfSize: 8, wishX: -1, wishY: 0, xp: 300, gold: 5, readyAt: 70 };
    for (const [name, value] of Object.entries(own)) stage.set(name, 1, value);
    is(
      stage.frame(60, 1),
      `01 07 3c   # ack, you and private; tick 60
       01         # ack 1
       81 20      # you are 4097
       f7 3e      # 11101111 1011111: all but vy and wishY
       00 00 20 41   00 00 a0 41   00 00 c0 3f   # x 10, y 20, vx 1.5
       00 00 70 42   00 00 00 41   00 00 80 bf   # speed 60, halfSize 8, wishX -1
       ac 02      # xp 300
       05         # gold 5
       46         # readyAt 70
       c8 01      # hp: 200, the zigzag of 100
       01         # level 1
       00 0d   95 35 00 80 02 14 e0 84 04 0b 03 80 01   # cell 0 as in the example`,
    );
    assert.equal(decoder.you, { id, x: 10, y: 20, ...own, hp: 100, level: 1 });
    stage.set("x", 1, 10.01);
    stage.set("hp", 1, -3);
    is(
      stage.frame(63, 1),
      `01 04 03      # private; 3 ticks later
       81 10         # bits 0 and 11: x and hp
       f6 28 20 41   # x 10.01
       05            # hp: the zigzag of -3
       00 05         # cell 0, 5 bytes
       01 18 38 35 01
          # 10 0 0 000 0 0        stream 1, delta, age 1, no leaves, no enters
          # 00                    nobody moved by a step
          # 1 10000               changes, of field 0, hp
          # 0 0                   of 1, ordinal 0
          # 11100 101011001       p = 7; -103`,
    );
    assert.equal([decoder.you?.x, decoder.you?.hp, decoder.you?.level], [Math.fround(10.01), -3, 1]);
    world.entities[0] = 0;
    is(stage.frame(66, 1), "01 02 03   00   # you; 3 ticks later; nobody");
    assert.is(decoder.you, null);
    world.entities[0] = id;
    stage.set("vx", 1, Number.NaN);
    stage.set("speed", 1, Number.POSITIVE_INFINITY);
    is(
      stage.frame(69, 1),
      `01 06 03   81 20   # you and private; 4097
       e3 3e   # all but vx, vy, speed, of which two are no numbers and so 0, and wishY
       f6 28 20 41   00 00 a0 41   00 00 00 41   00 00 80 bf   ac 02   05   46   05   01`,
    );
    assert.equal([decoder.you?.vx, decoder.you?.speed], [0, 0]);
    assert.is(view.you, id);
  });
});

test("golden bytes: forgotten cells, and those newly in view, in full also when nobody is in them", () => {
  onBoth((stage, is) => {
    is(
      stage.frame(1),
      `01 00 01   00 01   # cell 0, 1 byte
       05
          # 10 1 0 0              stream 1, full, not hashed, 0 entities`,
    );
    stage.view.watch(64, 32, 95, 63);
    is(
      stage.frame(4),
      `01 08 03   # forgotten; 3 ticks later
       01   00    # 1 cell: 0
       05   01    # cell 5, 1 byte
       05`,
    );
    assert.equal([...stage.decoder.cells.keys()], [5]);
    stage.view.watch(0, 0, 63, 31);
    is(
      stage.frame(7),
      `01 08 03   01   05   # 1 forgotten cell: 5
       00 01 05   # cell 0
       00 01 05   # the next one, 1`,
    );
    stage.view.watch(0, 32, 31, 63);
    is(stage.frame(10), "01 08 03   02   00 00   # 2 forgotten cells: 0 and the next one \n 03 01 05");
  });
});

test("golden bytes: a delta in which one leaves for another cell, one enters, one leaves the zone", () => {
  onBoth((stage, is) => {
    stage.spawn(1, 10, 20);
    stage.frame(60);
    stage.set("x", 1, 40);
    is(
      stage.frame(63),
      `01 00 03   00 02
       81 18
          # 10 0 0 000            stream 1, delta, age 1
          # 100 0 1 100           1 leaves, ordinal 0, for a cell, 1
          # 0                     nobody enters; nobody stays`,
    );
    stage.set("x", 1, 10);
    is(
      stage.frame(66),
      `01 00 03   00 10
       01 59 03 00 28 40 a1 fb 05 70 42 82 85 01 c0 00
          # 10 0 0 000            stream 1, delta, age 1
          # 0                     nobody leaves
          # 100                   1 enters
          # 11010 11000000000000  p = 11; id 4097
          # 0000010100 0000001010  160, 320
          # 00010 111011111101    p = 8; 480 steps to the left
          # 000000000             none down
          # 11100 100001001 00000 110 10000 1100 00000 0 00000 110   as in full`,
    );
    stage.world.despawn(1);
    is(
      stage.frame(69),
      `01 00 03   00 02
       81 00
          # 10 0 0 000            stream 1, delta, age 1
          # 100 0 0               1 leaves, ordinal 0, for no cell
          # 0                     nobody enters`,
    );
    assert.is(stage.decoder.entities.byId.size, 0);
    is(stage.frame(72), "01 00 03");
  });
});

test("golden bytes: moves of all of 5, of one of 5, and after a jump, from which nothing follows", () => {
  onBoth((stage, is) => {
    const xs = [0, 1, 2, 3, 4].map((slot) => 4 * slot + 2);
    const step = (slot: number): number => (slot % 2 === 0 ? -0.25 : 0.125);
    xs.forEach((x, slot) => {
      stage.spawn(slot, x, 8);
    });
    stage.frame(1);
    for (const [slot, x] of xs.entries()) stage.set("x", slot, x + step(slot));
    is(
      stage.frame(4),
      `01 00 03   00 07
       01 0a 97 e1 32 5c 00
          # 10 0 0 000 0 0        stream 1, delta, age 1, no leaves, no enters
          # 10 10000              moves of all; p = 1
          # 11101 00 1100 00 11101 00 1100 00 11101 00   4 steps left or 2 right, none down
          # 0                     no changes`,
    );
    for (const [slot, x] of xs.entries()) stage.set("x", slot, x + 2 * step(slot));
    stage.set("y", 3, 30);
    is(
      stage.frame(7),
      `01 00 03   00 06
       01 34 10 80 01 03
          # 10 0 0 000 0 0        as before
          # 01 0 11000            moves of some: 1, ordinal 3
          # 00010 000000000 11000000011   p = 8; 0 right of where it had to be, 352 down
          # 0                     no changes`,
    );
    assert.is(stage.decoder.entities.byId.get(3 * 4096 + 1)?.y, 30);
  });
  // 3,000 steps down, in cells of 8,192, is a jump; then it stands still, and nobody has to say so.
  onBoth(
    (stage, is) => {
      stage.spawn(0, 10, 10);
      stage.frame(1);
      stage.set("y", 0, 10 + 3000 / 16);
      is(
        stage.frame(4),
        `01 00 03   00 06
         01 5a 00 30 b8 03
          # 10 0 0 000 0 0        stream 1, delta, age 1, no leaves, no enters
          # 10 11010              moves of all; p = 11
          # 000000000000          0 right
          # 11000001110111        3,000 down: 6,000 = 2 x 2,048 + 1,904
          # 0                     no changes`,
      );
      is(stage.frame(7), "01 00 03");
    },
    { size: { width: 1024, height: 1024, tileSize: 16 } },
  );
});

test("golden bytes: who missed a snapshot gets one delta of age 2, with steps; who missed 9 gets the cell in full", () => {
  onBoth((stage, is) => {
    stage.spawn(1, 10, 20);
    stage.frame(1);
    stage.take(4);
    stage.set("x", 1, 10.5);
    is(
      stage.frame(7),
      `01 00 06   00 05
       11 12 0f 3c 00
          # 10 0 0 100            stream 1, delta, not hashed, age 2
          # 0 0                   no leaves, no enters
          # 10 01000              moves of all; p = 2
          # 1111000 000           8 steps right of where it stood, none down
          # 1111000 000           and its steps are 8, 0
          # 0                     no changes`,
    );
    for (let tick = 10; tick <= 31; tick += 3) stage.take(tick);
    assert.is(stage.compose()[5]! & 0x74, 0x70, "8 snapshots: age 8");
    stage.view.spoil();
    assert.is(stage.compose()[5]! & 4, 4, "in full");
  });
  onBoth((stage) => {
    stage.spawn(1, 10, 20);
    stage.frame(1);
    for (let tick = 4; tick <= 28; tick += 3) stage.take(tick);
    assert.is(stage.read(stage.compose())[5]! & 4, 4, "9 snapshots: in full");
  });
});

test("golden bytes: columns: a raw float, one with a step, an i8 and a u32, in full and as changes", () => {
  onBoth(
    (stage, is) => {
      stage.spawn(1, 10, 20);
      stage.spawn(2, 12, 20);
      for (const [name, value] of Object.entries({ mood: 1.5, mana: 0.8, debt: -2, mark: 2 ** 32 - 1 })) {
        stage.set(name, 1, value);
      }
      is(
        stage.frame(1),
        `01 00 01   00 1f
         d5 35 00 f4 7f 50 80 02 06 28 00 27 64 48 b0 85 19 00 d8 00 00 80 7f 00 00 00 00 c2 01 1c 10
          # 10 1 0 101            stream 1, full, not hashed, 2 entities
          # 11010 11000000000000 1011111111111      p = 11; ids 4097, 8193
          # 0000010100 0000001010 0000001100 0000001010   160, 320; 192, 320
          # 00000 0 0 0 0         no steps
          # 11100 100001001 100001001   hp 100
          # 00000 110 110   10000 1100 1100   00000 0 0   00000 110 110   kind, team, state, level
          # 00000000000000000000001111111100 00000000000000000000000000000000   mood: 3fc00000 is 1.5, 0
          # 10000 11100 00        p = 1; mana: 3 steps of 0.25, 0
          # 00000 1110 0          p = 0; debt: -2, 0
          # 00000 10 0            p = 0; mark: ffffffff is -1 as an i32; 0`,
      );
      const { byId } = stage.decoder.entities;
      const of = (id: number) => COLUMNS.map(({ name }) => byId.get(id)?.[name]);
      assert.equal(of(4097), [1.5, 0.75, -2, 2 ** 32 - 1]);
      stage.set("hp", 1, 90);
      stage.set("mood", 2, -2);
      stage.set("mana", 1, 1);
      stage.set("debt", 2, 127);
      stage.set("mark", 1, 0);
      is(
        stage.frame(4),
        `01 00 03   00 0e
         01 18 9e b1 09 00 00 00 30 60 72 f2 03 06
          # 10 0 0 000 0 0 00     stream 1, delta, age 1, no leaves, no enters, nobody moved
          # 1 100001111           changes, of fields 0, 5, 6, 7, 8
          # 0 0   11000 110110    hp: of 1, ordinal 0; p = 3; -10
          # 0 100 00000000000000000000000000000011   mood: of 1, ordinal 1; c0000000 is -2
          # 0 0   00000 110       mana: of 1, ordinal 0; p = 0; 1 step more
          # 0 100 11100 100111111   debt: of 1, ordinal 1; p = 7; 127 more
          # 0 0   00000 110       mark: of 1, ordinal 0; p = 0; 1 more, modulo 2^32`,
      );
      assert.equal([byId.get(4097)?.hp, ...of(4097)], [90, 1.5, 1, -2, 0]);
      assert.equal([byId.get(8193)?.hp, ...of(8193)], [100, -2, 0, 127, 0]);
      stage.set("mood", 1, Number.NaN);
      stage.set("mood", 2, Number.NEGATIVE_INFINITY);
      stage.set("mana", 1, 1e30);
      stage.set("mana", 2, Number.NaN);
      stage.frame(7);
      assert.equal([...of(4097), ...of(8193)], [0, (2 ** 31 - 1) / 4, -2, 0, 0, 0, 127, 0], "what is no number is 0");
    },
    { columns: COLUMNS },
  );
});

test("golden bytes: a hash comes with a block that has nothing else to say", () => {
  onBoth(
    (stage, is) => {
      stage.spawn(1, 10, 20);
      stage.frame(1);
      is(
        stage.frame(4),
        `01 00 03   00 06
         09 30 25 e1 1d 02
          # 10 0 1 000            stream 1, delta, hashed, age 1
          # 0 0 00 0              nothing changed
          # 11001010010010000111101110000100   21de1253`,
      );
      is(stage.frame(7), "01 00 03");
      const mix = (h: number, v: number): number => Math.imul(((h << 5) | (h >>> 27)) ^ v, 0x9e3779b1);
      const hash = [4097, 160, 320, 0, 100, 1, 2, 0, 1].reduce(mix, 1) >>> 0;
      assert.is(hash.toString(16), "21de1253", "id, x, y, steps, hp, kind, team, state, level, over the count");
      assert.equal([stage.decoder.hashChecks, stage.decoder.hashMisses, stage.reader.hashes], [1, 0, 1]);
    },
    { hashEvery: 2 },
  );
});

test("golden bytes: streams have blocks of their own, and a frame those of its tick alone", () => {
  const plan = { nearRadius: 0, viewRadius: 1, farRadius: 2 };
  kernels.forEach((one, i) => {
    const stage = new Stage(one, { plan });
    const is = (bytes: Uint8Array, golden: string): void => assert.is(hex(bytes), hex(unhex(golden)), BUILDS[i]);
    const id = stage.spawn(1, 10, 20);
    stage.world.entities[0] = id;
    const near = hex(stage.frame(2, 0, STREAM_NEAR));
    assert.match(near, /000d.{26}$/, "cell 0 alone");
    is(
      stage.frame(3, 0, STREAM_NORMAL),
      `01 00 01
       01 01 05   # cell 1: 10 1 0 0, stream 1, full, not hashed, empty
       01 01 05   # cell 3
       00 01 05   # cell 4`,
    );
    is(
      stage.frame(12, 0, STREAM_FAR | STREAM_NEAR),
      `01 00 09
       02 01 06   # cell 2: 01 1 0 0, stream 2
       02 01 06   # cell 5`,
    );
    // Into a cell by another stream that is not due: it is between them, as it was.
    stage.world.entities[0] = stage.spawn(2, 10, 21);
    stage.set("x", 1, 40);
    stage.frame(14, 0, STREAM_NEAR);
    assert.equal(
      [...stage.decoder.entities.between].map(({ entity }) => [entity.id, entity.x]),
      [[id, 10]],
    );
    stage.frame(15, 0, STREAM_NORMAL);
    assert.equal([stage.decoder.entities.between.size, stage.decoder.entities.byId.get(id)?.x], [0, 40]);
    assert.equal(stage.reader.odd, []);
  });
});

test("golden bytes: a frame of 32,764 bytes goes as it is, one of 32,765 in two pieces, which are it again", () => {
  for (const size of [32_764, 32_765, 100_000]) {
    const wire = new MemoryWire();
    const flight = new Flight(
      { bytes: 0 },
      () => 0,
      () => {},
    );
    flight.start();
    flight.buffer.grow(size);
    const frame = Uint8Array.from({ length: size }, (_, i) => (i === 0 ? 1 : i % 251));
    flight.buffer.bytes.set(frame, FRAME_AT);
    flight.send(wire, size);
    assert.ok(wire.frames.every(({ length }) => length <= 32_764));
    const isIt = (bytes: Uint8Array): boolean => Buffer.compare(bytes, frame) === 0;
    if (size === 32_764) {
      assert.equal(wire.frames.map(isIt), [true]);
      continue;
    }
    const heads = wire.frames.map((piece) => hex(piece.subarray(0, 2)));
    assert.equal(heads, size === 32_765 ? ["0200", "0201"] : ["0200", "0200", "0200", "0201"]);
    const assembler = new ChunkAssembler();
    const wholes = wire.frames.map((piece) => assembler.add(piece));
    assert.ok(wholes.slice(0, -1).every((whole) => whole === null) && isIt(wholes.at(-1)!), `${size} bytes`);
  }
});

test("the rest of a frame in pieces does not come to a client that is told of another zone, and the flight lands", () => {
  const wire = new MemoryWire(true, true);
  const flight = new Flight(
    { bytes: 0 },
    () => 0,
    () => {},
  );
  flight.start();
  flight.buffer.grow(200_000);
  flight.send(wire, 200_000);
  wire.flush();
  assert.is(wire.frames.length, 2);
  flight.cut();
  assert.is(flight.bytes, 32_768, "the second is on its way, with its head");
  wire.flush();
  assert.equal([wire.frames.length, flight.bytes], [2, 0]);
  flight.send(wire, 100);
  assert.equal([wire.frames.length, wire.frames[2]!.length], [3, 100]);
});

test("golden texts of every control message, both ways", () => {
  const client = [
    '{"type":"join","name":"ann","zone":"zone-1"}',
    '{"type":"input","seq":7,"dx":1,"dy":-0.5,"action":"attack","tick":90}',
    '{"type":"ping","t":12.5}',
    '{"type":"leave"}',
    '{"type":"resume","session":"0123456789abcdefghijkl"}',
    '{"type":"view","x0":0,"y0":-1,"x1":100,"y1":50,"zone":"zone-0"}',
    '{"type":"repair","cell":8}',
  ];
  for (const text of client) assert.is(JSON.stringify(parseClientMessage(text)), text);
  const zone =
    '"zone":{"name":"arena-0","template":"arena","width":96,"height":64,"tileSize":1,"stepsPerUnit":100,"interestTiles":8,' +
    '"columns":[{"name":"ammo","type":"u16"},{"name":"mana","type":"f32","step":0.25}],' +
    '"kinds":[{"name":"wolf","hp":40,"levelHp":5,"halfSize":8}],"gates":[{"x0":0,"y0":0,"x1":4,"y1":4,"to":"zone-1"}]}';
  const server = [
    `{"type":"watching","tick":5,"tickRate":60,"snapshotRate":20,${zone}}`,
    '{"type":"event","name":"wave","data":{"number":3}}',
    '{"type":"error","code":"ZONE_FULL","message":"zone-0 has no seat left"}',
    '{"type":"pong","t":12.5,"tick":90}',
  ];
  for (const text of server) assert.is(JSON.stringify(parseServerMessage(text)), text);
  const welcome = `{"type":"welcome","you":4097,"tick":5,"tickRate":60,"snapshotRate":20,"session":"0123456789abcdefghijkl","resumed":true,${zone}}`;
  assert.equal(parseServerMessage(welcome), JSON.parse(welcome));
  for (const cell of ["-1", "1.5", '"8"', "4294967296"]) {
    refuses("BAD_MESSAGE", () => parseClientMessage(`{"type":"repair","cell":${cell}}`));
  }
});

// Cells and steps

test("a cell is 32 tiles wide, or as many as the game says, in whole steps, and doubled while there would be more than 65,536", () => {
  const grid = (width: number, height: number, tileSize: number, steps?: number, tiles?: number) => {
    const { sideSteps, columns, rows, count } = interestGrid(width, height, tileSize, steps, tiles);
    return [sideSteps, columns, rows, count];
  };
  assert.equal(grid(16384, 8200, 32), [16384, 16, 9, 144]);
  assert.equal(grid(16384, 8200, 32, 16, 8), [4096, 64, 33, 64 * 33]);
  assert.equal(grid(1, 1, 32), [16384, 1, 1, 1]);
  assert.equal(grid(8, 6, 0.25, 100), [800, 1, 1, 1]);
  assert.equal(grid(256 * 1024, 256 * 1024, 32), [16384, 256, 256, 65_536]);
  assert.equal(grid(256 * 1024 + 1, 256 * 1024, 32), [32768, 129, 128, 129 * 128]);
  assert.is(interestGrid(STEPS_MAX / 16, 1, 32).count, 65_536);
});

test("refuses zones of no steps, of too many and of countless ones with BAD_ARGUMENT", () => {
  const refused: [number, number, number, number?, number?][] = [
    [0, 100, 32],
    [100, -1, 32],
    [100, 100, Number.NaN],
    [Number.NaN, 100, 32],
    [Number.POSITIVE_INFINITY, 100, 32],
    [2 ** 26, 100, 32],
    [100, 100, 32, 0],
    [100, 100, 32, -1],
    [100, 100, 32, 16, 0],
  ];
  for (const spec of refused) refuses("BAD_ARGUMENT", () => interestGrid(...spec));
});

test("what lies on the far border or outside counts to the border cell", () => {
  const cells = [-5, 0, 1023.9, 1024, 4096, 9999].map((x) => cellIndex(quantise(x, 16), 16_384, 4));
  assert.equal(cells, [0, 0, 0, 1, 3, 3]);
  assert.equal([quantise(-0.1, 16), quantise(Number.NaN, 16), quantise(1 / 32, 16)], [0, 0, 1]);
});

test("an entity is told within half a step: 20,000 positions at 16, 100 and 3 steps a unit, also outside the zone", () => {
  const seed = 11;
  const random = new Random(seed);
  for (const stepsPerUnit of [16, 100, 3]) {
    const size = { width: 3000.5, height: 1999.9, tileSize: 16, stepsPerUnit };
    const stage = new Stage(kernel, { size, capacity: 1000 });
    stage.view.watch(0, 0, 3001, 2000);
    const [right, bottom] = [size.width, size.height];
    for (let round = 0; round < 7; round++) {
      for (let slot = 0; slot < 1000; slot++) {
        const [x, y] = [random.float() * right, random.float() * bottom];
        if (round === 0) stage.spawn(slot, x, y);
        stage.set("x", slot, x);
        stage.set("y", slot, y);
      }
      stage.frame(round + 1);
      assert.is(stage.decoder.entities.byId.size, 1000, `seed ${seed}`);
      for (const { id, x, y } of stage.decoder.entities.byId.values()) {
        const [atX, atY] = [stage.world.column("x")[id >>> 12]!, stage.world.column("y")[id >>> 12]!];
        const off = Math.max(Math.abs(x - atX), Math.abs(y - atY)) * stepsPerUnit;
        assert.ok(off <= 0.5 + 1e-6, `seed ${seed}: ${id} is ${off} steps from where it is`);
      }
    }
  }
  // Border cells are as wide as others, and what is outside is told as being on their far border.
  const stage = new Stage(kernel);
  stage.view.watch(0, 0, 96, 64);
  const outside: [number, number, number, number][] = [
    [-1, -1e30, 0, 0],
    [96, 64, 96, 64],
    [96.04, 1e9, 96, 64],
    [Number.NaN, Number.POSITIVE_INFINITY, 0, 64],
  ];
  outside.forEach(([x, y], slot) => {
    stage.spawn(slot, x, y);
  });
  stage.frame(1);
  const told = [...stage.decoder.entities.byId.values()].sort((a, b) => a.id - b.id).map(({ x, y }) => [x, y]);
  assert.equal(
    told,
    outside.map(([, , x, y]) => [x, y]),
  );
});

// Composing

test("a view is cut to 32 x 32 cells around its middle", () => {
  const view = new View();
  view.watch(0, 0, 1e9, 33 * 1024 - 1);
  view.aim(interestGrid(100 * 1024, 100 * 1024, 32), -1);
  const { column0, row0, column1, row1 } = view;
  assert.equal([column0, row0, column1, row1], [34, 0, 34 + VIEW_SIDE_MAX, VIEW_SIDE_MAX]);
});

test("a rectangle's cells are found once, and anew for another rectangle, for another grid, and after a reset or a follow", () => {
  let looks = 0;
  const counted = (grid: InterestGrid): InterestGrid => ({
    ...grid,
    get sideSteps() {
      looks++;
      return grid.sideSteps;
    },
  });
  const [one, other] = [counted(interestGrid(640, 640, 1)), counted(interestGrid(640, 640, 2))];
  const view = new View();
  /** Whether it is looked for when the view is aimed, and no more when it is again; and what is in view. */
  const aimed = (grid: InterestGrid): (number | boolean)[] => {
    looks = 0;
    view.aim(grid, 33);
    const first = looks > 0;
    looks = 0;
    view.aim(grid, 34);
    return [first, looks > 0, view.column0, view.row0, view.column1, view.row1];
  };
  view.watch(64, 0, 127, 31);
  assert.equal(aimed(one), [true, false, 2, 0, 4, 1]);
  assert.equal(aimed(one), [false, false, 2, 0, 4, 1]);
  view.watch(32, 0, 95, 63);
  assert.equal(aimed(one), [true, false, 1, 0, 3, 2]);
  assert.equal(aimed(other), [true, false, 0, 0, 2, 1]);
  view.reset();
  assert.equal(aimed(other), [true, false, 0, 0, 2, 1]);
  view.follow();
  view.aim(other, 33);
  assert.equal([view.column0, view.row0], [2, 2]);
  view.watch(32, 0, 95, 63);
  assert.equal(aimed(other), [true, false, 0, 0, 2, 1]);
});

test("who followed nothing yet and looked at a rectangle sees its surroundings once it plays, also in the rectangle's middle", () => {
  const grid = interestGrid(20 * 32, 20 * 32, 1);
  const sides = ({ column0, row0, column1, row1 }: View) => [column0, row0, column1, row1];
  const view = new View({ nearRadius: 0, viewRadius: 1, farRadius: 1 });
  view.watch(5 * 32, 5 * 32, 11 * 32 - 1, 11 * 32 - 1);
  view.aim(grid, -1);
  assert.equal([...sides(view), view.centreColumn, view.centreRow], [5, 5, 11, 11, 7, 7]);
  view.follow();
  view.aim(grid, 7 * 20 + 7);
  assert.equal(sides(view), [6, 6, 9, 9]);
  assert.equal([...view.streams.subarray(0, 9)], [1, 1, 1, 1, 0, 1, 1, 1, 1]);
  view.aim(grid, -1);
  assert.equal(sides(view), [6, 6, 9, 9], "its entity is gone: it looks where it was");
  view.watch(0, 0, 1, 1);
  view.aim(grid, -1);
  view.follow();
  view.aim(grid, -1);
  assert.equal(sides(view), [9, 9, 12, 12], "it never had one here: the middle");
});

test("two readers of a cell get the same bytes of one block, and a frame may be composed after the world moved on", () => {
  const stage = new Stage(kernel);
  stage.spawn(1, 10, 20);
  const [one, other] = [new View(), new View()];
  stage.take(1);
  const compose = (view: View): string => {
    const frame = new FrameBuffer(0);
    const size = stage.composer.compose(view, 0, 0, 2 ** 20, frame);
    return hex(frame.bytes.subarray(FRAME_AT, FRAME_AT + size));
  };
  const first = compose(one);
  stage.set("hp", 1, 1);
  stage.world.despawn(1);
  assert.is(compose(other), first);
  assert.is(compose(one), "010000", "the same snapshot twice repeats no block");
});

test("what finds no room waits: the nearest cells first, in the end all, and one block in any case", () => {
  const stage = new Stage(kernel, { capacity: 64 });
  for (let slot = 0; slot < 60; slot++) stage.spawn(slot, 16 + 32 * (slot % 3), 16 + 32 * (slot & 1));
  stage.view.watch(0, 0, 96, 64);
  const cells = [];
  for (let tick = 1; tick <= 6; tick++) {
    stage.take(tick);
    stage.read(stage.compose(0, 1));
    cells.push(stage.decoder.cells.size);
  }
  assert.equal(cells, [1, 2, 3, 4, 5, 6]);
  assert.ok(stage.decoder.cells.has(1), "the middle column was first");
  assert.is(stage.decoder.entities.byId.size, 60);
});

test("of cells that change all the time and of which one finds room, each comes again and again, the nearest most often", () => {
  const stage = new Stage(kernel);
  for (let slot = 0; slot < 6; slot++) stage.spawn(slot, 16 + 32 * (slot % 3), 16 + 32 * Math.floor(slot / 3));
  stage.view.watch(0, 0, 95, 31);
  const told = [0, 0, 0];
  const last = [0, 0, 0];
  let longest = 0;
  for (let tick = 1; tick <= 1500; tick++) {
    for (let slot = 0; slot < 6; slot++) stage.set("hp", slot, 100 + tick);
    stage.take(tick);
    stage.read(stage.compose(0, 1));
    for (const [cell, known] of stage.decoder.cells) {
      if (known.tick !== tick) continue;
      told[cell]!++;
      longest = Math.max(longest, tick - last[cell]!);
      last[cell] = tick;
    }
  }
  assert.is(told[0]! + told[1]! + told[2]!, 1500);
  longest = Math.max(longest, ...last.map((tick) => 1500 - tick));
  assert.ok(told[1]! > told[0]! && told[1]! > told[2]! && longest < 8, `${told}, and ${longest} frames without`);
});

test("a cell in which nothing happens costs nothing, however often it does not", () => {
  const stage = new Stage(kernel);
  stage.spawn(1, 10, 20);
  stage.frame(3);
  for (let tick = 6; tick <= 120; tick += 3) assert.is(stage.frame(tick).length, 3, `tick ${tick}`);
  stage.set("hp", 1, 50);
  const { length } = stage.frame(123);
  assert.ok(length < 12, `${length} bytes: what changed alone`);
});

test("who left for a cell that is not told of is shown where it was for 60 ticks, and is gone after a frame 61 later", () => {
  for (const ticks of [60, 61]) {
    const stage = new Stage(kernel, { plan: { nearRadius: 0, viewRadius: 1, farRadius: 2 } });
    const id = stage.spawn(1, 10, 20);
    stage.world.entities[0] = stage.spawn(2, 10, 21);
    stage.frame(6, 0, STREAM_NEAR | STREAM_NORMAL);
    stage.set("x", 1, 40);
    stage.frame(8, 0, STREAM_NEAR);
    stage.frame(8 + ticks, 0, STREAM_NEAR);
    const { between, byId } = stage.decoder.entities;
    assert.equal([byId.has(id), between.size], ticks === 60 ? [true, 1] : [false, 0], `${ticks} ticks`);
    assert.is(stage.reader.shown.has(id), ticks === 60);
  }
});

test("a frame is overtaken, too, when the snapshot that its reader has is written over, and not when it is the one before", () => {
  for (const more of [4, 5]) {
    const stage = new Stage(kernel);
    stage.spawn(1, 10, 20);
    stage.frame(1);
    for (let tick = 2; tick <= 1 + HISTORY; tick++) {
      stage.set("hp", 1, 100 + tick);
      stage.take(tick);
    }
    // The delta is to the first snapshot, whose place the fifth further one takes.
    for (let n = 1; n <= more; n++) stage.world.take(STREAM_NORMAL, 1 + HISTORY + n);
    const { length } = stage.compose();
    assert.is(length > 0, more === 4, `${more} more, ${length} bytes`);
  }
});

test("a frame that was overtaken while it was composed is not sent, and the next one is told by the one before it", () => {
  const stage = new Stage(kernel);
  const id = stage.spawn(1, 40, 20);
  stage.world.entities[0] = id;
  stage.view.watch(0, 0, 31, 31);
  stage.frame(1, 3);
  stage.take(2);
  stage.view.watch(32, 0, 63, 31);
  stage.set("gold", 1, 7);
  // The taker has gone once round the ring.
  for (let tick = 3; tick < 20; tick++) stage.world.take(STREAM_NORMAL, tick);
  assert.is(stage.compose(9).length, 0);
  stage.frame(20, 9);
  const { tick, ack, you, cells, entities } = stage.decoder;
  assert.equal([tick, ack, you?.gold, [...cells.keys()], entities.byId.size], [20, 9, 7, [1], 1]);
  assert.equal(stage.reader.tick, 20);
});

test("a snapshot is whole until the very one that is written over it", () => {
  const stage = new Stage(kernel);
  const { replica } = stage.world;
  for (let tick = 1; tick <= 5; tick++) stage.world.take(STREAM_NORMAL, tick);
  for (let sequence = 1; sequence <= 5; sequence++) {
    const generation = replica.generation(NORMAL, sequence);
    const isThere = (): boolean => replica.tick(generation) === sequence;
    let taken = replica.published(NORMAL);
    assert.ok(isThere());
    for (; isThere(); taken++) {
      assert.ok(replica.isWhole(NORMAL, sequence), `snapshot ${sequence} of ${taken}`);
      stage.world.take(STREAM_NORMAL, taken + 1);
    }
    assert.not.ok(replica.isWhole(NORMAL, sequence), `snapshot ${sequence} of ${taken}`);
    assert.is(taken - sequence, HISTORY + 5);
  }
});

test("a JSON snapshot that was overtaken is not sent, and the next one is told by the one before it", () => {
  const stage = new Stage(kernel);
  const json = new JsonEncoder();
  const text = (): string => json.compose(stage.composer, stage.view, 0, 0);
  const first = stage.spawn(1, 40, 20);
  stage.take(1);
  assert.equal(JSON.parse(text()).enter.length, 1);
  const second = stage.spawn(2, 42, 20);
  stage.take(2);
  stage.world.despawn(1);
  for (let tick = 3; tick < 20; tick++) stage.world.take(STREAM_NORMAL, tick);
  assert.is(text(), "");
  stage.take(20);
  const { tick, enter, leave } = JSON.parse(text());
  assert.equal([tick, enter.length, enter[0].id, leave], [20, 1, second, [first]]);
});

test("rounds never go back: a snapshot of an earlier tick than the last round is passed over, and its stream is first the next time", () => {
  const plan = { nearRadius: 0, viewRadius: 1, farRadius: 1 };
  const stage = new Stage(kernel, { plan });
  const { world, composer } = stage;
  const rounds: [number, number][] = [];
  const look = (tick: number): void => {
    if (composer.beginRound(tick)) rounds.push([composer.tick, composer.due]);
  };
  for (let tick = 1; tick <= 18; tick++) {
    if (tick % 2 === 0) world.take(STREAM_NEAR, tick);
    if (tick % 3 === 0) world.take(STREAM_NORMAL, tick);
    // It looks at every sixth tick alone, where the two never meet; and once more at the next.
    if (tick % 6 === 4) look(tick);
    if (tick === 5) look(tick);
  }
  assert.equal(rounds, [
    [4, 1 << NEAR],
    [9, 1 << NORMAL],
    [16, 1 << NEAR],
  ]);
  assert.is(FAR, 2);
});

test("70,000 entities in one cell fit one block, and all move", () => {
  const size = { width: 1000, height: 1000, tileSize: 32 };
  const stage = new Stage(kernel, { size, capacity: 70_000 });
  stage.view.watch(0, 0, 1, 1);
  for (let slot = 0; slot < 70_000; slot++) stage.world.spawn(slot, 500, 500);
  stage.take(1);
  stage.decoder.decode(stage.compose());
  assert.is(stage.decoder.entities.byId.size, 70_000);
  stage.world.column("x").fill(501);
  stage.take(2);
  const frame = stage.compose();
  stage.decoder.decode(frame);
  assert.ok([...stage.decoder.entities.byId.values()].every(({ x, y }) => x === 501 && y === 500));
  assert.ok(frame.length < 2 * 70_000, `${frame.length} bytes`);
});

test("a decoder that goes to another zone forgets everybody, takes a lower tick and has the fields of that zone", () => {
  const stage = new Stage(kernel);
  stage.world.entities[0] = stage.spawn(1, 90, 60);
  stage.frame(50, 4);
  const { decoder } = stage;
  const columns = [{ name: "ammo", type: "u8" }] as const;
  const other = new Stage(kernel, { columns });
  decoder.reset(SMALL, columns);
  const { entities, cells, you, tick, ack } = decoder;
  assert.equal([entities.byId.size, cells.size, you, tick, ack], [0, 0, null, -1, 0]);
  const id = other.spawn(3, 48, 32);
  other.set("ammo", 3, 7);
  other.take(2);
  decoder.decode(other.compose());
  assert.is(decoder.entities.byId.get(id)?.["ammo"], 7);
  refuses("BAD_ARGUMENT", () => decoder.reset({ width: 0, height: 1, tileSize: 1 }));
  assert.is(decoder.entities.byId.size, 1, "who refuses changes nothing");
});

// Fields

test("a table takes 16 columns with names that are free, and refuses the 17th, taken, doubled and odd names, types and steps", () => {
  const most = Array.from({ length: OWN_COLUMNS_MAX }, (_, i) => ({ name: `c${i}`, type: TYPES[i % TYPES.length]! }));
  assert.is(new FieldTable(most).fields.length, 5 + 16);
  assert.equal(new FieldTable().blank(), { id: 0, x: 0, y: 0, hp: 0, kind: 0, team: 0, state: 0, level: 0 });
  const column = (name: string, type = "u8", step?: unknown) => ({
    ...{ name, type: type as ColumnType },
    ...(step === undefined ? {} : { step: step as number }),
  });
  for (const step of [2 ** -20, 0.25, 2 ** 20]) new FieldTable([column("a", "f32", step)]);
  const names = ["hp", "x", "id", "level", "constructor", "__proto__", "", "a b", "1st", "a".repeat(33)];
  const refused = [
    [...most, column("more")],
    ...names.map((name) => [column(name)]),
    [column("a"), column("a")],
    [column("a", "f64")],
    [column("a", "toString")],
    [column("a", "u8", 0.25)],
    ...[0, -1, 2 ** -21, 2 ** 21, Number.NaN, "1"].map((step) => [column("a", "f32", step)]),
  ];
  for (const columns of refused) refuses("BAD_ARGUMENT", () => new FieldTable(columns));
});

test("a word, and a value from JSON, is one of its type, both ends included, or refused", () => {
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
    for (const value of [least, most]) {
      assert.ok(isFieldValue(field, value), `${type} ${value}`);
      assert.ok(isFieldWord(field, value | 0));
      assert.is(fieldValue(field, value | 0), value);
    }
    for (const value of [least - 1, most + 1, 0.5, Number.NaN, "1", null])
      assert.not(isFieldValue(field, value), `${type} ${value}`);
    if (!type.endsWith("32")) for (const word of [least - 1, most + 1]) assert.not(isFieldWord(field, word), type);
  }
  const [raw, stepped] = new FieldTable([
    { name: "a", type: "f32" },
    { name: "b", type: "f32", step: 0.5 },
  ]).fields.slice(-2);
  for (const value of [0, -1.5, Math.fround(0.1), Math.fround(3.4e38)])
    assert.ok(isFieldValue(raw!, value), `${value}`);
  for (const value of [0.1, 1e39, Number.POSITIVE_INFINITY, Number.NaN, "0"])
    assert.not(isFieldValue(raw!, value), `${value}`);
  for (const word of [0x7f800000, 0x7fc00000, 0xff800000 | 0]) assert.not(isFieldWord(raw!, word));
  for (const word of [0x7f800000, -(2 ** 31), 3]) assert.is(fieldValue(stepped!, word), word / 2);
});

// JSON

test("JSON: one id stands in one list, an update has only what changed, a spectator's you is null", () => {
  const stage = new Stage(kernel);
  const json = new JsonEncoder();
  const decoder = stage.makeDecoder();
  const [a, b] = [stage.spawn(0, 10, 20), stage.spawn(1, 40.03, 1.5)];
  stage.set("hp", 1, -1);
  stage.set("state", 1, 4);
  const own = { vx: 1.5, vy: -2, speed: 60, halfSize: 8, wishX: -1, wishY: 0.5, xp: 70_000, gold: 5, readyAt: 9 };
  for (const [name, value] of Object.entries(own)) stage.set(name, 0, value);
  stage.world.entities[0] = a;
  stage.view.watch(0, 0, 96, 64);
  const text = (tick: number, ack: number): unknown => {
    stage.take(tick);
    const parsed = JSON.parse(json.compose(stage.composer, stage.view, 0, ack));
    decoder.applyJson(parsed);
    return parsed;
  };
  assert.equal(text(3, 4), {
    type: "snapshot",
    tick: 3,
    ack: 4,
    you: { id: a, x: 10, y: 20, ...own, hp: 100, level: 1 },
    enter: [
      { id: a, x: 10, y: 20, hp: 100, kind: 1, team: 2, state: 0, level: 1 },
      { id: b, x: 40, y: 1.5, hp: -1, kind: 1, team: 2, state: 4, level: 1 },
    ],
    update: [],
    leave: [],
  });
  stage.set("x", 0, 33); // to another cell in view
  stage.world.despawn(1);
  const c = stage.spawn(1, 2, 2);
  stage.world.entities[0] = 0;
  assert.equal(text(4, 0), {
    type: "snapshot",
    tick: 4,
    ack: 0,
    you: null,
    enter: [{ id: c, x: 2, y: 2, hp: 100, kind: 1, team: 2, state: 0, level: 1 }],
    update: [{ id: a, x: 33 }],
    leave: [b],
  });
  assert.equal([...decoder.entities.byId.keys()].sort(), [a, c].sort());
});

test("refuses bad JSON snapshots with BAD_FRAME and changes nothing, and takes the good twin", () => {
  const entity = { id: 4097, x: 1, y: 2, hp: 3, kind: 4, team: 5, state: 0, level: 1, mood: 0.5 };
  const moves = { x: 1, y: 2, vx: 3, vy: 4, speed: 5, halfSize: 6, wishX: 0, wishY: 1 };
  const you = { id: 1, ...moves, hp: 5, xp: 6, gold: 7, readyAt: 9, level: 8 };
  const good = { type: "snapshot", tick: 2, ack: 0, you: null, enter: [entity], update: [], leave: [] };
  const apply = (changes: object, known: boolean): string => {
    const decoder = new SnapshotDecoder(SMALL, [{ name: "mood", type: "f32" }]);
    decoder.applyJson({ ...good, tick: 1, enter: known ? [entity] : [] });
    const dump = (): string =>
      JSON.stringify([decoder.tick, decoder.ack, decoder.you, [...decoder.entities.byId.values()]]);
    const before = dump();
    try {
      decoder.applyJson({ ...good, ...changes });
    } catch (error) {
      assert.is(dump(), before);
      return (error as GyreError).code;
    }
    return "accepted";
  };
  assert.is(apply({}, false), "accepted");
  assert.is(apply({ enter: [], update: [{ id: 4097, x: 9 }] }, true), "accepted");
  assert.is(apply({ enter: [], leave: [4097] }, true), "accepted");
  assert.is(apply({ you }, false), "accepted");
  const bad: [object, boolean][] = [
    [{ type: "shot" }, false],
    [{ tick: 0 }, false],
    [{ tick: 1.5 }, false],
    [{ ack: -1 }, false],
    [{ ack: "0" }, false],
    [{ you: { id: 1 } }, false],
    ...Object.keys(you).map((name): [object, boolean] => [{ you: { ...you, [name]: undefined } }, false]),
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
  for (const [changes, known] of bad) assert.is(apply(changes, known), "BAD_FRAME", JSON.stringify(changes));
});

test.run();
