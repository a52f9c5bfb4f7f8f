/**
 * The JavaScript rivals' search for everyone's nearest enemy: a grid with a layer per team, so that candidates are enemies all; the
 * nine cells around a cell gathered once for all its points; further cells only where they may hold a nearer one. Cells shrink
 * as the population grows. Distances are rounded as f32, and of equally near enemies the lowest index is taken.
 *
 * With `if` a new nearest is mispredicted, some four times a point. Branch-free, distance and candidate are packed into one integer
 * whose minimum is found with masks; where two come too close to tell, the point is searched again with `if`.
 *
 * Tried, ms at 20,000 uniform, radius 64, rebuild of 0.09 included:
 *   4.1    one grid for both teams, team tested in the loop, nine cells of 64 in three runs
 *   2.5    the same in smaller cells, rings outwards until no nearer one is possible, at its best cell size (24 or 32)
 *   2.2    a layer per team, three runs;  1.8 with rings at the best cell size (40)
 *   1.59   gathered, `if` (here: `js`);  1.38 two points against each candidate; 1.68 smaller cells
 *   1.22   gathered, branch-free with the runner-up kept to tell ties
 *   1.08   gathered, branch-free with a mask of close calls (here: `js-branch-free`); 1.10 two points at once; 0.97 when ties are ignored
 * At 100,000: cells of 64 18.9, of 32 9.4, of 21 8.1, of 16 8.8; branch-free loses to `if` beyond some 64 candidates.
 */
import type { Grid } from "./grid.js";
import { RADIUS, WORLD } from "./points.js";

/** Enemies in nine cells, about: fewer, and the search goes further too often. */
const CANDIDATES = 12;
/** More candidates than these are searched with `if`. */
const BRANCH_FREE_MAX = 64;
const NONE = -1;

/** Side of the cells to search n points in two teams with: a whole fraction of RADIUS. */
export function searchCell(n: number): number {
  const side = Math.sqrt((CANDIDATES / 9) * ((2 * WORLD * WORLD) / n));
  return RADIUS / Math.max(1, Math.round(RADIUS / side));
}

/**
 * Returns a function that fills `nearest` with the index of everyone's nearest enemy, or -1, from what is in the grid at the
 * time. The grid has two layers.
 */
