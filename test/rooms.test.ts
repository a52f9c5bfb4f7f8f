/**
 * Matches: players are placed into rooms, rooms fill, empty, close and are opened again as good as new, and nobody is lost on the way; on
 * one thread, and behind what goes between threads.
 */
import v8 from "node:v8";
import vm from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { connect } from "../src/client.js";
import { defineGame, type Game } from "../src/game/define.js";
import { planGame } from "../src/game/plan.js";
import type { GameDefinition, RoomTemplate } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Kernel } from "../src/kernel/types.js";
import { Hub } from "../src/net/hub.js";
import { createServer } from "../src/server.js";
import { RESET } from "../src/sim/commands.js";
import { Recorder } from "../src/sim/recorder.js";
import { RecordingReader, readFrom } from "../src/sim/recording-reader.js";
import { Replay } from "../src/sim/replay.js";
import { openingSeed } from "../src/sim/template.js";
import type { Venues } from "../src/sim/venue.js";
import type { World } from "../src/sim/world.js";
import { Zones } from "../src/sim/zones.js";
import type { Hashes } from "../src/threads/crew.js";
import { definition as matches } from "./games/matches.js";
import { definition as pits } from "./games/pits.js";
import { crewOf, gameIn } from "./support/crews.js";
import { EFFORT } from "./support/effort.js";
import { allKernels, nameOf } from "./support/kernels.js";
import { Random } from "./support/random.js";
import { Remote } from "./support/remote.js";
import { Guest, type House, Room } from "./support/room.js";
import { field, planOf, type TestZones } from "./support/worlds.js";

const TICK_RATE = 60;

interface Log {
  sinceTick: number;
  seen: string[];
}
type Rooms = Readonly<Record<string, RoomTemplate>>;

/** A field on which as many walkers stroll as the template says; the state remembers when it was set up, and who left. */
function gameOf(rooms: Rooms, more: Partial<GameDefinition<Log>> = {}) {
  return defineGame<Log>({
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
    actions: ["lock", "unlock"],
    input(world, _, { actionName }) {
      if (actionName !== "") world.locked = actionName === "lock";
    },
    ...more,
  });
}

/** A server's rooms, wherever they are stepped. */
interface Matches extends House {
  /** In order. */
  readonly worlds: readonly World[];
  readonly tickNumber: number;
  close(): void;
}

async function onOneThread(spec: Partial<TestZones>): Promise<Matches> {
  const room = await Room.open(spec);
  const { zones, hub } = room;
  return {
    hub,
    worlds: zones.all,
    tick: (count) => room.tick(count),
    get tickNumber() {
      return zones.tick;
    },
    close: () => zones.close(),
  };
}

async function onTwoSlots(spec: Partial<TestZones>): Promise<Matches> {
  const remote = await Remote.open({ ...spec, slots: 2 });
  return {
    hub: remote.hub,
    worlds: remote.zones.all.map((_, i) => remote.world(i)),
    tick: (count) => remote.tick(count),
    get tickNumber() {
      return remote.tickNumber;
    },
    close: () => remote.close(),
  };
}

type Open = typeof onOneThread;

function both(what: string, run: (open: Open) => Promise<void>): void {
  test(what, () => run(onOneThread));
  test(`behind rings: ${what}`, () => run(onTwoSlots));
}

type Visitor = Guest<Matches>;

/** Who asked to join. */
function visitors(matches: Matches, count: number, zone?: string): Visitor[] {
  return Array.from({ length: count }, () => {
    const guest = new Guest(matches);
    join(guest, zone);
    return guest;
  });
}

const join = (guest: Visitor, zone?: string): void =>
  guest.send({ type: "join", name: "guest", ...(zone === undefined ? {} : { zone }) });

/** Where each was welcomed last; "" where it never was. */
function placesOf(guests: readonly Visitor[]): string[] {
  return guests.map((guest) => zoneIn(guest, "welcome") ?? "");
}

