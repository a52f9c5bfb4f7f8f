/**
 * The memory one frame is composed into, owned and reused by the caller. There is room before it, so that what goes before its bytes on the way
 * is written there, and nothing is copied: a piece's head, two bytes, and the transport's, four.
 */

/** Bytes before the frame. */
export const FRAME_AT = 8;

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
