/** For tests of what the package does not export: what `refuses` of kernels.ts is for what it does. */
import * as assert from "uvu/assert";
import { type ErrorCode, GyreError } from "../../src/errors.js";

/** Fails unless `call` throws a GyreError of src with this code whose message matches. */
export function refuses(code: ErrorCode, call: () => unknown, message = /./): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    assert.is(error.code, code, error.message);
    assert.match(error.message, message);
    return;
  }
  assert.unreachable(`nothing was thrown, ${code} was expected`);
}
