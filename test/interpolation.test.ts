/**
 * What is shown of walkers that are told of at other rates than frames come: the whole way from a world's columns through streams, frames and a
 * connection to what is drawn 60 times a second, on clocks of the test.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Connection, connect } from "../src/client.js";
import { loadKernel } from "../src/kernel/load.js";
import { FAR, NEAR, NORMAL } from "../src/kernel/streams.js";
import type { ZoneSize } from "../src/protocol/snapshot-decoder.js";
import { StreamGaps } from "../src/protocol/stream-gaps.js";
import type { StreamPlan } from "../src/protocol/view.js";
import { isDue, type Rates, streamsDue } from "../src/sim/rates.js";
import { FakeZone } from "./support/fake-zone.js";
import { Random } from "./support/random.js";
import { opened, ScriptedSocket, turned } from "./support/scripted-socket.js";
import { Snapshots } from "./support/snapshots.js";
import { Stage } from "./support/stage.js";

const TICK_MS = 1000 / 60;
/** Units: 7 x 7 cells, the player's in the middle. */
const CELL = 1024;
const SIDE = 7 * CELL;
const MIDDLE = SIDE / 2;
/** Units a tick. */
const SPEED = 2;

const kernel = await loadKernel();

const open: Connection[] = [];

/** A player's connection, and the other end of its socket. */
async function join(you: number, snapshotRate: number, size: ZoneSize, clock: { ms: number }, options: object = {}) {
  const now = (): number => clock.ms;
  const promise = connect("ws://host/ws", { name: "ann", WebSocket: ScriptedSocket, now, ...options });
  await opened();
  const socket = ScriptedSocket.last;
  socket.onopen?.({});
  const zone = { ...size, name: "zone-0", columns: [], kinds: [], gates: [] };
  socket.say({ type: "welcome", you, tick: 0, tickRate: 60, snapshotRate, zone });
  const connection = await promise;
  await turned();
  open.push(connection);
  return { connection, socket };
}

test.after.each(() => {
  for (const connection of open.splice(0)) connection.close();
});

interface Place {
  x: number;
  y: number;
}

/** A player's connection, and the world that it is told of. */
class Show {
  tick = 0;
  /** Of the next frame: milliseconds that it takes, and bytes of blocks, at most. */
  lateMs = 0;
  bytesMax = 2 ** 20;
  readonly stage: Stage;
  readonly connection: Connection;
  readonly #socket: ScriptedSocket;
  readonly #rates: Rates;
  readonly #clock: { ms: number };
  /** Frames that are on their way. */
  readonly #sent: { atMs: number; bytes: Uint8Array }[] = [];

  private constructor(
    stage: Stage,
    connection: Connection,
    socket: ScriptedSocket,
    rates: Rates,
    clock: { ms: number },
  ) {
    this.stage = stage;
    this.connection = connection;
    this.#socket = socket;
    this.#rates = rates;
    this.#clock = clock;
  }

  static async open(plan: StreamPlan, rates: Partial<Rates> = {}): Promise<Show> {
    const size = { width: SIDE, height: SIDE, tileSize: 32 };
    const stage = new Stage(kernel, { size, plan, capacity: 128, hashEvery: 64 });
    const you = stage.spawn(0, MIDDLE, MIDDLE);
    stage.world.entities[0] = you;
    const clock = { ms: 0 };
    const all = { tickRate: 60, snapshotRate: 20, ...rates };
    const { connection, socket } = await join(you, all.snapshotRate, size, clock);
    return new Show(stage, connection, socket, all, clock);
  }

