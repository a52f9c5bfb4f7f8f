/**
 * What a session is told and when, through a hub on the test's clock: streams at rates of their own, budgets of bytes and of time, cells that
 * turn out to be wrong, frames in pieces.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import { FAR, NEAR, NORMAL } from "../src/kernel/streams.js";
import { Hub } from "../src/net/hub.js";
import type { Format, Session } from "../src/net/session.js";
import { SNAPSHOT_PIECE_BYTES_MAX } from "../src/net/wire.js";
import { ChunkAssembler, isChunk } from "../src/protocol/chunks.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import type { StreamPlan } from "../src/protocol/view.js";
import type { Zones } from "../src/sim/zones.js";
import { headsOf } from "./support/frame-heads.js";
import { MemoryWire } from "./support/memory-wire.js";
import { countedTokens } from "./support/tokens.js";
import { field, zonesOf } from "./support/worlds.js";

const SIDE = 1024;
/** 7 x 7 cells, and one who moves in the middle of each, half a unit a tick. */
const PLAZA = defineGame({
  name: "plaza",
  map: field(7 * 32),
  archetypes: { walker: { speed: 30, halfSize: 4 } },
  capacity: 49,
  setup(world) {
    for (let cell = 0; cell < 49; cell++) {
      const [column, row] = [cell % 7, Math.floor(cell / 7)];
      const id = world.spawn(0, column * SIDE + 512, row * SIDE + 512);
      world.zone.move(id, 1, 0);
    }
  },
  join: (world) => world.spawn(0, 3 * SIDE + 400, 3 * SIDE + 400),
});

/** Each has a room for itself. */
const ROOMS = defineGame({
  name: "cells",
  map: field(32),
  archetypes: { walker: { speed: 30, halfSize: 4 } },
  capacity: 1,
  rooms: { cell: { maxPlayers: 1, instances: 100 } },
  join: (world) => world.spawn(0, 500, 500),
});

class Stand {
  nowMs = 0;
  readonly wires: MemoryWire[] = [];
  readonly #sessions: Session[] = [];

  constructor(
    readonly zones: Zones,
    readonly hub: Hub,
  ) {}

  static async open(
    options: Partial<ConstructorParameters<typeof Hub>[0]> = {},
    game = PLAZA,
    players = 200,
  ): Promise<Stand> {
    const { streams } = options;
    const zones = await zonesOf({ game, players, ...(streams && { streams }) });
    const common = { zones, tickRate: 60, snapshotRate: 20, sessionsMax: 500, nowMs: 0, makeToken: countedTokens() };
    return new Stand(zones, new Hub({ ...common, joinsPerTick: Number.POSITIVE_INFINITY, ...options }));
  }

  join(format: Format = "binary"): MemoryWire {
    const wire = this.#open(format);
    this.say(this.wires.length - 1, { type: "join", name: `p${this.wires.length}` });
    return wire;
  }

  /** Looks at all cells. */
  watch(format: Format = "binary"): MemoryWire {
    const wire = this.#open(format);
    this.say(this.wires.length - 1, { type: "view", x0: 0, y0: 0, x1: 7 * SIDE, y1: 7 * SIDE });
    return wire;
  }

  say(player: number, message: object): void {
    const text = JSON.stringify(message);
    this.#sessions[player]?.receiveText(text, text.length);
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += 1000 / 60;
      this.zones.step();
      this.hub.publish(this.nowMs);
    }
  }

  #open(format: Format): MemoryWire {
    const wire = new MemoryWire();
    this.wires.push(wire);
    this.#sessions.push(this.hub.open(wire, format));
    return wire;
  }
}

/** A client that decodes all that a wire gets. */
function reader(wire: MemoryWire, zone = { width: 7 * SIDE, height: 7 * SIDE, tileSize: 32 }): SnapshotDecoder {
  const decoder = new SnapshotDecoder(zone);
  const pieces = new ChunkAssembler();
  wire.heard = (message) => {
    if (typeof message === "string") return;
    const whole = isChunk(message) ? pieces.add(message) : message;
    if (whole !== null) decoder.decode(whole.slice());
  };
  return decoder;
}

test("near cells come 30 times a second, those in view 20, those beyond 5; each cell by one stream", async () => {
  const streams: StreamPlan = { nearRadius: 0, viewRadius: 1, farRadius: 2 };
  const stand = await Stand.open({ streams, nearRate: 30, farRate: 5 });
  const wire = stand.join();
  const decoder = reader(wire);
  stand.tick(60);
  const told = new Map<number, number[]>();
  let before = new Map([...decoder.cells].map(([cell, { tick }]) => [cell, tick]));
  for (let tick = 0; tick < 60; tick++) {
    stand.tick();
    for (const [cell, known] of decoder.cells) {
      if (before.get(cell) !== known.tick) told.set(cell, [...(told.get(cell) ?? []), known.stream]);
    }
    before = new Map([...decoder.cells].map(([cell, { tick }]) => [cell, tick]));
  }
  for (let cell = 0; cell < 49; cell++) {
    const distance = Math.max(Math.abs((cell % 7) - 3), Math.abs(Math.floor(cell / 7) - 3));
    const list = told.get(cell) ?? [];
    const [stream, rate] = distance === 0 ? [NEAR, 30] : distance === 1 ? [NORMAL, 20] : [FAR, 5];
    assert.equal([...new Set(list)], distance > 2 ? [] : [stream], `cell ${cell}`);
    if (distance <= 2) assert.is(list.length, rate, `cell ${cell}`);
  }
  // Near and normal snapshots fall on 40 of 60 ticks, and each is one frame.
  const ticks = headsOf(wire.messages).map(({ tick }) => tick);
  assert.is(ticks.filter((tick) => tick > 60 && tick <= 120).length, 40);
  assert.is(decoder.hashMisses, 0);
});

