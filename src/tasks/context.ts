/** One task that runs on this thread, or waits: what it is part of, and where its result goes. */
import { type Board, CANCELLED } from "./board.js";
import type { Listener, Pending } from "./pending.js";
import type { Host, Scope } from "./scope.js";

export type Steps = Generator<unknown, unknown, unknown>;

/** Whoever runs it. */
export interface Drives {
  readonly host: Host;
  readonly board: Board;
  drive(context: Context): void;
}

export class Context implements Scope, Listener {
  /** The slot, and the item of it, that the result goes to; -1 when it goes to `pending`. */
  readonly slot: number;
  item: number;
  readonly pending: Pending | undefined;
  /** The task that started it on its own thread. */
  readonly parent: Scope | undefined;
  /** When it is a generator. */
  steps: Steps | undefined;
  /** What it waits for. */
  awaited: Pending | undefined;
  /** Ended from outside: what it comes to is not wanted. */
  dropped = false;
  readonly #driver: Drives;

  constructor(driver: Drives, slot: number, item: number, pending?: Pending, parent?: Scope) {
    this.#driver = driver;
    this.slot = slot;
    this.item = item;
    this.pending = pending;
    this.parent = parent;
  }

  get host(): Host {
    return this.#driver.host;
  }

  get isCancelled(): boolean {
    if (this.dropped) return true;
    if (this.slot < 0) return this.parent?.isCancelled ?? false;
    const { board } = this.#driver;
    return Atomics.load(board.words, board.slot(this.slot) + CANCELLED) !== 0;
  }

  /** What it waited for is there. */
  settled(): void {
    this.#driver.drive(this);
  }
}
