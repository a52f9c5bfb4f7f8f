/**
 * `gyre`: the host, games, and everything of the kernel. Node only; a page wants `gyre/client`, or `gyre/kernel` alone.
 */

export { loadArchetypes } from "./game/archetypes.js";
export { defineGame, type Game } from "./game/define.js";
export type * from "./game/types.js";
export * from "./kernel.js";
export type { ServerStats } from "./ops/stats.js";
export { createServer, type GyreServer, type ServerEvent, type ServerOptions } from "./server.js";
export { EVENT } from "./sim/events.js";
export type { Spin } from "./sync/waiter.js";
export type { Shareable } from "./tasks/handles.js";
export type { Pending } from "./tasks/pending.js";
export { createScheduler } from "./tasks/scheduler.js";
export { task } from "./tasks/task.js";
export type {
  BatchOptions,
  Outcome,
  RunOptions,
  Scheduler,
  SchedulerOptions,
  SchedulerStats,
  Task,
} from "./tasks/types.js";
