/**
 * How long does it take to find everyone's nearest enemy within RADIUS when everyone has moved: rebuild the index, then for each
 * of two teams' points the nearest of the other team? The JavaScript rivals are described in finder.ts.
 */
import { enemyFinder, searchCell } from "./finder.js";
import { Grid } from "./grid.js";
import { placeAll, slotOf, zoneOfPoints } from "./gyre.js";
import { type Contenders, HASH_START, hashWords, mix, type Operation, type Params } from "./operation.js";
import { type PointSet, pointSets, RADIUS, teams } from "./points.js";

const NONE = -1;

/** Of the squared distances: which of two equally near enemies was found is left open. */
export function enemiesChecksum({ x, y }: PointSet, nearestOf: (i: number) => number): number {
  let hash = HASH_START;
  for (let i = 0; i < x.length; i++) {
    const j = nearestOf(i);
    const dx = j === NONE ? Number.POSITIVE_INFINITY : x[j]! - x[i]!;
    const dy = j === NONE ? 0 : y[j]! - y[i]!;
    hash = mix(hash, (dx * dx + dy * dy) * 256);
  }
  return hash >>> 0;
}

function js(branchFree: boolean, params: Params): Operation {
  const { n } = params;
  const sets = pointSets(params);
  const team = teams(n);
  const grid = new Grid(n, searchCell(n), RADIUS, 2);
  const nearest = new Int32Array(n);
  const find = enemyFinder(grid, nearest, branchFree);
  let set = sets[0]!;
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
    },
    run() {
      grid.rebuild(set.x, set.y, team);
      find();
    },
    checksum: () => enemiesChecksum(set, (i) => nearest[i]!),
    strictChecksum: () => hashWords(nearest),
  };
}

async function gyre(build: "simd" | "scalar", params: Params): Promise<Operation> {
  const sets = pointSets(params);
  const zone = await zoneOfPoints(build, sets[0]!, teams(params.n), 0);
  let set = sets[0]!;
  let ids = zone.nearestEnemies(RADIUS);
  return {
    prepare(turn) {
      set = sets[turn % sets.length]!;
      placeAll(zone, set);
    },
    run() {
      // Everyone stands still: the step is the rebuild of the grid and a look at each wish.
      zone.step();
      ids = zone.nearestEnemies(RADIUS);
    },
    checksum: () => enemiesChecksum(set, (i) => slotOf(ids[i]!)),
    strictChecksum: () => hashWords(Int32Array.from(ids, slotOf)),
  };
}

export const enemyContenders: Contenders = {
  simd: (params) => gyre("simd", params),
  scalar: (params) => gyre("scalar", params),
  js: (params) => js(false, params),
  "js-branch-free": (params) => js(true, params),
};
