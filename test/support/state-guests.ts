/** Players and spectators of a game with a state tree, in memory: what they are sent, and what they make of it. */
import { StateEnd } from "../../src/client/state-end.js";
import { defineGame } from "../../src/game/define.js";
import type { Hub } from "../../src/net/hub.js";
import type { Session } from "../../src/net/session.js";
import { isState } from "../../src/protocol/chunks.js";
import type { ZoneInfo } from "../../src/protocol/control.js";
import { FORMAT_NAMES, MSGPACK } from "../../src/state/formats.js";
import type { MirrorEvent } from "../../src/state/mirror.js";
import { unpack } from "../../src/state/unpack.js";
import { definition } from "../games/synced.js";
import { MemoryWire } from "./memory-wire.js";

/** As tests know it, whose modules are not those of the package. */
export const SYNCED = defineGame(definition);

/** Holds state messages while it is slow: they are heard at once, and are on their way until it is not. */
class SlowWire extends MemoryWire {
  #held: (() => void)[] | null = null;

  constructor() {
    super(false);
  }

  set isSlow(isSlow: boolean) {
    const held = this.#held ?? [];
    this.#held = isSlow ? held : null;
    if (!isSlow) for (const flushed of held) flushed();
  }

  override sendText(text: string, flushed?: () => void): void {
    super.sendText(text, text.startsWith("[") ? this.#hold(flushed) : flushed);
  }

  override sendBytes(bytes: Uint8Array<ArrayBuffer>, offset: number, size: number, flushed: () => void): void {
    super.sendBytes(bytes, offset, size, isState(bytes, offset) ? this.#hold(flushed) : flushed);
  }

  #hold(flushed: () => void = () => {}): () => void {
    if (this.#held === null) return flushed;
    this.#held.push(flushed);
    return () => {};
  }
}

export class StateGuest {
  readonly wire = new SlowWire();
  readonly session: Session;
  /** All messages of the state tree, in order, since the last welcome of another zone: text, or bytes in hexadecimal. */
  messages: string[] = [];
  readonly events: MirrorEvent[] = [];
  readonly everything: (string | Uint8Array)[] = [];
  zone = "";
  error: unknown = null;
  end: StateEnd | null = null;

  constructor(
    readonly hub: Hub,
    readonly name: string,
    readonly format: number,
  ) {
    this.wire.heard = (message) => this.#hear(message);
    this.session = hub.open(this.wire, format === MSGPACK ? "binary" : "json", format);
  }

  get isFirst(): boolean {
    return this.messages.length === 0;
  }

  join(zone = "zone-0"): this {
    return this.send({ type: "join", name: this.name, zone });
  }

  watch(zone = "zone-0"): this {
    return this.send({ type: "view", x0: 0, y0: 0, x1: 100, y1: 100, zone });
  }

  send(message: object): this {
    const text = JSON.stringify(message);
    this.session.receiveText(text, text.length);
    return this;
  }

  /** The first elements of its messages, by which they are told apart. */
  get opcodes(): unknown[] {
    return this.messages.map((message) => (this.parsed(message) as unknown[])[0]);
  }

  parsed(message: string): unknown {
    return this.format === MSGPACK ? unpack(Buffer.from(message, "hex")) : JSON.parse(message);
  }

  toString(): string {
    return `${this.name} (${FORMAT_NAMES[this.format]})`;
  }

  #hear(message: string | Uint8Array): void {
    this.everything.push(typeof message === "string" ? message : message.slice());
    try {
      if (typeof message === "string" && !message.startsWith("[")) this.#control(JSON.parse(message));
      else if (typeof message === "string") this.#told(message, this.end?.receiveText(message));
      else if (this.end !== null && isState(message)) {
        this.#told(Buffer.from(message).toString("hex"), this.end.receiveBytes(message) ?? undefined);
      }
    } catch (error) {
      this.error ??= error;
    }
  }

  #told(message: string, events: readonly MirrorEvent[] | undefined): void {
    this.messages.push(message);
    if (events !== undefined) this.events.push(...events);
  }

  #control({ type, zone }: { type: string; zone?: ZoneInfo }): void {
    if ((type !== "welcome" && type !== "watching") || zone === undefined || zone.name === this.zone) return;
    this.zone = zone.name;
    this.messages = [];
    if (this.end === null) this.end = new StateEnd(zone);
    else this.end.begin(zone);
  }
}
