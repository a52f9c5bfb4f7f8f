/** Bytes between the threads of a server: requests, notices, and players' numbers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { NOW } from "../src/sim/schedule.js";
import { SEATS_MAX } from "../src/sim/seats.js";
import type { StateNote } from "../src/state/feed.js";
import type { Items } from "../src/state/frames.js";
import { MessageRing } from "../src/sync/messages.js";
import { SharedRing } from "../src/sync/ring.js";
import { emptyTell, NoticeReader, NoticeWriter, type ToldTell } from "../src/threads/notices.js";
import { nextId, numberOf, PLAYERS_MAX, PlayerTable } from "../src/threads/players.js";
import { REQUEST_BYTES_MAX, type Requests, readRequest, toNeighbour, toSlot } from "../src/threads/requests.js";
import { bytesOf } from "../src/threads/texts.js";
import { Random } from "./support/random.js";
import { refuses } from "./support/refuses.js";

const NAMES = ["", "ann", "Ænea 城", "\ufeff\ufeffbom", "\ud800", "🐺".repeat(24), "x".repeat(96)];
/** What cannot be written as UTF-8 comes out as it would from any encoder. */
const wellFormed = (text: string): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from(text));

function ringOf(capacity: number): [MessageRing, MessageRing] {
  const buffer = new SharedArrayBuffer(MessageRing.bytesOf(capacity));
  MessageRing.init(buffer, 0, capacity);
  return [new MessageRing(buffer, 0), new MessageRing(buffer, 0)];
}

const itemsOf = ({ count, bytes }: Items): unknown => [count, [...bytes]];

/** Notes what it is told, and answers true. */
function noting(notes: unknown[][]): Requests {
  const note =
    (name: string) =>
    (...told: unknown[]): true => {
      notes.push([name, ...told]);
      return true;
    };
  return {
    join: note("join"),
    input: note("input"),
    leave: note("leave"),
    reset: note("reset"),
    askState: note("ask"),
    useStateFormats: note("use"),
  };
}

test("1,000 random requests come out as they went in, from a slot's ring and from one between slots", () => {
  const [ring, end] = ringOf(1 << 14);
  const shape = { capacity: 64, recordBytes: REQUEST_BYTES_MAX, policy: "refuse", producers: "multi" } as const;
  const shared = new SharedArrayBuffer(SharedRing.bytesOf(shape));
  SharedRing.init(shared, 0, shape);
  const [neighbour, reader] = [toNeighbour(new SharedRing(shared, 0, 3)), new SharedRing(shared, 0)];
  const slot = toSlot(ring);
  for (let seed = 1; seed <= 10; seed++) {
    const random = new Random(seed);
    for (let i = 0; i < 100; i++) {
      const [id, kind] = [random.next(), random.integer(0, 5)];
      const wish = [random.next(), random.next(), (random.float() - 0.5) * 1e300, -random.float()] as const;
      const [detail, name] = [random.integer(0, 0xffff), random.pick(NAMES)];
      const tick = random.integer(0, 1) === 0 ? NOW : random.next();
      const send = (to: Requests): boolean => {
        if (kind === 0) return to.join(id, detail, name);
        if (kind === 1) return to.input(id, ...wish, detail, tick);
        if (kind === 4) return to.askState(id, detail, i % 3);
        if (kind === 5) return to.useStateFormats(detail, i % 8);
        return kind === 2 ? to.leave(id) : to.reset(detail, wish[2]);
      };
      const notes: unknown[][] = [];
      assert.ok(send(slot) && send(neighbour));
      assert.ok(readRequest(end.view, bytesOf(end.view), end.next(), noting(notes)));
      end.release();
      assert.ok(reader.next() && readRequest(reader.record, bytesOf(reader.record), 0, noting(notes)));
      const expected = [
        ["join", id, detail, wellFormed(name)],
        ["input", id, ...wish, detail, tick],
        ["leave", id],
        ["reset", detail, wish[2]],
        ["ask", id, detail, i % 3],
        ["use", detail, i % 8],
      ][kind];
      assert.equal(notes, [expected, expected], `seed ${seed}, request ${i}`);
    }
  }
  assert.is(end.next(), -1);
});

