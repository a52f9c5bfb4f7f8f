/** The state tree through worlds, hubs and threads: who is told what, when it comes, and that nothing is missing in the end. */

import { createServer as createPublished, type Game } from "gyre";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Connection, connect, watch } from "../src/client.js";
import { defineGame } from "../src/game/define.js";
import { loadKernel } from "../src/kernel/load.js";
import { createServer } from "../src/server.js";
import { Recorder } from "../src/sim/recorder.js";
import { RecordingReader, readFrom } from "../src/sim/recording-reader.js";
import { Replay } from "../src/sim/replay.js";
import { World } from "../src/sim/world.js";
import { Zones } from "../src/sim/zones.js";
import { JSON_TEXT, MSGPACK, PLAIN } from "../src/state/formats.js";
import { Random } from "./support/random.js";
import { Remote } from "./support/remote.js";
import { Room } from "./support/room.js";
import { StateGuest, SYNCED } from "./support/state-guests.js";
import { until } from "./support/until.js";
import { planOf, worldOf } from "./support/worlds.js";

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

interface House {
  readonly hub: Room["hub"];
  tick(count?: number): void;
  world(zone: number): World;
}

const local = async (zones = 1): Promise<House> => {
  const room = await Room.open({ game: SYNCED, zones });
  return Object.assign(room, { world: (zone: number) => room.zones.all[zone] as World });
};
const remote = (zones = 1, sizes = {}): Promise<Remote> =>
  Remote.open({ game: SYNCED, zones, slots: Math.min(2, zones), sizes });

/** On to the end of a tick that is a sync of the zone: zones take turns. */
function toSync(house: House, zone = 0): void {
  do house.tick();
  while ((house.world(zone).tick + zone) % 6 !== 0);
}

/** What a guest must have, by its world. */
function check(house: House, guest: StateGuest, zone = 0): void {
  if (guest.error !== null) throw guest.error;
  const { sync } = house.world(zone).rules;
  assert.is(sorted(guest.end?.broadcast), sorted(sync?.broadcast.view), `the broadcast part of ${guest}`);
}

test("a newcomer gets one merged first sync, then 107 every sync, and its own part when that changed", async () => {
  for (const house of [await local(), await remote()]) {
    const ann = new StateGuest(house.hub, "ann", JSON_TEXT).join();
    house.tick(8);
    assert.is(ann.messages.length, 1, "a sync at 10 of 60 Hz");
    const first = ann.parsed(ann.messages[0] as string) as unknown[];
    assert.is(first[0], 108, "with what it was told by its join");
    assert.is((first[1] as unknown[])[0], 1);
    assert.ok(JSON.stringify(first).includes("secret of ann"));
    assert.equal(
      ann.events.filter(({ name }) => name === "hello"),
      [{ name: "hello", data: { name: "ann" } }],
    );
    house.tick(60);
    assert.equal(ann.opcodes.slice(1), new Array(10).fill(107));
    ann.send({ type: "input", seq: 1, dx: 0, dy: 0 });
    ann.send({ type: "input", seq: 7, dx: 0, dy: 0 });
    house.tick(12);
    // Both inputs are in the step before the same sync.
    assert.equal(
      ann.opcodes.slice(11).filter((opcode) => opcode !== 107),
      [108],
    );
    assert.equal(
      ann.end?.own["bag"],
      Object.assign(Object.create(null), { "secret ann 1": { count: 1 }, "secret ann 2": { count: 7 } }),
    );
    assert.equal(
      ann.events.filter(({ name }) => name === "bagged"),
      [{ name: "bagged", data: { seq: 7 } }],
    );
    assert.ok(ann.events.some(({ name }) => name === "tick"));
    toSync(house);
    check(house, ann);
  }
});

test("a snapshot and what changed in the state tree leave in one write; who ends amid it is let go, too", async () => {
  for (const house of [await local(), await remote()]) {
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
    house.tick(60);
    const [writes, frames, messages] = [ann.wire.writes, ann.wire.frameCount, ann.messages.length];
    house.tick(60);
    // 20 snapshots a second, and 10 syncs, each with one of those.
    assert.equal(
      [ann.wire.frameCount - frames, ann.messages.length - messages, ann.wire.writes - writes],
      [30, 10, 20],
    );
    const { heard } = ann.wire;
    let wasHeld = false;
    ann.wire.heard = (message) => {
      heard?.(message);
      if (!ann.wire.isHeld) return;
      wasHeld = true;
      ann.session.end();
    };
    house.tick(12);
    assert.equal([wasHeld, ann.wire.isHeld], [true, false]);
  }
});

