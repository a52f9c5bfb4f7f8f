/**
 * The world of `snapshot` and `end-to-end`, and the crowd in it. Everybody walks, and in each snapshot one in twenty has other hp and one in
 * a hundred another state. A viewer sees the entities in its own interest cell and those around it: about 50, however many there are.
 *
 * Positions are sixteenths of a unit and the world's side is below 4,096 units, so that a position is a u16 to whoever wants one: what gyre does
 * with its cells others can do with their schemas, and all decode the same to the last bit.
 */
import { HASH_START, mix, type Params } from "./operation.js";
import { random } from "./points.js";

/** Units per tile. */
export const TILE = 6;
/** Tiles per side of an interest cell, as in src/protocol/interest.ts; and units. */
export const CELL_TILES = 32;
export const CELL = CELL_TILES * TILE;
/** Cells seen in each direction beyond one's own. */
export const VIEW_RADIUS = 1;
/** Entities that a viewer sees, on average and away from the borders. */
export const SEEN = 50;
export const STEPS_PER_UNIT = 16;
/** Sixteenths that an entity walks from one snapshot to the next: 40 units a second at 20 snapshots. */
const STRIDE = 32;
/** Units a second in `end-to-end`, the same. */
export const WALK_SPEED = 40;
/** Of 1,000 in each snapshot. */
const TURNING = 25;
const HURT = 50;
const CHANGED = 10;
/** Those of whom it is compared what they see. */
export const COMPARED = 5;

/** Cells per side of a world in which so many entities are as dense as SEEN asks for. */
export function cellsPerSide(n: number): number {
  const side = 2 * VIEW_RADIUS + 1;
  return Math.max(side, Math.round(Math.sqrt((side * side * n) / SEEN)));
}

export class Crowd {
  readonly n: number;
  /** Of the world, in cells. */
  readonly columns: number;
  /** Sixteenths. */
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  readonly hp: Int32Array;
  readonly kind: Uint16Array;
  readonly team: Uint8Array;
  readonly state: Uint8Array;
  readonly level: Uint16Array;
  /** By entity. */
  readonly cell: Uint16Array;
  readonly #headingX: Int8Array;
  readonly #headingY: Int8Array;
  readonly #next = random(5);

  constructor(n: number) {
    this.n = n;
    this.columns = cellsPerSide(n);
    const span = this.columns * CELL * STEPS_PER_UNIT;
    if (span > 0xffff) throw new Error(`a world for ${n} is ${span} sixteenths wide, more than a u16 holds`);
    const next = this.#next;
    this.x = Uint16Array.from({ length: n }, () => next() * span);
    this.y = Uint16Array.from({ length: n }, () => next() * span);
    this.hp = Int32Array.from({ length: n }, () => 50 + next() * 100);
    this.kind = Uint16Array.from({ length: n }, () => next() * 8);
    this.team = Uint8Array.from({ length: n }, () => next() * 2);
    this.state = new Uint8Array(n);
    this.level = Uint16Array.from({ length: n }, () => 1 + next() * 60);
    this.cell = new Uint16Array(n);
    this.#headingX = new Int8Array(n);
    this.#headingY = new Int8Array(n);
    for (let i = 0; i < n; i++) this.#turn(i);
    this.#sort();
  }

  /** Units per side. */
  get side(): number {
    return this.columns * CELL;
  }

  /** From one snapshot to the next. */
  advance(): void {
    const { n, x, y } = this;
    const next = this.#next;
    for (let i = 0; i < n; i++) {
      const roll = next() * 1000;
      if (roll < TURNING) this.#turn(i);
      else if (roll < TURNING + HURT) this.hp[i] = 1 + ((this.hp[i]! + 7) % 150);
      else if (roll < TURNING + HURT + CHANGED) this.state[i] = (this.state[i]! + 1) & 3;
      x[i] = this.#walk(x[i]!, this.#headingX, i);
      y[i] = this.#walk(y[i]!, this.#headingY, i);
    }
    this.#sort();
  }

  #turn(i: number): void {
    const angle = this.#next() * 2 * Math.PI;
    this.#headingX[i] = Math.round(STRIDE * Math.cos(angle));
    this.#headingY[i] = Math.round(STRIDE * Math.sin(angle));
  }

  /** Whoever would leave the world turns around. */
  #walk(from: number, heading: Int8Array, i: number): number {
    const to = from + heading[i]!;
    if (to >= 0 && to < this.side * STEPS_PER_UNIT) return to;
    heading[i] = -heading[i]!;
    return from;
  }

  #sort(): void {
    const { n, x, y, cell, columns } = this;
    const side = CELL * STEPS_PER_UNIT;
    for (let i = 0; i < n; i++) cell[i] = ((y[i]! / side) | 0) * columns + ((x[i]! / side) | 0);
  }
}

