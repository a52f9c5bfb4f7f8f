/**
 * How many bytes the host leaves to the garbage collector per tick: 2,000 entities, 50 sessions at 20 snapshots a second, sockets
 * replaced by sinks, because what ws and Node allocate for a write is not the host's to save; and worlds by themselves.
 */
// slow
import v8 from "node:v8";
import vm from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame } from "../src/game/define.js";
import type { GameDefinition, GameWorld } from "../src/game/types.js";
import { NORMAL } from "../src/kernel/streams.js";
import { Hub, SNAPSHOT_BYTES } from "../src/net/hub.js";
import { Journal } from "../src/sim/journal.js";
import { NOW } from "../src/sim/schedule.js";
import { TickTimes } from "../src/sim/ticks.js";
import { MemoryWire } from "./support/memory-wire.js";
import { Remote } from "./support/remote.js";
import { slotHere } from "./support/slot-here.js";
import { field, worldOf, zonesOf } from "./support/worlds.js";

const ENTITIES = 2000;
const SESSIONS = 50;
const TICKS = 10_000;
const LOOK_EVERY = 10;
const WARM_UP_TICKS = 2000;
const BYTES_PER_TICK_MAX = 2048;

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

const usedBytes = (): number => v8.getHeapStatistics().used_heap_size;

/**
 * Bytes per call. The heap is looked at every LOOK_EVERY calls, because a collection hides what was allocated before it; the
 * calls around one are left out. What looking itself allocates, some tens of bytes a call, is in the result.
 */
function allocatedBy(call: () => void): number {
  collect();
  let bytes = 0;
  let calls = 0;
  let before = usedBytes();
  for (let i = 0; i < TICKS; i += LOOK_EVERY) {
    for (let n = 0; n < LOOK_EVERY; n++) call();
    const after = usedBytes();
    if (after >= before) {
      bytes += after - before;
      calls += LOOK_EVERY;
    }
    before = after;
  }
  assert.ok(calls > TICKS * 0.9, `${TICKS - calls} of ${TICKS} calls met a collection`);
  return bytes / calls;
}

test("the measure sees an array of 4 KB a call, and nothing where nothing is allocated", () => {
  let kept: number[] = [];
  const nothing = allocatedBy(() => {});
  const seen = allocatedBy(() => {
    kept = new Array<number>(512).fill(kept.length);
  });
  assert.ok(nothing < 256, `${nothing} bytes for nothing`);
  assert.ok(seen > 2000 && seen < 5000, `${seen} bytes for an array`);
});

test(`${SESSIONS} sessions among ${ENTITIES} entities leave under ${BYTES_PER_TICK_MAX} bytes of garbage a tick`, async () => {
  const zones = await zonesOf({ map: field(192), npcs: ENTITIES - SESSIONS - 8, bots: 8 });
  const hub = new Hub({
    zones,
    tickRate: 60,
    snapshotRate: 20,
    sessionsMax: SESSIONS,
    nowMs: 0,
    joinsPerTick: SESSIONS,
  });
  const times = new TickTimes();
  const wires = Array.from({ length: SESSIONS }, () => new MemoryWire(false));
  const sessions = wires.map((wire) => hub.open(wire, "binary"));
  for (const session of sessions) session.receiveText('{"type":"join","name":"somebody"}', 33);
  let nowMs = 0;
  const tick = (): void => {
    zones.step();
    hub.publish(nowMs);
    times.ticked(0, 0);
    times.published(0);
    nowMs += 1000 / 60;
    for (const session of sessions) session.receivePong();
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const perTick = allocatedBy(tick);
  const frames = wires.reduce((sum, wire) => sum + wire.frameCount, 0);
  const bytes = wires.reduce((sum, wire) => sum + wire.frameBytes, 0);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick; a frame has ${(bytes / frames).toFixed(0)} bytes`);
  assert.is(hub.sessions, SESSIONS);
  assert.ok(frames > (SESSIONS * TICKS) / 4, `${frames} frames were sent`);
  assert.ok(perTick < BYTES_PER_TICK_MAX, `${perTick} bytes a tick`);
  zones.close();
});

/** Bytes of garbage a session and snapshot, of so many sessions. */
async function allocatedBySnapshots(count: number, snapshotBytes: number): Promise<number> {
  const zones = await zonesOf({ map: field(192), npcs: 500, players: count });
  const rates = { tickRate: 60, snapshotRate: 20 };
  const hub = new Hub({ zones, ...rates, sessionsMax: count, nowMs: 0, joinsPerTick: count, snapshotBytes });
  const wires = Array.from({ length: count }, () => new MemoryWire(false));
  const sessions = wires.map((wire) => hub.open(wire, "binary"));
  for (const session of sessions) session.receiveText('{"type":"join","name":"somebody"}', 33);
  let nowMs = 0;
  const tick = (): void => {
    zones.step();
    hub.publish(nowMs);
    nowMs += 1000 / 60;
    for (const session of sessions) session.receivePong();
  };
  for (let i = 0; i < 40; i++) tick();
  for (const [i, session] of sessions.entries()) {
    const text = JSON.stringify({ type: "input", seq: 1, dx: Math.cos(i), dy: Math.sin(i) });
    session.receiveText(text, text.length);
  }
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const before = wires.reduce((sum, wire) => sum + wire.frameCount, 0);
  let ticks = 0;
  const perTick = allocatedBy(() => {
    tick();
    ticks++;
  });
  const frames = (wires.reduce((sum, wire) => sum + wire.frameCount, 0) - before) / ticks;
  console.log(
    `${(perTick / frames).toFixed(1)} bytes of garbage a session and snapshot of ${snapshotBytes} bytes at most`,
  );
  assert.ok(frames > count / 4, `${frames} frames a tick`);
  return perTick / frames;
}

test("500 sessions of players who walk from cell to cell leave under 64 bytes a session and snapshot, up to their sockets", async () => {
  const bytes = await allocatedBySnapshots(500, SNAPSHOT_BYTES);
  assert.ok(bytes < 64, `${bytes} bytes`);
});

test("200 whose frames are too small for what they see leave as little", async () => {
  const bytes = await allocatedBySnapshots(200, 40);
  assert.ok(bytes < 64, `${bytes} bytes`);
});

test("1,000 players, 200 of whom send inputs in a tick, and 1,000 walkers leave under 256 bytes in a world of no hooks", async () => {
  const world = await worldOf({ npcs: 1000, players: 1000 });
  for (let i = 0; i < 1000; i++) world.join(`p${i}`);
  let seq = 1;
  const tick = (): void => {
    for (let seat = seq % 5; seat < 1000; seat += 5) {
      // Every other one for a tick to come.
      world.input(seat, seq, (seq % 5) - 2, 1, seq % 2, seat % 2 === 0 ? NOW : world.zone.tick + 4);
    }
    seq++;
    world.step();
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const perTick = allocatedBy(tick);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick in a world`);
  assert.ok(perTick < 256, `${perTick} bytes a tick`);
});

