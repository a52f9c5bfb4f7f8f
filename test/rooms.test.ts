/** Matches: players are placed into rooms, rooms fill, empty, close and are opened again as good as new; and nobody is lost on the way. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import type { RoomTemplate } from "../src/game/types.js";
import { openingSeed } from "../src/sim/template.js";
import { Guest, Room } from "./support/room.js";
import { field } from "./support/worlds.js";

const TICK_RATE = 60;

/** A field on which as many walkers stroll as the template says; the state remembers when it was set up. */
function gameOf(rooms: Readonly<Record<string, RoomTemplate>>) {
  return defineGame<{ sinceTick: number; seen: string[] }>({
    name: "matches",
    map: field(16),
    archetypes: { player: {}, walker: { brain: "hunter", wander: 160, speed: 60 } },
    capacity: 20,
    rooms,
    state: () => ({ sinceTick: -1, seen: [] }),
    setup(world) {
      world.state.sinceTick = world.tick;
      for (let i = 0; i < (world.settings["walkers"] ?? 3); i++) {
        const { x, y } = world.freePlace("walker");
        world.spawn("walker", x, y);
      }
    },
    leave: (world, player) => void world.state.seen.push(player.name),
  });
}

const ARENA = gameOf({ arena: { maxPlayers: 8, instances: 16, linger: 1 } });

function joined(room: Room, count: number, zone?: string): Guest[] {
  return Array.from({ length: count }, () => {
    const guest = new Guest(room);
    guest.send({ type: "join", name: "guest", ...(zone === undefined ? {} : { zone }) });
    return guest;
  });
}

/** Where each of them is, as the welcome says; "" where there was none. */
function zonesOfGuests(guests: readonly Guest[]): string[] {
  return guests.map((guest) => {
    const welcome = guest.replies.findLast(({ type }) => type === "welcome");
    return (welcome?.["zone"] as { name: string } | undefined)?.name ?? "";
  });
}

const countOf = (names: readonly string[], name: string) => names.filter((other) => other === name).length;
const tableOf = ({ hub }: Room, i = 0) => hub.rooms!.tables[i]!;
const stateOf = (room: Room, zone: string) => JSON.parse(room.zones.get(zone).rules.parts().get("state") ?? "");

test("100 players fill 13 arenas of 8, one after the other; the others sleep", async () => {
  const room = await Room.open({ game: ARENA });
  assert.equal([room.zones.awake, room.zones.asleep, room.zones.entities], [0, 16, 0]);
  const guests = joined(room, 100);
  assert.equal([tableOf(room).open, tableOf(room).closed, tableOf(room).players], [13, 3, 100]);
  room.tick(2);
  const names = zonesOfGuests(guests);
  for (let i = 0; i < 12; i++) assert.is(countOf(names, `arena-${i}`), 8, `arena-${i}`);
  assert.is(countOf(names, "arena-12"), 4);
  assert.equal([room.zones.awake, room.zones.asleep], [13, 3]);
  assert.equal(
    room.zones.all.map(({ players }) => players),
    [...new Array(12).fill(8), 4, 0, 0, 0],
  );
  const { placed, refused, opened } = tableOf(room);
  assert.equal([placed, refused, opened], [100, 0, 13]);
  // The 101st to 128th fill what there is.
  const others = joined(room, 28);
  room.tick(3);
  assert.is(countOf(zonesOfGuests(others), "arena-12"), 4);
  assert.is(room.zones.awake, 16);
  const [late] = joined(room, 1);
  assert.is(late?.last?.code, "ROOMS_FULL");
  assert.match(String(late?.last?.["message"]), /all 16 rooms of arena/);
  assert.equal([tableOf(room).placed, tableOf(room).refused], [128, 1]);
  room.zones.close();
});

test("who leaves, in whatever way, makes room for one in the fullest room, also before the next tick", async () => {
  const room = await Room.open({ game: ARENA });
  const guests = joined(room, 20);
  room.tick(2);
  guests[0]!.send({ type: "leave" });
  guests[9]!.session.end();
  guests[10]!.send({ type: "leave" });
  // arena-0 has 7 players, arena-1 6, arena-2 4.
  const more = joined(room, 4);
  room.tick(2);
  assert.equal(zonesOfGuests(more), ["arena-0", "arena-1", "arena-1", "arena-2"]);
  // Everybody of a room leaves and is replaced between two ticks.
  for (const guest of [...guests.slice(1, 8), more[0]!]) guest.send({ type: "leave" });
  const others = joined(room, 8);
  assert.is(room.zones.find("arena-0")?.players, 5);
  room.tick(2);
  assert.equal([countOf(zonesOfGuests(others), "arena-2"), countOf(zonesOfGuests(others), "arena-0")], [3, 5]);
  assert.is(room.zones.players, tableOf(room).players);
  assert.is(tableOf(room).opened, 3);
  room.zones.close();
});

test("who joins and leaves before it is in leaves nothing behind", async () => {
  const room = await Room.open({ game: ARENA });
  const [guest] = joined(room, 1) as [Guest];
  guest.send({ type: "leave" });
  assert.equal([tableOf(room).open, tableOf(room).players], [1, 0]);
  guest.send({ type: "join", name: "again" });
  room.tick();
  assert.equal(zonesOfGuests([guest]), ["arena-0"]);
  assert.equal([tableOf(room).opened, room.zones.players], [1, 1]);
  guest.send({ type: "leave" });
  room.tick(TICK_RATE + 3);
  assert.equal([tableOf(room).open, room.zones.awake], [0, 0]);
  room.zones.close();
});

