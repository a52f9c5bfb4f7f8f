/** What a session's socket holds, and what comes of it when it reads slowly. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StateEnd } from "../src/client/state-end.js";
import { defineGame } from "../src/game/define.js";
import { NetCounters } from "../src/net/counters.js";
import type { Session } from "../src/net/session.js";
import { messageOf, StateLink } from "../src/net/state-link.js";
import { QUEUED_BYTES_MAX, type Wire } from "../src/net/wire.js";
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

test("of text one state message is on its way at a time, however long", async () => {
  for (const format of [JSON_TEXT, PLAIN]) {
    const room = await Room.open({ game: LOUD });
    let texts = 0;
    let longest = 0;
    const wire = new (class extends HeldWire {
      override sendText(text: string, flushed?: () => void): void {
        const isOurs = text.startsWith("[");
        if (isOurs) longest = Math.max(longest, text.length);
        if (isOurs) texts++;
        super.sendText(text, () => {
          if (isOurs) texts--;
          flushed?.();
        });
      }
    })();
    const ann = new Watcher(room, wire, format);
    ann.look("zone-0");
    for (let n = 0; n < 240; n++) {
      room.tick();
      assert.ok(texts <= 1, `${texts} texts`);
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
  // A socket that is closed takes all at once.
  wire.slow = false;
  wire.flush();
  assert.ok(link.isDrained);
});

test.run();
