/**
 * How long does it take to find out who is near whom, for everyone, when everyone has moved: rebuild the index, then a list
 * of all others within RADIUS for each point?
 *
 * `js` is the grid one writes first. `js-branch-free` is the best of those tried, ms at 20,000 uniform, rebuild of 0.08 included:
 *   6.0   `js`: points in input order, `if`
 *   1.61  cell order, `out[o] = id; o += +(d <= r2)`, three runs a point; id arrays that are not Int32Array 2.2; squares rounded by
 *         Math.fround 2.07; a ternary instead of the unary plus 4.3 (V8 makes it a branch); unrolled by two 2.1; sign bits 1.8
 *   1.7   cells 8 or 16 wide and 64 high, for runs closer to the circle; with runs cut to the circle 2.9
 *   1.26  the nine cells' points gathered once per cell, then one run before and one behind the point itself
 *   1.14  the same, one run: the point's own x is NaN meanwhile
 *   1.03  the same, two points of a cell against each candidate; without NaN, in two runs, 1.09
 */
import { Grid } from "./grid.js";
import { placeAll, slotOf, zoneOfPoints } from "./gyre.js";
import { type Contenders, HASH_START, mix, type Operation, type Params } from "./operation.js";
import { CELL, type PointSet, pointSets, RADIUS } from "./points.js";

/** The neighbours of point i are ids[start[i]] .. ids[start[i] + count[i] - 1]. */
interface Lists {
  start: Int32Array | Uint32Array;
  count: Int32Array | Uint32Array;
  ids: Int32Array | Uint32Array;
}

/** Of each point's count and the sum of its neighbours: their order is free. */
export function neighboursChecksum(
  n: number,
  count: (i: number) => number,
  neighbour: (i: number, k: number) => number,
) {
  let hash = HASH_START;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < count(i); k++) sum = (sum + Math.imul(neighbour(i, k) + 1, 0x9e3779b1)) | 0;
    hash = mix(mix(hash, count(i)), sum);
  }
  return hash >>> 0;
}

function listsChecksum(n: number, lists: Lists, indexOf: (id: number) => number): number {
  return neighboursChecksum(
    n,
    (i) => lists.count[i]!,
    (i, k) => indexOf(lists.ids[lists.start[i]! + k]!),
  );
}

/** Room for lists with gaps: every point of a cell may be given all candidates of the cell. */
function roomNeeded(sets: PointSet[]): number {
  const grid = new Grid(sets[0]!.x.length, CELL, RADIUS);
  const { starts, width, reach } = grid;
  let most = 0;
  for (const { x, y } of sets) {
    grid.rebuild(x, y);
    let room = 0;
    for (let c = width + 1; c < grid.cells - width - 1; c++) {
      let candidates = 0;
      for (let row = c - width; row <= c + width; row += width) candidates += starts[row + 2]! - starts[row - 1]!;
      room += (starts[c + 1]! - starts[c]!) * candidates;
    }
    most = Math.max(most, room);
  }
  return most + reach * width;
}

function js(params: Params): Operation {
  const sets = pointSets(params);
  const { n } = params;
  const grid = new Grid(n, CELL, RADIUS);
  const ids = new Int32Array(roomNeeded(sets));
  const start = new Int32Array(n);
  const count = new Int32Array(n);
  let set = sets[0]!;
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
    },
    run() {
      grid.rebuild(set.x, set.y);
      listEach(grid, set.x, set.y, start, count, ids);
    },
    checksum: () => listsChecksum(n, { start, count, ids }, (id) => id),
  };
}

function listEach(
  grid: Grid,
  x: Float32Array,
  y: Float32Array,
  start: Int32Array,
  count: Int32Array,
  ids: Int32Array,
): void {
  const { starts, width, x: xs, y: ys, id } = grid;
  const LIMIT = RADIUS * RADIUS;
  const inverse = 1 / CELL;
  let out = 0;
  for (let i = 0; i < x.length; i++) {
    const px = x[i]!;
    const py = y[i]!;
    const first = out;
    const cell = (((py * inverse) | 0) + 1) * width + ((px * inverse) | 0) + 1;
    for (let row = cell - width; row <= cell + width; row += width) {
      const end = starts[row + 2]!;
      for (let k = starts[row - 1]!; k < end; k++) {
        const dx = xs[k]! - px;
        const dy = ys[k]! - py;
        if (dx * dx + dy * dy <= LIMIT && id[k] !== i) ids[out++] = id[k]!;
      }
    }
    start[i] = first;
    count[i] = out - first;
  }
}

