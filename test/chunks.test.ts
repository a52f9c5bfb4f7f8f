/** Messages in pieces: what was taken apart is put together again, and what is no piece is refused. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import {
  CHUNK_BYTES_MAX,
  CHUNK_HEAD_SIZE,
  ChunkAssembler,
  chunkCount,
  FRAME_BYTES_MAX,
  isChunk,
  writeChunk,
} from "../src/protocol/chunks.js";
import { below, generator } from "./support/fake-zone.js";

const scratch = new Uint8Array(CHUNK_HEAD_SIZE + CHUNK_BYTES_MAX);

function piecesOf(message: Uint8Array): Uint8Array[] {
  return Array.from({ length: chunkCount(message.length) }, (_, i) =>
    scratch.slice(0, writeChunk(message, message.length, i, scratch)),
  );
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

test("golden bytes: 65,537 bytes go in two pieces, 2 0 and 64 KiB, then 2 1 and 1 byte; 65,536 go as they are", () => {
  const message = new Uint8Array(CHUNK_BYTES_MAX + 1).fill(7);
  message[CHUNK_BYTES_MAX] = 9;
  const [first, last] = piecesOf(message);
  assert.equal([first!.length, ...first!.subarray(0, 4)], [CHUNK_BYTES_MAX + 2, 2, 0, 7, 7]);
  assert.equal([...last!], [2, 1, 9]);
  assert.is(chunkCount(CHUNK_BYTES_MAX), 1);
  assert.is(chunkCount(0), 1);
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
        assert.is(assembler.isOpen, i < pieces.length - 1);
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
  assert.not.ok(assembler.isOpen);
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

test.run();
