/** Sessions and audiences with connections in memory: what they owe whom, and when. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import { MESSAGES_BURST, REFUSED_IN_A_ROW_MAX } from "../src/net/allowance.js";
import { Flight, KEPT_BYTES_MAX } from "../src/net/flight.js";
import { FLUSH_MS_MAX, JSON_BYTES_PER_SECOND, REPLY_BACKLOG_BYTES_MAX } from "../src/net/session.js";
import { isChunk } from "../src/protocol/chunks.js";
import { RESUME_MS } from "../src/protocol/control.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { isDue } from "../src/sim/rates.js";
import { headsOf } from "./support/frame-heads.js";
import { Random } from "./support/random.js";
import { Guest, Room } from "./support/room.js";
import { field, WALKERS } from "./support/worlds.js";

/** Everybody's hp changes at every tick. */
const RESTLESS = defineGame({
  ...WALKERS.definition,
  systems: [
    {
      name: "hp",
      every: 1,
      run({ zone }) {
        for (let slot = 0; slot < zone.highWater; slot++) zone.columns.hp[slot]!++;
      },
    },
  ],
});

/** All in the first cell. */
const CROWD = defineGame({
  name: "crowd",
  setup({ zone, settings }) {
    for (let i = 0; i < settings.npcs; i++) zone.spawn({ x: 40 + (i % 900), y: 40 + Math.floor(i / 900), halfSize: 0 });
  },
});

test("with rates that divide every n-th tick is a snapshot, with others exactly snapshotRate of tickRate, evenly", () => {
  const ticksOf = (tickRate: number, snapshotRate: number): number[] =>
    Array.from({ length: 2 * tickRate }, (_, i) => i + 1).filter((tick) => isDue(tick, snapshotRate, tickRate));
  assert.equal(ticksOf(60, 20).slice(0, 4), [3, 6, 9, 12]);
  assert.equal(ticksOf(3, 3), [1, 2, 3, 4, 5, 6]);
  for (const [tickRate, snapshotRate] of [
    [60, 25],
    [60, 7],
    [50, 20],
    [128, 20],
    [1000, 999],
    [1, 1],
  ] as const) {
    const ticks = ticksOf(tickRate, snapshotRate);
    assert.is(ticks.length, 2 * snapshotRate);
    for (let i = 1; i < ticks.length; i++) {
      const gap = ticks[i]! - ticks[i - 1]!;
      assert.ok(Math.abs(gap - tickRate / snapshotRate) < 1, `${tickRate}/${snapshotRate}: gap of ${gap}`);
    }
  }
});

test("a session gets one frame per snapshot, and none for the ticks between", async () => {
  const room = await Room.open();
  const guest = Guest.joined(room);
  room.tick(60);
  assert.is(guest.wire.frames.length, 20);
  assert.equal(guest.ticks.slice(0, 3), [3, 6, 9]);
});

test("200 sessions are served over the three ticks of a snapshot, all with its tick and the acks of its tick", async () => {
  const room = await Room.open({ tickRate: 60 });
  const guests = Array.from({ length: 200 }, () => new Guest(room));
  for (const guest of guests) guest.send({ type: "join", name: "guest" });
  room.tick(20);
  const before = guests.map(({ wire }) => wire.frames.length);
  const served = (): number => guests.filter(({ wire }, i) => wire.frames.length > before[i]!).length;
  for (const guest of guests) guest.send({ type: "input", seq: 1, dx: 1, dy: 0 });
  room.tick();
  assert.is(served(), 67);
  for (const guest of guests) guest.send({ type: "input", seq: 2, dx: 1, dy: 0 });
  room.tick();
  assert.is(served(), 134);
  room.tick();
  assert.is(served(), 200);
  for (const [i, guest] of guests.entries()) {
    const { tick, ack } = headsOf(guest.wire.messages).at(-1)!;
    assert.is(guest.wire.frames.length, before[i]! + 1);
    assert.is(tick, 21);
    assert.is(ack, 1, "the input of the ticks after the snapshot is not in it");
  }
});