test("who joins hears what its join told everybody, at whatever time between two syncs: once, the first player too, and nobody who joins later", async () => {
  const game = defineGame({
    name: "greeters",
    archetypes: { player: {} },
    sync: { broadcast: { n: 0 } },
    join: (world, { name }) => void world.tell("joined", { name }),
  });
  for (let ticks = 0; ticks < 6; ticks++) {
    for (const house of [await Room.open({ game }), await Remote.open({ game })]) {
      house.tick(30 + ticks);
      const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
      house.tick(30);
      const bob = new StateGuest(house.hub, "bob", JSON_TEXT).join();
      house.tick(30);
      const joined = (name: string) => ({ name: "joined", data: { name } });
      assert.equal(ann.events, [joined("ann"), joined("bob")], `after ${ticks} ticks`);
      assert.equal(bob.events, [joined("bob")], `after ${ticks} ticks`);
    }
  }
});

test("over real sockets, what a join tells is heard by who listens once connect has resolved, with a state tree and without", async () => {
  for (const sync of [undefined, { broadcast: { n: 0 } }]) {
    const game = defineGame({
      name: "tellers",
      archetypes: { player: {} },
      ...(sync && { sync }),
      join(world, player) {
        for (let n = 0; n < 5; n++) world.tell("own", n, player);
      },
    });
    const server = await createServer({ game, port: 0, npcs: 0, bots: 0 });
    const connection = await connect(server.ws, { name: "ann" });
    const told: unknown[] = [];
    connection.on("event", ({ data }) => told.push(data));
    await until("all came, or never will", () => told.length >= 5 || connection.stats.snapshots > 9);
    assert.equal(told, [0, 1, 2, 3, 4]);
    connection.close();
    await server.close();
  }
});

test("a targeted event comes with an empty diff, and to nobody else", async () => {
  for (const house of [await local(), await remote()]) {
    const [ann, bob] = [
      new StateGuest(house.hub, "ann", MSGPACK).join(),
      new StateGuest(house.hub, "bob", PLAIN).join(),
    ];
    house.tick(20);
    const { seats } = house.world(0);
    const seat = Array.from({ length: seats }, (_, i) => i).find((i) => house.world(0).nameOf(i) === "ann") as number;
    const before = ann.messages.length;
    house.world(0).tell("psst", "[1]", seat);
    house.tick(12);
    assert.equal(ann.events.at(-1) === undefined ? [] : ann.events.filter(({ name }) => name === "psst"), [
      { name: "psst", data: [1] },
    ]);
    assert.ok(
      ann.messages.slice(before).some((message) => JSON.stringify(ann.parsed(message)) === '[108,[0],[["psst",[1]]]]'),
    );
    assert.equal(
      bob.events.filter(({ name }) => name === "psst"),
      [],
    );
  }
});

test("who gets the seat of one who left before a sync is told nothing of what that one would have been told", async () => {
  for (const house of [await local(), await remote()]) {
    const ann = new StateGuest(house.hub, "ann", JSON_TEXT).join();
    house.tick(20);
    toSync(house);
    assert.is(house.world(0).nameOf(0), "ann");
    ann.send({ type: "input", seq: 7, dx: 0, dy: 0 });
    ann.send({ type: "leave" });
    house.tick(2);
    const bob = new StateGuest(house.hub, "bob", JSON_TEXT).join();
    house.tick(12);
    assert.is(house.world(0).nameOf(0), "bob");
    assert.equal(
      bob.events.filter(({ name }) => name === "hello" || name === "bagged"),
      [{ name: "hello", data: { name: "bob" } }],
    );
    assert.not.match(bob.messages.join(""), "ann");
  }
});

