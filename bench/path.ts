/**
 * How fast is a shortest path over a map of a game found? One operation is n paths, spread from the shortest to the longest problem of
 * the map; figures are per path. Who gives a path gives all its tiles.
 */
import { aStar } from "./astar.js";
import { kernelOf } from "./gyre.js";
import { type Contenders, HASH_START, mix, type Operation, type Params } from "./operation.js";
import { load } from "./peers.js";
import { type Problem, type Problems, problems, problemsOf } from "./problems.js";

const TILE = 32;
/** Tiles of the longest path that is looked for. */
const TILES_MAX = 65_536;

/** Finds a path; `stepsAt` tells how many columns and rows the step from tile i to the next goes. */
interface Finder {
  /** Tiles on the path. */
  find(problem: Problem): number;
  stepsAt(i: number): number;
}

/** Of costs: shortest paths of equal length have equal numbers of straight and diagonal steps. */
function operation(map: Problems, n: number, { find, stepsAt }: Finder): Operation {
  let set = problemsOf(map, n, 0);
  return {
    prepare(turn) {
      set = problemsOf(map, n, turn);
    },
    run() {
      for (const problem of set) find(problem);
    },
    checksum() {
      let hash = HASH_START;
      for (const problem of set) {
        const tiles = find(problem);
        let diagonal = 0;
        for (let i = 0; i + 1 < tiles; i++) if (stepsAt(i) === 2) diagonal++;
        hash = mix(mix(hash, tiles), diagonal);
      }
      return hash >>> 0;
    },
  };
}

async function gyre(build: "simd" | "scalar", { n }: Params): Promise<Operation> {
  const map = problems();
  const { width, height, tiles } = map;
  const kernel = await kernelOf(build);
  const zone = kernel.createZone({ width: width * TILE, height: height * TILE, tileSize: TILE, tiles, capacity: 1 });
  const out = new Float32Array(2 * TILES_MAX);
  const centre = (line: number): number => (line + 0.5) * TILE;
  const step = (i: number): number => (out[i] === out[i + 2] ? 0 : 1);
  return operation(map, n, {
    find: ([x0, y0, x1, y1]) => zone.findPath(centre(x0), centre(y0), centre(x1), centre(y1), out).points,
    stepsAt: (i) => step(2 * i) + step(2 * i + 1),
  });
}

function js({ n }: Params): Operation {
  const map = problems();
  const find = aStar(map.width, map.height, map.tiles);
  const way = new Int32Array(TILES_MAX);
  return operation(map, n, {
    find: ([x0, y0, x1, y1]) => find(x0, y0, x1, y1, way),
    stepsAt: (i) => {
      const step = Math.abs(way[i + 1]! - way[i]!);
      return step === 1 || step === map.width + 2 ? 1 : 2;
    },
  });
}

interface PeerNode {
  opened: boolean;
  closed: boolean;
  f: number;
  g: number;
  h: number;
  parent: PeerNode | null;
}

interface PeerGrid {
  nodes: PeerNode[][];
  getNodeAt(x: number, y: number): PeerNode;
}

interface Pathfinding {
  Grid: new (rows: number[][]) => PeerGrid;
  JumpPointFinder: new (options: {
    diagonalMovement: number;
    heuristic: (dx: number, dy: number) => number;
  }) => { findPath(x0: number, y0: number, x1: number, y1: number, grid: PeerGrid): number[][] };
  DiagonalMovement: { OnlyWhenNoObstacles: number };
  Heuristic: { octile: (dx: number, dy: number) => number };
}

/**
 * The package asks for a clone of the grid for each search, which takes longer than the search. Here the nodes that it touched are
 * put back instead.
 */
async function pathfinding({ n }: Params): Promise<Operation> {
  const { default: PF } = await load<{ default: Pathfinding }>("pathfinding");
  const map = problems();
  const { width, height, tiles } = map;
  const rows = Array.from({ length: height }, (_, row) => Array.from(tiles.subarray(row * width, (row + 1) * width)));
  const grid = new PF.Grid(rows);
  const touched: PeerNode[] = [];
  const reset = (node: PeerNode): void => {
    node.opened = node.closed = false;
    node.f = node.g = node.h = 0;
    node.parent = null;
  };
  // Nodes of one shape are read faster.
  for (const row of grid.nodes) row.forEach(reset);
  grid.getNodeAt = (x, y) => {
    const node = grid.nodes[y]![x]!;
    touched.push(node);
    return node;
  };
  const finder = new PF.JumpPointFinder({
    diagonalMovement: PF.DiagonalMovement.OnlyWhenNoObstacles,
    heuristic: PF.Heuristic.octile,
  });
  let path: number[][] = [];
  return operation(map, n, {
    find([x0, y0, x1, y1]) {
      path = finder.findPath(x0, y0, x1, y1, grid);
      touched.forEach(reset);
      touched.length = 0;
      return path.length;
    },
    stepsAt: (i) => Math.abs(path[i + 1]![0]! - path[i]![0]!) + Math.abs(path[i + 1]![1]! - path[i]![1]!),
  });
}

export const pathContenders: Contenders = {
  simd: (params) => gyre("simd", params),
  scalar: (params) => gyre("scalar", params),
  js,
  pathfinding,
};
