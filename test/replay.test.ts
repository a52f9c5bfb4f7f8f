/**
 * Recordings of games: three zones with gates, sleep, fights, timers and columns of their own, players who come, go and fidget, come to
 * the same hashes in every kernel; what was changed is found and named; and the command says so by its exit status.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineGame, type Game } from "../src/game/define.js";
import type { GameDefinition } from "../src/game/types.js";
import { loadKernel } from "../src/kernel/load.js";
import type { Kernel } from "../src/kernel/types.js";
import { TickGuard } from "../src/ops/guard.js";
import { Recorder } from "../src/sim/recorder.js";
import { RecordingReader, readFrom } from "../src/sim/recording-reader.js";
import { type Difference, Replay } from "../src/sim/replay.js";
import type { World } from "../src/sim/world.js";
import { type Guard, Zones } from "../src/sim/zones.js";
import { cliHere } from "./support/cli-here.js";
import { TestClient } from "./support/client.js";
import { Random } from "./support/random.js";
import { runCli } from "./support/run-cli.js";
import { until } from "./support/until.js";
import { drawn, planOf } from "./support/worlds.js";

const TICKS = 900;
const SETTINGS = { zones: 3, npcs: 60, bots: 6, players: 12, seed: 42 };

const MAP = drawn(
  "####################",
  "#..................#",
  "#...##......##.....#",
  "#...#........#.....#",
  "#..................#",
  "#......~~~~........#",
  "#......~~~~........#",
  "#..................#",
  "#...#........#.....#",
  "#...##......##.....#",
  "#..................#",
  "####################",
);

const gate = (zone: number, to: number, x0: number, x: number) => ({
  zone: `zone-${zone}`,
  x0,
  y0: 32,
  x1: x0 + 48,
  y1: 352,
  to: `zone-${to}`,
  x,
  y: 160,
});

/** What a test does to the game that it plays again with. */
interface Change {
  wolfHp?: number;
  /** The system does wrong what it does from this tick on. */
  moodFrom?: number;
  /** A system of zone-1 throws from this tick on. */
  throwsAt?: number;
  /** The state of zone-1 is not plain from this tick on. */
  oddFrom?: number;
}

function gameOf({
  wolfHp = 60,
  moodFrom = Number.POSITIVE_INFINITY,
  throwsAt = Number.POSITIVE_INFINITY,
  oddFrom = Number.POSITIVE_INFINITY,
}: Change = {}): Game {
  return defineGame<{ deaths: number; sent: number[] }, { mood: "u16"; heat: "f32" }>({
    name: "recorded",
    map: MAP,
    columns: { mood: "u16", heat: "f32" },
    archetypes: {
      player: { team: 1, hp: 80, attack: 12, reach: 20, cooldown: 0.4, respawn: 1, levelXp: 20, levelHp: 5 },
      wolf: {
        ...{ team: 2, hp: wolfHp, attack: 7, spread: 0.4, reach: 12, cooldown: 0.7, speed: 90, xp: 15, respawn: 2 },
        ...{ brain: "hunter", sight: 160, leash: 300, wander: 90, separation: 6 },
      },
    },
    actions: ["shout"],
    gates: [gate(0, 1, 540, 80), gate(1, 0, 40, 500), gate(1, 2, 540, 80), gate(2, 1, 40, 500)],
    sleepAfter: 0.5,
    state: () => ({ deaths: 0, sent: [] }),
    setup(world) {
      for (let i = 0; i < world.settings.npcs; i++) {
        const { x, y } = world.freePlace("wolf");
        world.spawn("wolf", x, y);
      }
      world.after(30, "pulse", { count: 0 });
    },
    join(world, player) {
      const { x, y } = world.freePlace("player");
      const id = world.spawn("player", x, y);
      world.own.mood[world.zone.slot(id)] = player.name.length;
      return id;
    },
    input(world, player, { action, actionName }) {
      if (actionName === "shout") world.zone.harm(player.entity, 1);
      return action !== 2;
    },
    timer(world, _, data) {
      const { count } = data as { count: number };
      if (world.state.sent.push(count) > 5) world.state.sent.shift();
      world.after(1 + (world.random() % 40), "pulse", { count: count + 1 });
    },
    death(world) {
      world.state.deaths++;
    },
    systems: [
      {
        name: "moods",
        every: 7,
        run({ zone, own, tick, name, state }) {
          if (tick >= throwsAt && name === "zone-1") throw new TypeError("no moods today");
          if (tick >= oddFrom && name === "zone-1") state.deaths = Number.NaN;
          const { alive, x } = zone.columns;
          const step = tick >= moodFrom && name === "zone-0" ? 2 : 1;
          for (let slot = 0; slot < zone.highWater; slot++) {
            if (alive[slot] !== 1) continue;
            own.mood[slot] = (own.mood[slot] ?? 0) + step;
            own.heat[slot] = Math.fround((own.heat[slot] ?? 0) * 0.9 + (x[slot] ?? 0));
          }
        },
      },
    ],
  });
}

