/** What a player's client hears of its game: events, refusals, death, another body, another zone, the end. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import type { GameWorld, Player } from "../src/game/types.js";
import { EVENTS_WAITING_MAX } from "../src/net/event-queue.js";
import { EVENT_BYTES_MAX } from "../src/net/wire.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { packRuns, unpackRuns } from "../src/sim/runs.js";
import { headsOf } from "./support/frame-heads.js";
import { Random } from "./support/random.js";
import { Guest, Room } from "./support/room.js";
import { field } from "./support/worlds.js";

/** What the puppets of the game below can be made to do. */
const TRICKS: Readonly<Record<string, (world: GameWorld, player: Player) => void>> = {
  die: ({ zone }, { entity }) => void zone.harm(entity, 1000),
  vanish: ({ zone }, { entity }) => void zone.despawn(entity),
  swap: (world, player) => world.possess(player, world.spawn("doll", 1500, 1500)),
  drop: (world, player) => world.possess(player, 0),
  load: ({ own, zone }, { entity }) => {
    own["ammo"]![zone.slot(entity)] = 9;
    own["secret"]![zone.slot(entity)] = 9;
  },
  earn: ({ zone }, { entity }) => {
    zone.columns.xp[zone.slot(entity)] = 70_000;
    zone.columns.gold[zone.slot(entity)] = 8;
  },
  shout: (world, { name }) => void world.tell("shout", { by: name }),
  whisper: (world, player) => void world.tell("whisper", ["psst"], player),
  near: (world) => void world.tell("near", null, { x: 300, y: 300, radius: 64 }),
  flood: (world, player) => {
    for (let i = 0; i < 100; i++) world.tell("flood", i, player);
  },
  roar: (world) => {
    for (let i = 0; i < 100; i++) world.tell("roar", i);
  },
  fail: () => {
    throw new Error("boom");
  },
};

const PUPPETS = defineGame({
  name: "puppets",
  columns: { ammo: { type: "u16", replicate: true }, secret: "f32" },
  archetypes: { player: { hp: 100, speed: 120, corpse: 0.5, levelXp: 10, levelHp: 20 }, doll: { hp: 5 } },
  actions: Object.keys(TRICKS),
  capacity: 2000,
  gates: [{ zone: "zone-0", x0: 380, y0: 0, x1: 420, y1: 2048, to: "zone-1", x: 1000, y: 1000 }],
  join: (world) => world.spawn("player", 300, 300),
  gone: () => undefined,
  input: (world, player, { actionName }) => TRICKS[actionName]?.(world, player),
});

const play = { game: PUPPETS, zones: 2 };
const KINDS = [
  { name: "player", hp: 100, levelHp: 20, halfSize: 8 },
  { name: "doll", hp: 5, levelHp: 0, halfSize: 8 },
];

/** A player, and what its client knows. */
class Puppet extends Guest {
  seq = 0;

  static in(room: Room, format: "binary" | "json" = "binary"): Puppet {
    const puppet = new Puppet(room, format);
    puppet.send({ type: "join", name: "ann" });
    room.tick();
    return puppet;
  }

  act(action?: string, dx = 0): void {
    this.send({ type: "input", seq: ++this.seq, dx, dy: 0, ...(action === undefined ? {} : { action }) });
  }

  /** Acts, and lets it come to a snapshot. */
  actNow(action: string): void {
    this.act(action);
    this.room.tick();
    this.room.tickToSnapshot();
    this.room.tickToSnapshot();
  }

  get events(): unknown[] {
    return this.replies.filter(({ type }) => type === "event").map(({ name, data }) => [name, data]);
  }

  get welcomes() {
    return this.replies.filter(({ type }) => type === "welcome") as unknown as {
      you: number;
      tick: number;
      zone: { name: string; columns: object[]; kinds: object[]; gates: object[] };
    }[];
  }

  /** `you` of the last binary frame. */
  get framedYou(): number {
    return headsOf(this.wire.messages).at(-1)?.you ?? 0;
  }
}

test("welcome tells the replicated columns, the kinds and the gates of the zone; watching does too", async () => {
  const room = await Room.open(play, KINDS);
  const puppet = Puppet.in(room);
  const { zone } = puppet.welcomes[0]!;
  assert.equal(zone.columns, [{ name: "ammo", type: "u16" }]);
  assert.equal(zone.kinds, KINDS);
  assert.equal(zone.gates, [{ x0: 380, y0: 0, x1: 420, y1: 2048, to: "zone-1" }]);
  const watcher = new Guest(room);
  watcher.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1 });
  assert.equal(watcher.last?.["zone"], zone);
});