test("broadcast bytes are the same for all who read an encoding, and the same on 0 threads and on slots", async () => {
  const said: string[][] = [];
  for (const house of [await local(), await remote()]) {
    const guests = [MSGPACK, JSON_TEXT, PLAIN, MSGPACK, JSON_TEXT, PLAIN].map((format, i) =>
      new StateGuest(house.hub, `p${i}`, format).join(),
    );
    house.tick(7);
    const spectator = new StateGuest(house.hub, "", MSGPACK).watch();
    for (let n = 1; n < 20; n++) {
      guests[1]?.send({ type: "input", seq: n, dx: 0, dy: 0 });
      house.tick(10);
    }
    const broadcasts = (guest: StateGuest) => guest.messages.filter((_, i) => guest.opcodes[i] === 107);
    const told = guests.map(broadcasts);
    assert.ok(told.every(({ length }) => length > 25));
    assert.equal(told.slice(0, 3), told.slice(3));
    assert.equal(broadcasts(spectator), told[0]?.slice(-broadcasts(spectator).length));
    for (const guest of [...guests, spectator]) {
      assert.ok(broadcasts(guest).every((message) => !JSON.stringify(guest.parsed(message)).includes("secret")));
      said.push(guest.messages);
    }
  }
  assert.equal(said.slice(0, 7), said.slice(7));
});

test("an encoding is made only while somebody reads it", async () => {
  for (const house of [await local(), await remote()]) {
    const kinds: number[] = [];
    const world = house.world(0);
    const listen = world.onState;
    world.onState = (note) => {
      kinds.push(note.kind === 1 ? note.format : -1);
      return listen?.(note) ?? false;
    };
    const formats = (): number[] => [...new Set(kinds.splice(0).filter((format) => format >= 0))].sort();
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
    house.tick(30);
    assert.equal(formats(), [MSGPACK]);
    const bob = new StateGuest(house.hub, "bob", PLAIN).join();
    house.tick(30);
    assert.equal(formats(), [MSGPACK, PLAIN]);
    ann.session.end();
    house.tick(30);
    formats();
    house.tick(30);
    assert.equal(formats(), [PLAIN]);
    bob.session.end();
    house.tick(30);
    kinds.length = 0;
    house.tick(30);
    assert.equal(kinds, []);
  }
});

test("a zone that could not be told that nobody reads any more is told again, until it knows; then nothing is done for it", async () => {
  for (const house of [await local(), await remote()]) {
    const world = house.world(0);
    const venue = house.hub.audience("zone-0").venue;
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
    house.tick(30);
    let notes = 0;
    const listen = world.onState;
    world.onState = (note) => {
      notes++;
      return listen?.(note) ?? false;
    };
    const { useStateFormats } = venue;
    const asked: number[] = [];
    let isFull = true;
    venue.useStateFormats = (formats) => {
      asked.push(formats);
      return !isFull && useStateFormats.call(venue, formats);
    };
    ann.session.end();
    // The leave takes a tick; the zone goes on to be read by nobody.
    house.tick(30);
    assert.ok(asked.length > 1 && asked.every((formats) => formats === 0), String(asked));
    assert.ok(notes > 0);
    isFull = false;
    house.tick(2);
    assert.equal(asked.at(-1), 0);
    notes = asked.length = 0;
    house.tick(60);
    assert.equal([notes, asked.length], [0, 0]);
  }
});

test("who does not read gets a new first sync when its socket has drained, and nothing is missing", async () => {
  for (const house of [await local(), await remote()]) {
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
    house.tick(20);
    ann.wire.isSlow = true;
    for (let n = 1; n <= 400 && house.hub.counters.stateResyncs === 0; n++) {
      house.world(0).tell("long", JSON.stringify("x".repeat(10_000)), -1);
      house.tick(6);
    }
    assert.is(house.hub.counters.stateResyncs, 1, "some 256 KiB wait, and are given up");
    const before = ann.messages.length;
    house.tick(60);
    assert.is(ann.messages.length, before, "it does not ask while it reads nothing");
    assert.is(ann.messages.length, before);
    ann.wire.isSlow = false;
    house.tick(12);
    const first = ann.parsed(ann.messages[before] as string) as unknown[];
    assert.is(first[0] === 108 ? (first[1] as unknown[])[0] : first[0], 1);
    toSync(house);
    check(house, ann);
  }
});

test("a session whose connection is lost while it enters is told nothing, nor is who has it next told of that zone", async () => {
  for (const house of [await local(2), await remote(2)]) {
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join("zone-0");
    ann.session.lost();
    // Until it is given up.
    house.tick(700);
    const bob = new StateGuest(house.hub, "bob", MSGPACK).join("zone-1");
    assert.is(bob.session, ann.session, "sessions are used again");
    const eve = new StateGuest(house.hub, "eve", MSGPACK).join("zone-0");
    house.tick(60);
    toSync(house, 1);
    check(house, bob, 1);
    toSync(house);
    check(house, eve);
    assert.is(bob.opcodes.filter((opcode) => opcode === 1 || opcode === 108).length >= 1, true);
  }
});

