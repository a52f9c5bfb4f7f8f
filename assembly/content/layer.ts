// Bakes a tile layer of a Tiled map into tiles, from its CSV text or from its numbers. One pass, nothing kept in between.
//
// A cell holds a global tile id (gid): 0 for none, else the first gid of a tileset plus the index in it. The upper four bits
// say how the picture is flipped and turned, which does not matter here.
import { begin, BLOCKED, GROUND } from "./result";
import { COMMA, isBlank, isDigit, quote, ZERO } from "./text";

const GID_MASK: u32 = 0x0fff_ffff;
const U32_MAX: u64 = 0xffff_ffff;

/** blockedGid 0: every tile blocks. */
@inline
function bake(cell: u32, blockedGid: u32): u8 {
  const gid = cell & GID_MASK;
  const blocked = blockedGid == 0 ? gid != 0 : gid == blockedGid;
  return blocked ? BLOCKED : GROUND;
}

/** Rows from the top, cells from the left, all separated by commas; blanks and line ends between them do not count. */
export function readCsv(text: string, width: i32, height: i32, blockedGid: u32): string {
  const tiles = begin(width, height);
  const length = text.length;
  const cells = tiles.length;
  let at = 0;
  for (let cell = 0; cell < cells; ++cell) {
    while (at < length && isBlank(text.charCodeAt(at))) ++at;
    const start = at;
    let value: u64 = 0;
    for (; at < length && isDigit(text.charCodeAt(at)); ++at) {
      value = min(value * 10 + (text.charCodeAt(at) - ZERO), U32_MAX + 1);
    }
    const digits = at - start;
    while (at < length && isBlank(text.charCodeAt(at))) ++at;
    const ends = at == length;
    if (ends && (digits == 0 || cell < cells - 1)) {
      return `MAP_BAD the data has ${digits == 0 ? cell : cell + 1} of ${width} x ${height} tiles`;
    }
    if (digits == 0 || value > U32_MAX || (!ends && text.charCodeAt(at) != COMMA)) {
      return `MAP_BAD row ${cell / width + 1}, column ${(cell % width) + 1}: ${cellText(text, start)} is not a tile id`;
    }
    unchecked((tiles[cell] = bake(<u32>value, blockedGid)));
    ++at;
  }
  // Behind the text's end now, or behind a comma.
  return at <= length ? `MAP_BAD the data goes on after ${width} x ${height} tiles` : "";
}

function cellText(text: string, start: i32): string {
  const end = text.indexOf(",", start);
  return quote(text, start, end < 0 ? text.length : end);
}

export function readCells(cells: Uint32Array, width: i32, height: i32, blockedGid: u32): string {
  if (cells.length != width * height) return `MAP_BAD the data has ${cells.length} tiles, not ${width} x ${height}`;
  const tiles = begin(width, height);
  for (let cell = 0; cell < cells.length; ++cell) {
    unchecked((tiles[cell] = bake(cells[cell], blockedGid)));
  }
  return "";
}
