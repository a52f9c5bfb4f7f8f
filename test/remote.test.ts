/** Players of zones that are stepped on other threads: what they hear and see is what they would without threads. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { defineGame } from "../src/game/define.js";
import type { GameWorld, Player } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import { Hub } from "../src/net/hub.js";
import type { Format, Session } from "../src/net/session.js";
import { World } from "../src/sim/world.js";
import { worldSpec, Zones } from "../src/sim/zones.js";
import { MessageRing } from "../src/sync/messages.js";
import { emptyTell, NoticeWriter } from "../src/threads/notices.js";
import { numberOf } from "../src/threads/players.js";
import { EFFORT } from "./support/effort.js";
import { type Head, headsOf } from "./support/frame-heads.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Random } from "./support/random.js";
import { Remote, type RemoteOptions } from "./support/remote.js";
import { countedTokens } from "./support/tokens.js";
import { field, WALKERS } from "./support/worlds.js";

const SIDE = 14;
const ZONES = 4;
const WIDTH = SIDE * 32;

const TRICKS: Readonly<Record<string, (world: GameWorld, player: Player) => void>> = {
  die: ({ zone }, { entity }) => void zone.harm(entity, 1000),
  vanish: ({ zone }, { entity }) => void zone.despawn(entity),
  swap: (world, player) => world.possess(player, world.spawn("player", 220, 200)),
  drop: (world, player) => world.possess(player, 0),
  load: ({ own, zone }, { entity }) => {
    const slot = zone.slot(entity);
    if (slot >= 0) own["ammo"]![slot] = (own["ammo"]![slot] ?? 0) + 1;
  },
  shout: (world, { name }) => void world.tell("shout", { by: name }),
  whisper: (world, player) => void world.tell("whisper", ["psst", "Ænea 城"], player),
  near: (world, { entity }) => {
    const slot = world.zone.slot(entity);
    const [x, y] = slot < 0 ? [300, 300] : [world.zone.columns.x[slot] ?? 0, world.zone.columns.y[slot] ?? 0];
    world.tell("near", world.zone.tick, { x, y, radius: 150 });
  },
  roar: (world) => {
    for (let i = 0; i < 70; i++) world.tell("roar", i);
  },
  fail: () => {
    throw new Error("boom");
  },
};

/** Whoever walks comes through gates; wolves bite; whoever is bereft gets another body now and then. */
const BAZAAR = defineGame({
  name: "bazaar",
  map: field(SIDE),
  columns: { ammo: { type: "u16", replicate: true }, luck: { type: "f32", replicate: true }, secret: "i32" },
  archetypes: {
    player: {
      hp: 200,
      speed: 260,
      attack: 9,
      reach: 20,
      cooldown: 0.3,
      corpse: 0.5,
      team: 1,
      levelXp: 10,
      levelHp: 20,
    },
    wolf: {
      ...{ hp: 30, attack: 5, reach: 8, team: 2, cooldown: 0.5, respawn: 2, xp: 10, gold: 3 },
      ...{ brain: "hunter" as const, sight: 120, leash: 300, wander: 40, separation: 4 },
    },
  },
  actions: Object.keys(TRICKS),
  capacity: 400,
  gates: Array.from({ length: ZONES }, (_, i) => [
    ...[
      {
        zone: `zone-${i}`,
        x0: WIDTH - 130,
        y0: 0,
        x1: WIDTH,
        y1: WIDTH,
        to: `zone-${(i + 1) % ZONES}`,
        x: 180,
        y: 200,
      },
    ],
    ...[{ zone: `zone-${i}`, x0: 0, y0: 0, x1: 130, y1: WIDTH, to: `zone-${(i + 3) % ZONES}`, x: WIDTH - 180, y: 350 }],
  ]).flat(),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("wolf");
      world.spawn("wolf", x, y);
    }
  },
  join: (world) => {
    world.tell("joins", world.zone.tick, { x: 350, y: 200, radius: 300 });
    if (world.random() % 8 === 0) return undefined;
    return world.spawn("player", 180 + (world.random() % 80), 100 + (world.random() % 200));
  },
  gone: (world, player) => {
    world.tell("gone", player.name, { x: 300, y: 300, radius: 400 });
    return world.random() % 2 === 0 ? world.spawn("player", 200, 220) : undefined;
  },
  depart: (world, { name }, to) => void world.tell("departs", [name, to], { x: WIDTH - 90, y: 200, radius: 300 }),
  arrive: (world, { name }) => void world.tell("arrives", name),
  leave: (world, player) => void world.tell("leaves", player.name, player),
  input: (world, player, { actionName }) => TRICKS[actionName]?.(world, player),
});

