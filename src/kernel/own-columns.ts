/** What a seat's player is told of its entity, by place among its words: the columns of the intake, `id` first. */
export const OWN_COLUMNS = [
  { name: "id", type: "u32" },
  { name: "x", type: "f32" },
  { name: "y", type: "f32" },
  { name: "vx", type: "f32" },
  { name: "vy", type: "f32" },
  { name: "speed", type: "f32" },
  { name: "halfSize", type: "f32" },
  { name: "wishX", type: "f32" },
  { name: "wishY", type: "f32" },
  { name: "xp", type: "u32" },
  { name: "gold", type: "u32" },
  { name: "readyAt", type: "u32" },
] as const;
