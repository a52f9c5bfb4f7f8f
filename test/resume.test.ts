/** Sessions that lose their connection: what stays, for how long, and who may go on with it. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import { JOINS_PER_TICK_MAX } from "../src/net/admission.js";
import { ENDS_PER_TICK_MAX } from "../src/net/resumption.js";
import { tokens } from "../src/net/token.js";
import { RESUME_MS } from "../src/protocol/control.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { Random } from "./support/random.js";
import { Guest, Room } from "./support/room.js";
import { field } from "./support/worlds.js";

const EXPIRY_TICKS = Math.ceil((RESUME_MS * 60) / 1000) + 1;

/** Walkers on a field with a gate in the east; whoever says so breaks its zone, or is told something. */
const GAME = defineGame({
  name: "walk",
  map: field(64),
  archetypes: { player: { speed: 120 } },
  actions: ["fail", "whisper"],
  gates: [{ zone: "zone-0", x0: 1000, y0: 0, x1: 1100, y1: 2048, to: "zone-1", x: 500, y: 500 }],
  join: (world) => world.spawn("player", 300, 300),
  input: (world, player, { actionName }) => {
    if (actionName === "fail") throw new Error("boom");
    if (actionName === "whisper") world.tell("whisper", 1, player);
  },
});

const walk = { game: GAME, zones: 2 };

const tokenOf = (guest: Guest): string => String(guest.replies.findLast(({ type }) => type === "welcome")?.["session"]);

function resume(room: Room, session: string): Guest {
  const guest = new Guest(room);
  guest.send({ type: "resume", session });
  return guest;
}

test("10,000 tokens are 22 characters of base64url, and no two alike", () => {
  const next = tokens();
  const all = Array.from({ length: 10_000 }, next);
  for (const token of all) assert.match(token, /^[\w-]{22}$/);
  assert.is(new Set(all).size, all.length);
});

test("who comes back has seat, entity, ack and token, a welcome that says so, and sees its zone from nothing", async () => {
  const room = await Room.open(walk);
  const other = Guest.joined(room);
  const guest = Guest.joined(room);
  guest.send({ type: "input", seq: 7, dx: 1, dy: 0 });
  room.tickToSnapshot();
  const [{ seat, you }, token] = [guest.session, tokenOf(guest)];
  guest.session.lost();
  room.tick(30);
  const world = room.zones.get();
  assert.equal([world.players, world.zone.count, room.hub.sessions, room.hub.resumption.count], [2, 2, 2, 1]);
  const { length } = guest.wire.frames;
  const again = resume(room, token);
  const welcome = again.last!;
  assert.equal([welcome.type, welcome["session"], welcome["resumed"], welcome["you"]], ["welcome", token, true, you]);
  assert.equal(
    [again.session.seat, again.session.you, room.hub.resumption.count, room.hub.sessions],
    [seat, you, 0, 2],
  );
  room.tickToSnapshot();
  room.tickToSnapshot();
  const decoder = new SnapshotDecoder(world.zone);
  for (const frame of again.wire.frames) decoder.decode(frame);
  assert.equal([...decoder.entities.byId.keys()].sort(), [other.session.you, you].sort());
  assert.is(decoder.ack, 7);
  assert.is(guest.wire.frames.length, length, "what is gone gets nothing");
  again.send({ type: "input", seq: 8, dx: 0, dy: 1 });
  room.tick();
  assert.is(world.acks[seat], 8);
  again.send({ type: "leave" });
  room.tick();
  assert.is(world.zone.count, 1);
  assert.is(resume(room, token).last?.code, "SESSION_UNKNOWN", "leaving ends it");
});

test("a player whose connection is lost stands still from the next tick on, behind what it had sent for ticks to come", async () => {
  const room = await Room.open(walk);
  const guests = [Guest.joined(room), Guest.joined(room)] as const;
  const world = room.zones.get();
  const { x, wishX } = world.zone.columns;
  for (const guest of guests) guest.send({ type: "input", seq: 1, dx: 1, dy: 0 });
  guests[1].send({ type: "input", seq: 2, dx: 1, dy: 0, tick: room.zones.tick + 5 });
  room.tick();
  for (const guest of guests) guest.session.lost();
  room.tick();
  const slots = guests.map(({ session }) => world.zone.slot(session.you));
  assert.equal(
    slots.map((slot) => wishX[slot]),
    [0, 1],
  );
  const still = x[slots[0]!];
  room.tick(10);
  assert.equal([x[slots[0]!], wishX[slots[1]!]], [still, 0]);
  assert.equal(
    guests.map(({ session }) => world.acks[session.seat]),
    [1, 2],
  );
});

