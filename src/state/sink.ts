/** Bytes that are appended to, in a buffer that grows and is used again. */

const encoder = new TextEncoder();
/** Bytes of UTF-8 for a UTF-16 unit, at most. */
const BYTES_PER_UNIT_MAX = 3;
const BYTES_FIRST = 1024;

export class ByteSink {
  size = 0;
  #buffer = new Uint8Array(BYTES_FIRST);

  /** What was appended; valid until more is. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.size);
  }

  clear(): void {
    this.size = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.size++] = value;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.size);
    this.size += bytes.length;
  }

  text(text: string): void {
    this.#reserve(BYTES_PER_UNIT_MAX * text.length);
    this.size += encoder.encodeInto(text, this.#buffer.subarray(this.size)).written;
  }

  #reserve(size: number): void {
    if (this.size + size <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.size + size, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.size));
    this.#buffer = larger;
  }
}
