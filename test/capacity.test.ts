/** gyre capacity: its arithmetic with given costs, what it measures, and its command line. */
// slow
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { defineGame } from "../src/game/define.js";
import { measureRoom } from "../src/host/room-costs.js";
import { ReplicaTaker } from "../src/kernel/replica.js";
import { type Capacity, type CapacityCosts, type CapacityLoad, capacityOf } from "../src/ops/capacity.js";
import { StateFeed } from "../src/state/feed.js";
import { cliHere } from "./support/cli-here.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { runCli } from "./support/run-cli.js";

const COSTS: CapacityCosts = { tickUs: 40, syncUs: 20, encodeUs: 30, writeUs: 10, eventUs: 4 };
const LOAD: CapacityLoad = { playersPerRoom: 5, tickRate: 20, syncRate: 10, events: 10, cores: 2 };

test("a room of 5 with costs of 40, 20, 30, 10 and 4 us: 1,000 of main and of sim a second, 1,000 rooms on 2 cores, 500 on 1", () => {
  const two = capacityOf(COSTS, LOAD);
  assert.equal(two.roomUs, { tickUs: 800, syncUs: 200, encodeUs: 300, writeUs: 500, eventUs: 200 });
  assert.equal([two.mainUs, two.simUs], [1000, 1000]);
  assert.equal(two.lines, [
    { share: 0.7, rooms: 700, players: 3500, mainCores: 0.7, simCores: 0.7 },
    { share: 1, rooms: 1000, players: 5000, mainCores: 1, simCores: 1 },
  ]);
  const one = capacityOf(COSTS, { ...LOAD, cores: 1 });
  assert.equal([one.bottleneck, one.lines[1]?.rooms, one.lines[0]?.players], ["both", 500, 1750]);
});

test("more cores help until the main thread is full, cheaper sockets until the others are", () => {
  const rooms = (costs: Partial<CapacityCosts>, cores: number): [string, number | undefined] => {
    const { bottleneck, lines } = capacityOf({ ...COSTS, ...costs }, { ...LOAD, cores });
    return [bottleneck, lines[1]?.rooms];
  };
  assert.equal(rooms({ tickUs: 90 }, 2), ["sim", 500]);
  assert.equal(rooms({ tickUs: 90 }, 3), ["main", 1000]);
  assert.equal(rooms({ tickUs: 90 }, 9), ["main", 1000]);
  assert.equal(rooms({ syncUs: 120 }, 2), ["sim", 500]);
  assert.equal(rooms({ writeUs: 0, eventUs: 0 }, 2), ["sim", 1000]);
  assert.equal(rooms({ tickUs: 0 }, 2), ["main", 1000]);
});

test("at the full line the work of a second fits, and with one room more it does not, over 200 seeds", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const costs = {
      tickUs: random.integer(1, 2000),
      syncUs: random.integer(0, 500),
      encodeUs: random.integer(1, 500),
      writeUs: random.integer(1, 50),
      eventUs: random.integer(1, 50),
    };
    const load = {
      playersPerRoom: random.integer(1, 100),
      tickRate: random.integer(10, 60),
      syncRate: random.integer(1, 10),
      events: random.integer(0, 60),
      cores: random.integer(1, 16),
    };
    const { lines, bottleneck } = capacityOf(costs, load);
    const rooms = lines[1]?.rooms ?? 0;
    // The formula, written out again: work of both sides, in cores.
    const fits = (n: number): boolean => {
      const players = n * load.playersPerRoom;
      const sim = (n * (costs.tickUs * load.tickRate + costs.syncUs * load.syncRate)) / 1e6;
      const main =
        ((n * costs.encodeUs + players * costs.writeUs) * load.syncRate + players * load.events * costs.eventUs) / 1e6;
      const most = 1 + 1e-12;
      return load.cores === 1 ? main + sim <= most : main <= most && sim <= (load.cores - 1) * most;
    };
    assert.ok(fits(rooms) && !fits(rooms + 1), `seed ${seed}: ${rooms} rooms, ${bottleneck}`);
    assert.ok((lines[0]?.rooms ?? 0) <= 0.7 * rooms + 0.7, `seed ${seed}`);
  }
});

test("rooms that cost nothing are refused", () => {
  const free = { tickUs: 0, syncUs: 0, encodeUs: 0, writeUs: 0, eventUs: 0 };
  assert.throws(
    () => capacityOf(free, LOAD),
    (error: unknown) => error instanceof GyreError && error.code === "BAD_ARGUMENT",
  );
});