test(`nobody comes back for ${RESUME_MS} ms: the player leaves, ${ENDS_PER_TICK_MAX} of 300 in a tick, and the token means nothing`, async () => {
  const room = await Room.open({ ...walk, players: 400 });
  const guests = Array.from({ length: 300 }, () => new Guest(room));
  for (const guest of guests) guest.send({ type: "join", name: "guest" });
  room.tick(20);
  const token = tokenOf(guests[0]!);
  for (const guest of guests) guest.session.lost();
  room.tick(EXPIRY_TICKS - 2);
  assert.equal([room.hub.sessions, room.zones.get().players], [300, 300]);
  room.tick();
  const { length } = [...Array(3).keys()].filter(() => {
    const before = room.hub.sessions;
    room.tick();
    assert.ok(before - room.hub.sessions <= ENDS_PER_TICK_MAX);
    return true;
  });
  assert.is(length, 3);
  room.tick(2);
  assert.equal([room.hub.sessions, room.zones.get().players, room.zones.get().zone.count], [0, 0, 0]);
  assert.equal([room.hub.resumption.expired, room.hub.resumption.resumed], [300, 0]);
  assert.is(resume(room, token).last?.code, "SESSION_UNKNOWN");
});

test("a resume while the old connection is open closes that with 1008; the new one goes on, a second one takes it over again", async () => {
  const room = await Room.open(walk);
  const guest = Guest.joined(room);
  const [token, { you }] = [tokenOf(guest), guest.session];
  guest.send({ type: "input", seq: 1, dx: 1, dy: 0 });
  const again = resume(room, token);
  assert.equal([guest.wire.closedWith, again.last?.["resumed"], again.session.you], [1008, true, you]);
  room.tick();
  const { wishX } = room.zones.get().zone.columns;
  assert.is(wishX[room.zones.get().zone.slot(you)], 1, "it walks on");
  const third = resume(room, token);
  assert.equal([again.wire.closedWith, third.last?.["resumed"]], [1008, true]);
  assert.equal([room.hub.sessions, room.zones.get().players], [1, 1]);
});

test("who took a walking player over and is lost at once has it stand still, and its ack goes on", async () => {
  const room = await Room.open(walk);
  const guest = Guest.joined(room);
  const [token, { you, seat }] = [tokenOf(guest), guest.session];
  guest.send({ type: "input", seq: 7, dx: 1, dy: 0 });
  room.tick();
  const world = room.zones.get();
  const slot = world.zone.slot(you);
  assert.is(world.zone.columns.wishX[slot], 1);
  resume(room, token).session.lost();
  room.tick();
  assert.equal([world.zone.columns.wishX[slot], world.acks[seat]], [0, 7]);
});

test("when the zone refuses later on what was to make a lost player stand still, it is said again", async () => {
  const room = await Room.open(walk);
  const guest = Guest.joined(room);
  const world = room.zones.get();
  guest.send({ type: "input", seq: 3, dx: 1, dy: 0 });
  room.tick();
  const said: number[][] = [];
  const input = world.input.bind(world);
  world.input = (...values) => {
    said.push(values.slice(0, 4) as number[]);
    return input(...values);
  };
  const { seat } = guest.session;
  guest.session.lost();
  assert.equal(said, [[seat, 3, 0, 0]]);
  world.onInputRefused?.(seat, 3);
  assert.equal(said, Array(2).fill([seat, 3, 0, 0]));
});

test("a spectator of the same zone that resumes a player sees what is around that, from nothing", async () => {
  const room = await Room.open(walk);
  const guest = Guest.joined(room);
  const [token, { you }] = [tokenOf(guest), guest.session];
  room.tick(6);
  guest.session.lost();
  const again = new Guest(room);
  const { zone } = room.zones.get();
  // One cell of four.
  again.send({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1 });
  room.tick(6);
  const { length } = again.wire.frames;
  assert.ok(length > 0);
  again.send({ type: "resume", session: token });
  assert.is(again.last?.["resumed"], true);
  zone.place(you, 1500, 1500);
  again.send({ type: "input", seq: 1, dx: 0, dy: 0 });
  room.tick(9);
  const decoder = new SnapshotDecoder(zone);
  for (const frame of again.wire.frames.slice(length)) decoder.decode(frame);
  assert.equal([decoder.you?.id, decoder.entities.byId.has(you), decoder.ack, decoder.cells.size], [you, true, 1, 4]);
});