test("a replicated column, and xp and gold of one's own, are in the snapshots; other columns are in none", async () => {
  const room = await Room.open(play);
  const puppets = [Puppet.in(room), Puppet.in(room, "json")];
  for (const [i, puppet] of puppets.entries()) {
    const decoder = new SnapshotDecoder(room.zones.get().zone, [{ name: "ammo", type: "u16" }]);
    puppet.act("load");
    puppet.actNow("earn");
    for (const frame of puppet.wire.frames) decoder.decode(frame);
    for (const reply of puppet.replies) if (reply.type === "snapshot") decoder.applyJson(reply);
    const { you } = puppet.session;
    assert.is(decoder.entities.byId.get(you)?.["ammo"], 9, `${i}`);
    assert.is(decoder.entities.byId.get(you)?.["secret"], undefined, `${i}`);
    assert.equal([decoder.you?.xp, decoder.you?.gold, decoder.you?.level], [70_000, 8, 1], `${i}`);
  }
});

test("an action that the game has is done, `attack` is one; another is refused with BAD_MESSAGE and moves nobody", async () => {
  const room = await Room.open(play);
  const puppet = Puppet.in(room);
  const { zone } = room.zones.get();
  puppet.act("attack", 1);
  puppet.act("whisper", 1);
  room.tick();
  assert.equal(puppet.events, [["whisper", ["psst"]]]);
  assert.is(zone.columns.wishX[zone.slot(puppet.session.you)], 1);
  const hash = room.zones.get().hash();
  puppet.act("dance", -1);
  assert.equal([puppet.last?.type, puppet.last?.code], ["error", "BAD_MESSAGE"]);
  assert.match(String(puppet.last?.["message"]), /"dance"/);
  assert.is(room.zones.get().pending, 0);
  assert.is(room.zones.get().hash(), hash);
});

test("a zone without room for another command refuses inputs with COMMANDS_FULL, and takes them again after its tick", async () => {
  const room = await Room.open({ ...play, players: 2 });
  const puppets = [Puppet.in(room), Puppet.in(room)];
  const refusals = (): number => puppets[1]!.replies.filter(({ code }) => code === "COMMANDS_FULL").length;
  // Actions that differ cannot be merged into one command.
  for (let i = 0; i < 200; i++) for (const puppet of puppets) puppet.act(i % 2 === 0 ? "attack" : "load");
  assert.ok(refusals() > 0, "COMMANDS_FULL is said");
  const all = puppets.flatMap(({ replies }) => replies).filter(({ code }) => code === "COMMANDS_FULL").length;
  assert.is(room.zones.get().commandsRefused, all);
  room.tick();
  const before = refusals();
  puppets[1]!.act("whisper");
  room.tick();
  assert.is(refusals(), before);
  assert.equal(puppets[1]!.events, [["whisper", ["psst"]]]);
});

test("an input for a tick is applied in it, one more than a second ahead is BAD_MESSAGE, the 33rd that waits COMMANDS_FULL", async () => {
  const room = await Room.open(play);
  const puppet = Puppet.in(room);
  const at = (tick: number, action?: string): void =>
    puppet.send({ type: "input", seq: ++puppet.seq, dx: 0, dy: 0, tick, ...(action === undefined ? {} : { action }) });
  const { tick } = room.zones;
  at(tick + 10, "whisper");
  room.tick(9);
  assert.equal(puppet.events, []);
  room.tick();
  assert.equal(puppet.events, [["whisper", ["psst"]]]);
  at(tick + 11 + 60);
  assert.is(puppet.last?.code, "BAD_MESSAGE");
  assert.match(String(puppet.last?.["message"]), /more than a second ahead of/);
  const { length } = puppet.replies;
  for (let n = 0; n < 32; n++) at(tick + 10 + 29 + n);
  assert.is(puppet.replies.length, length);
  at(tick + 10 + 60, "whisper");
  assert.is(puppet.replies.length, length, "the 33rd merges with the last");
  at(tick + 10 + 60, "near");
  assert.is(puppet.last?.code, "COMMANDS_FULL");
  room.tick(60);
  assert.is(room.zones.get().acks[puppet.session.seat], puppet.seq - 1);
  at(0, "whisper");
  room.tick();
  assert.is(puppet.events.length, 3, "a late one is applied in the next step");
});