/** Players as a server has them: each in a zone, with a seat there that changes when it crosses. */
class Visitors {
  readonly #random: Random;
  readonly #zones: Zones;
  readonly #seats = new Map<World, Set<number>>();
  #seq = 0;
  #watched: World | null = null;

  constructor(zones: Zones, seed: number) {
    this.#zones = zones;
    this.#random = new Random(seed);
    for (const world of zones.all) {
      this.#seats.set(world, new Set());
      world.onSeatMoved = (from, to, seat) => {
        this.#seats.get(world)?.delete(from);
        this.#seats.get(zones.get(to))?.add(seat);
      };
      world.onStop = () => this.#seats.get(world)?.clear();
    }
  }

  /** Between two ticks. Nobody is there from tick 300 on for a while, so that zones fall asleep. */
  fidget(tick: number): void {
    const random = this.#random;
    const isQuiet = tick > 300 && tick < 520;
    for (const [world, seats] of this.#seats) {
      if (isQuiet) {
        for (const seat of seats) world.leave(seat);
        seats.clear();
        continue;
      }
      if (random.integer(0, 25) === 0 && world.fault === null && world.seatsInUse < world.seats) {
        seats.add(world.join(random.pick(["ann", "bob", "Ænea 城", "\ufeff\ufeffbom", "\ud800"])));
      }
      for (const seat of seats) this.#move(world, seat);
      const [first] = seats;
      if (first !== undefined && random.integer(0, 90) === 0) {
        world.leave(first);
        seats.delete(first);
      }
    }
    if (random.integer(0, 60) === 0) this.#watch();
  }

  #move(world: World, seat: number): void {
    const random = this.#random;
    for (let n = random.integer(0, 5) === 0 ? random.integer(1, 3) : 0; n > 0; n--) {
      const wish = () => random.pick([0, 1, -1, 0.25, random.float() * 2 - 1]);
      world.input(seat, ++this.#seq, wish(), wish(), random.pick([0, 0, 1, 2]));
    }
  }

