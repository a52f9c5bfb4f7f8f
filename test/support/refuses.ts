/** What a test refuses. The package and src have a GyreError each: what one throws is none of the other's. */
import * as assert from "uvu/assert";
import { type ErrorCode, GyreError } from "../../src/errors.js";

export type Refuses = (code: ErrorCode, call: () => unknown, message?: RegExp) => void;

/** Fails unless `call` throws an error of this class with this code whose message matches. */
export function refuser(errors: new (code: ErrorCode, message: string) => { code: string; message: string }): Refuses {
  return (code, call, message = /./) => {
    try {
      call();
    } catch (error) {
      if (!(error instanceof errors)) throw error;
      assert.is(error.code, code, error.message);
      assert.match(error.message, message);
      return;
    }
    assert.unreachable(`nothing was thrown, ${code} was expected`);
  };
}

/** For tests of what the package does not export. */
export const refuses = refuser(GyreError);
