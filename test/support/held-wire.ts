/** A connection that lives in memory, whose socket takes nothing until it is told to: counts what waits, as a socket does. */
import { WIRE_HEAD } from "../../src/net/wire.js";
import { MemoryWire } from "./memory-wire.js";

export class HeldWire extends MemoryWire {
  /** The most that ever waited. */
  queuedBytesMax = 0;
  /** What is called when the messages that wait have gone, in their order. */
  readonly held: (() => void)[] = [];

  constructor() {
    super(false);
  }

  override sendText(text: string, flushed?: () => void): void {
    super.sendText(text, this.#hold(Buffer.byteLength(text), flushed));
  }

  override sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void {
    super.sendBytes(bytes, offset, size, this.#hold(size, flushed));
  }

  /** So many messages go, the first ones first; those that come meanwhile among them. */
  take(count = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < count && this.held.length > 0; i++) this.held.shift()?.();
  }

  #hold(size: number, flushed?: () => void): () => void {
    const bytes = WIRE_HEAD + size;
    this.queuedBytes += bytes;
    this.queuedBytesMax = Math.max(this.queuedBytesMax, this.queuedBytes);
    this.held.push(() => {
      this.queuedBytes -= bytes;
      flushed?.();
    });
    return () => {};
  }
}
