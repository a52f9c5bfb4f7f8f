/**
 * What a room costs on this machine, measured: real zones of a game, stepped and published here without a clock, first to connections that
 * take everything and do nothing, then to sockets of this machine. Takes a few seconds. Each figure is the lower quartile of many rounds, so that
 * whoever else uses the machine for a while does not count.
 *
 * Each part is timed by itself, in one thread, as it is split between threads: what a thread that simulates does of a sync is no part of the tick,
 * and none of what is published.
 *
 *     zones.step() ──────────────> snapshots taken ──> hub.publish()
 *     tick  sync of state trees    sync                encode, and with sockets write
 */
import { GyreError } from "../errors.js";
import { defineGame, type Game, ZONES_MAX } from "../game/define.js";
import { planGame } from "../game/plan.js";
import { loadKernel } from "../kernel/load.js";
import { RawPlayer } from "../load/player.js";
import { READ_BYTES } from "../load/raw-client.js";
import { Tally } from "../load/tally.js";
import { WAY_X, WAY_Y, Walker } from "../load/walker.js";
import { Hub } from "../net/hub.js";
import { NetServer } from "../net/server.js";
import type { Session } from "../net/session.js";
import type { Wire } from "../net/wire.js";
import type { CapacityCosts, CapacityLoad } from "../ops/capacity.js";
import { type Rates, streamsDue } from "../sim/rates.js";
import type { World } from "../sim/world.js";
import { Zones } from "../sim/zones.js";

/** Players on sockets, and the fewest rooms. */
const PLAYERS = 250;
const ROOMS_MIN = 4;
/**
 * Players in memory, as long as a tick of all their rooms takes no longer than this: a full server's rooms do not fit into caches, and what a light one costs is
 * mostly that it has to come from memory: a tick of one of 50 rooms of five takes 4 us, of one of 500 12.
 */
const PLAYERS_MAX = 2500;
const TICK_MS = 20;
/** Snapshots before anything is noted, and those that are. */
const WARM_UP_ROUNDS = 20;
const ROUNDS = 40;
/** Turns of the event loop that all players may take to come in, or a round to be read: a thousand times what they do. */
const TURNS_MAX = 100_000;
const SEED = 1;

export interface RoomCostsOptions {
  /** Of rooms: its first template is measured. */
  readonly game: Game;
  readonly load: Omit<CapacityLoad, "cores">;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Throws BAD_ARGUMENT for a game without rooms, and what planGame throws. */
export async function measureRoom(options: RoomCostsOptions): Promise<CapacityCosts> {
  const { playersPerRoom } = options.load;
  const few = Math.max(ROOMS_MIN, Math.floor(PLAYERS / playersPerRoom));
  const small = await measureInMemory(options, few);
  const many = Math.min(
    ZONES_MAX,
    Math.floor(PLAYERS_MAX / playersPerRoom),
    Math.floor((1000 * TICK_MS) / small.tickUs),
  );
  const inMemory = many > few ? await measureInMemory(options, many) : small;
  const onSockets = await measureOnSockets(options, few);
  return {
    tickUs: inMemory.tickUs,
    syncUs: inMemory.syncUs,
    encodeUs: inMemory.publishUs * playersPerRoom,
    writeUs: Math.max(0, onSockets.publishUs - small.publishUs),
    eventUs: onSockets.eventUs,
  };
}

/** Rooms full of players, and a clock that is told to go on. */
class Rooms {
  readonly players: number;
  readonly hub: Hub;
  readonly zones: Zones;
  readonly #rooms: number;
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #takes: readonly (() => void)[];
  #nowMs = 0;
  /** Of state trees, since the tick began. */
  #treesMs = 0;

