// How large a box fits around the centre of each tile: two passes over the tiles, each looking at four neighbours that are
// already done (a chessboard distance transform), so the cost does not depend on how open the map is.
//
//   clearance 0  the tile is not free           # # # # #      0 0 0 0 0
//             1  the tile alone                 # . . . #      0 1 1 1 0
//             2  the 3 x 3 tiles around it      # . . . #  ->  0 1 2 1 0
//             c  the (2c - 1) x (2c - 1) tiles  # . . . #      0 1 1 1 0
//
// Water and what lies outside the map are not free. Movers stand on tile centres when they spawn and follow paths from centre
// to centre, hence squares around the tile and not squares hanging from its corner.

/** Squares beyond 509 tiles are not told apart: the result is bytes. */
export const CLEARANCE_MAX: i32 = 255;

/** tiles: height rows of width bytes, 0 free. */
export function clearance(tiles: Uint8Array, width: i32, height: i32): Uint8Array {
  const room = new Uint8Array(width * height);
  // From the top left: the squares are bounded by what lies above and to the left; the map's border bounds them all.
  for (let y = 0, i = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x, ++i) {
      if (unchecked(tiles[i]) != 0) continue;
      let least = 0;
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) {
        const above = i - width;
        least = min(
          min<i32>(unchecked(room[i - 1]), unchecked(room[above - 1])),
          min<i32>(unchecked(room[above]), unchecked(room[above + 1])),
        );
      }
      unchecked((room[i] = <u8>min(least + 1, CLEARANCE_MAX)));
    }
  }
  // From the bottom right: and by what lies below and to the right. The border is done.
  for (let y = height - 2; y > 0; --y) {
    for (let x = width - 2, i = y * width + x; x > 0; --x, --i) {
      const below = i + width;
      const least = min(
        min<i32>(unchecked(room[i + 1]), unchecked(room[below - 1])),
        min<i32>(unchecked(room[below]), unchecked(room[below + 1])),
      );
      unchecked((room[i] = <u8>min<i32>(unchecked(room[i]), least + 1)));
    }
  }
  return room;
}