function zoneIn(guest: Guest<House>, type: string): string | undefined {
  const zone = guest.replies.findLast((reply) => reply.type === type)?.["zone"];
  return (zone as { name: string } | undefined)?.name;
}

const countOf = (names: readonly string[], name: string) => names.filter((other) => other === name).length;
const awakeOf = ({ worlds }: Matches) => worlds.filter(({ asleep }) => !asleep).length;
const worldOf = ({ worlds }: Matches, name: string) => worlds.find((world) => world.name === name) as World;
const logOf = (world: World) => JSON.parse(world.rules.parts().get("state") ?? "") as Log;

function tableOf({ hub }: Matches, i = 0) {
  const table = hub.rooms?.tables[i];
  if (table === undefined) throw new Error(`no template ${i}`);
  return table;
}

const ARENA = gameOf({ arena: { maxPlayers: 8, instances: 16, linger: 1 } });

both("100 players fill 13 arenas of 8, one after the other, while the others sleep", async (open) => {
  const matches = await open({ game: ARENA });
  assert.equal([awakeOf(matches), tableOf(matches).open, tableOf(matches).closed], [0, 0, 16]);
  matches.tick();
  const guests = visitors(matches, 100);
  assert.equal([tableOf(matches).open, tableOf(matches).closed, tableOf(matches).players], [13, 3, 100]);
  matches.tick(2);
  const names = placesOf(guests);
  for (let i = 0; i < 12; i++) assert.is(countOf(names, `arena-${i}`), 8, `arena-${i}`);
  assert.is(countOf(names, "arena-12"), 4);
  assert.is(awakeOf(matches), 13);
  assert.equal(
    matches.worlds.map(({ players }) => players),
    [...new Array<number>(12).fill(8), 4, 0, 0, 0],
  );
  const { placed, refused, opened } = tableOf(matches);
  assert.equal([placed, refused, opened], [100, 0, 13]);
  const others = visitors(matches, 28);
  matches.tick(3);
  assert.is(countOf(placesOf(others), "arena-12"), 4);
  assert.is(awakeOf(matches), 16);
  const [late] = visitors(matches, 1);
  assert.is(late?.last?.code, "ROOMS_FULL");
  assert.match(String(late?.last?.["message"]), /all 16 rooms of arena/);
  assert.equal([tableOf(matches).placed, tableOf(matches).refused], [128, 1]);
  // One leaves, and the late one finds its place.
  guests[50]?.send({ type: "leave" });
  join(late as Visitor);
  matches.tick(2);
  assert.is(zoneIn(late as Visitor, "welcome"), "arena-6");
  matches.close();
});

both("who leaves, in whatever way, makes room in the fullest room, also before the next tick", async (open) => {
  const matches = await open({ game: ARENA });
  matches.tick();
  const guests = visitors(matches, 20);
  matches.tick(2);
  guests[0]?.send({ type: "leave" });
  guests[9]?.session.end();
  guests[10]?.send({ type: "leave" });
  // arena-0 has 7 players, arena-1 6, arena-2 4.
  const more = visitors(matches, 4);
  matches.tick(2);
  assert.equal(placesOf(more), ["arena-0", "arena-1", "arena-1", "arena-2"]);
  // Everybody of a room leaves and is replaced between two ticks.
  for (const guest of [...guests.slice(1, 8), ...more.slice(0, 1)]) guest.send({ type: "leave" });
  const others = visitors(matches, 8);
  matches.tick(2);
  assert.equal([countOf(placesOf(others), "arena-2"), countOf(placesOf(others), "arena-0")], [3, 5]);
  assert.equal(
    matches.worlds.slice(0, 4).map(({ players }) => players),
    [5, 8, 8, 0],
  );
  assert.equal([tableOf(matches).players, tableOf(matches).opened], [21, 3]);
  matches.close();
});