test("what is no token is BAD_MESSAGE, a wrong one SESSION_UNKNOWN, and who has joined is refused; each may join or play on", async () => {
  const room = await Room.open(walk);
  const guest = Guest.joined(room);
  const other = Guest.joined(room);
  for (const session of ["", "x", 7, `${"a".repeat(21)}!`, "a".repeat(23)]) {
    other.send({ type: "resume", session });
    assert.is(other.last?.code, "BAD_MESSAGE", JSON.stringify(session));
  }
  other.send({ type: "resume", session: tokenOf(guest) });
  assert.is(other.last?.code, "ALREADY_JOINED");
  const stranger = resume(room, "A".repeat(22));
  assert.is(stranger.last?.code, "SESSION_UNKNOWN");
  stranger.send({ type: "join", name: "eve" });
  room.tick();
  assert.is(stranger.last?.type, "welcome");
  assert.is(stranger.last?.["resumed"], undefined);
  assert.is.not(tokenOf(stranger), tokenOf(guest));
});

test("a spectator that is lost is gone at once, and so is one that was closed for cause, whatever it was", async () => {
  const room = await Room.open(walk);
  const watcher = new Guest(room);
  watcher.send({ type: "view", x0: 0, y0: 0, x1: 9, y1: 9 });
  watcher.session.lost();
  assert.is(room.hub.sessions, 0);
  const guest = Guest.joined(room);
  guest.session.receiveBytes(1);
  room.tick();
  assert.equal([guest.wire.closedWith, room.hub.sessions, room.zones.get().players], [1003, 0, 0]);
});

test("who is lost on its way in, or through a gate, is found there: the welcome of the resume comes with it", async () => {
  const room = await Room.open(walk);
  const guest = new Guest(room);
  guest.send({ type: "join", name: "ann" });
  const token = guest.session.token;
  guest.session.lost();
  const again = resume(room, token);
  assert.is(again.last, undefined);
  room.tick();
  assert.equal([again.last?.type, again.last?.["resumed"]], ["welcome", true]);
  const { zone } = room.zones.get();
  zone.place(again.session.you, 1050, 300);
  again.session.lost();
  room.tick(3);
  assert.equal(
    room.zones.all.map(({ players }) => players),
    [0, 1],
  );
  const third = resume(room, token);
  const welcome = third.last!;
  assert.equal([(welcome["zone"] as { name: string }).name, welcome["resumed"]], ["zone-1", true]);
  room.tick(6);
  assert.ok(third.wire.frames.length > 0);
});

test("a zone that stops ends those who are lost in it: a resume finds nobody; events of meanwhile are dropped and counted", async () => {
  const room = await Room.open(walk);
  const [guest, other] = [Guest.joined(room), Guest.joined(room)];
  guest.send({ type: "input", seq: 1, dx: 0, dy: 0, action: "whisper", tick: room.zones.tick + 3 });
  const token = tokenOf(guest);
  guest.session.lost();
  room.tick(3);
  assert.is(room.hub.counters.eventsDropped, 1);
  other.send({ type: "input", seq: 1, dx: 0, dy: 0, action: "fail" });
  room.tick();
  assert.equal([room.hub.sessions, room.hub.resumption.count], [1, 0]);
  assert.is(resume(room, token).last?.code, "SESSION_UNKNOWN");
});

test("a server with as many sessions as it may have takes a newcomer in the place of who was lost first, and refuses one when nobody was", async () => {
  const room = await Room.open({ ...walk, players: 1100 });
  const guests = Array.from({ length: 1000 }, () => new Guest(room));
  for (const guest of guests.slice(0, 3)) guest.send({ type: "join", name: "ann" });
  room.tick();
  for (const guest of guests.slice(1, 3)) guest.session.lost();
  for (let n = 0; n < 2; n++) new Guest(room);
  assert.equal([room.hub.sessions, room.hub.resumption.count, room.hub.resumption.expired], [1000, 0, 2]);
  assert.throws(() => new Guest(room), /1000 sessions are open/);
  room.tick();
  assert.is(room.zones.get().players, 1);
});