test("sessions that go while a snapshot is being served take nobody else's frame along", async () => {
  const room = await Room.open();
  const seed = 11;
  const random = new Random(seed);
  const guests = Array.from({ length: 300 }, () => Guest.joined(room));
  room.tickToSnapshot();
  room.tick(2);
  for (let round = 0; round < 60; round++) {
    for (let tick = 0; tick < 3; tick++) {
      for (let n = random.integer(0, 2); n > 0; n--)
        guests.splice(random.integer(0, guests.length - 1), 1)[0]!.session.end();
      room.tick();
    }
    assert.is(room.hub.sessions, guests.length, `seed ${seed}, round ${round}`);
    const ticks = new Set(guests.map((guest) => guest.ticks.at(-1)));
    assert.is(ticks.size, 1, `seed ${seed}, round ${round}: last frames of ticks ${[...ticks]}`);
  }
});

test("200 sessions that go in any order, at any time of a snapshot, leave nothing to those who come after them", async () => {
  const room = await Room.open();
  const seed = 12;
  const random = new Random(seed);
  const guests = Array.from({ length: 200 }, () => Guest.joined(room));
  while (guests.length > 0) {
    // Often all are served, and sometimes not.
    room.tick(random.integer(0, 4));
    for (let n = random.integer(1, 4); n > 0 && guests.length > 0; n--) {
      guests.splice(random.integer(0, guests.length - 1), 1)[0]!.session.end();
    }
  }
  const next = Array.from({ length: 200 }, () => new Guest(room));
  room.tick(6);
  for (const [i, { wire }] of next.entries()) assert.is(wire.frames.length, 0, `seed ${seed}, guest ${i}`);
});

test("a frame that was not flushed holds the next ones back; then full blocks bring the reader up to date", async () => {
  const room = await Room.open({ npcs: 300 });
  const guest = Guest.joined(room);
  const { zone } = room.zones.get();
  const decoder = new SnapshotDecoder(zone);
  room.tick(30);
  guest.wire.slow = true;
  room.tick(3);
  const held = guest.wire.frames.length;
  room.tick(90);
  assert.is(guest.wire.frames.length, held);
  assert.is(room.hub.counters.snapshotsSkipped, 30);
  guest.wire.flush();
  guest.wire.slow = false;
  room.tickToSnapshot();
  assert.is(guest.wire.frames.length, held + 1);
  for (const frame of guest.wire.frames) decoder.decode(frame);
  assert.is(decoder.entities.byId.size, 301);
  for (const [id, entity] of decoder.entities.byId) {
    const slot = zone.slot(id);
    assert.ok(Math.abs(entity.x - zone.columns.x[slot]!) <= 1 / 32 + 1e-3);
    assert.ok(Math.abs(entity.y - zone.columns.y[slot]!) <= 1 / 32 + 1e-3);
  }
});

test("the bytes of a frame in flight are not touched by the frames of others", async () => {
  const room = await Room.open({ npcs: 100 });
  const slow = Guest.joined(room);
  Guest.joined(room);
  room.tick(6);
  let handed: Uint8Array | null = null;
  const send = slow.wire.sendBytes.bind(slow.wire);
  slow.wire.sendBytes = (bytes, offset, size, flushed) => {
    handed = bytes.subarray(offset, offset + size);
    send(bytes, offset, size, flushed);
  };
  slow.wire.slow = true;
  room.tick(3);
  const copy = slow.wire.frames.at(-1)!;
  room.tick(30);
  assert.equal(handed, copy);
});

test(`a frame on its way for more than ${FLUSH_MS_MAX} ms closes the connection with 1013, and its player leaves if nobody resumes it`, async () => {
  const room = await Room.open();
  const guest = Guest.joined(room);
  guest.wire.slow = true;
  room.tick(5 * 60);
  assert.is(guest.wire.closedWith, 0);
  room.tick(2 * 60);
  assert.is(guest.wire.closedWith, 1013);
  assert.is(room.zones.get().zone.count, 1);
  room.tick(RESUME_MS / 16);
  assert.equal([room.zones.get().zone.count, room.hub.sessions], [0, 0]);
  assert.is(room.hub.counters.closed.get(1013), 1);
});