both("who leaves before it is in leaves nothing behind", async (open) => {
  const matches = await open({ game: ARENA });
  matches.tick();
  const [guest] = visitors(matches, 1) as [Visitor];
  guest.send({ type: "leave" });
  assert.is(tableOf(matches).players, 0);
  join(guest);
  matches.tick(2);
  assert.is(zoneIn(guest, "welcome"), "arena-0");
  assert.equal([tableOf(matches).players, worldOf(matches, "arena-0").players], [1, 1]);
  guest.send({ type: "leave" });
  matches.tick(TICK_RATE + 3);
  assert.equal([tableOf(matches).open, awakeOf(matches)], [0, 0]);
  matches.close();
});

both(
  "an empty room closes after it lingered, and is opened as another one: set up anew, with a seed of its own",
  async (open) => {
    const matches = await open({ game: ARENA, seed: 5 });
    const world = worldOf(matches, "arena-0");
    const seeds: number[] = [];
    world.onCommand = ({ type, dx }) => void (type === RESET && seeds.push(dx));
    matches.tick();
    const [ann] = visitors(matches, 1) as [Visitor];
    matches.tick(5);
    assert.equal(logOf(world), { sinceTick: 1, seen: [] });
    ann.send({ type: "leave" });
    matches.tick(TICK_RATE - 1);
    assert.equal([tableOf(matches).open, world.asleep], [1, false]);
    // Who comes while it lingers comes into the same.
    join(ann);
    matches.tick(2);
    assert.equal(logOf(world).seen, ["guest"]);
    ann.send({ type: "leave" });
    matches.tick(TICK_RATE + 2);
    assert.equal([tableOf(matches).open, tableOf(matches).closed, world.asleep, world.players], [0, 16, true, 0]);
    const { tick } = world.zone;
    matches.tick(100);
    assert.is(world.zone.tick, tick, "it stands still");
    const before = world.hash();
    const since = matches.tickNumber;
    join(ann);
    matches.tick();
    assert.equal(logOf(world), { sinceTick: since, seen: [] });
    assert.equal(seeds, [openingSeed(5, 0, 0), openingSeed(5, 0, 1)]);
    assert.is.not(world.hash(), before);
    assert.equal([world.players, world.zone.count, world.zone.tick, tableOf(matches).opened], [1, 4, since + 1, 2]);
    matches.tick();
    // Of its tick the client hears the server's.
    assert.is(ann.replies.findLast(({ type }) => type === "welcome")?.["tick"], since);
    matches.close();
  },
);

both("bots are there while the room is open, and take nobody's place", async (open) => {
  const matches = await open({ game: ARENA, bots: 5 });
  const census = () => matches.worlds.slice(0, 3).map(({ bots, players, asleep }) => [bots, players, asleep]);
  matches.tick();
  assert.equal(census()[0], [0, 0, true]);
  const guests = visitors(matches, 9);
  matches.tick(3);
  assert.equal(census(), [
    [5, 8, false],
    [5, 1, false],
    [0, 0, true],
  ]);
  assert.is(worldOf(matches, "arena-0").zone.count, 16);
  for (const guest of guests) guest.send({ type: "leave" });
  matches.tick(TICK_RATE + 5);
  assert.is(awakeOf(matches), 0);
  visitors(matches, 1);
  matches.tick(3);
  assert.equal(census(), [
    [5, 1, false],
    [5, 0, true],
    [0, 0, true],
  ]);
  matches.close();
});

const TWO = gameOf({
  duel: { maxPlayers: 2, instances: 3, settings: { walkers: 0 } },
  arena: { maxPlayers: 4, instances: 2, settings: { walkers: 7 } },
});

