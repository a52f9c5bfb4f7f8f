/**
 * One clock for all threads of a process. Their performance.now() count from different moments, and the time of day may be set back; what
 * Node calls hrtime is the same for all of them, but makes an array of each reading: it is read once, to set the other by.
 */

/** Milliseconds that never go back. */
export function sharedClock(): () => number {
  const beforeMs = performance.now();
  const [seconds, nanoseconds] = process.hrtime();
  const offsetMs = seconds * 1000 + nanoseconds / 1e6 - (beforeMs + performance.now()) / 2;
  return () => performance.now() + offsetMs;
}
