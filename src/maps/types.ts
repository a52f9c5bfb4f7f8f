/** What maps are to the rest: tiles in rows. */
export interface MapData {
  /** Tiles. */
  width: number;
  /** Tiles. */
  height: number;
  /** Units per tile side. */
  tileSize: number;
  /** height rows of width bytes: 0 ground, 1 blocked, 2 water. */
  tiles: Uint8Array;
}
