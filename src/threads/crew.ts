/**
 * The sim workers of a server, seen from its main thread: starts a thread for each slot, hears when ticks are done, watches that every
 * thread moves on, and puts another one in the place of a thread that ended or does not.
 *
 *     start     a thread a slot; each says that it is ready, with what others need of its zones; then all are told to go
 *     failed    it exited, threw outside of all hooks, or stood still for watchdogMs while it had something to do: what is left of it is ended,
 *               and the next thread in the slot takes its zones up from their journals
 *     closed    its threads failed three times within 30 s, and no zone can be blamed: there will be no other, and its zones are given up
 *
 * The watchdog counts its own looks instead of the time between them: a process that was stopped, or a main thread that was held, has not
 * looked, and so fails nobody.
 */
import { isMainThread, Worker, type WorkerOptions, workerData } from "node:worker_threads";
import { type ErrorCode, GyreError } from "../errors.js";
import { Failures } from "../sim/failures.js";
import { waitAsync } from "../sync/waiter.js";
import { type Board, BUSY, CLOSED, GONE, IDLE, RESUMING } from "./board.js";
import type { Kept } from "./keeper.js";

/** Milliseconds without a sign of life after which a thread is given up. */
export const WATCHDOG_MS = 500;
/** Milliseconds that a thread has to end by itself, at most: it may be held by a debugger. */
const CLOSE_MS = 5000;
/** Milliseconds between two looks. */
const LOOK_MS = 50;
/** Milliseconds after which the main thread looks by itself, though nobody rang. */
const BELL_MS = 50;
/** Milliseconds for a thread to set its zones up, and for one that takes them up to load the game. */
const START_MS = 60_000;
const RESTART_MS = 8_000;

/** What a worker's thread says to the main thread. */
export type WorkerMessage =
  /** parts: of the digests of its first zone, where a recording is made. */
  | { readonly type: "ready"; readonly kept: readonly Kept[]; readonly parts: readonly string[] }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "stray"; readonly message: string }
  | { readonly type: "unkept"; readonly zone: number; readonly message: string }
  | { readonly type: "answer"; readonly question: number; readonly answer: unknown };

/** What it may be asked, between two ticks: the hash and digests of each zone at home. */
export interface Question {
  readonly type: "hashes";
  readonly question: number;
}

/** The answer: by zone. */
export type Hashes = readonly (readonly [number, bigint, ReadonlyMap<string, bigint>])[];

/** What it is told, once all are ready: of the zones as far as their memory can be shared. */
export interface GoMessage {
  readonly type: "go";
  readonly kept: readonly Kept[];
}

/** Why a thread was given up. */
export interface Failure {
  readonly slot: number;
  /** The zone that it was at; -1 for none. */
  readonly zone: number;
  readonly reason: string;
  /** There will be no other thread in the slot: the zones that are at home there are given up. */
  readonly isLast: boolean;
}

/** What a thread is asked, and has not answered. */
interface Asked {
  readonly slot: number;
  readonly question: Question;
  readonly resolve: (answer: unknown) => void;
}

interface CrewTimers {
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
}

interface CrewOptions {
  readonly board: Board;
  /** The module that a thread runs, and what it is given, beside its slot and why the one before it ended: see worker.ts. */
  readonly entry: URL;
  readonly data: object;
  readonly timers: CrewTimers;
  /** Default WATCHDOG_MS; Infinity for none. */
  readonly watchdogMs?: number;
  /** Ticks are done, or some time passed. */
  readonly onTicks: () => void;
  /** Of zones: those whose thread ended while it was at them are noted here. */
  readonly failures: Failures;
  /** A thread was given up, and ended; before another one takes its place. */
  readonly onFailure: (failure: Failure) => void;
  /** Something failed in a game outside of all hooks. It stops nothing. */
  readonly onStray: (message: string) => void;
  /** A zone has no journal any more: it stops when it fails. */
  readonly onUnkept: (zone: number, message: string) => void;
  /** Takes part in every thread's life: for tests. */
  readonly worker?: WorkerOptions;
}