test("the last quarter of a slot's ring is for leaves alone", () => {
  const [ring] = ringOf(1024);
  const slot = toSlot(ring);
  let inputs = 0;
  while (slot.input(1, 1, 1, 0, 0, 0, NOW)) inputs++;
  assert.is(inputs, Math.floor((1024 - 256) / 40));
  assert.not(slot.join(1, 0, "somebody with a long name"));
  let leaves = 0;
  while (slot.leave(1)) leaves++;
  assert.is(leaves, Math.floor((1024 - 40 * inputs) / 16));
});

test("notices can be read when their tick ends, in order, with all that was told", () => {
  const [ring, end] = ringOf(1 << 16);
  const [writer, reader] = [new NoticeWriter(ring, new Int32Array(2), 1), new NoticeReader(end)];
  const notes: unknown[][] = [];
  const note =
    (name: string) =>
    (...told: unknown[]): void => {
      notes.push([name, ...told]);
    };
  const listener = {
    ...{ enter: note("enter"), possess: note("possess"), moved: note("moved"), inputRefused: note("inputRefused") },
    ...{ end: note("end"), tell: (...told: unknown[]) => note("tell")(...structuredClone(told)) },
    refused: (zone: number, id: number, { code, message }: GyreError) => note("refused")(zone, id, code, message),
    stopped: (zone: number, { code, message }: GyreError) => note("stopped")(zone, code, message),
    state: (zone: number, id: number, told: StateNote) => {
      note("state")(
        zone,
        id,
        structuredClone({ ...told, patches: itemsOf(told.patches), events: itemsOf(told.events) }),
      );
      return true;
    },
  };
  const big = 0xffff_fff0;
  writer.enter(999, big, 3, big + 1, big + 2, SEATS_MAX - 1);
  writer.possess(1, 5, 0, 7, 0);
  writer.moved(2, 5, big);
  writer.inputRefused(3, 5, big);
  writer.refused(4, 5, new GyreError("ZONE_FULL", "城 is full"));
  writer.stopped(5, new GyreError("GAME_FAILED", "x".repeat(5000)));
  const tell = { ...emptyTell(4), name: "Æ", data: '{"a":"城"}', x: -1.5, y: 1e9, radius: Number.POSITIVE_INFINITY };
  writer.tell(6, 0, tell);
  tell.listed.set([7, 8, 9]);
  writer.tell(6, 0, { ...tell, near: 2, bodiless: 1, name: "", data: "null", radius: 64 });
  const items = (...bytes: number[]) => ({ count: bytes.length, bytes: Uint8Array.from(bytes) });
  const head = { kind: 2, format: 1, seat: 8, tick: 3, before: -1 };
  assert.ok(writer.state(7, 8, { ...head, patches: items(1, 2, 3), events: items(9) }));
  assert.ok(
    writer.state(7, 0, { ...head, kind: 1, format: 2, seat: -1, before: 2, patches: items(4), events: items() }),
  );
  assert.not.ok(
    writer.state(7, 0, { ...head, patches: { count: 1, bytes: new Uint8Array(1 << 20) }, events: items() }),
  );
  assert.not(reader.waits);
  writer.end(77, 5);
  while (reader.read(listener));
  assert.equal(notes.slice(0, 6), [
    ["enter", 999, big, 3, big + 1, big + 2, SEATS_MAX - 1],
    ["possess", 1, 5, 0, 7, 0],
    ["moved", 2, 5, big],
    ["inputRefused", 3, 5, big],
    ["refused", 4, 5, "ZONE_FULL", "城 is full"],
    ["stopped", 5, "GAME_FAILED", "x".repeat(4096)],
  ]);
  const tells = notes.slice(6, 8) as [string, number, number, ToldTell][];
  const told = tells.map(([, zone, id, { listed, ...rest }]) => [zone, id, rest]);
  assert.equal(told, [
    [6, 0, { ...{ near: 0, bodiless: 0 }, name: "Æ", data: '{"a":"城"}', x: -1.5, y: 1e9, radius: tell.radius }],
    [6, 0, { ...{ near: 2, bodiless: 1 }, name: "", data: "null", x: -1.5, y: 1e9, radius: 64 }],
  ]);
  assert.equal(Array.from(tells[1]![3].listed.subarray(0, 3)), [7, 8, 9]);
  assert.equal(notes.slice(8, 10), [
    ["state", 7, 8, { ...head, patches: [3, [1, 2, 3]], events: [1, [9]] }],
    ["state", 7, 0, { ...head, kind: 1, format: 2, seat: -1, before: 2, patches: [1, [4]], events: [0, []] }],
  ]);
  assert.equal(notes.slice(10), [["end", 77, 0, 5]]);
});