both("a template is joined by its name, the first one without, a room that is open by its own", async (open) => {
  const matches = await open({ game: TWO });
  matches.tick();
  const guests = [undefined, "arena", "duel", undefined].flatMap((zone) => visitors(matches, 1, zone));
  matches.tick(2);
  assert.equal(placesOf(guests), ["duel-0", "arena-0", "duel-0", "duel-1"]);
  assert.equal([worldOf(matches, "duel-0").zone.count, worldOf(matches, "arena-0").zone.count], [2, 8]);
  const [eve] = visitors(matches, 1, "arena-0") as [Visitor];
  matches.tick(2);
  assert.is(zoneIn(eve, "welcome"), "arena-0");
  const refused = (zone: string, code: string, message: RegExp): void => {
    const [guest] = visitors(matches, 1, zone) as [Visitor];
    assert.is(guest.last?.code, code);
    assert.match(String(guest.last?.["message"]), message);
    guest.session.end();
  };
  refused("arena-1", "ZONE_CLOSED", /arena-1 is not open; who joins arena is given a room/);
  refused("duel-0", "ZONE_FULL", /duel-0 has no seat for another/);
  refused("duel-9", "ZONE_UNKNOWN", /duel-9/);
  refused("zone-0", "ZONE_UNKNOWN", /zone-0/);
  matches.tick();
  assert.equal(
    matches.hub.rooms?.tables.map((table) => {
      return [table.name, table.open, table.closed, table.players, table.placed, table.refused];
    }),
    [
      ["duel", 2, 1, 3, 3, 1],
      ["arena", 1, 1, 2, 2, 1],
    ],
  );
  matches.close();
});

both("a spectator sees the fullest room of a template, holds none open, and wakes none", async (open) => {
  const matches = await open({ game: TWO });
  const watching = (zone?: string): string | undefined => {
    const guest = new Guest(matches);
    guest.send({ type: "view", x0: 0, y0: 0, x1: 500, y1: 500, ...(zone === undefined ? {} : { zone }) });
    return zoneIn(guest, "watching");
  };
  matches.tick();
  assert.is(watching(), "duel-0");
  matches.tick(5);
  assert.is(awakeOf(matches), 0, "what is closed stays so");
  const guests = visitors(matches, 6, "arena");
  for (const guest of guests.slice(0, 3)) guest.send({ type: "leave" });
  matches.tick(2);
  assert.is(watching("arena"), "arena-1");
  assert.is(watching("arena-0"), "arena-0");
  for (const guest of guests.slice(3)) guest.send({ type: "leave" });
  matches.tick(10 * TICK_RATE + 3);
  assert.equal([awakeOf(matches), tableOf(matches, 1).open], [0, 0]);
  matches.close();
});

both(
  "a room that its game locked is passed by, until it is unlocked, and when it is opened the next time",
  async (open) => {
    const matches = await open({ game: TWO });
    matches.tick();
    const [ann] = visitors(matches, 1) as [Visitor];
    matches.tick();
    ann.send({ type: "input", seq: 1, dx: 0, dy: 0, action: "lock" });
    matches.tick();
    const [ben, cid] = [...visitors(matches, 1), ...visitors(matches, 1, "duel-0")] as [Visitor, Visitor];
    assert.is(cid.last?.code, "ZONE_LOCKED");
    matches.tick(2);
    assert.is(zoneIn(ben, "welcome"), "duel-1");
    ann.send({ type: "input", seq: 2, dx: 0, dy: 0, action: "unlock" });
    matches.tick();
    join(cid, "duel-0");
    matches.tick(2);
    assert.is(zoneIn(cid, "welcome"), "duel-0");
    ann.send({ type: "input", seq: 3, dx: 0, dy: 0, action: "lock" });
    matches.tick();
    for (const guest of [ann, cid]) guest.send({ type: "leave" });
    matches.tick(10 * TICK_RATE + 3);
    for (const guest of [ann, cid]) join(guest, "duel");
    matches.tick(2);
    assert.equal(placesOf([ann, cid]), ["duel-1", "duel-0"]);
    assert.not(worldOf(matches, "duel-0").isLocked);
    matches.close();
  },
);