test("an event reaches one player, those within a radius, or everybody who watches the zone, and nobody else", async () => {
  const room = await Room.open(play);
  const [ann, bob] = [Puppet.in(room), Puppet.in(room, "json")];
  const [here, there, elsewhere] = [new Guest(room), new Guest(room), new Guest(room)];
  here.send({ type: "view", x0: 200, y0: 200, x1: 400, y1: 400 });
  there.send({ type: "view", x0: 1500, y0: 1500, x1: 1600, y1: 1600 });
  elsewhere.send({ type: "view", x0: 200, y0: 200, x1: 400, y1: 400, zone: "zone-1" });
  const heard = (guest: Guest): string =>
    guest.replies
      .filter(({ type }) => type === "event")
      .map(({ name }) => name)
      .join();
  room.tick(6);
  bob.actNow("swap");
  ann.actNow("shout");
  ann.actNow("whisper");
  ann.actNow("near");
  assert.is(heard(ann), "shout,whisper,near");
  assert.is(heard(bob), "shout", "its entity is far away by now");
  assert.is(heard(here), "shout,near");
  assert.is(heard(there), "shout");
  assert.is(heard(elsewhere), "");
  assert.equal(ann.events[0], ["shout", { by: "ann" }]);
  assert.equal(ann.events[2], ["near", null]);
  assert.is(room.hub.counters.eventsSent, 7);
  assert.is(room.hub.counters.eventsDropped, 0);
});

test(`of 100 events in a tick a session gets ${EVENTS_WAITING_MAX}; the rest is dropped and counted; the next tick is a new one`, async () => {
  const room = await Room.open(play);
  const [ann, bob] = [Puppet.in(room), Puppet.in(room)];
  ann.act("flood");
  room.tick();
  assert.equal(
    ann.events,
    Array.from({ length: EVENTS_WAITING_MAX }, (_, i) => ["flood", i]),
  );
  assert.is(room.hub.counters.eventsDropped, 100 - EVENTS_WAITING_MAX);
  bob.act("roar");
  room.tick();
  assert.is(bob.events.length, EVENTS_WAITING_MAX);
  assert.is(room.hub.counters.eventsDropped, 3 * (100 - EVENTS_WAITING_MAX));
  ann.act("whisper");
  room.tick();
  assert.equal(ann.events.at(-1), ["whisper", ["psst"]]);
});

test("events that a session does not read are dropped and counted; the session lives, its replies have their own room", async () => {
  const room = await Room.open(play);
  const ann = Puppet.in(room);
  const eventBytes = 4 + '{"type":"event","name":"whisper","data":["psst"]}'.length;
  ann.wire.queuedBytes = EVENT_BYTES_MAX - eventBytes + 1;
  ann.act("whisper");
  room.tick();
  assert.equal(ann.events, []);
  assert.is(room.hub.counters.eventsDropped, 1);
  ann.send({ type: "ping", t: 1 });
  assert.is(ann.last?.type, "pong");
  ann.wire.queuedBytes = EVENT_BYTES_MAX - eventBytes;
  ann.act("whisper");
  room.tick();
  assert.is(ann.events.length, 1);
  assert.is(ann.wire.closedWith, 0);
});

test("600 who watch hear of it within 3 ticks, 256 in each", async () => {
  const room = await Room.open(play);
  const ann = Puppet.in(room);
  const watchers = Array.from({ length: 600 }, () => new Guest(room));
  for (const watcher of watchers) watcher.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1 });
  room.tick(3);
  ann.act("shout");
  const told = (): number => watchers.filter(({ last }) => last?.type === "event").length + ann.events.length;
  for (const count of [256, 512, 601, 601]) {
    room.tick();
    assert.is(told(), count);
  }
});