test("a frame in pieces of which one gets through every 4 s is on its way for as long as it takes; 5 s without one close it with 1013", async () => {
  const room = await Room.open({ map: field(64), players: 1, game: CROWD, npcs: 60_000 });
  const guest = new Guest(room);
  guest.wire.slow = true;
  guest.send({ type: "view", x0: 0, y0: 0, x1: 100, y1: 100 });
  room.tickToSnapshot();
  for (let pieces = 1; pieces <= 5; pieces++) {
    assert.equal([guest.wire.frameCount, guest.wire.closedWith], [pieces, 0]);
    assert.ok(isChunk(guest.wire.frames.at(-1)!), `message ${pieces} is a piece`);
    room.tick(4 * 60);
    assert.is(guest.wire.closedWith, 0, `after ${pieces * 4} s`);
    guest.session.receivePong();
    guest.wire.flush();
  }
  room.tick(5 * 60 - 1);
  assert.is(guest.wire.closedWith, 0);
  room.tick(2 * 60);
  assert.is(guest.wire.closedWith, 1013);
  room.zones.close();
});

test("pieces of a frame of the zone that it looked at before are not sent once it looks at another one", async () => {
  const room = await Room.open({ map: field(64), players: 1, game: CROWD, npcs: 30_000, zones: 2 });
  const guest = new Guest(room);
  const view = { type: "view", x0: 0, y0: 0, x1: 100, y1: 100 };
  guest.wire.slow = true;
  guest.send(view);
  room.tickToSnapshot();
  guest.wire.flush();
  assert.equal(
    guest.wire.frames.map((frame) => frame[1]),
    [0, 0],
  );
  guest.send({ ...view, x0: 1500, x1: 1501, y0: 1500, y1: 1501, zone: "zone-1" });
  assert.is(guest.last?.type, "watching");
  guest.wire.flush();
  guest.wire.slow = false;
  room.tickToSnapshot();
  const after = guest.wire.messages.slice(guest.wire.messages.findLastIndex((message) => typeof message === "string"));
  assert.equal(
    after.slice(1).map((frame) => frame[0]),
    [1],
    "a whole frame, and no piece before it",
  );
  room.zones.close();
});

/** Nobody has an entity whose name begins with g. */
const GHOSTS = defineGame({
  ...WALKERS.definition,
  join: (world, { name }) => {
    if (name.startsWith("g")) return 0;
    const { x, y } = world.freePlace("player");
    return world.spawn("player", x, y);
  },
});

test("who enters while the snapshot of the tick before is being served is not told by it that it has no entity, nor that of who sat there before", async () => {
  const room = await Room.open({ game: GHOSTS, players: 200 });
  const join = (name: string): Guest => {
    const guest = new Guest(room);
    guest.send({ type: "join", name });
    return guest;
  };
  const guests = Array.from({ length: 200 }, (_, i) => join(`p${i}`));
  room.tick(30);
  for (const guest of guests) guest.send({ type: "input", seq: 9, dx: 1, dy: 0 });
  room.tick(3);
  for (let round = 0; round < 6; round++) {
    const [left, other] = guests.splice(0, 2);
    const seats = [left!.session.seat, other!.session.seat];
    const leave = (): void => {
      for (const { session } of [left!, other!]) session.end();
    };
    // They go a tick before the snapshot, or after it: then it has them.
    if (round % 2 === 0) leave();
    room.tickToSnapshot();
    if (round % 2 === 1) {
      leave();
      room.tick();
    }
    const [ann, ghost] = [join("ann"), join("ghost")];
    assert.equal([ann.session.seat, ghost.session.seat].sort(), seats.sort(), "the seats are the same");
    room.tick(8);
    assert.ok(ann.session.you !== 0 && ghost.session.you === 0);
    const told = (guest: Guest): string[] => [
      ...new Set(headsOf(guest.wire.messages).map(({ you, ack }) => `${you} ${ack}`)),
    ];
    assert.equal([told(ann), told(ghost)], [[`${ann.session.you} 0`], ["0 0"]], `round ${round}`);
    guests.push(ann, ghost);
  }
});

test("a client that says something is there, whether or not it answers pings", async () => {
  const room = await Room.open();
  const guest = Guest.joined(room);
  for (let second = 0; second < 30; second++) {
    guest.send({ type: "ping", t: second });
    room.tick(60);
  }
  assert.equal([guest.wire.terminated, room.hub.sessions], [false, 1]);
});

