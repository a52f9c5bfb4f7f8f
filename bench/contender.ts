/**
 * One contender's process: `contender.js BENCH VARIANT PARAMS LIMIT_MS WARM_UP_MS`. It proves its answers, warms up, and then measures a round
 * whenever it is told to; see protocol.ts for the lines it reads and writes. Benchmark.js drives the timing. An operation of more
 * than ALONE_MS is timed by itself, so that its p99 is that of operations, not of means; shorter ones are timed as loops. One that gives a
 * promise is timed by itself, and without Benchmark.js, which would count its own waiting in.
 */
import "./lodash-global.js";
import { createInterface } from "node:readline";
import Benchmark from "benchmark";
import { type Contenders, HASH_START, mix, type Operation, type Params } from "./operation.js";
import { SETS } from "./points.js";
import { type Answer, line, type Round } from "./protocol.js";

/** Reading the clock twice costs some 0.1 us, half a percent of this. */
const ALONE_MS = 0.02;
/** Each is loaded by who takes part in it: the others' modules would be half of what it takes to start. */
const BENCHES: Record<string, () => Promise<Contenders>> = {
  "distance-squared": async () => (await import("./distance.js")).distanceContenders,
  "all-neighbours": async () => ({
    ...(await import("./neighbours.js")).neighbourContenders,
    ...(await import("./peers.js")).peerNeighbourContenders,
  }),
  "nearest-enemy": async () => ({
    ...(await import("./enemies.js")).enemyContenders,
    ...(await import("./peers.js")).peerEnemyContenders,
  }),
  move: async () => (await import("./tick.js")).moveContenders,
  tick: async () => (await import("./tick.js")).tickContenders,
  path: async () => (await import("./path.js")).pathContenders,
  zones: async () => (await import("./zones.js")).zonesContenders,
  handoff: async () => (await import("./handoff.js")).handoffContenders,
  snapshot: async () => (await import("./snapshot.js")).snapshotContenders,
  fanout: async () => (await import("./fanout.js")).fanoutContenders,
  state: async () => (await import("./state.js")).stateContenders,
};

const worlds = async (): Promise<Contenders> => (await import("./world.js")).worldContenders;

const now = (): number => performance.now();

function write(answer: Answer): void {
  process.stdout.write(line(answer));
}

/** Runs the first turns, giving their checksums; how long the first one took when that is longer than the limit. */
async function prove(
  operation: Operation,
  limitMs: number,
): Promise<{ answer: number; strict: number | undefined; bytes: number[] } | number> {
  let answer = HASH_START;
  let strict = HASH_START;
  const bytes: number[] = [];
  for (let turn = 0; turn < SETS; turn++) {
    operation.prepare(turn);
    const before = now();
    await operation.run();
    const tookMs = now() - before;
    if (turn === 0 && tookMs > limitMs) return tookMs;
    await operation.settled?.();
    answer = mix(answer, operation.checksum());
    strict = mix(strict, operation.strictChecksum?.() ?? 0);
    if (operation.bytes !== undefined) bytes.push(operation.bytes());
  }
  const isStrict = operation.strictChecksum !== undefined;
  return { answer: answer >>> 0, strict: isStrict ? strict >>> 0 : undefined, bytes };
}

class Clock {
  readonly #operation: Operation;
  #turn = SETS;
  #alone = false;
  #waits = false;
  #samplesNs: number[] = [];

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  async warmUp(ms: number): Promise<void> {
    const times: number[] = [];
    const end = now() + ms;
    do {
      this.#operation.prepare(this.#turn++);
      const before = now();
      const running = this.#operation.run();
      if (running !== undefined) {
        this.#waits = true;
        await running;
      }
      times.push(now() - before);
    } while (now() < end);
    this.#alone = Math.min(...times.slice(-100)) > ALONE_MS;
  }

  /** Nanoseconds an operation. */
  async measure(round: Round): Promise<number[]> {
    this.#samplesNs = [];
    if (this.#waits) return this.#measureWaiting(round);
    const benchmark = new Benchmark(this.#alone ? this.#timed : this.#plain, {
      minTime: round.loopMs / 1000,
      maxTime: round.roundMs / 1000,
      minSamples: 2,
    });
    benchmark.run({ async: false });
    const { error } = benchmark as { error?: unknown };
    if (error !== undefined) throw error;
    return this.#alone ? this.#samplesNs : benchmark.stats.sample.map((seconds) => seconds * 1e9);
  }

  async #measureWaiting({ roundMs }: Round): Promise<number[]> {
    const end = now() + roundMs;
    do {
      this.#operation.prepare(this.#turn++);
      const before = now();
      await this.#operation.run();
      this.#samplesNs.push((now() - before) * 1e6);
    } while (now() < end || this.#samplesNs.length < 2);
    return this.#samplesNs;
  }

  readonly #plain = (): void => {
    this.#operation.prepare(this.#turn++);
    this.#operation.run();
  };

  readonly #timed = (): void => {
    this.#operation.prepare(this.#turn++);
    const before = now();
    this.#operation.run();
    this.#samplesNs.push((now() - before) * 1e6);
  };
}

async function main([bench = "", variant = "", params = "{}", limitMs = "0", warmUpMs = "0"]: string[]): Promise<void> {
  const size = JSON.parse(params) as Params;
  const contenders = await (size.world === undefined ? BENCHES[bench] : worlds)?.();
  const create = contenders?.[variant];
  if (create === undefined) throw new Error(`there is no ${variant} of ${bench}`);
  const operation = await create(size);
  const proof = await prove(operation, Number(limitMs));
  if (typeof proof === "number") {
    await operation.close?.();
    return write({ kind: "slow", tookMs: proof });
  }
  const clock = new Clock(operation);
  await clock.warmUp(Number(warmUpMs));
  write({ kind: "ready", ...proof });
  for await (const text of createInterface({ input: process.stdin })) {
    write({ kind: "samples", samplesNs: await clock.measure(JSON.parse(text) as Round) });
  }
  await operation.close?.();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  write({ kind: "failed", reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
});