  #watch(): void {
    if (this.#watched !== null) this.#zones.unwatch(this.#watched);
    this.#watched = this.#watched === null ? this.#random.pick(this.#zones.all) : null;
    if (this.#watched !== null) this.#zones.watch(this.#watched);
  }
}

interface Made {
  readonly bytes: Uint8Array;
  readonly transfers: number;
  /** Most zones that slept at a time. */
  readonly asleep: number;
}

async function record(game: Game, seed = 1): Promise<Made> {
  const plan = await planOf({ game, ...SETTINGS });
  const kernel = await loadKernel();
  const zones = Zones.create(kernel, { ...plan, ...SETTINGS });
  const pieces: Buffer[] = [];
  const recorder = new Recorder({
    zones,
    map: plan.map,
    header: {
      game: { name: game.name, file: "", digest: "" },
      layoutVersion: kernel.layoutVersion,
      kernel: "",
      tickRate: plan.tickRate,
      settings: SETTINGS,
    },
    write: (bytes) => {
      pieces.push(Buffer.from(bytes));
    },
  });
  const visitors = new Visitors(zones, seed);
  let asleep = 0;
  while (zones.tick < TICKS) {
    visitors.fidget(zones.tick);
    zones.step();
    recorder.endTick();
    asleep = Math.max(asleep, zones.asleep);
  }
  recorder.close();
  const { transfers } = zones;
  zones.close();
  return { bytes: new Uint8Array(Buffer.concat(pieces)), transfers, asleep };
}

interface Played {
  readonly difference: Difference | null;
  readonly replay: Replay;
  readonly transfers: number;
}

async function play(bytes: Uint8Array, game: Game, kernel: Kernel): Promise<Played> {
  const reader = new RecordingReader(readFrom(bytes));
  const plan = await planOf({ game, ...SETTINGS, map: reader.map });
  const zones = Zones.create(kernel, { ...plan, ...SETTINGS, bots: 0, sleepAfterTicks: 0 });
  const replay = new Replay(reader, zones);
  const difference = replay.run(true);
  const { transfers } = zones;
  zones.close();
  return { difference, replay, transfers };
}

test(`${TICKS} ticks of 3 zones, with all that can happen, come to the same hashes in simd and scalar, release and checked`, async () => {
  const made = await record(gameOf());
  const reader = new RecordingReader(readFrom(made.bytes));
  const types = new Set<number>();
  for (let block = reader.next(); block !== null; block = reader.next()) {
    if (block.tag === "CMDS") for (const { type } of block.commands) types.add(type);
  }
  assert.equal([...types].sort(), [1, 2, 3, 4, 5], "joins, leaves, inputs, sleep and wake are all in it");
  assert.ok(made.transfers > 5, `${made.transfers} transfers`);
  assert.ok(made.asleep > 0, "no zone slept");
  for (const build of ["simd", "scalar"] as const) {
    for (const checked of [false, true]) {
      const { difference, replay, transfers } = await play(made.bytes, gameOf(), await loadKernel({ build, checked }));
      assert.is(difference, null, JSON.stringify(difference));
      assert.is(replay.verifiedTick, TICKS);
      assert.is(replay.checkpoints, TICKS / 60);
      assert.is(transfers, made.transfers);
    }
  }
});

test("12 recordings of other players verify as well", async () => {
  const kernel = await loadKernel();
  for (let seed = 2; seed < 14; seed++) {
    const { bytes } = await record(gameOf(), seed);
    const { difference } = await play(bytes, gameOf(), kernel);
    assert.is(difference, null, `seed ${seed}: ${JSON.stringify(difference)}`);
  }
});

test("a game that was changed differs where it was: a table at the first checkpoint, a system at the first after its tick", async () => {
  const kernel = await loadKernel();
  const { bytes } = await record(gameOf());
  const hp = (await play(bytes, gameOf({ wolfHp: 61 }), kernel)).difference;
  assert.is(hp?.tick, 60);
  assert.is(hp?.zone, "zone-0");
  assert.ok(hp?.parts.includes("archetypes") && hp.parts.includes("column hp"), String(hp?.parts));
  const mood = (await play(bytes, gameOf({ moodFrom: 200 }), kernel)).difference;
  assert.equal(mood, { tick: 240, zone: "zone-0", parts: ["column own mood"] });
});

test("a zone whose game failed at tick 200 is recorded up to there, fails again there, and the others verify to the end", async () => {
  const kernel = await loadKernel();
  const { bytes } = await record(gameOf({ throwsAt: 200 }));
  const { difference, replay } = await play(bytes, gameOf({ throwsAt: 200 }), kernel);
  assert.is(difference, null, JSON.stringify(difference));
  assert.is(replay.verifiedTick, TICKS);
  const reader = new RecordingReader(readFrom(bytes));
  let stops = 0;
  for (let block = reader.next(); block !== null; block = reader.next()) {
    if (block.tag !== "STOP") continue;
    stops++;
    assert.is(block.zone, 1);
    assert.match(block.reason, /no moods today/);
  }
  assert.is(stops, 1);
  // Here it does not fail: it is stopped where the recorded one did.
  assert.is((await play(bytes, gameOf(), kernel)).difference, null);
});

test("a zone whose state is no plain data at a checkpoint ends there, and the others verify to the end", async () => {
  const kernel = await loadKernel();
  for (const change of [{ oddFrom: 200 }, {}]) {
    const { bytes } = await record(gameOf({ oddFrom: 200 }));
    const { difference, replay } = await play(bytes, gameOf(change), kernel);
    assert.is(difference, null, JSON.stringify(difference));
    assert.is(replay.verifiedTick, TICKS);
  }
});

/** Two zones where in each tick somebody comes into being in a gate to the other. The hooks are the test's. */
function crossingGame(hooks: Partial<GameDefinition>): Game {
  return defineGame({
    name: "crossing",
    map: MAP,
    archetypes: { walker: {} },
    gates: [
      { ...gate(0, 1, 540, 80), all: true },
      { ...gate(1, 0, 540, 80), all: true },
    ],
    ...hooks,
  });
}

/** Records it for 60 ticks, and plays the recording with the other game. between: before each tick. */
async function replayed(
  [live, later]: readonly [Game, Game],
  between: (zones: Zones) => void = () => {},
  guard: Guard | null = null,
): Promise<Difference | null> {
  const settings = { zones: 2, npcs: 500, bots: 0, players: 12, seed: 4 };
  const plan = await planOf({ game: live, ...settings });
  const kernel = await loadKernel();
  const zones = Zones.create(kernel, { ...plan, ...settings, guard });
  const pieces: Buffer[] = [];
  const { layoutVersion } = kernel;
  const recorder = new Recorder({
    zones,
    map: plan.map,
    header: { game: { name: live.name, file: "", digest: "" }, layoutVersion, kernel: "", tickRate: 60, settings },
    write: (bytes) => {
      pieces.push(Buffer.from(bytes));
    },
  });
  while (zones.tick < 60) {
    between(zones);
    zones.step();
    recorder.endTick();
  }
  recorder.close();
  assert.ok(zones.transfers > 0, "nobody crossed");
  zones.close();
  const reader = new RecordingReader(readFrom(new Uint8Array(Buffer.concat(pieces))));
  const again = Zones.create(kernel, {
    ...(await planOf({ game: later, ...settings })),
    ...settings,
    sleepAfterTicks: 0,
  });
  const difference = new Replay(reader, again).run(true);
  again.close();
  return difference;
}

test("a zone that a watchdog stopped lets nobody in or out from that tick on, though in the replay it comes to an end", async () => {
  const game = (hangs: boolean): Game =>
    crossingGame({
      systems: [
        {
          name: "spring",
          every: 1,
          run(world) {
            world.spawn(0, 560, 160);
            while (hangs && world.name === "zone-1" && world.tick === 20);
          },
        },
      ],
    });
  const patient = new TickGuard(() => performance.now());
  const guard: Guard = { isWorn: false, placeOf: () => undefined, run: (work) => patient.run(work, 0.5) };
  assert.is(await replayed([game(true), game(false)], undefined, guard), null);
});

test("who leaves in the tick in which it crosses comes with all others who cross in it, live and in the replay", async () => {
  const game = crossingGame({
    join: (world) => world.spawn(0, 300, 130),
    arrive(world) {
      world.spawn(0, 300, 130);
    },
    systems: [
      {
        name: "push",
        every: 1,
        run(world) {
          if (world.tick === 20) for (const { entity } of world.players) world.zone.place(entity, 560, 160);
          world.tell("tick", world.tick);
        },
      },
    ],
  });
  const between = ({ all: [world], tick }: Zones): void => {
    if (tick === 0) for (const name of ["ann", "ben", "cid"]) world?.join(name);
    // A backlog of events, on which its connection is closed: within the step.
    if (tick === 20 && world !== undefined) world.onTell = () => world.leave(0);
  };
  assert.is(await replayed([game, game], between), null);
});

const CLI = fileURLToPath(new URL("../js/cli.js", import.meta.url));

/** Serves a game with somebody in it for some ticks, and ends it. */
async function serve(signal: NodeJS.Signals, ticks: number, ...argv: readonly string[]): Promise<void> {
  const args = [CLI, "serve", "--json", "--port", "0", ...argv];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    await until("it listens", () => out.includes("\n"));
    const { http, ws } = JSON.parse(out.slice(0, out.indexOf("\n")));
    const client = await TestClient.open(ws);
    client.send({ type: "join", name: "ann" });
    client.send({ type: "input", seq: 1, dx: 0.3, dy: -1 });
    await until(`tick ${ticks}`, async () => (await (await fetch(`${http}/stats`)).json()).tick >= ticks);
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.kill(signal);
    await ended;
  } finally {
    child.kill("SIGKILL");
  }
}

