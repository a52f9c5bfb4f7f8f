/** Benchmark.js asks `require` for lodash, which a bundle does not have, and then looks for this global. */
// @ts-expect-error lodash comes with benchmark and has no types here
import lodash from "lodash";

(globalThis as { _?: unknown })._ = lodash;
