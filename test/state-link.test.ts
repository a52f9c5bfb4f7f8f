/** What a session's socket holds, and what comes of it when it reads slowly. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StateEnd } from "../src/client/state-end.js";
import { defineGame } from "../src/game/define.js";
import { NetCounters } from "../src/net/counters.js";
import type { Session } from "../src/net/session.js";
import { messageOf, StateLink } from "../src/net/state-link.js";
import { QUEUED_BYTES_MAX, STATE_BYTES_MAX, type Wire } from "../src/net/wire.js";
import { isState } from "../src/protocol/chunks.js";
import { JSON_TEXT, MSGPACK, PLAIN } from "../src/state/formats.js";
import { HeldWire } from "./support/held-wire.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Room } from "./support/room.js";
import { field } from "./support/worlds.js";

const STONES = 6000;

/** Frames, state and events of which each has more to say than a socket may hold. */
const LOUD = defineGame({
  name: "loud",
  map: field(64),
  archetypes: { stone: { speed: 0, halfSize: 0 } },
  capacity: STONES,
  sync: { broadcast: { zone: "", rows: { "*": "" }, n: 0 } },
  setup(world) {
    for (let i = 0; i < STONES; i++) world.spawn("stone", 40 + (i % 100) * 18, 40 + Math.floor(i / 100) * 30);
    for (let i = 0; i < 200; i++) world.sync.rows[`row ${i}`] = `${i} `.repeat(200);
    world.sync.zone = world.name;
  },
  systems: [
    {
      name: "speak",
      every: 1,
      run(world) {
        world.sync.rows[`row ${world.tick % 200}`] = `${world.tick} `.repeat(200);
        world.sync.n++;
        for (let i = 0; i < 4; i++) world.tell("near", "x".repeat(500), { x: 500, y: 500, radius: 100 });
      },
    },
  ],
});

/** One who walks, so that there is something to tell, and a count of ticks. */
function counting(rate: number) {
  return defineGame({
    name: "counting",
    map: field(64),
    archetypes: { walker: { speed: 60 } },
    capacity: 1,
    sync: { broadcast: { n: 0 }, rate },
    systems: [
      {
        name: "count",
        every: 1,
        run(world) {
          world.sync.n++;
        },
      },
    ],
  });
}

/** Who looks at all of a zone, and makes of it what it is told of its state tree. */
class Watcher<W extends MemoryWire> {
  readonly session: Session;
  end: StateEnd | null = null;
  zone = "";
  error: unknown = null;

  constructor(
    room: Room,
    readonly wire: W,
    format: number,
  ) {
    wire.heard = (message) => {
      try {
        this.#hear(message);
      } catch (error) {
        this.error ??= error;
      }
    };
    this.session = room.hub.open(wire, "binary", format);
  }

  look(zone: string): void {
    const text = JSON.stringify({ type: "view", x0: 0, y0: 0, x1: 2048, y1: 2048, zone });
    this.session.receiveText(text, text.length);
  }

  #hear(message: string | Uint8Array): void {
    if (typeof message !== "string") {
      if (isState(message)) this.end?.receiveBytes(message);
    } else if (message.startsWith("[")) {
      this.end?.receiveText(message);
    } else {
      const { zone } = JSON.parse(message);
      if (zone === undefined || zone.name === this.zone) return;
      this.zone = zone.name;
      if (this.end === null) this.end = new StateEnd(zone);
      else this.end.begin(zone);
    }
  }
}

function check(room: Room, { error, end }: Watcher<MemoryWire>, zone = 0): void {
  if (error !== null) throw error;
  assert.equal(
    JSON.parse(JSON.stringify(end?.broadcast)),
    JSON.parse(JSON.stringify(room.zones.all[zone]?.rules.sync?.broadcast.view)),
  );
}

/** On to the end of a tick that is a sync of the zone: zones take turns. */
function toSync(room: Room, zone = 0): void {
  do room.tick();
  while ((room.zones.tick + zone) % 6 !== 0);
}

