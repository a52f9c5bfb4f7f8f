/**
 * The file that a recording goes to while a server runs. Bytes are copied into one of two buffers and written by the other, so that
 * the tick never waits for the disk:
 *
 *     write -> | filling |   | being written | -> file          they change places when the disk is done
 *
 * A disk that is so slow that the filling buffer is full, or an error, ends the recording: write says false, `failure` why, and the
 * server goes on. The file then ends without an end mark; what is in it can be replayed up to its last checkpoint.
 */
import { closeSync, openSync, write as writeAsync, writeSync } from "node:fs";
import { GyreError } from "../errors.js";

/** Bytes that may wait for the disk: a busy server of 100 zones for more than a minute. */
const BUFFER_SIZE = 4 * 1024 * 1024;

export class RecordingFile {
  /** Why the recording ended early; null while it did not. */
  failure: string | null = null;
  readonly #path: string;
  /** A server that is refused before there is anything to record replaces no file. */
  #opened: number | null = null;
  #filling = new Uint8Array(BUFFER_SIZE);
  #size = 0;
  #spare = new Uint8Array(BUFFER_SIZE);
  #isBusy = false;
  #isStarted = false;
  #whenIdle: (() => void) | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Until this is called, bytes are written at once, however many: header and map. The first replace a file of that name. */
  start(): void {
    this.#isStarted = true;
  }

  /** Takes the next bytes, valid during the call. False once the recording has ended early. Throws FILE_UNREADABLE before the start. */
  readonly write = (bytes: Uint8Array): boolean => {
    if (this.failure !== null) return false;
    if (!this.#isStarted) {
      this.#writeNow(bytes);
    } else if (this.#size + bytes.length > BUFFER_SIZE) {
      this.failure = `the disk is too slow: ${this.#size} bytes wait for it`;
      return false;
    } else {
      this.#filling.set(bytes, this.#size);
      this.#size += bytes.length;
      this.#flush();
    }
    return true;
  };

  /** Resolves when all was written, or the recording has ended early. */
  async close(): Promise<void> {
    if (this.#isBusy) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    if (this.#opened !== null) closeSync(this.#opened);
  }

  get #file(): number {
    this.#opened ??= openSync(this.#path, "w");
    return this.#opened;
  }

  #writeNow(bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }

  #flush(): void {
    if (this.#isBusy || this.#size === 0) return;
    const full = this.#filling;
    const size = this.#size;
    this.#filling = this.#spare;
    this.#spare = full;
    this.#size = 0;
    this.#isBusy = true;
    this.#writeOn(full, 0, size);
  }

  #writeOn(bytes: Uint8Array, done: number, size: number): void {
    writeAsync(this.#file, bytes, done, size - done, null, (error, written) => {
      if (error === null && done + written < size) {
        this.#writeOn(bytes, done + written, size);
        return;
      }
      this.#isBusy = false;
      if (error !== null) this.failure = error.code ?? error.message;
      else this.#flush();
      if (!this.#isBusy) this.#whenIdle?.();
    });
  }
}

function unwritable(path: string, error: unknown): GyreError {
  return new GyreError("FILE_UNREADABLE", `cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`);
}
