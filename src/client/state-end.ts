/** The client's end of a zone's state tree: puts long messages together, and keeps a mirror of what it is told. See docs/state.md. */
import { GyreError } from "../errors.js";
import { CHUNK_STATE, ChunkAssembler, isChunk } from "../protocol/chunks.js";
import type { ZoneInfo } from "../protocol/control.js";
import { type MirrorEvent, StateMirror } from "../state/mirror.js";
import { unpack } from "../state/unpack.js";

/** Whatever the game declared: see its `sync`. */
// biome-ignore lint/suspicious/noExplicitAny: of the game's own form, which the client does not know.
export type StateView = { readonly [name: string]: any };

export class StateEnd {
  #mirror: StateMirror | null = null;
  readonly #chunks = new ChunkAssembler(CHUNK_STATE);

  /** What follows is of this zone. Throws BAD_MESSAGE. */
  constructor(zone: ZoneInfo) {
    this.begin(zone);
  }

  begin({ sync }: ZoneInfo): void {
    this.#mirror = sync === undefined ? null : new StateMirror(sync);
    this.#chunks.reset();
  }

  /** What follows comes by another connection: the first of it tells everything anew. */
  resume(): void {
    this.#chunks.reset();
  }

  get broadcast(): StateView {
    return this.#mirror?.broadcast ?? NOTHING;
  }

  get own(): StateView {
    return this.#mirror?.own ?? NOTHING;
  }

  /** The events in it; null for a piece that is not the last. Throws BAD_FRAME, and the mirror is as it was. */
  receiveBytes(bytes: Uint8Array): readonly MirrorEvent[] | null {
    const whole = isChunk(bytes) ? this.#chunks.add(bytes) : bytes;
    return whole === null ? null : this.#apply(unpack(whole));
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
}

const NOTHING: StateView = Object.freeze({});
