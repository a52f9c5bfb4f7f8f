/**
 * `gyre`: the host, and everything of the kernel. Node only; a page wants `gyre/client`, or `gyre/kernel` alone.
 */
export * from "./kernel.js";
export { createServer, type GyreServer, type ServerOptions, type ServerStats } from "./server.js";
