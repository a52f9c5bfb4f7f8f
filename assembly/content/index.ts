// The content module: cold work on text and arrays, once per map when a server starts. The opposite of the kernel: it has a
// heap and a runtime, its exports take strings and typed arrays and are called through as-bind, and an instance lives for one
// map only, so that its memory goes when the map is baked.
export { readMovingAi } from "./movingai";
export { readCells, readCsv } from "./layer";
export { height, tiles, width } from "./result";
export { clearance, CLEARANCE_MAX } from "./clearance";
export { sizeVerdict } from "./limits";