/** The same messages at the same ticks to two servers, and all that each client hears. */
class Pair {
  readonly guests: Twins[] = [];
  readonly random: Random;
  nowMs = 0;

  private constructor(
    readonly local: Zones,
    readonly hub: Hub,
    readonly remote: Remote,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  static async open(options: RemoteOptions): Promise<Pair> {
    const remote = await Remote.open(options);
    const local = Zones.create(options.kernel ?? (await loadKernel()), remote.spec);
    const hub = new Hub({
      makeToken: countedTokens(),
      joinsPerTick: Number.POSITIVE_INFINITY,
      zones: local,
      ...remote.rates,
      sessionsMax: 1000,
      nowMs: 0,
    });
    return new Pair(local, hub, remote, options.seed ?? 1);
  }

  come(format: Format, slow: boolean): Twins {
    const twins = new Twins([this.hub, this.remote.hub], format, slow);
    this.guests.push(twins);
    return twins;
  }

  tick(): void {
    this.remote.tick();
    this.local.step();
    this.hub.publish(this.remote.nowMs);
  }

  close(): void {
    this.local.close();
    this.remote.close();
  }
}

/** One client of both. */
class Twins {
  readonly wires: readonly MemoryWire[];
  readonly sessions: readonly Session[];
  /** What each heard, in order; but for refusals, which come at once here and with the next tick there. */
  readonly heard: string[][] = [[], []];
  readonly refusals: string[][] = [[], []];
  seq = 0;
  isJoined = false;

  constructor(hubs: readonly Hub[], format: Format, slow: boolean) {
    this.wires = hubs.map(() => new MemoryWire(false, slow));
    for (const [i, wire] of this.wires.entries()) {
      wire.heard = (message) => {
        const text = typeof message === "string" ? message : Buffer.from(message).toString("hex");
        const isRefusal = text.includes('"COMMANDS_FULL"');
        (isRefusal ? this.refusals : this.heard)[i]?.push(text);
      };
    }
    this.sessions = hubs.map((hub, i) => hub.open(this.wires[i]!, format));
  }

  send(message: object): void {
    const text = JSON.stringify(message);
    for (const session of this.sessions) session.receiveText(text, text.length);
  }

  end(): void {
    for (const session of this.sessions) session.end();
  }

  flush(): void {
    for (const wire of this.wires) wire.flush();
  }