  /** A tick: its frame leaves, what is due arrives, and half a tick later it is drawn. */
  step(draw: (timeMs: number) => void): void {
    const { stage } = this;
    const tick = ++this.tick;
    const streams = streamsDue(tick, this.#rates);
    if (streams !== 0) {
      stage.take(tick, streams);
      // The plan may have none of these streams.
      if (stage.composer.tick === tick && stage.composer.concerns(stage.view)) {
        this.#sent.push({ atMs: tick * TICK_MS + this.lateMs, bytes: stage.compose(0, this.bytesMax) });
      }
    }
    const timeMs = (tick + 0.5) * TICK_MS;
    while (this.#sent.length > 0 && this.#sent[0]!.atMs <= timeMs) {
      const { atMs, bytes } = this.#sent.shift()!;
      this.#clock.ms = Math.max(this.#clock.ms, atMs);
      this.#socket.sayFrame(bytes);
    }
    draw(timeMs);
  }

  put(slot: number, x: number, y: number): void {
    this.stage.set("x", slot, x);
    this.stage.set("y", slot, y);
  }
}

const FAR_BEYOND: StreamPlan = { nearRadius: -1, viewRadius: 1, farRadius: 2 };
const NEAR_TOO: StreamPlan = { nearRadius: 0, viewRadius: 1, farRadius: 2 };

for (const [what, plan, rates, uneven] of [
  ["20 and 5 times a second, 20 frames", FAR_BEYOND, {}, 0],
  ["20 and 10 times a second, 20 frames", FAR_BEYOND, { farRate: 10 }, 0],
  ["30, 20 and 5 times a second, 40 frames", NEAR_TOO, {}, 0],
  ["30, 20 and 10 times a second, 40 frames", NEAR_TOO, { farRate: 10 }, 0],
  ["now 40 and 7 times a second, of 60 ticks", FAR_BEYOND, { snapshotRate: 40, farRate: 7 }, 0.25],
] as const) {
  test(`who walks steadily is drawn so, as far behind as its stream needs: told ${what}`, async () => {
    const show = await Show.open(plan, rates);
    const { nearRate = 30, snapshotRate = 20, farRate = 5 } = rates as Partial<Rates>;
    const perSecond = [plan.nearRadius < 0 ? snapshotRate : nearRate, snapshotRate, farRate];
    const walkers = perSecond.map((rate, ring) => {
      const y = MIDDLE + ring * CELL;
      return { rate, y, slot: ring + 1, id: show.stage.spawn(ring + 1, MIDDLE, y), shown: 0 };
    });
    const xAt = (tick: number): number => MIDDLE - 400 + SPEED * tick;
    for (let i = 1; i <= 300; i++) {
      for (const { slot, y } of walkers) show.put(slot, xAt(i), y);
      show.step((timeMs) => {
        const drawn = show.connection.sample(timeMs);
        const delayMs = show.connection.interpolationDelay;
        for (const walker of walkers) {
          const { rate, shown, id } = walker;
          const x = drawn.get(id)?.x ?? 0;
          walker.shown = x;
          if (i < 150) continue;
          const step = (x - shown) / SPEED;
          assert.ok(Math.abs(step - 1) < 0.02 + uneven, `${rate} a second: a step of ${step} at ${i}`);
          const behindMs = ((xAt(timeMs / TICK_MS) - x) / SPEED) * TICK_MS;
          const expectedMs = Math.max(delayMs, 1000 / rate);
          const isClose = Math.abs(behindMs - expectedMs) < 2 + uneven * TICK_MS * 10;
          assert.ok(isClose, `${rate} a second: ${behindMs} ms behind in place of ${expectedMs} at ${i}`);
        }
      });
    }
  });
}

/** Someone who walks about in a square, stands for up to three seconds, and is elsewhere all of a sudden. */
class Stroller {
  x: number;
  y: number;
  dx = 0;
  dy = 0;
  /** Tick and place of what was told since the last jump. */
  readonly told: [number, number, number][] = [];

  constructor(
    readonly slot: number,
    readonly id: number,
    readonly x0: number,
    readonly y0: number,
  ) {
    this.x = x0 + CELL / 2;
    this.y = y0 + CELL / 2;
  }

  walk(random: Random): void {
    const chance = random.below(120);
    const angle = 2 * Math.PI * random.float();
    if (chance < 2) [this.dx, this.dy] = [SPEED * Math.cos(angle), SPEED * Math.sin(angle)];
    else if (chance === 2) [this.dx, this.dy] = [0, 0];
    const inside = (at: number, from: number): number => Math.min(from + CELL - 1, Math.max(from + 1, at));
    this.x = inside(this.x + this.dx, this.x0);
    this.y = inside(this.y + this.dy, this.y0);
    if (random.below(600) > 0) return;
    // To the other side, if that is a jump.
    const other = 2 * this.x0 + CELL - this.x;
    if (Math.abs(other - this.x) > 600) this.x = other;
  }

  tell(tick: number): void {
    const last = this.told.at(-1);
    if (last !== undefined && Math.abs(this.x - last[1]) > 512) this.told.length = 0;
    this.told.push([tick, this.x, this.y]);
  }

