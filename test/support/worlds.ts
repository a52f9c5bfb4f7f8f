/** Small maps by drawing, and zones on them. */
import { loadKernel } from "../../src/kernel/load.js";
import type { MapData } from "../../src/maps/types.js";
import { Zones, type ZonesSpec } from "../../src/sim/zones.js";

/** `.` ground, `#` blocked, `~` water; a tile is 32 units. */
export function drawn(...rows: readonly string[]): MapData {
  const width = rows[0]?.length ?? 0;
  const tiles = Uint8Array.from(rows.join(""), (tile) => [".", "#", "~"].indexOf(tile));
  return { width, height: rows.length, tileSize: 32, tiles };
}

/** A square of ground inside walls. side: tiles, walls included. */
export function field(side: number): MapData {
  const wall = "#".repeat(side);
  const row = `#${".".repeat(side - 2)}#`;
  return drawn(wall, ...Array.from({ length: side - 2 }, () => row), wall);
}

export async function zonesOf(spec: Partial<ZonesSpec> = {}): Promise<Zones> {
  const kernel = await loadKernel();
  return Zones.create(kernel, {
    map: field(64),
    zones: 1,
    npcs: 0,
    bots: 0,
    players: 64,
    tickRate: 60,
    seed: 1,
    ...spec,
  });
}