  /** Throws where what was heard differs. Forgets it. */
  check(when: string): number {
    const [here = [], there = []] = this.heard;
    const at = here.findIndex((text, i) => there[i] !== text);
    if (at >= 0 || here.length !== there.length) {
      const first = at < 0 ? Math.min(here.length, there.length) : at;
      throw new Error(
        `${when}, message ${first}:\n  ${here[first]}\n  ${there[first]}\n${here.length} ${there.length}`,
      );
    }
    assert.equal(this.refusals[1], this.refusals[0], when);
    const count = here.length;
    for (const list of [...this.heard, ...this.refusals]) list.length = 0;
    return count;
  }
}

const CALM = ["load", "shout", "whisper", "near", "swap", "drop", "die", "vanish", "roar", "attack"];

/** What one guest may do between two ticks. */
function fidget(guest: Twins, random: Random, actions: readonly string[], looks: boolean, tick: number): void {
  const dice = random.integer(0, 999);
  if (dice < 8) {
    guest.send({ type: "leave" });
  } else if (dice < 60) {
    guest.send({ type: "join", name: `p${dice}城`, zone: `zone-${random.integer(0, ZONES - 1)}` });
  } else if (dice < 75 && looks) {
    const [x0, y0] = [random.integer(0, WIDTH), random.integer(0, WIDTH)];
    const zone = random.integer(0, 1) === 0 ? {} : { zone: `zone-${random.integer(0, ZONES - 1)}` };
    guest.send({ type: "view", x0, y0, x1: x0 + 300, y1: y0 + 300, ...zone });
  } else if (dice < 80) {
    guest.send({ type: "ping", t: dice });
  } else if (dice < 84) {
    // More than the simulation takes between two ticks.
    for (let i = 0; i < 20; i++) guest.send(input(guest, random, i % 2 === 0 ? "attack" : "load"));
  } else if (dice < 300) {
    const action = random.integer(0, 3) === 0 ? random.pick(actions) : undefined;
    guest.send(input(guest, random, action));
  } else if (dice < 400) {
    // For some tick to come, or one that is gone; sometimes for one that nobody may ask for.
    const ahead = dice < 302 ? 100 : random.integer(-2, 14);
    guest.send({ ...input(guest, random, random.pick(actions)), tick: Math.max(0, tick + ahead) });
  }
}

function input(guest: Twins, random: Random, action: string | undefined): object {
  // For a while in one direction.
  const dx = random.integer(0, 9) === 0 ? 0 : guest.seq % 64 < 32 ? 1 : -1;
  return {
    type: "input",
    seq: ++guest.seq,
    dx,
    dy: random.integer(-1, 1),
    ...(action === undefined ? {} : { action }),
  };
}

for (const slots of EFFORT > 1 ? [1, 2, 4] : [2]) {
  test(`over ${slots} slots, players who join, walk, fight, cross, leave and flood hear and see the same bytes as without threads`, async () => {
    let messages = 0;
    let transfers = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const pair = await Pair.open({ game: BAZAAR, zones: ZONES, npcs: 6, bots: 3, players: 40, slots, seed });
      const { random, guests } = pair;
      // In every third one zones stop.
      const stops = seed % 3 === 0;
      const actions = stops ? [...CALM, ...CALM, ...CALM, "fail"] : CALM;
      for (let tick = 1; tick <= 500; tick++) {
        if (guests.length < 30 && random.integer(0, 5) === 0) {
          pair.come(random.integer(0, 3) === 0 ? "json" : "binary", random.integer(0, 4) === 0);
        }
        if (guests.length > 0 && random.integer(0, 60) === 0) {
          const [gone] = guests.splice(random.integer(0, guests.length - 1), 1);
          gone?.end();
          gone?.check(`seed ${seed}, tick ${tick}, a guest who goes`);
        }
        // From time to time nobody does anything, and zones fall asleep.
        const isQuiet = tick % 250 > 230;
        for (const guest of guests) {
          if (isQuiet) guest.send({ type: "leave" });
          else fidget(guest, random, actions, !stops, tick);
          if (random.integer(0, 3) === 0) guest.flush();
        }
        pair.tick();
        for (const [i, guest] of guests.entries()) messages += guest.check(`seed ${seed}, tick ${tick}, guest ${i}`);
        for (const world of pair.local.all) {
          const there = pair.remote.world(Number(world.name.slice(5)));
          if (tick % 50 === 0) assert.is(there.hash(), world.hash(), `seed ${seed}, tick ${tick}, ${world.name}`);
        }
      }
      transfers += pair.local.transfers;
      assert.is(pair.remote.zones.transfers, pair.local.transfers, `seed ${seed}`);
      assert.is(pair.remote.hub.counters.eventsDropped, pair.hub.counters.eventsDropped, `seed ${seed}`);
      assert.equal(pair.remote.hub.counters.refused, pair.hub.counters.refused, `seed ${seed}`);
      for (const guest of guests) guest.end();
      pair.remote.tick(3);
      assert.is(pair.remote.zones.numbersInUse, 0, `seed ${seed}: every player's number is free again`);
      pair.close();
    }
    assert.ok(messages > 60_000, `${messages} messages`);
    assert.ok(transfers > 200, `${transfers} transfers`);
  });
}

/** One client of remote zones. */
class Client {
  readonly wire = new MemoryWire();
  readonly session: Session;
  seq = 0;

  constructor(readonly remote: Remote) {
    this.session = remote.hub.open(this.wire, "binary");
  }

  static in(remote: Remote, zone = "zone-0"): Client {
    const client = new Client(remote);
    client.join(zone);
    remote.tick();
    return client;
  }

  send(message: object): void {
    const text = JSON.stringify(message);
    this.session.receiveText(text, text.length);
  }

  join(zone = "zone-0"): void {
    this.send({ type: "join", name: "ann", zone });
  }

  act(action?: string, dx = 0): void {
    this.send({ type: "input", seq: ++this.seq, dx, dy: 0, ...(action === undefined ? {} : { action }) });
  }

  get replies(): { type: string; code?: string; message?: string; [field: string]: unknown }[] {
    return this.wire.texts.map((text) => JSON.parse(text));
  }

  get errors(): string[] {
    return this.replies.filter(({ type }) => type === "error").map(({ code, message }) => `${code}: ${message}`);
  }

  get welcomes(): string[] {
    return this.replies
      .filter(({ type }) => type === "welcome")
      .map(({ zone }) => String((zone as { name: string }).name));
  }

  /** tick, ack and entity of the last frame. */
  get frame(): Head {
    return headsOf(this.wire.messages).at(-1)!;
  }
}

/** The seat that a client has in a zone, and where its entity stands. */
function bodyOf(remote: Remote, zone: number, client: Client) {
  const world = remote.world(zone);
  const seat = world.tags.indexOf(client.session.seat);
  const slot = world.zone.slot(world.entity(seat));
  return { world, seat, slot, id: world.entity(seat) };
}