  /** The slow and obvious way: between the two that it was told of around a tick, else at the nearest. */
  at(tick: number): [number, number] {
    const after = this.told.findIndex(([at]) => at >= tick);
    const [b, x1, y1] = this.told[after < 0 ? this.told.length - 1 : after]!;
    const [a, x0, y0] = this.told[after < 0 ? this.told.length - 1 : Math.max(0, after - 1)]!;
    const share = b > a ? (tick - a) / (b - a) : 0;
    return [x0 + (x1 - x0) * share, y0 + (y1 - y0) * share];
  }
}

for (const [what, plan, rates] of [
  ["20 and 5 times a second", FAR_BEYOND, {}],
  ["30, 20 and 10 times a second", NEAR_TOO, { farRate: 10 }],
] as const) {
  test(`who turns, stands and jumps is drawn between what was told, to three ticks' way: ${what}, 3 seeds`, async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = new Random(seed);
      const show = await Show.open(plan, rates);
      const strollers = Array.from({ length: 25 }, (_, cell) => {
        const [x, y] = [(1 + (cell % 5)) * CELL, (1 + Math.floor(cell / 5)) * CELL];
        return new Stroller(cell + 1, show.stage.spawn(cell + 1, x + CELL / 2, y + CELL / 2), x, y);
      });
      const rings = strollers.map(({ x0, y0 }) => Math.max(Math.abs(x0 / CELL - 3), Math.abs(y0 / CELL - 3)));
      const { snapshotRate = 20, farRate = 5, nearRate = 30 } = rates as Partial<Rates>;
      const perSecond = [plan.nearRadius < 0 ? snapshotRate : nearRate, snapshotRate, farRate];
      for (let i = 1; i <= 900; i++) {
        for (const stroller of strollers) {
          stroller.walk(random);
          show.put(stroller.slot, stroller.x, stroller.y);
        }
        for (const [n, stroller] of strollers.entries()) {
          if (isDue(i, perSecond[rings[n]!]!, 60)) stroller.tell(i);
        }
        show.step((timeMs) => {
          const drawn = show.connection.sample(timeMs);
          const delayMs = show.connection.interpolationDelay;
          if (i < 150) return;
          for (const [n, stroller] of strollers.entries()) {
            const { x, y } = drawn.get(stroller.id)!;
            const behindMs = Math.max(delayMs, 1000 / perSecond[rings[n]!]!);
            const [toX, toY] = stroller.at((timeMs - behindMs) / TICK_MS);
            const off = Math.hypot(x - toX, y - toY) / SPEED;
            assert.ok(off < 3, `seed ${seed}, ring ${rings[n]}: ${off} ticks' way off at ${i}`);
          }
        });
      }
    }
  });
}

for (const [what, lateMs, bytesMax, fastest, farthest] of [
  ["a third faster than it walks, and 200 ms and a tick behind, at most", 0, 2 ** 20, 1.3, 13],
  ["a tenth more, and 250 ms behind, with 30 ms of jitter", 30, 2 ** 20, 1.3 * 1.1, 15],
  ["twice as fast, and 400 ms behind, where cells wait for room in a frame", 0, 400, 2, 24],
] as const) {
  test(`who walks from cell to cell, while the player does, is drawn ${what}`, async () => {
    const seed = 7;
    const random = new Random(seed);
    const show = await Show.open(NEAR_TOO);
    show.bytesMax = bytesMax;
    const walkers = Array.from({ length: 120 }, (_, i) => {
      const [x, y] = [SIDE * random.float(), SIDE * random.float()];
      return { slot: i + 1, id: show.stage.spawn(i + 1, x, y), x, y, dx: 0, dy: 0, shown: null as Place | null };
    });
    let compared = 0;
    for (let i = 1; i <= 1000; i++) {
      // To and fro over two cells.
      show.put(0, MIDDLE - CELL + Math.abs(((4 * i) % (4 * CELL)) - 2 * CELL), MIDDLE);
      for (const walker of walkers) {
        const chance = random.below(120);
        const angle = 2 * Math.PI * random.float();
        if (chance < 2) [walker.dx, walker.dy] = [SPEED * Math.cos(angle), SPEED * Math.sin(angle)];
        else if (chance === 2) [walker.dx, walker.dy] = [0, 0];
        walker.x = Math.min(SIDE, Math.max(0, walker.x + walker.dx));
        walker.y = Math.min(SIDE, Math.max(0, walker.y + walker.dy));
        show.put(walker.slot, walker.x, walker.y);
      }
      show.lateMs = lateMs * random.float();
      show.step((timeMs) => {
        const drawn = show.connection.sample(timeMs);
        for (const walker of walkers) {
          const entity = drawn.get(walker.id);
          const { shown } = walker;
          walker.shown = entity === undefined ? null : { x: entity.x, y: entity.y };
          if (entity === undefined || shown === null || i < 150) continue;
          const step = Math.hypot(entity.x - shown.x, entity.y - shown.y) / SPEED;
          const off = Math.hypot(entity.x - walker.x, entity.y - walker.y) / SPEED;
          const where = `seed ${seed}, ${walker.slot} at ${i}`;
          assert.ok(step < fastest, `${where}: ${step} ticks' way in one`);
          assert.ok(off < farthest, `${where}: ${off} ticks' way off`);
          compared++;
        }
      });
    }
    assert.ok(compared > 20_000, `only ${compared} were compared`);
  });
}