test("skipped snapshots are those that had something for who was behind: 20 a second of a spectator and of JSON, 40 of a player with near cells", async () => {
  const streams: StreamPlan = { nearRadius: 0, viewRadius: 1, farRadius: 1 };
  for (const [format, isPlayer, perSecond] of [
    ["binary", false, 20],
    ["json", false, 20],
    ["json", true, 20],
    ["binary", true, 40],
  ] as const) {
    const stand = await Stand.open({ streams, nearRate: 30 });
    const wire = isPlayer ? stand.join(format) : stand.watch(format);
    stand.tick(60);
    wire.slow = true;
    stand.tick(3);
    const before = stand.hub.counters.snapshotsSkipped;
    const sent = stand.hub.counters.snapshotsSent;
    stand.tick(60);
    const counted = [stand.hub.counters.snapshotsSkipped - before, stand.hub.counters.snapshotsSent - sent];
    assert.equal(counted, [perSecond, 0], `${format}, ${isPlayer ? "playing" : "watching"}`);
  }
});

test("of 9 cells that do not fit 256 bytes the own one comes first, and all are told within some snapshots, none left behind for ever", async () => {
  const crowd = defineGame({
    name: "crowd",
    map: field(7 * 32),
    archetypes: { walker: { speed: 30, halfSize: 4 } },
    capacity: 49 * 40,
    setup(world) {
      for (let i = 0; i < 49 * 40; i++) {
        const [column, row] = [(i % 49) % 7, Math.floor((i % 49) / 7)];
        const id = world.spawn(0, column * SIDE + 100 + 20 * Math.floor(i / 49), row * SIDE + 300);
        world.zone.move(id, Math.cos(i), Math.sin(i));
      }
    },
    join: (world) => world.spawn(0, 3 * SIDE + 400, 3 * SIDE + 400),
  });
  const stand = await Stand.open({ snapshotBytes: 256 }, crowd);
  const wire = stand.join();
  const decoder = reader(wire);
  while (decoder.cells.size === 0) stand.tick();
  assert.equal([...decoder.cells.keys()], [3 * 7 + 3]);
  stand.tick(60);
  assert.is(decoder.cells.size, 9);
  let longest = 0;
  for (let tick = 0; tick < 120; tick++) {
    stand.tick();
    for (const { tick } of decoder.cells.values()) longest = Math.max(longest, decoder.tick - tick);
  }
  assert.ok(longest <= 60, `a cell waited for ${longest} ticks`);
  // A block of 40 alone may be larger; two never go together beyond the budget.
  const sizes = wire.frames.slice(-30).map(({ length }) => length);
  assert.ok(Math.max(...sizes) < 256 + 64, `${sizes}`);
  assert.is(decoder.hashMisses, 0);
});

test("when there is time for a tenth of 200 sessions a tick, all get snapshots equally often, and none is told what is not so", async () => {
  let ms = 0;
  // Each look at the clock takes a millisecond; 8 sessions are served between two.
  const stand = await Stand.open({ now: () => ms++, serveMsMax: 2.5 });
  const decoders = Array.from({ length: 200 }, () => reader(stand.join()));
  stand.tick(120);
  const before = stand.wires.map(({ frameCount }) => frameCount);
  stand.tick(300);
  const counts = stand.wires.map(({ frameCount }, i) => frameCount - before[i]!);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  assert.ok(most < 50, `${most} of 100 snapshots`);
  assert.ok(most - least <= 2, `${least} to ${most} frames`);
  assert.ok(least > 10);
  for (const decoder of decoders) assert.is(decoder.hashMisses, 0);
});

test("with the near stream too, 600 sessions have the rates of both", async () => {
  const streams: StreamPlan = { nearRadius: 0, viewRadius: 1, farRadius: 1 };
  const stand = await Stand.open({ streams, nearRate: 30, sessionsMax: 700 }, PLAZA, 700);
  for (let i = 0; i < 600; i++) stand.join();
  stand.tick(60);
  const before = stand.wires.map(({ frames }) => frames.length);
  stand.tick(60);
  // Near and normal snapshots fall on 40 of 60 ticks.
  const counts = stand.wires.map(({ frames }, i) => frames.length - before[i]!);
  assert.equal([Math.min(...counts), Math.max(...counts)], [40, 40]);
});

