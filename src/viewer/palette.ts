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

/** Of kinds, in turn. The first is what players are, as a rule. */
export const KINDS = [0xffd166, 0x6fb7c4, 0xc99a74, 0xb18fe0, 0x8fcf7a, 0xf0a8c0, 0x7aa7f0, 0xd8d8c0] as const;
/** Of teams, in turn, where all are of one kind. */
export const TEAMS = [0x6fb7c4, 0x7aa7f0, 0xf07a8c, 0x8fcf7a, 0xd79df0, 0xf0c37a, 0x7adfe0] as const;

/** What a chaser's, an attacker's and a corpse's colour leans to. */
export const WARY = 0xff9d3b;
export const RAGE = 0xff3b30;
export const CORPSE = 0x20252d;

export const GATE = 0x9fe8ff;

/** Of cells, by the stream that tells of them. */
export const STREAMS: Readonly<Record<string, number>> = { near: 0x6fe0a0, normal: 0x5aa9ff, far: 0xc58bff };

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