test("a browser that vanished is dropped within 21 s, one that answers pings is not", async () => {
  const room = await Room.open();
  const vanished = Guest.joined(room);
  const quiet = Guest.joined(room);
  for (let second = 0; second < 21; second++) {
    room.tick(60);
    quiet.session.receivePong();
  }
  assert.is(vanished.wire.terminated, true);
  assert.is(quiet.wire.terminated, false);
  assert.ok(quiet.wire.pings >= 2);
  assert.is(room.hub.counters.vanished, 1);
  for (let second = 0; second < 10; second++) {
    room.tick(60);
    quiet.session.receivePong();
  }
  assert.is(room.hub.sessions, 1);
  assert.is(room.zones.get().zone.count, 1);
});

test(`a flood gets RATE_LIMITED once after ${MESSAGES_BURST} messages and 1008 after ${REFUSED_IN_A_ROW_MAX} more`, async () => {
  const room = await Room.open();
  const guest = new Guest(room);
  const codes = (): (string | undefined)[] =>
    guest.replies.filter(({ type }) => type === "error").map(({ code }) => code);
  for (let i = 0; i < MESSAGES_BURST; i++) guest.send({ type: "ping", t: i });
  assert.equal(codes(), []);
  for (let i = 0; i < REFUSED_IN_A_ROW_MAX; i++) guest.send({ type: "ping", t: i });
  assert.equal(codes(), ["RATE_LIMITED"]);
  assert.is(guest.wire.closedWith, 0);
  guest.send({ type: "ping", t: 0 });
  assert.is(guest.wire.closedWith, 1008);
  assert.is(room.hub.counters.refused.get("RATE_LIMITED"), REFUSED_IN_A_ROW_MAX + 1);
  assert.is(guest.replies.filter(({ type }) => type === "pong").length, MESSAGES_BURST);
});

test("60 inputs and a ping a second for a minute, and 120 inputs after a stall of two seconds, are no flood", async () => {
  const room = await Room.open();
  const guest = Guest.joined(room);
  const input = (): void => guest.send({ type: "input", seq: 1, dx: 1, dy: 0 });
  for (let second = 0; second < 60; second++) {
    guest.send({ type: "ping", t: second });
    for (let i = 0; i < 60; i++) {
      input();
      room.tick();
    }
  }
  for (let i = 0; i < 120; i++) input();
  assert.is(room.hub.counters.refused.size, 0);
  assert.is(guest.wire.closedWith, 0);
});

test("replies that nobody reads are bounded: 1013", async () => {
  const room = await Room.open();
  const guest = new Guest(room);
  guest.wire.queuedBytes = REPLY_BACKLOG_BYTES_MAX;
  guest.send({ type: "ping", t: 1 });
  assert.is(guest.wire.closedWith, 0);
  guest.wire.queuedBytes = REPLY_BACKLOG_BYTES_MAX + 1;
  guest.send({ type: "ping", t: 1 });
  assert.is(guest.wire.closedWith, 1013);
});

test("each message out of place gets its error and changes nothing", async () => {
  const room = await Room.open({ players: 1, zones: 2 });
  const guest = new Guest(room);
  const refuses = (message: object, code: string): void => {
    const hash = room.zones.all.map(({ zone }) => zone.hash());
    guest.send(message);
    assert.is(guest.last?.type, "error", JSON.stringify(message));
    assert.is(guest.last?.code, code, JSON.stringify(message));
    assert.equal(
      room.zones.all.map(({ zone }) => zone.hash()),
      hash,
    );
  };
  refuses({ type: "input", seq: 1, dx: 1, dy: 0 }, "NOT_JOINED");
  refuses({ type: "leave" }, "NOT_JOINED");
  refuses({ type: "join", name: "ann", zone: "zone-2" }, "ZONE_UNKNOWN");
  refuses({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1, zone: "nowhere" }, "ZONE_UNKNOWN");
  refuses({ type: "join" }, "BAD_MESSAGE");
  refuses({ type: "dance" }, "BAD_MESSAGE");
  guest.send({ type: "join", name: "ann" });
  refuses({ type: "join", name: "ann" }, "ALREADY_JOINED");
  room.tick();
  assert.is(guest.last?.type, "welcome");
  refuses({ type: "join", name: "ann", zone: "zone-1" }, "ALREADY_JOINED");
  const second = new Guest(room);
  second.send({ type: "join", name: "bob" });
  assert.is(second.last?.code, "ZONE_FULL");
  second.send({ type: "join", name: "bob", zone: "zone-1" });
  room.tick();
  assert.is(second.last?.type, "welcome");
});