test("the same through the rings between threads: inputs, acks and snapshots leave under 256 bytes a tick", async () => {
  const remote = await Remote.open({ map: field(64), npcs: 1000, players: 1000 });
  const venue = remote.zones.get();
  const seats = Array.from({ length: 1000 }, (_, i) => venue.join(`p${i}`));
  remote.step();
  remote.zones.drain();
  let [seq, acked, told] = [1, 0, 0];
  const tick = (): void => {
    for (let i = seq % 5; i < 1000; i += 5) {
      venue.input(seats[i] ?? 0, seq, (seq % 5) - 2, 1, seq % 2, i % 2 === 0 ? NOW : remote.tickNumber + 4);
    }
    seq++;
    remote.step();
    remote.zones.drain();
    const { replica } = venue;
    const sequence = replica.published(NORMAL);
    if (sequence === told) return;
    told = sequence;
    const generation = replica.generation(NORMAL, sequence);
    for (let i = 0; i < 1000; i++) {
      const row = venue.rowOf(seats[i] ?? 0, generation);
      if (row >= 0 && replica.ack(generation, row) > 0) acked = i;
    }
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const perTick = allocatedBy(tick);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick through rings`);
  assert.is(acked, 999);
  assert.is(venue.figures().commandsRefused, 0);
  assert.ok(perTick < 256, `${perTick} bytes a tick`);
});

test("a fight among 400 with hooks for inputs, deaths, events and systems leaves under 512 bytes a tick", async () => {
  let events = 0;
  const fighter = { hp: 20, attack: 6, reach: 20, cooldown: 0.3, respawn: 1, brain: "hunter", sight: 200 } as const;
  const game = defineGame({
    name: "brawl",
    map: field(24),
    archetypes: { player: {}, red: { ...fighter, team: 1 }, blue: { ...fighter, team: 2 } },
    setup(world) {
      for (let i = 0; i < world.settings.npcs; i++) {
        const { x, y } = world.freePlace("red");
        world.spawn(i % 2 === 0 ? "red" : "blue", x, y);
      }
    },
    input: () => {
      events++;
    },
    death: () => {
      events++;
    },
    event: () => {
      events++;
    },
    systems: [{ name: "count", every: 1, run: () => events++ }],
  });
  const world = await worldOf({ game, npcs: 400, players: 8 });
  const seat = world.join("ann");
  const tick = (): void => {
    world.input(seat, world.zone.tick, 1, 0);
    world.step();
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  events = 0;
  const perTick = allocatedBy(tick);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick in a fight with ${(events / TICKS).toFixed(1)} hooks`);
  assert.ok(events > 4 * TICKS, `${events} hooks in ${TICKS} ticks`);
  assert.ok(perTick < 512, `${perTick} bytes a tick`);
});

