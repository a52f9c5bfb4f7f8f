/** `gyre/kernel`: zones, queries, batches, maps. No dependencies; loads in Node and in browsers. */
export { ERROR_CODES, type ErrorCode, GyreError } from "./errors.js";
export { loadKernel } from "./kernel/load.js";
export type * from "./kernel/types.js";
export { loadMap } from "./maps/load.js";
export type { MapData } from "./maps/types.js";