test("who comes from a cell that is told 5 times a second into one that is told 20 times is as little behind as all there within 2 s", async () => {
  const show = await Show.open(FAR_BEYOND);
  const id = show.stage.spawn(1, MIDDLE, MIDDLE);
  /** Into the view's cells at tick 180. */
  const xAt = (tick: number): number => MIDDLE - 1.5 * CELL + SPEED * (tick - 180);
  const behindMs: number[] = [];
  for (let i = 1; i <= 300; i++) {
    show.put(1, xAt(i), MIDDLE);
    show.step((timeMs) => {
      const { x } = show.connection.sample(timeMs).get(id) ?? { x: 0 };
      behindMs[i] = ((xAt(timeMs / TICK_MS) - x) / SPEED) * TICK_MS;
    });
  }
  assert.ok(Math.abs(behindMs[180]! - 200) < 5, `${behindMs[180]} ms when it comes`);
  assert.ok(behindMs[300]! < show.connection.interpolationDelay + 5, `${behindMs[300]} ms afterwards`);
});

test("the ticks of a stream's snapshots are the least between two frames with blocks of it, and a tick more; none while that may have been a rest", () => {
  const gaps = new StreamGaps();
  const hear = (stream: number, ...ticks: number[]): void => ticks.forEach((tick) => void gaps.heard(stream, tick));
  hear(FAR, 10, 10, 71);
  assert.equal([gaps.most(FAR, 1), gaps.slowest], [0, 0]);
  hear(FAR, 95, 107, 131);
  hear(NORMAL, 100, 103, 103, 109);
  assert.equal([gaps.most(FAR, 1), gaps.most(NORMAL, 2), gaps.most(NEAR, 1), gaps.slowest], [13, 8, 0, 13]);
  gaps.reset();
  hear(FAR, 110);
  assert.equal([gaps.most(FAR, 1), gaps.slowest], [0, 0]);
});

test("JSON snapshots: who sets out after a rest is drawn at once, at its own pace, and stops where it stops", async () => {
  const zone = new FakeZone(SIDE, SIDE, 32, 2);
  const snapshots = new Snapshots(zone);
  const [you, id] = [zone.spawn(0, MIDDLE, MIDDLE), zone.spawn(1, MIDDLE, MIDDLE)];
  const clock = { ms: 0 };
  const { connection, socket } = await join(you, 20, { width: SIDE, height: SIDE, tileSize: 32 }, clock, {
    format: "json",
  });
  const xAt = (tick: number): number => MIDDLE + SPEED * Math.min(120, Math.max(0, tick - 180));
  for (let tick = 1; tick <= 360; tick++) {
    zone.columns.x[1] = xAt(tick);
    clock.ms = tick * TICK_MS;
    if (tick % 3 === 0) socket.onmessage?.({ data: snapshots.text(tick, you) });
    if (tick < 150) continue;
    const timeMs = clock.ms + TICK_MS / 2;
    const { x } = connection.sample(timeMs).get(id)!;
    const expected = xAt((timeMs - connection.interpolationDelay) / TICK_MS);
    assert.ok(Math.abs(x - expected) < 0.1, `${x} is drawn in place of ${expected} at ${tick}`);
  }
});

test.run();