test("when there is not the time for all, rounds of the near stream alone wait: nobody has less of the normal one than the time allows", async () => {
  let ms = 0;
  const streams: StreamPlan = { nearRadius: 0, viewRadius: 1, farRadius: 1 };
  // Each look at the clock takes a millisecond; 8 sessions are served between two: 16 a tick, which is 40 times each.
  const stand = await Stand.open({ streams, nearRate: 30, now: () => ms++, serveMsMax: 2.5 });
  const decoders = Array.from({ length: 120 }, () => reader(stand.join()));
  const told = new Map<SnapshotDecoder, number>();
  stand.tick(120);
  const before = new Map<SnapshotDecoder, number>();
  const beside = (3 - 1) * 7 + 3;
  for (let tick = 0; tick < 300; tick++) {
    stand.tick();
    for (const decoder of decoders) {
      const at = decoder.cells.get(beside)!.tick;
      if (at !== before.get(decoder)) told.set(decoder, (told.get(decoder) ?? 0) + 1);
      before.set(decoder, at);
    }
  }
  const counts = decoders.map((decoder) => told.get(decoder)!);
  assert.ok(Math.min(...counts) >= 40, `${counts}`);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 3, `${counts}`);
});

test("when there is not the time for all rooms, all get snapshots equally often", async () => {
  let ms = 0;
  const stand = await Stand.open({ now: () => ms++, serveMsMax: 2.5 }, ROOMS);
  for (let i = 0; i < 100; i++) stand.join();
  stand.tick(120);
  const before = stand.wires.map(({ frames }) => frames.length);
  stand.tick(300);
  const counts = stand.wires.map(({ frames }, i) => frames.length - before[i]!);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  assert.ok(least > 5 && most < 50 && most - least <= 2, `${counts}`);
});

test("rooms take turns: at 60 ticks and 20 snapshots a second a third of them are told in each tick", async () => {
  const stand = await Stand.open({}, ROOMS);
  for (let i = 0; i < 90; i++) stand.join();
  stand.tick(60);
  for (let tick = 0; tick < 30; tick++) {
    const before = stand.wires.map(({ frameCount }) => frameCount);
    stand.tick();
    assert.is(stand.wires.filter(({ frameCount }, i) => frameCount > before[i]!).length, 30);
  }
});

test("a client whose knowledge of a cell was spoilt finds out by its hash, asks for the cell, and has it right in the next frame", async () => {
  const stand = await Stand.open();
  const wire = stand.join();
  const decoder = reader(wire);
  const asked: number[] = [];
  decoder.onMismatch = (cell) => asked.push(cell);
  stand.tick(30);
  const own = 3 * 7 + 3;
  const member = decoder.cells.get(own)!.members[0]!;
  member.x += 5;
  for (let tick = 0; tick < 400 && asked.length === 0; tick++) stand.tick();
  assert.equal(asked, [own]);
  stand.say(0, { type: "repair", cell: own });
  stand.tick(3);
  const { zone } = stand.zones.get();
  for (const { record, x } of decoder.cells.get(own)!.members) {
    assert.is(x, Math.floor(zone.columns.x[zone.slot(record.entity.id)]! * 16 + 0.5));
  }
  const checks = decoder.hashChecks;
  stand.tick(400);
  assert.ok(decoder.hashChecks > checks);
  assert.is(decoder.hashMisses, 1);
  // A cell that there is not is refused, and one out of view does no harm.
  stand.say(0, { type: "repair", cell: 49 });
  assert.match(wire.texts.at(-1)!, /BAD_MESSAGE/);
  stand.say(0, { type: "repair", cell: 0 });
  stand.tick(3);
  assert.is(decoder.hashMisses, 1);
});

test("a first look at 12,000 in one cell comes in pieces of at most 32,764 bytes, one at a time, and is right", async () => {
  const heap = defineGame({
    name: "heap",
    map: field(64),
    archetypes: { stone: { speed: 0, halfSize: 0 } },
    capacity: 12_000,
    setup(world) {
      for (let i = 0; i < 12_000; i++) world.spawn(0, 40 + (i % 120) * 7.5, 40 + Math.floor(i / 120) * 9.25);
    },
    join: (world) => world.spawn(0, 500, 500),
  });
  const stand = await Stand.open({}, heap);
  const wire = stand.join();
  const decoder = reader(wire, { width: 64 * 32, height: 64 * 32, tileSize: 32 });
  stand.tick(6);
  const pieces = wire.frames.filter(isChunk);
  assert.ok(pieces.length >= 2, `${pieces.length} pieces`);
  assert.ok(pieces.every(({ length }) => length <= SNAPSHOT_PIECE_BYTES_MAX));
  assert.is(decoder.entities.byId.size, 12_001);
  const { zone } = stand.zones.get();
  for (const { id, x, y } of decoder.entities.byId.values()) {
    const slot = zone.slot(id);
    assert.ok(Math.abs(zone.columns.x[slot]! - x) <= 1 / 32 && Math.abs(zone.columns.y[slot]! - y) <= 1 / 32);
  }
});

test.run();
