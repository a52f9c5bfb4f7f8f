/**
 * The client's end of a zone's state tree: puts long messages together, in one buffer that is used again, and keeps a mirror of what it is told.
 * See docs/state.md.
 */
import { GyreError } from "../errors.js";
import type { ZoneInfo } from "../protocol/control.js";
import { FRAME_CHUNK } from "../protocol/frame.js";
import { CHUNK_LAST, CHUNK_STATE } from "../state/formats.js";
import { MESSAGE_BYTES_MAX } from "../state/limits.js";
import { type MirrorEvent, StateMirror } from "../state/mirror.js";
import { unpack } from "../state/unpack.js";

/** Whatever the game declared: see its `sync`. */
// biome-ignore lint/suspicious/noExplicitAny: of the game's own form, which the client does not know.
export type StateView = { readonly [name: string]: any };

const CHUNK_HEAD_BYTES = 2;
/** MessagePack's arrays begin with no byte below; snapshots do. */
const PACKED_FIRST = 0x80;

export class StateEnd {
  #mirror: StateMirror | null = null;
  /** The pieces of a message so far. */
  #buffer = new Uint8Array(0);
  #size = 0;

  /** What follows is of this zone. Throws BAD_MESSAGE. */
  constructor(zone: ZoneInfo) {
    this.begin(zone);
  }

  begin({ sync }: ZoneInfo): void {
    this.#mirror = sync === undefined ? null : new StateMirror(sync);
    this.#size = 0;
  }

  /** What follows comes by another connection: the first of it tells everything anew. */
  resume(): void {
    this.#size = 0;
  }

  get broadcast(): StateView {
    return this.#mirror?.broadcast ?? NOTHING;
  }

  get own(): StateView {
    return this.#mirror?.own ?? NOTHING;
  }

  /** Whether a binary message is one of the state tree, or a piece of one. */
  isState(bytes: Uint8Array): boolean {
    const [first = 0, flags = 0] = bytes;
    return first >= PACKED_FIRST || (first === FRAME_CHUNK && (flags & CHUNK_STATE) !== 0);
  }

  /** The events in it; null for a piece that is not the last. Throws BAD_FRAME, and the mirror is as it was. */
  receiveBytes(bytes: Uint8Array): readonly MirrorEvent[] | null {
    if (bytes[0] !== FRAME_CHUNK) return this.#apply(unpack(bytes));
    const [, flags = 0] = bytes;
    if ((flags & ~(CHUNK_STATE | CHUNK_LAST)) !== 0) throw new GyreError("BAD_FRAME", `a chunk's flags are ${flags}`);
    this.#append(bytes.subarray(CHUNK_HEAD_BYTES));
    if ((flags & CHUNK_LAST) === 0) return null;
    const message = this.#buffer.subarray(0, this.#size);
    this.#size = 0;
    return this.#apply(unpack(message));
  }

  receiveText(text: string): readonly MirrorEvent[] {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      throw new GyreError("BAD_FRAME", `a state message of ${text.length} characters is not JSON`);
    }
    return this.#apply(message);
  }

  #apply(message: unknown): readonly MirrorEvent[] {
    if (this.#mirror === null) throw new GyreError("BAD_FRAME", "a state message of a zone that has no state tree");
    return this.#mirror.apply(message);
  }

  #append(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > MESSAGE_BYTES_MAX) {
      throw new GyreError("BAD_FRAME", `a state message of more than ${MESSAGE_BYTES_MAX} bytes`);
    }
    if (size > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(MESSAGE_BYTES_MAX, Math.max(size, 2 * this.#buffer.length)));
      larger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#size);
    this.#size = size;
  }
}

const NOTHING: StateView = Object.freeze({});