test("welcome tells the entity, the tick, the rates and the zone; leaving takes the entity away; joining again works", async () => {
  const room = await Room.open({ zones: 2 });
  const guest = new Guest(room);
  guest.send({ type: "join", name: "ann", zone: "zone-1" });
  room.tick();
  const { zone } = room.zones.get("zone-1");
  const { you } = guest.last as unknown as { you: number };
  assert.equal(guest.last, {
    type: "welcome",
    you,
    tick: 0,
    tickRate: 60,
    snapshotRate: 20,
    session: "token-0000000000000001",
    zone: { name: "zone-1", width: 2048, height: 2048, tileSize: 32, columns: [], kinds: [], gates: [] },
  });
  assert.ok(zone.slot(you) >= 0);
  room.tick(5);
  guest.send({ type: "leave" });
  room.tick();
  assert.is(zone.slot(you), -1);
  const frames = guest.wire.frames.length;
  room.tick(6);
  assert.is(guest.wire.frames.length, frames, "who neither plays nor watches gets nothing");
  guest.send({ type: "join", name: "ann", zone: "zone-1" });
  room.tick(3);
  assert.is(guest.last?.type, "welcome");
  assert.is.not(guest.last?.["you"], you);
  assert.ok(guest.wire.frames.length > frames);
});

test("a spectator watches a rectangle, is told of each new zone once, and goes back to it after playing", async () => {
  const room = await Room.open({ zones: 2, npcs: 50 });
  const guest = new Guest(room);
  const view = { type: "view", x0: 0, y0: 0, x1: 2048, y1: 2048 };
  const watched = (): unknown[] =>
    guest.replies.filter(({ type }) => type === "watching").map(({ zone }) => (zone as { name: string }).name);
  guest.send(view);
  guest.send({ ...view, x1: 100 });
  assert.equal(watched(), ["zone-0"]);
  room.tick(6);
  assert.ok(guest.wire.frames.length > 0);
  guest.send({ ...view, zone: "zone-1" });
  guest.send(view);
  assert.equal(watched(), ["zone-0", "zone-1"], "without a name it is the zone seen last");
  guest.send({ type: "join", name: "ann", zone: "zone-1" });
  room.tick(6);
  assert.is.not(headsOf(guest.wire.messages).at(-1)!.you, 0);
  guest.wire.frames.length = 0;
  guest.send({ type: "leave" });
  room.tick(6);
  assert.ok(guest.wire.frames.length > 0, "it still watches");
  assert.is(headsOf(guest.wire.messages).at(-1)!.you, 0, "as a spectator");
});

test("who asks for a cell of 150,000 entities is told SERVER_FULL and closed with 1013, who asks for an empty one is served", async () => {
  const room = await Room.open({ map: field(64), players: 1, game: CROWD, npcs: 150_000 });
  for (const format of ["binary", "json"] as const) {
    const greedy = new Guest(room, format);
    const modest = new Guest(room, format);
    greedy.send({ type: "view", x0: 0, y0: 0, x1: 2048, y1: 2048 });
    modest.send({ type: "view", x0: 1500, y0: 1500, x1: 1501, y1: 1501 });
    room.tickToSnapshot();
    assert.is(greedy.wire.closedWith, 1013, format);
    assert.is(greedy.last?.code, "SERVER_FULL", format);
    assert.is(modest.wire.closedWith, 0, format);
    assert.ok(modest.wire.frameCount > 0 || modest.last?.type === "snapshot", format);
    modest.session.end();
  }
  room.zones.close();
});

test("500 joins at once are 16 welcomes a tick; 500 connections gone at once are 256 leaves a tick", async () => {
  const room = await Room.open();
  const guests = Array.from({ length: 500 }, () => new Guest(room));
  for (const guest of guests) guest.send({ type: "join", name: "guest" });
  const welcomed = (): number => guests.filter(({ last }) => last?.type === "welcome").length;
  room.tick();
  assert.is(welcomed(), 16);
  room.tick(31);
  assert.is(welcomed(), 500);
  for (const guest of guests) guest.session.end();
  assert.is(room.hub.sessions, 0);
  room.tick();
  assert.is(room.zones.get().zone.count, 244);
  room.tick();
  assert.is(room.zones.get().zone.count, 0);
});

