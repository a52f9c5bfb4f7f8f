/** Entity kinds that the host spawns. Games will bring their own from 16 up. */
export const KIND_PLAYER = 1;
export const KIND_NPC = 2;
export const KIND_BOT = 3;