test("an empty room closes after it lingered, and is opened again as another one: set up anew, with another seed", async () => {
  const room = await Room.open({ game: ARENA });
  const world = room.zones.get("arena-0");
  const seeds: number[] = [];
  world.onCommand = ({ type, dx }) => void (type === 9 && seeds.push(dx));
  const [ann] = joined(room, 1) as [Guest];
  room.tick(5);
  assert.equal(stateOf(room, "arena-0"), { sinceTick: 0, seen: [] });
  ann.send({ type: "leave" });
  room.tick(TICK_RATE - 1);
  assert.equal([tableOf(room).open, world.asleep], [1, false]);
  // Who comes while it lingers comes into the same.
  ann.send({ type: "join", name: "ann" });
  room.tick(2);
  assert.equal(stateOf(room, "arena-0").seen, ["guest"]);
  ann.send({ type: "leave" });
  room.tick(TICK_RATE + 2);
  assert.equal([tableOf(room).open, tableOf(room).closed, world.asleep, world.players], [0, 16, true, 0]);
  const { tick } = world.zone;
  room.tick(100);
  assert.is(world.zone.tick, tick, "it stands still");
  const since = room.zones.tick;
  const before = world.hash();
  ann.send({ type: "join", name: "ann" });
  room.tick();
  assert.equal(stateOf(room, "arena-0"), { sinceTick: since, seen: [] });
  assert.equal(seeds, [openingSeed(1, 0, 0), openingSeed(1, 0, 1)]);
  assert.is.not(world.hash(), before);
  assert.equal([world.players, world.zone.count, tableOf(room).opened], [1, 4, 2]);
  // Of its tick the client hears the server's.
  assert.is(ann.replies.findLast(({ type }) => type === "welcome")?.["tick"], since);
  room.zones.close();
});

test("bots are there while the room is open, and take nobody's place", async () => {
  const room = await Room.open({ game: ARENA, bots: 5 });
  assert.equal([room.zones.all.map(({ bots }) => bots)[0], room.zones.awake], [0, 0]);
  const guests = joined(room, 9);
  room.tick(3);
  assert.equal(
    room.zones.all.slice(0, 3).map(({ bots, players, zone }) => [bots, players, zone.count]),
    [
      [5, 8, 16],
      [5, 1, 9],
      [0, 0, 3],
    ],
  );
  for (const guest of guests) guest.send({ type: "leave" });
  room.tick(TICK_RATE + 5);
  assert.is(room.zones.awake, 0);
  joined(room, 1);
  room.tick(3);
  assert.equal(
    room.zones.all.slice(0, 2).map(({ bots, players }) => [bots, players]),
    [
      [5, 1],
      [5, 0],
    ],
  );
  assert.is(room.zones.awake, 1);
  room.zones.close();
});

const TWO = gameOf({
  duel: { maxPlayers: 2, instances: 3, settings: { walkers: 0 } },
  arena: { maxPlayers: 4, instances: 2, settings: { walkers: 7 } },
});

test("a template is joined by its name, the first one without, a room that is open by its own", async () => {
  const room = await Room.open({ game: TWO });
  const [ann, ben, cid, dan] = [
    joined(room, 1),
    joined(room, 1, "arena"),
    joined(room, 1, "duel"),
    joined(room, 1),
  ].flat() as Guest[];
  room.tick();
  assert.equal(zonesOfGuests([ann, ben, cid, dan] as Guest[]), ["duel-0", "arena-0", "duel-0", "duel-1"]);
  assert.equal([room.zones.get("duel-0").zone.count, room.zones.get("arena-0").zone.count], [2, 8]);
  const [eve] = joined(room, 1, "arena-0") as [Guest];
  room.tick();
  assert.equal(zonesOfGuests([eve]), ["arena-0"]);
  const refused = (zone: string, code: string, message: RegExp) => {
    const [guest] = joined(room, 1, zone) as [Guest];
    assert.is(guest.last?.code, code);
    assert.match(String(guest.last?.["message"]), message);
    guest.session.end();
  };
  refused("arena-1", "ZONE_CLOSED", /arena-1 is not open; who joins arena is given a room/);
  refused("duel-0", "ZONE_FULL", /duel-0 has 2 players/);
  refused("duel-9", "ZONE_UNKNOWN", /duel-9/);
  refused("zone-0", "ZONE_UNKNOWN", /zone-0/);
  room.tick();
  assert.equal(
    room.hub.rooms?.tables.map(({ name, open, closed, players, placed, refused }) => [
      name,
      open,
      closed,
      players,
      placed,
      refused,
    ]),
    [
      ["duel", 2, 1, 3, 3, 1],
      ["arena", 1, 1, 2, 2, 1],
    ],
  );
  room.zones.close();
});

test("a spectator sees the fullest room of a template, holds none open, and wakes none", async () => {
  const room = await Room.open({ game: TWO });
  const watching = (zone?: string): Guest => {
    const guest = new Guest(room);
    guest.send({ type: "view", x0: 0, y0: 0, x1: 500, y1: 500, ...(zone === undefined ? {} : { zone }) });
    return guest;
  };
  const nameOf = (guest: Guest) => {
    const zone = guest.replies.find(({ type }) => type === "watching")?.["zone"];
    return (zone as { name: string } | undefined)?.name;
  };
  assert.is(nameOf(watching()), "duel-0");
  room.tick(5);
  assert.is(room.zones.awake, 0, "what is closed stays so");
  const guests = joined(room, 6, "arena");
  for (const guest of guests.slice(0, 3)) guest.send({ type: "leave" });
  room.tick();
  assert.is(nameOf(watching("arena")), "arena-1");
  assert.is(nameOf(watching("arena-0")), "arena-0");
  for (const guest of guests.slice(3)) guest.send({ type: "leave" });
  room.tick(10 * TICK_RATE + 3);
  assert.equal([room.zones.awake, tableOf(room, 1).open], [0, 0]);
  room.zones.close();
});

test.run();
