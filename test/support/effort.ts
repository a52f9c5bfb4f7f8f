/**
 * How much the tests do whose tries are random and take seconds: 1 by default, more by TEST_EFFORT in the environment. `.ci/run` takes 4; what
 * they count on is in proportion.
 */
export const EFFORT = Number(process.env["TEST_EFFORT"] ?? 1);
