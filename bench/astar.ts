/**
 * The JavaScript rival's paths: A* over typed arrays, with octile distance and buckets of equal cost but for a fraction. Nothing is
 * cleared between searches: a tile's figures count only when its stamp is this search's. The map has a wall around it, so that no
 * step tests for the border.
 *
 * Tried, ms a path on brc202d: a binary heap of f64 keys 1.81; buckets of 1/4 (here) 0.77, of 1 0.83, of 1/2 0.79, of 1/16 0.82.
 */

/** Buckets for a unit of cost. */
const FINENESS = 4;
/** Against the rounding of sums, which may put an equal cost above another. */
const GRAIN = 1e-9;
const NONE = -1;

/**
 * Returns a function that writes the tiles of a shortest path, from goal to start, as indices into a map that is two tiles wider, and
 * gives how many there are; 0 when there is no path.
 */
export function aStar(
  columns: number,
  rows: number,
  tiles: Uint8Array,
): (x0: number, y0: number, x1: number, y1: number, way: Int32Array) => number {
  const width = columns + 2;
  const size = width * (rows + 2);
  const wall = new Uint8Array(size).fill(1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      wall[(row + 1) * width + column + 1] = tiles[row * columns + column]! === 0 ? 0 : 1;
  }
  const stamp = new Uint32Array(size);
  const cost = new Float64Array(size);
  const from = new Int32Array(size);
  const closed = new Uint8Array(size);
  // Entries of buckets: each is an opened tile. One that was opened again at less is passed over as closed.
  const first = new Int32Array(Math.ceil(size * Math.SQRT2 * FINENESS)).fill(NONE);
  const entryTile = new Int32Array(8 * size);
  const entryNext = new Int32Array(8 * size);
  let entries = 0;
  let now = 0;
  let goal = 0;
  let goalColumn = 0;
  let goalRow = 0;
  let last = 0;
  const DIAGONAL = Math.SQRT2;
  const SAVED = 2 - Math.SQRT2;

  function open(tile: number, parent: number, there: number): void {
    if (stamp[tile] === now) {
      if (closed[tile] !== 0 ? there >= cost[tile]! - GRAIN : there >= cost[tile]!) return;
    } else stamp[tile] = now;
    cost[tile] = there;
    from[tile] = parent;
    closed[tile] = 0;
    const row = (tile / width) | 0;
    const dx = Math.abs(tile - row * width - goalColumn);
    const dy = Math.abs(row - goalRow);
    const bucket = ((there + dx + dy - SAVED * Math.min(dx, dy)) * FINENESS + GRAIN) | 0;
    if (bucket > last) last = bucket;
    entryTile[entries] = tile;
    entryNext[entries] = first[bucket]!;
    first[bucket] = entries++;
  }

  function expand(tile: number): void {
    const straight = cost[tile]! + 1;
    const diagonal = cost[tile]! + DIAGONAL;
    const east = wall[tile + 1]!;
    const west = wall[tile - 1]!;
    const north = wall[tile - width]!;
    const south = wall[tile + width]!;
    if (east === 0) open(tile + 1, tile, straight);
    if (west === 0) open(tile - 1, tile, straight);
    if (north === 0) {
      open(tile - width, tile, straight);
      if (east + wall[tile - width + 1]! === 0) open(tile - width + 1, tile, diagonal);
      if (west + wall[tile - width - 1]! === 0) open(tile - width - 1, tile, diagonal);
    }
    if (south === 0) {
      open(tile + width, tile, straight);
      if (east + wall[tile + width + 1]! === 0) open(tile + width + 1, tile, diagonal);
      if (west + wall[tile + width - 1]! === 0) open(tile + width - 1, tile, diagonal);
    }
  }

  /** Empties the buckets in order; within one, orders do not matter, since a tile that was closed too early is opened again. */
  function search(bucket: number): boolean {
    for (; bucket <= last; bucket++) {
      for (let entry = first[bucket]!; entry !== NONE; entry = first[bucket]!) {
        first[bucket] = entryNext[entry]!;
        const tile = entryTile[entry]!;
        if (closed[tile] !== 0) continue;
        closed[tile] = 1;
        if (tile !== goal) expand(tile);
      }
      if (stamp[goal] === now && closed[goal] !== 0) return true;
    }
    return false;
  }

  return (x0, y0, x1, y1, way) => {
    now++;
    entries = 0;
    goalColumn = x1 + 1;
    goalRow = y1 + 1;
    goal = goalRow * width + goalColumn;
    const start = (y0 + 1) * width + x0 + 1;
    const dx = Math.abs(x1 - x0);
    const dy = Math.abs(y1 - y0);
    const bucket = ((dx + dy - SAVED * Math.min(dx, dy)) * FINENESS + GRAIN) | 0;
    last = bucket;
    if (wall[start] === 0) open(start, start, 0);
    const found = search(bucket);
    // What is left in buckets must not meet the next search.
    first.fill(NONE, bucket, last + 1);
    if (!found) return 0;
    let length = 0;
    for (let tile = goal; ; tile = from[tile]!) {
      way[length++] = tile;
      if (tile === start) return length;
    }
  };
}