/** Into the gate to the zone behind, where it is after two ticks. */
function cross(remote: Remote, zone: number, client: Client): void {
  const { world, id } = bodyOf(remote, zone, client);
  assert.ok(world.zone.place(id, WIDTH - 60, 200));
}

/** Everybody gets a body. */
const MARKET = defineGame({ ...BAZAAR.definition, join: (world) => world.spawn("player", 220, 200) });
const bazaar = { game: MARKET, zones: ZONES, npcs: 0, bots: 0, players: 8 };

test("a zone without a free seat refuses one tick later with ZONE_FULL; who is refused may join again, and its number is free", async () => {
  const remote = await Remote.open({ ...bazaar, players: 2 });
  const [ann, bob, eve] = [Client.in(remote), Client.in(remote), new Client(remote)];
  eve.send({ type: "view", x0: 0, y0: 0, x1: 100, y1: 100 });
  eve.join();
  assert.equal(eve.errors, [], "nobody knows yet");
  assert.is(remote.zones.numbersInUse, 3);
  remote.tick();
  assert.equal(eve.errors, ["ZONE_FULL: zone-0 has no seat for another player"]);
  assert.equal([eve.session.seat, remote.zones.numbersInUse], [-1, 2]);
  remote.tick(3);
  assert.ok(eve.wire.frames.length > 0, "it watches on");
  bob.send({ type: "leave" });
  remote.tick();
  eve.join();
  remote.tick();
  assert.equal([eve.errors.length, eve.welcomes, ann.welcomes], [1, ["zone-0"], ["zone-0"]]);
  assert.is(remote.hub.counters.refused.get("ZONE_FULL"), 1);
});

test("who leaves before its join was heard of is in no zone, and its number is free; in either order", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const { players } = remote.world(0);
  for (let i = 0; i < 50; i++) {
    const client = new Client(remote);
    client.join(i % 2 === 0 ? "zone-0" : "zone-3");
    client.send({ type: "leave" });
  }
  remote.tick(3);
  assert.equal([remote.world(0).players, remote.world(3).players, remote.zones.numbersInUse], [players, 0, 0]);
  // The zone moves away with the join on its way: the leave, to its new home, comes first.
  const client = new Client(remote);
  client.join("zone-0");
  const [first, second] = remote.slots;
  remote.homeOf[0] = 1;
  client.session.end();
  second?.desk.drain();
  first?.desk.drain();
  remote.homeOf[0] = 0;
  remote.tick(2);
  assert.equal([remote.world(0).players, remote.zones.numbersInUse], [0, 0]);
});

test("a slot whose ring of requests is full refuses joins and inputs with COMMANDS_FULL at once, and takes them again after its tick", async () => {
  const remote = await Remote.open({ ...bazaar, sizes: { requestRingBytes: 512 } });
  const [ann, bob] = [Client.in(remote), Client.in(remote)];
  // 8 inputs of 40 bytes fit into what is not kept for leaves.
  for (let i = 0; i < 20; i++) ann.act();
  assert.is(ann.errors.length, 11);
  assert.is(ann.errors[0], "COMMANDS_FULL: zone-0 has no room for input 10 before its next tick");
  const eve = new Client(remote);
  eve.send({ type: "join", name: "e".repeat(30) });
  assert.equal(eve.errors, ["COMMANDS_FULL: zone-0 has no room for another command before its next tick"]);
  assert.is(remote.zones.numbersInUse, 2);
  remote.tick();
  eve.join();
  bob.act("shout");
  remote.tick();
  assert.equal(eve.welcomes, ["zone-0"]);
  assert.ok(bob.replies.some(({ name }) => name === "shout"));
  assert.is(remote.zones.get().figures().commandsRefused, 12);
});

test("40 who leave at once, into a ring with room for 24, are all gone after two ticks", async () => {
  const remote = await Remote.open({ ...bazaar, players: 40, sizes: { requestRingBytes: 512 } });
  const clients: Client[] = [];
  for (let i = 0; i < 40; i++) {
    clients.push(new Client(remote));
    clients.at(-1)?.join();
    remote.tick();
  }
  assert.is(remote.world(0).players, 40);
  for (const client of clients) client.session.end();
  remote.tick();
  assert.ok(remote.world(0).players > 0, "some wait");
  remote.tick();
  assert.is(remote.world(0).players, 0);
  remote.tick();
  assert.is(remote.zones.numbersInUse, 0);
});

