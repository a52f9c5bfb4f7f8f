import type { Archetype } from "gyre";

/** Kinds of test games: players and those who drift about and bite, in a crowd that mixes quickly. */
export const BRAWLERS = {
  walker: { speed: 200, hp: 30, attack: 6, reach: 12, cooldown: 0.2, team: 1 },
  drifter: {
    ...{ speed: 150, hp: 20, team: 2, brain: "hunter", wander: 200 },
    ...{ attack: 3, sight: 60, reach: 8, cooldown: 0.3 },
  },
} satisfies Record<string, Archetype>;
