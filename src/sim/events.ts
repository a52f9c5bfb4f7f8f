/** Types of events, as the kernel numbers them in assembly/event.ts; a game's own are 64 to 65,535. */
export const EVENT = {
  /** Of this tick's events `value` were lost. Not the kernel's: the world says it, after the others. */
  LOST: 0,
  /** source struck target: value is the damage, extra the hp left. */
  HIT: 1,
  /** target died by source: value is the xp that source gained, extra the gold. */
  DEATH: 2,
  /** target rose to level value. */
  LEVEL: 3,
  /** target came into the zone. */
  SPAWN: 4,
  /** target lives again. */
  RESPAWN: 5,
  /** target came from another zone. */
  TRANSFER: 6,
  /** target came to a goal's tile of the flow field that it follows, once a walk. */
  ARRIVAL: 7,
} as const;