test("inputs that find no room in their zone are refused with the next tick, each to its player; COMMANDS_FULL", async () => {
  const remote = await Remote.open({ ...bazaar, players: 2 });
  const [ann, bob] = [Client.in(remote), Client.in(remote)];
  for (let i = 0; i < 200; i++) for (const client of [ann, bob]) client.act(i % 2 === 0 ? "attack" : "load");
  assert.equal([ann.errors, bob.errors], [[], []]);
  remote.tick();
  assert.ok(ann.errors.length > 0 && bob.errors.length > 0);
  assert.match(ann.errors[0]!, /^COMMANDS_FULL: zone-0 has no room for input \d+ before its next tick$/);
  const refused = ann.errors.length + bob.errors.length;
  remote.tick(15);
  assert.is(remote.zones.get().figures().commandsRefused, refused);
  assert.is(remote.hub.counters.refused.get("COMMANDS_FULL"), refused);
});

test("an input that is on its way while its player goes through a gate is passed on to the new home, and so is a leave", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 4 });
  const ann = Client.in(remote);
  cross(remote, 0, ann);
  // The main thread hears nothing of it, and goes on as before.
  remote.step();
  remote.step();
  assert.is(remote.world(1).players, 1);
  ann.act("load", 1);
  remote.step();
  remote.step();
  const { world, seat } = bodyOf(remote, 1, ann);
  assert.is(world.acks[seat], ann.seq);
  assert.is(world.zone.own["ammo"]?.[world.zone.slot(world.entity(seat))], 1);
  assert.equal(ann.welcomes, ["zone-0"]);
  remote.publish();
  assert.equal(ann.welcomes, ["zone-0", "zone-1"]);
  cross(remote, 1, ann);
  remote.step();
  remote.step();
  ann.send({ type: "leave" });
  remote.tick(3);
  assert.equal([remote.world(1).players, remote.world(2).players, remote.zones.numbersInUse], [0, 0, 0]);
});

test("of two inputs by ways of different lengths the later one holds", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const ann = Client.in(remote, "zone-1");
  cross(remote, 1, ann);
  remote.step();
  remote.step();
  ann.act(undefined, 1);
  const [first, second] = remote.slots;
  // The first passes it on; the second has not looked yet when the main thread knows where the player is.
  first?.desk.drain();
  remote.zones.drain();
  ann.act(undefined, -1);
  second?.desk.drain();
  remote.tick();
  const { world, slot, seat } = bodyOf(remote, 2, ann);
  assert.is(world.zone.columns.wishX[slot], -1);
  assert.is(world.acks[seat], 2);
});

test("a ring between slots that is full refuses what is passed on, but leaves, which wait", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2, sizes: { passed: 2 } });
  const clients = Array.from({ length: 5 }, () => Client.in(remote, "zone-1"));
  for (const client of clients) cross(remote, 1, client);
  remote.step();
  remote.step();
  assert.is(remote.world(2).players, 5);
  for (const client of clients) client.act("load");
  remote.slots[0]?.desk.drain();
  remote.tick();
  const refused = clients.filter(({ errors }) => errors.length > 0);
  assert.is(refused.length, 3);
  assert.match(refused[0]!.errors[0]!, /^COMMANDS_FULL: zone-[12] has no room for input 1 /);
  for (const client of clients) cross(remote, 2, client);
  remote.tick(2);
  for (const client of clients) assert.equal(client.welcomes, ["zone-1", "zone-2", "zone-3"]);
  // Back over the border between the slots, unheard.
  for (const client of clients) cross(remote, 3, client);
  remote.step();
  remote.step();
  assert.is(remote.world(0).players, 5);
  for (const client of clients) client.session.end();
  remote.tick(6);
  assert.equal([remote.world(0).players, remote.zones.numbersInUse], [0, 0]);
});

test("a main thread that reads nothing for 100 ticks delays no tick; then it hears all that players must hear, and serves the newest snapshot", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2, npcs: 10, sizes: { noticeRingBytes: 16_384 } });
  const alone = await Remote.open({ ...bazaar, slots: 2, npcs: 10 });
  const both = [remote, alone].map((one) => Array.from({ length: 4 }, (_, i) => Client.in(one, `zone-${i}`)));
  for (const [i, clients] of both.entries()) {
    const one = [remote, alone][i]!;
    one.tick(3);
    for (const client of clients) client.act("load", 1);
    cross(one, 0, clients[0]!);
    // Events of games are the first that is lost.
    for (let tick = 0; tick < 100; tick++) {
      const { world } = bodyOf(one, 3, clients[3]!);
      for (let n = 0; n < 10; n++) world.tell("noise", `${n}`, -1);
      if (tick === 50) clients[1]?.act("swap");
      one.step();
      if (one === alone) one.publish();
    }
    one.publish();
    one.tick(6);
  }
  for (let zone = 0; zone < ZONES; zone++) assert.is(remote.world(zone).hash(), alone.world(zone).hash());
  for (const [i, client] of both[0]!.entries()) {
    const other = both[1]![i]!;
    assert.equal(client.welcomes, other.welcomes, `client ${i}`);
    assert.equal(client.frame, other.frame, `client ${i}`);
    assert.is(client.wire.closedWith, 0);
  }
  assert.ok(remote.hub.counters.eventsDropped > alone.hub.counters.eventsDropped);
  const frames = headsOf(both[0]![2]!.wire.messages).map(({ tick }) => tick);
  // Snapshots of zone-2 come two ticks earlier than those of zone-0; of zone-1, where it is by now, one.
  assert.equal(frames, [4, 7, 107, 110, 113]);
});

