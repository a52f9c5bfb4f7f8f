/** What entities of a zone look like: a colour for each kind and state, and for each team where there is but one kind; sizes; hp. */
import type { ZoneInfo } from "../client.js";
import { CORPSE, KINDS, mixed, RAGE, TEAMS, WARY } from "./palette.js";

/** Values of the column `state`. */
export const CHASE = 1;
export const ATTACK = 2;
export const DEAD = 4;

const STATES = 8;
/** Kinds, or teams, that have a colour of their own; more share them. */
const ROWS = 256;
/** Units: half the side of a box of a kind that nobody described. */
export const RADIUS = 8;
/** Units that a byte of radius goes up to. */
export const RADIUS_MAX = 32;

export class Look {
  /** By {@link index}: red, green, blue, then the radius in 256ths of {@link RADIUS_MAX}; the lowest byte is red. */
  readonly packed = new Uint32Array(ROWS * STATES);
  readonly #kinds: ZoneInfo["kinds"];
  readonly #byTeam: boolean;

  constructor({ kinds }: Pick<ZoneInfo, "kinds">) {
    this.#kinds = kinds;
    this.#byTeam = kinds.length <= 1;
    for (let row = 0; row < ROWS; row++) {
      const radius = kinds[this.#byTeam ? 0 : row]?.halfSize ?? RADIUS;
      for (let state = 0; state < STATES; state++)
        this.packed[row * STATES + state] = packedLook(this.#color(row), state, radius);
    }
  }

  /** Into {@link packed}. */
  index(kind: number, team: number, state: number): number {
    return ((this.#byTeam ? team : kind) % ROWS) * STATES + (state % STATES);
  }

  name(kind: number): string {
    return this.#kinds[kind]?.name ?? `kind ${kind}`;
  }

  /** As 0xRRGGBB, of a kind where there are several. */
  color(kind: number, team: number): number {
    return this.#color(this.#byTeam ? team : kind);
  }

  /** Most hp; 0 for one that cannot be harmed, or that nobody described. */
  hpMax(kind: number, level: number): number {
    const known = this.#kinds[kind];
    return known === undefined ? 0 : known.hp + known.levelHp * (level - 1);
  }

  #color(row: number): number {
    const colors = this.#byTeam ? TEAMS : KINDS;
    return colors[row % colors.length]!;
  }
}

function packedLook(color: number, state: number, radius: number): number {
  const shown = tinted(color, state);
  const size = Math.min(255, Math.round(((state === DEAD ? 0.85 : 1) * radius * 256) / RADIUS_MAX));
  return ((shown >> 16) | (shown & 0xff00) | ((shown & 0xff) << 16) | (size << 24)) >>> 0;
}

function tinted(color: number, state: number): number {
  if (state === CHASE) return mixed(color, WARY, 0.75);
  if (state === ATTACK) return mixed(color, RAGE, 0.7);
  return state === DEAD ? mixed(color, CORPSE, 0.8) : color;
}