/** Whether this thread is a crew's. A server that a game's module starts there would start threads that load the module, and so on for ever. */
export function isInCrew(): boolean {
  return !isMainThread && (workerData as { parts?: unknown } | null)?.parts !== undefined;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #threads: (Worker | null)[];
  readonly #kept = new Map<number, Kept>();
  #parts: readonly string[] = [];
  /** By slot: its heartbeat at the last look, and for how many looks it has not changed. */
  readonly #beats: Int32Array;
  readonly #stills: Int32Array;
  readonly #questions = new Map<number, Asked>();
  /** By slot, of threads that no zone is blamed for. */
  readonly #failures: Failures;
  #lastQuestion = 0;
  #looks: NodeJS.Timeout | undefined;
  #isClosing = false;

  /** Resolves when all threads tick. Throws what made one fail to start. */
  static async start(options: CrewOptions): Promise<Crew> {
    const crew = new Crew(options);
    try {
      await Promise.all(crew.#threads.map((_, slot) => crew.#begin(slot)));
    } catch (error) {
      await crew.close();
      throw error;
    }
    for (const thread of crew.#threads) thread?.postMessage(crew.#go);
    crew.#looks = setInterval(() => crew.#look(), LOOK_MS);
    crew.#listen();
    return crew;
  }

  private constructor(options: CrewOptions) {
    const { slots } = options.board;
    this.#options = options;
    this.#threads = new Array<Worker | null>(slots).fill(null);
    this.#beats = new Int32Array(slots);
    this.#stills = new Int32Array(slots);
    this.#failures = new Failures(slots);
  }

  /** Zones by index, as far as their memory can be shared. */
  get kept(): ReadonlyMap<number, Kept> {
    return this.#kept;
  }

  /** Names of the digests of a zone, where a recording is made. */
  get parts(): readonly string[] {
    return this.#parts;
  }

  /** Ticks until this one and resolves; for a server that does not tick by the clock. */
  async advanceTo(tick: number): Promise<void> {
    const { board, timers } = this.#options;
    board.target = tick;
    for (let seen = board.mainBell.value; !board.areAllAt(tick); seen = board.mainBell.value) {
      if (this.#isClosing) return;
      await waitAsync(board.mainBell.words, board.mainBell.index, seen, BELL_MS, timers);
    }
    this.#options.onTicks();
  }

  /** Of every zone that is at home somewhere: between two ticks, which differ between slots unless the server stands still. */
  async hashes(): Promise<Hashes> {
    const { board } = this.#options;
    const answers = this.#threads.map((thread, slot) => {
      if (board.state(slot) === CLOSED) return [];
      const question: Question = { type: "hashes", question: ++this.#lastQuestion };
      thread?.postMessage(question);
      return new Promise<unknown>((resolve) => {
        this.#questions.set(question.question, { slot, question, resolve });
      });
    });
    board.call();
    const found = (await Promise.all(answers)) as Hashes[];
    return found.flat().sort(([a], [b]) => a - b);
  }

  /** Ends the thread in this slot wherever it is, as a fault would: for tests. */
  async kill(slot: number): Promise<void> {
    await this.#threads[slot]?.terminate();
  }

  /** Ends all threads, in the middle of nothing. */
  async close(patienceMsMax = Number.POSITIVE_INFINITY): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#looks);
    this.#options.board.stop();
    // Those that were not told to go do not listen.
    const patienceMs = this.#looks === undefined ? 0 : Math.min(this.#watchdogMs, patienceMsMax);
    await Promise.all(this.#threads.map((thread) => thread && ended(thread, patienceMs)));
    this.#options.board.mainBell.ring();
  }

  get #watchdogMs(): number {
    return this.#options.watchdogMs ?? WATCHDOG_MS;
  }

  get #go(): GoMessage {
    return { type: "go", kept: [...this.#kept.values()] };
  }

  /**
   * Starts a thread in the slot; resolves when its zones are there. Throws when it cannot set them up. former: why the one before it ended; ""
   * when there was none.
   */
  #begin(slot: number, former = ""): Promise<void> {
    const { entry, data, board, worker, onStray } = this.#options;
    const workerData = { ...data, slot, former, kept: [...this.#kept.values()] };
    const thread = new Worker(entry, { ...worker, workerData, name: `sim-${slot}` });
    this.#threads[slot] = thread;
    return new Promise((resolve, reject) => {
      const fail = (error: GyreError): void => {
        reject(error);
        this.#failed(slot, thread, error.message);
      };
      const late = setTimeout(
        () => fail(failed(`sim-${slot} did not come to an end of setting up its zones`)),
        former === "" ? START_MS : RESTART_MS,
      );
      thread.on("message", (message: WorkerMessage) => {
        if (message.type === "stray") onStray(message.message);
        else if (message.type === "unkept") this.#options.onUnkept(message.zone, message.message);
        else if (message.type === "answer") this.#answered(message.question, message.answer);
        else if (message.type === "failed") fail(new GyreError(message.code, message.message));
        else {
          clearTimeout(late);
          for (const one of message.kept) this.#kept.set(one.zone, one);
          if (message.parts.length > 0) this.#parts = message.parts;
          // One that resumes has its ticks to catch up with.
          if (former === "") board.setState(slot, IDLE);
          resolve();
        }
      });
      thread.on("error", (error: Error) => fail(failed(`sim-${slot}: ${error.message}`)));
      thread.on("exit", (status) => {
        clearTimeout(late);
        fail(failed(`sim-${slot} ended by itself with status ${status}`));
      });
    });
  }

  /** A thread is no use any more: its slot is handed to another, once, and unless all is over. */
  #failed(slot: number, thread: Worker, reason: string): void {
    if (this.#isClosing || this.#threads[slot] !== thread || this.#looks === undefined) return;
    this.#threads[slot] = null;
    // What it has may be taken from it once it does nothing any more.
    thread.terminate().then(() => this.#ended(slot, reason));
  }

  #ended(slot: number, reason: string): void {
    const { board, failures, timers, onFailure } = this.#options;
    const zone = board.zoneOf(slot);
    // A step that was lent is its home's to find out about.
    if (zone >= 0 && board.home(zone) === slot) failures.note(zone, timers.now());
    const isLast = zone < 0 && this.#failures.note(slot, timers.now());
    // The others go on without it.
    board.setState(slot, isLast ? CLOSED : GONE);
    board.setZone(slot, -1);
    board.repairOpening(slot);
    board.bell.ring();
    onFailure({ slot, zone, reason, isLast });
    if (!isLast && !this.#isClosing) this.#replace(slot, reason);
    if (isLast) this.#answerFor(slot);
  }

  #replace(slot: number, former: string): void {
    this.#begin(slot, former).then(
      () => {
        this.#threads[slot]?.postMessage(this.#go);
        for (const asked of this.#questions.values()) {
          if (asked.slot === slot) this.#threads[slot]?.postMessage(asked.question);
        }
        this.#options.board.call();
      },
      // Told by the next failure, which follows.
      () => {},
    );
  }

  /** There is nobody to be asked. */
  #answerFor(slot: number): void {
    for (const asked of this.#questions.values()) if (asked.slot === slot) this.#answered(asked.question.question, []);
  }

  #answered(question: number, answer: unknown): void {
    this.#questions.get(question)?.resolve(answer);
    this.#questions.delete(question);
  }

  #look(): void {
    const { board } = this.#options;
    for (let slot = 0; slot < board.slots; slot++) {
      const thread = this.#threads[slot];
      const beat = board.heartbeat(slot);
      if (!hasToMove(board, slot) || beat !== this.#beats[slot] || thread === null || thread === undefined)
        this.#stills[slot] = 0;
      else this.#stills[slot] = (this.#stills[slot] ?? 0) + 1;
      this.#beats[slot] = beat;
      if (thread && (this.#stills[slot] ?? 0) * LOOK_MS >= this.#watchdogMs) {
        this.#failed(slot, thread, `sim-${slot} did not move on for ${this.#watchdogMs} ms`);
      }
    }
  }

  async #listen(): Promise<void> {
    const { board, timers, onTicks } = this.#options;
    const { words, index } = board.mainBell;
    while (!this.#isClosing) {
      const seen = board.mainBell.value;
      onTicks();
      await waitAsync(words, index, seen, BELL_MS, timers);
    }
  }
}

/** Also one that hangs between two ticks, in what its game left for later, and does not hear of the next. */
function hasToMove(board: Board, slot: number): boolean {
  const state = board.state(slot);
  return state === BUSY || state === RESUMING || (state === IDLE && board.arrived(slot) < board.tick);
}

function failed(message: string): GyreError {
  return new GyreError("GAME_FAILED", message);
}

/** It ends by itself when it hears that the server stops, and is ended when it does not. */
async function ended(thread: Worker, patienceMs: number): Promise<void> {
  // As it did already.
  if (thread.threadId < 0) return;
  await new Promise<void>((resolve) => {
    const late = setTimeout(() => thread.terminate(), Math.min(patienceMs, CLOSE_MS));
    thread.once("exit", () => {
      clearTimeout(late);
      resolve();
    });
  });
}