test("with a clock that runs 4 ms in a tick, 1 in a sync of the tree, 2 in a snapshot's taking: a tick is 4 ms, a sync 3, the rest none", async () => {
  let nowMs = 0;
  const [{ sync }, { take }] = [StateFeed.prototype, ReplicaTaker.prototype];
  const game = defineGame({
    name: "timed",
    archetypes: { hero: {} },
    rooms: { room: { maxPlayers: 5 } },
    sync: { broadcast: { count: 0 } },
    systems: [
      {
        name: "work",
        every: 1,
        run(world) {
          nowMs += 4;
          world.sync.count++;
        },
      },
    ],
    join: (world) => world.spawn("hero", 100, 100),
  });
  StateFeed.prototype.sync = function (...args) {
    nowMs += 1;
    sync.apply(this, args);
  };
  ReplicaTaker.prototype.take = function (...args) {
    nowMs += 2;
    take.apply(this, args);
  };
  try {
    const rates = [
      [30, 20],
      [20, 10],
      [20, 20],
    ] as const;
    for (const [tickRate, syncRate] of rates.slice(0, EFFORT)) {
      const load = { playersPerRoom: 50, tickRate, syncRate, events: 10 };
      const costs = await measureRoom({ game, load, now: () => nowMs });
      const expected = { tickUs: 4000, syncUs: 3000, encodeUs: 0, writeUs: 0, eventUs: 0 };
      assert.equal(costs, expected, `${tickRate} and ${syncRate} a second`);
    }
  } finally {
    StateFeed.prototype.sync = sync;
    ReplicaTaker.prototype.take = take;
  }
});

test("rooms that cost nothing are measured as many as a server has: 2,500 players in them, and never above 1,000 rooms", async () => {
  const cases = [
    [2, [125, 1000, 125]],
    [25, [10, 100, 10]],
    [1, [250, 1000, 250]],
  ] as const;
  for (const [playersPerRoom, rooms] of cases.slice(0, 2 * EFFORT - 1)) {
    const counts: number[] = [];
    const game = defineGame({
      name: "empty",
      rooms: { room: { maxPlayers: 5 } },
      archetypes: { hero: {} },
      setup({ settings }) {
        if (counts.at(-1) !== settings.zones) counts.push(settings.zones);
      },
      join: (world) => world.spawn("hero", 100, 100),
    });
    await measureRoom({ game, load: { playersPerRoom, tickRate: 20, syncRate: 20, events: 0 }, now: () => 0 });
    assert.equal(counts, rooms, `${playersPerRoom} in a room`);
  }
});

const run: typeof runCli = (...argv) => cliHere("capacity", ...argv);

const GIVEN = ["--tick-us", "40", "--sync-us", "20", "--encode-us", "30", "--write-us", "10", "--event-us", "4"];

test("given costs are not measured; a file of costs is read again, and a flag wins over it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-capacity-"));
  const file = join(folder, "costs.json");
  try {
    const first = await run(...GIVEN, "--cores", "2", "--json", file);
    assert.is(first.status, 0, first.err);
    assert.match(first.out, /^100 % +1,000 +5,000 +1\.00 of 1 +1\.00 of 1$/m);
    assert.match(first.out, /Bottleneck: the main thread is full first/);
    assert.equal(JSON.parse(readFileSync(file, "utf8")).costs, COSTS);
    const second = await run("--costs", file, "--tick-us", "90", "--cores", "2");
    assert.match(second.out, /^100 % +500 +2,500 /m);
    assert.match(second.out, /the threads that simulate are full first/);
    const other = await run("--costs", file, "--players-per-room", "6");
    assert.equal([other.status, /are of rooms of 5 players, not 6/.test(other.err)], [2, true], other.err);
    writeFileSync(file, '{"costs":{"tickUs":1}}');
    const cut = await run("--costs", file);
    assert.equal([cut.status, /has no syncUs/.test(cut.err)], [1, true], cut.err);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("measured rooms of an example cost something of each kind", async () => {
  const games = [[], ["examples/duels.mjs", "--players-per-room", "2", "--tick-rate", "60", "--sync-rate", "20"]];
  for (const flags of games.slice(0, EFFORT)) {
    const { status, out, err } = await runCli("capacity", ...flags, "--json", "-");
    assert.is(status, 0, err);
    const { costs, load, lines, mainUs } = JSON.parse(out) as Capacity & { costs: CapacityCosts; load: CapacityLoad };
    const { writeUs, ...others } = costs;
    for (const [name, us] of Object.entries(others)) assert.ok(us > 0 && us < 1e5, `${flags[0]}: ${name} is ${us}`);
    // A difference of two that a busy machine may turn round.
    assert.ok(writeUs >= 0 && writeUs < 1e5, `${flags[0]}: ${writeUs}`);
    assert.equal(capacityOf(costs, load).lines, lines);
    assert.ok(mainUs > 0);
  }
});

test("a command line that says what is not so is one line and status 2", async () => {
  const bad: [RegExp, ...string[]][] = [
    [/--sync-rate 30 is above --tick-rate 20/, "--sync-rate", "30"],
    [/--tick-us "fast" is not a number/, "--tick-us", "fast"],
    [/--cores "0" is not a whole number/, "--cores", "0"],
    [/unknown option '--nope'/, "--nope"],
    [
      /a room costs nothing/,
      "--tick-us",
      "0",
      "--sync-us",
      "0",
      "--encode-us",
      "0",
      "--write-us",
      "0",
      "--event-us",
      "0",
    ],
    [/the game tiny has no rooms/, "examples/tiny.mjs"],
  ];
  for (const [expected, ...argv] of bad) {
    const { status, out, err } = await run(...argv);
    assert.equal([status, out, err.trimEnd().split("\n").length], [2, "", 1], `${argv.join(" ")}: ${err}`);
    assert.match(err, expected);
  }
});

test.run();
