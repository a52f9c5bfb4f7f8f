/**
 * The memory one frame is composed into, owned and reused by the caller. Blocks are copied a word at a time: the frame and
 * its blocks are whole words, and `set(subarray)` would leave a view as garbage for every block of every session.
 */
export class FrameBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  words: Uint32Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;

  /** Size in bytes, rounded up to whole words. */
  constructor(size: number) {
    const buffer = new ArrayBuffer((size + 3) & ~3);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Bytes. */
  get size(): number {
    return this.bytes.length;
  }

  /** At least `size` bytes, doubling, so that a growing crowd costs few allocations. The contents are lost. */
  grow(size: number): void {
    if (size > this.size) this.#become(new FrameBuffer(2 ** Math.ceil(Math.log2(size))));
  }

  /** No bytes at all. */
  shrink(): void {
    this.#become(new FrameBuffer(0));
  }

  #become({ bytes, words, view }: FrameBuffer): void {
    this.bytes = bytes;
    this.words = words;
    this.view = view;
  }
}
