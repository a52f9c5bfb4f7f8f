/**
 * The whole way of a snapshot, from columns to what a client knows, against a model: what is in each cell by the columns themselves, quantised
 * with the formulas of docs/wire.md. Worlds, viewers, streams and losses are random, from seeds that failures name.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadKernel } from "../src/kernel/load.js";
import { FAR, NEAR, NORMAL } from "../src/kernel/streams.js";
import type { Kernel } from "../src/kernel/types.js";
import { Composer } from "../src/protocol/composer.js";
import { type ColumnInfo, FieldTable } from "../src/protocol/fields.js";
import { FRAME_AT, FrameBuffer } from "../src/protocol/frame-buffer.js";
import { interestGrid } from "../src/protocol/interest.js";
import { SnapshotDecoder } from "../src/protocol/snapshot-decoder.js";
import { STALE, type StreamPlan, UNTOLD, View } from "../src/protocol/view.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { SceneWorld } from "./support/scene.js";
import { WireReader } from "./support/wire-reader.js";

const COLUMNS: readonly ColumnInfo[] = [
  { name: "ammo", type: "u16" },
  { name: "charge", type: "f32" },
  { name: "mana", type: "f32", step: 0.25 },
  { name: "debt", type: "i8" },
  { name: "mark", type: "u32" },
];
const SIZE = { width: 3000, height: 2000, tileSize: 16 };
const SEATS = 4;
const NAMES = new FieldTable(COLUMNS).names;

const byNumber = ([a]: readonly [number, unknown], [b]: readonly [number, unknown]): number => a - b;

function isEqual(a: Readonly<Record<string, number>> | undefined, b: Readonly<Record<string, number>>): boolean {
  return a !== undefined && a["id"] === b["id"] && NAMES.every((name) => a[name] === b[name]);
}

/** A cell's entities as a client should know them, by id. */
type Cell = Map<number, readonly number[]>;

/** What was in each cell at a snapshot, from the columns. */
class Model {
  readonly #world: SceneWorld;
  readonly #table = new FieldTable(COLUMNS);
  readonly grid = interestGrid(SIZE.width, SIZE.height, SIZE.tileSize);
  /** By stream and snapshot. */
  readonly #kept = new Map<string, Map<number, Cell>>();

  constructor(world: SceneWorld) {
    this.#world = world;
  }

  keep(stream: number, sequence: number): void {
    const cells = new Map<number, Cell>();
    const { sideSteps, columns, rows } = this.grid;
    for (let slot = 0; slot < this.#world.spec.capacity; slot++) {
      if (!this.#world.isAlive(slot)) continue;
      const at = (name: string): number => this.#world.column(name)[slot]!;
      const x = Math.floor(at("x") * 16 + 0.5);
      const y = Math.floor(at("y") * 16 + 0.5);
      const column = Math.min(columns - 1, Math.floor(x / sideSteps));
      const row = Math.min(rows - 1, Math.floor(y / sideSteps));
      const values = this.#table.fields.map(({ name, step }) => {
        const value = at(name);
        if (step !== undefined) return Math.floor(value / step + 0.5) * step;
        return Number.isFinite(value) ? value : 0;
      });
      const cell = row * columns + column;
      if (!cells.has(cell)) cells.set(cell, new Map());
      cells.get(cell)!.set(at("id"), [x / 16, y / 16, ...values]);
    }
    this.#kept.set(`${stream} ${sequence}`, cells);
    this.#kept.delete(`${stream} ${sequence - 200}`);
  }

  at(stream: number, sequence: number, cell: number): Cell {
    return this.#kept.get(`${stream} ${sequence}`)?.get(cell) ?? new Map();
  }
}

/** One session and its client. */
class Viewer {
  readonly view: View;
  readonly decoder: SnapshotDecoder;
  readonly seat: number;
  /** Written from docs/wire.md alone. */
  reader: WireReader;
  readonly frame = new FrameBuffer(0);
  /** Snapshots for which its socket is held up. */
  stalled = 0;
  bytes = 0;
  /** By cell, the stream and snapshot that the client has, also of one that is to come in full and found no room yet. */
  readonly #has = new Map<number, readonly [number, number]>();

