/**
 * Spatial indexes from npm as contenders, each at the best that its documentation offers. They are built for points that stay,
 * and here everyone moves; the table shows what that costs. An enemy is looked for in an index of the other team alone, which
 * spares them a filter.
 */
import { enemiesChecksum } from "./enemies.js";
import { neighboursChecksum } from "./neighbours.js";
import type { Contenders, Operation, Params } from "./operation.js";
import { pointSets, RADIUS, teams } from "./points.js";

/** Spatial indexes. */
export const INDEXES = ["kdbush", "flatbush", "rbush", "d3-quadtree"] as const;
/** All packages that benches ask for. */
export const PEERS = [
  ...[...INDEXES, "pathfinding", "piscina", "tinypool"],
  ...["@colyseus/schema", "@colyseus/core", "nengi", "bitecs", "msgpackr"],
] as const;
/** By variant, the package that it is made of, where the variant has another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  "nengi-aabb": "nengi",
  "bitecs-diff": "bitecs",
  "@colyseus/core-rooms": "@colyseus/core",
};

/** The package that must be installed for a variant. */
export function packageOf(variant: string): string {
  return PACKAGES[variant] ?? variant;
}
const NONE = -1;
const LIMIT = RADIUS * RADIUS;
/** d3-quadtree leaves points at the radius out. The next larger squared distance of two points is 1/256 more. */
const RADIUS_OPEN = RADIUS + 1e-5;

/** An index over points (x[m], y[m]) for m of members, by position in members. */
interface Index {
  /** Puts those within RADIUS of (px, py) into out from `at` on and returns where they end; `except` is not listed. */
  list(px: number, py: number, except: number, out: Int32Array, at: number): number;
  /** The nearest within RADIUS, else -1. */
  nearest(px: number, py: number): number;
}

type Build = (x: Float32Array, y: Float32Array, members: Int32Array) => Index;

export async function load<T>(name: string): Promise<T> {
  const loader: string = new URL("../../bench/peers/load.js", import.meta.url).href;
  return ((await import(loader)) as { load(name: string): Promise<T> }).load(name);
}

interface KdBush {
  add(x: number, y: number): number;
  finish(): unknown;
  withinInto(x: number, y: number, radius: number, out: Int32Array): number;
}

async function kdbush(): Promise<Build> {
  const { default: KDBush } = await load<{
    default: new (count: number, nodeSize: number, array: Float32ArrayConstructor) => KdBush;
  }>("kdbush");
  let found = new Int32Array(0);
  return (x, y, members) => {
    if (found.length < members.length) found = new Int32Array(members.length);
    const index = new KDBush(members.length, 64, Float32Array);
    for (const m of members) index.add(x[m]!, y[m]!);
    index.finish();
    return {
      list(px, py, except, out, at) {
        const count = index.withinInto(px, py, RADIUS, found);
        for (let k = 0; k < count; k++) if (found[k] !== except) out[at++] = found[k]!;
        return at;
      },
      nearest(px, py) {
        const count = index.withinInto(px, py, RADIUS, found);
        let best = NONE;
        let bestDistance = Number.POSITIVE_INFINITY;
        for (let k = 0; k < count; k++) {
          const m = members[found[k]!]!;
          const distance = (x[m]! - px) ** 2 + (y[m]! - py) ** 2;
          if (distance < bestDistance) {
            bestDistance = distance;
            best = found[k]!;
          }
        }
        return best;
      },
    };
  };
}

interface FlatBush {
  add(x: number, y: number): number;
  finish(): void;
  search(x0: number, y0: number, x1: number, y1: number): number[];
  neighbors(x: number, y: number, count: number, radius: number): number[];
}

async function flatbush(): Promise<Build> {
  const { default: Flatbush } = await load<{
    default: new (count: number, nodeSize: number, array: Float32ArrayConstructor) => FlatBush;
  }>("flatbush");
  return (x, y, members) => {
    const index = new Flatbush(members.length, 16, Float32Array);
    for (const m of members) index.add(x[m]!, y[m]!);
    index.finish();
    return {
      list(px, py, except, out, at) {
        for (const k of index.search(px - RADIUS, py - RADIUS, px + RADIUS, py + RADIUS)) {
          const m = members[k]!;
          const dx = x[m]! - px;
          const dy = y[m]! - py;
          if (dx * dx + dy * dy <= LIMIT && k !== except) out[at++] = k;
        }
        return at;
      },
      nearest: (px, py) => index.neighbors(px, py, 1, RADIUS)[0] ?? NONE,
    };
  };
}

interface Item {
  minX: number;
  minY: number;
  maxX: number;
  maxY: number;
  index: number;
}

