// Reads the grid maps of the MovingAI benchmarks: four header lines, then a character a tile. One pass over the text.
//
//   type octile
//   height H      the three in any order, each once
//   width W
//   map
//   .@T...        H rows of W characters: . G S ground, W water, @ O T blocked
import { sizeVerdict } from "./limits";
import { begin, BLOCKED, GROUND, WATER } from "./result";
import { isBlank, isDigit, LF, lineEnd, nextLine, quote, ZERO } from "./text";

/** A number with more digits is larger than any limit; the digits behind are not looked at. */
const DIGITS_MAX: i32 = 15;
const NO_TILE: u8 = 255;

/** Leaves the map in result.ts. Unix and Windows line ends; blank lines only behind the last row. */
export function readMovingAi(text: string): string {
  let typed = false;
  let width: i64 = 0;
  let height: i64 = 0;
  let line = 1;
  let at = 0;
  for (; ; ++line) {
    if (at >= text.length) return `MAP_BAD line ${line}: the text ends inside the header`;
    const end = lineEnd(text, at);
    const header = at;
    at = nextLine(text, end);
    if (isWord(text, header, end, "map")) break;
    if (isKey(text, header, end, "type")) {
      if (typed) return `MAP_BAD line ${line}: a second "type"`;
      typed = true;
      const verdict = typeVerdict(text, header + 5, end, line);
      if (verdict.length > 0) return verdict;
    } else if (isKey(text, header, end, "height")) {
      if (height != 0) return `MAP_BAD line ${line}: a second "height"`;
      height = side(text, header + 7, end);
      if (height == 0) return sideVerdict(text, header, end, line);
    } else if (isKey(text, header, end, "width")) {
      if (width != 0) return `MAP_BAD line ${line}: a second "width"`;
      width = side(text, header + 6, end);
      if (width == 0) return sideVerdict(text, header, end, line);
    } else {
      return `MAP_BAD line ${line}: ${quote(text, header, end)} is not a MovingAI header (type, height, width, map)`;
    }
  }
  if (!typed) return `MAP_BAD line ${line}: "map" before "type octile"`;
  if (height == 0) return `MAP_BAD line ${line}: "map" before "height"`;
  if (width == 0) return `MAP_BAD line ${line}: "map" before "width"`;
  const verdict = sizeVerdict(<f64>width, <f64>height);
  return verdict.length > 0 ? verdict : readRows(text, at, line + 1, <i32>width, <i32>height);
}

function readRows(text: string, at: i32, line: i32, width: i32, height: i32): string {
  const tiles = begin(width, height);
  const length = text.length;
  for (let row = 0; row < height; ++row, ++line) {
    if (at >= length) return `MAP_BAD line ${line}: the text ends after ${row} of ${height} rows`;
    const offset = row * width;
    for (let column = 0; column < width; ++column, ++at) {
      const tile = at < length ? tileOf(text.charCodeAt(at)) : NO_TILE;
      if (tile == NO_TILE) return rowVerdict(text, at, line, column, width);
      unchecked((tiles[offset + column] = tile));
    }
    const end = lineEnd(text, at);
    if (end > at) return `MAP_BAD line ${line}: the row goes on with ${quote(text, at, end)} after ${width} tiles`;
    at = nextLine(text, end);
  }
  for (; at < length; ++at) {
    const c = text.charCodeAt(at);
    if (!isBlank(c)) return `MAP_BAD line ${line}: ${quote(text, at, lineEnd(text, at))} after the last of ${height} rows`;
    if (c == LF) ++line;
  }
  return "";
}

@inline
function tileOf(c: i32): u8 {
  if (c == 0x2e /* . */ || c == 0x47 /* G */ || c == 0x53 /* S */) return GROUND;
  if (c == 0x40 /* @ */ || c == 0x4f /* O */ || c == 0x54 /* T */) return BLOCKED;
  return c == 0x57 /* W */ ? WATER : NO_TILE;
}

function rowVerdict(text: string, at: i32, line: i32, column: i32, width: i32): string {
  if (at == lineEnd(text, at)) return `MAP_BAD line ${line}: the row has ${column} of ${width} tiles`;
  return `MAP_BAD line ${line}, column ${column + 1}: ${quote(text, at, at + 1)} is not a tile (. G S W @ O T)`;
}

/** The line is the word, blanks around it aside. */
function isWord(text: string, start: i32, end: i32, word: string): bool {
  return skipBlanks(text, start + word.length, end) == end && text.startsWith(word, start);
}

/** The line is the key and at least one blank. */
function isKey(text: string, start: i32, end: i32, key: string): bool {
  const behind = start + key.length;
  return behind < end && text.startsWith(key, start) && isBlank(text.charCodeAt(behind));
}

function skipBlanks(text: string, at: i32, end: i32): i32 {
  while (at < end && isBlank(text.charCodeAt(at))) ++at;
  return at;
}

function typeVerdict(text: string, start: i32, end: i32, line: i32): string {
  start = skipBlanks(text, start, end);
  if (isWord(text, start, end, "octile")) return "";
  return `MAP_UNSUPPORTED line ${line}: maps are of type octile, not ${quote(text, start, end)}`;
}

/** Tiles; 0 when the rest of the line is not a whole number of at least 1. */
function side(text: string, at: i32, end: i32): i64 {
  at = skipBlanks(text, at, end);
  let value: i64 = 0;
  for (let digits = 0; at < end && isDigit(text.charCodeAt(at)); ++at) {
    if (++digits <= DIGITS_MAX) value = value * 10 + (text.charCodeAt(at) - ZERO);
  }
  return skipBlanks(text, at, end) == end ? value : 0;
}

function sideVerdict(text: string, start: i32, end: i32, line: i32): string {
  return `MAP_BAD line ${line}: ${quote(text, start, end)} is not a whole number of tiles, at least 1`;
}