test("a socket that takes nothing holds at most 64 KiB of snapshots, state and events together, and one that takes a message a tick, too", async () => {
  const room = await Room.open({ game: LOUD });
  const ann = new Watcher(room, new HeldWire(), MSGPACK);
  ann.look("zone-0");
  room.tick(90);
  assert.ok(ann.wire.held.length > 3, "all sorts are on their way");
  assert.ok(ann.wire.queuedBytes > 40 * 1024, `${ann.wire.queuedBytes} bytes`);
  for (let i = 0; i < 240; i++) {
    ann.wire.take(1);
    room.tick();
  }
  for (let i = 0; i < 60; i++) {
    ann.wire.take();
    room.tick();
  }
  assert.ok(ann.wire.queuedBytesMax <= QUEUED_BYTES_MAX, `${ann.wire.queuedBytesMax} bytes`);
  toSync(room);
  ann.wire.take();
  check(room, ann);
  assert.ok(room.hub.counters.eventsDropped > 0 && room.hub.counters.eventsSent > 0);
});

test("of text no more state messages are on their way than their share of the socket holds, and one that is longer alone", async () => {
  for (const format of [JSON_TEXT, PLAIN]) {
    const room = await Room.open({ game: LOUD });
    const onTheirWay: number[] = [];
    let longest = 0;
    const wire = new (class extends HeldWire {
      override sendText(text: string, flushed?: () => void): void {
        const isOurs = text.startsWith("[");
        if (isOurs) longest = Math.max(longest, text.length);
        if (isOurs) onTheirWay.push(text.length);
        super.sendText(text, () => {
          if (isOurs) onTheirWay.shift();
          flushed?.();
        });
      }
    })();
    const ann = new Watcher(room, wire, format);
    ann.look("zone-0");
    for (let n = 0; n < 240; n++) {
      room.tick();
      const bytes = onTheirWay.reduce((sum, length) => sum + length, 0);
      assert.ok(onTheirWay.length <= 1 || bytes <= STATE_BYTES_MAX, `texts of ${onTheirWay}`);
      if (n % 4 === 0) wire.take(1);
    }
    assert.ok(longest > QUEUED_BYTES_MAX, `${longest} characters`);
    for (let i = 0; i < 60; i++) {
      wire.take();
      room.tick();
    }
    toSync(room);
    wire.take();
    check(room, ann);
  }
});

test("who goes to another zone amid a message in pieces is not sent the rest, and is told of the other zone", async () => {
  const room = await Room.open({ game: LOUD, zones: 2 });
  const ann = new Watcher(room, new HeldWire(), MSGPACK);
  ann.look("zone-0");
  room.tick(30);
  ann.look("zone-1");
  for (let i = 0; i < 60; i++) {
    room.tick();
    ann.wire.take();
  }
  toSync(room, 1);
  ann.wire.take();
  assert.is(ann.end?.broadcast["zone"], "zone-1");
  check(room, ann, 1);
});

test("the messages of a client call back by one function, which is no other client's", () => {
  const callbacks: (() => void)[][] = [[], []];
  const wireOf = (client: number): Wire =>
    Object.assign(new MemoryWire(false), {
      sendBytes: (_: unknown, _offset: number, _size: number, flushed: () => void) =>
        void callbacks[client]?.push(flushed),
    });
  const link = new StateLink(new NetCounters());
  for (const client of [0, 1]) {
    link.start(wireOf(client), MSGPACK);
    for (let n = 0; n < 100; n++) {
      link.push(messageOf(Uint8Array.of(0x91, n), false));
      link.flush();
      if (n < 99) callbacks[client]?.at(-1)?.();
    }
    assert.is(callbacks[client]?.length, 100);
    link.end();
  }
  assert.equal(
    callbacks.map((all) => new Set(all).size),
    [1, 1],
  );
  assert.is(link.flightBytes > 0, true);
  callbacks[0]?.[0]?.();
  assert.is(link.flightBytes > 0, true, "the first client's socket has let go, not the second one's");
  callbacks[1]?.[0]?.();
  assert.is(link.flightBytes, 0);
});

test("10,000 messages that wait for a connection that has closed are forgotten without a word", () => {
  const wire = new MemoryWire(false, true);
  const link = new StateLink(new NetCounters());
  link.start(wire, MSGPACK);
  for (let n = 0; n < 10_000; n++) link.push(messageOf(Uint8Array.of(0x91, n & 127), false));
  link.flush();
  // A socket that is closed takes all at once.
  wire.slow = false;
  wire.flush();
  assert.ok(link.isDrained);
});

