// How large a map may be, and the verdict on one that is larger. A reader calls this before it allocates.
//
// A verdict is what every reader answers: "" when all is well, else a code of the host's error table, a space and a
// sentence that names the value and its place.

/** Tiles of a zone, the kernel's limit too. */
export const TILES_MAX: i32 = 1 << 24;
/** Tiles along one side. */
export const SIDE_MAX: i32 = 16384;

/** Whole numbers of tiles, at least 1 each; up to 2^53, as a file may say anything. */
export function sizeVerdict(width: f64, height: f64): string {
  const w = <i64>width;
  const h = <i64>height;
  if (w > SIDE_MAX || h > SIDE_MAX) {
    return `MAP_TOO_LARGE ${w} x ${h} tiles: a side has at most ${SIDE_MAX}`;
  }
  if (w * h > TILES_MAX) return `MAP_TOO_LARGE ${w} x ${h} tiles: a map has at most ${TILES_MAX}`;
  return "";
}
