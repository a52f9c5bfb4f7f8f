/**
 * A running server's recording: what is told of its zones goes to whoever takes it, and ends when that one can take no more, or no more
 * can be told. The server does not: a disk that is full costs the recording, not the players.
 */
import { createHash } from "node:crypto";
import type { GamePlan } from "../game/plan.js";
import type { Kernel } from "../kernel/types.js";
import type { RecorderSpec } from "../sim/recorder.js";

export interface RecordOptions {
  /** The game's module as a replay shall find it, and the SHA-256 of its bytes in hexadecimal; both "" for the demo. */
  readonly file: string;
  readonly digest: string;
  /** Takes the next bytes of the file, valid during the call. False: it can take no more, and the recording ends. */
  write(bytes: Uint8Array): boolean;
}

/** What the zones tell goes here. */
export type RecordingSink = Omit<RecorderSpec, "zones">;

/** Tells of zones, wherever they run. */
export interface RecordingSource {
  /** Why it cannot go on; "" while it can. */
  readonly failure: string;
  /** After each step of the zones. */
  endTick(): void;
  /** The last checkpoint and the end. */
  close(): void;
  /** Stops without a word. */
  abandon(): void;
}

export interface RecordingSpec {
  readonly options: RecordOptions;
  readonly plan: GamePlan;
  readonly kernel: Kernel;
  /** Of zones that have not ticked yet. */
  readonly sourceOf: (sink: RecordingSink) => RecordingSource;
}

export class Recording {
  /** Bytes that were taken. */
  bytes = 0;
  /** Whether it still goes on. */
  isOpen = true;
  readonly #source: RecordingSource;
  readonly #onEnd: (why: string) => void;
  #isTold = false;

  /** Before the first tick. onEnd: it ended before the server did. */
  constructor({ options, plan, kernel, sourceOf }: RecordingSpec, onEnd: (why: string) => void) {
    const { file, digest } = options;
    this.#onEnd = onEnd;
    this.#source = sourceOf({
      map: plan.map,
      header: {
        game: { name: plan.name, file, digest },
        layoutVersion: kernel.layoutVersion,
        kernel: plan.kernel === undefined ? "" : digestOf(plan.kernel),
        tickRate: plan.tickRate,
        settings: plan.settings,
      },
      write: (bytes) => {
        if (!this.isOpen) return;
        this.isOpen = options.write(bytes);
        if (this.isOpen) this.bytes += bytes.length;
      },
    });
  }

  /** After each step of the zones. */
  endTick(): void {
    if (this.isOpen) this.#source.endTick();
    if (this.#source.failure !== "") this.end(this.#source.failure);
    else if (!this.isOpen) this.end("its file takes no more");
  }

  /** It ends before the server does: nothing of what comes can be recorded. */
  end(why: string): void {
    this.isOpen = false;
    if (this.#isTold) return;
    this.#isTold = true;
    this.#source.abandon();
    this.#onEnd(why);
  }

  close(): void {
    if (!this.isOpen) return;
    this.#source.close();
    if (this.#source.failure !== "") this.end(this.#source.failure);
    this.isOpen = false;
    this.#isTold = true;
  }
}

/** SHA-256, hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