test("what waits for one's turn comes before one looks elsewhere, or leaves, and is not told of another zone later", async () => {
  const room = await Room.open(play);
  const puppet = Puppet.in(room);
  // They are told first.
  const crowd = Array.from({ length: 300 }, () => new Guest(room));
  for (const guest of crowd) guest.send({ type: "view", x0: 0, y0: 0, x1: 100, y1: 100 });
  const leaver = Puppet.in(room);
  const told = (guest: Guest) => guest.replies.filter(({ type }) => type === "event").length;
  puppet.act("shout");
  room.tick();
  const last = crowd.at(-1)!;
  assert.equal([told(puppet), told(last), told(leaver)], [1, 0, 0]);
  last.send({ type: "view", zone: "zone-1", x0: 0, y0: 0, x1: 100, y1: 100 });
  leaver.send({ type: "leave" });
  assert.equal([told(last), told(leaver)], [1, 1]);
  assert.equal(
    last.replies.map(({ type }) => type),
    ["watching", "event", "watching"],
  );
  room.tick(3);
  assert.equal([told(last), told(leaver)], [1, 1]);
});

test("who died keeps its id and its snapshots as a corpse; who is gone sees on from where it was, as nobody", async () => {
  const room = await Room.open(play);
  const ann = Puppet.in(room);
  const bob = Puppet.in(room);
  const decoder = new SnapshotDecoder(room.zones.get().zone, [{ name: "ammo", type: "u16" }]);
  const decode = (): void => {
    for (const frame of ann.wire.frames.splice(0)) decoder.decode(frame);
  };
  const { you } = ann.session;
  ann.actNow("die");
  decode();
  assert.equal([decoder.you?.id, decoder.you!.hp <= 0], [you, true]);
  assert.is(decoder.entities.byId.get(you)?.state, 4);
  room.tick(60);
  decode();
  assert.equal([decoder.you, decoder.entities.byId.has(you)], [null, false]);
  assert.is(decoder.entities.byId.has(bob.session.you), true, "it still sees who is there");
  assert.is(ann.welcomes.length, 1);
  ann.act();
  const { tick } = decoder;
  room.tick(6);
  decode();
  assert.ok(decoder.tick > tick);
  assert.is(decoder.ack, ann.seq, "its inputs are still taken");
});

test("who is given another entity gets a welcome with it, and no frame that does not know it; 0 is no welcome", async () => {
  const room = await Room.open(play);
  const ann = Puppet.in(room);
  const first = ann.session.you;
  room.tick(6);
  ann.actNow("swap");
  const [, welcome] = ann.welcomes;
  assert.is(ann.welcomes.length, 2);
  assert.is.not(welcome?.you, first);
  assert.is(ann.framedYou, welcome?.you);
  const heir = welcome!.you;
  for (const { tick, you } of headsOf(ann.wire.messages)) assert.is(you, tick > welcome!.tick ? heir : first);
  ann.actNow("drop");
  assert.is(ann.framedYou, 0);
  assert.is(ann.welcomes.length, 2);
  ann.actNow("swap");
  assert.is(ann.welcomes.length, 3);
});

test("whose entity vanishes at once, before any frame, sees the middle of the zone", async () => {
  const room = await Room.open({ game: defineGame({ name: "void", archetypes: { doll: {} }, join: () => undefined }) });
  const ann = Puppet.in(room);
  assert.is(ann.welcomes[0]?.you, 0);
  const { zone } = room.zones.get();
  const doll = zone.spawn({ x: 1100, y: 1100 });
  const decoder = new SnapshotDecoder(zone);
  room.tick(6);
  for (const frame of ann.wire.frames) decoder.decode(frame);
  assert.equal([[...decoder.entities.byId.keys()], decoder.you], [[doll], null]);
});

