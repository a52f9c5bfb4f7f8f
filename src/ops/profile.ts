/**
 * CPU profiles, one a thread, for GYRE_PROFILE=1: each thread samples itself, a thousand times a second, and writes
 * gyre-PID-THREAD.cpuprofile to the current folder when it ends, however it does short of being killed. Chrome's developer tools and
 * others show such files. A thread runs a few per cent slower meanwhile.
 */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { GyreError } from "../errors.js";

/** Seconds after which a profile is written and ends, because it grows by a thousand samples a second. Writing holds its thread up. */
const PROFILE_SECONDS_MAX = 600;

let isRunning = false;

/** Whether profiles were asked for: GYRE_PROFILE is 1. Throws BAD_ARGUMENT for what is neither that nor 0 nor empty. */
export function wantsProfile(value = process.env["GYRE_PROFILE"]): boolean {
  if (value === "1") return true;
  if (value === undefined || value === "" || value === "0") return false;
  throw new GyreError(
    "BAD_ARGUMENT",
    `GYRE_PROFILE is ${JSON.stringify(value)}: 1 writes a CPU profile of each thread when it ends, 0 does not`,
  );
}

/**
 * Profiles the thread that it is called on from now on, when that was asked for; once, however often it is called. thread: as in
 * /metrics. A thread that is terminated from outside writes nothing: let it come to its end. Throws BAD_ARGUMENT.
 */
export function profileThread(thread: string): void {
  if (isRunning || !wantsProfile()) return;
  isRunning = true;
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.start");
  const end = (): void => {
    process.off("exit", end);
    clearTimeout(timeout);
    // The answer comes within the call.
    session.post("Profiler.stop", (error, result) => {
      if (error === null) write(`gyre-${process.pid}-${thread}.cpuprofile`, JSON.stringify(result.profile));
    });
    session.disconnect();
  };
  const timeout = setTimeout(end, PROFILE_SECONDS_MAX * 1000).unref();
  process.on("exit", end);
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    process.stderr.write(`gyre: cannot write ${file}: ${(error as NodeJS.ErrnoException).code ?? error}\n`);
  }
}