test("a spectator that resumes a player of the zone that it sees gets the player's own part", async () => {
  for (const house of [await local(), await remote()]) {
    const ann = new StateGuest(house.hub, "ann", MSGPACK).join();
    house.tick(20);
    const welcome = ann.everything.map(String).find((message) => message.startsWith('{"type":"welcome"')) ?? "{}";
    ann.session.lost();
    const again = new StateGuest(house.hub, "ann", JSON_TEXT).watch();
    house.tick(20);
    again.send({ type: "resume", session: JSON.parse(welcome).session });
    house.tick(20);
    toSync(house);
    check(house, again);
    assert.is(again.end?.own["quest"], "secret of ann");
  }
});

/** Whose secrets are in what it was sent: names of the model's guests end with a semicolon, whatever comes behind it in an encoding. */
function secretsTold({ everything }: StateGuest): string[] {
  const names = new Set<string>();
  for (const message of everything) {
    const text = typeof message === "string" ? message : Buffer.from(message).toString("latin1");
    for (const [, name] of text.matchAll(/secret (?:of )?(p\d-\d+;)/g)) names.add(name as string);
  }
  return [...names];
}

test("model: players and spectators come, go, read slowly and return, in all encodings; in the end each mirror equals its zone's tree, and nobody was sent another's secret", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new Random(seed);
    const isRemote = seed % 2 === 0;
    // A small ring loses notes.
    const house = isRemote ? await remote(2, { noticeRingBytes: 1 << 15 }) : await local(2);
    let guests: StateGuest[] = [];
    const everybody: StateGuest[] = [];
    let seq = 0;
    try {
      for (let n = 0; n < 1500; n++) {
        if (random.float() < 0.1 && guests.length < 12) {
          const guest = new StateGuest(house.hub, `p${seed}-${n};`, random.integer(0, 2));
          const zone = `zone-${random.integer(0, 1)}`;
          guests.push(random.float() < 0.7 ? guest.join(zone) : guest.watch(zone));
          everybody.push(guest);
        }
        if (random.float() < 0.04 && guests.length > 0) {
          const guest = random.pick(guests);
          guest.session.end();
          guests = guests.filter((other) => other !== guest);
        }
        for (const guest of guests) {
          if (random.float() < 0.02) guest.wire.isSlow = random.float() < 0.4;
          if (random.float() < 0.05) guest.send({ type: "input", seq: ++seq, dx: 1, dy: random.float() - 0.5 });
          if (guest.error !== null) throw guest.error;
        }
        if (isRemote && random.float() < 0.01) (house as Remote).replace(random.integer(0, 1));
        if (random.float() < 0.02) house.world(0).tell("long", JSON.stringify("x".repeat(9000)), -1);
        house.tick();
      }
      for (const guest of guests) guest.wire.isSlow = false;
      house.tick(180);
      for (const guest of guests) {
        const zone = Number(guest.zone.at(-1));
        toSync(house, zone);
        check(house, guest, zone);
        const world = house.world(zone);
        const seat = Array.from({ length: world.seats }, (_, i) => i).find(
          (i) => world.isIn(i) && world.nameOf(i) === guest.name,
        );
        if (seat !== undefined)
          assert.is(sorted(guest.end?.own), sorted(world.rules.sync?.own(seat)?.view), `own of ${guest}`);
      }
      for (const guest of everybody) {
        const told = secretsTold(guest).filter((name) => name !== guest.name);
        assert.equal(told, [], `${guest}`);
      }
      // Not so who went through a gate before its first sync.
      const informed = guests.filter(({ end, name }) => end?.own["quest"] === `secret of ${name}`);
      assert.ok(informed.length > 0);
      for (const guest of informed) assert.equal(secretsTold(guest), [guest.name]);
      assert.ok(guests.length > 3);
    } catch (error) {
      console.log(`seed ${seed}`);
      throw error;
    }
  }
});