test("an input as large as a double can be is shortened to length 1, and the tick goes on", async () => {
  const room = await Room.open();
  const guest = Guest.joined(room);
  const { columns } = room.zones.get().zone;
  for (const [dx, dy, wishX] of [
    [1e39, 0, 1],
    [-Number.MAX_VALUE, 0, -1],
    [3e300, 4e300, Math.fround(0.6)],
  ] as const) {
    guest.send({ type: "input", seq: 1, dx, dy });
    room.tick();
    assert.is(columns.wishX[room.zones.get().zone.slot(guest.session.you)], wishX);
  }
});

test("JSON costs at most its share: two who watch 5,000 walkers get fewer snapshots, binary readers get all", async () => {
  const room = await Room.open({ map: field(192), npcs: 5000, game: RESTLESS });
  const readers = [new Guest(room, "json"), new Guest(room, "json"), new Guest(room), new Guest(room, "json")];
  readers.forEach((reader, i) => {
    // The last one looks at a corner, which takes next to nothing.
    reader.send({ type: "view", x0: 0, y0: 0, x1: i === 3 ? 10 : 6144, y1: i === 3 ? 10 : 6144 });
  });
  room.tick(600);
  const bytes = readers.map(({ wire }) => wire.texts.reduce((sum, text) => sum + text.length, 0));
  const snapshots = readers.map(({ replies }) => replies.filter(({ type }) => type === "snapshot").length);
  const share = (10 * JSON_BYTES_PER_SECOND) / 3;
  assert.is(
    readers[2]?.wire.frames.filter((bytes) => !isChunk(bytes) || bytes[1] === 1).length,
    200,
    "in pieces or not",
  );
  assert.ok(snapshots[3]! > 190, `${snapshots[3]} snapshots of a corner`);
  for (const i of [0, 1]) {
    const largest = Math.max(...readers[i]!.wire.texts.map((text) => text.length));
    assert.ok(snapshots[i]! < 150 && snapshots[i]! > 20, `${snapshots[i]} snapshots`);
    assert.ok(bytes[i]! < share + largest, `${bytes[i]} bytes, of ${share}`);
  }
  room.zones.close();
});

test("JSON snapshots: the first lists who is there, the next only what changed, and who left", async () => {
  const room = await Room.open();
  const guest = Guest.joined(room, "json");
  const other = Guest.joined(room);
  room.tick(6);
  const snapshots = () => guest.replies.filter(({ type }) => type === "snapshot") as unknown as Snapshot[];
  type Snapshot = {
    tick: number;
    ack: number;
    you: { id: number };
    enter: { id: number }[];
    update: object[];
    leave: number[];
  };
  const first = snapshots()[0]!;
  assert.is(first.tick, 3);
  assert.is(first.enter.length, 2);
  assert.is(first.you.id, guest.session.you);
  assert.equal(snapshots()[1]?.enter, []);
  const gone = other.session.you;
  guest.send({ type: "input", seq: 77, dx: 1, dy: 0 });
  other.session.end();
  room.tick(3);
  assert.equal(snapshots().at(-1)?.leave, [gone]);
  assert.is(snapshots().at(-1)?.ack, 77);
  assert.equal(snapshots().at(-1)?.enter, []);
});

test("buffers of frames are kept for sessions to come, 64 MiB in all, and one that lands late is kept then", () => {
  const MIB = 1024 * 1024;
  const stock = { bytes: 0 };
  const released: Flight[] = [];
  const flights = Array.from(
    { length: KEPT_BYTES_MAX / MIB + 1 },
    () =>
      new Flight(
        stock,
        () => 0,
        (flight) => released.push(flight),
      ),
  );
  for (const flight of flights) {
    flight.start();
    flight.buffer.grow(MIB);
  }
  const [first] = flights;
  assert.ok(first);
  first.takeOff(1000);
  for (const flight of flights) flight.abandon();
  assert.is(stock.bytes, KEPT_BYTES_MAX);
  assert.is(released.includes(first), false, "its bytes are on their way");
  first.landed();
  assert.is(stock.bytes, KEPT_BYTES_MAX);
  assert.equal([released.at(-1) === first, first.buffer.size], [true, 0], "there was no room for one more");
  const [second] = released;
  second?.start();
  assert.equal([second?.buffer.size, stock.bytes], [MIB, KEPT_BYTES_MAX - MIB]);
});

test.run();
