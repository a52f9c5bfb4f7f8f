/** What both ends of replication agree on, and a client needs without the kernel: see replica.ts. */

/** Streams, each with snapshots of its own. */
export const NEAR = 0;
export const NORMAL = 1;
export const FAR = 2;
export const STREAM_COUNT = 3;

/** Snapshots that a reader may be behind and still get what changed. As the kernel has it, which {@link createReplica} checks. */
export const HISTORY = 8;