test("a first sync of more than 16,380 bytes comes in pieces of at most that, in text whole, and is put together", async () => {
  const big = defineGame({
    name: "big",
    sync: { broadcast: { rows: { "*": "" }, n: 0 } },
    setup(world) {
      for (let i = 0; i < 200; i++) world.sync.rows[`row ${i}`] = `${i} `.repeat(250);
    },
    systems: [{ name: "count", every: 1, run: (world) => void world.sync.n++ }],
  });
  for (const house of [await Room.open({ game: big }), await Remote.open({ game: big })]) {
    const zone = (): World => (house instanceof Remote ? house.world(0) : (house.zones.all[0] as World));
    const [ann, bob] = [
      new StateGuest(house.hub, "ann", MSGPACK).join(),
      new StateGuest(house.hub, "bob", JSON_TEXT).join(),
    ];
    house.tick(30);
    const sizes = ann.everything.filter((message) => typeof message !== "string").map(({ length }) => length);
    assert.is(Math.max(...sizes), 16_380);
    assert.ok(sizes.filter((size) => size === 16_380).length >= 6);
    for (const guest of [ann, bob]) {
      if (guest.error !== null) throw guest.error;
      assert.is(Object.keys(guest.end?.broadcast["rows"]).length, 200);
      assert.is(sorted(guest.end?.broadcast), sorted(zone().rules.sync?.broadcast.view));
    }
    // The next one, for who comes later, in the same way while the socket takes it piece by piece.
    const eve = new StateGuest(house.hub, "eve", MSGPACK).join();
    for (let n = 0; n < 60; n++) {
      eve.wire.isSlow = n % 3 !== 0;
      house.tick();
    }
    eve.wire.isSlow = false;
    house.tick(6);
    if (eve.error !== null) throw eve.error;
    assert.is(sorted(eve.end?.broadcast["rows"]), sorted(ann.end?.broadcast["rows"]));
  }
});

test("updates that are too long for the ring to the main thread are missed, and told anew: a reader of paths is not left behind", async () => {
  const name = (n: number): string => `${"n".repeat(31)}${n}`;
  const long = defineGame({
    name: "long",
    sync: {
      broadcast: {
        [name(1)]: { [name(2)]: { [name(3)]: { [name(4)]: { [name(5)]: { "*": { a: 0, b: 0, c: 0, d: 0 } } } } } },
        n: 0,
      },
    },
    setup(world) {
      for (let i = 0; i < 800; i++) tableOf(world.sync)[i] = {};
    },
    systems: [
      {
        name: "change",
        every: 1,
        run(world) {
          (world.sync as { n: number }).n = world.tick;
          for (const entry of Object.values(tableOf(world.sync))) for (const field of "abcd") entry[field] = world.tick;
        },
      },
    ],
  });
  type Table = Record<string, Record<string, number>>;
  const tableOf = (sync: unknown): Table =>
    [1, 2, 3, 4, 5].reduce((at, n) => (at as Record<string, unknown>)[name(n)], sync) as Table;
  const house = await Remote.open({ game: long });
  const ann = new StateGuest(house.hub, "ann", PLAIN).join();
  house.tick(20);
  for (let n = 0; n < 5; n++) {
    const before = ann.end?.broadcast["n"];
    house.tick(30);
    if (ann.error !== null) throw ann.error;
    assert.ok(ann.end?.broadcast["n"] > before, `${ann.end?.broadcast["n"]} after ${before}`);
    assert.is(tableOf(ann.end?.broadcast)["799"]?.["d"], ann.end?.broadcast["n"]);
  }
});

test("the tree is in hashes and images, begins anew with its room, and replays", async () => {
  const kernel = await loadKernel();
  const [world, twin] = [await worldOf({ game: SYNCED, kernel }), await worldOf({ game: SYNCED, kernel })];
  const seat = world.join("ann");
  twin.join("ann");
  for (let n = 1; n < 100; n++) {
    for (const one of [world, twin]) {
      one.input(seat, n, 0, 0);
      one.step();
    }
  }
  // One is watched, the other is not.
  world.onState = () => true;
  world.askState(seat, MSGPACK);
  for (let n = 100; n < 150; n++) {
    for (const one of [world, twin]) {
      one.input(seat, n, 0, 0);
      one.step();
    }
  }
  assert.is(world.hash(), twin.hash());
  assert.ok(world.digests().has("sync"));
  (world.rules.sync?.broadcast.view as { round: number }).round++;
  assert.is.not(world.hash(), twin.hash());
  (world.rules.sync?.broadcast.view as { round: number }).round--;
  const { gates, world: spec } = await planOf({ game: SYNCED });
  const again = new World(kernel, { ...spec, name: "zone-0", seed: 1, gates, saved: world.save() });
  assert.is(again.hash(), twin.hash());
  for (let n = 0; n < 50; n++) for (const one of [again, twin]) one.step();
  assert.is(again.hash(), twin.hash());
  again.leave(seat);
  for (let n = 0; n < 3; n++) again.step();
  assert.ok(again.reset(7));
  again.step();
  const view = again.rules.sync?.broadcast.view as { scores: object } | undefined;
  assert.equal(Object.keys(view?.scores ?? { none: 1 }), []);
});

