/**
 * Sim workers come first where threads want more cores than there are: before the main thread with its sockets, and before other processes.
 * A tick that is due then takes a core over within a scheduler's tick, some 4 ms, where it would wait for tens of them in turn.
 *
 * On Linux, where each thread has a priority of its own, and as far as the system lets it: for root, with CAP_SYS_NICE, or where RLIMIT_NICE
 * allows it. Elsewhere nothing changes.
 */
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** Nice value of a sim worker: about nine times the share of a thread at 0. */
const SIM_NICE = -10;

/** The thread that this is called on. Whether it has the priority of a sim worker now. */
export function preferThread(): boolean {
  try {
    // PID/task/TID: what there are priorities of.
    const thread = Number(readlinkSync("/proc/thread-self").split("/")[2]);
    setPriority(thread, SIM_NICE);
    return true;
  } catch {
    return false;
  }
}
