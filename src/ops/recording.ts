/**
 * A running server's recording: what the recorder writes goes to whoever takes it, and ends when that one can take no more. The
 * server does not: a disk that is full costs the recording, not the players.
 */
import { createHash } from "node:crypto";
import type { GamePlan } from "../game/plan.js";
import type { Kernel } from "../kernel/types.js";
import { Recorder } from "../sim/recorder.js";
import type { Zones } from "../sim/zones.js";

export interface RecordOptions {
  /** The game's module as a replay shall find it, and the SHA-256 of its bytes in hexadecimal; both "" for the demo. */
  readonly file: string;
  readonly digest: string;
  /** Takes the next bytes of the file, valid during the call. False: it can take no more, and the recording ends. */
  write(bytes: Uint8Array): boolean;
}

export interface RecordingSpec {
  readonly options: RecordOptions;
  readonly plan: GamePlan;
  readonly kernel: Kernel;
  readonly zones: Zones;
}

export class Recording {
  /** Bytes that were taken. */
  bytes = 0;
  /** Whether it still goes on. */
  isOpen = true;
  readonly #recorder: Recorder;
  readonly #onEnd: () => void;
  #isTold = false;

  /** Before the first tick. onEnd: it ended because nobody takes its bytes any more. */
  constructor({ options, plan, kernel, zones }: RecordingSpec, onEnd: () => void) {
    const { file, digest } = options;
    this.#onEnd = onEnd;
    this.#recorder = new Recorder({
      zones,
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
    if (this.isOpen) this.#recorder.endTick();
    if (this.isOpen || this.#isTold) return;
    this.#isTold = true;
    this.#recorder.abandon();
    this.#onEnd();
  }

  close(): void {
    if (this.isOpen) this.#recorder.close();
    this.isOpen = false;
  }
}

/** SHA-256, hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