test(`of 200 joins at once ${JOINS_PER_TICK_MAX} are taken a tick, in order; who waits may leave, is no player yet, and joins once`, async () => {
  const room = await Room.open({ ...walk, players: 400 }, [], JOINS_PER_TICK_MAX);
  const guests = Array.from({ length: 200 }, () => new Guest(room));
  for (const guest of guests) guest.send({ type: "join", name: "guest" });
  const world = room.zones.get();
  assert.equal([world.players, room.hub.admission.waiting], [JOINS_PER_TICK_MAX, 200 - JOINS_PER_TICK_MAX]);
  const late = guests[100]!;
  late.send({ type: "join", name: "guest" });
  assert.is(late.last?.code, "ALREADY_JOINED");
  late.send({ type: "input", seq: 1, dx: 1, dy: 0 });
  assert.is(late.last?.code, "COMMANDS_FULL");
  guests[101]!.send({ type: "leave" });
  guests[102]!.session.lost();
  guests[103]!.send({ type: "join", name: "x", zone: "nowhere" });
  for (let tick = 1; tick <= 3; tick++) {
    room.tick();
    assert.is(world.players, JOINS_PER_TICK_MAX * (tick + 1));
  }
  assert.ok(late.session.seat >= 0);
  room.tick(20);
  assert.equal([world.players, world.zone.count, room.hub.sessions], [198, 198, 199]);
  guests[101]!.send({ type: "join", name: "guest" });
  room.tick();
  assert.is(guests[101]!.last?.type, "welcome");
});

test(`of 300 who say goodbye at once ${ENDS_PER_TICK_MAX} leave in a tick, at most, and nobody can resume them`, async () => {
  const room = await Room.open({ ...walk, players: 400 });
  const guests = Array.from({ length: 300 }, () => new Guest(room));
  for (const guest of guests) guest.send({ type: "join", name: "guest" });
  room.tick(20);
  const world = room.zones.get();
  const last = tokenOf(guests.at(-1)!);
  for (const { session } of guests) session.left();
  const left = [world.players];
  assert.is(resume(room, last).last?.code, "SESSION_UNKNOWN");
  for (let tick = 0; tick < 3; tick++) {
    room.tick();
    left.push(world.players);
  }
  assert.equal(left, [300 - ENDS_PER_TICK_MAX, 300 - 2 * ENDS_PER_TICK_MAX, 0, 0]);
  assert.equal([room.hub.sessions, room.hub.resumption.leaving, room.hub.resumption.count], [1, 0, 0]);
});

test("500 random losses, resumes, takeovers, leaves and gates: seats, sessions and entities agree, and all are free in the end", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = new Random(seed);
    const room = await Room.open(walk);
    const here: Guest[] = [];
    const lost: string[] = [];
    for (let n = 0; n < 500; n++) {
      const [dice, guest] = [random.integer(0, 9), here[random.integer(0, Math.max(0, here.length - 1))]];
      if (dice < 3 && here.length < 30) {
        const fresh = new Guest(room);
        fresh.send({ type: "join", name: `p${n}` });
        here.push(fresh);
      } else if (guest !== undefined && dice < 5) {
        here.splice(here.indexOf(guest), 1);
        lost.push(guest.session.token);
        guest.session.lost();
      } else if (lost.length > 0 && dice < 7) {
        const again = resume(room, lost.splice(random.integer(0, lost.length - 1), 1)[0]!);
        if (again.last?.code === undefined) here.push(again);
        else again.session.end();
      } else if (guest !== undefined && dice < 8) {
        here[here.indexOf(guest)] = resume(room, guest.session.token);
      } else if (guest !== undefined && guest.session.you !== 0 && dice < 9) {
        const world = room.zones.all.find(({ name }) => name === guest.session.playing?.venue.name);
        if (world !== undefined) world.zone.place(guest.session.you, 1050, 300);
      }
      // From time to time so long that who is lost is gone.
      room.tick(random.integer(0, 99) === 0 ? EXPIRY_TICKS + 3 : random.integer(0, 3));
      for (const { session } of here) session.receivePong();
      const players = room.zones.all.reduce((sum, world) => sum + world.players, 0);
      assert.equal(
        [room.hub.sessions, players],
        [here.length + room.hub.resumption.count, room.hub.sessions],
        `seed ${seed}, ${n}`,
      );
    }
    for (const guest of here) guest.session.end();
    room.tick(EXPIRY_TICKS + 3);
    assert.equal([room.hub.sessions, room.hub.resumption.count], [0, 0], `seed ${seed}`);
    assert.equal(
      room.zones.all.map(({ zone }) => zone.count),
      [0, 0],
      `seed ${seed}`,
    );
  }
});

test.run();
