/** Recordings of zones on several threads: a replay, which has one, comes to the same, whatever the threads were up to. */
// slow
// waits
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Game } from "../src/game/define.js";
import { planGame } from "../src/game/plan.js";
import type { Settings } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Block } from "../src/sim/recording.js";
import { RecordingReader, readFrom } from "../src/sim/recording-reader.js";
import { Replay } from "../src/sim/replay.js";
import { Zones } from "../src/sim/zones.js";
import { BY_CLOCK } from "../src/threads/board.js";
import { sharedClock } from "../src/threads/clock.js";
import { Scribe } from "../src/threads/scribe.js";
import { makeTapes, TapeReader } from "../src/threads/tape.js";
import { definition as crossing } from "./games/crossing.js";
import { definition as herds } from "./games/herds.js";
import { FAILS_FROM, definition as unruly } from "./games/unruly.js";
import { crewOf, gameIn, type TestCrew } from "./support/crews.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { until } from "./support/until.js";

const CROSSING = gameIn("crossing", crossing);
const HERDS = gameIn("herds", herds);
const UNRULY = gameIn("unruly", unruly);
const SLOTS = EFFORT > 1 ? [1, 2, 4] : [3];

type Crew = Awaited<ReturnType<typeof crewOf>>;

/** A crew whose recording is kept. */
async function taped(spec: TestCrew) {
  const pieces: Uint8Array[] = [];
  const made = await crewOf({ ...spec, record: (bytes) => void pieces.push(bytes.slice()) });
  return { ...made, bytes: () => new Uint8Array(Buffer.concat(pieces)) };
}

/** One more tick with a checkpoint, and the end. */
async function finish({ board, crew, recording, tapeState }: Crew): Promise<void> {
  if (tapeState !== null) tapeState.last = board.tick + 1;
  await crew.advanceTo(board.tick + 2);
  await crew.close();
  recording?.close();
}

function blocksOf(bytes: Uint8Array): Block[] {
  const reader = new RecordingReader(readFrom(bytes));
  const blocks: Block[] = [];
  for (let block = reader.next(); block !== null; block = reader.next()) blocks.push(block);
  return blocks;
}

async function verified(bytes: Uint8Array, game: Game, settings: Partial<Settings>, what: string) {
  const plan = await planGame(game, { settings });
  const spec = { ...plan, ...plan.settings, bots: 0, sleepAfterTicks: 0 };
  const zones = Zones.create(await loadKernel(), spec);
  try {
    const replay = new Replay(new RecordingReader(readFrom(bytes)), zones);
    assert.is(replay.run(true), null, what);
    const hashes = zones.all.map((world) => (world.fault === null ? world.hash() : null));
    return { replay, hashes, transfers: zones.transfers, faults: zones.all.map(({ fault }) => fault?.message ?? "") };
  } finally {
    zones.close();
  }
}

/** Players who come, walk and go, by a seed. */
class Visitors {
  readonly #random: Random;
  readonly #ids: number[] = [];
  #seq = 0;

  constructor(
    readonly crew: Crew,
    seed: number,
  ) {
    this.#random = new Random(seed);
  }

