/** Messages in pieces: what was taken apart is put together again, and what is no piece is refused. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { Flight } from "../src/net/flight.js";
import { SNAPSHOT_PIECE_BYTES_MAX } from "../src/net/wire.js";
import { CHUNK_STATE, ChunkAssembler, FRAME_BYTES_MAX, isChunk, isState } from "../src/protocol/chunks.js";
import { FRAME_AT } from "../src/protocol/frame-buffer.js";
import { below, generator } from "./support/fake-zone.js";
import { MemoryWire } from "./support/memory-wire.js";

/** As a server sends it. */
function piecesOf(message: Uint8Array): Uint8Array[] {
  const flight = new Flight(
    { bytes: 0 },
    () => 0,
    () => {},
  );
  flight.buffer.grow(message.length);
  flight.buffer.bytes.set(message, FRAME_AT);
  const wire = new MemoryWire();
  flight.send(wire, message.length);
  return wire.frames;
}

const refusal = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "accepted";
};

test("golden bytes: 32,765 bytes go in two pieces, 2 0 and 32,762, then 2 1 and 3; 32,764 go as they are", () => {
  const message = new Uint8Array(SNAPSHOT_PIECE_BYTES_MAX + 1).fill(7);
  message[SNAPSHOT_PIECE_BYTES_MAX] = 9;
  const pieces = piecesOf(message);
  const [first, last] = pieces;
  assert.equal([pieces.length, first!.length, ...first!.subarray(0, 4)], [2, 32_764, 2, 0, 7, 7]);
  assert.equal([...last!], [2, 1, 7, 7, 9]);
  assert.equal(piecesOf(message.subarray(1)), [message.subarray(1)]);
  assert.ok(isChunk(last!) && !isChunk(Uint8Array.of(1, 1)) && !isChunk(new Uint8Array(0)));
});

test("over 5 seeds messages of up to 1 MiB come out as they went in, from the same buffer once it is large enough", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = generator(seed);
    const assembler = new ChunkAssembler();
    const buffers = new Set<ArrayBufferLike>();
    for (const most of [2 ** 20, 2 ** 18, 2 ** 17 + 1, 2 ** 20]) {
      const message = Uint8Array.from({ length: most - below(random, 1000) }, () => below(random, 256));
      const pieces = piecesOf(message);
      for (const [i, piece] of pieces.entries()) {
        const whole = assembler.add(piece);
        if (i < pieces.length - 1) assert.is(whole, null);
        else {
          assert.is(Buffer.compare(whole!, message), 0, `seed ${seed}, ${message.length} bytes`);
          buffers.add(whole!.buffer);
        }
      }
    }
    assert.is(buffers.size, 1, `seed ${seed}`);
  }
});

test("a message of 4 MiB is taken, one of a byte more is BAD_FRAME, and nothing of it is kept", () => {
  const assembler = new ChunkAssembler();
  const piece = new Uint8Array(2 + 2 ** 20);
  piece[0] = 2;
  const last = piece.slice();
  last[1] = 1;
  for (let i = 0; i < 3; i++) assert.is(assembler.add(piece), null);
  assert.is(assembler.add(last)?.length, FRAME_BYTES_MAX);
  for (let i = 0; i < 4; i++) assembler.add(piece);
  assert.is(
    refusal(() => assembler.add(Uint8Array.of(2, 1, 0))),
    "BAD_FRAME",
  );
  assert.equal([...assembler.add(Uint8Array.of(2, 1, 5))!], [5]);
});

test("a piece of another kind, without bytes, or neither last nor not is BAD_FRAME; reset forgets what had begun", () => {
  const assembler = new ChunkAssembler();
  for (const bad of [[], [2], [2, 0], [2, 1], [2, 2, 1], [1, 1, 1], [3, 0, 1]]) {
    assert.is(
      refusal(() => assembler.add(Uint8Array.from(bad))),
      "BAD_FRAME",
      String(bad),
    );
  }
  assert.is(assembler.add(Uint8Array.of(2, 0, 1)), null);
  assembler.reset();
  assert.equal([...assembler.add(Uint8Array.of(2, 1, 8))!], [8]);
});

test("pieces of a state tree have 2 in their flags: each sort has an assembler that refuses the other's", () => {
  const state = new ChunkAssembler(CHUNK_STATE);
  for (const bad of [
    [2, 0, 1],
    [2, 1, 1],
    [2, 2],
    [2, 4, 1],
    [2, 6, 1],
    [0x93, 2, 1],
  ]) {
    assert.is(
      refusal(() => state.add(Uint8Array.from(bad))),
      "BAD_FRAME",
      String(bad),
    );
  }
  assert.is(state.add(Uint8Array.of(2, 2, 7)), null);
  assert.equal([...state.add(Uint8Array.of(2, 3, 8))!], [7, 8]);
  const all = [[2, 2, 1], [2, 3, 1], [0x80], [0x93, 107], [0xdc, 0, 16], [2, 0, 1], [2, 1, 1], [1, 2], [2], []];
  const are = all.map((bytes) => isState(Uint8Array.from(bytes)));
  assert.equal(are, [true, true, true, true, true, false, false, false, false, false]);
  assert.ok(isState(Uint8Array.of(1, 2, 2, 3), 2));
});

test.run();
