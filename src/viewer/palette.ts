/** The page's colours: a dark, quiet ground, so that what moves is what one sees. As 0xRRGGBB. */

export const BACKDROP = 0x0b0d12;

export const GROUND = 0x1c222b;
export const GROUND_SHADE = 0x11151b;
export const WALL_TOP = 0x465062;
export const WALL_LIGHT = 0x5c6880;
export const WALL_DARK = 0x343c4a;
export const WALL_FRONT = 0x2c3340;
export const WALL_FOOT = 0x1a1f28;
/** Blocked tiles with nothing but blocked tiles around them: the inside of rock, the outside of a dungeon. */
export const ROCK = 0x252b36;
export const WATER = 0x17364a;
export const WATER_SHORE = 0x2a5a70;
export const WATER_BANK = 0x0f2431;

/** What the host spawns: players, NPCs, bots. Other kinds take from {@link TEAMS}. */
export const KINDS: Readonly<Record<number, { name: string; color: number }>> = {
  1: { name: "players", color: 0xffd166 },
  2: { name: "NPCs", color: 0x6fb7c4 },
  3: { name: "bots", color: 0xf2846b },
};

/** An entity of team t > 0 has colour t - 1, in turn. */
export const TEAMS = [0x7aa7f0, 0xf07a8c, 0x8fcf7a, 0xd79df0, 0xf0c37a, 0x7adfe0] as const;

export function entityColor(kind: number, team: number): number {
  if (team > 0) return TEAMS[(team - 1) % TEAMS.length]!;
  return KINDS[kind]?.color ?? TEAMS[kind % TEAMS.length]!;
}

/** t from 0, all a, to 1, all b. */
export function mixed(a: number, b: number, t: number): number {
  const channel = (shift: number): number => {
    const from = (a >> shift) & 0xff;
    return Math.round(from + (((b >> shift) & 0xff) - from) * t) << shift;
  };
  return channel(16) | channel(8) | channel(0);
}

/** A pixel as RGBA bytes in memory on a little endian machine, opaque. */
export function pixel(color: number): number {
  return (0xff000000 | ((color & 0xff) << 16) | (color & 0xff00) | (color >> 16)) >>> 0;
}