/** Who is in which cell: the index that those contenders need which look for each viewer's entities themselves. */
export class CellIndex {
  readonly #crowd: Crowd;
  readonly #start: Uint32Array;
  readonly #members: Uint16Array;

  constructor(crowd: Crowd) {
    this.#crowd = crowd;
    this.#start = new Uint32Array(crowd.columns * crowd.columns + 1);
    this.#members = new Uint16Array(crowd.n);
  }

  rebuild(): void {
    const start = this.#start;
    const { n, cell } = this.#crowd;
    start.fill(0);
    for (let i = 0; i < n; i++) start[cell[i]!]!++;
    for (let c = 1; c < start.length; c++) start[c]! += start[c - 1]!;
    for (let i = n - 1; i >= 0; i--) this.#members[--start[cell[i]!]!] = i;
  }

  /** Puts those whom a viewer sees into out, itself included, and returns how many. */
  around(viewer: number, out: Uint16Array): number {
    const { columns, cell } = this.#crowd;
    const own = cell[viewer]!;
    const row = (own / columns) | 0;
    const column = own - row * columns;
    const left = Math.max(0, column - VIEW_RADIUS);
    const right = Math.min(columns - 1, column + VIEW_RADIUS);
    let count = 0;
    for (let r = Math.max(0, row - VIEW_RADIUS); r <= Math.min(columns - 1, row + VIEW_RADIUS); r++) {
      const end = this.#start[r * columns + right + 1]!;
      for (let at = this.#start[r * columns + left]!; at < end; at++) out[count++] = this.#members[at]!;
    }
    return count;
  }
}

/** Who came into view and who went out of it, for each viewer: the bookkeeping that a view by add and remove asks of its user. */
export class Sights {
  readonly #index: CellIndex;
  readonly #n: number;
  /** By viewer and entity: the last turn in which it was seen. */
  readonly #last: Uint32Array;
  readonly #seen: Uint16Array[];
  readonly #counts: Uint16Array;
  readonly #scratch: Uint16Array;
  #turn = 0;

  constructor(crowd: Crowd, viewers: number) {
    this.#index = new CellIndex(crowd);
    this.#n = crowd.n;
    this.#last = new Uint32Array(viewers * crowd.n);
    this.#seen = Array.from({ length: viewers }, () => new Uint16Array(crowd.n));
    this.#counts = new Uint16Array(viewers);
    this.#scratch = new Uint16Array(crowd.n);
  }

  update(enters: (viewer: number, entity: number) => void, leaves: (viewer: number, entity: number) => void): void {
    const turn = ++this.#turn;
    this.#index.rebuild();
    for (let viewer = 0; viewer < this.#seen.length; viewer++) {
      const row = viewer * this.#n;
      const now = this.#scratch;
      const count = this.#index.around(viewer, now);
      for (let k = 0; k < count; k++) {
        const entity = now[k]!;
        if (this.#last[row + entity] !== turn - 1 || turn === 1) enters(viewer, entity);
        this.#last[row + entity] = turn;
      }
      const before = this.#seen[viewer]!;
      for (let k = 0; k < this.#counts[viewer]!; k++) {
        if (this.#last[row + before[k]!] !== turn) leaves(viewer, before[k]!);
      }
      before.set(now.subarray(0, count));
      this.#counts[viewer] = count;
    }
  }
}

/** What a reader of frames knows of an entity: sixteenths. */
export interface Known {
  x: number;
  y: number;
  hp: number;
}

/** Of what readers see, by entity; the same for every contender that told them the truth. */
export function sightsChecksum(readers: readonly ReadonlyMap<number, Known>[]): number {
  let hash = HASH_START;
  for (const seen of readers) {
    for (const entity of [...seen.keys()].sort((a, b) => a - b)) {
      const { x, y, hp } = seen.get(entity)!;
      hash = mix(mix(mix(hash, entity), (x << 16) | y), hp);
    }
    hash = mix(hash, seen.size);
  }
  return hash >>> 0;
}

/** How many frames a case asks for; 0 stands for one frame of the whole world. */
export function framesOf({ viewers = 0 }: Params): number {
  return Math.max(1, viewers);
}

export function seesAll({ viewers = 0 }: Params): boolean {
  return viewers === 0;
}