const GATES = gameOf(
  { lobby: { maxPlayers: 9, instances: 1 }, arena: { maxPlayers: 2, instances: 2, linger: 0 } },
  {
    join: (world, player) => world.spawn("player", player.bot ? 40 : 60, 200),
    capacity: 30,
    gates: [
      { zone: "lobby-0", x0: 100, y0: 0, x1: 512, y1: 512, to: "arena-0", x: 200, y: 200 },
      { zone: "lobby-0", x0: 0, y0: 300, x1: 99, y1: 512, to: "arena-1", x: 200, y: 200 },
    ],
  },
);

both(
  "gates lead into rooms that are open and have room, and who goes through is counted where it goes",
  async (open) => {
    const matches = await open({ game: GATES });
    const arena = worldOf(matches, "arena-0");
    matches.tick();
    const [ann, ben, cid] = visitors(matches, 3) as [Visitor, Visitor, Visitor];
    matches.tick(2);
    const go = (guest: Visitor, dx: number, dy: number): void => {
      guest.send({ type: "input", seq: 1, dx, dy });
      matches.tick(100);
    };
    go(ann, 1, 0);
    assert.equal([arena.players, arena.asleep, zoneIn(ann, "welcome")], [0, true, "lobby-0"], "it is closed");
    assert.ok(ann.replies.some(({ type, name }) => type === "event" && name === "gate-full"));
    const [dan] = visitors(matches, 1, "arena") as [Visitor];
    matches.tick(2);
    go(ben, 1, 0);
    assert.is(zoneIn(ben, "welcome"), "arena-0");
    go(cid, 1, 0);
    assert.is(zoneIn(cid, "welcome"), "lobby-0", "it is full");
    assert.equal([tableOf(matches).players, tableOf(matches, 1).players, arena.players], [2, 2, 2]);
    assert.equal([tableOf(matches, 1).placed, tableOf(matches, 1).refused], [1, 0]);
    const [eve] = visitors(matches, 1, "arena") as [Visitor];
    matches.tick(2);
    assert.is(zoneIn(eve, "welcome"), "arena-1");
    for (const guest of [dan, ben]) guest.send({ type: "leave" });
    matches.tick(4);
    assert.equal([arena.asleep, tableOf(matches, 1).players], [true, 1]);
    matches.close();
  },
);

both(
  "whatever players do, everybody is counted once, and no room is opened while another has room: 12 seeds",
  async (open) => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Random(seed);
      const matches = await open({ game: ARENA, seed, bots: random.integer(0, 2) });
      matches.tick();
      let guests: Visitor[] = [];
      const joinedGuests = () => guests.filter(({ session }) => session.seat >= 0);
      for (let step = 0; step < 120; step++) {
        for (let n = random.integer(0, random.pick([0, 3, 20])); n > 0 && guests.length < 100; n--) {
          const table = tableOf(matches);
          const mayOpen = table.fullest(true) === undefined;
          const { opened } = table;
          guests.push(...visitors(matches, 1));
          assert.is(table.opened - opened, mayOpen ? 1 : 0, `seed ${seed}, step ${step}`);
        }
        const leaving = random.integer(0, 2) === 0 ? random.integer(0, guests.length) : 0;
        for (const guest of guests.slice(0, leaving)) {
          if (random.integer(0, 1) === 0) guest.send({ type: "leave" });
          guest.session.end();
        }
        guests = guests.slice(leaving);
        matches.tick(random.pick([0, 1, 2, 40]));
        assert.is(tableOf(matches).players, joinedGuests().length, `seed ${seed}, step ${step}`);
        for (const { audience } of tableOf(matches).rooms) assert.ok(audience.players <= 8);
      }
      matches.tick(3);
      assert.equal(
        matches.worlds.map(({ players }) => players),
        tableOf(matches).rooms.map(({ audience }) => audience.players),
        `seed ${seed}`,
      );
      assert.is(guests.length, joinedGuests().length);
      for (const guest of guests) guest.session.end();
      matches.tick(2 * TICK_RATE);
      assert.equal([awakeOf(matches), tableOf(matches).open, tableOf(matches).players], [0, 0, 0], `seed ${seed}`);
      matches.close();
    }
  },
);