test("of notices that find no room events of games are lost first, counted with the next end; then all, until that is heard", () => {
  const [ring, end] = ringOf(1024);
  const overruns = new Int32Array(1);
  const [writer, reader] = [new NoticeWriter(ring, overruns, 0), new NoticeReader(end)];
  const tell = { ...emptyTell(0), name: "e", data: `"${"x".repeat(30)}"`, radius: 1 };
  const ends: unknown[] = [];
  let enters = 0;
  const nothing = (): void => {};
  const listener = {
    ...{ possess: nothing, moved: nothing, refused: nothing, inputRefused: nothing, tell: nothing, stopped: nothing },
    state: () => true,
    enter: () => void enters++,
    end: (...told: unknown[]) => void ends.push(told),
  };
  for (let i = 0; i < 20; i++) writer.tell(0, 0, tell);
  assert.is(overruns[0], 0);
  for (let i = 0; i < 4; i++) writer.enter(0, 1, 0, 0, 0, 0);
  writer.end(1, 0);
  while (reader.read(listener));
  assert.equal([enters, ends], [4, [[1, 12, 0]]]);
  for (let i = 0; i < 100; i++) writer.enter(0, 1, 0, 0, 0, 0);
  writer.end(2, 0);
  assert.is(overruns[0], 1);
  reader.clear();
  writer.enter(0, 1, 0, 0, 0, 0);
  writer.end(3, 0);
  assert.not(reader.waits, "nothing is told before it is heard that much is missing");
  overruns[0] = 0;
  writer.enter(0, 1, 0, 0, 0, 0);
  writer.end(4, 2);
  while (reader.read(listener));
  assert.equal(
    [enters, ends],
    [
      5,
      [
        [1, 12, 0],
        [4, 0, 2],
      ],
    ],
  );
  // One that could never find room.
  writer.tell(0, 0, { ...tell, data: "x".repeat(2000) });
  writer.end(5, 0);
  while (reader.read(listener));
  assert.equal(ends.at(-1), [5, 1, 0]);
});

test("a number has another id each time, none is 0, and 262,143 come before one comes again", () => {
  const seen = new Set<number>();
  let id = 0;
  for (let i = 0; i < 262_143; i++) {
    id = nextId(PLAYERS_MAX - 1, id);
    seen.add(id);
  }
  assert.is(seen.size, 262_143);
  assert.not(seen.has(0));
  assert.is(numberOf(id), PLAYERS_MAX - 1);
  assert.is(nextId(PLAYERS_MAX - 1, id), nextId(PLAYERS_MAX - 1, 0));
});

test("the table knows where each player is, forgets former ones, and hears inputs in their order across 2^32", () => {
  const table = new PlayerTable(new SharedArrayBuffer(PlayerTable.bytesOf(4)), 4);
  const [first, second] = [nextId(3, 0), nextId(3, nextId(3, 0))];
  table.open(first);
  assert.equal([table.has(first), table.isNew(first), table.zone(first), table.seat(first)], [true, true, -1, -1]);
  table.enter(first, 999, SEATS_MAX - 1);
  assert.equal([table.zone(first), table.seat(first), table.hops(first)], [999, SEATS_MAX - 1, 0]);
  table.move(first, 0, 0);
  assert.equal([table.isAt(first, 0, 0), table.isAt(first, 999, SEATS_MAX - 1), table.hops(first)], [true, false, 1]);
  table.leave(first);
  table.gone(first);
  assert.equal([table.hasLeft(first), table.isGone(first), table.zone(first)], [true, true, -1]);
  table.close(first);
  table.open(second);
  assert.equal([table.has(first), table.has(second), table.isAt(first, 0, 0)], [false, true, false]);
  assert.equal([table.hasLeft(second), table.isGone(second), table.hops(second)], [false, false, 0]);
  const orders = [0xffff_fff0, 0xffff_fff0, 0xffff_ffef, 0xffff_ffff, 1, 0xffff_fffe, 3, 2];
  assert.equal(
    orders.map((order) => table.hear(second, order)),
    [true, false, false, true, true, false, true, false],
  );
  assert.not(table.has(0));
  refuses("BAD_ARGUMENT", () => new PlayerTable(new ArrayBuffer(64), 0));
  refuses("BAD_ARGUMENT", () => new PlayerTable(new ArrayBuffer(64), PLAYERS_MAX + 1));
});

test.run();