test("a recording of a game with a state tree replays to the same hashes", async () => {
  const settings = { zones: 2, npcs: 0, bots: 2, players: 12, seed: 42 };
  const plan = await planOf({ game: SYNCED, ...settings });
  const kernel = await loadKernel();
  const zones = Zones.create(kernel, { ...plan, ...settings });
  const pieces: Buffer[] = [];
  const recorder = new Recorder({
    ...{ zones, map: plan.map },
    header: {
      ...{ game: { name: SYNCED.name, file: "", digest: "" }, layoutVersion: kernel.layoutVersion, kernel: "" },
      ...{ tickRate: plan.tickRate, settings },
    },
    write: (bytes) => void pieces.push(Buffer.from(bytes)),
  });
  const random = new Random(5);
  const seats: number[] = [];
  for (let n = 1; n <= 400; n++) {
    if (n % 40 === 1 && seats.length < 5) seats.push(zones.get().join(`p${n}`));
    for (const seat of seats) if (random.float() < 0.2) zones.get().input(seat, n, 1, random.float() - 0.5);
    if (n === 300) for (const seat of seats.splice(0, 2)) zones.get().leave(seat);
    zones.step();
    recorder.endTick();
  }
  recorder.close();
  zones.close();
  const reader = new RecordingReader(readFrom(new Uint8Array(Buffer.concat(pieces))));
  const again = Zones.create(kernel, { ...plan, ...settings, bots: 0, sleepAfterTicks: 0 });
  assert.is(new Replay(reader, again).run(true), null);
  again.close();
});

test("over real sockets, in every encoding: mirrors, of each player its own part and of a spectator none, and events", async () => {
  const server = await createServer({ game: SYNCED, port: 0, npcs: 0, bots: 0 });
  try {
    const url = server.ws;
    const ways = [
      {},
      { format: "json" },
      { state: "json" },
      { state: "plain" },
      { format: "json", state: "msgpack" },
    ] as const;
    const players = await Promise.all(ways.map((way, i) => connect(url, { name: `p${i}`, ...way })));
    const spectator = await watch(url, { view: { x0: 0, y0: 0, x1: 10, y1: 10 } });
    let told = 0;
    players[0]?.on("event", () => told++);
    let applied = 0;
    spectator.on("state", () => applied++);
    for (const [i, player] of players.entries()) player.input({ dx: 0, dy: 0 }) && assert.is(i >= 0, true);
    await until("all know themselves", () =>
      players.every(({ ownState }, i) => ownState["quest"] === `secret of p${i}`),
    );
    await until("the input is in the bag", () =>
      players.every(({ ownState }) => Object.keys(ownState["bag"]).length === 1),
    );
    await until("events and syncs come", () => told > 2 && applied > 5);
    assert.equal(Object.keys(spectator.ownState).length, 0);
    assert.ok(["day", "night"].includes(spectator.state["phase"]));
    for (const connection of [...players, spectator]) connection.close();
  } finally {
    await server.close();
  }
});

test("with threads it comes the same way, and goes on when a zone failed and was taken up anew", async () => {
  const { default: game }: { default: Game } = await import(new URL("games/synced.js", import.meta.url).href);
  const server = await createPublished({ game, port: 0, npcs: 0, bots: 0, threads: 1 });
  try {
    const players = await Promise.all([
      connect(server.ws, { name: "p0" }),
      connect(server.ws, { name: "p1", state: "json" }),
    ]);
    await until("all know themselves", () =>
      players.every(({ ownState }, i) => ownState["quest"] === `secret of p${i}`),
    );
    const seqOf = ({ ownState }: Connection): number =>
      Math.max(0, ...Object.values<{ count: number }>(ownState["bag"]).map(({ count }) => count));
    const [ann] = players;
    let seq = ann.input({ dx: 0, dy: 0 });
    await until("the input is told", () => seqOf(ann) === seq);
    ann.input({ dx: 0, dy: 0, action: "break" });
    seq = ann.input({ dx: 0, dy: 0 });
    await until("what came after the failure is told", () => seqOf(ann) === seq);
    let applied = 0;
    players[1]?.on("state", () => applied++);
    await until("the others are told, too", () => applied > 5);
    for (const connection of players) connection.close();
  } finally {
    await server.close();
  }
});

test.run();