test("a server of rooms tells of them in /stats and /metrics, and what its options may not say", async () => {
  const server = await createServer({ game: TWO, port: 0, npcs: 0 });
  const get = async (path: string) => (await fetch(`${server.http}${path}`)).text();
  const [ann, ben] = [
    await connect(server.ws, { name: "ann" }),
    await connect(server.ws, { name: "ben", zone: "arena" }),
  ];
  assert.equal(
    [ann.zone.name, ann.zone.template, ben.zone.name, ben.zone.template],
    ["duel-0", "duel", "arena-0", "arena"],
  );
  const counts = { stopped: 0, players: 1, opened: 1, placed: 1, refused: 0 };
  assert.equal(JSON.parse(await get("/stats")).rooms, {
    duel: { open: 1, closed: 2, ...counts },
    arena: { open: 1, closed: 1, ...counts },
  });
  const metrics = await get("/metrics");
  for (const [name, value] of Object.entries({ open: 1, closed: 2, stopped: 0, players: 1 })) {
    assert.match(metrics, new RegExp(`^gyre_rooms_${name}{template="duel"} ${value}$`, "m"));
  }
  for (const name of ["opened", "placed"]) {
    assert.match(metrics, new RegExp(`^gyre_rooms_${name}_total{template="arena"} 1$`, "m"));
  }
  for (const one of [ann, ben]) one.close();
  await server.close();
  const refused: [object, RegExp][] = [
    [{ players: 5 }, /^players is 5; it must be absent, as the game's rooms say maxPlayers/],
    [{ zones: 2 }, /^zones is 2; it must be from 3 to 1000, rooms of all templates/],
    [
      { zones: 999, npcs: 1_000_000, game: gameOf({ a: { maxPlayers: 9 } }, { capacity: 9999 }) },
      /come to \d+ entities/,
    ],
  ];
  for (const [options, message] of refused) {
    const error = await createServer({ game: TWO, port: 0, npcs: 0, ...options }).then(
      (other) => other.close().then(() => "none"),
      (error: Error) => error.message,
    );
    assert.match(error as string, message);
  }
});

interface Table {
  readonly hub: Hub;
  advanceTo(tick: number): Promise<void>;
  hashes(): Promise<Hashes>;
  close(): Promise<void>;
}

/** Guests who come to rooms of two templates, play and go, and what the rooms are after it. */
async function evening(table: Table, seed: number): Promise<{ hashes: Hashes; opened: number; places: string[] }> {
  const { hub } = table;
  const random = new Random(seed);
  const guests: Guest<House>[] = [];
  const places: string[] = [];
  for (let tick = 0; tick < 400; ) {
    for (let n = random.pick([0, 0, 1, 4]); n > 0 && guests.length < 40; n--) {
      const guest = new Guest<House>({ hub, tick: () => {} });
      guest.send({ type: "join", name: `p${guests.length}`, zone: random.pick(["arena", "arena", "yard"]) });
      guests.push(guest);
    }
    const isQuiet = tick > 150 && tick < 220;
    for (const guest of guests.splice(0, isQuiet ? 99 : random.pick([0, 0, 0, 1, 9]))) {
      places.push(zoneIn(guest, "welcome") ?? "");
      guest.session.end();
    }
    for (const [i, guest] of guests.entries()) {
      const wish = { dx: random.float() - 0.5, dy: random.float() - 0.5 };
      if (random.integer(0, 2) === 0) guest.send({ type: "input", seq: i + 1, ...wish, action: "attack" });
    }
    tick += isQuiet ? 50 : random.integer(1, 6);
    await table.advanceTo(tick);
    hub.publish((1000 * tick) / TICK_RATE);
  }
  await table.advanceTo(450);
  const opened = hub.rooms?.tables.reduce((sum, each) => sum + each.opened, 0) ?? 0;
  return { hashes: await table.hashes(), opened, places };
}

const hubOf = (zones: Venues, seed: number) =>
  new Hub({ zones, tickRate: TICK_RATE, snapshotRate: 20, sessionsMax: 100, nowMs: 0, seed, joinsPerTick: 100 });

for (const [what, { game, file }] of [
  ["with scripts", gameIn("matches", matches)],
  ["without", gameIn("pits", pits)],
] as const) {
  test(`rooms ${what} come to the same hashes on 0, 1, 2 and 4 threads, whoever comes and goes`, async () => {
    const settings = { bots: 2, seed: 11 };
    const plan = await planGame(game, { settings });
    const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings });
    const expected = await evening(
      {
        hub: hubOf(zones, 11),
        async advanceTo(tick) {
          while (zones.tick < tick) zones.step();
        },
        hashes: async () => zones.all.map((world, i) => [i, world.hash(), world.digests()]),
        close: async () => zones.close(),
      },
      5,
    );
    assert.ok(expected.opened > 9 && expected.places.length > 20, `${expected.opened} openings`);
    for (const slots of EFFORT > 1 ? [1, 2, 4] : [2]) {
      const { crew, venues, failures } = await crewOf({ game, file, settings, slots, actions: ["", "attack"] });
      try {
        const found = await evening(
          {
            hub: hubOf(venues, 11),
            async advanceTo(tick) {
              await crew.advanceTo(tick);
              venues.drain();
            },
            hashes: () => crew.hashes(),
            close: () => crew.close(),
          },
          5,
        );
        assert.equal(failures, []);
        assert.equal([found.opened, found.places], [expected.opened, expected.places], `${slots} threads`);
        const odd = expected.hashes.filter(
          ([i, hash]) => !found.hashes.some((each) => each[0] === i && each[1] === hash),
        );
        assert.equal(
          odd.map(([i]) => i),
          [],
          `${slots} threads`,
        );
      } finally {
        await crew.close();
      }
    }
    zones.close();
  });
}