  static async open({ game, load, now }: RoomCostsOptions, rooms: number): Promise<Rooms> {
    const { definition } = game;
    const [template] = Object.entries(definition.rooms ?? {});
    if (template === undefined) throw new GyreError("BAD_ARGUMENT", `the game ${definition.name} has no rooms`);
    const { playersPerRoom, tickRate, syncRate } = load;
    const [name, spec] = template;
    const sized = {
      ...definition,
      ...{ tickRate, snapshotRate: syncRate },
      ...(definition.sync === undefined ? {} : { sync: { ...definition.sync, rate: syncRate } }),
      rooms: { [name]: { ...spec, maxPlayers: playersPerRoom, instances: rooms } },
    };
    const plan = await planGame(defineGame(sized), { tickRate, snapshotRate: syncRate });
    const zones = Zones.create(await loadKernel(), { ...plan, ...plan.settings, guard: null });
    // All of a room is told at one rate, so that a player's frames are as many as the formula has.
    const rates = { tickRate, snapshotRate: syncRate, nearRate: syncRate, farRate: syncRate };
    return new Rooms(zones, rooms, playersPerRoom, rates, now);
  }

  private constructor(zones: Zones, rooms: number, playersPerRoom: number, rates: Rates, now: () => number) {
    this.zones = zones;
    this.players = rooms * playersPerRoom;
    this.#rooms = rooms;
    this.#rates = rates;
    this.#now = now;
    this.hub = new Hub({ zones, ...rates, sessionsMax: this.players, nowMs: 0, seed: SEED });
    this.#takes = zones.all.map((world) => this.#apart(world));
  }

