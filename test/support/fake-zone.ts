/** What the tests of snapshots have in common: a zone's columns that need no kernel, and random numbers as a function. */
import { columnBytes, columnView } from "../../src/kernel/columns.js";
import { OWN_COLUMNS } from "../../src/kernel/own-columns.js";
import type { Columns, ColumnType, TypedColumn } from "../../src/kernel/types.js";
import { type ColumnInfo, FieldTable } from "../../src/protocol/fields.js";
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

/** Those that are replicated. */
type FakeColumns = Pick<Columns, (typeof OWN_COLUMNS)[number]["name"] | "hp" | "kind" | "team" | "state" | "level">;

/** A zone's columns without a kernel. */
export class FakeZone {
  readonly capacity: number;
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly columns: FakeColumns;
  readonly own: Readonly<Record<string, TypedColumn>>;
  readonly #generation: Uint16Array;

  constructor(width: number, height: number, tileSize: number, capacity: number, own: readonly ColumnInfo[] = []) {
    this.width = width;
    this.height = height;
    this.tileSize = tileSize;
    this.capacity = capacity;
    this.#generation = new Uint16Array(capacity);
    const all = [...OWN_COLUMNS, ...new FieldTable().fields];
    this.columns = Object.fromEntries(
      all.map(({ name, type }) => [name, emptyColumn(type, capacity)]),
    ) as unknown as FakeColumns;
    this.columns.level.fill(1);
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
