/**
 * The memory one frame is composed into, owned and reused by the caller. Two bytes lie before it, so that a frame that goes in pieces can have
 * the head of each right before its bytes, where those of the one before are gone already.
 */

/** Bytes before the frame. */
export const FRAME_AT = 2;

export class FrameBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;

  /** Size in bytes of the largest frame. */
  constructor(size: number) {
    const buffer = new ArrayBuffer(size === 0 ? 0 : FRAME_AT + size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Bytes of a frame that fits. */
  get size(): number {
    return Math.max(0, this.bytes.length - FRAME_AT);
  }

  /** At least `size` bytes, doubling, so that a growing crowd costs few allocations. The contents are lost. */
  grow(size: number): void {
    if (size > this.size) this.#become(new FrameBuffer(2 ** Math.ceil(Math.log2(size))));
  }

  /** No bytes at all. */
  shrink(): void {
    this.#become(new FrameBuffer(0));
  }

  #become({ bytes, view }: FrameBuffer): void {
    this.bytes = bytes;
    this.view = view;
  }
}