test("when even what players must hear finds no room, all sessions are closed with 1013, and nobody is left in any zone", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2, sizes: { noticeRingBytes: 2048 } });
  const clients = Array.from({ length: 4 }, (_, i) => Client.in(remote, `zone-${i}`));
  for (let tick = 0; tick < 300; tick++) remote.step();
  assert.equal(
    clients.map(({ wire }) => wire.closedWith),
    [0, 0, 0, 0],
  );
  const late = new Client(remote);
  late.join();
  remote.publish();
  assert.equal(
    [...clients, late].map(({ wire }) => wire.closedWith),
    [1013, 1013, 1013, 1013, 1013],
  );
  remote.tick(3);
  for (let zone = 0; zone < ZONES; zone++) assert.is(remote.world(zone).players, 0, `zone ${zone}`);
  assert.is(remote.zones.numbersInUse, 0);
  const again = Client.in(remote);
  assert.equal(again.welcomes, ["zone-0"]);
  remote.tick(3);
  assert.is(again.frame.tick, remote.tickNumber - (remote.tickNumber % 3));
});

test("a zone that stopped while nobody read, with its word lost, is known to have stopped", async () => {
  const remote = await Remote.open({ ...bazaar, sizes: { noticeRingBytes: 2048 } });
  const [ann, stops] = [Client.in(remote), [] as string[]];
  remote.zones.onStop = ({ name, fault }) => stops.push(`${name} ${fault?.code}`);
  for (let tick = 0; tick < 200; tick++) remote.step();
  ann.act("fail");
  remote.tick(2);
  assert.equal(stops, ["zone-0 GAME_FAILED"]);
  const eve = new Client(remote);
  eve.join();
  assert.equal(eve.errors, ["ZONE_STOPPED: zone-0 stopped: its game failed"]);
  assert.is(remote.zones.stopped, 1);
});

test("who went through a gate of a zone that stops at once is in the other one, in whatever order the words come", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const [ann, bob] = [Client.in(remote, "zone-2"), Client.in(remote, "zone-2")];
  cross(remote, 2, ann);
  remote.step();
  bob.act("fail");
  remote.step();
  remote.publish();
  assert.equal(bob.errors, ["ZONE_STOPPED: zone-2 stopped: its game failed"]);
  assert.equal(ann.welcomes, ["zone-2", "zone-3"]);
  // The words of slot 0, where it goes now, come before those of slot 1.
  const cid = Client.in(remote, "zone-3");
  cross(remote, 3, cid);
  remote.step();
  ann.act("fail");
  remote.step();
  remote.publish();
  assert.is(ann.errors.at(-1), "ZONE_STOPPED: zone-3 stopped: its game failed");
  assert.equal([cid.errors, cid.welcomes], [[], ["zone-3", "zone-0"]]);
  assert.is(remote.zones.numbersInUse, 1);
});

test("a world that began anew from an image: who joined since is refused, who left since is gone, the others play on", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const [ann, bob] = [Client.in(remote), Client.in(remote)];
  const image = remote.world(0).save();
  const eve = Client.in(remote);
  bob.send({ type: "leave" });
  remote.tick();
  assert.equal([eve.welcomes, remote.world(0).players], [["zone-0"], 2]);
  const { zones, desk } = remote.slots[0]!;
  const { kernel } = remote.world(0);
  zones.put(0, new World(kernel, { ...worldSpec(remote.spec, 0), saved: image }));
  desk.attach(0);
  desk.reconcile(0);
  remote.tick(2);
  assert.equal(eve.errors, ["COMMANDS_FULL: zone-0 began anew, join again"]);
  assert.equal([ann.errors, bob.errors, remote.zones.numbersInUse], [[], [], 1]);
  assert.is(remote.world(0).players, 1);
  ann.act("whisper", 1);
  eve.join();
  remote.tick(2);
  assert.is(ann.replies.filter(({ name }) => name === "whisper").length, 1);
  assert.equal(eve.welcomes, ["zone-0", "zone-0"]);
  remote.tick(4);
  const { id, slot, world } = bodyOf(remote, 0, ann);
  assert.equal([ann.frame.you, ann.frame.ack], [id, ann.seq]);
  assert.ok((world.zone.columns.x[slot] ?? 0) > 180);
});