async function rbush(): Promise<Build> {
  const { default: RBush } = await load<{
    default: new () => { load(items: Item[]): void; search(box: Omit<Item, "index">): Item[] };
  }>("rbush");
  return (x, y, members) => {
    const tree = new RBush();
    tree.load(Array.from(members, (m, index) => ({ minX: x[m]!, minY: y[m]!, maxX: x[m]!, maxY: y[m]!, index })));
    const around = (px: number, py: number): Item[] =>
      tree.search({ minX: px - RADIUS, minY: py - RADIUS, maxX: px + RADIUS, maxY: py + RADIUS });
    return {
      list(px, py, except, out, at) {
        for (const item of around(px, py)) {
          const dx = item.minX - px;
          const dy = item.minY - py;
          if (dx * dx + dy * dy <= LIMIT && item.index !== except) out[at++] = item.index;
        }
        return at;
      },
      nearest(px, py) {
        let best = NONE;
        let bestDistance = LIMIT;
        for (const item of around(px, py)) {
          const distance = (item.minX - px) ** 2 + (item.minY - py) ** 2;
          if (distance < bestDistance || (distance === bestDistance && best === NONE)) {
            bestDistance = distance;
            best = item.index;
          }
        }
        return best;
      },
    };
  };
}

/** A leaf has a point and those at the same place behind it; an inner node has four children. */
interface QuadLeaf {
  length?: undefined;
  data: number;
  next?: QuadLeaf;
}

type QuadNode = QuadLeaf | (QuadNode | undefined)[];

interface QuadTree {
  x(of: (point: number) => number): QuadTree;
  y(of: (point: number) => number): QuadTree;
  addAll(points: number[]): QuadTree;
  find(x: number, y: number, radius: number): number | undefined;
  visit(callback: (node: QuadNode, x0: number, y0: number, x1: number, y1: number) => boolean): void;
}

async function d3Quadtree(): Promise<Build> {
  const { quadtree } = await load<{ quadtree(): QuadTree }>("d3-quadtree");
  return (x, y, members) => {
    const tree = quadtree()
      .x((k) => x[members[k]!]!)
      .y((k) => y[members[k]!]!)
      .addAll(Array.from(members, (_, k) => k));
    return {
      list(px, py, except, out, at) {
        tree.visit((node, x0, y0, x1, y1) => {
          if (node.length === undefined) {
            for (let leaf: QuadLeaf | undefined = node; leaf !== undefined; leaf = leaf.next) {
              const m = members[leaf.data]!;
              const dx = x[m]! - px;
              const dy = y[m]! - py;
              if (dx * dx + dy * dy <= LIMIT && leaf.data !== except) out[at++] = leaf.data;
            }
          }
          return x0 > px + RADIUS || x1 < px - RADIUS || y0 > py + RADIUS || y1 < py - RADIUS;
        });
        return at;
      },
      nearest: (px, py) => tree.find(px, py, RADIUS_OPEN) ?? NONE,
    };
  };
}

function neighbours(build: Build, params: Params): Operation {
  const { n } = params;
  const sets = pointSets(params);
  const everyone = Int32Array.from({ length: n }, (_, i) => i);
  const start = new Int32Array(n + 1);
  let ids = new Int32Array(n);
  let set = sets[0]!;
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
    },
    run() {
      const { x, y } = set;
      const index = build(x, y, everyone);
      let at = 0;
      for (let i = 0; i < n; i++) {
        // Room for all of them; doubling is rare and over before anything is timed.
        if (at + n > ids.length) {
          const larger = new Int32Array(2 * ids.length + n);
          larger.set(ids);
          ids = larger;
        }
        at = index.list(x[i]!, y[i]!, i, ids, at);
        start[i + 1] = at;
      }
    },
    checksum: () =>
      neighboursChecksum(
        n,
        (i) => start[i + 1]! - start[i]!,
        (i, k) => ids[start[i]! + k]!,
      ),
  };
}

function enemies(build: Build, params: Params): Operation {
  const { n } = params;
  const sets = pointSets(params);
  const team = teams(n);
  const everyone = Int32Array.from({ length: n }, (_, i) => i);
  const members = [everyone.filter((i) => team[i] === 0), everyone.filter((i) => team[i] === 1)];
  const nearest = new Int32Array(n);
  let set = sets[0]!;
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
    },
    run() {
      const { x, y } = set;
      const indexes = members.map((own) => build(x, y, own));
      for (let i = 0; i < n; i++) {
        const other = 1 - team[i]!;
        const k = indexes[other]!.nearest(x[i]!, y[i]!);
        nearest[i] = k === NONE ? NONE : members[other]![k]!;
      }
    },
    checksum: () => enemiesChecksum(set, (i) => nearest[i]!),
  };
}

const BUILDS: Record<(typeof INDEXES)[number], () => Promise<Build>> = {
  kdbush,
  flatbush,
  rbush,
  "d3-quadtree": d3Quadtree,
};

function contenders(operation: (build: Build, params: Params) => Operation): Contenders {
  return Object.fromEntries(
    INDEXES.map((name) => [name, async (params: Params) => operation(await BUILDS[name](), params)]),
  );
}

export const peerNeighbourContenders = contenders(neighbours);
export const peerEnemyContenders = contenders(enemies);
