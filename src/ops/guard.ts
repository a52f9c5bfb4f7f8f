/**
 * What a game's code may not do: run for ever. One watchdog stands over the ticks of all zones, as long as they are quick; it
 * costs a thread start, 57 us a tick. What it stops unwinds without a trace, so whoever ran must have left word of where it was.
 *
 * It counts real time, because what it stops cannot be taken up again, whatever one finds out then about the time that it had. So it is
 * patient: a machine that is busy, or a process that is held for a moment in the middle of a tick, costs no zone. And it does not stand
 * there while a debugger may hold the process as long as it likes (--inspect).
 */
import { Session, url } from "node:inspector";
import { fileURLToPath } from "node:url";
import { type RunningScriptOptions, Script } from "node:vm";
import type { Guard } from "../sim/zones.js";

/**
 * Seconds for the ticks under one watch: as long as sessions forgive a server that stands still. What players send meanwhile is about what
 * their allowances hold, and no frame is given up yet (MESSAGES_BURST, FLUSH_MS_MAX).
 */
const WATCH_SECONDS = 4;
/** Milliseconds after which the next zone gets a watch of its own, so that many slow zones are not taken for one that hangs. */
const FRESH_MS = 50;

/** A script reaches what is global only. */
const WORK = Symbol.for("gyre.guarded");
const globals = globalThis as { [WORK]?: (() => void) | undefined };
const CALL = new Script('globalThis[Symbol.for("gyre.guarded")]()');

/** Whether a debugger may hold the process as long as it likes. */
export function isInspected(): boolean {
  return url() !== undefined;
}

export class TickGuard implements Guard {
  readonly placeOf = placeOf;
  readonly #now: () => number;
  readonly #options: RunningScriptOptions;
  #startMs = 0;

  /** now: milliseconds. seconds: of a run that does not say. */
  constructor(now: () => number, seconds = WATCH_SECONDS) {
    this.#now = now;
    this.#options = { timeout: seconds * 1000 };
  }

  get isWorn(): boolean {
    return this.#now() - this.#startMs > FRESH_MS;
  }

  run(work: () => void, seconds?: number): boolean {
    this.#startMs = this.#now();
    if (isInspected()) {
      work();
      return true;
    }
    globals[WORK] = work;
    try {
      CALL.runInThisContext(seconds === undefined ? this.#options : { timeout: seconds * 1000 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
      throw error;
    } finally {
      globals[WORK] = undefined;
    }
  }
}

/** Where a function is written: FILE:LINE:COLUMN, undefined when the engine does not tell. Takes some 15 ms: for obituaries. */
function placeOf(code: (...args: never[]) => unknown): string | undefined {
  const session = new Session();
  session.connect();
  const urls = new Map<string, string>();
  let place: string | undefined;
  try {
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
    session.post("Debugger.enable");
    globals[WORK] = code as () => void;
    session.post("Runtime.evaluate", { expression: 'globalThis[Symbol.for("gyre.guarded")]' }, (_, evaluated) => {
      const objectId = evaluated?.result.objectId;
      if (objectId === undefined) return;
      session.post("Runtime.getProperties", { objectId, ownProperties: true }, (_, { internalProperties = [] }) => {
        const at = internalProperties.find(({ name }) => name === "[[FunctionLocation]]")?.value?.value;
        const url = urls.get(at?.scriptId);
        if (url?.startsWith("file:")) place = `${fileURLToPath(url)}:${at.lineNumber + 1}:${at.columnNumber + 1}`;
      });
    });
  } finally {
    globals[WORK] = undefined;
    session.disconnect();
  }
  return place;
}