test("a zone moves to another slot between two ticks: its players play on, and what was on its way finds them", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const [ann, watcher] = [Client.in(remote), new Client(remote)];
  watcher.send({ type: "view", x0: 0, y0: 0, x1: 400, y1: 400 });
  remote.tick(3);
  ann.act("load", 1);
  const [from, to] = [remote.slots[0]!, remote.slots[1]!];
  const world = remote.world(0);
  from.desk.detach(0);
  from.zones.put(0, undefined);
  remote.homeOf[0] = 1;
  to.zones.put(0, world);
  to.desk.attach(0);
  // The input takes two ticks now, the next one again one.
  remote.tick(3);
  const { seat } = bodyOf(remote, 0, ann);
  assert.is(world.acks[seat], 1);
  ann.act("whisper");
  remote.tick();
  assert.is(world.acks[seat], 2);
  remote.tick(3);
  assert.equal([ann.frame.you, ann.frame.ack], [world.entity(seat), 2]);
  for (const { frame } of [ann, watcher]) assert.is(frame.tick, remote.tickNumber - (remote.tickNumber % 3));
  ann.session.end();
  remote.tick(2);
  assert.equal([world.players, remote.zones.numbersInUse], [0, 0]);
});

test("words about a former player of the same number reach nobody", async () => {
  const remote = await Remote.open({ ...bazaar, sizes: { players: 1 } });
  const ann = Client.in(remote);
  const former = ann.session.seat;
  ann.session.end();
  remote.tick(2);
  const bob = Client.in(remote);
  const { seat } = bob.session;
  assert.equal([numberOf(seat), seat === former], [numberOf(former), false]);
  const before = bob.wire.texts.length;
  const notices = new NoticeWriter(new MessageRing(remote.parts.notices[0]!, 0), new Int32Array(1), 0);
  const tell = { ...emptyTell(1), name: "psst", data: "1", radius: Number.POSITIVE_INFINITY };
  notices.enter(0, former, 0, 1, 4096, 0);
  notices.possess(0, former, 0, 1, 4096);
  notices.moved(1, former, 1);
  notices.refused(0, former, new GyreError("ZONE_FULL", "no"));
  notices.inputRefused(0, former, 1);
  notices.tell(0, former, tell);
  notices.end(remote.tickNumber, 0);
  remote.zones.drain();
  assert.is(bob.wire.texts.length, before);
  notices.tell(0, seat, tell);
  notices.possess(0, seat, 0, 1, 4096);
  notices.end(remote.tickNumber, 0);
  remote.publish();
  assert.equal(
    bob.replies.slice(before).map(({ type }) => type),
    ["welcome", "event"],
  );
  assert.throws(() => remote.zones.get().join("cid"), /COMMANDS_FULL|no room/);
});

test("words of two slots in the wrong order: who is in the other zone is there, and what comes late of the former one is nothing", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const [ann, bob] = [Client.in(remote, "zone-3"), Client.in(remote, "zone-3")];
  cross(remote, 3, ann);
  // Slot 1 says where it went to when slot 0 has said already that it is there.
  remote.step(1);
  remote.step(1);
  remote.publish();
  assert.equal(ann.welcomes, ["zone-3", "zone-0"]);
  const moved = ann.wire.texts.length;
  bob.act("swap");
  remote.step();
  remote.publish();
  remote.tick(2);
  assert.equal([ann.wire.texts.length, ann.welcomes.length, bob.welcomes.length], [moved, 2, 2]);
  ann.act("whisper");
  remote.tick(3);
  const { id } = bodyOf(remote, 0, ann);
  assert.equal([ann.replies.at(-1)?.["name"], ann.frame.you, ann.frame.ack], ["whisper", id, 1]);
});

test("no frame shows a tick of which it was not said to its end who is in it", async () => {
  const remote = await Remote.open(bazaar);
  const ann = Client.in(remote);
  while (remote.tickNumber !== 5) remote.tick();
  const { tick } = ann.frame;
  ann.act("swap");
  remote.step(0);
  remote.publish();
  assert.is(ann.frame.tick, tick, "the snapshot is there, the notices are not");
  assert.equal(ann.welcomes, ["zone-0"]);
  remote.slots[0]?.desk.endTick(remote.tickNumber);
  remote.publish();
  assert.equal([ann.frame.tick, ann.welcomes.length], [remote.tickNumber, 2]);
  assert.is(ann.frame.you, bodyOf(remote, 0, ann).id);
});

