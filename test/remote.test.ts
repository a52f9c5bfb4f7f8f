/** Players of zones that are stepped on other threads: what they hear and see is what they would without threads. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import type { GameWorld, Player } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import { Hub } from "../src/net/hub.js";
import type { Format, Session } from "../src/net/session.js";
import { Zones } from "../src/sim/zones.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Random } from "./support/random.js";
import { Remote, type RemoteOptions } from "./support/remote.js";
import { field } from "./support/worlds.js";

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
    const hub = new Hub({ zones: local, ...remote.rates, sessionsMax: 1000, nowMs: 0 });
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
function fidget(guest: Twins, random: Random, actions: readonly string[], looks: boolean): void {
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

for (const slots of [1, 2, 4]) {
  test(`over ${slots} slots, players who join, walk, fight, cross, leave and flood hear and see the same bytes as without threads`, async () => {
    let messages = 0;
    let transfers = 0;
    for (let seed = 1; seed <= 6; seed++) {
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
          else fidget(guest, random, actions, !stops);
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
    assert.ok(messages > 100_000, `${messages} messages`);
    assert.ok(transfers > 400, `${transfers} transfers`);
  });
}

test.run();
