/** What the tests of snapshots have in common: a zone's columns that need no kernel, and random numbers as a function. */
import { columnBytes, columnView } from "../../src/kernel/columns.js";
import type { ColumnType, TypedColumn } from "../../src/kernel/types.js";
import type { ColumnInfo, SnapshotColumns } from "../../src/protocol/fields.js";
import { Random } from "./random.js";

export type RandomNumber = () => number;

/** Numbers in [0, 1) of a seed. */
export function generator(seed: number): RandomNumber {
  const random = new Random(seed);
  return () => random.float();
}

export const below = (random: RandomNumber, n: number): number => Math.floor(random() * n);

const emptyColumn = (type: ColumnType, capacity: number): TypedColumn =>
  columnView(type, new ArrayBuffer(columnBytes(type) * capacity), 0, capacity);

/** A zone's columns without a kernel. */
export class FakeZone {
  readonly capacity: number;
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly columns: SnapshotColumns;
  readonly own: Readonly<Record<string, TypedColumn>>;
  readonly #generation: Uint16Array;

  constructor(width: number, height: number, tileSize: number, capacity: number, own: readonly ColumnInfo[] = []) {
    this.width = width;
    this.height = height;
    this.tileSize = tileSize;
    this.capacity = capacity;
    this.#generation = new Uint16Array(capacity);
    this.columns = {
      id: new Uint32Array(capacity),
      x: new Float32Array(capacity),
      y: new Float32Array(capacity),
      vx: new Float32Array(capacity),
      vy: new Float32Array(capacity),
      hp: new Int32Array(capacity),
      kind: new Uint16Array(capacity),
      team: new Uint8Array(capacity),
      state: new Uint8Array(capacity),
      level: new Uint16Array(capacity).fill(1),
      speed: new Float32Array(capacity),
      halfSize: new Float32Array(capacity),
      wishX: new Float32Array(capacity),
      wishY: new Float32Array(capacity),
      readyAt: new Uint32Array(capacity),
      xp: new Uint32Array(capacity),
      gold: new Uint32Array(capacity),
    };
    this.own = Object.fromEntries(own.map(({ name, type }) => [name, emptyColumn(type, capacity)]));
  }

  spawn(slot: number, x: number, y: number, hp = 100, kind = 0, team = 0): number {
    const { columns } = this;
    this.#generation[slot]!++;
    columns.id[slot] = ((slot << 12) | this.#generation[slot]!) >>> 0;
    columns.x[slot] = x;
    columns.y[slot] = y;
    columns.hp[slot] = hp;
    columns.kind[slot] = kind;
    columns.team[slot] = team;
    return columns.id[slot]!;
  }

  despawn(slot: number): void {
    this.columns.id[slot] = 0;
  }
}