test("what changed in the state tree leaves behind the snapshot of each of 600, in one write in their cohort's tick; between rounds by itself, to at most 256 a tick", async () => {
  for (const [rate, most] of [
    [10, 200],
    [60, 200 + 256],
  ] as const) {
    const room = await Room.open({ game: counting(rate) });
    const watchers = Array.from({ length: 600 }, () => new Watcher(room, new MemoryWire(false), MSGPACK));
    for (const watcher of watchers) watcher.look("zone-0");
    room.tick(60);
    const before = watchers.map(({ wire }) => wire.writes);
    const order = watchers.map(() => "");
    for (const [i, { wire }] of watchers.entries()) {
      const { heard } = wire;
      wire.heard = (message) => {
        order[i] += typeof message !== "string" && isState(message) ? "c" : "s";
        heard?.(message);
      };
    }
    for (let n = 0; n < 6; n++) {
      let told = 0;
      const counts = watchers.map(({ wire }) => wire.writes);
      room.tick();
      for (const [i, { wire }] of watchers.entries()) {
        if (wire.writes === counts[i]) continue;
        told++;
        if (rate === 10) assert.is(wire.writes - (counts[i] ?? 0), 1, `tick ${room.zones.tick}`);
      }
      assert.ok(told > 0 && told <= most, `${told} in tick ${room.zones.tick}`);
      if (rate === 10) assert.is(told, 200);
    }
    // Two rounds, one sync.
    if (rate === 10) {
      assert.equal([...new Set(order)].sort(), ["scs", "ssc"]);
      assert.ok(watchers.every(({ wire }, i) => wire.writes === (before[i] ?? 0) + 2));
    }
    toSync(room);
    const { n } = JSON.parse(JSON.stringify(room.zones.all[0]?.rules.sync?.broadcast.view));
    room.tick(2);
    for (const { end } of watchers) assert.ok(Number(end?.broadcast["n"]) >= n, `${end?.broadcast["n"]} of ${n}`);
  }
});

test("300 who read nothing take no other's turn between rounds: when a round is over, all who read know what the zone says", async () => {
  const room = await Room.open({ game: counting(60) });
  const stalled = Array.from({ length: 300 }, () => new Watcher(room, new HeldWire(), MSGPACK));
  for (const watcher of stalled) watcher.look("zone-0");
  const readers = Array.from({ length: 300 }, () => new Watcher(room, new MemoryWire(false), MSGPACK));
  for (const watcher of readers) watcher.look("zone-0");
  room.tick(60);
  // The third tick of a round, with the last cohort.
  room.tickToSnapshot();
  room.tick(2);
  for (const reader of readers) check(room, reader);
  assert.ok(stalled.every(({ wire }) => wire.queuedBytes > 0));
});

test("what was told last is sent to who looks elsewhere, leaves, or is closed, before its turn comes", async () => {
  const room = await Room.open({ game: counting(60), zones: 2 });
  const watchers = Array.from({ length: 600 }, () => new Watcher(room, new MemoryWire(false), MSGPACK));
  for (const watcher of watchers) watcher.look("zone-0");
  room.tick(60);
  room.tickToSnapshot();
  // Of the last cohort, whose turn is in two ticks.
  const [moves, closes] = watchers.slice(-2);
  const n = Number(JSON.parse(JSON.stringify(room.zones.all[0]?.rules.sync?.broadcast.view)).n);
  const knows = (watcher = moves): number => Number(watcher?.end?.broadcast["n"]);
  assert.ok(knows(moves) < n && knows(closes) < n, "they wait");
  const told = new Map<unknown, number>();
  for (const watcher of [moves, closes]) {
    const { wire } = watcher!;
    const { heard } = wire;
    wire.heard = (message) => {
      // Behind the word that it closes a socket sends nothing.
      if (typeof message !== "string" && isState(message) && wire.closedWith === 0) {
        heard?.(message);
        told.set(watcher, knows(watcher));
      }
    };
  }
  moves?.look("zone-1");
  closes?.session.close(1008, "");
  assert.equal([told.get(moves), told.get(closes)], [n, n]);
});

test.run();