for (const format of ["binary", "json"] as const) {
  test(`through a gate (${format}): one welcome of the other zone, its snapshots after it, inputs count on`, async () => {
    const room = await Room.open(play, KINDS);
    const puppet = Puppet.in(room, format);
    const [from, to] = [room.zones.get("zone-0"), room.zones.get("zone-1")];
    const decoder = new SnapshotDecoder(from.zone, [{ name: "ammo", type: "u16" }]);
    puppet.act("load");
    room.tick(3);
    let ticks = 0;
    const log: string[] = [];
    // What came, in its order: frames and texts are kept apart, so look after each tick.
    const look = (): void => {
      for (const text of puppet.wire.texts.splice(0)) {
        const reply = JSON.parse(text);
        if (reply.type === "welcome") {
          decoder.reset(reply.zone, reply.zone.columns);
          log.push(`welcome ${reply.zone.name}`);
        } else if (reply.type === "snapshot") {
          decoder.applyJson(reply);
        }
      }
      for (const frame of puppet.wire.frames.splice(0)) decoder.decode(frame);
    };
    look();
    let ack = 0;
    while (to.players === 0 && ticks++ < 120) {
      puppet.act(undefined, 1);
      room.tick();
      look();
      assert.ok(decoder.tick < 0 || decoder.ack >= ack, "acks do not go back");
      ack = Math.max(ack, decoder.ack);
    }
    assert.equal([from.players, to.players], [0, 1]);
    for (let i = 0; i < 12; i++) {
      puppet.act(undefined, 0);
      room.tick();
      look();
      assert.ok(decoder.tick < 0 || decoder.ack >= ack, "acks do not go back");
      ack = Math.max(ack, decoder.ack);
    }
    assert.equal(log, ["welcome zone-0", "welcome zone-1"]);
    assert.equal([from.zone.count, to.zone.count], [0, 1]);
    assert.is(decoder.you?.id, to.zone.columns.id[to.zone.slot(puppet.session.you)]);
    assert.is(decoder.entities.byId.get(puppet.session.you)?.["ammo"], 9, "it took its columns along");
    assert.ok(Math.abs(decoder.you!.x - 1000) < 100);
    assert.ok(ack > puppet.seq - 4, `${ack} of ${puppet.seq}`);
    puppet.send({ type: "leave" });
    room.tick(2);
    assert.equal([to.players, to.zone.count], [0, 0]);
  });
}

test("who is gone while it crosses leaves no entity in either zone, and no session in either audience", async () => {
  const room = await Room.open(play);
  const [from, to] = [room.zones.get("zone-0"), room.zones.get("zone-1")];
  for (let round = 0; round < 3; round++) {
    const puppet = Puppet.in(room);
    for (let ticks = 0; to.players === 0 && ticks < 120; ticks++) {
      puppet.act(undefined, 1);
      room.tick();
    }
    assert.is(to.players, 1, "its seat is there, it is not in yet");
    if (round === 0) puppet.session.end();
    if (round === 1) puppet.send({ type: "leave" });
    if (round === 2) {
      puppet.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1, zone: "zone-1" });
      puppet.session.end();
    }
    room.tick(3);
    assert.equal([from.zone.count, to.zone.count, from.players, to.players], [0, 0, 0, 0], `round ${round}`);
    const frames = puppet.wire.frames.length;
    room.tick(6);
    assert.is(puppet.wire.frames.length, frames, `round ${round}`);
    puppet.session.end();
  }
  assert.equal(
    room.hub.pools.map(({ inUse }) => inUse),
    [0, 0],
  );
});

test("a zone whose game fails tells its players and watchers ZONE_STOPPED, refuses who comes, and the others play on", async () => {
  const room = await Room.open(play);
  const ann = Puppet.in(room);
  const watcher = new Guest(room);
  watcher.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1 });
  const other = new Puppet(room);
  other.send({ type: "join", name: "bob", zone: "zone-1" });
  const guest = new Puppet(room);
  guest.send({ type: "view", x0: 0, y0: 0, x1: 2048, y1: 2048, zone: "zone-1" });
  guest.send({ type: "join", name: "eve", zone: "zone-0" });
  room.tick(3);
  ann.act("fail");
  room.tick();
  assert.equal(
    guest.replies.slice(-2).map(({ type, code, zone }) => [type, code ?? (zone as { name: string }).name]),
    [
      ["error", "ZONE_STOPPED"],
      ["watching", "zone-1"],
    ],
    "who looked at another zone before looks there again",
  );
  for (const guest of [ann, watcher]) {
    assert.equal([guest.last?.type, guest.last?.code], ["error", "ZONE_STOPPED"]);
    assert.is(guest.replies.filter(({ code }) => code === "ZONE_STOPPED").length, 1);
    assert.not.match(String(guest.last?.["message"]), /boom/, "where it failed is not the players' business");
  }
  ann.act(undefined, 1);
  assert.is(ann.last?.code, "NOT_JOINED");
  ann.send({ type: "join", name: "ann", zone: "zone-0" });
  assert.is(ann.last?.code, "ZONE_STOPPED");
  ann.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1 });
  assert.is(ann.last?.code, "ZONE_STOPPED");
  const guests = [ann, watcher, other, guest];
  const frames = guests.map(({ wire }) => wire.frames.length);
  room.tick(6);
  assert.equal(
    guests.map(({ wire }, i) => wire.frames.length - frames[i]!),
    [0, 0, 2, 2],
  );
  ann.send({ type: "join", name: "ann", zone: "zone-1" });
  room.tick(3);
  assert.is(ann.welcomes.at(-1)?.zone.name, "zone-1");
  for (const guest of guests) guest.session.end();
  room.tick(3);
  assert.equal(
    room.hub.pools.map(({ inUse }) => inUse),
    [0, 0],
  );
});