  constructor(plan: StreamPlan, seat: number) {
    this.view = new View(plan);
    this.decoder = new SnapshotDecoder(SIZE, COLUMNS);
    this.reader = new WireReader({ ...SIZE, columns: COLUMNS });
    this.seat = seat;
  }

  reconnect(): void {
    this.view.reset();
    this.decoder.reset(SIZE, COLUMNS);
    this.reader = new WireReader({ ...SIZE, columns: COLUMNS });
    this.#has.clear();
  }

  receive(composer: Composer, ack: number, bytesMax: number): void {
    if (!composer.concerns(this.view)) return;
    const size = composer.compose(this.view, this.seat, ack, bytesMax, this.frame);
    assert.ok(size > 0);
    this.bytes += size;
    const bytes = this.frame.bytes.slice(FRAME_AT, FRAME_AT + size);
    this.decoder.decode(bytes);
    this.reader.read(bytes);
    this.#compare();
  }

  /** The decoder and who only read the page know the same. */
  #compare(): void {
    const { decoder, reader } = this;
    assert.equal([reader.tick, reader.ack, reader.you], [decoder.tick, decoder.ack, decoder.you?.id ?? 0]);
    if (decoder.you !== null) assert.equal({ id: reader.you, ...reader.own }, decoder.you);
    assert.equal([...reader.cells.keys()].sort(), [...decoder.cells.keys()].sort());
    assert.equal(reader.odd, []);
    const { byId } = decoder.entities;
    const isSame =
      reader.shown.size === byId.size && [...reader.shown].every(([id, one]) => isEqual(byId.get(id), one));
    if (!isSame) assert.equal(new Map([...reader.shown].sort(byNumber)), new Map([...byId].sort(byNumber)));
  }

  /** Each cell that was told of is what the server had in it at the snapshot that it was brought to; no other cell is known. */
  check(model: Model): void {
    const { view, decoder } = this;
    const shown = new Map<number, (readonly number[])[]>();
    let told = 0;
    let i = 0;
    for (let row = view.row0; row < view.row1; row++) {
      for (let column = view.column0; column < view.column1; column++, i++) {
        const sequence = view.sequences[i]!;
        const cell = row * model.grid.columns + column;
        const known = decoder.cells.get(cell)?.members ?? [];
        if (sequence === UNTOLD) this.#has.delete(cell);
        else if (sequence !== STALE) this.#has.set(cell, [view.streams[i]!, sequence]);
        const has = this.#has.get(cell);
        const expected = has === undefined ? new Map() : model.at(has[0], has[1], cell);
        if (has !== undefined) told++;
        const odd = known.find(({ record }) => !expected.has(record.entity.id));
        if (odd !== undefined || known.length !== expected.size) {
          assert.equal(
            known.map(({ record }) => record.entity.id),
            [...expected.keys()],
            `who is in cell ${cell}`,
          );
        }
        for (const [id, values] of expected) shown.set(id, [...(shown.get(id) ?? []), values]);
      }
    }
    assert.ok(decoder.cells.size <= told, "cells are known that were not told of");
    for (const [id, candidates] of shown) {
      const entity = decoder.entities.byId.get(id);
      if (entity === undefined) throw new Error(`${id} is in a cell and not in view`);
      if (candidates.some((one) => one.every((value, k) => value === entity[NAMES[k]!]))) continue;
      assert.unreachable(`${JSON.stringify(entity)} is not one of ${JSON.stringify(candidates)}`);
    }
    for (const id of decoder.entities.byId.keys()) {
      if (shown.has(id)) continue;
      assert.ok(decoder.entities.between.has(decoder.entities.records.get(id)!), `${id} is in no cell, and in view`);
    }
  }
}

