/** A connection that lives in memory: keeps what it was sent, and flushes when it is told to, or at once. */
import type { Wire } from "../../src/net/wire.js";

export class MemoryWire implements Wire {
  queuedBytes = 0;
  readonly texts: string[] = [];
  /** Copies of the binary frames. */
  readonly frames: Uint8Array[] = [];
  /** Both, in their order. */
  readonly messages: (string | Uint8Array)[] = [];
  frameCount = 0;
  frameBytes = 0;
  /** Messages that left together are one. */
  writes = 0;
  isHeld = false;
  #hasKept = false;
  pings = 0;
  closedWith = 0;
  terminated = false;
  /** Hears all that is sent, in its order. */
  heard: ((message: string | Uint8Array) => void) | null = null;
  #flushed: (() => void)[] = [];

  /** keep: remember what is sent. slow: flush only when told. */
  constructor(
    readonly keep = true,
    public slow = false,
  ) {}

  sendText(text: string, flushed?: () => void): void {
    this.#write();
    if (this.keep) {
      this.texts.push(text);
      this.messages.push(text);
    }
    this.heard?.(text);
    if (flushed !== undefined) this.#sent(flushed);
  }

  sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void {
    this.#write();
    if (this.keep) {
      this.frames.push(bytes.slice(offset, offset + size));
      this.messages.push(bytes.slice(offset, offset + size));
    }
    this.heard?.(bytes.subarray(offset, offset + size));
    this.frameCount++;
    this.frameBytes += size;
    this.#sent(flushed);
  }

  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    if (this.#hasKept) this.writes++;
    this.isHeld = this.#hasKept = false;
  }

  /** A message leaves, or is kept. */
  #write(): void {
    if (this.isHeld) this.#hasKept = true;
    else this.writes++;
  }

  ping(): void {
    this.pings++;
  }

  close(code: number): void {
    this.closedWith = code;
  }

  terminate(): void {
    this.terminated = true;
  }

  flush(): void {
    const all = this.#flushed;
    this.#flushed = [];
    for (const flushed of all) flushed();
  }

  #sent(flushed: () => void): void {
    if (this.slow) this.#flushed.push(flushed);
    else flushed();
  }
}
