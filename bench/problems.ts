/**
 * The problems of the path bench: brc202d and its scenarios from the MovingAI benchmarks when they lie beside the repository, else a
 * maze of its size. Turns take scenarios between those of the turn before, all spread over the file, whose order is by length.
 */
import { existsSync, readFileSync } from "node:fs";
import { random, SETS } from "./points.js";

const MAP = new URL("../../../shared/data/movingai/brc202d.map", import.meta.url);
/** Tiles a side of the maze, of its cells, and of the part of a cell that is free. */
const MAZE = 512;
const CELL = 8;
const FREE = 6;
const MAZE_SCENARIOS = 2000;
const SEED = 12;

/** Columns and rows of start and goal. */
export type Problem = readonly [x0: number, y0: number, x1: number, y1: number];

export interface Problems {
  width: number;
  height: number;
  /** 0 free, 1 blocked. */
  tiles: Uint8Array;
  all: Problem[];
}

function readMap(): Problems {
  const lines = readFileSync(MAP, "utf8").split("\n").slice(4);
  const rows = lines.filter((line) => line !== "").map((line) => Array.from(line, (tile) => (tile === "." ? 0 : 1)));
  const scenarios = readFileSync(new URL(`${MAP.href}.scen`), "utf8")
    .trim()
    .split("\n")
    .slice(1);
  return {
    width: rows[0]!.length,
    height: rows.length,
    tiles: Uint8Array.from(rows.flat()),
    all: scenarios.map((line) => line.split(/\s+/).slice(4, 8).map(Number) as unknown as Problem),
  };
}

/** Cells joined to one tree, depth first, and as many doors again as a sixteenth of them. */
function maze(): Problems {
  const next = random(SEED);
  const side = MAZE / CELL;
  const tiles = new Uint8Array(MAZE * MAZE).fill(1);
  const seen = new Uint8Array(side * side);
  const clear = (x: number, y: number, width: number, height: number): void => {
    for (let row = y; row < y + height; row++) tiles.fill(0, row * MAZE + x, row * MAZE + x + width);
  };
  const open = (cell: number, other: number): void => {
    const low = Math.min(cell, other);
    const x = (low % side) * CELL;
    const y = Math.floor(low / side) * CELL;
    if (Math.abs(cell - other) === 1) clear(x + FREE, y + 2, CELL - FREE, 2);
    else clear(x + 2, y + FREE, 2, CELL - FREE);
  };
  const way = [0];
  seen[0] = 1;
  while (way.length > 0) {
    const cell = way.at(-1)!;
    const column = cell % side;
    clear(column * CELL, Math.floor(cell / side) * CELL, FREE, FREE);
    const around = [cell - side, cell + side];
    if (column > 0) around.push(cell - 1);
    if (column < side - 1) around.push(cell + 1);
    const fresh = around.filter((other) => other >= 0 && other < seen.length && seen[other] === 0);
    const chosen = fresh[Math.floor(next() * fresh.length)];
    if (chosen === undefined) way.pop();
    else {
      open(cell, chosen);
      seen[chosen] = 1;
      way.push(chosen);
    }
    if (next() < 1 / 16 && column < side - 1) open(cell, cell + 1);
  }
  const free = (): number => Math.floor(next() * side) * CELL + Math.floor(next() * FREE);
  const all = Array.from({ length: MAZE_SCENARIOS }, (): Problem => [free(), free(), free(), free()]);
  return { width: MAZE, height: MAZE, tiles, all };
}

export function problems(): Problems {
  return existsSync(MAP) ? readMap() : maze();
}

/** The n problems of a turn. */
export function problemsOf({ all }: Problems, n: number, turn: number): Problem[] {
  const shift = (turn % SETS) / SETS;
  return Array.from({ length: n }, (_, index) => all[Math.floor(((index + shift) * all.length) / n)]!);
}