function wander(world: SceneWorld, random: Random): void {
  const { capacity } = world.spec;
  const x = world.column("x");
  const y = world.column("y");
  for (let slot = 0; slot < capacity; slot++) {
    const dice = random.below(1000);
    if (!world.isAlive(slot)) {
      if (dice < 20) world.spawn(slot, random.below(3000 * 16) / 16, random.below(2000 * 16) / 16);
      continue;
    }
    if (dice < 3) world.despawn(slot);
    else if (dice < 6) {
      x[slot] = random.below(3000);
      y[slot] = random.below(2000);
    } else if (slot % 3 !== 0) {
      x[slot] = Math.min(3000, Math.max(0, x[slot]! + (slot % 5) - 2 + random.below(64) / 32 - 1));
      y[slot] = Math.min(2000, Math.max(0, y[slot]! + (slot % 7) - 3));
    }
    if (dice > 990) world.column("hp")[slot] = random.below(1000) - 500;
    if (dice > 985 && dice < 992) world.column("state")[slot] = random.below(5);
    if (dice > 980 && dice < 984) world.column("charge")[slot] = dice === 981 ? Number.NaN : random.below(1000) / 7;
    if (dice > 975 && dice < 979) world.column("mana")[slot] = random.below(1000) / 7 - 50;
    if (dice === 974) world.column("debt")[slot] = random.below(256) - 128;
    if (dice === 973) world.column("mark")[slot] = random.below(2 ** 32);
    if (dice === 972) world.column("ammo")[slot] = random.below(2 ** 16);
  }
  for (let seat = 0; seat < SEATS; seat++) {
    if (random.below(40) !== 0) continue;
    const slot = random.below(capacity);
    world.entities[seat] = random.below(4) === 0 ? 0 : world.column("id")[slot]!;
  }
}

const PLANS: readonly StreamPlan[] = [
  { nearRadius: -1, viewRadius: 1, farRadius: 1 },
  { nearRadius: 0, viewRadius: 1, farRadius: 2 },
  { nearRadius: 1, viewRadius: 2, farRadius: 3 },
];

function play(kernel: Kernel, seed: number, snapshots: number): number {
  const random = new Random(seed);
  const plan = { ...PLANS[seed % PLANS.length]!, hashEvery: 1 + random.below(8) };
  const world = new SceneWorld(kernel, {
    ...SIZE,
    ...{ capacity: 60 + random.below(200), seats: SEATS, replicated: COLUMNS, plan },
  });
  const model = new Model(world);
  const composer = new Composer(world.replica, model.grid, new FieldTable(COLUMNS));
  const viewers = Array.from({ length: 8 }, (_, i) => new Viewer(plan, i < SEATS ? i : -1));
  let checked = 0;
  for (let tick = 1; tick <= snapshots; tick++) {
    wander(world, random);
    let streams = tick % 3 === 0 ? 1 << NORMAL : 0;
    if (plan.nearRadius >= 0 && tick % 2 === 0) streams |= 1 << NEAR;
    if (plan.farRadius > plan.viewRadius && tick % 12 === 0) streams |= 1 << FAR;
    if (streams === 0) continue;
    world.take(streams, tick);
    for (const stream of [NEAR, NORMAL, FAR]) {
      if ((streams >> stream) & 1) model.keep(stream, world.replica.published(stream));
    }
    // A main thread that is late looks at the newest alone.
    if (random.below(10) === 0) continue;
    assert.ok(composer.beginRound(tick));
    for (const viewer of viewers) {
      const dice = random.below(200);
      if (dice === 0) viewer.stalled = 1 + random.below(30);
      if (dice === 1) viewer.reconnect();
      if (viewer.seat < 0 && dice < 12) {
        const [x, y] = [random.below(3000), random.below(2000)];
        viewer.view.watch(x, y, x + random.below(1500), y + random.below(1500));
      }
      if (viewer.stalled-- > 0) continue;
      viewer.receive(composer, tick % 100, dice < 20 ? 1 + random.below(300) : 8192);
      viewer.check(model);
      assert.is(viewer.decoder.hashMisses, 0);
      checked++;
    }
  }
  assert.ok(viewers.every(({ decoder }) => decoder.hashChecks > 0));
  return checked;
}

const WORLDS = 3 * EFFORT;

for (const build of ["simd", "scalar"] as const) {
  test(`${WORLDS} random worlds with 8 viewers each that move, stall, reconnect and run out of room: every cell is exact, ${build}`, async () => {
    const kernel = await loadKernel({ build });
    let checked = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      try {
        checked += play(kernel, seed, 420);
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
    assert.ok(checked > 800 * WORLDS, `${checked} snapshots were checked`);
  });
}

test.run();