/** What a client makes of all that it is sent, held against the zones it is told of. */
class Model {
  readonly #room: Room;
  readonly #guest: Guest;
  #decoder: SnapshotDecoder | null = null;
  #zone = "";
  #you = 0;
  #isPlayer = false;
  frames = 0;

  constructor(room: Room, guest: Guest) {
    this.#room = room;
    this.#guest = guest;
    guest.wire.heard = (message) =>
      typeof message === "string" ? this.#hear(JSON.parse(message)) : this.#see(message);
  }

  #hear(reply: Record<string, unknown>): void {
    const { type } = reply;
    if (type === "snapshot") {
      this.#decoder!.applyJson(reply);
      this.#check();
    } else if (type === "welcome" || type === "watching") {
      const zone = reply["zone"] as { name: string; width: number; height: number; tileSize: number };
      if (zone.name !== this.#zone) this.#decoder = new SnapshotDecoder(zone, [{ name: "ammo", type: "u16" }]);
      this.#zone = zone.name;
      this.#isPlayer = type === "welcome";
      this.#you = (reply["you"] as number | undefined) ?? 0;
    }
  }

  #see(frame: Uint8Array): void {
    this.#decoder!.decode(frame);
    this.#check();
  }

  /** As a rule a session is served in the tick of the snapshot: what it knows then is what is there. */
  #check(): void {
    const { entities, you, tick } = this.#decoder!;
    const { zone } = this.#room.zones.get(this.#zone);
    if (you !== null) assert.is(you.id, this.#you, "it is who the last welcome said");
    // It came, or looked elsewhere, after the snapshot was taken.
    if (tick !== zone.tick) return;
    this.frames++;
    const { x, y, id, state, hp } = zone.columns;
    for (const [known, entity] of entities.byId) {
      const slot = zone.slot(known);
      const isThere = slot >= 0 && Math.abs(entity.x - x[slot]!) < 0.04 && Math.abs(entity.y - y[slot]!) < 0.04;
      if (!isThere)
        throw new Error(
          `tick ${tick}: ${known}, slot ${slot}, at ${entity.x}, ${entity.y}, not ${x[slot]}, ${y[slot]}`,
        );
      assert.equal([entity.state, entity.hp, entity["ammo"]], [state[slot], hp[slot], zone.own["ammo"]![slot]]);
    }
    if (you === null) {
      if (this.#isPlayer && this.#you !== 0) assert.ok(zone.slot(this.#you) < 0 || this.#guest.session.you === 0);
      return;
    }
    const cell = (v: number): number => Math.floor(Math.floor(v * 16 + 0.5) / (16 * 1024));
    for (let slot = 0; slot < zone.highWater; slot++) {
      const near = Math.abs(cell(x[slot]!) - cell(you.x)) <= 1 && Math.abs(cell(y[slot]!) - cell(you.y)) <= 1;
      if (id[slot] !== 0 && near) assert.ok(entities.byId.has(id[slot]!), `${id[slot]} is in view`);
    }
  }
}