export function enemyFinder(grid: Grid, nearest: Int32Array, branchFree: boolean): () => void {
  const { fround } = Math;
  // Constants of inner loops are local: the bundler makes a module's constants variables, which costs the search 15%.
  const LIMIT = RADIUS * RADIUS;
  /** What comes so close to the nearest so far is worth the rounding to f32. */
  const NEAR = 1.000001;
  /** The candidate's part of a packed key. */
  const INDEX_BITS = 10;
  const INDEX_MASK = (1 << INDEX_BITS) - 1;
  const { starts, width, cells, cell, reach, x: xs, y: ys, id } = grid;
  // The candidates, scaled so that no squared distance between nine cells needs more bits than a key leaves to it. The scale is
  // a power of two and changes no rounding.
  const scale = 2 ** Math.floor(Math.log2(2 ** ((31 - INDEX_BITS) / 2) / (Math.sqrt(8) * cell)));
  const far = LIMIT * scale * scale;
  const gx = new Float64Array(xs.length);
  const gy = new Float64Array(xs.length);
  const gi = new Int32Array(xs.length);

  function gather(from: number, to: number, at: number): number {
    for (let k = from; k < to; k++) {
      gx[at] = xs[k]! * scale;
      gy[at] = ys[k]! * scale;
      gi[at] = id[k]!;
      at = (at + 1) | 0;
    }
    return at;
  }

  /** The candidate nearest to sorted point p. */
  function search(p: number, candidates: number): number {
    const px = xs[p]! * scale;
    const py = ys[p]! * scale;
    let limit = far * NEAR;
    let bestDistance = far;
    let best = NONE;
    for (let k = 0; k < candidates; k++) {
      const dx = gx[k]! - px;
      const dy = gy[k]! - py;
      if (dx * dx + dy * dy <= limit) {
        const rx = fround(dx);
        const ry = fround(dy);
        const distance = fround(fround(rx * rx) + fround(ry * ry));
        if (distance < bestDistance || (distance === bestDistance && (best === NONE || gi[k]! < gi[best]!))) {
          bestDistance = distance;
          best = k;
          limit = distance * NEAR;
        }
      }
    }
    return best;
  }

  /** The same for 1 to BRANCH_FREE_MAX candidates. */
  function searchBranchFree(p: number, candidates: number): number {
    const px = xs[p]! * scale;
    const py = ys[p]! * scale;
    let lowest = 0x7fffffff;
    let close = 0;
    for (let k = 0; k < candidates; k++) {
      const dx = gx[k]! - px;
      const dy = gy[k]! - py;
      const lead = ((((dx * dx + dy * dy) << INDEX_BITS) | k) - lowest) | 0;
      const sign = lead >> 31;
      lowest = (lowest + (lead & sign)) | 0;
      // Negative from the first time on that a key and the lowest differ by less than one step of distance.
      close |= ((lead ^ sign) - (1 << INDEX_BITS)) | 0;
    }
    if (close < 0) return search(p, candidates);
    const k = lowest & INDEX_MASK;
    const dx = fround(gx[k]! - px);
    const dy = fround(gy[k]! - py);
    return fround(fround(dx * dx) + fround(dy * dy)) <= far ? k : NONE;
  }

  /** The index of the point nearest to sorted point p, at most `distance` away (squared), in the square of cells around cell c. */
  function searchWider(p: number, c: number, distance: number): number {
    const px = xs[p]!;
    const py = ys[p]!;
    let bestDistance = Math.min(LIMIT, fround(distance * NEAR));
    let best = NONE;
    let limit = bestDistance * NEAR;
    const rings = Math.min(reach, Math.ceil(Math.sqrt(limit) / cell));
    for (let row = c - rings * width; row <= c + rings * width; row += width) {
      const end = starts[row + rings + 1]!;
      for (let k = starts[row - rings]!; k < end; k++) {
        const dx = xs[k]! - px;
        const dy = ys[k]! - py;
        if (dx * dx + dy * dy <= limit) {
          const rx = fround(dx);
          const ry = fround(dy);
          const d = fround(fround(rx * rx) + fround(ry * ry));
          if (d < bestDistance || (d === bestDistance && (best === NONE || id[k]! < best))) {
            bestDistance = d;
            best = id[k]!;
            limit = d * NEAR;
          }
        }
      }
    }
    return best;
  }

  /** The points of cell (row, column) of one layer against cell c of the other. */
  function searchCellOf(layer: number, row: number, column: number, c: number): void {
    const own = layer + row * width + column;
    const to = starts[own + 1]!;
    let candidates = gather(starts[c - 1]!, starts[c + 2]!, 0);
    candidates = gather(starts[c - width - 1]!, starts[c - width + 2]!, candidates);
    candidates = gather(starts[c + width - 1]!, starts[c + width + 2]!, candidates);
    const masks = branchFree && candidates > 0 && candidates <= BRANCH_FREE_MAX;
    const left = (column - reach) * cell;
    const top = (row - reach) * cell;
    for (let p = starts[own]!; p < to; p++) {
      const k = masks ? searchBranchFree(p, candidates) : search(p, candidates);
      nearest[id[p]!] = k === NONE ? NONE : gi[k]!;
      if (reach === 1) continue;
      const px = xs[p]!;
      const py = ys[p]!;
      const dx = k === NONE ? RADIUS : gx[k]! / scale - px;
      const dy = k === NONE ? 0 : gy[k]! / scale - py;
      const distance = dx * dx + dy * dy;
      const inner = cell + Math.min(px - left, left + cell - px, py - top, top + cell - py);
      if (distance * NEAR >= inner * inner) nearest[id[p]!] = searchWider(p, c, distance);
    }
  }

  return () => {
    for (let team = 0; team < 2; team++) {
      const layer = team * cells;
      const other = cells - layer;
      for (let row = reach; row < width - reach; row++) {
        for (let column = reach; column < width - reach; column++) {
          const c = row * width + column;
          if (starts[layer + c] !== starts[layer + c + 1]) searchCellOf(layer, row, column, other + c);
        }
      }
    }
  };
}