test("who looks first sees nothing of before", async () => {
  const remote = await Remote.open(bazaar);
  const ann = Client.in(remote);
  while (remote.tickNumber % 3 !== 2) remote.tick();
  remote.step();
  remote.zones.drain();
  ann.session.end();
  const bob = new Client(remote);
  bob.send({ type: "view", x0: 0, y0: 0, x1: 100, y1: 100 });
  const { tick } = bob.replies[0]!;
  remote.hub.publish(remote.nowMs);
  assert.equal([tick, bob.wire.frames.length], [remote.tickNumber, 0]);
  remote.tick(3);
  assert.is(bob.frame.tick, remote.tickNumber);
});

test("who went through a gate is not lost with the word of it, when its former zone stops", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const [ann, bob] = [Client.in(remote, "zone-1"), Client.in(remote, "zone-1")];
  // Its thread ended before it said so.
  remote.world(1).onSeatMoved = null;
  cross(remote, 1, ann);
  remote.step(1);
  bob.act("fail");
  remote.step(1);
  remote.publish();
  assert.equal(bob.errors, ["ZONE_STOPPED: zone-1 stopped: its game failed"]);
  remote.tick();
  assert.equal(ann.welcomes, ["zone-1", "zone-2"]);
  ann.act("whisper");
  remote.tick();
  assert.is(ann.replies.at(-1)?.["name"], "whisper");
  assert.is(remote.zones.numbersInUse, 1);
});

test("a leave that is lost with a thread is made up for: by the next thread there, or by another leave some seconds later", async () => {
  const remote = await Remote.open({ ...bazaar, slots: 2 });
  const lose = (slot: number): void => {
    const ring = new MessageRing(remote.parts.requests[slot]!, 0);
    while (ring.next() >= 0) ring.release();
    remote.replace(slot);
  };
  const [ann, bob] = [Client.in(remote), Client.in(remote)];
  ann.session.end();
  lose(0);
  remote.tick(2);
  assert.equal([remote.world(0).players, remote.zones.numbersInUse], [1, 1]);
  // On its way to another home, where nobody knows it.
  remote.homeOf[0] = 1;
  bob.session.end();
  lose(1);
  remote.homeOf[0] = 0;
  remote.tick(2);
  assert.is(remote.world(0).players, 1);
  remote.tick(256);
  assert.equal([remote.world(0).players, remote.zones.numbersInUse], [0, 0]);
});

test("a zone that nobody is in or watches falls asleep, and wakes for a look, as without threads; its frames are the same", async () => {
  const game = defineGame({ ...WALKERS.definition, sleepAfter: 0.2 });
  const pair = await Pair.open({ game, zones: 2, npcs: 30, slots: 2, seed: 4 });
  const { remote, local } = pair;
  const watcher = pair.come("binary", false);
  const tick = (count: number): void => {
    for (let i = 0; i < count; i++) {
      pair.tick();
      watcher.check(`tick ${remote.tickNumber}`);
    }
  };
  tick(30);
  assert.equal([remote.zones.awake, remote.zones.asleep, local.asleep], [0, 2, 2]);
  for (const zone of ["zone-1", "zone-0", "zone-1"]) {
    watcher.send({ type: "view", x0: 0, y0: 0, x1: 900, y1: 900, zone });
    watcher.send({ type: "ping", t: 1 });
    tick(40);
    assert.equal([remote.zones.awake, remote.zones.asleep], [1, 1]);
  }
  watcher.end();
  tick(30);
  assert.is(remote.zones.asleep, 2);
  for (const [i, world] of local.all.entries()) assert.is(remote.world(i).hash(), world.hash());
});

test("what zones count is what their worlds count, a quarter of a second later at most", async () => {
  const remote = await Remote.open({ ...bazaar, npcs: 5, slots: 2 });
  const clients = Array.from({ length: 6 }, (_, i) => Client.in(remote, `zone-${i % 2}`));
  assert.is(clients.length, 6);
  remote.tick(15);
  for (const venue of remote.zones.all) {
    const { players, entities, pathRequestsMax } = remote.world(venue.index).figures();
    const { players: told, entities: bodies, pathRequestsMax: max } = venue.figures();
    assert.equal([told, bodies, max], [players, entities, pathRequestsMax], venue.name);
  }
  assert.equal([remote.zones.players, remote.zones.entities > 20], [6, true]);
  assert.equal([remote.zones.awake, remote.zones.asleep, remote.zones.stopped], [4, 0, 0]);
});

test.run();