test("10 seeds x 400 ticks of 20 clients that join, play, cross, die, change, look around and go: each knows just what is there", async () => {
  const tricks = ["attack", "die", "vanish", "swap", "drop", "load", "earn", "shout", "near", "dance"];
  for (let seed = 1; seed <= 10; seed++) {
    const random = new Random(seed);
    const room = await Room.open({ ...play, map: field(96), players: 15, seed }, KINDS);
    const clients = new Map<Puppet, Model>();
    let frames = 0;
    for (let tick = 0; tick < 400; tick++) {
      if (clients.size < 20 && random.float() < 0.3) {
        const puppet = new Puppet(room, random.float() < 0.3 ? "json" : "binary");
        clients.set(puppet, new Model(room, puppet));
      }
      for (const [puppet, model] of clients) {
        const roll = random.float();
        const zone = random.pick(["zone-0", "zone-1"]);
        if (roll < 0.03) puppet.send({ type: "join", name: "ann", zone });
        else if (roll < 0.04) puppet.send({ type: "leave" });
        else if (roll < 0.06) puppet.send({ type: "view", x0: 0, y0: 0, x1: random.float() * 3000, y1: 900, zone });
        else if (roll < 0.12) puppet.act(random.pick(tricks), 1);
        else if (roll < 0.4) puppet.act(undefined, 1);
        else if (roll < 0.405) {
          frames += model.frames;
          puppet.session.end();
          clients.delete(puppet);
        }
      }
      try {
        room.tick();
      } catch (error) {
        if (error instanceof Error) error.message = `seed ${seed}, tick ${tick}: ${error.message}`;
        throw error;
      }
    }
    for (const puppet of clients.keys()) puppet.session.end();
    room.tick(3);
    assert.equal(
      room.zones.all.map(({ players, fault }) => [players, fault]),
      [
        [0, null],
        [0, null],
      ],
      `seed ${seed}`,
    );
    assert.ok(
      frames > 100 && room.zones.transfers > 0,
      `seed ${seed}: ${frames} frames, ${room.zones.transfers} transfers`,
    );
    assert.equal(
      room.hub.pools.map(({ inUse }) => inUse),
      [0, 0],
    );
    room.zones.close();
  }
});

test("a zone that somebody watches is awake, and sleeps when nobody does", async () => {
  const room = await Room.open({ game: defineGame({ ...PUPPETS.definition, sleepAfter: 0.5 }), zones: 2 });
  room.tick(60);
  assert.is(room.zones.awake, 0);
  const watcher = new Guest(room);
  watcher.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1, zone: "zone-1" });
  assert.is(watcher.last?.["tick"], 60);
  room.tick(60);
  assert.is(room.zones.awake, 1);
  assert.ok(watcher.wire.frames.length >= 19, `${watcher.wire.frames.length} frames`);
  // Those of zone-1 come a tick earlier than those of zone-0.
  assert.is(watcher.ticks.at(-1), 119);
  watcher.session.end();
  room.tick(60);
  assert.is(room.zones.awake, 0);
});

test("64 sessions and frames are made ahead and used again: 50 x 70 that come and go make 70 of each, and all are given back", async () => {
  const room = await Room.open(play);
  assert.equal(
    room.hub.pools.map(({ created }) => created),
    [64, 64],
  );
  for (let round = 0; round < 50; round++) {
    const guests = Array.from({ length: 70 }, (_, i) => new Guest(room, i % 2 === 0 ? "binary" : "json"));
    for (const guest of guests) guest.send({ type: "join", name: "guest" });
    room.tick(5);
    for (const guest of guests) {
      assert.is(guest.replies.filter(({ type }) => type === "welcome").length, 1);
      guest.session.end();
    }
    room.tick();
  }
  const [sessions, frames] = room.hub.pools;
  for (const pool of [sessions, frames])
    assert.equal([pool?.inUse, pool?.created, pool?.highWater, pool?.failedAcquires], [0, 70, 70, 0]);
});

test("a frame that is on its way when its session ends is not another's until it has landed", async () => {
  const room = await Room.open(play);
  const slow = Puppet.in(room);
  slow.wire.slow = true;
  room.tick(6);
  slow.session.end();
  const [sessions, frames] = room.hub.pools;
  assert.equal([sessions?.inUse, frames?.inUse], [0, 1]);
  const next = Puppet.in(room);
  assert.equal([sessions?.inUse, frames?.inUse], [1, 2]);
  slow.wire.flush();
  assert.equal([sessions?.inUse, frames?.inUse], [1, 1]);
  room.tick(6);
  assert.is(next.wire.frames.length, 2);
  next.session.end();
  assert.equal([sessions?.inUse, frames?.inUse], [0, 0]);
});

test("free seats in runs are what they were, for 500 random lists; 2,048 that nobody took are two numbers", () => {
  assert.equal(packRuns(Uint32Array.from({ length: 2048 }, (_, i) => 2047 - i)), [2047, 2048]);
  assert.equal(packRuns(new Uint32Array(0)), []);
  for (let seed = 1; seed <= 500; seed++) {
    const random = new Random(seed);
    let seat = 500;
    const list = Uint32Array.from({ length: random.integer(1, 200) }, () => {
      seat = random.float() < 0.7 && seat > 0 ? seat - 1 : random.integer(0, 1000);
      return seat;
    });
    assert.equal(unpackRuns(packRuns(list)), [...list], `seed ${seed}`);
  }
});

test.run();