const toyText = (speed: number): string => `import { defineGame } from "gyre";
export default defineGame({
  name: "toy",
  archetypes: { toy: { speed: ${speed}, wander: 50, brain: "hunter" } },
  setup(world) { for (let i = 0; i < 20; i++) world.spawn("toy", 200 + i * 40, 300); },
});
`;

test("gyre replay: 0 for the same, 1 for a difference, 2 for what cannot be compared, a line each", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-replay-"));
  const [game, other, own, file] = ["toy.mjs", "other.mjs", "own.mjs", "a.gyrerec"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const replayed = async (status: number, about: RegExp, ...argv: readonly string[]): Promise<void> => {
    const { status: actual, out, err } = await cliHere("replay", ...argv);
    assert.is(actual, status, out + err);
    assert.match(status === 2 ? err : out, about);
    assert.is(`${out}${err}`.trimEnd().split("\n").length, 1);
  };
  try {
    writeFileSync(game, toyText(60));
    writeFileSync(other, toyText(61));
    await serve("SIGTERM", 130, game, "--bots", "2", "--zones", "2", "--record", file);
    for (const build of ["auto", "simd", "scalar"]) {
      await replayed(0, /zones: 2, entities: 45, .* [3-9] checkpoints agree$/m, file, "--verify", "--build", build);
    }
    await replayed(0, /nothing was compared$/m, file);
    const alone = await runCli("replay", file, "--verify");
    assert.is(alone.status, 0, alone.err);
    await replayed(
      1,
      /differs: first difference at tick 60: .*archetypes.* of zone-0$/m,
      file,
      "--verify",
      "--game",
      other,
    );
    await replayed(0, /nothing was compared$/m, file, "--game", other);
    const kernel = JSON.stringify(resolve("build/wasm/scalar-local-release.wasm"));
    const text = `import { readFileSync } from "node:fs";\n${toyText(60)}`.replace(
      "name:",
      `kernel: readFileSync(${kernel}), name:`,
    );
    writeFileSync(own, text);
    await replayed(0, /scalar kernel, .* agree$/m, file, "--verify", "--game", own);
    await replayed(2, /build is simd, but the module was built with scalar$/m, file, "--game", own, "--build", "simd");

    const bytes = readFileSync(file);
    const damaged = join(folder, "damaged");
    const end = bytes.length - 30;
    bytes[end] = (bytes[end] ?? 0) ^ 1;
    writeFileSync(damaged, bytes);
    await replayed(2, /damaged: byte \d+: the checksum .* verified up to tick 120$/m, damaged, "--verify");
    await replayed(2, /cannot read .*nothing: ENOENT/, join(folder, "nothing"));
    await replayed(2, /cannot read .*: not a file/, folder);
    await replayed(2, /toy\.mjs: byte 0: not a recording/, game);
    await replayed(2, /needs the FILE/, "--verify");
    await replayed(2, /--build fast is not auto, simd, scalar/, file, "--build", "fast");
    writeFileSync(game, toyText(62));
    await replayed(2, /toy\.mjs changed since .* was recorded/, file, "--verify");
    rmSync(game);
    await replayed(2, /cannot read .*toy\.mjs/, file, "--verify");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a recording of a server that was killed is played up to where it ends, and refused there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-replay-"));
  const file = join(folder, "killed.gyrerec");
  try {
    await serve("SIGKILL", 200, "--npcs", "50", "--bots", "3", "--record", file);
    const { status, err } = await runCli("replay", file, "--verify");
    assert.is(status, 2);
    assert.match(
      err,
      /killed\.gyrerec: byte \d+: the recording ends here, without its end mark; verified up to tick \d+$/m,
    );
    assert.is(Number(/tick (\d+)$/m.exec(err)?.[1]) >= 120, true, err);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
