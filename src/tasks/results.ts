/** What the items of a run or a batch came to, put together in the order of the list. */
import { GyreError } from "../errors.js";
import type { Pending } from "./pending.js";
import type { BatchOptions, Outcome } from "./types.js";

export class Results {
  readonly #list: unknown[] | Float64Array;
  readonly #settle: boolean;
  /** Index of the first error so far. */
  #failed = Number.POSITIVE_INFINITY;
  #error: unknown;

  constructor({ settle = false, into }: BatchOptions, count: number) {
    this.#settle = settle;
    this.#list = into ?? new Array<unknown>(count);
  }

  value(index: number, value: unknown): void {
    if (!this.#settle) this.#list[index] = value as number;
    else this.#list[index] = { status: "fulfilled", value } satisfies Outcome<unknown> as never;
  }

  error(index: number, reason: unknown): void {
    if (this.#settle) {
      this.#list[index] = { status: "rejected", reason } satisfies Outcome<unknown> as never;
    } else if (index < this.#failed) {
      this.#failed = index;
      this.#error = reason;
    }
  }

  settle(pending: Pending): void {
    if (this.#failed === Number.POSITIVE_INFINITY) pending.fulfil(this.#list);
    else pending.reject(this.#error);
  }
}

/** Refuses options that contradict each other or the list. */
export function checkBatch(list: ArrayLike<unknown>, { into, settle }: BatchOptions): void {
  if (!Number.isInteger(list?.length) || typeof list === "string") {
    throw new GyreError("BAD_ARGUMENT", `a batch needs a list, not ${String(list)}`);
  }
  if (into === undefined) return;
  if (!(into instanceof Float64Array) || into.length < list.length || settle === true) {
    throw new GyreError("BAD_ARGUMENT", `into: a Float64Array of at least ${list.length}, and not with settle`);
  }
}