  /** Times the world's syncs of its state tree. Returns what takes its snapshots after a step: who publishes finds them taken, as it does with threads. */
  #apart(world: World): () => void {
    let beganMs = 0;
    world.onSync = (isDone) => {
      if (isDone) this.#treesMs += this.#now() - beganMs;
      else beganMs = this.#now();
    };
    const take = world.takeSnapshots.bind(world);
    world.takeSnapshots = () => {};
    return () => {
      if (world.toldTick === this.zones.tick) take(streamsDue(this.zones.tick + world.phase, this.#rates));
    };
  }

  /** One tick of all. */
  tick(): Round {
    this.#treesMs = 0;
    const startMs = this.#now();
    this.zones.step();
    const steppedMs = this.#now();
    for (const take of this.#takes) take();
    const takenMs = this.#now();
    this.#nowMs += 1000 / this.#rates.tickRate;
    this.hub.publish(this.#nowMs);
    return {
      stepMs: steppedMs - startMs - this.#treesMs,
      syncMs: this.#treesMs + takenMs - steppedMs,
      publishMs: this.#now() - takenMs,
    };
  }

  /** As many ticks as it takes until each room had equally many snapshots, with everybody's inputs before each. Means of a tick and of a snapshot. */
  async round(inputs: () => Promise<void> | void): Promise<Round> {
    const { tickRate, snapshotRate } = this.#rates;
    const common = greatestCommonDivisor(tickRate, snapshotRate);
    const [ticks, snapshots] = [tickRate / common, snapshotRate / common];
    let [stepMs, syncMs, publishMs] = [0, 0, 0];
    for (let n = 0; n < ticks; n++) {
      await inputs();
      const tick = this.tick();
      stepMs += tick.stepMs;
      syncMs += tick.syncMs;
      publishMs += tick.publishMs;
    }
    return { stepMs: stepMs / ticks, syncMs: syncMs / snapshots, publishMs: publishMs / snapshots };
  }

  /** Of a room's tick. */
  tickUs(rounds: readonly Round[]): number {
    return (1000 * typical(rounds.map(({ stepMs }) => stepMs))) / this.#rooms;
  }

  /** Of a room's sync. */
  syncUs(rounds: readonly Round[]): number {
    return (1000 * typical(rounds.map(({ syncMs }) => syncMs))) / this.#rooms;
  }

  /** Of a player's snapshot. */
  publishUs(rounds: readonly Round[]): number {
    return (1000 * typical(rounds.map(({ publishMs }) => publishMs))) / this.players;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

interface Round {
  readonly stepMs: number;
  readonly syncMs: number;
  readonly publishMs: number;
}

/** A connection that takes all at once. */
const NOWHERE: Wire = {
  queuedBytes: 0,
  sendText: (_, flushed) => flushed?.(),
  sendBytes: (_bytes, _offset, _size, flushed) => flushed(),
  hold() {},
  release() {},
  ping() {},
  close() {},
  terminate() {},
};

async function measureInMemory(
  options: RoomCostsOptions,
  count: number,
): Promise<Pick<CapacityCosts, "tickUs" | "syncUs"> & { publishUs: number }> {
  const rooms = await Rooms.open(options, count);
  const sessions = Array.from({ length: rooms.players }, () => rooms.hub.open({ ...NOWHERE }, "binary"));
  const walkers = sessions.map((_, i) => new Walker(SEED, i));
  for (const [i, session] of sessions.entries()) say(session, { type: "join", name: `load-${i}` });
  for (let i = 0; i < TURNS_MAX && sessions.some(({ playing }) => playing === null); i++) rooms.tick();
  const due = new Due(options.load);
  let seq = 0;
  const inputs = (): void => {
    for (let times = due.next(); times > 0; times--) {
      seq++;
      for (const [i, session] of sessions.entries()) {
        const walker = walkers[i]!;
        walker.step();
        const wish = { type: "input", seq, dx: WAY_X[walker.way], dy: WAY_Y[walker.way] };
        say(session, walker.strikes ? { ...wish, action: "attack" } : wish);
      }
    }
  };
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await rooms.round(inputs);
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await rooms.round(inputs));
  rooms.hub.close();
  rooms.zones.close();
  return { tickUs: rooms.tickUs(rounds), syncUs: rooms.syncUs(rounds), publishUs: rooms.publishUs(rounds) };
}

function say(session: Session, message: object): void {
  const text = JSON.stringify(message);
  session.receiveText(text, text.length);
}

async function measureOnSockets(
  options: RoomCostsOptions,
  count: number,
): Promise<{ publishUs: number; eventUs: number }> {
  const { now } = options;
  const rooms = await Rooms.open(options, count);
  const { hub, zones } = rooms;
  const net = new NetServer({ hub, zones, pages: new Map(), sessionsMax: rooms.players, answers: {} });
  const port = await net.listen("127.0.0.1", 0);
  try {
    const address = { hostname: "127.0.0.1", port, path: "/ws" };
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const around = { address, buffer, tally: new Tally(), zone: undefined, seed: SEED, now };
    const quiet = { joined() {}, refused() {}, ended() {} };
    const players = Array.from({ length: rooms.players }, (_, i) => new RawPlayer(around, i, quiet));
    await turnsUntil("all are in", () => {
      rooms.tick();
      return players.every(({ isIn }) => isIn);
    });
    const due = new Due(options.load);
    const readMs: number[] = [];
    const inputs = async (): Promise<void> => {
      for (let times = due.next(); times > 0; times--) {
        const expected = hub.counters.messagesIn + players.length;
        for (const player of players) player.input();
        const startMs = now();
        await turnsUntil("all inputs are read", () => hub.counters.messagesIn >= expected);
        readMs.push(now() - startMs);
      }
    };
    const seen = (): number => around.tally.get("snapshots");
    const round = async (): Promise<Round> => {
      const before = seen() - hub.counters.snapshotsSent;
      const one = await rooms.round(inputs);
      await turnsUntil("all snapshots are read", () => seen() - hub.counters.snapshotsSent >= before);
      return one;
    };
    for (let i = 0; i < WARM_UP_ROUNDS; i++) await round();
    readMs.length = 0;
    const rounds: Round[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round());
    for (const player of players) player.destroy();
    return { publishUs: rooms.publishUs(rounds), eventUs: (1000 * typical(readMs)) / players.length };
  } finally {
    await net.close();
    zones.close();
  }
}

/** How many times each player says something before the next tick, so that it comes to as much a second as it should. */
class Due {
  readonly #perTick: number;
  #owed = 0;

  constructor({ events, tickRate }: Pick<CapacityLoad, "events" | "tickRate">) {
    this.#perTick = events / tickRate;
  }

  next(): number {
    this.#owed += this.#perTick;
    const times = Math.floor(this.#owed + 1e-9);
    this.#owed -= times;
    return times;
  }
}

async function turnsUntil(what: string, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > TURNS_MAX) throw new GyreError("CONNECTION_FAILED", `waited in vain until ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The lower quartile; 0 for none. */
function typical(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0;
}
