/**
 * `move`: how long does it take to move a crowd between walls and to sort it into the grid? `tick`: the same, and everyone's
 * nearest enemy, a whole tick of a simulation. Things really move; the crowd turns between ticks, untimed.
 *
 * The JavaScript pipeline is made of the best parts: walk.ts, grid.ts, finder.ts. Its answers are the kernel's to the bit.
 */
import { crowd, HALF_SIZE, steerer, TICK_RATE, TILE } from "./crowd.js";
import { enemyFinder, searchCell } from "./finder.js";
import { Grid } from "./grid.js";
import { kernelOf, slotOf } from "./gyre.js";
import { type Contenders, hashFloats, hashWords, mix, type Operation, type Params } from "./operation.js";
import { CELL, RADIUS, WORLD } from "./points.js";
import { createWalker } from "./walk.js";

function crowdChecksum(n: number, ...columns: Float32Array[]): number {
  return columns.reduce((hash, column) => mix(hash, hashFloats(column, n)), 0) >>> 0;
}

function jsMove({ n }: Params): Operation {
  const walker = createWalker(crowd(n));
  const { x, y, vx, vy } = walker;
  const grid = new Grid(n, CELL, RADIUS);
  return {
    prepare: steerer(walker, n),
    run() {
      walker.walk();
      grid.rebuild(x, y);
    },
    checksum: () => crowdChecksum(n, x, y, vx, vy),
  };
}

function jsTick({ n }: Params): Operation {
  const start = crowd(n);
  const walker = createWalker(start);
  const { x, y, vx, vy } = walker;
  const grid = new Grid(n, searchCell(n), RADIUS, 2);
  const nearest = new Int32Array(n);
  const find = enemyFinder(grid, nearest, true);
  return {
    prepare: steerer(walker, n),
    run() {
      walker.walk();
      grid.rebuild(x, y, start.team);
      find();
    },
    checksum: () => mix(crowdChecksum(n, x, y, vx, vy), hashWords(nearest)) >>> 0,
  };
}

async function gyre(build: "simd" | "scalar", { n }: Params, enemies: boolean): Promise<Operation> {
  const { x, y, tiles, speed, team } = crowd(n);
  const kernel = await kernelOf(build);
  const zone = kernel.createZone({
    width: WORLD,
    height: WORLD,
    capacity: n,
    tileSize: TILE,
    tiles,
    cellSize: CELL,
    tickRate: TICK_RATE,
  });
  for (let i = 0; i < n; i++) {
    const id = zone.spawn({ x: x[i]!, y: y[i]!, halfSize: HALF_SIZE, speed: speed[i]!, team: team[i]! });
    if (slotOf(id) !== i) throw new Error(`entity ${i} got slot ${slotOf(id)}`);
  }
  const { columns } = zone;
  let nearest = zone.nearestEnemies(RADIUS);
  const moved = (): number => crowdChecksum(n, columns.x, columns.y, columns.vx, columns.vy);
  return {
    prepare: steerer(columns, n),
    run() {
      zone.step();
      if (enemies) nearest = zone.nearestEnemies(RADIUS);
    },
    checksum: () => (enemies ? mix(moved(), hashWords(Int32Array.from(nearest, slotOf), n)) >>> 0 : moved()),
  };
}

export const moveContenders: Contenders = {
  simd: (params) => gyre("simd", params, false),
  scalar: (params) => gyre("scalar", params, false),
  js: jsMove,
};

export const tickContenders: Contenders = {
  simd: (params) => gyre("simd", params, true),
  scalar: (params) => gyre("scalar", params, true),
  js: jsTick,
};