test("zones of a server may be rooms of several templates: the first one's are as many as the others leave", async () => {
  const named = async (zones?: number) => {
    const plan = await planOf({ game: TWO, ...(zones === undefined ? {} : { zones }) });
    return [plan.settings.zones, plan.settings.players, plan.templates.map(({ instances }) => instances)];
  };
  assert.equal(await named(), [5, 4, [3, 2]]);
  assert.equal(await named(3), [3, 4, [1, 2]]);
  assert.equal(await named(1000), [1000, 4, [998, 2]]);
});

/** A recording of rooms with all that players do in them. */
async function record(game: Game, seed: number, ticks: number): Promise<{ bytes: Uint8Array; opened: number }> {
  const room = await Room.open({ game, seed, bots: 2 });
  const { zones } = room;
  const plan = await planOf({ game, seed, bots: 2 });
  const { kernel, map } = room.zones.get();
  const pieces: Buffer[] = [];
  const recorder = new Recorder({
    zones,
    map,
    header: {
      ...{ game: { name: game.name, file: "", digest: "" }, layoutVersion: kernel.layoutVersion, kernel: "" },
      ...{ tickRate: TICK_RATE, settings: plan.settings },
    },
    write: (bytes) => void pieces.push(Buffer.from(bytes)),
  });
  const random = new Random(seed);
  let guests: Guest[] = [];
  while (zones.tick < ticks) {
    if (random.integer(0, 30) === 0) {
      const guest = new Guest(room);
      guest.send({ type: "join", name: "guest", zone: random.pick(game === TWO ? ["duel", "arena"] : ["arena"]) });
      guests.push(guest);
    }
    for (const [i, guest] of guests.entries()) {
      const action = random.pick(["lock", "unlock", "attack"]);
      if (random.integer(0, 20) === 0) guest.send({ type: "input", seq: i + 1, dx: random.float(), dy: 1, action });
    }
    if (random.integer(0, 200) === 0) for (const guest of guests.splice(0)) guest.session.end();
    room.tick();
    recorder.endTick();
  }
  recorder.close();
  const opened = room.hub.rooms?.tables.reduce((sum, table) => sum + table.opened, 0) ?? 0;
  zones.close();
  guests = [];
  return { bytes: new Uint8Array(Buffer.concat(pieces)), opened };
}