function jsBranchFree(params: Params): Operation {
  const sets = pointSets(params);
  const { n } = params;
  const grid = new Grid(n, CELL, RADIUS);
  const { starts, width, cells, x: xs, y: ys, id } = grid;
  const ids = new Int32Array(roomNeeded(sets));
  const start = new Int32Array(n);
  const count = new Int32Array(n);
  // Local: the bundler makes a module's constants variables, which inner loops feel.
  const LIMIT = RADIUS * RADIUS;
  // The candidates of a cell: the points of the nine cells around.
  const gx = new Float32Array(n);
  const gy = new Float32Array(n);
  const gi = new Int32Array(n);

  function gather(from: number, to: number, at: number): number {
    for (let k = from; k < to; k++) {
      gx[at] = xs[k]!;
      gy[at] = ys[k]!;
      gi[at] = id[k]!;
      at = (at + 1) | 0;
    }
    return at;
  }

  /** Candidate p against all, its list from `out` on. Returns where the list ends. */
  function listOne(p: number, candidates: number, out: number): number {
    const px = gx[p]!;
    const py = gy[p]!;
    const i = gi[p]!;
    const first = out;
    gx[p] = Number.NaN;
    for (let k = 0; k < candidates; k++) {
      const dx = gx[k]! - px;
      const dy = gy[k]! - py;
      ids[out] = gi[k]!;
      out = (out + +(dx * dx + dy * dy <= LIMIT)) | 0;
    }
    gx[p] = px;
    start[i] = first;
    count[i] = (out - first) | 0;
    return out;
  }

  /** Candidates p and p + 1 against all; the second list begins `candidates` behind the first. */
  function listTwo(p: number, candidates: number, out: number): number {
    const px = gx[p]!;
    const py = gy[p]!;
    const i = gi[p]!;
    const qx = gx[p + 1]!;
    const qy = gy[p + 1]!;
    const j = gi[p + 1]!;
    const first = out;
    const second = (out + candidates) | 0;
    let o = first;
    let u = second;
    const fx = px - qx;
    const fy = py - qy;
    const each = +(fx * fx + fy * fy <= LIMIT);
    ids[o] = j;
    ids[u] = i;
    o = (o + each) | 0;
    u = (u + each) | 0;
    gx[p] = Number.NaN;
    gx[p + 1] = Number.NaN;
    for (let k = 0; k < candidates; k++) {
      const x = gx[k]!;
      const y = gy[k]!;
      const dx = x - px;
      const dy = y - py;
      const ex = x - qx;
      const ey = y - qy;
      const neighbour = gi[k]!;
      ids[o] = neighbour;
      ids[u] = neighbour;
      o = (o + +(dx * dx + dy * dy <= LIMIT)) | 0;
      u = (u + +(ex * ex + ey * ey <= LIMIT)) | 0;
    }
    gx[p] = px;
    gx[p + 1] = qx;
    start[i] = first;
    count[i] = (o - first) | 0;
    start[j] = second;
    count[j] = (u - second) | 0;
    return u;
  }

  function listAll(): void {
    let out = 0;
    for (let c = width + 1; c < cells - width - 1; c++) {
      const population = starts[c + 1]! - starts[c]!;
      if (population === 0) continue;
      let candidates = gather(starts[c - width - 1]!, starts[c - width + 2]!, 0);
      let p = candidates + starts[c]! - starts[c - 1]!;
      candidates = gather(starts[c - 1]!, starts[c + 2]!, candidates);
      candidates = gather(starts[c + width - 1]!, starts[c + width + 2]!, candidates);
      const end = p + population;
      for (; p + 1 < end; p += 2) out = listTwo(p, candidates, out);
      if (p < end) out = listOne(p, candidates, out);
    }
  }

  let set = sets[0]!;
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
    },
    run() {
      grid.rebuild(set.x, set.y);
      listAll();
    },
    checksum: () => listsChecksum(n, { start, count, ids }, (i) => i),
  };
}

async function gyre(build: "simd" | "scalar", params: Params): Promise<Operation> {
  const sets = pointSets(params);
  const zone = await zoneOfPoints(build, sets[0]!, undefined, roomNeeded(sets));
  let lists = zone.neighbourLists(RADIUS);
  return {
    prepare(turn) {
      placeAll(zone, sets[turn % sets.length]!);
    },
    run() {
      // Everyone stands still: the step is the rebuild of the grid and a look at each wish.
      zone.step();
      lists = zone.neighbourLists(RADIUS);
    },
    checksum: () => listsChecksum(params.n, lists, slotOf),
  };
}

export const neighbourContenders: Contenders = {
  simd: (params) => gyre("simd", params),
  scalar: (params) => gyre("scalar", params),
  js,
  "js-branch-free": jsBranchFree,
};