  act(): void {
    const random = this.#random;
    const zone = random.pick(this.crew.venues.all);
    if (zone.fault !== null) return;
    const dice = random.integer(0, 9);
    if (dice === 0) this.#ids.push(zone.join(`p${random.integer(0, 99)}城`));
    else if (dice === 1 && this.#ids.length > 8) zone.leave(this.#ids.shift() ?? 0);
    else if (this.#ids.length > 0) {
      for (let n = random.integer(1, 4); n > 0; n--) {
        zone.input(random.pick(this.#ids), ++this.#seq, random.integer(-1, 1), random.float(), random.integer(0, 1));
      }
    }
  }
}

test("with gates, bots, scripts and players, recordings of any number of threads verify, and their zones are as those that are replayed", async () => {
  const settings = { zones: 5, npcs: 60, bots: 6, players: 12, seed: 3 };
  for (const slots of SLOTS) {
    const made = await taped({ ...CROSSING, settings, slots });
    const visitors = new Visitors(made, 11);
    for (let tick = 2; tick <= 400; tick += 2) {
      visitors.act();
      await made.crew.advanceTo(tick);
    }
    const found = await made.crew.hashes();
    assert.equal(made.failures, []);
    await finish(made);
    const bytes = made.bytes();
    const what = `${slots} threads`;
    const { replay, transfers } = await verified(bytes, CROSSING.game, settings, what);
    assert.equal([replay.tick, replay.verifiedTick, replay.checkpoints], [401, 401, 7], what);
    assert.ok(transfers > 50, `${transfers} transfers`);
    assert.ok(replay.commands > 400, `${replay.commands} commands`);
    assert.is(blocksOf(bytes).filter(({ tag }) => tag === "LATE").length, 0, "nobody was late");
    assert.is(found.length, 5);
  }
});

test("of players' absence, what any number of threads record comes to the hashes that zones without threads have", async () => {
  const settings = { zones: 5, npcs: 60, bots: 6, players: 8, seed: 4 };
  const plan = await planGame(CROSSING.game, { settings });
  const local = Zones.create(await loadKernel(), { ...plan, ...plan.settings });
  while (local.tick < 301) local.step();
  const expected = local.all.map((world) => world.hash());
  local.close();
  for (const slots of SLOTS) {
    const made = await taped({ ...CROSSING, settings, slots });
    for (let tick = 50; tick <= 300; tick += 50) await made.crew.advanceTo(tick);
    await finish(made);
    assert.equal(made.failures, []);
    const { hashes } = await verified(made.bytes(), CROSSING.game, settings, `${slots} threads`);
    assert.equal(hashes, expected, `${slots} threads`);
  }
});

test("zones whose steps go to whichever thread is free are recorded as well", async () => {
  const settings = { zones: 23, bots: 3, players: 8, seed: 5 };
  for (const slots of SLOTS) {
    const made = await taped({ ...HERDS, settings, slots });
    const visitors = new Visitors(made, 5);
    for (let tick = 5; tick <= 200; tick += 5) {
      visitors.act();
      await made.crew.advanceTo(tick);
    }
    await finish(made);
    const { replay } = await verified(made.bytes(), HERDS.game, settings, `${slots} threads`);
    assert.is(replay.verifiedTick, 201);
  }
});

test("threads that are late by some ticks, zones that move meanwhile, fail once, or for good: the recording says so, and verifies", async () => {
  const settings = { zones: 6, npcs: 60, bots: 6, players: 12, seed: 9 };
  let turnedBack = 0;
  let held = 0;
  for (const slots of [2, 3]) {
    const made = await taped({ ...UNRULY, settings, slots });
    const { board, schedule, crew, recording, failures } = made;
    const visitors = new Visitors(made, slots);
    const random = new Random(slots);
    schedule.start(sharedClock()());
    board.target = BY_CLOCK;
    const meddle = setInterval(() => {
      visitors.act();
      if (random.integer(0, 3) === 0) board.askMove(random.integer(0, 5), random.integer(0, slots - 1));
    }, 30);
    await until("400 ticks are written", () => (recording?.tick ?? 0) >= 400 || failures.length > 0);
    clearInterval(meddle);
    await finish(made);
    assert.equal([failures, recording?.failure], [[], ""]);
    const bytes = made.bytes();
    const { replay, faults, transfers } = await verified(bytes, UNRULY.game, settings, `${slots} threads`);
    assert.ok(replay.verifiedTick >= 400, `verified up to ${replay.verifiedTick}`);
    assert.ok(transfers > 50, `${transfers} transfers`);
    assert.match(faults.join("|"), /^\|\|\|.*zone-3.*it always does\|\|$/);
    const blocks = blocksOf(bytes);
    const [stop, ...others] = blocks.flatMap((block) => (block.tag === "STOP" ? [block] : []));
    assert.equal([stop?.zone, others.length], [3, 0]);
    // Hooks run in the tick behind the one that the zone has done; it may be late for the first.
    assert.ok((stop?.tick ?? 0) > FAILS_FROM, `it stopped in ${stop?.tick}`);
    for (const block of blocks) {
      if (block.tag !== "LATE") continue;
      for (const { turned } of block.zones) {
        if (turned === 0n) held++;
        else turnedBack++;
      }
    }
    assert.is(crew.kept.size, 6);
  }
  assert.ok(turnedBack > 0, "somebody was turned back");
  assert.ok(held > 0, "some zones were held");
});

test("a zone that moved here from a slot that is ahead has no digest of the ticks that it is ahead, and one of the next checkpoint", async () => {
  const settings = { zones: 2, npcs: 5, bots: 0, players: 2, seed: 2 };
  const plan = await planGame(CROSSING.game, { settings });
  const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings, sleepAfterTicks: 0 });
  const parts = makeTapes(1);
  const scribe = new Scribe(zones, parts, 0);
  const digests: [zone: number, tick: number, hash: bigint][] = [];
  const none = (): void => {};
  const told = { command: none, turnedBack: none, held: none, released: none, adopted: none, stopped: none };
  const digest = (zone: number, tick: number, hash: bigint): void => void digests.push([zone, tick, hash]);
  const reader = new TapeReader(parts, 0);
  const tell = (tick: number): void => {
    scribe.settled(tick);
    scribe.endTick();
    reader.read(tick, { ...told, digest });
  };
  while (zones.tick < 62) zones.step();
  tell(60);
  assert.equal(digests, []);
  while (zones.tick < 120) zones.step();
  tell(120);
  assert.equal(
    digests,
    zones.all.map((world, i) => [i, 120, world.hash()]),
  );
  zones.close();
});

test("slots whose tapes are not read end the recording, are told so, and tick on; what was written is good up to there", async () => {
  const settings = { zones: 3, npcs: 20, bots: 6, players: 8, seed: 2 };
  const made = await taped({ ...CROSSING, settings, slots: 2, tapeBytes: 16_384 });
  const { crew, recording } = made;
  for (let tick = 10; tick <= 130; tick += 10) await crew.advanceTo(tick);
  assert.equal([recording?.failure, recording?.tick], ["", 129]);
  made.board.target = 4000;
  // Nobody reads meanwhile.
  while (!made.board.haveArrived(4000)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  recording?.endTick();
  assert.match(recording?.failure ?? "", /^sim-\d had no room for more, as its ticks were not written$/);
  recording?.abandon();
  await crew.advanceTo(4100);
  const hashes = await crew.hashes();
  assert.is(hashes.length, 3);
  await crew.close();
  recording?.close();
  const plan = await planGame(CROSSING.game, { settings });
  const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings, bots: 0, sleepAfterTicks: 0 });
  const replay = new Replay(new RecordingReader(readFrom(made.bytes())), zones);
  assert.throws(() => replay.run(true), /without its end mark/);
  assert.is(replay.verifiedTick, 120);
  zones.close();
});

test.run();