test("a world with a journal, 100 players and 20 inputs a tick leaves under 256 bytes, its few images included", async () => {
  const world = await worldOf({ npcs: 100, players: 2000 });
  const shape = { zone: world.zone, seats: world.seats };
  const journal = new Journal({ ...shape, buffer: new SharedArrayBuffer(Journal.sizeOf(shape)), periodTicks: 1e6 });
  journal.keep(world);
  for (let i = 0; i < 100; i++) world.join(`p${i}`);
  let images = 0;
  let imageTick = 0;
  let seq = 1;
  const tick = (): void => {
    for (let seat = seq % 5; seat < 100; seat += 5) world.input(seat, seq, (seq % 5) - 2, 1, seq % 2);
    seq++;
    world.step();
    journal.renew();
    if (journal.imageTick !== imageTick) images++;
    imageTick = journal.imageTick;
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  images = 0;
  const perTick = allocatedBy(tick);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick with a journal, and ${images} images`);
  assert.is(journal.lost, "");
  assert.ok(images <= 10, `${images} images`);
  assert.ok(perTick < 256, `${perTick} bytes a tick`);
});

test("crowds that wait in 50 gates, and have asked, leave under 256 bytes a tick", async () => {
  const GATES = 50;
  const gates = Array.from({ length: GATES }, (_, i) => ({
    ...{ zone: "zone-0", x0: 32, y0: 40 + 36 * i, x1: 1000, y1: 60 + 36 * i },
    ...{ to: "zone-1", x: 100, y: 100, all: true },
  }));
  const game = defineGame({
    name: "queue",
    gates,
    setup(world) {
      for (let i = 0; i < GATES; i++) for (let n = 0; n < 4; n++) world.spawn(0, 100 + 50 * n, 50 + 36 * i);
    },
  });
  const world = await worldOf({ game, zones: 2, npcs: 4 * GATES });
  let asked = 0;
  const tick = (): void => {
    world.step();
    asked += world.crossers;
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const perTick = allocatedBy(tick);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick at ${GATES} gates`);
  assert.is(asked, 4 * GATES);
  assert.ok(perTick < 256, `${perTick} bytes a tick`);
});

/** Small zones in a ring, whose gates lead from each to the next and to the one before. */
const ZONES = 12;
const ring = {
  name: "ring",
  map: field(16),
  capacity: 200,
  archetypes: {
    player: { speed: 200, hp: 30, attack: 6, reach: 12, cooldown: 0.2, team: 1, respawn: 1 },
    drifter: { speed: 150, hp: 20, team: 2, brain: "hunter", wander: 200, attack: 3, sight: 60, reach: 8, respawn: 2 },
  },
  gates: Array.from({ length: ZONES }, (_, i) => [
    { zone: `zone-${i}`, x0: 380, y0: 32, x1: 480, y1: 480, to: `zone-${(i + 1) % ZONES}`, x: 200, y: 250 },
    { zone: `zone-${i}`, x0: 32, y0: 32, x1: 100, y1: 480, to: `zone-${(i + ZONES - 1) % ZONES}`, x: 300, y: 250 },
  ]).flat(),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("drifter");
      world.spawn("drifter", x, y);
    }
  },
} satisfies GameDefinition;

/**
 * Bytes of a tick of a slot with 12 zones of 50 entities and a player or more each. Half of them are of the images that journals take every
 * two seconds, and 16 of each reading of the clock.
 */
async function allocatedInSlot(definition: GameDefinition, bots: number): Promise<number> {
  const settings = { zones: ZONES, npcs: 50, bots, players: 16, seed: 5 };
  const { zones, venues, tick } = await slotHere(defineGame(definition), settings);
  const seats = venues.all.map((venue) => venue.join("ann"));
  for (const venue of venues.all) venues.watch(venue);
  let seq = 1;
  const all = (): void => {
    for (let i = 0; i < ZONES; i++) venues.all[i]?.input(seats[i] ?? 0, seq, (seq % 5) - 2, 0, seq % 2);
    seq++;
    tick();
    venues.drain();
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) all();
  const perTick = allocatedBy(all);
  console.log(
    `${perTick.toFixed(0)} bytes of garbage a tick in a sim worker with ${ZONES} zones and ${bots} bots each`,
  );
  assert.ok(zones.all.every(({ fault }) => fault === null));
  assert.is(zones.players, ZONES);
  assert.ok(zones.transfers >= 3, `${zones.transfers} went through gates`);
  zones.close();
  return perTick;
}

test("12 zones without scripts leave under 3,072 bytes a tick in a sim worker: journals, snapshots and gates included", async () => {
  assert.ok((await allocatedInSlot(ring, 0)) < 3072);
});

test("12 zones with scripts leave as little", async () => {
  let sum = 0;
  const run = ({ zone }: GameWorld): void => {
    sum += zone.count;
  };
  assert.ok((await allocatedInSlot({ ...ring, systems: [{ name: "count", every: 1, run }] }, 0)) < 3072);
  assert.ok(sum > ZONES * TICKS);
});

test("each of 12 bots that decide in a tick adds under 256 bytes: numbers with fractions are boxed on their way", async () => {
  assert.ok((await allocatedInSlot(ring, 6)) < 3072 + 12 * 256);
});

test.run();
