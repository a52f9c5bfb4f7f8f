// The map that was read last: 0 ground, 1 blocked, 2 water, row by row. A typed array crosses to the host by itself, so a
// reader answers with its verdict and leaves the rest here.

export const GROUND: u8 = 0;
export const BLOCKED: u8 = 1;
export const WATER: u8 = 2;

let columns: i32 = 0;
let rows: i32 = 0;
let bytes: Uint8Array = new Uint8Array(0);

/** A map of free ground, to be filled in. Its size has been checked. */
export function begin(width: i32, height: i32): Uint8Array {
  columns = width;
  rows = height;
  bytes = new Uint8Array(width * height);
  return bytes;
}

/** Tiles. */
export function width(): i32 {
  return columns;
}

/** Tiles. */
export function height(): i32 {
  return rows;
}

/** height rows of width bytes. */
export function tiles(): Uint8Array {
  return bytes;
}