async function verify(bytes: Uint8Array, game: Game, kernel: Kernel) {
  const reader = new RecordingReader(readFrom(bytes));
  const { seed = 1, bots = 0, zones: count = 0 } = reader.header.settings;
  const plan = await planOf({ game, map: reader.map, seed, bots, zones: count });
  const zones = Zones.create(kernel, { ...plan, ...plan.settings, bots: 0, sleepAfterTicks: 0 });
  const replay = new Replay(reader, zones);
  const difference = replay.run(true);
  zones.close();
  return { difference, verified: replay.verifiedTick };
}

test("recordings of rooms that open and close verify in every build; one of another game does not", async () => {
  const kernels = await allKernels();
  const ticks = 3000;
  for (const [i, game] of [TWO, ARENA].entries()) {
    const { bytes, opened } = await record(game, 7 + i, ticks);
    assert.ok(opened > 8, `only ${opened} rooms were opened`);
    for (const kernel of kernels) {
      const { difference, verified } = await verify(bytes, game, kernel);
      assert.is(difference, null, `${nameOf(kernel)}: ${JSON.stringify(difference)}`);
      assert.is(verified, ticks);
    }
  }
  const { bytes } = await record(TWO, 3, 600);
  const other = gameOf({
    duel: { maxPlayers: 2, instances: 3, settings: { walkers: 1 } },
    arena: { maxPlayers: 4, instances: 2, settings: { walkers: 7 } },
  });
  assert.ok((await verify(bytes, TWO, kernels[0] as Kernel)).difference === null);
  assert.ok((await verify(bytes, other, kernels[0] as Kernel)).difference !== null);
});

test("rooms that are used again and again leave nothing behind: no memory, no heap", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect: () => void = vm.runInNewContext("gc");
  const matches = await onOneThread({ game: gameOf({ arena: { maxPlayers: 4, instances: 4, linger: 0 } }), bots: 2 });
  const [first] = matches.worlds as [World];
  const { columns, own, commands } = first.zone;
  const guests = Array.from({ length: 16 }, () => new Guest(matches));
  const useAll = (times: number): void => {
    for (let i = 0; i < times; i++) {
      for (const guest of guests) join(guest);
      matches.tick(3);
      for (const guest of guests) guest.send({ type: "leave" });
      matches.tick(4);
      for (const { wire } of guests) wire.texts.length = wire.frames.length = wire.messages.length = 0;
    }
    assert.is(awakeOf(matches), 0);
  };
  const used = (): [number, number] => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return [heapUsed, external];
  };
  useAll(300);
  // What V8 compiles late, on a busy machine in any round, is there once: what is left behind comes with each.
  let growths: string[] = [];
  for (let round = 1; round <= 4; round++) {
    const [heap, external] = used();
    useAll(300);
    const [heapAfter, externalAfter] = used();
    assert.is(tableOf(matches).opened, 1200 * (round + 1));
    const isSame = heapAfter - heap < 60_000 && externalAfter - external < 60_000;
    growths = isSame
      ? []
      : [...growths, `${heapAfter - heap} bytes of heap, ${externalAfter - external} outside of it`];
    if (isSame) break;
  }
  assert.equal(growths, [], "each time for 1,200 openings");
  assert.ok(columns === first.zone.columns && own === first.zone.own && commands === first.zone.commands);
  matches.close();
});

test.run();
